"""Servers of Mastodon's kind against a double of one: posts, pictures, keys that are kept or not, who spoke to us."""

from __future__ import annotations

import json
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
    Findable,
    Keyed,
    Outbound,
    Reading,
    Receipt,
    Refused,
    Uncertain,
    app_of,
)
from connectors.mastodon import media
from connectors.mastodon.send import same
from connectors.testing import (
    FarMedia,
    FarMetrics,
    FarRobots,
    MediaContract,
    MetricsContract,
    OutboundContract,
    PollContract,
    RepeatContract,
    RobotContract,
    pictures,
)

from .fake_mastodon import FIRST, ME, TOKEN, Mastodon, running
from .far import PostsSide, Said, failing, shapes, stops_nobody

SINCE = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
OURS = str(FIRST + 1)
OWN = f"/api/v1/accounts/{ME}/statuses"


def account(port: int, token: str = TOKEN, **values: Any) -> Connector:
    told = {"server": f"http://127.0.0.1:{port}", "deadline_s": 5, **values}
    return registry.connect("mastodon", told, {"access_token": token})


def post(text: str, **values: Any) -> Outbound:
    return Outbound(key=f"dlv-{text}".encode().hex()[:40], text=text, **{"since": SINCE, **values})


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "PAUSE_S", 0.0)


@pytest.fixture
def mastodon() -> Iterator[Mastodon]:
    with running() as server:
        yield server


failure = partial(failing, account, post("Dewch draw"))


def test_a_post_says_who_sees_it_in_which_language_and_what_it_answers(mastodon: Mastodon) -> None:
    """DC2"""
    connector = account(mastodon.port, visibility="unlisted")
    receipt = connector.send(post("Dewch draw", language="cy", in_reply_to="77"))
    assert receipt == Receipt(OURS)
    (made,) = mastodon.posts
    assert (made["visibility"], made["language"], made["in_reply_to_id"]) == ("unlisted", "cy", "77")


def test_two_languages_in_one_post_are_told_as_none(mastodon: Mastodon) -> None:
    account(mastodon.port).send(post("Dewch draw / Come along", language="cy, en", in_reply_to="<a@b>"))
    assert "language" not in mastodon.posts[0] and "in_reply_to_id" not in mastodon.posts[0]


@pytest.mark.parametrize(
    "above, ours, becomes",
    [("public", "public", "public"), ("direct", "public", "direct"), ("unlisted", "private", "private")]
    + [("private", "unlisted", "private"), (None, "unlisted", "unlisted"), ("odd", "public", "public")],
)
def test_an_answer_is_seen_by_no_more_people_than_what_it_answers(
    mastodon: Mastodon, above: str | None, ours: str, becomes: str
) -> None:
    """What somebody wrote to us alone is never answered before everybody."""
    asked = mastodon.take("Pryd?", visibility=above, account={"id": "22", "acct": "sian@other.example"})["id"]
    account(mastodon.port, visibility=ours).send(post("Nos Fercher", in_reply_to=asked))
    assert mastodon.posts[-1]["visibility"] == becomes


def test_whoever_is_answered_is_named_for_else_nobody_tells_them(mastodon: Mastodon) -> None:
    asked = mastodon.take("Pryd?", account={"id": "22", "acct": "sian@other.example"})["id"]
    connector = account(mastodon.port, keeps_keys=False)
    for words in ("Nos Fercher", "@sian@other.example Nos Iau"):
        receipt = connector.send(post(words, in_reply_to=asked))
        assert found(connector, post(words, in_reply_to=asked)) == receipt
    connector.send(post("Am saith", in_reply_to=OURS, options={"thread": OURS}))
    named = [one["given"] for one in mastodon.posts[1:]]
    assert named == ["@sian@other.example Nos Fercher", "@sian@other.example Nos Iau", "Am saith"]


def test_where_what_is_answered_is_gone_the_server_decides(mastodon: Mastodon) -> None:
    """It may know the post by its key, from a try before that."""
    account(mastodon.port).send(post("Nos Fercher", in_reply_to="404"))
    assert mastodon.posts[-1]["in_reply_to_id"] == "404"


def test_a_post_without_words_is_refused_before_anything_is_sent(mastodon: Mastodon) -> None:
    with pytest.raises(Refused):
        account(mastodon.port).send(post(" \n"))
    assert mastodon.asked == []


def test_a_picture_needs_no_words(mastodon: Mastodon) -> None:
    """D10: what it shows goes along in words."""
    connector = account(mastodon.port)
    connector.send(post("", media=pictures(1, connector.limits)))
    assert mastodon.posts[0]["media_ids"] == ["1"]
    assert mastodon.media["1"]["description"].decode() == "Pont Llanfair, llun 1 – الجسر"


def test_a_picture_is_waited_for_until_the_server_is_done_with_it(mastodon: Mastodon, no_pause: None) -> None:
    mastodon.busy = 3
    connector = account(mastodon.port)
    connector.send(post("Dewch draw", media=pictures(1, connector.limits)))
    assert [one.path for one in mastodon.asked].count("/api/v1/media/1") == 3 and len(mastodon.posts) == 1


def test_a_picture_that_is_never_done_waits_for_later(mastodon: Mastodon, no_pause: None) -> None:
    mastodon.busy = 1000
    connector = account(mastodon.port)
    with pytest.raises(Deferred) as lost:
        connector.send(post("Dewch draw", media=pictures(1, connector.limits)))
    assert lost.value.retry_after_s == 60 and mastodon.posts == []


@pytest.mark.parametrize(
    "told, error", [("take", Deferred), ("invalid", Refused), ("unauthorized", AccountGone)]
)
def test_trouble_with_a_picture_is_never_uncertain(
    mastodon: Mastodon, told: str, error: type[ConnectorError]
) -> None:
    mastodon.once["/api/v2/media"] = told
    connector = account(mastodon.port)
    with pytest.raises(ConnectorError) as lost:
        connector.send(post("Dewch draw", media=pictures(1, connector.limits)))
    assert type(lost.value) is error and mastodon.posts == []


# --- what an answer means
@pytest.mark.parametrize(
    "told, error, code",
    [
        ("unauthorized", AccountGone, "401"),
        ("forbidden", AccountGone, "403"),
        ("invalid", Refused, "422"),
        ("not_found", Refused, "404"),
        ("rate_limited", Deferred, "429"),
        ("unavailable", Uncertain, "503"),
    ],
)
def test_a_refusal_says_whom_it_is_about(
    mastodon: Mastodon, told: str, error: type[ConnectorError], code: str
) -> None:
    lost = failure(mastodon, told)
    assert type(lost) is error and lost.code == code
    assert mastodon.posts == []


def test_a_full_window_slows_the_account_until_it_opens_again(mastodon: Mastodon) -> None:
    lost = failure(mastodon, "rate_limited")
    assert isinstance(lost, Deferred) and (lost.scope, lost.retry_after_s) == ("account", 300)


def test_that_a_window_is_used_up_is_told_beside_the_yes(mastodon: Mastodon) -> None:
    body = b'{"id": "5"}'
    mastodon.once["Dewch draw"] = (
        b"HTTP/1.1 200 x\r\nContent-Length: %d\r\nDate: Mon, 02 Nov 2026 09:00:00 GMT\r\n"
        b"x-ratelimit-remaining: 0\r\nx-ratelimit-reset: 2026-11-02T09:02:00.1Z\r\n\r\n%s" % (len(body), body)
    )
    assert account(mastodon.port).send(post("Dewch draw")).wait_s == pytest.approx(120.1)


@pytest.mark.parametrize("body", [b"{}", b"[]", b"ok!", b'{"id": 5}', b'{"id": "../admin"}'])
def test_a_yes_that_nobody_understands_is_uncertain(mastodon: Mastodon, body: bytes) -> None:
    lost = failure(mastodon, b"HTTP/1.1 200 x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    assert type(lost) is Uncertain


def test_a_post_as_mastodon_documents_it_is_named(mastodon: Mastodon) -> None:
    mastodon.once["Dewch draw"] = "created"
    assert account(mastodon.port).send(post("Dewch draw")) == Receipt("115200000000000001")


# --- what the server says of itself
def test_a_server_as_the_settings_say_is_accepted(mastodon: Mastodon) -> None:
    account(mastodon.port).verify()
    mastodon.instance = "instance_v1"
    account(mastodon.port, keeps_keys=False, text_max=5000).verify()
    assert mastodon.posts == []


@pytest.mark.parametrize(
    ("words", "above", "error"),
    [
        ("Forbidden", "5", Refused),
        ("Forbidden", "", AccountGone),
        ("This action is outside the authorized scopes", "5", AccountGone),
    ],
)
def test_a_conversation_that_is_closed_to_us_stops_no_account(
    mastodon: Mastodon, words: str, above: str, error: type[ConnectorError]
) -> None:
    """Who wrote the post above may let nobody answer; all others are posted to as before."""
    mastodon.once["Diolch"] = Said(403, {"error": words})
    with pytest.raises(ConnectorError) as lost:
        account(mastodon.port).send(post("Diolch", in_reply_to=above))
    assert type(lost.value) is error


def test_an_answer_that_is_refused_to_an_account_that_is_gone_stops_it(mastodon: Mastodon) -> None:
    mastodon.once["Diolch"] = Said(403, {"error": "Forbidden"})
    mastodon.once["/api/v1/accounts/verify_credentials"] = "forbidden"
    with pytest.raises(AccountGone):
        account(mastodon.port).send(post("Diolch", in_reply_to="5"))


def test_a_server_that_takes_less_than_was_said_is_told(mastodon: Mastodon) -> None:
    with pytest.raises(AccountGone, match="at most 500"):
        account(mastodon.port, text_max=501).verify()
    mastodon.instance = "instance_v1"
    with pytest.raises(AccountGone, match="at most 5000"):
        account(mastodon.port, text_max=5001, keeps_keys=False).verify()


def test_a_server_that_is_not_mastodon_is_not_trusted_with_keys(mastodon: Mastodon) -> None:
    mastodon.instance = "instance_v1"
    with pytest.raises(AccountGone, match="keeps_keys"):
        account(mastodon.port).verify()


@pytest.mark.parametrize(
    "version, trusted",
    [("4.5.2", True), ("4.4.0-rc.1+glitch", True), ("3.5.19", True)]
    + [
        ("2.7.2 (compatible; Pixelfed 0.12.4)", False),
        ("0.17.3+git-ab12cd", False),
        ("", False),
        (None, False),
    ],
)
def test_mastodon_is_known_by_its_version(mastodon: Mastodon, version: Any, trusted: bool) -> None:
    body = json.dumps({"version": version}).encode()
    mastodon.once["/api/v2/instance"] = b"HTTP/1.1 200 x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    if trusted:
        account(mastodon.port).verify()
        return
    with pytest.raises(AccountGone):
        account(mastodon.port).verify()


def test_a_token_that_was_taken_back_is_refused(mastodon: Mastodon) -> None:
    with pytest.raises(AccountGone):
        account(mastodon.port, "revoked").verify()


def test_settings_that_make_no_sense_are_named() -> None:
    """U1, U6"""
    wrong: dict[str, Any] = {
        "server": "http://toot.wales",
        "visibility": "direct",
        "text_max": 0,
        "deadline_s": 0,
    }
    for names in (("server", "deadline_s"), ("visibility", "text_max")):
        with pytest.raises(BadSettings) as caught:
            account(1, **{name: wrong[name] for name in names})
        assert set(caught.value.problems) == set(names)


def test_the_connector_says_what_it_is() -> None:
    connector = account(1, text_max=5000)
    assert (connector.channel, connector.broadcast) == ("mastodon", True)
    assert (connector.limits.text_max, connector.limits.counting) == (5000, "mastodon")
    assert connector.repeats == Keyed(3600.0) and connector.find is None
    assert account(1, keeps_keys=False).repeats == Findable(10.0, exact=False)


# --- did it go?
@pytest.mark.parametrize(
    "text",
    [
        "Te & bara brith <3 https://cyngor.example/cyfarfod?a=1&b=2",
        "Dau  air\n\nlinell\nac un arall",
        "e\u0301 + \u0175 @sianrees@toot.wales",
        "سلام 👩‍👩‍👧",
    ],
)
def test_what_a_server_shows_in_another_way_is_found(mastodon: Mastodon, text: str) -> None:
    connector = account(mastodon.port, keeps_keys=False)
    receipt = connector.send(post(text))
    connector.send(post("rhywbeth arall"))
    assert found(connector, post(text)) == receipt


def test_the_whole_list_back_to_the_intent_is_searched_and_no_further(mastodon: Mastodon) -> None:
    mastodon.page = 5
    connector = account(mastodon.port, keeps_keys=False)
    receipt = connector.send(post("y cyntaf"))
    for n in range(12):
        mastodon.take(f"arall {n}")
    assert found(connector, post("y cyntaf")) == receipt
    assert found(connector, post("y cyntaf", since=SINCE + timedelta(days=7))) is None


@given(st.text())
def test_a_text_is_the_same_as_itself_however_it_is_spaced(text: str) -> None:
    assert same(text) == same(text.replace(" ", "  "))


# --- who spoke to us
def polled(mastodon: Mastodon, cursor: Mapping[str, Any] | None = None) -> tuple[list[Event], dict[str, Any]]:
    connector = account(mastodon.port)
    assert connector.poll is not None
    told = connector.poll(cursor)
    return list(told.events), dict(told.cursor)


def test_what_came_is_told_in_our_words(mastodon: Mastodon) -> None:
    """DC3"""
    mastodon.once["/api/v1/notifications"] = "notifications"
    events, cursor = polled(mastodon)
    reply, mention, like, boost = events
    assert [each.kind for each in events] == ["reply", "mention", "like", "boost"]
    assert reply.references == like.references == boost.references == (OURS,) and mention.references == ()
    assert reply.text == "@cyngormon Byddaf yno!\n\nTe & bara brith\ni bawb"
    assert mention.text == "هل الاجتماع @cyngormon مساء الاثنين؟" and (like.text, boost.text) == ("", "")
    assert (reply.sender, reply.sender_name, reply.language) == ("sianrees@toot.wales", "Siân Rees", "cy")
    assert mention.sender == "layla@mastodon.example"
    assert reply.at == datetime(2026, 11, 2, 9, 2, tzinfo=UTC)
    assert reply.meta["message_id"] == "115200000000000012" and json.loads(reply.raw)["id"] == reply.key
    assert cursor == {"min_id": "504", "login": app_of(TOKEN), "me": ME, "domain": "toot.wales"}


def test_who_we_are_is_asked_once(mastodon: Mastodon) -> None:
    _, cursor = polled(mastodon)
    mastodon.asked.clear()
    polled(mastodon, cursor)
    assert [one.path for one in mastodon.asked] == ["/api/v1/notifications"]


def test_another_login_is_asked_anew_who_it_is_and_read_on_from_the_same_place(mastodon: Mastodon) -> None:
    """Answers to the account of before would be told as mentions."""
    mastodon.notifications.append(note("reply", 1))
    known = {"min_id": "0", "login": app_of("another"), "me": "999", "domain": "elsewhere.example"}
    (event,), cursor = polled(mastodon, known)
    assert event.kind == "reply" and (cursor["me"], cursor["domain"]) == (ME, "toot.wales")


def test_what_the_server_set_aside_is_asked_for_as_well(mastodon: Mastodon) -> None:
    """Somebody new writes: the server's notification policy may hold them back, and nobody looks there."""
    polled(mastodon)
    assert mastodon.asked[-1].query["include_filtered"] == "true"


def test_who_quotes_a_post_speaks_of_it(mastodon: Mastodon) -> None:
    told = note("quote", 1)
    told["status"]["quote"] = {"state": "accepted", "quoted_status": {"id": OURS}}
    mastodon.notifications.append(told)
    (event,), _ = polled(mastodon)
    assert (event.kind, event.references, event.text) == ("mention", (OURS,), "quote 1")


def test_only_what_we_have_words_for_is_told(mastodon: Mastodon) -> None:
    told = {"id": "9", "type": "follow", "account": {"acct": "a"}, "created_at": "2026-11-02T09:02:00Z"}
    mastodon.notifications += [told, {**told, "id": "10", "type": "mention", "status": None}, {"id": 11}]
    assert polled(mastodon)[0] == []


@pytest.mark.parametrize(
    "told, error",
    [("rate_limited", Deferred), ("unavailable", Deferred), ("lose", Deferred), ("unauthorized", AccountGone)]
    + [(b"HTTP/1.1 200 x\r\n\r\nno", Deferred)],
)
def test_a_poll_that_fails_says_whether_to_come_again(
    mastodon: Mastodon, told: str | bytes, error: type[ConnectorError]
) -> None:
    mastodon.once["/api/v1/notifications"] = told
    with pytest.raises(ConnectorError) as lost:
        polled(mastodon)
    assert type(lost.value) is error


NAMES = ["id", "type", "status", "account", "acct", "content", "created_at", "in_reply_to_id", "domain"]
NAMES += ["configuration", "statuses", "max_characters", "favourites_count", "version", "visibility"]


@given(shapes(NAMES, "mention", "5"))
def test_an_answer_of_any_shape_stops_nobody(body: Any) -> None:
    """The server's answers are not trusted."""
    cursor = {"me": ME, "domain": "toot.wales", "min_id": "0"}
    stops_nobody(
        partial(account, keeps_keys=False), body, ("poll", cursor), ("find", post("x")), ("metrics", ["5"]),
        ("send", post("Diolch", in_reply_to="5")), ("verify",),
    )  # fmt: skip


def test_figures_are_told_only_where_they_are_numbers(mastodon: Mastodon) -> None:
    connector = account(mastodon.port)
    name = connector.send(post("Dewch draw")).provider_id
    mastodon.posts[0] |= {"favourites_count": 3, "reblogs_count": None, "replies_count": True}
    assert connector.metrics is not None
    assert connector.metrics([name, "../admin"]) == [Reading(name, "likes", 3)]


# --- the contract of every connector
class FarMastodon(PostsSide, FarRobots, FarMedia, FarMetrics):
    """The server's side: it knows posts by their words only, or by their keys too."""

    said = PostsSide.said | {Refused: "invalid"}
    kinds = ("reply", "mention", "like", "boost")
    theirs = {"likes": "favourites_count", "boosts": "reblogs_count", "replies": "replies_count"}
    figures = tuple(theirs)
    many = 12
    no_picture = ("/api/v2/media", "take")

    def taken(self) -> list[tuple[str, Any]]:
        return [(str(one["given"]), one) for one in self.it.posts]

    def happen(self, kind: str, n: int) -> None:
        self.it.notifications.append(note(kind, len(self.it.notifications) + 1))

    def robot(self, n: int) -> None:
        for kind in (*self.kinds, "quote"):
            told = note(kind, len(self.it.notifications) + 1)
            self.it.notifications.append({**told, "account": {"acct": "newyddion", "bot": True}})

    def media(self, key: str) -> list[tuple[bytes, str]]:
        parts = [self.it.media[name] for name in self.made(key)["media_ids"]]
        return [(part["file"], part["description"].decode()) for part in parts]

    def count(self, provider_id: str, figure: str, value: int) -> None:
        made = next(one for one in self.it.posts if one["id"] == provider_id)
        made[self.theirs[figure]] = value


def far_mastodon(mastodon: Mastodon, keeps_keys: bool) -> FarMastodon:
    """The side of a server that keeps keys, or of one that does not."""
    mastodon.page, mastodon.keeps_keys = 5, keeps_keys
    return FarMastodon(mastodon, partial(account, keeps_keys=keeps_keys), post, TOKEN)


def note(kind: str, n: int) -> dict[str, Any]:
    """The n-th notification."""
    types = {"reply": "mention", "like": "favourite", "boost": "reblog"}
    status: dict[str, Any] = {"id": str(FIRST + 100 + n), "content": f"<p>{kind} {n}</p>"}
    if kind == "reply":
        status |= {"in_reply_to_id": OURS, "in_reply_to_account_id": ME}
    who = {"acct": "sianrees"}
    told = {"id": str(n), "type": types.get(kind, kind), "status": status, "account": who}
    return {**told, "created_at": "2026-11-02T09:10:00.000Z"}


class TestContract(
    OutboundContract, RepeatContract, PollContract, RobotContract, MediaContract, MetricsContract
):
    """Mastodon itself, which keeps keys."""

    @pytest.fixture
    def far(self, mastodon: Mastodon) -> FarMastodon:
        return far_mastodon(mastodon, keeps_keys=True)


class TestContractWithoutKeys(OutboundContract, RepeatContract):
    """A server that takes no notice of keys."""

    @pytest.fixture
    def far(self, mastodon: Mastodon) -> FarMastodon:
        return far_mastodon(mastodon, keeps_keys=False)


def test_the_same_post_twice_is_posted_twice_where_no_keys_are_kept(mastodon: Mastodon) -> None:
    """Which is why such an account is looked through first."""
    mastodon.keeps_keys = False
    connector = account(mastodon.port, keeps_keys=False)
    first = connector.send(post("Dewch draw"))
    assert connector.send(replace(post("Dewch draw"))).provider_id != first.provider_id


def found(connector: Connector, outbound: Outbound) -> Receipt | None:
    assert connector.find is not None
    return connector.find(outbound)
