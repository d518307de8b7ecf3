"""`dolen verify-export FILE`: whether a file that was taken out is genuine and whole; without network or database."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from .. import keys, settings, signed_zip


def arguments(parser: ArgumentParser) -> None:
    """The file, and whose it should be."""
    parser.add_argument("file", type=Path)
    parser.add_argument(
        "--key",
        metavar="PEM",
        type=Path,
        help="the public key of who signed it; else that of the installation here",
    )


def run(args: Namespace) -> int:
    """Exit status 0: genuine and by that key; 1: changed; 2: whole, but nobody can say by whom."""
    try:
        trusted = [signed_zip.read_pem(args.key.read_bytes())] if args.key else _ours()
        proof = signed_zip.check(args.file, trusted)
    except signed_zip.NotOurs as error:
        print(f"NOT GENUINE: {error}", file=sys.stderr)
        return 1
    print(f"{proof.files} files, each as it was signed by the key {proof.fingerprint}")
    if proof.known:
        print("This key is the one that is trusted here.")
        return 0
    print(
        "This key is not known here: compare it with the one whoever made the file tells you.",
        file=sys.stderr,
    )
    return 2


def _ours() -> list[bytes]:
    """The keys of the installation on this machine, where there is one; none is made."""
    folder = settings.load().folder
    if not (folder / keys.NAME).exists():
        return []
    return [signed_zip.public_key(seed) for seed in keys.load(folder).export_keys()]
