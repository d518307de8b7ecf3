"""Brevo against a double of it: what each answer means, what its key is good for, and what it pushes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from connectors import registry
from connectors.api import (
    AccountGone,
    BadSettings,
    Connector,
    ConnectorError,
    Deferred,
    Event,
    Findable,
    Refused,
    Uncertain,
)
from connectors.testing import OutboundContract, RepeatContract

from . import far
from .far import Asked, Said
from .mail_apis import (
    FROM,
    PATH,
    UNSIGNED,
    FarMail,
    FarUnsigned,
    MailService,
    UnsignedContract,
    basic,
    call,
    calling,
    outbound,
)

SECRETS = {"api_key": "xkeysib-key-of-the-account", **UNSIGNED}


@dataclass
class Brevo(MailService):
    """What Brevo knows: the mails it took, and the keys that it has seen."""

    connector = "brevo"
    keys: set[str] = field(default_factory=set)

    def answer(self, asked: Asked) -> Said:
        if asked.headers.get("api-key") != SECRETS["api_key"]:
            return far.sample("brevo", "unauthorized")
        if asked.path == "/v3/account":
            return Said(200, {"email": "ni@mon.example"})
        if asked.path == "/v3/smtp/statistics/events":
            found = self.seen(f"<{asked.query['tags'].lower()}@news.mon.example>")
            rows = [
                {"event": "requests", "messageId": f"<{one.name}>", "tag": one.whole["tags"][0]}
                for one in found
            ]
            return Said(200, {"events": rows} if rows else {})
        mail = asked.json()
        key = mail["headers"]["idempotencyKey"]
        if key in self.keys:
            return far.sample("brevo", "duplicate")
        self.keys.add(key)
        name = f"2026110209.{len(self.taken):09}@smtp-relay.mailin.fr"
        self.take(name, mail["headers"]["X-Mailin-custom"], mail["textContent"], mail)
        return Said(201, {"messageId": f"<{name}>"})


def account(port: int, **values: Any) -> Connector:
    told = {"base_url": f"http://127.0.0.1:{port}", "deadline_s": 5, "hook_networks": "", **values}
    return registry.connect("brevo", told, SECRETS)


@pytest.fixture
def brevo() -> Iterator[Brevo]:
    with far.running(Brevo()) as running:
        yield running


def heard(body: Any) -> tuple[Event, ...]:
    hooks = account(1).hooks
    assert hooks is not None
    return hooks(call(body, basic(), secret=PATH, sender=FROM)).events


def test_a_mail_goes_with_all_that_it_has(brevo: Brevo) -> None:
    """D2"""
    receipt = account(brevo.port, sandbox=True).send(outbound(html="<p>Dewch</p>", reply_to="r@mon.example"))
    mail = brevo.taken[0].whole
    assert receipt.provider_id == "2026110209.000000000@smtp-relay.mailin.fr"
    assert mail["sender"] == {"email": "newyddion@news.mon.example", "name": "Cyngor Môn"}
    assert (mail["htmlContent"], mail["replyTo"]) == ("<p>Dewch</p>", {"email": "r@mon.example"})
    assert mail["headers"]["List-Unsubscribe"] == "<https://mon.example/u/1>"
    assert mail["headers"]["X-Sib-Sandbox"] == "drop"


@pytest.mark.parametrize(
    "told, error, code",
    [
        ("unauthorized", AccountGone, "401"),
        ("no_credits", AccountGone, "402"),
        ("rate_limited", Deferred, "429"),
        ("refused", Refused, "invalid_parameter"),
        ("bad_sender", AccountGone, "invalid_parameter"),
        ("duplicate", Uncertain, "duplicate_parameter"),
        (b"HTTP/1.1 400 x\r\nContent-Length: 2\r\n\r\n[]", Refused, "400"),
        (b"HTTP/1.1 201 x\r\nContent-Length: 2\r\n\r\n{}", Uncertain, ""),
        (b"HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n", Uncertain, "500"),
    ],
)
def test_a_refusal_says_whom_it_is_about(
    brevo: Brevo, told: str | bytes, error: type[ConnectorError], code: str
) -> None:
    brevo.once[""] = told
    with pytest.raises(ConnectorError) as caught:
        account(brevo.port).send(outbound())
    assert type(caught.value) is error and caught.value.code == code


def test_the_account_waits_as_long_as_brevo_says(brevo: Brevo) -> None:
    brevo.once[""] = "rate_limited"
    with pytest.raises(Deferred) as caught:
        account(brevo.port).send(outbound())
    assert (caught.value.retry_after_s, caught.value.scope) == (17.0, "account")


def test_a_key_that_brevo_has_seen_means_that_it_went(brevo: Brevo) -> None:
    """Its second answer is not its first: the mail is looked for, and sent only where it is seen."""
    connector = account(brevo.port)
    assert connector.repeats == Findable(600.0, known_for_s=29 * 86_400.0)
    brevo.lag = timedelta(seconds=60)
    first = connector.send(outbound())
    with pytest.raises(Uncertain):
        connector.send(outbound())
    brevo.once["/v3/smtp/statistics/events"] = "lose"
    with pytest.raises(Uncertain):
        connector.send(outbound())
    brevo.now += brevo.lag
    assert connector.send(outbound()) == first and len(brevo.taken) == 1


@pytest.mark.parametrize(
    "sample, kind, hard",
    [
        ("delivered", "delivered", False),
        ("hard_bounce", "bounce", True),
        ("soft_bounce", "bounce", False),
        ("spam", "complaint", False),
        ("unsubscribed", "opt_out", False),
        ("opened", "opened", False),
        ("click", "clicked", False),
    ],
)
def test_an_event_as_brevo_tells_it_is_told_in_our_words(sample: str, kind: str, hard: bool) -> None:
    event = heard(calling("brevo", sample))[0]
    assert (event.kind, event.hard, event.about) == (kind, hard, "sian1@ysgol.example")
    assert event.provider_id == "201798300811.5787683@relay.domain.com"
    assert event.references == ("<dlv_0000000000001@news.mon.example>",)
    assert event.at.isoformat() == "2026-11-02T09:00:03+00:00"


def test_what_no_person_did_is_marked() -> None:
    """F6: a proxy fetches pictures for everybody."""
    assert heard({**calling("brevo", "opened"), "event": "proxy_open"})[0].meta["machine"] is True


def test_a_first_opening_that_is_told_by_both_its_names_is_one() -> None:
    told = calling("brevo", "opened")
    (one,), (same,) = heard(told), heard({**told, "event": "unique_opened"})
    assert one.key == same.key


def test_two_events_of_one_mail_are_two_and_a_repeated_one_is_one() -> None:
    """H5"""
    one, other = calling("brevo", "click"), {**calling("brevo", "click"), "link": "https://mon.example/arall"}
    assert len({each.key for each in heard([one, other, {**one, "tag": "arall"}])}) == 2


def test_settings_that_make_no_sense_are_named() -> None:
    wrong = {"base_url": "https://brevo.example", "deadline_s": 0, "in_flight": 99}
    with pytest.raises(BadSettings) as caught:
        account(1, **wrong)
    assert set(caught.value.problems) == set(wrong)


class TestContract(OutboundContract, RepeatContract):
    """Brevo keeps the promises of every connector."""

    @pytest.fixture
    def far(self, brevo: Brevo) -> FarMail:
        return FarMail(brevo, account, [*SECRETS.values()])


class TestHooks(UnsignedContract):
    """Brevo's calls are heard as every provider's."""

    @pytest.fixture
    def far(self) -> FarUnsigned:
        good = calling("brevo", "delivered")
        return FarUnsigned(account, good, {**good, "ts_event": "soon", "ts_epoch": "soon"}, batches=True)
