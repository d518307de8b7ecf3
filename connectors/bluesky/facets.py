"""What in a text is a link, a mention or a hashtag: a server shows only what it is told of, by places in UTF-8 bytes.

Source: docs.bsky.app/docs/advanced-guides/post-richtext (November 2026).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

TAG_MAX = 64
_LINK = re.compile(r"https?://[^\s<>\"“”«»]+", re.IGNORECASE)
_MENTION = re.compile(
    r"(?<![\w@/.])@((?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z](?:[a-z0-9-]*[a-z0-9])?)", re.IGNORECASE
)
_TAG = re.compile(r"(?<![^\s(\[])[#＃]([^\s#＃]+)")
_AFTER = ".,;:!?…،؛؟'’\"”»"


def facets(text: str, resolve: Callable[[str], str | None]) -> list[dict[str, Any]]:
    """The facets of a text in their order; `resolve` gives the DID of a handle, None where there is none."""
    found = sorted(_found(text, resolve), key=lambda one: one[0])
    return [
        {"index": {"byteStart": _bytes(text, start), "byteEnd": _bytes(text, end)}, "features": [feature]}
        for start, end, feature in found
    ]


def _found(text: str, resolve: Callable[[str], str | None]) -> Iterator[tuple[int, int, dict[str, str]]]:
    links = []
    for match in _LINK.finditer(text):
        uri = _ended(match[0])
        links.append((match.start(), match.start() + len(uri)))
        yield *links[-1], {"$type": "app.bsky.richtext.facet#link", "uri": uri}
    for match in _MENTION.finditer(text):
        if not _inside(match.start(), links) and (did := resolve(match[1].lower())):
            yield match.start(), match.end(), {"$type": "app.bsky.richtext.facet#mention", "did": did}
    for match in _TAG.finditer(text):
        tag = _ended(match[1])
        if tag and not tag.isdigit() and len(tag) <= TAG_MAX and not _inside(match.start(), links):
            yield (
                match.start(),
                match.start() + 1 + len(tag),
                {"$type": "app.bsky.richtext.facet#tag", "tag": tag},
            )


def _ended(word: str) -> str:
    """A word without what ends the sentence around it; a bracket is its own only where it opens one too."""
    while word and (word[-1] in _AFTER or (word[-1] in ")]" and _odd(word))):
        word = word[:-1]
    return word


def _odd(word: str) -> bool:
    return word.count("(") < word.count(")") or word.count("[") < word.count("]")


def _inside(place: int, links: list[tuple[int, int]]) -> bool:
    return any(start <= place < end for start, end in links)


def _bytes(text: str, place: int) -> int:
    return len(text[:place].encode())
