"""What may be done with relationships: role, owner, reviews, intention and promises, and the lists of what is missing.

Rules: all of it belongs to one programme, where the caller needs the scope; the audit names what was decided, never
the words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import literal, select, tuple_

from campaigns.base import parse_id
from campaigns.errors import BadField, BadId
from campaigns.responses import commitments, intents
from campaigns.responses.tables import Commitment, Intent
from campaigns.stakeholders import relationships
from campaigns.stakeholders.tables import Involvement, Review, Role, Stakeholder

from .. import paging
from ..access import scoped
from ..ids import shown
from ..tables import User
from . import Act, people_list
from .stakeholders import READ, WRITE, reached


def get(act: Act, stakeholder_id: int, programme_id: int, scope: str = READ) -> Involvement:
    """The relationship with somebody in one programme."""
    act.need(scope, programme_id)
    return relationships.get(act.session, reached(act, stakeholder_id, READ).id, programme_id)


def set_role(act: Act, stakeholder_id: int, programme_id: int, **said: str) -> Role:
    """Say which part they play: `role`, `rank`, `rationale`."""
    found = get(act, stakeholder_id, programme_id, WRITE)
    before = {"role": found.role, "rank": found.rank}
    made = relationships.set_role(act.session, act.now, found, by=act.caller.actor, **said)
    _note(act, "stakeholder.role_set", found, before=before, after={"role": made.role, "rank": made.rank})
    return made


def set_owners(
    act: Act, stakeholder_id: int, programme_id: int, *, owner_id: int | None, deputy_id: int | None
) -> Involvement:
    """Say which colleagues answer for the relationship."""
    found = get(act, stakeholder_id, programme_id, WRITE)
    for place, number in (("/owner", owner_id), ("/deputy", deputy_id)):
        known = None if number is None else act.session.get(User, number)
        if number is not None and (known is None or known.state != "active"):
            raise BadField("this must be a colleague who can sign in", pointer=place)
    relationships.set_owners(act.session, found, owner_id=owner_id, deputy_id=deputy_id)
    after = {"owner": shown("user", owner_id), "deputy": shown("user", deputy_id)}
    _note(act, "stakeholder.owner_set", found, after=after)
    return found


def review(act: Act, stakeholder_id: int, programme_id: int, **said: Any) -> Review:
    """Close a review: `findings`, `rating`, `decision`, `next_on`."""
    found = get(act, stakeholder_id, programme_id, WRITE)
    made = relationships.review(act.session, act.now, found, by=act.caller.actor, **said)
    after = {"rating": made.rating, "next_on": made.next_on.isoformat()}
    _note(act, "stakeholder.reviewed", found, after=after)
    return made


def state_intent(act: Act, stakeholder_id: int, programme_id: int, **said: Any) -> Intent:
    """Say how willing they are: `intent`, `contribution`, `interaction_id`."""
    found = get(act, stakeholder_id, programme_id, WRITE)
    made = intents.state(act.session, act.now, found, by=act.caller.actor, **said)
    _note(act, "stakeholder.intent_stated", found, after={"intent": made.state})
    return made


def promise(act: Act, stakeholder_id: int, programme_id: int, **said: Any) -> Commitment:
    """Write a promise down: `ours`, `text`, `due_on`, `interaction_id`."""
    found = get(act, stakeholder_id, programme_id, WRITE)
    made = commitments.promise(act.session, act.now, found, by=act.caller.actor, **said)
    act.note(
        "commitment.made", "commitment", made.id,
        programme_id=programme_id, after={"ours": made.ours, "due_on": made.due_on.isoformat()},
    )  # fmt: skip
    return made


def end_promise(act: Act, commitment_id: int, **said: Any) -> Commitment:
    """Say what became of a promise: `outcome`, `evidence`, `evidence_id`."""
    made = act.one(Commitment, commitment_id)
    act.need(WRITE, made.programme_id)
    commitments.end(act.session, act.now, made, by=act.caller.actor, **said)
    act.note(
        "commitment.ended", "commitment", made.id,
        programme_id=made.programme_id, after={"outcome": made.outcome},
    )  # fmt: skip
    return made


def promises(act: Act, stakeholder_id: int, programme_id: int | None = None) -> Sequence[Commitment]:
    """What was promised to and by somebody, as far as the caller's grants reach; the open ones first."""
    found = commitments.of(act.session, reached(act, stakeholder_id, READ).id, programme_id)
    return [one for one in found if act.caller.may(READ, one.programme_id)]


def without_owner(
    act: Act, *, programme_id: int | None = None, role: str | None = None, after: str | None = None
) -> paging.Page:
    """Relationships that nobody answers for, as (involvement, stakeholder)."""
    statement = _within(act, relationships.without_owner(), Involvement.programme_id, programme_id)
    if role is not None:
        statement = statement.where(Involvement.role == role)
    return _cut(act, statement, (Involvement.stakeholder_id, Involvement.programme_id), after)


def reviews_due(
    act: Act, until: date, *, programme_id: int | None = None, mine: bool = False, after: str | None = None
) -> paging.Page:
    """Relationships whose review is due up to a day, the longest due first, as (involvement, stakeholder)."""
    statement = _within(act, relationships.due(until), Involvement.programme_id, programme_id)
    if mine:
        number = act.caller.user_id or 0
        statement = statement.where((Involvement.owner_id == number) | (Involvement.deputy_id == number))
    keys = (Involvement.review_on, Involvement.stakeholder_id, Involvement.programme_id)
    return _cut(act, statement, keys, after)


def undelivered(act: Act, *, programme_id: int | None = None, after: str | None = None) -> paging.Page:
    """Who is committed and has delivered nothing, as (intent, stakeholder)."""
    statement = _within(act, intents.undelivered(), Intent.programme_id, programme_id)
    return _cut(act, statement, (Intent.id,), after)


def open_promises(act: Act, *, programme_id: int | None = None, after: str | None = None) -> paging.Page:
    """Promises still open, the earliest day first, as (commitment, stakeholder)."""
    statement = _within(act, commitments.still_open(), Commitment.programme_id, programme_id)
    return _cut(act, statement, (Commitment.due_on, Commitment.id), after)


def colleagues(act: Act) -> dict[int, str]:
    """Who can sign in, by name: for choosing an owner, and for saying who is one."""
    rows = select(User.id, User.name).where(User.state == "active").order_by(User.name, User.id)
    return {number: name for number, name in act.session.execute(rows)}


def names(act: Act, actors: Iterable[str | None]) -> dict[str, str]:
    """The names behind `usr_…`, of those who are named and of every colleague."""
    found = {str(shown("user", number)): name for number, name in colleagues(act).items()}
    numbers = [_user(one) for one in set(actors) if one and one.startswith("usr_") and one not in found]
    gone = select(User.id, User.name).where(User.id.in_(numbers))
    return found | {str(shown("user", number)): name for number, name in act.session.execute(gone)}


def _user(actor: str) -> int:
    """The number in `usr_…`; 0, which is nobody's, for what only looks like one."""
    try:
        return parse_id("usr", actor)
    except BadId:
        return 0


def somebody(act: Act, text: str, pointer: str) -> Stakeholder:
    """Who is meant by an id, an address or a whole name; BadField where nobody is, or more than one."""
    found = people_list.fitting(act, text.strip(), 2)
    if not found:
        raise BadField("nobody is found by this: write the whole name or an address", pointer=pointer)
    if len(found) > 1:
        raise BadField(
            "several are found by this: write an address that one of them alone has, or a number stk_…",
            pointer=pointer,
        )
    return found[0]


def _within(act: Act, statement: Any, column: Any, programme_id: int | None) -> Any:
    if programme_id is not None:
        act.need(READ, programme_id)
        return statement.where(column == programme_id)
    return scoped(statement, column, act.caller, READ)


def _cut(act: Act, statement: Any, keys: Sequence[Any], after: str | None) -> paging.Page:
    """A page of a list that is ordered by these columns of its first entity; the last is unique."""
    if after is not None:
        edge = paging.read_cursor(after, tuple(str if _is_day(key) else int for key in keys))
        values = [
            literal(date.fromisoformat(value) if _is_day(key) else value, key.type)
            for key, value in zip(keys, edge, strict=True)
        ]
        statement = statement.where(tuple_(*keys) > tuple_(*values))
    rows = act.session.execute(statement.order_by(*keys).limit(paging.LIMIT_DEFAULT + 1)).all()
    page, further = rows[: paging.LIMIT_DEFAULT], len(rows) > paging.LIMIT_DEFAULT
    last = [getattr(page[-1][0], key.key) for key in keys] if further else []
    edge_of = paging.cursor(*(value.isoformat() if isinstance(value, date) else value for value in last))
    return paging.Page(page, edge_of if further else None, None)


def _is_day(column: Any) -> bool:
    return column.type.python_type is date


def _note(act: Act, name: str, found: Involvement, **facts: Any) -> None:
    act.note(name, "stakeholder", found.stakeholder_id, programme_id=found.programme_id, **facts)
