"""Groups: the rule builder as a form, who is in and why, picked people, and the number in the list."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from campaigns.base import public_id
from campaigns.stakeholders import fields, people, segments
from campaigns.stakeholders.tables import Segment
from service.pages import rule_form
from service.wiring import Wiring

from .conftest import Browser, Browsers
from .test_people import programme, somebody


def row(path: str, field: str, op: str, value: Any, **more: str) -> dict[str, Any]:
    return {f"{path}.field": field, f"{path}.op": op, f"{path}.value": value} | more


def group(wiring: Wiring, programme_id: int, name: str, rule: Any = None) -> int:
    with wiring.database.write() as session:
        return segments.create(session, wiring.now(), programme_id=programme_id, name=name, rule=rule).id


def leaf(field: str, op: str, value: Any) -> dict[str, Any]:
    return {"field": field, "op": op, "value": value}


def stored(wiring: Wiring) -> Segment:
    with wiring.database.read() as session:
        return session.scalars(select(Segment)).one()


def test_a_rule_is_put_together_row_by_row_and_saved(browser: Browser, wiring: Wiring, general: int) -> None:
    """A10: no query language; a box inside a box."""
    somebody(wiring, general, "Ann", languages=["cy"])
    somebody(wiring, general, "Bob", languages=["en"])
    page = browser.get("/groups/new")
    assert "All of these are true" in page and "Fill in every condition" in page
    form: dict[str, Any] = {
        "name": "Welsh",
        "programme_id": public_id("prg", general),
        "r.join": "all",
        "r.n": "1",
    }
    first: dict[str, Any] = row("r.0", "language", "has", "cy")
    answer = browser.post("/groups/new", status=200, do="box:r", **form, **first)
    assert 'name="r.1.join"' in answer.text and 'name="r.1.1.field"' in answer.text
    inner: dict[str, Any] = {"r.1.join": "none", "r.1.n": "1", **row("r.1.0", "kind", "is", "organisation")}
    answer = browser.post("/groups/new", status=200, do="look", **{**form, "r.n": "2"}, **first, **inner)
    assert re.search(r'class="big num">1<', answer.text) and "Ann" in answer.text and "Bob" not in answer.text
    shown = browser.done("/groups/new", do="save", **{**form, "r.n": "2"}, **first, **inner)
    assert "1 is in now" in shown and "None of these is true" in shown
    made = stored(wiring)
    assert made.rule == {
        "all": [leaf("language", "has", "cy"), {"not": {"any": [leaf("kind", "is", "organisation")]}}]
    }
    assert made.counted == 1
    assert "counted" in browser.get("/groups")


def test_looking_keeps_nothing(browser: Browser, wiring: Wiring, general: int) -> None:
    form: dict[str, Any] = {
        "name": "X",
        "programme_id": public_id("prg", general),
        "r.join": "all",
        "r.n": "0",
    }
    browser.post("/groups/new", status=200, do="look", **form)
    assert "Make the first group" in browser.get("/groups")


def test_another_field_brings_its_own_operators(browser: Browser, wiring: Wiring, general: int) -> None:
    form: dict[str, Any] = {
        "name": "X",
        "programme_id": public_id("prg", general),
        "r.join": "all",
        "r.n": "1",
    }
    answer = browser.post("/groups/new", status=200, do="look", **form, **row("r.0", "name", "has", "cy"))
    assert '<option value="starts_with"' in answer.text and '<option value="first"' not in answer.text


def test_a_wrong_value_is_shown_at_its_row_and_what_was_typed_stays(
    browser: Browser, wiring: Wiring, general: int
) -> None:
    with wiring.database.write() as session:
        fields.define(session, wiring.now(), "age", "number")
    form: dict[str, Any] = {
        "name": "Old",
        "programme_id": public_id("prg", general),
        "r.join": "all",
        "r.n": "2",
    }
    rows: dict[str, Any] = row("r.0", "language", "has", "cy") | row("r.1", "attrs.age", "ge", "many")
    answer = browser.post("/groups/new", status=422, do="save", **form, **rows)
    wrong = answer.text[answer.text.index('class="leaf wrong"') :]
    assert 'value="many"' in wrong and "this must be a number" in answer.text
    answer = browser.post(
        "/groups/new", status=422, do="save", **{**form, "name": " "}, **row("r.0", "language", "has", "cy")
    )
    assert "this must not be empty" in answer.text


def test_a_row_and_a_box_are_taken_away(browser: Browser, wiring: Wiring, general: int) -> None:
    form: dict[str, Any] = {
        "name": "X",
        "programme_id": public_id("prg", general),
        "r.join": "any",
        "r.n": "2",
    }
    rows: dict[str, Any] = row("r.0", "tag", "has", "ysgol") | row("r.1", "tag", "has", "parent")
    answer = browser.post("/groups/new", status=200, do="drop:r.0", **form, **rows)
    assert 'value="parent"' in answer.text and 'value="ysgol"' not in answer.text


@pytest.mark.parametrize(
    "rule",
    [
        {"all": []},
        {"all": [leaf("tag", "has", "a")]},
        {"any": [leaf("kind", "in", ["person", "group"]), leaf("role", "exists", True)]},
        {"all": [leaf("consent", "has", {"purpose": "survey", "channel": "email"})]},
        {"any": [leaf("tag", "has", "a"), {"all": [leaf("rank", "exists", True), leaf("intent", "is", "unknown")]}]},
        {"not": {"any": [leaf("tag", "has", "a")]}},
        {"all": [leaf("attrs.age", "ge", 40), leaf("attrs.deaf", "is", False), leaf("attrs.born", "lt", "2000-01-01")]},
    ],
)  # fmt: skip
def test_a_rule_shown_as_a_form_says_the_same_again(
    rule: dict[str, Any], wiring: Wiring, general: int
) -> None:
    with wiring.database.write() as session:
        for name, type in (("age", "number"), ("deaf", "bool"), ("born", "date")):
            fields.define(session, wiring.now(), name, type)
        known = fields.every(session)
        found = segments.create(session, wiring.now(), programme_id=general, name="x", rule=rule).rule
        assert found is not None
        assert rule_form.rule(rule_form.shown(found), known) == found


@pytest.mark.parametrize(
    "rule",
    [
        leaf("tag", "has", "a"),
        {"not": leaf("tag", "has", "a")},
        {"not": {"all": [leaf("tag", "has", "a"), leaf("tag", "has", "b")]}},
        {"not": {"not": leaf("tag", "has", "a")}},
    ],
)
def test_a_rule_written_by_a_program_keeps_its_meaning_as_a_form(
    rule: dict[str, Any], wiring: Wiring, general: int
) -> None:
    with wiring.database.write() as session:
        now = wiring.now()
        for name, tags in (("None", ()), ("A", ("a",)), ("Both", ("a", "b"))):
            made = people.create(session, now, kind="person", name=name)
            people.involve(session, now, made.id, general)
            for tag in tags:
                people.tag(session, made.id, tag)
        one = segments.create(session, now, programme_id=general, name="x", rule=rule)
        again = segments.create(
            session,
            now,
            programme_id=general,
            name="y",
            rule=rule_form.rule(rule_form.shown(one.rule or {}), {}),
        )
        assert segments.members(session, one, now=now) == segments.members(session, again, now=now)


def test_why_somebody_is_in_or_out_is_told_part_by_part(
    browser: Browser, wiring: Wiring, general: int
) -> None:
    """A11."""
    ann = somebody(wiring, general, "Ann", languages=["cy"])
    somebody(wiring, general, "Bob")
    rule = {"all": [leaf("language", "has", "cy"), {"not": {"any": [leaf("role", "is", "critic")]}}]}
    page = f"/groups/{public_id('seg', group(wiring, general, 'Welsh', rule))}"
    shown = browser.get(page, who="bob")
    assert "Out" in shown and "Not true" in shown and "On their record:" in shown
    assert 'chip good">In<' in browser.get(page, who=public_id("stk", ann))
    assert "nobody is found by this" in browser.get(page, who="Nobody").lower()


def test_how_many_are_in_two_groups(browser: Browser, wiring: Wiring, general: int) -> None:
    somebody(wiring, general, "Ann", languages=["cy", "en"])
    somebody(wiring, general, "Bob", languages=["en"])
    one = group(wiring, general, "Welsh", leaf("language", "has", "cy"))
    other = group(wiring, general, "English", leaf("language", "has", "en"))
    asked: dict[str, Any] = {"with": public_id("seg", other)}
    shown = browser.get(f"/groups/{public_id('seg', one)}", **asked)
    assert re.search(r'<b class="num">1</b> is in both', shown)


def test_people_are_picked_and_taken_out(browser: Browser, wiring: Wiring, general: int) -> None:
    ann, bob = (somebody(wiring, general, name) for name in ("Ann", "Bob"))
    shown = browser.done("/groups/new", do="picked", name="Board", programme_id=public_id("prg", general))
    assert "Nobody has been picked yet" in shown
    page = f"/groups/{public_id('seg', stored(wiring).id)}"
    assert "2 are in now" in browser.done(page, do="add", names="ann\nBob")
    browser.post(page, do="add", names="Stranger", status=422)
    assert "1 is in now" in browser.done(page, do="drop", person=public_id("stk", ann))
    assert stored(wiring).counted == 1
    assert "Ann" in browser.get("/groups/gather", who=public_id("stk", ann))
    shown = browser.done(
        "/groups/gather", who=[public_id("stk", ann)], group=public_id("seg", stored(wiring).id)
    )
    assert "2 are in now" in shown
    assert bob


def test_a_group_of_another_programme_does_not_exist(browsers: Browsers, wiring: Wiring) -> None:
    here, elsewhere = programme(wiring, "Here"), programme(wiring, "Elsewhere")
    page = f"/groups/{public_id('seg', group(wiring, elsewhere, 'Theirs', {'all': []}))}"
    author = browsers("author", here)
    assert "Theirs" not in author.get("/groups")
    author.get(page, status=404)
    author.get(f"{page}/edit", status=404)
    author.post(f"{page}/edit", do="save", name="Mine", status=404)
    browsers("viewer", here).get("/groups/new", status=403)


def test_a_group_changed_meanwhile_is_not_overwritten(browser: Browser, wiring: Wiring, general: int) -> None:
    page = f"/groups/{public_id('seg', group(wiring, general, 'One', {'all': []}))}"
    form: dict[str, Any] = {"do": "save", "r.join": "all", "r.n": "0", "version": "1"}
    browser.post(f"{page}/edit", name="Two", **form)
    answer = browser.post(f"{page}/edit", name="Three", **form, status=422)
    assert "somebody changed this" in answer.text and 'value="Three"' in answer.text


def test_an_archived_group_leaves_the_list(browser: Browser, wiring: Wiring, general: int) -> None:
    page = f"/groups/{public_id('seg', group(wiring, general, 'Old news', {'all': []}))}"
    assert "Old news" not in browser.done(page, do="archive")
    assert "Old news" in browser.get("/groups", state="archived")


def test_the_clock_counts_the_group_whose_number_is_oldest(wiring: Wiring, general: int) -> None:
    somebody(wiring, general, "Ann")
    number = group(wiring, general, "All", {"all": []})
    now = wiring.now()
    with wiring.database.write() as session:
        segments.recount_oldest(session, now)
        assert session.get_one(Segment, number).counted == 1
    somebody(wiring, general, "Bob")
    with wiring.database.write() as session:
        segments.recount_oldest(session, now + timedelta(minutes=1))
        assert session.get_one(Segment, number).counted == 1
        segments.recount_oldest(session, now + segments.RECOUNT * 2)
        session.expire_all()
        assert session.get_one(Segment, number).counted == 2
