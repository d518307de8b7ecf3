"""Somebody's calendar for other programs (iCalendar, Atom, CSV): the secret in its address, and what is written there.

Rules: the secret is 256 random bits and only its SHA-256 is kept; there is one for each user, and a new one ends the
old. What stands in the feed is decided at every reading by the grants the user has then.
Source: RFC 5545, RFC 7986, RFC 4287; C6, J13.
"""

from __future__ import annotations

import secrets
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from icalendar import Alarm, Calendar, Event, vDuration, vText
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from campaigns.base import EPOCH
from campaigns.canonical import sha256
from campaigns.responses import tasks
from campaigns.responses.tables import Task
from campaigns.stakeholders import files

from . import ids
from .acts.planning import Entry
from .tables import CalendarFeed, User

BACK, AHEAD = timedelta(days=92), timedelta(days=366)
REFRESH = timedelta(hours=1)
ENTRIES_MAX = 2_000
COLUMNS = ("id", "url", "name", "due_at", "state", "programme", "group", "accounts")
# A draft may still change and what was cancelled is told for as long as it stands in the feed.
STATUS = {
    "draft": "TENTATIVE", "waiting": "TENTATIVE", "paused": "TENTATIVE", "cancelled": "CANCELLED",
}  # fmt: skip


def renew(session: Session, now: datetime, user_id: int) -> str:
    """A path for the user's calendar programs; the one before it stops working."""
    revoke(session, user_id)
    secret = secrets.token_urlsafe(32)
    session.add(CalendarFeed(user_id=user_id, secret_sha256=sha256(secret), made_at=now))
    session.flush()
    return f"/feed/{secret}.ics"


def revoke(session: Session, user_id: int) -> bool:
    """End the user's feed; False where there was none."""
    gone = session.execute(delete(CalendarFeed).where(CalendarFeed.user_id == user_id))
    return bool(gone.rowcount)  # type: ignore[attr-defined]


def of(session: Session, user_id: int) -> CalendarFeed | None:
    """The user's feed, where there is one."""
    return session.scalar(select(CalendarFeed).where(CalendarFeed.user_id == user_id))


def reader(session: Session, secret: str) -> User | None:
    """Whose feed this is; None for a secret that is forged or was ended, and for somebody who may not come in."""
    found = session.scalar(select(CalendarFeed).where(CalendarFeed.secret_sha256 == sha256(secret)))
    user = session.get(User, found.user_id) if found is not None else None
    return user if user is not None and user.state == "active" else None


def write(entries: Iterable[Entry], base_url: str, todo: Iterable[Task] = ()) -> bytes:
    """Entries and tasks as an iCalendar file, their times in UTC; each keeps its UID wherever it is moved."""
    made = Calendar()
    made.add("prodid", "-//Dolen//Calendar//EN")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add("name", vText("Dolen"))
    made.add("x-wr-calname", vText("Dolen"))
    made.add("refresh-interval", vDuration(REFRESH), parameters={"VALUE": "DURATION"})
    made.add("x-published-ttl", vDuration(REFRESH))
    for entry in entries:
        made.add_component(_event(entry, base_url))
    for task in todo:
        made.add_component(_task(task, base_url))
    body: bytes = made.to_ical()
    return body


def atom(entries: Iterable[Entry], base_url: str) -> bytes:
    """Entries as an Atom feed, what was changed last first."""
    found = sorted(entries, key=lambda one: (one.message.updated_at, one.message.id), reverse=True)
    changed = found[0].message.updated_at if found else EPOCH
    feed = ET.Element("feed", xmlns="http://www.w3.org/2005/Atom")
    _told(feed, id=f"{base_url.rstrip('/')}/calendar", title="Dolen", updated=_stamp(changed))
    _told(ET.SubElement(feed, "author"), name="Dolen")
    for one in found:
        number, url = _named(one, base_url)
        made = ET.SubElement(feed, "entry")
        _told(made, id=f"urn:dolen:{number}", title=one.name, updated=_stamp(one.message.updated_at))
        ET.SubElement(made, "link", href=url)
        when = f"{_stamp(one.due_at)} " if one.due_at else ""
        _told(made, summary=f"{when}{one.message.state}\n{_about(one)}")
    body: bytes = ET.tostring(feed, "utf-8", xml_declaration=True)
    return body


def table(entries: Iterable[Entry], base_url: str) -> bytes:
    """Entries as a CSV file, by when they are due, in which no cell is a formula."""
    rows = [
        (
            *_named(one, base_url), one.name, _stamp(one.due_at) if one.due_at else "", one.message.state,
            one.programme, one.group or "", "; ".join(account.name for account in one.accounts),
        )
        for one in entries
    ]  # fmt: skip
    return files.spreadsheet([COLUMNS, *rows])


def _named(entry: Entry, base_url: str) -> tuple[str, str]:
    """What names one time of a message, and where it is shown."""
    number = str(ids.shown("message", entry.message.id))
    at = f".{entry.due_at:%Y%m%dt%H%M%Sz}" if entry.recurs else ""
    return f"{number.lower()}{at}", f"{base_url.rstrip('/')}/calendar/{number}"


def _about(entry: Entry) -> str:
    told = [entry.programme, *(account.name for account in entry.accounts), entry.group]
    return "\n".join(one for one in told if one)


def _told(parent: ET.Element, **texts: str) -> None:
    for name, value in texts.items():
        ET.SubElement(parent, name).text = files.storable(value)


def _stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _event(entry: Entry, base_url: str) -> Event:
    message = entry.message
    number, url = _named(entry, base_url)
    made = Event()
    made.add("uid", f"{number}@dolen")
    made.add("dtstamp", message.updated_at)
    made.add("last-modified", message.updated_at)
    made.add("created", message.created_at)
    made.add("sequence", message.version)
    made.add("dtstart", entry.due_at)
    made.add("summary", entry.name)
    made.add("status", STATUS.get(message.state, "CONFIRMED"))
    made.add("transp", "TRANSPARENT")
    made.add("url", url)
    made.add("description", _about(entry))
    made.add("categories", [entry.programme])
    return made


def _task(task: Task, base_url: str) -> Event:
    """A task as an event, because that is what calendars show of a feed; with an alarm for its reminder."""
    number = str(ids.shown("task", task.id))
    made = Event()
    made.add("uid", f"{number.lower()}@dolen")
    made.add("dtstamp", task.updated_at)
    made.add("last-modified", task.updated_at)
    made.add("created", task.created_at)
    made.add("sequence", task.version)
    made.add("dtstart", tasks.day(task) if task.whole_day else task.due_at)
    made.add("summary", f"☐ {task.title}")
    made.add("status", "CONFIRMED")
    made.add("transp", "TRANSPARENT")
    made.add("url", f"{base_url.rstrip('/')}/tasks/{number}")
    if task.remind_at is not None:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", task.title)
        alarm.add("trigger", task.remind_at)
        made.add_component(alarm)
    return made
