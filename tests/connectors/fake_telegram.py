"""A double of Telegram on loopback: one bot, one chat, its updates, in the words of its samples."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from typing import Any

from . import far
from .far import Asked, Far, Said

TOKEN = "11:token-of-the-bot"
CHAT = {"id": -1001234567890, "title": "Cyngor Môn", "type": "supergroup"}
BOT = {"id": 11, "is_bot": True, "first_name": "Dolen", "username": "dolen_bot"}
SIAN = {"id": 22, "is_bot": False, "first_name": "Siân", "last_name": "Rees", "username": "sianrees"}


@dataclass
class Telegram(Far):
    """What Telegram knows. A request is known by its method of the Bot API."""

    connector = "telegram"
    posts: list[dict[str, Any]] = field(default_factory=list)
    updates: list[dict[str, Any]] = field(default_factory=list)
    member: dict[str, Any] = field(default_factory=lambda: {"status": "administrator"})
    hook: dict[str, Any] = field(default_factory=dict)
    page: int = 100

    def name(self, asked: Asked) -> str:
        """The method."""
        return asked.path.rpartition("/")[2]

    def answer(self, asked: Asked) -> Said:
        """What Telegram says to whoever has the token."""
        if not asked.path.startswith(f"/bot{TOKEN}/"):
            return far.sample("telegram", "unauthorized")
        match self.name(asked):
            case "sendMessage" | "sendPhoto" | "sendMediaGroup":
                return self._post(asked)
            case "getUpdates":
                return self._updates(int(asked.query["offset"]), int(asked.query["limit"]))
            case "getChatMember":
                return _yes(self.member if asked.query["user_id"] == "11" else {"status": "left"})
            case "getWebhookInfo":
                return _yes({"url": self.hook.get("url", "")})
            case "setWebhook":
                self.hook = asked.json()
            case "deleteWebhook":
                self.hook = {}
            case _:
                return far.sample("telegram", "unauthorized")
        return _yes(True)

    def happen(self, **told: Any) -> None:
        """An update."""
        number = 900_000_001 + len(self.asked) + len(self.updates)
        self.updates.append(
            {"update_id": max([number, *(one["update_id"] + 1 for one in self.updates)]), **told}
        )

    def _post(self, asked: Asked) -> Said:
        given, files = _read(asked)
        shown = str(given.get("text") or given.get("caption") or "")
        album = given.get("media") or [{"media": given["photo"], "caption": shown}] if files else []
        if files:
            shown = str(album[0].get("caption") or "")
        if len(shown) > (1024 if files else 4096):
            return far.sample("telegram", "too_long")
        pictures = [files[one["media"].removeprefix("attach://")] for one in album]
        number = len(self.posts) + 1
        self.posts.append({**given, "message_id": number, "shown": shown, "pictures": pictures})
        told = {"message_id": number, "chat": CHAT, "date": 1793610000, "text": shown}
        return _yes(
            [told, *({**told, "message_id": number + 1000} for _ in pictures[1:])]
            if "media" in given
            else told
        )

    def _updates(self, offset: int, limit: int) -> Said:
        if self.hook:
            return far.sample("telegram", "hooked")
        self.updates = [one for one in self.updates if one["update_id"] >= offset]
        return _yes(self.updates[: min(limit, self.page)])


def _yes(result: Any) -> Said:
    return Said(200, {"ok": True, "result": result})


def _read(asked: Asked) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The values and the files of a request."""
    kind = asked.headers["content-type"]
    if not kind.startswith("multipart/"):
        return asked.json(), {}
    whole: Message = BytesParser().parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + asked.body)
    values: dict[str, Any] = {}
    files: dict[str, bytes] = {}
    for part in whole.get_payload():
        assert isinstance(part, Message)
        name = str(part.get_param("name", header="content-disposition"))
        data = part.get_payload(decode=True)
        assert isinstance(data, bytes)
        if part.get_filename():
            files[name] = data
        else:
            values[name] = json.loads(data) if name in ("media", "reply_parameters") else data.decode()
    return values, files


@contextmanager
def running() -> Iterator[Telegram]:
    """Telegram on a free port of 127.0.0.1."""
    with far.running(Telegram()) as telegram:
        yield telegram
