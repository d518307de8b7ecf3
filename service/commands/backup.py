"""`dolen backup FOLDER`: database, keys and epoch in one folder, taken while everything runs.

Rules: the folder must be new; the epoch rises once the database is copied, so that a restored copy starts with
everything stopped.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from argparse import ArgumentParser, Namespace
from pathlib import Path

from sqlalchemy import make_url

from campaigns.messages import pictures
from campaigns.responses import attachments

from .. import epoch, keys
from ..wiring import Wiring
from . import wired


def arguments(parser: ArgumentParser) -> None:
    """Where to put it."""
    parser.add_argument("folder", type=Path, help="a folder that does not exist yet")
    parser.add_argument(
        "--without-keys",
        action="store_true",
        help="leave the key ring out: without it nobody opens the secrets in the backup; keep it elsewhere",
    )


def run(args: Namespace) -> int:
    """Copy everything and say what was written."""
    wiring = wired()
    args.folder.mkdir(mode=0o700, parents=True)
    if wiring.database.is_sqlite:
        _copy_sqlite(wiring, args.folder / "dolen.db")
    else:
        _dump_postgresql(wiring, args.folder / "dolen.dump")
    epoch.advance(wiring)  # before its file is copied, which so knows that the database beside it is older
    for name in (epoch.NAME,) if args.without_keys else (keys.NAME, epoch.NAME):
        source = wiring.settings.folder / name
        if source.exists():
            shutil.copy2(source, args.folder / name)
    for name in (pictures.FOLDER, attachments.FOLDER):
        if (wiring.settings.folder / name).exists():
            shutil.copytree(wiring.settings.folder / name, args.folder / name)
    wiring.close()
    for path in sorted(one for one in args.folder.rglob("*") if one.is_file()):
        path.chmod(0o600)
        print(f"{path}  {path.stat().st_size} bytes")
    return 0


def _copy_sqlite(wiring: Wiring, target: Path) -> None:
    source = sqlite3.connect(make_url(wiring.settings.database.url).database or "")
    copy = sqlite3.connect(target)
    # Page by page with pauses, so that writers are never kept waiting.
    source.backup(copy, pages=1000, sleep=0.01)
    copy.close()
    source.close()


def _dump_postgresql(wiring: Wiring, target: Path) -> None:
    tool = shutil.which("pg_dump")
    if tool is None:
        raise OSError(
            "pg_dump is not installed: install PostgreSQL's client tools, or back the server up itself"
        )
    url = make_url(wiring.settings.database.url)
    parts = {
        "PGHOST": url.host, "PGPORT": url.port, "PGUSER": url.username, "PGDATABASE": url.database,
        "PGPASSWORD": url.password,  # by the environment, for the command line can be read by others
    }  # fmt: skip
    environ = os.environ | {name: str(value) for name, value in parts.items() if value is not None}
    done = subprocess.run(
        [tool, "--format=custom", f"--file={target}"], env=environ, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise OSError(f"pg_dump failed: {done.stderr.strip()[:300]}")
