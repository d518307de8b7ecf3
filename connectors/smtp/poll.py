"""Reads an inbox by IMAP: what is new since a UID, changing nothing in it.

Rules: the folder is examined, never selected for writing, and mail is peeked at, so nothing is marked,
moved or deleted. Another UIDVALIDITY means that the UIDs say nothing any more: everything is read again
under the same event keys. What was read before a connection broke is handed on with its cursor.
Source: RFC 3501, RFC 9051, RFC 5530 (response codes).
"""

from __future__ import annotations

import imaplib
import re
import ssl
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from .. import inbox
from ..api import AccountGone, ConnectorError, Deferred, Event, Polled
from ..mime import SIZE_MAX
from .session import bearer
from .wire import Deadline, is_loopback, open_wire, trouble

SECURITIES = ("tls", "starttls", "off")
MAILS_MAX = 50
BYTES_MAX = SIZE_MAX  # of all mails of one poll, unless the first alone is larger
UIDS_AT_ONCE = 10_000
LINE_MAX = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

NOT_NOW = re.compile(rb"\[(UNAVAILABLE|INUSE|LIMIT|SERVERBUG|OVERQUOTA)\]", re.IGNORECASE)
UID = re.compile(rb"\bUID (\d+)")
SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)")
INTERNALDATE = re.compile(rb'\bINTERNALDATE "([^"]{1,40})"')


@dataclass(frozen=True, slots=True)
class Box:
    """Where answers arrive; `security` is one of SECURITIES, `deadline_s` is for one whole poll."""

    host: str
    port: int
    security: str
    username: str
    password: str = field(repr=False)
    tls: ssl.SSLContext = field(repr=False)
    access_token: str = field(default="", repr=False)
    folder: str = "INBOX"
    deadline_s: float = 60.0


class Inbox:
    """One folder of one account; a poll connects, reads and hangs up."""

    def __init__(self, box: Box) -> None:
        self._box = box

    @property
    def place(self) -> str:
        """Which folder of whom on which server it is."""
        return f"{self._box.host} {self._box.username} {self._box.folder}"

    def verify(self, deadline: Deadline) -> None:
        """Log in and open the folder. AccountGone, or Deferred for the account."""
        with _logged_in(self._box, deadline) as imap:
            _examine(imap, self._box.folder)

    def poll(self, cursor: Mapping[str, Any] | None) -> Polled:
        """What arrived since `cursor` ({uidvalidity, uid}), at most MAILS_MAX mails; from the first mail on
        without."""
        events: list[Event] = []
        reached = dict(cursor or {})
        try:
            with _logged_in(self._box, Deadline(self._box.deadline_s)) as imap:
                for uid, found in _new(imap, self._box.folder, reached):
                    events += found
                    reached["uid"] = uid
        except Deferred:
            if not events:
                raise
        return Polled(tuple(events), reached)


def _new(imap: _Imap, folder: str, reached: dict[str, Any]) -> Iterator[tuple[int, tuple[Event, ...]]]:
    """New mails in the order of their UIDs; `reached` is made to fit the folder first."""
    validity, after = _examine(imap, folder)
    if reached.get("uidvalidity") != validity:
        reached.update(uidvalidity=validity, uid=0)
    uids = _uids_after(imap, int(reached["uid"]), after)
    left = BYTES_MAX
    for uid, size in _sizes(imap, uids):
        if left < BYTES_MAX and size > left:
            return
        left -= size
        yield uid, _read(imap, uid, size)


def _examine(imap: _Imap, folder: str) -> tuple[int, int | None]:
    """UIDVALIDITY and UIDNEXT of a folder. AccountGone where it does not exist."""
    answer, words = imap.select(_mailbox(folder), readonly=True)
    if answer != "OK":
        raise _refused("folder", words[-1])
    validity, following = (imap.response(name)[1][0] for name in ("UIDVALIDITY", "UIDNEXT"))
    return int(validity or 0), int(following) if following else None


def _uids_after(imap: _Imap, uid: int, following: int | None) -> list[int]:
    """The next UIDs; a window at a time, since a reply is one line however large the folder is."""
    while following is None or uid + 1 < following:
        last = "*" if following is None else str(uid + UIDS_AT_ONCE)
        words = _ok(imap.uid("SEARCH", f"UID {uid + 1}:{last}"))
        # `n:*` names the last mail even where its UID is smaller than n.
        found = sorted(each for each in map(int, b" ".join(w for w in words if w).split()) if each > uid)
        if found or following is None:
            return found[:MAILS_MAX]
        uid += UIDS_AT_ONCE
    return []


def _sizes(imap: _Imap, uids: list[int]) -> list[tuple[int, int]]:
    if not uids:
        return []
    lines = _ok(imap.uid("FETCH", ",".join(map(str, uids)), "(UID RFC822.SIZE)"))
    sizes: dict[int, int] = {}
    for line in lines:
        words = line[0] if isinstance(line, tuple) else line or b""
        if (uid := UID.search(words)) and (size := SIZE.search(words)):
            sizes[int(uid[1])] = int(size[1])
    return [(uid, sizes[uid]) for uid in uids if uid in sizes]


def _read(imap: _Imap, uid: int, size: int) -> tuple[Event, ...]:
    """The events of one mail; of one larger than SIZE_MAX its beginning; none where it has gone meanwhile."""
    part = f"<0.{SIZE_MAX}>" if size > SIZE_MAX else ""
    for line in _ok(imap.uid("FETCH", str(uid), f"(UID INTERNALDATE BODY.PEEK[]{part})")):
        if isinstance(line, tuple):
            return inbox.read(line[1], _received_at(line[0]))
    return ()


def _received_at(words: bytes) -> datetime:
    found = INTERNALDATE.search(words)
    try:
        return parsedate_to_datetime(found[1].decode().replace("-", " ", 2)) if found else EPOCH
    except ValueError:
        return EPOCH


def _ok(answer: tuple[str, list[Any]]) -> list[Any]:
    if answer[0] != "OK":
        raise _refused("read", answer[1][-1])
    return answer[1]


@contextmanager
def _logged_in(box: Box, deadline: Deadline) -> Iterator[_Imap]:
    """A session that is logged in; whatever breaks in it is Deferred for the account, and about reading alone."""
    try:
        imap = _Imap(box, deadline)
        try:
            imap.log_in()
            yield imap
        finally:
            with suppress(imaplib.IMAP4.error, OSError):
                imap.logout()
    except ConnectorError as error:
        error.face = "poll"
        raise
    except (imaplib.IMAP4.error, OSError, ValueError, IndexError) as error:
        broken = _broken(error)
        broken.face = "poll"
        raise broken from error


def _broken(error: Exception) -> Deferred:
    code = trouble(error)
    return Deferred(str(error) or code, code=code, phase="imap", scope="account")


def _refused(phase: str, words: Any) -> AccountGone | Deferred:
    raw = words if isinstance(words, bytes) else str(words).encode()
    text = raw.decode("utf-8", "replace")
    if phase == "read" or NOT_NOW.search(raw):
        return Deferred(text, code="imap", phase=phase, scope="account")
    return AccountGone(text, code="imap", phase=phase)


def _mailbox(name: str) -> str:
    """A folder's name as IMAP writes it: quoted, with letters outside ASCII in its own UTF-7."""
    coded = re.sub(
        r"[^\x20-\x7e]+",
        lambda m: "&" + b64encode(m[0].encode("utf-16-be")).decode().rstrip("=").replace("/", ",") + "-",
        name.replace("&", "&-"),
    )
    return _quoted(coded)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class _Imap(imaplib.IMAP4):
    """imaplib over a wire with one deadline for everything."""

    def __init__(self, box: Box, deadline: Deadline) -> None:
        self._box = box
        self._deadline = deadline
        super().__init__(box.host, box.port)

    def log_in(self) -> None:
        """Encrypt where that was asked for, and log in."""
        box = self._box
        if box.security == "starttls":
            _ok(self.xatom("STARTTLS"))
            self._wire.start_tls(box.tls, box.host)
            self.capability()
        elif box.security == "off" and not is_loopback(box.host):
            raise AccountGone("a password is not sent without encryption", code="tls", phase="login")
        try:
            if box.access_token:
                words = bearer(box.username, box.access_token).encode()
                self.authenticate("XOAUTH2", lambda reasons: b"" if reasons else words)
            elif "AUTH=PLAIN" in self.capabilities:
                self.authenticate("PLAIN", lambda _: f"\0{box.username}\0{box.password}".encode())
            else:
                self.login(_quoted(box.username), box.password)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            raise _refused("login", error) from error

    # --- what imaplib calls
    def open(self, host: str = "", port: int = 0, timeout: float | None = None) -> None:
        self.host, self.port = host, port
        self._wire = open_wire(host, port, self._deadline)
        if self._box.security == "tls":
            self._wire.start_tls(self._box.tls, host)

    def read(self, size: int) -> bytes:
        if size > SIZE_MAX + LINE_MAX:
            raise self.abort("a mail larger than was asked for")
        return self._wire.read(size)

    def readline(self) -> bytes:
        return self._wire.readline(LINE_MAX)

    def send(self, data: Any) -> None:
        self._wire.write(bytes(data))

    def shutdown(self) -> None:
        self._wire.close()
