"""Reports of mail servers about mail of ours that they could not, or not yet, or did deliver.

Rules: a server is a function from what happened to a mail; some write reports for machines, some only words.
Source: RFC 3464, RFC 3461, RFC 6533; the shapes of Postfix 3.7 (bounce(8)), Exim 4.96 (spec, chapter 49), sendmail
8.17, netqmail 1.06 (QSBMF), Exchange 2019 and Exchange Online, Gmail, iCloud, Domino 12, Proton, Yahoo, GMX and cPanel,
as of November 2026. The sentences are ours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .shape import DATE, DOMAIN, Expected, Ours, Sample, lines, mail, part, parts, word

EXCHANGE = "MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e"


@dataclass(frozen=True, slots=True)
class Case:
    """What happened: the status, what the far server said, and what a report of it means."""

    name: str
    status: str
    reply: str
    hard: bool = False
    action: str = "failed"

    def kind(self) -> str:
        """The kind of the event."""
        return "bounce" if self.action == "failed" else "auto_reply"


CASES = (
    Case(
        "no such user", "5.1.1", "550 5.1.1 Recipient address rejected: nobody of that name here", hard=True
    ),
    Case("no such domain", "5.1.2", "550 5.1.2 The host of this address is not known", hard=True),
    Case("has moved", "5.1.6", "551 5.1.6 The recipient has moved and left no address", hard=True),
    Case("takes no mail", "5.1.10", "556 5.1.10 The domain takes no mail (nullMX)", hard=True),
    Case("full", "5.2.2", "552 5.2.2 The mailbox is full"),
    Case("switched off", "5.2.1", "550 5.2.1 The mailbox has been switched off for now"),
    Case("policy", "5.7.1", "554 5.7.1 Not taken: see our policy for senders"),
    Case("too large", "5.3.4", "552 5.3.4 The message is larger than we take"),
    Case("given up", "4.4.7", "421 4.4.2 The far side hung up on us", action="failed"),
    Case("late", "4.4.1", "451 4.4.1 Nobody answers there", action="delayed"),
)

Server = Callable[[Case, Ours], bytes]


def postfix(case: Case, ours: Ours, host: str = "mx.example.net") -> bytes:
    """Postfix: a late mail comes back as its headers only."""
    late = case.action == "delayed"
    told = lines(
        f"Reporting-MTA: dns; {host}",
        "X-Postfix-Queue-ID: 4TQx1k2Lz3z9sT",
        f"X-Postfix-Sender: rfc822; {ours.return_path}",
        f"Arrival-Date: {DATE}",
    )
    about = lines(
        f"Final-Recipient: rfc822; {ours.to}",
        f"Original-Recipient: rfc822;{ours.to}",
        f"Action: {case.action}",
        f"Status: {case.status}",
        "Remote-MTA: dns; mail.example.org",
        f"Diagnostic-Code: smtp; {case.reply}",
    )
    kind = "text/rfc822-headers" if late else "message/rfc822"
    body = parts(
        "4TQx1k2Lz3z9sT.1/mx",
        part("text/plain", f"<{ours.to}>: {case.reply}\n", "Content-Description: Notification"),
        part("message/delivery-status", f"{told}\n\n{about}\n", "Content-Description: Delivery report"),
        part(kind, ours.headers() if late else ours.whole(), "Content-Description: Undelivered Message"),
    )
    subject = "Delayed Mail (still being retried)" if late else "Undelivered Mail Returned to Sender"
    headers = (
        "Return-Path: <>",
        f"From: MAILER-DAEMON@{host} (Mail Delivery System)",
        f"Subject: {subject}",
        f"To: {ours.return_path}",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=delivery-status;\n\tboundary="4TQx1k2Lz3z9sT.1/mx"',
        f"Message-Id: <{ours.number}.4TQx1k@{host}>",
        f"Date: {DATE}",
    )
    return mail(headers, body)


def proton(case: Case, ours: Ours) -> bytes:
    """Proton: Postfix under another name."""
    return postfix(case, ours, "mailout.protonmail.example")


def exim(case: Case, ours: Ours) -> bytes:
    """Exim: the status says nothing, only the far server's words do."""
    late = case.action == "delayed"
    status = f"{case.status[0] if late else 5}.0.0"
    told = lines(
        f"Action: {case.action}",
        f"Final-Recipient: rfc822;{ours.to}",
        f"Status: {status}",
        "Remote-MTA: dns; mail.example.org",
        f"Diagnostic-Code: smtp; {case.reply}",
    )
    body = parts(
        "1730540000-eximdsn-1804289383",
        part("text/plain; charset=us-ascii", f"  {ours.to}\n    host mail.example.org: {case.reply}\n"),
        part("message/delivery-status", f"Reporting-MTA: dns; host.example.net\n\n{told}\n"),
        part("message/rfc822", ours.whole()),
    )
    warning, failure = (
        "Warning: message 1t7Abc-0001Xy-2B delayed 24 hours",
        "Mail delivery failed: returning message",
    )
    headers = (
        "Return-path: <>",
        "" if late else f"X-Failed-Recipients: {ours.to}",
        "Auto-Submitted: auto-replied",
        "From: Mail Delivery System <Mailer-Daemon@host.example.net>",
        f"To: {ours.return_path}",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=1730540000-eximdsn-1804289383",
        "MIME-Version: 1.0",
        f"Subject: {warning if late else failure}",
        f"Message-Id: <E1t7Abc-0001Xy-{ours.number}@host.example.net>",
        f"Date: {DATE}",
    )
    return mail(headers, body)


def sendmail(case: Case, ours: Ours) -> bytes:
    """Sendmail: types in capitals, and a delay that is called a warning."""
    late = case.action == "delayed"
    told = lines(
        "Reporting-MTA: dns; gate.example.net",
        "Received-From-MTA: DNS; dolen.cyngor.example",
        f"Arrival-Date: {DATE}",
    )
    about = lines(
        f"Final-Recipient: RFC822; {ours.to}",
        f"X-Actual-Recipient: RFC822; {ours.to}",
        f"Action: {case.action}",
        f"Status: {case.status}",
        "Remote-MTA: DNS; mail.example.org",
        f"Diagnostic-Code: SMTP; {case.reply}",
        f"Last-Attempt-Date: {DATE}",
        "Will-Retry-Until: Sat, 7 Nov 2026 09:30:00 GMT" if late else "",
    )
    body = parts(
        "1A2B3C.1730540000/gate.example.net",
        part("text/plain", f"   ----- Where it stopped -----\n<{ours.to}>\n    (reason: {case.reply})\n"),
        part("message/delivery-status", f"{told}\n\n{about}\n"),
        part("text/rfc822-headers" if late else "message/rfc822", ours.headers() if late else ours.whole()),
    )
    kind = "warning-timeout" if late else "failure"
    headers = (
        "Return-Path: <>",
        "From: Mail Delivery Subsystem <MAILER-DAEMON@gate.example.net>",
        f"Message-Id: <2026110209{ours.number}.1A2B3C@gate.example.net>",
        f"To: <{ours.return_path}>",
        "MIME-Version: 1.0",
        "Content-Type: multipart/report; report-type=delivery-status;\n"
        '\tboundary="1A2B3C.1730540000/gate.example.net"',
        "Subject: " + ("Warning: could not send message for past 4 hours" if late
                       else "Returned mail: see transcript for details"),
        f"Auto-Submitted: auto-generated ({kind})",
        f"Date: {DATE}",
    )  # fmt: skip
    return mail(headers, body)


TITLES = (
    "Undeliverable", "Anghyflenwadwy", "تعذر التسليم", "Unzustellbar", "Non remis", "No se puede entregar",
    "Não entregue", "Non recapitabile", "Onbestelbaar", "Niedostarczalne",
)  # fmt: skip


def exchange(case: Case, ours: Ours, host: str = "EX01.example.org", status: str = "") -> bytes:
    """Exchange: a title in the language of its users, HTML for people, names of fields in small letters."""
    told = lines(
        f"Final-recipient: rfc822;{ours.to}",
        f"Action: {case.action}",
        f"Status: {status or case.status}",
        f"Diagnostic-Code: smtp;{case.reply}",
        "Remote-MTA: dns;mail.example.org",
        "X-Display-Name: Siôn",
    )
    html = f"<html><body><p>{ours.to}</p><p>{case.reply}</p></body></html>"
    alternatives = parts(
        "_000_alt_", part("text/plain", case.reply), part('text/html; charset="utf-8"', html)
    )
    body = parts(
        "_001_report_",
        part('multipart/alternative; boundary="_000_alt_"', alternatives),
        part("message/delivery-status", f"Reporting-MTA: dns;{host}\n\n{told}\n"),
        part("message/rfc822", ours.whole()),
    )
    title = TITLES[CASES.index(case) % len(TITLES)] if case in CASES else TITLES[0]
    headers = (
        "Return-Path: <>",
        f"From: Microsoft Outlook <{EXCHANGE}@example.org>",
        f"To: <{ours.return_path}>",
        f"Date: {DATE}",
        'Content-Type: multipart/report; report-type=delivery-status;\n\tboundary="_001_report_"',
        "X-MS-Exchange-Message-Is-Ndr:",
        "Content-Language: en-GB",
        f"Message-ID: <{ours.number}-ndr@{host}>",
        f"Subject: {word(f'{title}: Cyfarfod y pentref')}",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
    )
    return mail(headers, body)


def office365(case: Case, ours: Ours) -> bytes:
    """Exchange Online: numbers of its own for somebody whom it does not know."""
    status = "5.1.10" if case.status == "5.1.1" else ""
    return exchange(case, ours, "LO2P265MB0001.GBRP265.PROD.OUTLOOK.COM", status)


def gmail(case: Case, ours: Ours) -> bytes:
    """Gmail: several lines of reply, and words with a picture in front."""
    late = case.action == "delayed"
    code, _, words = case.reply.partition(" ")
    told = f"Reporting-MTA: dns; googlemail.com\nX-Original-Message-ID: {ours.message_id}"
    about = lines(
        f"Final-Recipient: rfc822; {ours.to}",
        f"Action: {case.action}",
        f"Status: {case.status}",
        "Remote-MTA: dns; mail.example.org. (192.0.2.25, the server for the domain example.org.)",
        f"Diagnostic-Code: smtp; {code}-{words}\n {code} {case.status} gsmtp",
        f"Last-Attempt-Date: {DATE}",
    )
    shown = parts(
        "related",
        part("multipart/alternative; boundary=alt", parts("alt", part("text/plain; charset=UTF-8", words))),
        part("image/png", "iVBORw0KGgo=", "Content-ID: <icon.png>", "Content-Transfer-Encoding: base64"),
    )
    body = parts(
        "0000000000001a2b3c",
        part("multipart/related; boundary=related", shown),
        part("message/delivery-status", f"{told}\n\n{about}\n"),
        part("message/rfc822", ours.whole()),
    )
    headers = (
        "Return-Path: <>",
        f"To: {ours.return_path}",
        "Auto-Submitted: auto-replied",
        "From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
        f"X-Failed-Recipients: {ours.to}",
        f"Subject: Delivery Status Notification ({'Delay' if late else 'Failure'})",
        f"In-Reply-To: {ours.message_id}",
        f"References: {ours.message_id}",
        f"Message-ID: <{ours.number}.1a2b3c@mx.google.com>",
        f"Date: {DATE}",
        'Content-Type: multipart/report; boundary="0000000000001a2b3c"; report-type=delivery-status',
    )
    return mail(headers, body)


def icloud(case: Case, ours: Ours) -> bytes:
    """iCloud: a remark behind the status, and no return address of ours but in what it returns."""
    told = lines(
        "Original-envelope-id: 0SMB00K00",
        "Reporting-MTA: dns;ms1.icloud.example (tcp_intranet-daemon)",
        f"Arrival-date: {DATE}",
    )
    about = lines(
        f"Original-recipient: rfc822;{ours.to}",
        f"Final-recipient: rfc822;{ours.to}",
        f"Action: {case.action}",
        f"Status: {case.status} (said by the remote server)",
        "Remote-MTA: dns;mail.example.org (TCP|192.0.2.1|192.0.2.25)",
        f"Diagnostic-code: smtp;{case.reply}",
    )
    body = parts(
        "Boundary_(ID_a1)",
        part("text/plain; charset=utf-8; language=EN-US", f"Recipient: {ours.to}\nReason: {case.reply}\n"),
        part("message/delivery-status", f"{told}\n\n{about}\n"),
        part("message/rfc822", ours.whole()),
    )
    headers = (
        "Return-path: <>",
        f"To: helo@{DOMAIN}",
        "From: Internet Mail Delivery <postmaster@icloud.example>",
        f"Date: {DATE}",
        "Subject: Delivery Notification: Delivery has failed",
        f"Message-id: <0SMB00{ours.number}@ms1.icloud.example>",
        'MIME-version: 1.0\nContent-type: multipart/report; boundary="Boundary_(ID_a1)";\n'
        " report-type=delivery-status",
    )
    return mail(headers, body)


def domino(case: Case, ours: Ours) -> bytes:
    """Domino: reasons in words of its own; only the headers come back."""
    told = lines(
        f"Final-Recipient: rfc822;{ours.to}",
        f"Action: {case.action}",
        f"Status: {case.status}",
        f"Diagnostic-Code: X-Notes; {case.reply.partition(' ')[2]}",
    )
    body = parts(
        "==IFJRGLKFGIR1",
        part("text/plain; charset=US-ASCII", f"Your document was not delivered to {ours.to}: {case.reply}"),
        part("message/delivery-status", f"Reporting-MTA: dns;notes.example.org\n\n{told}\n"),
        part("text/rfc822-headers", ours.headers()),
    )
    headers = (
        "Return-Path: <>",
        "From: Postmaster@example.org",
        f"To: {ours.return_path}",
        f"Subject: DELIVERY {'FAILURE' if case.action == 'failed' else 'DELAY'}: {case.reply[:60]}",
        f"Message-ID: <OF{ours.number}.8025@example.org>",
        f"Date: {DATE}",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="==IFJRGLKFGIR1"',
    )
    return mail(headers, body)


def qmail(case: Case, ours: Ours) -> bytes:
    """qmail: words only, with the mail below a line."""
    body = lines(
        "Hi. This is the qmail-send program at mx.example.net.",
        "What you sent could not be handed on; here is why.",
    )
    body += f"\n\n<{ours.to}>:\n192.0.2.25 does not take it.\nIt said: {case.reply}\n(#{case.status})\n\n"
    body += f"--- Below this line is a copy of the message.\n\n{ours.whole()}"
    return mail(
        (
            "Return-Path: <>",
            f"Date: {DATE}",
            "From: MAILER-DAEMON@mx.example.net",
            f"To: {ours.return_path}",
            "Subject: failure notice",
        ),
        body,
    )


def cpanel(case: Case, ours: Ours) -> bytes:
    """Exim as older hosting panels set it up: words only, with the mail below a line."""
    body = f"Mail software wrote this.\n\n  {ours.to}\n    host mail.example.org [192.0.2.25]\n    {case.reply}\n\n"
    body += f"------ This is a copy of the message, including all the headers. ------\n\n{ours.whole()}"
    return mail(
        (
            "Return-path: <>",
            f"X-Failed-Recipients: {ours.to}",
            "Auto-Submitted: auto-replied",
            "From: Mail Delivery System <Mailer-Daemon@server.hosting.example>",
            f"To: {ours.return_path}",
            "Subject: Mail delivery failed: returning message to sender",
            f"Message-Id: <E1t7-{ours.number}@server.hosting.example>",
            f"Date: {DATE}",
        ),
        body,
    )


def gmx(case: Case, ours: Ours) -> bytes:
    """GMX: words only, the address with a colon; no return address of ours but in what it returns."""
    body = f"Diese Nachricht wurde automatisch erstellt.\n\n{ours.to}:\nSMTP error, host: mail.example.org\n"
    body += f"reason: {case.reply}\n\n--- The header of the original message is following. ---\n\n{ours.headers()}\n"
    return mail(
        (
            "Return-Path: <>",
            f"Date: {DATE}",
            "From: GMX Mailer Daemon <mailer-daemon@gmx.example>",
            f"To: helo@{DOMAIN}",
            "Subject: Mail delivery failed: returning message to sender",
            f"Message-ID: <0Mf{ours.number}@mx-ha.gmx.example>",
        ),
        body,
    )


def yahoo(case: Case, ours: Ours) -> bytes:
    """Yahoo: words only, and the mail as a part of its own that is no message."""
    words = f"This mail did not reach the following address.\n\n<{ours.to}>:\n{case.reply}\n"
    body = parts(
        "ya-1",
        part("text/plain; charset=utf-8", words),
        part('text/plain; name="original.eml"', f"--- Original message follows.\n\n{ours.whole()}"),
    )
    return mail(
        (
            "Return-Path: <>",
            "From: MAILER-DAEMON@yahoo.example",
            f"To: {ours.return_path}",
            f"Date: {DATE}",
            "Subject: Failure Notice",
            'Content-Type: multipart/mixed; boundary="ya-1"',
        ),
        body,
    )


REPORTING: tuple[Server, ...] = (
    postfix, proton, exim, sendmail, exchange, office365, gmail, icloud, domino,
)  # fmt: skip
IN_WORDS: tuple[Server, ...] = (qmail, cpanel, gmx, yahoo)


def samples() -> list[Sample]:
    """Every server with every case, then what only some do."""
    made: list[Sample] = []
    for server in (*REPORTING, *IN_WORDS):
        only_words = server in IN_WORDS
        for case in CASES:
            if only_words and case.action != "failed":
                continue
            ours = Ours(len(made), f"pobol{len(made)}@example.org")
            expected = Expected(case.kind(), ours.to, case.hard and not only_words, only_words, ours.token)
            made.append(Sample(f"{server.__name__}: {case.name}", "dsn", server(case, ours), (expected,)))
    return [*made, *_special()]


def _special() -> list[Sample]:
    """What is about more than one recipient, in other letters, of another outcome, or told with less."""
    return [
        _several(),
        *(_said(name, about, who, hard) for name, about, who, hard in OTHERWISE),
        *(_good(action) for action in ("delivered", "relayed", "expanded")),
        _without_the_original(),
        _old_words("smtp; 550 User unknown", True),
        _old_words("smtp; 550 No such recipient here", True),
        _old_words("smtp; 550 Unwelcome", False),
        _bare_lines(),
        _coded_report(),
        _forwarded(),
    ]


# How an address, a status or a reason can be written otherwise.
OTHERWISE = (
    ("letters outside ASCII", "Final-Recipient: utf-8; siôn@example.org\nAction: failed\nStatus: 5.1.1",
     "siôn@example.org", True),
    ("letters written as numbers", "Final-Recipient: utf-8; si\\x{F4}n@example.org\nAction: failed\nStatus: 5.1.1",
     "siôn@example.org", True),
    ("a plus as xtext", "Original-Recipient: rfc822;a+2Bb@example.org\nFinal-Recipient: rfc822;c@example.net\n"
     "Action: failed\nStatus: 5.1.1", "a+b@example.org", True),
    ("no recipient", "Action: failed\nStatus: 5.1.1", "", True),
    ("no action", "Final-Recipient: rfc822; a@example.org\nStatus: 5.1.1", "a@example.org", True),
    ("about the sender", "Final-Recipient: rfc822; a@example.org\nAction: failed\nStatus: 5.1.8",
     "a@example.org", False),
    ("no status but a reason", "Final-Recipient: rfc822; a@example.org\nAction: failed\n"
     "Diagnostic-Code: smtp; 550 5.1.1 gone", "a@example.org", True),
)  # fmt: skip


def _report(number: int, groups: str, about: str = "", original: str | None = None) -> tuple[Ours, bytes]:
    ours = Ours(number, about or "a@example.org")
    kept = ours.whole() if original is None else original
    body = parts(
        "r",
        part("text/plain; charset=utf-8", "Ni chyrhaeddodd eich neges."),
        part("message/delivery-status", f"Reporting-MTA: dns; mx.example.net\n\n{groups}\n"),
        *([part("message/rfc822", kept)] if kept else []),
    )
    headers = (
        "Return-Path: <>",
        "From: MAILER-DAEMON@mx.example.net",
        f"To: {ours.return_path}",
        f"Subject: {word('Methu danfon: Cyfarfod y pentref')}",
        f"Date: {DATE}",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=r",
    )
    return ours, mail(headers, body)


def _said(name: str, groups: str, about: str, hard: bool) -> Sample:
    ours, raw = _report(700 + len(name), groups)
    return Sample(f"report: {name}", "dsn", raw, (Expected("bounce", about, hard, token=ours.token),))


def _several() -> Sample:
    cases = (CASES[0], CASES[4], CASES[9])
    told = "\n\n".join(
        f"Final-Recipient: rfc822; r{n}@example.org\nAction: {one.action}\nStatus: {one.status}"
        for n, one in enumerate(cases)
    )
    ours, raw = _report(601, told)
    expected = tuple(
        Expected(one.kind(), f"r{n}@example.org", one.hard, token=ours.token) for n, one in enumerate(cases)
    )
    return Sample("report: several recipients", "dsn", raw, expected)


def _good(action: str) -> Sample:
    ours, raw = _report(
        610 + len(action), f"Final-Recipient: rfc822; a@example.org\nAction: {action}\nStatus: 2.0.0"
    )
    kind = "delivered" if action == "delivered" else "auto_reply"
    return Sample(f"report: {action}", "dsn", raw, (Expected(kind, "a@example.org", token=ours.token),))


def _without_the_original() -> Sample:
    groups = "Final-Recipient: rfc822; a@example.org\nAction: failed\nStatus: 5.1.1"
    ours, raw = _report(630, groups, original="")
    expected = Expected("bounce", "a@example.org", True, token=ours.token)
    return Sample("report: nothing returned", "dsn", raw, (expected,))


def _old_words(reason: str, hard: bool) -> Sample:
    groups = (
        f"Final-Recipient: rfc822; a@example.org\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: {reason}"
    )
    ours, raw = _report(640 + len(reason), groups)
    return Sample(
        f"report: {reason}", "dsn", raw, (Expected("bounce", "a@example.org", hard, token=ours.token),)
    )


def _bare_lines() -> Sample:
    ours, raw = _report(650, "Final-Recipient: rfc822; a@example.org\nAction: failed\nStatus: 5.1.1")
    expected = Expected("bounce", "a@example.org", True, token=ours.token)
    return Sample("report: lines without CR", "dsn", raw.replace(b"\r\n", b"\n"), (expected,))


def _coded_report() -> Sample:
    """Some gateways encode what RFC 2045 lets nobody encode."""
    ours = Ours(651, "a@example.org")
    told = (
        "Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822; a@example.org\nAction: failed\nStatus: =35.1.1\n"
    )
    body = parts(
        "r",
        part("text/plain", "It did not arrive."),
        part("message/delivery-status", told, "Content-Transfer-Encoding: quoted-printable"),
    )
    headers = (
        "Return-Path: <>",
        "From: postmaster@gate.example.net",
        f"To: {ours.return_path}",
        "Subject: Delivery failure",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=r",
    )
    expected = Expected("bounce", "a@example.org", True, token=ours.token)
    return Sample("report: encoded", "dsn", mail(headers, body), (expected,))


def _forwarded() -> Sample:
    """A colleague forwards a report: both are heard."""
    ours, report = _report(652, "Final-Recipient: rfc822; a@example.org\nAction: failed\nStatus: 5.1.1")
    body = parts(
        "f",
        part("text/plain; charset=utf-8", "Beth mae hyn yn ei olygu?"),
        part("message/rfc822", report.decode().replace("\r\n", "\n")),
    )
    headers = (
        "From: Nia Hughes <nia@example.org>",
        f"To: helo@{DOMAIN}",
        "Subject: FW: Undelivered Mail Returned to Sender",
        "Content-Type: multipart/mixed; boundary=f",
    )
    expected = (
        Expected("bounce", "a@example.org", True, token=ours.token),
        Expected("reply", words="Beth mae hyn yn ei olygu?"),
    )
    return Sample("report: forwarded by a colleague", "dsn", mail(headers, body), expected)
