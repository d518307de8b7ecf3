"""What other programs are told: facts are read where they stand and put into the outbox, once for each endpoint.

Rules: nothing is told from memory. A fact is a row before anybody hears of it, and it is looked for again over some
minutes, so that one whose transaction ended late is found too. However much happened, one turn takes a bounded part
of it. A body is thin: ids and words of ours, nobody's name, address or text; whoever wants more reads it by the API.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from campaigns.audit import AuditEntry
from campaigns.base import COUNTS, ID_EPOCH_MS, instant, micros, new_id
from campaigns.database import Database
from campaigns.delivery.tables import IN_TROUBLE, Account, Delivery, DeliveryEvent
from campaigns.messages.tables import Message, Occurrence
from campaigns.responses import desk
from campaigns.responses.tables import Response
from campaigns.stakeholders.rows import insert_missing

from . import observe
from .access import Rows, subtree
from .ids import PREFIXES, shown
from .tables import WebhookDelivery, WebhookEndpoint
from .webhooks import BACK_MAX

log = observe.log("dolen.webhooks")

# What an endpoint asks for: `message.created`, `message.*` or `*`.
KIND = re.compile(r"\*|[a-z_]{1,40}\.(\*|[a-z_]{1,40})")
# A transaction may end so long after the time it wrote down. What may still come late is looked for so often, and in
# between only what is just over: whoever sends a million mails has many facts in five minutes.
LATE, LATE_EVERY, JUST_OVER = timedelta(minutes=5), timedelta(minutes=1), timedelta(seconds=10)
LOGIN_ENDS_WITHIN = timedelta(days=10)
AT_ONCE = 500
# So many new facts of one kind of look are put into the outbox in one turn; the next goes on where this one ended.
TURN_MAX = 5_000
TOLD_LATER = ("delivered", "opened", "clicked", "complained")


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that happened. `key` names it: the same fact never has another, and another never the same.

    `noted_at` is when we wrote it down, where that may be later than when it happened; each look tells in its order.
    """

    key: str
    kind: str
    at: datetime
    data: dict[str, Any] = field(default_factory=dict)
    noted_at: datetime | None = None

    def body(self) -> bytes:
        """What is sent, in the form of Standard Webhooks."""
        at = self.at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        return orjson.dumps({"type": self.kind, "timestamp": at, "data": self.data})


@dataclass(frozen=True, slots=True)
class Look:
    """What one look asks for: since when, until when, in which programmes; None: in all. What happened before
    `begun`, when the endpoint came to be, is not its business."""

    begun: datetime
    since: datetime
    now: datetime
    programmes: frozenset[int] | None

    def inside(self, statement: Rows, column: InstrumentedAttribute[Any]) -> Rows:
        """Only rows of those programmes, read as they are needed; what belongs to none is told where everything is."""
        read = statement.execution_options(yield_per=AT_ONCE)
        return read if self.programmes is None else read.where(column.in_(self.programmes))


def wants(kinds: Iterable[str], kind: str) -> bool:
    """Whether one of `message.created`, `message.*` and `*` means this kind."""
    return any(one in ("*", kind, f"{kind.partition('.')[0]}.*") for one in kinds)


def scopes(kinds: Iterable[str]) -> set[str]:
    """What somebody must be allowed to read who is told these kinds."""
    told = {one for _find, found, _scope in LOOKS for one in found}
    return {
        scope
        for _find, found, scope in LOOKS
        for kind in kinds
        if (any(wants([kind], one) for one in found) if found else kind not in told)
    }


def gather(database: Database, now: datetime) -> int:
    """Put what is new into the outbox of each endpoint that wants it; how many rows that were."""
    with database.read() as session:
        endpoints = session.scalars(select(WebhookEndpoint.id).where(WebhookEndpoint.state == "active")).all()
    return sum(_guarded(database, now, number) for number in endpoints)


def _guarded(database: Database, now: datetime, number: int) -> int:
    """What goes wrong with one endpoint keeps no other from its news."""
    try:
        return _gather(database, now, number)
    except Exception:
        log.exception("no news gathered for an endpoint", endpoint=number)
        return 0


def _gather(database: Database, now: datetime, number: int) -> int:
    """Looked up in a transaction that only reads, and written in short ones, so that nobody waits for it."""
    with database.read() as session:
        endpoint = session.get_one(WebhookEndpoint, number)
        before = endpoint.told_until_at
        sure = max(endpoint.sure_until_at or endpoint.created_at, now - BACK_MAX)
        anew = now - sure >= LATE + LATE_EVERY
        since = sure if anew else max(before - JUST_OVER, endpoint.created_at)
        look = Look(endpoint.created_at, since, now, _programmes(session, endpoint))
        fresh, until = _fresh(session, endpoint, look)
    for start in range(0, len(fresh), AT_ONCE):
        with database.write() as session:
            rows = [_row(number, now, one) for one in fresh[start : start + AT_ONCE]]
            insert_missing(session, WebhookDelivery, rows)
    if fresh or anew:
        with database.write() as session:
            changed = session.get(WebhookEndpoint, number, with_for_update=True)
            if changed is not None and changed.told_until_at == before:
                changed.told_until_at = until
                changed.sure_until_at = min(until, now - LATE) if anew else changed.sure_until_at
    return len(fresh)


def _fresh(session: Session, endpoint: WebhookEndpoint, look: Look) -> tuple[list[Fact], datetime]:
    """What this endpoint wants and does not have yet, oldest first; and until when that is all."""
    found: list[Fact] = []
    until = look.now
    for find, kinds, _scope in LOOKS:
        if not kinds or any(wants(endpoint.kinds, one) for one in kinds):
            more, reached = _new(session, endpoint, find(session, look))
            found += more
            until = min(until, reached or until)
    return sorted(found, key=lambda one: (one.at, one.key)), until


def _new(
    session: Session, endpoint: WebhookEndpoint, facts: Iterator[Fact]
) -> tuple[list[Fact], datetime | None]:
    """Those of a look that are wanted and new; where these are many, the first, and how far they reach."""
    found: list[Fact] = []
    while some := list(islice(facts, AT_ONCE)):
        wanted = {one.key: one for one in some if wants(endpoint.kinds, one.kind)}
        known = WebhookDelivery.endpoint_id == endpoint.id, WebhookDelivery.key.in_(list(wanted))
        for key in session.scalars(select(WebhookDelivery.key).where(*known)).all():
            del wanted[key]
        found += wanted.values()
        if len(found) >= TURN_MAX:
            return found, some[-1].noted_at or some[-1].at
    return found, None


def _programmes(session: Session, endpoint: WebhookEndpoint) -> frozenset[int] | None:
    root = endpoint.programme_id
    return None if root is None else subtree(session, [root])[root]


def _row(endpoint_id: int, now: datetime, fact: Fact) -> dict[str, Any]:
    return {
        "id": new_id(), "endpoint_id": endpoint_id, "key": fact.key, "kind": fact.kind, "at": fact.at,
        "body": fact.body(), "state": "waiting", "tries": 0, "next_at": now, "log": [],
    }  # fmt: skip


# --- what happens -------------------------------------------------------------------------------------------------


def _acts(session: Session, look: Look) -> Iterator[Fact]:
    """What people and programs did, by the word of its audit entry: `message.created`, `consent.withdrawn`."""
    done = select(AuditEntry).where(AuditEntry.id > _id_at(look.since), AuditEntry.at >= look.begun)
    for entry in session.scalars(look.inside(done, AuditEntry.programme_id).order_by(AuditEntry.id)):
        about = shown(entry.kind, entry.ref) if entry.kind in PREFIXES else str(entry.ref)
        yield Fact(
            str(shown("audit_entry", entry.id)), entry.act, entry.at,
            {"id": about, "actor": entry.actor, **_where(entry.programme_id)}, _at(entry.id),
        )  # fmt: skip


def _finished(session: Session, look: Look) -> Iterator[Fact]:
    """A time of a message is over: nothing of it waits any more."""
    over = (
        select(Occurrence, Message.programme_id)
        .join(Message, Message.id == Occurrence.message_id)
        .where(
            Occurrence.state == "finished",
            Occurrence.kind == "real",
            Occurrence.due_at > look.since - BACK_MAX,
            Occurrence.finished_at >= look.since,
        )
    )
    over = look.inside(over, Message.programme_id).order_by(Occurrence.finished_at, Occurrence.id)
    for row, programme_id in session.execute(over):
        assert row.finished_at is not None
        number = str(shown("occurrence", row.id))
        yield Fact(
            f"{number}_{micros(row.finished_at)}", "message.finished", row.finished_at,
            {"id": shown("message", row.message_id), "occurrence_id": number, **_where(programme_id)},
        )  # fmt: skip


def _deliveries(session: Session, look: Look) -> Iterator[Fact]:
    """A delivery bounced, failed or is unknown. What was sent is told for the whole message."""
    wrong = (
        select(Delivery, Message.programme_id)
        .join(Message, Message.id == Delivery.message_id)
        .where(IN_TROUBLE, Delivery.settled_at >= look.since)
    )
    wrong = look.inside(wrong, Message.programme_id).order_by(Delivery.settled_at, Delivery.id)
    for row, programme_id in session.execute(wrong):
        assert row.settled_at is not None
        number = str(shown("delivery", row.id))
        yield Fact(
            f"{number}_{micros(row.settled_at)}", f"delivery.{row.state}", row.settled_at,
            {
                "id": number, "message_id": shown("message", row.message_id), "reason": row.reason,
                **_where(programme_id),
            },
        )  # fmt: skip


def _events(session: Session, look: Look) -> Iterator[Fact]:
    """What a provider told later: `delivery.delivered`, `delivery.opened`, `delivery.clicked` …"""
    told = (
        select(DeliveryEvent, Message.id, Message.programme_id)
        .join(Delivery, Delivery.id == DeliveryEvent.delivery_id)
        .join(Message, Message.id == Delivery.message_id)
        # A bounce is told as what it made of the delivery, a reply as the response that it is.
        .where(DeliveryEvent.id > _id_at(look.since), DeliveryEvent.kind.in_(TOLD_LATER))
    )
    told = look.inside(told, Message.programme_id).order_by(DeliveryEvent.id)
    for row, message_id, programme_id in session.execute(told):
        data = {"id": shown("delivery", row.delivery_id), "message_id": shown("message", message_id)}
        key = str(shown("delivery_event", row.id))
        if row.verdict is not None:  # told anew where what came later changes it
            key, data = f"{key}_{row.verdict}", data | {"verdict": row.verdict, "why": row.verdict_why}
        yield Fact(key, f"delivery.{row.kind}", row.at, data | _where(programme_id), _at(row.id))


def _responses(session: Session, look: Look) -> Iterator[Fact]:
    """Something came back."""
    came = select(Response).where(Response.id > _id_at(look.since))
    for row in session.scalars(look.inside(came, Response.programme_id).order_by(Response.id)):
        number = str(shown("response", row.id))
        yield Fact(number, "response.received", row.at, _response(row), _at(row.id))


def _overdue(session: Session, look: Look) -> Iterator[Fact]:
    """Somebody waits longer for an answer than was promised."""
    for row, _clock in desk.overdue(session, look.now):
        if look.programmes is None or row.programme_id in look.programmes:
            yield Fact(f"{shown('response', row.id)}_overdue", "response.overdue", look.now, _response(row))


def _accounts(session: Session, look: Look) -> Iterator[Fact]:
    """A connected account is out of service, fails again and again, or its login ends soon."""
    for row in session.scalars(look.inside(select(Account), Account.programme_id)):
        number = str(shown("account", row.id))
        data = {"id": number, "connector": row.connector, **_where(row.programme_id)}
        if row.state == "out_of_service":
            yield Fact(f"{number}_v{row.version}", "connector_account.out_of_service", row.updated_at, data)
        elif row.state == "active" and row.trouble_since_at is not None:
            key = f"{number}_{micros(row.trouble_since_at)}"
            yield Fact(key, "connector_account.in_trouble", row.trouble_since_at, data)
        if row.state == "active" and row.login_ends_at and row.login_ends_at <= look.now + LOGIN_ENDS_WITHIN:
            key = f"{number}_until_{micros(row.login_ends_at)}"
            yield Fact(key, "connector_account.expiring", look.now, data)


def _response(row: Response) -> dict[str, Any]:
    return {
        "id": shown("response", row.id), "kind": row.kind, "channel": row.channel,
        "stakeholder_id": shown("stakeholder", row.stakeholder_id),
        "message_id": shown("message", row.message_id), **_where(row.programme_id),
    }  # fmt: skip


def _where(programme_id: int | None) -> dict[str, str | None]:
    return {"programme_id": shown("programme", programme_id)}


def _id_at(at: datetime) -> int:
    """The smallest id that a row of then can have: ids are sorted by time, so an index finds what is new."""
    return max(0, (micros(at) // 1000 - ID_EPOCH_MS) * COUNTS)


def _at(number: int) -> datetime:
    """When a row of this id was written down."""
    return instant((number // COUNTS + ID_EPOCH_MS) * 1000)


# Each look with the kinds that it finds, so that nobody is asked for what nobody wants, and with what somebody must be
# allowed who is told of them; of acts there are many kinds, whose words may begin like others.
LOOKS: tuple[tuple[Callable[[Session, Look], Iterator[Fact]], tuple[str, ...], str], ...] = (
    (_acts, (), "audit:read"),
    (_finished, ("message.finished",), "messages:read"),
    (_deliveries, ("delivery.bounced", "delivery.failed", "delivery.unknown"), "messages:read"),
    (_events, tuple(f"delivery.{kind}" for kind in TOLD_LATER), "messages:read"),
    (_responses, ("response.received",), "responses:read"),
    (_overdue, ("response.overdue",), "responses:read"),
    (
        _accounts,
        tuple(f"connector_account.{state}" for state in ("out_of_service", "in_trouble", "expiring")),
        "connectors:admin",
    ),
)
