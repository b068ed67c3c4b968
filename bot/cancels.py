"""The use cases behind /cancel: write down what is wanted, confirm it, show how far it has come.

Nothing here calls the panel. A command writes intents and wakes the worker.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from pydantic import SecretStr

from bot.accounts import Accounts, usable
from bot.clock import Clock
from bot.orders import Found
from bot.problems import NoOrders, NotYours, TooMany
from bot.schedule import DRAFT_LIVES
from bot.store import Account, Cancellation, Card, Ledger, Request, RequestState
from bot.vault import Purpose, Vault

MAX_ORDERS = 10_000
"""Orders that one request may name."""

_TOKEN_LIVES = timedelta(minutes=14, seconds=30)  # Discord: 15 minutes from the interaction
_MESSAGE_LIVES = timedelta(minutes=55)  # edits of messages older than an hour are throttled (30046)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a card stands: behind an interaction's token, or as the bot's own message in a DM."""

    channel_id: int
    guild_id: int | None
    message_id: int | None
    token: SecretStr | None


@dataclass(frozen=True, slots=True)
class RequestView:
    """All that a card shows: a request, its account and the orders on it."""

    request: Request
    account: Account
    orders: tuple[Cancellation, ...]


class Cancels:
    """The use cases around a request to cancel."""

    def __init__(
        self,
        ledger: Ledger,
        accounts: Accounts,
        vault: Vault,
        clock: Clock,
        *,
        confirm_above: int,
        wake: Callable[[], None],
    ) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._vault = vault
        self._clock = clock
        self._confirm_above = confirm_above
        self._wake = wake

    async def ask(self, user_id: int, found: Found, place: Place) -> int:
        """Write down a request and return its id; above CONFIRM_ABOVE it waits for an answer first.

        Call it only once the user has seen an acknowledgement. Raise NoOrders, TooMany, NoKey or KeyPaused.
        """
        account = await self._accounts.usable(user_id)
        if not found.orders:
            raise NoOrders(found)
        if len(found.orders) > MAX_ORDERS:
            raise TooMany(len(found.orders), MAX_ORDERS)
        async with self._ledger.write() as tx:
            account = usable(await tx.account(account.id))  # a key may have been removed since
            request_id = await tx.add_request(
                account,
                found.orders,
                self._card(user_id, place),
                self._clock(),
                ask_first=len(found.orders) > self._confirm_above,
                ignored=found.ignored,
                repeats=found.repeats,
            )
        self._wake()
        return request_id

    async def answer(self, request_id: int, user_id: int, place: Place, *, go: bool) -> None:
        """Confirm a request or keep its orders; an answer after the first, or too late, changes only the card's place.

        Raise NotYours for anyone but the requester, NoKey or KeyPaused where there is no key to send it with.
        """
        request = await self._ledger.read.request(request_id)
        if request is None or request.user_id != user_id:
            raise NotYours
        now = self._clock()
        late = now - request.created_at > DRAFT_LIVES
        state = RequestState.LAPSED if late else RequestState.GOING if go else RequestState.KEPT
        async with self._ledger.write() as tx:
            if state is RequestState.GOING:
                usable(await tx.account(request.account_id))
            await tx.answer_request(request, state, self._card(user_id, place), now)
        self._wake()

    async def view(self, request_id: int) -> RequestView:
        """Return what a request's card shows now.

        The revision is read before the rows: a change in between makes the card due again, never stale.
        """
        request = await self._ledger.read.request(request_id)
        assert request is not None
        orders = await self._ledger.read.cancellations_of(request_id)
        account = await self._ledger.read.account(request.account_id)
        return RequestView(request, account, tuple(orders))

    def _card(self, user_id: int, place: Place) -> Card:
        sealed = self._vault.seal(Purpose.INTERACTION_TOKEN, user_id, place.token) if place.token else None
        until = self._clock() + (_TOKEN_LIVES if sealed else _MESSAGE_LIVES)
        return Card(place.channel_id, place.guild_id, place.message_id, sealed, until)
