"""Proof: every connector passes every contract suite for what it says it can do, and none is without its suite.

A suite that is missing counts as a failure, and so does one of whose tests any failed, was passed over or did not run.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

import pytest

from connectors import registry
from tests.connectors import suites


class Counted:
    """Counts what becomes of tests; one that fails as it is set up or torn down has failed."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.passed: set[str] = set()
        self.others: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase of one test."""
        if report.when == "call" or report.outcome != "passed":
            passed = report.outcome == "passed"
            self.outcomes["passed" if passed else "failed"] += 1
            (self.passed if passed else self.others).add(_short(report.nodeid.partition("[")[0]))

    def whole(self, suite: str, classes: list[str]) -> bool:
        """Whether every test of a suite ran in each of these classes, and passed each time."""
        wanted = {_short(f"{each}::{test}") for each in classes for test in suites.tests_of(suite)}
        return wanted <= self.passed - self.others


def _short(node: str) -> str:
    """A test or class by its file's own name, wherever it was run from."""
    path, _, inside = node.partition("::")
    return f"{Path(path).name}::{inside}"


def main() -> int:
    """Run the proof and end with its line of JSON."""
    held = {provider.name: suites.held(provider.name) for provider in suites.built_in()}
    wanted = [each for found in held.values() for classes in found.values() for each in classes]
    counted = Counted()
    ended = pytest.main(
        ["-q", "-p", "no:cacheprovider", "--databases", "sqlite", *dict.fromkeys(wanted)], plugins=[counted]
    )
    whole = {
        (name, suite)
        for name in held
        for suite, classes in held[name].items()
        if counted.whole(suite, classes)
    }
    owed = {(provider.name, suite) for provider in suites.built_in() for suite in suites.owed(provider)}
    for name, suite in sorted(owed - whole):
        print(f"not held: {name}: {suite}", file=sys.stderr)
    failed = counted.outcomes["failed"] + len(owed - whole) + (ended not in (0, 1))
    told = {
        "proof": "contracts", "connectors": len(registry.BUILT_IN),
        "suites": {suite: sum(each == suite for _, each in whole) for suite in suites.named()},
        "owed": len(owed), "passed": counted.outcomes["passed"], "failed": failed,
    }  # fmt: skip
    print(json.dumps(told))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
