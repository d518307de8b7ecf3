"""Calls of providers pass beside Flask, and yet they are answered, counted and told as everything is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import orjson
import pytest
from flask.testing import FlaskClient

from campaigns.base import public_id
from connectors import registry
from connectors.api import Call, Heard
from service import observe
from service.wiring import Wiring

from .test_hooks import SECRET, SETTINGS, call, stored, told
from .test_hooks import _account as an_account


@pytest.fixture
def account(wiring: Wiring) -> int:
    """A practice account whose provider signs its calls."""
    return an_account(wiring, "practice", {"hook_secret": SECRET})


def heard_by(monkeypatch: pytest.MonkeyPatch, wiring: Wiring, hear: Callable[[Call], Heard]) -> str:
    """The path of an account whose connector hears calls in this way."""
    made = replace(registry.connect("simulator", SETTINGS, {}), hooks=hear)
    monkeypatch.setattr(wiring, "_connect", lambda account: made)
    return f"/hooks/{public_id('acc', an_account(wiring, 'listening', {}))}"


def test_a_connector_is_told_the_whole_call(
    browser: FlaskClient, wiring: Wiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a parameter that is given twice the first, names of headers in small letters, a secret as it was written."""
    calls: list[Call] = []

    def hear(call: Call) -> Heard:
        calls.append(call)
        return Heard(answer=b"1234", content_type="text/html")

    path = heard_by(monkeypatch, wiring, hear) + "/ffordd-ddirgel-t\u0177"
    headers = {"X-Hub-Signature": "s", "X-Request-Id": "abc"}
    answer = browser.post(f"{path}?hub.mode=a%20b&n=1&n=2", data=b"{}", headers=headers)
    assert (answer.status_code, answer.data, answer.content_type) == (200, b"1234", "text/html")
    assert answer.headers["X-Request-Id"] == "abc"
    (call,) = calls
    assert (call.method, call.body, call.secret) == ("POST", b"{}", "ffordd-ddirgel-t\u0177")
    assert call.query == {"hub.mode": "a b", "n": "1"} and call.sender == "127.0.0.1"
    assert call.headers.items() >= {("x-hub-signature", "s"), ("content-length", "2"), ("host", "localhost")}
    answer = browser.head(path)
    assert (answer.status_code, answer.data, calls[-1].method) == (200, b"", "HEAD")


def test_an_answer_has_the_headers_of_every_answer(
    browser: FlaskClient, wiring: Wiring, account: int
) -> None:
    """And of its own only what kind of text it is, how long, and the id of the request."""
    its_own = {"Content-Type", "Content-Length", "X-Request-Id"}
    answers = [call(browser, wiring, account, orjson.dumps(told(1))), browser.get("/healthz")]
    ours, everywhere = ({one for one in answer.headers if one[0] not in its_own} for answer in answers)
    assert answers[0].status_code == 200 and ours == everywhere and ours


def test_what_fails_is_answered_and_told_as_everywhere(
    browser: FlaskClient, wiring: Wiring, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """H14: a connector's mistake is 500, so that the provider comes again."""
    observe.set_up()
    nothing: dict[str, Heard] = {}
    path = heard_by(monkeypatch, wiring, lambda call: nothing[call.method])
    answer = browser.post(path, data=b"{}", headers={"X-Request-Id": "abc"})
    told = answer.get_json()
    assert (answer.status_code, told["code"], told["request_id"]) == (500, "internal", "abc")
    lines = [orjson.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["event"], line["request_id"]) for line in lines] == [
        ("request failed", "abc"), ("request", "abc")
    ]  # fmt: skip
    assert lines[1]["route"] == "/hooks/<account>" and stored(wiring) == []


def test_other_methods_and_hosts_are_refused_as_everywhere(
    browser: FlaskClient, wiring: Wiring, account: int
) -> None:
    path = f"/hooks/{public_id('acc', account)}"
    answer = browser.put(path, data=b"{}")
    assert answer.status_code == 405 and "POST" in answer.headers["Allow"]
    assert browser.post(path, data=b"{}", headers={"Host": "a b"}).status_code == 400
    assert browser.post(f"{path}/a/b", data=b"{}").status_code == 404


def test_every_call_is_counted_and_told_once(
    browser: FlaskClient, wiring: Wiring, account: int, capsys: pytest.CaptureFixture[str]
) -> None:
    wiring.settings = replace(wiring.settings, metrics=replace(wiring.settings.metrics, token="t"))
    observe.set_up()
    assert call(browser, wiring, account, orjson.dumps(told(1))).status_code == 200
    lines = [orjson.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["event"], line.get("status")) for line in lines] == [("hook", None), ("request", 200)]
    assert len({line["request_id"] for line in lines}) == 1
    figures = browser.get("/metrics", headers={"Authorization": "Bearer t"}).text
    counted = 'dolen_http_requests_total{method="POST",route="/hooks/<account>",status="200"} 1'
    assert counted in figures.splitlines()
