"""F9–F13: disks that are full or broken, and a database that somebody else holds or has spoilt."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from benchmarks.house import administrator
from benchmarks.prove_kill import Campaign, campaign
from campaigns import database as databases
from campaigns.delivery import states
from campaigns.delivery.tables import Delivery
from campaigns.strategies.tables import Programme
from service import settings, upgrade
from service.app import create_app
from service.wiring import Wiring

from .test_processes import PATIENCE_S, begun, end, nothing_wrong, until

ROOT_ONLY = "mounting a file system of a few megabytes needs the right to mount"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with 8 MB, where we may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], capture_output=True)
    if done.returncode:
        pytest.skip(ROOT_ONLY)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def environ(folder: Path, **more: str) -> dict[str, str]:
    return {"DOLEN__DATA__DIR": str(folder), "DOLEN__LOG__LEVEL": "error", **more}


def test_f9_a_full_disk_is_told_keeps_what_there_is_and_is_over_when_there_is_room(small_disk: Path) -> None:
    """F9"""
    wiring = Wiring(settings.load(environ(small_disk)))
    upgrade.upgrade(wiring)
    token = administrator(wiring)
    client = create_app(wiring=wiring).test_client()
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * (shutil.disk_usage(small_disk).free // 4096 * 4096))
    with open(filler, "ab") as last:
        _fill(last.fileno())
    told = [_programme(client, token, n) for n in range(40)]
    stored = [n for n, answer in enumerate(told) if answer.status_code == 201]
    refused = [answer for answer in told if answer.status_code != 201]
    keyed = {"Idempotency-Key": "one"}
    refused.append(_programme(client, token, 99, **keyed))
    assert {(answer.status_code, answer.get_json()["code"]) for answer in refused} == {(507, "storage_full")}
    assert client.get("/v1/programmes", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    with wiring.database.read() as session:
        assert session.query(Programme).count() == 1 + len(stored)
    filler.unlink()
    assert _programme(client, token, 99, **keyed).status_code == 201
    wiring.close()


def _fill(file: int) -> None:
    """The last bytes too."""
    try:
        while True:
            os.write(file, b"x")
    except OSError:
        return


def _programme(client: Any, token: str, n: int = 0, **head: str) -> Any:
    body = {"name": f"River clean-up {n}", "starts_on": "2027-01-01"}
    return client.post("/v1/programmes", json=body, headers={"Authorization": f"Bearer {token}", **head})


def test_f10_where_nothing_can_be_logged_it_is_sent_all_the_same(tmp_path: Path) -> None:
    """F10: every line of the log meets a full disk."""
    with campaign(f"sqlite:///{tmp_path}/dolen.db", tmp_path, "keyed") as it:
        it.set_up()
        it.schedule()
        loud = {**it.environ, "DOLEN__LOG__LEVEL": "debug"}
        with open("/dev/full", "w") as full:
            for name, command in (("worker", "work"), ("clock", "clock")):
                it.processes[name] = subprocess.Popen(
                    [sys.executable, "-m", "service", command], env=loud, stdout=full, stderr=full,
                    start_new_session=True,
                )  # fmt: skip
        until(lambda: not it.open_messages(), "everything to be sent")
        assert nothing_wrong(end(it))


def test_f11_what_cannot_be_flushed_to_the_disk_is_not_sent(tmp_path: Path) -> None:
    """F11: a worker whose flushes fail claims nothing; another one sends everything once."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    with begun(tmp_path, "keyed", "clock") as it:
        until(lambda: _rows(it, states.QUEUED) > 0, "the release")
        fails = "inject=fdatasync,fsync:error=EIO"
        command = [
            strace,
            "-f",
            "-qq",
            "-e",
            "trace=fdatasync,fsync",
            "-e",
            fails,
            "-o",
            str(tmp_path / "strace"),
        ]
        broken = subprocess.Popen(
            [*command, sys.executable, "-m", "service", "work"], env=it.environ, start_new_session=True,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        it.processes["broken"] = broken
        until(lambda: "INJECTED" in _text(tmp_path / "strace"), "a flush to fail")
        until(
            lambda: broken.poll() is not None or _text(tmp_path / "strace").count("INJECTED") > 3,
            "more of them",
        )
        assert not it.provider.accepted() and not _rows(it, states.SENT)
        if broken.poll() is None:
            os.killpg(broken.pid, 9)
            broken.wait()
        it.start("worker")
        assert nothing_wrong(end(it))


def _rows(it: Campaign, state: str) -> int:
    with it.wiring.database.read() as session:
        return len(session.scalars(select(Delivery.id).where(Delivery.state == state)).all())


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def test_f12_a_database_that_somebody_else_holds_is_busy_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F12: at a hundredth of the true wait."""
    monkeypatch.setattr(databases, "BUSY_TIMEOUT_MS", 50)
    wiring = Wiring(settings.load(environ(tmp_path)))
    upgrade.upgrade(wiring)
    token = administrator(wiring)
    client = create_app(wiring=wiring).test_client()
    other = sqlite3.connect(tmp_path / "dolen.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    answer = _programme(client, token)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    other.execute("COMMIT")
    other.close()
    assert _programme(client, token).status_code == 201
    wiring.close()


def started(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "service", *command], env={**os.environ, **environ(folder)}, capture_output=True,
        text=True, timeout=PATIENCE_S,
    )  # fmt: skip


@pytest.mark.parametrize("at", [0, 40], ids=["in the first page", "in the middle"])
def test_f13_a_spoilt_database_stops_the_start_and_says_what_to_do(tmp_path: Path, at: int) -> None:
    """F13"""
    wiring = Wiring(settings.load(environ(tmp_path)))
    upgrade.upgrade(wiring)
    wiring.close()
    with open(tmp_path / "dolen.db", "r+b") as file:
        file.seek(at * 4096)
        file.write(os.urandom(4096))
    if at == 0:
        refused = started(tmp_path, "work")
        assert refused.returncode == 1 and "dolen doctor" in refused.stderr
    for command in (["doctor"], ["db", "upgrade"]):
        told = started(tmp_path, *command)
        assert told.returncode == 1 and "restore the last backup" in told.stdout + told.stderr
