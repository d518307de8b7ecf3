"""Who opened a mail or pressed a link in it: a person, a machine, or nobody can say.

Rules: only what nothing speaks against is a person's. What speaks against it is found in what was told of the same
delivery, in whatever order that came: what is told later may change what was said before. Nothing else is asked, so a
machine that waits for minutes and calls itself a browser passes for a person.
Source: F6; wordtothewise.com/2024/08/prefetches-and-proxies, bird.com/blog/gmail-prefetching-images, and what scanners
were seen to do: github.com/mautic/mautic issues 9798 (about a link a second) and 16263 (November 2026).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from ..delivery.tables import Delivery, DeliveryEvent

PERSON, UNSURE, MACHINE = "person", "unsure", "machine"
VERDICTS = (PERSON, UNSURE, MACHINE)  # the surest of a person first
JUDGED = ("opened", "clicked")
# So soon after a mail has arrived nobody has read it, and so soon hardly anybody has. Clocks differ as much, and
# providers tell late: a press long before the mail arrived, as they say, tells that it was there before.
AT_ONCE, SOON = timedelta(seconds=5), timedelta(seconds=60)
# Where nobody says when a mail arrived: many servers let one from a stranger wait so long (greylisting).
ON_ITS_WAY = timedelta(minutes=15)
# Further back than any mail is under way.
LONG = timedelta(days=365)
# Nobody presses two links so fast, nor MANY times whatever it is, each a STEP after the one before.
BURST, STEP, MANY = timedelta(seconds=2), timedelta(seconds=5), 3
BESIDE = (MANY - 1) * STEP
# Fetch pictures as a mail arrives, whether or not anybody will read it: Apple's mail privacy, and Gmail.
PREFETCH = (
    "Mozilla/5.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0",
)
# Fetch them for whoever opens a mail, and sometimes before.
PROXY = re.compile(r"GoogleImageProxy|YahooMailProxy", re.IGNORECASE)
# What calls itself no browser. Cubot makes telephones.
PROGRAM = re.compile(
    r"(?<!cu)bot\b|crawler|spider|preview|scanner|headless|barracuda|mimecast|proofpoint"
    r"|\b(curl|wget|python|java|go-http-client|libwww-perl|okhttp|axios|node-fetch)\b",
    re.IGNORECASE,
)


def settle(session: Session, delivery: Delivery, told: DeliveryEvent) -> None:
    """Judge what is told of a delivery, and again what was told before and this puts in another light."""
    if told.kind not in (*JUDGED, "delivered"):
        return
    arrivals, handed_at = _arrivals(session, delivery, told), _handed(delivery)
    since, until = _light(told, [handed_at + ON_ITS_WAY, *(at + SOON for at in arrivals)])
    near = select(DeliveryEvent).where(
        DeliveryEvent.delivery_id == delivery.id, DeliveryEvent.kind.in_(JUDGED),
        DeliveryEvent.at.between(since - BESIDE, until + BESIDE),
    )  # fmt: skip
    rows = [*session.scalars(near), *([told] if told.kind in JUDGED else [])]
    bursts = _bursts(rows)
    for one in rows:
        if since <= one.at <= until:
            how_soon = _how_soon(delivery.channel, one.at, handed_at, min(arrivals, default=None))
            one.verdict, one.verdict_why = judge(delivery.channel, one, one in bursts, how_soon)


def judge(
    channel: str, one: DeliveryEvent, is_of_a_burst: bool, how_soon: str | None
) -> tuple[str, str | None]:
    """The verdict and what it stands on; `how_soon` after the mail had arrived it was done: at_once, soon or None."""
    agent = str(one.meta.get("user_agent") or "").strip()
    if one.meta.get("machine") is True:
        return MACHINE, "told"
    if str(one.meta.get("method") or "").upper() == "HEAD":
        return MACHINE, "head"
    if agent in PREFETCH or PROGRAM.search(agent):
        return MACHINE, "agent"
    if one.kind == "opened" and channel != "email":
        return PERSON, None  # their app says that it was read: no picture was fetched
    if is_of_a_burst:
        return MACHINE, "burst"
    if how_soon is not None:
        return (MACHINE if how_soon == "at_once" else UNSURE), how_soon
    if PROXY.search(agent):
        return UNSURE, "proxy"
    return (PERSON, None) if agent else (UNSURE, "no_agent")


def figures(session: Session, message_id: int) -> dict[str, dict[str, int]]:
    """How many deliveries of a message were opened and clicked, by whom; each counts once, by a person where it can."""
    return {kind: _counted(session, message_id, kind) for kind in JUDGED}


def _counted(session: Session, message_id: int, kind: str) -> dict[str, int]:
    """Of one kind: read in the order of an index, a million without sorting anything."""
    of = DeliveryEvent
    rank = case({verdict: place for place, verdict in enumerate(VERDICTS)}, value=of.verdict)
    each = select(func.min(rank).label("best")).where(
        of.message_id == message_id, of.kind == kind, of.verdict.is_not(None)
    )
    best = each.group_by(of.delivery_id).subquery().c.best
    counted = select(*(func.count().filter(best == place) for place in range(len(VERDICTS))))
    return dict(zip(VERDICTS, session.execute(counted).one(), strict=True))


def _bursts(rows: Iterable[DeliveryEvent]) -> set[DeliveryEvent]:
    """The presses on links that were too fast for fingers. One link pressed twice at once is a person's."""
    found, run = set[DeliveryEvent](), list[DeliveryEvent]()
    for one in sorted((row for row in rows if row.kind == "clicked"), key=lambda row: row.at):
        if run and one.at - run[-1].at > STEP:
            run = []
        run.append(one)
        if len(run) >= MANY or (len(run) == 2 and _are_two_links_at_once(*run)):
            found.update(run[-MANY:])
    return found


def _are_two_links_at_once(one: DeliveryEvent, other: DeliveryEvent) -> bool:
    link, their = one.meta.get("url"), other.meta.get("url")
    return bool(link) and bool(their) and link != their and other.at - one.at <= BURST


def _how_soon(channel: str, at: datetime, handed_at: datetime, arrived_at: datetime | None) -> str | None:
    """How soon after the arrival, by what the provider says of it; else after we began to hand it over."""
    said = arrived_at if arrived_at is not None and at >= arrived_at - SOON else None
    passed = at - (said or handed_at)
    if abs(passed) <= AT_ONCE:
        return "at_once"
    soon = ON_ITS_WAY if said is None and channel == "email" else SOON
    return "soon" if passed <= soon else None


def _arrivals(session: Session, delivery: Delivery, told: DeliveryEvent) -> list[datetime]:
    """When the mail had arrived, as the provider says, which may be never or more than once."""
    said = select(DeliveryEvent.at).where(
        DeliveryEvent.delivery_id == delivery.id, DeliveryEvent.kind == "delivered"
    )
    return [*session.scalars(said), *([told.at] if told.kind == "delivered" else [])]


def _light(told: DeliveryEvent, soon: list[datetime]) -> tuple[datetime, datetime]:
    """From when until when things are seen otherwise: presses beside a press, all that came soon after an arrival."""
    if told.kind in JUDGED:
        return told.at - BESIDE, told.at + BESIDE
    return told.at - LONG, max(soon)


def _handed(delivery: Delivery) -> datetime:
    """When we began to hand it over."""
    return delivery.intent_at or delivery.sent_at or delivery.due_at
