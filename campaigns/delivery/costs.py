"""Costs: what a post costs where its network charges for each, and the budget an account has for a month.

Rules: by the prices that the connector declares. What was spent is read from the ledger: what went, may have gone or is
going, by its own words, in the month (of UTC) in which it was first tried. A budget holds the message, as anything does
that is about the message; what another worker commits in the same moment is not seen, so it can go over by that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..errors import said
from ..messages import lengths, parts, planning
from ..messages.tables import Message, Variant
from . import accounts, audience, limits, states
from .tables import Account, Delivery

COUNTED = (states.SENDING, states.SENT, states.UNKNOWN)
TO_GO = (states.QUEUED, states.DEFERRED)


class Cost(NamedTuple):
    """What a message costs by one account, in the currency of its network; `source` is where the prices were read."""

    account_id: int
    account: str
    currency: str
    amount: float
    source: str


class Post(NamedTuple):
    """What the price of a post depends on."""

    variant_id: int | None
    part: int
    slots: Mapping[str, Any] | None
    answers: bool = False


def of_message(session: Session, message: Message) -> list[Cost]:
    """What one time of a message costs, by each of its accounts that charges."""
    charging = [one for one in accounts.of_message(session, message.id) if _prices(one)]
    return [
        Cost(one.id, one.name, _prices(one)["currency"], _cost(session, one, found), _prices(one)["source"])
        for one, found in _posts(session, message, charging)
    ]


def spent(session: Session, account: Account, at: datetime) -> float:
    """What the posts of an account cost in the month of an instant."""
    rows = session.execute(
        select(Delivery.variant_id, Delivery.part, Delivery.slots, Message.kind)
        .join(Message, Message.id == Delivery.message_id)
        .where(
            # Posts are to nobody in particular, and are found by that among what goes to a great many people. A message
            # may have been taken from this account since.
            Delivery.stakeholder_id.is_(None), Delivery.account_id == account.id, Delivery.state.in_(COUNTED),
            Delivery.intent_at >= limits.begins("month", at), Delivery.intent_at < limits.ends("month", at),
        )
    )  # fmt: skip
    return _cost(
        session, account, [Post(row.variant_id, row.part, row.slots, row.kind == "answer") for row in rows]
    )


def obstacles(session: Session, message: Message, now: datetime) -> list[dict[str, Any]]:
    """Accounts whose budget does not last for what is still to go of this message."""
    bound = [one for one in accounts.of_message(session, message.id) if _prices(one) and budget(one)]
    at = max(now, planning.planned_at(session, message) or now) if bound else now
    found = []
    for account, posts in _posts(session, message, bound):
        most, so_far = budget(account) or 0.0, spent(session, account, at)
        cost = _cost(session, account, _left(session, message, account) or posts)
        if so_far + cost > most + limits.DUST:
            facts = {"currency": _prices(account)["currency"], "spent": so_far, "cost": cost, "budget": most}
            words = said(
                "The budget of {account} does not last: {spent} of {budget} {currency} are spent this month, and this "
                "costs {cost}",
                account=account.name, **facts,
            )  # fmt: skip
            found.append({"kind": "budget_used_up", "account": account.name, "detail": words, **facts})
    return found


def budget(account: Account) -> float | None:
    """What the posts of an account may cost in a month; None where nobody said."""
    chosen: float | None = (account.own_limits or {}).get(limits.COST)
    return chosen


def _prices(account: Account) -> dict[str, Any]:
    found: dict[str, Any] = account.limits.get("prices") or {}
    return found


def _posts(session: Session, message: Message, charging: list[Account]) -> list[tuple[Account, list[Post]]]:
    """What each account would post if it went now."""
    rows = audience.posts(audience.open_plan(session, message)) if charging else []
    answers = message.kind == "answer"
    return [
        (
            account,
            [
                Post(row.variant_id, row.part, row.slots, answers)
                for row in rows
                if row.account_id == account.id
            ],
        )
        for account in charging
    ]


def _left(session: Session, message: Message, account: Account) -> list[Post]:
    """What is released of it and waits."""
    rows = select(Delivery.variant_id, Delivery.part, Delivery.slots).where(
        Delivery.message_id == message.id, Delivery.account_id == account.id, Delivery.state.in_(TO_GO)
    )
    return [
        Post(row.variant_id, row.part, row.slots, message.kind == "answer") for row in session.execute(rows)
    ]


def _cost(session: Session, account: Account, found: Iterable[Post]) -> float:
    """What these posts cost together, rounded to what prices are told in."""
    total = 0.0
    for post in found:
        variant = session.get(Variant, post.variant_id) if post.variant_id else None
        total += _price(account, post, variant) if variant is not None else 0.0
    return round(total, 4)


def _price(account: Account, post: Post, variant: Variant) -> float:
    """One post: with a link where its words or a value in them hold one; pictures go with the first part."""
    prices, texts = _prices(account), parts.of(variant.text, account.limits)
    words = " ".join([texts[min(post.part, len(texts) - 1)], *map(str, (post.slots or {}).values())])
    kind = "link" if lengths.has_link(words) else "answer" if post.answers else "post"
    pictures = len(variant.media or ()) if post.part == 0 else 0
    return float(prices[kind]) + pictures * float(prices["picture"])
