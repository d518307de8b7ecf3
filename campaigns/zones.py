"""Time zone names: which ones we take, and the one name a zone is stored under.

Rules: a zone is an IANA name with a region (`Europe/London`) or `UTC`; old names become the current one;
shortcuts such as `EST` are refused, because they name an offset and not a place.
Source: the `tzdata` package.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

from .errors import BadTime


def canonical(name: str, pointer: str = "/zone") -> str:
    """The current IANA name of a zone (`Europe/Kiev` gives `Europe/Kyiv`); BadTime for what is none."""
    found = _names().get(name) if isinstance(name, str) else None
    if found is None:
        raise BadTime("this is not a time zone; write an IANA name such as Europe/London", pointer=pointer)
    return found


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    folder = files("tzdata") / "zoneinfo"
    names = {}
    for line in (folder / "tzdata.zi").read_text().splitlines():
        words = line.split()
        if words[:1] == ["Z"]:
            names[words[1]] = words[1]
        elif words[:1] == ["L"]:
            names[words[2]] = words[1]
    # A country's own zone keeps its name, also where the data file has it as a link to a neighbour's.
    for line in (folder / "zone.tab").read_text().splitlines():
        if not line.startswith("#"):
            place = line.split("\t")[2]
            names[place] = place
    return {name: names[name] for name in names if "/" in name} | {"UTC": "UTC", "Etc/UTC": "UTC"}
