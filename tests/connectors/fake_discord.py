"""A double of Discord on loopback: one bot, one channel, reactions, in the words of its samples."""

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

TOKEN = "token-of-the-bot"
CHANNEL = "500"
FIRST = 1_300_000_000_000_000_000
BOT = {"id": "11", "username": "dolen", "global_name": None, "bot": True}
SIAN = {"id": "22", "username": "sianrees", "global_name": "Siân Rees"}
NOW = {"Date": "Mon, 02 Nov 2026 09:30:00 GMT"}


@dataclass
class Discord(Far):
    """What Discord knows. A post is known by its words, all else by its path."""

    connector = "discord"
    messages: list[dict[str, Any]] = field(default_factory=list)
    # By message and sign; those that flash apart.
    liked: dict[str, dict[str, list[dict[str, Any]]]] = field(default_factory=dict)
    flashed: dict[str, dict[str, list[dict[str, Any]]]] = field(default_factory=dict)
    nonces: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, list[bytes]] = field(default_factory=dict)
    kind: int = 0
    page: int = 100

    def name(self, asked: Asked) -> str:
        """The words of a post, else the path."""
        return (
            str(_read(asked)[0]["content"])
            if asked.method == "POST"
            else asked.path.removeprefix("/api/v10/")
        )

    def answer(self, asked: Asked) -> Said:
        """What Discord says to whoever has the token and says what it is."""
        if asked.headers["authorization"] != f"Bot {TOKEN}":
            return far.sample("discord", "unauthorized")
        if not asked.headers["user-agent"].startswith("DiscordBot ("):
            return far.sample("discord", "missing_access")
        path = asked.path.removeprefix("/api/v10/").split("/")
        if path == ["users", "@me"]:
            return Said(200, BOT)
        if path[:2] != ["channels", CHANNEL]:
            return far.sample("discord", "unknown_channel")
        match path[2:]:
            case []:
                return Said(200, {"id": CHANNEL, "type": self.kind})
            case ["messages"] if asked.method == "POST":
                return self._create(asked)
            case ["messages"]:
                return self._list(asked)
            case ["messages", number, "reactions", sign]:
                return self._who(number, sign.partition(":")[0], asked)
            case ["messages", number] if number in [one["id"] for one in self.messages]:
                return Said(200, self._shown(next(one for one in self.messages if one["id"] == number)))
        return Said(404, {"message": "Unknown Message", "code": 10008})

    def say(self, content: str, author: dict[str, Any], **more: Any) -> dict[str, Any]:
        """A message in the channel."""
        told = {"id": str(FIRST + len(self.messages) + 1), "type": 0, "author": author, "content": content}
        said = {**told, "timestamp": "2026-11-02T09:02:00.000000+00:00", "mentions": [], **more}
        self.messages.append(said)
        return said

    def like(self, number: str, who: dict[str, Any], sign: str = "🔥", *, flash: bool = False) -> None:
        """Somebody reacts to a message."""
        (self.flashed if flash else self.liked).setdefault(number, {}).setdefault(sign, []).append(who)

    def _who(self, number: str, sign: str, asked: Asked) -> Said:
        kinds = {"0": self.liked, "1": self.flashed}
        everybody = kinds[asked.query.get("type", "0")].get(number, {}).get(sign, [])
        above = int(asked.query.get("after", "0"))
        next_ones = sorted(
            (one for one in everybody if int(one["id"]) > above), key=lambda one: int(one["id"])
        )
        return Said(200, next_ones[: int(asked.query["limit"])])

    def _create(self, asked: Asked) -> Said:
        told, files = _read(asked)
        known = self.nonces.get(told["nonce"]) if told.get("enforce_nonce") else None
        if known is None:
            if len(told["content"]) > 2000:
                return far.sample("discord", "too_long")
            known = self.nonces[told["nonce"]] = self.say(told["content"], BOT, given=told)
            self.files[known["id"]] = files
        return Said(200, self._shown(known))

    def _list(self, asked: Asked) -> Said:
        size = min(int(asked.query["limit"]), self.page)
        if "after" in asked.query:
            found = [one for one in self.messages if int(one["id"]) > int(asked.query["after"])][:size]
        else:
            below = int(asked.query.get("before", "0")) or FIRST * 2
            found = [one for one in self.messages if int(one["id"]) < below][-size:]
        return Said(200, [self._shown(one) for one in reversed(found)], NOW)

    def _shown(self, message: dict[str, Any]) -> dict[str, Any]:
        normal, burst = self.liked.get(message["id"], {}), self.flashed.get(message["id"], {})
        emoji = []
        for sign in dict.fromkeys([*normal, *burst]):
            counts = {"normal": len(normal.get(sign, [])), "burst": len(burst.get(sign, []))}
            one = {"id": None, "name": sign}
            emoji.append({"count": sum(counts.values()), "count_details": counts, "emoji": one})
        shown = {name: value for name, value in message.items() if name != "given"}
        return {**shown, **({"reactions": emoji} if emoji else {})}


def _read(asked: Asked) -> tuple[dict[str, Any], list[bytes]]:
    """The values and the files of a request."""
    kind = asked.headers["content-type"]
    if not kind.startswith("multipart/"):
        return asked.json(), []
    whole: Message = BytesParser().parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + asked.body)
    parts: dict[str, bytes] = {}
    for part in whole.get_payload():
        assert isinstance(part, Message)
        data = part.get_payload(decode=True)
        assert isinstance(data, bytes)
        parts[str(part.get_param("name", header="content-disposition"))] = data
    told = json.loads(parts["payload_json"])
    return told, [parts[f"files[{one['id']}]"] for one in told["attachments"]]


@contextmanager
def running() -> Iterator[Discord]:
    """Discord on a free port of 127.0.0.1."""
    with far.running(Discord()) as discord:
        yield discord
