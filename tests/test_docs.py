"""What the documents say is so: pasted commands run, links lead somewhere, and everything there is is told of.

A block of shell commands that follows `<!-- paste: NAME -->` is run, all of a page in one shell, against an
instance of its own; each `<!-- shows: TEXT -->` after it must stand in its output. Only addresses and passwords
are replaced: those of the instance, of its practice provider, and of a relay for the reader's own.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

import pytest
from aiosmtpd.smtp import Envelope

from campaigns.delivery import states
from campaigns.messages.messages import MOVES
from connectors import registry
from service import permissions, settings
from service.__main__ import COMMANDS
from service.app import create_app
from service.permissions import ROLES, SCOPES
from service.settings import load
from service.wiring import Wiring

from . import connectors_table
from .codemap import ROOT, sources
from .connectors.relay import Relay
from .connectors.relay import running as relay_running
from .instance import Instance, instance

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
PATIENCE_S = 60.0
PASTE = re.compile(
    r"<!-- paste: (?P<name>[\w -]+?) -->\s*```sh\n(?P<script>.*?)```(?P<shows>(?:\s*<!-- shows: .*? -->)*)",
    re.S,
)
SHOWS = re.compile(r"<!-- shows: (.*?) -->")
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
TARGET = re.compile(r"`make ([a-z-]+)")


@dataclass(frozen=True)
class Block:
    """Commands to paste, and what must stand in their output."""

    name: str
    script: str
    shows: list[str] = field(default_factory=list)


def blocks(page: str) -> list[Block]:
    """Every block of a page that is marked to be pasted."""
    return [Block(one["name"], one["script"], SHOWS.findall(one["shows"])) for one in PASTE.finditer(page)]


def paste(found: list[Block], running: Instance, folder: Path, instead: dict[str, str]) -> dict[str, str]:
    """Run blocks in one shell, as somebody pastes them one by one; gives the output of each by name.

    `instead` is put in the place of what a reader has to fill in, and must stand there.
    """
    # A curl that is refused must fail here as it would be noticed there.
    (folder / ".curlrc").write_text("silent\nshow-error\nfail-with-body\nmax-time = 30\n")
    tools = Path(sys.executable).parent
    environ = {
        **running.environ,
        "CURL_HOME": str(folder),
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
    }
    script = "".join(f"printf '\\036{one.name}\\037'\n{one.script}\n" for one in found)
    for told, here in instead.items():
        assert told in script, f"nobody is told of {told}"
        script = script.replace(told, here)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
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
    """The first call, a first campaign by one person alone at `light`, and real mail, word for word."""
    found = blocks((ROOT / "README.md").read_text(encoding="utf-8"))
    assert {"first call", "first campaign", "real mail"} <= {one.name for one in found}
    with relay_running(login=True) as relay:
        output = paste(found, running, tmp_path, _instead(running, relay))
        missing = [(one.name, text) for one in found for text in one.shows if text not in output[one.name]]
        assert missing == [], output
        assert [letter.rcpt_tos for letter in _until_mail(relay)] == [["you@example.org"]]
    practised = Path(running.environ["DOLEN__DATA__DIR"], "practice.log").read_text(encoding="utf-8")
    accepted = [json.loads(line) for line in practised.splitlines()]
    assert sorted((entry["to"], entry["language"]) for entry in accepted) == [
        ("ann@example.org", "en"), ("ann@example.org", "en"), ("gwen@example.org", "cy"), ("layla@example.org", "ar"),
    ]  # fmt: skip


def _instead(running: Instance, relay: Relay) -> dict[str, str]:
    return {
        "http://127.0.0.1:8080": running.url,
        "http://127.0.0.1:8090": f"http://127.0.0.1:{running.environ['DOLEN__PRACTICE__PORT']}",
        '"host": "smtp.example.org"': f'"host": "127.0.0.1", "port": {relay.port}, "security": "off"',
        '"username": "hello"': '"username": "môn"',
        '"the password"': '"cyfrinach ✓"',
    }


def _until_mail(relay: Relay) -> list[Envelope]:
    """What the relay took, once it took anything: a worker brings it, not the call."""
    deadline = time.monotonic() + PATIENCE_S
    while not relay.messages and time.monotonic() < deadline:
        time.sleep(0.05)
    return relay.messages


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
    told = {name for page in PAGES for name in TARGET.findall(page.read_text(encoding="utf-8"))}
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


def test_every_setting_is_told_with_its_default() -> None:
    chosen = settings.Settings()
    told = {
        name: default
        for name, default in re.findall(
            r"^\| `(\w+\.\w+)` \| `([^`|]*)` \|", _page("configuration"), re.MULTILINE
        )
    }
    defaults = {
        name: getattr(getattr(chosen, section), key)
        for name in settings.names()
        for section, key in [name.split(".")]
    }
    assert told == {name: json.dumps(value) for name, value in defaults.items()}


def test_every_command_is_told_with_its_options() -> None:
    sections = dict(
        re.findall(r"^## `dolen ([\w-]+)[^\n]*\n(.*?)(?=^## |\Z)", _page("commands"), re.M | re.S)
    )
    assert sorted(sections) == sorted(COMMANDS)
    missing = [
        f"{name} {word}"
        for name, (module, _about) in COMMANDS.items()
        for word in _arguments(import_module(f"service.commands.{module}"))
        if f"`{word}" not in sections[name]
    ]
    assert missing == []


def _arguments(command: object) -> Iterator[str]:
    """The options and verbs that a command takes."""
    parsers = [argparse.ArgumentParser()]
    command.arguments(parsers[0])  # type: ignore[attr-defined]
    for parser in parsers:
        for action in parser._actions:
            yield from (option for option in action.option_strings if option not in ("-h", "--help"))
            if isinstance(action, argparse._SubParsersAction):  # verbs, each with a parser of its own
                yield from action.choices
                parsers.extend(action.choices.values())


@pytest.mark.parametrize("name", registry.names())
def test_a_connector_has_a_page_with_every_setting(name: str) -> None:
    page = _page(f"connectors/{name}")
    assert [one.name for one in registry.provider(name).settings if f"`{one.name}`" not in page] == []
    assert f"(connectors/{name}.md)" in _page("README")


def test_the_tables_of_connectors_say_what_connectors_say() -> None:
    assert connectors_table.block() == connectors_table.drawn(), "run `make connectors-table`"
    delivery = connectors_table.block(connectors_table.DELIVERY)
    assert delivery == connectors_table.repeats_drawn(), "run `make connectors-table`"


@pytest.mark.parametrize("name", registry.BUILT_IN)
def test_what_is_said_of_repeats_is_what_is_declared(name: str) -> None:
    """DC2: one class is the class of the provider; several, or none with its times, follow from its settings."""
    told = registry.provider(name).repeats
    classes = {type(one).__name__.lower() for one in connectors_table.declared(name)}
    assert classes == {told} if len(classes) == 1 else told in ("by setting", "blind")


def test_every_route_is_described(tmp_path: Path) -> None:
    """Under /v1 by the contract that is checked in; what needs no login by the page about the API."""
    wiring = Wiring(load({"DOLEN__DATA__DIR": str(tmp_path)}))
    app = create_app(wiring=wiring)
    described = json.loads((ROOT / "docs/openapi.json").read_text(encoding="utf-8"))["paths"]
    signed_in = {page.split(" ", 1)[1] for page in permissions.PAGES}
    routes = {
        re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.rule not in signed_in
    }
    wiring.close()
    assert {route for route in routes if route.startswith("/v1/")} == set(described)
    page = _page("api")
    assert [
        route for route in sorted(routes) if not route.startswith("/v1/") and f"`{route}`" not in page
    ] == []


def test_every_room_is_told_of() -> None:
    """A room is what the way around leads to."""
    rooms = re.findall(r'\("(/\w*)", _\(', (ROOT / "templates/pages/rooms.html").read_text(encoding="utf-8"))
    page = _page("workspace")
    assert {"/", "/inbox", "/settings"} <= set(rooms)
    assert [room for room in rooms if f"`{room}`" not in page] == []


def test_the_table_of_roles_says_what_each_may_do() -> None:
    rows = [
        [cell.strip(" `") for cell in row.strip("|").split("|")]
        for row in _page("api").partition("## Roles")[2].splitlines()
        if row.startswith("|") and not row.startswith("|--")
    ]
    (_, *roles), *told = rows
    assert {role: {row[0] for row in told if row[place]} for place, role in enumerate(roles, 1)} == {
        role: set(scopes) for role, scopes in ROLES.items()
    }
    assert [row[0] for row in told] == list(SCOPES)


def test_every_word_of_the_ledger_is_told_of() -> None:
    page = _page("delivery")
    words = [*states.STATES, *states.EXCLUSIONS, *states.FAILURES]
    assert [word for word in words if f"`{word}`" not in page] == []


def test_every_state_and_obstacle_of_a_message_is_told_of() -> None:
    page = _page("gates")
    kinds = {
        kind
        for source in sources("campaigns")
        for kind in re.findall(r'"kind": "([a-z_]+)",\s*"(?:detail|account)"', source.text)
    }
    assert {"approval_missing", "agreement_missing", "account_out_of_service", "content_over_limit"} <= kinds
    assert [word for word in [*MOVES, *sorted(kinds)] if f"`{word}`" not in page] == []


def test_every_page_is_in_the_index() -> None:
    pages = [path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").glob("*.md")]
    assert [page for page in pages if page != "README.md" and f"({page})" not in _page("README")] == []


def _page(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")


def test_every_decision_is_in_the_list_of_decisions() -> None:
    index = (ROOT / "docs/decisions/README.md").read_text(encoding="utf-8")
    pages = sorted(path.name for path in (ROOT / "docs/decisions").glob("[0-9]*.md"))
    assert re.findall(r"\((\d{4}-[\w-]+\.md)\)", index) == pages
