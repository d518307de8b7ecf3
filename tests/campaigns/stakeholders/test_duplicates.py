"""Proposals of who is on record twice: what proposes them, and that each look is bounded."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from campaigns.stakeholders import addresses, duplicates, fields, people


def person(session: Session, now: datetime, name: str, *mails: str, **attrs: str) -> int:
    made = people.create(session, now, kind="person", name=name, attrs=attrs)
    for mail in mails:
        addresses.add(session, now, made.id, "email", mail)
    return made.id


@pytest.fixture
def town(session: Session, now: datetime) -> None:
    fields.define(session, now, name="town", type="text")


def through(session: Session, by: str) -> list[tuple[int, int, tuple[str, ...]]]:
    """Everything that is proposed, look by look."""
    found, after = [], None
    while True:
        pairs, after = duplicates.look(session, by, after)
        found += [(one.low_id, one.high_id, one.shared) for one in pairs]
        if after is None:
            return found


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [
        ("ann jones", "ann jones", True),
        ("ann jones", "jones ann", True),
        ("ann jones", "anne jones", True),
        ("ann jones", "ann jonse", True),
        ("ann jones", "amn jones", True),
        ("siân price", "sian price", True),
        ("ann jones", "anna joness", False),
        ("ann", "anm", False),
        ("ann jones", "ben jones", False),
    ],
)
def test_names_are_near_by_one_letter_or_in_another_order(one: str, other: str, near: bool) -> None:
    assert duplicates.is_near(one, other) is duplicates.is_near(other, one) is near


def test_an_equal_address_proposes_and_a_name_with_something_else(
    session: Session, now: datetime, town: None
) -> None:
    """A15."""
    ann = person(session, now, "Ann Jones", "ann@example.org", town="Bala")
    anne = person(session, now, "Anne Jones", "ANN@example.org")
    bala = person(session, now, "ann jones", town="bala")
    person(session, now, "Ann Jones", town="Barry")
    assert through(session, "address") == [(ann, anne, ("address", "near_name"))]
    assert through(session, "name") == [(ann, anne, ("address", "near_name")), (ann, bala, ("name", "field"))]
    assert [one.score for one in duplicates.of(session, people.get(session, ann))] == [65, 55]


def test_what_somebody_told_apart_is_not_asked_again(session: Session, now: datetime) -> None:
    ann, ben = (person(session, now, name, "office@example.org") for name in ("Ann", "Ben"))
    assert len(through(session, "address")) == 1
    duplicates.say_distinct(session, now, ben, ann, "user:cai")
    duplicates.say_distinct(session, now, ann, ben, "user:cai")
    assert through(session, "address") == []


def test_archived_people_and_offices_propose_nothing(session: Session, now: datetime) -> None:
    many = [person(session, now, f"No {n}", "office@example.org") for n in range(duplicates.GROUP_MAX + 1)]
    assert through(session, "address") == []
    for one in many[2:]:
        people.archive(session, now, people.get(session, one))
    assert through(session, "address") == [] == through(session, "name")


@pytest.mark.parametrize("by", duplicates.BY)
def test_pieces_lose_nothing_at_their_edges(
    session: Session, now: datetime, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    names = ["Ann", "Ben", "Cai", "Dai", "Efa"]
    twice = {
        tuple(person(session, now, f"{name} Jones", f"{name}@example.org") for _ in range(2))
        for name in names
    }
    whole = through(session, by)
    assert {one[:2] for one in whole} == twice
    for size in range(1, 12):
        monkeypatch.setattr(duplicates, "LOOK", size)
        if by == "name" or size > 2:  # an address that fills a look is read as far as that goes
            assert {one[:2] for one in through(session, by)} == twice


@pytest.mark.parametrize("by", duplicates.BY)
def test_a_look_reads_no_more_than_its_piece(
    session: Session, now: datetime, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    for name in ("Ann", "Ben", "Cai", "Dai", "Efa", "Ffion"):
        for _ in range(2):
            person(session, now, f"{name} Jones", f"{name}@example.org")
    monkeypatch.setattr(duplicates, "LOOK", 5)
    monkeypatch.setattr(duplicates, "BESIDE", 2)
    pairs, after = duplicates.look(session, by, None)
    assert (len(pairs), after is None) == (2 if by == "address" else 3, False)


def test_a_name_that_few_have_proposes_by_itself(session: Session, now: datetime, town: None) -> None:
    """A15: somebody added twice, once without an address, shares nothing else with themselves."""
    gwen = [person(session, now, "Gwen Parry", mail) for mail in ("gwen@example.org", "parry@example.org")]
    assert through(session, "name") == [(gwen[0], gwen[1], ("name",))]
    assert [one.shared for one in duplicates.of(session, people.get(session, gwen[1]))] == [("name",)]
    for _ in range(duplicates.FEW - 1):
        person(session, now, "gwen parry")
    assert through(session, "name") == [] == duplicates.of(session, people.get(session, gwen[0]))


def test_two_of_one_name_are_not_proposed_where_a_field_tells_them_apart(
    session: Session, now: datetime, town: None
) -> None:
    bala, barry = (person(session, now, "Gwen Parry", town=town) for town in ("Bala", "Barry"))
    assert through(session, "name") == []
    neither = person(session, now, "Gwen Parry")
    assert {one[:2] for one in through(session, "name")} == {(bala, neither), (barry, neither)}


def test_a_common_name_proposes_nothing_at_the_edges_of_pieces(
    session: Session, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(duplicates.FEW + 1):
        person(session, now, "Gwen Parry")
    pair = tuple(person(session, now, "Siân Rees") for _ in range(2))
    for size in range(1, 8):
        monkeypatch.setattr(duplicates, "LOOK", size)
        assert [one[:2] for one in through(session, "name")] == [pair]
