"""JSON bodies read strictly: what two readers could understand differently is refused.

Rules: UTF-8; no duplicate keys, no NaN or infinity, no lone surrogates, no NUL, no integer beyond 63 bits, at
most 32 levels. What is no JSON for us is 400 `bad_json`; what is JSON but cannot be kept is 422 with a JSON
pointer.
Source: bad input R1–R15.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from campaigns.errors import Said, said

from .problems import Refusal

DEPTH_MAX = 32
# Beyond this the parser itself would run out of stack before it could say where.
DEPTH_PARSED = 500
INTEGER_MAX = (1 << 63) - 1
# From here on Python writes a float with an exponent, and PostgreSQL gives it back as the integer that it is.
FLOAT_MAX = 1e16
OPENING, CLOSING = (b"[", b"{"), (b"]", b"}")
# The closing quote is optional, or a body full of open strings would take quadratic time.
TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)


def loads(body: bytes) -> Any:
    """The value of a body; Refusal says what is wrong and where."""
    if _depth(body) > DEPTH_PARSED:
        raise Refusal("bad_json", said("the body nests deeper than {depth_max} levels", depth_max=DEPTH_MAX))
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refusal(
            "bad_json", said("the body is not UTF-8: byte {start} cannot be read", start=error.start)
        ) from error
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)
    except ValueError as error:
        raise Refusal(
            "bad_json", said("the body cannot be read as JSON: {error}", error=_why(error))
        ) from error
    problems = [
        {"pointer": pointer, "code": "invalid", "detail": detail}
        for pointer, detail in _unkeepable(value, "", 1)
    ]
    if problems:
        raise Refusal("invalid", problems[0]["detail"], errors=problems[:20])
    return value


def _why(error: ValueError) -> str:
    """What we or the parser said of it, without what it was about."""
    first = error.args[0]
    return first if isinstance(first, Said) else str(error)[:260]


def _depth(body: bytes) -> int:
    depth = deepest = 0
    for token in TOKENS.findall(body):
        if token in OPENING:
            depth += 1
            deepest = max(deepest, depth)
        elif token in CLOSING:
            depth -= 1
    return deepest


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(said("the key {key} stands twice in one object", key=repr(key[:40])))
        found[key] = value
    return found


def _constant(word: str) -> Any:
    raise ValueError(said("{word} is not JSON", word=word))


def _float(text: str) -> float:
    """The number as both databases give it back: large ones are integers, and there is no negative zero."""
    value = float(text) + 0.0
    if math.isinf(value):
        raise ValueError(said("the number {text} is too large", text=text[:40]))
    return value if abs(value) < FLOAT_MAX else int(value)


def _unkeepable(value: Any, pointer: str, depth: int) -> Iterator[tuple[str, str]]:
    """Each place whose value no column keeps as it is."""
    if isinstance(value, str):
        if detail := _bad_text(value):
            yield pointer, detail
    elif isinstance(value, int) and not isinstance(value, bool):
        if abs(value) > INTEGER_MAX:
            yield pointer, said("this integer is out of range")
    elif isinstance(value, dict | list):
        if depth > DEPTH_MAX:
            yield pointer, said("this nests deeper than {depth_max} levels", depth_max=DEPTH_MAX)
            return
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            if isinstance(key, str) and (detail := _bad_text(key)):
                yield pointer, said("in a key, {detail}", detail=detail)
                continue
            step = str(key).replace("~", "~0").replace("/", "~1")
            yield from _unkeepable(inner, f"{pointer}/{step}", depth + 1)


def _bad_text(text: str) -> str:
    if "\0" in text:
        return said("NUL is not allowed in text")
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        return said("half of a surrogate pair is not a character")
    return ""
