"""The request that a task answers: an interaction or a message of Discord. Its ID stands in every line of the log."""

from contextvars import ContextVar
from dataclasses import dataclass
from time import monotonic


@dataclass(slots=True)
class _Request:
    id: int
    began_at: float
    answer_lost: bool = False


_current: ContextVar[_Request | None] = ContextVar("request", default=None)


def begin_request(request_id: int) -> None:
    """Note what the current task, and every task that it starts, answers from now on; a second call changes nothing."""
    request = _current.get()
    if request is None or request.id != request_id:
        _current.set(_Request(request_id, monotonic()))


def request_id() -> int | None:
    """Return the ID of the request that the current task answers; None for a task of the bot's own."""
    request = _current.get()
    return request and request.id


def waited() -> float:
    """Return for how many seconds the user has been waiting; 0 in a task of the bot's own."""
    request = _current.get()
    return monotonic() - request.began_at if request else 0.0


def lose_answer() -> None:
    """Note that a call to Discord for this request has failed, but may have taken effect."""
    if request := _current.get():
        request.answer_lost = True


def may_be_answered() -> bool:
    """Tell whether a failed call to Discord may have answered this request."""
    request = _current.get()
    return request is not None and request.answer_lost
