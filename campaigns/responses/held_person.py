"""What is held about somebody: who they are, what they belong to, what they allow, and what was done with it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import ColumnElement, and_, or_, select

from ..audit import AuditEntry
from ..base import public_id
from ..stakeholders.tables import (
    Address,
    Consent,
    Import,
    ImportRow,
    Membership,
    Merge,
    Preference,
    Relation,
    Segment,
    SegmentMember,
    Stakeholder,
    StakeholderTag,
    Suppression,
    Tag,
    Topic,
)
from ..strategies.tables import Programme
from .held_rows import Reader, Told, plain, rows
from .veil import ANOTHER


def person(reader: Reader) -> Iterator[Told]:
    mine = select(Stakeholder).where(Stakeholder.id.in_(reader.ids)).order_by(Stakeholder.id)
    for (row,) in rows(reader, mine):
        yield {"id": row.id, "name": row.name, **plain(reader, row)}


def memberships(reader: Reader) -> Iterator[Told]:
    """What they belong to by name; of who belongs to them, that somebody does."""
    mine = or_(Membership.person_id.in_(reader.ids), Membership.body_id.in_(reader.ids))
    for (row,) in rows(reader, select(Membership).where(mine).order_by(Membership.id)):
        theirs = row.person_id in reader.ids
        name = reader.name(Stakeholder, row.body_id) if theirs else ANOTHER
        yield plain(reader, row, "person_id", "body_id", **{"belongs_to" if theirs else "member": name})


def relations(reader: Reader) -> Iterator[Told]:
    """What they are to others; of people, that there is somebody."""
    mine = or_(Relation.from_id.in_(reader.ids), Relation.to_id.in_(reader.ids))
    for (row,) in rows(reader, select(Relation).where(mine).order_by(Relation.id)):
        other = reader.session.get_one(Stakeholder, row.to_id if row.from_id in reader.ids else row.from_id)
        name = ANOTHER if other.kind == "person" else other.name
        yield plain(reader, row, "from_id", "to_id", other=name)


def merges(reader: Reader) -> Iterator[Told]:
    """That several records were found to be theirs, and by whom."""
    mine = or_(Merge.kept_id.in_(reader.ids), Merge.gone_id.in_(reader.ids))
    for (row,) in rows(reader, select(Merge).where(mine, Merge.undone_at.is_(None)).order_by(Merge.id)):
        yield plain(reader, row, "values", "added", "kept_id", "gone_id")


def tags(reader: Reader) -> Iterator[Told]:
    found = select(Tag.name).join(StakeholderTag, StakeholderTag.tag_id == Tag.id)
    mine = found.where(StakeholderTag.stakeholder_id.in_(reader.ids)).order_by(Tag.name_fold)
    for (name,) in rows(reader, mine):
        yield {"tag": reader.veil.text(name)}


def groups(reader: Reader) -> Iterator[Told]:
    """Groups they were put into by hand; those by rule follow from what else is told."""
    found = (
        select(Segment)
        .join(SegmentMember, SegmentMember.segment_id == Segment.id)
        .where(SegmentMember.stakeholder_id.in_(reader.ids), reader.inside(Segment.programme_id))
    )
    for (row,) in rows(reader, found.order_by(Segment.id)):
        yield {
            "id": public_id("seg", row.id),
            "group": reader.veil.text(row.name),
            "programme": reader.name(Programme, row.programme_id),
        }


def preferences(reader: Reader) -> Iterator[Told]:
    """What they chose; of a programme's own topics only where that programme is told of."""
    found = (
        select(Preference, Topic.name)
        .outerjoin(Topic, Topic.id == Preference.topic_id)
        .where(Preference.stakeholder_id.in_(reader.ids), reader.inside(Topic.programme_id))
    )
    for row, topic in rows(reader, found.order_by(Preference.at, Preference.id)):
        yield plain(reader, row, "stakeholder_id", topic=topic)


def suppressions(reader: Reader) -> Iterator[Told]:
    """Those that name them, and those of an address that they have."""
    mine = select(Address.channel, Address.key).where(Address.stakeholder_id.in_(reader.ids))
    pairs = [(channel, key) for channel, key in reader.session.execute(mine)]
    by_address = [
        and_(
            Suppression.channel == channel,
            Suppression.address_key == key,
            Suppression.stakeholder_id.is_(None),
        )
        for channel, key in pairs
    ]
    found = select(Suppression).where(or_(Suppression.stakeholder_id.in_(reader.ids), *by_address))
    for (row,) in rows(reader, found.order_by(Suppression.at, Suppression.id)):
        yield plain(reader, row, "stakeholder_id")


def imports(reader: Reader) -> Iterator[Told]:
    """The files that told us of them, with what stood there where it is still kept."""
    found = (
        select(ImportRow, Import.filename, Import.created_at)
        .join(Import, Import.id == ImportRow.import_id)
        .where(ImportRow.stakeholder_id.in_(reader.ids), reader.inside(Import.programme_id))
    )
    for row, filename, at in rows(reader, found.order_by(ImportRow.import_id, ImportRow.line)):
        yield plain(reader, row, "stakeholder_id", "problems", file_name=reader.veil.text(filename), at=at)


def audit(reader: Reader) -> Iterator[Told]:
    """What was done to what is held about them, and when."""
    yield from _noted(reader, "stakeholder", AuditEntry.ref.in_(reader.ids))
    for kind, table in (("consent", Consent), ("suppression", Suppression), ("address", Address)):
        theirs = select(table.id).where(table.stakeholder_id.in_(reader.ids))
        yield from _noted(reader, kind, AuditEntry.ref.in_(theirs))


def _noted(reader: Reader, kind: str, about: ColumnElement[bool]) -> Iterator[Told]:
    found = select(AuditEntry).where(AuditEntry.kind == kind, about, reader.inside(AuditEntry.programme_id))
    for (row,) in rows(reader, found.order_by(AuditEntry.at, AuditEntry.id)):
        yield plain(reader, row, "before", "after", "request_id")
