"""Mailgun against a double of it: what each answer means, what is found again, and what it pushes."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from connectors import registry
from connectors.api import (
    AccountGone,
    BadSettings,
    Call,
    Connector,
    ConnectorError,
    Deferred,
    Event,
    Findable,
    Heard,
    NotAuthentic,
    Refused,
    Uncertain,
)
from connectors.testing import FarHooks, HookContract, OutboundContract, ReadContract, RepeatContract

from . import far
from .far import Asked, Said
from .mail_apis import NOW, FarMail, MailService, call, calling, letter, outbound

SECRETS = {"api_key": "key-of-the-account", "hook_key": "new-signing-key old-signing-key"}
KEY = "Basic YXBpOmtleS1vZi10aGUtYWNjb3VudA=="


def parts(asked: Asked) -> dict[str, bytes]:
    """The fields of a form, byte for byte."""
    boundary = b"--" + asked.headers["content-type"].partition("boundary=")[2].encode()
    assert asked.body.endswith(boundary + b"--\r\n")
    found = {}
    for part in asked.body.removesuffix(boundary + b"--\r\n").split(boundary + b"\r\n")[1:]:
        head, _, value = part.partition(b"\r\n\r\n")
        found[head.decode().split('name="')[1].partition('"')[0]] = value.removesuffix(b"\r\n")
    return found


@dataclass
class Mailgun(MailService):
    """What Mailgun knows."""

    connector = "mailgun"

    def answer(self, asked: Asked) -> Said:
        if asked.headers.get("authorization") != KEY:
            return far.sample("mailgun", "unauthorized")
        if asked.path == "/v3/domains/mg.mon.example":
            return Said(200, {"domain": {"name": "mg.mon.example", "state": "active"}})
        if asked.path == "/v3/mg.mon.example/events":
            found = self.seen(f"<{asked.query['message-id']}>")
            rows = [{"event": "accepted", "message": {"headers": {"message-id": one.name}}} for one in found]
            return Said(200, {"items": rows, "paging": {}})
        assert asked.path == "/v3/mg.mon.example/messages.mime"
        fields = parts(asked)
        mail, words = letter(fields["message"])
        name = str(mail["Message-ID"])
        if "o:testmode" not in fields:
            self.take(name.strip("<>"), name, words, (fields, mail))
        return Said(200, {"id": name, "message": "Queued. Thank you."})


def account(port: int, **values: Any) -> Connector:
    told = {"base_url": f"http://127.0.0.1:{port}", "deadline_s": 5, "domain": "mg.mon.example", **values}
    return registry.connect("mailgun", told, SECRETS)


@pytest.fixture
def mailgun() -> Iterator[Mailgun]:
    with far.running(Mailgun()) as running:
        yield running


def signed(event: Any, key: str = "new-signing-key", token: str = "a8ce0edb2dd8301dee6c2405235584e4") -> Call:
    """A call as Mailgun signs it."""
    stamp = str(int(NOW.timestamp()))
    proof = hmac.new(key.encode(), f"{stamp}{token}".encode(), sha256).hexdigest()
    return call({"signature": {"timestamp": stamp, "token": token, "signature": proof}, "event-data": event})


def heard(called: Call) -> Heard:
    hooks = account(1).hooks
    assert hooks is not None
    return hooks(called)


def told(sample: str) -> Event:
    return heard(signed(calling("mailgun", sample)["event-data"])).events[0]


def test_a_mail_goes_whole_and_under_its_own_name(mailgun: Mailgun) -> None:
    """D2"""
    receipt = account(mailgun.port).send(outbound(html="<p>Dewch</p>"))
    assert receipt.provider_id == "dlv_0000000000001@news.mon.example"
    fields, mail = mailgun.taken[0].whole
    assert fields["to"] == b"sian1@ysgol.example" and fields["o:tracking"] == b"no"
    assert (mail["Subject"], mail["List-Unsubscribe"]) == ("Cyfarfod – اجتماع", "<https://mon.example/u/1>")
    assert mail.get_body(("html",)).get_content().strip() == "<p>Dewch</p>"


def test_a_mail_is_tracked_where_the_account_wants_it(mailgun: Mailgun) -> None:
    """F6"""
    account(mailgun.port, tracking=True).send(outbound())
    assert "o:tracking" not in mailgun.taken[0].whole[0]


def test_in_test_mode_nothing_is_sent(mailgun: Mailgun) -> None:
    assert account(mailgun.port, test_mode=True).send(outbound()).provider_id
    assert mailgun.taken == []


def test_a_recipient_cannot_add_fields_to_the_form(mailgun: Mailgun) -> None:
    """M: what is written in an address stays an address."""
    for to in ('a@b.example"\r\n\r\nx', "a@b.example\r\n--dolen"):
        with pytest.raises(Refused):
            account(mailgun.port).send(outbound(to=to))
    assert mailgun.asked == []


@pytest.mark.parametrize(
    "said, error, code",
    [
        ("unauthorized", AccountGone, "401"),
        ("not_allowed", AccountGone, "403"),
        ("no_domain", AccountGone, "404"),
        ("rate_limited", Deferred, "429"),
        ("refused", Refused, "400"),
        (b"HTTP/1.1 200 x\r\nContent-Length: 2\r\n\r\n{}", Uncertain, ""),
        (b"HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n", Uncertain, "500"),
    ],
)
def test_a_refusal_says_whom_it_is_about(
    mailgun: Mailgun, said: str | bytes, error: type[ConnectorError], code: str
) -> None:
    mailgun.once[""] = said
    with pytest.raises(ConnectorError) as caught:
        account(mailgun.port).send(outbound())
    assert type(caught.value) is error and caught.value.code == code


def test_what_is_found_has_the_very_name(mailgun: Mailgun) -> None:
    connector = account(mailgun.port)
    assert connector.repeats == Findable(1800.0, known_for_s=86_400.0)
    assert connector.find is not None
    mailgun.once["/v3/mg.mon.example/events"] = "found"
    assert connector.find(outbound(2)) is None
    mailgun.once["/v3/mg.mon.example/events"] = "found"
    receipt = connector.find(outbound(1))
    assert receipt is not None and receipt.provider_id == "dlv_0000000000001@news.mon.example"


@pytest.mark.parametrize(
    "sample, kind, hard",
    [
        ("delivered", "delivered", False),
        ("failed", "bounce", True),
        ("suppressed", "bounce", False),
        ("complained", "complaint", False),
        ("unsubscribed", "opt_out", False),
        ("opened", "opened", False),
        ("clicked", "clicked", False),
    ],
)
def test_an_event_as_mailgun_tells_it_is_told_in_our_words(sample: str, kind: str, hard: bool) -> None:
    event = told(sample)
    assert (event.kind, event.hard, event.about) == (kind, hard, "sian1@ysgol.example")
    assert event.provider_id == "dlv_0000000000001@news.mon.example"
    assert event.references == ("<dlv_0000000000001@news.mon.example>",)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [("suppress-unsubscribe", "opt_out"), ("suppress-complaint", "opt_out"), ("suppress-bounce", "bounce")],
)
def test_whoever_had_told_mailgun_to_stop_is_out_here_too(reason: str, kind: str) -> None:
    """F13: it would drop every mail to them, and nobody would know why."""
    failed = calling("mailgun", "suppressed")["event-data"]
    (event,) = heard(signed({**failed, "reason": reason})).events
    assert (event.kind, event.hard, event.about) == (kind, False, failed["recipient"])


def test_what_no_person_did_is_marked() -> None:
    """F6"""
    opened = calling("mailgun", "opened")["event-data"]
    bot = {**opened, "client-info": {"bot": "apple", "user-agent": "Mozilla/5.0"}}
    assert heard(signed(bot)).events[0].meta["machine"] is True
    assert "machine" not in told("opened").meta


def test_a_failure_for_now_is_no_news() -> None:
    failed = calling("mailgun", "failed")["event-data"]
    assert heard(signed({**failed, "severity": "temporary"})).events == ()


def test_what_is_not_signed_is_not_verified_and_its_proof_holds_once() -> None:
    """H4: the same token proves other words, so the door takes it once, and what it says counts less."""
    one = signed(calling("mailgun", "delivered")["event-data"])
    other = signed(calling("mailgun", "complained")["event-data"])
    assert heard(one).once == heard(other).once == "a8ce0edb2dd8301dee6c2405235584e4"
    assert not heard(one).events[0].verified


def test_a_call_that_mailgun_repeats_is_heard() -> None:
    """H3: its last try comes eight hours after the first, with the time and token of the first."""
    first = signed(calling("mailgun", "complained")["event-data"])
    assert heard(replace(first, at=first.at + timedelta(hours=8, minutes=5))).events
    for away in (timedelta(hours=12, minutes=1), timedelta(minutes=-6)):
        with pytest.raises(NotAuthentic):
            heard(replace(first, at=first.at + away))


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"{}", b'{"signature": 1}', b'{"signature": {"timestamp": [], "token": {}, "signature": 1}}']
)  # fmt: skip
def test_a_call_of_another_shape_proves_nothing(body: bytes) -> None:
    """H1"""
    with pytest.raises(NotAuthentic):
        heard(call(body))


def test_settings_that_make_no_sense_are_named() -> None:
    for wrong in ({"domain": "x/../y"}, {"domain": "a b"}, {"base_url": "https://mailgun.example"}):
        with pytest.raises(BadSettings) as caught:
            account(1, **wrong)
        assert set(caught.value.problems) == set(wrong)
    assert account(1, base_url="https://api.eu.mailgun.net").hooks is not None


class TestContract(OutboundContract, RepeatContract):
    """Mailgun keeps the promises of every connector."""

    @pytest.fixture
    def far(self, mailgun: Mailgun) -> FarMail:
        return FarMail(mailgun, account, [*SECRETS.values()])


class FarMailgun(FarHooks):
    """Mailgun's calls: the proof stands in the body and covers a part of itself."""

    signs_body = False
    batches = False
    back_s = 12 * 3600

    def connector(self) -> Connector:
        return account(1)

    def call(self) -> Call:
        return signed(calling("mailgun", "delivered")["event-data"])

    def older(self) -> Call:
        return signed(calling("mailgun", "delivered")["event-data"], "old-signing-key")

    def spoilt(self) -> Call:
        return signed({**calling("mailgun", "delivered")["event-data"], "timestamp": "soon"})

    def flips(self, call: Call) -> list[Call]:
        begin, end = call.body.index(b'{"timestamp"'), call.body.index(b'}, "event-data"')
        return [
            replace(call, body=call.body[:at] + bytes([call.body[at] ^ 1 << bit]) + call.body[at + 1 :])
            for at in range(begin, end)
            for bit in range(8)
        ]

    def bare(self, call: Call) -> list[Call]:
        told = json.loads(call.body)
        proof = told["signature"]
        ways = [{**proof, name: ""} for name in proof]
        ways += [{**proof, name: proof[name][:-1]} for name in proof]
        ways += [{key: proof[key] for key in proof if key != name} for name in proof]
        return [replace(call, body=json.dumps({**told, "signature": each}).encode()) for each in [*ways, {}]]


class TestHooks(HookContract, ReadContract):
    """Mailgun's calls are heard as every provider's."""

    @pytest.fixture
    def far(self) -> FarMailgun:
        return FarMailgun()
