"""SendGrid against a double of it: what each answer means, and what it pushes."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from connectors import registry
from connectors.api import (
    AccountGone,
    BadSettings,
    Call,
    Connector,
    ConnectorError,
    Deferred,
    Event,
    NotAuthentic,
    Refused,
    Uncertain,
)
from connectors.sendgrid.hooks import SIGNATURE, TIMESTAMP
from connectors.testing import FarHooks, HookContract, OutboundContract, ReadContract, RepeatContract

from . import far
from .far import Asked, Said
from .mail_apis import NOW, FarMail, MailService, call, calling, outbound

NEW, OLD = ec.derive_private_key(1_234_567, ec.SECP256R1()), ec.derive_private_key(7_654_321, ec.SECP256R1())
SECRETS = {"api_key": "SG.key-of-the-account"}


def public(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> str:
    """A verification key as SendGrid shows it."""
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return b64encode(der).decode()


@dataclass
class SendGrid(MailService):
    """What SendGrid knows."""

    connector = "sendgrid"

    def answer(self, asked: Asked) -> Said:
        if asked.headers.get("authorization") != "Bearer SG.key-of-the-account":
            return far.sample("sendgrid", "unauthorized")
        if asked.path == "/v3/scopes":
            return Said(200, {"scopes": ["mail.send"]})
        mail = asked.json()
        if mail.get("mail_settings"):
            return Said(200, b"")
        name = f"LRzXl_NHStOGhQ4ko{len(self.taken):05}"
        self.take(
            name, mail["personalizations"][0]["custom_args"]["dolen"], mail["content"][0]["value"], mail
        )
        return Said(202, b"", {"X-Message-Id": name})


def account(port: int, **values: Any) -> Connector:
    told = {
        "base_url": f"http://127.0.0.1:{port}",
        "deadline_s": 5,
        "hook_key": f"{public(NEW)} {public(OLD)}",
    }
    return registry.connect("sendgrid", {**told, **values}, SECRETS)


@pytest.fixture
def sendgrid() -> Iterator[SendGrid]:
    with far.running(SendGrid()) as running:
        yield running


def signed(body: Any, key: ec.EllipticCurvePrivateKey = NEW) -> Call:
    """A call as SendGrid signs it."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    stamp = str(int(NOW.timestamp()))
    proof = key.sign(stamp.encode() + raw, ec.ECDSA(SHA256()))
    return call(raw, {TIMESTAMP: stamp, SIGNATURE: b64encode(proof).decode()})


def heard(body: Any) -> tuple[Event, ...]:
    hooks = account(1).hooks
    assert hooks is not None
    return hooks(signed(body)).events


def test_a_mail_goes_with_all_that_it_has(sendgrid: SendGrid) -> None:
    """D2"""
    account(sendgrid.port).send(outbound(html="<p>Dewch</p>", reply_to="r@mon.example"))
    mail = sendgrid.taken[0].whole
    assert mail["from"] == {"email": "newyddion@news.mon.example", "name": "Cyngor Môn"}
    assert mail["content"] == [
        {"type": "text/plain", "value": "Hello"},
        {"type": "text/html", "value": "<p>Dewch</p>"},
    ]
    assert mail["reply_to"] == {"email": "r@mon.example"}
    assert mail["headers"]["Message-ID"] == "<dlv_0000000000001@news.mon.example>"
    assert mail["headers"]["List-Unsubscribe"] == "<https://mon.example/u/1>"


def test_no_mail_is_tracked_unless_the_account_wants_it(sendgrid: SendGrid) -> None:
    """F6"""
    account(sendgrid.port).send(outbound(1))
    account(sendgrid.port, tracking=True).send(outbound(2))
    asked = [one.whole.get("tracking_settings") for one in sendgrid.taken]
    off = {"enable": False}
    assert asked == [{"click_tracking": {**off, "enable_text": False}, "open_tracking": off}, None]


def test_in_the_sandbox_nothing_is_sent(sendgrid: SendGrid) -> None:
    receipt = account(sendgrid.port, sandbox=True).send(outbound())
    assert receipt.provider_id and sendgrid.taken == []
    assert sendgrid.asked[0].json()["mail_settings"] == {"sandbox_mode": {"enable": True}}


@pytest.mark.parametrize(
    "told, error, code",
    [
        ("unauthorized", AccountGone, "401"),
        ("no_sender", AccountGone, "403"),
        ("rate_limited", Deferred, "429"),
        ("refused", Refused, "400"),
        (b"HTTP/1.1 202 x\r\nContent-Length: 0\r\n\r\n", Uncertain, ""),
        (b"HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n", Uncertain, "500"),
    ],
)
def test_a_refusal_says_whom_it_is_about(
    sendgrid: SendGrid, told: str | bytes, error: type[ConnectorError], code: str
) -> None:
    sendgrid.once[""] = told
    with pytest.raises(ConnectorError) as caught:
        account(sendgrid.port).send(outbound())
    assert type(caught.value) is error and caught.value.code == code


def test_events_as_sendgrid_tells_them_are_told_in_our_words() -> None:
    events = heard(calling("sendgrid", "events"))
    assert [(each.kind, each.hard) for each in events] == [
        ("delivered", False), ("opened", False), ("opened", False), ("clicked", False), ("bounce", True),
        ("bounce", False), ("bounce", False), ("complaint", False), ("opt_out", False), ("opt_out", False),
    ]  # fmt: skip
    assert {each.provider_id for each in events} == {"LRzXl_NHStOGhQ4kofSm_A"}
    assert {each.references for each in events} == {("<dlv_0000000000001@news.mon.example>",)}
    assert {each.about for each in events} == {"sian1@ysgol.example"}
    assert [each.meta.get("machine", False) for each in events[1:3]] == [False, True]


@pytest.mark.parametrize(
    "classification, hard",
    [(None, True), ("Invalid Address", True), ("Reputation", False), ("Mailbox Unavailable", False)],
)
def test_only_what_is_said_of_the_address_closes_it(classification: str | None, hard: bool) -> None:
    """H15"""
    bounce = next(one for one in calling("sendgrid", "events") if one["event"] == "bounce")
    told = {name: value for name, value in bounce.items() if name != "bounce_classification"}
    extra = {} if classification is None else {"bounce_classification": classification}
    assert heard([told | extra])[0].hard is hard


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("Unsubscribed Address", "opt_out"),
        ("Spam Reporting Address", "opt_out"),
        ("Bounced Address", "bounce"),
    ],
)
def test_whoever_had_told_sendgrid_to_stop_is_out_here_too(reason: str, kind: str) -> None:
    """F13: it would drop every mail to them, and nobody would know why."""
    dropped = next(one for one in calling("sendgrid", "events") if one["event"] == "dropped")
    (event,) = heard([{**dropped, "reason": reason}])
    assert (event.kind, event.hard) == (kind, False)
    assert kind == "bounce" or event.sender == dropped["email"]


@pytest.mark.parametrize(
    "status, hard", [("5.1.1", True), ("5.1.10", True), ("5.7.1", False), ("", False), (None, False)]
)
def test_what_sendgrid_cannot_tell_closes_an_address_by_the_servers_code_alone(
    status: str | None, hard: bool
) -> None:
    """H15: a greylisting or a full mailbox in unusual words is Unclassified too."""
    bounce = next(one for one in calling("sendgrid", "events") if one["event"] == "bounce")
    told = {**bounce, "bounce_classification": "Unclassified", "status": status}
    assert heard([told])[0].hard is hard


def test_a_call_proves_itself_in_one_spelling_only() -> None:
    """H1: base64 with other bits at its end would be a second signature."""
    good = signed(b"[]")
    hooks = account(1).hooks
    assert hooks is not None
    raw = b64decode(good.headers[SIGNATURE])
    for other in (good.headers[SIGNATURE] + "\n", b64encode(raw + b"\0").decode(), "", "AAAA", "ŵ"):
        with pytest.raises(NotAuthentic):
            hooks(replace(good, headers={**good.headers, SIGNATURE: other}))
    with pytest.raises(NotAuthentic):
        hooks(signed(b"[]", ec.derive_private_key(99, ec.SECP256R1())))


@pytest.mark.parametrize(
    "key",
    [
        "x",
        "AAAA",
        public(ec.derive_private_key(5, ec.SECP384R1())),
        public(ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))),
    ],
)
def test_settings_that_make_no_sense_are_named(key: str) -> None:
    with pytest.raises(BadSettings) as caught:
        account(1, hook_key=key)
    assert set(caught.value.problems) == {"hook_key"}
    assert account(1, hook_key="").hooks is None
    with pytest.raises(BadSettings):
        account(1, base_url="https://sendgrid.example")
    assert registry.connect("sendgrid", {"base_url": "https://api.eu.sendgrid.com"}, SECRETS)


class TestContract(OutboundContract, RepeatContract):
    """SendGrid keeps the promises of every connector."""

    @pytest.fixture
    def far(self, sendgrid: SendGrid) -> FarMail:
        return FarMail(sendgrid, account, [*SECRETS.values()])


class FarSendGrid(FarHooks):
    """SendGrid's calls."""

    signed_headers = (SIGNATURE, TIMESTAMP)
    timed = False

    def connector(self) -> Connector:
        return account(1)

    def call(self) -> Call:
        return signed(calling("sendgrid", "events")[1:2])

    def older(self) -> Call:
        return signed(calling("sendgrid", "events"), OLD)

    def spoilt(self) -> Call:
        good = calling("sendgrid", "events")[1]
        return signed([good, {**good, "timestamp": "soon"}])


class TestHooks(HookContract, ReadContract):
    """SendGrid's calls are heard as every provider's."""

    @pytest.fixture
    def far(self) -> FarSendGrid:
        return FarSendGrid()
