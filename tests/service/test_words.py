"""Words: a language that is offered is whole, and the pages keep to what everybody can read."""

from __future__ import annotations

import re
from datetime import date
from importlib import resources

import pytest
from babel.core import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po

from campaigns.strategies import strategies
from service import words

OTHERS = [language for language in words.LANGUAGES if language != words.DEFAULT]
PAGES = sorted(
    page.name for page in (resources.files("templates") / "public").iterdir() if page.name.endswith(".html")
)
PLACE = re.compile(r"%\((\w+)\)s")


def source(page: str) -> str:
    return (resources.files("templates") / "public" / page).read_text("utf-8")


def used() -> set[str | tuple[str, ...]]:
    """Every msgid that a page uses."""
    found: set[str | tuple[str, ...]] = set()
    for page in PAGES:
        with (
            resources.as_file(resources.files("templates") / "public" / page) as path,
            path.open("rb") as file,
        ):
            for _line, message, _comments, _context in extract("jinja2.ext:babel_extract", file):
                found.add(message)
    return found


def written(language: str) -> Catalog:
    with resources.as_file(words.catalogues(language)) as path, path.open("rb") as file:
        return read_po(file, locale=language)


def forms(message: Message) -> list[str]:
    """Every form of a translation."""
    if message.string is None:
        return [""]
    return [message.string] if isinstance(message.string, str) else list(message.string)


def test_the_pages_do_use_words() -> None:
    assert len(used()) > 50 and "This link is not valid" in used()


@pytest.mark.parametrize("language", OTHERS)
def test_no_word_of_a_page_is_missing_and_none_is_left_over(language: str) -> None:
    known = {message.id: message for message in written(language) if message.id}
    assert set(known) == used()
    for message in known.values():
        assert all(form.strip() for form in forms(message)) and not message.fuzzy, message.id


@pytest.mark.parametrize("language", OTHERS)
def test_every_value_of_a_sentence_stands_in_its_translation(language: str) -> None:
    for message in written(language):
        if not message.id:
            continue
        if isinstance(message.id, str):
            assert sorted(PLACE.findall(message.id)) == sorted(PLACE.findall(str(message.string))), message.id
        else:  # "within two days" needs no number
            assert all(set(PLACE.findall(form)) <= {"num"} for form in forms(message)), message.id


@pytest.mark.parametrize("language", OTHERS)
def test_each_plural_form_is_the_languages_own(language: str) -> None:
    rule, plural = Locale(language).plural_form, words.plurals(language)
    catalogue = written(language)
    message = next(message for message in catalogue if message.pluralizable)
    assert not isinstance(message.id, str)
    one, many = message.id
    shown: dict[str, set[str]] = {}
    for number in range(201):
        shown.setdefault(rule(number), set()).add(plural(one, many, number))
    assert len(shown) == catalogue.num_plurals == 6
    assert all(len(forms) == 1 for forms in shown.values())


@pytest.mark.parametrize(
    ("wishes", "language"),
    [
        ([], "en"), ([None, ""], "en"), (["cy-GB"], "cy"), (["ar_EG"], "ar"), (["fr", "CY", "en"], "cy"),
        (["../../etc/passwd", "x" * 10_000], "en"),
    ],
)  # fmt: skip
def test_the_first_wish_we_can_meet_is_met(wishes: list[str | None], language: str) -> None:
    assert words.choose(wishes) == language


def test_a_date_is_written_as_its_readers_write_it() -> None:
    on = date(2026, 11, 2)
    shown = {language: words.day(on, language) for language in words.LANGUAGES}
    assert shown == {"en": "2 November 2026", "cy": "2 Tachwedd 2026", "ar": "2 نوفمبر 2026"}


def test_english_is_what_the_page_says() -> None:
    assert words.translator("en")("Thank you") == "Thank you"
    assert words.translator("cy")("Thank you") == "Diolch"


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_no_script_and_no_style_of_its_own(page: str) -> None:
    text = source(page).lower()
    assert "<script" not in text and "<style" not in text and "style=" not in text
    assert not re.search(r"\son[a-z]+\s*=", text) and "javascript:" not in text


def test_every_section_of_a_strategy_has_a_title() -> None:
    text = source("agreement.html")
    assert all(f'"{section}": _(' in text for section in strategies.SECTIONS)


def test_the_style_is_free_of_left_and_right() -> None:
    style = (resources.files("service") / "static" / "public.css").read_text("utf-8")
    rules = re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL)
    assert not re.search(r"\b(left|right)\b|(margin|padding)-(top|bottom)|@import|url\(", rules)


def _light(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((_light(one), _light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_and_controls_have_the_contrast_that_wcag_aa_asks_for(scheme: int) -> None:
    """WCAG 1.4.3 and 1.4.11."""
    style = (resources.files("service") / "static" / "public.css").read_text("utf-8")
    blocks = re.findall(r":root \{(.*?)\}", style, flags=re.DOTALL)
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", blocks[scheme]))
    for ink, paper in (
        ("ink", "paper"), ("faint", "paper"), ("link", "paper"), ("act-ink", "act"), ("act", "paper"),
        ("ink", "done"), ("ink", "problem"), ("alarm", "problem"), ("faint", "done"),
    ):  # fmt: skip
        assert contrast(colours[ink], colours[paper]) >= 4.5, (ink, paper)
    assert contrast(colours["line"], colours["paper"]) >= 3
