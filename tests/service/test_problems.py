"""Problems: one form, one table, nothing inside shown outside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from campaigns import errors
from campaigns.strategies import programmes
from service import acts, observe
from service.acts import users
from service.problems import PROBLEMS

from .conftest import Api, People

MEMBERS = {"type", "title", "status", "detail", "instance", "code", "request_id"}


def leaves(kind: type[errors.DomainError] = errors.DomainError) -> Iterator[type[errors.DomainError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from leaves(below)


def test_every_error_of_the_domain_has_a_status() -> None:
    assert acts.ChangedMeanwhile in leaves() and users.LastAdministrator in leaves()
    assert {kind.code for kind in leaves()} - set(PROBLEMS) == set()


def test_a_problem_says_everything_in_one_form(api: Api, admin: str) -> None:
    for path, token, code in (
        ("/v1/programmes", None, "not_authenticated"),
        ("/v1/programmes/prg_0000000000009", admin, "not_found"),
        ("/v1/nothing", admin, "not_found"),
        ("/v1/programmes?x=1", admin, "invalid"),
    ):
        answer = api.get(path, token)
        assert answer.content_type == "application/problem+json"
        assert set(answer.json) >= MEMBERS and answer.json["code"] == code
        assert answer.json["status"] == answer.status_code == PROBLEMS[code][0]
        assert answer.json["type"] == f"/docs/problems#{code}"
        assert f'id="{code}"' in api.get("/docs/problems").text


def test_a_401_says_how_to_come_in(api: Api) -> None:
    assert api.get("/v1/programmes").headers["WWW-Authenticate"].startswith("Bearer")


def test_absent_and_not_yours_read_the_same(api: Api, people: People, admin: str, general: int) -> None:
    """R33"""
    made = api.post("/v1/programmes", admin, json={"name": "Other", "starts_on": "2027-01-01"}).json["id"]
    token = people("viewer", general)
    answers = [api.get(f"/v1/programmes/{name}", token) for name in (made, "prg_0000000000009")]
    documents = [{**answer.json, "instance": "", "request_id": ""} for answer in answers]
    assert documents[0] == documents[1] and answers[0].status_code == 404


def test_several_wrong_fields_are_all_told(api: Api, admin: str) -> None:
    answer = api.post("/v1/programmes", admin, json={"name": "", "x/y~z": 1})
    assert {error["pointer"] for error in answer.json["errors"]} == {"/name", "/starts_on", "/x~1y~0z"}


def test_the_facts_of_an_error_become_members_and_never_replace_ours(
    api: Api, admin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    blockers = [{"kind": "agreement_missing", "party": "Council"}]

    def blocked(*_: Any, **__: Any) -> None:
        raise errors.Blocked("two things are missing", blockers=blockers, status=1, code="mine")

    monkeypatch.setattr(programmes, "create", blocked)
    answer = api.post("/v1/programmes", admin, json={"name": "A", "starts_on": "2027-01-01"})
    assert (answer.status_code, answer.json["code"]) == (409, "blocked")
    assert answer.json["blockers"] == blockers and answer.json["status"] == 409


def test_an_error_nobody_foresaw_tells_nothing_of_the_inside(
    api: Api, admin: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("ann@example.org could not be stored")

    observe.set_up("info")
    monkeypatch.setattr(programmes, "create", broken)
    answer = api.post("/v1/programmes", admin, json={"name": "A", "starts_on": "2027-01-01"})
    assert (answer.status_code, answer.json["code"]) == (500, "internal")
    assert "ann@" not in answer.text and "Traceback" not in answer.text
    logged = capfd.readouterr().err
    assert answer.json["request_id"] in logged and "RuntimeError" in logged and "ann@" not in logged
