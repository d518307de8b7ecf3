"""`dolen serve`: the API and the public pages on granian."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from . import wired


def arguments(parser: ArgumentParser) -> None:
    """Nothing beyond the settings."""


def run(args: Namespace) -> int:
    """Serve until told to stop."""
    wiring = wired()
    http = wiring.settings.http
    wiring.close()  # the server makes its own, in the process that answers
    Granian(
        "service.wsgi:app",
        address=http.host,
        port=http.port,
        interface=Interfaces.WSGI,
        blocking_threads=http.threads,
        log_level=LogLevels.error,
        workers_kill_timeout=10,
    ).serve()
    return 0
