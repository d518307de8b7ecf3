"""The inbox over real IMAP: read once, in order, whatever breaks, and never changed."""

from __future__ import annotations

import base64
import imaplib
import itertools
import select
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from connectors import registry
from connectors.api import AccountGone, Connector, ConnectorError, Deferred, Event, Outbound
from connectors.smtp import poll
from connectors.testing import FarEvents, PollContract

from .relay import bare, closed_port, running
from .test_inbox import GONE, TOKEN, bounce, complaint, letter
from .test_mail_build import LETTER

SECRETS = {"password": "nobody", "imap_password": "secret"}
CAPABILITY = b"* CAPABILITY IMAP4rev1 AUTH=PLAIN STARTTLS\r\nTAG OK done"
folders = itertools.count()


class Folder:
    """A folder of its own for one test, and what a person with a mail program does in it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.name = f"Ymatebion-{next(folders)}"
        self.user = imaplib.IMAP4("127.0.0.1", port)
        self.user.login("comms", SECRETS["imap_password"])
        self.user.create(self.name)

    def put(self, *mails: bytes) -> None:
        for each in mails:
            answer, words = self.user.append(self.name, "", '"02-Nov-2026 12:00:00 +0200"', each)
            assert answer == "OK", words

    def remove(self, number: int) -> None:
        self.user.select(self.name)
        self.user.store(str(number), "+FLAGS", r"(\Deleted)")
        self.user.expunge()
        self.user.select("INBOX", readonly=True)

    def begin_again(self) -> None:
        """The same folder with another UIDVALIDITY."""
        self.user.delete(self.name)
        time.sleep(0.01)
        self.user.create(self.name)

    def flags(self) -> list[bytes]:
        self.user.select(self.name, readonly=True)
        found = self.user.fetch("1:*", "(FLAGS)")[1]
        self.user.select("INBOX", readonly=True)
        return [line for line in found if isinstance(line, bytes)]

    def account(self, **values: Any) -> Connector:
        told = {"host": "127.0.0.1", "port": 9, "security": "off", "imap_security": "off", "deadline_s": 10}
        box = {"imap_host": "127.0.0.1", "imap_port": self.port, "imap_username": "comms"}
        secrets = {**SECRETS, **values.pop("secrets", {})}
        return registry.connect("smtp", {**told, **box, "imap_folder": self.name, **values}, secrets)

    def read(self, cursor: Mapping[str, Any] | None = None) -> tuple[list[Event], dict[str, Any]]:
        connector = self.account()
        assert connector.poll is not None
        polled = connector.poll(cursor)
        return list(polled.events), dict(polled.cursor)


@pytest.fixture
def folder(imap_port: int) -> Iterator[Folder]:
    opened = Folder(imap_port)
    yield opened
    opened.user.logout()


def test_what_arrives_is_read_once_and_in_order(folder: Folder) -> None:
    """DC3"""
    folder.put(letter("un"), letter("dau"))
    events, cursor = folder.read()
    assert [event.text for event in events] == ["un", "dau"]
    assert folder.read(cursor) == ([], cursor)
    folder.put(letter("tri"))
    events, cursor = folder.read(cursor)
    assert [event.text for event in events] == ["tri"]


def test_reading_changes_nothing_in_the_folder(folder: Folder) -> None:
    folder.put(letter("un"), letter("dau"))
    before = folder.flags()
    folder.read()
    assert folder.flags() == before and len(before) == 2
    assert not any(b"Seen" in line for line in before)


def test_the_time_of_receipt_stands_in_for_an_absurd_date(folder: Folder) -> None:
    """M21"""
    folder.put(letter(Date="Thu, 01 Jan 1970 00:00:00 +0000"))
    assert folder.read()[0][0].at.isoformat() == "2026-11-02T12:00:00+02:00"


def test_a_folder_that_was_made_anew_is_read_again_under_the_same_keys(folder: Folder) -> None:
    folder.put(letter("un"), letter("dau"))
    before, cursor = folder.read()
    folder.begin_again()
    folder.put(letter("un"), letter("tri"))
    after, again = folder.read(cursor)
    assert [event.text for event in after] == ["un", "tri"]
    assert after[0].key == before[0].key
    assert again["uidvalidity"] != cursor["uidvalidity"]


def test_a_mail_that_somebody_deleted_is_passed_over(folder: Folder) -> None:
    folder.put(letter("un"), letter("dau"), letter("tri"))
    folder.remove(2)
    events, cursor = folder.read()
    assert [event.text for event in events] == ["un", "tri"]
    assert folder.read(cursor)[0] == []


def test_what_is_wide_apart_is_found_window_by_window(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poll, "UIDS_AT_ONCE", 2)
    folder.put(*[letter(str(n)) for n in range(9)])
    for _ in range(8):
        folder.remove(1)
    assert [event.text for event in folder.read()[0]] == ["8"]


def test_one_poll_is_bounded_in_mails_and_in_bytes(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """M14: whatever the bound, one mail goes through."""
    folder.put(*[letter(f"{n}" * 2_000) for n in range(4)])
    monkeypatch.setattr(poll, "MAILS_MAX", 3)
    events, cursor = folder.read()
    assert len(events) == 3
    monkeypatch.setattr(poll, "BYTES_MAX", 3_000)
    assert len(folder.read()[0]) == 1
    assert len(folder.read(cursor)[0]) == 1


def test_of_a_mail_beyond_all_bounds_only_the_beginning_is_fetched(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """M14"""
    folder.put(letter("a" * 5_000), letter("wedyn"))
    monkeypatch.setattr(poll, "SIZE_MAX", 1_000)
    events, _ = folder.read()
    assert len(events[0].raw) == 1_000 and events[1].text == "wedyn"


def test_a_folder_in_any_script_is_opened(folder: Folder) -> None:
    """The coded name is the example of RFC 3501 5.1.3."""
    folder.user.create('"&U,BTFw- &- x"')
    connector = folder.account(imap_folder="台北 & x")
    assert connector.poll is not None
    assert connector.poll(None).events == ()


def test_verify_logs_in_to_the_relay_and_to_the_inbox(folder: Folder) -> None:
    with running() as relay:
        folder.account(port=relay.port).verify()
        with pytest.raises(AccountGone):
            folder.account(port=relay.port, imap_folder="nid-yw-yma").verify()
    with pytest.raises(Deferred):
        folder.account(port=closed_port()).verify()


def test_a_wrong_password_puts_the_account_out_of_service_and_is_not_shown(folder: Folder) -> None:
    with running() as relay, pytest.raises(AccountGone) as lost:
        folder.account(port=relay.port, secrets={"imap_password": "anghywir"}).verify()
    assert "anghywir" not in str(lost.value)


def test_a_login_that_is_refused_for_now_is_tried_again() -> None:
    with bare(said(b"* OK hello", CAPABILITY, b"TAG NO [UNAVAILABLE] try later")) as port:
        assert isinstance(failure(port), Deferred)


def test_a_password_outside_ascii_goes_as_plain() -> None:
    heard: list[bytes] = []
    with bare(said(b"* OK hello", CAPABILITY, b"+ ", heard=heard)) as port:
        failure(port)
    assert heard[1].split()[1:] == [b"AUTHENTICATE", b"PLAIN"]
    assert base64.b64decode(heard[2]) == "\0môn\0secret".encode()


def test_a_token_opens_the_inbox_too_and_the_reasons_of_a_refusal_are_answered_by_nothing() -> None:
    heard: list[bytes] = []
    replies = (
        b"* OK hello",
        b"* CAPABILITY IMAP4rev1 AUTH=XOAUTH2\r\nTAG OK done",
        b"+ ",
        b"+ eyJzdGF0dXMiOiI0MDAifQ==",
    )
    with bare(said(*replies, heard=heard)) as port:
        told = {"host": "x", "username": "a@b.example", "imap_host": "127.0.0.1", "imap_port": port}
        connector = registry.connect("smtp", {**told, "imap_security": "off"}, {"access_token": "ya29.abc"})
        assert connector.poll is not None
        with pytest.raises(Deferred):  # this server says nothing more
            connector.poll(None)
    assert heard[1].split()[1:] == [b"AUTHENTICATE", b"XOAUTH2"]
    assert base64.b64decode(heard[2]) == b"user=a@b.example\1auth=Bearer ya29.abc\1\1" and heard[3] == b"\r\n"


def drip(connection: socket.socket) -> None:
    """A byte every 20 ms: no single read takes long, and the greeting never ends."""
    for _ in range(200):
        connection.sendall(b"*")
        time.sleep(0.02)


@pytest.mark.parametrize(
    "talk",
    [
        lambda connection: None,
        lambda connection: connection.sendall(b"HTTP/1.1 400\r\n\r\n"),
        lambda connection: connection.sendall(b"* OK " + b"x" * 2_000_000),
        lambda connection: connection.sendall(b"* BYE full\r\n"),
        lambda connection: connection.sendall(b"* OK {99999999999}\r\n"),
        drip,
    ],
)
def test_a_server_that_talks_nonsense_or_slowly_is_left_alone(talk: Callable[[socket.socket], None]) -> None:
    """F19"""
    with bare(talk) as port:
        lost = failure(port)
    assert isinstance(lost, Deferred) and lost.scope == "account"


def test_what_was_read_before_the_connection_broke_is_kept(folder: Folder) -> None:
    folder.put(letter("un"), letter("dau"))
    connector = folder.account()
    with through(folder.port, cut_at=b"dau") as port:
        connector = folder.account(imap_port=port)
        assert connector.poll is not None
        polled = connector.poll(None)
    assert [event.text for event in polled.events] == ["un"]
    assert [event.text for event in folder.read(polled.cursor)[0]] == ["dau"]


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_certificate_nobody_vouches_for_is_not_logged_in_to(
    security: str, server_tls: ssl.SSLContext
) -> None:
    def talk(connection: socket.socket) -> None:
        if security == "starttls":
            said(b"* OK hello", CAPABILITY, b"TAG OK go")(connection)
        server_tls.wrap_socket(connection, server_side=True)

    with bare(talk) as port:
        lost = failure(port, imap_security=security)
    assert isinstance(lost, Deferred) and lost.code == "certificate"


def test_a_password_never_leaves_this_machine_in_the_clear(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *args, **kwargs: real("127.0.0.1", *args, **kwargs)
    )
    connector = folder.account(imap_host="imap.example")
    with pytest.raises(AccountGone, match="without encryption"):
        assert connector.poll and connector.poll(None)


# --- the contract of every connector
class FarInbox(FarEvents):
    """The inbox's side: mail of every kind arrives."""

    kinds = ("reply", "auto_reply", "bounce", "complaint", "opt_out", "delivered")
    many = poll.MAILS_MAX + 5

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def connector(self) -> Connector:
        return self._folder.account()

    def unreachable(self) -> Connector:
        return self._folder.account(imap_port=closed_port())

    def happen(self, kind: str, n: int) -> None:
        name = f"<{kind}-{n}@x.example>"
        made = {
            "reply": letter(f"ateb {n}", Message_ID=name),
            "auto_reply": letter(f"i ffwrdd {n}", Message_ID=name, Auto_Submitted="auto-replied"),
            "bounce": bounce(GONE, Message_ID=name),
            "complaint": complaint("Feedback-Type: abuse"),
            "opt_out": letter("", Message_ID=name, To=f"unsubscribe+{TOKEN}@post.cyngor.example"),
            "delivered": bounce("Final-Recipient: rfc822; a@b.example\nAction: delivered\nStatus: 2.0.0"),
        }
        self._folder.put(made[kind])

    def outbound(self, n: int, text: str = "Hello") -> Outbound:
        return replace(LETTER, key=str(n), text=text)

    def accepted(self) -> list[str]:
        return []

    def text(self, key: str) -> str:
        return ""

    def troubles(self) -> Mapping[type[ConnectorError], Callable[[int], Outbound]]:
        return {}


class TestContract(PollContract):
    """The inbox keeps the promises of everything that is polled."""

    @pytest.fixture
    def far(self, folder: Folder) -> FarInbox:
        return FarInbox(folder)


def failure(port: int, **values: Any) -> ConnectorError:
    """How polling a server ends that is not one."""
    told = {
        "host": "x",
        "imap_host": "127.0.0.1",
        "imap_port": port,
        "imap_security": "off",
        "deadline_s": 1.5,
    }
    connector = registry.connect("smtp", {**told, "imap_username": "môn", **values}, SECRETS)
    assert connector.poll is not None
    with pytest.raises(ConnectorError) as caught:
        connector.poll(None)
    return caught.value


def said(*replies: bytes, heard: list[bytes] | None = None) -> Callable[[socket.socket], None]:
    """A server that says its replies in turn, TAG being that of the last command, and then hangs up."""

    def talk(connection: socket.socket) -> None:
        coming = connection.makefile("rb")
        connection.sendall(replies[0] + b"\r\n")
        for reply in replies[1:]:
            if not (line := coming.readline()):
                return
            if heard is not None:
                heard.append(line)
            connection.sendall(reply.replace(b"TAG", line.split()[0]) + b"\r\n")
        if heard is not None:
            heard.append(coming.readline())

    return talk


@contextmanager
def through(port: int, cut_at: bytes) -> Iterator[int]:
    """A way to a server that breaks once these bytes come back from it."""

    def talk(near: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", port)) as far:
            while True:
                for ready in select.select([near, far], [], [])[0]:
                    data = ready.recv(65536)
                    if not data or cut_at in data:
                        return
                    (far if ready is near else near).sendall(data)

    with bare(talk) as opened:
        yield opened
