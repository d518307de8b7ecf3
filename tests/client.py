"""Writes the types and the methods of `dolen_client` from the description of the API: `make client`.

Rules: an operation is named by its method and its path, parameters left out: `GET /v1/messages/{id}/deliveries` is
`get_messages_deliveries(id)`, and one that ends in a parameter ends in `_one`.
"""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
HERE = ROOT / "dolen_client"
CONTRACT = ROOT / "docs/openapi.json"
METHODS = ("get", "post", "put", "patch", "delete")
PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
# A longer list of words is a text like any other.
WORDS_MAX = 12
REF = re.compile(r"#/components/schemas/(\w+)")
PARAMETER = re.compile(r"\{(\w+)\}")

_TYPES = '''"""What the API takes and gives, written by `make client`."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


'''
_OPERATIONS = '''"""A method for every operation of the API, written by `make client`."""

from __future__ import annotations

from typing import Literal

from . import types
from .call import Caller, filled


class Client(Caller):
    """The API, at one address and with one token."""

'''

Json = Mapping[str, Any]


def types(contract: Json) -> str:
    """Every schema as a TypedDict."""
    made = "\n\n\n".join(_typed(name, schema) for name, schema in contract["components"]["schemas"].items())
    return f"{_TYPES}{made}\n"


def operations(contract: Json) -> str:
    """The client: a method for every operation."""
    found = list(_operations(contract))
    names = [_name(method, path) for method, path, _ in found]
    if twice := {one for one in names if names.count(one) > 1}:
        raise ValueError(f"two operations have one name: {sorted(twice)}")
    return _OPERATIONS + "\n\n".join(_method(*one) for one in found) + "\n"


def main() -> None:
    """Write both files."""
    contract = json.loads(CONTRACT.read_text("utf-8"))
    (HERE / "types.py").write_text(types(contract), "utf-8")
    (HERE / "operations.py").write_text(operations(contract), "utf-8")


# --- schemas ------------------------------------------------------------------------------------------------------


def _typed(name: str, schema: Json) -> str:
    needed = set(schema.get("required", ()))
    fields = {
        key: kind if key in needed else f"NotRequired[{kind}]"
        for key, kind in ((key, _kind(one)) for key, one in schema.get("properties", {}).items())
    }
    if not all(key.isidentifier() and not keyword.iskeyword(key) for key in fields):
        told = ", ".join(f"{key!r}: {kind!r}" for key, kind in fields.items())
        return f"{name} = TypedDict({name!r}, {{{told}}})"
    lines = [f"    {key}: {kind}" for key, kind in fields.items()]
    return f"class {name}(TypedDict):\n" + ("\n".join(lines) or "    pass")


def _kind(schema: Json, within: str = "") -> str:
    """A schema as a Python type; `within` is the module that has the names."""
    if "$ref" in schema:
        return within + str(REF.fullmatch(schema["$ref"])[1])  # type: ignore[index]
    if 0 < len(schema.get("enum", ())) <= WORDS_MAX:
        plain = ", ".join(repr(one) for one in schema["enum"] if one is not None)
        return f"Literal[{plain}]" + (" | None" if _may_be_null(schema) else "")
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return " | ".join(dict.fromkeys(_kind(one, within) for one in schema[word]))
    told = schema.get("type", ())
    found = [_one(one, schema, within) for one in ([told] if isinstance(told, str) else told)]
    return " | ".join(dict.fromkeys(found)) or "Any"


def _one(word: str, schema: Json, within: str) -> str:
    if word == "array":
        return f"list[{_kind(schema.get('items', {}), within)}]"
    return PLAIN.get(word, "dict[str, Any]")


def _may_be_null(schema: Json) -> bool:
    return None in schema["enum"] or "null" in schema.get("type", ())


# --- operations ---------------------------------------------------------------------------------------------------


def _operations(contract: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in contract["paths"].items():
        above = item.get("parameters", [])
        for method in METHODS:
            if method in item:
                own = item[method]
                yield method, path, {**own, "parameters": [*above, *own.get("parameters", [])]}


def _name(method: str, path: str) -> str:
    words = [part for part in path.removeprefix("/v1/").split("/") if not PARAMETER.fullmatch(part)]
    last = ["one"] if path.endswith("}") else []
    return "_".join([method, *words, *last]).replace("-", "_")


def _method(method: str, path: str, operation: Json) -> str:
    given = operation["parameters"]
    inside = [one for one in given if one["in"] == "path"]
    asked = [one for one in given if one["in"] == "query"]
    guarded = any(one["name"] == "If-Match" for one in given)
    content = operation.get("requestBody", {}).get("content", {})
    signature = ["self", *(f"{one['name']}: {_kind(one['schema'])}" for one in inside)]
    passed = [repr(method.upper()), _path(path, inside)]
    for more, told in (_body(content), _asked(asked), _beside(method, guarded)):
        signature += more
        passed += told
    answer, call = _answer(operation), f"self.call({', '.join(passed)})"
    return "\n".join(
        (
            f"    def {_name(method, path)}({_ordered(signature)}) -> {answer}:",
            f'        """{operation["summary"]}."""',
            f"        {call}"
            if answer == "None"
            else f"        found: {answer} = {call}\n        return found",
        )
    )


def _ordered(signature: list[str]) -> str:
    """What has no default may stand by its place, the rest by its name."""
    first = [one for one in signature if "=" not in one]
    rest = [one for one in signature if "=" in one]
    return ", ".join([*first, *(["*"] if rest else []), *rest])


def _path(path: str, inside: list[Json]) -> str:
    if not inside:
        return repr(path)
    names = ", ".join(f"{one['name']}={one['name']}" for one in inside)
    return f"filled({path!r}, {names})"


def _body(content: Json) -> tuple[list[str], list[str]]:
    if "multipart/form-data" in content:
        return ["file: tuple[str, bytes]", "parts: dict[str, str] | None = None"], [
            "file=file",
            "parts=parts",
        ]
    if "application/json" in content:
        return [f"body: {_kind(content['application/json']['schema'], 'types.')}"], ["body=body"]
    return [], []


def _asked(asked: list[Json]) -> tuple[list[str], list[str]]:
    if not asked:
        return [], []
    names = ", ".join(f"{one['name']!r}: {one['name']}" for one in asked)
    return [f"{one['name']}: {_or_none(_kind(one['schema']))} = None" for one in asked], [
        f"query={{{names}}}"
    ]


def _beside(method: str, guarded: bool) -> tuple[list[str], list[str]]:
    more, told = ([], []) if method == "get" else (["key: str | None = None"], ["key=key"])
    return (["if_match: str", *more], ["if_match=if_match", *told]) if guarded else (more, told)


def _or_none(kind: str) -> str:
    return kind if kind.endswith("None") else f"{kind} | None"


def _answer(operation: Json) -> str:
    good = next(one for status, one in operation["responses"].items() if status.startswith("2"))
    content = good.get("content", {})
    if "application/json" in content:
        return _kind(content["application/json"]["schema"], "types.")
    return "bytes" if content else "None"


if __name__ == "__main__":
    main()
