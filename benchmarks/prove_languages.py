"""Proof: nothing is left in English: every page, mail, error and refused form in Welsh and in Arabic.

The sample year is drawn with every translated word between marks, and every name, date and number between others. What
can be read outside of marks and is nobody's data (nor stands in the database) is untranslated. Then the plural forms
are counted, and where Chromium is, the layout in Arabic is measured against the one in English: it must be its mirror.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, wraps
from gettext import NullTranslations
from html import escape
from html.parser import HTMLParser
from typing import Any
from unittest import mock
from urllib.parse import urlencode
from zoneinfo import available_timezones

from babel.core import Locale
from jinja2 import Environment, meta
from markupsafe import Markup
from sqlalchemy import JSON, String, Text, select
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from campaigns.base import public_id
from campaigns.delivery.tables import Delivery
from campaigns.strategies import agreements
from campaigns.strategies.tables import Party, StrategyVersion
from service import letters, logins, upgrade, words
from service.access import CONSOLE
from service.app import create_app
from service.demo import year
from service.pages import drawing
from service.public import page as public
from service.settings import load
from service.tables import Grant, User
from service.wiring import Wiring, metadata
from tests.chromium import CHROMIUM, FLAGS
from tests.places import addresses
from tests.service import sayings

OTHERS = [language for language in words.LANGUAGES if language != words.DEFAULT]
WORD, DATUM = "⟦⟧", "⟪⟫"
INNERMOST = re.compile(r"[⟦⟪][^⟦⟧⟪⟫]*[⟧⟫]")
# What filters make of data: names, times, numbers.
FILTERS = ("isolated", "moment", "clock", "day", "ago", "wall", "number", "percent", "language_name")
# Elements whose text is somebody's, or is written for machines.
THEIRS = {"bdi", "code", "pre", "samp", "kbd", "time", "textarea", "script", "style"}
VISIBLE = ("title", "alt", "aria-label", "aria-description", "placeholder", "label")
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
LETTERS = re.compile(r"[^\W\d_]{2,}(?:['’ -]+[^\W\d_]+)*")
# Names: of this product, of networks, providers and formats, and of places as time zones call them.
BRANDS = (
    "Dolen OpenID API CSV HTML MB kB X Mastodon Bluesky WhatsApp Ctrl Fastmail Gmail Microsoft",
    "Google Workspace", "Yahoo Mail", "iCloud Mail",
)  # fmt: skip
ZONES = {
    piece
    for zone in available_timezones()
    for apart in (r"[/\d+]", r"[/\d+-]")
    for piece in re.split(apart, zone.replace("_", " "))
}
NAMES = {*BRANDS[0].split(), *BRANDS[1:], *ZONES, *words.LANGUAGES.values()}
NUMBERS = (0, 1, 2, 3, 6, 100)
FORMS = ("zero", "one", "two", "few", "many", "other")
HTML = {"Accept": "text/html"}
WIDE = 1280


@dataclass
class Found:
    """What was looked at, and what was wrong with it."""

    pages: set[str] = field(default_factory=set)
    untranslated: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    wrong: list[str] = field(default_factory=list)
    refused: int = 0
    mails: int = 0
    errors: int = 0
    mirrored: int = 0


def main() -> int:
    """Fill, draw, read, count; a line for each find and one of JSON."""
    found = Found()
    with tempfile.TemporaryDirectory() as folder:
        wiring = Wiring(load({"DOLEN__DATA__DIR": folder, "DOLEN__LOG__LEVEL": "error"}))
        upgrade.upgrade(wiring)
        year.load(wiring, CONSOLE)
        app = create_app(wiring=wiring)
        places = _places(wiring)
        with _marked():
            for language in OTHERS:
                _pages(wiring, app, language, places, found)
                _mails(language, found)
        _clear()
        _errors(found)
        _plurals(found)
        if CHROMIUM:
            _mirrored(wiring, app, found)
        wiring.close()
    for text, where in sorted(found.untranslated.items()):
        print(f"untranslated: {text!r} on {', '.join(sorted(where)[:3])}", file=sys.stderr)
    for line in found.wrong:
        print(f"wrong: {line}", file=sys.stderr)
    print(
        json.dumps(
            {
                "proof": "languages", "languages": len(words.LANGUAGES), "pages": len(found.pages),
                "refused_forms": found.refused, "mails": found.mails, "errors": found.errors,
                "plural_forms": len(FORMS), "mirrored_pages": found.mirrored, "chromium": bool(CHROMIUM),
                "untranslated": len(found.untranslated), "wrong": len(found.wrong),
            }
        )
    )  # fmt: skip
    return 1 if found.untranslated or found.wrong or not found.pages else 0


# --- marks


class _Marking(NullTranslations):
    """A catalogue whose every word is between marks; what it does not have stays bare."""

    def __init__(self, real: NullTranslations) -> None:
        super().__init__()
        self.real = real
        self._catalog = getattr(real, "_catalog", {})

    def gettext(self, message: str) -> str:
        return _mark(self.real.gettext(message), WORD) if message in self._catalog else message

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        told = self.real.ngettext(msgid1, msgid2, n)
        return _mark(told, WORD) if (msgid1, 0) in self._catalog else told


@contextlib.contextmanager
def _marked() -> Iterator[None]:
    """Everything that draws words does it with marks, until the end of the block."""
    real = words.translations
    marking = cache(lambda language: _Marking(real(language)))
    _clear()
    with mock.patch.object(words, "translations", marking):
        for language in OTHERS:
            _mark_filters(drawing.environment(language).filters)
            _mark_filters(public._environment(language).filters)
        yield


def _clear() -> None:
    for drawn in (drawing.environment, public._environment, letters._environment, words._shapes):
        drawn.cache_clear()


def _mark_filters(filters: dict[str, Callable[..., Any]]) -> None:
    for name in FILTERS:
        if name in filters:
            filters[name] = _marking(filters[name])


def _marking(shown: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(shown)
    def show(*given: Any, **more: Any) -> Any:
        return _mark(shown(*given, **more), DATUM)

    return show


def _mark(text: Any, marks: str) -> Any:
    if isinstance(text, Markup):
        return Markup(marks[0]) + text + Markup(marks[1])
    return f"{marks[0]}{text}{marks[1]}" if text != "" else text


class Anything(int):
    """A value for mails: a number, a text, a list of one, and whatever it is asked for."""

    def __str__(self) -> str:
        return "⟪x⟫"

    def __format__(self, form: str) -> str:
        return str(self)

    def __iter__(self) -> Iterator[Anything]:
        return iter([self])

    def __len__(self) -> int:
        return 1

    def __getitem__(self, key: Any) -> Anything:
        return self

    def __getattr__(self, name: str) -> Anything:
        if name.startswith("__"):
            raise AttributeError(name)
        return self


# --- reading


class _Reader(HTMLParser):
    """Collects what a person would read or be read to outside of marks, and the language the page says it is in."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, bool]] = []
        self.texts: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.root: dict[str, str | None] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "html":
            self.root = told
        theirs = self._theirs(tag, told)
        if not theirs:
            self.texts += [told[name] or "" for name in VISIBLE if name in told]
            if tag == "input" and told.get("type") in ("submit", "button", "reset"):
                self.texts.append(told.get("value") or "")
        if tag == "form" and (told.get("method") or "").lower() == "post":
            self.forms.append({"": told.get("action") or ""})
        if tag in ("input", "button") and self.forms and told.get("type") == "hidden" and told.get("name"):
            self.forms[-1][str(told["name"])] = told.get("value") or ""
        if tag not in VOID:
            self.open.append((tag, theirs))

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not (self.open and self.open[-1][1]):
            self.texts.append(data)

    def _theirs(self, tag: str, told: dict[str, str | None]) -> bool:
        """Whether this is data: inside data, an element for it, or said to be in a language or direction of its own."""
        if tag == "html":
            return False
        own = "lang" in told or (told.get("dir") == "auto" and tag not in ("input", "textarea"))
        return bool(self.open and self.open[-1][1]) or tag in THEIRS or own


def _bare(source: str) -> str:
    """A page without what stands between marks."""
    while INNERMOST.search(source):
        source = INNERMOST.sub("", source)
    return source


def _read(source: str, where: str, data: frozenset[str], found: Found) -> _Reader:
    reader = _Reader()
    reader.feed(_bare(source))
    if "⟦" in _bare(source) or "⟧" in _bare(source):
        found.wrong.append(f"{where}: words run over the edge of an element")
    for text in reader.texts:
        for piece in LETTERS.findall(text):
            if piece not in NAMES and _fold(piece) not in data and _fold(text) not in data:
                found.untranslated[piece].add(where)
    return reader


def _fold(text: str) -> str:
    return " ".join(text.split()).casefold()


def _data(session: Session) -> frozenset[str]:
    """Every text that is kept, and each of its runs of letters; words of ours that are kept as codes are none."""
    kept: set[str] = set()
    for table in metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, String | Text | JSON):
                for value in session.scalars(
                    select(column).where(column.is_not(None)).distinct().limit(5000)
                ):
                    kept |= set(_texts(value))
    kept = {text for text in kept if not re.fullmatch(r"[a-z_0-9]*", text)}
    return frozenset(_fold(text) for text in kept) | frozenset(
        _fold(piece) for text in kept for piece in LETTERS.findall(text)
    )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)


# --- what there is to look at


def _places(wiring: Wiring) -> dict[str, str]:
    """Every page with an address that leads to it, those for people without a login as well."""
    with wiring.database.write() as session:
        places = dict(addresses(session))
        delivery = session.scalar(select(Delivery.id).where(Delivery.state == "sent").limit(1))
        places["/u/<token>"] = f"/u/{wiring.links.token('unsubscribe', delivery)}" if delivery else ""
        party = session.scalar(select(Party).where(Party.kind == "stakeholder").limit(1))
        if party is not None:
            newest = select(StrategyVersion).where(StrategyVersion.strategy_id == party.strategy_id)
            version = session.scalar(newest.order_by(StrategyVersion.n.desc()).limit(1))
            if version is not None:
                places["/agree/<token>"] = agreements.invite(session, wiring.now(), version, party)
    places |= {rule: rule for rule in ("/sign-in", "/forgotten")}
    places |= {
        "a broken link": "/u/nothing",
        "a link to let in": "/let-in/nothing",
        "nothing": "/nothing-here",
    }
    places["a wrong id"] = "/people/" + public_id("stk", 1)
    return {rule: address for rule, address in places.items() if address}


def _pages(wiring: Wiring, app: Any, language: str, places: dict[str, str], found: Found) -> None:
    """Draw every page, then send each of its forms empty: what refuses it has to be told too."""
    client = _signed_in(wiring, app)
    with wiring.database.read() as session:
        data = _data(session)
    forms: list[tuple[str, dict[str, str]]] = []
    for rule, address in places.items():
        outside = rule in ("/sign-in", "/forgotten", "/u/<token>", "/agree/<token>")
        visitor = app.test_client() if outside else client
        answer = visitor.get(_in(address, language), headers=HTML)
        if answer.mimetype != "text/html" or 300 <= answer.status_code < 400:
            continue
        if answer.status_code >= 500:
            found.wrong.append(f"{rule} answered {answer.status_code}")
        found.pages.add(rule)
        reader = _read(answer.text, f"{language} {rule}", data, found)
        if (reader.root.get("lang"), reader.root.get("dir")) != (language, words.DIRECTIONS[language]):
            found.wrong.append(
                f"{rule} says {reader.root.get('lang')} {reader.root.get('dir')}, not {language}"
            )
        forms += [(address, form) for form in reader.forms if not outside]
    _refusals(client, language, forms, data, found)


def _in(address: str, language: str) -> str:
    return f"{address}{'&' if '?' in address else '?'}language={language}"


def _refusals(
    client: Any, language: str, forms: list[tuple[str, dict[str, str]]], data: frozenset[str], found: Found
) -> None:
    sent: set[str] = set()
    for address, form in forms:
        fields = dict(form)
        target = fields.pop("") or address.partition("?")[0]
        once = re.sub(r"[a-z]{3}_[0-9A-Z]+", "…", target) + urlencode({k: "" for k in sorted(fields)})
        if once in sent or target.startswith(("/sign-out", "/me", "/settings/stops", "/tour", "/first")):
            continue
        sent.add(once)
        answer = client.post(_in(target, language), data=fields, headers=HTML)
        if answer.status_code >= 500:
            found.wrong.append(f"POST {target} answered {answer.status_code}")
        if answer.status_code >= 400 and answer.mimetype == "text/html":
            found.refused += 1
            _read(answer.text, f"{language} POST {target}", data, found)


def _signed_in(wiring: Wiring, app: Any) -> Any:
    now = wiring.now()
    with wiring.database.write() as session:
        user = session.scalar(select(User).where(User.name == "Ffion Rees"))
        if user is None:
            user = User(name="Ffion Rees", email_key="ffion@example.org", created_at=now, updated_at=now)
            session.add(user)
            session.flush()
            session.add(Grant(user_id=user.id, role="administrator", created_at=now))
        secret = logins.begin(session, now, user.id)
    client = app.test_client()
    client.set_cookie("dolen", secret)
    client.secret = secret
    return client


def _mails(language: str, found: Found) -> None:
    """Every mail of ours, its values between marks: those to people outside, and those to people who work here."""
    outside = letters._environment(language)
    _mark_filters(outside.filters)
    outside.filters["moment"] = lambda *given: DATUM
    inside = drawing.environment(language).overlay(autoescape=False)
    for name in sayings.templates():
        for room, environment in (("mail/", outside), ("pages/", inside)):
            if name.startswith(room) and name.endswith(".txt"):
                letter = _letter(environment, name.removeprefix(room), language)
                _read(escape(letter), f"{language} {name}", frozenset(), found)
                found.mails += 1


def _letter(environment: Environment, name: str, language: str) -> str:
    assert environment.loader is not None
    source, _, _ = environment.loader.get_source(environment, name)
    values = dict.fromkeys(meta.find_undeclared_variables(environment.parse(source)), Anything(3))
    return environment.get_template(name).render(values | {"language": language})


def _errors(found: Found) -> None:
    """One of each error, told in each language: never as it is in English, except where nothing but a name is said."""
    every = sayings.framework() | sayings.of_connectors()
    for file in sayings.code():
        every |= sayings.errors_of(file).sayings
    found.errors = len(every)
    for language in OTHERS:
        catalogue = getattr(words.translations(language), "_catalog", {})
        for saying in every:
            first = saying if isinstance(saying, str) else saying[0]
            if first not in catalogue and (first, 0) not in catalogue:
                found.untranslated[first].add(f"{language} errors")


def _plurals(found: Found) -> None:
    """Six forms of each counted sentence, each told where the language's own rule wants it."""
    for language in OTHERS:
        catalogue = getattr(words.translations(language), "_catalog", {})
        rule = Locale(language).plural_form
        if {FORMS.index(rule(n)) for n in (*NUMBERS, 11)} != set(range(6)):
            found.wrong.append(f"{language} has not six plural forms")
        for one in {key[0] for key in catalogue if isinstance(key, tuple)}:
            for n in NUMBERS:
                told, meant = words.plurals(language)(one, one, n), catalogue.get((one, FORMS.index(rule(n))))
                if told != meant or not told:
                    found.wrong.append(f"{language}: {one!r} for {n} is {told!r}, not {meant!r}")


# --- the mirror


def _mirrored(wiring: Wiring, app: Any, found: Found) -> None:
    """In Arabic the rooms lie to the right of what they lead to, as far from that edge as in English from the left."""
    from playwright.sync_api import sync_playwright

    secret = _signed_in(wiring, app).secret
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    base = f"http://127.0.0.1:{server.server_port}"
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            context = browser.new_context(viewport={"width": WIDE, "height": 900})
            context.add_cookies([{"name": "dolen", "value": secret, "url": base}])
            tab = context.new_page()
            for path in ("/", "/people", "/messages", "/inbox", "/calendar", "/settings/accounts"):
                shapes = {
                    language: _shape(tab, f"{base}{path}?language={language}")
                    for language in ("en", "cy", "ar")
                }
                _compare(path, shapes, found)
            browser.close()
    finally:
        server.shutdown()
        thread.join()


def _shape(tab: Any, url: str) -> dict[str, Any]:
    tab.goto(url, wait_until="load")
    shape: dict[str, Any] = tab.evaluate(
        """() => {
          const box = (one) => { const it = document.querySelector(one)?.getBoundingClientRect();
                                 return it ? [it.left, it.right] : null; };
          const start = getComputedStyle(document.querySelector("h1")).textAlign;
          return { dir: getComputedStyle(document.documentElement).direction, lang: document.documentElement.lang,
                   width: document.documentElement.clientWidth, over: document.documentElement.scrollWidth,
                   rooms: box("nav.rooms"), main: box("main"), mark: box("header.top .mark"), start };
        }"""
    )
    return shape


def _compare(path: str, shapes: dict[str, dict[str, Any]], found: Found) -> None:
    english, arabic = shapes["en"], shapes["ar"]
    problems = [
        f"{language} is {shape['lang']} {shape['dir']}" for language, shape in shapes.items()
        if (shape["lang"], shape["dir"]) != (language, words.DIRECTIONS[language])
    ]  # fmt: skip
    problems += [
        f"{language} runs over the edge"
        for language, shape in shapes.items()
        if shape["over"] > shape["width"]
    ]
    if arabic["rooms"][0] < arabic["main"][1] - 1:
        problems.append("the rooms are not to the right of the page in Arabic")
    for name in ("rooms", "main", "mark"):
        there, here = english[name], arabic[name]
        apart = abs(there[0] - (arabic["width"] - here[1])), abs(english["width"] - there[1] - here[0])
        if name != "mark" and max(apart) > 1 or apart[0] > 1:
            problems.append(f"{name} is no mirror: {there} and {here}")
    found.mirrored += not problems
    found.wrong += [f"{path}: {problem}" for problem in problems]


if __name__ == "__main__":
    sys.exit(main())
