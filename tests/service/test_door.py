"""The door: what every call meets before and after its view."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest

from service.app import HEADERS, operations
from service.door import JSON_MAX

from .conftest import Api

GOOD = {"name": "River clean-up", "starts_on": "2027-01-01"}


@pytest.mark.parametrize(
    "query",
    [
        "page=1",
        "page=-1",
        "page=abc",
        "n=5",
        "limit=0",
        "limit=-1",
        "limit=201",
        "limit=1000000000",
        "limit=1" + "0" * 30,
        "limit=abc",
        "limit=5.0",
        "limit=%20",
        "limit=",
        "limit=٥",
        "limit=1_0",
        "limit=5&limit=6",
        "sort=id;drop",
        "sort=name",
        "filter[name]=x",
        "after=abc",
        "after=W10",
        "after=WyJ4Il0",
        "after=W3RydWVd",
        "after=é",
        "before=%00",
        "after=WzFd&before=WzFd",
        "limit=5&role=administrator",
    ],
)
def test_a_query_that_is_not_of_this_list_is_refused(api: Api, admin: str, query: str) -> None:
    """R28–R31"""
    answer = api.get(f"/v1/programmes?{query}", admin)
    assert answer.status_code == 422, answer.text
    assert answer.content_type == "application/problem+json"


def test_a_query_on_a_route_that_has_none_is_refused(api: Api, admin: str) -> None:
    assert api.post("/v1/programmes?dry_run=true", admin, json=GOOD).status_code == 422


class Endless(io.RawIOBase):
    """A body that never ends, and how much of it was taken."""

    taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.taken += len(buffer)
        buffer[:] = b" " * len(buffer)
        return len(buffer)


def test_a_body_without_length_is_cut_at_the_limit(api: Api, admin: str) -> None:
    """R19"""
    endless = Endless()
    answer = api.post(
        "/v1/programmes",
        admin,
        content_type="application/json",
        headers={"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input": endless, "wsgi.input_terminated": True},
    )
    assert (answer.status_code, answer.json["code"]) == (413, "too_large")
    assert endless.taken <= 2 * JSON_MAX


@pytest.mark.parametrize("host", ['evil"><', "a b", "x/y", "user@host", "", "a:b", "host:123456"])
def test_a_host_that_is_no_host_is_refused(api: Api, host: str) -> None:
    """R39"""
    answer = api.get("/healthz", environ_overrides={"HTTP_HOST": host})
    assert answer.status_code == 400


def test_links_never_come_from_the_host_header(api: Api, admin: str) -> None:
    """R39"""
    answer = api.post("/v1/programmes", admin, json=GOOD, environ_overrides={"HTTP_HOST": "evil.example"})
    assert answer.headers["Location"].startswith("/v1/programmes/prg_")
    assert "evil" not in str(answer.headers) + answer.text


@pytest.mark.parametrize("given", ["x\ny", "<script>", "a" * 65, "", "ŵ"])
def test_a_request_id_that_could_do_harm_is_replaced(api: Api, given: str) -> None:
    """R40"""
    answer = api.get("/healthz", environ_overrides={"HTTP_X_REQUEST_ID": given})
    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["X-Request-Id"])


def test_a_request_id_goes_in_and_out_and_into_the_audit_log(api: Api, admin: str) -> None:
    answer = api.post("/v1/programmes", admin, json=GOOD, headers={"X-Request-Id": "their-id.1"})
    assert answer.headers["X-Request-Id"] == "their-id.1"
    assert api.get("/v1/audit_entries", admin).json["data"][0]["request_id"] == "their-id.1"
    assert api.get("/v1/nothing", admin, headers={"X-Request-Id": "n"}).json["request_id"] == "n"


def test_no_method_hides_in_a_header_and_trace_is_refused(api: Api, admin: str) -> None:
    """R41"""
    for method in ("TRACE", "OPTIONS", "PUT", "DELETE"):
        assert api.call(method, "/v1/programmes", admin).status_code == 405
    overridden = api.get("/v1/programmes", admin, headers={"X-HTTP-Method-Override": "POST"})
    assert overridden.status_code == 200


def test_head_answers_as_get_without_its_body(api: Api, admin: str) -> None:
    """R41"""
    answer = api.call("HEAD", "/v1/programmes", admin)
    assert answer.status_code == 200 and answer.data == b""


def test_reading_never_opens_a_write_transaction(api: Api, admin: str) -> None:
    """A5: counting calls apart, which one call in thirty writes down."""
    api.app.parts.calls.most = 0
    api.get("/v1/programmes", admin)  # notes the token's use
    with api.app.parts.wiring.database.write_engine.connect() as connection:
        writes: list[str] = []
        from sqlalchemy import event

        event.listen(connection.engine, "before_cursor_execute", lambda *a: writes.append(a[2]))
        for operation in operations(api.app):
            if operation.startswith("GET") and "{" not in operation:
                api.get(operation.split()[1], admin)
    changed = [each for each in writes if each.split()[0].upper() in ("INSERT", "UPDATE", "DELETE")]
    assert changed == []


def test_two_editors_never_overwrite_each_other(api: Api, admin: str) -> None:
    """R37"""
    made = api.post("/v1/programmes", admin, json=GOOD)
    path = made.headers["Location"]
    first = api.patch(path, admin, json={"name": "One"}, headers={"If-Match": made.headers["ETag"]})
    assert first.status_code == 200 and first.headers["ETag"] != made.headers["ETag"]
    second = api.patch(path, admin, json={"name": "Two"}, headers={"If-Match": made.headers["ETag"]})
    assert (second.status_code, second.json["code"]) == (412, "precondition_failed")
    assert api.get(path, admin).json["name"] == "One"


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (None, 428),
        ('W/"1"', 412),
        ("1", 412),
        ('"x"', 412),
        ('"1", "2"', 412),
        ('"9"', 412),
        ('"1"', 200),
        ("*", 200),
    ],
)
def test_if_match_is_needed_and_exact(api: Api, admin: str, given: str | None, status: int) -> None:
    path = api.post("/v1/programmes", admin, json=GOOD).headers["Location"]
    headers = {} if given is None else {"If-Match": given}
    assert api.patch(path, admin, json={"name": "One"}, headers=headers).status_code == status


def test_what_was_not_changed_is_not_sent_again(api: Api, admin: str) -> None:
    made = api.post("/v1/programmes", admin, json=GOOD)
    path, etag = made.headers["Location"], made.headers["ETag"]
    answer = api.get(path, admin, headers={"If-None-Match": etag})
    assert (answer.status_code, answer.data) == (304, b"")


def test_every_answer_carries_the_security_headers(api: Api, admin: str) -> None:
    for path in (
        "/healthz",
        "/readyz",
        "/docs",
        "/docs/problems",
        "/openapi.json",
        "/v1/programmes",
        "/nothing",
    ):
        answer = api.get(path, admin)
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, path
        assert "Set-Cookie" not in answer.headers


def test_the_reference_needs_no_script_and_nothing_from_elsewhere(api: Api) -> None:
    for path in ("/docs", "/docs/problems"):
        page = api.get(path).text
        assert "<script" not in page and "style=" not in page
        assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", page)
    for operation in operations(api.app):
        assert operation in api.get("/docs").text


def test_the_style_of_the_reference_is_served(api: Api) -> None:
    answer = api.get("/static/docs.css")
    assert (answer.status_code, answer.mimetype) == (200, "text/css")


def test_an_installation_without_tables_is_alive_and_not_ready(api: Api) -> None:
    with api.app.parts.wiring.database.write() as session:
        from sqlalchemy import text

        session.execute(text("DROP TABLE installation"))
    assert api.get("/healthz").status_code == 200
    assert api.get("/readyz").json["code"] == "not_ready"


@pytest.mark.parametrize(
    "text", ["not-an-id", "prg_short", "stk_0000000000001", "prg_000000000000U", "prg_ZZZZZZZZZZZZZ"]
)
def test_an_id_that_is_none_leads_nowhere(api: Api, admin: str, text: str) -> None:
    answer = api.get(f"/v1/programmes/{text}", admin)
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")
