"""Connected accounts: what they may carry, and whether they are in service.

Rules: secrets arrive sealed and leave never; an account that a provider refuses goes out of service with its rows
still queued, and comes back by `verify` only.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, and_, or_, select, update
from sqlalchemy import delete as removal
from sqlalchemy.orm import Session

from connectors.api import Blind, Connector, Findable, Keyed, Renewed, Repeats

from ..errors import BadField, Conflict, NotFound, Recalled, said
from ..messages import content, lengths, media, parts, planning
from ..messages.tables import Media, Message, MessageAccount, QueueSlot, Variant
from ..stakeholders.tables import Form
from . import limits
from .tables import Account, Delivery

ON_UNKNOWN = ("hold", "retry", "assume_sent")
NO_TROUBLE: dict[str, Any] = {"failures": 0, "trouble": None, "trouble_since_at": None}
# A login that is refused so soon after it was renewed is not renewed again: it is refused.
FRESH = timedelta(minutes=1)
# A login is renewed when so much of its life is over.
USED = 0.8


def create(
    session: Session, now: datetime, *, name: str, connector: str, channel: str, **values: Any
) -> Account:
    """A new account; its limits and class of repeats are declared by `declare`."""
    if session.scalar(select(Account.id).where(Account.name == name)) is not None:
        raise Conflict(
            said("an account named {name} exists already: choose another name", name=repr(name)),
            pointer="/name",
        )
    _check(values)
    account = Account(
        name=name, connector=connector, channel=channel, created_at=now, updated_at=now, version=1, **values
    )
    session.add(account)
    session.flush()
    return account


def change(session: Session, account: Account, now: datetime, **values: Any) -> None:
    """Change settings, secrets (sealed), sender, language, on_unknown or state."""
    _check(values)
    if "own_limits" in values:
        limits.ask_anew(session, account)
    for name, value in values.items():
        setattr(account, name, value)
    account.touch(now)


def read_anew(account: Account) -> None:
    """Begin to read what comes in from the beginning: how far another place was read says nothing about this one."""
    account.poll_cursor, account.poll_due_at = None, None


def declare(account: Account, connector: Connector) -> None:
    """Write down what the connector says it takes and how it repeats."""
    account.channel, account.broadcast = connector.channel, connector.broadcast
    account.limits = asdict(connector.limits)
    account.app = f"{account.connector}:{connector.app}" if connector.app else None
    account.renews = connector.refresh is not None
    account.repeats = repeats_as_data(connector.repeats)


def repeats_as_data(repeats: Repeats) -> dict[str, Any]:
    """A class of repeats as stored: {"kind", …its seconds}."""
    kinds: dict[type[Repeats], str] = {Keyed: "keyed", Findable: "findable", Blind: "blind"}
    return {"kind": kinds[type(repeats)], **asdict(repeats)}


def get(session: Session, account_id: int) -> Account:
    """The account, or NotFound."""
    account = session.get(Account, account_id)
    if account is None:
        raise NotFound("there is no such account")
    return account


def refuse(session: Session, account_id: int, now: datetime, words: str, version: int | None = None) -> bool:
    """Take an account out of service; True the first time, so that one outage raises one alarm.

    `version` is that of the account whose login was refused: one that was mended since has another, and stays.
    """
    refused = Account.version if version is None else version
    done = session.execute(
        update(Account)
        .where(Account.id == account_id, Account.state == "active", Account.version == refused)
        .values(state="out_of_service", state_reason=words[:500], updated_at=now, version=Account.version + 1)
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]


def ready(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """In service, and told to wait neither by its provider nor by its limits nor for a new login."""
    return and_(
        Account.state == "active",
        or_(Account.not_before_at.is_(None), Account.not_before_at <= now),
        or_(Account.limited_until_at.is_(None), Account.limited_until_at <= now),
        or_(Account.renew_due_at.is_(None), Account.renew_due_at > now),
    )


def ask_renewal(session: Session, account: Account, now: datetime) -> bool:
    """Have the login of an account renewed before it carries anything more; False for one that is new.

    `account` is as it was when the refused login was read: where it was renewed since, the new one is tried first.
    """
    stale = or_(Account.renewed_at.is_(None), Account.renewed_at <= now - FRESH)
    waiting = or_(Account.renew_due_at.is_(None), Account.renew_due_at > now)
    session.execute(
        update(Account)
        .where(Account.id == account.id, Account.version == account.version, stale, waiting)
        .values(renew_due_at=now)
    )
    known = session.execute(
        select(Account.version, Account.renew_due_at).where(Account.id == account.id)
    ).one()
    due = known.renew_due_at is not None and known.renew_due_at <= now
    return bool(due or known.version != account.version)


def log_in(account: Account, now: datetime, new: Renewed) -> None:
    """Write down of a new login when it is to be renewed, and when somebody has to sign in anew."""
    account.renewed_at, account.renew_due_at = now, None
    ends_s = new.ends_s
    if new.life_s is not None and account.renews:
        account.renew_due_at = now + timedelta(seconds=new.life_s * USED)
    elif ends_s is None:
        ends_s = new.life_s
    if ends_s is not None:
        account.login_ends_at = now + timedelta(seconds=ends_s)
    account.touch(now)


def restore(session: Session, account: Account, now: datetime) -> None:
    """Back in service after its login was proven; what it held goes by itself."""
    account.state, account.state_reason, account.not_before_at = "active", "", None
    for name, value in NO_TROUBLE.items():
        setattr(account, name, value)
    account.verified_at, account.inbox_problem = now, None
    account.poll_due_at = account.measure_due_at = None
    account.touch(now)


def refuse_inbox(session: Session, account_id: int, words: str) -> bool:
    """Note that replies and bounces cannot be read; True the first time. Sending goes on."""
    first = session.execute(
        update(Account)
        .where(Account.id == account_id, Account.inbox_problem.is_(None))
        .values(inbox_problem=words[:500])
    )
    return bool(first.rowcount)  # type: ignore[attr-defined]


def read_again(session: Session, account_id: int) -> None:
    """Replies and bounces are read again."""
    session.execute(update(Account).where(Account.id == account_id).values(inbox_problem=None))


def delete(session: Session, account: Account) -> None:
    """Take away an account that never carried anything. Conflict where something went or came by it."""
    used: tuple[Any, ...] = (MessageAccount, Form, Delivery)
    for kind in used:
        if session.scalar(select(kind.account_id).where(kind.account_id == account.id).limit(1)) is not None:
            raise Conflict("messages go or went by this account: switch it off instead")
    session.execute(removal(QueueSlot).where(QueueSlot.account_id == account.id))
    session.delete(account)
    session.flush()


def of_message(session: Session, message_id: int) -> list[Account]:
    """The accounts a message goes out through, in a steady order."""
    return list(
        session.scalars(
            select(Account)
            .join(MessageAccount, MessageAccount.account_id == Account.id)
            .where(MessageAccount.message_id == message_id)
            .order_by(Account.id)
        )
    )


def one_each(session: Session, account_ids: Collection[int]) -> None:
    """BadField where two accounts would write to the same people on one channel; any number may post."""
    direct = select(Account.channel).where(Account.id.in_(account_ids), Account.broadcast.is_(False))
    ways = list(session.scalars(direct))
    if len(ways) != len(set(ways)):
        raise BadField(
            "everybody would get it from each of these accounts: name one for each channel",
            pointer="/accounts",
        )


def obstacles(session: Session, message: Message, now: datetime) -> list[dict[str, Any]]:
    """What the accounts of a message say against it: none, none in service, or words they cannot carry."""
    accounts = of_message(session, message.id)
    if not accounts:
        return [
            {"kind": "no_account", "detail": said("No connected account carries this message: choose one.")}
        ]
    found = []
    if not any(account.state == "active" for account in accounts):
        found = [
            {
                "kind": "account_out_of_service",
                "detail": said(
                    "The account {name} is out of service: {reason}",
                    name=account.name,
                    reason=Recalled(account.state_reason or account.state),
                ),
                "account": account.name,
            }
            for account in accounts
        ]
    return found + _over_limits(session, message, accounts) + _repeats(session, message, accounts, now)


def _over_limits(session: Session, message: Message, accounts: list[Account]) -> list[dict[str, Any]]:
    variants = content.current(session, message.content_id)
    pairs = [(account, one) for account in accounts for one in variants if one.channel == account.channel]
    # An answer stands under a post that has its picture.
    less = {"media_min": 0} if message.kind == "answer" else {}
    return [
        {"kind": "content_over_limit", "account": account.name, "language": variant.language, **over}
        for account, variant in pairs
        for over in _over(account.limits | less, variant, media.of(session, variant))
    ]


def _over(takes: dict[str, Any], variant: Variant, shown: Sequence[Media]) -> list[dict[str, Any]]:
    channel, text = variant.channel, variant.text
    alts = [media.alt(one, variant.language) or "" for one in shown]
    return [
        *lengths.over(takes, channel, variant.subject, text, int(variant.options.get("begins", 0))),
        *lengths.caption_over(takes, channel, text, alts),
        *parts.over(takes, channel, text),
        *media.over(takes, channel, variant.language, shown),
    ]


def _repeats(
    session: Session, message: Message, accounts: list[Account], now: datetime
) -> list[dict[str, Any]]:
    """Words that this network refuses a second time, while it remembers the first."""
    found = []
    for account in accounts:
        within_s = account.limits.get("same_within_s")
        if within_s and message.kind != "answer":
            within = timedelta(seconds=within_s)
            if planning.repeated(session, message, now, account.id, account.channel, within) is not None:
                words = said(
                    "The account {account} has said the same a short time before: change the words or the time",
                    account=account.name,
                )
                found.append({"kind": "words_repeated", "detail": words, "account": account.name})
    return found


def _check(values: dict[str, Any]) -> None:
    """Refuse what cannot be, and bring limits into the form in which they are stored."""
    if values.get("on_unknown", "hold") not in ON_UNKNOWN:
        raise BadField(
            said("on_unknown is one of {on_unknown}", on_unknown=ON_UNKNOWN), pointer="/on_unknown"
        )
    if "own_limits" in values:
        values["own_limits"] = limits.check(values["own_limits"])
