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
# So soon after a mail has arrived nobody has read it, and so soon hardly anybody has.
AT_ONCE, SOON = timedelta(seconds=5), timedelta(seconds=60)
# Further back than any mail is under way.
LONG = timedelta(days=365)
# Nobody presses two links so fast.
BURST = timedelta(seconds=2)
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
    arrivals = _arrivals(session, delivery, told)
    since, until = _light(delivery, arrivals, told)
    near = select(DeliveryEvent).where(
        DeliveryEvent.delivery_id == delivery.id, DeliveryEvent.kind.in_(JUDGED),
        DeliveryEvent.at.between(since - BURST, until + BURST),
    )  # fmt: skip
    rows = [*session.scalars(near), *([told] if told.kind in JUDGED else [])]
    for one in rows:
        if since <= one.at <= until:
            one.verdict, one.verdict_why = judge(delivery.channel, min(arrivals), one, rows)


def judge(
    channel: str, arrived_at: datetime, one: DeliveryEvent, beside: Iterable[DeliveryEvent]
) -> tuple[str, str | None]:
    """The verdict and what it stands on; `beside` is what else was told of the same delivery around that time."""
    agent = str(one.meta.get("user_agent") or "").strip()
    if one.meta.get("machine") is True:
        return MACHINE, "told"
    if str(one.meta.get("method") or "").upper() == "HEAD":
        return MACHINE, "head"
    if agent in PREFETCH or PROGRAM.search(agent):
        return MACHINE, "agent"
    if one.kind == "opened" and channel != "email":
        return PERSON, None  # their app says that it was read: no picture was fetched
    if any(_is_of_a_burst(one, other) for other in beside):
        return MACHINE, "burst"
    if one.at - arrived_at <= AT_ONCE:
        return MACHINE, "at_once"
    if one.at - arrived_at <= SOON:
        return UNSURE, "soon"
    if PROXY.search(agent):
        return UNSURE, "proxy"
    return (PERSON, None) if agent else (UNSURE, "no_agent")


def figures(session: Session, message_id: int) -> dict[str, dict[str, int]]:
    """How many deliveries of a message were opened and clicked, by whom; each counts once, by a person where it can."""
    found = {kind: dict.fromkeys(VERDICTS, 0) for kind in JUDGED}
    rank = case({verdict: place for place, verdict in enumerate(VERDICTS)}, value=DeliveryEvent.verdict)
    each = (
        select(DeliveryEvent.kind, func.min(rank).label("best"))
        .where(DeliveryEvent.message_id == message_id, DeliveryEvent.verdict.is_not(None))
        .group_by(DeliveryEvent.kind, DeliveryEvent.delivery_id)
        .subquery()
    )
    counted = select(each.c.kind, each.c.best, func.count()).group_by(each.c.kind, each.c.best)
    for kind, best, number in session.execute(counted):
        found[kind][VERDICTS[best]] = number
    return found


def _is_of_a_burst(one: DeliveryEvent, other: DeliveryEvent) -> bool:
    """Whether both are presses on links, on different ones, too fast for fingers."""
    link, their = one.meta.get("url"), other.meta.get("url")
    both = one.kind == other.kind == "clicked" and bool(link) and bool(their) and link != their
    return both and abs(one.at - other.at) <= BURST


def _arrivals(session: Session, delivery: Delivery, told: DeliveryEvent) -> list[datetime]:
    """When the mail had arrived, as the provider says once or oftener; else when we began to hand it over."""
    said = select(DeliveryEvent.at).where(
        DeliveryEvent.delivery_id == delivery.id, DeliveryEvent.kind == "delivered"
    )
    found = [*session.scalars(said), *([told.at] if told.kind == "delivered" else [])]
    return found or [_handed(delivery)]


def _light(delivery: Delivery, arrivals: list[datetime], told: DeliveryEvent) -> tuple[datetime, datetime]:
    """From when until when things are seen otherwise: presses beside a press, all that came soon after an arrival."""
    if told.kind in JUDGED:
        return told.at - BURST, told.at + BURST
    return told.at - LONG, max(*arrivals, _handed(delivery)) + SOON


def _handed(delivery: Delivery) -> datetime:
    return delivery.intent_at or delivery.sent_at or delivery.due_at
