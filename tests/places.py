"""Every page there is, as an address that leads to something: for whatever visits them all."""

from __future__ import annotations

import re

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from campaigns.base import public_id
from service.ids import PREFIXES
from service.permissions import PAGES
from service.wiring import metadata

PLACE = re.compile(r"<(?:(?P<prefix>[^:<>]+):)?(?P<name>[^<>]+)>")
# Parts of an address that are words, not ids.
WORDS = {"channel": "email", "tag": "en", "n": "1"}
# Not pages to look at: a stream, files, and what exists only while the demo runs.
NOT_READ = ("/live", "/tour", ".csv", "<name>", "/look")
# Kinds whose table is not simply the plural of their name.
TABLES = {
    "address": "addresses",
    "delivery": "deliveries",
    "strategy": "strategies",
    "audit_entry": "audit_entries",
    "party": "parties",
    "media": "media",
    "login": "logins",
    "person": "users",
}


def addresses(session: Session) -> dict[str, str]:
    """`/people/<stk:number>` → `/people/stk_…` for every page, with the newest row of its kind, where there is one."""
    found = {}
    for line in PAGES:
        method, rule = line.split(" ", 1)
        if method == "GET" and not any(part in rule for part in NOT_READ):
            address = _filled(session, rule)
            if address is not None:
                found[rule] = address
    return found


def _filled(session: Session, rule: str) -> str | None:
    known = {match["name"]: _value(session, match) for match in PLACE.finditer(rule)}
    if None in known.values():
        return None
    return PLACE.sub(lambda match: str(known[match["name"]]), rule)


def _value(session: Session, match: re.Match[str]) -> str | None:
    if match["prefix"] in (None, "int", "string"):
        return WORDS.get(match["name"])
    kind = next(kind for kind, prefix in PREFIXES.items() if prefix == match["prefix"])
    newest = session.scalar(select(_table(kind).c.id).order_by(_table(kind).c.id.desc()).limit(1))
    return None if newest is None else public_id(match["prefix"], newest)


def _table(kind: str) -> Table:
    name = TABLES.get(kind, f"{kind}s")
    return metadata.tables[name]
