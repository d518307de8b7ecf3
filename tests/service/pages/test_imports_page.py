"""Imports in the browser: check, look, confirm, progress, and the rows that were left out."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from campaigns.base import public_id
from campaigns.stakeholders import addresses, consent, files, imports
from campaigns.stakeholders.tables import Address, Consent, Import, Stakeholder, Suppression
from service.wiring import Wiring
from tests.campaigns.stakeholders.test_exporters import export
from tests.campaigns.stakeholders.test_opening import row, workbook, zipped

from .conftest import Browser, Browsers
from .test_people import programme, somebody


def upload(text: str | bytes, name: str = "people.csv") -> dict[str, Any]:
    return {"file": (io.BytesIO(text.encode() if isinstance(text, str) else text), name)}


def taken_in(wiring: Wiring) -> None:
    """What a worker does."""
    imports.run_pending(wiring.database.sessions, wiring.now)


def everybody(wiring: Wiring) -> set[str]:
    with wiring.database.read() as session:
        return set(session.scalars(select(Stakeholder.name)))


def test_pasted_addresses_are_looked_at_before_anybody_is_added(
    browser: Browser, wiring: Wiring, general: int
) -> None:
    where = browser.post(
        "/people/import/check", pasted="Ann Rees <ann@example.org>; bob@example.org\nno address here",
        language="cy", tags="ysgol", programme_id=public_id("prg", general), files={"file": (io.BytesIO(b""), "")},
    ).headers["Location"]  # fmt: skip
    page = browser.get(where)
    assert "This would happen" in page and "Take 2 rows in" in page and "Refused" in page
    assert everybody(wiring) == set()
    browser.post(where, do="confirm")
    page = browser.get(where)
    assert "being taken in" in page and "data-every" in page
    assert "being taken in" in browser.get(where)  # a reload changes nothing
    taken_in(wiring)
    page = browser.get(where)
    assert "Finished" in page and "data-every" not in page
    assert everybody(wiring) == {"Ann Rees", "bob@example.org"}
    browser.post(where, do="confirm", status=422)


def test_one_declaration_covers_the_file_but_no_opt_out(
    browser: Browser, wiring: Wiring, general: int
) -> None:
    """C17, C18."""
    ann = somebody(wiring, general, "Ann")
    now = wiring.now()
    with wiring.database.write() as session:
        addresses.add(session, now, ann, "email", "ann@example.org")
        consent.withdraw(session, now, ann, "direct_marketing", "email", source="phone", actor="usr_1")
    form: dict[str, Any] = {
        "pasted": "ann@example.org\nbob@example.org", "programme_id": public_id("prg", general), "basis": "consent",
        "purpose": "direct_marketing", "channel": "email", "source": "open day", "given_on": now.date().isoformat(),
    }  # fmt: skip
    answer = browser.post("/people/import/check", status=422, **form, wording="")
    assert "bob@example.org" in answer.text and "still needs: the wording that they were shown" in answer.text
    where = browser.post("/people/import/check", **form, wording="sheet 2").headers["Location"]
    assert "has opted out, and stays so" in browser.get(where)
    browser.post(where, do="confirm")
    taken_in(wiring)
    with wiring.database.read() as session:
        given = session.scalars(select(Consent).where(Consent.act == "given")).all()
        assert [session.get_one(Stakeholder, one.stakeholder_id).name for one in given] == ["bob@example.org"]


def test_the_rows_left_out_come_back_as_they_were_with_the_reason(
    browser: Browser, wiring: Wiring, general: int
) -> None:
    """C15, C16, C21: nothing in the file that is downloaded runs in a spreadsheet."""
    text = 'name,email\nAnn,ann@example.org\n"=HYPERLINK(""x"")","two@x.org, three@x.org"\n'
    where = browser.post(
        "/people/import/check", files=upload(text), programme_id=public_id("prg", general)
    ).headers["Location"]
    browser.post(where, do="confirm")
    taken_in(wiring)
    answer = browser.client.get(f"{where}/refused.csv")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert rows[0] == ["name", "email", "line", "reason"]
    assert rows[1][:3] == ['\'=HYPERLINK("x")', "two@x.org, three@x.org", "3"] and rows[1][3]
    assert len(rows) == 2 and everybody(wiring) == {"Ann"}


def test_columns_are_said_anew_before_the_file_is_taken_in(
    browser: Browser, wiring: Wiring, general: int
) -> None:
    text = "who,mail\nAnn,ann@example.org\n"
    answer = browser.post(
        "/people/import/check", status=422, files=upload(text), programme_id=public_id("prg", general)
    )
    assert "external_id or an address" in answer.text
    text = "who,email,x\nAnn,ann@example.org,ysgol\n"
    where = browser.post(
        "/people/import/check", files=upload(text), programme_id=public_id("prg", general)
    ).headers["Location"]
    again: dict[str, Any] = {"do": "again", "encoding": "utf-8", "delimiter": ","}
    browser.post(where, **again, column0="name", column1="address.email", column2="tags")
    browser.post(where, **again, column0="name", column1="name", column2="tags", status=422)
    browser.post(where, do="confirm")
    taken_in(wiring)
    assert everybody(wiring) == {"Ann"}
    with wiring.database.read() as session:
        [found] = session.scalars(select(Import))
        assert found.mapping == {"who": "name", "email": "address.email", "x": "tags"}
    browser.post(where, **again, column0="name", column1="address.email", column2="tags", status=422)


def test_an_encoding_that_is_not_certain_is_shown_and_can_be_said(
    browser: Browser, wiring: Wiring, general: int
) -> None:
    """C2."""
    body = "name,email\nSiân Ŵyn,sian@example.org\n".encode("iso-8859-14")
    where = browser.post(
        "/people/import/check", files=upload(body), programme_id=public_id("prg", general)
    ).headers["Location"]
    page = browser.get(where)
    assert "not certain how this file is to be read" in page and "In which encoding it was written" in page
    browser.post(
        where, do="again", encoding="iso-8859-14", delimiter=",", column0="name", column1="address.email"
    )
    assert "not certain" not in browser.get(where)
    browser.post(where, do="confirm")
    taken_in(wiring)
    assert everybody(wiring) == {"Siân Ŵyn"}


def test_what_is_not_clear_is_left_out_and_said_in_the_readers_language(
    browser: Browser, wiring: Wiring, general: int
) -> None:
    """C21: a sheet as people keep it, of people in the workspace's country."""
    text = (
        "Name,Email,Mobile,Preferred language,Interests,Joined\n"
        "Ann,ann@example.org,07700 900123,Bilingual,Choir,2019\n"
        "Bob,bob@example.org,07700 90,cy,,2020\n"
    )
    where = browser.post(
        "/people/import/check", files=upload(text), programme_id=public_id("prg", general)
    ).headers["Location"]
    page = browser.get(where)
    assert "2 are taken in without a cell that is not clear" in page and "Take 2 rows in" in page
    assert "One column is not taken in: <bdi>Joined</bdi>." in page and "2019" not in page
    assert "Ann · ann@example.org · 07700 900123 · Bilingual · Choir" in page
    assert '<option value="GB" selected>United Kingdom</option>' in page
    assert "ysgrifennwch y rhif gyda" in browser.get(f"{where}?language=cy")
    again: dict[str, Any] = {f"column{place}": "ignore" for place in range(6)}
    again |= {"column0": "name", "column1": "address.email", "column2": "address.sms"}
    browser.post(where, do="again", encoding="utf-8", delimiter=",", country="", **again)
    page = browser.get(where)
    assert "2 are taken in without a cell" in page and "3 columns are not taken in" in page
    browser.post(where, do="again", encoding="utf-8", delimiter=",", country="GB", **again)
    browser.post(where, do="confirm")
    taken_in(wiring)
    with wiring.database.read() as session:
        assert "+447700900123" in session.scalars(select(Address.key)).all()
    rows = list(csv.reader(io.StringIO(browser.client.get(f"{where}/refused.csv").data.decode("utf-8-sig"))))
    assert [row[0] for row in rows] == ["Name", "Bob"] and "country code" in rows[1][-1]
    where = browser.post(
        "/people/import/check", files=upload("name,email,tags\nAnn,ann@example.org,Choir\n"),
        programme_id=public_id("prg", general),
    ).headers["Location"]  # fmt: skip
    assert "<small>New: Tags</small>" in browser.get(where)


def test_what_is_no_csv_file_is_refused_and_the_form_stays(
    browser: Browser, general: int, wiring: Wiring
) -> None:
    """C20."""
    answer = browser.post(
        "/people/import/check",
        status=422,
        files=upload(b"PK\x03\x04 spreadsheet"),
        tags="ysgol",
        programme_id=public_id("prg", general),
    )
    assert "spreadsheet" in answer.text and 'value="ysgol"' in answer.text
    answer = browser.post("/people/import/check", status=422, programme_id=public_id("prg", general))
    assert "paste some addresses" in answer.text
    with wiring.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Import)) == 0


def test_an_import_of_another_programme_does_not_exist(
    browser: Browser, browsers: Browsers, wiring: Wiring, general: int
) -> None:
    where = browser.post(
        "/people/import/check", pasted="ann@example.org", programme_id=public_id("prg", general)
    ).headers["Location"]
    stranger = browsers("author", programme(wiring, "Elsewhere"))
    stranger.get(where, status=404)
    stranger.get(f"{where}/refused.csv", status=404)
    stranger.post(where, do="confirm", status=404)


def test_who_declares_consent_needs_the_right_to(browsers: Browsers, wiring: Wiring, general: int) -> None:
    author = browsers("author", general)
    assert "One declaration for all of them" not in author.get("/people/import")
    author.post(
        "/people/import/check", status=422, pasted="a@example.org", programme_id=public_id("prg", general),
        basis="public_task", purpose="service", source="list", given_on="2026-01-01",
    )  # fmt: skip


def test_pasted_lists_are_read_as_mail_programs_copy_them() -> None:
    text = (
        'Ann Rees <ann@x.org>, "Bob" <bob@x.org>;cai@x.org\n  \nNobody\n'
        "Dai: 07700 900555\n+44 (0)29 2000-0000\nRhif 12\n"
    )
    lines = files.pasted(text, "cy", "a,b").decode().splitlines()
    assert lines == [
        "name,email,mobile,language,tags", 'Ann Rees,ann@x.org,,cy,"a,b"', 'Bob,bob@x.org,,cy,"a,b"',
        ',cai@x.org,,cy,"a,b"', 'Nobody,,,cy,"a,b"', 'Dai,,07700 900555,cy,"a,b"', ',,+44 (0)29 2000-0000,cy,"a,b"',
        'Rhif 12,,,cy,"a,b"',
    ]  # fmt: skip


def test_a_cell_that_a_spreadsheet_would_run_is_made_harmless() -> None:
    """C16."""
    rows = [["=1+1", "+1", "-1", "@x", "\tx", "＝1", "plain", ""]]
    found = files.spreadsheet(rows).decode("utf-8-sig")
    assert next(csv.reader(io.StringIO(found))) == ["'=1+1", "'+1", "'-1", "'@x", "'\tx", "'＝1", "plain", ""]
    assert re.search("\ufffd", files.storable("a\x00b"))


def test_everything_that_a_declaration_lacks_is_said_at_once(browser: Browser, general: int) -> None:
    form = {"pasted": "ann@example.org", "programme_id": public_id("prg", general), "basis": "consent"}
    page = browser.post("/people/import/check", status=422, **form).text
    assert (
        "still needs: where these addresses come from, the wording that they were shown, since when" in page
    )


def test_who_is_new_is_seen_and_what_was_pasted_can_be_changed(
    browser: Browser, wiring: Wiring, general: int
) -> None:
    form = {
        "programme_id": public_id("prg", general),
        "pasted": "Ann Rees <ann@gmial.com>\r\nbob@example.org.",
    }
    where = browser.post("/people/import/check", **form).headers["Location"]
    page = browser.get(where)
    assert "Ann Rees · ann@gmial.com" in page and "Did you mean <bdi>ann@gmail.com" in page
    assert "full stop at the end" in page and "pasted.csv" not in page
    numbers = {"programme_id": public_id("prg", general), "pasted": "Dai 07700 900555\n07700 900556"}
    pasted = browser.post("/people/import/check", **numbers).headers["Location"]
    assert "Take 2 rows in" in browser.get(pasted)
    again = re.search(r'href="(/people/import\?again=[^"]+)"', browser.get(pasted))
    assert again is not None and "Dai 07700 900555\n07700 900556<" in browser.get(again[1])
    assert '<th scope="row">1</th>' in page and '<th scope="row">3</th>' not in page
    again = re.search(r'href="(/people/import\?again=[^"]+)"', page)
    assert again is not None and "Ann Rees <ann@gmial.com>\nbob@example.org." in browser.get(again[1])
    assert ">bfi<" not in browser.get("/people/import") and "British Sign Language" in browser.get(
        "/people/import"
    )


def test_after_an_import_a_group_of_them_is_one_press_away(
    browser: Browser, wiring: Wiring, general: int
) -> None:
    form = {"programme_id": public_id("prg", general), "pasted": "Ann <ann@example.org>; bob@example.org"}
    where = browser.post("/people/import/check", **form).headers["Location"]
    browser.post(where, do="confirm")
    assert "The rows are shown here as they are done." in browser.get(where)
    taken_in(wiring)
    page = browser.get(where)
    assert "Write to them" in page and "Make a group of these" in page
    assert browser.post(where, do="write").headers["Location"].startswith("/write?group=seg_")
    group = browser.done(where, do="group")
    assert "Import of" in group and "Ann" in group and "bob@example.org" in group


def test_an_import_under_way_is_cancelled_and_says_what_stays(
    browser: Browser, wiring: Wiring, general: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = browser.post(
        "/people/import/check", programme_id=public_id("prg", general),
        files=upload("name,email\nAnn,ann@example.org\nBob,bob@example.org\n"),
    ).headers["Location"]  # fmt: skip
    browser.post(where, do="confirm")
    assert "Cancel the import" in browser.get(where)
    monkeypatch.setattr(imports, "STEP", 1)
    calls = iter(range(100))

    def cancelling() -> datetime:
        if next(calls) == 3:  # taking the import, the beginning, the first row, then this
            browser.post(where, do="cancel")
        return wiring.now()

    imports.run_pending(wiring.database.sessions, cancelling)
    page = browser.get(where)
    assert "The import was cancelled" in page and "1 of 2 rows were done" in page
    assert "Cancel the import" not in page and "data-every" not in page
    assert everybody(wiring) == {"Ann"}
    assert "gwnaed 1 o ddwy res" in browser.get(f"{where}?language=cy")
    assert "أُلغي الاستيراد" in browser.get(f"{where}?language=ar")
    assert "Cancelled" in browser.get("/people/import")
    assert "this import was cancelled" in browser.post(where, do="confirm", status=422).text


def test_a_declaration_is_made_after_the_check_and_the_columns_stay(
    browser: Browser, wiring: Wiring, general: int
) -> None:
    """C18"""
    text = "name,email,consent,Day\nAnn,ann@example.org,yes,2024-03-01\n"
    where = browser.post(
        "/people/import/check", files=upload(text), programme_id=public_id("prg", general)
    ).headers["Location"]
    assert "One row says yes without a declaration" in browser.get(where)
    form: dict[str, Any] = {
        "do": "again", "encoding": "utf-8", "delimiter": ",", "column0": "name", "column1": "address.email",
        "column2": "consent", "column3": "ignore", "basis": "consent", "purpose": "direct_marketing",
        "channel": "email", "source": "open day", "wording": "sheet 2",
    }  # fmt: skip
    assert "still needs: since when it holds" in browser.post(where, status=422, **form).text
    browser.post(where, own_time="yes", **form)
    page = browser.get(where)
    assert "which column says when each of them agreed" in page and 'value="open day"' in page
    assert "say which column" in browser.post(where, do="confirm", status=422).text
    browser.post(where, own_time="yes", **form | {"column3": "consent_at"})
    assert "as it stands nobody is covered" not in browser.get(where)
    browser.post(where, do="confirm")
    taken_in(wiring)
    with wiring.database.read() as session:
        assert [one.at for one in session.scalars(select(Consent))] == [datetime(2024, 3, 1, tzinfo=UTC)]


def test_a_column_of_days_under_any_heading_is_asked_for_after_the_file_was_chosen(
    browser: Browser, general: int
) -> None:
    """C18: the day is not made up before the columns can be said."""
    form: dict[str, Any] = {
        "programme_id": public_id("prg", general), "basis": "consent", "purpose": "direct_marketing",
        "channel": "email", "source": "open day", "wording": "sheet 2", "own_time": "yes",
    }  # fmt: skip
    text = "name,email,Diwrnod\nAnn,ann@example.org,2024-03-01\n"
    where = browser.post("/people/import/check", files=upload(text), **form).headers["Location"]
    assert "as it stands nobody is covered" in browser.get(where)


def test_what_a_declaration_needs_is_marked(browser: Browser) -> None:
    assert browser.get("/people/import").count("needed with a declaration") == 2
    assert "gofynnol gyda datganiad" in browser.get("/people/import?language=cy")
    assert "مطلوب مع الإقرار" in browser.get("/people/import?language=ar")


def test_the_sheet_of_a_workbook_is_asked_and_can_be_changed(
    browser: Browser, wiring: Wiring, general: int
) -> None:
    """C2: which of several tables is meant is confirmed, not guessed."""
    table = row(1, "name", "email") + row(2, "Ann", "ann@example.org")
    body = workbook(table, table.replace("Ann", "Bob").replace("ann@", "bob@"))
    where = browser.post(
        "/people/import/check", files=upload(body, "people.xlsx"), programme_id=public_id("prg", general)
    ).headers["Location"]
    page = browser.get(where)
    assert "not certain how this file is to be read" in page and ">Sheet 2</option>" in page
    assert "Which of its sheets is meant." in page
    assert "One other sheet is not read: <bdi>Sheet 2</bdi>." in page
    assert "Between the columns" not in page
    browser.post(where, do="again", sheet="Sheet 2")
    assert "not certain" not in browser.get(where)
    browser.post(where, do="confirm")
    taken_in(wiring)
    assert everybody(wiring) == {"Bob"}


def test_others_write_while_a_workbook_is_opened_anew_and_who_was_faster_wins(
    browser: Browser, wiring: Wiring, general: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C2"""
    body = workbook(row(1, "name", "email") + row(2, "Ann", "ann@example.org"))
    where = browser.post(
        "/people/import/check", files=upload(body, "people.xlsx"), programme_id=public_id("prg", general)
    ).headers["Location"]
    looked = imports.look

    def meanwhile(*args: Any, **how: Any) -> imports.Look:
        with wiring.database.write() as session:
            session.scalars(select(Import)).one().touch(wiring.now())
        return looked(*args, **how)

    monkeypatch.setattr(imports, "look", meanwhile)
    page = browser.post(where, status=422, do="again", sheet="Sheet 1", column0="name", column1="ignore").text
    assert "somebody changed this after you read it" in page and "Take one row in" in page


def test_an_export_of_mailchimp_is_told_apart_and_its_opt_outs_are_counted(
    browser: Browser, wiring: Wiring, general: int
) -> None:
    """L12."""
    form: dict[str, Any] = {
        "programme_id": public_id("prg", general), "basis": "consent", "purpose": "direct_marketing",
        "channel": "email", "source": "Mailchimp form", "wording": "form 3",
    }  # fmt: skip
    body = zipped(export("mailchimp"))
    answer = browser.post("/people/import/check", status=422, files=upload(body, "a.zip"), **form)
    assert "still needs: since when it holds" in answer.text
    where = browser.post("/people/import/check", files=upload(body, "a.zip"), own_time="yes", **form).headers[
        "Location"
    ]
    page = browser.get(where)
    assert "Read as an export of <bdi>Mailchimp</bdi>." in page
    assert "Of 3 the file says that they are not to be written to: it is kept." in page
    assert "Am dri ohonynt dywed y ffeil" in browser.get(f"{where}?language=cy")
    assert "قُرئ كملف مُصدَّر من" in browser.get(f"{where}?language=ar")
    browser.post(where, do="confirm")
    taken_in(wiring)
    with wiring.database.read() as session:
        assert len(session.scalars(select(Consent)).all()) == 1
        assert len(set(session.scalars(select(Suppression.address_key)))) == 3


def test_what_a_file_stopped_is_lifted_on_its_page(browser: Browser, wiring: Wiring, general: int) -> None:
    where = browser.post(
        "/people/import/check", files=upload("name,email,opt out\nAnn,ann@example.org,yes\n"),
        programme_id=public_id("prg", general),
    ).headers["Location"]  # fmt: skip
    assert "Lift everything that this file stopped" not in browser.get(where)
    browser.post(where, do="confirm")
    taken_in(wiring)
    page = browser.get(where)
    assert "Lift everything that this file stopped" in page and f'href="{where}?outcome=created#rows"' in page
    browser.post(where, do="lift", why="", status=422)
    browser.post(where, do="lift", why="the wrong column")
    with wiring.database.read() as session:
        assert {one.lifted_why for one in session.scalars(select(Suppression))} == {"the wrong column"}


def test_what_a_table_of_listmonk_cannot_say_is_told(browser: Browser, general: int) -> None:
    """A14: who left a list looks like everybody else there."""
    files_of = export("listmonk")
    for name, told in (("subscribers.csv", True), ("subscribers.json", False)):
        where = browser.post(
            "/people/import/check", files=upload(files_of[name], name), programme_id=public_id("prg", general)
        ).headers["Location"]
        assert ("does not say who has left a list" in browser.get(where)) is told
