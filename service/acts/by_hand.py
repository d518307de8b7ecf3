"""What may be done with work that people carry out by hand: see it, say what became of it, give a partner a link.

Rules: whoever reads messages of the programme sees it; whoever may send there says what became of it. Nobody who
holds a link has a login: what they do is noted as the partner's.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from campaigns import audit
from campaigns.delivery import by_hand
from campaigns.delivery.by_hand import Work
from campaigns.messages import media
from campaigns.messages.pictures import Picture
from campaigns.messages.tables import Media, Message
from connectors.api import Outbound

from ..wiring import Wiring
from . import Act

READ, SEND = "messages:read", "messages:send"
PARTNER = "partner"


def waiting(act: Act) -> list[Work]:
    """What is still to be done within the caller's reach."""
    reach = act.caller.programmes(READ)
    return by_hand.waiting(act.session, *([] if reach is None else [Message.programme_id.in_(reach)]))


def get(act: Act, delivery_id: int, scope: str = READ) -> Work:
    """One piece of work, done or not."""
    found = by_hand.get(act.session, delivery_id)
    act.need(scope, found.message.programme_id)
    return found


def pack(act: Act, work: Work) -> Outbound:
    """Its words and pictures."""
    return by_hand.pack(act.session, act.wiring.links, act.wiring.settings.folder, work)


def photo(act: Act, work: Work) -> Media | None:
    """What was shown as evidence."""
    return act.session.get(Media, work.hand.photo_id) if work.hand.photo_id else None


def end(act: Act, delivery_id: int, *, done: bool, where: str, words: str, picture: Picture | None) -> None:
    """Say that it was done and show it, or that it was not and why. The picture was read before: drawing takes long."""
    work, by = get(act, delivery_id, SEND), act.caller.actor
    _end(act.session, act.wiring, act.now, work, by, done=done, where=where, words=words, picture=picture)
    act.note(
        "by_hand.ended", "delivery", delivery_id, programme_id=work.message.programme_id, after={"done": done}
    )


def end_by_link(
    session: Session,
    wiring: Wiring,
    token: str,
    request_id: str | None,
    *,
    picture: Picture | None,
    **said: Any,
) -> None:
    """The same by whoever holds the link; LinkNotValid."""
    now = wiring.now()
    work = by_hand.read_link(session, now, token)
    _end(session, wiring, now, work, PARTNER, picture=picture, **said)
    audit.note(
        session, now, PARTNER, "by_hand.ended", "delivery", work.row.id, programme_id=work.message.programme_id,
        after={"done": said["done"]}, request_id=request_id,
    )  # fmt: skip


def give_link(act: Act, delivery_id: int, partner: str, days: int) -> str:
    """A link for a partner organisation, to be read now and never again."""
    work = get(act, delivery_id, SEND)
    path = by_hand.give_link(act.session, act.now, work, partner, days)
    act.note("by_hand.link_given", "delivery", delivery_id, programme_id=work.message.programme_id)
    return act.wiring.links.url(path)


def take_link_back(act: Act, delivery_id: int) -> None:
    """The link leads nowhere any more."""
    work = get(act, delivery_id, SEND)
    by_hand.take_link_back(act.session, work)
    act.note("by_hand.link_taken_back", "delivery", delivery_id, programme_id=work.message.programme_id)


def _end(
    session: Session,
    wiring: Wiring,
    now: datetime,
    work: Work,
    by: str,
    *,
    picture: Picture | None,
    **said: Any,
) -> None:
    kept = None
    if picture is not None and work.standing == "waiting":
        media.room(session, picture, wiring.settings.data.pictures_mb * media.MB)
        kept = media.add_picture(
            session, now, wiring.settings.folder, programme_id=work.message.programme_id, picture=picture,
            name=f"{work.account.name} {now:%Y-%m-%d}", author=by, state=media.EVIDENCE,
        )  # fmt: skip
    by_hand.end(session, now, work, by=by, photo_id=kept.id if kept else None, **said)
