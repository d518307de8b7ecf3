"""`dolen export FILE`: all that is held on one person, in a programme, or here, as one signed file."""

from __future__ import annotations

import shutil
from argparse import ArgumentParser, Namespace
from pathlib import Path

from campaigns.base import parse_id

from .. import exports, recipes
from ..access import CONSOLE
from ..acts import begin
from ..acts import exports as acts
from ..tables import Export
from ..wiring import Wiring
from . import wired


def arguments(parser: ArgumentParser) -> None:
    """Of what, and where to put it."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--person", metavar="STK", help="all that is held on somebody, for them")
    what.add_argument(
        "--programme", metavar="PRG", help="everything of a programme; without it, of everything"
    )
    parser.add_argument(
        "--withhold-notes", metavar="WHY", default="", help="of a person: why notes of colleagues stay out"
    )
    parser.add_argument("file", type=Path, help="a file that does not exist yet")


def run(args: Namespace) -> int:
    """Ask for it as anybody would, make it here, and put it where it is wanted."""
    args.file.open("xb").close()
    try:
        made = _put(args)
    except BaseException:  # the name is free for another try
        args.file.unlink()
        raise
    print(f"{args.file}  {made.bytes} bytes  sha256 {made.sha256}")
    return 0


def _put(args: Namespace) -> Export:
    """The export, once its file is where it is wanted."""
    wiring = wired()
    number = _asked(wiring, args)
    exports.make(wiring, number, recipes.recipe)
    with wiring.database.read() as session:
        made = session.get_one(Export, number)
    if made.state != "finished":
        raise OSError(made.error or f"the export is {made.state}: a worker may have it in hand, try again")
    args.file.chmod(0o600)
    shutil.copyfile(exports.place(wiring.settings.folder, number), args.file)
    wiring.close()
    return made


def _asked(wiring: Wiring, args: Namespace) -> int:
    if args.person:
        number = parse_id("stk", args.person)
        return acts.of_person(wiring, CONSOLE, number, withheld=args.withhold_notes).id
    with begin(wiring, CONSOLE) as act:
        if args.programme:
            return acts.of_programme(act, parse_id("prg", args.programme)).id
        return acts.of_everything(act).id
