"""Logs as JSON lines on standard error, each with the request it belongs to.

Rules: no secret, found by its value wherever it hides; no personal data: routes instead of paths, an error's
type and place instead of its words.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import Iterable, MutableMapping
from typing import Any

import structlog

TOKEN = re.compile(r"dol_(live|test)_[0-9A-Za-z]{8}_[0-9A-Za-z_-]{43}")
HIDDEN = "[secret]"
# Shorter values would blot out ordinary words.
SECRET_MIN = 6

_secrets: set[str] = set()
Line = MutableMapping[str, Any]


def hide(values: Iterable[str]) -> None:
    """From now on none of these values appears in a log line."""
    _secrets.update(value for value in values if len(value) >= SECRET_MIN)


def clean(text: str) -> str:
    """The text without tokens and without any value that was hidden."""
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return TOKEN.sub(HIDDEN, text)


def set_up(level: str = "info") -> None:
    """Send our log lines and those of the libraries through one renderer."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _place,
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _render],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("alembic").setLevel("WARNING")  # else a line for every look at the version
    logging.getLogger("apscheduler").setLevel("ERROR")  # a tick that waits for the one before changes nothing
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,  # first: what is not said costs nothing
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def log(name: str) -> structlog.stdlib.BoundLogger:
    """A logger; words as the event, facts as keywords: `log.info("request", status=200)`."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def alarm(name: str, account: str | None = None, **facts: object) -> None:
    """Something a person must look at, said once; what is wrong with an account stands on the account."""
    log("dolen.alarm").error(name, **({"account": account} if account else {}), **facts)


def _place(_logger: Any, _method: str, line: Line) -> Line:
    """An error as its type and the frames it came through: its words may hold somebody's data."""
    info = line.pop("exc_info", None)
    error = sys.exc_info()[1] if info is True else info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        line["error"] = f"{type(error).__module__}.{type(error).__qualname__}"
        line["frames"] = [
            f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)[-12:]
        ]
    return line


def _render(logger: Any, method: str, line: Line) -> str:
    line.pop("exc_text", None)
    rendered = structlog.processors.JSONRenderer(sort_keys=False)(logger, method, line)
    return clean(rendered if isinstance(rendered, str) else rendered.decode())
