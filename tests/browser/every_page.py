"""Every page, in three languages, light and dark, narrow and wide: nothing that hinders anybody, nothing cut off."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from playwright.sync_api import Page

from ..places import addresses, doors
from .site import Site, Visit, sign_in

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
LANGUAGES = ("en", "cy", "ar")
WIDTHS = (360, 768, 1280, 1920)
OVER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
STRANGERS = ("/sign-in",)


@pytest.fixture(scope="module")
def places(year_site: Site) -> list[str]:
    """The address of every page, and of what is behind the links of mails."""
    wiring = year_site.wiring()
    with wiring.database.read() as session:
        found = [*sorted(addresses(session).values()), *doors(session, wiring.links)]
    wiring.close()
    return found


def findings(page: Page) -> list[str]:
    """What axe finds on the page that is open."""
    page.evaluate(AXE)
    found: dict[str, Any] = page.evaluate("axe.run()")
    return [f"{one['id']}: {node['html'][:160]}" for one in found["violations"] for node in one["nodes"]]


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_on_any_page_hinders_anybody_and_nothing_is_cut_off(
    year_site: Site,
    places: list[str],
    visit: Visit,
    language: str,
    scheme: str,
) -> None:
    # axe comes from outside the page, which the page's own policy would rightly stop.
    visitor = visit(year_site.url, locale=language, color_scheme=scheme, bypass_csp=True)
    page, wrong = sign_in(visitor), []
    for place in [*places, *STRANGERS]:
        answer = page.goto(f"{place}{'&' if '?' in place else '?'}language={language}")
        assert answer is not None and answer.status == 200, (place, answer and answer.status)
        wrong += [f"{place} {found}" for found in findings(page)]
        for width in WIDTHS if scheme == "light" else ():
            page.set_viewport_size({"width": width, "height": 900})
            over = page.evaluate(OVER)
            wrong += [f"{place} is {over} px too wide at {width}"] if over > 0 else []
    assert not wrong, json.dumps(wrong, indent=1, ensure_ascii=False)


def test_the_policy_of_every_page_lets_nothing_in_from_elsewhere(
    year_site: Site, places: list[str], visit: Visit
) -> None:
    visitor = visit(year_site.url)
    refused: list[str] = []
    visitor.page.on(
        "console", lambda said: refused.append(said.text) if "Content Security" in said.text else None
    )
    page = sign_in(visitor)
    for place in places:
        answer = page.goto(place)
        assert answer is not None
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy and "default-src 'none'" in policy
    assert not refused
