"""Words: a language that is offered is whole, and the pages keep to what everybody can read."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterable
from datetime import date
from functools import cache
from importlib import resources
from io import BytesIO

import pytest
from babel.core import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from campaigns.errors import Recalled, Said, counted, said
from campaigns.strategies import strategies
from service import words

from . import sayings
from .conftest import Api

OTHERS = [language for language in words.LANGUAGES if language != words.DEFAULT]
PAGES = sorted(name.removeprefix("public/") for name in sayings.templates() if name.startswith("public/"))
BOOKS = [(language, book.name) for language in OTHERS for book in words.catalogues(language)]
SAID = [
    file for file in sayings.code() if sayings.errors_of(file).sayings or sayings.errors_of(file).unsayable
]
PLACE = re.compile(r"%\((\w+)\)s|(?<!\{)\{(\w+)\}(?!\})")
NUMBERS = {"n", "num", "number", "count"}
# What a reader of Arabic would see with its parts in another order, were it not set apart.
TURNS = re.compile(r"\d-\d|\+\d|[A-Z]=[A-Z]")
FORMS = ("zero", "one", "two", "few", "many", "other")


def source(page: str) -> str:
    return (resources.files("templates") / "public" / page).read_text("utf-8")


@cache
def written(language: str, book: str) -> Catalog:
    """One file of words."""
    path = next(one for one in words.catalogues(language) if one.name == book)
    return read_po(BytesIO(path.read_bytes()), locale=language)


def said_in(language: str, book: str) -> dict[sayings.Saying, Message]:
    return {
        message.id if isinstance(message.id, str) else tuple(message.id): message
        for message in written(language, book)
        if message.id
    }


@cache
def known(language: str) -> frozenset[sayings.Saying]:
    return frozenset(saying for _, book in BOOKS if _ == language for saying in said_in(language, book))


def missing(wanted: Iterable[sayings.Saying]) -> dict[str, list[sayings.Saying]]:
    """What has no translation, by language."""
    lacking = {language: sorted(set(wanted) - known(language), key=str) for language in OTHERS}
    return {language: found for language, found in lacking.items() if found}


def forms(message: Message) -> list[str]:
    """Every form of a translation."""
    if message.string is None:
        return [""]
    return [message.string] if isinstance(message.string, str) else list(message.string)


def places(text: str) -> set[str]:
    return {one or other for one, other in PLACE.findall(text)}


def test_the_pages_and_the_errors_do_use_words() -> None:
    assert (
        len(sayings.used()) > 500 and {"This link is not valid", "there is no such account"} <= sayings.used()
    )


@pytest.mark.parametrize("template", sayings.templates())
def test_no_word_of_a_page_or_mail_is_missing(template: str) -> None:
    assert missing(sayings.words_of(template)) == {}


@pytest.mark.parametrize("file", SAID)
def test_no_word_of_an_error_is_missing_and_every_error_can_be_told(file: str) -> None:
    """An error is a literal or `said(…)`: what is put together otherwise nobody could translate."""
    assert sayings.errors_of(file).unsayable == ()
    assert missing(sayings.errors_of(file).sayings) == {}


def test_no_word_of_what_we_build_on_is_missing() -> None:
    assert missing(sayings.framework() | sayings.of_connectors()) == {}


@pytest.mark.parametrize(("language", "book"), BOOKS)
def test_no_word_is_left_over(language: str, book: str) -> None:
    assert sorted(set(said_in(language, book)) - sayings.used(), key=str) == []


@pytest.mark.parametrize("language", OTHERS)
def test_a_word_is_written_in_one_file(language: str) -> None:
    homes: dict[sayings.Saying, list[str]] = {}
    for book in (book for one, book in BOOKS if one == language):
        for saying in said_in(language, book):
            homes.setdefault(saying, []).append(book)
    assert {saying: found for saying, found in homes.items() if len(found) > 1} == {}


@pytest.mark.parametrize(("language", "book"), BOOKS)
def test_a_translation_is_whole(language: str, book: str) -> None:
    """Nothing is empty or in doubt, and every value of a sentence stands in its translation."""
    for saying, message in said_in(language, book).items():
        assert all(form.strip() for form in forms(message)) and not message.fuzzy, saying
        if isinstance(saying, str):
            assert places(saying) == places(str(message.string)), saying
            continue
        assert len(forms(message)) == 6, saying
        for form in forms(message):  # "within two days" needs no number
            assert places(saying[1]) - NUMBERS <= places(form) <= places(saying[1]), saying


@pytest.mark.parametrize(("language", "book"), BOOKS)
def test_each_plural_form_is_the_languages_own(language: str, book: str) -> None:
    rule, plural = Locale(language).plural_form, words.plurals(language)
    assert {FORMS.index(rule(number)) for number in range(201)} == set(range(6))
    for saying, message in said_in(language, book).items():
        if not isinstance(saying, str):
            one, several = saying
            for number in (*range(201), 1000):
                form = forms(message)[FORMS.index(rule(number))]
                assert plural(one, several, number) == form, (saying, number)


@pytest.mark.parametrize("book", [book for language, book in BOOKS if language == "ar"])
def test_what_is_read_from_the_left_stands_alone_among_arabic_words(book: str) -> None:
    """A day, a rule or a number with + in it would be shown with its parts in another order."""
    for message in said_in("ar", book).values():
        for form in forms(message):
            assert not TURNS.search(re.sub("\u2066[^\u2069]*\u2069", "", form)), form


def test_values_in_an_arabic_sentence_keep_their_own_order() -> None:
    told = words.tell(said("{day} is not a day such as 2026-12-29", day="2026-13-01"), "ar")
    assert told.startswith("\u20682026-13-01\u2069 ") and "\u20662026-12-29\u2069" in told
    assert " 2026-13-01 " in words.tell(said("{day} is not a day such as 2026-12-29", day="2026-13-01"), "cy")


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


def test_an_error_is_told_with_its_values() -> None:
    error = said("there is no such field; define it first (there are: {names})", names=["town", "ward"])
    assert error == "there is no such field; define it first (there are: town, ward)"
    assert words.tell(error, "en") == str(error)
    assert words.tell(error, "cy") == "nid oes maes o'r fath; diffiniwch ef yn gyntaf (mae: town, ward)"
    assert words.tell(error, "ar").endswith("(الموجود: \u2068town\u2069، \u2068ward\u2069)")


def test_a_value_is_never_read_as_words_or_as_places() -> None:
    assert said("two columns are named {name}", name="{other} %s") == "two columns are named {other} %s"
    assert (
        words.tell(said("two columns are named {name}", name="Today"), "cy") == "mae dwy golofn o'r enw Today"
    )


def test_words_inside_words_are_told_too() -> None:
    error = said("this is {what}, not a CSV file; save it as CSV (UTF-8)", what=said("a compressed file"))
    assert words.tell(error, "cy").startswith("ffeil wedi'i chywasgu yw hon")
    kept = said(
        "The account {name} is out of service: {reason}",
        name="Post",
        reason=Recalled("the hook is not signed"),
    )
    assert words.tell(kept, "cy") == "Nid yw'r cyfrif Post mewn gwasanaeth: nid yw'r bachyn wedi'i lofnodi"


def test_a_number_chooses_its_form() -> None:
    told = {
        n: words.tell(counted("{n} field is not valid", "{n} fields are not valid", n), "ar")
        for n in (1, 2, 3, 11, 100)
    }
    assert len(set(told.values())) == 5 and told[2] == "حقلان غير صالحين"
    assert counted("{n} field is not valid", "{n} fields are not valid", 1) == "1 field is not valid"


def test_words_that_were_stored_are_recognised_by_their_shape() -> None:
    stored = str(
        said(
            "The approval covers {ceiling} recipients and there are {size}: raise the ceiling",
            ceiling=5,
            size=9,
        )
    )
    assert type(stored) is str and words.tell(stored, "cy").startswith(
        "Mae'r gymeradwyaeth yn cwmpasu 5 o dderbynwyr"
    )
    assert (
        words.tell("554 5.7.1 relay: access denied; ask {them}", "cy")
        == "554 5.7.1 relay: access denied; ask {them}"
    )
    assert words.tell("", "ar") == ""


def test_words_remember_how_they_were_made_wherever_they_go() -> None:
    error = said("there is no such field; did you mean {name}?", name="town")
    again = pickle.loads(pickle.dumps(error))
    assert isinstance(again, Said) and again == error and words.tell(again, "cy") == words.tell(error, "cy")


def test_everything_inside_a_problem_is_told() -> None:
    members = {"blockers": [{"kind": "x", "detail": said("A second person has to check it")}], "n": 3}
    assert words.told(members, "cy") == {
        "blockers": [{"kind": "x", "detail": "Rhaid i ail berson ei gwirio"}],
        "n": 3,
    }


def test_the_api_tells_problems_in_the_language_that_is_asked_for(api: Api, admin: str) -> None:
    asked = {"Accept-Language": "cy-GB, en;q=0.5"}
    answer = api.get("/v1/stakeholders/stk_nothing", admin, headers=asked)
    assert answer.headers["Content-Language"] == "cy" and "Accept-Language" in answer.headers["Vary"]
    problem = answer.json
    assert problem["code"] in ("bad_id", "not_found") and problem["title"] in (
        "Nid oes dim yma",
        "Nid id o'r math hwn",
    )
    english = api.get("/v1/stakeholders/stk_nothing", admin)
    assert english.headers["Content-Language"] == "en" and english.json["code"] == problem["code"]
    assert english.json["title"] in ("There is nothing here", "Not an id of this kind")


def test_every_field_of_a_problem_is_told(api: Api, admin: str) -> None:
    answer = api.post("/v1/stakeholders", admin, json={"kind": "dog"}, headers={"Accept-Language": "cy"})
    told = {one["detail"] for one in answer.json["errors"]}
    assert answer.status_code == 422 and "Mae data ar goll ar gyfer maes y mae ei angen." in told
    assert any(detail.startswith("rhaid iddo fod yn un o'r rhain: ") for detail in told)


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
