"""Signing in to a connected account at its provider: the way there, the way back, and the login that comes of it.

Rules: the state is random, good once, for ten minutes, and for the login and the account that set out with it; the
code and our secret go to the one address that the connector names for these settings. A new login is kept once it is
proven: until then the account works as it did, and what waits goes on waiting.
Source: OAuth 2.0 (RFC 6749), PKCE (RFC 7636), best current practice (RFC 9700); bad input A9, U15.
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from sqlalchemy import delete, select

from campaigns.canonical import sha256
from campaigns.delivery.tables import Account
from campaigns.errors import BadField, Conflict, NotFound
from connectors import registry
from connectors.api import ConnectorError, Renewed, SignIn
from connectors.http import Door

from ..access import Caller
from ..oidc import LOOPBACK, NotProven
from ..tables import SignInState
from ..wiring import Wiring
from . import Act, accounts, begin, troubles

LIFE = timedelta(minutes=10)
BACK = "/accounts/signed-in"
DEADLINE_S = 15.0


def start(act: Act, account_id: int, login_id: int) -> str:
    """Where to send whoever signs in."""
    account = accounts.get(act, account_id, scope="connectors:admin")
    how = _how(account)
    page = how.places(_filled(account))[0]
    try:
        _door(page, ()).check(page)
    except ConnectorError as error:
        raise BadField("the page to sign in at has an address that we send nobody to") from error
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    act.session.execute(delete(SignInState).where(SignInState.at <= act.now - LIFE))
    act.session.add(
        SignInState(
            state_sha256=sha256(state), login_id=login_id, account_id=account_id, asked=_asked(account, how),
            verifier=act.wiring.keyring.wrap(verifier.encode()), at=act.now,
        )
    )  # fmt: skip
    question = {
        "response_type": "code", "client_id": account.settings[how.client_id], "state": state,
        "redirect_uri": act.wiring.links.url(BACK), "scope": " ".join(how.scopes),
    }  # fmt: skip
    if how.pkce:
        question |= {"code_challenge": _challenge(verifier), "code_challenge_method": "S256"}
    return f"{page}?{urlencode(question)}"


@dataclass(frozen=True, slots=True)
class Way:
    """What somebody set out with: the account as it was on their way back, and what proves that the code is ours."""

    account: Account
    how: SignIn
    verifier: str
    asked: str


def take(act: Act, login_id: int, state: str) -> Way:
    """What belongs to a state, which is used up by that. NotFound where it is not theirs, was used or grew old."""
    mine = (
        SignInState.state_sha256 == sha256(state), SignInState.login_id == login_id,
        SignInState.at > act.now - LIFE,
    )  # fmt: skip
    found = act.session.scalar(select(SignInState).where(*mine))
    used = act.session.execute(delete(SignInState).where(*mine))
    if found is None or used.rowcount != 1:  # type: ignore[attr-defined]
        raise NotFound(
            "this way back is not yours, was used, or took too long: sign in again from the account"
        )
    account = accounts.get(act, found.account_id, scope="connectors:admin")
    how = _how(account)
    return Way(account, how, act.wiring.keyring.unwrap(found.verifier).decode(), found.asked)


def finish(wiring: Wiring, caller: Caller, way: Way, code: str, request_id: str | None) -> str:
    """Make a login of the provider's code, prove and keep it; what the provider has against it, or nothing.

    DomainError where nothing is kept for a reason of ours.
    """
    account = way.account
    _unchanged(account, way)
    if not code:
        raise NotProven("the provider did not let you in")
    try:
        new = _login(wiring, way, code)
        connected = accounts.prepared(wiring, account, dict(new.settings), dict(new.secrets))
        with closing(connected):
            connected.verify()
    except ConnectorError as error:
        return str(troubles.told(error, account.connector, account.settings))
    with begin(wiring, caller, request_id=request_id) as act:
        row = accounts.get(act, account.id, scope="connectors:admin", lock=True)
        _unchanged(row, way)
        accounts.signed_in(act, row, new, connected)
    return ""


def _unchanged(account: Account, way: Way) -> None:
    """The code and what came of it belong to the provider and the app that were asked, or to nobody."""
    if _asked(account, way.how) != way.asked:
        raise Conflict("somebody changed this account meanwhile: sign in again")


def _login(wiring: Wiring, way: Way, code: str) -> Renewed:
    """The login that a code stands for."""
    settings, how = _filled(way.account), way.how
    known = wiring.keyring.open(way.account.id, way.account.secrets)
    place = how.places(settings)[1]
    form = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": wiring.links.url(BACK),
        "client_id": settings[how.client_id], "client_secret": known.get(how.client_secret, ""),
        **({"code_verifier": way.verifier} if how.pkce else {}),
    }  # fmt: skip
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    with closing(_door(place, (code, way.verifier, *known.values()))) as door:
        answer = door.request(
            "POST", place, headers=headers, body=urlencode(form).encode(), gone=(400, 401, 403)
        ).json()
    if not isinstance(answer, dict):
        raise NotProven("the provider's answer holds no login: sign in again")
    return how.accept(settings, known, answer)


def _how(account: Account) -> SignIn:
    how = registry.provider(account.connector).sign_in
    if how is None:
        raise BadField("at this provider nobody signs in: its keys are entered here", pointer="/account")
    if not account.settings.get(how.client_id):
        raise BadField(
            "say first by which app the provider knows this installation",
            pointer=f"/settings/{how.client_id}",
        )
    return how


def _filled(account: Account) -> dict[str, Any]:
    """The settings of an account with the defaults of those that nobody chose."""
    known = registry.provider(account.connector).settings
    return {one.name: one.default for one in known if not one.secret} | account.settings


def _asked(account: Account, how: SignIn) -> str:
    """Where a code is to go, and for which app: with anything else put in place meanwhile it goes nowhere."""
    return f"{how.places(_filled(account))[1]} {account.settings.get(how.client_id, '')}"


def _door(url: str, hidden: tuple[str, ...]) -> Door:
    """A way out to this host alone; to this machine only where the connector itself names it, for practice."""
    host = urlsplit(url).hostname or ""
    return Door(
        allow_hosts=LOOPBACK if host in LOOPBACK else (),
        only_hosts=(host,),
        deadline_s=DEADLINE_S,
        secrets=hidden,
    )


def _challenge(verifier: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
