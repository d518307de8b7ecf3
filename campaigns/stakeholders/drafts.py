"""What an import has before it: the people some rows are about, as they are and as they are to be stored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from .tables import Field

Key = tuple[str, str]
# Whom a suppression is about: the address of a channel, or "" and a stakeholder.
Subject = tuple[str, str, int]
# What a no is about where nothing was declared: a file of people is brought in to write them news.
NEWS = ("direct_marketing", "email")
# Several people live at one place and share its telephone: who is at one is the same person under the same name alone.
SHARED = ("post", "in_person", "phone")
# Told of a row whatever becomes of it: what it says of their wishes is kept all the same.
ALWAYS_TOLD = ("stopped", "withdrawn", "declined")


@dataclass(frozen=True)
class Known:
    """A suppression that is known already, lifted ones included."""

    reason: str
    at: datetime
    stands: bool


class Act(NamedTuple):
    """The act that counts of somebody, for what is declared: given or withdrawn."""

    act: str
    at: datetime
    basis: str
    ends_at: datetime | None = None


@dataclass(frozen=True)
class Declaration:
    """One consent for the whole file: what was agreed to, where it comes from, which wording was shown, and when."""

    purpose: str
    channel: str
    basis: str
    source: str
    wording_version: str
    at: datetime | None  # None: only who has a time of their own in the file
    fallback: bool  # some have a time of their own: `at` is for those who have none, and are not on record


@dataclass(frozen=True)
class Place:
    """Where and when an import works. `within`: the programmes whose people may be recognised (None: all)."""

    session: Session
    now: datetime
    programme_id: int
    within: Collection[int] | None
    declaration: Declaration | None
    fields: Mapping[str, Field]
    filename: str

    @property
    def about(self) -> tuple[str, str]:
        """The purpose and channel of a yes or no in the file."""
        declared = self.declaration
        return NEWS if declared is None else (declared.purpose, declared.channel)


@dataclass
class Outcome:
    """What became of one row: created, updated, unchanged, refused or held. `notes` are counted beside it.

    `changes` are what is new on a record that was there, as columns are called; also `stop` and `permission`.
    """

    line: int
    outcome: str
    stakeholder_id: int | None
    problems: list[dict[str, Any]] = field(default_factory=list)
    changes: list[str] | None = None

    @property
    def notes(self) -> list[str]:
        """What was not done for those that are in, and what was kept of anybody's wishes; `partly`: without a cell."""
        codes = dict.fromkeys("partly" if one["column"] else one["code"] for one in self.problems)
        return [one for one in codes if one in ALWAYS_TOLD or self.outcome not in ("refused", "held")]


@dataclass
class Draft:
    """One stakeholder as they are, and what is to be stored of them."""

    id: int
    new: bool
    state: str
    version: int
    values: dict[str, Any]
    addresses: dict[Key, str] = field(default_factory=dict)  # to their state
    tags: set[str] = field(default_factory=set)
    involved: tuple[str, str | None] | None = None
    act: Act | None = None
    given: set[datetime] = field(default_factory=set)  # when they agreed before, where rows say when
    visible: bool = True
    changes: list[str] = field(default_factory=list)  # what rows changed, one after the other
    changed: bool = False
    involve: bool = False
    new_addresses: dict[Key, str] = field(default_factory=dict)
    new_tags: dict[str, str] = field(default_factory=dict)
    new_acts: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Desk:
    """The drafts of one step, and the ways to find them."""

    place: Place
    drafts: dict[int, Draft] = field(default_factory=dict)
    by_external: dict[str, Draft] = field(default_factory=dict)
    by_address: dict[Key, list[Draft]] = field(default_factory=lambda: defaultdict(list))
    buried: set[Key] = field(default_factory=set)  # of people who were erased
    stopped_keys: set[Key] = field(default_factory=set)
    stopped_ids: set[int] = field(default_factory=set)
    opt_outs: dict[Subject, list[Known]] = field(default_factory=lambda: defaultdict(list))
    new_stops: list[dict[str, Any]] = field(default_factory=list)

    def holders(self, keys: Collection[Key]) -> list[Draft]:
        """Whom the importer may see of those who have one of these addresses."""
        found = {draft.id: draft for key in keys for draft in self.by_address.get(key, ())}
        return [draft for draft in found.values() if draft.visible and draft.state != "erased"]

    def known(self, external_id: str | None, keys: Collection[Key]) -> list[Draft]:
        """Whom a row may be about that is not taken in: by its external id, else by its addresses."""
        found = None if external_id is None else self.by_external.get(external_id)
        own = [key for key in keys if key[0] not in SHARED]
        return [found] if found is not None and found.visible else self.holders(own)


def problem(code: str, detail: str) -> dict[str, Any]:
    """What is told of a row as a whole."""
    return {"column": None, "code": code, "detail": detail}
