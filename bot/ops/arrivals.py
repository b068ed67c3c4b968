"""What a task is answering: an interaction or a message of Discord, known by its id in every line of the log."""

from contextvars import ContextVar
from dataclasses import dataclass
from time import monotonic


@dataclass(slots=True)
class _Arrival:
    id: int
    at: float
    unheard: bool = False


_answering: ContextVar[_Arrival | None] = ContextVar("answering", default=None)


def arrived(arrival_id: int) -> None:
    """Note what the current task, and every task that it starts, answers from now on; the first word counts."""
    known = _answering.get()
    if known is None or known.id != arrival_id:
        _answering.set(_Arrival(arrival_id, monotonic()))


def answered_id() -> int | None:
    """Return the id of what the current task answers."""
    arrival = _answering.get()
    return arrival and arrival.id


def waited() -> float:
    """Return for how many seconds whoever the current task answers has been waiting; 0 for a task of the bot's own."""
    arrival = _answering.get()
    return monotonic() - arrival.at if arrival else 0.0


def lose_answer() -> None:
    """Note that a call to Discord for what the current task answers has failed, but may have taken effect."""
    if arrival := _answering.get():
        arrival.unheard = True


def may_be_answered() -> bool:
    """Tell whether a call to Discord that failed may have answered what the current task answers."""
    arrival = _answering.get()
    return arrival is not None and arrival.unheard
