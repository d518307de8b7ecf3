"""The practice provider's pushes: each event of an account with a hook, signed, tried three times."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import orjson

from .. import signatures
from ..api import ConnectorError
from ..http import Door
from .provider import Practice

TRIES = 3
PAUSE_S = 0.2


async def push(practice: Practice) -> None:
    """Push until cancelled. Only loopback addresses are called."""
    door = Door(allow_hosts=("127.0.0.1", "localhost"), only_hosts=("127.0.0.1", "localhost"), deadline_s=5.0)
    waiting: asyncio.Queue[tuple[dict[str, str], dict[str, Any]]] = asyncio.Queue()

    def told(account: str, event: dict[str, Any]) -> None:
        if account in practice.switches.hooks:
            waiting.put_nowait((practice.switches.hooks[account], event))

    practice.told = told
    while True:
        hook, event = await waiting.get()
        body = orjson.dumps(event)
        for _ in range(TRIES):
            try:
                headers = signatures.sign(hook["secret"], event["id"], datetime.now(UTC), body)
                await asyncio.to_thread(door.request, "POST", hook["url"], headers=headers, body=body)
                break
            except (ConnectorError, LookupError, ValueError):
                await asyncio.sleep(PAUSE_S)
