"""Facebook against a double of it: what each answer means, what can be found again, who spoke to the page."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given

from connectors import registry
from connectors.api import (
    NOT_SIGNED_IN,
    AccountGone,
    BadSettings,
    Call,
    Connector,
    ConnectorError,
    Deferred,
    Event,
    NotAuthentic,
    Outbound,
    Reading,
    Receipt,
    Refused,
    Uncertain,
)
from connectors.testing import (
    FarMedia,
    FarMetrics,
    HookContract,
    MediaContract,
    MetricsContract,
    OutboundContract,
    PollContract,
    ReadContract,
    RepeatContract,
    pictures,
)

from . import far as wire
from .fake_facebook import PAGE_ID, SECRET, TOKEN, Facebook, running
from .far import CONNECTORS, Called, ListsComments, ParkingContract, Said, shapes, stops_nobody

OLD = "secret of the app before"
SECRETS = {
    "client_secret": SECRET,
    "access_token": TOKEN,
    "verify_token": "a word of ours",
    "old_client_secret": OLD,
}
SINCE = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
OURS = f"{PAGE_ID}_1000001"
TOLD: dict[str, Any] = json.loads((CONNECTORS / "facebook" / "samples" / "changes.json").read_text("utf-8"))[
    "body"
]


def account(port: int, secrets: Mapping[str, str] = SECRETS, **values: Any) -> Connector:
    told = {
        "page_id": PAGE_ID,
        "client_id": "77",
        "base_url": f"http://127.0.0.1:{port}",
        "deadline_s": 5,
        **values,
    }
    return registry.connect("facebook", told, secrets)


def post(text: str, **values: Any) -> Outbound:
    return Outbound(key=f"dlv-{text}", text=text, **{"since": SINCE, **values})


def find(connector: Connector, outbound: Outbound) -> Receipt | None:
    assert connector.find is not None
    return connector.find(outbound)


@pytest.fixture
def facebook() -> Iterator[Facebook]:
    with running() as it:
        yield it


def test_a_post_is_made_once_and_named_and_no_token_stands_in_an_address(facebook: Facebook) -> None:
    """DC2"""
    assert account(facebook.port).send(post("Dewch draw")) == Receipt(OURS)
    assert [one["message"] for one in facebook.posts] == ["Dewch draw"]
    assert not [one for one in facebook.asked if TOKEN in str(one.query)]


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("Dewch", None),
        ("Dewch: https://cyngor.example/cyfarfod?a=1. Croeso!", "https://cyngor.example/cyfarfod?a=1"),
        ("(https://cyngor.example/a) a https://cyngor.example/b", "https://cyngor.example/a"),
    ],
)
def test_the_first_link_gets_its_preview(facebook: Facebook, text: str, link: str | None) -> None:
    account(facebook.port).send(post(text))
    assert (facebook.posts[0]["link"], facebook.posts[0]["message"]) == (link, text)


def test_pictures_go_without_words_and_without_a_preview(facebook: Facebook) -> None:
    connector = account(facebook.port)
    connector.send(post("", media=pictures(3, connector.limits)))
    assert len(facebook.posts[0]["photos"]) == 3 == len(facebook.photos)
    connector.send(post("https://x.example/", media=pictures(1, connector.limits)))
    assert facebook.posts[1]["link"] is None


def test_a_post_without_words_or_pictures_is_refused_before_anything_is_sent(facebook: Facebook) -> None:
    with pytest.raises(Refused):
        account(facebook.port).send(post(" \n"))
    assert facebook.asked == []


def test_an_answer_stands_under_the_comment_and_is_found_again(facebook: Facebook) -> None:
    """L3"""
    connector, answer = account(facebook.port), post("Am ddeg!", in_reply_to="1000001_50")
    facebook.once["Am ddeg!"] = "take"
    with pytest.raises(Uncertain):
        connector.send(answer)
    facebook.comment("1000001_50", "Am ddeg!", "77")
    assert facebook.posts == [] and find(connector, answer) == Receipt(facebook.comments[0]["id"])
    assert find(connector, replace(answer, text="Arall")) is None


@pytest.mark.parametrize(("told", "error"), [("not_permitted", Refused), ("unauthorized", AccountGone)])
def test_a_thread_in_which_we_may_not_write_does_not_stop_the_account(
    facebook: Facebook, told: str, error: type[ConnectorError]
) -> None:
    facebook.once["Am ddeg!"] = told
    with pytest.raises(ConnectorError) as lost:
        account(facebook.port).send(post("Am ddeg!", in_reply_to="1000001_50"))
    assert type(lost.value) is error


def test_an_answer_to_mail_is_no_comment(facebook: Facebook) -> None:
    account(facebook.port).send(post("Helo", in_reply_to="<abc@mail.example>"))
    assert facebook.comments == [] and len(facebook.posts) == 1


# --- what an answer means
@pytest.mark.parametrize(
    ("told", "error", "code"),
    [
        ("unauthorized", AccountGone, "190"), ("not_permitted", AccountGone, "200"), ("bad_request", Refused, "100"),
        ("rate_limited", Deferred, "32"), ("spam", Deferred, "368"), ("unavailable", Uncertain, "2"),
        ("take", Uncertain, ""), ("lose", Uncertain, ""),
        (b"HTTP/1.1 200 x\r\nContent-Length: 2\r\n\r\n{}", Uncertain, ""),
        (b"HTTP/1.1 200 x\r\nContent-Length: 2\r\n\r\n[]", Uncertain, "200"),
        (b'HTTP/1.1 200 x\r\nContent-Length: 13\r\n\r\n{"id": "../"}', Uncertain, ""),
        (b"HTTP/1.1 400 x\r\nContent-Length: 2\r\n\r\nno", Refused, "400"),
        (b"HTTP/1.1 401 x\r\nContent-Length: 2\r\n\r\n[]", AccountGone, "401"),
        (b"HTTP/1.1 502 x\r\nContent-Length: 0\r\n\r\n", Uncertain, "502"),
        (b'HTTP/1.1 400 x\r\nContent-Length: 23\r\n\r\n{"error": {"code": "1"}}'[:-1], Uncertain, None),
    ],
)  # fmt: skip
def test_a_refusal_says_whom_it_is_about(
    facebook: Facebook, told: str | bytes, error: type[ConnectorError], code: str | None
) -> None:
    facebook.once["Dewch draw"] = told
    with pytest.raises(ConnectorError) as lost:
        account(facebook.port).send(post("Dewch draw"))
    assert type(lost.value) is (error if code is not None else Refused)
    assert code is None or lost.value.code == code


def test_a_limit_is_waited_for_as_long_as_meta_says(facebook: Facebook) -> None:
    facebook.once["Dewch draw"] = "rate_limited"
    with pytest.raises(Deferred) as lost:
        account(facebook.port).send(post("Dewch draw"))
    assert (lost.value.scope, lost.value.retry_after_s) == ("account", 19 * 60)


@pytest.mark.parametrize(
    "usage", ["", "no", "[]", "{}", '{"1": 2}', '{"1": [{}]}', '{"1": [{"type": "pages"}]}']
)
def test_a_limit_told_in_another_shape_is_one_all_the_same(facebook: Facebook, usage: str) -> None:
    refused = wire.sample("facebook", "rate_limited")
    facebook.once["Dewch draw"] = refused._replace(headers={"x-business-use-case-usage": usage})
    with pytest.raises(Deferred) as lost:
        account(facebook.port).send(post("Dewch draw"))
    assert lost.value.retry_after_s is None


def test_a_duplicate_means_that_it_had_gone(facebook: Facebook) -> None:
    connector = account(facebook.port)
    first = connector.send(post("Dewch draw"))
    assert connector.send(post("Dewch draw")) == first and len(facebook.posts) == 1
    with pytest.raises(Uncertain) as lost:
        connector.send(post("Dewch draw", since=SINCE + timedelta(days=7)))
    assert lost.value.code == "duplicate"
    facebook.once[f"{PAGE_ID}/published_posts"] = "unavailable"
    with pytest.raises(Uncertain):
        connector.send(post("Dewch draw"))


def test_the_whole_list_back_to_the_intent_is_searched(facebook: Facebook) -> None:
    facebook.page = 2
    for n in range(7):
        facebook.post(f"post {n}")
    connector = account(facebook.port)
    assert find(connector, post("post 0")) == Receipt(OURS)
    assert find(connector, post("dim byd")) is None
    asked = len(facebook.asked)
    assert find(connector, post("post 0", since=SINCE + timedelta(days=1))) is None
    assert len(facebook.asked) == asked + 1  # nothing is read behind what is older


# --- the login
def test_the_token_is_that_of_this_page(facebook: Facebook) -> None:
    account(facebook.port).verify()
    with pytest.raises(AccountGone, match="another page"):
        account(facebook.port, page_id="12").verify()
    with pytest.raises(AccountGone):
        account(facebook.port, {**SECRETS, "client_secret": "another"}).verify()


def test_nobody_having_signed_in_yet_is_told_and_asks_nothing(facebook: Facebook) -> None:
    connector = account(facebook.port, {"client_secret": SECRET})
    for call in (connector.verify, partial(connector.send, post("x"))):
        with pytest.raises(AccountGone) as told:
            call()
        assert told.value.code == NOT_SIGNED_IN
    assert facebook.asked == []


def test_signing_in_gives_the_page_its_own_token_and_has_meta_call(facebook: Facebook) -> None:
    sign_in = registry.provider("facebook").sign_in
    assert sign_in is not None
    settings = {
        "page_id": PAGE_ID,
        "client_id": "77",
        "base_url": facebook.url,
        "version": "v24.0",
        "deadline_s": 5,
    }
    new = sign_in.accept(settings, SECRETS, {"access_token": "short"})
    assert (new.secrets, new.life_s, new.ends_s) == ({"access_token": TOKEN}, None, 90 * 86_400)
    assert facebook.subscribed == ["feed,mention"]
    assert not [one for one in facebook.asked if SECRET in str(one.query)]
    with pytest.raises(AccountGone, match="does not look after"):
        sign_in.accept({**settings, "page_id": "3"}, SECRETS, {"access_token": "short"})
    with pytest.raises(AccountGone):
        sign_in.accept(settings, SECRETS, {})
    real = {**settings, "base_url": "https://graph.facebook.com"}
    assert sign_in.places(real) == (
        "https://www.facebook.com/v24.0/dialog/oauth", "https://graph.facebook.com/v24.0/oauth/access_token"
    )  # fmt: skip


# --- who spoke to us
def test_changes_as_meta_documents_them_are_told_in_our_words() -> None:
    """DC3; our own comments and what was taken back are no news."""
    heard = hear(json.dumps(TOLD).encode())
    reply, like, mention = heard
    assert (reply.kind, like.kind, mention.kind) == ("reply", "like", "mention")
    assert (reply.key, reply.references, reply.sender, reply.sender_name) == (
        "1000001_55", (OURS,), "77", "Siân Rees"
    )  # fmt: skip
    assert reply.text == "Faint o'r gloch?" and reply.meta["message_id"] == reply.key
    assert like.references == (OURS,) and like.key == f"reaction:{OURS}:78"
    assert (mention.sender_name, mention.text) == ("Bryn", "Diolch i Gyngor Môn")
    assert reply.at == datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def test_a_reaction_that_is_no_liking_is_none() -> None:
    change = {"item": "reaction", "verb": "add", "post_id": OURS, "from": {"id": "78"}, "created_time": 1}
    for kind, events in (("like", 1), ("love", 1), ("sad", 1), ("angry", 0)):
        told = called({"field": "feed", "value": {**change, "reaction_type": kind}})
        assert len(hear(told)) == events


def test_what_is_asked_for_and_what_is_pushed_has_one_key(facebook: Facebook) -> None:
    facebook.post("Dewch draw")
    name = facebook.comment(OURS, "Faint o'r gloch?")
    change = {"item": "comment", "verb": "add", "comment_id": name, "post_id": OURS, "created_time": 1}
    (pushed,) = hear(called({"field": "feed", "value": {**change, "from": {"id": "77"}}}))
    (asked,) = polled(facebook).events
    assert pushed.key == asked.key and pushed.references == asked.references == (OURS,)


def test_a_call_about_another_page_of_the_app_is_passed_over() -> None:
    """An app has one address for all its pages."""
    elsewhere = json.loads(json.dumps(TOLD))
    elsewhere["entry"][0]["id"] = "1"
    assert hear(json.dumps(elsewhere).encode()) == ()


def test_comments_on_several_posts_and_mentions_arrive_oldest_first(facebook: Facebook) -> None:
    for n in (1, 2):
        facebook.post(f"post {n}")
    cursor = polled(facebook).cursor
    for n, about in enumerate((OURS, f"{PAGE_ID}_1000002", OURS)):
        facebook.now += timedelta(seconds=1)
        facebook.comment(about, f"sylw {n}")
    facebook.comment(OURS, "ni ein hunain", PAGE_ID)
    facebook.tagged.append({"id": "79_1", "from": {"id": "79"}, "message": "Diolch", "at": facebook.now})
    found = polled(facebook, cursor)
    assert [one.text for one in found.events] == ["sylw 0", "sylw 1", "sylw 2", "Diolch"]
    assert polled(facebook, found.cursor).events == ()


def test_what_comes_in_the_same_second_is_told_once_each(facebook: Facebook) -> None:
    facebook.post("Dewch draw")
    facebook.comment(OURS, "un")
    first = polled(facebook)
    facebook.comment(OURS, "dau")
    second = polled(facebook, first.cursor)
    assert [one.text for one in (*first.events, *second.events)] == ["un", "dau"]


def test_what_a_list_shows_late_is_told_all_the_same(facebook: Facebook) -> None:
    """Within ten minutes; and nothing is told twice for it."""
    for n in (1, 2):
        facebook.post(f"post {n}")
    facebook.comment(OURS, "cyntaf")
    facebook.now += timedelta(seconds=599)
    facebook.comment(f"{PAGE_ID}_1000002", "wedyn")
    first = polled(facebook)
    facebook.now -= timedelta(seconds=500)
    facebook.comment(OURS, "yn hwyr")
    second = polled(facebook, json.loads(json.dumps(first.cursor)))
    assert [one.text for one in (*first.events, *second.events)] == ["cyntaf", "wedyn", "yn hwyr"]
    facebook.now += timedelta(days=1)
    facebook.comment(OURS, "drannoeth")
    third = polled(facebook, second.cursor)
    assert [one.text for one in third.events] == ["drannoeth"] and len(third.cursor["seen"]) == 1


def test_a_page_that_may_not_be_read_may_be_posted_on(facebook: Facebook) -> None:
    facebook.once[f"{PAGE_ID}/published_posts"] = "not_permitted"
    with pytest.raises(AccountGone) as lost:
        polled(facebook)
    assert lost.value.face == "poll"
    facebook.once[f"{PAGE_ID}/published_posts"] = "unauthorized"
    with pytest.raises(AccountGone) as gone:
        polled(facebook)
    assert gone.value.face == ""


NAMES = [
    "data", "id", "comments", "from", "message", "created_time", "parent", "paging",
    "cursors", "after", "error", "code", "name", "values", "value", "summary",
]  # fmt: skip


@given(shapes(NAMES))
def test_an_answer_of_any_shape_stops_nobody(body: Any) -> None:
    """The provider's answers are not trusted."""
    faces = (("poll", None), ("find", post("x")), ("verify",), ("metrics", [OURS]))
    stops_nobody(account, body, *faces)


@pytest.mark.parametrize(
    "query",
    [
        {}, {"hub.mode": "subscribe", "hub.verify_token": "another", "hub.challenge": "1"},
        {"hub.mode": "subscribe", "hub.verify_token": "a word of ours", "hub.challenge": "<b>"},
        {"hub.verify_token": "a word of ours", "hub.challenge": "1"},
    ],
)  # fmt: skip
def test_a_question_is_answered_to_whoever_names_the_word_alone(query: dict[str, str]) -> None:
    """H12"""
    hooks = account(1).hooks
    assert hooks is not None
    right = {"hub.mode": "subscribe", "hub.verify_token": "a word of ours", "hub.challenge": "1158201444"}
    assert hooks(Call("GET", {}, right, b"", SINCE)).answer == b"1158201444"
    with pytest.raises(NotAuthentic):
        hooks(Call("GET", {}, query, b"", SINCE))
    bare_hooks = account(1, {"client_secret": SECRET}).hooks
    with pytest.raises(NotAuthentic):  # without a word of ours nobody is answered, not even without one
        assert bare_hooks and bare_hooks(Call("GET", {}, {**right, "hub.verify_token": ""}, b"", SINCE))


@pytest.mark.parametrize(
    "body", [b"", b"no", b"[]", b"{}", b'{"entry": 1}', b'{"entry": [{"id": "2468", "changes": 1}]}']
)
def test_a_proven_call_of_any_shape_is_parked(body: bytes) -> None:
    """H9"""
    hooks = account(1).hooks
    assert hooks is not None
    heard = hooks(signed(body))
    assert heard.events == () and heard.parked


def test_a_figure_that_is_not_told_is_left_out(facebook: Facebook) -> None:
    connector, name = account(facebook.port), facebook.post("Dewch draw")
    assert connector.metrics is not None
    facebook.counts[name] = {"comments": 0, "post_clicks": 3}
    assert connector.metrics([name]) == [Reading(name, "replies", 0), Reading(name, "clicks", 3)]
    facebook.once[f"{name}/insights"] = "bad_request"
    assert connector.metrics([name]) == [Reading(name, "replies", 0)]
    facebook.once[f"{name}/insights"] = "insights"
    told = {(one.figure, one.value) for one in connector.metrics([name])}
    assert {("impressions", 120), ("reach", 80), ("clicks", 3)} < told
    facebook.once[f"{name}/insights"] = Said(200, {"data": [{"name": [], "values": [{"value": 1}]}]})
    assert connector.metrics([name]) == [Reading(name, "replies", 0)]
    facebook.once[name] = "rate_limited"
    with pytest.raises(Deferred):
        connector.metrics([name])


def test_settings_that_make_no_sense_are_named() -> None:
    wrong: dict[str, Any] = {
        "page_id": "cyngormon",
        "version": "24",
        "base_url": "https://x.example",
        "deadline_s": 0,
    }
    with pytest.raises(BadSettings) as caught:
        account(1, **wrong)
    assert set(caught.value.problems) == set(wrong)


def polled(facebook: Facebook, cursor: Mapping[str, Any] | None = None) -> Any:
    connector = account(facebook.port)
    assert connector.poll is not None
    return connector.poll(cursor)


def test_a_change_never_seen_is_kept_for_a_person() -> None:
    """H13"""
    hooks = account(1).hooks
    assert hooks is not None
    feed = {"verb": "add", "post_id": OURS, "created_time": 1}
    for field, item in (("feed", "danced"), ("danced", "post")):
        change = {"field": field, "value": {**feed, "item": item}}
        heard = hooks(signed(called(change)))
        assert heard.events == () and "danced" in heard.parked[0]


def hear(body: bytes) -> tuple[Event, ...]:
    hooks = account(1).hooks
    assert hooks is not None
    heard = hooks(signed(body))
    assert heard.parked == ()
    return heard.events


def called(*changes: Any) -> bytes:
    return json.dumps(
        {"object": "page", "entry": [{"id": PAGE_ID, "time": 1, "changes": list(changes)}]}
    ).encode()


def signed(body: bytes, secret: str = SECRET) -> Call:
    signature = "sha256=" + hmac.new(secret.encode(), body, sha256).hexdigest()
    return Call("POST", {"x-hub-signature-256": signature}, {}, body, SINCE)


# --- the contract of every connector
class FarFacebook(ListsComments, FarMedia, FarMetrics):
    """Facebook's side: it knows posts by their words only."""

    name = "1000001_77"
    kinds = ("reply", "mention")
    theirs = {
        "impressions": "post_media_view", "reach": "post_total_media_view_unique", "clicks": "post_clicks",
        "likes": "reactions", "boosts": "shares", "replies": "comments",
    }  # fmt: skip
    figures = tuple(theirs)
    no_picture = (f"{PAGE_ID}/photos", "lose")
    many = 12

    def taken(self) -> list[tuple[str, Any]]:
        return [(one["message"], one) for one in self.it.posts]

    def media(self, key: str) -> list[tuple[bytes, str]]:
        return [self.it.photos[one] for one in self.made(key)["photos"]]

    def happen(self, kind: str, n: int) -> None:
        self.pass_time(1)
        if kind == "mention":
            who = {"id": "79", "name": "Bryn"}
            self.it.tagged.append({"id": f"79_{n}", "from": who, "message": "Diolch", "at": self.it.now})
        else:
            about = self.it.posts[0]["id"] if self.it.posts else self.it.post("Dewch draw")
            self.it.comment(about, f"{kind} {n}")


class Hooked(Called):
    """Meta's calls: the body is signed, and no time."""

    signed_headers = ("x-hub-signature-256",)
    timed = False


GOOD = TOLD["entry"][0]["changes"][0]
BAD = {"field": "feed", "value": {"verb": "add", "item": "comment"}}


class TestContract(
    OutboundContract, RepeatContract, PollContract, ParkingContract, MediaContract, MetricsContract
):
    """Facebook keeps the promises of every connector."""

    @pytest.fixture
    def far(self, facebook: Facebook) -> FarFacebook:
        facebook.page = 5
        return FarFacebook(facebook, account, post, *SECRETS.values())


class TestHooks(HookContract, ReadContract):
    """And of those that call us."""

    @pytest.fixture
    def far(self) -> Hooked:
        good, bad = called(GOOD), called(BAD, GOOD)
        return Hooked(
            lambda: account(1), lambda: signed(good), lambda: signed(bad), lambda: signed(good, OLD)
        )
