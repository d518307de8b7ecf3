"""Which contract suites a connector owes by what it declares, and which its tests have."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from connectors import registry, testing
from connectors.api import Provider

HERE = Path(__file__).parent
BY_FACE = {
    "by_people": ("ByPeopleContract",), "hooks": ("HookContract", "ReadContract"), "poll": ("PollContract",),
    "metrics": ("MetricsContract",), "refresh": ("RefreshContract",),
}  # fmt: skip


def owed(provider: Provider) -> set[str]:
    """The suites for everything it can do: to send, to be repeated, its pictures and its faces."""
    found = {suite for face in provider.faces for suite in BY_FACE.get(face, ())}
    if "by_people" in provider.faces:
        return found
    return (
        found
        | {"OutboundContract", "RepeatContract"}
        | ({"MediaContract"} if provider.limits.media_max else set())
    )


def held(name: str) -> dict[str, list[str]]:
    """The suites its tests subclass, each with the test classes that do, as pytest names them."""
    found: dict[str, list[str]] = {}
    for path in sorted(HERE.glob(f"test_{name}*.py")):
        module = import_module(f"{__package__}.{path.stem}")
        for each in vars(module).values():
            if (
                isinstance(each, type)
                and each.__module__ == module.__name__
                and each.__name__.startswith("Test")
            ):
                for base in each.__mro__:
                    if base.__module__ == testing.__name__ and base.__name__.endswith("Contract"):
                        found.setdefault(base.__name__, []).append(f"{path}::{each.__name__}")
    return found


def tests_of(suite: str) -> set[str]:
    """The names of the tests of a suite."""
    return {name for name in vars(getattr(testing, suite)) if name.startswith("test_")}


def named() -> list[str]:
    """Every suite there is."""
    return sorted(name for name in vars(testing) if name.endswith("Contract"))


def built_in() -> list[Provider]:
    """Every connector that ships with Dolen."""
    return [registry.provider(name) for name in registry.BUILT_IN]
