"""A double of X on loopback: posts, the two timelines and the user, with the answers of `connectors/x/samples`."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from . import far
from .far import Asked, Far, Said

USER_ID = "11"
FIRST = 1_985_000_000_000_000_000


@dataclass
class X(Far):
    """What X knows. A post is known by its text, all else by its path."""

    connector = "x"
    posts: list[dict[str, Any]] = field(default_factory=list)
    mentions: list[dict[str, Any]] = field(default_factory=list)
    users: dict[str, dict[str, str]] = field(default_factory=dict)
    now: datetime = datetime(2026, 11, 2, 9, 0, 5, tzinfo=UTC)
    lag: timedelta = timedelta(0)
    page: int = 100

    def name(self, asked: Asked) -> str:
        """The words of a post, else the path."""
        return str(asked.json()["text"]) if asked.body else asked.path

    def answer(self, asked: Asked) -> Said:
        """What X says to whoever has the user's token."""
        signed = r'OAuth .*oauth_token="token-of-11".*oauth_signature="'
        if not re.search(signed, asked.headers["authorization"]):
            return far.sample("x", "unauthorized")
        if asked.path == "/2/tweets" and asked.method == "POST":
            return self._create(asked.json())
        if asked.path == "/2/users/me":
            return far.sample("x", "me")
        if asked.path == f"/2/users/{USER_ID}/tweets":
            seen = [post for post in self.posts if post["at"] + self.lag <= self.now]
            since = datetime.fromisoformat(asked.query.get("start_time", "2006-01-01T00:00:00Z"))
            return self._page([post for post in seen if post["at"] >= since], asked)
        if asked.path == f"/2/users/{USER_ID}/mentions":
            after = int(asked.query.get("since_id", "0"))
            return self._page([one for one in self.mentions if int(one["id"]) > after], asked)
        return Said(404, {"title": "Not Found Error", "status": 404})

    def _create(self, body: dict[str, Any]) -> Said:
        if any(post["given"] == body["text"] for post in self.posts):
            return far.sample("x", "duplicate")
        return Said(201, {"data": {"id": self.take(body["text"], body.get("reply")), "text": body["text"]}})

    def take(self, text: str, reply: Any = None) -> str:
        """Keep a post the way X shows it: links shortened, three signs as entities."""
        number = str(FIRST + len(self.posts) + 1)
        links = re.findall(r"https?://\S+", text)
        shown = html.escape(text, quote=False)
        urls = []
        for n, link in enumerate(links):
            short = f"https://t.co/{number[-6:]}{n:04}"
            shown = shown.replace(html.escape(link, quote=False), short)
            urls.append({"url": short, "expanded_url": link})
        shown = f"@sianrees {shown}" if reply else shown
        post = {"id": number, "text": shown, "given": text, "at": self.now, "entities": {"urls": urls}}
        self.posts.append(post | ({"reply": reply} if reply else {}))
        return number

    def _page(self, posts: list[dict[str, Any]], asked: Asked) -> Said:
        newest_first = sorted(posts, key=lambda one: -int(one["id"]))
        start = int(asked.query.get("pagination_token", "0"))
        size = min(int(asked.query.get("max_results", "10")), self.page)
        shown = newest_first[start : start + size]
        meta: dict[str, Any] = {"result_count": len(shown)}
        if start + size < len(newest_first):
            meta["next_token"] = str(start + size)
        data = [{name: value for name, value in one.items() if name not in ("given", "at")} for one in shown]
        # X leaves `data` out where there is nothing.
        told = {"meta": meta, "includes": {"users": list(self.users.values())}}
        return Said(200, {**({"data": data} if data else {}), **told})


@contextmanager
def running() -> Iterator[X]:
    """X on a free port of 127.0.0.1."""
    with far.running(X()) as x:
        yield x
