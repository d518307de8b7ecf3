"""The fields and schemas that every resource of /v1 is described with.

Rules: unknown fields are refused; numbers are numbers and flags are flags, never words that look like them;
ids are integers inside and prefixed texts outside; a time without an offset is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import marshmallow as ma

from campaigns.base import parse_id, public_id
from campaigns.errors import BadId

from ..ids import PREFIXES
from ..paging import LIMIT_DEFAULT, LIMIT_MAX

RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?([Zz]|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})", re.ASCII)
OFFSET_MAX = timedelta(hours=14)
NAME_MAX = 200
TEXT_MAX = 100_000


class Schema(ma.Schema):
    """The base of every request and answer; a field that is not declared is refused."""

    class Meta:
        unknown = ma.RAISE


class Id(ma.fields.String):
    """The id of one kind: `Id("stakeholder")` takes and gives `stk_…`, and is an integer in Python."""

    def __init__(self, kind: str, **kwargs: Any) -> None:
        self.prefix = PREFIXES[kind]
        super().__init__(metadata={"pattern": id_pattern(self.prefix)} | kwargs.pop("metadata", {}), **kwargs)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else public_id(self.prefix, value)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        try:
            return parse_id(self.prefix, super()._deserialize(value, attr, data, **kwargs))
        except BadId as error:
            raise ma.ValidationError(error.detail) from error


class Text(ma.fields.String):
    """Text of 1 to `longest` characters; `empty=True` allows none."""

    def __init__(self, longest: int = NAME_MAX, *, empty: bool = False, **kwargs: Any) -> None:
        super().__init__(validate=ma.validate.Length(min=0 if empty else 1, max=longest), **kwargs)


class Choice(ma.fields.String):
    """One word of a closed list."""

    def __init__(self, words: tuple[str, ...] | list[str], **kwargs: Any) -> None:
        super().__init__(validate=ma.validate.OneOf(words, error="must be one of: {choices}"), **kwargs)


class Amount(ma.fields.Float):
    """A JSON number above 0; "1" and true are none."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=ma.validate.Range(min=0, min_inclusive=False), **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        if type(value) not in (int, float):
            raise self.make_error("invalid")
        return value


class Whole(ma.fields.Integer):
    """A JSON integer in a range; 1.0, "1" and true are none."""

    def __init__(self, low: int | None = None, high: int | None = None, **kwargs: Any) -> None:
        super().__init__(strict=True, validate=ma.validate.Range(min=low, max=high), **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        if type(value) is not int:
            raise self.make_error("invalid")
        return value


class QueryWhole(ma.fields.Integer):
    """An integer in the query, written plainly."""

    def __init__(self, low: int | None = None, high: int | None = None, **kwargs: Any) -> None:
        super().__init__(strict=True, validate=ma.validate.Range(min=low, max=high), **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        if not isinstance(value, str) or not WHOLE.fullmatch(value):
            raise self.make_error("invalid")
        return int(value)


class Flag(ma.fields.Boolean):
    """JSON true or false; no word or number that could mean it."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        if not isinstance(value, bool):
            raise self.make_error("invalid")
        return value


class QueryFlag(ma.fields.Boolean):
    """`true` or `false` in the query."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        if value not in ("true", "false"):
            raise self.make_error("invalid")
        return value == "true"


class Time(ma.fields.AwareDateTime):
    """RFC 3339 with an offset in; UTC with `Z` out."""

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        if not isinstance(value, str) or not RFC3339.fullmatch(value):
            raise ma.ValidationError("must be a time with its offset, such as 2027-03-28T09:00:00+01:00")
        try:
            at = datetime.fromisoformat(value.upper())
            if abs(at.utcoffset() or timedelta()) > OFFSET_MAX or not 1900 <= at.year < 2200:
                raise ValueError
            return at.astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise ma.ValidationError("there is no such time") from error


class Day(ma.fields.Date):
    """A calendar day as YYYY-MM-DD."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        if not isinstance(value, str) or not DAY.fullmatch(value):
            raise self.make_error("invalid", input=value, obj_type="date")
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise ma.ValidationError("there is no such day") from error


class PageQuery(Schema):
    """What every list takes; subclass it to add filters."""

    limit = QueryWhole(1, LIMIT_MAX, load_default=LIMIT_DEFAULT)
    after = ma.fields.String(load_default=None, metadata={"description": "the `next` of an earlier answer"})
    before = ma.fields.String(
        load_default=None, metadata={"description": "the `previous` of an earlier answer"}
    )

    @ma.validates_schema
    def _one_way(self, data: Mapping[str, Any], **kwargs: Any) -> None:
        if data.get("after") is not None and data.get("before") is not None:
            raise ma.ValidationError("give `after` or `before`, not both", "before")


class Made(Schema):
    """What every edited row shows besides its own fields."""

    created_at = Time(required=True)
    updated_at = Time(required=True)


@cache
def page_of(schema: type[Schema]) -> type[Schema]:
    """The schema of one page of a list."""
    return Schema.from_dict(  # type: ignore[return-value]
        {
            "data": ma.fields.List(ma.fields.Nested(schema), required=True),
            "has_more": ma.fields.Boolean(required=True),
            "next": ma.fields.String(required=True, allow_none=True),
            "previous": ma.fields.String(required=True, allow_none=True),
        },
        name=f"{schema.__name__}Page",
    )


def id_pattern(prefix: str) -> str:
    """What an id of this prefix looks like, as a regular expression."""
    return f"^{prefix}_[0-7][0-9A-HJKMNP-TV-Z]{{12}}$"
