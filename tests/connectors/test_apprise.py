"""Apprise's server against a double of it: what it is told, and what its answers mean."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from connectors import registry
from connectors.api import (
    AccountGone,
    BadSettings,
    Connector,
    ConnectorError,
    Deferred,
    Outbound,
    Receipt,
    Refused,
    Uncertain,
)
from connectors.testing import OutboundContract, RepeatContract

from . import far
from .far import Asked, Far, PostsSide, Said

KEY, PASSWORD = "parish-of-llanfair", "word-of-the-parish"


@dataclass
class Server(Far):
    """An Apprise API server with one configuration behind a login. A notice is known by its title."""

    connector = "apprise"
    notices: list[dict[str, Any]] = field(default_factory=list)

    def name(self, asked: Asked) -> str:
        return str(asked.json().get("title")) if asked.method == "POST" else asked.path

    def answer(self, asked: Asked) -> Said:
        if asked.headers.get("authorization") != "Basic " + b64encode(f"dolen:{PASSWORD}".encode()).decode():
            return far.sample("apprise", "login")
        if asked.path == f"/json/urls/{KEY}":
            assert asked.query["privacy"] == "1"
            known = asked.query.get("tag") in (None, "newyddion")
            return far.sample("apprise", "urls") if known else Said(200, {"tags": [], "urls": []})
        if asked.path != f"/notify/{KEY}":
            return Said(204)
        self.notices.append(asked.json())
        return far.sample("apprise", "sent")


@pytest.fixture
def server() -> Iterator[Server]:
    with far.running(Server()) as running:
        yield running


def account(port: int, key: str = KEY, password: str = PASSWORD, **values: Any) -> Connector:
    told = {"url": f"http://127.0.0.1:{port}", "username": "dolen", "deadline_s": 5, **values}
    return registry.connect("apprise", told, {"key": key, "password": password})


def post(n: int = 1, text: str = "Dewch draw") -> Outbound:
    return Outbound(key=f"dlv-{n}", subject=f"Pwnc {n}", text=text)


def test_a_text_is_told_with_its_title_and_to_whom(server: Server) -> None:
    assert account(server.port, tag="newyddion").send(post()) == Receipt("dlv-1")
    told = {"title": "Pwnc 1", "body": "Dewch draw", "type": "info", "format": "text"}
    assert server.notices == [{**told, "tag": "newyddion"}]
    account(server.port).send(Outbound(key="dlv-2", text="Heb deitl"))
    assert server.notices[1] == {"body": "Heb deitl", "type": "info", "format": "text"}


def test_a_post_without_words_is_refused_before_anything_is_sent(server: Server) -> None:
    with pytest.raises(Refused):
        account(server.port).send(post(text=" \n"))
    assert server.asked == []


@pytest.mark.parametrize(
    "told, error, code",
    [
        ("bad_request", Refused, "400"), ("login", AccountGone, "401"), ("too_many", Deferred, "429"),
        ("some_failed", Uncertain, "424"), ("broken", Uncertain, "500"),
        (b"HTTP/1.1 204 x\r\n\r\n", AccountGone, "204"),
    ],
)  # fmt: skip
def test_an_answer_says_what_may_be_done_next(
    server: Server, told: str | bytes, error: type[ConnectorError], code: str
) -> None:
    server.once["Pwnc 1"] = told
    with pytest.raises(ConnectorError) as lost:
        account(server.port).send(post())
    assert type(lost.value) is error and lost.value.code == code and server.notices == []


def test_a_key_or_tag_that_leads_to_no_service_is_told(server: Server) -> None:
    account(server.port, tag="newyddion").verify()
    for wrong in (account(server.port, key="another"), account(server.port, tag="chwaraeon")):
        with pytest.raises(AccountGone, match="set up"):
            wrong.verify()
    with pytest.raises(AccountGone):
        account(server.port, password="wrong").verify()
    assert server.notices == []


def test_a_server_without_a_login_is_asked_without_one(server: Server) -> None:
    with pytest.raises(AccountGone):
        account(server.port, username="").send(post())
    assert "authorization" not in server.asked[0].headers


def test_settings_that_make_no_sense_are_named() -> None:
    for key in ("", "a/../b", "x" * 65, "ŵ"):
        with pytest.raises(BadSettings, match="key"):
            account(1, key=key)
    with pytest.raises(BadSettings, match="tag"):
        account(1, tag="a&b=c")
    with pytest.raises(BadSettings, match="https"):
        account(1, url="http://apprise.example")


class FarServer(PostsSide):
    """Apprise's side: it knows notices by their titles."""

    said = PostsSide.said | {Deferred: "too_many", AccountGone: "login"}

    def outbound(self, n: int, text: str = "Hello") -> Outbound:
        return post(n, text)

    def taken(self) -> list[tuple[str, Any]]:
        return [(str(one["body"]), one) for one in self.it.notices]

    def key(self, words: str, whole: Any) -> str:
        return str(whole["title"]).replace("Pwnc ", "dlv-")

    def once_at(self, outbound: Outbound) -> str:
        return str(outbound.subject)


class TestContract(OutboundContract, RepeatContract):
    """Apprise keeps the promises of every connector."""

    @pytest.fixture
    def far(self, server: Server) -> FarServer:
        login = b64encode(f"dolen:{PASSWORD}".encode()).decode()
        return FarServer(server, account, lambda words: post(text=words), KEY, PASSWORD, login)
