"""Mail through any relay by SMTP, with an inbox read by IMAP for replies, bounces and opt-outs.

Nobody can say afterwards whether a relay took a mail whose last reply was lost: `repeats` is Blind.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from ..api import BadSettings, Blind, Connector, Limits, Provider, Setting
from . import poll, session
from .dkim import Signer
from .poll import Box, Inbox
from .send import Sender
from .session import Relay
from .wire import Deadline

LIMITS = Limits(html=True, in_flight=8, deadline_s=60.0)
IN_FLIGHT_MAX = 32
SMTP_PORTS = {"tls": 465, "starttls": 587, "opportunistic": 25, "off": 25}
# Somebody waits for the answer: a server that says nothing by then is not the one that was meant.
VERIFY_S = 7.0
IMAP_PORTS = {"tls": 993, "starttls": 143, "off": 143}


def connect(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Connector:
    """An account at a relay, with its inbox where `imap_host` names one. BadSettings; nothing is connected to yet."""
    _check(settings)
    tls = _tls(settings["ca_file"])
    sender = Sender(_relay(settings, secrets, tls))
    inbox = Inbox(_box(settings, secrets, tls)) if settings["imap_host"] else None

    def verify() -> None:
        quick = min(VERIFY_S, settings["deadline_s"])
        sender.verify(Deadline(quick))
        if inbox is not None:
            inbox.verify(Deadline(quick))

    return Connector(
        name=PROVIDER.name,
        channel="email",
        broadcast=False,
        limits=replace(LIMITS, deadline_s=settings["deadline_s"], in_flight=settings["in_flight"]),
        repeats=Blind(),
        verify=verify,
        send=sender.send,
        send_many=sender.send_many,
        poll=inbox.poll if inbox is not None else None,
        place=inbox.place if inbox is not None else "",
        close=sender.close,
    )


def _check(settings: Mapping[str, Any]) -> None:
    wrong: dict[str, str] = {}
    for name, known in (("security", session.SECURITIES), ("imap_security", poll.SECURITIES)):
        if settings[name] not in known:
            wrong[name] = f"is one of {', '.join(known)}"
    for name in ("port", "imap_port"):
        if not 0 <= settings[name] < 65536:
            wrong[name] = "must be a number from 1 to 65535, or 0 for the usual port"
    if not 0 < settings["deadline_s"] <= 600:
        wrong["deadline_s"] = "is more than 0 and at most 600"
    if not 1 <= settings["in_flight"] <= IN_FLIGHT_MAX:
        wrong["in_flight"] = f"is from 1 to {IN_FLIGHT_MAX}"
    for name in ("host", "helo_name", "imap_host", "imap_folder"):
        if not settings[name].isprintable() or (" " in settings[name] and name != "imap_folder"):
            wrong[name] = "holds a character that no name has"
    if wrong:
        raise BadSettings(wrong)


def _tls(ca_file: str) -> ssl.SSLContext:
    """Certificates checked against the machine's authorities, or only against those of a PEM file."""
    try:
        return ssl.create_default_context(cafile=ca_file) if ca_file else _machine_tls()
    except OSError as error:
        raise BadSettings({"ca_file": f"cannot be read: {error.strerror or error}"}) from error


@cache
def _machine_tls() -> ssl.SSLContext:
    """Reading the machine's authorities takes longer than sending a mail."""
    return ssl.create_default_context()


def _relay(settings: Mapping[str, Any], secrets: Mapping[str, str], tls: ssl.SSLContext) -> Relay:
    return Relay(
        host=settings["host"],
        port=settings["port"] or SMTP_PORTS[settings["security"]],
        security=settings["security"],
        username=settings["username"],
        password=secrets.get("password", ""),
        access_token=secrets.get("access_token", ""),
        tls=tls,
        deadline_s=settings["deadline_s"],
        helo_name=settings["helo_name"],
        in_flight=settings["in_flight"],
        signer=_signer(settings, secrets),
    )


def _signer(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Signer | None:
    if not secrets.get("dkim_key"):
        return None
    return Signer(secrets["dkim_key"], settings["dkim_selector"], settings["dkim_domain"])


def _box(settings: Mapping[str, Any], secrets: Mapping[str, str], tls: ssl.SSLContext) -> Box:
    return Box(
        host=settings["imap_host"],
        port=settings["imap_port"] or IMAP_PORTS[settings["imap_security"]],
        security=settings["imap_security"],
        username=settings["imap_username"] or settings["username"],
        password=secrets.get("imap_password") or secrets.get("password", ""),
        access_token="" if secrets.get("imap_password") else secrets.get("access_token", ""),
        folder=settings["imap_folder"],
        tls=tls,
        deadline_s=settings["deadline_s"],
    )


PROVIDER = Provider(
    name="smtp",
    channels=("email",),
    about="Mail through any relay (SMTP), with an inbox for replies and bounces (IMAP).",
    settings=(
        Setting("host", "the relay's name", required=True, where=True),
        Setting("port", "0 for the usual one: 465 for tls, 587 for starttls, else 25", default=0, where=True),
        Setting(
            "security",
            "tls, starttls, opportunistic (only if offered) or off",
            default="starttls",
            where=True,
        ),
        Setting("username", "empty where the relay asks for none", default=""),
        Setting("password", "the password, or the app password, of that user", secret=True),
        Setting("access_token", "a token for XOAUTH2 in place of the password", secret=True),
        Setting(
            "ca_file",
            "PEM file of the authority that signed the servers' certificates",
            default="",
            where=True,
        ),
        Setting(
            "deadline_s", "seconds that one whole sending or reading may take", default=LIMITS.deadline_s
        ),
        Setting("in_flight", "connections at the same time, at most 32", default=LIMITS.in_flight),
        Setting("helo_name", "the name this machine greets with", default="localhost"),
        Setting("dkim_key", "private key that signs each mail; empty: the relay signs", secret=True),
        Setting("dkim_selector", "the key's name in DNS, in front of _domainkey", default=""),
        Setting("dkim_domain", "the domain that signs: that of the senders", default=""),
        Setting("inbox_domain", "domain whose replies+…@ and bounces+…@ arrive in the inbox", default=""),
        Setting(
            "imap_host", "the inbox's server; empty: replies and bounces are not read", default="", where=True
        ),
        Setting("imap_port", "0 for the usual one: 993 for tls, else 143", default=0, where=True),
        Setting("imap_security", "tls, starttls, or off on this machine only", default="tls", where=True),
        Setting("imap_username", "empty: as for the relay", default=""),
        Setting("imap_password", "empty: as for the relay", secret=True),
        Setting("imap_folder", "the folder that is read, never changed", default="INBOX"),
    ),
    limits=LIMITS,
    repeats="blind",
    faces=("poll",),
    events=("reply", "auto_reply", "bounce", "complaint", "opt_out", "delivered"),
    connect=connect,
)
