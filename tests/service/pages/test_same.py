"""The same person twice, on pages: proposed, put side by side, merged, made two again; and relations on a day."""

from __future__ import annotations

import re

import pytest

from campaigns.audit import AuditEntry
from campaigns.base import parse_id, public_id
from campaigns.responses import merges
from campaigns.stakeholders import addresses, consent, fields, people
from campaigns.stakeholders.tables import Merge, Relation
from service.permissions import ROLES
from service.wiring import Wiring

from .conftest import Browser, Browsers
from .test_people import somebody


@pytest.fixture
def two(wiring: Wiring, general: int) -> tuple[str, str]:
    """Two Anns with one address, who differ in name and town."""
    with wiring.database.write() as session:
        fields.define(session, wiring.now(), name="town", type="text")
    made = [somebody(wiring, general, name, languages=["cy"]) for name in ("Ann Rees", "Anne Rees")]
    with wiring.database.write() as session:
        for number, town in zip(made, ("Bala", "Barry"), strict=True):
            addresses.add(session, wiring.now(), number, "email", "ann@example.org")
            people.change(session, people.get(session, number), wiring.now(), attrs={"town": town})
    return public_id("stk", made[0]), public_id("stk", made[1])


@pytest.mark.parametrize("language", ["en", "cy", "ar"])
def test_proposals_lead_side_by_side(browser: Browser, two: tuple[str, str], language: str) -> None:
    """A15."""
    for place in ("/people/twice", "/people/twice?by=name", f"/people/{two[0]}/same"):
        assert f'href="/people/{two[0]}/same/{two[1]}"' in browser.get(place, language=language)
    shown = browser.get(f"/people/{two[0]}/same/{two[1]}", language=language)
    assert re.findall(r'name="(take/[^"]+)" value="one"', shown) == ["take/name", "take/fields.town"]


def test_what_differs_must_be_decided_and_then_either_address_shows_the_one_record(
    browser: Browser, two: tuple[str, str], wiring: Wiring
) -> None:
    place = f"/people/{two[0]}/same/{two[1]}"
    refused = browser.post(place, keep="one", **{"take/name": "one"}, status=422)
    assert "say which of the two counts: fields.town" in refused.text
    assert 'name="take/name" value="one" checked' in refused.text
    said = {"take/name": "one", "take/fields.town": "other"}
    shown = browser.done(place, keep="other", reason="she told us", **said)
    assert "<h1>" in shown and "Ann Rees" in shown and "Barry" in shown
    assert browser.client.get(f"/people/{two[0]}").headers["Location"].endswith(f"/people/{two[1]}")
    same = browser.get(f"/people/{two[1]}/same")
    assert "she told us" in same and "Ann Rees" in same
    with wiring.database.read() as session:
        merge = public_id("mrg", session.query(Merge).one().id)
    assert "each as it was" in browser.done(f"/people/{two[1]}/same", do="undo", merge=merge)
    assert "Bala" in browser.get(f"/people/{two[0]}") and "Anne Rees" in browser.get(f"/people/{two[1]}")


def test_an_address_that_stays_at_the_undo_is_told(
    browser: Browser, two: tuple[str, str], wiring: Wiring
) -> None:
    """A15."""
    with wiring.database.write() as session:
        kept, gone = (parse_id("stk", one) for one in two)
        addresses.add(session, wiring.now(), gone, "email", "anne@example.org")
        take = {"name": "kept", "fields.town": "kept"}
        made = merges.merge(session, wiring.now(), kept, gone, take=take, reason="", by="usr_1")
        addresses.of(session, kept)[-1].verified_at = wiring.now()
        merge = public_id("mrg", made.id)
    shown = browser.done(f"/people/{two[0]}/same", do="undo", merge=merge)
    assert "look whose it is" in shown and "each as it was" not in shown


def test_whoever_is_told_apart_is_proposed_no_more(browser: Browser, two: tuple[str, str]) -> None:
    shown = browser.done(f"/people/{two[0]}/same", do="distinct", other_id=two[1], back="twice")
    assert "No two records have the same address" in shown


def test_another_record_is_named_by_hand(browser: Browser, two: tuple[str, str]) -> None:
    place = f"/people/{two[0]}/same"
    answer = browser.client.get(place, query_string={"other": "Anne Rees"})
    assert answer.headers["Location"].endswith(f"/people/{two[0]}/same/{two[1]}")
    assert "No record has this name" in browser.get(place, other="Nobody")
    assert "Only the record that you are looking at" in browser.get(place, other=two[0])
    assert browser.client.get(f"/people/{two[0]}/same/{two[0]}").status_code == 303


@pytest.mark.parametrize("typed", ["gwen parry", "gwen@example.org", "07700 900123", "+44 7700 900123"])
@pytest.mark.parametrize("language", ["en", "cy", "ar"])
def test_where_several_have_it_they_are_shown_to_choose_from(
    browser: Browser, wiring: Wiring, general: int, typed: str, language: str
) -> None:
    made = [somebody(wiring, general, "Gwen Parry") for _ in range(3)]
    with wiring.database.write() as session:
        for number in made:
            addresses.add(session, wiring.now(), number, "email", "gwen@example.org")
            addresses.add(session, wiring.now(), number, "sms", "+44 7700 900123")
    me, *others = (public_id("stk", one) for one in made)
    shown = browser.get(f"/people/{me}/same", other=typed, language=language).split('id="found"')[1]
    assert [f'href="/people/{me}/same/{other}"' in shown for other in others] == [True, True]
    assert f'href="/people/{me}/same/{me}"' not in shown


def test_side_by_side_shows_what_is_on_either(
    browser: Browser, browsers: Browsers, two: tuple[str, str], wiring: Wiring, general: int
) -> None:
    """A15: addresses, tags, permissions and what went to and fro, as far as the reader sees them."""
    with wiring.database.write() as session:
        gone = parse_id("stk", two[1])
        addresses.add(session, wiring.now(), gone, "sms", "+44 7700 900123")
        people.tag(session, gone, "walker")
        consent.give(
            session, wiring.now(), gone, "survey", "email", basis="consent", source="sheet", actor="recipient",
            wording_version="1",
        )  # fmt: skip
    shown = browser.get(f"/people/{two[0]}/same/{two[1]}")
    table = shown.split("<table", 1)[1].split("</table>")[0]
    for told in (
        "ann@example.org",
        "+44 7700 900123",
        "walker",
        "Surveys",
        "They agreed",
        "Messages sent to them",
    ):
        assert told in table
    assert shown.count('value="one" checked') == 3  # kept, name and town: one press is enough
    shown = browsers("author", general).get(f"/people/{two[0]}/same/{two[1]}")
    assert "walker" in shown and ("They agreed" in shown) == ("consents:read" in ROLES["author"])


def test_why_they_are_two_again_is_kept(browser: Browser, two: tuple[str, str], wiring: Wiring) -> None:
    said = {"take/name": "one", "take/fields.town": "other"}
    browser.done(f"/people/{two[0]}/same/{two[1]}", keep="one", **said)
    with wiring.database.read() as session:
        merge = public_id("mrg", session.query(Merge).one().id)
    browser.done(f"/people/{two[0]}/same", do="undo", merge=merge, reason="mother and daughter")
    with wiring.database.read() as session:
        assert session.query(Merge).one().undone_why == "mother and daughter"
        entries = session.query(AuditEntry).filter(AuditEntry.act.startswith("stakeholder.merge")).all()
        assert [one.after for one in entries] == [{"merge_id": merge, "gone_id": two[1]}] * 2


def test_only_who_may_write_is_asked_to_decide(
    browsers: Browsers, two: tuple[str, str], general: int
) -> None:
    viewer = browsers("viewer", general)
    for place in ("/people/twice", f"/people/{two[0]}/same", f"/people/{two[0]}/relations"):
        assert '<form method="post"' not in viewer.get(place).split("<main", 1)[1]
    viewer.get(f"/people/{two[0]}/same/{two[1]}", status=403)


@pytest.mark.parametrize(("way", "ends"), [("out", (0, 1)), ("in", (1, 0)), ("both", (0, 1))])
def test_a_relation_is_written_down_shown_on_its_days_and_ended(
    browser: Browser, two: tuple[str, str], wiring: Wiring, way: str, ends: tuple[int, int]
) -> None:
    """A3."""
    place = f"/people/{two[0]}/relations"
    said = {
        "other": "Anne Rees",
        "type": "family",
        "way": way,
        "from_on": "2026-05-01",
        "source": "she told us",
    }
    assert "she told us" in browser.done(place, do="add", **said)
    with wiring.database.read() as session:
        made = session.query(Relation).one()
        found = [public_id("stk", made.from_id), public_id("stk", made.to_id)]
        assert (found, made.both_ways) == ([two[one] for one in ends], way == "both")
        relation = public_id("rel", made.id)
    browser.done(place, do="end", relation=relation, ended_on="2026-06-30")
    nobody = "Nobody, as far as we know."
    told = {
        on: nobody in browser.get(f"/people/{two[1]}/relations", on=on) for on in ("2026-04-30", "2026-06-30")
    }
    assert told == {"2026-04-30": True, "2026-06-30": False}
    browser.done(place, do="remove", relation=relation)
    assert "Nothing has been written down yet." in browser.get(place)
