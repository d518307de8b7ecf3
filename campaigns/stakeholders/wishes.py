"""What the rows of an import say that people want of us: who opted out, who says no to what is declared, who agreed.

Rules: a no is kept whatever becomes of its row, and ends a yes that is not newer; a yes opens nobody who said no. When
somebody agreed, the row's own time says; the declaration's day, where rows have their own, is for nobody on record.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select

from . import consent, exporters, kin
from .columns import Wanted
from .drafts import SHARED, Act, Desk, Draft, Key, Known, Subject, problem
from .rows import insert_rows
from .tables import Consent, Suppression

# Whoever opts out of a mailing means all that they did not ask for themselves; every other reason is for all.
STOPPED = {"opt_out": ("direct_marketing", "survey")}

# What a no came to.
NO = (
    problem("withdrawn", "they say no in this file: what they had agreed to ends with it"),
    problem("declined", "they say no in this file, and it is kept"),
    problem("agreed_later", "they say no in this file, but agreed after that"),
)


def marks(row: Wanted) -> set[int]:
    """Short marks of what a row is recognised by; a million of them fit into memory."""
    if "external_id" in row.values:
        return {hash(("external_id", row.values["external_id"]))}
    mail = {hash(key) for key in row.addresses if key[0] == "email"}
    name = row.values.get("name_fold")
    return mail or {hash((key, name) if key[0] in SHARED else key) for key in row.addresses}


def lay_out(desk: Desk, rows: Sequence[Wanted], keys: Collection[Key]) -> None:
    """What is known of the wishes of those on the desk: acts, suppressions, and opt-outs where rows have any."""
    session, ids = desk.place.session, set(desk.drafts)
    if desk.place.declaration is not None or any(row.declined for row in rows):
        for number, one in consent.latest(session, ids, *desk.place.about).items():
            desk.drafts[number].act = Act(one.act, one.at, one.basis, one.expires_at)
    if any(row.consent_at for row in rows):
        _lay_out_times(desk, ids)
    _find_stopped(desk, keys)
    if any(row.stops for row in rows):
        _find_opt_outs(desk, keys)


def take(desk: Desk, draft: Draft | None, row: Wanted, seen: set[int] | None) -> list[dict[str, Any]]:
    """Keep what a row says of their wishes; gives what is told of it. No draft: the row itself is not taken in."""
    told = [*_stop(desk, draft, row, seen), *_decline(desk, draft, row, seen)]
    return told if told or draft is None else _agree(desk, draft, row, seen)


def store(desk: Desk, actor: str, import_id: int, proof: dict[str, Any]) -> None:
    """Write the new suppressions and acts."""
    mine = {"origin": "import", "import_id": import_id}
    stops = ({**one, **mine, "evidence": {**proof, **one["evidence"]}} for one in desk.new_stops)
    insert_rows(desk.place.session, Suppression, stops)
    purpose, channel = desk.place.about
    about = {"purpose": purpose, "channel": channel, "actor": actor}
    acts = (
        {"stakeholder_id": draft.id, **about, **one, "evidence": {**proof, **one["evidence"]}}
        for draft in desk.drafts.values()
        for one in draft.new_acts
    )
    insert_rows(desk.place.session, Consent, acts)


def _lay_out_times(desk: Desk, ids: set[int]) -> None:
    """When they agreed before, on whichever of their records: the same file again adds nothing."""
    session, (purpose, channel) = desk.place.session, desk.place.about
    same = kin.of(session, ids)
    of = {record: number for number in ids for record in same.get(number, (number,))}
    given = select(Consent.stakeholder_id, Consent.at).where(
        Consent.stakeholder_id.in_(of), Consent.purpose == purpose, Consent.channel == channel,
        Consent.act == "given",
    )  # fmt: skip
    for record, at in session.execute(given):
        desk.drafts[of[record]].given.add(at)


def _find_opt_outs(desk: Desk, keys: Collection[Key]) -> None:
    about = or_(
        Suppression.address_key.in_({key for _, key in keys}),
        Suppression.address_key.is_(None) & Suppression.stakeholder_id.in_(set(desk.drafts)),
    )
    for one in desk.place.session.scalars(select(Suppression).where(about)):
        subject = (one.channel, one.address_key or "", 0 if one.address_key else one.stakeholder_id or 0)
        stands = one.lifted_at is None and (one.until_at is None or one.until_at > desk.place.now)
        desk.opt_outs[subject].append(Known(one.reason, one.at, stands))


def _find_stopped(desk: Desk, keys: Collection[Key]) -> None:
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
            draft.changes.append("stop")
            desk.stopped_ids |= set() if key else {draft.id}
        if seen is not None:
            seen.add(hash(subject))
        kept = True
    words = "the file says that they are not to be written to, and it is kept"
    return [problem("stopped", words)] if kept else []


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
    return {
        "channel": channel, "address_key": key or None, "stakeholder_id": draft and draft.id, "purpose": purpose,
        "reason": reason, "at": at, "evidence": {"line": line},
    }  # fmt: skip


def _decline(desk: Desk, draft: Draft | None, row: Wanted, seen: set[int] | None) -> list[dict[str, Any]]:
    """Keep a no to what is declared; where it cannot be told whose it is, of all who have the address."""
    mine = marks(row)
    if not row.declined or _noted(seen, mine, "no"):
        return []
    whom = [draft] if draft is not None else desk.known(row.values.get("external_id"), row.addresses)
    codes = {_declined(desk, one, row, agreed=_noted(seen, mine, "yes")) for one in whom}
    _note(seen, mine, "no")
    return [dict(one) for one in NO if one["code"] in codes]


def _declined(desk: Desk, draft: Draft, row: Wanted, *, agreed: bool) -> str:
    """What a no does to somebody; "" where they have said it before. `agreed`: in a row before, of a check."""
    act, now = draft.act, desk.place.now
    if act is not None and act.act == "withdrawn":
        return ""
    at = min(row.consent_at or now, now)
    if act is not None and row.consent_at is not None and act.at >= at:
        return "agreed_later"
    declared = desk.place.declaration
    draft.new_acts.append({
        "act": "withdrawn", "at": at if act is None else max(at, act.at + timedelta(microseconds=1)),
        "basis": act.basis if act else "", "source": declared.source if declared else desk.place.filename,
        "evidence": {"line": row.line},
    })  # fmt: skip
    draft.act = Act("withdrawn", draft.new_acts[-1]["at"], "")
    draft.changes.append("permission")
    return "withdrawn" if act is not None or agreed else "declined"


def _agree(desk: Desk, draft: Draft, row: Wanted, seen: set[int] | None) -> list[dict[str, Any]]:
    """Let the declaration cover the row, unless they opted out, are suppressed, or the row does not say yes."""
    declaration, mine = desk.place.declaration, marks(row)
    earlier = seen is not None and any(hash((*key, 0)) in seen for key in row.addresses)
    if earlier or draft.id in desk.stopped_ids or desk.stopped_keys.intersection(row.addresses):
        return [problem("suppressed", "this person or address is not contacted, and stays so")]
    if declaration is None:
        if row.consent is not True:
            return []
        return [problem("undeclared", "a yes without source, date and wording is no consent")]
    if (draft.act is not None and draft.act.act == "withdrawn") or _noted(seen, mine, "no"):
        return [problem("opted_out", "this person has opted out, and stays so")]
    at = row.consent_at or declaration.at
    if row.consent is not False and at is not None and at <= desk.place.now:
        _keep(desk, draft, row, at)
        if row.consent is True:
            _note(seen, mine, "yes")
    return []


def _keep(desk: Desk, draft: Draft, row: Wanted, at: datetime) -> None:
    """A permission, given then, unless it is on record or the day is one for those alone who have none."""
    declared, act, own = desk.place.declaration, draft.act, row.consent_at is not None
    assert declared is not None
    over = act is not None and act.ends_at is not None and act.ends_at <= desk.place.now
    covered = act is not None and (at <= act.at or (declared.fallback and not over))
    if (at in draft.given) if own else covered:
        return
    if own and (day := [one for one in draft.new_acts if one["evidence"].get("time") == "of the file"]):
        draft.new_acts = [one for one in draft.new_acts if one not in day]
        act = None
    draft.new_acts.append({
        "act": "given", "at": at, "basis": declared.basis, "source": declared.source,
        "wording_version": declared.wording_version,
        "evidence": {"line": row.line, **({} if own or not declared.fallback else {"time": "of the file"})},
    })  # fmt: skip
    draft.given.add(at)
    if act is None or at > act.at:
        draft.act = Act("given", at, declared.basis)
    draft.changes.append("permission")


def _note(seen: set[int] | None, mine: set[int], what: str) -> None:
    if seen is not None:
        seen |= {hash((mark, what)) for mark in mine}


def _noted(seen: set[int] | None, mine: set[int], what: str) -> bool:
    """Whether a row before said so of the same person, in a check, which stores nobody."""
    return seen is not None and any(hash((mark, what)) in seen for mark in mine)
