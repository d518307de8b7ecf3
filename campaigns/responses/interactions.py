"""Interactions: contacts that no connector saw. What was written stays; a correction is a new row.

Source: F4 (manual interactions).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, aliased

from ..errors import AlreadyDone, BadField, NotFound, said
from ..stakeholders import kin, people
from ..stakeholders.text import TEXT_MAX, clean
from ..strategies.tables import Programme
from .tables import INTERACTION_KINDS, Interaction

# The clock of the writer's own machine may be a little ahead of ours.
AHEAD = timedelta(minutes=5)


def log(
    session: Session,
    now: datetime,
    *,
    stakeholder_id: int,
    programme_id: int,
    kind: str,
    at: datetime,
    by: str,
    place: str = "",
    notes: str = "",
    participants: str = "",
) -> Interaction:
    """Put a meeting, call, letter, event or visit on a stakeholder's record, when it happened.

    BadField for an unknown kind or an instant to come; NotFound for an unknown stakeholder or programme.
    """
    people.get(session, stakeholder_id)
    if session.get(Programme, programme_id) is None:
        raise NotFound("there is no such programme", pointer="/programme_id")
    interaction = Interaction(
        stakeholder_id=stakeholder_id, programme_id=programme_id, by=by, created_at=now,
        **_checked(now, kind, at, place, notes, participants),
    )  # fmt: skip
    session.add(interaction)
    session.flush()
    return interaction


def correct(
    session: Session,
    now: datetime,
    interaction: Interaction,
    *,
    by: str,
    kind: str | None = None,
    at: datetime | None = None,
    place: str | None = None,
    notes: str | None = None,
    participants: str | None = None,
) -> Interaction:
    """A new row that says it better; what is not named stays. AlreadyDone where one corrects it already."""
    if corrected_by(session, interaction.id) is not None:
        raise AlreadyDone("this entry has been corrected already: correct the newer one")
    new = Interaction(
        stakeholder_id=interaction.stakeholder_id,
        programme_id=interaction.programme_id,
        by=by,
        created_at=now,
        corrects_id=interaction.id,
        **_checked(
            now,
            interaction.kind if kind is None else kind,
            interaction.at if at is None else at,
            interaction.place if place is None else place,
            interaction.notes if notes is None else notes,
            interaction.participants if participants is None else participants,
        ),
    )
    session.add(new)
    session.flush()
    return new


def get(session: Session, interaction_id: int) -> Interaction:
    """The interaction, or NotFound."""
    found = session.get(Interaction, interaction_id)
    if found is None:
        raise NotFound("there is no such interaction")
    return found


def corrected_by(session: Session, interaction_id: int) -> int | None:
    """The id of the row that corrects this one."""
    return session.scalar(select(Interaction.id).where(Interaction.corrects_id == interaction_id))


def on_record(session: Session, interaction_id: int | None, stakeholder_id: int, pointer: str) -> None:
    """Stop unless the interaction, where one is named, stands on this stakeholder's record."""
    if interaction_id is None:
        return
    found = session.get(Interaction, interaction_id)
    if found is None or found.stakeholder_id not in kin.records(session, stakeholder_id):
        raise NotFound("there is no such contact on this record", pointer=pointer)


def of(session: Session, stakeholder_id: int, programme_id: int, limit: int = 50) -> list[Interaction]:
    """The latest contacts with a stakeholder in a programme, without those that were corrected, newest first."""
    better, records = aliased(Interaction), kin.records(session, stakeholder_id)
    mine = select(Interaction).where(
        Interaction.stakeholder_id.in_(records),
        Interaction.programme_id == programme_id,
        ~exists().where(better.corrects_id == Interaction.id, better.stakeholder_id.in_(records)),
    )
    return list(session.scalars(mine.order_by(Interaction.at.desc(), Interaction.id.desc()).limit(limit)))


def _checked(
    now: datetime, kind: str, at: datetime, place: str, notes: str, participants: str
) -> dict[str, object]:
    if kind not in INTERACTION_KINDS:
        raise BadField(
            said("an interaction is one of {interaction_kinds}", interaction_kinds=INTERACTION_KINDS),
            pointer="/kind",
        )
    if at.tzinfo is None:
        raise BadField("give the time with its zone, for example 2026-11-02T09:00Z", pointer="/at")
    if at > now + AHEAD:
        raise BadField("this has not happened yet: log it afterwards", pointer="/at")
    return {
        "kind": kind,
        "at": at,
        "place": clean(place, "/place", empty=True),
        "participants": clean(participants, "/participants", length_max=TEXT_MAX, lines=True, empty=True),
        "notes": clean(notes, "/notes", length_max=TEXT_MAX, lines=True, empty=True),
    }
