"""The one door to HTTP: every request of every connector goes out here, checked, bounded and read in one way.

Rules: a name is looked up once, its addresses are checked, and one of those is connected to. Nothing is taken
from the environment, no redirect is followed, no cookie is kept. Before request bytes were written every
failure is safe to repeat; after that, whatever is not a complete answer is Uncertain.
Source: bad input U1–U9; faults F19, F20, F24–F27, F29.
"""

from __future__ import annotations

import ipaddress
import queue
import re
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import quote

import idna
import orjson
from requests import PreparedRequest, RequestException, Response, Session
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.util.ssl_ import create_urllib3_context

from .api import AccountGone, ConnectorError, Deferred, Refused, Uncertain, running

RETRY_AFTER_MAX_S = 3600.0
CONNECT_MAX_S = 10.0
READS = ("GET", "HEAD", "OPTIONS")
# What many answer to a write that they have done; the other redirects ask for the same again at another address.
DONE_ELSEWHERE = (302, 303)
# What providers call the headers in which they count: …-remaining, …-reset.
COUNTS = ("ratelimit", "x-ratelimit", "x-rate-limit")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class NotAllowed(AccountGone):
    """The address is none we may connect to; nothing was written to the network."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer. Header names are lower case; `writes`: the request may have changed something."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    writes: bool = False

    def json(self) -> Any:
        """The body as JSON; Uncertain (Deferred after a read) where it is none."""
        try:
            return orjson.loads(self.body)
        except ValueError:
            raise _unclear(self.writes, "the answer is not JSON", code=str(self.status)) from None

    @property
    def retry_after_s(self) -> float | None:
        """The provider's wish, in seconds from now: never negative, at most one hour.

        Where it only says when its count begins anew, that.
        """
        value = self.headers.get("retry-after", "").strip()
        if value.isascii() and value.isdigit():
            return min(float(value[:12]), RETRY_AFTER_MAX_S)
        until = _http_date(value)
        return self._until(until) if until else self._reset_s(("0", None))

    @property
    def used_up_s(self) -> float:
        """For how many seconds the provider takes nothing more of this account, as it says beside its answer."""
        return self._reset_s(("0",)) or 0.0

    def _reset_s(self, left: tuple[str | None, ...]) -> float | None:
        """The longest that any count says until it begins anew, of those with so much left."""
        found = [self._from_now(reset) for count, reset in _counts(self.headers) if count in left]
        return max((each for each in found if each is not None), default=None)

    def _from_now(self, reset: str) -> float | None:
        """Seconds, seconds since 1970 or a date, as seconds from now."""
        if _NUMERIC.fullmatch(reset):
            number = float(reset)
            if number < _SINCE_1970:
                return min(number, RETRY_AFTER_MAX_S)
            return self._until(datetime.fromtimestamp(number if number < _IN_MS else number / 1000, UTC))
        try:
            until = datetime.fromisoformat(reset)
        except ValueError:
            return None
        return self._until(until if until.tzinfo else until.replace(tzinfo=UTC))

    def _until(self, until: datetime) -> float:
        at = _http_date(self.headers.get("date", "")) or datetime.now(UTC)
        return min(max((until - at).total_seconds(), 0.0), RETRY_AFTER_MAX_S)


class Door:
    """A way out for one connected account.

    `only_hosts` are the only names it opens for (None: any public one). `allow_hosts` are loopback hosts let
    through for tests and practice, on any port and without TLS. `deadline_s` bounds a whole request, from the
    look-up to the last byte of the answer. `secrets` never appear in an error. `connections` are kept alive.
    """

    def __init__(
        self,
        *,
        allow_hosts: Iterable[str] = (),
        only_hosts: Iterable[str] | None = None,
        ports: Iterable[int] = (443,),
        schemes: Iterable[str] = ("https",),
        deadline_s: float = 30.0,
        size_max: int = 1_000_000,
        secrets: Iterable[str] = (),
        connections: int = 8,
        ca: str | None = None,
    ) -> None:
        self.allow_hosts = frozenset(allow_hosts)
        self.only_hosts = None if only_hosts is None else frozenset(only_hosts)
        self.ports = frozenset(ports)
        self.schemes = frozenset(schemes)
        self.deadline_s = deadline_s
        self.size_max = size_max
        self.secrets = tuple(secrets)
        self.adapter = _Adapter(self, connections, ca)

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        body: bytes | None = None,
        gone: Collection[int] = (401,),
        untouched: Collection[int] = (),
        show: Collection[int] = (),
    ) -> Answer:
        """Ask, and hand back an answer of 2xx or of a status in `show`; anything else raises (see `read`)."""
        request = _prepared(method, url, dict(headers or {}), json, body)
        return self.read(self.adapter.ask(request)[0], gone=gone, untouched=untouched, show=show)

    def mount(self, session: Session) -> None:
        """Let a library's own session out by this door alone, and let nothing in from the environment.

        A failed connection and a redirect come as ConnectorError; every other status is left to the library.
        """
        session.trust_env = False
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        session.adapters.clear()
        for scheme in ("https://", "http://"):
            session.mount(scheme, self.adapter)

    def read(
        self,
        answer: Answer,
        *,
        gone: Collection[int] = (401,),
        untouched: Collection[int] = (),
        show: Collection[int] = (),
    ) -> Answer:
        """Turn a status into what the caller may do next.

        `gone` means that the account is refused; `untouched` are 5xx after which this provider is known to
        have taken nothing; `show` are handed back as they are. 429, and 503 with a Retry-After, slow the
        whole account.
        """
        status = answer.status
        if 200 <= status < 300 or status in show:
            return answer
        words = self.redact(f"{status} {answer.body[:400].decode('utf-8', 'replace')}".strip())
        told: dict[str, Any] = {"code": str(status), "phase": "answer"}
        if status in gone:
            raise AccountGone(words, **told)
        if status == 429 or (status == 503 and "retry-after" in answer.headers):
            raise Deferred(words, scope="account", retry_after_s=answer.retry_after_s, **told)
        if status in (408, 425) or status in untouched:
            raise Deferred(words, retry_after_s=answer.retry_after_s, **told)
        if 300 <= status < 400:
            if answer.writes and status in DONE_ELSEWHERE:
                raise Uncertain(f"a redirect says where to look, not whether it was done: {words}", **told)
            raise Deferred(f"a redirect is not followed: {words}", scope="account", **told)
        if 400 <= status < 500:
            raise Refused(words, **told)
        raise _unclear(answer.writes, words, code=str(status))

    def check(self, url: str) -> str:
        """The url in its one canonical spelling; NotAllowed for a spelling, scheme, host or port not for us.

        Names are not looked up here: that happens once, when the connection is made.
        """
        found = _URL.fullmatch(url)
        if not found or not url.isprintable():
            raise NotAllowed("this address is not spelt as a plain http address", phase="connect")
        scheme, host = found["scheme"].lower(), _host(found["host"])
        port = int(found["port"] or (443 if scheme == "https" else 80))
        local = host.strip("[]") in self.allow_hosts
        if not local and (scheme not in self.schemes or port not in self.ports):
            raise NotAllowed(f"{scheme} on port {port} is not allowed", phase="connect")
        if self.only_hosts is not None and host.strip("[]") not in self.only_hosts:
            raise NotAllowed(f"{host} is none of the hosts of this connector", phase="connect")
        return f"{scheme}://{host}:{port}{quote(found['rest'] or '/', safe=_URL_SAFE)}"

    def addresses(self, host: str, port: int, within_s: float) -> list[tuple[int, tuple[Any, ...]]]:
        """Where a host may be connected to, as (family, socket address); all must be allowed.

        A name that nobody knows and one inside are told of in the same words: whoever asks learns no names.
        """
        try:
            found = look_up(host, port, within_s)
        except (OSError, UnicodeError):
            raise Deferred(
                f"{host} has no address that may be called", scope="account", phase="connect"
            ) from None
        allowed = _loopback if host in self.allow_hosts else _public
        for _, where in found:
            if not allowed(_unwrapped(ipaddress.ip_address(str(where[0]).partition("%")[0]))):
                raise NotAllowed(f"{host} has no address that may be called", phase="connect")
        return found

    def redact(self, words: str) -> str:
        """The words without any secret of this account, however it was spelt."""
        for secret in self.secrets:
            for spelling in _spellings(secret):
                words = words.replace(spelling, "•••")
        return words

    def close(self) -> None:
        """Close the kept connections."""
        self.adapter.close()


def look_up(host: str, port: int, within_s: float) -> list[tuple[int, tuple[Any, ...]]]:
    """All addresses of a host as (family, socket address); OSError or UnicodeError where there is none.

    The resolver knows no deadline, so it runs aside and is left when late.
    """
    answer: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answer.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            answer.put(error)

    threading.Thread(target=ask, daemon=True, name="look-up").start()
    try:
        found = answer.get(timeout=within_s)
    except queue.Empty:
        raise TimeoutError("the look-up took too long") from None
    if isinstance(found, Exception):
        raise found
    if not found:
        raise OSError("the name has no address")
    return [(family, where) for family, _, _, _, where in found]


_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]@:/?#\\\s]+)(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<rest>[/?][^\s\\#]*)?",
    re.IGNORECASE,
)
_URL_SAFE = "/?&=%:;,+$@!'()*~-._[]|"
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_LABELS = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")

# A count's reset above this is an instant, below it a number of seconds; far above it, one in milliseconds.
_SINCE_1970, _IN_MS = 1_000_000_000.0, 100_000_000_000.0
# What a failure tells of the address it was about: behind the `?` may stand what proves who we are.
_QUERY = re.compile(r"((?:\burl: |https?://)[^\s?]*)\?\S*")
_NUMERIC = re.compile(r"[0-9]{1,13}(\.[0-9]{1,9})?")
_COUNT = re.compile(r"(?:^|[;,\s])(?:remaining|r)=(\d+)")
_RESET = re.compile(r"(?:^|[;,\s])(?:reset|t)=(\d+)")

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
# Not private by the registry's word, yet not the public network: relays, benchmarks, clouds' own services.
_NEVER = tuple(
    ipaddress.ip_network(block)
    for block in (
        "0.0.0.0/8", "100.64.0.0/10", "168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15",
        "224.0.0.0/3", "2001::/23", "2001:db8::/32", "3fff::/20",
    )
)  # fmt: skip


def _prepared(
    method: str, url: str, headers: dict[str, str], json: Any, body: bytes | None
) -> PreparedRequest:
    """The request as it goes out; Refused for what cannot be written, such as a line break in a header."""
    request = PreparedRequest()
    request.prepare_method(method)
    request.url = url
    try:
        if json is not None:
            body = orjson.dumps(json)
            headers.setdefault("Content-Type", "application/json")
        for value in headers.values():
            value.encode("latin-1")
        request.prepare_headers(headers)
    except (ValueError, TypeError) as error:
        raise Refused(f"this cannot be written as a request: {type(error).__name__}", phase="build") from None
    request.prepare_body(body, None)
    return request


def _host(spelt: str) -> str:
    """A host in one spelling: bracketed IPv6, dotted IPv4, or a lower-case IDNA 2008 name."""
    try:
        if spelt.startswith("["):
            return f"[{ipaddress.IPv6Address(spelt[1:-1]).compressed}]"
        host = spelt.lower() if spelt.isascii() else idna.encode(spelt.lower()).decode()
        if _NUMBER.fullmatch(host.rpartition(".")[2]):
            return str(ipaddress.IPv4Address(host))
    except ValueError:
        raise NotAllowed("this host is no name and no plainly written address", phase="connect") from None
    if not _LABELS.fullmatch(host):
        raise NotAllowed("this host is not a name", phase="connect")
    return host


def _loopback(ip: Address) -> bool:
    return ip.is_loopback


def _public(ip: Address) -> bool:
    if isinstance(ip, ipaddress.IPv6Address) and ip not in _GLOBAL_UNICAST:
        return False
    return ip.is_global and not any(ip in block for block in _NEVER if block.version == ip.version)


def _unwrapped(ip: Address) -> Address:
    """The IPv4 address inside a mapped, 6to4, NAT64 or Teredo address, since that is where packets end."""
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else ip)


@dataclass(slots=True)
class _Call:
    """A request under way in this thread: its door, when it must be over, whether bytes were written."""

    door: Door
    until: float
    wrote: bool = False

    def left_s(self) -> float:
        left = self.until - running()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        return left


class _Calls(threading.local):
    call: _Call


_calls = _Calls()


class _Socket(socket.socket):
    """A socket on which every wait is cut at the deadline of the call, not only each one by itself."""

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(_calls.call.left_s())
        return super().recv_into(*args, **kwargs)

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        _calls.call.wrote = True
        self.settimeout(_calls.call.left_s())
        super().sendall(*args, **kwargs)


class _TlsSocket(ssl.SSLSocket):
    """The same over TLS; its `sendall` is a loop over `send`."""

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(_calls.call.left_s())
        return super().recv_into(*args, **kwargs)

    def send(self, *args: Any, **kwargs: Any) -> int:
        _calls.call.wrote = True
        self.settimeout(_calls.call.left_s())
        return super().send(*args, **kwargs)


def _dial(host: str, port: int) -> socket.socket:
    """A connection to the first checked address that answers."""
    call = _calls.call
    where = call.door.addresses(host, port, call.left_s())
    failure: OSError = OSError("no address")
    for family, address in where:
        line = _Socket(family, socket.SOCK_STREAM)
        try:
            line.settimeout(min(call.left_s(), CONNECT_MAX_S))
            line.connect(address)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            line.settimeout(call.left_s())
            return line
        except OSError as error:
            line.close()
            failure = error
    raise failure


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _dial(self.host.strip("[]"), self.port or 80)


class _TlsConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _dial(self.host.strip("[]"), self.port or 443)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Adapter(HTTPAdapter):
    """The door as a transport of requests, for libraries that bring their own session (mount it on https://)."""

    def __init__(self, door: Door, connections: int, ca: str | None) -> None:
        self._door = door
        self._ca = ca
        super().__init__(pool_connections=4, pool_maxsize=connections)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **kwargs: Any) -> None:
        context = create_urllib3_context()
        context.sslsocket_class = _TlsSocket
        super().init_poolmanager(connections, maxsize, block, ssl_context=context, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        """As requests calls it. What a session adds (proxies, timeouts, other checks) is left out."""
        answer, response = self.ask(request)
        if 300 <= answer.status < 400:
            self._door.read(answer)  # raises, or the session would follow
        return response

    def ask(self, request: PreparedRequest) -> tuple[Answer, Response]:
        """The answer, read to its end within the deadline and size allowed: as ours, and as requests' own."""
        door, writes = self._door, request.method not in READS
        call = _calls.call = _Call(door, running() + door.deadline_s)
        request.url = door.check(request.url or "")
        request.headers["Accept-Encoding"] = "identity"  # a small answer cannot unpack into a large one
        try:
            response = super().send(request, timeout=door.deadline_s, verify=self._ca or True)
            body = self._body(response, writes)
        except ConnectorError:
            raise
        except (RequestException, HTTPError, OSError, ValueError) as error:
            raise self._failed(call, writes, error) from None
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, headers, body, writes), response

    def _body(self, response: Response, writes: bool) -> bytes:
        """The whole body. A success must be proven complete: by its length, its chunks, or something in it."""
        size_max, raw, code = self._door.size_max, response.raw, str(response.status_code)
        body = b""
        while len(body) <= size_max and (more := raw.read(size_max + 1 - len(body), decode_content=False)):
            body += more
        if len(body) > size_max:
            raw.close()
            if response.status_code < 300:
                raise _unclear(writes, f"the answer is longer than {size_max} bytes", code=code)
        if response.status_code < 300 and not body and not _framed(response):
            raise _unclear(writes, "the answer stops before its end", code=code)
        raw.release_conn()
        response._content = body
        response._content_consumed = True  # type: ignore[attr-defined]
        return body

    def _failed(self, call: _Call, writes: bool, error: Exception) -> ConnectorError:
        words = _QUERY.sub(r"\1", self._door.redact(f"{type(error).__name__}: {error}"))
        if call.wrote:
            return _unclear(writes, f"no complete answer: {words}")
        return Deferred(f"no connection: {words}", scope="account", phase="connect")


def _framed(response: Response) -> bool:
    """Whether an empty answer says itself that it is empty, so that it is not a torn one."""
    headers = response.headers
    return response.status_code == 204 or "content-length" in headers or "transfer-encoding" in headers


def _unclear(writes: bool, words: str, code: str = "") -> ConnectorError:
    if writes:
        return Uncertain(words, code=code, phase="answer")
    return Deferred(words, code=code, phase="answer", scope="account")


def _counts(headers: Mapping[str, str]) -> Iterator[tuple[str | None, str]]:
    """What is left and when it begins anew, of each count in the headers, in the forms that are in use."""
    for name in COUNTS:
        if reset := headers.get(f"{name}-reset", "").strip():
            yield headers.get(f"{name}-remaining"), reset
    whole = headers.get("ratelimit", "")
    for part in [whole] if "remaining=" in whole else whole.split(","):
        if (left := _COUNT.search(part)) and (reset_s := _RESET.search(part)):
            yield left[1], reset_s[1]


def _http_date(value: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _spellings(secret: str) -> tuple[str, ...]:
    if len(secret) < 4:
        return ()  # too short to be told from any other word
    plain = secret.encode()
    return (secret, quote(secret, safe=""), b64encode(plain).decode(), plain.hex())
