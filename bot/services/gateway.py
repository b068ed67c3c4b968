"""The one way to the panel: a call is paid for, its key is opened, and what comes back is learned from.

The scheduler pays for its own calls when it decides on them; all others wait here for their turn.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from pydantic import SecretStr

from bot.domain.accounts import AccountState
from bot.domain.panel_answers import Balance, Limits
from bot.ledger import Account, Ledger, LedgerError
from bot.panel import InvalidKey, Panel, PanelError, RateLimited, Refused, Suspended
from bot.services.key_seals import open_key
from bot.services.keyring import usable
from bot.vault import Vault
from bot.workers.budget import Budget, Key, NewKey, Ticket
from bot.workers.call_counts import CallKind
from bot.workers.refused_keys import Blame, RefusedKeys

T = TypeVar("T")
PanelCall = Callable[[Panel, SecretStr], Awaitable[tuple[T, Limits]]]
"""A call with a key, such as `Panel.balance`."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Why a call gave no answer.

    `blame`: what it means that the panel refused the key; `pauses`: the state that the account gets by that;
    `blocked_until`: before which the panel takes no more calls.
    """

    error: PanelError
    blame: Blame | None = None
    pauses: AccountState | None = None
    blocked_until: datetime | None = None


class Gateway:
    """Calls the panel with users' keys, inside its limits."""

    def __init__(self, ledger: Ledger, vault: Vault, panel: Panel, budget: Budget, refused_keys: RefusedKeys) -> None:
        self._ledger = ledger
        self._vault = vault
        self._panel = panel
        self._budget = budget
        self._refused_keys = refused_keys

    async def call(self, account_id: int, call: PanelCall[T], kind: CallKind = CallKind.COMMAND) -> T:
        """Make a call for somebody who waits; pause the key if the panel has refused it for good.

        Raise NoKey, KeyPaused, VaultError, LedgerError or PanelError.
        """
        account = usable(await self._ledger.read.account(account_id))
        self._budget.link(account.id, account.panel, account.key_fingerprint)
        ticket = await self._budget.wait(account.id, kind)
        try:
            account = usable(await self._ledger.read.account(account_id))  # removed or erased while it waited
            key = self.open_key(account)
        except BaseException:
            self._budget.refund(ticket)
            raise
        answer = await self.call_paid(account, key, call, ticket)
        if not isinstance(answer, NoAnswer):
            return answer
        if answer.pauses:
            with suppress(LedgerError):  # what the panel said must reach the user; it will say it again
                async with self._ledger.write() as tx:
                    await tx.pause(account, answer.pauses)
                    await tx.touch_account(account.id)
        raise answer.error

    async def call_paid(
        self, account: Account, key: SecretStr, call: PanelCall[T], ticket: Ticket, like: Hashable | None = None
    ) -> T | NoAnswer:
        """Make a call that the budget has counted already; `like`: calls that take about as long as this one."""
        if until := self._budget.refused_until(account.id):  # another call has heard so since this one was paid for
            self._budget.refund(ticket)
            return NoAnswer(RateLimited(reset=until), blocked_until=until)
        try:
            answer = await self._ask(ticket, key, call, like)
        except RateLimited as error:
            return NoAnswer(error, blocked_until=self._budget.blocked_until(account.id))
        except (InvalidKey, Suspended) as error:
            blame = self._refused_keys.refused(account.id, account.user_id, account.key_fingerprint)
            return NoAnswer(error, blame, AccountState(error.reason) if blame is Blame.KEY else None)
        except PanelError as error:
            return NoAnswer(error)
        self._refused_keys.accepted(account.id)
        return answer

    async def check_new(self, key_id: Key, key: SecretStr) -> Balance:
        """Ask for the balance under a key that is to be connected; raise PanelError.

        `key_id`: the account whose key it is to replace, or a NewKey.
        """
        ticket = await self._budget.wait(key_id, is_beside=False)  # calls with the key that it is to replace go on
        try:
            return await self._ask(ticket, key, Panel.balance)
        except InvalidKey:
            self._refused_keys.refused_new()
            raise

    async def _ask(self, ticket: Ticket, key: SecretStr, call: PanelCall[T], like: Hashable | None = None) -> T:
        """Make a call, which is under way until it ends, also where whoever waits for it is cancelled."""
        asked = asyncio.ensure_future(self._asked(ticket, key, call, like))
        try:
            return await asyncio.shield(asked)
        except asyncio.CancelledError:
            asked.add_done_callback(lambda over: over.cancelled() or over.exception())  # for nobody to hear
            raise

    async def _asked(self, ticket: Ticket, key: SecretStr, call: PanelCall[T], like: Hashable | None) -> T:
        time = asyncio.get_running_loop().time
        began, limits, dropped = time(), Limits(), False
        try:
            answer, limits = await call(self._panel, key)
        except PanelError as error:
            dropped = not isinstance(error, InvalidKey | Suspended | Refused)  # these are answers
            if isinstance(error, RateLimited):
                self._budget.denied(ticket, error)
            raise
        finally:
            self._budget.ended(ticket, limits, time() - began, like=like, dropped=dropped)
        return answer

    def connected(self, key_id: Key, account_id: int, key: SecretStr) -> None:
        """Note that a key which was checked is an account's now."""
        self._refused_keys.accepted(account_id)
        if isinstance(key_id, NewKey):
            self._budget.adopt(key_id, account_id)
        self._budget.link(account_id, account_id, self._vault.fingerprint(key))  # it may be of any panel account

    def open_key(self, account: Account) -> SecretStr:
        """Return the key of an account that has one; raise VaultError."""
        return open_key(self._vault, account)

    def refused_for(self, account_id: int) -> timedelta | None:
        """Return for how long not to call with a key that the panel has refused; None for any other."""
        return self._refused_keys.wait(account_id)

    def earliest(self, account_id: int, calls: int) -> datetime:
        """Return when the last of `calls` more calls with a key can be made, at the earliest."""
        return self._budget.earliest(account_id, calls)
