"""The inbox: what came back on every channel, whom it waits for and until when, and the answer to it."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from zoneinfo import ZoneInfo

from flask import Response, g, request

from campaigns.base import parse_id
from campaigns.errors import BadField, BadId, BadTime, DomainError, Stale
from campaigns.responses import desk, promise
from campaigns.responses.tables import NO_ANSWER, SENTIMENTS

from .. import ids, paging, words
from ..acts import conversations, inbox, responses
from ..acts import programmes as programme_acts
from . import frame, typed
from . import tasks as todo

pages = frame.Pages("inbox")
COUNTED = ("mine", "nobody", "open", "called", "who", "kept", "snoozed")
CHANNEL_MAX = 32
MORNING = 9
# Why a row is left as it was when many are chosen, by the word that the address carries.
LEFT = {
    "taken": "a colleague has taken this in the meantime", "closed": "this is closed already",
    "open": "this is open already", "urgent": "this is marked as urgent already",
    "nobody": "no person wrote this: there is nothing to deal with",
}  # fmt: skip
OTHER = "other"
NUMBER = re.compile(r"[1-9][0-9]{0,2}", re.ASCII)
# Seven days from a Monday on, to name the days of the week by.
WEEK = [date(2024, 1, 1 + number) for number in range(7)]


@pages.page("/inbox", "GET")
def listed() -> Response:
    """One folder."""
    act, wanted = frame.act(), request.args.get("folder", "open")
    folder = wanted if wanted in desk.FOLDERS else "open"
    page = inbox.listed(
        act, folder=folder, language=request.args.get("in", "")[:CHANNEL_MAX],
        label=request.args.get("label", "")[:100], channel=request.args.get("channel", "")[:CHANNEL_MAX],
        newest=request.args.get("order") == "newest", limit=paging.LIMIT_DEFAULT,
        after=request.args.get("after"), before=request.args.get("before"),
    )  # fmt: skip
    lines = inbox.lines(act, page.rows)
    colleagues = inbox.colleagues(act, None, anywhere=True)
    return frame.show(
        "inbox", 422 if g.get("said") else 200, folder=folder, folders=desk.FOLDERS, lines=lines, page=page,
        counts=inbox.counts(act, COUNTED), colleagues=colleagues, me=act.caller.actor,
        names=inbox.names(act, _actors(lines)), labels=inbox.labels(act),
        languages_spoken=_languages(), reasons=NO_ANSWER, **_just_done(),
    )  # fmt: skip


@pages.page("/inbox", "POST")
def bulk() -> Response:
    """One act on every row that is checked."""
    act, form = frame.act(), request.form
    what = form.get("act", "")

    def done() -> Response:
        count, refused = inbox.bulk(act, _numbers(form.getlist("rsp")), what, **_bulk_values(what))
        if not count and refused:
            raise refused[0]
        return frame.see(_told(frame.inside(form.get("back", "/inbox")), count, refused))

    return frame.trying(done) or listed()


@pages.page("/inbox/<rsp:number>", "GET")
def one(number: int) -> Response:
    """One item, its conversation, and what can be done about it."""
    act = frame.act()
    found = conversations.read(act, number)
    response, language = found.line.response, found.language
    actors: list[str | None] = [one.by for one in found.said if one.kind != "theirs"]
    actors += [name for note, calls in found.notes for name in (note.by, *calls)]
    actors += [response.assignee, response.closed_by, response.urgent_by, response.sentiment_by]
    actors += [draft.by for draft in found.others]
    return frame.show(
        "inbox_one", 422 if g.get("said") else 200, item=found, response=response, me=act.caller.actor,
        names=inbox.names(act, actors), colleagues=_speaking(inbox.colleagues(act, response.programme_id), language),
        replies=inbox.saved_replies(act, language), labels=inbox.labels(act), reasons=NO_ANSWER,
        sentiments=SENTIMENTS, writing=[one for one in found.others if desk.at_it(act.now, one)],
        found_people=inbox.found_people(act, request.args.get("who", "")), writable=frame.may(
            inbox.WRITE, response.programme_id
        ), **todo.beside("response", number),
    )  # fmt: skip


@pages.page("/inbox/<rsp:number>", "POST")
def act_on(number: int) -> Response:
    """What a button of the item says."""
    what = request.form.get("act", "")
    if request.form.get("insert"):
        what = "insert"
    if what not in ACTS:
        raise BadField("there is no such act", pointer="/act")
    return frame.trying(lambda: ACTS[what](number)) or one(number)


@pages.page("/inbox/<rsp:number>/draft", "POST")
def draft(number: int) -> Response:
    """Keep what is being written, from a script in the page."""
    inbox.keep_draft(frame.act(), number, text=request.form.get("text", ""))
    return Response(status=204)


@pages.page("/inbox/replies", "GET")
def replies() -> Response:
    """The saved replies, by language."""
    act = frame.act()
    found = inbox.saved_replies(act)
    chosen = request.args.get("reply", "")
    return frame.show(
        "inbox_replies", 422 if g.get("said") else 200, replies=found,
        chosen=next((one for one in found if ids.shown("saved_reply", one.id) == chosen), None),
        programmes=_programmes(inbox.WRITE), everywhere=frame.may(inbox.WRITE, None),
        languages_spoken=_languages(),
    )  # fmt: skip


@pages.page("/inbox/replies", "POST")
def save_reply() -> Response:
    """Keep, change or remove one."""
    return frame.trying(_saved) or replies()


@pages.page("/inbox/promise", "GET")
def promised() -> Response:
    """What we promise, and how often we kept it."""
    act = frame.act()
    programme_id = _programme(request.args.get("programme", ""))
    desk_of = promise.Desk(act.session)
    return frame.show(
        "inbox_promise", 422 if g.get("said") else 200, report=inbox.report(act, programme_id),
        row=desk_of.row(programme_id), hours=desk_of.hours(programme_id), rules=promise.RULES,
        programmes=_programmes(inbox.READ), programme_id=programme_id,
        settable=frame.may(inbox.PLAN, programme_id), colleagues=inbox.colleagues(act, programme_id),
        mondays=WEEK,
    )  # fmt: skip


@pages.page("/inbox/promise", "POST")
def set_promise() -> Response:
    """Set the promise, its hours and who is told of urgent harm."""
    return frame.trying(_promised) or promised()


def _answer(number: int, *, keep_open: bool = False) -> Response:
    act, form = frame.act(), request.form
    again, known = bool(form.get("again")), form.get("known", "0")
    if not again and conversations.answered_meanwhile(act, number, int(known) if known.isdecimal() else 0):
        raise Stale("a colleague has just answered: read it first, then decide whether yours goes as well")
    if not form.get("text", "").strip():
        raise BadField("write the answer first", pointer="/text")
    responses.answer(act, number, text=form["text"], again=again, keep_open=keep_open)
    return frame.go("pages_inbox.one", number=number, done="sent")


def _stay(number: int, done: str = "saved") -> Response:
    return frame.go("pages_inbox.one", number=number, done=done)


def _take(number: int) -> Response:
    inbox.take(frame.act(), number)
    return _stay(number)


def _assign(number: int) -> Response:
    inbox.assign(frame.act(), number, user_id=inbox.user_id_of(request.form.get("assignee", "")))
    return _stay(number)


def _close(number: int) -> Response:
    inbox.close(frame.act(), number)
    return _stay(number, "closed")


def _no_answer(number: int) -> Response:
    why = request.form.get("why", "")
    if why not in NO_ANSWER:
        raise BadField("say why it needs no answer", pointer="/why")
    inbox.close(frame.act(), number, why=why)
    return _stay(number, "closed")


def _reopen(number: int) -> Response:
    inbox.reopen(frame.act(), number)
    return _stay(number)


def _snooze(number: int) -> Response:
    response = responses.get(frame.act(), number)
    inbox.snooze(frame.act(), number, until=_until(conversations.hours(frame.act(), response).zone))
    return _stay(number, "snoozed")


def _wake(number: int) -> Response:
    inbox.wake(frame.act(), number)
    return _stay(number)


def _urgent(number: int) -> Response:
    inbox.urgent(frame.act(), number)
    return _stay(number, "urgent")


def _stop(number: int) -> Response:
    inbox.stop_as_asked(frame.act(), number)
    return _stay(number)


def _not_urgent(number: int) -> Response:
    inbox.not_urgent(frame.act(), number)
    return _stay(number)


def _feel(number: int) -> Response:
    inbox.feel(frame.act(), number, sentiment=request.form.get("sentiment", ""))
    return _stay(number)


def _label(number: int) -> Response:
    inbox.label(frame.act(), number, name=request.form.get("label", ""))
    return _stay(number)


def _unlabel(number: int) -> Response:
    inbox.unlabel(frame.act(), number, name=request.form.get("name", ""))
    return _stay(number)


def _note(number: int) -> Response:
    call = inbox.user_id_of(request.form.get("call", ""))
    inbox.note(frame.act(), number, text=request.form.get("note", ""), call=call)
    return _stay(number, "added")


def _draft(number: int) -> Response:
    inbox.keep_draft(frame.act(), number, text=request.form.get("text", ""))
    return _stay(number)


def _insert(number: int) -> Response:
    reply = _id("rpl", request.form["insert"])
    inbox.insert(frame.act(), number, reply_id=reply, text=request.form.get("text", ""))
    return frame.go("pages_inbox.one", number=number, _anchor="f-text")


def _check(number: int) -> Response:
    user_id = inbox.user_id_of(request.form.get("checker", ""))
    if user_id is None:
        raise BadField("choose who is to look at it", pointer="/checker")
    inbox.ask_check(frame.act(), number, text=request.form.get("text", ""), user_id=user_id)
    return _stay(number)


def _match(number: int) -> Response:
    inbox.match(frame.act(), number, stakeholder_id=_id("stk", request.form.get("stakeholder", "")))
    return _stay(number, "matched")


def _match_new(number: int) -> Response:
    inbox.match_new(frame.act(), number, name=request.form.get("name", ""))
    return _stay(number, "matched")


def _undo(number: int) -> Response:
    inbox.undo_match(frame.act(), number)
    return _stay(number)


ACTS: dict[str, Any] = {
    "answer": _answer,
    "answer_open": lambda number: _answer(number, keep_open=True),
    "draft": _draft, "insert": _insert, "check": _check, "take": _take, "assign": _assign, "close": _close,
    "no_answer": _no_answer, "reopen": _reopen, "snooze": _snooze, "wake": _wake, "urgent": _urgent,
    "not_urgent": _not_urgent, "stop": _stop, "feel": _feel, "label": _label, "unlabel": _unlabel, "note": _note,
    "match": _match, "match_new": _match_new, "undo": _undo,
}  # fmt: skip


def _bulk_values(what: str) -> dict[str, Any]:
    form = request.form
    if what == "assign":
        return {"user_id": inbox.user_id_of(form.get("assignee", ""))}
    if what == "close":
        why = form.get("why", "")
        return {"why": why if why in NO_ANSWER else "done"}
    if what == "snooze":
        return {"until": _until(str(frame.reader_zone()))}
    return {"name": form.get("label", "")} if what == "label" else {}


def _told(back: str, count: int, refused: list[DomainError]) -> str:
    """The address to go back to, with how many it was done to, and for each reason to how many it was not."""
    place = urlsplit(back)
    kept = [one for one in parse_qsl(place.query) if one[0] not in frame.SAID_ONCE]
    whys = Counter(next((why for why, text in LEFT.items() if text == one.detail), OTHER) for one in refused)
    left = [("not", f"{number}-{why}") for why, number in sorted(whys.items())]
    return f"{place.path}?{urlencode([*kept, ('did', str(count)), *left])}"


def _just_done() -> dict[str, Any]:
    """What `_told` said, as numbers and our own words: an address is anybody's to write."""
    did = request.args.get("did", "")
    left = [one.partition("-") for one in request.args.getlist("not")]
    return {
        "did": int(did) if NUMBER.fullmatch(did) else 0,
        "left": [(int(number), LEFT.get(why, "")) for number, _, why in left if NUMBER.fullmatch(number)],
    }


def _until(zone: str) -> datetime:
    """The moment a form asks for: in three hours, tomorrow or on Monday morning, or one of its own."""
    form, now = request.form, frame.act().now
    chosen = form.get("for", "")
    if chosen == "3h":
        return now + timedelta(hours=3)
    if chosen in ("tomorrow", "monday"):
        local = now.astimezone(ZoneInfo(zone))
        days = 1 if chosen == "tomorrow" else 7 - local.weekday()
        morning = (local + timedelta(days=days)).replace(hour=MORNING, minute=0, second=0, microsecond=0)
        return morning
    try:
        wall = datetime.fromisoformat(form.get("until", ""))
    except ValueError:
        raise BadTime("choose until when", pointer="/until") from None
    return wall.replace(tzinfo=frame.reader_zone())


def _saved() -> Response:
    act, form = frame.act(), request.form
    reply = form.get("reply", "")
    given = {name: form.get(name, "") for name in ("name", "language", "text")}
    if form.get("act") == "remove":
        inbox.remove_reply(act, _id("rpl", reply))
        return frame.go("pages_inbox.replies", done="removed")
    if reply:
        inbox.change_reply(act, _id("rpl", reply), **given)
    else:
        inbox.save_reply(act, programme_id=_programme(form.get("programme", "")), **given)
    return frame.go("pages_inbox.replies", done="saved")


def _promised() -> Response:
    act, form = frame.act(), request.form
    programme = form.get("programme", "")
    inbox.set_promise(
        act, programme_id=_programme(programme), rules=form.get("rules", ""), zone=form.get("zone", ""),
        opens=typed.minutes("opens"), closes=typed.minutes("closes"), bank_holidays=form.get("bank_holidays", ""),
        weekdays=[int(one) for one in form.getlist("weekdays") if one in set("0123456")],
        days_off=form.get("days_off", "").split(), urgent_to=form.getlist("urgent_to"),
    )  # fmt: skip
    return frame.go("pages_inbox.promised", done="saved", programme=programme or None)


def _programmes(scope: str) -> list[Any]:
    act = frame.act()
    page = programme_acts.listed(act, limit=paging.LIMIT_MAX, after=None, before=None)
    return [one for one in page.rows if act.caller.may(scope, one.id)]


def _programme(text: str) -> int | None:
    return _id("prg", text) if text else None


def _id(prefix: str, text: str) -> int:
    try:
        return parse_id(prefix, text)
    except BadId:
        raise BadField("choose one from the list") from None


def _numbers(texts: list[str]) -> list[int]:
    return [_id("rsp", text) for text in texts]


def _languages() -> list[str]:
    """The languages answers go in, the reader's own first."""
    own = frame.reader_language()
    return [own, *(code for code in words.LANGUAGES if code != own)]


def _speaking(colleagues: list[Any], language: str) -> list[Any]:
    """Colleagues who work in this language first."""
    main = language.split("-")[0]
    return sorted(colleagues, key=lambda one: (one.language != main, one.name))


def _actors(lines: list[inbox.Line]) -> list[str | None]:
    return [name for line in lines for name in (line.response.assignee, *line.writing)]
