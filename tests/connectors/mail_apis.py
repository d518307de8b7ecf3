"""What the doubles of mail services with an API have in common, and their side of the contract suites."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import partial
from typing import Any, NamedTuple

import pytest

from connectors.api import (
    Call,
    Connector,
    NotAuthentic,
    Outbound,
    Refused,
)
from connectors.testing import FarHooks, HookContract, ReadContract

from .far import CONNECTORS, Far, PostsSide

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
DOMAIN = "news.mon.example"


def outbound(n: int = 1, text: str = "Hello", **values: Any) -> Outbound:
    """The n-th mail of a mailing, with all that one can have."""
    name = f"dlv_{n:013}"
    ways = f"<https://mon.example/u/{n}>"
    facts: dict[str, Any] = {
        "to": f"sian{n}@ysgol.example", "subject": "Cyfarfod – اجتماع", "text": text, "language": "cy",
        "sender": f"newyddion@{DOMAIN}", "sender_name": "Cyngor Môn", "message_id": f"<{name}@{DOMAIN}>",
        "headers": {"List-Unsubscribe": ways, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}, "since": NOW,
    }  # fmt: skip
    return Outbound(key=name.upper().replace("DLV", "dlv"), **facts | values)


class Taken(NamedTuple):
    """A mail that the service took: its name there, what we call it, its text, and the whole request as it came."""

    name: str
    message_id: str
    text: str
    whole: Any


@dataclass
class MailService(Far):
    """A service. `lag` is how long it takes until a mail can be found."""

    taken: list[Taken] = field(default_factory=list)
    now: datetime = NOW
    lag: timedelta = timedelta(0)
    at: list[datetime] = field(default_factory=list)

    def take(self, name: str, message_id: str, text: str, whole: Any) -> str:
        """Keep a mail; its name."""
        self.taken.append(Taken(name, message_id, text, whole))
        self.at.append(self.now)
        return name

    def seen(self, message_id: str) -> list[Taken]:
        """What can be found by our name for it."""
        pairs = zip(self.taken, self.at, strict=True)
        return [one for one, at in pairs if one.message_id == message_id and at + self.lag <= self.now]


class FarMail(PostsSide):
    """A mail service's side of the contract: `connect` connects its account."""

    said = PostsSide.said | {Refused: "refused"}

    def __init__(self, service: MailService, connect: Callable[[int], Connector], secrets: list[str]) -> None:
        super().__init__(service, connect, partial(outbound, 1), *secrets)

    def outbound(self, n: int, text: str = "Hello") -> Outbound:
        return outbound(n, text)

    def taken(self) -> list[tuple[str, Any]]:
        return [(one.text, one) for one in self.it.taken]

    def key(self, words: str, whole: Any) -> str:
        return str(whole.message_id).strip("<>").partition("@")[0].upper().replace("DLV", "dlv")

    def once_at(self, outbound: Outbound) -> str:
        return ""


def letter(raw: bytes) -> tuple[EmailMessage, str]:
    """A whole mail, and its text as its reader sees it."""
    mail = message_from_bytes(raw, policy=default)
    body = mail.get_body(("plain",))
    assert body is not None
    return mail, body.get_content().replace("\r\n", "\n").removesuffix("\n")


def calling(connector: str, sample: str) -> Any:
    """The body of a call as it was seen or documented."""
    path = CONNECTORS / connector / "samples" / f"{sample}.json"
    return json.loads(path.read_text(encoding="utf-8"))["body"]


def call(body: Any, headers: Mapping[str, str] | None = None, **values: Any) -> Call:
    """A call at NOW; `body` as it is, or as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return replace(Call("POST", dict(headers or {}), {}, raw, NOW), **values)


PATH, OLD_PATH = "ffordd-newydd-1234567890", "hen-ffordd-1234567890"
LOGIN, OLD_LOGIN = "dolen:cyfrinair-newydd", "dolen:hen-gyfrinair"
UNSIGNED = {"hook_secret": f"{PATH} {OLD_PATH}", "hook_login": f"{LOGIN} {OLD_LOGIN}"}
FROM = "192.0.2.7"


def basic(login: str = LOGIN) -> dict[str, str]:
    """The header of Basic auth."""
    return {"authorization": f"Basic {b64encode(login.encode()).decode()}"}


class FarUnsigned(FarHooks):
    """The side of a service that signs nothing: a secret in the path, Basic auth, and where the call comes from."""

    signed_headers = ("authorization",)
    signs_body = False
    timed = False

    def __init__(self, connect: Callable[..., Connector], good: Any, bad: Any, batches: bool = False) -> None:
        self._connect, self._good, self._bad, self.batches = connect, good, bad, batches

    def connector(self) -> Connector:
        return self._connect(1, hook_networks="192.0.2.0/24, 2001:db8::/32")

    def call(self) -> Call:
        return call(self._good, basic(), secret=PATH, sender=FROM)

    def older(self) -> Call:
        return call(self._good, basic(OLD_LOGIN), secret=OLD_PATH, sender=FROM)

    def spoilt(self) -> Call:
        told = [self._good, self._bad] if self.batches else self._bad
        return call(told, basic(), secret=PATH, sender=FROM)


class UnsignedContract(HookContract, ReadContract):
    """What a connector owes whose provider signs nothing."""

    @pytest.mark.parametrize(
        "wrong",
        [
            {"secret": ""}, {"secret": PATH[:-1]}, {"secret": PATH + "x"}, {"secret": "\ud800ŵ"}, {"headers": {}},
            {"headers": basic("dolen:arall")}, {"headers": {"authorization": "Bearer x"}},
            {"sender": ""}, {"sender": "198.51.100.1"}, {"sender": "192.0.2"}, {"sender": "::ffff:198.51.100.1"},
        ],
    )  # fmt: skip
    def test_path_and_login_and_address_must_all_hold(self, far: FarUnsigned, wrong: dict[str, Any]) -> None:
        """`H16`"""
        hooks = far.connector().hooks
        assert hooks is not None and hooks(far.call()).events
        with pytest.raises(NotAuthentic):
            hooks(replace(far.call(), **wrong))

    @pytest.mark.parametrize("place", range(len(PATH) * 8))
    def test_one_flipped_bit_of_the_path_proves_nothing(self, far: FarUnsigned, place: int) -> None:
        """`H1`, `H16`"""
        flipped = bytearray(PATH.encode())
        flipped[place // 8] ^= 1 << place % 8
        hooks = far.connector().hooks
        assert hooks is not None
        with pytest.raises(NotAuthentic):
            hooks(replace(far.call(), secret=flipped.decode("latin-1")))

    @pytest.mark.parametrize("sender", [FROM, "::ffff:192.0.2.9", "2001:db8::7"])
    def test_every_address_of_its_networks_is_believed(self, far: FarUnsigned, sender: str) -> None:
        hooks = far.connector().hooks
        assert hooks is not None and hooks(replace(far.call(), sender=sender)).events
