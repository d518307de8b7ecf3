"""The gate: what is asked of every row of a wave in the transaction that commits its intent.

Rules: the message is asked first (state, approval, agreement, stops), then each person (suppression, basis, choices).
The message is locked so that nobody pauses or edits it under a wave; people's rows are locked in id order before they
are asked (`readers.py`), so nothing goes after what they say.
Nothing about the message ever excludes a person.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Boolean, bindparam, func, null, or_, select, update
from sqlalchemy.orm import Session

from connectors.api import Outbound

from ..base import Instant, constant, keyed, micros
from ..errors import Stale
from ..messages import hours, messages
from ..messages.tables import Message, Occurrence
from ..prepared import Prepared, told
from ..stakeholders import consent
from . import accounts, limits, rollout, states, stops
from .backoff import Pace
from .batch import Claim
from .readers import LATER, Waiting
from .tables import Account, Batch, Delivery, Stop

# Everything that can stand against a message is asked again after this. Its own state and version, its account and the
# stops are asked for every wave, unless certainly nobody has changed anything: then all of it is asked after STILL.
ASK_AGAIN = timedelta(milliseconds=250)
STILL = timedelta(seconds=1)
# A test that a stop holds back is looked at again after this: nobody settles it as they do a message.
TEST_LOOK_S = 5.0
# Whoever may get a message by another of their records is asked about again after this.
OTHER_FIRST = timedelta(minutes=1)


Ready = tuple[Waiting, Outbound]


class Taken(NamedTuple):
    """A row with its intent committed: attempt and token guard what is written about it later."""

    delivery_id: int
    attempt: int
    token: int
    outbound: Outbound
    intent_at: datetime
    stakeholder_id: int | None
    address_key: str
    repeat: bool  # of an attempt that may have gone: what this one is refused proves nothing about that one


@dataclass(frozen=True, slots=True)
class Asked:
    """A message against which nothing stood when everything was asked, and the stops that there were."""

    message: Message
    stops: tuple[int, int | None]
    at: datetime
    rests: list[rollout.Rest]


# By message and account.
Known = dict[tuple[int, int], Asked]


def take(
    session: Session,
    now: datetime,
    held: Claim,
    message: Message,
    account: Account,
    ready: Sequence[Ready],
    said: Mapping[int, consent.Decision],
    pace: Pace,
) -> list[Taken]:
    """Commit intent for the rows of a wave that may go; the others are excluded, too late, or left as they are.

    `message` is what `may_go` has said yes to in this transaction, `said` what the readers were asked in it.
    """
    shut, waiting = _shut(session, now, message, [row for row, _ in ready])
    waiting |= _behind(session, now, said, [row.id for row, _ in ready])
    going = []
    timed = account.broadcast or message.useful_until_s is not None
    for row, outbound in ready:
        decision = said[row.id]
        if decision.reason is None and row.id in waiting:
            continue
        reason = decision.reason or ("outside_window" if row.id in shut else None)
        if reason is not None:
            _leave_out(session, now, row, reason)
        elif row.state == states.UNKNOWN and not _repeatable(row, account, now, pace):
            _let_go(session, row)
        elif timed and _too_late(now, message, account, row, pace):
            _fail_late(session, now, row)
        else:
            going.append((row, outbound, decision))
    within = limits.admit(session, now, account, [(row.id, row.address_key) for row, _, _ in going])
    return _commit_intent(session, now, held, [one for one in going if one[0].id in within])


def may_go(
    session: Session, now: datetime, held: Claim, account: Account, known: Known, still: bool = False
) -> Message | None:
    """The message, where nothing stands against it; an obstacle that appeared since puts it on hold.

    Everything is asked where it was not for ASK_AGAIN; in between, the message's own row, the account and the stops,
    and nothing where all is `still` as it was at the wave before. `account` is as it was when the batch was taken: one
    that was changed since goes out with what it is now.
    """
    stops.hold_still(session)
    asked = known.get((held.message_id, held.account_id))
    if asked is not None and still and _asked_within(STILL, asked, now):
        return None if _put_off(session, held, asked) else asked.message
    if asked is not None and _asked_within(ASK_AGAIN, asked, now):
        if _stands(session, now, held, account, asked):
            return None if _put_off(session, held, asked) else asked.message
        known.pop((held.message_id, held.account_id), None)
        return None  # the batch is laid down, and everything is asked by whoever takes it up again
    message = session.get_one(Message, held.message_id)
    if session.get_one(Occurrence, held.occurrence_id).kind == "test":
        return message if _test_may_go(session, now, held, account, message) else None
    messages.settle(session, now, message)
    if message.state == "scheduled":
        with suppress(Stale):  # somebody moved it at this moment, and where they put it counts
            messages.move(session, message, "sending", now)
    if (
        message.state != "sending"
        or not _account_may_go(session, now, held, account)
        or not _unchanged(session, message)
    ):
        return None
    _forget(known, now)
    rests = rollout.waiting(session, message, now)
    asked = Asked(message, tuple(session.execute(_STOPS).one()), now, rests)
    known[held.message_id, held.account_id] = asked
    return None if _put_off(session, held, asked) else message


def _put_off(session: Session, held: Claim, asked: Asked) -> bool:
    """Whether some of the batch waits for the first part of its roll-out: what is left is taken up anew."""
    mine = [rest for rest in asked.rests if rest.occurrence_id == held.occurrence_id]
    return any(rollout.put_off(session, held.batch_id, rest) for rest in mine)


def _forget(known: Known, now: datetime) -> None:
    """What would be asked again in any case is not kept: a worker goes on for months."""
    for key, asked in list(known.items()):
        if not _asked_within(STILL, asked, now):
            known.pop(key, None)


def _asked_within(time: timedelta, asked: Asked, now: datetime) -> bool:
    return timedelta(0) <= now - asked.at < time


def _stands(session: Session, now: datetime, held: Claim, account: Account, asked: Asked) -> bool:
    """Whether message, account and stops are what they were when everything was asked. The message stays so."""
    asked_of = {"message": held.message_id, "account": held.account_id, "now": now, "alone": held.alone}
    found = session.connection().execute(_FACTS, asked_of).one()
    message = asked.message
    return tuple(found) == (message.state, message.version, "active", account.version, *asked.stops)


def _unchanged(session: Session, message: Message) -> bool:
    """Nobody has touched the message since it was asked, and nobody does until this transaction ends."""
    now = select(Message.state, Message.version).where(Message.id == message.id).with_for_update(read=True)
    return tuple(session.execute(now).one()) == (message.state, message.version)


def _test_may_go(session: Session, now: datetime, held: Claim, account: Account, message: Message) -> bool:
    """A test goes whatever the state of its message, but not past a stop; then it is looked at again later."""
    if not _account_may_go(session, now, held, account):
        return False
    if stops.standing(session, message):
        later = now + timedelta(seconds=TEST_LOOK_S)
        session.execute(update(Batch).where(Batch.id == held.batch_id).values(due_at=later))
        return False
    return True


def _account_may_go(session: Session, now: datetime, held: Claim, account: Account) -> bool:
    """An account may be stopped, changed, break or be told to wait in a batch's middle; one row alone is its trial."""
    in_service = select(Account.id).where(
        Account.id == held.account_id,
        Account.version == account.version,
        Account.state == "active" if held.alone else accounts.ready(now),
        Account.id.not_in(stops.stopped_accounts()),
    )
    return session.scalar(in_service) is not None


def _shut(
    session: Session, now: datetime, message: Message, rows: Sequence[Waiting]
) -> tuple[set[int], set[int]]:
    """Rows of people who may not be written to at this hour: who is left out, and who is laid aside until then."""
    wanted = {row.stakeholder_id: now for row in rows if row.stakeholder_id is not None}
    until = hours.shut(session, message, wanted)
    found = [(row.id, until[row.stakeholder_id]) for row in rows if row.stakeholder_id in until]
    later = [(number, at) for number, at in found if at is not None]
    limits.lay_aside(session, later)
    return {number for number, at in found if at is None}, {number for number, _ in later}


def _behind(
    session: Session, now: datetime, said: Mapping[int, consent.Decision], rows: Sequence[int]
) -> set[int]:
    """Rows of people who may get this by another of their records: laid aside until it is known whether they did."""
    found = {number for number in rows if said[number] is LATER}
    limits.lay_aside(session, [(number, now + OTHER_FIRST) for number in found])
    return found


def _repeatable(row: Waiting, account: Account, now: datetime, pace: Pace) -> bool:
    return row.intent_at is not None and pace.key_lives(account.repeats, now, row.intent_at)


def _too_late(now: datetime, message: Message, account: Account, row: Waiting, pace: Pace) -> bool:
    """Whether what is useful for a time is so no longer; what may have gone already is learnt all the same."""
    if row.state == states.UNKNOWN:
        return False
    return now > row.due_at + timedelta(seconds=pace.lifetime_s(account.broadcast, message.useful_until_s))


def _fail_late(session: Session, now: datetime, row: Waiting) -> None:
    session.execute(
        update(Delivery)
        .where(Delivery.id == row.id, Delivery.state == row.state)
        .values(state=states.FAILED, reason="too_late", next_at=None, batch_id=None, settled_at=now)
    )


def _leave_out(session: Session, now: datetime, row: Waiting, reason: str) -> None:
    """Exclude the row; one that may have gone before stays `unknown`, for a person to decide."""
    if row.state == states.UNKNOWN:
        error = {"not_repeated": reason}
        values: dict[str, Any] = {"next_at": None, "batch_id": None, "error": error}
    else:
        values = {
            "state": states.EXCLUDED,
            "reason": reason,
            "next_at": None,
            "batch_id": None,
            "settled_at": now,
        }
    session.execute(update(Delivery).where(Delivery.id == row.id, Delivery.state == row.state).values(values))


def _let_go(session: Session, row: Waiting) -> None:
    """The key died while the row waited in its batch: the resolver looks at it again."""
    session.execute(
        update(Delivery)
        .where(Delivery.id == row.id, Delivery.state == states.UNKNOWN)
        .values(batch_id=None, next_at=row.settled_at)
    )


def _commit_intent(
    session: Session,
    now: datetime,
    held: Claim,
    going: Sequence[tuple[Waiting, Outbound, consent.Decision]],
) -> list[Taken]:
    """Write `sending`, attempt, token and basis; a row that changed hands meanwhile is not returned and not sent."""
    if not going:
        return []
    # What goes for the first time says in its own words since when: all of it was made at one moment, just before.
    first = next((outbound.since for row, outbound, _ in going if row.intent_at is None), None)
    alike: dict[tuple[str, int, str | None, bool], dict[str, int | None]] = defaultdict(dict)
    for row, _, why in going:
        settled = row.settled_at is not None
        alike[row.state, row.attempt, why.basis, settled][str(row.id)] = why.consent_id
    mine = {"batch": held.batch_id, "fence": held.token}
    for (state, attempt, basis, settled), rows in alike.items():
        intent = _REPEAT if settled else _INTENT
        asked = {"rows": told(rows), "state": state, "attempt": attempt, "basis": basis, **mine}
        if intent.run(session, now=micros(first or now), **asked).rowcount != len(rows):
            won = set(_WON.run(session, rows=asked["rows"], **mine).scalars())
            going = [one for one in going if str(one[0].id) not in rows or one[0].id in won]
    return [_taken(row, outbound, held, outbound.since or now) for row, outbound, _ in going]


def _taken(row: Waiting, outbound: Outbound, held: Claim, first: datetime) -> Taken:
    return Taken(
        row.id, row.attempt + 1, held.token, outbound, first, row.stakeholder_id, row.address_key,
        row.state == states.UNKNOWN,
    )  # fmt: skip


def _facts() -> Any:
    """What may say no at any moment, by keys and indexes alone."""
    message, account = Message.__table__, Account.__table__.c
    ready = or_(bindparam("alone", type_=Boolean), accounts.ready(bindparam("now", type_=Instant)))
    state = select(account.state).where(account.id == bindparam("account"), ready).scalar_subquery()
    version = select(account.version).where(account.id == bindparam("account")).scalar_subquery()
    found = select(message.c.state, message.c.version, state, version, *_stops())
    return found.where(message.c.id == bindparam("message")).with_for_update(read=True, of=message)


def _stops() -> list[Any]:
    """How many stops are in force, and the newest of them: another stop is another pair."""
    stop = Stop.__table__.c
    in_force = stop.lifted_at.is_(None)
    return [select(told).where(in_force).scalar_subquery() for told in (func.count(), func.max(stop.id))]


def _intent(**more: Any) -> Any:
    """The intent of rows of a wave that are alike, with what made each lawful as it stood then."""
    table, row = Delivery.__table__, keyed("rows", BigInteger)
    return (
        update(table)  # type: ignore[arg-type]
        .where(
            table.c.id == row.c.id,
            # no bare columns: the rows are found by their ids, not by reading the batch, or whatever waits, for each
            table.c.state.concat("") == bindparam("state"),
            table.c.batch_id + 0 == bindparam("batch"),
            table.c.attempt == bindparam("attempt"),
        )
        .values(
            state=constant(states.SENDING), attempt=table.c.attempt + 1, token=bindparam("fence"), next_at=null(),
            intent_at=func.coalesce(table.c.intent_at, bindparam("now", type_=Instant)),
            consent_id=row.c.one, basis=bindparam("basis"), **more,
        )
    )  # fmt: skip


def _won() -> Any:
    """Those of some rows whose intent was written."""
    table, row = Delivery.__table__.c, keyed("rows", BigInteger)
    mine = (table.batch_id + 0 == bindparam("batch"), table.token == bindparam("fence"))
    return select(row.c.id).where(table.id == row.c.id, table.state.concat("") == states.SENDING, *mine)


# Made once: every wave asks them. Few rows were settled before: where that stays empty, no index is written anew.
_FACTS, _STOPS = _facts(), select(*_stops())
_INTENT, _REPEAT, _WON = Prepared(_intent()), Prepared(_intent(settled_at=null())), Prepared(_won())
