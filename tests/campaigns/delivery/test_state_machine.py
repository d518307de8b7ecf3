"""A state machine over delivery: hypothesis writes stories out of everything that can happen, and the promises hold.

The provider is the only double; it keeps its own log. STEPS says how many steps are taken (2,000 unless told).
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from campaigns.database import Database
from campaigns.delivery import control, reconcile, resolve, send, states, stops
from campaigns.delivery.compose import key
from campaigns.delivery.tables import Account, Attempt, Delivery
from campaigns.errors import DomainError
from campaigns.messages import messages
from campaigns.messages.tables import Message
from campaigns.stakeholders import consent
from connectors.api import (
    AccountGone,
    AddressGone,
    Blind,
    ConnectorError,
    Deferred,
    Findable,
    Keyed,
    Outbound,
    Receipt,
    Refused,
    Repeats,
    Uncertain,
)

from ...conftest import NOW
from .world import Died, World

LIFE_S, VISIBLE_S = 3600.0, 30.0
NAMES = ("ann", "bob", "cai", "dee", "eve")
KINDS: dict[str, Repeats] = {
    "keyed": Keyed(LIFE_S), "findable": Findable(VISIBLE_S), "hold": Blind(), "retry": Blind(), "assume_sent": Blind(),
}  # fmt: skip
ANSWERS = (
    "take", "take", "take", "defer", "defer_account", "defer_domain", "refuse", "gone", "account_gone",
    "taken_uncertain", "lost_uncertain", "broken", "die_before", "die_after",
)  # fmt: skip
PLACES = (
    "claim.after_commit", "render.after", "intent.before_commit", "intent.after_commit", "net.after_reply",
    "result.before_commit", "result.after_commit",
)  # fmt: skip
STEPS = int(os.environ.get("STEPS") or 2000)
A_STORY = 50


class Provider:
    """Takes what it is given as the story says, and writes down what it took."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.script: list[str] = []
        self.mood = itertools.cycle(["take"])  # its answers where the story has no other
        self.log: list[tuple[str, datetime]] = []  # key of the delivery, and when it was taken
        self.known: dict[str, tuple[str, datetime]] = {}
        self.now: Callable[[], datetime] = lambda: NOW
        self.asked: Callable[[Outbound], None] = lambda outbound: None

    def send(self, outbound: Outbound) -> Receipt:
        self.asked(outbound)
        told = self.script.pop(0) if self.script else next(self.mood)
        self._refuse(told)
        if told in ("lost_uncertain", "die_before"):
            self._part(told)
        receipt = self._take(outbound)
        if told in ("taken_uncertain", "die_after", "broken"):
            self._part(told)
        return receipt

    def find(self, outbound: Outbound) -> Receipt | None:
        seen = self.now() - timedelta(seconds=VISIBLE_S)
        found = [name for name, at in self.log if name == outbound.key and at <= seen]
        return Receipt(f"p-{outbound.key}") if found else None

    def copies(self) -> Counter[str]:
        return Counter(name for name, _ in self.log)

    def _refuse(self, told: str) -> None:
        refusals: dict[str, ConnectorError] = {
            "defer": Deferred("later"), "defer_account": Deferred("slower", scope="account", retry_after_s=30.0),
            "defer_domain": Deferred("slower", scope="domain", retry_after_s=30.0),
            "refuse": Refused("not this"), "gone": AddressGone("nobody"), "account_gone": AccountGone("no login"),
        }  # fmt: skip
        if told in refusals:
            raise refusals[told]

    def _part(self, told: str) -> None:
        if told.startswith("die"):
            raise Died
        raise RuntimeError("broke its word") if told == "broken" else Uncertain("no answer")

    def _take(self, outbound: Outbound) -> Receipt:
        first = self.known.get(outbound.key) if self.kind == "keyed" else None
        if first is None or self.now() >= first[1] + timedelta(seconds=LIFE_S):
            self.log.append((outbound.key, self.now()))
            self.known[outbound.key] = (f"p-{outbound.key}", self.now())
        return Receipt(f"p-{outbound.key}")


class Story(RuleBasedStateMachine):
    """What may happen, in any order; after each step the books are looked at."""

    template: Path
    database: Database  # one for all stories, so that SQL is compiled once; its file is new for each
    taken = 0  # steps of all stories so far

    def __init__(self) -> None:
        super().__init__()
        shutil.copy(self.template, self.database.url.removeprefix("sqlite:///"))

    @initialize(
        kind=st.sampled_from(sorted(KINDS)),
        many=st.booleans(),
        mood=st.lists(st.sampled_from(ANSWERS), max_size=8),
    )
    def begin(self, kind: str, many: bool, mood: list[str]) -> None:
        self.kind, self.provider = kind, Provider(kind)
        self.provider.mood = itertools.cycle(["take", *mood])
        self.world = World(self.database, NOW, KINDS[kind], in_flight=1)
        self._connect(many)
        self.provider.now, self.provider.asked = self.world.now, self._asked
        with self.database.write() as session:
            session.get_one(Account, self.world.account_id).on_unknown = (
                kind if isinstance(KINDS[kind], Blind) else "hold"
            )
            self.people = self.world.people(session, NAMES)
        self.made: list[int] = []
        self.told: dict[int, str] = {}  # what a person said of an unknown row
        self.again = Counter[str]()  # how often a person had a row sent again though it may have gone
        self.halted: set[int] = set()  # messages that are paused or cancelled
        self.opted_out: set[str] = set()
        self.stop_ids: list[int] = []
        self.in_hand: set[str] = set()  # what was `sending` when somebody said no: it may still go
        self.submit(set(range(len(NAMES))), 0)

    def _connect(self, many: bool) -> None:
        def all_of(letters: Any) -> Any:
            for letter in letters:
                try:
                    yield letter.key, self.provider.send(letter)
                except ConnectorError as error:
                    yield letter.key, error

        self.world.connector = replace(
            self.world.connector,
            send=self.provider.send,
            send_many=all_of if many else None,
            find=self.provider.find if self.kind == "findable" else None,
        )

    # --- what people do
    @precondition(lambda self: len(self.made) < 6)
    @rule(who=st.sets(st.sampled_from(range(len(NAMES))), min_size=1), later=st.sampled_from((0, 0, 0, 5)))
    def submit(self, who: set[int], later: int) -> None:
        """Whoever sends something new has cleared the way for it."""
        while self.stop_ids:
            self.lift()
        self._bring_back_the_account()
        recipients = [self.people[n] for n in sorted(who)]
        at = self.world.time + timedelta(minutes=later)
        self.made.append(self.world.message((), recipients=recipients, at=at))

    @precondition(lambda self: self.made)
    @rule(data=st.data(), act=st.sampled_from(("edit", "pause", "resume", "cancel", "retry")))
    def act_on_message(self, data: st.DataObject, act: str) -> None:
        self._do(act, data.draw(st.sampled_from(self.made)))

    def _do(self, act: str, message_id: int) -> None:
        with suppress(DomainError), self.database.write() as session:
            message = session.get_one(Message, message_id)
            if act == "edit":
                control.take_back(session, self.world.time, message)
                messages.edit(session, self.world.time, message, at=self.world.time + timedelta(minutes=1))
            else:
                getattr(control, act)(session, self.world.time, message)
            halted = message.state in ("paused", "cancelled")
            session.flush()
            self._said_no(session)
            (self.halted.add if halted else self.halted.discard)(message_id)

    @precondition(lambda self: len(self.opted_out) < 3)
    @rule(who=st.sampled_from(NAMES))
    def opt_out(self, who: str) -> None:
        with self.database.write() as session:
            consent.suppress(
                session, self.world.time, channel="email", reason="no_contact", origin="recipient",
                stakeholder_id=self.people[NAMES.index(who)][0],
            )  # fmt: skip
            self._said_no(session)
        self.opted_out.add(f"{who}@example.org")

    @precondition(lambda self: not self.stop_ids)
    @rule(scope=st.sampled_from(("all", "account", "programme")))
    def stop(self, scope: str) -> None:
        numbers = {"account": self.world.account_id, "programme": self.world.programme_id}
        with self.database.write() as session:
            made = stops.stop(
                session,
                self.world.time,
                scope=scope,
                ref_id=numbers.get(scope, 0),
                reason="wait",
                by="user:ann",
            )
            self.stop_ids.append(made.id)
            self._said_no(session)

    @precondition(lambda self: self.stop_ids)
    @rule()
    def lift(self) -> None:
        with self.database.write() as session:
            stops.lift(session, self.world.time, self.stop_ids.pop(), by="user:ann", why="go on")

    @rule(outcome=st.sampled_from((states.SENT, states.FAILED, states.QUEUED)))
    def decide(self, outcome: str) -> None:
        """A person looks at what nobody could find out."""
        self.recover()
        self.find()
        with suppress(DomainError), self.database.write() as session:
            found = reconcile.unknowns(session, limit=1)
            for row in found:
                control.decide(
                    session, self.world.time, row, outcome=outcome, by="user:ann", evidence="the log"
                )
                session.flush()
                self.told[row.id] = outcome
                # what is said to have failed may be sent again with the rest, by `retry`
                self.again[key(row.id)] += outcome != states.SENT

    def _bring_back_the_account(self) -> None:
        with self.database.write() as session:
            account = session.get_one(Account, self.world.account_id)
            account.state, account.not_before_at = "active", None
            account.touch(self.world.time)

    # --- what machines do
    @rule(script=st.lists(st.sampled_from(ANSWERS), max_size=6))
    def work(self, script: list[str]) -> None:
        self._work(script, lambda place: None)

    @rule(script=st.lists(st.sampled_from(ANSWERS), max_size=3), place=st.sampled_from(PLACES))
    def worker_dies(self, script: list[str], place: str) -> None:
        def die(passed: str) -> None:
            if passed == place:
                raise Died

        self._work(script, die)

    @precondition(lambda self: self.made)
    @rule(
        script=st.lists(st.sampled_from(ANSWERS), max_size=3),
        act=st.sampled_from(("pause", "cancel", "edit", "stop", "opt_out", "recover")),
        place=st.sampled_from(
            ("claim.after_commit", "render.after", "intent.after_commit", "net.after_reply")
        ),
        data=st.data(),
    )
    def work_while_somebody_acts(self, script: list[str], act: str, place: str, data: st.DataObject) -> None:
        """In the middle of a wave somebody says no, or the clock takes the batch for lost."""
        left = [act]

        def meanwhile(passed: str) -> None:
            if passed == place and left:
                left.clear()
                if act == "recover":
                    self.world.recover()
                elif act == "stop":
                    self.stop("all")
                elif act == "opt_out":
                    self.opt_out(data.draw(st.sampled_from(NAMES)))
                else:
                    self._do(act, data.draw(st.sampled_from(self.made)))

        self._work(script, meanwhile)

    def _work(self, script: list[str], at: Callable[[str], None]) -> None:
        self.world.tick()
        self.provider.script = list(script)
        with suppress(Died):
            while send.work(self.world.desk(failpoint=at)):
                pass
        self.provider.script = []
        self.in_hand.clear()

    @rule()
    def recover(self) -> None:
        """The lease is over, and what was put off or is to be looked up is due."""
        self.world.recover()
        self.world.later(minutes=6)

    @rule()
    def find(self) -> None:
        resolve.resolve(self.world.desk())

    @rule(span=st.sampled_from((1, 10, 60, 600, 7200, 90_000)))
    def time_passes(self, span: int) -> None:
        """And the machines go on; within hours somebody sees to an account that was refused."""
        self.world.later(seconds=span)
        if span >= 7200:
            self._bring_back_the_account()
        self._work([], lambda place: None)

    # --- the promises
    def _said_no(self, session: Any) -> None:
        sending = select(Delivery.id).where(Delivery.state == states.SENDING)
        self.in_hand = {key(number) for number in session.scalars(sending)}

    def _asked(self, outbound: Outbound) -> None:
        """Nothing is handed over after a no, but what was being handed over at that moment."""
        if outbound.key in self.in_hand:
            return
        with self.database.read() as session:
            row = session.scalars(select(Delivery).where(Delivery.state == states.SENDING)).all()
            mine = [one for one in row if key(one.id) == outbound.key]
        assert mine, "the intent was not committed before the network was touched"
        assert outbound.to not in self.opted_out, "sent to somebody who had opted out"
        assert mine[0].message_id not in self.halted, "sent though paused or cancelled"
        assert not self.stop_ids, "sent under a stop"

    @invariant()
    def nothing_is_lost_and_nobody_gets_it_twice(self) -> None:
        Story.taken += 1
        if not hasattr(self, "made"):
            return
        copies = self.provider.copies()
        with self.database.read() as session:
            rows = {key(row.id): row for row in session.scalars(select(Delivery))}
            noted = Counter(
                session.scalars(select(Attempt.delivery_id).where(Attempt.outcome == states.UNKNOWN))
            )
        assert set(copies) <= set(rows), "what went out has no row any more"
        for name, row in rows.items():
            repeats = self.again[name] + (noted[row.id] if self.kind == "retry" else 0)
            self._look(row, copies[name], 1 + repeats, self.told.get(row.id))

    def _look(self, row: Delivery, copies: int, may_copy: int, told: str | None) -> None:
        assert copies <= may_copy, f"{copies} copies where {may_copy} may be"
        if row.state == states.SENT and told is None and self.kind != "assume_sent":
            assert copies, "sent, and the provider knows nothing of it"
        if copies and told is None and self.kind != "retry":
            # bounced: taken once, and when it was repeated under its key the address was gone
            may_be = (states.SENT, states.UNKNOWN, states.SENDING, states.BOUNCED)
            assert row.state in may_be, f"it went, and is {row.state}"
        if row.state in (states.FAILED, states.EXCLUDED, states.BOUNCED):
            assert row.reason, f"{row.state} without a reason"

    def teardown(self) -> None:
        try:
            if hasattr(self, "made"):
                self._end_well()
        finally:
            self.database.close()

    def _end_well(self) -> None:
        """Once every obstacle is gone and time passes, everything comes to its end by itself."""
        self.provider.mood = itertools.cycle(["take"])
        while self.stop_ids:
            self.lift()
        self._bring_back_the_account()
        for message_id in self.made:
            self._do("resume", message_id)
        rounds = 0
        while self._open() and rounds < 12:
            rounds += 1
            self.world.recover()
            self.world.later(hours=5)
            self.world.run()
        self.nothing_is_lost_and_nobody_gets_it_twice()
        with self.database.read() as session:
            for message_id in self.made:
                assert session.get_one(Message, message_id).state in ("finished", "cancelled")
                assert reconcile.books(session, message_id)["reconciled"]
            for row in session.scalars(select(Delivery).where(Delivery.state == states.UNKNOWN)):
                assert session.scalar(select(Attempt.n).where(Attempt.delivery_id == row.id)), (
                    "unknown, unexplained"
                )

    def _open(self) -> bool:
        going = Message.state.not_in(("finished", "cancelled"))
        left = Delivery.state.in_(states.OPEN) | Delivery.next_at.is_not(None)
        with self.database.read() as session:
            return session.scalar(select(Message.id).where(going)) is not None or (
                session.scalar(select(Delivery.id).where(left)) is not None
            )


def tell_stories(template: Path, steps: int, *, same: bool) -> int:
    """Stories of at most 50 steps until `steps` were taken; how many were. `same`: the same ones each time."""
    with tempfile.TemporaryDirectory(prefix="dolen-story-", dir=template.parent) as folder:
        Story.template, Story.taken, Story.database = template, 0, Database(f"sqlite:///{folder}/dolen.db")
        number = 0
        while Story.taken < steps:
            number += 1
            run_state_machine_as_test(
                hypothesis.seed(number)(Story) if same else Story,
                settings=hypothesis.settings(
                    max_examples=max(1, (steps - Story.taken) // A_STORY), stateful_step_count=A_STORY, deadline=None,
                    database=None, print_blob=True, suppress_health_check=list(hypothesis.HealthCheck),
                ),
            )  # fmt: skip
    return Story.taken


def test_whatever_happens_in_whatever_order_the_promises_hold(sqlite_template: Path) -> None:
    assert tell_stories(sqlite_template, STEPS, same=True) >= STEPS
