"""Mail over real SMTP: what each failure at each step means, and that one letter is one message."""

from __future__ import annotations

import socket
import ssl
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import Envelope
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import mail, registry
from connectors.api import (
    AccountGone,
    AddressGone,
    BadSettings,
    Blind,
    Connector,
    ConnectorError,
    Deferred,
    Outbound,
    Receipt,
    Refused,
    Uncertain,
)
from connectors.smtp.replies import refusal
from connectors.testing import FarRepeats, OutboundContract, RepeatContract

from .relay import Relay, bare, closed_port, running
from .test_mail_build import LETTER, anything, body, lines, one_line, parsed

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")
PASSWORD = {"password": "cyfrinach ✓"}


def account(port: int, secrets: dict[str, str] | None = None, **values: Any) -> Connector:
    told = {"host": "127.0.0.1", "port": port, "security": "off", "deadline_s": 5, **values}
    return registry.connect("smtp", told, secrets or {})


def failure(port: int, **values: Any) -> ConnectorError:
    """How sending one letter fails."""
    with pytest.raises(ConnectorError) as caught:
        account(port, **values).send(LETTER)
    return caught.value


def test_a_letter_arrives_once_as_it_was_built() -> None:
    """DC2"""
    with running() as relay:
        receipt = account(relay.port).send(LETTER)
    assert receipt == Receipt(provider_id=LETTER.message_id, words="2.0.0 queued as 1A2B")
    assert [one.content for one in relay.messages] == [mail.build(LETTER)]
    assert relay.messages[0].mail_from == LETTER.sender
    assert relay.messages[0].rcpt_tos == [LETTER.to]


def test_bounces_are_asked_to_the_address_of_this_delivery() -> None:
    with running() as relay:
        account(relay.port).send(replace(LETTER, options={"envelope_from": "bounces+abc@post.example"}))
    assert relay.messages[0].mail_from == "bounces+abc@post.example"


def test_any_words_are_exactly_one_message() -> None:
    """M13: leading dots, lone CR or LF and anything else in a text never end or split a message."""
    with running() as relay:
        connector = account(relay.port)

        @given(
            subject=one_line,
            text=anything | st.lists(st.sampled_from([".", "\r", "\n", "\r\n.\r\n", "QUIT"])).map("".join),
        )
        @settings(max_examples=60, deadline=None)
        def one_each(subject: str, text: str) -> None:
            before = len(relay.messages)
            connector.send(replace(LETTER, subject=subject, text=text or "x"))
            assert len(relay.messages) == before + 1
            content = relay.messages[-1].content
            assert isinstance(content, bytes)
            assert lines(body(parsed(content), "plain")) == lines(text or "x")
            assert str(parsed(content)["Subject"] or "") == subject

        one_each()
        connector.close()
    assert relay.connections == 1


# --- how far it got
@pytest.mark.parametrize("step", ["EHLO", "MAIL", "RCPT"])
def test_a_connection_lost_before_the_body_is_safe_to_repeat(step: str) -> None:
    """F17"""
    with running(steps={step: "drop"}) as relay:
        lost = failure(relay.port)
    assert isinstance(lost, Deferred) and lost.code == "disconnected" and not relay.messages


def test_a_connection_lost_in_the_body_is_safe_to_repeat() -> None:
    """F17: the body is larger than what the kernel buffers, so the loss is seen before the dot."""
    talk = scripted(b"220 x\r\n", b"250 x\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n")
    with bare(talk) as port, pytest.raises(Deferred) as lost:
        account(port).send(replace(LETTER, text="x" * 20_000_000))
    assert (lost.value.phase, lost.value.code) == ("body", "disconnected")


def test_a_connection_lost_after_the_final_dot_is_uncertain() -> None:
    """F16"""
    with running(steps={"DATA": "drop"}) as relay:
        lost = failure(relay.port)
    assert isinstance(lost, Uncertain) and lost.phase == "final" and len(relay.messages) == 1


def test_an_answer_to_the_dot_that_nobody_understands_is_uncertain() -> None:
    with bare(
        scripted(b"220 x\r\n", b"250 x\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n", b"OK!\r\n")
    ) as port:
        assert isinstance(failure(port), Uncertain)


def test_no_answer_to_the_dot_until_the_deadline_is_uncertain() -> None:
    """F18"""
    with running(steps={"DATA": "wait"}) as relay:
        lost = failure(relay.port, deadline_s=1.5)
    assert isinstance(lost, Uncertain) and lost.code == "timeout"


@pytest.mark.parametrize("step", ["EHLO", "MAIL", "RCPT"])
def test_no_answer_before_the_body_until_the_deadline_is_safe_to_repeat(step: str) -> None:
    """F18"""
    with running(steps={step: "wait"}) as relay:
        lost = failure(relay.port, deadline_s=0.3)
    assert isinstance(lost, Deferred) and lost.code == "timeout"


def test_the_deadline_is_for_the_whole_and_not_for_each_read() -> None:
    """F19: a byte every 20 ms never lets a single read time out, and would take a minute."""

    def drip(connection: socket.socket) -> None:
        for byte in b"220 " + b"x" * 3000:
            connection.sendall(bytes([byte]))
            threading.Event().wait(0.02)

    with bare(drip) as port:
        lost = failure(port, deadline_s=0.3)
    assert isinstance(lost, Deferred) and (lost.code, lost.scope) == ("timeout", "account")


def test_nobody_listening_slows_the_account() -> None:
    lost = failure(closed_port())
    assert isinstance(lost, Deferred) and (lost.phase, lost.scope) == ("connect", "account")


def test_a_name_that_does_not_exist_slows_the_account() -> None:
    lost = failure(25, host="no-such-host.invalid")
    assert isinstance(lost, Deferred) and lost.scope == "account"


def test_a_look_up_without_end_is_cut_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: released.wait(30))
    lost = failure(25, host="slow.example", deadline_s=0.2)
    released.set()
    assert isinstance(lost, Deferred) and (lost.phase, lost.code) == ("connect", "timeout")


def test_a_host_that_no_name_can_be_slows_the_account() -> None:
    lost = failure(25, host="x" * 80 + ".example")
    assert isinstance(lost, Deferred) and lost.scope == "account"


def test_a_server_that_is_no_mail_server_takes_nothing() -> None:
    with bare(scripted(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        lost = failure(port)
    assert isinstance(lost, Deferred) and lost.scope == "account"


def test_a_reply_without_end_takes_nothing() -> None:
    with bare(scripted(b"220-x\r\n" * 10_000)) as port:
        assert isinstance(failure(port), Deferred)


# --- what a reply means
@pytest.mark.parametrize("step", ["EHLO", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize(
    "reply, scope",
    [
        ("421 4.3.2 closing", "account"),
        ("454 4.7.0 throttled", "account"),
        ("450 4.2.0 busy", "delivery"),
        ("451 4.7.1 greylisted, try again", "delivery"),
        ("452 4.3.1 full", "delivery"),
        ("451 4.7.28 unusual rate of mail from your domain", "domain"),
    ],
)
def test_not_now_is_deferred_with_its_scope(step: str, reply: str, scope: str) -> None:
    """F14"""
    with running(steps={step: reply}) as relay:
        lost = failure(relay.port)
    assert type(lost) is Deferred
    assert lost.scope == ("account" if step == "EHLO" else scope)
    assert lost.code.startswith(reply[:3]) and lost.words == reply[4:]


@pytest.mark.parametrize("step", ["RCPT", "DATA"])
@pytest.mark.parametrize(
    "reply, error",
    [
        ("550 5.1.1 no mailbox here by that name", AddressGone),
        ("550 5.1.10 null MX", AddressGone),
        ("553 5.1.3 bad syntax", AddressGone),
        ("550 No such user here", AddressGone),
        ("550 <sioned@example.org>: Recipient address rejected: User unknown in local table", AddressGone),
        ("550 5.7.515 access denied, the sending domain does not meet the required level", AccountGone),
        ("550 5.7.1 relaying denied", AccountGone),
        ("554 5.7.1 <sioned@example.org>: Relay access denied", AccountGone),
        ("550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain", AccountGone),
        ("550 5.7.60 client does not have permissions to send as this sender", AccountGone),
        ("550 5.7.1 <sioned@example.org>: Recipient address rejected: not from outside", Refused),
        ("550 5.7.133 only members of the group may write to it", Refused),
        ("554 5.7.1 this looks like spam", Refused),
        ("530 5.7.0 log in first", AccountGone),
        ("535 5.7.8 bad password", AccountGone),
        ("550 5.1.8 sender's domain not found", AccountGone),
        ("552 5.2.2 mailbox full", Refused),
        ("554 transaction failed", Refused),
        ("550 mailbox unavailable", Refused),
    ],
)
def test_a_refusal_says_whom_it_is_about(step: str, reply: str, error: type[ConnectorError]) -> None:
    """F15"""
    with running(steps={step: reply}) as relay:
        lost = failure(relay.port)
    assert type(lost) is error
    assert lost.words == reply[4:]


@pytest.mark.parametrize(("step", "error"), [("RCPT", AccountGone), ("DATA", Refused)])
def test_what_a_filter_says_of_a_text_is_not_about_the_account(
    step: str, error: type[ConnectorError]
) -> None:
    with running(steps={step: "554 5.7.0 not accepted"}) as relay:
        assert type(failure(relay.port)) is error


@pytest.mark.parametrize("code", ["550 5.1.1 unknown", "550 5.7.1 not yours"])
def test_a_refusal_at_mail_is_about_the_sender_never_about_the_address(code: str) -> None:
    with running(steps={"MAIL": code}) as relay:
        assert type(failure(relay.port)) is AccountGone


def test_a_refusal_of_the_whole_connection_is_about_the_account() -> None:
    with bare(scripted(b"554 5.1.1 we do not know you\r\n")) as port:
        assert type(failure(port)) is AccountGone


@given(
    phase=st.sampled_from(["greeting", "mail", "rcpt", "final"]), code=st.integers(0, 999), words=st.text()
)
def test_every_reply_means_something(phase: str, code: int, words: str) -> None:
    assert isinstance(refusal(phase, code, words), Deferred | Refused | AccountGone)


def test_an_older_server_is_greeted_the_old_way() -> None:
    replies = (
        b"220 x\r\n",
        b"502 what?\r\n",
        b"250 x\r\n",
        b"250 ok\r\n",
        b"250 ok\r\n",
        b"354 go\r\n",
        b"250 ok\r\n",
    )
    with bare(scripted(*replies)) as port:
        assert account(port).send(LETTER).words == "ok"


# --- the kept connection
def test_a_connection_is_kept_from_mail_to_mail_whoever_sends() -> None:
    with running() as relay:
        connector = account(relay.port)
        for _ in range(3):
            connector.send(LETTER)
        thread = threading.Thread(target=connector.send, args=(LETTER,))
        thread.start()
        thread.join()
        connector.close()
    assert (relay.connections, len(relay.messages)) == (1, 4)


def test_a_refused_letter_does_not_spoil_the_connection_for_the_next() -> None:
    with running(steps={"RCPT": "550 5.1.1 nobody"}) as relay:
        connector = account(relay.port)
        with pytest.raises(AddressGone):
            connector.send(LETTER)
        relay.steps.clear()
        connector.send(LETTER)
        connector.close()
    assert (relay.connections, len(relay.messages)) == (1, 1)


def test_a_connection_the_server_closed_meanwhile_is_replaced_without_loss() -> None:
    """F20"""
    with running() as relay:
        connector = account(relay.port)
        connector.send(LETTER)
        relay.steps["MAIL"] = "421 4.4.2 idle for too long"
        with pytest.raises(Deferred):  # the fresh connection is told the same
            connector.send(LETTER)
        relay.steps["MAIL"] = "drop"
        with pytest.raises(Deferred):
            connector.send(LETTER)
        relay.steps.clear()
        connector.send(LETTER)
        connector.close()
    assert len(relay.messages) == 2


def test_a_dead_kept_connection_costs_the_letter_nothing() -> None:
    """F20: the server closes after each mail; every letter still goes, once."""
    one = scripted(b"220 x\r\n", b"250 x\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n", b"250 taken\r\n")
    with bare(one) as port:
        connector = account(port)
        assert [connector.send(LETTER).words for _ in range(3)] == ["taken"] * 3


# --- encryption and login
@pytest.mark.parametrize("security", ["tls", "starttls", "opportunistic"])
def test_mail_goes_encrypted_where_the_certificate_is_trusted(
    security: str, certificate: Path, server_tls: ssl.SSLContext
) -> None:
    with running(tls=server_tls, implicit=security == "tls") as relay:
        connector = account(relay.port, security=security, ca_file=str(certificate))
        connector.verify()
        connector.send(LETTER)
        connector.close()
    assert len(relay.messages) == 1


@pytest.mark.parametrize("security", ["tls", "starttls", "opportunistic"])
def test_a_certificate_nobody_vouches_for_stops_the_sending(
    security: str, server_tls: ssl.SSLContext
) -> None:
    with running(tls=server_tls, implicit=security == "tls") as relay:
        lost = failure(relay.port, security=security)
    assert isinstance(lost, Deferred) and (lost.code, lost.scope) == ("certificate", "account")
    assert not relay.messages


def test_a_relay_without_starttls_is_used_only_where_that_is_allowed() -> None:
    with running() as relay:
        lost = failure(relay.port, security="starttls")
        account(relay.port, security="opportunistic").send(LETTER)
    assert isinstance(lost, Deferred) and lost.code == "tls"
    assert len(relay.messages) == 1


def test_what_a_stranger_slips_in_before_tls_is_thrown_away(
    certificate: Path, server_tls: ssl.SSLContext
) -> None:
    """CVE-2011-0411"""

    def inject(connection: socket.socket) -> None:
        connection.sendall(b"220 x\r\n")
        connection.recv(1000)
        connection.sendall(b"250-x\r\n250 STARTTLS\r\n")
        connection.recv(1000)
        connection.sendall(b"220 go\r\n250-forged\r\n250 AUTH PLAIN\r\n")
        with server_tls.wrap_socket(connection, server_side=True) as inside:
            inside.recv(1000)
            inside.sendall(b"250-x\r\n250 SIZE\r\n")
            inside.recv(1000)

    with bare(inject) as port:
        lost = failure(port, security="starttls", ca_file=str(certificate))
    assert isinstance(lost, Deferred) and (lost.phase, lost.code) == ("mail", "disconnected")


@pytest.mark.parametrize("exclude, used", [((), "PLAIN"), (("PLAIN",), "LOGIN")])
def test_a_login_outside_ascii_is_accepted_by_plain_and_by_login(exclude: tuple[str, ...], used: str) -> None:
    with running(login=True, exclude=exclude) as relay:
        connector = account(relay.port, PASSWORD, username="môn")
        connector.verify()
        connector.send(LETTER)
        connector.close()
    assert relay.logins == [used, used] and len(relay.messages) == 1


@pytest.mark.parametrize(
    "replies, refused",
    [
        ((b"235 2.7.0 welcome\r\n",), ""),
        ((b"334 eyJzdGF0dXMiOiI0MDAifQ==\r\n", b"535 5.7.8 expired\r\n"), "535 5.7.8"),
    ],
)
def test_a_token_logs_in_by_xoauth2_and_an_expired_one_is_the_accounts_trouble(
    replies: tuple[bytes, ...], refused: str
) -> None:
    heard: list[bytes] = []
    with bare(scripted(b"220 x\r\n", b"250-x\r\n250 AUTH PLAIN XOAUTH2\r\n", *replies, heard=heard)) as port:
        connector = account(port, {**PASSWORD, "access_token": "ya29.abc"}, username="môn@ynys.example")
        if refused:
            with pytest.raises(AccountGone) as lost:
                connector.verify()
            assert lost.value.code == refused and heard[2] == b"\r\n"
        else:
            connector.verify()
    asked = heard[1].decode().split()
    assert asked[:2] == ["AUTH", "XOAUTH2"]
    assert b64decode(asked[2]).decode() == "user=môn@ynys.example\1auth=Bearer ya29.abc\1\1"


def test_a_wrong_password_is_the_accounts_trouble_and_is_never_shown() -> None:
    with running(login=True) as relay, pytest.raises(AccountGone) as lost:
        account(relay.port, {"password": "anghywir"}, username="môn").verify()
    assert (lost.value.phase, lost.value.code[:3]) == ("auth", "535")
    assert "anghywir" not in str(lost.value)


def test_a_relay_that_wants_no_login_is_not_given_one() -> None:
    with running(exclude=("PLAIN", "LOGIN")) as relay, pytest.raises(AccountGone, match="offers neither"):
        account(relay.port, PASSWORD, username="môn").verify()


def test_a_password_never_leaves_this_machine_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def nearby(host: str, *args: Any, **kwargs: Any) -> Any:
        return real("127.0.0.1", *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", nearby)
    with running(login=True) as relay, pytest.raises(AccountGone, match="without encryption"):
        account(relay.port, PASSWORD, host="relay.example", username="môn").verify()
    assert relay.logins == []


# --- addresses outside ASCII
def test_an_address_outside_ascii_goes_by_a_relay_that_takes_it() -> None:
    """M18"""
    letter = replace(LETTER, to="siôn@bücher.example")
    with running(utf8=True) as relay:
        account(relay.port).send(letter)
    envelope = relay.messages[0]
    assert envelope.rcpt_tos == ["siôn@xn--bcher-kva.example"]
    assert "SMTPUTF8" in envelope.mail_options
    assert (
        isinstance(envelope.content, bytes) and "To: siôn@xn--bcher-kva.example" in envelope.content.decode()
    )


def test_an_address_outside_ascii_is_refused_by_name_where_the_relay_cannot() -> None:
    """M18"""
    with running() as relay, pytest.raises(Refused) as lost:
        account(relay.port).send(replace(LETTER, to="siôn@example.org"))
    assert lost.value.code == "needs_eai" and not relay.messages


def test_settings_that_make_no_sense_are_named() -> None:
    wrong: dict[str, Any] = {
        "host": "a b",
        "security": "ssl3",
        "imap_security": "opportunistic",
        "port": 70_000,
        "imap_port": -1,
        "deadline_s": 0,
        "in_flight": 33,
        "helo_name": "x\r\nMAIL FROM:<y>",
        "imap_folder": "a\nb",
    }
    with pytest.raises(BadSettings) as caught:
        registry.connect("smtp", wrong, {})
    assert set(caught.value.problems) == set(wrong)
    with pytest.raises(BadSettings, match="ca_file cannot be read"):
        account(25, ca_file="no/such/file.pem")


def test_the_connector_says_what_it_is() -> None:
    connector = account(25)
    assert (connector.name, connector.channel, connector.broadcast) == ("smtp", "email", False)
    assert connector.repeats == Blind() and connector.limits.html
    assert connector.find is None and connector.poll is None


# --- the contract of every connector
class FarRelay(FarRepeats):
    """The relay's side: it asks for a login and knows its letters by their Message-ID."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._keys: dict[str, str] = {}

    def connector(self) -> Connector:
        return account(self._relay.port, PASSWORD, username="môn")

    def unreachable(self) -> Connector:
        return account(closed_port())

    def outbound(self, n: int, text: str = "Hello") -> Outbound:
        outbound = replace(
            LETTER,
            key=f"dlv-{n}",
            message_id=f"<dlv-{n}@x.example>",
            to=f"p{n}@example.org",
            text=text,
            html="",
        )
        self._keys[outbound.message_id] = outbound.key
        return outbound

    def accepted(self) -> list[str]:
        return [self._keys[taken(one)["Message-ID"]] for one in self._relay.messages]

    def text(self, key: str) -> str:
        found = [one for one in self._relay.messages if self._keys[taken(one)["Message-ID"]] == key]
        return lines(body(taken(found[0]), "plain")).removesuffix("\n")

    def troubles(self) -> Mapping[type[ConnectorError], Callable[[int], Outbound]]:
        return {
            Deferred: partial(self._told, "RCPT", "450 4.2.1 busy"),
            AddressGone: partial(self._told, "RCPT", "550 5.1.1 unknown"),
            Refused: partial(self._told, "DATA", "552 5.3.4 too large"),
            AccountGone: partial(self._told, "RCPT", "550 5.7.515 not authenticated"),
            Uncertain: partial(self._told, "DATA", "drop"),
        }

    def secrets(self) -> list[str]:
        return [*PASSWORD.values()]

    def unanswered(self, n: int) -> Outbound:
        return self._told("DATA", "drop", n)

    def lost(self, n: int) -> Outbound:
        return self._told("DATA", "lose", n)

    def pass_time(self, seconds: float) -> None:
        """A relay keeps nothing that could age."""

    def _told(self, step: str, reply: str, n: int) -> Outbound:
        outbound = self.outbound(n)
        self._relay.once[outbound.to] = (step, reply)
        return outbound


class TestContract(OutboundContract, RepeatContract):
    """SMTP keeps the promises of every connector, whether or not commands may travel together."""

    @pytest.fixture(params=[False, True], ids=["lock-step", "pipelining"])
    def far(self, request: pytest.FixtureRequest) -> Iterator[FarRelay]:
        with running(login=True, pipelining=request.param) as relay:
            yield FarRelay(relay)


def taken(envelope: Envelope) -> EmailMessage:
    assert isinstance(envelope.content, bytes)
    return parsed(envelope.content)


def scripted(*replies: bytes, heard: list[bytes] | None = None) -> Callable[[socket.socket], None]:
    """A server that says its replies in turn, each after it has heard something, and then hangs up."""
    all_heard = [] if heard is None else heard

    def talk(connection: socket.socket) -> None:
        connection.sendall(replies[0])
        for at, reply in enumerate(replies[1:], 1):
            end = b"\r\n.\r\n" if replies[at - 1].startswith(b"354") else b"\r\n"
            data = b""
            while not data.endswith(end):
                more = connection.recv(65536)
                if not more:
                    return
                data += more
            all_heard.append(data)
            connection.sendall(reply)

    return talk
