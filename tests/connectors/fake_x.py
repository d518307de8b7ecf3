"""A double of X on loopback: posts, the two timelines and the user, with the answers of `connectors/x/samples`."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from typing import Any

from . import far
from .far import Asked, Far, Said

USER_ID = "11"
FIRST = 1_985_000_000_000_000_000


@dataclass
class Picture:
    """A picture as X has it so far."""

    size: int
    pieces: dict[int, bytes] = field(default_factory=dict)
    done: bool = False
    alt: str = ""


@dataclass
class X(Far):
    """What X knows. A post is known by its text, all else by its path."""

    connector = "x"
    posts: list[dict[str, Any]] = field(default_factory=list)
    pictures: dict[str, Picture] = field(default_factory=dict)  # by X's id of them
    mentions: list[dict[str, Any]] = field(default_factory=list)
    users: dict[str, dict[str, str]] = field(default_factory=dict)
    lag: timedelta = timedelta(0)
    page: int = 100
    silent: bool = False  # a piece of a picture is taken without a word

    def name(self, asked: Asked) -> str:
        """The words of a post, else the path; of a picture without X's id of it."""
        if asked.path == "/2/tweets":
            return str(asked.json()["text"])
        return re.sub(r"/[0-9]+/(?=append|finalize)", "/", asked.path)

    def answer(self, asked: Asked) -> Said:
        """What X says to whoever has the user's token."""
        signed = r'OAuth .*oauth_token="token-of-11".*oauth_signature="'
        if not re.search(signed, asked.headers["authorization"]):
            return far.sample("x", "unauthorized")
        if asked.path == "/2/tweets" and asked.method == "POST":
            return self._create(asked.json())
        if asked.path.startswith("/2/media/"):
            return self._media(asked)
        if asked.path == "/2/users/me":
            return far.sample("x", "me")
        if asked.path == f"/2/users/{USER_ID}/tweets":
            seen = [post for post in self.posts if post["at"] + self.lag <= self.now]
            since = datetime.fromisoformat(asked.query.get("start_time", "2006-01-01T00:00:00Z"))
            low, high = int(asked.query.get("since_id", "0")), int(asked.query.get("until_id", "9" * 19))
            return self._page(
                [one for one in seen if one["at"] >= since and low < int(one["id"]) < high], asked
            )
        if asked.path == f"/2/users/{USER_ID}/mentions":
            after = int(asked.query.get("since_id", "0"))
            return self._page([one for one in self.mentions if int(one["id"]) > after], asked)
        return Said(404, {"title": "Not Found Error", "status": 404})

    def _create(self, body: dict[str, Any]) -> Said:
        if any(post["given"] == body["text"] for post in self.posts):
            return far.sample("x", "duplicate")
        media = body.get("media", {}).get("media_ids", [])
        if not all(one in self.pictures and self.pictures[one].done for one in media):
            return far.sample("x", "bad_request")
        number = self.take(body["text"], body.get("reply"), media)
        return Said(201, {"data": {"id": number, "text": body["text"]}})

    def _media(self, asked: Asked) -> Said:
        step = asked.path.rpartition("/")[2]
        if step == "initialize":
            number = str(FIRST + 500 + len(self.pictures))
            self.pictures[number] = Picture(asked.json()["total_bytes"])
            told = far.sample("x", "media_initialized")
            return told._replace(body={"data": {**told.body["data"], "id": number}})
        if step == "metadata":
            body = asked.json()
            self.pictures[body["id"]].alt = body["metadata"]["alt_text"]["text"]
            return far.sample("x", "media_described")
        picture = self.pictures[asked.path.split("/")[4]]
        if step == "append":
            fields = _multipart(asked)
            picture.pieces[int(fields["segment_index"])] = fields["media"]
            return Said(204) if self.silent else far.sample("x", "media_appended")
        picture.done = sum(map(len, picture.pieces.values())) == picture.size
        return far.sample("x", "media_finalized" if picture.done else "bad_request")

    def shown(self, given: str) -> list[tuple[bytes, str]]:
        """The pictures of a post by its words: bytes, and what they show."""
        post = next(one for one in self.posts if one["given"] == given)
        found = [self.pictures[one] for one in post["pictures"]]
        return [(b"".join(one.pieces[n] for n in sorted(one.pieces)), one.alt) for one in found]

    def take(self, text: str, reply: Any = None, media: Sequence[str] = ()) -> str:
        """Keep a post the way X shows it: links shortened, three signs as entities, a link for its pictures."""
        number = str(FIRST + len(self.posts) + 1)
        links = re.findall(r"https?://\S+", text)
        shown = html.escape(text, quote=False)
        urls = []
        for n, link in enumerate(links):
            short = f"https://t.co/{number[-6:]}{n:04}"
            shown = shown.replace(html.escape(link, quote=False), short)
            urls.append({"url": short, "expanded_url": link})
        shown = f"@sianrees {shown}" if reply else shown
        if media:
            urls.append(
                {"url": "https://t.co/picture", "expanded_url": f"https://x.com/c/status/{number}/photo/1"}
            )
            shown += " https://t.co/picture"
        post = {"id": number, "text": shown, "given": text, "at": self.now, "entities": {"urls": urls}}
        post |= {"pictures": list(media), "public_metrics": {}}
        self.posts.append(post | ({"reply": reply} if reply else {}))
        return number

    def _page(self, posts: list[dict[str, Any]], asked: Asked) -> Said:
        newest_first = sorted(posts, key=lambda one: -int(one["id"]))
        start = int(asked.query.get("pagination_token", "0"))
        size = min(int(asked.query.get("max_results", "10")), self.page)
        shown = newest_first[start : start + size]
        meta: dict[str, Any] = {"result_count": len(shown)}
        if start + size < len(newest_first):
            meta["next_token"] = str(start + size)
        data = [
            {name: value for name, value in one.items() if name not in ("given", "at", "pictures")}
            for one in shown
        ]
        # X leaves `data` out where there is nothing.
        told = {"meta": meta, "includes": {"users": list(self.users.values())}}
        return Said(200, {**({"data": data} if data else {}), **told})


def _multipart(asked: Asked) -> dict[str, Any]:
    """The parts of a form: text, or bytes where it is a file."""
    head = f"Content-Type: {asked.headers['content-type']}\r\n\r\n".encode()
    parts = message_from_bytes(head + asked.body, policy=policy.HTTP)
    found: dict[str, Any] = {}
    for part in parts.walk():
        name = part.get_param("name", header="content-disposition")
        if isinstance(name, str):
            raw = part.get_payload(decode=True)
            found[name] = raw if part.get_filename() else bytes(raw).decode()
    return found


@contextmanager
def running() -> Iterator[X]:
    """X on a free port of 127.0.0.1."""
    with far.running(X()) as x:
        yield x
