"""X against a double of it: what each answer means, what can be found again, who mentioned us."""

from __future__ import annotations

import json
import time
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
    Outbound,
    Receipt,
    Refused,
    Uncertain,
)
from connectors.testing import (
    FarEvents,
    FarMedia,
    FarMetrics,
    MediaContract,
    MetricsContract,
    OutboundContract,
    PollContract,
    RepeatContract,
    pictures,
)
from connectors.x import LIMITS
from connectors.x.metrics import FIGURES
from connectors.x.pictures import PIECE
from connectors.x.send import same

from .fake_x import FIRST, USER_ID, X, running
from .far import PostsSide, failing, shapes, stops_nobody
from .relay import bare, closed_port

SECRETS = {
    "consumer_key": "key-of-the-app",
    "consumer_secret": "secret-of-the-app",
    "access_token": "token-of-11",
    "access_token_secret": "secret-of-the-token",
}
SINCE = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
OURS = "1985000000000000001"


def account(port: int, secrets: Mapping[str, str] = SECRETS, **values: Any) -> Connector:
    told = {"user_id": USER_ID, "base_url": f"http://127.0.0.1:{port}", "deadline_s": 5, **values}
    return registry.connect("x", told, secrets)


def post(text: str, **values: Any) -> Outbound:
    return Outbound(key=f"dlv-{text}", text=text, **{"since": SINCE, **values})


@pytest.fixture
def x() -> Iterator[X]:
    with running() as running_x:
        yield running_x


failure = partial(failing, account, post("Dewch draw"))


def test_a_post_is_made_once_and_named(x: X) -> None:
    """DC2"""
    receipt = account(x.port).send(post("Dewch draw"))
    assert receipt == Receipt(OURS)
    assert [one["given"] for one in x.posts] == ["Dewch draw"]


def test_an_answer_names_the_post_it_answers(x: X) -> None:
    """L3"""
    account(x.port).send(post("Diolch!", in_reply_to="77"))
    account(x.port).send(post("Helo", in_reply_to="<abc@mail.example>"))
    assert [one.get("reply") for one in x.posts] == [{"in_reply_to_tweet_id": "77"}, None]


def test_a_post_without_words_is_refused_before_anything_is_sent(x: X) -> None:
    with pytest.raises(Refused):
        account(x.port).send(post(" \n"))
    assert x.asked == []


# --- what an answer means
@pytest.mark.parametrize(
    "told, error, code",
    [
        ("unauthorized", AccountGone, "401"),
        ("no_credits", AccountGone, "402"),
        ("read_only", AccountGone, "403"),
        ("not_permitted", Refused, "403"),
        ("bad_request", Refused, "400"),
        ("rate_limited", Deferred, "429"),
        ("unavailable", Uncertain, "503"),
    ],
)
def test_a_refusal_says_whom_it_is_about(x: X, told: str, error: type[ConnectorError], code: str) -> None:
    lost = failure(x, told)
    assert type(lost) is error and lost.code == code
    assert x.posts == []


def test_a_full_window_slows_the_account_until_x_opens_it_again(x: X) -> None:
    lost = failure(x, "rate_limited")
    assert isinstance(lost, Deferred) and lost.scope == "account"
    assert lost.retry_after_s == 900  # the reset, by the clock in X's own Date header


def test_that_a_window_is_used_up_is_told_beside_the_yes(x: X) -> None:
    body = b'{"data": {"id": "5"}}'
    x.once["Dewch draw"] = (
        b"HTTP/1.1 201 x\r\nContent-Length: %d\r\nDate: Mon, 02 Nov 2026 09:00:00 GMT\r\n"
        b"x-rate-limit-remaining: 0\r\nx-rate-limit-reset: 1793610300\r\n\r\n%s" % (len(body), body)
    )
    assert account(x.port).send(post("Dewch draw")) == Receipt("5", wait_s=300)


def test_accounts_of_one_app_are_known_as_such_without_telling_its_key(x: X) -> None:
    one, same = account(x.port), account(x.port, {**SECRETS, "access_token": "another"})
    other = account(x.port, {**SECRETS, "consumer_key": "another"})
    assert one.app == same.app != other.app
    assert SECRETS["consumer_key"] not in one.app


def test_the_limit_of_the_day_outlasts_that_of_the_window(x: X) -> None:
    head = (
        b"HTTP/1.1 429 x\r\nContent-Length: 2\r\nDate: Mon, 02 Nov 2026 09:00:00 GMT\r\n"
        b"x-rate-limit-reset: 1793610900\r\nx-user-limit-24hour-remaining: 0\r\n"
        b"x-user-limit-24hour-reset: 1793650000\r\n\r\n{}"
    )
    lost = failure(x, head)
    assert isinstance(lost, Deferred) and lost.retry_after_s == 40_000


@pytest.mark.parametrize("body", [b"", b"[]", b"no", b'{"errors": 1, "title": {}}', b'"\\ud800"'])
def test_a_refusal_in_words_of_any_shape_is_still_a_refusal(x: X, body: bytes) -> None:
    lost = failure(x, b"HTTP/1.1 400 x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    assert type(lost) is Refused


@pytest.mark.parametrize("reset", [b"", b"soon", b"-1", "٣".encode(), b"9" * 400])
def test_a_reset_that_is_no_time_is_never_waited_for_beyond_a_day(x: X, reset: bytes) -> None:
    head = (
        b"HTTP/1.1 429 x\r\nContent-Length: 2\r\nDate: never\r\nx-rate-limit-reset: " + reset + b"\r\n\r\n{}"
    )
    lost = failure(x, head)
    assert isinstance(lost, Deferred)
    assert lost.retry_after_s is None or 1 <= lost.retry_after_s <= 86_400


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 201 x\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 201 x\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 201 x\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 201 x\r\nContent-Length: 3\r\n\r\nok!",
        b'HTTP/1.1 201 x\r\nContent-Length: 22\r\n\r\n{"data": {"id": "abc"}}',
        b"HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 x\r\nLocation: http://elsewhere.example/\r\nContent-Length: 0\r\n\r\n",
        b"nonsense\r\n\r\n",
        "take",
        "lose",
    ],
)
def test_what_nobody_understands_after_a_post_is_uncertain(x: X, answer: str | bytes) -> None:
    assert isinstance(failure(x, answer), Uncertain)


def test_nobody_listening_is_deferred() -> None:
    with pytest.raises(Deferred) as lost:
        account(closed_port()).send(post("Dewch draw"))
    assert (lost.value.phase, lost.value.scope) == ("connect", "account")


def test_no_answer_until_the_deadline_is_uncertain() -> None:
    """F18, F19: a byte now and then never lets a single read time out."""

    def drip(connection: Any) -> None:
        connection.recv(65536)
        for _ in range(500):
            connection.sendall(b"H")
            time.sleep(0.02)

    with bare(drip) as port, pytest.raises(Uncertain):
        account(port, deadline_s=1.5).send(post("Dewch draw"))


def test_tokens_of_another_user_are_refused(x: X) -> None:
    account(x.port).verify()
    with pytest.raises(AccountGone, match="another user"):
        account(x.port, user_id="12").verify()
    with pytest.raises(AccountGone):
        account(x.port, {**SECRETS, "access_token": "revoked"}).verify()
    assert x.posts == []


# --- pictures
@pytest.mark.parametrize(
    ("step", "told", "error"),
    [
        ("initialize", "rate_limited", Deferred), ("initialize", "unauthorized", AccountGone),
        ("initialize", "bad_request", Refused), ("append", "unavailable", Deferred), ("append", "take", Deferred),
        ("append", b"nonsense\r\n\r\n", Deferred), ("finalize", "media_failed", Refused),
        ("finalize", "lose", Deferred),
        ("initialize", b'HTTP/1.1 200 x\r\nContent-Length: 12\r\n\r\n{"data": []}', Deferred),
    ],
)  # fmt: skip
def test_trouble_with_a_picture_never_leaves_a_post_in_doubt(
    x: X, step: str, told: str | bytes, error: type[ConnectorError]
) -> None:
    """Nothing was posted, so it is put off or refused, and never looked for."""
    x.once[f"/2/media/upload/{step}"] = told
    with pytest.raises(ConnectorError) as lost:
        account(x.port).send(post("Dewch draw", media=pictures(1, LIMITS)))
    assert type(lost.value) is error and x.posts == []


def test_a_large_picture_goes_in_pieces(x: X) -> None:
    body = bytes(range(256)) * (PIECE // 256) + b"the rest"
    large = replace(pictures(1, LIMITS)[0], load=lambda: body, size=len(body))
    account(x.port).send(post("Dewch draw", media=[large]))
    assert x.shown("Dewch draw") == [(body, large.alt)]
    assert sum(one.path.endswith("/append") for one in x.asked) == 2


def test_a_picture_that_is_decoration_is_not_described(x: X) -> None:
    """X charges for each description."""
    account(x.port).send(post("Dewch draw", media=[replace(pictures(1, LIMITS)[0], alt="")]))
    assert "/2/media/metadata" not in [one.path for one in x.asked]


def test_a_post_with_a_picture_is_found_by_its_words_alone(x: X) -> None:
    connector, given = account(x.port), post("Dewch draw", media=pictures(2, LIMITS))
    receipt = connector.send(given)
    assert find(connector, given) == receipt


def test_a_piece_that_is_taken_without_a_word_is_taken(x: X) -> None:
    x.silent = True
    account(x.port).send(post("Dewch draw", media=pictures(1, LIMITS)))
    assert len(x.shown("Dewch draw")) == 1


def test_figures_are_read_from_the_account_s_own_posts_and_no_further_than_needed(x: X) -> None:
    """X charges for each post that is read."""
    connector, x.page = account(x.port), 2
    names = [connector.send(post(f"Dewch {n}")).provider_id for n in range(6)]
    x.asked.clear()
    assert connector.metrics is not None and connector.metrics([names[2]]) == []
    (asked,) = x.asked
    assert (int(asked.query["since_id"]), int(asked.query["until_id"])) == (
        int(names[2]) - 1,
        int(names[2]) + 1,
    )


@pytest.mark.parametrize("counted", [None, [], {"like_count": True}, {"like_count": -1}, {"like_count": "3"}])
def test_a_figure_that_is_no_number_is_not_told(x: X, counted: Any) -> None:
    connector = account(x.port)
    name = connector.send(post("Dewch draw")).provider_id
    x.posts[0]["public_metrics"] = counted
    assert connector.metrics is not None and connector.metrics([name, "not an id"]) == []


# --- did it go?
def test_a_duplicate_means_that_it_had_gone(x: X) -> None:
    connector = account(x.port)
    first = connector.send(post("Dewch draw"))
    assert connector.send(post("Dewch draw")).provider_id == first.provider_id
    assert len(x.posts) == 1


def test_a_duplicate_that_cannot_be_seen_stays_uncertain(x: X) -> None:
    connector = account(x.port)
    connector.send(post("Dewch draw"))
    x.lag = timedelta(seconds=20)
    with pytest.raises(Uncertain) as lost:
        connector.send(post("Dewch draw"))
    assert lost.value.code == "duplicate"
    x.now += x.lag
    assert connector.send(post("Dewch draw")).provider_id == OURS


def test_a_duplicate_of_something_older_is_never_taken_for_this_post(x: X) -> None:
    connector = account(x.port)
    connector.send(post("Dewch draw"))
    with pytest.raises(Uncertain) as lost:
        connector.send(post("Dewch draw", since=SINCE + timedelta(days=7)))
    assert lost.value.code == "duplicate"


@pytest.mark.parametrize("told", ["rate_limited", "unauthorized", "unavailable"])
def test_a_duplicate_stays_uncertain_while_nobody_may_look(x: X, told: str) -> None:
    connector = account(x.port)
    connector.send(post("Dewch draw"))
    x.once[f"/2/users/{USER_ID}/tweets"] = told
    with pytest.raises(Uncertain):
        connector.send(post("Dewch draw"))


@pytest.mark.parametrize(
    "text",
    [
        "Te & bara brith <3 https://cyngor.example/cyfarfod?a=1&b=2 https://cyngor.example/",
        "Dau  air\n\nlinell",
        "e\u0301 + \u0175",
        "سلام 👩‍👩‍👧",
    ],
)
def test_what_x_writes_in_another_way_is_found(x: X, text: str) -> None:
    connector = account(x.port)
    receipt = connector.send(post(text))
    connector.send(post("rhywbeth arall"))
    found = find(connector, post(text))
    assert found is not None and found.provider_id == receipt.provider_id


def test_a_reply_is_found_behind_the_name_x_puts_in_front(x: X) -> None:
    connector, answer = account(x.port), post("Diolch!", in_reply_to="77")
    receipt = connector.send(answer)
    found = find(connector, answer)
    assert found is not None and found.provider_id == receipt.provider_id


def test_the_whole_list_back_to_the_intent_is_searched(x: X) -> None:
    x.page = 5
    connector = account(x.port)
    connector.send(post("y cyntaf"))
    for n in range(12):
        x.take(f"arall {n}")
    found = find(connector, post("y cyntaf"))
    assert found is not None and found.provider_id == OURS
    assert find(connector, post("dim byd")) is None


def test_a_timeline_as_x_documents_it_is_read(x: X) -> None:
    x.once[f"/2/users/{USER_ID}/tweets"] = "timeline"
    found = find(account(x.port), post("Dewch draw & dweud eich dweud: https://cyngor.example/cyfarfod"))
    assert found is not None and found.provider_id == OURS


@given(st.text())
def test_a_text_is_the_same_as_itself_however_often_it_is_made_comparable(text: str) -> None:
    assert same(text) == same(text.replace(" ", "  "))


# --- who spoke to us
def polled(x: X, cursor: Mapping[str, Any] | None = None) -> tuple[list[Event], dict[str, Any]]:
    connector = account(x.port)
    assert connector.poll is not None
    found = connector.poll(cursor)
    return list(found.events), dict(found.cursor)


def test_mentions_as_x_documents_them_are_told_in_our_words(x: X) -> None:
    """DC3"""
    x.once[f"/2/users/{USER_ID}/mentions"] = "mentions"
    events, cursor = polled(x)
    reply, mention, boost = events
    assert (reply.kind, mention.kind, boost.kind) == ("reply", "mention", "boost")
    assert reply.references == (OURS,) and reply.meta["message_id"] == reply.key
    assert (reply.sender, reply.sender_name, reply.language) == ("sianrees", "Siân Rees", "cy")
    assert mention.text == "هل الاجتماع @cyngormon مساء الاثنين؟" and mention.references == ()
    assert reply.at == datetime(2026, 11, 2, 9, 2, tzinfo=UTC)
    assert json.loads(reply.raw)["id"] == reply.key
    assert cursor == {"since_id": boost.key}


def test_our_own_posts_are_no_mentions(x: X) -> None:
    x.mentions.append({"id": str(FIRST + 5), "text": "@cyngormon", "author_id": USER_ID})
    assert polled(x) == ([], {"since_id": str(FIRST + 5)})


def test_a_mention_without_a_time_has_that_of_its_id(x: X) -> None:
    x.mentions.append(
        {"id": "1346889436626259968", "text": "hi", "created_at": "Wed Jan 06", "author_id": "7"}
    )
    event = polled(x)[0][0]
    assert event.at.replace(microsecond=0) == datetime(2021, 1, 6, 18, 40, 40, tzinfo=UTC)
    assert event.sender == "7"


def test_nobody_having_spoken_yet_loses_nothing_later(x: X) -> None:
    x.page = 5
    events, cursor = polled(x)
    assert events == [] and cursor
    x.mentions += [{"id": str(FIRST + n), "text": "hi", "author_id": "7"} for n in range(12)]
    assert len(polled(x, cursor)[0]) == 12


@pytest.mark.parametrize(
    "told, error",
    [("rate_limited", Deferred), ("unavailable", Deferred), ("not_permitted", Deferred), ("lose", Deferred)]
    + [("unauthorized", AccountGone), ("no_credits", AccountGone), (b"HTTP/1.1 200 x\r\n\r\nno", Deferred)],
)
def test_a_poll_that_fails_says_whether_to_come_again(
    x: X, told: str | bytes, error: type[ConnectorError]
) -> None:
    x.once[f"/2/users/{USER_ID}/mentions"] = told
    with pytest.raises(ConnectorError) as lost:
        polled(x)
    assert type(lost.value) is error


NAMES = ["data", "id", "text", "includes", "users", "meta", "next_token", "referenced_tweets"]
NAMES += ["created_at", "author_id", "type", "entities", "urls", "url", "expanded_url"]


@given(shapes(NAMES))
def test_an_answer_of_any_shape_stops_nobody(body: Any) -> None:
    """The provider's answers are not trusted."""
    stops_nobody(account, body, ("poll", None), ("find", post("x")), ("verify",))


def test_settings_that_make_no_sense_are_named() -> None:
    wrong: dict[str, Any] = {"user_id": "cyngormon", "base_url": "https://x.example", "deadline_s": 0}
    with pytest.raises(BadSettings) as caught:
        registry.connect("x", wrong, SECRETS)
    assert set(caught.value.problems) == set(wrong)


def test_the_connector_says_what_it_is() -> None:
    connector = account(1)
    assert (connector.channel, connector.broadcast) == ("x", True)
    assert connector.repeats == Findable(30.0, exact=False)
    assert (connector.limits.text_max, connector.limits.counting) == (280, "x")


# --- the contract of every connector
class FarX(PostsSide, FarEvents, FarMedia, FarMetrics):
    """X's side: it knows posts by their words only."""

    kinds = ("reply", "mention", "boost")
    theirs = {ours: theirs for theirs, ours in FIGURES.items()}
    figures = tuple(theirs)
    many = 12
    no_picture = ("/2/media/upload/append", "lose")

    def taken(self) -> list[tuple[str, Any]]:
        return [(str(one["given"]), one) for one in self.it.posts]

    def happen(self, kind: str, n: int) -> None:
        types = {"reply": "replied_to", "boost": "retweeted"}
        said = {"id": str(FIRST + 100 + len(self.it.mentions)), "text": f"{kind} {n}", "author_id": "22"}
        said |= {"created_at": "2026-11-02T09:10:00.000Z"}
        more: dict[str, Any] = {"in_reply_to_user_id": USER_ID} if kind == "reply" else {}
        if kind in types:
            more["referenced_tweets"] = [{"type": types[kind], "id": OURS}]
        self.it.mentions.append({**said, **more})

    def media(self, key: str) -> list[tuple[bytes, str]]:
        shown: list[tuple[bytes, str]] = self.it.shown(self.made(key)["given"])
        return shown

    def count(self, provider_id: str, figure: str, value: int) -> None:
        made = next(one for one in self.it.posts if one["id"] == provider_id)
        made["public_metrics"][self.theirs[figure]] = value


class TestContract(OutboundContract, RepeatContract, PollContract, MediaContract, MetricsContract):
    """X keeps the promises of every connector."""

    @pytest.fixture
    def far(self, x: X) -> FarX:
        x.page = 5
        return FarX(x, account, post, *SECRETS.values())


def find(connector: Connector, outbound: Outbound) -> Receipt | None:
    assert connector.find is not None
    return connector.find(outbound)
