"""The demo's post office, a process of its own: real SMTP in, an append-only log, real bounces to an IMAP inbox.

`python -m service.demo.postoffice --port N --log FILE --imap PORT --user NAME --password WORD`. Mail to an address
that begins with `bounce` is accepted and comes back as an RFC 3464 report to its envelope sender.
"""

from __future__ import annotations

import argparse
import imaplib
import signal
import time
from email.header import decode_header, make_header
from email.message import EmailMessage, Message
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.parser import BytesParser
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

from connectors.simulator.log import Log


class Office:
    """What happens to a letter: it is logged before it is answered, slowly, and some come back."""

    def __init__(self, log: Log, inbox: Inbox, slow_s: float) -> None:
        self._log, self._inbox, self._slow_s = log, inbox, slow_s

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        """Take one letter."""
        letter = BytesParser().parsebytes(envelope.content)
        entry = {"to": envelope.rcpt_tos[0], "from": envelope.mail_from, "message_id": letter["Message-ID"]}
        way_out = str(letter["List-Unsubscribe"] or "").partition(",")[0].strip("<>")
        told = {"subject": str(make_header(decode_header(letter["Subject"] or ""))), "way_out": way_out}
        self._log.append(
            {**entry, **told, "reply_to": str(letter["Reply-To"] or ""), "at": time.time_ns() // 1000}
        )
        if envelope.rcpt_tos[0].startswith("bounce") and envelope.mail_from:
            self._inbox.append(report(letter, envelope.mail_from, envelope.rcpt_tos[0]).as_bytes())
        time.sleep(self._slow_s)  # a busy relay: the moment between acceptance and answer is where kills hurt
        return "250 taken"


class Inbox:
    """An IMAP mailbox that letters are put into."""

    def __init__(self, port: int, user: str, password: str) -> None:
        self._port, self._user, self._password = port, user, password

    def append(self, letter: bytes) -> None:
        """Put one letter in."""
        with imaplib.IMAP4("127.0.0.1", self._port) as door:
            door.login(self._user, self._password)
            door.append("INBOX", "", None, letter)


def report(letter: Message, to: str, about: str) -> Message:
    """A delivery status notification (RFC 3464): the mailbox does not exist."""
    made: Message = MIMEMultipart("report")
    made.set_param("report-type", "delivery-status")
    made["From"], made["To"] = "MAILER-DAEMON@people.example", to
    made["Subject"], made["Date"] = "Undelivered Mail Returned to Sender", formatdate()
    made["Message-ID"], made["Auto-Submitted"] = make_msgid(domain="people.example"), "auto-replied"
    made.attach(MIMEText(f"Your message to {about} could not be delivered: there is no such mailbox.\n"))
    made.attach(_status(about))
    made.attach(_original(letter))
    return made


def _status(about: str) -> MIMEMessage:
    whole, one = Message(), Message()
    whole["Reporting-MTA"] = "dns; relay.people.example"
    one["Final-Recipient"], one["Action"], one["Status"] = f"rfc822; {about}", "failed", "5.1.1"
    one["Diagnostic-Code"] = "smtp; 550 5.1.1 no such mailbox"
    part = MIMEMessage(whole)
    part.set_type("message/delivery-status")
    part.set_payload([whole, one])
    return part


def _original(letter: Message) -> MIMEText:
    kept = EmailMessage()
    for name in ("From", "To", "Subject", "Message-ID", "Date"):
        if letter[name]:
            kept[name] = str(letter[name]).replace("\r", "").replace("\n", "")
    return MIMEText(kept.as_string(), "rfc822-headers")


def main() -> None:
    """Serve until told to end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--imap", type=int, required=True)
    parser.add_argument("--user", required=True)
    parser.add_argument("--password", required=True)
    parser.add_argument("--slow-s", type=float, default=0.02)
    args = parser.parse_args()
    office = Office(Log(args.log), Inbox(args.imap, args.user, args.password), args.slow_s)
    controller = Controller(office, hostname="127.0.0.1", port=args.port, data_size_limit=10_000_000)
    controller.start()
    print(args.port, flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    controller.stop()


if __name__ == "__main__":
    main()
