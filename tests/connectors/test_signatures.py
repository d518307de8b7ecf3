"""Standard Webhooks: the published vector, rotation, time, and everything that proves nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from connectors import signatures
from connectors.api import NotAuthentic

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
AT = datetime.fromtimestamp(1614265330, UTC)
BODY = b'{"test": 2432232314}'
HEADERS = {
    "webhook-id": ID,
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}


def test_the_published_vector_is_signed_and_proven() -> None:
    """The example every implementation of the specification agrees on."""
    assert signatures.sign(SECRET, ID, AT, BODY) == HEADERS
    assert signatures.verify([SECRET], HEADERS, BODY, AT) == ID


def test_the_older_names_of_the_headers_are_read() -> None:
    """Some providers still send svix-id, svix-timestamp, svix-signature."""
    headers = {name.replace("webhook", "svix"): value for name, value in HEADERS.items()}
    assert signatures.verify([SECRET], headers, BODY, AT) == ID


def flipped() -> Iterator[tuple[dict[str, str], bytes]]:
    for place in range(len(BODY) * 8):
        yield HEADERS, bits(BODY, place)
    for name, value in HEADERS.items():
        for place in range(len(value) * 8):
            yield {**HEADERS, name: bits(value.encode(), place).decode("latin-1")}, BODY


def bits(value: bytes, place: int) -> bytes:
    whole = int.from_bytes(value, "big") ^ (1 << place)
    return whole.to_bytes(len(value), "big")


def test_every_flipped_bit_is_refused() -> None:
    """`H1`: each bit of id, time, signature and body, one at a time."""
    tried = 0
    for headers, body in flipped():
        with pytest.raises(NotAuthentic):
            signatures.verify([SECRET], headers, body, AT)
        tried += 1
    assert tried == 8 * (len(BODY) + sum(len(value) for value in HEADERS.values()))


def test_while_a_secret_changes_both_hold_on_either_side() -> None:
    """Receiver with two secrets, sender with two signatures."""
    new = signatures.new_secret()
    by_new = signatures.sign(new, ID, AT, BODY)
    assert signatures.verify([new, SECRET], HEADERS, BODY, AT) == ID
    assert signatures.verify([new, SECRET], by_new, BODY, AT) == ID
    both = f"v1a,ed25519 {by_new['webhook-signature']} {HEADERS['webhook-signature']}"
    assert signatures.verify([SECRET], {**HEADERS, "webhook-signature": both}, BODY, AT) == ID
    with pytest.raises(NotAuthentic):
        signatures.verify([new], HEADERS, BODY, AT)
    with pytest.raises(NotAuthentic):
        signatures.verify([], HEADERS, BODY, AT)


@pytest.mark.parametrize(
    ("away_s", "proven"), [(0, True), (300, True), (-300, True), (301, False), (-301, False), (10**9, False)]
)
def test_a_hook_proves_something_for_five_minutes(away_s: int, proven: bool) -> None:
    """`H3`: neither an old call nor one from the future."""
    now = AT + timedelta(seconds=away_s)
    if proven:
        assert signatures.verify([SECRET], HEADERS, BODY, now) == ID
    else:
        with pytest.raises(NotAuthentic):
            signatures.verify([SECRET], HEADERS, BODY, now)


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-id": ""},
        {"webhook-timestamp": ""},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,"},
        {"webhook-signature": HEADERS["webhook-signature"][3:]},
        {"webhook-signature": HEADERS["webhook-signature"].replace("v1,", "v2,")},
        {"webhook-signature": HEADERS["webhook-signature"].replace("v1,", "v1a,")},
        {"webhook-signature": HEADERS["webhook-signature"].rstrip("=")},
        {"webhook-timestamp": "١٦١٤٢٦٥٣٣٠"},
        {"webhook-timestamp": "+1614265330"},
        {"webhook-timestamp": "1614265330.0"},
        {"webhook-timestamp": "9" * 5_000},
        {"webhook-id": "msg_ŵ"},
    ],
)
def test_what_is_missing_or_misspelt_proves_nothing(changed: dict[str, str]) -> None:
    """`H1`: no error of another kind escapes, whatever the headers hold."""
    with pytest.raises(NotAuthentic):
        signatures.verify([SECRET], {**HEADERS, **changed}, BODY, AT)


def test_json_written_again_proves_nothing() -> None:
    """`H2`: the bytes as they came, not what they mean."""
    with pytest.raises(NotAuthentic):
        signatures.verify([SECRET], HEADERS, b'{"test":2432232314}', AT)


def test_a_new_secret_is_long_and_never_the_same() -> None:
    """256 random bits."""
    made = {signatures.new_secret() for _ in range(100)}
    assert len(made) == 100 and {len(signatures.key(each)) for each in made} == {32}


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_%%%", "whsec_abc", "secret with blanks"])
def test_a_secret_that_is_none_is_told(secret: str) -> None:
    """An empty key would prove anything to anyone."""
    with pytest.raises(ValueError, match=r".+"):
        signatures.key(secret)
