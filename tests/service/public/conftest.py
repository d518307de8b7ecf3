"""Fixtures of the pages without login: a browser, and somebody who was sent a link."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from flask.testing import FlaskClient

from campaigns.stakeholders import consent
from service.app import create_app
from service.wiring import Wiring
from tests.campaigns.responses.conftest import World


@pytest.fixture
def browser(wiring: Wiring) -> FlaskClient:
    """Somebody outside, with nothing but a link."""
    return create_app(wiring=wiring).test_client()


@dataclass(frozen=True)
class Sent:
    """A mail to Ann, who had agreed to marketing."""

    person_id: int
    delivery_id: int
    path: str


@pytest.fixture
def sent(wiring: Wiring) -> Sent:
    """Ann has a mail of ours with its link."""
    with wiring.database.write() as session:
        world = World(session, wiring.now())
        ann = world.person("Ann", "ann@example.org", languages=["cy", "en"])
        consent.give(
            session, world.now, ann.id, "direct_marketing", "email", basis="consent", source="form", actor="usr_1"
        )  # fmt: skip
        delivery = world.delivery(ann)
        token = wiring.links.token("unsubscribe", delivery.id)
        return Sent(ann.id, delivery.id, f"/u/{token}")
