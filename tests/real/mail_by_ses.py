"""Mail by a local Amazon SES that others wrote: it reads the signed request and the whole mail as Amazon does.

It has no account to be asked for and pushes no events: those stand in tests/connectors/test_ses.py.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors import registry
from tests.connectors.mail_apis import outbound

from . import ses
from .install import installed

TEXTS = ("Dewch i’r cyfarfod nos Fercher: ŵ, ŷ, â.", "نلتقي مساء الأربعاء.\nأهلًا وسهلًا")


@pytest.fixture
def server() -> Iterator[str]:
    """The address of a local SES."""
    if not installed("ses"):
        pytest.skip("the local Amazon SES is not installed: `make test-real` says why")
    with ses.local() as address:
        yield address


def test_whole_mails_arrive_in_every_script_and_each_has_a_name(server: str) -> None:
    """D2"""
    settings = {"base_url": server, "region": "eu-west-2"}
    account = registry.connect("ses", settings, {"access_key_id": "any", "secret_access_key": "any"})
    names = [
        account.send(outbound(n, text, html=f"<p>{text}</p>")).provider_id
        for n, text in enumerate(TEXTS, start=1)
    ]
    found = {one["messageId"]: one for one in ses.taken(server)}
    assert len(set(names)) == 2 and set(names) == set(found)
    for name, text in zip(names, TEXTS, strict=True):
        assert found[name]["subject"] == "Cyfarfod – اجتماع"
        assert found[name]["from"] == '"Cyngor Môn" <newyddion@news.mon.example>'
        assert found[name]["body"]["text"].strip() == text and f"<p>{text}</p>" in found[name]["body"]["html"]
