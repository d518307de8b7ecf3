"""What mail services have in common: fields of a mail, and events of any shape."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import esp
from connectors.api import Refused
from connectors.brevo import hooks as brevo
from connectors.mailgun import hooks as mailgun
from connectors.postmark import hooks as postmark
from connectors.resend import hooks as resend
from connectors.sendgrid import hooks as sendgrid
from connectors.ses import hooks as ses

from .mail_apis import calling, outbound

SERVICES = (brevo, mailgun, postmark, resend, sendgrid, ses)
# The words that lead furthest into what each service tells.
NAMES = (
    (
        "type",
        "data",
        "tags",
        "dolen",
        "to",
        "bounce",
        "created_at",
        "email_id",
        "event",
        "RecordType",
        "Metadata",
    )
    + (
        "MessageID",
        "DeliveredAt",
        "Email",
        "timestamp",
        "sg_message_id",
        "sg_event_id",
        "email",
        "message-id",
    )
    + (
        "ts_event",
        "event-data",
        "message",
        "headers",
        "recipient",
        "delivery-status",
        "client-info",
        "Message",
    )
    + ("MessageId", "eventType", "mail", "bouncedRecipients", "severity", "reason", "id", "SuppressionReason")
)
WORDS = (
    "email.bounced",
    "email.clicked",
    "Bounce",
    "SubscriptionChange",
    "Delivery",
    "Open",
    "bounce",
    "delivered",
) + (
    "hard_bounce",
    "failed",
    "opened",
    "permanent",
    "2026-11-02T09:00:00Z",
    "dlv",
    "00",
    "{}",
    '{"mail": {}}',
)
SHAPES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=8),
    max_leaves=20,
)  # fmt: skip


@given(SHAPES)
def test_an_event_of_any_shape_stops_nobody(told: Any) -> None:
    """H9, H13: it is an event, no news, or kept for a person."""
    body = json.dumps(told).encode()
    for service in SERVICES:
        heard = service.read(body)
        for event in heard.events:
            assert event.key and event.kind and event.at.tzinfo is not None and event.raw


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.__name__)
def test_what_is_no_json_or_too_deep_is_kept_as_it_came(service: Any) -> None:
    """H9"""
    deep = b"[" * 300 + b"]" * 300
    for body in (b"", b"{\xff", b"nonsense", deep):
        heard = service.read(body)
        assert heard.events == () and len(heard.parked) == 1


def test_a_time_that_no_clock_can_show_is_kept_for_a_person() -> None:
    good = calling("sendgrid", "events")[1]
    for wrong in (1e300, -1e18, 10**17, "2026", None):
        heard = sendgrid.read(json.dumps([{**good, "timestamp": wrong}, good]).encode())
        assert len(heard.events) == 1 and len(heard.parked) == 1


def test_the_order_of_its_parts_makes_no_other_event() -> None:
    """H5: a provider that repeats a call may write it anew."""
    told = calling("postmark", "click")
    turned = dict(reversed(told.items()))
    one, other = (postmark.read(json.dumps(each).encode()).events[0] for each in (told, turned))
    assert one.key == other.key and one.raw == other.raw


def test_the_fields_of_a_mail_can_all_stand_in_a_header() -> None:
    made = esp.letter(
        outbound(sender_name='Cyngor "Môn" \\ Ynys', to="siân@ysgol.cymru", in_reply_to="<a@b>")
    )
    assert made.mailbox == '"Cyngor \\"Môn\\" \\\\ Ynys" <newyddion@news.mon.example>'
    assert made.headers["In-Reply-To"] == made.headers["References"] == "<a@b>"
    assert esp.letter(outbound(sender_name="")).mailbox == "newyddion@news.mon.example"
    assert "In-Reply-To" not in esp.letter(outbound(in_reply_to="77")).headers
    with pytest.raises(Refused):
        esp.letter(replace(outbound(), headers={"Subject": "x"}))
