"""`dolen work`: a worker process; with a verb, what waits for workers and how it is put right."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable

from sqlalchemy import select

from campaigns.base import parse_id
from campaigns.delivery import control, repair
from campaigns.delivery.tables import IN_TROUBLE, Delivery
from campaigns.messages.tables import Message

from .. import epoch, garbage, paging
from ..access import CONSOLE
from ..acts import Act, begin, messages, work
from ..engines.embedded import run_worker
from ..ids import any_id, shown
from ..wiring import Wiring
from . import wired

UNKNOWN = "unknown"


def arguments(parser: ArgumentParser) -> None:
    """Nothing: a worker. Else what to do with work that waits."""
    verbs = parser.add_subparsers(dest="verb", metavar="VERB")
    listing = verbs.add_parser("list", help="work that is late; or of another kind")
    listing.add_argument("--kind", choices=(*repair.KINDS, UNKNOWN), default="late")
    requeue = verbs.add_parser("requeue", help="give a batch to the next worker at once")
    requeue.add_argument("batch", metavar="BAT")
    requeue.add_argument("--why", required=True)
    skip = verbs.add_parser("skip", help="leave a batch or a delivery out; it is kept as failed")
    skip.add_argument("what", metavar="BAT|DLV")
    skip.add_argument("--why", required=True)
    mark = verbs.add_parser("mark", help="say what became of a batch or a delivery")
    mark.add_argument("what", metavar="BAT|DLV")
    mark.add_argument("outcome", choices=("sent", "failed", "queued"))
    mark.add_argument("--evidence", required=True, help="how you know; it stays with each delivery")


def run(args: Namespace) -> int:
    """Work until told to stop; or do what the verb says."""
    wiring = wired()
    if args.verb is None:
        _work(wiring)
    else:
        with begin(wiring, CONSOLE) as act:
            lines = VERBS[args.verb](act, args)
        print("\n".join(lines))
    wiring.close()
    return 0


def _work(wiring: Wiring) -> None:
    if epoch.advance(wiring):
        print(epoch.REASON, file=sys.stderr)
    garbage.set_aside()
    run_worker(wiring)


def _list(act: Act, args: Namespace) -> list[str]:
    if args.kind == UNKNOWN:
        return _unknown(act)
    page = work.listed(act, kind=args.kind, limit=paging.LIMIT_MAX, after=None, before=None)
    more = [f"and more: the first {paging.LIMIT_MAX} are shown"] if page.has_more else []
    return [*map(_line, page.rows), *more] or [f"nothing is {args.kind}"]


def _unknown(act: Act) -> list[str]:
    rows = act.session.execute(
        select(Delivery.id, Delivery.message_id, Delivery.intent_at)
        .join(Message, Message.id == Delivery.message_id)
        .where(control.undecided(), IN_TROUBLE)
        .order_by(Delivery.id)
        .limit(paging.LIMIT_MAX)
    )
    found = [
        f"{shown('delivery', row.id)}  {shown('message', row.message_id)}  handed over {row.intent_at:%F %T}Z"
        for row in rows
    ]
    return found or ["nothing is unknown"]


def _requeue(act: Act, args: Namespace) -> list[str]:
    return [_line(work.requeue(act, parse_id("bat", args.batch), why=args.why))]


def _skip(act: Act, args: Namespace) -> list[str]:
    return _marked(act, args.what, "failed", args.why)


def _mark(act: Act, args: Namespace) -> list[str]:
    return _marked(act, args.what, args.outcome, args.evidence)


def _marked(act: Act, what: str, outcome: str, evidence: str) -> list[str]:
    kind, number = any_id(what)
    if kind == "batch":
        return [f"{work.mark(act, number, outcome=outcome, evidence=evidence)['rows']} marked {outcome}"]
    messages.decide_delivery(act, parse_id("dlv", what), outcome=outcome, evidence=evidence)
    return [f"1 marked {outcome}"]


def _line(one: work.Waiting) -> str:
    hand = f"  in the hands of {one.owner} until {one.until:%T}Z" if one.owner else ""
    deaths = f"  {one.deaths} workers died with it" if one.deaths else ""
    return (
        f"{shown('batch', one.id)}  {shown('message', one.message_id)}  {one.rows} rows by {one.account}  "
        f"{one.lane}  due {one.due_at:%F %T}Z{hand}{deaths}"
    )


VERBS: dict[str, Callable[[Act, Namespace], list[str]]] = {
    "list": _list,
    "requeue": _requeue,
    "skip": _skip,
    "mark": _mark,
}
