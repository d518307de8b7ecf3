"""Two records of one person through the API: asked, merged, known by either id, undone, erased; and the map."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from campaigns.base import parse_id
from campaigns.stakeholders.tables import Address, Merge, Stakeholder
from service import exports, recipes
from service.tables import Export
from service.wiring import Wiring

from .conftest import Answer, Api


def told(answer: Answer, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json


@pytest.fixture
def two(api: Api, admin: str) -> tuple[str, str]:
    """Ann, whom the newsletter knows, and Anne, whom the events know."""
    told(api.post("/v1/fields", admin, json={"name": "town", "type": "text"}), 201)
    made = [
        {"name": "Ann Jones", "external_id": "news-1", "languages": ["cy"], "attrs": {"town": "Bala"}},
        {"name": "Anne Jones", "external_id": "events-7", "languages": ["cy"], "attrs": {"town": "Barry"}},
    ]
    common = [{"channel": "email", "value": "ann@example.org"}]
    own = [
        [{"channel": "sms", "value": "+44 29 2000 0000"}],
        [{"channel": "email", "value": "anne@example.org"}],
    ]
    ids = [
        told(api.post("/v1/stakeholders", admin, json={**one, "addresses": common + mine}), 201)["id"]
        for one, mine in zip(made, own, strict=True)
    ]
    return ids[0], ids[1]


def test_two_records_are_proposed_merged_and_two_again(api: Api, admin: str, two: tuple[str, str]) -> None:
    """A15."""
    ann, anne = two
    (proposal,) = told(api.get("/v1/duplicates", admin))["data"]
    assert (proposal["one"]["id"], proposal["other"]["id"]) == two
    assert proposal["shared"] == ["address", "near_name"]
    before = [told(api.get(f"/v1/stakeholders/{one}", admin)) for one in two]
    pair: dict[str, Any] = {"kept_id": ann, "gone_id": anne, "reason": "she told us"}
    refused = told(api.post("/v1/merges", admin, json=pair), 422)
    assert refused["errors"][0]["pointer"] == "/take/fields.town"
    take = {"name": "kept", "fields.town": "gone"}
    merged = told(api.post("/v1/merges", admin, json={**pair, "take": take}), 201)
    assert merged["changed"] == {"fields.town": {"before": "Bala", "after": "Barry"}}
    by_either = [told(api.get(f"/v1/stakeholders/{one}", admin)) for one in two]
    assert [one["id"] for one in by_either] == [ann, ann]
    assert (by_either[0]["name"], by_either[0]["attrs"]) == ("Ann Jones", {"town": "Barry"})
    held = told(api.get(f"/v1/stakeholders/{anne}/addresses", admin))["data"]
    assert [one["value"] for one in held] == ["ann@example.org", "+44 29 2000 0000", "anne@example.org"]
    assert told(api.get("/v1/duplicates", admin))["data"] == []
    assert [one["id"] for one in told(api.get("/v1/stakeholders", admin))["data"]] == [ann]
    assert told(api.get("/v1/merges", admin, query_string={"stakeholder_id": anne}))["data"] == [merged]
    undone = told(api.post(f"/v1/merges/{merged['id']}/undo", admin, json={}))
    assert (undone["undone_by"], undone["left"]) == (merged["by"], [])
    after = [told(api.get(f"/v1/stakeholders/{one}", admin)) for one in two]
    edited = ("updated_at",)
    assert [{k: v for k, v in one.items() if k not in edited} for one in after] == [
        {k: v for k, v in one.items() if k not in edited} for one in before
    ]
    told(api.post(f"/v1/merges/{merged['id']}/undo", admin, json={}), 409)


def test_another_system_goes_on_with_the_id_it_knows(api: Api, admin: str, two: tuple[str, str]) -> None:
    merged = {"kept_id": two[0], "gone_id": two[1], "take": {"name": "kept", "fields.town": "kept"}}
    told(api.post("/v1/merges", admin, json=merged), 201)
    for external in ("news-1", "events-7"):
        changed = told(
            api.call("PUT", f"/v1/stakeholders/by-external-id/{external}", admin, json={"tags": [external]})
        )
        assert (changed["id"], changed["external_id"]) == (two[0], "news-1")
        found = told(api.get("/v1/stakeholders", admin, query_string={"external_id": external}))["data"]
        assert [one["id"] for one in found] == [two[0]]


def test_consents_and_contacts_of_both_are_on_the_one_record(
    api: Api, admin: str, two: tuple[str, str]
) -> None:
    for one in two:
        consent = {
            "stakeholder_id": one,
            "purpose": "survey",
            "channel": "email",
            "basis": "consent",
            "source": "form",
            "wording_version": "1",
        }
        told(api.post("/v1/consents", admin, json=consent), 201)
    merged = {"kept_id": two[0], "gone_id": two[1], "take": {"name": "kept", "fields.town": "kept"}}
    told(api.post("/v1/merges", admin, json=merged), 201)
    for one in two:
        assert len(told(api.get("/v1/consents", admin, query_string={"stakeholder_id": one}))["data"]) == 2
        entries = told(api.get(f"/v1/stakeholders/{one}/engagement", admin))["data"]
        assert [entry["kind"] for entry in entries] == ["consent", "consent"]


def test_who_is_told_apart_is_not_proposed_again(api: Api, admin: str, two: tuple[str, str]) -> None:
    told(api.post("/v1/duplicates/distinct", admin, json={"one_id": two[1], "other_id": two[0]}), 204)
    assert told(api.get("/v1/duplicates", admin))["data"] == []


def test_whoever_is_erased_is_erased_on_every_record(
    api: Api, admin: str, wiring: Wiring, two: tuple[str, str]
) -> None:
    merged = {
        "kept_id": two[0],
        "gone_id": two[1],
        "take": {"name": "kept", "fields.town": "gone"},
        "reason": "Ann",
    }
    made = told(api.post("/v1/merges", admin, json=merged), 201)
    told(api.post(f"/v1/stakeholders/{two[1]}/erase", admin, json={"reason": "their wish"}), 204)
    with wiring.database.read() as session:
        assert {one.state for one in session.query(Stakeholder)} == {"erased"}
        row = session.query(Merge).one()
        assert (row.values, row.added, row.reason) == ({}, {}, "")
    told(api.post(f"/v1/merges/{made['id']}/undo", admin, json={}), 404)


def test_the_map_is_that_of_the_day_that_was_asked_for(api: Api, admin: str, two: tuple[str, str]) -> None:
    """A3."""
    said = {"from_id": two[0], "to_id": two[1], "type": "family", "both_ways": True, "source": "she told us"}
    made = told(api.post("/v1/relations", admin, json={**said, "from_on": "2026-05-01"}), 201)
    ended = told(api.post(f"/v1/relations/{made['id']}/end", admin, json={"on": "2026-06-30"}))
    assert ended["to_on"] == "2026-06-30"
    for on, count in (("2026-04-30", 0), ("2026-05-01", 1), ("2026-06-30", 1), ("2026-07-01", 0)):
        shown = told(api.get("/v1/relations/graph", admin, query_string={"around": two[1], "on": on}))
        assert (len(shown["edges"]), len(shown["nodes"])) == (count, count + 1)
    told(api.delete(f"/v1/relations/{made['id']}", admin), 204)
    assert told(api.get("/v1/relations", admin, query_string={"stakeholder_id": two[0]}))["data"] == []


@pytest.mark.parametrize("when", ["before the merge", "while they were one"])
@pytest.mark.parametrize("ready", [True, False])
def test_a_file_about_somebody_goes_when_their_records_are_made_one_or_two(
    api: Api, admin: str, wiring: Wiring, two: tuple[str, str], when: str, ready: bool
) -> None:
    """F14: made of two people, or of half a person, it is nobody's."""
    merged = {"kept_id": two[0], "gone_id": two[1], "take": {"name": "kept", "fields.town": "kept"}}
    made = told(api.post("/v1/merges", admin, json=merged), 201) if when == "while they were one" else None
    export = told(api.post(f"/v1/stakeholders/{two[1]}/export", admin, json={}), 202)["id"]
    told(api.get(f"/v1/exports/{export}/file", admin))
    if not ready:  # as one of whom too much is known to wait for
        with wiring.database.write() as session:
            session.execute(update(Export).values(state="waiting", until_at=None))
    if made is None:
        told(api.post("/v1/merges", admin, json=merged), 201)
    else:
        told(api.post(f"/v1/merges/{made['id']}/undo", admin, json={}))
    told(api.get(f"/v1/exports/{export}", admin), 404)
    assert list((wiring.settings.folder / exports.FOLDER).glob("*")) == []
    assert not exports.run_pending(wiring, recipes.recipe)


def test_an_address_that_was_proven_on_the_kept_record_is_named_when_they_are_two(
    api: Api, admin: str, wiring: Wiring, two: tuple[str, str]
) -> None:
    merged = {"kept_id": two[0], "gone_id": two[1], "take": {"name": "kept", "fields.town": "kept"}}
    made = told(api.post("/v1/merges", admin, json=merged), 201)
    held = told(api.get(f"/v1/stakeholders/{two[0]}/addresses", admin))["data"]
    copied = next(one["id"] for one in held if one["value"] == "anne@example.org")
    with wiring.database.write() as session:
        session.execute(
            update(Address).where(Address.id == parse_id("adr", copied)).values(verified_at=wiring.now())
        )
    undone = told(api.post(f"/v1/merges/{made['id']}/undo", admin, json={}))
    assert undone["left"] == [copied]
