"""When it is tried again."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from campaigns.delivery.backoff import FIRST_S, LONGEST_S, RETRY_AFTER_MAX_S, Pace

PACE = Pace()
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


@given(attempt=st.integers(1, 10_000), jitter=st.floats(0, 1, exclude_max=True))
def test_a_wait_is_never_longer_than_four_hours(attempt: int, jitter: float) -> None:
    assert 0 <= PACE.delay_s(attempt, jitter) <= LONGEST_S


def test_waits_double_from_five_minutes() -> None:
    assert [PACE.delay_s(n, 1.0) for n in (1, 2, 3)] == [FIRST_S, 2 * FIRST_S, 4 * FIRST_S]


@given(wish=st.floats(-1e12, 1e12))
def test_a_provider_may_ask_for_an_hour_at_most(wish: float) -> None:
    """F24: an absurd Retry-After is capped, a negative one is ignored."""
    assert 0 <= PACE.delay_s(1, 0.0, wish) <= RETRY_AFTER_MAX_S


def test_a_keyed_row_is_repeated_soon_while_its_key_lives() -> None:
    keyed = {"kind": "keyed", "life_s": 3600.0}
    at = PACE.unknown_next_at(keyed, "hold", NOW, NOW - timedelta(seconds=5), 60)
    assert at is not None and at - NOW <= timedelta(seconds=5)


def test_a_keyed_row_whose_key_died_waits_for_a_person() -> None:
    keyed = {"kind": "keyed", "life_s": 3600.0}
    assert PACE.unknown_next_at(keyed, "hold", NOW, NOW - timedelta(seconds=3595), 60) is None


def test_a_findable_row_is_looked_up_after_the_delay_and_the_deadline() -> None:
    findable = {"kind": "findable", "visible_within_s": 30.0, "exact": True}
    assert PACE.unknown_next_at(findable, "hold", NOW, NOW, 60) == NOW + timedelta(seconds=90)


def test_a_blind_row_waits_for_a_person_unless_its_account_says_otherwise() -> None:
    blind = {"kind": "blind"}
    assert PACE.unknown_next_at(blind, "hold", NOW, NOW, 60) is None
    assert PACE.unknown_next_at(blind, "retry", NOW, NOW, 60) == NOW
