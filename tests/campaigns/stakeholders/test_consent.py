"""Tests of what we may send to whom: the acts, the suppressions, and the one function that decides."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from campaigns.database import Database
from campaigns.errors import AlreadyDone, BadAddress, BadField, NotFound, OptedOut
from campaigns.stakeholders import addresses, consent, people
from campaigns.stakeholders.tables import BASES, Consent, Stakeholder

KEY = "ann@example.org"
HOUR = timedelta(hours=1)
TOLD: dict[str, Any] = {"source": "form", "actor": "usr"}


@pytest.fixture
def ann(session: Session, now: datetime) -> Stakeholder:
    person = people.create(session, now, kind="person", name="Ann")
    addresses.add(session, now, person.id, "email", KEY)
    return person


def ask(
    session: Session, now: datetime, who: Stakeholder, purpose: str = "direct_marketing", **more: Any
) -> Any:
    """The decision about one person's address."""
    found = consent.decide(session, now, purpose=purpose, channel="email", pairs=[(who.id, KEY)], **more)
    return found[who.id, KEY]


def test_direct_marketing_needs_a_basis_and_tells_which(
    session: Session, now: datetime, ann: Stakeholder
) -> None:
    """H2: the consent that is relied on is named."""
    assert ask(session, now, ann).reason == "no_lawful_basis"
    given = consent.give(session, now, ann.id, "direct_marketing", "email", basis="consent", **TOLD)
    assert ask(session, now, ann) == consent.Decision(None, given.id, "consent")
    assert ask(session, now, ann, "survey") == consent.Decision(None, None, "legitimate_interest")
    assert ask(session, now, ann, "service") == consent.Decision(None, None, "contract")


@pytest.mark.parametrize("basis", BASES)
def test_a_legitimate_interest_carries_marketing_only_to_an_organisations_address(
    session: Session, now: datetime, ann: Stakeholder, basis: str
) -> None:
    consent.give(session, now, ann.id, "direct_marketing", "email", basis=basis, **TOLD)
    own = basis in ("consent", "soft_opt_in_sale", "soft_opt_in_charity")
    assert (ask(session, now, ann).reason is None) == own
    addresses.of(session, ann.id)[0].corporate = True
    session.flush()
    assert (ask(session, now, ann).reason is None) == (own or basis == "legitimate_interest")


def test_a_permission_ends_when_it_says(session: Session, now: datetime, ann: Stakeholder) -> None:
    consent.give(
        session, now, ann.id, "direct_marketing", "email", basis="consent", expires_at=now + HOUR, **TOLD
    )
    assert ask(session, now + HOUR - timedelta(seconds=1), ann).reason is None
    assert ask(session, now + HOUR, ann).reason == "no_lawful_basis"


@pytest.mark.parametrize("purpose", ["service", "survey", "direct_marketing"])
def test_a_withdrawal_stops_its_purpose_and_no_other(
    session: Session, now: datetime, ann: Stakeholder, purpose: str
) -> None:
    for one in ("service", "survey", "direct_marketing"):
        consent.give(session, now, ann.id, one, "email", basis="consent", **TOLD)
    first = consent.withdraw(session, now, ann.id, purpose, "email", **TOLD)
    assert consent.withdraw(session, now + HOUR, ann.id, purpose, "email", **TOLD).id == first.id
    stopped = {one for one in ("service", "survey", "direct_marketing") if ask(session, now, ann, one).reason}
    assert stopped == {purpose}
    assert ask(session, now, ann, purpose).reason == "no_lawful_basis"


def test_a_withdrawal_stands_last_even_where_clocks_disagree(
    session: Session, now: datetime, ann: Stakeholder
) -> None:
    consent.give(session, now + HOUR, ann.id, "direct_marketing", "email", basis="consent", **TOLD)
    consent.withdraw(session, now, ann.id, "direct_marketing", "email", **TOLD)
    assert ask(session, now, ann).reason == "no_lawful_basis"


def test_only_the_persons_own_act_undoes_their_withdrawal(
    session: Session, now: datetime, ann: Stakeholder
) -> None:
    """A14, H3."""
    consent.withdraw(session, now, ann.id, "direct_marketing", "email", **TOLD)
    for wrong in ({"basis": "legitimate_interest"}, {"basis": "consent", "at": now - HOUR}):
        with pytest.raises(OptedOut):
            consent.give(session, now + HOUR, ann.id, "direct_marketing", "email", **wrong, **TOLD)
    consent.give(session, now, ann.id, "direct_marketing", "email", basis="consent", **TOLD)
    assert ask(session, now + HOUR, ann).reason is None
    consent.withdraw(session, now, ann.id, "direct_marketing", "email", **TOLD)
    consent.give(
        session,
        now,
        ann.id,
        "direct_marketing",
        "email",
        basis="soft_opt_in_sale",
        source="undone",
        actor="recipient",
    )
    assert ask(session, now + HOUR, ann).reason is None


def test_what_was_lawful_at_the_moment_of_sending_can_be_asked_later(
    session: Session, now: datetime, ann: Stakeholder
) -> None:
    """H1: as-of."""
    consent.give(session, now, ann.id, "direct_marketing", "email", basis="consent", **TOLD)
    consent.withdraw(session, now + 2 * HOUR, ann.id, "direct_marketing", "email", **TOLD)
    stop = consent.suppress(
        session, now + 3 * HOUR, channel="email", reason="manual", origin="admin", address_key=KEY
    )
    consent.lift(session, now + 4 * HOUR, stop.id, "usr", "asked for it")
    words = [
        consent.as_of(
            session, now + hours * HOUR, purpose="direct_marketing", channel="email", pairs=[(ann.id, KEY)]
        )[ann.id, KEY].reason
        for hours in (-1, 1, 2, 3, 4)
    ]
    assert words == ["no_lawful_basis", None, "no_lawful_basis", "suppressed", "no_lawful_basis"]


@pytest.mark.parametrize(
    ("scope", "stopped"),
    [
        ({"channel": "email", "address_key": KEY}, {"service", "survey", "direct_marketing"}),
        ({"channel": "email", "address_key": "ANN@Example.org"}, {"service", "survey", "direct_marketing"}),
        ({"channel": "email", "address_key": KEY, "purpose": "survey"}, {"survey"}),
        ({"channel": "email", "address_key": "other@example.org"}, set()),
        ({"channel": "sms", "person": True}, set()),
        ({"channel": "email", "person": True}, {"service", "survey", "direct_marketing"}),
        ({"channel": "*", "person": True}, {"service", "survey", "direct_marketing"}),
        ({"channel": "*", "person": True, "purpose": "direct_marketing"}, {"direct_marketing"}),
        ({"channel": "email", "person": True, "address_key": "old@example.org"}, set()),
    ],
)
def test_a_suppression_stops_what_it_names(
    session: Session, now: datetime, ann: Stakeholder, scope: dict[str, Any], stopped: set[str]
) -> None:
    """H3, H15: one address of three, or the person on one channel or on all."""
    consent.give(session, now, ann.id, "direct_marketing", "email", basis="consent", **TOLD)
    about = {name: value for name, value in scope.items() if name != "person"}
    if scope.get("person"):
        about["stakeholder_id"] = ann.id
    one = consent.suppress(session, now, reason="manual", origin="admin", **about)
    purposes = ("service", "survey", "direct_marketing")
    assert {
        purpose for purpose in purposes if ask(session, now, ann, purpose).reason == "suppressed"
    } == stopped
    consent.lift(session, now, one.id, "usr", "a mistake")
    assert {purpose for purpose in purposes if ask(session, now, ann, purpose).reason} == set()


def test_a_suppressed_address_is_stopped_for_everyone_who_has_it(
    session: Session, now: datetime, ann: Stakeholder
) -> None:
    bob = people.create(session, now, kind="person", name="Bob")
    consent.suppress(session, now, channel="email", reason="hard_bounce", origin="recipient", address_key=KEY)
    assert ask(session, now, bob, "service").reason == "suppressed"


def test_the_same_suppression_stands_once_until_it_is_over_or_lifted(
    session: Session, now: datetime, ann: Stakeholder
) -> None:
    about: dict[str, Any] = {
        "channel": "email",
        "reason": "manual",
        "origin": "admin",
        "stakeholder_id": ann.id,
    }
    short = consent.suppress(session, now, until_at=now + HOUR, **about)
    assert consent.suppress(session, now, until_at=now + HOUR / 2, **about).id == short.id
    long = consent.suppress(session, now, **about)
    assert long.id != short.id
    assert consent.suppress(session, now + 2 * HOUR, **about).id == long.id
    consent.lift(session, now, long.id, "usr", "why")
    assert ask(session, now, ann, "service").reason == "suppressed"
    assert ask(session, now + HOUR, ann, "service").reason is None
    assert consent.suppress(session, now, **about).id not in (short.id, long.id)


def test_lifting_needs_a_reason_and_happens_once(session: Session, now: datetime, ann: Stakeholder) -> None:
    one = consent.suppress(
        session, now, channel="*", reason="no_contact", origin="recipient", stakeholder_id=ann.id
    )
    with pytest.raises(BadField):
        consent.lift(session, now, one.id, "usr", " ")
    lifted = consent.lift(session, now, one.id, "usr", "they rang")
    assert (lifted.lifted_by, lifted.lifted_why) == ("usr", "they rang")
    with pytest.raises(AlreadyDone):
        consent.lift(session, now, one.id, "usr", "again")
    with pytest.raises(NotFound):
        consent.lift(session, now, 1, "usr", "why")


@pytest.mark.parametrize(
    ("reason", "scope", "answered"),
    [
        ("opt_out", {"channel": "email"}, True),
        ("spam_complaint", {"channel": "*"}, True),
        ("manual", {"channel": "email", "address_key": KEY}, True),
        ("hard_bounce", {"channel": "email", "address_key": KEY}, False),
        ("no_contact", {"channel": "*"}, False),
    ],
)
def test_who_wrote_to_us_is_answered_unless_the_address_is_dead_or_they_want_no_contact(
    session: Session, now: datetime, ann: Stakeholder, reason: str, scope: dict[str, Any], answered: bool
) -> None:
    """L3."""
    consent.withdraw(session, now, ann.id, "service", "email", **TOLD)
    consent.suppress(session, now, reason=reason, origin="recipient", stakeholder_id=ann.id, **scope)
    assert ask(session, now, ann, "service").reason is not None
    assert (ask(session, now, ann, "service", answer=True).reason is None) == answered


def test_the_erased_the_archived_and_the_unknown_are_left_out(
    session: Session, now: datetime, ann: Stakeholder
) -> None:
    people.archive(session, now, ann)
    assert ask(session, now, ann, "service").reason == "suppressed"
    ann.state = "erased"
    session.flush()
    assert ask(session, now, ann, "service", answer=True).reason == "erased"
    missing = consent.decide(session, now, purpose="service", channel="email", pairs=[(5, KEY)])
    assert missing == {(5, KEY): consent.Decision("erased")}


@pytest.mark.parametrize(
    ("values", "pointer"),
    [
        ({"purpose": "spam"}, "/purpose"), ({"channel": "E-mail"}, "/channel"), ({"basis": "hope"}, "/basis"),
        ({"source": ""}, "/source"), ({"ahead": HOUR}, "/at"), ({"ends": -HOUR}, "/expires_at"),
    ],
)  # fmt: skip
def test_a_permission_that_cannot_be_is_refused(
    session: Session, now: datetime, ann: Stakeholder, values: dict[str, Any], pointer: str
) -> None:
    said = {
        "purpose": "survey",
        "channel": "email",
        "basis": "consent",
        "actor": "usr",
        "source": "form",
    } | values
    if "ahead" in said:
        said["at"] = now + said.pop("ahead")
    if "ends" in said:
        said["expires_at"] = now + said.pop("ends")
    with pytest.raises((BadField, BadAddress)) as refused:
        consent.give(session, now, ann.id, **said)
    assert refused.value.pointer == pointer
    assert session.scalar(select(func.count()).select_from(Consent)) == 0


def test_a_suppression_of_nobody_is_refused(session: Session, now: datetime) -> None:
    wrong: list[dict[str, Any]] = [{}, {"channel": "*", "address_key": KEY}, {"address_key": "x"}]
    for scope in [{"channel": "email"} | one for one in wrong]:
        with pytest.raises((BadField, BadAddress)):
            consent.suppress(session, now, reason="manual", origin="admin", **scope)
    with pytest.raises(NotFound):
        consent.suppress(session, now, channel="*", reason="manual", origin="admin", stakeholder_id=1)


@contextmanager
def counted(session: Session) -> Iterator[list[str]]:
    """The statements that run inside."""
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


def test_a_wave_costs_as_many_statements_as_one_person(session: Session, now: datetime) -> None:
    """H3: set-based."""
    pairs = [
        (people.create(session, now, kind="person", name="Ann").id, f"a{number}@example.org")
        for number in range(64)
    ]
    lengths = []
    for wave in (pairs[:1], pairs):
        with counted(session) as seen:
            decided = consent.decide(session, now, purpose="direct_marketing", channel="email", pairs=wave)
        assert set(decided) == set(wave)
        lengths.append(len(seen))
    assert lengths[0] == lengths[1] <= 5


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["give", "withdraw", "stop_address", "stop_person", "stop_all", "lift", "expire"]),
        st.integers(0, 1),
        st.sampled_from(["direct_marketing", "survey"]),
        st.sampled_from(BASES),
    ),
    max_size=8,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS)
def test_over_any_history_nothing_goes_without_a_standing_basis(database: Database, acts: list[Any]) -> None:
    """H2, H3: against a plain walk through the same history."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    with database.sessions() as session:
        who = [people.create(session, at, kind="person", name=name).id for name in ("Ann", "Bob")]
        said: dict[tuple[int, str], tuple[str, str, datetime | None, int]] = {}
        stops: list[tuple[int, str, int, str | None]] = []
        for act, one, purpose, basis in acts:
            at += HOUR
            _act(session, at, act, who[one], purpose, basis, said, stops)
        at += HOUR
        for purpose in ("direct_marketing", "survey"):
            pairs = [(person, f"p{person}@example.org") for person in who]
            decided = consent.decide(session, at, purpose=purpose, channel="email", pairs=pairs)
            for pair in pairs:
                assert decided[pair] == _expected(at, pair[0], purpose, said, stops)
        session.rollback()


def _act(
    session: Session, at: datetime, act: str, who: int, purpose: str, basis: str, said: Any, stops: Any
) -> None:
    if act in ("give", "expire"):
        ends = at + HOUR / 2 if act == "expire" else None
        before = said.get((who, purpose))
        try:
            given = consent.give(session, at, who, purpose, "email", basis=basis, expires_at=ends, **TOLD)
        except OptedOut:
            assert before is not None and before[0] == "withdrawn" and basis != "consent"
            return
        said[who, purpose] = ("given", basis, ends, given.id)
    elif act == "withdraw":
        consent.withdraw(session, at, who, purpose, "email", **TOLD)
        said[who, purpose] = ("withdrawn", "", None, 0)
    elif act == "lift":
        if stops:
            consent.lift(session, at, stops.pop()[0], "usr", "why")
    else:
        scopes: dict[str, dict[str, Any]] = {
            "stop_address": {"channel": "email", "address_key": f"p{who}@example.org"},
            "stop_person": {"channel": "email", "stakeholder_id": who, "purpose": purpose},
            "stop_all": {"channel": "*", "stakeholder_id": who},
        }
        scope = scopes[act]
        one = consent.suppress(session, at, reason="manual", origin="admin", **scope)
        stops[:] = [stop for stop in stops if stop[0] != one.id]
        stops.append((one.id, act, who, scope.get("purpose")))


def _expected(at: datetime, who: int, purpose: str, said: Any, stops: Any) -> consent.Decision:
    if any(stop[2] == who and stop[3] in (None, purpose) for stop in stops):
        return consent.Decision("suppressed")
    act, basis, ends, number = said.get((who, purpose), ("none", "", None, 0))
    if act == "withdrawn":
        return consent.Decision("no_lawful_basis")
    alive = act == "given" and (ends is None or ends > at)
    if alive and (purpose == "survey" or basis in consent.MARKETING_BASES):
        return consent.Decision(None, number, basis)
    if purpose == "survey":
        return consent.Decision(None, None, "legitimate_interest")
    return consent.Decision("no_lawful_basis")
