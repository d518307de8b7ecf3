"""GOV.UK Notify against a double of it: mail, text messages and letters, what is found again, receipts."""

from __future__ import annotations

import hmac
import json
import time
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given

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
    Receipt,
    Refused,
    Uncertain,
)
from connectors.shapes import dated
from connectors.testing import HookContract, OutboundContract, ReadContract, RepeatContract

from . import far
from .far import CONNECTORS, Asked, Called, Far, PostsSide, Said, failing, shapes, stops_nobody

SERVICE = "26785a09-ab16-4eb0-8407-a37497a57506"
SECRET = "3d844edf-8d35-48ac-975b-e847b4f122b0"
KEY = f"my_test_key-{SERVICE}-{SECRET}"
TEMPLATE = "8f9e23a1-0c6b-4f3c-9d35-1f5d1a3c7b42"
TOKEN = "a-token-of-ours"
AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@dataclass
class Notify(Far):
    """What Notify knows. A message is known by its words, all else by its path."""

    connector = "govuk_notify"
    messages: list[dict[str, Any]] = field(default_factory=list)
    template: dict[str, Any] = field(default_factory=dict)
    lag: timedelta = timedelta(0)

    def name(self, asked: Asked) -> str:
        """The words of a message, else the path."""
        return str(asked.json()["personalisation"]["body"]) if asked.body else asked.path

    def answer(self, asked: Asked) -> Said:
        """What Notify says to whoever signs with the key."""
        if not _is_signed(asked.headers["authorization"]):
            return far.sample("govuk_notify", "wrong_key")
        if asked.path == f"/v2/template/{TEMPLATE}":
            told = far.sample("govuk_notify", "template")
            return Said(200, {**told.body, **self.template})
        if asked.path == "/v2/notifications":
            seen = [one for one in self.messages if one["at"] + self.lag <= self.now]
            found = [one for one in seen if one["reference"] == asked.query["reference"]]
            return Said(
                200, {"notifications": [{"id": one["id"], "reference": one["reference"]} for one in found]}
            )
        kind = asked.path.removeprefix("/v2/notifications/")
        number = f"740e5834-3a29-46b4-9a6f-{len(self.messages):012}"
        self.messages.append({**asked.json(), "kind": kind, "id": number, "at": self.now})
        return Said(201, {**far.sample("govuk_notify", "sent").body, "id": number})


def _is_signed(header: str) -> bool:
    head, payload, given = header.removeprefix("Bearer ").split(".")
    right = hmac.digest(SECRET.encode(), f"{head}.{payload}".encode(), "sha256")
    told = json.loads(urlsafe_b64decode(payload + "=="))
    return (
        urlsafe_b64decode(given + "=") == right
        and told["iss"] == SERVICE
        and abs(told["iat"] - time.time()) < 30
    )


def account(port: int, key: str = KEY, token: str = "", **values: Any) -> Connector:
    told = {"template_id": TEMPLATE, "base_url": f"http://127.0.0.1:{port}", "deadline_s": 5.0, **values}
    secrets = {"api_key": key, **({"callback_token": token} if token else {})}
    return registry.connect("govuk_notify", told, secrets)


def message(text: str, to: str = "sian@cyngor.example", **values: Any) -> Outbound:
    return Outbound(key=f"dlv-{text}", to=to, subject="Cyfarfod", text=text, **values)


@pytest.fixture
def notify() -> Iterator[Notify]:
    with far.running(Notify()) as one:
        yield one


failure = partial(failing, account, message("Dewch draw"))


# --- out
def test_a_mail_is_the_values_of_a_template_under_our_key(notify: Notify) -> None:
    """DC2"""
    ways = "<https://dolen.example/u/1>, <mailto:unsubscribe@dolen.example>"
    account(notify.port, sender_id=TEMPLATE).send(message("Dewch", headers={"List-Unsubscribe": ways}))
    (sent,) = notify.messages
    assert (sent["kind"], sent["email_address"], sent["reference"]) == (
        "email",
        "sian@cyngor.example",
        "dlv-Dewch",
    )
    assert sent["personalisation"] == {"subject": "Cyfarfod", "body": "Dewch"}
    assert (sent["one_click_unsubscribe_url"], sent["email_reply_to_id"]) == (
        "https://dolen.example/u/1",
        TEMPLATE,
    )


def test_a_text_message_goes_to_a_number(notify: Notify) -> None:
    """D5"""
    account(notify.port, channel="sms").send(message("Dewch i dŷ Siân – “helo”…", to="+44 7700 900-123"))
    (sent,) = notify.messages
    assert (sent["kind"], sent["phone_number"]) == ("sms", "+447700900123")
    assert sent["personalisation"] == {"body": "Dewch i dŷ Siân – “helo”…"} and "sms_sender_id" not in sent


@pytest.mark.parametrize("text", ["Dewch 👋", "هل الاجتماع مساء الاثنين؟", "Привет", "a ① b"])
def test_what_notify_would_make_question_marks_of_is_refused_before_it_goes(
    notify: Notify, text: str
) -> None:
    """D5: a text message of GOV.UK Notify cannot be in Arabic."""
    with pytest.raises(Refused) as caught:
        account(notify.port, channel="sms").send(message(text))
    assert caught.value.code == "not_in_text_messages" and notify.asked == []
    account(notify.port).send(message(text))
    assert len(notify.messages) == 1


def test_letters_with_marks_of_their_own_are_sent_as_one(notify: Notify) -> None:
    account(notify.port, channel="sms").send(message("dw\u0302r, č"))
    assert notify.messages[0]["personalisation"]["body"] == "dŵr, č"


@pytest.mark.parametrize(
    "to", ["Siân Rees\n1 Stryd Fawr\n\nLlangefni\nLL77 7TW", "Siân Rees, 1 Stryd Fawr, Llangefni, LL77 7TW"]
)
def test_a_letter_goes_to_the_lines_of_an_address(notify: Notify, to: str) -> None:
    """D5"""
    account(notify.port, channel="post").send(message("Annwyl Siân", to=to))
    (sent,) = notify.messages
    lines = ["Siân Rees", "1 Stryd Fawr", "Llangefni", "LL77 7TW"]
    told = {f"address_line_{n}": line for n, line in enumerate(lines, start=1)}
    assert sent["kind"] == "letter"
    assert sent["personalisation"] == {"subject": "Cyfarfod", "body": "Annwyl Siân", **told}


@pytest.mark.parametrize("to", ["Siân Rees", "a, b", "1\n2\n3\n4\n5\n6\n7\n8", ""])
def test_an_address_that_is_none_on_paper_is_refused(notify: Notify, to: str) -> None:
    with pytest.raises(Refused) as caught:
        account(notify.port, channel="post").send(message("Annwyl Siân", to=to))
    assert caught.value.code == "address" and notify.asked == []


@pytest.mark.parametrize("channel", ["email", "sms", "post"])
def test_a_message_of_nothing_is_refused_before_anything_is_sent(notify: Notify, channel: str) -> None:
    with pytest.raises(Refused):
        account(notify.port, channel=channel).send(message(" \n"))
    assert notify.asked == []


# --- what an answer means
@pytest.mark.parametrize(
    ("told", "error", "code"),
    [
        ("clock", AccountGone, "403"),
        ("wrong_key", AccountGone, "403"),
        ("trial", AccountGone, "BadRequestError"),
        ("team_only", AccountGone, "BadRequestError"),
        ("missing_value", AccountGone, "BadRequestError"),
        ("not_allowed", AccountGone, "BadRequestError"),
        ("wrong_sender", AccountGone, "BadRequestError"),
        ("international", Refused, "BadRequestError"),
        ("wrong_number", Refused, "ValidationError"),
        ("wrong_address", Refused, "ValidationError"),
        ("rate_limited", Deferred, "RateLimitError"),
        ("day_limit", Deferred, "TooManyRequestsError"),
        ("failed", Uncertain, "500"),
        (b"HTTP/1.1 400 x\r\nContent-Length: 2\r\n\r\n[]", Refused, "400"),
        (b"HTTP/1.1 400 x\r\nContent-Length: 13\r\n\r\n" + b'{"errors":[]}', Refused, "400"),
    ],
)
def test_a_refusal_says_whom_it_is_about(
    notify: Notify, told: str | bytes, error: type[ConnectorError], code: str
) -> None:
    lost = failure(notify, told)
    assert (type(lost), lost.code) == (error, code) and notify.messages == []


def test_a_service_that_is_named_beside_a_recipient_is_not_at_fault(notify: Notify) -> None:
    said = {"errors": [{"error": "BadRequestError", "message": "Your service cannot send to this number"}]}
    notify.once["Dewch draw"] = Said(400, said)
    with pytest.raises(Refused):
        account(notify.port).send(message("Dewch draw"))


@pytest.mark.parametrize(("told", "wait_s"), [("rate_limited", 60), ("day_limit", 3600)])
def test_a_limit_slows_the_account(notify: Notify, told: str, wait_s: float) -> None:
    lost = failure(notify, told)
    assert isinstance(lost, Deferred) and (lost.scope, lost.retry_after_s) == ("account", wait_s)


@pytest.mark.parametrize("body", [b"{}", b"[]", b"ok!", b'{"id": 5}', b'{"id": ""}'])
def test_what_nobody_understands_after_a_message_is_uncertain(notify: Notify, body: bytes) -> None:
    lost = failure(notify, b"HTTP/1.1 201 x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    assert isinstance(lost, Uncertain)


@pytest.mark.parametrize(
    ("channel", "template"),
    [
        ("sms", {}),
        ("email", {"body": "((name))"}),
        ("email", {"subject": "Cyfarfod"}),
        ("post", {"type": "letter", "subject": "x"}),
    ],
)
def test_a_template_that_does_not_fit_is_told_before_the_first_message(
    notify: Notify, channel: str, template: dict[str, str]
) -> None:
    account(notify.port).verify()
    notify.template = template
    with pytest.raises(AccountGone, match="template"):
        account(notify.port, channel=channel).verify()
    notify.template = {"type": "sms", "subject": None}
    account(notify.port, channel="sms").verify()


def test_another_services_key_is_refused(notify: Notify) -> None:
    with pytest.raises(AccountGone):
        account(notify.port, key=KEY[:-1] + "1").verify()


# --- did it go?
def find(connector: Connector, outbound: Outbound) -> Receipt | None:
    assert connector.find is not None
    return connector.find(outbound)


def test_messages_as_notify_documents_them_are_found(notify: Notify) -> None:
    notify.once["/v2/notifications"] = "found"
    assert find(account(notify.port), message("Dewch draw")) == Receipt(
        "740e5834-3a29-46b4-9a6f-16142fde533a"
    )


def test_another_reference_is_never_taken_for_ours(notify: Notify) -> None:
    notify.once["/v2/notifications"] = "found"
    assert find(account(notify.port), message("Dewch")) is None


# --- back
def incoming(sample: str, token: str = TOKEN, **more: Any) -> Call:
    found = json.loads((CONNECTORS / "govuk_notify" / "samples" / f"{sample}.json").read_text("utf-8"))
    body = json.dumps({**found["body"], **more}, ensure_ascii=False).encode()
    return Call("POST", {"authorization": f"Bearer {token}"}, {}, body, AT)


def hear(call: Call) -> Heard:
    hooks = account(1, token=TOKEN).hooks
    assert hooks is not None
    return hooks(call)


@pytest.mark.parametrize(
    ("status", "kind", "hard"),
    [
        ("delivered", "delivered", False),
        ("permanent-failure", "bounce", True),
        ("temporary-failure", "bounce", False),
        ("technical-failure", "bounce", False),
    ],
)
def test_a_receipt_is_told_of_its_message(status: str, kind: str, hard: bool) -> None:
    """DC3"""
    (event,) = hear(incoming("delivered", status=status)).events
    assert (event.kind, event.hard, event.about) == (kind, hard, "+447700900123")
    assert event.provider_id == "740e5834-3a29-46b4-9a6f-16142fde533a"
    assert event.at == datetime(2026, 11, 2, 9, 0, 9, tzinfo=UTC)
    (event,) = hear(incoming("delivered", to="sian@cyngor.example", completed_at=None)).events
    assert (event.about, event.at) == ("sian@cyngor.example", AT)


def test_what_was_parked_is_read_again_as_of_when_it_came() -> None:
    """Of a letter that came back Notify tells no time."""
    call, read = incoming("returned"), account(1, token=TOKEN).read
    assert read is not None
    assert read(dated(AT, call.body).encode()).events == hear(call).events
    assert read(b"no time").parked == ("no time",)


def test_a_letter_that_came_back_bounced_for_good() -> None:
    (event,) = hear(incoming("returned")).events
    assert (event.kind, event.hard, event.provider_id[:8]) == ("bounce", True, "740e5834")


@pytest.mark.parametrize(
    ("text", "kind"),
    [("Byddaf yno!", "reply"), ("STOP", "opt_out"), ("Atal.", "opt_out"), ("stop by at 5?", "reply")],
)
def test_what_people_write_comes_from_their_number(text: str, kind: str) -> None:
    """F13"""
    (event,) = hear(incoming("received", message=text)).events
    assert (event.kind, event.sender, event.text) == (kind, "+447700900123", text)


@pytest.mark.parametrize("more", [{"template_id": SERVICE}, {"status": "sending"}])
def test_what_is_of_another_template_or_under_way_is_no_news(more: dict[str, str]) -> None:
    """H8"""
    assert hear(incoming("delivered", **more)) == Heard()


def test_a_status_never_seen_is_kept_for_a_person() -> None:
    """H13"""
    heard = hear(incoming("delivered", status="danced"))
    assert heard.events == () and '"danced"' in heard.parked[0]


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", f"bearer {TOKEN}", TOKEN, f"Bearer {TOKEN} ", "Basic ŵ"]
)
def test_a_call_without_the_token_proves_nothing(header: str) -> None:
    """H1"""
    with pytest.raises(NotAuthentic):
        hear(replace(incoming("delivered"), headers={"authorization": header}))


FIELDS = [
    "id", "status", "to", "template_id", "completed_at", "created_at", "source_number", "message", "notification_id",
]  # fmt: skip


@given(shapes(FIELDS, TEMPLATE, "delivered", "0001-01-01T00:00+23:00"))
def test_a_call_or_an_answer_of_any_shape_stops_nobody(body: Any) -> None:
    """H9, F26"""
    whole = {**body, "template_id": TEMPLATE} if isinstance(body, dict) else body
    assert isinstance(hear(replace(incoming("delivered"), body=json.dumps(whole).encode())), Heard)
    stops_nobody(account, {"notifications": body}, ("find", message("x")))


def test_settings_that_make_no_sense_are_named() -> None:
    wrong: dict[str, Any] = {
        "template_id": "mine", "sender_id": "me", "channel": "fax", "base_url": "https://n.example", "deadline_s": 0.0,
    }  # fmt: skip
    with pytest.raises(BadSettings) as caught:
        registry.connect("govuk_notify", wrong, {"api_key": "key"})
    assert set(caught.value.problems) == {*wrong, "api_key"}


def test_the_connector_says_what_it_is() -> None:
    for channel in ("email", "sms", "post"):
        connector = account(1, channel=channel)
        assert (connector.channel, connector.broadcast, connector.repeats) == (
            channel,
            False,
            Findable(30.0, known_for_s=3 * 86_400.0),
        )
    assert account(1, channel="sms").limits.counting == "sms" and account(1).hooks is None


# --- the contract of every connector
class FarNotify(PostsSide):
    """Notify's side: it keeps our key with each message."""

    said = PostsSide.said | {Refused: "wrong_address", AccountGone: "wrong_key"}

    def taken(self) -> list[tuple[str, Any]]:
        return [(str(one["personalisation"]["body"]), one) for one in self.it.messages]

    def key(self, words: str, whole: Any) -> str:
        return str(whole["reference"])


class TestContract(OutboundContract, RepeatContract):
    """Notify keeps the promises of every connector."""

    @pytest.fixture
    def far(self, notify: Notify) -> FarNotify:
        notify.lag = timedelta(seconds=29)
        return FarNotify(notify, account, message, KEY, SECRET)


class CallingNotify(Called):
    """Calls of Notify, proven by a token alone."""

    signed_headers = ("authorization",)
    signs_body = False
    timed = False
    batches = False

    def kept(self, call: Call) -> bytes:
        return dated(call.at, call.body).encode()


class TestHooks(HookContract, ReadContract):
    """Notify's callbacks keep the promises of every hook."""

    @pytest.fixture
    def far(self) -> CallingNotify:
        good = partial(incoming, "delivered", token="newer-token")
        bad = partial(good, created_at=5, completed_at="soon")
        both = partial(account, 1, token=f"newer-token {TOKEN}")
        return CallingNotify(both, good, bad, partial(incoming, "received"))
