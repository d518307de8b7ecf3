"""Runs the steps on the connection and for the tables that the process hands over."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy import JSON
from sqlalchemy.dialects.postgresql import JSONB

from campaigns.base import Instant


def plain(kind: str, item: Any, _autogen: Any) -> str | Literal[False]:
    """Write our column types as those of SQLAlchemy, so that a step never changes with the code."""
    if kind == "type" and isinstance(item, Instant):
        return "sa.BigInteger()"
    if kind == "type" and isinstance(item, JSON | JSONB):
        return "sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')"
    return False


def ours(name: str | None, kind: str, _parents: Any) -> bool:
    """Whether a step is about it: the full text indexes of SQLite are tables, and made anew after every upgrade."""
    return not (kind == "table" and (name or "").startswith("search_"))


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes["metadata"],
    include_name=ours,
    render_item=plain,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
