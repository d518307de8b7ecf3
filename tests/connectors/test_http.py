"""The one door to HTTP: where it never leads, how long and how much it takes, and how answers are read."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connectors.api import AccountGone, ConnectorError, Deferred, Refused, Uncertain
from connectors.http import Answer, Door, NotAllowed

from .spellings import spellings

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
ANSWER = tuple[int, tuple[Any, ...]]


class Wire:
    """A server that reads whole requests and answers the given bytes, in turn; the last answer repeats."""

    def __init__(self, *answers: bytes, tls: ssl.SSLContext | None = None, close: bool = False) -> None:
        self.heard: list[bytes] = []
        self.connections = 0
        self.closed = threading.Event()
        self._answers, self._tls, self._close = list(answers), tls, close
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        threading.Thread(target=self._serve, daemon=True).start()

    def end(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # or the thread that waits would keep it listening
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(line,), daemon=True).start()

    def _talk(self, line: socket.socket) -> None:
        try:
            line = self._tls.wrap_socket(line, server_side=True) if self._tls else line
        except OSError:
            return
        with line:
            while request := _request(line):
                self.heard.append(request)
                answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
                try:
                    self._answer(line, answer)
                except OSError:
                    break
                if self._close or not answer:
                    break
        self.closed.set()

    def _answer(self, line: socket.socket, answer: bytes) -> None:
        line.sendall(answer)


class Trickle(Wire):
    """One byte at a time, without end."""

    def _answer(self, line: socket.socket, answer: bytes) -> None:
        line.sendall(answer)
        while True:
            line.sendall(b"a")
            self.closed.wait(0.02)


def _request(line: socket.socket) -> bytes:
    data = b""
    try:
        while b"\r\n\r\n" not in data:
            more = line.recv(65_536)
            if not more:
                return b""
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        size = next(
            (int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length")), 0
        )
        while len(body) < size:
            body += line.recv(65_536)
    except OSError:
        return b""
    return head + b"\r\n\r\n" + body


@contextmanager
def wire(*answers: bytes, **more: Any) -> Iterator[Wire]:
    server = Wire(*answers, **more)
    try:
        yield server
    finally:
        server.end()


@contextmanager
def door(**more: Any) -> Iterator[Door]:
    made = Door(**{"allow_hosts": ("127.0.0.1",), "deadline_s": 5.0, **more})
    try:
        yield made
    finally:
        made.close()


def answer(status: int, body: bytes = b"{}", **headers: str) -> bytes:
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n{lines}\r\n".encode() + body


@pytest.fixture
def connects(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every address a socket was connected to, or tried to be."""
    seen: list[Any] = []
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        seen.append(address)
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    return seen


def resolve(monkeypatch: pytest.MonkeyPatch, answers: Callable[[str], list[str]]) -> list[str]:
    """Double the resolver: addresses by name; the names asked for are handed back."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        asked.append(host)
        found = []
        for address in answers(host):
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            found.append((family, socket.SOCK_STREAM, 6, "", (address, port)))
        return found

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


SPELLINGS = spellings()


def test_there_are_at_least_two_hundred_spellings() -> None:
    """The corpus does not shrink."""
    assert len(SPELLINGS) >= 200


@pytest.mark.parametrize("library", [False, True], ids=["door", "session"])
def test_no_spelling_of_a_private_address_is_ever_connected_to(
    library: bool, monkeypatch: pytest.MonkeyPatch, connects: list[Any]
) -> None:
    """`U1` `U2` `U5` `U6`: whatever resolvers and parsers make of it; every name leads to the trap."""
    real = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        try:
            return real(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        except (OSError, UnicodeError):
            return real("127.0.0.1", port, type=socket.SOCK_STREAM)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with wire(OK) as trap, door(allow_hosts=(), ports=(80, 443, trap.port), schemes=("http", "https")) as out:
        session = requests.Session()
        out.mount(session)
        for spelt in SPELLINGS:
            url = spelt.replace("{port}", str(trap.port))
            if library:
                with pytest.raises((NotAllowed, requests.RequestException)):
                    session.get(url, timeout=2)
            else:
                with pytest.raises(NotAllowed):
                    out.request("GET", url)
        assert connects == [] and trap.connections == 0


def test_the_trap_would_have_caught_it(connects: list[Any]) -> None:
    """The same trap is reached where it is allowed by name, so the test above can fail."""
    with wire(OK) as trap, door() as out:
        assert out.request("GET", trap.url).status == 200
        assert connects == [("127.0.0.1", trap.port)] and trap.connections == 1


def test_a_name_that_changes_its_address_is_looked_up_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`U3`: public at one look-up, private at the next, 1,000 times: only a checked address is tried."""
    turns = iter(["93.184.215.14", "127.0.0.1"] * 1_000)
    asked = resolve(monkeypatch, lambda name: [next(turns)])
    tried: list[Any] = []

    def connect(self: socket.socket, address: Any) -> None:
        tried.append(address)
        raise ConnectionRefusedError("nobody is asked in a test")

    monkeypatch.setattr(socket.socket, "connect", connect)
    with door(allow_hosts=(), only_hosts=("flip.example",)) as out:
        for n in range(1_000):
            with pytest.raises(NotAllowed if n % 2 else Deferred):
                out.request("POST", "https://flip.example/", json={})
    assert len(asked) == 1_000
    assert tried == [("93.184.215.14", 443)] * 500


def test_one_private_address_among_public_ones_closes_the_door(
    monkeypatch: pytest.MonkeyPatch, connects: list[Any]
) -> None:
    """`U3`: the next address would be tried when the first does not answer."""
    resolve(monkeypatch, lambda name: ["93.184.215.14", "10.0.0.1"])
    with door() as out, pytest.raises(NotAllowed):
        out.request("GET", "https://mixed.example/")
    assert connects == []


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("64:ff9b::5db8:d70e", True),
        ("2002:5db8:d70e::1", True),
        ("::ffff:93.184.215.14", True),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::1", False),
        ("::ffff:127.0.0.1", False),
        ("fe80::1%lo", False),
    ],
)
def test_wrapped_addresses_count_as_what_is_inside(
    address: str, public: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`U2`: networks that translate keep working, and give no way in."""
    resolve(monkeypatch, lambda name: [address])
    with door() as out:
        if public:
            assert out.addresses("a.example", 443, 1.0)[0][1][0] == address
        else:
            with pytest.raises(NotAllowed):
                out.addresses("a.example", 443, 1.0)


def test_a_host_allowed_for_practice_is_loopback_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """To let a name through is not to let it lead anywhere."""
    with door(allow_hosts=("practice.example",)) as out:
        for address in ("10.0.0.1", "93.184.215.14", "169.254.169.254"):
            resolve(monkeypatch, lambda name, address=address: [address])  # type: ignore[misc]
            with pytest.raises(NotAllowed):
                out.request("GET", "http://practice.example:8025/")


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://api.example/2/tweets", True),
        ("https://API.EXAMPLE:443/", True),
        ("http://api.example/", False),
        ("https://api.example:8443/", False),
        ("https://other.example/", False),
        ("https://api.example.evil.example/", False),
    ],
)
def test_only_the_hosts_ports_and_schemes_of_a_connector_are_open(url: str, allowed: bool) -> None:
    """`U7`: fixed providers have a fixed list."""
    with door(allow_hosts=(), only_hosts=("api.example",)) as out:
        if allowed:
            assert out.check(url).startswith("https://api.example:443/")
        else:
            with pytest.raises(NotAllowed):
                out.check(url)


def test_a_name_in_another_script_is_asked_for_by_its_idna_2008_form() -> None:
    """`U5`: one parser, one spelling; the path keeps its escapes."""
    with door() as out:
        assert out.check("https://münchen.de/a?b=c%20d&e=ŵ") == (
            "https://xn--mnchen-3ya.de:443/a?b=c%20d&e=%C5%B5"
        )


@pytest.mark.parametrize("library", [False, True], ids=["door", "session"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(status: int, library: bool) -> None:
    """`U4`: wherever it leads."""
    with wire(OK) as trap, wire(answer(status, Location=trap.url)) as first, door() as out:
        session = requests.Session()
        out.mount(session)
        with pytest.raises(Deferred) as told:
            session.get(first.url) if library else out.request("GET", first.url)
        assert told.value.scope == "account" and trap.connections == 0


@pytest.mark.parametrize(
    ("status", "error"),
    [(301, Deferred), (302, Uncertain), (303, Uncertain), (307, Deferred), (308, Deferred)],
)
def test_a_redirect_after_a_write_may_mean_that_it_was_done(status: int, error: type[ConnectorError]) -> None:
    """`U4`: "done, look there" is how web systems answer; the same again would go twice."""
    with wire(answer(status, Location="http://127.0.0.1:9/")) as server, door() as out:
        with pytest.raises(ConnectorError) as told:
            out.request("POST", server.url, json={})
        assert type(told.value) is error


def test_nothing_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`U9`: no proxy, no .netrc, no cookie that was set before."""
    with wire(OK) as proxy, wire(answer(200, Set_Cookie="a=b"), OK) as server, door() as out:
        (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password secret\n")
        monkeypatch.setenv("HOME", str(tmp_path))
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        session = requests.Session()
        out.mount(session)
        for _ in range(2):
            out.request("GET", server.url)
            session.get(server.url)
        assert proxy.connections == 0
        heard = b"".join(server.heard).lower()
        assert b"authorization" not in heard and b"cookie" not in heard


def test_an_answer_without_end_is_cut_at_the_deadline() -> None:
    """`F19` `U8`: the deadline is for the whole of it, not for each byte; this ends or hangs."""
    for head in (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n"):
        server = Trickle(head)
        with door(deadline_s=0.3) as out:
            with pytest.raises(Uncertain):
                out.request("POST", server.url, json={})
            with pytest.raises(Deferred):
                out.request("GET", server.url)
        server.closed.set()
        server.end()


def test_a_look_up_without_end_is_cut_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """`F29`: a resolver that is silent makes it late, not lost."""
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: released.wait(30))
    with door(deadline_s=0.2) as out, pytest.raises(Deferred) as told:
        out.request("POST", "https://slow.example/", json={})
    released.set()
    assert told.value.phase == "connect"


@pytest.mark.parametrize("error", [socket.gaierror(-2, "not known"), socket.gaierror(-3, "try again")])
def test_a_provider_that_cannot_be_looked_up_is_deferred(
    error: OSError, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`F29`: it is the provider's name that is missing, not the recipient's."""

    def fail(*args: Any, **kwargs: Any) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with door() as out, pytest.raises(Deferred) as told:
        out.request("POST", "https://gone.example/", json={})
    assert (told.value.scope, told.value.phase) == ("account", "connect")


def test_a_provider_that_does_not_listen_is_deferred() -> None:
    """Before bytes were written, every failure is safe to repeat."""
    with wire(OK) as server:
        pass
    with door() as out, pytest.raises(Deferred) as told:
        out.request("POST", server.url, json={})
    assert told.value.phase == "connect"


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
        b"HTTP/1.1 200",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 banana OK\r\n\r\n",
        b"HTTP/1.1 500 X\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 502 X\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 504 X\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + b"a" * 2_000_000,
    ],
)
def test_once_bytes_were_written_anything_but_an_answer_is_uncertain(said: bytes) -> None:
    """`F25` `F26`: it may have gone; a mere question may simply be asked again."""
    with wire(said, close=True) as server, door() as out:
        with pytest.raises(Uncertain) as told:
            out.request("POST", server.url, json={})
        assert told.value.phase == "answer"
        with pytest.raises(Deferred):
            out.request("GET", server.url)


def test_a_kept_connection_that_was_closed_meanwhile_is_replaced() -> None:
    """`F20`: seen before the request is written, so that it is no failure at all."""
    with wire(OK, close=True) as server, door() as out:
        for _ in range(3):
            assert out.request("POST", server.url, json={}).status == 200
            server.closed.wait(5)
            server.closed.clear()
        assert server.connections == 3


def test_connections_are_kept() -> None:
    """A hundred requests, one connection."""
    with wire(OK) as server, door() as out:
        for _ in range(100):
            out.request("POST", server.url, json={})
        assert server.connections == 1


def test_a_small_answer_cannot_unpack_into_a_large_one() -> None:
    """`F26`: nothing is unpacked; we did not ask for it packed."""
    bomb = gzip.compress(b"0" * 5_000_000)
    with wire(answer(200, bomb, Content_Encoding="gzip")) as server, door() as out:
        got = out.request("POST", server.url, json={})
        assert got.body == bomb and b"accept-encoding: identity" in server.heard[0].lower()
        with pytest.raises(Uncertain):
            got.json()


@pytest.mark.parametrize(
    ("status", "headers", "kind", "scope"),
    [
        (401, {}, AccountGone, None),
        (403, {}, Refused, None),
        (400, {}, Refused, None),
        (404, {}, Refused, None),
        (422, {}, Refused, None),
        (408, {}, Deferred, "delivery"),
        (425, {}, Deferred, "delivery"),
        (429, {}, Deferred, "account"),
        (503, {"Retry-After": "7"}, Deferred, "account"),
        (503, {}, Uncertain, None),
        (500, {}, Uncertain, None),
        (599, {}, Uncertain, None),
    ],
)
def test_a_status_says_what_may_be_done_next(
    status: int, headers: dict[str, str], kind: type[ConnectorError], scope: str | None
) -> None:
    """`F24` `F25` `F27`: exactly one type for each, with the code and the words."""
    with wire(answer(status, b"the words", **headers)) as server, door() as out:
        with pytest.raises(ConnectorError) as told:
            out.request("POST", server.url, json={})
        assert type(told.value) is kind and told.value.code == str(status)
        assert "the words" in told.value.words and getattr(told.value, "scope", None) == scope


def test_a_connector_says_how_its_provider_means_a_status() -> None:
    """403 may be about the account, 500 may mean that nothing was taken, 404 may be an answer."""
    with wire(answer(403), answer(500), answer(404), answer(503, Retry_After="1")) as server, door() as out:
        says: dict[str, Any] = {"gone": (401, 403), "untouched": (500,), "show": (404, 503)}
        with pytest.raises(AccountGone):
            out.request("POST", server.url, json={}, **says)
        with pytest.raises(Deferred):
            out.request("POST", server.url, json={}, **says)
        assert out.request("POST", server.url, json={}, **says).status == 404
        assert out.request("POST", server.url, json={}, **says).retry_after_s == 1.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        (" 5 ", 5.0),
        ("1000000000", 3600.0),
        ("9" * 5_000, 3600.0),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("1.5", None),
        ("٣", None),
        ("Mon, 02 Nov 2026 09:10:00 GMT", 600.0),
        ("Mon, 02 Nov 2026 08:00:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600.0),
        ("Mon, 02 Nov 2026 09:10:00", 600.0),
        ("Mon, 99 Nov 2026 09:10:00 GMT", None),
    ],
)
def test_retry_after_is_read_in_both_forms_and_capped(value: str, seconds: float | None) -> None:
    """`F24`: seconds or a date, judged by the provider's own clock; never negative, at most an hour."""
    told = Answer(429, {"retry-after": value, "date": "Mon, 02 Nov 2026 09:00:00 GMT"}, b"")
    assert told.retry_after_s == seconds


def test_retry_after_without_a_date_is_judged_by_our_clock() -> None:
    """Not every provider says what time it is."""
    told = Answer(
        429, {"retry-after": format_datetime(datetime.now(UTC) + timedelta(hours=9), usegmt=True)}, b""
    )
    assert told.retry_after_s == 3600.0


@pytest.mark.parametrize(
    ("headers", "asked_s", "beside_s"),
    [
        ({"ratelimit-remaining": "0", "ratelimit-reset": "30"}, 30.0, 30.0),
        ({"ratelimit-remaining": "7", "ratelimit-reset": "30"}, None, 0.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1793610090"}, 90.0, 90.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1793610090.5"}, 90.5, 90.5),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1793610090000"}, 90.0, 90.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "2026-11-02T09:05:00.000Z"}, 300.0, 300.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "2026-11-02T09:05:00"}, 300.0, 300.0),
        ({"x-rate-limit-remaining": "0", "x-rate-limit-reset": "1793606400"}, 0.0, 0.0),  # an hour ago
        ({"x-rate-limit-reset": "60"}, 60.0, 0.0),  # how much is left is not told: only a refusal says so
        ({"ratelimit": '"day";r=0;t=99999, "minute";r=3;t=20'}, 3600.0, 3600.0),
        ({"ratelimit": '"day";r=5;t=99999, "minute";r=0;t=20'}, 20.0, 20.0),
        ({"ratelimit": "limit=100, remaining=0, reset=12"}, 12.0, 12.0),
        ({"ratelimit": "limit=100, remaining=1, reset=12"}, None, 0.0),
        ({"retry-after": "5", "ratelimit-remaining": "0", "ratelimit-reset": "30"}, 5.0, 30.0),
        ({"retry-after": "soon", "ratelimit-remaining": "0", "ratelimit-reset": "30"}, 30.0, 30.0),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "-4"}, None, 0.0),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "٣"}, None, 0.0),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "9" * 13}, 3600.0, 3600.0),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "9" * 5_000}, None, 0.0),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "never"}, None, 0.0),
        ({"ratelimit": "r=0;t=soon"}, None, 0.0),
    ],
)
def test_what_a_provider_counts_is_read_in_the_forms_that_are_in_use(
    headers: dict[str, str], asked_s: float | None, beside_s: float
) -> None:
    """`F24`: as seconds, an instant or a date; after a refusal and beside an answer."""
    told = Answer(429, {"date": "Mon, 02 Nov 2026 09:00:00 GMT", **headers}, b"")
    assert (told.retry_after_s, told.used_up_s) == (asked_s, beside_s)


def test_no_error_shows_a_secret() -> None:
    """By value, in every spelling a provider might send it back in."""
    secret = "canary+7/Ŵ=token"
    said = f"{secret} canary%2B7%2F%C5%B4%3Dtoken Y2FuYXJ5KzcvxbQ9dG9rZW4= {secret.encode().hex()}".encode()
    with wire(answer(400, said)) as server, door(secrets=(secret, "a")) as out:
        with pytest.raises(Refused) as told:
            out.request("POST", server.url, json={}, headers={"Authorization": "Bearer x"})
        assert told.value.words == "400 ••• ••• ••• •••"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"X-Title": "a\r\nBcc: b"}, {}),
        ({"X-Title": "a\nb"}, {}),
        ({"X\r\nTitle": "a"}, {}),
        ({"X-Title": "ŵ"}, {}),
        ({}, {"text": "\ud800"}),
    ],
)
def test_what_cannot_be_written_is_refused_before_anything_is(
    headers: dict[str, str], body: dict[str, str], connects: list[Any]
) -> None:
    """`R40` on the way out: a line break in a value never becomes a header."""
    with wire(OK) as server, door() as out:
        with pytest.raises(Refused) as told:
            out.request("POST", server.url, headers=headers, json=body)
        assert told.value.phase == "build" and connects == []


def test_a_library_gets_its_answers_whole_and_bounded() -> None:
    """Sessions of others go through the same door: same deadline, same size, same errors."""
    with wire(answer(404, b'{"a":1}'), answer(200, b"a" * 2_000_000)) as server, door() as out:
        session = requests.Session()
        out.mount(session)
        got = session.post(server.url, json={"b": 2}, allow_redirects=True)
        assert (got.status_code, got.json()) == (404, {"a": 1})
        with pytest.raises(Uncertain):
            session.post(server.url)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[ssl.SSLContext, str]]:
    """A server's TLS by what is wrong with it, and the file that makes it trusted."""
    folder = tmp_path_factory.mktemp("tls")
    today = datetime.now(UTC)
    return {
        "good": _certificate(folder, "good", "practice.example", today + timedelta(days=1)),
        "expired": _certificate(folder, "expired", "practice.example", today - timedelta(days=1)),
        "other name": _certificate(folder, "other", "other.example", today + timedelta(days=1)),
    }


def _certificate(folder: Path, file: str, name: str, until: datetime) -> tuple[ssl.SSLContext, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(until - timedelta(days=9))
        .not_valid_after(until)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{file}.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context, str(path)


@pytest.mark.parametrize("what", ["good", "expired", "other name", "unknown issuer", "no TLS at all"])
def test_over_tls_the_name_is_proven_before_a_byte_is_written(
    what: str, certificates: dict[str, tuple[ssl.SSLContext, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`U3` `F22`: connected by address, proven by name; a failure is safe to repeat, and tells nothing of the query,
    in which what was made of a secret may stand."""
    resolve(monkeypatch, lambda name: ["127.0.0.1"])
    tls, ca = certificates.get(what, certificates["good"])
    served = None if what == "no TLS at all" else tls
    trusted = None if what == "unknown issuer" else ca
    asked = {"allow_hosts": ("practice.example",), "ca": trusted, "deadline_s": 2.0}
    with wire(OK, tls=served) as server, door(**asked) as out:
        url = f"https://practice.example:{server.port}/a?proof=sicrid-hir"
        if what == "good":
            for _ in range(2):
                assert out.request("POST", url, json={"long": "a" * 100_000}).status == 200
            assert f"Host: practice.example:{server.port}".encode() in server.heard[0]
            assert server.connections == 1
        else:
            with pytest.raises(Deferred) as told:
                out.request("POST", url, json={})
            assert told.value.phase == "connect" and server.heard == []
            assert "sicrid" not in told.value.words


def test_over_tls_an_answer_without_end_is_cut_at_the_deadline(
    certificates: dict[str, tuple[ssl.SSLContext, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`F19` again, where the bytes are wrapped."""
    resolve(monkeypatch, lambda name: ["127.0.0.1"])
    tls, ca = certificates["good"]
    server = Trickle(b"HTTP/1.1 200 OK\r\nX-Slow: ", tls=tls)
    with (
        door(allow_hosts=("practice.example",), ca=ca, deadline_s=0.5) as out,
        pytest.raises(Uncertain),
    ):
        out.request("POST", f"https://practice.example:{server.port}/", json={})
    server.closed.set()
    server.end()


def test_an_address_of_the_newer_kind_is_written_in_brackets() -> None:
    """IPv6 hosts are checked and asked for by their one spelling."""
    with door(allow_hosts=("::1",)) as out:
        assert out.check("http://[0:0::1]:8025/x") == "http://[::1]:8025/x"
