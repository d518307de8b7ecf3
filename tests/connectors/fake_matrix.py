"""A double of a Matrix homeserver on loopback: one room, its events by transaction ids, pictures and places in time.

It answers with `connectors/matrix/samples`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from . import far
from .far import Asked, Far, Said

ME = "@cyngor:matrix.example"
ROOM = "!newyddion:matrix.example"
ALIAS = "#newyddion:matrix.example"
TOKEN = "syt_token_of_cyngor"
API = "/_matrix/client/v3"
IN_ROOM = f"{API}/rooms/{ROOM}"


@dataclass
class Matrix(Far):
    """What the server knows. What is said is known by its words, all else by its path."""

    connector = "matrix"
    events: list[dict[str, Any]] = field(default_factory=list)
    members: list[dict[str, Any]] = field(default_factory=list)
    transactions: dict[str, str] = field(default_factory=dict)
    media: list[tuple[bytes, str]] = field(default_factory=list)
    encrypted: bool = False
    page: int = 100

    def name(self, asked: Asked) -> str:
        """The words of what is said, else the path."""
        return str(asked.json()["body"]) if "/send/" in asked.path else asked.path

    def answer(self, asked: Asked) -> Said:
        """What the server says to whoever has the account's token."""
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return far.sample("matrix", "unknown_token")
        if asked.path.startswith(f"{IN_ROOM}/send/m.room.message/"):
            return self._say(asked)
        if asked.path.startswith(f"{IN_ROOM}/event/"):
            found = [one for one in self.events if one["event_id"] == asked.path.rpartition("/")[2]]
            return Said(200, found[0]) if found else far.sample("matrix", "not_found")
        if asked.path == f"{IN_ROOM}/state/m.room.encryption":
            return far.sample("matrix", "encrypted" if self.encrypted else "not_found")
        if asked.path == "/_matrix/media/v3/upload":
            self.media.append((asked.body, asked.headers["content-type"]))
            return Said(200, {"content_uri": f"mxc://matrix.example/{len(self.media)}"})
        if asked.path == f"{API}/sync":
            return self._sync(asked)
        if asked.path == f"{IN_ROOM}/messages":
            return self._before(asked)
        known = {f"{API}/account/whoami": "whoami", f"{API}/joined_rooms": "joined"}
        return far.sample(
            "matrix", {**known, f"{API}/directory/room/{ALIAS}": "alias"}.get(asked.path, "not_found")
        )

    def _say(self, asked: Asked) -> Said:
        """The first event of a transaction, however often it is sent."""
        key = asked.path.rpartition("/")[2]
        if key not in self.transactions:
            self.transactions[key] = self.take(ME, "m.room.message", asked.json())
        return Said(200, {"event_id": self.transactions[key]})

    def take(self, sender: str, kind: str, content: dict[str, Any]) -> str:
        """Put an event into the room."""
        name = f"$event-{len(self.events) + 1}"
        at_ms = 1_793_610_000_000 + len(self.events)
        told = {
            "type": kind,
            "event_id": name,
            "sender": sender,
            "content": content,
            "origin_server_ts": at_ms,
        }
        self.events.append(told)
        return name

    def _sync(self, asked: Asked) -> Said:
        """The newest events after a place; `limited` where there are more."""
        wanted = json.loads(asked.query["filter"])["room"]
        assert wanted["rooms"] == [ROOM] and asked.query["timeout"] == "0"
        since = int(asked.query.get("since", "s0")[1:])
        told = self._wanted(wanted["timeline"], since, len(self.events))
        shown = told[-self.page :]
        timeline = {"events": [one for _, one in shown], "limited": len(shown) < len(told)}
        timeline["prev_batch"] = f"s{shown[0][0]}" if shown else f"s{since}"
        joined = {ROOM: {"timeline": timeline, "state": {"events": self._people(shown)}}} if shown else {}
        return Said(200, {"next_batch": f"s{len(self.events)}", "rooms": {"join": joined}})

    def _before(self, asked: Asked) -> Said:
        """Backwards from one place to another, a page at a time."""
        assert asked.query["dir"] == "b"
        start, to = int(asked.query["from"][1:]), int(asked.query["to"][1:])
        told = self._wanted(json.loads(asked.query["filter"]), to, start)[-self.page :]
        more = {"end": f"s{told[0][0]}"} if told else {}
        shown = {"chunk": [one for _, one in told[::-1]], "state": self._people(told)}
        return Said(200, {**shown, "start": asked.query["from"], **more})

    def _people(self, told: list[tuple[int, dict[str, Any]]]) -> list[dict[str, Any]]:
        """Those members of the room who say something of it."""
        return [one for one in self.members if one["state_key"] in {each["sender"] for _, each in told}]

    def _wanted(self, asked: dict[str, Any], above: int, below: int) -> list[tuple[int, dict[str, Any]]]:
        """Events of the kinds and senders asked for, each with its place."""
        return [
            (place, one)
            for place, one in enumerate(self.events)
            if above <= place < below
            and one["type"] in asked["types"]
            and one["sender"] not in asked["not_senders"]
        ]


@contextmanager
def running() -> Iterator[Matrix]:
    """A server on a free port of 127.0.0.1."""
    with far.running(Matrix()) as matrix:
        yield matrix
