"""A double of Instagram on loopback: containers, posts, comments and counts of one professional account."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from . import far
from .far import Asked, Far, Said

USER_ID = "17841405726653026"
SECRET = "secret of the app"
TOKEN = "sixty days"
FIRST = 17_918_195_224_117_000


@dataclass
class Instagram(Far):
    """What it knows. A post is known by its words when it is published, an answer by its own, all else by its path."""

    connector = "instagram"
    containers: dict[str, dict[str, Any]] = field(default_factory=dict)
    posts: list[dict[str, Any]] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    takes: timedelta = timedelta(0)  # until a container has its picture
    state: str = "FINISHED"
    after: str = "PUBLISHED"  # what a container is then
    shows: timedelta = timedelta(0)  # until a container that is published says so
    lies: str = ""  # what it answers to a publish that it has done, once
    used: int = 0
    lag: timedelta = timedelta(0)
    page: int = 50

    def name(self, asked: Asked) -> str:
        """The words of what is published, else the path."""
        path = asked.path.removeprefix("/v24.0/")
        if path.endswith("/media_publish"):
            return str(self.containers.get(asked.form()["creation_id"], {}).get("caption"))
        return asked.form()["message"] if path.endswith("/replies") and asked.body else path

    def answer(self, asked: Asked) -> Said:
        """What it says to whoever has a token."""
        path = asked.path.removeprefix("/v24.0/").removeprefix("/")
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in (TOKEN, "an hour"):
            return far.sample("instagram", "unauthorized")
        if path in ("access_token", "refresh_access_token"):
            right = (
                asked.query["access_token"] == token and asked.query.get("client_secret", SECRET) == SECRET
            )
            told = {"access_token": TOKEN, "token_type": "bearer", "expires_in": 5_183_944}
            return Said(200, told) if right else far.sample("instagram", "unauthorized")
        return self._make(path, asked.form()) if asked.method == "POST" else self._show(path, asked)

    def pause(self, seconds: float) -> None:
        """Time goes on while somebody waits."""
        self.now += timedelta(seconds=seconds)

    def comment(self, about: str, text: str, who: str = "77", parent: str = "") -> str:
        """Somebody comments on a post, or answers a comment."""
        name = str(FIRST + 500_000 + len(self.comments))
        self.comments.append({
            "id": name, "about": parent or about, "text": text, "at": self.now,
            "from": {"id": who, "username": f"user{who}"},
        })  # fmt: skip
        return name

    def post(self, caption: str, **more: Any) -> str:
        """Keep a post of the account."""
        name = str(FIRST + len(self.posts))
        self.posts.append({"id": name, "caption": caption, "at": self.now, **more})
        return name

    def container(self, form: dict[str, str], **more: Any) -> str:
        """Keep a container; `state` is what it says before it is published."""
        name = str(FIRST + 900_000 + len(self.containers))
        known = {"ready": self.now + self.takes, "published": None, "state": self.state}
        self.containers[name] = form | known | more
        return name

    def _make(self, path: str, form: dict[str, str]) -> Said:
        if path == f"{USER_ID}/media":
            return Said(200, {"id": self.container(form)})
        if path.endswith("/replies"):
            about = path.removesuffix("/replies")
            return Said(200, {"id": self.comment(about, form["message"], USER_ID, about)})
        container = self.containers[form["creation_id"]]
        if container["ready"] > self.now:
            return far.sample("instagram", "not_ready")
        self.used, container["published"] = self.used + 1, self.now + self.shows
        name, lie, self.lies = self.post(container["caption"], container=container), self.lies, ""
        return far.sample("instagram", lie) if lie else Said(200, {"id": name})

    def _show(self, path: str, asked: Asked) -> Said:
        if path == "me":
            return Said(200, {"user_id": USER_ID, "id": "5"})
        if path == f"{USER_ID}/content_publishing_limit":
            config = {"quota_total": 100, "quota_duration": 86_400}
            return Said(200, {"data": [{"quota_usage": self.used, "config": config}]})
        if path == f"{USER_ID}/media":
            seen = [one for one in self.posts[::-1] if one["at"] + self.lag <= self.now]
            nested = "comments" in asked.query["fields"]
            return self._page([self._post(one, nested) for one in seen], asked)
        if path in self.containers:
            return self._container(self.containers[path])
        about, _, edge = path.partition("/")
        if edge in ("comments", "replies"):
            return self._page(self._comments(about), asked)
        return self._counts(about, edge, asked)

    def _container(self, container: dict[str, Any]) -> Said:
        if container["ready"] > self.now:
            return Said(200, {"status_code": "IN_PROGRESS"})
        if container["published"] and self.now >= container["published"]:
            return Said(200, {"status_code": self.after})
        state = container["state"]
        return Said(200, {"status_code": state, "status": f"{state}: 2207026"})

    def _counts(self, about: str, edge: str, asked: Asked) -> Said:
        if about not in {one["id"] for one in self.posts}:
            return far.sample("instagram", "gone")
        told = self.counts.get(about, {})
        if edge == "insights":
            names = asked.query["metric"].split(",")
            return Said(
                200, {"data": [{"name": n, "values": [{"value": told[n]}]} for n in names if n in told]}
            )
        return Said(200, {"id": about, **{n: told[n] for n in ("like_count", "comments_count") if n in told}})

    def _post(self, one: dict[str, Any], nested: bool) -> dict[str, Any]:
        found = self._comments(one["id"])
        shown = {"id": one["id"], "caption": one["caption"], "timestamp": self._time(one)}
        return {**shown, "comments": {"data": found[: self.page]}} if nested and found else shown

    def _comments(self, about: str) -> list[dict[str, Any]]:
        return [self._comment(one) for one in self.comments[::-1] if one["about"] == about]

    def _comment(self, one: dict[str, Any]) -> dict[str, Any]:
        answers = self._comments(one["id"])
        shown = {name: one[name] for name in ("id", "text", "from")} | {"timestamp": self._time(one)}
        return {**shown, "replies": {"data": answers}} if answers else shown

    def _time(self, one: dict[str, Any]) -> str:
        return str(one["at"].strftime("%Y-%m-%dT%H:%M:%S+0000"))

    def _page(self, rows: list[dict[str, Any]], asked: Asked) -> Said:
        start = int(asked.query.get("after", "0"))
        end = start + min(self.page, int(asked.query["limit"]))
        paging = {"cursors": {"after": str(end)}} if rows[start:end] else {}
        return Said(200, {"data": rows[start:end], "paging": paging})


@contextmanager
def running() -> Iterator[Instagram]:
    """Instagram on a free port of 127.0.0.1."""
    with far.running(Instagram()) as instagram:
        yield instagram
