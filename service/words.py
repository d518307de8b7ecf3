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

from babel.core import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.messages.catalog import Catalog
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
    """The whole catalogue of one of LANGUAGES: its files, one for each room, as one."""
    if language == DEFAULT:
        return NullTranslations()
    whole = Catalog(locale=language, domain=DOMAIN)
    for source in catalogues(language):
        for message in read_po(
            BytesIO(source.read_bytes()), locale=language, domain=DOMAIN, abort_invalid=True
        ):
            if message.id:
                whole.add(message.id, message.string, context=message.context)
    compiled = BytesIO()
    write_mo(compiled, whole)
    compiled.seek(0)
    return Translations(compiled, DOMAIN)


def catalogues(language: str) -> list[resources.abc.Traversable]:
    """Where the words of a language are written; a word stands in one file only."""
    folder = resources.files("templates") / "locale" / language / "LC_MESSAGES"
    return sorted((one for one in folder.iterdir() if one.name.endswith(".po")), key=lambda one: one.name)


def locale(language: str) -> str:
    """One of LANGUAGES as Babel writes dates and numbers."""
    return ENGLISH if language == DEFAULT else language


def language_name(code: str, language: str) -> str:
    """`cy` → Welsh, Cymraeg, الويلزية; a code nobody knows stays as it is."""
    try:
        return Locale.parse(code, sep="-").get_display_name(locale(language)) or code
    except (UnknownLocaleError, ValueError):
        return code


def day(on: date, language: str) -> str:
    """A date in full, as the language writes it."""
    return format_date(on, format="long", locale=locale(language))
