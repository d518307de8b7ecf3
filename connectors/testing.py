"""The contract suites every connector must pass, shipped so that connectors from elsewhere can use them.

Rules: a suite is subclassed in a test module and gets one fixture, `far`: the provider's side of the wire,
doubled by the connector's author (see `FarSide` and its kinds). A class may hold several suites, so no two of them call
a test the same: the first would stand for both. Only tests import this: it needs pytest.

    class TestOurs(OutboundContract, RepeatContract):
        @pytest.fixture
        def far(self) -> Iterator[OurFarSide]:
            with our_fake_provider() as provider:
                yield OurFarSide(provider)
"""

from __future__ import annotations

import json
import socket
from abc import ABC, abstractmethod
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from .api import (
    FIGURES,
    AccountGone,
    Blind,
    Call,
    Connector,
    ConnectorError,
    Deferred,
    Event,
    Findable,
    Keyed,
    Limits,
    Medium,
    NotAuthentic,
    Outbound,
    Reading,
    Receipt,
    Renewed,
    Uncertain,
)

EVENT_KINDS = frozenset(
    ("reply", "mention", "like", "boost", "bounce", "complaint", "opt_out", "auto_reply")
    + ("delivered", "opened", "clicked")
)
# A picture of one point (PNG), the smallest that decoders take; a byte after its end makes another of it.
PIXEL = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="
)
# What may stand where a call was kept: nothing, another form, another shape, no text, what is nested without end.
BODIES = (
    b"",
    b"null",
    b"[]",
    b"{}",
    b'"words"',
    b"a=b&c=d",
    b'{"a": [{"b": null}]}',
    b"\xff\x00",
    b"[" * 5000,
)
# What may stand where another value was expected, and what of an event is always words.
ODD: tuple[Any, ...] = (None, True, -1, 10**30, 1e300, "", "x", [], [None], {}, {"a": None})
WORDS = (
    "key",
    "provider_id",
    "recipient_token",
    "sender",
    "sender_name",
    "about",
    "subject",
    "text",
    "language",
)
SCRIPTS = (
    "Dewch i’r cyfarfod nos Fercher: ŵ, ŷ, â.",
    "نلتقي مساء الأربعاء.\nأهلًا وسهلًا",
    ".a line that starts with a dot\n..and one with two",
    "👩‍👩‍👧 = one person? <b>&amp;</b> {{ name }} %s",
)


class FarSide(ABC):
    """The provider's side of one connector. Everything it hands out is about the same connected account."""

    @abstractmethod
    def connector(self) -> Connector:
        """The connector under test, connected to this provider."""

    @abstractmethod
    def outbound(self, n: int, text: str = "Hello") -> Outbound:
        """The n-th distinct thing to send; the provider takes it."""

    @abstractmethod
    def accepted(self) -> list[str]:
        """What the provider took, oldest first: the key of each acceptance, once per acceptance."""

    @abstractmethod
    def text(self, key: str) -> str:
        """The text the provider took under a key, as its readers would see it."""

    @abstractmethod
    def troubles(self) -> Mapping[type[ConnectorError], Callable[[int], Outbound]]:
        """How to bring about each error this wire knows: prepare the provider, hand out the n-th to send.

        Deferred, AccountGone and Uncertain are known on every wire. After Deferred the same thing is taken
        within three more tries. Uncertain is taken by the provider, which then hangs up.
        """

    @abstractmethod
    def unreachable(self) -> Connector:
        """A connector whose provider does not listen."""

    def secrets(self) -> list[str]:
        """The secrets of the account, which no error may show."""
        return []


class FarRepeats(FarSide):
    """A provider whose answers can be lost on the way."""

    @abstractmethod
    def unanswered(self, n: int) -> Outbound:
        """The provider takes this one and hangs up; a second try is answered."""

    @abstractmethod
    def lost(self, n: int) -> Outbound:
        """The provider reads this one, does not take it, and hangs up; a second try is taken."""

    @abstractmethod
    def pass_time(self, seconds: float) -> None:
        """The provider believes that this much time went by."""


class FarEvents(FarSide):
    """A provider that is asked what came back. `kinds` are what it can bring, `many` fill a page."""

    kinds: tuple[str, ...] = ("reply",)
    many: int = 25

    @abstractmethod
    def happen(self, kind: str, n: int) -> None:
        """The n-th event, of this kind, is there to be asked for."""


class FarRobots(FarEvents):
    """A provider that shows which accounts are robots."""

    @abstractmethod
    def robot(self, n: int) -> None:
        """The n-th robot does all that the provider shows as a robot's: answers, likes, shares on."""


class FarMedia(FarSide):
    """A provider that takes pictures with a post."""

    @abstractmethod
    def media(self, key: str) -> list[tuple[bytes, str]]:
        """The pictures that it took with the post of this key, each with what it is said to show, in their order."""

    @abstractmethod
    def refuses_media(self) -> None:
        """The provider breaks off at the next picture it is given: nothing is posted."""


class FarMetrics(FarSide):
    """A provider that counts what becomes of a post. `figures` are those of FIGURES that it can tell."""

    figures: tuple[str, ...] = ("likes",)

    @abstractmethod
    def count(self, provider_id: str, figure: str, value: int) -> None:
        """From now on it tells this of the post."""


class FarHooks(ABC):
    """A provider that calls us.

    Every bit of `signed_headers` is proven, of the body too if `signs_body`; `timed`: calls are refused that are
    older than `back_s`, or five minutes ahead. `batches`: one call can bring several events.
    """

    signed_headers: tuple[str, ...] = ()
    signs_body: bool = True
    timed: bool = True
    back_s: int = 300
    batches: bool = True

    @abstractmethod
    def connector(self) -> Connector:
        """The connector under test, with two secrets where the provider lets secrets overlap."""

    @abstractmethod
    def call(self) -> Call:
        """A genuine call with at least one event."""

    @abstractmethod
    def older(self) -> Call:
        """A genuine call proven by the secret being replaced; the same as `call` where there is one."""

    @abstractmethod
    def spoilt(self) -> Call:
        """A genuine call in which one event cannot be read, and one is good if a call brings several."""

    def kept(self, call: Call) -> bytes:
        """A call as it would be parked whole, where that is more than its body."""
        return call.body

    def flips(self, call: Call) -> list[Call]:
        """The call, each time with another bit of what is signed flipped."""
        flipped = [
            replace(call, headers=each) for each in _flipped_headers(call.headers, self.signed_headers)
        ]
        return flipped + [replace(call, body=each) for each in _flipped(call.body) if self.signs_body]

    def bare(self, call: Call) -> list[Call]:
        """The call without some of its proof: a header left out, left empty or cut short."""
        headers = call.headers
        without = [{key: headers[key] for key in headers if key != name} for name in self.signed_headers]
        empty = [{**headers, name: ""} for name in self.signed_headers]
        cut = [{**headers, name: headers[name][:-1]} for name in self.signed_headers]
        return [replace(call, headers=each) for each in without + empty + cut]


class FarLogins(ABC):
    """A provider that gives a new login for the one there is."""

    @abstractmethod
    def connector(self) -> Connector:
        """The account, with a login that can be renewed."""

    @abstractmethod
    def unreachable(self) -> Connector:
        """The account, whose provider does not listen."""

    @abstractmethod
    def with_login(self, renewed: Renewed) -> Connector:
        """The account with what came of a renewal put over what it had."""

    @abstractmethod
    def takes_back(self) -> None:
        """The provider renews the account's login no more."""

    @abstractmethod
    def breaks(self) -> None:
        """The provider hangs up on the next that asks for a new login, whether it gave one or not."""

    def secrets(self) -> list[str]:
        """The secrets of the account, which no error may show."""
        return []


class FarPeople(ABC):
    """No provider at all: people carry out what is handed over."""

    @abstractmethod
    def connector(self) -> Connector:
        """The connector under test."""

    @abstractmethod
    def outbound(self, n: int, text: str = "Hello") -> Outbound:
        """The n-th distinct thing to hand over."""


class OutboundContract:
    """What every connector owes when it sends."""

    def test_it_declares_what_it_is(self, far: FarSide) -> None:
        """Name, channel, limits and repeats are such as the domain can work with."""
        connector = far.connector()
        assert connector.name and connector.channel
        assert connector.limits.in_flight >= 1 and connector.limits.deadline_s > 0
        assert isinstance(connector.repeats, Keyed | Findable | Blind)

    def test_to_verify_sends_nothing(self, far: FarSide) -> None:
        """Proving the login leaves no trace with any reader."""
        far.connector().verify()
        assert far.accepted() == []

    def test_what_is_sent_is_taken_once_and_named(self, far: FarSide) -> None:
        """One send is one acceptance, with the provider's name for it."""
        receipt = far.connector().send(far.outbound(1))
        assert receipt.provider_id and far.accepted() == [far.outbound(1).key]

    def test_two_things_get_two_names(self, far: FarSide) -> None:
        """Later events can tell them apart."""
        connector = far.connector()
        receipts = [connector.send(far.outbound(n)) for n in (1, 2)]
        assert receipts[0].provider_id != receipts[1].provider_id

    @pytest.mark.parametrize("text", SCRIPTS)
    def test_every_script_arrives_as_it_was_written(self, far: FarSide, text: str) -> None:
        """Welsh, Arabic, emoji, leading dots and markup reach the reader unchanged."""
        outbound = far.outbound(1, text)
        far.connector().send(outbound)
        assert far.text(outbound.key) == text

    def test_each_trouble_is_told_by_its_type(self, far: FarSide) -> None:
        """The type says what may be done next, so it must be exact; only Uncertain may have been taken."""
        connector = far.connector()
        troubles = far.troubles()
        assert {Deferred, AccountGone, Uncertain} <= set(troubles)
        for n, kind in enumerate(sorted(troubles, key=lambda each: each is AccountGone), start=1):
            outbound = troubles[kind](n)
            with pytest.raises(ConnectorError) as told:
                connector.send(outbound)
            assert type(told.value) is kind and told.value.words
            assert (outbound.key in far.accepted()) == (kind is Uncertain)

    def test_what_was_deferred_goes_later(self, far: FarSide) -> None:
        """Deferred means that the same thing is taken at a later try, once."""
        connector, outbound = far.connector(), far.troubles()[Deferred](1)
        with pytest.raises(Deferred):
            connector.send(outbound)
        assert _tries(connector, outbound, 3).provider_id
        assert far.accepted() == [outbound.key]

    def test_a_provider_that_does_not_listen_is_deferred(self, far: FarSide) -> None:
        """Nothing was written, so it is safe to try again: the failure says so by its phase."""
        connector = far.unreachable()
        with pytest.raises(Deferred) as told:
            connector.send(far.outbound(1))
        assert told.value.phase == "connect"
        with pytest.raises(ConnectorError):
            connector.verify()

    def test_no_error_shows_a_secret(self, far: FarSide) -> None:
        """Errors are stored and shown; secrets are neither."""
        connector, secrets = far.connector(), far.secrets()
        for n, prepare in enumerate(far.troubles().values(), start=1):
            with pytest.raises(ConnectorError) as told:
                connector.send(prepare(n))
            shown = f"{told.value} {told.value!r} {told.value.words} {told.value.code}"
            assert not [secret for secret in secrets if secret in shown]

    def test_as_much_as_is_declared_can_be_in_flight(self, far: FarSide) -> None:
        """Threads share a connector; each thing is taken once."""
        connector = far.connector()
        outbounds = [far.outbound(n) for n in range(1, 3 * connector.limits.in_flight + 1)]
        with ThreadPoolExecutor(connector.limits.in_flight) as threads:
            receipts = list(threads.map(connector.send, outbounds))
        assert len({receipt.provider_id for receipt in receipts}) == len(outbounds)
        assert sorted(far.accepted()) == sorted(each.key for each in outbounds)

    def test_to_close_twice_is_harmless(self, far: FarSide) -> None:
        """Whoever ends last may close again."""
        connector = far.connector()
        connector.send(far.outbound(1))
        connector.close()
        connector.close()


class RepeatContract:
    """What a connector owes after Uncertain, by what it declares about repeats."""

    def test_what_went_unanswered_is_not_sent_twice(self, far: FarRepeats) -> None:
        """Keyed: repeating is harmless. Findable: it is found. Blind: nothing claims to know."""
        connector, outbound = far.connector(), far.unanswered(1)
        with pytest.raises(Uncertain):
            connector.send(outbound)
        match connector.repeats:
            case Keyed():
                assert connector.send(outbound) == connector.send(outbound)
            case Findable(visible_within_s=seconds):
                far.pass_time(seconds)
                found = _find(connector, outbound)
                assert found and found.provider_id
            case Blind():
                assert connector.find is None
        assert far.accepted() == [outbound.key]

    def test_what_was_lost_is_known_not_to_have_gone(self, far: FarRepeats) -> None:
        """Keyed: the repeat is the first. Findable: a look-up says no, so it can go. Blind: as before."""
        connector, outbound = far.connector(), far.lost(1)
        with pytest.raises(Uncertain):
            connector.send(outbound)
        assert far.accepted() == []
        match connector.repeats:
            case Findable(visible_within_s=seconds):
                far.pass_time(seconds)
                assert _find(connector, outbound) is None
            case Blind():
                assert connector.find is None
        connector.send(outbound)
        assert far.accepted() == [outbound.key]

    def test_another_thing_is_never_taken_for_this_one(self, far: FarRepeats) -> None:
        """A key or a look-up that is too wide would swallow a delivery."""
        connector, first, second = far.connector(), far.outbound(1), far.outbound(2)
        receipt = connector.send(first)
        if isinstance(connector.repeats, Findable):
            far.pass_time(connector.repeats.visible_within_s)
            assert _find(connector, second) is None
            assert _find(connector, first) == receipt
        assert connector.send(second).provider_id != receipt.provider_id
        assert far.accepted() == [first.key, second.key]


class PollContract:
    """What a connector owes when it is asked what came back."""

    def test_what_happened_since_arrives_once_with_its_cursor(self, far: FarEvents) -> None:
        """Every kind it can bring arrives, and the cursor moves past it."""
        connector = far.connector()
        _, start = _drained(connector, None)
        for n, kind in enumerate(far.kinds, start=1):
            far.happen(kind, n)
        events, cursor = _drained(connector, start)
        assert sorted(each.kind for each in events) == sorted(far.kinds)
        assert _drained(connector, cursor)[0] == []

    def test_an_older_cursor_brings_the_same_again(self, far: FarEvents) -> None:
        """The cursor is stored with what was read; if that commit fails, nothing may be lost."""
        connector = far.connector()
        _, start = _drained(connector, None)
        far.happen(far.kinds[0], 1)
        first, _ = _drained(connector, start)
        again, _ = _drained(connector, start)
        assert [each.key for each in first] == [each.key for each in again] != []

    def test_more_than_a_page_arrives_whole(self, far: FarEvents) -> None:
        """Page by page, nothing is lost and nothing comes under two keys."""
        connector = far.connector()
        _, start = _drained(connector, None)
        for n in range(1, far.many + 1):
            far.happen(far.kinds[0], n)
        events, _ = _drained(connector, start)
        assert len({each.key for each in events}) == len(events) == far.many

    def test_events_are_in_our_words(self, far: FarEvents) -> None:
        """Kinds of the closed list, aware times, a key, the provider's own bytes."""
        connector = far.connector()
        _, start = _drained(connector, None)
        for n, kind in enumerate(far.kinds, start=1):
            far.happen(kind, n)
        for event in _drained(connector, start)[0]:
            _check_event(event)
            assert event.raw

    def test_a_poll_of_a_provider_that_does_not_listen_is_deferred(self, far: FarEvents) -> None:
        """A poll that fails changes nothing and is tried again."""
        poll = far.unreachable().poll
        assert poll is not None
        with pytest.raises(Deferred):
            poll(None)


class RobotContract:
    """What a connector owes whose provider shows which accounts are robots."""

    def test_what_a_robot_does_is_nobodys_doing(self, far: FarRobots) -> None:
        """It is left out, or told as what a machine said; people after it are heard as ever."""
        connector = far.connector()
        _, start = _drained(connector, None)
        far.robot(1)
        events, cursor = _drained(connector, start)
        assert {each.kind for each in events} <= {"auto_reply"}
        far.happen(far.kinds[0], 1)
        assert far.kinds[0] in {each.kind for each in _drained(connector, cursor)[0]}


class MediaContract:
    """What a connector owes that takes pictures."""

    def test_it_declares_which_pictures_it_takes(self, far: FarMedia) -> None:
        """The domain refuses the others before anybody approves them."""
        limits = far.connector().limits
        assert 0 <= limits.media_min <= limits.media_max and limits.media_max >= 1
        assert limits.media_types and all("/" in one for one in limits.media_types)

    def test_pictures_go_with_their_words_in_their_order(self, far: FarMedia) -> None:
        """Bytes as they are, and what they show for whoever cannot see them."""
        connector = far.connector()
        given = pictures(min(connector.limits.media_max, 2), connector.limits)
        outbound = replace(far.outbound(1), media=given)
        connector.send(outbound)
        assert far.media(outbound.key) == [(one.load(), one.alt) for one in given]

    def test_a_picture_that_does_not_get_there_means_that_nothing_was_posted(self, far: FarMedia) -> None:
        """A picture by itself is seen by nobody, so it may be given again: never Uncertain."""
        connector = far.connector()
        outbound = replace(far.outbound(1), media=pictures(1, connector.limits))
        far.refuses_media()
        with pytest.raises(Deferred):
            connector.send(outbound)
        assert far.accepted() == []
        assert _tries(connector, outbound, 3).provider_id
        assert far.accepted() == [outbound.key]


class MetricsContract:
    """What a connector owes that tells what a provider counts."""

    def test_what_is_counted_is_told_by_the_posts_name(self, far: FarMetrics) -> None:
        """In our words, and each figure that it says it can tell."""
        connector = far.connector()
        names = [connector.send(far.outbound(n)).provider_id for n in (1, 2)]
        for n, figure in enumerate(far.figures, start=1):
            far.count(names[0], figure, n)
        told = {(one.provider_id, one.figure): one.value for one in _metrics(connector, names)}
        assert set(far.figures) <= set(FIGURES) and {figure for _, figure in told} <= set(FIGURES)
        for n, figure in enumerate(far.figures, start=1):
            assert told[names[0], figure] == n
        assert {name for name, _ in told} <= set(names)

    def test_a_post_that_is_gone_is_not_told_as_zero(self, far: FarMetrics) -> None:
        """Missing is not zero."""
        connector = far.connector()
        name = connector.send(far.outbound(1)).provider_id
        told = _metrics(connector, [name, _like(name)])
        assert {one.provider_id for one in told} <= {name}

    def test_nothing_is_asked_about_nothing(self, far: FarMetrics) -> None:
        """An empty list costs no call."""
        assert _metrics(far.unreachable(), []) == []


class HookContract:
    """What a connector owes when it is called."""

    def test_a_genuine_call_is_heard(self, far: FarHooks) -> None:
        """Its events are in our words."""
        heard = _hear(far, far.call())
        assert heard
        for event in heard:
            _check_event(event)

    def test_the_same_call_again_brings_the_same_keys(self, far: FarHooks) -> None:
        """Providers repeat; the key is how we notice."""
        call = far.call()
        assert [each.key for each in _hear(far, call)] == [each.key for each in _hear(far, call)]

    def test_a_secret_that_is_being_replaced_still_proves(self, far: FarHooks) -> None:
        """Changing a secret loses no call."""
        assert _hear(far, far.older())

    def test_one_flipped_bit_proves_nothing(self, far: FarHooks) -> None:
        """Every bit of what is signed, one at a time."""
        flipped = far.flips(far.call())
        assert flipped
        for each in flipped:
            with pytest.raises(NotAuthentic):
                _hear(far, each)

    def test_a_call_without_its_proof_proves_nothing(self, far: FarHooks) -> None:
        """`H1`: a header left out, left empty or cut short; or what there is in its place."""
        bare = far.bare(far.call())
        assert bare
        for each in bare:
            with pytest.raises(NotAuthentic):
                _hear(far, each)

    def test_an_old_call_proves_nothing(self, far: FarHooks) -> None:
        """Nor one that is ahead, where the provider signs a time."""
        call = far.call()
        for away_s in (-290, far.back_s - 10):
            assert _hear(far, replace(call, at=call.at + timedelta(seconds=away_s)))
        for away_s in (-310, far.back_s + 10) if far.timed else ():
            with pytest.raises(NotAuthentic):
                _hear(far, replace(call, at=call.at + timedelta(seconds=away_s)))

    def test_what_cannot_be_read_is_parked_and_the_rest_kept(self, far: FarHooks) -> None:
        """`H9`: one malformed event does not cost the good ones."""
        hooks = far.connector().hooks
        assert hooks is not None
        heard = hooks(far.spoilt())
        assert len(heard.events) == (1 if far.batches else 0) and len(heard.parked) == 1

    def test_to_hear_needs_no_network(self, far: FarHooks, monkeypatch: pytest.MonkeyPatch) -> None:
        """A hook is answered at once, and by nobody else's leave."""
        call, connector = far.call(), far.connector()
        no_network(monkeypatch)
        assert connector.hooks is not None and connector.hooks(call).events


class ReadContract:
    """What a connector owes that reads again what it could not read when it came."""

    def test_what_was_proven_is_read_as_it_was_heard(self, far: FarHooks) -> None:
        """The same keys, so that what is read twice counts once."""
        connector, call = far.connector(), far.call()
        assert connector.hooks is not None and connector.read is not None
        again = connector.read(far.kept(call)).events
        assert [(each.key, each.kind) for each in again] == [
            (each.key, each.kind) for each in connector.hooks(call).events
        ]

    def test_what_was_parked_is_read_again_from_its_own_words(self, far: FarHooks) -> None:
        """Nothing else is kept of it; what cannot be read yet is parked as it was."""
        connector = far.connector()
        assert connector.hooks is not None and connector.read is not None
        parked = connector.hooks(far.spoilt()).parked
        assert parked
        assert [connector.read(words.encode()).parked for words in parked] == [(words,) for words in parked]

    @pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
    def test_no_body_ends_in_an_error_or_in_an_event(self, far: FarHooks, body: bytes) -> None:
        """A later release may have read it otherwise; whoever replays it learns nothing by an error."""
        read = far.connector().read
        assert read is not None and read(body).events == ()

    def test_a_value_of_another_kind_stops_nobody(self, far: FarHooks) -> None:
        """`H9`: each value of a genuine call in turn of every other kind, or the call cut off: kept, or an event."""
        read = far.connector().read
        bodies = list(_odd(far.kept(far.call())))
        assert read is not None and len(bodies) > 10
        for body in bodies:
            for event in read(body).events:
                _check_event(event)
                assert all(isinstance(getattr(event, name), str) for name in WORDS), body

    def test_to_read_needs_no_network(self, far: FarHooks, monkeypatch: pytest.MonkeyPatch) -> None:
        """What was kept is all there is."""
        call, connector = far.call(), far.connector()
        no_network(monkeypatch)
        assert connector.read is not None and connector.read(far.kept(call)).events


class RefreshContract:
    """What a connector owes that renews its login."""

    def test_a_new_login_works_and_says_how_long(self, far: FarLogins) -> None:
        """Its secrets are the connector's own, for it takes them back; what is not told of its life is None."""
        renewed = _refresh(far.connector())
        assert renewed.secrets
        assert all(each is None or each > 0 for each in (renewed.life_s, renewed.ends_s))
        far.with_login(renewed).verify()

    def test_what_came_of_a_renewal_gives_the_next(self, far: FarLogins) -> None:
        """Whatever gives a new login is renewed with it, where it is good for once."""
        again = far.with_login(_refresh(far.connector()))
        far.with_login(_refresh(again)).verify()

    def test_a_login_that_is_taken_back_is_the_end_of_the_account(self, far: FarLogins) -> None:
        """Nobody asks for ever: a person has to sign in."""
        connector = far.connector()
        far.takes_back()
        with pytest.raises(AccountGone) as told:
            _refresh(connector)
        assert not [secret for secret in far.secrets() if secret in f"{told.value!r} {told.value.words}"]

    def test_an_answer_that_is_lost_ends_no_account(self, far: FarLogins) -> None:
        """It is asked for again; the old login may still be good."""
        connector = far.connector()
        far.breaks()
        with pytest.raises((Deferred, Uncertain)) as told:
            _refresh(connector)
        assert not [secret for secret in far.secrets() if secret in f"{told.value!r} {told.value.words}"]

    def test_a_login_is_not_lost_on_a_provider_that_does_not_listen(self, far: FarLogins) -> None:
        """Nothing was spent."""
        with pytest.raises(Deferred) as told:
            _refresh(far.unreachable())
        assert told.value.phase == "connect"


class ByPeopleContract:
    """What a connector owes whose hand-overs people carry out."""

    def test_it_declares_what_people_do(self, far: FarPeople) -> None:
        """Name, channel, limits; and what is given out again is the same piece of work."""
        connector = far.connector()
        assert connector.name and connector.channel and connector.limits.in_flight >= 1
        assert isinstance(connector.repeats, Keyed) and connector.find is None

    def test_people_have_it_and_nobody_says_that_it_was_done(self, far: FarPeople) -> None:
        """Only people can say so; the same thing keeps its name, and another has another."""
        connector = far.connector()
        first, again, second = (connector.send(far.outbound(n)) for n in (1, 1, 2))
        assert first.with_people and first.provider_id and first == again
        assert second.provider_id != first.provider_id

    @pytest.mark.parametrize("text", SCRIPTS)
    def test_words_of_every_script_are_taken(self, far: FarPeople, text: str) -> None:
        """People read them from us, as they were written."""
        assert far.connector().send(far.outbound(1, text)).with_people

    def test_to_give_it_out_needs_no_network(self, far: FarPeople, monkeypatch: pytest.MonkeyPatch) -> None:
        """So it can neither be lost on the way nor go twice."""
        no_network(monkeypatch)
        connector = far.connector()
        connector.verify()
        assert connector.send(far.outbound(1)).with_people
        connector.close()
        connector.close()


def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks up a name or connects fails the test."""

    def caught(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("it went to the network")

    monkeypatch.setattr(socket, "getaddrinfo", caught)
    monkeypatch.setattr(socket.socket, "connect", caught)


def pictures(count: int, limits: Limits) -> tuple[Medium, ...]:
    """So many different small pictures of the first type that is taken, each with what it shows in Welsh."""
    kind = limits.media_types[0]

    def picture(n: int) -> Medium:
        data = PIXEL + bytes([n])
        url = f"https://dolen.example/m/{n}.png"
        return Medium(
            f"{n}.png", kind, f"Pont Llanfair, llun {n} – الجسر", len(data), url, lambda: data, 1, 1
        )

    return tuple(picture(n) for n in range(1, count + 1))


def _metrics(connector: Connector, names: list[str]) -> list[Reading]:
    assert connector.metrics is not None
    return list(connector.metrics(names))


def _like(name: str) -> str:
    """Another name of the same shape."""
    return name[:-1] + ("2" if name.endswith("1") else "1")


def _tries(connector: Connector, outbound: Outbound, most: int) -> Receipt:
    for _ in range(most - 1):
        try:
            return connector.send(outbound)
        except Deferred:
            continue
    return connector.send(outbound)


def _refresh(connector: Connector) -> Renewed:
    assert connector.refresh is not None
    return connector.refresh()


def _find(connector: Connector, outbound: Outbound) -> Receipt | None:
    assert connector.find is not None
    return connector.find(outbound)


def _drained(connector: Connector, cursor: Mapping[str, Any] | None) -> tuple[list[Event], Mapping[str, Any]]:
    """Everything after a cursor, and the cursor after it; each goes through JSON, as it does when stored."""
    assert connector.poll is not None
    events: list[Event] = []
    while True:
        polled = connector.poll(cursor)
        cursor = json.loads(json.dumps(dict(polled.cursor)))
        if not polled.events:
            return events, cursor or {}
        events += polled.events


def _hear(far: FarHooks, call: Call) -> tuple[Event, ...]:
    hooks = far.connector().hooks
    assert hooks is not None
    return hooks(call).events


def _check_event(event: Event) -> None:
    assert event.key and event.kind in EVENT_KINDS
    assert event.at.tzinfo is not None


def _odd(body: bytes) -> Iterator[bytes]:
    """A body that is JSON with each of its values changed; any other cut off at each place."""
    try:
        told = json.loads(body)
    except ValueError:
        yield from (body[:at] for at in range(len(body)))
    else:
        yield from (json.dumps(each).encode() for each in _changed(told))


def _changed(told: Any) -> Iterator[Any]:
    """A value of every other kind, then the same with each value inside it changed."""
    yield from ODD
    if isinstance(told, dict):
        for name, value in told.items():
            yield from ({**told, name: each} for each in _changed(value))
    elif isinstance(told, list):
        for place, value in enumerate(told):
            yield from ([*told[:place], each, *told[place + 1 :]] for each in _changed(value))


def _flipped(value: bytes) -> list[bytes]:
    return [
        value[:place] + bytes([value[place] ^ (1 << bit)]) + value[place + 1 :]
        for place in range(len(value))
        for bit in range(8)
    ]


def _flipped_headers(headers: Mapping[str, str], names: tuple[str, ...]) -> list[dict[str, str]]:
    return [
        {**headers, name: value.decode("latin-1")}
        for name in names
        for value in _flipped(headers[name].encode("latin-1"))
    ]
