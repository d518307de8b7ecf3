"""Colleagues are told by mail: once for each fact, only what they want, and never at the cost of anything else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select

from campaigns.base import public_id
from campaigns.delivery import accounts
from campaigns.delivery.tables import Account
from campaigns.messages import messages as room
from campaigns.messages.tables import Message
from campaigns.stakeholders import addresses, people, relationships
from campaigns.strategies import agreements, programmes, strategies
from connectors.api import (
    AccountGone,
    AddressGone,
    BadSettings,
    Connector,
    Deferred,
    Keyed,
    Limits,
    Outbound,
    Receipt,
    Uncertain,
)
from service import notice_facts, notices
from service.access import Caller, Reach
from service.acts import begin, messages
from service.permissions import SCOPES
from service.tables import Grant, Notice, User
from service.wiring import Wiring

ZONE = "Europe/London"


@dataclass
class Office:
    """Two colleagues, and a mail account on a wire that the test answers."""

    wiring: Wiring
    ann: int
    ben: int
    sent: list[Outbound] = field(default_factory=list)
    answer: Callable[[Outbound], None] | None = None

    def send(self, outbound: Outbound) -> Receipt:
        if self.answer is not None:
            self.answer(outbound)
        self.sent.append(outbound)
        return Receipt("p1")

    def gather(self) -> list[tuple[str, str]]:
        """What is written down now, as (kind, whom)."""
        notices.gather(self.wiring.database, self.wiring.now(), ZONE)
        with self.wiring.database.read() as session:
            names = {self.ann: "ann", self.ben: "ben"}
            rows = session.scalars(select(Notice).order_by(Notice.id))
            return sorted((row.kind, names.get(row.user_id, "")) for row in rows)

    def states(self) -> list[tuple[str, int]]:
        with self.wiring.database.read() as session:
            return [(row.state, row.tries) for row in session.scalars(select(Notice).order_by(Notice.id))]

    def message(self, **values: Any) -> int:
        """Ann writes to somebody in a programme where another person checks."""
        caller = Caller(
            public_id("usr", self.ann),
            "person",
            frozenset(SCOPES),
            (Reach("administrator", None),),
            user_id=self.ann,
        )
        with begin(self.wiring, caller) as act:
            return messages.create(
                act, to=["nia@example.org"], text="Hello", subject="Walks", name="Walks", **values
            ).id

    def again(self) -> None:
        """The waits are over."""
        with self.wiring.database.write() as session:
            for row in session.scalars(select(Notice).where(Notice.state == "waiting")):
                row.next_at = self.wiring.now()


@pytest.fixture
def office(wiring: Wiring, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    with wiring.database.write() as session:
        now = wiring.now()
        programmes.set_assurance(session, now, programmes.general(session, now), "reviewed")
        account = accounts.create(session, now, name="mail", connector="smtp", channel="email")
        account.sender = "us@example.org"
        made = []
        for name, role, language in (("Ann", "author", "en"), ("Ben", "approver", "cy")):
            user = User(
                name=name,
                email_key=f"{name.lower()}@example.org",
                language=language,
                created_at=now,
                updated_at=now,
            )
            session.add(user)
            session.flush()
            session.add(Grant(user_id=user.id, role=role, programme_id=None, created_at=now))
            made.append(user.id)
    found = Office(wiring, made[0], made[1])
    connector = Connector(
        name="smtp", channel="email", broadcast=False, limits=Limits(html=True, deadline_s=1.0), repeats=Keyed(60),
        verify=lambda: None, send=found.send, find=None,
    )  # fmt: skip
    monkeypatch.setattr(wiring, "connector", lambda _session, _account: connector)
    yield found


def test_whoever_may_check_is_asked_once_and_whoever_wrote_it_is_not(office: Office) -> None:
    """L9."""
    number = office.message()
    for _ in range(3):
        assert office.gather() == [("approval_asked", "ben")]
    with office.wiring.database.write() as session:
        room.edit(session, office.wiring.now(), session.get_one(Message, number), by="usr_x", ceiling=7)
    assert office.gather() == [("approval_asked", "ben")] * 2  # another form of it: asked again


def test_a_notice_is_sent_once_in_the_colleagues_language_with_its_link(office: Office) -> None:
    office.message()
    office.gather()
    assert notices.send_due(office.wiring) is True and notices.send_due(office.wiring) is False
    (mail,) = office.sent
    assert (mail.to, mail.language, mail.sender) == ("ben@example.org", "cy", "us@example.org")
    assert "Walks" in str(mail.subject) and "\n" not in str(mail.subject)
    base = office.wiring.links.base_url
    assert f"{base}/messages/msg_" in str(mail.text) and f"{base}/me/notices" in str(mail.text)
    assert mail.html == "" and mail.headers["Auto-Submitted"] == "auto-generated"
    assert office.states() == [("sent", 1)]


def test_what_is_switched_off_is_not_told_and_what_waits_of_it_is_dropped(office: Office) -> None:
    office.message()
    office.gather()
    with office.wiring.database.write() as session:
        notices.choose(session, office.ben, ["digest", "no such kind"])
        assert [kind for kind, yes in notices.wanted(session, office.ben).items() if yes] == ["digest"]
    assert notices.send_due(office.wiring) is False and office.sent == []
    office.message()
    assert [kind for kind, who in office.gather() if kind == "approval_asked"] == ["approval_asked"]


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (Deferred("later"), "waiting"), (AccountGone("login refused"), "waiting"), (AddressGone("gone"), "dropped"),
        (Uncertain("no answer"), "unsure"),
    ],
)  # fmt: skip
def test_what_may_have_gone_is_not_repeated_and_a_delay_is(
    office: Office, error: Exception, state: str
) -> None:
    def refuse(_outbound: Outbound) -> None:
        raise error

    office.message()
    office.gather()
    office.answer = refuse
    notices.send_due(office.wiring)
    assert office.states() == [(state, 1)]
    office.answer = None
    assert notices.send_due(office.wiring) is False
    office.again()
    notices.send_due(office.wiring)
    assert len(office.sent) == (1 if state == "waiting" else 0)


def test_without_a_mail_account_it_waits_and_old_news_is_dropped(office: Office) -> None:
    office.message()
    office.gather()
    with office.wiring.database.write() as session:
        session.scalars(select(Account)).one().state = "disabled"
    assert notices.send_due(office.wiring) is False and office.states() == [("waiting", 0)]
    with office.wiring.database.write() as session:
        session.scalars(select(Notice)).one().at -= notice_facts.NEWS
    notices.send_due(office.wiring)
    assert office.states() == [("dropped", 0)]


def test_an_account_that_cannot_be_set_up_makes_notices_wait(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.message()
    office.gather()

    def broken(_session: Any, _account: Any) -> Connector:
        raise BadSettings({"host": "is missing"})

    monkeypatch.setattr(office.wiring, "connector", broken)
    assert notices.send_due(office.wiring) is False and office.states() == [("waiting", 0)]


def test_whoever_left_is_told_nothing(office: Office) -> None:
    office.message()
    office.gather()
    with office.wiring.database.write() as session:
        session.get_one(User, office.ben).state = "disabled"
    notices.send_due(office.wiring)
    assert office.sent == [] and office.states()[0][0] == "dropped"
    office.message()
    assert len(office.gather()) == 1


def test_an_account_out_of_service_is_told_to_those_who_can_mend_it_each_day_once(office: Office) -> None:
    with office.wiring.database.write() as session:
        now = office.wiring.now()
        account = accounts.create(session, now, name="second", connector="smtp", channel="email")
        account.state, account.state_reason = "out_of_service", "535 refused"
        session.add(Grant(user_id=office.ann, role="administrator", programme_id=None, created_at=now))
    assert office.gather() == office.gather() == [("account_stopped", "ann")]
    notices.send_due(office.wiring)
    assert "535 refused" in str(office.sent[0].text)


def test_the_end_of_a_login_is_told_once_some_days_ahead(office: Office) -> None:
    with office.wiring.database.write() as session:
        now = office.wiring.now()
        account = accounts.create(session, now, name="second", connector="smtp", channel="email")
        account.login_ends_at = now + notice_facts.LOGIN_ENDS_WITHIN + timedelta(hours=1)
        session.add(Grant(user_id=office.ann, role="administrator", programme_id=None, created_at=now))
    assert office.gather() == []
    with office.wiring.database.write() as session:
        session.get_one(Account, account.id).login_ends_at = now + timedelta(days=9)
    assert office.gather() == office.gather() == [("login_ends", "ann")]
    notices.send_due(office.wiring)
    assert "ends soon: second" in str(office.sent[0].subject)
    with office.wiring.database.write() as session:
        session.get_one(Account, account.id).login_ends_at = now - timedelta(days=1)
    assert office.gather() == [("login_ends", "ann")]


def test_an_account_that_fails_again_and_again_is_told_once_for_each_time_that_this_begins(
    office: Office,
) -> None:
    with office.wiring.database.write() as session:
        now = office.wiring.now()
        account = accounts.create(session, now, name="second", connector="smtp", channel="email")
        account.trouble_since_at, account.trouble = now, "421 too many"
        session.add(Grant(user_id=office.ann, role="administrator", programme_id=None, created_at=now))
    assert office.gather() == office.gather() == [("account_in_trouble", "ann")]
    notices.send_due(office.wiring)
    assert "421 too many" in str(office.sent[0].text)
    with office.wiring.database.write() as session:
        session.get_one(Account, account.id).trouble_since_at = now + timedelta(hours=1)
    assert office.gather() == [("account_in_trouble", "ann")] * 2
    with office.wiring.database.write() as session:
        session.get_one(Account, account.id).trouble_since_at = None
    assert office.gather() == [("account_in_trouble", "ann")] * 2


def test_an_urgent_go_is_told_to_everybody_who_should_have_signed_and_the_review_follows(
    office: Office,
) -> None:
    """gates.md, "Urgent go"."""
    number, now = office.message(), office.wiring.now()
    with office.wiring.database.write() as session:
        go = agreements.urgent_go(session, now, number, "sha256:x", "The bridge is closed", "usr_somebody")
    assert ("urgent_go", "ben") in office.gather() and ("urgent_review", "ben") not in office.gather()
    with office.wiring.database.write() as session:
        session.get_one(type(go), go.id).review_due_at = now + timedelta(hours=3)
    assert ("urgent_review", "ben") in office.gather()
    notices.send_due(office.wiring)
    assert any("The bridge is closed" in str(one.text) for one in office.sent)


def test_a_version_waits_for_a_colleague_by_name_and_by_role(office: Office) -> None:
    with office.wiring.database.write() as session:
        now = office.wiring.now()
        programme = programmes.create(session, now, name="Walking", starts_on=now.date())
        strategy = strategies.create(
            session, now, programme_id=programme.id, segment_id=None, name="Walk more"
        )
        agreements.set_parties(
            session, strategy, [
                {"kind": "user", "ref": public_id("usr", office.ann), "label": "Ann"},
                {"kind": "role", "ref": "approver", "label": "Approvers"},
            ],
        )  # fmt: skip
        strategies.new_version(session, now, strategy, {"aims": "Walk"}, "usr_author")
    assert office.gather() == [("agreement_asked", "ann"), ("agreement_asked", "ben")]


def test_the_owner_of_a_relationship_is_told_that_its_review_is_due(office: Office) -> None:
    with office.wiring.database.write() as session:
        now = office.wiring.now()
        person = people.create(session, now, kind="person", name="Nia")
        addresses.add(session, now, person.id, "email", "nia@example.org")
        involvement = people.involve(session, now, person.id, programmes.GENERAL)
        involvement.owner_id, involvement.review_on = office.ben, now.date()
        assert session.execute(relationships.due(now.date())).all()
    assert office.gather() == [("review_due", "ben")]


def test_whoever_may_not_read_it_any_more_is_not_told_names(office: Office) -> None:
    now = office.wiring.now()
    with office.wiring.database.write() as session:
        person = people.create(session, now, kind="person", name="Nia")
        general = programmes.general(session, now)
        relation = people.involve(session, now, person.id, general.id)
        relationships.set_owners(session, relation, owner_id=office.ann, deputy_id=None)
        relation.review_on = now.date() - timedelta(days=1)
        session.execute(delete(Grant).where(Grant.user_id == office.ann))
    assert office.gather() == []


def test_the_digest_comes_in_the_morning_to_whoever_wants_it(office: Office) -> None:
    with office.wiring.database.write() as session:
        notices.choose(session, office.ann, ["digest"])
    at = office.wiring.now().replace(hour=12)
    for hours in (0, 1):
        notices.gather(office.wiring.database, at + timedelta(hours=hours), ZONE)
    with office.wiring.database.read() as session:
        (row,) = session.scalars(select(Notice))
    assert row.kind == "digest" and row.ref == str(at.date())


@pytest.mark.parametrize("language", ["en", "cy", "ar"])
@pytest.mark.parametrize("kind", notices.KINDS)
def test_every_kind_has_its_words_in_every_language(office: Office, kind: str, language: str) -> None:
    facts = {
        "path": "/x", "name": "Walks", "reason": "Why", "urgent": True, "sent": 3, "bad": 1, "planned": 0,
        "due_at": "2026-11-02T09:00:00+00:00", "ends_at": "2026-11-02T09:00:00+00:00",
        "day": "2026-11-02", "waiting": 2, "mine": 1, "going": 0, "asked": 6, "whole_day": True, "place": "Hall",
    }  # fmt: skip
    user = User(name="Ann", email_key="ann@example.org", language=language)
    letter = notices._letter(office.wiring, Notice(kind=kind, facts=facts), user)
    assert letter.subject and "{" not in letter.subject + letter.text and letter.language == language
    english = notices._letter(
        office.wiring, Notice(kind=kind, facts=facts), User(name="A", language="en", email_key="a@b.cd")
    )
    assert (letter.subject == english.subject) == (language == "en")
