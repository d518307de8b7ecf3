"""Settings: policies, the emergency stop, who is not contacted, and who did what."""

from __future__ import annotations

from typing import Any

from flask import Response, g, request, url_for

from campaigns.base import parse_id
from campaigns.delivery.stops import SCOPES as STOPPED
from campaigns.errors import BadField, DomainError, Invalid
from campaigns.stakeholders.tables import SUPPRESSION_REASONS
from campaigns.strategies.tables import ASSURANCES
from connectors.api import ConnectorError

from .. import channels, ids, oidc, paging
from ..acts import (
    Act,
    accounts,
    audit_entries,
    begin,
    policies,
    programmes,
    segments,
    stops,
    suppressions,
    things,
    users,
)
from . import frame, typed

pages = frame.Pages("settings")
# The rooms of the settings in the order of the tabs, each with what it needs.
ROOMS = (
    ("pages_settings_accounts.every", "connectors:read"),
    ("pages_settings_people.everyone", "users:admin"),
    ("pages_settings_people.every_token", "tokens:own"),
)


@pages.page("/settings")
def first() -> Response:
    """The first room of the settings that the reader may enter; one's own account for whoever may enter none."""
    for endpoint, scope in ROOMS:
        if frame.may(scope):
            return frame.see(url_for(endpoint))
    return frame.go("pages_me.mine")


@pages.page("/settings/policies")
def rules() -> Response:
    """How sure each programme must be, and what signing in asks."""
    return _rules()


@pages.page("/settings/policies/programmes/<prg:number>", "POST")
def assured(number: int) -> Response:
    """Another assurance; a lower one needs a reason."""

    def change() -> Response:
        programmes.change(
            frame.act(),
            number,
            None,
            assurance=request.form.get("assurance", ""),
            reason=typed.text("reason"),
        )
        return frame.go("pages_settings.rules", done="saved")

    return frame.trying(change) or _rules(number)


@pages.page("/settings/policies/second-step", "POST")
def second_step_asked() -> Response:
    """Of whom a second step is asked."""

    def change() -> Response:
        policies.ask_second_step(frame.act(), request.form.get("second_step_for", ""))
        return frame.go("pages_settings.rules", done="saved")

    return frame.trying(change) or _rules()


@pages.page("/settings/policies/provider", "POST", outside=True)
def provider_used() -> Response:
    """The OpenID provider that people may sign in by; it is asked for its description before it is kept."""
    issuer, client_id, secret = (typed.text(name) for name in ("issuer", "client_id", "client_secret"))
    try:
        with begin(frame.wiring(), frame.caller(), request_id=g.get("request_id")) as act:
            policies.read(act)
        if issuer:
            oidc.check(oidc.Provider(policies.issuer_of(issuer), client_id, secret))
        with begin(frame.wiring(), frame.caller(), request_id=g.get("request_id")) as act:
            policies.use_provider(act, issuer=issuer, client_id=client_id, client_secret=secret)
    except ConnectorError as error:
        frame.refuse(BadField(error.words, pointer="/issuer"))
    except DomainError as error:
        frame.refuse(error)
    else:
        return frame.go("pages_settings.rules", done="saved")
    with frame.looking():
        return _rules()


@pages.page("/settings/stops")
def every_stop() -> Response:
    """What is stopped, by whom and why; and the way to stop more."""
    return _stops()


@pages.page("/settings/stops", "POST")
def stopped() -> Response:
    """Stop everything, an account, a programme or a group."""

    def stop() -> Response:
        scope, ref = _what()
        stops.stop(frame.act(), scope=scope, ref=ref, reason=typed.text("reason"))
        return frame.go("pages_settings.every_stop", done="stopped")

    return frame.trying(stop) or _stops()


@pages.page("/settings/stops/<stp:number>/lift", "POST")
def lifted(number: int) -> Response:
    """Let it go on, with a reason."""

    def lift() -> Response:
        stops.lift(frame.act(), number, why=typed.text("why"))
        return frame.go("pages_settings.every_stop", done="lifted")

    return frame.trying(lift) or _stops(number)


@pages.page("/settings/do-not-contact")
def uncontacted() -> Response:
    """Who is not contacted, on which channel, and why."""
    return _uncontacted()


@pages.page("/settings/do-not-contact", "POST")
def suppressed() -> Response:
    """An address that is not contacted any more."""

    def suppress() -> Response:
        suppressions.suppress(
            frame.act(), channel=request.form.get("channel", "email"), address=typed.text("address"),
            reason="manual", origin="admin", evidence={"note": typed.text("note")},
        )  # fmt: skip
        return frame.go("pages_settings.uncontacted", done="added")

    return frame.trying(suppress) or _uncontacted()


@pages.page("/settings/do-not-contact/<sup:number>/lift", "POST")
def contacted_again(number: int) -> Response:
    """Contact again, with a reason."""

    def lift() -> Response:
        suppressions.lift(frame.act(), number, why=typed.text("why"))
        return frame.go("pages_settings.uncontacted", done="removed")

    return frame.trying(lift) or _uncontacted(number)


@pages.page("/settings/audit")
def audit() -> Response:
    """Who did what, newest first."""
    act, args = frame.act(), request.args
    filters: dict[str, Any] = {}
    about = args.get("about", "").strip()
    unknown = False
    try:
        if about:
            filters["kind"], filters["ref"] = ids.any_id(about)
        if args.get("programme"):
            filters["programme_id"] = parse_id("prg", args["programme"])
    except Invalid:
        unknown = True
    if args.get("who"):
        filters["actor"] = args["who"]
    page = audit_entries.listed(
        act, limit=paging.LIMIT_DEFAULT, after=args.get("after"), before=args.get("before"), **filters
    )
    return frame.show(
        "settings_audit", page=page, unknown=unknown, names=users.actor_names(act, [one.actor for one in page.rows]),
        called=things.named(act, [(one.kind, one.ref) for one in page.rows]), rooms=frame.ROOMS,
        colleagues=users.everybody(act), programmes=programmes.choices(act, "audit:read"),
    )  # fmt: skip


def _rules(wrong: int | None = None) -> Response:
    act = frame.act()
    rows = programmes.listed(
        act, limit=paging.LIMIT_DEFAULT, after=request.args.get("after"), before=request.args.get("before")
    )
    everywhere = frame.may("users:admin", None)
    return frame.show(
        "settings_policies", 422 if g.get("said") else 200, page=rows, assurances=ASSURANCES, wrong=wrong,
        policy=policies.read(act) if everywhere else None, from_file=policies.from_file(act.wiring),
        back=act.wiring.links.url(oidc.BACK), alone=users.alone(act),
    )  # fmt: skip


def _stops(wrong: int | None = None) -> Response:
    act = frame.act()
    rows = stops.newest(
        act, limit=paging.LIMIT_DEFAULT, after=request.args.get("after"), before=request.args.get("before")
    )
    return frame.show(
        "settings_stops", 422 if g.get("said") else 200, page=rows, wrong=wrong, names=stops.names(act, rows.rows),
        people=users.actor_names(act, [name for one in rows.rows for name in (one.by, one.lifted_by)]),
        choices=_stoppable(act) if frame.may("messages:send") else [], everywhere=frame.may("messages:send", None),
    )  # fmt: skip


def _stoppable(act: Act) -> list[tuple[str, list[tuple[str, str]]]]:
    """What can be stopped, as (scope, [(id, name)])."""
    first: dict[str, Any] = {"limit": paging.LIMIT_MAX, "after": None, "before": None}
    known = accounts.listed(act, **first).rows if act.caller.has("connectors:read") else []
    groups = segments.listed(act, **first, state="active").rows
    return [
        ("programme", programmes.choices(act, "messages:send")),
        ("account", [(str(ids.shown("account", one.id)), one.name) for one in known]),
        ("segment", [(str(ids.shown("segment", one.id)), one.name) for one in groups]),
    ]


def _what() -> tuple[str, int]:
    """What a form wants stopped: `all`, or the id of an account, a programme or a group."""
    given = request.form.get("what", "")
    if given == "all":
        return "all", 0
    try:
        kind, number = ids.any_id(given)
    except Invalid:
        kind, number = "", 0
    if kind not in STOPPED:
        raise BadField("choose what to stop", pointer="/what")
    return kind, number


def _uncontacted(wrong: int | None = None) -> Response:
    act, args = frame.act(), request.args
    filters: dict[str, Any] = {name: args[name] for name in ("channel", "reason") if args.get(name)}
    standing = None if args.get("over") else True
    page = suppressions.listed(
        act,
        limit=paging.LIMIT_DEFAULT,
        after=args.get("after"),
        before=args.get("before"),
        standing=standing,
        **filters,
    )
    return frame.show(
        "settings_do_not_contact", 422 if g.get("said") else 200, page=page, wrong=wrong, reasons=SUPPRESSION_REASONS,
        channels=("*", *channels.of_people()), people=suppressions.people(act, page.rows),
    )  # fmt: skip
