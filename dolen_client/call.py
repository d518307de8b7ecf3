"""One call of the API: what goes out, what comes back, and what went wrong, with the standard library alone."""

from __future__ import annotations

import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.parse import quote, urlencode


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def etag(self) -> str | None:
        """What the next change of this thing sends as `if_match`."""
        return self.headers.get("etag")

    def json(self) -> Any:
        """The body as JSON; None where there is none."""
        return json.loads(self.body) if self.body else None


class Problem(Exception):
    """The API refused; `code` never changes its meaning, `document` is the whole RFC 9457 problem."""

    def __init__(self, answer: Answer) -> None:
        self.answer, self.status = answer, answer.status
        self.document: dict[str, Any] = _document(answer)
        self.code = str(self.document.get("code", ""))
        super().__init__(f"{self.status} {self.code}: {self.document.get('detail', '')}")

    @property
    def retry_after_s(self) -> float | None:
        """How long to wait before the same call, with the same key, is made again; None where that is of no use."""
        value = self.answer.headers.get("retry-after", "")
        return float(value) if value.isdigit() else None


class Unreachable(Exception):
    """No answer came. Whether it was done is not known: make the call again with the same key."""


class _Same(urllib.request.HTTPRedirectHandler):
    """The API redirects nobody, and a token goes to nobody else."""

    def redirect_request(self, *given: Any) -> None:
        return None


class Caller:
    """What every operation is made with: an address, a token, and how long to wait."""

    def __init__(self, url: str, token: str, *, timeout_s: float = 30.0, language: str = "en") -> None:
        self.url = url.rstrip("/")
        self.timeout_s = timeout_s
        self.last: Answer | None = None  # of this caller; its `etag` is what a change needs
        self._headers = {"Authorization": f"Bearer {token}", "Accept-Language": language}
        self._opener = urllib.request.build_opener(_Same())

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        file: tuple[str, bytes] | None = None,
        parts: Mapping[str, str] | None = None,
        key: str | None = None,
        if_match: str | None = None,
    ) -> Any:
        """The answer as JSON, None for 204; Problem where it is refused, Unreachable where none comes."""
        headers = dict(self._headers)
        data = None
        if file is not None:
            headers["Content-Type"], data = form(file, parts or {})
        elif body is not None:
            headers["Content-Type"], data = "application/json", json.dumps(body).encode()
        headers |= {"Idempotency-Key": key} if key else {}
        headers |= {"If-Match": if_match} if if_match else {}
        request = urllib.request.Request(self.url + path + _asked(query or {}), data, headers, method=method)
        self.last = self._answer(request)
        if self.last.status >= 300:
            raise Problem(self.last)
        return self.last.json() if "json" in self.last.headers.get("content-type", "json") else self.last.body

    def each(self, listed: Callable[..., Any], *path: str, **query: Any) -> Iterator[Any]:
        """Everything in a list, page after page: `client.each(client.get_messages_deliveries, "msg_…", limit=200)`."""
        after = None
        while True:
            page = listed(*path, **query, **({"after": after} if after else {}))
            yield from page["data"]
            after = page.get("next")
            if not after:
                return

    def _answer(self, request: urllib.request.Request) -> Answer:
        try:
            with self._opener.open(request, timeout=self.timeout_s) as found:
                return _read(found)
        except urllib.error.HTTPError as refused:
            with refused:
                return _read(refused)
        except (OSError, HTTPException) as error:
            raise Unreachable(str(error)) from error


def filled(path: str, **values: str | int) -> str:
    """A path with its parameters in place."""
    return path.format(**{name: quote(str(value), safe="") for name, value in values.items()})


def form(file: tuple[str, bytes], parts: Mapping[str, str]) -> tuple[str, bytes]:
    """A multipart form: its content type and its bytes."""
    line = secrets.token_hex(16)
    name = file[0].replace("\\", "_").replace('"', "_").replace("\r", " ").replace("\n", " ")
    made = [
        f'--{line}\r\nContent-Disposition: form-data; name="{part}"\r\n\r\n{value}\r\n'.encode()
        for part, value in parts.items()
    ]
    made.append(
        f'--{line}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
    )
    return f"multipart/form-data; boundary={line}", b"".join([*made, file[1], f"\r\n--{line}--\r\n".encode()])


def _asked(query: Mapping[str, Any]) -> str:
    told = {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in query.items()
        if value is not None
    }
    return f"?{urlencode(told)}" if told else ""


def _read(found: Any) -> Answer:
    return Answer(found.status, {name.lower(): value for name, value in found.headers.items()}, found.read())


def _document(answer: Answer) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"detail": answer.body[:200].decode("utf-8", "replace")}
