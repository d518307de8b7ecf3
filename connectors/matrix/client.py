"""One account's way to its homeserver and its room, and what a refusal means.

Source: spec.matrix.org/v1.16/client-server-api (November 2026).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from ..api import AccountGone, ConnectorError, Deferred
from ..http import RETRY_AFTER_MAX_S, Answer, Door

API = "/_matrix/client/v3"
# No login, not in the room or not allowed to speak there, no such room: of the account, which has this one room.
GONE = (401, 403, 404)


@dataclass(frozen=True, slots=True)
class Client:
    """The door to the homeserver, its address without a slash at its end, the room as it was given, and the token."""

    door: Door
    url: str
    room: str
    token: str

    def read(self, path: str, query: Any = (), show: Collection[int] = ()) -> dict[str, Any]:
        """Ask for something that changes nothing; {} for a status in `show`."""
        asked = f"{path}?{urlencode(query)}" if query else path
        answer = self._ask("GET", asked, show=show)
        return told(answer) if answer.status == 200 else {}

    def write(
        self, verb: str, path: str, *, json: Any = None, body: bytes | None = None, kind: str = ""
    ) -> dict[str, Any]:
        """Ask for something that says or uploads something."""
        return told(
            self._ask(verb, path, json=json, body=body, headers={"Content-Type": kind} if kind else {})
        )

    def me(self) -> str:
        """The account's own name, @somebody:somewhere."""
        return _named(self.read(f"{API}/account/whoami").get("user_id"))

    def room_id(self) -> str:
        """The room's id, which an address stands for."""
        if self.room.startswith("!"):
            return self.room
        return _named(self.read(f"{API}/directory/room/{quote(self.room, safe='')}").get("room_id"))

    def verify(self) -> None:
        """The token works, the account is in the room, and what is said there can be read."""
        self.me()
        room = self.room_id()
        joined = self.read(f"{API}/joined_rooms").get("joined_rooms")
        if not isinstance(joined, list) or room not in joined:
            raise AccountGone("the account is not in this room: invite it, and accept there", code="room")
        if self.read(f"{self.at(room)}/state/m.room.encryption", show=(404,)):
            raise AccountGone(
                "this room is encrypted, and Dolen could neither write nor read there", code="encrypted"
            )

    def event(self, room: str, name: str) -> dict[str, Any]:
        """An event of the room; {} where it is not there, or not for us."""
        return self.read(f"{self.at(room)}/event/{quote(name, safe='')}", show=(403, 404))

    def at(self, room: str) -> str:
        """The path of a room."""
        return f"{API}/rooms/{quote(room, safe='')}"

    def _ask(self, verb: str, path: str, *, show: Collection[int] = (), **asked: Any) -> Answer:
        headers = {**asked.pop("headers", {}), "Authorization": f"Bearer {self.token}"}
        answer = self.door.request(
            verb, f"{self.url}{path}", headers=headers, gone=GONE, show=(*show, 429), **asked
        )
        if answer.status == 429:
            raise self._later(answer)
        return answer

    def _later(self, answer: Answer) -> ConnectorError:
        """Too much at once: servers say for how long in a header, or in milliseconds in the body."""
        try:
            told_ms = told(answer).get("retry_after_ms")
        except ConnectorError:
            told_ms = None
        wait_s = answer.retry_after_s
        if wait_s is None and type(told_ms) is int:
            wait_s = min(max(told_ms / 1000, 0.0), RETRY_AFTER_MAX_S)
        words = self.door.redact(f"429 {answer.body[:400].decode('utf-8', 'replace')}")
        return Deferred(words, code="429", phase="answer", scope="account", retry_after_s=wait_s)


def told(answer: Answer) -> dict[str, Any]:
    """The answer's object; {} where it is another thing."""
    found = answer.json()
    return found if isinstance(found, dict) else {}


def is_event(value: Any) -> bool:
    """Whether this names an event."""
    return isinstance(value, str) and value.startswith("$") and 1 < len(value) <= 255


def _named(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise Deferred("an answer of another shape", phase="answer", scope="account")
    return value
