"""How many calls a token may make: told in every answer, refused for a while, and nobody else's business."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from campaigns.strategies.tables import Programme
from service.app import create_app
from service.calls import KEPT_MAX, Calls
from service.problems import Refusal
from service.wiring import Wiring

from .conftest import Api, People


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


def test_a_bucket_fills_up_steadily_and_never_over_its_brim() -> None:
    time = [100.0]
    calls = Calls(60, lambda: time[0])
    for _ in range(60):
        calls.count(1)
    with pytest.raises(Refusal) as refused:
        calls.count(1)
    assert refused.value.headers["Retry-After"] == "1"
    time[0] += 2.0
    assert [calls.count(1)["RateLimit-Remaining"] for _ in range(2)] == ["1", "0"]
    time[0] += 3600.0
    assert calls.count(1)["RateLimit-Remaining"] == "59"


def test_without_a_limit_nothing_is_counted_or_told() -> None:
    calls = Calls(0)
    assert [calls.count(1) for _ in range(1000)] == [{}] * 1000


def test_many_tokens_do_not_fill_the_memory() -> None:
    time = [100.0]
    calls = Calls(60, lambda: time[0])
    for token in range(KEPT_MAX):
        calls.count(token)
    time[0] += 60.0
    calls.count(KEPT_MAX)
    assert len(calls._buckets) == 1
