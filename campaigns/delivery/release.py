"""Release: a due occurrence becomes ledger rows and batches, once, however many clocks try.

Rules: at most 500 stakeholders a transaction, who make one batch; their rows are made before it begins, and anew where
something changed meanwhile, so that others wait for the writing alone; the guarded UPDATE of `released_to` lets one
clock through; releasing twice inserts nothing, and an interrupted release goes on where it stopped.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import and_, bindparam, delete, func, or_, select, update
from sqlalchemy.orm import Session

from ..base import ids, micros
from ..bulk import insert_many
from ..database import Database
from ..errors import AlreadySending
from ..messages import messages, planning, timing
from ..messages.tables import LANES, ContentItem, Message, MessageAccount, Occurrence
from ..stakeholders import tombstones
from ..stakeholders.tables import Segment
from . import audience, batch, rollout, spread, states, stops
from .tables import Account, Attempt, Batch, Delivery

HORIZON_S = 600.0
# SQLite has one writer at a time: between two chunks others get as long as writing one took, and no longer than this.
PAUSE_S = 0.05
# What is the same in every row, and then the columns of a row in the order in which `_write` gives them.
SAME = {"language": "", "attempt": 0, "token": 0, "deaths": 0}
Found = tuple[list[audience.Row], int | None]  # rows, and the last person of them (None: nobody is left)
COLUMNS = ("id", "occurrence_id", "batch_id", "settled_at", *audience.Row._fields, *SAME)


def due(session: Session, now: datetime, horizon_s: float = HORIZON_S, limit: int = 100) -> list[int]:
    """Occurrences whose message may go and whose instant is near, soonest first."""
    return list(
        session.scalars(
            select(Occurrence.id)
            .join(Message, Message.id == Occurrence.message_id)
            .where(
                Occurrence.kind == "real",
                Occurrence.state == "planned",
                Occurrence.due_at <= now + timedelta(seconds=horizon_s),
                or_(Message.state == "scheduled", Message.state == "sending"),
            )
            .order_by(Occurrence.due_at, Occurrence.id)
            .limit(limit)
        )
    )


def release(database: Database, occurrence_id: int, now: Callable[[], datetime]) -> bool:
    """Release one occurrence in transactions of its own; False where another clock is at it."""
    done: bool | None = None
    plan: audience.Plan | None = None
    while done is None:
        with database.read() as session:
            at = now()
            plan = plan or _open(session, occurrence_id, at)
            found = _next(session, plan, at)
        began = time.monotonic()
        with database.write() as session:
            if _is_still_so(session, plan, found):
                done = _chunk(session, plan, found, at)
            else:
                plan = None
        if database.is_sqlite:
            time.sleep(min(PAUSE_S, time.monotonic() - began))
    return done


def release_now(session: Session, occurrence: Occurrence, now: datetime) -> None:
    """Release a small audience inside the caller's transaction: accepted and in the ledger at once."""
    plan = _open(session, occurrence.id, now)
    while _chunk(session, plan, _next(session, plan, now), now) is None:
        pass
    session.refresh(occurrence)


def at_once(session: Session, message: Message, now: datetime) -> None:
    """Write the rows of a message with the act itself, where its accounts and words are there to make them from.

    Without them everybody would be told that they are left out, and nothing about a message excludes a person.
    """
    if any(one["kind"] in ("no_account", "variant_missing") for one in message.held_by):
        return
    if timing.recurs(session, message):
        return  # each time is released when it comes, to whoever belongs to it then
    mine = select(Occurrence).where(Occurrence.message_id == message.id, Occurrence.kind == "real")
    for occurrence in session.scalars(mine.where(Occurrence.state == "planned")):
        release_now(session, occurrence, now)


def look(session: Session, message: Message, now: datetime) -> audience.Plan:
    """The plan of the time at which a message goes next, else went last."""
    plan = audience.open_plan(session, message)
    plan.spread, plan.at = spread.of(session, message, None, now), planning.planned_at(session, message)
    mine = select(Occurrence.id).where(Occurrence.message_id == message.id, Occurrence.kind == "real")
    coming = Occurrence.state.in_(("planned", "released")).desc()
    plan.occurrence_id = session.scalar(mine.order_by(coming, Occurrence.due_at).limit(1)) or 0
    return plan


def rehearse(session: Session, message: Message, now: datetime) -> list[dict[str, Any]]:
    """Every row that a release now would write; writes nothing."""
    plan = look(session, message, now)
    rows = audience.posts(plan)
    after: int | None = -1
    while after is not None:
        found, after = audience.page(session, plan, after, now)
        rows.extend(found)
    return [row._asdict() for row in rows]


def sample(
    session: Session, message: Message, now: datetime, stakeholder_id: int | None
) -> list[dict[str, Any]]:
    """Rows as one recipient would get them (the first who would, where none is named), and the posts.

    A recipient who is left out is shown all the same: it is a look, not a sending.
    """
    plan = look(session, message, now)
    rows = audience.posts(plan)
    if stakeholder_id is not None:
        rows += audience.for_one(session, plan, stakeholder_id)
    else:
        rows += _first_who_gets_it(session, plan, now)
    return [row._asdict() for row in rows]


def _first_who_gets_it(session: Session, plan: audience.Plan, now: datetime) -> list[audience.Row]:
    after: int | None = -1
    while after is not None:
        found, after = audience.page(session, plan, after, now)
        for row in found:
            if row.state == states.QUEUED:
                return [row]
    return []


def take_back(session: Session, message: Message) -> None:
    """Undo a release none of whose rows ever left `queued`, because the message is edited or moved.

    AlreadySending where the network may have been touched. Tests stay what they are.
    """
    real = select(Occurrence.id).where(Occurrence.message_id == message.id, Occurrence.kind == "real")
    if timing.recurs(session, message):
        real = real.where(Occurrence.state.in_(("planned", "released")))  # the times before have gone
    # Locked: a clock that is writing rows is waited for, so that none are left behind.
    of_message = list(session.scalars(real.with_for_update(key_share=True)))
    mine = Delivery.occurrence_id.in_(of_message)
    if session.scalar(select(func.count()).where(mine, Delivery.attempt > 0)):
        raise AlreadySending("some of it has gone out already: cancel it and write a new message")
    session.execute(delete(Batch).where(Batch.occurrence_id.in_(of_message)))
    session.execute(delete(Attempt).where(Attempt.delivery_id.in_(select(Delivery.id).where(mine))))
    session.execute(delete(Delivery).where(mine))
    session.execute(
        update(Occurrence)
        .where(Occurrence.id.in_(of_message), Occurrence.state.in_(("planned", "released")))
        .values(state="planned", released_to=-1, released_at=None)
    )


def words_changed(session: Session, now: datetime, item: ContentItem) -> None:
    """Rows that were released with the old words are taken back; the clock releases them with the new ones."""
    _take_back_untouched(session, messages.using(session, content_id=item.id))


def rule_changed(session: Session, now: datetime, segment: Segment) -> None:
    """Rows that were released by the old rule are taken back; of what has begun, the membership is frozen."""
    _take_back_untouched(session, messages.using(session, segment_id=segment.id))


def _take_back_untouched(session: Session, found: Sequence[Message]) -> None:
    for message in found:
        if message.started_at is None:
            take_back(session, message)


def _open(session: Session, occurrence_id: int, now: datetime) -> audience.Plan:
    occurrence = session.get_one(Occurrence, occurrence_id)
    message = session.get_one(Message, occurrence.message_id)
    plan = audience.open_plan(session, message)
    plan.spread, plan.at = spread.of(session, message, occurrence, now), occurrence.due_at
    plan.occurrence_id, plan.after = occurrence.id, occurrence.released_to
    if occurrence.released_to >= 0:  # going on after a stop: remember who has a row
        used = select(Delivery.account_id, Delivery.address_key).where(
            Delivery.occurrence_id == occurrence_id,
            Delivery.state != states.EXCLUDED,
            Delivery.reason.is_distinct_from("data_missing"),
        )
        plan.seen.update((account_id, key) for account_id, key in session.execute(used))
    return plan


def _next(session: Session, plan: audience.Plan, now: datetime) -> Found:
    """The next rows, before them the posts; nothing is written, so nobody waits while they are made."""
    rows = audience.posts(plan) if plan.after < 0 else []
    found, last = audience.page(session, plan, plan.after, now)
    return rows + found, last


def _is_still_so(session: Session, plan: audience.Plan, found: Found) -> bool:
    """Whether nothing was edited and nobody erased since the rows were made, and no other clock has gone on.

    Asked under locks: who edits or erases from now on waits for these rows, and takes them back or cleans them.
    """
    tombstones.hold_still(session)
    released_to = session.connection().scalar(_LOCKED, {"occurrence": plan.occurrence_id})
    same = plan.is_of(audience.stamp(session, plan.message_id), released_to)
    return same and not audience.erased(session, found[0])


def _chunk(session: Session, plan: audience.Plan, found: Found, now: datetime) -> bool | None:
    """Write the rows found; True when all are written, False when another clock was faster, else None."""
    before, (rows, last) = plan.after, found
    after = last if last is not None else max(before, 0)
    moved = {"occurrence": plan.occurrence_id, "before": before, "released_to": after}
    done = (
        {"state": "released", "released_at": now}
        if last is None
        else {"state": "planned", "released_at": None}
    )
    if session.connection().execute(_MOVED, moved | done).rowcount != 1:
        return False
    if before < 0:
        rollout.begin(session, plan.message, session.get_one(Occurrence, plan.occurrence_id))
    _write(session, plan, rows, now)
    plan.after = after
    return None if last is not None else True


def _write(session: Session, plan: audience.Plan, rows: list[audience.Row], now: datetime) -> None:
    """Insert rows and cut the sendable ones into batches, one per account and due instant."""
    if not rows:
        return
    usual, lane, same = plan.at or now, LANES.index(plan.message.lane), tuple(SAME.values())
    now_us, usual_us = micros(now), micros(usual)
    batches: dict[tuple[int, datetime], int] = {}
    made = []
    for number, row in enumerate(rows, ids.block(len(rows))):
        *words, due_at, slots, error, part = row
        at = due_at or usual
        batch_id: int | None = None
        settled_us: int | None = now_us
        if row.state == states.QUEUED:
            place, settled_us = (row.account_id, at), None
            if place not in batches:
                batches[place] = batch.begin(session, plan.occurrence_id, row.account_id, lane, at)
            batch_id = batches[place]
        at_us = usual_us if at is usual else micros(at)
        placed = (number, plan.occurrence_id, batch_id, settled_us)
        made.append((*placed, *words, at_us, _json(slots), _json(error), part, *same))
    insert_many(session, Delivery, COLUMNS, made)


def _json(value: dict[str, Any] | None) -> str | None:
    if value is None:
        return None
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # a whole number of more than 64 bits
        return json.dumps(value)


def tick(database: Database, now: Callable[[], datetime], horizon_s: float = HORIZON_S) -> int:
    """Settle messages whose obstacle may have come or gone, then release what is due; how many were released.

    One with which something is wrong keeps no other waiting: what went wrong is raised in the end, as a group.
    """
    wrong: list[Exception] = []
    with database.read() as session:
        asked = _to_settle(session)
    for message_id in asked:
        _tried(_settle, database, message_id, now, wrong)
    with database.read() as session:
        overtaken = timing.overtaken(session, now())
    if overtaken:
        with database.write() as session:
            timing.pass_over(session, now())
    with database.read() as session:
        found = due(session, now(), horizon_s)
        found += [one for one in spread.early(session, now(), horizon_s) if one not in found]
    released = [_tried(_release_if_clear, database, occurrence_id, now, wrong) for occurrence_id in found]
    if wrong:
        raise ExceptionGroup("some messages could not be settled or released", wrong)
    return released.count(True)


def _tried(
    one: Callable[[Database, int, Callable[[], datetime]], bool],
    database: Database,
    number: int,
    now: Callable[[], datetime],
    wrong: list[Exception],
) -> bool:
    try:
        return one(database, number, now)
    except Exception as error:
        wrong.append(error)
        return False


def _settle(database: Database, message_id: int, now: Callable[[], datetime]) -> bool:
    with database.write() as session:
        messages.settle(session, now(), session.get_one(Message, message_id))
    return True


def _to_settle(session: Session) -> list[int]:
    """What is held, and what goes through an account of which no worker claims anything, so that no gate asks."""
    shut = select(Account.id).where(or_(Account.state != "active", Account.id.in_(stops.stopped_accounts())))
    through = select(MessageAccount.message_id).where(MessageAccount.account_id.in_(shut))
    waiting = and_(Message.state.in_(("scheduled", "sending")), Message.id.in_(through))
    found = select(Message.id).where(or_(Message.state == "held", waiting))
    return list(session.scalars(found.order_by(Message.id)))


def _release_if_clear(database: Database, occurrence_id: int, now: Callable[[], datetime]) -> bool:
    """Ask the one gate for messages, then release; an obstacle that appeared since holds the message instead."""
    with database.write() as session:
        occurrence = session.get_one(Occurrence, occurrence_id)
        if occurrence.state != "planned":
            return False  # another clock was faster
        message = session.get_one(Message, occurrence.message_id)
        messages.settle(session, now(), message)
        clear = message.state in ("scheduled", "sending")
    return clear and release(database, occurrence_id, now)


def _locked() -> Any:
    table = Occurrence.__table__
    found = select(table.c.released_to).where(table.c.id == bindparam("occurrence"))
    return found.with_for_update(key_share=True)


def _moved() -> Any:
    """The guarded UPDATE: of several clocks that have read so far, one gets on."""
    table = Occurrence.__table__
    as_read = (table.c.state == "planned", table.c.released_to == bindparam("before"))
    values: dict[str, Any] = {name: bindparam(name) for name in ("released_to", "state", "released_at")}
    return update(Occurrence).where(table.c.id == bindparam("occurrence"), *as_read).values(values)


_LOCKED, _MOVED = _locked(), _moved()
