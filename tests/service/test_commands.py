"""The command line: each command does what it says on an installation of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, select, text

from campaigns.delivery import accounts
from campaigns.delivery.tables import Account, Stop
from campaigns.messages import pictures
from campaigns.messages.tables import Message, Occurrence
from campaigns.responses import attachments
from campaigns.stakeholders.tables import Stakeholder
from campaigns.strategies.tables import Programme
from service import epoch, upgrade
from service.__main__ import COMMANDS, main
from service.settings import load
from service.tables import Grant, Token, User
from service.wiring import Wiring, metadata

from ..campaigns.stakeholders.test_opening import row, workbook
from .samples import programme, world

Found = TypeVar("Found")
PEOPLE = "name,email\nGwen Parry,gwen@example.org\nليلى حسن,layla@example.org\nBad,nope\n"


@pytest.fixture
def environ(bare_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The settings of an installation without tables, here and for processes we start."""
    found = {
        "DOLEN__DATABASE__URL": bare_url,
        "DOLEN__DATA__DIR": str(tmp_path / "data"),
        "DOLEN__LOG__LEVEL": "error",
        "DOLEN__HTTP__PORT": str(free_port()),
        "DOLEN__PRACTICE__PORT": str(free_port()),
    }
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    return found


@pytest.fixture
def wiring(environ: dict[str, str]) -> Wiring:
    """The same installation, looked at from here, with its tables."""
    wiring = Wiring(load(environ))
    upgrade.upgrade(wiring)
    return wiring


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_an_unknown_command_shows_all_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nonsense"]) == 2 and main([]) == 2 and main(["--help"]) == 0
    told = capsys.readouterr()
    assert all(f"  {name} " in told.out and f"  {name} " in told.err for name in COMMANDS)


def test_nothing_starts_on_a_database_without_tables(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("work", "clock", "serve", "token"):
        assert main([name]) == 1
        assert "dolen db upgrade" in capsys.readouterr().err


def test_a_wrong_setting_is_named_without_a_trace(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOLEN__HTTP__PROT", "1")
    assert main(["doctor"]) == 1
    told = capsys.readouterr().err
    assert "http.prot" in told and "Traceback" not in told


def test_a_taken_port_is_told_with_the_way_to_another(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("DOLEN__HTTP__PORT", str(taken.getsockname()[1]))
        assert main(["all"]) == 1
    told = capsys.readouterr().err
    assert "cannot be used" in told and "DOLEN__HTTP__PORT=" in told and "make run" in told


def test_an_upgrade_gives_an_empty_database_its_first_state(environ: dict[str, str]) -> None:
    assert main(["db", "upgrade"]) == 0 and main(["db", "upgrade"]) == 0
    wiring = Wiring(load(environ))
    assert upgrade.is_current(wiring)
    with wiring.database.read() as session:
        assert session.scalars(select(Programme.name)).all() == ["General"]


def test_the_steps_lead_to_the_tables_in_the_code(wiring: Wiring) -> None:
    with wiring.database.read_engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        found = [str(one) for one in compare_metadata(context, metadata)]
        assert [one for one in found if "'search_" not in one] == []


def test_upgrades_that_start_at_once_run_the_steps_once(environ: dict[str, str]) -> None:
    started = [subprocess.Popen([sys.executable, "-m", "service", "db", "upgrade"]) for _ in range(3)]
    assert [process.wait(120) for process in started] == [0, 0, 0]


def test_the_first_token_makes_the_administrator_and_the_next_one_nobody_else(
    wiring: Wiring, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["token"]) == 0
    first = capsys.readouterr()
    assert first.out.startswith("dol_live_") and "shown this once" in first.err
    assert first.out.strip() not in first.err
    assert main(["token", "--days", "1"]) == 0
    with wiring.database.read() as session:
        assert session.execute(select(Grant.role, Grant.programme_id)).all() == [("administrator", None)]
        assert session.scalar(select(func.count()).select_from(User)) == 1
        assert session.scalar(select(func.count()).select_from(Token)) == 2


def test_a_token_for_one_of_several_says_whose(wiring: Wiring, capsys: pytest.CaptureFixture[str]) -> None:
    main(["token"])
    assert main(["user", "add", "Ann", "--role", "author", "--email", "ann@example.org"]) == 0
    capsys.readouterr()
    assert main(["token"]) == 1
    told = capsys.readouterr().err
    assert "--user" in told and "Ann" in told
    assert main(["token", "--user", re.findall(r"usr_\w+", told)[1]]) == 0
    assert main(["token", "--test"]) == 0 and main(["token", "--machine", "author"]) == 0
    assert capsys.readouterr().out.count("dol_test_") == 1
    for days in ("0", "366"):
        assert main(["token", "--days", days]) == 1


def test_users_are_added_granted_listed_and_disabled(
    wiring: Wiring, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["token"])
    capsys.readouterr()
    assert main(["user", "add", "Ann"]) == 0
    ann = capsys.readouterr().out.split()[0]
    assert main(["user", "grant", ann, "--role", "author", "--programme", "prg_0000000000001"]) == 0
    assert "author in prg_0000000000001" in capsys.readouterr().out
    assert main(["user", "disable", ann]) == 0 and main(["user", "list"]) == 0
    assert f"{ann}  Ann  disabled" in capsys.readouterr().out
    assert main(["user", "list"]) == 0
    administrator = capsys.readouterr().out.split()[0]
    assert main(["user", "disable", administrator]) == 1


def test_people_are_imported_after_a_look(
    wiring: Wiring, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "people.csv"
    file.write_text(PEOPLE, "utf-8")

    def people() -> int:
        with wiring.database.read() as session:
            return session.scalar(select(func.count()).select_from(Stakeholder)) or 0

    assert main(["import", str(file), "--dry-run"]) == 0 and people() == 0
    assert main(["import", str(file)]) == 0 and people() == 2
    told = capsys.readouterr()
    assert "2 created" in told.out and "line 4" in told.err
    assert main(["import", str(file)]) == 0 and people() == 2
    assert main(["import", str(tmp_path / "none.csv")]) == 1


def test_a_sheet_is_named_and_the_rows_left_out_are_written_down(
    wiring: Wiring, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """J8, L12."""
    file, left = tmp_path / "people.xlsx", tmp_path / "left.csv"
    table = row(1, "name", "email") + row(2, "Ann", "ann@example.org") + row(3, "Bob", "nowhere")
    file.write_bytes(workbook(row(1, "email") + row(2, "note@example.org"), table))
    assert main(["import", str(file)]) == 1
    assert "Not sure about sheet" in capsys.readouterr().out
    assert main(["import", str(file), "--sheet", "Sheet 2", "--refused", str(left)]) == 0
    assert "sheet 'Sheet 2' of Sheet 1, Sheet 2" in capsys.readouterr().out
    assert left.read_text("utf-8-sig").splitlines()[1].startswith("Bob,nowhere,3,")


def test_connectors_are_listed_and_told_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["connectors"]) == 0 and main(["connectors", "smtp"]) == 0
    told = capsys.readouterr().out
    assert "simulator" in told and "[secret]" in told
    assert main(["connectors", "pigeon"]) == 1


def test_rotated_keys_seal_every_account_anew(
    wiring: Wiring, environ: dict[str, str], now: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    with wiring.database.write() as session:
        account = accounts.create(session, now, name="Relay", connector="smtp", channel="email")
        account.secrets = wiring.keyring.seal(account.id, {"password": "word"})
        before, number = account.secrets, account.id
    assert main(["keys", "rotate"]) == 0
    later = Wiring(load(environ))
    with later.database.read() as session:
        sealed = session.scalars(select(Account.secrets)).one()
    assert sealed is not None and sealed != before
    assert later.keyring.open(number, sealed) == {"password": "word"}
    assert later.links.read("reply", wiring.links.token("reply", 7)) == 7


def test_the_doctor_finds_what_is_wrong(
    environ: dict[str, str], wiring: Wiring, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor"]) == 0
    assert "nobody works here yet" in capsys.readouterr().out
    with wiring.database.write() as session:
        session.execute(text("DELETE FROM alembic_version"))
    assert main(["doctor"]) == 1
    assert "dolen db upgrade" in capsys.readouterr().out
    key_ring = Path(environ["DOLEN__DATA__DIR"]) / "keys.json"
    key_ring.chmod(0o644)
    assert main(["doctor"]) == 1
    assert "chmod 600" in capsys.readouterr().err


def test_the_doctor_tells_of_times_whose_zone_got_other_rules(
    environ: dict[str, str], wiring: Wiring, capsys: pytest.CaptureFixture[str]
) -> None:
    """F31"""
    with wiring.database.write() as session:
        made = world(session, wiring.now(), programme(session, wiring.now(), "River"))
        session.get_one(Message, made["msg"]).state = "scheduled"
        planned = session.query(Occurrence).filter_by(message_id=made["msg"]).first()
        assert planned is not None
        planned.state, planned.zone, planned.wall = "planned", "Africa/Lagos", "2030-01-02T09:00:00"
        planned.due_at = datetime(2030, 1, 2, 9, tzinfo=UTC)
    assert main(["doctor"]) == 0
    told = capsys.readouterr().out
    assert "2030-01-02T09:00:00 in Africa/Lagos" in told and "2030-01-02T08:00:00+00:00" in told


def test_a_restored_backup_starts_with_everything_stopped(
    wiring: Wiring, environ: dict[str, str], tmp_path: Path, database_kind: str
) -> None:
    """F35"""
    if database_kind == "postgresql":
        assert epoch.advance(wiring) is False
        with wiring.database.write() as session:  # as pg_restore leaves it
            session.execute(text("UPDATE installation SET epoch = 0"))
        assert epoch.advance(wiring) is True
    else:
        assert epoch.advance(wiring) is False
        assert main(["backup", str(tmp_path / "backup")]) == 0
        assert epoch.advance(wiring) is False
        wiring.close()
        file = Path(environ["DOLEN__DATABASE__URL"].removeprefix("sqlite:///"))
        for leftover in file.parent.glob(f"{file.name}-*"):
            leftover.unlink()
        file.write_bytes((tmp_path / "backup/dolen.db").read_bytes())
        wiring = Wiring(load(environ))
        assert epoch.advance(wiring) is True
    assert epoch.advance(wiring) is False
    with wiring.database.read() as session:
        assert session.execute(select(Stop.scope, Stop.reason)).all() == [("all", epoch.REASON)]


def test_a_backup_opens_with_its_keys_and_never_overwrites(
    wiring: Wiring, tmp_path: Path, database_kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "backup"
    if database_kind == "postgresql":
        folder.mkdir()
        assert main(["backup", str(folder)]) == 1
        return
    sealed = wiring.keyring.seal(1, {"password": "word"})
    main(["token"])
    picture = pictures.Picture(b"a picture", "png", 1, 1)
    pictures.keep(wiring.settings.folder, picture)
    (minutes,) = attachments.keep(wiring.settings.folder, [("minutes.txt", BytesIO(b"minutes"))])
    assert main(["backup", str(folder)]) == 0
    assert pictures.place(folder, picture.sha256, "png").read_bytes() == b"a picture"
    assert attachments.place(folder, minutes.key).read_bytes() == b"minutes"
    copy = Wiring(
        load({"DOLEN__DATA__DIR": str(folder), "DOLEN__DATABASE__URL": f"sqlite:///{folder}/dolen.db"})
    )
    assert copy.keyring.open(1, sealed) == {"password": "word"}
    with copy.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Token)) == 1
    assert {path.stat().st_mode & 0o777 for path in (folder / "keys.json", folder / "dolen.db")} == {0o600}
    assert main(["backup", str(folder)]) == 1
    assert epoch.advance(copy) is True, "restored whole, on another machine, it must start stopped too"


def test_all_starts_everything_again_when_it_dies_and_leaves_nothing_behind(environ: dict[str, str]) -> None:
    whole = subprocess.Popen([sys.executable, "-m", "service", "all"], stdout=subprocess.PIPE, text=True)
    assert whole.stdout is not None
    try:
        starting, ready = whole.stdout.readline(), whole.stdout.readline()
        assert environ["DOLEN__DATA__DIR"] in starting
        assert environ["DOLEN__HTTP__PORT"] in ready
        first = _until(lambda: _if(_children(whole.pid), lambda now: len(now) == 4))
        os.kill(sorted(first)[-1], signal.SIGKILL)
        second = _until(lambda: _if(_children(whole.pid), lambda now: len(now - first) == 1))
        assert len(second) == 4
        _until(lambda: _answers(int(environ["DOLEN__HTTP__PORT"])))
    finally:
        whole.terminate()
        assert whole.wait(90) == 0
        whole.stdout.close()
    assert not [pid for pid in first | second if Path(f"/proc/{pid}").exists()]


def test_all_does_not_share_a_port_with_another_installation(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    for name, setting in (("DOLEN__PRACTICE__PORT", "practice.port"), ("DOLEN__HTTP__PORT", "http.port")):
        with socket.create_server(("127.0.0.1", int(environ[name]))):
            assert main(["all"]) == 1
        assert f"dolen all: {setting}: 127.0.0.1:{environ[name]}" in capsys.readouterr().err


def _children(pid: int) -> set[int]:
    """The living children of a process."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {int(child) for child in found if "Z" not in Path(f"/proc/{child}/stat").read_text().split()[2]}


def _if(found: set[int], good: Callable[[set[int]], bool]) -> set[int]:
    return found if good(found) else set()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _until(look: Callable[[], Found]) -> Found:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError("waited for a minute")
