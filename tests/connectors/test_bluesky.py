"""Bluesky against a double of it: records that a repeat leaves as they are, links by their bytes, who spoke to us."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import registry
from connectors.api import (
    AccountGone,
    BadSettings,
    Connector,
    ConnectorError,
    Deferred,
    Event,
    Keyed,
    Outbound,
    Receipt,
    Refused,
    Renewed,
    Uncertain,
)
from connectors.bluesky.facets import facets
from connectors.bluesky.send import rkey
from connectors.testing import (
    PIXEL,
    FarMedia,
    FarMetrics,
    FarRobots,
    MediaContract,
    MetricsContract,
    OutboundContract,
    PollContract,
    RefreshContract,
    RepeatContract,
    RobotContract,
    pictures,
)

from .fake_bluesky import DID, HANDLE, HANDLES, PASSWORD, Bluesky, running, token
from .far import PostsSide, Renewing, failing, shapes, stops_nobody

SINCE = datetime(2026, 11, 2, 9, 0, 0, 123456, tzinfo=UTC)
OURS = f"at://{DID}/app.bsky.feed.post/3m4p5cyngor2a"
SIAN = HANDLES["sianrees.test"]
LISTED = "app.bsky.notification.listNotifications"


def account(port: int, access: str = token("first"), **values: Any) -> Connector:
    told = {"server": f"http://127.0.0.1:{port}", "handle": HANDLE, "deadline_s": 5, **values}
    secrets = {"app_password": PASSWORD, "access_token": access, "refresh_token": token("first-again")}
    return registry.connect("bluesky", told, {name: secret for name, secret in secrets.items() if secret})


def post(text: str, **values: Any) -> Outbound:
    return Outbound(key=f"dlv-{text}", text=text, **{"since": SINCE, **values})


@pytest.fixture
def bluesky() -> Iterator[Bluesky]:
    with running() as server:
        yield server


failure = partial(failing, account, post("Dewch draw"))


def posted(bluesky: Bluesky, text: str, **values: Any) -> dict[str, Any]:
    """The record that a text becomes."""
    return bluesky.records[account(bluesky.port).send(post(text, **values)).provider_id]


def test_a_post_is_one_record_under_a_name_of_its_own(bluesky: Bluesky) -> None:
    """DC2"""
    receipt = account(bluesky.port).send(post("Dewch draw", language="cy, en"))
    assert receipt == Receipt(f"at://{DID}/app.bsky.feed.post/{rkey('dlv-Dewch draw')}")
    assert bluesky.commits == [
        {
            "uri": receipt.provider_id,
            "$type": "app.bsky.feed.post",
            "text": "Dewch draw",
            "createdAt": "2026-11-02T09:00:00.123Z",
            "langs": ["cy", "en"],
        }
    ]


def test_a_repeat_changes_nothing_pictures_and_links_included(bluesky: Bluesky) -> None:
    """The same delivery is the same record, however often it is tried and whoever tries."""
    outbound = post("Gweler https://cyngor.example/a @sianrees.test #Môn")
    outbound = replace(outbound, media=pictures(2, account(1).limits))
    bluesky.records.clear()
    first = account(bluesky.port).send(outbound)
    bluesky.blobs.clear()  # the same picture has the same name however often it is given
    assert account(bluesky.port).send(outbound) == first and len(bluesky.commits) == 1


@given(st.text(), st.text())
def test_names_of_records_have_the_shape_of_a_tid_and_differ(one: str, other: str) -> None:
    assert re.fullmatch("[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}", rkey(one))
    assert (rkey(one) == rkey(other)) == (one == other)


def test_a_post_without_words_is_refused_before_anything_is_sent(bluesky: Bluesky) -> None:
    with pytest.raises(Refused):
        account(bluesky.port).send(post(" \n"))
    assert bluesky.asked == []


# --- what is more than words
def test_a_link_a_mention_and_a_hashtag_are_told_by_their_bytes(bluesky: Bluesky) -> None:
    """C3: Welsh and Arabic letters take two bytes, so places in signs would underline something else."""
    text = "Ŵyl (https://cyngor.example/ŵyl?a=1). تعال @sianrees.test، #عيد! @nobody.test #2026"
    told = posted(bluesky, text)["facets"]
    places = [text.encode()[one["index"]["byteStart"] : one["index"]["byteEnd"]].decode() for one in told]
    assert places == ["https://cyngor.example/ŵyl?a=1", "@sianrees.test", "#عيد"]
    assert [one["features"][0] for one in told] == [
        {"$type": "app.bsky.richtext.facet#link", "uri": "https://cyngor.example/ŵyl?a=1"},
        {"$type": "app.bsky.richtext.facet#mention", "did": SIAN},
        {"$type": "app.bsky.richtext.facet#tag", "tag": "عيد"},
    ]


@pytest.mark.parametrize(
    "text, found",
    [
        ("https://a.example/x_(y)!", ["https://a.example/x_(y)"]),
        ("(https://a.example/x)", ["https://a.example/x"]),
        ("«https://a.example/x»", ["https://a.example/x"]),
        ("post@cyngor.example a#b ##x #", []),
        ("https://a.example/#rhan @a", ["https://a.example/#rhan"]),
        ("(#Môn) #" + "a" * 65, ["#Môn"]),
    ],
)
def test_what_ends_a_sentence_is_no_part_of_a_link(text: str, found: list[str]) -> None:
    told = facets(text, lambda handle: None)
    assert [
        text.encode()[one["index"]["byteStart"] : one["index"]["byteEnd"]].decode() for one in told
    ] == found


@given(st.text(st.sampled_from("ab#@. ()[]/:https‑ŵع👩‍😀.…")))
def test_facets_are_whole_letters_in_their_order_and_never_overlap(text: str) -> None:
    raw, end = text.encode(), 0
    for one in facets(f"{text} https://{text}", lambda handle: SIAN):
        assert end <= one["index"]["byteStart"] < one["index"]["byteEnd"] <= len(raw) * 2 + 9
        end = one["index"]["byteEnd"]
        f"{text} https://{text}".encode()[one["index"]["byteStart"] : end].decode()


def test_pictures_go_with_what_they_show_and_their_shape(bluesky: Bluesky) -> None:
    """D10"""
    (picture,) = pictures(1, account(1).limits)
    record = posted(bluesky, "", media=[picture])
    (image,) = record["embed"]["images"]
    assert image["alt"] == picture.alt and image["aspectRatio"] == {"width": 1, "height": 1}
    assert bluesky.blobs == [(PIXEL + b"\x01", "image/jpeg")]


@pytest.mark.parametrize("told, error", [("take", Deferred), ("too_long", Refused), ("expired", AccountGone)])
def test_trouble_with_a_picture_is_never_uncertain(
    bluesky: Bluesky, told: str, error: type[ConnectorError]
) -> None:
    bluesky.once["com.atproto.repo.uploadBlob"] = told
    with pytest.raises(ConnectorError) as lost:
        posted(bluesky, "Dewch draw", media=pictures(1, account(1).limits))
    assert type(lost.value) is error and bluesky.commits == []


def test_an_answer_names_what_it_answers_and_what_that_began_with(bluesky: Bluesky) -> None:
    """L3, and every part of a thread after the second."""
    first = account(bluesky.port).send(post("Un")).provider_id
    second = account(bluesky.port).send(post("Dau", in_reply_to=first, options={"thread": first})).provider_id
    third = posted(bluesky, "Tri", in_reply_to=second, options={"thread": first})
    assert bluesky.records[second]["reply"]["root"] == {"uri": first, "cid": "cid-of-Un"}
    assert third["reply"] == {
        "root": {"uri": first, "cid": "cid-of-Un"},
        "parent": {"uri": second, "cid": "cid-of-Dau"},
    }
    assert "reply" not in posted(bluesky, "Helo", in_reply_to="<a@b>")


def test_what_is_answered_and_gone_is_refused(bluesky: Bluesky) -> None:
    with pytest.raises(Refused, match="not there any more"):
        account(bluesky.port).send(post("Diolch", in_reply_to=OURS))
    assert bluesky.commits == []


def test_what_was_answered_in_time_stays_answered(bluesky: Bluesky) -> None:
    """A repeat must not say that it failed, only because what it answered was deleted meanwhile."""
    connector = account(bluesky.port)
    asked = connector.send(post("Pryd?")).provider_id
    answer = post("Nos Fercher", in_reply_to=asked)
    first = connector.send(answer)
    del bluesky.records[asked]
    assert connector.send(answer) == first


# --- what an answer means
@pytest.mark.parametrize(
    "told, error, code",
    [
        ("unauthorized", AccountGone, "401"),
        ("expired", AccountGone, "400"),
        ("taken_down", AccountGone, "400"),
        ("too_long", Refused, "400"),
        ("rate_limited", Deferred, "429"),
        ("upstream", Uncertain, "502"),
        ("take", Uncertain, ""),
        (b"HTTP/1.1 400 x\r\nContent-Length: 2\r\n\r\nno", Refused, "400"),
        (b"HTTP/1.1 200 x\r\nContent-Length: 2\r\n\r\n{}", Uncertain, "200"),
        (b"HTTP/1.1 200 x\r\nContent-Length: 2\r\n\r\nno", Uncertain, "200"),
        (b'HTTP/1.1 200 x\r\nContent-Length: 18\r\n\r\n{"uri": "https:/"}', Uncertain, "200"),
    ],
)
def test_a_refusal_says_whom_it_is_about(
    bluesky: Bluesky, told: str | bytes, error: type[ConnectorError], code: str
) -> None:
    lost = failure(bluesky, told)
    assert type(lost) is error and lost.code == code


def test_used_up_points_slow_the_account_until_they_come_back(bluesky: Bluesky) -> None:
    lost = failure(bluesky, "rate_limited")
    assert isinstance(lost, Deferred) and (lost.scope, lost.retry_after_s) == ("account", 900)


def test_a_post_as_bluesky_documents_it_is_named(bluesky: Bluesky) -> None:
    bluesky.once["Dewch draw"] = "created"
    assert account(bluesky.port).send(post("Dewch draw")) == Receipt(OURS)


# --- the login
def test_a_login_is_renewed_by_its_own_token(bluesky: Bluesky) -> None:
    """J7"""
    assert renewed(account(bluesky.port)) == Renewed(
        {"access_token": token("access-1"), "refresh_token": token("again-1")}, life_s=7200.0
    )
    assert [one.path.rpartition(".")[2] for one in bluesky.asked] == ["refreshSession"]
    account(bluesky.port, access=token("access-1")).verify()


def test_without_a_login_or_with_an_old_one_the_password_gives_it(bluesky: Bluesky) -> None:
    bluesky.again = token("used")
    assert set(renewed(account(bluesky.port)).secrets) == {"access_token", "refresh_token"}
    with pytest.raises(AccountGone, match="no login yet"):
        account(bluesky.port, access="").verify()


def test_a_password_that_was_taken_back_is_told(bluesky: Bluesky) -> None:
    bluesky.again = token("used")
    bluesky.once["com.atproto.server.createSession"] = "wrong_password"
    with pytest.raises(AccountGone, match="Invalid identifier"):
        renewed(account(bluesky.port))


@pytest.mark.parametrize(
    "told, error", [("rate_limited", Deferred), ("upstream", Uncertain), ("lose", Uncertain)]
)
def test_a_login_that_cannot_be_had_now_does_not_end_the_account(
    bluesky: Bluesky, told: str, error: type[ConnectorError]
) -> None:
    bluesky.once["com.atproto.server.refreshSession"] = told
    with pytest.raises(error):
        renewed(account(bluesky.port))


@pytest.mark.parametrize("access", ["opaque", "a.b.c", "a.e30.c", "a.bnVsbA.c"])
def test_a_login_that_does_not_say_how_long_it_is_good_is_taken(bluesky: Bluesky, access: str) -> None:
    body = json.dumps({"accessJwt": access, "refreshJwt": "r"}).encode()
    bluesky.once[""] = b"HTTP/1.1 200 x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    assert renewed(account(bluesky.port)).life_s is None


def test_a_login_of_somebody_else_or_of_nobody_active_is_refused(bluesky: Bluesky) -> None:
    account(bluesky.port).verify()
    account(bluesky.port, handle=DID).verify()
    with pytest.raises(AccountGone, match="another account"):
        account(bluesky.port, handle="other.test").verify()
    body = json.dumps({"did": DID, "handle": HANDLE, "active": False, "status": "suspended"}).encode()
    bluesky.once[""] = b"HTTP/1.1 200 x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    with pytest.raises(AccountGone, match="suspended"):
        account(bluesky.port).verify()
    assert bluesky.commits == []


# --- who spoke to us
def polled(bluesky: Bluesky, cursor: Mapping[str, Any] | None = None) -> tuple[list[Event], dict[str, Any]]:
    connector = account(bluesky.port)
    assert connector.poll is not None
    told = connector.poll(cursor)
    return list(told.events), dict(told.cursor)


def test_what_came_is_told_in_our_words(bluesky: Bluesky) -> None:
    """DC3"""
    bluesky.once[LISTED] = "notifications"
    events, cursor = polled(bluesky)
    reply, mention, like, boost, quote = events
    assert [each.kind for each in events] == ["reply", "mention", "like", "boost", "mention"]
    assert reply.references == (OURS, OURS) and mention.references == ()
    assert like.references == boost.references == quote.references == (OURS,)
    assert (reply.text, reply.language, mention.text) == (
        "Byddaf yno!",
        "cy",
        "هل الاجتماع @cyngor.test مساء الاثنين؟",
    )
    assert (reply.sender, reply.sender_name, like.text) == ("sianrees.test", "Siân Rees", "")
    assert reply.at == datetime(2026, 11, 2, 9, 2, tzinfo=UTC)
    assert reply.meta == {"message_id": reply.key, "did": SIAN} and json.loads(reply.raw)["uri"] == reply.key
    assert cursor["at"] == "2026-11-02T09:07:00+00:00" and len(cursor["seen"]) == 5


def test_what_comes_late_with_an_older_time_is_not_passed_over(bluesky: Bluesky) -> None:
    """A phone whose clock is behind gives its likes a time before the newest one we know."""
    bluesky.notifications.append(note(1, "like", minutes=10))
    _, cursor = polled(bluesky)
    bluesky.notifications.append(note(2, "like", minutes=4))
    events, cursor = polled(bluesky, cursor)
    assert [each.at.minute for each in events] == [4]
    assert polled(bluesky, cursor)[0] == []


def test_only_what_we_have_words_for_is_told(bluesky: Bluesky) -> None:
    odd = [note(1, "follow"), {**note(2, "like"), "indexedAt": "soon"}, {**note(3, "like"), "uri": 5}]
    bluesky.notifications += [*odd, note(4, "like")]
    assert [each.key for each in polled(bluesky)[0]] == [note(4, "like")["uri"]]
    assert bluesky.asked[-1].query == {"limit": "100", "priority": "false"}


def test_what_one_poll_does_not_reach_the_next_goes_on_with(bluesky: Bluesky) -> None:
    """After days in which nobody asked; what comes meanwhile is told after it, and each once."""
    bluesky.page = 2
    bluesky.notifications.append(note(0, "like"))
    _, cursor = polled(bluesky)
    bluesky.notifications += [note(n, "reply", minutes=n) for n in range(1, 100)]
    first, cursor = polled(bluesky, cursor)
    assert len(first) == 60 and cursor["at"] == "2026-11-02T09:00:00+00:00"
    second, cursor = polled(bluesky, cursor)
    assert len(second) == 39 and "rest" not in cursor
    bluesky.notifications.append(note(100, "reply", minutes=100))
    third, cursor = polled(bluesky, cursor)
    assert [one.text for one in third] == ["reply 100"]
    assert {one.text for one in (*first, *second)} == {f"reply {n}" for n in range(1, 100)}


def test_followers_without_end_are_not_read_beyond_what_is_known(bluesky: Bluesky) -> None:
    bluesky.page = 5
    bluesky.notifications.append(note(1, "like", minutes=-90))
    _, cursor = polled(bluesky)
    bluesky.notifications += [note(n, "follow", minutes=-n) for n in range(60)]
    _, cursor = polled(bluesky, cursor)
    bluesky.asked.clear()
    assert polled(bluesky, cursor)[0] == [] and len(bluesky.asked) == 3


@pytest.mark.parametrize(
    "told, error",
    [("rate_limited", Deferred), ("upstream", Deferred), ("lose", Deferred), ("unauthorized", AccountGone)]
    + [("expired", AccountGone), (b"HTTP/1.1 200 x\r\n\r\nno", Deferred)],
)
def test_a_poll_that_fails_says_whether_to_come_again(
    bluesky: Bluesky, told: str | bytes, error: type[ConnectorError]
) -> None:
    bluesky.once[LISTED] = told
    with pytest.raises(ConnectorError) as lost:
        polled(bluesky)
    assert type(lost.value) is error


NAMES = [
    "notifications",
    "uri",
    "reason",
    "author",
    "did",
    "handle",
    "record",
    "reply",
    "parent",
    "text",
    "langs",
]
NAMES += ["indexedAt", "reasonSubject", "posts", "likeCount", "cursor", "error", "active"]
VALUES = ["like", "reply", OURS, "2026-11-02T09:02:00Z", "2026-11-02"]


@given(shapes(NAMES, *VALUES))
def test_an_answer_of_any_shape_stops_nobody(body: Any) -> None:
    """The server's answers are not trusted."""
    answer = post("Diolch", in_reply_to=OURS)
    stops_nobody(
        account, body, ("poll", None), ("metrics", [OURS]), ("send", answer), ("refresh",), ("verify",)
    )


@pytest.mark.parametrize(
    "label", [{"src": "did:plc:somebody22222222222222"}, {"val": "!no-unauthenticated"}, {"neg": True}]
)
def test_only_who_says_so_of_itself_is_automated(bluesky: Bluesky, label: dict[str, Any]) -> None:
    """What others call an account, or what it took back, makes no machine of it."""
    told = note(1, "like")
    told["author"] = {**told["author"], "labels": [{"src": SIAN, "val": "bot", **label}]}
    bluesky.notifications.append(told)
    assert [one.kind for one in polled(bluesky)[0]] == ["like"]


@pytest.mark.parametrize(
    ("named", "langs"),
    [("cy", ["cy"]), ("en-GB", ["en"]), ("zh-Hant", ["zh"]), ("cy, ar en", ["cy", "ar", "en"]), ("x-y", [])],
)
def test_a_language_is_told_without_its_region(bluesky: Bluesky, named: str, langs: list[str]) -> None:
    assert posted(bluesky, "Dewch", language=named)["langs"] == langs


def test_settings_that_make_no_sense_are_named() -> None:
    """U1, U6"""
    wrong: dict[str, Any] = {"server": "http://bsky.social", "handle": "@cyngor.test", "deadline_s": 0}
    for name, value in wrong.items():
        with pytest.raises(BadSettings) as caught:
            account(1, **{name: value})
        assert set(caught.value.problems) == {name}


def test_the_connector_says_what_it_is() -> None:
    connector = account(1)
    assert (connector.channel, connector.broadcast) == ("bluesky", True)
    assert (connector.limits.text_max, connector.limits.counting) == (300, "bluesky")
    assert isinstance(connector.repeats, Keyed) and connector.find is None
    (server,) = [one for one in registry.provider("bluesky").settings if one.name == "server"]
    assert server.default == "https://bsky.social" and server.where


# --- the contract of every connector
class FarBluesky(PostsSide, FarRobots, FarMedia, FarMetrics):
    """Bluesky's side: what was committed, by the key that its name was made of."""

    said = PostsSide.said | {Refused: "too_long", AccountGone: "taken_down"}
    kinds = ("reply", "mention", "like", "boost")
    theirs = {"likes": "likeCount", "boosts": "repostCount", "replies": "replyCount"}
    figures = tuple(theirs)
    many = 160  # more than one poll asks for, at five a page
    no_picture = ("com.atproto.repo.uploadBlob", "take")

    def taken(self) -> list[tuple[str, Any]]:
        return [(str(one["text"]), one) for one in self.it.commits]

    def key(self, words: str, whole: Any) -> str:
        return next(each for each in self._keys.values() if whole["uri"].endswith(rkey(each)))

    def happen(self, kind: str, n: int) -> None:
        self.it.notifications.append(note(n, {"boost": "repost"}.get(kind, kind)))

    def robot(self, n: int) -> None:
        label = {"src": SIAN, "uri": f"at://{SIAN}/app.bsky.actor.profile/self", "val": "bot"}
        for place, reason in enumerate(("reply", "mention", "quote", "like", "repost"), start=20):
            told = note(place, reason)
            self.it.notifications.append({**told, "author": {**told["author"], "labels": [label]}})

    def media(self, key: str) -> list[tuple[bytes, str]]:
        images = self.made(key)["embed"]["images"]
        numbers = [int(one["image"]["ref"]["$link"].removeprefix("blob-")) for one in images]
        return [
            (self.it.blobs[number - 1][0], one["alt"]) for number, one in zip(numbers, images, strict=True)
        ]


class TestContract(
    OutboundContract, RepeatContract, PollContract, RobotContract, MediaContract, MetricsContract
):
    """Bluesky keeps the promises of every connector."""

    @pytest.fixture
    def far(self, bluesky: Bluesky) -> FarBluesky:
        bluesky.page = 5
        return FarBluesky(bluesky, account, post, PASSWORD, token("first"), token("first-again"))


class TestLogins(RefreshContract):
    """A login renews itself; the app password gives one where it cannot."""

    @pytest.fixture
    def far(self, bluesky: Bluesky) -> Renewing:
        told = {
            "app_password": PASSWORD,
            "access_token": token("first"),
            "refresh_token": token("first-again"),
        }
        server = "com.atproto.server"
        refused = {f"{server}.refreshSession": "expired", f"{server}.createSession": "wrong_password"}
        return Renewing(bluesky, _with, told, f"{server}.refreshSession", refused)


def _with(port: int, secrets: Mapping[str, str]) -> Connector:
    settings = {"server": f"http://127.0.0.1:{port}", "handle": HANDLE, "deadline_s": 5}
    return registry.connect("bluesky", settings, secrets)


def note(n: int, reason: str, minutes: int = 0) -> dict[str, Any]:
    """The n-th notification."""
    at = datetime(2026, 11, 2, 9, 0, tzinfo=UTC) + timedelta(minutes=minutes, seconds=n)
    record: dict[str, Any] = {"text": f"{reason} {n}", "createdAt": at.isoformat()}
    told = {"uri": f"at://{SIAN}/app.bsky.feed.{reason}/3m4p5{n:08}", "reason": reason, "record": record}
    told["author"] = {"did": SIAN, "handle": "sianrees.test"}
    return {**told, "indexedAt": at.isoformat(timespec="milliseconds").replace("+00:00", "Z")}


def renewed(connector: Connector) -> Renewed:
    assert connector.refresh is not None
    return connector.refresh()
