"""Tokens over the API: shown once, never wider than their maker, replaced without a gap."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from campaigns.base import public_id
from service.acts.tokens import OVERLAP_MAX
from service.wiring import Wiring

from .conftest import Api, People


def made(api: Api, token: str, **body: Any) -> Any:
    answer = api.post("/v1/tokens", token, json={"name": "new", **body})
    assert answer.status_code == 201, answer.text
    return answer.json


def test_a_new_token_works_and_is_shown_this_once(api: Api, people: People) -> None:
    token = people("author")
    new = made(api, token)
    assert api.get("/v1/programmes", new["token"]).status_code == 200
    assert new["token"] not in api.get("/v1/tokens", token).text


def test_people_see_their_own_tokens_and_administrators_all(api: Api, people: People, admin: str) -> None:
    author = people("author")
    assert len(api.get("/v1/tokens", author).json["data"]) == 1
    assert len(api.get("/v1/tokens", admin).json["data"]) == 2
    (theirs,) = api.get("/v1/tokens", author).json["data"]
    other = people("viewer")
    assert api.delete(f"/v1/tokens/{theirs['id']}", other).status_code == 404
    assert api.post(f"/v1/tokens/{theirs['id']}/rotate", other, json={}).status_code == 404


def test_a_token_is_never_wider_than_its_maker(api: Api, people: People) -> None:
    narrow = people("author", scopes=["tokens:own", "programmes:read"])
    assert made(api, narrow)["scopes"] == ["programmes:read", "tokens:own"]
    answer = api.post("/v1/tokens", narrow, json={"name": "x", "scopes": ["tokens:own", "messages:write"]})
    assert answer.status_code == 422 and answer.json["errors"][0]["pointer"] == "/scopes/1"


@pytest.mark.parametrize("days", [-1, 0, 400])
def test_a_token_lives_at_most_a_year(api: Api, wiring: Wiring, people: People, days: int) -> None:
    at = (wiring.now() + timedelta(days=days)).isoformat()
    answer = api.post("/v1/tokens", people("author"), json={"name": "x", "expires_at": at})
    assert answer.status_code == 422 and answer.json["errors"][0]["pointer"] == "/expires_at"


def test_a_machine_token_has_grants_of_its_own(api: Api, admin: str, general: int) -> None:
    where = {"role": "author", "programme_id": public_id("prg", general)}
    new = made(api, admin, kind="machine", grants=[where], defaults={"purpose": "service"})
    assert new["user_id"] is None and new["defaults"] == {"purpose": "service"}
    assert len(api.get("/v1/programmes", new["token"]).json["data"]) == 1
    assert api.post("/v1/users", new["token"], json={"name": "x"}).status_code == 403


def test_a_machine_token_is_granted_each_role_once_and_only_in_programmes_that_exist(
    api: Api, admin: str
) -> None:
    twice = [{"role": "viewer", "programme_id": None}] * 2
    new = made(api, admin, kind="machine", grants=twice)
    assert len(api.get(f"/v1/grants?token_id={new['id']}", admin).json["data"]) == 1
    absent = {"role": "viewer", "programme_id": public_id("prg", 1)}
    answer = api.post(
        "/v1/tokens", admin, json={"name": "new", "kind": "machine", "grants": [*twice, absent]}
    )
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/grants/2/programme_id")


@pytest.mark.parametrize("name", ["programme_id", "account_id"])
def test_what_a_token_takes_without_being_told_must_exist(name: str, api: Api, admin: str) -> None:
    absent = public_id({"programme_id": "prg", "account_id": "acc"}[name], 1)
    answer = api.post("/v1/tokens", admin, json={"name": "new", "defaults": {name: absent}})
    assert answer.status_code == 404, answer.text


def test_only_administrators_of_everything_make_machine_tokens(
    api: Api, people: People, general: int
) -> None:
    for token in (people("author"), people("administrator", general)):
        assert api.post("/v1/tokens", token, json={"name": "x", "kind": "machine"}).status_code == 403


def test_an_administrator_hands_a_user_their_first_token_only(api: Api, admin: str) -> None:
    user = api.post("/v1/users", admin, json={"name": "New"}).json["id"]
    first = made(api, admin, user_id=user)
    assert first["user_id"] == user
    second = api.post("/v1/tokens", admin, json={"name": "again", "user_id": user})
    assert second.status_code == 403
    assert api.post(f"/v1/tokens/{first['id']}/rotate", admin, json={}).status_code == 403


def test_a_rotated_token_works_on_for_the_overlap(api: Api, people: People) -> None:
    token = people("author")
    (own,) = api.get("/v1/tokens", token).json["data"]
    new = api.post(f"/v1/tokens/{own['id']}/rotate", token, json={"overlap_s": 3600}).json
    assert new["replaces_id"] == own["id"]
    assert api.get("/v1/programmes", token).status_code == 200
    last = api.post(f"/v1/tokens/{new['id']}/rotate", new["token"], json={}).json
    assert api.get("/v1/programmes", new["token"]).status_code == 401
    assert api.get("/v1/programmes", last["token"]).status_code == 200
    too_long = {"overlap_s": int(OVERLAP_MAX.total_seconds()) + 1}
    assert api.post(f"/v1/tokens/{last['id']}/rotate", last["token"], json=too_long).status_code == 422


def test_a_replayed_token_is_kept_sealed(api: Api, wiring: Wiring, people: People) -> None:
    token = people("author")
    answers = [
        api.post("/v1/tokens", token, json={"name": "x"}, headers={"Idempotency-Key": "once"})
        for _ in range(2)
    ]
    assert answers[0].json == answers[1].json
    with wiring.database.read() as session:
        (body,) = session.execute(text("SELECT body FROM idempotency_keys")).one()
    assert answers[0].json["token"].encode() not in bytes(body)
