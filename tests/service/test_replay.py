"""`dolen hooks replay`: what failed or could not be read is thought about again, and the audit tells of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from sqlalchemy import select

from campaigns.audit import AuditEntry
from campaigns.delivery import accounts
from campaigns.responses import intake
from campaigns.responses.tables import RawEvent
from service.__main__ import main
from service.ids import shown
from service.settings import load
from service.upgrade import upgrade
from service.wiring import Wiring

SETTINGS = {
    "url": "http://127.0.0.1:9", "account": "practice", "channel": "email", "repeats": "blind",
    "life_s": 1.0, "visible_within_s": 0.0, "deadline_s": 1.0,
}  # fmt: skip
GOOD = orjson.dumps({"id": "e1", "type": "delivered", "at": 1793000000, "message": "p1"}).decode()


@pytest.fixture
def account(bare_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Wiring, int]:
    """An account of which two things could not be read, one of them because of us."""
    for name, value in (
        ("DATABASE__URL", bare_url),
        ("DATA__DIR", str(tmp_path)),
        ("LOG__LEVEL", "error"),
    ):
        monkeypatch.setenv(f"DOLEN__{name}", value)
    wiring = Wiring(load())
    upgrade(wiring)
    with wiring.database.write() as session:
        made = accounts.create(
            session, wiring.now(), name="practice", connector="simulator", channel="email", settings=SETTINGS
        )
        intake.park(session, wiring.now(), made.id, [GOOD, "nonsense"], "push")
        return wiring, made.id


def replay(*more: str) -> int:
    return main(["hooks", "replay", *more])


def states(wiring: Wiring) -> list[str]:
    with wiring.database.read() as session:
        return sorted(session.scalars(select(RawEvent.state)))


def test_what_can_be_read_now_is_read(
    account: tuple[Wiring, int], capsys: pytest.CaptureFixture[str]
) -> None:
    """J7: as often as one likes."""
    wiring, number = account
    assert replay("--account", str(shown("account", number))) == 0
    assert "0 events are due again, 1 could be read now, 1 still cannot" in capsys.readouterr().out
    assert states(wiring) == ["done", "new", "parked"]
    assert replay() == 0
    assert "0 could be read now, 1 still cannot" in capsys.readouterr().out
    with wiring.database.read() as session:
        noted = session.scalars(
            select(AuditEntry).where(AuditEntry.act == "connector_account.replayed")
        ).all()
    assert len(noted) == 2
    wiring.close()


def test_since_a_time_everything_is_due_again(
    account: tuple[Wiring, int], capsys: pytest.CaptureFixture[str]
) -> None:
    wiring, _ = account
    replay()
    with wiring.database.write() as session:
        for raw in session.scalars(select(RawEvent).where(RawEvent.state == "new")):
            raw.state = "done"
    capsys.readouterr()
    tomorrow, today = wiring.now() + timedelta(days=1), wiring.now() - timedelta(minutes=1)
    assert replay("--since", tomorrow.date().isoformat()) == 0
    assert "0 events are due again" in capsys.readouterr().out
    assert replay("--since", today.isoformat()) == 0
    assert "1 events are due again" in capsys.readouterr().out
    assert states(wiring) == ["done", "new", "parked"]
    wiring.close()


def test_a_time_or_an_account_that_is_none_is_told(account: tuple[Wiring, int]) -> None:
    with pytest.raises(SystemExit):
        replay("--since", "yesterday")
    assert replay("--account", "acc_0000000000000") == 1
    account[0].close()
