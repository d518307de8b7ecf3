"""A way to a relay on this machine that is farther than it is, or encrypted; a process of its own, for benchmarks.

`python -m benchmarks.proxy --to PORT [--delay-ms N] [--certificate FILE]` prints its port on 127.0.0.1 and serves
until told to end. Everything takes N ms each way; with a certificate (and its key in one PEM file) it speaks STARTTLS,
and what comes then goes on to the relay in the clear.
"""

from __future__ import annotations

import argparse
import asyncio
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

from .served import served

CHUNK = 1 << 18
Pass = Callable[[StreamReader, StreamWriter], Awaitable[None]]


@contextmanager
def running(to: int, *arguments: str) -> Iterator[int]:
    """Its port, for the length of a block."""
    with served("benchmarks.proxy", "--to", str(to), *arguments) as (port, _):
        yield port


def main() -> None:
    """Serve until told to end."""
    parser = argparse.ArgumentParser(prog="benchmarks.proxy", description="A way to a relay on this machine.")
    parser.add_argument("--to", type=int, required=True, help="the relay's port")
    parser.add_argument("--delay-ms", type=float, default=0.0, help="so long it takes each way")
    parser.add_argument("--certificate", default="", help="speak STARTTLS by this")
    args = parser.parse_args()
    tls = None
    if args.certificate:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(args.certificate)
    carry = partial(_late, args.delay_ms / 1000) if args.delay_ms else _at_once
    asyncio.run(_serve(args.to, tls, carry))


async def _serve(to: int, tls: ssl.SSLContext | None, carry: Pass) -> None:
    async def join(reader: StreamReader, writer: StreamWriter) -> None:
        if tls is not None:
            await _encrypt(reader, writer, tls)
        relay_reader, relay_writer = await asyncio.open_connection("127.0.0.1", to, limit=CHUNK)
        if tls is not None:
            await relay_reader.readline()  # its greeting; ours was said before
        with suppress(ConnectionError):
            await asyncio.gather(carry(reader, relay_writer), carry(relay_reader, writer))

    server = await asyncio.start_server(join, "127.0.0.1", 0, limit=CHUNK)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _encrypt(reader: StreamReader, writer: StreamWriter, tls: ssl.SSLContext) -> None:
    """What a relay says until it speaks TLS."""
    writer.write(b"220 proxy.example\r\n")
    await reader.readline()  # EHLO
    writer.write(b"250-proxy.example\r\n250 STARTTLS\r\n")
    await reader.readline()  # STARTTLS
    writer.write(b"220 go on\r\n")
    await writer.drain()
    await writer.start_tls(tls)


async def _at_once(reader: StreamReader, writer: StreamWriter) -> None:
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
    writer.close()


async def _late(delay_s: float, reader: StreamReader, writer: StreamWriter) -> None:
    """In the order in which it came; nothing waits for what was there before it."""
    loop = asyncio.get_running_loop()
    while data := await reader.read(CHUNK):
        loop.call_later(delay_s, writer.write, data)
    loop.call_later(delay_s, writer.close)


if __name__ == "__main__":
    main()
