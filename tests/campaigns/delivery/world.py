"""A small world for the delivery tests: people, an account on a scripted wire, messages and a clock.

Only the provider's wire is doubled: `Wire` is the provider with its own acceptance log; all else is the real thing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from campaigns.database import Database
from campaigns.delivery import accounts, batch, reconcile, release, resolve, send
from campaigns.delivery.backoff import Pace
from campaigns.delivery.tables import Account, Delivery
from campaigns.links import Links
from campaigns.messages import content, messages
from campaigns.messages.tables import Message
from campaigns.stakeholders import addresses, people
from campaigns.strategies import programmes, strategies
from connectors.api import Blind, Connector, Findable, Keyed, Limits, Outbound, Receipt, Repeats

LINKS = Links("https://dolen.example", (b"k" * 32,), "mail.example")
KEYED = Keyed(life_s=86_400)
FINDABLE = Findable(visible_within_s=1)
BLIND = Blind()


class Died(BaseException):
    """The process ended here, as by kill -9: nothing after it runs."""


@dataclass
class Wire:
    """A provider: what it accepted, in order, and how it answers one address (an error to raise or a function)."""

    accepted: list[str] = field(default_factory=list)
    answers: dict[str, Callable[[Outbound], None]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    outbound: list[Outbound] = field(default_factory=list)

    def send(self, outbound: Outbound, keyed: bool) -> Receipt:
        if outbound.key.startswith("letter:"):  # a notice to a colleague is no delivery
            return Receipt("letter")
        answer = self.answers.get(outbound.to)
        if answer is not None:
            answer(outbound)
        with self.lock:
            if not (keyed and outbound.key in self.keys):
                self.accepted.append(outbound.to)
                self.outbound.append(outbound)
                self.keys[outbound.key] = f"p{len(self.accepted)}"
            return Receipt(self.keys[outbound.key])

    def find(self, outbound: Outbound) -> Receipt | None:
        return Receipt(self.keys[outbound.key]) if outbound.key in self.keys else None


class World:
    """One database, one account on a wire, a clock that only the test moves."""

    def __init__(
        self,
        database: Database,
        now: datetime,
        repeats: Repeats = KEYED,
        *,
        in_flight: int = 4,
        broadcast: bool = False,
        name: str = "mail",
    ) -> None:
        self.database, self.time, self.wire = database, now, Wire()
        keyed = isinstance(repeats, Keyed)
        self.connector = Connector(
            name="scripted", channel="post" if broadcast else "email", broadcast=broadcast,
            limits=Limits(html=True, in_flight=in_flight, deadline_s=1.0), repeats=repeats, verify=lambda: None,
            send=lambda outbound: self.wire.send(outbound, keyed),
            find=self.wire.find if isinstance(repeats, Findable) else None,
        )  # fmt: skip
        with database.write() as session:
            self.programme_id = programmes.general(session, now).id
            account = accounts.create(session, now, name=name, connector="scripted", channel="email")
            account.sender = "us@mail.example"
            accounts.declare(account, self.connector)
            self.account_id = account.id

    def now(self) -> datetime:
        return self.time

    def later(self, **span: float) -> None:
        self.time += timedelta(**span)

    def desk(self, **changes: Any) -> send.Desk:
        usual: dict[str, Any] = {
            "database": self.database, "connect": lambda _session, _account: self.connector, "links": LINKS,
            "now": self.now, "owner": "test", "lease_s": 60.0,
        }  # fmt: skip
        return send.Desk(**{**usual, **changes})

    def people(self, session: Session, names: Sequence[str]) -> list[tuple[int, int]]:
        """People with an address each: (stakeholder, address) ids, as a message names its recipients."""
        made = []
        for name in names:
            person = people.create(session, self.time, kind="person", name=name)
            people.involve(session, self.time, person.id, self.programme_id)
            at = name if "@" in name else f"{name}@example.org"
            address = addresses.add(session, self.time, person.id, "email", at)
            made.append((person.id, address.id))
        return made

    def message(
        self,
        names: Sequence[str],
        *,
        text: str = "Hello {{ name }}",
        media: Sequence[int] = (),
        data: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> int:
        """A message to people of these names, accepted and released at `light`; its id."""
        with self.database.write() as session:
            recipients = self.people(session, names)
            version = strategies.everyday(session, self.programme_id, self.time)
            item = content.create(session, self.time, self.programme_id, "Hello", data)
            account = session.get_one(Account, self.account_id)
            content.save_variant(
                session, self.time, item, channel=account.channel, language="en", author="user:ann", subject="Hi",
                text=text, media=media,
            )  # fmt: skip
            usual: dict[str, Any] = {
                "purpose": "service",
                "at": self.time,
                "zone": "UTC",
                "recipients": recipients,
            }
            made = messages.create(
                session, self.time, author="user:ann", programme_id=self.programme_id,
                strategy_version_id=version.id, content_id=item.id, accounts=[(account.id, account.channel)],
                **{**usual, **more},
            )  # fmt: skip
            messages.submit(session, self.time, made)
            return made.id

    def tick(self) -> None:
        """Everything the clock does."""
        release.tick(self.database, self.now)
        with self.database.write() as session:
            batch.gather(session, self.time)
            reconcile.expire(session, self.time, Pace())
            reconcile.finish(session, self.time)

    def run(self, **changes: Any) -> None:
        """Tick and work until nothing is due."""
        self.tick()
        desk = self.desk(**changes)
        while send.work(desk) or resolve.resolve(desk):
            self.tick()
        self.tick()

    def recover(self) -> int:
        """Take every batch from its worker, as the clock does when the lease is over."""
        with self.database.write() as session:
            session.connection().exec_driver_sql("UPDATE batches SET until_db_at = 1 WHERE owner IS NOT NULL")
            return batch.recover(session, self.time, Pace(), limit=100)

    def rows(self, message_id: int) -> list[Delivery]:
        with self.database.read() as session:
            return list(session.query(Delivery).filter_by(message_id=message_id).order_by(Delivery.id))

    def states(self, message_id: int) -> dict[str, str]:
        """State (and reason) by the recipient's name."""
        return {
            row.address_key.split("@")[0]: f"{row.state}:{row.reason}" if row.reason else row.state
            for row in self.rows(message_id)
        }

    def state(self, message_id: int) -> str:
        with self.database.read() as session:
            return session.get_one(Message, message_id).state
