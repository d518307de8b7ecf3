"""What may be done with forms: write, change, close, and see what came of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select

from campaigns.delivery.tables import Account
from campaigns.errors import BadField
from campaigns.responses import confirming, surveys
from campaigns.responses.tables import SurveyAnswer
from campaigns.stakeholders import forms, topics
from campaigns.stakeholders.tables import Form, FormWording
from campaigns.strategies import programmes

from .. import paging
from ..access import scoped
from . import Act
from .stakeholders import home

READ, WRITE = "stakeholders:read", "stakeholders:write"


@dataclass(frozen=True, slots=True)
class Shown:
    """A form with what it says and what came of it."""

    form: Form
    wording: FormWording
    asked: int
    confirmed: int
    results: surveys.Results | None
    account: Account | None  # by which mail goes; None: by none, so nobody can sign up


def listed(act: Act, *, limit: int, after: str | None, before: str | None) -> paging.Page:
    """The forms of the caller's programmes, newest first."""
    statement = scoped(select(Form), Form.programme_id, act.caller, READ)
    return paging.cut(
        act.session, statement, Form.id, limit=limit, after=after, before=before, newest_first=True
    )


def get(act: Act, form_id: int, *, lock: bool = False) -> Form:
    """One form; NotFound where the caller has no grant on its programme."""
    found = act.one(Form, form_id, lock=lock)
    act.need(READ, found.programme_id)
    return found


def shown(act: Act, form: Form) -> Shown:
    """A form as it is told to people."""
    asked, confirmed = forms.counts(act.session, form) if form.kind == "signup" else (0, 0)
    return Shown(
        form, forms.wording(act.session, form), asked, confirmed,
        surveys.results(act.session, form) if form.kind == "survey" else None,
        confirming.account(act.session, form) if form.kind == "signup" else None,
    )  # fmt: skip


def create(act: Act, *, programme_id: int | None = None, **values: Any) -> Form:
    """A form, open at once."""
    programme_id = home(act, WRITE, programme_id)
    _check(act, programme_id, values)
    made = forms.create(act.session, act.now, programme_id=programme_id, author=act.caller.actor, **values)
    act.note("form.created", "form", made.id, programme_id=programme_id, after=_facts(made))
    return made


def change(act: Act, form_id: int, version: int | None, **values: Any) -> Form:
    """Change it, close it or open it again; other words are its next wording."""
    found = get(act, form_id, lock=True)
    act.need(WRITE, found.programme_id)
    act.unchanged(found, version)
    before = _facts(found)
    _check(act, found.programme_id, values)
    forms.change(act.session, act.now, found, author=act.caller.actor, **values)
    act.note(
        "form.changed", "form", found.id, programme_id=found.programme_id, before=before, after=_facts(found)
    )
    return found


def answers(act: Act, form_id: int, *, limit: int, after: str | None, before: str | None) -> paging.Page:
    """What was written in answer to a survey, newest first."""
    form = get(act, form_id)
    act.need("responses:read", form.programme_id)
    statement = select(SurveyAnswer).where(SurveyAnswer.form_id == form.id, SurveyAnswer.text != "")
    return paging.cut(
        act.session, statement, SurveyAnswer.id, limit=limit, after=after, before=before, newest_first=True
    )


def mail_accounts(act: Act, programme_id: int) -> list[Account]:
    """The mail accounts that a form of this programme may ask to confirm by."""
    act.need(READ, programme_id)
    homes = or_(
        Account.programme_id.is_(None),
        Account.programme_id.in_(programmes.lineage(act.session, programme_id)),
    )
    mail = select(Account).where(Account.channel == forms.CHANNEL, Account.state != "disabled", homes)
    return list(act.session.scalars(mail.order_by(Account.name)))


def _check(act: Act, programme_id: int, values: dict[str, Any]) -> None:
    """Topics and accounts of other programmes do not exist for this one."""
    if "topics" in values:
        lineage = programmes.lineage(act.session, programme_id)
        offered = {one.id for one in topics.offered(act.session, lineage)}
        if not set(values["topics"]) <= offered:
            raise BadField("there is no such topic in this programme", pointer="/topics")
    if values.get("account_id") is not None:
        known = {one.id for one in mail_accounts(act, programme_id)}
        if values["account_id"] not in known:
            raise BadField("there is no such mail account in this programme", pointer="/account_id")


def _facts(form: Form) -> dict[str, Any]:
    return {"slug": form.slug, "state": form.state, "wording": form.wording, "sites": list(form.sites)}
