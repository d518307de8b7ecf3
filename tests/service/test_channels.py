"""The channels that pages offer for people's addresses."""

from __future__ import annotations

from service import channels


def test_wherever_a_connector_hears_people_they_can_have_an_address() -> None:
    """DC3: a new connector needs no line in a page."""
    found = channels.of_people()
    assert found[: len(channels.USUAL)] == channels.USUAL and len(set(found)) == len(found)
    assert {"x", "mastodon", "bluesky", "telegram", "discord", "slack"} <= set(found)
    assert not {"practice", "apprise", "by_hand"} & set(found)
