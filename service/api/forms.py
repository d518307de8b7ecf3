"""/v1/forms: public pages on which people sign up or answer one question, and what came of them."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.views import MethodView

from campaigns.base import public_id
from campaigns.stakeholders.forms import TEXTS
from campaigns.stakeholders.tables import ANSWERS, FORM_KINDS

from ..acts import forms
from .resource import ETAG_HEADER, Resource, created, if_match, listed, single, this_act
from .schemas import Choice, Id, Made, PageQuery, Schema, Text, Time, id_pattern, page_of

STATES = ("open", "closed")
WORDS = {
    "description": f"by language: {', '.join(TEXTS)}, and choices (a list) of a survey that has them",
    "example": {"en": {"title": "News of the river", "notice": "Your address is kept…", "agree": "I agree"}},
}

resource = Resource("forms", "Public pages on which people sign up or answer one question.")


class Texts(ma.fields.Dict):
    """What a form says, by language."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(keys=Text(35), values=ma.fields.Dict(keys=Text(35)), metadata=WORDS, **kwargs)


class FormValues(Schema):
    topics = ma.fields.List(Id("topic"), validate=ma.validate.Length(max=100))
    account_id = Id("account", allow_none=True, metadata={"description": "by which mail asks to confirm"})
    sites = ma.fields.List(Text(), metadata={"description": "which may show it in a frame"})


class FormNew(FormValues):
    programme_id = Id("programme", load_default=None)
    kind = Choice(FORM_KINDS, required=True)
    slug = Text(60, required=True, metadata={"description": "its name in the address, /f/{slug}"})
    name = Text(required=True)
    texts = Texts(required=True)
    answers = Choice(("", *ANSWERS), load_default="")


class FormChange(FormValues):
    name = Text()
    texts = Texts()
    state = Choice(STATES)


class FormOut(Made):
    id = Id("form", required=True)
    programme_id = Id("programme", required=True)
    kind = Choice(FORM_KINDS, required=True)
    slug = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    topics = ma.fields.Function(
        lambda row: [public_id("top", one) for one in row.topics],
        required=True,
        metadata={"type": "array", "items": {"type": "string", "pattern": id_pattern("top")}},
    )
    account_id = Id("account", required=True, allow_none=True)
    sites = ma.fields.List(ma.fields.String(), required=True)
    answers = ma.fields.String(required=True)
    wording = ma.fields.Integer(required=True, metadata={"description": "the number of its newest words"})
    state = Choice(STATES, required=True)


class FormStanding(Schema):
    """What it says now and what came of it."""

    texts = ma.fields.Dict(required=True)
    asked = ma.fields.Integer(required=True, metadata={"description": "who asked to sign up"})
    confirmed = ma.fields.Integer(required=True)
    results = ma.fields.Dict(
        required=True, allow_none=True, metadata={"description": "of a survey: value to count"}
    )


class AnswerOut(Schema):
    at = Time(required=True)
    value = ma.fields.String(required=True)
    text = ma.fields.String(required=True)
    language = ma.fields.String(required=True)
    stakeholder_id = Id("stakeholder", required=True, allow_none=True)


@resource.route("")
class Forms(MethodView):
    @resource.arguments(PageQuery, location="query")
    @resource.response(200, page_of(FormOut))
    def get(self, query: dict[str, Any]) -> Any:
        """List the forms of your programmes, newest first"""
        return listed(forms.listed(this_act(), **query))

    @resource.arguments(FormNew)
    @resource.response(201, FormOut, headers=ETAG_HEADER)
    def post(self, body: dict[str, Any]) -> Any:
        """Make a form, open at once"""
        return created(forms.create(this_act(), **body), "form")


@resource.route("/<frm:id>")
class Form(MethodView):
    @resource.response(200, FormOut, headers=ETAG_HEADER)
    def get(self, id: int) -> Any:
        """Show a form"""
        return single(forms.get(this_act(), id))

    @resource.guarded
    @resource.arguments(FormChange)
    @resource.response(200, FormOut, headers=ETAG_HEADER)
    def patch(self, body: dict[str, Any], id: int) -> Any:
        """Change a form, close it or open it again; other words are its next wording"""
        return single(forms.change(this_act(), id, if_match(), **body))


@resource.route("/<frm:id>/standing")
class FormResults(MethodView):
    @resource.response(200, FormStanding)
    def get(self, id: int) -> Any:
        """Read what a form says now and what came of it"""
        act = this_act()
        found = forms.shown(act, forms.get(act, id))
        results = found.results.counts if found.results else None
        return {
            "texts": found.wording.texts, "asked": found.asked, "confirmed": found.confirmed, "results": results,
        }  # fmt: skip


@resource.route("/<frm:id>/answers")
class FormAnswers(MethodView):
    @resource.arguments(PageQuery, location="query")
    @resource.response(200, page_of(AnswerOut))
    def get(self, query: dict[str, Any], id: int) -> Any:
        """List what was written in answer to a survey, newest first"""
        return listed(forms.answers(this_act(), id, **query))
