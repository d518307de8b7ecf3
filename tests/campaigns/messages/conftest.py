"""Fixtures of the messages' tests: a programme, people, an account and words, at any assurance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from campaigns.delivery.tables import Account
from campaigns.messages import content, messages
from campaigns.messages.tables import ContentItem, Message, Variant
from campaigns.stakeholders import people
from campaigns.stakeholders.tables import Stakeholder
from campaigns.strategies import programmes, strategies
from campaigns.strategies.tables import Programme


@dataclass
class Desk:
    """Where Ann writes to Mair by mail."""

    session: Session
    now: datetime
    programme: Programme
    account: Account
    mair: Stakeholder
    item: ContentItem

    def write(self, text: str = "Bore da {{ name }}", author: str = "ann", **values: Any) -> Variant:
        words = {"channel": "email", "language": "en", "subject": "Hello"} | values
        return content.save_variant(self.session, self.now, self.item, author=author, text=text, **words)

    def message(self, **values: Any) -> Message:
        given: dict[str, Any] = {
            "author": "ann",
            "programme_id": self.programme.id,
            "strategy_version_id": strategies.everyday(self.session, self.programme.id, self.now).id,
            "content_id": self.item.id,
            "purpose": "service",
            "accounts": [(self.account.id, "email")],
            "recipients": [] if "segment_id" in values else [(self.mair.id, 0)],
        }
        return messages.create(self.session, self.now, **given | values)

    def submitted(self, **values: Any) -> Message:
        made = self.message(**values)
        messages.submit(self.session, self.now, made)
        return made

    def assure(self, level: str) -> None:
        programmes.set_assurance(self.session, self.now, self.programme, level, "a test")


def lay(session: Session, now: datetime) -> Desk:
    """A `light` programme with words for mail in English."""
    programme = programmes.create(session, now, name="Walking", starts_on=date(2026, 1, 1))
    account = Account(
        connector="simulator", name="Post", channel="email", limits={"text_max": 100}, repeats={"kind": "keyed"},
        created_at=now, updated_at=now,
    )  # fmt: skip
    session.add(account)
    mair = people.create(session, now, kind="person", name="Mair", languages=["cy"])
    people.involve(session, now, mair.id, programme.id)
    item = content.create(session, now, programme.id, "Hello", author="ann")
    desk = Desk(session, now, programme, account, mair, item)
    desk.write()
    return desk


@pytest.fixture
def desk(session: Session, now: datetime) -> Desk:
    return lay(session, now)
