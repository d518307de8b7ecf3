"""`dolen demo`: play the whole loop on real mail with sample people, and leave it running."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..engines.embedded import until_told


def arguments(parser: ArgumentParser) -> None:
    """How it ends, and where it keeps its things."""
    parser.add_argument("--once", action="store_true", help="end when the story is told")
    parser.add_argument("--folder", type=Path, default=Path("var/demo"), help="made new at each start")


def run(args: Namespace) -> int:
    """Play; 1 where the loop does not hold."""
    try:
        from ..demo.cast import cast
        from ..demo.story import play
    except ModuleNotFoundError as missing:
        print(f"dolen demo: {missing.name} is missing: pip install 'dolen[demo]'", file=sys.stderr)
        return 1
    began = time.monotonic()
    with cast(args.folder.absolute()) as stage:
        try:
            story = play(stage)
        except RuntimeError as error:
            print(f"dolen demo: {error}", file=sys.stderr)
            return 1
        print(f"\nThe loop was played in {time.monotonic() - began:.0f} s.")
        if not args.once:
            print(
                f"It goes on running on {stage.base_url} until Ctrl-C.\nTOKEN={story.boss.token}", flush=True
            )
            until_told(lambda: None).wait()
    return 0
