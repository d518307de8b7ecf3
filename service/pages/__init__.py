"""The pages people work in: one file per room, drawn from templates/pages, and nothing that /v1 could not do."""

from __future__ import annotations

from . import (
    calendar,
    groups,
    imports,
    inbox,
    live,
    me,
    media,
    people,
    record,
    signin,
    templates,
    today,
    tour,
)

ROOMS = (
    signin.pages,
    me.pages,
    today.pages,
    tour.pages,
    live.pages,
    inbox.pages,
    calendar.pages,
    media.pages,
    templates.pages,
    people.pages,
    imports.pages,
    record.pages,
    groups.pages,
)
