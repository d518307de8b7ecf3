"""Imports and exports in the browser: asked for, watched, taken away; what is held on somebody, from their record."""

from __future__ import annotations

import io
import re
import zipfile

import pytest

from service import exports, recipes
from service.ids import shown
from service.wiring import Wiring
from tests.service import samples

from .conftest import Browser, Browsers


@pytest.fixture
def here(wiring: Wiring) -> dict[str, int]:
    """One of everything in a programme."""
    with wiring.database.write() as session:
        return samples.world(session, wiring.now(), samples.programme(session, wiring.now(), "Here"))


def test_what_is_held_on_somebody_is_one_press_away_from_their_record(
    browser: Browser, here: dict[str, int]
) -> None:
    """F14"""
    person = f"/people/{shown('stakeholder', here['stk'])}"
    assert f'href="{person}/export"' in browser.get(person)
    assert "Make the file" in browser.get(f"{person}/export")
    where = browser.post(f"{person}/export", withheld="").headers["Location"]
    page = browser.get(where)
    assert "Save the file" in page and "tells only of the programmes" not in page
    assert re.search(r"[0-9a-f]{4}( [0-9a-f]{4}){7}", page), "the fingerprint of the key"
    file = browser.client.get(f"{where}/file")
    assert file.headers["Content-Disposition"].startswith("attachment")
    with zipfile.ZipFile(io.BytesIO(file.data)) as whole:
        assert "record.en.html" in whole.namelist()


def test_a_steward_of_one_programme_is_told_that_the_file_may_not_be_whole(
    browsers: Browsers, here: dict[str, int]
) -> None:
    steward = browsers("steward", here["prg"])
    where = steward.post(f"/people/{shown('stakeholder', here['stk'])}/export", withheld="").headers[
        "Location"
    ]
    assert "It tells only of the programmes that you reach" in steward.get(where)
    browsers("author", here["prg"]).get(where, status=403)


def test_too_long_a_reason_comes_back_with_what_is_wrong(browser: Browser, here: dict[str, int]) -> None:
    path = f"/people/{shown('stakeholder', here['stk'])}/export"
    assert "characters" in browser.post(path, status=422, withheld="x" * 2001).text


def test_a_programme_is_asked_for_watched_and_taken_away(
    browser: Browser, wiring: Wiring, here: dict[str, int]
) -> None:
    """L12, J8"""
    assert "Everything of this Dolen" in browser.get("/settings/jobs")
    where = browser.post("/settings/jobs", programme_id=shown("programme", here["prg"])).headers["Location"]
    page = browser.get(where)
    assert "data-every" in page and "<progress" in page
    assert exports.run_pending(wiring, recipes.recipe)
    page = browser.get(where)
    assert "Save the file" in page and "data-every" not in page
    file = browser.client.get(f"{where}/file")
    assert file.status_code == 200
    assert f"Here-{wiring.now():%Y-%m-%d}.zip" in file.headers["Content-Disposition"]
    listed = browser.get("/settings/jobs")
    assert where in listed and "Everything of a programme" in listed and "<bdi>Here</bdi>" in listed
    assert "<bdi>bo.csv</bdi>" in listed, "an import is known by its file"


def test_the_list_asks_again_only_while_something_moves(browser: Browser, here: dict[str, int]) -> None:
    """An import that waits for its reader waits as long as they like."""
    page = browser.get("/settings/jobs")
    assert "To be looked at" in page and "data-every" not in page
    browser.post("/settings/jobs", programme_id=shown("programme", here["prg"]))
    assert "data-every" in browser.get("/settings/jobs")


def test_an_export_is_cancelled(browser: Browser, wiring: Wiring, here: dict[str, int]) -> None:
    where = browser.post("/settings/jobs", programme_id="").headers["Location"]
    assert "There is no file" in browser.done(where)
    browser.get(f"{where}/file", status=404)
    assert not exports.run_pending(wiring, recipes.recipe)
    assert "this export is over" in browser.post(where, status=422).text


def test_who_may_take_nothing_out_sees_imports_alone(browsers: Browsers, here: dict[str, int]) -> None:
    page = browsers("viewer", here["prg"]).get("/settings/jobs")
    assert "People from a file" in page and "Take everything out" not in page
    assert "All that we hold" not in page
