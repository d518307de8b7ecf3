"""A double of Facebook on loopback: posts, pictures, comments and counts of one page, and people who look after it."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes
from hashlib import sha256
from typing import Any

from . import far
from .far import Asked, Far, Said

PAGE_ID = "2468"
SECRET = "secret of the app"
TOKEN = "token of the page"
PERSON = "lasting token of Ann"


@dataclass
class Facebook(Far):
    """What it knows. A post or comment is known by its words, all else by its path without the version."""

    connector = "facebook"
    posts: list[dict[str, Any]] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)
    photos: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    tagged: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    subscribed: list[str] = field(default_factory=list)
    lag: timedelta = timedelta(0)
    page: int = 50

    def name(self, asked: Asked) -> str:
        """The words of a post or comment, else the path."""
        path = asked.path.removeprefix("/v24.0/")
        return asked.form()["message"] if path.endswith(("/feed", "/comments")) and asked.body else path

    def answer(self, asked: Asked) -> Said:
        """What it says to whoever has a token and proves the app's secret beside it."""
        path = asked.path.removeprefix("/v24.0/")
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        proof = hmac.new(SECRET.encode(), token.encode(), sha256).hexdigest()
        if token not in (TOKEN, PERSON, "short") or asked.query.get("appsecret_proof") != proof:
            return far.sample("facebook", "unauthorized")
        if asked.method == "POST":
            return self._make(path, token, asked)
        return self._login(path, token) or self._show(path, asked)

    def post(self, text: str, **more: Any) -> str:
        """Keep a post of the page."""
        name = f"{PAGE_ID}_{1_000_001 + len(self.posts)}"
        self.posts.append({"id": name, "message": text, "at": self.now, **more})
        return name

    def comment(self, about: str, text: str, who: str = "77") -> str:
        """Somebody comments on a post."""
        name = f"{about.rpartition('_')[2]}_{50 + len(self.comments)}"
        self.comments.append({
            "id": name, "about": about, "message": text, "from": {"id": who, "name": f"somebody {who}"}, "at": self.now
        })  # fmt: skip
        return name

    def _make(self, path: str, token: str, asked: Asked) -> Said:
        if path == f"{PAGE_ID}/photos":
            return self._photo(asked)
        form = asked.form()
        if path == "oauth/access_token":
            right = form["fb_exchange_token"] == token and form["client_secret"] == SECRET
            return Said(200, {"access_token": PERSON}) if right else far.sample("facebook", "unauthorized")
        if path.endswith("/subscribed_apps"):
            self.subscribed.append(form["subscribed_fields"])
            return Said(200, {"success": True})
        if path.endswith("/comments"):
            return Said(200, {"id": self.comment(path.removesuffix("/comments"), form["message"], PAGE_ID)})
        if self.posts and self.posts[-1]["message"] == form["message"]:
            return far.sample("facebook", "duplicate")
        photos = [
            re.sub(r"\D", "", value) for name, value in form.items() if name.startswith("attached_media")
        ]
        return Said(200, {"id": self.post(form["message"], photos=photos, link=form.get("link"))})

    def _photo(self, asked: Asked) -> Said:
        head = f"Content-Type: {asked.headers['content-type']}\r\n\r\n".encode()
        form: Any = message_from_bytes(head + asked.body)
        parts: dict[str, bytes] = {
            part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
            for part in form.get_payload()
        }
        assert parts["published"] == b"false"
        name = str(9_000 + len(self.photos))
        self.photos[name] = (parts["source"], parts.get("alt_text_custom", b"").decode())
        return Said(200, {"id": name})

    def _login(self, path: str, token: str) -> Said | None:
        if path == "me":
            return Said(200, {"id": PAGE_ID if token == TOKEN else "5"})
        if path == "me/accounts":
            pages = [{"id": "1", "access_token": "x"}, {"id": PAGE_ID, "access_token": TOKEN}]
            return Said(200, {"data": pages if token == PERSON else []})
        if path == "debug_token":
            told = {"issued_at": 1_793_610_000, "expires_at": 0, "data_access_expires_at": 1_801_386_000}
            return Said(200, {"data": told})
        return None

    def _show(self, path: str, asked: Asked) -> Said:
        if path == f"{PAGE_ID}/published_posts":
            seen = [one for one in self.posts[::-1] if one["at"] + self.lag <= self.now]
            nested = "comments" in asked.query["fields"]
            return self._page([self._post(one, nested) for one in seen], asked)
        if path == f"{PAGE_ID}/tagged":
            return self._page([self._shown(one) for one in self.tagged[::-1]], asked)
        about, _, edge = path.partition("/")
        if edge == "comments":
            return self._page(self._comments(about), asked)
        if about not in {one["id"] for one in self.posts}:
            return far.sample("facebook", "gone")
        told = self.counts.get(about, {})
        if edge == "insights":
            names = asked.query["metric"].split(",")
            return Said(
                200, {"data": [{"name": n, "values": [{"value": told[n]}]} for n in names if n in told]}
            )
        edges = {n: {"summary": {"total_count": told[n]}} for n in ("comments", "reactions") if n in told}
        return Said(
            200, {"id": about, **edges, **({"shares": {"count": told["shares"]}} if "shares" in told else {})}
        )

    def _post(self, one: dict[str, Any], nested: bool) -> dict[str, Any]:
        shown = self._shown(one)
        found = self._comments(str(one["id"]))
        return {**shown, "comments": {"data": found[: self.page]}} if nested and found else shown

    def _comments(self, about: str) -> list[dict[str, Any]]:
        return [self._shown(one) for one in self.comments[::-1] if one["about"] == about]

    def _shown(self, one: dict[str, Any]) -> dict[str, Any]:
        kept = {name: value for name, value in one.items() if name in ("id", "message", "from", "parent")}
        return {**kept, "created_time": one["at"].strftime("%Y-%m-%dT%H:%M:%S+0000")}

    def _page(self, rows: list[dict[str, Any]], asked: Asked) -> Said:
        start = int(asked.query.get("after", "0"))
        end = start + min(self.page, int(asked.query["limit"]))
        paging = {"cursors": {"after": str(end)}} if rows[start:end] else {}
        return Said(200, {"data": rows[start:end], "paging": paging})


@contextmanager
def running() -> Iterator[Facebook]:
    """Facebook on a free port of 127.0.0.1."""
    with far.running(Facebook()) as facebook:
        yield facebook
