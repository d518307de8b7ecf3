"""The plan of a programme: objectives with their check and progress, the register, and policies."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from campaigns.errors import BadField, NotFound
from campaigns.strategies import objectives, policies, programmes, register
from campaigns.strategies.tables import Programme

WHOLE: dict[str, Any] = {
    "name": "More walkers", "metric": "People at walking groups", "unit": "people", "baseline": 40, "target": 80,
    "deadline_on": date(2026, 12, 1), "owner": "usr_1", "goal": "Health", "achievable": "Two groups a month",
}  # fmt: skip


@pytest.fixture
def programme(session: Session, now: datetime) -> Programme:
    return programmes.create(
        session, now, name="Walking", starts_on=date(2026, 1, 1), ends_on=date(2026, 12, 31)
    )


@pytest.mark.parametrize(
    ("without", "missing"),
    [
        ({}, []),
        ({"metric": ""}, ["specific"]),
        ({"owner": " "}, ["specific"]),
        ({"baseline": None}, ["measurable"]),
        ({"target": None, "unit": ""}, ["measurable"]),
        ({"achievable": ""}, ["achievable"]),
        ({"goal": ""}, ["relevant"]),
        ({"deadline_on": None}, ["timed"]),
        ({"deadline_on": date(2027, 1, 1)}, ["timed"]),
        ({"deadline_on": date(2025, 12, 31)}, ["timed"]),
    ],
)
def test_the_check_names_what_an_objective_lacks(
    session: Session, now: datetime, programme: Programme, without: dict[str, Any], missing: list[str]
) -> None:
    """B2."""
    made = objectives.create(session, now, programme.id, **WHOLE | without)
    assert objectives.check(made, programme) == missing


def test_progress_is_the_share_of_the_way_from_the_newest_reading(
    session: Session, now: datetime, programme: Programme
) -> None:
    made = objectives.create(session, now, programme.id, **WHOLE)
    bare = objectives.create(session, now, programme.id, name="Bare")
    today = now.date()
    for days, value in ((3, 50.0), (1, 55.0), (1, 60.0)):
        objectives.read(session, now, made, on=today - timedelta(days=days), value=value, by="usr_1")
    assert [one.value for one in objectives.readings(session, made)] == [60.0, 50.0]
    newest = objectives.newest(session, [made, bare])
    assert newest.keys() == {made.id} and objectives.share(made, newest[made.id].value) == 0.5
    assert objectives.share(bare, 1.0) is None and objectives.share(made, None) is None
    falling = objectives.create(session, now, programme.id, **WHOLE | {"baseline": 80, "target": 40})
    assert objectives.share(falling, 50.0) == 0.75
    for day, value in ((today + timedelta(days=1), 1.0), (today, float("nan"))):
        with pytest.raises(BadField):
            objectives.read(session, now, made, by="usr_1", on=day, value=value)


def test_the_nearest_deadline_comes_first_and_the_archived_not_at_all(
    session: Session, now: datetime, programme: Programme
) -> None:
    late, open_ended, soon, gone = (
        objectives.create(session, now, programme.id, name=name, deadline_on=day)
        for name, day in (
            ("late", date(2026, 9, 1)), ("open", None), ("soon", date(2026, 2, 1)), ("gone", date(2026, 1, 2)),
        )
    )  # fmt: skip
    objectives.archive(session, now, gone)
    assert objectives.of(session, programme.id) == [soon, late, open_ended]
    with pytest.raises(NotFound):
        objectives.get(session, 1)
    with pytest.raises(BadField):
        objectives.change(session, now, soon, state="archived")


def test_the_register_puts_the_gravest_open_one_first(
    session: Session, now: datetime, programme: Programme
) -> None:
    """SM8."""

    def add(kind: str, name: str, likelihood: int, severity: int) -> Any:
        return register.add_risk(
            session, now, programme.id, kind=kind, name=name, likelihood=likelihood, severity=severity
        )

    rain, bus, fair = (
        add("threat", "Rain", 3, 4),
        add("barrier", "No bus", 1, 3),
        add("opportunity", "Fair", 1, 2),
    )
    assert bus.likelihood == 5, "a barrier is there already"
    assert register.risks(session, programme.id) == [bus, rain, fair]
    register.set_state(session, now, bus, "closed")
    assert register.risks(session, programme.id) == [rain, fair, bus]
    for kind, likelihood in (("doom", 3), ("threat", 6)):
        with pytest.raises(BadField):
            add(kind, "x", likelihood, 1)
    with pytest.raises(BadField):
        register.set_state(session, now, rain, "gone")


def test_whether_social_marketing_suits_an_issue_is_decided_with_a_reason(
    session: Session, now: datetime, programme: Programme
) -> None:
    """SM1."""
    made = register.add_priority(session, now, programme.id, name="Loneliness", reach="community")
    assert made.suits is None
    with pytest.raises(BadField) as refused:
        register.add_priority(session, now, programme.id, name="Tax", reach="national", suits=False)
    assert refused.value.pointer == "/reason"
    with pytest.raises(BadField):
        register.add_priority(session, now, programme.id, name="Tax", reach="galactic")
    other = programmes.create(session, now, name="Other", starts_on=date(2026, 1, 1))
    with pytest.raises(NotFound):
        register.remove_priority(session, other.id, made.id)
    register.remove_priority(session, programme.id, made.id)
    assert register.priorities(session, programme.id) == []


def test_a_policy_holds_for_everything_under_its_programme(
    session: Session, now: datetime, programme: Programme
) -> None:
    below = programmes.create(
        session,
        now,
        name="Below",
        starts_on=date(2026, 2, 1),
        ends_on=date(2026, 3, 1),
        parent_id=programme.id,
    )
    assert policies.of(session, below.id) == policies.Policies()
    policies.set_own(session, now, below.id, languages=["ar", "cy"], formats=False, by="ann")
    made = policies.adopt_wales(session, now, programme, "ann")
    assert made.pack == policies.WALES
    assert policies.of(session, below.id) == policies.Policies(("ar", "cy", "en"), True)
    assert policies.of(session, programme.id) == policies.Policies(("cy", "en"), True)
    with pytest.raises(BadField):
        policies.set_own(session, now, below.id, languages=["no language"], formats=False, by="ann")
