"""What may be done with connected accounts: connect, change, prove the login."""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import Any

from sqlalchemy import select

from campaigns.delivery import accounts, costs, limits, renewal
from campaigns.delivery.tables import Account
from campaigns.errors import BadField, Conflict, NotFound, Recalled, Said, said
from campaigns.responses.tables import RawEvent
from connectors import own_server, registry
from connectors.api import AccountGone, BadSettings, Connector, ConnectorError, Provider, Renewed

from .. import paging, post
from ..access import Caller, scoped
from ..keys import BadKeyRing
from ..settings import Settings
from ..wiring import Wiring
from . import Act, begin, troubles

PRACTICE = "Practice"
ENDS_SHOWN_FROM = 16
SHOWN = (
    "connector",
    "name",
    "settings",
    "sender",
    "sender_name",
    "language",
    "on_unknown",
    "own_limits",
    "state",
)


def providers(act: Act) -> list[Provider]:
    """Every connector there is, before anyone connects."""
    return [registry.provider(name) for name in registry.names()]


def provider(act: Act, name: str) -> Provider:
    """One connector by name."""
    try:
        return registry.provider(name)
    except registry.UnknownConnector as error:
        raise NotFound(str(error)) from error


def listed(act: Act, *, limit: int, after: str | None, before: str | None) -> paging.Page:
    """The accounts of the programmes the caller sees, and those all share."""
    statement = scoped(select(Account), Account.programme_id, act.caller, "connectors:read", shared=True)
    return paging.cut(act.session, statement, Account.id, limit=limit, after=after, before=before)


def get(act: Act, account_id: int, *, scope: str = "connectors:read", lock: bool = False) -> Account:
    """One account; NotFound where the caller has no grant."""
    account = act.one(Account, account_id, lock=lock)
    act.need(scope, account.programme_id)
    return account


def usage(act: Act, account_id: int) -> list[limits.Used]:
    """The limits that hold for an account, with what of them is used today and this month."""
    account = get(act, account_id)
    found = limits.usage(act.session, act.now, account)
    if (most := costs.budget(account)) is not None:
        found.append(limits.Used(limits.COST, most, costs.spent(act.session, account, act.now)))
    return found


def create(
    act: Act, *, connector: str, settings: dict[str, Any], secrets: dict[str, str], **values: Any
) -> Account:
    """Connect an account. Its settings are checked and its limits declared; `verify` proves the login."""
    act.need("connectors:admin", values.get("programme_id"))
    connected = _connect(act.wiring, connector, settings, secrets)
    made = accounts.create(
        act.session, act.now, connector=connector, channel=connected.channel, settings=settings, **values
    )
    accounts.declare(made, connected)
    _seal(act, made, secrets)
    connected.close()
    act.note(
        "connector_account.created", "account", made.id, programme_id=made.programme_id, after=_facts(made)
    )
    return made


def practice(act: Act, name: str = PRACTICE) -> Account:
    """The practice account, made by this name when it is first needed."""
    found = act.session.scalar(
        select(Account).where(
            Account.test.is_(True), Account.channel == "email", Account.programme_id.is_(None)
        )
    )
    if found is not None:
        return found
    chosen = act.wiring.settings.practice
    if not chosen.enabled:
        raise BadField("practice is switched off here: test tokens reach nobody", pointer="/accounts")
    settings = {"url": f"http://127.0.0.1:{chosen.port}", "channel": "email"}
    connected = _connect(act.wiring, "simulator", settings, {})
    made = accounts.create(
        act.session, act.now, name=name, connector="simulator", channel="email", settings=settings, test=True,
        sender="practice@example.org",
    )  # fmt: skip
    accounts.declare(made, connected)
    connected.close()
    return made


def known_secrets(act: Act, account: Account) -> dict[str, str]:
    """Which secrets are set, each with how it ends; nothing of one so short that this would give it away."""
    opened = act.wiring.keyring.open(account.id, account.secrets)
    return {
        name: value[-4:] if len(value) >= ENDS_SHOWN_FROM else "" for name, value in opened.items() if value
    }


def change(act: Act, account_id: int, version: int | None, *, keep: bool = False, **values: Any) -> Account:
    """Change an account; secrets that are given replace all of them, or with `keep` those of the same name.

    No secret is kept where a setting changes that says where it is sent.
    """
    account = get(act, account_id, scope="connectors:admin", lock=True)
    act.unchanged(account, version)
    before, secrets = _facts(account), values.pop("secrets", None)
    if secrets is not None or "settings" in values:
        kept = act.wiring.keyring.open(account.id, account.secrets) if keep or secrets is None else {}
        _stay(account, values.get("settings", account.settings), kept.keys() - (secrets or {}).keys())
        known, place = kept | (secrets or {}), _place(act, account)
        secrets = known if secrets is not None else None
        connected = _connect(act.wiring, account.connector, values.get("settings", account.settings), known)
        if connected.place != place:
            accounts.read_anew(account)
        accounts.declare(account, connected)
        connected.close()
        account.verified_at = None
    if secrets is not None:
        _seal(act, account, secrets)
        account.login_ends_at = None
    accounts.change(act.session, account, act.now, **values)
    act.note(
        "connector_account.changed", "account", account.id, programme_id=account.programme_id, before=before,
        after=_facts(account) | ({"secrets": "replaced"} if secrets is not None else {}),
    )  # fmt: skip
    return account


def prepared(
    wiring: Wiring, account: Account, settings: dict[str, Any], secrets: dict[str, str]
) -> Connector:
    """The account as it would be with these settings and secrets beside its own; nothing is kept."""
    known = wiring.keyring.open(account.id, account.secrets)
    return _connect(wiring, account.connector, account.settings | settings, known | secrets)


def signed_in(act: Act, account: Account, new: Renewed, connected: Connector) -> None:
    """Keep a login that was proven, and bring the account back in service: what waits goes by it."""
    if connected.place != _place(act, account):
        accounts.read_anew(account)
    act.wiring.keep(act.session, account, new.secrets)
    account.settings = {**account.settings, **new.settings}
    account.login_ends_at = None
    accounts.declare(account, connected)
    accounts.log_in(account, act.now, new)
    if account.state != "disabled":
        accounts.restore(act.session, account, act.now)
    act.note("connector_account.signed_in", "account", account.id, programme_id=account.programme_id)


def verify(wiring: Wiring, caller: Caller, account_id: int, request_id: str | None) -> dict[str, Any]:
    """Prove the login at the provider, between two transactions; a good one brings the account back in service."""
    trouble = _tried(wiring, caller, account_id, request_id)
    if isinstance(trouble, AccountGone) and _renewed(wiring, caller, account_id, request_id):
        trouble = _tried(wiring, caller, account_id, request_id)
    with begin(wiring, caller, request_id=request_id) as act:
        account = get(act, account_id, scope="connectors:admin", lock=True)
        problem = str(troubles.told(trouble, account.connector, account.settings)) if trouble else ""
        if account.state != "disabled":
            _settle(act, account, trouble, problem)
        act.note(
            "connector_account.verified", "account", account.id, programme_id=account.programme_id,
            after={"ok": not problem},
        )  # fmt: skip
        reading = trouble is not None and trouble.face == "poll"
        return {"ok": not problem, "problem": problem, "state": account.state, "reading": reading}


def try_out(
    wiring: Wiring, caller: Caller, account_id: int, letter: post.Letter, request_id: str | None
) -> str:
    """Hand a letter to the provider of a mail account, for whoever tries it; why it does not go, or nothing."""
    with begin(wiring, caller, request_id=request_id) as act:
        account = get(act, account_id, scope="connectors:admin")
        if account.channel != "email":
            raise BadField("only a mail account can be tried by a letter", pointer="/account")
        by = post.box_of(wiring, act.session, account)
    problem = ""
    try:
        post.post(by, letter)
    except ConnectorError as error:
        problem = str(troubles.told(error, account.connector, account.settings))
    with begin(wiring, caller, request_id=request_id) as act:
        act.note("connector_account.tried", "account", account_id, after={"ok": not problem})
    return problem


def delete(act: Act, account_id: int) -> None:
    """Take away an account that never carried anything."""
    account = get(act, account_id, scope="connectors:admin", lock=True)
    if act.session.scalar(select(RawEvent.id).where(RawEvent.account_id == account.id).limit(1)) is not None:
        raise Conflict("something came in by this account: switch it off instead")
    before = _facts(account)
    accounts.delete(act.session, account)
    act.note(
        "connector_account.removed", "account", account_id, programme_id=account.programme_id, before=before
    )


def out_of_reach(act: Act, through: Iterable[Account]) -> bool:
    """Whether mail goes to real people by one of these, while the links in it lead to where they cannot come."""
    real = any(one.channel == "email" and not one.test and one.connector != "simulator" for one in through)
    return real and not act.wiring.settings.http.open_to_all


def _tried(wiring: Wiring, caller: Caller, account_id: int, request_id: str | None) -> ConnectorError | None:
    """What the provider says against the login."""
    with begin(wiring, caller, request_id=request_id) as act:
        account = get(act, account_id, scope="connectors:admin")
        connector = wiring.connector(act.session, account)
    try:
        connector.verify()
    except ConnectorError as error:
        return error
    return None


def _renewed(wiring: Wiring, caller: Caller, account_id: int, request_id: str | None) -> bool:
    """Whether a login that has run out could be renewed."""
    with begin(wiring, caller, request_id=request_id) as act:
        account = get(act, account_id, scope="connectors:admin", lock=True)
        if not account.renews:
            return False
        account.renew_due_at, account.not_before_at = act.now, None
    return renewal.renew(wiring.desk("verify"), account_id)


def _settle(act: Act, account: Account, trouble: ConnectorError | None, problem: str) -> None:
    """What a check means for the account: one that was proven before survives a passing trouble."""
    if trouble is None or trouble.face == "poll":
        accounts.declare(account, act.wiring.connector(act.session, account))  # a later release takes more
        accounts.restore(act.session, account, act.now)
        if trouble is not None:
            accounts.refuse_inbox(act.session, account.id, problem)
    elif isinstance(trouble, AccountGone) or account.verified_at is None or account.state != "active":
        account.state, account.state_reason = "out_of_service", problem[:500]
        account.touch(act.now)


def _place(act: Act, account: Account) -> str | None:
    """What the account has read so far; None where it cannot be connected as it is."""
    try:
        return act.wiring.connector(act.session, account).place
    except (registry.UnknownConnector, BadSettings, BadKeyRing):
        return None


def _connect(wiring: Wiring, name: str, settings: dict[str, Any], secrets: dict[str, str]) -> Connector:
    try:
        _no_way_inside(wiring.settings, registry.provider(name), settings)
        return registry.connect(name, settings, secrets)
    except registry.UnknownConnector as error:
        raise BadField(str(error), pointer="/connector") from error
    except BadSettings as error:
        first = next(iter(error.problems))
        where = "secrets" if first in secrets else "settings"
        raise BadField(_wrong(error), pointer=f"/{where}/{first}") from error


def _no_way_inside(chosen: Settings, known: Provider, settings: dict[str, Any]) -> None:
    """Stop where an account would be on this machine, unless that is allowed; the practice provider always is."""
    if chosen.connectors.local:
        return
    practised = f"http://127.0.0.1:{chosen.practice.port}" if chosen.practice.enabled else ""
    for each in known.settings:
        url = settings.get(each.name)
        if each.where and isinstance(url, str) and own_server.is_local(url) and url.rstrip("/") != practised:
            words = said(
                "{setting} leads to this machine, which only connectors.local allows", setting=each.name
            )
            raise BadField(words, pointer=f"/settings/{each.name}")


def _stay(account: Account, settings: dict[str, Any], kept: Set[str]) -> None:
    """Stop where secrets that are kept would be sent elsewhere: who may change an account need not know them."""
    for each in registry.provider(account.connector).settings:
        before, after = (held.get(each.name, each.default) for held in (account.settings, settings))
        if each.where and before != after and kept:
            words = said(
                "{setting} says where secrets are sent: to change it, enter anew: {secrets}",
                setting=each.name, secrets=", ".join(sorted(kept)),
            )  # fmt: skip
            raise BadField(words, pointer=f"/secrets/{min(kept)}")


def _wrong(error: BadSettings) -> Said:
    """`str(error)` with each setting apart."""
    *before, last = (
        said("{name} {words}", name=name, words=Recalled(words)) for name, words in error.problems.items()
    )
    for one in reversed(before):
        last = said("{one}; {more}", one=one, more=last)
    return last


def _seal(act: Act, account: Account, secrets: dict[str, str]) -> None:
    account.secrets = act.wiring.keyring.seal(account.id, secrets) if secrets else None


def _facts(account: Account) -> dict[str, Any]:
    return {name: getattr(account, name) for name in SHOWN}
