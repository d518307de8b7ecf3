"""What may be done with endpoints of other programs: set up, change, prove, read the log, tell once more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update

from campaigns.base import new_id
from campaigns.errors import NotFound
from campaigns.strategies.tables import Programme

from .. import paging, webhook_facts, webhooks
from ..access import scoped
from ..ids import shown
from ..tables import WebhookDelivery, WebhookEndpoint
from . import Act

SCOPE = "connectors:admin"
SHOWN = ("about", "kinds", "state")


@dataclass(frozen=True, slots=True)
class Shown:
    """An endpoint with its new secret, which nobody can read again."""

    row: WebhookEndpoint
    secret: str


def listed(act: Act, *, limit: int, after: str | None, before: str | None) -> paging.Page:
    """The endpoints of the programmes that the caller administers."""
    statement = scoped(select(WebhookEndpoint), WebhookEndpoint.programme_id, act.caller, SCOPE)
    return paging.cut(act.session, statement, WebhookEndpoint.id, limit=limit, after=after, before=before)


def get(act: Act, number: int, *, lock: bool = False) -> WebhookEndpoint:
    """One endpoint; NotFound where the caller has no grant."""
    row = act.one(WebhookEndpoint, number, lock=lock)
    act.need(SCOPE, row.programme_id)
    return row


def create(
    act: Act, *, url: str, kinds: list[str], about: str = "", programme_id: int | None = None
) -> Shown:
    """An endpoint that is told what happens from now on."""
    act.need(SCOPE, programme_id)
    _may_be_told(act, kinds, programme_id)
    if programme_id is not None:
        act.one(Programme, programme_id)
    row = WebhookEndpoint(
        url=webhooks.check(url, act.wiring.settings.connectors.local), kinds=_once(kinds), about=about,
        programme_id=programme_id, told_until_at=act.now, created_at=act.now, updated_at=act.now,
    )  # fmt: skip
    act.session.add(row)
    act.session.flush()
    secret = webhooks.renew(act.wiring.keyring, row)
    _note(act, "created", row)
    return Shown(row, secret)


def change(act: Act, number: int, version: int | None, **values: Any) -> WebhookEndpoint:
    """Another address, other kinds; or on again: what happened meanwhile is told then, a week back."""
    row = get(act, number, lock=True)
    act.unchanged(row, version)
    _may_be_told(act, values.get("kinds", row.kinds), row.programme_id)
    if "url" in values:
        webhooks.check(values["url"], act.wiring.settings.connectors.local)
    for name, value in values.items():
        setattr(row, name, _once(value) if name == "kinds" else value)
    if "state" in values:
        row.state_reason, row.disabled_at, row.not_before_at = "", None, None
    row.touch(act.now)
    _note(act, "changed", row)
    return row


def _may_be_told(act: Act, kinds: list[str], programme_id: int | None) -> None:
    """Nobody has a program told what they may not read themselves."""
    for scope in sorted(webhook_facts.scopes(kinds)):
        act.need(scope, programme_id)


def remove(act: Act, number: int) -> None:
    """The endpoint and its log."""
    row = get(act, number, lock=True)
    act.session.execute(delete(WebhookDelivery).where(WebhookDelivery.endpoint_id == row.id))
    _note(act, "removed", row)
    act.session.delete(row)


def rotate(act: Act, number: int, *, overlap_s: int) -> Shown:
    """A new secret; the one before signs beside it for `overlap_s` more seconds."""
    row = get(act, number, lock=True)
    secret = webhooks.renew(act.wiring.keyring, row, act.now + timedelta(seconds=overlap_s))
    row.touch(act.now)
    _note(act, "rotated", row)
    return Shown(row, secret)


def test(act: Act, number: int) -> WebhookDelivery:
    """Tell it something that has not happened, to see whether it hears."""
    row = get(act, number)
    told_id = new_id()
    fact = webhook_facts.Fact(
        str(shown("webhook_delivery", told_id)), "webhook_endpoint.tested", act.now,
        {"id": shown("webhook_endpoint", row.id), "actor": act.caller.actor},
    )  # fmt: skip
    told = WebhookDelivery(
        id=told_id, endpoint_id=row.id, key=fact.key, kind=fact.kind, at=act.now, body=fact.body(), next_at=act.now,
        log=[],
    )  # fmt: skip
    act.session.add(told)
    act.session.flush()
    return told


def deliveries(
    act: Act, number: int, *, state: str | None, limit: int, after: str | None, before: str | None
) -> paging.Page:
    """What it was told and is still to be told, newest first."""
    row = get(act, number)
    told = select(WebhookDelivery).where(WebhookDelivery.endpoint_id == row.id)
    if state is not None:
        told = told.where(WebhookDelivery.state == state)
    return paging.cut(
        act.session, told, WebhookDelivery.id, limit=limit, after=after, before=before, newest_first=True
    )


def replay(act: Act, number: int, delivery_id: int) -> WebhookDelivery:
    """Tell it this once more, under the same id."""
    row = get(act, number)
    told = act.one(WebhookDelivery, delivery_id, lock=True)
    if told.endpoint_id != row.id:
        raise NotFound("no such thing")
    webhooks.again(act.session, act.now, told)
    _note(act, "replayed", row)
    return told


def replay_failed(act: Act, number: int, *, since: datetime) -> int:
    """Tell it once more everything since then that failed; how much that is."""
    row = get(act, number)
    failed = (
        WebhookDelivery.endpoint_id == row.id, WebhookDelivery.state == "failed", WebhookDelivery.at >= since
    )  # fmt: skip
    done = act.session.execute(
        update(WebhookDelivery)
        .where(*failed)
        .values(state="waiting", tries=0, next_at=act.now, settled_at=None)
        .execution_options(synchronize_session=False)
    )
    _note(act, "replayed", row)
    return int(done.rowcount)  # type: ignore[attr-defined]


def _once(kinds: list[str]) -> list[str]:
    return list(dict.fromkeys(kinds))


def _note(act: Act, done: str, row: WebhookEndpoint) -> None:
    act.note(
        f"webhook_endpoint.{done}", "webhook_endpoint", row.id, programme_id=row.programme_id,
        after={name: getattr(row, name) for name in SHOWN},
    )  # fmt: skip
