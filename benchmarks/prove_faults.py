"""Proof: the forty faults F1–F40, each injected, and what must hold holds.

Runs every test of tests/faults, those that take longer included, on both databases where it makes a difference, and
counts the faults by the number in the names of their tests. A fault is skipped only where one of its tests says which
right is missing here.
"""

from __future__ import annotations

import json
import re
import sys

import pytest

FAULTS = range(1, 41)
NAMED = re.compile(r"::test_f([0-9]+)_")


class Count:
    """What pytest tells of each test, by fault."""

    def __init__(self) -> None:
        self.passed: set[int] = set()
        self.failed: set[int] = set()
        self.skipped: set[int] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        found = NAMED.search(report.nodeid)
        if found is None:
            return
        if report.failed:
            self.failed.add(int(found[1]))
        elif report.skipped:
            self.skipped.add(int(found[1]))
        elif report.when == "call":
            self.passed.add(int(found[1]))

    def ended(self) -> dict[str, list[int]]:
        """Every fault once: failed before skipped before passed; one without a test has failed."""
        failed = self.failed | (set(FAULTS) - self.passed - self.skipped)
        skipped = self.skipped - failed
        return {
            "passed": sorted(self.passed - failed - skipped),
            "failed": sorted(failed),
            "skipped": sorted(skipped),
        }


def main() -> None:
    """Run the proof and end with its line of JSON."""
    count = Count()
    sys.stdout, shown = sys.stderr, sys.stdout  # pytest's words are no result
    pytest.main(
        ["-q", "-rs", "-p", "no:cacheprovider", "-o", "python_files=test_*.py long.py", "tests/faults"],
        [count],
    )
    sys.stdout = shown
    found = count.ended()
    for name in ("failed", "skipped"):
        if found[name]:
            print(f"{name}: {', '.join(f'F{n}' for n in found[name])}", file=sys.stderr)
    print(json.dumps({"proof": "faults", **{name: len(numbers) for name, numbers in found.items()}}))
    sys.exit(bool(found["failed"]))


if __name__ == "__main__":
    main()
