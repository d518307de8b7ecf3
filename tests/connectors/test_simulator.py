"""The practice provider, held to every contract suite, and what it does on request."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import pytest

from connectors import registry, signatures
from connectors.api import (
    AccountGone,
    AddressGone,
    BadSettings,
    Call,
    Connector,
    ConnectorError,
    Deferred,
    Outbound,
    Refused,
    Renewed,
    Uncertain,
)
from connectors.simulator import log
from connectors.simulator.provider import Switches
from connectors.simulator.running import Running, running, start
from connectors.testing import (
    FarEvents,
    FarHooks,
    FarLogins,
    FarRepeats,
    HookContract,
    OutboundContract,
    PollContract,
    ReadContract,
    RefreshContract,
    RepeatContract,
)

from .relay import closed_port

TOKEN = "practice-token-0123456789"
NEW, OLD = "whsec_" + "bmV3ZXIu" * 4, "whsec_" + "b2xkZXIu" * 4
AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


class Far(FarRepeats, FarEvents):
    """A running practice provider, with one account on it."""

    kinds = ("reply", "mention", "like", "boost", "bounce", "complaint", "opt_out", "auto_reply", "delivered")
    many = 401

    def __init__(self, server: Running, account: str, channel: str, repeats: str) -> None:
        self.server, self.account, self.channel, self.repeats = server, account, channel, repeats
        server.control(tokens={account: TOKEN}, visible_within_s=3.0)
        self._made: list[Connector] = []

    def connector(self) -> Connector:
        return self._connect(self.server.url)

    def unreachable(self) -> Connector:
        return self._connect("http://127.0.0.1:1")

    def outbound(self, n: int, text: str = "Hello", word: str = "") -> Outbound:
        if self.channel == "email":
            to = f"{word or f'reader{n}'}@readers.example"
            return Outbound(key=f"key-{n}", to=to, subject=f"Subject {n}", text=text, language="cy")
        if word:
            self.server.control(next=[word])
        return Outbound(key=f"key-{n}", text=text)

    def accepted(self) -> list[str]:
        return keys(self.server, self.account)

    def text(self, key: str) -> str:
        texts: dict[str, str] = {entry["key"]: entry["text"] for entry in taken(self.server, self.account)}
        return texts[key]

    def troubles(self) -> Mapping[type[ConnectorError], Callable[[int], Outbound]]:
        def asked(word: str) -> Callable[[int], Outbound]:
            return lambda n: self.outbound(n, word=word)

        return {
            Deferred: asked("defer+1"),
            Refused: asked("refuse"),
            AddressGone: asked("hard"),
            Uncertain: asked("drop"),
            AccountGone: self._gone,
        }

    def unanswered(self, n: int) -> Outbound:
        return self.outbound(n, word="drop")

    def lost(self, n: int) -> Outbound:
        return self.outbound(n, word="lose")

    def pass_time(self, seconds: float) -> None:
        self.server.control(skip_s=seconds)

    def happen(self, kind: str, n: int) -> None:
        theirs = "unsubscribe" if kind == "opt_out" else kind
        sender = {"from": "nia@readers.example"}
        self.server.happen(theirs, self.account, message=f"practice-{n}", text="Diolch", **sender)

    def secrets(self) -> list[str]:
        return [TOKEN]

    def close(self) -> None:
        for each in self._made:
            each.close()

    def _connect(self, url: str) -> Connector:
        settings = {"url": url, "account": self.account, "channel": self.channel, "repeats": self.repeats}
        connector = registry.connect("simulator", {**settings, "visible_within_s": 3.0}, {"token": TOKEN})
        self._made.append(connector)
        return connector

    def _gone(self, n: int) -> Outbound:
        self.server.control(tokens={self.account: "another"})
        return self.outbound(n)


class FarHook(FarHooks):
    """The provider's hooks, signed as it signs them."""

    signed_headers = ("webhook-id", "webhook-timestamp", "webhook-signature")

    def connector(self) -> Connector:
        settings = {"url": "http://127.0.0.1:1"}
        return registry.connect("simulator", settings, {"hook_secret": f"{NEW} {OLD}"})

    def call(self) -> Call:
        return self._signed(NEW, _told(1))

    def older(self) -> Call:
        return self._signed(OLD, _told(1))

    def spoilt(self) -> Call:
        return self._signed(NEW, [_told(1), {"id": "evt-2", "type": "never heard of"}])

    def _signed(self, secret: str, told: Any) -> Call:
        body = json.dumps(told).encode()
        return Call("POST", signatures.sign(secret, "evt-1", AT, body), {}, body, AT)


def _told(n: int) -> dict[str, Any]:
    return {
        "id": f"evt-{n}",
        "type": "reply",
        "at": 1.0,
        "message": "practice-1",
        "from": "nia@readers.example",
    }


def taken(server: Running, account: str) -> list[dict[str, Any]]:
    return [entry for entry in server.accepted() if entry["account"] == account]


def keys(server: Running, account: str) -> list[str]:
    return [entry["key"] for entry in taken(server, account)]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One practice provider for the whole file; each test has an account of its own."""
    with running(tmp_path_factory.mktemp("practice") / "log") as server:
        yield server


@pytest.fixture
def server(shared: Running) -> Running:
    """The provider with its switches as they are at the start."""
    shared.control(**asdict(Switches()))
    return shared


@pytest.fixture
def account(request: pytest.FixtureRequest) -> str:
    """An account nobody else uses."""
    return sha256(request.node.nodeid.encode()).hexdigest()[:12]


@pytest.fixture
def connect(server: Running, account: str) -> Iterator[Callable[..., Connector]]:
    """Connect the account."""
    made: list[Connector] = []

    def connect(**settings: Any) -> Connector:
        settings = {"url": server.url, "account": account, **settings}
        made.append(registry.connect("simulator", settings, {}))
        return made[-1]

    yield connect
    for each in made:
        each.close()


@pytest.fixture(params=["keyed", "findable", "blind"])
def far(request: pytest.FixtureRequest, server: Running, account: str) -> Iterator[Far]:
    """An account for mail, of each kind."""
    far = Far(server, account, "email", request.param)
    yield far
    far.close()


class TestMail(OutboundContract, RepeatContract, PollContract):
    """Mail to one recipient each."""


class TestPosts(OutboundContract, RepeatContract):
    """Posts to everyone."""

    @pytest.fixture
    def far(self, server: Running, account: str) -> Iterator[Far]:
        """An account for posts."""
        far = Far(server, account, "practice", "findable")
        yield far
        far.close()


class FarRenewals(FarLogins):
    """Its tokens: one that is good, and one that renews it, once."""

    def __init__(self, server: Running, account: str) -> None:
        self._server, self._account = server, account
        server.control(tokens={account: "first"}, refresh_tokens={account: "renews first"})

    def connector(self) -> Connector:
        return self._connect(self._server.url, {"token": "first", "refresh_token": "renews first"})

    def unreachable(self) -> Connector:
        return self._connect(f"http://127.0.0.1:{closed_port()}", {"refresh_token": "renews first"})

    def with_login(self, renewed: Renewed) -> Connector:
        return self._connect(self._server.url, renewed.secrets)

    def takes_back(self) -> None:
        self._server.control(refresh_tokens={self._account: "another"})

    def breaks(self) -> None:
        self._server.control(next=["drop"])

    def secrets(self) -> list[str]:
        return ["renews first"]

    def _connect(self, url: str, secrets: Mapping[str, str]) -> Connector:
        return registry.connect(
            "simulator", {"url": url, "account": self._account, "deadline_s": 5.0}, secrets
        )


class TestLogins(RefreshContract):
    """A token that is good for once gives the next two."""

    @pytest.fixture
    def far(self, server: Running, account: str) -> FarRenewals:
        return FarRenewals(server, account)


class TestHooks(HookContract, ReadContract):
    """What it pushes."""

    @pytest.fixture
    def far(self) -> FarHook:
        """Its signing side."""
        return FarHook()


def mail(to: str, key: str = "k", **more: Any) -> Outbound:
    return Outbound(key=key, to=f"{to}@readers.example", subject="Cyfarfod", text="Dewch", **more)


def test_a_key_used_for_another_body_is_refused(connect: Callable[..., Connector]) -> None:
    """The provider will not guess which of the two was meant."""
    connector = connect(repeats="keyed")
    connector.send(mail("nia"))
    with pytest.raises(Refused) as told:
        connector.send(mail("sam"))
    assert told.value.code == "409"


def test_a_key_whose_life_is_over_is_taken_again(
    connect: Callable[..., Connector], server: Running, account: str
) -> None:
    """Keyed holds for as long as it was promised, not longer."""
    connector = connect(repeats="keyed", life_s=60.0)
    server.control(life_s=60)
    first = connector.send(mail("nia"))
    server.control(skip_s=59)
    assert connector.send(mail("nia")) == first
    server.control(skip_s=61)
    assert connector.send(mail("nia")) != first
    assert keys(server, account) == ["k", "k"]


def test_a_key_that_is_still_being_worked_on_is_deferred(
    connect: Callable[..., Connector], server: Running, account: str
) -> None:
    """A second worker with the same key is told to come back, and gets the first answer then."""
    connector = connect(repeats="keyed")
    first = Thread(target=connector.send, args=(mail("late+400"),))
    first.start()
    while not taken(server, account):
        pass
    with pytest.raises(Deferred) as told:
        connector.send(mail("late+400"))
    first.join()
    assert told.value.code == "still_running"
    assert connector.send(mail("late+400")).provider_id == taken(server, account)[0]["id"]


def test_a_look_up_does_not_see_what_is_not_yet_visible(
    connect: Callable[..., Connector], server: Running
) -> None:
    """A no counts only after `visible_within_s`."""
    connector = connect(repeats="findable", visible_within_s=60.0)
    server.control(visible_within_s=60)
    receipt = connector.send(mail("nia"))
    assert connector.find is not None and connector.find(mail("nia")) is None
    server.control(skip_s=60)
    assert connector.find(mail("nia")) == receipt


def test_one_deferred_recipient_does_not_slow_the_account(connect: Callable[..., Connector]) -> None:
    """`defer@` is about the recipient: 503 and 429 in turn, three times as asked."""
    connector = connect()
    for _ in range(3):
        with pytest.raises(Deferred) as told:
            connector.send(mail("defer+3"))
        assert (told.value.scope, told.value.retry_after_s) == ("delivery", 1.0)
    assert connector.send(mail("defer+3")).provider_id


def test_a_busy_provider_slows_the_whole_account(connect: Callable[..., Connector], server: Running) -> None:
    """`F24`: 429 with its Retry-After, at most an hour."""
    server.control(busy=2, retry_after="1000000000")
    connector = connect()
    for _ in range(2):
        with pytest.raises(Deferred) as told:
            connector.send(mail("nia"))
        assert (told.value.scope, told.value.retry_after_s) == ("account", 3600.0)
    connector.send(mail("nia"))


def test_a_provider_that_is_down_leaves_it_uncertain(
    connect: Callable[..., Connector], server: Running
) -> None:
    """`F25`: 503 without a Retry-After may follow an acceptance."""
    server.control(down=True)
    with pytest.raises(Uncertain):
        connect().send(mail("nia"))


@pytest.mark.parametrize(
    ("word", "kind", "hard"),
    [
        ("bounce", "bounce", True),
        ("soft", "bounce", False),
        ("reply", "reply", False),
        ("auto", "auto_reply", False),
        ("complain", "complaint", False),
        ("optout", "opt_out", False),
    ],
)
def test_what_a_recipient_asks_for_comes_back(
    connect: Callable[..., Connector], word: str, kind: str, hard: bool
) -> None:
    """The event names the message, its sender and the reply token."""
    connector = connect()
    receipt = connector.send(
        mail(word, reply_to="replies+abc234@dolen.example", message_id="<dlv_1@dolen.example>", language="cy")
    )
    assert connector.poll is not None
    (event,) = connector.poll(None).events
    assert (event.kind, event.hard, event.provider_id) == (kind, hard, receipt.provider_id)
    assert event.references == ("<dlv_1@dolen.example>",)
    assert (event.recipient_token, event.sender) == ("abc234", f"{word}@readers.example")
    assert event.about == (event.sender if kind in ("bounce", "complaint") else "")
    assert event.text.startswith("Diolch") and event.language == "cy"


def test_a_post_that_is_too_long_is_refused(connect: Callable[..., Connector]) -> None:
    """The provider holds its own limit, whatever we checked."""
    connector = connect(channel="practice")
    assert connector.broadcast and connector.limits.text_max == 500
    connector.send(Outbound(key="k", text="ŵ" * 500))
    with pytest.raises(Refused):
        connector.send(Outbound(key="l", text="ŵ" * 501))


def test_accounts_hear_only_what_is_theirs(connect: Callable[..., Connector]) -> None:
    """Two accounts of one provider do not read each other's answers."""
    here, there = connect(account="here"), connect(account="there")
    here.send(mail("reply"))
    assert here.poll is not None and there.poll is not None
    assert len(here.poll(None).events) == 1 and there.poll(None).events == ()


def test_the_log_survives_a_kill_and_is_what_the_provider_knows_afterwards(tmp_path: Path) -> None:
    """Every answered send is in the log; a restart replays, finds and numbers on from it."""
    server = start(tmp_path / "log", "--repeats", "keyed")
    connector = registry.connect("simulator", {"url": server.url}, {})
    receipts = {key: connector.send(mail("reply", key)) for key in map(str, range(50))}
    os.kill(server.process.pid, signal.SIGKILL)
    server.stop()
    assert {entry["key"]: entry["id"] for entry in server.accepted()} == {
        key: receipt.provider_id for key, receipt in receipts.items()
    }
    with (tmp_path / "log").open("ab") as torn:
        torn.write(b'{"id":"practice-51","key":"to')
    with running(tmp_path / "log") as again:
        connector = registry.connect("simulator", {"url": again.url}, {})
        assert connector.send(mail("reply", "7")) == receipts["7"]
        assert connector.send(mail("nia", "new")).provider_id == "practice-51"
        assert connector.poll is not None and len(connector.poll(None).events) == 50
        assert [entry["key"] for entry in again.accepted()] == [*receipts, "new"]
        connector.close()


def test_an_acceptance_is_in_the_log_before_it_is_answered(
    connect: Callable[..., Connector], server: Running, account: str
) -> None:
    """`late@` keeps the answer back, not the acceptance: the log is ahead of every answer."""
    connector = connect(repeats="blind")
    answered: list[str] = []

    def send() -> None:
        answered.append(connector.send(mail("late+300")).provider_id)

    sending = Thread(target=send)
    sending.start()
    while not taken(server, account):
        assert not answered
    assert not answered
    sending.join()
    assert answered == [taken(server, account)[0]["id"]]


def test_a_full_disk_is_no_acceptance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line the disk did not take whole is closed off, and reading goes on after it."""
    book = log.Log(tmp_path / "log")
    book.append({"key": "a"})
    real = os.write
    monkeypatch.setattr(os, "write", lambda file, line: real(file, line[:3]))
    with pytest.raises(OSError, match="full"):
        book.append({"key": "b"})
    monkeypatch.undo()
    book.append({"key": "c"})
    book.close()
    assert [entry["key"] for entry in log.read(tmp_path / "log")] == ["a", "c"]


def test_events_are_pushed_signed_and_heard(server: Running, account: str) -> None:
    """The whole way: accepted, pushed to our address as a Standard Webhook, proven, in our words."""
    heard: Queue[Call] = Queue()
    tries: list[int] = []

    class Ours(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            tries.append(1)
            self.send_response(500 if len(tries) == 1 else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()
            headers = {name.lower(): value for name, value in self.headers.items()}
            if len(tries) > 1:
                heard.put(Call("POST", headers, {}, body, datetime.now(UTC)))

        def log_message(self, *args: Any) -> None:
            return

    ours = HTTPServer(("127.0.0.1", 0), Ours)
    serving = Thread(target=ours.serve_forever)
    serving.start()
    server.control(hooks={account: {"url": f"http://127.0.0.1:{ours.server_port}/hook", "secret": NEW}})
    settings = {"url": server.url, "account": account}
    connector = registry.connect("simulator", settings, {"hook_secret": NEW})
    connector.send(mail("reply"))
    call = heard.get(timeout=10)
    ours.shutdown()
    serving.join()
    ours.server_close()
    assert connector.hooks is not None and connector.poll is not None
    assert [each.key for each in connector.hooks(call).events] == [
        each.key for each in connector.poll(None).events
    ]
    connector.close()


@pytest.mark.parametrize(
    ("settings", "secrets", "name"),
    [
        ({"url": "http://192.0.2.1:8025"}, {}, "url"),
        ({"url": "http://practice.example"}, {}, "url"),
        ({"url": "not an address"}, {}, "url"),
        ({"url": "http://127.0.0.1:1", "channel": "sms"}, {}, "channel"),
        ({"url": "http://127.0.0.1:1", "repeats": "maybe"}, {}, "repeats"),
        ({"url": "http://127.0.0.1:1"}, {"hook_secret": "whsec_%%%"}, "hook_secret"),
    ],
)
def test_settings_that_cannot_work_are_named(
    settings: dict[str, Any], secrets: dict[str, str], name: str
) -> None:
    """Practice stays on this machine; each refusal says which setting it is about."""
    with pytest.raises(BadSettings) as told:
        registry.connect("simulator", settings, secrets)
    assert list(told.value.problems) == [name]


def test_a_wrong_switch_changes_nothing(server: Running) -> None:
    """A misspelt control is told, not swallowed."""
    with pytest.raises(Refused, match="latency"):
        server.control(latency=5, busy=3)
    assert server.control()["busy"] == 0


def test_with_latency_nothing_changes_but_the_time(tmp_path: Path) -> None:
    """0 to 8 ms around each acceptance: still one each."""
    with running(tmp_path / "log", "--latency-ms", "8") as server:
        connector = registry.connect("simulator", {"url": server.url, "repeats": "blind"}, {})
        for n in range(20):
            connector.send(mail("nia", str(n)))
        assert [entry["key"] for entry in server.accepted()] == [str(n) for n in range(20)]
        connector.close()


def test_an_answer_later_than_the_deadline_of_the_account_is_uncertain(
    connect: Callable[..., Connector], server: Running, account: str
) -> None:
    """`F18`: the hand-over ends at its deadline; that it had been taken is found afterwards."""
    connector = connect(repeats="findable", deadline_s=0.2)
    assert connector.limits.deadline_s == 0.2
    with pytest.raises(Uncertain):
        connector.send(mail("late+600000"))
    assert connector.find is not None and connector.find(mail("late+600000"))
    assert keys(server, account) == ["k"]


def test_a_login_is_renewed_by_a_token_that_is_good_for_once(server: Running, account: str) -> None:
    """`F28`: the new login works, the old one and the token that renewed it do not."""
    before = server.control(tokens={account: "new"}, refresh_tokens={account: "once"}, token_life_s=3600.0)
    settings = {"url": server.url, "account": account}
    old = registry.connect("simulator", settings, {"token": "old", "refresh_token": "once"})
    assert old.refresh is not None
    with pytest.raises(AccountGone):
        old.verify()
    renewed = old.refresh()
    assert set(renewed.secrets) == {"token", "refresh_token"} and renewed.life_s == 3600
    fresh = registry.connect("simulator", settings, renewed.secrets)
    fresh.verify()
    with pytest.raises(AccountGone):
        old.refresh()
    assert server.control()["renewals"] == before["renewals"] + 1
    for each in (old, fresh):
        each.close()


def test_an_account_without_a_token_to_renew_by_cannot_be_renewed(connect: Callable[..., Connector]) -> None:
    """A face it does not have."""
    assert connect().refresh is None


def test_that_nothing_is_left_is_told_beside_the_yes(
    connect: Callable[..., Connector], server: Running
) -> None:
    """`F24`."""
    assert connect().send(mail("nia", "a")).wait_s == 0
    server.control(used_up_s=45)
    assert connect().send(mail("nia", "b")).wait_s == 45
