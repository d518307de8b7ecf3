"""The `dolen` command line: one file per command in `service/commands`, told of here."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from types import ModuleType
from typing import TextIO

from sqlalchemy.exc import DatabaseError

from campaigns.database import Damaged, NotDurable
from campaigns.errors import DomainError

from .keys import BadKeyRing
from .settings import BadSetting

# name: (module, what it does); a module has `arguments(parser)` and `run(args) -> exit status`.
COMMANDS = {
    "all": ("all", "start everything on this machine: service, clock, worker and practice"),
    "serve": ("serve", "serve the API and the public pages"),
    "work": ("work", "work batches until told to stop; start as many as you like"),
    "clock": ("clock", "tick until told to stop; a second one changes nothing"),
    "db": ("db", "bring the database to the tables of this release, or move to another"),
    "token": ("token", "make a token; on a new installation, the first administrator's"),
    "user": ("user", "add, list, grant or disable the people who work here"),
    "import": ("import_people", "import people from a file: CSV, XLSX, ZIP, JSON"),
    "export": ("export", "take out all that is held on one person, in a programme, or here"),
    "verify-export": ("verify_export", "prove that a file that was taken out is genuine and whole"),
    "hooks": ("hooks", "think again about what providers told us"),
    "connectors": ("connectors", "list the connectors and their settings"),
    "doctor": ("doctor", "check settings, keys, database, accounts and workers"),
    "keys": ("keys", "rotate the key ring that seals secrets and signs links, or show what proves exports"),
    "backup": ("backup", "copy database and keys into a folder, while everything runs"),
    "sample": ("sample", "load or remove a year of an invented programme"),
    "demo": ("demo", "a sample year on real mail, and a tour through everything that can happen"),
    "openapi": ("openapi", "write the description of the API to docs/openapi.json"),
}
EXPECTED = (BadSetting, BadKeyRing, DomainError, NotDurable, Damaged, OSError)


def main(argv: list[str] | None = None) -> int:
    """Run one command; its exit status."""
    given = sys.argv[1:] if argv is None else argv
    name = given[0] if given else ""
    if name not in COMMANDS:
        _help(sys.stdout if name in ("", "-h", "--help") else sys.stderr)
        return 0 if name in ("-h", "--help") else 2
    module = _load(name)
    parser = argparse.ArgumentParser(prog=f"dolen {name}", description=_sentence(COMMANDS[name][1]))
    module.arguments(parser)
    try:
        return int(module.run(parser.parse_args(given[1:])))
    except EXPECTED as error:
        print(f"dolen {name}: {error}", file=sys.stderr)
    except DatabaseError as error:
        print(f"dolen {name}: the database refused: {error.orig}. Try `dolen doctor`.", file=sys.stderr)
    return 1


def _load(name: str) -> ModuleType:
    # Only the one that runs is imported: `dolen token` need not load the workers.
    return import_module(f"{__package__}.commands.{COMMANDS[name][0]}")


def _help(where: TextIO) -> None:
    print("usage: dolen COMMAND [options]   (dolen COMMAND --help tells more)\n", file=where)
    for name, (_module, about) in COMMANDS.items():
        print(f"  {name:<13} {_sentence(about)}", file=where)


def _sentence(about: str) -> str:
    return about[0].upper() + about[1:] + "."


if __name__ == "__main__":
    raise SystemExit(main())
