"""A ledger row and its words become an Outbound; the same row gives the same bytes on every attempt.

Rules: everything outward derives from the delivery's id; bulk mail always carries a way out, in the reader's
language, in the text and in its headers (RFC 2369, RFC 8058).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from html import escape, unescape
from typing import Any, NamedTuple

import regex
from babel.core import Locale, UnknownLocaleError

from connectors.api import Medium, Outbound

from ..base import public_id
from ..links import Links, Tokens
from ..messages import render
from ..messages.compiled import Source, Stencil
from ..messages.tables import Message, Variant
from .tables import Account

WAY_OUT = {
    "en": "You can stop these messages at any time:",
    "cy": "Gallwch atal y negeseuon hyn unrhyw bryd:",
    "ar": "يمكنك إيقاف هذه الرسائل في أي وقت:",
}
CHOICES = {
    "en": "Choose what you get from us, and how often:",
    "cy": "Dewiswch beth rydych yn ei gael gennym, a pha mor aml:",
    "ar": "اختر ما تريد أن يصلك منا، وكم مرة:",
}
# Where each letter of a message costs, the way out is one short line; what else can be chosen is behind it.
SHORT = ("sms", "whatsapp")
SHORT_OUT = {"en": "Stop:", "cy": "Atal:", "ar": "للإيقاف:"}
RTL = ("ar", "fa", "he", "ur")
# Between the languages of one letter in plain text.
RULE = "― ― ―"
BREAKS = regex.compile(r"<(?:br|/p|/h[1-6]|/div|/li)[^>]*>", regex.IGNORECASE)
TAGS = regex.compile(r"<[^>]*>")
PICTURES = regex.compile(r'(<img(?: [a-z]+="[^"]*")*? src=")/m/')
# The letters of so many variants are made at the same time without being drawn anew.
STENCILS_MAX = 64


class Letter(NamedTuple):
    """What composing needs of one delivery, read once per wave."""

    delivery_id: int
    slots: Mapping[str, Any] | None
    variant: Variant
    to: str
    below: Variant | None = None  # the same in another language, below it in the same letter
    begun: str = ""  # what an earlier try has made ready at the provider


def key(delivery_id: int) -> str:
    """The delivery's name outside: idempotency key, rkey, transaction id."""
    return public_id("dlv", delivery_id)


def message_id(delivery_id: int, links: Links) -> str:
    """The Message-ID of a delivery; responses find their way back by it."""
    return f"<{key(delivery_id).lower()}@{links.mail_domain}>"


def written_to(address: str | None, slots: Mapping[str, Any] | None) -> str:
    """Where a row goes: the address as it is now, or that of a test, which stands among its values."""
    return address or str((slots or {}).get("_to", ""))


@dataclass(frozen=True, slots=True)
class Frame:
    """What is done with the words of a letter before they go; `languages` are those of its words, in their order."""

    languages: tuple[str, ...]
    bulk: bool
    broadcast: bool
    base_url: str
    short: bool = False

    def late(self, tokens: Mapping[str, str]) -> dict[str, str]:
        """What each letter gets of its own, by the names that words have for it."""
        return {
            "unsubscribe_url": _out(self.base_url, tokens),
            "preferences_url": f"{self.base_url}/p/{tokens['preferences']}",
            "reader_token": tokens["reader"],
        }

    def finish(self, made: Sequence[render.Rendered], late: Mapping[str, str]) -> tuple[str, str, str]:
        """Subject, text and HTML as they go out."""
        words = self.whole(made, late)
        # Pictures of ours are stored without the name of the server, which may change.
        html = PICTURES.sub(lambda found: f"{found[1]}{self.base_url}/m/", words.html)
        document = _document(html, words.subject, self.languages[0]) if html and not self.broadcast else ""
        return words.subject, words.text, document

    def whole(self, made: Sequence[render.Rendered], late: Mapping[str, str]) -> render.Rendered:
        """All words of a letter: one language or two, and the ways out below them."""
        words = made[0] if len(made) == 1 else together(made[0], made[1], self.languages)
        text, html, out = words.text, words.html, late["unsubscribe_url"]
        if self.bulk and out not in text and out not in html:
            text, html = self._with_ways_out(text, html, out, late["preferences_url"])
        return render.Rendered(words.subject, text, html)

    def _with_ways_out(self, text: str, html: str, out: str, choices: str) -> tuple[str, str]:
        if self.short:
            return text.rstrip() + _short_way_out(out, self.languages[0]), html
        choosable = choices not in text and choices not in html
        for language in self.languages:
            text, html = _with_way_out(text, html, out, language)
            if choosable:
                text, html = _with_way_out(text, html, choices, language, CHOICES)
        return text, html


class Composer:
    """Composes the deliveries of one message through one account, as both were when it was made.

    `attached` is what goes with each variant, by its id (`media.attached`).
    """

    def __init__(
        self,
        message: Message,
        account: Account,
        links: Links,
        attached: Mapping[int, Sequence[Medium]] | None = None,
    ) -> None:
        self._links, self._broadcast, self._attached = links, account.broadcast, attached or {}
        self._sender, self._sender_name = account.sender, account.sender_name
        self._bulk, self._short = _is_bulk(message, account), account.channel in SHORT
        self._inbox = str(account.settings.get("inbox_domain") or "")
        self._sheets: dict[tuple[Variant, Variant | None], _Sheet] = {}

    def compose(self, letter: Letter, since: datetime | None = None) -> Outbound:
        """What the connector gets; `since` is its first intent. MissingData and BadTemplate: nothing was sent then."""
        number, sheet = (
            letter.delivery_id,
            self._sheets.get((letter.variant, letter.below)) or self._sheet(letter),
        )
        tokens, name = Tokens(self._links, number), key(number)
        subject, text, html = sheet.stencil.fill(letter.slots or {}, tokens)
        return Outbound(
            name,
            letter.to,
            subject,
            text,
            html,
            sheet.language,
            self._sender,
            self._sender_name,
            f"replies+{tokens['reply']}@{self._inbox}" if self._inbox else "",
            f"<{name.lower()}@{self._links.mail_domain}>",
            sheet.in_reply_to,
            self._headers(tokens) if self._bulk else {},
            self._options(sheet, tokens),
            since,
            sheet.media,
            letter.begun,
        )

    def _sheet(self, letter: Letter) -> _Sheet:
        above, below = letter.variant, letter.below
        variants = (above,) if below is None else (above, below)
        languages = tuple(one.language for one in variants)
        frame = Frame(languages, self._bulk, self._broadcast, self._links.base_url, self._short)
        sheet = self._sheets[above, below] = _Sheet(
            _stencil(frame, tuple(Source(one.subject, one.text, one.html) for one in variants)),
            ", ".join(languages),
            str(above.options.get("in_reply_to", "")),
            above.options,
            self._attached.get(above.id, ()),
        )
        return sheet

    def _headers(self, tokens: Tokens) -> dict[str, str]:
        ways = f"<{_out(self._links.base_url, tokens)}>"
        if self._inbox:
            ways += f", <mailto:unsubscribe+{tokens['unsubscribe']}@{self._inbox}?subject=unsubscribe>"
        return {"List-Unsubscribe": ways, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}

    def _options(self, sheet: _Sheet, tokens: Tokens) -> Mapping[str, Any]:
        if not self._inbox:
            return sheet.options
        return {**sheet.options, "envelope_from": f"bounces+{tokens['reply']}@{self._inbox}"}


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What the letters of one variant, or of two in one letter, have in common."""

    stencil: Stencil
    language: str
    in_reply_to: str
    options: Mapping[str, Any]
    media: Sequence[Medium]


@lru_cache(maxsize=STENCILS_MAX)
def _stencil(frame: Frame, words: tuple[Source, ...]) -> Stencil:
    return Stencil(words, frame.late, frame.finish)


def together(above: render.Rendered, below: render.Rendered, languages: Sequence[str]) -> render.Rendered:
    """One letter in two languages: both subjects, and each part under the name of its language and marked with it."""
    subjects = dict.fromkeys(filter(None, (above.subject, below.subject)))
    parts = list(zip((above, below), languages, strict=True))
    text = f"\n\n{RULE}\n\n".join(
        f"{_name(language)}\n\n{words.text.strip() or _plain(words.html)}" for words, language in parts
    )
    html = ""
    if above.html or below.html:
        html = "<hr>".join(
            f'<div lang="{language}" dir="{_direction(language)}">'
            f"{words.html or _paragraphs(words.text)}</div>"
            for words, language in parts
        )
    return render.Rendered(" / ".join(subjects), text + "\n", html)


def _name(language: str) -> str:
    """A language as it calls itself: Cymraeg, English, العربية."""
    try:
        return Locale.parse(language, sep="-").get_display_name() or language
    except (UnknownLocaleError, ValueError):
        return language


def _direction(language: str) -> str:
    return "rtl" if language.split("-")[0] in RTL else "ltr"


def _plain(html: str) -> str:
    """What stands in HTML, for a letter whose other part is plain text."""
    return unescape(TAGS.sub("", BREAKS.sub("\n", html))).strip()


def _paragraphs(text: str) -> str:
    return "".join(
        f"<p>{escape(one).replace(chr(10), '<br>')}</p>" for one in text.strip().split("\n\n") if one.strip()
    )


def example(links: Links) -> dict[str, str]:
    """What stands in a preview for the addresses that each letter gets of its own."""
    ways = {"unsubscribe_url": links.url("/u/example"), "preferences_url": links.url("/p/example")}
    return {**ways, "reader_token": "example"}


def shown(
    made: Sequence[render.Rendered],
    languages: Sequence[str],
    message: Message,
    account: Account,
    links: Links,
) -> render.Rendered:
    """Words as they will be read: all that goes by this account, with an example of what is each letter's own."""
    short = account.channel in SHORT
    frame = Frame(tuple(languages), _is_bulk(message, account), account.broadcast, links.base_url, short)
    return frame.whole(made, example(links))


def added(message: Message, account: Account, language: str, links: Links) -> str:
    """What is added to the words where each letter costs, as long as it will be; "" elsewhere."""
    if account.channel not in SHORT or not _is_bulk(message, account):
        return ""
    return _short_way_out(_out(links.base_url, Tokens(links, 0)), language)


def _is_bulk(message: Message, account: Account) -> bool:
    """Whether it goes to people who may say that they want no more of it."""
    return not account.broadcast and (message.purpose != "service" or message.segment_id is not None)


def _short_way_out(out: str, language: str) -> str:
    return f"\n{SHORT_OUT.get(language.split('-')[0], SHORT_OUT['en'])} {out}"


def _out(base_url: str, tokens: Mapping[str, str]) -> str:
    return f"{base_url}/u/{tokens['unsubscribe']}"


def _with_way_out(
    text: str, html: str, out: str, language: str, said: Mapping[str, str] = WAY_OUT
) -> tuple[str, str]:
    words = said.get(language.split("-")[0], said["en"])
    direction = _direction(language)
    if text or not html:
        text = f"{text.rstrip()}\n\n{words}\n{out}\n"
    if html:
        html += f'<p dir="{direction}" lang="{language}">{words} <a href="{out}">{out}</a></p>'
    return text, html


def _document(html: str, subject: str, language: str) -> str:
    """The whole HTML part around what was written, in its language and direction."""
    direction = _direction(language)
    head = f'<meta charset="utf-8"><title>{escape(subject)}</title>'
    return f'<!doctype html><html lang="{language}" dir="{direction}"><head>{head}</head><body>{html}</body></html>'
