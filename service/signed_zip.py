"""A ZIP that anybody can prove to be ours and unchanged, without us: sums of its files, signed by Ed25519.

Rules: `SHA256SUMS` names every other file but the signature and the key; `SHA256SUMS.sig` is the signature of its
bytes; the key inside says who signed only to somebody who knows it from elsewhere.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

SUMS, SIGNATURE, KEY = "SHA256SUMS", "SHA256SUMS.sig", "public-key.pem"
CHUNK = 1024 * 1024
# The sums of a million files take less; what claims more is none of ours.
SUMS_MAX = 256 * 1024 * 1024
_LINE = re.compile(r"([0-9a-f]{64})  ([^\r\n]+)")
# What reading a ZIP ends in that was damaged, or made to be read in another way.
_DAMAGED = (zipfile.BadZipFile, zlib.error, KeyError, EOFError, RuntimeError, OSError, ValueError)
# Any day will do: it is not told when each part was written.
_DAY = (1980, 1, 1, 0, 0, 0)


class NotOurs(Exception):
    """A file that is not what was signed; the text says why."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a file was found to be: by whose key, and how many files it holds."""

    fingerprint: str
    known: bool  # the key is one that the reader trusts
    files: int


def pack(
    target: Path, parts: Iterable[tuple[str, Path]], seed: bytes, beat: Callable[[], object] = lambda: None
) -> str:
    """Write these files, each by its name inside, as a signed ZIP; its SHA-256. `beat` is called again and again."""
    sums = []
    key = Ed25519PrivateKey.from_private_bytes(seed)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as whole:
        for name, source in parts:
            with source.open("rb") as read:
                sums.append(f"{_copied(whole, name, read, beat)}  {name}\n")
        told = "".join(sums).encode()
        for name, body in ((SUMS, told), (SIGNATURE, key.sign(told)), (KEY, _pem(key.public_key()))):
            whole.writestr(_entry(name), body)
    with target.open("rb") as read:
        return _digest(read, beat)


def check(file: Path, trusted: Collection[bytes] = ()) -> Proof:
    """Prove a file; NotOurs where anything in it was changed, added or taken away. `trusted` are public keys, raw."""
    with file.open("rb") as body:
        try:
            return _checked(zipfile.ZipFile(body), trusted)
        except _DAMAGED as error:
            raise NotOurs(f"this is no export of Dolen, or it is damaged: {error}") from error


def public_key(seed: bytes) -> bytes:
    """The raw public key that belongs to a seed."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def pem(seed: bytes) -> bytes:
    """The same as a PEM file."""
    return _pem(Ed25519PrivateKey.from_private_bytes(seed).public_key())


def read_pem(body: bytes) -> bytes:
    """The raw public key in a PEM file; NotOurs where there is none."""
    try:
        found = load_pem_public_key(body)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise NotOurs("the public key cannot be read") from error
    if not isinstance(found, Ed25519PublicKey):
        raise NotOurs("the public key is not an Ed25519 key")
    return found.public_bytes_raw()


def fingerprint(raw: bytes) -> str:
    """A public key as people compare it: its SHA-256 in groups of four."""
    digest = hashlib.sha256(raw).hexdigest()[:32]
    return " ".join(digest[place : place + 4] for place in range(0, 32, 4))


def _checked(whole: zipfile.ZipFile, trusted: Collection[bytes]) -> Proof:
    names = [one.filename for one in whole.infolist()]
    if len(set(names)) != len(names):
        raise NotOurs("a file is in it twice")
    if (
        whole.getinfo(SUMS).file_size > SUMS_MAX
        or max(_size(whole, name) for name in (SIGNATURE, KEY)) > CHUNK
    ):
        raise NotOurs("its list of files is too large")
    raw, told = read_pem(whole.read(KEY)), whole.read(SUMS)
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(whole.read(SIGNATURE), told)
    except InvalidSignature:
        raise NotOurs("the signature does not fit the list of files") from None
    sums = dict(_sums(told))
    strangers = set(names) - set(sums) - {SUMS, SIGNATURE, KEY}
    if strangers or (gone := set(sums) - set(names)):
        raise NotOurs(
            f"it was not signed with {sorted(strangers)[0]}" if strangers else f"{sorted(gone)[0]} is missing"
        )
    for name, wanted in sums.items():
        with whole.open(name) as read:
            if _digest(read) != wanted:
                raise NotOurs(f"{name} is not what was signed")
    return Proof(fingerprint(raw), raw in trusted, len(sums))


def _size(whole: zipfile.ZipFile, name: str) -> int:
    return whole.getinfo(name).file_size


def _sums(told: bytes) -> Iterator[tuple[str, str]]:
    for line in told.decode("utf-8", "replace").split("\n"):
        if not line:
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            raise NotOurs("its list of files cannot be read")
        yield found[2], found[1]


def _digest(read: IO[bytes], beat: Callable[[], object] = lambda: None) -> str:
    digest = hashlib.sha256()
    while part := read.read(CHUNK):
        digest.update(part)
        beat()
    return digest.hexdigest()


def _copied(whole: zipfile.ZipFile, name: str, read: IO[bytes], beat: Callable[[], object]) -> str:
    digest = hashlib.sha256()
    with whole.open(_entry(name), "w", force_zip64=True) as out:
        while part := read.read(CHUNK):
            digest.update(part)
            out.write(part)
            beat()
    return digest.hexdigest()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _DAY)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    return entry


def _pem(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
