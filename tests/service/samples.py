"""One example of every kind in one programme, from which route × role × granted or not is tried.

A new kind gets a line in `world`; a kind that belongs to no programme also stands in SHARED.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns.delivery import accounts, release, stops
from campaigns.delivery.tables import Delivery, MissedRun
from campaigns.messages import content, hours, media, messages, quiet, rhythm, slots, templates
from campaigns.messages.tables import Occurrence
from campaigns.responses import attachments, commitments, events, interactions, merges, saved, tasks
from campaigns.responses.tables import RawEvent, Response
from campaigns.stakeholders import (
    addresses,
    consent,
    fields,
    forms,
    imports,
    people,
    relations,
    relationships,
    segments,
    topics,
)
from campaigns.strategies import agreements, objectives, register, strategies
from campaigns.strategies.tables import Programme
from connectors import registry
from connectors.api import Event
from service import exports
from service.access import new_secret
from service.tables import Export, Grant, Token, User, WebhookDelivery, WebhookEndpoint

# Kinds that every caller with the scope sees, whatever their programme.
SHARED = {"usr", "tok", "fld"}
# What stands in a path for parameters that are no ids.
WORDS = {
    "n": "1",
    "name": "simulator",
    "external_id": "ext-1",
    "channel": "email",
    "language": "en",
    "tag": "river",
}


def files(folder: Path, ids: dict[str, int]) -> None:
    """The files of the example's contact and export, where their bytes lie."""
    for where in (attachments.place(folder, "0" * 32), exports.place(folder, ids["exp"])):
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_bytes(b"%")


def programme(session: Session, now: datetime, name: str) -> int:
    """A programme of its own, as the boundary that grants are tried against."""
    row = Programme(name=name, starts_on=now.date(), created_at=now, updated_at=now)
    session.add(row)
    session.flush()
    return row.id


def world(session: Session, now: datetime, programme_id: int) -> dict[str, int]:
    """The id of one example of each kind in this programme, by the prefix of its ids."""
    edited: dict[str, Any] = {"created_at": now, "updated_at": now}
    _text, prefix, sha256 = new_secret("machine")
    user = User(name="Example", **edited)
    token = Token(
        name="example", kind="machine", prefix=prefix, secret_sha256=sha256, scopes=[],
        created_at=now, expires_at=now + timedelta(days=1),
    )  # fmt: skip
    session.add_all([user, token])
    session.flush()
    grant = Grant(user_id=user.id, role="viewer", programme_id=programme_id, created_at=now)
    session.add(grant)
    session.flush()
    return {
        "prg": programme_id, "usr": user.id, "tok": token.id, "grt": grant.id,
        **_told(session, now, programme_id), **(who := _who(session, now, programme_id)),
        **_going_out(session, now, programme_id, who),
    }  # fmt: skip


def _told(session: Session, now: datetime, programme_id: int) -> dict[str, int]:
    """Another program's endpoint, and one thing that it is told."""
    endpoint = WebhookEndpoint(
        url="https://hooks.example/dolen", kinds=["*"], programme_id=programme_id, told_until_at=now, created_at=now,
        updated_at=now,
    )  # fmt: skip
    session.add(endpoint)
    session.flush()
    told = WebhookDelivery(
        endpoint_id=endpoint.id, key="aud_1", kind="message.created", at=now, body=b"{}", next_at=now, log=[]
    )
    session.add(told)
    session.flush()
    return {"whe": endpoint.id, "whd": told.id}


def _who(session: Session, now: datetime, programme_id: int) -> dict[str, int]:
    ann, club = (
        people.create(session, now, kind=kind, name=name)
        for kind, name in (("person", "Ann"), ("group", "Rowing club"))
    )
    for stakeholder in (ann, club):
        people.involve(session, now, stakeholder.id, programme_id)
    # Whoever made calls before may have erased an Ann of this address: this one comes with it herself.
    address = addresses.add(session, now, ann.id, "email", "ann@example.org", own=True)
    membership = people.join(session, ann.id, club.id)
    kept, gone = (people.create(session, now, kind="person", name="Twin") for _ in range(2))
    for one in (kept, gone):
        people.involve(session, now, one.id, programme_id)
    merged = merges.merge(session, now, kept.id, gone.id, take={}, reason="", by="usr_0000000000001")
    relation = relations.create(
        session, now, ann.id, kept.id, type="family", both_ways=True, from_on=None, to_on=None, source="they said so",
        note="", by="usr_0000000000001",
    )  # fmt: skip
    field = fields.define(session, now, "town", "text")
    segment = segments.create(session, now, programme_id=programme_id, name="Picked")
    given = consent.give(
        session,
        now,
        ann.id,
        "survey",
        "email",
        basis="legitimate_interest",
        source="a test",
        actor="usr_0000000000001",
    )
    stopped = consent.suppress(
        session, now, channel="post", stakeholder_id=ann.id, reason="manual", origin="admin"
    )
    return {
        "cmm": _promised(session, now, programme_id, ann.id),
        "stk": ann.id, "adr": address.id, "mbr": membership.id, "fld": field.id, "seg": segment.id,
        "cns": given.id, "sup": stopped.id, "mrg": merged.id, "rel": relation.id,
        "exp": _taken(session, now, programme_id, ann.id), **_ways_in(session, now, programme_id),
    }  # fmt: skip


def _promised(session: Session, now: datetime, programme_id: int, stakeholder_id: int) -> int:
    """Something we promised her."""
    relation = relationships.get(session, stakeholder_id, programme_id)
    said: dict[str, Any] = {"ours": True, "text": "A map", "due_on": now.date(), "by": "usr_0000000000001"}
    return commitments.promise(session, now, relation, **said).id


def _ways_in(session: Session, now: datetime, programme_id: int) -> dict[str, int]:
    """A topic, a form and a file of people."""
    topic = topics.create(session, now, programme_id=programme_id, names={"en": "River"})
    words = {"en": {"title": "News", "notice": "We keep your address.", "agree": "I agree"}}
    form = forms.create(
        session, now, programme_id=programme_id, kind="signup", slug=f"form-{programme_id}", name="News",
        author="usr_0000000000001", texts=words,
    )  # fmt: skip
    file = imports.check(
        session, now, programme_id=programme_id, filename="bo.csv", actor="usr_0000000000001",
        body=b"name,email\nBo,bo@example.org\n",
    )  # fmt: skip
    return {"top": topic.id, "frm": form.id, "imp": file.id, "job": file.id}


def _taken(session: Session, now: datetime, programme_id: int, stakeholder_id: int) -> int:
    """An export of what is held on her."""
    taken = Export(
        kind="person", ref_id=stakeholder_id, within=[programme_id], state="finished", actor="usr_0000000000001",
        created_at=now, bytes=1024, expires_at=now + timedelta(days=7),
    )  # fmt: skip
    session.add(taken)
    session.flush()
    return taken.id


def _going_out(  # long: one example of everything about a message
    session: Session, now: datetime, programme_id: int, who: dict[str, int]
) -> dict[str, int]:
    """An account of the programme, a message to Ann through it, its ledger row, a stop and an urgent go."""
    account = accounts.create(
        session, now, name=f"mail {programme_id}", connector="simulator", channel="email",
        settings={"url": "http://127.0.0.1:9"}, programme_id=programme_id,
    )  # fmt: skip
    accounts.declare(account, registry.connect("simulator", account.settings, {}))
    item = content.create(session, now, programme_id, "Hello")
    content.save_variant(
        session, now, item,
        channel="email", language="en", author="usr_0000000000001", subject="Hi", text="Hello",
    )  # fmt: skip
    message = messages.create(
        session, now, author="usr_0000000000001", programme_id=programme_id, content_id=item.id, purpose="service",
        strategy_version_id=strategies.everyday(session, programme_id, now).id,
        accounts=[(account.id, "email")], recipients=[(who["stk"], who["adr"])],
    )  # fmt: skip
    messages.submit(session, now, message)
    occurrence = session.scalars(select(Occurrence).where(Occurrence.message_id == message.id)).one()
    release.release_now(session, occurrence, now)
    row = session.scalars(select(Delivery).where(Delivery.message_id == message.id)).one()
    run = {
        "occurrence_id": occurrence.id,
        "message_id": message.id,
        "due_at": now,
        "found_at": now - timedelta(days=30),
    }
    session.add(MissedRun(**run, done="late"))
    stop = stops.stop(
        session,
        now,
        scope="account",
        ref_id=account.id,
        programme_id=programme_id,
        reason="-",
        by="usr_0000000000001",
    )
    urgent = agreements.urgent_go(session, now, message.id, "sha256:-", "a flood", "usr_0000000000001")
    return {
        "shr": _hours(session, now, programme_id),
        "slt": slots.add(session, now, account.id, 0, "09:00", "UTC").id,
        "qtp": _quiet(session, now, programme_id),
        "acc": account.id, "cnt": item.id, "msg": message.id, "dlv": row.id, "bat": row.batch_id or 0,
        "occ": occurrence.id, "stp": stop.id, "urg": urgent.id,
        **_agreed(session, now, programme_id, who), **_came_back(session, now, programme_id, who, account.id),
    }  # fmt: skip


def _quiet(session: Session, now: datetime, programme_id: int) -> int:
    """A quiet period of next year."""
    year = now + timedelta(days=365)
    return quiet.begin(
        session, now, programme_id=programme_id, name="Election", reason="The law", from_at=year,
        until_at=year + timedelta(days=1), by="usr_0000000000001",
    ).id  # fmt: skip


def _hours(session: Session, now: datetime, programme_id: int) -> int:
    """Hours that are always open."""
    always: dict[str, Any] = {"weekdays": range(7), "opens": 0, "closes": 1440, "zone": "UTC"}
    return hours.keep(session, now, programme_id=programme_id, **always).id


def _agreed(session: Session, now: datetime, programme_id: int, who: dict[str, int]) -> dict[str, int]:
    """A template with a version, a strategy with a version, a party and a comment."""
    template = templates.create(session, now, name=f"template {programme_id}", programme_id=programme_id)
    wording = templates.new_version(
        session, now, template, author="usr_0000000000001", subject="Hi", text="Hello"
    )
    strategy = strategies.create(
        session, now, programme_id=programme_id, segment_id=None, name="For everyone"
    )
    version = strategies.new_version(
        session, now, strategy, {"aims": "To be heard", "purpose": "service"}, "usr_0000000000001"
    )
    (party,) = agreements.set_parties(
        session, strategy, [{"kind": "stakeholder", "ref": str(who["stk"]), "part": "required"}]
    )
    promise = rhythm.promise(session, now, strategy, "email", times=1, warn_days=1, zone="UTC")
    said = agreements.comment(session, now, version, section="aims", text="Why?", by="usr_0000000000001")
    return {
        "str": strategy.id, "cmt": said.id, "pms": promise.id, "pty": party.id, "tpl": template.id, "tpv": wording.id,
        **_planned(session, now, programme_id),
    }  # fmt: skip


def _planned(session: Session, now: datetime, programme_id: int) -> dict[str, int]:
    """An objective, a risk and a priority of the programme, and a film for its messages."""
    aim = objectives.create(session, now, programme_id, name="Twice as many")
    risk = register.add_risk(session, now, programme_id, kind="threat", name="Rain", likelihood=3, severity=3)
    issue = register.add_priority(session, now, programme_id, name="Loneliness", reach="community")
    film = media.add_link(
        session, now, programme_id=programme_id, kind="film", url="https://films.example/1", name="A film",
        author="usr_0000000000001",
    )  # fmt: skip
    return {"obj": aim.id, "rsk": risk.id, "pri": issue.id, "med": film.id}


def _came_back(
    session: Session, now: datetime, programme_id: int, who: dict[str, int], account_id: int
) -> dict[str, int]:
    """A call that was logged, and a reply from Ann."""
    met = interactions.log(
        session, now, stakeholder_id=who["stk"], programme_id=programme_id, kind="call", at=now,
        by="usr_0000000000001",
    )  # fmt: skip
    came = Event(key="e1", kind="reply", at=now, sender="bo@example.org", text="Thank you")
    raw = RawEvent(
        account_id=account_id, event_key=came.key, via="poll", at=now, sha256="-",
        event=orjson.loads(events.encode(came, now)), state="done", next_at=now,
    )  # fmt: skip
    session.add(raw)
    session.flush()
    heard = Response(
        raw_id=raw.id, account_id=account_id, channel="email", kind="reply", at=now, programme_id=programme_id,
        stakeholder_id=who["stk"], from_key=came.sender,
    )  # fmt: skip
    session.add(heard)
    session.flush()
    todo = tasks.give(
        session, now, programme_id=programme_id, title="Ring them", owner="console", by="console", on=now.date(),
        clock="", zone="UTC",
    )  # fmt: skip
    attachments.attach(session, now, met, [attachments.Kept("0" * 32, "notes.pdf", 1, "-")], met.by)
    file = attachments.of(session, [met.id])[met.id][0]
    reply = saved.add(
        session,
        now,
        programme_id=programme_id,
        name="Thanks",
        language="en",
        text="Thank you, {name}",
        author=met.by,
    )
    return {"itr": met.id, "att": file.id, "rsp": heard.id, "rpl": reply.id, "tsk": todo.id}
