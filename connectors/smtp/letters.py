"""What one transaction carries: the envelope's commands and the mail as it travels.

Rules: no line of a mail begins with a dot (`mail.build`), so there is none to stuff.
Source: RFC 5321, RFC 1870 (SIZE), RFC 6152 (8BITMIME), RFC 6531 (SMTPUTF8).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .. import mail
from ..api import Outbound
from .dkim import Signer


@dataclass(slots=True)
class Letter:
    """`raw` ends with CRLF; `eai` where an address needs SMTPUTF8; `end` is the moment (`running`) it gives up at."""

    key: str
    message_id: str
    envelope_from: str
    to: str
    raw: bytes
    eai: bool
    end: float

    def commands(self, features: Mapping[str, str]) -> bytes:
        """MAIL, RCPT and DATA, a line each, with the parameters that this server knows."""
        size = f" SIZE={len(self.raw)}" if "SIZE" in features else ""
        utf8 = " BODY=8BITMIME SMTPUTF8" if self.eai else ""
        return f"MAIL FROM:<{self.envelope_from}>{size}{utf8}\r\nRCPT TO:<{self.to}>\r\nDATA\r\n".encode()


def make(outbound: Outbound, end: float, signer: Signer | None = None) -> Letter:
    """The letter of one Outbound. Refused where it cannot be a mail.

    `options["envelope_from"]` is the address bounces come back to; without it they go to the sender.
    """
    raw = mail.build(outbound)
    return Letter(
        outbound.key,
        mail.message_id(outbound),
        mail.address(str(outbound.options.get("envelope_from") or outbound.sender)),
        mail.address(outbound.to),
        signer.signed(raw) if signer is not None else raw,
        mail.needs_eai(outbound),
        end,
    )
