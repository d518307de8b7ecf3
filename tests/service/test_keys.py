"""The key ring: made once, kept private, and what it seals opens only where it belongs."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from campaigns.errors import LinkNotValid
from campaigns.links import Links
from service import keys

SECRETS = {"password": "correct horse", "imap_password": "battery staple"}


def test_the_ring_is_made_at_first_start_for_its_owner_alone(tmp_path: Path) -> None:
    first = keys.load(tmp_path / "data")
    mode = stat.S_IMODE((tmp_path / "data" / keys.NAME).stat().st_mode)
    assert mode == 0o600
    assert keys.load(tmp_path / "data").keys == first.keys
    assert [path.name for path in (tmp_path / "data").iterdir()] == [keys.NAME]


def test_processes_that_start_at_once_agree_on_one_ring(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        rings = set(pool.map(lambda _: keys.load(tmp_path).keys, range(16)))
    assert len(rings) == 1


@pytest.mark.parametrize("text", ["", "{}", '{"keys": []}', '{"keys": ["YQ=="]}', "not json"])
def test_a_damaged_ring_stops_the_start_and_is_not_replaced(tmp_path: Path, text: str) -> None:
    path = tmp_path / keys.NAME
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(keys.BadKeyRing, match="damaged"):
        keys.load(tmp_path)
    assert path.read_text() == text


def test_a_ring_that_others_can_read_stops_the_start(tmp_path: Path) -> None:
    keys.load(tmp_path)
    (tmp_path / keys.NAME).chmod(0o640)
    with pytest.raises(keys.BadKeyRing, match="chmod 600"):
        keys.load(tmp_path)


def test_secrets_open_for_their_account_and_no_other(tmp_path: Path) -> None:
    ring = keys.load(tmp_path)
    sealed = ring.seal(7, SECRETS)
    assert ring.open(7, sealed) == SECRETS
    assert b"horse" not in sealed
    with pytest.raises(keys.BadKeyRing, match="another account"):
        ring.open(8, sealed)


def test_an_account_without_secrets_has_none(tmp_path: Path) -> None:
    assert keys.load(tmp_path).open(7, None) == {}


def test_another_installation_cannot_open_them(tmp_path: Path) -> None:
    sealed = keys.load(tmp_path / "a").seal(7, SECRETS)
    with pytest.raises(keys.BadKeyRing):
        keys.load(tmp_path / "b").open(7, sealed)


def test_a_changed_byte_does_not_open(tmp_path: Path) -> None:
    ring = keys.load(tmp_path)
    sealed = bytearray(ring.seal(7, SECRETS))
    sealed[40] ^= 1
    with pytest.raises(keys.BadKeyRing):
        ring.open(7, bytes(sealed))


def test_a_renewed_ring_opens_what_was_sealed_before_and_seals_anew(tmp_path: Path) -> None:
    old = keys.load(tmp_path)
    sealed = old.seal(7, SECRETS)
    ring = keys.renew(tmp_path)
    assert ring.open(7, sealed) == SECRETS
    again = ring.reseal(sealed)
    with pytest.raises(keys.BadKeyRing):
        old.open(7, again)
    assert keys.load(tmp_path).open(7, again) == SECRETS


def test_links_signed_before_a_renewal_still_lead_somewhere(tmp_path: Path) -> None:
    before = Links("http://x", keys.load(tmp_path).link_keys()).token("unsubscribe", 5)
    after = Links("http://x", keys.renew(tmp_path).link_keys())
    assert after.read("unsubscribe", before) == 5
    with pytest.raises(LinkNotValid):
        Links("http://x", keys.load(tmp_path / "other").link_keys()).read("unsubscribe", before)


def test_a_ring_never_shows_its_keys(tmp_path: Path) -> None:
    ring = keys.load(tmp_path)
    assert str(ring.keys[0]) not in repr(ring)
