"""`dolen doctor`: what is wrong here, before somebody else finds out. Exit status 1 where something is."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns.base import db_now
from campaigns.delivery import control, repair
from campaigns.delivery.tables import IN_TROUBLE, Account, Delivery, Stop
from campaigns.messages import displaced
from campaigns.messages.tables import Message
from connectors.api import ConnectorError
from connectors.registry import UnknownConnector

from ..ids import shown
from ..keys import BadKeyRing
from ..tables import Token, User
from ..upgrade import is_current
from ..wiring import Wiring
from . import wired

SKEW_MAX = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: ok, warn or fail."""

    state: str
    words: str


def arguments(parser: ArgumentParser) -> None:
    """How deep to look."""
    parser.add_argument(
        "--verify", action="store_true", help="prove the login of every account at its provider"
    )


def run(args: Namespace) -> int:
    """Look, and tell what was found."""
    wiring = wired(upgraded=False)  # settings, key ring and durability: it stops here where they are wrong
    wiring.database.check_whole()
    findings = [Finding("ok", f"settings, key ring in {wiring.settings.folder}, durable and whole database")]
    if is_current(wiring):
        with wiring.database.read() as session:
            findings += [found for check in CHECKS for found in check(wiring, session)]
            if args.verify:
                findings += list(_logins(wiring, session))
    else:
        findings.append(Finding("fail", "the tables are not those of this release: run `dolen db upgrade`"))
    wiring.close()
    for found in findings:
        print(f"{found.state:<5}{found.words}")
    return 1 if any(found.state == "fail" for found in findings) else 0


def _clock(wiring: Wiring, session: Session) -> Iterator[Finding]:
    skew = abs(db_now(session) - wiring.now())
    state = "ok" if skew < SKEW_MAX else "fail"
    yield Finding(state, f"clocks of machine and database differ by {skew.total_seconds():.1f} s")


def _people(wiring: Wiring, session: Session) -> Iterator[Finding]:
    if session.scalar(select(User.id).limit(1)) is None:
        yield Finding("warn", "nobody works here yet: `dolen token` makes the first administrator's token")
    soon = wiring.now() + timedelta(days=14)
    ending = select(func.count()).where(
        Token.revoked_at.is_(None), Token.expires_at.between(wiring.now(), soon)
    )
    if count := session.scalar(ending):
        yield Finding("warn", f"{count} tokens expire within 14 days")


def _addresses(wiring: Wiring, session: Session) -> Iterator[Finding]:
    real = session.scalar(
        select(Account.id).where(Account.test.is_(False), Account.channel == "email").limit(1)
    )
    if real is not None and wiring.settings.mail.domain == "localhost":
        yield Finding(
            "warn", "mail.domain is localhost: replies and Message-IDs will not be understood outside"
        )
    if real is not None and wiring.settings.http.base_url.startswith("http://"):
        yield Finding("warn", "http.base_url is not https: one-click unsubscribe needs it")


def _accounts(wiring: Wiring, session: Session) -> Iterator[Finding]:
    for account in session.scalars(select(Account).where(Account.state != "disabled").order_by(Account.id)):
        if account.state == "out_of_service":
            yield Finding("fail", f"account {account.name} is out of service: {account.state_reason}")
            continue
        if account.trouble_since_at is not None:
            yield Finding("warn", f"account {account.name} fails again and again: {account.trouble}")
        try:
            wiring.connector(session, account)
        except (BadKeyRing, UnknownConnector, ConnectorError, ValueError) as error:
            yield Finding("fail", f"account {account.name} cannot be connected: {error}")
        else:
            yield Finding("ok", f"account {account.name}: settings are complete")


def _work(wiring: Wiring, session: Session) -> Iterator[Finding]:
    late = select(func.count()).where(repair.forgotten(wiring.now()))
    if session.scalar(late):
        yield Finding(
            "warn", "work has been waiting for minutes: does a worker run? `dolen work list` shows it"
        )
    unknown = session.scalar(
        select(func.count(Delivery.id))
        .join(Message, Message.id == Delivery.message_id)
        .where(control.undecided(), IN_TROUBLE)
    )
    if unknown:
        yield Finding("warn", f"{unknown} deliveries are not sure to have gone: please decide")
    for stop in session.scalars(select(Stop).where(Stop.lifted_at.is_(None))):
        yield Finding("warn", f"sending is stopped ({stop.scope}): {stop.reason}")


def _times(wiring: Wiring, session: Session) -> Iterator[Finding]:
    for one in displaced.coming(session, wiring.now()):
        yield Finding(
            "warn",
            f"message {shown('message', one.message.id)} was planned for {one.occurrence.wall} in "
            f"{one.occurrence.zone}, whose clocks were given other rules: it goes at "
            f"{one.occurrence.due_at.isoformat()}, and that time of day is now {one.means_at.isoformat()}",
        )


def _logins(wiring: Wiring, session: Session) -> Iterator[Finding]:
    for account in session.scalars(select(Account).where(Account.state != "disabled").order_by(Account.id)):
        try:
            wiring.connector(session, account).verify()
        except (ConnectorError, BadKeyRing, UnknownConnector, ValueError) as error:
            yield Finding("fail", f"account {account.name}: login refused: {error}")
        else:
            yield Finding("ok", f"account {account.name}: login proven")


CHECKS: tuple[Callable[[Wiring, Session], Iterator[Finding]], ...] = (
    _clock,
    _people,
    _addresses,
    _accounts,
    _work,
    _times,
)
