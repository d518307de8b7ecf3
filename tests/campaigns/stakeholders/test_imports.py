"""Tests of imports: files from anywhere, a check that writes nobody, and a run that survives a kill."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from campaigns.database import Database
from campaigns.errors import AlreadyDone, BadImport, Conflict, NotFound
from campaigns.responses import merges
from campaigns.stakeholders import addresses, consent, fields, files, imports, people, segments
from campaigns.stakeholders.tables import (
    Address,
    Consent,
    Import,
    ImportRow,
    Involvement,
    Stakeholder,
    Suppression,
)

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
PROGRAMME = 7
DECLARATION = {
    "purpose": "direct_marketing",
    "channel": "email",
    "basis": "consent",
    "source": "paper form, eisteddfod",
    "wording_version": "2026-1",
    "at": "2026-08-01T12:00:00+01:00",
}
FILE = """id,name,email,language,town,tags
1,Siân ap Rhys,sian@example.org,Cymraeg;English,Bangor,board;parent
2,مريم الأحمد,maryam@example.org,العربية,,
3,"Jones, Ann",Ann@Example.com,en,Cardiff,
"""


def clock() -> datetime:
    return NOW


def check(session: Session, text: str | bytes = FILE, **more: Any) -> Import:
    body = text.encode() if isinstance(text, str) else text
    told: dict[str, Any] = {
        "programme_id": PROGRAMME,
        "filename": "people.csv",
        "body": body,
        "actor": "usr",
    } | more
    return imports.check(session, NOW, **told)


def imported(database: Database, text: str | bytes = FILE, **more: Any) -> Import:
    """A file checked and run; the counts must be those that were foretold."""
    with database.write() as session:
        number = check(session, text, **more).id
    with database.read() as session:
        foretold = session.get_one(Import, number).counts
    assert imports.run(database.sessions, number, clock) == foretold
    with database.read() as session:
        return session.get_one(Import, number)


@pytest.fixture
def ready(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setattr(imports, "STEP", 200)  # so that a few hundred rows are several steps
    with database.write() as session:
        fields.define(session, NOW, "town", "text")
        fields.define(session, NOW, "age", "number")
        fields.define(session, NOW, "size", "choice", ["Small", "Large"])
        fields.define(session, NOW, "likes", "multi", ["Tea", "Coffi"])
        fields.define(session, NOW, "deaf", "bool")
        fields.define(session, NOW, "born", "date")
    return database


def outcomes(database: Database, imported: Import) -> list[tuple[int, str, list[str]]]:
    with database.read() as session:
        found = imports.rows(session, imported)
        return [(row.line, row.outcome, [problem["code"] for problem in row.problems]) for row in found]


def by_external(session: Session, external_id: str) -> Stakeholder:
    found = people.by_external_id(session, external_id)
    assert found is not None
    return found


def test_a_check_tells_each_row_and_writes_nobody(ready: Database) -> None:
    """A14."""
    with ready.write() as session:
        told = check(session)
        assert (told.state, told.total, told.counts) == ("checked", 3, {"created": 3})
        assert [(row.line, row.outcome, row.stakeholder_id) for row in imports.rows(session, told)] == [
            (2, "created", None), (3, "created", None), (4, "created", None),
        ]  # fmt: skip
        assert session.scalar(select(func.count()).select_from(Stakeholder)) == 0


def test_a_run_does_what_the_check_said(ready: Database) -> None:
    """A14: people, addresses, fields, tags, and involvement in the import's programme."""
    done = imported(ready)
    assert (done.state, done.counts, done.done, done.filename) == (
        "finished",
        {"created": 3},
        3,
        "people.csv",
    )
    with ready.read() as session:
        sian, maryam, ann = (by_external(session, number) for number in "123")
        assert (sian.name, sian.languages, sian.attrs) == ("Siân ap Rhys", ["cy", "en"], {"town": "Bangor"})
        assert (sian.attrs_fold, sian.source, people.tags(session, sian.id)) == (
            {"town": "bangor"}, "import", ["board", "parent"],
        )  # fmt: skip
        assert (maryam.name, maryam.languages, ann.name) == ("مريم الأحمد", ["ar"], "Jones, Ann")
        held = addresses.of(session, ann.id)[0]
        assert (held.key, held.value) == ("ann@example.com", "Ann@Example.com")
        assert session.get_one(Involvement, (sian.id, PROGRAMME)).connection == "involved"
        assert session.get_one(Import, done.id).body is None
        assert [row.stakeholder_id for row in imports.rows(session, done)] == [sian.id, maryam.id, ann.id]


def test_the_database_knows_at_once_how_many_were_taken_in(ready: Database) -> None:
    """PostgreSQL looks by itself a minute later, and until then reads everybody to find a few. SQLite need not know."""
    assert imported(ready).counts["created"] == 3
    if ready.is_sqlite:
        return
    looked = text(
        "SELECT reltuples FROM pg_class WHERE relname IN ('stakeholders', 'addresses', 'involvements')"
    )
    with ready.read() as session:
        assert set(session.scalars(looked)) == {3.0}


def test_the_same_file_again_changes_nothing(ready: Database) -> None:
    """A14: idempotent by external key."""
    imported(ready, declaration=DECLARATION)
    again = imported(ready, declaration=DECLARATION)
    assert again.counts == {"unchanged": 3}
    with ready.read() as session:
        assert by_external(session, "1").version == 1
        assert session.scalar(select(func.count()).select_from(Address)) == 3
        assert session.scalar(select(func.count()).select_from(Consent)) == 3


def test_without_an_external_id_an_address_tells_the_same_person(ready: Database) -> None:
    """A14, C10."""
    imported(ready, "name,email\nAnn,ann@example.com\n")
    again = imported(ready, "name,email,town\nAnn Jones,ANN@Example.com,Bangor\n")
    assert again.counts == {"updated": 1}
    with ready.read() as session:
        person = session.scalars(select(Stakeholder)).one()
        assert (person.name, person.attrs, person.version) == ("Ann Jones", {"town": "Bangor"}, 2)


def test_an_import_adds_and_never_takes_away(ready: Database) -> None:
    """A14: merges instead of replacing; an empty cell says nothing."""
    imported(ready, "id,name,email,town,age,tags,rank\n1,Ann,a@example.org,Bangor,40,board,primary\n")
    imported(ready, "id,name,email,town,age,tags,connection\n1,,b@example.org,,41,parent,both\n")
    with ready.read() as session:
        ann = by_external(session, "1")
        assert (ann.name, ann.attrs) == ("Ann", {"town": "Bangor", "age": 41})
        assert [one.key for one in addresses.of(session, ann.id)] == ["a@example.org", "b@example.org"]
        assert people.tags(session, ann.id) == ["board", "parent"]
        involvement = session.get_one(Involvement, (ann.id, PROGRAMME))
        assert (involvement.connection, involvement.rank) == ("both", "primary")


def test_values_become_the_types_of_their_fields(ready: Database) -> None:
    imported(ready, "id,name,age,size,likes,deaf,born\n1,Ann,40.5,LARGE,tea; Coffi,ydw,1980-05-05\n")
    with ready.read() as session:
        assert by_external(session, "1").attrs == {
            "age": 40.5, "size": "Large", "likes": ["Tea", "Coffi"], "deaf": True, "born": "1980-05-05",
        }  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "column", "code"),
    [
        (",Ann,not an address,,,,", "email", "bad_address"),
        pytest.param(',Ann,"a@x.org, b@x.org",,,,', "email", "bad_address", id="C15"),
        pytest.param("1,A\x00nn,a@x.org,,,,", "name", "bad_field", id="C6"),
        pytest.param("1," + "x" * 131_073 + ",a@x.org,,,,", "name", "bad_field", id="C5"),
        ("1,Ann,a@x.org", None, "bad_row"),
        ("1,Ann,a@x.org,,,,,extra", None, "bad_row"),
        (",Ann,,,,,", None, "no_key"),
    ],
)
def test_a_row_that_cannot_be_stored_is_refused_alone(
    ready: Database, cells: str, column: str | None, code: str
) -> None:
    """C21: each row stands alone."""
    done = imported(ready, f"id,name,email,age,size,born,zone\n{cells}\n2,Bob,b@x.org,,,,\n")
    assert done.counts == {"refused": 1, "created": 1}
    with ready.read() as session:
        refused = imports.rows(session, done, outcome="refused")
        assert [(row.line, row.problems[0]["column"], row.problems[0]["code"]) for row in refused] == [
            (2, column, code)
        ]
        assert session.scalars(select(Stakeholder.name)).all() == ["Bob"]


@pytest.mark.parametrize(
    ("cells", "column", "code"),
    [
        ("1,Ann,not an address,,,,", "email", "bad_address"),
        pytest.param('1,Ann,"a@x.org, b@x.org",,,,', "email", "bad_address", id="C15"),
        pytest.param("1,Ann," + "x" * 131_073 + "@x.org,,,,", "email", "bad_field", id="C5"),
        ("1,Ann,a@x.org,forty,,,", "age", "bad_field"),
        ("1,Ann,a@x.org,1_000,,,", "age", "bad_field"),
        ("1,Ann,a@x.org,١٢٣,,,", "age", "bad_field"),
        ("1,Ann,a@x.org,,Huge,,", "size", "bad_field"),
        ("1,Ann,a@x.org,,,28/02/1990,", "born", "bad_field"),
        ("1,Ann,a@x.org,,,,EST", "zone", "bad_time"),
    ],
)
def test_a_cell_that_is_not_clear_is_left_out_of_its_row_and_told(
    ready: Database, cells: str, column: str, code: str
) -> None:
    """C21: whoever is known by another cell is taken in."""
    done = imported(ready, f"id,name,email,age,size,born,zone\n{cells}\n")
    assert done.counts == {"created": 1, "partly": 1}
    with ready.read() as session:
        [row] = imports.rows(session, done)
        assert [(one["column"], one["code"]) for one in row.problems] == [(column, code)]
        assert row.cells is not None and row.cells[1] == "Ann"
        ann = by_external(session, "1")
        assert (ann.name, ann.attrs, ann.zone) == ("Ann", {}, None)


@pytest.mark.parametrize(
    ("languages", "agreed", "at"),
    [("Bilingual", "yes", "2024-03-01"), ("cy", "perhaps", "2024-03-01"), ("cy", "yes", "5/6/24")],
)
def test_nobody_agreed_by_a_cell_that_is_not_clear(
    ready: Database, languages: str, agreed: str, at: str
) -> None:
    """C18, C21: no day stands in for one that cannot be read."""
    file = f"id,email,language,consent,consent at\n1,a@x.org,{languages},{agreed},{at}\n"
    assert imported(ready, file, declaration=DECLARATION).counts == {"created": 1, "partly": 1}
    assert said_of(ready, "1") == ([("given", OWN)] if languages == "Bilingual" else [])


NUMBERS = [
    ("07700 900123", "GB", "+447700900123"),
    ("447700900123", "GB", "+447700900123"),
    ("7700900123", "GB", "+447700900123"),
    ("44 (0)29 2000-0000", "GB", "+442920000000"),
    ("+353 86 123 4567", "GB", "+353861234567"),
    ("0033 6 12 34 56 78", "GB", "+33612345678"),
    ("45 12 34 56", "DK", "+4545123456"),
    ("050 123 4567", "SA", "+966501234567"),
    ("06-12345678", "NL", "+31612345678"),
    ("(555) 123-4567", "US", "+15551234567"),
]
NOT_CLEAR = [
    ("07700 90012", "GB"),
    ("07700 900123 (Mam)", "GB"),
    ("39 1234 5678", "IT"),  # with the country's code, or without it
    ("07700 900123", None),
]


@pytest.mark.parametrize(("number", "country", "key"), NUMBERS)
def test_numbers_are_read_as_they_are_written_at_home(
    ready: Database, number: str, country: str, key: str
) -> None:
    imported(ready, f"name,mobile\nAnn,{number}\n", country=country)
    with ready.read() as session:
        [held] = session.scalars(select(Address))
        assert (held.channel, held.key) == ("sms", key)


@pytest.mark.parametrize(("number", "country"), NOT_CLEAR)
def test_a_number_that_is_not_clear_is_not_guessed_at(
    ready: Database, number: str, country: str | None
) -> None:
    done = imported(ready, f"id,mobile\n1,{number}\n", country=country)
    assert done.counts == {"created": 1, "partly": 1}
    with ready.read() as session:
        assert session.scalars(select(Address)).all() == []


def test_a_country_that_nobody_knows_is_refused(ready: Database) -> None:
    with ready.write() as session, pytest.raises(BadImport) as refused:
        check(session, country="XX")
    assert refused.value.pointer == "/country"


def test_what_looks_like_code_is_a_name(ready: Database) -> None:
    """C16, C19: data only, kept literally."""
    names = [
        "=HYPERLINK(1)",
        "{{7*7}}",
        "<script>alert(1)</script>",
        "'; DROP TABLE stakeholders; --",
        "+1",
        "@x",
        "%s",
    ]
    rows = "".join(f'{number},"{name}"\n' for number, name in enumerate(names))
    imported(ready, "id,name\n" + rows)
    with ready.read() as session:
        assert [by_external(session, str(number)).name for number in range(len(names))] == names


# What stays off.


def test_an_opt_out_or_suppression_is_never_turned_back_on(ready: Database) -> None:
    """A14, C17: suppression wins, and the count is told."""
    imported(ready, declaration=DECLARATION)
    with ready.write() as session:
        sian, maryam, ann = (by_external(session, number).id for number in "123")
        consent.withdraw(session, NOW, sian, "direct_marketing", "email", source="link", actor="recipient")
        consent.suppress(
            session, NOW, channel="*", reason="no_contact", origin="recipient", stakeholder_id=maryam
        )
        consent.suppress(
            session,
            NOW,
            channel="email",
            reason="hard_bounce",
            origin="recipient",
            address_key="ann@example.com",
        )
    newer = DECLARATION | {"at": (NOW - timedelta(minutes=1)).isoformat()}
    again = imported(ready, declaration=newer)
    assert again.counts == {"unchanged": 3, "opted_out": 1, "suppressed": 2}
    assert outcomes(ready, again)[0] == (2, "unchanged", ["opted_out"])
    with ready.read() as session:
        pairs = [(sian, "sian@example.org"), (maryam, "maryam@example.org"), (ann, "ann@example.com")]
        decided = consent.decide(session, NOW, purpose="direct_marketing", channel="email", pairs=pairs)
        assert [decided[pair].reason for pair in pairs] == ["no_lawful_basis", "suppressed", "suppressed"]
        assert session.scalar(select(func.count()).select_from(Consent)) == 4


def test_a_suppressed_address_under_a_new_name_stays_suppressed(ready: Database) -> None:
    """C17."""
    with ready.write() as session:
        consent.suppress(
            session,
            NOW,
            channel="email",
            reason="opt_out",
            origin="recipient",
            address_key="sian@example.org",
        )
    done = imported(ready, declaration=DECLARATION)
    assert done.counts == {"created": 3, "suppressed": 1}
    with ready.read() as session:
        sian = by_external(session, "1")
        assert session.scalars(select(Consent).where(Consent.stakeholder_id == sian.id)).all() == []


def test_the_erased_are_not_taken_in_again(ready: Database) -> None:
    """C17."""
    imported(ready)
    with ready.write() as session:
        by_external(session, "1").state = "erased"
        people.archive(session, NOW, by_external(session, "2"))
        addresses.retire(session, addresses.of(session, by_external(session, "3").id)[0])
    again = imported(ready)
    assert [(outcome, codes) for _, outcome, codes in outcomes(ready, again)] == [
        ("refused", ["erased"]), ("unchanged", ["archived"]), ("unchanged", ["address_retired"]),
    ]  # fmt: skip
    with ready.read() as session:
        assert by_external(session, "2").state == "archived"
        assert addresses.of(session, by_external(session, "3").id)[0].state == "retired"


# Consent.


def test_one_declaration_covers_the_file_with_its_evidence(ready: Database) -> None:
    """A14, C18, H1."""
    done = imported(ready, declaration=DECLARATION)
    with ready.read() as session:
        act = session.scalars(
            select(Consent).where(Consent.stakeholder_id == by_external(session, "1").id)
        ).one()
        assert (act.act, act.basis, act.source, act.wording_version, act.actor) == (
            "given", "consent", "paper form, eisteddfod", "2026-1", "usr",
        )  # fmt: skip
        assert act.at == datetime(2026, 8, 1, 11, 0, tzinfo=UTC)
        assert (act.evidence["sha256"], act.evidence["line"]) == (done.sha256, 2)


def test_a_yes_without_a_declaration_is_no_consent(ready: Database) -> None:
    """C18: imported, and left out of direct marketing."""
    done = imported(ready, "id,email,consent\n1,a@x.org,yes\n2,b@x.org,\n")
    assert done.counts == {"created": 2, "undeclared": 1}
    with ready.read() as session:
        pair = (by_external(session, "1").id, "a@x.org")
        decided = consent.decide(session, NOW, purpose="direct_marketing", channel="email", pairs=[pair])
        assert decided[pair].reason == "no_lawful_basis"


def test_a_consent_column_says_whom_the_declaration_covers(ready: Database) -> None:
    imported(ready, "id,email,consent\n1,a@x.org,Ydw\n2,b@x.org,na\n3,c@x.org,\n", declaration=DECLARATION)
    with ready.read() as session:
        told = {(one.stakeholder_id, one.act) for one in session.scalars(select(Consent))}
        assert told == {(by_external(session, "1").id, "given"), (by_external(session, "2").id, "withdrawn")}


# A no.


def said_of(database: Database, external_id: str) -> list[tuple[str, datetime]]:
    """What is on record of somebody's wishes, the oldest first."""
    with database.read() as session:
        theirs = select(Consent).where(Consent.stakeholder_id == by_external(session, external_id).id)
        return [(one.act, one.at) for one in session.scalars(theirs.order_by(Consent.at, Consent.id))]


def test_a_no_ends_a_yes_that_is_on_record_and_is_counted_apart(ready: Database) -> None:
    """A14, C17, C18."""
    imported(ready, "id,email\n1,a@x.org\n2,b@x.org\n", declaration=DECLARATION)
    file = "id,email,consent\n1,a@x.org,No\n2,b@x.org,\n3,c@x.org,Nac ydw\n"
    done = imported(ready, file, declaration=DECLARATION)
    assert done.counts == {"updated": 1, "unchanged": 1, "created": 1, "withdrawn": 1, "declined": 1}
    assert [row[2] for row in outcomes(ready, done)] == [["withdrawn"], [], ["declined"]]
    assert [act for act, _ in said_of(ready, "1")] == ["given", "withdrawn"] and imports.stops(done)
    assert [act for act, _ in said_of(ready, "2")] == ["given"]
    with ready.read() as session:
        kept = session.scalars(select(Consent).where(Consent.act == "withdrawn")).first()
        assert kept is not None and (kept.basis, kept.source) == ("consent", DECLARATION["source"])
        assert (kept.evidence["sha256"], kept.evidence["line"]) == (done.sha256, 2)
    again = imported(ready, file, declaration=DECLARATION)
    assert again.counts == {"unchanged": 3, "opted_out": 2}, "and a yes for all of them opens nobody"


def test_a_no_without_a_declaration_is_one_to_news(ready: Database) -> None:
    done = imported(ready, "id,email,consent\n1,a@x.org,No\n")
    assert done.counts == {"created": 1, "declined": 1}
    with ready.read() as session:
        kept = session.scalars(select(Consent)).one()
        assert (kept.purpose, kept.channel, kept.act, kept.source) == (
            "direct_marketing", "email", "withdrawn", "people.csv",
        )  # fmt: skip


def test_a_no_that_is_older_than_their_yes_ends_nothing_and_is_told(ready: Database) -> None:
    imported(ready, "id,email\n1,a@x.org\n", declaration=DECLARATION)
    file = "id,email,consent,consent at\n1,a@x.org,No,2025-01-01\n"
    done = imported(ready, file, declaration=DECLARATION)
    assert outcomes(ready, done) == [(2, "unchanged", ["agreed_later"])]
    assert [act for act, _ in said_of(ready, "1")] == ["given"] and not imports.stops(done)


def test_a_no_counts_also_where_its_row_is_refused_or_held(ready: Database) -> None:
    """C21"""
    imported(ready, "id,name,email\n1,Ann,a@x.org\n2,Bob,h@x.org\n3,Cai,h@x.org\n", declaration=DECLARATION)
    file = "name,email,consent\nA\x00nn,a@x.org,No\nDai,h@x.org,No\n"
    done = imported(ready, file, declaration=DECLARATION)
    assert done.counts == {"refused": 1, "held": 1, "withdrawn": 2}
    for number in "123":
        assert [act for act, _ in said_of(ready, number)] == ["given", "withdrawn"]


@pytest.mark.parametrize("step", [1, 200])
@pytest.mark.parametrize("rows", [("yes", "No"), ("No", "yes")])
def test_of_a_yes_and_a_no_in_one_file_the_no_counts(
    ready: Database, monkeypatch: pytest.MonkeyPatch, step: int, rows: tuple[str, str]
) -> None:
    monkeypatch.setattr(imports, "STEP", step)
    file = "id,email,consent\n" + "".join(f"1,a@x.org,{one}\n" for one in rows)
    with ready.write() as session:
        told = check(session, file, declaration=DECLARATION)
        foretold = dict(told.counts)
    counts = imports.run(ready.sessions, told.id, clock)
    assert {one: foretold.get(one) for one in ("withdrawn", "declined", "opted_out")} == {
        one: counts.get(one) for one in ("withdrawn", "declined", "opted_out")
    }
    assert said_of(ready, "1")[-1] == ("withdrawn", NOW)


# When they agreed.

LATER = DECLARATION | {"at": "2025-01-01T00:00:00Z"}
OWN, DAY = datetime(2024, 3, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("times", [("2024-03-01", ""), ("", "2024-03-01")])
def test_the_own_time_of_a_person_counts_and_not_the_day_of_the_file(
    ready: Database, times: tuple[str, str]
) -> None:
    """H1: evidence is what was said, never what was filled in."""
    file = "id,email,consent at\n" + "".join(f"1,a@x.org,{one}\n" for one in times) + "2,b@x.org,\n"
    imported(ready, file, declaration=LATER)
    assert (said_of(ready, "1"), said_of(ready, "2")) == ([("given", OWN)], [("given", DAY)])
    assert imported(ready, file, declaration=LATER).counts == {"unchanged": 3}
    assert (said_of(ready, "1"), said_of(ready, "2")) == ([("given", OWN)], [("given", DAY)])


def test_the_day_of_a_file_whose_rows_have_times_is_for_those_alone_who_never_agreed(ready: Database) -> None:
    early = "id,email,consent at\n1,a@x.org,2024-03-01\n"
    imported(ready, early, declaration=LATER)
    imported(ready, "id,email,consent at\n1,a@x.org,\n", declaration=LATER)
    assert said_of(ready, "1") == [("given", OWN)]
    imported(ready, "id,email\n1,a@x.org\n", declaration=LATER)
    assert said_of(ready, "1") == [("given", OWN), ("given", DAY)], (
        "where no row has one it is the day of all"
    )


def test_an_earlier_yes_is_kept_beside_a_later_one(ready: Database) -> None:
    """L12: the opt-in of another system's export, after a sheet."""
    imported(ready, "id,email,consent at\n1,a@x.org,2025-01-01\n", declaration=LATER)
    file = "id,email,consent at\n1,a@x.org,2024-03-01\n"
    assert imported(ready, file, declaration=LATER).counts == {"updated": 1}
    assert said_of(ready, "1") == [("given", OWN), ("given", DAY)]
    assert imported(ready, file, declaration=LATER).counts == {"unchanged": 1}


def test_a_row_that_changes_somebody_says_what(ready: Database) -> None:
    imported(ready, "id,name,email,town\n1,Ann,a@x.org,Rhyl\n")
    file = "id,name,email,town,tags,connection,language\n1,Ann,b@x.org,Bangor,board,both,cy\n"
    done = imported(ready, file, declaration=DECLARATION)
    with ready.read() as session:
        [row] = imports.rows(session, done)
        assert row.changes == ["languages", "attrs.town", "address.email", "tags", "connection", "permission"]
    again = imported(ready, file, declaration=DECLARATION)
    with ready.read() as session:
        assert [row.changes for row in imports.rows(session, again)] == [None]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"source": ""}, "/declaration/source"),
        ({"wording_version": ""}, "/declaration/wording_version"),
        ({"wording_version": None}, "/declaration/wording_version"),
        ({"purpose": "spam"}, "/declaration/purpose"),
        ({"basis": "hope"}, "/declaration/basis"),
        ({"channel": "E-mail"}, "/declaration/channel"),
        ({"at": "2026-08-01T12:00:00"}, "/declaration/at"),
        ({"at": "last year"}, "/declaration/at"),
        ({"at": "2026-12-01T12:00:00Z"}, "/declaration/at"),
        ({"more": 1}, "/declaration"),
    ],
)
def test_a_declaration_that_proves_nothing_is_refused(
    ready: Database, change: dict[str, Any], pointer: str
) -> None:
    """C18."""
    with ready.write() as session, pytest.raises(BadImport) as refused:
        check(session, declaration=DECLARATION | change)
    assert refused.value.pointer == pointer


# Who is who.


def test_a_shared_address_is_held_for_a_person_unless_the_name_tells(ready: Database) -> None:
    imported(ready, "id,name,email\n1,Ann,home@x.org\n2,Bob,home@x.org\n")
    again = imported(ready, "name,email,town\nBob,home@x.org,Bangor\nCai,home@x.org,Rhyl\n")
    assert [(outcome, codes) for _, outcome, codes in outcomes(ready, again)] == [
        ("updated", []), ("held", ["ambiguous"]),
    ]  # fmt: skip
    with ready.read() as session:
        assert by_external(session, "2").attrs == {"town": "Bangor"}
        assert session.scalar(select(func.count()).select_from(Stakeholder)) == 2


@pytest.mark.parametrize("step", [1, 200])
def test_who_lives_at_one_place_and_shares_its_telephone_stays_several_people(
    ready: Database, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """C10: a place is nobody's own; the same file again knows each of them."""
    monkeypatch.setattr(imports, "STEP", step)
    mapping = {"name": "name", "email": "address.email", "post": "address.post", "phone": "address.phone"}
    home = "1 Heol Fawr,+442920000000"
    file = f"name,email,post,phone\nAnn,a@x.org,{home}\nBob,b@x.org,{home}\nCai,,{home}\nDai,,{home}\n"
    assert imported(ready, file, mapping=mapping).counts == {"created": 4}
    assert imported(ready, file, mapping=mapping).counts == {"unchanged": 4}


def test_a_number_beside_another_mail_is_the_same_person_under_the_same_name_alone(ready: Database) -> None:
    """C10"""
    imported(ready, "name,email,mobile\nAnn,a@x.org,+447700900123\n")
    file = "name,email,mobile\nAnn,new@x.org,+447700900123\nBob,b@x.org,+447700900123\n"
    assert imported(ready, file).counts == {"updated": 1, "created": 1}
    with ready.read() as session:
        assert sorted(session.scalars(select(Stakeholder.name))) == ["Ann", "Bob"]


def test_a_person_known_by_address_alone_gets_their_external_id(ready: Database) -> None:
    imported(ready, "email\nann@x.org\n")
    imported(ready, "id,name,email\n9,Ann,ann@x.org\n")
    with ready.read() as session:
        assert [(one.external_id, one.name) for one in session.scalars(select(Stakeholder))] == [("9", "Ann")]


def test_another_name_and_external_id_at_a_known_address_is_another_person(ready: Database) -> None:
    imported(ready, "name,email\nAnn,home@x.org\n")
    assert imported(ready, "id,name,email\n9,Bob,home@x.org\n").counts == {"created": 1}


def test_an_address_that_a_merged_record_no_longer_uses_brings_nobody_in(ready: Database) -> None:
    """C17"""
    imported(ready, "id,name,email\n1,Ann,ann@x.org\n2,Anne,old@x.org\n")
    with ready.write() as session:
        old = session.scalars(select(Address).where(Address.key == "old@x.org")).one()
        addresses.retire(session, old)
        kept, gone = by_external(session, "1").id, by_external(session, "2").id
        merges.merge(session, NOW, kept, gone, take={"name": "kept"}, reason="", by="user:ann")
    again = imported(ready, "name,email\nAnn,old@x.org\n")
    assert outcomes(ready, again) == [(2, "unchanged", ["address_retired"])]


def test_whoever_looks_at_a_check_sees_how_many_would_be_stopped_of_refused_rows_too(ready: Database) -> None:
    """C17"""
    file = "name,email,opt out\nAnn,ann@x.org,yes\nB\x00b,bob@x.org,yes\n"
    assert imported(ready, file).counts == {"created": 1, "refused": 1, "stopped": 2}


def test_nobody_stops_every_word_to_somebody_of_a_programme_they_may_not_see(ready: Database) -> None:
    """C17, R33"""
    imported(ready, "id,name,email\n1,Ann,ann@x.org\n", programme_id=8)
    file = "name,email,opt out\nAnn,ann@x.org,blocklisted\nBob,bob@x.org,blocklisted\n"
    imported(ready, file, within=[PROGRAMME])
    with ready.read() as session:
        kept = {(one.address_key, one.reason, one.purpose) for one in session.scalars(select(Suppression))}
    assert kept == {
        ("ann@x.org", "opt_out", "direct_marketing"), ("ann@x.org", "opt_out", "survey"),
        ("bob@x.org", "no_contact", None),
    }  # fmt: skip


def test_people_of_programmes_one_may_not_see_are_neither_changed_nor_told(ready: Database) -> None:
    """R33: import mapping."""
    imported(ready, "id,name,email\n1,Ann,ann@x.org\n", programme_id=8)
    mine = imported(ready, "id,name,email\n1,Eve,eve@x.org\n,Ann,ann@x.org\n", within=[PROGRAMME])
    assert [(outcome, codes) for _, outcome, codes in outcomes(ready, mine)] == [
        ("refused", ["external_id_not_free"]), ("created", []),
    ]  # fmt: skip
    with ready.read() as session:
        assert by_external(session, "1").name == "Ann"
    assert imported(ready, "id,name\n1,Ann\n", within=[PROGRAMME, 8]).counts == {"updated": 1}


def test_rows_of_one_file_see_the_rows_before_them(ready: Database) -> None:
    """C10, C13: ß and ss stay two people."""
    text = "name,email,town\nAnn,ann@x.org,Bangor\nAnn,ANN@x.org,Bangor\nAnn,ann@x.org,Rhyl\nS,ß@x.de,\nT,ss@x.de,\n"
    done = imported(ready, text)
    assert done.counts == {"created": 3, "unchanged": 1, "updated": 1}
    with ready.read() as session:
        assert sorted(session.scalars(select(Stakeholder.name))) == ["Ann", "S", "T"]


def test_a_file_far_longer_than_a_step_is_told_rightly(ready: Database) -> None:
    lines = [f"{number},P{number},p{number}@x.org\n" for number in range(450)]
    done_text = "id,name,email\n" + "".join(lines) + "1,Other name,p1@x.org\n"
    with ready.write() as session:
        told = check(session, done_text)
        assert told.counts == {"created": 450, "updated": 1, "repeated": 1}
        last = imports.rows(session, told, after_line=451)
        assert [(row.line, row.outcome, row.problems[0]["code"]) for row in last] == [
            (452, "updated", "repeated")
        ]
    assert imports.run(ready.sessions, told.id, clock) == {"created": 450, "updated": 1}


# Interruptions.


def test_a_killed_run_goes_on_where_it_stopped(ready: Database) -> None:
    """C8: no row twice, none left out."""
    text = "id,name,email\n" + "".join(f"{number},P{number},p{number}@x.org\n" for number in range(500))
    with ready.write() as session:
        number = check(session, text).id
    calls = iter(range(100))

    def dying() -> datetime:
        if next(calls) == 2:
            raise KeyboardInterrupt
        return NOW

    with pytest.raises(KeyboardInterrupt):
        imports.run(ready.sessions, number, dying)
    with ready.read() as session:
        stopped = session.get_one(Import, number)
        assert (stopped.state, stopped.done, stopped.counts) == ("running", 200, {"created": 200})
        assert session.scalar(select(func.count()).select_from(Stakeholder)) == 200
    assert imports.run(ready.sessions, number, clock) == {"created": 500}
    assert imports.run(ready.sessions, number, clock) == {"created": 500}
    with ready.read() as session:
        assert session.scalar(select(func.count()).select_from(Stakeholder)) == 500
        assert session.scalar(select(func.count()).select_from(ImportRow)) == 500


def test_a_cancelled_run_stops_after_the_rows_in_hand_and_keeps_them(ready: Database) -> None:
    text = "id,name,email\n" + "".join(f"{number},P{number},p{number}@x.org\n" for number in range(500))
    with ready.write() as session:
        number = check(session, text).id
    calls = iter(range(100))

    def cancelling() -> datetime:
        if next(calls) == 2:  # the beginning, the first rows, then this
            with ready.write() as session:
                imports.cancel(session, NOW, session.get_one(Import, number))
        return NOW

    assert imports.run(ready.sessions, number, cancelling) == {"created": 200}
    with ready.read() as session:
        stopped = session.get_one(Import, number)
        assert (stopped.state, stopped.done, stopped.body) == ("cancelled", 200, None)
        assert session.scalar(select(func.count()).select_from(Stakeholder)) == 200
    assert imports.run_pending(ready.sessions, clock) == 0
    with ready.write() as session:
        for refused in (imports.cancel, imports.start):
            with pytest.raises(AlreadyDone, match="cancelled"):
                refused(session, NOW, session.get_one(Import, number))
        with pytest.raises(AlreadyDone, match="cancelled"):
            imports.to_look_at(session.get_one(Import, number))
    with pytest.raises(AlreadyDone, match="cancelled"):
        imports.run(ready.sessions, number, clock)


def test_a_cancelled_check_leaves_nothing_to_take_in(
    ready: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "CHECK_ROWS_MAX", 2)
    monkeypatch.setattr(imports, "STEP", 1)
    with ready.write() as session:
        number = check(session).id
    calls = iter(range(100))

    def cancelling() -> datetime:
        if next(calls) == 1:
            with ready.write() as session:
                imports.cancel(session, NOW, session.get_one(Import, number))
        return NOW

    imports.dry_run(ready.sessions, number, cancelling)
    with ready.read() as session:
        stopped = session.get_one(Import, number)
        assert (stopped.state, stopped.done, stopped.counts) == ("cancelled", 0, {})
        assert session.scalar(select(func.count()).select_from(ImportRow)) == 0


def test_two_runs_of_one_import_do_no_row_twice(ready: Database) -> None:
    """K8."""
    text = "id,name\n" + "".join(f"{number},P{number}\n" for number in range(450))
    with ready.write() as session:
        number = check(session, text).id
    calls = iter(range(100))

    def interfering() -> datetime:
        if next(calls) == 2:  # between two steps, another process takes the rest
            imports.run(ready.sessions, number, clock)
        return NOW

    with pytest.raises(Conflict):
        imports.run(ready.sessions, number, interfering)
    with ready.read() as session:
        assert session.get_one(Import, number).counts == {"created": 450}
        assert session.scalar(select(func.count()).select_from(Stakeholder)) == 450


def test_a_large_file_is_checked_in_steps(ready: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """C7."""
    monkeypatch.setattr(imports, "CHECK_ROWS_MAX", 100)
    text = "id,name\n" + "".join(f"{number},P{number}\n" for number in range(250)) + "1,P1\n"
    with ready.write() as session:
        told = check(session, text)
        assert (told.state, told.total, told.counts) == ("checking", 251, {})
    with pytest.raises(Conflict):
        imports.run(ready.sessions, told.id, clock)
    imports.dry_run(ready.sessions, told.id, clock)
    with ready.read() as session:
        checked = session.get_one(Import, told.id)
        assert (checked.state, checked.counts) == ("checked", {"created": 250, "updated": 1, "repeated": 1})
        assert session.scalar(select(func.count()).select_from(Stakeholder)) == 0
    with pytest.raises(AlreadyDone):
        imports.dry_run(ready.sessions, told.id, clock)
    assert imports.run(ready.sessions, told.id, clock) == {"created": 250, "unchanged": 1}


def test_an_import_that_is_not_there(ready: Database) -> None:
    with pytest.raises(NotFound):
        imports.run(ready.sessions, 1, clock)


def test_segments_find_what_was_imported(ready: Database) -> None:
    imported(ready)
    with ready.write() as session:
        rule = {
            "all": [
                {"field": "attrs.town", "op": "is", "value": "bangor"},
                {"field": "tag", "op": "has", "value": "board"},
            ]
        }
        found = segments.create(session, NOW, programme_id=PROGRAMME, name="Board", rule=rule)
        assert [one.external_id for one in segments.members(session, found)] == ["1"]


# Files from anywhere.

WELSH = "enw,ebost,tref\nSiân ap Gwŷdd,sian@example.org,Llŷn\nOwain,owain@example.org,Y Bala\n"
ENCODED: list[Any] = [
    pytest.param(WELSH.encode("utf-8-sig"), "utf-8-sig", True, id="C1"),
    pytest.param(WELSH.encode(), "utf-8", True, id="utf-8"),
    pytest.param(WELSH.encode("utf-16"), "utf-16", True, id="C2-utf-16"),
    pytest.param(WELSH.encode("utf-16-le"), "utf-16-le", False, id="C2-utf-16-without-mark"),
    pytest.param(WELSH.encode("utf-16-be"), "utf-16-be", False, id="C2-utf-16-be-without-mark"),
    pytest.param(WELSH.encode("iso-8859-14"), "iso-8859-14", False, id="C2-Welsh"),
    pytest.param(
        "name,email\nZoë “Zo” Müller,z@x.org\n".encode("windows-1252"), "windows-1252", False, id="C2-Western"
    ),
    pytest.param(
        "الاسم,email\nمريم الأحمد,m@x.org\n".encode("windows-1256"), "windows-1256", False, id="C2-Arabic"
    ),
    pytest.param(b"name,email\nAnn,a@x.org\n", "utf-8", True, id="ascii"),
]


@pytest.mark.parametrize(("body", "encoding", "certain"), ENCODED)
def test_an_encoding_is_told_and_what_is_not_certain_is_asked(
    body: bytes, encoding: str, certain: bool
) -> None:
    shape = files.shape(body)
    assert (shape.encoding, "encoding" not in shape.doubts) == (encoding, certain)
    assert certain or shape.candidates[0]["encoding"] == encoding


def test_a_doubt_must_be_confirmed_before_the_run(ready: Database) -> None:
    """C2: never guessed silently."""
    body = WELSH.encode("iso-8859-14")
    with ready.write() as session:
        told = check(session, body)
        assert told.detected["doubts"] == ["encoding"]
        assert "Siân ap Gwŷdd" in told.detected["candidates"][0]["sample"]
    with pytest.raises(BadImport) as refused:
        imports.run(ready.sessions, told.id, clock)
    assert refused.value.pointer == "/encoding"
    with ready.write() as session:
        imports.confirm(session, NOW, session.get_one(Import, told.id))
    assert imports.run(ready.sessions, told.id, clock) == {"created": 2}
    with ready.write() as session:
        named = check(session, body, encoding="windows-1252")
        assert named.detected["doubts"] == []
    with ready.read() as session:
        assert "Siân ap Gwŷdd" in session.scalars(select(Stakeholder.name)).all()


def test_a_file_in_two_encodings_is_refused_with_the_line() -> None:
    """C2: mixed."""
    body = WELSH.encode() + "Siân,s@x.org,Llŷn\n".encode("iso-8859-14")
    with pytest.raises(BadImport) as refused:
        files.shape(body)
    assert (refused.value.facts["line"], refused.value.pointer) == (4, "/encoding")


@pytest.mark.parametrize("delimiter", files.DELIMITERS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separators_and_line_ends_of_all_kinds_are_read(ready: Database, delimiter: str, end: str) -> None:
    """C3."""
    text = FILE.replace('"Jones, Ann"', "Ann").replace(";", "/").replace(",", delimiter)
    with ready.write() as session:
        told = check(session, text.replace("\n", end), mapping={"id": "external_id", "name": "name"})
        assert (told.detected["delimiter"], told.detected["doubts"], told.counts) == (
            delimiter,
            [],
            {"created": 3},
        )


def test_a_separator_that_may_be_another_is_asked() -> None:
    """C3."""
    assert files.shape(b"id,a;b\n1,2;3\n").doubts == ["delimiter"]
    assert files.shape(b"id,a;b\n1,2;3\n", delimiter=";").header == ["id,a", "b"]


@pytest.mark.parametrize(
    "text",
    ['id,name\n1,Ann\n2,"Bob\n3,Cai\n', 'id,name\n1,Ann\n2,"Bob\n3,"Cai"\n'],
)
def test_a_quote_that_is_never_closed_is_told_with_its_line(ready: Database, text: str) -> None:
    """C4."""
    with ready.write() as session, pytest.raises(BadImport) as refused:
        check(session, text)
    assert refused.value.facts["line"] == 3


def test_a_line_end_inside_quotes_belongs_to_the_cell(ready: Database) -> None:
    done = imported(ready, 'id,name,town\n1,Ann,"Bangor\r\nGwynedd"\n\n , ,\n2,Bob,Rhyl\n')
    assert outcomes(ready, done) == [(2, "created", []), (6, "created", [])]
    with ready.read() as session:
        assert by_external(session, "1").attrs == {"town": "Bangor\nGwynedd"}


def zipped() -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return packed.getvalue()


REFUSED: list[Any] = [
    pytest.param(zipped(), "/file", id="C20-xlsx"),
    pytest.param(b"%PDF-1.7 ...", "/file", id="C20-pdf"),
    pytest.param(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "/file", id="C20-xls"),
    pytest.param(b"", "/file", id="empty"),
    pytest.param(b" \n\n", "/file", id="blank"),
    pytest.param(b"name,email,Name\nAnn,a@x.org,Bob\n", "/file", id="C9-twice"),
    pytest.param(b"name,,email\nAnn,,a@x.org\n", "/file", id="C9-unnamed"),
    pytest.param(b"Ann,ann@example.org\nBob,bob@example.org\n", "/file", id="C9-no-header"),
    pytest.param(
        ",".join(f"c{number}" for number in range(5000)).encode() + b"\n", "/file", id="C9-5000-columns"
    ),
    pytest.param(b"name,town\nAnn,Bangor\n", "/mapping", id="no-key"),
    pytest.param(b"\x81\x8d\x8f,\x90\x9d\n\xff\xfe\x81,\x81\n", "/encoding", id="no-text"),
]


@pytest.mark.parametrize(("body", "pointer"), REFUSED)
def test_what_is_no_table_of_people_is_refused(ready: Database, body: bytes, pointer: str) -> None:
    with ready.write() as session, pytest.raises(BadImport) as refused:
        check(session, body)
    assert refused.value.pointer == pointer


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"mapping": {"nme": "name"}}, "/mapping/nme"),
        ({"mapping": {"id": "password"}}, "/mapping/id"),
        ({"mapping": {"id": "attrs.unknown"}}, "/mapping/id"),
        ({"mapping": {"id": "address.E mail"}}, "/mapping/id"),
        ({"mapping": {"id": ["name"]}}, "/mapping/id"),
        ({"mapping": {"id": "external_id", "name": "external_id"}}, "/mapping/id"),
        ({"mapping": {"name": "name"}}, "/mapping"),
        ({"mapping": []}, "/mapping"),
        ({"encoding": "rot13"}, "/encoding"),
        ({"encoding": "utf-16-le"}, "/encoding"),
        ({"delimiter": "a"}, "/delimiter"),
    ],
)
def test_what_is_said_about_a_file_must_fit_it(ready: Database, more: dict[str, Any], pointer: str) -> None:
    """C9."""
    with ready.write() as session, pytest.raises(BadImport) as refused:
        check(session, FILE + "4,ŵ,,,,\n", **more)
    assert refused.value.pointer == pointer


def test_columns_are_understood_in_three_languages(ready: Database) -> None:
    header = "Enw cyntaf,Cyfenw,E-bost,Iaith,Town,Shoe size,Mobile"
    with ready.write() as session:
        told = check(session, f"{header}\nSiân,Rhys,s@x.org,Cymraeg,Bangor,5,+447700900000\n")
    assert [told.mapping[column] for column in header.split(",")] == [
        "name", "name", "address.email", "languages", "attrs.town", "ignore", "address.sms",
    ]  # fmt: skip
    imports.run(ready.sessions, told.id, clock)
    with ready.read() as session:
        person = session.scalars(select(Stakeholder)).one()
        assert person.name == "Siân Rhys"
        assert [one.key for one in addresses.of(session, person.id)] == ["s@x.org", "+447700900000"]


def test_a_mapping_decides_what_columns_mean(ready: Database) -> None:
    mapping = {
        "Ref": "external_id",
        "Who": "name",
        "Mail 1": "address.email",
        "Mail 2": "address.email",
        "Toot": "address.mastodon",
    }
    text = "Ref,Who,Mail 1,Mail 2,Toot,Rest\n1,Ann,a@x.org,b@x.org,@ann@toot.wales,?\n"
    done = imported(ready, text, mapping=mapping)
    assert done.mapping["Rest"] == "ignore"
    with ready.read() as session:
        keys = [one.key for one in addresses.of(session, by_external(session, "1").id)]
        assert keys == ["a@x.org", "b@x.org", "ann@toot.wales"]
