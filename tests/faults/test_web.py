"""F24–F29: what a provider reached by HTTP may answer, or not answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from campaigns.database import Database
from campaigns.delivery import renewal, resolve
from campaigns.delivery.tables import Account
from connectors import registry
from connectors.simulator import running

from ..campaigns.delivery.world import KEYED, World
from .conftest import Post, answering, reply


@pytest.fixture
def practice(tmp_path: Path) -> Iterator[running.Running]:
    with running.running(tmp_path / "provider.log") as server:
        yield server


@pytest.mark.parametrize(
    ("asked", "at_most_s"),
    [("60", 400), ("0", 400), ("1000000000", 3900), ("-5", 400), ("date", 400), ("soon", 400)],
)
def test_f24_a_whole_account_waits_as_long_as_it_is_asked_to_and_at_most_an_hour(
    post: Post, practice: running.Running, now: datetime, asked: str, at_most_s: int
) -> None:
    """F24"""
    at = format_datetime(now + timedelta(seconds=60), usegmt=True)
    practice.control(busy=1, retry_after=at if asked == "date" else asked)
    post.practice(practice.url, "keyed")
    message_id = post.sent()
    waits = post.account().not_before_at
    assert waits is not None and waits <= now + timedelta(seconds=at_most_s)
    if asked == "60":
        assert waits >= now + timedelta(seconds=60)
    if asked == "1000000000":
        assert waits >= now + timedelta(seconds=3600)
    assert post.state(message_id) == "deferred" and not practice.accepted()
    post.later(hours=2)
    assert post.state(message_id) == "sent" and len(practice.accepted()) == 1


def test_f24_another_account_does_not_wait_with_it(
    post: Post, practice: running.Running, sqlite: Database, now: datetime
) -> None:
    """F24"""
    practice.control(busy=1, retry_after="60")
    post.practice(practice.url, "keyed")
    post.sent()
    other = World(sqlite, now, KEYED, name="other")
    message_id = other.message(["bob"])
    other.run()
    assert other.states(message_id) == {"bob": "sent"}


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("went", [True, False], ids=["it went", "it did not go"])
def test_f25_after_an_error_of_the_server_it_is_looked_up_and_never_plainly_sent_again(
    post: Post, status: int, went: bool
) -> None:
    """F25"""
    found = reply(200, b'{"id": "p-1"}') if went else reply(404, b'{"error": "not_found"}')
    with answering(lambda asked: reply(status) if asked.startswith(b"POST") else found) as (url, asked):
        post.practice(url)
        message_id = post.sent()
        assert post.state(message_id) == "unknown"
        post.world.later(minutes=5)
        post.world.tick()
        resolve.resolve(post.world.desk())
        assert post.state(message_id) == ("sent" if went else "queued")
        assert len([one for one in asked if one.startswith(b"POST")]) == 1


LONG = b'{"id": "' + b"x" * 2_000_000 + b'"}'
BROKEN: dict[str, bytes] = {
    "truncated": b'HTTP/1.1 200 X\r\nContent-Length: 50\r\n\r\n{"id": "p',
    "html": reply(200, b"<html>all is well</html>", "Content-Type: text/html"),
    "empty": reply(200, b""),
    "another type": reply(200, b'["p-1"]'),
    "no id": reply(200, b'{"id": 7}'),
    "far too long": reply(200, LONG),
    "packed": reply(200, b"\x1f\x8b\x08\x00" + b"\x00" * 100, "Content-Encoding: gzip"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_f26_a_yes_that_cannot_be_read_is_unknown(post: Post, what: str) -> None:
    """F26"""
    with answering(lambda asked: BROKEN[what]) as (url, asked):
        post.practice(url, "blind")
        assert post.state(post.sent()) == "unknown"
        assert len(asked) == 1


def test_f27_a_login_revoked_in_the_middle_pauses_the_account_and_fails_nobody(
    post: Post, practice: running.Running
) -> None:
    """F27"""
    post.practice(practice.url, "keyed")
    message_id = post.sent("ann")
    practice.control(tokens={"practice": "another"})
    second = post.sent("bob", "cai", "dee")
    assert post.state(message_id) == "sent"
    assert set(post.world.states(second).values()) <= {"queued", "deferred"}
    assert post.account().state == "out_of_service" and post.alarms == [("account_out_of_service", "mail")]


def test_f28_two_workers_that_find_a_login_used_up_ask_for_one_new_one(
    post: Post, practice: running.Running
) -> None:
    """F28: the provider takes each refresh token once, so a second try would lock everybody out."""
    practice.control(tokens={"practice": "token-1"}, refresh_tokens={"practice": "refresh-0"})
    secrets = {"token": "token-0", "refresh_token": "refresh-0"}
    post.connect("simulator", secrets, url=practice.url, channel="email", repeats="keyed")
    message_id = post.sent("ann", "bob")
    together = threading.Barrier(2)
    renewed: list[int] = []

    def work() -> None:
        desk = post.world.desk(keep=_keeps(post, practice))
        together.wait()
        renewed.append(renewal.renew_due(desk))

    workers = [threading.Thread(target=work) for _ in range(2)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    post.later(hours=2)
    assert sorted(renewed) == [0, 1] and post.account().state == "active" and not post.alarms
    assert post.world.states(message_id) == {"ann": "sent", "bob": "sent"} and len(practice.accepted()) == 2


def _keeps(post: Post, practice: running.Running) -> Callable[[Session, Account, Mapping[str, str]], None]:
    def keep(_session: Session, _account: Account, secrets: Mapping[str, str]) -> None:
        post.world.connector = registry.connect(
            "simulator", {"url": practice.url, "channel": "email", "repeats": "keyed"}, secrets
        )

    return keep


@pytest.mark.parametrize("error", [socket.EAI_NONAME, socket.EAI_AGAIN, socket.EAI_FAIL, None])
def test_f29_a_provider_whose_name_is_not_found_is_waited_for_and_nobody_bounces(
    post: Post, monkeypatch: pytest.MonkeyPatch, error: int | None
) -> None:
    """F29"""
    known = socket.getaddrinfo

    def lost(host: Any, *args: Any, **more: Any) -> Any:
        if host != "localhost":
            return known(host, *args, **more)
        raise TimeoutError("no answer") if error is None else socket.gaierror(error, "name")

    monkeypatch.setattr(socket, "getaddrinfo", lost)
    post.practice("http://localhost:9", "keyed")
    message_id = post.sent()
    assert post.state(message_id) == "deferred"
    post.connect("smtp", host="localhost", port=9, security="off", deadline_s=2.0)
    post.later(hours=2)
    assert post.state(message_id) == "deferred"


def test_f29_an_address_that_has_changed_is_found_by_the_next_connection(
    post: Post, practice: running.Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F29"""
    known, told = socket.getaddrinfo, ["127.0.0.2"]
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *args, **more: known(told[0] if host == "localhost" else host, *args, **more),
    )
    post.practice(practice.url.replace("127.0.0.1", "localhost"), "keyed")
    message_id = post.sent()
    assert post.state(message_id) == "deferred"
    told[0] = "127.0.0.1"
    post.later(hours=2)
    assert post.state(message_id) == "sent"
