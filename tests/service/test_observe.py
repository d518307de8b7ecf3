"""Logs: JSON lines with the request, without secrets and without anybody's data."""

from __future__ import annotations

import json
import logging

import pytest

from service import observe
from service.access import new_secret

from .conftest import Api


def lines(capfd: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capfd.readouterr().err.splitlines()]


def test_each_call_is_one_line_with_route_and_status(
    api: Api, admin: str, capfd: pytest.CaptureFixture[str]
) -> None:
    observe.set_up("info")
    api.get("/v1/programmes/prg_0000000000009", admin, headers={"X-Request-Id": "abc"})
    (line,) = lines(capfd)
    assert line["request_id"] == "abc" and line["status"] == 404
    assert line["route"] == "/v1/programmes/<prg:id>" and str(line["actor"]).startswith("usr_")


def test_what_machines_ask_all_day_is_silent_until_it_fails(
    api: Api, admin: str, capfd: pytest.CaptureFixture[str]
) -> None:
    observe.set_up("info")
    for path in ("/healthz", "/static/app.css"):
        api.get(path, admin)
    assert lines(capfd) == []
    api.get("/static/nothing.css", admin)
    assert [line["status"] for line in lines(capfd)] == [404]


def test_a_secret_is_found_by_its_value_wherever_it_hides(capfd: pytest.CaptureFixture[str]) -> None:
    observe.set_up("debug")
    observe.hide(["canary-4711", "short"])
    token = new_secret("person")[0]
    observe.log("test").info(
        "canary-4711", a={"deep": ["x canary-4711 y"]}, token=f"Bearer {token}", word="short"
    )
    logging.getLogger("library").warning("login canary-4711 with %s", token)
    text = capfd.readouterr().err
    assert "canary-4711" not in text and token not in text
    assert text.count(observe.HIDDEN) >= 4 and "short" in text


def test_an_error_is_its_type_and_place_and_not_its_words(capfd: pytest.CaptureFixture[str]) -> None:
    observe.set_up("debug")
    try:
        raise ValueError("ann@example.org")
    except ValueError as error:
        observe.log("test").error("failed", exc_info=error)
        observe.log("test").exception("failed again")
        logging.getLogger("library").exception("failed thrice")
    for line in lines(capfd):
        assert line["error"] == "builtins.ValueError" and "ann@" not in json.dumps(line)
        assert "test_observe.py" in str(line["frames"])
