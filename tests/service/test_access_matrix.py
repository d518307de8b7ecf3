"""Every route × every role × granted, granted elsewhere, no key: made from the routes, none forgotten."""

from __future__ import annotations

import json
import re
from io import BytesIO
from typing import Any

import pytest

from campaigns.base import new_id, public_id
from service.app import operations
from service.door import operation_of
from service.ids import PREFIXES
from service.permissions import PERMISSIONS, ROLES, SCOPES
from service.wiring import Wiring

from . import samples
from .conftest import Answer, Api, People

RULE = re.compile(r"<(?:([a-z]+):)?([a-z_]+)>")


def paths(api: Api) -> dict[str, str]:
    """The rule behind each `METHOD /v1/…`."""
    return {
        operation_of(method, rule.rule): rule.rule
        for rule in api.app.url_map.iter_rules()
        if rule.rule.startswith("/v1/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def filled(rule: str, ids: dict[str, int]) -> str:
    """The rule with an example in every place."""
    return RULE.sub(lambda found: _value(found[1], found[2], ids), rule)


def _value(prefix: str | None, name: str, ids: dict[str, int]) -> str:
    if prefix in ids:
        return public_id(prefix, ids[prefix])
    assert name in samples.WORDS, f"tests/service/samples.py has no example for <{prefix}:{name}>"
    return samples.WORDS[name]


def try_it(api: Api, operation: str, path: str, token: str | None) -> Answer:
    method = operation.split()[0]
    if method in ("GET", "DELETE"):
        return api.call(method, path, token)
    answer = api.call(method, path, token, headers={"If-Match": "*"}, json={})
    if answer.status_code != 415:
        return answer
    form = {"file": (BytesIO(b"x"), "x.txt")}
    return api.call(method, path, token, data=form, content_type="multipart/form-data")


def test_every_route_has_a_permission_and_every_permission_a_route(api: Api) -> None:
    assert set(operations(api.app)) == set(PERMISSIONS)


def test_every_scope_named_anywhere_is_one_of_the_list() -> None:
    assert set(PERMISSIONS.values()) <= set(SCOPES)
    assert set().union(*ROLES.values()) == set(SCOPES)


def test_without_a_token_every_route_says_401(api: Api, wiring: Wiring) -> None:
    """A6"""
    with wiring.database.write() as session:
        ids = samples.world(session, wiring.now(), samples.programme(session, wiring.now(), "One"))
    for operation, rule in paths(api).items():
        answer = try_it(api, operation, filled(rule, ids), None)
        assert (answer.status_code, answer.json["code"]) == (401, "not_authenticated"), operation


@pytest.mark.parametrize("role", ROLES)
def test_a_role_reaches_what_it_may_and_nothing_else(
    role: str, api: Api, wiring: Wiring, people: People
) -> None:
    """R33, A6"""
    with wiring.database.write() as session:
        here, elsewhere = (samples.programme(session, wiring.now(), name) for name in ("Here", "Elsewhere"))
        ids = samples.world(session, wiring.now(), here)
    samples.files(wiring.settings.folder, ids)
    people("administrator")  # so that taking the example's grant never takes the last
    inside, outside = people(role, here), people(role, elsewhere)
    # Reading comes first: what is changed or deleted later was still there for it.
    for operation, rule in sorted(paths(api).items(), key=lambda item: not item[0].startswith("GET")):
        path = filled(rule, ids)
        if PERMISSIONS[operation] not in ROLES[role]:
            for token in (inside, outside):
                answer = try_it(api, operation, path, token)
                assert (answer.status_code, answer.json["code"]) == (403, "scope_missing"), (operation, role)
            continue
        _elsewhere(api, operation, rule, ids, outside)
        answer = try_it(api, operation, path, inside)
        assert answer.status_code not in (401, 405, 500), (operation, role, answer.text)
        assert answer.status_code != 403 or answer.json["code"] != "scope_missing", (operation, role)
        if operation.startswith("GET") and bound(rule):
            assert answer.status_code == 200, (operation, role, answer.text)


def _elsewhere(api: Api, operation: str, rule: str, ids: dict[str, int], token: str) -> None:
    """A grant on another programme shows nothing of this one, and answers as if it were not there."""
    answer = try_it(api, operation, filled(rule, ids), token)
    if not bound(rule):
        if operation.startswith("GET") and "<" not in rule:
            for prefix in set(ids) - samples.SHARED:
                assert public_id(prefix, ids[prefix]) not in answer.text, (operation, prefix)
        return
    assert answer.status_code in (404, 422, 400), (operation, answer.status_code, answer.text)
    absent = try_it(api, operation, filled(rule, {**ids, **{bound(rule)[0]: new_id()}}), token)
    assert _told(answer) == _told(absent), operation


def _told(answer: Answer) -> dict[str, Any]:
    """What a problem says, without what differs from call to call."""
    document: dict[str, Any] = json.loads(answer.data)
    return {name: value for name, value in document.items() if name not in ("instance", "request_id")}


def bound(rule: str) -> list[str]:
    """The kinds in a rule that belong to a programme."""
    kinds = set(PREFIXES.values()) - samples.SHARED
    return [prefix for prefix, _name in RULE.findall(rule) if prefix in kinds]
