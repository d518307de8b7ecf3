"""Notices: colleagues are told by mail of what waits for them, once for each fact and only where they want it.

Rules: the table is the outbox: facts are looked up, a row is written for each person who is to know, and a worker sends
it apart from everything else. What may have gone is not sent again. Nothing is tracked. Source: L9.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from campaigns.base import new_id
from campaigns.database import Database
from campaigns.stakeholders.rows import insert_missing
from connectors.api import AccountGone, ConnectorError, Deferred, Uncertain

from . import notice_facts, observe, post
from .notice_facts import NEWS, Colleague
from .tables import Notice, NoticeChoice, User
from .wiring import Wiring

log = observe.log("dolen.notices")

# Every kind, and whether whoever has said nothing gets it.
KINDS: dict[str, bool] = {
    "approval_asked": True,
    "agreement_asked": True,
    "assigned": True,
    "called": True,
    "answer_overdue": True,
    "send_finished": True,
    "send_failed": True,
    "urgent_go": True,
    "urgent_review": True,
    "account_stopped": True,
    "account_in_trouble": True,
    "login_ends": True,
    "review_due": True,
    "mentioned": True,
    "task_given": True,
    "task_due": True,
    "by_hand": True,
    "gap_warning": True,
    "webhook_stopped": True,
    "digest": False,
}
LEASE = timedelta(minutes=5)
WAITS = tuple(timedelta(minutes=one) for one in (1, 5, 15, 60, 180, 360, 720))
AT_ONCE = 20


def gather(database: Database, now: datetime, zone: str) -> int:
    """Write down what is new and whom it concerns; how many notices that were. `zone` is the workspace's.

    Looked up in a transaction that only reads, so that nobody waits for it.
    """
    with database.read() as session:
        staff = notice_facts.colleagues(session)
        unwanted = _unwanted(session, staff)
        rows = [
            {
                "id": new_id(), "user_id": fact.who.user.id, "kind": fact.kind, "ref": fact.ref, "at": now,
                "facts": {"path": fact.path, **fact.values}, "next_at": now, "state": "waiting", "tries": 0,
            }
            for fact in notice_facts.facts(session, now, staff, unwanted, zone)
        ]  # fmt: skip
        known = _known(session, rows)
    fresh = [row for row in rows if (row["user_id"], row["kind"], row["ref"]) not in known]
    if fresh:
        with database.write() as session:
            insert_missing(session, Notice, fresh)
    return len(fresh)


def wanted(session: Session, user_id: int) -> dict[str, bool]:
    """Which kinds somebody gets."""
    said = select(NoticeChoice.kind, NoticeChoice.wanted).where(NoticeChoice.user_id == user_id)
    return {**KINDS, **{kind: yes for kind, yes in session.execute(said) if kind in KINDS}}


def choose(session: Session, user_id: int, kinds: Iterable[str]) -> None:
    """Exactly these kinds from now on; what waits of the others is dropped."""
    chosen = set(kinds) & KINDS.keys()
    for kind in KINDS:
        row = session.get(NoticeChoice, (user_id, kind)) or NoticeChoice(user_id=user_id, kind=kind)
        row.wanted = kind in chosen
        session.add(row)
    off = Notice.user_id == user_id, Notice.state == "waiting", Notice.kind.not_in(chosen)
    session.execute(update(Notice).where(*off).values(state="dropped", error="not wanted any more"))
    session.flush()


def send_due(wiring: Wiring) -> bool:
    """Send what waits; False where nothing did. Without a mail account of ours everything waits."""
    now = wiring.now()
    with wiring.database.read() as session:
        if not session.scalar(
            select(Notice.id).where(Notice.state == "waiting", Notice.next_at <= now).limit(1)
        ):
            return False
        by = _box(wiring, session)
    with wiring.database.write() as session:
        _drop_old(session, now)
        taken = _take(session, now) if by is not None else []
    for notice, user in taken:
        assert by is not None
        _send(wiring, by, notice, user)
    return bool(taken)


def _unwanted(session: Session, staff: Iterable[Colleague]) -> set[tuple[int, str]]:
    chosen = select(NoticeChoice.user_id, NoticeChoice.kind, NoticeChoice.wanted)
    said = {(user, kind): yes for user, kind, yes in session.execute(chosen)}
    return {
        (one.user.id, kind)
        for one in staff
        for kind, usual in KINDS.items()
        if not said.get((one.user.id, kind), usual)
    }


def _known(session: Session, rows: list[dict[str, Any]]) -> set[tuple[int, str, str]]:
    """Those that were written down before: few are new, and writing them all again would be work."""
    refs = sorted({row["ref"] for row in rows})
    found: set[tuple[int, str, str]] = set()
    for first in range(0, len(refs), 500):
        told = select(Notice.user_id, Notice.kind, Notice.ref).where(
            Notice.user_id.in_({row["user_id"] for row in rows}), Notice.ref.in_(refs[first : first + 500])
        )
        found |= {(user, kind, ref) for user, kind, ref in session.execute(told)}
    return found


def _box(wiring: Wiring, session: Session) -> post.Box | None:
    """The way out; an account that cannot be set up is a way for nothing, and is told of elsewhere."""
    try:
        return post.box(wiring, session)
    except Exception:  # settings, keys, a connector that was removed: the notices wait
        log.exception("no way out for notices")
        return None


def _take(session: Session, now: datetime) -> list[tuple[Notice, User]]:
    """Some that wait, for this worker alone until the lease ends; a try is counted before the network is touched."""
    due = (
        select(Notice, User)
        .join(User, User.id == Notice.user_id)
        .where(Notice.state == "waiting", Notice.next_at <= now)
        .order_by(Notice.next_at, Notice.id)
        .limit(AT_ONCE)
    )
    taken = []
    for notice, user in session.execute(due).all():
        won = session.execute(
            update(Notice)
            .where(Notice.id == notice.id, Notice.state == "waiting", Notice.tries == notice.tries)
            .values(next_at=now + LEASE, tries=notice.tries + 1)
            .execution_options(synchronize_session=False)
        )
        if won.rowcount == 1 and user.state == "active" and user.email_key:  # type: ignore[attr-defined]
            taken.append((notice, user))
        else:
            notice.state = "dropped" if user.state != "active" or not user.email_key else notice.state
    return taken


def _send(wiring: Wiring, by: post.Box, notice: Notice, user: User) -> None:
    """One letter. A refusal is final, a delay is tried again, and what may have gone is not repeated."""
    state, error = "sent", ""
    try:
        post.post(by, _letter(wiring, notice, user))
    except (Deferred, AccountGone) as trouble:
        state, error = "waiting", trouble.words
    except Uncertain as trouble:
        state, error = "unsure", trouble.words
    except ConnectorError as trouble:
        state, error = "dropped", trouble.words
    tries = notice.tries + 1
    values: dict[str, Any] = {"state": state, "error": error or None}
    if state == "waiting":
        over = tries > len(WAITS)
        values |= {"state": "dropped"} if over else {"next_at": wiring.now() + WAITS[tries - 1]}
    if error:
        log.warning("a notice did not go", kind=notice.kind, user=user.id, words=error)
    with wiring.database.write() as session:
        session.execute(
            update(Notice).where(Notice.id == notice.id, Notice.state == "waiting").values(**values)
        )


def _letter(wiring: Wiring, notice: Notice, user: User) -> post.Letter:
    facts = {**notice.facts, "zone": user.zone or wiring.settings.workspace.zone}
    return post.letter(
        "notice", user, kind=notice.kind, facts=facts,
        url=wiring.links.url(facts["path"]), choices=wiring.links.url("/me/notices"),
    )  # fmt: skip


def _drop_old(session: Session, now: datetime) -> None:
    old = Notice.state == "waiting", Notice.at <= now - NEWS
    session.execute(update(Notice).where(*old).values(state="dropped", error="it could not be sent in time"))
