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
    settings,
    settings_accounts,
    settings_people,
    signin,
    templates,
    today,
    tour,
)

ROOMS = (
    signin.pages,
    me.pages,
    settings.pages,
    settings_accounts.pages,
    settings_people.pages,
    today.pages,
    tour.pages,
    live.pages,
    inbox.pages,
    calendar.pages,
    media.pages,
    templates.pages,
    strategies.pages,
    people.pages,
    imports.pages,
    record.pages,
    groups.pages,
)
