"""`dolen openapi`: the description of the API as it is now, to be checked in."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from tempfile import TemporaryDirectory

from ..app import create_app
from ..openapi import document
from ..settings import load
from ..wiring import Wiring


def arguments(parser: ArgumentParser) -> None:
    """Where to write it."""
    parser.add_argument("--output", type=Path, default=Path("docs/openapi.json"))


def run(args: Namespace) -> int:
    """Write it; no installation is needed."""
    with TemporaryDirectory() as folder:
        wiring = Wiring(load({"DOLEN__DATA__DIR": folder}))
        args.output.write_bytes(document(create_app(wiring=wiring)))
        wiring.close()
    return 0
