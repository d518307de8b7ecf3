"""How many calls a token may make: told in every answer, refused for a while, and nobody else's business."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from campaigns.database import Database
from campaigns.strategies.tables import Programme
from service import calls as module
from service.app import create_app
from service.calls import KEPT_MAX, Calls
from service.problems import Refusal
from service.tables import CallBucket
from service.wiring import Wiring

from .conftest import Api, People

START = datetime(2027, 1, 1, tzinfo=UTC)


@dataclass
class Hand:
    """A clock that stands until it is moved."""

    at: datetime = field(default=START)

    def __call__(self) -> datetime:
        return self.at

    def on(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def let_in(calls: Calls, token: int, tries: int) -> int:
    """How many of so many calls are let in."""
    done = 0
    for _ in range(tries):
        try:
            calls.count(token)
            done += 1
        except Refusal:
            pass
    return done


@pytest.fixture
def narrow(wiring: Wiring) -> Api:
    """An API that takes three calls a minute from each token."""
    http = replace(wiring.settings.http, calls_per_min=3)
    wiring.settings = replace(wiring.settings, http=http)
    app = create_app(wiring=wiring)
    return Api(app, app.test_client())


def test_what_is_left_is_told_and_what_is_too_much_is_refused_and_not_done(
    narrow: Api, wiring: Wiring, people: People
) -> None:
    """J5"""
    admin, other = people(), people()
    left = []
    for n in range(3):
        answer = narrow.post("/v1/programmes", admin, json={"name": f"P{n}", "starts_on": "2027-01-01"})
        assert answer.status_code == 201
        left.append(answer.headers["RateLimit-Remaining"])
    assert left == ["2", "1", "0"] and answer.headers["RateLimit-Policy"] == '"token";q=3;w=60'
    key = {"Idempotency-Key": "once"}
    refused = narrow.post(
        "/v1/programmes", admin, json={"name": "P3", "starts_on": "2027-01-01"}, headers=key
    )
    assert (refused.status_code, refused.json["code"]) == (429, "too_many_requests")
    assert refused.content_type == "application/problem+json"
    assert 1 <= int(refused.headers["Retry-After"]) <= 20 and refused.headers["RateLimit"].startswith(
        '"token";r=0'
    )
    with wiring.database.read() as session:
        assert session.scalar(select(func.count()).where(Programme.name.like("P%"))) == 3
    assert narrow.get("/v1/programmes", other).headers["RateLimit-Remaining"] == "2"
    assert narrow.get("/healthz").status_code == 200


def test_a_bucket_fills_up_steadily_and_never_over_its_brim(database: Database) -> None:
    now = Hand()
    calls = Calls(database, 60, now)
    assert let_in(calls, 1, 60) == 60
    with pytest.raises(Refusal) as refused:
        calls.count(1)
    assert refused.value.headers["Retry-After"] == "1"
    now.on(2.0)
    assert [calls.count(1)["RateLimit-Remaining"] for _ in range(2)] == ["1", "0"]
    now.on(3600.0)
    assert calls.count(1)["RateLimit-Remaining"] == "59"


def test_two_processes_share_one_limit(database: Database) -> None:
    """J5"""
    now = Hand()
    one, two = Calls(database, 100, now), Calls(database, 100, now)
    assert sum(let_in(each, 1, 1) for _ in range(80) for each in (one, two)) == 100
    assert let_in(one, 1, 10) == let_in(two, 1, 10) == 0
    now.on(6.0)
    assert let_in(one, 1, 50) + let_in(two, 1, 50) == 10


def test_what_another_process_took_and_did_not_spend_is_lost_for_a_minute_only(database: Database) -> None:
    now = Hand()
    one, two = Calls(database, 100, now), Calls(database, 100, now)
    assert let_in(two, 1, 1) == 1
    assert let_in(one, 1, 200) == 95
    now.on(60.0)
    assert let_in(one, 1, 200) == 100
    assert let_in(two, 1, 10) == 0


def test_calls_cost_a_write_for_each_handful_and_none_while_they_are_refused(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    took: list[int] = []
    take = module._take

    def counted(*given: object) -> tuple[int, float]:
        done = take(*given)  # type: ignore[arg-type]
        took.append(done[0])
        return done

    monkeypatch.setattr(module, "_take", counted)
    assert let_in(Calls(database, 600, Hand()), 1, 1000) == 600
    assert took == [30] * 20 + [0]


def test_a_database_that_is_busy_refuses_nobody_but_who_keeps_it_busy(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*given: object) -> tuple[int, float]:
        raise OperationalError("INSERT", {}, Exception("database is locked"))

    monkeypatch.setattr(module, "_take", busy)
    now = Hand()
    calls = Calls(database, 100, now)
    assert let_in(calls, 1, 50) == 5 and let_in(calls, 2, 5) == 5
    now.on(59)
    assert let_in(calls, 1, 5) == 0
    now.on(1)
    assert let_in(calls, 1, 50) == 5


def test_without_a_limit_nothing_is_counted_or_told(database: Database) -> None:
    calls = Calls(database, 0, Hand())
    assert [calls.count(1) for _ in range(1000)] == [{}] * 1000
    with database.read() as session:
        assert session.scalar(select(func.count(CallBucket.token_id))) == 0


def test_tokens_that_call_no_more_are_forgotten(database: Database) -> None:
    now = Hand()
    calls = Calls(database, 60, now)
    calls._held = {token: module.Held(1, 1.0, now()) for token in range(KEPT_MAX)}
    now.on(60.0)
    calls.count(KEPT_MAX)
    assert len(calls._held) == 1
    now.on(3700.0)
    with database.write() as session:
        assert module.forget(session, now()) == 1
