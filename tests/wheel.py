"""The wheel, built from a clean copy and installed where there is nothing else, serves.

Not part of `make test`, because building asks a package registry: `make test-wheel`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from .codemap import PRODUCT, ROOT
from .instance import instance

MADE = shutil.ignore_patterns(
    ".venv", ".git", "var", "build", "dist", "*.egg-info", "__pycache__", ".*_cache", ".hypothesis"
)


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree without anything that was made from it."""
    return Path(shutil.copytree(ROOT, tmp_path_factory.mktemp("clean") / "dolen", ignore=MADE))


@pytest.fixture(scope="session")
def wheel(clean: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel."""
    target = tmp_path_factory.mktemp("wheel")
    _run(sys.executable, "-m", "build", "--wheel", "--outdir", target, cwd=clean)
    (built,) = target.glob("dolen-*.whl")
    return built


@pytest.fixture(scope="session")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel, the locked versions of what it needs, and nothing else."""
    environment = tmp_path_factory.mktemp("bare") / "env"
    _run(sys.executable, "-m", "venv", "--without-pip", environment)
    install = (sys.executable, "-m", "uv", "pip", "install", "--python", environment / "bin/python")
    _run(*install, "--constraint", ROOT / "requirements.txt", wheel)
    return environment


def test_the_wheel_carries_every_file_of_every_package(wheel: Path, clean: Path) -> None:
    files = {
        path.relative_to(clean).as_posix()
        for package in PRODUCT
        for path in (clean / package).rglob("*")
        if path.is_file()
    }
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
    assert sorted(files - names) == []
    assert [name for name in names if not name.startswith((*(f"{one}/" for one in PRODUCT), "dolen-"))] == []


def test_the_wheel_serves_without_node_or_make(bare: Path, tmp_path: Path) -> None:
    assert not (bare / "bin/pytest").exists(), "test tools came along"
    environ = {"PATH": str(bare / "bin"), "HOME": str(tmp_path)}
    with instance(bare / "bin/dolen", tmp_path, environ) as running:
        assert running.get("/healthz")[0] == 200
        assert running.get("/openapi.json")[0] == 200
        assert running.get("/v1/messages")[0] == 401
        assert running.get("/sign-in?language=ar")[0] == 200
        assert running.get("/static/app.js")[0] == 200


def _run(*command: str | Path, cwd: Path | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
