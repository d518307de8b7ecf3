"""Who is this: a person's decision who wrote something, with everything that followed from it, and its undoing.

Rules: a decision holds for what the same handle wrote before and writes later; undoing it puts back what it moved
and what was known of the handle, unless somebody has decided anew since.
Source: F13.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..base import micros
from ..errors import AlreadyDone, Conflict
from . import match
from .tables import Identity, Response, ResponseMatch

UNDO_MAX = 500  # responses of one handle that one press puts back


def decide(
    session: Session, now: datetime, response: Response, stakeholder_id: int, by: str
) -> ResponseMatch:
    """Say who it is from; `before` of the answer names every response that this moved."""
    rows = _of_handle(session, response)
    was = {one.id: (one.stakeholder_id, one.matched_by) for one in rows}
    identities = {str(one.stakeholder_id): one.confidence for one in _identities(session, response)}
    match.match_by_hand(session, now, response, stakeholder_id, by)
    made = ResponseMatch(
        response_id=response.id, stakeholder_id=stakeholder_id, identities=identities, by=by, at=now,
        before=[
            {"id": one.id, "stakeholder_id": was[one.id][0], "matched_by": was[one.id][1]}
            for one in rows
            if (one.stakeholder_id, one.matched_by) != was[one.id]
        ],
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def latest(session: Session, response: Response) -> ResponseMatch | None:
    """The last decision on this response that stands."""
    return session.scalars(
        select(ResponseMatch)
        .where(ResponseMatch.response_id == response.id, ResponseMatch.undone_at.is_(None))
        .order_by(ResponseMatch.id.desc())
        .limit(1)
    ).first()


def undo(session: Session, now: datetime, response: Response, by: str) -> ResponseMatch:
    """Take the last decision back; what somebody has decided otherwise since stays as they said."""
    made = latest(session, response)
    if made is None:
        raise AlreadyDone("there is nothing to undo")
    if response.answered_at is not None and response.answered_at >= made.at:
        raise Conflict("this has been answered since: say who it is from instead")
    _restore_identities(session, response, made)
    ids = [one["id"] for one in made.before]
    rows = {one.id: one for one in session.scalars(select(Response).where(Response.id.in_(ids)))}
    for one in made.before:
        row = rows[one["id"]]
        if row.stakeholder_id == made.stakeholder_id and row.matched_by == "person":
            match.take_back(session, now, row, one["stakeholder_id"], one["matched_by"])
    made.undone_at, made.undone_by = now, by
    session.flush()
    return made


def _restore_identities(session: Session, response: Response, made: ResponseMatch) -> None:
    for one in _identities(session, response):
        # A decision is newer than this one where its own moment is.
        if one.stakeholder_id == made.stakeholder_id or micros(one.at) <= micros(made.at):
            one.confidence = made.identities.get(str(one.stakeholder_id), 0)
    session.flush()


def _of_handle(session: Session, response: Response) -> list[Response]:
    """This response and what else the same handle sent, as one decision may move it."""
    others: Iterable[Any] = ()
    if response.from_key:
        others = session.scalars(
            select(Response)
            .where(
                Response.channel == response.channel, Response.from_key == response.from_key,
                Response.id != response.id,
            )
            .order_by(Response.id.desc())
            .limit(UNDO_MAX)
        )  # fmt: skip
    return [response, *others]


def _identities(session: Session, response: Response) -> list[Identity]:
    if not response.from_key:
        return []
    return list(
        session.scalars(
            select(Identity).where(Identity.channel == response.channel, Identity.key == response.from_key)
        )
    )
