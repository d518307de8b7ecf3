"""Signing in at Facebook as somebody who looks after the page, which gives the page a token of its own.

Rules: the token of a person is made to last first, for only then the page's does not run out with it. It may read what
people wrote for 90 days from when somebody signed in.
Source: developers.facebook.com/docs/facebook-login/guides/access-tokens/get-long-lived,
/docs/graph-api/reference/v24.0/debug_token, /docs/pages-api/webhooks-for-pages (November 2026).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from .. import hosted, meta
from ..api import AccountGone, Renewed, SignIn

BASE_URL = "https://graph.facebook.com"
WEB = "https://www.facebook.com"
SCOPES = (
    "pages_show_list", "pages_manage_posts", "pages_manage_engagement", "pages_read_engagement",
    "pages_read_user_content", "pages_manage_metadata", "read_insights",
)  # fmt: skip
# What Meta is to tell of the page.
FIELDS = "feed,mention"


def address(settings: Mapping[str, Any]) -> str:
    """The interface in the version that is spoken."""
    return f"{settings['base_url'].rstrip('/')}/{settings['version']}"


def places(settings: Mapping[str, Any]) -> tuple[str, str]:
    """Where people sign in, and where a code becomes a token."""
    web = WEB if settings["base_url"] == BASE_URL else settings["base_url"].rstrip("/")
    return f"{web}/{settings['version']}/dialog/oauth", f"{address(settings)}/oauth/access_token"


def accept(settings: Mapping[str, Any], secrets: Mapping[str, str], answer: Mapping[str, Any]) -> Renewed:
    """The page's own token, for that of somebody who looks after it; Meta is asked to call about the page."""
    app_secret, token = secrets["client_secret"], str(answer.get("access_token", ""))
    with closing(hosted.door(settings, BASE_URL, secrets=(app_secret, token))) as door:
        lasting = meta.Graph(door, address(settings), token, app_secret).write(
            "oauth/access_token", grant_type="fb_exchange_token", fb_exchange_token=token,
            client_id=settings["client_id"], client_secret=app_secret,
        )  # fmt: skip
        person = meta.Graph(door, address(settings), str(lasting.get("access_token", "")), app_secret)
        page = _page(person, settings["page_id"])
        graph = meta.Graph(door, address(settings), page, app_secret)
        graph.write(f"{settings['page_id']}/subscribed_apps", subscribed_fields=FIELDS)
        about = meta.obj(graph.read("debug_token", input_token=page), "data")
    return Renewed({"access_token": page}, ends_s=_ends_s(about))


def _page(person: meta.Graph, page_id: str) -> str:
    """The token of the page; AccountGone where they do not look after it."""
    for one in meta.listed(person, "me/accounts", lambda _row: True, fields="id,access_token"):
        if one.get("id") == page_id and isinstance(one.get("access_token"), str):
            return str(one["access_token"])
    raise AccountGone("whoever signed in does not look after this page", code="page_id", phase="answer")


def _ends_s(about: Mapping[str, Any]) -> float | None:
    """For how long, by Meta's own times; 0 is for ever."""
    ends = [about.get(name) for name in ("expires_at", "data_access_expires_at")]
    left = [one for one in (meta.seconds(each) for each in ends) if one]
    issued = meta.seconds(about.get("issued_at"))
    return max(min(left) - issued, 0.0) if left and issued else None


SIGN_IN = SignIn(places=places, scopes=SCOPES, gives=("access_token",), accept=accept, pkce=False)
