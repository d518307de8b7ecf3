"""Which connectors there are, and the one way to connect an account.

Rules: every folder here is a connector and offers `PROVIDER`; these are built in and come first. An installed
package adds its own by the entry point group `dolen.connectors`, whose value is a `Provider`, and never
replaces a built-in one.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from .api import BadSettings, Connector, Provider, Setting

BUILT_IN = tuple(sorted(each.name for each in iter_modules([str(Path(__file__).parent)]) if each.ispkg))
GROUP = "dolen.connectors"


class UnknownConnector(LookupError):
    """There is no connector of this name."""


def names() -> list[str]:
    """All connectors, built in first."""
    return [*BUILT_IN, *sorted(_installed())]


def provider(name: str) -> Provider:
    """What is known of a connector before anyone connects; UnknownConnector."""
    if name in BUILT_IN:
        found = import_module(f"{__package__}.{name}").PROVIDER
    elif name in (installed := _installed()):
        found = installed[name].load()
    else:
        raise UnknownConnector(f"there is no connector {name!r}; there are {', '.join(names())}")
    if not isinstance(found, Provider):
        raise TypeError(f"the entry point of connector {name!r} is no Provider")
    return found


def connect(name: str, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Connector:
    """A connected account, defaults filled in. BadSettings names every setting that is missing or wrong."""
    known = provider(name)
    wrong = _wrong(known, settings, secrets)
    if wrong:
        raise BadSettings(wrong)
    defaults = {each.name: each.default for each in known.settings if each.default is not None}
    return known.connect({**defaults, **settings}, secrets)


def _installed() -> dict[str, EntryPoint]:
    return {each.name: each for each in entry_points(group=GROUP) if each.name not in BUILT_IN}


def _wrong(known: Provider, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> dict[str, str]:
    """What is wrong, by the name of the setting."""
    wrong = {name: "this connector has no such setting" for name in (*settings, *secrets)}
    for each in known.settings:
        given, other = (secrets, settings) if each.secret else (settings, secrets)
        wrong.pop(each.name, None)
        if each.name in other:
            wrong[each.name] = "is a secret" if each.secret else "is not a secret"
        elif each.name not in given:
            if each.required:
                wrong[each.name] = f"is missing: {each.about}"
        elif problem := _misfit(each, given[each.name]):
            wrong[each.name] = problem
    return wrong


def _misfit(setting: Setting, value: Any) -> str:
    """Why a value does not fit: it must be of its default's type, text where there is none."""
    wanted = str if setting.secret or setting.default is None else type(setting.default)
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return ""
    if type(value) is not wanted:
        return f"must be {_TYPES.get(wanted, wanted.__name__)}"
    return "must not be empty" if setting.required and value == "" else ""


_TYPES: dict[type, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: "an object",
}
