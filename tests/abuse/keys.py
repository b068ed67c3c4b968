"""What an API key can do to its user, and to others who hold it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.demo.panel import OrderStatus, Upstream
from bot.workers.refused_keys import Blame, RefusedKeys
from tests.abuse import Outcome, attack
from tests.wire.objects import ANN
from tests.wire.stage import KEY, stage

_OTHER = ANN + 1


@attack("one key under two Discord users, who both cancel 20 orders", before="every cancel twice", bound="each once")
async def one_key_two_users() -> Outcome:
    """At once, so that neither call has an answer when the other is to be made."""
    orders = [f"ord_{number}" for number in range(20)]
    with TemporaryDirectory() as folder:
        async with stage(Path(folder)) as here:
            for order in orders:
                here.panel.add_order(
                    KEY, order, status=OrderStatus.IN_PROGRESS, upstream=Upstream(after=timedelta(seconds=2))
                )
            await here.bot.start()
            for user in (ANN, _OTHER):
                connected = await here.discord.submit(await here.discord.slash("key set", by=user), KEY)
                await here.discord.until(lambda connected=connected: "Connected" in connected.text)
            cards = [await here.discord.slash("cancel", orders=" ".join(orders), by=user) for user in (ANN, _OTHER)]
            done = await here.comes_true(lambda: all("20 cancelled" in card.text for card in cards), 60)
    twice = sum(count > 1 for count in here.panel.cancel_requests.values())
    told = "" if done else ", but not both are told of all"
    return Outcome(f"{twice} of {len(orders)} orders twice{told}", held=not twice and done)


@attack("five seconds of HTML 401 from a proxy, for ten users", before="10 of 10 keys paused", bound="none is paused")
async def a_proxys_mood() -> Outcome:
    """The word of whoever answers, about each key, again and again."""
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    refused_keys, paused = RefusedKeys(lambda: now[0]), 0
    for _ in range(5):
        paused += sum(refused_keys.refused(number, number) is Blame.KEY for number in range(10))
        now[0] += timedelta(seconds=1)
    return Outcome(f"{paused} of 10 keys paused", held=not paused)
