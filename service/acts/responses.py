"""What may be done with what came back: read, match by hand, answer, log a contact, read a record."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from campaigns.base import instant, micros
from campaigns.delivery import release
from campaigns.delivery.tables import Account
from campaigns.errors import BadField, Forbidden, NotFound, said
from campaigns.messages.tables import Message
from campaigns.responses import answers, attachments, decisions, desk, interactions, record
from campaigns.responses.attachments import Kept
from campaigns.responses.tables import Attachment, Interaction, Response, ResponseCandidate
from campaigns.stakeholders import kin

from .. import paging
from ..access import scoped
from . import Act
from .stakeholders import home, reached

READ, WRITE = "responses:read", "responses:write"
PEOPLE = "stakeholders:read"


def listed(
    act: Act,
    *,
    unmatched: bool | None,
    kind: str | None,
    stakeholder: int | None,
    message: int | None,
    limit: int,
    after: str | None,
    before: str | None,
) -> paging.Page:
    """What came back, newest first; what belongs to no programme yet is for who sees them all."""
    statement = scoped(select(Response), Response.programme_id, act.caller, READ)
    if unmatched is not None:
        statement = statement.where(
            Response.matched_by.is_(None) if unmatched else Response.matched_by.is_not(None)
        )
    for column, wanted in (
        (Response.kind, kind),
        (Response.stakeholder_id, stakeholder),
        (Response.message_id, message),
    ):
        if wanted is not None:
            statement = statement.where(column == wanted)
    return paging.cut(
        act.session, statement, Response.id, limit=limit, after=after, before=before, newest_first=True
    )


def get(act: Act, response_id: int, scope: str = READ, *, lock: bool = False) -> Response:
    """One response; NotFound where the caller has no grant."""
    found = act.one(Response, response_id, lock=lock)
    act.need(scope, found.programme_id)
    return found


def candidates(act: Act, response: Response) -> Sequence[ResponseCandidate]:
    """Who an unmatched response may be from, the likeliest first."""
    query = select(ResponseCandidate).where(ResponseCandidate.response_id == response.id)
    return list(act.session.scalars(query.order_by(ResponseCandidate.score.desc())))


def match_by_hand(act: Act, response_id: int, *, stakeholder: int) -> Response:
    """Say who it is from; earlier and later responses of the same handle follow."""
    found = get(act, response_id, WRITE, lock=True)
    person = reached(act, stakeholder, PEOPLE)
    made = decisions.decide(act.session, act.now, found, person.id, act.caller.actor)
    act.note(
        "response.matched", "response", found.id, programme_id=found.programme_id,
        after={"stakeholder_id": person.id, "matched": max(1, len(made.before))},
    )  # fmt: skip
    return found


def answer(
    act: Act, response_id: int, *, text: str, subject: str = "", again: bool = False, keep_open: bool = False
) -> Message:
    """Write back; it goes at once, stopped only by a dead address, *no contact at all* or a stop.

    The item is done with that unless it is kept open. `again`: the caller knows that somebody has answered.
    """
    found = get(act, response_id, WRITE, lock=True)
    if act.caller.test and not act.session.get_one(Account, found.account_id).test:
        raise Forbidden("a test token answers through practice accounts only")
    message = answers.answer(
        act.session, act.now, found, text=text, subject=subject, author=act.caller.actor, again=again
    )
    release.at_once(act.session, message, act.now)
    desk.answered(act.session, act.now, found, by=act.caller.actor, keep_open=keep_open)
    act.note(
        "response.answered", "response", found.id, programme_id=message.programme_id,
        after={"message_id": message.id},
    )  # fmt: skip
    return message


def contacts(
    act: Act, *, stakeholder: int | None, limit: int, after: str | None, before: str | None
) -> paging.Page:
    """Meetings, calls, letters and visits that were logged, newest first."""
    statement = scoped(select(Interaction), Interaction.programme_id, act.caller, READ)
    if stakeholder is not None:
        statement = statement.where(Interaction.stakeholder_id.in_(kin.records(act.session, stakeholder)))
    return paging.cut(
        act.session, statement, Interaction.id, limit=limit, after=after, before=before, newest_first=True
    )


def contact(act: Act, interaction_id: int, stakeholder_id: int) -> Interaction:
    """One contact of somebody's; NotFound where it is another's."""
    found = act.one(Interaction, interaction_id)
    act.need(READ, found.programme_id)
    if found.stakeholder_id not in kin.records(act.session, stakeholder_id):
        raise NotFound("no such thing")
    return found


def attachment(act: Act, attachment_id: int, interaction_id: int, stakeholder_id: int) -> Attachment:
    """A file of a contact, for whoever may read the contact."""
    return attachments.get(act.session, attachment_id, contact(act, interaction_id, stakeholder_id).id)


def attachments_of(act: Act, interaction_id: int) -> list[Attachment]:
    """The files of a contact, for whoever may read the contact."""
    return attachments.of(act.session, [_readable(act, interaction_id).id]).get(interaction_id, [])


def attachment_of(act: Act, interaction_id: int, attachment_id: int) -> Attachment:
    """One of them."""
    return attachments.get(act.session, attachment_id, _readable(act, interaction_id).id)


def attach(act: Act, interaction_id: int, kept: Kept) -> Attachment:
    """Name one more stored file on a contact."""
    found = _readable(act, interaction_id, WRITE)
    attachments.attach(act.session, act.now, found, [kept], act.caller.actor)
    act.note(
        "interaction.attached", "interaction", found.id, programme_id=found.programme_id, after={"files": 1}
    )
    return attachments.of(act.session, [found.id])[found.id][-1]


def _readable(act: Act, interaction_id: int, scope: str = READ) -> Interaction:
    found = act.one(Interaction, interaction_id)
    act.need(scope, found.programme_id)
    return found


def log_contact(
    act: Act,
    *,
    stakeholder: int,
    programme_id: int | None,
    kind: str,
    at: datetime,
    place: str,
    notes: str,
    participants: str = "",
    files: Sequence[Kept] = (),
) -> Interaction:
    """Log a contact that no connector saw, with the files that belong to it."""
    programme_id = home(act, WRITE, programme_id)
    person = reached(act, stakeholder, PEOPLE)
    made = interactions.log(
        act.session, act.now, stakeholder_id=person.id, programme_id=programme_id, kind=kind, at=at, place=place,
        notes=notes, participants=participants, by=act.caller.actor,
    )  # fmt: skip
    attachments.attach(act.session, act.now, made, files, act.caller.actor)
    after = {"files": len(files)} if files else None
    act.note("interaction.logged", "interaction", made.id, programme_id=programme_id, after=after)
    return made


def log_several(
    act: Act, stakeholder_ids: Sequence[int], *, unknown: Sequence[str] = (), **contact: Any
) -> list[Interaction]:
    """The same contact on the records of several people; nothing is written where somebody is not known."""
    if unknown:
        raise BadField(
            said("nobody, or more than one, is known as: {names}", names=list(unknown)), pointer="/others"
        )
    if not stakeholder_ids:
        raise BadField("choose who was there", pointer="/others")
    return [log_contact(act, stakeholder=number, **contact) for number in stakeholder_ids]


def correct_contact(
    act: Act, interaction_id: int, *, files: Sequence[Kept] = (), **values: Any
) -> Interaction:
    """Correct what was logged by a new entry; the old one stays, with its files."""
    found = act.one(Interaction, interaction_id)
    act.need(WRITE, found.programme_id)
    made = interactions.correct(act.session, act.now, found, by=act.caller.actor, **values)
    attachments.attach(act.session, act.now, made, files, act.caller.actor)
    act.note(
        "interaction.corrected", "interaction", made.id, programme_id=made.programme_id,
        after={"corrects": found.id},
    )  # fmt: skip
    return made


def engagement(
    act: Act,
    stakeholder_id: int,
    *,
    limit: int,
    after: str | None,
    kinds: Collection[str] = record.KINDS,
) -> paging.Page:
    """One stakeholder's record, newest first: everything sent, heard, met, agreed and consented."""
    person = reached(act, stakeholder_id, PEOPLE)
    edge = None
    if after is not None:
        at, number = paging.read_cursor(after, (int, int))
        edge = (instant(at), number)
    entries = record.timeline(
        act.session,
        person.id,
        after=edge,
        limit=limit + 1,
        programme_ids=act.caller.programmes(READ),
        kinds=kinds,
    )
    shown = entries[:limit]
    further = paging.cursor(micros(shown[-1].at), shown[-1].id) if len(entries) > limit else None
    return paging.Page(shown, next=further, previous=None)
