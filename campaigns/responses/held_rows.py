"""How a row of what is held about somebody is told: as far as whoever asks may see, and with nobody else in it.

Rules: what others wrote goes through the veil; rows are read one after the other, so that somebody with a hundred
thousand of them takes no more memory than anybody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, inspect, or_, select, true
from sqlalchemy.orm import Session

from ..base import Base, parse_id
from ..delivery.tables import Delivery
from ..errors import BadId
from ..links import Links
from ..stakeholders import consent, kin
from ..stakeholders.tables import Form, Signup, Stakeholder
from ..strategies.tables import Agreement, Programme, StrategyComment
from .tables import Response, SurveyAnswer
from .veil import Veil

CHUNK = 500
# Columns that say who did something.
ACTORS = frozenset(
    {"actor", "by", "author", "closed_by", "urgent_by", "sentiment_by", "assignee", "owner", "lifted_by", "ended_by",
     "recorded_by", "undone_by", "answered_by", "settled_by", "deputy"}
)  # fmt: skip
# All text goes through the veil but for what no other person can stand in …
CODES = frozenset(
    {"value", "key", "address_key", "from_key", "from_name", "provider_id", "external_id", "digest", "sha256",
     "shown_text_sha256", "wording_version"}
)  # fmt: skip
# … and for what they wrote themselves.
THEIRS: Mapping[type[Base], frozenset[str]] = {
    Response: frozenset({"subject", "text"}), SurveyAnswer: frozenset({"text"}), StrategyComment: frozenset({"text"}),
    Agreement: frozenset({"reason"}),
}  # fmt: skip
# What evidence names.
FACTS: Mapping[str, tuple[type[Any], str]] = {
    "delivery_id": (Delivery, "dlv"),
    "response_id": (Response, "rsp"),
}
# Ours, and of no meaning outside: places in the queue, and copies for comparing.
INNER = frozenset(
    {"name_fold", "attrs_fold", "token", "deaths", "batch_id", "next_at", "target", "raw_id", "intent_at", "version",
     "owner_id", "deputy_id", "name", "before", "identities"}
)  # fmt: skip

Told = dict[str, Any]


@dataclass(frozen=True)
class Reader:
    """Whose record it is, and how far whoever asks may see: in these programmes; None: in all."""

    session: Session
    person: Stakeholder
    links: Links
    within: Collection[int] | None = None
    others: Collection[str] = ()  # names of colleagues
    notes: bool = True  # whether notes of colleagues are told

    @cached_property
    def ids(self) -> tuple[int, ...]:
        """Their record, and those that were merged with it."""
        return kin.records(self.session, self.person.id)

    @cached_property
    def veil(self) -> Veil:
        """What takes others' names out."""
        return Veil(self.session, self.ids, self.others)

    def inside(self, column: Any) -> ColumnElement[bool]:
        """Only what belongs to the programmes, or to none."""
        return true() if self.within is None else or_(column.is_(None), column.in_(self.within))

    def name(self, table: type[Any], number: int | None) -> str | None:
        """What something is called; read once."""
        if not number:
            return None
        found = self.session.get(table, number)
        return None if found is None else found.name


def rows(reader: Reader, found: Any) -> Iterator[Any]:
    yield from reader.session.execute(found.execution_options(yield_per=CHUNK))


def plain(reader: Reader, row: Base, *hidden: str, **more: Any) -> Told:
    """A row's columns, with whoever did something told by what they are, and others' words through the veil."""
    keys = [column.key for column in inspect(type(row)).column_attrs]
    seen = [key for key in keys if key not in INNER and key not in hidden]
    told = {key: more[key] if key in more else _veiled(reader, row, key) for key in seen}
    return told | more


def _veiled(reader: Reader, row: Base, key: str) -> Any:
    """One column, as they may have it."""
    value = getattr(row, key)
    if key in ACTORS:
        return reader.veil.who(value)
    if isinstance(value, str) and key not in CODES and key not in THEIRS.get(type(row), ()):
        return reader.veil.text(value)
    if key == "evidence" and isinstance(value, dict):
        return _proof(reader, row, value)
    return value


def _proof(reader: Reader, row: Base, evidence: Told) -> Told:
    """What they told themselves as it is; else without others, who may have the same mailbox."""
    if getattr(row, "actor", None) == consent.RECIPIENT:
        return evidence
    others = {
        name
        for name, (table, prefix) in FACTS.items()
        if not _is_theirs(reader, table, prefix, evidence.get(name))
    }
    return {name: reader.veil.whole(value) for name, value in evidence.items() if name not in others}


def _is_theirs(reader: Reader, table: type[Any], prefix: str, named: object) -> bool:
    with suppress(BadId):
        number = named if isinstance(named, int) else parse_id(prefix, str(named))
        row = reader.session.get(table, number)
        return row is not None and row.stakeholder_id in reader.ids
    return False


def of(reader: Reader, table: type[Any], at: Any = None) -> Iterator[Told]:
    """The rows of a table that are about them, in the order in which they came; of the programmes, where it has one."""
    found = select(table).where(table.stakeholder_id.in_(reader.ids))
    of_programmes = hasattr(table, "programme_id")
    if of_programmes:
        found = found.where(reader.inside(table.programme_id))
    for (row,) in rows(reader, found.order_by(at if at is not None else table.id)):
        more = {"programme": reader.name(Programme, row.programme_id)} if of_programmes else {}
        yield plain(reader, row, "stakeholder_id", **more)


def on_forms(reader: Reader, table: type[Signup] | type[SurveyAnswer]) -> Iterator[Told]:
    """What they typed into forms; a form is of one programme."""
    found = (
        select(table, Form.name)
        .join(Form, Form.id == table.form_id)
        .where(table.stakeholder_id.in_(reader.ids), reader.inside(Form.programme_id))
    )
    for row, name in rows(reader, found.order_by(table.id)):
        yield plain(reader, row, "stakeholder_id", form=name)
