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


def test_who_was_there_is_taken_out_of_the_notes_by_the_first_name_too(veil: Veil) -> None:
    there, others = veil.names("Ann Rees, Gwil Prys and Dr Siôn Ifans")
    assert (there, others) == (f"Ann Rees, {ANOTHER}, {ANOTHER}", ["Gwil Prys", "Dr Siôn Ifans"])
    assert veil.text("Gwil said yes, Ann no.", others) == f"{ANOTHER} said yes, Ann no."


def test_whoever_did_something_is_told_by_what_they_are_to_us(veil: Veil) -> None:
    assert veil.who(public_id("usr", 1)) == COLLEAGUE
    assert veil.who(public_id("tok", 1)) == PROGRAM
    assert veil.who(public_id("stk", 1)) == ANOTHER
    assert (veil.who("recipient"), veil.who(None)) == ("recipient", None)
    assert veil.whole({"to": ["bob@example.org", 3], "cc": None}) == {"to": [ADDRESS, 3], "cc": None}
