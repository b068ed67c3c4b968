"""Ends a process that hangs, so that its supervisor begins another: no supervisor sees more than that it is there.

A hang loses nothing that was accepted: it ends as a power cut does (docs/reliability.md), with exit code 1.
"""

import asyncio
import faulthandler
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

HANGS_AFTER = 120
"""Seconds in which the event loop has not turned. Nothing that the bot does takes it for one."""
_EVERY = 10
_LAST_WORDS = 15
"""Seconds to end in order once work hangs; then the process ends anyway."""


class Hanging(Exception):
    """Work has not gone on for a quarter of an hour, though nothing outside the process explains it."""


async def watch(hanging: Callable[[], list[str]]) -> None:
    """Raise Hanging once something hangs, for as long as this is awaited; `hanging` names what does.

    Where the event loop itself does, Python's own watchdog prints where each thread is, and ends the process.
    """
    try:
        while True:
            faulthandler.dump_traceback_later(HANGS_AFTER, exit=True)
            if found := hanging():
                waiting = "\n".join(sorted(map(_where, asyncio.all_tasks())))
                log.error("%s hangs; each task waits at:\n%s", ", ".join(found), waiting)
                raise Hanging(", ".join(found))
            await asyncio.sleep(_EVERY)
    except Hanging:
        faulthandler.dump_traceback_later(_LAST_WORDS, exit=True)
        raise
    except asyncio.CancelledError:
        faulthandler.cancel_dump_traceback_later()
        raise


def _where(task: asyncio.Task[Any]) -> str:
    """Return through which lines a task has come to what it waits for: its own stack shows but the first of them."""
    lines, awaited = list[str](), task.get_coro()
    while frame := getattr(awaited, "cr_frame", None):
        lines.append(f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno} {frame.f_code.co_name}")
        awaited = getattr(awaited, "cr_await", None)
    return f"{task.get_name()}: {' > '.join(lines)}"
