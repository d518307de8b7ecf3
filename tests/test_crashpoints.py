"""The proof of the crash points, its first pass of each on SQLite; and that its judge would see what is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from benchmarks import traps
from benchmarks.house import MESSAGES, PEOPLE, Found
from benchmarks.prove_crashpoints import Tally

from .codemap import ROOT

NAMES = [f"dlv_{n}" for n in range(MESSAGES * PEOPLE)]


def test_a_death_at_any_named_place_loses_nothing_and_doubles_nothing() -> None:
    environ = {**os.environ, "DATABASE": "sqlite", "ITEMS": "first"}
    command = [sys.executable, "-m", "benchmarks.prove_crashpoints"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["lost"], told["twice"], told["not_reached"], told["books_agree"]) == (0, 0, 0, True)
    assert told["runs"] == 5 * len(traps.PLACES) and told["blind_retry_max_copies"] <= 2


SENT = dict.fromkeys(NAMES, "sent")


def judged(place: str, kind: str = "keyed", *, copies: int = 1, first: str = "sent", **changes: Any) -> Tally:
    """A run in which all went well, but for how often the first delivery was taken, its state, and `changes`."""
    usual: dict[str, Any] = {
        "rows": {**SENT, NAMES[0]: first}, "evident": set(), "too_many": 0, "reconciled": True, "open_rows": 0,
        "ahead": timedelta(),
    }  # fmt: skip
    tally = Tally()
    counted = Counter({**dict.fromkeys(NAMES, 1), NAMES[0]: copies})
    tally.add(kind, place, 1, Found(**{**usual, **changes}), counted)
    return tally


def test_the_judge_has_nothing_against_runs_in_which_all_went_well() -> None:
    assert not judged("claim.after_commit").wrong
    assert not judged("net.after_reply", "blind_retry", copies=2).wrong
    assert not judged("net.after_reply", "smtp", first="unknown", evident={NAMES[0]}).wrong


WRONG = {
    "a copy too many": judged("net.after_reply", copies=2),
    "a third copy where repeating was chosen": judged("net.after_reply", "blind_retry", copies=3),
    "sent, and nobody took it": judged("net.after_reply", copies=0),
    "no row": judged("api.after_commit", rows=dict.fromkeys(NAMES[1:], "sent")),
    "a message made twice": judged("api.after_commit", too_many=1),
    "taken, and thought not to have gone": judged("net.after_reply", first="failed"),
    "unknown though its key lives": judged("net.after_reply", first="unknown", evident={NAMES[0]}),
    "unknown before any intent": judged("render.after", "smtp", first="unknown", evident={NAMES[0]}),
    "unknown and nobody says why": judged("net.after_reply", "smtp", first="unknown"),
    "counts that do not add up": judged("net.after_reply", reconciled=False),
    "never finished": judged("net.after_reply", open_rows=1),
}


@pytest.mark.parametrize("what", WRONG)
def test_the_judge_sees_what_is_wrong(what: str) -> None:
    assert WRONG[what].wrong
