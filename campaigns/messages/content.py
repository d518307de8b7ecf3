"""Content: an idea to publish, and its variants for each channel and language.

Rules: a variant never changes, an edit adds the next one; editing one variant touches no other. Edits are told
to whoever asked by `on_change`, so that what was approved with other words is asked about again.
Source: C2, C4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, NamedTuple

import regex
from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ..errors import BadField, BadTemplate, MissingData, NotFound, Stale
from ..stakeholders.people import language as language_tag
from ..stakeholders.text import clean
from ..strategies import programmes
from . import blocks as building
from . import render, render_helper, templates
from .tables import ContentItem, Media, TemplateVersion, Variant

Changed = Callable[[Session, datetime, ContentItem], None]
CHANNEL = regex.compile(r"[a-z][a-z0-9_]{0,31}")
# More than any network takes with one post.
MEDIA_MAX = 20

_listeners: list[Changed] = []


class Name(NamedTuple):
    """Which variant, without its words; variants never change, so this says which words."""

    channel: str
    language: str
    n: int
    template_version_id: int | None
    media: Sequence[int] | None = None


def on_change(listener: Changed) -> None:
    """Have `listener(session, now, content)` called after each edit of content, in the edit's transaction."""
    if listener not in _listeners:
        _listeners.append(listener)


def create(
    session: Session,
    now: datetime,
    programme_id: int,
    name: str,
    data: Mapping[str, Any] | None = None,
    author: str = "",
) -> ContentItem:
    """A content item; `data` are the values its words find under `data.`."""
    programmes.get(session, programme_id)
    made = ContentItem(
        programme_id=programme_id, name=clean(name, "/name"), data=render.check_data(dict(data or {})), author=author,
        created_at=now, updated_at=now,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def get(session: Session, content_id: int) -> ContentItem:
    """The content item, or NotFound."""
    found = session.get(ContentItem, content_id)
    if found is None:
        raise NotFound("there is no such content item")
    return found


def change(
    session: Session,
    now: datetime,
    content: ContentItem,
    *,
    author: str,
    name: str | None = None,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Give it another name or other data; the data is part of what is approved."""
    if name is not None:
        content.name = clean(name, "/name")
    if data is not None:
        content.data, content.author = render.check_data(dict(data)), author
    content.touch(now)
    session.flush()
    if data is not None:
        _tell(session, now, content)


def save_variant(
    session: Session,
    now: datetime,
    content: ContentItem,
    *,
    channel: str,
    language: str,
    author: str,
    subject: str = "",
    text: str = "",
    html: str = "",
    template_version_id: int | None = None,
    options: Mapping[str, Any] | None = None,
    blocks: Sequence[Mapping[str, Any]] | None = None,
    dress: building.Dress = building.PLAIN,
    media: Sequence[int] = (),
) -> Variant:
    """The next form of the idea for this channel and language: own words, blocks, or those of a template version.

    BadTemplate says where the words leave the template language. `options` are the connector's own; `dress` is what
    the house puts around blocks (`layout.dress`); `media` are pictures that go with a post, in their order.
    """
    if not isinstance(channel, str) or not CHANNEL.fullmatch(channel):
        raise BadField("a channel is a word such as email, x or mastodon", pointer="/channel")
    language = language_tag(language, "/language")
    if blocks is not None:
        if text or html:
            raise BadField("give words or blocks, not both", pointer="/blocks")
        blocks = building.check(list(blocks))
        text, html = building.words(blocks, language, dress)
    words = _words(session, content, template_version_id, subject, text, html)
    content.source_language = content.source_language or language
    variant = Variant(
        content_id=content.id, channel=channel, language=language, author=author, at=now, blocks=blocks,
        template_version_id=template_version_id, slots=render.check(**words), options=dict(options or {}),
        fits_n=_source_n(session, content, channel, language), media=_media(session, content, media), **words,
    )  # fmt: skip
    return _add(session, now, content, variant)


def put_together(
    session: Session, now: datetime, content: ContentItem, languages: Sequence[str] | None
) -> None:
    """Send whoever has said no language one letter in two, the first above; None: one language as for all.

    It is part of what is approved. Posts to everyone stay in one language: two do not fit into their lengths.
    """
    wanted = None if languages is None else [language_tag(one, "/together") for one in languages]
    if wanted is not None and (len(wanted) != 2 or main(wanted[0]) == main(wanted[1])):
        raise BadField("a letter in two languages needs two that differ", pointer="/together")
    content.together = wanted
    content.touch(now)
    session.flush()
    _tell(session, now, content)


def pair(
    variants: Iterable[Variant], channel: str, languages: Sequence[str], together: Sequence[str] | None
) -> tuple[Variant, Variant] | None:
    """The words above and below in one letter, for somebody who has said no language; None: `choose` for them."""
    if not together or languages:
        return None
    found = [choose(variants, channel, [], one) for one in together]
    above, below = found[0], found[1]
    return None if above is None or below is None else (above, below)


def stale(content: ContentItem, variants: Iterable[Variant]) -> set[int]:
    """Ids of variants whose source was changed after they were written or last said to be right. L5."""
    known = {(one.channel, one.language): one.n for one in variants}
    return {
        one.id
        for one in variants
        if one.fits_n is not None and known.get((one.channel, content.source_language or ""), 0) > one.fits_n
    }


def still_right(session: Session, content: ContentItem, channel: str, language: str) -> Variant:
    """Somebody read the changed source: this variant still says the same. Its words, and approvals, stay."""
    language = language_tag(language, "/language")
    for one in current(session, content.id):
        if (one.channel, one.language) == (channel, language):
            one.fits_n = _source_n(session, content, channel, language)
            session.flush()
            return one
    raise NotFound("there is no such variant")


def remove_variant(
    session: Session, now: datetime, content: ContentItem, *, channel: str, language: str, author: str
) -> None:
    """Take a variant out; what it said stays on record. NotFound where there is none."""
    language = language_tag(language, "/language")
    if not any((one.channel, one.language) == (channel, language) for one in current(session, content.id)):
        raise NotFound("there is no such variant")
    _add(
        session, now, content,
        Variant(content_id=content.id, channel=channel, language=language, author=author, at=now, removed=True),
    )  # fmt: skip


def current(session: Session, content_id: int) -> list[Variant]:
    """The newest variant of every channel and language, without the removed."""
    return [one for one in newest(session, content_id) if not one.removed]


def newest(session: Session, content_id: int) -> list[Variant]:
    """The newest variant of every channel and language, the removed included."""
    return list(session.scalars(_NEWEST, {"content": content_id}))


def names(session: Session, content_id: int) -> list[Name]:
    """The current variants without their words, which can be long and are read for every wave otherwise."""
    return [Name(*row) for row in session.execute(_NAMES, {"content": content_id})]


def main(tag: str) -> str:
    """The language of a tag: `cy` of `cy-GB`."""
    return tag.split("-")[0].lower()


def choose(
    variants: Iterable[Variant], channel: str, languages: Sequence[str], default_language: str
) -> Variant | None:
    """The variant for somebody: their languages in order, then the default; None where none of these is written.

    A wish for `cy` is met by `cy-GB` and the other way round; an exact match comes first.
    """
    offered = {one.language: one for one in variants if one.channel == channel}
    for wish in (*languages, default_language):
        if wish in offered:
            return offered[wish]
        for tag, variant in offered.items():
            if main(tag) == main(wish):
                return variant
    return None


def preview(session: Session, variant_id: int | None, values: Mapping[str, Any]) -> dict[str, str]:
    """One variant filled in with the values a ledger row would store, in the process for unapproved words.

    The way out, which every letter gets an address of its own for, is shown as `#unsubscribe`. MissingData and
    BadTemplate as in render.
    """
    variant = None if variant_id is None else session.get(Variant, variant_id)
    if variant is None:
        raise NotFound("there are no words for this recipient")
    late = {"unsubscribe_url": "#unsubscribe", "preferences_url": "#preferences", "reader_token": "example"}
    shown = render_helper.preview(variant, [render.nest({**values, **late})])[0]
    if shown.missing:
        raise MissingData(shown.missing)
    if shown.rendered is None:
        raise BadTemplate(shown.wrong)
    return {"channel": variant.channel, "language": variant.language, **asdict(shown.rendered)}


def missing_data(session: Session, content: ContentItem) -> list[str]:
    """Names under `data.` that the words need and the content does not give, so nobody could be sent it."""
    slots = [slot for one in current(session, content.id) for slot in one.slots if slot.startswith("data.")]
    try:
        render.values(slots, render.facts(None, content.data, {}))
    except MissingData as missing:
        return list(dict.fromkeys(missing.names))
    return []


def _words(
    session: Session,
    content: ContentItem,
    template_version_id: int | None,
    subject: str,
    text: str,
    html: str,
) -> dict[str, str]:
    """The words to store. A template version's are copied: both never change, and sending reads one row less."""
    if template_version_id is None:
        return render.cleaned(subject, text, html)
    if subject or text or html:
        raise BadField("give words or a template version, not both", pointer="/template_version_id")
    version = session.get(TemplateVersion, template_version_id)
    if version is None:
        raise BadField("there is no such template version", pointer="/template_version_id")
    owner = templates.get(session, version.template_id).programme_id
    if owner is not None and owner != content.programme_id:
        raise BadField("this template belongs to another programme", pointer="/template_version_id")
    return {"subject": version.subject, "text": version.text, "html": version.html}


def _media(session: Session, content: ContentItem, numbers: Sequence[int]) -> list[int] | None:
    """The pictures to store with a variant; BadField at the one that this content may not use."""
    homes = [None, *programmes.lineage(session, content.programme_id)] if numbers else []
    for place, number in enumerate(numbers):
        pointer, found = f"/media/{place}", session.get(Media, number)
        if found is None or found.programme_id not in homes:
            raise BadField("there is no such picture in this programme", pointer=pointer)
        if found.kind != "picture":
            raise BadField(
                "only pictures go with a post: name a film or recording in its words", pointer=pointer
            )
        if number in numbers[:place]:
            raise BadField("the same picture goes with a post once only", pointer=pointer)
    return list(numbers) or None


def _source_n(session: Session, content: ContentItem, channel: str, language: str) -> int | None:
    """The newest form of the source language on this channel; None for the source itself, or where there is none."""
    if language == content.source_language:
        return None
    same = (Variant.content_id == content.id, Variant.channel == channel)
    newest = select(func.max(Variant.n)).where(*same, Variant.language == content.source_language)
    return session.scalar(newest)


def _newest() -> Select[Variant]:
    mine = Variant.content_id == bindparam("content")
    last = (
        select(Variant.channel, Variant.language, func.max(Variant.n).label("n"))
        .where(mine)
        .group_by(Variant.channel, Variant.language)
        .subquery()
    )
    same = (
        (Variant.channel == last.c.channel) & (Variant.language == last.c.language) & (Variant.n == last.c.n)
    )
    return select(Variant).join(last, same).where(mine).order_by(Variant.channel, Variant.language)


# Made once: to put them together takes longer than to ask, and they are asked before every message of one letter.
_NEWEST = _newest()
_NAMES = _NEWEST.with_only_columns(
    Variant.channel, Variant.language, Variant.n, Variant.template_version_id, Variant.media
).where(Variant.removed.is_(False))


def _add(session: Session, now: datetime, content: ContentItem, variant: Variant) -> Variant:
    last = session.scalar(
        select(func.max(Variant.n)).where(
            Variant.content_id == content.id,
            Variant.channel == variant.channel,
            Variant.language == variant.language,
        )
    )
    variant.n = (last or 0) + 1
    try:
        with session.begin_nested():
            session.add(variant)
    except IntegrityError:
        raise Stale("somebody saved this version at the same moment: read theirs first") from None
    content.touch(now)
    session.flush()
    _tell(session, now, content)
    return variant


def _tell(session: Session, now: datetime, content: ContentItem) -> None:
    for listener in _listeners:
        listener(session, now, content)
