"""What people do by hand: it is given out under our own name, without any network."""

from __future__ import annotations

from typing import Any

import pytest

from connectors import registry
from connectors.api import BadSettings, Connector, Outbound, Receipt
from connectors.testing import ByPeopleContract, FarPeople


def place(**settings: Any) -> Connector:
    return registry.connect("by_hand", settings, {})


def test_it_is_one_thing_for_everybody_under_our_own_name() -> None:
    """L4"""
    connector = place(place="the board in the library, A4")
    assert (connector.channel, connector.broadcast) == ("by_hand", True)
    assert connector.send(Outbound("dlv_1", text="Croeso")) == Receipt("dlv_1", with_people=True)


def test_a_paper_takes_so_many_characters() -> None:
    assert place().limits.text_max is None and place(text_max=600).limits.text_max == 600
    with pytest.raises(BadSettings):
        place(text_max=-1)


class FarBoard(FarPeople):
    """A notice board."""

    def connector(self) -> Connector:
        return place(place="the board in the library")

    def outbound(self, n: int, text: str = "Hello") -> Outbound:
        return Outbound(f"dlv-{n}", text=text)


class TestContract(ByPeopleContract):
    """What people do keeps the promises of its kind."""

    @pytest.fixture
    def far(self) -> FarBoard:
        return FarBoard()
