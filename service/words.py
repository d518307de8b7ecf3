"""The words people see, in their language: catalogues are read as they are written, nothing is compiled.

Rules: English is the msgid; a language that is offered is complete (a test compares the templates with the
catalogues). Reading a .po takes milliseconds once per process, so no compiled copy exists that could be stale.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from datetime import date
from functools import cache
from gettext import NullTranslations
from importlib import resources
from io import BytesIO
from typing import Any

from babel.core import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import Translations
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from campaigns.errors import Recalled, Said, said

LANGUAGES = {"en": "English", "cy": "Cymraeg", "ar": "العربية"}
DIRECTIONS = {"en": "ltr", "cy": "ltr", "ar": "rtl"}
DEFAULT = "en"
ENGLISH = "en_GB"  # the day before the month, as the standard this product follows is written
DOMAIN = "dolen"
PLACE = re.compile(r"(?<!\{)\{(\w+)\}(?!\})")
# How many letters of our own a sentence needs before others' words that look like it are taken for it.
TELLING = 8
COMMAS = {"ar": "، "}


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
        room = read_po(BytesIO(source.read_bytes()), locale=language, domain=DOMAIN, abort_invalid=True)
        whole.mime_headers = [("Plural-Forms", room.plural_forms)]  # the files' own; Babel would guess others
        for message in room:
            if message.id:
                whole.add(message.id, message.string, context=message.context)
    compiled = BytesIO()
    write_mo(compiled, whole)
    compiled.seek(0)
    return Translations(compiled, DOMAIN)


def templates(folder: str, language: str, *, html: bool = True) -> Environment:
    """The templates of templates/FOLDER in one of LANGUAGES.

    They know `_`, `ngettext`, errors in `{{ }}`, `|told` for what was stored, and `|isolated` in pages.
    """
    environment = Environment(
        loader=PackageLoader("templates", folder),
        autoescape=html,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    catalogue = translations(language)
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        catalogue.gettext, catalogue.ngettext, newstyle=True
    )
    environment.filters["told"] = lambda text: tell(text, language)
    environment.finalize = lambda value: tell(value, language) if isinstance(value, Said) else value
    if html:
        environment.filters["isolated"] = isolated
    return environment


def isolated(text: object) -> Markup:
    """Somebody's words inside a sentence of ours, with a direction of their own."""
    return Markup("<bdi>{}</bdi>").format(text)


def tell(text: str, language: str) -> str:
    """What stands in errors and reasons, in one of LANGUAGES; words that are nobody's of ours stay as they are.

    Words that were stored are English without their template: they are recognised by their shape.
    """
    if language == DEFAULT or not text:
        return str(text)
    if not isinstance(text, Said):
        found = translator(language)(text)
        return found if found != text else _recognised(text, language)
    if text.many is None:
        template = translator(language)(text.template)
    else:
        template = plurals(language)(text.template, text.many, text.values["n"])
    return template.format(**{name: _shown(value, language) for name, value in text.values.items()})


def told(value: Any, language: str) -> Any:
    """The same value with everything in it that remembers how it was said told in this language."""
    if isinstance(value, Said):
        return tell(value, language)
    if isinstance(value, dict):
        return {name: told(inner, language) for name, inner in value.items()}
    return [told(inner, language) for inner in value] if isinstance(value, list | tuple) else value


def _shown(value: Any, language: str) -> str:
    if isinstance(value, Said | Recalled):
        return tell(value, language)
    if isinstance(value, Collection) and not isinstance(value, str):
        return COMMAS.get(language, ", ").join(_shown(one, language) for one in value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return format_decimal(value, locale=locale(language))
    return alone(str(value)) if DIRECTIONS[language] == "rtl" else str(value)


def alone(text: str) -> str:
    """Text with a direction of its own (FSI, PDI): among Arabic words the parts of 2026-12-31 would change places."""
    return f"\u2068{text}\u2069"


def _recognised(text: str, language: str) -> str:
    for shape, template in _shapes(language):
        found = shape.fullmatch(text)
        if found:
            return template.format(
                **{name: _inner(part, language) for name, part in found.groupdict().items()}
            )
    return text


def _inner(part: str, language: str) -> str:
    """A part of a sentence: a phrase of ours, or a value, which stays; a single word is nobody's phrase."""
    return translator(language)(part) if " " in part else part


@cache
def _shapes(language: str) -> list[tuple[re.Pattern[str], str]]:
    """Every sentence with places: how its English looks when filled in, and its translation; the longest first."""
    catalogue = translations(language)
    messages = getattr(catalogue, "_catalog", {})
    templates = [
        one
        for one in messages
        if isinstance(one, str) and PLACE.search(one) and len(PLACE.sub("", one)) >= TELLING
    ]
    return [
        (re.compile(_shape(one), re.DOTALL), catalogue.gettext(one))
        for one in sorted(templates, key=lambda one: -len(PLACE.sub("", one)))
    ]


def _shape(template: str) -> str:
    """`no field {name}` → `no field (?P<name>.+?)`; a name that comes again is the same."""
    shape, seen = "", set[str]()
    for place, part in enumerate(PLACE.split(template)):
        if place % 2 == 0:
            shape += re.escape(part.replace("{{", "{").replace("}}", "}"))
        else:
            shape += f"(?P={part})" if part in seen else f"(?P<{part}>.+?)"
            seen.add(part)
    return shape


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
        # Sign languages are missing from the tables of languages.
        return tell(said("British Sign Language"), language) if code == "bfi" else code


def country_name(code: str, language: str) -> str:
    """`GB` → United Kingdom, Y Deyrnas Unedig, المملكة المتحدة; a code nobody knows stays as it is."""
    return str(Locale.parse(locale(language)).territories.get(code, code))


def day(on: date, language: str) -> str:
    """A date in full, as the language writes it."""
    return format_date(on, format="long", locale=locale(language))
