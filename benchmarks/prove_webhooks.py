"""Proof: what providers push is believed when it is theirs, refused when a bit is another, and counts once.

For every connector with hooks: its suite (golden calls accepted, every flipped bit of what is signed refused, old
secrets, old times, repeated and malformed calls); and on each database of DATABASE (sqlite, postgresql; default both):
1,000 repeats of a genuine call leave one row for each of its events, and 720 orders of six events in its words end
equal.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import cycle, islice

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns.delivery.tables import Account, Delivery, DeliveryEvent
from campaigns.responses import intake
from campaigns.responses.tables import RawEvent, Response
from campaigns.stakeholders.tables import Consent, Suppression
from connectors import registry
from connectors.api import Event
from connectors.testing import FarHooks, HookContract
from tests.campaigns.responses.conftest import World
from tests.connectors import suites

from .prove_contracts import Counted

REPEATS, AT_ONCE = 1_000, 6
FACTS = (
    (DeliveryEvent.kind,), (Response.kind, Response.matched_by, Response.stakeholder_id),
    (Suppression.reason, Suppression.purpose, Suppression.address_key), (Consent.act, Consent.purpose),
)  # fmt: skip


def a_thousand_repeats_leave_one_row(
    self: HookContract, far: FarHooks, session: Session, now: datetime
) -> None:
    """The very call again and again, as providers do that did not hear our answer."""
    hooks, call = far.connector().hooks, far.call()
    assert hooks is not None
    world = World(session, now)
    for _ in range(REPEATS):
        intake.store(session, now, world.mail.id, hooks(call).events, "push")
    rows = session.scalar(select(func.count()).select_from(RawEvent))
    assert rows == len({each.key for each in hooks(call).events}) >= 1


def every_order_ends_equal(self: HookContract, far: FarHooks, session: Session, now: datetime) -> None:
    """Six events about one delivery, told in each of their 720 orders."""
    world, connector = World(session, now), far.connector()
    mail = connector.channel == "email"
    person = world.person("Siân", "sian@ysgol.example") if mail else None
    account = world.account("told", connector.channel)
    delivery = world.delivery(person, account, state="unknown")
    six = _six(connector.name, far, delivery)
    orders, ends = _ends(world, delivery, six)
    assert orders == 720 and len(ends) == 1, f"{connector.name}: {ends}"


def main() -> int:
    """Run the proof and end with its line of JSON."""
    HookContract.test_a_thousand_repeats_leave_one_row = a_thousand_repeats_leave_one_row  # type: ignore[attr-defined]
    HookContract.test_every_order_ends_equal = every_order_ends_equal  # type: ignore[attr-defined]
    told = [each.name for each in suites.built_in() if "hooks" in each.faces]
    held = {name: suites.held(name).get("HookContract", []) for name in told}
    counted = Counted()
    sys.stdout, shown = sys.stderr, sys.stdout  # pytest's words are no result
    tests = [test for found in held.values() for test in found]
    database = os.environ.get("DATABASE") or "both"
    chosen = [] if database == "both" else ["--databases", database]
    ended = pytest.main(["-q", "-p", "no:cacheprovider", *chosen, *dict.fromkeys(tests)], plugins=[counted])
    sys.stdout = shown
    lacking = [name for name, found in held.items() if not found]
    for name in lacking:
        print(f"{name} has hooks and no suite for them", file=sys.stderr)
    failed = counted.outcomes["failed"] + len(lacking) + (ended not in (0, 1))
    passed = counted.outcomes["passed"]
    print(json.dumps({"proof": "webhooks", "providers": len(told), "passed": passed, "failed": failed}))
    return 1 if failed else 0


def _six(name: str, far: FarHooks, delivery: Delivery) -> list[Event]:
    """Six events in the words of a provider, about one delivery: those of its genuine call, and of its other kinds."""
    connector = far.connector()
    assert connector.hooks is not None
    genuine = connector.hooks(far.call()).events[0]
    kinds = [genuine.kind, *(kind for kind in registry.provider(name).events if kind != genuine.kind)]
    about = {
        "provider_id": delivery.provider_id,
        "about": delivery.address_key,
        "sender": delivery.address_key,
    }
    return [
        replace(genuine, key=f"{n}", kind=kind, references=(), hard=kind == "bounce", **about)  # type: ignore[arg-type]
        for n, kind in enumerate(islice(cycle(kinds), AT_ONCE))
    ]


def _ends(world: World, delivery: Delivery, left: Sequence[Event]) -> tuple[int, set[str]]:
    """How many orders there are of what is left to tell, and all the ends they come to; nothing of it is kept.

    Orders that begin alike are told alike once, or it would take twice as long.
    """
    if not left:
        return 1, {_known(world, delivery)}
    orders, ends = 0, set[str]()
    account = world.session.get_one(Account, delivery.account_id)
    for place, event in enumerate(left):
        with world.session.begin_nested() as told:
            world.hear(event, account=account)
            more, found = _ends(world, delivery, [*left[:place], *left[place + 1 :]])
            told.rollback()
        orders, ends = orders + more, ends | found
    return orders, ends


def _known(world: World, delivery: Delivery) -> str:
    """The facts that there are now."""
    world.session.refresh(delivery)
    found = [sorted(map(str, world.session.execute(select(*columns)).all())) for columns in FACTS]
    return str([delivery.state, delivery.reason, *found])


if __name__ == "__main__":
    sys.exit(main())
