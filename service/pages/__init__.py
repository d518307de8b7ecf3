"""The pages people work in: one file per room, drawn from templates/pages, and nothing that /v1 could not do."""

from __future__ import annotations

from . import live, signin, today

ROOMS = (
    signin.pages,
    today.pages,
    live.pages,
)
