"""What providers say, kept as samples: each tells where it is from and when it was so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .far import CONNECTORS

SAMPLES = sorted(CONNECTORS.glob("*/samples/**/*.json"))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: f"{path.parts[-3]}/{path.stem}")
def test_a_sample_says_where_it_is_from_and_when(path: Path) -> None:
    found = json.loads(path.read_text(encoding="utf-8"))
    assert found["source"] and found["date"].startswith("20")
