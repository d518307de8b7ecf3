"""Bodies are read strictly: each test is a row of the bad-input table."""

from __future__ import annotations

from typing import Any

import pytest

from service import strict_json
from service.problems import PROBLEMS, Refusal

from .conftest import Api

GOOD = {"name": "River clean-up", "starts_on": "2027-01-01"}
JSON = {"content_type": "application/json"}


def status(body: bytes) -> int:
    with pytest.raises(Refusal) as refused:
        strict_json.loads(body)
    return PROBLEMS[refused.value.code][0]


def pointer(body: bytes) -> str:
    with pytest.raises(Refusal) as refused:
        strict_json.loads(body)
    assert refused.value.errors is not None
    return refused.value.errors[0]["pointer"]


@pytest.mark.parametrize(
    ("row", "body", "expected"),
    [
        ("R1", b"[" * 100_000 + b"]" * 100_000, 400),
        ("R1 in objects", b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 400),
        ("R2", b'{"free":' + b'{"a":' * 400 + b"1" + b"}" * 401, 422),
        ("R3", b'{"n":' + b"9" * 5000 + b"}", 400),
        ("R4", b'{"n":18446744073709551616}', 422),
        ("R4 negative", b'{"n":-9223372036854775809}', 422),
        ("R4 with an exponent", b'{"n":1e25}', 422),
        ("R8", b'{"n":NaN}', 400),
        ("R9", b'{"free":{"a":NaN}}', 400),
        ("R9 infinity", b'{"free":{"a":1e999}}', 400),
        ("R9 minus", b'{"free":{"a":-Infinity}}', 400),
        ("R10", rb'{"a":"\ud800"}', 422),
        ("R10 low half", rb'{"a":"x\udfffy"}', 422),
        ("R10 in a key", rb'{"\ud800":1}', 422),
        ("R11", rb'{"a":"x\u0000y"}', 422),
        ("R11 in a key", rb'{"x\u0000":1}', 422),
        ("R12", b'{"a":1,"a":2}', 400),
        ("R12 deep", b'{"x":[{"a":1,"a":1}]}', 400),
        ("R13 truncated", b'{"a":', 400),
        ("R13 trailing", b"{} {}", 400),
        ("R14", '{"a":1}'.encode("utf-16"), 400),
        ("R14 mark", '{"a":1}'.encode("utf-8-sig"), 400),
        ("R15", '{"a":"é"}'.encode("latin-1"), 400),
        ("control character", b'{"a":"x\ny"}', 400),
        ("comment", b'{"a":1 /* one */}', 400),
    ],
)
def test_what_is_not_plain_json_is_refused(row: str, body: bytes, expected: int) -> None:
    """R1–R4, R8–R15"""
    assert status(body) == expected


def test_numbers_are_read_as_both_databases_give_them_back() -> None:
    numbers = strict_json.loads(b"[1e16, 9007199254740993.0, -0.0, 1e-7]")
    assert [repr(number) for number in numbers] == ["10000000000000000", "9007199254740992.0", "0.0", "1e-07"]


def test_the_place_is_told_as_a_json_pointer() -> None:
    assert pointer(b'{"a":[{"b~/c":99999999999999999999}]}') == "/a/0/b~0~1c"


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, 2.5, "ŵ", None, True]},
        [],
        "𝄞",
        9223372036854775807,
        {"a": {"b": {}}},
        0.1,
        "]" * 90 + "[" * 900,
    ],
)
def test_plain_json_is_read_as_it_is(value: Any) -> None:
    import json

    assert strict_json.loads(json.dumps(value).encode()) == value
    assert strict_json.loads(json.dumps(value, ensure_ascii=False).encode()) == value


def test_brackets_inside_texts_are_no_nesting() -> None:
    body = b'{"a":"' + b"[{" * 5000 + rb"\"" + b"[" * 5000 + b'"}'
    assert len(strict_json.loads(body)["a"]) == 15_001


def test_thirty_two_levels_are_read_and_one_more_is_not() -> None:
    def nested(levels: int) -> bytes:
        return b"[" * levels + b"]" * levels

    assert strict_json.loads(nested(32))
    assert status(nested(33)) == 422


def test_a_megabyte_of_open_texts_is_refused_without_effort() -> None:
    assert status(b'{"' + rb"\"" * 500_000) == 400
    assert status(b"[{" * 250_000) == 400


@pytest.mark.parametrize(
    ("row", "change", "expected"),
    [
        ("R5", {"starts_on": True}, "/starts_on"),
        ("R13 null", {"name": None}, "/name"),
        ("R34", {"role": "administrator"}, "/role"),
        ("R34 state", {"state": "active"}, "/state"),
        ("R34 builtin", {"builtin": True}, "/builtin"),
        ("a number for a text", {"name": 5}, "/name"),
        ("empty", {"name": ""}, "/name"),
        ("too long", {"name": "x" * 201}, "/name"),
        ("no such day", {"starts_on": "2027-02-29"}, "/starts_on"),
        ("another calendar form", {"starts_on": "2027-W01-1"}, "/starts_on"),
        ("other digits", {"starts_on": "٢٠٢٧-٠١-٠١"}, "/starts_on"),
        ("an id of another kind", {"parent_id": "stk_0000000000001"}, "/parent_id"),
        ("an id out of range", {"parent_id": "prg_ZZZZZZZZZZZZZ"}, "/parent_id"),
        ("an id that is a number", {"parent_id": 1}, "/parent_id"),
        ("a parent that is not there", {"parent_id": "prg_0000000000009"}, "/parent_id"),
        ("a word not in the list", {"assurance": "high"}, "/assurance"),
    ],
)
def test_a_wrong_field_is_told_by_its_pointer(
    api: Api, admin: str, row: str, change: dict[str, Any], expected: str
) -> None:
    """R5, R13, R34"""
    answer = api.post("/v1/programmes", admin, json={**GOOD, **change})
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json["errors"]] == [expected]


@pytest.mark.parametrize("value", [1.9, 1.0, "5", " 5 ", "1_000", "١٢٣", True, None, [1]])
def test_only_an_integer_is_an_integer(api: Api, admin: str, value: Any) -> None:
    """R5–R7"""
    (own,) = api.get("/v1/tokens", admin).json["data"]
    answer = api.post(f"/v1/tokens/{own['id']}/rotate", admin, json={"overlap_s": value})
    assert answer.status_code == 422 and answer.json["errors"][0]["pointer"] == "/overlap_s"


@pytest.mark.parametrize(
    "value",
    [
        "2027-03-28T09:00:00",
        "2027-03-28",
        "2027-03-28T09:00:60Z",
        "2027-03-28T09:00:00+23:59",
        "9999-12-31T23:59:59-14:00",
        "2027-03-28 09:00:00Z",
        "2027-02-30T09:00:00Z",
        "٢٠٢٧-03-28T09:00:00Z",
        1800000000,
    ],
)
def test_a_time_without_its_offset_or_that_does_not_exist_is_refused(
    api: Api, admin: str, value: Any
) -> None:
    """R20–R23"""
    answer = api.post("/v1/tokens", admin, json={"name": "x", "expires_at": value})
    assert answer.status_code == 422 and answer.json["errors"][0]["pointer"] == "/expires_at"


@pytest.mark.parametrize(
    ("row", "body", "expected"),
    [
        ("null", b"null", 422),
        ("array", b"[]", 422),
        ("text", b'"x"', 422),
        ("empty", b"", 422),
        ("cut", b"{", 400),
    ],
)
def test_a_body_that_is_no_object_is_refused(
    api: Api, admin: str, row: str, body: bytes, expected: int
) -> None:
    """R13"""
    assert api.post("/v1/programmes", admin, data=body, **JSON).status_code == expected


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "application/json; charset=latin-1",
        "application/merge-patch+json",
        None,
    ],
)
def test_another_content_type_is_415(api: Api, admin: str, content_type: str | None) -> None:
    """R14, R16"""
    answer = api.post("/v1/programmes", admin, data=b'{"name":"x"}', content_type=content_type)
    assert (answer.status_code, answer.json["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("charset", ["", "; charset=utf-8", "; charset=UTF-8"])
def test_json_in_utf_8_is_taken(api: Api, admin: str, charset: str) -> None:
    body = '{"name":"Afon Tâf","starts_on":"2027-01-01"}'.encode()
    assert (
        api.post("/v1/programmes", admin, data=body, content_type=f"application/json{charset}").status_code
        == 201
    )


def test_a_compressed_body_is_415(api: Api, admin: str) -> None:
    """R17"""
    answer = api.post("/v1/programmes", admin, json=GOOD, headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415


def test_a_body_over_a_mebibyte_is_413(api: Api, admin: str) -> None:
    """R18"""
    answer = api.post("/v1/programmes", admin, data=b" " * (1024 * 1024 + 1), **JSON)
    assert (answer.status_code, answer.json["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    "text", ["'", '"', "<script>alert(1)</script>", "{{7*7}}", "=1+1", "ŵŷ", "مرحبا", "👩‍👩‍👧‍👧", "'; DROP--"]
)
def test_every_text_comes_back_as_it_was_sent(api: Api, admin: str, text: str) -> None:
    """R44"""
    answer = api.post("/v1/programmes", admin, json={**GOOD, "name": text})
    assert (answer.status_code, answer.json["name"]) == (201, text)
