"""Everything can be taken elsewhere: every table, nothing of another programme, no secret, and no formula that runs."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from base64 import b64decode
from typing import Any

import pytest
from sqlalchemy import LargeBinary, text, update

from campaigns.base import public_id
from campaigns.responses.tables import RawEvent
from campaigns.stakeholders.tables import Stakeholder
from service import exports, leaving, recipes
from service.ids import shown
from service.permissions import ROLES
from service.tables import Export, User, WebhookEndpoint
from service.wiring import Wiring, metadata

from . import samples
from .conftest import Api, People

# Columns that look like secrets by their name and are none, each with its reason.
HARMLESS = {
    "address_key", "from_key", "event_key", "file_key", "rule_sha256", "sha256", "shown_text_sha256", "email_key",
    "key", "token", "replaces_id", "token_id", "step", "second_step_for",
}  # fmt: skip
TELLING = re.compile(r"secret|password|token|recovery|second_step|sealed|_key$|hmac|proof|verifier|sha256")


@pytest.fixture
def here(wiring: Wiring) -> dict[str, int]:
    """One of everything in a programme, beside another programme with the same."""
    with wiring.database.write() as session:
        now = wiring.now()
        there = samples.world(session, now, samples.programme(session, now, "There"))
        session.execute(update(Stakeholder).where(Stakeholder.id == there["stk"]).values(name="Not of here"))
        made = samples.world(session, now, samples.programme(session, now, "Here"))
        session.execute(update(Stakeholder).where(Stakeholder.id == made["stk"]).values(name="=1+1"))
    samples.files(wiring.settings.folder, made)
    return made


def taken(api: Api, wiring: Wiring, token: str, **body: Any) -> dict[str, bytes]:
    """The file as it is taken away once a worker has made it."""
    answer = api.post("/v1/exports", token, json=body)
    assert answer.status_code == 202, answer.text
    assert exports.run_pending(wiring, recipes.recipe)
    assert api.get(answer.headers["Location"], token).json["state"] == "finished"
    file = api.get(f"{answer.headers['Location']}/file", token)
    with zipfile.ZipFile(io.BytesIO(file.data)) as whole:
        return {name: whole.read(name) for name in whole.namelist()}


def test_every_table_is_in_it_or_left_out_with_a_reason(api: Api, wiring: Wiring, admin: str) -> None:
    """L12"""
    names = {table.name for table in metadata.sorted_tables}
    assert set(leaving.LEFT_OUT) <= names and all(leaving.LEFT_OUT.values())
    bodies = taken(api, wiring, admin)
    told = {name.removeprefix("tables/").partition(".")[0] for name in bodies if name.startswith("tables/")}
    assert told == names - set(leaving.LEFT_OUT)


def test_every_table_is_of_a_programme_or_of_none_with_a_reason() -> None:
    """L12: a new table says whose its rows are."""
    special = {"programmes", "stakeholders", "suppressions", "raw_events", *leaving.COMMON}
    for table in leaving.told_of([1]):
        known = "programme_id" in table.c or table.name in special or table.name in leaving.OWNERS
        assert known, f"{table.name}: say in OWNERS whose its rows are, or in NOT_OF_A_PROGRAMME why not"
    for name, (column, owner) in leaving.OWNERS.items():
        assert column in metadata.tables[name].c and owner in metadata.tables, name


def test_no_column_that_could_hold_a_secret_is_in_it() -> None:
    """L12: secrets are never taken out, and no hash of one."""
    for table in leaving.told_of(None):
        for name in leaving.header(table, None):
            binary = isinstance(table.c[name].type, LargeBinary)
            assert not binary or (table.name, name) == leaving.ORIGINALS, f"{table.name}.{name}"
            assert not TELLING.search(name) or name in HARMLESS, f"{table.name}.{name}"


def test_no_secret_is_in_it(api: Api, wiring: Wiring, admin: str, here: dict[str, int]) -> None:
    """L12"""
    with wiring.database.write() as session:
        session.execute(
            update(User).values(password_hash="canary-1", second_step=b"canary-2", recovery=["canary-3"])
        )
        session.execute(update(WebhookEndpoint).values(secrets=b"canary-4"))
    whole = b"".join(taken(api, wiring, admin).values())
    assert b"canary" not in whole and admin.rpartition("_")[2].encode() not in whole
    assert b"Not of here" in whole


def test_a_programme_takes_its_own_and_nothing_of_another(
    api: Api, wiring: Wiring, admin: str, here: dict[str, int]
) -> None:
    """L12, R33"""
    bodies = taken(api, wiring, admin, programme_id=shown("programme", here["prg"]))
    assert b"Not of here" not in b"".join(bodies.values())
    for name, prefix in (("stakeholders", "stk"), ("deliveries", "dlv"), ("responses", "rsp"), ("addresses", "adr"),
                         ("strategies", "str"), ("variants", "var"), ("interactions", "itr")):  # fmt: skip
        rows = [json.loads(line) for line in bodies[f"tables/{name}.jsonl"].splitlines()]
        assert rows and all(row["id"].startswith(f"{prefix}_") for row in rows), name
        assert prefix not in here or public_id(prefix, here[prefix]) in [row["id"] for row in rows], name
    assert "tables/users.jsonl" not in bodies


def test_nobody_takes_out_with_a_programme_what_they_may_not_read(
    api: Api, wiring: Wiring, admin: str, people: People, here: dict[str, int]
) -> None:
    """R33: who did what is for whoever may read it; where other programs are told of things, and roles, for nobody."""
    assert b"hooks.example" in taken(api, wiring, admin)["tables/webhook_endpoints.jsonl"]
    asked = {"programme_id": shown("programme", here["prg"])}
    steward, auditor = people("steward", here["prg"]), people("auditor", here["prg"])
    narrow = people("auditor", here["prg"], scopes=sorted(ROLES["auditor"] - {"audit:read"}))
    told = {token: taken(api, wiring, token, **asked) for token in (steward, narrow, auditor, admin)}
    for token, bodies in told.items():
        whole = b"".join(body for name, body in bodies.items() if name != "README.txt")
        assert b"hooks.example" not in whole and "tables/grants.jsonl" not in bodies
        assert ("tables/audit_entries.jsonl" in bodies) == (token in (auditor, admin))
    assert "audit_entries: who did what" in told[steward]["README.txt"].decode()
    with_trail = api.post("/v1/exports", auditor, json=asked).headers["Location"]
    assert api.get(with_trail, steward).status_code == 403


def test_the_bytes_of_a_call_stay_out_of_a_programmes_file(
    api: Api, wiring: Wiring, admin: str, here: dict[str, int]
) -> None:
    """R33: one call of a provider may tell of people of other programmes; what was understood of it stays."""
    with wiring.database.write() as session:
        session.execute(update(RawEvent).values(body=b'[{"to": "somebody@elsewhere.example"}, ...]'))
    for asked, there in (({}, True), ({"programme_id": shown("programme", here["prg"])}, False)):
        bodies = taken(api, wiring, admin, **asked)
        (*_, row) = (json.loads(line) for line in bodies["tables/raw_events.jsonl"].splitlines())
        cells = bodies["tables/raw_events.csv"].decode("utf-8-sig").splitlines()[0].split(",")
        assert row["event"]["sender"] and ("body" in row) == ("body" in cells) == there
        assert (
            "body" in bodies["README.txt"].decode().partition("\nraw_events:")[2].partition("\n\n")[0]
        ) == there
        assert not there or b"elsewhere.example" in b64decode(row["body"])


def test_tables_are_the_same_as_lines_and_for_spreadsheets_and_no_formula_runs(
    api: Api, wiring: Wiring, admin: str, here: dict[str, int]
) -> None:
    """C16: what a spreadsheet would run is made harmless; as JSON it is what it was."""
    bodies = taken(api, wiring, admin)
    lines = [json.loads(line) for line in bodies["tables/stakeholders.jsonl"].splitlines()]
    cells = list(csv.DictReader(io.StringIO(bodies["tables/stakeholders.csv"].decode("utf-8-sig"))))
    assert [one["id"] for one in lines] == [one["id"] for one in cells]
    assert "=1+1" in [one["name"] for one in lines] and "'=1+1" in [one["name"] for one in cells]
    told = bodies["README.txt"].decode()
    assert "stakeholders: A person, group, community or organisation." in told and "  name: text\n" in told


def test_whoever_asks_again_gets_the_one_that_is_being_made(
    api: Api, wiring: Wiring, admin: str, people: People, here: dict[str, int]
) -> None:
    steward, asked = people("steward", here["prg"]), {"programme_id": shown("programme", here["prg"])}
    first, again = (api.post("/v1/exports", steward, json=asked).json["id"] for _ in range(2))
    everything, whole = (api.post("/v1/exports", admin, json={}).json["id"] for _ in range(2))
    assert first == again and everything == whole
    assert api.post("/v1/exports", admin, json=asked).json["id"] not in (first, everything)
    assert exports.run_pending(wiring, recipes.recipe)
    assert api.post("/v1/exports", steward, json=asked).json["id"] != first


def test_a_table_is_read_page_by_page(
    api: Api, wiring: Wiring, admin: str, here: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No transaction lasts as long as a table; no row is told twice, and none is left out."""
    asked = {"programme_id": shown("programme", here["prg"])}
    whole = taken(api, wiring, admin, **asked)
    monkeypatch.setattr(leaving, "PAGE", 1)
    paged = taken(api, wiring, admin, **asked)
    assert len(whole["tables/stakeholders.jsonl"].splitlines()) > 2
    for name in whole:
        if name.startswith("tables/") and "audit_entries" not in name:
            assert paged[name] == whole[name], name


def test_a_page_reads_its_own_rows_and_not_all_that_come_after_it(wiring: Wiring) -> None:
    """A table of a million was read, and sorted, again for each page of it."""
    with wiring.database.read() as session:
        explain, sorts = "EXPLAIN QUERY PLAN", "ORDER BY"
        if session.get_bind().dialect.name == "postgresql":  # which would rather sort the few that are here
            explain, sorts = "EXPLAIN", "Sort"
            for way in ("sort", "incremental_sort"):
                session.execute(text(f"SET LOCAL enable_{way} = off"))
        for table in (one for one in leaving.told_of([1, 2]) if one.name in leaving.OWNERS):
            sql = leaving.page(table, [1, 2], None).compile(
                session.get_bind(), compile_kwargs={"literal_binds": True}
            )
            steps = [
                row[-1] for row in session.connection().exec_driver_sql(f"{explain} {sql}".replace("%", "%%"))
            ]
            assert steps and not any(sorts in step for step in steps), (table.name, steps)


def test_files_go_with_it(api: Api, wiring: Wiring, admin: str, here: dict[str, int]) -> None:
    bodies = taken(api, wiring, admin, programme_id=shown("programme", here["prg"]))
    assert bodies[f"attachments/{'0' * 32}"] == b"%"


@pytest.mark.parametrize(
    ("role", "status"), [("steward", 202), ("auditor", 202), ("author", 403), ("viewer", 403)]
)
def test_who_may_take_a_programme_out(
    api: Api, people: People, here: dict[str, int], role: str, status: int
) -> None:
    token = people(role, here["prg"])
    body = {"programme_id": shown("programme", here["prg"])}
    assert api.post("/v1/exports", token, json=body).status_code == status
    assert api.post("/v1/exports", token, json={}).status_code == 403
    narrow = people(role, here["prg"], scopes=["stakeholders:export"])
    assert api.post("/v1/exports", narrow, json=body).status_code == 403


def test_whoever_reaches_less_takes_no_file_that_holds_more(
    api: Api, wiring: Wiring, admin: str, people: People, here: dict[str, int]
) -> None:
    """R33"""
    made = api.post("/v1/exports", admin, json={}).json["id"]
    steward = people("steward", here["prg"])
    assert api.get(f"/v1/exports/{made}", steward).status_code == 403
    assert api.get(f"/v1/exports/{made}/file", steward).status_code == 403
    with wiring.database.write() as session:
        now = wiring.now()
        wide = Export(kind="person", ref_id=here["stk"], within=None, actor="usr_1", created_at=now)
        session.add(wide)
        session.flush()
        number = wide.id
    assert api.get(f"/v1/exports/{shown('export', number)}", steward).status_code == 404
