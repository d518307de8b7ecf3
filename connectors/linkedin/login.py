"""Signing in at LinkedIn as somebody who looks after the page, and renewing that.

Rules: a token lives 60 days; one that renews it is given to some apps only, and lives a year from when somebody
signed in, however often it is used.
Source: learn.microsoft.com/linkedin/shared/authentication/{authorization-code-flow,programmatic-refresh-tokens}
(November 2026).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from ..api import Deferred, Renewed, SignIn
from ..http import Door
from .client import BASE_URL, WEB_HOST

SCOPES = ("r_organization_social", "w_organization_social", "rw_organization_admin")
TOKENS = ("access_token", "refresh_token")


def places(settings: Mapping[str, Any]) -> tuple[str, str]:
    """Where people sign in, and where a code becomes a token."""
    base = settings["base_url"]
    web = f"https://{WEB_HOST}" if base == BASE_URL else base.rstrip("/")
    return f"{web}/oauth/v2/authorization", f"{web}/oauth/v2/accessToken"


def accept(settings: Mapping[str, Any], secrets: Mapping[str, str], answer: Mapping[str, Any]) -> Renewed:
    """The tokens of LinkedIn's answer. Without one that renews, somebody signs in again when it runs out."""
    tokens = {name: answer[name] for name in TOKENS if isinstance(answer.get(name), str)}
    life_s, ends_s = (_seconds(answer.get(name)) for name in ("expires_in", "refresh_token_expires_in"))
    return Renewed({"refresh_token": "", **tokens}, life_s, ends_s if "refresh_token" in tokens else life_s)


def refresh(door: Door, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Renewed:
    """A new token for the one that renews it, which LinkedIn may replace."""
    form = {
        "grant_type": "refresh_token", "refresh_token": secrets["refresh_token"],
        "client_id": settings["client_id"], "client_secret": secrets["client_secret"],
    }  # fmt: skip
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    body = urlencode(form).encode()
    answer = door.request(
        "POST", places(settings)[1], headers=headers, body=body, gone=(400, 401, 403)
    ).json()
    if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
        raise Deferred("the answer holds no token", phase="answer", scope="account")
    new = accept(settings, secrets, {"refresh_token": secrets["refresh_token"], **answer})
    told = _seconds(answer.get("refresh_token_expires_in"))
    return Renewed(new.secrets, new.life_s, told)


def _seconds(value: Any) -> float | None:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


SIGN_IN = SignIn(places=places, scopes=SCOPES, gives=TOKENS, accept=accept, pkce=False)
