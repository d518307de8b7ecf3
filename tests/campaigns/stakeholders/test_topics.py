"""Topics have names in every language; choices are kept, and the latest counts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from campaigns.errors import BadField, NotFound
from campaigns.stakeholders import people, topics
from campaigns.stakeholders.tables import Preference
from campaigns.strategies import programmes


def person(session: Session, now: datetime) -> int:
    return people.create(session, now, kind="person", name="Ann").id


def choose(session: Session, now: datetime, who: int, topic: int, frequency: str, **more: Any) -> object:
    return topics.choose(
        session, now, who, topic, "email", frequency=frequency, source="page", actor="recipient", **more
    )


def test_a_topic_is_named_for_its_reader(session: Session, now: datetime) -> None:
    made = topics.create(session, now, programme_id=None, names={"cy": "Teithiau", "en": "Walks", "ar": " "})
    assert (made.name, made.names) == ("Walks", {"cy": "Teithiau", "en": "Walks"})
    assert [topics.named(made, language) for language in ("cy", "en", "ar")] == ["Teithiau", "Walks", "Walks"]
    topics.change(session, now, made, names={"cy": "Cerdded"})
    assert made.name == "Cerdded" and made.version == 2


@pytest.mark.parametrize("names", [{}, {"en": "  "}, {"en": "x" * 101}, {"english": "Walks"}, {"en": "a\0b"}])
def test_a_topic_without_a_good_name_is_refused(
    session: Session, now: datetime, names: dict[str, str]
) -> None:
    with pytest.raises(BadField):
        topics.create(session, now, programme_id=None, names=names)


def test_a_programme_offers_its_own_topics_and_those_of_all(session: Session, now: datetime) -> None:
    general = programmes.general(session, now).id
    other = programmes.create(session, now, name="Other", starts_on=now.date()).id
    shared = topics.create(session, now, programme_id=None, names={"en": "Shared"})
    own = topics.create(session, now, programme_id=general, names={"en": "Own"})
    gone = topics.create(session, now, programme_id=general, names={"en": "Gone"})
    topics.create(session, now, programme_id=other, names={"en": "Theirs"})
    topics.change(session, now, gone, state="archived")
    assert topics.offered(session, [general]) == [shared, own]
    assert len(topics.offered(session)) == 3


def test_choices_are_appended_and_the_latest_counts(session: Session, now: datetime) -> None:
    """A13: every change is an event."""
    who, topic = (
        person(session, now),
        topics.create(session, now, programme_id=None, names={"en": "Walks"}).id,
    )
    assert choose(session, now, who, topic, "weekly") is not None
    assert choose(session, now, who, topic, "weekly") is None
    choose(session, now - timedelta(seconds=5), who, topic, "none")  # another machine's clock is behind
    wish = topics.wishes(session, now, topic_id=topic, channel="email", stakeholder_ids=[who])[who]
    assert wish.reason == "topic_opt_out"
    assert [one.frequency for one in topics.history(session, who)] == ["none", "weekly"]
    assert topics.wishes(session, now, topic_id=topic, channel="sms", stakeholder_ids=[who]) == {}


def test_what_has_no_choice_of_its_own_follows_everything_else(session: Session, now: datetime) -> None:
    who = person(session, now)
    one, two = (topics.create(session, now, programme_id=None, names={"en": name}).id for name in "AB")
    choose(session, now, who, topics.EVERYTHING, "none")
    choose(session, now, who, one, "all")
    reasons = [
        topics.wishes(session, now, topic_id=topic, channel="email", stakeholder_ids=[who])[who].reason
        for topic in (one, two, None)
    ]
    assert reasons == [None, "topic_opt_out", "topic_opt_out"]


def test_a_pause_stops_every_topic_until_it_is_over(session: Session, now: datetime) -> None:
    who, topic = (
        person(session, now),
        topics.create(session, now, programme_id=None, names={"en": "Walks"}).id,
    )
    choose(session, now, who, topics.EVERYTHING, "all", pause_until=now + timedelta(days=3))
    choose(session, now, who, topic, "weekly")
    for at, reason in ((now, "person_paused"), (now + timedelta(days=3), None)):
        wish = topics.wishes(session, at, topic_id=topic, channel="email", stakeholder_ids=[who])[who]
        assert wish.reason == reason
    assert wish.every == topics.EVERY["weekly"]


def test_a_choice_that_cannot_be_is_refused(session: Session, now: datetime) -> None:
    who = person(session, now)
    with pytest.raises(BadField):
        choose(session, now, who, topics.EVERYTHING, "daily")
    with pytest.raises(BadField):
        choose(session, now, who, topics.EVERYTHING, "all", pause_until=now + timedelta(days=400))
    with pytest.raises(NotFound):
        choose(session, now, who, 77, "all")
    assert session.query(Preference).count() == 0
