"""Today: the first page after signing in. What waits for me, what goes out, what came in, what went wrong."""

from __future__ import annotations

from flask import Response

from . import frame

pages = frame.Pages("today")


@pages.page("/")
def today() -> Response:
    """The day at one look; every number leads to its rows."""
    return frame.show("today")
