"""What providers say, in any shape."""

from __future__ import annotations

import orjson
import pytest

from connectors import registry, shapes, signatures
from connectors.api import Call

from .test_simulator import AT

DEEP = b"[" * 600 + b"]" * 600


def test_a_part_is_written_the_same_however_it_was_ordered() -> None:
    assert shapes.raw({"b": 1, "a": 2}, b"") == shapes.raw({"a": 2, "b": 1}, b"") == b'{"a":2,"b":1}'


def test_what_is_too_deep_to_be_written_again_is_kept_whole() -> None:
    assert shapes.raw(orjson.loads(DEEP), DEEP) == DEEP


@pytest.mark.parametrize("name", ["simulator", "webhook"])
def test_a_call_nested_without_end_is_parked_like_any_that_nobody_understands(name: str) -> None:
    """H9"""
    secret = signatures.new_secret()
    other = {"secret": signatures.new_secret()} if name == "webhook" else {}
    url = "https://hooks.example.org/" if name == "webhook" else "http://127.0.0.1:9"
    body = b'[{"type": "reply", "id": ' + DEEP + b"}]"
    hooks = registry.connect(name, {"url": url}, {"hook_secret": secret, **other}).hooks
    assert hooks is not None
    heard = hooks(Call("POST", signatures.sign(secret, "evt-1", AT, body), {}, body, AT))
    assert heard.events == () and len(heard.parked) == 1
