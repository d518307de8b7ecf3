"""What is held about somebody: what went to them or was to go, why, with its words, and what became of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Select, and_, select

from ..delivery import compose, threads
from ..delivery.tables import Account, Attempt, Delivery, DeliveryEvent, HandWork
from ..errors import DomainError
from ..messages.tables import Message, MessageRecipient, Variant
from ..strategies.tables import Programme, Strategy, StrategyVersion
from .held_rows import Reader, Told, plain, rows
from .tables import Response


def named_in(reader: Reader) -> Iterator[Told]:
    """Messages that name them one by one, those included that have not gone."""
    found = (
        select(Message)
        .join(MessageRecipient, MessageRecipient.message_id == Message.id)
        .where(MessageRecipient.stakeholder_id.in_(reader.ids), reader.inside(Message.programme_id))
    )
    for (row,) in rows(reader, found.distinct().order_by(Message.id)):
        yield {
            "message_id": row.id, "message": row.name, "state": row.state, "purpose": row.purpose, "at": row.at,
            "programme": reader.name(Programme, row.programme_id),
        }  # fmt: skip


def deliveries(reader: Reader) -> Iterator[Told]:
    """Everything that went or was to go to them: why it was sent or was not, on what basis, and its words."""
    letters = _Letters(reader)
    # A public answer goes to a network, not to a person: it is told to whoever was answered.
    answered = select(Response.id).where(Response.stakeholder_id.in_(reader.ids))
    public = and_(Delivery.stakeholder_id.is_(None), Message.answers_id.in_(answered))
    # One after the other, and not by id: each is found by an index, and no table is walked in the order of its key.
    for mine in (Delivery.stakeholder_id.in_(reader.ids), public):
        found = (
            select(Delivery, Message, StrategyVersion.n, Strategy.name, HandWork)
            .join(Message, Message.id == Delivery.message_id)
            .join(StrategyVersion, StrategyVersion.id == Message.strategy_version_id)
            .join(Strategy, Strategy.id == StrategyVersion.strategy_id)
            .outerjoin(HandWork, HandWork.delivery_id == Delivery.id)
            .where(mine, reader.inside(Message.programme_id))
        )
        for row, message, version, strategy, hand in rows(
            reader, found.order_by(Delivery.due_at, Delivery.id)
        ):
            yield plain(
                reader, row, "stakeholder_id", "slots", message=message.name, purpose=message.purpose,
                kind=message.kind, programme=reader.name(Programme, message.programme_id), strategy=strategy,
                strategy_version=version, strategy_version_id=message.strategy_version_id,
                account=reader.name(Account, row.account_id), values=_own_values(row.slots),
                error=reader.veil.whole(row.error), by_hand=_by_hand(reader, hand), **letters.words(row, message),
            )  # fmt: skip


def _by_hand(reader: Reader, hand: HandWork | None) -> Told | None:
    """What people did with it who carried it out themselves."""
    if hand is None:
        return None
    return {"handed_at": hand.handed_at, "ended_at": hand.ended_at, "done": hand.done,
            "words": reader.veil.text(hand.words or "")}  # fmt: skip


def _own_values(slots: Mapping[str, Any] | None) -> Told:
    """What stood in the words for them alone."""
    return {name: value for name, value in (slots or {}).items() if not name.startswith("_")}


class _Letters:
    """The words of deliveries as they went out; what one message needs is made once."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._of: tuple[tuple[int, int], compose.Composer] | None = None

    def words(self, row: Delivery, message: Message) -> Told:
        """Subject and text; nothing of a row that never had words."""
        session = self._reader.session
        variant = session.get(Variant, row.variant_id) if row.variant_id else None
        if variant is None or row.slots is None:
            return {}
        account = session.get_one(Account, row.account_id)
        below = session.get(Variant, row.below_id) if row.below_id else None
        try:
            said = threads.worded(session, account, row.id, variant)
            letter = compose.Letter(row.id, row.slots, said, row.address_key, below)
            made = self._composer(message, account).compose(letter)
        except DomainError:  # words that could not be made then, and cannot now
            return {}
        return {"subject": str(made.subject), "words": self._cut(str(made.text))}

    def _cut(self, text: str) -> str:
        """Their own links would work for whoever has the file: to opt out, to choose, to answer."""
        return re.sub(
            rf"{re.escape(self._reader.links.base_url)}/\S+", f"{self._reader.links.base_url}/…", text
        )

    def _composer(self, message: Message, account: Account) -> compose.Composer:
        if self._of is None or self._of[0] != (message.id, account.id):
            self._of = (message.id, account.id), compose.Composer(message, account, self._reader.links)
        return self._of[1]


def attempts(reader: Reader) -> Iterator[Told]:
    found = _of_deliveries(reader, Attempt).where(Delivery.stakeholder_id.in_(reader.ids))
    for (row,) in rows(reader, found.order_by(Attempt.delivery_id, Attempt.n, Attempt.seq)):
        yield plain(reader, row, error=reader.veil.whole(row.error))


def events(reader: Reader) -> Iterator[Told]:
    found = _of_deliveries(reader, DeliveryEvent).where(DeliveryEvent.stakeholder_id.in_(reader.ids))
    for (row,) in rows(reader, found.order_by(DeliveryEvent.at, DeliveryEvent.id)):
        yield plain(reader, row, "stakeholder_id", "event_key")


def _of_deliveries(reader: Reader, table: type[Attempt | DeliveryEvent]) -> Select[Any]:
    """Rows about deliveries of what the reader may see."""
    found = select(table).join(Delivery, Delivery.id == table.delivery_id)
    return found.join(Message, Message.id == Delivery.message_id).where(reader.inside(Message.programme_id))
