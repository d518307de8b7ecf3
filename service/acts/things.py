"""What things are called, and whose page shows them, as far as the caller may see them: for lists about everything.

Rules: one statement for each kind, whatever the number of rows; what belongs to a person is told by that person's name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select

from campaigns.delivery.tables import Account, Delivery, Stop
from campaigns.messages.tables import ContentItem, Media, Message, QuietPeriod, Template
from campaigns.responses.tables import Commitment, Interaction, Response, SavedReply, Task
from campaigns.stakeholders.tables import (
    Address,
    Consent,
    Field,
    Form,
    Import,
    Membership,
    Segment,
    Stakeholder,
    Suppression,
    Topic,
)
from campaigns.strategies.tables import (
    Objective,
    Priority,
    Programme,
    Risk,
    Strategy,
    StrategyComment,
    StrategyVersion,
)

from ..access import Caller, involved, scoped
from ..tables import Grant, Token, User
from . import Act

Rows = Select[*tuple[Any, ...]]
Narrowed = Callable[[Rows, Caller], Rows]


@dataclass(frozen=True, slots=True)
class Thing:
    """What something is called, and the row whose page shows it; `number` is None where there is none."""

    name: str
    kind: str
    number: int | None


@dataclass(frozen=True, slots=True)
class _Kind:
    """How the rows of a kind are told: (id, name, number on the page) of `page`, as far as a caller sees them."""

    page: str
    rows: Rows
    id: Any
    narrowed: Narrowed


def named(act: Act, wanted: Iterable[tuple[str | None, int | None]]) -> dict[tuple[str, int], Thing]:
    """These (kind, id) by name; what the caller may not see, is gone or has no name, is missing."""
    numbers: dict[str, set[int]] = defaultdict(set)
    for kind, number in wanted:
        if kind in KINDS and number is not None:
            numbers[kind].add(number)
    found: dict[tuple[str, int], Thing] = {}
    for kind, those in numbers.items():
        how = KINDS[kind]
        rows = how.narrowed(how.rows.where(how.id.in_(those)), act.caller)
        for number, name, shown_by in act.session.execute(rows):
            found[kind, number] = Thing(name or "", how.page, shown_by)
    return found


def _own(kind: str, table: Any, scope: str = "", home: Any = None, name: Any = None) -> _Kind:
    """Rows with a name of their own; `home` is the column of their programme, none: everybody's."""
    told = table.name if name is None else name
    return _told(kind, table.id, select(table.id, told, table.id), scope, home)


def _told(kind: str, number: Any, rows: Any, scope: str, home: Any) -> _Kind:
    def narrowed(statement: Rows, caller: Caller) -> Rows:
        return statement if home is None else scoped(statement, home, caller, scope, shared=True)

    return _Kind(kind, rows, number, narrowed)


def _theirs(table: Any, column: Any, other: Any = None) -> _Kind:
    """Rows that belong to somebody; `other` is what they are called where nobody is known."""
    name = Stakeholder.name if other is None else func.coalesce(Stakeholder.name, other)
    rows = select(table.id, name, Stakeholder.id).outerjoin(Stakeholder, Stakeholder.id == column)
    return _people(table.id, rows, column)


def _people(number: Any, rows: Any, column: Any) -> _Kind:
    def narrowed(statement: Rows, caller: Caller) -> Rows:
        return involved(statement, column, caller, "stakeholders:read")

    return _Kind("stakeholder", rows.where(Stakeholder.state.is_distinct_from("erased")), number, narrowed)


_MESSAGE = func.coalesce(func.nullif(Message.name, ""), ContentItem.name)
_SENT_BY = select(
    Response.id,
    func.coalesce(Stakeholder.name, func.nullif(Response.from_name, ""), Response.from_key),
    Response.id,
).outerjoin(Stakeholder, Stakeholder.id == Response.stakeholder_id)
_COMMENTED = (
    select(StrategyComment.id, Strategy.name, Strategy.id)
    .join(StrategyVersion, StrategyVersion.id == StrategyComment.version_id)
    .join(Strategy, Strategy.id == StrategyVersion.strategy_id)
)
KINDS: dict[str, _Kind] = {
    "programme": _own("programme", Programme, "programmes:read", Programme.id),
    "priority": _told(
        "programme", Priority.id, select(Priority.id, Priority.name, Priority.programme_id), "programmes:read",
        Priority.programme_id,
    ),
    "risk": _told(
        "programme", Risk.id, select(Risk.id, Risk.name, Risk.programme_id), "programmes:read", Risk.programme_id
    ),
    "objective": _own("objective", Objective, "programmes:read", Objective.programme_id),
    "stakeholder": _people(
        Stakeholder.id, select(Stakeholder.id, Stakeholder.name, Stakeholder.id), Stakeholder.id
    ),
    "address": _theirs(Address, Address.stakeholder_id),
    "membership": _theirs(Membership, Membership.person_id),
    "consent": _theirs(Consent, Consent.stakeholder_id),
    "suppression": _theirs(Suppression, Suppression.stakeholder_id, Suppression.address_key),
    "interaction": _theirs(Interaction, Interaction.stakeholder_id),
    "commitment": _theirs(Commitment, Commitment.stakeholder_id),
    "delivery": _theirs(Delivery, Delivery.stakeholder_id),
    "field": _own("field", Field),
    "segment": _own("segment", Segment, "segments:read", Segment.programme_id),
    "import": _own("import", Import, "stakeholders:read", Import.programme_id, name=Import.filename),
    "form": _own("form", Form, "stakeholders:read", Form.programme_id),
    "topic": _own("topic", Topic, "stakeholders:read", Topic.programme_id),
    "strategy": _own("strategy", Strategy, "strategies:read", Strategy.programme_id),
    "comment": _told("strategy", StrategyComment.id, _COMMENTED, "strategies:read", Strategy.programme_id),
    "template": _own("template", Template, "messages:read", Template.programme_id),
    "media": _own("media", Media, "messages:read", Media.programme_id),
    "content_item": _own("content_item", ContentItem, "messages:read", ContentItem.programme_id),
    "message": _told(
        "message", Message.id,
        select(Message.id, _MESSAGE, Message.id).join(ContentItem, ContentItem.id == Message.content_id),
        "messages:read", Message.programme_id,
    ),
    "quiet_period": _own("quiet_period", QuietPeriod, "messages:read", QuietPeriod.programme_id),
    "response": _told("response", Response.id, _SENT_BY, "responses:read", Response.programme_id),
    "saved_reply": _own("saved_reply", SavedReply, "responses:read", SavedReply.programme_id),
    "task": _own("task", Task, "programmes:read", Task.programme_id, name=Task.title),
    "account": _own("account", Account, "connectors:read", Account.programme_id),
    "stop": _own("stop", Stop, "messages:read", Stop.programme_id, name=Stop.reason),
    "user": _own("user", User),
    "token": _own("token", Token),
    "grant": _told(
        "user", Grant.id, select(Grant.id, User.name, User.id).join(User, User.id == Grant.user_id), "", None
    ),
}  # fmt: skip
