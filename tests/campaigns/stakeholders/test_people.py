"""Tests of people: who they are, what they belong to, and what names and values are refused."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy.orm import Session

from campaigns.errors import BadField, BadTime, InUse, NotFound
from campaigns.stakeholders import fields, people
from campaigns.stakeholders.tables import Involvement
from campaigns.stakeholders.text import flags, fold

LATER = datetime(2026, 11, 3, tzinfo=UTC)


def test_a_person_needs_no_address(session: Session, now: datetime) -> None:
    """A1: identity is an id of our own."""
    person = people.create(session, now, kind="person", name="Siân ap Rhys", languages=["CY", "en-gb"])
    people.involve(session, now, person.id, 1)
    assert people.get(session, person.id).languages == ["cy", "en-GB"]
    assert person.name_fold == "siân ap rhys"


@pytest.mark.parametrize(
    "name",
    [
        '"><script>alert(1)</script>', "'; DROP TABLE stakeholders; --", "{{7*7}}", "=HYPERLINK(1)",
        "\\u0000",         "مريم الأحمد", "Ŵŷn ap Gwŷdd", "👨‍👩‍👧‍👦", "a\u200bb", "x\u202etxt.exe", "<", "'",
        '"', "NULL", "Ω≈ç√∫˜µ≤≥÷", "﷽", "ﬁ",
        " spaced ", "%s%n", "../../etc/passwd", "🏴󠁧󠁢󠁷󠁬󠁳󠁿", "1e999", "ｆｕｌｌ", "true", "undefined",
    ],
)  # fmt: skip
def test_odd_text_comes_back_as_it_went_in(session: Session, now: datetime, name: str) -> None:
    """R44, C19: text is data."""
    person = people.create(session, now, kind="person", name=name)
    session.expire(person)
    assert person.name == name


def test_names_written_in_two_ways_are_stored_as_one(session: Session, now: datetime) -> None:
    person = people.create(session, now, kind="person", name="Sia\u0302n")
    assert person.name == "Siân"


@pytest.mark.parametrize(
    "name", ["a\x00b", "a\ud800b", "a\nb", "a\x1bb", "a\u2028b", "", "  ", 7, None, "x" * 501]
)
def test_text_that_cannot_be_kept_is_refused_with_its_place(
    session: Session, now: datetime, name: str
) -> None:
    """R10, R11: on both databases alike."""
    with pytest.raises(BadField) as refused:
        people.create(session, now, kind="person", name=name)
    assert refused.value.pointer == "/name"


def test_what_may_deceive_a_reader_is_kept_and_flagged() -> None:
    """R42."""
    assert flags("exe\u202egpj") == ["bidi_control"]
    assert flags("pay\u200bpal") == ["invisible"]
    assert flags("pаypal") == ["mixed_script"]
    assert flags("Siân Иван Ω") == []


def test_folding_keeps_sharp_s_apart() -> None:
    assert fold("STRAßE") != fold("STRASSE")
    assert fold("Ŵ\u0302") == fold(fold("Ŵ\u0302"))


@pytest.mark.parametrize(
    ("values", "pointer"),
    [
        ({"kind": "robot"}, "/kind"),
        ({"languages": ["english"]}, "/languages/0"),
        ({"languages": "cy"}, "/languages"),
        ({"zone": "EST"}, "/zone"),
        ({"zone": "../../etc/passwd"}, "/zone"),
        ({"external_id": ""}, "/external_id"),
        ({"attrs": {"town": "Bangor"}}, "/attrs/town"),
    ],
)
def test_a_wrong_value_is_named(
    session: Session, now: datetime, values: dict[str, object], pointer: str
) -> None:
    with pytest.raises((BadField, BadTime)) as refused:
        people.create(session, now, **{"kind": "person", "name": "Ann", **values})  # type: ignore[arg-type]
    assert refused.value.pointer == pointer


def test_an_old_zone_name_becomes_the_current_one(session: Session, now: datetime) -> None:
    """R26."""
    assert people.create(session, now, kind="person", name="Oksana", zone="Europe/Kiev").zone == "Europe/Kyiv"


def test_changes_merge_attributes_and_count_the_version(session: Session, now: datetime) -> None:
    """A14: what is not named stays; None takes away."""
    for name in ("town", "shoe"):
        fields.define(session, now, name, "text")
    person = people.create(session, now, kind="person", name="Ann", attrs={"town": "Bangor", "shoe": "5"})
    people.change(session, person, LATER, attrs={"shoe": None})
    assert (person.attrs, person.attrs_fold, person.version) == ({"town": "Bangor"}, {"town": "bangor"}, 2)
    people.change(session, person, LATER, attrs={"town": "Bangor"}, name="Ann")
    assert (person.version, person.updated_at) == (2, LATER)


def test_what_the_service_keeps_cannot_be_set(session: Session, now: datetime) -> None:
    """R34."""
    person = people.create(session, now, kind="person", name="Ann")
    with pytest.raises(BadField):
        people.change(session, person, now, state="erased")


def test_an_external_id_is_one_stakeholder(session: Session, now: datetime) -> None:
    first, created = people.upsert(session, now, "crm-1", name="Ann")
    again, created_again = people.upsert(session, LATER, "crm-1", name="Ann Jones", source="other")
    assert (first.id, created, created_again, again.name, again.source) == (
        again.id,
        True,
        False,
        "Ann Jones",
        "api",
    )
    with pytest.raises(InUse):
        people.create(session, now, kind="person", name="Bob", external_id="crm-1")
    other = people.create(session, now, kind="person", name="Bob")
    with pytest.raises(InUse):
        people.change(session, other, now, external_id="crm-1")


def test_everyone_behind_an_organisation_on_a_day(session: Session, now: datetime) -> None:
    """A2."""
    body = people.create(session, now, kind="organisation", name="Cyngor Gwynedd")
    names = {}
    for name in ("Zoe", "Ann", "Bob"):
        names[name] = people.create(session, now, kind="person", name=name)
    people.join(session, names["Zoe"].id, body.id, "chair", date(2026, 1, 1))
    left = people.join(session, names["Ann"].id, body.id, "", None, None)
    people.join(session, names["Bob"].id, body.id, "clerk", date(2026, 6, 1), date(2026, 6, 30))
    assert [one.name for one in people.behind(session, body.id, date(2026, 6, 30))] == ["Ann", "Bob", "Zoe"]
    people.leave(session, left, date(2026, 6, 29))
    assert [one.name for one in people.behind(session, body.id, date(2026, 6, 30))] == ["Bob", "Zoe"]
    people.archive(session, now, names["Zoe"])
    assert people.behind(session, body.id, date(2026, 7, 1)) == []


def test_memberships_that_cannot_be_are_refused(session: Session, now: datetime) -> None:
    body = people.create(session, now, kind="group", name="Choir")
    person = people.create(session, now, kind="person", name="Ann")
    for wrong in ((body.id, body.id), (person.id, person.id)):
        with pytest.raises(BadField):
            people.join(session, *wrong)
    with pytest.raises(BadField):
        people.join(session, person.id, body.id, "", date(2026, 2, 1), date(2026, 1, 1))
    with pytest.raises(NotFound):
        people.join(session, 1, body.id)


def test_involvement_is_said_once_and_can_be_changed(session: Session, now: datetime) -> None:
    """SM5."""
    person = people.create(session, now, kind="person", name="Ann")
    people.involve(session, now, person.id, 7)
    people.involve(session, LATER, person.id, 7, connection="both", rank="primary", note="chairs\nthe forum")
    kept = session.get_one(Involvement, (person.id, 7))
    assert (kept.connection, kept.rank, kept.note, kept.at) == ("both", "primary", "chairs\nthe forum", now)
    with pytest.raises(BadField):
        people.involve(session, now, person.id, 7, rank="third")


def test_tags_that_differ_in_capitals_are_one(session: Session, now: datetime) -> None:
    person = people.create(session, now, kind="person", name="Ann")
    for name in ("Ysgol", "YSGOL", "board"):
        people.tag(session, person.id, name)
    assert people.tags(session, person.id) == ["board", "Ysgol"]
    people.untag(session, person.id, "ysgol")
    people.untag(session, person.id, "never was")
    assert people.tags(session, person.id) == ["board"]
