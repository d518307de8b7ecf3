"""`dolen sample`: a year of an invented programme, loaded and removed as one."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from campaigns.base import parse_id

from ..access import CONSOLE
from ..demo import removing, year
from ..ids import shown
from ..wiring import Wiring
from . import wired


def arguments(parser: ArgumentParser) -> None:
    """What to do, and through which accounts its history went."""
    verbs = parser.add_subparsers(dest="verb", required=True)
    load = verbs.add_parser("load", help="a believable year, every person of it marked as sample")
    load.add_argument("--mail", metavar="ACC", help="the mail account it went through; none: practice")
    load.add_argument("--network", metavar="ACC", help="the network it posted on; none: practice")
    verbs.add_parser("remove", help="take it away with everything that hangs on it")


def run(args: Namespace) -> int:
    """Do it and say so."""
    wiring = wired()
    print(_load(wiring, args) if args.verb == "load" else f"{removing.remove(wiring, CONSOLE)} rows removed.")
    wiring.close()
    return 0


def _load(wiring: Wiring, args: Namespace) -> str:
    mail, network = (parse_id("acc", one) if one else None for one in (args.mail, args.network))
    made = year.load(wiring, CONSOLE, mail=mail, network=network)
    return f"The sample year is loaded: {shown('programme', made)}"
