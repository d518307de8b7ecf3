"""The media pages: what goes in, who sees it, what it shows in words, and where everybody else finds it."""

from __future__ import annotations

import hashlib
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from campaigns.base import public_id
from campaigns.messages import media
from campaigns.messages.tables import Media
from service.pages import media as page
from service.wiring import Wiring

from .. import samples
from .conftest import Browser, Browsers


def png(colour: str = "red", size: tuple[int, int] = (6, 4)) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


def upload(browser: Browser, body: bytes | None = None, name: str = "river.png", **form: Any) -> Any:
    files = {"file": (BytesIO(png() if body is None else body), name)}
    return browser.post("/media/new", files=files, **form)


def added(browser: Browser, **form: Any) -> str:
    """The page of a new picture, as a path."""
    path: str = upload(browser, **form).headers["Location"].split("?")[0]
    return path


def kept(wiring: Wiring) -> Media:
    with wiring.database.read() as session:
        return session.query(Media).one()


def test_an_empty_shelf_says_what_belongs_there(browser: Browser) -> None:
    assert "words for people who cannot see them" in browser.get("/media")


def test_a_picture_is_taken_in_described_and_found(browser: Browser) -> None:
    """C5."""
    path = added(browser, **{"alt-en": "A river at dawn"})
    shown = browser.get(path)
    assert "river.png" in shown and "A river at dawn" in shown and "Say what it shows" in shown
    assert "Needs words" in browser.get("/media")
    rest = {"name": "The river", "alt-en": "A river", "alt-cy": "Afon", "alt-ar": "نهر", "act": "save"}
    assert "Saved." in browser.done(path, **rest)
    shelf = browser.get("/media", q="RIVER")
    assert (
        "The river" in shelf and "Described" in shelf and "Nothing fits" in browser.get("/media", q="zebra")
    )


def test_decoration_needs_no_words(browser: Browser) -> None:
    assert "Say what it shows" not in browser.get(added(browser, decorative="yes"))


def test_what_is_refused_says_why_and_keeps_what_was_typed(browser: Browser, wiring: Wiring) -> None:
    """D1, D2."""
    answer = browser.post(
        "/media/new", files={"file": (BytesIO(b"<svg></svg>"), "x.png")}, status=422, **{"alt-en": "A river"}
    )
    assert "save it as PNG" in answer.text and "A river" in answer.text and 'id="file-why"' in answer.text
    browser.post("/media/new", status=422)
    browser.post("/media/new", status=422, kind="film", name="Tour", url="javascript:alert(1)")
    with wiring.database.read() as session:
        assert session.query(Media).count() == 0


def test_a_file_that_is_far_too_large_is_refused_at_the_door(browser: Browser) -> None:
    browser.post("/media/new", files={"file": (BytesIO(b"x" * (page.UPLOAD_MAX + 1)), "x.png")}, status=413)


def test_nobody_who_writes_waits_for_a_picture_to_be_drawn(
    browser: Browser, wiring: Wiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D4: what takes long holds no lock."""
    opened = Image.open

    def meanwhile(*args: Any, **values: Any) -> Any:
        with wiring.database.write() as session:
            samples.programme(session, wiring.now(), f"Meanwhile {values}")
        return opened(*args, **values)

    monkeypatch.setattr(Image, "open", meanwhile)
    upload(browser)
    assert kept(wiring).name == "river.png"


def test_a_film_is_a_link_with_a_transcript(browser: Browser) -> None:
    form: dict[str, Any] = {
        "kind": "film",
        "name": "Tour",
        "url": "https://films.example/1",
        "transcript": "Croeso",
    }
    path = browser.post("/media/new", **form).headers["Location"].split("?")[0]
    assert "https://films.example/1" in browser.get(path) and "Can be read" in browser.get(
        "/media", kind="film"
    )
    browser.done(
        path, name="Tour", captions_url="https://films.example/1.vtt", transcript="Croeso!", act="save"
    )
    assert "1.vtt" in browser.get(path)
    assert browser.client.get(f"{path}/Tour").status_code == 404


def test_a_picture_is_served_as_the_picture_it_is_and_nothing_else(browser: Browser, wiring: Wiring) -> None:
    """D3."""
    path = added(browser)
    row = kept(wiring)
    for address, cache in ((f"{path}/anything.html", "private"), (media.path(row), "immutable")):
        answer = browser.client.get(address)
        assert hashlib.sha256(answer.data).hexdigest() == row.sha256
        assert answer.headers["Content-Type"] == "image/png" and cache in answer.headers["Cache-Control"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
    again = browser.client.get(media.path(row), headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_whoever_was_sent_a_picture_sees_it_without_a_login_also_once_archived(
    browser: Browser, wiring: Wiring
) -> None:
    path = added(browser)
    assert "offered no more" in browser.get(path)
    assert "Archived." in browser.done(path, act="archive")
    assert "river.png" not in browser.get("/media") and "river.png" in browser.get("/media", state="archived")
    browser.client.delete_cookie("dolen")
    answer = browser.client.get(media.path(kept(wiring)))
    assert answer.status_code == 200 and answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert browser.client.get(f"{path}/x.png").status_code == 303


def test_an_address_that_nobody_was_given_leads_nowhere(browser: Browser, wiring: Wiring) -> None:
    added(browser)
    digest = kept(wiring).sha256
    for wrong in (f"/m/{'0' * 64}.png", f"/m/{digest}.gif", f"/m/{digest}.html", "/m/..%2f..%2fkeys.png"):
        assert browser.client.get(wrong).status_code == 404


def test_a_programme_s_pictures_are_its_own(browsers: Browsers, wiring: Wiring) -> None:
    """I3."""
    with wiring.database.write() as session:
        mine, theirs = (samples.programme(session, wiring.now(), name) for name in ("Mine", "Theirs"))
    author, stranger = browsers("author", mine), browsers("author", theirs)
    path = added(author, programme=public_id("prg", mine))
    assert "river.png" in author.get("/media") and "river.png" not in stranger.get("/media")
    stranger.get(path, status=404)
    stranger.get(f"{path}/river.png", status=404)
    stranger.post(path, act="archive", status=404)
    upload_to = {"programme": public_id("prg", mine)}
    assert (
        stranger.client.post(
            "/media/new", data={"form_key": stranger.form_key, "file": (BytesIO(png()), "x.png"), **upload_to}
        ).status_code
        == 404
    )


def test_a_reader_adds_and_changes_nothing(browsers: Browsers, browser: Browser) -> None:
    path = added(browser)
    viewer = browsers("viewer")
    assert "/media/new" not in viewer.get("/media") and "Archive" not in viewer.get(path).split("<main")[1]
    viewer.get("/media/new", status=403)
    viewer.post(path, act="archive", status=403)


def test_somebody_else_s_change_is_not_written_over(browser: Browser) -> None:
    path = added(browser)
    browser.done(path, name="First", act="save", version="1")
    answer = browser.post(path, name="Second", act="save", version="1", status=422)
    assert "somebody changed this" in answer.text and "Second" in answer.text
