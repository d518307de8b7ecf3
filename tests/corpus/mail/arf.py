"""Reports of mailbox providers that somebody called a mail of ours spam, or that it was none.

Source: RFC 5965, RFC 6591 (auth-failure), RFC 6650; the shapes of Yahoo, Fastmail, Comcast, Signal Spam and Microsoft's
JMRP (the mail itself, with the recipient in a header of its own), as of November 2026. The sentences are ours.
"""

from __future__ import annotations

from collections.abc import Callable

from .shape import DATE, DOMAIN, Expected, Ours, Sample, lines, mail, part, parts

COMPLAINTS = ("abuse", "fraud", "virus", "other", "opt-out")
Provider = Callable[[str, Ours], tuple[bytes, str]]


def _report(kind: str, told: str, returned: str, sender: str, to: str, note: str) -> bytes:
    body = parts(
        "arf-1",
        part("text/plain; charset=us-ascii", note, "Content-Transfer-Encoding: 7bit"),
        part("message/feedback-report", f"Feedback-Type: {kind}\n{told}\n"),
        returned,
    )
    headers = (
        f"From: {sender}",
        f"To: {to}",
        f"Date: {DATE}",
        "Subject: FW: Cyfarfod y pentref",
        "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=feedback-report;\n boundary="arf-1"',
    )
    return mail(headers, body)


def yahoo(kind: str, ours: Ours) -> tuple[bytes, str]:
    """Everything is told, the recipient included."""
    told = lines(
        "User-Agent: Yahoo!-Mail-Feedback/2.0",
        "Version: 0.1",
        f"Original-Mail-From: <{ours.return_path}>",
        f"Original-Rcpt-To: {ours.to}",
        f"Received-Date: {DATE}",
        f"Reported-Domain: {DOMAIN}",
        "Authentication-Results: mta1.mail.yahoo.example; dkim=pass header.i=@cyngor.example",
    )
    returned = part("message/rfc822", ours.whole(), "Content-Disposition: inline")
    sender = "Yahoo! Mail AntiSpam Feedback <feedback@arf.mail.yahoo.example>"
    return _report(kind, told, returned, sender, f"fbl@{DOMAIN}", "A mail was reported."), ours.to


def redacted(kind: str, ours: Ours) -> tuple[bytes, str]:
    """The recipient is hidden wherever it stood; our own header is left."""
    told = lines(
        "User-Agent: Fastmail-FBL/1.0", "Version: 1", f"Arrival-Date: {DATE}", "Source-IP: 192.0.2.7"
    )
    hidden = ours.whole().replace(ours.to, "redacted@redacted.invalid")
    sender = "feedback@fastmail.example"
    return _report(kind, told, part("message/rfc822", hidden), sender, f"fbl@{DOMAIN}", "Reported."), ""


def headers_only(kind: str, ours: Ours) -> tuple[bytes, str]:
    """Only the headers come back."""
    told = lines(
        "User-Agent: Feedback-Loop/2.1",
        "Version: 1",
        f"Original-Rcpt-To: <{ours.to}>",
        "Incidents: 1",
    )
    returned = part("text/rfc822-headers", ours.headers())
    sender = "Comcast Feedback <fbl@comcast.example>"
    return _report(kind, told, returned, sender, ours.return_path, "Somebody reported this."), ours.to


def french(kind: str, ours: Ours) -> tuple[bytes, str]:
    """Signal Spam: words in French; named by its address, not by what it returns."""
    told = lines(
        "User-Agent: SignalSpam/1.0", "Version: 1", f"Original-Rcpt-To: {ours.to}", "Reported-URI: x"
    )
    returned = part("message/rfc822", ours.whole(), "Content-Transfer-Encoding: 8bit")
    sender = "Signal Spam <fbl@signal-spam.example>"
    return _report(kind, told, returned, sender, f"helo@{DOMAIN}", "Un message a été signalé."), ours.to


def microsoft(kind: str, ours: Ours) -> tuple[bytes, str]:
    """JMRP: no report for machines; the mail as an attachment that says who complained."""
    returned = f"X-HmXmrOriginalRecipient: {ours.to}\n{ours.whole()}"
    body = parts(
        "_jmrp_",
        part("text/plain", "A customer marked this as junk."),
        part("message/rfc822", returned, "Content-Disposition: attachment"),
    )
    headers = (
        "From: staff@hotmail.example",
        f"To: fbl@{DOMAIN}",
        f"Date: {DATE}",
        "Subject: complaint about message from 192.0.2.7",
        'Content-Type: multipart/mixed; boundary="_jmrp_"',
    )
    return mail(headers, body), ours.to


PROVIDERS: tuple[Provider, ...] = (yahoo, redacted, headers_only, french)


def samples() -> list[Sample]:
    """Every provider with every kind of report; what is no complaint is a machine's word and no more."""
    made: list[Sample] = []
    for provider in PROVIDERS:
        for kind in (*COMPLAINTS, "not-spam", "auth-failure"):
            made.append(_sample(len(made), provider, kind))
    return [*made, *(_sample(len(made) + n, microsoft, "abuse") for n in range(2))]


def _sample(n: int, provider: Provider, kind: str) -> Sample:
    ours = Ours(2_000 + n, f"cwynwr{n}@example.org")
    raw, about = provider(kind, ours)
    wanted = "complaint" if kind in COMPLAINTS else "auto_reply"
    return Sample(
        f"{provider.__name__}: {kind} {n}", "arf", raw, (Expected(wanted, about, token=ours.token),)
    )
