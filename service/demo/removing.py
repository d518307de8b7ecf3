"""Removes the sample year, and with it everything that hangs on its programme, its people and its colleagues.

Rules: what belongs to a row is found by the keys that point at it, declared or by name, so a table that is added later
is found too; nothing that the sample does not own is touched.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime

from sqlalchemy import Column, Table, delete, select
from sqlalchemy.orm import Session

from campaigns.errors import Conflict
from campaigns.responses import attachments
from campaigns.responses.tables import Attachment
from campaigns.stakeholders.tables import Stakeholder, StakeholderTag, Tag
from campaigns.strategies.tables import Programme

from ..access import Caller, subtree
from ..acts import begin
from ..tables import Grant, Installation, User
from ..wiring import Wiring, metadata
from . import year

# Columns that name a row of another table without a declared key, because rooms may not look forward.
BY_NAME = {
    "programme_id": "programmes",
    "message_id": "messages",
    "stakeholder_id": "stakeholders",
    "segment_id": "segments",
    "delivery_id": "deliveries",
    "content_id": "content_items",
    "account_id": "accounts",
}
# What somebody did stays said, also about rows that are gone.
KEPT = {"audit_entries", "installation"}
CHUNK = 500
Found = dict[str, set[int]]


def remove(wiring: Wiring, caller: Caller, *, anew: bool = False) -> int:
    """Take the sample year away; how many rows it was. Nothing happens where it is not loaded.

    Conflict while it is being loaded, except for whoever loads it `anew`.
    """
    with begin(wiring, caller) as act:
        act.need("users:admin", None)
        row = act.session.scalars(select(Installation).with_for_update()).first()
        if row is None:
            return 0
        if not anew:
            _not_under_way(row, act.now)
        programme = row.sample_id
        if programme is None:
            return 0
        found = _belonging(act.session, _roots(act.session, programme))
        keys = list(_keys_of_files(act.session, found.get(Attachment.__tablename__, ())))
        count = _delete(act.session, found)
        act.session.execute(
            delete(Tag).where(Tag.name == year.TAG, Tag.id.not_in(select(StakeholderTag.tag_id)))
        )
        row.sample_id = None
        act.note("sample.removed", "programme", programme, after={"rows": count})
        gone = attachments.unnamed(act.session, keys)
    attachments.drop(wiring.settings.folder, gone)
    return count


def _not_under_way(row: Installation, now: datetime) -> None:
    """What is only wanted is given up; what a worker has in hand is left to it."""
    if row.sample_state == "loading" and row.sample_until_at is not None and row.sample_until_at > now:
        raise Conflict("the sample year is being loaded: wait until it is there")
    row.sample_state, row.sample_until_at = None, None


def _roots(session: Session, programme: int) -> Found:
    """The programme and what lies under it, its people, and colleagues who can do nothing elsewhere."""
    programmes = subtree(session, [programme])[programme]
    own = select(Grant.user_id).where(Grant.programme_id.in_(programmes))
    elsewhere = select(Grant.user_id).where(
        Grant.programme_id.not_in(programmes) | Grant.programme_id.is_(None)
    )
    users = select(User.id).where(
        User.id.in_(own), User.id.not_in(elsewhere.where(Grant.user_id.is_not(None))), User.password_hash.is_(None),
        User.email_key.is_(None),
    )  # fmt: skip
    people = select(Stakeholder.id).where(Stakeholder.source == year.SOURCE)
    return {
        Programme.__tablename__: set(programmes),
        Stakeholder.__tablename__: set(session.scalars(people)),
        User.__tablename__: set(session.scalars(users)),
    }


def _belonging(session: Session, found: Found) -> Found:
    """The roots with all rows that point at them, and at those, until there are no more."""
    fresh = found
    whole: Found = defaultdict(set, {name: set(ids) for name, ids in found.items()})
    while fresh:
        after: Found = defaultdict(set)
        for table, column, target in _keys():
            if target in fresh and "id" in table.c:
                mine = set(_pointing(session, table, column, fresh[target])) - whole[table.name]
                after[table.name] |= mine
                whole[table.name] |= mine
        fresh = {name: ids for name, ids in after.items() if ids}
    return whole


def _keys() -> Iterator[tuple[Table, Column[int], str]]:
    """Every column that points at a row, and the table of that row."""
    for table in metadata.sorted_tables:
        if table.name in KEPT:
            continue
        for column in table.columns:
            for key in column.foreign_keys:
                yield table, column, key.column.table.name
            if not column.foreign_keys and column.name in BY_NAME:
                yield table, column, BY_NAME[column.name]


def _pointing(session: Session, table: Table, column: Column[int], ids: Collection[int]) -> Iterator[int]:
    for some in _chunks(ids):
        yield from session.scalars(select(table.c.id).where(column.in_(some)))


def _keys_of_files(session: Session, ids: Collection[int]) -> Iterator[str]:
    for some in _chunks(ids):
        yield from session.scalars(select(Attachment.key).where(Attachment.id.in_(some)))


def _delete(session: Session, found: Found) -> int:
    """Children first: rows with an id by it, those without one by what they point at."""
    count = 0
    for table in reversed(metadata.sorted_tables):
        if "id" in table.c and table.name in found:
            count += _rows(session, table, table.c.id, found[table.name])
        elif table.name not in KEPT:
            for column, target in [(column, target) for one, column, target in _keys() if one is table]:
                count += _rows(session, table, column, found.get(target, ()))
    return count


def _rows(session: Session, table: Table, column: Column[int], ids: Collection[int]) -> int:
    return sum(
        session.execute(delete(table).where(column.in_(some))).rowcount  # type: ignore[attr-defined]
        for some in _chunks(ids)
    )


def _chunks(ids: Collection[int]) -> Iterator[list[int]]:
    whole = sorted(ids)
    return (whole[start : start + CHUNK] for start in range(0, len(whole), CHUNK))
