"""A mailing that is being handed over keeps nothing waiting that is more urgent."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.orm import Session

from campaigns.database import Database
from campaigns.delivery import send
from campaigns.delivery.backoff import Pace
from campaigns.delivery.tables import Account
from connectors.api import Connector, Outbound
from service.engines.embedded import Engine
from service.engines.way import Way
from service.settings import load
from service.wiring import Wiring

from ..campaigns.delivery.world import World

PATIENCE_S = 60.0


class Wired(Wiring):
    """An installation whose one account is that of a world."""

    def __init__(self, folder: Path, world: World) -> None:
        super().__init__(load({"DOLEN__DATA__DIR": str(folder)}), database=world.database)
        self.world = world

    def connector(self, session: Session, account: Account) -> Connector:
        return self.world.connector


def test_each_lane_passes_the_one_below_it_while_that_is_being_handed_over(
    database: Database, tmp_path: Path
) -> None:
    world, go_on = World(database, datetime.now(UTC), in_flight=1), threading.Event()
    begun = {name: threading.Event() for name in ("bulk", "normal", "urgent")}

    def hold(outbound: Outbound) -> None:
        name = outbound.to.split("@")[0]
        begun[name].set()
        if name != "urgent":
            assert go_on.wait(PATIENCE_S)

    world.wire.answers = {f"{name}@example.org": hold for name in begun}
    engine = Engine(Wired(tmp_path, world))
    engine.start()
    try:
        for lane, event in begun.items():
            world.message([lane], lane=lane)
            world.tick()
            assert event.wait(PATIENCE_S), f"{lane} waits for what is less urgent"
        until = time.monotonic() + PATIENCE_S
        while "urgent@example.org" not in world.wire.accepted:
            assert time.monotonic() < until
            time.sleep(0.01)
        assert world.wire.accepted == ["urgent@example.org"]
    finally:
        go_on.set()
        engine.stop()
        engine.join()


def test_who_is_at_a_mailing_waits_until_nobody_goes_first() -> None:
    way, told = Way(PATIENCE_S), []
    way.give()  # nobody does: at once

    def mailing() -> None:
        way.give()
        told.append("mailing")

    thread = threading.Thread(target=mailing)
    with way.first():
        with way.first():
            thread.start()
        told.append("letter")
    thread.join(PATIENCE_S)
    assert told == ["letter", "mailing"]


def test_what_goes_first_for_too_long_keeps_nobody_waiting() -> None:
    way = Way(0.0)
    with way.first():
        way.give()


def test_a_mailing_gives_way_before_each_wave_and_nothing_else_does(
    database: Database, tmp_path: Path
) -> None:
    world = World(database, datetime.now(UTC))
    engine = Engine(Wired(tmp_path, world))
    gave = []
    bulk = replace(engine._bulk_desk, give_way=lambda: gave.append(1), pace=Pace(wave_max=2))
    for lane in ("bulk", "normal"):
        world.message([f"{lane}{n}" for n in range(6)], lane=lane)
    world.tick()
    assert engine._bulk_desk.give_way == engine._way.give
    assert send.work(bulk, ("bulk",)) and len(gave) >= 3
    gave.clear()
    assert send.work(engine.desk, ("normal",)) and not gave
    assert len(world.wire.accepted) == 12
