"""Handing a message to the practice provider, and asking it afterwards whether it went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from ..api import AddressGone, Deferred, Medium, Outbound, Receipt, Renewed, Uncertain
from ..http import Answer, Door


@dataclass(frozen=True, slots=True)
class Wire:
    """One account at the provider. `root` is its address, with the way it treats repeats."""

    door: Door
    root: str
    headers: Mapping[str, str]

    def verify(self) -> None:
        """Prove the login; AccountGone where it is refused."""
        self.door.request("GET", self.root, headers=self.headers, gone=(401, 404))

    def send(self, outbound: Outbound) -> Receipt:
        """Hand one over."""
        answer = self.door.request(
            "POST",
            f"{self.root}/messages",
            headers=self.headers,
            json=_message(outbound),
            show=(409, 422, 429, 503),
        )
        if answer.status != 200:
            raise self._trouble(answer)
        return _receipt(answer)

    def refresh(self, token: str) -> Renewed:
        """A new login for the token that renews it, which is good for once."""
        answer = self.door.request(
            "POST", f"{self.root}/token", json={"refresh_token": token}, gone=(400, 401)
        )
        told = {name: _field(answer, name) for name in ("token", "refresh_token")}
        life_s = answer.json().get("life_s")
        return Renewed(told, float(life_s) if life_s else None)

    def find(self, outbound: Outbound) -> Receipt | None:
        """What the provider knows under this key."""
        url = f"{self.root}/messages?key={quote(outbound.key, safe='')}"
        answer = self.door.request("GET", url, headers=self.headers, show=(404,))
        return _receipt(answer) if answer.status == 200 else None

    def _trouble(self, answer: Answer) -> Exception:
        error = _field(answer, "error")
        told: dict[str, Any] = {"code": error, "phase": "answer"}
        if error == "no_such_address":
            return AddressGone("there is no such address", **told)
        if error == "still_running":
            return Deferred("the first try is still under way", retry_after_s=1.0, **told)
        if error == "try_later":  # about this recipient; the account goes on
            return Deferred("try this one later", retry_after_s=answer.retry_after_s, **told)
        self.door.read(answer)
        return Uncertain(f"an answer nobody foresaw: {answer.status}", **told)


def _message(outbound: Outbound) -> dict[str, Any]:
    """The whole of it except `since`, which is ours: the same bytes on every attempt."""
    return {
        "key": outbound.key,
        "to": outbound.to,
        "subject": str(outbound.subject),
        "text": str(outbound.text),
        "html": str(outbound.html),
        "language": outbound.language,
        "sender": outbound.sender,
        "sender_name": outbound.sender_name,
        "reply_to": outbound.reply_to,
        "message_id": outbound.message_id,
        "in_reply_to": outbound.in_reply_to,
        "headers": dict(outbound.headers),
        "options": dict(outbound.options),
        **({"media": [_shown(one) for one in outbound.media]} if outbound.media else {}),
    }


def _shown(medium: Medium) -> dict[str, Any]:
    """A picture as the provider's readers have it: what it shows, and its bytes by their digest."""
    return {"type": medium.type, "alt": medium.alt, "sha256": sha256(medium.load()).hexdigest()}


def _receipt(answer: Answer) -> Receipt:
    return Receipt(_field(answer, "id"), wait_s=answer.used_up_s)


def _field(answer: Answer, name: str) -> str:
    body = answer.json()
    if not isinstance(body, dict) or not isinstance(body.get(name), str):
        raise Uncertain(f"the answer has no {name}", code=str(answer.status), phase="answer")
    found: str = body[name]
    return found
