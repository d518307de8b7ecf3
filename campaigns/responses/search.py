"""Finding people, messages and what came back by their words, by the full text index that each database has.

Rules: words are compared without capitals, accents and marks, and every word typed may be the beginning of one.
SQLite keeps FTS5 tables by triggers, PostgreSQL indexes an expression; both follow the rows by themselves. What is
found first is cut to MATCHES, so that a word that half of all people share costs no more than a rare one.
Source: L11.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, column, event, select, text

from ..base import Base
from ..plain import BETWEEN, plain

MATCHES = 1000
WORDS_MAX = 8
WORD_MIN = 2


@dataclass(frozen=True, slots=True)
class Index:
    """What is searched: the index, the table it follows, and the columns whose words it holds."""

    name: str
    table: str
    columns: tuple[str, ...]

    def words(self, row: str) -> str:
        """The SQL of the words of one row."""
        whole = " || ' ' || ".join(f"{row}{column}" for column in self.columns)
        return f"dolen_plain({whole})"


PEOPLE = Index("search_people", "stakeholders", ("name",))
MESSAGES = Index("search_messages", "messages", ("name",))
VARIANTS = Index("search_variants", "variants", ("subject", "text"))
RESPONSES = Index("search_responses", "responses", ("from_name", "subject", "text"))
INDEXES = (PEOPLE, MESSAGES, VARIANTS, RESPONSES)


def ids(index: Index, typed: str, dialect: str) -> Select[int] | None:
    """The newest ids that hold every word that was typed; None where it holds no word long enough to look for."""
    wanted = [word for word in plain(typed).split() if len(word) >= WORD_MIN][:WORDS_MAX]
    if not wanted:
        return None
    if dialect == "sqlite":
        words = " ".join(f'"{word}"*' for word in wanted)
        found = f"SELECT rowid AS id FROM {index.name} WHERE words MATCH :words ORDER BY rowid DESC"
    else:
        words = " & ".join(f"'{word}':*" for word in wanted)
        vector = f"to_tsvector('simple', {index.words('')})"
        found = f"SELECT id FROM {index.table} WHERE {vector} @@ to_tsquery('simple', :words)"
    rows = text(f"{found} LIMIT {MATCHES}").bindparams(words=words).columns(column("id")).subquery()
    return select(rows.c.id)


def make(connection: Connection) -> None:
    """Make what is missing of the indexes, and fill it from the rows that are there."""
    for index in INDEXES:
        for statement in _sqlite(index) if connection.dialect.name == "sqlite" else _postgresql(index):
            connection.exec_driver_sql(statement)


def drop(connection: Connection) -> None:
    """Take away what SQLite would stumble over while a table is built anew; `make` puts it back."""
    if connection.dialect.name != "sqlite":
        return
    for index in INDEXES:
        for suffix in ("added", "removed", "changed"):
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {index.name}_{suffix}")
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {index.name}")
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {index.name}_source")


def _sqlite(index: Index) -> list[str]:
    name, table = index.name, index.table
    add = f"INSERT INTO {name}(rowid, words) VALUES (new.id, {index.words('new.')});"
    drop = f"INSERT INTO {name}({name}, rowid, words) VALUES ('delete', old.id, {index.words('old.')});"
    return [
        f"DROP TABLE IF EXISTS {name}",
        f"DROP VIEW IF EXISTS {name}_source",
        f"CREATE VIEW {name}_source AS SELECT id, {index.words('')} AS words FROM {table}",
        f"CREATE VIRTUAL TABLE {name} USING fts5(words, content='{name}_source', content_rowid='id', prefix='2 3')",
        f"INSERT INTO {name}({name}) VALUES ('rebuild')",
        f"DROP TRIGGER IF EXISTS {name}_added",
        f"DROP TRIGGER IF EXISTS {name}_removed",
        f"DROP TRIGGER IF EXISTS {name}_changed",
        f"CREATE TRIGGER {name}_added AFTER INSERT ON {table} BEGIN {add} END",
        f"CREATE TRIGGER {name}_removed AFTER DELETE ON {table} BEGIN {drop} END",
        f"CREATE TRIGGER {name}_changed AFTER UPDATE OF {', '.join(index.columns)} ON {table} BEGIN {drop} {add} END",
    ]


def _postgresql(index: Index) -> list[str]:
    between = BETWEEN.replace("'", "''").replace("-", "").replace("%", "%%")
    marks = "[\u0300-\u036f\u064b-\u065f\u0670]"
    bare = f"regexp_replace(normalize(lower($1), NFKD), '{marks}', '', 'g')"
    return [
        "CREATE OR REPLACE FUNCTION dolen_plain(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS "
        f"$dolen$ SELECT regexp_replace(translate({bare}, 'ىةـ', 'يه'), '[{between}\\s-]+', ' ', 'g') $dolen$",
        f"CREATE INDEX IF NOT EXISTS {index.name} ON {index.table} "
        f"USING gin (to_tsvector('simple', {index.words('')}))",
    ]


@event.listens_for(Base.metadata, "after_create")
def _with_the_tables(_metadata: Any, connection: Connection, **_more: Any) -> None:
    make(connection)
