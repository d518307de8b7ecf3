"""What may be done on the calendar: look at what is planned, move it, put it into the queue, say what it is for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import aliased

from campaigns.delivery.tables import Account
from campaigns.errors import Conflict
from campaigns.messages import calendar, mix, planning, slots, timing
from campaigns.messages import messages as room
from campaigns.messages.tables import ContentItem, Message, MessageAccount, QueueSlot, Variant
from campaigns.stakeholders.tables import Segment
from campaigns.strategies.tables import Programme

from ..access import scoped, subtree
from . import Act, messages
from . import accounts as desk

# A view of the calendar shows so many at most, and says so.
ENTRIES_MAX = 250
UNPLANNED_MAX = 25
GROUPS_MAX = 300


@dataclass(frozen=True, slots=True)
class Entry:
    """One message on the calendar. `due_at` None: nobody has said when."""

    message: Message
    due_at: datetime | None
    name: str
    aim: str | None
    programme: str
    group: str | None
    accounts: list[Account]
    languages: list[str]
    movable: bool
    recheck: bool  # moving it asks somebody else for their approval again
    recurs: bool  # this is one time of several
    warnings: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the reader wants to see; None: all."""

    programme_id: int | None = None
    segment_id: int | None = None
    channel: str | None = None
    language: str | None = None
    state: str | None = None
    cancelled: bool = False


ALL = Wanted()


def entries(
    act: Act,
    start: datetime,
    end: datetime,
    wanted: Wanted = ALL,
    *,
    odd: bool = True,
    most: int = ENTRIES_MAX,
) -> tuple[list[Entry], bool]:
    """What stands on the caller's calendar in this time, and whether there is more than is told.

    `odd`: with what is too close or too alike among them.
    """
    statement = scoped(planning.shown(start, end), Message.programme_id, act.caller, "messages:read")
    rows = act.session.execute(_only(act, statement, wanted).limit(most + 1)).all()
    found = [(message, due_at) for message, due_at in rows[:most]]
    return _entries(act, found, _odd(act, start, end) if odd else {}), len(rows) > most


def unplanned(act: Act) -> list[Entry]:
    """The newest drafts of which nobody has said when they go."""
    drafts = scoped(select(Message), Message.programme_id, act.caller, "messages:write").where(
        Message.state == "draft", Message.at.is_(None), Message.kind == "message", Message.test.is_(False)
    )
    found = act.session.scalars(drafts.order_by(Message.id.desc()).limit(UNPLANNED_MAX))
    return _entries(act, [(message, None) for message in found], {})


def entry(act: Act, message_id: int) -> Entry:
    """One message as it stands on the calendar, with everything that is odd about it."""
    message = messages.get(act, message_id)
    at = planning.planned_at(act.session, message)
    odd = {message.id: warnings(act, message)} if message.state not in ("finished", "cancelled") else {}
    return _entries(act, [(message, at)], odd)[0]


def warnings(act: Act, message: Message) -> list[dict[str, Any]]:
    """As `planning.warnings`, of messages the caller may see."""
    return planning.warnings(act.session, message, act.now, act.caller.programmes("messages:read"))


def odd(act: Act, message: Message) -> list[dict[str, Any]]:
    """What is odd about a message among its neighbours, with the names of what it tells of; [] once it is over."""
    if message.state in ("finished", "cancelled"):
        return []
    return _told(act, {message.id: warnings(act, message)})[message.id]


def move(act: Act, message_id: int, *, on: date, clock: str, zone: str) -> Message:
    """Move a message to another day of the reader's calendar, at its own time of day or at `clock` in `zone`."""
    message = messages.get(act, message_id, scope="messages:write")
    if timing.recurs(act.session, message):
        raise Conflict("this message goes out several times: move one of them on its page")
    at = planning.planned_at(act.session, message)
    local = calendar.on_day(at, message.zone, on, clock, zone)
    return messages.reschedule(act, message_id, send_at=local)


def next_slot(act: Act, accounts: Collection[int], *, message: Message | None = None) -> calendar.When | None:
    """The next free queue time of these accounts; None where they have none."""
    return slots.next_slot(act.session, act.now, accounts, message=message)


def queue_time(act: Act, message: Message) -> calendar.When | None:
    """The next free queue time for one message."""
    return next_slot(act, slots.accounts_of(act.session, message), message=message)


def enqueue(act: Act, message_id: int) -> Message:
    """Put a message into the next free queue time of its accounts; a draft is sent on its way with it."""
    message = messages.get(act, message_id, scope="messages:write")
    when = queue_time(act, message)
    if when is None:
        raise Conflict("no connected account of this message has a queue time: add one first")
    moved = messages.reschedule(act, message_id, send_at={"local": when.wall, "zone": when.zone})
    return messages.submit(act, message_id) if moved.state == "draft" else moved


def tag(act: Act, message_id: int, aim: str | None) -> ContentItem:
    """Say what the content of a message is for."""
    message = messages.get(act, message_id)
    item = act.session.get_one(ContentItem, message.content_id, with_for_update=True)
    act.need("messages:write", item.programme_id)
    before = item.aim
    mix.tag(act.session, act.now, item, aim)
    act.note(
        "content_item.tagged", "content_item", item.id, programme_id=item.programme_id, before={"aim": before},
        after={"aim": aim},
    )  # fmt: skip
    return item


# --- queue times --------------------------------------------------------------------------------------------------


def queues(act: Act) -> list[tuple[Account, list[QueueSlot]]]:
    """The accounts the caller sees, each with its queue times in the order of the week."""
    accounts = scoped(select(Account), Account.programme_id, act.caller, "connectors:read", shared=True)
    found = list(act.session.scalars(accounts.where(Account.state != "disabled").order_by(Account.name)))
    by_account: dict[int, list[QueueSlot]] = defaultdict(list)
    for slot in slots.of(act.session, [account.id for account in found]):
        by_account[slot.account_id].append(slot)
    return [(account, by_account[account.id]) for account in found]


def add_slot(act: Act, account_id: int, *, weekday: int, wall: str, zone: str) -> QueueSlot:
    """A further time of the week for an account."""
    account = desk.get(act, account_id)
    act.need("messages:write", account.programme_id)
    made = slots.add(act.session, act.now, account.id, weekday, wall, zone)
    act.note("slot.added", "account", account.id, programme_id=account.programme_id, after=_slot(made))
    return made


def remove_slot(act: Act, slot_id: int) -> None:
    """Take a time of the week away from an account."""
    slot = act.one(QueueSlot, slot_id)
    account = desk.get(act, slot.account_id)
    act.need("messages:write", account.programme_id)
    act.note("slot.removed", "account", account.id, programme_id=account.programme_id, before=_slot(slot))
    slots.remove(act.session, slot)


def _slot(slot: QueueSlot) -> dict[str, Any]:
    return {"weekday": slot.weekday, "wall": slot.wall, "zone": slot.zone}


# --- what can be chosen -------------------------------------------------------------------------------------------


def programmes(act: Act, scope: str = "messages:read") -> list[Programme]:
    """The programmes in which the caller has a scope."""
    statement = scoped(select(Programme), Programme.id, act.caller, scope)
    return list(act.session.scalars(statement.order_by(Programme.name)))


def groups(act: Act) -> list[Segment]:
    """The groups of the caller's programmes, by name."""
    statement = scoped(select(Segment), Segment.programme_id, act.caller, "segments:read")
    return list(
        act.session.scalars(
            statement.where(Segment.state == "active").order_by(Segment.name).limit(GROUPS_MAX)
        )
    )


def channels(act: Act) -> list[str]:
    """The channels of the accounts that the caller sees."""
    statement = scoped(
        select(Account.channel), Account.programme_id, act.caller, "connectors:read", shared=True
    )
    return sorted(act.session.scalars(statement.distinct()))


# --- private ------------------------------------------------------------------------------------------------------


def _only(act: Act, statement: Any, wanted: Wanted) -> Any:
    if wanted.programme_id is not None:
        act.need("messages:read", wanted.programme_id)
        under = subtree(act.session, [wanted.programme_id])[wanted.programme_id]
        statement = statement.where(Message.programme_id.in_(under))
    if wanted.segment_id is not None:
        statement = statement.where(Message.segment_id == wanted.segment_id)
    if wanted.channel is not None:
        through = select(MessageAccount.message_id).where(MessageAccount.channel == wanted.channel)
        statement = statement.where(Message.id.in_(through))
    if wanted.language is not None:
        newer = aliased(Variant)
        same = [
            getattr(newer, name) == getattr(Variant, name) for name in ("content_id", "channel", "language")
        ]
        written = select(Variant.id).where(
            Variant.content_id == Message.content_id, Variant.language == wanted.language,
            Variant.removed.is_(False), ~select(newer.id).where(*same, newer.n > Variant.n).exists(),
        )  # fmt: skip
        statement = statement.where(written.exists())
    if wanted.state is not None:
        return statement.where(Message.state == wanted.state)
    return statement if wanted.cancelled else statement.where(Message.state != "cancelled")


def _odd(act: Act, start: datetime, end: datetime) -> dict[int, list[dict[str, Any]]]:
    """What is odd among everything the caller sees in this time and a week around it, whatever is filtered."""
    around = planning.shown(start - planning.ALIKE_WITHIN, end + planning.ALIKE_WITHIN)
    seen = scoped(around, Message.programme_id, act.caller, "messages:read")
    rows = act.session.execute(seen.where(Message.state.not_in(planning.OVER)).limit(ENTRIES_MAX)).all()
    return planning.look(act.session, [(message, due_at) for message, due_at in rows])


def _entries(
    act: Act, rows: Sequence[tuple[Message, datetime | None]], odd: dict[int, list[dict[str, Any]]]
) -> list[Entry]:
    """Messages with the names of what they belong to, in a fixed number of statements."""
    ids = [message.id for message, _ in rows]
    items = _by_id(act, ContentItem, {message.content_id for message, _ in rows})
    homes = _by_id(act, Programme, {message.programme_id for message, _ in rows})
    segments = _by_id(act, Segment, {message.segment_id for message, _ in rows if message.segment_id})
    accounts, languages = _accounts(act, ids), planning.languages(act.session, items)
    several = timing.recurring(act.session, ids)
    told = _told(act, {number: odd[number] for number in ids if number in odd})
    return [
        Entry(
            message, due_at, message.name or items[message.content_id].name, items[message.content_id].aim,
            homes[message.programme_id].name,
            segments[message.segment_id].name if message.segment_id in segments else None,
            accounts[message.id], languages.get(message.content_id, []),
            message.id not in several and _movable(act, message),
            _recheck(message, homes[message.programme_id]), message.id in several, told.get(message.id, []),
        )
        for message, due_at in rows
    ]  # fmt: skip


def _by_id(act: Act, kind: Any, ids: Iterable[int]) -> dict[int, Any]:
    return {row.id: row for row in act.session.scalars(select(kind).where(kind.id.in_(set(ids))))}


def _accounts(act: Act, ids: Sequence[int]) -> dict[int, list[Account]]:
    found: dict[int, list[Account]] = defaultdict(list)
    carried = (
        select(MessageAccount.message_id, Account)
        .join(Account, Account.id == MessageAccount.account_id)
        .where(MessageAccount.message_id.in_(ids))
        .order_by(Account.channel, Account.name)
    )
    for message_id, account in act.session.execute(carried):
        found[message_id].append(account)
    return found


def _movable(act: Act, message: Message) -> bool:
    return (
        message.state in room.EDITABLE
        and message.started_at is None
        and act.caller.may("messages:write", message.programme_id)
    )


def _recheck(message: Message, home: Programme) -> bool:
    return message.approved_digest is not None and home.assurance != "light"


def _told(act: Act, odd: dict[int, list[dict[str, Any]]]) -> dict[int, list[dict[str, Any]]]:
    """Warnings with the names of what they are about."""
    every = [one for told in odd.values() for one in told]
    others = _by_id(act, Message, {one["message_id"] for one in every if "message_id" in one})
    items = _by_id(act, ContentItem, {message.content_id for message in others.values()})
    accounts = _by_id(act, Account, {one["account_id"] for one in every if "account_id" in one})
    for one in every:
        if "message_id" in one:
            other = others[one["message_id"]]
            one["other"] = other.name or items[other.content_id].name
        if "account_id" in one:
            one["account"] = accounts[one["account_id"]].name
    return odd
