"""Tests of agreements: inside, by link, in a meeting; who may, once, on what was read; urgent go and its review."""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns.database import Database
from campaigns.errors import (
    AlreadyDone,
    BadField,
    Conflict,
    Forbidden,
    FourEyes,
    LinkNotValid,
    NotFound,
    Stale,
)
from campaigns.stakeholders import people
from campaigns.strategies import agreements, programmes, strategies
from campaigns.strategies.tables import AgreementLink

from .conftest import Table, lay


def link(session: Session, now: datetime, table: Table, days: int = 30) -> str:
    path = agreements.invite(session, now, table.version, table.council, days)
    assert path.startswith("/agree/")
    return path.removeprefix("/agree/")


def test_who_is_missing_is_named_until_they_have_agreed(
    session: Session, now: datetime, table: Table
) -> None:
    """B4, SM13"""
    version = table.version
    names = [one["party"] for one in agreements.obstacles(session, version)]
    assert names == ["Director", "Cyngor Ieuenctid"]
    assert agreements.missing(session, version) == [table.director, table.council]
    agreements.decide(
        session, now, version, table.director, "refused", version.digest, "dee", reason="Too long"
    )
    [refused, waiting] = agreements.obstacles(session, version)
    assert (
        refused["decision"] == "refused" and "Too long" in refused["detail"] and waiting["decision"] is None
    )
    agreements.decide(session, now, version, table.director, "agreed", version.digest, "dee")
    assert agreements.missing(session, version) == [table.council]


def test_no_colleague_agrees_while_a_change_is_asked_for_and_somebody_outside_may(
    session: Session, now: datetime, table: Table
) -> None:
    """I5"""
    version, digest = table.version, table.version.digest
    said = agreements.comment(session, now, version, section="aims", text="Say where", by="eve", asks=True)
    agreements.comment(session, now, version, section="aims", text="Well said", by="eve")
    assert agreements.asked(session, version) == [said]
    told = agreements.obstacles(session, version)
    assert [one["kind"] for one in told] == ["agreement_missing"] * 2 + ["strategy_change_asked"]
    assert (told[-1]["by"], told[-1]["text"], told[-1]["section"]) == ("eve", "Say where", "aims")
    with pytest.raises(Conflict):
        agreements.decide(session, now, version, table.director, "agreed", digest, "dee")
    with pytest.raises(Conflict):
        agreements.record(
            session, now, version, table.director, "agreed", digest, recorded_by="eve", evidence="minutes"
        )
    agreements.decide(session, now, version, table.director, "refused", digest, "dee")
    agreements.decide_by_link(session, now, link(session, now, table), "agreed", digest, "", "text")
    agreements.settle(session, now, said, "ann")
    with pytest.raises(AlreadyDone):
        agreements.settle(session, now, said, "ann")
    agreements.decide(session, now, version, table.director, "agreed", digest, "dee")
    assert agreements.obstacles(session, version) == []


def test_what_was_asked_of_an_old_version_stops_no_new_one(
    session: Session, now: datetime, table: Table
) -> None:
    agreements.comment(session, now, table.version, section="aims", text="Say where", by="eve", asks=True)
    new = strategies.new_version(session, now, table.strategy, {"aims": "Walk in Wales"}, "ann")
    agreements.decide(session, now, new, table.director, "agreed", new.digest, "dee")


def test_an_outside_party_agrees_by_link_and_what_they_saw_is_kept(
    session: Session, now: datetime, table: Table
) -> None:
    """B4, SM13: decision, digest, time and the text shown are stored."""
    token = link(session, now, table)
    view = agreements.read_link(session, now, token)
    assert (view.party, view.version, view.agreement) == (table.council, table.version, None)
    agreements.comment_by_link(session, now, token, "aims", "And cycling?")
    shown = "Strategaeth: cerdded"
    made = agreements.decide_by_link(session, now, token, "agreed", table.version.digest, "", shown)
    assert made.shown_text_sha256 == hashlib.sha256(shown.encode()).hexdigest()
    assert (made.digest, made.at, str(made.stakeholder_id)) == (table.version.digest, now, table.council.ref)
    after = agreements.read_link(session, now, token)
    assert after.agreement is made and [one.text for one in after.comments] == ["And cycling?"]


def test_a_link_that_is_forged_expired_replayed_or_of_a_removed_party_is_refused(
    session: Session, now: datetime, table: Table
) -> None:
    """SM13: silence and a bad link are never consent."""
    digest = table.version.digest
    with pytest.raises(LinkNotValid):
        agreements.read_link(session, now, "A" * 43)
    with pytest.raises(LinkNotValid):
        agreements.read_link(session, now, "\ud800")
    token = link(session, now, table, days=1)
    with pytest.raises(LinkNotValid):
        agreements.decide_by_link(session, now + timedelta(days=1), token, "agreed", digest, "", "x")
    agreements.decide_by_link(session, now, token, "refused", digest, "No", "x")
    with pytest.raises(LinkNotValid):
        agreements.decide_by_link(session, now, token, "agreed", digest, "", "x")
    assert table.council in agreements.missing(session, table.version)
    fresh = link(session, now, table)
    agreements.set_parties(session, table.strategy, [{"kind": "role", "ref": "director"}])
    with pytest.raises(LinkNotValid):
        agreements.read_link(session, now, fresh)


def test_only_the_hash_of_a_token_is_kept_and_each_is_different(
    session: Session, now: datetime, table: Table
) -> None:
    tokens = {link(session, now, table) for _ in range(3)}
    kept = set(session.scalars(select(AgreementLink.token_sha256)))
    assert kept == {hashlib.sha256(token.encode()).hexdigest() for token in tokens}
    assert all(len(token) == 43 for token in tokens)


def test_two_posts_of_one_link_count_once(database: Database, now: datetime) -> None:
    """SM13"""
    with database.write() as session:
        table = lay(session, now)
        token, digest = link(session, now, table), table.version.digest
    with database.write() as session:
        agreements.decide_by_link(session, now, token, "agreed", digest, "", "x")
    with database.write() as session, pytest.raises(LinkNotValid):
        agreements.decide_by_link(session, now, token, "refused", digest, "", "x")


def test_a_stale_digest_changes_nothing_on_any_way(session: Session, now: datetime, table: Table) -> None:
    """B4: agree with the digest that was read."""
    token = link(session, now, table)
    with pytest.raises(Stale):
        agreements.decide_by_link(session, now, token, "agreed", "sha256:0", "", "x")
    with pytest.raises(Stale):
        agreements.decide(session, now, table.version, table.director, "agreed", "sha256:0", "dee")
    with pytest.raises(Stale):
        agreements.record(
            session, now, table.version, table.council, "agreed", "", recorded_by="bob", evidence="Minutes"
        )
    assert len(agreements.missing(session, table.version)) == 2
    agreements.decide_by_link(
        session, now, token, "agreed", table.version.digest, "", "x"
    )  # the link still works


def test_nobody_plays_somebody_elses_part(session: Session, now: datetime, table: Table) -> None:
    """SM13"""
    version, digest = table.version, table.version.digest
    with pytest.raises(FourEyes):
        agreements.decide(session, now, version, table.director, "agreed", digest, "ann")
    with pytest.raises(Forbidden):
        agreements.decide(session, now, version, table.council, "agreed", digest, "dee")
    [bob] = agreements.set_parties(session, table.strategy, [{"kind": "user", "ref": "bob", "deputy": "cat"}])
    with pytest.raises(Forbidden):
        agreements.decide(session, now, version, bob, "agreed", digest, "dee")
    assert agreements.decide(session, now, version, bob, "agreed", digest, "cat").by == "cat"
    with pytest.raises(NotFound):
        agreements.decide(session, now, version, table.director, "agreed", digest, "dee")
    with pytest.raises(BadField):
        agreements.decide(session, now, version, bob, "maybe", digest, "bob")
    with pytest.raises(BadField):
        agreements.invite(session, now, version, bob)


def test_a_yes_stands_for_its_version(session: Session, now: datetime, table: Table) -> None:
    digest = table.version.digest
    agreements.decide(session, now, table.version, table.director, "agreed", digest, "dee")
    with pytest.raises(AlreadyDone):
        agreements.decide(session, now, table.version, table.director, "refused", digest, "dee")


def test_what_was_said_in_a_meeting_is_recorded_by_another_with_evidence(
    session: Session, now: datetime, table: Table
) -> None:
    """SM13"""
    version, digest = table.version, table.version.digest
    with pytest.raises(FourEyes):
        agreements.record(
            session, now, version, table.council, "agreed", digest, recorded_by="ann", evidence="M"
        )
    with pytest.raises(BadField) as bare:
        agreements.record(
            session, now, version, table.council, "agreed", digest, recorded_by="bob", evidence=" "
        )
    assert bare.value.pointer == "/evidence"


def test_a_recorded_agreement_keeps_who_wrote_it_down(session: Session, now: datetime, table: Table) -> None:
    made = agreements.record(
        session, now, table.version, table.council, "agreed", table.version.digest, recorded_by="bob",
        evidence="Minutes of 1 November",
    )  # fmt: skip
    assert (made.by, made.recorded_by, made.evidence) == ("Cyngor Ieuenctid", "bob", "Minutes of 1 November")


def test_comments_are_answered_once(session: Session, now: datetime, table: Table) -> None:
    """CS5"""
    said = agreements.comment(session, now, table.version, section="aims", text="Why?", by="bob")
    agreements.answer(session, now, said, "Because", "ann")
    with pytest.raises(AlreadyDone):
        agreements.answer(session, now, said, "Again", "ann")
    with pytest.raises(BadField):
        agreements.comment(session, now, table.version, section="colour", text="x", by="bob")
    assert [
        (one.text, one.answer, one.answered_by) for one in agreements.comments(session, table.version)
    ] == [("Why?", "Because", "ann")]


def test_parties_may_be_replaced_and_keep_their_decisions(
    session: Session, now: datetime, table: Table
) -> None:
    version = table.version
    agreements.decide(session, now, version, table.director, "agreed", version.digest, "dee")
    agreements.set_parties(session, table.strategy, [{"kind": "user", "ref": "bob"}])
    assert [one.ref for one in agreements.parties(session, table.strategy.id)] == ["bob"]
    with pytest.raises(NotFound):
        agreements.party(session, table.strategy, table.director.id)
    agreements.set_parties(session, table.strategy, [{"kind": "role", "ref": "director"}])
    assert agreements.missing(session, version) == []
    assert strategies.in_force(session, table.strategy) is version


@pytest.mark.parametrize(
    ("party", "pointer"),
    [
        ({"kind": "robot", "ref": "x"}, "/parties/0/kind"),
        ({"kind": "role", "ref": ""}, "/parties/0/ref"),
        ({"kind": "role", "ref": "x", "part": "boss"}, "/parties/0/part"),
        ({"kind": "stakeholder", "ref": "5"}, "/parties/0/ref"),
        ({"kind": "stakeholder", "ref": "stk_!"}, "/parties/0/ref"),
        ({"kind": "stakeholder", "ref": "9" * 30}, "/parties/0/ref"),
    ],
)
def test_a_wrong_party_is_named(session: Session, table: Table, party: dict[str, str], pointer: str) -> None:
    with pytest.raises(BadField) as wrong:
        agreements.set_parties(session, table.strategy, [party])
    assert wrong.value.pointer == pointer


def test_a_party_stands_once_and_the_built_in_keeps_its_own(
    session: Session, now: datetime, table: Table
) -> None:
    with pytest.raises(BadField):
        agreements.set_parties(session, table.strategy, [{"kind": "role", "ref": "x"}] * 2)
    general = programmes.general(session, now)
    with pytest.raises(Forbidden):
        agreements.set_parties(session, strategies.get(session, general.id), [])
    person = people.create(session, now, kind="person", name="Mair")
    [found] = agreements.set_parties(
        session, table.strategy, [{"kind": "stakeholder", "ref": str(person.id)}]
    )
    assert found.label == "Mair"


def test_the_text_a_party_reads_has_every_section(table: Table) -> None:
    text = agreements.text_of(table.version)
    assert "Walk more" in text and "- Try it" in text and "Key messages" in text


def test_an_urgent_go_needs_a_reason_and_is_reviewed_by_another_within_a_day(
    session: Session, now: datetime
) -> None:
    """SM13"""
    with pytest.raises(BadField):
        agreements.urgent_go(session, now, 5, "sha256:a", " ", "dee")
    go = agreements.urgent_go(session, now, 5, "sha256:a", "Flood", "dee", [{"kind": "approval_missing"}])
    assert agreements.has_urgent_go(session, 5, "sha256:a")
    assert not agreements.has_urgent_go(session, 5, "sha256:b") and not agreements.has_urgent_go(
        session, 6, "sha256:a"
    )
    assert go.review_due_at == now + timedelta(hours=24)
    assert agreements.reviews_due(session) == [go]
    with pytest.raises(FourEyes):
        agreements.review(session, now, go, "Fine", "dee")
    agreements.review(session, now, go, "It was right", "ann")
    assert agreements.reviews_due(session) == []
    with pytest.raises(AlreadyDone):
        agreements.review(session, now, go, "Again", "ann")


def test_how_far_strategies_are_says_what_each_says_alone(
    session: Session, now: datetime, table: Table
) -> None:
    """B4: the list of strategies tells the same as the strategy itself."""
    light, other = (
        programmes.create(session, now, name=name, starts_on=date(2026, 1, 1)) for name in ("Light", "Other")
    )
    bare = strategies.create(session, now, programme_id=other.id, segment_id=None, name="Bare")
    loose = strategies.create(session, now, programme_id=light.id, segment_id=None, name="Loose")
    strategies.new_version(session, now, loose, {"aims": "x"}, "ann")

    def check() -> agreements.Standing:
        found = agreements.standings(session, [table.strategy, bare, loose])
        for one in (table.strategy, bare, loose):
            forced = strategies.in_force(session, one)
            assert found[one.id].in_force == (forced.n if forced else None), one.name
        return found[table.strategy.id]

    digest = table.version.digest
    assert check().waiting == ("Director", "Cyngor Ieuenctid")
    agreements.decide(session, now, table.version, table.director, "agreed", digest, "dee")
    agreements.record(
        session, now, table.version, table.council, "refused", digest, recorded_by="bo", evidence="Minutes"
    )
    stands = check()
    assert (stands.agreed, stands.refused, stands.in_force) == (("Director",), ("Cyngor Ieuenctid",), None)
    agreements.record(
        session, now, table.version, table.council, "agreed", digest, recorded_by="bo", evidence="Minutes"
    )
    assert check().in_force == 1
    strategies.new_version(session, now, table.strategy, {"aims": "Run"}, "ann")
    stands = check()
    assert (stands.latest, stands.in_force, len(stands.waiting)) == (2, 1, 2)
