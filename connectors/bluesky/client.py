"""One account's way to its server (XRPC), and what a refusal of the server means.

Source: atproto.com/specs/xrpc, docs.bsky.app/docs/advanced-guides/rate-limits (November 2026).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from ..api import AccountGone, ConnectorError
from ..http import Answer, Door

# Of the login or the account, though they come with 400 as whatever is wrong with one post does.
GONE = (
    "ExpiredToken",
    "InvalidToken",
    "AccountTakedown",
    "AccountDeactivated",
    "RepoDeactivated",
    "RepoTakendown",
)


@dataclass(frozen=True, slots=True)
class Client:
    """The door to the server, its address without a slash at its end, the account and its login ("": none yet)."""

    door: Door
    url: str
    handle: str
    token: str

    def read(self, method: str, query: Any = ()) -> Answer:
        """Ask for something that changes nothing; `query` as for `urlencode`. 400 where there is no such thing."""
        return self._ask("GET", f"{method}?{urlencode(query)}" if query else method)

    def write(self, method: str, *, json: Any = None, body: bytes | None = None, kind: str = "") -> Answer:
        """Ask for something that posts or uploads; `kind` is the type of a body."""
        return self.door.read(self._ask("POST", method, {"Content-Type": kind} if kind else {}, json, body))

    def verify(self) -> None:
        """The login works, is this account's, and the account is there for others."""
        found = told(self.door.read(self.read("com.atproto.server.getSession")))
        if self.handle not in (found.get("handle"), found.get("did")):
            raise AccountGone(
                "this login belongs to another account than handle", code="handle", phase="answer"
            )
        if found.get("active") is False:
            raise AccountGone(
                f"the account is not active: {found.get('status')}", code="status", phase="answer"
            )

    def record(self, uri: str) -> dict[str, Any]:
        """A record anywhere, by its address: uri, cid and value; {} where there is none."""
        repo, collection, rkey = uri.removeprefix("at://").split("/")
        query = {"repo": repo, "collection": collection, "rkey": rkey}
        answer = self.read("com.atproto.repo.getRecord", query)
        return told(answer) if answer.status == 200 else {}

    def _ask(
        self,
        verb: str,
        method: str,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        body: bytes | None = None,
    ) -> Answer:
        """The answer, also where it is 400 about this post or reading alone."""
        if not self.token:
            raise AccountGone("there is no login yet: it is made of the app password", code="no_login")
        answer = self.door.request(
            verb,
            f"{self.url}/xrpc/{method}",
            headers={**(headers or {}), "Authorization": f"Bearer {self.token}"},
            json=json,
            body=body,
            show=(400,),
        )
        if answer.status == 400 and _problem(answer) in GONE:
            self.door.read(answer, gone=(400,))
        return answer


def told(answer: Answer) -> dict[str, Any]:
    """The answer's object; {} where it is another thing."""
    found = answer.json()
    return found if isinstance(found, dict) else {}


def _problem(answer: Answer) -> Any:
    """What a refusal is called."""
    try:
        return told(answer).get("error")
    except ConnectorError:
        return None
