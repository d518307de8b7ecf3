"""Answers: what we write back to somebody who wrote to us. Not a campaign message.

Rules: only what a person wrote can be answered, through the account it came by and to the address it came from;
once, unless who answers says that they know of the first answer. A newsletter opt-out does not stop an answer; a
dead address and *no contact at all* do.
Source: L3, bad input M1, M2; gates.md "Purposes and answers".
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from ..delivery.tables import Account
from ..errors import AlreadyDone, CannotAnswer
from ..messages import content, lengths, messages
from ..messages.tables import ContentItem, Message
from ..stakeholders import addresses, consent, kin, people
from ..stakeholders.tables import Address
from ..strategies import programmes, strategies
from .tables import RawEvent, Response

ANSWERABLE = ("reply", "mention")
SUBJECT_MAX = 250
# What would be read as a slot. In an answer it is only what somebody typed.
MARKS = ("{{", "{%", "{#")

# What the words of an answer are called: this and whom it answers.
NAMED = "Answer to "

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_NOT_IN_SUBJECTS = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")
_RE = re.compile(r"(re|aw|sv|atb|رد)\s*:\s*", re.IGNORECASE)


def answer(
    session: Session, now: datetime, response: Response, *, text: str, subject: str = "", author: str,
    again: bool = False,
) -> Message:  # fmt: skip
    """Write back, in the language of the response or else of who wrote it. The words are sent as they are.

    CannotAnswer for what no person wrote, for somebody not matched yet, and where every contact is stopped;
    AlreadyDone where it has its answer, unless `again` says that this is to be one more.
    """
    account = session.get_one(Account, response.account_id)
    _check_answerable(session, response, account)
    address = None if account.broadcast else _address(session, now, response)
    _check_may(session, now, response, address)
    _mark(session, now, response, again=again)
    programme_id = response.programme_id or programmes.general(session, now).id
    item = content.create(
        session, now, programme_id, f"{NAMED}{response.from_name or response.from_key}"[:200]
    )
    words = _words(session, now, item, author, subject or _subject(response), text)
    content.save_variant(
        session, now, item, channel=response.channel, language=language(session, response, account),
        author=author, options=_thread(session, response, account, text), **words,
    )  # fmt: skip
    message = messages.create(
        session, now, author=author, programme_id=programme_id, content_id=item.id, purpose="service",
        strategy_version_id=_version_id(session, now, response, programme_id), lane="transactional",
        accounts=[(account.id, response.channel)], kind="answer", answers_id=response.id,
        recipients=[(address.stakeholder_id, address.id)] if address is not None else [],
    )  # fmt: skip
    response.answer_message_id = message.id
    session.flush()
    messages.submit(session, now, message)
    return message


def language(session: Session, response: Response, account: Account) -> str:
    """The language an answer goes in: that of the response, else of who wrote it, else of the account."""
    person = people.get(session, response.stakeholder_id) if response.stakeholder_id else None
    for wish in (response.meta.get("language"), *(person.languages if person else ()), account.language):
        if isinstance(wish, str) and _LANGUAGE.fullmatch(wish):
            return wish
    return "en"


def _check_answerable(session: Session, response: Response, account: Account) -> None:
    if response.kind not in ANSWERABLE:
        raise CannotAnswer("nobody wrote this: only a reply or a mention can be answered")
    if not response.from_key:
        raise CannotAnswer("this came without a sender: nobody can be answered")
    if response.stakeholder_id is None and not account.broadcast:
        raise CannotAnswer("say first who this is from")


def _address(session: Session, now: datetime, response: Response) -> Address:
    """Where it came from. A new address of somebody whom a person has recognised is theirs from now on."""
    assert response.stakeholder_id is not None
    who = kin.root(session, response.stakeholder_id)
    return addresses.add(session, now, who, response.channel, response.from_key, own=True)


def _check_may(session: Session, now: datetime, response: Response, address: Address | None) -> None:
    if response.stakeholder_id is None:
        return
    person = people.get(session, response.stakeholder_id)
    pair = (person.id, address.key if address is not None else response.from_key)
    decisions = consent.decide(
        session, now, purpose="service", channel=response.channel, pairs=[pair], answer=True
    )
    if decisions[pair].reason is not None:
        raise CannotAnswer(
            "this address does not work, or they want no contact at all", reason=decisions[pair].reason
        )


def _mark(session: Session, now: datetime, response: Response, *, again: bool) -> None:
    """Answered from now on: of two colleagues who answer at once, one is told."""
    if again and response.answered_at is not None:
        return
    done = session.execute(
        update(Response)
        .where(Response.id == response.id, Response.answered_at.is_(None))
        .values(answered_at=now)
        .execution_options(synchronize_session=False)
    )
    if not done.rowcount:  # type: ignore[attr-defined]
        raise AlreadyDone("this has been answered already")
    session.refresh(response)


def _words(
    session: Session, now: datetime, item: ContentItem, author: str, subject: str, text: str
) -> dict[str, Any]:
    """The words as a variant; what could be read as a slot is carried as data instead."""
    if not any(mark in subject + text for mark in MARKS):
        return {"subject": subject, "text": text}
    content.change(session, now, item, author=author, data={"subject": subject, "text": text})
    return {"subject": "{{ data.subject }}" if subject else "", "text": "{{ data.text }}"}


def _subject(response: Response) -> str:
    """Mail is answered under its own subject; posts have none."""
    if response.channel != "email":
        return ""
    plain = _RE.sub("", _NOT_IN_SUBJECTS.sub(" ", response.subject).strip(), count=1)
    return f"Re: {plain[:SUBJECT_MAX]}".strip()


def _thread(session: Session, response: Response, account: Account, text: str) -> dict[str, Any]:
    """What the connector needs to put the answer under what it answers: a Message-ID, or the post's own name; and how
    much of the length that takes."""
    named = str(response.meta.get("message_id") or "")
    if not named and response.channel != "email":
        named = session.get_one(RawEvent, response.raw_id).event_key
    begins = lengths.opening(account.limits, response.from_key, text)
    return {**({"in_reply_to": named} if named else {}), **({"begins": begins} if begins else {})}


def _version_id(session: Session, now: datetime, response: Response, programme_id: int) -> int:
    """The strategy version of the message that was answered to, else the everyday one."""
    asked = session.get(Message, response.message_id) if response.message_id else None
    return asked.strategy_version_id if asked else strategies.everyday(session, programme_id, now).id
