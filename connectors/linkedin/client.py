"""One organisation's way to LinkedIn's versioned REST interface, and what a refusal of LinkedIn means.

Source: learn.microsoft.com/linkedin/shared/api-guide/concepts/{error-handling,rate-limits} (November 2026).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ..api import NOT_SIGNED_IN, AccountGone, Deferred, Refused
from ..http import Answer, Door

BASE_URL = "https://api.linkedin.com"
WEB_HOST = "www.linkedin.com"  # people sign in there, and pictures are taken there
# A login that ran out, a role or a product that the app lacks, a version that was taken away.
GONE = (401, 403, 426)
_POST = re.compile(r"urn:li:(share|ugcPost):[0-9]{1,20}")
_THREAD = re.compile(r"urn:li:(activity|share|ugcPost):[0-9]{1,20}")
_COMMENT = re.compile(r"urn:li:comment:\((urn:li:(?:activity|share|ugcPost):[0-9]{1,20}),([0-9]{1,20})\)")


class Duplicate(Refused):
    """LinkedIn says that the page has posted the same before."""


class Client:
    """The door, the page that speaks, and its token."""

    def __init__(self, door: Door, settings: Mapping[str, Any], token: str) -> None:
        self.organisation = f"urn:li:organization:{settings['organization_id']}"
        self._door, self._url, self._token = door, settings["base_url"].rstrip("/"), token
        self._version = settings["version"]

    def read(self, path: str, *, finder: bool = False, show: tuple[int, ...] = ()) -> Answer:
        """Ask for something that changes nothing; the path is written as LinkedIn wants it."""
        try:
            headers = self._headers(**({"X-RestLi-Method": "FINDER"} if finder else {}))
            return self._door.request(
                "GET", f"{self._url}/rest/{path}", headers=headers, gone=GONE, show=show
            )
        except Refused as error:  # of the question, not of a post
            raise Deferred(error.words, code=error.code, phase="answer", scope="account") from None

    def write(self, path: str, body: Mapping[str, Any]) -> Answer:
        """Ask for something that posts."""
        try:
            return self._door.request(
                "POST", f"{self._url}/rest/{path}", headers=self._headers(), json=body, gone=GONE
            )
        except Refused as error:
            if error.code == "422" and "duplicate" in error.words.lower():
                raise Duplicate(error.words, code=error.code, phase="answer") from None
            raise

    def upload(self, url: str, data: bytes, kind: str) -> None:
        """Give LinkedIn the bytes of a picture, where it asked for them."""
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": kind}
        answer = self._door.request("PUT", url, headers=headers, body=data, show=(403,))
        if answer.status == 403:  # of the address, which is signed and ends: it says nothing of the account
            raise Deferred("LinkedIn's address for a picture has ended", code="403", phase="media")

    def _headers(self, **more: str) -> dict[str, str]:
        if not self._token:
            raise AccountGone("nobody has signed in at LinkedIn yet", code=NOT_SIGNED_IN)
        return {
            "Authorization": f"Bearer {self._token}", "LinkedIn-Version": self._version,
            "X-Restli-Protocol-Version": "2.0.0", **more,
        }  # fmt: skip


def rows(answer: Answer) -> list[dict[str, Any]]:
    """The objects of a list; nothing else of it."""
    told = answer.json()
    found = told.get("elements") if isinstance(told, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def obj(told: Mapping[str, Any], name: str) -> dict[str, Any]:
    """An object in an object, {} where there is none."""
    found = told.get(name)
    return found if isinstance(found, dict) else {}


def coded(urn: str) -> str:
    """A name as it stands in an address."""
    return quote(urn, safe="")


def is_post(value: Any) -> bool:
    """Whether this names a post."""
    return isinstance(value, str) and _POST.fullmatch(value) is not None


def is_thread(value: Any) -> bool:
    """Whether this can be commented on: a post, by either of its names, or a comment."""
    return isinstance(value, str) and (_THREAD.fullmatch(value) is not None or thread_of(value) != "")


def thread_of(urn: str) -> str:
    """What a comment stands under; "" for what is no comment."""
    found = _COMMENT.fullmatch(urn)
    return found[1] if found else ""
