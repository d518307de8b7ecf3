"""Tests that a page asks the database a fixed number of questions, however many rows there are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event, insert, select
from sqlalchemy.orm import Session

from campaigns.audit import AuditEntry
from campaigns.base import new_id
from campaigns.delivery.tables import Delivery
from campaigns.responses.tables import RawEvent, Response
from campaigns.stakeholders import addresses, people, segments
from campaigns.stakeholders.tables import Segment
from service.wiring import Wiring
from tests.places import addresses as places
from tests.service import samples

from .conftest import Browser

FEW, MORE = 3, 9
CROWD = 60  # more than a page of any list holds


@contextmanager
def asked(wiring: Wiring) -> Iterator[list[str]]:
    """The statements that are sent meanwhile."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        found.append(statement)

    event.listen(wiring.database.read_engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(wiring.database.read_engine, "before_cursor_execute", note)


def statements(wiring: Wiring, browser: Browser) -> dict[str, int]:
    """How many statements each page sends, by its rule."""
    with wiring.database.read() as session:
        found = places(session)
    counted = {}
    for rule, address in found.items():
        with asked(wiring) as sent:
            answer = browser.client.get(address, headers={"Accept": "text/html"})
        assert answer.status_code in (200, 303, 404), (address, answer.text[-1000:])
        counted[rule] = len(sent)
    return counted


def one_of_each(wiring: Wiring, count: int) -> None:
    """So many programmes with an example of every kind in each."""
    for _ in range(count):
        with wiring.database.write() as session:
            now = wiring.now()
            samples.world(session, now, samples.programme(session, now, f"Programme {new_id()}"))


def crowd(wiring: Wiring, count: int) -> None:
    """So many people around the newest of each kind: in its group, its ledger, its inbox."""
    with wiring.database.write() as session:
        now = wiring.now()
        group = session.scalars(
            select(Segment).where(Segment.kind == "picked").order_by(Segment.id.desc())
        ).first()
        row = session.scalars(select(Delivery).order_by(Delivery.id.desc())).first()
        answer = session.scalars(select(Response).order_by(Response.id.desc())).first()
        assert group is not None and row is not None and answer is not None
        for n in range(count):
            who = people.create(session, now, kind="person", name=f"Person {n}")
            people.involve(session, now, who.id, group.programme_id)
            people.tag(session, who.id, f"tag {new_id()}")
            address = addresses.add(session, now, who.id, "email", f"p{who.id}@example.org")
            segments.pick(session, group, [who.id])
            _copied(session, row, target=who.id, stakeholder_id=who.id, address_key=address.key)
            raw = session.get_one(RawEvent, answer.raw_id)
            number = _copied(session, raw, event_key=f"test {who.id}")
            _copied(session, answer, raw_id=number, stakeholder_id=who.id, from_key=address.key)
            entry = {"act": "stakeholder.changed", "kind": "stakeholder", "ref": who.id}
            session.execute(insert(AuditEntry).values(at=now, actor=f"usr_{n:013}", **entry))


def _copied(session: Session, row: Any, **values: Any) -> int:
    """A row like another one, but for these values."""
    kind, number = type(row), new_id()
    same = {one.key: getattr(row, one.key) for one in kind.__mapper__.column_attrs}
    session.execute(insert(kind).values({**same, **values, "id": number}))
    return number


def test_no_page_sends_more_statements_for_more_rows(wiring: Wiring, browser: Browser) -> None:
    """Rows are read by a fixed number of statements, and never one by one."""
    one_of_each(wiring, FEW)
    crowd(wiring, FEW)
    few = statements(wiring, browser)
    one_of_each(wiring, MORE)
    crowd(wiring, CROWD)
    many = statements(wiring, browser)
    assert {rule: (few[rule], many[rule]) for rule in few if many[rule] > few[rule]} == {}
