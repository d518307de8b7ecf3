"""The desk: what people wrote to us and what colleagues do about it, until nothing more is needed.

Rules: only what a person wrote is on the desk and under a clock; a robot's mail, a bounce or a like stands apart. An
item is open until somebody closes it. Who writes again is open again, with the colleague who had them. What is said
among colleagues never leaves the house.
Source: L10, CS7.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, or_, select, update
from sqlalchemy.orm import Session

from ..delivery.tables import Account
from ..errors import AlreadyDone, BadField, BadTime, Conflict, said
from ..stakeholders import kin
from ..stakeholders.tables import Stakeholder
from ..stakeholders.text import TEXT_MAX, clean, fold
from .promise import Clock, Desk
from .tables import (
    CLOSED_WHY,
    RESPONSE_KINDS,
    SENTIMENTS,
    WRITTEN,
    ReplyDraft,
    Response,
    ResponseCall,
    ResponseLabel,
    ResponseNote,
)

# Whoever wrote in a draft so lately is writing still.
AT_IT = timedelta(minutes=3)
LABEL_MAX = 60
LABELS_MAX = 20
DRAFT_MAX = 100_000
# Who writes again within this goes on with the colleague who had them.
GOES_ON = timedelta(days=30)
# The clocks of so many open items are looked at, those first that wait longest.
LOOKED_AT_MAX = 1000
APART = tuple(kind for kind in RESPONSE_KINDS if kind not in WRITTEN)
FOLDERS = ("open", "mine", "nobody", "called", "who", "kept", "snoozed", "done", "apart")


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits: how many (at most LOOKED_AT_MAX are counted), and the first of them with their clocks."""

    count: int
    rows: Sequence[Response]
    clocks: dict[int, Clock]


def waiting(
    session: Session, now: datetime, *where: ColumnElement[bool], who: str | None = None, limit: int = 10
) -> Waiting:
    """What waits for an answer now, longest first; `where` narrows to what the reader sees, `who` to theirs."""
    found = select(Response).where(*folder("mine" if who else "open", now, who or ""), *where)
    found = found.where(Response.answered_at.is_(None))
    rows = list(session.scalars(found.order_by(Response.urgent_at.is_(None), Response.id).limit(limit)))
    return Waiting(count(session, found), rows, Desk(session).clocks(now, rows))


def overdue(
    session: Session, now: datetime, *where: ColumnElement[bool], near: bool = False
) -> list[tuple[Response, Clock]]:
    """What is open and past its promise, the most urgent first; `near`: also what is close to it."""
    states = ("overdue", "near") if near else ("overdue",)
    found = select(Response).where(*folder("open", now, ""), *where).order_by(Response.id)
    rows = list(session.scalars(found.limit(LOOKED_AT_MAX)))
    clocks = Desk(session).clocks(now, rows)
    late = [(row, clocks[row.id]) for row in rows if clocks[row.id].state in states]
    return sorted(late, key=lambda one: (one[0].urgent_at is None, one[1].due or now))


def count(session: Session, statement: Select[Any]) -> int:
    """How many rows a list has; it stops at LOOKED_AT_MAX."""
    ids = statement.with_only_columns(Response.id).order_by(None).limit(LOOKED_AT_MAX)
    return session.scalar(select(func.count()).select_from(ids.subquery())) or 0


def folder(name: str, now: datetime, who: str) -> list[ColumnElement[bool]]:
    """What stands in one of FOLDERS for a colleague."""
    written, is_open = Response.kind.in_(WRITTEN), Response.closed_at.is_(None)
    awake = or_(Response.snoozed_until_at.is_(None), Response.snoozed_until_at <= now)
    if name == "apart":
        return [Response.kind.not_in(WRITTEN)]
    if name == "who":
        return [Response.matched_by.is_(None), is_open, Response.kind.not_in(("like", "boost", "bounce"))]
    if name == "done":
        # Nearly all are: said so that the newest are read first, not all of two kinds and then sorted.
        return [Response.kind.not_in(APART), Response.closed_at.is_not(None)]
    if name == "snoozed":
        return [written, is_open, Response.snoozed_until_at > now]
    mine: dict[str, list[ColumnElement[bool]]] = {
        "open": [],
        "mine": [Response.assignee == who],
        "nobody": [Response.assignee.is_(None)],
        "called": [Response.id.in_(select(ResponseCall.response_id).where(ResponseCall.who == who))],
        "kept": [Response.answered_at.is_not(None)],
    }
    return [written, is_open, awake, *mine[name]]


def in_language(statement: Select[Any], code: str) -> Select[Any]:
    """Only what is to be answered in this language: its own, else the writer's, else the account's."""
    spoken = func.coalesce(
        func.nullif(Response.meta["language"].as_string(), ""),
        Stakeholder.languages[0].as_string(),
        Account.language,
    )
    return (
        statement.join(Account, Account.id == Response.account_id)
        .outerjoin(Stakeholder, Stakeholder.id == Response.stakeholder_id)
        .where(or_(spoken == code, spoken.like(f"{code}-%")))
    )


def arrived(session: Session, response: Response) -> None:
    """Somebody wrote: what slept from them wakes, and the colleague who had them goes on."""
    if response.kind not in WRITTEN or not response.from_key:
        return
    before = session.scalars(
        select(Response)
        .where(*_same(response), Response.id != response.id)
        .order_by(Response.id.desc())
        .limit(1)
    ).first()
    if before is None:
        return
    session.execute(
        update(Response)
        .where(*_same(response), Response.closed_at.is_(None), Response.snoozed_until_at.is_not(None))
        .values(snoozed_until_at=None)
    )
    if before.assignee and (before.closed_at is None or before.closed_at > response.at - GOES_ON):
        response.assignee = before.assignee
    session.flush()


def thread(session: Session, response: Response, limit: int = 30) -> list[Response]:
    """What the same person wrote, this included, oldest first."""
    same = _same(response) if response.from_key else [Response.id == response.id]
    if response.stakeholder_id is not None:
        same = [
            Response.kind.in_(WRITTEN),
            or_(
                Response.stakeholder_id.in_(kin.records(session, response.stakeholder_id)),
                Response.id == response.id,
            ),
        ]
    found = session.scalars(select(Response).where(*same).order_by(Response.id.desc()).limit(limit)).all()
    rows = {one.id: one for one in (*found, response)}
    return [rows[number] for number in sorted(rows)]


def wrote_again(session: Session, responses: Sequence[Response]) -> set[int]:
    """Which of these come from somebody who had written before, by the same account."""
    keys = {one.from_key for one in responses if one.from_key}
    if not keys:
        return set()
    first = (
        select(Response.account_id, Response.from_key, func.min(Response.id))
        .where(
            Response.channel.in_({one.channel for one in responses}), Response.from_key.in_(keys),
            Response.kind.in_(WRITTEN),
        )
        .group_by(Response.account_id, Response.from_key)
    )  # fmt: skip
    oldest = {(account, key): number for account, key, number in session.execute(first)}
    return {
        one.id
        for one in responses
        if oldest.get((one.account_id, one.from_key), one.id) < one.id and one.kind in WRITTEN
    }


def take(session: Session, response: Response, who: str) -> None:
    """A colleague takes an item; Conflict where another has it: they hand it over."""
    _on_desk(response)
    if response.assignee not in (None, who):
        raise Conflict("a colleague has taken this in the meantime")
    response.assignee = who
    session.flush()


def assign(session: Session, response: Response, who: str | None) -> None:
    """Give an item to a colleague, or back to everybody (None)."""
    _on_desk(response)
    response.assignee = who
    session.flush()


def close(session: Session, now: datetime, response: Response, *, why: str, by: str) -> int:
    """Nothing more is needed, here and for what the same person wrote before; how many items that closed."""
    if why not in CLOSED_WHY:
        raise BadField(said("the reason is one of {reasons}", reasons=CLOSED_WHY), pointer="/why")
    if response.closed_at is not None:
        raise AlreadyDone("this is closed already")
    if response.from_key and response.kind in WRITTEN:
        earlier = _earlier_open(response)
        together = session.execute(
            update(Response)
            .where(*earlier)
            .values(closed_at=now, closed_by=by, closed_why="together", snoozed_until_at=None)
            .execution_options(synchronize_session="fetch")
        )
        closed = int(together.rowcount)  # type: ignore[attr-defined]
    else:
        closed = 0
    response.closed_at, response.closed_by, response.closed_why = now, by, why
    response.snoozed_until_at = None
    session.flush()
    return 1 + closed


def answered(session: Session, now: datetime, response: Response, *, by: str, keep_open: bool) -> None:
    """An answer went: it answers what the same person wrote before as well. It is done unless it is kept open."""
    if response.from_key:
        session.execute(
            update(Response)
            .where(*_earlier_open(response), Response.answered_at.is_(None))
            .values(answered_at=now)
            .execution_options(synchronize_session="fetch")
        )
    if response.assignee is None:
        response.assignee = by
    session.execute(delete(ReplyDraft).where(ReplyDraft.response_id == response.id, ReplyDraft.by == by))
    if not keep_open and response.closed_at is None:
        close(session, now, response, why="answered", by=by)
    session.flush()


def reopen(session: Session, response: Response) -> None:
    """It needs something after all."""
    if response.closed_at is None:
        raise AlreadyDone("this is open already")
    response.closed_at = response.closed_by = response.closed_why = None
    session.flush()


def snooze(session: Session, now: datetime, response: Response, until: datetime) -> None:
    """Out of sight until then; it wakes at once when they write again."""
    _on_desk(response)
    if until <= now:
        raise BadTime("this moment is over: choose one to come", pointer="/until")
    if response.closed_at is not None:
        raise AlreadyDone("this is closed already")
    response.snoozed_until_at = until
    session.flush()


def wake(session: Session, response: Response) -> None:
    """Back in sight."""
    response.snoozed_until_at = None
    session.flush()


def mark_urgent(session: Session, now: datetime, response: Response, *, by: str, tell: Iterable[str]) -> None:
    """Somebody may come to harm: on top of every list, and whoever is named is called to it. Wakes and reopens."""
    if response.urgent_at is not None:
        raise AlreadyDone("this is marked as urgent already")
    response.urgent_at, response.urgent_by = now, by
    response.snoozed_until_at = None
    if response.closed_at is not None:
        reopen(session, response)
    _called(session, now, response, kind="urgent", text="", by=by, calls=tell)


def unmark_urgent(session: Session, response: Response) -> None:
    """The danger is over."""
    response.urgent_at = response.urgent_by = None
    session.flush()


def feel(session: Session, response: Response, sentiment: str, by: str) -> None:
    """How they feel, as a person reads it; "" takes it back."""
    if sentiment and sentiment not in SENTIMENTS:
        raise BadField(said("sentiment is one of {sentiments}", sentiments=SENTIMENTS), pointer="/sentiment")
    response.sentiment, response.sentiment_by = (sentiment, by) if sentiment else (None, None)
    session.flush()


def label(session: Session, now: datetime, response: Response, name: str, by: str) -> str:
    """Say what it is about; the label as it is written elsewhere already, where it is."""
    name = " ".join(clean(name, "/label", length_max=LABEL_MAX).split())
    known = session.scalars(
        select(ResponseLabel.name).where(ResponseLabel.name_fold == fold(name)).limit(1)
    ).first()
    if session.get(ResponseLabel, (response.id, fold(name))) is None:
        held = select(func.count()).where(ResponseLabel.response_id == response.id)
        if (session.scalar(held) or 0) >= LABELS_MAX:
            raise BadField("this has as many labels as it can have", pointer="/label")
        session.add(
            ResponseLabel(response_id=response.id, name_fold=fold(name), name=known or name, by=by, at=now)
        )
        session.flush()
    return known or name


def unlabel(session: Session, response: Response, name: str) -> None:
    """Take a label off."""
    session.execute(
        delete(ResponseLabel).where(
            ResponseLabel.response_id == response.id, ResponseLabel.name_fold == fold(name)
        )
    )


def labels(session: Session, ids: Collection[int]) -> dict[int, list[str]]:
    """The labels of each item."""
    found: dict[int, list[str]] = {number: [] for number in ids}
    query = select(ResponseLabel).where(ResponseLabel.response_id.in_(ids)).order_by(ResponseLabel.name_fold)
    for row in session.scalars(query) if ids else ():
        found[row.response_id].append(row.name)
    return found


def labels_in_use(session: Session, *within: ColumnElement[bool], limit: int = 100) -> list[str]:
    """The labels there are on responses `within`, the usual ones first."""
    used = select(func.min(ResponseLabel.name))
    if within:
        used = used.join(Response, Response.id == ResponseLabel.response_id).where(*within)
    used = (
        used.group_by(ResponseLabel.name_fold)
        .order_by(func.count().desc(), ResponseLabel.name_fold)
        .limit(limit)
    )
    return list(session.scalars(used))


def note(
    session: Session, now: datetime, response: Response, text: str, *, by: str, calls: Iterable[str] = (),
    kind: str = "note",
) -> ResponseNote:  # fmt: skip
    """Say something among colleagues, and call some of them to it."""
    text = clean(text, "/note", length_max=TEXT_MAX, lines=True, empty=kind != "note")
    return _called(session, now, response, kind=kind, text=text, by=by, calls=calls)


def notes(session: Session, response: Response) -> list[tuple[ResponseNote, list[str]]]:
    """What colleagues said, oldest first, and whom each note calls."""
    found = session.scalars(
        select(ResponseNote).where(ResponseNote.response_id == response.id).order_by(ResponseNote.id)
    ).all()
    called: dict[int, list[str]] = {one.id: [] for one in found}
    for call in session.scalars(select(ResponseCall).where(ResponseCall.response_id == response.id)):
        called[call.note_id].append(call.who)
    return [(one, called[one.id]) for one in found]


def write(session: Session, now: datetime, response: Response, by: str, text: str) -> ReplyDraft:
    """Keep what somebody is writing; from then on colleagues see that they are at it."""
    text = clean(text, "/text", length_max=DRAFT_MAX, lines=True, empty=True)
    found = session.scalar(
        select(ReplyDraft).where(ReplyDraft.response_id == response.id, ReplyDraft.by == by)
    )
    if found is not None and now - found.at > AT_IT:
        # A new row for somebody who comes back to it: others are told by its number.
        session.delete(found)
        session.flush()
        found = None
    if found is None:
        found = ReplyDraft(response_id=response.id, by=by)
        session.add(found)
    found.text, found.at = text, now
    session.flush()
    return found


def drafts(session: Session, ids: Collection[int]) -> list[ReplyDraft]:
    """What is being written about these items, by whomever."""
    if not ids:
        return []
    return list(session.scalars(select(ReplyDraft).where(ReplyDraft.response_id.in_(ids))))


def at_it(now: datetime, draft: ReplyDraft) -> bool:
    """Whether somebody is writing at this moment."""
    return now - draft.at <= AT_IT


def _same(response: Response) -> list[ColumnElement[bool]]:
    return [
        Response.channel == response.channel,
        Response.from_key == response.from_key,
        Response.account_id == response.account_id,
        Response.kind.in_(WRITTEN),
    ]


def _earlier_open(response: Response) -> list[ColumnElement[bool]]:
    return [
        *_same(response),
        Response.id < response.id,
        Response.closed_at.is_(None),
        Response.urgent_at.is_(None),
        Response.stakeholder_id.is_not_distinct_from(response.stakeholder_id),
    ]


def _on_desk(response: Response) -> None:
    if response.kind not in WRITTEN:
        raise Conflict("no person wrote this: there is nothing to deal with")


def _called(
    session: Session, now: datetime, response: Response, *, kind: str, text: str, by: str, calls: Iterable[str]
) -> ResponseNote:  # fmt: skip
    made = ResponseNote(response_id=response.id, kind=kind, text=text, by=by, at=now)
    session.add(made)
    session.flush()
    session.add_all(
        ResponseCall(note_id=made.id, who=who, response_id=response.id) for who in sorted(set(calls))
    )
    session.flush()
    return made
