"""`dolen import FILE`: people from a file (CSV, XLSX, ZIP, JSON), checked first, in steps that survive a kill."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from shutil import copyfileobj
from typing import Any

from campaigns.base import parse_id
from campaigns.stakeholders import imports
from campaigns.stakeholders.tables import Import
from campaigns.strategies import programmes

from ..access import CONSOLE
from ..acts import Act, begin
from ..acts import imports as acts_imports
from ..ids import shown
from ..wiring import Wiring
from . import wired

TOLD = 20


def arguments(parser: ArgumentParser) -> None:
    """The file and how it is to be read."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("file", nargs="?", type=Path)
    what.add_argument("--resume", metavar="IMP", help="go on with an import that was interrupted")
    parser.add_argument(
        "--programme", metavar="PRG", help="whose people they are; General where it is left out"
    )
    parser.add_argument(
        "--map", metavar="COLUMN=NAME", type=_pair, action="append", help="what a column holds"
    )
    parser.add_argument(
        "--declare", metavar="NAME=VALUE", type=_pair, action="append",
        help=f"one consent for the whole file: {', '.join(imports.DECLARED)}, all of them (at unless a column has it)",
    )  # fmt: skip
    parser.add_argument("--encoding", help="where it is not detected rightly")
    parser.add_argument("--delimiter", help="where it is not detected rightly")
    parser.add_argument("--sheet", help="of a workbook; else its first with anything")
    parser.add_argument(
        "--country",
        metavar="CC",
        help="whose numbers stand without a country's code; else that of the workspace",
    )
    parser.add_argument(
        "--refused", type=Path, metavar="FILE", help="write the rows left out here as CSV, with the reasons"
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would happen")
    parser.add_argument("--yes", action="store_true", help="the file is read rightly, doubts or not")


def run(args: Namespace) -> int:
    """Check, tell, import, tell."""
    wiring = wired()
    import_id = parse_id("imp", args.resume) if args.resume else _check(wiring, args)
    if not args.resume:
        doubts = _tell(wiring, import_id)
        if args.dry_run:
            return 0
        if doubts and not args.yes:
            print(
                f"Not sure about {' and '.join(doubts)}: look at the names above, then say --yes or name it."
            )
            return 1
        _confirm(wiring, import_id)
    counts = imports.run(wiring.database.sessions, import_id, wiring.now)
    print(
        f"{shown('import', import_id)}: "
        + ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    )
    _refusals(wiring, import_id)
    if args.refused is not None:
        with begin(wiring, CONSOLE) as act:
            left = acts_imports.refused(act, import_id)
        with left, open(args.refused, "wb") as out:
            copyfileobj(left, out)
    wiring.close()
    return 0


def _check(wiring: Wiring, args: Namespace) -> int:
    with begin(wiring, CONSOLE) as act, open(args.file, "rb") as body:
        imported = imports.check(
            act.session, act.now, programme_id=_programme(act, args.programme), filename=args.file.name,
            body=body, mapping=dict(args.map) if args.map else None,
            declaration=dict(args.declare) if args.declare else None,
            encoding=args.encoding, delimiter=args.delimiter, sheet=args.sheet, actor=act.caller.actor,
            country=args.country or acts_imports.home_country(wiring),
        )  # fmt: skip
        act.note("import.checked", "import", imported.id, programme_id=imported.programme_id)
        import_id, state = imported.id, imported.state
    if state == "checking":
        imports.dry_run(wiring.database.sessions, import_id, wiring.now)
    return import_id


def _programme(act: Act, given: str | None) -> int:
    if given is None:
        return programmes.general(act.session, act.now).id
    return programmes.get(act.session, parse_id("prg", given)).id


def _tell(wiring: Wiring, import_id: int) -> list[str]:
    """Say how the file was read; gives what is doubtful."""
    with wiring.database.read() as session:
        imported = session.get_one(Import, import_id)
        detected = imported.detected
    print(f"{imported.filename}: {imported.total} rows, {_how(detected)}")
    if detected["exporter"] == "listmonk" and detected["kind"] == "csv":
        print("  A CSV file of listmonk does not say who has left a list: bring its JSON instead.")
    for column, name in imported.mapping.items():
        print(f"  {column} is {name}")
    print("Would be: " + ", ".join(f"{count} {outcome}" for outcome, count in imported.counts.items()))
    _refusals(wiring, import_id)
    return list(detected["doubts"])


def _how(detected: dict[str, Any]) -> str:
    whose = f", exported by {detected['exporter']}" if detected["exporter"] else ""
    if detected["sheet"]:
        return f"sheet {detected['sheet']!r} of {', '.join(detected['sheets'])}{whose}"
    return f"{detected['encoding']}, separated by {detected['delimiter']!r}{whose}"


def _confirm(wiring: Wiring, import_id: int) -> None:
    with begin(wiring, CONSOLE) as act:
        imported = act.one(Import, import_id, lock=True)
        imports.confirm(act.session, act.now, imported)
        act.note("import.confirmed", "import", import_id, programme_id=imported.programme_id)


def _refusals(wiring: Wiring, import_id: int) -> None:
    with wiring.database.read() as session:
        imported = session.get_one(Import, import_id)
        refused = imports.rows(session, imported, limit=TOLD, outcome="refused")
    for row in refused:
        for problem in row.problems:
            print(f"  line {row.line}: {problem.get('detail', problem)}", file=sys.stderr)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ArgumentTypeError("write NAME=VALUE")
    return name, value
