"""One account's way to its server, and what that server says of itself.

Source: docs.joinmastodon.org/methods/{accounts,instance}, /entities/{Instance,V1_Instance} (November 2026).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from ..api import AccountGone, Deferred, Uncertain
from ..http import Answer, Door
from ..shapes import field

# Mastodon itself and what is built on it: 4.5.0, 4.4.3+glitch. Others say 2.7.2 (compatible; …), or begin with 0.
_MASTODON = re.compile(r"[2-9]\.[0-9]+\.[0-9]+[^ ()]*")
_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
# No scope, a login that waits or is switched off: of the account, not of this post.
GONE = (401, 403)


@dataclass(frozen=True, slots=True)
class Server:
    """The door to the server, its address without a slash at its end, and the account's token."""

    door: Door
    url: str
    token: str

    def read(self, path: str, query: Any = (), show: Collection[int] = ()) -> Answer:
        """Ask for something that changes nothing; `query` as for `urlencode`."""
        asked = f"?{urlencode(query)}" if query else ""
        return self.door.request(
            "GET", f"{self.url}{path}{asked}", headers=self._login(), gone=GONE, show=show
        )

    def write(
        self,
        path: str,
        *,
        json: Any = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask for something that posts or uploads."""
        return self.door.request(
            "POST",
            f"{self.url}{path}",
            headers={**self._login(), **(headers or {})},
            json=json,
            body=body,
            gone=GONE,
        )

    def me(self) -> str:
        """The account's own id."""
        found = self.read("/api/v1/accounts/verify_credentials").json()
        if not isinstance(found, dict) or not is_id(found.get("id")):
            raise Deferred("the answer names no account", phase="answer", scope="account")
        return str(found["id"])

    def description(self) -> dict[str, Any]:
        """What the server says of itself; {} where it says nothing that can be read."""
        answer = self.read("/api/v2/instance", show=(404,))
        if answer.status == 404:
            answer = self.read("/api/v1/instance", show=(404,))
        found = answer.json() if answer.status != 404 else {}
        return found if isinstance(found, dict) else {}

    def verify(self, text_max: int, keeps_keys: bool) -> None:
        """The token works, and the server is as the settings say."""
        self.me()
        told = self.description()
        most = characters(told)
        if most is not None and most < text_max:
            raise AccountGone(
                f"the server takes at most {most} characters: set text_max to that", code="text_max"
            )
        if keeps_keys and not is_mastodon(told):
            raise AccountGone(
                "the server is not Mastodon itself, and others may post a repeat twice: set keeps_keys to false",
                code="keeps_keys",
            )

    def domain(self) -> str:
        """What stands after the @ in the names of its people, which need not be its address."""
        told = self.description()
        named = told.get("domain") or told.get("uri")
        return str(named) if isinstance(named, str) and named else urlsplit(self.url).hostname or ""

    def _login(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


def characters(told: Mapping[str, Any]) -> int | None:
    """How many characters a post may have by the server's own description, where it says so."""
    found = field(told, "configuration", "statuses", "max_characters") or told.get("max_toot_chars")
    return found if type(found) is int else None


def is_mastodon(told: Mapping[str, Any]) -> bool:
    """Whether this is Mastodon itself, or built on it, by the version it tells."""
    return _MASTODON.fullmatch(str(told.get("version"))) is not None


def is_id(value: Any) -> bool:
    """Whether this names a post, an account or a picture on a server of this kind."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def named(answer: Answer) -> str:
    """The id of what was made."""
    found = answer.json()
    if not isinstance(found, dict) or not is_id(found.get("id")):
        raise Uncertain("the answer names no post", code=str(answer.status), phase="answer")
    return str(found["id"])
