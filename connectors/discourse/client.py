"""Discourse's API as one of its members.

Rules: a place in the forum is called `topic/number`, as readers see it in its address; a topic is its first post.
Source: docs.discourse.org (November 2026); discourse/discourse on GitHub, app/controllers and lib/post_creator.rb.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from ..api import AccountGone, Deferred, Uncertain
from ..http import Answer, Door

# A key that is not known is answered by 403, as is what a member may not do.
GONE = (401, 403)
PLACE = re.compile(r"([0-9]{1,18})/([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Client:
    """One member of one forum."""

    door: Door
    url: str
    username: str
    api_key: str
    category: int
    markdown: bool

    def get(self, path: str, query: Mapping[str, Any] | None = None, *, show: Collection[int] = ()) -> Answer:
        """Ask for something."""
        return self.ask("GET", f"{path}?{urlencode(query, doseq=True)}" if query else path, show=show)

    def ask(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **rest: Any) -> Answer:
        """One call."""
        login = {"Api-Key": self.api_key, "Api-Username": self.username, "Accept": "application/json"}
        url = f"{self.url.rstrip('/')}/{path}"
        return self.door.request(method, url, headers={**login, **(headers or {})}, gone=GONE, **rest)


def verify(client: Client) -> None:
    """The key is good, and it is this member's."""
    answer = client.get("session/current.json", show=(404,))
    who = one(answer).get("current_user") if answer.status != 404 else None
    named = who.get("username") if isinstance(who, dict) else None
    if not isinstance(named, str) or named.lower() != client.username.lower():
        raise AccountGone("this key is not that member's", code="username", phase="answer")


def one(answer: Answer) -> dict[str, Any]:
    """The answer as an object; Uncertain after a write, Deferred after a read, where it is none."""
    found = answer.json()
    if isinstance(found, dict):
        return found
    if answer.writes:
        raise Uncertain("an answer of another shape", phase="answer")
    raise Deferred("an answer of another shape", phase="answer", scope="account")


def rows(found: Mapping[str, Any], *names: str) -> list[dict[str, Any]]:
    """The objects of a list somewhere inside; nothing else of it."""
    value: Any = found
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def number(found: Mapping[str, Any], name: str) -> int:
    """A number of an object, 0 where there is none."""
    value = found.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**18 else 0


def place(found: Mapping[str, Any]) -> str:
    """What a post is called: `topic/number`; "" where it does not say."""
    topic, post = number(found, "topic_id"), number(found, "post_number")
    return f"{topic}/{post}" if topic and post else ""
