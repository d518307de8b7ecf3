"""Write: the shortest way from an empty page to a message. Whatever needs more than this has the message's own page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import regex
from flask import Response, g, request
from werkzeug.datastructures import MultiDict

from campaigns.errors import BadField, said
from campaigns.stakeholders.tables import Topic
from campaigns.strategies import programmes as rooms

from .. import ids, words
from ..acts import accounts, messages, programmes, stakeholders, topics, writing
from . import frame

pages = frame.Pages("write")
PRACTICE = "practice"
# Languages that are offered besides those that a message has already.
OFFERED = ("en", "cy", "ar", "fr", "de", "es", "pl", "pt", "ro", "uk", "ur", "bn", "pa", "so", "zh")
FOUND_MAX = 10
EVERYBODY = "everybody"
# What was typed as addresses: one by one, or each after the name of whoever has it.
_TYPED = regex.compile(r'"[^"]*"\s*<[^<>]+>|[^\s,;،<>@][^,;،\n<>@]*<[^<>]+>|[^\s,;،<>]+')


@pages.page("/write", "GET", "POST")
def write() -> Response:
    """To whom, through what, which words; then a test, a draft, or off it goes."""
    if (
        request.method == "POST"
        and request.form.get("act") not in ("find", "programme")
        and (done := frame.trying(_written))
    ):
        return done
    act = frame.act()
    held = request.form if request.method == "POST" else request.args
    programme_id = _programme(held)
    choice = writing.choice(act, programme_id)
    chosen = held.getlist("person") or held.getlist("to" if request.method == "GET" else "person")
    through = _through(held, choice)
    return frame.show(
        "write", 422 if g.get("said") else 200, choice=choice, practice=PRACTICE, found=_found(held.get("find", "")),
        people=writing.people_of(act, [number for one in chosen if (number := _person(one))]),
        programme=ids.shown("programme", programme_id), offered=OFFERED,
        assurance=next((one.assurance for one in choice.programmes if one.id == programme_id), "light"),
        strategies=[one for one in choice.strategies if one.programme_id == programme_id],
        topics=topics_of(programme_id),
        typed=held.get("to", "") if request.method == "POST" else _typed(held.get("to", "")),
        group=held.get("group", ""), through=through, content=held.get("language", ""),
        unreachable=accounts.out_of_reach(
            act, [one for one in choice.accounts if str(ids.shown("account", one.id)) in through]
        ),
        everybody=EVERYBODY, all_of_them=writing.nobody_grouped(act, programme_id), all_max=writing.EVERYBODY_MAX,
        home=programmes.name_of(act, programme_id) if programme_id else "",
        purpose=held.get("purpose") or writing.usual_purpose(act, programme_id),
    )  # fmt: skip


def addressed(form: MultiDict[str, str]) -> dict[str, Any]:
    """Who gets it and through what, as forms say it."""
    act = frame.act()
    numbers = [
        writing.practice(act).id if one == PRACTICE else ids.number("account", one) or 0
        for one in form.getlist("account")
        if one
    ]
    return {
        "to": [one.strip() for one in _TYPED.findall(form.get("to", "")) if one.strip()],
        "stakeholders": [
            number for one in form.getlist("person") if (number := ids.number("stakeholder", one))
        ],
        "segment": _group(form),
        "accounts": numbers,
        "strategy_id": ids.number("strategy", form.get("strategy")),
    }


def need_purpose(form: Mapping[str, str], values: Mapping[str, Any], programme_id: int | None) -> None:
    """What goes to a group is often news, and would go as service to those who want none, were nobody asked."""
    if values["segment"] is None or values["strategy_id"] is not None or form.get("purpose"):
        return
    if writing.usual_purpose(frame.act(), programme_id) == "service":
        raise BadField(
            "choose what it counts as: to a group that is often news, and those who want none get service and answers "
            "all the same",
            pointer="/purpose",
        )


def tested(number: int) -> Response:
    """After a test: what practice sent reaches no mailbox, so its message is shown in place of it."""
    practises = writing.practises(frame.act(), messages.get(frame.act(), number))
    return frame.go("pages_messages.one", "practised" if practises else "tested", number=number)


def topics_of(programme_id: int | None) -> list[Topic]:
    """What a message of this programme may be about, as its readers choose."""
    if programme_id is None or not frame.may(topics.READ, programme_id):
        return []
    return topics.of_programme(frame.act(), programme_id)


def _written() -> Response:
    form, act = request.form, frame.act()
    values, verb = addressed(form), form.get("act", "draft")
    if not values["accounts"]:
        raise BadField("choose through which connected account it goes", pointer="/account")
    if len(values["to"]) > messages.TO_MAX:
        raise BadField("these are too many addresses for one form: make a group of them", pointer="/to")
    bare = verb == "send" and not form.get("subject", "").strip() and not form.get("bare")
    if bare and writing.mails(act, values["accounts"]):
        raise BadField("a mail needs a subject: write one, or say that it goes without", pointer="/subject")
    need_purpose(form, values, ids.number("programme", form.get("programme")))
    made = messages.create(
        act, **values, programme_id=ids.number("programme", form.get("programme")),
        subject=form.get("subject", "").strip(), text=form.get("text", ""),
        language=form.get("language") or None, topic_id=ids.number("topic", form.get("topic")), draft=True,
        purpose=form.get("purpose") or None,
    )  # fmt: skip
    if verb == "test":
        messages.test_send(act, made.id, stakeholder=None, to=())
        return tested(made.id)
    if verb == "send" and _many(values):
        return frame.go("pages_messages.before", number=made.id)
    if verb == "send":
        messages.submit(act, made.id)
        return frame.go("pages_messages.one", "waits" if made.state == "waiting" else "sent", number=made.id)
    return frame.go("pages_messages.one", "saved", number=made.id)


def _many(values: Mapping[str, Any]) -> bool:
    """Whether more than one person would get it: then it goes from the page that says who."""
    return values["segment"] is not None or len(values["to"]) + len(values["stakeholders"]) > 1


def _group(form: Mapping[str, str]) -> int | None:
    """The group that was chosen; everybody is a group that is made when it is first chosen."""
    home = ids.number("programme", form.get("programme"))
    if form.get("group") != EVERYBODY or home is None:
        return ids.number("segment", form.get("group"))
    act = frame.act()
    name = words.tell(
        said("Everybody in {name}", name=programmes.name_of(act, home)), frame.reader_language()
    )
    return writing.everybody(act, home, name).id


def _programme(held: Mapping[str, str]) -> int | None:
    """The one chosen, else that of the group, else General where the reader writes there, else their first."""
    act = frame.act()
    known = [ids.number("programme", number) for number, _ in programmes.choices(act, "messages:write")]
    group = None if held.get("group") == EVERYBODY else ids.number("segment", held.get("group"))
    wishes = (ids.number("programme", held.get("programme")), writing.home_of(act, group))
    return next((one for one in (*wishes, rooms.GENERAL) if one in known), next(iter(known), None))


def _through(held: MultiDict[str, str], choice: writing.Choice) -> list[str]:
    """Accounts that are ticked: those chosen, else the usual mail account that works, else practice."""
    offered = {str(ids.shown("account", one.id)) for one in choice.accounts} | {PRACTICE}
    if kept := [one for one in held.getlist("account") if one in offered]:
        return kept
    mail = [one for one in choice.accounts if not one.broadcast and not one.test and one.state == "active"]
    if mail:
        return [str(ids.shown("account", writing.usual_account(frame.act(), mail).id))]
    trial = next((one for one in choice.accounts if one.test and not one.broadcast), None)
    return [str(ids.shown("account", trial.id)) if trial else PRACTICE] if trial or choice.practice else []


def _person(text: str) -> int | None:
    return ids.number("stakeholder", text) if text.startswith("stk_") else None


def _typed(text: str) -> str:
    """An address in the link that led here; a person in it is shown as somebody picked."""
    return "" if text.startswith("stk_") else text


def _found(named: str) -> list[Any]:
    if not named.strip():
        return []
    page = stakeholders.listed(
        frame.act(), limit=FOUND_MAX, after=None, before=None, state="active", name=named.strip()
    )
    return list(page.rows)
