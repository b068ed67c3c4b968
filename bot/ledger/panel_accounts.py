"""Panel accounts: which keys of a user belong to one, and the cancels that several keys have been asked for."""

import json
from collections.abc import Iterable, Sequence

from bot.domain.reasons import Reason
from bot.domain.states import State
from bot.ledger.cards import Cards
from bot.ledger.outcomes import Outcome
from bot.ledger.queries import QUERIES
from bot.ledger.transaction import Work


class PanelAccounts(Cards):
    """What one key leaves to another of the same user; part of what can be done within one transaction."""

    async def _try_under_other_keys(self, outcomes: Iterable[Outcome]) -> None:
        """Begin anew, under the key that was named, what was not found under the key whose cancel it was linked to."""
        for one in outcomes:
            old = one.cancellation.id
            if one.transition.state is not State.REFUSED or one.transition.reason is not Reason.NOT_FOUND:
                continue
            heir = await QUERIES.heir(self._db, cancellation_id=old)
            if heir is None:
                continue
            anew = await QUERIES.open_beside(self._db, cancellation_id=old) or await QUERIES.begin_anew(
                self._db, cancellation_id=old, request_id=heir, now=self._now_ms
            )
            await QUERIES.follow(self._db, cancellation_id=old, anew=anew)
            await QUERIES.mark_own(self._db, cancellation_id=anew)
            await self._touch([anew])
            self._make_due(Work.ORDERS)

    async def _hand_over(self, account_id: int) -> None:
        """Let what a key out of use leaves open go on under others under which it was asked for as well."""
        heirs = [row async for row in QUERIES.heirs_of_account(self._db, account_id=account_id)]
        for heir in heirs:
            await QUERIES.hand_over(self._db, now=self._now_ms, **heir)
            await QUERIES.mark_own(self._db, cancellation_id=heir["cancellation_id"])
        await self._touch([heir["cancellation_id"] for heir in heirs])
        self._make_due(Work.ORDERS, heirs)

    async def _link(self, account_id: int, outcomes: Iterable[Outcome]) -> None:
        """Note which keys of a user are of one panel account: they have been shown the same order."""
        seen = [one.cancellation.order_id for one in outcomes if one.checked or one.transition.state is State.ACCEPTED]
        rows = QUERIES.accounts_seeing(self._db, account_id=account_id, orders=json.dumps(seen)) if seen else None
        found = {row["id"] async for row in rows} if rows else set[int]()
        account = await self.account(account_id) if found else None
        if account is None:
            return
        keys = await self.accounts_of(account.user_id)
        groups = {one.panel for one in keys if one.id in found | {account_id}}
        if len(groups) > 1:
            await self._set_panel_account([one.id for one in keys if one.panel in groups])

    async def _unlink(self, account_id: int) -> None:
        """Forget whose panel account a key was of, before another takes its place."""
        account = await self.account(account_id)
        if account and account.panel_account:
            keys = await self.accounts_of(account.user_id)
            await QUERIES.set_panel_account(self._db, id=account_id, panel_account=None)
            await self._set_panel_account(
                [one.id for one in keys if one.panel == account.panel and one.id != account_id]
            )

    async def _set_panel_account(self, accounts: Sequence[int]) -> None:
        for number in accounts:
            await QUERIES.set_panel_account(self._db, id=number, panel_account=min(accounts))
        self._make_due(Work.ORDERS)  # it changes whose limits they share
