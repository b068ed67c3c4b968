"""Ends a process that hangs, so that its supervisor begins another: no supervisor sees more than that it is there.

A hang loses nothing that was accepted: it ends as a power cut does (docs/reliability.md), with exit code 1.
"""

import asyncio
import faulthandler
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread, Timer
from typing import Any

from bot.ops.shutdown import exit_after

log = logging.getLogger(__name__)

HANGS_AFTER = 120
"""Seconds in which the event loop has not turned. Nothing that the bot does takes it for one."""
_WITHOUT_THREADS = 600
"""Seconds after which Python's own watchdog ends a process in which not even another thread gets its turn. It counts
those in which the process was halted as well: a container that is paused, a machine that sleeps."""
_EVERY = 10
_LAST_WORDS = 15
"""Seconds to end in order once work hangs; then the process ends anyway."""


class Hanging(Exception):
    """Work has not gone on for a quarter of an hour, though nothing outside the process explains it."""


async def watch(hanging: Callable[[], list[str]]) -> None:
    """Raise Hanging once something hangs, for as long as this is awaited; `hanging` names what does.

    Where the event loop itself does, a thread shows where each thread is, and ends the process.
    """
    turned, ended = Event(), Event()
    Thread(target=_look, args=(turned, ended), daemon=True, name="watchdog").start()
    try:
        while True:
            turned.set()
            if sys.stderr is not None:  # it was closed before the start
                faulthandler.dump_traceback_later(_WITHOUT_THREADS, exit=True)
            if found := hanging():
                waiting = "\n".join(sorted(map(_where, asyncio.all_tasks())))
                log.error("%s hangs; each task waits at:\n%s", ", ".join(found), waiting)
                last = Timer(_LAST_WORDS, _end)
                last.daemon = True
                last.start()
                raise Hanging(", ".join(found))
            await asyncio.sleep(_EVERY)
    finally:
        ended.set()
        faulthandler.cancel_dump_traceback_later()


def _look(turned: Event, ended: Event) -> None:
    """End the process once `turned` was not set for so many of this thread's own seconds: a halt is one of them."""
    silent = 0
    while not ended.wait(1):
        silent = 0 if turned.is_set() else silent + 1
        turned.clear()
        if silent >= HANGS_AFTER:
            _end()


def _end() -> None:
    exit_after(lambda: faulthandler.dump_traceback(all_threads=True), 1)


def _where(task: asyncio.Task[Any]) -> str:
    """Return through which lines a task has come to what it waits for: its own stack shows but the first of them."""
    lines, awaited = list[str](), task.get_coro()
    while frame := getattr(awaited, "cr_frame", None):
        lines.append(f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno} {frame.f_code.co_name}")
        awaited = getattr(awaited, "cr_await", None)
    return f"{task.get_name()}: {' > '.join(lines)}"
