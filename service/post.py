"""Mail to the people who work here: links that let them in, and trials of a mail account.

Rules: it goes by a connected mail account that all programmes share and that is in service; where there is none,
nothing goes. It is no message of a programme: no ledger, no consent, no approval.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns.base import new_id
from campaigns.delivery import send
from campaigns.delivery.tables import Account
from campaigns.links import Links
from connectors.api import Connector, ConnectorError, Outbound

from . import letters, observe, words
from .tables import User
from .wiring import Wiring

THREAD = "post"

log = observe.log("dolen.post")


@dataclass(frozen=True, slots=True)
class Letter:
    """What somebody is told."""

    to: str
    subject: str
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class Box:
    """A mail account that letters go by."""

    connector: Connector
    sender: str
    sender_name: str
    links: Links


def letter(template: str, user: User, **values: Any) -> Letter:
    """A mail to somebody who works here in their language, from templates/mail."""
    language = words.choose((user.language,))
    drawn = letters.draw(template, language, name=user.name, **values)
    return Letter(str(user.email_key), drawn.subject, drawn.text, language)


def box(wiring: Wiring, session: Session) -> Box | None:
    """The way of letters to colleagues; None where no account is connected for them."""
    found = account(wiring, session)
    return None if found is None else box_of(wiring, session, found)


def account(wiring: Wiring, session: Session) -> Account | None:
    """The account that letters to colleagues go by; None where none is connected."""
    mail = (Account.channel == "email", Account.state == "active", Account.sender != "")
    ours = (Account.test.is_(False), Account.programme_id.is_(None), Account.connector != "simulator")
    chosen = wiring.settings.workspace.notices_account
    named = (Account.name == chosen,) if chosen else ()
    return session.scalar(select(Account).where(*mail, *ours, *named).order_by(Account.id).limit(1))


def box_of(wiring: Wiring, session: Session, account: Account) -> Box:
    """One mail account as a way for letters."""
    return Box(wiring.connector(session, account), account.sender, account.sender_name, wiring.links)


def post(by: Box, letter: Letter) -> None:
    """Hand a letter over and wait for the answer; ConnectorError in the provider's words."""
    number = new_id()
    send.hand_over(
        by.connector,
        Outbound(
            key=f"letter:{number}", message_id=by.links.letter_id(number), to=letter.to,
            subject=letter.subject, text=letter.text, language=letter.language, sender=by.sender,
            sender_name=by.sender_name, headers={"Auto-Submitted": "auto-generated"},
        ),
    )  # fmt: skip


def post_aside(by: Box, letter: Letter) -> None:
    """Hand a letter over without making anybody wait, so that nobody can tell by the time it takes."""
    threading.Thread(target=_aside, args=(by, letter), name=THREAD, daemon=True).start()


def _aside(by: Box, letter: Letter) -> None:
    try:
        post(by, letter)
    except ConnectorError as error:
        log.warning("a letter to a colleague did not go", words=error.words)
