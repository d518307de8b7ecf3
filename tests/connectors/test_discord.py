"""Discord against a double of it: what each answer means, one nonce is one post, who answers and reacts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
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
    Reading,
    Receipt,
    Refused,
    Uncertain,
)
from connectors.testing import (
    FarMedia,
    FarMetrics,
    FarRobots,
    MediaContract,
    MetricsContract,
    OutboundContract,
    PollContract,
    RepeatContract,
    RobotContract,
    pictures,
)

from .fake_discord import BOT, CHANNEL, FIRST, SIAN, TOKEN, Discord, running
from .far import PostsSide, Said, failing, shapes, stops_nobody

MESSAGES = f"channels/{CHANNEL}/messages"


def account(port: int, token: str = TOKEN, **values: Any) -> Connector:
    told = {"channel_id": CHANNEL, "base_url": f"http://127.0.0.1:{port}", "deadline_s": 5.0, **values}
    return registry.connect("discord", told, {"token": token})


def post(text: str, key: str = "", **values: Any) -> Outbound:
    return Outbound(key=key or f"dlv-{text}", text=text, **values)


@pytest.fixture
def discord() -> Iterator[Discord]:
    with running() as one:
        yield one


failure = partial(failing, account, post("Dewch draw"))


# --- out
def test_a_post_is_made_once_and_named(discord: Discord) -> None:
    """DC2"""
    connector = account(discord.port)
    assert connector.send(post("Dewch draw")) == Receipt(str(FIRST + 1)) == connector.send(post("Dewch draw"))
    assert connector.send(post("Dewch draw", key="dlv-2")) == Receipt(str(FIRST + 2))
    assert [one["content"] for one in discord.messages] == ["Dewch draw"] * 2


def test_nobody_is_called_by_a_post(discord: Discord) -> None:
    account(discord.port).send(post("@everyone dewch"))
    assert discord.messages[0]["given"]["allowed_mentions"] == {"parse": []}


def test_an_answer_names_the_post_it_answers(discord: Discord) -> None:
    """L3"""
    account(discord.port).send(post("Diolch!", in_reply_to="77"))
    account(discord.port).send(post("Helo", in_reply_to="<abc@mail.example>"))
    answered = [one["given"].get("message_reference") for one in discord.messages]
    assert answered == [{"message_id": "77", "fail_if_not_exists": False}, None]


def test_that_a_window_is_used_up_is_told_beside_the_yes(discord: Discord) -> None:
    discord.once["Dewch draw"] = "created"
    receipt = account(discord.port).send(post("Dewch draw"))
    assert receipt == Receipt("1300000000000000001", wait_s=5.25)


def test_a_post_of_nothing_is_refused_before_anything_is_sent(discord: Discord) -> None:
    with pytest.raises(Refused):
        account(discord.port).send(post(" \n"))
    assert discord.asked == []


def test_a_line_that_breaks_under_a_picture_is_repeated_under_its_nonce(discord: Discord) -> None:
    """A picture and its post are one request."""
    connector = account(discord.port)
    outbound = post("Dewch", media=pictures(2, connector.limits))
    discord.once["Dewch"] = "take"
    with pytest.raises(Uncertain):
        connector.send(outbound)
    assert connector.send(outbound).provider_id == discord.messages[0]["id"] and len(discord.messages) == 1


# --- what an answer means
@pytest.mark.parametrize(
    ("told", "error", "code"),
    [
        ("unauthorized", AccountGone, "401"),
        ("missing_access", AccountGone, "403"),
        ("missing_permissions", AccountGone, "403"),
        ("unknown_channel", AccountGone, "404"),
        ("too_long", Refused, "400"),
        ("rate_limited", Deferred, "429"),
        ("unavailable", Uncertain, "503"),
    ],
)
def test_a_refusal_says_whom_it_is_about(
    discord: Discord, told: str, error: type[ConnectorError], code: str
) -> None:
    lost = failure(discord, told)
    assert (type(lost), lost.code) == (error, code) and discord.messages == []


def test_the_account_waits_as_long_as_discord_says(discord: Discord) -> None:
    lost = failure(discord, "rate_limited")
    assert isinstance(lost, Deferred) and (lost.scope, lost.retry_after_s) == ("account", 65)


@pytest.mark.parametrize("body", [b"{}", b"[]", b"ok!", b'{"id": 5}', b'{"id": "x"}', b'{"id": null}'])
def test_what_nobody_understands_after_a_post_is_uncertain(discord: Discord, body: bytes) -> None:
    lost = failure(discord, b"HTTP/1.1 200 x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    assert isinstance(lost, Uncertain)


def test_a_channel_that_takes_no_posts_is_told_before_the_first_post(discord: Discord) -> None:
    account(discord.port).verify()
    discord.kind = 15
    for connector in (
        account(discord.port),
        account(discord.port, token="x"),
        account(discord.port, channel_id="7"),
    ):
        with pytest.raises(AccountGone):
            connector.verify()
    assert discord.messages == []


# --- back
def polled(discord: Discord, cursor: Mapping[str, Any] | None = None) -> tuple[list[Event], dict[str, Any]]:
    connector = account(discord.port)
    assert connector.poll is not None
    found = connector.poll(cursor)
    return list(found.events), json.loads(json.dumps(dict(found.cursor)))


def test_messages_as_discord_documents_them_are_told_in_our_words(discord: Discord) -> None:
    """DC3"""
    discord.once[MESSAGES] = "messages"
    (reply, mention), cursor = polled(discord)
    assert (reply.kind, mention.kind) == ("reply", "mention")
    assert reply.references == ("1300000000000000001",) and reply.meta["message_id"] == reply.key
    assert (reply.sender, reply.sender_name) == ("sianrees", "Siân Rees")
    assert reply.at == datetime(2026, 11, 2, 9, 2, tzinfo=UTC)
    assert mention.text == "<@11> هل الاجتماع مساء الاثنين؟" and mention.references == ()
    assert cursor["after"] == "1300000000000000003"


def test_what_people_say_among_themselves_and_what_machines_say_is_left(discord: Discord) -> None:
    theirs = discord.say("ours?", SIAN)
    discord.say("yes", SIAN, type=19, referenced_message=theirs)
    discord.say("yes", SIAN, type=19, referenced_message=None)
    discord.say("ping", {"id": "44", "bot": True}, mentions=[BOT])
    discord.say("ping", {"id": "45"}, mentions=[BOT], webhook_id="45")
    account(discord.port).send(post("Dewch draw"))
    assert polled(discord)[0] == []


def test_whoever_reacts_to_a_post_likes_it_once(discord: Discord) -> None:
    number = account(discord.port).send(post("Dewch draw")).provider_id
    discord.like(number, SIAN)
    discord.like(number, SIAN, "❤")
    discord.like(number, {"id": "33", "username": "layla_b"}, "👎")
    (like,), cursor = polled(discord)
    assert (like.kind, like.provider_id, like.sender, like.text) == ("like", number, "sianrees", "🔥")
    assert like.at == datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
    asked = len(discord.asked)
    assert polled(discord, cursor)[0] == [] and not [
        one for one in discord.asked[asked:] if "reactions" in one.path
    ]
    discord.like(number, {"id": "33", "username": "layla_b"}, "🔥")
    again, _ = polled(discord, cursor)
    assert [one.sender for one in again] == ["sianrees", "layla_b"] and again[0].key == like.key


def test_everybody_who_reacts_is_heard_however_many_and_however_they_do(discord: Discord) -> None:
    number = account(discord.port).send(post("Dewch draw")).provider_id
    for n in range(1000, 1250):
        discord.like(number, {"id": str(n), "username": f"u{n}"})
    discord.like(number, {"id": "2000", "username": "flash"}, flash=True)
    likes, _ = polled(discord)
    assert [one.sender for one in likes] == [*(f"u{n}" for n in range(1000, 1250)), "flash"]


def test_likes_of_posts_that_others_have_moved_off_the_newest_page_are_heard(discord: Discord) -> None:
    """After days in which nobody asked: of a post from before as well as of one that was made since."""
    discord.page = 5
    connector = account(discord.port)
    old = connector.send(post("Dewch draw")).provider_id
    _, cursor = polled(discord)
    discord.say("Helo", SIAN)
    new = connector.send(post("Eto")).provider_id
    for n in range(100):
        discord.say(str(n), SIAN, mentions=[BOT])
    for number in (old, new):
        discord.like(number, SIAN)
    told: list[Event] = []
    for _ in range(4):
        events, cursor = polled(discord, json.loads(json.dumps(cursor)))
        told += events
    assert {one.provider_id for one in told if one.kind == "like"} == {old, new}
    assert {one.text for one in told if one.kind == "mention"} == {str(n) for n in range(100)}
    asked = len(discord.asked)
    assert polled(discord, cursor)[0] == [] and len(discord.asked) == asked + 3


def test_a_repeat_whose_post_was_taken_down_meanwhile_stops_nobody_else(discord: Discord) -> None:
    """Its nonce names a message that Discord knows no more; the channel is as it was."""
    lost = failure(discord, Said(404, {"message": "Unknown Message", "code": 10008}))
    assert (type(lost), lost.code) == (Refused, "10008")
    for body in ({"message": "Unknown Channel", "code": 10003}, {}, b"no"):
        assert type(failure(discord, Said(404, body))) is AccountGone


def test_a_post_that_is_gone_meanwhile_has_no_likes(discord: Discord) -> None:
    number = account(discord.port).send(post("Dewch draw")).provider_id
    discord.like(number, SIAN)
    discord.once[f"{MESSAGES}/{number}/reactions/🔥"] = "unknown_channel"
    assert polled(discord)[0] == []


@pytest.mark.parametrize(
    ("told", "error"),
    [
        ("rate_limited", Deferred),
        ("unavailable", Deferred),
        ("lose", Deferred),
        ("missing_access", AccountGone),
    ],
)
def test_a_poll_that_fails_says_whether_to_come_again(
    discord: Discord, told: str, error: type[ConnectorError]
) -> None:
    discord.once[MESSAGES] = told
    with pytest.raises(ConnectorError) as lost:
        polled(discord)
    assert type(lost.value) is error


def test_a_post_without_reactions_has_no_likes_and_one_that_is_gone_has_no_figure(discord: Discord) -> None:
    connector = account(discord.port)
    number = connector.send(post("Dewch draw")).provider_id
    assert connector.metrics is not None
    assert connector.metrics([number, "7"]) == [Reading(number, "likes", 0)]


NAMES = [
    "id",
    "type",
    "author",
    "content",
    "timestamp",
    "mentions",
    "referenced_message",
    "reactions",
    "emoji",
    "count",
]


@given(shapes(NAMES, "11", "5"))
def test_an_answer_of_any_shape_stops_nobody(body: Any) -> None:
    """F26"""
    stops_nobody(account, body, ("poll", None), ("metrics", ["5"]), ("verify",))


def test_settings_that_make_no_sense_are_named() -> None:
    wrong: dict[str, Any] = {"channel_id": "#general", "base_url": "https://d.example", "deadline_s": 0.0}
    with pytest.raises(BadSettings) as caught:
        registry.connect("discord", wrong, {"token": TOKEN})
    assert set(caught.value.problems) == set(wrong)


def test_the_connector_says_what_it_is() -> None:
    connector = account(1)
    assert (connector.channel, connector.broadcast, connector.repeats) == ("discord", True, Keyed(120.0))
    assert TOKEN not in connector.app and connector.app == account(2, channel_id="7").app


# --- the contract of every connector
class FarDiscord(PostsSide, FarRobots, FarMedia, FarMetrics):
    """Discord's side: it knows posts by their nonce."""

    said = PostsSide.said | {Refused: "too_long", AccountGone: "missing_permissions"}
    kinds = ("reply", "mention", "like")
    many = 50  # more than one poll asks for, at five a page
    figures = ("likes",)
    # A picture and its post are one request: what is certain to have gone nowhere is what was put off.
    no_picture = ("", "rate_limited")

    def taken(self) -> list[tuple[str, Any]]:
        return [(one["content"], one) for one in self.it.messages]

    def media(self, key: str) -> list[tuple[bytes, str]]:
        sent = self.made(key)
        shows = [one["description"] for one in sent["given"]["attachments"]]
        return list(zip(self.it.files[sent["id"]], shows, strict=True))

    def count(self, provider_id: str, figure: str, value: int) -> None:
        for n in range(value):
            self.it.like(provider_id, {"id": str(100 + n)})

    def happen(self, kind: str, n: int) -> None:
        if kind == "like":
            ours = self.it.say("ours", BOT)
            self.it.like(ours["id"], SIAN)
        elif kind == "reply":
            ours = {"id": "1", "author": BOT}
            self.it.say(f"reply {n}", SIAN, type=19, referenced_message=ours, mentions=[BOT])
        else:
            self.it.say(f"mention {n}", SIAN, mentions=[BOT])

    def robot(self, n: int) -> None:
        who = {"id": str(9000 + n), "username": "starboard", "bot": True}
        ours = self.it.say("ours", BOT)
        self.it.like(ours["id"], who)
        self.it.like(ours["id"], BOT)
        self.it.say("answer", who, type=19, referenced_message=ours, mentions=[BOT])


class TestContract(
    OutboundContract, RepeatContract, PollContract, RobotContract, MediaContract, MetricsContract
):
    """Discord keeps the promises of every connector."""

    @pytest.fixture
    def far(self, discord: Discord) -> FarDiscord:
        discord.page = 5
        return FarDiscord(discord, account, post, TOKEN)
