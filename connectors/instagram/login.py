"""Signing in at Instagram with the account itself, and renewing that.

Rules: the first token lives an hour and is changed for one of 60 days at once, which renews itself as long as it lives.
Source: developers.facebook.com/docs/instagram-platform/{instagram-api-with-instagram-login/business-login,
reference/access_token,reference/refresh_access_token} (November 2026).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from .. import hosted, meta
from ..api import AccountGone, Deferred, Renewed, SignIn
from ..http import Door

BASE_URL = "https://graph.instagram.com"
WEB = "https://www.instagram.com"
TOKENS = "https://api.instagram.com"
SCOPES = (
    "instagram_business_basic", "instagram_business_content_publish", "instagram_business_manage_comments",
    "instagram_business_manage_insights",
)  # fmt: skip


def address(settings: Mapping[str, Any]) -> str:
    """The interface in the version that is spoken."""
    return f"{settings['base_url'].rstrip('/')}/{settings['version']}"


def places(settings: Mapping[str, Any]) -> tuple[str, str]:
    """Where people sign in, and where a code becomes a token."""
    base = settings["base_url"].rstrip("/")
    web, tokens = (WEB, TOKENS) if settings["base_url"] == BASE_URL else (base, base)
    return f"{web}/oauth/authorize", f"{tokens}/oauth/access_token"


def accept(settings: Mapping[str, Any], secrets: Mapping[str, str], answer: Mapping[str, Any]) -> Renewed:
    """A token of 60 days for that of an hour, and the number of the account that signed in."""
    told = next(
        iter(meta.rows(answer)), answer
    )  # it is documented inside a list, and came without one before
    app_secret, token = secrets["client_secret"], str(told.get("access_token", ""))
    with closing(hosted.door(settings, BASE_URL, secrets=(app_secret, token))) as door:
        exchanged = meta.Graph(door, settings["base_url"], token).read(
            "access_token", grant_type="ig_exchange_token", client_secret=app_secret, access_token=token
        )
        new = _renewed(exchanged)
        graph = meta.Graph(door, address(settings), new.secrets["access_token"])
        user_id = str(graph.read("me", fields="user_id").get("user_id", ""))
    if settings["user_id"] not in ("", user_id):
        raise AccountGone("another account than user_id has signed in", code="user_id", phase="answer")
    return Renewed(new.secrets, new.life_s, new.ends_s, {"user_id": user_id})


def refresh(door: Door, settings: Mapping[str, Any], token: str) -> Renewed:
    """Sixty days more for a token that still lives."""
    graph = meta.Graph(door, settings["base_url"], token)
    return _renewed(graph.read("refresh_access_token", grant_type="ig_refresh_token", access_token=token))


def _renewed(told: Mapping[str, Any]) -> Renewed:
    token, life_s = told.get("access_token"), meta.seconds(told.get("expires_in"))
    if not isinstance(token, str) or not token:
        raise Deferred("the answer holds no token", phase="answer", scope="account")
    return Renewed({"access_token": token}, life_s, life_s)


SIGN_IN = SignIn(places=places, scopes=SCOPES, gives=("access_token", "user_id"), accept=accept, pkce=False)
