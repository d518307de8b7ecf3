"""A secret of a connected account goes to no other server than it was given for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from campaigns.delivery.tables import Account
from service.ids import shown
from service.wiring import Wiring

from ...connectors import relay
from ..conftest import Api
from .conftest import Browser
from .test_settings_page import SECRET, form


@pytest.fixture
def mail() -> Iterator[relay.Relay]:
    """A mail server that asks for no password."""
    with relay.running() as running:
        yield running


def account(wiring: Wiring) -> Account:
    with wiring.database.read() as session:
        return session.scalars(select(Account)).one()


@pytest.mark.parametrize(
    "elsewhere",
    [{"s-host": "localhost"}, {"s-port": "1"}, {"s-imap_host": "localhost", "s-imap_security": "off"}],
)
def test_a_secret_goes_to_no_other_server_than_it_was_given_for(
    browser: Browser, wiring: Wiring, mail: relay.Relay, elsewhere: dict[str, str]
) -> None:
    """Whoever may change an account need not know its password: it is entered anew, and nothing else is changed."""
    named = {"s-username": "us"}
    browser.post("/settings/accounts/new", **form(mail, **named, **{"s-password": SECRET}))
    before = account(wiring)
    address = f"/settings/accounts/{shown('account', before.id)}"
    answer = browser.post(address, status=422, **form(mail, **named, **elsewhere))
    assert "says where secrets are sent" in answer.text
    field = re.search(r'<input[^>]*name="s-password"[^>]*>', answer.text)
    assert field and 'aria-invalid="true"' in field[0]
    assert account(wiring).settings == before.settings
    browser.post(address, **form(mail, **named, **elsewhere, **{"s-password": "another word"}))
    changed = account(wiring)
    assert changed.settings != before.settings
    assert wiring.keyring.open(changed.id, changed.secrets) == {"password": "another word"}


def test_the_api_sends_no_kept_secret_elsewhere(api: Api, admin: str) -> None:
    path = "/v1/connector_accounts"
    settings = {"url": "http://127.0.0.1:9"}
    new = {"connector": "simulator", "name": "Practice", "settings": settings, "secrets": {"token": SECRET}}
    path = f"{path}/{api.post(path, admin, json=new).json['id']}"

    def patch(**change: Any) -> Any:
        return api.patch(path, admin, json=change, headers={"If-Match": api.get(path, admin).headers["ETag"]})

    elsewhere = {"url": "http://127.0.0.1:10"}
    refused = patch(settings=elsewhere)
    assert refused.status_code == 422, refused.json
    assert "url says where secrets are sent" in refused.json["detail"] and "token" in refused.json["detail"]
    assert patch(settings=settings | {"deadline_s": 20.0}).status_code == 200
    assert patch(settings=elsewhere, secrets={"token": "a new one"}).status_code == 200
