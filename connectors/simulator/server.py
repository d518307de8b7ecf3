"""The practice provider as a process of its own, on loopback.

`python -m connectors.simulator.server --port 0 --log FILE` prints its port, then serves:
  POST /{repeats}/{account}/messages        take a message; the word before the @ of `to` may ask for trouble
  GET  /{repeats}/{account}/messages?key=   look up by key (findable only)
  GET  /{repeats}/{account}/events?after=   what came back since
  GET  /{repeats}/{account}                 is the login good?
  POST /{repeats}/{account}/token           a new login for the token that renews it, which is good for once
  POST /control                             change how it behaves; an empty object only asks
  POST /control/events                      make something come back
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson

from .provider import KINDS, Answer, Practice, Switches
from .push import push

HEAD_MAX = 65_536
BODY_MAX = 8_000_000


def main(argv: list[str] | None = None) -> None:
    """Serve until told to end."""
    args = _arguments().parse_args(argv)
    switches = Switches(
        repeats=KINDS if args.repeats == "all" else (args.repeats,),
        life_s=args.life_s,
        visible_within_s=args.visible_within_s,
        latency_ms=args.latency_ms,
    )
    asyncio.run(_serve(Practice(Path(args.log), switches), args.port))


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="connectors.simulator.server", description="A provider to practise on."
    )
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", required=True, help="where acceptances are written, one JSON line each")
    parser.add_argument("--repeats", choices=("all", *KINDS), default="all")
    parser.add_argument(
        "--life-s", type=float, default=86_400.0, help="how long a key replays its first answer"
    )
    parser.add_argument(
        "--visible-within-s", type=float, default=0.0, help="until a look-up sees an acceptance"
    )
    parser.add_argument(
        "--latency-ms", type=float, default=0.0, help="each call takes 0 to this long, at random"
    )
    return parser


async def _serve(practice: Practice, port: int) -> None:
    doors = _Doors(practice)
    server = await asyncio.start_server(doors.connection, "127.0.0.1", port, limit=HEAD_MAX, backlog=1024)
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    pushing = asyncio.create_task(push(practice))
    print(server.sockets[0].getsockname()[1], flush=True)
    await ended.wait()
    pushing.cancel()
    server.close()
    practice.close()


@dataclass(slots=True)
class _Asked:
    method: str
    path: list[str]
    query: Mapping[str, str]
    authorization: str
    body: bytes


class _Doors:
    """HTTP/1.1 with kept connections, as little of it as a provider needs."""

    def __init__(self, practice: Practice) -> None:
        self._practice = practice

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it ends; a caller who goes away does not undo what they asked for."""
        try:
            while True:
                answer = await self._answer(await _asked(reader))
                if answer.hang_up:
                    break
                writer.write(_wire(answer))
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, ValueError):
            pass  # gone, or not HTTP
        except asyncio.CancelledError:
            pass  # the server ends; a task that ends cancelled would be reported as an error
        finally:
            writer.close()

    async def _answer(self, asked: _Asked) -> Answer:
        """Latency falls partly before the acceptance, partly after: a kill may hit either side."""
        if asked.path[0] == "control":
            return self._control(asked)
        latency_s = random.uniform(0, self._practice.switches.latency_ms / 1000)
        before_s = random.uniform(0, latency_s)
        if latency_s:
            await asyncio.sleep(before_s)
        try:
            answer = self._account(asked)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            answer = Answer(422, {"error": "not_understood", "words": repr(error)})
        after_s = latency_s - before_s + answer.later_s
        if after_s:
            await asyncio.sleep(after_s)
        return answer

    def _control(self, asked: _Asked) -> Answer:
        wanted = orjson.loads(asked.body or b"{}")
        if asked.path == ["control", "events"]:
            return Answer(200, self._practice.happen(str(wanted.pop("account", "practice")), wanted))
        return self._practice.control(wanted)

    def _account(self, asked: _Asked) -> Answer:
        repeats, account, what = (*asked.path, "", "")[:3]
        if repeats not in self._practice.switches.repeats or not account:
            return Answer(404, {"error": "not_found"})
        if (asked.method, what) == ("POST", "token"):
            return self._practice.renew(account, asked.body)
        obstacle = self._practice.obstacle(account, asked.authorization)
        if obstacle:
            return obstacle
        match asked.method, what:
            case "POST", "messages":
                return self._practice.take(repeats, account, asked.body)
            case "GET", "messages" if repeats == "findable":
                return self._practice.find(repeats, account, asked.query.get("key", ""))
            case "GET", "events":
                return self._practice.since(account, int(asked.query.get("after", "0")))
            case "GET", "":
                return Answer(200, {"account": account})
        return Answer(404, {"error": "not_found"})


async def _asked(reader: asyncio.StreamReader) -> _Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    size = int(headers.get("content-length", "0"))
    if size > BODY_MAX:
        raise ValueError("too long")
    parts = urlsplit(target)
    return _Asked(
        method,
        [unquote(part) for part in parts.path.strip("/").split("/")],
        dict(parse_qsl(parts.query)) if parts.query else {},
        headers.get("authorization", ""),
        await reader.readexactly(size),
    )


def _wire(answer: Answer) -> bytes:
    body = orjson.dumps(answer.body)
    extra = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
    first = f"HTTP/1.1 {answer.status} Practice\r\nContent-Type: application/json\r\n"
    return f"{first}Content-Length: {len(body)}\r\n{extra}\r\n".encode() + body


if __name__ == "__main__":
    main()
