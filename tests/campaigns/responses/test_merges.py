"""Merging: nothing moves, both count at once for what people asked of us, and the undo is exact."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from campaigns import tables
from campaigns.errors import AlreadyDone, BadField, Conflict, NotFound
from campaigns.messages import hours
from campaigns.responses import merges
from campaigns.stakeholders import addresses, consent, fields, kin, people, segments, topics
from campaigns.stakeholders.tables import Address, Merge, Stakeholder
from campaigns.strategies import programmes

US = "user:ann"
MAIL: dict[str, Any] = {"purpose": "direct_marketing", "channel": "email"}


def person(session: Session, now: datetime, name: str, **more: Any) -> int:
    return people.create(session, now, kind="person", name=name, **more).id


def merge(session: Session, now: datetime, kept: int, gone: int) -> Merge:
    """With the kept one's word wherever the two differ."""
    pair = (people.get(session, kept), people.get(session, gone))
    take = dict.fromkeys(merges.differences(*pair), "kept")
    return merges.merge(session, now, kept, gone, take=take, reason="the same", by=US)


def everything(session: Session) -> dict[str, list[tuple[Any, ...]]]:
    """Every row there is but those about the merging itself, and how often a record was edited."""
    session.expire_all()
    session.flush()
    found = {}
    for table in tables.metadata.sorted_tables:
        if table.name == "merges":
            continue
        columns = [one for one in table.c if one.name not in ("version", "updated_at")]
        found[table.name] = sorted(tuple(map(repr, row)) for row in session.execute(select(*columns)))
    return found


ACTS = (
    "address",
    "tag",
    "involve",
    "consent",
    "withdraw",
    "suppress",
    "choose",
    "member",
    "name",
    "field",
    "hours",
)
STEPS = st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 3), st.integers(0, 2)), max_size=14)


def act(session: Session, now: datetime, what: str, who: int, place: dict[str, Any], n: int) -> None:
    """One thing that happens in a life, to somebody, in one of three ways."""
    one = people.get(session, who)
    said: dict[str, Any] = {"source": "test", "actor": "recipient"}
    match what:
        case "address":
            addresses.add(
                session, now, who, ("email", "sms", "x")[n], ("a@b.example", "+442920000000", "ann")[n]
            )
        case "tag":
            people.tag(session, who, f"tag {n}")
        case "involve":
            people.involve(session, now, who, place["programmes"][n], rank=("primary", None, "secondary")[n])
        case "consent":
            if (before := consent.latest(session, [who], **MAIL).get(who)) is None or before.act == "given":
                consent.give(session, now, who, **MAIL, basis="consent", **said)
        case "withdraw":
            consent.withdraw(session, now, who, **MAIL, **said)
        case "suppress":
            consent.suppress(
                session, now, channel="email", reason="manual", origin="admin", stakeholder_id=who
            )
        case "choose":
            topics.choose(session, now, who, 0, "email", frequency=("all", "weekly", "none")[n], **said)
        case "member":
            people.join(session, who, place["bodies"][n], role="chair")
        case "name":
            people.change(session, one, now, name=f"Name {n}", languages=[("cy", "en", "ar")[n]])
        case "field":
            people.change(session, one, now, attrs={"town": ("Bala", "Barry", None)[n]})
        case "hours":
            hours.keep(
                session, now, stakeholder_id=who, weekdays=[n], opens=540, closes=1020, zone="Europe/London"
            )


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(life=STEPS, pairs=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=5))
def test_any_life_merged_and_undone_is_exactly_as_before(
    shared_database: Any, now: datetime, life: list[Any], pairs: list[tuple[int, int]]
) -> None:
    """A15."""
    with shared_database.sessions() as session:
        fields.define(session, now, name="town", type="text")
        place = {
            "programmes": [programmes.general(session, now).id + n for n in range(3)],
            "bodies": [
                people.create(session, now, kind="organisation", name=f"Body {n}").id for n in range(3)
            ],
        }
        four = [person(session, now, f"Ann {n}") for n in range(4)]
        for step, (what, who, n) in enumerate(life):
            act(session, now + timedelta(seconds=step), what, four[who], place, n)
        states, made = [everything(session)], []
        for kept, gone in pairs:
            try:
                made.append(merge(session, now, four[kept], four[gone]))
            except (BadField, Conflict):  # with itself, or merged already
                continue
            states.append(everything(session))
        while made:
            states.pop()
            merges.undo(session, now, made.pop(), US)
            assert everything(session) == states[-1]
        session.rollback()
