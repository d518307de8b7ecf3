"""Agreement on a strategy version: who is asked, by which link, what they said, and what they were shown.

Rules: silence is never consent; a decision names the digest that was read, and a stale one changes nothing;
a yes stands for its version; what was said in a meeting is recorded by somebody other than the author. While a change
of a version is asked for, no colleague agrees to it; somebody outside still may.
Source: B4, I5, SM13.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ..base import parse_id, public_id
from ..canonical import sha256
from ..errors import (
    AlreadyDone,
    BadField,
    BadId,
    Conflict,
    Forbidden,
    FourEyes,
    LinkNotValid,
    NotFound,
    Stale,
    said,
)
from ..stakeholders.tables import Stakeholder
from ..stakeholders.text import TEXT_MAX, clean
from . import strategies
from .tables import (
    DECISIONS,
    PARTS,
    PARTY_KINDS,
    Agreement,
    AgreementLink,
    Party,
    Programme,
    Strategy,
    StrategyCall,
    StrategyComment,
    StrategyVersion,
    UrgentGo,
)

LINK_DAYS_MAX = 365
REVIEW_WITHIN = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far one strategy is. `agreed`, `waiting` and `refused` are labels of the parties its newest version needs.

    `in_force` is the number of the version that messages go out under; `answer_by` the first date that is open.
    """

    latest: int | None = None
    author: str = ""
    written_at: datetime | None = None
    in_force: int | None = None
    agreed: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    answer_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class LinkView:
    """What an outside party sees behind their link: the version, its comments, and what they decided."""

    link: AgreementLink
    party: Party
    strategy: Strategy
    version: StrategyVersion
    comments: list[StrategyComment]
    agreement: Agreement | None


def set_parties(session: Session, strategy: Strategy, wanted: Sequence[Mapping[str, Any]]) -> list[Party]:
    """Replace the parties; each is {kind, ref, part, label, answer_by_at, deputy}.

    Who is left out is asked no more, what they decided stays on record. A stakeholder's `ref` is their id.
    """
    if strategy.builtin:
        raise Forbidden("the parties of the built-in strategy cannot be changed")
    known = {
        (party.kind, party.ref): party
        for party in session.scalars(select(Party).where(Party.strategy_id == strategy.id))
    }
    kept = set()
    for place, one in enumerate(wanted):
        values = _party(session, one, f"/parties/{place}")
        name = (values["kind"], values["ref"])
        if name in kept:
            raise BadField("this party stands here twice", pointer=f"/parties/{place}")
        kept.add(name)
        party = known.setdefault(name, Party(strategy_id=strategy.id, kind=name[0], ref=name[1]))
        party.part, party.label, party.removed = values["part"], values["label"], False
        party.answer_by_at, party.deputy = values["answer_by_at"], values["deputy"]
        session.add(party)
    for name, party in known.items():
        party.removed = name not in kept
    session.flush()
    return parties(session, strategy.id)


def parties(session: Session, strategy_id: int) -> list[Party]:
    """Everybody who is asked or told, in the order they were named."""
    asked = select(Party).where(Party.strategy_id == strategy_id, Party.removed.is_(False))
    return list(session.scalars(asked.order_by(Party.id)))


def party(session: Session, strategy: Strategy, party_id: int) -> Party:
    """One party of this strategy, or NotFound."""
    found = session.get(Party, party_id)
    if found is None or found.strategy_id != strategy.id or found.removed:
        raise NotFound("there is no such party of this strategy")
    return found


def positions(session: Session, version: StrategyVersion) -> list[tuple[Party, Agreement | None]]:
    """Every party with what they decided on this version, or None while they have not."""
    decided = {
        agreement.party_id: agreement
        for agreement in session.scalars(select(Agreement).where(Agreement.version_id == version.id))
    }
    return [(one, decided.get(one.id)) for one in parties(session, version.strategy_id)]


def standings(session: Session, found: Sequence[Strategy]) -> dict[int, Standing]:
    """How far each of these strategies is, in four statements however many there are."""
    numbers = [one.id for one in found]
    columns = StrategyVersion.id, StrategyVersion.strategy_id, StrategyVersion.n, StrategyVersion.author
    versions = session.execute(
        select(*columns, StrategyVersion.at)
        .where(StrategyVersion.strategy_id.in_(numbers))
        .order_by(StrategyVersion.n.desc())
    ).all()
    required = session.scalars(
        select(Party)
        .where(Party.strategy_id.in_(numbers), Party.part == "required", Party.removed.is_(False))
        .order_by(Party.id)
    ).all()
    said_so = session.scalars(
        select(Agreement)
        .join(StrategyVersion, StrategyVersion.id == Agreement.version_id)
        .where(StrategyVersion.strategy_id.in_(numbers))
    ).all()
    decided = {(one.version_id, one.party_id): one for one in said_so}
    needs = select(Programme.id).where(Programme.id.in_({one.programme_id for one in found}))
    strict = set(session.scalars(needs.where(Programme.assurance == "agreed")))
    return {
        one.id: _standing(
            [row for row in versions if row.strategy_id == one.id],
            [party for party in required if party.strategy_id == one.id], decided, one.programme_id in strict,
        )
        for one in found
    }  # fmt: skip


def missing(session: Session, version: StrategyVersion) -> list[Party]:
    """Required parties who have not agreed to this version."""
    return [
        one
        for one, agreement in positions(session, version)
        if one.part == "required" and (agreement is None or agreement.decision != "agreed")
    ]


def obstacles(session: Session, version: StrategyVersion) -> list[dict[str, Any]]:
    """What stands between this version and its agreement, one `agreement_missing` for each party."""
    found = [
        _obstacle(version, one, agreement)
        for one, agreement in positions(session, version)
        if one.part == "required" and (agreement is None or agreement.decision != "agreed")
    ]
    if not found and not strategies.is_agreed(session, version):
        words = said(
            "Version {n} of the strategy needs the agreement of somebody other than its author", n=version.n
        )
        found = [{"kind": "agreement_missing", "detail": words, "party": "somebody other than its author"}]
    changes = asked(session, version) if found else []
    return found + [
        {
            "kind": "strategy_change_asked",
            "detail": said("A change of the strategy is asked for: make it or say why not, then settle it"),
            "by": one.by,
            "text": one.text,
            "section": one.section,
        }
        for one in changes
    ]


def text_of(version: StrategyVersion) -> str:
    """The version as plain text, as a party reads it; the same version always gives the same text."""
    lines = []
    for section in strategies.SECTIONS:
        if value := version.body.get(section):
            lines.append(section.replace("_", " ").capitalize())
            lines += [f"- {item}" for item in value] if isinstance(value, list) else [str(value)]
            lines.append("")
    return "\n".join(lines)


def decide(
    session: Session,
    now: datetime,
    version: StrategyVersion,
    party: Party,
    decision: str,
    digest: str,
    by: str,
    *,
    reason: str = "",
    shown_text: str | None = None,
) -> Agreement:
    """A party inside decides. `by` is the user; the caller knows whether they hold the role of a role party.

    Forbidden for somebody else's part; FourEyes where the author would speak for a role.
    """
    if party.kind == "stakeholder":
        raise Forbidden("an outside party decides by their own link, or it is recorded with evidence")
    if party.kind == "user" and by not in (party.ref, party.deputy):
        raise Forbidden(said("this part is {label}'s to play", label=party.label))
    if party.kind == "role" and by == version.author:
        raise FourEyes(
            "whoever wrote this version cannot agree to it for a role: ask somebody else who holds it"
        )
    shown = text_of(version) if shown_text is None else shown_text
    return _write(session, now, version, party, decision, digest, by=by, reason=reason, shown_text=shown)


def record(
    session: Session,
    now: datetime,
    version: StrategyVersion,
    party: Party,
    decision: str,
    digest: str,
    *,
    recorded_by: str,
    evidence: str,
    by: str = "",
    reason: str = "",
) -> Agreement:
    """Write down what a party decided in a meeting or by letter. `evidence` says where that can be read."""
    if recorded_by == version.author:
        raise FourEyes("somebody other than the author records what was agreed in a meeting or by letter")
    made = _write(
        session, now, version, party, decision, digest,
        by=clean(by, "/by") if by else party.label, reason=reason, shown_text=text_of(version),
    )  # fmt: skip
    made.recorded_by = recorded_by
    made.evidence = clean(evidence, "/evidence", length_max=TEXT_MAX, lines=True)
    return made


def invite(session: Session, now: datetime, version: StrategyVersion, party: Party, days: int = 30) -> str:
    """A link for an outside party, as a path on this installation; it works once and for so many days.

    The token is 256 random bits and only its SHA-256 is kept, so this is the only time it can be read.
    """
    if party.kind != "stakeholder":
        raise BadField("a link is for an outside party; people with a login decide there", pointer="/party")
    if not 1 <= days <= LINK_DAYS_MAX:
        raise BadField(
            said("a link lives 1 to {link_days_max} days", link_days_max=LINK_DAYS_MAX), pointer="/days"
        )
    token = secrets.token_urlsafe(32)
    session.add(
        AgreementLink(
            version_id=version.id, party_id=party.id, token_sha256=sha256(token), made_at=now,
            expires_at=now + timedelta(days=days),
        )
    )  # fmt: skip
    session.flush()
    return f"/agree/{token}"


def read_link(session: Session, now: datetime, token: str) -> LinkView:
    """What stands behind a token; LinkNotValid when it is forged or expired. Reading changes nothing."""
    link = session.scalar(select(AgreementLink).where(AgreementLink.token_sha256 == sha256(token)))
    if link is None or link.expires_at <= now:
        raise LinkNotValid("this link is not valid, or not any more: ask for a new one")
    version = session.get_one(StrategyVersion, link.version_id)
    asked = session.get_one(Party, link.party_id)
    if asked.removed:
        raise LinkNotValid("this link is not valid any more: this strategy no longer asks you")
    agreement = session.scalar(
        select(Agreement).where(Agreement.version_id == version.id, Agreement.party_id == asked.id)
    )
    strategy = session.get_one(Strategy, version.strategy_id)
    return LinkView(link, asked, strategy, version, comments(session, version), agreement)


def decide_by_link(
    session: Session, now: datetime, token: str, decision: str, digest: str, reason: str, shown_text: str
) -> Agreement:
    """The outside party decides; `shown_text` is what their page said. LinkNotValid for a used link."""
    view = read_link(session, now, token)
    _check_decision(view.version, decision, digest)
    used = session.execute(
        update(AgreementLink)
        .where(AgreementLink.id == view.link.id, AgreementLink.used_at.is_(None))
        .values(used_at=now)
    )
    if used.rowcount != 1:  # type: ignore[attr-defined]
        raise LinkNotValid("this link has been used: ask for a new one to change your answer")
    by = public_id("stk", int(view.party.ref))
    return _write(
        session, now, view.version, view.party, decision, digest, by=by, reason=reason, shown_text=shown_text
    )


def comment_by_link(session: Session, now: datetime, token: str, section: str, text: str) -> StrategyComment:
    """The outside party comments on one section before deciding; a link may be used for many comments."""
    view = read_link(session, now, token)
    by = public_id("stk", int(view.party.ref))
    return comment(session, now, view.version, section=section, text=text, by=by, party=view.party)


def comment(
    session: Session,
    now: datetime,
    version: StrategyVersion,
    *,
    section: str,
    text: str,
    by: str,
    party: Party | None = None,
    asks: bool = False,
    calls: Iterable[str] = (),
) -> StrategyComment:
    """Say something about one section of a version; `asks` for a change, `calls` colleagues to it."""
    if section not in strategies.SECTIONS:
        raise BadField(said("section is one of {sections}", sections=strategies.SECTIONS), pointer="/section")
    made = StrategyComment(
        version_id=version.id, party_id=party.id if party else None, section=section, by=by, at=now,
        text=clean(text, "/text", length_max=TEXT_MAX, lines=True), asks=asks,
    )  # fmt: skip
    session.add(made)
    session.flush()
    session.add_all(StrategyCall(comment_id=made.id, who=who) for who in sorted(set(calls)))
    session.flush()
    return made


def comments(session: Session, version: StrategyVersion) -> list[StrategyComment]:
    """What was said about a version and what was answered, oldest first."""
    said = select(StrategyComment).where(StrategyComment.version_id == version.id)
    return list(session.scalars(said.order_by(StrategyComment.at, StrategyComment.id)))


def asked(session: Session, version: StrategyVersion) -> list[StrategyComment]:
    """The changes of a version that are asked for and not settled."""
    wanted = select(StrategyComment).where(
        StrategyComment.version_id == version.id, StrategyComment.asks.is_(True)
    )
    return list(
        session.scalars(wanted.where(StrategyComment.settled_at.is_(None)).order_by(StrategyComment.id))
    )


def called(session: Session, comments: Collection[int]) -> dict[int, list[str]]:
    """Whom each of these comments calls."""
    found: dict[int, list[str]] = {number: [] for number in comments}
    calls = select(StrategyCall).where(StrategyCall.comment_id.in_(comments)).order_by(StrategyCall.who)
    for one in session.scalars(calls) if comments else ():
        found[one.comment_id].append(one.who)
    return found


def settle(session: Session, now: datetime, comment: StrategyComment, by: str) -> None:
    """Say that the change that was asked for is made, or is not needed."""
    if not comment.asks or comment.settled_at is not None:
        raise AlreadyDone("this is settled already")
    comment.settled_by, comment.settled_at = by, now
    session.flush()


def answer(session: Session, now: datetime, comment: StrategyComment, text: str, by: str) -> None:
    """Answer a comment once: you said, we did."""
    if comment.answer is not None:
        raise AlreadyDone("this comment has its answer")
    comment.answer = clean(text, "/text", length_max=TEXT_MAX, lines=True)
    comment.answered_by, comment.answered_at = by, now
    session.flush()


def urgent_go(
    session: Session,
    now: datetime,
    message_id: int,
    digest: str,
    reason: str,
    by: str,
    passed_over: Iterable[Mapping[str, Any]] = (),
) -> UrgentGo:
    """Let one digest of a message go before everybody has signed; a review is due within 24 hours.

    `passed_over` are the obstacles it clears: they name who should have signed and must be told.
    """
    made = UrgentGo(
        message_id=message_id, digest=digest, by=by, at=now, review_due_at=now + REVIEW_WITHIN,
        reason=clean(reason, "/reason", length_max=TEXT_MAX, lines=True),
        passed_over=[dict(one) for one in passed_over],
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def has_urgent_go(session: Session, message_id: int, digest: str) -> bool:
    """Whether this digest of the message was let go urgently."""
    found = select(UrgentGo.id).where(UrgentGo.message_id == message_id, UrgentGo.digest == digest).limit(1)
    return session.scalar(found) is not None


def reviews_due(session: Session, limit: int = 200) -> list[UrgentGo]:
    """Urgent goes that nobody has reviewed, the most urgent review first."""
    open_ones = select(UrgentGo).where(UrgentGo.reviewed_at.is_(None))
    return list(session.scalars(open_ones.order_by(UrgentGo.review_due_at, UrgentGo.id).limit(limit)))


def review(session: Session, now: datetime, go: UrgentGo, text: str, by: str) -> None:
    """Say afterwards whether the urgent go was right; somebody other than who gave it."""
    if go.reviewed_at is not None:
        raise AlreadyDone("this urgent go has been reviewed")
    if by == go.by:
        raise FourEyes("somebody other than who let it go reviews it")
    go.review = clean(text, "/review", length_max=TEXT_MAX, lines=True)
    go.reviewed_by, go.reviewed_at = by, now
    session.flush()


def _standing(
    versions: Sequence[Any],
    required: Sequence[Party],
    decided: Mapping[tuple[int, int], Agreement],
    strict: bool,
) -> Standing:
    """One strategy from its versions, newest first; the rules are those of `strategies.in_force`."""
    if not versions:
        return Standing()
    newest = versions[0]
    said_of = {party.id: decided.get((newest.id, party.id)) for party in required}
    open_until = [
        party.answer_by_at
        for party in required
        if party.answer_by_at is not None and said_of[party.id] is None
    ]
    labels: dict[str, list[str]] = {"agreed": [], "refused": [], "waiting": []}
    for party in required:
        agreement = said_of[party.id]
        labels[agreement.decision if agreement else "waiting"].append(party.label)
    return Standing(
        latest=newest.n, author=newest.author, written_at=newest.at,
        in_force=_in_force(versions, required, decided, strict), agreed=tuple(labels["agreed"]),
        waiting=tuple(labels["waiting"]), refused=tuple(labels["refused"]), answer_by=min(open_until, default=None),
    )  # fmt: skip


def _in_force(
    versions: Sequence[Any],
    required: Sequence[Party],
    decided: Mapping[tuple[int, int], Agreement],
    strict: bool,
) -> int | None:
    if not required:
        return None if strict else int(versions[0].n)
    for version in versions:
        given = [decided.get((version.id, party.id)) for party in required]
        yes = [one for one in given if one is not None and one.decision == "agreed"]
        if len(yes) == len(required) and any(one.by != version.author for one in yes):
            return int(version.n)
    return None


def _party(session: Session, one: Mapping[str, Any], pointer: str) -> dict[str, Any]:
    kind, part = one.get("kind"), one.get("part", "required")
    if kind not in PARTY_KINDS:
        raise BadField(
            said("kind is one of {party_kinds}", party_kinds=PARTY_KINDS), pointer=f"{pointer}/kind"
        )
    if part not in PARTS:
        raise BadField(said("part is one of {parts}", parts=PARTS), pointer=f"{pointer}/part")
    ref = clean(str(one.get("ref", "")), f"{pointer}/ref")
    label = one.get("label") or ref
    if kind == "stakeholder":
        person = _stakeholder(session, ref, f"{pointer}/ref")
        ref, label = str(person.id), one.get("label") or person.name
    return {
        "kind": kind,
        "ref": ref,
        "part": part,
        "label": clean(label, f"{pointer}/label"),
        "answer_by_at": one.get("answer_by_at"),
        "deputy": one.get("deputy"),
    }


def _stakeholder(session: Session, ref: str, pointer: str) -> Stakeholder:
    """By number or by public id."""
    try:
        number = int(ref) if ref.isdecimal() else parse_id("stk", ref)
    except BadId:
        number = 0
    person = session.get(Stakeholder, number) if number < 1 << 63 else None
    if person is None or person.state != "active":
        raise BadField("there is no such stakeholder", pointer=pointer)
    return person


def _obstacle(version: StrategyVersion, party: Party, agreement: Agreement | None) -> dict[str, Any]:
    if agreement is None:
        words = said(
            "Still waiting for {label} to agree version {n} of the strategy", label=party.label, n=version.n
        )
    else:
        words = said("{label} refused version {n} of the strategy", label=party.label, n=version.n)
        if agreement.reason:
            words = said(
                "{label} refused version {n} of the strategy: {reason}",
                label=party.label, n=version.n, reason=agreement.reason,
            )  # fmt: skip
    return {
        "kind": "agreement_missing",
        "detail": words,
        "party": party.label,
        "decision": agreement.decision if agreement else None,
    }


def _write(
    session: Session,
    now: datetime,
    version: StrategyVersion,
    party: Party,
    decision: str,
    digest: str,
    *,
    by: str,
    reason: str,
    shown_text: str,
) -> Agreement:
    """Store the decision. A refusal may become a yes after talking; a yes stands for its version."""
    _check_decision(version, decision, digest)
    if party.strategy_id != version.strategy_id or party.removed:
        raise NotFound("there is no such party of this strategy")
    if decision == "agreed" and party.kind != "stakeholder" and asked(session, version):
        raise Conflict("somebody asked for a change: settle that first")
    made = session.scalar(
        select(Agreement).where(Agreement.version_id == version.id, Agreement.party_id == party.id)
    )
    if made is not None and made.decision == "agreed":
        raise AlreadyDone(
            said("{label} has agreed to this version; write a new one to change it", label=party.label)
        )
    made = made or Agreement(version_id=version.id, party_id=party.id)
    made.stakeholder_id = int(party.ref) if party.kind == "stakeholder" else None
    made.decision, made.digest, made.by, made.at = decision, digest, by, now
    made.recorded_by = made.evidence = None
    made.reason = clean(reason, "/reason", length_max=TEXT_MAX, lines=True, empty=True)
    made.shown_text_sha256 = sha256(shown_text)
    session.add(made)
    session.flush()
    return made


def _check_decision(version: StrategyVersion, decision: str, digest: str) -> None:
    if decision not in DECISIONS:
        raise BadField(said("decision is one of {decisions}", decisions=DECISIONS), pointer="/decision")
    if digest != version.digest:
        raise Stale("this is not the text of this version: read it again and decide on what you read")
