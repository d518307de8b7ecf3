"""The address of a server that people run themselves: which ones are taken, and where the door leads."""

from __future__ import annotations

import pytest

from connectors import own_server
from connectors.api import AccountGone, BadSettings, Deferred

from .relay import closed_port
from .spellings import DISGUISED, LOCAL, NOT_NAMES


@pytest.mark.parametrize(
    "url",
    ["https://cyngor.example", "https://cyngor.example:8443/blog/", "https://llanfairpwllgwyngyll.cymru/wp"]
    + ["https://münchen.de/", "http://127.0.0.1:8080", "http://localhost/", "https://[::1]:9/"],
)
def test_an_address_of_a_server_is_taken(url: str) -> None:
    own_server.check(url, 30.0)


@pytest.mark.parametrize("url", ["", "cyngor.example", "http://cyngor.example/", "ftp://cyngor.example/"])
def test_what_is_not_encrypted_or_no_address_is_not(url: str) -> None:
    with pytest.raises(BadSettings) as told:
        own_server.check(url, 30.0)
    assert set(told.value.problems) == {"url"}


# The full stops of other scripts are full stops: with them it is an address of this machine, for practice.
@pytest.mark.parametrize("host", [one for one in NOT_NAMES if one not in ("127。0。0。1", "127．0．0．1")])
def test_a_host_that_is_no_name_is_not(host: str) -> None:
    """U2"""
    with pytest.raises(BadSettings):
        own_server.check(f"https://{host}/", 30.0)


@pytest.mark.parametrize("url", [one for one in DISGUISED if set(one) & set("@\\#\t\n ")])
def test_an_address_in_disguise_is_not(url: str) -> None:
    """U1"""
    with pytest.raises(BadSettings):
        own_server.check(url.format(port=1).replace("http:", "https:"), 30.0)


@pytest.mark.parametrize("host", [one for one in LOCAL if one not in own_server.LOOPBACK])
def test_an_address_inside_is_never_connected_to(host: str) -> None:
    """U1: it is spelt well, and the door does not open."""
    own_server.check(f"https://{host}/", 30.0)
    with pytest.raises(AccountGone, match="no address that may be called"):
        own_server.door(f"https://{host}/", deadline_s=5, secrets=()).request("GET", f"https://{host}/")


def test_the_door_opens_for_this_server_and_no_other() -> None:
    port = closed_port()
    door = own_server.door(f"http://127.0.0.1:{port}/blog", deadline_s=5, secrets=())
    with pytest.raises(Deferred):
        door.request("GET", f"http://127.0.0.1:{port}/other")
    with pytest.raises(AccountGone, match="none of the hosts"):
        own_server.door("https://cyngor.example", deadline_s=5, secrets=()).request(
            "GET", "https://x.example/"
        )


@pytest.mark.parametrize("seconds", [0, -1, 121])
def test_seconds_that_nobody_waits_are_named(seconds: float) -> None:
    with pytest.raises(BadSettings) as told:
        own_server.check("https://cyngor.example", seconds)
    assert set(told.value.problems) == {"deadline_s"}
