"""What may be done with topics: named in each language, taken out of use and back."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select

from campaigns.stakeholders import topics
from campaigns.stakeholders.tables import Topic
from campaigns.strategies import programmes

from ..access import scoped
from . import Act

READ, WRITE = "stakeholders:read", "stakeholders:write"


def listed(act: Act) -> list[Topic]:
    """The topics of the caller's programmes and those that all share, in use or not, by name."""
    statement = scoped(select(Topic), Topic.programme_id, act.caller, READ, shared=True)
    return list(act.session.scalars(statement.order_by(Topic.name, Topic.id).limit(1000)))


def of_programme(act: Act, programme_id: int) -> list[Topic]:
    """The topics in use that something of this programme may carry."""
    act.need(READ, programme_id)
    return topics.offered(act.session, programmes.lineage(act.session, programme_id))


def get(act: Act, topic_id: int, *, lock: bool = False) -> Topic:
    """One topic; NotFound where the caller has no grant on its programme."""
    found = act.one(Topic, topic_id, lock=lock)
    act.need(READ, found.programme_id)
    return found


def create(act: Act, *, programme_id: int | None, names: Mapping[str, str]) -> Topic:
    """A topic of one programme; of all by whoever may write in all."""
    act.need(WRITE, programme_id)
    made = topics.create(act.session, act.now, programme_id=programme_id, names=names)
    act.note("topic.created", "topic", made.id, programme_id=programme_id, after={"names": made.names})
    return made


def change(
    act: Act,
    topic_id: int,
    version: int | None,
    *,
    names: Mapping[str, str] | None = None,
    state: str | None = None,
) -> Topic:
    """Name it anew, or take it out of use."""
    found = get(act, topic_id, lock=True)
    act.need(WRITE, found.programme_id)
    act.unchanged(found, version)
    before = {"names": dict(found.names), "state": found.state}
    topics.change(act.session, act.now, found, names=names, state=state)
    act.note(
        "topic.changed", "topic", found.id, programme_id=found.programme_id, before=before,
        after={"names": dict(found.names), "state": found.state},
    )  # fmt: skip
    return found
