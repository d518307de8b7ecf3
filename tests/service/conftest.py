"""Fixtures for tests at the door: a wired installation, its API, and callers of any role."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from campaigns.base import public_id
from campaigns.database import Database
from campaigns.strategies import programmes
from service.access import CONSOLE, new_secret
from service.acts import Act, begin
from service.app import create_app
from service.door import Door
from service.permissions import SCOPES
from service.settings import load
from service.tables import Grant, Token, User
from service.wiring import Wiring

from . import samples

# werkzeug's TestResponse; the type checker takes its `json` for None, and every test would have to say it is not.
Answer = Any


@dataclass
class Api:
    """The API as a client sees it: `api.post("/v1/programmes", token, json={…})`."""

    app: Door
    client: FlaskClient

    def call(
        self,
        method: str,
        path: str,
        token: str | None = None,
        *,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> Answer:
        bearer = {} if token is None else {"Authorization": f"Bearer {token}"}
        return self.client.open(path, method=method, headers={**bearer, **(headers or {})}, **more)

    def get(self, path: str, token: str | None = None, **more: Any) -> Answer:
        return self.call("GET", path, token, **more)

    def post(self, path: str, token: str | None = None, **more: Any) -> Answer:
        return self.call("POST", path, token, **more)

    def patch(self, path: str, token: str | None = None, **more: Any) -> Answer:
        return self.call("PATCH", path, token, **more)

    def delete(self, path: str, token: str | None = None, **more: Any) -> Answer:
        return self.call("DELETE", path, token, **more)


@dataclass
class People:
    """Makes callers: `people("author", programme_id)` is the token of a new person with that grant."""

    wiring: Wiring
    users: dict[str, int] = field(default_factory=dict)

    def __call__(
        self,
        role: str | None = "administrator",
        programme_id: int | None = None,
        *,
        kind: str = "person",
        scopes: list[str] | None = None,
        **values: Any,
    ) -> str:
        with self.wiring.database.write() as session:
            return self._made(session, role, programme_id, kind, scopes, values)

    def _made(
        self,
        session: Session,
        role: str | None,
        programme_id: int | None,
        kind: str,
        scopes: list[str] | None,
        values: dict[str, Any],
    ) -> str:
        now = self.wiring.now()
        text, prefix, sha256 = new_secret(kind)
        user = (
            User(name=f"{role} {len(self.users)}", created_at=now, updated_at=now)
            if kind == "person"
            else None
        )
        if user is not None:
            session.add(user)
            session.flush()
            self.users[text] = user.id
        token = Token(
            user_id=user and user.id, name="test", kind=kind, prefix=prefix, secret_sha256=sha256,
            scopes=list(SCOPES) if scopes is None else scopes, created_at=now,
            **({"expires_at": now + timedelta(days=1)} | values),
        )  # fmt: skip
        session.add(token)
        session.flush()
        if role is not None:
            holder = {"user_id": user.id} if user else {"token_id": token.id}
            session.add(Grant(role=role, programme_id=programme_id, created_at=now, **holder))
        return text


@pytest.fixture
def wiring(database: Database, tmp_path: Path) -> Wiring:
    """An installation on an empty database, with a key ring of its own."""
    settings = load(
        {
            "DOLEN__DATA__DIR": str(tmp_path / "data"),
            "DOLEN__LOG__LEVEL": "error",
            "DOLEN__CONNECTORS__LOCAL": "true",
        }
    )
    return Wiring(settings, database=database)


@pytest.fixture
def api(wiring: Wiring) -> Api:
    """The API of that installation."""
    app = create_app(wiring=wiring)
    return Api(app, app.test_client())


@pytest.fixture
def people(wiring: Wiring) -> People:
    """Callers with whatever role a test needs."""
    return People(wiring)


@pytest.fixture
def admin(people: People) -> str:
    """The token of an administrator of everything."""
    return people("administrator")


@pytest.fixture
def ids(wiring: Wiring) -> dict[str, str]:
    """An example of everything, by the prefix of its ids."""
    with wiring.database.write() as session:
        made = samples.world(session, wiring.now(), samples.programme(session, wiring.now(), "One"))
    samples.files(wiring.settings.folder, made)
    return {prefix: public_id(prefix, number) for prefix, number in made.items()}


@pytest.fixture
def manager(people: People) -> str:
    """The token of somebody who looks after communities everywhere."""
    return people("community_manager")


def good(answer: Answer, status: int = 200) -> Any:
    """What was answered, where it is what it should be."""
    assert answer.status_code == status, answer.text
    return answer.json


@pytest.fixture
def general(wiring: Wiring) -> int:
    """The built-in programme General."""
    with wiring.database.write() as session:
        return programmes.general(session, wiring.now()).id


@pytest.fixture
def act(wiring: Wiring) -> Callable[[], Any]:
    """`with act() as act:` begins an act of the console, for tests that call acts directly."""
    return lambda: begin(wiring, CONSOLE)


__all__ = ["Act", "Answer", "Api", "People"]
