"""A ledger row and its words become an Outbound; the same row gives the same bytes on every attempt.

Rules: everything outward derives from the delivery's id; bulk mail always carries a way out, in the reader's
language, in the text and in its headers (RFC 2369, RFC 8058).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape, unescape
from typing import Any

import regex
from babel.core import Locale, UnknownLocaleError

from connectors.api import Outbound

from ..base import public_id
from ..links import Links
from ..messages import render
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
RTL = ("ar", "fa", "he", "ur")
# Between the languages of one letter in plain text.
RULE = "― ― ―"
BREAKS = regex.compile(r"<(?:br|/p|/h[1-6]|/div|/li)[^>]*>", regex.IGNORECASE)
TAGS = regex.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True)
class Letter:
    """What composing needs of one delivery, read once per wave."""

    delivery_id: int
    slots: Mapping[str, Any] | None
    variant: Variant
    to: str
    below: Variant | None = None  # the same in another language, below it in the same letter


def key(delivery_id: int) -> str:
    """The delivery's name outside: idempotency key, rkey, transaction id."""
    return public_id("dlv", delivery_id)


def message_id(delivery_id: int, links: Links) -> str:
    """The Message-ID of a delivery; responses find their way back by it."""
    return f"<{key(delivery_id).lower()}@{links.mail_domain}>"


def written_to(address: str | None, slots: Mapping[str, Any] | None) -> str:
    """Where a row goes: the address as it is now, or that of a test, which stands among its values."""
    return address or str((slots or {}).get("_to", ""))


class Composer:
    """Composes the deliveries of one message through one account, as both were when it was made."""

    def __init__(self, message: Message, account: Account, links: Links) -> None:
        self._message, self._account, self._links = message, account, links

    def compose(self, letter: Letter) -> Outbound:
        """What the connector gets. Raises render.MissingData and BadTemplate; nothing was sent then."""
        return _compose(letter, self._message, self._account, self._links)


def _compose(letter: Letter, message: Message, account: Account, links: Links) -> Outbound:
    number, variant = letter.delivery_id, letter.variant
    out = links.url(f"/u/{links.token('unsubscribe', number)}")
    choices = links.url(f"/p/{links.token('preferences', number)}")
    late = {
        "unsubscribe_url": out, "preferences_url": choices, "reader_token": links.token("reader", number)
    }  # fmt: skip
    words, languages = _words(letter, {**(letter.slots or {}), **late})
    bulk = not account.broadcast and (message.purpose != "service" or message.segment_id is not None)
    # Pictures of ours are stored without the name of the server, which may change.
    text, html = words.text, words.html.replace('src="/m/', f'src="{links.url("/m/")}')
    if bulk and out not in text and out not in html:
        choosable = choices not in text and choices not in html
        for language in languages:
            text, html = _with_way_out(text, html, out, language)
            if choosable:
                text, html = _with_way_out(text, html, choices, language, CHOICES)
    return Outbound(
        key=key(number),
        to=letter.to,
        subject=words.subject,
        text=text,
        html=_document(html, words.subject, variant.language) if html and not account.broadcast else "",
        language=", ".join(languages),
        sender=account.sender,
        sender_name=account.sender_name,
        reply_to=_reply_to(number, account, links),
        message_id=message_id(number, links),
        in_reply_to=str(variant.options.get("in_reply_to", "")),
        headers=_headers(number, account, links, out) if bulk else {},
        options={**variant.options, **_return_path(number, account, links)},
    )


def _words(letter: Letter, values: dict[str, Any]) -> tuple[render.Rendered, list[str]]:
    """The words of one language, or of two in one letter, and the languages they are in."""
    above = render.render(letter.variant, values)
    if letter.below is None:
        return above, [letter.variant.language]
    languages = [letter.variant.language, letter.below.language]
    return together(above, render.render(letter.below, values), languages), languages


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


def _headers(number: int, account: Account, links: Links, out: str) -> dict[str, str]:
    ways = [f"<{out}>"]
    if account.settings.get("inbox_domain"):
        token = links.token("unsubscribe", number)
        ways.append(f"<mailto:unsubscribe+{token}@{account.settings['inbox_domain']}?subject=unsubscribe>")
    return {"List-Unsubscribe": ", ".join(ways), "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def _reply_to(number: int, account: Account, links: Links) -> str:
    domain = account.settings.get("inbox_domain")
    return f"replies+{links.token('reply', number)}@{domain}" if domain else ""


def _return_path(number: int, account: Account, links: Links) -> dict[str, Any]:
    domain = account.settings.get("inbox_domain")
    return {"envelope_from": f"bounces+{links.token('reply', number)}@{domain}"} if domain else {}
