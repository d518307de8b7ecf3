"""A double of Slack on loopback: one bot, one channel, its files and reactions, in the words of its samples."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape
from typing import Any

from . import far
from .far import Asked, Far, Said

TOKEN = "xoxb-token-of-the-bot"
CHANNEL = "C0123ABCD"
BOT = "U0BOT00001"
BEGIN = 1793610000


@dataclass
class Slack(Far):
    """What Slack knows. A post is known by its words, all else by its method."""

    connector = "slack"
    posts: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    lag: timedelta = timedelta(0)
    looks: int = 2  # how often a file is asked for before Slack has looked at it
    page: int = 100

    def name(self, asked: Asked) -> str:
        """The words of a post, else the method."""
        method = asked.path.rpartition("/")[2]
        return shown(asked.json()) if method == "chat.postMessage" else method

    def answer(self, asked: Asked) -> Said:
        """What Slack says to whoever has the bot's token."""
        if asked.path.startswith("/upload/"):
            self.files[asked.path.rpartition("/")[2]]["data"] = asked.body
            return Said(200, b"OK")
        if asked.headers["authorization"] != f"Bearer {TOKEN}":
            return far.sample("slack", "invalid_auth")
        given = {**asked.query, **(asked.json() if asked.body else {})}
        if given.get("channel", CHANNEL) != CHANNEL:
            return far.sample("slack", "not_in_channel")
        match asked.path.removeprefix("/api/"):
            case "chat.postMessage":
                return self._post(given)
            case "conversations.history":
                return self._list([one for one in self.posts if "thread_ts" not in one], given)
            case "conversations.replies":
                about = (given["ts"],)
                return self._list(
                    [p for p in self.posts if p["ts"] in about or p.get("thread_ts") in about], given
                )
            case "files.getUploadURLExternal":
                number = f"F{len(self.files) + 1:08}"
                self.files[number] = {"alt": given["alt_txt"], "length": int(given["length"]), "asked": 0}
                return _yes(upload_url=f"{self.url}/upload/{number}", file_id=number)
            case "files.completeUploadExternal":
                assert "channel_id" not in given
                return _yes(files=given["files"])
            case "files.info":
                self.files[given["file"]]["asked"] += 1
                looked = self.files[given["file"]]["asked"] >= self.looks
                return _yes(file={"id": given["file"], "mimetype": "image/png" if looked else ""})
        return Said(200, {"ok": False, "error": "unknown_method"})

    def _post(self, given: dict[str, Any]) -> Said:
        if len(given["text"]) > 40_000:
            return far.sample("slack", "msg_too_long")
        told = {**given, "ts": f"{BEGIN + len(self.posts)}.000100", "user": BOT, "at": self.now}
        self.posts.append(told)
        return _yes(ts=told["ts"], channel=CHANNEL)

    def _list(self, posts: list[dict[str, Any]], given: dict[str, Any]) -> Said:
        oldest, latest = float(given.get("oldest", 0)), float(given.get("latest", 9e12))
        found = [p for p in posts if p["at"] + self.lag <= self.now and oldest <= float(p["ts"]) <= latest][
            ::-1
        ]
        start, size = int(given.get("cursor", "0")), min(int(given["limit"]), self.page)
        following = str(start + size) if start + size < len(found) else ""
        messages = [
            {name: value for name, value in p.items() if name != "at"} for p in found[start : start + size]
        ]
        if given.get("include_all_metadata") != "true":
            messages = [{name: value for name, value in p.items() if name != "metadata"} for p in messages]
        return _yes(messages=messages, response_metadata={"next_cursor": following})


def shown(post: dict[str, Any]) -> str:
    """A post as its readers see it: its blocks where it has some, else its text."""
    if "blocks" not in post:
        return unescape(post["text"])
    pieces = [
        piece for block in post["blocks"] for part in block.get("elements", ()) for piece in part["elements"]
    ]
    return "".join(piece.get("text") or piece["url"] for piece in pieces)


def _yes(**told: Any) -> Said:
    return Said(200, {"ok": True, **told})


@contextmanager
def running() -> Iterator[Slack]:
    """Slack on a free port of 127.0.0.1."""
    with far.running(Slack()) as slack:
        yield slack
