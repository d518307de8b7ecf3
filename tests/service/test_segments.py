"""Segments by API: rules and hand-picked lists, their members and the reasons."""

from __future__ import annotations

from typing import Any

import pytest

from campaigns.base import public_id
from service.wiring import Wiring

from . import samples
from .conftest import Api, People

SEGMENTS = "/v1/segments"


def someone(api: Api, token: str, name: str, **values: Any) -> str:
    return str(api.post("/v1/stakeholders", token, json={"name": name, **values}).json["id"])


def segment(api: Api, token: str, **values: Any) -> dict[str, Any]:
    answer = api.post(SEGMENTS, token, json={"name": "River", **values})
    assert answer.status_code == 201, answer.text
    return dict(answer.json)


def names(api: Api, token: str, path: str) -> list[str]:
    answer = api.get(path, token)
    assert answer.status_code == 200, answer.text
    return [row["name"] for row in answer.json["data"]]


def test_a_rule_says_who_is_in_and_why(api: Api, admin: str) -> None:
    ann = someone(api, admin, "Ann", tags=["river"])
    bo = someone(api, admin, "Bo")
    made = segment(api, admin, rule={"field": "tag", "op": "has", "value": "River"})
    path = f"{SEGMENTS}/{made['id']}"
    assert (made["kind"], api.get(path, admin).json) == ("rule", made)
    assert names(api, admin, f"{path}/members") == ["Ann"]
    assert api.get(f"{path}/count", admin).json == {"count": 1}
    told = api.get(f"{path}/members/{ann}/explanation", admin).json
    assert (told["member"], told["involved"]) == (True, True)
    assert api.get(f"{path}/members/{bo}/explanation", admin).json["member"] is False
    picked = api.post(f"{path}/members", admin, json={"stakeholders": [bo]})
    assert (picked.status_code, picked.json["code"]) == (422, "bad_field")


def test_a_hand_picked_segment_takes_and_gives_back(api: Api, admin: str) -> None:
    people = [someone(api, admin, name) for name in ("Ann", "Bo", "Cy")]
    made = segment(api, admin)
    path = f"{SEGMENTS}/{made['id']}/members"
    assert made["kind"] == "picked"
    for _twice in range(2):
        assert api.post(path, admin, json={"stakeholders": people}).status_code == 204
    first = api.get(f"{path}?limit=2", admin).json
    assert [row["name"] for row in first["data"]] == ["Ann", "Bo"]
    assert names(api, admin, f"{path}?after={first['next']}") == ["Cy"]
    assert api.delete(f"{path}/{people[1]}", admin).status_code == 204
    assert names(api, admin, path) == ["Ann", "Cy"]
    assert api.get(f"{path}/{people[1]}/explanation", admin).json["picked"] is False


def test_a_segment_is_changed_by_who_read_it_and_archived(api: Api, admin: str) -> None:
    """R37"""
    path = f"{SEGMENTS}/{segment(api, admin, rule={'field': 'kind', 'op': 'is', 'value': 'person'})['id']}"
    rule = {"any": [{"field": "kind", "op": "is", "value": "group"}]}
    assert api.patch(path, admin, json={"rule": rule}).status_code == 428
    changed = api.patch(path, admin, json={"rule": rule, "name": "Groups"}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.json["name"], changed.headers["ETag"]) == (200, "Groups", '"2"')
    assert api.patch(path, admin, json={"name": "x"}, headers={"If-Match": '"1"'}).status_code == 412
    assert api.delete(path, admin).status_code == 204
    assert names(api, admin, SEGMENTS) == []
    assert names(api, admin, f"{SEGMENTS}?state=archived") == ["Groups"]


def test_another_programmes_segments_and_people_stay_out_of_reach(
    api: Api, people: People, admin: str, wiring: Wiring
) -> None:
    """R33"""
    with wiring.database.write() as session:
        here = samples.programme(session, wiring.now(), "Here")
    token = people("author", here, defaults={"programme_id": here})
    foreign, ann = segment(api, admin), someone(api, admin, "Ann")
    mine = segment(api, token, name="Mine")
    path = f"{SEGMENTS}/{mine['id']}"
    assert names(api, token, SEGMENTS) == ["Mine"]
    general = public_id("prg", 1)
    for answer in (
        api.get(f"{SEGMENTS}/{foreign['id']}", token),
        api.get(f"{SEGMENTS}/{foreign['id']}/members", token),
        api.get(f"{SEGMENTS}?programme_id={general}", token),
        api.post(SEGMENTS, token, json={"name": "x", "programme_id": general}),
        api.post(f"{path}/members", token, json={"stakeholders": [ann]}),
        api.post(f"{path}/members", token, json={"stakeholders": [public_id("stk", 7)]}),
        api.delete(f"{path}/members/{ann}", token),
        api.get(f"{path}/members/{ann}/explanation", token),
    ):
        assert (answer.status_code, answer.json["code"]) == (404, "not_found"), answer.text


def test_reading_the_members_needs_the_right_to_read_people(api: Api, people: People, admin: str) -> None:
    path = f"{SEGMENTS}/{segment(api, admin)['id']}"
    token = people("viewer", scopes=["segments:read"])
    assert api.get(f"{path}/count", token).status_code == 200
    assert api.get(f"{path}/members", token).status_code == 403


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"rule": {"field": "kind", "op": "is", "value": "person"}}, "/name"),
        ({"name": "x", "rule": {"field": "shoe_size", "op": "is", "value": 7}}, "/rule/field"),
        ({"name": "x", "rule": {"all": [{"field": "kind", "op": "like", "value": "p"}]}}, "/rule/all/0/op"),
        ({"name": "x", "rule": {"field": "kind", "op": "is", "value": "alien"}}, "/rule/value"),
        ({"name": "x", "rule": [1]}, "/rule"),
        ({"name": "x", "kind": "picked"}, "/kind"),
    ],
)
def test_a_rule_nobody_can_follow_is_refused_where_it_is_wrong(
    body: dict[str, Any], pointer: str, api: Api, admin: str
) -> None:
    answer = api.post(SEGMENTS, admin, json=body)
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, pointer), answer.text
