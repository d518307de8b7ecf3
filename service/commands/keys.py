"""`dolen keys`: rotate them, so that a new one seals and signs from now on, or show what proves exports."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from sqlalchemy import select

from campaigns.delivery.tables import Account

from .. import keys, signed_zip
from ..tables import Installation, User, WebhookEndpoint
from . import wired


def arguments(parser: ArgumentParser) -> None:
    """What to do with the key ring."""
    parser.add_argument("verb", choices=("rotate", "public"))


def run(args: Namespace) -> int:
    """Do it; `public` writes the key that proves exports to standard output."""
    return _public() if args.verb == "public" else _rotate()


def _public() -> int:
    wiring = wired()
    seed = wiring.keyring.export_keys()[0]
    print(signed_zip.pem(seed).decode(), end="")
    print(signed_zip.fingerprint(signed_zip.public_key(seed)), file=sys.stderr)
    wiring.close()
    return 0


def _rotate() -> int:
    """Add the key, then seal with it the secrets of every account, every second step and the OpenID provider."""
    wiring = wired()
    ring = keys.renew(wiring.settings.folder)
    with wiring.database.write() as session:
        sealed = select(Account).where(Account.secrets.is_not(None)).with_for_update()
        accounts = session.scalars(sealed).all()
        for account in accounts:
            account.secrets = ring.reseal(account.secrets or b"")
        for user in session.scalars(select(User).where(User.second_step.is_not(None)).with_for_update()):
            user.second_step = ring.reseal(user.second_step or b"")
        for endpoint in session.scalars(select(WebhookEndpoint).with_for_update()):
            endpoint.secrets = ring.reseal(endpoint.secrets or b"")
        for row in session.scalars(select(Installation).where(Installation.oidc_secret.is_not(None))):
            row.oidc_secret = ring.reseal(row.oidc_secret or b"")
    wiring.close()
    print(
        f"{len(accounts)} accounts are sealed with the new key. Restart every process: they read keys at start."
    )
    return 0
