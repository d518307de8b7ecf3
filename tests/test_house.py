"""What no linter knows of the house: the tree is as drawn, files say what they are, sending has one door."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from campaigns.errors import DomainError
from service.problems import PROBLEMS

from . import codemap
from .codemap import AROUND, LONG, PRODUCT, ROOT, Source

OURS = codemap.sources(*PRODUCT, *AROUND)
CONNECTORS = sorted(path.parent.name for path in (ROOT / "connectors").glob("*/__init__.py"))
# Made, fetched or stored on this machine, and not part of the project.
NOT_OURS = {"build", "dist", "var", "__pycache__", "node_modules"}
HIDDEN_OURS = {".ci", ".gitignore", ".github"}
# Put together from pieces, or this file would break its own rule.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|NotImplemented" r"Error|not imple" r"mented)\b")
MACHINE_PATH = re.compile(r"(?<![\w.])/(ro" r"ot|wo" r"rk|home|Us" r"ers)/\w")
SENDER = "campaigns/delivery/send.py"


def by_name(one: Source) -> str:
    return one.name


@pytest.mark.parametrize("source", OURS, ids=by_name)
def test_a_file_opens_with_one_sentence_that_says_what_it_is(source: Source) -> None:
    assert source.purpose, "no docstring"
    assert source.purpose[0].isupper() or source.purpose[0] in "`/"
    assert source.purpose[-1] in ".?!:", "the first paragraph is not a sentence"


@pytest.mark.parametrize("source", OURS, ids=by_name)
def test_a_long_function_has_its_reason_beside_it(source: Source) -> None:
    without = [one for one in source.functions if one.lines > LONG and not one.reason]
    assert not without, f"over {LONG} lines and no `# long: why` beside the signature: {without}"


def test_nothing_is_unfinished_and_nothing_names_a_path_of_a_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in _texts()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if UNFINISHED.search(line) or MACHINE_PATH.search(line)
    ]
    assert not found, "\n".join(found)


def test_the_words_that_must_not_be_there_would_be_found() -> None:
    assert UNFINISHED.search("# TO" + "DO: later") and MACHINE_PATH.search('open("/ro' + 'ot/x")')
    assert not UNFINISHED.search("todos os dias") and not MACHINE_PATH.search("https://example.org/home/x")


def test_the_code_map_in_architecture_is_the_tree_as_it_is() -> None:
    assert codemap.written() == codemap.block(), "run `make codemap`"


def test_the_tree_drawn_in_architecture_is_the_tree_on_disk() -> None:
    page = codemap.PAGE.read_text(encoding="utf-8").partition(codemap.BEGIN)[0]
    drawn, top = set(), ""
    for indent, name in re.findall(r"^( *)([a-z_]+)/ ", page, re.M):
        top = top if indent else name
        drawn.add(f"{top}/{name}" if indent else name)
    packages = [path.parent for top in PRODUCT for path in (ROOT / top).glob("*/__init__.py")]
    # Whoever adds a connector changes nothing here: its page and the code map tell of it.
    rooms = {path.relative_to(ROOT).as_posix() for path in packages if path.parent.name != "connectors"}
    assert drawn == {*PRODUCT, *AROUND, "docs", *rooms}


@pytest.mark.parametrize("name", CONNECTORS)
def test_a_connector_has_contract_tests_and_a_page(name: str) -> None:
    tests = [
        *(ROOT / "tests/connectors").glob(f"test_{name}*.py"),
        *(ROOT / f"tests/connectors/{name}").glob("*.py"),
    ]
    imported = [module for path in tests for module in Source(path).imports()]
    assert any(module.startswith("connectors.testing") for module in imported), "no contract suite"
    assert (ROOT / f"docs/connectors/{name}.md").is_file(), "no page"


def test_every_error_of_the_domain_has_a_code_of_its_own_and_a_status() -> None:
    codes = Counter(error.code for error in _family(DomainError))
    assert [code for code, times in codes.items() if times > 1] == []
    assert sorted(set(codes) - set(PROBLEMS)) == [], "no line in service/problems.py"


def test_only_the_sender_asks_a_connector_to_send() -> None:
    """B1: whatever the path, there is one door to the provider, and the gate stands before it."""
    calls = [
        f"{source.name}:{node.lineno}"
        for source in codemap.sources("campaigns", "service")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute) and node.attr in ("send", "send_many") and source.name != SENDER
    ]
    assert calls == []


def test_the_sender_is_where_the_rule_says() -> None:
    tree = Source(ROOT / SENDER).tree
    assert any(isinstance(node, ast.Attribute) and node.attr == "send" for node in ast.walk(tree))


def test_tests_stand_where_the_rooms_stand() -> None:
    # The catalogue of faults goes through all rooms.
    apart = {Path(), Path("faults")}
    folders = {
        path.parent.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("test_*.py")
    } - apart
    strangers = [str(folder) for folder in folders if not (ROOT / folder).is_dir()]
    assert strangers == []


def _family(error: type[DomainError]) -> Iterator[type[DomainError]]:
    yield error
    for child in error.__subclasses__():
        yield from _family(child)


def _texts() -> Iterator[Path]:
    """Every text file of the project."""
    folders = [ROOT]
    while folders:
        for path in sorted(folders.pop().iterdir()):
            hidden = path.name.startswith(".") and path.name not in HIDDEN_OURS
            if hidden or path.name in NOT_OURS or path.name.endswith(".egg-info"):
                continue
            if path.is_dir():
                folders.append(path)
            elif b"\0" not in path.read_bytes():
                yield path
