"""Each exclusion is tried on each path to sending: that person is left out with the reason, the others get it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path as Folder
from typing import Any

import pytest
from sqlalchemy.orm import Session

from campaigns.database import Database
from campaigns.delivery import states
from campaigns.delivery.tables import Delivery
from campaigns.messages import content
from campaigns.messages.tables import Message, Occurrence
from campaigns.stakeholders import addresses, consent, fields, people, topics
from campaigns.stakeholders.tables import Stakeholder
from campaigns.strategies import strategies

from .paths import COMMANDS, IMPORT, PATHS, REPEAT, SIGNED_UP, WORKER, Path, Town

Comes = Callable[[Town, Session, Stakeholder], object]
PURPOSE = "direct_marketing"
GET_IT = ("ann", "ben")
CONSENT: dict[str, Any] = {"basis": "consent", "source": "sign-up sheet", "actor": "recipient"}


@dataclass(frozen=True)
class Exclusion:
    """Somebody who is not to get it. `comes` is what happened to them once the message was on its way."""

    name: str
    state: str
    comes: Comes | None = None
    # They differ from the others from the start.
    without: tuple[str, ...] = ()
    languages: tuple[str, ...] = ("cy",)
    # Nobody means them any more: where rows are still to be written, they get none.
    out_of_segment: bool = False


def _suppress(reason: str, channel: str = "email", *, address: bool = False) -> Comes:
    def comes(town: Town, session: Session, person: Stakeholder) -> object:
        about: dict[str, Any] = {"stakeholder_id": person.id}
        if address:
            about = {"address_key": town.address(town.names[person.id])}
        return consent.suppress(
            session, town.world.time, channel=channel, reason=reason, origin="recipient", **about
        )

    return comes


def _retires(town: Town, session: Session, person: Stakeholder) -> None:
    (address,) = addresses.of(session, person.id)
    addresses.retire(session, address)


def _withdraws(town: Town, session: Session, person: Stakeholder) -> None:
    consent.withdraw(
        session, town.world.time, person.id, PURPOSE, "email", source="a letter", actor="recipient"
    )


def _expires(town: Town, session: Session, person: Stakeholder) -> None:
    now = town.world.time
    soon = now + timedelta(seconds=1)
    consent.give(session, now, person.id, PURPOSE, "email", expires_at=soon, **CONSENT)


def _is_archived(town: Town, session: Session, person: Stakeholder) -> None:
    people.archive(session, town.world.time, person)


def _is_erased(town: Town, session: Session, person: Stakeholder) -> None:
    person.state = "erased"


def _chooses(frequency: str, *, pause: bool = False) -> Comes:
    def comes(town: Town, session: Session, person: Stakeholder) -> object:
        now = town.world.time
        return topics.choose(
            session, now, person.id, topics.EVERYTHING, "email", frequency=frequency,
            pause_until=now + timedelta(days=30) if pause else None, source="preferences", actor="recipient",
        )  # fmt: skip

    return comes


def _has_had_one(town: Town, session: Session, person: Stakeholder) -> None:
    """They want one a week at most, and another message reached them yesterday."""
    _chooses("weekly")(town, session, person)
    yesterday = town.world.time - timedelta(days=1)
    programme_id = town.world.programme_id
    item = content.create(session, yesterday, programme_id, "Yesterday's news")
    other = Message(
        programme_id=programme_id, content_id=item.id, purpose=PURPOSE, author="user:ann", state="finished",
        strategy_version_id=strategies.everyday(session, programme_id, yesterday).id,
        created_at=yesterday, updated_at=yesterday,
    )  # fmt: skip
    session.add(other)
    session.flush()
    gone = Occurrence(
        message_id=other.id, wall="2026-01-01T09:00", zone="UTC", due_at=yesterday, state="finished"
    )
    session.add(gone)
    session.flush()
    session.add(
        Delivery(
            occurrence_id=gone.id, message_id=other.id, target=person.id, stakeholder_id=person.id, channel="email",
            account_id=town.world.account_id, state="sent", due_at=yesterday, sent_at=yesterday, settled_at=yesterday,
        )
    )  # fmt: skip
    session.flush()


EXCLUSIONS = (
    Exclusion("no_address", "excluded:no_address", without=("address",)),
    Exclusion("retired_address", "excluded:no_address", _retires),
    Exclusion("stopped_address", "excluded:suppressed", _suppress("manual", address=True)),
    Exclusion("hard_bounce", "excluded:suppressed", _suppress("hard_bounce", address=True)),
    Exclusion("opted_out", "excluded:suppressed", _suppress("opt_out")),
    Exclusion("complained", "excluded:suppressed", _suppress("spam_complaint")),
    Exclusion("no_contact_at_all", "excluded:suppressed", _suppress("no_contact", "*")),
    Exclusion("archived", "excluded:suppressed", _is_archived, out_of_segment=True),
    Exclusion("erased", "excluded:erased", _is_erased, out_of_segment=True),
    Exclusion("never_asked", "excluded:no_lawful_basis", without=("consent",)),
    Exclusion("withdrew", "excluded:no_lawful_basis", _withdraws),
    Exclusion("expired", "excluded:no_lawful_basis", _expires),
    Exclusion("wants_none", "excluded:topic_opt_out", _chooses("none")),
    Exclusion("pauses", "excluded:person_paused", _chooses("all", pause=True)),
    Exclusion("had_one", "excluded:frequency_cap", _has_had_one),
    Exclusion("twin", "excluded:duplicate_address", without=("own address",)),
    Exclusion("reads_french", "excluded:variant_missing", languages=("fr",)),
    Exclusion("untitled", "failed:data_missing", without=("title",)),
)


def _everybody(town: Town) -> None:
    """People with a title who read Welsh and have said yes, and those of EXCLUSIONS."""
    others = [Exclusion(name, "sent") for name in GET_IT]
    with town.world.database.write() as session:
        fields.define(session, town.world.time, "title", "text")
        for one in (*others, *EXCLUSIONS):
            address = town.address("ann") if "own address" in one.without else ""
            attrs = {} if "title" in one.without else {"title": "Dr"}
            person = town.person(
                session, one.name, None if "address" in one.without else address,
                languages=list(one.languages), attrs=attrs,
            )  # fmt: skip
            if "consent" not in one.without:
                consent.give(session, town.world.time, person.id, PURPOSE, "email", at=SIGNED_UP, **CONSENT)


def _things_happen(town: Town) -> None:
    with town.world.database.write() as session:
        for number, name in town.names.items():
            one = next((one for one in EXCLUSIONS if one.name == name), None)
            if one is not None and one.comes is not None:
                one.comes(town, session, people.get(session, number))
    town.later(seconds=2)


DECLARED = {
    "purpose": PURPOSE, "channel": "email", "basis": "consent", "source": "an old list",
    "wording_version": "1", "at": "2026-01-01T00:00:00Z",
}  # fmt: skip


def _old_list(town: Town) -> str:
    """Everybody, as an old list has them: with their addresses, and a yes of those who gave one."""
    told = {one.name: one for one in EXCLUSIONS}
    lines = ["external_id,name,email,language,consent"]
    for name in town.names.values():
        one = told.get(name, Exclusion(name, "sent"))
        address = town.address("ann" if "own address" in one.without else name)
        said = "no" if "consent" in one.without or name == "expired" else "yes"
        shown = "" if "address" in one.without else address
        lines.append(f"{town.external_id(name)},{name},{shown},{one.languages[0]},{said}")
    return "\n".join(lines) + "\n"


def _import_again(town: Town) -> None:
    town.bring_in(_old_list(town), declaration=DECLARED)


def _type_again(town: Town) -> None:
    declared = [part for name, value in DECLARED.items() for part in ("--declare", f"{name}={value}")]
    town.type_import(_old_list(town), *declared)


AGAIN = {IMPORT.name: _import_again, COMMANDS.name: _type_again}
WAYS = [replace(path, act=AGAIN.get(path.name, path.act), brings=()) for path in PATHS]


@pytest.mark.parametrize("path", WAYS, ids=lambda path: path.name)
def test_an_exclusion_excludes_on_every_path(
    path: Path, shared_database: Database, now: datetime, tmp_path: Folder, subtests: pytest.Subtests
) -> None:
    """H2, H3, A12, SM18: each of them by name, and neither an import nor a retry opens anything again."""
    here = Town(
        shared_database, now, tmp_path, assurance=path.assurance or "light", repeats=path.repeats,
        agreed=path.agreed, purpose=PURPOSE, text="Hello {{ fields.title }} {{ name }}", language="cy",
    )  # fmt: skip
    _everybody(here)
    path.before(here)
    assert here.wire.accepted == []
    _things_happen(here)
    path.act(here)
    path.then(here)
    here.run()
    if path.name == WORKER.name:
        assert here.reached_directly == [*GET_IT]
    assert here.reached() == [*GET_IT]
    assert here.world.state(here.message_id) == "finished"
    found = here.states()
    assert {name for name, state in found.items() if state == "sent"} == {*GET_IT}
    for one in EXCLUSIONS:
        with subtests.test(exclusion=one.name):
            assert found.get(one.name) == _expected(path, one)
    if path.name == REPEAT.name:
        _assert_not_repeated(here)


def _expected(path: Path, one: Exclusion) -> str | None:
    if one.out_of_segment and not path.released:
        return None
    if path.name == REPEAT.name and one.comes is not None:
        return states.UNKNOWN  # it may have gone: a person decides, and it is told why it was not repeated
    return one.state


def _assert_not_repeated(town: Town) -> None:
    told = {one.name: one.state.split(":")[1] for one in EXCLUSIONS if one.comes is not None}
    for row in town.rows():
        if row.state == states.UNKNOWN:
            assert row.error == {"not_repeated": told[town.names[row.stakeholder_id or 0]]}
