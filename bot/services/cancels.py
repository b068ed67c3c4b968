"""The use cases behind /cancel: write down what is wanted, confirm it, show how far it has come.

Nothing here calls the panel. A command writes down what to do, which wakes the scheduler; if it asks first, it begins
a preview.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pydantic import SecretStr

from bot.domain.clock import Clock
from bot.domain.errors import NoOrders, NotOwner, NoUsableKey, QuestionClosed, TooMany, TooManyOpen, TooManyQuestions
from bot.domain.languages import Language
from bot.domain.order_ids import Found
from bot.domain.polling import DRAFT_LIVES
from bot.ledger import (
    Account,
    Groups,
    Keyring,
    Ledger,
    Listed,
    ListKind,
    MessageRef,
    Preview,
    PreviewState,
    Reach,
    Reader,
    Request,
    RequestState,
)
from bot.panel import MAX_BATCH
from bot.services.keyring import keys_beside, usable, with_keys
from bot.services.keys import Accounts
from bot.services.previews import Previews, blank
from bot.services.reasons import order_not_found
from bot.services.throttle import MOST_OPEN, MOST_QUESTIONS
from bot.vault import Purpose, Vault
from bot.workers.budget import Budget
from bot.workers.poll_planner import groups_of

MAX_ORDERS = 100_000
"""Orders that one request may name."""
_PAGE = 100
"""Rows of a list read at once; few enough that nobody else has to wait for them."""

_TOKEN_LIVES = timedelta(minutes=14, seconds=30)  # Discord: 15 minutes from the interaction
CARD_CLOSES = timedelta(seconds=30)
"""A card that shows something open so shortly before it cannot be edited any more is edited for the last time."""
_MESSAGE_LIVES = timedelta(minutes=55)  # edits of messages older than an hour are throttled (30046)


@dataclass(frozen=True, slots=True)
class RequestView:
    """All that a card shows: a request, its account, and how many of its orders stand where, with the first of each.

    `keys`: all accounts of the user; `waiting`: the first orders not started yet; `linked`: how many are not sent since
    an earlier cancel answers for them, `cancelled_before` of them as cancelled; `sent_by`: when the last of those that
    wait can be sent at the earliest; `reach`: how the user hears of what the card does not show any more.
    """

    request: Request
    account: Account
    keys: Keyring
    groups: Groups
    waiting: tuple[str, ...]
    linked: int
    cancelled_before: int
    sent_by: datetime | None
    read_at: datetime
    """When all this was read."""
    reach: Reach = Reach.COMMAND

    @property
    def is_open(self) -> bool:
        """Tell whether anything on the card can still change."""
        return bool(self.request.waiting) or any(state.is_open for state in self.groups)

    @property
    def is_last(self) -> bool:
        """Tell whether the card will not be edited again, although it shows something open."""
        asked = self.request.state is RequestState.ACTIVE
        return asked and self.is_open and self.request.card_until - self.read_at <= CARD_CLOSES


class Cancels:
    """The use cases around a request to cancel."""

    def __init__(
        self,
        ledger: Ledger,
        accounts: Accounts,
        vault: Vault,
        budget: Budget,
        previews: Previews,
        clock: Clock,
        *,
        confirm_above: int,
    ) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._vault = vault
        self._budget = budget
        self._previews = previews
        self._clock = clock
        self._confirm_above = confirm_above

    def message_ref(
        self,
        user_id: int,
        channel_id: int,
        guild_id: int | None,
        message_id: int | None,
        token: SecretStr | None = None,
        language: Language | None = None,
    ) -> MessageRef:
        """Return where a card stands: `token` is that of the interaction behind which it can be edited."""
        sealed = self._vault.seal(Purpose.INTERACTION_TOKEN, user_id, token) if token else None
        until = self._clock() + (_TOKEN_LIVES if sealed else _MESSAGE_LIVES)
        return MessageRef(channel_id, guild_id, message_id, sealed, until, language)

    async def may_begin(self, user_id: int, key: str = "") -> None:
        """See, before any work is done for it, that a user may ask to cancel something that has to be confirmed.

        Raise TooManyOpen, TooManyQuestions or NoSuchKey. What is asked without a usable key is kept (keeping.py).
        """
        with suppress(NoUsableKey):
            await _has_room(self._ledger.read, await self._accounts.usable(user_id, key), 1)
        await self._may_ask(self._ledger.read, user_id)

    async def ask(
        self,
        user_id: int,
        found: Found,
        card: MessageRef,
        *,
        key: str | int = "",
        always: bool = False,
        undecided: bool = False,
        to_refill: bool = False,
    ) -> int:
        """Write down a request and return its id; above CONFIRM_ABOVE, or `always`, it waits for an answer first.

        It goes to the key of that name or account, or to the default. `undecided`: orders were named and no command, so
        the question is what to do with them; `to_refill`: it is whether to refill them. Numbers wait for an answer too,
        since they may be anything: "10,000" names two orders as readily as an amount. Call it only once the user has
        seen an acknowledgement. Raise NoOrders, TooMany, TooManyOpen, TooManyQuestions, or as `Accounts.usable` does.
        """
        account = await self._accounts.usable(user_id, key)
        if not found.orders:
            raise NoOrders(found)
        if len(found.orders) > MAX_ORDERS:
            raise TooMany(MAX_ORDERS)
        numbers = any(map(str.isdecimal, found.orders))
        ask_first = always or undecided or to_refill or numbers or len(found.orders) > self._confirm_above
        preview = blank(len(found.orders), self._ledger.process) if ask_first else None
        if undecided or to_refill:  # the panel is not asked about them beforehand
            state = PreviewState.REFILL if to_refill else PreviewState.UNDECIDED
            preview = Preview(len(found.orders), state=state)
        async with self._ledger.write() as tx:
            account = usable(await tx.account(account.id))  # a key may have been removed since, or all erased
            await _has_room(tx, account, len(found.orders))
            if ask_first:
                await self._may_ask(tx, user_id)
            request_id = await tx.add_request(
                account,
                found.orders,
                card,
                ask_first=ask_first,
                ignored=found.ignored,
                repeats=found.repeats,
                preview=preview,
            )
        if preview:
            self._previews.begin(request_id)
        return request_id

    async def answer(self, request_id: int, user_id: int, card: MessageRef, *, go: bool) -> None:
        """Confirm a request or keep its orders; an answer after the first, or too late, only moves the card.

        Raise NotOwner for anyone but the requester, NoKey or KeyPaused where there is no key to send it with, and
        TooManyOpen; the question then stays.
        """
        request = await self._own(request_id, user_id)
        async with self._ledger.write() as tx:
            late = tx.now - request.created_at > DRAFT_LIVES
            state = request.lapses_to if late else RequestState.ACTIVE if go else RequestState.DECLINED
            if go and request.asks_to_refill:
                raise QuestionClosed
            if state is RequestState.ACTIVE:
                account, asked = usable(await tx.account(request.account_id)), await tx.request(request_id)
                if asked and asked.state is RequestState.AWAITING_CONFIRMATION:
                    await _has_room(tx, account, asked.orders)
            await tx.place_card(request_id, card)
            await tx.answer_request(request_id, state)

    async def stop(self, request_id: int, user_id: int, card: MessageRef) -> None:
        """Send nothing more of a request; what was sent goes on. Raise NotOwner for anyone but the requester."""
        await self._own(request_id, user_id)
        async with self._ledger.write() as tx:
            await tx.place_card(request_id, card)
            request = await tx.request(request_id)
            if request is None:  # erased since
                raise NotOwner
            await tx.stop_request(request)

    async def retry(self, request_id: int, user_id: int, card: MessageRef) -> None:
        """Give what is only watched of a request one more try; raise NotOwner, NoKey or KeyPaused.

        It is what repeating /cancel does: the next check comes first, and what it shows running is sent.
        """
        request = await self._own(request_id, user_id)
        async with self._ledger.write() as tx:
            usable(await tx.account(request.account_id))
            await tx.place_card(request_id, card)
            await tx.retry_request(request_id)

    async def asked_about(self, request_id: int, user_id: int) -> tuple[Request, tuple[str, ...]]:
        """Return a request and its orders; raise NotOwner, or QuestionClosed where they were dropped."""
        request = await self._own(request_id, user_id)
        orders = await self.named(ListKind.REQUEST, request_id, user_id, lambda _: True)
        if not orders:
            raise QuestionClosed
        return request, orders

    async def dismiss(self, request_id: int, user_id: int) -> None:
        """Close a question without cancelling, so that what is done with its orders instead is done once.

        Raise NotOwner for anyone but the requester, and QuestionClosed where it has been answered or has lapsed.
        """
        request = await self._own(request_id, user_id)
        async with self._ledger.write() as tx:
            late = tx.now - request.created_at > DRAFT_LIVES
            if late or not await tx.answer_request(request_id, RequestState.DECLINED):
                raise QuestionClosed

    async def key_of(self, account_id: int, user_id: int) -> int | str:
        """Return under what to ask again for a request of this account: the same key, or the default if it is gone."""
        keys = with_keys(await self._ledger.read.accounts_of(user_id))
        return account_id if any(one.id == account_id for one in keys) else ""

    async def forget_question(self, request_id: int, user_id: int) -> None:
        """Forget the orders of a question that lapsed: they are asked about anew. Raise NotOwner."""
        await self._own(request_id, user_id)
        async with self._ledger.write() as tx:
            await tx.forget_question(request_id)

    async def view(self, request_id: int) -> RequestView | None:
        """Return what a request's card shows now; None where its user has had everything erased."""

        async def read_whole(read: Reader) -> RequestView | None:
            request = await read.request(request_id)
            keys = await read.accounts_of(request.user_id) if request else ()
            account = next((one for one in keys if request and one.id == request.account_id), None)
            if request is None or account is None:
                return None
            waiting = tuple(await read.waiting_orders(request_id)) if request.waiting else ()
            groups, linked = await read.groups_of_request(request_id), await read.count_linked(request_id)
            cancelled_before = await read.count_cancelled_before(request_id) if linked else 0
            reach = await read.reach(request.user_id)
            return RequestView(request, account, keys, groups, waiting, linked, cancelled_before, None, read_at, reach)

        read_at = self._clock()
        view = await self._ledger.snapshot(read_whole)
        if view is None or not view.waiting:
            return view
        calls = groups_of(view.request.waiting, MAX_BATCH)
        return replace(view, sent_by=self._budget.earliest(view.account.id, calls))

    async def rows(self, kind: ListKind, list_id: int, user_id: int) -> AsyncGenerator[list[Listed]]:
        """Yield all orders of a list, page by page; raise NotOwner for anyone but its owner, NoKey for one without."""
        await self._own_list(kind, list_id, user_id)
        if kind is not ListKind.OPEN:
            async for page in self._pages(kind, list_id):
                yield page
            return
        for account in await self._ledger.read.accounts_of(user_id):
            async for page in self._open_rows(account.id):
                yield page

    async def count(self, kind: ListKind, list_id: int, user_id: int) -> int:
        """Return how many orders `rows` yields; raise as it does."""
        await self._own_list(kind, list_id, user_id)
        read = self._ledger.read
        if kind is not ListKind.OPEN:
            return await read.count_of_list(kind, list_id)
        return sum([await read.count_open(account.id) for account in await read.accounts_of(user_id)])

    async def _own_list(self, kind: ListKind, list_id: int, user_id: int) -> None:
        match kind:
            case ListKind.REQUEST:
                await self._own(list_id, user_id)
            case ListKind.NOTICE:
                notice = await self._ledger.read.notice(list_id)
                if notice is None or notice.user_id != user_id:
                    raise NotOwner
            case ListKind.OPEN:
                await self._accounts.stored(user_id)
            case ListKind.HISTORY:
                raise ValueError("a history is read by Records.history_rows")

    async def _open_rows(self, account_id: int) -> AsyncGenerator[list[Listed]]:
        """Yield what is open in an account, page by page: what is started, then what waits."""
        last, to_send = -1, await self._ledger.read.requests_to_send(account_id)  # first: none may slip through
        async for page in self._pages(ListKind.OPEN, account_id):
            yield page
            last = page[-1].cursor
        for request_id, waiting in to_send:
            request = await self._ledger.read.request(request_id)
            if request is None:  # erased since
                return
            async for page in self._pages(ListKind.REQUEST, request_id, after=request.orders - waiting - 1):
                yield [
                    one
                    for one in page
                    if one.cancellation is None or (one.cancellation.id > last and one.shown_as.is_open)
                ]

    async def named(
        self, kind: ListKind, list_id: int, user_id: int, wanted: Callable[[Listed], bool]
    ) -> tuple[str, ...]:
        """Return the IDs of a list's orders that are wanted, each once, in its own order; raise as `rows` does."""
        found: dict[str, None] = {}
        async for page in self.rows(kind, list_id, user_id):
            found.update((line.order_id, None) for line in page if wanted(line))
        return tuple(found)

    async def other_keys(self, kind: ListKind, list_id: int, user_id: int) -> Keyring:
        """Return the user's keys under which to try what was not found of a list; raise as `rows` does."""
        lost: set[int] = set()
        async for page in self.rows(kind, list_id, user_id):
            lost.update(line.account_id for line in page if order_not_found(line.cancellation))
        return keys_beside(await self._ledger.read.accounts_of(user_id), lost)

    async def ask_under_another_key(
        self, kind: ListKind, list_id: int, user_id: int, account_id: int, card: MessageRef
    ) -> int:
        """Ask whether to try, under another key, what the panel did not find under its own; return the request's id.

        Raise as `rows` does and as `ask` does: NotOwner for a list or an account that is not the user's.
        """
        orders = await self.named(
            kind, list_id, user_id, lambda line: order_not_found(line.cancellation) and line.account_id != account_id
        )
        return await self.ask(user_id, Found(orders, 0, ()), card, key=account_id, always=True)

    async def _pages(self, kind: ListKind, list_id: int, after: int = -1) -> AsyncGenerator[list[Listed]]:
        while page := await self._ledger.read.page(kind, list_id, after, _PAGE):
            yield page
            after = page[-1].cursor

    async def _may_ask(self, read: Reader, user_id: int) -> None:
        """See that there is room for one more question; raise TooManyQuestions."""
        count, oldest_at = await read.questions(user_id, self._clock() - DRAFT_LIVES)
        if oldest_at and count >= MOST_QUESTIONS:
            raise TooManyQuestions(MOST_QUESTIONS, oldest_at + DRAFT_LIVES)

    async def _own(self, request_id: int, user_id: int) -> Request:
        request = await self._ledger.read.request(request_id)
        if request is None or request.user_id != user_id:
            raise NotOwner
        return request


async def _has_room(read: Reader, account: Account, more: int) -> None:
    """Raise TooManyOpen if `more` orders would be too many for the user, counted over all their keys."""
    count = sum([await read.count_open(one.id) for one in await read.accounts_of(account.user_id)])
    if count + more > MOST_OPEN:
        raise TooManyOpen(count, MOST_OPEN)
