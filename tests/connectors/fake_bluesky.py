"""A double of a Bluesky server on loopback: records by their names, pictures, logins, notifications and counts.

It answers with `connectors/bluesky/samples`.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from . import far
from .far import Asked, Far, Said

HANDLE = "cyngor.test"
DID = "did:plc:cyngormon22222222222222"
PASSWORD = "abcd-efgh-ijkl-mnop"
HANDLES = {"sianrees.test": "did:plc:sianrees2222222222222222"}


def token(name: str) -> str:
    """A login as a server writes one: good for two hours."""
    claims = urlsafe_b64encode(json.dumps({"sub": DID, "iat": 1000, "exp": 8200}).encode()).decode()
    return f"head.{claims.rstrip('=')}.{name}"


@dataclass
class Bluesky(Far):
    """What the server knows. A post is known by its text, all else by its method."""

    connector = "bluesky"
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    commits: list[dict[str, Any]] = field(default_factory=list)
    blobs: list[tuple[bytes, str]] = field(default_factory=list)
    notifications: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    access: str = token("first")
    again: str = token("first-again")
    logins: int = 0
    page: int = 100

    def name(self, asked: Asked) -> str:
        """The words of a post, else the method."""
        method = asked.path.rpartition("/")[2]
        return str(asked.json()["record"]["text"]) if method == "com.atproto.repo.putRecord" else method

    def answer(self, asked: Asked) -> Said:
        """What the server says to whoever is logged in."""
        method = asked.path.rpartition("/")[2]
        if method == "com.atproto.server.createSession":
            right = asked.json() == {"identifier": HANDLE, "password": PASSWORD}
            return self._login() if right else far.sample("bluesky", "wrong_password")
        wanted = self.again if method == "com.atproto.server.refreshSession" else self.access
        if asked.headers.get("authorization") != f"Bearer {wanted}":
            return far.sample("bluesky", "expired" if "authorization" in asked.headers else "unauthorized")
        answers = {
            "com.atproto.server.refreshSession": lambda asked: self._login(),
            "com.atproto.server.getSession": lambda asked: far.sample("bluesky", "session"),
            "com.atproto.repo.putRecord": self._put,
            "com.atproto.repo.getRecord": self._record,
            "com.atproto.repo.uploadBlob": self._blob,
            "com.atproto.identity.resolveHandle": _resolve,
            "app.bsky.notification.listNotifications": self._notified,
            "app.bsky.feed.getPosts": self._posts,
        }
        return answers[method](asked)

    def _login(self) -> Said:
        self.logins += 1
        self.access, self.again = token(f"access-{self.logins}"), token(f"again-{self.logins}")
        told = {
            "accessJwt": self.access,
            "refreshJwt": self.again,
            "handle": HANDLE,
            "did": DID,
            "active": True,
        }
        return Said(200, told)

    def _put(self, asked: Asked) -> Said:
        """The record under its name; one that is there already as it is makes no commit."""
        body = asked.json()
        assert body["repo"] == HANDLE
        return Said(200, self.put(body["rkey"], body["record"]))

    def put(self, rkey: str, record: dict[str, Any]) -> dict[str, str]:
        """Keep a record; its address and the name of its content."""
        uri = f"at://{DID}/app.bsky.feed.post/{rkey}"
        if self.records.get(uri) != record:
            self.records[uri] = record
            self.commits.append({"uri": uri, **record})
        return {"uri": uri, "cid": f"cid-of-{record['text']}"}

    def _record(self, asked: Asked) -> Said:
        uri = "at://{repo}/{collection}/{rkey}".format_map(asked.query).replace(HANDLE, DID)
        found = self.records.get(uri)
        if found is None:
            return far.sample("bluesky", "no_record")
        return Said(200, {"uri": uri, "cid": f"cid-of-{found['text']}", "value": found})

    def _blob(self, asked: Asked) -> Said:
        kind = asked.headers["content-type"]
        self.blobs.append((asked.body, kind))
        ref = {"$link": f"blob-{len(self.blobs)}"}
        return Said(200, {"blob": {"$type": "blob", "ref": ref, "mimeType": kind, "size": len(asked.body)}})

    def _notified(self, asked: Asked) -> Said:
        newest_first = sorted(self.notifications, key=lambda one: str(one["indexedAt"]), reverse=True)
        start = int(asked.query.get("cursor", "0"))
        shown = newest_first[start : start + self.page]
        more = {"cursor": str(start + self.page)} if start + self.page < len(newest_first) else {}
        return Said(200, {"notifications": shown, **more})

    def _posts(self, asked: Asked) -> Said:
        uris = asked.every["uris"]
        assert len(uris) <= 25
        return Said(200, {"posts": [{"uri": uri, **self.counts[uri]} for uri in uris if uri in self.counts]})


def _resolve(asked: Asked) -> Said:
    did = HANDLES.get(asked.query["handle"])
    return Said(200, {"did": did}) if did else far.sample("bluesky", "no_handle")


@contextmanager
def running() -> Iterator[Bluesky]:
    """A server on a free port of 127.0.0.1."""
    with far.running(Bluesky()) as bluesky:
        yield bluesky
