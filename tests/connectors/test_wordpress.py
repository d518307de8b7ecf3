"""WordPress against a double of it: posts and their pictures, what each answer means, comments."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from html import unescape
from typing import Any

import pytest
from hypothesis import given

from connectors import registry
from connectors.api import (
    AccountGone,
    BadSettings,
    Connector,
    ConnectorError,
    Deferred,
    Event,
    Outbound,
    Receipt,
    Refused,
    Uncertain,
)
from connectors.testing import (
    FarEvents,
    FarMedia,
    MediaContract,
    OutboundContract,
    PollContract,
    RepeatContract,
    pictures,
)
from connectors.wordpress.send import slug

from . import far
from .far import Asked, Far, PostsSide, Said, failing, shapes, stops_nobody

PASSWORD = "abcd EFGH ijkl MNOP"
ME, READER = 7, 0
AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@dataclass
class Site(Far):
    """A site. A post is known by its slug, a comment by its text, all else by its path."""

    connector = "wordpress"
    posts: list[dict[str, Any]] = field(default_factory=list)
    media: dict[int, dict[str, Any]] = field(default_factory=dict)
    comments: list[dict[str, Any]] = field(default_factory=list)
    page: int = 100

    def name(self, asked: Asked) -> str:
        told = asked.json() if asked.method == "POST" and asked.path.endswith(("/posts", "/comments")) else {}
        return str(told.get("slug") or told.get("content") or asked.path)

    def answer(self, asked: Asked) -> Said:
        login = b64encode(f"cyngor:{PASSWORD}".encode()).decode()
        if asked.headers["authorization"] != f"Basic {login}":
            return far.sample("wordpress", "wrong_password")
        path = asked.path.removeprefix("/blog/wp-json/wp/v2/")
        if path == "users/me":
            return far.sample("wordpress", "me")
        if path.startswith("media"):
            return self._picture(path, asked)
        if path == "posts" and asked.method == "POST":
            return self._posted(asked.json())
        if path == "posts":
            return Said(200, [each for each in self.posts if each["slug"] == asked.query["slug"]])
        if path.startswith("comments/"):
            found = [each for each in self.comments if each["id"] == int(path.partition("/")[2])]
            return Said(200, found[0]) if found else Said(404, {"code": "rest_comment_invalid_id"})
        return self._commented(asked.json()) if asked.method == "POST" else self._listed(asked.query)

    def _posted(self, told: dict[str, Any]) -> Said:
        taken = [each["slug"] for each in self.posts]
        made = {**told, "id": 41 + len(self.posts)}
        if told["slug"] in taken:  # as WordPress does: never the same address twice
            made["slug"] = f"{told['slug']}-2"
        self.posts.append(made)
        return Said(201, made)

    def _picture(self, path: str, asked: Asked) -> Said:
        if path == "media":
            (name,) = re.findall(
                r'filename="([a-zA-Z0-9_-]+\.(?:png|jpg))"$', asked.headers["content-disposition"]
            )
            number = 900 + len(self.media)
            url = f"https://cyngor.example/wp-content/{number}/{name}"
            self.media[number] = {
                "body": asked.body,
                "alt": "",
                "url": url,
                "type": asked.headers["content-type"],
            }
        else:
            number = int(path.partition("/")[2])
            self.media[number]["alt"] = asked.json()["alt_text"]
        return Said(201, {"id": number, "source_url": self.media[number]["url"]})

    def _commented(self, told: dict[str, Any]) -> Said:
        if any(each["author"] == ME and each["said"] == told["content"] for each in self.comments):
            return far.sample("wordpress", "comment_duplicate")
        return Said(201, self.comment(told["content"], post=told["post"], parent=told["parent"], author=ME))

    def comment(self, said: str, *, number: int = 0, **values: Any) -> dict[str, Any]:
        """Somebody comments on the first post."""
        named = {"id": number or 1 + max((each["id"] for each in self.comments), default=0), "said": said}
        shown = {"rendered": f"<p>{said}</p>\n"}
        made = {**named, "post": 41, "parent": 0, "author": READER, "author_name": "Siân Rees", **values}
        self.comments.append({**made, "content": shown, "date_gmt": "2026-11-02T09:05:00"})
        return self.comments[-1]

    def _listed(self, query: Mapping[str, str]) -> Said:
        found = sorted(self.comments, key=lambda each: -int(each["id"]))
        for name in ("parent", "author"):
            found = [each for each in found if name not in query or each[name] == int(query[name])]
        size = min(int(query["per_page"]), self.page)
        start = (int(query.get("page", "1")) - 1) * size
        pages = str(-(-len(found) // size))
        return Said(200, found[start : start + size], {"X-WP-TotalPages": pages})


@pytest.fixture
def site() -> Iterator[Site]:
    with far.running(Site()) as running:
        yield running


def account(port: int, password: str = PASSWORD, **values: Any) -> Connector:
    told = {"url": f"http://127.0.0.1:{port}/blog/", "username": "cyngor", "deadline_s": 5, **values}
    return registry.connect("wordpress", told, {"application_password": password})


def post(text: str = "Dewch draw", **values: Any) -> Outbound:
    return Outbound(**{"key": f"dlv-{text}", "text": text, "since": AT, **values})


failure = partial(failing, account, post(), at=slug(post()))


def find(connector: Connector, outbound: Outbound) -> Receipt | None:
    assert connector.find is not None
    return connector.find(outbound)


# --- what is posted
def test_a_post_has_a_title_paragraphs_and_an_address_of_its_own(site: Site) -> None:
    one = post("Nos Fercher, 7 yh.\nCroeso!\n\n<b> & croeso", subject="Dewch i’r cyfarfod")
    assert account(site.port).send(one) == Receipt("41")
    (made,) = site.posts
    assert made["title"] == "Dewch i’r cyfarfod" and made["status"] == "publish"
    assert made["content"] == "<p>Nos Fercher, 7 yh.<br>Croeso!</p>\n<p>&lt;b&gt; &amp; croeso</p>"
    assert re.fullmatch("dewch-ir-cyfarfod-[0-9a-f]{16}", made["slug"])


def test_words_in_brackets_are_no_commands(site: Site) -> None:
    account(site.port).send(post('[gallery ids="1"] [audio]'))
    assert site.posts[0]["content"] == '<p>&#91;gallery ids="1"] &#91;audio]</p>'


def test_without_a_title_the_first_line_is_one(site: Site) -> None:
    account(site.port).send(post("مساء الأربعاء\nأهلًا"))
    account(site.port).send(post("gair " * 40))
    assert site.posts[0]["title"] == "مساء الأربعاء" and re.fullmatch("[0-9a-f]{16}", site.posts[0]["slug"])
    assert len(site.posts[1]["title"]) <= 80 and site.posts[1]["title"].endswith("…")


def test_a_picture_goes_with_what_it_shows_and_stands_for_the_post(site: Site) -> None:
    """C5, U4: names that would end an attribute or a header do not."""
    limits = registry.provider("wordpress").limits
    (one, two) = pictures(2, limits)
    one = replace(one, name='pont "ŵ";\r\nx.png', alt='Pont "Llanfair" <b>')
    account(site.port).send(post(media=(one, two)))
    assert [each["alt"] for each in site.media.values()] == [one.alt, two.alt]
    assert 'alt="Pont &quot;Llanfair&quot; &lt;b&gt;"' in site.posts[0]["content"]
    assert site.posts[0]["featured_media"] == 900


def test_a_post_without_words_is_refused_before_anything_is_sent(site: Site) -> None:
    with pytest.raises(Refused):
        account(site.port).send(post(" \n"))
    assert site.asked == []


# --- what an answer means
@pytest.mark.parametrize(
    "told, error, code",
    [
        ("wrong_password", AccountGone, "401"), ("may_not", AccountGone, "403"), ("no_api", AccountGone, "404"),
        ("bad_request", Refused, "400"), ("busy", Deferred, "503"), ("broken", Uncertain, "500"),
        (b"HTTP/1.1 201 x\r\nContent-Length: 2\r\n\r\n[]", Uncertain, ""),
        (b"HTTP/1.1 201 x\r\nContent-Length: 2\r\n\r\n{}", Uncertain, ""),
        (b"HTTP/1.1 201 x\r\nContent-Length: 9\r\n\r\n<!DOCTYPE", Uncertain, "201"),
    ],
)  # fmt: skip
def test_an_answer_says_what_may_be_done_next(
    site: Site, told: str | bytes, error: type[ConnectorError], code: str
) -> None:
    lost = failure(site, told)
    assert type(lost) is error and lost.code == code and site.posts == []


def test_a_site_in_maintenance_makes_the_account_wait(site: Site) -> None:
    lost = failure(site, "busy")
    assert isinstance(lost, Deferred) and (lost.scope, lost.retry_after_s) == ("account", 600)


@pytest.mark.parametrize("path", ["media", "media/900"])
@pytest.mark.parametrize(
    "told", ["take", "lose", "broken", b'HTTP/1.1 201 x\r\nContent-Length: 8\r\n\r\n{"id":1}']
)
def test_trouble_with_a_picture_is_never_uncertain(site: Site, path: str, told: str | bytes) -> None:
    if path == "media/900" and isinstance(told, bytes):
        return  # the second answer is not read
    site.once[f"/blog/wp-json/wp/v2/{path}"] = told
    with pytest.raises(Deferred):
        account(site.port).send(post(media=pictures(1, registry.provider("wordpress").limits)))
    assert site.posts == []


def test_who_may_not_publish_is_told_so(site: Site) -> None:
    account(site.port).verify()
    site.once["/blog/wp-json/wp/v2/users/me"] = "reader"
    with pytest.raises(AccountGone, match="publish"):
        account(site.port).verify()
    with pytest.raises(AccountGone):
        account(site.port, "revoked").verify()


# --- did it go?
def test_a_post_is_found_under_whatever_state_the_site_has_given_it(site: Site) -> None:
    connector = account(site.port)
    receipt = connector.send(post())
    site.posts[0]["status"] = "private"
    assert find(connector, post()) == receipt
    assert find(connector, post("Dewch draw", key="dlv-other")) is None


def test_an_answer_stands_below_the_comment_it_answers(site: Site) -> None:
    """L3"""
    connector, asked = account(site.port), site.comment("A fydd lifft?")
    one = post("Bydd & croeso", in_reply_to=f"comment-{asked['id']}")
    assert find(connector, one) is None
    assert connector.send(one) == Receipt("comment-2") == find(connector, one)
    assert (site.comments[1]["parent"], site.comments[1]["post"], site.posts) == (1, 41, [])
    assert connector.send(one) == Receipt("comment-2") and len(site.comments) == 2


def test_words_that_the_site_has_below_another_comment_are_refused(site: Site) -> None:
    connector = account(site.port)
    site.comment("un"), site.comment("dau")
    connector.send(post("Diolch", in_reply_to="comment-1"))
    with pytest.raises(Refused, match="already"):
        connector.send(post("Diolch", in_reply_to="comment-2"))


def test_answers_that_come_too_quickly_after_one_another_wait(site: Site) -> None:
    """WordPress says 400, as it does of words that it will never take; posts go on."""
    site.comment("A fydd lifft?")
    site.once["Bydd"] = "comment_flood"
    connector, answer = account(site.port), post("Bydd", in_reply_to="comment-1")
    with pytest.raises(Deferred) as told:
        connector.send(answer)
    assert (told.value.scope, told.value.retry_after_s) == ("delivery", 15)
    assert connector.send(answer).provider_id == "comment-2"


@pytest.mark.parametrize(
    "told", ["comment_closed", b"HTTP/1.1 404 x\r\nContent-Length: 25\r\n\r\nrest_comment_invalid_post"]
)
def test_an_answer_that_nobody_takes_leaves_the_account_alone(site: Site, told: str | bytes) -> None:
    site.comment("A fydd lifft?")
    site.once["Bydd"] = told
    with pytest.raises(Refused):
        account(site.port).send(post("Bydd", in_reply_to="comment-1"))
    with pytest.raises(Refused):
        account(site.port).send(post("Bydd", in_reply_to="comment-99"))
    with pytest.raises(AccountGone):
        account(site.port, "revoked").send(post("Bydd", in_reply_to="comment-1"))


# --- comments
def polled(site: Site, cursor: Mapping[str, Any] | None = None) -> tuple[list[Event], dict[str, Any]]:
    connector = account(site.port)
    assert connector.poll is not None
    found = connector.poll(cursor)
    return list(found.events), json.loads(json.dumps(dict(found.cursor)))


def test_a_comment_as_wordpress_documents_it_is_told_in_our_words(site: Site) -> None:
    """DC3"""
    site.once["/blog/wp-json/wp/v2/comments"] = "comments"
    (event,), _ = polled(site)
    assert (event.kind, event.key, event.references) == ("reply", "comment-5", ("41",))
    assert (event.sender, event.sender_name) == ("https://sian.example", "Siân Rees")
    assert event.text == "Diolch! A fydd lifft?\n& bws?" and not event.verified
    assert event.at == datetime(2026, 11, 2, 9, 5, tzinfo=UTC)
    assert json.loads(event.raw)["id"] == 5 and event.meta["message_id"] == "comment-5"


def test_our_own_answers_are_no_comments(site: Site) -> None:
    site.comment("A fydd lifft?"), site.comment("Bydd", author=ME, parent=1)
    site.comment("Diolch", parent=2)
    events, cursor = polled(site)
    assert [each.key for each in events] == ["comment-1", "comment-3"]
    assert events[1].references == ("41", "comment-2") and polled(site, cursor)[0] == []


def test_a_comment_that_is_let_through_late_is_told_then(site: Site) -> None:
    site.comment("un", number=10), site.comment("tri", number=30)
    _, cursor = polled(site)
    site.comment("dau", number=20)
    events, cursor = polled(site, cursor)
    assert [each.key for each in events] == ["comment-20"] and polled(site, cursor)[0] == []


def test_old_comments_are_asked_for_once(site: Site) -> None:
    site.page = 5
    for n in range(40):
        site.comment(f"{n}")
    _, cursor = polled(site)
    site.asked.clear()
    assert polled(site, cursor)[0] == []
    assert (
        len([each for each in site.asked if each.path.endswith("comments")]) == 1 and len(cursor["seen"]) == 5
    )


@given(shapes(["id", "post", "author", "content", "rendered", "date_gmt", "slug"]))
def test_an_answer_of_any_shape_stops_nobody(body: Any) -> None:
    """The provider's answers are not trusted."""
    stops_nobody(account, body, ("poll", None), ("find", post()), ("verify",))


def test_settings_that_make_no_sense_are_named() -> None:
    with pytest.raises(BadSettings) as told:
        account(1, url="cyngor.example", deadline_s=0)
    assert set(told.value.problems) == {"url", "deadline_s"}


# --- the contract of every connector
class FarSite(PostsSide, FarEvents, FarMedia):
    """WordPress's side: it knows posts by their addresses."""

    said = PostsSide.said | {Deferred: "busy", AccountGone: "wrong_password"}
    many = 12
    no_picture = ("/blog/wp-json/wp/v2/media", "take")

    def taken(self) -> list[tuple[str, Any]]:
        return [(_read(one["content"]), one) for one in self.it.posts]

    def key(self, words: str, whole: Any) -> str:
        return next(key for said, key in self._keys.items() if slug(post(said, key=key)) == whole["slug"])

    def once_at(self, outbound: Outbound) -> str:
        return slug(outbound)

    def happen(self, kind: str, n: int) -> None:
        self.it.comment(f"{kind} {n}")

    def media(self, key: str) -> list[tuple[bytes, str]]:
        shown = re.findall('<img src="([^"]*)" alt="([^"]*)">', self.made(key)["content"])
        bodies = {each["url"]: each["body"] for each in self.it.media.values()}
        return [(bodies[unescape(url)], unescape(alt)) for url, alt in shown]


def _read(content: str) -> str:
    """The words of a post as its readers see them."""
    plain = content.replace("</p>\n<p>", "\n\n").replace("<br>", "\n")
    return unescape(plain.removeprefix("<p>").removesuffix("</p>"))


class TestContract(OutboundContract, RepeatContract, PollContract, MediaContract):
    """WordPress keeps the promises of every connector."""

    @pytest.fixture
    def far(self, site: Site) -> FarSite:
        site.page = 5
        login = b64encode(f"cyngor:{PASSWORD}".encode()).decode()
        return FarSite(site, account, post, PASSWORD, login)
