"""The login of an account: made of its app password, and renewed by a token that is good once.

Rules: only this asks for logins, and the caller sees to it that nobody else asks meanwhile: a server makes thirty of a
password in five minutes and no more.
Source: docs.bsky.app/docs/api/com-atproto-server-create-session, …-refresh-session (November 2026).
"""

from __future__ import annotations

from base64 import urlsafe_b64decode

import orjson

from ..api import AccountGone, Refused, Renewed, Uncertain
from ..http import Answer
from ..shapes import field
from .client import Client, told


def refresh(client: Client, app_password: str, refresh_token: str) -> Renewed:
    """A new login: of the old one while the server takes it, else of the app password. AccountGone."""
    if refresh_token:
        try:
            return _renewed(_ask(client, "refreshSession", refresh_token))
        except AccountGone:
            pass  # two months old, taken back, or used before: the password says whether the account is gone
    body = {"identifier": client.handle, "password": app_password}
    return _renewed(_ask(client, "createSession", "", body))


def _ask(client: Client, method: str, token: str, body: dict[str, str] | None = None) -> Answer:
    try:
        return client.door.request(
            "POST",
            f"{client.url}/xrpc/com.atproto.server.{method}",
            headers={"Authorization": f"Bearer {token}"} if token else {},
            json=body,
            gone=(400, 401, 403),
        )
    except Refused as error:
        raise AccountGone(error.words, code=error.code, phase=error.phase) from None


def _renewed(answer: Answer) -> Renewed:
    found = told(answer)
    access, again = found.get("accessJwt"), found.get("refreshJwt")
    if not (isinstance(access, str) and access and isinstance(again, str)):
        raise Uncertain("the answer holds no login", code=str(answer.status), phase="answer")
    return Renewed({"access_token": access, "refresh_token": again}, _life_s(access))


def _life_s(token: str) -> float | None:
    """For how long a token says that it is good (JWT); None where it does not."""
    try:
        claims = token.split(".")[1]
        said = orjson.loads(urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        return max(float(field(said, "exp")) - float(field(said, "iat")), 0.0)
    except (ValueError, TypeError, IndexError):
        return None
