"""Questions to the panel about more orders than one call takes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from pydantic import SecretStr

from bot.domain.panel_answers import Limits
from bot.panel import MAX_BATCH, Panel
from bot.services.gateway import Gateway
from bot.workers.call_counts import CallKind

Row = TypeVar("Row")
Rows = Mapping[str, Row]


async def ask_in_batches(
    gateway: Gateway,
    account_id: int,
    call: Callable[[Panel, SecretStr, Sequence[str]], Awaitable[tuple[Rows[Row], Limits]]],
    orders: Sequence[str],
    heard: Callable[[int, Sequence[str], Rows[Row] | Exception], Awaitable[bool]],
    kind: CallKind = CallKind.COMMAND,
) -> None:
    """Ask about the first batch alone, which tells whether the panel takes the key, and then about the rest at once.

    `heard` is told the position of a batch, its orders and what came of its call, one batch after the other as they
    end, and returns whether to go on. If not, what is under way is waited for, and nothing else is begun: a batch of
    which `heard` is told nothing was certainly not sent, unless `heard` has raised.
    """
    begun: set[int] = set()

    async def ask(first: int) -> Rows[Row] | Exception:
        def begin(panel: Panel, key: SecretStr) -> Awaitable[tuple[Rows[Row], Limits]]:
            begun.add(first)
            return call(panel, key, batch(first))

        try:
            return await gateway.call(account_id, begin, kind)
        except Exception as error:
            return error

    def batch(first: int) -> Sequence[str]:
        return orders[first : first + MAX_BATCH]

    if not await heard(0, batch(0), await ask(0)):
        return
    tasks = {asyncio.create_task(ask(first)): first for first in range(MAX_BATCH, len(orders), MAX_BATCH)}
    left = set(tasks)
    try:
        while left:
            done, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
            for task in sorted(done, key=tasks.__getitem__):
                if task.cancelled() or await heard(tasks[task], batch(tasks[task]), task.result()):
                    continue
                for waiting in left:
                    if tasks[waiting] not in begun:
                        waiting.cancel()
    finally:
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)
