"""Everything of an installation, or of one programme, to take elsewhere: each table as JSON lines and as CSV.

Rules: a table is in it or stands in LEFT_OUT with its reason, which a test holds; no secret is in it, and no hash of
one; rows are read one after the other, so a table of any size takes the memory of a page.
Source: capability L12; docs/leaving.md.
"""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any

import orjson
from sqlalchemy import (
    JSON,
    Boolean,
    ColumnElement,
    Date,
    Float,
    Row,
    Select,
    Table,
    Text,
    and_,
    exists,
    false,
    literal,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.orm import Session

from campaigns.base import Base, Instant
from campaigns.messages import pictures
from campaigns.messages.tables import Media
from campaigns.responses import attachments
from campaigns.responses.tables import Attachment

from . import ids, plain_rows
from .exports import Part, Recipe
from .tables import Export
from .wiring import Wiring, metadata

LEFT_OUT = {
    "logins": "browsers that are signed in here",
    "door_keys": "links that let somebody in here, as hashes",
    "knocks": "failed sign-ins of the last minutes, as hashes",
    "spent_states": "ways to a sign-in here that were used, as hashes",
    "sign_in_states": "ways to a provider's sign-in that somebody is on",
    "calendar_feeds": "secrets in addresses of feeds, as hashes",
    "agreement_links": "links for parties outside, as hashes",
    "idempotency_keys": "answers of the last day to calls of programs, sealed",
    "call_buckets": "how many calls programs may still make in this minute",
    "hook_proofs": "proofs that were used, as hashes",
    "budgets": "how much of a limit is used at the moment",
    "tallies": "counts that are added up every few seconds",
    "ticks": "when a duty was last done here",
    "batches": "work that is in hand here",
    "webhook_deliveries": "what other programs were told; they have it",
    "tombstones": "addresses of erased people as hashes under a key that stays here",
    "exports": "files like this one",
}
# Secrets, sealed or as hashes, and copies that are only there for comparing.
HIDDEN = {
    "accounts": ("secrets",),
    "users": ("password_hash", "second_step", "second_step_at", "recovery", "oidc_key"),
    "tokens": ("prefix", "secret_sha256"),
    "webhook_endpoints": ("secrets",),
    "installation": ("oidc_secret",),
    "imports": ("body",),
    "hand_works": ("token_sha256",),
    "stakeholders": ("name_fold", "attrs_fold"),
    "tags": ("name_fold",),
}
# What a provider said, as it said it, is the only binary column: in Base64. It is in the file of everything alone, as
# one of their calls may tell of people of other programmes.
ORIGINALS = ("raw_events", "body")
# Rows without a programme, or with the number 0, that every programme works with.
SHARED = frozenset(
    {"topics", "media", "templates", "accounts", "saved_replies", "sending_hours", "quiet_periods", "house_layouts",
     "response_promises"}
)  # fmt: skip
# Whole in every programme's file: they mean the same everywhere.
COMMON = frozenset({"fields", "tags"})
# A table without a programme of its own: the column that names its owner, and the owner's table.
OWNERS = {
    "addresses": ("stakeholder_id", "stakeholders"), "consents": ("stakeholder_id", "stakeholders"),
    "preferences": ("stakeholder_id", "stakeholders"), "identities": ("stakeholder_id", "stakeholders"),
    "stakeholder_tags": ("stakeholder_id", "stakeholders"), "memberships": ("person_id", "stakeholders"),
    "relations": ("from_id", "stakeholders"), "merges": ("kept_id", "stakeholders"),
    "distinct_pairs": ("low_id", "stakeholders"), "segment_members": ("segment_id", "segments"),
    "form_wordings": ("form_id", "forms"), "signups": ("form_id", "forms"), "survey_answers": ("form_id", "forms"),
    "import_rows": ("import_id", "imports"), "template_versions": ("template_id", "templates"),
    "variants": ("content_id", "content_items"), "media_uses": ("content_id", "content_items"),
    "message_accounts": ("message_id", "messages"), "message_recipients": ("message_id", "messages"),
    "approvals": ("message_id", "messages"), "message_comments": ("message_id", "messages"),
    "message_calls": ("comment_id", "message_comments"), "occurrences": ("message_id", "messages"),
    "timings": ("message_id", "messages"), "queue_slots": ("account_id", "accounts"),
    "cadence_promises": ("strategy_id", "strategies"), "deliveries": ("message_id", "messages"),
    "attempts": ("delivery_id", "deliveries"), "hand_works": ("delivery_id", "deliveries"),
    "delivery_events": ("delivery_id", "deliveries"), "missed_runs": ("message_id", "messages"),
    "rollouts": ("message_id", "messages"), "response_candidates": ("response_id", "responses"),
    "response_matches": ("response_id", "responses"), "response_notes": ("response_id", "responses"),
    "response_labels": ("response_id", "responses"), "response_calls": ("response_id", "responses"),
    "reply_drafts": ("response_id", "responses"), "attachments": ("interaction_id", "interactions"),
    "strategy_versions": ("strategy_id", "strategies"), "strategy_drafts": ("strategy_id", "strategies"),
    "parties": ("strategy_id", "strategies"), "agreements": ("version_id", "strategy_versions"),
    "strategy_comments": ("version_id", "strategy_versions"), "strategy_calls": ("comment_id", "strategy_comments"),
    "post_looks": ("delivery_id", "deliveries"), "post_figures": ("delivery_id", "deliveries"),
    "readings": ("objective_id", "objectives"), "urgent_goes": ("message_id", "messages"),
}  # fmt: skip
# In the file of the whole installation alone.
NOT_OF_A_PROGRAMME = {
    "users": "colleagues belong to the installation",
    "tokens": "programs belong to the installation",
    "notices": "mails to colleagues",
    "notice_choices": "which mails colleagues want",
    "installation": "the installation itself",
    "webhook_endpoints": "addresses that let whoever knows them write there",
    "grants": "who may do what belongs to the installation",
}
# In a programme's file where whoever asked for it may read it.
TRAIL = {"audit_entries": "who did what: for whoever may read that"}

Within = list[int] | None
Key = tuple[Any, ...]
# Rows of one transaction.
PAGE = 20_000


def recipe(wiring: Wiring, export: Export, work: Path) -> Recipe:
    """What the export of a programme, or of everything, is made of."""
    names = [table.name for table in told_of(export.within, export.audit)]
    parts = [Part("README.txt", partial(_readme, export))]
    for name in names:
        parts.append(Part(f"tables/{name}.jsonl", partial(_lines, wiring, name, export.within)))
        parts.append(Part(f"tables/{name}.csv", partial(_csv, work, name, export.within)))
    return Recipe(parts, partial(_files, wiring, export.within))


def told_of(within: Within, audit: bool = True) -> list[Table]:
    """The tables of an export, owners before what they own; `audit`: of a programme, its audit entries too."""
    left = _left_out(within, audit)
    return [table for table in metadata.sorted_tables if table.name not in left]


def _left_out(within: Within, audit: bool) -> dict[str, str]:
    """The tables that are not in it, each with its reason."""
    return LEFT_OUT if within is None else LEFT_OUT | NOT_OF_A_PROGRAMME | ({} if audit else TRAIL)


def rows(session: Session, table: Table, within: Within, after: Key | None) -> Iterator[Row[Any]]:
    """A page of the rows of a table in the order of their keys, from the one after this key on."""
    yield from session.execute(page(table, within, after).execution_options(yield_per=500))


def page(table: Table, within: Within, after: Key | None) -> Select[Any]:
    """What asks for it."""
    keys = list(table.primary_key.columns)
    found = select(*keys, *[table.c[name] for name in header(table, within)]).where(belongs(table, within))
    if after is not None:
        found = found.where(tuple_(*keys) > tuple_(*map(literal, after)))
    return found.order_by(*keys).limit(PAGE)


def _told(table: Table, within: Within, row: Row[Any]) -> dict[str, Any]:
    """A row as it is written."""
    values = {name: row._mapping[table.c[name]] for name in header(table, within)}
    told = plain_rows.told(values, plain_rows.kind_of(table.name))
    if table.name == ORIGINALS[0] and ORIGINALS[1] in values:
        told[ORIGINALS[1]] = b64encode(values[ORIGINALS[1]]).decode() if values[ORIGINALS[1]] else None
    return told


def belongs(table: Table, within: Within) -> ColumnElement[bool]:
    """Whether a row of a table is of these programmes; None: every row is."""
    if within is None or table.name in COMMON:
        return true()
    if table.name == "programmes":
        return table.c.id.in_(within)
    if table.name == "stakeholders":
        involved = metadata.tables["involvements"].alias()
        return exists().where(involved.c.stakeholder_id == table.c.id, involved.c.programme_id.in_(within))
    if table.name == "suppressions":
        return or_(_owned(table, "stakeholder_id", "stakeholders", within), _of_their_address(table, within))
    if table.name == "raw_events":
        told = metadata.tables["responses"].alias()
        return exists().where(told.c.raw_id == table.c.id, told.c.programme_id.in_(within))
    if "programme_id" in table.c:
        shared = or_(table.c.programme_id.is_(None), table.c.programme_id == 0)
        return or_(table.c.programme_id.in_(within), shared if table.name in SHARED else false())
    return _owned(table, *OWNERS[table.name], within)


def _owned(table: Table, column: str, owner: str, within: Within) -> ColumnElement[bool]:
    """Whether its owner is. Asked of each row: of a list of owners SQLite reads all their rows for each page."""
    theirs = metadata.tables[owner]
    return exists().where(theirs.c.id == table.c[column], belongs(theirs, within)).correlate(table)


def _of_their_address(table: Table, within: Within) -> ColumnElement[bool]:
    """A suppression that names nobody, on an address of somebody of theirs."""
    address = metadata.tables["addresses"]
    has = exists().where(
        address.c.channel == table.c.channel, address.c.key == table.c.address_key, belongs(address, within)
    )
    return and_(table.c.stakeholder_id.is_(None), has)


def _lines(wiring: Wiring, name: str, within: Within, out: IO[bytes], beat: Callable[[], None]) -> None:
    """Page by page, each in its own transaction: a long one keeps the database from tidying up behind others."""
    table = metadata.tables[name]
    after: Key | None = None
    read = PAGE
    while read == PAGE:
        read = 0
        with wiring.database.read() as session:
            for row in rows(session, table, within, after):
                out.write(plain_rows.line(_told(table, within, row)))
                after, read = tuple(row[: len(table.primary_key.columns)]), read + 1
                beat()


def _csv(work: Path, name: str, within: Within, out: IO[bytes], beat: Callable[[], None]) -> None:
    """The same rows, read from the lines as they were written."""
    text = io.TextIOWrapper(out, "utf-8-sig", newline="")
    write = plain_rows.table(text, header(metadata.tables[name], within))
    with (work / f"tables/{name}.jsonl").open("rb") as read:
        for line in read:
            write(orjson.loads(line))
            beat()
    text.detach()


_ABOUT = """Made on {at} UTC, while people went on working: what was written meanwhile may be in one table and not yet
in another.

Each table is there twice: as lines of JSON, and as CSV in UTF-8 for spreadsheets, where ' stands before what a
spreadsheet would run. Times are in UTC, ids as in the API; a column that ends in _id names a row of another table.
Pictures lie in media, files of contacts in attachments, under the names in their tables. What providers said
is there as they said it, in Base64, in the file of everything; of a programme as it was understood.

Secrets are in no table: passwords, tokens and the logins of connected accounts stay where they are.
"""


def _readme(export: Export, out: IO[bytes], _beat: Callable[[], None]) -> None:
    """What this is, and what each column holds."""
    within = export.within
    told = ["Everything of this Dolen, table by table.\n"]
    if within is not None:
        told = [
            f"Everything of {', '.join(str(ids.shown('programme', one)) for one in within)}, table by table.\n"
        ]
    told += [_ABOUT.format(at=f"{export.created_at:%Y-%m-%d at %H:%M}"), "Left out, with the reason:"]
    told += [f"  {name}: {why}" for name, why in _left_out(within, export.audit).items()]
    for table in told_of(within, export.audit):
        told.append(f"\n{table.name}: {_sentence(table)}")
        told += [f"  {name}: {_type(table.c[name])}" for name in header(table, within)]
    out.write("\n".join(told).encode() + b"\n")


def header(table: Table, within: Within) -> list[str]:
    """The columns of a table that are told, its id first."""
    hidden = HIDDEN.get(table.name, ())
    if within is not None and table.name == ORIGINALS[0]:
        hidden = (*hidden, ORIGINALS[1])
    names = [column.name for column in table.columns if column.name not in hidden]
    return sorted(names, key=lambda name: name != "id")


def _sentence(table: Table) -> str:
    """What the code says of a table."""
    mapped = next(one.class_ for one in Base.registry.mappers if one.local_table is table)
    return " ".join((mapped.__doc__ or mapped.__name__).split())


def _type(column: Any) -> str:
    kinds = {
        Instant: "time",
        Text: "text",
        Boolean: "true or false",
        Date: "day",
        Float: "number",
        JSON: "JSON",
    }
    kind = next((word for one, word in kinds.items() if isinstance(column.type, one)), "whole number")
    named = column.name == "id" or column.name.endswith("_id")
    points = ", ".join(f"names a row of {key.column.table.name}" for key in column.foreign_keys)
    empty = "may be empty" if column.nullable else ""
    return ", ".join(one for one in ("id" if named else kind, points, empty) if one)


def _files(wiring: Wiring, within: Within) -> Iterator[tuple[str, Path]]:
    """Pictures, and files of contacts."""
    folder = wiring.settings.folder
    media, contacts = metadata.tables["media"], metadata.tables["attachments"]
    with wiring.database.read() as session:
        kept = select(Media.sha256, Media.type).where(Media.sha256.is_not(None), belongs(media, within))
        seen: set[Path] = set()
        for sha256, kind in session.execute(kept.distinct()):
            seen.add(pictures.place(folder, sha256 or "", kind))
        named = select(Attachment.key).where(belongs(contacts, within))
        files = [attachments.place(folder, key) for key in session.scalars(named.distinct())]
    yield from ((f"media/{one.name}", one) for one in sorted(seen) if one.is_file())
    yield from ((f"attachments/{one.name}", one) for one in files if one.is_file())
