"""What may be done with media and the house layout: take in, say what it shows, archive; and how mails look."""

from __future__ import annotations

from typing import Any

from sqlalchemy import or_, select

from campaigns.messages import layout, media
from campaigns.messages.pictures import Picture
from campaigns.messages.tables import ContentItem, HouseLayout, Media
from campaigns.stakeholders.text import fold

from .. import paging
from ..access import scoped
from . import Act

READ, WRITE = "messages:read", "messages:write"


def listed(
    act: Act,
    *,
    limit: int = paging.LIMIT_DEFAULT,
    after: str | None = None,
    before: str | None = None,
    kind: str | None = None,
    state: str = "active",
    named: str = "",
) -> paging.Page:
    """The media of the caller's programmes and those all share, newest first."""
    statement = scoped(select(Media), Media.programme_id, act.caller, READ, shared=True)
    statement = statement.where(Media.state == state)
    if kind is not None:
        statement = statement.where(Media.kind == kind)
    if named.strip():
        wanted = fold(named.strip())
        statement = statement.where(
            or_(Media.name.icontains(wanted, autoescape=True), Media.name.icontains(named, autoescape=True))
        )
    return paging.cut(
        act.session, statement, Media.id, limit=limit, after=after, before=before, newest_first=True
    )


def pictures(act: Act, programme_id: int | None, limit: int = 200) -> list[Media]:
    """The pictures that one programme may use: its own and those all share, newest first."""
    act.need(READ, programme_id)
    mine = select(Media).where(Media.kind == "picture", Media.state == "active")
    mine = mine.where(or_(Media.programme_id.is_(None), Media.programme_id == programme_id))
    return list(act.session.scalars(mine.order_by(Media.id.desc()).limit(limit)))


def get(act: Act, media_id: int, scope: str = READ, *, lock: bool = False) -> Media:
    """One medium; NotFound where the caller has no grant."""
    found = act.one(Media, media_id, lock=lock)
    act.need(scope, found.programme_id)
    return found


def add_picture(act: Act, *, programme_id: int | None, picture: Picture, name: str, **words: Any) -> Media:
    """Take a picture in for one programme, or for all. It was read before: drawing takes long, and others write."""
    act.need(WRITE, programme_id)
    media.room(act.session, picture, act.wiring.settings.data.pictures_mb * media.MB)
    made = media.add_picture(
        act.session, act.now, act.wiring.settings.folder, programme_id=programme_id, picture=picture, name=name,
        author=act.caller.actor, **words,
    )  # fmt: skip
    act.note(
        "media.added",
        "media",
        made.id,
        programme_id=programme_id,
        after={"kind": made.kind, "sha256": made.sha256},
    )
    return made


def add_link(act: Act, *, programme_id: int | None, **values: Any) -> Media:
    """Name a film or recording that is kept elsewhere."""
    act.need(WRITE, programme_id)
    made = media.add_link(act.session, act.now, programme_id=programme_id, author=act.caller.actor, **values)
    act.note("media.added", "media", made.id, programme_id=programme_id, after={"kind": made.kind})
    return made


def change(act: Act, media_id: int, version: int | None, **values: Any) -> Media:
    """Another name, other words for who cannot see or hear it."""
    found = get(act, media_id, WRITE, lock=True)
    act.unchanged(found, version)
    media.change(act.session, act.now, found, **values)
    act.note(
        "media.changed", "media", found.id, programme_id=found.programme_id, after={"changed": sorted(values)}
    )
    return found


def archive(act: Act, media_id: int) -> Media:
    """Offer it no more."""
    found = get(act, media_id, WRITE, lock=True)
    media.archive(act.session, act.now, found)
    act.note("media.archived", "media", found.id, programme_id=found.programme_id)
    return found


def uses(act: Act, found: Media) -> list[ContentItem]:
    """What holds it, of what the caller sees."""
    return [one for one in media.uses(act.session, found) if act.caller.may(READ, one.programme_id)]


def house(act: Act, programme_id: int | None) -> layout.Layout:
    """How a programme's mails look, whosever layout that is."""
    act.need(READ, programme_id)
    return layout.house(act.session, programme_id)


def own_house(act: Act, programme_id: int | None) -> HouseLayout | None:
    """The layout set for exactly this programme, or for the organisation."""
    act.need(READ, programme_id)
    return layout.own(act.session, programme_id)


def set_house(act: Act, programme_id: int | None, **values: Any) -> HouseLayout:
    """Set how a programme's mails look, or the organisation's."""
    act.need(WRITE, programme_id)
    made = layout.set_house(act.session, act.now, programme_id, **values)
    act.note(
        "layout.set", "programme", programme_id or 0, programme_id=programme_id, after={"colour": made.colour}
    )
    return made


def drop_house(act: Act, programme_id: int) -> None:
    """Have a programme's mails look as those above it again."""
    act.need(WRITE, programme_id)
    layout.drop(act.session, programme_id)
    act.note("layout.dropped", "programme", programme_id, programme_id=programme_id)
