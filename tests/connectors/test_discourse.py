"""Discourse against a double of it: topics and answers, what each answer means, what members say and like."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given

from connectors import registry
from connectors.api import (
    AccountGone,
    BadSettings,
    Call,
    Connector,
    ConnectorError,
    Deferred,
    Event,
    Heard,
    Outbound,
    Reading,
    Receipt,
    Refused,
    Uncertain,
)
from connectors.discourse.send import external_id
from connectors.testing import (
    FarMedia,
    FarMetrics,
    FarRobots,
    HookContract,
    MediaContract,
    MetricsContract,
    OutboundContract,
    PollContract,
    ReadContract,
    RepeatContract,
    RobotContract,
    pictures,
)

from .fake_discourse import KEY, ME, TOPICS, Forum, running
from .far import CONNECTORS, Called, PostsSide, Said, failing, shapes, stops_nobody

NEW, OLD = "newer-secret-of-the-hook", "older-secret-of-the-hook"
AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
GOLDEN = "3a974405ebce42d93e9b1d581231e85eeca45b3f86c42d5299bb5566f89d908d"


@pytest.fixture
def forum() -> Iterator[Forum]:
    with running() as found:
        yield found


def account(port: int, api_key: str = KEY, **values: Any) -> Connector:
    told = {"url": f"http://127.0.0.1:{port}", "username": ME, "deadline_s": 5, **values}
    return registry.connect("discourse", told, {"api_key": api_key, "hook_secret": f"{NEW} {OLD}"})


def post(text: str = "Dewch draw", **values: Any) -> Outbound:
    return Outbound(**{"key": f"dlv-{text}", "text": text, "since": AT, **values})


def failure(forum: Forum, told: str | bytes, outbound: Outbound) -> ConnectorError:
    return failing(account, outbound, forum, told, external_id(outbound))


def find(connector: Connector, outbound: Outbound) -> Receipt | None:
    assert connector.find is not None
    return connector.find(outbound)


def shown(raw: str) -> str:
    """What readers see of a source: comments gone, and marks of what is no markup."""
    plain = re.sub(r"\n\n(!\[.*?(?<!\\)\]\(.*?\)|<!-- \S+ -->)", "", raw)
    return re.sub(r"\\([!-/:-@\[-`{-~0-9])", r"\1", plain)


# --- what is posted
def test_a_topic_has_a_title_a_category_and_an_id_of_its_own(forum: Forum) -> None:
    account(forum.port, category=7).send(post(subject="Cyfarfod"))
    account(forum.port).send(post("Ail\nlinell"))
    first, second = (each.json() for each in forum.asked)
    assert (first["title"], first["category"], second["title"]) == ("Cyfarfod", 7, "Ail")
    assert re.fullmatch(r"[\w-]{1,50}", first["external_id"]) and "category" not in second


@pytest.mark.parametrize(
    "text",
    [
        "- un\n- dau", "1. un\n2) dau", "# nid pennawd", "> nid dyfyniad", "a_b_c *d* `e` [f](g) <h1> &amp; ~~i~~ |j|",
        "https://cyngor.example/a_b_(c)?d=1&e=*f* g_h", "===", "C:\\dir",
    ],
)  # fmt: skip
def test_a_text_is_shown_as_it_was_written(forum: Forum, text: str) -> None:
    account(forum.port).send(post(text))
    assert shown(forum.posts[0]["raw"]) == text


def test_links_stay_links(forum: Forum) -> None:
    account(forum.port).send(post("Gweler https://cyngor.example/a_b?c=1&d=2 heno"))
    assert "https://cyngor.example/a_b?c=1&d=2 " in forum.posts[0]["raw"]


def test_markdown_stays_markdown_where_it_is_some(forum: Forum) -> None:
    account(forum.port, markdown=True).send(post("**Croeso** i [bawb](https://a.example)"))
    assert forum.posts[0]["raw"] == "**Croeso** i [bawb](https://a.example)"


def test_an_answer_stands_in_its_topic_and_shows_no_mark(forum: Forum) -> None:
    """L3"""
    connector = account(forum.port)
    assert connector.send(post()) == Receipt("41/1")
    forum.say("A fydd lifft?", 41, "sian")
    assert connector.send(post("Bydd", in_reply_to="41/2")) == Receipt("41/3")
    assert forum.posts[2]["reply_to_post_number"] == 2 and shown(forum.posts[2]["raw"]) == "Bydd"
    connector.send(post("Diolch", in_reply_to="41/1"))
    assert "reply_to_post_number" not in forum.posts[3]


def test_a_post_without_words_is_refused_before_anything_is_sent(forum: Forum) -> None:
    with pytest.raises(Refused):
        account(forum.port).send(post(" \n"))
    assert forum.asked == []


def test_what_a_picture_shows_ends_no_markup(forum: Forum) -> None:
    """C5, U4"""
    (one,) = pictures(1, registry.provider("discourse").limits)
    odd = type(one)('a"\r\nb.png', one.type, "Y bont](x)\n![hen]", one.size, one.url, one.load)
    account(forum.port).send(post(media=(odd,)))
    assert "![Y bont\\](x) !\\[hen\\]](upload://0.png)" in forum.posts[0]["raw"]
    assert b'filename="a___b.png"' in forum.asked[0].body


# --- what an answer means
@pytest.mark.parametrize(
    "told, error, code",
    [
        ("not_permitted", AccountGone, "403"), ("too_short", Refused, "422"), ("title_taken", Refused, "422"),
        ("too_fast", Deferred, "429"), ("broken", Uncertain, "500"),
        (b"HTTP/1.1 200 x\r\nContent-Length: 2\r\n\r\n{}", Uncertain, ""),
        (b"HTTP/1.1 200 x\r\nContent-Length: 2\r\n\r\n[]", Uncertain, ""),
        (b"HTTP/1.1 200 x\r\nContent-Length: 3\r\n\r\nok!", Uncertain, "200"),
    ],
)  # fmt: skip
def test_an_answer_says_what_may_be_done_next(
    forum: Forum, told: str | bytes, error: type[ConnectorError], code: str
) -> None:
    lost = failure(forum, told, post())
    assert type(lost) is error and lost.code == code and forum.posts == []


def test_who_is_too_fast_waits_as_long_as_the_forum_says(forum: Forum) -> None:
    lost = failure(forum, "too_fast", post())
    assert isinstance(lost, Deferred) and (lost.scope, lost.retry_after_s) == ("account", 30)


def test_what_waits_for_a_moderator_was_taken(forum: Forum) -> None:
    forum.once[external_id(post())] = "enqueued"
    told = Receipt("pending/7", words="waits for a moderator of the forum")
    assert account(forum.port).send(post()) == told


def test_an_answer_that_may_not_stand_there_leaves_the_account_alone(forum: Forum) -> None:
    """A closed topic; with a key that is not known it is the account."""
    account(forum.port).send(post())
    lost = failure(forum, "not_permitted", post("Bydd", in_reply_to="41/1"))
    assert type(lost) is Refused
    with pytest.raises(AccountGone):
        account(forum.port, "revoked").send(post("Bydd", in_reply_to="41/1"))


@pytest.mark.parametrize(
    "told", ["take", "lose", "broken", b'HTTP/1.1 200 x\r\nContent-Length: 17\r\n\r\n{"short_url":"x"}']
)
def test_trouble_with_a_picture_is_never_uncertain(forum: Forum, told: str | bytes) -> None:
    forum.once["/uploads.json"] = told
    with pytest.raises(Deferred):
        account(forum.port).send(post(media=pictures(1, registry.provider("discourse").limits)))
    assert forum.posts == []


def test_a_key_of_another_member_is_refused(forum: Forum) -> None:
    account(forum.port).verify()
    for told in (Said(200, {"current_user": {"username": "arall"}}), Said(404, {}), Said(200, {})):
        forum.once["/session/current.json"] = told
        with pytest.raises(AccountGone, match="member"):
            account(forum.port).verify()


# --- did it go?
def test_a_topic_that_is_there_already_is_this_one(forum: Forum) -> None:
    connector = account(forum.port)
    receipt = connector.send(post())
    assert connector.send(post()) == receipt == find(connector, post()) and len(forum.posts) == 1


def test_an_answer_is_found_by_its_mark_and_by_nothing_else(forum: Forum) -> None:
    connector = account(forum.port)
    connector.send(post())
    answer = post("Bydd", in_reply_to="41/1")
    assert find(connector, answer) is None
    connector.send(answer)
    for n in range(45):
        forum.say(forum.posts[1]["raw"] if n % 2 else "arall", 41, "sian")
    assert find(connector, answer) == Receipt("41/2")
    assert find(connector, post("Bydd", key="dlv-other", in_reply_to="41/1")) is None
    assert find(connector, post("Bydd", in_reply_to="99/1")) is None


# --- what members say and like
def polled(forum: Forum, cursor: Mapping[str, Any] | None = None) -> tuple[list[Event], dict[str, Any]]:
    connector = account(forum.port)
    assert connector.poll is not None
    found = connector.poll(cursor)
    return list(found.events), json.loads(json.dumps(dict(found.cursor)))


def test_answers_and_mentions_are_told_and_others_talk_is_not(forum: Forum) -> None:
    """DC3"""
    account(forum.port).send(post())
    forum.say("o'r blaen", 41, "sian")
    _, cursor = polled(forum)
    forum.say("A fydd lifft?", 41, "sian")
    forum.say("Beth am @Cyngor?", 77, "nia")
    forum.say("cyngor@cyngor.example, @cyngor-arall", 77, "nia")
    forum.say("Ie", 77, "sian", reply_to_user={"username": "Cyngor"}, reply_to_post_number=2)
    forum.say("Bydd", 41, ME)
    forum.like("nia", forum.posts[0])
    events, cursor = polled(forum, cursor)
    told = [(each.kind, each.sender, each.references or each.provider_id) for each in events]
    assert told == [
        ("reply", "sian", ("41/1",)), ("mention", "nia", ("77/1",)), ("reply", "sian", ("77/1", "77/2")),
        ("like", "nia", "41/1"),
    ]  # fmt: skip
    assert events[0].text == "A fydd lifft?" and events[0].meta["message_id"] == "41/3"
    assert polled(forum, cursor)[0] == []


def test_likes_beyond_a_page_are_all_told_once(forum: Forum) -> None:
    account(forum.port).send(post())
    forum.like("first", forum.posts[0])
    _, cursor = polled(forum)
    for n in range(130):
        forum.like(f"member{n}", forum.posts[0])
    events, cursor = polled(forum, cursor)
    assert len({each.key for each in events}) == len(events) == 130 and polled(forum, cursor)[0] == []


def test_what_nobody_can_read_is_kept_and_costs_no_other(forum: Forum) -> None:
    """H9: it can be read again, as if it had been pushed."""
    account(forum.port).send(post())
    _, cursor = polled(forum)
    forum.say("da", 41, "sian", created_at="ddoe")
    forum.say("A fydd lifft?", 41, "sian")
    forum.likes.append({"created_at": None})
    connector = account(forum.port)
    assert connector.poll is not None and connector.read is not None
    found = connector.poll(cursor)
    assert [each.text for each in found.events] == ["A fydd lifft?"]
    assert [json.loads(words)["post"]["raw"] for words in found.parked] == ["da"]
    assert connector.read(found.parked[0].encode()) == Heard()
    answer = {**json.loads(found.parked[0])["post"], "reply_to_user": {"username": ME}}
    assert connector.read(json.dumps({"post": answer}).encode()).parked


def test_figures_of_a_topic_and_of_an_answer(forum: Forum) -> None:
    connector = account(forum.port)
    connector.send(post())
    connector.send(post("Bydd", in_reply_to="41/1"))
    forum.posts[1]["reply_count"] = 3
    assert connector.metrics is not None
    assert set(connector.metrics(["41/1", "41/2", "pending/7", "99/1"])) == {
        Reading("41/1", "views", 111), Reading("41/1", "replies", 1), Reading("41/1", "likes", 0),
        Reading("41/2", "likes", 0), Reading("41/2", "replies", 3),
    }  # fmt: skip


def call(told: Any, secret: str = NEW) -> Call:
    body = json.dumps(told, ensure_ascii=False).encode()
    signature = "sha256=" + hmac.new(secret.encode(), body, sha256).hexdigest()
    return Call("POST", {"x-discourse-event-signature": signature}, {}, body, AT)


def heard(told: Call) -> Heard:
    connector = account(1)
    assert connector.hooks is not None
    return connector.hooks(told)


def sample(name: str) -> Any:
    return json.loads((CONNECTORS / f"discourse/samples/{name}.json").read_text("utf-8"))["body"]


def test_the_golden_vector_of_a_ping_is_genuine() -> None:
    """H1: computed apart from our code, by `openssl dgst -sha256 -hmac`."""
    body = b'{"ping":"OK"}'
    right = {"x-discourse-event-signature": "sha256=" + GOLDEN}
    connector = registry.connect(
        "discourse", {"url": "https://f.example", "username": ME}, {"api_key": "k", "hook_secret": "secret"}
    )
    assert connector.hooks is not None
    assert connector.hooks(Call("POST", right, {}, body, AT)) == Heard()


def test_an_answer_and_a_like_are_heard_as_they_are_polled() -> None:
    """H4: whichever way they come, their keys are the same."""
    (reply,) = heard(call(sample("post_created"))).events
    assert (reply.kind, reply.key, reply.references) == ("reply", "post/90", ("41/1",))
    (like,) = heard(call(sample("post_liked"))).events
    assert (like.kind, like.key, like.provider_id) == ("like", "like/41/1/nia", "41/1")


def test_others_talk_and_our_own_is_nothing_to_hear() -> None:
    told = sample("post_created")["post"]
    plain = {name: value for name, value in told.items() if name != "reply_to_user"}
    for nothing in (plain, {**plain, "username": "CYNGOR", "raw": "@cyngor"}):
        assert heard(call({"post": nothing})) == Heard()
    assert heard(call({"post": {**plain, "raw": "Beth am @cyngor?"}})).events[0].kind == "mention"
    liked = sample("post_liked")["like"]
    assert heard(call({"like": {**liked, "post": {**liked["post"], "username": "nia"}}})) == Heard()


NAMES = ["id", "topic_id", "post_number", "username", "post_stream", "stream", "latest_posts", "user_id"]
NAMES += ["user_actions", "created_at", "current_user", "post", "like", "user", "topic_list"]


@given(shapes(NAMES))
def test_an_answer_of_any_shape_stops_nobody(told: Any) -> None:
    """The provider's answers are not trusted; H9."""
    found = heard(call(told))
    assert len(found.events) + len(found.parked) <= 1
    stops_nobody(
        account, told, ("poll", {"post": 0, "liked": []}), ("find", post(in_reply_to="41/1")), ("find", post()),
        ("metrics", ["41/1"]), ("verify",),
    )  # fmt: skip


@pytest.mark.parametrize("event", ["post_edited", "post_destroyed", "post_recovered", "topic_created"])
def test_what_only_changed_is_no_new_answer(event: str) -> None:
    told = call(sample("post_created"))
    assert heard(replace(told, headers={**told.headers, "x-discourse-event": event})) == Heard()
    new = replace(told, headers={**told.headers, "x-discourse-event": "post_created"})
    assert [each.kind for each in heard(new).events] == ["reply"]


def test_an_event_never_seen_is_kept_for_a_person() -> None:
    """H13"""
    told = call(sample("post_created"))
    unseen = heard(replace(told, headers={**told.headers, "x-discourse-event": "post_danced"}))
    assert unseen.events == () and "post_danced" in unseen.parked[0]
    read = account(1).read
    assert read is not None and read(unseen.parked[0].encode()) == unseen  # and no answer of a person's


def test_whom_the_forum_itself_likes_and_what_it_says_is_no_persons() -> None:
    told, liked = sample("post_created")["post"], sample("post_liked")["like"]
    assert [each.kind for each in heard(call({"post": {**told, "user_id": -1}})).events] == ["auto_reply"]
    assert heard(call({"like": {**liked, "user": {**liked["user"], "id": -1}}})) == Heard()


def test_more_than_one_poll_can_read_is_read_by_the_next(forum: Forum) -> None:
    """A busy forum after a long outage: what lies between comes later, and each once."""
    forum.page = 5
    account(forum.port).send(post())
    _, cursor = polled(forum)
    heard_of: list[str] = []
    for start, count in ((0, 250), (250, 4), (254, 120), *((374, 0),) * 3):
        for n in range(start, start + count):
            forum.say(f"ateb {n}", 41, "nia")
        events, cursor = polled(forum, cursor)
        heard_of += [each.text for each in events]
    assert sorted(heard_of) == sorted(f"ateb {n}" for n in range(374)) and cursor["unread"] == []


def test_an_answer_in_an_older_topic_of_ours_is_heard(forum: Forum) -> None:
    """Our topics come thirty to a page."""
    for n in range(TOPICS + 1):
        forum.say("Dewch", 100 + n, ME)
    _, cursor = polled(forum)
    forum.say("Diolch!", 100, "nia")
    events, _ = polled(forum, cursor)
    assert [(each.kind, each.references) for each in events] == [("reply", ("100/1",))]


def test_settings_that_make_no_sense_are_named() -> None:
    for wrong in ({"url": "forum.example"}, {"deadline_s": 0}, {"category": -1}):
        with pytest.raises(BadSettings) as told:
            account(1, **wrong)
        assert set(told.value.problems) == set(wrong)


# --- the contract of every connector
class FarForum(PostsSide, FarRobots, FarMedia, FarMetrics):
    """Discourse's side: it knows topics by their outside ids."""

    said = PostsSide.said | {Deferred: "too_fast", Refused: "too_short", AccountGone: "not_permitted"}
    kinds = ("reply", "mention", "like")
    many = 25
    figures = ("likes", "views", "replies")
    no_picture = ("/uploads.json", "take")

    def taken(self) -> list[tuple[str, Any]]:
        return [(shown(one["raw"]), one) for one in self.it.posts if "external_id" in one]

    def key(self, words: str, whole: Any) -> str:
        return next(key for key in self._keys.values() if external_id(post(key=key)) == whole["external_id"])

    def once_at(self, outbound: Outbound) -> str:
        return external_id(outbound)

    def happen(self, kind: str, n: int, who: str = "member", number: int = 5) -> None:
        if kind == "like":
            self.it.like(f"{who}{n}", {"topic_id": 77, "post_number": 1}, number)
        else:
            about = {"reply_to_user": {"username": ME}} if kind == "reply" else {}
            self.it.say(f"@{ME} {n}", 77, f"{who}{n}", user_id=number, **about)

    def robot(self, n: int) -> None:
        for kind in self.kinds:
            self.happen(kind, n, "discobot", -2)

    def media(self, key: str) -> list[tuple[bytes, str]]:
        found = re.findall(r"!\[(.*?)\]\((upload://[^)]*)\)", self.made(key)["raw"])
        return [(self.it.uploads[name], alt) for alt, name in found]

    def count(self, provider_id: str, figure: str, value: int) -> None:
        topic, told = int(provider_id.partition("/")[0]), self._counted(figure, value)
        first = {"post_number": 1, "actions_summary": [{"id": 2, "count": told["likes"]}]}
        counted = {"views": told["views"], "posts_count": told["replies"] + 1}
        self.it.once[f"/t/{topic}/1.json"] = Said(
            200, {"id": topic, "post_stream": {"posts": [first]}, **counted}
        )

    def _counted(self, figure: str, value: int) -> dict[str, int]:
        self._figures = {**getattr(self, "_figures", dict.fromkeys(self.figures, 0)), figure: value}
        return self._figures


class FarCalls(Called):
    """The forum's calls: each one event, and no time is signed."""

    signed_headers = ("x-discourse-event-signature",)
    timed = False
    batches = False


class TestContract(
    OutboundContract, RepeatContract, PollContract, RobotContract, MediaContract, MetricsContract
):
    """Discourse keeps the promises of every connector."""

    @pytest.fixture
    def far(self, forum: Forum) -> FarForum:
        forum.page = 10
        return FarForum(forum, account, post, KEY, NEW, OLD)


class TestHooks(HookContract, ReadContract):
    """Its calls to us, as every connector's."""

    @pytest.fixture
    def far(self) -> FarCalls:
        told = sample("post_created")
        bad = {"post": {**told["post"], "created_at": "ddoe"}}
        return FarCalls(lambda: account(1), lambda: call(told), lambda: call(bad), lambda: call(told, OLD))
