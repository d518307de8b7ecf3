"""Values inside JSON columns, asked alike on both databases: of what kind they are, what an array holds."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class json_kind(FunctionElement[str]):
    """The kind of a named value in a JSON object: number, string, boolean, array, or something else."""

    inherit_cache = True
    type = Text()


class array_has(FunctionElement[bool]):
    """Whether a JSON array holds this text."""

    inherit_cache = True
    type = Boolean()


class array_has_word(FunctionElement[bool]):
    """Whether a JSON array holds this text of ASCII letters, digits and hyphens: as `array_has`, and many times faster.

    For such text SQLite need not read the array: it stands in it between quotes.
    """

    inherit_cache = True
    type = Boolean()


@compiles(array_has_word, "postgresql")
def _has_word_postgresql(element: array_has_word, compiler: SQLCompiler, **how: Any) -> str:
    return _has_postgresql(element, compiler, **how)


@compiles(array_has_word, "sqlite")
def _has_word_sqlite(element: array_has_word, compiler: SQLCompiler, **how: Any) -> str:
    column, text = (compiler.process(clause, **how) for clause in element.clauses)
    return f"(instr({column}, '\"' || {text} || '\"') > 0)"


@compiles(json_kind, "postgresql")
def _kind_postgresql(element: json_kind, compiler: SQLCompiler, **how: Any) -> str:
    column, name = (compiler.process(clause, **how) for clause in element.clauses)
    return f"jsonb_typeof({column} -> {name})"


@compiles(json_kind, "sqlite")
def _kind_sqlite(element: json_kind, compiler: SQLCompiler, **how: Any) -> str:
    column, name = (compiler.process(clause, **how) for clause in element.clauses)
    kinds = "WHEN 'integer' THEN 'number' WHEN 'real' THEN 'number' WHEN 'text' THEN 'string'"
    kinds += " WHEN 'true' THEN 'boolean' WHEN 'false' THEN 'boolean' WHEN 'array' THEN 'array'"
    return f"CASE json_type({column}, '$.' || {name}) {kinds} END"


@compiles(array_has, "postgresql")
def _has_postgresql(element: array_has | array_has_word, compiler: SQLCompiler, **how: Any) -> str:
    array, text = (compiler.process(clause, **how) for clause in element.clauses)
    return f"jsonb_exists({array}, {text})"


@compiles(array_has, "sqlite")
def _has_sqlite(element: array_has, compiler: SQLCompiler, **how: Any) -> str:
    array, text = (compiler.process(clause, **how) for clause in element.clauses)
    return f"EXISTS (SELECT 1 FROM json_each({array}) WHERE json_each.value = {text})"
