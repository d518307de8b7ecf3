"""What was refused while two records were taken for one, once they are two again: it stands on both.

Rules: nobody knows which of the two said no, and a no too many does less harm than one that is lost. Only what names a
delivery to an address that the other never had stays with the one alone. Nothing is opened by this.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..base import parse_id, public_id
from ..delivery.tables import Delivery
from ..errors import BadId
from ..stakeholders import consent, kin, topics
from ..stakeholders.tables import FREQUENCIES, Address, Consent, Merge, Preference, Suppression


def tell_both(session: Session, now: datetime, made: Merge) -> None:
    """Write down on each of the two what was refused on the other since this merge, which was just undone."""
    kept, gone = kin.records(session, made.kept_id), kin.records(session, made.gone_id)
    for mine, theirs in ((kept, gone), (gone, kept)):
        _withdrawals(session, now, made, mine, theirs)
        _suppressions(session, now, made, mine, theirs)
        _choices(session, now, made, mine, theirs)


def _withdrawals(
    session: Session, now: datetime, made: Merge, mine: Sequence[int], theirs: Sequence[int]
) -> None:
    acts = _since(session, made, Consent, mine, theirs)
    for act in acts:
        about = act.purpose, act.channel
        counts = consent.latest(session, [mine[0]], *about)[mine[0]]
        own = consent.latest(session, [theirs[0]], *about).get(theirs[0])
        if act.act == counts.act == "withdrawn" and (own is None or own.at < act.at):
            consent.withdraw(
                session,
                now,
                theirs[0],
                *about,
                source=act.source,
                actor=act.actor,
                evidence=_as_of(act, made),
            )


def _suppressions(
    session: Session, now: datetime, made: Merge, mine: Sequence[int], theirs: Sequence[int]
) -> None:
    for one in _since(session, made, Suppression, mine, theirs):
        over = one.lifted_at is not None or (one.until_at is not None and one.until_at <= now)
        if one.address_key is None and not over:
            consent.suppress(
                session, now, channel=one.channel, reason=one.reason, origin=one.origin, purpose=one.purpose,
                stakeholder_id=theirs[0], until_at=one.until_at, evidence=_as_of(one, made),
            )  # fmt: skip


def _choices(
    session: Session, now: datetime, made: Merge, mine: Sequence[int], theirs: Sequence[int]
) -> None:
    """What they chose to get less often, or not for a while; never more than the other wants."""
    chosen = _since(session, made, Preference, mine, theirs)
    for channel in sorted({row.channel for row in chosen}):
        counts = {row.id for row in topics.latest(session, [mine[0]], channel).values()}
        wanted = topics.latest(session, [theirs[0]], channel)
        for row in chosen:
            own = wanted.get((theirs[0], row.topic_id))
            if row.channel != channel or row.id not in counts or (own is not None and own.at > row.at):
                continue
            less = _less(now, row, own or wanted.get((theirs[0], topics.EVERYTHING)))
            if less is not None:
                topics.choose(
                    session, now, theirs[0], row.topic_id, channel, **less, source=row.source, actor=row.actor,
                    evidence=_as_of(row, made),
                )  # fmt: skip


def _less(now: datetime, row: Preference, own: Preference | None) -> dict[str, Any] | None:
    """The less of what two want; None where the first of them refuses nothing."""
    pauses = [one.pause_until for one in (row, own) if one is not None and one.pause_until is not None]
    if row.frequency == topics.ALL and (row.pause_until is None or row.pause_until <= now):
        return None
    often = max(row.frequency, own.frequency if own else topics.ALL, key=FREQUENCIES.index)
    return {"frequency": often, "pause_until": max(pauses, default=None)}


def _since(
    session: Session, made: Merge, table: type[Any], mine: Iterable[int], theirs: Iterable[int]
) -> list[Any]:
    """What was written on these records since the merge, and may be about the others as well."""
    # By id and not by its time, which may be another's clock, or an earlier day that somebody names.
    rows = select(table).where(table.stakeholder_id.in_(mine), table.id > made.id).order_by(table.id)
    found = [
        row for row in session.scalars(rows) if row.evidence.get("merge_id") != public_id("mrg", made.id)
    ]
    return [row for row in found if not _is_sure(session, row.evidence, theirs)]


def _is_sure(session: Session, evidence: Mapping[str, Any], theirs: Iterable[int]) -> bool:
    """Whether this was said about a delivery to an address that none of the others has or had."""
    delivery = None
    with suppress(BadId):  # people write evidence too
        delivery = session.get(Delivery, parse_id("dlv", str(evidence.get("delivery_id", ""))))
    if delivery is None or not delivery.address_key:
        return False
    about = Address.channel == delivery.channel, Address.key == delivery.address_key
    return (
        session.scalar(select(Address.id).where(*about, Address.stakeholder_id.in_(theirs)).limit(1)) is None
    )


def _as_of(row: Any, made: Merge) -> dict[str, Any]:
    return {**row.evidence, "merge_id": public_id("mrg", made.id)}
