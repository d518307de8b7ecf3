"""Tests of segments: who is in, the same on both databases as in a plain Python reading of the rule, and why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns.base import public_id
from campaigns.database import Database
from campaigns.errors import BadField, BadRule, NotFound
from campaigns.stakeholders import addresses, consent, facts, fields, people, segments
from campaigns.stakeholders.tables import Involvement, Segment, Stakeholder
from campaigns.stakeholders.text import fold

PROGRAMME = 7
TYPES = {"town": "text", "age": "number", "born": "date", "size": "choice", "likes": "multi", "deaf": "bool"}
CHOICES = {"size": ["Small", "Large"], "likes": ["Tea", "Coffi"]}
EVERYONE: dict[str, Any] = {"all": []}


def leaf(field: str, op: str, value: Any) -> dict[str, Any]:
    return {"field": field, "op": op, "value": value}


@pytest.fixture
def defined(session: Session, now: datetime) -> Session:
    define(session, now)
    return session


def define(session: Session, now: datetime) -> None:
    for name, type in TYPES.items():
        fields.define(session, now, name, type, CHOICES.get(name, ()))


def person(
    session: Session, now: datetime, name: str, programme: int | None = PROGRAMME, **values: Any
) -> Stakeholder:
    made = people.create(session, now, **{"kind": "person", "name": name} | values)
    if programme is not None:
        people.involve(session, now, made.id, programme)
    return made


def inside(session: Session, now: datetime, rule: Any, programme: int = PROGRAMME) -> set[str]:
    """The names of those a rule finds; count and members must agree."""
    segment = segments.create(session, now, programme_id=programme, name="test", rule=rule)
    found = segments.members(session, segment, limit=1000, now=now)
    assert segments.count(session, segment, now=now) == len(found)
    return {one.name for one in found}


def test_only_the_active_of_the_segments_programme_are_in(session: Session, now: datetime) -> None:
    """A10, I3."""
    person(session, now, "In")
    person(session, now, "Elsewhere", programme=8)
    person(session, now, "Nowhere", programme=None)
    people.archive(session, now, person(session, now, "Archived"))
    person(session, now, "Erased").state = "erased"
    session.flush()
    assert inside(session, now, EVERYONE) == {"In"}
    assert inside(session, now, {"not": {"not": EVERYONE}}) == {"In"}


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        (leaf("attrs.town", "is", "BANGOR"), {"Ann"}),
        (leaf("attrs.town", "is_not", "Bangor"), {"Bob", "Cai"}),
        (leaf("attrs.town", "contains", "ŵ%_"), {"Bob"}),
        (leaf("attrs.town", "starts_with", "ŵ"), {"Bob"}),
        (leaf("attrs.town", "in", ["bangor", "llŷn"]), {"Ann"}),
        (leaf("attrs.town", "exists", False), {"Cai"}),
        (leaf("attrs.age", "ge", 40), {"Ann"}),
        (leaf("attrs.age", "lt", 40.5), {"Ann", "Bob"}),
        (leaf("attrs.born", "gt", "1990-01-01"), {"Bob"}),
        (leaf("attrs.size", "is", "Large"), {"Ann"}),
        (leaf("attrs.likes", "has", "Coffi"), {"Ann", "Bob"}),
        (leaf("attrs.likes", "has_not", "Tea"), {"Bob", "Cai"}),
        (leaf("attrs.deaf", "is", True), {"Cai"}),
        (leaf("attrs.deaf", "is", False), {"Ann"}),
        (leaf("attrs.deaf", "exists", True), {"Ann", "Cai"}),
        (leaf("name", "contains", "A"), {"Ann", "Cai"}),
        (leaf("name", "in", ["ANN", "bob"]), {"Ann", "Bob"}),
        (leaf("kind", "is", "group"), {"Cai"}),
        (leaf("kind", "not_in", ["group", "community"]), {"Ann", "Bob"}),
        (leaf("zone", "is", "Europe/Kiev"), {"Ann"}),
        (leaf("zone", "exists", False), {"Bob", "Cai"}),
        (leaf("zone", "is_not", "Europe/London"), {"Ann", "Bob", "Cai"}),
        (leaf("language", "has", "EN"), {"Ann", "Bob"}),
        (leaf("language", "first", "cy"), {"Ann"}),
        (leaf("language", "has_not", "cy"), {"Bob", "Cai"}),
        (leaf("tag", "has", "BOARD"), {"Bob"}),
        (leaf("connection", "in", ["affected", "both"]), {"Bob"}),
        (leaf("rank", "is", "primary"), {"Bob"}),
        (leaf("rank", "is_not", "secondary"), {"Ann", "Bob", "Cai"}),
        (leaf("address", "has", "email"), {"Ann"}),
        (leaf("consent", "has", {"purpose": "survey", "channel": "email"}), {"Ann"}),
        (leaf("consent", "has_not", {"purpose": "survey", "channel": "email"}), {"Bob", "Cai"}),
    ],
)
def test_each_fact_is_found_by_its_rule(
    defined: Session, now: datetime, rule: dict[str, Any], names: set[str]
) -> None:
    """A10, SM5."""
    ann = person(
        defined, now, "Ann", zone="Europe/Kyiv", languages=["cy", "en"],
        attrs={"town": "Bangor", "age": 40, "born": "1980-05-05", "size": "Large",
               "likes": ["Tea", "Coffi"], "deaf": False},
    )  # fmt: skip
    bob = person(
        defined, now, "Bob", languages=["en"],
        attrs={"town": "Ŵ%_n", "age": 39.5, "born": "1990-01-02", "size": "Small", "likes": ["Coffi"]},
    )  # fmt: skip
    person(defined, now, "Cai", kind="group", attrs={"deaf": True})
    addresses.add(defined, now, ann.id, "email", "ann@example.org")
    addresses.retire(defined, addresses.add(defined, now, bob.id, "email", "bob@example.org"))
    people.tag(defined, bob.id, "Board")
    people.involve(defined, now, bob.id, PROGRAMME, connection="both", rank="primary")
    told = {"source": "form", "actor": "usr"}
    consent.give(defined, now, ann.id, "survey", "email", basis="consent", **told)  # type: ignore[arg-type]
    consent.give(defined, now, bob.id, "survey", "email", basis="consent", **told)  # type: ignore[arg-type]
    consent.withdraw(defined, now, bob.id, "survey", "email", **told)  # type: ignore[arg-type]
    assert inside(defined, now, rule) == names
    assert inside(defined, now, {"not": rule}) == {"Ann", "Bob", "Cai"} - names


def test_membership_counts_on_the_day_that_is_asked_about(session: Session, now: datetime) -> None:
    """A2, A11: re-evaluated at a stated moment."""
    body = person(session, now, "Cyngor", kind="organisation")
    ann, bob = person(session, now, "Ann"), person(session, now, "Bob")
    people.join(session, ann.id, body.id, "", date(2026, 1, 1), now.date())
    people.join(session, bob.id, body.id, "", now.date() + timedelta(days=1))
    rule = leaf("member_of", "has", public_id("stk", body.id))
    assert inside(session, now, rule) == {"Ann"}
    assert inside(session, now + timedelta(days=1), rule) == {"Bob"}


def test_a_permission_that_has_ended_is_not_had(session: Session, now: datetime) -> None:
    ann = person(session, now, "Ann")
    consent.give(
        session, now, ann.id, "survey", "email", basis="consent", source="form", actor="usr",
        expires_at=now + timedelta(days=1),
    )  # fmt: skip
    rule = leaf("consent", "has", {"purpose": "survey", "channel": "email"})
    assert inside(session, now, rule) == {"Ann"}
    assert inside(session, now + timedelta(days=1), rule) == set()


def test_the_database_tells_the_moment_when_nobody_does(session: Session, now: datetime) -> None:
    person(session, now, "Ann")
    segment = segments.create(session, now, programme_id=PROGRAMME, name="all", rule=EVERYONE)
    assert segments.count(session, segment) == 1


@pytest.mark.parametrize(
    ("rule", "pointer"),
    [
        ([], "/rule"),
        ("all", "/rule"),
        ({}, "/rule"),
        ({"all": [], "any": []}, "/rule"),
        ({"any": []}, "/rule/any"),
        ({"all": {}}, "/rule/all"),
        ({"all": [{"field": "kind", "op": "is"}]}, "/rule/all/0"),
        ({"all": [EVERYONE, {"any": [leaf("attrs.twon", "is", "x")]}]}, "/rule/all/1/any/0/field"),
        ({"not": leaf("password", "is", "x")}, "/rule/not/field"),
        (leaf(7, "is", "x"), "/rule/field"),  # type: ignore[arg-type]
        (leaf("kind", "lt", "x"), "/rule/op"),
        (leaf("kind", ["is"], "x"), "/rule/op"),  # type: ignore[arg-type]
        (leaf("kind", "is", "robot"), "/rule/value"),
        (leaf("kind", "in", ["person", "robot"]), "/rule/value/1"),
        (leaf("kind", "in", []), "/rule/value"),
        (leaf("kind", "in", "person"), "/rule/value"),
        (leaf("attrs.age", "gt", "40"), "/rule/value"),
        (leaf("attrs.age", "gt", True), "/rule/value"),
        (leaf("attrs.age", "contains", "4"), "/rule/op"),
        (leaf("attrs.born", "gt", "yesterday"), "/rule/value"),
        (leaf("attrs.size", "is", "Huge"), "/rule/value"),
        (leaf("attrs.likes", "has", "Milk"), "/rule/value"),
        (leaf("attrs.town", "is", "a\x00"), "/rule/value"),
        (leaf("attrs.town", "exists", "yes"), "/rule/value"),
        (leaf("zone", "is", "EST"), "/rule/value"),
        (leaf("language", "has", "english"), "/rule/value"),
        (leaf("member_of", "has", "stk_1"), "/rule/value"),
        (leaf("member_of", "has", public_id("stk", 99)), "/rule/value"),
        (leaf("consent", "has", {"purpose": "survey"}), "/rule/value"),
        (leaf("consent", "has", {"purpose": "x", "channel": "email"}), "/rule/value/purpose"),
        (leaf("address", "has", "E-mail"), "/rule/value"),
        ({"all": [leaf("kind", "is", "person")] * 101}, "/rule/all"),
        ({"all": [{"any": [leaf("kind", "is", "person")] * 51}] * 2}, "/rule"),
    ],
)
def test_a_wrong_rule_is_refused_with_a_pointer_into_it(
    defined: Session, now: datetime, rule: Any, pointer: str
) -> None:
    """A10, R31."""
    with pytest.raises(BadRule) as refused:
        segments.create(defined, now, programme_id=PROGRAMME, name="test", rule=rule)
    assert refused.value.pointer == pointer
    assert defined.scalar(select(func.count()).select_from(Segment)) == 0


def test_a_rule_may_not_be_deep(session: Session, now: datetime) -> None:
    rule = EVERYONE
    for _ in range(7):
        rule = {"not": rule}
    assert segments.create(session, now, programme_id=PROGRAMME, name="deep", rule=rule).rule == rule
    for _ in range(2000):
        rule = {"not": rule}
    with pytest.raises(BadRule):
        segments.create(session, now, programme_id=PROGRAMME, name="deeper", rule=rule)


def test_a_near_miss_is_told_what_was_meant(defined: Session, now: datetime) -> None:
    with pytest.raises(BadRule, match=r"attrs\.town"):
        segments.create(defined, now, programme_id=PROGRAMME, name="x", rule=leaf("attrs.twon", "is", "x"))


def test_a_rule_is_as_wide_as_it_may_be(defined: Session, now: datetime) -> None:
    person(defined, now, "Ann", attrs={"age": 99})
    rule = {"any": [leaf("attrs.age", "is", number) for number in range(100)]}
    assert inside(defined, now, rule) == {"Ann"}


def test_a_body_of_another_programme_is_as_good_as_none(session: Session, now: datetime) -> None:
    """R33."""
    body = person(session, now, "Hidden", programme=8, kind="organisation")
    for wrong in (body.id, 99):
        with pytest.raises(BadRule, match="no such body in this programme"):
            rule = leaf("member_of", "has", public_id("stk", wrong))
            segments.create(session, now, programme_id=PROGRAMME, name="x", rule=rule)


def test_members_are_picked_by_hand(session: Session, now: datetime) -> None:
    ann, bob, other = (
        person(session, now, "Ann"),
        person(session, now, "Bob"),
        person(session, now, "Cai", programme=8),
    )
    picked = segments.create(session, now, programme_id=PROGRAMME, name="Board")
    segments.pick(session, picked, [bob.id, ann.id, bob.id])
    segments.pick(session, picked, [ann.id])
    assert [one.name for one in segments.members(session, picked)] == ["Ann", "Bob"]
    with pytest.raises(NotFound) as refused:
        segments.pick(session, picked, [ann.id, other.id])
    assert refused.value.pointer == "/stakeholders/1"
    told = segments.explain(session, picked, ann.id)
    assert told == {"member": True, "active": True, "involved": True, "picked": True}
    segments.unpick(session, picked, [ann.id, other.id])
    assert segments.explain(session, picked, ann.id)["picked"] is False
    assert segments.count(session, picked) == 1
    with pytest.raises(BadRule):
        segments.change(session, picked, now, rule=EVERYONE)


def test_in_a_great_programme_a_group_is_told_as_the_clock_last_counted_it(
    session: Session, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody = segments.create(session, now, programme_id=PROGRAMME, name="All", rule=EVERYONE)
    person(session, now, "Ann")
    assert segments.told(session, now, everybody) == (1, None)
    segments.recount(session, now, everybody)
    session.refresh(everybody)
    person(session, now, "Bob")
    assert segments.told(session, now, everybody) == (2, None)
    monkeypatch.setattr(segments, "COUNTED_AT_ONCE", 1)
    assert segments.told(session, now, everybody) == (1, now)


def test_members_of_a_rule_cannot_be_picked(session: Session, now: datetime) -> None:
    segment = segments.create(session, now, programme_id=PROGRAMME, name="All", rule=EVERYONE)
    for change in (segments.pick, segments.unpick):
        with pytest.raises(BadField):
            change(session, segment, [1])


def test_members_come_in_pages(session: Session, now: datetime) -> None:
    """J3."""
    ids = [person(session, now, f"P{number}").id for number in range(5)]
    segment = segments.create(session, now, programme_id=PROGRAMME, name="All", rule=EVERYONE)
    first = segments.members(session, segment, 0, 3)
    rest = segments.members(session, segment, first[-1].id, 3)
    assert [one.id for one in [*first, *rest]] == ids


def test_a_changed_rule_has_another_digest(session: Session, now: datetime) -> None:
    segment = segments.create(session, now, programme_id=PROGRAMME, name="All", rule=EVERYONE)
    before = segment.rule_sha256
    segments.change(session, segment, now, name="All of them")
    assert (segment.rule_sha256, segment.version) == (before, 2)
    segments.change(session, segment, now, rule=leaf("kind", "is", "person"))
    assert (segment.rule_sha256 != before, segment.version) == (True, 3)
    segments.change(session, segment, now, rule=leaf("kind", "is", "person"))
    assert segment.version == 3
    with pytest.raises(BadField):
        segments.change(session, segment, now, kind="picked")
    segments.archive(session, now, segment)
    assert segment.state == "archived"


def test_an_explanation_tells_each_part_and_the_fact_behind_it(defined: Session, now: datetime) -> None:
    """A11."""
    ann = person(defined, now, "Ann", attrs={"town": "Bangor"}, languages=["en"])
    people.tag(defined, ann.id, "Board")
    rule = {
        "all": [
            leaf("attrs.town", "is", "bangor"),
            {"not": leaf("tag", "has", "board")},
            {"any": [leaf("language", "has", "cy")]},
        ]
    }
    segment = segments.create(defined, now, programme_id=PROGRAMME, name="x", rule=rule)
    assert segments.explain(defined, segment, ann.id) == {
        "member": False,
        "active": True,
        "involved": True,
        "rule": {
            "holds": False,
            "all": [
                {**leaf("attrs.town", "is", "bangor"), "holds": True, "fact": "Bangor"},
                {"holds": False, "not": {**leaf("tag", "has", "board"), "holds": True, "fact": ["Board"]}},
                {"holds": False, "any": [{**leaf("language", "has", "cy"), "holds": False, "fact": ["en"]}]},
            ],
        },
    }
    stranger = person(defined, now, "Bob", programme=8)
    told = segments.explain(defined, segment, stranger.id)
    assert (told["member"], told["involved"]) == (False, False)
    with pytest.raises(NotFound):
        segments.explain(defined, segment, 1)


def test_every_fact_can_be_shown(defined: Session, now: datetime) -> None:
    body = person(defined, now, "Cyngor", kind="organisation")
    ann = person(defined, now, "Ann")
    people.join(defined, ann.id, body.id, "clerk", date(2026, 1, 1))
    addresses.add(defined, now, ann.id, "email", "ann@example.org")
    consent.give(defined, now, ann.id, "survey", "email", basis="consent", source="form", actor="usr")
    permission = {"purpose": "survey", "channel": "email"}
    rule = {
        "all": [
            leaf("member_of", "has", public_id("stk", body.id)), leaf("address", "has", "email"),
            leaf("consent", "has", permission), leaf("rank", "exists", False), leaf("connection", "is", "involved"),
            leaf("kind", "is", "person"), leaf("name", "is", "ann"), leaf("zone", "exists", False),
        ]
    }  # fmt: skip
    segment = segments.create(defined, now, programme_id=PROGRAMME, name="x", rule=rule)
    told = segments.explain(defined, segment, ann.id, now=now)
    assert told["member"]
    assert [part["fact"] for part in told["rule"]["all"]] == [
        [{"name": "Cyngor", "role": "clerk", "from_on": "2026-01-01", "to_on": None}],
        ["email"],
        [{**permission, "act": "given", "at": now.isoformat(), "expires_at": None}],
        None,
        "involved",
        "person",
        "Ann",
        None,
    ]


def test_a_later_room_can_add_a_fact(session: Session, now: datetime) -> None:
    """A11: segments on engagement."""
    notes = facts.Fact(
        {"has": lambda _scope, value, pointer: fields.boolean(value, pointer)},
        lambda _scope, _op, value: (facts.INVOLVED.note != "") == value,
        lambda scope, number: scope.session.get_one(Involvement, (number, scope.programme_id)).note,
    )
    segments.register_fact("noted_in_tests", notes)
    try:
        ann = person(session, now, "Ann")
        person(session, now, "Bob")
        people.involve(session, now, ann.id, PROGRAMME, note="met")
        assert inside(session, now, leaf("noted_in_tests", "has", True)) == {"Ann"}
        with pytest.raises(ValueError, match="already"):
            segments.register_fact("noted_in_tests", notes)
    finally:
        del facts._FACTS["noted_in_tests"]


# The same rows as a plain Python reading, over odd data too: values that other software may have left in the JSON.

ODD: list[Any] = [
    None,
    True,
    False,
    0,
    2,
    2.5,
    -1,
    10**14,
    "2.0",
    "true",
    "",
    "tea",
    [],
    ["tea"],
    {"tea": 1},
    "Ŵ",
    "ŵ",
]
TEXTS = ["tea", "Tea", "TEA", "te", "ŵ", "Ŵ", "2", "2.0", "%", "_", "true", "K", "İ"]
DAYS = ["1999-12-31", "2000-01-01", "2000-01-02"]
NUMBERS = [-1, 0, 2, 2.5, 0.1, 1e14, 3]

people_drawn = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["person", "group"]),
        "name": st.sampled_from(["Tea", "ŵyn", "Ŵyn", "a%b", "a_b", "K"]),
        "zone": st.sampled_from([None, "Europe/London", "Asia/Riyadh"]),
        "languages": st.lists(st.sampled_from(["cy", "en", "ar"]), max_size=3, unique=True),
        "attrs": st.fixed_dictionaries(
            {}, optional={
                "town": st.sampled_from([*TEXTS, *ODD]), "age": st.sampled_from([*NUMBERS, *ODD]),
                "born": st.sampled_from([*DAYS, *ODD]), "size": st.sampled_from(["Small", "Large", *ODD]),
                "likes": st.sampled_from([["Tea"], ["Tea", "Coffi"], *ODD]), "deaf": st.sampled_from(ODD),
            },
        ),
        "connection": st.sampled_from(["involved", "affected", "both"]),
        "rank": st.sampled_from([None, "primary", "secondary"]),
        "tags": st.lists(st.sampled_from(["tea", "ŵ"]), max_size=2, unique=True),
    }
)  # fmt: skip
texts = st.sampled_from(TEXTS)
comparisons = ("is", "is_not", "lt", "le", "gt", "ge")
leaves_drawn = st.one_of(
    st.builds(
        leaf,
        st.sampled_from(["attrs.town", "name"]),
        st.sampled_from(["is", "is_not", "contains", "starts_with"]),
        texts,
    ),
    st.builds(
        leaf,
        st.just("attrs.town"),
        st.sampled_from(["in", "not_in"]),
        st.lists(texts, min_size=1, max_size=3),
    ),
    st.builds(leaf, st.just("attrs.age"), st.sampled_from(comparisons), st.sampled_from(NUMBERS)),
    st.builds(leaf, st.just("attrs.born"), st.sampled_from(comparisons), st.sampled_from(DAYS)),
    st.builds(
        leaf, st.just("attrs.size"), st.sampled_from(["is", "is_not"]), st.sampled_from(CHOICES["size"])
    ),
    st.builds(
        leaf, st.just("attrs.likes"), st.sampled_from(["has", "has_not"]), st.sampled_from(CHOICES["likes"])
    ),
    st.builds(leaf, st.just("attrs.deaf"), st.sampled_from(["is", "is_not"]), st.booleans()),
    st.builds(
        leaf,
        st.sampled_from([f"attrs.{name}" for name in TYPES] + ["zone", "rank"]),
        st.just("exists"),
        st.booleans(),
    ),
    st.builds(leaf, st.just("kind"), st.sampled_from(["is", "is_not"]), st.sampled_from(["person", "group"])),
    st.builds(leaf, st.just("zone"), st.sampled_from(["is", "is_not"]), st.just("Europe/London")),
    st.builds(
        leaf, st.just("language"), st.sampled_from(["has", "has_not", "first"]), st.sampled_from(["cy", "en"])
    ),
    st.builds(leaf, st.just("connection"), st.sampled_from(["is", "is_not"]), st.just("both")),
    st.builds(leaf, st.just("rank"), st.sampled_from(["is", "is_not"]), st.just("primary")),
    st.builds(leaf, st.just("tag"), st.sampled_from(["has", "has_not"]), st.sampled_from(["TEA", "Ŵ"])),
)
rules_drawn = st.recursive(
    leaves_drawn,
    lambda rules: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(rules, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(rules, min_size=1, max_size=3)),
        st.builds(lambda part: {"not": part}, rules),
    ),
    max_leaves=6,
).filter(lambda rule: depth(rule) <= 8)


def depth(rule: dict[str, Any]) -> int:
    branches = [rule["not"]] if "not" in rule else rule.get("all", rule.get("any", []))
    return 1 + max(map(depth, branches), default=0)


def holds(rule: dict[str, Any], who: dict[str, Any]) -> bool:
    """What a rule means, read in Python alone."""
    if "all" in rule:
        return all(holds(part, who) for part in rule["all"])
    if "any" in rule:
        return any(holds(part, who) for part in rule["any"])
    if "not" in rule:
        return not holds(rule["not"], who)
    op = rule["op"]
    if op in ("is_not", "not_in", "has_not"):
        return not holds({**rule, "op": op.removesuffix("_not").removeprefix("not_")}, who)
    return _leaf_holds(rule["field"], op, rule["value"], who)


def _leaf_holds(name: str, op: str, value: Any, who: dict[str, Any]) -> bool:
    if name == "tag":
        return fold(value) in who["tags"]
    if name == "language":
        return value in who["languages"][: 1 if op == "first" else None]
    if not name.startswith("attrs."):
        fact = fold(who[name]) if name == "name" else who[name]
        return _compares(fact, op, fold(value) if name == "name" else value)
    type = TYPES[name.removeprefix("attrs.")]
    fact = who["attrs"].get(name.removeprefix("attrs."))
    kinds: dict[str, Any] = {"number": (int, float), "bool": bool, "multi": list}
    if not isinstance(fact, kinds.get(type, str)) or (type == "number" and isinstance(fact, bool)):
        fact = None
    if type in ("text", "choice") and fact is not None:
        fact = fold(fact)
        value = value if op == "exists" else [fold(one) for one in value] if op == "in" else fold(value)
    if type == "multi" and op == "has":
        return fold(value) in [fold(one) for one in fact or []]
    return _compares(fact, op, value)


def _compares(fact: Any, op: str, value: Any) -> bool:
    if op == "exists":
        return (fact is not None) is value
    if fact is None:
        return False
    answers: dict[str, Callable[[], bool]] = {
        "is": lambda: bool(fact == value), "in": lambda: fact in value, "lt": lambda: bool(fact < value),
        "le": lambda: bool(fact <= value), "gt": lambda: bool(fact > value), "ge": lambda: bool(fact >= value),
        "contains": lambda: value in fact, "starts_with": lambda: bool(fact.startswith(value)),
    }  # fmt: skip
    return answers[op]()


def odd_fold(value: Any) -> Any:
    """As attrs_fold would hold it, whatever the value is."""
    if isinstance(value, list):
        return [fold(one) for one in value]
    return fold(value) if isinstance(value, str) else value


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn=st.lists(people_drawn, min_size=1, max_size=5), rule=rules_drawn)
def test_a_rule_finds_on_both_databases_whom_it_finds_in_python(
    database: Database, drawn: list[dict[str, Any]], rule: dict[str, Any]
) -> None:
    """A10."""
    now = datetime.fromisoformat("2026-11-02T09:00:00+00:00")
    with database.sessions() as session:
        define(session, now)
        expected = {}
        for one in drawn:
            own = {name: one[name] for name in ("kind", "name", "zone", "languages")}
            made = people.create(session, now, **own)
            made.attrs = one["attrs"]
            made.attrs_fold = {name: odd_fold(value) for name, value in one["attrs"].items()}
            people.involve(session, now, made.id, PROGRAMME, connection=one["connection"], rank=one["rank"])
            for tag in one["tags"]:
                people.tag(session, made.id, tag)
            expected[made.id] = holds(rule, one)
        segment = segments.create(session, now, programme_id=PROGRAMME, name="drawn", rule=rule)
        found = set(session.scalars(segments.select_ids(session, segment, now=now)))
        assert found == {number for number, held in expected.items() if held}
        assert segments.count(session, segment, now=now) == len(found)
        for number, held in expected.items():
            told = segments.explain(session, segment, number, now=now)
            assert (told["member"], told["rule"]["holds"]) == (held, held)
        session.rollback()


def test_a_rule_that_asks_what_nobody_knows_any_more_keeps_no_other_group_waiting(
    session: Session, now: datetime
) -> None:
    broken, whole = (
        segments.create(session, now, programme_id=PROGRAMME, name=name, rule=leaf("kind", "is", "person"))
        for name in ("Broken", "Whole")
    )
    broken.rule = {"field": "gone", "op": "is", "value": "x"}
    session.flush()
    segments.recount_oldest(session, now)
    segments.recount_oldest(session, now)
    session.refresh(whole)
    assert broken.counted is None and broken.counted_at == now and whole.counted == 0
