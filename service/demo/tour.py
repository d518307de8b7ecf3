"""Between the demo and its page: what the reader asked for, and what was played, as two files in the demo's folder.

Rules: the page only asks; whoever runs the demo holds the processes, so only they can kill one.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Tour:
    """The tour of the demo in this folder."""

    folder: Path

    def ask(self, step: str) -> None:
        """Ask for the next step; whoever asks twice gets it once."""
        self._write("asked.json", {"step": step})

    def asked(self) -> str:
        """The step that was asked for last, or nothing."""
        return str(self._read("asked.json").get("step", ""))

    def tell(self, **facts: Any) -> None:
        """Add to what the page shows: `ids`, `playing`, `problem`, or the facts of a step under `played`."""
        known = self.told()
        played = {**known.get("played", {}), **facts.pop("played", {})}
        self._write("told.json", {**known, **facts, "played": played})

    def told(self) -> dict[str, Any]:
        """Everything that was told so far."""
        return self._read("told.json")

    def _read(self, name: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((self.folder / name).read_text("utf-8"))
        except FileNotFoundError:
            return {}
        return found

    def _write(self, name: str, what: dict[str, Any]) -> None:
        """Whole or not at all: the other process may be reading."""
        draft = self.folder / f"{name}.{os.getpid()}"
        draft.write_text(json.dumps(what, ensure_ascii=False), "utf-8")
        draft.replace(self.folder / name)
