"""Discord's API v10 behind the one door to HTTP.

Rules: 401, 403 and 404 are about the bot or its channel, so the account is out of service; 400 is about the post.
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

from ..api import ConnectorError, Deferred, Uncertain
from ..http import Answer, Door
from ..shapes import objects

GONE = (401, 403, 404)
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
        url = f"{self._base}/{path}"
        if not files:
            return self._door.request("POST", url, headers=self._headers, json=told, gone=GONE)
        fields: dict[str, Any] = {
            f"files[{n}]": (name, data, kind) for n, (name, kind, data) in enumerate(files)
        }
        fields["payload_json"] = (None, json.dumps(told), "application/json")
        body, kind = encode_multipart_formdata(fields)
        headers = {**self._headers, "Content-Type": kind}
        return self._door.request("POST", url, headers=headers, body=body, gone=GONE)


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


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9]{1,20}", value) is not None


def _gone(show: Collection[int]) -> tuple[int, ...]:
    return tuple(status for status in GONE if status not in show)


def _unclear(answer: Answer) -> ConnectorError:
    words = "an answer of another shape"
    if answer.writes:
        return Uncertain(words, phase="answer")
    return Deferred(words, phase="answer", scope="account")
