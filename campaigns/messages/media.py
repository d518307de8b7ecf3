"""Media: pictures with what they show in words, films and recordings with captions and transcript, and where
they are used.

Rules: a picture says what it shows in each language, or that it is decoration alone; the same picture is stored
once; what is used stays readable for whoever was sent it, also when it is archived.
Source: C5; bad input D7, D10, D11, D12.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import regex
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from connectors.api import Deferred, Medium

from ..base import parse_id, public_id
from ..canonical import canonical
from ..errors import BadField, BadId, NoRoom, NotFound, said
from ..stakeholders.people import language as language_tag
from ..stakeholders.text import clean
from ..strategies import programmes
from . import content, pictures
from .tables import ContentItem, Media, MediaUse, Variant

PREFIX = "med"
KINDS = ("picture", "film", "recording")
# Shows that something was done, and perhaps people: nothing to choose for a post, and at no public address.
EVIDENCE = "evidence"
ALT_MAX = 1_000
TRANSCRIPT_MAX = 100_000
URL_MAX = 2_000
MB = 2**20

_NAMED = regex.compile(r"/m/([0-9a-f]{64})\.(?:png|jpg|gif|webp)|\b(med_[0-9A-HJKMNP-TV-Z]{13})\b")


def add_picture(
    session: Session,
    now: datetime,
    folder: Path,
    *,
    programme_id: int | None,
    picture: pictures.Picture,
    name: str,
    author: str,
    alts: Mapping[str, str] | None = None,
    decorative: bool = False,
    state: str = "active",
) -> Media:
    """Take in what `pictures.read` made; the same picture in the same place is the one that is there already, which is
    offered again where somebody wants it to be."""
    _check_place(session, programme_id)
    same = select(Media).where(
        Media.sha256 == picture.sha256, Media.programme_id.is_not_distinct_from(programme_id)
    )
    if (known := session.scalar(same)) is not None:
        known.state = state if state == "active" else known.state
        return known
    made = Media(
        programme_id=programme_id, kind="picture", name=_name(name), sha256=picture.sha256, type=picture.type,
        bytes=len(picture.body), width=picture.width, height=picture.height, alts=_alts(alts or {}),
        decorative=decorative, author=author, state=state, created_at=now, updated_at=now,
    )  # fmt: skip
    pictures.keep(folder, picture)
    return _added(session, made)


def add_link(
    session: Session,
    now: datetime,
    *,
    programme_id: int | None,
    kind: str,
    url: str,
    name: str,
    author: str,
    captions_url: str = "",
    transcript: str = "",
) -> Media:
    """Name a film or recording that is kept elsewhere."""
    _check_place(session, programme_id)
    if kind not in KINDS[1:]:
        raise BadField("a link leads to a film or to a recording", pointer="/kind")
    made = Media(
        programme_id=programme_id, kind=kind, name=_name(name), url=web_address(url, "/url"),
        captions_url=web_address(captions_url, "/captions_url", empty=True), transcript=_transcript(transcript),
        author=author, created_at=now, updated_at=now,
    )  # fmt: skip
    return _added(session, made)


def change(session: Session, now: datetime, media: Media, **values: Any) -> None:
    """Another name, other words for who cannot see or hear it."""
    checks: dict[str, Any] = {
        "name": _name,
        "alts": _alts,
        "decorative": bool,
        "captions_url": lambda value: web_address(value, "/captions_url", empty=True),
        "transcript": _transcript,
    }
    for field, value in values.items():
        if field not in checks:
            raise BadField(said("{field} cannot be changed here", field=field), pointer=f"/{field}")
        setattr(media, field, checks[field](value))
    media.touch(now)
    session.flush()


def room(session: Session, picture: pictures.Picture, most: int) -> None:
    """NoRoom where all pictures together would take more than `most` bytes; what is stored already takes none."""
    files = select(Media.sha256, func.max(Media.bytes).label("bytes")).group_by(Media.sha256).subquery()
    if kept(session, picture.sha256) is not None:
        return
    used = int(session.scalar(select(func.coalesce(func.sum(files.c.bytes), 0))) or 0)
    if used + len(picture.body) > most:
        full = said(
            "pictures take {used} MB of {most} MB: there is no room for this one",
            used=used // MB,
            most=most // MB,
        )
        raise NoRoom(full, used=used, most=most)


def archive(session: Session, now: datetime, media: Media) -> None:
    """Offer it no more; whoever was sent it still sees it."""
    media.state = "archived"
    media.touch(now)
    session.flush()


def get(session: Session, media_id: int) -> Media:
    """The medium, or NotFound."""
    found = session.get(Media, media_id)
    if found is None:
        raise NotFound("there is no such picture")
    return found


def kept(session: Session, sha256: str) -> Media | None:
    """A picture by the digest of its bytes, whichever programme it belongs to."""
    return session.scalar(select(Media).where(Media.sha256 == sha256).limit(1))


def for_anybody(session: Session, sha256: str) -> Media | None:
    """The same, if it is there for others than colleagues."""
    return session.scalar(select(Media).where(Media.sha256 == sha256, Media.state != EVIDENCE).limit(1))


def path(media: Media) -> str:
    """Where anybody who was sent a picture finds it; the digest in it cannot be guessed."""
    return f"/m/{media.sha256}.{media.type}"


def alt(media: Media, *languages: str) -> str | None:
    """What a picture shows, in the first of these languages that it is written in; "" for decoration.

    None where nobody has said it in any of them.
    """
    if media.decorative:
        return ""
    for wish in languages:
        for tag, words in media.alts.items():
            if tag.split("-")[0].lower() == wish.split("-")[0].lower():
                return str(words)
    return None


def wanting(media: Media, languages: tuple[str, ...]) -> list[str]:
    """The languages in which nobody has said what a picture shows."""
    return [one for one in languages if media.kind == "picture" and alt(media, one) is None]


def of(session: Session, variant: Variant) -> list[Media]:
    """The pictures that go with a variant, in their order."""
    return named(session, variant.media) if variant.media else []


def approved(session: Session, names: Sequence[content.Name]) -> dict[str, Any]:
    """What an approval covers of the pictures beside these variants, with what they are said to show; {} for none."""
    wanted = {number for one in names for number in one.media or ()}
    found = {one.id: one for one in named(session, sorted(wanted))} if wanted else {}
    shown = {
        f"{one.channel}/{one.language}": [
            [found[number].sha256, alt(found[number], one.language)]
            for number in one.media
            if number in found
        ]
        for one in names
        if one.media
    }
    return {"media": shown} if shown else {}


def named(session: Session, numbers: Sequence[int]) -> list[Media]:
    """The media of these ids, in their order."""
    found = {one.id: one for one in session.scalars(select(Media).where(Media.id.in_(numbers)))}
    return [found[number] for number in numbers if number in found]


def attached(session: Session, content_id: int, folder: Path, base_url: str) -> dict[int, tuple[Medium, ...]]:
    """What goes with the posts of a content item, by the id of the variant; the files are read when they go."""
    with_some = select(Variant.id, Variant.language, Variant.media).where(
        Variant.content_id == content_id, Variant.media.is_not(None)
    )
    return {
        number: tuple(_medium(one, language, folder, base_url) for one in named(session, wanted or ()))
        for number, language, wanted in session.execute(with_some)
    }


def _medium(media: Media, language: str, folder: Path, base_url: str) -> Medium:
    lies = pictures.place(folder, media.sha256 or "", media.type)
    return Medium(
        name=lies.name, type=pictures.TYPES[media.type], alt=alt(media, language) or "", size=media.bytes,
        url=f"{base_url}{path(media)}", load=partial(_read, lies), width=media.width, height=media.height,
    )  # fmt: skip


def _read(lies: Path) -> bytes:
    """A disk that gives nothing now may do so later; nothing was posted."""
    try:
        return lies.read_bytes()
    except OSError as error:
        raise Deferred(f"the picture cannot be read: {error.strerror}", phase="build") from None


def over(
    limits: Mapping[str, Any], channel: str, language: str, found: Sequence[Media]
) -> list[dict[str, Any]]:
    """Everything about the pictures of a post that a connector's limits (as data) do not take: field, limit, actual."""
    least, most = limits.get("media_min") or 0, limits.get("media_max") or 0
    wrong = []
    if found and not most:
        words = said("Pictures do not go out on {channel}: take them out", channel=channel)
        return [_not_taken(channel, "media", 0, len(found), words)]
    if len(found) > most:
        facts = {"channel": channel, "most": most, "count": len(found)}
        words = said("{channel} takes at most {most} pictures with a post, and there are {count}", **facts)
        wrong.append(_not_taken(channel, "media", most, len(found), words))
    if len(found) < least:
        words = said(
            "{channel} takes no post with fewer than {least} pictures: choose one",
            channel=channel,
            least=least,
        )
        wrong.append(_not_taken(channel, "media", least, len(found), words))
    return wrong + [fault for one in found for fault in _faults(limits, channel, language, one)]


def _faults(limits: Mapping[str, Any], channel: str, language: str, one: Media) -> list[dict[str, Any]]:
    """What is against one picture."""
    types, size = limits.get("media_types") or (), limits.get("media_bytes_max")
    shown, longest = alt(one, language), limits.get("alt_max")
    facts = {"channel": channel, "name": one.name}
    wrong = []
    if types and pictures.TYPES[one.type] not in types:
        endings = ", ".join(kind.partition("/")[2] for kind in types)
        words = said(
            "{channel} does not take the picture {name}: save it as one of {types}", types=endings, **facts
        )
        wrong.append(_not_taken(channel, "media_type", list(types), pictures.TYPES[one.type], words))
    if size is not None and one.bytes > size:
        told = {"kb": -(-one.bytes // 1000), "most_kb": size // 1000, **facts}
        words = said("The picture {name} has {kb} kB; {channel} takes at most {most_kb} kB", **told)
        wrong.append(_not_taken(channel, "media_bytes", size, one.bytes, words))
    if shown is None:
        words = said(
            "Say what the picture {name} shows in {language}, or that it is decoration",
            language=language,
            name=one.name,
        )
        wrong.append(
            {"kind": "alt_missing", "detail": words, "channel": channel, "media": public_id(PREFIX, one.id)}
        )
    elif longest is not None and len(shown) > longest:
        words = said(
            "What the picture {name} shows is too long for {channel}: at most {most} characters",
            most=longest,
            **facts,
        )
        wrong.append(_not_taken(channel, "media_alt", longest, len(shown), words))
    return wrong


def _not_taken(channel: str, field: str, limit: Any, actual: Any, words: str) -> dict[str, Any]:
    return {
        "kind": "media_not_taken",
        "field": field,
        "limit": limit,
        "actual": actual,
        "channel": channel,
        "detail": words,
    }


def uses(session: Session, media: Media) -> list[ContentItem]:
    """What holds it now, newest first."""
    held = select(ContentItem).join(MediaUse, MediaUse.content_id == ContentItem.id)
    return list(
        session.scalars(held.where(MediaUse.media_id == media.id).order_by(ContentItem.id.desc()).limit(100))
    )


def content_changed(session: Session, now: datetime, item: ContentItem) -> None:
    """Note which media the words of a content item hold now: by their public id, or by their address."""
    digests: set[str] = set()
    numbers: set[int] = set()
    for one in content.current(session, item.id):
        numbers.update(one.media or ())
        for digest, name in _NAMED.findall(f"{one.html}\n{canonical([one.options, one.blocks]).decode()}"):
            if digest:
                digests.add(digest)
            else:
                numbers.add(_number(name))
    wanted = set(session.scalars(select(Media.id).where(Media.sha256.in_(digests) | Media.id.in_(numbers))))
    known = set(session.scalars(select(MediaUse.media_id).where(MediaUse.content_id == item.id)))
    gone = delete(MediaUse).where(MediaUse.content_id == item.id, MediaUse.media_id.in_(known - wanted))
    if known - wanted:
        session.execute(gone)
    session.add_all(MediaUse(media_id=one, content_id=item.id) for one in wanted - known)
    session.flush()


def _added(session: Session, made: Media) -> Media:
    session.add(made)
    session.flush()
    return made


def _check_place(session: Session, programme_id: int | None) -> None:
    if programme_id is not None:
        programmes.get(session, programme_id)


def _number(name: str) -> int:
    try:
        return parse_id(PREFIX, name)
    except BadId:
        return 0


def _name(value: object) -> str:
    """What people call it: the last part of a file's name, however it came."""
    text = clean(value, "/name", length_max=4_000)
    return text.replace("\\", "/").rstrip("/").split("/")[-1][-200:] or "picture"


def _alts(value: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for tag, words in value.items():
        text = clean(words, f"/alt-{tag}", length_max=ALT_MAX, empty=True).strip()
        if text:
            found[language_tag(tag, f"/alt-{tag}")] = text
    return found


def web_address(value: object, pointer: str, *, empty: bool = False) -> str:
    text = clean(value, pointer, length_max=URL_MAX, empty=empty).strip()
    if not text and empty:
        return ""
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("https", "http") and bool(parts.hostname) and not parts.username
    except ValueError:
        good = False
    if not good:
        raise BadField("write a web address that begins with https://", pointer=pointer)
    return text


def _transcript(value: object) -> str:
    return clean(value, "/transcript", length_max=TRANSCRIPT_MAX, lines=True, empty=True)
