"""Accounts on this machine, by which every port is reached: only where whoever runs the installation allows that."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from service.settings import Connectors
from service.wiring import Wiring

from .conftest import Answer, Api


@pytest.fixture
def closed(wiring: Wiring) -> Wiring:
    """An installation as it is where nobody chose anything."""
    wiring.settings = replace(wiring.settings, connectors=Connectors())
    return wiring


def connect(api: Api, admin: str, connector: str, settings: dict[str, Any], **secrets: str) -> Answer:
    body = {"connector": connector, "name": connector, "settings": settings, "secrets": secrets}
    return api.post("/v1/connector_accounts", admin, json=body)


INSIDE = [
    ("webhook", {"url": "http://127.0.0.1:9999/admin"}, {"secret": "whsec_" + "QUJD" * 11}, "url"),
    ("webhook", {"url": "http://LocalHost:9999/admin"}, {"secret": "whsec_" + "QUJD" * 11}, "url"),
    ("webhook", {"url": "https://[0:0::1]/admin"}, {"secret": "whsec_" + "QUJD" * 11}, "url"),
    ("apprise", {"url": "http://127.0.0.1:8000"}, {"key": "a-key-nobody-guesses"}, "url"),
    ("mastodon", {"server": "http://127.0.0.1:3000"}, {"access_token": "t"}, "server"),
    ("mailgun", {"domain": "mg.mon.example", "base_url": "http://127.0.0.1:80"}, {"api_key": "k"}, "base_url"),
    ("simulator", {"url": "http://127.0.0.1:6379"}, {}, "url"),
]  # fmt: skip


@pytest.mark.parametrize(("connector", "settings", "secrets", "name"), INSIDE)
def test_an_account_leads_to_no_port_of_this_machine_until_that_is_allowed(
    api: Api, admin: str, closed: Wiring, connector: str, settings: Any, secrets: Any, name: str
) -> None:
    """U1"""
    refused = connect(api, admin, connector, settings, **secrets)
    assert refused.status_code == 422
    assert refused.json["errors"][0]["pointer"] == f"/settings/{name}"
    assert "connectors.local" in refused.json["detail"]
    closed.settings = replace(closed.settings, connectors=Connectors(local=True))
    assert connect(api, admin, connector, settings, **secrets).status_code == 201


def test_nor_is_one_changed_to_lead_there(api: Api, admin: str, closed: Wiring) -> None:
    secret = "whsec_" + "QUJD" * 11
    made = connect(api, admin, "webhook", {"url": "https://hooks.example/x"}, secret=secret)
    assert made.status_code == 201, made.json
    path = f"/v1/connector_accounts/{made.json['id']}"
    inside = {"settings": {"url": "http://127.0.0.1:9999/admin"}, "secrets": {"secret": secret}}
    refused = api.patch(path, admin, json=inside, headers={"If-Match": "*"})
    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "/settings/url")


def test_the_practice_provider_and_a_mail_server_need_no_leave(api: Api, admin: str, closed: Wiring) -> None:
    practice = {"url": f"http://127.0.0.1:{closed.settings.practice.port}"}
    assert connect(api, admin, "simulator", practice).status_code == 201
    assert connect(api, admin, "smtp", {"host": "127.0.0.1", "security": "off"}).status_code == 201
