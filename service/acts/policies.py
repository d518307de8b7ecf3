"""What this installation asks of everybody: a second step, or not; and by which provider people may sign in."""

from __future__ import annotations

from urllib.parse import urlsplit

from sqlalchemy import select

from campaigns.errors import BadField, Forbidden
from campaigns.stakeholders.text import clean

from .. import epoch, oidc, second_step
from ..tables import Installation
from ..wiring import Wiring
from . import Act


def read(act: Act) -> Installation | None:
    """The policies as they are; None where nobody has chosen any."""
    act.need("users:admin", None)
    return act.session.scalar(select(Installation).where(Installation.id == epoch.ROW))


def ask_second_step(act: Act, of: str) -> Installation:
    """Ask a second step of nobody, of deciders or of everybody; who has none sets it up before anything else."""
    act.need("users:admin", None)
    if of not in second_step.ASKED:
        raise BadField("choose one of the three", pointer="/second_step_for")
    row = _row(act)
    before, row.second_step_for = row.second_step_for, of
    act.note(
        "policy.changed", "installation", row.id,
        before={"second_step_for": before}, after={"second_step_for": of},
    )  # fmt: skip
    return row


def use_provider(act: Act, *, issuer: str, client_id: str, client_secret: str = "") -> Installation:
    """Let people sign in by an OpenID provider; an empty issuer ends that.

    A secret that is not given stays, but only for the provider that it was given for: no other ever gets it.
    """
    act.need("users:admin", None)
    if act.wiring.settings.oidc.issuer:
        raise Forbidden("the provider stands in the settings file: change it there")
    row = _row(act)
    if not issuer.strip():
        row.oidc = row.oidc_secret = None
    else:
        if row.oidc and issuer_of(issuer) != row.oidc["issuer"]:
            row.oidc_secret = None
        row.oidc = {"issuer": issuer_of(issuer), "client_id": clean(client_id, "/client_id")}
        if client_secret:
            row.oidc_secret = oidc.seal(act.wiring.keyring, row, client_secret)
    act.note("policy.changed", "installation", row.id, after={"oidc": row.oidc})
    return row


def from_file(wiring: Wiring) -> bool:
    """Whether the settings file names the provider, so that pages do not."""
    return bool(wiring.settings.oidc.issuer)


def issuer_of(text: str) -> str:
    """A provider's address as it is kept."""
    parts = urlsplit(text.strip())
    local = parts.hostname in oidc.LOOPBACK
    if (parts.scheme != "https" and not local) or not parts.hostname or parts.query or parts.fragment:
        raise BadField("an issuer is an address that begins with https://", pointer="/issuer")
    return text.strip().rstrip("/")


def _row(act: Act) -> Installation:
    found = act.session.scalar(select(Installation).where(Installation.id == epoch.ROW).with_for_update())
    if found is None:
        epoch.begin(act.session)
        found = act.session.get_one(Installation, epoch.ROW)
    return found
