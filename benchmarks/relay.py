"""A mail relay as a process of its own for proofs: it takes everything, and logs each mail before it answers.

`python -m benchmarks.relay --log FILE [--latency-ms N]` prints its port on 127.0.0.1 and serves until told to end.
Rules: append only, one line per acceptance, so the log outlives whoever sends and is the oracle of what went out.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from connectors.simulator import log

from .served import served

OFFERED = b"250-relay.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 10000000\r\n"
# A delivery is known by its Message-ID outside.
LETTER = "LETTER."
NAMED = re.compile(rb"^Message-ID:\s*<([^@>]+)@", re.IGNORECASE | re.MULTILINE)
ANSWERS = {b"MAIL": b"250 ok\r\n", b"RCPT": b"250 ok\r\n", b"RSET": b"250 ok\r\n", b"NOOP": b"250 ok\r\n"}


@dataclass(frozen=True, slots=True)
class Running:
    """A relay that runs: its port goes into the settings of smtp accounts; `log` is the oracle."""

    port: int
    log: Path
    process: subprocess.Popen[str]

    def accepted(self) -> list[dict[str, Any]]:
        """Every acceptance of a delivery so far, oldest first: {"key": its public id}.

        A letter to a colleague, who is told that an account is in trouble, belongs to no delivery.
        """
        return [one for one in log.read(self.log) if not one["key"].startswith(LETTER)]


@contextmanager
def running(path: Path, *arguments: str) -> Iterator[Running]:
    """A relay for the length of a block."""
    with served("benchmarks.relay", "--log", str(path), *arguments) as (port, process):
        yield Running(port, path, process)


def main(argv: list[str] | None = None) -> None:
    """Serve until told to end."""
    parser = argparse.ArgumentParser(prog="benchmarks.relay", description="A relay that takes everything.")
    parser.add_argument("--log", type=Path, required=True, help="where each acceptance is written")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="each mail takes 0 to this long")
    args = parser.parse_args(argv)
    asyncio.run(_serve(log.Log(args.log), args.latency_ms / 1000))


async def _serve(taken: log.Log, latency_s: float) -> None:
    server = await asyncio.start_server(partial(_talk, taken, latency_s), "127.0.0.1", 0, limit=1 << 20)
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    print(server.sockets[0].getsockname()[1], flush=True)
    await ended.wait()
    server.close()
    taken.close()


async def _talk(
    taken: log.Log, latency_s: float, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """One connection; whoever goes away in the middle of a mail has not sent it."""
    try:
        writer.write(b"220 relay.example\r\n")
        while (verb := (await reader.readuntil(b"\r\n"))[:4].upper()) != b"QUIT":
            if verb == b"DATA":
                writer.write(b"354 go on\r\n")
                await _take(taken, latency_s, reader)
                writer.write(b"250 2.0.0 taken\r\n")
            else:
                writer.write(OFFERED if verb == b"EHLO" else ANSWERS.get(verb, b"500 what?\r\n"))
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, asyncio.CancelledError):
        pass
    finally:
        writer.close()


async def _take(taken: log.Log, latency_s: float, reader: asyncio.StreamReader) -> None:
    """Latency falls partly before the acceptance, partly after: a kill may hit either side."""
    mail = await reader.readuntil(b"\r\n.\r\n")
    late_s = random.uniform(0, latency_s)
    before_s = random.uniform(0, late_s)
    await asyncio.sleep(before_s)
    found = NAMED.search(mail)
    taken.append({"key": found[1].decode().upper().replace("DLV", "dlv", 1) if found else ""})
    await asyncio.sleep(late_s - before_s)


if __name__ == "__main__":
    main()
