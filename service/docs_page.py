"""The reference of the API as plain pages made from the contract, without scripts."""

from __future__ import annotations

from typing import Any

from flask import render_template

from .permissions import PERMISSIONS
from .problems import PROBLEMS


def operations(spec: dict[str, Any]) -> str:
    """Every operation with its scope, parameters, body and answers."""
    rows = [
        {
            "method": method.upper(),
            "path": path,
            "summary": found.get("summary", ""),
            "tag": found["tags"][0],
            "scope": PERMISSIONS[f"{method.upper()} {path}"],
            "parameters": [*item.get("parameters", []), *found.get("parameters", [])],
            "body": _fields(spec, _schema(found.get("requestBody", {}))),
            "answers": {
                status: _fields(spec, _schema(answer))
                for status, answer in found["responses"].items()
                if status != "default"
            },
        }
        for path, item in spec["paths"].items()
        for method, found in item.items()
        if method in ("get", "post", "put", "patch", "delete")
    ]
    return render_template("docs/operations.html", rows=rows, info=spec["info"], tags=spec.get("tags", []))


def problem_list() -> str:
    """Every problem code with its status and what it means."""
    return render_template("docs/problems.html", problems=sorted(PROBLEMS.items()))


def _schema(part: dict[str, Any]) -> dict[str, Any]:
    for content in part.get("content", {}).values():
        found: dict[str, Any] = content.get("schema", {})
        return found
    return {}


def _fields(spec: dict[str, Any], schema: dict[str, Any]) -> list[dict[str, Any]]:
    reference = schema.get("$ref", "")
    if reference:
        schema = spec["components"]["schemas"][reference.rpartition("/")[2]]
    needed = schema.get("required", [])
    return [
        {"name": name, "type": _type(about), "needed": name in needed, "about": about.get("description", "")}
        for name, about in schema.get("properties", {}).items()
    ]


def _type(about: dict[str, Any]) -> str:
    if "$ref" in about:
        return str(about["$ref"]).rpartition("/")[2]
    if "enum" in about:
        return " | ".join(str(word) for word in about["enum"])
    if about.get("type") == "array":
        return f"list of {_type(about.get('items', {}))}"
    kind = about.get("type", "any")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)
