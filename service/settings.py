"""What the person who runs an installation may choose, read once at start.

Rules: defaults < TOML file (`DOLEN_CONFIG`, else `config/dolen.toml` where it exists) <
`DOLEN__SECTION__KEY`; a secret in the file is a reference, `env:NAME` or `file:PATH`; an unknown key, a wrong
type or a missing secret stops the start and names the setting.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import urlsplit

PREFIX = "DOLEN__"
DEFAULT_FILE = Path("config/dolen.toml")


class BadSetting(Exception):
    """A setting that cannot be used; the text begins with its name."""


@dataclass(frozen=True, slots=True)
class Http:
    """Where the installation listens and how others reach it. Links are made from `base_url` only."""

    host: str = "127.0.0.1"
    port: int = 8080
    base_url: str = ""  # empty: http://host:port
    threads: int = 16  # a browser that waits for news holds one
    calls_per_min: int = 600  # of /v1, for each token; 0: as many as they like
    proxies: str = ""  # addresses or networks whose X-Forwarded-For is believed, with commas

    @property
    def open_to_all(self) -> bool:
        """Whether the links in mail can lead people outside here: by https, and to another machine than their own."""
        url = urlsplit(self.base_url)
        return url.scheme == "https" and url.hostname not in ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Store:
    """The database: SQLite by default, PostgreSQL by a `postgresql://` URL."""

    url: str = ""  # empty: dolen.db in the data folder
    pool_size: int = 8


@dataclass(frozen=True, slots=True)
class Data:
    """The folder with the database, the key ring and the epoch file. Back it up as one."""

    dir: str = "var"
    pictures_mb: int = 10_240  # what all pictures may take together


@dataclass(frozen=True, slots=True)
class Mail:
    """The domain of Message-IDs and reply addresses."""

    domain: str = "localhost"


@dataclass(frozen=True, slots=True)
class Work:
    """How the workers and the clock go about it. Durations in seconds."""

    lease_s: float = 180.0  # a batch not renewed for this long is taken from its worker
    horizon_s: float = 600.0  # release this long before the due instant
    tick_s: float = 0.5  # the clock looks for what is due this often
    idle_s: float = 0.2  # a worker with nothing to do looks again after this
    poll_s: float = 15.0  # ask a mailbox or a timeline this often
    drain_s: float = 30.0  # told to stop, what is being handed over may take so long to end
    retry_scale: float = 1.0  # all waits between attempts times this; proofs run at 1/100


@dataclass(frozen=True, slots=True)
class Practice:
    """The built-in practice provider that test tokens reach."""

    enabled: bool = True
    port: int = 8090


@dataclass(frozen=True, slots=True)
class Workspace:
    """The pages people work in."""

    zone: str = "Europe/London"  # where times are told in, for whoever has not chosen a zone
    notices_account: str = ""  # the mail account, by name, of letters to colleagues; empty: the oldest


@dataclass(frozen=True, slots=True)
class Oidc:
    """Signing in by somebody else's OpenID provider. Empty: what administrators chose on the pages, if anything."""

    issuer: str = ""
    client_id: str = ""
    client_secret: str = ""


@dataclass(frozen=True, slots=True)
class Demo:
    """Set by `dolen demo` alone."""

    folder: str = ""  # where the tour is told


@dataclass(frozen=True, slots=True)
class Metrics:
    """Figures for Prometheus at /metrics."""

    token: str = ""  # what a scraper sends as bearer token; empty: there is nothing


@dataclass(frozen=True, slots=True)
class Connectors:
    """Where connected accounts and the endpoints of other programs may be."""

    local: bool = (
        False  # on this machine too, without TLS: whoever connects one place reaches every port here
    )


@dataclass(frozen=True, slots=True)
class Log:
    """How much is written to standard error, as JSON lines."""

    level: str = "info"


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting of an installation."""

    http: Http = field(default_factory=Http)
    database: Store = field(default_factory=Store)
    data: Data = field(default_factory=Data)
    mail: Mail = field(default_factory=Mail)
    work: Work = field(default_factory=Work)
    practice: Practice = field(default_factory=Practice)
    workspace: Workspace = field(default_factory=Workspace)
    oidc: Oidc = field(default_factory=Oidc)
    demo: Demo = field(default_factory=Demo)
    metrics: Metrics = field(default_factory=Metrics)
    connectors: Connectors = field(default_factory=Connectors)
    log: Log = field(default_factory=Log)

    @property
    def folder(self) -> Path:
        """The data folder as an absolute path."""
        return Path(self.data.dir).absolute()


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this process; BadSetting names what is wrong."""
    settings = Settings()
    for section, key, value in _from_file(environ):
        _no_plain_secret(section, key, value)
        settings = _with(settings, section, key, value, environ)
    for section, key, text in _from_environment(environ):
        settings = _with(settings, section, key, _read(settings, section, key, text), environ)
    return _complete(settings)


def names() -> list[str]:
    """Every setting as `section.key`, in the order of the file."""
    settings = Settings()
    return [
        f"{part.name}.{key.name}" for part in fields(settings) for key in fields(getattr(settings, part.name))
    ]


def _from_file(environ: Mapping[str, str]) -> Iterator[tuple[str, str, Any]]:
    chosen = environ.get("DOLEN_CONFIG")
    path = Path(chosen) if chosen else DEFAULT_FILE
    if not chosen and not path.is_file():
        return
    try:
        parsed = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadSetting(f"DOLEN_CONFIG: {path} cannot be read: {error}") from error
    for section, values in parsed.items():
        if not isinstance(values, dict):
            raise BadSetting(f"{section}: is not a section; write [section] and then key = value")
        for key, value in values.items():
            yield section, key, value


def _from_environment(environ: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for name in sorted(environ):
        if name.startswith(PREFIX):
            section, _, key = name.removeprefix(PREFIX).lower().partition("__")
            yield section, key, environ[name]


def _kind(settings: Settings, section: str, key: str) -> type:
    part = getattr(settings, section, None) if section in {part.name for part in fields(Settings)} else None
    if part is None or key not in {known.name for known in fields(part)}:
        raise BadSetting(f"{section}.{key}: there is no such setting; known are {', '.join(names())}")
    kind: type = get_type_hints(type(part))[key]
    return kind


def _read(settings: Settings, section: str, key: str, text: str) -> Any:
    kind = _kind(settings, section, key)
    if kind is bool:
        if text not in ("true", "false"):
            raise BadSetting(f"{section}.{key}: must be true or false, not {text!r}")
        return text == "true"
    if kind is str:
        return text
    try:
        return kind(text)
    except ValueError as error:
        raise BadSetting(f"{section}.{key}: must be a number, not {text!r}") from error


def _with(settings: Settings, section: str, key: str, value: Any, environ: Mapping[str, str]) -> Settings:
    kind = _kind(settings, section, key)
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        raise BadSetting(f"{section}.{key}: must be of type {kind.__name__}, not {type(value).__name__}")
    if kind is str:
        value = _dereference(section, key, str(value), environ)
    part = replace(getattr(settings, section), **{key: value})
    return replace(settings, **{section: part})


def _dereference(section: str, key: str, value: str, environ: Mapping[str, str]) -> str:
    if value.startswith("env:"):
        found = environ.get(value.removeprefix("env:"))
        if not found:
            raise BadSetting(
                f"{section}.{key}: the environment variable {value.removeprefix('env:')} is not set"
            )
        return found
    if value.startswith("file:"):
        try:
            return Path(value.removeprefix("file:")).read_text("utf-8").rstrip("\r\n")
        except (OSError, ValueError) as error:
            raise BadSetting(
                f"{section}.{key}: the file {value.removeprefix('file:')} cannot be read"
            ) from error
    return value


def _no_plain_secret(section: str, key: str, value: Any) -> None:
    if (section, key) == ("database", "url") and isinstance(value, str) and urlsplit(value).password:
        raise BadSetting("database.url: a password does not belong in the file; write env:NAME or file:PATH")
    secret = (section, key) in (("oidc", "client_secret"), ("metrics", "token"))
    if secret and value and not str(value).startswith(("env:", "file:")):
        raise BadSetting(f"{section}.{key}: does not belong in the file; write env:NAME or file:PATH")


def _complete(settings: Settings) -> Settings:
    http, database = settings.http, settings.database
    if not 0 < http.port < 65536:
        raise BadSetting(f"http.port: must be 1 to 65535, not {http.port}")
    host = f"[{http.host}]" if ":" in http.host else http.host
    base_url = (http.base_url or f"http://{host}:{http.port}").rstrip("/")
    if urlsplit(base_url).scheme not in ("http", "https") or not urlsplit(base_url).hostname:
        raise BadSetting(
            f"http.base_url: must begin with http:// or https:// and name a host, not {base_url!r}"
        )
    try:
        [ip_network(network.strip()) for network in http.proxies.split(",") if network.strip()]
    except ValueError as error:
        raise BadSetting(f"http.proxies: addresses or networks with commas between them; {error}") from error
    if bool(settings.oidc.issuer) != bool(settings.oidc.client_id):
        raise BadSetting("oidc.issuer: needs oidc.client_id, and the other way round")
    url = database.url or f"sqlite:///{settings.folder / 'dolen.db'}"
    if not url.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
        raise BadSetting("database.url: must begin with sqlite:/// or postgresql://")
    if settings.log.level not in ("debug", "info", "warning", "error"):
        raise BadSetting("log.level: must be debug, info, warning or error")
    return replace(settings, http=replace(http, base_url=base_url), database=replace(database, url=url))
