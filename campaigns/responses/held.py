"""What is held about one stakeholder, table by table: for themselves, who may see it all, and nothing about others.

Rules: nothing is written here; every table that names a stakeholder is told of in one of the `held_` files or stands in
LEFT_OUT with its reason, which a test holds.
Source: UK GDPR 15; capability F14; docs/subject-access.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ..delivery.tables import Delivery, DeliveryEvent
from ..messages.tables import SendingHours
from ..stakeholders import kin
from ..stakeholders.tables import Address, Consent, Involvement, Review, Role, Signup
from . import held_contacts as contacts
from . import held_messages as messages
from . import held_person as person
from .held_rows import Reader, Told, of, on_forms
from .tables import Attachment, Commitment, Identity, Intent, Interaction, Response, SurveyAnswer

# Why a table that names stakeholders is not told of.
LEFT_OUT = {
    "response_candidates": "guesses whose a message may be: it may be somebody else's",
    "distinct_pairs": "that two records are of two people: the other one is somebody else's",
}
Section = Callable[[Reader], Iterator[Told]]


def sections() -> Mapping[str, Section]:
    """What there is to tell, by name, in the order of reading: each a function of a Reader that gives rows."""
    return {
        "person": person.person, "addresses": partial(of, table=Address), "identities": partial(of, table=Identity),
        "memberships": person.memberships, "relations": person.relations, "merges": person.merges,
        "involvements": partial(of, table=Involvement, at=Involvement.programme_id),
        "roles": partial(of, table=Role), "reviews": partial(of, table=Review),
        "tags": person.tags, "groups": person.groups,
        "consents": partial(of, table=Consent, at=Consent.at), "preferences": person.preferences,
        "suppressions": person.suppressions, "signups": partial(on_forms, table=Signup),
        "sending_hours": partial(of, table=SendingHours),
        "named_in": messages.named_in, "deliveries": messages.deliveries, "attempts": messages.attempts,
        "delivery_events": messages.events,
        "responses": contacts.responses, "labels": contacts.labels, "notes": contacts.notes,
        "matches": contacts.matches, "interactions": contacts.interactions, "files": contacts.files,
        "survey_answers": partial(on_forms, table=SurveyAnswer), "intents": partial(of, table=Intent),
        "commitments": partial(of, table=Commitment), "agreements": contacts.agreements, "parties": contacts.parties,
        "comments": contacts.comments, "tasks": contacts.tasks, "imports": person.imports, "audit": person.audit,
    }  # fmt: skip


def count(session: Session, stakeholder_id: int) -> int:
    """About how much there is: what went to them and what they wrote."""
    theirs = kin.records(session, stakeholder_id)
    tables: tuple[type[Any], ...] = (Delivery, DeliveryEvent, Response, Interaction)
    return sum(
        session.scalar(select(func.count()).where(table.stakeholder_id.in_(theirs))) or 0 for table in tables
    )


def weight(session: Session, stakeholder_id: int) -> int:
    """How many bytes the files of contacts with them have."""
    theirs = kin.records(session, stakeholder_id)
    found = select(func.sum(Attachment.bytes)).join(Interaction, Interaction.id == Attachment.interaction_id)
    return session.scalar(found.where(Interaction.stakeholder_id.in_(theirs))) or 0
