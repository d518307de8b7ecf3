"""Files of a logged contact: stored, handed out to whoever may read the contact, and gone with it."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from campaigns.base import public_id
from campaigns.responses import attachments
from campaigns.responses.tables import Attachment, Interaction
from campaigns.stakeholders.tables import Stakeholder
from service import epoch
from service.access import CONSOLE
from service.demo import removing, year
from service.tables import Installation
from service.wiring import Wiring

from .conftest import Browser, Browsers
from .test_people import programme, somebody
from .test_record import Ann, contact

PAGE = b"<script>alert(1)</script>"


@pytest.fixture
def ann(wiring: Wiring, general: int) -> Ann:
    return Ann(wiring, general)


def sent(*files: tuple[str, bytes]) -> dict[str, Any]:
    return {"files": [(BytesIO(body), name) for name, body in files]}


def rows(wiring: Wiring) -> list[Attachment]:
    with wiring.database.read() as session:
        return list(session.scalars(select(Attachment).order_by(Attachment.id)))


def stored(wiring: Wiring) -> list[Path]:
    return [one for one in (wiring.settings.folder / attachments.FOLDER).rglob("*") if one.is_file()]


def address(ann: Ann, one: Attachment) -> str:
    return f"{ann.page}/contact/{public_id('itr', one.interaction_id)}/files/{public_id('att', one.id)}"


def test_a_file_of_a_contact_stands_on_the_record_and_is_saved_but_never_shown(
    browser: Browser, ann: Ann, wiring: Wiring, general: int
) -> None:
    """F4, D3: a page that somebody attached is no page of ours."""
    files = sent(("C:/minutes/cofnodion – Llangefni.html", PAGE), ("empty", b""))
    browser.post(f"{ann.page}/contact", files=files, **contact(wiring, general, notes="Minutes attached"))
    page, (first, second) = browser.get(ann.page), rows(wiring)
    assert "cofnodion – Llangefni.html" in page and "minutes" not in page and address(ann, first) in page
    assert (first.bytes, second.bytes, second.name) == (len(PAGE), 0, "empty")
    answer = browser.client.get(address(ann, first))
    assert answer.data == PAGE and answer.content_type == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert "cofnodion%20%E2%80%93%20Llangefni.html" in answer.headers["Content-Disposition"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert oct(stored(wiring)[0].parent.stat().st_mode)[-3:] == "700"


@pytest.mark.parametrize(
    "files, words",
    [
        ([("a", b"x")] * 6, "attach at most 5 files"),
        ([("a", b"x"), ("big.iso", b"x" * (attachments.EACH_MAX + 1))], "is larger than 10 MB"),
    ],
    ids=["too many", "too large"],
)
def test_what_is_too_much_is_refused_at_its_field_and_leaves_nothing(
    browser: Browser, ann: Ann, wiring: Wiring, general: int, files: list[tuple[str, bytes]], words: str
) -> None:
    said = contact(wiring, general, notes="Typed and kept")
    answer = browser.post(f"{ann.page}/contact", status=422, files=sent(*files), **said)
    assert words in answer.text and 'id="files-why"' in answer.text and "Typed and kept" in answer.text
    assert not rows(wiring) and not stored(wiring)


def test_a_contact_that_is_refused_leaves_no_file(
    browser: Browser, ann: Ann, wiring: Wiring, general: int
) -> None:
    late = contact(wiring, general, notes="Typed") | {"at": "2999-01-01T10:00"}
    answer = browser.post(f"{ann.page}/contact", status=422, files=sent(("a.txt", b"a")), **late)
    assert "has not happened yet" in answer.text and "Files have to be chosen again" in answer.text
    nowhere = f"/people/{public_id('stk', ann.id + 100)}/contact"
    browser.post(nowhere, status=404, files=sent(("a.txt", b"a")), **contact(wiring, general))
    assert not rows(wiring) and not stored(wiring)


def test_the_file_of_a_corrected_contact_stays_and_more_may_come(
    browser: Browser, ann: Ann, wiring: Wiring, general: int
) -> None:
    browser.post(f"{ann.page}/contact", files=sent(("old.txt", b"old")), **contact(wiring, general))
    (old,) = rows(wiring)
    place = f"{ann.page}/contact/{public_id('itr', old.interaction_id)}"
    page = browser.done(place, files=sent(("new.txt", b"new")), **contact(wiring, general, notes="Better"))
    assert "old.txt" in page and "new.txt" in page
    assert browser.client.get(address(ann, old)).data == b"old"


def test_a_file_opens_for_whoever_may_read_its_contact_and_on_its_own_record_only(
    browser: Browser, browsers: Browsers, ann: Ann, wiring: Wiring, general: int
) -> None:
    elsewhere, bob = programme(wiring, "Elsewhere"), somebody(wiring, general, "Bob")
    browser.post(f"{ann.page}/contact", files=sent(("a.txt", b"a")), **contact(wiring, general))
    (one,) = rows(wiring)
    assert browsers("viewer", general).client.get(address(ann, one)).data == b"a"
    browsers("viewer", elsewhere).get(address(ann, one), status=404)
    browser.get(address(ann, one).replace(public_id("stk", ann.id), public_id("stk", bob)), status=404)
    browser.post(f"{ann.page}/contact", **contact(wiring, general))
    with wiring.database.read() as session:
        bare = session.scalars(select(Interaction.id).order_by(Interaction.id.desc())).first()
    other = address(ann, one).replace(public_id("itr", one.interaction_id), public_id("itr", bare or 0))
    browser.get(other, status=404)


def test_a_name_does_not_turn_round(browser: Browser, ann: Ann, wiring: Wiring, general: int) -> None:
    browser.post(f"{ann.page}/contact", files=sent(("bill\u202efdp.exe", b"x")), **contact(wiring, general))
    assert rows(wiring)[0].name == "billfdp.exe"


def test_one_file_of_an_event_stands_on_every_record_and_goes_with_the_last(
    browser: Browser, ann: Ann, wiring: Wiring, general: int
) -> None:
    """A sample person goes with their rows; the file stays while somebody else's record names it."""
    sample, bob = programme(wiring, "Sample"), somebody(wiring, general, "Bob")
    with wiring.database.write() as session:
        epoch.begin(session)
        session.scalars(select(Installation)).one().sample_id = sample
        session.get_one(Stakeholder, bob).source = year.SOURCE
    browser.post(
        "/people/contact", files=sent(("list.csv", b"Ann,Bob")), who=[public_id("stk", ann.id), public_id("stk", bob)],
        **contact(wiring, general),
    )  # fmt: skip
    assert len(rows(wiring)) == 2 and len(stored(wiring)) == 1
    removing.remove(wiring, CONSOLE)
    (left,) = rows(wiring)
    assert browser.client.get(address(ann, left)).data == b"Ann,Bob"
    sample = programme(wiring, "Another sample")
    with wiring.database.write() as session:
        session.get_one(Stakeholder, ann.id).source = year.SOURCE
        session.scalars(select(Installation)).one().sample_id = sample
    removing.remove(wiring, CONSOLE)
    assert not rows(wiring) and not stored(wiring)
