"""Search: one box for people, messages and what came back."""

from __future__ import annotations

from flask import Response, request

from ..acts import search
from . import frame

pages = frame.Pages("search")


@pages.page("/search")
def find() -> Response:
    """What was found, or what can be looked for."""
    typed = request.args.get("q", "").strip()
    return frame.show("search", typed=typed, found=search.find(frame.act(), typed) if typed else None)
