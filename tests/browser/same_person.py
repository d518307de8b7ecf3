"""Two records of one person: found, put side by side, merged and made two again with the keyboard alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from campaigns.base import public_id
from campaigns.stakeholders import addresses, fields, people, relations
from campaigns.strategies import programmes

from .every_page import LANGUAGES, OVER, findings
from .keyboard_only import enter, reach
from .site import Site, Visit, come_in
from .steps import heading


def two(site: Site) -> tuple[str, str]:
    """Two Anns with one address, who differ in name and town and are on record as family."""
    wiring = site.wiring()
    with wiring.database.write() as session:
        now, made = wiring.now(), []
        fields.define(session, now, name="town", type="text")
        for name, town in (("Ann Rees", "Bala"), ("Anne Rees", "Barry")):
            person = people.create(session, now, kind="person", name=name, attrs={"town": town})
            people.involve(session, now, person.id, programmes.general(session, now).id)
            addresses.add(session, now, person.id, "email", "ann@example.org")
            made.append(person.id)
        relations.create(
            session, now, *made, type="family", both_ways=True, from_on=now.date(), to_on=None, source="a letter",
            note="", by="console",
        )  # fmt: skip
    wiring.close()
    return public_id("stk", made[0]), public_id("stk", made[1])


@pytest.mark.timeout(600)
def test_two_records_are_merged_and_made_two_again_by_keyboard(site: Site, visit: Visit) -> None:
    """A15; A3: and nothing on these pages hinders anybody, in any language."""
    visitor = visit(site.url, bypass_csp=True)
    come_in(visitor, site.first_visit(), "team")
    (one, other), page = two(site), visitor.page
    places = [
        "/people/twice",
        f"/people/{one}/same",
        f"/people/{one}/same/{other}",
        f"/people/{one}/relations",
    ]
    for place in places:
        for language in LANGUAGES:
            page.goto(f"{place}?language={language}")
            assert findings(page) == [], place
            for width in (360, 1280):
                page.set_viewport_size({"width": width, "height": 900})
                assert page.evaluate(OVER) <= 0, (place, language, width)
    page.goto("/people/twice?language=en")
    enter(page, page.get_by_role("link", name="Side by side"))
    expect(heading(page)).to_have_text("Two records side by side")
    for words in ("Ann Rees", "Bala"):  # the first of each choice; the arrow leads to the other
        reach(page, page.get_by_role("radio", name=words, exact=True))
        page.keyboard.press("ArrowDown")
    enter(page, page.get_by_role("button", name="Merge"))
    expect(page.get_by_role("status")).to_contain_text("one record now")
    expect(heading(page)).to_have_text("Anne Rees")
    expect(page.get_by_role("main")).to_contain_text("Barry")
    enter(page, page.get_by_role("main").get_by_role("link", name="The same person twice"))
    enter(page, page.get_by_role("button", name="Undo: make two records again"))
    expect(page.get_by_role("status")).to_contain_text("each as it was")
    expect(page.get_by_role("link", name="Anne Rees").first).to_be_visible()
