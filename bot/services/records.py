"""What a user does with what is on record: check now, stop watching, look back, notification settings. No Discord."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.clock import Clock
from bot.domain.languages import Language
from bot.domain.states import State
from bot.ledger import Groups, Keyring, Ledger, Listed, Past, Preferences
from bot.services.keyring import in_use, usable
from bot.services.keys import Accounts, OpenView

MOST_DAYS = 365
"""How far back a history goes."""
CHECKS_PAUSE = timedelta(minutes=1)
"""How long after a user has had all checked they may have it again."""
_PAGE = 100


@dataclass(frozen=True, slots=True)
class CheckNowView:
    """What is open, whether it has just been made due for a check, and when it can be again."""

    open: OpenView
    begun: bool
    again_at: datetime


@dataclass(frozen=True, slots=True)
class StoppedWatching:
    """How many orders are no longer watched, were not sent, and are being sent at this moment, so that they stay."""

    not_watched: int
    not_sent: int
    under_way: int


@dataclass(frozen=True, slots=True)
class HistoryView:
    """How a user's orders ended in the last days, in one way or in any; and how many have not.

    `keys`: all accounts of the user; `since`: when their records begin, where older orders of that time were deleted.
    """

    days: int
    outcome: State | None
    groups: Groups
    count_open: int
    keys: Keyring
    since: datetime | None = None


class Records:
    """The use cases around what the ledger remembers of a user."""

    def __init__(self, ledger: Ledger, accounts: Accounts, clock: Clock) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._clock = clock

    async def check_now(self, user_id: int) -> CheckNowView:
        """Have a user's open orders checked, as far as the limits allow, at most once a minute.

        Raise NoKey or KeyPaused.
        """
        asked_at, begun = list[datetime](), False
        async with self._ledger.write() as tx:
            for account in in_use(await tx.accounts_of(user_id)):
                begun = await tx.check_now(account.id, CHECKS_PAUSE) or begun
                asked_at.append(usable(await tx.account(account.id)).checks_asked_at or tx.now)
        return CheckNowView(await self._accounts.open_orders(user_id), begun, max(asked_at) + CHECKS_PAUSE)

    async def stop_watching(self, user_id: int) -> StoppedWatching:
        """End all that is open for a user under any key, but for what is being sent; raise NoKey."""
        not_watched = not_sent = under_way = 0
        keys = await self._accounts.stored(user_id)
        async with self._ledger.write() as tx:
            for account in keys:
                watched, waiting = await tx.stop_watching(account.id)
                not_watched, not_sent = not_watched + watched, not_sent + waiting
                under_way += await tx.count_started(account.id)
        return StoppedWatching(not_watched, not_sent, under_way)

    async def history(self, user_id: int, outcome: State | None, days: int) -> HistoryView:
        """Return how a user's orders ended in the last days; a key is not needed for that."""
        read, past = self._ledger.read, self._past(outcome, days)
        keys = await read.accounts_of(user_id)
        groups = await read.history_groups([one.id for one in keys], past)
        pruned = max((one.pruned_until for one in keys if one.pruned_until), default=past.since)
        since = pruned if pruned > past.since else None
        return HistoryView(days, outcome, groups, await self._count_open(keys), keys, since)

    async def history_rows(self, user_id: int, outcome: State | None, days: int) -> AsyncGenerator[list[Listed]]:
        """Yield all of a user's history, page by page, the newest first."""
        read, past = self._ledger.read, self._past(outcome, days)
        accounts, after = [one.id for one in await read.accounts_of(user_id)], -1
        while accounts and (page := await read.page_of_history(accounts, past, after, _PAGE)):
            yield page
            after = page[-1].cursor

    async def count_history(self, user_id: int, outcome: State | None, days: int) -> int:
        """Return how many orders `history_rows` yields."""
        accounts = [one.id for one in await self._ledger.read.accounts_of(user_id)]
        return await self._ledger.read.count_of_history(accounts, self._past(outcome, days))

    def _past(self, outcome: State | None, days: int) -> Past:
        return Past(self._clock() - timedelta(days=min(days, MOST_DAYS)), outcome)

    async def preferences(self, user_id: int) -> Preferences:
        """Return how a user wants to hear from the bot."""
        return await self._ledger.read.preferences(user_id)

    async def language_of(self, user_id: int) -> Language:
        """Return the language to write to a user in, where no client of theirs tells."""
        return await self._ledger.read.language_of(user_id)

    async def prefer(self, user_id: int, change: Callable[[Preferences], Preferences]) -> Preferences:
        """Change how a user wants to hear from the bot, and return how that is now; a key is not needed for it.

        What waited for the end of a request, and need not any longer, goes out in the next message.
        """
        async with self._ledger.write() as tx:
            wanted = change(await tx.preferences(user_id))
            await tx.save_preferences(user_id, wanted)
        return wanted

    async def _count_open(self, keys: Keyring) -> int:
        return sum([await self._ledger.read.count_open(one.id) for one in keys])
