"""Signing in by an OpenID provider: the way there, the way back, and who came back.

Rules: authorization code with PKCE; state and nonce are bound to the browser by a sealed cookie and work once; all
requests go out by the one door to HTTP; the provider proves an address or is known by its subject, and makes nobody
a user. Source: OpenID Connect Core 1.0, RFC 7636, RFC 9207; bad input A9, U15.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from campaigns.errors import Forbidden
from connectors.http import Door

from .keys import BadKeyRing, KeyRing
from .tables import Installation, SpentState
from .wiring import Wiring

LIFE = timedelta(minutes=10)
BACK = "/sign-in/oidc/back"
SCOPE = "openid email profile"
# What a provider signs with a key of its own; never `none`, never a shared secret.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
LOOPBACK = ("127.0.0.1", "localhost", "::1")
CLOCK_S = 60
_FIELD = "oidc"


class NotProven(Forbidden):
    """The provider's answer proves nothing, or not to this browser."""

    code = "not_proven"


@dataclass(frozen=True, slots=True)
class Provider:
    """Who is asked, and how we are known there."""

    issuer: str
    client_id: str
    client_secret: str


@dataclass(frozen=True, slots=True)
class Person:
    """Whom the provider says it is. `email` is empty unless the provider has verified it."""

    key: str  # issuer and subject: never another person's
    email: str


def provider(session: Session, wiring: Wiring) -> Provider | None:
    """The provider of the settings, else the one chosen on the pages; None: there is none."""
    told = wiring.settings.oidc
    if told.issuer:
        return Provider(told.issuer.rstrip("/"), told.client_id, told.client_secret)
    row = session.scalar(select(Installation).limit(1))
    if row is None or not row.oidc:
        return None
    return Provider(row.oidc["issuer"], row.oidc["client_id"], opened(wiring.keyring, row))


def seal(ring: KeyRing, row: Installation, secret: str) -> bytes:
    """The provider's secret, to be stored in the row of the installation."""
    return ring.seal(row.id, {_FIELD: secret})


def opened(ring: KeyRing, row: Installation) -> str:
    """The provider's secret."""
    return ring.open(row.id, row.oidc_secret).get(_FIELD, "")


def check(found: Provider) -> None:
    """Ask the provider for its own description; ConnectorError or NotProven where it is none."""
    _described(_door(found), found)


def start(wiring: Wiring, found: Provider, now: datetime, after: str) -> tuple[str, str]:
    """Where to send a browser, and the cookie that it must come back with."""
    told = _described(_door(found), found)
    kept = {
        "state": secrets.token_urlsafe(32), "nonce": secrets.token_urlsafe(32), "verifier": secrets.token_urlsafe(48),
        "issuer": found.issuer, "after": after, "until": (now + LIFE).timestamp(),
    }  # fmt: skip
    with _client(wiring, found) as client:
        url, _state = client.create_authorization_url(
            told["authorization_endpoint"],
            state=kept["state"],
            nonce=kept["nonce"],
            code_verifier=kept["verifier"],
        )
    return str(url), wiring.keyring.wrap(json.dumps(kept).encode()).decode()


def finish(
    wiring: Wiring, found: Provider, now: datetime, cookie: str, told: dict[str, str]
) -> tuple[Person, str]:
    """Who came back with these parameters, and where they wanted to go. NotProven; ConnectorError."""
    kept = _kept(wiring, now, cookie)
    _fits(found, kept, told)
    _spend(wiring, now, kept["state"])
    door = _door(found)
    about = _described(door, found)
    with _client(wiring, found) as client:
        door.mount(client)
        try:
            token = client.fetch_token(
                about["token_endpoint"],
                code=told["code"],
                code_verifier=kept["verifier"],
                grant_type="authorization_code",
            )
        except (AuthlibBaseError, ValueError) as error:
            raise NotProven("the provider did not accept the way back: try again") from error
    keys = door.request("GET", about["jwks_uri"]).json()
    claims = claims_of(str(token.get("id_token", "")), keys, found, kept["nonce"], now)
    verified = claims.get("email_verified") is True and isinstance(claims.get("email"), str)
    return Person(f"{found.issuer} {claims['sub']}", claims["email"] if verified else ""), kept["after"]


def _kept(wiring: Wiring, now: datetime, cookie: str) -> dict[str, Any]:
    try:
        kept: dict[str, Any] = json.loads(wiring.keyring.unwrap(cookie.encode("utf-8", "replace")))
    except BadKeyRing:
        raise NotProven("this browser did not ask to sign in: begin again") from None
    if "state" not in kept:  # sealed by us, and for something else
        raise NotProven("this browser did not ask to sign in: begin again")
    if kept.get("until", 0) < now.timestamp():
        raise NotProven("that took too long: begin again")
    return kept


def _fits(found: Provider, kept: dict[str, Any], told: dict[str, str]) -> None:
    """The answer is to this browser's question, and from the provider that was asked."""
    asked = hmac.compare_digest(told.get("state", "").encode(), str(kept["state"]).encode())
    same = told.get("iss", found.issuer).rstrip("/") == kept["issuer"] == found.issuer
    if not asked or not same:
        raise NotProven("this answer belongs to another question: begin again")
    if not told.get("code"):
        raise NotProven("the provider did not let you in")


def _spend(wiring: Wiring, now: datetime, state: str) -> None:
    """Use a state up; NotProven the second time."""
    mark = hashlib.sha256(state.encode()).hexdigest()
    with wiring.database.write() as session:
        session.execute(delete(SpentState).where(SpentState.at <= now - LIFE))
        if session.scalar(select(SpentState.id).where(SpentState.state_sha256 == mark)) is not None:
            raise NotProven("this answer was used before: begin again")
        session.add(SpentState(state_sha256=mark, at=now))


def _door(found: Provider) -> Door:
    """A way out to the provider: public hosts by https; this machine only where the provider is on it."""
    parts = urlsplit(found.issuer)
    local = parts.hostname in LOOPBACK
    return Door(
        allow_hosts=LOOPBACK if local else (), only_hosts=LOOPBACK if local else None,
        ports=(443, parts.port or 443), deadline_s=10.0, secrets=(found.client_secret,),
    )  # fmt: skip


def _client(wiring: Wiring, found: Provider) -> OAuth2Session:
    return OAuth2Session(
        found.client_id, found.client_secret or None, scope=SCOPE, redirect_uri=wiring.links.url(BACK),
        code_challenge_method="S256",
        token_endpoint_auth_method="client_secret_basic" if found.client_secret else "none",
    )  # fmt: skip


def _described(door: Door, found: Provider) -> dict[str, str]:
    """What the provider says of itself; it must be the one that was asked."""
    told = door.request("GET", f"{found.issuer}/.well-known/openid-configuration").json()
    wanted = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
    if not isinstance(told, dict) or not all(isinstance(told.get(name), str) for name in wanted):
        raise NotProven("this address is no OpenID provider")
    if told["issuer"].rstrip("/") != found.issuer:
        raise NotProven("the provider calls itself by another name than the one it was asked by")
    door.check(told["authorization_endpoint"])
    return {name: told[name] for name in wanted}


def claims_of(text: str, keys: Any, found: Provider, nonce: str, now: datetime) -> dict[str, Any]:
    """The claims of an identity token that was made for us, for this question, and is still good."""
    try:
        token = jwt.decode(text, KeySet.import_key_set(keys), algorithms=ALGORITHMS)
        rules = jwt.JWTClaimsRegistry(
            now=int(now.timestamp()), leeway=CLOCK_S,
            iss={"essential": True}, aud={"essential": True, "value": found.client_id}, exp={"essential": True},
            iat={"essential": True}, sub={"essential": True}, nonce={"essential": True, "value": nonce},
        )  # fmt: skip
        rules.validate(token.claims)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise NotProven("the provider's word is not signed as it must be: begin again") from error
    claims: dict[str, Any] = token.claims
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if str(claims["iss"]).rstrip("/") != found.issuer or (several and claims.get("azp") != found.client_id):
        raise NotProven("this answer was made for somebody else: begin again")
    return claims
