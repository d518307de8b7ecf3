"""Templates: words with slots in versions, approved for use by programs; and how the house's mails look."""

from __future__ import annotations

from typing import Any

from flask import Response, g, request

from campaigns.errors import BadField
from campaigns.messages.render_helper import Preview
from campaigns.messages.tables import TemplateVersion

from .. import ids, strict_json
from ..acts import content, media, names, programmes
from ..problems import Refusal
from . import frame

pages = frame.Pages("templates")


@pages.page("/templates")
def listed() -> Response:
    """Every template, and which of its versions programs may use."""
    act = frame.act()
    page = content.list_templates(
        act, limit=50, after=request.args.get("after"), before=request.args.get("before")
    )
    standings = content.standings(act, [one.id for one in page.rows])
    return frame.show("templates", page=page, standings=standings, nothing=content.Standing())


@pages.page("/templates/new", "GET", "POST")
def new() -> Response:
    """A template and its first words."""
    shown = _previewed(None) if request.method == "POST" else None
    if request.method == "POST" and shown is None and (made := frame.trying(_made)):
        return made
    act = frame.act()
    return frame.show(
        "template_edit", 422 if g.get("said") else 200, found=None, words=content.Words("", "", ""), shown=shown,
        programmes=programmes.choices(act, content.WRITE), everywhere=frame.may(content.WRITE, None),
    )  # fmt: skip


@pages.page("/templates/<tpl:number>/edit", "GET", "POST")
def edit(number: int) -> Response:
    """The next version, beginning with the words of the newest."""
    act = frame.act()
    found = content.template(act, number)
    shown = _previewed(found.programme_id) if request.method == "POST" else None
    if request.method == "POST" and shown is None and (made := frame.trying(lambda: _next(number))):
        return made
    newest = next(iter(content.template_versions(act, number)), None)
    return frame.show(
        "template_edit", 422 if g.get("said") else 200, found=found, words=newest or content.Words("", "", ""),
        shown=shown,
    )  # fmt: skip


@pages.page("/templates/<tpl:number>", "GET", "POST")
def one(number: int) -> Response:
    """One version as it reads, the others, what uses them, and its approval."""
    if request.method == "POST" and (done := frame.trying(lambda: _approved(number))):
        return done
    act = frame.act()
    found, versions = content.template(act, number), content.template_versions(act, number)
    wanted = request.values.get("n", "")
    read = next((one for one in versions if str(one.n) == wanted), versions[0] if versions else None)
    return frame.show(
        "template_one", 422 if g.get("said") else 200, found=found, versions=versions, read=read,
        uses=content.template_uses(act, number), place=programmes.name_of(act, found.programme_id),
        names=names.of(act, [name for one in versions for name in (one.author, one.approved_by)]),
        **_shown(number, read),
    )  # fmt: skip


@pages.page("/templates/layout", "GET", "POST")
def layout() -> Response:
    """How mails look: the organisation's, and of each programme that has its own."""
    if request.method == "POST" and (done := frame.trying(_laid)):
        return done
    act = frame.act()
    place = _place()
    return frame.show(
        "layout", 422 if g.get("said") else 200, place=place, own=media.own_house(act, place),
        house=media.house(act, place), programmes=programmes.choices(act, content.READ),
        name=programmes.name_of(act, place), pictures=[
            (ids.shown("media", one.id), one.name) for one in media.pictures(act, place)
        ],
    )  # fmt: skip


def _made() -> Response:
    act, form = frame.act(), request.form
    made = content.create_template(
        act, name=form.get("name", ""), programme_id=ids.number("programme", form.get("programme"))
    )
    content.new_template_version(act, made.id, **_words())
    return frame.go("pages_templates.one", number=made.id, done="added")


def _next(number: int) -> Response:
    made = content.new_template_version(frame.act(), number, **_words())
    return frame.go("pages_templates.one", number=number, n=made.n, done="saved")


def _approved(number: int) -> Response:
    n = request.form.get("n", "")
    content.approve_template(
        frame.act(), number, int(n) if n.isdecimal() else 0, digest=request.form.get("digest", "")
    )
    return frame.go("pages_templates.one", number=number, n=n, done="saved")


def _words() -> dict[str, str]:
    return {name: request.form.get(name, "") for name in ("subject", "text", "html")}


def _previewed(programme_id: int | None) -> Preview | None:
    """What was typed, filled in, where that is asked for; nothing is saved."""
    if request.form.get("act") != "preview":
        return None
    found: list[Preview] = []

    def fill() -> None:
        person, data = _person(request.form.get("for", "")), _data(request.form.get("data", ""))
        found.append(content.preview_words(frame.act(), programme_id, **_words(), data=data, person=person))

    frame.trying(fill)
    return found[0] if found else Preview()


def _shown(number: int, read: TemplateVersion | None) -> dict[str, Any]:
    """The version filled in for somebody, where that is asked for."""
    found: list[Preview] = []
    if read is not None and "for" in request.args:

        def fill() -> None:
            person, data = _person(request.args["for"]), _data(request.args.get("data", ""))
            found.append(
                content.render_template(frame.act(), number, n=read.n, data=data, stakeholder=person)
            )

        frame.trying(fill)
    return {"shown": found[0] if found else None}


def _person(text: str) -> int | None:
    """Somebody by their id, or the first whose name begins so; None where nobody is named."""
    if not text.strip():
        return None
    people = names.called(frame.act(), text)
    if not people:
        raise BadField("nobody of that name is here: write how their name begins", pointer="/for")
    return people[0].id


def _data(text: str) -> dict[str, Any]:
    """Example values for `data.…`, one `name: value` a line, or JSON."""
    text = text.strip()
    if text.startswith("{"):
        try:
            found = strict_json.loads(text.encode())
        except Refusal:
            found = None
        if not isinstance(found, dict):
            raise BadField("this is no JSON: write one name: value on each line", pointer="/data")
        return found
    pairs = [line.partition(":") for line in text.splitlines() if line.strip()]
    if any(not colon for _name, colon, _value in pairs):
        raise BadField("write one name: value on each line", pointer="/data")
    return {name.strip().removeprefix("data."): value.strip() for name, _colon, value in pairs}


def _place() -> int | None:
    return ids.number("programme", request.values.get("programme"))


def _laid() -> Response:
    act, form, place = frame.act(), request.form, _place()
    if form.get("act") == "drop" and place is not None:
        media.drop_house(act, place)
    else:
        media.set_house(
            act, place, **{name: form.get(name, "") for name in ("name", "colour", "footer", "address")},
            logo_media_id=ids.number("media", form.get("logo")),
        )  # fmt: skip
    return frame.go("pages_templates.layout", programme=ids.shown("programme", place), done="saved")
