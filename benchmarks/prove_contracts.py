"""Proof: every connector passes every contract suite for what it says it can do, and none is without its suite.

A suite that is missing counts as a failure, and so does one that is passed over.
"""

from __future__ import annotations

import json
import sys
from collections import Counter

import pytest

from connectors import registry
from tests.connectors import suites


class Counted:
    """Counts what becomes of tests; one that fails as it is set up or torn down has failed."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase of one test."""
        if report.when == "call" or report.outcome != "passed":
            self.outcomes["passed" if report.outcome == "passed" else "failed"] += 1


def main() -> int:
    """Run the proof and end with its line of JSON."""
    wanted, lacking = [], []
    for provider in suites.built_in():
        held = suites.held(provider.name)
        wanted += [test for tests in held.values() for test in tests]
        lacking += [f"{provider.name}: {suite}" for suite in sorted(suites.owed(provider) - held.keys())]
    counted = Counted()
    ended = pytest.main(
        ["-q", "-p", "no:cacheprovider", "--databases", "sqlite", *dict.fromkeys(wanted)], plugins=[counted]
    )
    for one in lacking:
        print(f"no suite: {one}", file=sys.stderr)
    failed = counted.outcomes["failed"] + len(lacking) + (ended not in (0, 1))
    told = {"proof": "contracts", "connectors": len(registry.BUILT_IN), "passed": counted.outcomes["passed"]}
    print(json.dumps({**told, "failed": failed}))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
