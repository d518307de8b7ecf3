"""A connector from elsewhere: built from the text of CONTRIBUTING alone, installed by its entry point, and proven."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .codemap import ROOT

EXAMPLE = re.compile(r"^`([\w./]+)`\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the example, as they stand in the text."""
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    here = tmp_path_factory.mktemp("package")
    for name, text in EXAMPLE.findall(page.partition("### A whole example")[2].partition("\n## ")[0]):
        (here / name).parent.mkdir(exist_ok=True)
        (here / name).write_text(text, encoding="utf-8")
    return here


@pytest.fixture(scope="module")
def installed(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package in it and nothing else, as an installer leaves it; no registry is asked."""
    target = tmp_path_factory.mktemp("installed")
    install = ("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation")
    _run(
        *install, "--no-cache-dir", "--disable-pip-version-check", "--target", target, package, target=target
    )
    return target


def test_it_is_listed_as_soon_as_it_is_installed(installed: Path) -> None:
    assert "pigeon" not in _run("-m", "service", "connectors", target=ROOT)
    assert "Carrier pigeons" in _run("-m", "service", "connectors", target=installed)
    assert "token" in _run("-m", "service", "connectors", "pigeon", target=installed)


def test_it_passes_the_suites_of_every_connector(package: Path, installed: Path, tmp_path: Path) -> None:
    told = _proven(package, installed, tmp_path)
    found = re.search(r"(\d+) passed", told)
    assert found is not None and int(found[1]) >= 15 and "failed" not in told, told


def test_a_connector_that_breaks_its_promise_does_not_pass(
    package: Path, installed: Path, tmp_path: Path
) -> None:
    """The suites do find out: this one gives a letter another key on every attempt."""
    file = installed / "dolen_pigeon/__init__.py"
    whole = file.read_text(encoding="utf-8")
    file.write_text(whole.replace("outbound.key,", 'f"{outbound.key}{id(outbound)}",'), encoding="utf-8")
    try:
        assert "failed" in _proven(package, installed, tmp_path, fails=True)
    finally:
        file.write_text(whole, encoding="utf-8")


def _proven(package: Path, installed: Path, apart: Path, *, fails: bool = False) -> str:
    """What its own tests say, of what is installed: they are taken to where the source is not."""
    test = shutil.copy(package / "test_pigeon.py", apart)
    return _run(
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        apart,
        test,
        target=installed,
        fails=fails,
    )


def _run(*words: str | Path, target: Path, fails: bool = False) -> str:
    """Python in a process of its own, where the package is there or is not; what it prints."""
    path = os.pathsep.join((str(target), str(ROOT)))
    done = subprocess.run(
        [sys.executable, *map(str, words)], capture_output=True, text=True, timeout=240, check=False,
        env={**os.environ, "PYTHONPATH": path}, cwd=target,
    )  # fmt: skip
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return done.stdout
