"""Facts about well-known mail providers: their servers, and what a person must know before a password works there.

Source: the providers' own pages about SMTP and IMAP. Outlook.com is missing because it takes no passwords any more,
and Microsoft 365 reads no inbox by password.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TLS = {"security": "tls", "port": 465}
STARTTLS = {"security": "starttls", "port": 587}


@dataclass(frozen=True, slots=True)
class Preset:
    """One provider: its settings, and the kind of password it wants (app, mailbox, any or none)."""

    key: str
    name: str
    password: str
    settings: Mapping[str, Any]


def _mail(smtp: str, way: Mapping[str, Any], imap: str = "") -> dict[str, Any]:
    inbox = {"imap_host": imap, "imap_security": "tls", "imap_port": 993} if imap else {}
    return {"host": smtp, **way, **inbox}


PRESETS = (
    Preset("gmail", "Gmail, Google Workspace", "app", _mail("smtp.gmail.com", STARTTLS, "imap.gmail.com")),
    Preset("microsoft365", "Microsoft 365", "mailbox", _mail("smtp.office365.com", STARTTLS)),
    Preset("fastmail", "Fastmail", "app", _mail("smtp.fastmail.com", TLS, "imap.fastmail.com")),
    Preset("icloud", "iCloud Mail", "app", _mail("smtp.mail.me.com", STARTTLS, "imap.mail.me.com")),
    Preset("yahoo", "Yahoo Mail", "app", _mail("smtp.mail.yahoo.com", TLS, "imap.mail.yahoo.com")),
    Preset("other", "", "any", {**STARTTLS}),
    Preset("local", "", "none", {"host": "127.0.0.1", "port": 25, "security": "off"}),
)
