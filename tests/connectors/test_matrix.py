"""Matrix against a double of a homeserver: transactions that say a thing once, pictures, what people say there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from hypothesis import given

from connectors import registry
from connectors.api import (
    AccountGone,
    BadSettings,
    Connector,
    ConnectorError,
    Deferred,
    Event,
    Keyed,
    Outbound,
    Receipt,
    Refused,
    Uncertain,
    app_of,
)
from connectors.testing import (
    FarMedia,
    FarRobots,
    MediaContract,
    OutboundContract,
    PollContract,
    RepeatContract,
    RobotContract,
    pictures,
)

from .fake_matrix import ALIAS, API, IN_ROOM, ME, ROOM, TOKEN, Matrix, running
from .far import PostsSide, failing, shapes, stops_nobody

OURS = "$cyngor-1-Ym9keQ"
SIAN = "@sian:matrix.example"
PIXELS = "/_matrix/media/v3/upload"


def account(port: int, token: str = TOKEN, **values: Any) -> Connector:
    told = {"server": f"http://127.0.0.1:{port}", "room": ROOM, "deadline_s": 5, **values}
    return registry.connect("matrix", told, {"access_token": token})


def post(text: str, **values: Any) -> Outbound:
    return Outbound(key=f"dlv-{text}", text=text, **values)


@pytest.fixture
def matrix() -> Iterator[Matrix]:
    with running() as server:
        yield server


failure = partial(failing, account, post("Dewch draw"))


def said(matrix: Matrix, text: str, **values: Any) -> dict[str, Any]:
    """What an event holds that a text becomes."""
    account(matrix.port).send(post(text, **values))
    content = matrix.events[-1]["content"]
    assert isinstance(content, dict)
    return content


def test_a_message_is_said_once_in_the_room(matrix: Matrix) -> None:
    """DC2"""
    receipt = account(matrix.port).send(post("Dewch draw"))
    assert receipt == Receipt("$event-1")
    assert matrix.events[0]["content"] == {"msgtype": "m.text", "body": "Dewch draw", "m.mentions": {}}


def test_a_room_can_be_named_by_its_address(matrix: Matrix) -> None:
    account(matrix.port, room=ALIAS).send(post("Dewch draw"))
    assert len(matrix.events) == 1


def test_html_goes_along_and_people_who_are_named_are_told(matrix: Matrix) -> None:
    content = said(matrix, "Diolch @sian:matrix.example a b@c:d", html="<b>Diolch</b>")
    assert (content["format"], content["formatted_body"]) == ("org.matrix.custom.html", "<b>Diolch</b>")
    assert content["m.mentions"] == {"user_ids": [SIAN]}


def test_whoever_is_answered_is_told(matrix: Matrix) -> None:
    """Programs of Matrix call nobody who is not named; a part of a thread answers ourselves."""
    asked = matrix.take(SIAN, "m.room.message", text("Pryd?"))
    assert said(matrix, "Nos Fercher", in_reply_to=asked)["m.mentions"] == {"user_ids": [SIAN]}
    assert (
        said(matrix, "Am saith", in_reply_to="$event-2", options={"thread": "$event-2"})["m.mentions"] == {}
    )


def test_an_answer_and_a_part_of_a_thread_name_what_they_belong_to(matrix: Matrix) -> None:
    """L3"""
    assert said(matrix, "Un", in_reply_to="$a")["m.relates_to"] == {"m.in_reply_to": {"event_id": "$a"}}
    assert said(matrix, "Tri", in_reply_to="$b", options={"thread": "$a"})["m.relates_to"] == {
        "rel_type": "m.thread",
        "event_id": "$a",
        "is_falling_back": True,
        "m.in_reply_to": {"event_id": "$b"},
    }
    assert "m.relates_to" not in said(matrix, "Helo", in_reply_to="<a@b>")


def test_a_message_without_words_is_refused_before_anything_is_sent(matrix: Matrix) -> None:
    with pytest.raises(Refused):
        account(matrix.port).send(post(" \n"))
    assert matrix.asked == []


def test_pictures_are_said_once_too_however_often_it_is_tried(matrix: Matrix) -> None:
    """D10: a picture's words are what it shows."""
    connector = account(matrix.port)
    outbound = post("Dewch draw", media=pictures(2, connector.limits))
    matrix.once["Dewch draw"] = "lose"
    with pytest.raises(Uncertain):
        connector.send(outbound)
    assert connector.send(outbound) == connector.send(outbound) == Receipt("$event-3")
    bodies = [one["content"]["body"] for one in matrix.events]
    assert bodies == [outbound.media[0].alt, outbound.media[1].alt, "Dewch draw"]
    assert matrix.events[0]["content"]["info"]["mimetype"] == "image/jpeg"


@pytest.mark.parametrize("told", ["limited", "too_large", "forbidden", "lose"])
def test_once_a_picture_is_said_nothing_is_certain_until_all_is(matrix: Matrix, told: str) -> None:
    """What is only deferred may go again after the key has ended: the picture would be said twice."""
    connector = account(matrix.port)
    outbound = post("Dewch draw", media=pictures(1, connector.limits))
    matrix.once["Dewch draw"] = told
    with pytest.raises(Uncertain):
        connector.send(outbound)
    connector.send(outbound)
    assert len(matrix.events) == 2


def test_a_picture_alone_names_the_post(matrix: Matrix) -> None:
    connector = account(matrix.port)
    (picture,) = pictures(1, connector.limits)
    connector.send(post("", media=[replace(picture, alt="")]))
    assert matrix.events[0]["content"]["body"] == "1.png" and list(matrix.transactions) == ["dlv-"]


@pytest.mark.parametrize(
    "told, error",
    [("take", Deferred), ("limited", Deferred), ("too_large", Refused), ("unknown_token", AccountGone)],
)
def test_trouble_with_a_picture_is_never_uncertain(
    matrix: Matrix, told: str, error: type[ConnectorError]
) -> None:
    matrix.once[PIXELS] = told
    connector = account(matrix.port)
    with pytest.raises(ConnectorError) as lost:
        connector.send(post("Dewch draw", media=pictures(1, connector.limits)))
    assert type(lost.value) is error and matrix.events == []


# --- what an answer means
@pytest.mark.parametrize(
    "told, error, code",
    [
        ("unknown_token", AccountGone, "401"),
        ("forbidden", AccountGone, "403"),
        ("not_found", AccountGone, "404"),
        ("too_large", Refused, "413"),
        ("limited", Deferred, "429"),
        ("unavailable", Uncertain, "502"),
        (b"HTTP/1.1 200 x\r\nContent-Length: 2\r\n\r\n{}", Uncertain, ""),
        (b"HTTP/1.1 200 x\r\nContent-Length: 2\r\n\r\nno", Uncertain, "200"),
        (b"HTTP/1.1 429 x\r\nContent-Length: 2\r\n\r\nno", Deferred, "429"),
    ],
)
def test_a_refusal_says_whom_it_is_about(
    matrix: Matrix, told: str | bytes, error: type[ConnectorError], code: str
) -> None:
    lost = failure(matrix, told)
    assert type(lost) is error and lost.code == code
    assert matrix.events == []


@pytest.mark.parametrize("told, wait_s", [("limited", 4.99), ("limited_header", 7.0)])
def test_too_much_at_once_waits_as_long_as_the_server_says(matrix: Matrix, told: str, wait_s: float) -> None:
    lost = failure(matrix, told)
    assert isinstance(lost, Deferred) and (lost.scope, lost.retry_after_s) == ("account", wait_s)


def test_an_event_as_the_protocol_documents_it_is_named(matrix: Matrix) -> None:
    matrix.once["Dewch draw"] = "created"
    assert account(matrix.port).send(post("Dewch draw")) == Receipt(OURS)


def test_an_account_that_could_not_speak_there_is_told(matrix: Matrix) -> None:
    account(matrix.port).verify()
    with pytest.raises(AccountGone):
        account(matrix.port, "revoked").verify()
    with pytest.raises(AccountGone, match="not in this room"):
        account(matrix.port, room="!elsewhere:matrix.example").verify()
    matrix.encrypted = True
    with pytest.raises(AccountGone, match="encrypted"):
        account(matrix.port).verify()
    assert matrix.events == []


# --- who spoke to us
def polled(matrix: Matrix, cursor: Mapping[str, Any] | None = None) -> tuple[list[Event], dict[str, Any]]:
    connector = account(matrix.port)
    assert connector.poll is not None
    told = connector.poll(cursor)
    return list(told.events), dict(told.cursor)


def test_what_was_said_is_told_in_our_words(matrix: Matrix) -> None:
    """DC3"""
    matrix.events.append({"type": "m.room.message", "event_id": OURS, "sender": ME, "content": {}})
    matrix.once[f"{API}/sync"] = "sync"
    events, cursor = polled(matrix)
    reply, mention, like = events
    assert [each.kind for each in events] == ["reply", "mention", "like"]
    assert reply.references == like.references == (OURS,) and mention.references == ()
    assert reply.text == "Byddaf yno!" and mention.text == "هل الاجتماع مساء الاثنين؟"
    assert (like.text, like.meta["reaction"]) == ("", "👍")
    assert (reply.sender, reply.sender_name) == (SIAN, "Siân Rees")
    assert reply.at == datetime(2026, 11, 2, 9, 2, tzinfo=UTC)
    assert (
        reply.meta["message_id"] == reply.key == "$sian-1" and json.loads(reply.raw)["event_id"] == "$sian-1"
    )
    assert cursor == {"since": "s72595_4483_1934", "login": app_of(TOKEN), "me": ME, "room": ROOM}


def test_an_answer_within_our_thread_is_an_answer_to_us(matrix: Matrix) -> None:
    first = account(matrix.port).send(post("Un")).provider_id
    other = matrix.take(SIAN, "m.room.message", {"msgtype": "m.text", "body": "Iawn"})
    relation = {"rel_type": "m.thread", "event_id": first, "m.in_reply_to": {"event_id": other}}
    matrix.take(
        "@layla:other.example", "m.room.message", text("> nid dyfyniad", **{"m.relates_to": relation})
    )
    events, _ = polled(matrix)
    assert [(each.kind, each.references) for each in events] == [("mention", ()), ("reply", (first,))]


def test_another_login_is_asked_anew_who_it_is(matrix: Matrix) -> None:
    """Answers to us would be told as mentions, by whom was logged in before."""
    first = account(matrix.port).send(post("Un")).provider_id
    matrix.take(
        SIAN, "m.room.message", text("Iawn", **{"m.relates_to": {"m.in_reply_to": {"event_id": first}}})
    )
    known = {"since": "s0", "login": app_of("another"), "me": "@arall:matrix.example", "room": "!arall:x"}
    (event,), cursor = polled(matrix, known)
    assert event.kind == "reply" and (cursor["me"], cursor["room"]) == (ME, ROOM)


def test_what_one_poll_does_not_reach_the_next_goes_on_with(matrix: Matrix) -> None:
    """After days in which nobody asked; what is said meanwhile is told after it."""
    matrix.page = 2
    _, cursor = polled(matrix)
    for n in range(100):
        matrix.take(SIAN, "m.room.message", text(str(n)))
    told: list[str] = []
    for _ in range(2):
        events, cursor = polled(matrix, json.loads(json.dumps(cursor)))
        told += [one.text for one in events]
    assert sorted(told, key=int) == [str(n) for n in range(100)] and "rest" not in cursor
    matrix.take(SIAN, "m.room.message", text("Helo"))
    assert [one.text for one in polled(matrix, cursor)[0]] == ["Helo"]


def test_a_stretch_of_which_the_server_tells_no_more_is_parked(matrix: Matrix) -> None:
    """So that somebody sees that there was one, and what is new is read."""
    matrix.page = 2
    _, cursor = polled(matrix)
    for n in range(5):
        matrix.take(SIAN, "m.room.message", text(str(n)))
    matrix.once[f"{IN_ROOM}/messages"] = "too_large"
    connector = account(matrix.port)
    assert connector.poll is not None
    found = connector.poll(cursor)
    assert [one.text for one in found.events] == ["3", "4"]
    (words,) = found.parked
    assert json.loads(words)["not_read"] == ["s3", "s0"] and "M_TOO_LARGE" in words
    assert connector.poll(found.cursor).events == ()


def test_people_are_named_however_far_back_they_spoke(matrix: Matrix) -> None:
    matrix.page = 2
    _, cursor = polled(matrix)
    layla = "@layla:other.example"
    matrix.take(layla, "m.room.message", text("Helo"))
    for n in range(5):
        matrix.take(SIAN, "m.room.message", text(str(n)))
    matrix.members.append(
        {"type": "m.room.member", "state_key": layla, "sender": layla, "content": {"displayname": "Layla"}}
    )
    assert polled(matrix, cursor)[0][0].sender_name == "Layla"


def test_a_thumb_down_is_no_like(matrix: Matrix) -> None:
    first = account(matrix.port).send(post("Un")).provider_id
    for key in ("👎🏽", "👎", None):
        relation = {"rel_type": "m.annotation", "event_id": first, "key": key}
        matrix.take(SIAN, "m.reaction", {"m.relates_to": relation})
    assert polled(matrix)[0] == []


def test_who_and_where_we_are_is_asked_once(matrix: Matrix) -> None:
    _, cursor = polled(matrix)
    matrix.asked.clear()
    polled(matrix, cursor)
    assert [one.path for one in matrix.asked] == [f"{API}/sync"]


@pytest.mark.parametrize(
    "told, error",
    [("limited", Deferred), ("unavailable", Deferred), ("lose", Deferred), ("unknown_token", AccountGone)]
    + [(b"HTTP/1.1 200 x\r\n\r\nno", Deferred)],
)
def test_a_poll_that_fails_says_whether_to_come_again(
    matrix: Matrix, told: str | bytes, error: type[ConnectorError]
) -> None:
    matrix.once[f"{API}/sync"] = told
    with pytest.raises(ConnectorError) as lost:
        polled(matrix)
    assert type(lost.value) is error


NAMES = [
    "rooms",
    "join",
    ROOM,
    "timeline",
    "events",
    "limited",
    "prev_batch",
    "next_batch",
    "chunk",
    "end",
    "type",
]
NAMES += [
    "event_id",
    "sender",
    "content",
    "m.relates_to",
    "m.in_reply_to",
    "msgtype",
    "body",
    "origin_server_ts",
]
NAMES += ["user_id", "room_id", "joined_rooms", "state", "state_key", "displayname", "key"]
VALUES = ["m.room.message", "m.reaction", "m.room.member", "$a", SIAN, "m.text", "> a"]


@given(shapes(NAMES, *VALUES))
def test_an_answer_of_any_shape_stops_nobody(body: Any) -> None:
    """The server's answers are not trusted."""
    cursor = {"me": ME, "room": ROOM, "since": "s1"}
    stops_nobody(partial(account, room=ALIAS), body, ("poll", cursor), ("send", post("x")), ("verify",))


@pytest.mark.parametrize("at", [None, "soon", 1e30, -1e30, True])
def test_a_time_that_is_none_is_that_of_reading(matrix: Matrix, at: Any) -> None:
    matrix.take(SIAN, "m.room.message", text("Helo"))
    matrix.events[0]["origin_server_ts"] = at
    assert polled(matrix)[0][0].at.tzinfo is UTC


def test_settings_that_make_no_sense_are_named() -> None:
    """U1, U6"""
    wrong: dict[str, Any] = {"server": "http://matrix.org", "room": "newyddion", "deadline_s": 0}
    for name, value in wrong.items():
        with pytest.raises(BadSettings) as caught:
            account(1, **{name: value})
        assert set(caught.value.problems) == {name}


def test_the_connector_says_what_it_is() -> None:
    connector = account(1)
    assert (connector.channel, connector.broadcast) == ("matrix", True)
    assert connector.repeats == Keyed(1800.0) and connector.find is None


# --- the contract of every connector
class FarMatrix(PostsSide, FarRobots, FarMedia):
    """The homeserver's side: what was said, by the transaction it was said in."""

    said = PostsSide.said | {Deferred: "limited", Refused: "too_large", AccountGone: "forbidden"}
    kinds = ("reply", "mention", "like")
    many = 160  # more than one poll asks for, at five a page
    no_picture = (PIXELS, "take")

    def taken(self) -> list[tuple[str, Any]]:
        bodies = {one["event_id"]: str(one["content"].get("body")) for one in self.it.events}
        return [(bodies[name], key) for key, name in self.it.transactions.items() if "." not in key]

    def key(self, words: str, whole: Any) -> str:
        return str(whole)

    def happen(self, kind: str, n: int) -> None:
        ours = self.it.take(ME, "m.room.message", text("Dewch draw"))
        if kind == "like":
            relation = {"rel_type": "m.annotation", "event_id": ours, "key": "❤️"}
            self.it.take(SIAN, "m.reaction", {"m.relates_to": relation})
            return
        more = {"m.relates_to": {"m.in_reply_to": {"event_id": ours}}} if kind == "reply" else {}
        self.it.take(SIAN, "m.room.message", text(f"{kind} {n}", **more))

    def robot(self, n: int) -> None:
        ours = self.it.take(ME, "m.room.message", text("Dewch draw"))
        answer = {"m.relates_to": {"m.in_reply_to": {"event_id": ours}}}
        for more in ({}, answer):
            notice = {**text(f"notice {n}", **more), "msgtype": "m.notice"}
            self.it.take("@bot:matrix.example", "m.room.message", notice)

    def media(self, key: str) -> list[tuple[bytes, str]]:
        names = [name for each, name in self.it.transactions.items() if each.startswith(f"{key}.")]
        contents = [one["content"] for one in self.it.events if one["event_id"] in names]
        return [(self.it.media[int(one["url"].rpartition("/")[2]) - 1][0], one["body"]) for one in contents]


class TestContract(OutboundContract, RepeatContract, PollContract, RobotContract, MediaContract):
    """Matrix keeps the promises of every connector."""

    @pytest.fixture
    def far(self, matrix: Matrix) -> FarMatrix:
        matrix.page = 5
        return FarMatrix(
            matrix, account, lambda words: Outbound(key=f"dlv-{words.encode().hex()}", text=words), TOKEN
        )


def text(body: str, **more: Any) -> dict[str, Any]:
    """A message of words."""
    return {"msgtype": "m.text", "body": body, **more}
