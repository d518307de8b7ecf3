"""A letter in Welsh and Arabic to a great many people, for measuring how mail goes out.

Rules: of each hundred people one is suppressed, one has no lawful basis and five want it once a week at most; the
people are written straight into the tables, all else by the functions that pages and programs call. The letter has
about 10 KB as it travels, plain and HTML, with five links of each reader's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns.base import ids
from campaigns.delivery import accounts, release
from campaigns.delivery.tables import Account
from campaigns.messages import content, messages
from campaigns.messages.tables import Message
from campaigns.stakeholders import segments, topics
from campaigns.stakeholders.tables import (
    Address,
    Consent,
    Involvement,
    Preference,
    Stakeholder,
    Suppression,
)
from campaigns.stakeholders.text import fold
from campaigns.strategies import programmes, strategies
from connectors import registry
from service.upgrade import upgrade
from service.wiring import Wiring

from . import large

CHUNK = 2_000
SENDER = "newyddion@mail.example"
WELSH = (
    "Mae'r gwaith ar y bont newydd yn dechrau yn y gwanwyn, ac mae arnom eisiau clywed gennych cyn hynny. "
)
ARABIC = "يبدأ العمل على الجسر الجديد في الربيع، ونود أن نسمع رأيكم قبل ذلك. "
GREETING = {"cy": "Annwyl {{ name }} o {{ fields.town }},", "ar": "{{ name }} من {{ fields.town }}،"}
SUBJECT = {"cy": "Newyddion o'ch ardal, {{ name }}", "ar": "أخبار منطقتكم، {{ name }}"}
BODY = {"cy": WELSH, "ar": ARABIC}
NAMES = {"cy": "Siân Llwyd-Prŷs", "ar": "فاطمة الزهراء"}
LINK = "https://news.example.org/{place}?reader={{{{ reader_token }}}}"
# A value inside a style is what the compiled form does not do.
ODD = '<p style="color: {{ fields.town }}">…</p>'


@dataclass(frozen=True, slots=True)
class Letters:
    """Two drafts to the same people: one whose words compile, and one whose words do not."""

    compiled: int
    fallback: int


def prepare(wiring: Wiring, recipients: int, port: int) -> Letters:
    """An installation with so many people, a relay on this machine, and the drafts."""
    upgrade(wiring)
    now = wiring.now()
    with wiring.database.write() as session:
        programme = programmes.general(session, now).id
        topic = topics.create(session, now, names={"en": "News"}, programme_id=programme).id
    for start in range(0, recipients, CHUNK):
        with wiring.database.write() as session:
            _people(session, now, programme, topic, range(start, min(start + CHUNK, recipients)))
    with wiring.database.write() as session:
        account = _account(session, now, port)
        rule = {"field": "kind", "op": "is", "value": "person"}
        everybody = segments.create(session, now, programme_id=programme, name="Everybody", rule=rule)
        both = [_draft(session, now, account, everybody.id, topic, odd) for odd in ("", ODD)]
    return Letters(*both)


def submit(wiring: Wiring, message_id: int, at: datetime | None = None) -> None:
    """Let a draft go now, or at `at`; one to people who were named has its rows at once, as by the act."""
    with wiring.database.write() as session:
        message = session.get_one(Message, message_id)
        messages.edit(session, wiring.now(), message, at=at or wiring.now(), zone="UTC")
        messages.submit(session, wiring.now(), message)
        if message.segment_id is None:
            release.at_once(session, message, wiring.now())


def single(wiring: Wiring, message_id: int, lane: str, count: int) -> list[int]:
    """As many drafts with the words of another, each to one person whom nothing keeps from getting it."""
    with wiring.database.write() as session:
        model = session.get_one(Message, message_id)
        account = session.scalars(select(Account)).one()
        return [
            messages.create(
                session, wiring.now(), author="user:bench", programme_id=model.programme_id, purpose=model.purpose,
                strategy_version_id=model.strategy_version_id, content_id=model.content_id, lane=lane,
                accounts=[(account.id, account.channel)], recipients=[(person, 0)],
            ).id
            for person in _undisturbed(session, count)
        ]  # fmt: skip


def _undisturbed(session: Session, count: int) -> list[int]:
    """People who are not suppressed, agreed, and chose no frequency; of each hundred there are five of their kind."""
    names = [_name(place) for place in range(3, 20 * count, 20)]
    found = list(session.scalars(select(Stakeholder.id).where(Stakeholder.name.in_(names))))
    if len(found) < count:
        raise SystemExit(f"{count} messages to one person each need {20 * count:,} recipients")
    return found


def through(wiring: Wiring, secrets: Mapping[str, str], **settings: Any) -> None:
    """Have the account reach its relay in another way."""
    with wiring.database.write() as session:
        account = session.scalars(select(Account)).one()
        wiring.keep(session, account, secrets)
        accounts.change(session, account, wiring.now(), settings=account.settings | settings)
        accounts.declare(account, registry.connect(account.connector, account.settings, secrets))


def words(language: str, odd: str = "") -> dict[str, Any]:
    """Subject, text and HTML in a language."""
    greeting, body = GREETING[language], BODY[language]
    paragraphs = [body * 4 for _ in range(8)]
    links = [LINK.format(place=place) for place in ("story", "vote", "map")]
    text = "\n\n".join([greeting, *paragraphs[:5], *links, "{{ unsubscribe_url }}", "{{ preferences_url }}"])
    anchors = "".join(f'<p><a href="{link}">{body[:40]}</a></p>' for link in links)
    ways = '<p><a href="{{ unsubscribe_url }}">×</a> <a href="{{ preferences_url }}">…</a></p>'
    html = f"<h1>{greeting}</h1>" + "".join(f"<p>{one}</p>" for one in paragraphs) + anchors + odd + ways
    return {"subject": SUBJECT[language], "text": text, "html": html}


def _account(session: Session, now: datetime, port: int) -> Account:
    made = accounts.create(
        session, now, name="relay", connector="smtp", channel="email", sender=SENDER, sender_name="Newyddion",
        settings={"host": "127.0.0.1", "port": port, "security": "off"},
    )  # fmt: skip
    accounts.declare(made, registry.connect(made.connector, made.settings, {}))
    return made


def _draft(
    session: Session, now: datetime, account: Account, segment_id: int, topic_id: int, odd: str
) -> int:
    programme_id = programmes.general(session, now).id
    item = content.create(session, now, programme_id, "News")
    for language in BODY:
        content.save_variant(
            session,
            now,
            item,
            channel="email",
            language=language,
            author="user:bench",
            **words(language, odd),
        )
    made = messages.create(
        session, now, author="user:bench", programme_id=programme_id, content_id=item.id,
        strategy_version_id=strategies.everyday(session, programme_id, now).id, purpose="direct_marketing",
        accounts=[(account.id, account.channel)], segment_id=segment_id, topic_id=topic_id, lane="bulk",
    )  # fmt: skip
    return made.id


def _people(session: Session, now: datetime, programme_id: int, topic_id: int, places: range) -> None:
    first = ids.block(len(places))
    numbers = {place: first + offset for offset, place in enumerate(places)}
    large.put(session, Stakeholder, (_person(now, number, place) for place, number in numbers.items()))
    large.put(session, Address, (large.address(now, number) for number in numbers.values()))
    large.put(
        session, Involvement,
        ({"stakeholder_id": number, "programme_id": programme_id, "at": now} for number in numbers.values()),
    )  # fmt: skip
    asked = [number for place, number in numbers.items() if place % 100 != 1]
    large.put(session, Consent, (large.consent(now, number) for number in asked))
    gone = [number for place, number in numbers.items() if place % 100 == 0]
    large.put(session, Suppression, (_suppression(now, number) for number in gone))
    seldom = [number for place, number in numbers.items() if place % 20 == 2]
    large.put(session, Preference, (_preference(now, number, topic_id) for number in seldom))


def _person(now: datetime, number: int, place: int) -> dict[str, Any]:
    name, attrs = _name(place), {"town": "Aberystwyth"}
    return {
        "id": number, "kind": "person", "name": name, "name_fold": fold(name), "languages": [_language(place)],
        "attrs": attrs, "attrs_fold": attrs, "created_at": now, "updated_at": now,
    }  # fmt: skip


def _language(place: int) -> str:
    return ("cy", "ar")[place % 2]


def _name(place: int) -> str:
    return f"{NAMES[_language(place)]} {place}"


def _suppression(now: datetime, number: int) -> dict[str, Any]:
    return {
        "channel": "email", "address_key": f"p{number}@people.example", "reason": "manual", "origin": "admin",
        "at": now, "evidence": {},
    }  # fmt: skip


def _preference(now: datetime, number: int, topic_id: int) -> dict[str, Any]:
    return {
        "stakeholder_id": number, "topic_id": topic_id, "channel": "email", "frequency": "weekly", "at": now,
        "source": "list", "actor": "console", "evidence": {},
    }  # fmt: skip
