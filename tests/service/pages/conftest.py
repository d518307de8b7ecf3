"""Fixtures for tests of the pages: somebody at a browser, signed in with whatever role a test needs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import Any

import pytest

from service import logins
from service.app import create_app
from service.tables import Grant, User
from service.wiring import Wiring

FORM_KEY = re.compile(r'name="form_key" value="([^"]+)"')


@dataclass
class Browser:
    """A browser without scripts, signed in: `browser.get("/inbox")`, `browser.post("/inbox/rsp_…", act="close")`."""

    client: Any
    user_id: int
    form_key: str

    def get(self, path: str, *, language: str = "en", status: int = 200, **query: Any) -> str:
        """The page as text, its entities resolved."""
        answer = self.client.get(
            path, query_string=query or None, headers={"Accept": "text/html", "Accept-Language": language}
        )
        assert answer.status_code == status, (answer.status_code, answer.text[-2000:])
        return unescape(answer.text)

    def post(self, path: str, *, status: Any = 303, files: Any = None, **form: Any) -> Any:
        """Send a form with its form key; the answer. `status` is expected; `files` are sent beside the form."""
        data = {"form_key": self.form_key, **form, **(files or {})}
        answer = self.client.post(path, data=data, headers={"Accept": "text/html"})
        assert answer.status_code == status, (answer.status_code, answer.text[-2000:])
        return answer

    def done(self, path: str, **form: Any) -> str:
        """Send a form and read the page that it leads to."""
        return self.get(self.post(path, **form).headers["Location"])


@dataclass
class Browsers:
    """Makes signed-in people: `browsers("author", programme_id)`."""

    wiring: Wiring
    app: Any

    def __call__(
        self, role: str | None = "administrator", programme_id: int | None = None, **values: Any
    ) -> Browser:
        now = self.wiring.now()
        with self.wiring.database.write() as session:
            user = User(**({"name": f"A {role}", "created_at": now, "updated_at": now} | values))
            session.add(user)
            session.flush()
            if role is not None:
                session.add(Grant(user_id=user.id, role=role, programme_id=programme_id, created_at=now))
            secret = logins.begin(session, now, user.id)
            login = logins.find(session, now, secret)
            assert login is not None
            form_key, user_id = login.form_key, user.id
        client = self.app.test_client()
        client.set_cookie("dolen", secret)
        return Browser(client, user_id, form_key)


@pytest.fixture
def browsers(wiring: Wiring) -> Browsers:
    """Signed-in people with whatever role a test needs."""
    return Browsers(wiring, create_app(wiring=wiring))


@pytest.fixture
def browser(browsers: Browsers) -> Browser:
    """An administrator of everything at a browser."""
    return browsers()
