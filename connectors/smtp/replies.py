"""What a mail server replies and what that means for the sender: pure, from the bytes, the phase and the code.

Source: RFC 5321 4.2 (codes), RFC 3463 (enhanced codes), RFC 4954 (AUTH), RFC 7504 (521, 556).
"""

from __future__ import annotations

import re

from ..api import AccountGone, AddressGone, ConnectorError, Deferred, Refused
from ..reports import NO_SUCH_USER

ENHANCED = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
ABOUT_THE_DOMAIN = re.compile(
    r"rate|limit|too many|throttl|reputation|unusual|domain|unsolicited", re.IGNORECASE
)
# Before MAIL nothing is about one recipient; a refusal is one of the whole connection.
BEFORE_MAIL = ("connect", "greeting", "ehlo", "tls", "auth")
LOGIN_REFUSED = (530, 534, 535, 538)
# 5.1.7 and 5.1.8 are about the address of the sender.
SENDER_REFUSED = ("5.1.7", "5.1.8")
# Once the sender was taken, 5.7.x is as a rule what one recipient or one text is refused with. These are about who
# sends: no login, too weak a login, no right to that sender, a domain that proves too little.
ACCOUNT_REFUSED = ("5.7.8", "5.7.9", "5.7.60", "5.7.515")
NO_RELAY = re.compile(
    r"\brelay(ing)?\b[^.;]{0,60} (denied|not permitted|not allowed)|unable to relay", re.IGNORECASE
)
NOT_SMTP = "an answer that is not SMTP"
LINES_MAX = 200
BYTES_MAX = 65_536


def take(unread: bytearray) -> tuple[int, str] | None:
    """Take the first whole reply off what was read: its code, and its lines without codes; None while its end has
    not come. Code 0 is what is not SMTP."""
    lines: list[str] = []
    start = 0
    while (end := unread.find(b"\n", start) + 1) and len(lines) < LINES_MAX:
        line = unread[start:end].decode("utf-8", "replace")
        start = end
        lines.append(line[4:].strip())
        if not line[:3].isascii() or not line[:3].isdigit():
            return _taken(unread, end, 0, line.strip())
        if line[3:4] != "-":
            return _taken(unread, end, int(line[:3]), "\n".join(lines))
    if len(lines) < LINES_MAX and len(unread) < BYTES_MAX:
        return None
    return _taken(unread, len(unread), 0, "a reply without end")


def _taken(unread: bytearray, end: int, code: int, words: str) -> tuple[int, str]:
    del unread[:end]
    return code, words


def refusal(phase: str, code: int, words: str) -> ConnectorError:
    """The error for a reply that is not the one asked for; an enhanced code leads `words`."""
    match = ENHANCED.search(words[:200])
    enhanced = match.group() if match else ""
    shown = f"{code} {enhanced}".strip()
    if 400 <= code < 500:
        return Deferred(words, code=shown, phase=phase, scope=_scope(phase, code, enhanced, words))
    if not 500 <= code < 600:  # no reply of SMTP: the other side is not a mail server, or has lost its place
        return Deferred(words or NOT_SMTP, code=shown, phase=phase, scope="account")
    return _permanent(phase, code, enhanced, words)(words, code=shown, phase=phase)


def _scope(phase: str, code: int, enhanced: str, words: str) -> str:
    if phase in BEFORE_MAIL or code in (421, 454):
        return "account"
    return "domain" if enhanced.startswith("4.7.") and ABOUT_THE_DOMAIN.search(words) else "delivery"


def _permanent(phase: str, code: int, enhanced: str, words: str) -> type[ConnectorError]:
    if phase in BEFORE_MAIL or code in LOGIN_REFUSED or enhanced in (*SENDER_REFUSED, *ACCOUNT_REFUSED):
        return AccountGone
    if phase == "mail" and enhanced.startswith(("5.1.", "5.7.")):
        return AccountGone
    # At the end 5.7.0 is what filters say of a text.
    if NO_RELAY.search(words) or (phase != "final" and enhanced == "5.7.0"):
        return AccountGone
    if phase != "mail" and (enhanced.startswith("5.1.") or (not enhanced and _no_such_user(code, words))):
        return AddressGone
    return Refused


def _no_such_user(code: int, words: str) -> bool:
    return code in (550, 551, 553, 556) and bool(NO_SUCH_USER.search(words))
