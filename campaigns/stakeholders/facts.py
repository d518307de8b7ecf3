"""What a segment's rule may ask about a stakeholder: each fact with its operators, SQL and how it is shown.

Rules: where nothing is known a condition may be NULL, which is no (`rules.py` sees to it that `not` means the others);
a JSON value is compared only after its type was looked at, so that one odd value neither breaks nor changes a segment
between databases; text is compared in its folded form. Rooms that know more register facts of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import Session, aliased

from .. import zones
from ..base import parse_id, public_id
from ..errors import BadField, Invalid, said
from . import consent, fields, people
from .addresses import check_channel
from .json_values import array_has, array_has_word, json_list, json_number, json_text, json_truth
from .tables import (
    CONNECTIONS,
    KINDS,
    PURPOSES,
    RANKS,
    ROLES,
    Address,
    Consent,
    Field,
    Involvement,
    Membership,
    Stakeholder,
    StakeholderTag,
    Tag,
)
from .text import TEXT_MAX, clean, fold

VALUES_MAX = 100
# The stakeholder who is asked about, and how they are involved in the segment's programme.
WHO = aliased(Stakeholder, name="who")
INVOLVED = aliased(Involvement, name="involved")

COLUMN, IN_JSON, ELSEWHERE = range(3)

Reader = Callable[["Scope", Any, str], Any]
Condition = ColumnElement[bool]


@dataclass(frozen=True)
class Scope:
    """What a rule is asked in: the programme, the moment (aware), and the fields there are."""

    session: Session
    programme_id: int
    now: datetime
    fields: Mapping[str, Field]


@dataclass(frozen=True)
class Fact:
    """`ops` reads the value of each operator: (scope, value, pointer) as it is stored, or an Invalid.

    `where` gives (scope, op, stored value) as a condition on WHO and INVOLVED, NULL where nothing is known; `shown` is
    what is known of (scope, stakeholder id), as plain JSON for the explanation. Of several conditions those of the
    least `cost` are asked first: a column, a value in JSON, another table.
    """

    ops: Mapping[str, Reader]
    where: Callable[[Scope, str, Any], Condition]
    shown: Callable[[Scope, int], Any]
    cost: int = ELSEWHERE


def register(name: str, fact: Fact) -> None:
    """Let rules ask for one more fact."""
    if name in _FACTS:
        raise ValueError(f"there is a fact {name} already")
    _FACTS[name] = fact


def find(scope: Scope, name: str) -> Fact | None:
    """The fact of this name: a built-in or registered one, or `attrs.` with the name of a field."""
    field = scope.fields.get(name.removeprefix("attrs.")) if name.startswith("attrs.") else None
    return _FACTS.get(name) if field is None else _field_fact(field)


def names(scope: Scope) -> list[str]:
    """Every name a rule may use."""
    return [*_FACTS, *(f"attrs.{name}" for name in scope.fields)]


# Readers of values.


def word(allowed: Sequence[str]) -> Reader:
    """Reads one of these words."""
    return lambda _scope, value, pointer: people.one_of(value, allowed, pointer)


def _text(_scope: Scope, value: Any, pointer: str) -> str:
    return clean(value, pointer, length_max=TEXT_MAX, lines=True)


def _yes(_scope: Scope, value: Any, pointer: str) -> bool:
    return fields.boolean(value, pointer)


def several(one: Reader) -> Reader:
    """Reads a list of what `one` reads."""

    def read(scope: Scope, value: Any, pointer: str) -> list[Any]:
        if not isinstance(value, list) or not 1 <= len(value) <= VALUES_MAX:
            raise BadField(
                said("this must be a list of 1 to {values_max} values", values_max=VALUES_MAX),
                pointer=pointer,
            )
        return [one(scope, item, f"{pointer}/{place}") for place, item in enumerate(value)]

    return read


def _body(scope: Scope, value: Any, pointer: str) -> str:
    """A body of the same programme, so that a rule tells nothing about others."""
    try:
        number = parse_id("stk", value if isinstance(value, str) else "")
    except Invalid as error:
        raise BadField("this must be the id of a body, stk_…", pointer=pointer) from error
    if scope.session.get(Involvement, (number, scope.programme_id)) is None:
        raise BadField("there is no such body in this programme", pointer=pointer)
    return str(value)


def _colleague(_scope: Scope, value: Any, pointer: str) -> str:
    try:
        parse_id("usr", value if isinstance(value, str) else "")
    except Invalid as error:
        raise BadField("this must be the id of a colleague, usr_…", pointer=pointer) from error
    return str(value)


def _permission(_scope: Scope, value: Any, pointer: str) -> dict[str, str]:
    if not isinstance(value, dict) or set(value) != {"purpose", "channel"}:
        raise BadField("this must be an object with purpose and channel", pointer=pointer)
    purpose = people.one_of(value["purpose"], PURPOSES, f"{pointer}/purpose")
    return {"purpose": purpose, "channel": _channel(_scope, value["channel"], f"{pointer}/channel")}


def _channel(_scope: Scope, value: Any, pointer: str) -> str:
    try:
        return check_channel(value)
    except Invalid as error:
        raise BadField(error.detail, pointer=pointer) from error


# Conditions. `of` is a column or an expression that may be NULL.


def _compare(of: Any, op: str, value: Any) -> Any:
    """One comparison, as every ordered or textual value knows it."""
    match op:
        case "is":
            return of == value
        case "in":
            return of.in_(value)
        case "lt":
            return of < value
        case "le":
            return of <= value
        case "gt":
            return of > value
        case "ge":
            return of >= value
        case "contains":
            return of.contains(value, autoescape=True)
        case "starts_with":
            return of.startswith(value, autoescape=True)
        case "exists":
            return of.is_not(None) if value else of.is_(None)
    raise ValueError(f"no operator {op}")


def _column(of: Any) -> Callable[[Scope, str, Any], Condition]:
    return lambda _scope, op, value: _compare(of, op, value)


def _folded(value: Any) -> Any:
    return [fold(one) for one in value] if isinstance(value, list) else fold(value)


def _any(*conditions: ColumnElement[Any]) -> Condition:
    return exists().where(*conditions).correlate(WHO)


def _has_language(_scope: Scope, op: str, value: Any) -> Any:
    if op == "first":
        return WHO.languages[0].as_string() == value
    return array_has_word(WHO.languages, value)


def _has_tag(_scope: Scope, _op: str, value: Any) -> Condition:
    tag = select(Tag.id).where(Tag.name_fold == fold(value)).scalar_subquery()
    return _any(StakeholderTag.stakeholder_id == WHO.id, StakeholderTag.tag_id == tag)


def _is_member(scope: Scope, _op: str, value: Any) -> Condition:
    today = scope.now.date()
    return _any(
        Membership.person_id == WHO.id,
        Membership.body_id == parse_id("stk", value),
        or_(Membership.from_on.is_(None), Membership.from_on <= today),
        or_(Membership.to_on.is_(None), Membership.to_on >= today),
    )


def _owned(_scope: Scope, op: str, value: Any) -> Any:
    return _compare(INVOLVED.owner_id, op, parse_id("usr", value) if op == "is" else value)


def _has_address(_scope: Scope, _op: str, value: Any) -> Condition:
    return _any(Address.stakeholder_id == WHO.id, Address.channel == value, Address.state == "active")


def _has_consent(scope: Scope, _op: str, value: Any) -> Condition:
    """The latest act is a permission that has not ended. What may be sent is decided when it is sent."""
    alive = and_(Consent.act == "given", or_(Consent.expires_at.is_(None), Consent.expires_at > scope.now))
    newest = (
        select(alive)
        .where(
            Consent.stakeholder_id == WHO.id,
            Consent.purpose == value["purpose"],
            Consent.channel == value["channel"],
        )
        .order_by(Consent.at.desc(), Consent.id.desc())
        .limit(1)
    )
    return newest.correlate(WHO).scalar_subquery().is_(True)


def read(stakeholder: Any, name: str, type: str) -> ColumnElement[Any]:
    """The value of a field of this type as it is compared, NULL where there is none; of WHO or of its table."""
    kind, column = _FIELD_KINDS[type]
    found: ColumnElement[Any] = kind(getattr(stakeholder, column), name)
    return found


def _in_field(field: Field) -> Callable[[Scope, str, Any], Condition]:
    value_of = read(WHO, field.name, field.type)

    def where(_scope: Scope, op: str, value: Any) -> Any:
        if op == "exists" or field.type not in ("bool", "multi"):
            folded = op != "exists" and field.type in ("text", "choice")
            return _compare(value_of, op, _folded(value) if folded else value)
        return value_of.is_(value) if field.type == "bool" else array_has(value_of, fold(value))

    return where


_FIELD_OPS: dict[str, tuple[str, ...]] = {
    "text": ("is", "in", "contains", "starts_with"),
    "choice": ("is", "in"),
    "multi": ("has",),
    "number": ("is", "lt", "le", "gt", "ge"),
    "date": ("is", "lt", "le", "gt", "ge"),
    "bool": ("is",),
}
# How a field's value is read as it is compared, and out of which column.
_FIELD_KINDS: dict[str, tuple[Any, str]] = {
    "text": (json_text, "attrs_fold"),
    "choice": (json_text, "attrs_fold"),
    "multi": (json_list, "attrs_fold"),
    "number": (json_number, "attrs"),
    "date": (json_text, "attrs"),
    "bool": (json_truth, "attrs"),
}


def _field_fact(field: Field) -> Fact:
    def value(_scope: Scope, value: Any, pointer: str) -> Any:
        if field.type == "multi":
            return fields.value_of(field, [value], pointer)[0]
        return fields.value_of(field, value, pointer)

    readers = {name: several(value) if name == "in" else value for name in _FIELD_OPS[field.type]}

    def shown(scope: Scope, number: int) -> Any:
        return people.get(scope.session, number).attrs.get(field.name)

    return Fact(readers | {"exists": _yes}, _in_field(field), shown, IN_JSON)


# How facts are shown.


def _own(name: str) -> Callable[[Scope, int], Any]:
    return lambda scope, number: getattr(people.get(scope.session, number), name)


def _involvement(name: str) -> Callable[[Scope, int], Any]:
    def shown(scope: Scope, number: int) -> Any:
        found = scope.session.get(Involvement, (number, scope.programme_id))
        return None if found is None else getattr(found, name)

    return shown


def _owner(scope: Scope, number: int) -> str | None:
    owner_id = _involvement("owner_id")(scope, number)
    return None if owner_id is None else public_id("usr", owner_id)


def _tags(scope: Scope, number: int) -> list[str]:
    return people.tags(scope.session, number)


def _bodies(scope: Scope, number: int) -> list[dict[str, Any]]:
    rows = scope.session.execute(
        select(Stakeholder.name, Membership.role, Membership.from_on, Membership.to_on)
        .join(Stakeholder, Stakeholder.id == Membership.body_id)
        .where(Membership.person_id == number, Membership.body_id.in_(_visible(scope)))
        .order_by(Membership.id)
    )
    return [
        {"name": name, "role": role, "from_on": start and start.isoformat(), "to_on": end and end.isoformat()}
        for name, role, start, end in rows
    ]


def _visible(scope: Scope) -> Any:
    return select(Involvement.stakeholder_id).where(Involvement.programme_id == scope.programme_id)


def _channels(scope: Scope, number: int) -> list[str]:
    rows = (
        select(Address.channel).where(Address.stakeholder_id == number, Address.state == "active").distinct()
    )
    return sorted(scope.session.scalars(rows))


def _permissions(scope: Scope, number: int) -> list[dict[str, Any]]:
    acts = select(Consent.purpose, Consent.channel).where(Consent.stakeholder_id == number).distinct()
    found = []
    for purpose, channel in sorted(tuple(row) for row in scope.session.execute(acts)):
        act = consent.latest(scope.session, [number], purpose, channel)[number]
        ends = act.expires_at and act.expires_at.isoformat()
        found.append(
            {
                "purpose": purpose,
                "channel": channel,
                "act": act.act,
                "at": act.at.isoformat(),
                "expires_at": ends,
            }
        )
    return found


def _zone(_scope: Scope, value: Any, pointer: str) -> str:
    return zones.canonical(value, pointer)


def _language(_scope: Scope, value: Any, pointer: str) -> str:
    return people.language(value, pointer)


_FACTS: dict[str, Fact] = {
    "kind": Fact({"is": word(KINDS), "in": several(word(KINDS))}, _column(WHO.kind), _own("kind"), COLUMN),
    "name": Fact(
        {"is": _text, "in": several(_text), "contains": _text, "starts_with": _text},
        lambda _scope, op, value: _compare(WHO.name_fold, op, _folded(value)),
        _own("name"),
        COLUMN,
    ),
    "zone": Fact(
        {"is": _zone, "in": several(_zone), "exists": _yes}, _column(WHO.zone), _own("zone"), COLUMN
    ),
    "language": Fact({"has": _language, "first": _language}, _has_language, _own("languages"), COLUMN),
    "tag": Fact({"has": _text}, _has_tag, _tags),
    "member_of": Fact({"has": _body}, _is_member, _bodies),
    "connection": Fact(
        {"is": word(CONNECTIONS), "in": several(word(CONNECTIONS))},
        _column(INVOLVED.connection),
        _involvement("connection"),
        COLUMN,
    ),
    "rank": Fact(
        {"is": word(RANKS), "in": several(word(RANKS)), "exists": _yes},
        _column(INVOLVED.rank),
        _involvement("rank"),
        COLUMN,
    ),
    "role": Fact(
        {"is": word(ROLES), "in": several(word(ROLES)), "exists": _yes},
        _column(INVOLVED.role),
        _involvement("role"),
        COLUMN,
    ),
    "owner": Fact({"is": _colleague, "exists": _yes}, _owned, _owner, COLUMN),
    "address": Fact({"has": _channel}, _has_address, _channels),
    "consent": Fact({"has": _permission}, _has_consent, _permissions),
}
