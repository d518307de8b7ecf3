"""A double of LinkedIn on loopback: posts, pictures, comments, notifications and counts of one organisation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

from connectors.linkedin.send import unescaped

from . import far
from .far import Asked, Far, Said

ORGANISATION = "urn:li:organization:96072893"
FIRST = 7_094_637_247_487_990_001
ACTIVITY = "urn:li:activity:7094637247890620418"
TOKEN = "the token of Ann"


@dataclass
class LinkedIn(Far):
    """What it knows. A post or comment is known by its words, all else by its path."""

    connector = "linkedin"
    posts: list[dict[str, Any]] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)
    images: dict[str, bytes] = field(default_factory=dict)
    told: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    lost: str = ""  # what it names as the post that it has already, where it is not one that it shows
    drops: bool = False  # it says yes to the next post, and there is none
    lag: timedelta = timedelta(0)
    page: int = 100
    oldest_first: bool = False

    def name(self, asked: Asked) -> str:
        """The words of a post or comment, else the path."""
        if asked.method != "POST" or asked.path.startswith(("/oauth", "/rest/images")):
            return asked.path
        body = asked.json()
        return unescaped(str(body.get("commentary") or body["message"]["text"]))

    def answer(self, asked: Asked) -> Said:
        """What it says to whoever has the token, speaks its version and finds as it wants."""
        if asked.path == "/oauth/v2/accessToken":
            return self._token(asked.form())
        if asked.headers.get("authorization") not in (f"Bearer {TOKEN}", "Bearer a new token of LinkedIn"):
            return far.sample("linkedin", "unauthorized")
        if asked.path.startswith("/upload/"):
            self.images[asked.path.removeprefix("/upload/")] = asked.body
            return Said(201)
        if (
            asked.headers.get("linkedin-version") != "202607"
            or "x-restli-protocol-version" not in asked.headers
        ):
            return far.sample("linkedin", "old_version")
        return self._make(asked) if asked.method == "POST" else self._show(asked)

    def _token(self, form: dict[str, str]) -> Said:
        known = (form["client_id"], form["client_secret"]) == ("77app", "secret of the app")
        if not known or form.get("refresh_token") not in ("r1", "what renews it"):
            return Said(400, {"error": "invalid_grant", "error_description": "The refresh token is expired"})
        return far.sample("linkedin", "tokens")

    def _make(self, asked: Asked) -> Said:
        body = asked.json()
        if asked.path == "/rest/images":
            name = f"urn:li:image:{len(self.images) + 1}"
            self.images[name] = b""
            return Said(200, {"value": {"uploadUrl": f"{self.url}/upload/{name}", "image": name}})
        if asked.path.endswith("/comments"):
            return self._comment(body)
        if there := [post["id"] for post in self.posts if post["commentary"] == body["commentary"]]:
            return _duplicate(self.lost or there[0])
        name = f"urn:li:share:{FIRST + len(self.posts)}"
        if self.drops:
            self.drops = False
        else:
            self.posts.append({**body, "id": name, "createdAt": self._ms()})
        return Said(201, b"", {"x-restli-id": name})

    def _comment(self, body: dict[str, Any]) -> Said:
        thread = body["object"]
        name = f"urn:li:comment:({thread},{FIRST + len(self.comments)})"
        self.comments.append({**body, "commentUrn": name, "created": {"time": self._ms()}})
        return Said(201, self.comments[-1])

    def _show(self, asked: Asked) -> Said:
        if asked.path == "/rest/organizationAcls":
            return (
                far.sample("linkedin", "roles")
                if asked.query["start"] == "0"
                else Said(200, {"elements": []})
            )
        if asked.path == "/rest/posts":
            seen = [post for post in self.posts if post["createdAt"] <= self._ms(self.lag)]
            return self._page([_shown(post) for post in seen[::-1]], asked)
        if asked.path.startswith("/rest/posts/"):
            known = [
                post for post in self.posts if post["id"] == unquote(asked.path.removeprefix("/rest/posts/"))
            ]
            return Said(200, _shown(known[0])) if known else Said(404, {"status": 404})
        if asked.path.endswith("/comments"):
            return self._page(self.comments, asked)
        if asked.path == "/rest/organizationalEntityNotifications":
            return self._page(self._since(asked), asked)
        if asked.path == "/rest/organizationalEntityShareStatistics":
            return self._counts(asked)
        return Said(404, {"status": 404, "message": "No virtual resource found"})

    def _since(self, asked: Asked) -> list[dict[str, Any]]:
        after = re.search(r"start:(\d+),end:\d+", asked.query.get("timeRange", ""))
        least = int(after[1]) if after else 0
        told = self.told if self.oldest_first else self.told[::-1]
        return [one for one in told if one["lastModifiedAt"] >= least]

    def _counts(self, asked: Asked) -> Said:
        names = asked.query["shares"].removeprefix("List(").removesuffix(")").split(",")
        rows = [
            {"organizationalEntity": ORGANISATION, "share": name, "totalShareStatistics": self.counts[name]}
            for name in names
            if name in self.counts
        ]
        return Said(200, {"elements": rows})

    def _page(self, rows: list[dict[str, Any]], asked: Asked) -> Said:
        start = int(asked.query["start"])
        return Said(200, {"elements": rows[start : start + min(self.page, int(asked.query["count"]))]})

    def _ms(self, before: timedelta = timedelta(0)) -> int:
        return int((self.now - before).timestamp() * 1000)


def _duplicate(name: str) -> Said:
    """As it refuses what it has already, which it names."""
    told = far.sample("linkedin", "duplicate")
    words = re.sub(r"urn:\S+", name, told.body["message"])
    return told._replace(body={**told.body, "message": words})


def _shown(post: dict[str, Any]) -> dict[str, Any]:
    """As it gives a post back: hashtags in another form than they were given (the sample `post`)."""
    return {**post, "commentary": re.sub(r"(?<!\\)#(\w+)", r"{hashtag|\\#|\1}", post["commentary"])}


@contextmanager
def running() -> Iterator[LinkedIn]:
    """LinkedIn on a free port of 127.0.0.1."""
    with far.running(LinkedIn()) as linkedin:
        yield linkedin
