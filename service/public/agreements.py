"""`/agree/<token>`: somebody outside reads a strategy, comments on it, and agrees or refuses.

Rules: reading changes nothing; the decision names the digest that was shown, is made once, and silence is none.
Source: B4, SM13; gates.md "Agreement of a strategy version".
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, g, request
from sqlalchemy.orm import Session

from campaigns import audit
from campaigns.base import public_id
from campaigns.errors import DomainError, LinkNotValid
from campaigns.stakeholders.tables import Stakeholder
from campaigns.strategies import agreements, strategies
from campaigns.strategies.agreements import LinkView
from campaigns.strategies.tables import StrategyComment

from .. import words
from ..wiring import Wiring
from . import page

BODY_MAX = 128 * 1024
FIELD_MAX = 10_000


def blueprint(wiring: Wiring) -> Blueprint:
    """The page and its two acts: comment, and decide."""
    made = Blueprint("agreements", __name__)

    @made.get("/agree/<token>")
    def read(token: str) -> Response:
        try:
            with wiring.database.read() as session:
                return _show(session, agreements.read_link(session, wiring.now(), token))
        except LinkNotValid:
            return page.link_not_valid()

    @made.post("/agree/<token>")
    def act(token: str) -> Response:
        request.max_content_length = BODY_MAX
        acts = {"comment": _comment, "decide": _decide}
        chosen = acts.get(request.form.get("act", ""))
        if chosen is None:
            return page.show("nothing_changed", page.language(), 400)
        try:
            problem = _try(wiring, token, chosen)
            with wiring.database.read() as session:
                view = agreements.read_link(session, wiring.now(), token)
                said = chosen is _comment and not problem
                return _show(session, view, problem=problem, commented=said)
        except LinkNotValid:
            return page.link_not_valid()

    return made


def _try(wiring: Wiring, token: str, act: Any) -> str:
    """Do it in one transaction; "" or what was wrong, as the page names it."""
    try:
        with wiring.database.write() as session:
            view = agreements.read_link(session, wiring.now(), token)
            problem: str = act(session, wiring, token, view)
            return problem
    except LinkNotValid:
        raise
    except DomainError:
        return "not_saved"


def _comment(session: Session, wiring: Wiring, token: str, view: LinkView) -> str:
    text = _field("text")
    if not text.strip():
        return "empty"
    if view.link.used_at is not None:
        return "not_saved"
    agreements.comment_by_link(session, wiring.now(), token, _field("section"), text)
    _note(session, wiring, view, "strategy.commented", {"section": _field("section")})
    return ""


def _decide(session: Session, wiring: Wiring, token: str, view: LinkView) -> str:
    decision, shown = _field("decision"), agreements.text_of(view.version)
    if not decision:
        return "undecided"
    if view.agreement is not None and view.link.used_at is not None and view.agreement.decision == decision:
        return ""  # the same press once more
    agreements.decide_by_link(
        session, wiring.now(), token, decision, _field("digest"), _field("reason"), shown
    )
    _note(session, wiring, view, f"strategy.{decision}", {"version": view.version.n})
    return ""


def _note(session: Session, wiring: Wiring, view: LinkView, act: str, after: dict[str, Any]) -> None:
    audit.note(
        session, wiring.now(), public_id("stk", int(view.party.ref)), act, "strategy", view.strategy.id,
        programme_id=view.strategy.programme_id, after=after, request_id=g.get("request_id"),
    )  # fmt: skip


def _field(name: str) -> str:
    return request.form.get(name, "")[:FIELD_MAX].replace("\r\n", "\n")


def _show(session: Session, view: LinkView, *, problem: str = "", commented: bool = False) -> Response:
    person = session.get(Stakeholder, int(view.party.ref))
    language = page.language(*(person.languages if person else ()))
    agreement = view.agreement
    return page.show(
        "agreement",
        language,
        422 if problem else 200,
        strategy=view.strategy.name,
        number=view.version.n,
        digest=view.version.digest,
        party=view.party.label,
        answer_by=_day(view.party.answer_by_at, language),
        works_until=_day(view.link.expires_at, language),
        open=view.link.used_at is None,
        decision=agreement.decision if agreement else "",
        decided_on=_day(agreement.at if agreement else None, language),
        sections=_sections(view, language),
        asked=any(one.asks and one.settled_at is None for one in view.comments),
        problem=problem,
        commented=commented,
        unsent=_unsent(bool(problem)),
    )


def _unsent(kept: bool) -> dict[str, str]:
    """What was typed and could not be taken: nobody has to type it again."""
    return {name: _field(name) if kept else "" for name in ("section", "text", "reason")}


def _sections(view: LinkView, language: str) -> list[dict[str, Any]]:
    """The sections that say something, in the order in which people read them, each with its comments."""
    sections = []
    for name in strategies.SECTIONS:
        value = view.version.body.get(name)
        if value:
            said = [_said(one, view, language) for one in view.comments if one.section == name]
            shown = words.language_name(value, language) if name == "default_language" else value
            sections.append({"name": name, "value": shown, "comments": said})
    return sections


def _said(comment: StrategyComment, view: LinkView, language: str) -> dict[str, Any]:
    """A comment as others may see it: what was said, not by whom."""
    return {
        "yours": comment.party_id == view.party.id,
        "on": _day(comment.at, language),
        "text": comment.text,
        "answer": comment.answer,
        "answered_on": _day(comment.answered_at, language),
        "asks": bool(comment.asks and comment.settled_at is None),
        "settled": bool(comment.asks and comment.settled_at is not None),
    }


def _day(at: datetime | None, language: str) -> str:
    return words.day(at.date(), language) if at is not None else ""
