"""Values inside JSON columns, asked alike on both databases: of what kind they are, what an array holds."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Double, Text, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class _Value(FunctionElement[Any]):
    """A named value in a JSON object where it is of this kind, else NULL. An index on the same expression serves it."""

    on_sqlite: tuple[str, ...] = ()
    on_postgresql = ""
    reads = ""  # how PostgreSQL makes of it what it is; {0} is the column, {1} the name

    def __init__(self, column: Any, name: str) -> None:
        # In the words of the statement and not beside it, or no index would be found.
        super().__init__(column, literal(name, Text(), literal_execute=True))


class json_number(_Value):
    inherit_cache = True
    type = Double()
    on_sqlite, on_postgresql, reads = ("integer", "real"), "number", "CAST({0} ->> {1} AS DOUBLE PRECISION)"


class json_text(_Value):
    inherit_cache = True
    type = Text()
    on_sqlite, on_postgresql, reads = ("text",), "string", "{0} ->> {1}"


class json_truth(_Value):
    inherit_cache = True
    type = Boolean()
    on_sqlite, on_postgresql, reads = ("true", "false"), "boolean", "CAST({0} ->> {1} AS BOOLEAN)"


class json_list(_Value):
    inherit_cache = True
    type = Text()
    on_sqlite, on_postgresql, reads = ("array",), "array", "{0} -> {1}"


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


@compiles(_Value, "postgresql")
def _value_postgresql(element: _Value, compiler: SQLCompiler, **how: Any) -> str:
    column, name = (compiler.process(clause, **how) for clause in element.clauses)
    read = element.reads.format(column, name)
    return f"(CASE WHEN jsonb_typeof({column} -> {name}) = '{element.on_postgresql}' THEN {read} END)"


@compiles(_Value, "sqlite")
def _value_sqlite(element: _Value, compiler: SQLCompiler, **how: Any) -> str:
    column, name = (compiler.process(clause, **how) for clause in element.clauses)
    kinds = ", ".join(f"'{kind}'" for kind in element.on_sqlite)
    path = f"'$.' || {name}"
    return f"(CASE WHEN json_type({column}, {path}) IN ({kinds}) THEN json_extract({column}, {path}) END)"


@compiles(array_has, "postgresql")
def _has_postgresql(element: array_has | array_has_word, compiler: SQLCompiler, **how: Any) -> str:
    array, text = (compiler.process(clause, **how) for clause in element.clauses)
    return f"jsonb_exists({array}, {text})"


@compiles(array_has, "sqlite")
def _has_sqlite(element: array_has, compiler: SQLCompiler, **how: Any) -> str:
    array, text = (compiler.process(clause, **how) for clause in element.clauses)
    return f"EXISTS (SELECT 1 FROM json_each({array}) WHERE json_each.value = {text})"
