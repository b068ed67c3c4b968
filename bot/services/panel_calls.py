"""What a user asks the panel with their keys, answered while they wait: status, balance, refills. No Discord in here.

Each call is paid for from the budget of its key, and a command that takes several is counted for as many.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from bot.domain.clock import Clock
from bot.domain.errors import KeyPaused, Throttled, TooMany, UserError
from bot.domain.panel_answers import Balance, OrderReading, RefillRow, RowError, StatusRow
from bot.domain.reasons import Reason
from bot.ledger import Account, Keyring, Ledger, LedgerError
from bot.panel import MAX_BATCH, Panel, PanelError, RateLimited, Refused
from bot.services.batches import ask_in_batches
from bot.services.gateway import Gateway
from bot.services.keyring import keys_beside, usable
from bot.services.keys import Accounts
from bot.services.throttle import PAUSE, UserThrottle
from bot.vault import VaultError
from bot.workers.poll_planner import groups_of

log = logging.getLogger(__name__)

MAX_LOOKUP = 1_000
"""Orders that one /status may ask about: ten calls."""
MAX_REFILL = 1_000
"""Orders that one /refill may name: ten calls."""
MOST_ELSEWHERE = 3
"""Other keys under which one /status looks for what it did not find, one call each."""


@dataclass(frozen=True, slots=True)
class BalanceView:
    """What is left on an account, or why the panel did not say, and when it was asked."""

    account: Account
    balance: Balance | PanelError | KeyPaused
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Statuses:
    """What the panel says of orders under one key, and all accounts of the user.

    `stopped`: why those that are `unasked` were not asked about; `elsewhere`: the accounts of those that were found
    under another of the user's keys; `others`: accounts under which those not found were not looked for.
    """

    account: Account
    keys: Keyring
    asked_at: datetime
    rows: Mapping[str, StatusRow]
    unasked: frozenset[str] = frozenset()
    stopped: Exception | None = None
    elsewhere: Mapping[str, Account] = field(default_factory=dict[str, Account])
    others: Keyring = ()


@dataclass(frozen=True, slots=True)
class Refills:
    """What the panel said of each order; of one that is neither in `rows` nor `unsent` nobody knows what became.

    `stopped`: why the rest was not sent.
    """

    asked_at: datetime
    rows: Mapping[str, RefillRow]
    unsent: frozenset[str] = frozenset()
    stopped: Exception | None = None


class PanelCalls:
    """The use cases that are calls to the panel."""

    def __init__(
        self,
        ledger: Ledger,
        accounts: Accounts,
        gateway: Gateway,
        throttle: UserThrottle,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._gateway = gateway
        self._throttle = throttle
        self._clock = clock

    async def look_up(self, user_id: int, orders: Sequence[str], key: str | int = "") -> Statuses:
        """Ask the panel for the status of orders; raise TooMany, Throttled, PanelError, or as `usable` does.

        An error after the first answer is part of the result, beside what was answered. Where no key is named, what is
        not found under the default is looked for under the user's other keys: that changes nothing.
        """
        account = await self._accounts.usable(user_id, key)
        keys = await self._ledger.read.accounts_of(user_id)
        if len(orders) > MAX_LOOKUP:
            raise TooMany(MAX_LOOKUP)
        self._admit(user_id, groups_of(len(orders), MAX_BATCH))
        asked_at = self._clock()
        rows: dict[str, StatusRow] = {}
        asked: set[str] = set()
        stopped: Exception | None = None

        async def heard(_first: int, batch: Sequence[str], answer: Mapping[str, StatusRow] | Exception) -> bool:
            nonlocal stopped
            if isinstance(answer, Exception):
                stopped = stopped or answer
                return bool(asked) and isinstance(answer, RateLimited)  # others may have their turn in time
            asked.update(batch)
            rows.update(answer)
            return True

        await ask_in_batches(self._gateway, account.id, Panel.status, orders, heard)
        if stopped:
            if not asked or not isinstance(stopped, PanelError | UserError | LedgerError):
                raise stopped
            if isinstance(stopped, LedgerError):
                log.error("a look-up broke off", exc_info=stopped)
            return Statuses(account, keys, asked_at, rows, frozenset(orders) - asked, stopped)
        found = Statuses(account, keys, asked_at, rows)
        others = keys_beside(keys, {account.id}) if _not_found(rows) else ()
        return replace(found, others=others) if key else await self._look_elsewhere(found, others)

    async def _look_elsewhere(self, found: Statuses, others: Keyring) -> Statuses:
        """Look under other keys for what was not found, a call each, as far as their limits and the user's allow."""
        rows, elsewhere, asked = dict(found.rows), dict[str, Account](), set[int]()
        for other in others[:MOST_ELSEWHERE]:
            lost = _not_found(rows)
            if not lost or len(lost) > MAX_BATCH:
                break
            try:
                self._admit(other.user_id, 2)
                seen = await self._gateway.call(other.id, partial(Panel.status, orders=lost))
            except Throttled:
                break
            except (PanelError, UserError, LedgerError) as error:  # what was found already is told
                log.info("not looked for under another key: %s", type(error).__name__)
                continue
            known = {order: row for order, row in seen.items() if isinstance(row, OrderReading)}
            rows |= known
            elsewhere |= dict.fromkeys(known, other)
            asked.add(other.id)
        left = tuple(one for one in others if one.id not in asked) if _not_found(rows) else ()
        return replace(found, rows=rows, elsewhere=elsewhere, others=left)

    async def balances(self, user_id: int, key: str = "") -> list[BalanceView]:
        """Ask the panel for the balance under the key named, or under each of the user's.

        Raise PanelError, or as `usable` does, where there is one key to ask for; of several each has its own. Raise
        Throttled.
        """
        keys = await self._accounts.stored(user_id)
        if key or len(keys) == 1:
            return [await self._balance(await self._accounts.usable(user_id, key))]
        self._admit(user_id, len(keys))
        return await asyncio.gather(*map(self._balance_or_why_not, keys))

    async def _balance(self, account: Account) -> BalanceView:
        asked_at = self._clock()
        return BalanceView(account, await self._gateway.call(account.id, Panel.balance), asked_at)

    async def _balance_or_why_not(self, account: Account) -> BalanceView:
        try:
            return await self._balance(usable(account))
        except (PanelError, KeyPaused) as error:
            return BalanceView(account, error, self._clock())

    async def add_webhook(self, user_id: int, address: str, events: Sequence[str]) -> None:
        """Have the panel call an address for a user, by their default key.

        Raise NoKey, KeyPaused or PanelError, whose `may_have_acted` tells whether the panel may call it all the same.
        """
        account = await self._accounts.usable(user_id)
        await self._gateway.call(account.id, partial(Panel.add_webhook, url=address, events=events))

    async def refill(self, account: Account, orders: Sequence[str]) -> Refills:
        """Ask the panel to refill orders: each once, and never again by itself, since only a person can see what came.

        Call it only once the user has seen an acknowledgement. Raise NoKey, KeyPaused, TooMany, Throttled, PanelError
        or LedgerError, with which nothing was sent; what fails later is part of the result.
        """
        orders = tuple(dict.fromkeys(orders))
        if len(orders) > MAX_REFILL:
            raise TooMany(MAX_REFILL)
        self._admit(account.user_id, groups_of(len(orders), MAX_BATCH))
        asked_at = self._clock()
        rows: dict[str, RefillRow] = {}
        sent: set[str] = set()
        stopped: Exception | None = None

        async def heard(_first: int, batch: Sequence[str], answer: Mapping[str, RefillRow] | Exception) -> bool:
            nonlocal stopped
            if isinstance(answer, Refused):
                answer = dict.fromkeys(batch, RowError(answer.panel_message, answer.why))
            if isinstance(answer, Exception):
                stopped = stopped or answer
                sent.update(batch if _panel_may_have_acted(answer) else ())
                return bool(sent) and isinstance(answer, RateLimited)
            sent.update(batch)
            rows.update(answer)
            return True

        await ask_in_batches(self._gateway, account.id, Panel.refill, orders, heard)
        if stopped and not sent:
            raise stopped
        return Refills(asked_at, rows, frozenset(orders) - sent, stopped)

    def _admit(self, user_id: int, calls: int) -> None:
        """Count all calls of a command but the first, for which it was admitted; raise Throttled before any is made."""
        self._throttle.admit(user_id, (calls - 1) * PAUSE)


def _not_found(rows: Mapping[str, StatusRow]) -> list[str]:
    return [order for order, row in rows.items() if isinstance(row, RowError) and row.reason is Reason.NOT_FOUND]


def _panel_may_have_acted(error: Exception) -> bool:
    """Tell whether the panel may have done what it was asked for when this was raised."""
    if isinstance(error, PanelError):
        return error.may_have_acted
    if isinstance(error, UserError):
        return False
    log.error("a refill call broke off", exc_info=error)
    return not isinstance(error, LedgerError | VaultError)  # these, too, come before the call
