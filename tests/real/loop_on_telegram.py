"""The loop on a Telegram emulator: what is posted, what people answer, and on whose record that lands.

It knows neither pictures nor reactions, nor who may post: those stand in tests/connectors/test_telegram.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from . import telegram
from .dolen import Loop
from .install import installed

TOKEN = "11:token-of-the-bot"
CHAT = {"id": -1001234567890, "title": "Cyngor Môn", "type": "supergroup"}
SIAN = {"id": 22, "is_bot": False, "first_name": "Siân", "last_name": "Rees", "username": "sianrees"}


@pytest.fixture
def server() -> Iterator[str]:
    """The address of an emulator."""
    if not installed("telegram"):
        pytest.skip("the Telegram emulator is not installed: `make test-real` says why")
    with telegram.emulator() as address:
        yield address


def test_what_people_answer_lands_on_the_right_record_within_one_poll(loop: Loop, server: str) -> None:
    """DC3, CS7"""
    settings = {"chat": str(CHAT["id"]), "username": "dolen_bot", "base_url": server}
    account = loop.connect("telegram", settings, {"token": TOKEN}, verify=False)
    known, other = loop.person("Siân", "telegram", "@sianrees"), loop.person("Nia", "telegram", "@nia")
    text = "Dewch draw nos Fercher · تعالوا مساء الأربعاء"
    sent = loop.post(account, text)
    history = telegram.ask(server, "getUpdatesHistory", token=TOKEN)
    assert [(one["message"]["chat_id"], one["message"]["text"]) for one in history] == [
        (str(CHAT["id"]), text)
    ]

    ours = {"message_id": int(sent["provider_id"]), "from": {"id": 11, "is_bot": True}, "chat": CHAT}
    says(server, "Byddaf yno!", chat=CHAT, reply_to_message=ours)
    says(server, "a @dolen_bot?", chat=CHAT)
    says(server, "helo bawb", chat=CHAT)
    assert loop.poll() == 2 and loop.poll() == 0
    assert sorted(one["what"] for one in loop.responses(known)) == ["mention", "reply"]
    assert loop.responses(other) == []


def says(server: str, text: str, **more: Any) -> None:
    """Siân writes something there."""
    told = {"botToken": TOKEN, "from": SIAN, "date": 1793610000, "text": text}
    telegram.ask(server, "sendMessage", **told, **more)
