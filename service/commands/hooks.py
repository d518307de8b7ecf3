"""`dolen hooks replay`: what providers told us is thought about again."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime

from campaigns.base import parse_id

from ..access import CONSOLE
from ..acts import begin, hooks
from ..ids import shown
from . import wired


def arguments(parser: ArgumentParser) -> None:
    """Of which account, and since when."""
    verbs = parser.add_subparsers(dest="verb", required=True)
    replay = verbs.add_parser("replay", help="think again about what failed or could not be read")
    replay.add_argument("--account", metavar="ACC", help="of this account only")
    replay.add_argument(
        "--since",
        metavar="TIME",
        type=_time,
        help="and about all that came since: 2026-11-02, 2026-11-02T09:00Z",
    )


def run(args: Namespace) -> int:
    """Make it due; the workers do the rest."""
    wiring = wired()
    account_id = parse_id("acc", args.account) if args.account else None
    with begin(wiring, CONSOLE) as act:
        lines = [_line(one) for one in hooks.replay(act, account_id, args.since)]
    wiring.close()
    print("\n".join(lines or ["there is nothing to think about again"]))
    return 0


def _line(one: hooks.Replayed) -> str:
    name = f"{shown('account', one.account.id)} {one.account.name}"
    return (
        f"{name}: {one.again} events are due again, {one.read} could be read now, {one.unread} still cannot"
    )


def _time(given: str) -> datetime:
    """A time, of UTC where it names no zone; ValueError, which the parser tells."""
    at = datetime.fromisoformat(given)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
