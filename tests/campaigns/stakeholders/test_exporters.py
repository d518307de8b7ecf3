"""Tests of what other systems' exports say: opt-outs are kept with their time, consent only where it is proven."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns.database import Database
from campaigns.errors import BadField, BadImport
from campaigns.stakeholders import addresses, consent, exporters, fields, imports, people
from campaigns.stakeholders.tables import Address, Consent, Import, Stakeholder, Suppression

from .test_imports import DECLARATION, NOW, check, clock, imported, outcomes
from .test_opening import zipped

EXPORTS = Path(__file__).parent / "exports"
OWN_TIME = {name: value for name, value in DECLARATION.items() if name != "at"}
Stops = dict[str, tuple[str, str, datetime]]


def export(name: str) -> dict[str, str]:
    """The files of an export, by their names."""
    kept = json.loads((EXPORTS / f"{name}.json").read_text())
    assert kept["source"] and kept["date"]
    files: dict[str, str] = kept["files"]
    return files


@pytest.fixture
def ready(database: Database) -> Database:
    with database.write() as session:
        fields.define(session, NOW, "town", "text")
    return database


def stops(session: Session) -> Stops:
    """Reason, origin and time of what is suppressed, by channel and address."""
    found = session.scalars(select(Suppression))
    return {f"{one.channel}:{one.address_key}": (one.reason, one.origin, one.at) for one in found}


def by_address(session: Session, key: str) -> Stakeholder:
    return session.scalars(select(Stakeholder).join(Address).where(Address.key == key)).one()


def taken_in(database: Database, body: str | bytes, name: str, **more: Any) -> Import:
    return imported(database, body, filename=name, **more)


def utc(*told: int) -> datetime:
    return datetime(*told, tzinfo=UTC)  # type: ignore[misc,arg-type]


def test_mailchimp_as_it_comes_keeps_who_left_and_whose_mail_came_back(ready: Database) -> None:
    """L12: a ZIP of one file for each status; consent only for whoever signed up by themselves, at their own time."""
    done = taken_in(ready, zipped(export("mailchimp")), "audience.zip", declaration=OWN_TIME)
    assert done.detected["exporter"] == "mailchimp"
    assert done.counts == {"created": 5, "stopped": 3}
    with ready.read() as session:
        told = stops(session)
        assert told["email:maryam@example.org"] == ("opt_out", "import", utc(2019, 5, 6, 7, 8, 9))
        assert told["email:gone@example.org"] == ("hard_bounce", "import", utc(2020, 2, 3, 4, 5, 6))
        assert told["email:dafydd@example.org"] == ("opt_out", "import", NOW) and len(told) == 3
        given = session.scalars(select(Consent)).one()
        ann = by_address(session, "ann@example.org")
        assert (given.stakeholder_id, given.at) == (ann.id, utc(2018, 10, 11, 9, 55, 14))
        assert given.evidence["import"].startswith("imp_") and given.evidence["sha256"] == done.sha256
        assert (ann.name, people.tags(session, ann.id)) == ("Ann Rees", ["Blog", "VIP"])


def test_a_tag_of_mailchimp_may_have_a_comma_in_it_and_the_postal_address_is_kept(ready: Database) -> None:
    """L12"""
    body = 'Email Address,Address,LEID,EUID,TAGS\na@x.org,"1 Heol Fawr  Bangor",1,2,"""Choir, Bangor"",""VIP"""\n'
    taken_in(ready, body, "subscribed_1.csv")
    with ready.read() as session:
        ann = by_address(session, "a@x.org")
        assert people.tags(session, ann.id) == ["Choir, Bangor", "VIP"]
        assert [one.key for one in addresses.of(session, ann.id) if one.channel == "post"] == [
            "1 heol fawr bangor"
        ]


@pytest.mark.parametrize("name", list(export("mailchimp")))
def test_a_single_file_of_mailchimp_says_by_its_name_who_is_in_it(ready: Database, name: str) -> None:
    done = taken_in(ready, export("mailchimp")[name], name)
    assert done.counts.get("stopped", 0) == (0 if name.startswith("subscribed") else done.total)


def test_a_table_of_listmonk_keeps_the_blocked_and_their_own_fields(ready: Database) -> None:
    """L12."""
    done = taken_in(ready, export("listmonk")["subscribers.csv"], "subscribers.csv")
    assert (done.detected["exporter"], done.counts) == ("listmonk", {"created": 3, "stopped": 2})
    with ready.read() as session:
        assert {one: told[:2] for one, told in stops(session).items()} == {
            "email:maryam@example.org": ("no_contact", "import"), "email:off@example.org": ("manual", "import"),
        }  # fmt: skip
        ann = by_address(session, "ann@example.org")
        assert (ann.attrs, ann.external_id) == ({"town": "Bangor"}, None)


def test_json_of_listmonk_tells_lists_and_who_left_all_of_them(ready: Database) -> None:
    """L12."""
    done = taken_in(ready, export("listmonk")["subscribers.json"], "subscribers.json")
    assert done.counts == {"created": 3, "stopped": 2}
    with ready.read() as session:
        assert set(stops(session)) == {"email:maryam@example.org", "email:off@example.org"}
        ann = by_address(session, "ann@example.org")
        assert (people.tags(session, ann.id), ann.attrs) == (["News"], {"town": "Bangor"})


def test_a_report_of_mautic_tells_on_which_channel_somebody_is_not_contacted(ready: Database) -> None:
    """L12."""
    done = taken_in(ready, export("mautic")["report.csv"], "report.csv")
    assert done.counts == {"created": 3, "stopped": 2}
    with ready.read() as session:
        assert {one: told[0] for one, told in stops(session).items()} == {
            "email:maryam@example.org": "hard_bounce", "email:sian@example.org": "opt_out",
            "sms:+447700900123": "manual",
        }  # fmt: skip
    done = taken_in(ready, export("mautic")["contacts.csv"], "contacts.csv")
    assert done.counts == {"updated": 1, "created": 1, "stopped": 1}


def test_the_same_export_again_changes_nothing_and_opens_nobody(ready: Database) -> None:
    """A14, C17: also not after somebody lifted what the file says, with a reason."""
    body = zipped(export("mailchimp"))
    taken_in(ready, body, "audience.zip", declaration=DECLARATION)
    again = taken_in(ready, body, "audience.zip", declaration=DECLARATION)
    assert again.counts == {"unchanged": 5, "suppressed": 3}
    with ready.write() as session:
        theirs = select(Suppression).where(Suppression.address_key == "maryam@example.org")
        for one in session.scalars(theirs).all():
            consent.lift(session, NOW, one.id, "usr_1", "asked us by phone to write again")
    again = taken_in(ready, body, "audience.zip")
    assert again.counts == {"unchanged": 5, "suppressed": 2}
    with ready.read() as session:
        assert len(stops(session)) == 3


def test_an_opt_out_stops_what_was_not_asked_for_and_a_dead_address_everything(ready: Database) -> None:
    taken_in(ready, "email,unsubscribed,bounced\na@x.org,yes,\nb@x.org,,yes\n", "x.csv")
    with ready.read() as session:
        pairs = [(by_address(session, key).id, key) for key in ("a@x.org", "b@x.org")]
        found = {
            purpose: [
                one.reason
                for one in consent.decide(
                    session, NOW, purpose=purpose, channel="email", pairs=pairs
                ).values()
            ]
            for purpose in ("direct_marketing", "survey", "service")
        }
    both = ["suppressed", "suppressed"]
    assert found == {"direct_marketing": both, "survey": both, "service": [None, "suppressed"]}


def test_a_row_that_is_refused_for_something_else_keeps_its_opt_out(ready: Database) -> None:
    done = taken_in(ready, "email,unsubscribed,name\na@x.org,2020-01-01 10:00:00,A\x00\n", "x.csv")
    assert outcomes(ready, done) == [(2, "refused", ["bad_field", "stopped"])]
    with ready.read() as session:
        assert stops(session) == {"email:a@x.org": ("opt_out", "import", utc(2020, 1, 1, 10))}
    again = taken_in(ready, "email,unsubscribed,name\na@x.org,2020-01-01 10:00:00,A\x00\n", "x.csv")
    assert outcomes(ready, again) == [(2, "refused", ["bad_field"])]


def test_a_later_file_turns_nobody_on_again(ready: Database) -> None:
    """A14: opted out in one export, subscribed in the next."""
    taken_in(ready, "email,unsubscribed\nann@x.org,yes\n", "old.csv")
    body = "email,opt in time,status\nann@x.org,2026-10-01,subscribed\n"
    assert taken_in(ready, body, "new.csv", declaration=OWN_TIME).counts == {"unchanged": 1, "suppressed": 1}
    with ready.read() as session:
        pair = (by_address(session, "ann@x.org").id, "ann@x.org")
        decided = consent.decide(session, NOW, purpose="direct_marketing", channel="email", pairs=[pair])
        assert decided[pair].reason == "suppressed"
        assert session.scalars(select(Consent)).all() == []


@pytest.mark.parametrize("step", [1, 200])
def test_rows_of_one_file_about_one_address_end_in_a_no(
    ready: Database, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """C17: whichever row comes first."""
    monkeypatch.setattr(imports, "STEP", step)
    body = "email,consent,opt out\na@x.org,yes,\na@x.org,,yes\nb@x.org,,yes\nb@x.org,yes,no\n"
    with ready.write() as session:
        number = check(session, body, declaration=DECLARATION).id
    counts = imports.run(ready.sessions, number, clock)
    assert (counts["stopped"], counts["suppressed"]) == (2, 1)
    with ready.read() as session:
        pairs = [(by_address(session, key).id, key) for key in ("a@x.org", "b@x.org")]
        decided = consent.decide(session, NOW, purpose="survey", channel="email", pairs=pairs)
        assert {one.reason for one in decided.values()} == {"suppressed"}


def test_an_opt_out_is_kept_even_where_it_cannot_be_told_whose_it_is(ready: Database) -> None:
    with ready.write() as session:
        for name in ("Ann", "Bob"):
            person = people.create(session, NOW, name=name, kind="person")
            addresses.add(session, NOW, person.id, "email", "home@x.org")
    done = taken_in(ready, "email,opt out\nhome@x.org,2020-01-01 10:00:00\n", "x.csv")
    assert outcomes(ready, done) == [(2, "held", ["ambiguous", "stopped"])]
    with ready.read() as session:
        assert stops(session) == {"email:home@x.org": ("opt_out", "import", utc(2020, 1, 1, 10))}


def test_without_an_address_on_the_channel_the_person_is_stopped_there(ready: Database) -> None:
    taken_in(ready, "id,email,DNC preferences\n1,a@x.org,DNC Unsubscribed: Text Message\n", "x.csv",
             mapping={"id": "external_id", "email": "address.email", "DNC preferences": "opt_out"})  # fmt: skip
    with ready.read() as session:
        number = by_address(session, "a@x.org").id
        assert consent.suppressed(session, NOW, "sms", [(number, "+447700900123")])
        assert not consent.suppressed(session, NOW, "email", [(number, "a@x.org")])


def test_a_time_of_their_own_counts_more_than_that_of_the_declaration(ready: Database) -> None:
    body = "email,consent at\na@x.org,2020-05-01T10:00:00+01:00\nb@x.org,\nc@x.org,2030-01-01\n"
    taken_in(ready, body, "x.csv", declaration=DECLARATION)
    with ready.read() as session:
        given = {one.stakeholder_id: one.at for one in session.scalars(select(Consent))}
        assert given == {
            by_address(session, "a@x.org").id: utc(2020, 5, 1, 9),
            by_address(session, "b@x.org").id: utc(2026, 8, 1, 11),
        }


def test_a_declaration_without_a_time_needs_a_column_that_has_it(ready: Database) -> None:
    """C18."""
    with ready.write() as session, pytest.raises(BadImport) as refused:
        check(session, "email\na@x.org\n", declaration=OWN_TIME)
    assert refused.value.pointer == "/declaration/at"


def test_a_word_that_is_not_known_refuses_its_row(ready: Database) -> None:
    done = taken_in(ready, "email,unsubscribed\na@x.org,perhaps\nb@x.org,no\n", "x.csv")
    assert outcomes(ready, done) == [(2, "refused", ["bad_field"]), (3, "created", [])]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2018-10-11 09:55:14", utc(2018, 10, 11, 9, 55, 14)),
        ("2021-01-02 15:04:05.999999 +0000 UTC", utc(2021, 1, 2, 15, 4, 5)),
        ("2021-01-02 15:04:05 +0100 CET", utc(2021, 1, 2, 14, 4, 5)),
        ("2020-02-10T23:07:16.5+01:00", utc(2020, 2, 10, 22, 7, 16) + timedelta(milliseconds=500)),
        ("2020-02-10", utc(2020, 2, 10)),
    ],
)
def test_times_are_read_as_these_systems_write_them(text: str, at: datetime) -> None:
    assert exporters.moment(text) == at


@pytest.mark.parametrize("text", ["", "yesterday", "10/11/2018", "2020-13-01", "0001-01-01T00:00:00+23:00"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(BadField):
        exporters.moment(text)


@pytest.mark.parametrize("text", ["[1]", "{}", "x", '[{"id": 1}]', "[" * 100_000])
def test_lists_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(BadField):
        exporters.lists(text)


def test_a_workbook_of_people_is_taken_in(ready: Database) -> None:
    """L12: read as a sheet, with the row's number in the sheet."""
    from .test_opening import PEOPLE, row, workbook

    done = taken_in(ready, workbook(PEOPLE + row(7, "Bob", "no address")), "people.xlsx")
    assert outcomes(ready, done) == [(2, "refused", ["bad_field"]), (7, "refused", ["bad_address"])]
