"""Tests of addresses: which two are the same, which are none, and who holds them."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns.errors import BadAddress
from campaigns.stakeholders import addresses, people
from campaigns.stakeholders.tables import Address

SAME = [
    pytest.param("Ann@Example.com", "ann@example.com", id="C10"),
    pytest.param("café@x.cymru", "cafe\u0301@x.cymru", id="C11"),
    pytest.param("a@münchen.de", "a@xn--mnchen-3ya.de", id="C12"),
    pytest.param("a@MÜNCHEN.de", "A@XN--MNCHEN-3YA.DE", id="C12-capitals"),
    pytest.param(" ann@example.com ", "ann@example.com", id="spaces-around"),
]
NONE = [
    pytest.param("a@ﬁ.com", id="C14"),
    pytest.param("ann@example.com, bob@example.com", id="C15-two"),
    pytest.param("ann@example.com;bob@example.com", id="C15-semicolon"),
    pytest.param('"Jones, Ann" <ann@example.com>', id="C15-display-name"),
    pytest.param("Ann <ann@example.com>", id="C15-angle"),
    *[
        "",
        "  ",
        "ann",
        "@example.com",
        "ann@",
        "a@b@example.com",
        "a b@example.com",
        ".a@example.com",
        "a..b@example.com",
    ],
    *[
        "a.@example.com",
        "ann@localhost",
        "ann@192.168.0.1",
        "ann@[127.0.0.1]",
        "ann@exa_mple.com",
        "ann@-x.com",
    ],
    *[
        "ann@example.com\r\nBcc: bob@example.com",
        "a\u200bnn@example.com",
        "ann\u202e@example.com",
        "ann@example。com",
    ],
    *[
        "ann@example..com",
        "ann@example.com.",
        "x" * 65 + "@example.com",
        "a@" + "x" * 64 + ".com",
        "a\ud800@x.com",
    ],
    *["a\x00@x.com", "ann@xn--a.com", "mailto:ann@example.com", None, 7],
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_two_spellings_of_one_address_have_one_key(one: str, other: str) -> None:
    assert addresses.key("email", one) == addresses.key("email", other)


def test_sharp_s_and_double_s_are_two_people() -> None:
    """C13."""
    assert addresses.key("email", "ß@x.de") != addresses.key("email", "ss@x.de")
    assert addresses.key("email", "a@straße.de") != addresses.key("email", "a@strasse.de")


@pytest.mark.parametrize("value", NONE)
def test_what_is_not_one_plain_address_is_refused(value: str) -> None:
    with pytest.raises(BadAddress) as refused:
        addresses.key("email", value)
    assert refused.value.pointer == "/value"


@pytest.mark.parametrize(
    "value", ["o'neill+news@example.org", "Πέτρος@παράδειγμα.ελ", "siân@cymru.wales", "علي@مثال.السعودية"]
)
def test_addresses_of_the_whole_world_are_taken(value: str) -> None:
    """M18: the key of a key is itself."""
    key = addresses.key("email", value)
    assert addresses.key("email", key) == key
    assert key.rsplit("@", 1)[1].isascii()


@given(local=st.text(max_size=12), domain=st.text(max_size=12))
def test_any_text_is_an_address_with_a_stable_key_or_refused(local: str, domain: str) -> None:
    try:
        key = addresses.key("email", f"{local}@{domain}.org")
    except BadAddress:
        return
    assert addresses.key("email", key) == key


def test_other_channels_have_keys_of_their_own() -> None:
    assert (
        addresses.key("sms", "+44 (0)29-2000 0000")
        == "+442920000000"
        == addresses.key("sms", "0044 29 2000 0000")
    )
    assert addresses.key("mastodon", "@Ann@Toot.Wales") == "ann@toot.wales"
    assert addresses.key("post", "1  Stryd Fawr,\tBangor".replace("\t", " ")) == "1 stryd fawr, bangor"
    for channel, value in (
        ("sms", "02920000000"),
        ("x", "two words"),
        ("x", "@"),
        ("E mail", "a@b.org"),
        ("", "a"),
    ):
        with pytest.raises(BadAddress):
            addresses.key(channel, value)


def test_an_address_is_added_once_and_keeps_how_it_was_written(session: Session, now: datetime) -> None:
    person = people.create(session, now, kind="person", name="Ann")
    first = addresses.add(session, now, person.id, "email", "Ann@Example.com", corporate=True)
    again = addresses.add(session, now, person.id, "email", "ann@example.COM")
    assert (again.id, again.value, again.corporate) == (first.id, "Ann@Example.com", True)
    assert [address.key for address in addresses.of(session, person.id)] == ["ann@example.com"]


def test_an_address_may_belong_to_a_family(session: Session, now: datetime) -> None:
    ann, bob, erased = (
        people.create(session, now, kind="person", name=name) for name in ("Ann", "Bob", "Cai")
    )
    for person in (bob, ann, erased):
        addresses.add(session, now, person.id, "email", "home@example.org")
    erased.state = "erased"
    session.flush()
    assert addresses.holders(session, "email", "home@example.org") == [ann.id, bob.id]
    addresses.retire(session, addresses.of(session, ann.id)[0])
    assert addresses.holders(session, "email", "home@example.org") == [bob.id]
    assert addresses.add(session, now, ann.id, "email", "home@example.org").state == "active"
    assert addresses.holders(session, "sms", "home@example.org") == []


@pytest.mark.parametrize(
    "typed",
    ["+44 7700 900123", "00447700900123", "447700900123", "07700 900 123", "(07700) 900-123", "7700900123"],
)
def test_a_number_is_meant_however_it_is_dialled(session: Session, now: datetime, typed: str) -> None:
    ann = people.create(session, now, kind="person", name="Ann")
    held = addresses.add(session, now, ann.id, "sms", "+44 (0)7700 900123")
    addresses.add(session, now, ann.id, "phone", "+44 7700 900124")
    found = session.scalars(select(Address).where(addresses.meant(typed, ("sms", "phone", "email"))))
    assert found.all() == [held]


@pytest.mark.parametrize(
    ("typed", "channel"), [("@Ann@Social.example", "mastodon"), ("ANN@münchen.de", "email")]
)
def test_a_handle_or_a_mail_is_meant_by_any_writing_of_it(
    session: Session, now: datetime, typed: str, channel: str
) -> None:
    ann = people.create(session, now, kind="person", name="Ann")
    held = addresses.add(session, now, ann.id, channel, typed)
    found = session.scalars(select(Address).where(addresses.meant(typed, ("mastodon", "email"))))
    assert found.all() == [held]
    assert addresses.dialled(typed) == addresses.dialled("12") == []
