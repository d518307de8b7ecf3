"""Send: work one batch, wave by wave: settle the last, gate, intent in one transaction; then the network.

Rules: only this file calls a connector's `send`. Intent is committed on the row before the network is touched and the
answer is written only where state, attempt and token still say that it is ours. A worker looks at its own time left
before every write to the network. What the network answers is never thrown away: late answers are evidence.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from connectors.api import Connector, ConnectorError, Outbound, Receipt, Uncertain

from ..base import parse_id
from ..database import Database
from ..errors import DomainError
from ..links import Links
from ..messages import render
from ..messages.tables import Message, Variant
from ..stakeholders.tables import Address
from . import accounts, batch, limits, settle, states
from .backoff import Pace
from .compose import Composer, Letter, key, written_to
from .gate import Taken, may_go, take
from .settle import NOT_STARTED, Outcome
from .tables import Account, Batch, Delivery
from .trouble import Verdict

# The database's trouble and not ours: locked, full, restarting, or two who waited for each other.
TROUBLE = (OperationalError, InterfaceError)
TROUBLE_S = 1.0


@dataclass(frozen=True)
class Desk:
    """What a worker needs: the database, how to connect an account, links, a clock, and its own name."""

    database: Database
    connect: Callable[[Session, Account], Connector]
    links: Links
    now: Callable[[], datetime]
    owner: str
    lease_s: float = 120.0
    pace: Pace = field(default_factory=Pace)
    alarm: Callable[[str, str], None] = lambda name, account: None
    # Stores secrets of an account, of those names, beside the others it has.
    keep: Callable[[Session, Account, Mapping[str, str]], None] = lambda session, account, secrets: None
    # Told to stop, a worker ends what it has begun to hand over and lays the rest down.
    stopping: Callable[[], bool] = lambda: False
    # A named place the process may be made to die at, for proofs; free in production.
    failpoint: Callable[[str], None] = lambda name: None


def work(desk: Desk) -> bool:
    """Claim one batch and work it to its end; False when nothing is due."""
    with desk.database.write() as session:
        held = batch.claim(session, desk.now(), desk.owner, desk.lease_s)
        if held is None:
            return False
        account = session.get_one(Account, held.account_id)
    desk.failpoint("claim.after_commit")
    connector = _connect(desk, held, account)
    if connector is not None:
        _waves(desk, held, account, connector)
    return True


def hand_over(connector: Connector, letter: Outbound) -> Receipt:
    """Hand over a letter to somebody who works here: it belongs to no programme and stands in no ledger."""
    return connector.send(letter)


def _connect(desk: Desk, held: batch.Claim, account: Account) -> Connector | None:
    """The account's connector; an account that cannot even be set up goes out of service, its rows stay queued."""
    try:
        with desk.database.read() as session:
            return desk.connect(session, account)
    except SQLAlchemyError:
        raise
    except (
        Exception
    ) as error:  # settings, keys, a connector that was removed: whatever it is, the others go on
        words = str(error) or type(error).__name__
        with desk.database.write() as session:
            if accounts.refuse(session, account.id, desk.now(), words):
                desk.alarm("account_out_of_service", account.name)
            batch.give_back(session, held)
        return None


def _waves(desk: Desk, held: batch.Claim, account: Account, connector: Connector) -> None:
    outcomes: list[Outcome] = []
    while True:
        try:
            taken, until = _next_wave(desk, held, account, outcomes)
        except Exception:
            _keep(desk, account, outcomes)
            raise
        _pass(desk, "after_commit", outcomes, taken)
        if not taken:
            return
        outcomes = _network(desk, connector, taken, until)
        desk.failpoint("net.after_reply")


def _next_wave(
    desk: Desk, held: batch.Claim, account: Account, outcomes: list[Outcome]
) -> tuple[list[Taken], float]:
    """The rows to hand over, and until when (monotonic) they are ours; none when the batch was laid down."""
    # Row by row, the batch is laid down after each: should the next be the end of us, this one is written down.
    over = desk.stopping() or (held.alone and bool(outcomes))
    ready = [] if over else _prepare(desk, held, account)
    until = time.monotonic() + _lease_s(desk, account)  # read before the lease is written, so ours ends first
    with desk.database.write() as session:
        taken = _turn(desk, session, held, account, outcomes, ready)
        _pass(desk, "before_commit", outcomes, taken)
    return taken, until


def _pass(desk: Desk, side: str, outcomes: Sequence[Outcome], taken: Sequence[Taken]) -> None:
    """One transaction may write down answers and commit intents: it is a named place for each that it does."""
    if outcomes:
        desk.failpoint(f"result.{side}")
    if taken:
        desk.failpoint(f"intent.{side}")


def _keep(desk: Desk, account: Account, outcomes: list[Outcome]) -> None:
    """Write down what the network answered, as soon as the database takes it; the batch is left to recovery."""
    while outcomes:
        try:
            with desk.database.write() as session:
                _settle(desk, session, desk.now(), account, outcomes)
            return
        except TROUBLE:
            if desk.stopping():
                raise
            time.sleep(TROUBLE_S)


def _lease_s(desk: Desk, account: Account) -> float:
    """How long a batch is ours: never so short that a slow hand-over could not even begin."""
    return max(desk.lease_s, 2 * float(account.limits["deadline_s"]))


def _turn(
    desk: Desk,
    session: Session,
    held: batch.Claim,
    account: Account,
    outcomes: list[Outcome],
    ready: list[Outbound],
) -> list[Taken]:
    """One transaction: settle what was answered, then take the next wave, or lay the batch down.

    Everything is locked in one order, as by whoever edits, cancels, recovers or suppresses: message, batch, people,
    deliveries.
    """
    now = desk.now()
    going = bool(ready) and may_go(session, now, held)
    mine = batch.renew(session, held, _lease_s(desk, account))
    beside = [parse_id("dlv", one.key) for one in ready] if going else []
    verdict = _settle(desk, session, now, account, outcomes, beside)
    if not mine:
        return []
    taken = take(session, now, held, account, ready, desk.pace) if going and not verdict.wait_until else []
    if not taken:
        batch.give_back(session, held, verdict.wait_until)
    return taken


def _settle(
    desk: Desk,
    session: Session,
    now: datetime,
    account: Account,
    outcomes: list[Outcome],
    beside: Sequence[int] = (),
) -> Verdict:
    verdict = settle.settle(session, now, account, outcomes, desk.pace, beside)
    if verdict.alarm:
        desk.alarm(verdict.alarm, account.name)
    return verdict


def _prepare(desk: Desk, held: batch.Claim, account: Account) -> list[Outbound]:
    """Compose the next wave outside any write; rows whose words cannot be made are settled as failed at once."""
    wave = min(desk.pace.wave_max, max(1, int(account.limits["in_flight"])) * 8)
    size = 1 if held.alone else limits.at_once(account, wave)
    with desk.database.read() as session:
        message = session.get_one(Message, held.message_id)
        found = letters(session, held, size)
    if held.alone and found:
        _hold_alone(desk, held, found[0].delivery_id)
    ready, composer = [], Composer(message, account, desk.links)
    for letter in found:
        try:
            ready.append(composer.compose(letter))
        except (render.MissingData, DomainError) as error:
            with desk.database.write() as session:
                settle.unmakeable(session, desk.now(), letter.delivery_id, error)
    desk.failpoint("render.after")
    if found and not ready:
        return _prepare(desk, held, account)
    return ready


def letters(session: Session, held: batch.Claim, size: int) -> list[Letter]:
    """The next rows of the batch with what their words are made of; a variant is read once, however many have it."""
    rows = session.execute(
        select(Delivery.id, Delivery.slots, Delivery.variant_id, Delivery.below_id, Address.value)
        .outerjoin(Address, Address.id == Delivery.address_id)
        .where(Delivery.batch_id == held.batch_id, Delivery.state.in_(states.TAKEABLE))
        .where(Delivery.variant_id.is_not(None))
        .order_by(Delivery.id)
        .limit(size)
    ).all()
    wanted = {number for row in rows for number in (row.variant_id, row.below_id) if number is not None}
    found = {one.id: one for one in session.scalars(select(Variant).where(Variant.id.in_(wanted)))}
    return [
        Letter(
            row.id,
            row.slots,
            found[row.variant_id],
            written_to(row.value, row.slots),
            found.get(row.below_id),
        )
        for row in rows
    ]


def _hold_alone(desk: Desk, held: batch.Claim, delivery_id: int) -> None:
    """Say which row is in hand before anything is done with it: should the process die, it is to blame."""
    with desk.database.write() as session:
        session.execute(
            update(Batch)
            .where(Batch.id == held.batch_id, Batch.token == held.token)
            .values(alone_id=delivery_id)
        )


def _network(desk: Desk, connector: Connector, taken: Sequence[Taken], until: float) -> list[Outcome]:
    """Hand a wave over; every row gets an outcome, whatever happens."""
    stop_at = until - connector.limits.deadline_s

    def one(row: Taken) -> Outcome:
        if time.monotonic() > stop_at or desk.stopping():
            return Outcome(row, NOT_STARTED)
        try:
            desk.failpoint("net.before_send")
            return Outcome(row, connector.send(row.outbound))
        except ConnectorError as error:
            return Outcome(row, error)
        except Exception as error:  # the connector broke its contract; bytes may have been written
            return Outcome(row, Uncertain(f"{type(error).__name__}: {error}", phase="connector"))

    if connector.send_many is not None and time.monotonic() <= stop_at and not desk.stopping():
        return _many(connector, taken)
    if connector.limits.in_flight == 1 or len(taken) == 1:
        return [one(row) for row in taken]
    with ThreadPoolExecutor(max_workers=min(connector.limits.in_flight, len(taken))) as pool:
        return list(pool.map(one, taken))


def _many(connector: Connector, taken: Sequence[Taken]) -> list[Outcome]:
    assert connector.send_many is not None
    waiting = {key(row.delivery_id): row for row in taken}
    outcomes = []
    try:
        for name, answer in connector.send_many(row.outbound for row in taken):
            outcomes.append(Outcome(waiting.pop(name), answer))
    except Exception as error:  # nothing is known of those that were not answered
        lost = Uncertain(f"{type(error).__name__}: {error}", phase="connector")
        outcomes.extend(Outcome(row, lost) for row in waiting.values())
    else:
        outcomes.extend(Outcome(row, NOT_STARTED) for row in waiting.values())
    return outcomes
