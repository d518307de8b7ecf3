"""What makes a great installation slow where it is slow: a mailing to everybody, groups by rule, records that are long.

Rules: written beside the people and the ledger of `large.py`, as the acts and the engine would have left it.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from campaigns.audit import AuditEntry
from campaigns.base import public_id
from campaigns.delivery.tables import Account, Delivery
from campaigns.messages.tables import ContentItem, Message, MessageAccount, Occurrence, Variant
from campaigns.responses.tables import Interaction, Response
from campaigns.stakeholders import segments
from campaigns.stakeholders.tables import Import, ImportRow, Involvement, Segment
from campaigns.strategies.tables import StrategyVersion
from service.tables import Notice, User
from service.wiring import Wiring

CHUNK = 5_000
TAGS = 20
# One person has so many of each kind on their record.
LETTERS, MEETINGS, REPLIES = 2_000, 300, 300
ROWS_IMPORTED = 5_000
AUDIT = 100_000
NOTICES = 5_000
OPEN = 300
EVERYBODY, NOBODY = "Everybody (large)", "Nobody (large)"
# Of each thousand of a mailing to everybody: its state, why, and how many.
FATES = (
    ("excluded", "no_lawful_basis", 40), ("excluded", "suppressed", 12), ("excluded", "no_address", 8),
    ("bounced", None, 8), ("failed", "refused", 4), ("sent", None, 928),
)  # fmt: skip


def fill(wiring: Wiring, programme: int, people: Sequence[int]) -> None:
    """All of it; `people` are those of the ledger."""
    everybody = _groups(wiring, programme)
    _mailing(wiring, programme, everybody, people)
    _draft(wiring, programme, everybody)
    _long_record(wiring, programme, people[-1])
    _imported(wiring, programme, people)
    _audited(wiring, programme, people)
    _noticed(wiring)
    _reopened(wiring)


def places(session: Session) -> dict[str, str]:  # long: a table
    """Pages as they are for the greatest of their kind, beside the newest: a name and an address."""
    everybody = session.scalars(select(Segment.id).where(Segment.name == EVERYBODY)).one()
    of_all = select(Message.id).where(Message.segment_id == everybody)
    sent = public_id("msg", session.scalars(of_all.where(Message.state == "finished")).one())
    draft = public_id("msg", session.scalars(of_all.where(Message.state == "draft")).one())
    newest = public_id("imp", session.scalars(select(Import.id).order_by(Import.id.desc())).first() or 0)
    group = public_id("seg", everybody)
    newest_person = select(Involvement).order_by(Involvement.stakeholder_id.desc())
    held = session.scalars(newest_person).first()
    person, programme = (held.stakeholder_id, held.programme_id) if held is not None else (0, 0)
    empty = public_id("seg", session.scalars(select(Segment.id).where(Segment.name == NOBODY)).one())
    return {
        "/people/<stk:number>/in/<prg:programme_id>": (
            f"/people/{public_id('stk', person)}/in/{public_id('prg', programme)}"
        ),
        "/messages/… to everybody, sent": f"/messages/{sent}",
        "/messages/…/who to everybody": f"/messages/{sent}/who",
        "/messages/…/who to everybody, left out": f"/messages/{sent}/who?state=excluded",
        "/messages/… to everybody, draft": f"/messages/{draft}",
        "/messages/…/audience of everybody": f"/messages/{draft}/audience",
        "/groups/… of everybody": f"/groups/{group}",
        "/groups/…/edit of everybody": f"/groups/{group}/edit",
        "/groups/… of nobody": f"/groups/{empty}",
        "/groups/…/edit of nobody": f"/groups/{empty}/edit",
        "/people/imports/… of thousands": f"/people/imports/{newest}",
        "/people by beginning": "/people?begins=he",
        "/people by kind": "/people?kind=organisation",
        "/people by tag": "/people?tag=tag+7",
        "/people by language": "/people?speaks=ar",
        "/people by language nobody speaks": "/people?speaks=xx",
        "/people by role": "/people?role=partner",
        "/messages that are drafts": "/messages?state=draft",
        "/who bounced": "/who?state=bounced",
        "/who unknown": "/who?state=unknown",
        "/inbox closed": "/inbox?folder=done",
        "/inbox of mine": "/inbox?folder=mine",
        "/settings/audit of an actor": "/settings/audit?actor=console",
        "/calendar a month": "/calendar?view=month",
        "/calendar as a list": "/calendar?view=agenda",
        "/search many": "/search?q=mailing",
        "/search two words": "/search?q=helen+evans",
        "/search one letter": "/search?q=h",
        "/search nobody": "/search?q=qqqq",
    }


def _groups(wiring: Wiring, programme: int) -> int:
    """A group by each tag, one by language, and everybody's, counted as the clock keeps them."""
    with wiring.database.write() as session:
        now = wiring.now()
        for n in range(TAGS):
            rule = {"all": [{"field": "tag", "op": "has", "value": f"tag {n}"}]}
            made = segments.create(session, now, programme_id=programme, name=f"Tagged {n}", rule=rule)
            segments.recount(session, now, made)
        nobody = {"field": "tag", "op": "has", "value": "nobody has it"}
        made = segments.create(session, now, programme_id=programme, name=NOBODY, rule=nobody)
        segments.recount(session, now, made)
        everybody = segments.create(
            session, now, programme_id=programme, name=EVERYBODY, rule={"field": "kind", "op": "is", "value": "person"}
        )  # fmt: skip
        segments.recount(session, now, everybody)
        return everybody.id


def _written(
    session: Session, programme: int, group: int, written: datetime, **values: Any
) -> tuple[Message, Variant, Account]:
    """A message to a group, through the first mail account."""
    account = session.scalars(select(Account).where(Account.channel == "email", ~Account.test)).first()
    version = session.scalars(select(StrategyVersion.id).order_by(StrategyVersion.id.desc())).first()
    assert account is not None and version is not None
    edited = {"created_at": written, "updated_at": written}
    item = ContentItem(programme_id=programme, name="To everybody", data={}, source_language="en", **edited)
    session.add(item)
    session.flush()
    variant = Variant(
        content_id=item.id, channel="email", language="en", n=1, subject="To everybody", text="Hello {{ name }}",
        html="", slots=["name"], options={}, author="console", at=written,
    )  # fmt: skip
    message = Message(
        programme_id=programme, strategy_version_id=version, content_id=item.id, segment_id=group,
        purpose="direct_marketing", name="To everybody", author="console", **values, **edited,
    )  # fmt: skip
    session.add_all([variant, message])
    session.flush()
    session.add(MessageAccount(message_id=message.id, account_id=account.id, channel="email"))
    return message, variant, account


def _mailing(wiring: Wiring, programme: int, group: int, people: Sequence[int]) -> None:
    """A finished mailing with a row for everybody."""
    luck, at = random.Random(4), wiring.now() - timedelta(days=1)
    with wiring.database.write() as session:
        message, variant, account = _written(session, programme, group, at, state="finished", at=at)
        occurrence = Occurrence(
            message_id=message.id, wall=at.strftime("%Y-%m-%dT%H:%M"), zone="UTC", due_at=at, state="finished",
            released_at=at, finished_at=at,
        )  # fmt: skip
        session.add(occurrence)
        session.flush()
        same = {
            "occurrence_id": occurrence.id, "message_id": message.id, "channel": "email", "account_id": account.id,
            "language": "en", "due_at": at, "settled_at": at, "slots": None, "error": None,
        }  # fmt: skip
    weights = [many for _state, _reason, many in FATES]
    for start in range(0, len(people), CHUNK):
        with wiring.database.write() as session:
            some = people[start : start + CHUNK]
            fates = luck.choices(FATES, weights, k=len(some))
            told = zip(some, fates, strict=True)
            session.execute(
                insert(Delivery), [_row(same, variant.id, at, who, *fate[:2]) for who, fate in told]
            )


def _row(
    same: dict[str, Any], variant: int, at: datetime, who: int, state: str, reason: str | None
) -> dict[str, Any]:
    went = state != "excluded"
    return {
        **same, "target": who, "stakeholder_id": who, "address_key": f"p{who}@people.example", "state": state,
        "reason": reason, "variant_id": variant if went else None, "attempt": int(went),
        "intent_at": at if went else None, "sent_at": at if state == "sent" else None,
    }  # fmt: skip


def _draft(wiring: Wiring, programme: int, group: int) -> None:
    with wiring.database.write() as session:
        _written(session, programme, group, wiring.now(), state="draft")


def _long_record(wiring: Wiring, programme: int, who: int) -> None:
    """Somebody with whom there was a great deal: letters, meetings and replies over the years."""
    now = wiring.now()
    with wiring.database.write() as session:
        mailings = session.execute(
            select(Occurrence.id, Occurrence.message_id, Occurrence.due_at)
            .join(Message, Message.id == Occurrence.message_id)
            .where(Message.name.startswith("Mailing "))
            .order_by(Occurrence.id.desc())
            .limit(LETTERS)
        ).all()
        example = session.scalars(select(Delivery).where(Delivery.stakeholder_id == who).limit(1)).one()
        same = {
            "channel": "email",
            "account_id": example.account_id,
            "language": "en",
            "slots": None,
            "error": None,
        }
        has = set(session.scalars(select(Delivery.occurrence_id).where(Delivery.stakeholder_id == who)))
        rows = [
            {**_row(same, example.variant_id or 0, at, who, "sent", None), "occurrence_id": occurrence,
             "message_id": message, "due_at": at, "settled_at": at}
            for occurrence, message, at in mailings if occurrence not in has
        ]  # fmt: skip
        if rows:
            session.execute(insert(Delivery), rows)
        met = [
            {"stakeholder_id": who, "programme_id": programme, "kind": "meeting", "at": now - timedelta(days=n),
             "place": "Town hall", "notes": "We met again.", "by": "console", "created_at": now}
            for n in range(MEETINGS)
        ]  # fmt: skip
        session.execute(insert(Interaction), met)
        theirs = session.scalars(select(Response.id).order_by(Response.id).limit(REPLIES)).all()
        said = {"stakeholder_id": who, "from_key": f"p{who}@people.example"}
        session.execute(update(Response).where(Response.id.in_(theirs)).values(**said))


def _imported(wiring: Wiring, programme: int, people: Sequence[int]) -> None:
    """A finished import of thousands, of which every fiftieth line was refused."""
    now = wiring.now()
    with wiring.database.write() as session:
        refused = ROWS_IMPORTED // 50
        made = Import(
            programme_id=programme, filename="everybody.csv", sha256="", body=None, mapping={"name": "name"},
            detected={"encoding": "utf-8", "delimiter": ",", "header": ["name", "email"]}, state="finished",
            total=ROWS_IMPORTED, done=ROWS_IMPORTED, actor="console", created_at=now, updated_at=now,
            counts={"updated": ROWS_IMPORTED - refused, "refused": refused},
        )  # fmt: skip
        session.add(made)
        session.flush()
        problem = {"column": "email", "code": "bad_address", "detail": "this is not an address"}
        rows = [
            {"import_id": made.id, "line": n + 2, "outcome": "refused" if n % 50 == 0 else "updated",
             "stakeholder_id": None if n % 50 == 0 else who, "problems": [problem] if n % 50 == 0 else [],
             "cells": ["Somebody", "not an address"] if n % 50 == 0 else None}
            for n, who in zip(range(ROWS_IMPORTED), itertools.cycle(people))
        ]  # fmt: skip
        session.execute(insert(ImportRow), rows)


def _audited(wiring: Wiring, programme: int, people: Sequence[int]) -> None:
    luck, now = random.Random(5), wiring.now()
    with wiring.database.read() as session:
        actors = ["console", *(public_id("usr", one) for one in session.scalars(select(User.id)))]
    acts = ("stakeholder.changed", "stakeholder.created", "consent.given", "stakeholder.tagged")
    for start in range(0, AUDIT, CHUNK):
        with wiring.database.write() as session:
            session.execute(insert(AuditEntry), [
                {"at": now - timedelta(minutes=AUDIT - start - n), "actor": luck.choice(actors),
                 "act": luck.choice(acts), "kind": "stakeholder", "ref": luck.choice(people),
                 "programme_id": programme, "before": None, "after": {"n": n}, "request_id": None}
                for n in range(CHUNK)
            ])  # fmt: skip


def _noticed(wiring: Wiring) -> None:
    now = wiring.now()
    with wiring.database.write() as session:
        people = itertools.cycle(session.scalars(select(User.id)).all())
        session.execute(insert(Notice), [
            {"user_id": next(people), "kind": "assigned", "ref": f"large:{n}", "facts": {"path": "/inbox"},
             "at": now - timedelta(minutes=n), "state": "sent", "next_at": now, "tries": 1, "error": None}
            for n in range(NOTICES)
        ])  # fmt: skip


def _reopened(wiring: Wiring) -> None:
    """So many of what came last nobody has answered."""
    with wiring.database.write() as session:
        newest = select(Response.id).where(Response.kind == "reply").order_by(Response.id.desc()).limit(OPEN)
        still = {"answered_at": None, "closed_at": None, "closed_by": None, "closed_why": None}
        session.execute(update(Response).where(Response.id.in_(newest.scalar_subquery())).values(**still))
