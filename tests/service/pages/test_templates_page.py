"""The template pages: words in versions, previews, approval for programs, and how mails look."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

from sqlalchemy import select

from campaigns.base import public_id
from campaigns.messages import content, layout, templates
from campaigns.messages.tables import Template, TemplateVersion
from campaigns.stakeholders import people
from campaigns.strategies import programmes
from service.wiring import Wiring

from .. import samples
from .conftest import Browser, Browsers
from .test_media import png

WORDS: dict[str, Any] = {"subject": "Your visit on {{ data.date }}", "text": "Bore da {{ name }}"}


def written(browser: Browser, **form: str) -> str:
    """The page of a new template, as a path."""
    given: dict[str, Any] = {"name": "Visit", "act": "save"} | WORDS | form
    path: str = browser.post("/templates/new", **given).headers["Location"].split("?")[0]
    return path


def hidden(page: str, name: str) -> str:
    found = re.search(f'name="{name}" value="([^"]*)"', page)
    assert found
    return found[1]


def test_an_empty_list_says_what_a_template_is(browser: Browser) -> None:
    assert "places for a name" in browser.get("/templates")


def test_a_template_gets_versions_and_the_old_ones_stay_readable(browser: Browser) -> None:
    """C1."""
    path = written(browser)
    assert "Bore da {{ name }}" in browser.get(f"{path}/edit")
    second = browser.done(f"{path}/edit", subject="S", text="Prynhawn da {{ name }}", act="save")
    assert "Version 2" in second and "Prynhawn da" in second
    assert "Bore da" in browser.get(path, n="1")
    assert "Visit" in browser.get("/templates") and "Not approved" in browser.get("/templates")


def test_a_wrong_template_says_where_and_keeps_the_words(browser: Browser) -> None:
    answer = browser.post("/templates/new", name="Visit", text="{{ open('x') }}", act="save", status=422)
    assert "open(" in answer.text and 'id="f-text-why"' in answer.text


def test_a_preview_shows_one_person_s_words_before_they_are_saved(browser: Browser, wiring: Wiring) -> None:
    with wiring.database.write() as session:
        people.create(session, wiring.now(), kind="person", name="Mair Evans")
    shown = browser.post(
        "/templates/new",
        status=200,
        act="preview",
        name="Visit",
        **WORDS,
        **dict[str, Any]({"for": "mair", "data": "date: 3 May"}),
    ).text
    assert "Your visit on 3 May" in shown and "Bore da Mair Evans" in shown
    missing = browser.post(
        "/templates/new", status=200, act="preview", name="Visit", **WORDS, data="date: 3 May"
    )
    assert "These values are missing" in missing.text and ">name<" in missing.text
    nobody = browser.post(
        "/templates/new", status=422, act="preview", **WORDS, **dict[str, Any]({"for": "Zebedee"})
    ).text
    assert "nobody of that name" in nobody
    assert "no JSON" in browser.post("/templates/new", status=422, act="preview", **WORDS, data="{").text
    with wiring.database.read() as session:
        assert session.scalar(select(Template.id)) is None


def test_a_saved_version_is_previewed_for_a_person(browser: Browser, wiring: Wiring) -> None:
    with wiring.database.write() as session:
        people.create(session, wiring.now(), kind="person", name="Mair Evans")
    shown = browser.get(
        written(browser), **dict[str, Any]({"for": "Mair", "data": '{"date": "3 May"}', "n": "1"})
    )
    assert "Bore da Mair Evans" in shown


def test_somebody_else_approves_what_they_read_for_programs(
    browser: Browser, browsers: Browsers, wiring: Wiring
) -> None:
    """B6."""
    path = written(browser)
    page = browser.get(path)
    form: dict[str, Any] = {"n": "1", "digest": hidden(page, "digest")}
    assert "does not approve them" in browser.post(path, status=422, **form).text
    approver = browsers("approver", name="Gwen Pugh")
    assert "read it again" in approver.post(path, status=422, n="1", digest="sha256:old").text
    assert "Approved by" in approver.done(path, **form) and "Gwen Pugh" in approver.get(path)
    assert "Approved" in approver.get("/templates")
    with wiring.database.read() as session:
        assert session.scalars(select(TemplateVersion)).one().approved_by == public_id(
            "usr", approver.user_id
        )
    browser.done(f"{path}/edit", text="Other", act="save")
    assert "Approved: version 1" in browser.get("/templates")


def test_a_template_says_where_it_is_used(browser: Browser, wiring: Wiring, general: int) -> None:
    path = written(browser)
    with wiring.database.write() as session:
        version = session.scalars(select(TemplateVersion)).one()
        item = content.create(session, wiring.now(), general, "Spring reminder")
        content.save_variant(
            session,
            wiring.now(),
            item,
            channel="email",
            language="en",
            author="x",
            template_version_id=version.id,
        )
    assert "Spring reminder" in browser.get(path)


def test_another_programme_s_template_does_not_exist_here(browsers: Browsers, wiring: Wiring) -> None:
    """I3."""
    with wiring.database.write() as session:
        mine, theirs = (samples.programme(session, wiring.now(), name) for name in ("Mine", "Theirs"))
        made = templates.create(session, wiring.now(), name="Secret", programme_id=theirs)
        templates.new_version(session, wiring.now(), made, author="x", text="Words")
        path = f"/templates/{public_id('tpl', made.id)}"
    author = browsers("author", mine)
    assert "Secret" not in author.get("/templates")
    author.get(path, status=404)
    author.get(f"{path}/edit", status=404)
    author.get("/templates/layout", status=404, programme=public_id("prg", theirs))
    viewer = browsers("viewer", theirs)
    assert "Secret" in viewer.get("/templates") and "Approve version" not in viewer.get(path)
    viewer.get("/templates/new", status=403)
    viewer.post(path, status=403)


def test_the_house_s_look_is_set_once_and_a_programme_may_have_its_own(
    browser: Browser, wiring: Wiring, general: int
) -> None:
    logo = browser.post("/media/new", files={"file": (BytesIO(png()), "logo.png")}).headers["Location"]
    form: dict[str, Any] = {
        "name": "Cyngor Afon",
        "colour": "#003366",
        "footer": "Diolch",
        "address": "1 Stryd Fawr",
    }
    page = browser.done("/templates/layout", logo=logo.split("/")[-1].split("?")[0], **form)
    assert "Cyngor Afon" in page and "/logo" in page
    programme = public_id("prg", general)
    assert "look like those above" in browser.get("/templates/layout", programme=programme)
    browser.done("/templates/layout", programme=programme, name="General news", colour="#003366")
    with wiring.database.read() as session:
        assert layout.house(session, general).name == "General news"
        assert layout.house(session, None).address == "1 Stryd Fawr"
    browser.done("/templates/layout", programme=programme, act="drop")
    with wiring.database.read() as session:
        assert layout.house(session, programmes.GENERAL).name == "Cyngor Afon"


def test_a_colour_that_nobody_can_read_on_is_refused_at_its_field(browser: Browser) -> None:
    answer = browser.post("/templates/layout", status=422, name="Afon", colour="#ffee00")
    assert 'id="f-colour-why"' in answer.text and "darker" in answer.text and "Afon" in answer.text
