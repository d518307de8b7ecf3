"""How far a new installation has come: something connected, somebody to write to, a first message that has gone."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Select, select

from campaigns.delivery.tables import Account
from campaigns.messages.tables import Message
from campaigns.stakeholders.tables import Stakeholder

from ..access import involved, scoped
from ..demo import year
from . import Act

GONE = ("sending", "paused", "finished")


@dataclass(frozen=True, slots=True)
class Progress:
    """What has been done, and the account it was done with: the mail account first."""

    account: Account | None
    people: bool
    sent: bool

    @property
    def steps(self) -> int:
        """How many of the three are done."""
        return self.connected + self.people + self.sent

    @property
    def connected(self) -> bool:
        """Whether something is connected, and works as far as anybody knows."""
        return self.account is not None and self.account.state == "active"


def progress(act: Act) -> Progress:
    """How far the caller's part of the installation has come, the sample year left aside."""
    sample = year.programme_of(act.session)
    accounts = scoped(select(Account), Account.programme_id, act.caller, "connectors:read", shared=True)
    if sample is not None:
        accounts = accounts.where(Account.programme_id.is_distinct_from(sample))
    account = act.session.scalar(
        accounts.where(Account.state != "disabled")
        .order_by(Account.state != "active", Account.test, Account.channel != "email", Account.id)
        .limit(1)
    )
    people = involved(select(Stakeholder.id), Stakeholder.id, act.caller, "stakeholders:read")
    people = people.where(Stakeholder.state == "active", Stakeholder.source != year.SOURCE)
    gone = scoped(select(Message.id), Message.programme_id, act.caller, "messages:read").where(
        Message.state.in_(GONE), Message.test.is_(False), Message.programme_id.is_distinct_from(sample)
    )
    return Progress(account, _any(act, people), _any(act, gone))


def _any(act: Act, rows: Select[int]) -> bool:
    return act.session.scalar(rows.limit(1)) is not None
