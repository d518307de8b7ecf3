"""Text messages through the whole of Dolen: to one number, what became of it, an answer, and STOP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from campaigns.responses import intake
from service.wiring import Wiring
from tests.connectors import far
from tests.connectors.test_twilio import NUMBER, SID, TOKEN, URL, Twilio, form, signed
from tests.real.dolen import Loop

from .conftest import Api

SIAN = "+447700900123"


@pytest.fixture
def twilio() -> Iterator[Twilio]:
    with far.running(Twilio()) as one:
        yield one


@pytest.fixture
def loop(api: Api, wiring: Wiring, admin: str) -> Loop:
    """An installation with its API, worked step by step."""
    return Loop(api, wiring, admin)


def called(loop: Loop, account: str, told: dict[str, str]) -> None:
    """Twilio tells something, and it is thought about."""
    call = signed(told)
    answer = loop.api.client.post(f"/hooks/{account}", data=call.body, headers=dict(call.headers))
    assert (answer.status_code, answer.data) == (200, b"<Response/>")
    intake.process(loop.wiring.database.sessions, loop.wiring.now(), loop.wiring.links)


def test_whoever_writes_stop_gets_no_more_text_messages(loop: Loop, twilio: Twilio) -> None:
    """D5, DC3, F13, H4"""
    settings = {"account_sid": SID, "from": NUMBER, "hook_url": URL, "base_url": twilio.url}
    account = loop.connect("twilio", settings, {"auth_token": TOKEN})
    sian = loop.person("Siân", "sms", "+44 7700 900 123")
    sent = loop.post(account, "Dewch draw", stakeholders=[sian], purpose="service")
    assert [(one["To"], one["Body"]) for one in twilio.messages] == [(SIAN, "Dewch draw")]

    named = {"MessageSid": sent["provider_id"], "SmsSid": sent["provider_id"]}
    called(loop, account, form("delivered", **named))
    called(loop, account, form("received"))
    for _ in range(2):
        called(loop, account, form("stop"))
    came: list[dict[str, Any]] = loop.responses(sian)
    assert sorted(one["what"] for one in came) == ["opt_out", "reply"]

    asked = {"accounts": [account], "text": "Arolwg", "stakeholders": [sian], "purpose": "survey"}
    made = loop.api.post("/v1/messages", loop.token, json=asked).json
    loop.work()
    (row,) = loop.get(made["deliveries"])["data"]
    assert row["state"] == "excluded" and len(twilio.messages) == 1
