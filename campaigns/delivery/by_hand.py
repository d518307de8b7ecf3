"""What people carry out by hand: who has it, what they said became of it, and links for partner organisations.

Rules: a row is `sent` when somebody says so and shows it, by an address or a picture; until then it is `deferred` with
the reason `with_people` and nobody tries it again. A link shows one row, can be taken back, and works once.
Source: L4.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from connectors.api import Outbound

from ..canonical import sha256
from ..errors import AlreadyDone, BadField, LinkNotValid, NotFound, said
from ..links import Links
from ..messages import media
from ..messages.tables import Message, Variant
from ..stakeholders.text import clean
from . import compose, control, states
from .tables import Account, Delivery, HandWork

LINK_DAYS_MAX = 90
WORDS_MAX = 2_000
LISTED_MAX = 200


class Work(NamedTuple):
    """One thing to do by hand, with all it is made of."""

    hand: HandWork
    row: Delivery
    message: Message
    account: Account

    @property
    def standing(self) -> str:
        """waiting, done, not_done, or withdrawn where it is to be done no more."""
        if self.row.state == states.DEFERRED and self.row.reason == states.WITH_PEOPLE:
            return "waiting"
        return {states.SENT: "done", states.FAILED: "not_done"}.get(self.row.state, "withdrawn")


def waiting(session: Session, *where: ColumnElement[bool], limit: int = LISTED_MAX) -> list[Work]:
    """What is still to be done, longest waiting first; `where` narrows deliveries, messages or accounts."""
    return _works(
        session, HandWork.ended_at.is_(None), Delivery.state == states.DEFERRED,
        Delivery.reason == states.WITH_PEOPLE, *where, limit=limit,
    )  # fmt: skip


def get(session: Session, delivery_id: int) -> Work:
    """One thing to do by hand, done or not; NotFound for a delivery that is none."""
    found = _works(session, HandWork.delivery_id == delivery_id)
    if not found:
        raise NotFound("no such thing")
    return found[0]


def pack(session: Session, links: Links, folder: Path, work: Work) -> Outbound:
    """What is to be put up: words, and pictures with what they show."""
    variant = session.get_one(Variant, work.row.variant_id)
    attached = media.attached(session, work.message.content_id, folder, links.base_url)
    letter = compose.Letter(work.row.id, work.row.slots, variant, work.row.address_key)
    made = compose.Composer(work.message, work.account, links, attached).compose(letter)
    return replace(made, subject=str(made.subject), text=str(made.text))


def end(
    session: Session,
    now: datetime,
    work: Work,
    *,
    done: bool,
    by: str,
    where: str = "",
    photo_id: int | None = None,
    words: str = "",
) -> None:
    """Somebody says that it was done and where it can be seen, or that it was not and why."""
    where = media.web_address(where, "/where", empty=True)
    words = clean(words, "/words", length_max=WORDS_MAX, lines=True, empty=True).strip()
    if work.standing == ("done" if done else "not_done"):
        return  # the same press once more
    if work.standing != "waiting":
        raise AlreadyDone("this has been withdrawn, or somebody has said already what became of it")
    if done and not where and photo_id is None:
        raise BadField("add the address where it can be seen, or a photo of it", pointer="/where")
    if not done and not words:
        raise BadField("say why it was not done", pointer="/words")
    evidence = " ".join(filter(None, (where, f"photo {photo_id}" if photo_id else "", words)))
    outcome = states.SENT if done else states.FAILED
    control.decide(session, now, work.row, outcome=outcome, by=by, evidence=evidence)
    work.hand.ended_at, work.hand.ended_by, work.hand.done = now, by, done
    work.hand.where, work.hand.photo_id, work.hand.words = where or None, photo_id, words or None
    session.flush()
    session.refresh(work.row)


def give_link(session: Session, now: datetime, work: Work, partner: str, days: int = 30) -> str:
    """A link for a partner organisation, as a path on this installation; an earlier one works no more.

    The token is 256 random bits and only its SHA-256 is kept, so this is the only time it can be read.
    """
    if work.standing != "waiting":
        raise AlreadyDone("this has been withdrawn, or somebody has said already what became of it")
    if not 1 <= days <= LINK_DAYS_MAX:
        raise BadField(
            said("a link lives 1 to {link_days_max} days", link_days_max=LINK_DAYS_MAX), pointer="/days"
        )
    token = secrets.token_urlsafe(32)
    work.hand.partner = clean(partner, "/partner")
    work.hand.token_sha256, work.hand.expires_at = sha256(token), now + timedelta(days=days)
    session.flush()
    return f"/pack/{token}"


def take_link_back(session: Session, work: Work) -> None:
    """Nobody reads it by a link any more."""
    work.hand.token_sha256 = work.hand.expires_at = None
    session.flush()


def read_link(session: Session, now: datetime, token: str) -> Work:
    """What stands behind a token; LinkNotValid where it is forged, taken back or over. Reading changes nothing."""
    found = _works(session, HandWork.token_sha256 == sha256(token), HandWork.expires_at > now)
    if not found:
        raise LinkNotValid("this link is not valid, or not any more: ask for a new one")
    return found[0]


def _works(session: Session, *where: ColumnElement[bool], limit: int = 1) -> list[Work]:
    found = (
        select(HandWork, Delivery, Message, Account)
        .join(Delivery, Delivery.id == HandWork.delivery_id)
        .join(Message, Message.id == Delivery.message_id)
        .join(Account, Account.id == Delivery.account_id)
        .where(*where)
        .order_by(HandWork.handed_at, HandWork.delivery_id)
        .limit(limit)
    )
    return [Work._make(row) for row in session.execute(found)]
