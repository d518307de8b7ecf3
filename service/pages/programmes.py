"""Programmes: the tree, and each as a working page with its plan and what is missing in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

from flask import Response, g, request

from campaigns.errors import BadField
from campaigns.strategies import programmes as domain
from campaigns.strategies.tables import ASSURANCES, PRIORITY_REACHES, RISK_KINDS, Programme

from .. import ids, words
from ..acts import names, plans, programmes
from . import frame
from . import tasks as todo

pages = frame.Pages("programmes")
WRITE = plans.WRITE


@pages.page("/programmes")
def listed() -> Response:
    """The tree of programmes, campaigns and plans."""
    return frame.show("programmes", tree=programmes.tree(frame.act()), horizon=domain.horizon)


@pages.page("/programmes/new", "GET", "POST")
def new() -> Response:
    """A programme, campaign or plan: its dates say which."""
    if request.method == "POST" and (made := frame.trying(_created)):
        return made
    return _form(None)


@pages.page("/programmes/<prg:number>/edit", "GET", "POST")
def edit(number: int) -> Response:
    """Its dates and its words."""
    if request.method == "POST" and (done := frame.trying(lambda: _changed(number))):
        return done
    found = programmes.get(frame.act(), number)
    frame.act().need(WRITE, number)
    return _form(found)


@pages.page("/programmes/<prg:number>", "GET", "POST")
def one(number: int) -> Response:
    """One programme with its plan, and what is missing in it."""
    if request.method == "POST":
        done = frame.trying(lambda: _acts().get(request.form.get("act", ""), _nothing)(number))
        if done is not None:
            return done
    act = frame.act()
    found = programmes.get(act, number)
    plan = plans.of(act, found)
    return frame.show(
        "programme", 422 if g.get("said") else 200, found=found, plan=plan, horizon=domain.horizon(found),
        above=programmes.name_of(act, found.parent_id) if frame.caller().sees(found.parent_id) else "",
        levels=ASSURANCES, kinds=RISK_KINDS, reaches=PRIORITY_REACHES, write=frame.may(WRITE, number),
        lowers=frame.may("users:admin", number), today=_today(),
        names=names.of(act, [one.objective.owner for one in plan.aims] + [one.owner for one in plan.risks]),
        **todo.beside("programme", number),
    )  # fmt: skip


@pages.page("/programmes/<prg:number>/wales", "GET", "POST")
def wales(number: int) -> Response:
    """The pack *Public body in Wales*: what it will do, then in one step."""
    if request.method == "POST" and (done := frame.trying(lambda: _adopted(number))):
        return done
    act = frame.act()
    found = programmes.get(act, number)
    act.need(WRITE, number)
    return frame.show(
        "programme_wales", 422 if g.get("said") else 200, found=found, plan=plans.of(act, found)
    )


@pages.page("/programmes/<prg:number>/objective", "GET", "POST")
def objective(number: int) -> Response:
    """A new objective."""
    if request.method == "POST" and (done := frame.trying(lambda: _aimed(number))):
        return done
    act = frame.act()
    found = programmes.get(act, number)
    act.need(WRITE, number)
    return frame.show(
        "objective", 422 if g.get("said") else 200, programme=found, found=None, aim=None, readings=[], write=True,
        colleagues=programmes.colleagues(act, number), today=_today(),
    )  # fmt: skip


@pages.page("/objectives/<obj:number>", "GET", "POST")
def aim(number: int) -> Response:
    """One objective: what its check misses, and how far it is."""
    if request.method == "POST" and (done := frame.trying(lambda: _reached(number))):
        return done
    act = frame.act()
    found = plans.objective(act, number)
    readings = plans.readings(act, found)
    return frame.show(
        "objective", 422 if g.get("said") else 200, programme=programmes.get(act, found.programme_id), found=found,
        aim=plans.aim(act, found), readings=readings, write=frame.may(WRITE, found.programme_id), today=_today(),
        colleagues=programmes.colleagues(act, found.programme_id), names=names.of(act, [one.by for one in readings]),
    )  # fmt: skip


def _form(found: Programme | None) -> Response:
    act = frame.act()
    choices = [
        one
        for one in programmes.choices(act, WRITE)
        if found is None or one[0] != ids.shown("programme", found.id)
    ]
    return frame.show(
        "programme_edit", 422 if g.get("said") else 200, found=found, choices=choices, top=frame.may(WRITE, None),
        levels=ASSURANCES, today=_today(), place=ids.shown("programme", found.parent_id) if found else None,
    )  # fmt: skip


def _created() -> Response:
    form = request.form
    made = programmes.create(
        frame.act(), name=form.get("name", ""), starts_on=_day("starts_on") or _today(), ends_on=_day("ends_on"),
        parent_id=ids.number("programme", form.get("parent_id")), assurance=form.get("assurance", ASSURANCES[0]),
    )  # fmt: skip
    return frame.go("pages_programmes.one", number=made.id, done="added")


def _changed(number: int) -> Response:
    form, act = request.form, frame.act()
    values: dict[str, Any] = {name: form.get(name, "") for name in ("name", *domain.PLAN)}
    values["starts_on"] = _day("starts_on") or programmes.get(act, number).starts_on
    values["ends_on"] = _day("ends_on")
    if "parent_id" in form:
        values["parent_id"] = ids.number("programme", form["parent_id"])
    programmes.change(act, number, _version(), **values)
    return frame.go("pages_programmes.one", number=number, done="saved")


def _acts() -> dict[str, Callable[[int], Response]]:
    return {
        "assurance": _assured,
        "policy": _policy,
        "risk": _risk,
        "close": lambda number: _risk_state(number, "closed"),
        "reopen": lambda number: _risk_state(number, "open"),
        "priority": _priority,
        "drop-priority": _dropped,
    }


def _nothing(number: int) -> Response:
    """A form that asks for nothing we know."""
    return frame.go("pages_programmes.one", number=programmes.get(frame.act(), number).id)


def _assured(number: int) -> Response:
    form = request.form
    programmes.change(
        frame.act(), number, _version(), assurance=form.get("assurance", ""), reason=form.get("reason", "")
    )
    return _back(number, "saved", "sure")


def _policy(number: int) -> Response:
    form = request.form
    chosen = [tag for tag in form.getlist("languages") if tag in words.LANGUAGES]
    plans.set_policy(frame.act(), number, languages=chosen, formats="formats" in form, cap=_cap())
    return _back(number, "saved", "policies")


def _cap() -> tuple[int, int] | None:
    """How many messages in how many days; none where both are empty."""
    typed_in = [request.form.get(name, "").strip() for name in ("cap_messages", "cap_days")]
    if not any(typed_in):
        return None
    try:
        return int(typed_in[0]), int(typed_in[1])
    except ValueError as error:
        wrong = "days" if typed_in[0].isdecimal() else "messages"
        raise BadField("say both numbers, or neither", pointer=f"/cap_{wrong}") from error


def _risk(number: int) -> Response:
    form = request.form
    plans.add_risk(
        frame.act(), number, **{name: form.get(name, "") for name in ("kind", "name", "mitigation")},
        likelihood=_grade("likelihood"), severity=_grade("severity"), due_on=_day("due_on"),
        owner=frame.caller().actor if "mine" in form else "",
    )  # fmt: skip
    return _back(number, "added", "risks")


def _risk_state(number: int, state: str) -> Response:
    plans.set_risk(frame.act(), number, ids.number("risk", request.form.get("risk")) or 0, state)
    return _back(number, "saved", "risks")


def _priority(number: int) -> Response:
    form = request.form
    suits = {"yes": True, "no": False}.get(form.get("suits", ""))
    plans.add_priority(
        frame.act(), number, suits=suits,
        **{name: form.get(name, "") for name in ("name", "reach", "raised_by", "evidence", "reason")},
    )  # fmt: skip
    return _back(number, "added", "priorities")


def _dropped(number: int) -> Response:
    plans.remove_priority(frame.act(), number, ids.number("priority", request.form.get("priority")) or 0)
    return _back(number, "removed", "priorities")


def _adopted(number: int) -> Response:
    form, period = request.form, None
    begins, ends = _day("quiet_from"), _day("quiet_until")
    if begins is not None or ends is not None:
        if begins is None or ends is None:
            raise BadField("a quiet period needs both days, or none", pointer="/quiet_from")
        zone = frame.reader_zone()
        period = {
            "name": form.get("quiet_name", ""), "reason": form.get("quiet_name", ""), "except_service": True,
            "from_at": datetime.combine(begins, time(), zone),
            "until_at": datetime.combine(ends + timedelta(days=1), time(), zone),
        }  # fmt: skip
    plans.adopt_wales(frame.act(), number, period)
    return _back(number, "saved", "policies")


def _aimed(number: int) -> Response:
    made = plans.add_objective(frame.act(), number, **_aim_values())
    return frame.go("pages_programmes.aim", number=made.id, done="added")


def _reached(number: int) -> Response:
    act, form = frame.act(), request.form
    chosen = form.get("act", "")
    if chosen == "archive":
        found = plans.archive_objective(act, number)
        return _back(found.programme_id, "archived", "objectives")
    if chosen == "read":
        value = _number("value")
        if value is None:
            raise BadField("write the value that was read", pointer="/value")
        plans.read(act, number, on=_day("on") or _today(), value=value, note=form.get("note", ""))
    else:
        plans.change_objective(act, number, _version(), **_aim_values())
    return frame.go("pages_programmes.aim", number=number, done="saved")


def _aim_values() -> dict[str, Any]:
    values: dict[str, Any] = {
        name: request.form.get(name, "") for name in ("name", "metric", "unit", "goal", "achievable", "owner")
    }
    return values | {
        "baseline": _number("baseline"), "target": _number("target"), "deadline_on": _day("deadline_on"),
    }  # fmt: skip


def _day(name: str) -> date | None:
    text = request.form.get(name, "")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise BadField("this is no date: choose a day", pointer=f"/{name}") from None


def _number(name: str) -> float | None:
    text = request.form.get(name, "").strip().replace(",", ".")
    try:
        return float(text) if text else None
    except ValueError:
        raise BadField("this must be a number", pointer=f"/{name}") from None


def _grade(name: str) -> int:
    text = request.form.get(name, "")
    return int(text) if text in ("1", "2", "3", "4", "5") else 0


def _version() -> int | None:
    text = request.form.get("version", "")
    return int(text) if text.isdecimal() and len(text) < 10 else None


def _today() -> date:
    return frame.wiring().now().astimezone(frame.reader_zone()).date()


def _back(number: int, done: str, place: str) -> Response:
    return frame.go("pages_programmes.one", number=number, done=done, _anchor=place)
