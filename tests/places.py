"""Every page there is, as an address that leads to something: for whatever visits them all."""

from __future__ import annotations

import re

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from campaigns.base import public_id
from campaigns.delivery.tables import Delivery
from campaigns.links import Links
from service.ids import PREFIXES
from service.permissions import PAGES
from service.wiring import metadata

PLACE = re.compile(r"<(?:(?P<prefix>[^:<>]+):)?(?P<name>[^<>]+)>")
# Parts of an address that are words, not ids.
WORDS = {"channel": "email", "tag": "en", "n": "1"}
# Not pages to look at: a stream, files, and what exists only while the demo runs.
NOT_READ = ("/live", "/tour", ".csv", "<name>", "/look", ">/file")
# Pages of two ids that belong together: the table and the columns that say so.
TOGETHER: dict[tuple[str, ...], tuple[str, str, str]] = {
    ("stk", "prg"): ("involvements", "stakeholder_id", "programme_id"),
    ("stk", "itr"): ("interactions", "stakeholder_id", "id"),
}
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


def doors(session: Session, links: Links) -> list[str]:
    """What somebody outside finds behind the links of a mail that went to them."""
    sent = select(Delivery.id).where(Delivery.state == "sent", Delivery.stakeholder_id.is_not(None)).limit(1)
    number = session.scalars(sent).one()
    return [f"/u/{links.token('unsubscribe', number)}", f"/p/{links.token('preferences', number)}"]


def _filled(session: Session, rule: str) -> str | None:
    places = list(PLACE.finditer(rule))
    pair = TOGETHER.get(tuple(match["prefix"] for match in places))
    known = {match["name"]: _value(session, match) for match in places} if pair is None else {}
    if pair is not None:
        table = metadata.tables[pair[0]]
        row = session.execute(select(table.c[pair[1]], table.c[pair[2]]).limit(1)).first() or (None, None)
        known = {
            match["name"]: None if number is None else public_id(match["prefix"], number)
            for match, number in zip(places, row, strict=True)
        }
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
