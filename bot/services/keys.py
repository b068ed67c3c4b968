"""What a user does with their keys: connect, show, choose, remove. No Discord in here; panel_calls.py asks the panel.

A user has one account for each key, known by the key's name. Commands without a key use the default; no command ever
uses another key than the one it means.
"""

import logging
from contextlib import suppress
from dataclasses import dataclass

from pydantic import SecretStr

from bot.domain.accounts import AccountState
from bot.domain.clock import Clock
from bot.domain.errors import (
    BeingErased,
    NoKey,
    NoSuchKey,
    NotOwner,
    SameKey,
    TooManyKeys,
    UserErased,
)
from bot.domain.panel_answers import Balance
from bot.ledger import Account, Cancellation, Keyring, Ledger, Writer, folded
from bot.panel import InvalidKey
from bot.services.gateway import Gateway
from bot.services.key_seals import open_key, seal_key
from bot.services.keyring import (
    FIRST_NAME,
    MOST_KEYS,
    MOST_NAMES,
    named,
    read_key,
    read_name,
    see_whether_it_differs,
    usable,
    with_keys,
)
from bot.services.throttle import Guesses
from bot.vault import Vault, VaultError
from bot.workers.budget import Key, NewKey

log = logging.getLogger(__name__)


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
class PausedKey:
    """A key that the panel does not take, and its last characters; empty where they are not known."""

    account: Account
    last4: str = ""


class Accounts:
    """The use cases around a user's keys."""

    def __init__(self, ledger: Ledger, vault: Vault, gateway: Gateway, clock: Clock) -> None:
        self._ledger = ledger
        self._vault = vault
        self._gateway = gateway
        self._guesses = Guesses(clock)

    async def connect(self, user_id: int, text: str, name: str = "") -> Connected:
        """Check a key with the panel and store it sealed under a name, in place of an earlier one.

        Without a name it takes the place of the default. Raise BadKey, BadName, AlikeName, TooManyKeys, SameKey,
        RefusedTooOften, BeingErased, UserErased or PanelError; then nothing was stored and an earlier key stays.
        """
        key, before = read_key(text), await self._ledger.read.accounts_of(user_id)
        name = read_name(name) if name else next((one.name for one in before if one.is_default), FIRST_NAME)
        known = named(before, name)
        self._see_whether_it_fits(key, name, before)
        key_id = known.id if known else NewKey(user_id)
        balance = await self._check_guess(user_id, key_id, key)
        async with self._ledger.write() as tx:
            now = await tx.accounts_of(user_id)
            if await tx.is_being_erased(user_id):
                raise BeingErased
            if before and not now:
                raise UserErased
            self._see_whether_it_fits(key, name, now)
            account_id = await self._store(tx, user_id, name, key)
            waiting, keys = await tx.count_open(account_id), await tx.accounts_of(user_id)
        self._gateway.connected(key_id, account_id, key)
        await self._ledger.forget_deleted()
        return Connected(next(one for one in keys if one.id == account_id), keys, _last4(key), balance, waiting)

    def _see_whether_it_fits(self, key: SecretStr, name: str, keys: Keyring) -> None:
        """Raise AlikeName, SameKey or TooManyKeys where a key cannot stand beside a user's others."""
        see_whether_it_differs(name, keys)
        others = [account for account in keys if account.folded != folded(name)]
        for account in with_keys(others):
            with suppress(VaultError):  # what cannot be opened is used for nothing
                if open_key(self._vault, account).get_secret_value() == key.get_secret_value():
                    raise SameKey(account.name)
        if len(with_keys(others)) >= MOST_KEYS or len(others) >= MOST_NAMES:
            raise TooManyKeys([account.name for account in others], MOST_KEYS, MOST_NAMES)

    async def _store(self, tx: Writer, user_id: int, name: str, key: SecretStr) -> int:
        account_id = await tx.place_account(user_id, name)
        await tx.save_key(seal_key(self._vault, user_id, account_id, key, tx.now))
        return account_id

    async def show(self, user_id: int) -> list[KeyView]:
        """Return what may be shown of the stored keys, the default first; raise NoKey."""
        return [await self._shown(account) for account in await self.stored(user_id)]

    async def show_one(self, user_id: int, key: str | int = "") -> KeyView:
        """Return what may be shown of one key; raise as `choose` does."""
        return await self._shown(await self.choose(user_id, key))

    async def _shown(self, account: Account) -> KeyView:
        return KeyView(account, _last4(open_key(self._vault, account)), await self._ledger.read.count_open(account.id))

    async def remove(self, user_id: int, key: str | int = "") -> Removed:
        """Forget a key, and watch its open orders no longer; raise as `choose` does."""
        account = await self.choose(user_id, key)
        async with self._ledger.write() as tx:
            waiting = await tx.remove_key(account)
            keys = await tx.accounts_of(user_id)
        wholly = await self._ledger.forget_deleted()
        return Removed(account, waiting, keys, wholly)

    async def make_default(self, user_id: int, key: str) -> Account:
        """Make a key the one that commands without a key use, and return its account; raise as `choose` does."""
        account = await self.choose(user_id, key)
        async with self._ledger.write() as tx:
            await tx.make_default(account)
            chosen = await tx.account_of(user_id)
        if chosen is None:  # removed since
            raise NoKey
        return chosen

    def paused(self, keys: Keyring) -> tuple[PausedKey, ...]:
        """Return which of a user's keys the panel does not take, so that nothing is done with them."""
        return tuple(
            PausedKey(account, self._end_of(account))
            for account in with_keys(keys)
            if account.state is not AccountState.ACTIVE
        )

    def _end_of(self, account: Account) -> str:
        try:
            return _last4(open_key(self._vault, account))
        except VaultError:
            return ""

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

        Raise NoKey for a user without any, NoSuchKey for a name, NotOwner for an id that is none of theirs.
        """
        keys = await self.stored(user_id)
        if isinstance(key, int):
            account = next((one for one in keys if one.id == key), None)
            if account is None:
                raise NotOwner
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

    async def _check_guess(self, user_id: int, key_id: Key, key: SecretStr) -> Balance:
        """Check a key that may be a guess: after several refused ones a user has to wait; raise RefusedTooOften."""
        self._guesses.admit(user_id)
        try:
            balance = await self._gateway.check_new(key_id, key)
        except InvalidKey:
            self._guesses.refused(user_id)
            raise
        self._guesses.accepted(user_id)
        return balance


def _last4(key: SecretStr) -> str:
    return key.get_secret_value()[-4:]
