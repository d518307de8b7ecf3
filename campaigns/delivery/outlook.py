"""What a release would do, counted: who would get it, who is left out, and of whom somebody should think first.

Rules: nothing here writes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..messages import content
from ..messages.tables import Message
from ..stakeholders import consent
from ..stakeholders.tables import Stakeholder
from . import audience, release, states

NEWS = "direct_marketing"
FIRST_MAX = 20

Person = tuple[int, str]  # id and name
Lacking = tuple[str, str]  # a channel, and a language in which nobody has written the words for it


@dataclass(frozen=True, slots=True)
class Audience:
    """Who would get a message and who is left out, by reason; `names` are the first few of each."""

    gets: int
    first: list[Person]
    left_out: dict[str, int]
    names: dict[str, list[Person]]
    whole: bool  # False: there are more people than were looked at
    no_news: int  # of those who would get it, who have said no to news; 0 where it goes as news
    unwritten: dict[Lacking, int]  # how many of them get it in another language, for want of words


@dataclass
class _Tally:
    """What is counted page by page; `people` are the first few by reason, "" for those who would get it."""

    counted: Counter[str]
    people: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    no_news: set[int] = field(default_factory=set)
    unwritten: dict[Lacking, set[int]] = field(default_factory=lambda: defaultdict(set))


def summary(session: Session, message: Message, now: datetime, *, most: int, named: int = 5) -> Audience:
    """What a release now would do, counted over at most about `most` people."""
    plan = release.look(session, message, now)
    tally = _Tally(Counter(_word(row) for row in audience.posts(plan) if row.part == 0))
    number = 0
    more: int | None = -1
    while more is not None and number < most:
        found, more = audience.page(session, plan, more, now)
        number += audience.PAGE
        for row in found:
            word = _word(row)
            tally.counted[word] += 1
            if len(tally.people[word]) < (named if word else FIRST_MAX) and row.stakeholder_id:
                tally.people[word].append(row.stakeholder_id)
        if message.kind != "answer":  # whoever wrote to us is answered, in the language of their letter
            _look_closer(session, plan, [row for row in found if not _word(row)], now, tally)
    whole = more is None or not audience.anybody(session, plan, more, now)
    people = _names(session, [one for found in tally.people.values() for one in found])
    names = {word: [(one, people[one]) for one in found] for word, found in tally.people.items()}
    left_out = {word: count for word, count in tally.counted.most_common() if word}
    unwritten = {lacking: len(some) for lacking, some in sorted(tally.unwritten.items())}
    return Audience(
        tally.counted[""], names.pop("", []), left_out, names, whole, len(tally.no_news), unwritten
    )


def _word(row: audience.Row) -> str:
    """Why a row is not sent; empty where it is."""
    return "" if row.state == states.QUEUED else str(row.reason)


def _look_closer(
    session: Session, plan: audience.Plan, rows: Sequence[audience.Row], now: datetime, tally: _Tally
) -> None:
    """Of those who would get it: who wants no news, and whose language nobody has written it in."""
    pairs: dict[str, list[consent.Pair]] = defaultdict(list)
    for row in rows:
        pairs[row.channel].append((row.stakeholder_id or 0, row.address_key))
    for channel, some in pairs.items() if plan.message.purpose != NEWS else ():
        said_no = consent.refused(session, now, purpose=NEWS, channel=channel, pairs=some)
        tally.no_news.update(number for number, _ in said_no)
    spoken = {one.id: content.main(one.language) for one in plan.variants}
    theirs = _languages(session, [row.stakeholder_id or 0 for row in rows])
    for row in rows:
        wish = theirs.get(row.stakeholder_id or 0)
        if wish and wish not in (spoken.get(row.variant_id or 0), spoken.get(row.below_id or 0)):
            tally.unwritten[row.channel, wish].add(row.stakeholder_id or 0)


def _languages(session: Session, numbers: Sequence[int]) -> dict[int, str]:
    """The language in which each of these is written to, where that is known."""
    query = select(Stakeholder.id, Stakeholder.languages).where(Stakeholder.id.in_(numbers))
    return {number: content.main(wishes[0]) for number, wishes in session.execute(query) if wishes}


def _names(session: Session, numbers: Sequence[int]) -> dict[int, str]:
    query = select(Stakeholder.id, Stakeholder.name).where(Stakeholder.id.in_(numbers))
    return {number: name for number, name in session.execute(query)}
