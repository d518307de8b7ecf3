"""What may be done at the desk of the inbox: read, take, give, label, note, snooze, close, call for help, decide who.

Rules: reading needs `responses:read` where the item belongs, everything else `responses:write`; an item is given only
to somebody who may answer there; what belongs to no programme yet is for who sees them all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select

from campaigns.base import parse_id, public_id
from campaigns.delivery.tables import Account
from campaigns.errors import AlreadyDone, BadField, BadId, Conflict, DomainError
from campaigns.responses import answers, decisions, desk, effects, promise, saved
from campaigns.responses.tables import (
    WRITTEN,
    Response,
    ResponseLabel,
    ResponseMatch,
    ResponseNote,
    ResponsePromise,
    SavedReply,
)
from campaigns.stakeholders.tables import Stakeholder
from campaigns.stakeholders.text import fold
from campaigns.strategies import programmes
from campaigns.strategies.tables import Programme

from .. import paging
from ..access import involved, scoped
from ..permissions import ROLES
from ..tables import Grant, User
from . import Act, responses, stakeholders
from . import names as names_of

READ, WRITE = responses.READ, responses.WRITE
PEOPLE = responses.PEOPLE
PLAN = "programmes:write"
BULK_MAX = 200
WEEKS = 12
REPORT_MAX = 4000
HELPERS = ("community_manager", "administrator")


@dataclass(frozen=True, slots=True)
class Line:
    """One item as a list shows it. `writing` names colleagues who are at an answer."""

    response: Response
    person: Stakeholder | None
    clock: promise.Clock
    labels: list[str]
    writing: list[str]
    again: bool


@dataclass(frozen=True, slots=True)
class Report:
    """How often the promise was kept; `capped` where only the newest responses were looked at."""

    weeks: list[promise.Week]
    kept: int
    n: int
    capped: bool


def listed(
    act: Act,
    *,
    folder: str,
    language: str = "",
    label: str = "",
    channel: str = "",
    newest: bool = False,
    limit: int = paging.LIMIT_DEFAULT,
    after: str | None = None,
    before: str | None = None,
) -> paging.Page:
    """One folder a page at a time, whoever waits longest first; what is urgent stands on top of the first page."""
    statement = _narrowed(_in(act, folder), language, label, channel)
    pinned: list[Response] = []
    if folder not in ("done", "apart"):
        if after is None and before is None:
            urgent = statement.where(Response.urgent_at.is_not(None)).order_by(Response.urgent_at)
            pinned = list(act.session.scalars(urgent.limit(paging.LIMIT_DEFAULT)))
        statement = statement.where(Response.urgent_at.is_(None))
    page = paging.cut(
        act.session, statement, Response.id, limit=limit, after=after, before=before,
        newest_first=newest or folder in ("done", "apart"),
    )  # fmt: skip
    return paging.Page([*pinned, *page.rows], page.next, page.previous)


def counts(act: Act, folders: Iterable[str]) -> dict[str, int]:
    """How much stands in each folder; counting stops at a thousand."""
    return {name: desk.count(act.session, _in(act, name)) for name in folders}


def lines(act: Act, rows: Sequence[Response]) -> list[Line]:
    """Items with what a list says of them, in a fixed number of statements."""
    ids = [one.id for one in rows]
    known = people(act, {one.stakeholder_id for one in rows if one.stakeholder_id})
    clocks = promise.Desk(act.session).clocks(act.now, rows)
    labels = desk.labels(act.session, ids)
    again = desk.wrote_again(act.session, rows)
    writing: dict[int, list[str]] = {}
    for draft in desk.drafts(act.session, ids):
        if draft.by != act.caller.actor and desk.at_it(act.now, draft):
            writing.setdefault(draft.response_id, []).append(draft.by)
    return [
        Line(
            one, known.get(one.stakeholder_id or 0), clocks[one.id], labels[one.id], writing.get(one.id, []),
            one.id in again,
        )
        for one in rows
    ]  # fmt: skip


def waiting(act: Act, *, mine: bool = False, limit: int = 10) -> desk.Waiting:
    """What waits for an answer where the caller may read; `mine`: what they have taken."""
    who = act.caller.actor if mine else None
    return desk.waiting(act.session, act.now, *_reach(act), who=who, limit=limit)


def overdue(act: Act, *, near: bool = False) -> list[tuple[Response, promise.Clock]]:
    """What is past its promise where the caller may read."""
    return desk.overdue(act.session, act.now, *_reach(act), near=near)


def people(act: Act, ids: Collection[int]) -> dict[int, Stakeholder]:
    """Who these are, as far as they are on a record the caller reads."""
    if not ids:
        return {}
    return {one.id: one for one in act.session.scalars(select(Stakeholder).where(Stakeholder.id.in_(ids)))}


def names(act: Act, actors: Iterable[str | None]) -> dict[str, str]:
    """The names of colleagues by how acts name them."""
    numbers = set()
    for actor in actors:
        if actor and actor.startswith("usr_"):
            numbers.add(parse_id("usr", actor))
    if not numbers:
        return {}
    found = act.session.execute(select(User.id, User.name).where(User.id.in_(numbers)))
    return {public_id("usr", number): name for number, name in found}


def colleagues(act: Act, programme_id: int | None, *, anywhere: bool = False) -> list[User]:
    """Who may answer in a programme; `anywhere`: in any that the caller reads."""
    roles = [role for role, scopes in ROLES.items() if WRITE in scopes]
    held = select(Grant.user_id).where(Grant.role.in_(roles), Grant.user_id.is_not(None))
    reach = act.caller.programmes(READ)
    if not anywhere:
        above = programmes.lineage(act.session, programme_id) if programme_id is not None else []
        held = held.where(or_(Grant.programme_id.is_(None), Grant.programme_id.in_(above)))
    elif reach is not None:
        held = held.where(or_(Grant.programme_id.is_(None), Grant.programme_id.in_(reach)))
    query = select(User).where(User.state == "active", User.id.in_(held)).order_by(User.name)
    return list(act.session.scalars(query))


def labels(act: Act) -> list[str]:
    """The labels on what the caller may read, the usual ones first."""
    return desk.labels_in_use(act.session, *_reach(act))


def take(act: Act, response_id: int) -> Response:
    """Take an item; Conflict where a colleague was faster."""
    found = _mine(act, response_id)
    desk.take(act.session, found, act.caller.actor)
    return _noted(act, found, "response.assigned", assignee=found.assignee)


def assign(act: Act, response_id: int, *, user_id: int | None) -> Response:
    """Give an item to a colleague who may answer there, or back to everybody (None)."""
    found = _mine(act, response_id)
    if user_id is not None and user_id not in {one.id for one in colleagues(act, found.programme_id)}:
        raise BadField("this colleague may not answer here", pointer="/assignee")
    desk.assign(act.session, found, public_id("usr", user_id) if user_id is not None else None)
    return _noted(act, found, "response.assigned", assignee=found.assignee)


def close(act: Act, response_id: int, *, why: str = "done") -> Response:
    """Nothing more is needed; `why` is of CLOSED_WHY."""
    found = _mine(act, response_id)
    closed = desk.close(act.session, act.now, found, why=why, by=act.caller.actor)
    return _noted(act, found, "response.closed", why=why, closed=closed)


def reopen(act: Act, response_id: int) -> Response:
    """It needs something after all."""
    found = _mine(act, response_id)
    desk.reopen(act.session, found)
    return _noted(act, found, "response.reopened")


def snooze(act: Act, response_id: int, *, until: datetime) -> Response:
    """Out of sight until then, or until they write again."""
    found = _mine(act, response_id)
    desk.snooze(act.session, act.now, found, until)
    return _noted(act, found, "response.snoozed", until_at=until.isoformat())


def wake(act: Act, response_id: int) -> Response:
    """Back in sight."""
    found = _mine(act, response_id)
    desk.wake(act.session, found)
    return _noted(act, found, "response.woken")


def urgent(act: Act, response_id: int) -> list[str]:
    """Mark that somebody may come to harm; who is called to it, by how acts name them. Never nobody."""
    found = _mine(act, response_id)
    told = helpers(act, found.programme_id)
    desk.mark_urgent(act.session, act.now, found, by=act.caller.actor, tell=told)
    _noted(act, found, "response.urgent", told=told)
    return told


def stop_as_asked(act: Act, response_id: int) -> Response:
    """Whoever wrote asks for no more of it, and gets no more; AlreadyDone where it has stopped."""
    found = _mine(act, response_id)
    if not effects.stop_as_asked(act.session, act.now, found, act.caller.actor):
        raise AlreadyDone("this has been stopped already")
    return _noted(act, found, "response.stopped_as_asked")


def not_urgent(act: Act, response_id: int) -> Response:
    """The danger is over."""
    found = _mine(act, response_id)
    desk.unmark_urgent(act.session, found)
    return _noted(act, found, "response.not_urgent")


def helpers(act: Act, programme_id: int | None) -> list[str]:
    """Who is told of urgent harm: those named for the programme, else its managers, else whoever administers."""
    able = {public_id("usr", one.id) for one in colleagues(act, programme_id)}
    named = [one for one in promise.Desk(act.session).urgent_to(programme_id) if one in able]
    if named:
        return named
    above = programmes.lineage(act.session, programme_id) if programme_id is not None else []
    held = (
        select(Grant.user_id)
        .join(User, User.id == Grant.user_id)
        .where(
            Grant.role.in_(HELPERS), User.state == "active",
            or_(Grant.programme_id.is_(None), Grant.programme_id.in_(above)),
        )
    )  # fmt: skip
    return sorted({public_id("usr", number) for number in act.session.scalars(held) if number is not None})


def feel(act: Act, response_id: int, *, sentiment: str) -> Response:
    """How they feel, as a person reads it; "" takes it back."""
    found = _mine(act, response_id)
    desk.feel(act.session, found, sentiment, act.caller.actor)
    return _noted(act, found, "response.sentiment", sentiment=sentiment or None)


def label(act: Act, response_id: int, *, name: str) -> Response:
    """Say what it is about."""
    found = _mine(act, response_id)
    given = desk.label(act.session, act.now, found, name, act.caller.actor)
    return _noted(act, found, "response.labelled", label=given)


def unlabel(act: Act, response_id: int, *, name: str) -> Response:
    """Take a label off."""
    found = _mine(act, response_id)
    desk.unlabel(act.session, found, name)
    return _noted(act, found, "response.unlabelled", label=name)


def note(act: Act, response_id: int, *, text: str, call: int | None = None) -> ResponseNote:
    """Say something among colleagues; whoever is named by @ or chosen is called to it."""
    found = _mine(act, response_id)
    calls = _named(act, found, text, call)
    made = desk.note(act.session, act.now, found, text, by=act.caller.actor, calls=calls)
    _noted(act, found, "response.noted", called=sorted(calls))
    return made


def keep_draft(act: Act, response_id: int, *, text: str) -> None:
    """Keep what the caller is writing; colleagues see that they are at it."""
    found = responses.get(act, response_id, WRITE)
    desk.write(act.session, act.now, found, act.caller.actor, text)


def ask_check(act: Act, response_id: int, *, text: str, user_id: int) -> None:
    """Ask a colleague to look at an answer before it goes; they see the draft and may send it."""
    found = _mine(act, response_id)
    if user_id not in {one.id for one in colleagues(act, found.programme_id)}:
        raise BadField("this colleague may not answer here", pointer="/checker")
    if not text.strip():
        raise BadField("write the answer first", pointer="/text")
    desk.write(act.session, act.now, found, act.caller.actor, text)
    calls = [public_id("usr", user_id)]
    desk.note(act.session, act.now, found, text, by=act.caller.actor, calls=calls, kind="check")
    _noted(act, found, "response.check_asked", called=calls)


def insert(act: Act, response_id: int, *, reply_id: int, text: str) -> None:
    """Put a saved reply at the end of the caller's draft."""
    found = responses.get(act, response_id, WRITE)
    reply = _reply(act, reply_id, READ)
    person = act.session.get(Stakeholder, found.stakeholder_id) if found.stakeholder_id else None
    words = saved.filled(reply, person.name if person else found.from_name)
    whole = f"{text.rstrip()}\n\n{words}" if text.strip() else words
    desk.write(act.session, act.now, found, act.caller.actor, whole)


def match(act: Act, response_id: int, *, stakeholder_id: int) -> Response:
    """Say who it is from; everything else from the same sender follows."""
    return responses.match_by_hand(act, response_id, stakeholder=stakeholder_id)


def match_new(act: Act, response_id: int, *, name: str) -> Response:
    """It is from somebody we did not know: put them on the record, with the address they wrote from."""
    found = _mine(act, response_id)
    given = [{"channel": "email", "value": found.from_key}] if found.channel == "email" else []
    with stakeholders.within("/name", whole=True):
        made = stakeholders.create(
            act, programme_id=found.programme_id, kind="person", name=name, addresses=given, source="inbox"
        )
    return responses.match_by_hand(act, response_id, stakeholder=made.id)


def undo_match(act: Act, response_id: int) -> ResponseMatch:
    """Take the last decision who this is back, with everything it moved."""
    found = _mine(act, response_id)
    made = decisions.undo(act.session, act.now, found, act.caller.actor)
    _noted(act, found, "response.match_undone", stakeholder_id=made.stakeholder_id)
    return made


def found_people(act: Act, text: str, limit: int = 10) -> list[Stakeholder]:
    """Active people and organisations whose name begins like this, as far as the caller reaches."""
    start = fold(text.strip())
    if not start:
        return []
    statement = select(Stakeholder).where(
        Stakeholder.state == "active", Stakeholder.name_fold >= start,
        Stakeholder.name_fold < start + "\U0010ffff",
    )  # fmt: skip
    statement = involved(statement, Stakeholder.id, act.caller, PEOPLE)
    return list(act.session.scalars(statement.order_by(Stakeholder.name_fold).limit(limit)))


def bulk(act: Act, ids: Sequence[int], what: str, **values: Any) -> tuple[int, list[DomainError]]:
    """One act on many items (of BULK); how many it was done to, and why not to the others."""
    if not ids:
        raise BadField("choose at least one item", pointer="/rsp")
    if len(ids) > BULK_MAX or what not in BULK:
        raise BadField("this cannot be done to so many at once", pointer="/rsp")
    refused: list[DomainError] = []
    for number in dict.fromkeys(ids):
        try:
            with act.session.begin_nested():
                BULK[what](act, number, **values)
        except Conflict as error:
            refused.append(error)
    return len(set(ids)) - len(refused), refused


BULK: dict[str, Any] = {
    "take": take, "assign": assign, "close": close, "snooze": snooze, "label": label, "urgent": urgent,
    "reopen": reopen,
}  # fmt: skip


def reply_language(act: Act, response: Response) -> str:
    """The language an answer goes in."""
    return answers.language(act.session, response, act.session.get_one(Account, response.account_id))


def saved_replies(act: Act, language: str = "") -> list[SavedReply]:
    """The saved replies of the caller's programmes, those in the wanted language first."""
    return saved.offered(act.session, act.caller.programmes(READ), language)


def save_reply(act: Act, *, programme_id: int | None, name: str, language: str, text: str) -> SavedReply:
    """Keep words for later, for one programme, or for all by whoever may answer everywhere."""
    act.need(WRITE, programme_id)
    if programme_id is not None:
        act.one(Programme, programme_id)
    made = saved.add(
        act.session, act.now, programme_id=programme_id, name=name, language=language, text=text,
        author=act.caller.actor,
    )  # fmt: skip
    act.note("saved_reply.created", "saved_reply", made.id, programme_id=programme_id)
    return made


def change_reply(act: Act, reply_id: int, **words: str) -> SavedReply:
    """Other words under the same name."""
    found = _reply(act, reply_id, WRITE)
    saved.change(act.session, act.now, found, **words)
    act.note("saved_reply.changed", "saved_reply", found.id, programme_id=found.programme_id)
    return found


def remove_reply(act: Act, reply_id: int) -> None:
    """Offer it no longer."""
    found = _reply(act, reply_id, WRITE)
    saved.remove(act.session, act.now, found)
    act.note("saved_reply.removed", "saved_reply", found.id, programme_id=found.programme_id)


def set_promise(act: Act, *, programme_id: int | None, **values: Any) -> ResponsePromise:
    """What a programme promises, in which hours, and who is told of urgent harm; None: everywhere."""
    act.need(PLAN, programme_id)
    if programme_id is not None:
        act.one(Programme, programme_id)
    able = {public_id("usr", one.id) for one in colleagues(act, programme_id)}
    if not set(values["urgent_to"]) <= able:
        raise BadField("this colleague may not answer here", pointer="/urgent_to")
    row = promise.put(act.session, act.now, programme_id or promise.EVERYWHERE, by=act.caller.actor, **values)
    kind, ref = ("programme", programme_id) if programme_id is not None else ("user", act.caller.user_id or 0)
    act.note("promise.set", kind, ref, programme_id=programme_id, after={"rules": row.rules})
    return row


def report(act: Act, programme_id: int | None = None) -> Report:
    """How often the first answer came within the promise, week by week."""
    hours = promise.Desk(act.session).hours(programme_id)
    since = promise.week_begins(act.now, hours.zone, WEEKS - 1)
    # Columns, not rows of the mapper: thousands are read, and a third of the time is enough for that.
    wanted: Any = select(
        Response.id, Response.kind, Response.channel, Response.at, Response.answered_at, Response.closed_at,
        Response.message_id, Response.programme_id,
    ).where(Response.kind.in_(WRITTEN), Response.at >= since)  # fmt: skip
    if programme_id is not None:
        act.need(READ, programme_id)
        wanted = wanted.where(Response.programme_id == programme_id)
    wanted = scoped(wanted, Response.programme_id, act.caller, READ)
    rows = act.session.execute(wanted.order_by(Response.at.desc()).limit(REPORT_MAX)).all()
    weeks = promise.attainment(act.session, act.now, rows, hours.zone, WEEKS)
    return Report(weeks, sum(one.kept for one in weeks), sum(one.n for one in weeks), len(rows) == REPORT_MAX)


def _in(act: Act, folder: str) -> Select[Any]:
    statement = select(Response).where(*desk.folder(folder, act.now, act.caller.actor))
    return scoped(statement, Response.programme_id, act.caller, READ)


def _reach(act: Act) -> list[ColumnElement[bool]]:
    seen = act.caller.programmes(READ)
    return [] if seen is None else [Response.programme_id.in_(seen)]


def _narrowed(statement: Select[Any], language: str, label: str, channel: str) -> Select[Any]:
    if channel:
        statement = statement.where(Response.channel == channel)
    if label:
        held = select(ResponseLabel.response_id).where(ResponseLabel.name_fold == fold(label))
        statement = statement.where(Response.id.in_(held))
    return desk.in_language(statement, language) if language else statement


def _mine(act: Act, response_id: int) -> Response:
    return responses.get(act, response_id, WRITE, lock=True)


def _noted(act: Act, response: Response, what: str, **after: Any) -> Response:
    act.note(what, "response", response.id, programme_id=response.programme_id, after=after or None)
    return response


def _reply(act: Act, reply_id: int, scope: str) -> SavedReply:
    found = saved.get(act.session, reply_id)
    if scope == READ and found.programme_id is None:
        return found
    act.need(scope, found.programme_id)
    return found


def _named(act: Act, response: Response, text: str, call: int | None) -> set[str]:
    """Colleagues who may read this and are named after an @, by their whole name or its first word."""
    able = [(public_id("usr", one.id), one.name) for one in colleagues(act, response.programme_id)]
    return names_of.mentioned(text, able, "/call", public_id("usr", call) if call is not None else "")


def user_id_of(actor: str) -> int | None:
    """The number of a colleague as a form names them; None for nobody."""
    try:
        return parse_id("usr", actor) if actor else None
    except BadId:
        raise BadField("choose a colleague from the list", pointer="/assignee") from None
