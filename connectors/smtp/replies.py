"""What a mail server's reply means for the sender: pure, from the phase, the code and the words.

Source: RFC 5321 4.2 (codes), RFC 3463 (enhanced codes), RFC 4954 (AUTH), RFC 7504 (521, 556).
"""

from __future__ import annotations

import re

from ..api import AccountGone, AddressGone, ConnectorError, Deferred, Refused

ENHANCED = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
NO_SUCH_USER = re.compile(
    r"(no such|unknown|invalid|non-?existent) (user|recipient|mailbox|address|local)"
    r"|(user|recipient|mailbox|address)[^.;]{0,60} (unknown|not found|does ?n[o']t exist|no longer)",
    re.IGNORECASE,
)
ABOUT_THE_DOMAIN = re.compile(
    r"rate|limit|too many|throttl|reputation|unusual|domain|unsolicited", re.IGNORECASE
)
# Before MAIL nothing is about one recipient; a refusal is one of the whole connection.
BEFORE_MAIL = ("connect", "greeting", "ehlo", "tls", "auth")
LOGIN_REFUSED = (530, 534, 535, 538)
# 5.1.7 and 5.1.8 are about the address of the sender.
SENDER_REFUSED = ("5.1.7", "5.1.8")


def refusal(phase: str, code: int, words: str) -> ConnectorError:
    """The error for a reply that is not the one asked for; an enhanced code leads `words`."""
    match = ENHANCED.search(words[:200])
    enhanced = match.group() if match else ""
    shown = f"{code} {enhanced}".strip()
    if 400 <= code < 500:
        return Deferred(words, code=shown, phase=phase, scope=_scope(phase, code, enhanced, words))
    if not 500 <= code < 600:  # no reply of SMTP: the other side is not a mail server, or has lost its place
        return Deferred(words or "an answer that is not SMTP", code=shown, phase=phase, scope="account")
    return _permanent(phase, code, enhanced, words)(words, code=shown, phase=phase)


def _scope(phase: str, code: int, enhanced: str, words: str) -> str:
    if phase in BEFORE_MAIL or code in (421, 454):
        return "account"
    return "domain" if enhanced.startswith("4.7.") and ABOUT_THE_DOMAIN.search(words) else "delivery"


def _permanent(phase: str, code: int, enhanced: str, words: str) -> type[ConnectorError]:
    if phase in BEFORE_MAIL or code in LOGIN_REFUSED or enhanced.startswith("5.7."):
        return AccountGone
    if enhanced in SENDER_REFUSED or (phase == "mail" and enhanced.startswith("5.1.")):
        return AccountGone
    if phase != "mail" and (enhanced.startswith("5.1.") or (not enhanced and _no_such_user(code, words))):
        return AddressGone
    return Refused


def _no_such_user(code: int, words: str) -> bool:
    return code in (550, 551, 553, 556) and bool(NO_SUCH_USER.search(words))
