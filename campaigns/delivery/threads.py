"""Threads: the later parts of a post wait until the part before has gone, and answer it.

Rules: a part is tried only when the provider's name of the part before is known; until then it waits outside its batch,
which is no attempt. One before that failed for good, or of which no name is known, fails those after it; one whose
outcome nobody learnt holds them, and how long they are worth sending counts from when it is known. What has gone stays
so, so it is asked once, when a batch is claimed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, exists, select, update
from sqlalchemy.orm import Session, aliased

from ..messages import parts
from ..messages.tables import Variant
from . import limits, states
from .tables import Account, Delivery

# A part that goes in this moment is there in a second; one that nobody knows about, when somebody has found out.
LOOK = timedelta(seconds=1)
LOOK_UNKNOWN = timedelta(seconds=15)
OVER = (states.FAILED, states.CANCELLED, states.EXCLUDED, states.BOUNCED)


def lay_aside(session: Session, now: datetime, batch_id: int) -> None:
    """Take the parts whose turn has not come out of a batch that was just claimed; those that can never go fail."""
    before = aliased(Delivery)
    rows = session.execute(
        select(Delivery.id, before.state, before.provider_id, before.next_at)
        .join(before, _before(Delivery, before))
        .where(Delivery.batch_id == batch_id, Delivery.part > 0, Delivery.state.in_(states.TAKEABLE))
        .order_by(Delivery.part)
    ).all()
    waiting: list[tuple[int, datetime]] = []
    for row in rows:
        if row.state in OVER or (row.state == states.SENT and row.provider_id is None):
            _fail(session, now, row.id, row.state)
        elif row.state != states.SENT:
            look = now + (LOOK_UNKNOWN if row.state == states.UNKNOWN else LOOK)
            waiting.append((row.id, max(look, row.next_at or look)))
    limits.lay_aside(session, waiting)


def worded(session: Session, account: Account, delivery_id: int, variant: Variant) -> Variant:
    """What one row of a post says: the variant, or of a thread its part, with what that answers in its options."""
    texts = parts.of(variant.text, account.limits)
    row = session.get_one(Delivery, delivery_id)
    if row.part == 0 and (len(texts) == 1 or not _goes_on(session, row)):
        return variant
    # Of a network that had threads when this was released and has none now, the connector refuses the empty part.
    text = texts[row.part] if row.part < len(texts) else ""
    # Never stored. Pictures go with the first part: they are found by the id of the variant.
    return Variant(
        id=0 if row.part else variant.id, channel=variant.channel, language=variant.language, subject=variant.subject,
        text=text, html="", options={**variant.options, **_answers(session, row)},
    )  # fmt: skip


def resume(session: Session, now: datetime, delivery_id: int) -> None:
    """How long the later parts are worth sending counts from now: it was not known what became of this one."""
    before, after = aliased(Delivery), aliased(Delivery)
    later = (
        select(after.id)
        .join(before, and_(_same_post(after, before), after.part > before.part))
        .where(before.id == delivery_id, after.state.in_((states.QUEUED, states.DEFERRED)))
    )
    session.execute(update(Delivery).where(Delivery.id.in_(later)).values(due_at=now))


def behind_unknown() -> Any:
    """Parts that wait for somebody to learn what became of one before them."""
    before = aliased(Delivery)
    found = exists().where(
        _same_post(Delivery, before), before.part < Delivery.part, before.state == states.UNKNOWN
    )
    return and_(Delivery.part > 0, found)


def _goes_on(session: Session, row: Delivery) -> bool:
    """Whether it was released with further parts: its network may have got threads since, and then it says all."""
    after = aliased(Delivery)
    found = select(after.id).join(Delivery, _before(after, Delivery))
    return session.scalar(found.where(Delivery.id == row.id)) is not None


def _answers(session: Session, row: Delivery) -> Mapping[str, Any]:
    """The provider's names of the part before and of the first."""
    if row.part == 0:
        return {}
    known = select(Delivery.part, Delivery.provider_id).where(
        Delivery.occurrence_id == row.occurrence_id, Delivery.account_id == row.account_id,
        Delivery.address_key == row.address_key, Delivery.language == row.language,
        Delivery.part.in_((0, row.part - 1)),
    )  # fmt: skip
    names: dict[int, str | None] = {part: name for part, name in session.execute(known)}
    return {"in_reply_to": names.get(row.part - 1) or "", "thread": names.get(0) or ""}


def _before(part: Any, before: Any) -> Any:
    return and_(_same_post(part, before), before.part == part.part - 1)


def _same_post(part: Any, other: Any) -> Any:
    return and_(
        other.occurrence_id == part.occurrence_id, other.account_id == part.account_id,
        other.address_key == part.address_key, other.language == part.language,
    )  # fmt: skip


def _fail(session: Session, now: datetime, delivery_id: int, before: str) -> None:
    """An `unknown` part stays what it is: it may have gone."""
    session.execute(
        update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.state.in_((states.QUEUED, states.DEFERRED)))
        .values(
            state=states.FAILED, reason="thread_broken", error={"before": before}, batch_id=None, next_at=None,
            settled_at=now,
        )
    )  # fmt: skip
