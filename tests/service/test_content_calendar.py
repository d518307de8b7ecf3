"""A content calendar from a spreadsheet becomes drafts: all of them or none, and what is wrong is told by its cell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import select, update

from campaigns.delivery import accounts
from campaigns.delivery.tables import Delivery
from campaigns.errors import BadImport
from campaigns.messages import content_calendar as spreadsheet
from campaigns.messages.tables import Message, Variant
from campaigns.stakeholders import files
from campaigns.stakeholders.tables import Segment
from connectors import registry
from service.access import CONSOLE
from service.acts import Act, content_calendar, trying
from service.ids import shown
from service.wiring import Wiring
from tests.campaigns.stakeholders.test_opening import row, workbook

from . import samples
from .conftest import Api, People

# Of the year after next: drafts are not made for what has passed, nor for what lies far ahead.
YEAR = datetime.now(UTC).year + 2
HEADER = "Dyddiad,Time,Zone,Account,Group,Name,text en,Testun (cy),subject cy\n"
GOOD = HEADER + (
    f"{YEAR}-12-01,09:30,Europe/London,mail,Rowers,Launch,Hello,Helo,Lansio\n"
    ",,,mail,Rowers,No day yet,Hello,,\n"
    f"25/12/{YEAR},9:05,,mail,Rowers,Christmas,Hello,,\n"
)


@pytest.fixture
def here(wiring: Wiring) -> dict[str, int]:
    """A programme with a mail account called mail and a group called Rowers."""
    now = wiring.now()
    with wiring.database.write() as session:
        made = samples.world(session, now, samples.programme(session, now, "Here"))
        session.execute(update(Segment).where(Segment.id == made["seg"]).values(name="Rowers"))
        account = accounts.create(
            session,
            now,
            name="mail",
            connector="simulator",
            channel="email",
            settings={"url": "http://127.0.0.1:9"},
        )
        accounts.declare(account, registry.connect("simulator", account.settings, {}))
        session.execute(update(Message).values(state="finished"))
    return made


def sent(
    api: Api, token: str, here: dict[str, int], body: str | bytes, *, key: str = "", **parts: str
) -> Any:
    file = (BytesIO(body if isinstance(body, bytes) else body.encode()), "plan.csv")
    data = {"file": file, "programme_id": shown("programme", here["prg"]), **parts}
    headers = {"Idempotency-Key": key} if key else {}
    return api.post(
        "/v1/content_calendar", token, data=data, content_type="multipart/form-data", headers=headers
    )


def drafts(wiring: Wiring) -> list[Message]:
    with wiring.database.read() as session:
        return list(session.scalars(select(Message).where(Message.state == "draft").order_by(Message.id)))


def test_two_calls_at_once_under_one_key_make_the_drafts_once(
    api: Api, wiring: Wiring, people: People, here: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """L12"""
    author, other = people("author", here["prg"]), []
    read = spreadsheet.read

    def meanwhile(body: bytes, name: str, sheet: str | None) -> spreadsheet.Table:
        monkeypatch.setattr(spreadsheet, "read", read)
        other.append(sent(api, author, here, GOOD, key="once", make="yes"))
        return read(body, name, sheet)

    monkeypatch.setattr(spreadsheet, "read", meanwhile)
    answer = sent(api, author, here, GOOD, key="once", make="yes")
    assert answer.status_code == other[0].status_code == 200 and answer.json == other[0].json
    assert [one.headers.get("Idempotency-Replayed") for one in (*other, answer)] == [None, "true"]
    assert len(drafts(wiring)) == 3
    assert sent(api, author, here, GOOD, key="once", make="yes").json == answer.json
    assert len(drafts(wiring)) == 3


def test_of_a_file_with_more_than_is_taken_no_more_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """C20: a workbook of few bytes may stand for a million rows."""
    seen = []
    every = files.records

    def counted(*args: Any, **how: Any) -> Iterator[files.Record]:
        for one in every(*args, **how):
            seen.append(one.line)
            yield one

    monkeypatch.setattr(files, "records", counted)
    with pytest.raises(BadImport, match="more than 200 rows"):
        spreadsheet.read(b"account,text\n" + b"mail,Hello\n" * 10_000, "plan.csv")
    assert len(seen) == spreadsheet.ROWS_MAX + 1
    wide = workbook(row(1, "account", "text") + "".join(row(n, "mail", "x" * 100_000) for n in range(2, 100)))
    assert len(wide) < spreadsheet.BYTES_MAX
    with pytest.raises(BadImport, match="larger than"):
        spreadsheet.read(wide, "plan.xlsx")


def test_rows_are_tried_some_at_a_time_so_that_others_can_write_between(
    wiring: Wiring, here: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content_calendar, "TRIED_AT_ONCE", 2)
    sheet = spreadsheet.laid_out(spreadsheet.read(GOOD.encode(), "plan.csv"))
    begun = []

    def trial() -> AbstractContextManager[Act]:
        with wiring.database.write():  # nobody else holds the place of the one writer
            begun.append(len(drafts(wiring)))
        return trying(wiring, CONSOLE)

    found = content_calendar.propose(trial, sheet, programme_id=here["prg"], zone="Europe/London")
    assert [(one.line, one.problems) for one in found] == [(2, []), (3, []), (4, [])]
    assert (begun, drafts(wiring)) == ([0, 0], [])


def test_rows_become_drafts_with_time_words_and_readers_and_nothing_goes(
    api: Api, wiring: Wiring, people: People, here: dict[str, int]
) -> None:
    """L12"""
    author = people("author", here["prg"])
    answer = sent(api, author, here, GOOD, make="yes")
    assert answer.status_code == 200, answer.text
    made = drafts(wiring)
    assert [one.name for one in made] == ["Launch", "No day yet", "Christmas"]
    assert [(one.wall, one.zone) for one in made] == [
        (f"{YEAR}-12-01T09:30:00", "Europe/London"), (None, None), (f"{YEAR}-12-25T09:05:00", "Europe/London"),
    ]  # fmt: skip
    assert [one["message_id"] for one in answer.json["data"]] == [shown("message", one.id) for one in made]
    assert {one.segment_id for one in made} == {here["seg"]}
    with wiring.database.read() as session:
        words = session.execute(
            select(Variant.language, Variant.subject, Variant.text).where(
                Variant.content_id == made[0].content_id
            )
        )
        assert sorted(words) == [("cy", "Lansio", "Helo"), ("en", "", "Hello")]
        mine = select(Delivery).where(Delivery.message_id.in_([one.id for one in made]))
        assert list(session.scalars(mine)) == []


def test_a_look_says_what_each_row_would_become_and_keeps_nothing(
    api: Api, wiring: Wiring, admin: str, here: dict[str, int]
) -> None:
    answer = sent(api, admin, here, GOOD)
    told = answer.json["data"]
    assert [(one["line"], one["languages"], one["message_id"]) for one in told] == [
        (2, ["en", "cy"], None), (3, ["en"], None), (4, ["en"], None),
    ]  # fmt: skip
    assert [one["accounts"] for one in told] == [["mail"]] * 3 and drafts(wiring) == []


@pytest.mark.parametrize(
    ("row", "cell", "why"),
    [
        (f"03/04/{YEAR},09:00,,mail,Rowers,A,Hello,,", "A2", "this could be two days"),
        (f"{YEAR}-02-30,09:00,,mail,Rowers,A,Hello,,", "A2", "write a day"),
        ("2001-01-01,09:00,,mail,Rowers,A,Hello,,", "A2", "has passed"),
        (f"{YEAR}-01-01,9,,mail,Rowers,A,Hello,,", "B2", "write a time of day"),
        (f"31 Smarch {YEAR},09:00,,mail,Rowers,A,Hello,,", "A2", "write a day"),
        (f"{YEAR}-01-01,13pm,,mail,Rowers,A,Hello,,", "B2", "write a time of day"),
        (f"{YEAR}-01-01,nine,,mail,Rowers,A,Hello,,", "B2", "write a time of day"),
        (",09:00,,mail,Rowers,A,Hello,,", "A2", "needs a day"),
        (f"{YEAR}-01-01,09:00,Europe/Caernarfon,mail,Rowers,A,Hello,,", "C2", "zone"),
        (f"{YEAR}-01-01,09:00,,post office,Rowers,A,Hello,,", "D2", "nothing here is called 'post office'"),
        (f"{YEAR}-01-01,09:00,,,Rowers,A,Hello,,", "D2", "through which connected account"),
        (f"{YEAR}-01-01,09:00,,mail,Swimmers,A,Hello,,", "E2", "nothing here is called 'Swimmers'"),
        (f"{YEAR}-01-01,09:00,,mail,,A,Hello,,", "D2", "say who gets it"),
        (f"{YEAR}-01-01,09:00,,mail,Rowers,A,,,", "G2", "there are no words"),
        (f"{YEAR}-01-01,09:00,,mail,Rowers,A,Hello,{{{{ broken,", "H2", ""),
    ],
)
def test_what_is_wrong_is_told_by_its_cell_and_no_row_is_kept(
    api: Api, wiring: Wiring, admin: str, here: dict[str, int], row: str, cell: str, why: str
) -> None:
    """L12: nothing is guessed, and a file is taken in whole or not at all."""
    body = f"{HEADER}{row}\n,,,mail,Rowers,B,Fine,,\n"
    first, second = sent(api, admin, here, body).json["data"]
    assert [one["cell"] for one in first["problems"]] == [cell] and second["problems"] == []
    assert why in first["problems"][0]["detail"]
    answer = sent(api, admin, here, body, make="yes")
    assert answer.status_code == 422 and answer.json["detail"].startswith(cell)
    assert drafts(wiring) == []


def test_everything_that_is_wrong_with_a_row_is_told_at_once(
    api: Api, admin: str, here: dict[str, int]
) -> None:
    (told,) = sent(api, admin, here, HEADER + "soon,late,,nobody,none,A,,,\n").json["data"]
    assert [one["cell"] for one in told["problems"]] == ["A2", "B2", "D2", "E2", "G2"]


@pytest.mark.parametrize(
    ("told", "day", "clock"),
    [
        (f"24 Rhagfyr {YEAR},2pm", "12-24", "14:00"),
        (f"Thu 24th December {YEAR},9.30 am", "12-24", "09:30"),
        (f"24 ديسمبر {YEAR},5:15 م", "12-24", "17:15"),
        (f"5 Ion {YEAR},12am", "01-05", "00:00"),
    ],
)
def test_days_in_words_and_halves_of_the_day_are_understood(
    api: Api, wiring: Wiring, admin: str, here: dict[str, int], told: str, day: str, clock: str
) -> None:
    answer = sent(api, admin, here, f"date,time,account,group,text\n{told},mail,Rowers,Hello\n", make="yes")
    assert answer.status_code == 200, answer.text
    assert [one.wall for one in drafts(wiring)] == [f"{YEAR}-{day}T{clock}:00"]


def test_a_subject_that_names_no_language_is_that_of_all_of_them(
    api: Api, wiring: Wiring, admin: str, here: dict[str, int]
) -> None:
    body = "account,group,Subject,Text en,Welsh text,Testun (Arabeg),Subject Welsh\nmail,Rowers,News,Hello,Helo,,\n"
    body += "mail,Rowers,News,Hello,,أهلا,\nmail,Rowers,News,Hello,Helo,,Newyddion\n"
    assert sent(api, admin, here, body, make="yes").status_code == 200
    with wiring.database.read() as session:
        words = select(Variant.language, Variant.subject).order_by(Variant.id)
        found = [
            session.execute(words.where(Variant.content_id == one.content_id)).all() for one in drafts(wiring)
        ]
    assert found == [
        [("en", "News"), ("cy", "News")], [("en", "News"), ("ar", "News")], [("en", "News"), ("cy", "Newyddion")],
    ]  # fmt: skip
    alone = "account,group,text,subject cy\nmail,Rowers,Hello,Newyddion\n"
    (told,) = sent(api, admin, here, alone).json["data"]
    assert [(one["cell"], one["detail"]) for one in told["problems"]] == [
        ("D2", "there are no words in the language of this subject")
    ]


def test_a_row_to_a_group_is_news_unless_it_says_otherwise(
    api: Api, wiring: Wiring, admin: str, here: dict[str, int]
) -> None:
    """Nobody who wants no news gets it as service because a spreadsheet had no such column."""
    plain = "account,group,text\nmail,Rowers,Hello\n"
    (told,) = sent(api, admin, here, plain).json["data"]
    assert told["purpose"] == "direct_marketing"
    body = "account,group,text,Purpose\n" + "".join(
        f"mail,Rowers,Hello,{said}\n" for said in ("", "Newsletter", "gwasanaeth", "Surveys")
    )
    answer = sent(api, admin, here, body, make="yes")
    wanted = ["direct_marketing", "direct_marketing", "service", "survey"]
    assert [one["purpose"] for one in answer.json["data"]] == wanted
    assert [one.purpose for one in drafts(wiring)] == wanted
    (told,) = sent(api, admin, here, "account,group,text,purpose\nmail,Rowers,Hello,gossip\n").json["data"]
    assert [one["cell"] for one in told["problems"]] == ["D2"]


def test_a_column_with_a_title_of_its_own_is_named_or_left_out(
    api: Api, wiring: Wiring, admin: str, here: dict[str, int]
) -> None:
    body = "Where from,Who,Words we say,Owner\nmail,Rowers,Helo,Ann\n"
    refused = sent(api, admin, here, body, make="yes")
    assert refused.status_code == 422 and refused.json["detail"].startswith("A1: ")
    named = {"Where from": "account", "Who": "group", "Words we say": "text cy", "Owner": ""}
    answer = sent(api, admin, here, body, make="yes", columns=json.dumps(named))
    assert answer.status_code == 200, answer.text
    assert [one["languages"] for one in answer.json["data"]] == [["cy"]] and len(drafts(wiring)) == 1


@pytest.mark.parametrize("language", spreadsheet.HEADINGS)
def test_the_titles_of_a_file_to_start_from_are_understood(language: str) -> None:
    titles = spreadsheet.beginning(language)
    places = [spreadsheet.place(one) for one in titles]
    assert None not in places and len(set(places)) == len(titles) == 10
    assert ("text", language) in places and spreadsheet.place("texture") is None


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("account,text,colour\nmail,Hello,red\n", "C1"),
        ("account,text,text\nmail,Hello,Hi\n", ""),
        ("account,date\nmail,2031-01-01\n", "text"),
        ("account,text\n", "no row"),
        ("account,text\n" + "mail,Hello\n" * 201, "more than"),
    ],
)
def test_a_file_that_is_no_content_calendar_is_refused(
    api: Api, admin: str, here: dict[str, int], body: str, why: str
) -> None:
    answer = sent(api, admin, here, body)
    assert answer.status_code == 422 and why in answer.json["detail"], answer.text


def test_who_may_not_write_messages_takes_none_in(
    api: Api, wiring: Wiring, people: People, here: dict[str, int]
) -> None:
    """R33"""
    assert sent(api, people("viewer", here["prg"]), here, GOOD).status_code == 403
    with wiring.database.write() as session:
        there = samples.programme(session, wiring.now(), "There")
    elsewhere = people("author", there)
    assert sent(api, elsewhere, here, GOOD).status_code in (403, 404)
