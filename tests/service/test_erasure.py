"""Erasing somebody at their own wish: no trace of them, the ledger adds up, and they do not come back unnoticed."""

from __future__ import annotations

from io import BytesIO

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.orm import Session

from campaigns.audit import AuditEntry
from campaigns.base import new_id
from campaigns.delivery import reconcile
from campaigns.delivery.tables import Attempt, Delivery, DeliveryEvent
from campaigns.messages.tables import ContentItem, Message, Variant
from campaigns.responses import attachments
from campaigns.responses.tables import Interaction, RawEvent, Response, ResponseNote
from campaigns.stakeholders import addresses, consent, tombstones
from campaigns.stakeholders import people as domain
from campaigns.stakeholders.tables import Stakeholder, Suppression, Tombstone
from service.ids import shown
from service.wiring import Wiring, metadata

from . import samples
from .conftest import Api, People

CANARY = "Xanthippe"
KEY = f"{CANARY.lower()}@erased.example"


@pytest.fixture
def world(wiring: Wiring) -> dict[str, int]:
    """Somebody with a word of theirs wherever one can stand."""
    now = wiring.now()
    with wiring.database.write() as session:
        made = samples.world(session, now, samples.programme(session, now, "Here"))
        person = session.get_one(Stakeholder, made["stk"])
        domain.change(session, person, now, name=CANARY, external_id=CANARY)
        addresses.add(session, now, person.id, "email", KEY)
        mine = {"stakeholder_id": person.id}
        session.execute(
            update(Delivery)
            .where(Delivery.id == made["dlv"])
            .values(slots={"name": CANARY}, error={"words": CANARY}, address_key=KEY)
        )
        session.execute(
            insert(Attempt).values(
                delivery_id=made["dlv"], n=1, seq=0, token=1, noted_at=now, outcome="deferred", error={"w": KEY}
            )
        )  # fmt: skip
        response_id = _wrote(session, wiring, made)
        contact = Interaction(
            programme_id=made["prg"], kind="meeting", at=now, notes=CANARY, participants=CANARY, place=CANARY,
            by="usr_0", created_at=now, **mine,
        )  # fmt: skip
        session.add(contact)
        session.flush()
        kept = attachments.keep(wiring.settings.folder, [(f"{CANARY}.txt", BytesIO(CANARY.encode()))])
        attachments.attach(session, now, contact, kept, "usr_0")
        consent.give(
            session, now, person.id, "direct_marketing", "email", basis="consent", source="a form",
            actor="recipient", evidence={"ip": CANARY},
        )  # fmt: skip
        consent.suppress(
            session, now, channel="email", address_key=KEY, reason="hard_bounce", origin="recipient"
        )
        _answered(session, made, response_id)
    return {**made, "file": len(kept)}


def _wrote(session: Session, wiring: Wiring, made: dict[str, int]) -> int:
    now, mine = wiring.now(), {"stakeholder_id": made["stk"]}
    raw = RawEvent(
        account_id=made["acc"], event_key=f"{new_id()}", via="poll", at=now, sha256="-", event={"from": KEY},
        body=CANARY.encode(), state="done", next_at=now,
    )  # fmt: skip
    session.add(raw)
    session.flush()
    response = Response(
        raw_id=raw.id, account_id=made["acc"], channel="email", kind="reply", at=now, from_key=KEY,
        from_name=CANARY, subject=CANARY, text=CANARY, meta={"from": KEY}, matched_by="person", **mine,
    )  # fmt: skip
    session.add(response)
    session.flush()
    session.add(ResponseNote(response_id=response.id, text=CANARY, by="usr_0", at=now))
    _read_it(session, wiring, made)
    return response.id


def _read_it(session: Session, wiring: Wiring, made: dict[str, int]) -> None:
    """A provider told that they opened it; nobody answered."""
    now, told = wiring.now(), {"account_id": made["acc"], "event_key": f"{new_id()}"}
    session.add(
        RawEvent(
            **told, via="push", at=now, sha256="-", event={"about": KEY}, body=CANARY.encode(), state="done",
            next_at=now,
        )
    )  # fmt: skip
    session.add(
        DeliveryEvent(**told, delivery_id=made["dlv"], kind="opened", at=now, stakeholder_id=made["stk"])
    )


def _answered(session: Session, made: dict[str, int], response_id: int) -> None:
    message = session.get_one(Message, made["msg"])
    session.execute(
        update(Message).where(Message.id == message.id).values(answers_id=response_id, name=CANARY)
    )
    session.execute(
        update(Variant).where(Variant.content_id == message.content_id).values(text=f"Dear {CANARY}")
    )
    session.execute(update(ContentItem).where(ContentItem.id == message.content_id).values(name=CANARY))


def traces(wiring: Wiring) -> list[str]:
    """Where anything still tells of them: each table, and the full text of each search."""
    found = []
    with wiring.database.read() as session:
        for table in metadata.sorted_tables:
            rows = str(session.execute(select(table)).all()).lower()
            if CANARY.lower() in rows:
                found.append(table.name)
        if wiring.database.is_sqlite:
            for name in ("search_people", "search_messages", "search_variants", "search_responses"):
                there = session.execute(text(f"SELECT 1 FROM sqlite_master WHERE name = '{name}'")).all()
                match = f"SELECT 1 FROM {name} WHERE {name} MATCH '{CANARY.lower()}'"
                if there and session.execute(text(match)).all():
                    found.append(name)
    files = [path for path in wiring.settings.folder.rglob("*") if path.is_file()]
    return found + [path.name for path in files if CANARY.encode() in path.read_bytes()]


def path(world: dict[str, int]) -> str:
    return f"/v1/stakeholders/{shown('stakeholder', world['stk'])}"


def test_nothing_tells_of_them_and_the_ledger_adds_up(
    wiring: Wiring, api: Api, admin: str, world: dict[str, int]
) -> None:
    """UK GDPR 17: a full scan of every table, index and file."""
    assert len(traces(wiring)) > 8
    with wiring.database.read() as session:
        before = reconcile.counts(session, world["msg"])
    erased = api.post(f"{path(world)}/erase", admin, json={"reason": "asked by letter"})
    assert erased.status_code == 204, erased.json
    assert traces(wiring) == []
    with wiring.database.read() as session:
        after = reconcile.counts(session, world["msg"])
        person = session.get_one(Stakeholder, world["stk"])
        row = session.get_one(Delivery, world["dlv"])
        assert (person.state, row.state, row.reason) == ("erased", "excluded", "erased")
        acts = session.scalars(select(AuditEntry.act).where(AuditEntry.ref == person.id)).all()
    assert after["intended"] == before["intended"] and after["excluded"] == before["excluded"] + 1
    assert "stakeholder.erased" in acts
    assert api.get(path(world), admin).status_code == 404
    assert api.post(f"{path(world)}/erase", admin, json={"reason": "again"}).status_code == 404


def test_their_address_is_not_taken_in_again_but_they_may_come_back(
    wiring: Wiring, api: Api, admin: str, world: dict[str, int]
) -> None:
    """C17: by the API and by a file; a keyed hash is all that is kept."""
    api.post(f"{path(world)}/erase", admin, json={"reason": "asked by letter"})
    again = {"kind": "person", "name": "Somebody", "addresses": [{"channel": "email", "value": KEY.upper()}]}
    assert api.post("/v1/stakeholders", admin, json=again).status_code == 409
    with wiring.database.write() as session:
        assert tombstones.buried(session, [("email", KEY), ("email", "other@erased.example")]) == {
            ("email", KEY)
        }
        kept = session.scalars(select(Tombstone)).all()
        assert len(kept) == 2 and KEY not in str([vars(one) for one in kept])
        person = domain.create(session, wiring.now(), kind="person", name="New")
        assert addresses.add(session, wiring.now(), person.id, "email", KEY, own=True).key == KEY


def test_another_key_ring_finds_nothing(wiring: Wiring, api: Api, admin: str, world: dict[str, int]) -> None:
    api.post(f"{path(world)}/erase", admin, json={"reason": "asked by letter"})
    with wiring.database.write() as session:
        session.info[tombstones.KEYS] = (b"a guess",)
        assert tombstones.buried(session, [("email", KEY)]) == set()


def test_whoever_shares_the_address_keeps_it(
    wiring: Wiring, api: Api, admin: str, world: dict[str, int]
) -> None:
    with wiring.database.write() as session:
        other = domain.create(session, wiring.now(), kind="person", name="Bob").id
        addresses.add(session, wiring.now(), other, "email", KEY)
    api.post(f"{path(world)}/erase", admin, json={"reason": "asked by letter"})
    with wiring.database.write() as session:
        assert addresses.holders(session, "email", KEY) == [other]
        assert session.scalars(select(Suppression.reason).where(Suppression.address_key == KEY)).all() == [
            "hard_bounce"
        ]


def test_it_needs_the_right_in_every_programme_and_a_reason(
    wiring: Wiring, api: Api, admin: str, people: People, world: dict[str, int]
) -> None:
    with wiring.database.write() as session:
        elsewhere = samples.programme(session, wiring.now(), "Elsewhere")
        domain.involve(session, wiring.now(), world["stk"], elsewhere)
    steward = people("steward", world["prg"])
    refused = api.post(f"{path(world)}/erase", steward, json={"reason": "asked"})
    assert refused.status_code in (403, 404)
    assert api.post(f"{path(world)}/erase", admin, json={"reason": " "}).status_code == 422
    with wiring.database.read() as session:
        assert session.get_one(Stakeholder, world["stk"]).state == "active"
