"""What the documents say is so: pasted commands run, links lead somewhere, targets and settings exist.

A block of shell commands that follows `<!-- paste: NAME -->` is run, all of a page in one shell, against an
instance of its own; each `<!-- shows: TEXT -->` after it must stand in its output. http://127.0.0.1:8080 in a
block is replaced by the address of that instance.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from service import settings

from .codemap import ROOT
from .instance import Instance, instance

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
DEFAULT_URL = "http://127.0.0.1:8080"
PASTE = re.compile(
    r"<!-- paste: (?P<name>[\w -]+?) -->\s*```sh\n(?P<script>.*?)```(?P<shows>(?:\s*<!-- shows: .*? -->)*)",
    re.S,
)
SHOWS = re.compile(r"<!-- shows: (.*?) -->")
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
TARGET = re.compile(r"`make ([a-z-]+)|^make ([a-z-]+)", re.M)


@dataclass(frozen=True)
class Block:
    """Commands to paste, and what must stand in their output."""

    name: str
    script: str
    shows: list[str] = field(default_factory=list)


def blocks(page: str) -> list[Block]:
    """Every block of a page that is marked to be pasted."""
    return [Block(one["name"], one["script"], SHOWS.findall(one["shows"])) for one in PASTE.finditer(page)]


def paste(found: list[Block], running: Instance, folder: Path) -> dict[str, str]:
    """Run blocks in one shell, as somebody pastes them one by one; gives the output of each by name."""
    # A curl that is refused must fail here as it would be noticed there.
    (folder / ".curlrc").write_text("silent\nshow-error\nfail-with-body\nmax-time = 30\n")
    tools = Path(sys.executable).parent
    environ = {
        **running.environ,
        "CURL_HOME": str(folder),
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
    }
    script = "".join(f"printf '\\036{one.name}\\037'\n{one.script}\n" for one in found)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script.replace(DEFAULT_URL, running.url)],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout.replace("\036", "\n== ").replace("\037", "\n")
    parts = (part.partition("\037") for part in done.stdout.split("\036")[1:])
    return {name: output for name, _, output in parts}


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Instance]:
    with instance(Path(sys.executable).parent / "dolen", tmp_path) as started:
        yield started


def test_the_commands_of_the_readme_run_when_pasted(running: Instance, tmp_path: Path) -> None:
    """The first call and a first campaign, word for word."""
    found = blocks((ROOT / "README.md").read_text(encoding="utf-8"))
    assert [one.name for one in found][:2] == ["first call", "first campaign"]
    output = paste(found, running, tmp_path)
    missing = [(one.name, text) for one in found for text in one.shows if text not in output[one.name]]
    assert missing == [], output


def test_a_marked_block_is_found_with_what_it_shows() -> None:
    marked = '<!-- paste: one -->\n```sh\necho a\n```\n<!-- shows: a -->\n<!-- shows: "b" -->\n'
    page = f"text\n{marked}```sh\nnot this\n```\n"
    assert blocks(page) == [Block("one", "echo a\n", ["a", '"b"'])]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    links = LINK.findall(page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_make_target_that_is_told_of_exists_and_is_explained() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    explained = set(re.findall(r"^([a-z-]+):.*## ", text, re.M))
    told = {
        name
        for page in PAGES
        for pair in TARGET.findall(page.read_text(encoding="utf-8"))
        for name in pair
        if name
    }
    assert told - explained == set()
    assert set(re.findall(r"^([a-z-]+):", text, re.M)) == explained


def test_every_setting_stands_in_the_example_with_a_word_on_what_it_does() -> None:
    section, told = "", []
    for line in (ROOT / "config/dolen.toml.example").read_text(encoding="utf-8").splitlines():
        if head := re.fullmatch(r"\[(\w+)\]", line):
            section = head[1]
        elif setting := re.match(r"(\w+) = ", line):
            told.append(f"{section}.{setting[1]}")
    assert told == settings.names()


def test_every_decision_is_in_the_list_of_decisions() -> None:
    index = (ROOT / "docs/decisions/README.md").read_text(encoding="utf-8")
    pages = sorted(path.name for path in (ROOT / "docs/decisions").glob("[0-9]*.md"))
    assert re.findall(r"\((\d{4}-[\w-]+\.md)\)", index) == pages
