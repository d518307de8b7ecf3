"""All that is held on somebody, in one signed file: everything about them, and nobody else."""

from __future__ import annotations

import ast
import json
import re
import zipfile
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from campaigns.audit import AuditEntry
from campaigns.base import Base, parse_id, public_id
from campaigns.delivery.tables import Attempt, Delivery, DeliveryEvent
from campaigns.messages import layout
from campaigns.messages.tables import Message, MessageRecipient, SendingHours
from campaigns.responses import attachments, held
from campaigns.responses.tables import (
    Attachment,
    Commitment,
    Intent,
    Interaction,
    Response,
    ResponseLabel,
    ResponseMatch,
    ResponseNote,
    SurveyAnswer,
    Task,
)
from campaigns.stakeholders import addresses, consent, people
from campaigns.stakeholders.tables import (
    Consent,
    ImportRow,
    Involvement,
    Preference,
    Relation,
    Review,
    Role,
    Segment,
    SegmentMember,
    Signup,
    Stakeholder,
    Suppression,
)
from campaigns.strategies.tables import Agreement, Party, StrategyComment, StrategyVersion
from service import exports, recipes, signed_zip
from service.ids import shown
from service.tables import Export
from service.wiring import Wiring, metadata

from . import samples
from .conftest import Api, People

MINE, NOT_MINE = "Xanthippe Rees", "Zebedee Hughes"
KEY, NOT_KEY = "xanthippe@example.org", "zebedee@example.org"
NAMING = (
    "stakeholder_id",
    "person_id",
    "body_id",
    "kept_id",
    "gone_id",
    "from_id",
    "to_id",
    "low_id",
    "high_id",
)


@pytest.fixture
def world(wiring: Wiring) -> dict[str, int]:
    """Somebody with facts of every kind, and somebody else who is named beside them."""
    now = wiring.now()
    with wiring.database.write() as session:
        made = samples.world(session, now, samples.programme(session, now, "Here"))
        person = session.get_one(Stakeholder, made["stk"])
        people.change(session, person, now, name=MINE, languages=["cy", "en"])
        addresses.add(session, now, person.id, "email", KEY)
        other = people.create(session, now, kind="person", name=NOT_MINE)
        people.involve(session, now, other.id, made["prg"])
        addresses.add(session, now, other.id, "email", NOT_KEY)
        consent.give(
            session, now, person.id, "direct_marketing", "email", basis="consent", source="a form",
            actor="recipient", evidence={"ticked": "News"},
        )  # fmt: skip
        consent.suppress(session, now, channel="email", address_key=KEY, reason="opt_out", origin="recipient")
        _met(session, wiring, made)
        session.execute(
            update(Delivery)
            .where(Delivery.id == made["dlv"])
            .values(
                state="excluded", reason="suppressed", basis="consent", settled_at=now, slots={"name": MINE}
            )
        )
        note = ResponseNote(response_id=made["rsp"], text=f"Ask {NOT_MINE} first", by="usr_1", at=now)
        session.add(note)
    return {**made, "other": other.id}


def _met(session: Session, wiring: Wiring, made: dict[str, int]) -> None:
    now = wiring.now()
    contact = Interaction(
        programme_id=made["prg"], stakeholder_id=made["stk"], kind="meeting", at=now, created_at=now, by="usr_1",
        notes=f"Zebedee was late; write to {NOT_KEY}", participants=f"{MINE}, {NOT_MINE}", place="Bangor",
    )  # fmt: skip
    session.add(contact)
    session.flush()
    kept = attachments.keep(
        wiring.settings.folder, [(f"../../etc/agreed with {NOT_MINE}.txt", BytesIO(b"What we agreed"))]
    )
    attachments.attach(session, now, contact, kept, "usr_1")


def _named_beside_them(session: Session, now: datetime, world: dict[str, int]) -> None:
    """Somebody else stands in every text that a colleague or a program wrote, and shares the mailbox."""
    person, other = world["stk"], NOT_MINE
    words = f"{other}'s words"
    said: dict[str, Any] = {"stakeholder_id": person, "channel": "email", "at": now, "source": words, "actor": "usr_1",
                            "evidence": {"note": words, "read_by": "usr_1"}}  # fmt: skip
    version = _version(session, world["str"])
    session.add_all([
        Consent(**said, purpose="survey", act="given", basis="consent"),
        Preference(**said, frequency="all"),
        Relation(from_id=person, to_id=world["other"], type="family", source=words, note=words, by="usr_1", at=now),
        Suppression(channel="email", address_key=KEY, reason="opt_out", origin="recipient", at=now,
                    evidence={"delivery_id": _to_another(session, world), "read_by": "usr_1"}),
        StrategyComment(version_id=version, party_id=world["pty"], section="aims", text="Why?", by=other, at=now,
                        answer=words, answered_by="usr_1", answered_at=now),
        Agreement(version_id=version, party_id=world["pty"], stakeholder_id=person, decision="agreed", by=other,
                  digest="-", shown_text_sha256="-", at=now, evidence=words),
        ResponseLabel(response_id=world["rsp"], name_fold="-", name=words, by="usr_1", at=now),
    ])  # fmt: skip
    session.execute(update(Party).where(Party.id == world["pty"]).values(label=words, deputy=other))
    session.execute(update(Response).where(Response.id == world["rsp"]).values(closed_why=words))
    session.execute(update(Segment).where(Segment.id == world["seg"]).values(name=words))
    session.add(SegmentMember(segment_id=world["seg"], stakeholder_id=person))


def _to_another(session: Session, world: dict[str, int]) -> str:
    """The id of a message that went to the other one."""
    mine = session.get_one(Delivery, world["dlv"])
    values = {
        column.name: getattr(mine, column.key) for column in Delivery.__table__.columns if column.name != "id"
    }
    theirs = Delivery(**values | {"stakeholder_id": world["other"], "target": world["other"]})
    session.add(theirs)
    session.flush()
    return public_id("dlv", theirs.id)


def made_of(api: Api, wiring: Wiring, token: str, world: dict[str, int], **body: Any) -> dict[str, bytes]:
    """Ask for the file about them, and what is in it; it has been proven."""
    answer = api.post(f"/v1/stakeholders/{shown('stakeholder', world['stk'])}/export", token, json=body)
    assert (answer.status_code, answer.json["state"]) == (202, "finished"), answer.text
    file = api.get(f"{answer.headers['Location']}/file", token)
    assert file.status_code == 200 and file.headers["Content-Type"] == "application/zip"
    where = wiring.settings.folder / "taken.zip"
    where.write_bytes(file.data)
    keys = [signed_zip.public_key(seed) for seed in wiring.keyring.export_keys()]
    assert signed_zip.check(where, keys).known
    with zipfile.ZipFile(where) as whole:
        return {name: whole.read(name) for name in whole.namelist()}


def lines(bodies: dict[str, bytes], section: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in bodies[f"data/{section}.jsonl"].splitlines()]


def test_one_call_gives_everything_and_why_each_message_was_or_was_not_sent(
    api: Api, wiring: Wiring, admin: str, world: dict[str, int]
) -> None:
    """F14"""
    bodies = made_of(api, wiring, admin, world)
    assert [one["name"] for one in lines(bodies, "person")] == [MINE]
    assert KEY in [one["value"] for one in lines(bodies, "addresses")]
    assert [one["evidence"] for one in lines(bodies, "consents") if one["basis"] == "consent"] == [
        {"ticked": "News"}
    ]
    assert "opt_out" in [one["reason"] for one in lines(bodies, "suppressions")]
    (sent,) = lines(bodies, "deliveries")
    told = {
        name: sent[name] for name in ("state", "reason", "basis", "strategy", "strategy_version", "words")
    }
    assert told == {
        "state": "excluded", "reason": "suppressed", "basis": "consent", "strategy": "Everyday communication",
        "strategy_version": 1, "words": "Hello",
    }  # fmt: skip
    assert [one["act"] for one in lines(bodies, "audit")] == ["stakeholder.exported"]
    (file,) = [body for name, body in bodies.items() if name.startswith("files/")]
    assert file == b"What we agreed" and not [name for name in bodies if ".." in name]
    assert set(json.loads(bodies["about.json"])["sections"]) == set(held.sections())


def test_nobody_else_is_named_in_it(api: Api, wiring: Wiring, admin: str, world: dict[str, int]) -> None:
    """F14: the names of others are taken out of what is told, their addresses too."""
    with wiring.database.write() as session:
        _named_beside_them(session, wiring.now(), world)
    bodies = made_of(api, wiring, admin, world)
    whole = b"".join([*bodies.values(), *(name.encode() for name in bodies)]).lower()
    assert MINE.lower().encode() in whole
    for word in ("zebedee", NOT_KEY, str(shown("stakeholder", world["other"])), "usr_1"):
        assert word.lower().encode() not in whole, word
    (note,) = lines(bodies, "notes")
    assert note["text"] == "Ask [another person] first" and note["by"] == "a colleague"
    (shared,) = [one for one in lines(bodies, "suppressions") if "read_by" in one["evidence"]]
    assert shared["evidence"] == {"read_by": "a colleague"}
    assert [one["by"] for one in lines(bodies, "comments")] == ["[another person]"]


def test_the_pages_are_in_their_language_and_in_english(
    api: Api, wiring: Wiring, admin: str, world: dict[str, int]
) -> None:
    """F14"""
    bodies = made_of(api, wiring, admin, world)
    welsh, english = bodies["record.cy.html"].decode(), bodies["record.en.html"].decode()
    assert '<html lang="cy" dir="ltr">' in welsh and "What we sent you" not in welsh
    assert "they, or their address, are marked Do not contact" in english and MINE in english
    with wiring.database.write() as session:
        session.get_one(Stakeholder, world["stk"]).languages = ["ar"]
    arabic = made_of(api, wiring, admin, world)["record.ar.html"].decode()
    assert '<html lang="ar" dir="rtl">' in arabic


def test_the_page_says_who_we_are_in_words_and_where_nothing_is_held(
    api: Api, wiring: Wiring, admin: str, world: dict[str, int]
) -> None:
    """F14: an answer of an organisation, not of a program; codes and thirty empty headings told nobody anything."""
    with wiring.database.write() as session:
        layout.set_house(session, wiring.now(), None, name="Clwb Nofio", address="1 Stryd Fawr, Bangor")
    bodies = made_of(api, wiring, admin, world)
    welsh = bodies["record.cy.html"].decode()
    assert "<b><bdi>Clwb Nofio</bdi></b><br><bdi>1 Stryd Fawr, Bangor</bdi>" in welsh
    assert "<bdi>Clwb Nofio</bdi>" in welsh and "cydweithiwr" in welsh and "a colleague" not in welsh
    empty = [name for name in held.sections() if not bodies[f"data/{name}.jsonl"]]
    assert empty and not any(f'<section id="{name}">' in welsh for name in empty)
    assert welsh.count("<li>", welsh.index('<section id="nothing">')) == len(empty)
    assert '<section id="person">' in welsh and "Nid oes dim amdanoch yma" in welsh


def test_their_own_links_work_for_nobody_who_has_the_file(
    api: Api, wiring: Wiring, admin: str, world: dict[str, int]
) -> None:
    with wiring.database.write() as session:
        session.execute(update(Message).values(purpose="direct_marketing"))
    bodies = made_of(api, wiring, admin, world)
    ours = wiring.links.base_url
    told = [line["words"] for line in lines(bodies, "deliveries") if ours in line.get("words", "")]
    assert told and all(
        re.findall(rf"{re.escape(ours)}/(\S+)", one) == ["…"] * one.count(ours) for one in told
    )


def test_notes_are_withheld_only_with_a_reason_which_is_told(
    api: Api, wiring: Wiring, admin: str, world: dict[str, int]
) -> None:
    bodies = made_of(api, wiring, admin, world, withheld="Legal advice is in them")
    assert lines(bodies, "notes") == [] and lines(bodies, "interactions")[0]["notes"] == ""
    assert "Legal advice is in them" in bodies["record.en.html"].decode()


def test_whoever_reaches_one_programme_takes_that_one_out_and_no_other(
    api: Api, wiring: Wiring, people: People, world: dict[str, int]
) -> None:
    """R33"""
    with wiring.database.write() as session:
        there = samples.programme(session, wiring.now(), "There")
        theirs = Interaction(
            programme_id=there, stakeholder_id=world["stk"], kind="call", at=wiring.now(), created_at=wiring.now(),
            by="usr_1", notes="Elsewhere",
        )  # fmt: skip
        session.add(theirs)
    steward = people("steward", world["prg"])
    bodies = made_of(api, wiring, steward, world)
    assert b"Elsewhere" not in b"".join(bodies.values()) and len(lines(bodies, "interactions")) == 2
    assert json.loads(bodies["about.json"])["programmes"] == ["Here"]
    path = f"/v1/stakeholders/{shown('stakeholder', world['stk'])}/export"
    assert api.post(path, people("steward", there)).status_code == 404
    assert api.post(path, people("author", world["prg"])).status_code == 403
    narrow = people("steward", world["prg"], scopes=["stakeholders:export", "stakeholders:read"])
    assert api.post(path, narrow).status_code == 403


# What is said of somebody wherever they are involved.
OF_NO_PROGRAMME = {
    "person", "addresses", "identities", "memberships", "relations", "merges", "tags", "consents", "suppressions",
}  # fmt: skip


def _elsewhere(session: Session, now: datetime, person: int) -> None:
    """A fact about them of every kind, in another programme."""
    there = samples.programme(session, now, "There")
    made = samples.world(session, now, there)
    by = {"by": "usr_1", "at": now}
    about: dict[str, Any] = {"stakeholder_id": person, "programme_id": there}
    session.add_all([
        Role(**about, role="member", rank="low", rationale="", **by),
        Review(**about, findings="", rating="good", decision="", next_on=now.date(), **by),
        SegmentMember(segment_id=made["seg"], stakeholder_id=person),
        Preference(stakeholder_id=person, topic_id=made["top"], channel="email", frequency="none", at=now,
                   source="-", actor="recipient"),
        Signup(form_id=made["frm"], address_key=KEY, stakeholder_id=person, wording=1, language="en", at=now,
               expires_at=now),
        SendingHours(**about, weekdays=[0], opens=0, closes=1, zone="UTC", created_at=now, updated_at=now),
        Attempt(delivery_id=made["dlv"], n=1, token=1, at=now, outcome="sent"),
        DeliveryEvent(delivery_id=made["dlv"], stakeholder_id=person, kind="opened", at=now,
                      account_id=made["acc"], event_key="-", meta={}),
        ResponseLabel(response_id=made["rsp"], name_fold="label", name="Label", **by),
        ResponseNote(response_id=made["rsp"], text="A note", **by),
        ResponseMatch(response_id=made["rsp"], stakeholder_id=person, before=[], identities={}, **by),
        SurveyAnswer(form_id=made["frm"], stakeholder_id=person, wording=1, language="en", text="Of my health", at=now),
        Intent(**about, state="willing", contribution="", **by),
        Agreement(version_id=_version(session, made["str"]), party_id=made["pty"], stakeholder_id=person,
                  decision="agreed", by=MINE, digest="-", shown_text_sha256="-", at=now),
        StrategyComment(version_id=_version(session, made["str"]), party_id=made["pty"], section="aims", text="Why?",
                        by=MINE, at=now),
        Task(programme_id=there, title="Ring", owner="usr_1", due_at=now, zone="UTC", about_kind="stakeholder",
             about_id=person, by="usr_1", given_at=now, created_at=now, updated_at=now),
        ImportRow(import_id=made["imp"], line=9, outcome="created", stakeholder_id=person),
        AuditEntry(kind="stakeholder", ref=person, act="stakeholder.changed", actor="usr_1", at=now,
                   programme_id=there),
    ])  # fmt: skip
    session.flush()
    session.execute(update(Party).where(Party.id == made["pty"]).values(ref=str(person)))
    for table in (Involvement, MessageRecipient, Delivery, Response, Interaction, Commitment):
        owner = table.__table__.c.stakeholder_id
        session.execute(update(table).where(owner == made["stk"]).values(stakeholder_id=person))


def _version(session: Session, strategy_id: int) -> int:
    return session.scalars(select(StrategyVersion.id).where(StrategyVersion.strategy_id == strategy_id)).one()


def test_nothing_of_another_programme_is_in_any_section(
    api: Api, wiring: Wiring, admin: str, people: People, world: dict[str, int]
) -> None:
    """R33: what somebody typed into another programme's form is that programme's too."""
    before = made_of(api, wiring, admin, world)
    with wiring.database.write() as session:
        _elsewhere(session, wiring.now(), world["stk"])
    whole, here = (made_of(api, wiring, token, world) for token in (admin, people("steward", world["prg"])))
    for section in sorted(set(held.sections()) - OF_NO_PROGRAMME - {"audit"}):
        assert len(lines(whole, section)) > len(lines(here, section)), section
        assert lines(here, section) == lines(before, section), section
    assert "stakeholder.changed" in [one["act"] for one in lines(whole, "audit")]
    assert "stakeholder.changed" not in [one["act"] for one in lines(here, "audit")]


def test_records_that_were_joined_are_told_as_one(
    api: Api, wiring: Wiring, admin: str, world: dict[str, int]
) -> None:
    with wiring.database.write() as session:
        old = session.get_one(Stakeholder, world["other"])
        old.merged_into, old.merged_at, old.state = world["stk"], wiring.now(), "merged"
        session.get_one(Stakeholder, world["stk"]).joined = True
    bodies = made_of(api, wiring, admin, world)
    assert [one["name"] for one in lines(bodies, "person")] == [MINE, NOT_MINE]
    assert NOT_KEY in [one["value"] for one in lines(bodies, "addresses")]


def test_a_large_record_is_made_by_a_worker(
    api: Api, wiring: Wiring, admin: str, world: dict[str, int]
) -> None:
    """F14: 10,000 events and more, one row after the other."""
    now = wiring.now()
    rows = [
        {
            "id": number, "delivery_id": world["dlv"], "stakeholder_id": world["stk"], "kind": "opened",
            "happened_at": now + timedelta(seconds=number), "account_id": world["acc"], "event_key": str(number),
            "meta": {},
        }
        for number in range(1, 10_001)
    ]  # fmt: skip
    with wiring.database.write() as session:
        session.execute(insert(DeliveryEvent.__table__), rows)  # type: ignore[arg-type]
    answer = api.post(f"/v1/stakeholders/{shown('stakeholder', world['stk'])}/export", admin)
    assert answer.json["state"] == "waiting"
    assert api.get(f"{answer.headers['Location']}/file", admin).status_code == 404
    assert exports.run_pending(wiring, recipes.recipe) and not exports.run_pending(wiring, recipes.recipe)
    with zipfile.ZipFile(exports.place(wiring.settings.folder, parse_id("exp", answer.json["id"]))) as whole:
        assert len(whole.read("data/delivery_events.jsonl").splitlines()) == 10_000
        assert whole.read("record.en.html").count(b"<article>") > 10_000


def test_files_that_weigh_much_are_left_to_a_worker(
    api: Api, wiring: Wiring, admin: str, world: dict[str, int]
) -> None:
    with wiring.database.write() as session:
        session.execute(update(Attachment).where(Attachment.name == "notes.pdf").values(bytes=11_000_000))
    answer = api.post(f"/v1/stakeholders/{shown('stakeholder', world['stk'])}/export", admin)
    assert answer.json["state"] == "waiting"


def test_who_is_erased_is_in_no_file_that_lies_here(
    api: Api, wiring: Wiring, admin: str, world: dict[str, int]
) -> None:
    made_of(api, wiring, admin, world)
    path = f"/v1/stakeholders/{shown('stakeholder', world['stk'])}/erase"
    assert api.post(path, admin, json={"reason": "They asked"}).status_code == 204
    left = [path.name for path in (wiring.settings.folder / exports.FOLDER).iterdir()]
    with wiring.database.read() as session:
        assert session.query(Export).filter(Export.ref_id == world["stk"]).count() == 0
    assert left == []


def test_every_table_that_names_a_stakeholder_is_told_of_or_left_out_with_a_reason() -> None:
    files = Path(held.__file__ or "").parent.glob("held*.py")
    asked = {
        name.id
        for file in files
        for function in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(function, ast.FunctionDef)
        for name in ast.walk(function)
        if isinstance(name, ast.Name)
    }
    told = {one.local_table.name for one in Base.registry.mappers if one.class_.__name__ in asked}  # type: ignore[attr-defined]
    naming = {
        table.name
        for table in metadata.sorted_tables
        if any(column.name in NAMING for column in table.columns)
        or any(key.column.table.name == "stakeholders" for key in table.foreign_keys)
    }
    assert len(naming) > 20
    assert sorted(naming - told - set(held.LEFT_OUT)) == []
    assert set(held.LEFT_OUT) <= naming
