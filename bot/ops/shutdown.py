"""Shutdown at SIGTERM and Ctrl-C: noted from the process's first line on, done within ten seconds.

bot/__main__.py calls `listen` before the slow imports, so nothing here imports much. As a container's first process the
bot would not even die of a SIGTERM that it does not handle.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_PATIENCE = 9
"""Seconds. Docker kills ten seconds after SIGTERM: by then whatever still hangs is left to the next start."""

_TO_SAY = 0.5
"""Seconds for the last words."""

_received: int | None = None
_callback: Callable[[], object] | None = None


def listen() -> None:
    """Note SIGTERM and SIGINT from here on, instead of dying of them."""
    for number in _SIGNALS:
        signal.signal(number, _receive)


def stop_listening() -> None:
    """Let signals end a command where it is, also one that came since `listen`; what it was writing is removed."""
    # By itself SIGTERM would end the process at once, or not at all if it is a container's first.
    signal.signal(signal.SIGTERM, _break_off)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if _received is not None:
        signal.raise_signal(_received)


def on_signal(callback: Callable[[], object]) -> None:
    """Call a function at each signal, and at once where one has come already.

    It is called between any two steps of the main thread, so it may do no more than wake an event loop.
    """
    global _callback
    _callback = callback
    if _received is not None:
        _shut_down()


def goes_on(watched: int, unsent: int, *, shared: bool) -> str:
    """Return what becomes of open orders and of cancels not sent yet, in a sentence; empty where there are none."""
    orders = f"{watched:,} order{'s are' if watched > 1 else ' is'} watched again"
    cancels = f"{unsent:,} cancel{'s' if unsent > 1 else ''} not sent yet {'go' if unsent > 1 else 'goes'} on"
    parts = [part for count, part in ((watched, orders), (unsent, cancels)) if count]
    where = "in the other processes, or at the next start" if shared else "at the next start"
    return f"{', and '.join(parts)} {where}." if parts else ""


def _break_off(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)


def _receive(number: int, _: FrameType | None) -> None:
    global _received
    _received = number
    _shut_down()


def _shut_down() -> None:
    if _callback is not None:
        with suppress(RuntimeError):  # the loop is closed already, so that the end is near
            _callback()
        watchdog = threading.Timer(_PATIENCE, _exit_now)
        watchdog.daemon = True
        watchdog.start()


def exit_after(say: Callable[[], object], code: int) -> None:
    """End the process as a power cut does, which costs nothing that was accepted (docs/reliability.md).

    Something is said before, but not waited for: it may be that nobody reads what is written.
    """
    saying = threading.Thread(target=say, daemon=True)
    saying.start()
    saying.join(_TO_SAY)
    os._exit(code)


def _exit_now() -> None:
    words = "ended without waiting any longer for what was under way; the next start goes on with it"
    exit_after(lambda: print(words, file=sys.stderr), 0)
