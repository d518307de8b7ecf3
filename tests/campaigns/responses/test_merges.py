"""Merging: nothing moves, both count at once for what people asked of us, and the undo is exact."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns import tables
from campaigns.errors import AlreadyDone, BadField, Conflict, NotFound
from campaigns.messages import hours
from campaigns.responses import merges
from campaigns.stakeholders import addresses, consent, fields, kin, people, topics
from campaigns.stakeholders.tables import Involvement, Merge
from campaigns.strategies import programmes

US = "user:ann"
names = merges._names
MAIL: dict[str, Any] = {"purpose": "direct_marketing", "channel": "email"}


def person(session: Session, now: datetime, name: str, **more: Any) -> int:
    return people.create(session, now, kind="person", name=name, **more).id


def merge(session: Session, now: datetime, kept: int, gone: int) -> Merge:
    """With the kept one's word wherever the two differ."""
    pair = (people.get(session, kept), people.get(session, gone))
    take = dict.fromkeys(merges.differences(*pair), "kept")
    return merges.merge(session, now, kept, gone, take=take, reason="the same", by=US)


def everything(session: Session) -> dict[str, list[tuple[Any, ...]]]:
    """Every row there is but those about the merging itself, and how often a record was edited."""
    session.expire_all()
    session.flush()
    found = {}
    for table in tables.metadata.sorted_tables:
        if table.name == "merges":
            continue
        columns = [one for one in table.c if one.name not in ("version", "updated_at")]
        found[table.name] = sorted(tuple(map(repr, row)) for row in session.execute(select(*columns)))
    return found


ACTS = (
    "address",
    "tag",
    "involve",
    "consent",
    "withdraw",
    "suppress",
    "choose",
    "member",
    "name",
    "field",
    "hours",
)
STEPS = st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 3), st.integers(0, 2)), max_size=14)


def agree(session: Session, now: datetime, who: int) -> None:
    before = consent.latest(session, [who], **MAIL).get(who)
    if before is None or before.act == "given":
        consent.give(session, now, who, **MAIL, basis="consent", source="test", actor="recipient")


def act(session: Session, now: datetime, what: str, who: int, place: dict[str, Any], n: int) -> None:
    """One thing that happens in a life, to somebody, in one of three ways."""
    one = people.get(session, who)
    said: dict[str, Any] = {"source": "test", "actor": "recipient"}
    match what:
        case "address":
            addresses.add(
                session, now, who, ("email", "sms", "x")[n], ("a@b.example", "+442920000000", "ann")[n]
            )
        case "tag":
            people.tag(session, who, f"tag {n}")
        case "involve":
            people.involve(session, now, who, place["programmes"][n], rank=("primary", None, "secondary")[n])
        case "consent":
            agree(session, now, who)
        case "withdraw":
            consent.withdraw(session, now, who, **MAIL, **said)
        case "suppress":
            consent.suppress(
                session, now, channel="email", reason="manual", origin="admin", stakeholder_id=who
            )
        case "choose":
            topics.choose(session, now, who, 0, "email", frequency=("all", "weekly", "none")[n], **said)
        case "member":
            people.join(session, who, place["bodies"][n], role="chair")
        case "name":
            people.change(session, one, now, name=f"Name {n}", languages=[("cy", "en", "ar")[n]])
        case "field":
            people.change(session, one, now, attrs={"town": ("Bala", "Barry", None)[n]})
        case "hours":
            hours.keep(
                session, now, stakeholder_id=who, weekdays=[n], opens=540, closes=1020, zone="Europe/London"
            )


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(life=STEPS, pairs=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=5))
def test_any_life_merged_and_undone_is_exactly_as_before(
    shared_database: Any, now: datetime, life: list[Any], pairs: list[tuple[int, int]]
) -> None:
    """A15."""
    with shared_database.sessions() as session:
        fields.define(session, now, name="town", type="text")
        place = {
            "programmes": [programmes.general(session, now).id + n for n in range(3)],
            "bodies": [
                people.create(session, now, kind="organisation", name=f"Body {n}").id for n in range(3)
            ],
        }
        four = [person(session, now, f"Ann {n}") for n in range(4)]
        for step, (what, who, n) in enumerate(life):
            act(session, now + timedelta(seconds=step), what, four[who], place, n)
        states, made = [everything(session)], []
        for kept, gone in pairs:
            try:
                made.append(merge(session, now, four[kept], four[gone]))
            except (BadField, Conflict):  # with itself, or merged already
                continue
            states.append(everything(session))
        while made:
            states.pop()
            merges.undo(session, now, made.pop(), US)
            assert everything(session) == states[-1]
        session.rollback()


@pytest.fixture
def two(session: Session, now: datetime) -> tuple[int, int]:
    return person(session, now, "Ann"), person(session, now, "Ann")


def test_merges_are_undone_in_turn_and_once(session: Session, now: datetime, two: tuple[int, int]) -> None:
    """A15: of a record, and of one that it was merged into."""
    ann, anne = two
    other = person(session, now, "Ann")
    first = merge(session, now, anne, other)
    last = merge(session, now, ann, anne)
    assert kin.records(session, other) == (ann, anne, other) == kin.records(session, ann)
    with pytest.raises(Conflict):
        merges.undo(session, now, first, US)
    merges.undo(session, now, last, US)
    assert (kin.records(session, other), kin.records(session, ann)) == ((anne, other), (ann,))
    merges.undo(session, now, first, US)
    with pytest.raises(AlreadyDone):
        merges.undo(session, now, first, US)


def test_what_people_changed_since_stays_as_they_said(
    session: Session, now: datetime, two: tuple[int, int]
) -> None:
    ann, anne = two
    people.change(session, people.get(session, anne), now, zone="Europe/London", languages=["cy"])
    people.involve(session, now, anne, 7)
    people.involve(session, now, anne, 8)
    made = merge(session, now, ann, anne)
    kept = people.get(session, ann)
    assert (kept.zone, kept.languages) == ("Europe/London", ["cy"])
    people.change(session, kept, now, languages=["en"])
    people.involve(session, now, ann, 7, note="chairs it")
    merges.undo(session, now, made, US)
    assert (kept.zone, kept.languages) == (None, ["en"])
    mine = session.scalars(select(Involvement.programme_id).where(Involvement.stakeholder_id == ann))
    assert mine.all() == [7]


def test_copies_are_taken_back_though_rows_have_a_column_more_by_then(
    session: Session, now: datetime, two: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A15: else an update between the two would leave the other's addresses where they do not belong."""
    ann, anne = two
    addresses.add(session, now, anne, "email", "anne@example.org")
    with monkeypatch.context() as older:  # which knew no such column
        older.setattr(merges, "_names", lambda table: [name for name in names(table) if name != "corporate"])
        made = merge(session, now, ann, anne)
    assert "corporate" not in made.added[merges.LEFT]["columns"]
    merges.undo(session, now, made, US)
    assert addresses.of(session, ann) == [] and merges.left(made) == []


def test_an_address_that_was_changed_on_the_kept_record_stays_and_is_told(
    session: Session, now: datetime, two: tuple[int, int]
) -> None:
    """A15: somebody proved that it is theirs, and it was taken for hers: a person has to look."""
    ann, anne = two
    for key in ("anne@example.org", "rees@example.org"):
        addresses.add(session, now, anne, "email", key)
    made = merge(session, now, ann, anne)
    copied = next(one for one in addresses.of(session, ann) if one.key == "anne@example.org")
    copied.verified_at = now
    assert merges.left(made) == []
    merges.undo(session, now, made, US)
    assert [one.id for one in addresses.of(session, ann)] == [copied.id] == merges.left(made)


@pytest.mark.parametrize("wrong", ["itself", "another kind", "archived", "gone already", "nobody"])
def test_what_cannot_be_merged_is_refused(
    session: Session, now: datetime, two: tuple[int, int], wrong: str
) -> None:
    ann, anne = two
    kept, gone = ann, anne
    error: type[Exception] = Conflict
    if wrong == "itself":
        gone, error = ann, BadField
    elif wrong == "another kind":
        gone, error = people.create(session, now, kind="group", name="Ann").id, BadField
    elif wrong == "archived":
        people.archive(session, now, people.get(session, ann))
    elif wrong == "gone already":
        merge(session, now, person(session, now, "Ann"), anne)
    else:
        gone, error = 1, NotFound
    with pytest.raises(error):
        merges.merge(session, now, kept, gone, take={}, reason="", by=US)


@pytest.mark.parametrize("take", [{}, {"zone": "kept"}, {"name": "both"}])
def test_it_must_be_said_whose_word_counts(session: Session, now: datetime, take: dict[str, str]) -> None:
    ann, anne = person(session, now, "Ann"), person(session, now, "Anne")
    with pytest.raises(BadField) as refused:
        merges.merge(session, now, ann, anne, take=take, reason="", by=US)
    assert refused.value.pointer == ("/take/zone" if "zone" in take else "/take/name")
