"""What providers count of our posts: asked for six times in a month, and kept with who told it, when, and by which API.

Rules: the network is between two transactions; one account's trouble delays its own posts alone, and a refusal takes no
account out of service. What a provider does not tell has no row: it is not zero. What was told before stays, so that it
can be seen how it grew. Answers to somebody are not asked about: every question counts, and may cost.
Source: G14.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from connectors.api import FIGURES, AccountGone, Connector, ConnectorError, Deferred, Reading, Refused

from ..database import Database
from ..delivery import states
from ..delivery.tables import Account, Delivery
from ..errors import DomainError
from ..messages.tables import Message
from ..stakeholders.rows import insert_missing
from .tables import PostFigure, PostLook

# How old a post is when its figures are asked for.
AGES = (
    timedelta(minutes=5), timedelta(hours=1), timedelta(hours=6), timedelta(days=1), timedelta(days=7),
    timedelta(days=30),
)  # fmt: skip
# So many posts in one question, and so long until an account is asked the next.
AT_ONCE, PAUSE = 25, timedelta(minutes=1)
TROUBLE, REFUSED = timedelta(minutes=15), timedelta(hours=1)
# A connector that cannot tell may learn it with a later release.
CANNOT = timedelta(days=1)
# A worker that died while it asked holds the account no longer than this.
LEASE = timedelta(minutes=10)
VALUE_MAX = 2**63 - 1
POSTS_MAX = 200

Connect = Callable[[Session, Account], Connector]


@dataclass(frozen=True, slots=True)
class Told:
    """One figure as it was told last."""

    value: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Post:
    """One post with what is known of it; a figure that is not in `figures` was not told."""

    delivery_id: int
    account_id: int
    account: str
    connector: str
    channel: str
    part: int
    sent_at: datetime | None
    looked_at: datetime | None
    figures: dict[str, Told] = field(default_factory=dict)


def ask_due(database: Database, connect: Connect, now: Callable[[], datetime]) -> int:
    """Ask every account that has posts whose figures are due; about how many posts.

    An error that no connector may raise is raised here again, when every account has been asked.
    """
    asked, broken = 0, []
    with database.read() as session:
        free = session.scalars(select(Account.id).where(_free(now())).order_by(Account.id)).all()
        due = [number for number in free if _has_posts(session, now(), number)]
    for account_id in due:
        try:
            asked += _ask(database, connect, now, account_id)
        except SQLAlchemyError:
            raise
        except Exception as error:  # the others are asked first
            broken.append(error)
            _wait(database, account_id, now() + TROUBLE)
    if broken:
        raise broken[0]
    return asked


def of_message(session: Session, message_id: int) -> list[Post]:
    """The posts of a message whose figures are asked for, newest first, at most POSTS_MAX."""
    rows = session.execute(
        select(PostLook, Account, Delivery)
        .join(Account, Account.id == PostLook.account_id)
        .join(Delivery, Delivery.id == PostLook.delivery_id)
        .where(PostLook.message_id == message_id)
        .order_by(Delivery.due_at.desc(), Account.name, Delivery.part)
        .limit(POSTS_MAX)
    ).all()
    posts = {
        row.id: Post(
            row.id, account.id, account.name, account.connector, row.channel, row.part, row.sent_at, look.looked_at
        )
        for look, account, row in rows
    }  # fmt: skip
    told = told_of(message_id).where(PostFigure.delivery_id.in_(posts))
    for one in session.scalars(told.order_by(PostFigure.at)):
        posts[one.delivery_id].figures[one.figure] = Told(one.value, one.at)
    return list(posts.values())


def told_of(message_id: int) -> Select[PostFigure]:
    """Everything that was ever told of the posts of a message."""
    return select(PostFigure).where(PostFigure.message_id == message_id)


# --- asking -------------------------------------------------------------------------------------------------------


def _ask(database: Database, connect: Connect, now: Callable[[], datetime], account_id: int) -> int:
    with database.write() as session:
        if not _take(session, account_id, now()):
            return 0
        account = session.get_one(Account, account_id)
    posts: Sequence[Delivery] = ()
    try:
        with database.read() as session:
            connector = connect(session, account)
        if connector.metrics is None:
            _wait(database, account_id, now() + CANNOT)
            return 0
        with database.write() as session:
            posts = _posts(session, account_id, now())
        told = connector.metrics([one.provider_id for one in posts if one.provider_id]) if posts else ()
    except (ConnectorError, DomainError) as error:
        with database.write() as session:
            if isinstance(
                error, Refused
            ):  # perhaps because of one of them: the others are not to wait for it
                _plan(session, now(), posts)
            session.execute(_until(account_id, now() + _pause_after(error)))
        return 0
    with database.write() as session:
        _keep(session, now(), connector, posts, told)
        session.execute(
            _until(account_id, now() + max(PAUSE, timedelta(seconds=connector.limits.poll_every_s or 0)))
        )
    return len(posts)


def _has_posts(session: Session, now: datetime, account_id: int) -> bool:
    """Whether there is a post whose figures are due, or that nobody has looked at."""
    look = select(PostLook.delivery_id).where(PostLook.account_id == account_id, PostLook.next_at <= now)
    fresh = _fresh(now).where(Delivery.account_id == account_id)
    return any(session.scalar(one.limit(1)) is not None for one in (look, fresh))


def _free(now: datetime) -> ColumnElement[bool]:
    return (
        Account.broadcast
        & (Account.state == "active")
        & or_(Account.measure_due_at.is_(None), Account.measure_due_at <= now)
        & or_(Account.not_before_at.is_(None), Account.not_before_at <= now)
    )


def _fresh(now: datetime) -> Select[int]:
    """Posts of the last month that are in no list of looks yet."""
    return (
        select(Delivery.id)
        .join(Message, Message.id == Delivery.message_id)
        .where(
            Delivery.provider_id.is_not(None), Delivery.state == states.SENT,
            Delivery.sent_at > now - AGES[-1], Delivery.sent_at <= now - AGES[0],
            Message.answers_id.is_(None),
            ~exists().where(PostLook.delivery_id == Delivery.id),
        )
    )  # fmt: skip


def _take(session: Session, account_id: int, now: datetime) -> bool:
    """One worker asks an account at a time."""
    done = session.execute(
        update(Account).where(Account.id == account_id, _free(now)).values(measure_due_at=now + LEASE)
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]


def _posts(session: Session, account_id: int, now: datetime) -> Sequence[Delivery]:
    """The posts to ask about now; new ones come into the list of looks."""
    fresh = _fresh(now).where(Delivery.account_id == account_id).order_by(Delivery.id).limit(AT_ONCE)
    rows = session.scalars(select(Delivery).where(Delivery.id.in_(session.scalars(fresh).all())))
    facts = {"account_id": account_id, "next_at": now, "looked_at": None}
    insert_missing(
        session, PostLook, [{"delivery_id": one.id, "message_id": one.message_id, **facts} for one in rows]
    )
    return session.scalars(
        select(Delivery)
        .join(PostLook, PostLook.delivery_id == Delivery.id)
        .where(PostLook.account_id == account_id, PostLook.next_at <= now, Delivery.provider_id.is_not(None))
        .order_by(PostLook.next_at, Delivery.id)
        .limit(AT_ONCE)
    ).all()


def _keep(
    session: Session, now: datetime, connector: Connector, posts: Sequence[Delivery], told: Iterable[Reading]
) -> None:
    """Write down what was told of these posts, and when they are looked at next."""
    by_name = {one.provider_id: one for one in posts}
    counted: dict[tuple[int, str], int] = {}
    for said in told:
        if said.provider_id in by_name and said.figure in FIGURES and 0 <= said.value <= VALUE_MAX:
            counted[by_name[said.provider_id].id, said.figure] = said.value
    messages = {one.id: one.message_id for one in posts}
    session.add_all(
        PostFigure(
            delivery_id=number, message_id=messages[number], figure=figure, value=value, at=now,
            source=connector.name, api=connector.api,
        )
        for (number, figure), value in counted.items()
    )  # fmt: skip
    _plan(session, now, posts, looked_at=now)


def _plan(session: Session, now: datetime, posts: Sequence[Delivery], **facts: datetime) -> None:
    """These posts are looked at when they reach their next age."""
    for one in posts:
        mine = update(PostLook).where(PostLook.delivery_id == one.id)
        session.execute(mine.values(next_at=_next(one.sent_at or now, now), **facts))


def _next(sent_at: datetime, now: datetime) -> datetime | None:
    """When a post reaches its next age; None after the last."""
    return next((sent_at + age for age in AGES if sent_at + age > now), None)


def _pause_after(error: Exception) -> timedelta:
    """How long an account is left alone after trouble."""
    if isinstance(error, (AccountGone, Refused)):
        return REFUSED
    wait_s = error.retry_after_s if isinstance(error, Deferred) else None
    return max(TROUBLE, timedelta(seconds=wait_s or 0))


def _wait(database: Database, account_id: int, until_at: datetime) -> None:
    with database.write() as session:
        session.execute(_until(account_id, until_at))


def _until(account_id: int, until_at: datetime) -> Any:
    return update(Account).where(Account.id == account_id).values(measure_due_at=until_at)
