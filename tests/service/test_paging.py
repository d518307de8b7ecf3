"""Pages: nothing repeats and nothing hides, whatever comes in meanwhile."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns.base import ids
from campaigns.database import Database
from campaigns.stakeholders.tables import Tag
from service import paging
from service.problems import Refusal

from .conftest import Api


def add(session: Session, now: Any, count: int = 1) -> list[int]:
    numbers = [ids.block(1) for _ in range(count)]
    rows = [Tag(id=number, name=f"tag {number}", name_fold=f"tag {number}") for number in numbers]
    session.add_all(rows)
    session.flush()
    return [row.id for row in rows]


def walk(session: Session, **how: Any) -> list[int]:
    found: list[int] = []
    after = None
    while True:
        page = paging.cut(session, select(Tag), Tag.id, after=after, **how)
        found += [row.id for row in page.rows]
        assert page.has_more == (page.next is not None)
        if page.next is None:
            return found
        after = page.next


@pytest.mark.parametrize("count", [0, 1, 3, 4, 7])
@pytest.mark.parametrize("newest_first", [False, True])
def test_a_walk_sees_every_row_once(session: Session, now: Any, count: int, newest_first: bool) -> None:
    made = add(session, now, count)
    assert walk(session, limit=3, newest_first=newest_first) == (made[::-1] if newest_first else made)


def test_rows_that_come_in_meanwhile_neither_repeat_nor_hide_others(database: Database, now: Any) -> None:
    with database.write() as session:
        made = add(session, now, 10)
    found: list[int] = []
    after = None
    for _ in range(5):
        with database.read() as session:
            page = paging.cut(session, select(Tag), Tag.id, limit=2, after=after, newest_first=True)
        found += [row.id for row in page.rows]
        after = page.next
        with database.write() as session:  # newer ones, and the one we stand on goes away
            add(session, now, 3)
            session.delete(session.get_one(Tag, page.rows[-1].id))
    assert found == made[::-1]


def test_one_can_walk_back(session: Session, now: Any) -> None:
    made = add(session, now, 7)
    first = paging.cut(session, select(Tag), Tag.id, limit=3)
    second = paging.cut(session, select(Tag), Tag.id, limit=3, after=first.next)
    back = paging.cut(session, select(Tag), Tag.id, limit=3, before=second.previous)
    assert [row.id for row in back.rows] == made[:3] and back.previous is None
    assert first.previous is None and second.previous is not None
    again = paging.cut(session, select(Tag), Tag.id, limit=3, after=back.next)
    assert [row.id for row in again.rows] == made[3:6]


@pytest.mark.parametrize(
    "text", ["", "x", "W10", "WzEsMl0", "WyIxIl0", "W251bGxd", "W3RydWVd", "WzEuNV0", "e30", "ŵ", "A" * 4000]
)
def test_a_cursor_we_did_not_make_is_refused(text: str) -> None:
    with pytest.raises(Refusal):
        paging.read_cursor(text, (int,))


def test_a_cursor_beyond_every_id_is_refused() -> None:
    with pytest.raises(Refusal):
        paging.read_cursor(paging.cursor(1 << 63), (int,))


def test_a_cursor_gives_back_what_it_holds() -> None:
    assert paging.read_cursor(paging.cursor(5, "x"), (int, str)) == (5, "x")


def test_the_api_pages_with_links_that_lead_on(api: Api, admin: str) -> None:
    for number in range(5):
        api.post("/v1/programmes", admin, json={"name": f"P{number}", "starts_on": "2027-01-01"})
    names, path = [], "/v1/programmes?limit=2"
    while path:
        answer = api.get(path, admin)
        names += [row["name"] for row in answer.json["data"]]
        link = re.search(r'<([^>]+)>; rel="next"', answer.headers.get("Link", ""))
        assert (link is not None) == answer.json["has_more"] == (answer.json["next"] is not None)
        path = link[1] if link else ""
    assert names == ["P0", "P1", "P2", "P3", "P4"]
    previous = answer.json["previous"]
    assert [row["name"] for row in api.get(f"/v1/programmes?before={previous}", admin).json["data"]] == names[
        :4
    ]
