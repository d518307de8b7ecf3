"""Custom fields by API."""

from __future__ import annotations

from typing import Any

import pytest

from campaigns.base import public_id

from .conftest import Api, People

FIELDS = "/v1/fields"


def test_a_field_is_defined_once_and_then_used(api: Api, admin: str) -> None:
    town = {"name": "town", "type": "choice", "choices": ["Bangor", "Y Bala"]}
    first = api.post(FIELDS, admin, json=town)
    assert (first.status_code, first.json["choices"]) == (201, ["Bangor", "Y Bala"])
    assert api.post(FIELDS, admin, json=town).json == first.json
    assert api.get(FIELDS, admin).json["data"] == [first.json]
    assert api.get(f"{FIELDS}/{first.json['id']}", admin).json == first.json
    changed = api.post(FIELDS, admin, json={"name": "town", "type": "text"})
    assert (changed.status_code, changed.json["code"]) == (409, "already_done")
    ann = {"name": "Ann", "attrs": {"town": "Y Bala"}}
    assert api.post("/v1/stakeholders", admin, json=ann).json["attrs"] == {"town": "Y Bala"}


def test_fields_are_everybodys_so_one_programme_does_not_define_them(
    api: Api, people: People, general: int
) -> None:
    token = people("author", general)
    assert api.post(FIELDS, token, json={"name": "town", "type": "text"}).status_code == 403
    assert api.get(FIELDS, token).status_code == 200
    assert api.get(f"{FIELDS}/{public_id('fld', 7)}", token).status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": "Town", "type": "text"}, "/name"),
        ({"name": "town"}, "/type"),
        ({"name": "town", "type": "float"}, "/type"),
        ({"name": "town", "type": "choice"}, "/choices"),
        ({"name": "town", "type": "choice", "choices": ["a", "A"]}, "/choices"),
        ({"name": "town", "type": "choice", "choices": ["a", ""]}, "/choices/1"),
        ({"name": "town", "type": "text", "id": 1}, "/id"),
    ],
)
def test_a_field_that_cannot_be_is_refused_where_it_is_wrong(
    body: dict[str, Any], pointer: str, api: Api, admin: str
) -> None:
    answer = api.post(FIELDS, admin, json=body)
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, pointer), answer.text
