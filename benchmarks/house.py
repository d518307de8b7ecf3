"""A whole installation for proofs, with one account at one provider, whose every process can be made to die.

Rules: whatever touches the database runs in a forked process (`in_a_process`), so that its death is a death; the parent
holds no connection. The clock is the installation's own and is moved by the proof; leases are ended by hand.
"""

from __future__ import annotations

import os
import pickle
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from flask import Flask
from sqlalchemy import func, select, text

from campaigns.base import parse_id, public_id
from campaigns.delivery import accounts, reconcile, resolve, send, states
from campaigns.delivery.compose import key
from campaigns.delivery.tables import Attempt, Delivery
from campaigns.messages.tables import Message
from campaigns.stakeholders import addresses, people, segments
from campaigns.strategies import programmes
from connectors import registry
from connectors.simulator import running as simulator
from service import leash, settings, upgrade, wiring
from service.access import CONSOLE
from service.acts import begin, tokens, users
from service.app import create_app
from service.clock import ticks
from service.permissions import SCOPES

from . import relay

T = TypeVar("T")
CLASSES = ("keyed", "findable", "blind_hold", "blind_retry", "smtp")
MESSAGES, PEOPLE = 3, 9
# Far longer than any wait between attempts at the scale of this proof.
JUMP = timedelta(minutes=2)
ROUNDS_MAX = 200


class Clocked(wiring.Wiring):
    """An installation whose clock the proof moves."""

    ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead


@dataclass
class Found:
    """What one run left behind, as it stands in the database."""

    rows: dict[str, str]
    evident: set[str]  # keys of unknown rows that say how they came to be unknown
    too_many: int  # messages beyond those that were handed over
    reconciled: bool
    open_rows: int
    ahead: timedelta


class House:
    """One database, one class of repeats and its provider; every run adds three messages."""

    def __init__(self, url: str, folder: Path, kind: str, stack: ExitStack) -> None:
        environ = {
            "DOLEN__DATA__DIR": str(folder), "DOLEN__DATABASE__URL": url, "DOLEN__LOG__LEVEL": "error",
            "DOLEN__WORK__RETRY_SCALE": "0.01", "DOLEN__MAIL__DOMAIN": "mail.example",
            "DOLEN__HTTP__CALLS_PER_MIN": "0",
        }  # fmt: skip
        self.kind, self.number = kind, 0
        self.wiring = Clocked(settings.load(environ))
        upgrade.upgrade(self.wiring)
        if kind == "smtp":
            self.mail = stack.enter_context(relay.running(folder / "provider.log"))
            self.accepted = self.mail.accepted
            self._account(
                "smtp", {"host": "127.0.0.1", "port": self.mail.port, "security": "off", "deadline_s": 5.0}
            )
        else:
            self.practice = stack.enter_context(simulator.running(folder / "provider.log", held=leash.hold))
            self.accepted = self.practice.accepted
            repeats = kind.partition("_")[0]
            self._account(
                "simulator",
                {"url": self.practice.url, "channel": "email", "repeats": repeats, "deadline_s": 5.0},
            )
        self._everyone()
        self.token = administrator(self.wiring)
        self.app: Flask = create_app(wiring=self.wiring)
        self.wiring.close()  # whoever is forked opens connections of its own

    def _account(self, connector: str, chosen: dict[str, Any]) -> None:
        now = self.wiring.now()
        with self.wiring.database.write() as session:
            account = accounts.create(
                session, now, name="proof", connector=connector, channel="email", settings=chosen,
                sender="us@mail.example",
            )  # fmt: skip
            accounts.declare(account, registry.connect(connector, chosen, {}))
            account.on_unknown = "retry" if self.kind == "blind_retry" else "hold"
            self.account_id = account.id

    def _everyone(self) -> None:
        now = self.wiring.now()
        with self.wiring.database.write() as session:
            programme_id = programmes.general(session, now).id
            for n in range(PEOPLE):
                person = people.create(session, now, kind="person", name=f"Person {n}")
                people.involve(session, now, person.id, programme_id)
                addresses.add(session, now, person.id, "email", f"person{n}@example.org")
            rule = {"field": "kind", "op": "is", "value": "person"}
            self.segment_id = segments.create(
                session, now, programme_id=programme_id, name="Everyone", rule=rule
            ).id

    def accept(self) -> list[int]:
        """A client hands over the three messages of this run; the answers it gets are the same each time it asks."""
        body = {
            "segment": public_id("seg", self.segment_id), "accounts": [public_id("acc", self.account_id)],
            "subject": "Hello", "text": "Hello {{ name }}", "purpose": "service",
        }  # fmt: skip
        found = []
        for n in range(MESSAGES):
            head = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": f"run-{self.number}-{n}"}
            answer = self.app.test_client().post("/v1/messages", json=body, headers=head)
            if answer.status_code != 201:
                raise SystemExit(f"the API did not accept a message: {answer.status_code} {answer.text}")
            found.append(parse_id("msg", str(answer.get_json()["id"])))
        return found

    def work(self) -> None:
        """What the clock and a worker do, until nothing is left to do at this time."""
        desk = self.wiring.desk("proof")
        beat, _period = ticks(self.wiring)["beat"]
        worked = True
        while worked:
            for duty in beat:
                duty()
            worked = send.work(desk) or resolve.resolve(desk) > 0

    def whole(self) -> list[int]:
        """A whole run, as one process does it when nothing happens to it."""
        found = self.accept()
        self.work()
        return found

    def go_on(self) -> Found:
        """Another process after the first has died: the client repeats, the lease ends, time passes."""
        with self.wiring.database.write() as session:
            session.execute(text("UPDATE batches SET until_db_at = 1 WHERE owner IS NOT NULL"))
        found = self.accept()
        for _ in range(ROUNDS_MAX):
            self.work()
            if not self._open(found):
                break
            self.wiring.ahead += JUMP
        return self._found(found)

    def _open(self, numbers: list[int]) -> int:
        unfinished = select(func.count()).where(Message.id.in_(numbers), Message.state != "finished")
        with self.wiring.database.read() as session:
            return int(session.scalar(unfinished) or 0)

    def _found(self, numbers: list[int]) -> Found:
        with self.wiring.database.read() as session:
            rows = session.execute(
                select(Delivery.id, Delivery.state).where(Delivery.message_id.in_(numbers))
            ).all()
            told = select(Attempt.delivery_id).where(
                Attempt.outcome == states.UNKNOWN, Attempt.delivery_id.in_([row.id for row in rows])
            )
            evident = {key(number) for number in session.scalars(told)}
            books = [reconcile.books(session, number) for number in numbers]
            report = Counter[str]()
            for each in books:
                report.update({state: each[state] for state in states.STATES})
            ledger = Counter(row.state for row in rows)
            agree = all(each["reconciled"] and each["intended"] == PEOPLE for each in books) and all(
                report[state] == ledger[state] for state in states.STATES
            )
            made = session.scalar(select(func.count()).select_from(Message)) or 0
            too_many = made - MESSAGES * (self.number + 1)
        return Found(
            {key(row.id): row.state for row in rows}, evident, too_many, agree, self._open(numbers), self.wiring.ahead
        )  # fmt: skip


def administrator(wired: wiring.Wiring) -> str:
    """The token of a new administrator of everything."""
    with begin(wired, CONSOLE) as act:
        user = users.create(act, name="Prover", email="prover@example.org")
        users.grant(act, role="administrator", user_id=user.id)
        return tokens.make(
            act, name="proof", kind="person", user_id=user.id, scopes=list(SCOPES), defaults={},
            expires_at=act.now + timedelta(days=300), grants=[],
        ).text  # fmt: skip


def in_a_process(act: Callable[[], T]) -> tuple[int, T | None]:
    """Its exit status, and what it gave where it came to its end."""
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        _child(act, reads, writes)
    os.close(writes)
    with os.fdopen(reads, "rb") as told:
        given = told.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status, pickle.loads(given) if status == 0 else None


def _child(act: Callable[[], Any], reads: int, writes: int) -> None:
    status = 1
    try:
        os.close(reads)
        given = pickle.dumps(act())
        with os.fdopen(writes, "wb") as tell:
            tell.write(given)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)
