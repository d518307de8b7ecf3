"""The contract: generated, checked in, and true."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from service.app import operations
from service.openapi import document

from .conftest import Api

CHECKED_IN = Path(__file__).parents[2] / "docs/openapi.json"
METHODS = ("get", "post", "put", "patch", "delete")


def spec(api: Api) -> dict[str, Any]:
    return dict(json.loads(document(api.app)))


def described(api: Api) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": item[method]
        for path, item in spec(api)["paths"].items()
        for method in METHODS
        if method in item
    }


def test_the_checked_in_contract_is_the_one_we_serve(api: Api) -> None:
    """L2"""
    assert CHECKED_IN.read_bytes() == document(api.app), "run `make openapi`"
    assert api.get("/openapi.json").data == document(api.app)


def test_it_describes_every_route_and_no_other(api: Api) -> None:
    assert sorted(described(api)) == operations(api.app)
    assert spec(api)["openapi"].startswith("3.1")


def test_every_operation_has_a_summary_and_tells_its_errors_as_problems(api: Api) -> None:
    for name, operation in described(api).items():
        assert operation.get("summary"), name
        assert {"default", "401", "403", "404", "422", "503"} <= set(operation["responses"]), name
        guarded = any(one["name"] == "If-Match" for one in operation.get("parameters", []))
        assert guarded == ({"412", "428"} <= set(operation["responses"])), name
    component = spec(api)["components"]["responses"]["DEFAULT_ERROR"]
    assert list(component["content"]) == ["application/problem+json"]


def test_a_token_is_needed_everywhere(api: Api) -> None:
    assert spec(api)["security"] == [{"bearer": []}]
    assert not [name for name, operation in described(api).items() if "security" in operation]


def test_it_comes_out_the_same_each_time(api: Api) -> None:
    assert document(api.app) == document(api.app)
