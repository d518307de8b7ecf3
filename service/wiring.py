"""The only place where things are put together: settings, database, keys, links, connected accounts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from campaigns import tables as campaign_tables
from campaigns.database import Database
from campaigns.delivery.backoff import Pace
from campaigns.delivery.send import Desk
from campaigns.delivery.tables import Account
from campaigns.links import Links
from campaigns.stakeholders import tombstones
from connectors import registry
from connectors.api import Connector

from . import keys, observe
from . import tables as access_tables
from .settings import Settings

metadata = campaign_tables.metadata
TABLES = (campaign_tables, access_tables)


class Wiring:
    """What every process of an installation works with. Made once per process; threads may share it."""

    def __init__(self, settings: Settings, *, database: Database | None = None) -> None:
        self.settings = settings
        settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.keyring = keys.load(settings.folder)
        self.database = database or Database(settings.database.url, pool_size=settings.database.pool_size)
        self.database.mark(**{tombstones.KEYS: self.keyring.tombstone_keys()})
        self.links = Links(settings.http.base_url, self.keyring.link_keys(), settings.mail.domain)
        self._connectors: dict[int, tuple[int, Connector]] = {}
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The only clock of the processes; the domain is always told the time."""
        return datetime.now(UTC)

    @property
    def pace(self) -> Pace:
        """The durations of retrying."""
        return Pace(scale=self.settings.work.retry_scale)

    def desk(self, owner: str, stopping: Callable[[], bool] = lambda: False) -> Desk:
        """What one worker of this name works with, until `stopping` says that it is to lay its work down."""
        return Desk(
            database=self.database,
            connect=self.connector,
            links=self.links,
            now=self.now,
            owner=owner,
            lease_s=self.settings.work.lease_s,
            pace=self.pace,
            folder=self.settings.folder,
            alarm=observe.alarm,
            keep=self.keep,
            stopping=stopping,
        )

    def connector(self, session: Session, account: Account) -> Connector:
        """The connected account, made again whenever its settings or secrets have changed."""
        with self._lock:
            known = self._connectors.get(account.id)
            if known is None or known[0] != account.version:
                # The one it replaces is not closed here: another thread may be in the middle of a hand-over.
                known = (account.version, self._connect(account))
                self._connectors[account.id] = known
            return known[1]

    def keep(self, session: Session, account: Account, secrets: Mapping[str, str]) -> None:
        """Seal secrets of an account beside the others it has."""
        known = self.keyring.open(account.id, account.secrets)
        account.secrets = self.keyring.seal(account.id, known | dict(secrets))

    def close(self) -> None:
        """Give back every connection, to providers and to the database."""
        with self._lock:
            for _version, connector in self._connectors.values():
                connector.close()
            self._connectors.clear()
        self.database.close()

    def _connect(self, account: Account) -> Connector:
        secrets = self.keyring.open(account.id, account.secrets)
        observe.hide(secrets.values())
        return registry.connect(account.connector, account.settings, secrets)
