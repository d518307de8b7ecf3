"""What a try has made ready at a provider and nobody sees yet: the next try goes on with it and makes no second one.

Rules: it is written down before anything is published of it, and only while the row is still in this worker's hand.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from connectors.api import Deferred, plain

from ..database import Database
from . import batch, states
from .tables import Attempt, Delivery

BEGUN = "begun"


def of(session: Session, delivery_id: int) -> str:
    """The provider's name of what the last try that came so far has begun; "" where none did."""
    found = select(Attempt.provider_id).where(Attempt.delivery_id == delivery_id, Attempt.outcome == BEGUN)
    return session.scalar(found.order_by(Attempt.n.desc(), Attempt.seq.desc()).limit(1)) or ""


def keep(
    database: Database, now: Callable[[], datetime], delivery_id: int, attempt: int, token: int, name: str
) -> None:
    """Write it down. Deferred where that cannot be done, or another worker has the row: nothing is published then."""
    ours = select(Delivery.id).where(
        Delivery.id == delivery_id, Delivery.state == states.SENDING, Delivery.attempt == attempt,
        Delivery.token == token,
    )  # fmt: skip
    try:
        with database.write() as session:
            if session.scalar(ours.with_for_update(key_share=True)) is None:
                raise Deferred("another worker has taken it over", phase="media")
            batch.note(session, now(), delivery_id, attempt, token, BEGUN, provider_id=plain(name))
    except (OperationalError, InterfaceError) as error:
        raise Deferred("what was begun could not be written down", phase="media") from error
