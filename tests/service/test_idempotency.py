"""A repeated call does its work once."""

from __future__ import annotations

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError

from campaigns.audit import AuditEntry
from campaigns.strategies import programmes as domain
from campaigns.strategies.tables import Programme
from service import idempotency
from service.tables import IdempotencyKey
from service.wiring import Wiring

from .conftest import Answer, Api, People

GOOD = {"name": "River clean-up", "starts_on": "2027-01-01"}


def keyed(api: Api, token: str, key: str = "key-1", **body: Any) -> Answer:
    return api.post("/v1/programmes", token, json={**GOOD, **body}, headers={"Idempotency-Key": key})


def count(wiring: Wiring, table: Any) -> int:
    with wiring.database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_the_same_call_gets_the_same_answer_and_acts_once(api: Api, wiring: Wiring, admin: str) -> None:
    """R36"""
    first, second = keyed(api, admin), keyed(api, admin)
    assert (first.status_code, first.data) == (second.status_code, second.data)
    assert first.headers["Location"] == second.headers["Location"]
    assert first.headers["ETag"] == second.headers["ETag"]
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    assert count(wiring, Programme) == count(wiring, AuditEntry) == 1


def test_the_order_of_keys_and_white_space_make_no_other_call(api: Api, admin: str) -> None:
    bodies = (b'{"name":"A","starts_on":"2027-01-01"}', b'{ "starts_on": "2027-01-01",\n "name": "A" }')
    answers = [
        api.post(
            "/v1/programmes",
            admin,
            data=body,
            content_type="application/json",
            headers={"Idempotency-Key": "k"},
        )
        for body in bodies
    ]
    assert answers[1].headers["Idempotency-Replayed"] == "true" and answers[0].data == answers[1].data


def test_the_same_key_with_another_body_is_422(api: Api, wiring: Wiring, admin: str) -> None:
    """R36"""
    keyed(api, admin)
    other = keyed(api, admin, name="Another")
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")
    assert count(wiring, Programme) == 1


def test_another_token_and_another_path_are_independent(
    api: Api, wiring: Wiring, people: People, admin: str
) -> None:
    """R36"""
    keyed(api, admin)
    assert keyed(api, people("administrator"), name="Another").status_code == 201
    user = api.post("/v1/users", admin, json={"name": "x"}, headers={"Idempotency-Key": "key-1"})
    assert user.status_code == 201 and count(wiring, Programme) == 2


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "ŵ", "x\ty"])
def test_a_key_that_cannot_be_one_is_422(api: Api, wiring: Wiring, admin: str, key: str) -> None:
    """R36"""
    answer = api.post(
        "/v1/programmes",
        admin,
        json=GOOD,
        environ_overrides={"HTTP_IDEMPOTENCY_KEY": key.encode().decode("latin-1")},
    )
    assert answer.status_code == 422 and answer.json["errors"][0]["parameter"] == "Idempotency-Key"
    assert count(wiring, Programme) == 0


def test_a_key_of_255_characters_serves(api: Api, admin: str) -> None:
    assert keyed(api, admin, "~" * 255).status_code == 201


def test_a_refusal_is_repeated_too_and_leaves_nothing_behind(api: Api, wiring: Wiring, admin: str) -> None:
    first = keyed(api, admin, parent_id="prg_0000000000009")
    second = keyed(api, admin, parent_id="prg_0000000000009")
    assert first.status_code == 422 and first.data == second.data
    assert second.headers["Idempotency-Replayed"] == "true"
    assert second.content_type == "application/problem+json"
    assert count(wiring, Programme) == count(wiring, AuditEntry) == 0


def test_deleting_and_changing_take_a_key_as_well(api: Api, admin: str) -> None:
    token = api.post("/v1/tokens", admin, json={"name": "x"}).json
    headers = {"Idempotency-Key": "gone"}
    answers = [api.delete(f"/v1/tokens/{token['id']}", admin, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [204, 204]
    assert answers[1].headers["Idempotency-Replayed"] == "true" and answers[1].data == b""
    path = keyed(api, admin).headers["Location"]
    change = {"headers": {"Idempotency-Key": "c", "If-Match": '"1"'}, "json": {"name": "New"}}
    etags = [api.patch(path, admin, **change).headers["ETag"] for _ in range(2)]
    assert etags == ['"2"', '"2"']


class Broken(Exception):
    """What no one foresaw."""


@pytest.mark.parametrize(
    ("error", "status"), [(Broken(), 500), (OperationalError("x", None, Exception()), 503)]
)
def test_what_failed_here_is_not_kept(
    api: Api, wiring: Wiring, admin: str, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(Programme, "__init__", fails)
        assert keyed(api, admin).status_code == status
    assert count(wiring, IdempotencyKey) == 0
    again = keyed(api, admin)
    assert again.status_code == 201 and "Idempotency-Replayed" not in again.headers


def test_calls_at_the_same_time_act_once(api: Api, wiring: Wiring, admin: str) -> None:
    """R36"""
    barrier = threading.Barrier(6)

    def call(_: int) -> tuple[int, bytes]:
        barrier.wait()
        answer = Api(api.app, api.app.test_client())
        found = keyed(answer, admin)
        return found.status_code, found.data

    with ThreadPoolExecutor(6) as pool:
        answers = set(pool.map(call, range(6)))
    assert len(answers) == 1 and answers.pop()[0] == 201
    assert count(wiring, Programme) == 1


def test_a_call_that_waits_too_long_for_the_first_is_told_so(
    api: Api, wiring: Wiring, admin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R36"""
    monkeypatch.setattr(idempotency, "WAIT_S", 1)
    started, release = threading.Event(), threading.Event()
    create = domain.create

    def slow(*args: Any, **values: Any) -> Any:
        started.set()
        release.wait(30)
        return create(*args, **values)

    monkeypatch.setattr(domain, "create", slow)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(lambda: keyed(Api(api.app, api.app.test_client()), admin))
        assert started.wait(10)
        second = keyed(api, admin)
        release.set()
        assert first.result().status_code == 201
    assert (second.status_code, second.json["code"]) == (409, "call_in_progress")
    assert second.headers["Retry-After"] == "1"
    assert keyed(api, admin).headers["Idempotency-Replayed"] == "true"


def test_the_record_and_the_effect_are_one_transaction(api: Api, wiring: Wiring, admin: str) -> None:
    """A process that dies between answering and committing leaves neither."""
    keyed(api, admin)
    with wiring.database.read() as session:
        assert session.scalars(select(IdempotencyKey.status)).one() == 201
        assert session.execute(text("SELECT count(*) FROM programmes")).scalar_one() == 1


def test_old_keys_are_forgotten_and_young_ones_kept(api: Api, wiring: Wiring, admin: str) -> None:
    keyed(api, admin)

    def forget(later: timedelta) -> int:
        with wiring.database.write() as session:
            return idempotency.forget(session, wiring.now() + later)

    assert forget(timedelta(hours=24)) == 0
    assert forget(timedelta(hours=49)) == 1


def test_a_view_outside_a_transaction_answers_the_same_key_with_its_first_answer(
    api: Api, admin: str
) -> None:
    """R36"""

    def upload(content: bytes, key: str = "up") -> Answer:
        form = {"file": (io.BytesIO(content), "people.csv"), "programme_id": "prg_0000000000009"}
        return api.post("/v1/imports", admin, data=form, headers={"Idempotency-Key": key})

    good = {"name": "Relay", "connector": "simulator", "settings": {"url": "http://127.0.0.1:9"}}
    account = api.post("/v1/connector_accounts", admin, json=good).json["id"]
    path, headers = f"/v1/connector_accounts/{account}/verify", {"Idempotency-Key": "v"}
    first, second = (api.post(path, admin, headers=headers) for _ in range(2))
    assert first.status_code < 500 and first.data == second.data
    assert second.headers["Idempotency-Replayed"] == "true"
    refused = [upload(b"name\nAnn\n") for _ in range(2)]
    assert refused[0].status_code == refused[1].status_code >= 400 and refused[0].data == refused[1].data
    assert upload(b"name\nBob\n").json["code"] == "idempotency_key_reused"


@pytest.mark.parametrize(
    ("to", "through", "needed"),
    [
        (["ann@example.org"], [], False),
        (["ann@example.org"], ["mail"], False),
        ([], ["network"], False),
        (["ann@example.org", "gwen@example.org"], [], True),
        (["ann@example.org"], ["network"], True),  # the letter and the post
        ([], ["network", "other"], True),
    ],
)
def test_a_call_that_reaches_more_than_one_needs_a_key(
    api: Api, admin: str, general: int, to: list[str], through: list[str], needed: bool
) -> None:
    channels = {"mail": "email", "network": "practice", "other": "practice"}
    found = {name: _connect(api, admin, name, channels[name]) for name in dict.fromkeys(["mail", *through])}
    recipients = {"to": to} if to else {}
    body = {**recipients, "subject": "Hello", "text": "Hello.", "accounts": [found[name] for name in through]}
    bare = api.post("/v1/messages", admin, json={**body, "draft": True})
    assert bare.json.get("code") == ("idempotency_key_required" if needed else None), bare.json
    keyed = api.post("/v1/messages", admin, json={**body, "draft": True}, headers={"Idempotency-Key": "k"})
    assert keyed.status_code == 201, keyed.json


def _connect(api: Api, admin: str, name: str, channel: str) -> str:
    settings = {"url": "http://127.0.0.1:9", "channel": channel}
    body = {"name": name, "connector": "simulator", "settings": settings, "sender": "us@example.org"}
    return str(api.post("/v1/connector_accounts", admin, json=body).json["id"])


def test_files_are_compared_by_what_they_hold(api: Api) -> None:
    from flask import request

    def fingerprint(content: bytes, boundary: str, mapping: str = "{}") -> str:
        form = {"mapping": mapping, "file": (io.BytesIO(content), "people.csv")}
        with api.app.test_request_context(method="POST", data=form, headers={"X-Boundary": boundary}):
            call = idempotency.call_of(request, 1)
            assert call is None
            found = idempotency._fingerprint(request)
            assert request.files["file"].read() == content
            return found

    assert fingerprint(b"a", "1") == fingerprint(b"a", "2")
    assert len({fingerprint(b"a", "1"), fingerprint(b"b", "1"), fingerprint(b"a", "1", "x")}) == 3
