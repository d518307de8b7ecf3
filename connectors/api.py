"""The seam between the domain and every provider: what goes out, what comes back, what can go wrong.

Rules: a connector knows no stakeholder, no campaign, no database and no clock of ours. A face that is None is a
capability it does not have. The type of an error says what the caller may do next; `phase` says how far it got.

ConnectorError
├── Refused          this content or recipient, for good        → failed: content_refused
│   ├── AddressGone  the address does not exist any more        → bounced, and suppressed
│   └── OptedOut     they told the provider to stop             → failed: opted_out, and suppressed as an opt-out
├── Deferred         not now; `scope` delivery, domain or account → again later
├── AccountGone      the login or sender is refused (401, 535)  → the account is out of service, rows stay queued
├── Uncertain        it may or may not have gone                → unknown, never repeated blindly
├── NotAuthentic     an incoming call that proves nothing       → 401, nothing stored
└── NotYet           an incoming call by a key not known yet    → 503, nothing stored, `prepare` is asked aside
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def running() -> float:
    """Seconds that only ever run on, while the machine sleeps too where it can tell: whatever may be done until then
    is measured by them. Others, whose time went on, take over what was left by a machine that slept."""
    return time.clock_gettime(_CLOCK)


def plain(told: str) -> str:
    """Text without what no database keeps: NUL and half characters. What can be printed has none."""
    if told.isprintable():
        return told
    return told.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


class ConnectorError(Exception):
    """`words` are the provider's, shortened and without secrets; `code` is the provider's code as text.

    `face` is "poll" where only reading what comes in is in trouble, of an account that sends by another server.
    """

    face = ""

    def __init__(self, words: str, *, code: str = "", phase: str = "") -> None:
        self.words, self.code, self.phase = plain(words)[:500], plain(code), plain(phase)
        super().__init__(self.words)


class Refused(ConnectorError):
    """This content or recipient will never be accepted."""


class AddressGone(Refused):
    """The address does not exist any more."""


class OptedOut(Refused):
    """The recipient has told the provider that they want nothing more of this sender."""


class Deferred(ConnectorError):
    """Not now. `scope` is what is slowed: "delivery", "domain" or "account"; `retry_after_s` is the provider's wish."""

    def __init__(
        self,
        words: str,
        *,
        code: str = "",
        phase: str = "",
        scope: str = "delivery",
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(words, code=code, phase=phase)
        self.scope = scope
        self.retry_after_s = retry_after_s


class AccountGone(ConnectorError):
    """The account itself is refused: login revoked, sender blocked."""


class Uncertain(ConnectorError):
    """Request bytes were written and no answer was understood: it may have gone."""


class NotAuthentic(ConnectorError):
    """An incoming call could not be proven to come from the provider."""


# The code of the AccountGone of an account at whose provider nobody has signed in yet.
NOT_SIGNED_IN = "not_signed_in"


class NotYet(ConnectorError):
    """An incoming call cannot be heard before `prepare` was asked about it; the provider tries again."""


class BadSettings(ValueError):
    """An account cannot be connected with these settings; `problems` says what is wrong, by name of the setting."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name} {words}" for name, words in problems.items()))
        self.problems = dict(problems)


@dataclass(frozen=True, slots=True)
class Keyed:
    """The provider repeats its first answer to the same key for `life_s` seconds."""

    life_s: float


@dataclass(frozen=True, slots=True)
class Findable:
    """What went out can be looked up once `visible_within_s` have passed; inexact finds never decide alone.

    `known_for_s`: so long the provider surely knows it; that it finds nothing later says nothing. None: for ever.
    """

    visible_within_s: float
    exact: bool = True
    known_for_s: float | None = None


@dataclass(frozen=True, slots=True)
class Blind:
    """Nobody can say afterwards whether it went."""


Repeats = Keyed | Findable | Blind


@dataclass(frozen=True, slots=True)
class Prices:
    """What a provider asks for each post, in `currency` (ISO 4217): plain, with a link, as an answer to somebody who
    addressed us, and beside that for each picture. `source` says where and when that was read."""

    currency: str
    post: float
    link: float
    answer: float
    picture: float
    source: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What the provider takes, declared here and enforced once by the domain. None: no limit known.

    `counting` names how the provider counts a text: codepoints, graphemes, bluesky, x, mastodon, sms
    (`messages/lengths.py`).
    `parts_max`: how many posts one thread may have, each answering the one before; 1: no threads.
    `same_within_s`: the provider refuses a post that says the same as one of the last so many seconds.
    `poll_every_s`: what came back is asked for no oftener, for the provider counts the asking.
    `media_…`: how many go with one post, of which types (`image/png`), how large each may be. `caption_max`: with
    pictures, the text and what they show, a line each, share one place that takes so many characters.
    `prices` are told where each post costs something, so that people know before and can set a budget.
    `per_…` count hand-overs of this account, `app_per_…` of all accounts of one app; days and months are those of UTC.
    """

    text_max: int | None = None
    subject_max: int | None = None
    html: bool = False
    counting: str = "codepoints"
    media_min: int = 0
    media_max: int = 0
    media_types: tuple[str, ...] = ()
    media_bytes_max: int | None = None
    caption_max: int | None = None
    alt_max: int | None = None
    parts_max: int = 1
    in_flight: int = 1
    per_second: float | None = None
    per_day: int | None = None
    per_month: int | None = None
    app_per_second: float | None = None
    app_per_day: int | None = None
    app_per_month: int | None = None
    deadline_s: float = 60.0
    same_within_s: float | None = None
    prices: Prices | None = None
    poll_every_s: float | None = None


@dataclass(frozen=True, slots=True)
class Medium:
    """A picture or film that goes with a post. `url` is where anybody can fetch it, for providers that do so.

    `type` is its content type, `alt` what it shows in words (empty: decoration alone), `size` is in bytes.
    """

    name: str
    type: str
    alt: str
    size: int
    url: str
    load: Callable[[], bytes]
    width: int = 0
    height: int = 0


# Of Filled, Outbound and Receipt there is one or more for each letter, and nobody changes one: but a frozen one takes
# three times as long to make.
@dataclass(slots=True)
class Filled:
    """Words in pieces: what many letters share, and between its pieces what is one letter's own.

    There is one more of `constants` than of `values`; `str()` gives the words. The tuple of constants is the same
    object in every letter that shares it, so what is made of it can be kept.
    """

    constants: tuple[str, ...]
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        pieces = [""] * (len(self.constants) + len(self.values))
        pieces[::2], pieces[1::2] = self.constants, self.values
        return "".join(pieces)

    def __bool__(self) -> bool:
        return any(self.constants) or any(self.values)


Words = str | Filled


@dataclass(slots=True)
class Outbound:
    """One thing to hand over. `key` is the delivery's own, the same on every attempt; `to` is empty for a post.

    The words are a text or one in pieces: `str(outbound.text)` is right for both. `headers` are extra mail headers,
    already checked. `since` is when the first intent was committed (aware UTC).

    `keep` takes the provider's name of what is made ready there before anybody sees it, and returns once that is
    written down; it raises where what goes on would not be ours. `begun` is what an earlier try gave it.

    `media` go with it, in their order. `in_reply_to` names what it answers, as the provider named that; of a thread's
    later part it is the part before, and `options["thread"]` is the first.
    """

    key: str
    to: str = ""
    subject: Words = ""
    text: Words = ""
    html: Words = ""
    language: str = ""
    sender: str = ""
    sender_name: str = ""
    reply_to: str = ""
    message_id: str = ""
    in_reply_to: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    since: datetime | None = None
    media: Sequence[Medium] = ()
    begun: str = ""
    keep: Callable[[str], None] = lambda name: None


@dataclass(slots=True)
class Receipt:
    """The provider took it. `provider_id` is how the provider names it in later events.

    `wait_s`: the provider said with it that it takes nothing more of this account for so long. `with_people`: people
    have it in hand, and it counts as sent once they say so.
    """

    provider_id: str
    words: str = ""
    wait_s: float = 0.0
    with_people: bool = False

    def __post_init__(self) -> None:
        self.provider_id = plain(self.provider_id)


# Not frozen: to make one would take three times as long, and one call may tell of hundreds. Nobody changes one.
@dataclass(slots=True)
class Event:
    """Something the provider told us, in our words.

    kind: reply, mention, like, boost, bounce, complaint, opt_out, auto_reply, delivered, opened, clicked.
    `key` is unique per account and event. `provider_id`, `references` and `recipient_token` say what it is about;
    `sender` is the address or handle it came from; `about` the address a bounce or complaint is about.
    `hard` is True for a permanent bounce. `verified` is False where the sender may be forged.
    """

    key: str
    kind: str
    at: datetime
    provider_id: str = ""
    references: tuple[str, ...] = ()
    recipient_token: str = ""
    sender: str = ""
    sender_name: str = ""
    about: str = ""
    subject: str = ""
    text: str = ""
    language: str = ""
    hard: bool = False
    verified: bool = True
    meta: Mapping[str, Any] = field(default_factory=dict)
    raw: bytes = b""


@dataclass(frozen=True, slots=True)
class Call:
    """An incoming HTTP call, raw. Header names are lower case.

    `secret` is what stands behind the account in the path, `sender` the address the call came from.
    """

    method: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    at: datetime
    secret: str = ""
    sender: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a hook call said: events, what could not be read, and what to answer.

    `once` is what proved it, where that holds for one call only: another call with the same changes nothing.
    """

    events: tuple[Event, ...] = ()
    parked: tuple[str, ...] = ()
    answer: bytes = b""
    content_type: str = "text/plain"
    once: str = ""


@dataclass(frozen=True, slots=True)
class Polled:
    """Events since a cursor, and the cursor to store in the same commit; `parked` is what could not be read, in a form
    that `read` can be asked about."""

    events: tuple[Event, ...]
    cursor: Mapping[str, Any]
    parked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Renewed:
    """A new login: the secrets and settings that changed, by name, and for how long it is good (None: not told).

    After `life_s` it is to be renewed, after `ends_s` somebody has to sign in anew, renewed or not.
    """

    secrets: Mapping[str, str]
    life_s: float | None = None
    ends_s: float | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


# What providers count, in our words. `impressions` is how often it was shown, `reach` to how many different people.
FIGURES = ("impressions", "reach", "likes", "boosts", "replies", "clicks", "saves", "views")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a provider counts of one post: `figure` is one of FIGURES. What it does not tell has no Reading: it is not
    zero."""

    provider_id: str
    figure: str
    value: int


@dataclass(frozen=True, slots=True)
class Connector:
    """One connected account, ready to use. Faces that are None are capabilities it does not have.

    `broadcast` is True where a message is one post to everyone, False where it goes to one recipient each.
    `find` is asked after Uncertain with the very Outbound that was handed over: by its key where the provider keeps
    keys, by its words and `since` where it does not. `refresh` asks for a new login with the one there is, which the
    provider takes once only: the caller sees to it that nobody else asks. `app` is the same for all accounts that share
    one limit at the provider, and tells no secret. `place` names what `poll` reads (the server, the room, the user), as
    settings and secrets tell it: where that changes, a cursor is dropped. `api` is the version of the provider's
    interface that it speaks, "" where that has none. `read` is what `hooks` makes of a body once its call is proven:
    what was parked is given to it again when a later release may understand it. `prepare` is asked aside about a call
    that was NotYet heard; it may use the network, and what it gives is kept with the secrets.
    """

    name: str
    channel: str
    broadcast: bool
    limits: Limits
    repeats: Repeats
    verify: Callable[[], None]
    send: Callable[[Outbound], Receipt]
    send_many: Callable[[Iterable[Outbound]], Iterator[tuple[str, Receipt | ConnectorError]]] | None = None
    find: Callable[[Outbound], Receipt | None] | None = None
    hooks: Callable[[Call], Heard] | None = None
    read: Callable[[bytes], Heard] | None = None
    prepare: Callable[[Call], Renewed | None] | None = None
    poll: Callable[[Mapping[str, Any] | None], Polled] | None = None
    refresh: Callable[[], Renewed] | None = None
    metrics: Callable[[Sequence[str]], Sequence[Reading]] | None = None
    app: str = ""
    place: str = ""
    api: str = ""
    close: Callable[[], None] = lambda: None


def app_of(login: str) -> str:
    """What tells the accounts of one app (`Connector.app`), of the login that they share; it gives nothing away."""
    return sha256(login.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a connector: what it means, whether it is needed, and whether it is secret.

    `where`: it says where the secrets are sent, or how well they are hidden on the way: whoever changes it gives them
    anew.
    """

    name: str
    about: str
    required: bool = False
    secret: bool = False
    default: Any = None
    where: bool = False


@dataclass(frozen=True, slots=True)
class SignIn:
    """How somebody lets us in on the provider's own page, instead of copying tokens (OAuth 2.0, authorization code).

    `places` gives, for the settings of an account, the page to send people to and the address where their code becomes
    a login; nothing secret goes to another host than that of the second. `client_id` and `client_secret` name the
    setting and the secret by which the provider knows our app; `gives` are the settings and secrets that come of it,
    so that nobody is asked for them. `accept(settings, secrets, answer)` makes a login of the provider's answer, a JSON
    object, and may ask the provider for more; it raises like any face.
    """

    places: Callable[[Mapping[str, Any]], tuple[str, str]]
    scopes: tuple[str, ...]
    gives: tuple[str, ...]
    accept: Callable[[Mapping[str, Any], Mapping[str, str], Mapping[str, Any]], Renewed]
    client_id: str = "client_id"
    client_secret: str = "client_secret"
    pkce: bool = True


@dataclass(frozen=True, slots=True)
class Provider:
    """What the registry knows of a connector before anyone connects: what it can do, its settings, how to connect.

    `faces` names what a connected account has beyond sending: find, hooks, poll, refresh, metrics; or by_people, where
    its receipts mean no more than that people have it in hand. `repeats` is keyed,
    findable or blind, or "by setting"; `events` are the kinds of Event it can bring. One with `sign_in` can be
    connected before anybody has signed in: until then `verify` says so.
    """

    name: str
    channels: tuple[str, ...]
    about: str
    settings: tuple[Setting, ...]
    limits: Limits
    repeats: str
    faces: tuple[str, ...]
    events: tuple[str, ...]
    connect: Callable[[Mapping[str, Any], Mapping[str, str]], Connector]
    sign_in: SignIn | None = None
