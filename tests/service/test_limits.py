"""Limits and caps by the API: chosen on the account and on the programme, refused by name, read with their use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from campaigns.base import parse_id
from campaigns.delivery import limits
from campaigns.delivery.tables import Account
from connectors.simulator.provider import Switches
from connectors.simulator.running import Running, running
from service.wiring import Wiring

from .conftest import Api, People

ACCOUNTS, PROGRAMMES = "/v1/connector_accounts", "/v1/programmes"
RELAY = {"connector": "simulator", "name": "Relay", "settings": {"url": "http://127.0.0.1:9"}}


def test_limits_are_chosen_used_and_taken_away(api: Api, admin: str, wiring: Wiring) -> None:
    """D8: each with what is used of it today and this month."""
    own = {"per_second": 2.5, "per_day": 40, "domain_per_minute": 60, "per_month": None}
    made = api.post(ACCOUNTS, admin, json=RELAY | {"own_limits": own})
    assert made.status_code == 201, made.text
    path = f"{ACCOUNTS}/{made.json['id']}"
    assert made.json["own_limits"] == {"per_second": 2.5, "per_day": 40, "domain_per_minute": 60}
    assert (made.json["limited_until_at"], made.json["trouble"]) == (None, None)
    with wiring.database.write() as session:
        account = session.get_one(Account, parse_id("acc", made.json["id"]))
        limits.admit(session, wiring.now(), account, [(1, "a@x.example"), (2, "b@x.example")])
    told = {row["limit"]: (row["most"], row["used"]) for row in api.get(f"{path}/limits", admin).json["data"]}
    assert told == {"per_second": (2.5, None), "per_day": (40, 2), "domain_per_minute": (60, None)}
    changed = api.patch(path, admin, json={"own_limits": None}, headers={"If-Match": made.headers["ETag"]})
    assert changed.json["own_limits"] is None
    assert api.get(f"{path}/limits", admin).json["data"] == []


@pytest.mark.parametrize(
    ("own", "pointer"),
    [
        ({"per_day": 0}, "per_day"),
        ({"per_day": 1.5}, "per_day"),
        ({"per_day": "5"}, "per_day"),
        ({"per_day": True}, "per_day"),
        ({"per_second": 0}, "per_second"),
        ({"per_second": "1"}, "per_second"),
        ({"per_second": True}, "per_second"),
        ({"per_second": 1e12}, "per_second"),
        ({"per_hour": 5}, "per_hour"),
    ],
)
def test_a_limit_that_cannot_be_is_refused_by_name(api: Api, admin: str, own: Any, pointer: str) -> None:
    told = api.post(ACCOUNTS, admin, json=RELAY | {"own_limits": own})
    assert told.status_code == 422 and f"/own_limits/{pointer}" in told.text


def test_what_a_programme_asks_is_set_read_and_handed_down(api: Api, admin: str) -> None:
    """E8."""
    top = api.post(PROGRAMMES, admin, json={"name": "Top", "starts_on": "2026-01-01"}).json["id"]
    child = {"name": "Below", "starts_on": "2026-01-01", "parent_id": top}
    below = api.post(PROGRAMMES, admin, json=child).json["id"]
    nothing = {"languages": [], "formats": False, "frequency_cap": None}
    empty = {"languages": [], "formats": False, "frequency_caps": []}
    assert api.get(f"{PROGRAMMES}/{below}/policies", admin).json == nothing | {"in_force": empty}
    cap = {"messages": 2, "days": 7}
    told = api.call("PUT", f"{PROGRAMMES}/{top}/policies", admin, json=nothing | {"frequency_cap": cap})
    assert told.status_code == 200, told.text
    assert told.json["frequency_cap"] == cap
    found = api.get(f"{PROGRAMMES}/{below}/policies", admin).json
    assert found["frequency_cap"] is None
    assert found["in_force"]["frequency_caps"] == [cap | {"programme_id": top}]


def test_letting_people_get_more_needs_an_administrator(api: Api, admin: str, people: People) -> None:
    made = api.post(PROGRAMMES, admin, json={"name": "Top", "starts_on": "2026-01-01"})
    path = f"{PROGRAMMES}/{made.json['id']}/policies"
    manager = people("community_manager")
    asked = {"languages": [], "formats": False}

    def put(token: str, cap: Any) -> int:
        return int(api.call("PUT", path, token, json=asked | {"frequency_cap": cap}).status_code)

    assert put(manager, {"messages": 3, "days": 7}) == 200
    assert put(manager, {"messages": 2, "days": 14}) == 200
    for looser in ({"messages": 3, "days": 14}, {"messages": 2, "days": 7}, None):
        assert put(manager, looser) == 403
    assert put(admin, None) == 200
    assert put(manager, {"messages": 0, "days": 7}) == 422


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Running]:
    """A practice provider of our own."""
    with running(tmp_path / "log") as server:
        server.control(**asdict(Switches()))
        yield server


def test_a_check_renews_a_login_that_has_run_out(
    api: Api, admin: str, wiring: Wiring, provider: Running
) -> None:
    """F27: an account comes back by itself where its provider gives a new login."""
    body = RELAY | {"settings": {"url": provider.url}, "secrets": {"token": "old", "refresh_token": "once"}}
    account = api.post(ACCOUNTS, admin, json=body).json["id"]
    provider.control(tokens={"practice": "new"}, refresh_tokens={"practice": "once"}, token_life_s=1000.0)
    told = api.post(f"{ACCOUNTS}/{account}/verify", admin).json
    assert (told["ok"], told["state"]) == (True, "active")
    assert provider.control()["renewals"] == 1
    with wiring.database.read() as session:
        row = session.get_one(Account, parse_id("acc", account))
        assert set(wiring.keyring.open(row.id, row.secrets)) == {"token", "refresh_token"}
        assert row.renewed_at is not None and row.renew_due_at is not None
    assert api.post(f"{ACCOUNTS}/{account}/verify", admin).json["ok"]
    assert provider.control()["renewals"] == 1
