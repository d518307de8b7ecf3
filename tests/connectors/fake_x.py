"""A double of X on loopback: posts, the two timelines and the user, with the answers of `connectors/x/samples`."""

from __future__ import annotations

import html
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

SAMPLES = Path(__file__).parents[2] / "connectors" / "x" / "samples"
USER_ID = "11"
FIRST = 1_985_000_000_000_000_000


def sample(name: str) -> dict[str, Any]:
    """One answer of X, as it was seen or documented."""
    found: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    return found


@dataclass
class X:
    """What X knows. `once` maps a text, or a path, to what happens to its next request.

    That is the name of a sample, `take` (taken, then silence), `lose` (read, then silence), or bytes sent as they are.
    """

    port: int = 0
    posts: list[dict[str, Any]] = field(default_factory=list)
    mentions: list[dict[str, Any]] = field(default_factory=list)
    users: dict[str, dict[str, str]] = field(default_factory=dict)
    once: dict[str, str | bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    now: datetime = datetime(2026, 11, 2, 9, 0, 5, tzinfo=UTC)
    lag: timedelta = timedelta(0)
    page: int = 100
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(
        self, method: str, path: str, query: dict[str, str], body: Any
    ) -> tuple[int, Any, dict[str, str]]:
        """Status, body and headers."""
        if path == "/2/tweets" and method == "POST":
            return self._create(body)
        if path == "/2/users/me":
            return 200, sample("me")["body"], {}
        if path == f"/2/users/{USER_ID}/tweets":
            seen = [post for post in self.posts if post["at"] + self.lag <= self.now]
            since = datetime.fromisoformat(query.get("start_time", "2006-01-01T00:00:00Z"))
            return 200, self._page([post for post in seen if post["at"] >= since], query), {}
        if path == f"/2/users/{USER_ID}/mentions":
            after = int(query.get("since_id", "0"))
            return 200, self._page([one for one in self.mentions if int(one["id"]) > after], query), {}
        return 404, {"title": "Not Found Error", "status": 404}, {}

    def _create(self, body: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
        if any(post["given"] == body["text"] for post in self.posts):
            return 403, sample("duplicate")["body"], {}
        return 201, {"data": {"id": self.take(body["text"], body.get("reply")), "text": body["text"]}}, {}

    def take(self, text: str, reply: Any = None) -> str:
        """Keep a post the way X shows it: links shortened, three signs as entities."""
        number = str(FIRST + len(self.posts) + 1)
        links = re.findall(r"https?://\S+", text)
        shown = html.escape(text, quote=False)
        urls = []
        for n, link in enumerate(links):
            short = f"https://t.co/{number[-6:]}{n:04}"
            shown = shown.replace(html.escape(link, quote=False), short)
            urls.append({"url": short, "expanded_url": link})
        shown = f"@sianrees {shown}" if reply else shown
        post = {"id": number, "text": shown, "given": text, "at": self.now, "entities": {"urls": urls}}
        self.posts.append(post | ({"reply": reply} if reply else {}))
        return number

    def _page(self, posts: list[dict[str, Any]], query: dict[str, str]) -> dict[str, Any]:
        newest_first = sorted(posts, key=lambda one: -int(one["id"]))
        start = int(query.get("pagination_token", "0"))
        size = min(int(query.get("max_results", "10")), self.page)
        shown = newest_first[start : start + size]
        meta: dict[str, Any] = {"result_count": len(shown)}
        if start + size < len(newest_first):
            meta["next_token"] = str(start + size)
        data = [{name: value for name, value in one.items() if name not in ("given", "at")} for one in shown]
        # X leaves `data` out where there is nothing.
        return {
            **({"data": data} if data else {}),
            "meta": meta,
            "includes": {"users": list(self.users.values())},
        }


@contextmanager
def running() -> Iterator[X]:
    """X on a free port of 127.0.0.1."""
    x = X()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"x": x}))
    server.daemon_threads = True
    x.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield x
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    x: X

    def do_GET(self) -> None:
        self._serve(None)

    def do_POST(self) -> None:
        self._serve(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def log_message(self, format: str, *args: Any) -> None:
        """Silence."""

    def _serve(self, body: Any) -> None:
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        with self.x.lock:
            self.x.asked.append(f"{self.command} {self.path}")
            told = self.x.once.pop(body["text"] if body else url.path, None)
            if not re.search(
                r'OAuth .*oauth_token="token-of-11".*oauth_signature="', self.headers["Authorization"]
            ):
                told = "unauthorized"
            if isinstance(told, bytes) or told == "lose":
                self._raw(told if isinstance(told, bytes) else b"")
            elif told == "take":
                self.x.take(body["text"])
                self._raw(b"")
            elif told:
                found = sample(told)
                self._say(found["status"], found["body"], found["headers"])
            else:
                self._say(*self.x.answer(self.command, url.path, query, body))

    def _raw(self, data: bytes) -> None:
        self.wfile.write(data)
        self.close_connection = True

    def _say(self, status: int, body: Any, headers: dict[str, str]) -> None:
        raw = json.dumps(body).encode()
        self.send_response_only(status)
        for name, value in {
            **headers,
            "Content-Type": "application/json",
            "Content-Length": str(len(raw)),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)
