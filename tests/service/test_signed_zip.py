"""A signed ZIP is proven without us, and whatever was done to it is found."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from service import signed_zip
from service.signed_zip import NotOurs

SEED, OTHER = b"s" * 32, b"o" * 32
FILES = {"data/one.jsonl": b'{"a":1}\n', "record.en.html": b"<p>Hello</p>", "files/ffeil ŵ.txt": b"words"}


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """A file as it is given away."""
    sources = []
    for place, (name, body) in enumerate(FILES.items()):
        source = tmp_path / str(place)
        source.write_bytes(body)
        sources.append((name, source))
    target = tmp_path / "one.zip"
    signed_zip.pack(target, sources, SEED)
    return target


def changed(packed: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The same file after somebody had it in hand."""
    with zipfile.ZipFile(packed) as whole:
        bodies = {name: whole.read(name) for name in whole.namelist()}
    change(bodies)
    with zipfile.ZipFile(packed, "w") as whole:
        for name, body in bodies.items():
            whole.writestr(name, body)
    return packed


def test_what_was_packed_is_proven(packed: Path) -> None:
    """F14"""
    ours = signed_zip.check(packed, [signed_zip.public_key(SEED)])
    assert (ours.known, ours.files) == (True, len(FILES))
    assert not signed_zip.check(packed, [signed_zip.public_key(OTHER)]).known
    with zipfile.ZipFile(packed) as whole:
        assert {name: whole.read(name) for name in FILES} == FILES


def drop(bodies: dict[str, bytes]) -> None:
    del bodies["record.en.html"]


def resign(bodies: dict[str, bytes]) -> None:
    bodies[signed_zip.KEY] = signed_zip.pem(OTHER)


@pytest.mark.parametrize("name", [*FILES, signed_zip.SUMS, signed_zip.SIGNATURE])
def test_every_changed_byte_is_found(packed: Path, name: str) -> None:
    """F14"""

    def flip(bodies: dict[str, bytes]) -> None:
        bodies[name] = bytes([bodies[name][0] ^ 1]) + bodies[name][1:]

    with pytest.raises(NotOurs):
        signed_zip.check(changed(packed, flip))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (drop, "record.en.html is missing"),
        (lambda bodies: bodies.update({"more.txt": b"-"}), "not signed with more.txt"),
        (resign, "does not fit"),
        (lambda bodies: bodies.update({signed_zip.KEY: b"no key"}), "cannot be read"),
        (lambda bodies: bodies.pop(signed_zip.SIGNATURE), "no export"),
    ],
)
def test_what_was_added_taken_away_or_signed_by_somebody_else_is_found(
    packed: Path, change: Callable[[dict[str, bytes]], None], why: str
) -> None:
    with pytest.raises(NotOurs, match=why):
        signed_zip.check(changed(packed, change))


def test_a_file_that_is_no_zip_or_was_cut_off_is_none_of_ours(packed: Path) -> None:
    whole = packed.read_bytes()
    for body in (b"", b"words", whole[: len(whole) // 2]):
        packed.write_bytes(body)
        with pytest.raises(NotOurs):
            signed_zip.check(packed)


def test_a_byte_changed_anywhere_is_found_or_changes_nothing_that_is_read(packed: Path) -> None:
    """F14: whatever was done to the file, the answer is that it is genuine or that it is not."""
    whole = packed.read_bytes()
    found = 0
    for place in range(len(whole)):
        packed.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            signed_zip.check(packed)
            with zipfile.ZipFile(packed) as read:
                assert {name: read.read(name) for name in FILES} == FILES, place
        except NotOurs:
            found += 1
    assert found > len(whole) / 2


def test_a_name_that_is_in_it_twice_is_refused(packed: Path) -> None:
    """Two readers could see two files."""
    with pytest.warns(UserWarning), zipfile.ZipFile(packed, "a") as whole:
        whole.writestr("record.en.html", b"another")
    with pytest.raises(NotOurs, match="twice"):
        signed_zip.check(packed)
