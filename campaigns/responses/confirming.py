"""The mail that asks somebody to confirm that they signed up: our answer to what they typed into a form.

Rules: it carries nothing that was typed, so a form cannot be used to write to others; it goes the way of every message,
and as an answer: only a dead address, *no contact at all* and a stop hold it back. Source: L7.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from ..base import public_id
from ..delivery import release
from ..delivery.tables import Account, Delivery
from ..errors import Conflict
from ..messages import content, messages
from ..messages.tables import Message
from ..stakeholders import forms
from ..stakeholders.tables import Address, Form, Signup
from ..strategies import programmes, strategies


def account(session: Session, form: Form) -> Account | None:
    """The mail account that asks: the form's own, else the only one there is."""
    lineage = programmes.lineage(session, form.programme_id)
    ours = select(Account).where(
        Account.channel == forms.CHANNEL, Account.state != "disabled",
        or_(Account.programme_id.is_(None), Account.programme_id.in_(lineage)),
    )  # fmt: skip
    if form.account_id is not None:
        return session.scalar(ours.where(Account.id == form.account_id))
    found = list(session.scalars(ours.where(Account.test.is_(False)).limit(2)))
    return found[0] if len(found) == 1 else None


def mail(session: Session, now: datetime, signup: Signup, *, subject: str, text: str) -> Message:
    """Put the mail on its way, in the language of the form. Conflict where no account can take it."""
    form = forms.get(session, signup.form_id)
    through = account(session, form)
    if through is None:
        raise Conflict("no mail account is chosen for this form: nobody could be asked to confirm")
    author = public_id("frm", form.id)
    item = content.create(
        session, now, form.programme_id, form.name, {"subject": subject, "text": text}, author
    )
    content.save_variant(
        session, now, item, channel=forms.CHANNEL, language=signup.language, author=author,
        subject="{{ data.subject }}", text="{{ data.text }}",
    )  # fmt: skip
    message = messages.create(
        session, now, author=author, programme_id=form.programme_id, content_id=item.id, purpose="service",
        strategy_version_id=strategies.everyday(session, form.programme_id, now).id, lane="transactional",
        accounts=[(through.id, forms.CHANNEL)], kind="answer", name=form.name, test=through.test,
        recipients=[(signup.stakeholder_id, _address(session, signup))],
        useful_until_s=int(forms.CONFIRM_WITHIN.total_seconds()),
    )  # fmt: skip
    messages.submit(session, now, message)
    release.at_once(session, message, now)
    return message


def forget(session: Session, now: datetime) -> int:
    """Forget who never confirmed, also in the ledger; how many."""
    gone = forms.forget(session, now)
    if gone:
        session.execute(
            update(Delivery).where(Delivery.stakeholder_id.in_(gone)).values(address_key="", address_id=None)
        )
    return len(gone)


def _address(session: Session, signup: Signup) -> int:
    mine = select(Address.id).where(
        Address.stakeholder_id == signup.stakeholder_id, Address.channel == forms.CHANNEL,
        Address.key == signup.address_key,
    )  # fmt: skip
    return session.scalars(mine).one()
