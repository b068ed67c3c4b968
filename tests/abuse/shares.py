"""What some people can take of the calls that are for all."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from bot.domain.panel_answers import Limits
from bot.panel import RateLimited
from bot.workers.budget import Budget, NewKey
from bot.workers.call_counts import CallKind
from tests.abuse import Outcome, attack

_IP, _KEY = 300, 100


class _Time:
    """A clock that goes on when somebody sleeps."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.now += timedelta(seconds=seconds)


@attack(
    "three users send 20,000 orders each, a fourth asks for 20 balances",
    before="17 of 20 refused",
    bound="none refused",
)
async def lists_and_balances() -> Outcome:
    """Send all that the three keys and the address take, as the worker does, and then ask."""
    time = _Time()
    budget = Budget(time, _IP, _KEY, sleep=time.sleep)
    for account_id in (1, 2, 3):
        while not budget.blocked_until(account_id, CallKind.SEND):
            budget.spend(account_id, CallKind.SEND)
    refused = 0
    for _ in range(20):
        try:
            budget.ended(await budget.wait(4), Limits(), seconds=0.1)
        except RateLimited:
            refused += 1
    return Outcome(f"{refused} of 20 refused", held=refused == 0)


@attack("16 accounts without a key guess keys for a minute", before="all of the address's calls", bound="a fifteenth")
async def guesses() -> Outcome:
    """Guess as fast as one person may, sixteen times over."""
    time = _Time()
    budget = Budget(time, _IP, _KEY, sleep=time.sleep)
    begun, spent = time.now, 0
    for number in range(16 * 20):
        with suppress(RateLimited):
            budget.ended(await budget.wait(NewKey(number % 16)), Limits(), seconds=0.1)
            spent += time.now < begun + timedelta(minutes=1)
    return Outcome(f"{spent} of {_IP} calls", held=spent <= _IP // 15)
