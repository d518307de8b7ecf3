"""Each obstacle is tried on each path to sending: it holds the message by name, and what it held goes by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path as Folder

import pytest
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from campaigns.base import public_id
from campaigns.database import Database
from campaigns.delivery import accounts
from campaigns.delivery.tables import Account, MissedRun, Rollout
from campaigns.messages import quiet, timing
from campaigns.messages.blockers import SIGNATURES
from campaigns.messages.tables import Message, MessageAccount, Occurrence
from campaigns.stakeholders import people
from campaigns.strategies import programmes

from .paths import AT_ONCE, LOOK_UP, NAMED, PATHS, REPEAT, RESUME, URGENT, Path, Town

Act = Callable[[Town], None]
PEOPLE = ("ann", "ben")


@dataclass(frozen=True)
class Obstacle:
    """What comes between, and what takes it away again."""

    kind: str
    comes: Act
    goes: Act
    assurance: str = "light"
    # It can stand before there is a message.
    standing: bool = True
    # It is a person's act on a message that has not ended.
    on_open: bool = False
    scope: str = ""

    @property
    def name(self) -> str:
        return f"{self.kind} {self.scope}".strip()


def _asks_cai(town: Town) -> None:
    parties = [{"kind": "user", "ref": town.actor(one)} for one in (town.bob, town.cai)]
    town.call("PUT", f"{_strategy(town)}/parties", json={"parties": parties})


def _cai_agrees(town: Town) -> None:
    version = town.call("GET", f"{_strategy(town)}/versions/1")
    asked = town.call("GET", f"{_strategy(town)}/parties")["data"]
    party = next(one["id"] for one in asked if one["ref"] == town.actor(town.cai))
    body = {"party": party, "decision": "agreed", "digest": version["digest"]}
    town.call("POST", f"{_strategy(town)}/versions/1/agreements", town.cai, json=body)


def _strategy(town: Town) -> str:
    return f"/v1/strategies/{public_id('str', town.strategy_id)}"


def _assurance(town: Town, level: str) -> None:
    with town.world.database.write() as session:
        made = programmes.get(session, town.programme_id)
        programmes.set_assurance(session, town.world.time, made, level, "as we decided")


def _not_approved(town: Town) -> None:
    town.checked = False
    if town.message_id:
        town.decide("refused")


def _approved(town: Town) -> None:
    town.decide("approved")


def _other_rule(town: Town) -> None:
    """It names the same people, and it is not what was read."""
    town.checked = False
    rule = {"field": "kind", "op": "is", "value": "person"}
    path = f"/v1/segments/{public_id('seg', town.segment_id)}"
    town.call("PATCH", path, json={"rule": rule}, headers={"If-Match": "*"})


def _stopped(town: Town, scope: str) -> None:
    number = {"account": town.world.account_id, "programme": town.programme_id, "segment": town.segment_id}
    prefix = {"account": "acc", "programme": "prg", "segment": "seg"}
    body = {"scope": scope, "reason": "the wrong list"}
    if scope != "all":
        body["ref"] = public_id(prefix[scope], number[scope])
    town.stop = town.call("POST", "/v1/stops", json=body)["id"]


def _lifted(town: Town) -> None:
    town.call("POST", f"/v1/stops/{town.stop}/lift", json={"why": "the right list after all"})


def _refused_login(town: Town) -> None:
    with town.world.database.write() as session:
        assert accounts.refuse(session, town.world.account_id, town.world.time, "login revoked")


def _verified(town: Town) -> None:
    path = f"/v1/connector_accounts/{public_id('acc', town.world.account_id)}/verify"
    assert town.call("POST", path)["ok"]


def _no_account(town: Town) -> None:
    with town.world.database.write() as session:
        session.execute(delete(MessageAccount).where(MessageAccount.message_id == town.message_id))


def _account(town: Town) -> None:
    values = {"message_id": town.message_id, "account_id": town.world.account_id, "channel": "email"}
    with town.world.database.write() as session:
        session.execute(insert(MessageAccount).values(values))


def _no_words(town: Town) -> None:
    town.call("DELETE", f"/v1/content_items/{public_id('cnt', town.content_id)}/variants/email/en")


def _words(town: Town) -> None:
    with town.world.database.write() as session:
        town.write_words(session)


def _limit(town: Town, **limits: int | None) -> None:
    connector = town.world.connector
    with town.world.database.write() as session:
        account = session.get_one(Account, town.world.account_id)
        accounts.declare(account, replace(connector, limits=replace(connector.limits, **limits)))  # type: ignore[arg-type]


def _one_more(town: Town) -> None:
    town.people("late")


def _one_less(town: Town) -> None:
    (late,) = (number for number, name in town.names.items() if name == "late")
    with town.world.database.write() as session:
        people.archive(session, town.world.time, people.get(session, late))


def _quiet(town: Town) -> None:
    now = town.world.time
    with town.world.database.write() as session:
        quiet.begin(
            session, now, name="Before the election", reason="the law asks for it", by=town.actor(town.bob),
            from_at=now, until_at=now + timedelta(days=300), programme_id=town.programme_id,
        )  # fmt: skip


def _loud(town: Town) -> None:
    with town.world.database.write() as session:
        (period,) = (
            one
            for one in session.scalars(quiet.standing(town.world.time))
            if one.programme_id == town.programme_id
        )
        quiet.end(session, town.world.time, period, by=town.actor(town.bob), why="the election was put off")


def _paused(town: Town) -> None:
    town.call("POST", f"{town.path}/pause")


def _resumed(town: Town) -> None:
    town.call("POST", f"{town.path}/resume")


def _missed(town: Town) -> None:
    """Its time came while no clock was there, and its message asks that a person says what then."""
    with town.world.database.write() as session:
        one = _first_time(session, town)
        missed = {"message_id": one.message_id, "occurrence_id": one.id, "due_at": one.due_at}
        session.add(MissedRun(**missed, found_at=town.world.time, done="held"))


def _goes_late(town: Town) -> None:
    (waiting,) = town.call("GET", "/v1/missed_runs?waiting=true")["data"]
    town.call("POST", f"/v1/missed_runs/{waiting['occurrence']}/decide", json={"go": True})


def _part_went_badly(town: Town) -> None:
    """What the first part of a roll-out came to, as it is written down when that is known."""
    with town.world.database.write() as session:
        one = _first_time(session, town)
        message = session.get_one(Message, one.message_id)
        timing.choose(session, message, {"missed": "hold"})
        numbers = {"tried": 10, "bounced": 5, "complained": 0}
        session.add(
            Rollout(
                occurrence_id=one.id, message_id=one.message_id, decide_at=one.due_at, done="stopped",
                decided_at=town.world.time, **numbers,
            )
        )  # fmt: skip


def _overruled(town: Town) -> None:
    with town.world.database.read() as session:
        number = _first_time(session, town).id
    town.call("POST", f"{town.path}/occurrences/{public_id('occ', number)}/go_on", town.bob)


def _first_time(session: Session, town: Town) -> Occurrence:
    of_message = select(Occurrence).where(Occurrence.message_id == town.message_id)
    found = session.scalars(of_message.order_by(Occurrence.id)).first()
    assert found is not None
    return found


OBSTACLES = (
    Obstacle("agreement_missing", _asks_cai, _cai_agrees, "agreed"),
    Obstacle("strategy_missing", partial(_assurance, level="agreed"), partial(_assurance, level="light")),
    Obstacle("approval_missing", _not_approved, _approved, "reviewed", on_open=True),
    Obstacle("approval_stale", _other_rule, _approved, "reviewed", standing=False),
    *(
        Obstacle("stopped", partial(_stopped, scope=scope), _lifted, scope=scope)
        for scope in ("all", "account", "programme", "segment")
    ),
    Obstacle("account_out_of_service", _refused_login, _verified),
    Obstacle("no_account", _no_account, _account, standing=False),
    Obstacle("variant_missing", _no_words, _words),
    Obstacle("content_over_limit", partial(_limit, text_max=3), partial(_limit, text_max=None)),
    Obstacle("media_not_taken", partial(_limit, media_min=1, media_max=1), partial(_limit, media_min=0)),
    Obstacle("ceiling_exceeded", _one_more, _one_less),
    Obstacle("quiet_period", _quiet, _loud),
    Obstacle("missed_run", _missed, _goes_late, standing=False),
    Obstacle("rollout_stopped", _part_went_badly, _overruled, standing=False),
    Obstacle("paused", _paused, _resumed, standing=False, on_open=True),
)
# An urgent go passes these over: that is what it is for. What it does not cover is tried by itself below.
SIGNED_OVER = (
    "agreement_missing", "strategy_missing", "approval_missing", "approval_stale", "variant_missing", "no_account",
)  # fmt: skip


def meets(path: Path, obstacle: Obstacle) -> bool:
    """Whether this obstacle can come up at all on this path."""
    if path is AT_ONCE:
        return obstacle.standing
    if path is URGENT:
        return obstacle.kind not in SIGNED_OVER
    if path is RESUME:
        return obstacle.kind != "paused"
    if path is NAMED:  # these are about the segment
        return obstacle.name not in ("approval_stale", "stopped segment", "ceiling_exceeded")
    if path in (REPEAT, LOOK_UP):  # words of what is going out cannot be taken away: see below
        return obstacle.kind != "variant_missing"
    return True


BOTH = [
    pytest.param(path, obstacle, id=f"{path.name}-{obstacle.name}")
    for path in PATHS
    for obstacle in OBSTACLES
    if meets(path, obstacle)
]


@pytest.mark.parametrize(("path", "obstacle"), BOTH)
def test_an_obstacle_holds_on_every_path(
    path: Path, obstacle: Obstacle, shared_database: Database, now: datetime, tmp_path: Folder
) -> None:
    """B4, B5, SM13: nothing reaches the wire, nobody is left out, it says why, and then it goes by itself."""
    level = path.assurance or obstacle.assurance
    here = Town(shared_database, now, tmp_path, assurance=level, repeats=path.repeats, agreed=path.agreed)
    here.people(*PEOPLE)
    if obstacle.kind == "ceiling_exceeded":
        here.ceiling = len(PEOPLE) + len(path.brings)
    path.before(here)
    acts = [obstacle.comes, path.act]
    if path is URGENT or (path.ended and obstacle.on_open):
        acts.reverse()
    for act in acts:
        act(here)
    path.then(here)
    assert here.wire.accepted == []
    assert set(here.states().values()) <= {"queued", "unknown"}
    assert_held(here, obstacle)
    obstacle.goes(here)
    here.run()
    wanted = sorted([*PEOPLE, *path.brings])
    assert here.reached() == wanted
    assert here.world.state(here.message_id) == "finished"
    states = {name: state for name, state in here.states().items() if name != "late"}
    assert states == dict.fromkeys(wanted, "sent")


def assert_held(town: Town, obstacle: Obstacle) -> None:
    read = town.call("GET", town.path)
    if obstacle.kind == "paused":
        assert read["state"] == "paused"
        return
    held_by = [one for one in read["held_by"] if one["kind"] == obstacle.kind]
    assert held_by and all(one["detail"] for one in held_by), read["held_by"]
    assert obstacle.scope in ("", held_by[0].get("scope"))
    with town.world.database.read() as session:
        begun = session.get_one(Message, town.message_id).started_at is not None
    unsigned = any(one["kind"] in SIGNATURES for one in read["held_by"])
    assert read["state"] == ("waiting" if unsigned and not begun else "held")
    told = town.call("GET", f"{town.path}/blockers")["blockers"]
    assert obstacle.kind in [one["kind"] for one in told]


@pytest.mark.parametrize("path", [path for path in PATHS if path is not URGENT], ids=lambda path: path.name)
def test_at_light_one_person_alone_gets_through_on_every_path(
    path: Path, shared_database: Database, now: datetime, tmp_path: Folder
) -> None:
    """A1, SM13: no strategy of their own, no second person, no set-up."""
    here = Town(shared_database, now, tmp_path, repeats=path.repeats)
    here.bob = here.cai = ""
    here.people(*PEOPLE)
    path.before(here)
    path.act(here)
    path.then(here)
    here.run()
    assert sorted(here.states().items()) == [(name, "sent") for name in sorted([*PEOPLE, *path.brings])]
    assert len(here.wire.accepted) == len(here.names)
    assert here.world.state(here.message_id) == "finished"
