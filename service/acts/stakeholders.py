"""What may be done with stakeholders, their addresses, memberships, tags and involvements.

Rules: a stakeholder is reached through involvement in a programme where the caller has the scope; whoever is
not reached is NotFound, in a path and in a body alike. The audit names what was changed, never the values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import aliased

from campaigns.errors import BadField, Forbidden, Invalid, NotFound, said
from campaigns.responses import attachments, erasure
from campaigns.stakeholders import addresses, people
from campaigns.stakeholders.tables import Address, Involvement, Membership, Stakeholder, StakeholderTag, Tag
from campaigns.strategies import programmes
from campaigns.strategies.tables import Programme

from .. import exports, paging
from ..access import Caller, involved, scoped
from ..wiring import Wiring
from . import Act, begin

READ, WRITE, ERASE = "stakeholders:read", "stakeholders:write", "stakeholders:erase"


def reached(act: Act, stakeholder_id: int, scope: str, *, lock: bool = False) -> Stakeholder:
    """The stakeholder where the caller has the scope; Forbidden who is only seen, NotFound who is not.

    By the id of a record that was merged comes the one that stands for it.
    """
    merged = aliased(Stakeholder)
    into = select(merged.merged_into).where(merged.id == stakeholder_id).scalar_subquery()
    statement = select(Stakeholder).where(
        Stakeholder.id == func.coalesce(into, stakeholder_id), Stakeholder.state != "erased"
    )
    found = act.session.scalar(
        involved(statement.with_for_update() if lock else statement, Stakeholder.id, act.caller, scope)
    )
    if found is not None:
        return found
    if act.session.scalar(involved(statement, Stakeholder.id, act.caller, READ)) is None:
        raise NotFound("no such thing")
    raise Forbidden(said("this needs {scope} in a programme they are involved in", scope=scope))


def home(act: Act, scope: str, programme_id: int | None) -> int:
    """The programme something new belongs to: the one named, else the token's, else General."""
    chosen = programme_id if programme_id is not None else act.caller.defaults.get("programme_id")
    if chosen is None:
        chosen = programmes.general(act.session, act.now).id
    act.need(scope, chosen)
    return act.one(Programme, chosen).id


@contextmanager
def within(place: str, *, whole: bool = False) -> Iterator[None]:
    """Errors inside point to where the part stands in the body."""
    try:
        yield
    except Invalid as error:
        error.pointer = place if whole else place + (error.pointer or "")
        raise


def listed(act: Act, *, limit: int, after: str | None, before: str | None, **filters: Any) -> paging.Page:
    """The stakeholders the caller reaches, oldest first."""
    statement = involved(select(Stakeholder), Stakeholder.id, act.caller, READ)
    if (programme_id := filters.pop("programme_id", None)) is not None:
        act.need(READ, programme_id)
        statement = statement.where(_in(Involvement.stakeholder_id, Involvement.programme_id == programme_id))
    return paging.cut(
        act.session, _filtered(statement, **filters), Stakeholder.id, limit=limit, after=after, before=before
    )


def get(act: Act, stakeholder_id: int) -> Stakeholder:
    """One stakeholder."""
    return reached(act, stakeholder_id, READ)


def create(
    act: Act,
    *,
    programme_id: int | None = None,
    addresses: Iterable[Mapping[str, Any]] = (),
    tags: Iterable[str] = (),
    **values: Any,
) -> Stakeholder:
    """A new stakeholder, involved in a programme, with addresses and tags."""
    programme_id = home(act, WRITE, programme_id)
    made = people.create(act.session, act.now, **values)
    people.involve(act.session, act.now, made.id, programme_id)
    _equip(act, made.id, addresses, tags)
    act.note("stakeholder.created", "stakeholder", made.id, programme_id=programme_id)
    return made


def upsert(
    act: Act,
    external_id: str,
    *,
    programme_id: int | None = None,
    addresses: Iterable[Mapping[str, Any]] = (),
    tags: Iterable[str] = (),
    **values: Any,
) -> tuple[Stakeholder, bool]:
    """The stakeholder that another system knows by this id, changed or made (True); addresses and tags add."""
    found, made = people.upsert(act.session, act.now, external_id, **values)
    if not made:
        reached(act, found.id, WRITE)
    if made or programme_id is not None:
        programme_id = home(act, WRITE, programme_id)
        if act.session.get(Involvement, (found.id, programme_id)) is None:
            people.involve(act.session, act.now, found.id, programme_id)
    _equip(act, found.id, addresses, tags)
    act.note(
        "stakeholder.created" if made else "stakeholder.changed", "stakeholder", found.id,
        programme_id=programme_id, after=None if made else {"fields": sorted(values)},
    )  # fmt: skip
    return found, made


def change(act: Act, stakeholder_id: int, version: int | None, **values: Any) -> Stakeholder:
    """Change the values named; in `attrs`, null takes a value away."""
    found = reached(act, stakeholder_id, WRITE, lock=True)
    act.unchanged(found, version)
    people.change(act.session, found, act.now, **values)
    act.note("stakeholder.changed", "stakeholder", found.id, after={"fields": sorted(values)})
    return found


def archive(act: Act, stakeholder_id: int) -> None:
    """Take a stakeholder out of use; they stay on the record."""
    found = reached(act, stakeholder_id, WRITE, lock=True)
    people.archive(act.session, act.now, found)
    act.note("stakeholder.archived", "stakeholder", found.id)


def erase(
    wiring: Wiring, caller: Caller, stakeholder_id: int, *, reason: str, request_id: str | None = None
) -> None:
    """Erase somebody at their own wish, everywhere, the files of contacts with them included."""
    with begin(wiring, caller, request_id=request_id) as act:
        taken = exports.forget_person(act.session, stakeholder_id)
        gone = _erase(act, stakeholder_id, reason)
    attachments.drop(wiring.settings.folder, gone)
    exports.drop(wiring, taken)


def _erase(act: Act, stakeholder_id: int, reason: str) -> set[str]:
    """The files to drop once this is committed."""
    found = reached(act, stakeholder_id, ERASE, lock=True)
    programmes_of = select(Involvement.programme_id).where(Involvement.stakeholder_id == found.id)
    for programme_id in act.session.scalars(programmes_of):
        act.need(ERASE, programme_id)
    if not reason.strip():
        raise BadField("say why: it stays in the audit entries", pointer="/reason")
    gone = erasure.erase(act.session, act.now, found)
    act.note("stakeholder.erased", "stakeholder", found.id, after={"reason": reason})
    return attachments.unnamed(act.session, gone)


def list_addresses(act: Act, stakeholder_id: int, **page: Any) -> paging.Page:
    """A stakeholder's addresses, the oldest first."""
    found = reached(act, stakeholder_id, READ)
    return paging.cut(
        act.session, select(Address).where(Address.stakeholder_id == found.id), Address.id, **page
    )


def add_address(act: Act, stakeholder_id: int, **values: Any) -> Address:
    """Give a stakeholder an address; one with the same key is used again."""
    found = reached(act, stakeholder_id, WRITE)
    added = addresses.add(act.session, act.now, found.id, **values)
    act.note("address.added", "address", added.id, after={"channel": added.channel})
    return added


def retire_address(act: Act, stakeholder_id: int, address_id: int) -> None:
    """Use an address no more."""
    found = reached(act, stakeholder_id, WRITE)
    address = act.one(Address, address_id, lock=True)
    if address.stakeholder_id != found.id:
        raise NotFound("no such thing")
    addresses.retire(act.session, address)
    act.note("address.retired", "address", address.id, after={"channel": address.channel})


def list_memberships(act: Act, stakeholder_id: int, **page: Any) -> paging.Page:
    """What a person belongs to, or who belongs to a body, as far as the caller reaches the other side."""
    found = reached(act, stakeholder_id, READ)
    statement = select(Membership).where(
        or_(Membership.person_id == found.id, Membership.body_id == found.id)
    )
    for side in (Membership.person_id, Membership.body_id):
        statement = involved(statement, side, act.caller, READ)
    return paging.cut(act.session, statement, Membership.id, **page)


def join(act: Act, person_id: int, body_id: int, **values: Any) -> Membership:
    """A person belongs to a body; the caller may change both."""
    for side in (person_id, body_id):
        reached(act, side, WRITE)
    made = people.join(act.session, person_id, body_id, **values)
    act.note("membership.created", "membership", made.id)
    return made


def leave(act: Act, stakeholder_id: int, membership_id: int, on: date | None) -> None:
    """A membership ends, on this day (UTC) where none is named."""
    found = reached(act, stakeholder_id, WRITE)
    membership = act.one(Membership, membership_id, lock=True)
    if found.id not in (membership.person_id, membership.body_id):
        raise NotFound("no such thing")
    people.leave(act.session, membership, on or act.now.date())
    act.note("membership.ended", "membership", membership.id, after={"to_on": str(membership.to_on)})


def list_tags(act: Act, stakeholder_id: int, **page: Any) -> paging.Page:
    """A stakeholder's tags, the oldest tag first."""
    found = reached(act, stakeholder_id, READ)
    mine = _in(StakeholderTag.tag_id, StakeholderTag.stakeholder_id == found.id, what=Tag.id)
    return paging.cut(act.session, select(Tag).where(mine), Tag.id, **page)


def tag(act: Act, stakeholder_id: int, name: str) -> Tag:
    """Give a stakeholder a tag."""
    found = reached(act, stakeholder_id, WRITE)
    given = people.tag(act.session, found.id, name)
    act.note("stakeholder.tagged", "stakeholder", found.id, after={"tag": given.name})
    return given


def untag(act: Act, stakeholder_id: int, name: str) -> None:
    """Take a tag away."""
    found = reached(act, stakeholder_id, WRITE)
    people.untag(act.session, found.id, name)
    act.note("stakeholder.untagged", "stakeholder", found.id, before={"tag": name})


def list_involvements(act: Act, stakeholder_id: int, **page: Any) -> paging.Page:
    """What a stakeholder is involved in, as far as the caller's grants reach."""
    found = reached(act, stakeholder_id, READ)
    statement = select(Involvement).where(Involvement.stakeholder_id == found.id)
    statement = scoped(statement, Involvement.programme_id, act.caller, READ)
    return paging.cut(act.session, statement, Involvement.programme_id, **page)


def involve(act: Act, stakeholder_id: int, programme_id: int, **values: Any) -> Involvement:
    """Say how a stakeholder is connected with a programme; it shows them to everybody with a grant on it."""
    found = reached(act, stakeholder_id, WRITE)
    act.need(WRITE, programme_id)
    programme = act.one(Programme, programme_id)
    said = people.involve(act.session, act.now, found.id, programme.id, **values)
    act.note(
        "stakeholder.involved", "stakeholder", found.id,
        programme_id=programme.id, after={"connection": said.connection, "rank": said.rank},
    )  # fmt: skip
    return said


def _filtered(
    statement: Select[Any],
    *,
    state: str,
    kind: str | None = None,
    external_id: str | None = None,
    name: str | None = None,
    tag: str | None = None,
    address: tuple[str, str] | None = None,
) -> Select[Any]:
    """`address` is a channel and a key; `name` any part of it, in any capitals."""
    statement = statement.where(Stakeholder.state == state)
    if kind is not None:
        statement = statement.where(Stakeholder.kind == kind)
    if external_id is not None:
        known = aliased(Stakeholder)
        stands = func.coalesce(known.merged_into, known.id)
        whose = select(stands).where(known.external_id == external_id)
        statement = statement.where(Stakeholder.id.in_(whose))
    if name is not None:
        statement = statement.where(Stakeholder.name_fold.contains(people.fold(name), autoescape=True))
    if tag is not None:
        tagged = select(Tag.id).where(Tag.name_fold == people.fold(tag))
        statement = statement.where(_in(StakeholderTag.stakeholder_id, StakeholderTag.tag_id.in_(tagged)))
    if address is not None:
        channel, key = address
        has = (Address.channel == channel, Address.key == key, Address.state == "active")
        statement = statement.where(_in(Address.stakeholder_id, *has))
    return statement


def _in(column: Any, *conditions: Any, what: Any = Stakeholder.id) -> Any:
    return what.in_(select(column).where(*conditions))


def _equip(act: Act, stakeholder_id: int, given: Iterable[Mapping[str, Any]], tags: Iterable[str]) -> None:
    for place, address in enumerate(given):
        with within(f"/addresses/{place}"):
            addresses.add(act.session, act.now, stakeholder_id, **address)
    for place, name in enumerate(tags):
        with within(f"/tags/{place}", whole=True):
            people.tag(act.session, stakeholder_id, name)
