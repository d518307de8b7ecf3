"""Settings, connected accounts: connect one, prove its login, try it by a letter, take it out of service."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Response, g, request

from campaigns.delivery import limits
from campaigns.delivery.accounts import ON_UNKNOWN
from campaigns.delivery.tables import Account
from campaigns.errors import BadField, DomainError, NotFound
from connectors import registry
from connectors.api import Provider, Setting
from connectors.smtp.presets import PRESETS

from .. import paging, post, words
from ..acts import Act, accounts, begin, programmes, sign_ins
from ..ids import shown
from ..notice_facts import LOGIN_ENDS_WITHIN
from . import frame, typed

pages = frame.Pages("settings_accounts")
# The first questions of a connector, in the order in which people have the answers; of others, what is needed.
FIRST = {"smtp": ("host", "port", "security", "username", "password")}
# How what comes back is read, where that is a server of its own.
READING = {
    "smtp": (
        "imap_host", "imap_port", "imap_security", "imap_username", "imap_password", "imap_folder", "inbox_domain",
    ),
}  # fmt: skip
# Settings that take one word of a few.
WORDS = {
    ("smtp", "security"): ("tls", "starttls", "opportunistic", "off"),
    ("smtp", "imap_security"): ("tls", "starttls", "off"),
    ("simulator", "channel"): ("email", "practice"),
    ("simulator", "repeats"): ("keyed", "findable", "blind"),
}


@pages.page("/settings/accounts")
def every() -> Response:
    """The accounts, and what can be connected."""
    return _every()


def _every(status: int = 200) -> Response:
    act = frame.act()
    page = accounts.listed(
        act, limit=paging.LIMIT_DEFAULT, after=request.args.get("after"), before=request.args.get("before")
    )
    return frame.show(
        "settings_accounts", status, page=page, providers=accounts.providers(act), presets=PRESETS,
        soon=act.now + LOGIN_ENDS_WITHIN,
    )  # fmt: skip


@pages.page("/settings/accounts/new")
def new() -> Response:
    """The questions of one connector."""
    return _new()


@pages.page("/settings/accounts/new", "POST", outside=True)
def connected() -> Response:
    """Connect it, and prove the login at once."""
    try:
        provider = _provider()
        with begin(frame.wiring(), frame.caller(), request_id=g.get("request_id")) as act:
            settings, secrets = _answers(provider)
            made = accounts.create(
                act, connector=provider.name, settings=settings, secrets=secrets,
                programme_id=typed.number("prg", "programme_id"), **_values(),
            )  # fmt: skip
            number = made.id
    except DomainError as error:
        _refuse(error)
        with frame.looking():
            return _new()
    return _checked(number, "connected")


@pages.page("/settings/accounts/<acc:number>")
def one(number: int) -> Response:
    """One account, what it may carry, and its settings."""
    return _one(number)


@pages.page("/settings/accounts/<acc:number>", "POST", outside=True)
def changed(number: int) -> Response:
    """Change its settings, and prove them at once; a secret that is left empty stays."""
    try:
        with begin(frame.wiring(), frame.caller(), request_id=g.get("request_id")) as act:
            unproven = _change(act, number)
    except NotFound:
        raise
    except DomainError as error:
        _refuse(error)
        with frame.looking():
            return _one(number)
    if unproven:
        return _checked(number, "connected")
    return frame.go("pages_settings_accounts.one", number=number, done="saved")


@pages.page("/settings/accounts/<acc:number>/delete", "POST")
def deleted(number: int) -> Response:
    """Take it away, where nothing ever went by it."""

    def delete() -> Response:
        accounts.delete(frame.act(), number)
        return frame.go("pages_settings_accounts.every", done="removed")

    return frame.trying(delete) or _one(number)


@pages.page("/settings/accounts/<acc:number>/state", "POST")
def switched(number: int) -> Response:
    """Out of service, or back."""
    state = "disabled" if request.form.get("state") == "disabled" else "active"
    if state == "active" and accounts.get(frame.act(), number).state_reason:
        state = "out_of_service"  # what was wrong before it was switched off is put right by a check only
    accounts.change(frame.act(), number, None, state=state)
    return frame.go("pages_settings_accounts.one", number=number, done="saved")


@pages.page("/settings/accounts/<acc:number>/verify", "POST", outside=True)
def verified(number: int) -> Response:
    """Prove the login, and say what the provider says."""
    return _checked(number, "verified")


@pages.page("/settings/accounts/<acc:number>/sign-in", "POST")
def sign_in(number: int) -> Response:
    """The page that leads to the provider: a link, for browsers follow no form of ours to another site."""
    act = frame.act()
    login = frame.login_of(act.session)
    assert login is not None
    found: list[str] = []

    def set_out() -> None:
        found.append(sign_ins.start(act, number, login.id))

    frame.trying(set_out)
    if not found:
        return _one(number)
    return frame.show(
        "settings_sign_in", account=accounts.get(act, number), url=found[0], host=urlsplit(found[0]).hostname,
        callback=_callback(),
    )  # fmt: skip


@pages.page(sign_ins.BACK, outside=True)
def signed_in() -> Response:
    """Back from the provider. A GET that acts: what it carries is good once, for whoever set out."""
    wiring, caller, request_id = frame.wiring(), frame.caller(), g.get("request_id")
    try:
        with begin(wiring, caller, request_id=request_id) as act:
            login = frame.login_of(act.session)
            way = sign_ins.take(act, login.id if login else 0, request.args.get("state", ""))
    except NotFound as error:
        frame.refuse(error)
        with frame.looking():
            return _every(404)
    number, problem = way.account.id, ""
    try:
        problem = sign_ins.finish(wiring, caller, way, request.args.get("code", ""), request_id)
    except DomainError as error:
        _refuse(error)
    if not problem and not g.get("said"):
        return frame.go("pages_settings_accounts.one", number=number, done="signed-in")
    with frame.looking():
        return _one(number, problem=problem)


@pages.page("/settings/accounts/<acc:number>/try", "POST", outside=True)
def tried(number: int) -> Response:
    """Send a letter to whoever presses."""
    try:
        with frame.looking():
            letter = _trial(accounts.get(frame.act(), number))
        problem = accounts.try_out(frame.wiring(), frame.caller(), number, letter, g.get("request_id"))
    except DomainError as error:
        frame.refuse(error)
        problem = ""
    if not problem and not g.get("said"):
        return _on(number, "tried")
    with frame.looking():
        return _one(number, problem=problem)


def _change(act: Act, number: int) -> bool:
    """Whether what was typed changes how the account connects, or was never proven."""
    account = accounts.get(act, number)
    provider = registry.provider(account.connector)
    settings, secrets = _answers(provider)
    same = _defaults(provider) | settings == _defaults(provider) | account.settings and not secrets
    wiring = {} if same else {"settings": settings, "secrets": secrets}
    accounts.change(act, number, None, keep=True, **wiring, **_values())
    return account.state == "out_of_service" or not (same or account.state == "disabled")


def _checked(number: int, done: str) -> Response:
    """Prove the login; on where it works, else to the account, which says what is wrong with the form to correct it."""
    told = accounts.verify(frame.wiring(), frame.caller(), number, g.get("request_id"))
    if told["ok"]:
        return _on(number, done)
    if told["state"] == "active" and not told["reading"]:
        with frame.looking():
            return _one(number, problem=told["problem"])
    return frame.go("pages_settings_accounts.one", number=number, **_next())


def _on(number: int, done: str) -> Response:
    """Back to where somebody came from, else the account."""
    if after := _next():
        place = frame.inside(after["next"])
        return frame.see(f"{place}{'&' if '?' in place else '?'}done={done}")
    return frame.go("pages_settings_accounts.one", number=number, done=done)


def _next() -> dict[str, str]:
    after = request.values.get("next", "")
    return {"next": after} if after else {}


def _new() -> Response:
    provider = _provider()
    preset = next((one for one in PRESETS if one.key == request.values.get("preset")), None)
    preset = preset if provider.name == "smtp" else None
    values = _defaults(provider) | dict(preset.settings if preset else {})
    if provider.name == "simulator":
        values["url"] = f"http://127.0.0.1:{frame.wiring().settings.practice.port}"
    return frame.show(
        "settings_account", 422 if g.get("said") else 200, account=None, values=values, known={}, preset=preset,
        programmes=programmes.choices(frame.act(), "connectors:admin"), problem="", next=request.values.get("next", ""),
        everywhere=frame.may("connectors:admin", None), **_form(provider),
    )  # fmt: skip


def _one(number: int, problem: str = "") -> Response:
    act = frame.act()
    account = accounts.get(act, number)
    provider = registry.provider(account.connector)
    rules = frame.may("connectors:admin", account.programme_id)
    return frame.show(
        "settings_account", 422 if g.get("said") or problem else 200, account=account,
        values=_defaults(provider) | account.settings,
        known=accounts.known_secrets(act, account) if rules else {}, preset=None, problem=problem,
        next=request.values.get("next", ""), rules=rules, home=programmes.name_of(act, account.programme_id),
        usage=accounts.usage(act, number),
        unreachable=accounts.out_of_reach(act, [account]), told_at=_told_at(provider, number), **_form(provider),
    )  # fmt: skip


def _form(provider: Provider) -> dict[str, Any]:
    """The questions of a connector: the first ones, and those that most people leave alone."""
    given = provider.sign_in.gives if provider.sign_in else ()
    wanted = FIRST.get(provider.name) or [
        one.name for one in provider.settings if (one.required or one.secret) and one.name not in given
    ]
    by_name = {one.name: one for one in provider.settings}
    return {
        "provider": provider,
        "first": [by_name[name] for name in wanted],
        "reading": [by_name[name] for name in READING.get(provider.name, ())],
        "more": [
            one for one in provider.settings if one.name not in (*wanted, *READING.get(provider.name, ()))
        ],
        "words_of": {name: choices for (connector, name), choices in WORDS.items() if connector == provider.name},
        "callback": _callback() if provider.sign_in else "",
        "on_unknown": ON_UNKNOWN, "mail": "email" in provider.channels, "limit_keys": _limit_keys(provider),
    }  # fmt: skip


def _callback() -> str:
    """Where providers send people back to; they want to know it before."""
    return frame.wiring().links.url(sign_ins.BACK)


def _told_at(provider: Provider, number: int) -> str:
    """Where a provider pushes events to; one that signs nothing proves itself by what stands behind that."""
    if "hooks" not in provider.faces:
        return ""
    secret = "/hook_secret" if any(one.name == "hook_login" for one in provider.settings) else ""
    return frame.wiring().links.url(f"/hooks/{shown('account', number)}{secret}")


def _limit_keys(provider: Provider) -> list[str]:
    """The limits that mean something for a connector: of domains for mail, of an app for networks, of money."""
    apart = limits.PER_APP if "email" in provider.channels else (limits.PER_DOMAIN,)
    free = () if provider.limits.prices else (limits.COST,)
    return [key for key in limits.KEYS if key not in (*apart, *free)]


def _defaults(provider: Provider) -> dict[str, Any]:
    return {each.name: each.default for each in provider.settings if not each.secret}


def _provider() -> Provider:
    try:
        return registry.provider(request.values.get("connector", "smtp"))
    except registry.UnknownConnector as error:
        raise NotFound(str(error)) from error


def _answers(provider: Provider) -> tuple[dict[str, Any], dict[str, str]]:
    """What was typed, as settings and secrets; what was left empty and need not be there is left out."""
    settings: dict[str, Any] = {}
    secrets: dict[str, str] = {}
    for each in provider.settings:
        given = request.form.get(f"s-{each.name}", "")
        if each.secret:
            if given:
                secrets[each.name] = given
        elif isinstance(each.default, bool):
            settings[each.name] = bool(given)
        elif given.strip() or each.required:
            settings[each.name] = _value(each, given.strip())
    return settings, secrets


def _value(setting: Setting, given: str) -> Any:
    kind = type(setting.default)
    if kind not in (int, float):
        return given
    try:
        return kind(given)
    except ValueError as error:
        raise BadField("must be a number", pointer=f"/s-{setting.name}") from error


def _values() -> dict[str, Any]:
    language = typed.text("language")
    sender = typed.text("sender") or _own_sender()
    if "sender" in request.form and not sender:
        raise BadField("say from which address mail comes", pointer="/sender")
    return {
        **({"own_limits": _own_limits()} if "l-" in request.form else {}),
        "name": typed.text("name"), "sender": sender,
        "sender_name": typed.text("sender_name"),
        "language": language if language in words.LANGUAGES else None,
        "on_unknown": request.form.get("on_unknown", "hold"),
    }  # fmt: skip


def _own_limits() -> dict[str, float]:
    """What was typed into the fields of limits; a number that is whole as one."""
    found: dict[str, float] = {}
    for key in limits.KEYS:
        if given := request.form.get(f"l-{key}", "").strip():
            try:
                number = float(given)
            except ValueError as error:
                raise BadField("must be a number", pointer=f"/l-{key}") from error
            found[key] = int(number) if number.is_integer() else number
    return found


def _own_sender() -> str:
    """The mailbox itself, where nobody says from whom mail comes."""
    username = request.form.get("s-username", "").strip()
    return username if "@" in username else ""


def _refuse(error: DomainError) -> None:
    """Point at the field as the form names it."""
    for part, field in (("/settings/", "s"), ("/secrets/", "s"), ("/own_limits/", "l")):
        if error.pointer and error.pointer.startswith(part):
            error.pointer = f"/{field}-{error.pointer.removeprefix(part)}"
    frame.refuse(error)


def _trial(account: Account) -> post.Letter:
    person = frame.user()
    if not person.email_key:
        raise BadField("you have no e-mail address here: an administrator can add it")
    return post.letter("trial", person, account=account.name)
