"""A mailing that is being handed over keeps nothing waiting that is more urgent."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.orm import Session

from campaigns.database import Database
from campaigns.delivery.tables import Account
from connectors.api import Connector, Outbound
from service.engines.embedded import Engine
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
