"""Where a provider pushes events to stands on the account's page, for whoever sets it up there."""

from __future__ import annotations

import pytest

from campaigns.delivery import accounts
from connectors import registry
from service.ids import shown
from service.wiring import Wiring

from .conftest import Browser


@pytest.mark.parametrize(
    "connector, secrets, behind",
    [
        ("resend", {"api_key": "k"}, "</code>"),
        ("postmark", {"server_token": "t"}, "/hook_secret</code>"),
        ("sendgrid", {"api_key": "k"}, "</code>"),
    ],
)
def test_the_address_for_events_stands_on_the_page(
    browser: Browser, wiring: Wiring, connector: str, secrets: dict[str, str], behind: str
) -> None:
    """J7: with a place for the secret where the provider signs nothing."""
    with wiring.database.write() as session:
        connected = registry.connect(connector, {}, secrets)
        made = accounts.create(
            session, wiring.now(), name="post", connector=connector, channel=connected.channel, settings={}
        )
        accounts.declare(made, connected)
        name = shown("account", made.id)
    page = browser.get(f"/settings/accounts/{name}")
    assert f"/hooks/{name}{behind}" in page
