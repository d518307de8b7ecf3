"""The same person twice, on pages: proposed, put side by side, merged, made two again; and relations on a day."""

from __future__ import annotations

import re

import pytest

from campaigns.base import parse_id, public_id
from campaigns.responses import merges
from campaigns.stakeholders import addresses, fields, people
from campaigns.stakeholders.tables import Merge, Relation
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
    assert "Nobody seems to be on record twice" in shown


def test_another_record_is_named_by_hand(browser: Browser, two: tuple[str, str]) -> None:
    place = f"/people/{two[0]}/same"
    answer = browser.post(place, do="find", other="Anne Rees")
    assert answer.headers["Location"].endswith(f"/people/{two[0]}/same/{two[1]}")
    assert "nobody is found by this" in browser.post(place, do="find", other="Nobody", status=422).text
    browser.post(place, do="find", other=two[0])
    assert browser.client.get(f"/people/{two[0]}/same/{two[0]}").status_code == 303


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
