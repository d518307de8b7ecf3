"""`dolen demo`: a sample year on real mail, left running with a tour; `--once` plays the tour by itself."""

from __future__ import annotations

import secrets
import sys
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ..demo.tour import Tour
from ..engines.embedded import until_told

if TYPE_CHECKING:
    from ..demo.story import Story

LOOK_S = 0.2


def arguments(parser: ArgumentParser) -> None:
    """How it ends, and where it keeps its things."""
    parser.add_argument("--once", action="store_true", help="play every step and end")
    parser.add_argument("--folder", type=Path, default=Path("var/demo"), help="made new at each start")


def run(args: Namespace) -> int:
    """Play; 1 where the loop does not hold."""
    try:
        from ..demo.cast import cast
        from ..demo.story import prepare
    except ModuleNotFoundError as missing:
        print(f"dolen demo: {missing.name} is missing: pip install 'dolen[demo]'", file=sys.stderr)
        return 1
    began = time.monotonic()
    with cast(args.folder.absolute()) as stage:
        try:
            story = prepare(stage)
            if args.once:
                _play_all(story)
                print(f"\nThe loop was played in {time.monotonic() - began:.0f} s.")
                return 0
        except RuntimeError as error:
            print(f"dolen demo: {error}", file=sys.stderr)
            return 1
        _guide(story, Tour(stage.folder))
    return 0


def _play_all(story: Story) -> None:
    from ..demo.story import STEPS, record

    for step in STEPS.values():
        step(story)
    record(story)


def _guide(story: Story, tour: Tour) -> None:
    """Play what the tour's page asks for, until Ctrl-C."""
    key = secrets.token_urlsafe(16)
    tour.tell(key=key, ids=story.ids)
    print(
        f"\nOpen {story.cast.base_url}/tour/{key} and come in. It runs until Ctrl-C.\nTOKEN={story.boss.token}",
        flush=True,
    )
    told = until_told(lambda: None)
    while not told.wait(LOOK_S):
        step = tour.asked()
        if step and step not in tour.told()["played"]:
            _play(story, tour, step)


def _play(story: Story, tour: Tour, step: str) -> None:
    from ..demo.story import STEPS

    tour.tell(playing=step, problem="")
    try:
        tour.tell(played={step: STEPS[step](story)}, playing="", ids=story.ids)
    except RuntimeError as error:
        print(f"dolen demo: {error}", file=sys.stderr, flush=True)
        tour.tell(played={step: {}}, playing="", problem=str(error))
