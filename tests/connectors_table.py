"""The tables of docs/connectors/README.md: what every connector that ships with Dolen can do, by its own word.

`make connectors-table` writes them; `tests/test_docs.py` compares them with the connectors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from connectors import registry
from connectors.api import Limits, Provider

from .codemap import ROOT

PAGE = ROOT / "docs/connectors/README.md"
BEGIN, END = "<!-- tables: written by `make connectors-table` -->", "<!-- end of the tables -->"
KINDS = {
    "reply": "replies", "mention": "mentions", "like": "likes", "boost": "boosts", "delivered": "delivered",
    "opened": "opened", "clicked": "clicked", "bounce": "bounces", "complaint": "complaints", "opt_out": "opt-outs",
    "auto_reply": "auto-replies",
}  # fmt: skip
YES = "●"


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


def block() -> str:
    """What stands in the page now."""
    page = PAGE.read_text(encoding="utf-8")
    return page[page.index(BEGIN) : page.index(END) + len(END)]


def write() -> None:
    """Put the tables into the page."""
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(page.replace(block(), drawn()), encoding="utf-8")


def _table(heads: Sequence[str], providers: Sequence[Provider], row: Callable[[Provider], list[str]]) -> str:
    lines = [heads, ["---"] * len(heads)]
    lines += [[f"[{one.name}]({one.name}.md)", *row(one)] for one in providers]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


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
