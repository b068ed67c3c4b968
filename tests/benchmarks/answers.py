"""How soon a command is acknowledged: this bot against the bare one, in turn.

The time runs in the stand-in, from just before it sends INTERACTION_CREATE for a /cancel until it has read the call
that acknowledges it; over real sockets, to real processes. Both get the same command at the same pace.

At rest: every command is for an order of its own, which this bot cancels, looks at and reports in full before
the next command comes to either; each command thus finds its bot idle. At work: this bot is going through a list
of 100,000 orders, without limits, while the commands come (the bare bot has nothing to be busy with).
"""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from statistics import median

from tests.benchmarks.sides import Sides, add_orders, ask_for_list, sides, unlimited_panel
from tests.benchmarks.table import Row, p99, seconds, show, tell, versus
from tests.wire.process import BotProcess
from tests.wire.stage import KEY
from tests.wire.stand_in import Interaction

PANEL_LATENCY = 0.02  # seconds; enough for a card to be shown before its order is settled
PAUSE = 0.02  # seconds, for what a bot does after the last answer that can be seen
WARM_UP = 20


@dataclass
class Delays:
    """Seconds from dispatch to acknowledgement."""

    ours: list[float] = field(default_factory=list[float])
    bare: list[float] = field(default_factory=list[float])

    def rows(self, when: str, aim: float | None = None) -> list[Row]:
        """Return the lines of the table."""
        return [
            versus(f"acknowledgement {when}, median", median(self.ours), median(self.bare), "bare bot", seconds, aim),
            versus(f"acknowledgement {when}, p99", p99(self.ours), p99(self.bare), "bare bot", seconds),
        ]


class Commands:
    """Gives commands to both bots in turn."""

    def __init__(self, both: Sides) -> None:
        self._both = both
        self._numbers = count()

    async def rounds(
        self, most: int, go_on: Callable[[], bool], settled: Callable[[Interaction], Awaitable[None]]
    ) -> Delays:
        """Give each bot a command a round; `settled` waits for what comes of this bot's."""
        delays = Delays()
        for number in range(most):
            if not go_on():
                break
            for bot in self._both.in_turn(number):
                asked = await self._cancel(bot)
                (delays.bare if bot is self._both.bare else delays.ours).append(_delay(asked))
                if bot is not self._both.bare:
                    await settled(asked)
                await asyncio.sleep(PAUSE)
        return delays

    async def _cancel(self, bot: BotProcess) -> Interaction:
        order = f"ord_single{next(self._numbers)}"
        self._both.here.panel.add_order(KEY, order)
        return await bot.discord.slash("cancel", orders=order)


def _delay(asked: Interaction) -> float:
    assert asked.answered_at
    return asked.answered_at - asked.at


async def measure(rounds: int = 400, orders: int = 100_000) -> list[Row]:
    """Give so many commands to each bot at rest, then as many as fit beside a list; return the lines of the table."""
    async with sides(unlimited_panel(PANEL_LATENCY)) as both:
        for bot in both.in_turn(0):
            await bot.start(**({} if bot is both.bare else {"WIRE_PATIENT": "1"}))
        commands = Commands(both)
        await _at_rest(both, commands, WARM_UP)
        tell(f"{2 * rounds} commands at rest")
        rest = await _at_rest(both, commands, rounds)
        tell(f"commands beside a list of {orders:,} orders")
        work = await _at_work(both, commands, rounds, orders)
    return [*rest.rows("at rest", aim=1.2), *work.rows("at work")]


async def _at_rest(both: Sides, commands: Commands, rounds: int) -> Delays:
    async def told(asked: Interaction) -> None:
        await both.here.discord.until(lambda: "1 cancelled" in asked.text)

    return await commands.rounds(rounds, lambda: True, told)


async def _at_work(both: Sides, commands: Commands, rounds: int, orders: int) -> Delays:
    async def nothing(_: Interaction) -> None:
        pass

    both.here.panel.latency = 0.1
    question = await ask_for_list(both.here, add_orders(both.here.panel, "list", orders))
    card = await both.here.discord.press(question, "np:confirm:*")
    return await commands.rounds(rounds, lambda: f"{orders:,} cancelled" not in card.text, nothing)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=400)
    show(asyncio.run(measure(parser.parse_args().rounds)))
