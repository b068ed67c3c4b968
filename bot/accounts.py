"""What a user does with their keys: connect, show, remove, look up, ask for refills. No Discord in here.

A user has one account for each key, known by the key's name. What names no key goes to the default; nothing ever goes
to another key than that.
"""

import asyncio
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
from bot.courtesy import PAUSE, Courtesy
from bot.keyring import FIRST_NAME, MOST_KEYS, MOST_NAMES, named, paused_by, read_key, read_name, usable, with_keys
from bot.panel import (
    MAX_BATCH,
    Balance,
    InvalidKey,
    Limits,
    Panel,
    PanelError,
    RateLimited,
    RefillRow,
    Refused,
    RowError,
    StatusRow,
    Suspended,
)
from bot.problems import (
    Erased,
    KeyPaused,
    NoKey,
    NoSuchKey,
    NotYours,
    SameKey,
    TooMany,
    TooManyKeys,
    UserError,
)
from bot.store import Account, AccountState, Cancellation, Groups, Keyring, Ledger, LedgerError, Writer, folded
from bot.vault import Purpose, Vault, VaultError
from bot.watching import groups_of

log = logging.getLogger(__name__)

MAX_LOOKUP = 1_000
"""Orders that one /status may ask about: ten calls."""
MAX_REFILL = 1_000
"""Orders that one /refill may name: ten calls."""

Answered = TypeVar("Answered")


@dataclass(frozen=True, slots=True)
class Connected:
    """A key that the panel has just accepted, its account, and all accounts of its user."""

    account: Account
    keys: Keyring
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
class Removed:
    """A key that is gone: how many open orders are no longer watched, and the accounts that are left.

    `wholly`: nothing of it is left, not even in unused parts of files.
    """

    account: Account
    waiting: int
    keys: Keyring
    wholly: bool


@dataclass(frozen=True, slots=True)
class BalanceView:
    """What is left on an account, or why the panel did not say, and when it was asked."""

    account: Account
    balance: Balance | PanelError | KeyPaused
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Statuses:
    """What the panel says of orders under one key, and all accounts of the user.

    `stopped`: why those that are `unasked` were not asked about.
    """

    account: Account
    keys: Keyring
    rows: Mapping[str, StatusRow]
    unasked: frozenset[str] = frozenset()
    stopped: PanelError | None = None


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
    """What has not ended for a user: how many orders stand where, the first of each, and those not taken up yet.

    Of the latter each stands beside its account's id; `keys`: all accounts of the user.
    """

    groups: Groups
    waiting: tuple[tuple[int, str], ...]
    count_waiting: int
    keys: Keyring


class Accounts:
    """The use cases around a user's keys."""

    def __init__(
        self,
        ledger: Ledger,
        vault: Vault,
        panel: Panel,
        budget: Budget,
        courtesy: Courtesy,
        clock: Clock,
        *,
        notify_window: timedelta,
        wake: Callable[[], None],
    ) -> None:
        self._ledger = ledger
        self._vault = vault
        self._panel = panel
        self._budget = budget
        self._courtesy = courtesy
        self._clock = clock
        self._window = notify_window
        self._wake = wake

    async def connect(self, user_id: int, text: str, name: str = "") -> Connected:
        """Check a key with the panel and store it sealed under a name, in place of an earlier one.

        Without a name it takes the place of the default. Raise BadKey, BadName, TooManyKeys, SameKey, Erased or
        PanelError; then nothing was stored and an earlier key stays as it was.
        """
        key, before = read_key(text), await self._ledger.read.accounts_of(user_id)
        name = read_name(name) if name else next((one.name for one in before if one.is_default), FIRST_NAME)
        known = named(before, name)
        self._see_whether_it_fits(key, name, before)
        balance = await self._check(known.id if known else -user_id, key)
        async with self._ledger.write() as tx:
            now = await tx.accounts_of(user_id)
            if before and not now:
                raise Erased
            self._see_whether_it_fits(key, name, now)
            account_id = await self._store(tx, user_id, name, key)
            waiting, keys = await tx.count_open(account_id), await tx.accounts_of(user_id)
        if known is None:
            self._budget.adopt(-user_id, account_id)
        await self._ledger.forget_deleted()
        self._wake()
        return Connected(next(one for one in keys if one.id == account_id), keys, _last4(key), balance, waiting)

    def _see_whether_it_fits(self, key: SecretStr, name: str, keys: Keyring) -> None:
        """Raise SameKey or TooManyKeys where a key cannot stand beside a user's others."""
        others = [account for account in keys if account.folded != folded(name)]
        for account in with_keys(others):
            with suppress(VaultError):  # what cannot be opened is used for nothing
                if self._open(account).get_secret_value() == key.get_secret_value():
                    raise SameKey(account.name)
        if len(with_keys(others)) >= MOST_KEYS or len(others) >= MOST_NAMES:
            raise TooManyKeys([account.name for account in others], MOST_KEYS, MOST_NAMES)

    async def _store(self, tx: Writer, user_id: int, name: str, key: SecretStr) -> int:
        account_id = await tx.place_account(user_id, name, self._clock())
        sealed = self._vault.seal(Purpose.PANEL_KEY, user_id, key, account_id)
        await tx.save_key(account_id, sealed, self._clock())
        return account_id

    async def show(self, user_id: int) -> list[KeyView]:
        """Return what may be shown of the stored keys, the default first; raise NoKey."""
        return [await self._shown(account) for account in await self.stored(user_id)]

    async def show_one(self, user_id: int, key: str | int = "") -> KeyView:
        """Return what may be shown of one key; raise as `choose` does."""
        return await self._shown(await self.choose(user_id, key))

    async def _shown(self, account: Account) -> KeyView:
        return KeyView(account, _last4(self._open(account)), await self._ledger.read.count_open(account.id))

    async def remove(self, user_id: int, key: str | int = "") -> Removed:
        """Forget a key, and watch its open orders no longer; raise as `choose` does."""
        account = await self.choose(user_id, key)
        async with self._ledger.write() as tx:
            waiting = await tx.count_open(account.id)
            await tx.remove_key(account, self._clock(), self._window)
            keys = await tx.accounts_of(user_id)
        wholly = await self._ledger.forget_deleted()
        self._wake()
        return Removed(account, waiting, keys, wholly)

    async def make_default(self, user_id: int, key: str) -> Account:
        """Let a key take what names none from now on, and return its account; raise as `choose` does."""
        account = await self.choose(user_id, key)
        async with self._ledger.write() as tx:
            await tx.make_default(account)
            chosen = await tx.account_of(user_id)
        if chosen is None:  # removed since
            raise NoKey
        return chosen

    async def look_up(self, user_id: int, orders: Sequence[str], key: str = "") -> Statuses:
        """Ask the panel for the status of orders; raise TooMany, TooFast, PanelError, or as `usable` does.

        An error after the first answer is part of the result: what was answered is told.
        """
        account = await self.usable(user_id, key)
        keys = await self._ledger.read.accounts_of(user_id)
        if len(orders) > MAX_LOOKUP:
            raise TooMany(MAX_LOOKUP)
        self._admit(user_id, groups_of(len(orders), MAX_BATCH))
        rows: dict[str, StatusRow] = {}
        for start in range(0, len(orders), MAX_BATCH):
            try:
                rows.update(await self.look_up_with(account.id, orders[start : start + MAX_BATCH]))
            except PanelError as error:
                if start == 0:
                    raise
                return Statuses(account, keys, rows, frozenset(orders[start:]), error)
        return Statuses(account, keys, rows)

    async def look_up_with(self, account_id: int, orders: Sequence[str]) -> Mapping[str, StatusRow]:
        """Ask the panel, in one call, for the status of orders under that account's key; raise as `look_up` does."""
        account = usable(await self._ledger.read.account(account_id))  # the key may have been removed since
        return await self._call(account, partial(self._panel.status, orders=orders))

    async def balances(self, user_id: int, key: str = "") -> list[BalanceView]:
        """Ask the panel for the balance under the key named, or under each of the user's.

        Raise PanelError, or as `usable` does, where there is one key to ask for; of several each has its own. Raise
        TooFast.
        """
        keys = await self.stored(user_id)
        if key or len(keys) == 1:
            return [await self._balance(await self.usable(user_id, key))]
        self._admit(user_id, len(keys))
        return await asyncio.gather(*map(self._balance_or_why_not, keys))

    async def _balance(self, account: Account) -> BalanceView:
        asked_at = self._clock()
        return BalanceView(account, await self._call(account, self._panel.balance), asked_at)

    async def _balance_or_why_not(self, account: Account) -> BalanceView:
        try:
            return await self._balance(usable(account))
        except (PanelError, KeyPaused) as error:
            return BalanceView(account, error, self._clock())

    async def add_webhook(self, user_id: int, address: str, events: Sequence[str]) -> SecretStr | None:
        """Have the panel call an address for a user, by their default key; return the secret that its answer names.

        Raise NoKey, KeyPaused or PanelError, whose `reached` tells whether the panel may call it all the same.
        """
        account = await self.usable(user_id)
        return await self._call(account, partial(self._panel.add_webhook, url=address, events=events))

    async def refill(self, account: Account, orders: Sequence[str]) -> Refills:
        """Ask the panel to refill orders: each once, and never again by itself, since only a person can see what came.

        Call it only once the user has seen an acknowledgement. Raise NoKey, KeyPaused, TooMany, TooFast, PanelError
        or LedgerError, with which nothing was sent; what fails later is part of the result.
        """
        orders = tuple(dict.fromkeys(orders))
        if len(orders) > MAX_REFILL:
            raise TooMany(MAX_REFILL)
        self._admit(account.user_id, groups_of(len(orders), MAX_BATCH))
        rows: dict[str, RefillRow] = {}
        for start in range(0, len(orders), MAX_BATCH):
            batch = orders[start : start + MAX_BATCH]
            try:
                rows.update(await self._refill(account.id, batch))
            except Exception as error:
                reached = _may_have_acted(error)
                if not (start or reached):
                    raise
                sent = start + len(batch) if reached else start
                return Refills(rows, frozenset(orders[sent:]), error)
        return Refills(rows)

    async def _refill(self, account_id: int, batch: Sequence[str]) -> Mapping[str, RefillRow]:
        account = usable(await self._ledger.read.account(account_id))  # the key may have been removed since
        try:
            return await self._call(account, partial(self._panel.refill, orders=batch))
        except Refused as error:
            return dict.fromkeys(batch, RowError(error.words))

    async def open_orders(self, user_id: int) -> OpenView:
        """Return what is still open for a user under any key; raise NoKey."""
        await self.stored(user_id)
        read, keys = self._ledger.read, await self._ledger.read.accounts_of(user_id)
        waiting = [(one.id, order) for one in keys for order in await read.waiting_of_account(one.id)]
        count_waiting = sum([await read.count_waiting(one.id) for one in keys])
        return OpenView(await read.open_groups([one.id for one in keys]), tuple(waiting), count_waiting, keys)

    async def recent_orders(self, user_id: int, key: str, part: str, most: int) -> list[Cancellation]:
        """Return the orders with that in their ID which a user may mean; none where there is no key to ask under."""
        try:
            account = await self.choose(user_id, key)
        except (NoKey, NoSuchKey):
            return []
        return await self._ledger.read.recent_orders(account.id, part, most)

    async def all_keys(self, user_id: int) -> Keyring:
        """Return all accounts of a user, those whose key was removed too."""
        return await self._ledger.read.accounts_of(user_id)

    async def key_names(self, user_id: int) -> list[str]:
        """Return the names of a user's keys, the default first; none for one without."""
        return [account.name for account in with_keys(await self._ledger.read.accounts_of(user_id))]

    async def usable(self, user_id: int, key: str | int = "") -> Account:
        """Return the account of a key that may be used now; raise KeyPaused, or as `choose` does."""
        account = await self.choose(user_id, key)
        if account.state is AccountState.ACTIVE:
            return account
        return usable(account, several=len(await self.stored(user_id)) > 1)

    async def choose(self, user_id: int, key: str | int = "") -> Account:
        """Return a user's account by its key's name or by its id, or the default, its key usable or not.

        Raise NoKey for a user without any, NoSuchKey for a name, NotYours for an id that is none of theirs.
        """
        keys = await self.stored(user_id)
        if isinstance(key, int):
            account = next((one for one in keys if one.id == key), None)
            if account is None:
                raise NotYours
            return account
        if not key.strip():
            return keys[0]
        account = named(keys, key)
        if account is None:
            raise NoSuchKey(key, [one.name for one in keys])
        return account

    async def stored(self, user_id: int) -> Keyring:
        """Return the accounts of a user that have a key, usable or not, the default first; raise NoKey."""
        keys = with_keys(await self._ledger.read.accounts_of(user_id))
        if not keys:
            raise NoKey
        return keys

    def _admit(self, user_id: int, calls: int) -> None:
        """Count all calls of a command but the first, for which it was admitted; raise TooFast before any is made."""
        self._courtesy.admit(user_id, (calls - 1) * PAUSE)

    def _open(self, account: Account) -> SecretStr:
        assert account.key_sealed is not None
        return self._vault.open(Purpose.PANEL_KEY, account.user_id, account.key_sealed, account.id)

    async def _check(self, account_id: int, key: SecretStr) -> Balance:
        """Ask for a balance under a key; one without an account has its calls counted under a number of its own."""
        self._budget.spend(account_id)
        try:
            balance, limits = await self._panel.balance(key)
        except RateLimited as error:
            self._budget.denied(account_id, error)
            raise
        self._budget.learn(account_id, limits)
        return balance

    async def _call(
        self, account: Account, call: Callable[[SecretStr], Awaitable[tuple[Answered, Limits]]]
    ) -> Answered:
        """Make a call that the budget pays for; a PanelError is remembered, and raised for the command to tell."""
        self._budget.spend(account.id)
        try:
            answered, limits = await call(self._open(account))
        except PanelError as error:
            with suppress(LedgerError):  # what the panel said must reach the user; it will say it again
                await self._note(account, error)
            raise
        self._budget.learn(account.id, limits)
        return answered

    async def _note(self, account: Account, error: PanelError) -> None:
        """Remember what a refusal says about the account."""
        match error:
            case RateLimited():
                self._budget.denied(account.id, error)
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
    if isinstance(error, UserError):
        return False
    log.error("a refill call broke off", exc_info=error)
    return not isinstance(error, LedgerError | VaultError)  # these, too, come before the call


def _last4(key: SecretStr) -> str:
    return key.get_secret_value()[-4:]
