"""The programme pages: the tree, the plan with what is missing, who checks, and the policies."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from campaigns.audit import AuditEntry
from campaigns.base import public_id
from campaigns.messages.tables import QuietPeriod
from campaigns.strategies import policies
from campaigns.strategies.tables import Objective, Policy, Programme, Risk
from service.wiring import Wiring

from .. import samples
from .conftest import Browser, Browsers


def made(browser: Browser, **form: str) -> str:
    """The page of a new programme, as a path."""
    given: dict[str, Any] = {"name": "Walking", "starts_on": "2026-01-01", "assurance": "light"} | form
    path: str = browser.post("/programmes/new", **given).headers["Location"].split("?")[0]
    return path


def test_the_tree_says_what_each_is_by_its_dates(browser: Browser) -> None:
    """B1."""
    top = made(browser, name="Active Wales")
    below = top.split("/")[-1]
    made(browser, name="A year of walks", starts_on="2026-01-01", ends_on="2027-06-30", parent_id=below)
    made(browser, name="Spring walks", starts_on="2026-03-01", ends_on="2026-05-31", parent_id=below)
    page = browser.get("/programmes")
    assert page.index("Active Wales") < page.index("A year of walks") < page.index("Spring walks")
    rows = re.findall(r'<li class="depth-(\d)">.*?<bdi>(.*?)</bdi>.*?chip none">(\w+)<', page, re.S)
    assert ("0", "Active Wales", "Programme") in rows and ("1", "A year of walks", "Campaign") in rows
    assert ("1", "Spring walks", "Plan") in rows


def test_wrong_dates_are_refused_at_their_field_and_nothing_typed_is_lost(browser: Browser) -> None:
    answer = browser.post(
        "/programmes/new",
        status=422,
        name="Late",
        starts_on="2026-05-01",
        ends_on="2026-04-01",
        assurance="light",
    )
    assert 'id="f-ends_on-why"' in answer.text and 'value="Late"' in answer.text
    browser.post("/programmes/new", status=422, name="Late", starts_on="soon", assurance="light")


def test_a_new_programme_says_what_is_missing_and_less_as_it_is_filled(browser: Browser) -> None:
    path = made(browser)
    page = browser.get(path)
    for missing in (
        "vision or mission",
        "The values it stands for",
        "as numbers",
        "A communication strategy of its own",
    ):
        assert missing in page
    form: dict[str, Any] = {
        "name": "Walking",
        "starts_on": "2026-01-01",
        "version": "1",
        "mission": "We walk",
        "held_values": "Kind",
    }
    page = browser.done(f"{path}/edit", **form)
    assert "We walk" in page and "vision or mission" not in page and "The values it stands for" not in page
    assert "somebody changed this" in browser.post(f"{path}/edit", status=422, **form).text


def test_an_objective_says_what_it_lacks_and_how_far_it_is(browser: Browser, wiring: Wiring) -> None:
    """B2."""
    path = made(browser, ends_on="2040-12-31")
    page = browser.done(f"{path}/objective", name="More walkers", act="save", baseline="40")
    assert "Still missing:" in page and "why it can be reached" in page
    with wiring.database.read() as session:
        address = f"/objectives/{public_id('obj', session.query(Objective).one().id)}"
    whole = {
        "name": "More walkers", "metric": "People", "unit": "people", "baseline": "40", "target": "80,5",
        "deadline_on": "2040-01-01", "owner": public_id("usr", browser.user_id), "goal": "Health",
        "achievable": "Yes", "act": "save",
    }  # fmt: skip
    assert "Complete" in browser.done(address, **whole)
    today = wiring.now().date()
    assert "50%" in browser.done(
        address, act="read", value="60.25", on=(today - timedelta(days=1)).isoformat()
    )
    assert "50%" in browser.get(path) and "Objectives that lack something" not in browser.get(path)
    wrong = browser.post(address, status=422, act="read", value="many", on=today.isoformat())
    assert 'id="f-value-why"' in wrong.text
    browser.post(address, status=422, act="read", value="", on=today.isoformat())
    assert "Archived." in browser.done(address, act="archive")
    assert "More walkers" not in browser.get(path)


def test_the_register_is_kept_on_the_page(browser: Browser, wiring: Wiring) -> None:
    """SM1, SM8."""
    path = made(browser)
    form: dict[str, Any] = {
        "act": "risk",
        "kind": "threat",
        "likelihood": "3",
        "severity": "4",
        "mine": "yes",
    }
    page = browser.done(path, name="A wet summer", **form)
    assert "3 × 4 = 12" in page and "What is done about each open risk" in page
    with wiring.database.read() as session:
        risk = public_id("rsk", session.query(Risk).one().id)
    assert "Open again" in browser.done(path, act="close", risk=risk)
    browser.post(made(browser, name="Other"), status=422, act="close", risk=risk)
    refused = browser.post(path, status=422, name=" ", **form)
    assert 'id="risk-name-why"' in refused.text
    issue: dict[str, Any] = {"act": "priority", "name": "Loneliness", "reach": "community", "suits": "yes"}
    assert 'id="issue-reason-why"' in browser.post(path, status=422, **issue).text
    page = browser.done(path, reason="People can choose", **issue)
    assert "Social marketing suits it" in page
    found = re.search(r'name="priority" value="(pri_\w+)"', page)
    assert found and "Loneliness" not in browser.done(path, act="drop-priority", priority=found[1])


def test_checking_less_needs_an_administrator_and_a_reason(
    browser: Browser, browsers: Browsers, wiring: Wiring
) -> None:
    """SM13: the gates."""
    path = made(browser, assurance="reviewed")
    page = browser.get(path)
    assert "A second person checks every message" in page and "nobody here could check" in page
    number = wiring_number(wiring)
    manager = browsers("community_manager", number)
    assert 'value="light"' not in manager.get(path)
    manager.post(path, status=422, act="assurance", assurance="light", reason="Quicker")
    assert 'id="sure-reason-why"' in browser.post(path, status=422, act="assurance", assurance="light").text
    assert "checked by nobody else" in browser.done(
        path, act="assurance", assurance="light", reason="A trial"
    )
    assert "everybody it needs has agreed" in manager.done(path, act="assurance", assurance="agreed")


def wiring_number(wiring: Wiring) -> int:
    with wiring.database.read() as session:
        return session.query(Programme).filter_by(name="Walking").one().id


def test_the_welsh_pack_says_what_it_will_do_and_does_it_in_one_step(
    browser: Browser, wiring: Wiring
) -> None:
    path = made(browser)
    page = browser.get(f"{path}/wales")
    assert page.count("Will change") == 3 and "written in Welsh and in English" in page
    half = browser.post(f"{path}/wales", status=422, quiet_from="2040-03-01", quiet_name="Senedd")
    assert "both days" in half.text
    with wiring.database.read() as session:
        assert session.query(Policy).count() == 0
    page = browser.done(
        f"{path}/wales", quiet_from="2040-03-01", quiet_until="2040-04-30", quiet_name="Senedd"
    )
    assert "Welsh · English" in page and "Offered to whoever asks" in page
    assert browser.get(f"{path}/wales").count("Is so already") == 3
    with wiring.database.read() as session:
        assert session.query(Policy).one().pack == policies.WALES
        period = session.query(QuietPeriod).one()
        assert (period.name, period.except_service) == ("Senedd", True)
        assert (period.until_at - period.from_at).days in (60, 61)


def test_policies_are_set_one_by_one_and_asking_for_less_needs_an_administrator(
    browser: Browser, browsers: Browsers, wiring: Wiring
) -> None:
    path = made(browser)
    manager = browsers("community_manager", wiring_number(wiring))
    assert "Welsh" in manager.done(path, act="policy", languages="cy", formats="yes")
    refused = manager.post(path, status=422, act="policy", languages="cy")
    assert "needs an administrator" in refused.text
    browser.done(path, act="policy")
    assert policies_of(wiring) == policies.Policies()


def test_how_much_one_person_gets_is_set_on_the_page_of_the_programme(
    browser: Browser, wiring: Wiring
) -> None:
    """E8."""
    path = made(browser)
    cap = {"cap_messages": "3", "cap_days": "7"}
    page = browser.done(path, act="policy", **cap)
    assert "3 messages" in page and "in 7 days" in page
    (found,) = policies_of(wiring).caps
    assert (found.messages, found.days) == (3, 7)
    for wrong in ({"cap_days": ""}, {"cap_messages": "x"}, {"cap_days": "400"}):
        refused = browser.post(path, status=422, act="policy", **(cap | wrong))
        assert "-why" in refused.text
    browser.done(path, act="policy")
    assert policies_of(wiring).caps == ()


def policies_of(wiring: Wiring) -> policies.Policies:
    number = wiring_number(wiring)
    with wiring.database.read() as session:
        return policies.of(session, number)


def test_another_programme_does_not_exist_here(browsers: Browsers, wiring: Wiring) -> None:
    """I3."""
    with wiring.database.write() as session:
        mine, theirs = (samples.programme(session, wiring.now(), name) for name in ("Mine", "Theirs"))
    manager, path = browsers("community_manager", mine), f"/programmes/{public_id('prg', theirs)}"
    assert "Theirs" not in manager.get("/programmes")
    for page in ("", "/edit", "/wales", "/objective"):
        manager.get(f"{path}{page}", status=404)
    manager.post(path, status=404, act="risk", kind="threat", name="x", likelihood="1", severity="1")
    manager.post(f"{path}/wales", status=404)
    viewer = browsers("viewer", theirs)
    page = viewer.get(path)
    assert "Note one" not in page and "Change who checks" not in page
    viewer.get(f"{path}/edit", status=403)
    viewer.post(path, status=403, act="policy")


def test_an_objective_of_another_programme_does_not_exist_here(
    browser: Browser, browsers: Browsers, wiring: Wiring
) -> None:
    path = made(browser)
    address = browser.post(f"{path}/objective", name="Secret").headers["Location"].split("?")[0]
    with wiring.database.write() as session:
        elsewhere = samples.programme(session, wiring.now(), "Elsewhere")
    browsers("community_manager", elsewhere).get(address, status=404)
    viewer = browsers("viewer", wiring_number(wiring))
    assert "Secret" in viewer.get(address) and 'value="read"' not in viewer.get(address)
    viewer.post(address, status=403, act="archive")


def test_nobody_gets_round_a_check_by_a_programme_of_their_own_below(
    browser: Browser, browsers: Browsers, wiring: Wiring
) -> None:
    """A10: who writes there could otherwise send to the groups above with nobody's check."""
    top = made(browser, assurance="reviewed").split("/")[-1]
    with wiring.database.read() as session:
        number = session.query(Programme).filter_by(name="Walking").one().id
    manager = browsers("community_manager", number)
    below: dict[str, Any] = {"name": "Side door", "starts_on": "2026-01-01", "parent_id": top}
    page = manager.post("/programmes/new", status=422, assurance="light", **below).text
    assert "lowering the assurance needs an administrator" in page and "Side door" in page
    manager.post("/programmes/new", assurance="reviewed", **below)
    made(browser, name="By an administrator", parent_id=top)
    with wiring.database.read() as session:
        lax = session.query(Programme).filter_by(name="By an administrator").one()
    assert lax.assurance == "light"
    manager.post(f"/programmes/{top}", act="assurance", assurance="agreed")
    with wiring.database.read() as session:
        kept = session.query(Programme).filter(Programme.parent_id == number).all()
        notes = session.query(AuditEntry).filter_by(act="programme.changed", programme_id=lax.id).all()
    assert {one.assurance for one in kept} == {"agreed"}
    assert [(one.before, one.after) for one in notes] == [
        ({"assurance": "light"}, {"assurance": "agreed", "with": top})
    ]
