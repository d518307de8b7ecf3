"""The pages people work in: one file per room, drawn from templates/pages, and nothing that /v1 could not do."""

from __future__ import annotations

from . import live, me, media, signin, today, tour

ROOMS = (
    signin.pages,
    me.pages,
    today.pages,
    tour.pages,
    live.pages,
    media.pages,
)
