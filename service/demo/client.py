"""A small client of /v1 for the demo: what an integration would write."""

from __future__ import annotations

import json
import secrets
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any

PATIENCE_S = 60.0


class Refused(RuntimeError):
    """The service answered with a problem."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(
            f"{status} {problem.get('code')}: {problem.get('detail')} {problem.get('errors', '')}"
        )
        self.status, self.problem = status, problem


@dataclass(frozen=True)
class Client:
    """One caller with a token."""

    base_url: str
    token: str

    def get(self, path: str) -> Any:
        """Read."""
        return self._call("GET", path)[0]

    def post(self, path: str, **body: Any) -> Any:
        """Do, once, however often it is repeated."""
        return self._call("POST", path, body, {"Idempotency-Key": secrets.token_hex(8)})[0]

    def put(self, path: str, **body: Any) -> Any:
        """Put."""
        return self._call("PUT", path, body)[0]

    def patch(self, path: str, **body: Any) -> Any:
        """Read, then change what was read."""
        _now, headers = self._call("GET", path)
        return self._call("PATCH", path, body, {"If-Match": headers["ETag"]})[0]

    def upload(self, path: str, name: str, content: bytes, **fields: str) -> Any:
        """Send a file as a form."""
        edge = secrets.token_hex(16)
        parts = [
            f'--{edge}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
            for key, value in fields.items()
        ]
        head = f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        parts.append(
            f"{head}Content-Type: text/csv\r\n\r\n".encode() + content + f"\r\n--{edge}--\r\n".encode()
        )
        headers = {"Content-Type": f"multipart/form-data; boundary={edge}", "Idempotency-Key": edge}
        return self._send(
            urllib.request.Request(self.base_url + path, b"".join(parts), headers, method="POST")
        )[0]

    def until(self, path: str, done: Callable[[Any], bool], patience_s: float = PATIENCE_S) -> Any:
        """Read until it is so; RuntimeError when it takes too long."""
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            found = self.get(path)
            if done(found):
                return found
            time.sleep(0.2)
        raise RuntimeError(f"{path} did not become what was expected: {found}")

    def _call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[Any, Message]:
        data = None if body is None else json.dumps(body).encode()
        kind = {} if body is None else {"Content-Type": "application/json"}
        request = urllib.request.Request(
            self.base_url + path, data, {**kind, **(headers or {})}, method=method
        )
        return self._send(request)

    def _send(self, request: urllib.request.Request) -> tuple[Any, Message]:
        request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.loads(answer.read() or b"null"), answer.headers
        except urllib.error.HTTPError as error:
            raise Refused(error.code, json.loads(error.read() or b"{}")) from error


def press(url: str, **form: str) -> str:
    """Open a public page and press a button on it, as a person without a login does; the page that comes back."""
    urllib.request.urlopen(url, timeout=30).close()
    data = urllib.parse.urlencode(form).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data), timeout=30) as answer:
        page: str = answer.read().decode()
        return page
