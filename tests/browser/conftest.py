"""Fixtures for tests in Chromium: a Dolen as people start it, with the sample year or empty, and people at browsers."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from service.settings import load
from service.wiring import Wiring

from ..chromium import CHROMIUM, FLAGS
from ..instance import Instance, instance
from .mailserver import MailServer, mail_server

DOLEN = Path(sys.executable).with_name("dolen")
NAME, EMAIL, PASSWORD = "Ffion Rees", "ffion@example.org", "four words that fit"
FIRST_VISIT = re.compile(r"once: (\S+)")
# How long a browser waits for what must come, on a machine that is busy with something else.
PATIENCE_MS = 15_000
expect.set_options(timeout=PATIENCE_MS)


@dataclass
class Site:
    """An installation, and how to look into it beside the browser."""

    running: Instance
    folder: Path

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.running.url

    def dolen(self, *arguments: str) -> str:
        """Run the command line once; what it printed."""
        done = subprocess.run(
            [DOLEN, *arguments],
            env=dict(self.running.environ),
            cwd=self.folder,
            text=True,
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def first_visit(self) -> str:
        """The link that stood on the console at the start."""
        found = FIRST_VISIT.search((self.folder / "log").read_text())
        assert found is not None
        return found[1]

    def wiring(self) -> Wiring:
        """The same data, for looking up what no page tells."""
        return Wiring(load(self.running.environ))


@dataclass
class Visitor:
    """Somebody at a browser; everything it asked for is remembered, with every mistake of a script."""

    context: BrowserContext
    page: Page
    asked: set[str] = field(default_factory=set)
    mistakes: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One Chromium for the whole run."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Callable[..., Visitor]]:
    """`visit(site.url, locale="cy", java_script_enabled=False)` is somebody new at a browser."""
    visitors: list[Visitor] = []

    def come(base_url: str, **options: object) -> Visitor:
        context = chromium.new_context(base_url=base_url, **options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        visitor = Visitor(context, context.new_page())
        visitor.page.on("request", lambda request: visitor.asked.add(request.url))
        visitor.page.on("pageerror", lambda error: visitor.mistakes.append(str(error)))
        visitors.append(visitor)
        return visitor

    yield come
    for visitor in visitors:
        visitor.context.close()
        assert not visitor.mistakes
        elsewhere = [
            url
            for url in visitor.asked
            if not url.startswith(("http://127.0.0.1:", "data:", "about:", "blob:"))
        ]
        assert not elsewhere


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A new installation that nobody has visited."""
    with instance(DOLEN, tmp_path) as running:
        yield Site(running, tmp_path)


@pytest.fixture(scope="session")
def year_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An installation with the sample year."""
    folder = tmp_path_factory.mktemp("year")
    with instance(DOLEN, folder) as running:
        made = Site(running, folder)
        made.dolen("sample", "load")
        yield made


@pytest.fixture(scope="session")
def post(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    """A mail server for the whole run; every test has addresses of its own."""
    with mail_server(tmp_path_factory.mktemp("post") / "box") as running:
        yield running


def come_in(visitor: Visitor, link: str, how: str = "alone") -> None:
    """Make the first visit."""
    visitor.page.goto(link)
    visitor.page.fill("[name=name]", NAME)
    visitor.page.fill("[name=email]", EMAIL)
    visitor.page.fill("[name=password]", PASSWORD)
    visitor.page.check(f"[name=how][value={how}]")
    visitor.page.click("main button")


def sign_in(visitor: Visitor, email: str = EMAIL, password: str = PASSWORD) -> None:
    """Sign in with a password."""
    visitor.page.goto("/sign-in")
    visitor.page.fill("[name=email]", email)
    visitor.page.fill("[name=password]", password)
    visitor.page.click("main button")
