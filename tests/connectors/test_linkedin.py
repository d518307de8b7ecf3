"""LinkedIn against a double of it: what each answer means, what can be found again, who spoke to the organisation."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    Receipt,
    Refused,
    Uncertain,
)
from connectors.linkedin.send import escaped, unescaped
from connectors.testing import (
    FarEvents,
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

from .fake_linkedin import ACTIVITY, FIRST, TOKEN, LinkedIn, running
from .far import CONNECTORS, Called, PostsSide, Renewing, Said, shapes, stops_nobody

OLD, ORGANISATION = "secret of the app before", "urn:li:organization:96072893"
SECRETS = {"client_secret": "secret of the app", "access_token": TOKEN, "old_client_secret": OLD}
SINCE = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
OURS = f"urn:li:share:{FIRST}"
COMMENT = f"urn:li:comment:({ACTIVITY},7094977717598625792)"
SAMPLES: Path = CONNECTORS / "linkedin" / "samples"
TOLD: dict[str, Any] = json.loads((SAMPLES / "notifications.json").read_text("utf-8"))["body"]


def account(port: int, secrets: Mapping[str, str] = SECRETS, **values: Any) -> Connector:
    told = {
        "organization_id": "96072893", "client_id": "77app", "base_url": f"http://127.0.0.1:{port}",
        "deadline_s": 5, **values,
    }  # fmt: skip
    return registry.connect("linkedin", told, secrets)


def post(text: str, **values: Any) -> Outbound:
    return Outbound(key=f"dlv-{text}", text=text, **{"since": SINCE, **values})


def find(connector: Connector, outbound: Outbound) -> Receipt | None:
    assert connector.find is not None
    return connector.find(outbound)


@pytest.fixture
def linkedin() -> Iterator[LinkedIn]:
    with running() as it:
        yield it


def test_a_post_is_made_once_for_everybody_and_named(linkedin: LinkedIn) -> None:
    """DC2"""
    assert account(linkedin.port).send(post("Dewch draw")) == Receipt(OURS)
    (made,) = linkedin.posts
    assert (made["commentary"], made["visibility"], made["lifecycleState"]) == (
        "Dewch draw",
        "PUBLIC",
        "PUBLISHED",
    )


@pytest.mark.parametrize("text", ["(a) [b] {c} <d> @e ~f _g* |h \\i #1 # ", "#Cymru #中文 a#b", "سلام (١)"])
def test_what_means_something_to_linkedin_means_itself_and_a_hashtag_stays_one(text: str) -> None:
    """Unescaped, LinkedIn cuts a post off at the first bracket."""
    assert unescaped(escaped(text)) == text
    assert all(f"\\{sign}" in escaped(text) for sign in "([{<@~_*|)]}>" if sign in text)
    assert "#Cymru" in escaped("#Cymru") and escaped("# ") == "\\# "


@given(st.text())
def test_every_text_comes_back_as_it_was_written(text: str) -> None:
    assert unescaped(escaped(text)) == text


def test_one_picture_goes_by_itself_and_several_together(linkedin: LinkedIn) -> None:
    connector = account(linkedin.port)
    for n in (1, 2):
        connector.send(post(f"Hello {n}", media=pictures(n, connector.limits)))
    assert [list(made["content"]) for made in linkedin.posts] == [["media"], ["multiImage"]]


def test_a_post_without_words_or_pictures_is_refused_before_anything_is_sent(linkedin: LinkedIn) -> None:
    with pytest.raises(Refused):
        account(linkedin.port).send(post(" \n"))
    assert linkedin.asked == []


# --- what an answer means
@pytest.mark.parametrize(
    ("told", "error"),
    [
        ("unauthorized", AccountGone), ("no_role", AccountGone), ("old_version", AccountGone),
        ("bad_request", Refused), ("rate_limited", Deferred), ("unavailable", Uncertain),
        (b"HTTP/1.1 201 x\r\nContent-Length: 0\r\n\r\n", Uncertain),
        (b"HTTP/1.1 201 x\r\nx-restli-id: abc\r\nContent-Length: 0\r\n\r\n", Uncertain),
        (b"nonsense\r\n\r\n", Uncertain), ("take", Uncertain), ("lose", Uncertain),
    ],
)  # fmt: skip
def test_a_refusal_says_whom_it_is_about(
    linkedin: LinkedIn, told: str | bytes, error: type[ConnectorError]
) -> None:
    linkedin.once["Dewch draw"] = told
    with pytest.raises(ConnectorError) as lost:
        account(linkedin.port).send(post("Dewch draw"))
    assert type(lost.value) is error


def test_a_yes_to_a_post_that_is_not_there_is_no_proof(linkedin: LinkedIn) -> None:
    """LinkedIn drops repeats in silence."""
    linkedin.drops = True
    connector = account(linkedin.port)
    with pytest.raises(Uncertain) as lost:
        connector.send(post("Dewch draw"))
    assert lost.value.code == "duplicate" and find(connector, post("Dewch draw")) is None


@pytest.mark.parametrize("told", ["no_role", "unavailable", "lose"])
def test_a_yes_counts_where_nobody_may_look(linkedin: LinkedIn, told: str) -> None:
    linkedin.once[f"/rest/posts/{OURS}"] = told
    assert account(linkedin.port).send(post("Dewch draw")).provider_id == OURS


def test_a_duplicate_means_that_it_had_gone(linkedin: LinkedIn) -> None:
    connector = account(linkedin.port)
    first = connector.send(post("Dewch draw (eto)"))
    assert connector.send(post("Dewch draw (eto)")) == first
    assert len(linkedin.posts) == 1


def test_a_duplicate_that_is_named_need_not_be_searched_for(linkedin: LinkedIn) -> None:
    """It may be in no list yet."""
    connector = account(linkedin.port)
    first = connector.send(post("Dewch draw"))
    linkedin.lag = timedelta(hours=1)
    assert connector.send(post("Dewch draw")) == first


def test_a_post_that_is_named_and_shown_to_nobody_is_no_proof(linkedin: LinkedIn) -> None:
    """LinkedIn has refused posts as repeats of some that were never there."""
    connector = account(linkedin.port)
    first = connector.send(post("Dewch draw"))
    linkedin.lost = "urn:li:share:7431329065766260736"
    assert connector.send(post("Dewch draw")) == first
    linkedin.lag = timedelta(hours=1)
    with pytest.raises(Uncertain):
        connector.send(post("Dewch draw"))


def test_a_duplicate_of_something_older_is_never_taken_for_this_post(linkedin: LinkedIn) -> None:
    connector = account(linkedin.port)
    connector.send(post("Dewch draw"))
    with pytest.raises(Uncertain) as lost:
        connector.send(post("Dewch draw", since=SINCE + timedelta(days=7)))
    assert lost.value.code == "duplicate"


@pytest.mark.parametrize("told", ["rate_limited", "unauthorized", "unavailable"])
def test_a_duplicate_stays_uncertain_while_nobody_may_look(linkedin: LinkedIn, told: str) -> None:
    connector = account(linkedin.port)
    connector.send(post("Dewch draw"))
    linkedin.once |= {"/rest/posts": told, f"/rest/posts/{OURS}": told, "Dewch draw": "duplicate"}
    with pytest.raises(Uncertain):
        connector.send(post("Dewch draw"))


def test_a_hashtag_that_is_given_back_in_another_form_is_found(linkedin: LinkedIn) -> None:
    told = json.loads((SAMPLES / "post.json").read_text("utf-8"))["body"]
    assert unescaped(told["commentary"]) == "Dewch draw (nos Wener) #Cymru #YnysMôn"
    connector, words = account(linkedin.port), post("Dewch draw #Cymru_Fydd (a mwy) #Môn")
    linkedin.once[str(words.text)] = "take"
    with pytest.raises(Uncertain):
        connector.send(words)
    assert find(connector, words) == Receipt(OURS)


def test_an_address_for_a_picture_that_has_ended_is_not_the_accounts_end(linkedin: LinkedIn) -> None:
    """It is signed for a while; the next try is given another."""
    connector = account(linkedin.port)
    picture = post("Dewch draw", media=pictures(1, connector.limits))
    linkedin.once["/upload/urn:li:image:1"] = Said(403)
    with pytest.raises(Deferred) as lost:
        connector.send(picture)
    assert lost.value.scope == "delivery" and connector.send(picture) == Receipt(OURS)


def test_an_answer_among_very_many_is_found(linkedin: LinkedIn) -> None:
    linkedin.page = 2
    connector = account(linkedin.port)
    for n in range(5):
        connector.send(post(f"sylw {n}", in_reply_to=ACTIVITY))
    assert find(connector, post("sylw 4", in_reply_to=ACTIVITY)) == Receipt(
        linkedin.comments[4]["commentUrn"]
    )


def test_the_whole_list_back_to_the_intent_is_searched(linkedin: LinkedIn) -> None:
    linkedin.page = 2
    connector = account(linkedin.port)
    for n in range(6):
        connector.send(post(f"post {n}"))
    assert find(connector, post("post 0")) == Receipt(OURS)
    assert find(connector, post("dim byd")) is None


def test_an_answer_to_a_comment_stands_under_it_and_is_found_again(linkedin: LinkedIn) -> None:
    """L3"""
    connector, answer = account(linkedin.port), post("Am ddeg!", in_reply_to=COMMENT)
    linkedin.once["Am ddeg!"] = "take"
    with pytest.raises(Uncertain):
        connector.send(answer)
    (made,) = linkedin.comments
    assert (made["parentComment"], made["object"], made["message"]) == (
        COMMENT,
        ACTIVITY,
        {"text": "Am ddeg!"},
    )
    assert find(connector, answer) == Receipt(made["commentUrn"])
    assert find(connector, post("Arall", in_reply_to=COMMENT)) is None


@pytest.mark.parametrize("about", [OURS, ACTIVITY])
def test_a_comment_on_a_post_has_no_parent(linkedin: LinkedIn, about: str) -> None:
    account(linkedin.port).send(post("Diolch", in_reply_to=about))
    assert (linkedin.comments[0]["object"], linkedin.comments[0].get("parentComment")) == (about, None)
    assert linkedin.posts == []


def test_an_answer_to_mail_is_no_comment(linkedin: LinkedIn) -> None:
    account(linkedin.port).send(post("Helo", in_reply_to="<abc@mail.example>"))
    assert linkedin.comments == [] and len(linkedin.posts) == 1


# --- the login
def test_the_token_is_of_somebody_with_a_role_on_this_page(linkedin: LinkedIn) -> None:
    account(linkedin.port).verify()
    with pytest.raises(AccountGone, match="no role"):
        account(linkedin.port, organization_id="1").verify()
    with pytest.raises(AccountGone):
        account(linkedin.port, {**SECRETS, "access_token": "old"}).verify()


def test_nobody_having_signed_in_yet_is_told_and_asks_nothing(linkedin: LinkedIn) -> None:
    connector = account(linkedin.port, {"client_secret": "secret of the app"})
    for call in (
        connector.verify,
        partial(connector.send, post("x")),
        partial(connector.poll or print, None),
    ):
        with pytest.raises(AccountGone) as told:
            call()
        assert told.value.code == NOT_SIGNED_IN
    assert linkedin.asked == []


def test_the_login_is_renewed_by_its_token_until_somebody_has_to_sign_in_anew(linkedin: LinkedIn) -> None:
    connector = account(linkedin.port, {**SECRETS, "refresh_token": "r1"})
    assert connector.refresh is not None and account(linkedin.port).refresh is None
    new = connector.refresh()
    assert new.secrets == {"access_token": "a new token of LinkedIn", "refresh_token": "what renews it"}
    assert (new.life_s, new.ends_s) == (5_183_999, 31_535_999)
    spent = account(linkedin.port, {**SECRETS, "refresh_token": "r0"})
    with pytest.raises(AccountGone):
        assert spent.refresh and spent.refresh()


def test_signing_in_fills_the_tokens_and_says_when_it_ends() -> None:
    provider = registry.provider("linkedin")
    assert provider.sign_in is not None
    assert provider.sign_in.places({"base_url": "https://api.linkedin.com"}) == (
        "https://www.linkedin.com/oauth/v2/authorization", "https://www.linkedin.com/oauth/v2/accessToken"
    )  # fmt: skip
    whole = provider.sign_in.accept(
        {}, {}, {"access_token": "a", "expires_in": 60, "refresh_token": "r", "refresh_token_expires_in": 600}
    )
    assert (whole.secrets, whole.life_s, whole.ends_s) == (
        {"access_token": "a", "refresh_token": "r"},
        60,
        600,
    )
    bare = provider.sign_in.accept({}, {}, {"access_token": "a", "expires_in": 60})
    assert (bare.secrets, bare.ends_s) == ({"access_token": "a", "refresh_token": ""}, 60)
    odd = provider.sign_in.accept({}, {}, {"access_token": "a", "expires_in": "soon", "refresh_token": 7})
    assert (odd.life_s, odd.ends_s) == (None, None)


# --- who spoke to us
def test_notifications_as_linkedin_documents_them_are_told_in_our_words(linkedin: LinkedIn) -> None:
    """DC3"""
    linkedin.told = TOLD["notifications"]
    reply, like, mention = polled(linkedin)
    assert (reply.kind, like.kind, mention.kind) == ("reply", "like", "mention")
    assert reply.meta["message_id"] == COMMENT and reply.text == "Faint o'r gloch?"
    assert reply.references == (ACTIVITY, "urn:li:share:7094637247487995904")
    assert like.meta["message_id"] == ACTIVITY and like.text == ""
    assert reply.sender == like.sender == "urn:li:person:zLqTygBP8S"
    assert mention.text == "شكرًا لكم" and mention.meta["message_id"] == "urn:li:share:7094637247890620555"
    assert reply.at == datetime(2023, 8, 9, 9, 48, 26, 310_000, tzinfo=UTC)


def test_those_of_the_same_millisecond_are_all_told_once(linkedin: LinkedIn) -> None:
    linkedin.told = [notification("COMMENT", n, at_ms=1000) for n in (1, 2)]
    connector = account(linkedin.port)
    assert connector.poll is not None
    first = connector.poll(None)
    linkedin.told += [notification("COMMENT", 3, at_ms=1000), notification("COMMENT", 4, at_ms=1001)]
    second = connector.poll(first.cursor)
    assert [one.key for one in (*first.events, *second.events)] == ["1", "2", "3", "4"]
    assert connector.poll(second.cursor).events == ()


@pytest.mark.parametrize("oldest_first", [False, True])
def test_what_one_poll_does_not_reach_the_next_goes_on_with(linkedin: LinkedIn, oldest_first: bool) -> None:
    """After days in which nobody asked, in whichever order LinkedIn lists; what comes meanwhile is not passed over."""
    linkedin.page, linkedin.oldest_first = 2, oldest_first
    linkedin.told = [notification("COMMENT", 1)]
    connector, told = account(linkedin.port), list[str]()
    assert connector.poll is not None
    cursor = connector.poll(None).cursor
    linkedin.told += [notification("COMMENT", n) for n in range(2, 131)]
    for n in range(131, 134):
        found = connector.poll(cursor)
        told, cursor = [*told, *(one.key for one in found.events)], json.loads(json.dumps(found.cursor))
        assert ("start" in cursor) == (n == 131)
        linkedin.told.append(notification("COMMENT", n))
    assert set(told) == {str(n) for n in range(2, 133)}


@pytest.mark.parametrize(
    "told", [{}, {"action": "COMMENT"}, {"action": "COMMENT", "notificationId": "x", "lastModifiedAt": 1}]
)
def test_what_cannot_be_read_costs_nothing_else(linkedin: LinkedIn, told: dict[str, Any]) -> None:
    linkedin.told = [notification("COMMENT", 1), {"lastModifiedAt": 1, **told}]
    assert [one.key for one in polled(linkedin)] == ["1"]


def test_what_cannot_be_read_of_what_was_asked_for_is_parked_as_of_a_call(linkedin: LinkedIn) -> None:
    linkedin.told = [{"action": "COMMENT", "notificationId": "x", "lastModifiedAt": 1}]
    connector = account(linkedin.port)
    assert connector.poll is not None and connector.read is not None
    (words,) = connector.poll(None).parked
    assert connector.read(words.encode()).parked == (words,)
    deep = b'{"elements": [{"a": ' + b"[" * 600 + b"]" * 600 + b"}]}"
    linkedin.once["/rest/organizationalEntityNotifications"] = Said(200, deep)
    assert connector.poll(None).parked == (deep.decode(),)


def test_an_action_never_seen_is_kept_for_a_person_and_the_pages_own_is_no_news(linkedin: LinkedIn) -> None:
    """H13"""
    linkedin.told = [notification("DANCED", 1), notification("ADMIN_COMMENT", 2)]
    connector = account(linkedin.port)
    assert connector.poll is not None
    polled = connector.poll(None)
    assert polled.events == () and len(polled.parked) == 1 and '"DANCED"' in polled.parked[0]


def test_what_is_told_of_another_organisation_is_not_ours() -> None:
    """H8: an app has one secret for all its pages; what does not say of whom it is waits for a person."""
    connector = account(1)
    assert connector.hooks is not None and connector.read is not None
    ours, theirs, nobodys = (notification("COMMENT", n) for n in (1, 2, 3))
    theirs["organizationalEntity"] = "urn:li:organization:999"
    del nobodys["organizationalEntity"]
    for heard in (
        connector.hooks(noted(ours, theirs, nobodys)), connector.read(noted(ours, theirs, nobodys).body)
    ):  # fmt: skip
        assert [one.key for one in heard.events] == ["1"] and len(heard.parked) == 1


NAMES = [
    "elements", "id", "commentary", "createdAt", "organization", "actor", "message", "text", "commentUrn", "created",
    "time", "action", "notificationId", "lastModifiedAt", "decoratedGeneratedActivity", "comment", "share",
    "totalShareStatistics", "likeCount", "access_token", "expires_in",
]  # fmt: skip


@given(shapes(NAMES, "COMMENT", "x", OURS, 1_700_000_000_000))
def test_an_answer_of_any_shape_stops_nobody(body: Any) -> None:
    """The provider's answers are not trusted."""
    connect = partial(account, secrets={**SECRETS, "refresh_token": "r1"})
    answer = post("x", in_reply_to=COMMENT)
    for told in (body, {"elements": [body]}):
        faces = (("poll", None), ("find", post("x")), ("find", answer), ("verify",), ("metrics", [OURS]))
        stops_nobody(connect, told, *faces, ("refresh",))


def test_only_a_question_in_linkedins_form_is_answered() -> None:
    """H12: no oracle for other words."""
    code = "890e4665-4dfe-4ab1-b689-ed553bceeed0"
    hooks = account(1).hooks
    assert hooks is not None
    heard = hooks(Call("GET", {}, {"challengeCode": code}, b"", SINCE))
    right = hmac.new(b"secret of the app", code.encode(), sha256).hexdigest()
    assert json.loads(heard.answer) == {"challengeCode": code, "challengeResponse": right}
    assert heard.events == () and heard.content_type == "application/json"
    for other in ("", "x", f"hmacsha256={{}}{code}", f"{code}\n"):
        with pytest.raises(NotAuthentic):
            hooks(Call("GET", {}, {"challengeCode": other}, b"", SINCE))


def test_the_answer_to_a_question_proves_no_call() -> None:
    """H12"""
    code = "890e4665-4dfe-4ab1-b689-ed553bceeed0"
    hooks = account(1).hooks
    assert hooks is not None
    answer = json.loads(hooks(Call("GET", {}, {"challengeCode": code}, b"", SINCE)).answer)[
        "challengeResponse"
    ]
    with pytest.raises(NotAuthentic):
        hooks(Call("POST", {"x-li-signature": answer}, {}, code.encode(), SINCE))


@pytest.mark.parametrize(
    "body", [b"", b"no", b"[]", b"{}", b'{"notifications": 1}', b'{"notifications": [1, null]}']
)
def test_a_proven_call_of_any_shape_is_parked(body: bytes) -> None:
    """H9"""
    hooks = account(1).hooks
    assert hooks is not None
    heard = hooks(signed(body))
    assert heard.events == () and heard.parked


def test_settings_that_make_no_sense_are_named() -> None:
    wrong: dict[str, Any] = {
        "organization_id": "cyngor", "version": "v2", "base_url": "https://x.example", "deadline_s": 0
    }  # fmt: skip
    with pytest.raises(BadSettings) as caught:
        account(1, **wrong)
    assert set(caught.value.problems) == set(wrong)


def polled(linkedin: LinkedIn) -> tuple[Event, ...]:
    connector = account(linkedin.port)
    assert connector.poll is not None
    return connector.poll(None).events


def notification(action: str, n: int, at_ms: int | None = None) -> dict[str, Any]:
    return {
        "action": action, "notificationId": n, "lastModifiedAt": at_ms or 1_700_000_000_000 + n,
        "organizationalEntity": ORGANISATION, "sourcePost": ACTIVITY,
        "generatedActivity": f"urn:li:comment:({ACTIVITY},{n})",
        "decoratedGeneratedActivity": {"comment": {"text": f"{action} {n}", "owner": "urn:li:person:a"}},
    }  # fmt: skip


def signed(body: bytes, secret: str = "secret of the app") -> Call:
    signature = hmac.new(secret.encode(), b"hmacsha256=" + body, sha256).hexdigest()
    return Call("POST", {"x-li-signature": signature}, {}, body, SINCE)


# --- the contract of every connector
class FarLinkedIn(PostsSide, FarEvents, FarMedia, FarMetrics):
    """LinkedIn's side: it knows posts by their words only."""

    kinds = ("reply", "mention", "like", "boost")
    theirs = {
        "impressions": "impressionCount", "reach": "uniqueImpressionsCount", "likes": "likeCount",
        "boosts": "shareCount", "replies": "commentCount", "clicks": "clickCount",
    }  # fmt: skip
    figures = tuple(theirs)
    no_picture = ("/upload/urn:li:image:1", "lose")
    many = 260  # more than one poll asks for, at five a page

    def taken(self) -> list[tuple[str, Any]]:
        return [(unescaped(one["commentary"]), one) for one in self.it.posts]

    def media(self, key: str) -> list[tuple[bytes, str]]:
        content = self.made(key)["content"]
        images = content.get("multiImage", {}).get("images") or [content["media"]]
        return [(self.it.images[one["id"]], one["altText"]) for one in images]

    def happen(self, kind: str, n: int) -> None:
        action = {"reply": "COMMENT", "mention": "SHARE_MENTION", "like": "LIKE", "boost": "SHARE"}[kind]
        self.it.told.append(notification(action, 1 + len(self.it.told)))


class Hooked(Called):
    """LinkedIn's calls: the body is signed, and no time."""

    signed_headers = ("x-li-signature",)
    timed = False


def noted(*told: dict[str, Any], **secret: str) -> Call:
    return signed(json.dumps({"type": "x", "notifications": told}).encode(), **secret)


class TestContract(OutboundContract, RepeatContract, PollContract, MediaContract, MetricsContract):
    """LinkedIn keeps the promises of every connector."""

    @pytest.fixture
    def far(self, linkedin: LinkedIn) -> FarLinkedIn:
        linkedin.page = 5
        return FarLinkedIn(linkedin, account, post, *SECRETS.values())


class TestLogins(RefreshContract):
    """A token that renews others, for the apps that are given one."""

    @pytest.fixture
    def far(self, linkedin: LinkedIn) -> Renewing:
        refused = {"/oauth/v2/accessToken": Said(400, {"error": "invalid_grant"})}
        return Renewing(
            linkedin, account, {**SECRETS, "refresh_token": "r1"}, "/oauth/v2/accessToken", refused
        )


class TestHooks(HookContract, ReadContract):
    """And of those that call us."""

    @pytest.fixture
    def far(self) -> Hooked:
        good = notification("COMMENT", 1)
        bad = {"action": "COMMENT", "organizationalEntity": ORGANISATION}
        return Hooked(
            lambda: account(1), lambda: noted(good), lambda: noted(good, bad), lambda: noted(good, secret=OLD)
        )
