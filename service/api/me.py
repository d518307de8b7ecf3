"""/v1/me and /v1/installation: one's own account, notices and calendar feed; what is asked of everybody here."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.views import MethodView

from .. import notices, words
from ..acts import feeds, me, policies
from ..second_step import ASKED
from .resource import Resource, this_act
from .schemas import Choice, Id, Schema, Text

resource = Resource("me", "Whoever's token it is: their name, language, notices and calendar feed.")
installation = Resource("installation", "What this installation asks of everybody who works with it.")


class MeChange(Schema):
    name = Text()
    language = Choice(tuple(words.LANGUAGES))
    zone = Text(64, allow_none=True)
    answers_in = ma.fields.List(
        Choice(tuple(words.LANGUAGES)), allow_none=True, metadata={"description": "null: one's own"}
    )


class MeOut(Schema):
    id = Id("user", required=True)
    name = ma.fields.String(required=True)
    email = ma.fields.String(attribute="email_key", required=True, allow_none=True)
    language = ma.fields.String(required=True)
    zone = ma.fields.String(required=True, allow_none=True)
    answers_in = ma.fields.List(ma.fields.String(), required=True, allow_none=True)


class NoticesNew(Schema):
    wanted = ma.fields.List(
        Choice(tuple(notices.KINDS)), required=True, metadata={"description": "these alone"}
    )


class NoticesOut(Schema):
    wanted = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Boolean(), required=True)


class FeedOut(Schema):
    url = ma.fields.String(required=True, metadata={"description": "shown this once; it is the secret"})


class InstallationIn(Schema):
    second_step_for = Choice(ASKED, required=True, metadata={"description": "whom a second step is asked of"})


@resource.route("")
class Me(MethodView):
    @resource.response(200, MeOut)
    def get(self) -> Any:
        """Read your own account"""
        return me.get(this_act())

    @resource.arguments(MeChange)
    @resource.response(200, MeOut)
    def patch(self, body: dict[str, Any]) -> Any:
        """Change your name, language or zone, or the languages you answer in"""
        return me.change(this_act(), **body)


@resource.route("/notices")
class Notices(MethodView):
    @resource.response(200, NoticesOut)
    def get(self) -> Any:
        """Read which notices you get by mail"""
        return _notices()

    @resource.arguments(NoticesNew)
    @resource.response(200, NoticesOut)
    def put(self, body: dict[str, Any]) -> Any:
        """Get exactly these notices from now on"""
        me.choose_notices(this_act(), body["wanted"])
        return _notices()


@resource.route("/calendar_feed")
class CalendarFeed(MethodView):
    @resource.response(200, FeedOut)
    def put(self) -> Any:
        """Get a new address of your calendar for other programs; the one before stops working"""
        act = this_act()
        return {"url": act.wiring.links.url(feeds.renew(act))}

    @resource.response(204)
    def delete(self) -> None:
        """End your calendar feed"""
        feeds.revoke(this_act())


@installation.route("")
class Installation(MethodView):
    @installation.response(200, InstallationIn)
    def get(self) -> Any:
        """Read what is asked of everybody here"""
        return policies.read(this_act()) or {"second_step_for": ASKED[0]}

    @installation.arguments(InstallationIn)
    @installation.response(200, InstallationIn)
    def put(self, body: dict[str, Any]) -> Any:
        """Ask a second step of nobody, of deciders or of everybody"""
        return policies.ask_second_step(this_act(), body["second_step_for"])


def _notices() -> dict[str, Any]:
    act = this_act()
    return {"wanted": notices.wanted(act.session, me.get(act).id)}
