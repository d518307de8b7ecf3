"""Many rows by one statement: all of them, as they were given, or none."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import BigInteger, Text, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from campaigns.base import listed
from campaigns.bulk import TOGETHER, insert_many, insert_new
from campaigns.delivery.tables import Tally

COLUMNS = ("id", "outcome", "account_id", "number")
WORDS = ["plain", 'it\'s "quoted" \\ {{ %s ? :x', "Prŷs", "محمد", "👩‍👩‍👧", "", "null", "7"]


def rows(count: int) -> list[tuple[int, str, int, int]]:
    return [(number, WORDS[number % len(WORDS)], 1 << 62, -number) for number in range(1, count + 1)]


@pytest.mark.parametrize("count", [0, 1, TOGETHER - 1, TOGETHER, 2 * TOGETHER + 1])
def test_rows_are_inserted_whatever_their_number(session: Session, count: int) -> None:
    insert_many(session, Tally, COLUMNS, rows(count))
    found = session.query(Tally).order_by(Tally.id)
    assert [(row.id, row.outcome, row.account_id, row.number) for row in found] == rows(count)


@pytest.mark.parametrize("count", [1, TOGETHER + 1])
def test_a_row_that_is_there_already_is_refused(session: Session, count: int) -> None:
    insert_many(session, Tally, COLUMNS, rows(count))
    with pytest.raises(IntegrityError):
        insert_many(session, Tally, COLUMNS, rows(count))


@pytest.mark.parametrize("count", [0, 1, TOGETHER - 1, TOGETHER, 2 * TOGETHER + 1])
def test_rows_that_are_there_already_are_left_out_and_the_others_counted(
    session: Session, count: int
) -> None:
    insert_new(session, Tally, COLUMNS, rows(count // 2))
    assert insert_new(session, Tally, COLUMNS, [*rows(count), *rows(count)]) == count - count // 2
    assert session.query(Tally).count() == count


def test_a_statement_is_told_a_list_of_plain_values(session: Session) -> None:
    numbers = [1 << 62, -1, 0]
    asked = select(listed("numbers", BigInteger).c.one)
    assert list(session.scalars(asked, {"numbers": json.dumps(numbers)})) == numbers
    assert list(session.scalars(select(listed("words", Text).c.one), {"words": json.dumps(WORDS)})) == WORDS
    assert list(session.scalars(asked, {"numbers": "[]"})) == []
