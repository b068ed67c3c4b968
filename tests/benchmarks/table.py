"""The table of ratios, and the figures in it."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import quantiles

from tests.wire.soak import table

Form = Callable[[float], str]

HEADS = ("", "this bot", "against", "ratio", "aim", "met?")


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    ours: str
    against: str = ""
    ratio: str = ""
    aim: str = ""
    met: str = ""

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells of this line."""
        return (self.what, self.ours, self.against, self.ratio, self.aim, self.met)


def versus(what: str, ours: float, other: float, named: str, form: Form, aim: float | None = None) -> Row:
    """Set a figure of this bot against another's; `aim`: the most that their ratio should be."""
    ratio = ours / other
    against = f"{form(other)}  {named}"
    times = f"{ratio:.2f} x" if ratio >= 0.1 else f"{ratio:.4f} x"
    if aim is None:
        return Row(what, form(ours), against, times)
    return Row(what, form(ours), against, times, f"<= {aim:.2f} x", _met(ratio <= aim))


def within(what: str, ours: float, most: float, form: Form) -> Row:
    """Set a figure of this bot against the most that it should be."""
    return Row(what, form(ours), aim=f"<= {form(most)}", met=_met(ours <= most))


def _met(met: bool) -> str:
    return "yes" if met else "NO"


def seconds(value: float) -> str:
    """Write a duration."""
    return f"{value * 1000:,.2f} ms" if value < 0.1 else f"{value:,.2f} s"


def megabytes(value: float) -> str:
    """Write an amount of memory."""
    return f"{value / 1e6:,.1f} MB"


def plain(value: float) -> str:
    """Write a count."""
    return f"{value:,.2f}"


def whole(value: float) -> str:
    """Write a number of things."""
    return f"{value:,.0f}"


def p99(values: Sequence[float]) -> float:
    """Return the value that 99 of 100 are below."""
    return quantiles(values, n=100, method="inclusive")[-1]


def show(rows: Sequence[Row]) -> None:
    """Print the table."""
    print(table([HEADS, *(row.cells for row in rows)]))


def tell(progress: str) -> None:
    """Say what is being measured, to whoever waits for it."""
    print(f"… {progress}", file=sys.stderr, flush=True)
