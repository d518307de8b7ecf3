"""Hooks: what is proven is stored before it is answered; what is not leaves no trace."""

from __future__ import annotations

import gzip
import hmac
import threading
from base64 import b64encode
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from campaigns.base import public_id
from campaigns.delivery import accounts
from campaigns.delivery.tables import Account, DeliveryEvent
from campaigns.responses import intake
from campaigns.responses.tables import RawEvent
from connectors import registry, signatures
from connectors.api import Call, Heard, NotYet, Renewed
from service import observe
from service.public import accounts as public_accounts
from service.public import hooks
from service.wiring import Wiring

SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIzNDU="
SETTINGS = {
    "url": "http://127.0.0.1:9", "account": "practice", "channel": "email", "repeats": "blind",
    "life_s": 1.0, "visible_within_s": 0.0, "deadline_s": 1.0,
}  # fmt: skip


@pytest.fixture
def account(wiring: Wiring) -> int:
    """A practice account whose provider signs its calls."""
    return _account(wiring, "practice", {"hook_secret": SECRET})


def _account(wiring: Wiring, name: str, secrets: dict[str, str]) -> int:
    with wiring.database.write() as session:
        made = accounts.create(
            session, wiring.now(), name=name, connector="simulator", channel="email", settings=SETTINGS
        )
        made.secrets = wiring.keyring.seal(made.id, secrets)
        return made.id


def told(number: int, **values: Any) -> dict[str, Any]:
    return {"id": f"e{number}", "type": "delivered", "at": 1793000000, "message": "p1", **values}


def call(
    browser: FlaskClient,
    wiring: Wiring,
    account: int,
    body: bytes,
    *,
    signed: bytes | None = None,
    **more: Any,
) -> TestResponse:
    headers = signatures.sign(SECRET, "hook_1", wiring.now(), body if signed is None else signed)
    return browser.post(
        f"/hooks/{public_id('acc', account)}",
        data=body,
        headers={**headers, **more.pop("headers", {})},
        **more,
    )


def stored(wiring: Wiring) -> list[tuple[str, str]]:
    with wiring.database.read() as session:
        rows = session.execute(select(RawEvent.event_key, RawEvent.state).order_by(RawEvent.id))
        return [(key, state) for key, state in rows]


def test_a_proven_call_is_stored_before_it_is_answered(
    browser: FlaskClient, wiring: Wiring, account: int
) -> None:
    """H14: nothing is thought about while the provider waits."""
    answer = call(browser, wiring, account, orjson.dumps(told(1)))
    assert answer.status_code == 200
    assert stored(wiring) == [("e1", "new")]
    with wiring.database.read() as session:
        raw = session.scalars(select(RawEvent)).one()
    assert (raw.account_id, raw.via) == (account, "push") and raw.body is not None


def test_a_repeated_hook_changes_nothing(browser: FlaskClient, wiring: Wiring, account: int) -> None:
    """H4, H5."""
    body = orjson.dumps([told(1), told(2)])
    assert [call(browser, wiring, account, body).status_code for _ in range(3)] == [200] * 3
    assert stored(wiring) == [("e1", "new"), ("e2", "new")]


def test_of_a_large_batch_the_good_are_kept_and_the_bad_parked(
    browser: FlaskClient, wiring: Wiring, account: int
) -> None:
    """H9."""
    batch = [told(number) for number in range(10_000)]
    batch[5000] = {"nonsense": True}
    assert call(browser, wiring, account, orjson.dumps(batch)).status_code == 200
    states = [state for _, state in stored(wiring)]
    assert (states.count("new"), states.count("parked")) == (9999, 1)


def test_a_call_that_is_no_json_is_parked_and_answered(
    browser: FlaskClient, wiring: Wiring, account: int
) -> None:
    """H13: a provider that is refused for ever stops telling."""
    assert call(browser, wiring, account, b"{\xff\x00").status_code == 200
    assert [state for _, state in stored(wiring)] == ["parked"]


def test_an_event_of_a_type_never_seen_is_kept_as_it_came(
    browser: FlaskClient, wiring: Wiring, account: int
) -> None:
    """H13"""
    body = orjson.dumps(told(1, type="danced"))
    assert call(browser, wiring, account, body).status_code == 200
    with wiring.database.read() as session:
        (raw,) = session.scalars(select(RawEvent))
    assert (raw.state, orjson.loads(raw.body or b"")) == ("parked", told(1, type="danced"))


@pytest.mark.parametrize(
    "headers",
    [
        {"webhook-signature": ""}, {"webhook-signature": "v1,AAAA"}, {"webhook-timestamp": "1"},
        {"webhook-signature": "v0,x v1a,y"}, {"webhook-id": "another"},
    ],
)  # fmt: skip
def test_an_unproven_call_is_refused_and_leaves_nothing(
    browser: FlaskClient, wiring: Wiring, account: int, headers: dict[str, str]
) -> None:
    """H1, H3."""
    assert call(browser, wiring, account, orjson.dumps(told(1)), headers=headers).status_code == 401
    assert stored(wiring) == []


def test_the_signature_is_of_the_bytes_as_they_came(
    browser: FlaskClient, wiring: Wiring, account: int
) -> None:
    """H2."""
    body = b'{ "id":"e1", "type":"delivered","at":1793000000}'
    assert call(browser, wiring, account, body, signed=orjson.dumps(orjson.loads(body))).status_code == 401
    assert call(browser, wiring, account, body).status_code == 200


def test_another_accounts_secret_proves_nothing_here(
    browser: FlaskClient, wiring: Wiring, account: int
) -> None:
    """H8."""
    other = _account(wiring, "other", {"hook_secret": signatures.new_secret()})
    assert call(browser, wiring, other, orjson.dumps(told(1))).status_code == 401
    assert stored(wiring) == []


class Unread(BytesIO):
    """A body that nobody may read."""

    def read(self, size: int | None = -1) -> bytes:
        raise AssertionError("it was read")

    readline = read


def test_a_body_over_the_limit_is_refused_before_it_is_read(
    browser: FlaskClient, wiring: Wiring, account: int
) -> None:
    """H10."""
    assert call(browser, wiring, account, b" " * (1024 * 1024 + 1)).status_code == 413
    large = {"wsgi.input": Unread(), "CONTENT_LENGTH": str(100 * 1024 * 1024)}
    assert call(browser, wiring, account, b"", environ_overrides=large).status_code == 413
    pieces = {"wsgi.input": BytesIO(b" " * (2 * 1024 * 1024)), "wsgi.input_terminated": True}
    chunked = {"Transfer-Encoding": "chunked"}
    path = f"/hooks/{public_id('acc', account)}"
    assert browser.post(path, headers=chunked, environ_overrides=pieces).status_code == 413
    packed = gzip.compress(b"\0" * 10_000_000)
    answer = call(browser, wiring, account, packed, headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415
    assert stored(wiring) == []


def test_a_challenge_stores_nothing(browser: FlaskClient, wiring: Wiring, account: int) -> None:
    """H12: GET has no effect, whatever it says."""
    body = orjson.dumps(told(1))
    headers = signatures.sign(SECRET, "hook_1", wiring.now(), body)
    answer = browser.get(f"/hooks/{public_id('acc', account)}", data=body, headers=headers)
    assert answer.status_code == 200 and stored(wiring) == []


@pytest.mark.parametrize("name", ["acc_0000000000000", "acc_x", "msg_0000000000000", "1", "acc_" + "Z" * 13])
def test_an_account_that_does_not_exist_is_not_there(browser: FlaskClient, name: str) -> None:
    assert browser.post(f"/hooks/{name}", data=b"{}").status_code == 404


def test_an_account_without_hooks_takes_none(browser: FlaskClient, wiring: Wiring) -> None:
    assert call(browser, wiring, _account(wiring, "silent", {}), b"{}").status_code == 404


@pytest.mark.parametrize("state", ["out_of_service", "disabled"])
def test_an_account_that_sends_nothing_more_still_hears(
    browser: FlaskClient, wiring: Wiring, account: int, state: str
) -> None:
    """H7: who complains of what it sent before must be heard, and most providers take a 404 as the end of it."""
    with wiring.database.write() as session:
        session.get_one(Account, account).state = state
    assert call(browser, wiring, account, orjson.dumps(told(1))).status_code == 200
    assert call(browser, wiring, account, orjson.dumps(told(2)), signed=b"{}").status_code == 401
    assert stored(wiring) == [("e1", "new")]


# --- providers that prove themselves in another way
UNSIGNED = {"server_token": "t", "hook_secret": "ffordd-ddirgel-1234", "hook_login": "dolen:cyfrinair"}
LOGIN = {"Authorization": "Basic " + b64encode(b"dolen:cyfrinair").decode()}
DELIVERY = {
    "RecordType": "Delivery", "MessageID": "m1", "Recipient": "sian@ysgol.example",
    "DeliveredAt": "2026-11-02T09:00:03Z",
}  # fmt: skip


def connected(wiring: Wiring, connector: str, settings: dict[str, Any], secrets: dict[str, str]) -> int:
    with wiring.database.write() as session:
        made = accounts.create(
            session, wiring.now(), name=connector, connector=connector, channel="email", settings=settings
        )
        made.secrets = wiring.keyring.seal(made.id, secrets)
        return made.id


def test_who_signs_nothing_is_known_by_path_login_and_address(browser: FlaskClient, wiring: Wiring) -> None:
    """H16: all of them, the address as a proxy of ours tells it."""
    wiring.settings = replace(wiring.settings, http=replace(wiring.settings.http, proxies="127.0.0.1"))
    number = connected(wiring, "postmark", {"hook_networks": "192.0.2.0/24"}, UNSIGNED)
    path, near = f"/hooks/{public_id('acc', number)}", {"X-Forwarded-For": "192.0.2.7"}
    right = f"{path}/ffordd-ddirgel-1234"
    for where, headers in (
        (path, {**LOGIN, **near}),
        (f"{path}/ffordd-arall-1234567", {**LOGIN, **near}),
        (right, near),
        (right, LOGIN),
        (right, {**LOGIN, "X-Forwarded-For": "192.0.2.7, 198.51.100.1"}),
    ):
        assert browser.post(where, json=DELIVERY, headers=headers).status_code == 401
    assert stored(wiring) == []
    assert browser.post(right, json=DELIVERY, headers={**LOGIN, **near}).status_code == 200
    assert [state for _, state in stored(wiring)] == ["new"]


def test_what_proves_itself_once_changes_something_once(browser: FlaskClient, wiring: Wiring) -> None:
    """H4: the same token with other words is answered and has no effect."""
    number = connected(
        wiring, "mailgun", {"domain": "mg.mon.example"}, {"api_key": "k", "hook_key": "signing"}
    )
    stamp, path = str(int(wiring.now().timestamp())), f"/hooks/{public_id('acc', number)}"

    def told(token: str, name: str) -> int:
        proof = hmac.new(b"signing", f"{stamp}{token}".encode(), "sha256").hexdigest()
        event = {
            "event": "complained", "id": name, "timestamp": 1793610003.5, "recipient": "sian@ysgol.example",
            "message": {"headers": {"message-id": "m1"}},
        }  # fmt: skip
        signature = {"timestamp": stamp, "token": token, "signature": proof}
        return browser.post(path, json={"signature": signature, "event-data": event}).status_code

    assert [told("t1", "one"), told("t1", "one"), told("t1", "other")] == [200] * 3
    assert len(stored(wiring)) == 1
    assert told("t2", "other") == 200 and len(stored(wiring)) == 2


def test_calls_that_prove_nothing_fill_no_log_and_are_an_alarm_where_they_go_on(
    browser: FlaskClient,
    wiring: Wiring,
    account: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """H1: a key that was changed at the provider alone loses what most providers tell but once."""
    observe.set_up()
    monkeypatch.setattr(public_accounts, "KNOWN_FOR_S", 0.0)
    now, body = wiring.now(), orjson.dumps(told(1))
    for seconds in range(30):
        monkeypatch.setattr(wiring, "now", lambda seconds=seconds: now + timedelta(seconds=seconds))
        assert call(browser, wiring, account, body, signed=b"{}").status_code == 401
    lines = [orjson.loads(line) for line in capsys.readouterr().err.splitlines()]
    refused = [line for line in lines if line["event"] == "hook not authentic"]
    alarms = [line for line in lines if line["event"] == "hooks_refused"]
    assert [line["in_a_row"] for line in refused] == [1]
    assert [(line["account"], line["in_a_row"]) for line in alarms] == [("practice", 5)]
    with wiring.database.read() as session:
        assert "is its key here the one" in (session.get_one(Account, account).inbox_problem or "")
    assert call(browser, wiring, account, body).status_code == 200
    with wiring.database.read() as session:
        assert session.get_one(Account, account).inbox_problem is None
    monkeypatch.setattr(wiring, "now", lambda: now + timedelta(hours=2))
    assert [call(browser, wiring, account, body, signed=b"{}").status_code for _ in range(4)] == [401] * 4
    assert "hooks_refused" not in capsys.readouterr().err


class Lock:
    """A provider whose key is not known at first."""

    def __init__(self) -> None:
        self.asked = 0

    def connect(self, secrets: dict[str, str]) -> Any:
        """An account that hears once it has the key."""

        def hooks(call: Call) -> Heard:
            if secrets.get("token") != "the key":
                raise NotYet("no key")
            return Heard()

        def prepare(call: Call) -> Renewed:
            self.asked += 1
            return Renewed({"token": "the key"})

        made = registry.connect("simulator", SETTINGS, {})
        return replace(made, hooks=hooks, prepare=prepare)


def test_a_key_that_is_not_known_yet_is_fetched_aside(
    browser: FlaskClient, wiring: Wiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """H11: the provider is asked to come again, and nothing is stored before it is proven."""
    lock, number = Lock(), _account(wiring, "locked", {})
    monkeypatch.setattr(
        wiring, "_connect", lambda account: lock.connect(wiring.keyring.open(account.id, account.secrets))
    )
    path = f"/hooks/{public_id('acc', number)}"
    assert browser.post(path, data=b"x").status_code == 503 and stored(wiring) == []
    for thread in threading.enumerate():
        if thread.name == "hook":
            thread.join(10)
    assert lock.asked == 1
    assert browser.post(path, data=b"x").status_code == 200


def test_whatever_fails_aside_is_told_in_the_log_alone(
    wiring: Wiring, account: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An account that was deleted, a database that is busy: no words of theirs, and no trace beside the log."""
    observe.set_up()
    call = Call("POST", {}, {}, b"{}", wiring.now())
    nothing: dict[str, Any] = {}
    monkeypatch.setattr(wiring, "_connect", lambda account: nothing[SECRET])
    thread = hooks.Preparing(wiring).begin(account, call)
    assert thread is not None
    thread.join(10)
    (line,) = capsys.readouterr().err.splitlines()
    told = orjson.loads(line)
    assert (told["event"], told["error"]) == ("hook not prepared", "builtins.KeyError") and SECRET not in line


def test_another_tenants_mail_is_not_touched_by_a_call_that_is_mine(
    browser: FlaskClient, wiring: Wiring, account: int
) -> None:
    """H7, H8: it names no delivery of this account, so it waits, and then nothing follows."""
    other = _account(wiring, "other", {"hook_secret": SECRET})
    assert call(browser, wiring, other, orjson.dumps(told(1, message="theirs"))).status_code == 200
    intake.process(wiring.database.sessions, wiring.now(), wiring.links)
    with wiring.database.read() as session:
        raw = session.scalars(select(RawEvent)).one()
        assert raw.account_id == other and raw.state == "new"
        assert session.scalars(select(DeliveryEvent)).all() == []
