"""Webhooks: a call from outside makes a user's own open orders due for a status check, and does nothing else.

An address is a secret of 256 bits, and only a hash of it is kept. Whoever knows it may call it: a call proves nothing,
so no signature is checked. Order IDs in it that are open, and belong to the user of that address, are checked a little
earlier. The caller gets the answer before the address is looked up or the body is read, so the answer and its time
reveal nothing.

The cost of calls is limited, whoever makes them and however many: a number of calls a minute is read, for one address
and for all; up to a hundred orders of one user are made due every five seconds, and one user a second. The status
checks are paid for from the budget for watching.
"""

import asyncio
import hashlib
import re
import secrets
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Protocol

from bot.domain.clock import Clock
from bot.domain.errors import NoWebhooks, RegistrationUnderWay, UserErased
from bot.ledger import Ledger, LedgerError, LedgerUnsure, Webhook
from bot.panel import MAX_BATCH, PanelError
from bot.services.keys import Accounts
from bot.services.panel_calls import PanelCalls
from bot.workers.tasks import WakeEvent, repeat

EVENTS = ("order.completed", "order.failed", "order.refunded")
"""Those that a cancel may end with (NotPanel docs)."""
MOST_OF_ONE, MOST_OF_ALL = 120, 600
"""Calls a minute that are read: of one address, whether it is anybody's or not, and of all."""
MOST_WAITING = 100
"""Calls that may wait to be read."""
MOST_GATHERED = 300
"""Orders of one user that may wait to be made due; more are found when their turn comes."""
USER_EVERY, ANY_EVERY = timedelta(seconds=5), timedelta(seconds=1)
"""How often orders are made due: of one user, and of anybody."""
_MINUTE = timedelta(minutes=1)
_IDLE = timedelta(minutes=1)
_PATH = "/hooks/"
_MOST_NAMED = 10 * MAX_BATCH
_ORDER = re.compile(rb'\b(ord_[0-9a-z]{1,64})\b|"order(?:_?id)?" {0,8}: {0,8}"?([0-9]{1,20})\b', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Registered:
    """A new address that the panel was asked to call; `clear`: it answered, and without an error."""

    address: str
    clear: bool


@dataclass(slots=True)
class _Gathered:
    """The orders that calls have named since orders of this user were last made due."""

    webhook: Webhook
    free_at: datetime
    orders: dict[str, None] = field(default_factory=dict[str, None])
    arrived_at: datetime | None = None


class Counts(Protocol):
    """What is counted for the operator."""

    def webhook_called(self, outcome: str) -> None:
        """Count a call to a webhook address."""

    def webhook_made_due(self, orders: int) -> None:
        """Count orders whose status check webhooks have brought forward."""


class _Gate:
    """Counts calls by the minute; holds at most as many names as calls are let through."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock()
        self._of_one: Counter[bytes] = Counter()
        self._of_all = 0

    def admits(self, name: bytes) -> bool:
        """Count a call, and tell whether it is to be read."""
        now = self._clock()
        if not self._began <= now < self._began + _MINUTE:  # over, or the clock was set back
            self._began, self._of_all = now, 0
            self._of_one.clear()
        if self._of_all >= MOST_OF_ALL or self._of_one[name] >= MOST_OF_ONE:
            return False
        self._of_all += 1
        self._of_one[name] += 1
        return True


class Webhooks:
    """The use cases around a user's address, and what becomes of calls to one."""

    def __init__(
        self,
        ledger: Ledger,
        accounts: Accounts,
        calls: PanelCalls,
        clock: Clock,
        counts: Counts,
        *,
        public_url: str | None,
    ) -> None:
        """`public_url`: where this bot is reached from outside; None where it is not."""
        self.bell = WakeEvent()
        self._ledger = ledger
        self._accounts = accounts
        self._calls = calls
        self._clock = clock
        self._counts = counts
        self._base = public_url and public_url.rstrip("/") + _PATH
        self._registering: set[int] = set()
        self._gate = _Gate(clock)
        self._arrived: deque[tuple[bytes, bytes]] = deque()  # the address's hash, and the body
        self._gathered: dict[int, _Gathered] = {}
        self._free_at = clock()

    @property
    def is_on(self) -> bool:
        """Tell whether anybody can have an address."""
        return self._base is not None

    async def show(self, user_id: int) -> Webhook | None:
        """Return a user's webhook, if they have one; raise NoWebhooks."""
        self._need_base()
        return await self._ledger.read.webhook_of(user_id)

    async def make(self, user_id: int) -> str:
        """Give a user a new address, in place of any other; it cannot be shown again.

        Raise NoWebhooks, NoKey, or UserErased where the key is gone by now.
        """
        base = self._need_base()
        await self._accounts.stored(user_id)
        token = _new_token()
        await self._save(user_id, token)
        return base + token

    async def register(self, user_id: int) -> Registered:
        """Give a user a new address and have the panel call it, with their key.

        Raise NoWebhooks, NoKey, KeyPaused, UserErased, RegistrationUnderWay, or a PanelError after which the panel
        certainly calls nothing new and an earlier address is as it was. With LedgerUnsure it may call an address that
        is not known here.
        """
        base = self._need_base()
        if user_id in self._registering:
            raise RegistrationUnderWay
        self._registering.add(user_id)
        try:
            return await self._register(user_id, base)
        finally:
            self._registering.discard(user_id)

    async def _register(self, user_id: int, base: str) -> Registered:
        token, clear = _new_token(), True
        try:
            await self._calls.add_webhook(user_id, base + token, EVENTS)
        except PanelError as error:
            if not error.may_have_acted:
                raise
            clear = False
        try:
            await self._save(user_id, token)
        except LedgerError as error:
            raise LedgerUnsure(f"(a webhook that the panel was asked for: {error})") from error
        return Registered(base + token, clear)

    async def turn_off(self, user_id: int) -> bool:
        """Forget a user's address; False where there was none."""
        async with self._ledger.write() as tx:
            erased = await tx.erase_webhook(user_id)
        await self._ledger.forget_deleted()
        return erased

    async def _save(self, user_id: int, token: str) -> None:
        async with self._ledger.write() as tx:
            if not await tx.save_webhook(user_id, _hashed(token)):
                raise UserErased
        await self._ledger.forget_deleted()

    def _need_base(self) -> str:
        if self._base is None:
            raise NoWebhooks
        return self._base

    def admits(self, token: str) -> bool:
        """Count a call to an address, and tell whether it may be read; the same for one that is nobody's."""
        if len(self._arrived) < MOST_WAITING and self._gate.admits(_hashed(token)):
            return True
        self._counts.webhook_called("limited")
        return False

    def take(self, token: str, body: bytes) -> bool:
        """Put a call aside, to be read once its caller has been answered; False where too many wait by now."""
        if len(self._arrived) >= MOST_WAITING:
            self._counts.webhook_called("limited")
            return False
        self._arrived.append((_hashed(token), body))
        self.bell.ring()
        return True

    async def run(self, stop: asyncio.Event) -> None:
        """Read calls until `stop`."""
        await repeat(self.step, self.bell, self._clock, stop)

    async def step(self) -> datetime:
        """Read what has arrived, and make due what may be now; return when the next may."""
        while self._arrived:
            await self._read(*self._arrived.popleft())
        return await self._nudge()

    async def _read(self, address_hash: bytes, body: bytes) -> None:
        """Gather the orders that a call names, if it came to somebody's address."""
        webhook = await self._ledger.read.webhook_at(address_hash)
        if webhook is None:
            self._counts.webhook_called("unknown")
            return
        now = self._clock()
        gathered = self._gathered.setdefault(webhook.user_id, _Gathered(webhook, now))
        gathered.webhook, gathered.arrived_at = webhook, now
        orders = _orders_in(body)
        self._counts.webhook_called("taken" if orders else "empty")
        for order in orders[: MOST_GATHERED - len(gathered.orders)]:
            gathered.orders[order] = None

    async def _nudge(self) -> datetime:
        """Make orders due of whoever has waited longest, if it is time; return when to look again."""
        now = self._clock()
        self._forget_idle(now)
        waiting = [gathered for gathered in self._gathered.values() if gathered.arrived_at]
        if not waiting:
            return now + _IDLE
        first = min(waiting, key=lambda gathered: gathered.free_at)
        due = max(first.free_at, self._free_at)
        if due > now + USER_EVERY:  # the clock was set back
            due = now
        if due > now:
            return due
        orders = list(first.orders)[:MAX_BATCH]
        async with self._ledger.write() as tx:
            assert first.arrived_at
            await tx.webhook_arrived(first.webhook, first.arrived_at)
            changed = await tx.hurry_orders(first.webhook.user_id, orders)
        for order in orders:
            del first.orders[order]
        if not first.orders:
            first.arrived_at = None
        first.free_at, self._free_at = now + USER_EVERY, now + ANY_EVERY
        self._counts.webhook_made_due(changed)
        return self._free_at

    def _forget_idle(self, now: datetime) -> None:
        idle = [id for id, gathered in self._gathered.items() if not gathered.arrived_at and gathered.free_at <= now]
        for user_id in idle:
            del self._gathered[user_id]


def _orders_in(body: bytes) -> Sequence[str]:
    """Return the first words in a body that may be order IDs, and numbers that stand under the name of an order.

    That they look like it is enough: the ledger knows which are somebody's. So a body of any kind is read in a moment.
    """
    found = (match[1] or match[2] for match in _ORDER.finditer(body))
    return list(dict.fromkeys(order.decode("ascii") for order in islice(found, _MOST_NAMED)))[:MAX_BATCH]


def _new_token() -> str:
    return secrets.token_urlsafe(32)


def _hashed(token: str) -> bytes:
    """Return what is kept of an address; nobody finds 256 random bits from their hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
