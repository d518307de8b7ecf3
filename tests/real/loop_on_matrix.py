"""The loop in a room of a real Matrix homeserver: what is said, what people answer, and on whose record that lands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count
from typing import Any
from urllib.parse import quote

import pytest

from connectors import registry
from connectors.api import AccountGone, Connector, Outbound, Refused
from connectors.testing import pictures

from . import synapse
from .dolen import Loop
from .synapse import Somebody

numbers = count(1)
WORDS = "m.room.message"


@dataclass(frozen=True)
class Room:
    """A room with the account that speaks there and somebody who listens."""

    name: str
    alias: str
    cyngor: Somebody
    sian: Somebody

    def settings(self) -> dict[str, Any]:
        return {"server": self.cyngor.server, "room": self.alias}

    def said(self) -> list[dict[str, Any]]:
        """What the room shows to whoever reads it, oldest first."""
        path = f"/rooms/{quote(self.name, safe='')}/messages?dir=b&limit=50"
        told = self.sian.ask("GET", path)["chunk"]
        return [one for one in reversed(told) if one["type"] == WORDS]


@pytest.fixture
def room(matrix_server: str) -> Room:
    """A room that anybody may join."""
    n = next(numbers)
    cyngor, sian = synapse.join(matrix_server, f"cyngor{n}"), synapse.join(matrix_server, f"sian{n}")
    made = cyngor.ask("POST", "/createRoom", preset="public_chat", room_alias_name=f"newyddion{n}")["room_id"]
    sian.ask("PUT", f"/profile/{sian.name}/displayname", displayname="Siân Rees")
    sian.ask("POST", f"/join/{quote(made, safe='')}")
    return Room(made, f"#newyddion{n}:localhost", cyngor, sian)


@pytest.fixture
def connector(room: Room) -> Connector:
    """The account as connected, without the rest of Dolen."""
    return registry.connect("matrix", room.settings(), {"access_token": room.cyngor.token})


def test_what_comes_of_a_message_lands_on_the_right_record_within_one_poll(loop: Loop, room: Room) -> None:
    """DC3, CS7"""
    account = loop.connect("matrix", room.settings(), {"access_token": room.cyngor.token})
    known, other = (
        loop.person("Siân", "matrix", room.sian.name),
        loop.person("Nia", "matrix", "@nia:localhost"),
    )
    loop.poll()
    text = "Dewch draw nos Fercher · تعالوا مساء الأربعاء"
    sent = loop.post(account, text)
    assert [one["content"]["body"] for one in room.said()] == [text]

    about = {"m.in_reply_to": {"event_id": sent["provider_id"]}}
    liked = {"rel_type": "m.annotation", "event_id": sent["provider_id"], "key": "👍"}
    room.sian.says(room.name, WORDS, "1", msgtype="m.text", body="Byddaf yno!", **{"m.relates_to": about})
    room.sian.says(room.name, "m.reaction", "2", **{"m.relates_to": liked})
    room.sian.says(room.name, WORDS, "3", msgtype="m.text", body="Helo bawb")

    assert loop.poll() == 3
    came = {one["what"]: one for one in loop.responses(known)}
    assert set(came) == {"reply", "like", "mention"}
    assert came["reply"]["delivery_id"] == came["like"]["delivery_id"] == sent["id"]
    assert (came["reply"]["text"], came["mention"]["text"]) == ("Byddaf yno!", "Helo bawb")
    assert loop.responses(other) == [] and loop.poll() == 0


def test_an_answer_stands_under_what_it_answers(loop: Loop, room: Room) -> None:
    """L3"""
    loop.connect("matrix", room.settings(), {"access_token": room.cyngor.token})
    asked = room.sian.says(room.name, WORDS, "1", msgtype="m.text", body="Pryd?")
    loop.poll()
    loop.answer("Nos Fercher am saith.")
    told = room.said()[-1]["content"]
    assert told["body"] == "Nos Fercher am saith."
    assert told["m.relates_to"] == {"m.in_reply_to": {"event_id": asked}}
    assert told["m.mentions"] == {"user_ids": [room.sian.name]}


def test_a_repeat_says_nothing_anew_pictures_included(connector: Connector, room: Room) -> None:
    """DC2"""
    given = pictures(2, replace(connector.limits, media_types=("image/png",)))
    post = Outbound(key="dlv/1 ŵ", text="Dewch draw", media=given)
    first = connector.send(post)
    assert connector.send(post) == first
    assert [one["content"]["body"] for one in room.said()] == [given[0].alt, given[1].alt, "Dewch draw"]
    assert room.said()[-1]["event_id"] == first.provider_id


def test_nothing_that_was_said_meanwhile_is_passed_over(connector: Connector, room: Room) -> None:
    """More than the server tells at once."""
    assert connector.poll is not None
    cursor = connector.poll(None).cursor
    for n in range(230):
        room.sian.says(room.name, WORDS, str(n), msgtype="m.text", body=str(n))
    told = connector.poll(cursor)
    assert [one.text for one in told.events] == [str(n) for n in range(230)]
    assert {one.sender_name for one in told.events} == {"Siân Rees"}
    assert connector.poll(told.cursor).events == ()


def test_what_is_too_long_is_refused_and_what_we_let_through_is_taken(connector: Connector) -> None:
    most = connector.limits.text_max
    assert most is not None
    connector.send(Outbound(key="dlv_1", text="😀" * most))
    with pytest.raises(Refused, match="M_TOO_LARGE"):
        connector.send(Outbound(key="dlv_2", text="😀" * (most + 2000)))


def test_a_room_that_is_encrypted_or_not_ours_is_told(connector: Connector, room: Room) -> None:
    connector.verify()
    path = f"/rooms/{quote(room.name, safe='')}/state/m.room.encryption"
    room.cyngor.ask("PUT", path, algorithm="m.megolm.v1.aes-sha2")
    with pytest.raises(AccountGone, match="encrypted"):
        connector.verify()
    room.cyngor.ask("POST", f"/rooms/{quote(room.name, safe='')}/leave")
    with pytest.raises(AccountGone, match="not in this room"):
        connector.verify()
    with pytest.raises(AccountGone):
        connector.send(Outbound(key="dlv_1", text="Dewch draw"))
