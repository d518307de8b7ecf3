"""Why a connected account does not work, in words for whoever set it up: what is wrong, what to try, which server.

Rules: these words are kept with the account in English and recognised when they are shown; what the other side said
itself follows as detail.
"""

from __future__ import annotations

from typing import Any

from campaigns.errors import Said, said
from connectors.api import NOT_SIGNED_IN, AccountGone, ConnectorError

DETAIL_MAX = 200
LOGIN = ("auth", "login")


def told(error: ConnectorError, connector: str, settings: dict[str, Any]) -> Said:
    """What went wrong when an account was tried."""
    detail = error.words[:DETAIL_MAX] or error.code
    if connector != "smtp":
        return said("It does not work. {what} In detail: {detail}", what=_elsewhere(error), detail=detail)
    reading = error.face == "poll"
    return said(
        "{direction} by {host} does not work. {what} In detail: {detail}",
        direction=said("Incoming mail") if reading else said("Outgoing mail"),
        host=settings.get("imap_host" if reading else "host", ""), what=_of_mail(error), detail=detail,
    )  # fmt: skip


def _of_mail(error: ConnectorError) -> Said:
    if error.phase in LOGIN:
        return _of_login(error)
    if error.phase == "folder":
        return said("The server has no folder of this name that can be read.")
    if error.phase == "greeting" and error.code in ("", "0"):
        return said("What answers at this port is no mail server: try another port or another encryption.")
    known = {
        "no_such_host": said("There is no server of this name: look for a slip in it."),
        "nobody_there": said("Nothing answers at this port: try another port."),
        "timeout": said(
            "The server said nothing in time: often the encryption does not fit the port. TLS from the start goes "
            "with port 465 (incoming: 993), STARTTLS with port 587 (incoming: 143)."
        ),
        "tls": said(
            "The server does not speak this encryption at this port. TLS from the start goes "
            "with port 465 (incoming: 993), STARTTLS with port 587 (incoming: 143)."
        ),
        "certificate": said(
            "This machine does not trust the server's certificate: check the server's name, "
            "or name the certificate file of whoever signed it."
        ),
        "disconnected": said(
            "The connection did not come about or broke off: check the server's name, the port and the encryption."
        ),
    }
    return known.get(error.code) or said("The server does not accept the connection.")


def _of_login(error: ConnectorError) -> Said:
    if error.code == "tls":
        return said("A password is only sent encrypted: choose TLS from the start or STARTTLS.")
    if not isinstance(error, AccountGone):
        return said("The server takes no login at the moment: try again later.")
    if error.code == "auth":
        return said("The server asks for no password: leave the user name empty, or try another encryption.")
    return said(
        "The server refuses the user name or the password. Many providers want an app password here, not the usual one."
    )


def _elsewhere(error: ConnectorError) -> Said:
    if error.code == NOT_SIGNED_IN:
        return said("Nobody has signed in there yet: do so here.")
    if isinstance(error, AccountGone):
        return said("The provider refuses the login: check the keys and what they are allowed to do.")
    return said("The provider cannot be reached, or takes nothing at the moment: try again later.")
