"""Every path to sending that exists, and a small installation to walk them in.

Rules: the provider's wire is the only double and the clock the only thing that is moved; all else is the API, the
duties of `dolen clock`, the steps of `dolen work` and commands as they are typed.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path as File
from typing import Any

import pytest
from alembic import command
from sqlalchemy.orm import Session

from campaigns.base import parse_id, public_id
from campaigns.database import Database
from campaigns.delivery import resolve, send
from campaigns.delivery.tables import Account, Delivery
from campaigns.messages import content
from campaigns.stakeholders import addresses, imports, people, segments
from campaigns.stakeholders.tables import Stakeholder
from campaigns.strategies import agreements, programmes, strategies
from connectors.api import Connector, Deferred, Outbound, Repeats, Uncertain
from service import clock, upgrade
from service.__main__ import main
from service.app import create_app
from service.engines.embedded import Engine
from service.settings import load
from service.wiring import Wiring

from .campaigns.delivery.world import BLIND, FINDABLE, KEYED, World
from .service.conftest import Answer, Api, People

EVERYONE: dict[str, Any] = {"all": []}
# The console has a real clock, so what a file declares must lie before that too.
SIGNED_UP = datetime.fromisoformat("2026-01-01T00:00:00+00:00")


class Installation(Wiring):
    """The product's own wiring, with the clock of a world and its provider."""

    def __init__(self, folder: File) -> None:
        chosen = {
            "WORK__IDLE_S": "0.01", "WORK__TICK_S": "0.02", "LOG__LEVEL": "error", "CONNECTORS__LOCAL": "true",
            "DATA__DIR": str(folder),
        }  # fmt: skip
        super().__init__(load({f"DOLEN__{name}": value for name, value in chosen.items()}))
        self.app = create_app(wiring=self)

    def moves_to(self, world: World) -> None:
        """Work on another database from now on."""
        self.world, self.database = world, world.database

    def now(self) -> datetime:
        return self.world.time

    def connector(self, session: Session, account: Account) -> Connector:
        return self.world.connector


numbers = count(1)
_installations: list[Installation] = []


def installed(folder: File) -> Installation:
    """The one installation of this run, for it is slow to make; the folder of the first who asks is its own."""
    if not _installations:
        _installations.append(Installation(folder / "data"))
    return _installations[0]


class Town:
    """One programme at a level of assurance, its strategy, words and people, and one message on its way.

    `ann` writes and sends. `bob` checks what needs a second person, and has agreed to the strategy; `cai` may be asked.
    """

    def __init__(
        self, database: Database, now: datetime, folder: File, *, assurance: str = "light",
        repeats: Repeats = KEYED, agreed: bool = True, text: str = "Hello {{ name }}", purpose: str = "service",
        language: str = "en",
    ) -> None:  # fmt: skip
        self.number = next(numbers)
        self.world = World(database, now, repeats, name=f"mail {self.number}")
        installation = installed(folder)
        installation.moves_to(self.world)
        self.wire, self.wiring, self.purpose = self.world.wire, installation, purpose
        self.api = Api(installation.app, installation.app.test_client())
        self.users = People(installation)
        token = partial(self.users, expires_at=now + timedelta(days=300))
        self.ann, self.bob, self.cai = token(), token(), token()
        self.message_id, self.stop, self.checked = 0, "", True
        self.ceiling: int | None = None
        self.reached_directly: list[str] = []
        self.names: dict[int, str] = {}
        with database.write() as session:
            made = programmes.create(session, now, name="Town", starts_on=now.date(), assurance=assurance)
            self.programme_id = made.id
            self.strategy_id = self._strategy(session, agreed) if assurance == "agreed" else 0
            segment = segments.create(session, now, programme_id=made.id, name="Everyone", rule=EVERYONE)
            item = content.create(session, now, made.id, "Hello", author=self.actor(self.ann))
            self.segment_id, self.content_id = segment.id, item.id
            self.write_words(session, text, language)

    def _strategy(self, session: Session, agreed: bool) -> int:
        now, bob = self.world.time, self.actor(self.bob)
        made = strategies.create(
            session, now, programme_id=self.programme_id, segment_id=None, name="For all"
        )
        body = {"aims": "To be heard", "purpose": "service", "default_language": "en"}
        version = strategies.new_version(session, now, made, body, self.actor(self.ann))
        (party,) = agreements.set_parties(session, made, [{"kind": "user", "ref": bob}])
        if agreed:
            agreements.decide(session, now, version, party, "agreed", version.digest, bob)
        return made.id

    def actor(self, token: str) -> str:
        return public_id("usr", self.users.users[token])

    def write_words(self, session: Session, text: str = "Hello {{ name }}", language: str = "en") -> None:
        item = content.get(session, self.content_id)
        content.save_variant(
            session, self.world.time, item, channel="email", language=language, author=self.actor(self.ann),
            subject="Hi", text=text,
        )  # fmt: skip

    def person(self, session: Session, name: str, address: str | None = "", **values: Any) -> Stakeholder:
        """Somebody of this programme; `address` "" is one made from the name, None is none."""
        now = self.world.time
        made = people.create(
            session, now, kind="person", name=name, external_id=self.external_id(name), **values
        )
        people.involve(session, now, made.id, self.programme_id)
        if address is not None:
            addresses.add(session, now, made.id, "email", address or self.address(name))
        self.names[made.id] = name
        return made

    def external_id(self, name: str) -> str:
        return f"{name} {self.number}"

    def address(self, name: str) -> str:
        return f"{name}@town{self.number}.example"

    def people(self, *names: str) -> None:
        with self.world.database.write() as session:
            for name in names:
                self.person(session, name)

    # --- what people do -------------------------------------------------------------------------------------------

    def call(self, method: str, path: str, token: str = "", **more: Any) -> Any:
        """Do something by API; it must be taken."""
        answer = self.asked(method, path, token, **more)
        assert answer.status_code < 300, answer.text
        return answer.json

    def asked(self, method: str, path: str, token: str = "", **more: Any) -> Answer:
        """Ask something of the API, whatever it says."""
        return self.api.call(method, path, token or self.ann, **more)

    def post(self, *, named: bool = False, key: str = "once", **more: Any) -> None:
        """POST /v1/messages, to the segment or to everybody by name."""
        audience: dict[str, Any] = {"segment": public_id("seg", self.segment_id)}
        if named:
            audience = {"stakeholders": [public_id("stk", one) for one in self.names]}
        body = {
            "programme_id": public_id("prg", self.programme_id), "purpose": self.purpose, "ceiling": self.ceiling,
            "content_item": public_id("cnt", self.content_id),
            "accounts": [public_id("acc", self.world.account_id)], **audience, **more,
        }  # fmt: skip
        made = self.call("POST", "/v1/messages", json=body, headers={"Idempotency-Key": key})
        self.message_id = parse_id("msg", made["id"])

    @property
    def path(self) -> str:
        return f"/v1/messages/{public_id('msg', self.message_id)}"

    def check(self) -> None:
        """A second person approves what they read, where that is what it waits for."""
        read = self.call("GET", self.path)
        if self.checked and read["state"] == "waiting":
            self.decide("approved")

    def decide(self, decision: str) -> None:
        digest = self.call("GET", self.path)["digest"]
        body = {"digest": digest, "decision": decision, "reason": "as I read it"}
        self.call("POST", f"{self.path}/approvals", self.bob, json=body)

    def bring_in(self, file: str, **options: Any) -> None:
        """Import a CSV file by API: checked, confirmed, taken in by a worker."""
        form = {name: json.dumps(value) for name, value in options.items()}
        form["programme_id"] = public_id("prg", self.programme_id)
        upload = (io.BytesIO(file.encode()), "people.csv")
        made = self.call("POST", "/v1/imports", data={**form, "file": upload})
        self.call("POST", f"/v1/imports/{made['id']}/confirm")
        assert imports.run_pending(self.world.database.sessions, self.wiring.now) == 1

    def type_import(self, file: str, *arguments: str) -> None:
        """`dolen import FILE`, as it is typed."""
        with self.world.database.write_engine.begin() as connection:
            command.stamp(upgrade.config(connection), "head")
        path = self.wiring.settings.folder / "people.csv"
        path.write_text(file, encoding="utf-8")
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("DOLEN__DATABASE__URL", self.world.database.url)
            environment.setenv("DOLEN__DATA__DIR", str(self.wiring.settings.folder))
            environment.setenv("DOLEN__LOG__LEVEL", "error")
            programme = public_id("prg", self.programme_id)
            assert main(["import", str(path), "--programme", programme, "--yes", *arguments]) == 0

    # --- what the processes do ------------------------------------------------------------------------------------

    def clock(self) -> None:
        """Every duty of `dolen clock`, once."""
        for duties, _period in clock.ticks(self.wiring).values():
            for duty in duties:
                duty()

    def work(self) -> int:
        """A worker as it is called directly: batches until there is none; how many."""
        desk = self.wiring.desk("worker")
        for done in range(50):
            if not send.work(desk):
                return done
        raise AssertionError("the worker takes the same batch again and again")

    def run(self) -> None:
        """Clock and worker, until neither finds anything to do."""
        self.clock()
        while self.work() + resolve.resolve(self.wiring.desk("worker")):
            self.clock()

    def run_processes(self, until: Callable[[], bool]) -> None:
        """`dolen clock` and `dolen work` with their own threads, until something has become true."""
        engine, scheduler = Engine(self.wiring), clock.start(self.wiring)
        engine.start()
        try:
            give_up = time.monotonic() + 60
            while not until():
                assert time.monotonic() < give_up, self.call("GET", self.path)
                time.sleep(0.01)
        finally:
            engine.stop()
            scheduler.shutdown(wait=True)
            engine.join()

    def later(self, **span: float) -> None:
        self.world.later(**span)

    def provider_says(self, error: Exception | None) -> None:
        """What the provider answers to anybody from now on; None: it takes everything."""

        def answer(_outbound: Outbound) -> None:
            assert error is not None
            raise error

        everybody = map(self.address, self.names.values())
        self.wire.answers = {} if error is None else dict.fromkeys(everybody, answer)

    # --- what can be seen -----------------------------------------------------------------------------------------

    def rows(self) -> list[Delivery]:
        return self.world.rows(self.message_id)

    def states(self) -> dict[str, str]:
        """State (and reason) of everybody's row, by name."""
        return {
            self.names[row.stakeholder_id or 0]: f"{row.state}:{row.reason}" if row.reason else row.state
            for row in self.rows()
        }

    def reached(self) -> list[str]:
        """Whom the provider took something for, by name."""
        return sorted(to.split("@")[0] for to in self.wire.accepted)

    def stands_still(self) -> bool:
        return self.world.state(self.message_id) not in ("scheduled", "sending")


@dataclass(frozen=True)
class Path:
    """A way to sending: what was before the obstacle or exclusion came, the act itself, and what follows from it."""

    name: str
    before: Callable[[Town], None] = lambda town: None
    act: Callable[[Town], None] = lambda town: None
    then: Callable[[Town], None] = lambda town: town.run()
    repeats: Repeats = KEYED
    assurance: str = ""
    agreed: bool = True
    # The message has ended when the obstacle comes, so that a person can do nothing with it before the act.
    ended: bool = False
    # Rows exist before the obstacle comes.
    released: bool = True
    brings: tuple[str, ...] = ()


def _in(town: Town, **span: float) -> str:
    return (town.world.time + timedelta(**span)).isoformat()


def _planned(town: Town, *, named: bool = False, **span: float) -> None:
    """Accepted, and due in an hour: rows of a segment are not written yet."""
    town.post(send_at=_in(town, **(span or {"hours": 1})), named=named)
    town.check()


def _released(town: Town) -> None:
    """Accepted and written into the ledger, due in five minutes."""
    _planned(town, minutes=5)
    town.clock()


def _an_hour_later(town: Town) -> None:
    town.later(hours=1)
    town.run()


def _at_once(town: Town) -> None:
    town.post()
    town.check()


def _failed(town: Town) -> None:
    """Nobody could be reached while it was useful."""
    town.provider_says(Deferred("busy"))
    town.post(useful_until_s=3600)
    town.check()
    town.run()
    town.later(hours=2)
    town.run()
    town.provider_says(None)


def _unknown(town: Town) -> None:
    """Handed over, and no answer came; nothing was taken."""
    town.provider_says(Uncertain("the line went dead"))
    _at_once(town)
    town.run()
    town.provider_says(None)


def _retry(town: Town) -> None:
    town.call("POST", f"{town.path}/retry")


def _decide(town: Town) -> None:
    for row in town.rows():
        if row.state == "unknown":
            body = {"outcome": "queued", "evidence": "it is not in their log"}
            town.call("POST", f"/v1/deliveries/{public_id('dlv', row.id)}/decide", json=body)


def _work(town: Town) -> None:
    """The worker alone, in the minute at which it is due, before any clock has looked."""
    town.later(minutes=5)
    town.work()
    town.reached_directly = town.reached()
    town.clock()  # it takes nothing, and says why the message is held where the worker was not even asked


def _pause(town: Town) -> None:
    _released(town)
    town.call("POST", f"{town.path}/pause")


def _resume(town: Town) -> None:
    town.call("POST", f"{town.path}/resume")


def _edit(town: Town) -> None:
    town.call("PATCH", town.path, json={"send_at": _in(town, hours=1)}, headers={"If-Match": "*"})
    town.check()


def _urgent(town: Town) -> None:
    digest = town.call("GET", town.path)["digest"]
    body = {"digest": digest, "reason": "the river rises tonight"}
    town.call("POST", f"{town.path}/urgent_go", town.bob, json=body)


def _not_checked(town: Town) -> None:
    town.post(send_at=_in(town, hours=1))


def _processes(town: Town) -> None:
    town.later(hours=1)
    town.run_processes(town.stands_still)


def _import(town: Town) -> None:
    town.bring_in(_newcomer(town))
    _knows_newcomer(town)


def _type_import(town: Town) -> None:
    town.type_import(_newcomer(town))
    _knows_newcomer(town)


def _newcomer(town: Town) -> str:
    row = f"{town.external_id('newcomer')},newcomer,{town.address('newcomer')},en"
    return f"external_id,name,email,language\n{row}\n"


def _knows_newcomer(town: Town) -> None:
    with town.world.database.read() as session:
        found = people.by_external_id(session, town.external_id("newcomer"))
    assert found is not None
    town.names[found.id] = "newcomer"


API = Path("api", _planned, then=_an_hour_later, released=False)
NAMED = Path("api, by name", partial(_planned, named=True), then=_an_hour_later)
AT_ONCE = Path("api, at once", act=_at_once, released=False)
EDIT = Path("edit", _planned, _edit, _an_hour_later, released=False)
RESUME = Path("resume", _pause, _resume, _an_hour_later)
RETRY = Path("retry", _failed, _retry, ended=True)
IMPORT = Path("import", _planned, _import, _an_hour_later, released=False, brings=("newcomer",))
COMMANDS = Path("command line", _planned, _type_import, _processes, released=False, brings=("newcomer",))
WORKER = Path("worker", _released, then=_work)
DECIDE = Path("decide", _unknown, _decide, repeats=BLIND, ended=True)
REPEAT = Path("keyed repeat", _unknown, then=_an_hour_later, repeats=KEYED)
LOOK_UP = Path("look up", _unknown, then=_an_hour_later, repeats=FINDABLE)
URGENT = Path(
    "urgent go", _not_checked, _urgent, _an_hour_later, assurance="agreed", agreed=False, released=False
)
PATHS = (API, NAMED, AT_ONCE, EDIT, RESUME, RETRY, IMPORT, COMMANDS, WORKER, DECIDE, REPEAT, LOOK_UP, URGENT)
