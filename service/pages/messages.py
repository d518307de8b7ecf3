"""Messages: the list, one message with everything that stands round it, and who would get it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from zoneinfo import available_timezones

from flask import Response, g, request

from campaigns.delivery.tables import Account
from campaigns.messages.blockers import SIGNATURES
from campaigns.messages.tables import STATES, Message, Variant
from campaigns.stakeholders import files

from .. import ids, words
from ..acts import (
    Act,
    accounts,
    content,
    figures,
    listing,
    message_comments,
    messages,
    planning,
    programmes,
    relationships,
    writing,
)
from . import frame, times
from . import tasks as todo
from .write import OFFERED, addressed, need_purpose, tested, topics_of

pages = frame.Pages("messages")
LIST = 30
# People a page counts before it answers, here and on the page that says more; and those who wait for it.
LOOKED = 200
COUNTED = 600
COUNTED_WAITING = 20_000
FRAMED = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@pages.page("/messages")
def listed() -> Response:
    """What was written, newest first."""
    act, asked = frame.act(), request.args
    state = asked.get("state") if asked.get("state") in STATES else None
    kind = "answer" if asked.get("kind") == "answer" else "message"
    page = messages.listed(
        act, state=state, kind=kind, programme_id=ids.number("programme", asked.get("programme")), limit=LIST,
        after=asked.get("after"), before=asked.get("before"), newest_first=True,
    )  # fmt: skip
    return frame.show(
        "messages", page=page, rows=listing.told(act, page.rows), states=STATES, state=state, kind=kind,
        programmes=programmes.choices(act, "messages:read"),
    )  # fmt: skip


@pages.page("/messages/<msg:number>", "GET", "POST")
def one(number: int) -> Response:
    """One idea: its versions, what stands in its way, who gets it, and what may be done with it."""
    verb = DOES.get(request.form.get("act", ""))
    if request.method == "POST" and verb is not None and (done := frame.trying(lambda: verb(number))):
        return done
    act = frame.act()
    message = messages.get(act, number)
    through = writing.through(act, message)
    history, said = messages.approvals(act, number), message_comments.said_of(act, number)
    shown = messages.shown(act, message)
    summons = message_comments.summons(act, said)
    counted = _audience(number, message.state)
    actors = [message.author, *(one.by for one in history), *(one.by for one in said)]
    actors += [who for called in summons.values() for who in called]
    return framed(
        frame.show(
            "message", 422 if g.get("said") else 200, message=message,
            called=listing.called(act, [message.id])[message.id], shown=shown,
            standing=_standing(number, message.state), **_versions(act, message, through), through=through,
            unreachable=accounts.out_of_reach(act, through), odd=planning.odd(act, message),
            audience=counted, stops=_stops(counted),
            recipients=writing.recipients(act, message),
            choice=writing.choice(act, message.programme_id), strategy=writing.strategy_of(act, message),
            history=history, said_of=said, names=relationships.names(act, actors),
            item=content.get(act, message.content_id),
            zones=sorted(available_timezones()), apart=times.apart(shown.timing),
            earlier=times.earlier(message),
            tests=sum(1 for one in messages.occurrences(act, number) if one.kind == "test"),
            programme=programmes.name_of(act, message.programme_id), group=_group(message),
            topic=messages.topic_of(act, message), topics=topics_of(message.programme_id),
            came=figures.came(act, number) if message.started_at else None,
            summons=summons, colleagues=programmes.colleagues(act, message.programme_id), me=act.caller.actor,
            checkers=_checkers(act, message),
            **todo.beside("message", number),
        )
    )  # fmt: skip


def _versions(act: Act, message: Message, through: Sequence[Account]) -> dict[str, Any]:
    """What is written so far, how long each is and what goes with it, and the languages it could be written in too."""
    found, stale = writing.variants(act, message)
    written = {one.language for one in found}
    measured = [
        writing.measured(act, message, through, one.channel, one.language, subject=one.subject, text=one.text)
        for one in found
    ]
    return {
        "versions": found, "stale": stale, "bare": _bare(found), "measured": measured,
        "beside": {one.id: writing.beside(act, message, one.media or (), one.language) for one in found},
        "tags": sorted(dict.fromkeys((*OFFERED, *written)), key=lambda tag: tag in written),
    }  # fmt: skip


@pages.page("/messages/<msg:number>/audience")
def audience(number: int) -> Response:
    """Everybody counted: who would get it and who is left out, because of what."""
    act = frame.act()
    message, most = messages.get(act, number), COUNTED_WAITING if request.args.get("all") else COUNTED
    found = writing.audience(act, number, most=most)
    return frame.show(
        "message_audience", message=message,
        called=listing.called(act, [message.id])[message.id],
        audience=found, stops=_stops(found), most=most, longest=COUNTED_WAITING,
        group=writing.group_of(act, message),
    )  # fmt: skip


@pages.page("/messages/<msg:number>/figures.csv")
def told(number: int) -> Response:
    """All that networks ever told of its posts."""
    answer = Response(
        files.spreadsheet(figures.table(frame.act(), number)), content_type="text/csv; charset=utf-8"
    )
    name = f"{ids.shown('message', number)}-figures.csv"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@pages.page("/messages/<msg:number>/before")
def before(number: int) -> Response:
    """Who gets a draft and who does not, with the button that lets it go."""
    act = frame.act()
    message = messages.get(act, number)
    if message.state != "draft":
        return frame.see(f"/messages/{ids.shown('message', number)}")
    found, _ = writing.variants(act, message)
    counted = writing.audience(act, number, most=COUNTED)
    return frame.show(
        "message_before", stops=_stops(counted), message=message, called=listing.called(act, [message.id])[message.id],
        audience=counted, standing=_standing(number, message.state),
        odd=planning.odd(act, message), bare=_bare(found), group=_group(message),
        assurance=messages.shown(act, message).assurance, strategy=writing.strategy_of(act, message), names={},
    )  # fmt: skip


def framed(response: Response) -> Response:
    """A page that holds a frame of this installation."""
    response.headers["Content-Security-Policy"] = FRAMED
    return response


def _standing(number: int, state: str) -> list[dict[str, Any]]:
    """A draft waits for nobody's check yet: asking for it is the next step."""
    found = messages.standing(frame.act(), number)
    return [one for one in found if state != "draft" or one["kind"] not in SIGNATURES]


def _stops(audience: Any) -> dict[int, str]:
    """Why the first of those who are marked Do not contact are."""
    named = audience.names.get("suppressed", ()) if audience else ()
    return listing.stops_of(frame.act(), [key for key, _ in named])


def _bare(versions: Sequence[Variant]) -> list[Variant]:
    """Versions of a mail without a subject."""
    return [one for one in versions if one.channel == "email" and not one.subject]


def _audience(number: int, state: str) -> Any:
    """Counted only before anybody has a row: afterwards the ledger says it."""
    if state in ("draft", "waiting", "scheduled", "held"):
        return writing.audience(frame.act(), number, most=LOOKED)
    return None


def _group(message: Message) -> str:
    found = writing.group_of(frame.act(), message)
    return found.name if found is not None else ""


# --- what its buttons do ------------------------------------------------------------------------------------------


def _again(number: int, done: str, **more: Any) -> Response:
    return frame.go("pages_messages.one", done, number=number, **more)


def _submit(number: int) -> Response:
    message = messages.submit(frame.act(), number)
    return _again(number, "waits" if message.state == "waiting" else "sent")


def _decide(decision: str) -> Callable[[int], Response]:
    def done(number: int) -> Response:
        messages.decide(
            frame.act(), number, digest=request.form.get("digest", ""), decision=decision,
            reason=request.form.get("reason", ""),
        )  # fmt: skip
        return _again(number, decision)

    return done


def _urgent(number: int) -> Response:
    messages.urgent_go(
        frame.act(), number, digest=request.form.get("digest", ""), reason=request.form.get("reason", "")
    )
    return _again(number, "let-go")


def _schedule(number: int) -> Response:
    form = request.form
    if form.get("local"):
        # Nobody is sent at another hour than the one they read: a night when the clocks change is asked about.
        clock = form.get("clock", "")
        when = {
            "local": form["local"], "zone": form.get("zone", ""), "gap": "after" if clock == "after" else "refuse",
            "overlap": clock if clock in ("first", "second") else "refuse",
        }  # fmt: skip
        messages.change(frame.act(), number, None, send_at=when, timing=times.timing_of(form))
    else:
        messages.change(frame.act(), number, None, at=None, wall=None, zone=None, timing=times.untimed(form))
    return _again(number, "saved")


def _test(number: int) -> Response:
    stakeholder = ids.number("stakeholder", request.form.get("for"))
    messages.test_send(frame.act(), number, stakeholder=stakeholder, to=())
    return tested(number)


def _checkers(act: Act, message: Message) -> list[str]:
    """Who could check it, besides whoever reads the page: by name."""
    able = programmes.colleagues(act, message.programme_id, "messages:approve")
    return [name for who, name in able if who not in (act.caller.actor, message.author)]


def _pause(number: int) -> Response:
    messages.pause(frame.act(), number)
    return _again(number, "paused")


def _resume(number: int) -> Response:
    messages.resume(frame.act(), number)
    return _again(number, "resumed")


def _cancel(number: int) -> Response:
    messages.cancel(frame.act(), number)
    return _again(number, "cancelled")


def _retry(number: int) -> Response:
    messages.retry(frame.act(), number)
    return _again(number, "retried")


def _name(number: int) -> Response:
    ceiling = request.form.get("ceiling", "").strip()
    values: dict[str, Any] = {
        "name": request.form.get("name", ""),
        "lane": request.form.get("lane", "normal"),
    }
    if request.form.get("purpose"):
        values["purpose"] = request.form["purpose"]
    values["ceiling"] = int(ceiling) if ceiling.isdecimal() else None
    if "topic" in request.form:
        values["topic_id"] = ids.number("topic", request.form["topic"])
    messages.change(frame.act(), number, None, **values)
    return _again(number, "saved")


def _readdress(number: int) -> Response:
    act, form, values = frame.act(), request.form, addressed(request.form)
    message = messages.get(act, number)
    if message.segment_id is None and message.purpose == "service":
        need_purpose(form, values, message.programme_id)
    writing.readdress(act, number, None, **values, purpose=form.get("purpose") or None)
    return _again(number, "saved")


def _add_version(number: int) -> Response:
    form = request.form
    return frame.go(
        "pages_message_words.edit", number=number, channel=form.get("channel", "email") or "email",
        tag=form.get("language", "") or words.DEFAULT,
    )  # fmt: skip


def _together(number: int) -> Response:
    above, below = request.form.get("above", ""), request.form.get("below", "")
    writing.put_together(frame.act(), number, [above, below] if above or below else None)
    return _again(number, "saved")


def _still_right(number: int) -> Response:
    writing.still_right(
        frame.act(), number, request.form.get("channel", ""), request.form.get("language", "")
    )
    return _again(number, "saved")


def _comment(number: int) -> Response:
    form = request.form
    message_comments.comment(
        frame.act(),
        number,
        digest=form.get("digest", ""),
        text=form.get("text", ""),
        asks=bool(form.get("asks")),
        call=form.get("call", ""),
    )
    return _again(number, "added")


def _settle(number: int) -> Response:
    message_comments.settle(frame.act(), number, ids.number("comment", request.form.get("comment")) or 0)
    return _again(number, "saved")


DOES: dict[str, Callable[[int], Response]] = {
    "submit": _submit,
    "approve": _decide("approved"),
    "refuse": _decide("refused"),
    "urgent": _urgent,
    "schedule": _schedule,
    "test": _test,
    "pause": _pause,
    "resume": _resume,
    "cancel": _cancel,
    "retry": _retry,
    "name": _name,
    "readdress": _readdress,
    "version": _add_version,
    "together": _together,
    "still_right": _still_right,
    "comment": _comment,
    "settle": _settle,
}
