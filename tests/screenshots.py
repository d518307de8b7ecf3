"""`make screenshots`: every page with the sample year in three languages, and in the dark, as pictures to look at.

`python -m tests.screenshots [FOLDER]`; the folder is made new. `python -m tests.screenshots --docs` makes those that
stand in docs/screens: one screen each, in few colours.
"""

from __future__ import annotations

import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from .browser.site import DOLEN, FIRST_VISIT, Site, Visitor, come_in
from .chromium import CHROMIUM, FLAGS
from .instance import instance
from .places import addresses

LANGUAGES = ("en", "cy", "ar")
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 360, "height": 780}
DOCS = Path(__file__).parents[1] / "docs" / "screens"
COLOURS = 96


@dataclass(frozen=True)
class Picture:
    """One for the documents: a page, and the first link to follow from it."""

    name: str
    place: str
    follow: str = ""
    language: str = "en"
    dark: bool = False
    narrow: bool = False


PICTURES = (
    Picture("today", "/"),
    Picture("write", "/write"),
    Picture("message", "/messages", "tbody th a"),
    Picture("who-got-it", "/who"),
    Picture("inbox", "/inbox", ".items a"),
    Picture("record", "/people?begins=Aber", "tbody th a"),
    Picture("strategy", "/strategies", "section:last-of-type .list a"),
    Picture("calendar-dark", "/calendar", dark=True),
    Picture("today-narrow", "/", narrow=True),
    Picture("messages-cy", "/messages", language="cy"),
    Picture("group-cy", "/groups", "tbody th a", language="cy"),
    Picture("calendar-ar", "/calendar", language="ar"),
    Picture("message-ar", "/messages", "tbody th a", language="ar"),
)


def main() -> int:
    """Write them all, and say how many."""
    docs = sys.argv[1:] == ["--docs"]
    folder = DOCS if docs else Path(sys.argv[1] if len(sys.argv) > 1 else "build/screenshots")
    shutil.rmtree(folder, ignore_errors=True)
    with (
        TemporaryDirectory() as data,
        instance(DOLEN, Path(data)) as running,
        sync_playwright() as playwright,
    ):
        site = Site(running, Path(data))
        site.dolen("sample", "load")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        count = (_for_docs if docs else _all)(browser, site, folder)
        browser.close()
    print(f"{count} pictures in {folder}")
    return 0


def _all(browser: Browser, site: Site, folder: Path) -> int:
    state = _signed_in(browser, site)
    wiring = site.wiring()
    with wiring.database.read() as session:
        places = addresses(session)
    wiring.close()
    count = 0
    for language in LANGUAGES:
        for look, size, scheme in (
            ("wide", WIDE, "light"),
            ("narrow", NARROW, "light"),
            ("dark", WIDE, "dark"),
        ):
            if look == "dark" and language != "en":
                continue
            context = browser.new_context(
                base_url=site.url, viewport=size, color_scheme=scheme, locale=language, storage_state=state  # type: ignore[arg-type]
            )  # fmt: skip
            count += _each(context.new_page(), places, folder / language / look)
            context.close()
    return count


def _for_docs(browser: Browser, site: Site, folder: Path) -> int:
    folder.mkdir(parents=True)
    state = _signed_in(browser, site)
    for one in PICTURES:
        context = browser.new_context(
            base_url=site.url, viewport=NARROW if one.narrow else WIDE, locale=one.language,  # type: ignore[arg-type]
            color_scheme="dark" if one.dark else "light", storage_state=state,  # type: ignore[arg-type]
        )  # fmt: skip
        page, path = context.new_page(), folder / f"{one.name}.png"
        page.goto(_in(one.language, one.place))
        if one.follow:
            page.goto(_in(one.language, page.locator(one.follow).first.get_attribute("href") or "/"))
        page.screenshot(path=path)
        with Image.open(path) as taken:
            few = taken.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        few.save(path, optimize=True)
        context.close()
    return len(PICTURES)


def _signed_in(browser: Browser, site: Site) -> object:
    found = FIRST_VISIT.search((site.folder / "log").read_text())
    assert found is not None
    context = browser.new_context(base_url=site.url)
    come_in(Visitor(context, context.new_page()), found[1])
    state = context.storage_state()
    context.close()
    return state


def _in(language: str, place: str) -> str:
    return f"{place}{'&' if '?' in place else '?'}language={language}"


def _each(page: Page, places: dict[str, str], folder: Path) -> int:
    for rule, place in places.items():
        language = folder.parent.name
        page.goto(_in(language, place))
        name = re.sub(r"<[^>]*>", "one", rule).strip("/").replace("/", "-") or "today"
        folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=folder / f"{name}.png", full_page=True)
    return len(places)


if __name__ == "__main__":
    sys.exit(main())
