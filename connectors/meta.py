"""Meta's Graph interface, which Facebook and Instagram share: asking, what a refusal means, calls, lists of comments.

Rules: Meta tells most trouble by a code inside an answer of 400, so the code decides and not the status. Whether what
is written has been done after Meta's own error (1, 2) nobody knows. Calls are proven over the body as it came.
Source: developers.facebook.com/docs/graph-api/{guides/error-handling,overview/rate-limiting,webhooks/getting-started,
guides/secure-requests} (November 2026); bad input H9, H12.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import orjson

from . import by_words, shapes, signatures
from .api import (
    NOT_SIGNED_IN,
    AccountGone,
    Call,
    ConnectorError,
    Deferred,
    Event,
    Heard,
    NotAuthentic,
    Outbound,
    Polled,
    Reading,
    Refused,
    Uncertain,
)
from .http import Answer, Door

VERSION = "v24.0"
PAGE = 50
PAGES_MAX = 40
WAIT_MAX_S = 86_400.0
# A login or a permission that is gone, of the account and not of what is posted.
GONE = frozenset((3, 10, 102, 190, *range(200, 300), *range(458, 468)))
# Of those, the login as a whole.
LOGIN = (NOT_SIGNED_IN, "102", "190", *(str(code) for code in range(458, 468)))
# Too many calls, posts or comments; 368: what looks like spam is held back for a while.
SLOWED = frozenset((4, 9, 17, 32, 341, 368, 613, *range(80_000, 80_015)))
# Meta's own trouble.
THEIRS = frozenset((-1, 1, 2))
DUPLICATE = 506
# Something is not there, or is not told by this name.
NOT_TOLD = ("100", "803")
# For so long something may be missing from a list that it belongs in.
LATE_S = 600
# What reading something of another shape than expected raises.
_ERRORS = frozenset(range(400, 600))
_VERSION = re.compile(r"v[0-9]{1,3}\.[0-9]")
_ID = re.compile(r"[0-9]{1,30}(_[0-9]{1,30}){0,2}")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{1,200}")

# Something that happened, as Meta's calls put it: `field` and `value`.
Change = dict[str, Any]


class Duplicate(Refused):
    """Meta says that this account has posted the same just before."""


class Graph:
    """One account's way to Meta: `base` is the address with the version in it."""

    def __init__(self, door: Door, base: str, token: str, app_secret: str = "") -> None:
        self._door, self._base, self._token, self._app_secret = door, base.rstrip("/"), token, app_secret

    def read(self, path: str, **query: Any) -> dict[str, Any]:
        """Ask for something that changes nothing."""
        return self._ask("GET", path, {**query, **self._proof()}, None, {})

    def write(self, path: str, **form: Any) -> dict[str, Any]:
        """Ask for something that posts."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._ask("POST", path, self._proof(), urlencode(form).encode(), headers)

    def prepare(self, path: str, **form: Any) -> dict[str, Any]:
        """Make ready what is posted later. Nobody sees it yet, so it may be done again: never Uncertain."""
        with _unseen():
            return self.write(path, **form)

    def upload(self, path: str, body: bytes, content_type: str) -> dict[str, Any]:
        """The same of something in parts."""
        with _unseen():
            return self._ask("POST", path, self._proof(), body, {"Content-Type": content_type})

    def _ask(
        self, method: str, path: str, query: Mapping[str, Any], body: bytes | None, headers: Mapping[str, str]
    ) -> dict[str, Any]:
        if not self._token:
            raise AccountGone("nobody has signed in at Meta yet", code=NOT_SIGNED_IN)
        url = f"{self._base}/{path}" + (f"?{urlencode(query)}" if query else "")
        login = {"Authorization": f"Bearer {self._token}", **headers}
        answer = self._door.request(method, url, headers=login, body=body, show=_ERRORS)
        if answer.status >= 400:
            raise trouble(self._door, answer)
        told = answer.json()
        if not isinstance(told, dict):
            raise _unclear(answer.writes, "an answer of another shape", str(answer.status))
        return told

    def _proof(self) -> dict[str, str]:
        """Proves that the token is used by whoever has the app's secret, for apps that ask for it."""
        if not self._app_secret:
            return {}
        return {
            "appsecret_proof": hmac.new(self._app_secret.encode(), self._token.encode(), sha256).hexdigest()
        }


@contextmanager
def _unseen() -> Iterator[None]:
    try:
        yield
    except Uncertain as error:
        raise Deferred(error.words, code=error.code, phase="media") from None


def write_below(graph: Graph, path: str, text: str) -> dict[str, Any]:
    """Answer what somebody wrote. That this is not permitted may be so of one thread alone: what is posted goes on."""
    try:
        return graph.write(path, message=text)
    except AccountGone as error:
        if error.code in LOGIN:
            raise
        raise Refused(error.words, code=error.code, phase=error.phase) from None


def trouble(door: Door, answer: Answer) -> ConnectorError:
    """What a refusal means, by Meta's code."""
    error = _error(answer)
    if error is None:
        return _without_code(door, answer)
    code = error.get("code") if isinstance(error.get("code"), int) else 0
    words = door.redact(f"{code} {error.get('message') or ''} {error.get('error_user_msg') or ''}".strip())
    told: dict[str, Any] = {"code": str(code), "phase": "answer"}
    if code in GONE:
        return AccountGone(words, **told)
    if code in SLOWED:
        return Deferred(words, scope="account", retry_after_s=_wait_s(answer), **told)
    if code in THEIRS or error.get("is_transient") is True:
        return _unclear(answer.writes, words, str(code))
    if not answer.writes:
        return Deferred(words, scope="account", **told)
    return (Duplicate if code == DUPLICATE else Refused)(words, **told)


def hear(
    app_secrets: Sequence[str],
    verify_token: str,
    account: str,
    event: Callable[[str, dict[str, Any]], Event | None],
    call: Call,
) -> Heard:
    """The events of a call that one of the app's secrets proves, of this account alone: an app has one address for all.

    `event(field, value)` makes one of a change, None where it is not ours to hear. Meta's first question is answered to
    whoever names the token that was agreed.
    """
    if call.method == "GET":
        return _known(verify_token, call.query)
    made = [hmac.new(one.encode(), call.body, sha256).hexdigest() for one in app_secrets]
    given = call.headers.get("x-hub-signature-256", "").encode("utf-8", "replace")
    if not signatures.is_one(given, [f"sha256={one}".encode() for one in made]):
        raise NotAuthentic("the hook's signature does not hold")
    return read(account, event, call.body)


def read(account: str, event: Callable[[str, dict[str, Any]], Event | None], body: bytes) -> Heard:
    """What a body says of this account; a change that cannot be read is parked with what is around it."""
    events: list[Event] = []
    parked: list[str] = []
    for entry, change in _changes(body, account, parked):
        try:
            # Some changes have no time of their own.
            one = event(str(change["field"]), {"time": entry.get("time"), **change["value"]})
        except shapes.UNREADABLE:
            alone = {"entry": [{"id": account, "time": entry.get("time"), "changes": [change]}]}
            parked.append(shapes.raw(alone, body).decode("utf-8", "replace"))
        else:
            events += [one] if one else []
    return Heard(tuple(events), tuple(parked))


def since(cursor: Mapping[str, Any] | None) -> int | None:
    """From when on something may be new; None where nothing was read before."""
    return int(cursor["at"]) - LATE_S if cursor else None


def newer(
    account: str,
    read: Callable[[bytes], Heard],
    pages: Iterator[list[Change]],
    cursor: Mapping[str, Any] | None,
) -> Polled:
    """The events of pages after `cursor` ({at, seen: when by key}), oldest first; read as a call would be.

    A list may show something later than it happened, so the last minutes are read again, and what was told of them is
    remembered by name.
    """
    seen: dict[str, int] = dict((cursor or {}).get("seen") or {})
    found: dict[str, Event] = {}
    parked: list[str] = []
    try:
        for changes in pages:
            entry = {"id": account, "time": None, "changes": changes}
            heard = read(shapes.raw({"entry": [entry]}, b"null"))
            found |= {one.key: one for one in heard.events}
            parked += heard.parked
    except AccountGone as error:
        if error.code not in LOGIN:
            error.face = "poll"  # what may not be read may be posted to all the same
        raise
    times = {key: int(one.at.timestamp()) for key, one in found.items()}
    least = since(cursor)
    new = sorted((at, key) for key, at in times.items() if key not in seen and (least is None or at >= least))
    # Never nothing: where nobody has spoken yet, everything said from now on is new.
    last = max([int((cursor or {}).get("at") or 1), *times.values()])
    kept = {key: at for key, at in (seen | times).items() if at >= last - LATE_S}
    return Polled(tuple(found[key] for _at, key in new), {"at": last, "seen": kept}, tuple(parked))


def listed(
    graph: Graph, path: str, until: Callable[[dict[str, Any]], bool], **query: Any
) -> Iterator[dict[str, Any]]:
    """The rows of a list, page by page, as long as `until` says of the last of a page that it goes on."""
    after: dict[str, str] = {}
    for _ in range(PAGES_MAX):
        told = graph.read(path, limit=PAGE, **query, **after)
        page = rows(told)
        yield from page
        following = obj(obj(told, "paging"), "cursors").get("after")
        if not page or not isinstance(following, str) or not until(page[-1]):
            return
        after = {"after": following}


def of_posts(
    graph: Graph,
    posts: Iterable[dict[str, Any]],
    least: int | None,
    change: Callable[[str, dict[str, Any]], Change],
    at: str,
    query: Mapping[str, Any],
    unfold: Callable[[Iterable[dict[str, Any]]], Iterable[dict[str, Any]]] = iter,
) -> Iterator[list[Change]]:
    """The comments on posts that came with their newest comments; more is asked for where a page of these is all new.

    `change(post, comment)` puts a comment, whose time is its field `at`, as a call would; `query` asks for more,
    `unfold` brings what is inside others.
    """
    for post in posts:
        if not is_id(post.get("id")):
            continue
        name, first = post["id"], rows(obj(post, "comments"))
        yield [change(name, one) for one in unfold(first)]
        if first and may_follow(first[-1], at, least):
            more = listed(graph, f"{name}/comments", lambda row: may_follow(row, at, least), **query)
            yield [change(name, one) for one in unfold(more)]


def may_follow(told: Mapping[str, Any], field: str, least: int | None) -> bool:
    """Whether behind this row of a list, newest first, there may be more that is new (see `since`)."""
    try:
        return least is not None and instant(told.get(field)).timestamp() >= least
    except shapes.UNREADABLE:
        return True


def rows(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The objects of a list; nothing else of it."""
    found = told.get("data")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def obj(told: Mapping[str, Any], name: str) -> dict[str, Any]:
    """An object in an object, {} where there is none."""
    found = told.get(name)
    return found if isinstance(found, dict) else {}


def no_older(outbound: Outbound, value: Any) -> bool:
    """Whether something of this time may be of the first intent or after it; what has no time may."""
    least = by_words.since(outbound)
    try:
        return least is None or instant(value) >= least
    except shapes.UNREADABLE:
        return True


def if_told(graph: Graph, path: str, **query: Any) -> dict[str, Any]:
    """What Meta tells of something; {} where it is gone, or not told by this name."""
    try:
        return graph.read(path, **query)
    except Deferred as error:
        if error.code in NOT_TOLD:
            return {}
        raise


def insights(graph: Graph, name: str, figures: Mapping[str, str], **query: Any) -> Iterator[Reading]:
    """What only the account itself is told of a post, by Meta's names of figures."""
    for row in rows(if_told(graph, f"{name}/insights", metric=",".join(figures), **query)):
        figure, values = figures.get(str(row.get("name"))), row.get("values")
        if figure and isinstance(values, list) and values and isinstance(values[0], dict):
            yield from reading(name, figure, values[0].get("value"))


def reading(name: str, figure: str, value: Any) -> Iterator[Reading]:
    """A figure, where it is one."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        yield Reading(name, figure, value)


def is_id(value: Any) -> bool:
    """Whether this names something at Meta: numbers, some of several parts."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def is_version(value: str) -> bool:
    """Whether this is a version of the interface."""
    return _VERSION.fullmatch(value) is not None


def instant(value: Any) -> datetime:
    """A time of Meta's: seconds since 1970, or a date. ValueError, TypeError or OverflowError for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, UTC)
    at = datetime.fromisoformat(value)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def seconds(value: Any) -> float | None:
    """A length of time that was told."""
    return float(value) if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _changes(body: bytes, account: str, parked: list[str]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """What a call says of this account, change by change, each with what is around it; another shape is parked."""
    try:
        for entry in orjson.loads(body)["entry"]:
            if str(entry["id"]) == account:
                yield from ((entry, change) for change in entry.get("changes") or ())
    except (ValueError, TypeError, KeyError, AttributeError):
        parked.append(body.decode("utf-8", "replace"))


def _known(verify_token: str, query: Mapping[str, str]) -> Heard:
    given, challenge = query.get("hub.verify_token", ""), query.get("hub.challenge", "")
    same = hmac.compare_digest(given.encode("utf-8", "replace"), verify_token.encode())
    if not (
        verify_token and same and query.get("hub.mode") == "subscribe" and _CHALLENGE.fullmatch(challenge)
    ):
        raise NotAuthentic("this is no question of Meta's")
    return Heard(answer=challenge.encode())


def _error(answer: Answer) -> dict[str, Any] | None:
    try:
        told = orjson.loads(answer.body)
    except ValueError:
        return None
    error = told.get("error") if isinstance(told, dict) else None
    return error if isinstance(error, dict) else None


def _without_code(door: Door, answer: Answer) -> ConnectorError:
    """What a refusal means that is not told in Meta's way: by its status."""
    try:
        door.read(answer)
    except ConnectorError as found:
        return found
    raise AssertionError("an answer of 400 and above is always an error")


def _wait_s(answer: Answer) -> float | None:
    """Until Meta lets us again, as it tells in minutes for each business that asks."""
    try:
        usage = orjson.loads(answer.headers.get("x-business-use-case-usage", ""))
        waits = [
            float(one["estimated_time_to_regain_access"]) * 60 for each in usage.values() for one in each
        ]
    except (ValueError, TypeError, KeyError, AttributeError):
        return answer.retry_after_s
    longest = max(waits, default=0.0)
    return min(longest, WAIT_MAX_S) if longest > 0 else answer.retry_after_s


def _unclear(writes: bool, words: str, code: str) -> ConnectorError:
    if writes:
        return Uncertain(words, code=code, phase="answer")
    return Deferred(words, code=code, phase="answer", scope="account")
