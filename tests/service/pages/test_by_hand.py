"""What people do by hand, in the browser of a colleague and by the link of a partner organisation."""

from __future__ import annotations

import re
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from campaigns.audit import AuditEntry
from campaigns.base import public_id
from campaigns.delivery import release, send
from campaigns.delivery.tables import Delivery, HandWork
from campaigns.messages import pictures
from campaigns.messages.tables import Media
from campaigns.strategies import programmes
from service import knocks, notices
from service.access import CONSOLE
from service.acts import accounts, begin, media, messages
from service.acts import by_hand as acts
from service.app import create_app
from service.tables import Notice
from service.wiring import Wiring

from ..conftest import Api, People
from .conftest import Browser, Browsers
from .test_media import png

SEEN = "https://llyfrgell.example/bwrdd"


class Board:
    """A notice board, and a message that is to hang there, with a picture."""

    def __init__(self, wiring: Wiring, browsers: Browsers) -> None:
        self.wiring, self.browsers = wiring, browsers
        with begin(wiring, CONSOLE) as act:
            home = programmes.general(act.session, act.now).id
            board = accounts.create(
                act,
                connector="by_hand",
                name="Llyfrgell",
                language="cy",
                settings={"place": "A4, ger y drws"},
                secrets={},
            )
            picture = media.add_picture(
                act,
                programme_id=home,
                picture=pictures.read(png()),
                name="pont.png",
                alts={"cy": "Y bont <hen>"},
            )
            self.message_id = messages.create(
                act, accounts=[board.id], name="Cyfarfod", text="Dewch i’r cyfarfod\n<b>nos Fercher</b>",
                language="cy", media=[picture.id],
            ).id  # fmt: skip
        release.tick(wiring.database, wiring.now)
        desk = wiring.desk("test")
        while send.work(desk):
            pass
        self.number = self.row().id
        self.path = f"/by-hand/{public_id('dlv', self.number)}"

    def row(self) -> Delivery:
        with self.wiring.database.read() as session:
            return session.scalars(select(Delivery)).one()

    def hand(self) -> HandWork:
        with self.wiring.database.read() as session:
            return session.scalars(select(HandWork)).one()

    def link(self) -> str:
        with begin(self.wiring, CONSOLE) as act:
            url = acts.give_link(act, self.number, "Cyfeillion y Llyfrgell", 30)
        return url.removeprefix(self.wiring.links.base_url)

    def noted(self) -> list[tuple[str, str]]:
        with self.wiring.database.read() as session:
            found = select(AuditEntry.actor, AuditEntry.act).where(AuditEntry.act.startswith("by_hand."))
            return [(actor, act) for actor, act in session.execute(found.order_by(AuditEntry.id))]


@pytest.fixture
def board(wiring: Wiring, browsers: Browsers) -> Board:
    return Board(wiring, browsers)


@pytest.fixture
def ann(board: Board) -> Browser:
    """Somebody who may send."""
    return board.browsers("community_manager", name="Ann")


@pytest.fixture
def outside(wiring: Wiring) -> FlaskClient:
    """Somebody with nothing but a link."""
    return create_app(wiring=wiring).test_client()


# --- colleagues
def test_it_stands_on_today_and_in_its_list_until_it_is_done(board: Board, ann: Browser) -> None:
    """L4"""
    for page in ("/", "/by-hand"):
        assert board.path in ann.get(page) and "Cyfarfod" in ann.get(page)
    assert 'href="/by-hand"' in ann.get("/tasks")
    ann.post(board.path, act="done", where=SEEN)
    for page in ("/", "/by-hand"):
        assert board.path not in ann.get(page)
    assert board.row().state == "sent" and board.hand().where == SEEN


def test_its_page_shows_words_picture_place_and_what_the_picture_shows(board: Board, ann: Browser) -> None:
    """L4, C5"""
    page = ann.get(board.path)
    assert "Dewch i’r cyfarfod\n<b>nos Fercher</b>" in page and "A4, ger y drws" in page
    assert 'alt="Y bont <hen>"' in page and re.search(r'href="[^"]*/m/[0-9a-f]{64}\.png" download', page)


@pytest.mark.parametrize("language", ["en", "cy", "ar"])
def test_its_pages_are_in_the_readers_language(board: Board, language: str) -> None:
    reader = board.browsers("community_manager", language=language)
    words = {"en": "What to put up", "cy": "Beth i'w osod", "ar": "ما يجب تعليقه"}
    assert words[language] in reader.get(board.path)


def test_a_photo_is_kept_as_evidence_for_colleagues_alone(
    board: Board, ann: Browser, outside: FlaskClient
) -> None:
    """D3: it may show people, so it is offered for no post and stands at no public address."""
    page = ann.done(board.path, act="done", files={"photo": (BytesIO(png("blue")), "llun.png")})
    assert board.row().state == "sent" and "/photo" in page
    with board.wiring.database.read() as session:
        kept = session.get_one(Media, board.hand().photo_id)
    assert kept.state == "evidence" and outside.get(f"/m/{kept.sha256}.png").status_code == 404
    assert ann.client.get(f"/media/{public_id('med', kept.id)}/photo").status_code == 200


@pytest.mark.parametrize("state", ["active", "archived"])
def test_the_picture_of_the_post_itself_as_evidence_stays_in_the_library_as_it_was(
    board: Board, outside: FlaskClient, state: str
) -> None:
    """Whoever archived it because its rights ended does not find it offered again by a stranger."""
    with board.wiring.database.write() as session:
        session.scalars(select(Media)).one().state = state
    outside.post(board.link(), data={"act": "done", "photo": (BytesIO(png()), "llun.png")})
    with board.wiring.database.read() as session:
        (one,) = session.scalars(select(Media))
    assert one.state == state and board.hand().photo_id == one.id
    assert outside.get(f"/m/{one.sha256}.png").status_code == 200


def test_evidence_takes_room_like_every_picture(board: Board, outside: FlaskClient) -> None:
    """D12"""
    settings = board.wiring.settings
    board.wiring.settings = replace(settings, data=replace(settings.data, pictures_mb=0))
    photo = {"act": "done", "photo": (BytesIO(png("blue")), "llun.png")}
    assert outside.post(board.link(), data=photo).status_code == 422 and board.row().state == "deferred"


@pytest.mark.parametrize("form", [{"act": "done"}, {"act": "not_done"}, {"act": "?"}, {"act": "link"}])
def test_what_lacks_something_says_so_and_changes_nothing(board: Board, ann: Browser, form: Any) -> None:
    answer = ann.post(board.path, status=422, **form)
    assert 'class="problem"' in answer.text or 'class="why"' in answer.text
    assert board.row().state == "deferred" and board.hand().token_sha256 is None


@pytest.mark.parametrize("body", [b"", b"GIF89a", b"<svg onload=alert(1)>", b"x" * 100])
def test_a_file_that_is_no_picture_is_no_evidence(board: Board, ann: Browser, body: bytes) -> None:
    """D3"""
    ann.post(board.path, act="done", files={"photo": (BytesIO(body), "llun.png")}, status=422)
    assert board.row().state == "deferred"


def test_whoever_may_only_read_sees_it_and_says_nothing(board: Board) -> None:
    reader = board.browsers("viewer")
    assert "What became of it?" not in reader.get(board.path)
    reader.post(board.path, act="done", where=SEEN, status=403)
    assert board.row().state == "deferred"


def test_another_programmes_work_is_as_absent_as_none(board: Board) -> None:
    """R33: the same words, so that nobody learns what there is."""
    with begin(board.wiring, CONSOLE) as act:
        other = programmes.create(act.session, act.now, name="Elsewhere", starts_on=act.now.date())
    stranger = board.browsers("community_manager", other.id)
    paths = (board.path, "/by-hand/dlv_0000000000000")
    pages = [stranger.get(path, status=404).partition("<main")[2].partition("<code>")[0] for path in paths]
    assert pages[0] == pages[1] != ""


def test_a_link_is_shown_once_and_can_be_taken_back(board: Board, ann: Browser, outside: FlaskClient) -> None:
    page = ann.post(board.path, status=200, act="link", partner="Cyfeillion", days="7").text
    (path,) = re.findall(r"/pack/[\w-]{43}", page)
    assert path not in ann.get(board.path) and outside.get(path).status_code == 200
    ann.post(board.path, act="take_back")
    assert outside.get(path).status_code == 404


def test_whoever_wrote_it_is_told_by_mail(board: Board, ann: Browser, browsers: Browsers) -> None:
    """L9: nobody who wrote it has an address here, so whoever may send."""
    browsers("community_manager", name="Ben", email_key="ben@example.org")
    notices.gather(board.wiring.database, board.wiring.now(), "UTC")
    notices.gather(board.wiring.database, board.wiring.now(), "UTC")
    with board.wiring.database.read() as session:
        told = [one for one in session.scalars(select(Notice)) if one.kind == "by_hand"]
    assert [one.facts["path"] for one in told] == [board.path] and told[0].facts["place"] == "Llyfrgell"


# --- partners
@pytest.mark.parametrize(
    ("language", "words"), [("en", "please put this up"), ("cy", "gosodwch"), ("ar", "يُرجى")]
)
def test_a_partner_sees_the_pack_in_their_language(
    board: Board, outside: FlaskClient, language: str, words: str
) -> None:
    """L4"""
    page = outside.get(f"{board.link()}?language={language}").text
    assert words in page and "Cyfeillion y Llyfrgell" in page and "A4, ger y drws" in page
    assert "&lt;b&gt;nos Fercher&lt;/b&gt;" in page and 'alt="Y bont &lt;hen&gt;"' in page
    (picture,) = set(re.findall(r'href="(/m/[^"]+)" download', page))
    assert outside.get(picture).data[:4] == b"\x89PNG"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_opening_the_link_changes_nothing(board: Board, outside: FlaskClient, method: str) -> None:
    """U12"""
    link = board.link()
    assert outside.open(f"{link}?act=done&where={SEEN}", method=method).status_code == 200
    assert board.row().state == "deferred"


def test_a_partner_confirms_with_an_address(board: Board, outside: FlaskClient) -> None:
    """L4"""
    link = board.link()
    for _ in range(2):  # pressed twice
        page = outside.post(link, data={"act": "done", "where": SEEN, "words": "ger y drws"}).text
        assert "Thank you" in page and "What became of it?" not in page
    assert board.row().state == "sent" and board.hand().ended_by == "partner"
    assert board.noted()[-1] == ("partner", "by_hand.ended")


def test_a_partner_confirms_with_a_photo_that_colleagues_see(
    board: Board, outside: FlaskClient, ann: Browser
) -> None:
    """L4"""
    outside.post(board.link(), data={"act": "done", "photo": (BytesIO(png("green")), "llun.png")})
    assert board.row().state == "sent"
    page = ann.get(board.path)
    assert "Cyfeillion y Llyfrgell" in page and "/photo" in page


def test_no_photo_is_drawn_once_it_is_over_nor_very_many_before(
    board: Board, outside: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D4: the link goes from hand to hand, and to draw a picture costs far more than to send one."""
    drawn: list[bytes] = []
    read = pictures.read

    def counted(body: bytes) -> pictures.Picture:
        drawn.append(body)
        return read(body)

    monkeypatch.setattr(pictures, "read", counted)

    def send(body: bytes) -> int:
        return outside.post(link, data={"act": "done", "photo": (BytesIO(body), "x.png")}).status_code

    link = board.link()
    assert {send(b"no picture") for _ in range(30)} == {422} and len(drawn) == knocks.PHOTO.most
    outside.post(link, data={"act": "done", "where": SEEN})
    drawn.clear()
    assert send(png()) == 200 and drawn == []


def test_a_partner_says_that_it_was_not_done(board: Board, outside: FlaskClient, ann: Browser) -> None:
    link = board.link()
    assert outside.post(link, data={"act": "not_done"}).status_code == 422
    assert (
        "You have said that it was not done"
        in outside.post(link, data={"act": "not_done", "words": "ar gau"}).text
    )
    assert board.row().state == "failed" and "ar gau" in ann.get(board.path)


@pytest.mark.parametrize(
    "form",
    [
        {"act": "done"}, {"act": "done", "where": "javascript:alert(1)"}, {"act": "done", "where": "x" * 5000},
        {"act": "done", "photo": (b"<svg>", "x.svg")},
    ],
)  # fmt: skip
def test_what_shows_nothing_is_not_taken_from_a_partner(
    board: Board, outside: FlaskClient, form: Any
) -> None:
    """D3"""
    if "photo" in form:
        form = {**form, "photo": (BytesIO(form["photo"][0]), form["photo"][1])}
    answer = outside.post(board.link(), data=form)
    assert answer.status_code == 422 and "There is a problem" in answer.text
    assert board.row().state == "deferred"


def test_what_is_withdrawn_is_not_put_up(board: Board, outside: FlaskClient) -> None:
    link = board.link()
    with begin(board.wiring, CONSOLE) as act:
        messages.cancel(act, board.message_id)
    assert "Please do not put this up" in outside.get(link).text
    assert outside.post(link, data={"act": "done", "where": SEEN}).status_code == 422
    assert board.row().state == "cancelled"


def test_a_stranger_learns_and_changes_nothing(board: Board, outside: FlaskClient) -> None:
    link = board.link()
    for wrong in (link[:-1], f"{link}A", "/pack/x"):
        assert outside.get(wrong).status_code == 404
        assert outside.post(wrong, data={"act": "done", "where": SEEN}).status_code == 404
    assert outside.post(link, data={"act": "??"}).status_code == 400
    assert board.row().state == "deferred"


def test_programs_see_what_people_are_to_do_hand_it_on_and_say_what_became_of_it(
    board: Board, api: Api, people: People
) -> None:
    author, viewer = people("author"), people("viewer")
    path = f"/v1/by_hand/{public_id('dlv', board.number)}"
    (work,) = api.get("/v1/by_hand", viewer).json["data"]
    assert (work["delivery_id"], work["standing"], work["photo_id"]) == (path.split("/")[-1], "waiting", None)
    assert api.call("PUT", f"{path}/link", viewer, json={"partner": "Llyfrgell"}).status_code == 403
    made = api.call("PUT", f"{path}/link", author, json={"partner": "Llyfrgell", "days": 3})
    assert "/pack/" in made.json["url"] and board.hand().partner == "Llyfrgell"
    assert api.delete(f"{path}/link", author).status_code == 204
    assert board.hand().token_sha256 is None
    form = "multipart/form-data"
    nothing = api.post(f"{path}/done", author, data={"words": "Wedi ei wneud"}, content_type=form)
    assert (nothing.status_code, nothing.json["errors"][0]["pointer"]) == (422, "/where")
    sent = {"photo": (BytesIO(png()), "bwrdd.png"), "words": "Wrth y drws"}
    done = api.post(f"{path}/done", author, data=sent, content_type=form).json
    assert (done["standing"], done["words"]) == ("done", "Wrth y drws") and done["photo_id"].startswith(
        "med_"
    )
    late = api.post(f"{path}/not_done", author, json={"words": "Na"})
    assert (late.status_code, late.json["code"]) == (409, "already_done")
    assert api.get("/v1/by_hand", author).json["data"] == []
