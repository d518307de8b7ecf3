"""Hands a text to an Apprise API server, which hands it on to every service of a configuration.

Rules: its yes means that every service took it. Its no (424) may mean one of many, so it is never said to have failed.
Source: github.com/caronc/apprise-api, README and api/views.py (November 2026).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..api import AccountGone, Outbound, Receipt, Refused, Uncertain
from ..http import Answer, Door

# Of the login, the key or the server, never of this text.
GONE = (401, 403, 404, 405, 421)


@dataclass(frozen=True, slots=True)
class Client:
    """One configuration of one server."""

    door: Door
    url: str
    key: str
    tag: str
    login: Mapping[str, str]

    def ask(self, method: str, path: str, **more: Any) -> Answer:
        """One call; an empty answer says that nothing is set up under this key."""
        headers = {"Accept": "application/json", **self.login}
        answer = self.door.request(method, f"{self.url}/{path}", headers=headers, gone=GONE, **more)
        if answer.status == 204:
            raise AccountGone("nothing is set up under this key", code="204", phase="answer")
        return answer


def send(client: Client, outbound: Outbound) -> Receipt:
    """Hand it over. It has no name there, so it keeps ours."""
    text = str(outbound.text)
    if not text.strip():
        raise Refused("a post needs a text", code="no_text", phase="build")
    told = {"title": str(outbound.subject), "body": text, "type": "info", "format": "text", "tag": client.tag}
    whole = {name: value for name, value in told.items() if value}
    answer = client.ask("POST", f"notify/{client.key}", json=whole, show=(424,))
    if answer.status == 424:
        raise Uncertain("not every service took it", code="424", phase="answer")
    return Receipt(outbound.key)


def verify(client: Client) -> None:
    """The key leads to at least one service, with the tag where there is one. Passwords of theirs are not asked for."""
    wanted = f"&tag={client.tag}" if client.tag else ""
    found = client.ask("GET", f"json/urls/{client.key}?privacy=1{wanted}").json()
    if not isinstance(found, dict) or not found.get("urls"):
        raise AccountGone("no service is set up under this key and tag", code="urls", phase="answer")
