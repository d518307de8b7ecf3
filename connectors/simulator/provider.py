"""What the practice provider does with a message: take, refuse, put off or lose it, and what comes back.

Rules: an acceptance is in the log before it is answered. The word before the @ of `to` asks for trouble, a
number after a plus says how much: `defer+5@`. The provider's clock can be moved forward, so no test waits.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from . import log

KINDS = ("keyed", "findable", "blind")
POST_MAX = 500
PAGE = 200
# word: (type of the event, whether a bounce is permanent)
COMES_BACK = {
    "bounce": ("bounce", True),
    "soft": ("bounce", False),
    "reply": ("reply", False),
    "auto": ("auto_reply", False),
    "complain": ("complaint", False),
    "optout": ("unsubscribe", False),
}
WORDS = {
    "en": "Thank you, I will be there.",
    "cy": "Diolch yn fawr, byddaf i yno.",
    "ar": "شكرًا جزيلًا، سأكون هناك.",
}


@dataclass(slots=True)
class Switches:
    """How it behaves; the command line sets the start, the control call changes it.

    `next` are words for the next messages, as a local part would say them; the next renewal hears `drop`. `busy` is for
    how many calls it answers 429 with `retry_after`; `down` answers 503. `tokens` are the only good token of an
    account; `refresh_tokens` give a new one of each, for `token_life_s` (0: not told). With `used_up_s` it says beside
    each acceptance that it takes nothing more for so long. `skip_s` moves the clock forward. `hooks` are {"url",
    "secret"} by account.
    """

    repeats: tuple[str, ...] = KINDS
    life_s: float = 86_400.0
    visible_within_s: float = 0.0
    latency_ms: float = 0.0
    skip_s: float = 0.0
    next: list[str] = field(default_factory=list)
    busy: int = 0
    retry_after: str = "1"
    down: bool = False
    used_up_s: int = 0
    tokens: dict[str, str] = field(default_factory=dict)
    refresh_tokens: dict[str, str] = field(default_factory=dict)
    token_life_s: float = 0.0
    hooks: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(slots=True)
class Answer:
    """What to answer, how much later, or to hang up without a word."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)
    later_s: float = 0.0
    hang_up: bool = False


@dataclass(slots=True)
class Taken:
    """One acceptance, as far as it must be remembered; `ready_at` is when its answer is given."""

    id: str
    at: float
    sha256: str
    ready_at: float


class Practice:
    """The provider's whole state; `told` is called with every event that comes back."""

    def __init__(self, path: Path, switches: Switches | None = None) -> None:
        self.switches = switches or Switches()
        self.events: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.told: Callable[[str, dict[str, Any]], None] = lambda account, event: None
        self.count = self.renewals = 0
        self._taken: dict[tuple[str, str, str], deque[Taken]] = defaultdict(deque)
        self._tries: Counter[tuple[str, str, str]] = Counter()
        events = path.with_name(f"{path.name}.events")
        for entry in log.read(path):
            place = (entry["repeats"], entry["account"], entry["key"])
            self._taken[place].append(Taken(entry["id"], entry["at"] / 1e6, entry["sha256"], 0.0))
            self.count += 1
        for event in log.read(events):
            self.events[event["account"]].append(event)
        self._log, self._events_log = log.Log(path), log.Log(events)

    def now(self) -> float:
        """Seconds since 1970 by the provider's clock."""
        return time.time() + self.switches.skip_s

    def obstacle(self, account: str, authorization: str) -> Answer | None:
        """What stops any call of this account, before it is looked at."""
        token = self.switches.tokens.get(account)
        if token is not None and authorization != f"Bearer {token}":
            return Answer(401, {"error": "token_not_valid"})
        if self.switches.down:
            return Answer(503, {"error": "down"})
        if self.switches.busy > 0:
            self.switches.busy -= 1
            return Answer(429, {"error": "too_many"}, {"Retry-After": self.switches.retry_after})
        return None

    def take(self, repeats: str, account: str, body: bytes) -> Answer:
        """Take a message, or do to it what its recipient asks for."""
        message = orjson.loads(body)
        place, digest = (repeats, account, str(message["key"])), sha256(body).hexdigest()
        first = self._first(place) if repeats == "keyed" else None
        if first:
            return self._again(first, digest)
        word, number = self._asked(str(message.get("to", "")))
        self._tries[place] += 1
        trouble = self._trouble(word, number, self._tries[place], message)
        if trouble:
            return trouble
        later_s = (number or 2000) / 1000 if word == "late" else 0.0
        taken = self._accept(place, message, digest, later_s)
        if word in COMES_BACK:
            kind, permanent = COMES_BACK[word]
            self.happen(account, {**_back(kind, taken.id, message), "permanent": permanent})
        hang_up = word == "drop" and self._tries[place] <= (number or 1)
        left = {"RateLimit-Remaining": "0", "RateLimit-Reset": str(self.switches.used_up_s)}
        headers = left if self.switches.used_up_s else {}
        return Answer(200, {"id": taken.id}, headers, later_s=later_s, hang_up=hang_up)

    def renew(self, account: str, body: bytes) -> Answer:
        """A new login and a new token to renew it by; the old ones are good for nothing any more."""
        if self.switches.refresh_tokens.get(account) != orjson.loads(body)["refresh_token"]:
            return Answer(400, {"error": "invalid_grant"})
        self.renewals += 1
        new = {"token": f"token-{self.renewals}", "refresh_token": f"refresh-{self.renewals}"}
        self.switches.tokens[account], self.switches.refresh_tokens[account] = new.values()
        hang_up = self.switches.next[:1] == ["drop"]
        del self.switches.next[:hang_up]
        return Answer(200, new | {"life_s": self.switches.token_life_s}, hang_up=hang_up)

    def find(self, repeats: str, account: str, key: str) -> Answer:
        """The acceptance of a key, once it can be seen."""
        seen = self.now() - self.switches.visible_within_s
        for taken in self._taken.get((repeats, account, key), ()):
            if taken.at <= seen:
                return Answer(200, {"id": taken.id})
        return Answer(404, {"error": "not_found"})

    def happen(self, account: str, event: Mapping[str, Any]) -> dict[str, Any]:
        """Something comes back: kept for polling, and told."""
        n = len(self.events[account]) + 1
        whole = {**event, "id": f"evt-{account}-{n}", "n": n, "account": account, "at": self.now()}
        self._events_log.append(whole)
        self.events[account].append(whole)
        self.told(account, whole)
        return whole

    def since(self, account: str, after: int) -> Answer:
        """A page of what came back after the n-th event."""
        page = self.events[account][after : after + PAGE]
        return Answer(200, {"events": page, "next": after + len(page)})

    def control(self, wanted: Mapping[str, Any]) -> Answer:
        """Change switches by name; all of them, and the count of acceptances, are the answer."""
        now = asdict(self.switches)
        unfit = [name for name in wanted if name not in now or not _fits(wanted[name], now[name])]
        if unfit:
            return Answer(422, {"error": "no_such_switch_or_value", "names": unfit})
        for name, value in wanted.items():
            setattr(self.switches, name, float(value) if isinstance(now[name], float) else value)
        return Answer(200, {**asdict(self.switches), "accepted": self.count, "renewals": self.renewals})

    def close(self) -> None:
        self._log.close()
        self._events_log.close()

    def _first(self, place: tuple[str, str, str]) -> Taken | None:
        """The last acceptance under a key, while the key lives."""
        taken = self._taken.get(place)
        return taken[-1] if taken and self.now() - taken[-1].at < self.switches.life_s else None

    def _again(self, first: Taken, digest: str) -> Answer:
        if first.sha256 != digest:
            return Answer(409, {"error": "key_used_for_another_body"})
        if self.now() < first.ready_at:
            return Answer(409, {"error": "still_running"})
        return Answer(200, {"id": first.id}, {"Idempotency-Replayed": "true"})

    def _asked(self, to: str) -> tuple[str, int]:
        asked = self.switches.next.pop(0) if self.switches.next else to.partition("@")[0]
        word, _, number = asked.partition("+")
        return word, int(number) if number.isascii() and number.isdigit() else 0

    def _trouble(self, word: str, number: int, tries: int, message: Mapping[str, Any]) -> Answer | None:
        if word == "refuse" or (not message.get("to") and len(message.get("text", "")) > POST_MAX):
            return Answer(422, {"error": "content_refused"})
        if word == "hard":
            return Answer(422, {"error": "no_such_address"})
        if word == "defer" and tries <= (number or 2):
            return Answer(503 if tries % 2 else 429, {"error": "try_later"}, {"Retry-After": "1"})
        if word == "lose" and tries <= (number or 1):
            return Answer(0, {}, hang_up=True)
        return None

    def _accept(
        self, place: tuple[str, str, str], message: Mapping[str, Any], digest: str, later_s: float
    ) -> Taken:
        now = self.now()
        taken = Taken(f"practice-{self.count + 1}", now, digest, now + later_s)
        repeats, account, key = place
        told = {name: message.get(name, "") for name in ("to", "subject", "text", "language", "message_id")}
        self._log.append(
            {"id": taken.id, "at": int(now * 1e6), "repeats": repeats, "account": account, "key": key}
            | told
            | {"sha256": digest}
        )
        self._taken[place].append(taken)
        self.count += 1
        return taken


def _fits(value: Any, now: Any) -> bool:
    """Of the kind the switch has now; JSON has one kind of number and one of list."""
    if isinstance(now, float):
        return isinstance(value, int | float)
    return isinstance(value, list if isinstance(now, tuple) else type(now))


def _back(kind: str, provider_id: str, message: Mapping[str, Any]) -> dict[str, Any]:
    """An event about a message, told by its recipient."""
    return {
        "type": kind,
        "message": provider_id,
        "in_reply_to": message.get("message_id", ""),
        "from": message.get("to", ""),
        "to": message.get("reply_to") or message.get("sender", ""),
        "subject": f"Re: {message.get('subject', '')}",
        "text": WORDS.get(message.get("language", ""), WORDS["en"]),
        "language": message.get("language", ""),
    }
