"""A receiver of signed JSON: what is told it, what its answers mean, what it tells us."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import registry, signatures
from connectors.api import (
    AccountGone,
    AddressGone,
    BadSettings,
    Blind,
    Call,
    Connector,
    ConnectorError,
    Deferred,
    Event,
    Heard,
    Keyed,
    NotAuthentic,
    Outbound,
    Receipt,
    Refused,
    Uncertain,
)
from connectors.testing import (
    FarMedia,
    HookContract,
    MediaContract,
    OutboundContract,
    ReadContract,
    RepeatContract,
    pictures,
)

from . import far
from .far import CONNECTORS, Asked, Called, Far, PostsSide, Said, failing

NEW, OLD, THEIRS = (signatures.PREFIX + word * 4 for word in ("bmV3ZXIu", "b2xkZXIu", "dGhlaXJz"))
AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@dataclass
class Receiver(Far):
    """A system that takes messages, keeps their ids and answers a repeated one as before."""

    connector = "webhook"
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    pings: int = 0

    def name(self, asked: Asked) -> str:
        return asked.headers["webhook-id"]

    def answer(self, asked: Asked) -> Said:
        signatures.verify([NEW], asked.headers, asked.body, datetime.now(UTC))
        told = asked.json()
        if told["type"] == "ping":
            self.pings += 1
            return Said(204)
        return Said(200, {"id": self.take(asked.headers["webhook-id"], told["data"])})

    def take(self, key: str, told: dict[str, Any]) -> str:
        self.messages.setdefault(key, told)
        return f"notice-{list(self.messages).index(key) + 1}"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with far.running(Receiver()) as running:
        yield running


def account(port: int, **values: Any) -> Connector:
    secrets = {
        "secret": values.pop("secret", NEW),
        "hook_secret": values.pop("hook_secret", f"{THEIRS} {OLD}"),
    }
    url = f"http://127.0.0.1:{port}/dolen?desk=3"
    told = {"url": url, "deadline_s": 5, "keeps_ids_s": 3600, **values}
    return registry.connect("webhook", told, {name: value for name, value in secrets.items() if value})


def post(text: str = "Dewch draw", **values: Any) -> Outbound:
    return Outbound(key=f"dlv-{text}", text=text, **{"since": AT, **values})


def failure(receiver: Receiver, told: str | bytes) -> ConnectorError:
    return failing(account, post(), receiver, told, at=post().key)


# --- what it is told
def test_a_message_is_told_whole_and_what_it_has_not_is_left_out(receiver: Receiver) -> None:
    one = post(
        to="desk-3", subject="Nos Fercher", html="<p>Dewch draw", language="cy", in_reply_to="notice-1"
    )
    assert account(receiver.port).send(one) == Receipt("notice-1")
    (asked,) = receiver.asked
    assert asked.query == {"desk": "3"} and asked.headers["content-type"] == "application/json"
    assert asked.json() == {
        "type": "message",
        "timestamp": "2026-11-02T09:00:00+00:00",
        "data": {
            "id": one.key, "to": "desk-3", "subject": "Nos Fercher", "text": "Dewch draw", "html": "<p>Dewch draw",
            "language": "cy", "in_reply_to": "notice-1",
        },
    }  # fmt: skip


def test_a_message_is_told_in_the_same_bytes_on_every_attempt(receiver: Receiver) -> None:
    connector, one = account(receiver.port), post(media=pictures(2, registry.provider("webhook").limits))
    assert connector.send(one) == connector.send(one)
    assert len({asked.body for asked in receiver.asked}) == 1 and len(receiver.messages) == 1


def test_both_secrets_sign_while_one_is_being_replaced(receiver: Receiver) -> None:
    account(receiver.port, secret=f"{OLD} {NEW}", hook_secret="").send(post())
    (asked,) = receiver.asked
    for secret in (OLD, NEW):
        assert signatures.verify([secret], asked.headers, asked.body, datetime.now(UTC)) == post().key


def test_a_receiver_that_gives_no_name_is_known_by_ours(receiver: Receiver) -> None:
    for body in (
        b"",
        b"ok",
        b"[]",
        b'{"id": ""}',
        b'{"id": true}',
        b'{"id": {}}',
        b'{"id": "%s"}' % (b"x" * 201),
    ):
        receiver.once[post().key] = b"HTTP/1.1 200 x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        assert account(receiver.port).send(post()) == Receipt(post().key)
    receiver.once[post().key] = b'HTTP/1.1 200 x\r\nContent-Length: 9\r\n\r\n{"id": 7}'
    assert account(receiver.port).send(post()) == Receipt("7")


# --- what an answer means
@pytest.mark.parametrize(
    "told, error, code",
    [
        ("refused", Refused, "422"),
        ("address_gone", AddressGone, "address_gone"),
        ("gone", AccountGone, "410"),
        ("unsigned", AccountGone, "401"),
        ("busy", Deferred, "503"),
        ("closed", Deferred, "503"),
        ("broken", Uncertain, "500"),
    ],
)
def test_an_answer_says_what_may_be_done_next(
    receiver: Receiver, told: str, error: type[ConnectorError], code: str
) -> None:
    lost = failure(receiver, told)
    assert type(lost) is error and lost.code == code and receiver.messages == {}


def test_a_receiver_that_is_busy_says_until_when(receiver: Receiver) -> None:
    lost = failure(receiver, "busy")
    assert isinstance(lost, Deferred) and (lost.scope, lost.retry_after_s) == ("account", 120)


@pytest.mark.parametrize("body", [b"", b"no", b"[]", b'"x"', b'{"detail": {}}'])
def test_a_refusal_in_words_of_any_shape_is_still_a_refusal(receiver: Receiver, body: bytes) -> None:
    lost = failure(receiver, b"HTTP/1.1 422 x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    assert type(lost) is Refused and lost.words


def test_to_verify_is_a_call_that_nobody_reads(receiver: Receiver) -> None:
    account(receiver.port).verify()
    assert receiver.pings == 1 and receiver.messages == {}
    with pytest.raises(AccountGone):
        receiver.once[""] = "unsigned"
        account(receiver.port).verify()


# --- what it tells us
def call(told: Any, secret: str = THEIRS, name: str = "evt-1") -> Call:
    body = json.dumps(told, ensure_ascii=False).encode()
    return Call("POST", signatures.sign(secret, name, AT, body), {}, body, AT)


def heard(told: Call) -> Heard:
    connector = account(1)
    assert connector.hooks is not None
    return connector.hooks(told)


def sample(name: str) -> Any:
    return json.loads((CONNECTORS / "webhook/samples" / f"{name}.json").read_text("utf-8"))["body"]


def test_an_event_is_told_in_our_words() -> None:
    """DC3"""
    (event,) = heard(call(sample("reply"))).events
    assert event == Event(
        key="answer-5",
        kind="reply",
        at=datetime(2026, 11, 2, 9, 5, tzinfo=UTC),
        provider_id="notice-77",
        sender="desk-3",
        sender_name="Siân Rees",
        text="Diolch! A fydd lifft?",
        language="cy",
        meta={"message_id": "answer-5"},
        raw=event.raw,
    )
    assert json.loads(event.raw) == sample("reply")


def test_a_bounce_says_whom_it_is_about_and_for_how_long() -> None:
    (event,) = heard(call(sample("bounce"))).events
    assert (event.kind, event.about, event.hard, event.key) == ("bounce", "desk-14", True, "evt-1/0")


def test_who_pressed_a_link_can_be_told_with_it() -> None:
    """F6"""
    about = {"message": "notice-77", "url": "https://a.example/", "user_agent": "curl/8", "method": "HEAD"}
    told = {"type": "clicked", "timestamp": "2026-11-02T09:05:00+00:00", "data": {**about, "machine": True}}
    (event,) = heard(call(told)).events
    assert event.meta == {
        "url": "https://a.example/",
        "user_agent": "curl/8",
        "method": "HEAD",
        "machine": True,
    }
    (bare,) = heard(call({**told, "data": {"message": "notice-77", "machine": "yes"}})).events
    assert bare.meta == {}


def test_a_list_is_told_with_a_name_for_each() -> None:
    both = [sample("bounce"), {**sample("bounce"), "type": "opt_out"}]
    assert [one.key for one in heard(call(both)).events] == ["evt-1/0", "evt-1/1"]


def test_a_ping_is_answered_and_is_no_event() -> None:
    assert heard(call({"type": "ping", "data": {}})) == Heard()


@pytest.mark.parametrize(
    "told",
    [
        7, None, "reply", {}, {"type": "reply"}, {"type": "reply", "timestamp": "2026-11-02T09:05:00Z"},
        {**sample("reply"), "type": "never heard of"}, {**sample("reply"), "timestamp": "2026-11-02T09:05:00"},
        {**sample("reply"), "timestamp": 5}, {**sample("reply"), "data": []},
        {**sample("reply"), "data": {"text": {}}},
    ],
)  # fmt: skip
def test_what_is_no_event_is_parked(told: Any) -> None:
    """H9"""
    found = heard(call(told))
    assert found.events == () and len(found.parked) == 1


def test_what_was_parked_is_read_again_when_somebody_understands_it() -> None:
    """By its own id; what has none is named by all that is said of it, the same each time."""
    connector, told = account(1), sample("reply")
    assert connector.read is not None
    assert connector.read(json.dumps([told]).encode()).events == heard(call(told)).events
    body = json.dumps([{**told, "data": {**told["data"], "id": ""}}]).encode()
    (first,), (again,) = connector.read(body).events, connector.read(body).events
    assert first == again and first.key


def test_a_body_that_is_no_json_is_parked() -> None:
    """H9"""
    body = b"\xff{"
    told = Call("POST", signatures.sign(THEIRS, "evt-1", AT, body), {}, body, AT)
    assert heard(told) == Heard(parked=("\ufffd{",))


def test_our_own_call_sent_back_to_us_proves_nothing(receiver: Receiver) -> None:
    """H2: what signs one way does not sign the other."""
    account(receiver.port).send(post())
    (asked,) = receiver.asked
    with pytest.raises(NotAuthentic):
        heard(Call("POST", asked.headers, {}, asked.body, datetime.now(UTC)))


def test_a_look_is_no_call() -> None:
    with pytest.raises(NotAuthentic):
        heard(replace(call(sample("reply")), method="GET"))


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda inner: (
    st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["type", "timestamp", "data", "id", "text", "hard"]), inner, max_size=4)
), max_leaves=12))  # fmt: skip
def test_a_genuine_call_of_any_shape_stops_nobody(told: Any) -> None:
    """H9"""
    found = heard(call(told))
    events = told if isinstance(told, list) else [told]
    assert len(found.events) + len(found.parked) == len(events) or found == Heard()


# --- its settings
def test_settings_that_make_no_sense_are_named() -> None:
    wrong: dict[str, Any] = {"channel": "Bwrdd!", "text_max": -1, "keeps_ids_s": -1.0}
    with pytest.raises(BadSettings) as told:
        account(1, **wrong, secret="whsec_*", hook_secret="word")
    assert set(told.value.problems) == {*wrong, "secret", "hook_secret"}
    with pytest.raises(BadSettings, match="another one"):
        account(1, hook_secret=NEW)
    with pytest.raises(BadSettings, match="https"):
        account(1, url="http://cyngor.example/hook")


def test_what_an_account_is_follows_from_its_settings() -> None:
    plain = account(1, keeps_ids_s=0.0, hook_secret="", text_max=0)
    assert (plain.repeats, plain.hooks, plain.broadcast, plain.limits.text_max) == (Blind(), None, True, None)
    whole = account(1, channel="desks", to_each=True, text_max=500)
    assert (whole.repeats, whole.channel, whole.broadcast) == (Keyed(3600.0), "desks", False)
    assert whole.limits.text_max == 500


# --- the contract of every connector
class FarReceiver(PostsSide, FarMedia):
    """A receiver that keeps ids, or that its owner says nothing about; it fetches pictures by their addresses."""

    said = PostsSide.said | {
        Deferred: "busy", Refused: "refused", AddressGone: "address_gone", AccountGone: "unsigned",
    }  # fmt: skip
    no_picture = ("", "closed")

    def outbound(self, n: int, text: str = "Hello") -> Outbound:
        return replace(post(text), key=f"dlv-{n}")

    def taken(self) -> list[tuple[str, Any]]:
        return [(str(told["text"]), told) for told in self.it.messages.values()]

    def key(self, words: str, whole: Any) -> str:
        return str(whole["id"])

    def once_at(self, outbound: Outbound) -> str:
        return outbound.key

    def media(self, key: str) -> list[tuple[bytes, str]]:
        public = {one.url: one.load() for one in pictures(20, registry.provider("webhook").limits)}
        return [(public[one["url"]], str(one["alt"])) for one in self.made(key)["pictures"]]


class TheirCalls(Called):
    """The receiver's calls to us."""

    signed_headers = ("webhook-id", "webhook-timestamp", "webhook-signature")


class TestContract(OutboundContract, RepeatContract, MediaContract):
    """A receiver that keeps ids, and one that does not, as every connector."""

    @pytest.fixture(params=[3600.0, 0.0], ids=["keyed", "blind"])
    def far(self, receiver: Receiver, request: pytest.FixtureRequest) -> FarReceiver:
        connect = partial(account, keeps_ids_s=request.param)
        return FarReceiver(receiver, connect, post, NEW, THEIRS, OLD)


class TestHooks(HookContract, ReadContract):
    """Its calls to us, as every connector's."""

    @pytest.fixture
    def far(self) -> TheirCalls:
        good, bad = sample("reply"), {"type": "never heard of"}
        calls = (partial(call, good), partial(call, [good, bad]), partial(call, good, OLD))
        return TheirCalls(lambda: account(1), *calls)
