"""What came of a message on its page: a wide table and long words, in three languages, hinder nobody at any width."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from campaigns.base import public_id
from campaigns.delivery.tables import Delivery, DeliveryEvent
from campaigns.messages.tables import Message
from campaigns.responses.tables import PostFigure, PostLook
from connectors.api import FIGURES

from .every_page import LANGUAGES, OVER, WIDTHS, findings
from .site import Site, Visit, sign_in


@pytest.fixture(scope="module")
def place(year_site: Site) -> str:
    """A mailing of the sample year that was opened, and that networks counted: two posts in full, a third in part."""
    wiring = year_site.wiring()
    with wiring.database.write() as session:
        message = session.scalars(
            select(Message)
            .where(Message.segment_id.is_not(None), Message.state == "finished")
            .order_by(Message.id)
        ).first()
        assert message is not None
        sent = select(Delivery).where(Delivery.message_id == message.id, Delivery.state == "sent").limit(3)
        for n, row in enumerate(session.scalars(sent).all()):
            about = {"delivery_id": row.id, "message_id": message.id}
            for kind, verdict in (("opened", "person"), ("clicked", "machine")):
                session.add(
                    DeliveryEvent(
                        **about, kind=kind, at=row.sent_at, account_id=row.account_id, event_key=f"shown {n}",
                        verdict=verdict,
                    )
                )  # fmt: skip
            looked_at = wiring.now() - timedelta(hours=n)
            session.add(PostLook(**about, account_id=row.account_id, looked_at=looked_at))
            for figure in FIGURES if n else FIGURES[:2]:
                session.add(PostFigure(**about, figure=figure, value=1_234_567, at=looked_at, source="x"))
        number = message.id
    wiring.close()
    return f"/messages/{public_id('msg', number)}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_figures_hinder_nobody_and_nothing_is_cut_off(
    year_site: Site, place: str, visit: Visit, language: str, scheme: str
) -> None:
    """G14, F6"""
    page, wrong = sign_in(visit(year_site.url, locale=language, color_scheme=scheme, bypass_csp=True)), []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{place}?language={language}")
        assert page.locator("#came .tallies li").count() == 3 * len(FIGURES)
        wrong += [f"{width}: {found}" for found in findings(page)]
        over = page.evaluate(OVER)
        wrong += [f"{over} px too wide at {width}"] if over > 0 else []
    assert not wrong, json.dumps(wrong, indent=1, ensure_ascii=False)
