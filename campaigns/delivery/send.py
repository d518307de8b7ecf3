"""Send: work one batch, wave by wave: settle the last, gate, intent in one transaction; then the network.

Rules: only this file calls a connector's `send`. Intent is committed on the row before the network is touched and the
answer is written only where state, attempt and token still say that it is ours. A worker looks at its own time left
before every write to the network. What the network answers is never thrown away: late answers are evidence.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Text, bindparam, cast, literal, select, update
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from connectors.api import Connector, ConnectorError, Medium, Outbound, Receipt, Uncertain, running

from ..base import instant
from ..database import Database, Writer
from ..errors import DomainError
from ..links import Links
from ..messages import media, render
from ..messages.tables import LANES, Message, Variant
from ..prepared import Prepared
from ..stakeholders.tables import Address
from . import accounts, batch, begun, limits, settle, states, threads, trouble
from .backoff import Pace
from .compose import Composer, Letter, written_to
from .gate import Known, Ready, Taken, may_go, take
from .readers import Readers, Waiting
from .settle import NOT_STARTED, Outcome
from .tables import Account, Batch, Delivery
from .trouble import Verdict

# The database's trouble and not ours: locked, full, restarting, or two who waited for each other.
TROUBLE = (OperationalError, InterfaceError)
TROUBLE_S = 1.0
# The people of so many waves are asked about at once, where nobody else changes anything.
AHEAD = 8


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
    folder: Path = field(default_factory=Path)  # where pictures lie
    alarm: Callable[[str, str], None] = lambda name, account: None
    # Stores secrets of an account, of those names, beside the others it has.
    keep: Callable[[Session, Account, Mapping[str, str]], None] = lambda session, account, secrets: None
    # Told to stop, a worker ends what it has begun to hand over and lays the rest down.
    stopping: Callable[[], bool] = lambda: False
    # Called before each wave: who has something to do that must not wait for a mailing keeps it back so long.
    give_way: Callable[[], object] = lambda: None
    # What was asked of messages a moment ago.
    asked: Known = field(default_factory=dict)
    # A named place the process may be made to die at, for proofs; free in production.
    failpoint: Callable[[str], None] = lambda name: None


def work(desk: Desk, lanes: Sequence[str] = LANES) -> bool:
    """Claim one batch of these lanes and work it to its end; False when nothing is due."""
    with desk.database.write() as session:
        held = batch.claim(session, desk.now(), desk.owner, desk.lease_s, lanes)
        if held is None:
            return False
        account = session.get_one(Account, held.account_id)
    desk.failpoint("claim.after_commit")
    connector = _connect(desk, held, account)
    if connector is not None:
        with closing(desk.database.writer()) as writer:
            _Batch(desk, held, account, connector, writer).work()
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
            if accounts.refuse(session, account.id, desk.now(), words, account.version):
                desk.alarm("account_out_of_service", account.name)
            batch.give_back(session, held)
        return None


class _Batch:
    """A batch in hand: what waits in it, and the window of rows whose intent is committed and not settled.

    The window slides: when the connector asks for more and all that was taken is handed over, one transaction settles
    what was answered and takes as many as there is room for.
    """

    def __init__(
        self, desk: Desk, held: batch.Claim, account: Account, connector: Connector, writer: Writer
    ) -> None:
        self._desk, self._held, self._account, self._connector = desk, held, account, connector
        self._writer, self._readers = writer, Readers(held, account, ahead=writer.is_sqlite)
        self._lease_s = _lease_s(desk, account)
        with desk.database.read() as session:
            message = session.get_one(Message, held.message_id)
            self._waiting = deque(letters(session, held, account))
            attached = _attached(session, desk, message) if connector.limits.media_max else {}
        self._composer = Composer(message, account, desk.links, attached)
        side_by_side = desk.pace.wave_max if connector.send_many else 8 * connector.limits.in_flight
        wave = min(desk.pace.wave_max, side_by_side)
        self._window = 1 if held.alone else limits.at_once(account, wave)
        self._taken: deque[Taken] = deque()  # intent committed, network untouched
        self._open: dict[str, Taken] = {}  # handed over and not answered
        self._outcomes: list[Outcome] = []  # to be settled
        self._until = 0.0  # by `running`; no row is handed over after it
        self._wait_until: datetime | None = None
        self._over = self._laid_down = self._tried = False
        self._trouble: Exception | None = None

    def work(self) -> None:
        """Send what may go of it, write down every answer, and lay it down."""
        while not self._over:
            self._stream()
        self._outcomes.extend(Outcome(row, NOT_STARTED) for row in self._taken)
        self._taken.clear()
        try:
            if self._trouble is not None:
                raise self._trouble
            if not self._laid_down:
                self._turn([])
        except TROUBLE:
            _keep(self._desk, self._account, self._outcomes, self._held)
            raise
        except Exception:
            if self._outcomes:
                _keep(self._desk, self._account, self._outcomes)
            raise

    def _stream(self) -> None:
        """Let the connector draw until nothing more may go, or as much is under way as may be."""
        try:
            for name, answer in _answers(self._connector, self._flow()):
                self._outcomes.append(Outcome(self._open.pop(name), answer))
                self._desk.failpoint("net.after_reply")
            lost = Uncertain("the connector gave no answer", phase="connector")
        except Exception as error:  # the connector broke its contract; bytes may have been written
            lost = Uncertain(f"{type(error).__name__}: {error}", phase="connector")
            self._over = True
            self._trouble = self._trouble or (None if self._open else error)
        self._outcomes.extend(Outcome(row, lost) for row in self._open.values())
        self._open.clear()

    def _flow(self) -> Iterator[Outbound]:
        """What the connector draws. Trouble with the database ends it, so that what is under way is answered."""
        while not self._over:
            if not self._taken:
                if len(self._open) >= self._window:
                    return
                try:
                    self._take()
                except Exception as error:
                    self._trouble, self._over = error, True
            elif running() > self._until or self._desk.stopping():
                self._over = True
            else:
                row = self._taken.popleft()
                self._open[row.outbound.key] = row
                self._desk.failpoint("net.before_send")
                yield self._handed(row)

    def _handed(self, row: Taken) -> Outbound:
        """What the connector gets; of a post it may leave word of what it has begun."""
        if not self._account.broadcast:
            return row.outbound
        mine = (row.delivery_id, row.attempt, row.token)
        return replace(row.outbound, keep=partial(begun.keep, self._desk.database, self._desk.now, *mine))

    def _take(self) -> None:
        """Settle what was answered and take the next rows; over when there are none, or none may go."""
        self._desk.give_way()
        # Row by row, the batch is laid down after each: should the next be the end of us, this one is written down.
        alone_done = self._held.alone and (self._outcomes or self._open)
        ready = [] if self._desk.stopping() or alone_done else self._composed(self._window - len(self._open))
        if ready:
            self._turn(ready)
        self._over = not self._taken

    def _composed(self, most: int) -> list[Ready]:
        """The next rows with their words; those whose words cannot be made are settled as failed at once."""
        ready: list[Ready] = []
        now = self._desk.now()
        while self._waiting and len(ready) < most:
            row, letter = self._waiting.popleft()
            if self._held.alone:
                _hold_alone(self._desk, self._held, row.id)
            try:
                ready.append((row, self._composer.compose(letter, row.intent_at or now)))
            except (render.MissingData, DomainError) as error:
                with self._desk.database.write() as session:
                    settle.unmakeable(session, self._desk.now(), row.id, error)
        self._desk.failpoint("render.after")
        return ready

    def _turn(self, ready: list[Ready]) -> None:
        """One transaction: settle what was answered, then take `ready`; the batch is laid down when all is over.

        Everything is locked in one order, as by whoever edits, cancels, recovers or suppresses: message, batch, people,
        deliveries.
        """
        desk, held, account = self._desk, self._held, self._account
        with self._writer.write() as session:
            now = desk.now()
            plain = all(isinstance(one.answer, Receipt) for one in self._outcomes)
            still = plain and self._writer.alone()
            self._tried = self._tried or any(one.answer is not NOT_STARTED for one in self._outcomes)
            message = may_go(session, now, held, account, desk.asked, still) if ready else None
            mine, until = self._hold(session, still)
            people = [row.stakeholder_id for row, _ in ready if message and row.stakeholder_id is not None]
            verdict = _settle(desk, session, now, account, self._outcomes, people)
            self._wait_until = verdict.wait_until or self._wait_until
            taken: list[Taken] = []
            if mine and message is not None and self._wait_until is None:
                rows = [row for row, _ in ready]
                said = self._readers.ask(
                    session,
                    now,
                    message,
                    rows,
                    self._coming(),
                    lambda: plain and self._writer.alone(locked=True),
                )
                taken = take(session, now, held, message, account, ready, said, desk.pace)
            laid_down = not taken and not self._open
            if mine and laid_down:
                self._lay_down(session, now)
            _pass(desk, "before_commit", self._outcomes, taken)
        answered, self._outcomes = self._outcomes, []
        self._taken.extend(taken)
        self._until, self._laid_down = until, laid_down
        _pass(desk, "after_commit", answered, taken)

    def _hold(self, session: Session, still: bool) -> tuple[bool, float]:
        """Whether the batch is ours, and until when; the lease is renewed unless half of it is left to us surely."""
        span_s = self._lease_s - self._connector.limits.deadline_s
        if still and self._until - running() > span_s / 2:
            return True, self._until
        until = running() + span_s  # read before the lease is written
        return batch.renew(session, self._held, self._lease_s), until

    def _coming(self) -> Iterator[Waiting]:
        """Rows of the next waves, of a batch that goes in waves."""
        return (
            iter(()) if self._held.alone else (row for row, _ in islice(self._waiting, AHEAD * self._window))
        )

    def _lay_down(self, session: Session, now: datetime) -> None:
        batch.give_back(session, self._held, self._wait_until)
        if self._held.trial_until is not None and not self._tried:
            trouble.untried(session, now, self._held.account_id, self._held.trial_until)


def _attached(session: Session, desk: Desk, message: Message) -> Mapping[int, Sequence[Medium]]:
    return media.attached(session, message.content_id, desk.folder, desk.links.base_url)


def _pass(desk: Desk, side: str, outcomes: Sequence[Outcome], taken: Sequence[Taken]) -> None:
    """One transaction may write down answers and commit intents: it is a named place for each that it does."""
    if outcomes:
        desk.failpoint(f"result.{side}")
    if taken:
        desk.failpoint(f"intent.{side}")


def _keep(desk: Desk, account: Account, outcomes: list[Outcome], held: batch.Claim | None = None) -> None:
    """Write down what the network answered, as soon as the database takes it, and lay `held` down with it.

    The database's trouble is no death: whoever is next goes on at once. None leaves the batch to recovery.
    """
    while True:
        try:
            with desk.database.write() as session:
                mine = held if held and batch.renew(session, held, _lease_s(desk, account)) else None
                _settle(desk, session, desk.now(), account, outcomes)
                if mine is not None:
                    # A commit may have been done without our hearing of it: intents that we do not know of.
                    batch.unknown_rows(session, desk.now(), mine.batch_id, account, desk.pace)
                    batch.give_back(session, mine)
            return
        except TROUBLE:
            if desk.stopping():
                raise
            time.sleep(TROUBLE_S)


def _lease_s(desk: Desk, account: Account) -> float:
    """How long a batch is ours: never so short that a slow hand-over could not even begin."""
    return max(desk.lease_s, 2 * float(account.limits["deadline_s"]))


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


def letters(session: Session, held: batch.Claim, account: Account) -> list[tuple[Waiting, Letter]]:
    """The rows of a batch with what their words are made of; a variant is read once, however many have it."""
    rows: Sequence[Any] = _LETTERS.run(session, batch=held.batch_id).all()
    if not rows:
        return []
    texts, variant_ids, below_ids, *_ = zip(*rows, strict=True)
    # At once is quicker; a reader that is quicker still makes floats of great whole numbers.
    values = json.loads(f"[{','.join([text or 'null' for text in texts])}]")
    wanted = {*variant_ids, *below_ids}
    found = {one.id: one for one in session.scalars(select(Variant).where(Variant.id.in_(wanted - {None})))}
    at = cache(_instant)  # nearly all of a batch is due at one
    made = []
    for row, slots in zip(rows, values, strict=True):
        _, variant_id, below_id, address, due_us, intent_us, settled_us, *about = row
        waiting = Waiting._make((*about, at(due_us), at(intent_us), at(settled_us)))
        to = written_to(address, slots)
        made.append((waiting, Letter(waiting.id, slots, found[variant_id], to, found.get(below_id))))
    if account.broadcast:
        made = [(row, _of_post(session, account, one)) for row, one in made]
    return made


def _of_post(session: Session, account: Account, letter: Letter) -> Letter:
    """A post says its part of a thread, and goes on with what an earlier try has begun."""
    variant = threads.worded(session, account, letter.delivery_id, letter.variant)
    return letter._replace(variant=variant, begun=begun.of(session, letter.delivery_id))


def _instant(value_us: int | None) -> datetime | None:
    return None if value_us is None else instant(value_us)


def _letters() -> Any:
    row, address = Delivery.__table__.c, Address.__table__
    of_letter = (cast(row.slots, Text).label("slots"), row.variant_id, row.below_id, address.c.value)
    instants = (row.due_at, row.intent_at, row.settled_at)  # the last of `Waiting`, read as numbers
    return (
        select(*of_letter, *instants, *[row[name] for name in Waiting._fields[:-3]])
        .outerjoin(address, address.c.id == row.address_id)
        .where(
            row.batch_id == bindparam("batch"),
            row.state.in_([literal(one) for one in states.TAKEABLE]),
            row.variant_id.is_not(None),
        )
        .order_by(row.id)
    )


_LETTERS = Prepared(_letters())


def _hold_alone(desk: Desk, held: batch.Claim, delivery_id: int) -> None:
    """Say which row is in hand before anything is done with it: should the process die, it is to blame."""
    with desk.database.write() as session:
        session.execute(
            update(Batch)
            .where(Batch.id == held.batch_id, Batch.token == held.token)
            .values(alone_id=delivery_id)
        )


def _answers(
    connector: Connector, flow: Iterator[Outbound]
) -> Iterator[tuple[str, Receipt | ConnectorError]]:
    """Hand over what flows, as many side by side as the connector takes; each answer as soon as it is known."""
    if connector.send_many is not None:
        yield from connector.send_many(flow)
    elif connector.limits.in_flight == 1:
        for outbound in flow:
            yield outbound.key, _one(connector, outbound)
    else:
        yield from _side_by_side(connector, flow)


def _side_by_side(
    connector: Connector, flow: Iterator[Outbound]
) -> Iterator[tuple[str, Receipt | ConnectorError]]:
    with ThreadPoolExecutor(max_workers=connector.limits.in_flight) as pool:
        going: dict[Future[Receipt | ConnectorError], str] = {}
        while True:
            for outbound in islice(flow, connector.limits.in_flight - len(going)):
                going[pool.submit(_one, connector, outbound)] = outbound.key
            if not going:
                return
            for done in wait(going, return_when=FIRST_COMPLETED).done:
                yield going.pop(done), done.result()


def _one(connector: Connector, outbound: Outbound) -> Receipt | ConnectorError:
    try:
        return connector.send(outbound)
    except ConnectorError as error:
        return error
    except Exception as error:  # the connector broke its contract; bytes may have been written
        return Uncertain(f"{type(error).__name__}: {error}", phase="connector")
