"""`/p/<token>`: what somebody wants to get from us, on each channel, how often, and until when nothing at all.

Rules: whoever holds the link may use it, without login and without scripts; opening it changes nothing; what is saved
counts from the next send on; it is undone by saving what stood before. Source: A13, U10 to U13.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, g, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns import audit
from campaigns.base import public_id
from campaigns.delivery.tables import Delivery
from campaigns.errors import BadField, DomainError, LinkNotValid
from campaigns.messages.tables import Message
from campaigns.responses import effects
from campaigns.stakeholders import addresses, kin, people, topics
from campaigns.stakeholders.tables import FREQUENCIES, Involvement, Preference, Stakeholder, Topic
from campaigns.strategies import programmes

from .. import words
from ..wiring import Wiring
from . import page

BODY_MAX = 64 * 1024
LANGUAGES_SHOWN = 2
# Somebody's own words about the person behind an id of ours.
RECIPIENT = "recipient"


@dataclass(frozen=True, slots=True)
class Reader:
    """Who holds the link: the delivery it came with, the person, and what may be chosen.

    `person` is the record that stands for them; what they choose stands on the one they were written to (`number`), so
    that it stays theirs when it turns out that the two are not one.
    """

    delivery: Delivery
    number: int
    person: Stakeholder
    channels: tuple[str, ...]
    offered: tuple[Topic, ...]

    @property
    def zone(self) -> ZoneInfo | None:
        """Where their days begin, if we know."""
        return ZoneInfo(self.person.zone) if self.person.zone else None


def blueprint(wiring: Wiring) -> Blueprint:
    """The page and its acts: save, stop, undo the stop."""
    made = Blueprint("preferences", __name__)

    @made.get("/p/<token>")
    def read(token: str) -> Response:
        try:
            with wiring.database.read() as session:
                return _show(session, wiring, _reader(session, wiring, token))
        except LinkNotValid:
            return page.link_not_valid()

    @made.post("/p/<token>")
    def act(token: str) -> Response:
        request.max_content_length = request.max_form_memory_size = BODY_MAX
        chosen = {"save": _save, "stop": _stop, "undo": _undo}.get(request.form.get("act", ""))
        if chosen is None:
            return page.show("nothing_changed", page.language(), 400)
        try:
            return _act(wiring, token, chosen)
        except LinkNotValid:
            return page.link_not_valid()

    return made


def _act(wiring: Wiring, token: str, chosen: Any) -> Response:
    before: dict[str, str] = {}
    try:
        with wiring.database.write() as session:
            reader = _reader(session, wiring, token)
            before = _values(session, wiring, reader)
            said = chosen(session, wiring, reader)
    except LinkNotValid:
        raise
    except DomainError:
        with wiring.database.read() as session:
            return _show(session, wiring, _reader(session, wiring, token), problem=True)
    with wiring.database.read() as session:
        return _show(session, wiring, _reader(session, wiring, token), said=said, before=before)


def _reader(session: Session, wiring: Wiring, token: str) -> Reader:
    delivery = session.get(Delivery, wiring.links.read("preferences", token))
    number = delivery.stakeholder_id if delivery else None
    person = session.get(Stakeholder, kin.root(session, number)) if number else None
    if delivery is None or number is None or person is None or person.state == "erased":
        raise LinkNotValid("there is nobody behind this link any more")
    message = session.get_one(Message, delivery.message_id)
    mine = select(Involvement.programme_id).where(Involvement.stakeholder_id == person.id)
    inside = {*session.scalars(mine), *programmes.lineage(session, message.programme_id)}
    held = [one.channel for one in addresses.of(session, person.id) if one.state == "active"]
    channels = tuple(dict.fromkeys([delivery.channel, *held]))
    return Reader(delivery, number, person, channels, tuple(topics.offered(session, inside)))


def _save(session: Session, wiring: Wiring, reader: Reader) -> str:
    pause = _pause(wiring, reader)
    evidence = {"delivery_id": public_id("dlv", reader.delivery.id)}
    changed = [_save_channel(session, wiring, reader, one, pause, evidence) for one in reader.channels]
    changed.append(_save_languages(session, wiring, reader))
    if any(changed):
        _note(session, wiring, reader, "stakeholder.preferences_changed")
    return "saved"


def _save_channel(
    session: Session,
    wiring: Wiring,
    reader: Reader,
    channel: str,
    pause: datetime | None,
    evidence: dict[str, Any],
) -> bool:
    """Write down what is not as it stood. A topic that followed "everything else" no longer does once that moves."""
    standing = topics.latest(session, [reader.person.id], channel)
    rest = standing.get((reader.person.id, topics.EVERYTHING))
    base = rest.frequency if rest else topics.ALL
    wanted = request.form.get(f"{channel}.{topics.EVERYTHING}", base)
    said: dict[str, Any] = {"source": "preferences", "actor": RECIPIENT, "evidence": evidence}
    changed = False
    for topic in reader.offered:
        own = standing.get((reader.person.id, topic.id))
        choice = request.form.get(f"{channel}.{topic.id}", own.frequency if own else base)
        if own is not None or choice != base or wanted != base:
            made = topics.choose(
                session, wiring.now(), reader.number, topic.id, channel, frequency=choice,
                pause_until=own.pause_until if own else None, **said,
            )  # fmt: skip
            changed |= made is not None
    if rest is not None or wanted != base or pause is not None:
        made = topics.choose(
            session, wiring.now(), reader.number, topics.EVERYTHING, channel, frequency=wanted,
            pause_until=pause, **said,
        )  # fmt: skip
        changed |= made is not None
    return changed


def _pause(wiring: Wiring, reader: Reader) -> datetime | None:
    """The morning of the day on which messages may come again; None for none. BadField for a day that is over."""
    text = request.form.get("pause", "")
    if not text:
        return None
    try:
        on = date.fromisoformat(text)
    except ValueError:
        raise BadField("this is not a day", pointer="/pause") from None
    until = datetime.combine(on, time.min, reader.zone or ZoneInfo(wiring.settings.workspace.zone))
    if until <= wiring.now() or until > wiring.now() + topics.PAUSE_MAX:
        raise BadField("a pause ends within a year", pointer="/pause")
    return until


def _save_languages(session: Session, wiring: Wiring, reader: Reader) -> bool:
    """The languages they want to read, in this order; others that we know of stay behind them."""
    if "language0" not in request.form:
        return False
    wanted = [request.form.get(f"language{place}", "") for place in range(LANGUAGES_SHOWN)]
    known = list(reader.person.languages)
    chosen = list(dict.fromkeys(one for one in wanted if one))
    if chosen == known[:LANGUAGES_SHOWN]:
        return False
    fresh = [*chosen, *(one for one in known[LANGUAGES_SHOWN:] if one not in chosen)]
    people.change(session, reader.person, wiring.now(), languages=fresh)
    return True


def _stop(session: Session, wiring: Wiring, reader: Reader) -> str:
    if effects.stop_everything(session, wiring.now(), reader.delivery.id):
        _note(session, wiring, reader, "delivery.unsubscribed")
    return "stopped"


def _undo(session: Session, wiring: Wiring, reader: Reader) -> str:
    if effects.resubscribe(session, wiring.now(), reader.delivery.id):
        _note(session, wiring, reader, "delivery.resubscribed")
    return "undone"


def _note(session: Session, wiring: Wiring, reader: Reader, act: str) -> None:
    audit.note(
        session, wiring.now(), public_id("stk", reader.person.id), act, "delivery", reader.delivery.id,
        after={"how": "preferences"}, request_id=g.get("request_id"),
    )  # fmt: skip


def _values(session: Session, wiring: Wiring, reader: Reader) -> dict[str, str]:
    """What stands, by the names of the form: sending it again puts everything back."""
    found: dict[str, str] = {"pause": ""}
    for channel in reader.channels:
        standing = topics.latest(session, [reader.person.id], channel)
        rest = standing.get((reader.person.id, topics.EVERYTHING))
        for number in (topics.EVERYTHING, *(topic.id for topic in reader.offered)):
            own = standing.get((reader.person.id, number), rest)
            found[f"{channel}.{number}"] = own.frequency if own else topics.ALL
        found["pause"] = found["pause"] or _pause_day(wiring, reader, rest)
    for place in range(LANGUAGES_SHOWN):
        known = reader.person.languages
        found[f"language{place}"] = known[place] if place < len(known) else ""
    return found


def _pause_day(wiring: Wiring, reader: Reader, rest: Preference | None) -> str:
    if rest is None or rest.pause_until is None or rest.pause_until <= wiring.now():
        return ""
    zone = reader.zone or ZoneInfo(wiring.settings.workspace.zone)
    return rest.pause_until.astimezone(zone).date().isoformat()


def _show(
    session: Session,
    wiring: Wiring,
    reader: Reader,
    *,
    said: str = "",
    problem: bool = False,
    before: Mapping[str, str] | None = None,
) -> Response:
    language = page.language(*reader.person.languages, reader.delivery.language)
    values = _values(session, wiring, reader)
    if problem:  # what was chosen is not lost
        values |= {name: request.form[name] for name in values if name in request.form}
    rows = [(topic.id, topics.named(topic, language)) for topic in reader.offered]
    pauses = date.fromisoformat(values["pause"]) if values["pause"] and not problem else None
    return page.show(
        "preferences",
        language,
        422 if problem else 200,
        organisation=page.organisation(session, reader.delivery),
        address=page.masked(reader.delivery.address_key),
        channels=reader.channels,
        rows=rows,
        frequencies=FREQUENCIES,
        values=values,
        reads=_readable(reader, language),
        said=said,
        problem=problem,
        before=dict(before) if said == "saved" and before and before != values else {},
        paused=words.day(pauses, language) if pauses else "",
        stopped=effects.is_unsubscribed(session, wiring.now(), reader.delivery.id),
        undo_days=effects.UNDO_FOR.days,
    )


def _readable(reader: Reader, language: str) -> list[tuple[str, str]]:
    """The languages that may be wished for: those we write in, and those of theirs that we know of."""
    codes = dict.fromkeys([*words.LANGUAGES, *reader.person.languages])
    return [(code, words.LANGUAGES.get(code) or words.language_name(code, language)) for code in codes]
