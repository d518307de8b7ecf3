"""`dolen db upgrade`, `dolen db move` and `dolen db index`, and for those who change the tables `dolen db revision`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic import command

from campaigns.database import Database
from campaigns.stakeholders import indexes

from ..moving import move
from ..upgrade import FOLDER, config, steps, upgrade
from . import wired


def arguments(parser: ArgumentParser) -> None:
    """What to do with the database."""
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("upgrade", help="bring the database to the tables of this release")
    move = verbs.add_parser("move", help="copy everything to another, empty database, and stop this one")
    move.add_argument("url", help="such as postgresql://dolen@localhost/dolen")
    index = verbs.add_parser("index", help="find people by a custom field quickly, where there are very many")
    index.add_argument("field", help="the name of the field")
    revision = verbs.add_parser(
        "revision", help="write the step from the newest one to the tables in the code"
    )
    revision.add_argument("words", help="what the step does, in a few words")


def run(args: Namespace) -> int:
    """Do it and say so."""
    if args.verb == "revision":
        return _revise(args.words)
    if args.verb == "index":
        return _index(args.field)
    return _move(args.url) if args.verb == "move" else _upgrade()


def _upgrade() -> int:
    wiring = wired(upgraded=False)
    upgrade(wiring)
    wiring.close()
    print(f"The database is at {steps()[0]}.")
    return 0


def _move(url: str) -> int:
    wiring = wired()
    rows = move(wiring, url)
    wiring.close()
    print(
        f"{rows} rows are there now. Set DOLEN__DATABASE__URL to it and start Dolen; this database is stopped."
    )
    return 0


def _index(field: str) -> int:
    wiring = wired()
    with wiring.database.write() as session:
        indexes.declare(session, field)
    wiring.close()
    print(f"Rules that ask for {field} have an index now.")
    return 0


def _revise(words: str) -> int:
    with TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/steps.db")
        with database.write_engine.begin() as connection:
            made = config(connection)
            command.upgrade(made, "head")
            number = f"{len(list((FOLDER / 'versions').glob('[0-9]*.py'))) + 1:04}"
            script = command.revision(made, words, autogenerate=True, rev_id=number)
        database.close()
    print(Path(getattr(script, "path", "")).name)
    return 0
