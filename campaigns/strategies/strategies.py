"""Communication strategies: one for a segment of a programme, in versions that never change.

Rules: a draft of the next version never unseats the agreed one; a message stands under exactly one version.
Source: B3, B4, SM13.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ..canonical import digest
from ..errors import BadField, Conflict, InUse, NotFound, Stale, said
from ..stakeholders.people import language
from ..stakeholders.tables import PURPOSES, Segment
from ..stakeholders.text import TEXT_MAX, clean
from . import programmes
from .tables import Agreement, Party, Programme, Strategy, StrategyDraft, StrategyVersion

# The sections of a strategy, in the order in which people read them.
TEXTS = ("aims", "tone", "cadence", "response_rules")
LISTS = ("key_messages", "channels", "calls_to_action", "responsible")
SECTIONS = (
    "aims", "key_messages", "tone", "channels", "cadence", "calls_to_action", "response_rules", "responsible",
    "purpose", "default_language",
)  # fmt: skip
ITEMS_MAX = 100


def get(session: Session, strategy_id: int) -> Strategy:
    """The strategy, or NotFound."""
    found = session.get(Strategy, strategy_id)
    if found is None:
        raise NotFound("there is no such strategy")
    return found


def create(
    session: Session, now: datetime, *, programme_id: int, segment_id: int | None, name: str
) -> Strategy:
    """A strategy for a segment of a programme, or for everyone (None); InUse where there is one already."""
    programmes.get(session, programme_id)
    if segment_id:
        segment = session.get(Segment, segment_id)
        if segment is None or segment.programme_id != programme_id:
            raise BadField("there is no such segment in this programme", pointer="/segment_id")
    taken = select(Strategy.id).where(
        Strategy.programme_id == programme_id, Strategy.segment_id == (segment_id or 0)
    )
    if session.scalar(taken) is not None:
        raise InUse("this segment has a strategy already: write its next version", pointer="/segment_id")
    made = Strategy(
        programme_id=programme_id,
        segment_id=segment_id or 0,
        name=clean(name, "/name"),
        created_at=now,
        updated_at=now,
    )
    session.add(made)
    session.flush()
    return made


def keep_draft(
    session: Session, now: datetime, strategy: Strategy, body: Mapping[str, Any], author: str
) -> StrategyDraft:
    """Keep what an author has written so far; only they see it, and their next version begins with it."""
    words = check(body)
    made = draft(session, strategy, author) or StrategyDraft(strategy_id=strategy.id, author=author)
    made.body, made.at = words, now
    session.add(made)
    session.flush()
    return made


def draft(session: Session, strategy: Strategy, author: str) -> StrategyDraft | None:
    """What this author has written and not yet saved as a version."""
    mine = StrategyDraft.strategy_id == strategy.id, StrategyDraft.author == author
    return session.scalar(select(StrategyDraft).where(*mine))


def drop_draft(session: Session, strategy: Strategy, author: str) -> None:
    """Forget this author's draft."""
    found = draft(session, strategy, author)
    if found is not None:
        session.delete(found)
        session.flush()


def archive(session: Session, now: datetime, strategy: Strategy) -> None:
    """Nothing new is written under it; what runs under it goes on."""
    if strategy.builtin:
        raise Conflict("the built-in strategy stays: messages without another need it")
    strategy.state = "archived"
    strategy.touch(now)


def new_version(
    session: Session, now: datetime, strategy: Strategy, body: Mapping[str, Any], author: str
) -> StrategyVersion:
    """The next version; it changes nothing that runs until everybody it needs has agreed."""
    if strategy.builtin or strategy.state != "active":
        raise Conflict("this strategy takes no new version: write one of your own")
    words = check(body)
    last = latest(session, strategy)
    made = StrategyVersion(
        strategy_id=strategy.id,
        n=last.n + 1 if last else 1,
        body=words,
        digest=digest(words),
        author=author,
        at=now,
    )
    try:
        with session.begin_nested():
            session.add(made)
    except IntegrityError:
        raise Stale("somebody wrote a version at the same moment: read it first") from None
    return made


def version(session: Session, strategy: Strategy, n: int) -> StrategyVersion:
    """Version n, or NotFound."""
    found = session.scalar(
        select(StrategyVersion).where(StrategyVersion.strategy_id == strategy.id, StrategyVersion.n == n)
    )
    if found is None:
        raise NotFound("there is no such version of this strategy")
    return found


def latest(session: Session, strategy: Strategy) -> StrategyVersion | None:
    """The newest version, agreed or not."""
    return session.scalar(_newest(strategy))


def in_force(session: Session, strategy: Strategy) -> StrategyVersion | None:
    """The newest version that every required party has agreed.

    Where nobody is required it is simply the newest one, but below `agreed` only.
    """
    return in_force_of(session, [strategy]).get(strategy.id)


def in_force_of(session: Session, several: Collection[Strategy]) -> dict[int, StrategyVersion]:
    """`in_force` of several strategies by their ids, in three statements."""
    numbers = {one.id for one in several}
    required = select(Party.strategy_id).where(
        Party.strategy_id.in_(numbers), Party.part == "required", Party.removed.is_(False)
    )
    strict = set(session.scalars(required.distinct()))
    free = select(Strategy.id).join(Programme, Programme.id == Strategy.programme_id)
    free = free.where(Strategy.id.in_(numbers - strict), Programme.assurance != "agreed")
    may = or_(
        StrategyVersion.strategy_id.in_(set(session.scalars(free))),
        and_(StrategyVersion.strategy_id.in_(strict), _agreed()),
    )
    newest = select(StrategyVersion.strategy_id, func.max(StrategyVersion.n).label("n")).where(may)
    last = newest.group_by(StrategyVersion.strategy_id).subquery()
    found = select(StrategyVersion).join(
        last, and_(StrategyVersion.strategy_id == last.c.strategy_id, StrategyVersion.n == last.c.n)
    )
    return {one.strategy_id: one for one in session.scalars(found)}


def is_agreed(session: Session, version: StrategyVersion) -> bool:
    """Whether every required party has agreed to it, and not only its author; never without a party."""
    found = select(StrategyVersion.id).where(StrategyVersion.id == version.id, _agreed())
    return session.scalar(found) is not None


def everyday(session: Session, programme_id: int, now: datetime) -> StrategyVersion:
    """The version that a message without another stands under.

    It is the programme's own strategy for everyone, if it has one (at `agreed` its newest version even where
    agreement is missing, so that the message is held and says by whom); else the built-in one.
    """
    own = session.scalar(
        select(Strategy).where(
            Strategy.programme_id == programme_id, Strategy.segment_id == 0, Strategy.state == "active"
        )
    )
    found = None
    if own is not None:
        found = in_force(session, own)
        if found is None and programmes.get(session, programme_id).assurance == "agreed":
            found = latest(session, own)
    if found is None:
        programmes.general(session, now)
        found = session.get_one(StrategyVersion, programmes.GENERAL)
    return found


def check(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body as it is stored; BadField names the section that is wrong."""
    checked: dict[str, Any] = {}
    for section, value in body.items():
        pointer = f"/body/{section}"
        if section in TEXTS:
            checked[section] = clean(value, pointer, length_max=TEXT_MAX, lines=True, empty=True)
        elif section in LISTS:
            checked[section] = _list(value, pointer)
        elif section == "purpose":
            if value not in PURPOSES:
                raise BadField(said("purpose is one of {purposes}", purposes=PURPOSES), pointer=pointer)
            checked[section] = value
        elif section == "default_language":
            checked[section] = language(value, pointer)
        else:
            raise BadField(
                said(
                    "a strategy has no section {section}; it has {sections}",
                    section=repr(section),
                    sections=SECTIONS,
                ),
                pointer=pointer,
            )
    return checked


def _list(value: object, pointer: str) -> list[str]:
    if not isinstance(value, list) or len(value) > ITEMS_MAX:
        raise BadField(
            said("this must be a list of at most {items_max} texts", items_max=ITEMS_MAX), pointer=pointer
        )
    return [
        clean(item, f"{pointer}/{place}", length_max=TEXT_MAX, lines=True) for place, item in enumerate(value)
    ]


def _newest(strategy: Strategy) -> Select[StrategyVersion]:
    return (
        select(StrategyVersion)
        .where(StrategyVersion.strategy_id == strategy.id)
        .order_by(StrategyVersion.n.desc())
        .limit(1)
    )


def _agreed() -> ColumnElement[bool]:
    """Of the version at hand: no required party is without a yes, and not all of them are its author's."""
    mine = Party.strategy_id == StrategyVersion.strategy_id
    required = select(Party.id).where(mine, Party.part == "required", Party.removed.is_(False))
    required = required.correlate(StrategyVersion)
    yes = select(Agreement.id).where(
        Agreement.version_id == StrategyVersion.id,
        Agreement.decision == "agreed",
        Agreement.party_id == Party.id,
    )
    yes = yes.correlate(Party, StrategyVersion)
    another = required.where(yes.where(Agreement.by != StrategyVersion.author).exists())
    return another.exists() & ~required.where(~yes.exists()).exists()
