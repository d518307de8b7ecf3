"""Twilio against a double of it: what each answer means, signed forms, answers and STOP."""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import registry
from connectors.api import (
    AccountGone,
    AddressGone,
    BadSettings,
    Blind,
    Call,
    Connector,
    ConnectorError,
    Deferred,
    Heard,
    NotAuthentic,
    OptedOut,
    Outbound,
    Receipt,
    Refused,
    Uncertain,
)
from connectors.shapes import dated
from connectors.testing import HookContract, OutboundContract, ReadContract, RepeatContract

from . import far
from .far import CONNECTORS, Asked, Called, Far, PostsSide, Said, failing, shapes, stops_nobody

SID = "AC" + "0123456789abcdef" * 2
TOKEN = "token-of-the-account"
NUMBER = "+442920000000"
URL = "https://dolen.example/hooks/acc_1"
AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
FIRST = "SM" + "0" * 32


@dataclass
class Twilio(Far):
    """What Twilio knows. A message is known by its words, all else by its path."""

    connector = "twilio"
    messages: list[dict[str, str]] = field(default_factory=list)
    state: str = "active"

    def name(self, asked: Asked) -> str:
        """The words of a message, else the path."""
        return asked.form().get("Body", asked.path) if asked.body else asked.path

    def answer(self, asked: Asked) -> Said:
        """What Twilio says to whoever has the token."""
        login = b64encode(f"{SID}:{TOKEN}".encode()).decode()
        if asked.headers["authorization"] != f"Basic {login}":
            return far.sample("twilio", "unauthorized")
        if asked.path == f"/2010-04-01/Accounts/{SID}.json":
            told = far.sample("twilio", "account")
            return Said(200, {**told.body, "status": self.state})
        if asked.path != f"/2010-04-01/Accounts/{SID}/Messages.json":
            return Said(404, {"code": 20404, "status": 404})
        form = asked.form()
        if len(form.get("Body", "")) > 1600:
            return far.sample("twilio", "too_long")
        told = far.sample("twilio", "queued")
        self.messages.append(form)
        return Said(201, {**told.body, "sid": f"SM{len(self.messages):032}"})


def account(port: int, token: str = TOKEN, **values: Any) -> Connector:
    told = {
        "account_sid": SID,
        "from": NUMBER,
        "base_url": f"http://127.0.0.1:{port}",
        "deadline_s": 5.0,
        **values,
    }
    return registry.connect("twilio", told, {"auth_token": token})


def message(text: str, to: str = "+447700900123", **values: Any) -> Outbound:
    return Outbound(key=f"dlv-{text}", to=to, text=text, **values)


@pytest.fixture
def twilio() -> Iterator[Twilio]:
    with far.running(Twilio()) as one:
        yield one


failure = partial(failing, account, message("Dewch draw"))


# --- out
def test_a_message_goes_to_one_number_and_says_how_many_text_messages_it_is(twilio: Twilio) -> None:
    """D5"""
    receipt = account(twilio.port, hook_url=URL).send(message("Dewch draw", to="+44 7700 900-123"))
    assert receipt == Receipt("SM" + "0" * 31 + "1", words="1 SMS")
    assert twilio.messages == [
        {"To": "+447700900123", "From": NUMBER, "Body": "Dewch draw", "StatusCallback": URL}
    ]


def test_a_messaging_service_sends_without_a_number(twilio: Twilio) -> None:
    service = "MG" + "0" * 32
    account(twilio.port, **{"from": service}).send(message("Dewch"))
    assert twilio.messages[0]["MessagingServiceSid"] == service and "From" not in twilio.messages[0]


def test_whatsapp_is_a_prefix_and_where_it_must_be_a_template(twilio: Twilio) -> None:
    account(twilio.port, channel="whatsapp").send(message("سلام"))
    account(twilio.port, channel="whatsapp", content_sid="HX1").send(message("سلام\n\nعليكم "))
    plain, template = twilio.messages
    assert (plain["To"], plain["From"], plain["Body"]) == (
        "whatsapp:+447700900123",
        f"whatsapp:{NUMBER}",
        "سلام",
    )
    assert template["ContentSid"] == "HX1" and json.loads(template["ContentVariables"]) == {"1": "سلام عليكم"}
    assert "Body" not in template


def test_a_message_of_nothing_is_refused_before_anything_is_sent(twilio: Twilio) -> None:
    with pytest.raises(Refused):
        account(twilio.port).send(message(" \n"))
    assert twilio.asked == []


# --- what an answer means
@pytest.mark.parametrize(
    ("told", "error", "code"),
    [
        ("unauthorized", AccountGone, "20003"),
        ("not_our_number", AccountGone, "21606"),
        ("region", Refused, "21408"),
        (b'HTTP/1.1 403 x\r\nContent-Length: 15\r\n\r\n{"code": 21408}', Refused, "21408"),
        ("no_number", AddressGone, "21211"),
        ("not_mobile", AddressGone, "21614"),
        ("stopped", OptedOut, "21610"),
        ("too_long", Refused, "21617"),
        ("queue_full", Deferred, "21611"),
        ("rate_limited", Deferred, "429"),
        ("unavailable", Uncertain, "503"),
        (b"HTTP/1.1 400 x\r\nContent-Length: 2\r\n\r\n[]", Refused, "400"),
        (b"HTTP/1.1 400 x\r\nContent-Length: 2\r\n\r\nno", Refused, "400"),
        (b"HTTP/1.1 403 x\r\nContent-Length: 2\r\n\r\nno", AccountGone, "403"),
    ],
)
def test_a_refusal_says_whom_it_is_about(
    twilio: Twilio, told: str | bytes, error: type[ConnectorError], code: str
) -> None:
    lost = failure(twilio, told)
    assert (type(lost), lost.code) == (error, code) and twilio.messages == []


def test_a_recipient_in_another_country_does_not_stop_the_account_of_a_short_code(twilio: Twilio) -> None:
    """Of a short code this answer may be about the recipient's country alone."""
    twilio.once["Dewch draw"] = "not_our_number"
    with pytest.raises(Refused) as lost:
        account(twilio.port, **{"from": "60123"}).send(message("Dewch draw"))
    assert lost.value.code == "21606"


@pytest.mark.parametrize("told", ["queue_full", "rate_limited"])
def test_a_full_queue_slows_the_account(twilio: Twilio, told: str) -> None:
    lost = failure(twilio, told)
    assert isinstance(lost, Deferred) and lost.scope == "account"


@pytest.mark.parametrize("body", [b"{}", b"[]", b"ok!", b'{"sid": 5}', b'{"sid": ""}'])
def test_what_nobody_understands_after_a_message_is_uncertain(twilio: Twilio, body: bytes) -> None:
    lost = failure(twilio, b"HTTP/1.1 201 x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    assert isinstance(lost, Uncertain)


def test_an_account_that_may_not_send_is_told_before_the_first_message(twilio: Twilio) -> None:
    account(twilio.port).verify()
    with pytest.raises(AccountGone):
        account(twilio.port, token="x").verify()
    twilio.state = "suspended"
    with pytest.raises(AccountGone, match="suspended"):
        account(twilio.port).verify()
    assert twilio.messages == []


# --- back
def form(sample: str, **more: str) -> dict[str, str]:
    found = json.loads((CONNECTORS / "twilio" / "samples" / f"{sample}.json").read_text("utf-8"))
    return {**found["body"], **more}


def signature(told: Mapping[str, str], token: str = TOKEN, url: str = URL) -> str:
    """As Twilio describes it: the address, then each name and value in the order of the names."""
    signed = url + "".join(f"{name}{told[name]}" for name in sorted(told))
    return b64encode(hmac.digest(token.encode(), signed.encode(), "sha1")).decode()


def signed(told: Mapping[str, str], **how: str) -> Call:
    headers = {
        "x-twilio-signature": signature(told, **how),
        "content-type": "application/x-www-form-urlencoded",
    }
    return Call("POST", headers, {}, urlencode(told).encode(), AT)


def hear(call: Call, **values: Any) -> Heard:
    hooks = account(1, hook_url=URL, **values).hooks
    assert hooks is not None
    return hooks(call)


def test_the_signature_is_that_of_twilios_own_example() -> None:
    """H1: the golden vector of "Webhooks security"."""
    told = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
    }
    told["To"] = "+18005551212"
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert signature(told, token="12345", url=url) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    headers = {"x-twilio-signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8="}
    call = Call("POST", headers, {}, urlencode(told).encode(), AT)
    hooks = account(1, hook_url=url, token="12345").hooks
    with pytest.raises(NotAuthentic, match="another account"):  # proven, and not of this account
        assert hooks and hooks(call)


@pytest.mark.parametrize(
    ("more", "kind", "hard"),
    [
        ({"MessageStatus": "delivered"}, "delivered", False),
        ({"MessageStatus": "read"}, "opened", False),
        ({"MessageStatus": "undelivered", "ErrorCode": "30005"}, "bounce", True),
        ({"MessageStatus": "undelivered", "ErrorCode": "30003"}, "bounce", False),
        ({"MessageStatus": "failed", "ErrorCode": "63016"}, "bounce", False),
    ],
)
def test_what_became_of_a_message_is_told_of_that_message(
    more: dict[str, str], kind: str, hard: bool
) -> None:
    """DC3"""
    (event,) = hear(signed(form("delivered", **more))).events
    assert (event.kind, event.hard, event.provider_id, event.about) == (kind, hard, FIRST, "+447700900123")


def test_whoever_has_stopped_a_messaging_service_is_out_though_it_took_the_message() -> None:
    """F13"""
    lost, out = hear(signed(form("undelivered", MessageStatus="failed", ErrorCode="21610"))).events
    assert (lost.kind, lost.hard, out.kind, out.sender) == ("bounce", False, "opt_out", lost.about)
    assert out.provider_id == lost.provider_id and out.key != lost.key


@pytest.mark.parametrize("state", ["queued", "sent", "sending", "accepted", "scheduled", "canceled"])
def test_what_is_under_way_is_no_news(state: str) -> None:
    heard = hear(signed(form("delivered", MessageStatus=state)))
    assert heard.events == () and heard.parked == () and heard.answer == b"<Response/>"


def test_a_state_never_seen_is_kept_for_a_person() -> None:
    """H13"""
    heard = hear(signed(form("delivered", MessageStatus="danced")))
    assert heard.events == () and "MessageStatus=danced" in heard.parked[0]


def test_what_somebody_writes_is_a_reply_from_their_number() -> None:
    """DC3"""
    (event,) = hear(signed(form("received"))).events
    assert (event.kind, event.sender, event.text) == (
        "reply",
        "+447700900123",
        "Byddaf yno! Ydy'r tŷ ar agor?",
    )
    (event,) = hear(signed(form("whatsapp_reply"))).events
    assert (event.sender, event.sender_name, event.references) == ("+447700900456", "ليلى", (FIRST,))


@pytest.mark.parametrize(
    "text", ["STOP", " stop. ", "Stop All", "ATAL", "Stopio!", "إلغاء الاشتراك", "توقف", "Unsubscribe"]
)
def test_whoever_writes_stop_is_out(text: str) -> None:
    """F13: in English, Welsh and Arabic, whether Twilio says so or not."""
    told = {name: value for name, value in form("stop", Body=text).items() if name != "OptOutType"}
    for each in (told, form("stop", Body="a word of ours")):
        (event,) = hear(signed(each)).events
        assert (event.kind, event.sender) == ("opt_out", "+447700900123")


@pytest.mark.parametrize("text", ["Please don't stop", "stop the bus at the hall?", "", "Peidiwch â stopio"])
def test_whoever_writes_of_stopping_is_not_out(text: str) -> None:
    told = {name: value for name, value in form("stop", Body=text).items() if name != "OptOutType"}
    assert [event.kind for event in hear(signed(told)).events] == ["reply"]


@pytest.mark.parametrize("kind", ["START", "HELP"])
def test_whoever_comes_back_or_asks_is_read_by_a_person(kind: str) -> None:
    (event,) = hear(signed(form("stop", Body=kind, OptOutType=kind))).events
    assert event.kind == "reply"


def test_another_accounts_call_and_one_to_another_address_prove_nothing() -> None:
    """H8"""
    with pytest.raises(NotAuthentic):
        hear(signed(form("received", AccountSid="AC" + "f" * 32)))
    with pytest.raises(NotAuthentic):
        hear(signed(form("received"), url=URL + "/"))


@pytest.mark.parametrize(
    "body",
    [
        b"Body=a%2fb",
        b"Body=%ff",
        b"Body=%FF",
        b"{}",
        b"Body=a b",
        b"Body=\xc5\xb5",
        b"&".join([b"a=1"] * 201),
        b"a=%2",
    ],
)
def test_a_spelling_that_twilio_does_not_use_proves_nothing(body: bytes) -> None:
    """H2: what is signed are the values, so one spelling of them is taken."""
    told = {"Body": "a/b"}
    for each in (signature(told), signature({}), ""):
        with pytest.raises(NotAuthentic):
            hear(Call("POST", {"x-twilio-signature": each}, {}, body, AT))


def test_what_was_parked_is_read_again_as_of_when_it_came() -> None:
    """Twilio tells no time itself. Of other words, and of what is no form, nothing can be read."""
    told, connector = signed(form("received")), account(1, hook_url=URL)
    parked = dated(AT, told.body)
    assert connector.read is not None and connector.read(parked.encode()).events == hear(told).events
    for words in ("Body=x", "a=%2", f"{AT.isoformat()}\na=%2", ""):
        assert connector.read(words.encode()).parked == (words,)


@given(st.dictionaries(st.sampled_from([*form("delivered"), *form("whatsapp_reply")]), st.text(max_size=9)))
def test_a_form_of_any_shape_stops_nobody(told: dict[str, str]) -> None:
    """H9"""
    told = {name: value.encode("utf-8", "replace").decode() for name, value in told.items()}
    assert isinstance(hear(signed({**told, "AccountSid": SID})), Heard)


@given(shapes(["sid", "status"]))
def test_an_answer_of_any_shape_stops_nobody(body: Any) -> None:
    """F26"""
    stops_nobody(account, body, ("verify",))


def test_settings_that_make_no_sense_are_named() -> None:
    wrong: dict[str, Any] = {
        "account_sid": "me", "from": "a name that is too long", "channel": "fax", "hook_url": "http://x.example",
        "base_url": "https://t.example", "deadline_s": 0.0,
    }  # fmt: skip
    with pytest.raises(BadSettings) as caught:
        registry.connect("twilio", wrong, {"auth_token": TOKEN})
    assert set(caught.value.problems) == set(wrong)


def test_the_connector_says_what_it_is() -> None:
    connector = account(1)
    assert (connector.channel, connector.broadcast, connector.repeats) == ("sms", False, Blind())
    assert connector.limits.counting == "sms" and connector.hooks is None
    assert account(1, channel="whatsapp").channel == "whatsapp"


# --- the contract of every connector
class FarTwilio(PostsSide):
    """Twilio's side: a message is known by its words only."""

    said = PostsSide.said | {
        Deferred: "queue_full", Refused: "too_long", OptedOut: "stopped", AddressGone: "no_number"
    }  # fmt: skip

    def taken(self) -> list[tuple[str, Any]]:
        return [(one["Body"], one) for one in self.it.messages]


class TestContract(OutboundContract, RepeatContract):
    """Twilio keeps the promises of every connector."""

    @pytest.fixture
    def far(self, twilio: Twilio) -> FarTwilio:
        return FarTwilio(twilio, account, message, TOKEN)


class SignedTwilio(Called):
    """Calls of Twilio, signed as it signs them; it signs no time."""

    signed_headers = ("x-twilio-signature",)
    timed = False
    batches = False

    def kept(self, call: Call) -> bytes:
        return dated(call.at, call.body).encode()


BAD = {name: value for name, value in form("received").items() if name != "MessageSid"}


def hooked() -> Connector:
    return account(1, token=f"newer-token {TOKEN}", hook_url=URL)


class TestHooks(HookContract, ReadContract):
    """Twilio's hooks keep the promises of every hook."""

    @pytest.fixture
    def far(self) -> SignedTwilio:
        good, bad = (partial(signed, told, token="newer-token") for told in (form("received"), BAD))
        return SignedTwilio(hooked, good, bad, partial(signed, form("received")))


def test_the_first_of_two_tokens_is_the_one_to_send_with(twilio: Twilio) -> None:
    account(twilio.port, token=f"{TOKEN} older").send(message("Dewch"))
    assert len(twilio.messages) == 1
