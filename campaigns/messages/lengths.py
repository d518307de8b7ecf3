"""How long a text is, counted as the network that carries it counts.

Source: C3, bad input R43; 3GPP TS 23.038 (the alphabet of text messages) and 23.040 (how long ones are cut).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import regex

with warnings.catch_warnings():  # it imports pkg_resources, which would warn at every start of every process
    warnings.simplefilter("ignore", UserWarning)
    from twitter_text import extract_urls, parse_tweet

from ..errors import said
from . import parts

# Mastodon counts every link as 23 characters and a remote mention without its server.
LINK_LENGTH = 23
# Bluesky takes 300 graphemes, and no more than 3,000 bytes of them.
GRAPHEME_BYTES = 10
# What stands in front of the words for each picture: a line break, a sign, a space.
CAPTION_MARK = 3
# How much one text message carries, alone and as one of several: in its own alphabet, and in UCS-2 beyond that.
SMS_ALPHABET, SMS_UNICODE = (160, 153), (70, 67)

_SMS = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_SMS_TWO = frozenset("^{}\\[~]|€\f")  # each takes the place of two
_GRAPHEME = regex.compile(r"\X")
_LINK = regex.compile(r"https?://[^\s<>\"'()]+", regex.IGNORECASE)
_MENTION = regex.compile(r"(?<![\w/])@(\w+(?:[\w.-]+\w+)?)@[\w.-]+\w")


def count(counting: str, text: str) -> int:
    """The length of a text; `counting` is codepoints, graphemes, bluesky, x, mastodon or sms. ValueError for another
    word."""
    if counting == "codepoints":
        return len(text)
    if counting == "graphemes":
        return len(_GRAPHEME.findall(text))
    if counting == "bluesky":
        return max(len(_GRAPHEME.findall(text)), -(-len(text.encode()) // GRAPHEME_BYTES))
    if counting == "x":
        return int(parse_tweet(text).weightedLength) if text else 0
    if counting == "mastodon":
        plain = _MENTION.sub(r"@\1", _LINK.sub("x" * LINK_LENGTH, text))
        return len(_GRAPHEME.findall(plain))
    if counting == "sms":
        return sum(_sms_units(text))
    raise ValueError(f"{counting!r} names no way of counting")


def segments(text: str) -> int:
    """How many text messages a text is sent and paid as. One letter beyond their alphabet (ŵ, ŷ, Arabic) makes more."""
    units = _sms_units(text)
    alone, together = SMS_ALPHABET if _in_sms_alphabet(text) else SMS_UNICODE
    if sum(units) <= alone:
        return 1
    found, used = 1, 0
    for unit in units:  # a letter that takes two places is never cut in two
        if used + unit > together:
            found, used = found + 1, 0
        used += unit
    return found


def has_link(text: str) -> bool:
    """Whether networks make a link of something in it; of `example.org` too, without `https://`."""
    return bool(_LINK.search(text) or extract_urls(text))


def opening(limits: Mapping[str, Any], whom: str, text: str) -> int:
    """The length of what stands in front of an answer: on Mastodon only whom the words name is told of them, so the
    connector puts the name there where they do not."""
    name = f"@{whom.removeprefix('@')}"
    if limits.get("counting") != "mastodon" or name.casefold() in text.casefold():
        return 0
    return count("mastodon", f"{name} ")


def over(
    limits: Mapping[str, Any], channel: str, subject: str, text: str, begins: int = 0
) -> list[dict[str, Any]]:
    """Every field that is longer than a connector's limits (as data) allow: what, its limit, its length.

    `begins` is the length of what will stand in front of the text (see `opening`).
    """
    counting = limits.get("counting") or "codepoints"
    texts = parts.of(text, limits)
    found = []
    for field, value, length_max, how, more in (
        ("subject", subject, limits.get("subject_max"), "codepoints", 0),
        *(("text", one, limits.get("text_max"), counting, 0 if n else begins) for n, one in enumerate(texts)),
    ):
        length = count(how, value) + more
        if length_max is not None and length > length_max:
            facts = {"channel": channel, "length": length, "length_max": length_max}
            words = _too_long("name" if more else field, facts)
            found.append(
                {"field": field, "limit": length_max, "actual": length, "channel": channel, "detail": words}
            )
    return found


def caption_over(
    limits: Mapping[str, Any], channel: str, text: str, shows: Sequence[str]
) -> list[dict[str, Any]]:
    """A text that is too long together with what its pictures show, where a network has one place for all of it."""
    most = limits.get("caption_max")
    length = len(text) + sum(len(one) + CAPTION_MARK for one in shows if one)
    if not shows or most is None or length <= most:
        return []
    words = said(
        "With its pictures, the text for {channel} and what they show have {length} characters together; "
        "at most {length_max} are taken",
        channel=channel,
        length=length,
        length_max=most,
    )
    return [{"field": "text", "limit": most, "actual": length, "channel": channel, "detail": words}]


def _too_long(what: str, facts: dict[str, Any]) -> str:
    if what == "subject":
        return said(
            "The subject for {channel} has {length} characters; at most {length_max} are taken", **facts
        )
    if what == "name":
        return said(
            "With the name that the answer begins with, the text for {channel} has {length} characters; "
            "at most {length_max} are taken",
            **facts,
        )
    return said("The text for {channel} has {length} characters; at most {length_max} are taken", **facts)


def _in_sms_alphabet(text: str) -> bool:
    return all(letter in _SMS or letter in _SMS_TWO for letter in text)


def _sms_units(text: str) -> list[int]:
    """How many places of a text message each letter takes."""
    if _in_sms_alphabet(text):
        return [2 if letter in _SMS_TWO else 1 for letter in text]
    return [2 if ord(letter) > 0xFFFF else 1 for letter in text]
