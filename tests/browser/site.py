"""An installation as tests in Chromium see it, and somebody at a browser."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page
from sqlalchemy.orm import Session

from service.settings import load
from service.wiring import Wiring

from ..instance import Instance

DOLEN = Path(sys.executable).with_name("dolen")
NAME, EMAIL, PASSWORD = "Ffion Rees", "ffion@example.org", "four words that fit"
FIRST_VISIT = re.compile(r"once: (\S+)")
# How long a browser waits for what must come, on a machine that is busy with something else.
PATIENCE_MS = 60_000


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

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A look into the same database."""
        wiring = self.wiring()
        with wiring.database.read() as session:
            yield session
        wiring.close()


@dataclass
class Visitor:
    """Somebody at a browser; everything it asked for is remembered, with every mistake of a script."""

    context: BrowserContext
    page: Page
    asked: set[str] = field(default_factory=set)
    mistakes: list[str] = field(default_factory=list)


Visit = Callable[..., Visitor]


@contextmanager
def visits(chromium: Browser) -> Iterator[Visit]:
    """A way to be somebody new at a browser; at the end no script made a mistake, and nothing came from elsewhere."""
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


def come_in(visitor: Visitor, link: str, how: str = "alone") -> None:
    """Make the first visit."""
    visitor.page.goto(link)
    visitor.page.fill("[name=name]", NAME)
    visitor.page.fill("[name=email]", EMAIL)
    visitor.page.fill("[name=password]", PASSWORD)
    visitor.page.check(f"[name=how][value={how}]")
    visitor.page.click("main button")


def sign_in(visitor: Visitor, email: str = EMAIL, password: str = PASSWORD) -> Page:
    """Sign in with a password."""
    visitor.page.goto("/sign-in")
    visitor.page.fill("[name=email]", email)
    visitor.page.fill("[name=password]", password)
    visitor.page.click("main button")
    visitor.page.get_by_role("banner").wait_for()
    return visitor.page
