"""Work that waits, by /v1, on the page and at the console: looked at, put right, and written down."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import select, update

from campaigns.audit import AuditEntry
from campaigns.delivery.tables import Batch, Delivery
from service import upgrade
from service.__main__ import main
from service.app import create_app
from service.ids import shown
from service.wiring import Wiring

from . import samples
from .conftest import Api, People
from .pages.conftest import Browsers


@pytest.fixture
def browsers(wiring: Wiring) -> Browsers:
    """Signed-in people with whatever role a test needs."""
    return Browsers(wiring, create_app(wiring=wiring))


@pytest.fixture
def late(wiring: Wiring) -> str:
    """A batch of one row that nobody takes, for its account is stopped."""
    with wiring.database.write() as session:
        then = wiring.now() - timedelta(minutes=10)
        number = samples.world(session, then, samples.programme(session, then, "Here"))["bat"]
    return shown("batch", number) or ""


def audited(wiring: Wiring) -> list[str]:
    with wiring.database.read() as session:
        return [
            one for one in session.scalars(select(AuditEntry.act).order_by(AuditEntry.id)) if "batch" in one
        ]


def state(wiring: Wiring) -> str:
    with wiring.database.read() as session:
        return session.scalars(select(Delivery.state)).one()


def test_late_work_is_listed_and_given_to_the_next_worker(
    wiring: Wiring, api: Api, admin: str, late: str
) -> None:
    """K6"""
    (told,) = api.get("/v1/batches?kind=late", admin).json["data"]
    assert (told["id"], told["rows"], told["owner"], told["deaths"]) == (late, 1, None, 0)
    with wiring.database.write() as session:
        session.execute(update(Batch).values(deaths=3))
    assert api.get("/v1/batches?kind=dead", admin).json["data"][0]["deaths"] == 3
    given = api.post(f"/v1/batches/{late}/requeue", admin, json={"why": "the template is mended"})
    assert (given.status_code, given.json["deaths"]) == (200, 0)
    assert api.get("/v1/batches?kind=dead", admin).json["data"] == []
    assert audited(wiring) == ["batch.requeued"] and state(wiring) == "queued"


def test_work_is_marked_with_evidence(wiring: Wiring, api: Api, admin: str, late: str) -> None:
    path = f"/v1/batches/{late}/mark"
    assert api.post(path, admin, json={"outcome": "sent"}).status_code == 422
    marked = api.post(path, admin, json={"outcome": "sent", "evidence": "in the relay's log"})
    assert (marked.status_code, marked.json) == (200, {"rows": 1})
    assert audited(wiring) == ["batch.marked"] and state(wiring) == "sent"
    assert api.post(path, admin, json={"outcome": "sent", "evidence": "-"}).status_code == 404


def test_a_test_token_moves_no_real_work(wiring: Wiring, people: People, api: Api, late: str) -> None:
    token = people("administrator", kind="test")
    answer = api.post(f"/v1/batches/{late}/requeue", token, json={"why": "-"})
    assert answer.status_code == 403 and audited(wiring) == []


def test_the_page_shows_late_work_and_leaves_it_out(wiring: Wiring, browsers: Browsers, late: str) -> None:
    browser = browsers()
    assert "Look at the work" in browser.get("/")
    page = browser.get("/settings/work")
    assert "Hello" in page and "1 recipient" in page
    refused = browser.post("/settings/work?kind=late", status=422, batch=late, act="failed", why="")
    assert "say why" in refused.text
    assert "Decided" in browser.done("/settings/work?kind=late", batch=late, act="failed", why="wrong list")
    assert audited(wiring) == ["batch.marked"] and state(wiring) == "failed"


def test_who_may_not_send_reads_it_without_a_form(browsers: Browsers, late: str) -> None:
    page = browsers("viewer").get("/settings/work")
    assert "Hello" in page and "Give it to the next worker" not in page


@pytest.fixture
def console(wiring: Wiring, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line on the same installation."""
    monkeypatch.setenv("DOLEN__DATABASE__URL", database_url)
    monkeypatch.setenv("DOLEN__DATA__DIR", str(tmp_path / "data"))
    monkeypatch.setenv("DOLEN__LOG__LEVEL", "error")
    with wiring.database.write_engine.begin() as connection:
        command.stamp(upgrade.config(connection), "head")  # the tables are there, without their history


def test_the_console_lists_and_puts_right(
    wiring: Wiring, console: None, late: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["work", "list"]) == 0
    assert f"{late}  msg_" in capsys.readouterr().out
    assert main(["work", "requeue", late, "--why", "try now"]) == 0
    assert main(["work", "skip", late, "--why", "wrong list"]) == 0
    assert "1 marked failed" in capsys.readouterr().out
    assert main(["work", "list", "--kind", "due"]) == 0
    assert capsys.readouterr().out == "nothing is due\n"
    assert audited(wiring) == ["batch.requeued", "batch.marked"] and state(wiring) == "failed"


def test_the_console_decides_what_nobody_is_sure_of(
    wiring: Wiring, console: None, late: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with wiring.database.write() as session:
        session.execute(
            update(Delivery).values(state="unknown", batch_id=None, next_at=None, intent_at=wiring.now())
        )
        row = shown("delivery", session.scalars(select(Delivery.id)).one())
    assert main(["work", "list", "--kind", "unknown"]) == 0
    assert f"{row}  msg_" in capsys.readouterr().out
    assert main(["work", "mark", str(row), "sent", "--evidence", "she has it"]) == 0
    assert state(wiring) == "sent"
    assert main(["work", "list", "--kind", "unknown"]) == 0
    assert "nothing is unknown" in capsys.readouterr().out
