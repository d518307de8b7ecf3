"""A small world for what comes back: an account, people with addresses, messages with deliveries."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any, TypeVar

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns.delivery.compose import message_id
from campaigns.delivery.tables import Account, Delivery
from campaigns.links import Links
from campaigns.messages.tables import ContentItem, Message, Occurrence
from campaigns.responses import intake
from campaigns.responses.tables import RawEvent, Response
from campaigns.stakeholders import addresses, people
from campaigns.stakeholders.tables import Stakeholder
from campaigns.strategies.tables import Programme, Strategy, StrategyVersion
from connectors.api import Event

T = TypeVar("T")

LINKS = Links("https://dolen.example", (b"k" * 32,), "mail.example")


class World:
    """Makes rows as the earlier rooms leave them, and plays events through intake."""

    def __init__(self, session: Session, now: datetime) -> None:
        self.session, self.now, self.links = session, now, LINKS
        self.numbers = count(1)
        self.programme = self._add(Programme(name="Clinics", starts_on=date(2026, 1, 1), **self._edited()))
        strategy = self._add(Strategy(programme_id=self.programme.id, name="Everyday", **self._edited()))
        self.version = self._add(
            StrategyVersion(strategy_id=strategy.id, n=1, body={}, digest="sha256:1", author="ann", at=now)
        )
        self.mail = self.account("mail", "email")

    def account(self, name: str, channel: str, **values: Any) -> Account:
        return self._add(
            Account(connector="practice", name=name, channel=channel, **values, **self._edited())
        )

    def person(self, name: str, address: str = "", channel: str = "email", **values: Any) -> Stakeholder:
        person = people.create(self.session, self.now, kind="person", name=name, **values)
        if address:
            addresses.add(self.session, self.now, person.id, channel, address)
        return person

    def message(self, **values: Any) -> Message:
        item = self._add(ContentItem(programme_id=self.programme.id, name="News", **self._edited()))
        facts = {"purpose": "direct_marketing", "author": "ann", "state": "sending", **values}
        return self._add(
            Message(
                programme_id=self.programme.id, strategy_version_id=self.version.id, content_id=item.id,
                **facts, **self._edited(),
            )
        )  # fmt: skip

    def delivery(
        self,
        person: Stakeholder | None,
        account: Account | None = None,
        *,
        message: Message | None = None,
        **values: Any,
    ) -> Delivery:
        account, message = account or self.mail, message or self.message()
        held = addresses.of(self.session, person.id) if person else []
        wall = f"2026-11-02T09:00:{next(self.numbers)}"
        occurrence = self._add(
            Occurrence(message_id=message.id, wall=wall, zone="UTC", due_at=self.now, state="released")
        )
        facts: dict[str, Any] = {
            "state": "sent", "provider_id": f"p-{wall}", "attempt": 1,
            "sent_at": self.now, "settled_at": self.now,
            "address_key": next((one.key for one in held if one.channel == account.channel), ""),
        }  # fmt: skip
        facts |= values
        return self._add(
            Delivery(
                occurrence_id=occurrence.id, message_id=message.id, account_id=account.id,
                target=person.id if person else account.id, stakeholder_id=person.id if person else None,
                channel=account.channel, due_at=self.now, **facts,
            )
        )  # fmt: skip

    def event(self, kind: str, **values: Any) -> Event:
        return Event(**{"key": f"e{next(self.numbers)}", "kind": kind, "at": self.now, **values})

    def thread(self, delivery: Delivery) -> tuple[str, ...]:
        """References of an answer to this delivery."""
        return ("<somebody-else@example.org>", message_id(delivery.id, LINKS))

    def token(self, delivery: Delivery, use: str = "reply") -> str:
        return LINKS.token(use, delivery.id)

    def hear(self, *events: Event, account: Account | None = None) -> list[RawEvent]:
        """Store and handle events as intake does, in this test's own session."""
        account = account or self.mail
        intake.store(self.session, self.now, account.id, events, via="push")
        keys = [event.key for event in events]
        raws = list(
            self.session.scalars(
                select(RawEvent)
                .where(RawEvent.account_id == account.id, RawEvent.event_key.in_(keys))
                .order_by(RawEvent.id)
            )
        )
        for raw in raws:
            intake.handle(self.session, self.now, LINKS, raw)
        self.session.flush()
        return raws

    def response(self, *events: Event, account: Account | None = None) -> Response:
        """What one event became."""
        raw = self.hear(*events, account=account)[-1]
        return self.session.scalars(select(Response).where(Response.raw_id == raw.id)).one()

    def later(self, **passed: float) -> datetime:
        self.now += timedelta(**passed)
        return self.now

    def _edited(self) -> dict[str, Any]:
        return {"created_at": self.now, "updated_at": self.now}

    def _add(self, row: T) -> T:
        self.session.add(row)
        self.session.flush()
        return row


@pytest.fixture
def world(session: Session, now: datetime) -> World:
    """One account, one programme, nobody yet."""
    return World(session, now)


@pytest.fixture
def make_world() -> Callable[[Session, datetime], World]:
    """For tests that commit in several transactions."""
    return World
