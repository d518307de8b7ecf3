"""X's API v2 through tweepy, behind the one door to HTTP; what a refusal of X means.

Rules: tweepy's own session goes out by the door, so that deadlines, sizes and redirects are the door's;
tweepy never waits or retries by itself. What it cannot make sense of is Uncertain after a write, Deferred
after a read.
Source: docs.x.com/fundamentals/rate-limits, docs.x.com/x-api/getting-started/pricing (November 2026); the problems
seen in 2026 are in samples/.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any

import requests
import tweepy
from requests.adapters import BaseAdapter

from ..api import AccountGone, ConnectorError, Deferred, Medium, Refused, Uncertain
from ..http import Door

HOST = "api.twitter.com"  # written into tweepy
RETRY_AFTER_MAX_S = 86_400.0
LIMITS = ("app-limit-24hour", "user-limit-24hour", "rate-limit")
# Of the account or the app, not of this post.
ACCOUNT_WORDS = ("suspended", "locked", "app permissions", "client-forbidden", "not-enrolled", "credits")
DUPLICATE = "duplicate"


class Duplicate(Refused):
    """X says that this account has posted the same words before."""


class Client:
    """One user's X. Safe for one call at a time."""

    def __init__(self, door: Door, base_url: str, user_id: str, secrets: Mapping[str, str]) -> None:
        self.user_id = user_id
        self.used_up_s = 0.0  # for so long X takes nothing more, as it said beside its last answer
        self._door = door
        self.api = tweepy.Client(**secrets, return_type=requests.Response, wait_on_rate_limit=False)
        door.mount(self.api.session)
        self.api.session.mount(f"https://{HOST}", _At(base_url, door.adapter))

    def read(self, call: Callable[..., requests.Response], *args: Any, **values: Any) -> dict[str, Any]:
        """Ask as the user for something that changes nothing."""
        return self._ask(False, call, *args, user_auth=True, **values)

    def write(self, call: Callable[..., requests.Response], *args: Any, **values: Any) -> dict[str, Any]:
        """Ask as the user for something that posts."""
        return self._ask(True, call, *args, user_auth=True, **values)

    def give(self, route: str, body: dict[str, Any] | None) -> dict[str, Any]:
        """Hand X something for a post to come: seen by nobody until then, so safe to repeat."""
        call = self.api.request
        return self._ask(False, call, "POST", route, json=body, user_auth=True, final=True)

    def append(self, number: str, n: int, medium: Medium, piece: bytes) -> None:
        """The n-th piece of a picture. Tweepy's own `request` carries no files."""
        self._ask(
            False,
            self.api.session.post,
            f"https://{HOST}/2/media/upload/{number}/append",
            data={"segment_index": str(n)},
            files={"media": (medium.name, piece, medium.type)},
            auth=self._signed(),
            final=True,
        )

    def _signed(self) -> requests.auth.AuthBase:
        api = self.api
        keys = (api.consumer_key, api.consumer_secret, api.access_token, api.access_token_secret)
        signed: requests.auth.AuthBase = tweepy.OAuth1UserHandler(*keys).apply_auth()
        return signed

    def _ask(
        self,
        writes: bool,
        call: Callable[..., requests.Response],
        *args: Any,
        final: bool | None = None,
        **values: Any,
    ) -> dict[str, Any]:
        """`writes`: without an answer nobody knows whether it was posted. `final`: a 4xx is about what was given."""
        try:
            response = call(*args, **values)
            self.used_up_s = _seconds(_used_up(response.headers), response.headers) or 0.0
            answer = response.json() if response.content or writes or not final else {}
        except Uncertain as lost:
            raise lost if writes else _unclear(writes, lost.words, lost.code) from None
        except ConnectorError:
            raise
        except _Problem as problem:
            raise self._trouble(problem.response, writes, writes if final is None else final) from None
        except (ValueError, TypeError, AttributeError, KeyError) as error:  # an answer that tweepy trips over
            raise _unclear(writes, "an answer that nobody understands") from error
        if not isinstance(answer, dict):
            raise _unclear(writes, "an answer of another shape")
        return answer

    def _trouble(self, response: requests.Response, writes: bool, final: bool) -> ConnectorError:
        status = response.status_code
        words = self._door.redact(f"{status} {_words(response)}"[:500])
        code, lower = str(status), words.lower()
        if status in (401, 402) or (status == 403 and any(word in lower for word in ACCOUNT_WORDS)):
            return AccountGone(words, code=code, phase="answer")
        if status == 429:
            wait_s = _wait_s(response.headers)
            return Deferred(words, code=code, phase="answer", scope="account", retry_after_s=wait_s)
        if status == 403 and writes and DUPLICATE in lower:
            return Duplicate(words, code=code, phase="answer")
        if 400 <= status < 500 and status != 408 and final:
            return Refused(words, code=code, phase="answer")
        return _unclear(writes, words, code)


class _Problem(Exception):
    """An answer of 400 and above, caught before tweepy: it trips over headers and bodies that it does not expect."""

    def __init__(self, response: requests.Response) -> None:
        super().__init__()
        self.response = response


class _At(BaseAdapter):
    """Sends what tweepy addresses to X to where this account's X is: X itself, or a double on this machine."""

    def __init__(self, base_url: str, adapter: BaseAdapter) -> None:
        super().__init__()
        self._base_url = base_url.rstrip("/")
        self._adapter = adapter

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        request.url = self._base_url + (request.url or "").removeprefix(f"https://{HOST}")
        response = self._adapter.send(request, *args, **kwargs)
        if response.status_code >= 400:
            raise _Problem(response)
        return response

    def close(self) -> None:
        self._adapter.close()


def _unclear(writes: bool, words: str, code: str = "") -> ConnectorError:
    if writes:
        return Uncertain(words, code=code, phase="answer")
    return Deferred(words, code=code, phase="answer", scope="account")


def _words(response: requests.Response) -> str:
    """What X says is wrong: title, detail, type and reason of its problem, or the beginning of the body."""
    try:
        problem = response.json()
    except ValueError:
        return response.text[:300]
    if not isinstance(problem, dict):
        return response.text[:300]
    said = [problem.get(name) for name in ("title", "detail", "reason", "type")]
    errors = problem.get("errors")
    said += (
        [one.get("message") for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
    )
    return " · ".join(str(one) for one in said if one and one != "about:blank") or response.text[:300]


def _wait_s(headers: Mapping[str, str]) -> float | None:
    """Seconds until X lets us again: until the last of the limits that are used up begins anew."""
    return _seconds(_used_up(headers) or [headers.get("x-rate-limit-reset", "")], headers)


def _used_up(headers: Mapping[str, str]) -> list[str]:
    """When each limit that is used up begins anew."""
    return [headers.get(f"x-{one}-reset", "") for one in LIMITS if headers.get(f"x-{one}-remaining") == "0"]


def _seconds(resets: Sequence[str], headers: Mapping[str, str]) -> float | None:
    """Until the last of these instants, by X's own clock."""
    until = [float(reset) for reset in resets if reset.isascii() and reset.isdigit()]
    return min(max(max(until) - _now(headers), 1.0), RETRY_AFTER_MAX_S) if until else None


def _now(headers: Mapping[str, str]) -> float:
    try:
        return parsedate_to_datetime(headers.get("date", "")).timestamp()
    except (ValueError, TypeError):
        return time.time()
