"""/v1/house_layouts: how the mails of the organisation look, and of each programme that has a layout of its own."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask.views import MethodView

from campaigns.messages.blocks import COLOUR

from ..acts import media
from .resource import Resource, this_act
from .schemas import Id, Schema, Text

resource = Resource(
    "house_layouts", "How mails look: name, colour, logo, footer and address around the words."
)


class PlaceQuery(Schema):
    programme = Id("programme", load_default=None, metadata={"description": "left out: the organisation's"})


class HouseLayoutNew(Schema):
    programme_id = Id(
        "programme", required=True, allow_none=True, metadata={"description": "null: the organisation's"}
    )
    name = Text(empty=True, load_default="")
    colour = Text(7, load_default=COLOUR, metadata={"example": COLOUR})
    logo_media_id = Id("media", load_default=None, allow_none=True)
    footer = Text(2000, empty=True, load_default="")
    address = Text(empty=True, load_default="")


class HouseLayoutOut(Schema):
    name = ma.fields.String(required=True)
    colour = ma.fields.String(required=True)
    logo_media_id = Id("media", required=True, allow_none=True)
    footer = ma.fields.String(required=True)
    address = ma.fields.String(required=True)
    own = ma.fields.Boolean(required=True, metadata={"description": "set for exactly this place"})


@resource.route("")
class HouseLayouts(MethodView):
    @resource.arguments(PlaceQuery, location="query")
    @resource.response(200, HouseLayoutOut)
    def get(self, query: dict[str, Any]) -> Any:
        """Read how the mails of a programme, or of the organisation, look"""
        return _told(query["programme"])

    @resource.arguments(HouseLayoutNew)
    @resource.response(200, HouseLayoutOut)
    def put(self, body: dict[str, Any]) -> Any:
        """Set how the mails of a programme, or of the organisation, look"""
        programme_id = body.pop("programme_id")
        media.set_house(this_act(), programme_id, **body)
        return _told(programme_id)


@resource.route("/<prg:id>")
class HouseLayout(MethodView):
    @resource.response(204)
    def delete(self, id: int) -> None:
        """Have a programme's mails look as those above it again"""
        media.drop_house(this_act(), id)


SHOWN = ("name", "colour", "logo_media_id", "footer", "address")


def _told(programme_id: int | None) -> dict[str, Any]:
    act = this_act()
    found = media.house(act, programme_id)
    shown = {name: getattr(found, name) for name in SHOWN}
    return shown | {"own": media.own_house(act, programme_id) is not None}
