"""What a delivery may become: pure rules over the words of the ledger.

Rules: a state moves forward only; `final` rows are counted and never sent; `unknown` leaves only with evidence.
Source: docs/delivery.md.
"""

from __future__ import annotations

EXCLUDED, QUEUED, SENDING, DEFERRED = "excluded", "queued", "sending", "deferred"
SENT, BOUNCED, FAILED, CANCELLED, UNKNOWN = "sent", "bounced", "failed", "cancelled", "unknown"

MOVES: dict[str, frozenset[str]] = {
    EXCLUDED: frozenset(),
    # to sent only where an attempt that was thought not to have gone is accepted late
    QUEUED: frozenset({SENDING, EXCLUDED, CANCELLED, FAILED, SENT}),
    SENDING: frozenset({SENT, DEFERRED, FAILED, BOUNCED, UNKNOWN}),
    DEFERRED: frozenset({SENDING, FAILED, CANCELLED, EXCLUDED, SENT}),
    SENT: frozenset({BOUNCED}),
    BOUNCED: frozenset(),
    FAILED: frozenset({QUEUED}),  # by a person only
    CANCELLED: frozenset(),
    # to sending again only with the same key, while the provider still remembers it; to deferred only by the late
    # answer to its only attempt; to cancelled only when a look-up says that it had not gone, and its message was
    # cancelled meanwhile
    UNKNOWN: frozenset({SENT, FAILED, QUEUED, SENDING, DEFERRED, BOUNCED, CANCELLED}),
}
STATES = tuple(MOVES)

# The network may be touched for these; the rest of the ledger is finished or in somebody's hands.
OPEN = (QUEUED, DEFERRED, SENDING)
# What a worker may take into a wave: unknown rows only reach a batch when their key can be repeated.
TAKEABLE = (QUEUED, DEFERRED, UNKNOWN)

EXCLUSIONS = (
    "no_address", "suppressed", "no_lawful_basis", "topic_opt_out", "person_paused", "frequency_cap",
    "outside_window", "duplicate_address", "variant_missing", "confidential", "holdout", "answered", "erased",
)  # fmt: skip
FAILURES = (
    "too_late", "lifetime_over", "poison", "data_missing", "needs_eai", "content_refused", "account_refused",
    "opted_out", "marked_failed", "thread_broken",
)  # fmt: skip
# A person who presses "retry" means these: the same words to the same person may well arrive next time.
RETRYABLE = ("too_late", "lifetime_over", "account_refused", "poison", "marked_failed", "thread_broken")


# Why a deferred row waits for no time, but for somebody's word.
WITH_PEOPLE = "with_people"


def may(before: str, after: str) -> bool:
    """Whether a row in `before` may become `after`."""
    return after in MOVES[before]
