"""Plays what happened before the demo begins, two days in some seconds: by the bot itself, on its own ledger."""

from collections.abc import Callable
from datetime import datetime, timedelta

from bot.app import App
from bot.demo.person import Person
from bot.demo.sample import Stage
from bot.domain.clock import utc_now

_STEP = timedelta(hours=1)
_LAST_EDIT = timedelta(minutes=14, seconds=15)
"""After a command: when its card is about to be out of reach, and says that it will not be updated any more."""


class StoryClock:
    """The present, or a time before it."""

    def __init__(self, behind: timedelta = timedelta()) -> None:
        self.behind = behind

    def __call__(self) -> datetime:
        """Return the time that it is in the story."""
        return utc_now() - self.behind


async def play(stage: Stage, app: App, person: Person, clock: StoryClock, clock_moved: Callable[[], None]) -> None:
    """Connect the key and make the stage's past requests, each at its time, up to the present."""
    for place, request in enumerate(stage.past):
        await _until(request.ago, app, clock, clock_moved)
        if place == 0:
            await person.connect(stage.key)
        await person.cancel(request.orders, sure=True)
        await _work(app)
        await _until(request.ago - _LAST_EDIT, app, clock, clock_moved)
    await _until(timedelta(), app, clock, clock_moved)


async def _until(behind: timedelta, app: App, clock: StoryClock, clock_moved: Callable[[], None]) -> None:
    """Let the bot work until the story is so much behind the present."""
    while clock.behind > behind:
        clock.behind = max(behind, clock.behind - _STEP)
        clock_moved()
        await _work(app)


async def _work(app: App) -> None:
    """Do what the bot's loops would do at this moment."""
    for _ in range(3):
        await app.scheduler.start_due()
        await app.scheduler.finish()
        await app.services.card_updater.deliver_due()
        await app.services.notification_sender.deliver_due()
