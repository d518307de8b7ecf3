"""Mail through any relay by SMTP, with an inbox read by IMAP for replies, bounces and opt-outs.

Nobody can say afterwards whether a relay took a mail whose last reply was lost: `repeats` is Blind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..api import AccountGone, Blind, Connector, Limits, Provider, Setting
from .send import Sender
from .session import SECURITIES, Relay

LIMITS = Limits(html=True, in_flight=4, deadline_s=60.0)
PORTS = {"tls": 465, "starttls": 587, "opportunistic": 25, "off": 25}


def connect(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Connector:
    """An account at a relay. AccountGone where the settings make no sense; nothing is connected to yet."""
    relay = _relay(settings, secrets)
    sender = Sender(relay)
    return Connector(
        name=PROVIDER.name,
        channel="email",
        broadcast=False,
        limits=LIMITS,
        repeats=Blind(),
        verify=sender.verify,
        send=sender.send,
        close=sender.close,
    )


def _relay(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Relay:
    security = str(settings.get("security") or "starttls")
    if not settings.get("host") or security not in SECURITIES:
        raise AccountGone(f"host is needed, and security is one of {', '.join(SECURITIES)}", code="settings")
    return Relay(
        host=str(settings["host"]),
        port=int(settings.get("port") or PORTS[security]),
        security=security,
        username=str(settings.get("username") or ""),
        password=secrets.get("password", ""),
        ca_file=str(settings.get("ca_file") or ""),
        deadline_s=float(settings.get("deadline_s") or LIMITS.deadline_s),
        helo_name=str(settings.get("helo_name") or ""),
    )


PROVIDER = Provider(
    name="smtp",
    channels=("email",),
    about="Mail through any relay (SMTP), with an inbox for replies and bounces (IMAP).",
    settings=(
        Setting("host", "the relay's name", required=True),
        Setting("port", "465 for tls, 587 for starttls, else 25, unless the relay says otherwise"),
        Setting("security", "tls, starttls, opportunistic (only if offered) or off", default="starttls"),
        Setting("username", "left out where the relay asks for none"),
        Setting("password", "the password, or the app password, of that user", secret=True),
        Setting("ca_file", "PEM file of the authority that signed the servers' certificates"),
        Setting("deadline_s", "seconds one whole sending may take", default=LIMITS.deadline_s),
        Setting("helo_name", "the name this machine greets with", default="localhost"),
    ),
    limits=LIMITS,
    repeats="blind",
    faces=(),
    events=(),
    connect=connect,
)
