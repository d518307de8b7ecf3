"""Erasing somebody at their own wish: what tells of them goes, what was done and why it was lawful stays without them.

Rules: the rows of the ledger and of consents stay, with no name, address or word; of addresses a keyed hash stays, so
that they are not taken in again. Another person with the same address keeps it. Of somebody whose records were merged
all are erased, and can be told apart no more.
Source: UK GDPR 17; docs/erasure.md.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Text, cast, delete, literal, or_, select, tuple_, update
from sqlalchemy.orm import Session

from ..base import public_id
from ..delivery import states
from ..delivery.tables import Attempt, Delivery, DeliveryEvent
from ..messages.tables import ContentItem, Message, SendingHours, Variant
from ..stakeholders import addresses, consent, kin, people, tombstones
from ..stakeholders.tables import (
    Address,
    Consent,
    Distinct,
    ImportRow,
    Involvement,
    Membership,
    Merge,
    Preference,
    Relation,
    Review,
    Role,
    SegmentMember,
    Signup,
    Stakeholder,
    StakeholderTag,
    Suppression,
)
from ..strategies.tables import Agreement, Party
from .tables import (
    Attachment,
    Commitment,
    Identity,
    Intent,
    Interaction,
    RawEvent,
    ReplyDraft,
    Response,
    ResponseCandidate,
    ResponseMatch,
    ResponseNote,
    SurveyAnswer,
)

NOBODY = "—"
# What was only about them goes whole.
THEIRS: tuple[type[Any], ...] = (
    Signup, Preference, StakeholderTag, SegmentMember, Role, Review, Intent, Commitment, Identity,
    ResponseCandidate, ResponseMatch, SendingHours, Involvement,
)  # fmt: skip


def erase(session: Session, now: datetime, person: Stakeholder) -> set[str]:
    """Erase somebody; the keys of files that are to be dropped once this is committed. Repeated, it changes nothing."""
    tombstones.begin(session)
    mine = kin.records(session, person.id)
    consent.lock(session, mine)
    session.execute(
        update(Merge).where(or_(Merge.kept_id.in_(mine), Merge.gone_id.in_(mine)))
        .values(values={}, added={}, reason="", undone_why="")
    )  # fmt: skip
    return {key for number in mine for key in _erase(session, now, people.get(session, number))}


def _erase(session: Session, now: datetime, person: Stakeholder) -> set[str]:
    """Erase one record."""
    keys = {
        (one.channel, one.key)
        for one in session.scalars(select(Address).where(Address.stakeholder_id == person.id))
    }
    tombstones.bury(session, now, keys)
    _forget_ledger(session, now, person.id)
    _forget_responses(session, person.id)
    files = _forget_contacts(session, person.id)
    _forget_agreements(session, person.id)
    for table in THEIRS:
        session.execute(delete(table).where(table.stakeholder_id == person.id))
    mine = or_(Membership.person_id == person.id, Membership.body_id == person.id)
    session.execute(delete(Membership).where(mine))
    for table, one, other in ((Relation, "from_id", "to_id"), (Distinct, "low_id", "high_id")):
        pair = or_(getattr(table, one) == person.id, getattr(table, other) == person.id)
        session.execute(delete(table).where(pair))
    session.execute(update(Consent).where(Consent.stakeholder_id == person.id).values(evidence={}))
    session.execute(
        update(ImportRow).where(ImportRow.stakeholder_id == person.id).values(problems=[], cells=None)
    )
    session.execute(delete(Address).where(Address.stakeholder_id == person.id))
    _forget_suppressions(session, person.id, keys)
    person.name = person.name_fold = NOBODY
    person.external_id = person.zone = None
    person.languages, person.attrs, person.attrs_fold = [], {}, {}
    person.state = "erased"
    person.touch(now)
    session.flush()
    return files


def _forget_ledger(session: Session, now: datetime, number: int) -> None:
    """Rows stay, each with a word of its own in the place of the address; what was to go does not."""
    mine = Delivery.stakeholder_id == number
    theirs = select(Delivery.id).where(mine)
    session.execute(
        update(Delivery)
        .where(mine, Delivery.state.in_((states.QUEUED, states.DEFERRED)))
        .values(state=states.EXCLUDED, reason="erased", batch_id=None, next_at=None, settled_at=now)
    )
    session.execute(
        update(Delivery).where(mine, Delivery.state == states.UNKNOWN).values(batch_id=None, next_at=None)
    )
    # Two rows of one time may differ in nothing but the address.
    placeholder = literal("erased ").concat(cast(Delivery.id, Text))
    session.execute(update(Delivery).where(mine).values(address_key=placeholder, slots=None, error=None))
    session.execute(update(Attempt).where(Attempt.delivery_id.in_(theirs)).values(error=None))
    session.execute(update(DeliveryEvent).where(DeliveryEvent.delivery_id.in_(theirs)).values(meta={}))


def _forget_responses(session: Session, number: int) -> None:
    """What they wrote, what colleagues wrote about it, what they were answered, and the provider's own bytes."""
    mine = Response.stakeholder_id == number
    theirs = select(Response.id).where(mine)
    raw = select(Response.raw_id).where(mine)
    told = select(DeliveryEvent.account_id, DeliveryEvent.event_key).where(
        DeliveryEvent.stakeholder_id == number
    )
    about = or_(RawEvent.id.in_(raw), tuple_(RawEvent.account_id, RawEvent.event_key).in_(told))
    session.execute(update(RawEvent).where(about).values(body=None, event={}, error=None))
    session.execute(delete(ReplyDraft).where(ReplyDraft.response_id.in_(theirs)))
    session.execute(update(ResponseNote).where(ResponseNote.response_id.in_(theirs)).values(text=""))
    answers = select(Message.content_id).where(Message.answers_id.in_(theirs))
    session.execute(
        update(Variant).where(Variant.content_id.in_(answers)).values(subject="", text="", html="")
    )
    session.execute(update(ContentItem).where(ContentItem.id.in_(answers)).values(name=NOBODY, data={}))
    session.execute(update(Message).where(Message.answers_id.in_(theirs)).values(name=""))
    session.execute(
        update(SurveyAnswer)
        .where(SurveyAnswer.stakeholder_id == number)
        .values(text="", stakeholder_id=None, delivery_id=None, interaction_id=None)
    )
    session.execute(
        update(Response).where(mine).values(from_key="", from_name="", subject="", text="", meta={})
    )


def _forget_contacts(session: Session, number: int) -> set[str]:
    mine = select(Interaction.id).where(Interaction.stakeholder_id == number)
    files = set(session.scalars(select(Attachment.key).where(Attachment.interaction_id.in_(mine))))
    session.execute(delete(Attachment).where(Attachment.interaction_id.in_(mine)))
    session.execute(
        update(Interaction)
        .where(Interaction.stakeholder_id == number)
        .values(place="", notes="", participants="")
    )
    return files


def _forget_agreements(session: Session, number: int) -> None:
    """That a party agreed stays; who it was does not."""
    mine = Agreement.stakeholder_id == number
    session.execute(update(Agreement).where(mine).values(by=NOBODY, reason="", evidence=None))
    ref = public_id("stk", number)
    session.execute(update(Party).where(Party.ref.in_((ref, str(number)))).values(label=NOBODY))


def _forget_suppressions(session: Session, number: int, keys: set[tuple[str, str]]) -> None:
    session.execute(
        update(Suppression)
        .where(Suppression.stakeholder_id == number)
        .values(address_key=None, evidence={}, lifted_why=None)
    )
    for channel, key in keys:
        if not addresses.holders(session, channel, key):
            session.execute(
                delete(Suppression).where(Suppression.channel == channel, Suppression.address_key == key)
            )
