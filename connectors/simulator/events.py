"""The practice provider's words for what came back, in ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from ..api import Event

KINDS = {
    "reply": "reply",
    "mention": "mention",
    "like": "like",
    "boost": "boost",
    "bounce": "bounce",
    "complaint": "complaint",
    "unsubscribe": "opt_out",
    "auto_reply": "auto_reply",
    "delivered": "delivered",
    "opened": "opened",
    "clicked": "clicked",
}
ABOUT_US = ("bounce", "complaint")
NOTHING: Mapping[str, Any] = {}
PLUS = re.compile(r"[^@+]*\+([^@]+)@")


def event(raw: Mapping[str, Any]) -> Event:
    """One event; KeyError, TypeError or ValueError for something that is none."""
    said = raw.get
    kind, key, to, sender = KINDS[raw["type"]], raw["id"], said("to", ""), said("from", "")
    message, answered, about = said("message", ""), said("in_reply_to", ""), said("about", "")
    name, subject, text, language = (
        said("from_name", ""), said("subject", ""), said("text", ""), said("language", "")
    )  # fmt: skip
    # One call looks whether all are text: TypeError.
    "".join((key, to, sender, message, answered, about, name, subject, text, language))
    if not key:
        raise ValueError("an event without an id")
    at = datetime.fromtimestamp(float(raw["at"]), UTC)
    references = (answered,) if answered else ()
    token = _plus(to) if "+" in to else ""
    about = (about or sender) if kind in ABOUT_US else ""
    # By place: by name it takes twice as long, and one call may tell of hundreds.
    return Event(
        key, kind, at, message, references, token, sender, name, about, subject, text, language,
        said("permanent") is True, True, NOTHING, orjson.dumps(raw),
    )  # fmt: skip


def _plus(to: str) -> str:
    found = PLUS.match(to)
    return found[1] if found else ""
