"""Tokens in links and reply addresses: those that are out in the world stay good."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b32encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.errors import LinkNotValid
from campaigns.links import Links, Tokens

LINKS = Links("https://dolen.example", (b"k" * 32, b"o" * 32))
USES = st.sampled_from(["unsubscribe", "preferences", "reader", "reply", "letter"])


@given(use=USES, number=st.integers(0, (1 << 63) - 1), key=st.binary(min_size=32, max_size=32))
def test_a_token_is_the_id_and_its_hmac_in_base32(use: str, number: int, key: bytes) -> None:
    """As `hmac` and `b32encode` write it: links in letters of years ago are read by the same rule."""
    body = number.to_bytes(8, "big")
    mac = hmac.new(key, use.encode() + b"\0" + body, hashlib.sha256).digest()[:15]
    token = Links("", (key,)).token(use, number)
    assert token == b32encode(body + mac).decode().rstrip("=").lower()
    assert Links("", (b"new" * 11, key)).read(use, token) == number


@given(uses=st.lists(USES, max_size=5).map(tuple), number=st.integers(0, (1 << 63) - 1))
def test_tokens_that_are_made_together_are_those_made_one_by_one(uses: tuple[str, ...], number: int) -> None:
    assert LINKS.tokens(uses, number) == [LINKS.token(use, number) for use in uses]
    tokens = Tokens(LINKS, number)
    assert tokens.of(uses) == [tokens[use] for use in uses]


def test_a_token_that_was_sent_out_before_is_still_ours() -> None:
    assert LINKS.read("unsubscribe", "cerbb5d55garklm6yemehnwvylquh3q34tcas") == 1_234_567_890_123_456_789


@given(use=USES, number=st.integers(0, (1 << 63) - 1), place=st.integers(0, 36))
def test_a_token_with_another_letter_or_for_another_use_is_not_ours(
    use: str, number: int, place: int
) -> None:
    token = LINKS.token(use, number)
    other = "b" if token[place] == "a" else "a"
    if place < 36:  # of the last letter one bit means nothing
        with pytest.raises(LinkNotValid):
            LINKS.read(use, token[:place] + other + token[place + 1 :])
    with pytest.raises(LinkNotValid):
        LINKS.read("another", token)
