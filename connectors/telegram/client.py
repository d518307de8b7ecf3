"""Telegram's Bot API behind the one door to HTTP; what a refusal of Telegram means.

Source: core.telegram.org/bots/api, "Making requests" and ResponseParameters (November 2026).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from urllib3.filepost import encode_multipart_formdata

from ..api import AccountGone, ConnectorError, Deferred, Refused, Uncertain
from ..http import RETRY_AFTER_MAX_S, Answer, Door

# No such bot: statuses that are about no chat.
NO_BOT = ("401", "404")
# Of the bot's place in the chat, not of this post.
PLACE_WORDS = (
    ("chat not found", "group chat was upgraded", "group chat was deactivated", "kicked", "not a member")
    + ("not enough rights", "administrator rights", "have no rights", "write_forbidden", "channel_private")
)  # fmt: skip


class Client:
    """One bot. Safe for several calls at a time."""

    def __init__(self, door: Door, base_url: str, token: str) -> None:
        self.bot_id = token.partition(":")[0]
        self._door = door
        self._base = f"{base_url.rstrip('/')}/bot{token}"

    def read(self, method: str, **values: Any) -> Any:
        """Ask for something that changes nothing."""
        return self._ask("GET", f"{method}?{urlencode(values)}")

    def write(self, method: str, values: Mapping[str, Any]) -> Any:
        """Ask for something that posts or changes settings."""
        return self._ask("POST", method, json=values)

    def upload(self, method: str, values: Mapping[str, Any], files: Mapping[str, tuple[str, bytes]]) -> Any:
        """The same with files, each by its name: its content type and its bytes."""
        fields: dict[str, Any] = {
            name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            for name, value in values.items()
        }
        fields |= {name: (name, data, kind) for name, (kind, data) in files.items()}
        body, kind = encode_multipart_formdata(fields)
        return self._ask("POST", method, body=body, headers={"Content-Type": kind})

    def _ask(self, verb: str, method: str, **request: Any) -> Any:
        url = f"{self._base}/{method}"
        answer = self._door.request(verb, url, gone=(401, 404), show=(400, 403, 409, 429), **request)
        if answer.status >= 400:
            raise self._refusal(answer)
        told = answer.json()
        if isinstance(told, dict) and told.get("ok") is True and "result" in told:
            return told["result"]
        raise unclear(answer.writes, "an answer of another shape")

    def _refusal(self, answer: Answer) -> ConnectorError:
        told = _told(answer)
        words = self._door.redact(
            str(told.get("description") or answer.body[:300].decode("utf-8", "replace"))
        )
        words, code = f"{answer.status} {words}", str(answer.status)
        if answer.status in (409, 429):
            wait_s = _wait_s(told, answer)
            return Deferred(words, code=code, phase="answer", scope="account", retry_after_s=wait_s)
        if any(one in words.lower() for one in PLACE_WORDS):
            return AccountGone(words, code=code, phase="answer")
        return Refused(words, code=code, phase="answer")


def unclear(writes: bool, words: str) -> ConnectorError:
    """What an answer means that nobody understands."""
    if writes:
        return Uncertain(words, phase="answer")
    return Deferred(words, phase="answer", scope="account")


def _told(answer: Answer) -> dict[str, Any]:
    try:
        told = json.loads(answer.body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _wait_s(told: dict[str, Any], answer: Answer) -> float | None:
    """Telegram says how long in the body, and not always in a header."""
    about = told.get("parameters")
    wait = about.get("retry_after") if isinstance(about, dict) else None
    if isinstance(wait, int) and not isinstance(wait, bool):
        return min(max(float(wait), 0.0), RETRY_AFTER_MAX_S)
    return answer.retry_after_s
