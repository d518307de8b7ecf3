"""Forms: sign-up and one-question surveys; their words, where they stand, and what came of them."""

from __future__ import annotations

from typing import Any

from flask import Response, g, request

from campaigns.base import parse_id
from campaigns.errors import BadId
from campaigns.stakeholders.tables import ANSWERS, FORM_KINDS, Form

from .. import ids, words
from ..acts import forms, programmes, topics
from . import frame

pages = frame.Pages("forms")
SHOWN = 30
TEXTS = ("title", "intro", "question", "notice", "agree", "thanks")


@pages.page("/forms")
def listed() -> Response:
    """The forms, newest first."""
    act = frame.act()
    page = forms.listed(act, limit=SHOWN, after=request.args.get("after"), before=request.args.get("before"))
    return frame.show("forms", page=page, link=_link)


@pages.page("/forms/new")
def new(status: int = 200) -> Response:
    """What a new form says; `kind` is chosen first, because a survey asks for other words."""
    act, kind = frame.act(), request.values.get("kind", "")
    if kind not in FORM_KINDS:
        return frame.show("form_kind", status)
    mine = [
        one
        for one in programmes.listed(act, limit=200, after=None, before=None).rows
        if frame.may("stakeholders:write", one.id)
    ]
    chosen = (
        next((one for one in mine if ids.shown("programme", one.id) == request.values.get("programme")), None)
        or (mine or [None])[0]
    )
    return frame.show(
        "form_new", status, kind=kind, programmes=mine, chosen=chosen, **_choices(chosen and chosen.id)
    )


@pages.page("/forms/new", "POST")
def create() -> Response:
    """A new form, open at once."""

    def done() -> Response:
        values = _values(request.form.get("kind", ""))
        chosen = request.form.get("programme", "")
        made = forms.create(
            frame.act(), programme_id=_number("prg", chosen) if chosen else None, kind=request.form.get("kind", ""),
            slug=request.form.get("slug", "").strip().lower(), answers=request.form.get("answers", ""), **values,
        )  # fmt: skip
        return frame.go("pages_forms.one", number=made.id, done="added")

    return frame.trying(done) or new(422)


@pages.page("/forms/<frm:number>")
def one(number: int) -> Response:
    """One form: what came of it, where it stands, and its words."""
    act = frame.act()
    form = forms.get(act, number)
    found = forms.shown(act, form)
    may_read = form.kind == "survey" and frame.may("responses:read", form.programme_id)
    written = forms.answers(
        act, number, limit=SHOWN, after=request.args.get("after"), before=request.args.get("before")
    ) if may_read else None  # fmt: skip
    return frame.show(
        "form", 422 if g.get("said") else 200, form_row=form, shown=found, texts=found.wording.texts, link=_link(form),
        written=written, may_write=frame.may("stakeholders:write", form.programme_id), **_choices(form.programme_id),
        bars=_bars(form, found, frame.reader_language()),
    )  # fmt: skip


@pages.page("/forms/<frm:number>", "POST")
def change(number: int) -> Response:
    """Other words and choices, or closed and opened again."""
    state = {"close": "closed", "open": "open"}.get(request.form.get("do", ""))

    def done() -> Response:
        act = frame.act()
        values = {"state": state} if state else _values(forms.get(act, number).kind)
        forms.change(act, number, None, **values)
        return frame.go("pages_forms.one", number=number, done="saved")

    return frame.trying(done) or one(number)


def _choices(programme_id: int | None) -> dict[str, Any]:
    """What may be ticked and chosen for a form of this programme."""
    act = frame.act()
    return {
        "topics": topics.of_programme(act, programme_id) if programme_id else [],
        "accounts": forms.mail_accounts(act, programme_id) if programme_id else [],
        "kinds": ANSWERS,
        "named": words.LANGUAGES,
    }


def _values(kind: str) -> dict[str, Any]:
    """The fields of the form as the act takes them."""
    account = request.form.get("account_id", "")
    texts = {
        code: {
            **{name: request.form.get(f"{name}.{code}", "") for name in TEXTS},
            "choices": [one for one in request.form.get(f"choices.{code}", "").splitlines() if one.strip()],
        }
        for code in words.LANGUAGES
    }
    values: dict[str, Any] = {
        "name": request.form.get("name", ""), "texts": texts, "sites": request.form.get("sites", "").splitlines()
    }  # fmt: skip
    if kind == "signup":
        values["topics"] = [_number("top", one) for one in request.form.getlist("topics")]
        values["account_id"] = _number("acc", account) if account else None
    return values


def _number(prefix: str, text: str) -> int:
    try:
        return parse_id(prefix, text)
    except BadId:
        return 0


def _link(form: Form) -> str:
    return frame.wiring().links.url(f"/f/{form.slug}")


def _bars(form: Form, found: forms.Shown, language: str) -> list[tuple[str, int]]:
    """What was answered, in the reader's words of it, with how often."""
    if found.results is None or form.answers == "text":
        return []
    texts = found.wording.texts
    said = texts.get(language) or next(iter(texts.values()))
    names = said.get("choices", [])
    return [
        (names[int(value)] if form.answers == "choice" else value, count)
        for value, count in found.results.counts.items()
    ]
