"""The times of a message that recurs: each with what came of it, to be moved or called off by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Response, g, request

from campaigns.messages.tables import Message, Timing

from .. import ids
from ..acts import listing, messages, times
from . import frame

pages = frame.Pages("times")
OWN = "own"
# What is offered by name; any other rule is written out.
RULES = (
    "FREQ=DAILY",
    "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
    "FREQ=WEEKLY",
    "FREQ=WEEKLY;INTERVAL=2",
    "FREQ=MONTHLY",
    "FREQ=YEARLY",
)


@dataclass(frozen=True, slots=True)
class Apart:
    """A rule as a form shows it: the one that is chosen, what is written out, and its last day."""

    chosen: str
    written: str
    until: date | None


@pages.page("/messages/<msg:number>/times", "GET", "POST")
def listed(number: int) -> Response:
    """Every time it goes out: what came of those that are over, and what may be done with those that come."""
    if request.method == "POST" and (done := frame.trying(lambda: _changed(number))):
        return done
    act = frame.act()
    message = messages.get(act, number)
    timing = messages.shown(act, message).timing
    return frame.show(
        "message_times", 422 if g.get("said") else 200, message=message, times=times.listed(act, number),
        called=listing.called(act, [message.id])[message.id], timing=timing, apart=apart(timing),
        roll_outs=times.roll_outs(act, number),
    )  # fmt: skip


def rule_of(form: Mapping[str, str]) -> str | None:
    """The rule that a form says: one offered by name, or written out, with the last day of it; None: once."""
    chosen = form.get("repeats", "")
    rule = form.get("timing", "").strip() if chosen == OWN else chosen
    until = form.get("until", "").replace("-", "")
    return f"{rule};UNTIL={until}" if rule and until else rule or None


def timing_of(form: Mapping[str, str]) -> dict[str, Any]:
    """What a form says of how a message goes out over time."""
    clock = form.get("whose", "")
    policy = form.get("missed") or "late"
    return {
        "rule": rule_of(form),
        "after_id": None,
        "own_zone": bool(clock),
        "missed": policy,
        "first_share": _number(form, "first"),
        "then_s": (_number(form, "then") or 1) * 3600,
        **({"passed": clock} if clock else {}),
    }


def untimed(form: Mapping[str, str]) -> dict[str, Any]:
    """What a form without a time says: what it follows up, if anything."""
    days, before = _number(form, "days"), ids.number("message", form.get("after"))
    asked = {"asks": form.get("asks", ""), "after_s": (days or 7) * 86_400} if before else {}
    return {"rule": None, "own_zone": False, "after_id": before, **asked}


def earlier(message: Message) -> list[tuple[str, str]]:
    """What a message may follow up, by id and name."""
    act = frame.act()
    found = times.before(act, message)
    names = listing.called(act, [one.id for one in found])
    return [(str(ids.shown("message", one.id)), names[one.id].title) for one in found]


def apart(timing: Timing | None) -> Apart:
    """The rule of a message as its form shows it."""
    parts = [one for one in (timing.rule or "" if timing else "").split(";") if one]
    until = next((date.fromisoformat(one[6:14]) for one in parts if one.startswith("UNTIL=")), None)
    rest = ";".join(one for one in parts if not one.startswith("UNTIL="))
    return Apart(rest, "", until) if rest in ("", *RULES) else Apart(OWN, rest, until)


def _number(form: Mapping[str, str], name: str) -> int | None:
    typed_in = form.get(name, "").strip()
    return int(typed_in) if typed_in.isascii() and typed_in.isdigit() and len(typed_in) < 6 else None


def _changed(number: int) -> Response:
    form, act = request.form, frame.act()
    one = ids.number("occurrence", form.get("time")) or 0
    if form.get("act") == "go_on":
        times.go_on(act, number, one)
        return frame.go("pages_times.listed", "resumed", number=number)
    if form.get("act") == "call_off":
        times.call_off(act, number, one)
        return frame.go("pages_times.listed", "called-off", number=number)
    local = {"local": form.get("local", ""), "zone": frame.reader_zone().key}
    times.move(act, number, one, send_at=local)
    return frame.go("pages_times.listed", "moved", number=number)
