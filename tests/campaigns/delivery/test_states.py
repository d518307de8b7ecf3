"""The words of the ledger move forward only."""

from campaigns.delivery import states


def test_every_move_leads_to_a_known_state() -> None:
    for before, afters in states.MOVES.items():
        assert afters <= set(states.STATES), before


def test_what_was_excluded_bounced_or_cancelled_never_moves_again() -> None:
    assert not any(states.MOVES[state] for state in (states.EXCLUDED, states.BOUNCED, states.CANCELLED))


def test_intent_that_was_interrupted_never_goes_back_to_queued() -> None:
    """E5: `sending` whose outcome is not known becomes `unknown`."""
    assert not states.may(states.SENDING, states.QUEUED)
    assert states.may(states.SENDING, states.UNKNOWN)


def test_sent_can_only_turn_out_to_have_bounced() -> None:
    assert states.MOVES[states.SENT] == {states.BOUNCED}


def test_what_a_retry_touches_is_a_known_failure() -> None:
    assert set(states.RETRYABLE) <= set(states.FAILURES)
