"""Resend against a double of it: what each answer means, what a key is good for, and what it pushes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from connectors import registry, signatures
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
from connectors.testing import FarHooks, HookContract, OutboundContract, ReadContract, RepeatContract

from . import far
from .far import Asked, Said
from .mail_apis import NOW, FarMail, MailService, call, calling, outbound

NEW, OLD = signatures.new_secret(), signatures.new_secret()
SECRETS = {"api_key": "re_key-of-the-account", "hook_secret": f"{NEW} {OLD}"}


@dataclass
class Resend(MailService):
    """What Resend knows: the mails it took, and for each key the request and the answer."""

    connector = "resend"
    keys: dict[str, tuple[bytes, Said]] = field(default_factory=dict)

    def answer(self, asked: Asked) -> Said:
        if asked.headers.get("authorization") != "Bearer re_key-of-the-account":
            return far.sample("resend", "unauthorized")
        if asked.path == "/domains":
            return Said(200, {"object": "list", "data": []})
        key = asked.headers["idempotency-key"]
        if key in self.keys:
            body, said = self.keys[key]
            return said if body == asked.body else far.sample("resend", "other_words")
        self.keys[key] = (asked.body, Said(200, {"id": self._taken(asked.json())}))
        return self.keys[key][1]

    def _taken(self, mail: dict[str, Any]) -> str:
        tag = next(one["value"] for one in mail["tags"] if one["name"] == "dolen")
        name = f"4ef9a417-02e9-4d39-ad75-{len(self.taken):012}"
        return self.take(name, f"<{bytes.fromhex(tag).decode()}>", mail["text"], mail)


def account(port: int, **values: Any) -> Connector:
    told = {"base_url": f"http://127.0.0.1:{port}", "deadline_s": 5, **values}
    return registry.connect("resend", told, SECRETS)


@pytest.fixture
def resend() -> Iterator[Resend]:
    with far.running(Resend()) as running:
        yield running


def signed(body: Any, secret: str = NEW, name: str = "msg_1") -> Call:
    """A call as Resend signs it."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = signatures.sign(secret, name, NOW, raw)
    return call(raw, {each.replace("webhook", "svix"): value for each, value in headers.items()})


def heard(sample: str) -> Event:
    hooks = account(1).hooks
    assert hooks is not None
    return hooks(signed(calling("resend", sample))).events[0]


def test_a_mail_goes_with_all_that_it_has(resend: Resend) -> None:
    """D2: both forms of the words, the sender's name, the ways out, and our name for it."""
    account(resend.port).send(outbound(text="Dewch draw", html="<p>Dewch draw</p>", reply_to="r@mon.example"))
    mail = resend.taken[0].whole
    assert mail["from"] == '"Cyngor Môn" <newyddion@news.mon.example>' and mail["to"] == [
        "sian1@ysgol.example"
    ]
    assert (mail["text"], mail["html"], mail["reply_to"]) == (
        "Dewch draw",
        "<p>Dewch draw</p>",
        "r@mon.example",
    )
    assert mail["headers"] == {
        "List-Unsubscribe": "<https://mon.example/u/1>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Content-Language": "cy",
    }  # fmt: skip


@pytest.mark.parametrize(
    "values",
    [
        {"subject": "a\r\nBcc: x@y.example"}, {"sender_name": "a\nb"}, {"to": "a@b.example\r\nBcc: c@d.example"},
        {"headers": {"Bcc": "x@y.example"}}, {"headers": {"X": "a\r\nb"}}, {"text": "", "html": ""},
        {"text": "\ud800"}, {"to": "nobody"},
    ],
)  # fmt: skip
def test_what_no_mail_can_hold_is_refused_before_anything_is_sent(
    resend: Resend, values: dict[str, Any]
) -> None:
    """M: nobody adds a recipient or a header by what they write."""
    with pytest.raises(Refused):
        account(resend.port).send(outbound(**values))
    assert resend.asked == []


@pytest.mark.parametrize(
    "told, error, code",
    [
        ("unauthorized", AccountGone, "403"),
        ("rate_limited", Deferred, "429"),
        ("refused", Refused, "422"),
        ("running", Deferred, "concurrent_idempotent_requests"),
        ("other_words", Uncertain, "invalid_idempotent_request"),
        (b"HTTP/1.1 200 x\r\nContent-Length: 2\r\n\r\n{}", Uncertain, ""),
        (b"HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n", Uncertain, "500"),
    ],
)
def test_a_refusal_says_whom_it_is_about(
    resend: Resend, told: str | bytes, error: type[ConnectorError], code: str
) -> None:
    resend.once[""] = told
    with pytest.raises(ConnectorError) as caught:
        account(resend.port).send(outbound())
    assert type(caught.value) is error and caught.value.code == code


def test_words_that_have_changed_under_a_key_are_never_taken_for_sent(resend: Resend) -> None:
    """The key stands for other words, which went: nobody can say that these did."""
    connector = account(resend.port)
    connector.send(outbound(1, "Dewch draw"))
    with pytest.raises(Uncertain):
        connector.send(outbound(1, "Dewch yma"))
    assert len(resend.taken) == 1


def test_a_key_that_may_only_send_is_good_enough(resend: Resend) -> None:
    resend.once["/domains"] = "restricted"
    account(resend.port).verify()
    resend.once["/domains"] = "unauthorized"
    with pytest.raises(AccountGone):
        account(resend.port).verify()


@pytest.mark.parametrize(
    "sample, kind, hard",
    [
        ("delivered", "delivered", False),
        ("bounced", "bounce", True),
        ("bounced_transient", "bounce", False),
        ("suppressed", "bounce", False),
        ("complained", "complaint", False),
        ("opened", "opened", False),
        ("clicked", "clicked", False),
    ],
)
def test_an_event_as_resend_tells_it_is_told_in_our_words(sample: str, kind: str, hard: bool) -> None:
    event = heard(sample)
    assert (event.kind, event.hard, event.about) == (kind, hard, "sian1@ysgol.example")
    assert event.provider_id == "56761188-7520-42d8-8898-ff6fc54ce618"
    assert event.references == ("<dlv_0000000000001@news.mon.example>",)


def test_what_is_no_news_brings_nothing_and_what_nobody_knows_is_kept() -> None:
    """H13"""
    hooks = account(1).hooks
    assert hooks is not None
    assert hooks(signed({"type": "email.sent", "data": {}})) == hooks(signed([]))
    heard = hooks(signed({"type": "email.danced", "data": {"to": ["a@b.example"]}}))
    assert heard.events == () and "danced" in heard.parked[0]


def test_a_call_that_nobody_signed_proves_nothing() -> None:
    """H1, H2"""
    hooks = account(1).hooks
    assert hooks is not None
    for wrong in (call({}), signed({}, signatures.new_secret()), replace(signed({}), body=b"{ }")):
        with pytest.raises(NotAuthentic):
            hooks(wrong)


def test_settings_that_make_no_sense_are_named() -> None:
    wrong = {"base_url": "https://resend.example", "deadline_s": 0, "in_flight": 99}
    with pytest.raises(BadSettings) as caught:
        account(1, **wrong)
    assert set(caught.value.problems) == set(wrong)
    with pytest.raises(BadSettings):
        registry.connect("resend", {}, {**SECRETS, "hook_secret": "whsec_ŵ"})
    assert registry.connect("resend", {}, {"api_key": "k"}).hooks is None


class TestContract(OutboundContract, RepeatContract):
    """Resend keeps the promises of every connector."""

    @pytest.fixture
    def far(self, resend: Resend) -> FarMail:
        return FarMail(resend, account, [*SECRETS.values()])


class FarResend(FarHooks):
    """Resend's calls."""

    signed_headers = ("svix-id", "svix-timestamp", "svix-signature")

    def connector(self) -> Connector:
        return account(1)

    def call(self) -> Call:
        return signed(calling("resend", "delivered"))

    def older(self) -> Call:
        return signed(calling("resend", "delivered"), OLD)

    def spoilt(self) -> Call:
        return signed([calling("resend", "delivered"), {"type": "email.delivered", "data": {"to": []}}])


class TestHooks(HookContract, ReadContract):
    """Resend's calls are heard as every provider's."""

    @pytest.fixture
    def far(self) -> FarResend:
        return FarResend()
