"""What a real server took and nobody heard of: it becomes `sent` by itself, and readers see it once."""

from __future__ import annotations

from itertools import count
from typing import Any
from urllib.parse import quote

from campaigns.delivery import resolve

from . import bluesky, synapse
from .between import Between, between
from .dolen import Loop, until

numbers = count(1)
TEXT = "Dewch draw nos Fercher · تعالوا مساء الأربعاء"


def test_bluesky_keeps_one_record(loop: Loop, bluesky_server: str) -> None:
    """DC2"""
    cyngor = bluesky.join(bluesky_server, f"unheard{next(numbers)}.test")
    password = cyngor.ask("com.atproto.server.createAppPassword", name="Dolen")["password"]
    with between(bluesky_server) as line:
        settings = {"server": line.url, "handle": cyngor.handle}
        row = _unheard(loop, loop.connect("bluesky", settings, {"app_password": password}), line, "putRecord")
    kept = cyngor.reads("com.atproto.repo.listRecords", repo=cyngor.did, collection=bluesky.POST)["records"]
    assert [(one["uri"], one["value"]["text"]) for one in kept] == [(row["provider_id"], TEXT)]


def test_a_matrix_room_hears_it_once(loop: Loop, matrix_server: str) -> None:
    """DC2"""
    cyngor = synapse.join(matrix_server, f"unheard{next(numbers)}")
    room = cyngor.ask("POST", "/createRoom", preset="public_chat")["room_id"]
    with between(matrix_server) as line:
        settings = {"server": line.url, "room": room}
        row = _unheard(loop, loop.connect("matrix", settings, {"access_token": cyngor.token}), line, "/send/")
    told = cyngor.ask("GET", f"/rooms/{quote(room, safe='')}/messages?dir=b&limit=50")["chunk"]
    said = [(one["event_id"], one["content"]["body"]) for one in told if one["type"] == "m.room.message"]
    assert said == [(row["provider_id"], TEXT)]


def _unheard(loop: Loop, account: str, line: Between, part: str) -> dict[str, Any]:
    """Post something whose answer is lost on the way; its row once it is settled."""
    line.once[part] = "take"
    made = loop.api.post("/v1/messages", loop.token, json={"accounts": [account], "text": TEXT}).json
    states = []

    def settled() -> dict[str, Any] | None:
        loop.work()
        resolve.resolve(loop.wiring.desk("worker"))
        (row,) = loop.get(made["deliveries"])["data"]
        states.append(row["state"])
        return dict(row) if row["state"] == "sent" else None

    row: dict[str, Any] = until(settled)
    assert "unknown" in states and line.once == {}
    return row
