"""What mail servers report about mail we sent: bounces (RFC 3464), spam complaints (RFC 5965), and what
only looks like a bounce.

Rules: a report is told per recipient; a delay is not a bounce; what is only guessed is never a hard bounce.
A report may be forged by anybody: it is up to the reader to ask for our signed token or for the address it
is about.
Source: RFC 3464, RFC 6533 (utf-8 addresses), RFC 3461 (xtext), RFC 5965, RFC 3463; bad input M6–M10.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .mime import Part, decoded, fields_of
from .wording import is_from_nobody

MESSAGES_MAX = 5  # a report inside a report inside a forward …
RECIPIENTS_MAX = 200

STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
# What servers say that write no number for it, or 5.0.0 for everything.
NO_SUCH_USER = re.compile(
    r"(no such|unknown|invalid|non-?existent) (user|recipient|mailbox|address|local)"
    r"|(user|recipient|mailbox|address)[^.;]{0,60} (unknown|not found|does ?n[o']t exist|no longer)",
    re.IGNORECASE,
)
# 5.1.7 and 5.1.8 are about our own address.
ABOUT_THE_SENDER = ("5.1.7", "5.1.8")
COMPLAINTS = ("abuse", "fraud", "virus", "other", "opt-out", "opt-out-list")
# Only the signs that must be written so; `+2F` of an address nobody encoded is a plus tag.
XTEXT = re.compile(r"\+(2B|3D)")
_FROM_A_SERVER = re.compile(r"mailer-daemon|postmaster|mail delivery (sub)?system", re.IGNORECASE)
_LOOKS_RETURNED = re.compile(
    r"undeliver|returned mail|failure notice|delivery (status notification|failure|has failed)"
    r"|delivery failed|could not be delivered|unzustellbar|nicht zugestellt|non remis|non distribu|no se puede entregar"
    r"|no entregado|não entregue|non recapitabile|mancato recapito|onbestelbaar|niedostarczaln|kan inte levereras"
    r"|kan ikke leveres|недоставлен|не доставлен|heb ei d?danfon|methu danfon|anghyflenwadwy"
    r"|تعذر التسليم|لم يتم التسليم",
    re.IGNORECASE,
)
_ANSWERED = re.compile(r"\W*(re|fw|fwd|aw|sv|wg|tr|atb|رد)\s*:", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s<>@]{1,64}@[^\s<>@:]{1,253}")
_ALONE = re.compile(rf"^[ \t]*(?:<({_ADDRESS.pattern})>|({_ADDRESS.pattern})):?[ \t]*$", re.MULTILINE)
_IN_BRACKETS = re.compile(rf"<({_ADDRESS.pattern})>")
# A line of dashes, and below it the headers of what came back.
_COPY = re.compile(r"^-{2,}[^\n]{0,200}\n\s{0,9}(?=[!-9;-~]{1,80}:[ \t])", re.MULTILINE)
WORDS_MAX = 20_000


@dataclass(frozen=True, slots=True)
class Report:
    """One thing reported about one recipient.

    `kind` is bounce, complaint, delivered or auto_reply (a delay, a relay); `about` the recipient's address
    or ""; `original` what was returned of our mail; `at_top`: the mail is the report itself, not forwarded.
    """

    kind: str
    about: str = ""
    hard: bool = False
    code: str = ""
    words: str = ""
    action: str = ""
    original: Part | None = None
    at_top: bool = True


def reports(mail: Part) -> list[Report]:
    """What a mail reports, per recipient; empty where it is not a report."""
    found = _first(mail)
    if found is None:
        return _junk(mail) or _guessed(mail)
    report, body, at_top = found
    original = _original(report)
    if body.kind == "message/feedback-report":
        return _complaint(body, original, at_top)
    return _returned(body, original, at_top)


def _first(mail: Part) -> tuple[Part, Part, bool] | None:
    """The outermost report: what holds it, the part for machines, whether that is the mail itself."""
    around: list[Part] = []
    for part in mail.walk(MESSAGES_MAX):
        around.append(part)
        if part.kind in (
            "message/delivery-status",
            "message/global-delivery-status",
            "message/feedback-report",
        ):
            holder = next(
                (one for one in reversed(around) if any(part is inner for inner in one.parts)), mail
            )
            return holder, part, mail.kind == "multipart/report"
    return None


def _original(report: Part) -> Part | None:
    """The returned mail, whole or only its headers."""
    for part in report.parts:
        if part.kind in ("message/rfc822", "message/global") and part.parts:
            return part.parts[0]
        if part.kind in ("text/rfc822-headers", "message/global-headers"):
            text, _ = part.text()
            return Part(b"", 0, 0, fields_of(text))
    return None


def _returned(body: Part, original: Part | None, at_top: bool) -> list[Report]:
    text, _ = body.text()
    groups = [
        dict(reversed(fields_of(group))) for group in re.split(r"\n[ \t]*\n", text)[: RECIPIENTS_MAX + 1]
    ]
    about = [
        group for group in groups if "action" in group or "final-recipient" in group or "status" in group
    ]
    return [_recipient(group, original, at_top) for group in about]


def _recipient(group: dict[str, str], original: Part | None, at_top: bool) -> Report:
    action = group.get("action", "").split(" ")[0].strip().lower()
    words = decoded(group.get("diagnostic-code", "").partition(";")[2] or group.get("diagnostic-code", ""))
    code = _status(group.get("status", ""), words)
    # The address we wrote to comes first: the final one is where somebody's forwarding led.
    about = _address(group.get("original-recipient", "")) or _address(group.get("final-recipient", ""))
    if action == "failed" or (not action and code.startswith("5.")):
        kind = "bounce"
    else:
        kind = "delivered" if action == "delivered" else "auto_reply"
    gone = code.startswith("5.1.") or (code in ("", "5.0.0") and bool(NO_SUCH_USER.search(words)))
    hard = kind == "bounce" and gone and code not in ABOUT_THE_SENDER
    return Report(kind, about, hard, code, words[:500], action or "failed", original, at_top)


def _status(told: str, words: str) -> str:
    """The status told, or where it says nothing (Exim's is always 5.0.0) the one in the far server's words."""
    status, said = STATUS.search(told), STATUS.search(words)
    if status and not (said and status.group().endswith(".0.0")):
        return status.group()
    return said.group() if said else ""


def _address(value: str) -> str:
    """`type; address` as an address: xtext of RFC 3461 and the utf-8 type of RFC 6533 undone."""
    kind, semicolon, address = value.partition(";")
    kind, address = (kind.strip().lower(), address.strip()) if semicolon else ("rfc822", value.strip())
    if kind == "utf-8":
        address = re.sub(r"\\x\{([0-9A-Fa-f]{2,6})\}", lambda m: _letter(m[1]), address)
    elif kind == "rfc822":
        address = XTEXT.sub(lambda m: chr(int(m[1], 16)), address)
    return address.strip("<> ")[:320] if "@" in address else ""


def _letter(digits: str) -> str:
    number = int(digits, 16)
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 and number > 0x1F else ""


def _complaint(body: Part, original: Part | None, at_top: bool) -> list[Report]:
    text, _ = body.text()
    fields = fields_of(text)
    kind = next((value.strip().lower() for name, value in fields if name == "feedback-type"), "")
    about = [_address(value) for name, value in fields if name in ("original-rcpt-to", "removal-recipient")]
    wanted = "complaint" if kind in COMPLAINTS else "auto_reply"
    return [
        Report(wanted, one, action=kind, original=original, at_top=at_top)
        for one in list(dict.fromkeys(about))[:RECIPIENTS_MAX] or [""]
    ]


def _junk(mail: Part) -> list[Report]:
    """A complaint as Outlook.com tells it: our mail as an attachment, with the recipient in a header of its own."""
    for part in mail.walk():
        if part.kind == "message/rfc822" and part.parts:
            about = part.parts[0].get("x-hmxmroriginalrecipient").strip()
            if about:
                return [Report("complaint", _address(about), action="abuse", original=part.parts[0])]
    return []


def _guessed(mail: Part) -> list[Report]:
    """A bounce in a server's own words (qmail, Exchange, Exim): suspected, never hard."""
    failed = ",".join(mail.all("x-failed-recipients"))
    if not failed and not _looks_returned(mail):
        return []
    texts = (part.text()[0][:WORDS_MAX] for part in mail.walk() if part.kind == "text/plain")
    text = "\n\n".join(texts)[:WORDS_MAX]
    copy = _COPY.search(text)
    words = text[: copy.start()] if copy else text
    about = [one.strip() for one in failed.split(",") if "@" in one] or [_named(words)]
    code = STATUS.search(words)
    original = next(
        (part.parts[0] for part in mail.walk() if part.kind == "message/rfc822" and part.parts),
        Part(b"", 0, 0, fields_of(text[copy.end() :])) if copy else None,
    )
    return [
        Report("bounce", one[:320], False, code.group() if code else "", words[:500], "suspected", original)
        for one in about[:RECIPIENTS_MAX]
    ]


def _looks_returned(mail: Part) -> bool:
    """Whether a server wrote that something could not be delivered; whoever answers such a mail is a person."""
    nobody, subject = is_from_nobody(mail), mail.get("subject")
    if not nobody and _ANSWERED.match(subject):
        return False
    return bool((nobody or _FROM_A_SERVER.search(mail.get("from"))) and _LOOKS_RETURNED.search(subject))


def _named(words: str) -> str:
    """The address that is named: on a line of its own, or else in brackets."""
    if found := _ALONE.search(words[:5_000]):
        return found[1] or found[2]
    found = _IN_BRACKETS.search(words[:5_000])
    return found[1] if found else ""


def tokens_of(original: Part | None) -> Iterator[str]:
    """Addresses of ours in the mail that came back: they carry the token of the delivery."""
    if original is not None:
        for name in ("return-path", "reply-to", "list-unsubscribe"):
            yield from original.all(name)
