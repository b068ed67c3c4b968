"""The wish to end: SIGTERM and Ctrl-C, heard from the process's first line on, and obeyed within ten seconds.

bot/__main__.py listens before it imports anything that takes time, so nothing here imports much. As a container's
first process the bot would not even die of a SIGTERM that it does not listen for.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_PATIENCE = 9.5
"""Seconds. Docker kills ten seconds after SIGTERM: by then whatever still hangs is left to the next start."""

_heard: int | None = None
_obey: Callable[[], object] | None = None


def listen() -> None:
    """Note the wish to end from here on, in place of dying of it."""
    for number in _SIGNALS:
        signal.signal(number, _hear)


def stop_listening() -> None:
    """Leave it to Python what a signal does, also to one that came since `listen`: for commands that just break off."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if _heard is not None:
        signal.raise_signal(_heard)


def obey(stop: Callable[[], object]) -> None:
    """Have something called at each signal, and at once where one has come already.

    It is called between any two steps of the main thread, so it may do no more than wake an event loop.
    """
    global _obey
    _obey = stop
    if _heard is not None:
        _end()


def _hear(number: int, _: FrameType | None) -> None:
    global _heard
    _heard = number
    _end()


def _end() -> None:
    if _obey is not None:
        with suppress(RuntimeError):  # the loop is closed already, so that the end is near
            _obey()
        watchdog = threading.Timer(_PATIENCE, _give_up)
        watchdog.daemon = True
        watchdog.start()


def _give_up() -> None:
    # Like a power cut, which costs nothing that was accepted (docs/reliability.md), but with an exit code of our own.
    print("ended without waiting any longer for what was under way; the next start goes on with it", file=sys.stderr)
    os._exit(0)
