"""Imports by API: a file is checked, looked at, confirmed, and taken in by a worker."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from datetime import timedelta
from typing import Any

import pytest

from campaigns.base import parse_id, public_id
from campaigns.stakeholders import imports
from campaigns.stakeholders.rows import insert_rows
from campaigns.stakeholders.tables import Import, ImportRow
from service.access import CONSOLE
from service.acts import Act
from service.acts import imports as acts
from service.wiring import Wiring
from tests.campaigns.stakeholders.test_opening import row, workbook

from . import samples
from .conftest import Answer, Api, People

IMPORTS = "/v1/imports"
FILE = (
    "Name,Email,Language\nAnn Price,ann@example.org,cy\nSiân,sian@example.org,en\nNobody,not an address,en\n"
)
DECLARED = {
    "purpose": "direct_marketing",
    "channel": "email",
    "basis": "consent",
    "source": "sign-up sheet",
    "wording_version": "2026-1",
    "at": "2026-01-01T00:00:00Z",
}


def upload(api: Api, token: str, body: str | bytes = FILE, **options: Any) -> Answer:
    form = {name: json.dumps(one) if isinstance(one, dict) else one for name, one in options.items()}
    content = body.encode() if isinstance(body, str) else body
    return api.post(IMPORTS, token, data={**form, "file": (io.BytesIO(content), "people.csv")})


def run(wiring: Wiring) -> int:
    return imports.run_pending(wiring.database.sessions, wiring.now)


def everyone(api: Api, token: str) -> list[str]:
    return [row["name"] for row in api.get("/v1/stakeholders", token).json["data"]]


def test_a_file_is_checked_then_confirmed_then_taken_in(api: Api, admin: str, wiring: Wiring) -> None:
    checked = upload(api, admin)
    assert checked.status_code == 201, checked.text
    assert (checked.json["state"], checked.json["total"]) == ("checked", 3)
    assert checked.json["mapping"] == {"Name": "name", "Email": "address.email", "Language": "languages"}
    assert checked.json["counts"] == {"created": 2, "refused": 1}
    path = checked.headers["Location"]
    refused = api.get(f"{path}/rows?outcome=refused", admin).json["data"]
    assert [(row["line"], row["problems"][0]["column"]) for row in refused] == [(4, "Email")]
    assert (run(wiring), everyone(api, admin)) == (0, [])

    confirmed = api.post(f"{path}/confirm", admin)
    assert (confirmed.status_code, confirmed.json["state"]) == (202, "running")
    assert run(wiring) == 1
    done = api.get(path, admin).json
    assert (done["state"], done["done"], done["counts"]) == ("finished", 3, {"created": 2, "refused": 1})
    assert everyone(api, admin) == ["Ann Price", "Siân"]
    rows = api.get(f"{path}/rows", admin).json["data"]
    assert [(row["line"], row["outcome"]) for row in rows] == [(2, "created"), (3, "created"), (4, "refused")]
    ann = api.get(f"/v1/stakeholders/{rows[0]['stakeholder_id']}", admin).json
    assert (ann["name"], ann["source"]) == ("Ann Price", "import")
    again = api.post(f"{path}/confirm", admin)
    assert (again.status_code, again.json["code"]) == (409, "already_done")
    assert run(wiring) == 0


def test_an_import_that_is_cancelled_takes_nobody_else_in(api: Api, admin: str, wiring: Wiring) -> None:
    path = upload(api, admin).headers["Location"]
    api.post(f"{path}/confirm", admin)
    cancelled = api.post(f"{path}/cancel", admin)
    assert (cancelled.status_code, cancelled.json["state"]) == (200, "cancelled")
    assert (run(wiring), everyone(api, admin)) == (0, [])
    again = api.post(f"{path}/cancel", admin)
    assert (again.status_code, again.json["code"]) == (409, "already_done")


def test_rows_come_a_page_at_a_time(api: Api, admin: str) -> None:
    path = upload(api, admin).headers["Location"]
    first = api.get(f"{path}/rows?limit=2", admin).json
    rest = api.get(f"{path}/rows?limit=2&after={first['next']}", admin).json
    assert [row["line"] for row in first["data"] + rest["data"]] == [2, 3, 4]
    assert rest["has_more"] is False


def test_a_large_file_is_checked_by_a_worker(
    api: Api, admin: str, wiring: Wiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "CHECK_ROWS_MAX", 2)
    answer = upload(api, admin)
    path = answer.headers["Location"]
    assert (answer.json["state"], answer.json["counts"]) == ("checking", {})
    early = api.post(f"{path}/confirm", admin)
    assert (early.status_code, early.json["code"]) == (409, "conflict")
    assert run(wiring) == 1
    assert api.get(path, admin).json["counts"] == {"created": 2, "refused": 1}


def test_two_workers_do_not_take_the_same_import_and_a_lost_one_is_taken_over(
    api: Api, admin: str, wiring: Wiring
) -> None:
    """C8"""
    row = upload(api, admin).json
    api.post(f"{IMPORTS}/{row['id']}/confirm", admin)
    with wiring.database.write() as session:
        session.get_one(Import, parse_id("imp", row["id"])).until_at = wiring.now() + imports.LEASE
    assert run(wiring) == 0
    later = wiring.now() + imports.LEASE + timedelta(seconds=1)
    assert imports.run_pending(wiring.database.sessions, lambda: later) == 1
    assert everyone(api, admin) == ["Ann Price", "Siân"]


def test_what_cannot_be_told_is_shown_for_a_person_to_confirm(api: Api, admin: str, wiring: Wiring) -> None:
    """C2"""
    body = "Name,Email\nSiân Ŵyn,sian@example.org\n".replace("Ŵ", "W").encode("windows-1252")
    detected = upload(api, admin, body).json["detected"]
    assert detected["doubts"] == ["encoding"]
    assert detected["candidates"][0] == {"encoding": "windows-1252", "sample": "Siân Wyn,sian@example.org"}
    named = upload(api, admin, body, encoding="windows-1252")
    assert named.json["detected"]["doubts"] == []
    api.post(f"{named.headers['Location']}/confirm", admin)
    run(wiring)
    assert everyone(api, admin) == ["Siân Wyn"]


def test_one_declaration_covers_the_file_and_opens_nobody_who_opted_out(
    api: Api, admin: str, wiring: Wiring
) -> None:
    """C17, C18"""
    ann = api.post(
        "/v1/stakeholders",
        admin,
        json={"name": "Ann Price", "addresses": [{"channel": "email", "value": "ann@example.org"}]},
    ).json["id"]
    out = {"stakeholder_id": ann, "purpose": "direct_marketing", "channel": "email", "source": "phone"}
    api.post("/v1/consents/withdraw", admin, json=out)
    path = upload(api, admin, declaration=DECLARED).headers["Location"]
    api.post(f"{path}/confirm", admin)
    run(wiring)
    assert api.get(path, admin).json["counts"]["opted_out"] == 1
    given = [row for row in api.get("/v1/consents", admin).json["data"] if row["act"] == "given"]
    assert [(row["source"], row["wording_version"]) for row in given] == [("sign-up sheet", "2026-1")]
    assert given[0]["stakeholder_id"] != ann


def test_declaring_consent_needs_the_right_to_record_it(api: Api, people: People, general: int) -> None:
    token = people("author", general)
    assert upload(api, token).status_code == 201
    answer = upload(api, token, declaration=DECLARED)
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")


def test_a_file_that_stops_mail_to_people_needs_the_right_to_record_it(
    api: Api, people: People, general: int, admin: str
) -> None:
    """C17"""
    author, steward = people("author", general), people("steward", general)
    body = "name,email,status\nAnn,ann@example.org,blocklisted\n"
    mapping = {"name": "name", "email": "address.email", "status": "opt_out"}
    refused = upload(api, author, body, mapping=mapping)
    assert (refused.status_code, refused.json["code"]) == (403, "forbidden")
    assert upload(api, author, body).status_code == 201, "the column is left out"
    cleaned = {"file": (io.BytesIO(b"Email Address,LEID,EUID\nann@example.org,1,2\n"), "cleaned_1.csv")}
    assert api.post(IMPORTS, author, data=cleaned).status_code == 403, "the file's name says it of everybody"
    known = {"file": (io.BytesIO(b"Email Address,LEID,EUID\nann@example.org,1,2\n"), "subscribed_1.csv")}
    assert api.post(IMPORTS, author, data=known).status_code == 201

    checked = upload(api, steward, body, mapping=mapping)
    assert (checked.status_code, checked.json["counts"]["stopped"]) == (201, 1)
    assert api.post(f"{checked.headers['Location']}/confirm", author).status_code == 403
    assert api.post(f"{checked.headers['Location']}/confirm", steward).status_code == 202


def test_all_that_one_file_stopped_is_lifted_at_once_and_nothing_else(
    api: Api, people: People, general: int, admin: str, wiring: Wiring
) -> None:
    """C17: for a column that was assigned wrongly."""
    author, steward = people("author", general), people("steward", general)
    other = {"channel": "email", "address": "bob@example.org", "reason": "no_contact"}
    done = []
    for body in ("name,email\nBob,bob@example.org\n", "name,email,opt out\nAnn,ann@example.org,yes\n"):
        path = upload(api, steward, body).headers["Location"]
        api.post(f"{path}/confirm", steward)
        run(wiring)
        done.append(path)
    assert api.post("/v1/suppressions", admin, json=other).status_code == 201
    told = api.get("/v1/suppressions?reason=opt_out", steward).json["data"]
    assert {(one["origin"], one["import_id"]) for one in told} == {("import", done[1].rpartition("/")[2])}

    assert api.post(f"{done[1]}/lift_stops", author, json={"why": "wrong column"}).status_code == 403
    assert api.post(f"{done[1]}/lift_stops", steward, json={}).status_code == 422
    lifted = api.post(f"{done[1]}/lift_stops", steward, json={"why": "wrong column"})
    assert (lifted.status_code, lifted.json) == (200, {"lifted": 2})
    left = api.get("/v1/suppressions?standing=true", steward).json["data"]
    assert [one["reason"] for one in left] == ["no_contact"]
    again = api.post(f"{done[1]}/lift_stops", steward, json={"why": "wrong column"})
    assert (again.status_code, again.json["code"]) == (409, "already_done")


def test_a_file_neither_changes_nor_finds_people_of_another_programme(
    api: Api, people: People, admin: str, wiring: Wiring
) -> None:
    """R33"""
    with wiring.database.write() as session:
        here = samples.programme(session, wiring.now(), "Here")
    token = people("author", here, defaults={"programme_id": here})
    ann = api.post("/v1/stakeholders", admin, json={"name": "Ann", "external_id": "crm-1"}).json
    foreign = upload(api, admin)
    body = "id,name,email\ncrm-1,Taken,a@example.org\ncrm-2,Bo,b@example.org\n"
    path = upload(api, token, body).headers["Location"]
    api.post(f"{path}/confirm", token)
    run(wiring)
    assert api.get(path, token).json["counts"] == {"refused": 1, "created": 1}
    assert api.get(f"/v1/stakeholders/{ann['id']}", admin).json["name"] == "Ann"
    for answer in (
        upload(api, token, body, programme_id=public_id("prg", 1)),
        api.get(foreign.headers["Location"], token),
        api.post(f"{foreign.headers['Location']}/confirm", token),
        api.get(f"{foreign.headers['Location']}/rows", token),
    ):
        assert (answer.status_code, answer.json["code"]) == (404, "not_found"), answer.text


@pytest.mark.parametrize(
    ("body", "options", "pointer"),
    [
        ("", {}, "/file"),
        ("PK\x03\x04", {}, "/file"),
        ("name,name,email\na,b,c@example.org\n", {}, "/file"),
        ("name\nAnn\n", {}, "/mapping"),
        (FILE, {"mapping": {"Nome": "name"}}, "/mapping/Nome"),
        (FILE, {"mapping": "[1]"}, "/mapping"),
        (FILE, {"mapping": '{"Name":"name","Name":"kind"}'}, "/mapping"),
        (FILE, {"declaration": {"purpose": "direct_marketing"}}, "/declaration"),
        (FILE, {"declaration": {**DECLARED, "at": "2026-01-01"}}, "/declaration/at"),
        (FILE, {"encoding": "ebcdic"}, "/encoding"),
        (FILE, {"delimiter": "x"}, "/delimiter"),
        (FILE, {"state": "running"}, "/state"),
        (FILE, {"programme_id": "prg_1"}, "/programme_id"),
    ],
)
def test_a_file_or_option_that_cannot_be_used_is_refused_where_it_is_wrong(
    body: str, options: dict[str, Any], pointer: str, api: Api, admin: str
) -> None:
    """C9, C20, R12, R34"""
    answer = upload(api, admin, body, **options)
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, pointer), answer.text


@pytest.mark.parametrize("name", ["x\u0000y", "x\u0007y"])
def test_a_column_name_no_database_can_hold_is_refused(name: str, api: Api, admin: str) -> None:
    """R11"""
    answer = upload(api, admin, f"{name},email\nAnn,ann@example.org\n")
    assert answer.status_code == 422, answer.text


def test_a_sample_of_a_doubtful_file_can_be_kept_whatever_it_holds(api: Api, admin: str) -> None:
    """C6, R11"""
    answer = upload(api, admin, b"name,email\nSi\xe2n\x00\x07,sian@example.org\n")
    assert answer.status_code == 201, answer.text
    assert answer.json["detected"]["candidates"][0]["sample"].startswith("Siân\ufffd\ufffd,")
    assert answer.json["counts"] == {"refused": 1}


def test_a_form_without_a_file_and_a_json_body_are_refused(api: Api, admin: str) -> None:
    """R16"""
    empty = api.post(IMPORTS, admin, data={"encoding": "utf-8"}, content_type="multipart/form-data")
    assert (empty.status_code, empty.json["errors"][0]["pointer"]) == (422, "/file")
    text = api.post(IMPORTS, admin, data={"file": FILE}, content_type="multipart/form-data")
    assert (text.status_code, text.json["errors"][0]["pointer"]) == (422, "/file")
    assert api.post(IMPORTS, admin, json={"file": "a"}).status_code == 415


def test_the_rows_left_out_are_a_file_with_their_reasons(api: Api, admin: str) -> None:
    """J8, C16"""
    body = 'Name,Email\n"=HYPERLINK(""x"")",nowhere\nAnn,ann@example.org\n'
    path = upload(api, admin, body).headers["Location"]
    answer = api.get(f"{path}/refused", admin)
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].endswith("-refused.csv")
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert rows[0] == ["Name", "Email", "line", "reason"]
    assert rows[1][:3] == ['\'=HYPERLINK("x")', "nowhere", "2"] and rows[1][3] and len(rows) == 2


def test_a_million_rows_left_out_are_not_held_in_memory(api: Api, admin: str, wiring: Wiring) -> None:
    """J8"""
    found = parse_id("imp", upload(api, admin, "Name,Email\nAnn,nowhere\n").json["id"])
    rows = 20_000
    with wiring.database.write() as session:
        more = {"import_id": found, "outcome": "refused", "stakeholder_id": None, "problems": []}
        insert_rows(
            session, ImportRow, ({**more, "line": n, "cells": ["x" * 500, "y"]} for n in range(3, rows))
        )
    tracemalloc.start()
    try:
        with wiring.database.read() as session:
            left = acts.refused(Act(wiring, CONSOLE, session, wiring.now()), found)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    with left:
        size = len(left.read())
    assert peak < size / 2, (peak, size)


def test_a_sheet_of_a_workbook_is_chosen(api: Api, admin: str, wiring: Wiring) -> None:
    body = workbook(row(1, "note") + row(2, "x"), row(1, "name", "email") + row(2, "Ann", "ann@example.org"))
    refused = api.post(IMPORTS, admin, data={"file": (io.BytesIO(body), "people.xlsx")})
    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "/mapping")
    told = {"file": (io.BytesIO(body), "people.xlsx"), "sheet": "Sheet 2"}
    checked = api.post(IMPORTS, admin, data=told)
    assert checked.json["detected"]["sheets"] == ["Sheet 1", "Sheet 2"]
    assert (checked.json["detected"]["kind"], checked.json["detected"]["doubts"]) == ("workbook", [])
    api.post(f"{checked.headers['Location']}/confirm", admin)
    run(wiring)
    assert everyone(api, admin) == ["Ann"]
