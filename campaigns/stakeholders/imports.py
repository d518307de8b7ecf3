"""Imports of files of people: checked first without writing anyone, then run in steps that survive a kill.

Rules: the check and the run are the same steps, the check without storing; each row stands alone, and the rows of a
step are committed together with the place that was reached, so no row counts twice; a row is the stakeholder of its
external id, else of its address; nothing is taken away, and whoever opted out or is suppressed stays so.
"""

from __future__ import annotations

import io
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, BinaryIO

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session, sessionmaker

from ..bulk import learn
from ..errors import AlreadyDone, BadField, BadImport, Conflict, Invalid, NotFound, said
from . import calling, columns, desk, exporters, fields, files, opening, people
from .columns import Wanted
from .drafts import Declaration, Outcome, Place
from .rows import insert_rows
from .tables import (
    BASES,
    PURPOSES,
    Address,
    Consent,
    Field,
    Import,
    ImportRow,
    Involvement,
    Stakeholder,
    Suppression,
)
from .text import TEXT_MAX, clean

STEP = 500
FORGOTTEN_AT_ONCE = 5_000
# A larger file is checked by `dry_run`, which does not hold one transaction open all the while.
CHECK_ROWS_MAX = 5_000
# So much of each cell is kept of a row that was refused.
CELL_KEPT = 1_000
# Other writers get their turn between two steps.
PAUSE_S = 0.002
# A worker that shows no sign of life for so long has lost the import.
LEASE = timedelta(seconds=60)
# What an import fills.
PEOPLE = (Stakeholder, Address, Involvement, Consent)
# Columns by which people are stopped from being written to.
STOPS = frozenset(("opt_out", "bounced", "lists"))
# What is counted of rows that say no to what is declared.
NOES = ("withdrawn", "declined")
DECLARED = ("purpose", "channel", "basis", "source", "wording_version", "at")


@dataclass(frozen=True)
class Look:
    """A file that was opened: as a packed CSV file, how it is read, and how many rows it has."""

    table: bytes
    detected: dict[str, Any]
    total: int


def check(
    session: Session,
    now: datetime,
    *,
    programme_id: int,
    filename: str,
    body: bytes | BinaryIO,
    mapping: Mapping[str, str] | None = None,
    declaration: Mapping[str, Any] | None = None,
    country: str | None = None,
    undated: bool = False,
    actor: str,
    within: Collection[int] | None = None,
    **reading: str | None,
) -> Import:
    """Read a file and say what importing it would do, row by row, without writing anyone; BadImport, BadField.

    `mapping`: column names to one of `columns.PLAIN`, address.CHANNEL or attrs.FIELD; else the names are understood.
    `declaration`: one consent for the file, with all of DECLARED; `at` may be None where a column is `consent_at`,
    or, `undated`, will be said to be before the file is taken in.
    `country`: whose numbers stand in it without a country's code, one of `calling.COUNTRIES`.
    `within`: the programmes whose people may be recognised (None: all). `reading`: as in `look`. State: `checked`, or
    `checking` where the file is large and needs `dry_run`.
    """
    packed, sha256 = files.kept(io.BytesIO(body) if isinstance(body, bytes) else body)
    read = look(packed, filename, **reading)
    # The file has been read by now: the transaction begins here, and other writers wait for little.
    wanted = _meaning(read.detected["header"], mapping, fields.every(session))
    imported = Import(
        programme_id=programme_id, filename=clean(filename, "/filename"), sha256=sha256, body=packed, mapping=wanted,
        declaration=_declared(declaration, wanted, now, undated), actor=actor, created_at=now, updated_at=now,
        detected=read.detected | {"within": None if within is None else sorted(within), "country": _country(country)},
        total=read.total, state="checking",
    )  # fmt: skip
    session.add(imported)
    session.flush()
    if read.total <= CHECK_ROWS_MAX:
        _check_at_once(session, now, imported, read.table)
    return imported


def look(
    packed: bytes,
    filename: str,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
) -> Look:
    """Open a file and count its rows, which may take minutes: outside any transaction, others are waiting to write."""
    opened = opening.opened_packed(packed, filename, sheet)
    detected = _detected(opened, filename, encoding, delimiter, sheet)
    return Look(opened.packed, detected, sum(1 for _ in _records(opened.packed, detected)))


def to_look_at(imported: Import) -> bytes:
    """The file of an import that can be checked anew; AlreadyDone once it was confirmed."""
    if imported.state != "checked" or imported.body is None:
        raise _over(imported)
    return imported.body


def again(
    session: Session,
    now: datetime,
    imported: Import,
    read: Look,
    mapping: Mapping[str, str] | None = None,
    declaration: Mapping[str, Any] | None = None,
    country: str | None = None,
) -> None:
    """Check a file anew, read as somebody who has looked at it says; AlreadyDone once it was confirmed."""
    to_look_at(imported)
    imported.mapping = _meaning(read.detected["header"], mapping, fields.every(session))
    imported.declaration = _declared(declaration, imported.mapping, now, undated=True)
    imported.detected = {**imported.detected, **read.detected, "country": _country(country)}
    imported.total = read.total
    imported.state, imported.done, imported.counts = "checking", 0, {}
    imported.touch(now)
    session.execute(delete(ImportRow).where(ImportRow.import_id == imported.id))
    session.flush()
    if imported.total <= CHECK_ROWS_MAX:
        _check_at_once(session, now, imported, read.table)


def confirm(session: Session, now: datetime, imported: Import) -> None:
    """A person has looked at the candidates and says that the file is read rightly."""
    imported.detected = {**imported.detected, "doubts": []}
    imported.touch(now)
    session.flush()


def stops(imported: Import) -> bool:
    """Whether it stops mail to people: by a column, as the file's name says, or by a no that a row says."""
    told = imported.detected.get("status", "")
    by_column = not STOPS.isdisjoint(imported.mapping.values())
    return by_column or bool(told and exporters.status(told).stops) or any(map(imported.counts.get, NOES))


def lacks_time(imported: Import) -> bool:
    """Whether neither the declaration nor a column says when they agreed: nobody would be covered."""
    declared = imported.declaration
    return declared is not None and not declared["at"] and "consent_at" not in imported.mapping.values()


def start(session: Session, now: datetime, imported: Import) -> None:
    """Somebody has looked at the check and confirms it: the next `run_pending` takes the file in."""
    if imported.state == "checking":
        raise Conflict("this import is still being checked")
    if imported.state != "checked":
        raise _over(imported)
    confirm(session, now, imported)
    _begin(session, now, imported)


def cancel(session: Session, now: datetime, imported: Import) -> None:
    """Stop a check or an import after the rows in hand: what has been taken in stays; AlreadyDone once it is over."""
    if imported.state not in ("checking", "checked", "running"):
        raise _over(imported)
    if imported.state != "running":  # nobody has been written: what the check found is forgotten
        imported.done, imported.counts = 0, {}
        session.execute(delete(ImportRow).where(ImportRow.import_id == imported.id))
    imported.state, imported.body, imported.until_at = "cancelled", None, None
    imported.touch(now)
    session.flush()


def lift_stops(session: Session, now: datetime, imported: Import, by: str, why: str) -> int:
    """End all that this file stopped and nobody has lifted, with the name of who did and the reason; gives how many."""
    standing = update(Suppression).where(
        Suppression.import_id == imported.id, Suppression.lifted_at.is_(None)
    )
    reason = clean(why, "/why", length_max=TEXT_MAX, lines=True)
    lifted = session.execute(
        standing.values(lifted_at=now, lifted_by=by, lifted_why=reason)
        .returning(Suppression.id)
        .execution_options(synchronize_session=False)
    ).all()
    if not lifted:
        raise AlreadyDone("nothing that this file stopped still stands")
    return len(lifted)


def run_pending(sessions: sessionmaker[Session], now: Callable[[], datetime]) -> int:
    """Check the large files and take in the confirmed ones that no other worker has; gives how many there were."""
    handled = 0
    while (claimed := _claim(sessions, now())) is not None:
        import_id, state = claimed
        with suppress(Conflict):  # we stood still for so long that another worker took it over
            (dry_run if state == "checking" else run)(sessions, import_id, now)
        handled += 1
    return handled


def dry_run(sessions: sessionmaker[Session], import_id: int, now: Callable[[], datetime]) -> None:
    """Check a large file in transactions of its own; it begins again where it was interrupted."""
    with sessions.begin() as session:
        imported = _get(session, import_id)
        if imported.state != "checking":
            raise AlreadyDone("this import is checked already")
        imported.done, imported.counts = 0, {}
        body = imported.body
    _forget(sessions, import_id)
    seen: set[int] = set()
    for step in _steps(imported, _table(imported, body)):
        at = now()
        with sessions.begin() as session:
            if (mine := _going(session, import_id)) is None:
                return
            _step(session, mine, step, at, seen)
        time.sleep(PAUSE_S)
    with sessions.begin() as session:
        if (mine := _going(session, import_id)) is not None:
            _end_check(mine)


def run(sessions: sessionmaker[Session], import_id: int, now: Callable[[], datetime]) -> dict[str, int]:
    """Import the file, or the rest of it after an interruption; gives the counts, also where it is cancelled meanwhile.

    In transactions of its own of at most 500 rows. BadImport while a doubt about the file is not confirmed; Conflict
    where another process runs the same import.
    """
    imported, body = _start(sessions, import_id, now())
    if not imported.done:
        _forget(sessions, import_id)
    for step in _steps(imported, _table(imported, body), imported.done):
        at = now()
        with sessions.begin() as session:
            if (mine := _going(session, import_id)) is None:
                break
            _step(session, mine, step, at, None)
        time.sleep(PAUSE_S)
    with sessions.begin() as session:
        imported = _get(session, import_id)
        if imported.state == "running":
            imported.state, imported.body, imported.until_at = "finished", None, None
            imported.touch(now())
            learn(session, *PEOPLE)
        return dict(imported.counts)


def rows(
    session: Session, imported: Import, after_line: int = 0, limit: int = 50, outcome: str | None = None
) -> list[ImportRow]:
    """What became, or would become, of the next rows, in the order of the file."""
    page = select(ImportRow).where(ImportRow.import_id == imported.id, ImportRow.line > after_line)
    if outcome is not None:
        page = page.where(ImportRow.outcome == outcome)
    return list(session.scalars(page.order_by(ImportRow.line).limit(limit)))


def records(imported: Import) -> Iterator[files.Record]:
    """The rows of the file as they came, while it is kept."""
    table = _table(imported, imported.body)
    return iter(()) if table is None else _records(table, imported.detected)


def _detected(
    opened: opening.Opened,
    filename: str,
    encoding: str | None,
    delimiter: str | None,
    sheet: str | None,
) -> dict[str, Any]:
    """How the file is read, as it is kept with the import; which of several sheets is meant, a person confirms."""
    if opened.kind != opening.CSV:
        encoding, delimiter = "utf-8", ","
    shape = files.shape_of(opened.packed, encoding, delimiter)
    if len(opened.sheets) > 1 and sheet is None:
        shape.doubts.append("sheet")
    whose = exporters.exporter(shape.header)
    return asdict(shape) | {
        "kind": opened.kind, "sheets": opened.sheets, "sheet": opened.sheet, "exporter": whose,
        "status": exporters.status_in_name(filename) if whose == "mailchimp" else "",
    }  # fmt: skip


def _table(imported: Import, body: bytes | None) -> bytes | None:
    """The stored file as a packed CSV file. Imports of earlier releases were all CSV."""
    detected = imported.detected
    if body is None:
        return None
    return opening.table(body, detected.get("kind", opening.CSV), detected.get("sheet"))


def _records(table: bytes, detected: Mapping[str, Any]) -> Iterator[files.Record]:
    by_row = detected.get("kind", opening.CSV) != opening.CSV
    return files.records(table, detected["encoding"], detected["delimiter"], by_row=by_row)


def _country(code: str | None) -> str | None:
    if code and code not in calling.COUNTRIES:
        raise BadImport("write the two letters of a country, such as GB", pointer="/country")
    return code or None


def _meaning(
    header: Sequence[str], mapping: Mapping[str, str] | None, known: Mapping[str, Field]
) -> dict[str, str]:
    """What each column means, as it was said or as its name says; some column must tell people again."""
    found = columns.guess(header, known) if mapping is None else columns.check(mapping, header, known)
    columns.must_identify(found)
    return found


def _start(sessions: sessionmaker[Session], import_id: int, now: datetime) -> tuple[Import, bytes | None]:
    with sessions.begin() as session:
        imported = _get(session, import_id)
        if imported.state == "checking":
            raise Conflict("this import is still being checked")
        if imported.state == "cancelled":
            raise _over(imported)
        if imported.detected["doubts"]:
            raise _doubtful(imported.detected["doubts"])
        if imported.state == "checked":
            _begin(session, now, imported)
        imported.until_at = now + LEASE
        return imported, imported.body


def _begin(session: Session, now: datetime, imported: Import) -> None:
    """Nobody has been written yet: what the check found is forgotten; of a large file when it is taken up."""
    if lacks_time(imported):
        raise BadImport("say which column says when each of them agreed", pointer="/mapping")
    imported.state, imported.done, imported.counts = "running", 0, {}
    imported.touch(now)
    if imported.total <= CHECK_ROWS_MAX:
        session.execute(delete(ImportRow).where(ImportRow.import_id == imported.id))
    session.flush()


def _forget(sessions: sessionmaker[Session], import_id: int) -> None:
    """Drop what became of the rows, some at a time: a million at once would keep every other writer waiting."""
    mine = ImportRow.import_id == import_id
    first = select(ImportRow.line).where(mine).order_by(ImportRow.line).limit(FORGOTTEN_AT_ONCE)
    gone = True
    while gone:
        with sessions.begin() as session:
            dropped = session.execute(
                delete(ImportRow).where(mine, ImportRow.line.in_(first)).returning(ImportRow.line)
            )
            gone = dropped.first() is not None
        time.sleep(PAUSE_S)


def _claim(sessions: sessionmaker[Session], now: datetime) -> tuple[int, str] | None:
    """The next import to work on, ours for the length of a lease."""
    free = or_(Import.until_at.is_(None), Import.until_at <= now)
    waiting = select(Import.id, Import.state).where(Import.state.in_(("checking", "running")), free)
    with sessions.begin() as session:
        found = session.execute(
            waiting.order_by(Import.id).limit(1).with_for_update(skip_locked=True)
        ).first()
        if found is None:
            return None
        session.execute(update(Import).where(Import.id == found.id).values(until_at=now + LEASE))
        return found.id, found.state


def _check_at_once(session: Session, now: datetime, imported: Import, packed: bytes) -> None:
    seen: set[int] = set()
    for step in _steps(imported, packed):
        _step(session, imported, step, now, seen)
    _end_check(imported)
    session.flush()


def _end_check(imported: Import) -> None:
    imported.state, imported.done, imported.until_at = "checked", 0, None


def _steps(imported: Import, body: bytes | None, done: int = 0) -> Iterator[tuple[int, list[files.Record]]]:
    """The records after the first `done`, at most 500 at a time, each time with the place where they begin."""
    if body is None:
        return
    records = islice(_records(body, imported.detected), done, None)
    while step := list(islice(records, STEP)):
        yield done, step
        done += len(step)


def _step(
    session: Session,
    imported: Import,
    step: tuple[int, list[files.Record]],
    now: datetime,
    seen: set[int] | None,
) -> None:
    """Decide about some rows; store the people too, unless `seen` (the keys met so far) says this is a check."""
    start, records = step
    known = fields.every(session)
    # The header keeps the order of the columns; an object in the database does not.
    targets = [(column, imported.mapping[column]) for column in imported.detected["header"]]
    told, country = imported.detected.get("status", ""), imported.detected.get("country")
    wanted = [columns.read(record, targets, known, told, country) for record in records]
    _advance(session, imported, start, len(records), now)
    outcomes = _outcomes(session, imported, wanted, known, now, seen)
    counts = Counter(imported.counts)
    for outcome in outcomes:
        counts.update([outcome.outcome, *outcome.notes])
    imported.counts = dict(counts)
    rows = (
        {
            "import_id": imported.id, "line": outcome.line, "outcome": outcome.outcome,
            "stakeholder_id": outcome.stakeholder_id, "problems": outcome.problems, "changes": outcome.changes,
            "cells": _kept(outcome, record.cells, checking=seen is not None),
        }
        for outcome, record in zip(outcomes, records, strict=True)
    )  # fmt: skip
    insert_rows(session, ImportRow, rows)
    session.flush()


def _kept(outcome: Outcome, cells: list[str], *, checking: bool) -> list[str] | None:
    """The cells of a row that somebody may mend, and in a check of who is new; of people who were erased nothing."""
    erased = any(problem["code"] == "erased" for problem in outcome.problems)
    shown = ("refused", "held", "created") if checking else ("refused", "held")
    if erased or not (outcome.outcome in shown or "partly" in outcome.notes):
        return None
    return [files.storable(cell)[:CELL_KEPT] for cell in cells[: files.COLUMNS_MAX]]


def _advance(session: Session, imported: Import, start: int, count: int, now: datetime) -> None:
    """Take these rows; whoever else works on the same file finds them taken."""
    taken = session.execute(
        update(Import)
        .where(Import.id == imported.id, Import.done == start, Import.state == imported.state)
        .values(done=start + count, until_at=now + LEASE)
        .returning(Import.id)
        .execution_options(synchronize_session=False)
    ).all()
    if not taken:
        raise Conflict("another process works on this import")
    session.refresh(imported, ["done", "counts", "until_at"])


def _outcomes(
    session: Session,
    imported: Import,
    wanted: list[Wanted],
    known: Mapping[str, Any],
    now: datetime,
    seen: set[int] | None,
) -> list[Outcome]:
    place = Place(
        session, now, imported.programme_id, imported.detected["within"], _declaration(imported), known,
        imported.filename,
    )  # fmt: skip
    opened = desk.open_for(place, wanted, locked=seen is None)
    outcomes = [desk.apply(opened, one, seen) for one in wanted]
    if seen is None:
        evidence = {"import": imported.id, "sha256": imported.sha256}
        desk.store(opened, imported.actor, evidence)
    return outcomes


def _doubtful(doubts: list[str]) -> BadImport:
    words = "confirm the encoding and delimiter of the file first, or name it"
    if doubts == ["encoding"]:
        words = "confirm the encoding of the file first, or name it"
    elif doubts == ["delimiter"]:
        words = "confirm the delimiter of the file first, or name it"
    elif doubts == ["sheet"]:
        words = "confirm the sheet of the file first, or name it"
    return BadImport(words, pointer=f"/{doubts[0]}")


def _declared(
    declaration: Mapping[str, Any] | None, meaning: Mapping[str, str], now: datetime, undated: bool
) -> dict[str, Any] | None:
    """The declaration as it is kept; all of it is needed, for without source, date and wording it proves nothing."""
    if declaration is None:
        return None
    if not isinstance(declaration, Mapping) or set(declaration) | {"at"} != set(DECLARED):
        raise BadImport(
            said("a declaration has exactly {declared}", declared=DECLARED), pointer="/declaration"
        )
    try:
        kept = {name: clean(declaration[name], f"/declaration/{name}") for name in DECLARED if name != "at"}
        people.one_of(kept["purpose"], PURPOSES, "/declaration/purpose")
        people.one_of(kept["basis"], BASES, "/declaration/basis")
        desk.check_channel(kept["channel"], "/declaration/channel")
        own = not declaration.get("at") and (undated or "consent_at" in meaning.values())
        at = None if own else _moment(declaration.get("at"))
    except Invalid as error:
        raise BadImport(error.detail, pointer=error.pointer) from error
    if at is not None and at > now:
        raise BadImport("consent cannot have been given in the future", pointer="/declaration/at")
    return kept | {"at": at and at.isoformat()}


def _moment(value: Any) -> datetime:
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise BadField("this must be a date and time", pointer="/declaration/at") from None
    if at.tzinfo is None:
        raise BadField("this time needs its offset, such as Z or +01:00", pointer="/declaration/at")
    return at


def _declaration(imported: Import) -> Declaration | None:
    if (stored := imported.declaration) is None:
        return None
    at, own = stored["at"], "consent_at" in imported.mapping.values()
    return Declaration(**{**stored, "at": at and datetime.fromisoformat(at)}, fallback=own)


def _over(imported: Import) -> AlreadyDone:
    return AlreadyDone(
        "this import was cancelled" if imported.state == "cancelled" else "this import was confirmed already"
    )


def _going(session: Session, import_id: int) -> Import | None:
    """The import, locked against a cancel until these rows are in; None where it was cancelled."""
    found = session.get_one(Import, import_id, with_for_update=True)
    return None if found.state == "cancelled" else found


def _get(session: Session, import_id: int) -> Import:
    imported = session.get(Import, import_id)
    if imported is None:
        raise NotFound("there is no such import")
    return imported
