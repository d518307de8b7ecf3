"""What may be done with strategies: write, name who must agree, invite, agree, comment, answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from campaigns.base import parse_id, public_id
from campaigns.errors import BadField, BadId, Forbidden, NotFound, said
from campaigns.messages.tables import Message
from campaigns.stakeholders.tables import Address
from campaigns.strategies import agreements, strategies
from campaigns.strategies.tables import (
    Agreement,
    Party,
    Strategy,
    StrategyComment,
    StrategyDraft,
    StrategyVersion,
)

from .. import paging
from ..access import scoped
from ..permissions import ROLES
from . import Act, names, programmes
from .stakeholders import home, reached

READ, WRITE, AGREE = "strategies:read", "strategies:write", "strategies:agree"


@dataclass(frozen=True, slots=True)
class Position:
    """A party and what they decided on one version, if anything."""

    party: Party
    agreement: Agreement | None


def listed(
    act: Act,
    *,
    limit: int,
    after: str | None,
    before: str | None,
    programme_id: int | None = None,
    state: str | None = None,
) -> paging.Page:
    """The strategies of the caller's programmes."""
    statement = scoped(select(Strategy), Strategy.programme_id, act.caller, READ)
    if programme_id is not None:
        statement = statement.where(Strategy.programme_id == programme_id)
    if state is not None:
        statement = statement.where(Strategy.state == state)
    return paging.cut(act.session, statement, Strategy.id, limit=limit, after=after, before=before)


def standings(act: Act, found: Sequence[Strategy]) -> dict[int, agreements.Standing]:
    """How far these strategies are; the caller has been shown them."""
    return agreements.standings(act.session, found)


def get(act: Act, strategy_id: int, scope: str = READ, *, lock: bool = False) -> Strategy:
    """One strategy; NotFound where the caller has no grant."""
    found = act.one(Strategy, strategy_id, lock=lock)
    act.need(scope, found.programme_id)
    return found


def create(act: Act, *, name: str, segment_id: int | None, programme_id: int | None) -> Strategy:
    """A strategy for a segment of a programme, or for everyone."""
    programme_id = home(act, WRITE, programme_id)
    made = strategies.create(
        act.session, act.now, programme_id=programme_id, segment_id=segment_id, name=name
    )
    act.note("strategy.created", "strategy", made.id, programme_id=programme_id, after={"name": name})
    return made


def versions(act: Act, strategy_id: int) -> list[StrategyVersion]:
    """Every version, newest first."""
    found = get(act, strategy_id)
    query = select(StrategyVersion).where(StrategyVersion.strategy_id == found.id)
    return list(act.session.scalars(query.order_by(StrategyVersion.n.desc())))


def version(act: Act, strategy_id: int, n: int, scope: str = READ) -> StrategyVersion:
    """One version of a strategy the caller may see."""
    return strategies.version(act.session, get(act, strategy_id, scope), n)


def in_force(act: Act, strategy: Strategy) -> int | None:
    """The number of the version that messages may go out under."""
    found = strategies.in_force(act.session, strategy)
    return found.n if found else None


def new_version(act: Act, strategy_id: int, body: Mapping[str, Any]) -> StrategyVersion:
    """The next version; what is agreed stays in force until this one is."""
    strategy = get(act, strategy_id, WRITE, lock=True)
    made = strategies.new_version(act.session, act.now, strategy, body, act.caller.actor)
    strategies.drop_draft(act.session, strategy, act.caller.actor)
    act.note(
        "strategy.version_written", "strategy", strategy.id, programme_id=strategy.programme_id,
        after={"n": made.n, "digest": made.digest},
    )  # fmt: skip
    return made


def draft(act: Act, strategy_id: int) -> StrategyDraft | None:
    """What the caller has written of the next version."""
    return strategies.draft(act.session, get(act, strategy_id), act.caller.actor)


def keep_draft(act: Act, strategy_id: int, body: Mapping[str, Any]) -> StrategyDraft:
    """Keep what the caller has written so far; nobody else sees it."""
    return strategies.keep_draft(act.session, act.now, get(act, strategy_id, WRITE), body, act.caller.actor)


def drop_draft(act: Act, strategy_id: int) -> None:
    """Forget the caller's draft."""
    strategies.drop_draft(act.session, get(act, strategy_id, WRITE), act.caller.actor)


def archive(act: Act, strategy_id: int) -> Strategy:
    """Write nothing new under it; what runs under it goes on."""
    found = get(act, strategy_id, WRITE, lock=True)
    strategies.archive(act.session, act.now, found)
    act.note("strategy.archived", "strategy", found.id, programme_id=found.programme_id)
    return found


def uses(act: Act, strategy_id: int, limit: int = 20) -> list[Message]:
    """The messages that stand under one of its versions, newest first; answers to somebody are not listed."""
    found = get(act, strategy_id)
    act.need("messages:read", found.programme_id)
    versions = select(StrategyVersion.id).where(StrategyVersion.strategy_id == found.id)
    under = select(Message).where(Message.strategy_version_id.in_(versions), Message.kind == "message")
    return list(act.session.scalars(under.order_by(Message.id.desc()).limit(limit)))


def parties(act: Act, strategy_id: int) -> list[Party]:
    """Who is asked or told."""
    return agreements.parties(act.session, get(act, strategy_id).id)


def set_parties(act: Act, strategy_id: int, wanted: Sequence[Mapping[str, Any]]) -> list[Party]:
    """Name who must agree, who is consulted and who is informed."""
    strategy = get(act, strategy_id, WRITE, lock=True)
    rows = [{**one, "ref": _ref(act, one, f"/parties/{place}/ref")} for place, one in enumerate(wanted)]
    made = agreements.set_parties(act.session, strategy, rows)
    act.note(
        "strategy.parties_set", "strategy", strategy.id, programme_id=strategy.programme_id,
        after={"parties": len(made)},
    )  # fmt: skip
    return made


def _ref(act: Act, one: Mapping[str, Any], pointer: str) -> str:
    """A party as the domain names it: a role, a user's id, or a stakeholder the caller reaches."""
    ref = str(one["ref"])
    if one["kind"] == "role" and ref not in ROLES:
        raise BadField(said("a role is one of {roles}", roles=ROLES), pointer=pointer)
    if one["kind"] != "stakeholder":
        return ref
    try:
        return str(reached(act, parse_id("stk", ref), "stakeholders:read").id)
    except BadId as error:
        raise BadField(error.detail, pointer=pointer) from error


def positions(act: Act, strategy_id: int, n: int) -> list[Position]:
    """Every party with what they decided on this version."""
    found = agreements.positions(act.session, version(act, strategy_id, n))
    return [Position(party, agreement) for party, agreement in found]


def decide(
    act: Act,
    strategy_id: int,
    n: int,
    *,
    party: int,
    decision: str,
    digest: str,
    reason: str,
    evidence: str | None,
    by: str,
) -> Agreement:
    """Decide for one's own part, or record with evidence what a party decided elsewhere."""
    read = version(act, strategy_id, n, AGREE)
    strategy = get(act, strategy_id, lock=True)
    asked = agreements.party(act.session, strategy, party)
    if evidence is not None:
        made = agreements.record(
            act.session, act.now, read, asked, decision, digest, recorded_by=act.caller.actor, evidence=evidence,
            by=by, reason=reason,
        )  # fmt: skip
    else:
        _plays(act, strategy, asked)
        made = agreements.decide(
            act.session, act.now, read, asked, decision, digest, act.caller.actor, reason=reason
        )
    act.note(
        "strategy.decided", "strategy", strategy.id, programme_id=strategy.programme_id,
        after={"n": n, "decision": decision, "party": asked.id},
    )  # fmt: skip
    return made


def plays(act: Act, strategy: Strategy, party: Party) -> bool:
    """Whether it is the caller's to decide this part: their own, as a deputy, or as whoever holds the role."""
    if party.kind != "role":
        return party.kind == "user" and act.caller.actor in (party.ref, party.deputy)
    return any(
        reach.role == party.ref and (reach.programmes is None or strategy.programme_id in reach.programmes)
        for reach in act.caller.reaches
    )


def _plays(act: Act, strategy: Strategy, party: Party) -> None:
    """A role's part is for who holds that role in this programme."""
    if party.kind == "role" and not plays(act, strategy, party):
        raise Forbidden(said("this part is for whoever is {ref} here", ref=party.ref))


def mail_of(act: Act, party: Party) -> str:
    """Where an outside party can be written to, or nothing."""
    if party.kind != "stakeholder":
        return ""
    reached(act, int(party.ref), "stakeholders:read")
    known = select(Address.value).where(
        Address.stakeholder_id == int(party.ref), Address.channel == "email", Address.state == "active"
    )
    return act.session.scalar(known.order_by(Address.id).limit(1)) or ""


def invite(act: Act, strategy_id: int, n: int, *, party: int, days: int) -> dict[str, Any]:
    """A link for an outside party; it is shown this once."""
    read = version(act, strategy_id, n, WRITE)
    strategy = get(act, strategy_id)
    asked = agreements.party(act.session, strategy, party)
    path = agreements.invite(act.session, act.now, read, asked, days)
    act.note(
        "strategy.invited", "strategy", strategy.id, programme_id=strategy.programme_id,
        after={"n": n, "party": asked.id, "days": days},
    )  # fmt: skip
    until = act.now + timedelta(days=days)
    return {"url": act.wiring.links.url(path), "party": asked.id, "expires_at": until}


def comments(act: Act, strategy_id: int, n: int) -> list[StrategyComment]:
    """What was said about a version and what was answered."""
    return agreements.comments(act.session, version(act, strategy_id, n))


def asked(act: Act, strategy_id: int, n: int) -> list[StrategyComment]:
    """The changes of a version that are asked for and not settled."""
    return agreements.asked(act.session, version(act, strategy_id, n))


def summons(act: Act, said: Sequence[StrategyComment]) -> dict[int, list[str]]:
    """Which colleagues each of these comments calls."""
    return agreements.called(act.session, [one.id for one in said])


def comment(
    act: Act, strategy_id: int, n: int, *, section: str, text: str, asks: bool = False, call: str = ""
) -> StrategyComment:
    """Say something about a section; `asks` for a change, which keeps colleagues from agreeing until it is settled.

    Colleagues of the programme who are named by @, and the one who is chosen as `call`, are called to it.
    """
    read, found = version(act, strategy_id, n), get(act, strategy_id)
    if asks:
        _writes_or_agrees(act, found)
    calls = names.mentioned(text, programmes.colleagues(act, found.programme_id), "/call", call)
    made = agreements.comment(
        act.session, act.now, read, section=section, text=text, by=act.caller.actor, asks=asks, calls=calls
    )
    act.note(
        "strategy.commented", "comment", made.id, programme_id=found.programme_id,
        after={"asks": asks, "called": sorted(calls)},
    )  # fmt: skip
    return made


def settle(act: Act, strategy_id: int, n: int, comment_id: int) -> StrategyComment:
    """Say that the change that was asked for is made, or is not needed."""
    read, home_of = version(act, strategy_id, n), get(act, strategy_id)
    _writes_or_agrees(act, home_of)
    found = act.one(StrategyComment, comment_id, lock=True)
    if found.version_id != read.id:
        raise NotFound("this comment is about another version")
    agreements.settle(act.session, act.now, found, act.caller.actor)
    act.note("strategy.comment_settled", "comment", found.id, programme_id=home_of.programme_id)
    return found


def _writes_or_agrees(act: Act, found: Strategy) -> None:
    if not act.caller.may(AGREE, found.programme_id):
        act.need(WRITE, found.programme_id)


def answer(act: Act, strategy_id: int, n: int, comment_id: int, *, text: str) -> StrategyComment:
    """You said, we did."""
    read = version(act, strategy_id, n, WRITE)
    found = act.one(StrategyComment, comment_id, lock=True)
    if found.version_id != read.id:
        raise NotFound("this comment is about another version")
    agreements.answer(act.session, act.now, found, text, act.caller.actor)
    act.note("strategy.answered", "comment", found.id, programme_id=get(act, strategy_id).programme_id)
    return found


def shown_ref(party: Party) -> str:
    """A party's reference as people and programs see it."""
    return public_id("stk", int(party.ref)) if party.kind == "stakeholder" else party.ref
