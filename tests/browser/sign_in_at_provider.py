"""Signing in to a connected account at its provider, there and back in a browser under the pages' own policy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from ..connectors import far
from ..connectors.fake_linkedin import TOKEN, LinkedIn
from ..connectors.far import Asked, Said
from .every_page import findings
from .site import Site, Visit
from .steps import field, first_visit, heading, press


@dataclass
class SigningIn(LinkedIn):
    """LinkedIn with the page where people say yes: they do so at once."""

    def answer(self, asked: Asked) -> Said:
        if asked.path == "/oauth/v2/authorization":
            back = {"code": "c", "state": asked.query["state"]}
            return Said(302, b"", {"Location": f"{asked.query['redirect_uri']}?{urlencode(back)}"})
        if asked.path == "/oauth/v2/accessToken" and asked.form().get("code") == "c":
            return Said(200, {"access_token": TOKEN, "expires_in": 5_184_000})
        return super().answer(asked)


@pytest.fixture
def linkedin() -> Iterator[SigningIn]:
    """The provider, on this machine."""
    with far.running(SigningIn()) as running:
        yield running


def test_somebody_connects_an_account_by_signing_in_there(
    site: Site, visit: Visit, linkedin: SigningIn
) -> None:
    visitor = visit(site.url)
    page = first_visit(visitor, site)
    page.goto("/settings/accounts")
    page.get_by_role("link", name="LinkedIn").click()
    field(page, "The number of the organisation's page at LinkedIn").fill("96072893")
    field(page, "The id of the app at LinkedIn").fill("77app")
    field(page, "The app's secret, which also proves its calls").fill("secret of the app")
    page.get_by_text("More about this account").click()
    field(page, "Address of the service").fill(linkedin.url)
    press(page, "Connect and check")
    expect(page.get_by_text("Nobody has signed in there yet")).to_be_visible()
    press(page, "Sign in at the provider")
    expect(heading(page)).to_have_text("Sign in for LinkedIn")
    page.get_by_role("link", name=re.compile("^Go on to")).click()
    expect(page.get_by_text("Signed in and checked.")).to_be_visible()
    expect(page.get_by_text("In service")).to_be_visible()
    assert visitor.mistakes == []


@pytest.mark.parametrize("locale", ["cy", "ar"])
def test_the_way_there_hinders_nobody(site: Site, visit: Visit, linkedin: SigningIn, locale: str) -> None:
    visitor = visit(site.url, bypass_csp=True)
    page = first_visit(visitor, site)
    page.goto("/settings/accounts/new?connector=linkedin")
    answers = {"organization_id": "96072893", "client_id": "77app", "client_secret": "secret of the app"}
    for name, value in answers.items():
        page.locator(f"[name=s-{name}]").fill(value)
    page.locator("[name=s-base_url]").evaluate("(one, url) => one.value = url", linkedin.url)
    press(page, "Connect and check")
    page.locator("details.me summary").click()
    page.locator(f"details.me button[lang={locale}]").click()
    expect(page.locator("html")).to_have_attribute("lang", locale)
    assert findings(page) == []
    page.locator("form[action$='/sign-in'] button").click()
    expect(page.locator(".card code")).to_contain_text("/accounts/signed-in")
    expect(page.locator("html")).to_have_attribute("lang", locale)
    assert findings(page) == []
