"""What exports of other systems say about who opted out, whose mail came back and who agreed when, in our words.

Rules: a word we do not know is no "no": its row is refused, so that nobody who opted out comes in as if they had not; a
time without an offset is UTC, as all three write theirs; what a system's administrator did proves no consent.
Source: files of the three systems as tests/campaigns/stakeholders/exports keeps them, with where they are from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..errors import BadField
from .text import fold

EXPORTERS = ("mailchimp", "listmonk", "mautic")
# Columns by which a system's export is known, all of them; and what some of its columns are, other than by their names.
_KNOWN_BY = (
    ("mailchimp", {"leid", "euid"}),
    ("listmonk", {"uuid", "email", "status", "created at"}),
    ("mautic", {"dnc preferences"}),
    ("mautic", {"donotcontact"}),
)
_OWN = {
    "mailchimp": {
        "file": "opt_out", "optin time": "consent_at", "unsub time": "opt_out", "clean time": "bounced",
        "address": "address.post",
    },
    "listmonk": {"status": "opt_out", "attributes": "attrs", "attribs": "attrs", "lists": "lists"},
    "mautic": {"dnc preferences": "opt_out", "donotcontact": "opt_out"},
}  # fmt: skip
# Their own numbers say nothing here: people are known again by their address.
_NUMBERS = ("id", "uuid", "leid", "euid")

OUT, NEVER, BOUNCED, SPAM, MANUAL = "opt_out", "no_contact", "hard_bounce", "spam_complaint", "manual"
_STOPPED = {
    "yes": OUT, "y": OUT, "true": OUT, "1": OUT, "on": OUT, "x": OUT, "ie": OUT, "ydw": OUT, "نعم": OUT,
    "unsubscribed": OUT, "opted out": OUT, "opt out": OUT, "optout": OUT, "dnc unsubscribed": OUT,
    "wedi dad-danysgrifio": OUT, "ألغى الاشتراك": OUT,
    "blocklisted": NEVER, "blacklisted": NEVER, "cleaned": BOUNCED, "bounced": BOUNCED, "hard bounce": BOUNCED,
    "dnc bounced": BOUNCED, "complained": SPAM, "spam": SPAM, "abuse": SPAM,
    "disabled": MANUAL, "do not contact": MANUAL, "manually unsubscribed": MANUAL, "dnc manually unsubscribed": MANUAL,
}  # fmt: skip
_GOES = (
    "no",
    "n",
    "false",
    "0",
    "off",
    "na",
    "nac ydw",
    "لا",
    "subscribed",
    "active",
    "enabled",
    "confirmed",
)
# On a list, but without their own yes.
_NOT_AGREED = ("nonsubscribed", "transactional", "unconfirmed", "pending")
_CHANNELS = {"email": "email", "text message": "sms", "sms": "sms"}
# 2021-01-02 15:04:05.999999 +0000 UTC, as programs written in Go have it.
_GO_TIME = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(\.\d+)? ([+-]\d{4}) \w+")


@dataclass(frozen=True)
class Status:
    """What a cell says. `stops`: channels on which they are not to be written to, with the reason and since when.

    `agreed` False: whatever is declared for the file is not theirs.
    """

    stops: dict[str, tuple[str, datetime | None]]
    agreed: bool | None = None


def exporter(header: Sequence[str]) -> str | None:
    """Whose export this is, by its columns."""
    names = {_name(one) for one in header}
    return next((name for name, needed in _KNOWN_BY if needed <= names), None)


def meanings(header: Sequence[str]) -> dict[str, str]:
    """What the columns are that mean something else in this system's exports than elsewhere."""
    whose = exporter(header)
    if whose is None:
        return {}
    own = {**dict.fromkeys(_NUMBERS, "ignore"), **_OWN[whose]}
    return {column: own[_name(column)] for column in header if _name(column) in own}


def status_in_name(filename: str) -> str:
    """What the name of a file says of everybody in it, as Mailchimp names them: unsubscribed_….csv; "" for nothing."""
    found = re.match(r"(subscribed|unsubscribed|cleaned|nonsubscribed)_", fold(filename))
    return found[1] if found else ""


def status(text: str) -> Status:
    """What a cell says about opting out: a yes, a word, a time, or several words with their channels; BadField."""
    words = fold(text)
    words = status_in_name(words) or words.replace("_", " ")
    if words in _GOES:
        return Status({})
    if words in _NOT_AGREED:
        return Status({}, agreed=False)
    if words in _STOPPED:
        return Status({"email": (_STOPPED[words], None)}, agreed=False)
    if re.match(r"\d{4}-\d\d", words):
        return Status({"email": (OUT, moment(text))}, agreed=False)
    return Status(dict(map(_of_channel, words.split(","))), agreed=False)


def bounced(text: str) -> Status:
    """What a cell says about mail that came back for good: a yes or no, or when."""
    if fold(text) in _GOES:
        return Status({})
    at = None if fold(text) in _STOPPED else moment(text)
    return Status({"email": (BOUNCED, at)}, agreed=False)


def lists(text: str) -> tuple[list[str], Status]:
    """The lists somebody is on, as listmonk has them in JSON; who has left all of them has opted out."""
    found = _json(text)
    if not isinstance(found, list) or not all(isinstance(one, dict) and one.get("name") for one in found):
        raise BadField("this is not a list of lists with their names")
    on = [str(one["name"]) for one in found if one.get("subscription_status") != "unsubscribed"]
    if on or not found:
        return on, Status({})
    left = [str(one["subscription_updated_at"]) for one in found if one.get("subscription_updated_at")]
    return [], Status({"email": (OUT, max(map(moment, left), default=None))}, agreed=False)


def own_fields(text: str, known: Collection[str]) -> dict[str, Any]:
    """Those of a JSON object's values that are custom fields here; the others stay where they are."""
    found = _json(text)
    if not isinstance(found, dict):
        raise BadField("this is not a JSON object")
    return {name: value for name, value in found.items() if name in known and value not in (None, "", [])}


def moment(text: str) -> datetime:
    """A time as these systems write it; BadField."""
    told = text.strip()
    if go := _GO_TIME.fullmatch(told):
        told = f"{go[1]}{go[3]}"
    try:
        at = datetime.fromisoformat(told)
    except ValueError:
        raise BadField("write a time such as 2026-05-01 12:00:00; without an offset it is UTC") from None
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        raise BadField("write a time such as 2026-05-01 12:00:00; without an offset it is UTC") from None


def _of_channel(told: str) -> tuple[str, tuple[str, datetime | None]]:
    """`DNC Bounced: Email`, as reports of Mautic have it."""
    word, _, channel = (part.strip() for part in told.partition(":"))
    if word not in _STOPPED or channel not in _CHANNELS:
        raise BadField("this does not say whether they opted out; write yes, no, subscribed or unsubscribed")
    return _CHANNELS[channel], (_STOPPED[word], None)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BadField("this is not JSON") from None


def _name(column: str) -> str:
    return fold(column).replace("_", " ").strip()
