"""An installation of Dolen that is worked step by step: what people ask by the API, and what its processes then do."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import update

from campaigns.delivery import release, send
from campaigns.delivery.tables import Account
from campaigns.messages.tables import LANES
from campaigns.responses import intake, polling, post_figures
from service.wiring import Wiring
from tests.service.conftest import Api

PATIENCE_S = 30.0


@dataclass
class Loop:
    """What an administrator does at /v1, and one turn of the clock, a worker and a poll."""

    api: Api
    wiring: Wiring
    token: str

    def connect(
        self, connector: str, settings: dict[str, Any], secrets: dict[str, str], *, verify: bool = True,
        **more: Any,
    ) -> str:  # fmt: skip
        """Connect an account and, where the server knows how, prove its login; its id."""
        body = {"connector": connector, "name": connector, "settings": settings, "secrets": secrets, **more}
        account = str(self._post("/v1/connector_accounts", body)["id"])
        if verify:
            verified = self._post(f"/v1/connector_accounts/{account}/verify", {})
            assert verified["ok"], verified["problem"]
        return account

    def person(self, name: str, channel: str, handle: str) -> str:
        """Somebody whom we know by this handle."""
        address = {"channel": channel, "value": handle}
        return str(
            self._post("/v1/stakeholders", {"kind": "person", "name": name, "addresses": [address]})["id"]
        )

    def post(self, account: str, text: str, **more: Any) -> dict[str, Any]:
        """Post something and let it go; its row of the ledger."""
        made = self._post("/v1/messages", {"accounts": [account], "text": text, **more})
        return dict(until(lambda: self._sent(made["deliveries"])))

    def work(self) -> None:
        """What is due is released and handed over."""
        release.tick(self.wiring.database, self.wiring.now)
        desk = self.wiring.desk("worker")
        while send.work(desk, LANES):
            pass

    def poll(self) -> int:
        """Ask every account once what came back, and take it in; how much was new."""
        with self.wiring.database.write() as session:
            session.execute(update(Account).values(poll_due_at=None))
        new = polling.poll_due(self.wiring.database, self.wiring.connector, self.wiring.now)
        intake.process(self.wiring.database.sessions, self.wiring.now(), self.wiring.links)
        return new

    def figures(self, message: str) -> dict[str, int | None]:
        """What a network counts of the one post of a message, asked for as if some minutes had passed."""
        later = self.wiring.now() + post_figures.AGES[0]
        post_figures.ask_due(self.wiring.database, self.wiring.connector, lambda: later)
        (post,) = self.get(f"/v1/messages/{message}/figures")["posts"]
        return {one["figure"]: one["value"] for one in post["figures"]}

    def responses(self, stakeholder: str) -> list[dict[str, Any]]:
        """What stands on somebody's engagement record of what came back."""
        told = self.get(f"/v1/stakeholders/{stakeholder}/engagement")["data"]
        return [one["evidence"] for one in told if one["kind"] == "response"]

    def answer(self, text: str) -> None:
        """Answer what came in last."""
        newest = self.get("/v1/responses")["data"][0]
        made = self._post(f"/v1/responses/{newest['id']}/answer", {"text": text})
        until(lambda: self._sent(made["deliveries"]))

    def get(self, path: str) -> dict[str, Any]:
        """What the API says."""
        told = self.api.get(path, self.token)
        assert told.status_code == 200, told.text
        return dict(told.json)

    def _sent(self, ledger: str) -> dict[str, Any] | None:
        self.work()
        (row,) = self.get(ledger)["data"]
        assert row["state"] in ("queued", "sent"), row
        return dict(row) if row["state"] == "sent" else None

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        told = self.api.post(path, self.token, json=body)
        assert told.status_code in (200, 201), told.text
        return dict(told.json)


def until(found: Callable[[], Any]) -> Any:
    """Ask a server again until it knows what another of its parts was told a moment ago."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if told := found():
            return told
        time.sleep(0.1)
    raise AssertionError("the server never came to know of it")
