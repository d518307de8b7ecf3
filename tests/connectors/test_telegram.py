"""Telegram against a double of it: what each answer means, pictures, and what people say to a bot."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from hypothesis import given

from connectors import registry
from connectors.api import (
    AccountGone,
    BadSettings,
    Blind,
    Call,
    Connector,
    ConnectorError,
    Deferred,
    Event,
    Heard,
    NotAuthentic,
    Outbound,
    Receipt,
    Refused,
    Uncertain,
)
from connectors.telegram.send import CAPTION_MAX, PICTURE
from connectors.testing import (
    FarMedia,
    FarRobots,
    HookContract,
    MediaContract,
    OutboundContract,
    PollContract,
    ReadContract,
    RepeatContract,
    RobotContract,
    pictures,
)

from .fake_telegram import BOT, CHAT, SIAN, TOKEN, Telegram, running
from .far import CONNECTORS, Called, PostsSide, failing, shapes, stops_nobody

SECRET = "a-secret-of-ours"
HOOKS: dict[str, Any] = {"updates": "hooks", "hook_url": "https://dolen.example/hooks/acc_1"}
AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def account(port: int, **values: Any) -> Connector:
    secrets = {"token": values.pop("token", TOKEN)}
    if "hook_secret" in values:
        secrets["hook_secret"] = values.pop("hook_secret")
    told = {"chat": str(CHAT["id"]), "base_url": f"http://127.0.0.1:{port}", "deadline_s": 5.0, **values}
    return registry.connect("telegram", told, secrets)


def hooked(chat: str = "@cyngormon", secret: str = SECRET, **values: Any) -> Connector:
    return account(1, chat=chat, hook_secret=secret, **HOOKS, **values)


def post(text: str, **values: Any) -> Outbound:
    return Outbound(key=f"dlv-{text}", text=text, **values)


@pytest.fixture
def telegram() -> Iterator[Telegram]:
    with running() as one:
        yield one


failure = partial(failing, account, post("Dewch draw"), at="sendMessage")


# --- out
def test_a_post_is_made_once_and_named(telegram: Telegram) -> None:
    """DC2"""
    assert account(telegram.port).send(post("*Dewch* <b>draw</b>")) == Receipt("1")
    assert [one["shown"] for one in telegram.posts] == ["*Dewch* <b>draw</b>"]
    assert "parse_mode" not in telegram.posts[0]


def test_a_post_as_telegram_documents_it_is_read(telegram: Telegram) -> None:
    telegram.once["sendMessage"] = "sent"
    assert account(telegram.port).send(post("Dewch draw")) == Receipt("7")


@pytest.mark.parametrize(
    ("named", "chat", "answered", "told"),
    [
        ("7", str(CHAT["id"]), 7, "1"),
        ("33:12", "33", 12, "33:1"),
        ("-1009876543210:301", "-1009876543210", 301, "-1009876543210:1"),
        ("<abc@mail.example>", str(CHAT["id"]), None, "1"),
    ],
)
def test_an_answer_goes_where_it_was_said(
    telegram: Telegram, named: str, chat: str, answered: int | None, told: str
) -> None:
    """L3"""
    assert account(telegram.port).send(post("Diolch!", in_reply_to=named)) == Receipt(told)
    sent = telegram.posts[0]
    assert (sent["chat_id"], sent.get("reply_parameters", {}).get("message_id")) == (chat, answered)


@pytest.mark.parametrize("told", ["kicked", "chat_not_found", "no_rights", "unauthorized"])
def test_who_may_not_answer_elsewhere_may_post_here_as_before(telegram: Telegram, told: str) -> None:
    """An old comment in a group that the bot was put out of is no reason to stop the channel."""
    telegram.once["sendMessage"] = told
    with pytest.raises(ConnectorError) as lost:
        account(telegram.port).send(post("Diolch!", in_reply_to="-1009876543210:301"))
    assert type(lost.value) is (AccountGone if told == "unauthorized" else Refused)


def test_what_pictures_show_stands_below_the_text(telegram: Telegram) -> None:
    """C5: Telegram has no place for it."""
    connector = account(telegram.port)
    one, two = pictures(2, connector.limits)
    connector.send(post("Dewch draw", media=(one,)))
    connector.send(post("Dewch draw", media=(one, replace(two, alt=""))))
    connector.send(post("", media=(one,)))
    shown = [sent["shown"] for sent in telegram.posts]
    assert shown == [f"Dewch draw\n{PICTURE}{one.alt}"] * 2 + [f"{PICTURE}{one.alt}"]
    assert [len(sent["pictures"]) for sent in telegram.posts] == [1, 2, 1]


def test_an_album_is_named_by_its_first_picture(telegram: Telegram) -> None:
    connector = account(telegram.port)
    assert connector.send(post("Dewch", media=pictures(3, connector.limits))) == Receipt("1")


def test_too_much_below_pictures_is_refused_before_anything_is_sent(telegram: Telegram) -> None:
    connector = account(telegram.port)
    with pytest.raises(Refused) as caught:
        connector.send(post("x" * CAPTION_MAX, media=pictures(1, connector.limits)))
    assert caught.value.code == "caption_too_long" and telegram.asked == []


def test_a_post_of_nothing_is_refused_before_anything_is_sent(telegram: Telegram) -> None:
    with pytest.raises(Refused):
        account(telegram.port).send(post(" \n"))
    assert telegram.asked == []


def test_a_line_that_breaks_under_a_picture_leaves_it_unknown(telegram: Telegram) -> None:
    """A picture and its post are one request."""
    connector = account(telegram.port)
    telegram.once["sendPhoto"] = "take"
    with pytest.raises(Uncertain):
        connector.send(post("Dewch", media=pictures(1, connector.limits)))
    assert len(telegram.posts) == 1


# --- what an answer means
@pytest.mark.parametrize(
    ("told", "error", "code"),
    [
        ("unauthorized", AccountGone, "401"),
        ("chat_not_found", AccountGone, "400"),
        ("kicked", AccountGone, "403"),
        ("no_rights", AccountGone, "400"),
        ("upgraded", AccountGone, "400"),
        ("too_long", Refused, "400"),
        ("rate_limited", Deferred, "429"),
        ("unavailable", Uncertain, "502"),
        (b"HTTP/1.1 400 x\r\nContent-Length: 2\r\n\r\nno", Refused, "400"),
        (b"HTTP/1.1 400 x\r\nContent-Length: 2\r\n\r\n[]", Refused, "400"),
        (b"HTTP/1.1 404 x\r\nContent-Length: 2\r\n\r\n{}", AccountGone, "404"),
    ],
)
def test_a_refusal_says_whom_it_is_about(
    telegram: Telegram, told: str | bytes, error: type[ConnectorError], code: str
) -> None:
    lost = failure(telegram, told)
    assert (type(lost), lost.code) == (error, code) and telegram.posts == []


def test_the_account_waits_as_long_as_telegram_says(telegram: Telegram) -> None:
    lost = failure(telegram, "rate_limited")
    assert isinstance(lost, Deferred) and (lost.scope, lost.retry_after_s) == ("account", 14)


@pytest.mark.parametrize("wait", ["true", '"5"', "-3", "1e9", "99999999", "null"])
def test_a_wait_that_is_none_is_never_longer_than_an_hour(telegram: Telegram, wait: str) -> None:
    """F26"""
    body = f'{{"ok": false, "parameters": {{"retry_after": {wait}}}}}'.encode()
    lost = failure(telegram, b"HTTP/1.1 429 x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    assert isinstance(lost, Deferred) and (lost.retry_after_s is None or 0 <= lost.retry_after_s <= 3600)


@pytest.mark.parametrize(
    "answer",
    [
        "take",
        "lose",
        b"HTTP/1.1 200 x\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 x\r\nContent-Length: 3\r\n\r\nok!",
        b'HTTP/1.1 200 x\r\nContent-Length: 25\r\n\r\n{"ok":true,"result":true}',
        b'HTTP/1.1 200 x\r\nContent-Length: 23\r\n\r\n{"ok":true,"result":[]}',
        b"HTTP/1.1 200 x\r\nContent-Length: 100\r\n\r\n{",
    ],
)
def test_what_nobody_understands_after_a_post_is_uncertain(telegram: Telegram, answer: str | bytes) -> None:
    assert isinstance(failure(telegram, answer), Uncertain)


def test_a_bot_that_may_not_post_is_told_before_the_first_post(telegram: Telegram) -> None:
    account(telegram.port).verify()
    for member in ({"status": "left"}, {"status": "administrator", "can_post_messages": False}):
        telegram.member = member
        with pytest.raises(AccountGone):
            account(telegram.port).verify()
    with pytest.raises(AccountGone):
        account(telegram.port, token="11:another").verify()


def test_telegram_is_told_where_what_comes_in_goes(telegram: Telegram) -> None:
    account(telegram.port, hook_secret=f"{SECRET} older", **HOOKS).verify()
    assert telegram.hook["url"] == HOOKS["hook_url"] and telegram.hook["secret_token"] == SECRET
    assert "message_reaction" in telegram.hook["allowed_updates"]
    account(telegram.port, updates="none").verify()
    assert telegram.hook
    account(telegram.port).verify()
    assert telegram.hook == {}


# --- back
def heard(sample: str, connector: Connector | None = None) -> Heard:
    hooks = (connector or hooked()).hooks
    assert hooks is not None
    return hooks(incoming(sample))


def incoming(sample: str) -> Call:
    found = json.loads((CONNECTORS / "telegram" / "samples" / f"{sample}.json").read_text("utf-8"))
    headers = {name.lower(): value for name, value in found["headers"].items()}
    return Call("POST", headers, {}, json.dumps(found["body"], ensure_ascii=False).encode(), AT)


def test_a_comment_on_a_post_of_the_channel_answers_that_post() -> None:
    """DC3"""
    (event,) = heard("comment").events
    assert (event.kind, event.references, event.text) == ("reply", ("7",), "Byddaf yno!")
    assert (event.sender, event.sender_name) == ("sianrees", "Siân Rees")
    assert event.at == datetime(2026, 11, 2, 9, 2, tzinfo=UTC)
    assert event.meta["message_id"] == "-1009876543210:301"


def test_words_to_the_bot_alone_are_for_us() -> None:
    (event,) = heard("private").events
    assert (event.kind, event.sender, event.meta["message_id"]) == ("mention", "33", "33:12")
    assert event.text == "هل الاجتماع مساء الاثنين؟"


def test_a_reaction_is_a_like_of_the_post() -> None:
    (event,) = heard("reaction").events
    assert (event.kind, event.provider_id, event.text) == ("like", "7", "👍")


def told(connector: Connector | None = None, **update: Any) -> Heard:
    """What a call with this update says."""
    hooks = (connector or hooked(chat=str(CHAT["id"]), username="@dolen_bot")).hooks
    assert hooks is not None
    body = json.dumps({"update_id": 5, **update}).encode()
    return hooks(Call("POST", {"x-telegram-bot-api-secret-token": SECRET}, {}, body, AT))


def message(text: str, **more: Any) -> dict[str, Any]:
    return {"message_id": 40, "from": SIAN, "chat": CHAT, "date": 1793610000, "text": text, **more}


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (message("hello all"), None),
        (message("ask @Dolen_bot!"), "mention"),
        (message("ask @dolen_bottle"), None),
        (message("Dolen", entities=[{"type": "text_mention", "user": BOT}]), "mention"),
        (message("yes", reply_to_message={"message_id": 3, "from": BOT, "chat": CHAT}), "reply"),
        (message("yes", reply_to_message={"message_id": 3, "from": SIAN, "chat": CHAT}), None),
        (message("ours", **{"from": BOT}), None),
        (message("ours", sender_chat=CHAT), None),
        ({**message("", caption="yes"), "reply_to_message": {"message_id": 3, "from": BOT}}, "reply"),
    ],
)
def test_only_what_is_meant_for_us_is_told(said: dict[str, Any], kind: str | None) -> None:
    found = told(message=said)
    assert [event.kind for event in found.events] == ([kind] if kind else []) and not found.parked


def test_a_reaction_that_goes_or_says_no_or_is_elsewhere_is_no_like() -> None:
    about = {"chat": CHAT, "message_id": 3, "user": SIAN, "date": 1793610000}
    for new in ([], [{"type": "emoji", "emoji": "👎"}]):
        assert told(message_reaction={**about, "new_reaction": new}) == Heard()
    elsewhere = {
        **about,
        "chat": {"id": -5, "type": "group"},
        "new_reaction": [{"type": "emoji", "emoji": "👍"}],
    }
    assert told(message_reaction=elsewhere) == Heard()


def test_an_update_never_seen_is_kept_for_a_person() -> None:
    """H13"""
    heard = told(business_dance={"x": 1})
    assert heard.events == () and "business_dance" in heard.parked[0]
    assert told(edited_message={"x": 1}) == Heard()


@pytest.mark.parametrize("secret", ["", "another", SECRET.upper(), SECRET + "x", SECRET[:-1], "ŵ"])
def test_a_call_without_the_secret_is_not_heard(secret: str) -> None:
    """H1"""
    call = incoming("comment")
    with pytest.raises(NotAuthentic):
        hooks = hooked(secret="right").hooks
        assert hooks and hooks(replace(call, headers={"x-telegram-bot-api-secret-token": secret}))


def test_what_was_not_stored_is_told_again(telegram: Telegram) -> None:
    """Telegram forgets what lies before the update that is asked for."""
    connector = account(telegram.port)
    telegram.happen(message=message("@dolen_bot", chat={"id": 33, "type": "private"}))
    first, cursor = polled(connector)
    again, _ = polled(connector)
    assert [one.key for one in first] == [one.key for one in again] == ["33:40"]
    assert polled(connector, cursor)[0] == []


def test_an_update_that_nobody_can_read_is_kept_and_costs_no_other(telegram: Telegram) -> None:
    """H9: it can be read again, as if it had been pushed."""
    connector = account(telegram.port)
    odd = {"update_id": 6, "message": {"message_id": "?"}}
    good = {"update_id": 7, "message": message("a", chat={"id": 1, "type": "private"})}
    telegram.once["getUpdates"] = answer([odd, good])
    assert connector.poll is not None and connector.read is not None
    found = connector.poll(None)
    assert len(found.events) == 1 and [json.loads(words) for words in found.parked] == [odd]
    assert connector.read(found.parked[0].encode()).parked == found.parked


def test_numbers_of_updates_may_begin_anew(telegram: Telegram) -> None:
    connector = account(telegram.port)
    telegram.once["getUpdates"] = answer(
        [{"update_id": 5, "message": message("a", chat={"id": 1, "type": "private"})}]
    )
    events, cursor = polled(connector, {"update_id": 900_000_000})
    assert len(events) == 1 and cursor == {"update_id": 5}


def answer(result: Any) -> bytes:
    body = json.dumps({"ok": True, "result": result}).encode()
    return b"HTTP/1.1 200 x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


@pytest.mark.parametrize("told", ["rate_limited", "hooked", "unavailable", "lose"])
def test_a_poll_that_fails_is_tried_again(telegram: Telegram, told: str) -> None:
    telegram.once["getUpdates"] = told
    with pytest.raises(Deferred):
        polled(account(telegram.port))


def polled(
    connector: Connector, cursor: Mapping[str, Any] | None = None
) -> tuple[list[Event], dict[str, Any]]:
    assert connector.poll is not None
    found = connector.poll(cursor)
    return list(found.events), dict(found.cursor)


NAMES = [
    "update_id",
    "message",
    "message_id",
    "chat",
    "id",
    "from",
    "date",
    "type",
    "text",
    "reply_to_message",
]
MORE = [
    "message_reaction",
    "new_reaction",
    "emoji",
    "user",
    "entities",
    "forward_origin",
    "is_automatic_forward",
]


@given(shapes([*NAMES, *MORE], CHAT))
def test_an_update_of_any_shape_stops_nobody(body: Any) -> None:
    """H9, F26"""
    assert isinstance(told(message=body), Heard) and isinstance(told(message_reaction=body), Heard)
    for whole in (body, {"ok": True, "result": body}):
        stops_nobody(account, whole, ("poll", None), ("verify",))


def test_settings_that_make_no_sense_are_named() -> None:
    wrong: dict[str, Any] = {
        "chat": "my group",
        "updates": "push",
        "base_url": "https://t.example",
        "deadline_s": 0.0,
    }
    with pytest.raises(BadSettings) as caught:
        registry.connect("telegram", wrong, {"token": "no"})
    assert set(caught.value.problems) == {*wrong, "token"}
    with pytest.raises(BadSettings) as caught:
        account(1, updates="hooks", hook_url="http://x.example", hook_secret="a b, c")
    assert set(caught.value.problems) == {"hook_url", "hook_secret"}


def test_the_connector_says_what_it_is() -> None:
    connector = account(1)
    assert (connector.channel, connector.broadcast, connector.app) == ("telegram", True, "11")
    assert connector.repeats == Blind() and connector.hooks is None
    assert hooked().poll is None and account(1, updates="none").poll is None


# --- the contract of every connector
class FarTelegram(PostsSide, FarRobots, FarMedia):
    """Telegram's side: a post is known by its words only."""

    said = PostsSide.said | {Refused: "too_long", AccountGone: "kicked"}
    kinds = ("reply", "mention", "like")
    many = 12
    # A picture and its post are one request: what is certain to have gone nowhere is what was put off.
    no_picture = ("sendPhoto", "rate_limited")

    def taken(self) -> list[tuple[str, Any]]:
        return [(one["shown"].partition(f"\n{PICTURE}")[0], one) for one in self.it.posts]

    def once_at(self, outbound: Outbound) -> str:
        return "sendMessage"

    def media(self, key: str) -> list[tuple[bytes, str]]:
        sent = self.made(key)
        shows = [line.removeprefix(PICTURE) for line in sent["shown"].split("\n") if line.startswith(PICTURE)]
        return list(zip(sent["pictures"], shows, strict=True))

    def happen(self, kind: str, n: int, who: dict[str, Any] = SIAN) -> None:
        said = message(f"{kind} {n} @dolen_bot", message_id=100 + n) | {"from": who}
        if kind == "reply":
            said["reply_to_message"] = {"message_id": 1, "from": BOT, "chat": CHAT}
        about = {"chat": CHAT, "message_id": n, "user": who, "date": 1793610000}
        like = {**about, "old_reaction": [], "new_reaction": [{"type": "emoji", "emoji": "❤"}]}
        self.it.happen(**({"message_reaction": like} if kind == "like" else {"message": said}))

    def robot(self, n: int) -> None:
        for kind in self.kinds:
            self.happen(
                kind, 50 + n, {"id": 900 + n, "is_bot": True, "first_name": "Helper", "username": "help_bot"}
            )


class TestContract(OutboundContract, RepeatContract, PollContract, RobotContract, MediaContract):
    """Telegram keeps the promises of every connector."""

    @pytest.fixture
    def far(self, telegram: Telegram) -> FarTelegram:
        telegram.page = 5
        return FarTelegram(telegram, partial(account, username="dolen_bot"), post, TOKEN)


class HookedTelegram(Called):
    """Calls of Telegram, proven by a secret alone."""

    signed_headers = ("x-telegram-bot-api-secret-token",)
    signs_body = False
    timed = False
    batches = False


class TestHooks(HookContract, ReadContract):
    """Telegram's hooks keep the promises of every hook."""

    @pytest.fixture
    def far(self) -> HookedTelegram:
        good = incoming("comment")
        newer = replace(good, headers={"x-telegram-bot-api-secret-token": "newer-secret"})
        bad = replace(newer, body=b'{"update_id": 5, "message": {"message_id": "?"}}')
        return HookedTelegram(
            lambda: hooked(secret=f"newer-secret {SECRET}"), lambda: newer, lambda: bad, lambda: good
        )
