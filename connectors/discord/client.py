"""Discord's API v10 behind the one door to HTTP.

Rules: 401, 403 and 404 are about the bot or its channel, so the account is out of service; 400 is about the post, and
so is a 404 for a message that is gone.
Source: docs.discord.com, reference and rate limits (November 2026).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from urllib3.filepost import encode_multipart_formdata

from ..api import ConnectorError, Deferred, Refused, Uncertain
from ..http import Answer, Door
from ..shapes import field, objects

GONE = (401, 403, 404)
# Discord's own code of what it knows no more: a message of ours, which a repeat under its nonce would have named.
UNKNOWN_MESSAGE = 10008
# Discord turns away who does not say what it is, in this form.
AGENT = "DiscordBot (dolen, 1)"


class Client:
    """One bot in one channel. Safe for one call at a time."""

    def __init__(self, door: Door, base_url: str, token: str, channel_id: str) -> None:
        self.channel = f"channels/{channel_id}"
        self._door = door
        self._base = f"{base_url.rstrip('/')}/api/v10"
        self._headers = {"Authorization": f"Bot {token}", "User-Agent": AGENT}

    @cached_property
    def own_id(self) -> str:
        """The bot's number."""
        return str(one(self.read("users/@me"))["id"])

    def read(self, path: str, *, show: Collection[int] = (), **query: Any) -> Answer:
        """Ask for something that changes nothing."""
        url = f"{self._base}/{path}" + (f"?{urlencode(query)}" if query else "")
        return self._door.request("GET", url, headers=self._headers, gone=_gone(show), show=show)

    def write(self, path: str, told: Mapping[str, Any], files: Sequence[tuple[str, str, bytes]]) -> Answer:
        """Ask for something that posts; `files` go with it, each by its name, content type and bytes."""
        url, request = f"{self._base}/{path}", _form(told, files) if files else {"json": told}
        headers = {**self._headers, **request.pop("headers", {})}
        answer = self._door.request("POST", url, headers=headers, gone=_gone((404,)), show=(404,), **request)
        if answer.status == 404 and _code(answer) == UNKNOWN_MESSAGE:
            raise Refused("what it is about is gone at Discord", code=str(UNKNOWN_MESSAGE), phase="answer")
        return self._door.read(answer, gone=GONE)


def _form(told: Mapping[str, Any], files: Sequence[tuple[str, str, bytes]]) -> dict[str, Any]:
    fields: dict[str, Any] = {f"files[{n}]": (name, data, kind) for n, (name, kind, data) in enumerate(files)}
    fields["payload_json"] = (None, json.dumps(told), "application/json")
    body, kind = encode_multipart_formdata(fields)
    return {"body": body, "headers": {"Content-Type": kind}}


def one(answer: Answer) -> dict[str, Any]:
    """The object of an answer that names itself; Uncertain (Deferred after a read) where there is none."""
    told = answer.json()
    if isinstance(told, dict) and _is_id(told.get("id")):
        return told
    raise _unclear(answer)


def rows(answer: Answer) -> list[dict[str, Any]]:
    """The objects of an answer that is a list, those that have a number."""
    told = answer.json()
    if not isinstance(told, list):
        raise _unclear(answer)
    return [row for row in objects(told) if _is_id(row.get("id"))]


def _code(answer: Answer) -> Any:
    try:
        return field(answer.json(), "code")
    except ConnectorError:
        return None


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9]{1,20}", value) is not None


def _gone(show: Collection[int]) -> tuple[int, ...]:
    return tuple(status for status in GONE if status not in show)


def _unclear(answer: Answer) -> ConnectorError:
    words = "an answer of another shape"
    if answer.writes:
        return Uncertain(words, phase="answer")
    return Deferred(words, phase="answer", scope="account")
