"""Fixtures for tests in Chromium: a Dolen as people start it, with the sample year or empty, and people at browsers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from ..chromium import CHROMIUM, FLAGS
from ..instance import instance
from .mailserver import MailServer, mail_server
from .site import DOLEN, PATIENCE_MS, Site, Visit, visits
from .steps import CHECKER, OFFICER, connect_mail, first_visit, invite

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One Chromium for the whole run."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Visit]:
    """`visit(site.url, locale="cy", java_script_enabled=False)` is somebody new at a browser."""
    with visits(chromium) as come:
        yield come


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A new installation that nobody has visited."""
    with instance(DOLEN, tmp_path) as running:
        yield Site(running, tmp_path)


@pytest.fixture(scope="session")
def post(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    """A mail server for the whole run; every test has addresses of its own."""
    with mail_server(tmp_path_factory.mktemp("post") / "box") as running:
        yield running


@pytest.fixture(scope="session")
def year_site(
    tmp_path_factory: pytest.TempPathFactory, chromium: Browser, post: MailServer
) -> Iterator[Site]:
    """An installation with the sample year, a mail account, an administrator, an officer and a checker."""
    folder = tmp_path_factory.mktemp("year")
    with instance(DOLEN, folder) as running:
        made = Site(running, folder)
        with visits(chromium) as come:
            page = first_visit(come(made.url), made)
            connect_mail(page, post)
            for name, email, role in (OFFICER, CHECKER):
                invite(page, come, made, name, email, role)
            made.dolen("sample", "load")
        yield made
