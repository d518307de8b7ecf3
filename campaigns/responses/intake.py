"""Intake: what a provider told us is stored once, committed, and only then thought about.

Rules: once per account and event key, however often it is told; the raw body is kept. A bad event is parked
after three tries and never stands in the way of others. One that names something we do not know yet (a hook
can be faster than our own commit) is looked at again for seven days, at longer and longer intervals.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from connectors.api import Event

from ..base import BLOCK_MAX, COUNTS, ids, micros
from ..bulk import insert_new
from ..delivery import states
from ..delivery.tables import Account
from ..links import Links
from . import desk, effects, match
from . import events as kept
from .tables import EVENT_KINDS, RESPONSE_KINDS, HookProof, RawEvent, Response

UNREAD = "unread:"  # begins the key of what a connector could not read
TRIES_MAX = 3
REMATCH_FOR = timedelta(days=7)
REMATCH_FIRST = timedelta(seconds=5)
AGAIN_AFTER = timedelta(minutes=1)
OUR_OWN = "our own message came back"
UNPROVEN = "not proven to be about this delivery"
ANOTHERS = "about a delivery of another account, and not proven to be"
# What a person must look at when it comes so often in a day: mail that goes round in a circle, and whoever tells of
# other accounts' deliveries by this one.
ALARMS, DAY_MS = {OUR_OWN: ("mail_loop", 3), ANOTHERS: ("anothers_delivery", 1)}, 86_400_000
Alarm = Callable[[str, str], None]
# What a call told of one event, as it is kept: these columns, the last of all.
Told = tuple[str, str, str, bytes | None, str, str | None]
TOLD = ("event_key", "sha256", "event", "body", "state", "error")
COLUMNS = ("id", "account_id", "via", "received_at", "next_at", "tries", *TOLD)
# Every provider whose proof holds once signs a time with it, and twelve hours later it proves nothing any more.
PROOFS_FOR = timedelta(days=2)


def store(session: Session, now: datetime, account_id: int, events: Sequence[Event], via: str) -> int:
    """Keep events, each once; how many were new. `via` is push or poll. Commit before you answer."""
    return _insert(session, now, account_id, via, [_told(now, event) for event in events])


def park(session: Session, now: datetime, account_id: int, parked: Sequence[str], via: str) -> int:
    """Keep what a connector could not read, for a person to look at; how many were new."""
    told: list[Told] = []
    for words in parked:
        body = words.encode("utf-8", "replace")
        digest = hashlib.sha256(body).hexdigest()
        told.append((f"{UNREAD}{digest}", digest, "{}", body, "parked", "the connector could not read it"))
    return _insert(session, now, account_id, via, told)


def is_first(session: Session, now: datetime, account_id: int, proof: str) -> bool:
    """Whether no call of the account has proven itself by this in the last days; from now on one has."""
    session.execute(delete(HookProof).where(HookProof.at <= now - PROOFS_FOR))
    digest = hashlib.sha256(proof.encode("utf-8", "replace")).hexdigest()
    row = (account_id, digest, micros(now))
    return insert_new(session, HookProof, ("account_id", "proof_sha256", "received_at"), [row]) == 1


def process(
    sessions: sessionmaker[Session],
    now: datetime,
    links: Links,
    limit: int = 200,
    alarm: Alarm = lambda name, account: None,
) -> int:
    """Think about what is due, oldest first, each in a transaction of its own; how many were looked at.

    One event locks one person's rows, so two workers cannot wait for each other.
    """
    for done in range(limit):
        with sessions.begin() as session:
            raw = _next(session, now)
            if raw is None:
                return done
            _guarded(session, now, links, raw)
            name, often = ALARMS.get(raw.error or "", ("", 0))
            if name and _lately(session, raw) == often:
                alarm(name, session.get_one(Account, raw.account_id).name)
    return limit


def handle(session: Session, now: datetime, links: Links, raw: RawEvent) -> None:
    """One event: match it, keep it as a response where it is one, and let it have its effects. Repeatable."""
    event = kept.decode(raw.event_key, raw.event)
    account = session.get_one(Account, raw.account_id)
    if match.is_our_own(session, links, event):
        # Nothing of it is kept: it may hold a link that lets somebody in.
        raw.body, raw.event = None, {**raw.event, "text": ""}
        _done(raw, OUR_OWN)
        return
    tie = match.tie(session, links, account.id, event)
    if tie is not None and tie.delivery.state == states.SENDING:
        _later(raw, now)  # its outcome is being written; this is evidence only where that never happens
        return
    proven = tie if tie is not None and match.is_proven(tie, account, event) else None
    if event.kind == "opt_out" and proven is None and not match.may_stop(session, account, event):
        event = replace(event, verified=False)
    if event.kind in RESPONSE_KINDS:
        response, is_new = _response(session, raw, account, event)
        if match.settle(session, response, event, proven) or is_new:
            effects.apply(session, now, raw, event, proven.delivery if proven else None, response)
        if is_new:
            desk.arrived(session, response)
    elif proven is not None and event.kind in EVENT_KINDS:
        effects.apply(session, now, raw, event, proven.delivery, None)
    if tie is None and _may_be_known_later(raw, now, event):
        _later(raw, now)
    elif tie is None or tie is proven:
        _done(raw, None)
    else:
        _done(raw, UNPROVEN if tie.delivery.account_id == account.id else ANOTHERS)


def _guarded(session: Session, now: datetime, links: Links, raw: RawEvent) -> None:
    """A savepoint around one event, so that its failure can be counted in the same transaction."""
    try:
        with session.begin_nested():
            handle(session, now, links, raw)
    except OperationalError:
        raise  # the database's trouble, not the event's
    # The worker's door for events: a parser's or a rule's mistake may not stop the queue.
    except Exception as error:
        raw.tries += 1
        raw.error = f"{type(error).__name__}: {error}"[:500]
        raw.state = "parked" if raw.tries >= TRIES_MAX else "new"
        raw.next_at = now + AGAIN_AFTER * raw.tries


def _lately(session: Session, raw: RawEvent) -> int:
    """How often this account was told something that ended like this one in the day before; ids are sorted by time."""
    session.flush()
    of_the_day = RawEvent.id.between(raw.id - (DAY_MS * COUNTS), raw.id)
    alike = select(func.count()).where(
        of_the_day, RawEvent.account_id == raw.account_id, RawEvent.error == raw.error
    )
    return session.scalar(alike) or 0


def _next(session: Session, now: datetime) -> RawEvent | None:
    return session.scalars(
        select(RawEvent)
        .where(RawEvent.state == "new", RawEvent.next_at <= now)
        .order_by(RawEvent.next_at, RawEvent.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()


def _may_be_known_later(raw: RawEvent, now: datetime, event: Event) -> bool:
    known = event.kind in RESPONSE_KINDS or event.kind in EVENT_KINDS
    named = event.provider_id or event.references or event.recipient_token
    return known and bool(named) and now < raw.at + REMATCH_FOR


def _later(raw: RawEvent, now: datetime) -> None:
    """Again after as long as it has waited already: some twenty looks in seven days."""
    waited, left = now - raw.at, raw.at + REMATCH_FOR - now
    raw.next_at = now + max(REMATCH_FIRST, min(waited, left))


def _done(raw: RawEvent, remark: str | None) -> None:
    raw.state, raw.error = "done", remark


def _response(session: Session, raw: RawEvent, account: Account, event: Event) -> tuple[Response, bool]:
    """The response of this event, the same one on every look, and whether this is the first look."""
    found = session.scalars(
        select(Response).where(Response.raw_id == raw.id, Response.kind == event.kind)
    ).first()
    if found is not None:
        return found, False
    about_us = event.kind in ("bounce", "complaint")
    response = Response(
        raw_id=raw.id,
        account_id=account.id,
        channel=account.channel,
        kind=event.kind,
        at=event.at,
        from_key=match.key(account.channel, event.about if about_us else event.sender),
        from_name=event.sender_name,
        programme_id=account.programme_id,
        subject=event.subject,
        text=event.text,
        meta={**event.meta, "verified": event.verified, "hard": event.hard, "language": event.language},
    )
    session.add(response)
    session.flush()
    return response, True


def _told(now: datetime, event: Event) -> Told:
    key = kept.key(event)
    digest = hashlib.sha256(event.raw or key.encode()).hexdigest()
    return key, digest, kept.encode(event, now), event.raw or None, "new", None


def _insert(session: Session, now: datetime, account_id: int, via: str, told: Sequence[Told]) -> int:
    """Insert what is not there yet, in the order it was told; how many rows that were."""
    new, at = 0, micros(now)
    for start in range(0, len(told), BLOCK_MAX):
        some = told[start : start + BLOCK_MAX]
        first = ids.block(len(some))
        rows = [(number, account_id, via, at, at, 0, *one) for number, one in enumerate(some, first)]
        new += insert_new(session, RawEvent, COLUMNS, rows)
    return new
