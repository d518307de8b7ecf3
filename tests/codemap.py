"""The code map of ARCHITECTURE.md: every file with its purpose and sizes, and which room imports which.

`make codemap` writes it; `tests/test_house.py` compares it with the tree.
"""

from __future__ import annotations

import ast
import statistics
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "ARCHITECTURE.md"
PRODUCT = ("service", "campaigns", "connectors", "config", "dolen_client", "templates")
AROUND = ("benchmarks", "tests")
BEGIN, END = "<!-- code map: written by `make codemap` -->", "<!-- end of the code map -->"
LONG = 40
# Alembic writes them from the tables; their length says nothing about how we write.
WRITTEN_FOR_US = "campaigns.migrations.versions"


@dataclass(frozen=True)
class Function:
    """One function or method, nested ones too. `reason` is what its `# long:` comment says."""

    file: str
    name: str
    lines: int
    reason: str


@dataclass(frozen=True)
class Source:
    """One Python file of ours."""

    path: Path

    @property
    def name(self) -> str:
        """Its path in the tree, with slashes."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def room(self) -> str:
        """The package it lives in, as dotted name."""
        return ".".join(self.path.relative_to(ROOT).parent.parts)

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.name)

    @property
    def purpose(self) -> str:
        """The first paragraph of its docstring."""
        return " ".join((ast.get_docstring(self.tree) or "").split("\n\n")[0].split())

    @cached_property
    def functions(self) -> list[Function]:
        lines = self.text.splitlines()
        return [
            Function(self.name, node.name, (node.end_lineno or 0) - node.lineno + 1, _reason(lines, node))
            for node in ast.walk(self.tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        ]

    def imports(self) -> Iterator[str]:
        """Every module it imports, as dotted names; a name imported from a package counts as a module."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                above = (
                    self.room.split(".")[: len(self.room.split(".")) - node.level + 1] if node.level else []
                )
                module = ".".join([*above, *filter(None, [node.module])])
                yield from (f"{module}.{alias.name}" for alias in node.names)


def sources(*packages: str) -> list[Source]:
    """Every Python file of these top-level packages, in the order of the tree."""
    return [Source(path) for package in packages for path in sorted((ROOT / package).rglob("*.py"))]


def block() -> str:
    """The code map as it has to stand in ARCHITECTURE.md."""
    product = sources(*PRODUCT)
    around = [f"  {line}" for package in AROUND for line in _folder_sums(package)]
    parts = [
        ["Columns: lines, functions, lines of the longest function.", "", "```text"],
        *(_room(name, files) for name, files in _by_room(product).items()),
        [*around, "```", "", _sizes(product), "", "Which room imports which:", "", "```text"],
        [*_graph(product), "```"],
    ]
    return "\n".join(line for part in parts for line in part)


def written() -> str:
    """The code map as it stands in ARCHITECTURE.md."""
    return PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0].strip()


def _reason(lines: list[str], node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    beside = lines[node.lineno - 1 : node.body[0].lineno]
    return next((line.partition("# long:")[2].strip() for line in beside if "# long:" in line), "")


def _by_room(files: list[Source]) -> dict[str, list[Source]]:
    """Files under the name of their room; rooms in the order of the tree."""
    rooms: dict[str, list[Source]] = {room: [] for room in sorted({file.room for file in files}, key=_place)}
    for file in files:
        rooms[file.room].append(file)
    return rooms


def _place(room: str) -> tuple[int, str]:
    return (PRODUCT + AROUND).index(room.split(".")[0]), room


def _room(name: str, files: list[Source]) -> list[str]:
    rows = [f"{name.replace('.', '/')}/"]
    for file in files:
        longest = max((function.lines for function in file.functions), default=0)
        count = len(file.text.splitlines())
        rows.append(
            f"  {file.path.name:<20} {count:>5} {len(file.functions):>4} {longest:>3}  {file.purpose}"
        )
    return rows


def _folder_sums(package: str) -> Iterator[str]:
    for room, files in _by_room(sources(package)).items():
        functions = sum(len(file.functions) for file in files)
        sums = f"{len(files):>3} files {_lines(files):>6} lines {functions:>5} functions"
        yield f"{room.replace('.', '/') + '/':<32} {sums}"


def _lines(files: list[Source]) -> int:
    return sum(len(file.text.splitlines()) for file in files)


def _sizes(files: list[Source]) -> str:
    functions = [function for file in files for function in file.functions if file.room != WRITTEN_FOR_US]
    sizes = sorted(function.lines for function in functions)
    text = (
        f"{len(files)} files, {_lines(files):,} lines, {len(sizes):,} functions: "
        f"median {statistics.median(sizes):g} lines, 90th percentile {sizes[len(sizes) * 9 // 10]}, "
        f"longest {sizes[-1]} (migrations left out)."
    )
    long = [f"`{one.name}` in {one.file} ({one.reason})" for one in functions if one.lines > LONG]
    return f"{text} Over {LONG} lines: {'; '.join(long) or 'none'}."


def _graph(files: list[Source]) -> Iterator[str]:
    rooms = {file.room for file in files}
    edges: dict[str, set[str]] = defaultdict(set)
    for file in files:
        edges[file.room] |= {found for name in file.imports() if (found := _room_of(name, rooms))} - {
            file.room
        }
    for room in _by_room(files):
        if edges[room]:
            yield f"{room:<24} → {', '.join(sorted(edges[room]))}"


def _room_of(module: str, rooms: set[str]) -> str:
    while module and module not in rooms:
        module = module.rpartition(".")[0]
    return module


def main() -> None:
    """Write the code map into ARCHITECTURE.md."""
    text = PAGE.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"{PAGE.name} has no place for the code map: {BEGIN} … {END}")
    PAGE.write_text(f"{before}{BEGIN}\n{block()}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
