"""My notices: what somebody is told by mail, each kind switched by themselves."""

from __future__ import annotations

from flask import Response, request

from .. import notices, post
from ..acts import me
from . import frame

pages = frame.Pages("notices")


@pages.page("/me/notices")
def mine() -> Response:
    """Each kind with its switch."""
    act = frame.act()
    return frame.show(
        "notices", wanted=notices.wanted(act.session, frame.user().id), by=post.account(frame.wiring(), act.session),
        address=frame.user().email_key,
    )  # fmt: skip


@pages.page("/me/notices", "POST")
def saved() -> Response:
    """Exactly those that are ticked."""
    me.choose_notices(frame.act(), request.form.getlist("kinds"))
    return frame.go("pages_notices.mine", done="saved")
