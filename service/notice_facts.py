"""What colleagues are to know: each look finds what is new in one room, and whom it concerns.

Rules: nothing is remembered here: what was told before is found again, and told once by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from campaigns.audit import AuditEntry
from campaigns.base import ID_EPOCH_MS, micros, public_id
from campaigns.delivery import by_hand, reconcile
from campaigns.delivery.tables import Account, HandWork
from campaigns.messages import approval, rhythm
from campaigns.messages.tables import ContentItem, Message, MessageCall, MessageComment, Occurrence
from campaigns.responses import desk, tasks
from campaigns.responses.tables import Response, ResponseCall, ResponseNote, Task
from campaigns.stakeholders import relationships
from campaigns.strategies import agreements
from campaigns.strategies.tables import Strategy, StrategyCall, StrategyComment, StrategyVersion, UrgentGo

from .access import Caller, reaches_of
from .permissions import SCOPES
from .tables import Grant, User, WebhookEndpoint

# What happened longer ago is no news any more, nor is what could not be sent for so long.
NEWS = timedelta(days=2)
# How long before a login ends it is told: some providers need a person of another office to sign in anew.
LOGIN_ENDS_WITHIN = timedelta(days=10)
DIGEST_HOUR = 8
REMIND_BEFORE = timedelta(hours=4)
LOOKED_AT_MAX = 200


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody who may be told, with how far they reach."""

    user: User
    caller: Caller

    @property
    def actor(self) -> str:
        """As they stand in what they did."""
        return self.caller.actor


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that one person is to know; `ref` names it, so that they are told once."""

    who: Colleague
    kind: str
    ref: str
    path: str
    values: Mapping[str, Any] = field(default_factory=dict)


def facts(
    session: Session, now: datetime, staff: list[Colleague], unwanted: Collection[tuple[int, str]], zone: str
) -> Iterator[Fact]:
    """All that colleagues are to know now, but for what they do not want: of whom, and of which kind."""
    for look in LOOKS:
        found = look(session, now, staff)
        yield from (fact for fact in found if (fact.who.user.id, fact.kind) not in unwanted)
    awaiting = [one for one in staff if (one.user.id, "digest") not in unwanted]
    yield from _digests(session, now, awaiting, zone)


def colleagues(session: Session) -> list[Colleague]:
    """Everybody who can be written to, with their grants as they are now."""
    users = session.scalars(select(User).where(User.state == "active", User.email_key.is_not(None))).all()
    grants: dict[int, list[tuple[str, int | None]]] = {}
    for user_id, role, programme in session.execute(
        select(Grant.user_id, Grant.role, Grant.programme_id).where(Grant.user_id.is_not(None))
    ):
        grants.setdefault(user_id or 0, []).append((role, programme))
    return [
        Colleague(
            user,
            Caller(
                public_id("usr", user.id), "person", frozenset(SCOPES),
                reaches_of(session, grants.get(user.id, [])), user_id=user.id,
            ),
        )
        for user in users
    ]  # fmt: skip


def _who(staff: Iterable[Colleague], actors: Iterable[str | None]) -> list[Colleague]:
    named = set(actors)
    return [one for one in staff if one.actor in named]


def _reading(staff: Iterable[Colleague], scope: str, programme_id: int | None) -> list[Colleague]:
    """Those of them who may read it now: what is told of it has names in it."""
    return [one for one in staff if one.caller.may(scope, programme_id)]


def _approvals(session: Session, now: datetime, staff: list[Colleague]) -> Iterator[Fact]:
    """A form of a message waits for somebody who did not write it."""
    waiting = (
        select(Message).where(Message.state == "waiting").order_by(Message.id.desc()).limit(LOOKED_AT_MAX)
    )
    for message in session.scalars(waiting):
        if message.updated_at < now - NEWS or not any(
            one["kind"] in ("approval_missing", "approval_stale") for one in message.held_by
        ):
            continue
        writers, asked = approval.writers(session, message), approval.digest(session, message)
        number = public_id("msg", message.id)
        for one in staff:
            if one.actor not in writers and one.caller.may("messages:approve", message.programme_id):
                yield Fact(
                    one,
                    "approval_asked",
                    f"{number}/{asked[-16:]}",
                    f"/messages/{number}",
                    {"name": _title(session, message)},
                )


def _agreements(session: Session, now: datetime, staff: list[Colleague]) -> Iterator[Fact]:
    """A version of a strategy waits for somebody here, by name or by their role."""
    fresh = select(StrategyVersion, Strategy).join(Strategy, Strategy.id == StrategyVersion.strategy_id).where(
        StrategyVersion.at > now - NEWS, Strategy.builtin.is_(False), Strategy.state == "active"
    )  # fmt: skip
    for version, strategy in session.execute(fresh.order_by(StrategyVersion.id.desc()).limit(LOOKED_AT_MAX)):
        for party, agreement in agreements.positions(session, version):
            if agreement is not None or party.part == "informed":
                continue
            for one in staff:
                role = (
                    party.kind == "role"
                    and one.actor != version.author
                    and _holds(one, party.ref, strategy.programme_id)
                )
                if role or (party.kind == "user" and one.actor in (party.ref, party.deputy)):
                    path = f"/strategies/{public_id('str', strategy.id)}"
                    yield Fact(
                        one, "agreement_asked", public_id("ver", version.id), path, {"name": strategy.name}
                    )


def _holds(one: Colleague, role: str, programme_id: int) -> bool:
    return any(
        reach.role == role and (reach.programmes is None or programme_id in reach.programmes)
        for reach in one.caller.reaches
    )


def _assigned(session: Session, now: datetime, staff: list[Colleague]) -> Iterator[Fact]:
    """Somebody else gave them an item of the inbox."""
    since = now - NEWS
    given = (
        select(AuditEntry.ref, Response.programme_id, Response.assignee, Response.from_name)
        .join(Response, Response.id == AuditEntry.ref)
        .where(
            AuditEntry.id > _id_at(since), AuditEntry.kind == "response", AuditEntry.act == "response.assigned",
            Response.assignee.is_not(None), Response.closed_at.is_(None), Response.assignee != AuditEntry.actor,
        )
        .limit(LOOKED_AT_MAX)
    )  # fmt: skip
    for number, programme_id, assignee, name in session.execute(given):
        shown = public_id("rsp", number)
        for one in _reading(_who(staff, [assignee]), "responses:read", programme_id):
            yield Fact(one, "assigned", f"{shown}/{assignee}", f"/inbox/{shown}", {"name": name})


def _called(session: Session, now: datetime, staff: list[Colleague]) -> Iterator[Fact]:
    """A note calls them to an item."""
    calls = (
        select(ResponseCall.who, ResponseNote, Response.programme_id, Response.from_name)
        .join(ResponseNote, ResponseNote.id == ResponseCall.note_id)
        .join(Response, Response.id == ResponseCall.response_id)
        .where(ResponseNote.id > _id_at(now - NEWS), ResponseNote.by != ResponseCall.who)
        .limit(LOOKED_AT_MAX)
    )
    for who, note, programme_id, name in session.execute(calls):
        path = f"/inbox/{public_id('rsp', note.response_id)}"
        values = {"name": name, "urgent": note.kind == "urgent"}
        for one in _reading(_who(staff, [who]), "responses:read", programme_id):
            yield Fact(one, "called", f"note/{note.id}", path, values)


def _overdue(session: Session, now: datetime, staff: list[Colleague]) -> Iterator[Fact]:
    """Somebody waits longer than we promised: whoever deals with it, else everybody who could."""
    for response, _clock in desk.overdue(session, now):
        shown = public_id("rsp", response.id)
        for one in staff:
            theirs = response.assignee == one.actor and one.caller.may(
                "responses:read", response.programme_id
            )
            anybodys = response.assignee is None and one.caller.may("responses:write", response.programme_id)
            if theirs or anybodys:
                yield Fact(one, "answer_overdue", shown, f"/inbox/{shown}", {"name": response.from_name})


def _sends(session: Session, now: datetime, staff: list[Colleague]) -> Iterator[Fact]:
    """A message to a group is finished; or of any that people wrote something was not sent."""
    over = (
        select(Message, Occurrence)
        .join(Occurrence, Occurrence.message_id == Message.id)
        .where(
            Occurrence.state == "finished", Occurrence.kind == "real", Occurrence.due_at > now - 7 * NEWS,
            Occurrence.finished_at > now - NEWS, Message.kind == "message", Message.lane != "transactional",
        )
        .order_by(Occurrence.due_at.desc())
        .limit(LOOKED_AT_MAX)
    )  # fmt: skip
    for message, occurrence in session.execute(over):
        counts = reconcile.counts_of_times(session, message.id)[occurrence.id]
        bad = counts.get("failed", 0) + counts.get("unknown", 0)
        if message.segment_id is None and not bad:
            continue
        number = public_id("msg", message.id)
        values = {"name": _title(session, message), "sent": counts.get("sent", 0), "bad": bad}
        for one in _who(staff, [message.author, *message.editors]):
            kind = "send_failed" if bad else "send_finished"
            yield Fact(one, kind, public_id("occ", occurrence.id), f"/messages/{number}", values)


def _title(session: Session, message: Message) -> str:
    """What a message is called: its own name, else that of its words."""
    return message.name or session.get_one(ContentItem, message.content_id).name


def _urgent(session: Session, now: datetime, staff: list[Colleague]) -> Iterator[Fact]:
    """It went before everybody had signed: whoever should have is told, and later that the review is due."""
    gone = (
        select(UrgentGo, Message)
        .join(Message, Message.id == UrgentGo.message_id)
        .where(UrgentGo.at > now - NEWS)
    )
    for go, message in session.execute(gone):
        number, shown = public_id("urg", go.id), f"/messages/{public_id('msg', message.id)}"
        values = {
            "name": _title(session, message),
            "reason": go.reason,
            "due_at": go.review_due_at.isoformat(),
        }
        remind = go.reviewed_at is None and now > go.review_due_at - REMIND_BEFORE
        for one in staff:
            if one.actor == go.by or not _signs(session, one, message):
                continue
            yield Fact(one, "urgent_go", number, shown, values)
            if remind:
                yield Fact(one, "urgent_review", number, shown, values)


def _signs(session: Session, one: Colleague, message: Message) -> bool:
    """Whether their signature was passed over: of the message, or of the strategy that it stands under."""
    if one.caller.may("messages:approve", message.programme_id):
        return True
    version = session.get_one(StrategyVersion, message.strategy_version_id)
    return any(
        (party.kind == "user" and one.actor in (party.ref, party.deputy))
        or (party.kind == "role" and _holds(one, party.ref, message.programme_id))
        for party, _ in agreements.positions(session, version)
        if party.part == "required"
    )


def _accounts(session: Session, now: datetime, staff: list[Colleague]) -> Iterator[Fact]:
    """A connected account is out of service: told each day until somebody has put it right."""
    for account in session.scalars(select(Account).where(Account.state == "out_of_service")):
        yield from _account(staff, account, "account_stopped", f"{now.date()}", reason=account.state_reason)


def _troubles(session: Session, now: datetime, staff: list[Colleague]) -> Iterator[Fact]:
    """A connected account fails again and again: told once for each time that this began."""
    failing = select(Account).where(Account.state == "active", Account.trouble_since_at > now - NEWS)
    for account in session.scalars(failing):
        assert account.trouble_since_at is not None
        since = f"{micros(account.trouble_since_at)}"
        yield from _account(staff, account, "account_in_trouble", since, reason=account.trouble or "")


def _logins(session: Session, now: datetime, staff: list[Colleague]) -> Iterator[Fact]:
    """The login of a connected account ends soon, and nothing has renewed it: told once for each end."""
    ending = select(Account).where(
        Account.state == "active",
        Account.login_ends_at > now,
        Account.login_ends_at <= now + LOGIN_ENDS_WITHIN,
    )
    for account in session.scalars(ending):
        assert account.login_ends_at is not None
        ends = account.login_ends_at
        yield from _account(staff, account, "login_ends", f"{micros(ends)}", ends_at=ends.isoformat())


def _account(
    staff: list[Colleague], account: Account, kind: str, time: str, **values: str | None
) -> Iterator[Fact]:
    """For whoever looks after it; once for each `time`."""
    number = public_id("acc", account.id)
    for one in _reading(staff, "connectors:admin", account.programme_id):
        told = {"name": account.name, **values}
        yield Fact(one, kind, f"{number}/{time}", f"/settings/accounts/{number}", told)


def _reviews(session: Session, now: datetime, staff: list[Colleague]) -> Iterator[Fact]:
    """A relationship that they answer for is to be looked at."""
    due: Any = session.execute(relationships.due(now.date()).limit(LOOKED_AT_MAX)).all()
    for involvement, person in due:
        number = public_id("stk", person.id)
        owners = [
            public_id("usr", one) for one in (involvement.owner_id, involvement.deputy_id) if one is not None
        ]
        for one in _reading(_who(staff, owners[:1]), "stakeholders:read", involvement.programme_id):
            ref = f"{number}/{involvement.programme_id}/{involvement.review_on}"
            path = f"/people/{number}/in/{public_id('prg', involvement.programme_id)}"
            yield Fact(one, "review_due", ref, path, {"name": person.name})


def _mentioned(session: Session, now: datetime, staff: list[Colleague]) -> Iterator[Fact]:
    """A comment on a message or a strategy calls them to it."""
    since = _id_at(now - NEWS)
    of_messages = (
        select(MessageCall.who, MessageComment, Message)
        .join(MessageComment, MessageComment.id == MessageCall.comment_id)
        .join(Message, Message.id == MessageComment.message_id)
        .where(MessageComment.id > since, MessageComment.by != MessageCall.who)
        .limit(LOOKED_AT_MAX)
    )
    for who, said, message in session.execute(of_messages):
        path = f"/messages/{public_id('msg', message.id)}#said"
        for one in _who(staff, [who]):
            if one.caller.may("messages:read", message.programme_id):
                yield Fact(one, "mentioned", f"comment/{said.id}", path, {"name": _title(session, message)})
    of_strategies = (
        select(StrategyCall.who, StrategyComment, StrategyVersion.n, Strategy)
        .join(StrategyComment, StrategyComment.id == StrategyCall.comment_id)
        .join(StrategyVersion, StrategyVersion.id == StrategyComment.version_id)
        .join(Strategy, Strategy.id == StrategyVersion.strategy_id)
        .where(StrategyComment.id > since, StrategyComment.by != StrategyCall.who)
        .limit(LOOKED_AT_MAX)
    )
    for who, about, n, strategy in session.execute(of_strategies):
        path = f"/strategies/{public_id('str', strategy.id)}?n={n}#{about.section}"
        for one in _who(staff, [who]):
            if one.caller.may("strategies:read", strategy.programme_id):
                yield Fact(one, "mentioned", f"comment/{about.id}", path, {"name": strategy.name})


def _tasks(session: Session, now: datetime, staff: list[Colleague]) -> Iterator[Fact]:
    """Somebody else gave them a task; one of theirs is due, or its reminder is."""
    given = select(Task).where(Task.state == "open", Task.given_at > now - NEWS, Task.owner != Task.by)
    for task in session.scalars(given.order_by(Task.given_at.desc()).limit(LOOKED_AT_MAX)):
        yield from _task(staff, task, "task_given", str(micros(task.given_at)))
    for task, what, at in tasks.to_tell(session, now, now - NEWS, LOOKED_AT_MAX):
        yield from _task(staff, task, "task_due", f"{what}/{micros(at)}")


def _task(staff: list[Colleague], task: Task, kind: str, ref: str) -> Iterator[Fact]:
    number = public_id("tsk", task.id)
    values = {
        "name": task.title, "due_at": task.due_at.isoformat(), "day": tasks.day(task).isoformat(),
        "whole_day": task.whole_day,
    }  # fmt: skip
    for one in _who(staff, [task.owner]):
        if one.caller.may("programmes:read", task.programme_id):
            yield Fact(one, kind, f"{number}/{ref}", f"/tasks/{number}", values)


def _by_hand(session: Session, now: datetime, staff: list[Colleague]) -> Iterator[Fact]:
    """Something is to be put up by hand: told to whoever wrote or edited it, else to everybody who may send."""
    for work in by_hand.waiting(session, HandWork.handed_at > now - NEWS):
        number = public_id("dlv", work.row.id)
        values = {"name": _title(session, work.message), "place": work.account.name}
        able = _reading(staff, "messages:send", work.message.programme_id)
        wrote = _who(able, [work.message.author, *work.message.editors])
        for one in wrote or able:
            yield Fact(
                one, "by_hand", f"{number}/{micros(work.hand.handed_at)}", f"/by-hand/{number}", values
            )


def _gaps(session: Session, now: datetime, staff: list[Colleague]) -> Iterator[Fact]:
    """Less is planned for a week than was promised."""
    for gap in rhythm.gaps(session, now):
        ref = f"{gap.promise.id}/{gap.starts_on}"
        values = {"name": gap.strategy.name, "day": gap.starts_on.isoformat(), "planned": gap.count}
        for one in staff:
            if one.caller.may("messages:write", gap.strategy.programme_id):
                yield Fact(one, "gap_warning", ref, f"/calendar?month={gap.starts_on:%Y-%m}", values)


def _endpoints(session: Session, now: datetime, staff: list[Colleague]) -> Iterator[Fact]:
    """An endpoint of another program was given up: told once for each time."""
    given_up = select(WebhookEndpoint).where(
        WebhookEndpoint.state == "disabled", WebhookEndpoint.disabled_at > now - NEWS
    )
    for endpoint in session.scalars(given_up):
        assert endpoint.disabled_at is not None
        ref = f"{public_id('whe', endpoint.id)}/{micros(endpoint.disabled_at)}"
        values = {"name": endpoint.about or endpoint.url, "reason": endpoint.state_reason}
        for one in staff:
            if one.caller.may("connectors:admin", endpoint.programme_id):
                yield Fact(one, "webhook_stopped", ref, "/settings", values)


def _digests(session: Session, now: datetime, staff: list[Colleague], zone: str) -> Iterator[Fact]:
    """The day at one look, in the morning of whoever wants it."""
    for one in staff:
        local = now.astimezone(ZoneInfo(one.user.zone or zone))
        if local.hour >= DIGEST_HOUR:
            yield Fact(one, "digest", f"{local.date()}", "/", _today(session, now, one))


def _today(session: Session, now: datetime, one: Colleague) -> dict[str, int]:
    """What waits for them and what goes out, counted up to a limit."""
    inside = _inside(Response.programme_id, one.caller.programmes("responses:read"))
    waiting = desk.waiting(session, now, inside, limit=1).count
    mine = desk.waiting(session, now, inside, who=one.actor, limit=1).count
    going = select(Message.id).join(Occurrence, Occurrence.message_id == Message.id).where(
        Message.state.in_(("scheduled", "held", "waiting")), Occurrence.state == "planned",
        Occurrence.due_at < now + timedelta(days=1),
        _inside(Message.programme_id, one.caller.programmes("messages:read")),
    )  # fmt: skip
    asked = select(Message.id).where(
        Message.state == "waiting", _inside(Message.programme_id, one.caller.programmes("messages:approve"))
    )
    counted = {"going": going, "asked": asked}
    return {"waiting": waiting, "mine": mine} | {
        name: len(session.scalars(found.limit(LOOKED_AT_MAX)).all()) for name, found in counted.items()
    }


def _inside(column: Any, programmes: frozenset[int] | None) -> Any:
    return or_(column.is_(None), column.is_not(None)) if programmes is None else column.in_(programmes)


def _id_at(at: datetime) -> int:
    """The smallest id that a row of then can have: ids are sorted by time, so an index finds what is new."""
    return max(0, (micros(at) // 1000 - ID_EPOCH_MS) << 22)


LOOKS: tuple[Callable[[Session, datetime, list[Colleague]], Iterator[Fact]], ...] = (
    _approvals, _agreements, _assigned, _called, _overdue, _sends, _urgent, _accounts, _troubles, _logins,
    _reviews, _gaps, _mentioned, _tasks, _by_hand, _endpoints,
)  # fmt: skip
