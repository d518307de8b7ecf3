"""People, groups, communities and organisations: who they are, what they belong to and are involved in.

Rules: identity is the id, never an address; `attrs` are merged, never replaced; involvement in a programme is
what makes a stakeholder visible to that programme's grants.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from .. import zones
from ..base import new_id
from ..errors import BadField, InUse, NotFound, said
from . import fields
from .rows import insert_missing
from .tables import CONNECTIONS, KINDS, RANKS, Involvement, Membership, Stakeholder, StakeholderTag, Tag
from .text import TEXT_MAX, clean
from .text import fold as fold

LANGUAGES_MAX = 20
EXTERNAL_ID_MAX = 200
TAG_MAX = 100
_LANGUAGE = re.compile(r"([a-z]{2,3})(-[a-z]{4})?(-(?:[a-z]{2}|[0-9]{3}))?", re.IGNORECASE)


def create(
    session: Session,
    now: datetime,
    *,
    kind: str,
    name: str,
    external_id: str | None = None,
    languages: Sequence[str] = (),
    zone: str | None = None,
    attrs: Mapping[str, Any] | None = None,
    source: str = "api",
) -> Stakeholder:
    """A new stakeholder; BadField says which value is wrong, InUse that the external id has an owner."""
    plain = {"kind": kind, "name": name, "external_id": external_id, "languages": languages}
    values = checked(plain | {"zone": zone, "source": source})
    values["attrs"], values["attrs_fold"] = fields.check(session, attrs or {})
    number = new_id()
    insert_missing(session, Stakeholder, [{"id": number, "created_at": now, "updated_at": now} | values])
    created = session.get(Stakeholder, number)
    if created is None:
        raise InUse("another stakeholder has this external id", pointer="/external_id")
    return created


def change(session: Session, stakeholder: Stakeholder, now: datetime, **values: Any) -> Stakeholder:
    """Change the values named; in `attrs`, None takes a value away and what is not named stays."""
    attrs = values.pop("attrs", None)
    fresh = checked(values)
    if attrs is not None:
        merged = {**stakeholder.attrs, **_mapping(attrs)}
        fresh["attrs"], fresh["attrs_fold"] = fields.check(session, merged)
    if external_id := fresh.get("external_id"):
        _refuse_taken(session, external_id, stakeholder.id)
    if any(getattr(stakeholder, name) != value for name, value in fresh.items()):
        for name, value in fresh.items():
            setattr(stakeholder, name, value)
        stakeholder.touch(now)
        session.flush()
    return stakeholder


def upsert(session: Session, now: datetime, external_id: str, **values: Any) -> tuple[Stakeholder, bool]:
    """The stakeholder with this external id, changed or created (True); a new one needs a name."""
    found = _known(session, external_id)
    if found is None:
        try:
            created = {"kind": "person", "name": ""} | values
            return create(session, now, external_id=external_id, **created), True
        except InUse:  # somebody else created it in this moment
            found = _known(session, external_id)
            if found is None:
                raise
    values.pop("source", None)  # where the record came from stays what it was
    return change(session, found, now, **values), False


def get(session: Session, id: int) -> Stakeholder:
    """The stakeholder with this id, whatever its state; NotFound."""
    found = session.get(Stakeholder, id)
    if found is None:
        raise NotFound("there is no such stakeholder")
    return found


def by_external_id(session: Session, external_id: str) -> Stakeholder | None:
    """The stakeholder another system knows by this id."""
    wanted = clean(external_id, "/external_id", length_max=EXTERNAL_ID_MAX)
    return session.scalar(select(Stakeholder).where(Stakeholder.external_id == wanted))


def _known(session: Session, external_id: str) -> Stakeholder | None:
    """The record that stands for whoever another system knows by this id."""
    found = by_external_id(session, external_id)
    return found if found is None or found.merged_into is None else get(session, found.merged_into)


def archive(session: Session, now: datetime, stakeholder: Stakeholder) -> None:
    """Take a stakeholder out of use: kept on the record, in no segment, written to no more."""
    if stakeholder.state == "active":
        stakeholder.state = "archived"
        stakeholder.touch(now)
        session.flush()


def involve(
    session: Session,
    now: datetime,
    stakeholder_id: int,
    programme_id: int,
    *,
    connection: str = "involved",
    rank: str | None = None,
    note: str = "",
) -> Involvement:
    """Say how a stakeholder is connected with a programme, or change what was said."""
    get(session, stakeholder_id)
    said = {
        "connection": one_of(connection, CONNECTIONS, "/connection"),
        "rank": None if rank is None else one_of(rank, RANKS, "/rank"),
        "note": clean(note, "/note", length_max=TEXT_MAX, lines=True, empty=True),
    }
    pair = {"stakeholder_id": stakeholder_id, "programme_id": programme_id}
    insert_missing(session, Involvement, [{**pair, **said, "at": now}])
    involvement = session.get_one(Involvement, (stakeholder_id, programme_id))
    for name, value in said.items():
        setattr(involvement, name, value)
    session.flush()
    return involvement


def join(
    session: Session,
    person_id: int,
    body_id: int,
    role: str = "",
    from_on: date | None = None,
    to_on: date | None = None,
) -> Membership:
    """A person belongs to a group, community or organisation, from and to a day (both inside; None: open)."""
    if get(session, person_id).kind != "person":
        raise BadField("only a person can belong to a body", pointer="/person_id")
    if get(session, body_id).kind == "person":
        raise BadField("a person belongs to a group, community or organisation", pointer="/body_id")
    if from_on and to_on and to_on < from_on:
        raise BadField("a membership cannot end before it begins", pointer="/to_on")
    membership = Membership(
        person_id=person_id,
        body_id=body_id,
        role=clean(role, "/role", empty=True),
        from_on=from_on,
        to_on=to_on,
    )
    session.add(membership)
    session.flush()
    return membership


def leave(session: Session, membership: Membership, on: date) -> None:
    """A membership's last day is `on`."""
    if membership.from_on and on < membership.from_on:
        raise BadField("a membership cannot end before it begins", pointer="/to_on")
    membership.to_on = on
    session.flush()


def behind(session: Session, body_id: int, on: date) -> list[Stakeholder]:
    """The active people who belong to a body on a day, by name."""
    members = select(Membership.person_id).where(
        Membership.body_id == body_id,
        or_(Membership.from_on.is_(None), Membership.from_on <= on),
        or_(Membership.to_on.is_(None), Membership.to_on >= on),
    )
    people = select(Stakeholder).where(Stakeholder.id.in_(members), Stakeholder.state == "active")
    return list(session.scalars(people.order_by(Stakeholder.name_fold, Stakeholder.id)))


def tag(session: Session, stakeholder_id: int, name: str) -> Tag:
    """Give a stakeholder a tag; tags that differ only in capitals are one."""
    get(session, stakeholder_id)
    found = tags_named(session, [name])[0]
    insert_missing(session, StakeholderTag, [{"tag_id": found.id, "stakeholder_id": stakeholder_id}])
    return found


def untag(session: Session, stakeholder_id: int, name: str) -> None:
    """Take a tag away; nothing happens where it was not."""
    named = select(Tag.id).where(Tag.name_fold == fold(name))
    session.execute(
        delete(StakeholderTag).where(
            StakeholderTag.stakeholder_id == stakeholder_id, StakeholderTag.tag_id.in_(named)
        ),
        execution_options={"synchronize_session": False},
    )


def tags(session: Session, stakeholder_id: int) -> list[str]:
    """A stakeholder's tags, in order."""
    mine = select(StakeholderTag.tag_id).where(StakeholderTag.stakeholder_id == stakeholder_id)
    return list(session.scalars(select(Tag.name).where(Tag.id.in_(mine)).order_by(Tag.name_fold)))


def tags_named(session: Session, names: Iterable[str]) -> list[Tag]:
    """The tags with these names, new ones made, each once, in order of their folded names."""
    wanted = {
        fold(name): name for name in (clean(name, "/tag", length_max=TAG_MAX).strip() for name in names)
    }
    insert_missing(session, Tag, [{"name": name, "name_fold": key} for key, name in sorted(wanted.items())])
    return list(session.scalars(select(Tag).where(Tag.name_fold.in_(wanted)).order_by(Tag.name_fold)))


def checked(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a stakeholder's own columns as they are stored; BadField for an unknown or wrong one."""
    stored: dict[str, Any] = {}
    for name, value in values.items():
        pointer = f"/{name}"
        match name:
            case "kind":
                stored["kind"] = one_of(value, KINDS, pointer)
            case "name":
                stored["name"] = clean(value, pointer)
                stored["name_fold"] = fold(stored["name"])
            case "external_id":
                stored["external_id"] = (
                    None if value is None else clean(value, pointer, length_max=EXTERNAL_ID_MAX)
                )
            case "languages":
                stored["languages"] = languages_of(value, pointer)
            case "zone":
                stored["zone"] = None if value is None else zones.canonical(value, pointer)
            case "source":
                stored["source"] = clean(value, pointer)
            case _:
                raise BadField("this cannot be set", pointer=pointer)
    return stored


def languages_of(value: Any, pointer: str) -> list[str]:
    """Language tags in the person's order, each once, in the usual capitals (`cy`, `en-GB`, `zh-Hant`)."""
    if not isinstance(value, list | tuple) or len(value) > LANGUAGES_MAX:
        raise BadField(
            said("languages are a list of at most {languages_max}", languages_max=LANGUAGES_MAX),
            pointer=pointer,
        )
    return list(dict.fromkeys(language(one, f"{pointer}/{place}") for place, one in enumerate(value)))


def language(value: Any, pointer: str) -> str:
    """One language tag: language, script, region."""
    found = _LANGUAGE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise BadField("this is not a language tag; write cy, en-GB or ar", pointer=pointer)
    base, script, region = found.groups(default="")
    return base.lower() + script.title() + region.upper()


def one_of(value: Any, allowed: Sequence[str], pointer: str) -> str:
    """The value if it is one of the allowed words."""
    if not isinstance(value, str) or value not in allowed:
        raise BadField(said("this must be one of {allowed}", allowed=allowed), pointer=pointer)
    return value


def _mapping(attrs: Any) -> Mapping[str, Any]:
    if not isinstance(attrs, Mapping):
        raise BadField("attrs must be an object", pointer="/attrs")
    return attrs


def _refuse_taken(session: Session, external_id: str, own_id: int) -> None:
    owner = by_external_id(session, external_id)
    if owner is not None and owner.id != own_id:
        raise InUse("another stakeholder has this external id", pointer="/external_id")
