"""What a user does with their key: connect, show, remove, look up, ask for refills. No Discord in here."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from pydantic import SecretStr

from bot.budget import Budget
from bot.clock import Clock
from bot.panel import (
    MAX_BATCH,
    Balance,
    InvalidKey,
    Panel,
    PanelError,
    RateLimited,
    RefillRow,
    Refused,
    RowError,
    StatusRow,
    Suspended,
)
from bot.problems import BadKey, Erased, KeyFault, KeyPaused, NoKey, TooMany, UserError
from bot.store import Account, AccountState, Cancellation, Groups, Ledger, LedgerError
from bot.vault import Purpose, Vault, VaultError

log = logging.getLogger(__name__)

MAX_LOOKUP = 1_000
"""Orders that one /status may ask about: ten calls."""
MAX_REFILL = 1_000
"""Orders that one /refill may name: ten calls."""

Answered = TypeVar("Answered")


@dataclass(frozen=True, slots=True)
class Connected:
    """A key that the panel has just accepted."""

    last4: str
    balance: Balance
    waiting: int


@dataclass(frozen=True, slots=True)
class KeyView:
    """What may be shown of a stored key."""

    account: Account
    last4: str
    waiting: int


@dataclass(frozen=True, slots=True)
class BalanceView:
    """What is left on an account, and when the panel was asked."""

    balance: Balance
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Refills:
    """What the panel said of each order; of one that is neither in `rows` nor `unsent` nobody knows what became.

    `stopped`: why the rest was not sent.
    """

    rows: Mapping[str, RefillRow]
    unsent: frozenset[str] = frozenset()
    stopped: Exception | None = None


@dataclass(frozen=True, slots=True)
class OpenView:
    """What has not ended for a user: how many orders stand where, the first of each, and those not taken up yet."""

    groups: Groups
    waiting: tuple[str, ...]
    count_waiting: int


class Accounts:
    """The use cases around a user's key."""

    def __init__(
        self,
        ledger: Ledger,
        vault: Vault,
        panel: Panel,
        budget: Budget,
        clock: Clock,
        *,
        notify_window: timedelta,
        wake: Callable[[], None],
    ) -> None:
        self._ledger = ledger
        self._vault = vault
        self._panel = panel
        self._budget = budget
        self._clock = clock
        self._window = notify_window
        self._wake = wake

    async def connect(self, user_id: int, text: str) -> Connected:
        """Check a key with the panel and store it sealed, in place of an earlier one.

        Raise BadKey, Erased or PanelError; then nothing was stored and an earlier key stays as it was.
        """
        key = read_key(text)
        known = await self._ledger.read.account_of(user_id)
        balance = await self._check(user_id, key)
        sealed = self._vault.seal(Purpose.PANEL_KEY, user_id, key)
        async with self._ledger.write() as tx:
            if known and await tx.account(known.id) is None:
                raise Erased
            account_id = await tx.save_key(user_id, sealed, self._clock())
            waiting = await tx.count_open(account_id)
        await self._ledger.forget_deleted()
        self._wake()
        return Connected(_last4(key), balance, waiting)

    async def show(self, user_id: int) -> KeyView:
        """Return what may be shown of the stored key; raise NoKey."""
        account = await self.stored(user_id)
        waiting = await self._ledger.read.count_open(account.id)
        return KeyView(account, _last4(self._open(account)), waiting)

    async def remove(self, user_id: int) -> int:
        """Forget the key and every trace of it; return how many open orders are no longer watched; raise NoKey."""
        account = await self.stored(user_id)
        async with self._ledger.write() as tx:
            waiting = await tx.count_open(account.id)
            await tx.remove_key(account.id, self._clock(), self._window)
        await self._ledger.forget_deleted()
        self._wake()
        return waiting

    async def look_up(self, user_id: int, orders: Sequence[str]) -> Mapping[str, StatusRow]:
        """Ask the panel for the status of orders; raise NoKey, KeyPaused, TooMany or PanelError."""
        account = await self.usable(user_id)
        if len(orders) > MAX_LOOKUP:
            raise TooMany(MAX_LOOKUP)
        found: dict[str, StatusRow] = {}
        for batch in _batches(orders):
            reply = await self._call(account, partial(self._panel.status, orders=batch))
            self._budget.learn(user_id, reply.limits)
            found.update(reply.rows)
        return found

    async def balance(self, user_id: int) -> BalanceView:
        """Ask the panel for the user's balance; raise NoKey, KeyPaused or PanelError."""
        account, asked_at = await self.usable(user_id), self._clock()
        return BalanceView(await self._call(account, self._panel.balance), asked_at)

    async def refill(self, user_id: int, orders: Sequence[str]) -> Refills:
        """Ask the panel to refill orders: each once, and never again by itself, since only a person can see what came.

        Call it only once the user has seen an acknowledgement. Raise NoKey, KeyPaused, TooMany, PanelError or
        LedgerError, with which nothing was sent; what fails later is part of the result.
        """
        orders = tuple(dict.fromkeys(orders))
        if len(orders) > MAX_REFILL:
            raise TooMany(MAX_REFILL)
        rows: dict[str, RefillRow] = {}
        for start in range(0, len(orders), MAX_BATCH):
            batch = orders[start : start + MAX_BATCH]
            try:
                rows.update(await self._refill(user_id, batch))
            except Exception as error:
                reached = _may_have_acted(error)
                if not (start or reached):
                    raise
                sent = start + len(batch) if reached else start
                return Refills(rows, frozenset(orders[sent:]), error)
        return Refills(rows)

    async def _refill(self, user_id: int, batch: Sequence[str]) -> Mapping[str, RefillRow]:
        account = await self.usable(user_id)  # the key may have been removed since the last batch
        try:
            reply = await self._call(account, partial(self._panel.refill, orders=batch))
        except Refused as error:
            return dict.fromkeys(batch, RowError(error.words))
        self._budget.learn(user_id, reply.limits)
        return reply.rows

    async def open_orders(self, user_id: int) -> OpenView:
        """Return what is still open for a user; raise NoKey."""
        account, read = await self.stored(user_id), self._ledger.read
        waiting = await read.waiting_of_account(account.id)
        return OpenView(await read.open_groups(account.id), tuple(waiting), await read.count_waiting(account.id))

    async def recent_orders(self, user_id: int, part: str, most: int) -> list[Cancellation]:
        """Return the orders with that in their ID which a user may mean; none for one without a key."""
        return await self._ledger.read.recent_orders(user_id, part, most)

    async def usable(self, user_id: int) -> Account:
        """Return the account whose key may be used now; raise NoKey or KeyPaused."""
        return usable(await self.stored(user_id))

    async def stored(self, user_id: int) -> Account:
        """Return the account of a user who has connected a key, usable or not; raise NoKey."""
        account = await self._ledger.read.account_of(user_id)
        if account is None or account.key_sealed is None:
            raise NoKey
        return account

    def _open(self, account: Account) -> SecretStr:
        assert account.key_sealed is not None
        return self._vault.open(Purpose.PANEL_KEY, account.user_id, account.key_sealed)

    async def _check(self, user_id: int, key: SecretStr) -> Balance:
        self._budget.spend(user_id)
        try:
            return await self._panel.balance(key)
        except RateLimited as error:
            self._budget.denied(user_id, error)
            raise

    async def _call(self, account: Account, call: Callable[[SecretStr], Awaitable[Answered]]) -> Answered:
        """Make a call that the budget pays for; a PanelError is remembered, and raised for the command to tell."""
        self._budget.spend(account.user_id)
        try:
            return await call(self._open(account))
        except PanelError as error:
            with suppress(LedgerError):  # what the panel said must reach the user; it will say it again
                await self._note(account, error)
            raise

    async def _note(self, account: Account, error: PanelError) -> None:
        """Remember what a refusal says about the account."""
        match error:
            case RateLimited():
                self._budget.denied(account.user_id, error)
            case InvalidKey() | Suspended():
                async with self._ledger.write() as tx:
                    await tx.pause(account, paused_by(error), self._clock())
                    await tx.touch_account(account.id, self._clock())
            case _:
                pass


def _may_have_acted(error: Exception) -> bool:
    """Tell whether the panel may have done what it was asked for when this was raised."""
    if isinstance(error, PanelError):
        return error.reached
    if isinstance(error, UserError | LedgerError | VaultError):
        return False  # these come before the call
    log.error("a refill call broke off", exc_info=error)
    return True


def usable(account: Account | None) -> Account:
    """Return an account whose key may be used now; raise NoKey or KeyPaused."""
    if account is None or account.state is AccountState.REMOVED:
        raise NoKey
    if account.state is not AccountState.ACTIVE:
        raise KeyPaused(account.state)
    return account


def paused_by(error: InvalidKey | Suspended) -> AccountState:
    """Return the state an account has after such an answer."""
    return AccountState.REJECTED if isinstance(error, InvalidKey) else AccountState.SUSPENDED


def read_key(text: str) -> SecretStr:
    """Return the API key in a text that a person pasted; raise BadKey."""
    key = text.strip()
    if not key:
        raise BadKey(KeyFault.EMPTY)
    if any(character.isspace() for character in key):
        raise BadKey(KeyFault.SPACES)
    if not (key.isascii() and key.isprintable()):
        raise BadKey(KeyFault.CHARACTERS)
    if not 8 <= len(key) <= 256:
        raise BadKey(KeyFault.LENGTH)
    return SecretStr(key)


def _last4(key: SecretStr) -> str:
    return key.get_secret_value()[-4:]


def _batches(orders: Sequence[str]) -> list[Sequence[str]]:
    return [orders[start : start + MAX_BATCH] for start in range(0, len(orders), MAX_BATCH)]
