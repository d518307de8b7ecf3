"""Pictures that go with a post: which may be chosen, what stands in the way, what an approval of them covers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from campaigns.errors import BadField
from campaigns.messages import approval, content, media, messages, pictures, templates
from campaigns.messages.tables import Media, Message
from campaigns.strategies import programmes

from .conftest import Desk
from .test_media import drawn

TAKES = {"media_max": 2, "media_types": ["image/png"], "media_bytes_max": 5_000, "alt_max": 40}

Paint = Callable[..., Media]


@pytest.fixture
def paint(session: Session, now: datetime, desk: Desk, tmp_path: Path) -> Paint:
    def paint(colour: str, form: str = "PNG", **values: Any) -> Media:
        given: dict[str, Any] = {
            "alts": {"en": "A bridge", "cy": "Pont"},
            "programme_id": desk.programme.id,
        } | values
        picture = pictures.read(drawn(form, colour=colour))
        return media.add_picture(
            session, now, tmp_path, picture=picture, name=f"{colour}.png", author="ann", **given
        )

    return paint


def held(desk: Desk, **values: Any) -> Message:
    """A message that was submitted, by an account that takes `values`."""
    desk.account.limits = {**desk.account.limits, **TAKES, **values}
    return desk.submitted()


def against(message: Message) -> list[tuple[str, Any, Any, Any]]:
    return [(one["kind"], one.get("field"), one.get("limit"), one.get("actual")) for one in message.held_by]


def test_pictures_stand_with_the_words_in_their_order(session: Session, desk: Desk, paint: Paint) -> None:
    """C5"""
    red, blue = paint("red"), paint("blue")
    made = desk.write(media=[blue.id, red.id])
    assert made.media == [blue.id, red.id]
    assert [one.id for one in media.of(session, made)] == [blue.id, red.id]
    assert held(desk).state == "scheduled"
    assert desk.write(text="Other words").media is None


def test_what_holds_a_picture_is_noted(session: Session, now: datetime, desk: Desk, paint: Paint) -> None:
    """D11"""
    red = paint("red")
    desk.write(media=[red.id])
    media.content_changed(session, now, desk.item)
    assert media.uses(session, red) == [desk.item]
    desk.write()
    media.content_changed(session, now, desk.item)
    assert media.uses(session, red) == []


def test_only_pictures_that_the_programme_may_use_are_taken(
    session: Session, now: datetime, desk: Desk, paint: Paint
) -> None:
    other = programmes.create(session, now, name="Other", starts_on=now.date())
    film = media.add_link(
        session, now, programme_id=None, kind="film", url="https://film.example/1", name="Film", author="ann"
    )
    red = paint("red")
    for wrong, place in (
        ([1], 0), ([film.id], 0), ([red.id, red.id], 1), ([red.id, paint("blue", programme_id=other.id).id], 1)
    ):  # fmt: skip
        with pytest.raises(BadField) as caught:
            desk.write(media=wrong)
        assert caught.value.pointer == f"/media/{place}"
    assert desk.write(media=[paint("green", programme_id=None).id]).media


@pytest.mark.parametrize(
    ("takes", "colours", "found"),
    [
        ({"media_max": 0}, ["red"], ("media", 0, 1)),
        ({"media_max": 1}, ["red", "blue"], ("media", 1, 2)),
        ({"media_min": 1}, [], ("media", 1, 0)),
        ({"media_types": ["image/jpeg"]}, ["red"], ("media_type", ["image/jpeg"], "image/png")),
        ({"alt_max": 3}, ["red"], ("media_alt", 3, 8)),
    ],
)
def test_what_a_network_does_not_take_is_told_before_it_goes(
    desk: Desk, paint: Paint, takes: dict[str, Any], colours: list[str], found: tuple[Any, ...]
) -> None:
    """C3: the answer names field, limit and actual."""
    desk.write(media=[paint(colour).id for colour in colours])
    message = held(desk, **takes)
    assert message.state == "held" and against(message) == [("media_not_taken", *found)]


def test_a_picture_that_is_too_large_is_told(desk: Desk, paint: Paint) -> None:
    """C3"""
    red = paint("red")
    desk.write(media=[red.id])
    message = held(desk, media_bytes_max=red.bytes - 1)
    assert against(message) == [("media_not_taken", "media_bytes", red.bytes - 1, red.bytes)]


@pytest.mark.parametrize(
    ("alts", "decorative", "lacking"),
    [
        ({}, False, ["cy", "en"]),
        ({"en": "A bridge"}, False, ["cy"]),
        ({"cy": "Pont"}, False, ["en"]),
        ({"en-GB": "A bridge", "cy": "Pont"}, False, []),
        ({}, True, []),
    ],
)
def test_a_picture_says_what_it_shows_in_every_language_of_the_post(
    session: Session,
    now: datetime,
    desk: Desk,
    paint: Paint,
    alts: dict[str, str],
    decorative: bool,
    lacking: list[str],
) -> None:
    """D10: it goes nowhere before that is said, in both languages."""
    red = paint("red", alts=alts, decorative=decorative)
    desk.write(media=[red.id])
    desk.write(language="cy", media=[red.id])
    message = held(desk)
    assert [one["kind"] for one in message.held_by] == ["alt_missing"] * len(lacking)
    assert [one["language"] for one in message.held_by] == lacking
    media.change(session, now, red, alts={"en": "A bridge", "cy": "Pont"})
    messages.settle(session, now, message)
    assert message.state == "scheduled"


def test_an_approval_covers_the_pictures_and_what_they_are_said_to_show(
    session: Session, now: datetime, desk: Desk, paint: Paint
) -> None:
    """B5: other words for a picture are other words."""
    red = paint("red")
    desk.write(media=[red.id])
    desk.assure("reviewed")
    message = held(desk)
    digest = approval.digest(session, message)
    messages.decide(session, now, message, digest=digest, decision="approved", by="bob")
    assert message.state == "scheduled"
    media.change(session, now, red, alts={"en": "A boat", "cy": "Cwch"})
    messages.settle(session, now, message)
    assert [one["kind"] for one in message.held_by] == ["approval_stale"]


def test_pictures_beside_words_of_an_approved_template_are_approved_by_nobody_yet(
    session: Session, now: datetime, desk: Desk, paint: Paint
) -> None:
    """B5: the template was approved for any data, and a picture is none."""
    template = templates.create(session, now, name="Post", programme_id=desk.programme.id)
    version = templates.new_version(session, now, template, author="ann", subject="", text="Come", html="")
    templates.approve(session, now, version, "bob", digest=version.sha256)
    desk.assure("reviewed")
    desk.write(text="", subject="", template_version_id=version.id)
    assert held(desk).state == "scheduled"
    desk.write(text="", subject="", template_version_id=version.id, media=[paint("red").id])
    assert [one["kind"] for one in held(desk).held_by] == ["approval_missing"]


def test_words_without_pictures_are_approved_as_ever(session: Session, desk: Desk, paint: Paint) -> None:
    """What was approved before pictures went with posts stays approved: nothing is added to its digest."""
    assert media.approved(session, content.names(session, desk.item.id)) == {}
