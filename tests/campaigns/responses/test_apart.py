"""Two records again: no word against mail that was said while they were one is lost, and none of it opens anything."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from campaigns.delivery.tables import Delivery
from campaigns.responses import effects, merges
from campaigns.stakeholders import addresses, consent, topics
from campaigns.stakeholders.tables import Merge, Stakeholder

from .conftest import World

MAIL: dict[str, Any] = {"purpose": "direct_marketing", "channel": "email"}
SAID: dict[str, Any] = {"source": "test", "actor": "recipient"}


class Two:
    """Ann and another Ann, who were taken for one."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.kept, self.gone = world.person("Ann", "ann@example.org"), world.person("Ann", "anne@example.org")
        self.merge: Merge | None = None

    def agree(self, *whom: Stakeholder) -> None:
        for one in whom:
            consent.give(self.world.session, self.world.now, one.id, **MAIL, basis="consent", **SAID)

    def make_one(self) -> None:
        pair = self.kept.id, self.gone.id
        self.merge = merges.merge(self.world.session, self.world.now, *pair, take={}, reason="", by="usr_1")
        self.world.later(hours=1)

    def make_two(self) -> None:
        assert self.merge is not None
        merges.undo(self.world.session, self.world.later(hours=1), self.merge, "usr_1")

    def delivery(self, person: Stakeholder, key: str) -> Delivery:
        return self.world.delivery(person, address_key=f"{key}@example.org")

    def may(self) -> tuple[bool, bool]:
        """Whether each of the two may be written to."""
        pairs = [(self.kept.id, "ann@example.org"), (self.gone.id, "anne@example.org")]
        found = consent.decide(self.world.session, self.world.now, **MAIL, pairs=pairs)
        return found[pairs[0]].reason is None, found[pairs[1]].reason is None

    def wish(self, person: Stakeholder) -> topics.Wish:
        asked: dict[str, Any] = {"topic_id": None, "channel": "email", "stakeholder_ids": [person.id]}
        found = topics.wishes(self.world.session, self.world.now, **asked)
        return found.get(person.id, topics.Wish())

    def choose(self, person: Stakeholder, frequency: str, **more: Any) -> None:
        said = {"frequency": frequency, **SAID, **more}
        topics.choose(self.world.session, self.world.now, person.id, topics.EVERYTHING, "email", **said)


@pytest.fixture
def two(world: World) -> Two:
    return Two(world)


def withdraw(two: Two) -> None:
    consent.withdraw(two.world.session, two.world.now, two.kept.id, **MAIL, source="phone", actor="usr_1")


def suppress(two: Two) -> None:
    consent.suppress(
        two.world.session,
        two.world.now,
        channel="*",
        reason="no_contact",
        origin="admin",
        stakeholder_id=two.kept.id,
    )


def unsubscribe(two: Two) -> None:
    """By a mail that went to the other's address when one record stood for both."""
    delivery = two.delivery(two.kept, "anne")
    effects.unsubscribe(two.world.session, two.world.now, delivery.id, how="page")


def with_false_proof(two: Two) -> None:
    proof = {"delivery_id": "the yellow one"}
    said: dict[str, Any] = {"source": "letter", "actor": "usr_1", "evidence": proof}
    consent.withdraw(two.world.session, two.world.now, two.kept.id, **MAIL, **said)


@pytest.mark.parametrize("no", [withdraw, suppress, unsubscribe, with_false_proof])
def test_a_no_of_either_stands_on_both_when_they_are_two_again(two: Two, no: Callable[[Two], None]) -> None:
    """A15: whichever of them it was."""
    two.agree(two.kept, two.gone)
    two.make_one()
    no(two)
    two.make_two()
    assert two.may() == (False, False)


@pytest.mark.parametrize(("whose", "left"), [("ann", (False, True)), ("anne", (True, False))])
def test_a_no_by_a_mail_that_only_one_of_them_can_have_is_theirs_alone(
    two: Two, whose: str, left: tuple[bool, bool]
) -> None:
    two.agree(two.kept, two.gone)
    delivery = two.delivery({"ann": two.kept, "anne": two.gone}[whose], whose)
    two.make_one()
    effects.unsubscribe(two.world.session, two.world.now, delivery.id, how="page")
    assert two.may() == (False, False)
    two.make_two()
    assert two.may() == left


def test_what_they_have_taken_back_since_is_not_told_on_the_other(two: Two) -> None:
    two.agree(two.kept, two.gone)
    two.make_one()
    withdraw(two)
    two.world.later(hours=1)
    two.agree(two.kept)
    two.make_two()
    assert two.may() == (True, True)


def test_what_was_lifted_or_is_over_is_not_told_on_the_other(two: Two) -> None:
    session, world = two.world.session, two.world
    two.agree(two.kept, two.gone)
    two.make_one()
    scope: dict[str, Any] = {
        "channel": "email",
        "reason": "manual",
        "origin": "admin",
        "stakeholder_id": two.kept.id,
    }
    lifted = consent.suppress(session, world.now, **scope)
    consent.lift(session, world.now, lifted.id, "usr_1", "a mistake")
    consent.suppress(session, world.now, **scope, until_at=world.now + timedelta(minutes=30))
    two.make_two()
    assert two.may() == (True, True)


@pytest.mark.parametrize("pause", [False, True])
def test_what_was_chosen_for_both_stays_chosen_for_both(two: Two, pause: bool) -> None:
    """A13."""
    two.make_one()
    until = two.world.now + timedelta(days=9) if pause else None
    two.choose(two.kept, "all" if pause else "none", pause_until=until)
    two.make_two()
    reason = "person_paused" if pause else "topic_opt_out"
    assert {two.wish(one).reason for one in (two.kept, two.gone)} == {reason}


def test_of_two_choices_the_one_for_less_is_kept(two: Two) -> None:
    """A13: of what they had chosen before and what was chosen for both."""
    two.choose(two.gone, "monthly")
    two.make_one()
    two.choose(two.kept, "weekly")
    two.make_two()
    assert two.wish(two.kept).every == topics.EVERY["weekly"]
    assert two.wish(two.gone).every == topics.EVERY["monthly"]


def test_what_is_no_refusal_is_told_on_one_alone(two: Two) -> None:
    two.choose(two.gone, "none")
    two.make_one()
    two.choose(two.kept, "all")
    two.agree(two.kept)
    two.make_two()
    assert (two.wish(two.kept).reason, two.wish(two.gone).reason) == (None, "topic_opt_out")
    assert two.may() == (True, False)


def test_a_record_says_itself_what_another_of_theirs_says_already(two: Two) -> None:
    """A15: else it would be nobody's when the two turn out to be two."""
    two.agree(two.kept, two.gone)
    delivery = two.delivery(two.gone, "anne")
    withdraw(two)
    two.choose(two.kept, "none")
    two.make_one()
    effects.stop_everything(two.world.session, two.world.now, delivery.id)
    two.choose(two.gone, "none")
    two.make_two()
    latest = consent.latest(two.world.session, [two.gone.id], **MAIL)
    assert latest[two.gone.id].act == "withdrawn" and two.wish(two.gone).reason == "topic_opt_out"


def test_a_withdrawal_counts_though_the_same_record_withdrew_before_another_agreed(two: Two) -> None:
    """A15: an opt-out always counts."""
    two.agree(two.kept)
    withdraw(two)
    two.world.later(hours=1)
    two.agree(two.gone)
    two.make_one()
    assert two.may() == (True, True)
    withdraw(two)
    assert two.may() == (False, False)


def test_who_stops_everything_stops_the_channels_of_their_other_records_too(two: Two) -> None:
    """A15."""
    addresses.add(two.world.session, two.world.now, two.kept.id, "sms", "+442920000000")
    delivery = two.delivery(two.gone, "anne")
    two.make_one()
    effects.stop_everything(two.world.session, two.world.now, delivery.id)
    pair = (two.kept.id, "+442920000000")
    found = consent.decide(two.world.session, two.world.now, purpose="survey", channel="sms", pairs=[pair])
    assert found[pair].reason == "suppressed"
