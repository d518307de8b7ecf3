"""Settings: work that waits or is in hand, and how it is put right."""

from __future__ import annotations

from flask import Response, g, request

from campaigns.delivery.repair import KINDS
from campaigns.errors import BadField

from .. import paging
from ..acts import listing, work
from . import frame, typed

pages = frame.Pages("settings_work")
ACTS = ("requeue", "sent", "failed")


@pages.page("/settings/work")
def waiting() -> Response:
    """Work of one kind: due, late, in a worker's hands, or such that workers died of."""
    return _waiting()


@pages.page("/settings/work", "POST")
def repaired() -> Response:
    """Give some work to the next worker, mark it as gone, or leave it out."""

    def repair() -> Response:
        number, act, why = typed.number("bat", "batch"), typed.text("act"), typed.text("why")
        if number is None or act not in ACTS:
            raise BadField("choose one of the list", pointer="/batch")
        if not why:
            raise BadField("say why: it stays in the audit entries", pointer="/why")
        if act == "requeue":
            work.requeue(frame.act(), number, why=why)
        else:
            work.mark(frame.act(), number, outcome=act, evidence=why)
        return frame.go("pages_settings_work.waiting", done="decided", kind=_kind())

    return frame.trying(repair) or _waiting()


def _kind() -> str:
    given = request.args.get("kind", "")
    return given if given in KINDS else "late"


def _waiting() -> Response:
    act = frame.act()
    page = work.listed(
        act, kind=_kind(), limit=paging.LIMIT_DEFAULT, after=request.args.get("after"),
        before=request.args.get("before"),
    )  # fmt: skip
    return frame.show(
        "settings_work", 422 if g.get("said") else 200, page=page, kind=_kind(), kinds=KINDS,
        calls=listing.called(act, [one.message_id for one in page.rows]), wrong=request.form.get("batch"),
    )  # fmt: skip
