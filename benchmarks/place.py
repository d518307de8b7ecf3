"""A prepared installation of which every run of a benchmark has a copy of its own."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg import sql

from service.settings import load
from service.wiring import Wiring
from tests.postgres import Cluster

from . import mailing

BASE = "base"


class Place:
    """So many people, a relay at `port` and the drafts of `mailing`; on SQLite where there is no `server`."""

    def __init__(self, folder: Path, server: Cluster | None, port: int, recipients: int) -> None:
        self.folder, self.server, self.copies = folder, server, 0
        self.name = folder.name
        (folder / BASE).mkdir(parents=True)
        wiring = self._wiring(BASE, server.create(f"{self.name}_{BASE}") if server else "")
        self.letters = mailing.prepare(wiring, recipients, port)
        wiring.close()
        if server is not None:  # by itself it would do so within a minute, but never in a copy
            server.run(sql.SQL("VACUUM ANALYZE"), f"{self.name}_{BASE}")

    @contextmanager
    def fresh(self) -> Iterator[Wiring]:
        """A copy of what was prepared: its folder with the keys, and its database."""
        self.copies += 1
        name = f"copy{self.copies}"
        shutil.copytree(self.folder / BASE, self.folder / name)
        in_server = f"{self.name}_{name}"
        url = self.server.create(in_server, f"{self.name}_{BASE}") if self.server else ""
        wiring = self._wiring(name, url)
        try:
            yield wiring
        finally:
            wiring.close()
            if self.server is not None:
                self.server.drop(in_server)
            shutil.rmtree(self.folder / name)

    def cpu_s(self) -> float:
        """Processor time so far of this process, and of the database's server where it has one."""
        return time.process_time() + (server_cpu_s(self.server) if self.server else 0.0)

    def _wiring(self, name: str, url: str) -> Wiring:
        chosen = {"DATA__DIR": str(self.folder / name), "LOG__LEVEL": "error"} | (
            {"DATABASE__URL": url} if url else {}
        )
        return Wiring(load({f"DOLEN__{key}": value for key, value in chosen.items()}))


def server_cpu_s(server: Cluster) -> float:
    """Processor time of the postmaster, of what it has waited for and of what it runs now."""
    master = int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, values = path.read_text().rsplit(")", 1)
        except FileNotFoundError:  # it has just ended
            continue
        fields = values.split()
        if int(fields[1]) == master or name.startswith(f"{master} "):
            ticks += sum(int(value) for value in fields[11 : 15 if name.startswith(f"{master} ") else 13])
    return ticks / os.sysconf("SC_CLK_TCK")
