"""Replay: what failed or could not be read is thought about again, and what was right stays as it is."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from campaigns.delivery.tables import DeliveryEvent
from campaigns.responses import intake, replay
from campaigns.responses.tables import RawEvent, Response
from campaigns.stakeholders.tables import Suppression
from connectors.api import Event, Heard

from .conftest import World


def states(world: World) -> dict[str, str]:
    """The state of each event by its key."""
    return {key: state for key, state in world.session.execute(select(RawEvent.event_key, RawEvent.state))}


def test_what_could_not_be_read_is_read_again(world: World) -> None:
    """J7: from the bytes that were kept, and once."""
    intake.park(world.session, world.now, world.mail.id, ['{"word": "new"}', '{"word": "stranger"}'], "push")
    event = Event(key="new", kind="mention", at=world.now, sender="ann", raw=b"{}")

    def read(body: bytes) -> Heard:
        return Heard((event,)) if b'"new"' in body else Heard(parked=(body.decode(),))

    assert replay.unread(world.session, world.now, world.mail.id, read) == (1, 1)
    assert sorted(states(world).values()) == ["done", "new", "parked"] and states(world)["new"] == "new"
    assert replay.unread(world.session, world.now, world.mail.id, read) == (0, 1)
    assert replay.unread(world.session, world.now, world.account("other", "email").id, read) == (0, 0)


def test_more_than_a_page_is_read_again(world: World) -> None:
    parked = [str(n) for n in range(replay.PAGE + 5)]
    intake.park(world.session, world.now, world.mail.id, parked, "push")
    assert replay.unread(
        world.session, world.now, world.mail.id, lambda body: Heard(parked=(body.decode(),))
    ) == (
        0,
        len(parked),
    )
    assert replay.unread(world.session, world.now, world.mail.id, lambda body: Heard()) == (len(parked), 0)


def test_what_failed_is_due_again_and_what_was_right_is_not(world: World) -> None:
    good, bad = world.hear(world.event("mention", sender="a"), world.event("mention", sender="b"))
    bad.state, bad.tries, bad.error = "parked", 3, "KeyError: 'x'"
    assert replay.again(world.session, world.now, world.mail.id) == 1
    world.session.expire_all()
    assert (bad.state, bad.tries, good.state) == ("new", 0, "done") and not bad.error


def test_to_think_of_everything_again_changes_nothing(world: World) -> None:
    """H5: effects are repeatable."""
    delivery = world.delivery(world.person("Siân", "sian@ysgol.example"))
    events = [
        world.event(kind, provider_id=delivery.provider_id, about="sian@ysgol.example", hard=True)
        for kind in ("delivered", "opened", "bounce", "complaint")
    ]
    world.hear(*events)

    def found() -> list[object]:
        tables = (DeliveryEvent, Response, Suppression)
        counts = [world.session.scalar(select(func.count()).select_from(one)) for one in tables]
        return [*counts, delivery.state]

    before = found()
    for _ in range(3):
        assert replay.again(world.session, world.now, world.mail.id, world.now) == len(events)
        world.session.expire_all()
        world.hear(*events)
        assert found() == before
    later = world.now + timedelta(seconds=1)
    assert replay.again(world.session, later, world.mail.id, later) == 0


def test_nothing_is_left_to_think_about_of_somebody_who_was_erased(world: World) -> None:
    raw = world.hear(world.event("mention", sender="ann"))[0]
    raw.event, raw.body = {}, None
    world.session.flush()
    assert replay.again(world.session, world.now, world.mail.id, world.now) == 0


def test_a_proof_that_holds_once_holds_once_for_each_account(world: World) -> None:
    """H4: kept for longer than a day."""
    other = world.account("other", "email")
    assert intake.is_first(world.session, world.now, world.mail.id, "token")
    assert not intake.is_first(world.session, world.now + timedelta(hours=25), world.mail.id, "token")
    assert intake.is_first(world.session, world.now, world.mail.id, "another token")
    assert intake.is_first(world.session, world.now, other.id, "token")
    assert intake.is_first(world.session, world.now + timedelta(days=3), world.mail.id, "token")
