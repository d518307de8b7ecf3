"""The desk of an import: the people some rows are about, laid out in memory, changed row by row, stored at once.

Rules: a fixed number of statements for each step, however many rows; rows of one step see what the rows before them
did; people outside the programmes the importer may see are neither changed nor shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ..base import new_id, public_id
from ..errors import BadField, Invalid, said
from . import addresses, consent, fields, people, tombstones, wishes
from .columns import Wanted
from .drafts import SHARED, Desk, Draft, Key, Outcome, Place, problem
from .rows import insert_rows
from .tables import Address, Involvement, Stakeholder, StakeholderTag, Tag
from .text import fold

COLUMNS = ("kind", "name", "name_fold", "external_id", "zone", "languages", "attrs", "attrs_fold")


def check_channel(channel: str, pointer: str) -> None:
    """BadField where this is no channel's name."""
    try:
        addresses.check_channel(channel)
    except Invalid as error:
        raise BadField(error.detail, pointer=pointer) from error


def open_for(place: Place, rows: Sequence[Wanted], *, locked: bool) -> Desk:
    """Lay out everyone these rows may be about. `locked`: nobody withdraws or is written to meanwhile."""
    session, keys = place.session, {key for row in rows for key in row.addresses}
    external = {row.values["external_id"] for row in rows if "external_id" in row.values}
    ids = _ids(session, external, keys)
    merged = {row.id: row for row in session.execute(_MERGED.where(Stakeholder.id.in_(ids)))}
    ids = {merged[one].merged_into if one in merged else one for one in ids}
    if locked:
        consent.lock(session, ids)
    desk = Desk(place, buried=tombstones.buried(session, keys))
    visible = _visible(place, ids)
    for person in session.execute(select(Stakeholder.__table__).where(Stakeholder.id.in_(ids))).mappings():
        values = {name: person[name] for name in COLUMNS}
        draft = Draft(person["id"], False, person["state"], person["version"], values)
        draft.visible = draft.id in visible
        desk.drafts[draft.id] = draft
        if draft.values["external_id"] is not None:
            desk.by_external[draft.values["external_id"]] = draft
    for gone in merged.values():  # another system knows somebody by the id of a record that was merged
        if gone.external_id is not None:
            desk.by_external[gone.external_id] = desk.drafts[gone.merged_into]
    _lay_out(desk)
    wishes.lay_out(desk, rows, keys)
    _lay_out_gone(desk, {number: row.merged_into for number, row in merged.items()})
    return desk


def apply(desk: Desk, row: Wanted, seen: set[int] | None) -> Outcome:
    """Decide about one row and change its draft. `seen` holds the keys of all rows before it, in a check."""
    found = _refused_already(row) or _match(desk, row)
    if isinstance(found, Outcome):
        found.problems += wishes.take(desk, None, row, seen)
        return found
    repeated = found is None and seen is not None and bool(seen & wishes.marks(row))
    draft = found or _new(desk, row)
    before = len(draft.changes)
    problems = [*row.unclear, *_merge(desk, draft, row), *wishes.take(desk, draft, row, seen)]
    if seen is not None:
        seen |= wishes.marks(row)
    changes = list(dict.fromkeys(draft.changes[before:]))
    if repeated:
        told = [*problems, problem("repeated", "the same as a row before")]
        return Outcome(row.line, "updated", None, told)
    number = draft.id if seen is None or not draft.new else None
    if found is None:
        return Outcome(row.line, "created", number, problems)
    return Outcome(row.line, "updated" if changes else "unchanged", number, problems, changes or None)


def store(desk: Desk, actor: str, evidence: dict[str, Any]) -> None:
    """Write the drafts: new and changed people, addresses, tags, involvement, consents."""
    session, place = desk.place.session, desk.place
    new = [draft for draft in desk.drafts.values() if draft.new]
    old = [draft for draft in desk.drafts.values() if draft.changed and not draft.new]
    fresh = {"created_at": place.now, "updated_at": place.now, "source": "import"}
    insert_rows(session, Stakeholder, ({"id": draft.id, **draft.values, **fresh} for draft in new))
    if old:
        edited = ({"id": d.id, **d.values, "version": d.version + 1, "updated_at": place.now} for d in old)
        session.execute(update(Stakeholder), list(edited))
    _store_addresses(desk)
    _store_tags(desk)
    _store_involvements(desk)
    proof = {**evidence, "import": public_id("imp", evidence["import"])}
    wishes.store(desk, actor, evidence["import"], proof)
    for draft in desk.drafts.values():
        draft.new = draft.changed = False


_MERGED = select(Stakeholder.id, Stakeholder.merged_into, Stakeholder.external_id).where(
    Stakeholder.merged_into.is_not(None)
)


def _ids(session: Session, external: set[str], keys: set[Key]) -> set[int]:
    found: set[int] = set()
    if external:
        found |= set(session.scalars(select(Stakeholder.id).where(Stakeholder.external_id.in_(external))))
    for channel in {channel for channel, _ in keys}:
        held = select(Address.stakeholder_id).where(Address.channel == channel)
        found |= set(
            session.scalars(held.where(Address.key.in_({key for one, key in keys if one == channel})))
        )
    return found


def _visible(place: Place, ids: set[int]) -> set[int]:
    if place.within is None:
        return ids
    programmes = {place.programme_id, *place.within}
    rows = select(Involvement.stakeholder_id).where(
        Involvement.stakeholder_id.in_(ids), Involvement.programme_id.in_(programmes)
    )
    return set(place.session.scalars(rows))


def _lay_out(desk: Desk) -> None:
    session, place, ids = desk.place.session, desk.place, set(desk.drafts)
    held = select(Address.stakeholder_id, Address.channel, Address.key, Address.state)
    for number, channel, key, state in session.execute(held.where(Address.stakeholder_id.in_(ids))):
        desk.drafts[number].addresses[channel, key] = state
        desk.by_address[channel, key].append(desk.drafts[number])
    tagged = select(StakeholderTag.stakeholder_id, Tag.name_fold).join(Tag, Tag.id == StakeholderTag.tag_id)
    for number, name in session.execute(tagged.where(StakeholderTag.stakeholder_id.in_(ids))):
        desk.drafts[number].tags.add(name)
    involved = select(Involvement.stakeholder_id, Involvement.connection, Involvement.rank).where(
        Involvement.programme_id == place.programme_id, Involvement.stakeholder_id.in_(ids)
    )
    for number, connection, rank in session.execute(involved):
        desk.drafts[number].involved = (connection, rank)


def _lay_out_gone(desk: Desk, into: Mapping[int, int]) -> None:
    """The addresses that only a merged record has or had: its person is known by them, and a retired one stays so."""
    if not into:
        return
    held = select(Address.stakeholder_id, Address.channel, Address.key, Address.state)
    for number, channel, key, state in desk.place.session.execute(
        held.where(Address.stakeholder_id.in_(into))
    ):
        draft = desk.drafts[into[number]]
        if (channel, key) not in draft.addresses:
            draft.addresses[channel, key] = state
            desk.by_address[channel, key].append(draft)


def _match(desk: Desk, row: Wanted) -> Draft | Outcome | None:
    """The stakeholder a row is about; None: a new one; an Outcome: it cannot be told, or may not be changed."""
    if not row.addresses and "external_id" not in row.values:
        return _refused(
            row, "no_key", "give an external id or an address, so that the file can be imported again"
        )
    external = row.values.get("external_id")
    found = desk.by_external.get(external) if external is not None else None
    if found is not None and not found.visible:
        return _refused(row, "external_id_not_free", "this external id cannot be used here")
    if found is None:
        holders = _holders(desk, row)
        if (
            external is not None
        ):  # a person known by address only, under the same name, gets their external id
            holders = [one for one in holders if one.values["external_id"] is None and _same_name(one, row)]
        elif len(holders) > 1:
            holders = [one for one in holders if _same_name(one, row)] or holders
        if len(holders) > 1:
            words = said("{people} people have this address; give an external id", people=len(holders))
            return Outcome(row.line, "held", None, [problem("ambiguous", words)])
        found = holders[0] if holders else None
    if found is not None and found.state == "erased":
        return _refused(row, "erased", "this person was erased and is not taken in again")
    held = found.addresses if found is not None else {}
    if any(key in desk.buried and key not in held for key in row.addresses):
        return _refused(row, "erased", "this person was erased and is not taken in again")
    return found


def _holders(desk: Desk, row: Wanted) -> list[Draft]:
    """Who it may be by its addresses: by mail first; by what several share, or beside another mail, by name too."""
    mail = [key for key in row.addresses if key[0] == "email"]
    if found := desk.holders(mail):
        return found
    own = [key for key in row.addresses if key[0] not in SHARED]
    named = [one for one in desk.holders(row.addresses) if _named(one, row)]
    if mail or named:
        return named
    return desk.holders(own if "name_fold" in row.values else row.addresses)


def _named(draft: Draft, row: Wanted) -> bool:
    """They have the name that the row says, or are called by one of its addresses."""
    names = {fold(value) for value in row.addresses.values()} | {row.values.get("name_fold")}
    return draft.values["name_fold"] in names


def _same_name(draft: Draft, row: Wanted) -> bool:
    """Nothing speaks against it: the name is the same, or one of them has only the address for a name."""
    return "name_fold" not in row.values or _named(draft, row)


def _new(desk: Desk, row: Wanted) -> Draft:
    """A new stakeholder; one without a name is called by their address."""
    name = next(iter(row.addresses.values()), row.values.get("external_id"))
    values: dict[str, Any] = {
        "kind": "person",
        "external_id": None,
        "zone": None,
        "languages": [],
        "attrs": {},
        "attrs_fold": {},
    }
    draft = Draft(new_id(), True, "active", 1, values | people.checked({"name": name}))
    desk.drafts[draft.id] = draft
    return draft


def _merge(desk: Desk, draft: Draft, row: Wanted) -> list[dict[str, Any]]:
    """Add what the row says to the draft; nothing is taken away."""
    attrs = {**draft.values["attrs"], **row.attrs}
    external = draft.values["external_id"] or row.values.get("external_id")  # one's own, of a merged record's
    values = {**draft.values, **row.values, "attrs": attrs, "external_id": external}
    values["attrs_fold"] = fields.folded(desk.place.fields, attrs)
    if values != draft.values:
        draft.changes += _changed(draft.values, values)
        draft.values, draft.changed = values, True
    if values["external_id"] is not None:
        desk.by_external[values["external_id"]] = draft
    problems = []
    if draft.state == "archived":
        problems.append(problem("archived", "this stakeholder is archived and stays so"))
    for key, value in row.addresses.items():
        if draft.addresses.get(key) == "retired":
            problems.append(problem("address_retired", "this address was retired and stays so"))
        elif key not in draft.addresses:
            draft.addresses[key], draft.new_addresses[key] = "active", value
            draft.changes.append(f"address.{key[0]}")
            desk.by_address[key].append(draft)
    for name in row.tags:
        if fold(name) not in draft.tags:
            draft.tags.add(fold(name))
            draft.new_tags[fold(name)] = name
            draft.changes.append("tags")
    connection, rank = draft.involved or ("involved", None)
    involved = (row.connection or connection, row.rank or rank)
    if involved != draft.involved:
        draft.involved, draft.involve = involved, True
        draft.changes.append("connection")
    return problems


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What is new among the values, as columns are called."""
    own = [name for name in after["attrs"] if after["attrs"][name] != before["attrs"].get(name)]
    told = ("kind", "name", "external_id", "zone", "languages")
    return [name for name in told if after[name] != before[name]] + [f"attrs.{name}" for name in own]


def _store_addresses(desk: Desk) -> None:
    rows = [
        {
            "stakeholder_id": draft.id,
            "channel": channel,
            "key": key,
            "value": value,
            "created_at": desk.place.now,
        }
        for draft in desk.drafts.values()
        for (channel, key), value in draft.new_addresses.items()
    ]
    insert_rows(desk.place.session, Address, rows, missing=True)


def _store_tags(desk: Desk) -> None:
    names = {key: name for draft in desk.drafts.values() for key, name in draft.new_tags.items()}
    ids = (
        {tag.name_fold: tag.id for tag in people.tags_named(desk.place.session, names.values())}
        if names
        else {}
    )
    rows = [
        {"tag_id": ids[key], "stakeholder_id": draft.id}
        for draft in desk.drafts.values()
        for key in draft.new_tags
    ]
    insert_rows(desk.place.session, StakeholderTag, rows, missing=True)


def _store_involvements(desk: Desk) -> None:
    session, place = desk.place.session, desk.place
    drafts = [draft for draft in desk.drafts.values() if draft.involve and draft.involved is not None]
    rows = [
        {
            "stakeholder_id": draft.id,
            "programme_id": place.programme_id,
            "connection": how[0],
            "rank": how[1],
        }
        for draft in drafts
        if (how := draft.involved) is not None
    ]
    insert_rows(session, Involvement, ({**row, "at": place.now} for row in rows), missing=True)
    # Of somebody new nobody else can have written one meanwhile.
    if before := [row for row, draft in zip(rows, drafts, strict=True) if not draft.new]:
        session.execute(update(Involvement), before)


def _refused_already(row: Wanted) -> Outcome | None:
    """A row with a value that cannot be stored; what it says of opting out is kept all the same."""
    return Outcome(row.line, "refused", None, list(row.problems)) if row.problems else None


def _refused(row: Wanted, code: str, detail: str) -> Outcome:
    return Outcome(row.line, "refused", None, [problem(code, detail)])
