"""A group's rule as a form and back: nested boxes of rows *field, operator, value*, without any language to learn.

Rules: a box is *all*, *any* or *none* of its parts; a part is a row or a box. The form names each by its path, `r`
for the whole rule, `r.0` for its first part, `r.0.1` for the second part of that; a path leads back from the pointer
of an error to the row it is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from werkzeug.datastructures import MultiDict

from campaigns.errors import BadRule
from campaigns.responses.tables import INTENTS
from campaigns.stakeholders.rules import LEAVES_MAX
from campaigns.stakeholders.tables import CONNECTIONS, KINDS, RANKS, ROLES, Field

ROOT = "r"
JOINS = ("all", "any", "none")
NEW_ROW = {"field": "language", "op": "has", "values": [], "channel": ""}
WORDS = {"kind": KINDS, "connection": CONNECTIONS, "rank": RANKS, "role": ROLES, "intent": INTENTS}
PLAIN = {
    "name": "text", "zone": "text", "language": "language", "tag": "tag", "member_of": "body", "owner": "colleague",
    "address": "channel", "consent": "permission",
}  # fmt: skip
TYPES = {
    "text": "text",
    "number": "number",
    "date": "date",
    "bool": "bool",
    "choice": "words",
    "multi": "words",
}

Part = dict[str, Any]


def widget(part: Part, known: Mapping[str, Field]) -> tuple[str, list[str]]:
    """How a row's value is asked: the kind of control, and the words to choose from."""
    name = part["field"]
    if part["op"] == "exists":
        return "bool", []
    many = part["op"] in ("in", "not_in")
    if name in WORDS:
        return ("several" if many else "words"), list(WORDS[name])
    field = known.get(name.removeprefix("attrs."))
    kind = PLAIN.get(name) or (TYPES[field.type] if field is not None else "text")
    if kind == "words":
        return ("several" if many else "words"), list(field.choices if field is not None else ())
    return ("list" if many else kind), []


def empty() -> Part:
    """A rule to begin with: one row."""
    return {"join": "all", "parts": [dict(NEW_ROW)]}


def shown(rule: dict[str, Any]) -> Part:
    """A stored rule as boxes and rows."""
    found = _shown(rule)
    return found if "join" in found else {"join": "all", "parts": [found]}


def read(form: MultiDict[str, str], path: str = ROOT) -> Part:
    """Boxes and rows as a form sends them."""
    if f"{path}.join" not in form:
        return {
            "field": form.get(f"{path}.field", ""), "op": form.get(f"{path}.op", ""),
            "values": form.getlist(f"{path}.value"), "channel": form.get(f"{path}.channel", ""),
        }  # fmt: skip
    join, count = form.get(f"{path}.join", ""), form.get(f"{path}.n", "0")
    size = min(int(count), LEAVES_MAX) if count.isascii() and count.isdigit() and len(count) < 4 else 0
    if path.count(".") > 8:
        raise BadRule("there are too many boxes inside each other", pointer="/rule")
    parts = [read(form, f"{path}.{place}") for place in range(size)]
    return {"join": join if join in JOINS else "all", "parts": parts}


def changed(tree: Part, do: str) -> Part:
    """The tree after a button was pressed: `row:PATH`, `box:PATH` or `drop:PATH`."""
    act, _, path = do.partition(":")
    steps = [int(step) for step in path.split(".")[1:] if step.isdigit()]
    if act == "drop" and steps:
        inside = _at(tree, steps[:-1])
        if inside is not None and steps[-1] < len(inside["parts"]):
            del inside["parts"][steps[-1]]
    box = _at(tree, steps)
    if act == "row" and box is not None:
        box["parts"].append(dict(NEW_ROW))
    if act == "box" and box is not None:
        box["parts"].append({"join": "any", "parts": [dict(NEW_ROW), dict(NEW_ROW)]})
    return tree


def tidy(tree: Part, askable: Mapping[str, list[str]]) -> Part:
    """Every row with an operator that its field knows: after another field was chosen, the first one."""
    for part in tree.get("parts", ()):
        tidy(part, askable)
    if "field" in tree:
        if tree["field"] not in askable:
            tree["field"] = NEW_ROW["field"]
        if tree["op"] not in askable[tree["field"]]:
            tree["op"], tree["values"] = askable[tree["field"]][0], []
    return tree


def rule(tree: Part, known: Mapping[str, Field]) -> dict[str, Any]:
    """The rule that boxes and rows say."""
    if "field" in tree:
        return {"field": tree["field"], "op": tree["op"], "value": _value(tree, known)}
    parts = [rule(part, known) for part in tree["parts"]]
    if not parts:
        return {"all": []}
    return {"not": {"any": parts}} if tree["join"] == "none" else {tree["join"]: parts}


def complete(tree: Part) -> bool:
    """Whether every row has its value."""
    if "field" in tree:
        return any(value.strip() for value in tree["values"]) and (
            tree["field"] != "consent" or bool(tree["channel"])
        )
    return all(complete(part) for part in tree["parts"])


def path_of(pointer: str) -> str:
    """The path of the row that a pointer into the rule is about; empty where it is about none."""
    if not pointer.startswith("/rule"):
        return ""
    return ".".join([ROOT, *(step for step in pointer.split("/") if step.isdigit())])


def _shown(rule: dict[str, Any]) -> Part:
    if "field" in rule:
        return {"field": rule["field"], "op": rule["op"], **_typed(rule["value"])}
    if "not" not in rule:
        join = "all" if "all" in rule else "any"
        return {"join": join, "parts": [_shown(part) for part in rule[join]]}
    inside = _shown(rule["not"])
    match inside.get("join"):
        case "any":
            return {"join": "none", "parts": inside["parts"]}
        case "none":
            return {"join": "any", "parts": inside["parts"]}
    return {"join": "none", "parts": [inside]}


def _typed(value: Any) -> Part:
    """A stored value as a form holds it."""
    if isinstance(value, dict):
        return {"values": [value["purpose"]], "channel": value["channel"]}
    if isinstance(value, bool):
        return {"values": ["yes" if value else "no"], "channel": ""}
    return {"values": [str(one) for one in (value if isinstance(value, list) else [value])], "channel": ""}


def _value(part: Part, known: Mapping[str, Field]) -> Any:
    kind, _words = widget(part, known)
    first = part["values"][0].strip() if part["values"] else ""
    match kind:
        case "bool":
            return {"yes": True, "no": False}.get(first)
        case "number":
            return _number(first)
        case "permission":
            return {"purpose": first, "channel": part["channel"]}
        case "several":
            return [value for value in part["values"] if value]
        case "list":
            return [one.strip() for value in part["values"] for one in value.split(",") if one.strip()]
    return first


def _number(text: str) -> int | float | str:
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return text


def _at(tree: Part, steps: list[int]) -> Part | None:
    """The box at a place; None where there is none."""
    for step in steps:
        parts = tree.get("parts", [])
        if step >= len(parts):
            return None
        tree = parts[step]
    return tree if "parts" in tree else None
