"""/metrics: closed unless a token is set; figures from the indexes, and what this process answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy import func, select

from campaigns.database import Database
from campaigns.delivery import figures, tally
from campaigns.delivery.tables import Tally
from connectors.api import AddressGone, Deferred, Outbound, Uncertain
from service.app import create_app
from service.settings import Metrics
from service.wiring import Wiring

from ..campaigns.delivery.world import BLIND, World
from .conftest import Api

TOKEN = "a-token-for-the-scraper"


@pytest.fixture
def watched(wiring: Wiring) -> Api:
    """An installation with a token for its figures."""
    wiring.settings = replace(wiring.settings, metrics=Metrics(token=TOKEN))
    app = create_app(wiring=wiring)
    return Api(app, app.test_client())


def figures_of(api: Api) -> dict[str, float]:
    """Each sample by name and labels."""
    answer = api.get("/metrics", TOKEN)
    assert answer.status_code == 200 and answer.content_type.startswith("text/plain; version=0.0.4")
    samples = [line.rpartition(" ") for line in answer.text.splitlines() if not line.startswith("#")]
    assert len({name for name, _, _ in samples}) == len(samples)
    return {name: float(value) for name, _, value in samples}


def test_there_is_nothing_without_a_token(api: Api) -> None:
    assert api.get("/metrics", TOKEN).status_code == 404 and api.get("/metrics", "").status_code == 404


def test_nobody_else_reads_it(watched: Api) -> None:
    assert watched.get("/metrics").status_code == 401 and watched.get("/metrics", "wrong").status_code == 401


def test_what_waits_and_what_came_of_handovers_is_told(
    watched: Api, database: Database, now: datetime
) -> None:
    world = World(database, now, BLIND)

    def refusing(error: Exception) -> Callable[[Outbound], None]:
        def answer(_outbound: Outbound) -> None:
            raise error

        return answer

    world.wire.answers = {
        "bob@example.org": refusing(AddressGone("no such user")),
        "cai@example.org": refusing(Deferred("later")),
        "dai@example.org": refusing(Uncertain("dropped")),
    }
    world.message(["ann", "bob", "cai", "dai"])
    world.run()
    told = figures_of(watched)
    assert {outcome: told.get(f'dolen_handovers_total{{account="mail",outcome="{outcome}"}}') for outcome in
            ("sent", "bounced", "deferred", "unknown")} == {
        "sent": 1, "bounced": 1, "deferred": 1, "unknown": 1
    }  # fmt: skip
    assert told['dolen_deliveries{state="deferred"}'] == 1 and told['dolen_deliveries{state="unknown"}'] == 1
    assert told['dolen_deliveries{state="queued"}'] == 0
    world.message(["eve"])
    world.tick()
    told = figures_of(watched)
    assert told['dolen_batches{kind="late"}'] == 1 and told["dolen_oldest_due_seconds"] > 60
    assert told['dolen_deliveries{state="queued"}'] == 1
    assert told['dolen_account_out_of_service{account="mail"}'] == 0


def test_requests_are_counted_by_route_and_status(watched: Api) -> None:
    watched.get("/healthz")
    watched.get("/v1/messages/msg_0000000000001")
    watched.get("/nowhere/at/all")
    told = figures_of(watched)
    assert told['dolen_http_requests_total{method="GET",route="/healthz",status="200"}'] == 1
    assert told['dolen_http_requests_total{method="GET",route="/v1/messages/<msg:id>",status="401"}'] == 1
    assert told['dolen_http_requests_total{method="GET",route="none",status="404"}'] == 1
    assert told['dolen_http_request_seconds_bucket{method="GET",route="/healthz",le="+Inf"}'] == 1
    assert told['dolen_http_request_seconds_count{method="GET",route="/healthz"}'] == 1


def test_a_name_with_quotes_breaks_no_line(watched: Api, database: Database, now: datetime) -> None:
    World(database, now, name='the "old"\nrelay\\')
    assert figures_of(watched)['dolen_account_out_of_service{account="the \\"old\\"\\nrelay\\\\"}'] == 0


def test_counters_are_added_up_and_lose_nothing(database: Database, now: datetime) -> None:
    with database.write() as session:
        for _ in range(5):
            tally.add(session, 7, [Deferred("later"), Uncertain("dropped"), Deferred("later")])
        before = tally.handovers(session)
        tally.fold(session, now)
        assert tally.handovers(session) == before == {(7, "deferred"): 10, (7, "unknown"): 5}
        assert session.scalar(select(func.count()).select_from(Tally)) == 2


def test_what_is_open_is_counted_by_indexes(database: Database, now: datetime) -> None:
    """No statement reads `deliveries` from end to end."""
    world = World(database, now)
    world.message(["ann", "bob"])
    world.tick()
    with database.read() as session:
        assert figures.open_rows(session) == {"queued": 2, "deferred": 0, "sending": 0, "unknown": 0}
        if not database.is_sqlite:
            return
        connection = session.connection().connection.driver_connection
        assert connection is not None
        statements: list[str] = []
        connection.set_trace_callback(statements.append)
        figures.open_rows(session)
        figures.batches(session, now)
        figures.oldest_due_s(session, now)
        connection.set_trace_callback(None)
        asked = [one for one in statements if one.startswith("SELECT")]
        plans = [str(connection.execute(f"EXPLAIN QUERY PLAN {one}").fetchall()) for one in asked]
    assert len(plans) == 7 and not [plan for plan in plans if "SCAN deliveries" in plan]
