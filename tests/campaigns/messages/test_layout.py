"""The house layout: who takes whose, and what can be read on its colour."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from sqlalchemy.orm import Session

from campaigns.errors import BadField
from campaigns.messages import layout
from campaigns.messages.tables import Media
from campaigns.strategies import programmes


def test_a_programme_takes_its_own_layout_else_the_one_above_else_the_house_s(
    session: Session, now: datetime
) -> None:
    top = programmes.create(session, now, name="Top", starts_on=date(2026, 1, 1))
    below = programmes.create(session, now, name="Below", starts_on=date(2026, 1, 1), parent_id=top.id)
    assert layout.house(session, below.id) == layout.Layout()
    layout.set_house(session, now, None, name="Cyngor")
    assert layout.house(session, below.id).name == layout.house(session, None).name == "Cyngor"
    layout.set_house(
        session, now, top.id, name="Afon", colour="#003366", footer="One\nTwo", address="1 Stryd"
    )
    assert layout.house(session, below.id) == layout.Layout("Afon", "#003366", None, "One\nTwo", "1 Stryd")
    layout.drop(session, top.id)
    assert layout.house(session, below.id).name == "Cyngor"


@pytest.mark.parametrize("colour", ["red", "#fff", "#ffffff", "#12345g", "", "#ffcc00"])
def test_a_colour_on_which_white_cannot_be_read_is_refused(
    session: Session, now: datetime, colour: str
) -> None:
    with pytest.raises(BadField) as refused:
        layout.set_house(session, now, None, colour=colour)
    assert refused.value.pointer == "/colour"


def test_contrast_is_that_of_the_web_s_guidelines() -> None:
    assert layout.contrast("#000000") == pytest.approx(21) and layout.contrast("#ffffff") == pytest.approx(1)


def test_a_logo_is_a_picture_that_the_programme_may_use(session: Session, now: datetime) -> None:
    mine, theirs = (programmes.create(session, now, name=name, starts_on=date(2026, 1, 1)) for name in "AB")
    logo = Media(
        programme_id=theirs.id, kind="picture", name="x", author="ann", created_at=now, updated_at=now
    )
    session.add(logo)
    session.flush()
    layout.set_house(session, now, theirs.id, logo_media_id=logo.id)
    with pytest.raises(BadField) as refused:
        layout.set_house(session, now, mine.id, logo_media_id=logo.id)
    assert refused.value.pointer == "/logo"
