"""A double of a Discourse forum on loopback: topics, answers, uploads, likes, with the answers of its samples."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from . import far
from .far import Asked, Far, Said

KEY, ME = "k" * 64, "cyngor"
TOPICS = 30  # on a page
AT = "2026-11-02T09:05:00.000Z"


@dataclass
class Forum(Far):
    """A forum. A topic is known by its outside id, an answer by its mark, all else by its path."""

    connector = "discourse"
    posts: list[dict[str, Any]] = field(default_factory=list)
    uploads: dict[str, bytes] = field(default_factory=dict)
    likes: list[dict[str, Any]] = field(default_factory=list)
    page: int = 50

    def name(self, asked: Asked) -> str:
        if asked.path != "/posts.json" or asked.method != "POST":
            return asked.path
        told = asked.json()
        marked = re.search(r"<!-- (\S+) -->", told["raw"])
        return str(told.get("external_id") or (marked[1] if marked else ""))

    def answer(self, asked: Asked) -> Said:
        if (asked.headers["api-key"], asked.headers["api-username"]) != (KEY, ME):
            return far.sample("discourse", "not_permitted")
        if asked.method == "POST":
            return self._upload(asked) if asked.path == "/uploads.json" else self._posted(asked.json())
        if found := re.fullmatch(r"/t/external_id/(.+)\.json", asked.path):
            topics = [each for each in self.posts if each.get("external_id") == found[1]]
            where = {"Location": f"{self.url}/t/dewch-draw/{topics[0]['topic_id']}.json"} if topics else {}
            return Said(301, b"", where) if topics else Said(404, {"error_type": "not_found"})
        if found := re.fullmatch(r"/t/(\d+)(/posts|/\d+)?\.json", asked.path):
            return self._topic(int(found[1]), asked)
        return self._lists(asked)

    def _lists(self, asked: Asked) -> Said:
        if asked.path == "/session/current.json":
            return far.sample("discourse", "me")
        if asked.path == "/posts.json":
            before = int(asked.query.get("before", 10**9))
            newest = [each for each in reversed(self.posts) if each["id"] < before]
            return Said(200, {"latest_posts": newest[: self.page]})
        if asked.path == "/user_actions.json":
            start = int(asked.query["offset"])
            return Said(200, {"user_actions": self.likes[::-1][start : start + int(asked.query["limit"])]})
        return Said(200, {"topic_list": self._topics(int(asked.query["page"]))})

    def _topics(self, page: int) -> dict[str, Any]:
        """A page of our topics, the newest first."""
        first = [each for each in self.posts if each["username"] == ME and each["post_number"] == 1]
        mine = [{"id": each["topic_id"]} for each in reversed(first)]
        more = {"more_topics_url": f"/topics/created-by/{ME}?page={page + 1}"}
        end = (page + 1) * TOPICS
        return {"topics": mine[page * TOPICS : end], **(more if end < len(mine) else {})}

    def _posted(self, told: dict[str, Any]) -> Said:
        if told.get("external_id") in [
            each.get("external_id") for each in self.posts if "external_id" in told
        ]:
            return Said(422, {"action": "create_post", "errors": ["External has already been taken"]})
        topic = told.get("topic_id") or 41 + len({each["topic_id"] for each in self.posts})
        kept = {name: told[name] for name in ("external_id", "title", "reply_to_post_number") if name in told}
        return Said(200, self.say(told["raw"], topic, ME, **kept))

    def say(self, raw: str, topic: int, who: str, **values: Any) -> dict[str, Any]:
        """Somebody writes in a topic."""
        place = 1 + sum(each["topic_id"] == topic for each in self.posts)
        made = {
            "id": 81 + len(self.posts),
            "topic_id": topic,
            "post_number": place,
            "username": who,
            "raw": raw,
        }
        self.posts.append(
            {**made, "name": who.title(), "cooked": f"<p>{raw}</p>", "created_at": AT, **values}
        )
        return self.posts[-1]

    def like(self, who: str, post: dict[str, Any], number: int = 5) -> None:
        """Somebody likes a post."""
        at = {name: post[name] for name in ("topic_id", "post_number")} | {"acting_user_id": number}
        self.likes.append(
            {"action_type": 2, "created_at": AT, "acting_username": who, "acting_name": who, **at}
        )

    def _topic(self, topic: int, asked: Asked) -> Said:
        inside = [each for each in self.posts if each["topic_id"] == topic]
        if not inside:
            return Said(404, {"error_type": "not_found"})
        likes = [each for each in self.likes if each["topic_id"] == topic and each["post_number"] == 1]
        counted = {"views": 70 + topic, "posts_count": len(inside)}
        shown = [
            {**each, "actions_summary": [{"id": 2, "count": len(likes)}] if likes else []} for each in inside
        ]
        return Said(
            200,
            {
                "id": topic,
                "post_stream": {"posts": shown, "stream": [each["id"] for each in inside]},
                **counted,
            },
        )

    def _upload(self, asked: Asked) -> Said:
        border = asked.headers["content-type"].partition("boundary=")[2].encode()
        part = asked.body.split(b"--" + border)[3]
        name = f"upload://{len(self.uploads)}.png"
        self.uploads[name] = part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
        return Said(200, {"short_url": name, "url": "/uploads/default/original/1X/1.png"})


@contextmanager
def running() -> Iterator[Forum]:
    """A forum on a free port of 127.0.0.1."""
    with far.running(Forum()) as forum:
        yield forum
