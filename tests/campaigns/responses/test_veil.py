"""What is told to somebody about themselves names nobody else."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from campaigns.base import public_id
from campaigns.responses.veil import ADDRESS, ANOTHER, COLLEAGUE, PROGRAM, Veil
from campaigns.stakeholders import addresses, people


@pytest.fixture
def veil(session: Session, now: datetime) -> Veil:
    """Of Ann Rees, whom Bob Hughes and Mair Wyn Jones are known beside."""
    ann, *_ = [
        people.create(session, now, kind="person", name=name)
        for name in ("Ann Rees", "Bob Hughes", "Mair Wyn Jones", "محمد علي")
    ]
    addresses.add(session, now, ann.id, "email", "Ann@example.org")
    addresses.add(session, now, ann.id, "phone", "+441970123456")
    return Veil(session, [ann.id], ["Carys Pugh"])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("Ann Rees came with Bob Hughes.", f"Ann Rees came with {ANOTHER}."),
        ("BOB  HUGHES and mair wyn jones", f"{ANOTHER} and {ANOTHER}"),
        ("Carys Pugh will call.", f"{ANOTHER} will call."),
        ("تحدثنا مع محمد علي اليوم", f"تحدثنا مع {ANOTHER} اليوم"),
        ("Write to bob@example.org, not ann@example.org", f"Write to {ADDRESS}, not ann@example.org"),
        ("Ring +44 (1970) 123456 or 01970 654 321", f"Ring +44 (1970) 123456 or {ADDRESS}"),
        ("Bobby Hughesson met us on 2026-11-22 14:30.", "Bobby Hughesson met us on 2026-11-22 14:30."),
        ("", ""),
    ],
)
def test_names_and_addresses_of_others_go_and_their_own_stay(veil: Veil, words: str, told: str) -> None:
    """F14"""
    assert veil.text(words) == told


@pytest.mark.parametrize(
    ("name", "words", "told"),
    [
        ("Mair Rhys", "Mair Rhys's complaint; Mair Rhys’ reply", "X's complaint; X’ reply"),
        ("Mair Pari", "Mae Mair Pari'n dod", "Mae X'n dod"),
        ("J. R. Jones", "rang J. R. Jones, then J.R. Jones", "rang X, then X"),
        ("J.R. Jones", "rang J R Jones", "rang X"),
        ("JR Jones", "rang JR Jones.", "rang X."),
        ("Ann F. Lee", "Ann F Lee and Ann F. Lee", "X and X"),
        ("Dr. Ann Lee", "Dr Ann Lee called; so did Ann Lee", "X called; so did X"),
        ("Ann Lee", "Dr. Ann Lee called", "Dr. X called"),
        ("Muhammad Ali bin Hassan al-Sayed", "met Muhammad Ali bin Hassan al-Sayed.", "met X."),
        ("محمد علي", "قال لمحمد علي", "قال لX"),
        ("محمد علي", "جاءت سارة ومحمد علي", "جاءت سارة وX"),
        ("Mary O’Brien", "Mary O'Brien and MARY O‘BRIEN's son", "X and X's son"),
        ("Mary O'Brien", "Mary O’Brien", "X"),
        ("Ann Lee", "Lee, Ann", "X"),
        ("Lee, Ann", "Ann Lee", "X"),
        ("Jones, Mair Wyn", "Mair Wyn Jones", "X"),
        ("Mair Wyn Jones", "Jones, Mair Wyn", "X"),
        ("Ann Lee", "they met Ann\nLee there", "they met X there"),
        ("Ann Lee", "Ann Lee–Dafydd, (Ann  Lee) or 'Ann Lee'", "X–Dafydd, (X) or 'X'"),
        ("Siân Ŵyn", "SIÂN ŴYN said no", "X said no"),
        ("Ann Lee", "Ann Lees and Joann Lee", "Ann Lees and Joann Lee"),
        ("Wyn Jones", "Ann Wyn Jones rang", "Ann Wyn Jones rang"),
    ],
)
def test_names_go_however_they_are_written(
    session: Session, now: datetime, name: str, words: str, told: str
) -> None:
    """F14: sentences as colleagues write them; the last is about somebody whose own name holds another's."""
    one = people.create(session, now, kind="person", name="Ann Wyn Jones")
    people.create(session, now, kind="person", name=name)
    assert Veil(session, [one.id]).text(words) == told.replace("X", ANOTHER)


def test_an_address_goes_whole_though_a_name_is_in_it(session: Session, now: datetime) -> None:
    one, _ = [people.create(session, now, kind="person", name=name) for name in ("Xan Rees", "Ann Lee")]
    addresses.add(session, now, one.id, "email", "ann.lee@example.org")
    veil = Veil(session, [one.id])
    assert veil.text("ann.lee@example.org, ann.lee@café.cymru") == f"ann.lee@example.org, {ADDRESS}"


def test_who_was_there_is_taken_out_of_the_notes_by_the_first_name_too(veil: Veil) -> None:
    there, others = veil.names("Ann Rees, Gwil Prys and Dr Siôn Ifans")
    assert (there, others) == (f"Ann Rees, {ANOTHER}, {ANOTHER}", ["Gwil Prys", "Dr Siôn Ifans"])
    assert veil.text("Gwil said yes, Ann no.", others) == f"{ANOTHER} said yes, Ann no."


def test_whoever_did_something_is_told_by_what_they_are_to_us(veil: Veil) -> None:
    assert veil.who(public_id("usr", 1)) == COLLEAGUE
    assert veil.who(public_id("tok", 1)) == PROGRAM
    assert veil.who(public_id("stk", 1)) == ANOTHER
    assert (veil.who("recipient"), veil.who(None)) == ("recipient", None)
    assert [veil.who(name) for name in ("Ann Rees", "Ann Rees (chair)", "Gwil Prys")] == [
        "Ann Rees", "Ann Rees (chair)", ANOTHER,
    ]  # fmt: skip
    assert veil.whole({"read_by": public_id("usr", 1)}) == {"read_by": COLLEAGUE}
    assert veil.whole({"to": ["bob@example.org", 3], "cc": None}) == {"to": [ADDRESS, 3], "cc": None}
