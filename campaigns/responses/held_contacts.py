"""What is held about somebody: what they wrote and said, contacts with them, and what colleagues are to do about it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import ColumnElement, and_, or_, select

from ..base import public_id
from ..strategies.tables import Agreement, Party, Programme, Strategy, StrategyComment, StrategyVersion
from .held_rows import Reader, Told, plain, rows
from .tables import Attachment, Interaction, Response, ResponseLabel, ResponseMatch, ResponseNote, Task


def _mine(reader: Reader) -> ColumnElement[bool]:
    return and_(Response.stakeholder_id.in_(reader.ids), reader.inside(Response.programme_id))


def responses(reader: Reader) -> Iterator[Told]:
    """What they wrote is theirs as it is."""
    for (row,) in rows(reader, select(Response).where(_mine(reader)).order_by(Response.at, Response.id)):
        yield plain(reader, row, "stakeholder_id", meta=reader.veil.whole(row.meta))


def labels(reader: Reader) -> Iterator[Told]:
    found = (
        select(ResponseLabel).join(Response, Response.id == ResponseLabel.response_id).where(_mine(reader))
    )
    for (row,) in rows(reader, found.order_by(ResponseLabel.response_id, ResponseLabel.name_fold)):
        yield plain(reader, row, label=reader.veil.text(row.name))


def notes(reader: Reader) -> Iterator[Told]:
    """What colleagues noted about what they wrote, unless that is withheld."""
    found = select(ResponseNote).join(Response, Response.id == ResponseNote.response_id).where(_mine(reader))
    for (row,) in rows(reader, found.order_by(ResponseNote.at, ResponseNote.id)) if reader.notes else ():
        yield plain(reader, row)


def matches(reader: Reader) -> Iterator[Told]:
    """By whose decision something that came in was taken to be theirs."""
    found = (
        select(ResponseMatch)
        .join(Response, Response.id == ResponseMatch.response_id)
        .where(ResponseMatch.stakeholder_id.in_(reader.ids), reader.inside(Response.programme_id))
    )
    for (row,) in rows(reader, found.order_by(ResponseMatch.id)):
        yield plain(reader, row, "stakeholder_id")


def interactions(reader: Reader) -> Iterator[Told]:
    found = select(Interaction).where(
        Interaction.stakeholder_id.in_(reader.ids), reader.inside(Interaction.programme_id)
    )
    for (row,) in rows(reader, found.order_by(Interaction.at, Interaction.id)):
        there, others = reader.veil.names(row.participants)
        told = plain(
            reader, row, "stakeholder_id", participants=there, notes=reader.veil.text(row.notes, others),
            place=reader.veil.text(row.place, others), programme=reader.name(Programme, row.programme_id),
        )  # fmt: skip
        yield told if reader.notes else told | {"notes": ""}


def files(reader: Reader) -> Iterator[Told]:
    for one in attached(reader):
        yield plain(reader, one, "key", file_name=file_name(reader, one))


def attached(reader: Reader) -> Iterator[Attachment]:
    """The files of contacts with them."""
    found = (
        select(Attachment)
        .join(Interaction, Interaction.id == Attachment.interaction_id)
        .where(Interaction.stakeholder_id.in_(reader.ids), reader.inside(Interaction.programme_id))
    )
    yield from reader.session.scalars(found.order_by(Attachment.id))


def file_name(reader: Reader, file: Attachment) -> str:
    """What a colleague called it."""
    return reader.veil.text(file.name)


def agreements(reader: Reader) -> Iterator[Told]:
    """What they decided about strategies; the decision and its reasons are their own."""
    found = (
        select(Agreement, StrategyVersion.n, Strategy)
        .join(StrategyVersion, StrategyVersion.id == Agreement.version_id)
        .join(Strategy, Strategy.id == StrategyVersion.strategy_id)
        .where(Agreement.stakeholder_id.in_(reader.ids), reader.inside(Strategy.programme_id))
    )
    for row, version, strategy in rows(reader, found.order_by(Agreement.at, Agreement.id)):
        yield plain(reader, row, "stakeholder_id", strategy=strategy.name, strategy_version=version)


def _theirs(reader: Reader) -> ColumnElement[bool]:
    """Parties that are them: asked by id, in both forms that it is written in."""
    names = [name for number in reader.ids for name in (public_id("stk", number), str(number))]
    return and_(Party.kind == "stakeholder", Party.ref.in_(names), reader.inside(Strategy.programme_id))


def parties(reader: Reader) -> Iterator[Told]:
    found = select(Party, Strategy).join(Strategy, Strategy.id == Party.strategy_id).where(_theirs(reader))
    for row, strategy in rows(reader, found.order_by(Party.id)):
        yield plain(reader, row, "ref", strategy=strategy.name)


def comments(reader: Reader) -> Iterator[Told]:
    found = (
        select(StrategyComment, Strategy.name)
        .join(Party, Party.id == StrategyComment.party_id)
        .join(Strategy, Strategy.id == Party.strategy_id)
        .where(_theirs(reader))
    )
    for row, strategy in rows(reader, found.order_by(StrategyComment.at, StrategyComment.id)):
        yield plain(reader, row, strategy=strategy)


def tasks(reader: Reader) -> Iterator[Told]:
    """What colleagues are to do about them, or about what they wrote."""
    wrote = select(Response.id).where(_mine(reader))
    about = or_(
        and_(Task.about_kind == "stakeholder", Task.about_id.in_(reader.ids)),
        and_(Task.about_kind == "response", Task.about_id.in_(wrote)),
    )
    found = select(Task).where(about, reader.inside(Task.programme_id)).order_by(Task.id)
    for (row,) in rows(reader, found) if reader.notes else ():
        yield plain(reader, row, programme=reader.name(Programme, row.programme_id))
