"""The words people see, in their language: catalogues are read as they are written, nothing is compiled.

Rules: English is the msgid; a language that is offered is complete (a test compares the templates with the
catalogues). Reading a .po takes milliseconds once per process, so no compiled copy exists that could be stale.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from functools import cache
from gettext import NullTranslations
from importlib import resources
from io import BytesIO

from babel.dates import format_date
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

LANGUAGES = {"en": "English", "cy": "Cymraeg", "ar": "العربية"}
DIRECTIONS = {"en": "ltr", "cy": "ltr", "ar": "rtl"}
DEFAULT = "en"
ENGLISH = "en_GB"  # the day before the month, as the standard this product follows is written
DOMAIN = "dolen"


def choose(wishes: Iterable[str | None]) -> str:
    """The first wish we have words for (`cy-GB` is met by `cy`), else English."""
    for wish in wishes:
        main = (wish or "").replace("_", "-").split("-")[0].lower()
        if main in LANGUAGES:
            return main
    return DEFAULT


def translator(language: str) -> Callable[[str], str]:
    """gettext of one of LANGUAGES."""
    return translations(language).gettext


def plurals(language: str) -> Callable[[str, str, int], str]:
    """ngettext of one of LANGUAGES, with its own plural forms: six in Welsh and in Arabic."""
    return translations(language).ngettext


@cache
def translations(language: str) -> NullTranslations:
    """The whole catalogue of one of LANGUAGES."""
    if language == DEFAULT:
        return NullTranslations()
    with resources.as_file(catalogue(language)) as path, path.open("rb") as source:
        found = read_po(source, locale=language, domain=DOMAIN, abort_invalid=True)
    compiled = BytesIO()
    write_mo(compiled, found)
    compiled.seek(0)
    return Translations(compiled, DOMAIN)


def catalogue(language: str) -> resources.abc.Traversable:
    """Where the words of a language are written."""
    return resources.files("templates") / "locale" / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def day(on: date, language: str) -> str:
    """A date in full, as the language writes it."""
    return format_date(on, format="long", locale=ENGLISH if language == DEFAULT else language)
