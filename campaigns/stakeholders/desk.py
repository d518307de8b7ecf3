"""The desk of an import: the people some rows are about, laid out in memory, changed row by row, stored at once.

Rules: a fixed number of statements for each step, however many rows; rows of one step see what the rows before them
did; people outside the programmes the importer may see are neither changed nor shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from ..base import new_id, public_id
from ..errors import BadField, Invalid, said
from . import addresses, consent, exporters, fields, people, tombstones
from .columns import Wanted
from .rows import insert_rows
from .tables import Address, Consent, Field, Involvement, Stakeholder, StakeholderTag, Suppression, Tag
from .text import fold

COLUMNS = ("kind", "name", "name_fold", "external_id", "zone", "languages", "attrs", "attrs_fold")
Key = tuple[str, str]
# Whom a suppression is about: the address of a channel, or "" and a stakeholder.
Subject = tuple[str, str, int]
# Whoever opts out of a mailing means all that they did not ask for themselves; every other reason is for all.
STOPPED = {"opt_out": ("direct_marketing", "survey")}


@dataclass(frozen=True)
class Known:
    """A suppression that is known already, lifted ones included."""

    reason: str
    at: datetime
    stands: bool


@dataclass(frozen=True)
class Declaration:
    """One consent for the whole file: what was agreed to, where it comes from, which wording was shown, and when."""

    purpose: str
    channel: str
    basis: str
    source: str
    wording_version: str
    at: datetime | None  # None: only who has a time of their own in the file


@dataclass(frozen=True)
class Place:
    """Where and when an import works. `within`: the programmes whose people may be recognised (None: all)."""

    session: Session
    now: datetime
    programme_id: int
    within: Collection[int] | None
    declaration: Declaration | None
    fields: Mapping[str, Field]


@dataclass
class Outcome:
    """What became of one row: created, updated, unchanged, refused or held. `notes` are counted beside it."""

    line: int
    outcome: str
    stakeholder_id: int | None
    problems: list[dict[str, Any]] = field(default_factory=list)

    @property
    def notes(self) -> list[str]:
        """stopped, of every row; suppressed, opted_out, undeclared of those that are in: what was not done for them."""
        codes = [problem["code"] for problem in self.problems]
        return [one for one in codes if one == "stopped" or self.outcome not in ("refused", "held")]


@dataclass
class Draft:
    """One stakeholder as they are, and what is to be stored of them."""

    id: int
    new: bool
    state: str
    version: int
    values: dict[str, Any]
    addresses: dict[Key, str] = field(default_factory=dict)  # to their state
    tags: set[str] = field(default_factory=set)
    involved: tuple[str, str | None] | None = None
    act: tuple[str, datetime] | None = None  # the latest of the declared purpose and channel
    visible: bool = True
    edits: int = 0  # how often a row changed something
    changed: bool = False
    involve: bool = False
    new_addresses: dict[Key, str] = field(default_factory=dict)
    new_tags: dict[str, str] = field(default_factory=dict)
    consent_line: int | None = None


@dataclass
class Desk:
    """The drafts of one step, and the ways to find them."""

    place: Place
    stops: bool = False  # some row says that somebody opted out
    drafts: dict[int, Draft] = field(default_factory=dict)
    by_external: dict[str, Draft] = field(default_factory=dict)
    by_address: dict[Key, list[Draft]] = field(default_factory=lambda: defaultdict(list))
    buried: set[Key] = field(default_factory=set)  # of people who were erased
    stopped_keys: set[Key] = field(default_factory=set)
    stopped_ids: set[int] = field(default_factory=set)
    opt_outs: dict[Subject, list[Known]] = field(default_factory=lambda: defaultdict(list))
    new_stops: list[dict[str, Any]] = field(default_factory=list)


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
    desk = Desk(place, buried=tombstones.buried(session, keys), stops=any(row.stops for row in rows))
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
    _lay_out(desk, keys)
    _lay_out_gone(desk, {number: row.merged_into for number, row in merged.items()})
    return desk


def apply(desk: Desk, row: Wanted, seen: set[int] | None) -> Outcome:
    """Decide about one row and change its draft. `seen` holds the keys of all rows before it, in a check."""
    found = _refused_already(row) or _match(desk, row)
    if isinstance(found, Outcome):
        found.problems += _stop(desk, None, row, seen)
        return found
    repeated = found is None and seen is not None and bool(seen & _marks(row))
    if seen is not None:
        seen |= _marks(row)
    draft = found or _new(desk, row)
    before = draft.edits
    problems = [*_merge(desk, draft, row), *(_stop(desk, draft, row, seen) or _agree(desk, draft, row, seen))]
    if repeated:
        return Outcome(
            row.line, "updated", None, [*problems, _problem("repeated", "the same as a row before")]
        )
    outcome = "created" if found is None else "unchanged" if draft.edits == before else "updated"
    number = draft.id if seen is None or not draft.new else None
    return Outcome(row.line, outcome, number, problems)


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
    _store_stops(desk, proof)
    if place.declaration is not None:
        _store_consents(desk, place.declaration, actor, proof)
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


def _lay_out(desk: Desk, keys: set[Key]) -> None:
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
    if place.declaration is not None:
        acts = consent.latest(session, ids, place.declaration.purpose, place.declaration.channel)
        for number, act in acts.items():
            desk.drafts[number].act = (act.act, act.at)
    _find_stopped(desk, keys)
    _find_opt_outs(desk, keys)


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


def _find_opt_outs(desk: Desk, keys: set[Key]) -> None:
    """What is known about who opted out, where rows of this step say that somebody has."""
    if not desk.stops:
        return
    about = or_(
        Suppression.address_key.in_({key for _, key in keys}),
        Suppression.address_key.is_(None) & Suppression.stakeholder_id.in_(set(desk.drafts)),
    )
    for one in desk.place.session.scalars(select(Suppression).where(about)):
        subject = (one.channel, one.address_key or "", 0 if one.address_key else one.stakeholder_id or 0)
        stands = one.lifted_at is None and (one.until_at is None or one.until_at > desk.place.now)
        desk.opt_outs[subject].append(Known(one.reason, one.at, stands))


def _find_stopped(desk: Desk, keys: set[Key]) -> None:
    """Whom a suppression stops: an address of a row, or a person on the channel of one or of the declaration."""
    declared = set() if desk.place.declaration is None else {desk.place.declaration.channel}
    for channel in {channel for channel, _ in keys} | declared:
        mine = {key for one, key in keys if one == channel}
        # 0 is nobody's id: what stops it stops the address, whoever has it; an empty key is no address.
        pairs = [(number, "") for number in desk.drafts]
        stopped = consent.suppressed(
            desk.place.session, desk.place.now, channel, [*pairs, *((0, key) for key in mine)]
        )
        desk.stopped_keys |= {(channel, key) for number, key in stopped if number == 0}
        desk.stopped_ids |= {number for number, _ in stopped if number}


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
            problem = _problem(
                "ambiguous",
                said("{people} people have this address; give an external id", people=len(holders)),
            )
            return Outcome(row.line, "held", None, [problem])
        found = holders[0] if holders else None
    if found is not None and found.state == "erased":
        return _refused(row, "erased", "this person was erased and is not taken in again")
    held = found.addresses if found is not None else {}
    if any(key in desk.buried and key not in held for key in row.addresses):
        return _refused(row, "erased", "this person was erased and is not taken in again")
    return found


def _holders(desk: Desk, row: Wanted) -> list[Draft]:
    found = {draft.id: draft for key in row.addresses for draft in desk.by_address.get(key, ())}
    return [draft for draft in found.values() if draft.visible and draft.state != "erased"]


def _same_name(draft: Draft, row: Wanted) -> bool:
    """Nothing speaks against it: the name is the same, or one of them has only the address for a name."""
    names = {fold(value) for value in row.addresses.values()} | {row.values.get("name_fold")}
    return "name_fold" not in row.values or draft.values["name_fold"] in names


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
        draft.values, draft.changed = values, True
        draft.edits += 1
    if values["external_id"] is not None:
        desk.by_external[values["external_id"]] = draft
    problems = []
    if draft.state == "archived":
        problems.append(_problem("archived", "this stakeholder is archived and stays so"))
    for key, value in row.addresses.items():
        if draft.addresses.get(key) == "retired":
            problems.append(_problem("address_retired", "this address was retired and stays so"))
        elif key not in draft.addresses:
            draft.addresses[key], draft.new_addresses[key] = "active", value
            draft.edits += 1
            desk.by_address[key].append(draft)
    for name in row.tags:
        if fold(name) not in draft.tags:
            draft.tags.add(fold(name))
            draft.new_tags[fold(name)] = name
            draft.edits += 1
    connection, rank = draft.involved or ("involved", None)
    involved = (row.connection or connection, row.rank or rank)
    if involved != draft.involved:
        draft.involved, draft.involve = involved, True
        draft.edits += 1
    return problems


def _stop(desk: Desk, draft: Draft | None, row: Wanted, seen: set[int] | None) -> list[dict[str, Any]]:
    """Keep what the row says about opting out, unless just that is known: who lifted it had reasons.

    Also where the row is not taken in (no draft): the address is stopped, whoever has it.
    """
    kept = False
    for subject, told, told_at in _subjects(draft, row):
        reason = _reason(desk, subject, told)
        at = min(told_at or desk.place.now, desk.place.now)
        known, before = desk.opt_outs[subject], seen is not None and hash(subject) in seen
        if before or any(
            one.reason == reason and (one.stands or (told_at and one.at >= at)) for one in known
        ):
            continue
        channel, key, _ = subject
        known.append(Known(reason, at, stands=True))
        for purpose in STOPPED.get(reason, (None,)):
            desk.new_stops.append(_suppression(subject, draft, purpose, reason, at, row.line))
        desk.stopped_keys |= {(channel, key)} if key else set()
        if draft is not None:
            draft.edits += 1
            desk.stopped_ids |= set() if key else {draft.id}
        if seen is not None:
            seen.add(hash(subject))
        kept = True
    words = "the file says that they are not to be written to, and it is kept"
    return [_problem("stopped", words)] if kept else []


def _reason(desk: Desk, subject: Subject, reason: str) -> str:
    """What counts of a reason: nobody stops every word to somebody whom they do not reach."""
    channel, key, _ = subject
    theirs = any(not one.visible for one in desk.by_address.get((channel, key), ()))
    return exporters.OUT if reason == exporters.NEVER and theirs else reason


def _subjects(draft: Draft | None, row: Wanted) -> Iterator[tuple[Subject, str, datetime | None]]:
    """Whom the row's opt-outs are about: its addresses on that channel; where it has none, the person."""
    for channel, (reason, at) in row.stops.items():
        keys = [key for one, key in row.addresses if one == channel]
        for key in keys:
            yield (channel, key, 0), reason, at
        if not keys and draft is not None:
            yield (channel, "", draft.id), reason, at


def _suppression(
    subject: Subject, draft: Draft | None, purpose: str | None, reason: str, at: datetime, line: int
) -> dict[str, Any]:
    """A row of what is not to be used; `evidence` gets the file when it is stored."""
    channel, key, _ = subject
    origin = "admin" if reason == "manual" else "recipient"
    return {
        "channel": channel, "address_key": key or None, "stakeholder_id": draft and draft.id, "purpose": purpose,
        "reason": reason, "origin": origin, "at": at, "evidence": {"line": line},
    }  # fmt: skip


def _agree(desk: Desk, draft: Draft, row: Wanted, seen: set[int] | None) -> list[dict[str, Any]]:
    """Let the declaration cover the row, unless they opted out, are suppressed, or the row says no."""
    declaration = desk.place.declaration
    earlier = seen is not None and any(hash((*key, 0)) in seen for key in row.addresses)
    if earlier or draft.id in desk.stopped_ids or desk.stopped_keys.intersection(row.addresses):
        return [_problem("suppressed", "this person or address is not contacted, and stays so")]
    if declaration is None:
        if row.consent is not True:
            return []
        return [_problem("undeclared", "a yes without source, date and wording is no consent")]
    if draft.act is not None and draft.act[0] == "withdrawn":
        return [_problem("opted_out", "this person has opted out, and stays so")]
    at = row.consent_at or declaration.at
    covered = row.consent is not False and at is not None and at <= desk.place.now
    if covered and at is not None and (draft.act is None or at > draft.act[1]):
        draft.act, draft.consent_line = ("given", at), row.line
        draft.edits += 1
    return []


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


def _store_stops(desk: Desk, proof: dict[str, Any]) -> None:
    rows = ({**one, "evidence": {**proof, **one["evidence"]}} for one in desk.new_stops)
    insert_rows(desk.place.session, Suppression, rows)


def _store_consents(desk: Desk, declared: Declaration, actor: str, proof: dict[str, Any]) -> None:
    about = {
        name: getattr(declared, name) for name in ("purpose", "channel", "basis", "source", "wording_version")
    }
    rows = (
        {
            "stakeholder_id": draft.id, **about, "act": "given", "at": draft.act[1], "actor": actor,
            "evidence": {**proof, "line": draft.consent_line},
        }
        for draft in desk.drafts.values()
        if draft.consent_line is not None and draft.act is not None
    )  # fmt: skip
    insert_rows(desk.place.session, Consent, rows)


def _marks(row: Wanted) -> set[int]:
    """Short marks of what a row is recognised by; a million of them fit into memory."""
    if "external_id" in row.values:
        return {hash(("external_id", row.values["external_id"]))}
    return {hash(key) for key in row.addresses}


def _refused_already(row: Wanted) -> Outcome | None:
    """A row with a value that cannot be stored; what it says of opting out is kept all the same."""
    return Outcome(row.line, "refused", None, list(row.problems)) if row.problems else None


def _refused(row: Wanted, code: str, detail: str) -> Outcome:
    return Outcome(row.line, "refused", None, [_problem(code, detail)])


def _problem(code: str, detail: str) -> dict[str, Any]:
    return {"column": None, "code": code, "detail": detail}
