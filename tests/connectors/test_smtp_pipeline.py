"""Many mails over many connections: whatever a server does, each mail gets one answer, and a true one."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from math import inf
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import mail, registry
from connectors.api import (
    AccountGone,
    AddressGone,
    Connector,
    ConnectorError,
    Deferred,
    Outbound,
    Receipt,
    Refused,
    Uncertain,
    running,
)
from connectors.smtp.letters import Letter, make
from connectors.smtp.pipe import Answer, Pipe
from connectors.smtp.send import KEPT_S
from connectors.smtp.session import Session
from connectors.smtp.wire import Deadline

from .hostile import BOTH, BYTES, DROP, TWICE, WAIT, Act, Book, Hostile, listening
from .relay import bare, closed_port
from .test_mail_build import LETTER

Answers = dict[str, Receipt | ConnectorError]
LOCKSTEP = ("SIZE",)


def letter(n: int, text: str = "Annwyl bawb") -> Outbound:
    return replace(
        LETTER,
        key=f"mail-{n}",
        to=f"p{n}@example.org",
        message_id=f"<mail-{n}@x.example>",
        options={"envelope_from": f"mail-{n}@bounces.example"},
        text=text,
        html="",
    )


def account(port: int, **values: Any) -> Connector:
    told = {"host": "127.0.0.1", "port": port, "security": "off", "deadline_s": 10, **values}
    return registry.connect("smtp", told, {})


def sent(connector: Connector, letters: list[Outbound]) -> Answers:
    """Every answer; each came once, and no letter was pulled early."""
    assert connector.send_many is not None
    most = 2 * connector.limits.in_flight
    answers: Answers = {}
    pulled: list[str] = []

    def lazily() -> Iterator[Outbound]:
        for each in letters:
            assert len(pulled) - len(answers) <= most
            pulled.append(each.key)
            yield each

    for key, answer in connector.send_many(lazily()):
        assert key not in answers and key in pulled
        answers[key] = answer
    assert sorted(answers) == sorted(each.key for each in letters)
    return answers


def talk(server: Hostile, letters: list[Outbound], **values: Any) -> Answers:
    with listening(server) as port:
        connector = account(port, **values)
        answers = sent(connector, letters)
        connector.close()
    compare(server.book, answers, letters)
    return answers


def compare(book: Book, answers: Answers, letters: list[Outbound]) -> None:
    """Hold the client's answers against the server's book."""
    raw = {each.key: mail.build(each) for each in letters}
    for key, answer in answers.items():
        assert book.accepted[key] <= 1
        assert key not in book.contents or book.contents[key] == raw[key]
        if isinstance(answer, Receipt):
            assert book.accepted[key] == 1
        elif isinstance(answer, Uncertain):
            assert key in book.invited
        else:
            assert book.accepted[key] == 0


# --- any server
keys = st.integers(0, 7).map(lambda n: f"mail-{n}")
replies = st.sampled_from(
    ["", "250 fine", "251 elsewhere", "354 go", "421 4.3.2 closing", "450 4.2.0 busy", "452 4.3.1 full"]
    + ["550 5.1.1 nobody", "550 5.7.1 not you", "552 5.3.4 too much", "HTTP/1.1 200 OK", "220-a\r\n220 b"]
    + ["199 what", "999 how", "250-two\r\n250 lines", "554", "-"]
)
acts = st.builds(Act, st.sampled_from(["", "", DROP, BOTH, TWICE, BYTES]), replies, st.booleans())
steps = st.sampled_from(["mail", "rcpt", "data", "body", "final"])


@given(
    script=st.dictionaries(st.tuples(keys, steps), acts, max_size=8),
    count=st.integers(1, 8),
    size=st.sampled_from([10, 10, 150_000]),
    in_flight=st.integers(1, 3),
    features=st.sampled_from([("PIPELINING", "SIZE"), LOCKSTEP]),
    mails_each=st.sampled_from([1, 2, 1000]),
    connections_most=st.sampled_from([1, 2, 1000]),
)
@settings(max_examples=150, deadline=None)
def test_whatever_a_server_does_each_mail_gets_one_true_answer(
    script: dict[tuple[str, str], Act],
    count: int,
    size: int,
    in_flight: int,
    features: tuple[str, ...],
    mails_each: int,
    connections_most: int,
) -> None:
    """F14 to F17, F20: accepted is Receipt or Uncertain, refused is neither, and nothing is taken twice."""
    server = Hostile(script, features=features, mails_each=mails_each, connections_most=connections_most)
    talk(server, [letter(n, "x\n" * (size // 2)) for n in range(count)], in_flight=in_flight)


# --- one server after another
GOOD = [letter(n) for n in range(6)]


def test_a_mail_and_the_envelope_of_the_next_travel_together() -> None:
    """The server answers the dot only when it has the next DATA: whoever waits for the reply first never gets it."""

    def patient(sock: socket.socket) -> None:
        sock.sendall(b"220 x\r\n")
        sock.recv(1000)
        sock.sendall(b"250-x\r\n250 PIPELINING\r\n")
        heard(sock, b"DATA\r\n")
        sock.sendall(b"250 ok\r\n250 ok\r\n354 go\r\n")
        heard(sock, b"\r\n.\r\n", b"DATA\r\n")
        sock.sendall(b"250 taken\r\n250 ok\r\n250 ok\r\n354 go\r\n")
        heard(sock, b"\r\n.\r\n")
        sock.sendall(b"250 taken\r\n")

    with bare(patient) as port:
        answers = sent(account(port, in_flight=1, deadline_s=3), GOOD[:2])
    assert all(isinstance(each, Receipt) for each in answers.values())


@pytest.mark.parametrize("features, ahead", [(("PIPELINING",), True), (("SIZE",), False)])
def test_without_pipelining_every_command_waits_for_its_reply(features: tuple[str, ...], ahead: bool) -> None:
    server = Hostile({}, features=features)
    answers = talk(server, GOOD, in_flight=1)
    assert receipts(answers) == len(GOOD) and (server.book.ahead > 0) == ahead


@pytest.mark.parametrize("features", [("PIPELINING",), LOCKSTEP])
@pytest.mark.parametrize("step", ["mail", "rcpt", "data", "final"])
@pytest.mark.parametrize(
    "reply, error",
    [
        ("450 4.2.0 busy", Deferred),
        ("452 4.3.1 full", Deferred),
        ("554 5.6.0 no", Refused),
        ("552 5.3.4 large", Refused),
    ]
    + [("550 5.7.515 not you", AccountGone), ("550 5.1.8 not you", AccountGone)],
)
def test_a_refusal_in_a_group_is_about_its_own_mail_and_keeps_the_connection(
    features: tuple[str, ...], step: str, reply: str, error: type[ConnectorError]
) -> None:
    """F14, F15"""
    server = Hostile({("mail-2", step): Act(reply=reply)}, features=features)
    answers = talk(server, GOOD, in_flight=1)
    assert type(answers["mail-2"]) is error and answers["mail-2"].words == reply[4:]
    assert receipts(answers) == len(GOOD) - 1 and server.book.connections == 1


def test_a_body_that_is_asked_for_after_all_is_an_empty_one() -> None:
    """RFC 2920 3.1: the recipient is refused and DATA is not."""
    server = Hostile(
        {("mail-2", "rcpt"): Act(reply="550 5.1.1 nobody"), ("mail-2", "data"): Act(reply="354 go")}
    )
    answers = talk(server, GOOD, in_flight=1)
    assert type(answers["mail-2"]) is AddressGone
    assert receipts(answers) == len(GOOD) - 1 and server.book.connections == 1


def test_a_server_that_refuses_the_sender_and_takes_the_rest_gets_no_empty_mail() -> None:
    taken = {("mail-2", "rcpt"): Act(reply="250 fine"), ("mail-2", "data"): Act(reply="354 go")}
    server = Hostile({("mail-2", "mail"): Act(reply="550 5.7.1 not you"), **taken})
    answers = talk(server, GOOD, in_flight=1)
    assert type(answers["mail-2"]) is AccountGone and receipts(answers) == len(GOOD) - 1
    assert server.book.connections == 2


def test_an_answer_before_its_question_ends_the_connection() -> None:
    """The first mail is taken whole; of the envelope behind it nothing has left, and yet it is answered."""
    first, second = (make(each, end=inf) for each in GOOD[:2])
    wire = Thin(heard=[b"250 ok\r\n250 ok\r\n354 go\r\n", b"250 taken\r\n250 ok\r\n250 ok\r\n354 go\r\n"])
    pipe = wire.piped()
    pipe.go_on(first)
    pipe.hear()
    wire.room = len(first.raw) + len(b".\r\n")
    pipe.go_on(second)
    pipe.hear()
    assert wire.told == [("mail-0", Receipt(first.message_id, "taken"))] and wire.again == [second]
    assert not pipe.open


def test_a_second_answer_to_one_command_ends_the_connection() -> None:
    """Taken for the answer to the next command, it would shift all that follow."""
    wire = Thin(heard=[b"250 ok\r\n250 ok\r\n"])
    pipe = wire.piped("SIZE")
    pipe.go_on(make(GOOD[0], end=inf))
    pipe.hear()
    assert not pipe.open and [type(answer) for _, answer in wire.told] == [Deferred]


def test_a_server_that_cannot_begin_anew_is_left_and_nobody_is_blamed() -> None:
    second = make(GOOD[1], end=inf)
    refused = b"250 ok\r\n550 5.1.1 nobody\r\n503 5.5.1 not now\r\n"
    wire = Thin(heard=[refused, b"502 5.5.1 what is RSET?\r\n"])
    pipe = wire.piped()
    pipe.go_on(make(GOOD[0], end=inf))
    pipe.hear()
    pipe.go_on(second)
    pipe.hear()
    assert not pipe.open and wire.again == [second]
    assert [(key, type(answer)) for key, answer in wire.told] == [("mail-0", AddressGone)]


@pytest.mark.parametrize("room", [10, -1])
@pytest.mark.parametrize(
    "reply, error",
    [
        (b"250 taken", Uncertain),
        (b"552 5.3.4 too large", Refused),
        (b"452 4.3.1 full", Deferred),
        (b"what?", Uncertain),
    ],
)
def test_an_answer_before_the_whole_dot_is_no_receipt(
    room: int, reply: bytes, error: type[ConnectorError]
) -> None:
    """A refusal is believed; thanks for what nobody can have are not."""
    first = make(GOOD[0], end=inf)
    wire = Thin(heard=[b"250 ok\r\n250 ok\r\n354 go\r\n", reply + b"\r\n"])
    pipe = wire.piped()
    pipe.go_on(first)
    pipe.hear()
    wire.room = room if room > 0 else len(first.raw) + len(b".\r\n") + room
    pipe.go_on(None)
    pipe.hear()
    assert [(key, type(answer)) for key, answer in wire.told] == [("mail-0", error)]
    assert not pipe.open


@pytest.mark.parametrize("gone, error", [(-1, Deferred), (0, Deferred), (1, Uncertain), (3, Uncertain)])
def test_doubt_begins_with_the_first_byte_of_the_final_dot(gone: int, error: type[ConnectorError]) -> None:
    """F16, F17: the kernel took so many bytes beyond the body, and then the connection was lost."""
    first = make(GOOD[0], end=inf)
    wire = Thin(heard=[b"250 ok\r\n250 ok\r\n354 go\r\n", b""])
    pipe = wire.piped()
    pipe.go_on(first)
    pipe.hear()
    wire.room = len(first.raw) + gone
    pipe.go_on(None)
    pipe.hear()
    assert [(key, type(answer)) for key, answer in wire.told] == [("mail-0", error)]


@pytest.mark.parametrize("features", [("PIPELINING",), LOCKSTEP])
@pytest.mark.parametrize("step", ["mail", "rcpt", "data"])
@pytest.mark.parametrize("act", [Act(how=DROP, once=True), Act(reply="421 4.3.2 closing", once=True)])
def test_a_mail_whose_body_has_not_begun_goes_over_another_connection(
    features: tuple[str, ...], step: str, act: Act
) -> None:
    """F14, F17, F20"""
    server = Hostile({("mail-3", step): act}, features=features)
    assert receipts(talk(server, GOOD, in_flight=1)) == len(GOOD)
    assert server.book.connections == 2


def test_a_fresh_connection_that_is_lost_is_not_tried_over_and_over() -> None:
    server = Hostile({("mail-0", "mail"): Act(how=DROP)})
    answers = talk(server, GOOD[:1])
    lost = answers["mail-0"]
    assert isinstance(lost, Deferred) and (lost.phase, lost.code) == ("mail", "disconnected")
    assert server.book.connections == 1


@pytest.mark.parametrize("how", [DROP, BOTH])
def test_a_connection_lost_at_the_dot_leaves_one_mail_in_doubt_and_no_other(how: str) -> None:
    """F16"""
    server = Hostile({("mail-2", "final"): Act(how=how)})
    answers = talk(server, GOOD, in_flight=1)
    assert type(answers["mail-2"]) is (Uncertain if how == DROP else Receipt)
    assert receipts(answers) == len(GOOD) - (how == DROP)


def test_what_is_said_before_the_body_has_ended_is_certain() -> None:
    """F17: the body is larger than what the kernel takes, so its dot is still here."""
    large = [letter(n, "x" * 20_000_000 if n == 2 else "x") for n in range(4)]
    for act, error in ((Act(how=DROP), Deferred), (Act(reply="552 5.3.4 too large", how=BOTH), Refused)):
        answers = talk(Hostile({("mail-2", "body"): act}), large, in_flight=1)
        assert type(answers["mail-2"]) in {error, Deferred} and receipts(answers) == 3


def test_a_server_that_ends_connections_after_some_mails_gets_all_of_them() -> None:
    """F20"""
    for mails_each in (1, 2, 3):
        server = Hostile({}, mails_each=mails_each)
        assert receipts(talk(server, [letter(n) for n in range(20)], in_flight=3)) == 20


def test_a_server_that_lets_one_connection_in_gets_all_by_that_one() -> None:
    """And is not asked again and again."""
    server = Hostile({}, connections_most=1)
    assert receipts(talk(server, [letter(n) for n in range(100)], in_flight=4)) == 100
    assert server.book.connections <= 4


def test_a_connection_that_never_greets_holds_up_nobody() -> None:
    """F19: the call ends with its letters, not with the connection that it no longer needs."""
    assert receipts(talk(Hostile({}, mute_from=2), GOOD, in_flight=4)) == len(GOOD)


def test_a_connection_that_falls_silent_holds_up_nobody_but_its_own_mail() -> None:
    """F18, F19"""
    server = Hostile({("mail-0", "rcpt"): Act(how=WAIT)})
    answers = talk(server, [letter(n) for n in range(20)], in_flight=2, deadline_s=1.5)
    lost = answers["mail-0"]
    assert isinstance(lost, Deferred) and (lost.phase, lost.code) == ("rcpt", "timeout")
    assert receipts(answers) == 19 and list(answers)[-1] == "mail-0"


def test_an_answer_to_the_dot_that_never_comes_is_in_doubt_at_the_deadline() -> None:
    """F18"""
    server = Hostile({("mail-0", "final"): Act(how=WAIT)})
    answers = talk(server, GOOD[:1], deadline_s=0.5)
    lost = answers["mail-0"]
    assert isinstance(lost, Uncertain) and lost.code == "timeout"


# --- whoever asks
def test_every_answer_is_told_before_the_next_letter_is_pulled() -> None:
    with listening(Hostile({}, features=LOCKSTEP)) as port:
        connector = account(port, in_flight=1)
        told: list[str] = []
        pulled: list[str] = []
        assert connector.send_many is not None

        def lazily() -> Iterator[Outbound]:
            for each in GOOD:
                assert told == pulled
                pulled.append(each.key)
                yield each

        told.extend(key for key, _ in connector.send_many(lazily()))
    assert told == pulled == [each.key for each in GOOD]


def test_connections_are_kept_from_call_to_call() -> None:
    server = Hostile({})
    with listening(server) as port:
        connector = account(port, in_flight=2)
        for _ in range(3):
            assert receipts(sent(connector, GOOD)) == len(GOOD)
        connector.close()
    assert server.book.connections <= 2


def test_a_deadline_comes_nearer_while_the_machine_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """F7: whoever took the mail over meanwhile must not find it sent a second time on waking."""
    tell, asleep_s = time.clock_gettime, 0.0
    monkeypatch.setattr(time, "clock_gettime", lambda which: tell(which) + asleep_s)
    deadline = Deadline(60.0)
    assert not deadline.over()
    asleep_s = 61.0
    assert deadline.over()
    with pytest.raises(TimeoutError):
        deadline.left()


def test_a_connection_that_said_nothing_for_long_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """F20: a firewall that forgot it would swallow the mail, and nobody would be told."""
    server = Hostile({})
    with listening(server) as port:
        connector = account(port, in_flight=1)
        sent(connector, GOOD[:1])
        later = running() + KEPT_S
        monkeypatch.setattr("connectors.smtp.send.running", lambda: later)
        sent(connector, GOOD[1:2])
        connector.close()
    assert server.book.connections == 2


def test_what_the_giver_of_letters_raises_comes_after_the_answers() -> None:
    with listening(Hostile({})) as port:
        connector, told = account(port, in_flight=3), []
        assert connector.send_many is not None

        def broken() -> Iterator[Outbound]:
            yield from GOOD
            raise LookupError("the database has gone")

        with pytest.raises(LookupError):
            for key, answer in connector.send_many(broken()):
                assert isinstance(answer, Receipt)
                told.append(key)
    assert sorted(told) == [each.key for each in GOOD]


def test_a_call_that_is_left_early_leaves_nothing_half_done_behind() -> None:
    server = Hostile({})
    with listening(server) as port:
        connector = account(port, in_flight=2)
        assert connector.send_many is not None
        for _ in connector.send_many(GOOD):
            break
        assert receipts(sent(connector, [letter(n) for n in range(10, 20)])) == 10
        connector.close()
    assert max(server.book.accepted.values()) == 1


def test_a_letter_that_cannot_be_made_is_answered_and_the_others_go() -> None:
    letters = [
        *GOOD[:2],
        replace(GOOD[2], to="not an address"),
        replace(GOOD[3], to="siôn@example.org"),
        *GOOD[4:],
    ]
    with listening(Hostile({})) as port:
        answers = sent(account(port, in_flight=2), letters)
    codes = [each.code for each in answers.values() if isinstance(each, Refused)]
    assert sorted(codes) == ["bad_address", "needs_eai"] and receipts(answers) == 4


def test_nobody_there_is_told_to_each_that_was_pulled() -> None:
    answers = sent(account(closed_port(), in_flight=3), GOOD)
    assert {(type(each), each.phase) for each in answers.values() if isinstance(each, Deferred)} == {
        (Deferred, "connect")
    }
    assert len(answers) == len(GOOD)


def test_two_calls_at_once_share_an_account() -> None:
    server = Hostile({})
    with listening(server) as port, ThreadPoolExecutor(4) as threads:
        connector = account(port, in_flight=2)
        calls = [[letter(10 * call + n) for n in range(10)] for call in range(4)]
        assert [receipts(each) for each in threads.map(partial(sent, connector), calls)] == [10] * 4
        connector.close()
    assert sum(server.book.accepted.values()) == 40


@pytest.mark.parametrize("size", [10, 400_000])
def test_mails_go_encrypted_as_well(size: int, certificate: Path, server_tls: ssl.SSLContext) -> None:
    server = Hostile({("mail-1", "rcpt"): Act(reply="550 5.1.1 nobody")}, tls=server_tls)
    letters = [letter(n, "x\n" * (size // 2)) for n in range(10)]
    answers = talk(server, letters, in_flight=2, security="tls", ca_file=str(certificate))
    assert receipts(answers) == 9 and type(answers["mail-1"]) is AddressGone


class Thin:
    """A wire, and its socket, that takes `room` bytes and hands out what is to be heard."""

    def __init__(self, heard: list[bytes]) -> None:
        self.sock, self.unread = self, bytearray()
        self.room = 1_000_000
        self.told: list[tuple[str, Answer]] = []
        self.again: list[Letter] = []
        self._heard = heard

    def piped(self, *features: str) -> Pipe:
        known = dict.fromkeys(features or ("PIPELINING",), "")
        pipe = Pipe(cast(Session, SimpleNamespace(wire=self, features=known)))
        pipe.lend(self.told.append, self.again.append)
        return pipe

    def send(self, data: bytes) -> int:
        taken = min(len(data), self.room)
        if not taken:
            raise BlockingIOError
        self.room -= taken
        return taken

    def recv(self, size: int) -> bytes:
        return self._heard.pop(0)

    def setblocking(self, flag: bool) -> None:
        assert not flag

    def fileno(self) -> int:
        return 0

    def close(self) -> None:
        """Nothing is held."""


def receipts(answers: Answers) -> int:
    return sum(isinstance(each, Receipt) for each in answers.values())


def heard(sock: socket.socket, *ends: bytes) -> None:
    """Read until each of `ends` was there, in their order."""
    data = b""
    for end in ends:
        while end not in data:
            more = sock.recv(65536)
            if not more:
                raise ConnectionError
            data += more
        data = data.partition(end)[2]
