"""Instagram against a double of it: pictures that it fetches, what each answer means, what can be found again."""

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
    Heard,
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
    RefreshContract,
    RepeatContract,
    pictures,
)

from .fake_instagram import FIRST, SECRET, TOKEN, USER_ID, Instagram, running
from .far import (
    CONNECTORS,
    Called,
    ListsComments,
    ParkingContract,
    Renewing,
    Trouble,
    shapes,
    stops_nobody,
)

OLD = "secret of the app before"
SECRETS = {
    "client_secret": SECRET,
    "access_token": TOKEN,
    "verify_token": "a word of ours",
    "old_client_secret": OLD,
}
SINCE = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
OURS = str(FIRST)
LIMITS = registry.provider("instagram").limits
ONE = pictures(1, LIMITS)
TOLD: dict[str, Any] = json.loads((CONNECTORS / "instagram" / "samples" / "changes.json").read_text("utf-8"))[
    "body"
]


def account(port: int, secrets: Mapping[str, str] = SECRETS, **values: Any) -> Connector:
    told = {
        "user_id": USER_ID,
        "client_id": "77",
        "base_url": f"http://127.0.0.1:{port}",
        "deadline_s": 5,
        **values,
    }
    return registry.connect("instagram", told, secrets)


def post(text: str, **values: Any) -> Outbound:
    return Outbound(key=f"dlv-{text}", text=text, **{"since": SINCE, "media": ONE, **values})


def find(connector: Connector, outbound: Outbound) -> Receipt | None:
    assert connector.find is not None
    return connector.find(outbound)


@pytest.fixture
def instagram(monkeypatch: pytest.MonkeyPatch) -> Iterator[Instagram]:
    with running() as it:
        monkeypatch.setattr("connectors.instagram.pictures.sleep", it.pause)
        yield it


def test_a_picture_is_fetched_by_its_address_and_published_once(instagram: Instagram) -> None:
    """DC2, D10"""
    assert account(instagram.port).send(post("Dewch draw")) == Receipt(OURS)
    (made,) = instagram.posts
    assert made["container"]["image_url"] == ONE[0].url and made["container"]["alt_text"] == ONE[0].alt
    assert made["caption"] == "Dewch draw"


def test_several_pictures_are_one_post_in_their_order(instagram: Instagram) -> None:
    given_ones = pictures(3, LIMITS)
    account(instagram.port).send(post("Dewch draw", media=given_ones))
    (made,) = instagram.posts
    names = made["container"]["children"].split(",")
    assert made["container"]["media_type"] == "CAROUSEL"
    assert [instagram.containers[name]["image_url"] for name in names] == [one.url for one in given_ones]
    assert {instagram.containers[name]["is_carousel_item"] for name in names} == {"true"}


def test_a_picture_that_is_slow_is_waited_for_and_one_that_is_too_slow_comes_later(
    instagram: Instagram,
) -> None:
    connector = account(instagram.port)
    instagram.takes = timedelta(seconds=5)
    connector.send(post("Dewch draw"))
    connector.send(post("Gyda dau", media=pictures(2, LIMITS)))
    instagram.takes = timedelta(minutes=1)
    with pytest.raises(Deferred) as lost:
        connector.send(post("Arall"))
    assert lost.value.retry_after_s == 30 and len(instagram.posts) == 2


def test_a_container_that_instagram_does_not_know_yet_is_asked_about_again(instagram: Instagram) -> None:
    """It denied some that it had just made, for a moment."""
    instagram.once[str(FIRST + 900_000)] = "gone"
    assert account(instagram.port).send(post("Dewch draw")) == Receipt(OURS)


@pytest.mark.parametrize("state", ["ERROR", "EXPIRED"])
def test_a_picture_that_instagram_does_not_take_is_refused(instagram: Instagram, state: str) -> None:
    instagram.state = state
    with pytest.raises(Refused, match="2207026"):
        account(instagram.port).send(post("Dewch draw"))
    assert instagram.posts == []


def test_a_post_without_a_picture_is_refused_before_anything_is_sent(instagram: Instagram) -> None:
    with pytest.raises(Refused):
        account(instagram.port).send(post("Dewch draw", media=()))
    assert instagram.asked == []


def test_where_others_do_not_reach_us_nothing_is_asked_and_posts_wait(instagram: Instagram) -> None:
    local = replace(ONE[0], url="http://127.0.0.1:8080/m/1.jpg")
    with pytest.raises(AccountGone, match=r"http\.base_url"):
        account(instagram.port).send(post("Dewch draw", media=(local,)))
    assert instagram.asked == []


def test_the_posts_of_a_day_are_counted_by_instagram(instagram: Instagram) -> None:
    instagram.used = 100
    with pytest.raises(Deferred) as lost:
        account(instagram.port).send(post("Dewch draw"))
    assert (lost.value.scope, lost.value.retry_after_s) == ("account", 3600) and instagram.containers == {}


def test_an_answer_needs_no_picture_and_is_found_again(instagram: Instagram) -> None:
    """L3"""
    connector = account(instagram.port)
    answer = post("Am ddeg!", in_reply_to="17894227972186120", media=())
    instagram.once["Am ddeg!"] = "take"
    with pytest.raises(Uncertain):
        connector.send(answer)
    instagram.comment("", "Am ddeg!", "77", "17894227972186120")
    assert instagram.posts == [] and find(connector, answer) == Receipt(instagram.comments[0]["id"])
    assert find(connector, replace(answer, text="Arall")) is None


@pytest.mark.parametrize(("told", "error"), [("not_permitted", Refused), ("unauthorized", AccountGone)])
def test_a_thread_in_which_we_may_not_write_does_not_stop_the_account(
    instagram: Instagram, told: str, error: type[ConnectorError]
) -> None:
    instagram.once["Am ddeg!"] = told
    with pytest.raises(ConnectorError) as lost:
        account(instagram.port).send(post("Am ddeg!", in_reply_to="17894227972186120", media=()))
    assert type(lost.value) is error


# --- what an answer means
@pytest.mark.parametrize(
    ("told", "error", "code"),
    [
        ("unauthorized", AccountGone, "190"), ("not_permitted", AccountGone, "10"), ("bad_request", Refused, "100"),
        ("too_many", Deferred, "9"), ("spam", Deferred, "4"), ("not_ready", Deferred, "9007"),
        ("unavailable", Uncertain, "-1"), ("lose", Uncertain, ""),
        (b"HTTP/1.1 200 x\r\nContent-Length: 2\r\n\r\n{}", Uncertain, ""),
        (b"HTTP/1.1 502 x\r\nContent-Length: 0\r\n\r\n", Uncertain, "502"),
    ],
)  # fmt: skip
def test_a_refusal_to_publish_says_whom_it_is_about(
    instagram: Instagram, told: str | bytes, error: type[ConnectorError], code: str
) -> None:
    instagram.once["Dewch draw"] = told
    with pytest.raises(ConnectorError) as lost:
        account(instagram.port).send(post("Dewch draw"))
    assert (type(lost.value), lost.value.code) == (error, code)


@pytest.mark.parametrize("lie", ["spam", "not_ready", "unavailable", "bad_request"])
def test_an_error_of_a_post_that_is_there_all_the_same_is_not_believed(
    instagram: Instagram, lie: str
) -> None:
    """Tried again it would be there twice."""
    instagram.lies, instagram.shows = lie, timedelta(seconds=2)
    assert account(instagram.port).send(post("Dewch draw")) == Receipt(OURS)


def test_a_lost_answer_to_publishing_is_made_up_for_by_what_the_container_says(instagram: Instagram) -> None:
    instagram.once["Dewch draw"] = "take"
    assert account(instagram.port).send(post("Dewch draw")) == Receipt(OURS)


def test_where_nobody_can_say_whether_it_was_published_nobody_does(instagram: Instagram) -> None:
    instagram.lies, instagram.lag = "spam", timedelta(minutes=1)
    with pytest.raises(Uncertain, match="PUBLISHED") as lost:
        account(instagram.port).send(post("Dewch draw"))
    assert lost.value.code == "4"
    instagram.lies, instagram.after = "spam", "IN_PROGRESS"
    with pytest.raises(Uncertain, match="IN_PROGRESS"):
        account(instagram.port).send(post("Arall"))


# --- what an earlier try has begun
def begun(instagram: Instagram, outbound: Outbound) -> Outbound:
    """What the next try gets, after one that nobody could say was published."""
    kept: list[str] = []
    with pytest.raises(Uncertain):
        account(instagram.port).send(replace(outbound, keep=kept.append))
    return replace(outbound, begun=kept[0])


def test_a_container_is_kept_before_it_is_published_and_told_once(instagram: Instagram) -> None:
    """DC2: whoever dies then leaves its name behind."""

    def stop(name: str) -> None:
        assert name in instagram.containers
        raise Deferred("it could not be written down", phase="media")

    with pytest.raises(Deferred):
        account(instagram.port).send(post("Dewch draw", keep=stop))
    assert instagram.posts == []


def test_a_try_after_one_that_was_published_makes_no_second_post(instagram: Instagram) -> None:
    """DC2"""
    instagram.lag = timedelta(minutes=1)
    instagram.once["Dewch draw"] = "take"
    again, connector = begun(instagram, post("Dewch draw")), account(instagram.port)
    with pytest.raises(Uncertain, match="does not show it"):
        connector.send(again)
    with pytest.raises(Deferred, match="does not show it"):
        find(connector, again)
    instagram.pass_time(60)
    assert connector.send(again) == find(connector, again) == Receipt(OURS)
    assert len(instagram.posts) == len(instagram.containers) == 1


def test_a_try_after_one_that_was_not_published_goes_on_with_its_container(instagram: Instagram) -> None:
    """And what colleagues have posted in the same words is not taken for it."""
    instagram.once["Dewch draw"] = "lose"
    again, connector = begun(instagram, post("Dewch draw")), account(instagram.port)
    instagram.post("Dewch draw")
    assert find(connector, again) is None
    connector.send(again)
    assert len(instagram.posts) == 2 and len(instagram.containers) == 1


@pytest.mark.parametrize("state", ["ERROR", "EXPIRED"])
def test_a_container_that_has_ended_is_made_anew(instagram: Instagram, state: str) -> None:
    old = instagram.container({"caption": "Dewch draw"}, state=state)
    kept: list[str] = []
    account(instagram.port).send(post("Dewch draw", begun=old, keep=kept.append))
    assert kept != [old] and len(instagram.posts) == 1


def test_a_container_of_which_nothing_is_told_is_waited_for(instagram: Instagram) -> None:
    """It may have been published: another one might be a second post."""
    with pytest.raises(Deferred) as lost:
        account(instagram.port).send(post("Dewch draw", begun=str(FIRST + 900_000)))
    assert lost.value.scope == "delivery" and instagram.containers == {}


@pytest.mark.parametrize(
    ("told", "error"),
    [
        ("not_fetched", Deferred), ("unavailable", Deferred), ("take", Deferred), ("lose", Deferred),
        (b"HTTP/1.1 200 x\r\nContent-Length: 2\r\n\r\n{}", Deferred), ("bad_request", Refused),
        ("unauthorized", AccountGone),
    ],
)  # fmt: skip
def test_before_anything_is_published_nothing_is_uncertain(
    instagram: Instagram, told: str | bytes, error: type[ConnectorError]
) -> None:
    instagram.once[f"{USER_ID}/media"] = told
    with pytest.raises(ConnectorError) as lost:
        account(instagram.port).send(post("Dewch draw"))
    assert type(lost.value) is error and instagram.posts == []


def test_the_whole_list_back_to_the_intent_is_searched(instagram: Instagram) -> None:
    instagram.page = 2
    for n in range(7):
        instagram.post(f"post {n}")
    connector = account(instagram.port)
    assert find(connector, post("post 0")) == Receipt(OURS)
    assert find(connector, post("dim byd")) is None
    assert find(connector, post("post 0", since=SINCE + timedelta(days=1))) is None


# --- the login
def test_the_token_is_of_this_account(instagram: Instagram) -> None:
    account(instagram.port).verify()
    for other in ("12", ""):
        with pytest.raises(AccountGone, match="another account"):
            account(instagram.port, user_id=other).verify()


def test_nobody_having_signed_in_yet_is_told_and_asks_nothing(instagram: Instagram) -> None:
    connector = account(instagram.port, {"client_secret": SECRET}, user_id="")
    for call in (connector.verify, partial(connector.send, post("x"))):
        with pytest.raises(AccountGone) as told:
            call()
        assert told.value.code == NOT_SIGNED_IN
    assert instagram.asked == [] and connector.refresh is None


@pytest.mark.parametrize(
    "answer",
    [{"access_token": "an hour", "user_id": 1}, {"data": [{"access_token": "an hour", "user_id": "1"}]}],
)
def test_signing_in_changes_the_token_for_a_lasting_one_and_finds_the_account(
    instagram: Instagram, answer: dict[str, Any]
) -> None:
    sign_in = registry.provider("instagram").sign_in
    assert sign_in is not None
    settings = {
        "user_id": "",
        "client_id": "77",
        "base_url": instagram.url,
        "version": "v24.0",
        "deadline_s": 5,
    }
    new = sign_in.accept(settings, SECRETS, answer)
    assert (new.secrets, new.settings) == ({"access_token": TOKEN}, {"user_id": USER_ID})
    assert new.life_s == new.ends_s == 5_183_944
    assert sign_in.accept({**settings, "user_id": USER_ID}, SECRETS, answer) == new
    with pytest.raises(AccountGone, match="another account"):
        sign_in.accept({**settings, "user_id": "12"}, SECRETS, answer)
    odds: tuple[dict[str, Any], ...] = ({}, {"data": []}, {"data": [1]})
    for odd in odds:
        with pytest.raises(AccountGone):
            sign_in.accept(settings, SECRETS, odd)
    assert sign_in.places({"base_url": "https://graph.instagram.com"}) == (
        "https://www.instagram.com/oauth/authorize", "https://api.instagram.com/oauth/access_token"
    )  # fmt: skip


def test_a_token_renews_itself_for_sixty_days(instagram: Instagram) -> None:
    refresh = account(instagram.port).refresh
    assert refresh is not None
    new = refresh()
    assert (new.secrets, new.life_s, new.ends_s) == ({"access_token": TOKEN}, 5_183_944, 5_183_944)
    spent = account(instagram.port, {**SECRETS, "access_token": "spent"}).refresh
    with pytest.raises(AccountGone):
        assert spent and spent()
    instagram.once["/refresh_access_token"] = b"HTTP/1.1 200 x\r\nContent-Length: 2\r\n\r\n{}"
    with pytest.raises(Deferred):
        refresh()


# --- who spoke to us
def test_changes_as_meta_documents_them_are_told_in_our_words() -> None:
    """DC3; our own comments and figures of stories are no news."""
    reply, in_comment, in_post = hear(json.dumps(TOLD).encode())
    assert (reply.kind, reply.key, reply.sender) == ("reply", "17894227972186120", "sianrees")
    assert reply.references == ("17918195224117851",) and reply.meta["message_id"] == reply.key
    assert reply.at == datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
    assert (in_comment.kind, in_comment.meta["message_id"]) == ("mention", "17894227972186129")
    assert (in_post.kind, in_post.meta["message_id"]) == ("mention", "")


def test_what_is_asked_for_and_what_is_pushed_has_one_key(instagram: Instagram) -> None:
    instagram.post("Dewch draw")
    name = instagram.comment(OURS, "Faint o'r gloch?")
    value = {
        "id": name,
        "text": "Faint o'r gloch?",
        "from": {"id": "77", "username": "user77"},
        "media": {"id": OURS},
    }
    (pushed,) = hear(called({"field": "comments", "value": value}))
    (asked,) = polled(instagram).events
    assert (pushed.key, pushed.references, pushed.sender) == (asked.key, asked.references, asked.sender)


def test_answers_to_comments_are_told_with_what_they_answer(instagram: Instagram) -> None:
    instagram.post("Dewch draw")
    asked = instagram.comment(OURS, "Faint o'r gloch?")
    instagram.comment(OURS, "Am ddeg.", USER_ID, asked)
    instagram.now += timedelta(seconds=1)
    instagram.comment(OURS, "Diolch!", "77", asked)
    found = polled(instagram)
    assert [one.text for one in found.events] == ["Faint o'r gloch?", "Diolch!"]
    assert found.events[1].references == (OURS, asked)
    assert polled(instagram, found.cursor).events == ()


NAMES = [
    "data", "id", "comments", "from", "text", "timestamp", "replies", "paging",
    "cursors", "after", "error", "code", "name", "values", "value", "caption",
]  # fmt: skip


@given(shapes(NAMES))
def test_an_answer_of_any_shape_stops_nobody(body: Any) -> None:
    """The provider's answers are not trusted."""
    faces = (("poll", None), ("find", post("x")), ("verify",), ("metrics", [OURS]), ("refresh",))
    stops_nobody(account, body, *faces)


def test_a_question_is_answered_to_whoever_names_the_word_alone() -> None:
    """H12"""
    hooks = account(1).hooks
    assert hooks is not None
    right = {"hub.mode": "subscribe", "hub.verify_token": "a word of ours", "hub.challenge": "1158201444"}
    assert hooks(Call("GET", {}, right, b"", SINCE)).answer == b"1158201444"
    with pytest.raises(NotAuthentic):
        hooks(Call("GET", {}, {**right, "hub.verify_token": "another"}, b"", SINCE))


def test_a_figure_that_is_not_told_is_left_out(instagram: Instagram) -> None:
    connector, name = account(instagram.port), instagram.post("Dewch draw")
    assert connector.metrics is not None
    instagram.counts[name] = {"like_count": 0, "saved": 3}
    assert connector.metrics([name]) == [Reading(name, "likes", 0), Reading(name, "saves", 3)]


def test_settings_that_make_no_sense_are_named() -> None:
    wrong: dict[str, Any] = {
        "user_id": "cyngormon",
        "version": "24",
        "base_url": "https://x.example",
        "deadline_s": 0,
    }
    with pytest.raises(BadSettings) as caught:
        account(1, **wrong)
    assert set(caught.value.problems) == set(wrong)


def polled(instagram: Instagram, cursor: Mapping[str, Any] | None = None) -> Any:
    connector = account(instagram.port)
    assert connector.poll is not None
    return connector.poll(cursor)


def test_a_change_never_seen_is_kept_for_a_person() -> None:
    """H13"""
    hooks = account(1).hooks
    assert hooks is not None
    heard = hooks(signed(called({"field": "danced", "value": {}})))
    assert heard.events == () and "danced" in heard.parked[0]
    assert hooks(signed(called({"field": "story_insights", "value": {}}))) == Heard()


def hear(body: bytes) -> tuple[Event, ...]:
    hooks = account(1).hooks
    assert hooks is not None
    heard = hooks(signed(body))
    assert heard.parked == ()
    return heard.events


def called(*changes: Any) -> bytes:
    return json.dumps(
        {"object": "instagram", "entry": [{"id": USER_ID, "time": 1, "changes": list(changes)}]}
    ).encode()


def signed(body: bytes, secret: str = SECRET) -> Call:
    signature = "sha256=" + hmac.new(secret.encode(), body, sha256).hexdigest()
    return Call("POST", {"x-hub-signature-256": signature}, {}, body, SINCE)


# --- the contract of every connector
class FarInstagram(ListsComments, FarMedia, FarMetrics):
    """Instagram's side: it knows posts by their words only, and pictures by their addresses."""

    said = ListsComments.said | {Deferred: "too_many"}
    name = "178000"
    kinds = ("reply",)
    theirs = {
        "impressions": "views", "reach": "reach", "likes": "like_count", "boosts": "shares",
        "replies": "comments_count", "saves": "saved",
    }  # fmt: skip
    figures = tuple(theirs)
    no_picture = (f"{USER_ID}/media", "not_fetched")
    many = 12

    def taken(self) -> list[tuple[str, Any]]:
        return [(one["caption"], one) for one in self.it.posts]

    def media(self, key: str) -> list[tuple[bytes, str]]:
        given_ones = {one.url: one.load() for one in pictures(2, LIMITS)}
        container = self.made(key)["container"]
        children = [self.it.containers[one] for one in container.get("children", "").split(",") if one]
        return [(given_ones[one["image_url"]], one["alt_text"]) for one in children or [container]]

    def told(self, trouble: Trouble, n: int) -> Outbound:
        if trouble == "take":
            self.it.lag = timedelta(seconds=30)  # what went is not in its lists yet, so nobody can be sure
        return super().told(trouble, n)

    def happen(self, kind: str, n: int) -> None:
        self.pass_time(1)
        about = self.it.posts[0]["id"] if self.it.posts else self.it.post("Dewch draw")
        self.it.comment(about, f"{kind} {n}")


class Hooked(Called):
    """Meta's calls: the body is signed, and no time."""

    signed_headers = ("x-hub-signature-256",)
    timed = False


GOOD = TOLD["entry"][0]["changes"][0]
BAD = {"field": "comments", "value": {"id": "x"}}


class TestContract(
    OutboundContract, RepeatContract, PollContract, ParkingContract, MediaContract, MetricsContract
):
    """Instagram keeps the promises of every connector."""

    @pytest.fixture
    def far(self, instagram: Instagram) -> FarInstagram:
        instagram.page = 5
        return FarInstagram(instagram, account, post, *SECRETS.values())


class TestLogins(RefreshContract):
    """A token of sixty days renews itself."""

    @pytest.fixture
    def far(self, instagram: Instagram) -> Renewing:
        refused = {"/refresh_access_token": "unauthorized"}
        return Renewing(instagram, account, SECRETS, "/refresh_access_token", refused)


class TestHooks(HookContract, ReadContract):
    """And of those that call us."""

    @pytest.fixture
    def far(self) -> Hooked:
        good, bad = called(GOOD), called(BAD, GOOD)
        return Hooked(
            lambda: account(1), lambda: signed(good), lambda: signed(bad), lambda: signed(good, OLD)
        )
