"""WordPress's own API (wp/v2) as one of its users, with an application password.

Source: developer.wordpress.org/rest-api/reference (November 2026).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from ..api import AccountGone, Deferred, Uncertain
from ..http import Answer, Door

# Of the user or the site, never of this post: no login, no right, no such API here.
GONE = (401, 403, 404)


@dataclass(frozen=True, slots=True)
class Client:
    """One user of one site."""

    door: Door
    url: str
    login: str

    def get(self, path: str, *, show: Collection[int] = (), **query: Any) -> Answer:
        """Ask for something; what has no place in the query is left out."""
        return self._ask("GET", f"{path}?{urlencode(query)}" if query else path, show=show)

    def post(
        self,
        path: str,
        json: Mapping[str, Any] | None = None,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        show: Collection[int] = (),
    ) -> Answer:
        """Make or change something."""
        return self._ask("POST", path, json=json, body=body, headers=headers or {}, show=show)

    def _ask(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **rest: Any
    ) -> Answer:
        return self.door.request(
            method,
            f"{self.url.rstrip('/')}/wp-json/wp/v2/{path}",
            headers={"Authorization": f"Basic {self.login}", **(headers or {})},
            gone=GONE,
            **rest,
        )


def verify(client: Client) -> None:
    """The password is this user's, and the user may publish."""
    me = one(client.get("users/me", context="edit"))
    capabilities = me.get("capabilities")
    if not isinstance(capabilities, dict) or not capabilities.get("publish_posts"):
        raise AccountGone("this user may not publish posts", code="publish_posts", phase="answer")


def one(answer: Answer) -> dict[str, Any]:
    """The answer as an object; Uncertain after a write, Deferred after a read, where it is none."""
    found = answer.json()
    if not isinstance(found, dict):
        raise _another_shape(answer)
    return found


def rows(answer: Answer) -> list[dict[str, Any]]:
    """The answer as a list of objects."""
    found = answer.json()
    if not isinstance(found, list):
        raise _another_shape(answer)
    return [each for each in found if isinstance(each, dict)]


def _another_shape(answer: Answer) -> Uncertain | Deferred:
    if answer.writes:
        return Uncertain("an answer of another shape", phase="answer")
    return Deferred("an answer of another shape", phase="answer", scope="account")


def number(found: Mapping[str, Any], name: str = "id") -> int:
    """A number of an object, 0 where there is none."""
    value = found.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def words(found: Mapping[str, Any], name: str, form: str) -> str:
    """One form (`raw`, `rendered`) of a text of an object."""
    value = found.get(name)
    return str(value.get(form) or "") if isinstance(value, dict) else ""
