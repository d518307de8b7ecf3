"""The tables of docs/connectors/README.md and docs/delivery.md: what every connector that ships with Dolen can do, and
what a repeat means there, by its own word.

`make connectors-table` writes them; `tests/test_docs.py` compares them with the connectors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from connectors import registry
from connectors.api import Findable, Keyed, Limits, Provider

from .codemap import ROOT

PAGE, DELIVERY = ROOT / "docs/connectors/README.md", ROOT / "docs/delivery.md"
BEGIN, END = "<!-- tables: written by `make connectors-table` -->", "<!-- end of the tables -->"
KINDS = {
    "reply": "replies", "mention": "mentions", "like": "likes", "boost": "boosts", "delivered": "delivered",
    "opened": "opened", "clicked": "clicked", "bounce": "bounces", "complaint": "complaints", "opt_out": "opt-outs",
    "auto_reply": "auto-replies",
}  # fmt: skip
YES = "●"
CLASSES = ("keyed", "findable", "blind", "by setting")
UNITS = {"year": 365 * 86_400, "day": 86_400, "hour": 3600, "minute": 60, "second": 1}


def drawn() -> str:
    """Both tables as they are to stand in the page, between their marks."""
    providers = [registry.provider(name) for name in registry.BUILT_IN]
    out = _table(
        ["connector", "channels", "characters", "pictures", "a thread", "repeats", "limits", "login"],
        providers,
        _out,
    )
    back = _table(["connector", "by", *KINDS.values(), "figures"], providers, _back)
    return f"{BEGIN}\n\n## What goes out\n\n{out}\n\n## What comes back\n\n{back}\n\n{END}"


def repeats_drawn() -> str:
    """What a repeat means at each connector, as it is to stand in the page about delivery."""
    providers = sorted(
        (registry.provider(name) for name in registry.BUILT_IN), key=lambda one: CLASSES.index(one.repeats)
    )
    table = _table(["connector", "", "as it declares"], providers, _repeats, "connectors/")
    return f"{BEGIN}\n\n{table}\n\n{END}"


def declared(name: str) -> list[Keyed | Findable]:
    """The classes of repeats that stand in a connector with their times; none where they follow from its settings."""
    return [
        one for one in vars(import_module(f"connectors.{name}")).values() if isinstance(one, Keyed | Findable)
    ]


def block(page: Path = PAGE) -> str:
    """What stands in a page now."""
    text = page.read_text(encoding="utf-8")
    return text[text.index(BEGIN) : text.index(END) + len(END)]


def write() -> None:
    """Put the tables into their pages."""
    for page, table in ((PAGE, drawn()), (DELIVERY, repeats_drawn())):
        text = page.read_text(encoding="utf-8")
        page.write_text(text.replace(block(page), table), encoding="utf-8")


def _table(
    heads: Sequence[str], providers: Sequence[Provider], row: Callable[[Provider], list[str]], place: str = ""
) -> str:
    lines = [heads, ["---"] * len(heads)]
    lines += [[f"[{one.name}]({place}{one.name}.md)", *row(one)] for one in providers]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _repeats(one: Provider) -> list[str]:
    return [one.repeats, "; or ".join(_how(each) for each in declared(one.name))]


def _how(one: Keyed | Findable) -> str:
    if isinstance(one, Keyed):
        return f"its key lives {_span(one.life_s)}"
    exactly = "exactly" if one.exact else "by like words"
    known = f"; it is known for {_span(one.known_for_s)}" if one.known_for_s else ""
    return f"looked up {exactly} after {_span(one.visible_within_s)}{known}"


def _span(seconds: float) -> str:
    """A time in the largest unit that goes into it."""
    unit, size = next((name, size) for name, size in UNITS.items() if seconds % size == 0)
    number = seconds / size
    return f"{number:g} {unit}{'s' if number != 1 else ''}"


def _out(one: Provider) -> list[str]:
    limits = one.limits
    characters = f"{limits.text_max:,} ({limits.counting})" if limits.text_max else ""
    pictures = str(limits.media_max) if limits.media_max else ""
    pictures += f", at least {limits.media_min}" if limits.media_min else ""
    thread = str(limits.parts_max) if limits.parts_max > 1 else ""
    return [", ".join(one.channels), characters, pictures, thread, one.repeats, _rates(limits), _login(one)]


def _rates(limits: Limits) -> str:
    """How many hand-overs are let through: of the account, and of all accounts of one app."""
    told = []
    for whose, words in (("", ""), ("app_", " for the app")):
        for span in ("second", "day", "month"):
            rate = getattr(limits, f"{whose}per_{span}")
            if rate:
                told.append((f"{rate:,g} a {span}" if rate >= 1 else f"1 in {1 / rate:g} {span}s") + words)
    return "; ".join(told)


def _login(one: Provider) -> str:
    if one.sign_in is not None:
        return "sign in at the provider"
    needed = [setting.name for setting in one.settings if setting.secret and setting.required]
    if needed:
        return ", ".join(f"`{name}`" for name in needed)
    return "by its settings" if any(setting.secret for setting in one.settings) else "none"


def _back(one: Provider) -> list[str]:
    ways = [word for face, word in (("hooks", "calls"), ("poll", "asking")) if face in one.faces]
    ways += ["people"] if "by_people" in one.faces else []
    return [
        ", ".join(ways),
        *(YES if kind in one.events else "" for kind in KINDS),
        YES if "metrics" in one.faces else "",
    ]


if __name__ == "__main__":
    write()
