"""The sample year: believable, whole, and gone without a trace when it is removed."""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy import func, select

from campaigns.delivery import reconcile
from campaigns.errors import AlreadyDone
from campaigns.messages.tables import Message
from campaigns.responses.tables import Response
from campaigns.stakeholders.tables import Address, Stakeholder
from campaigns.strategies import programmes
from service import epoch
from service.access import CONSOLE
from service.demo import removing, year
from service.wiring import Wiring, metadata

KEPT = {"audit_entries", "alembic_version"}


def rows(wiring: Wiring) -> Counter[str]:
    """How many rows every table has."""
    with wiring.database.read() as session:
        return Counter(
            {
                table.name: session.scalar(select(func.count()).select_from(table)) or 0
                for table in metadata.sorted_tables
                if table.name not in KEPT
            }
        )


@pytest.fixture
def before(wiring: Wiring) -> Counter[str]:
    """A new installation, and then the year in it."""
    with wiring.database.write() as session:
        programmes.general(session, wiring.now())
        epoch.begin(session)
    found = rows(wiring)
    year.load(wiring, CONSOLE)
    return found


def test_the_year_is_whole_and_everything_of_it_is_gone_when_it_is_removed(
    wiring: Wiring, before: Counter[str]
) -> None:
    """K10."""
    _the_books_agree(wiring)
    _the_next_mailing_leaves_37_out(wiring)
    _nobody_in_it_can_be_reached(wiring)
    with pytest.raises(AlreadyDone):
        year.load(wiring, CONSOLE)
    assert removing.remove(wiring, CONSOLE) > 5000
    assert rows(wiring) == before
    assert removing.remove(wiring, CONSOLE) == 0


def _the_books_agree(wiring: Wiring) -> None:
    with wiring.database.read() as session:
        finished = session.scalars(select(Message).where(Message.state == "finished")).all()
        assert len(finished) > 100
        assert all(reconcile.books(session, message.id)["reconciled"] for message in finished)
        kinds = Counter(session.scalars(select(Response.kind)))
        assert kinds["reply"] > 100 and kinds["bounce"] == year.BOUNCED and kinds["opt_out"] == year.OPTED_OUT
        languages = Counter(session.scalars(select(Stakeholder.languages)).all()[n][0] for n in range(300))
        assert all(languages[code] > 20 for code in ("en", "cy", "ar"))


def _the_next_mailing_leaves_37_out(wiring: Wiring) -> None:
    with wiring.database.read() as session:
        newest = select(Message).where(Message.state == "finished", Message.segment_id.is_not(None))
        message = session.scalars(newest.order_by(Message.id.desc()).limit(1)).one()
        assert sum(reconcile.reasons(session, message.id).values()) == 37


def _nobody_in_it_can_be_reached(wiring: Wiring) -> None:
    with wiring.database.read() as session:
        addresses = session.scalars(select(Address.key)).all()
        assert len(addresses) > 300 and all(key.endswith(".example") for key in addresses)
