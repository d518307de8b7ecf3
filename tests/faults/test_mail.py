"""F14–F23: what a relay may do to a mail on its way."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from campaigns.delivery.tables import Account
from campaigns.stakeholders.tables import Suppression

from ..connectors import relay
from ..connectors.conftest import certificate, server_tls
from .conftest import Post

__all__ = ["certificate", "server_tls"]
GREETING = b"220 relay.example\r\n"
LATER = (
    "421 4.3.2 going down", "450 4.2.1 later", "451 4.3.0 later", "452 4.3.1 full", "454 4.7.0 throttled",
)  # fmt: skip


def mail_to(running: relay.Relay) -> list[str]:
    return [str(one.rcpt_tos[0]) for one in running.messages]


@pytest.mark.parametrize("step", ["EHLO", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("said", LATER)
def test_f14_what_is_put_off_at_any_command_goes_later_and_once(post: Post, step: str, said: str) -> None:
    """F14"""
    with relay.running(steps={step: said}) as running:
        post.mail(running.port)
        message_id = post.sent()
        assert post.state(message_id) == "deferred" and not running.messages
        running.steps.clear()
        post.later(hours=5)
        post.later(hours=5)
        assert post.state(message_id) == "sent" and mail_to(running) == ["ann@example.org"]


@pytest.mark.parametrize(
    ("said", "state", "suppressed"),
    [
        ("550 5.1.1 no such user", "bounced:address_gone", True),
        ("552 5.3.4 too large", "failed:content_refused", False),
        ("554 5.6.0 not like this", "failed:content_refused", False),
    ],
)
def test_f15_a_refusal_ends_in_the_state_that_its_code_means(
    post: Post, said: str, state: str, suppressed: bool
) -> None:
    """F15"""
    with relay.running(steps={"RCPT": said}) as running:
        post.mail(running.port)
        assert post.state(post.sent()) == state
    with post.world.database.read() as session:
        assert (session.query(Suppression).count() == 1) is suppressed


def test_f15_a_refusal_of_the_sender_stops_the_account_and_blames_nobody(post: Post) -> None:
    """F15: 5.7.515 is about who sends, so nobody is suppressed and nothing fails."""
    with relay.running(steps={"RCPT": "550 5.7.515 sender not authenticated"}) as running:
        post.mail(running.port)
        message_id = post.sent("ann", "bob")
        assert set(post.world.states(message_id).values()) <= {"deferred", "queued"}
    assert post.account().state == "out_of_service"
    assert [name for name, _ in post.alarms] == ["account_out_of_service"]
    with post.world.database.read() as session:
        assert session.query(Suppression).count() == 0


def test_f15_a_recipient_who_takes_nothing_from_outside_stops_nobody_else(post: Post) -> None:
    """F15: 5.7.1 of one recipient fails that row; the account stays, and nobody is suppressed."""
    with relay.running(steps={"RCPT": "550 5.7.1 not from outside"}) as running:
        post.mail(running.port)
        message_id = post.sent("ann", "bob")
    assert set(post.world.states(message_id).values()) == {"failed:content_refused"}
    assert post.account().state == "active" and post.alarms == []
    with post.world.database.read() as session:
        assert session.query(Suppression).count() == 0


def test_f16_a_connection_lost_after_the_final_dot_leaves_it_unknown_and_held(post: Post) -> None:
    """F16"""
    with relay.running(steps={"DATA": "drop"}) as running:
        post.mail(running.port)
        message_id = post.sent()
        running.steps.clear()
        post.later(hours=5)
        assert post.state(message_id) == "unknown" and mail_to(running) == ["ann@example.org"]


def test_f17_a_connection_lost_before_the_final_dot_is_made_anew_and_it_goes_once(post: Post) -> None:
    """F17"""
    with relay.running(steps={"RCPT": "drop"}) as running:
        post.mail(running.port)
        message_id = post.sent()
        assert post.state(message_id) == "deferred"
        running.steps.clear()
        post.later(hours=5)
        assert post.state(message_id) == "sent" and mail_to(running) == ["ann@example.org"]


def test_f17_a_connection_lost_in_the_middle_of_the_body_is_no_doubt(post: Post) -> None:
    """F17: the dot has not been handed to the kernel."""
    with relay.bare(_hangs_up_in_the_body, narrow=True) as port:
        post.mail(port)
        message_id = post.sent(text="نص طويل. " * 6_000)
    assert post.state(message_id) == "deferred"
    with relay.running() as running:
        post.mail(running.port)
        post.later(hours=5)
        assert post.state(message_id) == "sent" and len(running.messages) == 1


def _hangs_up_in_the_body(line: socket.socket) -> None:
    line.sendall(GREETING)
    while (asked := line.recv(4096)) and not asked.upper().startswith(b"DATA"):
        line.sendall(b"250 ok\r\n")
    line.sendall(b"354 go on\r\n")
    line.recv(1000)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # closing resets


def test_f18_a_reply_that_never_comes_is_unknown_and_the_worker_goes_on(post: Post) -> None:
    """F18"""
    with relay.running() as running:
        running.once["ann@example.org"] = ("DATA", "wait")
        post.mail(running.port, deadline_s=0.5)
        message_id = post.sent("ann", "bob")
        assert post.world.states(message_id) == {"ann": "unknown", "bob": "sent"}


@pytest.mark.parametrize("slow", ["banner", "reply"])
def test_f19_a_server_that_says_a_letter_at_a_time_meets_one_deadline_for_all(post: Post, slow: str) -> None:
    """F19"""

    def talk(line: socket.socket) -> None:
        if slow == "reply":
            line.sendall(GREETING)
            line.recv(1000)
        for letter in b"220-" + b"x" * 1000:
            line.sendall(bytes([letter]))
            time.sleep(0.05)

    with relay.bare(talk) as port:
        post.mail(port, deadline_s=0.5)
        assert post.state(post.sent()) == "deferred"


def test_f20_a_kept_connection_that_the_relay_has_closed_is_replaced_before_any_body(post: Post) -> None:
    """F20"""
    taken: list[bytes] = []
    with relay.bare(lambda line: _takes_one(line, taken)) as port:
        post.mail(port)
        first = post.sent("ann")
        second = post.sent("bob")
        assert (post.state(first), post.state(second)) == ("sent", "sent")
    assert len(taken) == 2 and b"To: bob" not in taken[0]


def _takes_one(line: socket.socket, taken: list[bytes]) -> None:
    line.sendall(GREETING)
    read = line.makefile("rb")
    while asked := read.readline():
        if asked.upper().startswith(b"DATA"):
            line.sendall(b"354 go on\r\n")
            taken.append(b"".join(iter(read.readline, b".\r\n")))
            line.sendall(b"250 2.0.0 taken\r\n")
            return
        line.sendall(b"250 ok\r\n")


def test_f21_greylisting_is_waited_out_without_an_alarm(post: Post) -> None:
    """F21"""
    with relay.running() as running:
        running.once["ann@example.org"] = ("RCPT", "450 4.7.1 greylisted, come back")
        post.mail(running.port)
        message_id = post.sent()
        assert post.state(message_id) == "deferred"
        post.later(minutes=6)
        assert post.state(message_id) == "sent" and len(running.messages) == 1 and not post.alarms


def test_f22_where_tls_is_required_and_not_offered_no_byte_of_the_login_goes_out(post: Post) -> None:
    """F22"""
    heard: list[bytes] = []
    with relay.bare(lambda line: _listens(line, heard, b"250-relay\r\n250 AUTH PLAIN LOGIN\r\n")) as port:
        post.mail(port, {"password": "cyfrinach"}, security="starttls", username="dolen")
        assert post.state(post.sent()) in ("deferred", "queued")
    assert heard and not any(b"AUTH" in one or b"MAIL" in one for one in heard)


def _listens(line: socket.socket, heard: list[bytes], offers: bytes) -> None:
    line.sendall(GREETING)
    while asked := line.recv(4096):
        heard.append(asked.upper())
        line.sendall(offers if asked.upper().startswith(b"EHLO") else b"250 ok\r\n")


def _old(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("ALL:@SECLEVEL=0")


@pytest.mark.parametrize(
    "change", [lambda context: None, _old], ids=["not signed by anybody known", "TLS 1.0 only"]
)
def test_f22_a_relay_that_cannot_be_trusted_gets_no_login_and_no_mail(
    post: Post, server_tls: ssl.SSLContext, change: Callable[[ssl.SSLContext], None]
) -> None:
    """F22"""
    change(server_tls)
    with relay.running(tls=server_tls, login=True) as running:
        post.mail(running.port, {"password": "cyfrinach ✓"}, security="starttls", username="môn")
        assert post.state(post.sent()) in ("deferred", "queued")
        assert not running.logins and not running.messages


def test_f22_a_certificate_for_another_name_is_refused(
    post: Post, server_tls: ssl.SSLContext, certificate: Path
) -> None:
    """F22: `localhost` reaches the relay, whose certificate is for 127.0.0.1."""
    with relay.running(tls=server_tls, login=True) as running:
        secrets, chosen = {"password": "cyfrinach ✓"}, {"username": "môn", "ca_file": str(certificate)}
        post.mail(running.port, secrets, security="starttls", host="localhost", **chosen)
        assert post.state(post.sent()) in ("deferred", "queued") and not running.logins
        post.mail(running.port, secrets, security="starttls", **chosen)
        _in_service(post)
        post.later(hours=5)
        assert len(running.messages) == 1


def _in_service(post: Post) -> None:
    with post.world.database.write() as session:
        account = session.get_one(Account, post.world.account_id)
        account.state, account.not_before_at = "active", None


def test_f23_an_answer_slipped_in_before_tls_is_thrown_away_with_the_connection(post: Post) -> None:
    """F23"""
    heard: list[bytes] = []

    def talk(line: socket.socket) -> None:
        line.sendall(GREETING)
        line.recv(4096)
        line.sendall(b"250-relay\r\n250 STARTTLS\r\n")
        line.recv(4096)
        line.sendall(b"220 go on\r\n250-relay\r\n250 AUTH PLAIN\r\n235 you are in\r\n")
        heard.append(line.recv(4096))

    with relay.bare(talk) as port:
        post.mail(port, {"password": "cyfrinach"}, security="starttls", username="dolen")
        assert post.state(post.sent()) in ("deferred", "queued")
    assert not any(b"AUTH" in one for one in heard)
