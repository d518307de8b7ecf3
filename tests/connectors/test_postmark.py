"""Postmark against a double of it: what each answer means, what is found again, and what it pushes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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

SECRETS = {"server_token": "token-of-the-server", **UNSIGNED}


@dataclass
class Postmark(MailService):
    """What Postmark knows."""

    connector = "postmark"

    def answer(self, asked: Asked) -> Said:
        if asked.headers.get("x-postmark-server-token") != "token-of-the-server":
            return far.sample("postmark", "unauthorized")
        if asked.path == "/server":
            return Said(200, {"ID": 1, "Name": "Newyddion"})
        if asked.path == "/messages/outbound":
            found = self.seen(f"<{asked.query['metadata_dolen']}>")
            rows = [{"MessageID": one.name, "Metadata": one.whole["Metadata"]} for one in found]
            return Said(200, {"TotalCount": len(rows), "Messages": rows})
        mail = asked.json()
        name = f"b7bc2f4a-e38e-4336-af7d-{len(self.taken):012}"
        self.take(name, f"<{mail['Metadata']['dolen']}>", mail["TextBody"], mail)
        return Said(200, {"To": mail["To"], "MessageID": name, "ErrorCode": 0, "Message": "OK"})


def account(port: int, **values: Any) -> Connector:
    told = {"base_url": f"http://127.0.0.1:{port}", "deadline_s": 5, "hook_networks": "", **values}
    return registry.connect("postmark", told, SECRETS)


@pytest.fixture
def postmark() -> Iterator[Postmark]:
    with far.running(Postmark()) as running:
        yield running


def heard(body: Any) -> tuple[Event, ...]:
    hooks = account(1).hooks
    assert hooks is not None
    return hooks(call(body, basic(), secret=PATH, sender=FROM)).events


def test_a_mail_goes_with_all_that_it_has(postmark: Postmark) -> None:
    """D2"""
    account(postmark.port, stream="newyddion").send(outbound(html="<p>Dewch</p>", reply_to="r@mon.example"))
    mail = postmark.taken[0].whole
    assert mail["From"] == '"Cyngor Môn" <newyddion@news.mon.example>' and mail["To"] == "sian1@ysgol.example"
    assert (mail["HtmlBody"], mail["ReplyTo"], mail["MessageStream"]) == (
        "<p>Dewch</p>",
        "r@mon.example",
        "newyddion",
    )
    headers = {one["Name"]: one["Value"] for one in mail["Headers"]}
    assert headers["Message-ID"] == "<dlv_0000000000001@news.mon.example>"
    assert (
        headers["X-PM-KeepID"] == "true" and headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    )


@pytest.mark.parametrize(
    "told, error, code",
    [
        ("unauthorized", AccountGone, "401"),
        ("rate_limited", Deferred, "429"),
        ("refused", Refused, "300"),
        ("inactive", Refused, "406"),
        ("no_credits", AccountGone, "405"),
        ("not_confirmed", AccountGone, "401"),
        (b"HTTP/1.1 200 x\r\nContent-Length: 2\r\n\r\n{}", Uncertain, ""),
        (b"HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n", Uncertain, "500"),
    ],
)
def test_a_refusal_says_whom_it_is_about(
    postmark: Postmark, told: str | bytes, error: type[ConnectorError], code: str
) -> None:
    postmark.once[""] = told
    with pytest.raises(ConnectorError) as caught:
        account(postmark.port).send(outbound())
    assert type(caught.value) is error and caught.value.code == code


def test_no_mail_is_tracked_unless_the_account_wants_it(postmark: Postmark) -> None:
    """F6"""
    account(postmark.port).send(outbound(1))
    account(postmark.port, tracking=True).send(outbound(2))
    asked = [{name: one.whole[name] for name in one.whole if "Track" in name} for one in postmark.taken]
    assert asked == [{"TrackOpens": False, "TrackLinks": "None"}, {}]


def test_what_is_found_has_our_very_name(postmark: Postmark) -> None:
    """A search that finds too much decides nothing."""
    postmark.once["/messages/outbound"] = "found"
    connector = account(postmark.port)
    assert connector.repeats == Findable(120.0, known_for_s=7 * 86_400.0)
    assert connector.find is not None
    assert connector.find(outbound(2)) is None
    postmark.once["/messages/outbound"] = "found"
    receipt = connector.find(outbound(1))
    assert receipt is not None and receipt.provider_id == "0a129aee-e1cd-480d-b08d-4f48548ff48d"


@pytest.mark.parametrize(
    "sample, kind, hard",
    [
        ("delivery", "delivered", False),
        ("bounce", "bounce", True),
        ("soft_bounce", "bounce", False),
        ("spam_complaint", "complaint", False),
        ("subscription_change", "opt_out", False),
        ("open", "opened", False),
        ("click", "clicked", False),
    ],
)
def test_an_event_as_postmark_tells_it_is_told_in_our_words(sample: str, kind: str, hard: bool) -> None:
    event = heard(calling("postmark", sample))[0]
    assert (event.kind, event.hard, event.about) == (kind, hard, "sian1@ysgol.example")
    assert event.provider_id == "883953f4-6105-42a2-a16a-77a8eac79483"
    assert event.references == ("<dlv_0000000000001@news.mon.example>",)
    assert event.sender == ("sian1@ysgol.example" if kind == "opt_out" else "")


@pytest.mark.parametrize(
    "origin, stopped, reason, kinds",
    [
        ("Recipient", True, "ManualSuppression", ["opt_out"]),
        ("Recipient", True, "SpamComplaint", ["complaint"]),
        ("Recipient", True, "HardBounce", ["bounce"]),
        ("Recipient", False, None, []),
        ("Admin", True, "ManualSuppression", []),
    ],
)
def test_only_what_a_recipient_did_is_their_wish(
    origin: str, stopped: bool, reason: str | None, kinds: list[str]
) -> None:
    """H15: an administrator of Postmark says nothing in a recipient's name, and nothing is allowed anew by it."""
    told = calling("postmark", "subscription_change")
    told |= {"Origin": origin, "SuppressSending": stopped, "SuppressionReason": reason}
    assert [each.kind for each in heard(told)] == kinds


@pytest.mark.parametrize(
    "type, kinds",
    [("Transient", []), ("AutoResponder", ["auto_reply"]), ("Unsubscribe", ["opt_out"]), ("Blocked", ["bounce"])],
)  # fmt: skip
def test_what_postmark_calls_a_bounce_is_looked_at(type: str, kinds: list[str]) -> None:
    """M1: an answer of a machine is no bounce."""
    told = heard({**calling("postmark", "bounce"), "Type": type})
    assert [each.kind for each in told] == kinds and not any(each.hard for each in told)


def test_settings_that_make_no_sense_are_named() -> None:
    wrong = {"base_url": "https://postmark.example", "deadline_s": 0, "in_flight": 99}
    with pytest.raises(BadSettings) as caught:
        account(1, **wrong)
    assert set(caught.value.problems) == set(wrong)


@pytest.mark.parametrize(
    "secrets, problems",
    [
        ({"hook_secret": "byr", "hook_login": "a:b"}, {"hook_secret"}),
        ({"hook_secret": "a/b/c/d/e/f/g/h/i"}, {"hook_secret", "hook_login"}),
        ({"hook_secret": PATH}, {"hook_login"}),
        ({"hook_login": "a:b"}, {"hook_login"}),
        ({"hook_secret": PATH, "hook_login": "ab"}, {"hook_login"}),
    ],
)
def test_hooks_that_would_be_open_to_guessing_are_not_set_up(
    secrets: dict[str, str], problems: set[str]
) -> None:
    """H16: both, and long enough."""
    with pytest.raises(BadSettings) as caught:
        registry.connect("postmark", {"hook_networks": "here"}, {"server_token": "t", **secrets})
    assert set(caught.value.problems) == {*problems, "hook_networks"}
    assert registry.connect("postmark", {}, {"server_token": "t"}).hooks is None


class TestContract(OutboundContract, RepeatContract):
    """Postmark keeps the promises of every connector."""

    @pytest.fixture
    def far(self, postmark: Postmark) -> FarMail:
        return FarMail(postmark, account, [*SECRETS.values()])


class TestHooks(UnsignedContract):
    """Postmark's calls are heard as every provider's."""

    @pytest.fixture
    def far(self) -> FarUnsigned:
        good = calling("postmark", "delivery")
        return FarUnsigned(account, good, {**good, "DeliveredAt": "soon"})
