"""What may be done with what providers told us: think about it again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from campaigns.delivery.tables import Account
from campaigns.responses import replay as responses

from . import Act


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay did on one account: events that are due again, and what could be read now or still cannot."""

    account: Account
    again: int
    read: int
    unread: int


def replay(act: Act, account_id: int | None, since: datetime | None) -> list[Replayed]:
    """Think again about what failed or could not be read on one account or on all, and what came since a time."""
    wanted = select(Account).order_by(Account.id)
    if account_id is not None:
        wanted = select(Account).where(Account.id == act.one(Account, account_id).id)
    found = []
    for account in act.session.scalars(wanted).all():
        act.need("connectors:admin", account.programme_id)
        done = _replayed(act, account, since)
        if done.again or done.read or done.unread:
            found.append(done)
            after = {"again": done.again, "read": done.read, "unread": done.unread}
            act.note(
                "connector_account.replayed",
                "account",
                account.id,
                programme_id=account.programme_id,
                after=after,
            )
    return found


def _replayed(act: Act, account: Account, since: datetime | None) -> Replayed:
    read = act.wiring.connector(act.session, account).read
    could, left = responses.unread(act.session, act.now, account.id, read)
    return Replayed(account, responses.again(act.session, act.now, account.id, since), could, left)
