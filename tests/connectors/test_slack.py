"""Slack against a double of it: what each answer means, what is found again, pictures, and signed events."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import registry
from connectors.api import (
    AccountGone,
    BadSettings,
    Call,
    Connector,
    ConnectorError,
    Deferred,
    Findable,
    Heard,
    NotAuthentic,
    Outbound,
    Reading,
    Receipt,
    Refused,
    Uncertain,
)
from connectors.slack.pictures import GIVEN_MAX, PAUSES_S
from connectors.testing import (
    FarMedia,
    FarMetrics,
    HookContract,
    MediaContract,
    MetricsContract,
    OutboundContract,
    ReadContract,
    RepeatContract,
    pictures,
)

from .fake_slack import BEGIN, BOT, CHANNEL, TOKEN, Slack, running, shown
from .far import CONNECTORS, Called, PostsSide, Said, failing, shapes, stops_nobody

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
AT = datetime(2026, 11, 2, 9, 2, tzinfo=UTC)
SINCE = datetime.fromtimestamp(BEGIN, UTC)
# What a picture goes through, by the names that the double knows the requests by.
STEPS = ("files.getUploadURLExternal", "F00000001", "files.completeUploadExternal", "files.info")


def account(port: int, token: str = TOKEN, secret: str = "", **values: Any) -> Connector:
    told = {"channel_id": CHANNEL, "base_url": f"http://127.0.0.1:{port}", "deadline_s": 5.0, **values}
    return registry.connect("slack", told, {"token": token, **({"signing_secret": secret} if secret else {})})


def post(text: str, **values: Any) -> Outbound:
    return Outbound(key=f"dlv-{text}", text=text, **{"since": SINCE, **values})


@pytest.fixture
def slack() -> Iterator[Slack]:
    with running() as one:
        yield one


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.slack.pictures.sleep", lambda _s: None)


failure = partial(failing, account, post("Dewch draw"))


# --- out
def test_a_post_is_made_once_and_named(slack: Slack) -> None:
    """DC2"""
    assert account(slack.port).send(post("*Dewch* <!channel> & <b>")) == Receipt(f"{BEGIN}.000100")
    sent = slack.posts[0]
    assert sent["text"] == "*Dewch* &lt;!channel&gt; &amp; &lt;b&gt;" and sent["mrkdwn"] is False


def test_an_answer_stands_in_the_thread_of_what_it_answers(slack: Slack) -> None:
    """L3"""
    connector = account(slack.port)
    answer = post("Diolch!", in_reply_to="1793610000.000100")
    connector.send(answer)
    connector.send(post("Helo", in_reply_to="<abc@mail.example>"))
    assert [one.get("thread_ts") for one in slack.posts] == ["1793610000.000100", None]
    assert find(connector, answer) == Receipt(slack.posts[0]["ts"])


def test_pictures_stand_below_words_that_know_no_markup(slack: Slack) -> None:
    """C5"""
    connector = account(slack.port)
    one, two = pictures(2, connector.limits)
    text = "*Dewch* draw: https://cyngor.example/a?b=1&c=2 <!here>"
    connector.send(post(text, media=(one, replace(two, alt=""))))
    connector.send(post("", media=(one,)))
    words, first, second = slack.posts[0]["blocks"]
    assert shown(slack.posts[0]) == text
    assert [piece["type"] for piece in words["elements"][0]["elements"]] == ["text", "link", "text"]
    assert (first["alt_text"], second["alt_text"]) == (one.alt, "2.png")
    assert [block["type"] for block in slack.posts[1]["blocks"]] == ["image"]


def test_a_picture_that_slack_does_not_look_at_is_tried_again(slack: Slack) -> None:
    connector = account(slack.port)
    slack.looks = 99
    with pytest.raises(Deferred) as lost:
        connector.send(post("Dewch", media=pictures(1, connector.limits)))
    assert slack.posts == [] and lost.value.retry_after_s


def test_a_picture_that_takes_long_is_given_once(slack: Slack) -> None:
    """Each try would begin anew, and none would live to see it there."""
    connector = account(slack.port)
    outbound = post("Dewch", media=pictures(1, connector.limits))
    slack.looks = 2 * len(PAUSES_S)
    with pytest.raises(Deferred):
        connector.send(outbound)
    connector.send(outbound)
    assert len(slack.posts) == len(slack.files) == 1
    slack.looks = 1
    connector.send(post("arall", media=outbound.media))
    assert len(slack.files) == 2


@pytest.mark.parametrize("told", ["invalid_blocks", "ratelimited"])
def test_a_post_that_is_put_off_is_made_of_the_pictures_that_are_there(slack: Slack, told: str) -> None:
    """Slack may call a block invalid whose picture it is not done with."""
    connector = account(slack.port)
    outbound = post("Dewch", media=pictures(1, connector.limits))
    slack.once["Dewch"] = Said(200, {"ok": False, "error": told})
    with pytest.raises(Deferred):
        connector.send(outbound)
    connector.send(outbound)
    assert len(slack.posts) == len(slack.files) == 1
    slack.once["Helo"] = Said(200, {"ok": False, "error": "invalid_blocks"})
    with pytest.raises(Refused):
        connector.send(post("Helo"))


def test_a_picture_that_slack_knows_no_more_is_given_again(slack: Slack) -> None:
    connector = account(slack.port)
    outbound = post("Dewch", media=pictures(1, connector.limits))
    slack.once["Dewch"] = Said(200, {"ok": False, "error": "ratelimited"})
    with pytest.raises(Deferred):
        connector.send(outbound)
    slack.once["files.info"] = Said(200, {"ok": False, "error": "file_not_found"})
    with pytest.raises(Deferred):
        connector.send(outbound)
    connector.send(outbound)
    assert len(slack.posts) == 1 and len(slack.files) == 2


def test_only_so_many_pictures_are_kept_in_mind(slack: Slack) -> None:
    connector = account(slack.port)
    for n in range(GIVEN_MAX + 1):
        slack.once[f"Dewch {n}"] = "ratelimited"
        with pytest.raises(Deferred):
            connector.send(post(f"Dewch {n}", media=pictures(1, connector.limits)))
    connector.send(post("Dewch 0", media=pictures(1, connector.limits)))
    assert len(slack.files) == GIVEN_MAX + 2


@pytest.mark.parametrize(
    ("method", "told"),
    [
        *((method, told) for method in STEPS for told in ("take", "lose", "unavailable")),
        *((method, "fatal_error") for method in STEPS if method.startswith("files.")),
    ],
)
def test_trouble_with_a_picture_is_never_uncertain(slack: Slack, method: str, told: str) -> None:
    connector = account(slack.port)
    slack.once[method] = told
    with pytest.raises(Deferred):
        connector.send(post("Dewch", media=pictures(1, connector.limits)))
    assert slack.posts == []


def test_a_picture_goes_nowhere_but_to_slack(slack: Slack) -> None:
    """U1: the address for it comes in an answer."""
    connector = account(slack.port)
    body = b'{"ok": true, "upload_url": "http://10.0.0.1/x", "file_id": "F1"}'
    slack.once["files.getUploadURLExternal"] = b"HTTP/1.1 200 x\r\nContent-Length: %d\r\n\r\n%s" % (
        len(body),
        body,
    )
    with pytest.raises(AccountGone):
        connector.send(post("Dewch", media=pictures(1, connector.limits)))
    assert slack.posts == []


def test_a_post_of_nothing_is_refused_before_anything_is_sent(slack: Slack) -> None:
    with pytest.raises(Refused):
        account(slack.port).send(post(" \n"))
    assert slack.asked == []


# --- what an answer means
@pytest.mark.parametrize(
    ("told", "error", "code"),
    [
        ("invalid_auth", AccountGone, "invalid_auth"),
        ("not_in_channel", AccountGone, "not_in_channel"),
        ("missing_scope", AccountGone, "missing_scope"),
        ("msg_too_long", Refused, "msg_too_long"),
        ("ratelimited", Deferred, "ratelimited"),
        ("message_limit_exceeded", Deferred, "message_limit_exceeded"),
        ("rate_limited", Deferred, "429"),
        ("fatal_error", Uncertain, ""),
        ("unavailable", Uncertain, "503"),
    ],
)
def test_a_refusal_says_whom_it_is_about(
    slack: Slack, told: str, error: type[ConnectorError], code: str
) -> None:
    lost = failure(slack, told)
    assert (type(lost), lost.code) == (error, code) and slack.posts == []


def test_the_account_waits_as_long_as_slack_says(slack: Slack) -> None:
    lost = failure(slack, "rate_limited")
    assert isinstance(lost, Deferred) and (lost.scope, lost.retry_after_s) == ("account", 30)


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b"ok!", b'{"ok": 1}', b'{"ok": true}', b'{"ok": true, "ts": 5}']
)
def test_what_nobody_understands_after_a_post_is_uncertain(slack: Slack, body: bytes) -> None:
    lost = failure(slack, b"HTTP/1.1 200 x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    assert isinstance(lost, Uncertain)


def test_a_channel_without_the_bot_is_told_before_the_first_post(slack: Slack) -> None:
    account(slack.port).verify()
    for connector in (account(slack.port, token="x"), account(slack.port, channel_id="C0999")):
        with pytest.raises(AccountGone):
            connector.verify()
    assert slack.posts == []


# --- did it go?
def find(connector: Connector, outbound: Outbound) -> Receipt | None:
    assert connector.find is not None
    return connector.find(outbound)


def test_a_history_as_slack_documents_it_is_read(slack: Slack) -> None:
    slack.once["conversations.history"] = "history"
    assert find(account(slack.port), post("Dewch draw & dweud")) == Receipt("1793610000.000100")


def test_the_whole_list_back_to_the_intent_is_searched(slack: Slack) -> None:
    slack.page = 5
    connector = account(slack.port)
    first = connector.send(post("y cyntaf"))
    for n in range(12):
        connector.send(post(f"arall {n}"))
    assert find(connector, post("y cyntaf")) == first
    assert find(connector, post("dim byd")) is None
    assert find(connector, post("y cyntaf", since=SINCE + timedelta(days=7))) is None


def test_where_there_is_more_than_can_be_looked_through_nothing_is_claimed(slack: Slack) -> None:
    slack.page = 1
    connector = account(slack.port)
    for n in range(10):
        connector.send(post(f"arall {n}"))
    with pytest.raises(Deferred):
        find(connector, post("dim byd"))


def test_likes_and_answers_are_counted_as_slack_documents_them(slack: Slack) -> None:
    slack.once["conversations.history"] = "history"
    connector = account(slack.port)
    assert connector.metrics is not None
    name = "1793610000.000100"
    assert list(connector.metrics([name])) == [Reading(name, "likes", 3), Reading(name, "replies", 2)]


# --- back
def signed(body: bytes, secret: str = SECRET, at: datetime = AT) -> Call:
    stamp = str(int(at.timestamp()))
    right = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, sha256).hexdigest()
    headers = {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={right}"}
    return Call("POST", headers, {}, body, at)


def incoming(sample: str, **more: Any) -> bytes:
    """A call's body, with some of its event changed."""
    found = json.loads((CONNECTORS / "slack" / "samples" / f"{sample}.json").read_text("utf-8"))["body"]
    found.get("event", {}).update(more)
    return json.dumps({**found}, ensure_ascii=False).encode()


def hear(call: Call) -> Heard:
    hooks = account(1, secret=SECRET).hooks
    assert hooks is not None
    return hooks(call)


def test_the_signature_is_that_of_slacks_own_example() -> None:
    """H1: the golden vector of "Verifying requests from Slack"."""
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    told = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    headers = {"x-slack-request-timestamp": "1531420618", "x-slack-signature": told}
    call = Call("POST", headers, {}, body, datetime.fromtimestamp(1531420618, UTC))
    assert hear(call) == Heard(parked=(body.decode(),))
    with pytest.raises(NotAuthentic):
        hear(replace(call, body=body + b" "))


def test_an_answer_in_the_thread_of_a_post_answers_that_post() -> None:
    """DC3"""
    (event,) = hear(signed(incoming("reply"))).events
    assert (event.kind, event.references, event.sender) == ("reply", ("1793610000.000100",), "U0SIAN0001")
    assert event.text == "Byddaf yno! https://cyngor.example/a & @U0LAYLA001"
    assert event.meta["message_id"] == "1793610000.000100"
    assert event.at == datetime(2026, 11, 2, 9, 2, 0, 300, tzinfo=UTC)


def test_words_to_the_bot_are_a_mention_and_a_reaction_is_a_like() -> None:
    (mention,) = hear(signed(incoming("mention"))).events
    assert (mention.kind, mention.references, mention.text) == (
        "mention", (), f"@{BOT} هل الاجتماع مساء الاثنين؟",
    )  # fmt: skip
    (like,) = hear(signed(incoming("reaction"))).events
    assert (like.kind, like.provider_id, like.text) == ("like", "1793610000.000100", ":tada:")


@pytest.mark.parametrize(
    ("sample", "more"),
    [
        ("reply", {"parent_user_id": "U0LAYLA001"}),
        ("reply", {"channel": "C0999"}),
        ("reply", {"subtype": "message_changed"}),
        ("reply", {"bot_id": "B1"}),
        ("reply", {"user": BOT}),
        ("reply", {"user": "USLACKBOT"}),
        ("reaction", {"user": "USLACKBOT"}),
        ("reaction", {"user": BOT}),
        ("mention", {"text": "helo bawb"}),
        ("reaction", {"item_user": "U0LAYLA001"}),
        ("reaction", {"reaction": "-1"}),
        ("reaction", {"type": "team_join"}),
    ],
)
def test_only_what_is_meant_for_us_is_told(sample: str, more: dict[str, Any]) -> None:
    assert hear(signed(incoming(sample, **more))) == Heard()


def test_an_event_never_seen_is_kept_for_a_person() -> None:
    """H13"""
    for body in (incoming("reaction", type="danced"), b'{"type": "app_danced", "event": {}}'):
        heard = hear(signed(body))
        assert heard.events == () and "danced" in heard.parked[0]
    assert hear(signed(b'{"type": "app_rate_limited", "team_id": "T1"}')) == Heard()


def test_a_challenge_is_answered_only_where_it_is_signed() -> None:
    """H12"""
    body = incoming("challenge")
    assert hear(signed(body)).answer.startswith(b"3eZbrw1a")
    with pytest.raises(NotAuthentic):
        hear(signed(body, secret="another"))
    with pytest.raises(NotAuthentic):
        hear(Call("POST", {}, {}, body, AT))


def test_a_repeated_call_is_the_same_event() -> None:
    """H4: Slack repeats three times, with a new time and signature."""
    first = hear(signed(incoming("reply"))).events[0]
    again = replace(signed(incoming("reply"), at=AT + timedelta(minutes=5)))
    again = replace(again, headers={**again.headers, "x-slack-retry-num": "1"})
    assert hear(again).events[0].key == first.key


NAMES = [
    "type",
    "event",
    "authorizations",
    "user_id",
    "channel",
    "ts",
    "thread_ts",
    "user",
    "text",
    "item",
    "reaction",
]


@given(shapes(NAMES, CHANNEL, "5.0", BOT), st.sampled_from(["message", "reaction_added"]))
def test_a_call_or_an_answer_of_any_shape_stops_nobody(body: Any, kind: str) -> None:
    """H9, F26"""
    event = {**body, "type": kind} if isinstance(body, dict) else body
    whole = {"type": "event_callback", "event": event, "authorizations": [{"user_id": BOT}]}
    for told in (body, whole):
        assert isinstance(hear(signed(json.dumps(told).encode())), Heard)
    listed = {"ok": True, "messages": body, "response_metadata": body}
    stops_nobody(account, listed, ("find", post("x")), ("metrics", ["5.0"]))


def test_settings_that_make_no_sense_are_named() -> None:
    wrong: dict[str, Any] = {"channel_id": "#general", "base_url": "https://s.example", "deadline_s": 0.0}
    with pytest.raises(BadSettings) as caught:
        registry.connect("slack", wrong, {"token": TOKEN})
    assert set(caught.value.problems) == set(wrong)


def test_the_connector_says_what_it_is() -> None:
    connector = account(1)
    assert (connector.channel, connector.broadcast) == ("slack", True)
    assert connector.repeats == Findable(10.0, known_for_s=90 * 86_400.0)
    assert connector.hooks is None and TOKEN not in connector.app


# --- the contract of every connector
class FarSlack(PostsSide, FarMedia, FarMetrics):
    """Slack's side: it keeps our key with each post."""

    said = PostsSide.said | {Refused: "msg_too_long", AccountGone: "not_in_channel"}
    figures = ("likes", "replies")
    no_picture = ("F00000001", "lose")

    def taken(self) -> list[tuple[str, Any]]:
        return [(shown(one), one) for one in self.it.posts]

    def key(self, words: str, whole: Any) -> str:
        return str(whole["metadata"]["event_payload"]["key"])

    def media(self, key: str) -> list[tuple[bytes, str]]:
        blocks = [block for block in self.made(key)["blocks"] if block["type"] == "image"]
        return [(self.it.files[one["slack_file"]["id"]]["data"], one["alt_text"]) for one in blocks]

    def count(self, provider_id: str, figure: str, value: int) -> None:
        self.it.lag = timedelta(0)
        (sent,) = [one for one in self.it.posts if one["ts"] == provider_id]
        told: dict[str, Any] = {"likes": {"reactions": [{"name": "tada", "count": value}]}}
        sent.update(told.get(figure, {"reply_count": value}))


class TestContract(OutboundContract, RepeatContract, MediaContract, MetricsContract):
    """Slack keeps the promises of every connector."""

    @pytest.fixture
    def far(self, slack: Slack) -> FarSlack:
        slack.lag = timedelta(seconds=9)
        return FarSlack(slack, account, post, TOKEN)


class SignedSlack(Called):
    """Calls of Slack, signed as it signs them."""

    signed_headers = ("x-slack-signature", "x-slack-request-timestamp")
    batches = False


class TestHooks(HookContract, ReadContract):
    """Slack's hooks keep the promises of every hook."""

    @pytest.fixture
    def far(self) -> SignedSlack:
        return SignedSlack(
            lambda: account(1, secret=f"newer-secret {SECRET}"),
            lambda: signed(incoming("reply"), secret="newer-secret"),
            lambda: signed(incoming("reply", ts="soon")),
            lambda: signed(incoming("reply")),
        )
