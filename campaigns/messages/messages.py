"""Messages: one scheduled communication each, from draft to its place in the queue.

Rules: every change of state is one guarded UPDATE along the table below; `settle` is the only way from waiting
and held to scheduled, and it asks the blockers each time. An edit of what the approval covers opens it again.
Source: B5, B6, E1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from .. import zones
from ..errors import (
    AlreadyDone,
    AlreadySending,
    BadField,
    BadTime,
    Conflict,
    MissingData,
    NotFound,
    Stale,
    said,
)
from ..stakeholders.tables import PURPOSES, Segment, Stakeholder, Topic
from ..stakeholders.text import NAME_MAX, clean
from ..strategies import agreements, programmes
from ..strategies.tables import Strategy, StrategyVersion, UrgentGo
from . import approval, calendar, content
from . import timing as times
from .blockers import SIGNATURES, audience_size, blockers
from .tables import (
    LANES,
    MESSAGE_KINDS,
    STATE_WORDS,
    Approval,
    ContentItem,
    Message,
    MessageAccount,
    MessageRecipient,
    Occurrence,
    TemplateVersion,
    Variant,
)

MOVES: dict[str, tuple[str, ...]] = {
    "draft": ("waiting", "cancelled"),
    "waiting": ("scheduled", "held", "cancelled"),
    "scheduled": ("sending", "held", "waiting", "paused", "cancelled"),
    "held": ("scheduled", "sending", "waiting", "paused", "cancelled"),
    "sending": ("paused", "held", "finished", "cancelled"),
    "paused": ("scheduled", "sending", "finished", "cancelled"),
    "finished": (),
    "cancelled": (),
}
# `settle` leaves every other state alone: a person put it there, or it is over.
SETTLING = ("waiting", "scheduled", "held", "sending")
EDITABLE = ("draft", "waiting", "scheduled", "held", "paused")
# What a ceiling that nobody stated leaves for growth: a fifth, and at least ten.
HEADROOM_SHARE = 0.2
HEADROOM_MIN = 10
CHUNK = 500

Through = Callable[[Session, Collection[int]], None]
_asked: list[Through] = []


def on_accounts(ask: Through) -> None:
    """Have `ask(session, account_ids)` refuse accounts through which no one message can go, whoever chose them."""
    if ask not in _asked:
        _asked.append(ask)


def create(  # long: everything a message is made of is named here, once
    session: Session,
    now: datetime,
    *,
    author: str,
    programme_id: int,
    strategy_version_id: int,
    content_id: int,
    purpose: str,
    accounts: Sequence[tuple[int, str]],
    segment_id: int | None = None,
    recipients: Sequence[tuple[int, int]] = (),
    at: datetime | None = None,
    wall: str | None = None,
    zone: str | None = None,
    lane: str = "normal",
    useful_until_s: int | None = None,
    ceiling: int | None = None,
    name: str = "",
    test: bool = False,
    kind: str = "message",
    answers_id: int | None = None,
    topic_id: int | None = None,
    timing: Mapping[str, Any] | None = None,
) -> Message:
    """A draft. `accounts` are (account, channel); `recipients` (stakeholder, address or 0), or else a segment.

    `at` is an aware instant, or `wall` with `zone` names it; with neither it goes as soon as it may. `timing` is
    as `timing.choose` takes it.
    """
    programmes.get(session, programme_id)
    made = Message(
        programme_id=programme_id, strategy_version_id=strategy_version_id, content_id=content_id, purpose=purpose,
        segment_id=segment_id, at=at, wall=wall, zone=zone, lane=lane, useful_until_s=useful_until_s, ceiling=ceiling,
        name=name, author=author, test=test, kind=kind, answers_id=answers_id, topic_id=topic_id,
        state="draft", editors=[], held_by=[],
        created_at=now, updated_at=now,
    )  # fmt: skip
    _check(session, made, with_recipients=bool(recipients))
    if made.at is not None:
        calendar.check_range(made.at, now)
    session.add(made)
    session.flush()
    _set_accounts(session, made, accounts)
    _set_recipients(session, made, recipients)
    times.choose(session, made, timing or {})
    return made


def get(session: Session, message_id: int) -> Message:
    """The message, or NotFound."""
    found = session.get(Message, message_id)
    if found is None:
        raise NotFound("there is no such message")
    return found


def edit(session: Session, now: datetime, message: Message, *, by: str = "", **values: Any) -> None:
    """Change any value of `create` that says what goes out, to whom, when or how; `by` is who edits.

    What was approved is asked about again: scheduled and held become waiting, at `light` it goes straight on.
    AlreadySending once delivery has it.
    """
    if message.state not in EDITABLE:
        raise AlreadyDone(
            said("a message that is {state} can no longer be edited", state=STATE_WORDS[message.state])
        )
    _not_released(session, message)
    accounts, recipients = values.pop("accounts", None), values.pop("recipients", None)
    timing = values.pop("timing", None)
    _set_values(message, values)
    if recipients is not None:
        _set_recipients(session, message, recipients)
    _check(session, message, with_recipients=_recipient(session, message) is not None)
    if message.at is not None and {"at", "wall"} & values.keys():
        calendar.check_range(message.at, now)
    if accounts is not None:
        _set_accounts(session, message, accounts)
    retimed = bool({"at", "wall", "zone"} & values.keys()) or timing is not None
    if retimed:
        times.choose(session, message, timing or {})
    _wrote(message, by)
    message.touch(now)
    session.flush()
    if retimed:
        _plan(session, now, message)
    settle(session, now, message)


def put_together(
    session: Session, now: datetime, message: Message, languages: Sequence[str] | None, *, by: str
) -> None:
    """As `content.put_together`; whoever does it wrote some of every message with these words."""
    item = session.get_one(ContentItem, message.content_id)
    for one in session.scalars(select(Message).where(Message.content_id == item.id).with_for_update()):
        _wrote(one, by)
    content.put_together(session, now, item, languages)


def submit(session: Session, now: datetime, message: Message) -> None:
    """Ask for it to go. At `light`, and for an answer, this is the author's own approval.

    MissingData lists values that its words need and its content does not give; BadTime where its time has passed.
    """
    if message.state not in ("draft", "waiting"):
        raise AlreadyDone(
            said("a message that is {state} has been submitted", state=STATE_WORDS[message.state])
        )
    lacking = content.missing_data(session, session.get_one(ContentItem, message.content_id))
    if lacking:
        raise MissingData(lacking)
    if message.at is not None and message.state == "draft":
        calendar.check_range(message.at, now)
    _state_ceiling(session, now, message)
    if message.state == "draft":
        move(session, message, "waiting", now)
    _plan(session, now, message)
    approval.submit(session, now, message)
    settle(session, now, message)


def decide(
    session: Session,
    now: datetime,
    message: Message,
    *,
    digest: str,
    decision: str,
    by: str,
    reason: str = "",
) -> Approval:
    """Approve or refuse what was read, and let the message take its place."""
    made = approval.decide(session, now, message, digest=digest, decision=decision, by=by, reason=reason)
    settle(session, now, message)
    return made


def urgent_go(
    session: Session, now: datetime, message: Message, *, digest: str, reason: str, by: str
) -> UrgentGo:
    """Let what was read go before everybody has signed; the obstacles it passes over stay on record with it.

    Stale when it has changed since.
    """
    if message.state not in ("waiting", "held"):
        raise Conflict(
            said("a message that is {state} is not waiting for anybody", state=STATE_WORDS[message.state])
        )
    if digest != approval.digest(session, message):
        raise Stale("this has changed since you read it: read it again and decide on what you read")
    signing = (*SIGNATURES, "agreement_missing", "strategy_missing")
    passed = [one for one in blockers(session, message, now) if one["kind"] in signing]
    made = agreements.urgent_go(session, now, message.id, digest, reason, by, passed)
    settle(session, now, message)
    return made


def settle(session: Session, now: datetime, message: Message) -> None:
    """Put a submitted message where its approval and its obstacles say; may be asked again at any time.

    Approval missing: waiting. Other obstacles: held. Clear: scheduled, or sending where it had begun. `held_by`
    lists all obstacles. One that had begun is held and never goes back to waiting.
    """
    if message.state not in SETTLING:
        return
    obstacles = blockers(session, message, now, approval.renewed(session, now, message))
    place = _place(message, obstacles)
    if message.state == "waiting" and place != "waiting" and message.at is None:
        _plan(session, now, message)  # "at once" means once it may go
    if place != message.state:
        with suppress(Stale):  # somebody else moved it at the same moment; the next call sees where it is
            _move(session, message, place, now, held_by=obstacles)
    elif obstacles != message.held_by:
        message.held_by = obstacles
        message.touch(now)
        session.flush()


def move(session: Session, message: Message, to: str, now: datetime) -> None:
    """One step along MOVES, guarded by the state that was read; nothing where it is there already.

    AlreadyDone for a step that does not exist, Stale where somebody moved it meanwhile.
    """
    if message.state != to:
        _move(session, message, to, now)


def reopen(session: Session, message: Message, now: datetime) -> None:
    """Take a finished message back to sending, because a person has rows sent again."""
    _move(session, message, "sending", now, moves={"finished": ("sending",)})


def rest(session: Session, message: Message, now: datetime) -> None:
    """Between two of its times a message that recurs waits like one that has not begun, and may be edited."""
    message.started_at = None
    if message.state == "sending":
        _move(session, message, "scheduled", now, moves={"sending": ("scheduled",)})


def using(
    session: Session,
    *,
    content_id: int | None = None,
    segment_id: int | None = None,
    strategy_version_id: int | None = None,
    template_version_id: int | None = None,
) -> list[Message]:
    """Submitted messages, not yet over, that use all of what is named, locked: settle them when it has changed."""
    found = select(Message).where(Message.state.not_in(("draft", "finished", "cancelled")))
    for column, value in (
        (Message.content_id, content_id),
        (Message.segment_id, segment_id),
        (Message.strategy_version_id, strategy_version_id),
    ):
        if value is not None:
            found = found.where(column == value)
    if template_version_id is not None:
        filled = select(Variant.content_id).where(Variant.template_version_id == template_version_id)
        found = found.where(Message.content_id.in_(filled))
    # Locked and read anew: a worker that begins one at this moment is waited for, or waits.
    locked = found.order_by(Message.id).with_for_update().execution_options(populate_existing=True)
    return list(session.scalars(locked))


def content_changed(session: Session, now: datetime, item: ContentItem) -> None:
    """Ask again about every message with these words; AlreadySending where some of it has gone out.

    One that is held for want of words may get them, whatever has gone of it.
    """
    for message in using(session, content_id=item.id):
        wanting = message.state == "held" and any(one["kind"] == "variant_missing" for one in message.held_by)
        if message.started_at is not None and not wanting:
            raise AlreadySending(
                "a message with these words is going out: cancel it first, or write a new content item",
                message=message.id,
            )
        settle(session, now, message)


def rule_changed(session: Session, now: datetime, segment: Segment) -> None:
    """Ask again about every message to this segment: whom it names is part of what was approved."""
    for message in using(session, segment_id=segment.id):
        settle(session, now, message)


def template_approved(session: Session, now: datetime, version: TemplateVersion) -> None:
    """Ask again about every message with these words: their approval may be all that it waited for."""
    for message in using(session, template_version_id=version.id):
        settle(session, now, message)


# --- checks -------------------------------------------------------------------------------------------------------


def _wrote(message: Message, by: str) -> None:
    if by and by != message.author and by not in message.editors:
        message.editors = [*message.editors, by]


def _set_values(message: Message, values: dict[str, Any]) -> None:
    allowed = (
        "name", "purpose", "lane", "segment_id", "at", "wall", "zone", "useful_until_s", "ceiling",
        "strategy_version_id", "content_id", "topic_id",
    )  # fmt: skip
    for field, value in values.items():
        if field not in allowed:
            raise BadField(said("{field} of a message cannot be changed", field=field), pointer=f"/{field}")
        setattr(message, field, value)
    if "at" in values and not {"wall", "zone"} & values.keys():
        message.wall = message.zone = None
    if "wall" in values and "at" not in values:
        message.at = None


def _check(session: Session, message: Message, *, with_recipients: bool) -> None:
    """Everything that must be true of a message whatever its state; fills in the time."""
    for field, value, choices in (
        ("purpose", message.purpose, PURPOSES),
        ("lane", message.lane, LANES),
        ("kind", message.kind, MESSAGE_KINDS),
    ):
        if value not in choices:
            raise BadField(
                said("{field} is one of {choices}", field=field, choices=choices), pointer=f"/{field}"
            )
    for field, number in (("useful_until_s", message.useful_until_s), ("ceiling", message.ceiling)):
        if number is not None and not 1 <= number < 1 << 31:
            raise BadField(said("{field} is a whole number from 1 on", field=field), pointer=f"/{field}")
    message.name = clean(message.name, "/name", length_max=NAME_MAX, empty=True)
    if message.segment_id is not None and with_recipients:
        raise BadField("choose a segment or name recipients, not both", pointer="/segment_id")
    _check_belongs(session, message)
    _check_time(message)


def _check_belongs(session: Session, message: Message) -> None:
    lineage = programmes.lineage(session, message.programme_id)
    item = session.get(ContentItem, message.content_id)
    if item is None or item.programme_id not in lineage:
        raise BadField("there is no such content item in this programme", pointer="/content_id")
    version = session.get(StrategyVersion, message.strategy_version_id)
    strategy = None if version is None else session.get_one(Strategy, version.strategy_id)
    if strategy is None or not (strategy.builtin or strategy.programme_id in lineage):
        raise BadField("there is no such strategy version in this programme", pointer="/strategy_version_id")
    if message.topic_id is not None:
        topic = session.get(Topic, message.topic_id)
        if topic is None or topic.state != "active" or topic.programme_id not in (None, *lineage):
            raise BadField("there is no such topic in this programme", pointer="/topic_id")
    if message.segment_id is not None:
        segment = session.get(Segment, message.segment_id)
        if segment is None or segment.programme_id not in lineage or segment.state != "active":
            raise BadField("there is no such segment in this programme", pointer="/segment_id")


def _check_time(message: Message) -> None:
    if message.zone is not None:
        message.zone = zones.canonical(message.zone)
    if message.at is None and message.wall is not None:
        if message.zone is None:
            raise BadTime("a local time needs its zone", pointer="/zone")
        message.at = calendar.resolve(message.wall, message.zone)
    if message.at is None:
        return
    if message.at.tzinfo is None:
        raise BadTime("this time has no zone", pointer="/send_at")
    if message.wall is None:
        message.wall = calendar.wall_of(message.at, message.zone or "UTC")
        message.zone = message.zone or "UTC"


def _set_accounts(session: Session, message: Message, accounts: Sequence[tuple[int, str]]) -> None:
    session.execute(delete(MessageAccount).where(MessageAccount.message_id == message.id))
    rows = {account: channel for account, channel in accounts}
    for ask in _asked:
        ask(session, rows)
    if rows:
        session.execute(
            insert(MessageAccount),
            [
                {"message_id": message.id, "account_id": one, "channel": channel}
                for one, channel in rows.items()
            ],
        )


def _set_recipients(session: Session, message: Message, recipients: Sequence[tuple[int, int]]) -> None:
    session.execute(delete(MessageRecipient).where(MessageRecipient.message_id == message.id))
    pairs = sorted(set(recipients))
    people = sorted({person for person, _ in pairs})
    known: set[int] = set()
    for start in range(0, len(people), CHUNK):
        known.update(
            session.scalars(select(Stakeholder.id).where(Stakeholder.id.in_(people[start : start + CHUNK])))
        )
    for place, (person, _) in enumerate(recipients):
        if person not in known:
            raise BadField("there is no such stakeholder", pointer=f"/recipients/{place}")
    if pairs:
        session.execute(
            insert(MessageRecipient),
            [
                {"message_id": message.id, "stakeholder_id": one, "address_id": address}
                for one, address in pairs
            ],
        )


def _recipient(session: Session, message: Message) -> int | None:
    found = select(MessageRecipient.stakeholder_id).where(MessageRecipient.message_id == message.id)
    return session.scalar(found.limit(1))


def _not_released(session: Session, message: Message) -> None:
    with_delivery = select(Occurrence.id).where(
        Occurrence.message_id == message.id,
        Occurrence.kind == "real",
        Occurrence.state == "released",
    )
    if message.started_at is not None or session.scalar(with_delivery.limit(1)) is not None:
        raise AlreadySending(
            "delivery has this message: take it back first, or cancel it and write a new one"
        )


# --- its places ---------------------------------------------------------------------------------------------------


def _place(message: Message, obstacles: Sequence[dict[str, Any]]) -> str:
    if not obstacles:
        return "sending" if message.started_at is not None else "scheduled"
    if message.started_at is None and any(one["kind"] in SIGNATURES for one in obstacles):
        return "waiting"
    return "held"


def _move(
    session: Session,
    message: Message,
    to: str,
    now: datetime,
    *,
    held_by: Sequence[dict[str, Any]] = (),
    moves: dict[str, tuple[str, ...]] = MOVES,
) -> None:
    before = message.state
    if to not in moves.get(before, ()):
        raise AlreadyDone(
            said(
                "a message that is {before} cannot become {to}",
                before=STATE_WORDS[before],
                to=STATE_WORDS[to],
            ),
            state=before,
        )
    session.flush()
    values: dict[str, Any] = {"state": to, "held_by": list(held_by), "updated_at": now}
    values["version"] = Message.version + 1
    if to == "sending" and message.started_at is None:
        values["started_at"] = now
    # Guarded by the state: a clock, a worker and a person may want to move it at the same moment.
    moved = session.execute(
        update(Message)
        .where(Message.id == message.id, Message.state == before)
        .values(values)
        .execution_options(synchronize_session=False)
    )
    session.refresh(message)
    if moved.rowcount != 1 and message.state != to:  # type: ignore[attr-defined]
        raise Stale(
            said("somebody made this message {state} at the same moment", state=STATE_WORDS[message.state]),
            state=message.state,
        )


def _plan(session: Session, now: datetime, message: Message) -> None:
    """Write its one occurrence, or move it while it is only planned; one that recurs gets its coming ones."""
    if times.recurs(session, message):
        times.plan(session, now, message)
        return
    if times.follows(session, message):
        return  # it gets its time when the other is finished
    zone = message.zone or "UTC"
    due_at = message.at or now
    wall = message.wall or calendar.wall_of(due_at, zone)
    standing = select(Occurrence).where(
        Occurrence.message_id == message.id,
        Occurrence.kind == "real",
        Occurrence.state.in_(("planned", "released")),
    )
    planned = session.scalar(standing)
    if planned is None:
        planned = Occurrence(message_id=message.id, kind="real")
        session.add(planned)
    if planned.state in (None, "planned"):
        planned.wall, planned.zone, planned.due_at = wall, zone, due_at
    session.flush()


def _state_ceiling(session: Session, now: datetime, message: Message) -> None:
    """From `reviewed` up an approval of a segment needs a ceiling; one that nobody stated leaves some headroom."""
    if (
        message.ceiling is None
        and message.segment_id is not None
        and approval.assurance(session, message) != "light"
    ):
        size = audience_size(session, message, now)
        message.ceiling = size + max(HEADROOM_MIN, math.ceil(size * HEADROOM_SHARE))
