"""Settings, webhooks: which programs are told what happens here, what became of each call, and their secrets."""

from __future__ import annotations

from datetime import datetime

from flask import Response, g, request

from campaigns.errors import BadField

from .. import paging, webhook_facts
from ..acts import programmes, webhooks
from ..tables import WebhookDelivery
from . import frame, typed

pages = frame.Pages("settings_webhooks")
# What people choose from; other kinds can be typed. docs/api.md lists all of them.
FAMILIES = ("message.*", "delivery.*", "response.*", "consent.*", "stakeholder.*", "connector_account.*", "*")
OVERLAPS = (86_400, 3600, 0)
STATES = ("waiting", "failed", "sent")
# Before so many tries a call comes within seconds, and the page looks whether it has.
SOON = 2


@pages.page("/settings/webhooks")
def every() -> Response:
    """All endpoints, and a form for another one."""
    return _every()


@pages.page("/settings/webhooks", "POST")
def made() -> Response:
    """A new endpoint; its secret is shown this once."""

    def make() -> Response:
        shown = webhooks.create(
            frame.act(), url=_url(), kinds=_kinds(), about=typed.text("about")[:200],
            programme_id=typed.number("prg", "programme_id"),
        )  # fmt: skip
        return _one(shown.row.id, secret=shown.secret)

    return frame.trying(make) or _every()


@pages.page("/settings/webhooks/<whe:number>")
def one(number: int) -> Response:
    """One endpoint with its log."""
    return _one(number)


@pages.page("/settings/webhooks/<whe:number>", "POST")
def changed(number: int) -> Response:
    """Another address, other news, other words."""

    def change() -> Response:
        webhooks.change(
            frame.act(), number, None, url=_url(), kinds=_kinds(), about=typed.text("about")[:200]
        )
        return _back(number, "saved")

    return frame.trying(change) or _one(number)


@pages.page("/settings/webhooks/<whe:number>/state", "POST")
def switched(number: int) -> Response:
    """Off, or on again with what happened meanwhile."""

    def switch() -> Response:
        state = "disabled" if request.form.get("state") == "disabled" else "active"
        webhooks.change(frame.act(), number, None, state=state)
        return _back(number, "saved")

    return frame.trying(switch) or _one(number)


@pages.page("/settings/webhooks/<whe:number>/secret", "POST")
def rotated(number: int) -> Response:
    """A new secret; the old one may sign for a while beside it."""

    def rotate() -> Response:
        given = request.form.get("overlap", "")
        overlap_s = int(given) if given in map(str, OVERLAPS) else OVERLAPS[0]
        return _one(number, secret=webhooks.rotate(frame.act(), number, overlap_s=overlap_s).secret)

    return frame.trying(rotate) or _one(number)


@pages.page("/settings/webhooks/<whe:number>/test", "POST")
def tested(number: int) -> Response:
    """Tell it something that has not happened."""
    webhooks.test(frame.act(), number)
    return _back(number, "called")


@pages.page("/settings/webhooks/<whe:number>/replay", "POST")
def replayed(number: int) -> Response:
    """Tell it what failed once more: one call, or all since a moment."""

    def replay() -> Response:
        told = typed.number("whd", "told")
        if told is not None:
            webhooks.replay(frame.act(), number, told)
        else:
            webhooks.replay_failed(frame.act(), number, since=typed.moment("since"))
        return _back(number, "called")

    return frame.trying(replay) or _one(number)


@pages.page("/settings/webhooks/<whe:number>/remove", "POST")
def removed(number: int) -> Response:
    """The endpoint and its log."""
    webhooks.remove(frame.act(), number)
    return frame.go("pages_settings_webhooks.every", done="removed")


def _back(number: int, done: str) -> Response:
    return frame.go("pages_settings_webhooks.one", number=number, done=done)


def _every() -> Response:
    act = frame.act()
    page = webhooks.listed(
        act, limit=paging.LIMIT_DEFAULT, after=request.args.get("after"), before=request.args.get("before")
    )
    return frame.show(
        "settings_webhooks", 422 if g.get("said") else 200, page=page, families=FAMILIES,
        programmes=programmes.choices(act, webhooks.SCOPE), everywhere=frame.may(webhooks.SCOPE, None),
        local=act.wiring.settings.connectors.local,
    )  # fmt: skip


def _one(number: int, secret: str = "") -> Response:
    act = frame.act()
    state = request.args.get("state", "")
    page = webhooks.deliveries(
        act, number, state=state if state in STATES else None, limit=paging.LIMIT_DEFAULT,
        after=request.args.get("after"), before=request.args.get("before"),
    )  # fmt: skip
    return frame.show(
        "settings_webhook", 422 if g.get("said") else 200, endpoint=webhooks.get(act, number), page=page,
        secret=secret, families=FAMILIES, states=STATES, state=state if state in STATES else "",
        tries={row.id: _tries(row) for row in page.rows}, soon=SOON, local=act.wiring.settings.connectors.local,
    )  # fmt: skip


def _tries(row: WebhookDelivery) -> list[tuple[datetime, int | None, str]]:
    """When it was tried, the status that was answered, or why there is none."""
    return [(datetime.fromisoformat(one["at"]), one["status"], one["error"]) for one in row.log]


def _url() -> str:
    if not typed.text("url"):
        raise BadField("write the address that is called", pointer="/url")
    return typed.text("url")[:2000]


def _kinds() -> list[str]:
    """What was ticked and what was typed."""
    other = typed.words("other")
    if any(not webhook_facts.KIND.fullmatch(kind) for kind in other):
        raise BadField("a kind is a word, a dot, and a word or `*`: message.finished", pointer="/other")
    kinds = [one for one in typed.several("kinds") if one in FAMILIES] + other
    if not kinds:
        raise BadField("choose what it is told", pointer="/kinds")
    return kinds
