"""An incoming mail becomes events: a report, an opt-out, an automatic answer, or what a person wrote.

Rules: every mail gives at least one event, whatever is wrong with it; the same bytes give the same keys.
Tokens and references are handed on as they stand: whether they are ours, the domain decides. A report is
never `verified`, since anybody can write one; other mail is, unless the receiving server says that its
sender failed DMARC.
Source: RFC 5322, RFC 8601 (Authentication-Results); bad input M1–M21.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import Any

from . import mime, wording
from .api import Event
from .mime import Part
from .reports import Report, reports, tokens_of

REFERENCES_MAX = 50
SUBJECT_MAX = 1_000
# A mail may wait in a queue for days; a clock that is wrong is wrong by years.
OLDEST, NEWEST = timedelta(days=365), timedelta(days=1)

TOKEN = re.compile(r"\b(replies|bounces|unsubscribe)\+([a-z2-7]{20,80})@", re.IGNORECASE)
MESSAGE_ID = re.compile(r"<[^<>\s]{1,900}>")
ADDRESS = re.compile(r"<\s*([^<>\s]+@[^<>\s]+)\s*>|([^<>\s,;\"()]+@[^<>\s,;\"()]+)")
DMARC_FAILED = re.compile(r"\bdmarc\s*=\s*fail\b", re.IGNORECASE)
TO_US = ("to", "delivered-to", "x-original-to", "envelope-to", "cc")


@dataclass(frozen=True, slots=True)
class _Token:
    use: str = ""
    token: str = ""


def read(raw: bytes, received_at: datetime) -> tuple[Event, ...]:
    """The events of one mail, at least one. `received_at` stands in for a Date that cannot be true.

    `meta` holds `message_id` (this mail's own, for answering it) and, where they apply: `token_use` (replies,
    bounces or unsubscribe), `code` and `action` of a report, `suspected`, `asks_to_stop`,
    `charset_replaced`, `way_out` (the token of the mail's own List-Unsubscribe)."""
    mail = mime.parse(raw)
    found = reports(mail)
    events = [_reported(mail, report) for report in found]
    # Somebody who forwards a bounce wrote a mail of their own, too.
    if not found or not all(report.at_top for report in found):
        events.append(_written(mail))
    shared = _shared(mail, received_at)
    key = f"{shared['meta']['message_id'][:200]}{sha256(raw).hexdigest()}"
    return tuple(
        Event(
            key=key if n == 0 else f"{key}#{n}",
            raw=raw,
            **{**shared, **values, "meta": {**shared["meta"], **values["meta"]}},
        )
        for n, values in enumerate(events)
    )


def _shared(mail: Part, received_at: datetime) -> dict[str, Any]:
    """What every event of a mail says."""
    sender, name = _sender(mail)
    return {
        "at": _moment(mail, received_at),
        "sender": sender,
        "sender_name": name,
        "subject": mail.get("subject")[:SUBJECT_MAX],
        "language": _language(mail),
        "meta": {
            "message_id": next(iter(MESSAGE_ID.findall(mail.get("message-id"))), ""),
            **({"way_out": out.token} if (out := _token(mail.all("list-unsubscribe"))).token else {}),
        },
    }


def _reported(mail: Part, report: Report) -> dict[str, Any]:
    token = _token(value for name in TO_US for value in mail.all(name))
    if not token.token:
        token = _token(tokens_of(report.original))
    original = report.original
    told = {"code": report.code, "action": report.action, "token_use": token.use}
    return {
        "kind": report.kind,
        "about": report.about,
        "hard": report.hard,
        "text": report.words,
        "provider_id": next(iter(MESSAGE_ID.findall(original.get("message-id"))), "") if original else "",
        "references": _references(mail),
        "recipient_token": token.token,
        "verified": False,
        "meta": {
            **{name: value for name, value in told.items() if value},
            **({"suspected": True} if report.action == "suspected" else {}),
        },
    }


def _written(mail: Part) -> dict[str, Any]:
    token = _token(value for name in TO_US for value in mail.all(name))
    text, replaced = _text(mail)
    automatic = wording.is_automatic(mail)
    wanted_out = token.use == "unsubscribe" or (
        bool(token.token) and mail.get("subject").strip().lower() == "unsubscribe"
    )
    kind = "opt_out" if wanted_out else "auto_reply" if automatic else "reply"
    words = text if automatic else wording.new_words(text)
    return {
        "kind": kind,
        "text": words[: wording.TEXT_MAX],
        "references": _references(mail),
        "recipient_token": token.token,
        "verified": not any(DMARC_FAILED.search(value) for value in mail.all("authentication-results")),
        "meta": {
            **({"token_use": token.use} if token.use else {}),
            **({"charset_replaced": True} if replaced else {}),
            **({"asks_to_stop": True} if kind == "reply" and wording.asks_to_stop(words) else {}),
        },
    }


def _text(mail: Part) -> tuple[str, bool]:
    """The words of a mail: its first text, or else its first HTML as text."""
    html = None
    for part in mail.walk():
        if part.get("content-disposition").lower().startswith("attachment"):
            continue
        if part.kind == "text/plain":
            text, replaced = part.text()
            if text.strip():
                return text, replaced
        elif part.kind == "text/html" and html is None:
            html = part
    if html is None:
        return "", False
    text, replaced = html.text()
    return wording.text_of_html(text), replaced


def _token(values: Iterable[str]) -> _Token:
    for value in values:
        if found := TOKEN.search(value):
            return _Token(found[1].lower(), found[2].lower())
    return _Token()


def _references(mail: Part) -> tuple[str, ...]:
    """What it answers, oldest first: the thread, then the mail itself."""
    named = [
        one
        for name in ("references", "in-reply-to")
        for value in mail.all(name)
        for one in MESSAGE_ID.findall(value)
    ]
    newest_first = list(dict.fromkeys(reversed(named)))[:REFERENCES_MAX]
    return tuple(reversed(newest_first))


def _sender(mail: Part) -> tuple[str, str]:
    """The address and the name in From; encoded words may hide an address in a name, so that goes first."""
    value = next(iter(mail.all("from")), "")
    found = list(ADDRESS.finditer(value[:2_000]))
    if not found:
        return "", mime.decoded(value)[:200]
    last = next((one for one in found if one[1]), found[0])
    return (last[1] or last[2])[:320], mime.decoded(value[: last.start()]).strip(' "')[:200]


def _moment(mail: Part, received_at: datetime) -> datetime:
    try:
        at = parsedate_to_datetime(mail.get("date")[:100])
    except (ValueError, TypeError, IndexError, OverflowError):
        return received_at
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return at.astimezone(UTC) if received_at - OLDEST <= at <= received_at + NEWEST else received_at


def _language(mail: Part) -> str:
    found = re.match(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", mail.get("content-language"))
    return found.group().lower() if found else ""
