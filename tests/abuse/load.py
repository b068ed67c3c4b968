"""Commands in one instant, each by another user: how many are answered while Discord takes an answer."""

from pathlib import Path
from tempfile import TemporaryDirectory

from tests.abuse import Outcome, attack
from tests.wire.stage import stage

_FIRST_USER = 10**17
_IN_TIME = 3.0  # seconds


async def _burst(commands: int) -> Outcome:
    with TemporaryDirectory() as folder:
        async with stage(Path(folder)) as here:
            await here.bot.start()
            users = (_FIRST_USER + 2 * number for number in range(commands))  # between them are their DMs
            asked = await here.discord.at_once(("queued", user) for user in users)
            await here.comes_true(lambda: all(one.answered_at for one in asked), _IN_TIME + 1)
            times = [one.answered_at - one.at for one in asked if one.answered_at]
            await here.comes_true(lambda: all(one.text for one in asked if one.answered_at))
            away = sum("too many people" in one.text for one in asked)
            served = sum("Connect" in one.text for one in asked)
            figures = (
                f"{len(times):,} answered in {max(times, default=0):.1f} s: {served:,} served, {away:,} turned away"
            )
            return Outcome(figures, held=len(times) == served + away == commands)


@attack("2,000 commands in one instant", before="1,000 answered", bound="all answered within 3 s")
async def two_thousand() -> Outcome:
    """Half of what two cores can do: this runs beside other things."""
    return await _burst(2_000)


@attack("4,000 commands in one instant", before="174 answered", bound="all answered within 3 s", slow=True)
async def four_thousand() -> Outcome:
    """About as many as two idle cores can answer."""
    return await _burst(4_000)
