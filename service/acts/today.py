"""What a day begins with: what waits for the reader, what goes out, what came in, what went wrong, who stopped what.

Rules: every list is short and cut by an index; its room shows the rest. Nobody sees what they have no grant on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from campaigns.delivery import control, reconcile, repair
from campaigns.delivery.tables import IN_TROUBLE, Account, Batch, Delivery, Stop
from campaigns.messages import displaced, rhythm
from campaigns.messages.tables import Message, Occurrence
from campaigns.responses import desk
from campaigns.responses.tables import Commitment, RawEvent, Response
from campaigns.stakeholders.tables import Stakeholder
from campaigns.strategies.tables import Agreement, Party, Strategy, StrategyVersion, UrgentGo

from ..access import Rows, scoped
from . import Act, relationships, things

SHOWN = 8
COUNTED_MAX = 1000
UNDER_WAY = ("sending", "paused", "held")


@dataclass(frozen=True, slots=True)
class Unsure:
    """A delivery that nobody knows the outcome of, and whose it was."""

    row: Delivery
    name: str


@dataclass(frozen=True, slots=True)
class Going:
    """A message that goes out today or is on its way, with what has become of it."""

    message: Message
    due_at: datetime | None
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the processes are at work: what should have been done by now and was not."""

    late_batches: int
    late_releases: int
    unread: int

    @property
    def well(self) -> bool:
        """Nothing waits that should not."""
        return not (self.late_batches or self.late_releases)


def answers(act: Act) -> desk.Waiting:
    """What people wrote that still waits for an answer, longest first."""
    return desk.waiting(
        act.session, act.now, *_within(act, Response.programme_id, "responses:read"), limit=SHOWN
    )


def approvals(act: Act) -> list[Message]:
    """Messages that wait for a check the reader may make."""
    mine = act.caller.actor
    waiting = scoped(select(Message), Message.programme_id, act.caller, "messages:approve")
    waiting = waiting.where(Message.state == "waiting", Message.author != mine)
    found = act.session.scalars(waiting.order_by(Message.id.desc()).limit(4 * SHOWN))
    return [message for message in found if mine not in message.editors][:SHOWN]


def agreements(act: Act) -> list[tuple[Strategy, StrategyVersion, Party]]:
    """Newest versions that wait for the reader's own yes or no."""
    newest = (
        select(StrategyVersion.strategy_id, func.max(StrategyVersion.n).label("n"))
        .group_by(StrategyVersion.strategy_id)
        .subquery()
    )
    given = select(Agreement.id).where(
        Agreement.party_id == Party.id, Agreement.version_id == StrategyVersion.id
    )
    asked = (
        select(Strategy, StrategyVersion, Party)
        .join(Party, Party.strategy_id == Strategy.id)
        .join(newest, newest.c.strategy_id == Strategy.id)
        .join(
            StrategyVersion, and_(StrategyVersion.strategy_id == Strategy.id, StrategyVersion.n == newest.c.n)
        )
        .where(Strategy.state == "active", Party.removed.is_(False), _asks(act), ~given.exists())
        .order_by(StrategyVersion.at.desc())
        .limit(SHOWN)
    )
    asked = scoped(asked, Strategy.programme_id, act.caller, "strategies:agree")
    return [(row[0], row[1], row[2]) for row in act.session.execute(asked)]


def unsure(act: Act) -> tuple[int, list[Unsure]]:
    """Deliveries to decide: how many (at most COUNTED_MAX are counted), and the first of them."""
    found = _mine(act, select(Delivery, Stakeholder.name), "messages:read").outerjoin(
        Stakeholder, Stakeholder.id == Delivery.stakeholder_id
    )
    found = found.where(control.undecided(), IN_TROUBLE)
    rows = act.session.execute(found.order_by(Delivery.id).limit(SHOWN)).all()
    return _count(act, found.with_only_columns(Delivery.id)), [Unsure(row, name or "") for row, name in rows]


def urgent_reviews(act: Act) -> list[tuple[UrgentGo, Message]]:
    """Messages that were let go before everybody had signed, and whose review is due."""
    found = select(UrgentGo, Message).join(Message, Message.id == UrgentGo.message_id)
    found = scoped(found, Message.programme_id, act.caller, "messages:approve")
    found = found.where(UrgentGo.reviewed_at.is_(None)).order_by(UrgentGo.review_due_at).limit(SHOWN)
    return [(row[0], row[1]) for row in act.session.execute(found)]


def promises_due(act: Act, until: date) -> list[tuple[Commitment, Stakeholder]]:
    """Promises of ours whose day has come."""
    page = relationships.open_promises(act)
    return [(one, who) for one, who in page.rows if one.ours and one.due_on <= until][:SHOWN]


def going(act: Act, until: datetime) -> list[Going]:
    """What is on its way, and what goes out before `until`."""
    times = aliased(Occurrence)
    first = (
        select(func.min(times.due_at))
        .where(times.message_id == Message.id, times.kind == "real", times.state.in_(("planned", "released")))
        .scalar_subquery()
    )
    planned = (
        select(Message, Occurrence.due_at)
        .join(Occurrence, Occurrence.message_id == Message.id)
        .where(Occurrence.kind == "real", Message.kind == "message", or_(
            and_(Message.state == "scheduled", Occurrence.state == "planned", Occurrence.due_at < until),
            and_(Message.state.in_(UNDER_WAY), Occurrence.due_at == first),
        ))
        .order_by(Occurrence.due_at)
        .limit(SHOWN)
    )  # fmt: skip
    rows = act.session.execute(scoped(planned, Message.programme_id, act.caller, "messages:read")).all()
    counts = reconcile.counts_of_each(act.session, [message.id for message, _ in rows])
    return [Going(message, due, counts[message.id]) for message, due in rows]


def came_in(act: Act, since: datetime) -> tuple[dict[str, int], Sequence[Response]]:
    """What came back since then: how many of each kind, and the newest that people wrote."""
    mine = _within(act, Response.programme_id, "responses:read")
    kinds = select(Response.kind, func.count()).where(Response.at >= since, *mine).group_by(Response.kind)
    written = select(Response).where(Response.kind.in_(("reply", "mention")), Response.at >= since, *mine)
    newest = act.session.scalars(written.order_by(Response.at.desc()).limit(SHOWN)).all()
    return {kind: count for kind, count in act.session.execute(kinds)}, newest


def senders(act: Act, rows: Iterable[Response]) -> dict[int, str]:
    """Who wrote each of these: the person it was matched to, else as it is signed."""
    found = things.named(act, [("response", one.id) for one in rows])
    return {number: one.name for (_, number), one in found.items()}


def gaps(act: Act) -> list[rhythm.Gap]:
    """Weeks that begin soon with less than was promised."""
    return rhythm.gaps(act.session, act.now, act.caller.programmes("messages:read"))[:SHOWN]


def moved_by_clocks(act: Act) -> list[displaced.Displaced]:
    """Planned times whose zone has got other rules since, so that they go at another time of day than was said."""
    return displaced.coming(act.session, act.now, act.caller.programmes("messages:read"))[:SHOWN]


def accounts_out(act: Act) -> Sequence[Account]:
    """Connected accounts that their provider refuses, for sending or for reading, or that fail again and again."""
    found = scoped(select(Account), Account.programme_id, act.caller, "connectors:read", shared=True)
    return act.session.scalars(
        found.where(
            Account.state != "disabled",
            (Account.state != "active")
            | Account.trouble_since_at.is_not(None)
            | Account.inbox_problem.is_not(None),
        ).order_by(Account.id)
    ).all()


def stops(act: Act) -> Sequence[Stop]:
    """Emergency stops that stand."""
    found = scoped(select(Stop), Stop.programme_id, act.caller, "messages:read", shared=True)
    return act.session.scalars(found.where(Stop.lifted_at.is_(None)).order_by(Stop.id)).all()


def failed(act: Act, since: datetime) -> list[tuple[Message, int]]:
    """Messages of which something could not be sent since then, with how many rows."""
    found = (
        select(Message, func.count(Delivery.id))
        .join(Delivery, Delivery.message_id == Message.id)
        .where(Delivery.state == "failed", IN_TROUBLE, Delivery.settled_at >= since)
        .group_by(Message.id)
        .order_by(Message.id.desc())
        .limit(SHOWN)
    )
    rows = act.session.execute(scoped(found, Message.programme_id, act.caller, "messages:read"))
    return [(row[0], row[1]) for row in rows]


def health(act: Act) -> Health:
    """Whether the clock, the workers and the reading of what comes in keep up."""
    late = act.now - repair.PATIENCE
    batches = select(Batch.id).where(repair.forgotten(act.now))
    releases = (
        select(Occurrence.id)
        .join(Message, Message.id == Occurrence.message_id)
        .where(Occurrence.state == "planned", Occurrence.due_at < late, Message.state == "scheduled")
    )
    unread = select(RawEvent.id).where(RawEvent.state == "parked")
    return Health(_count(act, batches), _count(act, releases), _count(act, unread))


def _asks(act: Act) -> ColumnElement[bool]:
    """Parties that the reader speaks for: themselves, whose deputy they are, or a role they hold."""
    me, roles = act.caller.actor, {reach.role for reach in act.caller.reaches}
    own = and_(Party.kind == "user", or_(Party.ref == me, Party.deputy == me))
    return or_(own, and_(Party.kind == "role", Party.ref.in_(roles), StrategyVersion.author != me))


def _mine(act: Act, statement: Rows, scope: str) -> Rows:
    joined = statement.join(Message, Message.id == Delivery.message_id)
    return scoped(joined, Message.programme_id, act.caller, scope)


def _within(act: Act, column: InstrumentedAttribute[Any], scope: str) -> list[ColumnElement[bool]]:
    reach = act.caller.programmes(scope)
    return [] if reach is None else [column.in_(reach)]


def _count(act: Act, ids: Select[Any]) -> int:
    """How many, counted no further than anybody reads."""
    return act.session.scalar(select(func.count()).select_from(ids.limit(COUNTED_MAX).subquery())) or 0
