"""Answers to the one question of a survey form: counted for everybody, and on the record where the link was personal.

Rules: without a personal link nobody is known; with one a second answer replaces the first, and the record keeps both.
Whose records were merged counts once, with what they answered last.
Source: L7.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ..base import public_id
from ..delivery.tables import Delivery
from ..errors import BadField, Conflict
from ..stakeholders import consent, forms, kin
from ..stakeholders.tables import Form, Stakeholder
from ..stakeholders.text import clean
from .tables import Interaction, SurveyAnswer

RATINGS = ("1", "2", "3", "4", "5")
WORDS_MAX = 2000


@dataclass(frozen=True, slots=True)
class Results:
    """How often each value was chosen, in order, and how many answered."""

    counts: dict[str, int]
    n: int


def answer(
    session: Session,
    now: datetime,
    form: Form,
    *,
    language: str,
    value: str = "",
    text: str = "",
    delivery_id: int | None = None,
) -> SurveyAnswer:
    """One answer; `delivery_id` is that of a personal link. BadField for what cannot be chosen."""
    if form.kind != "survey" or form.state != "open":
        raise Conflict("this survey is closed")
    words = clean(text, "/text", length_max=WORDS_MAX, lines=True, empty=form.answers != "text").strip()
    _check(session, form, value)
    delivery = session.get(Delivery, delivery_id) if delivery_id else None
    person = delivery.stakeholder_id if delivery else None
    if person is not None:
        consent.lock(session, [person])  # of two presses at once the second finds the answer of the first
    found = _before(session, form, person)
    if found is not None and (found.value, found.text) == (value, words):
        return found
    said = {"wording": form.wording, "language": language, "value": value, "text": words, "at": now}
    if found is None:
        found = SurveyAnswer(form_id=form.id, stakeholder_id=person, delivery_id=delivery_id, **said)
        session.add(found)
    for name, one in said.items():
        setattr(found, name, one)
    if person is not None:
        found.interaction_id = _on_record(session, now, form, found, person)
    session.flush()
    return found


def results(session: Session, form: Form) -> Results:
    """The counts of a rating or a choice; of a text only how many there are."""
    counted = select(SurveyAnswer.value, func.count()).where(SurveyAnswer.form_id == form.id)
    found = Counter({value: count for value, count in session.execute(counted.group_by(SurveyAnswer.value))})
    found -= _given_anew(session, form)
    values = RATINGS if form.answers == "rating" else _places(session, form)
    return Results({value: found[value] for value in values}, sum(found.values()))


def _given_anew(session: Session, form: Form) -> Counter[str]:
    """What people answered on one of their records and then, maybe otherwise, on another."""
    stands = func.coalesce(Stakeholder.merged_into, Stakeholder.id)
    theirs = (
        select(stands, SurveyAnswer.value)
        .join(Stakeholder, Stakeholder.id == SurveyAnswer.stakeholder_id)
        .where(SurveyAnswer.form_id == form.id, kin.MORE)
        .order_by(stands, SurveyAnswer.at.desc(), SurveyAnswer.id.desc())
    )
    people = groupby(session.execute(theirs), key=itemgetter(0))
    return Counter(value for _, answers in people for _, value in list(answers)[1:])


def in_words(session: Session, answer: SurveyAnswer) -> str:
    """An answer as it was read by whoever gave it."""
    form = forms.get(session, answer.form_id)
    texts = forms.wording(session, form, answer.wording).texts
    shown = texts.get(answer.language) or next(iter(texts.values()))
    if form.answers == "choice" and answer.value.isdecimal():
        chosen: str = shown["choices"][int(answer.value)]
        return "\n".join(filter(None, (chosen, answer.text)))
    if form.answers == "rating":
        return "\n".join(filter(None, (f"{answer.value} / {RATINGS[-1]}", answer.text)))
    return answer.text


def _check(session: Session, form: Form, value: str) -> None:
    allowed = {"rating": RATINGS, "choice": _places(session, form), "text": ("",)}[form.answers]
    if value not in allowed:
        raise BadField("choose one of the answers", pointer="/value")


def _places(session: Session, form: Form) -> tuple[str, ...]:
    """The choices by their place, the same in every language."""
    if form.answers != "choice":
        return ()
    texts = forms.wording(session, form).texts
    return tuple(str(place) for place in range(len(next(iter(texts.values()))["choices"])))


def _before(session: Session, form: Form, person: int | None) -> SurveyAnswer | None:
    if person is None:
        return None
    mine = SurveyAnswer.form_id == form.id, SurveyAnswer.stakeholder_id == person
    return session.scalar(select(SurveyAnswer).where(*mine).with_for_update())


def _on_record(session: Session, now: datetime, form: Form, answer: SurveyAnswer, person: int) -> int:
    """An entry on their record; a later answer corrects the earlier one."""
    texts = forms.wording(session, form, answer.wording).texts
    question = (texts.get(answer.language) or next(iter(texts.values())))["question"]
    entry = Interaction(
        stakeholder_id=person, programme_id=form.programme_id, kind="other", at=now, place=form.name,
        notes=f"{question}\n{in_words(session, answer)}", by=public_id("stk", person),
        corrects_id=answer.interaction_id, created_at=now,
    )  # fmt: skip
    session.add(entry)
    session.flush()
    return entry.id
