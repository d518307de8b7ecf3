"""Two releases on one database, damaged files, and a backup that is made while letters go out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select, text

from campaigns.database import Damaged, Database
from campaigns.delivery import accounts
from campaigns.delivery.tables import Account, Delivery, Stop
from connectors import registry
from connectors.simulator.running import running
from service import epoch, upgrade
from service.__main__ import main
from service.app import create_app
from service.ids import shown
from service.settings import load
from service.wiring import Wiring

from ..campaigns.delivery.world import KEYED, World
from .conftest import Api, People

COMMAND = [sys.executable, "-m", "service"]
PATIENCE_S = 60.0


@pytest.fixture
def environ(bare_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The settings of an installation without tables, here and for processes we start."""
    found = {
        "DOLEN__DATABASE__URL": bare_url,
        "DOLEN__DATA__DIR": str(tmp_path / "data"),
        "DOLEN__LOG__LEVEL": "error",
    }
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    return found


@pytest.fixture
def wiring(environ: dict[str, str]) -> Wiring:
    """The same installation with its tables."""
    wiring = Wiring(load(environ))
    upgrade.upgrade(wiring)
    return wiring


def newer(database: Database) -> None:
    """What the next release adds while this one runs: a column that may be empty, a table, its own revision."""
    with database.write_engine.begin() as connection:
        for step in (
            "ALTER TABLE deliveries ADD COLUMN colour TEXT",
            "CREATE TABLE moods (id BIGINT PRIMARY KEY, delivery_id BIGINT NOT NULL)",
            "UPDATE alembic_version SET version_num = '9999'",
        ):
            connection.execute(text(step))


def test_an_older_release_goes_on_beside_a_newer_one(wiring: Wiring) -> None:
    """F32: what it does not know is left alone; the API answers, a message is accepted, released and sent once."""
    world = World(wiring.database, datetime.now(UTC), KEYED)
    first = world.message(["ann"])
    world.tick()
    app = create_app(wiring=wiring)
    api, token = Api(app, app.test_client()), People(wiring)("author", kind="test")
    newer(wiring.database)
    sent = api.post(
        "/v1/messages", token, json={"to": "bob@example.org", "subject": "Hello", "text": "Tuesday"}
    )
    assert sent.status_code == 201
    assert api.get(sent.json["deliveries"], token).json["data"][0]["state"] == "queued"
    world.later(minutes=1)
    second = world.message(["cai"])
    world.run()
    assert world.states(first) == {"ann": "sent"} and world.states(second) == {"cai": "sent"}
    assert sorted(world.wire.accepted) == [f"{one}@example.org" for one in ("ann", "bob", "cai")]


def test_an_older_release_does_not_start_on_newer_tables(
    wiring: Wiring, capsys: pytest.CaptureFixture[str]
) -> None:
    """K3"""
    newer(wiring.database)
    for command in (["work"], ["clock"], ["serve"], ["all"], ["token"], ["doctor"], ["db", "upgrade"]):
        assert main(command) == 1
        told = capsys.readouterr().err
        assert "newer release (9999)" in told and "restore the backup" in told, command
    with wiring.database.read() as session:
        assert session.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "9999"


def test_a_damaged_file_is_told_with_the_way_back(
    environ: dict[str, str], wiring: Wiring, database_kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """F13"""
    wiring.database.check_whole()
    if database_kind == "postgresql":
        return
    wiring.close()
    file = Path(environ["DOLEN__DATABASE__URL"].removeprefix("sqlite:///"))
    with file.open("r+b") as opened:
        opened.seek(8 * 4096)
        opened.write(os.urandom(4 * 4096))
    with pytest.raises(Damaged):
        Wiring(load(environ)).database.check_whole()
    for command in (["all"], ["db", "upgrade"], ["doctor"]):
        assert main(command) == 1
        assert "restore the last backup" in capsys.readouterr().err, command


@pytest.fixture
def processes() -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Starts processes of the installation, and sees to it that none is left."""
    started: list[subprocess.Popen[str]] = []

    def start(command: str) -> subprocess.Popen[str]:
        started.append(subprocess.Popen([*COMMAND, command], stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=PATIENCE_S)


def test_what_is_restored_from_a_backup_made_while_letters_went_out_goes_once(
    environ: dict[str, str],
    wiring: Wiring,
    database_kind: str,
    tmp_path: Path,
    processes: Callable[[str], subprocess.Popen[str]],
) -> None:
    """K4, F35: everything is stopped; what the provider's log has is marked, the rest goes, nothing twice."""
    if database_kind == "postgresql":
        return  # pg_dump is PostgreSQL's own; the epoch is tested on both
    with running(tmp_path / "practice.log", "--latency-ms", "30") as practice:
        world = World(wiring.database, datetime.now(UTC), KEYED)
        connect(world, practice.url)
        message_id = world.message([f"p{n:03}" for n in range(200)])
        world.tick()
        worker = processes("work")
        until(lambda: len(practice.accepted()) > 10)
        assert main(["backup", str(tmp_path / "backup"), "--without-keys"]) == 0
        assert not (tmp_path / "backup" / "keys.json").exists()
        copied = len(practice.accepted())
        until(lambda: len(practice.accepted()) > copied + 10)
        worker.kill()
        worker.wait()
        wiring.close()
        restore(
            Path(environ["DOLEN__DATABASE__URL"].removeprefix("sqlite:///")), tmp_path / "backup/dolen.db"
        )

        worker = processes("work")
        assert worker.stderr is not None and worker.stderr.readline().strip() == epoch.REASON
        gone = {one["key"] for one in practice.accepted()}
        until(lambda: world.state(message_id) == "held")
        mark(wiring, gone)
        lift(wiring)
        assert len(practice.accepted()) == len(gone)
        processes("clock")
        until(lambda: world.state(message_id) == "finished")
        keys = [one["key"] for one in practice.accepted()]
        assert len(keys) == len(set(keys)) == 200
        wiring.close()


def connect(world: World, url: str) -> None:
    """Connect the world's account to a practice provider."""
    with world.database.write() as session:
        account = session.get_one(Account, world.account_id)
        account.connector = "simulator"
        account.settings = {"url": url, "channel": "email", "repeats": "blind"}
        accounts.declare(account, registry.connect("simulator", account.settings, {}))


def lift(wiring: Wiring) -> None:
    """Let everything go on, as an administrator does."""
    with wiring.database.read() as session:
        (stop,) = session.scalars(select(Stop)).all()
    app = create_app(wiring=wiring)
    api, boss = Api(app, app.test_client()), People(wiring)()
    lifted = api.post(f"/v1/stops/{shown('stop', stop.id)}/lift", boss, json={"why": "compared"})
    assert lifted.status_code == 200


def mark(wiring: Wiring, gone: set[str]) -> None:
    """Say what the provider's log says, as a person would at the console."""
    with wiring.database.read() as session:
        rows = session.execute(select(Delivery.id, Delivery.state).where(Delivery.state != "sent")).all()
    for number, state in rows:
        key = str(shown("delivery", number))
        if key in gone:
            assert main(["work", "mark", key, "sent", "--evidence", "in the provider's log"]) == 0
        elif state == "unknown":
            assert main(["work", "mark", key, "queued", "--evidence", "not in the provider's log"]) == 0


def restore(file: Path, backup: Path) -> None:
    for leftover in file.parent.glob(f"{file.name}-*"):
        leftover.unlink()
    shutil.copy(backup, file)


def until(so: Callable[[], bool]) -> None:
    """Wait until it is so."""
    end = time.monotonic() + PATIENCE_S
    while not so():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)
