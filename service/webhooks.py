"""Calls other programs' endpoints with what is in their outbox (Standard Webhooks): signed, repeated, given up, logged.

Rules: a try is counted and leased before the network is touched, so a call may come twice but is never lost; its
`webhook-id` and body stay the same. Only 2xx is success. Every call goes out by the Door: public addresses alone.
Source: the Standard Webhooks specification; J6.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.orm import Session

from campaigns.errors import BadField
from connectors import signatures
from connectors.api import AccountGone, ConnectorError, running
from connectors.http import Door
from connectors.own_server import LOOPBACK

from . import observe
from .keys import KeyRing
from .tables import WebhookDelivery, WebhookEndpoint
from .wiring import Wiring

log = observe.log("dolen.webhooks")

# How long after the try before each of the others comes. After the last the endpoint is given up.
WAITS = (
    timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
)  # fmt: skip
TRIES_MAX = len(WAITS) + 1
# Waits differ by so much, so that what failed together does not come back together.
SPREAD = 0.1
DEADLINE_S = 15.0
LEASE = timedelta(minutes=2)
# So many endpoints are called at once, each for so long a turn: one that answers slowly delays nobody else's news.
AT_ONCE, TURN_S = 8, 20.0
# Too many calls, or a server in front that cannot reach it: the whole endpoint waits, at least so long.
BUSY, BUSY_WAIT = (429, 502, 503, 504), timedelta(minutes=1)
GONE = 410
LOG_FOR = timedelta(days=30)
# An endpoint that was disabled is told what happened meanwhile, but not what is older.
BACK_MAX = timedelta(days=7)
EVERY_ANSWER = range(100, 600)
HEARD = re.compile("2[0-9][0-9]")


@dataclass(frozen=True, slots=True)
class Call:
    """A try that this worker has taken: nobody else makes it until the lease ends."""

    id: int
    key: str
    body: bytes
    tries: int


@dataclass(frozen=True, slots=True)
class Said:
    """What an endpoint answered: its status, and how long it asks us to wait; or why there is no answer."""

    status: int | None
    error: str = ""
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Target:
    """An endpoint as it is called."""

    id: int
    url: str
    secrets: tuple[str, ...]  # the newest first


def check(url: str, local: bool) -> str:
    """The address as it was given; BadField where no call could go there. `local`: this machine is allowed."""
    if _opens(url, local):
        return url
    if _opens(url, local=True):
        raise BadField(
            "leads to this machine: calls go there only where the configuration says connectors.local",
            pointer="/url",
        )
    raise BadField(
        "must be a public address that begins with https://, without a name or password in it", pointer="/url"
    )


def _opens(url: str, local: bool) -> bool:
    try:
        _door(url, local).check(url)
    except (AccountGone, ValueError):
        return False
    return True


def renew(ring: KeyRing, endpoint: WebhookEndpoint, old_until: datetime | None = None) -> str:
    """A new secret for the endpoint; until then the one before signs beside it."""
    secret = signatures.new_secret()
    before = ring.open(endpoint.id, endpoint.secrets).get("now", "")
    endpoint.secrets = ring.seal(endpoint.id, {"now": secret, "before": before})
    endpoint.old_until_at = old_until
    return secret


def send_due(wiring: Wiring, stopping: Callable[[], bool] = lambda: False) -> bool:
    """Call every endpoint that something waits for, until `stopping`; False where nothing waited."""
    with wiring.database.read() as session:
        waiting = session.scalars(
            _waiting(wiring.now()).with_only_columns(WebhookEndpoint.id).distinct()
        ).all()
    if waiting:
        with ThreadPoolExecutor(min(AT_ONCE, len(waiting)), "webhooks") as pool:
            list(pool.map(lambda number: _turn(wiring, number, stopping), waiting))
    return bool(waiting)


def again(session: Session, now: datetime, row: WebhookDelivery) -> None:
    """Tell it once more, with all tries before it: somebody asked for that."""
    row.state, row.tries, row.next_at, row.settled_at = "waiting", 0, now, None


def forget(session: Session, now: datetime) -> int:
    """Drop what was settled long ago, and what waits for a disabled endpoint and is too old to be told it."""
    disabled = select(WebhookEndpoint.id).where(WebhookEndpoint.state == "disabled")
    settled = WebhookDelivery.settled_at < now - LOG_FOR
    unheard = (
        WebhookDelivery.state == "waiting", WebhookDelivery.next_at < now - BACK_MAX,
        WebhookDelivery.endpoint_id.in_(disabled),
    )  # fmt: skip
    done = session.execute(delete(WebhookDelivery).where(or_(settled, and_(*unheard))))
    return int(done.rowcount)  # type: ignore[attr-defined]


# --- one endpoint -------------------------------------------------------------------------------------------------


def _turn(wiring: Wiring, number: int, stopping: Callable[[], bool]) -> None:
    """One call after the other, until one fails, nothing waits or the turn is over."""
    until = running() + TURN_S
    try:
        target = _target(wiring, number)
        door = _door(target.url, wiring.settings.connectors.local, target.secrets)
    except Exception:  # a key ring that does not fit, an address that is none any more: its news wait
        log.exception("no way to an endpoint", endpoint=number)
        with wiring.database.write() as session:
            _slow(session, number, wiring.now() + BUSY_WAIT)
        return
    try:
        while running() < until and not stopping() and _one(wiring, target, door):
            pass
    except Exception:  # its lease ends, and then it is tried again; the turns of others go on
        log.exception("a call could not be made", endpoint=number)
    finally:
        door.close()


def _target(wiring: Wiring, number: int) -> Target:
    with wiring.database.read() as session:
        row = session.get_one(WebhookEndpoint, number)
        known = wiring.keyring.open(row.id, row.secrets)
        old = row.old_until_at is not None and wiring.now() < row.old_until_at
        return Target(row.id, row.url, tuple(filter(None, (known["now"], known["before"] if old else ""))))


def _door(url: str, local: bool, secrets: tuple[str, ...] = ()) -> Door:
    """Opens for this host alone, by https on whatever port."""
    parts = urlsplit(url)
    return Door(
        only_hosts=(parts.hostname or "",), allow_hosts=LOOPBACK if local else (), ports=(parts.port or 443,),
        deadline_s=DEADLINE_S, size_max=64 * 1024, secrets=secrets, connections=1,
    )  # fmt: skip


def _one(wiring: Wiring, target: Target, door: Door) -> bool:
    """Take the next call and make it; whether it went and another may follow."""
    with wiring.database.write() as session:
        call = _take(session, wiring.now(), target.id)
    if call is None:
        return False
    said = _called(door, target, call, wiring.now())
    with wiring.database.write() as session:
        return _settle(session, wiring.now(), target.id, call, said)


def _waiting(now: datetime) -> Any:
    return (
        select(WebhookDelivery)
        .join(WebhookEndpoint, WebhookEndpoint.id == WebhookDelivery.endpoint_id)
        .where(
            WebhookDelivery.state == "waiting", WebhookDelivery.next_at <= now, WebhookEndpoint.state == "active",
            or_(WebhookEndpoint.not_before_at.is_(None), WebhookEndpoint.not_before_at <= now),
        )
    )  # fmt: skip


def _take(session: Session, now: datetime, endpoint_id: int) -> Call | None:
    due = _waiting(now).where(WebhookEndpoint.id == endpoint_id)
    row = session.scalars(due.order_by(WebhookDelivery.next_at, WebhookDelivery.id).limit(1)).first()
    if row is None:
        return None
    won = session.execute(
        update(WebhookDelivery)
        .where(
            WebhookDelivery.id == row.id,
            WebhookDelivery.state == "waiting",
            WebhookDelivery.tries == row.tries,
        )
        .values(tries=row.tries + 1, next_at=now + LEASE)
        .execution_options(synchronize_session=False)
    )
    won_it = won.rowcount == 1  # type: ignore[attr-defined]
    return Call(row.id, row.key, row.body, row.tries + 1) if won_it else None


def _called(door: Door, target: Target, call: Call, now: datetime) -> Said:
    """What the endpoint says, whatever its status; or why it says nothing."""
    try:
        headers = _signed(target, call, now)
        answer = door.request("POST", target.url, headers=headers, body=call.body, show=EVERY_ANSWER)
        return Said(answer.status, wait_s=answer.retry_after_s or 0.0)
    except ConnectorError as trouble:
        # The status is all that we ask of an answer: what follows may end with the connection, or be long.
        if trouble.phase == "answer" and HEARD.fullmatch(trouble.code):
            return Said(int(trouble.code))
        return Said(None, error=trouble.words)


def _signed(target: Target, call: Call, now: datetime) -> dict[str, str]:
    """The headers of a call; while two secrets hold, both sign."""
    made = [signatures.sign(secret, call.key, now, call.body) for secret in target.secrets]
    both = " ".join(one["webhook-signature"] for one in made)
    return {**made[0], "webhook-signature": both, "Content-Type": "application/json", "User-Agent": "Dolen"}


def _settle(session: Session, now: datetime, endpoint_id: int, call: Call, said: Said) -> bool:
    row = session.get(WebhookDelivery, call.id, with_for_update=True)
    if row is None or row.state != "waiting" or row.tries != call.tries:
        return False  # deleted, or asked for anew meanwhile
    status = said.status
    row.log = [
        *row.log,
        {"at": now.isoformat().replace("+00:00", "Z"), "status": status, "error": said.error},
    ]
    if status is not None and 200 <= status < 300:
        row.state, row.settled_at = "sent", now
        return True
    if status == GONE or row.tries >= TRIES_MAX:
        row.state, row.settled_at = "failed", now
        # A try whose process died wrote no line, so there may be fewer lines than tries.
        begun = row.log[max(len(row.log) - row.tries, 0)]
        if status == GONE or not _hears_others(session, endpoint_id, datetime.fromisoformat(begun["at"])):
            _give_up(session, now, endpoint_id, said.error or f"it answered {status}")
        return False
    asked = timedelta(seconds=said.wait_s)
    row.next_at = now + max(_wait(row.tries), asked)
    if status in BUSY:
        _slow(session, endpoint_id, now + max(asked, BUSY_WAIT))
    return False


def _slow(session: Session, endpoint_id: int, until: datetime) -> None:
    slow = update(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id)
    session.execute(slow.values(not_before_at=until))


def _wait(tries: int) -> timedelta:
    """Until the next try, after so many."""
    return WAITS[tries - 1] * random.uniform(1.0, 1.0 + SPREAD)


def _hears_others(session: Session, endpoint_id: int, since: datetime) -> bool:
    """Whether it took anything else meanwhile: then it was this one call that it could not take."""
    heard = WebhookDelivery.state == "sent", WebhookDelivery.settled_at >= since
    found = select(WebhookDelivery.id).where(WebhookDelivery.endpoint_id == endpoint_id, *heard)
    return session.scalar(found.limit(1)) is not None


def _give_up(session: Session, now: datetime, endpoint_id: int, why: str) -> None:
    """Nothing more is sent there until somebody says so; they are told by a notice."""
    observe.alarm("webhook_endpoint_disabled", endpoint=endpoint_id, why=why)
    session.execute(
        update(WebhookEndpoint)
        .where(WebhookEndpoint.id == endpoint_id, WebhookEndpoint.state == "active")
        .values(
            state="disabled",
            state_reason=why,
            disabled_at=now,
            updated_at=now,
            version=WebhookEndpoint.version + 1,
        )
    )
