"""Stakeholders by API: made, found, changed, and invisible where the caller has no grant."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from campaigns.audit import AuditEntry
from campaigns.base import parse_id, public_id
from service.tables import Grant
from service.wiring import Wiring

from . import samples
from .conftest import Api, People

PEOPLE = "/v1/stakeholders"


@pytest.fixture
def elsewhere(wiring: Wiring) -> int:
    """A second programme."""
    with wiring.database.write() as session:
        return samples.programme(session, wiring.now(), "Elsewhere")


def made(api: Api, token: str, **values: Any) -> dict[str, Any]:
    answer = api.post(PEOPLE, token, json={"name": "Ann Price", **values})
    assert answer.status_code == 201, answer.text
    return dict(answer.json)


def names(api: Api, token: str, query: str = "") -> list[str]:
    answer = api.get(f"{PEOPLE}?{query}", token)
    assert answer.status_code == 200, answer.text
    return [row["name"] for row in answer.json["data"]]


def test_one_call_makes_somebody_reachable_and_visible(api: Api, admin: str, general: int) -> None:
    answer = api.post(
        PEOPLE,
        admin,
        json={
            "name": "Ann Price",
            "languages": ["cy", "EN-gb"],
            "zone": "Europe/London",
            "addresses": [{"channel": "email", "value": "Ann@Example.org"}],
            "tags": ["River"],
        },
    )
    assert answer.status_code == 201, answer.text
    assert (answer.json["kind"], answer.json["languages"]) == ("person", ["cy", "en-GB"])
    assert (answer.json["source"], answer.json["state"], answer.headers["ETag"]) == ("api", "active", '"1"')
    path = answer.headers["Location"]
    assert api.get(path, admin).json == answer.json
    (address,) = api.get(f"{path}/addresses", admin).json["data"]
    assert (address["value"], address["key"]) == ("Ann@Example.org", "ann@example.org")
    assert api.get(f"{path}/tags", admin).json["data"] == [{"name": "River"}]
    (involved,) = api.get(f"{path}/involvements", admin).json["data"]
    assert (involved["programme_id"], involved["connection"]) == (public_id("prg", general), "involved")


def test_a_new_stakeholder_belongs_to_the_programme_of_the_token(
    api: Api, people: People, elsewhere: int
) -> None:
    token = people("author", elsewhere, defaults={"programme_id": elsewhere})
    path = f"{PEOPLE}/{made(api, token)['id']}/involvements"
    assert [row["programme_id"] for row in api.get(path, token).json["data"]] == [public_id("prg", elsewhere)]


def test_general_takes_nobody_from_a_caller_without_a_grant_on_it(
    api: Api, people: People, general: int, elsewhere: int
) -> None:
    token = people("author", elsewhere)
    assert api.post(PEOPLE, token, json={"name": "Ann"}).status_code == 404
    named = {"name": "Ann", "programme_id": public_id("prg", general)}
    assert api.post(PEOPLE, token, json=named).status_code == 404


def test_who_is_involved_nowhere_of_ours_is_as_good_as_absent(
    api: Api, people: People, admin: str, general: int, elsewhere: int
) -> None:
    """R33"""
    ann = made(api, admin)
    mine = made(api, people("author", elsewhere), programme_id=public_id("prg", elsewhere), name="Bo")
    token = people("author", elsewhere)
    assert names(api, token) == ["Bo"]
    assert names(api, token, "name=ann") == []
    assert api.get(f"{PEOPLE}?programme_id={public_id('prg', general)}", token).status_code == 404
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"name": "Taken"}),
        ("DELETE", "", None),
        ("POST", "/addresses", {"channel": "email", "value": "x@example.org"}),
        ("POST", "/memberships", {"body_id": mine["id"]}),
        ("PUT", "/tags/river", {}),
        ("PUT", f"/involvements/{public_id('prg', elsewhere)}", {}),
    ):
        answer = api.call(method, f"{PEOPLE}/{ann['id']}{path}", token, json=body, headers={"If-Match": "*"})
        assert (answer.status_code, answer.json["code"]) == (404, "not_found"), (method, path)
    joins = {"body_id": ann["id"]}
    assert api.post(f"{PEOPLE}/{mine['id']}/memberships", token, json=joins).status_code == 404


def test_involvement_opens_the_record_to_the_other_programme(
    api: Api, people: People, admin: str, elsewhere: int
) -> None:
    ann = made(api, admin)
    token = people("viewer", elsewhere)
    path = f"{PEOPLE}/{ann['id']}/involvements/{public_id('prg', elsewhere)}"
    said = {"connection": "affected", "rank": "primary", "note": "lives by the river"}
    answer = api.call("PUT", path, admin, json=said)
    assert (answer.status_code, answer.json["rank"]) == (200, "primary")
    assert api.get(f"{PEOPLE}/{ann['id']}", token).status_code == 200
    shown = api.get(f"{PEOPLE}/{ann['id']}/involvements", token).json["data"]
    assert [row["connection"] for row in shown] == ["affected"]
    assert len(api.get(f"{PEOPLE}/{ann['id']}/involvements", admin).json["data"]) == 2


def test_a_reader_in_one_programme_who_writes_in_another_is_told_so(
    api: Api, people: People, admin: str, general: int, elsewhere: int
) -> None:
    ann = made(api, admin)
    token = people("author", elsewhere)
    with people.wiring.database.write() as session:
        session.add(
            Grant(
                user_id=people.users[token],
                role="viewer",
                programme_id=general,
                created_at=people.wiring.now(),
            )
        )
    assert api.get(f"{PEOPLE}/{ann['id']}", token).status_code == 200
    answer = api.patch(f"{PEOPLE}/{ann['id']}", token, json={"name": "Mine"}, headers={"If-Match": "*"})
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")


def test_a_lost_update_is_refused(api: Api, admin: str) -> None:
    """R37"""
    path = f"{PEOPLE}/{made(api, admin)['id']}"
    assert api.patch(path, admin, json={"name": "Bo"}).status_code == 428
    answer = api.patch(path, admin, json={"name": "Bo", "zone": None}, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.json["name"], answer.headers["ETag"]) == (200, "Bo", '"2"')
    assert api.patch(path, admin, json={"name": "Cy"}, headers={"If-Match": '"1"'}).status_code == 412


def test_a_system_of_record_writes_by_its_own_id(api: Api, admin: str) -> None:
    path = f"{PEOPLE}/by-external-id/crm/7"
    first = api.call("PUT", path, admin, json={"name": "Ann", "tags": ["a"]})
    assert (first.status_code, first.json["external_id"]) == (201, "crm/7")
    second = api.call("PUT", path, admin, json={"name": "Ann Price", "tags": ["b"]})
    assert (second.status_code, second.json["id"], second.json["name"]) == (
        200,
        first.json["id"],
        "Ann Price",
    )
    tags = api.get(f"{PEOPLE}/{first.json['id']}/tags", admin).json["data"]
    assert [tag["name"] for tag in tags] == ["a", "b"]
    nameless = api.call("PUT", f"{PEOPLE}/by-external-id/new", admin, json={})
    assert (nameless.status_code, nameless.json["errors"][0]["pointer"]) == (422, "/name")


def test_another_programmes_external_id_is_neither_changed_nor_shown(
    api: Api, people: People, admin: str, elsewhere: int
) -> None:
    """R33"""
    ann = made(api, admin, external_id="crm-7")
    token = people("author", elsewhere, defaults={"programme_id": elsewhere})
    answer = api.call("PUT", f"{PEOPLE}/by-external-id/crm-7", token, json={"name": "Mine"})
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")
    assert api.get(f"{PEOPLE}/{ann['id']}", admin).json["name"] == "Ann Price"
    taken = api.post(PEOPLE, token, json={"name": "Bo", "external_id": "crm-7"})
    assert (taken.status_code, taken.json["errors"][0]["pointer"]) == (409, "/external_id")


def test_the_list_is_searched_by_what_is_known(api: Api, admin: str) -> None:
    """R31, R32"""
    made(api, admin, addresses=[{"channel": "email", "value": "ann@example.org"}], tags=["River"])
    made(api, admin, name="100% Ŵyn", kind="organisation", external_id="crm-9")
    gone = made(api, admin, name="Gone")
    assert api.delete(f"{PEOPLE}/{gone['id']}", admin).status_code == 204
    assert names(api, admin) == ["Ann Price", "100% Ŵyn"]
    assert names(api, admin, "state=archived") == ["Gone"]
    assert names(api, admin, "kind=organisation") == ["100% Ŵyn"]
    assert names(api, admin, "external_id=crm-9") == ["100% Ŵyn"]
    assert names(api, admin, "name=ŵYN") == ["100% Ŵyn"]
    assert names(api, admin, "name=%25") == ["100% Ŵyn"]
    assert names(api, admin, "name=_") == []
    assert names(api, admin, "tag=rIVER") == ["Ann Price"]
    assert names(api, admin, "address=ANN@EXAMPLE.ORG") == ["Ann Price"]
    assert names(api, admin, "address=ann@example.org&channel=sms_x") == []


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("sort=id;drop", "sort"),
        ("name=%00", "name"),
        ("address=ann", "address"),
        ("channel=sms", "channel"),
        ("channel=E-mail&address=a@example.org", "channel"),
        ("kind=alien", "kind"),
        ("limit=1000000000", "limit"),
        ("limit=-1", "limit"),
    ],
)
def test_a_query_that_cannot_be_used_names_its_parameter(
    query: str, parameter: str, api: Api, admin: str
) -> None:
    """R28, R29, R31"""
    answer = api.get(f"{PEOPLE}?{query}", admin)
    assert (answer.status_code, answer.json["errors"][0]["parameter"]) == (422, parameter)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/name"),
        ({"name": " "}, "/name"),
        ({"name": "a\u0007b"}, "/name"),
        ({"name": "A", "kind": "alien"}, "/kind"),
        ({"name": "A", "zone": "../../etc/passwd"}, "/zone"),
        ({"name": "A", "languages": ["welsh!"]}, "/languages/0"),
        ({"name": "A", "attrs": {"nowhere": 1}}, "/attrs/nowhere"),
        ({"name": "A", "addresses": [{"channel": "email", "value": "a,b@x.org"}]}, "/addresses/0/value"),
        ({"name": "A", "addresses": [{"channel": "E", "value": "a@x.org"}]}, "/addresses/0/channel"),
        (
            {"name": "A", "addresses": [{"channel": "email", "value": "a@x.org", "state": "x"}]},
            "/addresses/0/state",
        ),
        ({"name": "A", "tags": ["ok", "\t"]}, "/tags/1"),
        ({"name": "A", "state": "erased"}, "/state"),
        ({"name": "A", "external_id": 7}, "/external_id"),
    ],
)
def test_bad_input_is_refused_where_it_stands_and_nothing_is_kept(
    body: dict[str, Any], pointer: str, api: Api, admin: str
) -> None:
    """R26, R34, R38"""
    answer = api.post(PEOPLE, admin, json=body)
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, pointer), answer.text
    assert names(api, admin) == []


def test_odd_letters_are_kept_and_flagged(api: Api, admin: str) -> None:
    """R42, R44, C19"""
    row = made(api, admin, name="A\u202eb {{7*7}} <b>'\"</b>")
    assert (row["name"], row["name_flags"]) == ("A\u202eb {{7*7}} <b>'\"</b>", ["bidi_control"])


def test_addresses_come_and_go_and_stay_on_the_record(api: Api, admin: str) -> None:
    """C10"""
    path = f"{PEOPLE}/{made(api, admin)['id']}/addresses"
    first = api.post(path, admin, json={"channel": "email", "value": "ann@example.org"}).json
    assert api.delete(f"{path}/{first['id']}", admin).status_code == 204
    assert [row["state"] for row in api.get(path, admin).json["data"]] == ["retired"]
    again = api.post(path, admin, json={"channel": "email", "value": "ANN@example.org"}).json
    assert (again["id"], again["state"]) == (first["id"], "active")
    other = f"{PEOPLE}/{made(api, admin)['id']}/addresses/{first['id']}"
    assert api.delete(other, admin).status_code == 404


def test_a_membership_is_seen_from_both_sides_and_ends(api: Api, admin: str) -> None:
    ann, club = made(api, admin), made(api, admin, name="Rowing club", kind="group")
    path = f"{PEOPLE}/{ann['id']}/memberships"
    joined = api.post(path, admin, json={"body_id": club["id"], "role": "cox", "from_on": "2020-01-01"})
    assert (joined.status_code, joined.json["role"]) == (201, "cox")
    other = f"{PEOPLE}/{club['id']}/memberships"
    assert api.get(other, admin).json["data"] == api.get(path, admin).json["data"] == [joined.json]
    assert api.post(other, admin, json={}).json["errors"][0]["pointer"] == "/body_id"
    early = api.delete(f"{path}/{joined.json['id']}?on=2019-12-31", admin)
    assert (early.status_code, early.json["errors"][0]["pointer"]) == (422, "/to_on")
    assert api.delete(f"{path}/{joined.json['id']}?on=2021-06-30", admin).status_code == 204
    assert api.get(path, admin).json["data"][0]["to_on"] == "2021-06-30"


def test_a_tag_is_given_twice_and_taken_away(api: Api, admin: str) -> None:
    path = f"{PEOPLE}/{made(api, admin)['id']}/tags"
    assert api.call("PUT", f"{path}/River/North", admin).json == {"name": "River/North"}
    assert api.call("PUT", f"{path}/RIVER/north", admin).json == {"name": "River/North"}
    assert api.delete(f"{path}/river/NORTH", admin).status_code == 204
    assert api.get(path, admin).json["data"] == []


def test_the_audit_names_the_act_and_no_personal_value(api: Api, admin: str, wiring: Wiring) -> None:
    row = made(api, admin, addresses=[{"channel": "email", "value": "ann@example.org"}])
    api.patch(f"{PEOPLE}/{row['id']}", admin, json={"name": "Bo"}, headers={"If-Match": "*"})
    with wiring.database.read() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.kind == "stakeholder")).all()
    assert [entry.act for entry in entries] == ["stakeholder.created", "stakeholder.changed"]
    assert {entry.ref for entry in entries} == {parse_id("stk", row["id"])}
    assert entries[1].after == {"fields": ["name"]}
