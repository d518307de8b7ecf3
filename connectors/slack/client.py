"""Slack's Web API behind the one door to HTTP; what a refusal of Slack means.

Rules: Slack answers 200 to almost everything and says in the body whether it did it. Where it says that part of it may
be done, nobody knows.
Source: docs.slack.dev, chat.postMessage (errors), rate limits, "Working with files" (November 2026).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from ..api import AccountGone, ConnectorError, Deferred, Refused, Uncertain
from ..http import Door

FILES_HOST = "files.slack.com"
GONE = frozenset(
    ("not_authed", "invalid_auth", "account_inactive", "token_expired", "token_revoked", "missing_scope")
    + ("no_permission", "not_allowed_token_type", "org_login_required", "access_denied", "accesslimited")
    + ("ekm_access_denied", "team_access_not_granted", "two_factor_setup_required", "channel_not_found")
    + ("not_in_channel", "is_archived", "restricted_action", "restricted_action_read_only_channel")
    + ("team_not_found", "enterprise_is_restricted", "deprecated_endpoint", "method_deprecated")
)  # fmt: skip
LATER = frozenset(("ratelimited", "rate_limited", "message_limit_exceeded", "team_added_to_org"))
UNSURE = frozenset(("fatal_error", "internal_error", "service_unavailable", "request_timeout"))


class Client:
    """One bot in one channel. Safe for several calls at a time. `given` are files of posts that are not there yet."""

    def __init__(self, door: Door, base_url: str, token: str, channel: str) -> None:
        self.channel = channel
        self.given: dict[tuple[Any, ...], list[str]] = {}
        self._door = door
        self._base = f"{base_url.rstrip('/')}/api"
        self._headers = {"Authorization": f"Bearer {token}"}

    def read(self, method: str, **query: Any) -> dict[str, Any]:
        """Ask for something that changes nothing, or nothing that anybody sees."""
        return self._ask("GET", f"{method}?{urlencode(query)}", None)

    def write(self, method: str, told: Mapping[str, Any]) -> dict[str, Any]:
        """Ask for something that posts."""
        return self._ask("POST", method, told)

    def put(self, url: str, data: bytes) -> None:
        """Give bytes to the address that Slack named for them."""
        self._door.request("POST", url, headers={"Content-Type": "application/octet-stream"}, body=data)

    def _ask(self, verb: str, method: str, told: Mapping[str, Any] | None) -> dict[str, Any]:
        headers = dict(self._headers)
        if told is not None:
            headers["Content-Type"] = "application/json; charset=utf-8"
        answer = self._door.request(verb, f"{self._base}/{method}", headers=headers, json=told)
        said = answer.json()
        if not isinstance(said, dict) or not isinstance(said.get("ok"), bool):
            raise unclear(answer.writes, "an answer of another shape")
        if not said["ok"]:
            raise _refusal(self._door.redact(str(said.get("error") or "")), answer.writes)
        return said


def unclear(writes: bool, words: str) -> ConnectorError:
    """What an answer means that nobody understands."""
    if writes:
        return Uncertain(words, phase="answer")
    return Deferred(words, phase="answer", scope="account")


def _refusal(error: str, writes: bool) -> ConnectorError:
    code = error[:60]
    if error in GONE:
        return AccountGone(f"Slack says {error}", code=code, phase="answer")
    if error in LATER:
        return Deferred(f"Slack says {error}", code=code, phase="answer", scope="account")
    if error in UNSURE:
        return unclear(writes, error)
    return Refused(f"Slack says {error}", code=code, phase="answer")
