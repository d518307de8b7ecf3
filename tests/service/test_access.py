"""Tokens and grants: who is let in, how far they reach, and how quickly that ends."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from campaigns.base import public_id
from campaigns.errors import Forbidden, NotFound
from campaigns.strategies import programmes
from service import access
from service.acts import begin, users
from service.permissions import SCOPES, WITHHELD
from service.problems import Refusal
from service.tables import Token
from service.wiring import Wiring

from .conftest import Api, People


def refused(wiring: Wiring, header: str | None) -> str:
    with pytest.raises(Refusal) as stopped:
        access.authenticate(wiring.database, wiring.now(), header)
    assert stopped.value.code == "not_authenticated"
    return stopped.value.detail


def caller(wiring: Wiring, token: str) -> access.Caller:
    return access.authenticate(wiring.database, wiring.now(), f"Bearer {token}")


def test_a_token_is_256_bits_and_only_its_hash_is_kept(wiring: Wiring, people: People) -> None:
    """A7"""
    text = people("viewer")
    assert access.TOKEN.fullmatch(text)
    secret = text[-43:]
    with wiring.database.read() as session:
        row = session.scalars(select(Token)).one()
        kept = [getattr(row, column.name) for column in Token.__table__.columns if hasattr(row, column.name)]
    assert secret not in str(kept)
    assert len({access.new_secret("person")[0] for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic dXNlcjp3b3Jk",
        "Bearer nonsense",
        "Bearer dol_live_00000000_" + "A" * 43,
        "Bearer dol_dead_00000000_" + "A" * 43,
    ],
)
def test_anything_but_a_known_token_is_a_stranger(wiring: Wiring, people: People, header: str | None) -> None:
    """A6"""
    people("administrator")
    refused(wiring, header)


def test_a_wrong_secret_under_a_known_prefix_is_a_stranger(wiring: Wiring, people: People) -> None:
    """A7"""
    text = people("viewer")
    other = "A" if text[-1] != "A" else "B"
    assert refused(wiring, f"Bearer {text[:-1]}{other}") == refused(
        wiring, "Bearer dol_live_zzzzzzzz_" + "A" * 43
    )
    refused(wiring, "Bearer " + text.replace("dol_live_", "dol_test_"))


def test_the_scheme_may_be_written_in_any_case(wiring: Wiring, people: People) -> None:
    assert access.authenticate(wiring.database, wiring.now(), f"bearer {people('viewer')}")


def test_a_key_in_the_query_string_is_refused(api: Api, admin: str) -> None:
    """A6"""
    assert api.get(f"/v1/programmes?access_token={admin}").status_code == 401
    assert api.get(f"/v1/programmes?token={admin}", admin).status_code == 422


def test_an_expired_a_revoked_and_a_disabled_users_token_stop_at_once(
    wiring: Wiring, people: People, api: Api, admin: str
) -> None:
    """A4, A6"""
    expired = people("viewer", expires_at=wiring.now() - timedelta(seconds=1))
    assert "expired" in refused(wiring, f"Bearer {expired}")
    revoked, disabled = people("viewer"), people("viewer")
    assert api.get("/v1/programmes", revoked).status_code == 200
    (own,) = api.get("/v1/tokens", revoked).json["data"]
    assert api.delete(f"/v1/tokens/{own['id']}", revoked).status_code == 204
    assert api.get("/v1/programmes", revoked).status_code == 401
    assert api.get("/v1/programmes", disabled).status_code == 200
    user = public_id("usr", people.users[disabled])
    answer = api.patch(f"/v1/users/{user}", admin, json={"state": "disabled"}, headers={"If-Match": "*"})
    assert answer.status_code == 200
    assert api.get("/v1/programmes", disabled).status_code == 401


def test_a_grant_taken_back_ends_at_once(api: Api, people: People, admin: str, general: int) -> None:
    """A4"""
    token = people("viewer", general)
    assert api.get(f"/v1/programmes/{public_id('prg', general)}", token).status_code == 200
    user = public_id("usr", people.users[token])
    (grant,) = api.get(f"/v1/grants?user_id={user}", admin).json["data"]
    assert api.delete(f"/v1/grants/{grant['id']}", admin).status_code == 204
    assert api.get(f"/v1/programmes/{public_id('prg', general)}", token).status_code == 403


@pytest.mark.parametrize("kind", ["machine", "test"])
def test_a_machine_never_agrees_or_approves_whatever_its_role(
    wiring: Wiring, people: People, kind: str
) -> None:
    machine = caller(wiring, people("administrator", kind=kind))
    for scope in SCOPES:
        assert machine.has(scope) == (scope not in WITHHELD[kind]), scope
    assert not machine.has("strategies:agree") and not machine.has("messages:approve")
    assert machine.actor.startswith("tok_")


def test_a_token_reaches_no_further_than_its_scopes(wiring: Wiring, people: People) -> None:
    narrow = caller(wiring, people("administrator", scopes=["programmes:read"]))
    assert narrow.has("programmes:read") and not narrow.has("programmes:write")
    assert narrow.programmes("programmes:write") == frozenset()


def test_a_grant_covers_everything_under_its_programme(wiring: Wiring, people: People) -> None:
    with wiring.database.write() as session:
        made = [
            programmes.create(session, wiring.now(), name=name, starts_on=date(2026, 1, 1))
            for name in ("A", "B")
        ]
        child = programmes.create(
            session, wiring.now(), name="A1", starts_on=date(2026, 1, 1), parent_id=made[0].id
        )
        grandchild = programmes.create(
            session, wiring.now(), name="A11", starts_on=date(2026, 1, 1), parent_id=child.id
        )
        ids = [row.id for row in (*made, child, grandchild)]
    someone = caller(wiring, people("author", ids[0]))
    assert someone.programmes() == frozenset({ids[0], ids[2], ids[3]})
    assert someone.may("messages:write", ids[3]) and not someone.may("messages:write", ids[1])
    with pytest.raises(NotFound):
        someone.need("messages:write", ids[1])
    with pytest.raises(Forbidden):
        someone.need("programmes:write", ids[3])
    assert caller(wiring, people("viewer", None)).programmes() is None


def test_what_is_shared_is_read_with_any_grant_and_changed_with_one_on_everything(
    wiring: Wiring, people: People, general: int
) -> None:
    local, everywhere = (
        caller(wiring, people("administrator", general)),
        caller(wiring, people("administrator")),
    )
    local.need("connectors:read", None)
    with pytest.raises(Forbidden):
        local.need("connectors:admin", None)
    everywhere.need("connectors:admin", None)


def test_nobody_without_a_grant_sees_anything(wiring: Wiring, people: People, general: int) -> None:
    nobody = caller(wiring, people(None))
    assert nobody.programmes() == frozenset() and not nobody.sees(None) and not nobody.sees(general)


def test_last_use_is_noted_but_not_for_every_call(wiring: Wiring, people: People) -> None:
    token = people("viewer")
    caller(wiring, token)
    with wiring.database.read() as session:
        first = session.scalars(select(Token.last_used_at)).one()
    caller(wiring, token)
    with wiring.database.read() as session:
        assert session.scalars(select(Token.last_used_at)).one() == first
    assert first is not None


def test_the_last_administrator_stays(wiring: Wiring, api: Api, people: People, admin: str) -> None:
    """A11"""
    (grant,) = api.get("/v1/grants", admin).json["data"]
    assert api.delete(f"/v1/grants/{grant['id']}", admin).json["code"] == "last_administrator"
    me = public_id("usr", people.users[admin])
    answer = api.patch(f"/v1/users/{me}", admin, json={"state": "disabled"}, headers={"If-Match": "*"})
    assert answer.json["code"] == "last_administrator"
    second = people("administrator")
    assert api.delete(f"/v1/grants/{grant['id']}", admin).status_code == 204
    assert api.get("/v1/users", second).status_code == 200


def test_a_local_administrator_grants_at_home_only(
    api: Api, people: People, general: int, wiring: Wiring
) -> None:
    local, other = people("administrator", general), people(None)
    user = public_id("usr", people.users[other])
    body = {"role": "author", "user_id": user}
    home = api.post("/v1/grants", local, json={**body, "programme_id": public_id("prg", general)})
    assert home.status_code == 201
    again = api.post("/v1/grants", local, json={**body, "programme_id": public_id("prg", general)})
    assert again.json["id"] == home.json["id"]
    assert api.post("/v1/grants", local, json={**body, "programme_id": None}).status_code == 403
    assert api.post("/v1/users", local, json={"name": "New"}).status_code == 403
    with begin(wiring, access.CONSOLE) as act, pytest.raises(NotFound):
        users.take(act, 12345)


def test_two_users_never_have_one_address(api: Api, admin: str) -> None:
    assert api.post("/v1/users", admin, json={"name": "A", "email": "Ann@Example.org"}).status_code == 201
    assert api.post("/v1/users", admin, json={"name": "B", "email": "ann@example.org"}).status_code == 409


def test_the_acts_of_access_are_in_the_audit_log_without_personal_data(api: Api, admin: str) -> None:
    api.post("/v1/users", admin, json={"name": "Annwen Secret", "email": "annwen@example.org"})
    answer = api.get("/v1/audit_entries", admin)
    assert [entry["act"] for entry in answer.json["data"]] == ["user.created"]
    assert "nnwen" not in answer.text
