"""`dolen export`, `dolen verify-export` and `dolen keys public`: taken out and proven at the console."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from campaigns.base import public_id
from service import upgrade
from service.__main__ import main
from service.settings import load
from service.wiring import Wiring

from . import samples
from .test_commands import environ  # noqa: F401  the same installation, by its settings


@pytest.fixture
def person(environ: dict[str, str]) -> str:  # noqa: F811
    """Somebody in an installation with its tables."""
    wiring = Wiring(load(environ))
    upgrade.upgrade(wiring)
    with wiring.database.write() as session:
        made = samples.world(session, wiring.now(), samples.programme(session, wiring.now(), "Here"))
    wiring.close()
    return public_id("stk", made["stk"])


def test_a_file_that_was_taken_out_is_proven_here_by_its_key_and_nowhere_once_changed(
    person: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """F14: verified offline, without database and network."""
    file, key = tmp_path / "ann.zip", tmp_path / "key.pem"
    assert main(["export", "--person", person, str(file)]) == 0
    assert file.stat().st_mode & 0o077 == 0
    assert main(["keys", "public"]) == 0
    told = capsys.readouterr().out
    key.write_text(told[told.index("-----BEGIN") :])
    assert main(["verify-export", str(file)]) == 0
    monkeypatch.setenv("DOLEN__DATA__DIR", str(tmp_path / "elsewhere"))
    assert main(["verify-export", str(file)]) == 2 and not (tmp_path / "elsewhere").exists()
    assert main(["verify-export", str(file), "--key", str(key)]) == 0
    with zipfile.ZipFile(file, "a") as whole:
        whole.writestr("more.txt", "-")
    capsys.readouterr()
    assert main(["verify-export", str(file), "--key", str(key)]) == 1
    assert "NOT GENUINE: it was not signed with more.txt" in capsys.readouterr().err


def test_after_an_error_the_name_of_the_file_is_free_again(person: str, tmp_path: Path) -> None:
    file = tmp_path / "ann.zip"
    assert main(["export", "--person", "stk_0000000000009", str(file)]) != 0 and not file.exists()
    assert main(["export", "--person", person, str(file)]) == 0


def test_everything_is_taken_out_into_a_file_that_was_not_there(
    person: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """L12"""
    file = tmp_path / "all.zip"
    assert main(["export", str(file)]) == 0 and main(["verify-export", str(file)]) == 0
    with zipfile.ZipFile(file) as whole:
        assert b'"name":"Ann"' in whole.read("tables/stakeholders.jsonl")
    assert main(["export", str(file)]) == 1 and "File exists" in capsys.readouterr().err
