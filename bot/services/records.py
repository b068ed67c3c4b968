"""What a user does with what is on record: check now, stop watching, look back, notification settings. No Discord."""

from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.accounts import AccountState
from bot.domain.clock import Clock
from bot.domain.errors import NoKey, NotOwner
from bot.domain.languages import Language
from bot.domain.states import State
from bot.ledger import (
    Cancellation,
    Checked,
    Keyring,
    Ledger,
    Listed,
    ListKind,
    Money,
    Past,
    Preferences,
    Reach,
    Reader,
    RequestTally,
    Writer,
)
from bot.services.keyring import usable, with_keys
from bot.services.keys import Accounts, PausedKey

MOST_DAYS = 365
"""How far back a history goes."""
CHECKS_PAUSE = timedelta(minutes=1)
"""How long after a user has had all checked they may have it again."""
FEW = 5
"""Orders of an overview that are shown one by one; of more their requests are."""
MOST_IN_TABLE = 100_000
"""Orders of a history that are told by request: each is read for that, a third of a second in all."""
_PAGE = 100


@dataclass(frozen=True, slots=True)
class OpenView:
    """What has not ended for a user, by request, the oldest first.

    `named`: the orders themselves by request, each as it stands, where there are few. `keys`: all of the user's.
    `reach`: how they hear of what ends.
    """

    requests: Sequence[RequestTally]
    named: Mapping[int, Sequence[tuple[State, str]]]
    keys: Keyring
    paused: tuple[PausedKey, ...]
    read_at: datetime
    reach: Reach = Reach.COMMAND

    @property
    def states(self) -> Counter[State]:
        """How many orders stand where."""
        return sum((Counter(request.states) for request in self.requests), Counter[State]())


@dataclass(frozen=True, slots=True)
class CheckNowView:
    """What is open, and since when it is being checked under which keys; or when it can be again."""

    open: OpenView
    asked_at: datetime
    begun: Sequence[int]
    again_at: datetime | None


@dataclass(frozen=True, slots=True)
class CheckedView:
    """What came of a check, and what is open after it."""

    open: OpenView
    checked: Checked
    at: datetime


@dataclass(frozen=True, slots=True)
class StoppedWatching:
    """How many orders are no longer watched, were not sent, and stay open: being sent, or named by another request."""

    not_watched: int
    not_sent: int
    under_way: int


@dataclass(frozen=True, slots=True)
class HistoryView:
    """How a user's orders ended in the last days, in one way or in any, and in which requests, the oldest first.

    `requests`: None of more than MOST_IN_TABLE orders. `named`: the orders themselves by request, where there are few.
    `money`: what came back, as far as that is proven. `again`: how often an order ended that had ended before.
    `keys`: all accounts of the user; `since`: when their records begin, where older orders of that time were deleted.
    """

    days: int
    outcome: State | None
    states: Counter[State]
    requests: Sequence[RequestTally] | None
    named: Mapping[int, Sequence[Cancellation]]
    count_open: int
    keys: Keyring
    read_at: datetime
    paused: tuple[PausedKey, ...] = ()
    money: Sequence[Money] = ()
    again: int = 0
    since: datetime | None = None


class Records:
    """The use cases around what the ledger remembers of a user."""

    def __init__(self, ledger: Ledger, accounts: Accounts, clock: Clock) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._clock = clock

    async def open_orders(self, user_id: int) -> OpenView:
        """Return what is still open for a user under any key; raise NoKey."""
        await self._accounts.stored(user_id)
        return await self._open(user_id)

    async def _open(self, user_id: int) -> OpenView:
        async def read_whole(read: Reader) -> OpenView:
            keys, reach = await read.accounts_of(user_id), await read.reach(user_id)
            requests = await read.open_by_request([one.id for one in keys], now)
            few = sum(request.count for request in requests) <= FEW
            named = {request.id: await _orders_of(read, request) for request in requests} if few else {}
            return OpenView(requests, named, keys, self._accounts.paused(keys), now, reach)

        now = self._clock()
        return await self._ledger.snapshot(read_whole)

    async def check_now(self, user_id: int) -> CheckNowView:
        """Have a user's open orders checked, as far as the limits allow, at most once a minute; raise NoKey."""
        await self._accounts.stored(user_id)
        begun, asked_at = list[int](), list[datetime]()
        async with self._ledger.write() as tx:
            now = tx.now
            for account in with_keys(await tx.accounts_of(user_id)):
                if account.state is not AccountState.ACTIVE:
                    continue
                if await tx.check_now(account.id, CHECKS_PAUSE):
                    begun.append(account.id)
                asked_at.append(usable(await tx.account(account.id)).checks_asked_at or now)
        again_at = max(asked_at) + CHECKS_PAUSE if asked_at else None
        return CheckNowView(await self._open(user_id), now, begun, again_at)

    async def is_being_checked(self, account_ids: Iterable[int], since: datetime) -> bool:
        """Tell whether a check that was asked for then is still under way under any of these usable keys."""
        read = self._ledger.read
        for id in account_ids:
            account = await read.account(id)
            if account and account.state is AccountState.ACTIVE and await read.is_being_checked(id, since):
                return True
        return False

    async def checked(self, user_id: int, account_ids: Sequence[int], since: datetime) -> CheckedView:
        """Return what came of checking a user's orders under these keys since then."""
        checked = await self._ledger.read.checked_since(account_ids, since)
        return CheckedView(await self._open(user_id), checked, self._clock())

    async def stop_watching(self, user_id: int, request_id: int | None = None) -> StoppedWatching:
        """End all that is open for a user under any key, or of one request, but for what is being sent.

        Raise NoKey, or NotOwner for a request that is not theirs.
        """
        keys = await self._accounts.stored(user_id)
        async with self._ledger.write() as tx:
            if request_id is not None:
                return await _stop_request(tx, user_id, request_id)
            not_watched = not_sent = under_way = 0
            for account in keys:
                watched, waiting = await tx.stop_watching(account.id)
                not_watched, not_sent = not_watched + watched, not_sent + waiting
                under_way += await tx.count_started(account.id)
        return StoppedWatching(not_watched, not_sent, under_way)

    async def history(self, user_id: int, outcome: State | None, days: int) -> HistoryView:
        """Return how a user's orders ended in the last days, also after their key was removed; raise NoKey if never."""

        async def read_whole(read: Reader) -> HistoryView:
            keys = await read.accounts_of(user_id)
            if not keys:
                raise NoKey
            ids = [one.id for one in keys]
            states = await read.tally_of_history(ids, past)
            tabled = states.total() <= MOST_IN_TABLE
            pruned = max((one.pruned_until for one in keys if one.pruned_until), default=past.since)
            return HistoryView(
                days,
                outcome,
                states,
                await read.history_by_request(ids, past) if tabled else None,
                await _ended(read, ids, past) if states.total() <= FEW else {},
                sum([await read.count_open(one) for one in ids]),
                keys,
                now,
                self._accounts.paused(keys),
                await read.money_of_history(ids, past) if tabled else (),
                await read.count_ended_again(ids, past) if tabled else 0,
                pruned if pruned > past.since else None,
            )

        now, past = self._clock(), self._past(outcome, days)
        return await self._ledger.snapshot(read_whole)

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


async def _orders_of(read: Reader, request: RequestTally) -> Sequence[tuple[State, str]]:
    """Return the open orders that a request holds, of few: those that are started, then those that are not."""
    page = await read.page(ListKind.OPEN, request.account_id, -1, FEW)
    started = [one.cancellation for one in page if one.cancellation and one.cancellation.request_id == request.id]
    unsent = await read.waiting_orders(request.id, FEW)
    return [*((one.shown_as, one.order_id) for one in started), *((State.REQUESTED, order) for order in unsent)]


async def _ended(read: Reader, account_ids: Sequence[int], past: Past) -> Mapping[int, Sequence[Cancellation]]:
    """Return the few orders of a history by request."""
    named = defaultdict[int, list[Cancellation]](list)
    for line in await read.page_of_history(account_ids, past, -1, FEW):
        if line.cancellation:
            named[line.cancellation.request_id].append(line.cancellation)
    return named


async def _stop_request(tx: Writer, user_id: int, request_id: int) -> StoppedWatching:
    request = await tx.request(request_id)
    if request is None or request.user_id != user_id:
        raise NotOwner
    not_watched, not_sent = await tx.stop_watching_request(request)
    return StoppedWatching(not_watched, not_sent, await tx.count_open_of_request(request_id))
