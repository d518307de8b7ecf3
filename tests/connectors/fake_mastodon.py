"""A double of a server of Mastodon's kind on loopback: posts, pictures, notifications, with the answers of
`connectors/mastodon/samples`."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any, cast

from . import far
from .far import Asked, Far, Said

ME = "11"
TOKEN = "token-of-11"
FIRST = 115_200_000_000_000_000


@dataclass
class Mastodon(Far):
    """What the server knows. A post is known by its text, all else by its path."""

    connector = "mastodon"
    posts: list[dict[str, Any]] = field(default_factory=list)
    media: dict[str, dict[str, Any]] = field(default_factory=dict)
    notifications: list[dict[str, Any]] = field(default_factory=list)
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    keeps_keys: bool = True
    instance: str = "instance_v2"
    busy: int = 0  # so often it is still working on a picture
    lag: timedelta = timedelta(0)
    page: int = 40

    def name(self, asked: Asked) -> str:
        """The words of a post, else the path."""
        return str(asked.json()["status"]) if asked.path == "/api/v1/statuses" else asked.path

    def answer(self, asked: Asked) -> Said:
        """What the server says to whoever has the account's token."""
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return far.sample("mastodon", "unauthorized")
        if asked.path == "/api/v1/statuses" and asked.method == "POST":
            return self._create(asked)
        if asked.path == "/api/v2/media":
            return self._take_picture(asked)
        if asked.path.startswith("/api/v1/media/"):
            return self._picture(asked.path.rpartition("/")[2])
        if asked.path == f"/api/v1/accounts/{ME}/statuses":
            return self._own(asked)
        if asked.path == "/api/v1/notifications":
            return self._notified(asked)
        if asked.path.startswith("/api/v1/statuses/"):
            found = [one for one in self.posts if one["id"] == asked.path.rpartition("/")[2]]
            return Said(200, _shown(found[0])) if found else far.sample("mastodon", "not_found")
        known = {"/api/v1/accounts/verify_credentials": "me"}
        version = "/api/v2/instance" if self.instance == "instance_v2" else "/api/v1/instance"
        known[version] = self.instance
        return far.sample("mastodon", known.get(asked.path, "not_found"))

    def _create(self, asked: Asked) -> Said:
        key, body = asked.headers["idempotency-key"], asked.json()
        if self.keeps_keys and key in self.keys:
            return Said(200, _shown(self.keys[key]))
        self.keys[key] = self.take(body["status"], **{name: body[name] for name in body if name != "status"})
        return Said(200, _shown(self.keys[key]))

    def take(self, text: str, **more: Any) -> dict[str, Any]:
        """Keep a post the way a server shows it: as HTML, links and remote mentions shortened for the eye."""
        shown = html.escape(text, quote=False)
        shown = re.sub(
            r"@(\w+)@[\w.]+", r'<span class="h-card"><a href="#">@<span>\1</span></a></span>', shown
        )
        link = r'<a href="\g<0>"><span class="invisible">\1</span><span class="ellipsis">\2</span></a>'
        shown = re.sub(r"(https?://)(\S+)", link, shown)
        content = "<p>" + shown.replace("\n\n", "</p><p>").replace("\n", "<br />") + "</p>"
        post = {"id": str(FIRST + len(self.posts) + 1), "given": text, "content": content, "at": self.now}
        self.posts.append({**post, "created_at": self.now.isoformat().replace("+00:00", "Z"), **more})
        return self.posts[-1]

    def _take_picture(self, asked: Asked) -> Said:
        parts = _form(asked)
        number = str(len(self.media) + 1)
        self.media[number] = parts
        told = far.sample("mastodon", "media_processing" if self.busy else "media_ready")
        return told._replace(body={**told.body, "id": number})

    def _picture(self, number: str) -> Said:
        self.busy -= 1
        return Said(206 if self.busy > 0 else 200, {"id": number})

    def _own(self, asked: Asked) -> Said:
        below = int(asked.query.get("max_id", str(10**20)))
        seen = [one for one in self.posts if one["at"] + self.lag <= self.now and int(one["id"]) < below]
        return Said(200, [_shown(one) for one in seen[::-1][: self.page]])

    def _notified(self, asked: Asked) -> Said:
        """Above `min_id` the next ones, without it the newest; newest first."""
        if "min_id" in asked.query:
            above = [one for one in self.notifications if int(one["id"]) > int(asked.query["min_id"])]
            return Said(200, above[: self.page][::-1])
        return Said(200, self.notifications[::-1][: self.page])


def _shown(post: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in post.items() if name not in ("given", "at")}


def _form(asked: Asked) -> dict[str, Any]:
    """The parts of a web form, by name."""
    head = f"Content-Type: {asked.headers['content-type']}\r\n\r\n".encode()
    parts = BytesParser(policy=HTTP).parsebytes(head + asked.body).iter_parts()
    return {
        str(part.get_param("name", header="content-disposition")): cast(bytes, part.get_payload(decode=True))
        for part in parts
    }


@contextmanager
def running() -> Iterator[Mastodon]:
    """A server on a free port of 127.0.0.1."""
    with far.running(Mastodon()) as mastodon:
        yield mastodon
