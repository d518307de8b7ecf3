"""Every page × every role × granted, granted elsewhere, signed out; and no GET that changes anything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns.base import new_id, public_id
from service import logins
from service.app import create_app, pages
from service.ids import PREFIXES
from service.permissions import PAGES, ROLES, SCOPES
from service.tables import Grant, User
from service.wiring import Wiring, metadata

from . import samples

RULE = re.compile(r"<(?:([a-z]+)(?:\([^)]*\))?:)?([a-z_0-9]+)>")
KINDS = frozenset(PREFIXES.values())
# The only routes whose GET acts, each with its reason.
ACTING = {
    "/sign-in/oidc/back": "the way back of OpenID Connect is a GET; what it carries is good once, in one browser",
    "/accounts/signed-in": "the way back from the provider of an account; good once, for the login that set out",
}
# Streams, which end only when the browser goes.
ENDLESS = {"/live"}
FORM = {"Accept": "text/html"}


@pytest.fixture
def app(wiring: Wiring) -> Flask:
    """The application of an installation."""
    return create_app(wiring=wiring)


@pytest.fixture
def world(wiring: Wiring) -> dict[str, int]:
    """One of each kind in a programme, and the number of another programme as `elsewhere`."""
    with wiring.database.write() as session:
        here, elsewhere = (samples.programme(session, wiring.now(), name) for name in ("Here", "Elsewhere"))
        return {**samples.world(session, wiring.now(), here), "elsewhere": elsewhere}


def somebody(app: Flask, wiring: Wiring, role: str | None, programme_id: int | None) -> tuple[Any, str]:
    """A browser of a new person with one role, and the key of their forms."""
    now = wiring.now()
    with wiring.database.write() as session:
        user = User(name=f"A {role}", email_key=f"{new_id()}@example.org", created_at=now, updated_at=now)
        session.add(user)
        session.flush()
        if role is not None:
            session.add(Grant(user_id=user.id, role=role, programme_id=programme_id, created_at=now))
        secret = logins.begin(session, now, user.id)
        login = logins.find(session, now, secret)
        assert login is not None
        form_key = login.form_key
    client = app.test_client()
    client.set_cookie("dolen", secret)
    return client, form_key


def every_page(app: Flask) -> Iterator[tuple[str, str]]:
    """(method, rule) of every page, what reads before what changes."""
    for page in sorted(pages(app), key=lambda page: (not page.startswith("GET"), page)):
        method, rule = page.split(" ", 1)
        if rule not in ENDLESS:
            yield method, rule


def filled(rule: str, ids: dict[str, int]) -> str:
    """The rule with an example in every place."""

    def value(found: re.Match[str]) -> str:
        prefix, name = found[1], found[2]
        if prefix in KINDS:
            return public_id(prefix, ids.get(prefix) or new_id())
        return samples.WORDS.get(name, "1")

    return RULE.sub(value, rule)


def bound(rule: str, ids: dict[str, int]) -> list[str]:
    """The kinds in a rule that belong to a programme and have an example."""
    return [prefix for prefix, _name in RULE.findall(rule) if prefix in set(ids) - samples.SHARED]


def ask(client: Any, method: str, path: str, form_key: str = "") -> Any:
    if method == "GET":
        return client.get(path, headers=FORM)
    return client.open(path, method=method, data={"form_key": form_key}, headers=FORM)


def test_every_page_has_a_line_and_every_line_a_page(app: Flask) -> None:
    assert set(pages(app)) == set(PAGES)
    assert {scope for scope in PAGES.values() if scope} <= set(SCOPES)


def test_whoever_is_not_signed_in_is_led_to_the_door(app: Flask, world: dict[str, int]) -> None:
    for method, rule in every_page(app):
        answer = ask(app.test_client(), method, filled(rule, world))
        assert answer.status_code == 303, (method, rule, answer.status_code)
        assert answer.headers["Location"].startswith("/sign-in"), (method, rule)


def test_somebody_without_a_role_reaches_their_own_account_only(
    app: Flask, wiring: Wiring, world: dict[str, int]
) -> None:
    client, form_key = somebody(app, wiring, None, None)
    for method, rule in every_page(app):
        if PAGES[f"{method} {rule}"]:
            answer = ask(client, method, filled(rule, world), form_key)
            assert answer.status_code == 403, (method, rule, answer.status_code)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_reaches_the_pages_it_may_and_no_others(
    role: str, app: Flask, wiring: Wiring, world: dict[str, int]
) -> None:
    """R33."""
    somebody(app, wiring, "administrator", None)  # so that no example is the last one
    inside, inside_key = somebody(app, wiring, role, world["prg"])
    outside, outside_key = somebody(app, wiring, role, world["elsewhere"])
    for method, rule in every_page(app):
        path, scope = filled(rule, world), PAGES[f"{method} {rule}"]
        if scope and scope not in ROLES[role]:
            for client, key in ((inside, inside_key), (outside, outside_key)):
                assert ask(client, method, path, key).status_code == 403, (method, rule, role)
            continue
        if rule == "/sign-out" or rule.startswith("/me/logins"):
            continue  # they end what this test goes on with
        if held := bound(rule, world):
            answer = ask(outside, method, path, outside_key)
            # A form may be refused before anything is looked up; then it is refused for what is nowhere, too.
            absent = ask(outside, method, filled(rule, {**world, held[0]: new_id()}), outside_key)
            assert answer.status_code in (403, 404, 422), (
                method,
                rule,
                role,
                "elsewhere",
                answer.status_code,
            )
            assert answer.status_code == absent.status_code or answer.status_code == 403, (method, rule, role)
        elif method == "GET":
            text = ask(outside, method, path).text
            for prefix in set(world) - samples.SHARED - {"elsewhere"}:
                assert public_id(prefix, world[prefix]) not in text, (rule, prefix)
        if method == "GET":
            answer = ask(inside, method, path)
            assert answer.status_code in (200, 303, 404), (rule, role, answer.status_code, answer.text[-600:])


def test_a_form_without_the_key_of_its_login_changes_nothing_anywhere(
    app: Flask, wiring: Wiring, world: dict[str, int]
) -> None:
    """A5."""
    client, _key = somebody(app, wiring, "administrator", None)
    before = counted(wiring)
    for method, rule in every_page(app):
        if method != "GET":
            answer = ask(client, method, filled(rule, world), "forged")
            assert answer.status_code == 403, (method, rule, answer.status_code)
    assert counted(wiring) == before


def test_reading_every_page_changes_nothing(app: Flask, wiring: Wiring, world: dict[str, int]) -> None:
    """A5, U12: from the route map, pages and doors that need no login alike, by GET and by HEAD."""
    client, _key = somebody(app, wiring, "administrator", None)
    before = counted(wiring)
    for rule in app.url_map.iter_rules():
        if (
            "GET" not in (rule.methods or set())
            or rule.rule.startswith("/v1/")
            or rule.rule in ENDLESS | set(ACTING)
        ):
            continue
        for method in ("GET", "HEAD"):
            path = filled(rule.rule.replace("<path:filename>", "app.css"), world)
            answer = client.open(path, method=method, headers=FORM)
            assert answer.status_code < 500, (rule.rule, answer.status_code)
    assert counted(wiring) == before


def test_no_address_of_ours_leads_where_its_query_says(
    app: Flask, wiring: Wiring, world: dict[str, int]
) -> None:
    """U10: by whatever name a target is given; what a program presses for a reader is no way to elsewhere."""
    client, _key = somebody(app, wiring, "administrator", None)
    names = ("u", "url", "to", "next", "back", "return", "redirect", "target", "goto", "continue", "link")
    query = "&".join(f"{name}=//evil.example/{name}" for name in names)
    seen = 0
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or set()) or rule.rule.startswith("/v1/") or rule.rule in ENDLESS:
            continue
        path = filled(rule.rule.replace("<path:filename>", "app.css"), world)
        where = client.get(f"{path}?{query}", headers=FORM).headers.get("Location", "/")
        assert "evil.example" not in where.split("?")[0] and not where.startswith("//"), (rule.rule, where)
        seen += where != "/"
    assert seen
    assert client.get(f"/c?{query}").status_code == client.get("/click?u=//evil.example").status_code == 404


def test_what_acts_on_a_get_is_a_route_that_is_there(app: Flask) -> None:
    assert set(ACTING) <= {rule.rule for rule in app.url_map.iter_rules()}


def counted(wiring: Wiring) -> dict[str, tuple[int, str]]:
    """How many rows each table has, and the words of those that say who did what."""
    with wiring.database.read() as session:
        return {table.name: _rows(session, table) for table in metadata.sorted_tables}


def _rows(session: Session, table: Any) -> tuple[int, str]:
    number = session.scalar(select(func.count()).select_from(table)) or 0
    if "updated_at" not in table.c:
        return number, ""
    return number, str(session.scalar(select(func.max(table.c.updated_at))))
