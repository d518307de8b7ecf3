"""Blocks: what a mail is put together from by people who write no HTML, drawn over the house layout.

Rules: blocks become HTML and its text alternative when they are saved, and the words that go out are these; a picture
has alt text or is called decorative; slots pass untouched, everything else is escaped.
Source: C1, C11.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import regex

from ..errors import BadField
from ..stakeholders.text import clean

BLOCKS_MAX = 60
TEXT_MAX = 20_000
LINE_MAX = 500
URL_MAX = 2_000
# The fields of each kind, in the order in which they are asked for.
KINDS: dict[str, tuple[str, ...]] = {
    "heading": ("text",),
    "text": ("text",),
    "picture": ("url", "alt", "decorative", "link"),
    "button": ("text", "url"),
    "columns": ("left", "right"),
}
RTL = ("ar", "fa", "he", "ur")
COLOUR = "#0b5a3c"

# House layout: one sheet that is as wide as a letter and as narrow as a telephone, readable without its pictures.
FONT = "font-family: Noto Sans, Noto Sans Arabic, Arial, sans-serif"
SHEET = "max-width: 600px; margin-left: auto; margin-right: auto; padding: 24px; background-color: #ffffff"
INK = f"{FONT}; font-size: 16px; line-height: 1.6; color: #1b1f24"
HEADING = f"{FONT}; font-size: 22px; line-height: 1.3; color: #1b1f24; margin-top: 24px; margin-bottom: 8px"
BUTTON = (
    f"{FONT}; display: inline-block; padding: 12px 20px; border-radius: 6px; color: #ffffff; font-weight: bold; "
    "text-decoration: none"
)
SMALL = f"{FONT}; font-size: 13px; line-height: 1.5; color: #525a64"
COLUMN = (
    f"{INK}; display: inline-block; width: 100%; max-width: 270px; vertical-align: top; padding-right: 8px"
)


@dataclass(frozen=True, slots=True)
class Dress:
    """What the house puts around the words. `colour` carries white letters; `logo` is where a picture is found."""

    name: str = ""
    colour: str = COLOUR
    logo: str = ""
    logo_alt: str = ""
    footer: str = ""
    address: str = ""


PLAIN = Dress()

_SLOTS = regex.compile(r"(\{\{.*?\}\}|\{%.*?%\})", regex.DOTALL)
_LINK = regex.compile(r"https?://[^\s<>\"'{}]*[^\s<>\"'{}.,;:!?)\]]")
# Elsewhere, or a picture of ours (`media.path`), which gets its server's name when it goes out.
_GOES = regex.compile(r"(https?://|mailto:|tel:|/m/[0-9a-f]{64}\.|\{\{)", regex.IGNORECASE)


def check(blocks: object) -> list[dict[str, Any]]:
    """Blocks as they are stored; BadField points at the one that is wrong, as /blocks/2/alt."""
    if not isinstance(blocks, list) or not blocks:
        raise BadField("there are no words: add a block", pointer="/blocks")
    if len(blocks) > BLOCKS_MAX:
        raise BadField("this has more blocks than a mail can hold", pointer="/blocks")
    return [_one(block, f"/blocks/{place}") for place, block in enumerate(blocks)]


def words(blocks: Sequence[Mapping[str, Any]], language: str, dress: Dress = PLAIN) -> tuple[str, str]:
    """The text alternative and the HTML of checked blocks, both with their slots, in the dress of the house."""
    direction = "rtl" if language.split("-")[0] in RTL else "ltr"
    inside = "".join(_HTML[block["kind"]](block, dress) for block in blocks)
    html = f'<div dir="{direction}" lang="{language}" style="{SHEET}; {INK}">{_head(dress)}{inside}{_foot(dress)}</div>'
    foot = "\n".join(filter(None, (dress.footer, dress.address)))
    texts = [*(_TEXT[block["kind"]](block) for block in blocks), f"--\n{foot}" if foot else ""]
    return "\n\n".join(filter(None, texts)) + "\n", html


def _one(block: object, pointer: str) -> dict[str, Any]:
    if not isinstance(block, Mapping) or block.get("kind") not in KINDS:
        raise BadField("a block is a heading, a text, a picture, a button or two columns", pointer=pointer)
    made = {"kind": block["kind"]} | {
        name: _value(block, name, f"{pointer}/{name}") for name in KINDS[block["kind"]]
    }
    for name in {"url", "link"} & made.keys():
        if made[name] and not _GOES.match(made[name]):
            raise BadField("write the whole address, with https:// before it", pointer=f"{pointer}/{name}")
    if made["kind"] == "picture" and not (made["alt"] or made["decorative"]):
        words = "say what the picture shows for those who do not see it, or that it is decorative"
        raise BadField(words, pointer=f"{pointer}/alt")
    return made


def _value(block: Mapping[str, Any], name: str, pointer: str) -> Any:
    if name == "decorative":
        return bool(block.get(name))
    long = name in ("left", "right") or (name == "text" and block["kind"] == "text")
    size = URL_MAX if name in ("url", "link") else TEXT_MAX if long else LINE_MAX
    given = block.get(name, "")
    return clean(given, pointer, length_max=size, lines=long, empty=name in ("alt", "link")).strip()


def _escaped(text: str) -> str:
    """Everything but the slots escaped; what a slot holds is escaped when it is filled in."""
    parts = _SLOTS.split(text)
    return "".join(part if place % 2 else escape(part) for place, part in enumerate(parts))


def _linked(text: str) -> str:
    """Escaped words in which whole addresses are links."""
    made, end = [], 0
    for found in _LINK.finditer(text):
        made.append(_escaped(text[end : found.start()]))
        made.append(f'<a href="{escape(found.group())}">{escape(found.group())}</a>')
        end = found.end()
    return "".join([*made, _escaped(text[end:])])


def _paragraphs(text: str) -> str:
    found = regex.split(r"\n\s*\n", text.strip())
    return "".join(f'<p style="{INK}">{_linked(one).replace(chr(10), "<br>")}</p>' for one in found)


def _head(dress: Dress) -> str:
    if dress.logo:
        alt = escape(dress.logo_alt or dress.name)
        return (
            f'<p><img src="{escape(dress.logo)}" alt="{alt}" height="48" style="height: 48px; border: 0"></p>'
        )
    if not dress.name:
        return ""
    style = f"{FONT}; font-weight: bold; color: {dress.colour}; border-bottom: 3px solid {dress.colour}"
    return f'<p style="{style}; padding-bottom: 8px">{escape(dress.name)}</p>'


def _foot(dress: Dress) -> str:
    lines = [escape(one).replace("\n", "<br>") for one in (dress.footer, dress.address) if one]
    style = f"{SMALL}; border-top: 1px solid #c9ced5; margin-top: 24px; padding-top: 8px"
    return f'<p style="{style}">{"<br>".join(lines)}</p>' if lines else ""


def _button(block: Mapping[str, Any], dress: Dress) -> str:
    style = f"{BUTTON}; background-color: {dress.colour}"
    return f'<p><a href="{_escaped(block["url"])}" style="{style}">{_escaped(block["text"])}</a></p>'


def _picture(block: Mapping[str, Any]) -> str:
    alt = "" if block["decorative"] else _escaped(block["alt"])
    style = "max-width: 100%; height: auto; border: 0"
    image = f'<img src="{_escaped(block["url"])}" alt="{alt}" style="{style}">'
    return f'<p><a href="{_escaped(block["link"])}">{image}</a></p>' if block["link"] else f"<p>{image}</p>"


def _picture_text(block: Mapping[str, Any]) -> str:
    shown = "" if block["decorative"] else f"[{block['alt']}]"
    return " ".join(filter(None, (shown, block["link"])))


def _columns(block: Mapping[str, Any]) -> str:
    sides = (block["left"], block["right"])
    return "<div>" + "".join(f'<div style="{COLUMN}">{_paragraphs(side)}</div>' for side in sides) + "</div>"


_HTML: dict[str, Callable[[Mapping[str, Any], Dress], str]] = {
    "heading": lambda block, dress: f'<h1 style="{HEADING}">{_escaped(block["text"])}</h1>',
    "text": lambda block, dress: _paragraphs(block["text"]),
    "picture": lambda block, dress: _picture(block),
    "button": _button,
    "columns": lambda block, dress: _columns(block),
}
_TEXT: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "heading": lambda block: str(block["text"]),
    "text": lambda block: str(block["text"]),
    "picture": _picture_text,
    "button": lambda block: f"{block['text']}: {block['url']}",
    "columns": lambda block: f"{block['left']}\n\n{block['right']}",
}
