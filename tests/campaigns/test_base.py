"""Ids of many processes on one database."""

from __future__ import annotations

import secrets
import time

import pytest

from campaigns.base import BLOCK_MAX, Ids


def test_processes_that_drew_the_same_place_once_do_not_meet_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two workers that clash once must not clash at every millisecond until one of them is started again."""
    draws = iter([7, 7, 70, 700])
    monkeypatch.setattr(secrets, "randbelow", lambda _most: next(draws))
    moment = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: moment)
    one, other = Ids(), Ids()
    assert one.block(1) == other.block(1)
    moment += 1_000_000
    assert one.block(1) != other.block(1)


def test_ids_increase_whatever_the_clock_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """F30: also when it is set back, and however many are asked for in one millisecond."""
    made, moment, ids = [0], time.time_ns(), Ids()
    for step in (0, 0, 3_000_000, -3_600_000_000_000, 0, 1):
        moment += step
        monkeypatch.setattr(time, "time_ns", lambda moment=moment: moment)
        for count in (1, BLOCK_MAX, BLOCK_MAX) * 400:
            first = ids.block(count)
            assert first > made[-1]
            made.append(first + count - 1)
    assert made[-1] < 1 << 63
