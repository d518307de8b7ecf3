"""An installation with a great many people and deliveries, for measuring what people and programs wait for.

Rules: the sample year first, so that every kind of thing is there; then people and a ledger beside it, written straight
into the tables, as the engine would have left them.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, inspect, select
from sqlalchemy.orm import Session

from campaigns.base import Base, ids
from campaigns.delivery.tables import Account, Delivery
from campaigns.messages.tables import ContentItem, Message, MessageAccount, Occurrence, Variant
from campaigns.responses.tables import RawEvent, Response
from campaigns.stakeholders.tables import Address, Consent, Involvement, Stakeholder, StakeholderTag, Tag
from campaigns.stakeholders.text import fold
from campaigns.strategies.tables import StrategyVersion
from service.access import CONSOLE
from service.demo import names, year
from service.upgrade import upgrade
from service.wiring import Wiring

from . import busy

CHUNK = 5_000
PER_MESSAGE = 500
# Of each thousand deliveries so many have this state; the rest were sent.
STATES = {"bounced": 8, "failed": 4, "excluded": 60}
UNKNOWN = 200


def fill(wiring: Wiring, stakeholders: int, deliveries: int, responses: int = 20_000) -> int:
    """The sample year, and beside it so many people, deliveries and responses; the programme's id."""
    upgrade(wiring)
    programme = year.load(wiring, CONSOLE)
    people = _people(wiring, programme, stakeholders)
    _ledger(wiring, programme, people, deliveries)
    _answers(wiring, programme, people, responses)
    busy.fill(wiring, programme, people)
    return programme


def is_filled(wiring: Wiring) -> bool:
    """Whether somebody has filled this database before."""
    with wiring.database.read() as session:
        return inspect(session.connection()).has_table(Delivery.__tablename__) and bool(
            session.scalar(select(Delivery.id).limit(1))
        )


def _people(wiring: Wiring, programme: int, count: int) -> list[int]:
    luck, now = random.Random(1), wiring.now()
    made: list[int] = []
    with wiring.database.write() as session:
        tags = [Tag(name=f"tag {n}", name_fold=f"tag {n}") for n in range(20)]
        session.add_all(tags)
        session.flush()
        tag_ids = [tag.id for tag in tags]
    for start in range(0, count, CHUNK):
        with wiring.database.write() as session:
            numbers = list(itertools.islice(_ids(), min(CHUNK, count - start)))
            put(session, Stakeholder, (_person(luck, now, number) for number in numbers))
            put(session, Address, (address(now, number) for number in numbers))
            put(
                session,
                Involvement,
                ({"stakeholder_id": n, "programme_id": programme, "at": now} for n in numbers),
            )
            put(session, Consent, (consent(now, number) for number in numbers))
            put(
                session,
                StakeholderTag,
                ({"tag_id": luck.choice(tag_ids), "stakeholder_id": n} for n in numbers),
            )
            made += numbers
    return made


def _ids() -> Iterator[int]:
    while True:
        first = ids.block(1000)
        yield from range(first, first + 1000)


def _person(luck: random.Random, now: datetime, number: int) -> dict[str, Any]:
    first, last = luck.choice((names.WELSH, names.ENGLISH, names.ARABIC))
    name = f"{luck.choice(first)} {luck.choice(last)}"
    return {
        "id": number, "kind": "person", "name": name, "name_fold": fold(name),
        "languages": [luck.choice(("cy", "en", "ar"))], "attrs": {}, "attrs_fold": {}, "source": "api",
        "state": "active", "created_at": now, "updated_at": now,
    }  # fmt: skip


def address(now: datetime, number: int) -> dict[str, Any]:
    """A row of the mail address of stakeholder `number`."""
    value = f"p{number}@people.example"
    return {"stakeholder_id": number, "channel": "email", "value": value, "key": value, "created_at": now}


def consent(now: datetime, number: int) -> dict[str, Any]:
    """A row of what stakeholder `number` agreed to."""
    return {
        "stakeholder_id": number, "purpose": "direct_marketing", "channel": "email", "act": "given", "basis": "consent",
        "at": now, "source": "list", "evidence": {}, "actor": "console",
    }  # fmt: skip


def _ledger(wiring: Wiring, programme: int, people: list[int], count: int) -> None:
    """Finished mailings of PER_MESSAGE people each, one after the other over two years."""
    luck, now = random.Random(2), wiring.now()
    with wiring.database.read() as session:
        account = session.scalars(select(Account.id).where(Account.channel == "email")).first()
        version = session.scalars(select(StrategyVersion.id).order_by(StrategyVersion.id.desc())).first()
    assert account is not None and version is not None
    everyone = itertools.cycle(people)
    mailings = max(1, count // PER_MESSAGE)
    for place in range(mailings):
        at = now - timedelta(days=730 * (mailings - place) / mailings)
        with wiring.database.write() as session:
            occurrence, variant = _mailing(session, programme, version, account, place, at)
            some = [next(everyone) for _ in range(PER_MESSAGE)]
            rows = (_row(luck, at, occurrence, variant, account, one) for one in some)
            put(session, Delivery, rows)
            if place == mailings - 1:
                _unsure(session, occurrence)


def _mailing(
    session: Session, programme: int, version: int, account: int, place: int, at: datetime
) -> tuple[Occurrence, Variant]:
    edited = {"created_at": at, "updated_at": at}
    item = ContentItem(programme_id=programme, name=f"Mailing {place}", data={}, **edited)
    session.add(item)
    session.flush()
    variant = Variant(
        content_id=item.id, channel="email", language="en", n=1, subject=f"Mailing {place}", text="Hello {{ name }}",
        html="", slots=["name"], options={}, author="console", at=at
    )  # fmt: skip
    message = Message(
        programme_id=programme, strategy_version_id=version, content_id=item.id, purpose="direct_marketing",
        name=f"Mailing {place}", author="console", state="finished", at=at, **edited,
    )  # fmt: skip
    session.add_all([variant, message])
    session.flush()
    session.add(MessageAccount(message_id=message.id, account_id=account, channel="email"))
    occurrence = Occurrence(
        message_id=message.id, wall=at.strftime("%Y-%m-%dT%H:%M"), zone="UTC", due_at=at, state="finished",
        released_at=at, finished_at=at,
    )  # fmt: skip
    session.add(occurrence)
    session.flush()
    return occurrence, variant


def _row(
    luck: random.Random, at: datetime, occurrence: Occurrence, variant: Variant, account: int, who: int
) -> dict[str, Any]:
    state = luck.choices([*STATES, "sent"], [*STATES.values(), 1000 - sum(STATES.values())])[0]
    went = state in ("sent", "bounced", "failed")
    return {
        "occurrence_id": occurrence.id, "message_id": occurrence.message_id, "target": who, "stakeholder_id": who,
        "channel": "email", "account_id": account, "address_key": f"p{who}@people.example", "language": "en",
        "variant_id": variant.id, "state": state,
        "reason": {"excluded": "no_lawful_basis", "failed": "refused"}.get(state), "due_at": at,
        "attempt": int(went), "intent_at": at if went else None,
        "sent_at": at if state == "sent" else None, "settled_at": at, "slots": None, "error": None,
    }  # fmt: skip


def _unsure(session: Session, occurrence: Occurrence) -> None:
    rows = session.scalars(select(Delivery).where(Delivery.occurrence_id == occurrence.id).limit(UNKNOWN))
    for row in rows:
        row.state, row.next_at, row.settled_at = "unknown", None, None


def _answers(wiring: Wiring, programme: int, people: list[int], count: int) -> None:
    """What came back, the newest fifty not answered."""
    now, luck = wiring.now(), random.Random(3)
    with wiring.database.read() as session:
        account = session.scalars(select(Account.id).where(Account.channel == "email")).first()
    for start in range(0, count, CHUNK):
        size = min(CHUNK, count - start)
        raws, answers = list(itertools.islice(_ids(), size)), list(itertools.islice(_ids(), size))
        with wiring.database.write() as session:
            moments = [now - timedelta(minutes=30 * (count - start - n)) for n in range(size)]
            put(session, RawEvent, (
                {"id": raw, "account_id": account, "event_key": f"large:{raw}", "via": "poll", "at": at, "sha256": "",
                 "event": {}, "state": "done", "next_at": at, "tries": 0}
                for raw, at in zip(raws, moments, strict=True)
            ))  # fmt: skip
            put(session, Response, (
                _answer(account, programme, raw, answer, at, who, luck, is_open=start + n >= count - 50)
                for n, (raw, answer, at, who) in enumerate(
                    zip(raws, answers, moments, luck.choices(people, k=size), strict=True)
                )
            ))  # fmt: skip


def _answer(
    account: int | None, programme: int, raw: int, number: int, at: datetime, who: int, luck: random.Random, *,
    is_open: bool,
) -> dict[str, Any]:  # fmt: skip
    over = None if is_open else at
    return {
        "id": number, "raw_id": raw, "account_id": account, "channel": "email", "kind": "reply", "at": at,
        "from_key": f"p{who}@people.example", "from_name": "", "stakeholder_id": who, "programme_id": programme,
        "matched_by": "address", "subject": "Re: Mailing", "text": luck.choice(names.REPLIES["en"]), "meta": {},
        "answered_at": over, "closed_at": over,
    }  # fmt: skip


def put(session: Session, table: type[Base], rows: Iterable[Mapping[str, Any]]) -> None:
    """Insert them in one statement."""
    if told := list(rows):
        session.execute(insert(table), told)
