"""Search: one box for people, messages and what came back."""

from __future__ import annotations

from flask import Response, request

from ..acts import listing, search
from . import frame

pages = frame.Pages("search")


@pages.page("/search")
def find() -> Response:
    """What was found, or what can be looked for."""
    typed = request.args.get("q", "").strip()
    found = search.find(frame.act(), typed) if typed else None
    calls = listing.called(frame.act(), [one.id for one in found.messages] if found else [])
    return frame.show("search", typed=typed, found=found, calls=calls)
