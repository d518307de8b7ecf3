"""A believable year of an invented Welsh public-health programme, marked as sample: loaded and removed as one.

Rules: history is written by the functions that write the present, told an earlier time; only that a network took a
letter is said without one. People have the source `sample`, and all addresses end in .example, so nobody is reached.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from campaigns.delivery import accounts as connected
from campaigns.delivery import compose, release
from campaigns.delivery.tables import Account, Batch, Delivery
from campaigns.errors import AlreadyDone, Conflict
from campaigns.messages import content, messages, rhythm, slots
from campaigns.messages.tables import Message, Occurrence
from campaigns.responses import answers, commitments, desk, intake, intents, interactions, saved, tasks
from campaigns.responses.tables import RawEvent, Response
from campaigns.stakeholders import addresses, consent, people, relationships, segments, topics
from campaigns.stakeholders.tables import Stakeholder
from campaigns.strategies import agreements, objectives, programmes, strategies
from campaigns.strategies.tables import Programme, Strategy, StrategyVersion
from connectors import registry
from connectors.api import Event

from ..access import Caller
from ..acts import Act, begin
from ..ids import shown
from ..tables import Grant, Installation, User
from ..wiring import Wiring
from . import names

SOURCE = "sample"
TAG = "winter news (sample)"
PEOPLE = 320
AT_ONCE = 40
# Between two steps others get their turn: SQLite has one writer, and does not queue them.
BREATH_S = 0.05
# A worker that shows no sign of life for so long has lost the year that it was loading.
LEASE = timedelta(seconds=60)
# Of everyone the winter news is for, these are left out, each for a reason of its own: 37 in all.
NO_ADDRESS, OPTED_OUT, NEVER_ASKED, BOUNCED = 12, 10, 9, 6
MONTHS = 12
# Replies to the newest mailing that nobody has answered came so many hours ago.
STILL_OPEN = (1.5, 5, 20)
KNOWN = {"cy": ("cy", "en"), "en": ("en",), "ar": ("ar", "en")}


@dataclass
class Year:
    """What is being made, with the luck that makes it: the same every time."""

    wiring: Wiring
    luck: random.Random
    now: datetime
    act: Act = field(init=False)  # the step in hand
    author: str = ""
    checker: str = ""
    programme: int = 0
    mail: int = 0
    network: int = 0
    bodies: list[int] = field(default_factory=list)
    colleagues: list[int] = field(default_factory=list)
    version: int = 0
    group: int = 0

    @property
    def session(self) -> Session:
        """The transaction in hand."""
        return self.act.session

    def ago(self, days: float) -> datetime:
        """So many days before now."""
        return self.now - timedelta(days=days)


def programme_of(session: Session) -> int | None:
    """The sample's programme, or None where it is not loaded."""
    return session.scalar(select(Installation.sample_id))


def load(wiring: Wiring, caller: Caller, *, mail: int | None = None, network: int | None = None) -> int:
    """Load the year, through the accounts named or practice; the programme's id. AlreadyDone the second time.

    Step by step, so that nobody else waits long; what was broken off is taken away by `remove`.
    """
    year = Year(wiring, random.Random(2026), wiring.now(), mail=mail or 0, network=network or 0)
    for number, step in enumerate(STEPS, 1):
        with begin(wiring, caller) as year.act:
            step(year)
            _reached(year, number)
        time.sleep(BREATH_S)
    return year.programme


def _reached(year: Year, number: int) -> None:
    """Keep how far it is, for whoever looks; Conflict where somebody has taken it away or begun it anew meanwhile."""
    over = number == len(STEPS)
    mine = year.session.execute(
        update(Installation)
        .where(Installation.sample_id == year.programme)
        .values(
            sample_done=number, sample_state=None if over else "loading",
            sample_until_at=None if over else year.wiring.now() + LEASE,
        )
        .returning(Installation.id)
    ).first()  # fmt: skip
    if mine is None:
        raise Conflict("the sample year was removed in the meantime")


def _programme(year: Year) -> None:
    year.act.need("users:admin", None)
    if programme_of(year.session) is not None:
        raise AlreadyDone("the sample year is loaded already: remove it first")
    at = year.ago(365)
    made = programmes.create(
        year.session, at, name="Iach gyda'n Gilydd · Healthy Together (sample)", starts_on=at.date(),
        ends_on=date(at.year + 3, at.month, 28), assurance="light",
    )  # fmt: skip
    year.programme = made.id
    programmes.create(
        year.session, year.ago(60), name="Winter vaccination (sample)", starts_on=year.ago(60).date(),
        ends_on=year.ago(-120).date(), parent_id=made.id, assurance="light",
    )  # fmt: skip
    year.session.execute(update(Installation).values(sample_id=made.id))
    year.act.note("sample.loaded", "programme", made.id, programme_id=made.id)


def _accounts(year: Year) -> None:
    year.mail = year.mail or _practice(year, "Practice mail (sample)", "email")
    year.network = year.network or _practice(year, "Practice network (sample)", "practice")


def _practice(year: Year, name: str, channel: str) -> int:
    port = year.wiring.settings.practice.port
    settings = {"url": f"http://127.0.0.1:{port}", "channel": channel}
    made = connected.create(
        year.session, year.ago(360), name=name, connector="simulator", channel=channel, settings=settings,
        programme_id=year.programme, sender="news@dolen.example", sender_name="Iach gyda'n Gilydd",
        language="cy" if channel == "practice" else None,
    )  # fmt: skip
    connector = registry.connect("simulator", settings, {})
    connected.declare(made, connector)
    connector.close()
    return made.id


def _colleagues(year: Year) -> None:
    """Who writes, who checks, who answers: with grants here only, and no way to sign in."""
    at, made = year.ago(364), []
    for name, language, role in (
        ("Lowri Prydderch (sample)", "cy", "author"), ("Samir Khalil (sample)", "ar", "approver"),
        ("Ruth Langley (sample)", "en", "responder"),
    ):  # fmt: skip
        user = User(name=name, language=language, created_at=at, updated_at=at)
        year.session.add(user)
        year.session.flush()
        year.session.add(Grant(user_id=user.id, role=role, programme_id=year.programme, created_at=at))
        made.append(str(shown("user", user.id)))
        year.colleagues.append(user.id)
    year.author, year.checker = made[0], made[1]


def _bodies(year: Year) -> None:
    for kind, name, languages in names.BODIES:
        year.bodies.append(_add(year, year.ago(350), kind, name, languages))


def _some_people(first: int, year: Year) -> None:
    at = year.ago(350)
    for place in range(first, min(first + AT_ONCE, PEOPLE)):
        language = ("cy", "en", "ar")[min(place % 9 // 3, 2)] if place % 2 else ("cy", "en")[place % 4 // 2]
        number = _add(year, at + timedelta(days=place % 40), "person", _name(year, language), KNOWN[language])
        if place >= NO_ADDRESS:
            _reach(year, at + timedelta(days=place % 40), number, place, language)
        people.tag(year.session, number, TAG)
        if place % 12 == 0:
            people.join(year.session, number, year.bodies[place // 12 % len(year.bodies)], role="member")


def _add(year: Year, at: datetime, kind: str, name: str, languages: Sequence[str]) -> int:
    made = people.create(
        year.session, at, kind=kind, name=name, languages=languages, zone="Europe/London", source=SOURCE
    )
    people.involve(year.session, at, made.id, year.programme)
    return made.id


def _name(year: Year, language: str) -> str:
    first, last = {"cy": names.WELSH, "en": names.ENGLISH, "ar": names.ARABIC}[language]
    return f"{year.luck.choice(first)} {year.luck.choice(last)}"


def _reach(year: Year, at: datetime, number: int, place: int, language: str) -> None:
    """An address, and for all but a few the permission to write to it."""
    name = year.session.get_one(Stakeholder, number).name.split()[0]
    plain = names.LATIN.get(name, name).lower().replace("â", "a")
    addresses.add(year.session, at, number, "email", f"{plain}.{place}@people.example")
    if place < NO_ADDRESS + NEVER_ASKED:
        return
    consent.give(
        year.session, at, number, "direct_marketing", "email", basis="consent", source="Sign-up sheet (sample)",
        actor=year.author, wording_version=f"2026-1 {language}",
    )  # fmt: skip


def _strategies(year: Year) -> None:
    """One for everybody, agreed long ago; the next version of it waits for a partner."""
    rule = {"field": "tag", "op": "has", "value": TAG}
    group = segments.create(
        year.session, year.ago(340), programme_id=year.programme, name="Winter news", rule=rule
    )
    year.group = group.id
    for name, language in (("Welsh first", "cy"), ("Arabic-speaking communities", "ar")):
        first = {"field": "language", "op": "first", "value": language}
        segments.create(year.session, year.ago(339), programme_id=year.programme, name=name, rule=first)
    strategy = strategies.create(
        year.session, year.ago(338), programme_id=year.programme, segment_id=group.id, name="Winter together"
    )
    version = strategies.new_version(year.session, year.ago(338), strategy, _body(), year.author)
    year.version = version.id
    partner = year.bodies[0]
    agreements.set_parties(year.session, strategy, [_party(partner, "Bwrdd Iechyd Glannau Arian")])
    _agreed(year, strategy, version)


def _body(**changes: Any) -> dict[str, Any]:
    body = {
        "aims": "Three in four people over 65 are vaccinated before the new year, whatever language they speak.",
        "key_messages": [
            "It takes ten minutes, and it is free.", "Ask us in Welsh, English or Arabic.", "You can bring somebody.",
        ],
        "tone": "Warm, plain, never frightening.",
        "channels": ["email", "practice"],
        "cadence": "One mail a month; one post a week.",
        "calls_to_action": ["Come on Monday.", "Reply if you need help to get there."],
        "response_rules": "We answer within one working day, in the language we were written to in.",
        "responsible": ["Lowri Prydderch writes", "Samir Khalil checks", "Ruth Langley answers"],
        "purpose": "direct_marketing",
        "default_language": "en",
    }  # fmt: skip
    return body | changes


def _party(partner: int, label: str) -> dict[str, Any]:
    return {
        "kind": "stakeholder",
        "ref": str(shown("stakeholder", partner)),
        "part": "required",
        "label": label,
    }


def _agreed(year: Year, strategy: Strategy, version: StrategyVersion) -> None:
    for party in agreements.parties(year.session, strategy.id):
        agreements.record(
            year.session, year.ago(330), version, party, "agreed", version.digest, recorded_by=year.checker,
            evidence="Minutes of the partnership meeting (sample)",
        )  # fmt: skip


def _month(month: int, year: Year) -> None:
    """A mail and three posts of one month, so many months ago, with what came back."""
    idea = names.IDEAS[month % len(names.IDEAS)]
    at = year.ago((month - 1) * 29.5 + 6).replace(hour=9, minute=30, second=0, microsecond=0)
    sent = _mailing(year, at, idea)
    _went(year, sent, at)
    _came_back(year, sent, at, month)
    for week in range(3):
        then = at + timedelta(days=7 * week + 2, hours=3)
        if then < year.now:
            _went(year, _post(year, then, idea), then)


def _mailing(year: Year, at: datetime, idea: names.Idea, *, when: datetime | None = None) -> Message:
    made = _draft(
        year, at, idea.name, {("email", language): words for language, words in idea.words.items()},
        segment=year.group, account=year.mail, when=when,
    )  # fmt: skip
    messages.submit(year.session, at, made)
    return made


def _post(year: Year, at: datetime, idea: names.Idea, *, when: datetime | None = None) -> Message:
    made = _draft(
        year, at, f"{idea.name}, post", {("practice", "cy"): ("", idea.post)}, account=year.network, when=when
    )
    messages.submit(year.session, at, made)
    return made


def _draft(
    year: Year, at: datetime, name: str, words: dict[tuple[str, str], tuple[str, str]], *, account: int,
    segment: int | None = None, when: datetime | None = None,
) -> Message:  # fmt: skip
    item = content.create(year.session, at, year.programme, name)
    for (channel, language), (subject, text) in words.items():
        content.save_variant(
            year.session,
            at,
            item,
            channel=channel,
            language=language,
            author=year.author,
            subject=subject,
            text=text,
        )
    channel = year.session.get_one(Account, account).channel
    return messages.create(
        year.session, at, author=year.author, programme_id=year.programme, strategy_version_id=year.version,
        content_id=item.id, purpose="direct_marketing", accounts=[(account, channel)], segment_id=segment, name=name,
        at=when,
    )  # fmt: skip


def _went(year: Year, message: Message, at: datetime) -> None:
    """Release it, and say of every row that was to go that it went; the rest stays left out, with its reason."""
    real = select(Occurrence).where(Occurrence.message_id == message.id, Occurrence.kind == "real")
    for occurrence in year.session.scalars(real).all():
        release.release_now(year.session, occurrence, at)
        mine = update(Delivery).where(Delivery.occurrence_id == occurrence.id)
        year.session.execute(
            mine.where(Delivery.state == "queued").values(
                state="sent", attempt=1, batch_id=None, intent_at=at, sent_at=at, settled_at=at
            )
        )
        year.session.execute(mine.where(Delivery.settled_at.is_(None)).values(settled_at=at))
        year.session.execute(delete(Batch).where(Batch.occurrence_id == occurrence.id))
        occurrence.state, occurrence.finished_at = "finished", at
    year.session.flush()
    messages.move(year.session, message, "sending", at)
    messages.move(year.session, message, "finished", at)


def _came_back(year: Year, message: Message, at: datetime, month: int) -> None:
    """Replies in their language, and once the bounces and the opt-outs."""
    rows = year.session.scalars(
        select(Delivery)
        .where(Delivery.message_id == message.id, Delivery.state == "sent")
        .order_by(Delivery.id)
    ).all()
    if month == MONTHS:
        _hear(
            year,
            at,
            [_event(year, row, "bounce", at, hard=True, about=row.address_key) for row in rows[:BOUNCED]],
        )
        ends = rows[BOUNCED : BOUNCED + OPTED_OUT]
        _hear(year, at, [_event(year, row, "opt_out", at + timedelta(hours=2)) for row in ends])
        rows = rows[BOUNCED + OPTED_OUT :]
    writers = year.luck.sample(list(rows), 9)
    heard = [_event(year, row, "reply", _later(year, at), text=_words(year, row)) for row in writers]
    if month == 1:
        for place, hours in enumerate(STILL_OPEN):
            row = writers[place]
            heard[place] = _event(year, row, "reply", year.ago(hours / 24), text=_words(year, row))
    heard.append(
        _event(year, rows[-1], "auto_reply", at + timedelta(minutes=1), text="I am away until Monday.")
    )
    _hear(year, at, heard)
    _answered(year, message, all_but=len(STILL_OPEN) if month == 1 else 0)


def _later(year: Year, at: datetime) -> datetime:
    return at + timedelta(hours=year.luck.uniform(0.5, 60))


def _words(year: Year, row: Delivery) -> str:
    return year.luck.choice(names.REPLIES[_writer(year, row).languages[0]])


def _writer(year: Year, row: Delivery) -> Stakeholder:
    return year.session.get_one(Stakeholder, row.stakeholder_id)


def _event(year: Year, row: Delivery, kind: str, at: datetime, **more: Any) -> Event:
    who = _writer(year, row)
    return Event(
        key=f"sample:{row.id}:{kind}", kind=kind, at=at, sender=row.address_key, sender_name=who.name,
        recipient_token=year.wiring.links.token("reply", row.id), language=who.languages[0],
        references=(compose.message_id(row.id, year.wiring.links),), **more,
    )  # fmt: skip


def _hear(year: Year, at: datetime, events: Sequence[Event]) -> None:
    """What came in is taken in as it always is, at the time it came."""
    now = max(event.at for event in events)
    intake.store(year.session, now, year.mail, events, "poll")
    keys = [event.key for event in events]
    for raw in year.session.scalars(
        select(RawEvent).where(RawEvent.event_key.in_(keys)).order_by(RawEvent.id)
    ).all():
        intake.handle(year.session, now, year.wiring.links, raw)
    year.session.flush()


def _answered(year: Year, message: Message, *, all_but: int) -> None:
    """Every reply has its answer, but for the newest few, whose clocks run."""
    replies = year.session.scalars(
        select(Response)
        .where(Response.message_id == message.id, Response.kind == "reply")
        .order_by(Response.at)
    ).all()
    for reply in replies[: len(replies) - all_but]:
        then = reply.at + timedelta(hours=year.luck.uniform(0.3, 20))
        who = year.session.get_one(Stakeholder, reply.stakeholder_id)
        text = names.ANSWERS[who.languages[0]]
        made = answers.answer(year.session, then, reply, text=text, subject="", author=year.author)
        desk.answered(year.session, then, reply, by=year.author, keep_open=False)
        _went(year, made, then)


def _meetings(year: Year) -> None:
    for place in range(20):
        kind, where, notes = names.MEETINGS[place % len(names.MEETINGS)]
        at = year.ago(340 - place * 17)
        interactions.log(
            year.session, at, stakeholder_id=year.bodies[place % len(year.bodies)], programme_id=year.programme,
            kind=kind, at=at, by=year.author, place=where, notes=notes,
        )  # fmt: skip


def _relations(year: Year) -> None:
    """What part the partners play, who answers for them, what was promised, and when they are next looked at."""
    for number, (role, rank, why, intent, brings) in zip(year.bodies, names.RELATIONS, strict=True):
        relation = relationships.get(year.session, number, year.programme)
        at = year.ago(150)
        relationships.set_role(
            year.session, at, relation, role=role, rank=rank, rationale=why, by=year.author
        )
        if rank == "primary":
            relationships.set_owners(
                year.session, relation, owner_id=year.colleagues[0], deputy_id=year.colleagues[2]
            )
        intents.state(year.session, at, relation, intent=intent, contribution=brings, by=year.author)
    for number, (ours, text, days, evidence) in zip(year.bodies, names.PROMISES, strict=False):
        relation = relationships.get(year.session, number, year.programme)
        made = commitments.promise(
            year.session,
            year.ago(80),
            relation,
            ours=ours,
            text=text,
            due_on=year.ago(-days).date(),
            by=year.author,
        )
        if evidence:
            commitments.end(
                year.session, year.ago(55), made, outcome="kept", evidence=evidence, by=year.author
            )


def _habits(year: Year) -> None:
    """What makes the next weeks easier: a promised rhythm, queue times, saved replies, topics, an objective."""
    strategy = year.session.get_one(StrategyVersion, year.version).strategy_id
    rhythm.promise(
        year.session, year.ago(330), year.session.get_one(Strategy, strategy), "practice", times=1, warn_days=14,
        zone="Europe/London",
    )  # fmt: skip
    for weekday, wall in ((1, "09:30"), (3, "17:00")):
        slots.add(year.session, year.ago(330), year.network, weekday, wall, "Europe/London")
    for language, (name, text) in names.SAVED.items():
        saved.add(
            year.session, year.ago(300), programme_id=year.programme, name=name, language=language, text=text,
            author=year.author,
        )  # fmt: skip
    loader = year.act.caller.actor if year.act.caller.user_id else year.author
    for owner, days, about, title in (
        (loader, 2, ("stakeholder", year.bodies[0]), "Send the minutes of the meeting"),
        (year.author, -1, ("strategy", strategy), "Ask the partners which words they would use"),
        (year.checker, 9, ("programme", year.programme), "Check the Arabic leaflet"),
    ):
        tasks.give(
            year.session, year.ago(4), programme_id=year.programme, title=title, owner=owner, by=year.author,
            on=year.ago(-days).date(), clock="", zone="Europe/London", about=about,
        )  # fmt: skip
    for topic in names.TOPICS:
        topics.create(year.session, year.ago(300), programme_id=year.programme, names=topic)
    objectives.create(
        year.session, year.ago(340), year.programme, name="Three in four people over 65 are vaccinated",
        metric="Share vaccinated by the new year", baseline=58, target=75, unit="%", deadline_on=year.ago(-60).date(),
        owner=year.author, achievable="58 last year with two evenings fewer",
    )  # fmt: skip


def _ahead(year: Year) -> None:
    """What stands in the calendar: posts to come, a mailing to come, a draft."""
    for week in range(1, 4):
        when = year.ago(-7 * week).replace(hour=12, minute=15, second=0, microsecond=0)
        _post(year, year.now, names.IDEAS[week], when=when)
    _mailing(
        year,
        year.now,
        names.IDEAS[4],
        when=year.ago(-9).replace(hour=9, minute=30, second=0, microsecond=0),
    )
    year.session.flush()
    general = year.session.get_one(Programme, year.programme)
    programmes.set_assurance(year.session, year.now, general, "agreed", "a partnership agrees what goes out")


STEPS: tuple[Callable[[Year], None], ...] = (
    _programme, _accounts, _colleagues, _bodies,
    *(partial(_some_people, first) for first in range(0, PEOPLE, AT_ONCE)), _strategies, _relations,
    *(partial(_month, month) for month in range(MONTHS, 0, -1)), _meetings, _habits, _ahead,
)  # fmt: skip
