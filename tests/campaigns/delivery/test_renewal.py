"""A login that runs out in the middle of a mailing is renewed once, and nobody notices."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from campaigns.database import Database
from campaigns.delivery import accounts, renewal, send
from campaigns.delivery.tables import Account
from campaigns.responses import polling
from connectors.api import (
    AccountGone,
    Connector,
    ConnectorError,
    Deferred,
    Outbound,
    Receipt,
    Renewed,
    Uncertain,
)

from .world import World

NAMES = [f"p{number}" for number in range(8)]


class Login:
    """A provider whose logins are renewed by a token that is good for once; secrets lie open on the account."""

    def __init__(self, world: World, life_s: float | None = None) -> None:
        self.world, self.good, self.asked, self.life_s = world, 1, list[int](), life_s
        self.trouble: ConnectorError | None = None
        self.plain = world.connector.send
        with world.database.write() as session:
            account = session.get_one(Account, world.account_id)
            accounts.declare(account, self.connect(session, account))
            account.secrets = b"1"

    def connect(self, _session: Session, account: Account) -> Connector:
        held = int(account.secrets or b"1")

        def hand_over(outbound: Outbound) -> Receipt:
            if held != self.good:
                raise AccountGone("401 token expired", code="401")
            return self.plain(outbound)

        return replace(self.world.connector, send=hand_over, refresh=lambda: self.refresh(held))

    def refresh(self, held: int) -> Renewed:
        self.asked.append(held)
        if self.trouble is not None:
            raise self.trouble
        if self.asked.count(held) > 1:
            raise AccountGone("invalid_grant")
        self.good += 1
        return Renewed({"n": str(self.good)}, self.life_s)

    def keep(self, _session: Session, account: Account, secrets: Mapping[str, str]) -> None:
        account.secrets = secrets["n"].encode()

    def desk(self, **more: Any) -> send.Desk:
        return self.world.desk(connect=self.connect, keep=self.keep, **more)

    def run(self, **more: Any) -> None:
        for _ in range(4):
            self.world.run(connect=self.connect, keep=self.keep, **more)
            renewal.renew_due(self.desk(**more))
        self.world.run(connect=self.connect, keep=self.keep, **more)


def account_of(world: World) -> Account:
    with world.database.read() as session:
        return session.get_one(Account, world.account_id)


def test_a_login_that_runs_out_is_renewed_once_and_everybody_gets_it(
    database: Database, now: datetime
) -> None:
    """F27, F28: 0 failed, no alarm, and the account was never out of service."""
    world, alarms = World(database, now), list[str]()
    login = Login(world)
    message_id = world.message(NAMES)
    login.good = 2  # revoked: what we hold is refused
    login.run(alarm=lambda name, _account: alarms.append(name))
    assert set(world.states(message_id).values()) == {"sent"}
    assert sorted(world.wire.accepted) == sorted(f"{name}@example.org" for name in NAMES)
    assert login.asked == [1] and alarms == []
    account = account_of(world)
    assert account.state == "active" and account.renewed_at == now and account.renew_due_at is None


def test_of_many_workers_that_find_it_refused_one_asks(database: Database, now: datetime) -> None:
    """F28: the provider takes the token once."""
    world = World(database, now)
    login = Login(world)
    world.message(NAMES)
    login.good = 2
    world.tick()
    send.work(login.desk())
    assert account_of(world).renew_due_at == now
    together = threading.Barrier(4)
    renewed: list[int] = []

    def work() -> None:
        together.wait()
        renewed.append(renewal.renew_due(login.desk()))

    workers = [threading.Thread(target=work) for _ in range(4)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    assert login.asked == [1] and sorted(renewed) == [0, 0, 0, 1]


def test_nothing_goes_by_an_account_while_its_login_is_renewed(database: Database, now: datetime) -> None:
    world = World(database, now)
    login = Login(world)
    world.message(NAMES)
    login.good = 2
    world.tick()
    send.work(login.desk())
    world.tick()
    meanwhile: list[bool] = []
    asked = login.refresh

    def slowly(held: int) -> Renewed:
        meanwhile.append(send.work(login.desk()))
        return asked(held)

    login.refresh = slowly  # type: ignore[method-assign]
    assert renewal.renew_due(login.desk()) == 1
    assert meanwhile == [False] and world.wire.accepted == []


def test_a_login_that_cannot_be_renewed_stops_the_account_once(database: Database, now: datetime) -> None:
    """F27: out of service, one alarm, rows wait."""
    world, alarms = World(database, now), list[str]()
    login = Login(world)
    login.trouble = AccountGone("invalid_grant")
    message_id = world.message(NAMES)
    login.good = 2
    login.run(alarm=lambda name, _account: alarms.append(name))
    assert alarms == ["account_out_of_service"] and login.asked == [1]
    assert account_of(world).state == "out_of_service"
    assert set(world.states(message_id).values()) <= {"queued", "deferred"}


def test_a_new_login_that_is_refused_at_once_is_not_renewed_for_ever(
    database: Database, now: datetime
) -> None:
    world, alarms = World(database, now), list[str]()
    login = Login(world)
    world.message(NAMES)
    login.plain = lambda _outbound: (_ for _ in ()).throw(AccountGone("403 suspended"))
    login.run(alarm=lambda name, _account: alarms.append(name))
    assert login.asked == [1] and alarms == ["account_out_of_service"]


@pytest.mark.parametrize(
    "trouble", [Deferred("no connection", scope="account"), Uncertain("torn"), ValueError("broken")], ids=repr
)
def test_a_renewal_that_could_not_be_asked_for_is_asked_for_again(
    database: Database, now: datetime, trouble: Any
) -> None:
    world = World(database, now)
    login = Login(world)
    login.trouble = trouble
    message_id = world.message(NAMES)
    login.good = 2
    login.run()
    assert account_of(world).state == "active" and login.asked == [1]
    login.trouble, login.asked = None, []
    world.later(minutes=16)
    login.run()
    assert set(world.states(message_id).values()) == {"sent"} and login.asked == [1]


def test_a_login_is_renewed_before_it_runs_out(database: Database, now: datetime) -> None:
    world = World(database, now)
    login = Login(world, life_s=3600)
    with database.write() as session:
        session.get_one(Account, world.account_id).renew_due_at = now
    assert renewal.renew_due(login.desk()) == 1
    assert account_of(world).renew_due_at == now + timedelta(minutes=48)
    message_id = world.message(NAMES)
    world.run(connect=login.connect)
    assert set(world.states(message_id).values()) == {"sent"}
    world.later(minutes=47)
    assert renewal.renew_due(login.desk()) == 0
    world.later(minutes=1)
    assert renewal.renew_due(login.desk()) == 1 and login.asked == [1, 2]


def test_what_somebody_typed_meanwhile_counts_more(database: Database, now: datetime) -> None:
    world = World(database, now)
    login = Login(world)
    with database.write() as session:
        session.get_one(Account, world.account_id).renew_due_at = now
    asked = login.refresh

    def retyped(held: int) -> Renewed:
        with database.write() as session:
            accounts.change(session, session.get_one(Account, world.account_id), now, secrets=b"7")
        return asked(held)

    login.refresh = retyped  # type: ignore[method-assign]
    renewal.renew_due(login.desk())
    account = account_of(world)
    assert account.secrets == b"7" and account.renew_due_at is None and account.not_before_at is None


def test_a_poll_that_is_refused_has_the_login_renewed(database: Database, now: datetime) -> None:
    world, alarms = World(database, now), list[str]()
    login = Login(world)

    def refused(_cursor: Any) -> Any:
        raise AccountGone("401")

    def connect(session: Session, account: Account) -> Connector:
        return replace(login.connect(session, account), poll=refused)

    polling.poll_due(database, connect, world.now, alarm=lambda name, _account: alarms.append(name))
    account = account_of(world)
    assert account.state == "active" and account.renew_due_at == now and alarms == []
