"""What may be done with messages: write, send, rehearse, approve, hold back, and look at who got it.

Rules: one call may do it all, in one transaction: recipients, words, message, ledger rows; 201 only after commit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from campaigns.delivery import compose, control, costs, reconcile, release, threads
from campaigns.delivery.tables import IN_TROUBLE, Account, Delivery
from campaigns.errors import BadField, Blocked, Forbidden, NotFound
from campaigns.messages import (
    approval,
    blockers,
    calendar,
    media,
    messages,
    planning,
    render,
    render_helper,
    timing,
)
from campaigns.messages.tables import Approval, ContentItem, Message, Occurrence, Timing, Variant
from campaigns.stakeholders import addresses, kin
from campaigns.stakeholders.tables import Segment, Stakeholder, Topic
from campaigns.strategies import agreements, programmes, strategies
from campaigns.strategies.tables import StrategyVersion, UrgentGo
from connectors.api import Outbound

from .. import paging
from ..access import scoped
from ..tables import User
from . import Act
from .message_parts import carriers, named, words_of
from .stakeholders import home, reached

# A list of this length is written into the ledger at once; a segment is released by the clock.
TO_MAX = 100
WORDS = ("content_item", "template", "data", "subject", "text", "html", "language", "media")


@dataclass(frozen=True, slots=True)
class Shown:
    """A message with what is counted and what stands in its way."""

    message: Message
    counts: dict[str, int]
    reasons: dict[str, int]
    digest: str
    assurance: str
    due_at: datetime | None  # the next time, else the last; for "as soon as it may" when that was
    timing: Timing | None
    costs: list[costs.Cost]


def listed(
    act: Act,
    *,
    state: str | None,
    limit: int,
    after: str | None,
    before: str | None,
    programme_id: int | None = None,
    kind: str | None = None,
    newest_first: bool = False,
) -> paging.Page:
    """The messages of the caller's programmes."""
    statement = scoped(select(Message), Message.programme_id, act.caller, "messages:read")
    if state is not None:
        statement = statement.where(Message.state == state)
    if kind is not None:
        statement = statement.where(Message.kind == kind)
    if programme_id is not None:
        act.need("messages:read", programme_id)
        statement = statement.where(Message.programme_id == programme_id)
    return paging.cut(
        act.session, statement, Message.id, limit=limit, after=after, before=before, newest_first=newest_first
    )


def get(act: Act, message_id: int, *, scope: str = "messages:read", lock: bool = False) -> Message:
    """One message; NotFound where the caller has no grant."""
    message = act.one(Message, message_id, lock=lock)
    act.need(scope, message.programme_id)
    if lock:
        _practice_only(act, message)
    return message


def _practice_only(act: Act, message: Message) -> None:
    """What a test token moves must end at a practice account."""
    if act.caller.test and not message.test:
        raise Forbidden("a test token moves messages to practice accounts only")


def shown(act: Act, message: Message) -> Shown:
    """A message as it is told to people and programs."""
    return Shown(
        message,
        reconcile.counts(act.session, message.id),
        reconcile.reasons(act.session, message.id),
        approval.digest(act.session, message),
        approval.assurance(act.session, message),
        planning.planned_at(act.session, message),
        timing.of(act.session, message),
        costs.of_message(act.session, message),
    )


def create(
    act: Act,
    *,
    to: Sequence[str] = (),
    stakeholders: Sequence[int] = (),
    segment: int | None = None,
    accounts: Sequence[int] = (),
    programme_id: int | None = None,
    strategy_id: int | None = None,
    draft: bool = False,
    on_blocked: str = "hold",
    purpose: str | None = None,
    **values: Any,
) -> Message:
    """Write a message and, unless it is a draft, send it as soon as nothing stands in its way."""
    programme_id = home(act, "messages:write", programme_id)
    version = version_of(act, programme_id, strategy_id)
    direct = bool(to or stakeholders or segment is not None or _followed(act, values))
    through = carriers(act, programme_id, accounts, direct=direct)
    words = {name: values.pop(name, None) for name in WORDS}
    item = words_of(act, programme_id, through, version, words)
    message = messages.create(
        act.session, act.now, author=act.caller.actor, programme_id=programme_id, strategy_version_id=version.id,
        content_id=item.id, purpose=purpose or act.caller.defaults.get("purpose") or version.body["purpose"],
        accounts=[(account.id, account.channel) for account in through],
        segment_id=segment_of(act, programme_id, segment),
        recipients=named(act, programme_id, to, stakeholders, through), test=act.caller.test, **_when(act, values),
    )  # fmt: skip
    act.note(
        "message.created", "message", message.id, programme_id=programme_id, after={"state": message.state}
    )
    if not draft:
        _send(act, message, on_blocked)
    return message


def change(act: Act, message_id: int, version: int | None, **values: Any) -> Message:
    """Edit a message none of which has gone; an edit of what was approved asks for a new approval."""
    message = get(act, message_id, scope="messages:write", lock=True)
    act.unchanged(message, version)
    _followed(act, values)
    control.take_back(act.session, act.now, message)
    messages.edit(act.session, act.now, message, by=act.caller.actor, **_when(act, values))
    release_named(act, message)
    act.note("message.changed", "message", message.id, programme_id=message.programme_id)
    return message


def topic_of(act: Act, message: Message) -> Topic | None:
    """What its readers choose to get or not."""
    return None if message.topic_id is None else act.session.get(Topic, message.topic_id)


def submit(act: Act, message_id: int) -> Message:
    """Ask for it to go: at `light` the author's press is the approval, above it waits for its checks."""
    message = get(act, message_id, scope="messages:write", lock=True)
    _send(act, message, "hold")
    return message


def decide(act: Act, message_id: int, *, digest: str, decision: str, reason: str = "") -> Approval:
    """Approve or refuse what was read, by its digest."""
    message = get(act, message_id, scope="messages:approve", lock=True)
    messages.decide(
        act.session, act.now, message, digest=digest, decision=decision, by=act.caller.actor, reason=reason
    )
    release_named(act, message)
    act.note(
        "message.decided", "message", message.id, programme_id=message.programme_id,
        after={"decision": decision, "digest": digest},
    )  # fmt: skip
    return approval.history(act.session, message)[-1]


def approvals(act: Act, message_id: int) -> list[Approval]:
    """Every decision on a message, oldest first."""
    return approval.history(act.session, get(act, message_id))


def urgent_go(act: Act, message_id: int, *, digest: str, reason: str) -> UrgentGo:
    """Send before everybody has signed; a review is due within a day."""
    message = get(act, message_id, scope="messages:approve", lock=True)
    made = messages.urgent_go(
        act.session, act.now, message, digest=digest, reason=reason, by=act.caller.actor
    )
    release_named(act, message)
    act.note(
        "message.urgent_go",
        "message",
        message.id,
        programme_id=message.programme_id,
        after={"reason": reason},
    )
    return made


def posts(act: Act, accounts: Sequence[int]) -> int:
    """How many of these accounts post to everyone, where one message is one post."""
    asked = select(func.count()).where(Account.id.in_(accounts), Account.broadcast)
    return act.session.scalar(asked) or 0


def standing(act: Act, message_id: int) -> list[dict[str, Any]]:
    """Everything that stands in a message's way now."""
    message = get(act, message_id)
    return blockers.blockers(act.session, message, act.now)


def rehearse(act: Act, message_id: int) -> list[dict[str, Any]]:
    """Each recipient with instant, words and account, or why they are left out; sends nothing."""
    message = get(act, message_id)
    at = planning.planned_at(act.session, message)
    return [{"due_at": at, **row} for row in release.rehearse(act.session, message, act.now)]


def pause(act: Act, message_id: int) -> dict[str, int]:
    """Take no new rows."""
    return _control(act, message_id, "paused", control.pause)


def resume(act: Act, message_id: int) -> dict[str, int]:
    """Go on."""
    return _control(act, message_id, "resumed", control.resume)


def cancel(act: Act, message_id: int) -> dict[str, int]:
    """Withdraw what has not gone."""
    return _control(act, message_id, "cancelled", control.cancel)


def retry(act: Act, message_id: int) -> dict[str, int]:
    """Queue again what failed for a passing reason."""
    return _control(act, message_id, "retried", control.retry)


def reschedule(act: Act, message_id: int, **when: Any) -> Message:
    """Move a message to another instant."""
    return change(act, message_id, None, **when)


def test_send(act: Act, message_id: int, *, stakeholder: int | None, to: Sequence[str]) -> Occurrence:
    """Send a test to confirmed addresses of colleagues, as one recipient would get it."""
    message = get(act, message_id, scope="messages:test", lock=True)
    allowed = set(act.session.scalars(select(User.email_key).where(User.state == "active")))
    wanted = [addresses.key("email", one) for one in to] or [_own_address(act)]
    for place, one in enumerate(wanted):
        if one not in allowed:
            raise Forbidden(
                "a test goes only to confirmed addresses of people who work here", pointer=f"/to/{place}"
            )
    rows = release.sample(act.session, message, act.now, _seen(act, stakeholder))
    made = control.test_send(act.session, act.now, message, rows, wanted)
    act.note("message.tested", "message", message.id, programme_id=message.programme_id)
    return made


def preview(act: Act, message_id: int, *, stakeholder: int | None) -> list[dict[str, Any]]:
    """What one recipient would read on every channel, made in a process with little memory and time."""
    message = get(act, message_id)
    rows = release.sample(act.session, message, act.now, _seen(act, stakeholder))
    data = act.session.get_one(ContentItem, message.content_id).data
    return [_look(act, message, row, data) for row in rows if row["variant_id"] and row["part"] == 0]


def _look(act: Act, message: Message, row: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """All that goes, the ways out and a second language too; as far as it can be made."""
    variants = [act.session.get_one(Variant, one) for one in (row["variant_id"], row["below_id"]) if one]
    person = act.session.get(Stakeholder, row["stakeholder_id"]) if row["stakeholder_id"] else None
    facts = render.facts(person, data, compose.example(act.wiring.links))
    seen = [render_helper.preview(one, [facts])[0] for one in variants]
    made = [one.rendered for one in seen if one.rendered is not None]
    words = render.Rendered()
    if len(made) == len(variants):
        account, languages = (
            act.session.get_one(Account, row["account_id"]),
            [one.language for one in variants],
        )
        words = compose.shown(made, languages, message, account, act.wiring.links)
    return {
        "channel": row["channel"], "language": variants[0].language, **asdict(words),
        "missing": [name for one in seen for name in one.missing],
        "wrong": next((one.wrong for one in seen if one.wrong), ""),
    }  # fmt: skip


def occurrences(act: Act, message_id: int) -> list[Occurrence]:
    """The times a message goes out, tests included."""
    message = get(act, message_id)
    query = select(Occurrence).where(Occurrence.message_id == message.id).order_by(Occurrence.id)
    return list(act.session.scalars(query))


def _send(act: Act, message: Message, on_blocked: str) -> None:
    act.need("messages:send", message.programme_id)
    messages.submit(act.session, act.now, message)
    if on_blocked == "refuse":
        found = blockers.blockers(act.session, message, act.now)
        if found:
            raise Blocked("it cannot go as things stand", blockers=found)
    release_named(act, message)
    act.note(
        "message.submitted",
        "message",
        message.id,
        programme_id=message.programme_id,
        after={"state": message.state},
    )


def release_named(act: Act, message: Message) -> None:
    """Who was named one by one, and posts, stand in the ledger with the act itself."""
    if message.segment_id is None and message.state in ("scheduled", "held"):
        release.at_once(act.session, message, act.now)


def _control(act: Act, message_id: int, done: str, verb: Any) -> dict[str, int]:
    message = get(act, message_id, scope="messages:send", lock=True)
    counts: dict[str, int] = verb(act.session, act.now, message)
    act.note(f"message.{done}", "message", message.id, programme_id=message.programme_id, after=dict(counts))
    return counts


def version_of(act: Act, programme_id: int, strategy_id: int | None) -> StrategyVersion:
    """The version a message stands under: the agreed one, else the newest, else Everyday communication."""
    if strategy_id is None:
        return strategies.everyday(act.session, programme_id, act.now)
    strategy = strategies.get(act.session, strategy_id)
    act.need("strategies:read", strategy.programme_id)
    if strategy.programme_id not in programmes.lineage(act.session, programme_id):
        raise BadField("this strategy belongs to another programme", pointer="/strategy_id")
    version = strategies.in_force(act.session, strategy) or strategies.latest(act.session, strategy)
    if version is None:
        raise BadField("this strategy has no version yet: write one first", pointer="/strategy_id")
    return version


def segment_of(act: Act, programme_id: int, segment_id: int | None) -> int | None:
    if segment_id is None:
        return None
    segment = act.one(Segment, segment_id)
    act.need("segments:read", segment.programme_id)
    if segment.programme_id not in programmes.lineage(act.session, programme_id):
        raise BadField("this group belongs to another programme", pointer="/segment")
    return segment.id


def _when(act: Act, values: dict[str, Any]) -> dict[str, Any]:
    """`send_at` as the domain keeps it: the instant, and the wall time in the zone where it was meant."""
    given = values.pop("send_at", None)
    if given is None:
        return values
    when = calendar.parse_when(given, act.now)
    return {**values, "at": when.at, "wall": when.wall, "zone": when.zone}


def _followed(act: Act, values: Mapping[str, Any]) -> bool:
    """Whether a message follows another one up, which the caller must see: its readers are those of that one."""
    before = (values.get("timing") or {}).get("after_id")
    return before is not None and bool(get(act, before))


def _seen(act: Act, stakeholder_id: int | None) -> int | None:
    return stakeholder_id if stakeholder_id is None else reached(act, stakeholder_id, "stakeholders:read").id


def _own_address(act: Act) -> str:
    user = act.session.get(User, act.caller.user_id) if act.caller.user_id else None
    if user is None or user.email_key is None:
        raise BadField("say where to: you have no confirmed address of your own", pointer="/to")
    return user.email_key


def deliveries(
    act: Act, *, message_id: int | None, stakeholder: int | None, state: str | None, limit: int, after: str | None,
    before: str | None, newest_first: bool = False,
) -> paging.Page:  # fmt: skip
    """The ledger: one row for every intended recipient, the excluded included."""
    statement = scoped(
        select(Delivery).join(Message, Message.id == Delivery.message_id),
        Message.programme_id, act.caller, "messages:read",
    )  # fmt: skip
    if message_id is not None:
        get(act, message_id)
        statement = statement.where(Delivery.message_id == message_id)
    if stakeholder is not None:
        statement = statement.where(Delivery.stakeholder_id.in_(kin.records(act.session, stakeholder)))
    if state is not None:
        statement = statement.where(Delivery.state == state)
    if state in ("bounced", "failed", "unknown"):
        statement = statement.where(IN_TROUBLE)  # so that the index over these few rows answers
    return paging.cut(
        act.session,
        statement,
        Delivery.id,
        limit=limit,
        after=after,
        before=before,
        newest_first=newest_first,
    )


def delivery(act: Act, delivery_id: int, *, scope: str = "messages:read") -> Delivery:
    """One row of the ledger."""
    row = act.one(Delivery, delivery_id)
    act.need(scope, act.session.get_one(Message, row.message_id).programme_id)
    return row


def decide_delivery(act: Act, delivery_id: int, *, outcome: str, evidence: str) -> Delivery:
    """Say what became of a row whose outcome nobody learnt."""
    row = delivery(act, delivery_id, scope="messages:send")
    _practice_only(act, act.session.get_one(Message, row.message_id))
    control.decide(act.session, act.now, row, outcome=outcome, by=act.caller.actor, evidence=evidence)
    act.note("delivery.decided", "delivery", row.id, after={"outcome": outcome, "evidence": evidence})
    act.session.refresh(row)
    return row


def words_of_delivery(act: Act, delivery_id: int) -> Outbound:
    """Exactly what a row says: the same words, values and id give the same letter every time.

    NotFound for a row without words: who was left out before any were chosen, or was erased.
    """
    row = delivery(act, delivery_id)
    variant = act.session.get(Variant, row.variant_id) if row.variant_id else None
    if variant is None or row.slots is None:
        raise NotFound("no words were made for this recipient")
    message, account = (
        act.session.get_one(Message, row.message_id),
        act.session.get_one(Account, row.account_id),
    )
    below = act.session.get(Variant, row.below_id) if row.below_id else None
    said = threads.worded(act.session, account, row.id, variant)
    letter = compose.Letter(row.id, row.slots, said, row.address_key, below)
    links = act.wiring.links
    attached = media.attached(act.session, message.content_id, act.wiring.settings.folder, links.base_url)
    made = compose.Composer(message, account, links, attached).compose(letter)
    return replace(made, subject=str(made.subject), text=str(made.text), html=str(made.html))


def urgent_goes(
    act: Act, *, due: bool | None, limit: int, after: str | None, before: str | None
) -> paging.Page:
    """Messages that were let go before everybody had signed; `due` are those nobody has reviewed."""
    statement = scoped(
        select(UrgentGo).join(Message, Message.id == UrgentGo.message_id),
        Message.programme_id, act.caller, "messages:read",
    )  # fmt: skip
    if due is not None:
        statement = statement.where(
            UrgentGo.reviewed_at.is_(None) if due else UrgentGo.reviewed_at.is_not(None)
        )
    return paging.cut(act.session, statement, UrgentGo.id, limit=limit, after=after, before=before)


def review_urgent_go(act: Act, go_id: int, *, review: str) -> UrgentGo:
    """Say afterwards whether it was right; somebody other than who let it go."""
    found = act.one(UrgentGo, go_id, lock=True)
    message = get(act, found.message_id, scope="messages:approve")
    agreements.review(act.session, act.now, found, review, act.caller.actor)
    act.note("message.urgent_go_reviewed", "message", message.id, programme_id=message.programme_id)
    return found
