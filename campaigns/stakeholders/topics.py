"""Topics, and what people have chosen about them: how often on each channel, and a pause.

Rules: choices are append-only and the latest counts, from the very next send on. What has no choice of its own follows
the choice for everything else (topic 0); without any choice all of it may come. A choice never opens what consent or
the do-not-contact list closes. Source: A13.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, bindparam, or_, select
from sqlalchemy.orm import Session

from ..base import listed, micros
from ..errors import BadField, NotFound
from ..prepared import Prepared, told
from . import addresses, consent, kin, people
from .tables import FREQUENCIES, Preference, Topic
from .text import clean

EVERYTHING = 0
ALL, NONE = "all", "none"
# What comes a little earlier than last time is another week's or month's all the same: delivery takes a while, a clock
# is put on by an hour, and February has 28 days.
SLACK = timedelta(hours=12)
EVERY = {"weekly": timedelta(days=7) - SLACK, "monthly": timedelta(days=28) - SLACK}
PAUSE_MAX = timedelta(days=366)
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Wish:
    """What stands of somebody's choices: `reason` to leave them out, or how much time lies between two (None: any)."""

    reason: str | None = None
    every: timedelta | None = None


def create(session: Session, now: datetime, *, programme_id: int | None, names: Mapping[str, str]) -> Topic:
    """A topic of one programme, or of all (None), with its name in each language."""
    checked = _names(names)
    made = Topic(
        programme_id=programme_id, name=_first(checked), names=checked, created_at=now, updated_at=now
    )
    session.add(made)
    session.flush()
    return made


def change(
    session: Session,
    now: datetime,
    topic: Topic,
    *,
    names: Mapping[str, str] | None = None,
    state: str | None = None,
) -> None:
    """Name it anew, or take it out of use (`archived`): then nobody is asked about it any more."""
    if names is not None:
        topic.names = _names(names)
        topic.name = _first(topic.names)
    if state is not None:
        topic.state = people.one_of(state, ("active", "archived"), "/state")
    topic.touch(now)
    session.flush()


def get(session: Session, topic_id: int) -> Topic:
    """The topic, or NotFound."""
    found = session.get(Topic, topic_id)
    if found is None:
        raise NotFound("there is no such topic")
    return found


def offered(session: Session, programmes: Collection[int] | None = None) -> list[Topic]:
    """The topics in use, those of all programmes first; `programmes` leaves out those of others."""
    found = select(Topic).where(Topic.state == "active")
    if programmes is not None:
        found = found.where(or_(Topic.programme_id.is_(None), Topic.programme_id.in_(programmes)))
    return list(session.scalars(found.order_by(Topic.programme_id.is_not(None), Topic.name, Topic.id)))


def named(topic: Topic, language: str) -> str:
    """Its name for a reader of this language, else the first there is."""
    found: str = topic.names.get(language) or topic.name
    return found


def choose(
    session: Session,
    now: datetime,
    stakeholder_id: int,
    topic_id: int,
    channel: str,
    *,
    frequency: str,
    pause_until: datetime | None = None,
    source: str,
    actor: str,
    evidence: dict[str, Any] | None = None,
) -> Preference | None:
    """Write a choice down, unless it is the one that stands, on this very record too (None): merges are undone.

    BadField for a pause of over a year.
    """
    people.one_of(frequency, FREQUENCIES, "/frequency")
    addresses.check_channel(channel)
    if topic_id != EVERYTHING:
        get(session, topic_id)
    if pause_until is not None and pause_until > now + PAUSE_MAX:
        raise BadField("a pause lasts a year at most", pointer="/pause_until")
    consent.lock(session, kin.records(session, stakeholder_id))
    people.get(session, stakeholder_id)
    own = _own(session, stakeholder_id, topic_id, channel)
    before = latest(session, [stakeholder_id], channel).get((stakeholder_id, topic_id))
    said = [(one.frequency, one.pause_until) for one in (own, before) if one is not None]
    if said == [(frequency, pause_until)] * 2:
        return None
    at = now if before is None else max(now, before.at + timedelta(microseconds=1))
    made = Preference(
        stakeholder_id=stakeholder_id, topic_id=topic_id, channel=channel, frequency=frequency,
        pause_until=pause_until, at=at, source=clean(source, "/source"), actor=actor, evidence=evidence or {},
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def latest(
    session: Session, stakeholder_ids: Collection[int], channel: str
) -> dict[tuple[int, int], Preference]:
    """The choices that stand on a channel, by stakeholder and topic; on whichever of their records they made them."""
    same = kin.of(session, stakeholder_ids)
    found = select(Preference).where(
        Preference.stakeholder_id.in_(kin.among(same, stakeholder_ids)), Preference.channel == channel
    )
    rows = session.scalars(found.order_by(Preference.at, Preference.id))
    askers = _askers(same, stakeholder_ids)
    return {(one, row.topic_id): row for row in rows for one in askers[row.stakeholder_id]}


def history(session: Session, stakeholder_id: int, limit: int = 200) -> list[Preference]:
    """Every choice somebody made, newest first."""
    found = select(Preference).where(Preference.stakeholder_id.in_(kin.records(session, stakeholder_id)))
    return list(session.scalars(found.order_by(Preference.at.desc(), Preference.id.desc()).limit(limit)))


def wishes(
    session: Session, at: datetime, *, topic_id: int | None, channel: str, stakeholder_ids: Collection[int],
    same: kin.Kin | None = None,
) -> dict[int, Wish]:  # fmt: skip
    """What those who have chosen something want of a message about this topic (None: about none).

    `same`: the records of those who have several, where that is known. What they chose last counts, on whichever.
    """
    same = kin.of(session, stakeholder_ids) if same is None else same
    about = topic_id or EVERYTHING
    chosen: dict[int, dict[int, Any]] = defaultdict(dict)
    ids = sorted(kin.among(same, stakeholder_ids) if same else set(stakeholder_ids))
    askers = _askers(same, stakeholder_ids) if same else {}
    for first in range(0, len(ids), CHUNK):
        part = told(ids[first : first + CHUNK])
        for row in _CHOSEN.run(session, people=part, channel=channel, topic=about):
            for one in askers.get(row.stakeholder_id, (row.stakeholder_id,)):
                _keep_newer(chosen[one], row)
    at_us = micros(at)
    return {number: _wish(at_us, one.get(EVERYTHING), one.get(about)) for number, one in chosen.items()}


def _own(session: Session, stakeholder_id: int, topic_id: int, channel: str) -> Preference | None:
    """What was chosen last on this very record."""
    mine = select(Preference).filter_by(stakeholder_id=stakeholder_id, topic_id=topic_id, channel=channel)
    return session.scalars(mine.order_by(Preference.at.desc(), Preference.id.desc()).limit(1)).first()


def _askers(same: kin.Kin, stakeholder_ids: Collection[int]) -> dict[int, list[int]]:
    """For each record those of the asked people whose it is."""
    found: dict[int, list[int]] = defaultdict(list)
    for number in set(stakeholder_ids):
        for one in same.get(number, (number,)):
            found[one].append(number)
    return found


def _keep_newer(chosen: dict[int, Any], row: Any) -> None:
    """Of one record the latest comes last; of several, read in several pieces, that is not so."""
    before = chosen.get(row.topic_id)
    if before is None or (before.chosen_at, before.id) < (row.chosen_at, row.id):
        chosen[row.topic_id] = row


def _wish(at_us: int, everything: Any, own: Any) -> Wish:
    for one in (everything, own):
        if one is not None and one.pause_until_us is not None and one.pause_until_us > at_us:
            return Wish("person_paused")
    counts = own or everything
    if counts.frequency == NONE:
        return Wish("topic_opt_out")
    return Wish(every=EVERY.get(counts.frequency))


def _names(names: Mapping[str, str]) -> dict[str, str]:
    found = {
        people.language(language, "/names"): clean(name, f"/names/{language}", length_max=100).strip()
        for language, name in names.items()
        if name.strip()
    }
    if not found:
        raise BadField("give the topic a name in one language at least", pointer="/names")
    return found


def _first(names: Mapping[str, str]) -> str:
    return names.get("en") or next(iter(names.values()))


def _chosen() -> Any:
    """What each of those who were asked about has chosen of everything and of one topic, the latest last."""
    who, chosen = listed("people", BigInteger), Preference.__table__.c
    about = or_(chosen.topic_id == EVERYTHING, chosen.topic_id == bindparam("topic"))
    when = (chosen.chosen_at, chosen.id)
    paused = chosen.pause_until_at.label("pause_until_us")
    columns = (chosen.stakeholder_id, chosen.topic_id, chosen.frequency, paused, *when)
    found = select(*columns).join(who, who.c.one == chosen.stakeholder_id)
    found = found.where(chosen.channel == bindparam("channel"), about)
    return found.order_by(chosen.chosen_at, chosen.id)


_CHOSEN = Prepared(_chosen())
