"""What mail services with an API have in common: what becomes of a mail in our words, what they are asked, and where.

Rules: a service's own words stand in a table of its connector, each beside one of the outcomes here, or None for what
is no news; a word that is in no table is parked, with all that was said. What we call the mail goes along as
`TAG`, so that each event finds its delivery even before we know the service's own name for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import orjson

from . import hosted, mail, shapes, signatures
from .api import BadSettings, Call, Event, Heard, Limits, Outbound, Refused, Setting
from .http import Door

LIMITS = Limits(html=True, in_flight=8, deadline_s=30.0)
IN_FLIGHT_MAX = 32
SECRET_MIN = 16
TAG = "dolen"
EVENTS = ("delivered", "bounce", "complaint", "opt_out", "opened", "clicked")
TRACKING = Setting(
    "tracking",
    "track opening and links as it is set at the provider; otherwise we ask for none",
    default=False,
)
UNSIGNED = (
    Setting("hook_secret", "the last part of the address that events are sent to", secret=True),
    Setting("hook_login", "user:password of that address; while it changes, the new one and the old one", secret=True),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mail, as one of our kinds of events."""

    kind: str
    hard: bool = False
    machine: bool = False  # no person did this


DELIVERED, COMPLAINT, OPT_OUT = Outcome("delivered"), Outcome("complaint"), Outcome("opt_out")
OPENED, CLICKED = Outcome("opened"), Outcome("clicked")
FETCHED, FOLLOWED = Outcome("opened", machine=True), Outcome("clicked", machine=True)
AUTO_REPLY = Outcome("auto_reply")
HARD_BOUNCE, SOFT_BOUNCE = Outcome("bounce", hard=True), Outcome("bounce")


@dataclass(frozen=True, slots=True)
class Told:
    """One event as a service tells it, before it has a kind. `about` is the recipient; `key` may be empty."""

    outcome: Outcome
    at: datetime
    provider_id: str
    about: str
    key: str = ""
    message_id: str = ""
    words: str = ""
    code: str = ""
    link: str = ""
    agent: str = ""
    ip: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail in the fields that services ask for; every one of them can stand in a header."""

    to: str
    sender: str
    name: str
    reply_to: str
    subject: str
    text: str
    html: str
    message_id: str
    headers: Mapping[str, str]

    @property
    def mailbox(self) -> str:
        """The sender as one value: `"Cyngor Môn" <news@mon.example>`."""
        quoted = self.name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" <{self.sender}>' if self.name else self.sender


def networks(published: str) -> Setting:
    """The setting of where hooks come from; what is published is believed until somebody says otherwise."""
    return Setting(
        "hook_networks", "addresses that hooks come from, with commas; empty: any", default=published
    )


def unsigned(
    given: Mapping[str, Any], secrets: Mapping[str, str], read: Callable[[bytes], Heard]
) -> Callable[[Call], Heard] | None:
    """Hooks of a service that signs nothing: None unless both a secret in the path and a login are set. BadSettings."""
    paths, logins = secrets.get("hook_secret", ""), secrets.get("hook_login", "")
    wrong: dict[str, str] = {}
    if any(len(each) < SECRET_MIN or not _PATH.fullmatch(each) for each in paths.split()):
        wrong["hook_secret"] = f"has at least {SECRET_MIN} letters and digits"
    if any(":" not in each for each in logins.split()) or bool(paths.split()) != bool(logins.split()):
        wrong["hook_login"] = "is user:password, and goes together with hook_secret"
    if given["hook_networks"] and not signatures.is_network(given["hook_networks"]):
        wrong["hook_networks"] = "is addresses or networks, such as 192.0.2.0/24, with commas"
    if wrong:
        raise BadSettings(wrong)

    def hear(call: Call) -> Heard:
        signatures.unsigned(call, paths, logins, given["hook_networks"])
        return read(call.body)

    return hear if paths.split() else None


def letter(outbound: Outbound) -> Letter:
    """The fields of an Outbound. Refused with code `bad_header`, `bad_address` or `no_text`: nothing was sent."""
    message_id = mail.message_id(outbound)
    text, html = str(outbound.text), str(outbound.html)
    if not text and not html:
        raise Refused("a mail needs words", code="no_text", phase="build")
    answers = outbound.in_reply_to if mail.MESSAGE_ID.fullmatch(outbound.in_reply_to) else ""
    headers = {"In-Reply-To": answers, "References": answers, "Content-Language": outbound.language}
    for name, value in outbound.headers.items():
        if not mail.HEADER_NAME.fullmatch(name) or name.lower() in mail.OURS:
            raise Refused("a header cannot be set from outside", code="bad_header", phase="build")
        headers[name] = value
    return Letter(
        to=mail.address(outbound.to),
        sender=mail.address(outbound.sender),
        name=_line(outbound.sender_name),
        reply_to=mail.address(outbound.reply_to) if outbound.reply_to else "",
        subject=_line(str(outbound.subject)),
        text=text,
        html=html,
        message_id=message_id,
        headers={name: _line(value) for name, value in headers.items() if value},
    )


def settings(base_url: str, *others: str) -> tuple[Setting, ...]:
    """What every such connector lets people set; `others` are the service's addresses in other regions."""
    deadline_s, where = hosted.settings(base_url, LIMITS.deadline_s)
    if others:
        where = replace(where, about="the provider's address in your region; on this machine to practise")
    in_flight = Setting("in_flight", "calls at the same time, at most 32", default=LIMITS.in_flight)
    return deadline_s, where, in_flight


def door(given: Mapping[str, Any], secrets: Mapping[str, str], *base_urls: str) -> Door:
    """The way to a service at one of its addresses, or to a double of it on this machine. BadSettings."""
    base_url = given["base_url"] if given["base_url"] in base_urls else base_urls[0]
    wrong = hosted.problems(given, base_url)
    if not 1 <= given["in_flight"] <= IN_FLIGHT_MAX:
        wrong["in_flight"] = f"is from 1 to {IN_FLIGHT_MAX}"
    if wrong:
        raise BadSettings(wrong)
    return hosted.door(given, base_url, secrets=secrets.values(), connections=given["in_flight"])


def limits(given: Mapping[str, Any], declared: Limits = LIMITS) -> Limits:
    """What is declared, with what this account sets of its own."""
    return replace(declared, in_flight=given["in_flight"], deadline_s=given["deadline_s"])


def heard(
    body: bytes, tell: Callable[[dict[str, Any]], Told | None], *, once: str = "", verified: bool = True
) -> Heard:
    """The events of a body, which is one or a list of them; what `tell` cannot read is parked, the rest is kept."""
    try:
        said = orjson.loads(body)
    except ValueError:
        return Heard(parked=(body.decode("utf-8", "replace"),))
    events: list[Event] = []
    parked: list[str] = []
    for one in said if isinstance(said, list) else [said]:
        raw = shapes.raw(one, body)
        try:
            told = tell(one)
            made = event(told, raw) if told is not None else None
        except shapes.UNREADABLE:
            parked.append(raw.decode("utf-8", "replace"))
            continue
        if made is not None:
            events.append(replace(made, verified=verified))
    return Heard(tuple(events), tuple(parked), once=once)


def event(told: Told, raw: bytes) -> Event:
    """The event; one without a name of its own is named by all that was said. TypeError where a word is none."""
    outcome = told.outcome
    "".join((told.key, told.provider_id, told.about, told.message_id, told.words))
    meta = {"code": told.code, "url": told.link, "user_agent": told.agent, "ip": told.ip}
    return Event(
        key=told.key or sha256(raw).hexdigest(),
        kind=outcome.kind,
        at=told.at,
        provider_id=told.provider_id,
        references=(told.message_id,) if told.message_id else (),
        sender=told.about if outcome.kind in ("opt_out", "auto_reply") else "",
        about=told.about,
        text=told.words,
        hard=outcome.hard,
        meta={name: value for name, value in meta.items() if value} | ({"machine": True} if outcome.machine else {}),
        raw=raw,
    )  # fmt: skip


def instant(value: str) -> datetime:
    """A time of ISO 8601; UTC where it names no zone."""
    at = datetime.fromisoformat(value)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def since_1970(seconds: float) -> datetime:
    """A time as seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)


def text(value: object) -> str:
    """A text that was told, "" for anything else."""
    return value if isinstance(value, str) else ""


def bracketed(name: str) -> str:
    """A Message-ID with its angle brackets; "" for none."""
    return f"<{name.strip('<> ')}>" if name.strip("<> ") else ""


def rows(answer: Any, name: str) -> Iterator[dict[str, Any]]:
    """The objects of a list in an answer; nothing else of it."""
    found = answer.get(name) if isinstance(answer, dict) else None
    yield from (one for one in found if isinstance(one, dict)) if isinstance(found, list) else ()


_PATH = re.compile(r"[A-Za-z0-9_-]+")


def _line(value: str) -> str:
    if not value.isprintable() and mail.CONTROL.search(value):
        raise Refused("a header holds a control character", code="bad_header", phase="build")
    return value
