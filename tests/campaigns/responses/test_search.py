"""Full text: what is found by which words, on both databases alike, and that the indexes follow the rows."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from campaigns.plain import plain
from campaigns.responses import search
from campaigns.stakeholders import people
from campaigns.stakeholders.tables import Stakeholder

NAMES = ("Siân O’Dwyer", "أحمد المصري", "سلمى عثمان", "Jean-Luc Ŵyn", "Ann")


@pytest.fixture
def known(session: Session, now: datetime) -> dict[str, int]:
    """People of these names."""
    return {name: people.create(session, now, kind="person", name=name).id for name in NAMES}


def found(session: Session, typed: str) -> set[int]:
    ids = search.ids(search.PEOPLE, typed, session.get_bind().dialect.name)
    return set() if ids is None else set(session.scalars(ids))


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("sian", "Siân O’Dwyer"),
        ("SIÂN dwy", "Siân O’Dwyer"),
        ("o'dwyer", "Siân O’Dwyer"),
        ("احمد", "أحمد المصري"),
        ("المصرى", "أحمد المصري"),
        ("سلمي", "سلمى عثمان"),
        ("luc wyn", "Jean-Luc Ŵyn"),
    ],
)
def test_words_are_found_without_accents_marks_or_their_end(
    session: Session, known: dict[str, int], typed: str, name: str
) -> None:
    """L11."""
    assert found(session, typed) == {known[name]}


QUERIES = ["", "a", "'", '"', "* OR x", "sian NOT dwyer", "(((", "sian'; DROP TABLE x", "%", "\\"]


@pytest.mark.parametrize("typed", QUERIES)
def test_what_looks_like_a_query_is_only_words(session: Session, known: dict[str, int], typed: str) -> None:
    assert found(session, typed) == set()


def test_a_changed_name_is_found_by_its_new_words_only(session: Session, known: dict[str, int]) -> None:
    session.execute(update(Stakeholder).where(Stakeholder.id == known["Ann"]).values(name="Beatrice"))
    assert not found(session, "ann") and found(session, "beatr") == {known["Ann"]}


def test_who_is_gone_is_not_found(session: Session, known: dict[str, int]) -> None:
    session.delete(session.get_one(Stakeholder, known["Ann"]))
    session.flush()
    assert not found(session, "ann")


def test_both_databases_make_the_same_of_words(session: Session) -> None:
    for words in (*NAMES, "  A--b  ", "ΑΒΓ ß", "مُحَمَّد", "l'été, “vrai”?", "50% | <b>"):
        assert (session.scalar(select(func.dolen_plain(words))) or "").strip() == plain(words)
