"""A segment's rule: `all`, `any` and `not` over leaves `{"field", "op", "value"}`, checked and made SQL.

Rules: at most 8 levels and 100 leaves; what is wrong is named with a JSON pointer into the rule;
`{"all": []}` is everyone of the programme. Every operator has its opposite: `is_not`, `not_in`, `has_not`.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from sqlalchemy import and_, case, false, not_, or_, true

from ..errors import BadRule, Invalid, Said, said
from . import facts
from .facts import Condition, Scope

DEPTH_MAX = 8
LEAVES_MAX = 100
OPPOSITES = {"is_not": "is", "not_in": "in", "has_not": "has"}

Rule = dict[str, Any]


def parse(scope: Scope, rule: Any) -> Rule:
    """The rule as it is stored, with values as they are compared; BadRule says where it is wrong."""
    parsed = _parse(scope, rule, "/rule", 1)
    if sum(1 for _ in leaves(parsed)) > LEAVES_MAX:
        raise BadRule(
            said("a rule has at most {leaves_max} conditions", leaves_max=LEAVES_MAX), pointer="/rule"
        )
    return parsed


def askable(scope: Scope) -> dict[str, list[str]]:
    """Every field a rule may ask, with its operators, each followed by its opposite where it has one."""
    found = {}
    for name in facts.names(scope):
        fact = facts.find(scope, name)
        known = [] if fact is None else list(fact.ops)
        found[name] = [
            op for one in known for op in (one, *(no for no, yes in OPPOSITES.items() if yes == one))
        ]
    return found


def leaves(rule: Rule) -> Iterator[Rule]:
    """Every leaf, from left to right."""
    if "field" in rule:
        yield rule
    for branch in _branches(rule):
        yield from leaves(branch)


def where(scope: Scope, rule: Rule) -> Condition:
    """A stored rule as a condition on WHO and INVOLVED; NULL, where nothing is known, is no."""
    if "all" in rule:
        return and_(true(), *(where(scope, branch) for branch in _cheapest_first(scope, rule["all"])))
    if "any" in rule:
        return or_(false(), *(where(scope, branch) for branch in _cheapest_first(scope, rule["any"])))
    if "not" in rule:
        return _others(where(scope, rule["not"]))
    fact = facts.find(scope, rule["field"])
    if fact is None:
        raise BadRule(said("nothing is known of {field} any more", field=rule["field"]), pointer="/rule")
    opposite = OPPOSITES.get(rule["op"])
    found = fact.where(scope, opposite or rule["op"], rule["value"])
    return _others(found) if opposite else found


def _others(condition: Condition) -> Condition:
    """Everybody of whom it is not true, those of whom nothing is known among them."""
    return not_(case((condition, true()), else_=false()))


def _cheapest_first(scope: Scope, rules: list[Rule]) -> list[Rule]:
    """What costs little is asked first: it may decide."""
    return sorted(rules, key=lambda rule: max((_cost(scope, leaf) for leaf in leaves(rule)), default=0))


def _cost(scope: Scope, leaf: Rule) -> int:
    fact = facts.find(scope, leaf["field"])
    return 0 if fact is None else fact.cost


def explained(scope: Scope, rule: Rule, stakeholder_id: int, answers: Iterator[bool]) -> Rule:
    """The rule with `holds` at each node and the `fact` at each leaf; `answers` are the leaves' own."""
    if "field" in rule:
        fact = facts.find(scope, rule["field"])
        shown = None if fact is None else fact.shown(scope, stakeholder_id)
        return {**rule, "holds": next(answers), "fact": shown}
    parts = [explained(scope, branch, stakeholder_id, answers) for branch in _branches(rule)]
    held = [part["holds"] for part in parts]
    if "not" in rule:
        return {"not": parts[0], "holds": not held[0]}
    return {"all": parts, "holds": all(held)} if "all" in rule else {"any": parts, "holds": any(held)}


def _branches(rule: Rule) -> list[Rule]:
    return [rule["not"]] if "not" in rule else rule.get("all") or rule.get("any") or []


def _parse(scope: Scope, rule: Any, pointer: str, depth: int) -> Rule:
    if depth > DEPTH_MAX:
        raise BadRule(said("a rule has at most {depth_max} levels", depth_max=DEPTH_MAX), pointer=pointer)
    if not isinstance(rule, dict):
        raise BadRule('this must be {"all": […]}, {"any": […]}, {"not": …} or a condition', pointer=pointer)
    match list(rule):
        case ["not"]:
            return {"not": _parse(scope, rule["not"], f"{pointer}/not", depth + 1)}
        case [("all" | "any") as joined]:
            return {
                joined: _list(scope, rule[joined], f"{pointer}/{joined}", depth, may_be_empty=joined == "all")
            }
        case _ if set(rule) == {"field", "op", "value"}:
            return _leaf(scope, rule, pointer)
    raise BadRule(
        "a condition has exactly field, op and value; a branch one of all, any, not", pointer=pointer
    )


def _list(scope: Scope, rules: Any, pointer: str, depth: int, may_be_empty: bool) -> list[Rule]:
    if not isinstance(rules, list) or len(rules) > LEAVES_MAX or not (rules or may_be_empty):
        raise BadRule(
            said("this must be a list of at most {leaves_max} rules", leaves_max=LEAVES_MAX), pointer=pointer
        )
    return [_parse(scope, rule, f"{pointer}/{place}", depth + 1) for place, rule in enumerate(rules)]


def _leaf(scope: Scope, leaf: Rule, pointer: str) -> Rule:
    name, op = leaf["field"], leaf["op"]
    fact = facts.find(scope, name) if isinstance(name, str) else None
    if fact is None:
        near = get_close_matches(str(name)[:80], facts.names(scope), n=3)
        raise BadRule(_unknown(near, facts.names(scope)), pointer=f"{pointer}/field")
    reader = fact.ops.get(OPPOSITES.get(op, op)) if isinstance(op, str) else None
    if reader is None:
        known = [*fact.ops, *(name for name, opposite in OPPOSITES.items() if opposite in fact.ops)]
        raise BadRule(
            said("{name} can be asked with {known}", name=name, known=known), pointer=f"{pointer}/op"
        )
    try:
        return {"field": name, "op": op, "value": reader(scope, leaf["value"], f"{pointer}/value")}
    except Invalid as error:
        raise BadRule(error.detail, pointer=error.pointer) from error


def _unknown(near: list[str], names: list[str]) -> Said:
    if len(near) == 3:
        first, second, third = near
        return said(
            "there is no such field; did you mean {first} or {second} or {third}?",
            first=first, second=second, third=third,
        )  # fmt: skip
    if len(near) == 2:
        first, second = near
        return said("there is no such field; did you mean {first} or {second}?", first=first, second=second)
    if near:
        return said("there is no such field; did you mean {name}?", name=near[0])
    return said("there is no such field; use one of {names}", names=names)
