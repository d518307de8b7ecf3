"""People and organisations: the list, adding somebody, the lists of what is missing, a contact with several."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from campaigns.base import public_id
from campaigns.responses.tables import Commitment, Interaction
from campaigns.stakeholders import addresses, people
from campaigns.stakeholders.tables import Address, Consent, Involvement, Stakeholder
from campaigns.strategies.tables import Programme
from service.acts import people_list
from service.wiring import Wiring

from .conftest import Browser, Browsers


def somebody(wiring: Wiring, programme_id: int, name: str, **values: Any) -> int:
    """The id of a new person in a programme."""
    with wiring.database.write() as session:
        made = people.create(session, wiring.now(), **{"kind": "person", "name": name} | values)
        people.involve(session, wiring.now(), made.id, programme_id)
        return made.id


def programme(wiring: Wiring, name: str) -> int:
    """The id of a programme of its own."""
    now = wiring.now()
    with wiring.database.write() as session:
        row = Programme(name=name, starts_on=now.date(), created_at=now, updated_at=now)
        session.add(row)
        session.flush()
        return row.id


def test_somebody_is_added_with_an_address_and_the_reason_why_we_may_write(
    browser: Browser, wiring: Wiring, general: int
) -> None:
    """A4, C18: what is said on the form stands on the record."""
    shown = browser.done(
        "/people/new", name="Siân Rees", kind="person", address="sian@example.org", languages=["cy", "en"],
        tags="ysgol, parent", programme_id=public_id("prg", general), basis="consent", purpose="direct_marketing",
        channel="email", source="open day", wording="sheet 2",
    )  # fmt: skip
    assert (
        "Added." in shown and "Siân Rees" in shown and "sian@example.org" in shown and "They agreed" in shown
    )
    with wiring.database.read() as session:
        given = session.scalars(select(Consent)).one()
        assert (given.act, given.basis, given.wording_version) == ("given", "consent", "sheet 2")
        assert session.scalars(select(Stakeholder)).one().languages == ["cy", "en"]


def test_somebody_is_added_with_the_number_they_are_texted_on(
    browser: Browser, wiring: Wiring, general: int
) -> None:
    form = {"kind": "person", "programme_id": public_id("prg", general)}
    assert "country code" in browser.post("/people/new", status=422, name="Dai", mobile="07700", **form).text
    browser.done("/people/new", mobile="07700 900123", **form)
    with wiring.database.read() as session:
        [held] = session.scalars(select(Address))
        assert (held.channel, held.key) == ("sms", "+447700900123")
        assert session.get_one(Stakeholder, held.stakeholder_id).name == "+447700900123"


def test_what_is_refused_keeps_what_was_typed_and_adds_nobody(
    browser: Browser, wiring: Wiring, general: int
) -> None:
    answer = browser.post(
        "/people/new",
        status=422,
        name="Siân",
        kind="person",
        address="sian at example",
        programme_id=public_id("prg", general),
    )
    assert 'value="sian at example"' in answer.text and 'aria-invalid="true"' in answer.text
    answer = browser.post(
        "/people/new", status=422, name="Siân", kind="person", address="sian@example.org", basis="consent",
        source="open day", wording="", programme_id=public_id("prg", general),
    )  # fmt: skip
    assert "wording" in answer.text
    with wiring.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Stakeholder)) == 0
        assert session.scalar(select(func.count()).select_from(Address)) == 0


def test_the_list_is_in_the_order_of_names_and_is_filtered(
    browser: Browser, wiring: Wiring, general: int
) -> None:
    for name in ("Ŵyn", "ann", "Anwen", "Bob"):
        somebody(wiring, general, name, languages=["cy"] if name == "Anwen" else [])
    page = browser.get("/people")
    assert page.index("ann") < page.index("Anwen") < page.index("Bob") < page.index("Ŵyn")
    page = browser.get("/people", begins="AN")
    assert "Anwen" in page and "Bob" not in page
    assert "Bob" not in browser.get("/people", speaks="cy")
    assert "Ŵyn" in browser.get("/people", begins="ŵ")
    assert "Nobody like this" in browser.get("/people", begins="%")


def test_the_list_goes_on_and_back_without_repeating_anybody(
    browser: Browser, wiring: Wiring, general: int, act: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people_list, "LIMIT", 3)
    names = ["Ann", "Ann", "Ann", "Ann", "Bob", "Cai", "Dai"]
    for name in names:
        somebody(wiring, general, name)
    read, cursor, pages = [], None, []
    with act() as one:
        while True:
            page = people_list.by_name(one, after=cursor)
            pages.append(page)
            read += [row.person.id for row in page.rows]
            if page.next is None:
                break
            cursor = page.next
        assert len(read) == len(set(read)) == 7
        back = people_list.by_name(one, before=pages[-1].previous)
        assert [row.person.id for row in back.rows] == [row.person.id for row in pages[-2].rows]
        assert people_list.by_name(one, before=pages[1].previous).previous is None


def test_people_of_another_programme_do_not_exist(browsers: Browsers, wiring: Wiring, general: int) -> None:
    """A4: the pages say the same as the API."""
    here, elsewhere = programme(wiring, "Here"), programme(wiring, "Elsewhere")
    number = somebody(wiring, elsewhere, "Secret Person")
    author = browsers("author", here)
    assert "Secret Person" not in author.get("/people")
    author.get(f"/people/{public_id('stk', number)}", status=404)
    author.get(f"/people/{public_id('stk', number)}/in/{public_id('prg', elsewhere)}", status=404)
    author.get("/people", programme=public_id("prg", elsewhere), status=404)


@pytest.mark.parametrize(
    "typed", [{"name": "G. Parry", "address": "Gwen@example.org"}, {"name": "gwen parry"}]
)
def test_whoever_is_on_record_already_is_shown_before_they_are_added_again(
    browser: Browser, wiring: Wiring, general: int, typed: dict[str, str]
) -> None:
    """A15: the same person twice gets everything twice."""
    known = somebody(wiring, general, "Gwen Parry")
    with wiring.database.write() as session:
        addresses.add(session, wiring.now(), known, "email", "gwen@example.org")
    shown = browser.post("/people/new", status=422, **typed).text
    assert f'href="/people/{public_id("stk", known)}"' in shown and "On record already" in shown
    browser.done("/people/new", anyway="1", **typed)
    with wiring.database.read() as session:
        assert len(session.scalars(select(Stakeholder)).all()) == 2


def test_whom_the_reader_may_not_see_is_not_told_of(browsers: Browsers, wiring: Wiring, general: int) -> None:
    known = somebody(wiring, programme(wiring, "River"), "Gwen Parry")
    author = browsers("author", general)
    assert "On record already" not in author.done("/people/new", name="Gwen Parry")
    assert public_id("stk", known) not in author.get("/people")


def test_who_may_only_read_adds_nobody(browsers: Browsers, general: int) -> None:
    viewer = browsers("viewer", general)
    viewer.get("/people")
    viewer.get("/people/new", status=403)
    viewer.post("/people/new", name="X", status=403)


def test_a_relationship_without_an_owner_is_on_a_list_until_it_has_one(
    browser: Browser, wiring: Wiring, general: int
) -> None:
    """A17."""
    number = somebody(wiring, general, "Ann")
    assert "Ann" in browser.get("/people/owners")
    page = f"/people/{public_id('stk', number)}/in/{public_id('prg', general)}"
    shown = browser.done(page, do="owners", owner=public_id("usr", browser.user_id), deputy="")
    assert "A administrator" in shown
    assert "Every relationship here has an owner" in browser.get("/people/owners")


def test_reviews_are_listed_when_they_are_due_and_mine_can_be_seen_alone(
    browser: Browser, wiring: Wiring, general: int
) -> None:
    """G9."""
    number = somebody(wiring, general, "Ann")
    with wiring.database.write() as session:
        relation = session.get_one(Involvement, (number, general))
        relation.review_on = wiring.now().date() - timedelta(days=1)
    assert "Overdue" in browser.get("/people/reviews")
    assert "Overdue" not in browser.get("/people/reviews", mine="1")


def test_one_meeting_is_put_on_every_record_with_what_was_promised(
    browser: Browser, wiring: Wiring, general: int
) -> None:
    """F4: bulk entry after an event."""
    ann, bob = (somebody(wiring, general, name) for name in ("Ann", "Bob"))
    assert "Ann" in browser.get("/people/contact", who=public_id("stk", ann))
    at = (wiring.now() - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M")
    form: dict[str, Any] = {
        "kind": "event",
        "at": at,
        "place": "Bangor",
        "notes": "Open day",
        "programme_id": public_id("prg", general),
    }
    answer = browser.post(
        "/people/contact", status=422, who=[public_id("stk", ann)], others="Nobody Known", **form
    )
    assert "Nobody Known" in answer.text and "Open day" in answer.text
    browser.post(
        "/people/contact", who=[public_id("stk", ann)], others="bob", promise="Send the slides",
        due_on=wiring.now().date().isoformat(), **form,
    )  # fmt: skip
    with wiring.database.read() as session:
        assert {one.stakeholder_id for one in session.scalars(select(Interaction))} == {ann, bob}
        assert all(one.ours and one.interaction_id for one in session.scalars(select(Commitment)))
    assert browser.get("/people/promises").count("Send the slides") == 2
