"""A turn of an account: which orders it takes, and what is written down of them, each in one transaction."""

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from time import monotonic
from typing import Any

from bot.domain.accounts import AccountState
from bot.domain.reasons import Reason
from bot.domain.refunds import Refund
from bot.domain.states import State
from bot.ledger import Account, Cancellation, NoticeKind, Outcome, Writer
from bot.workers.budget import Ticket
from bot.workers.call_counts import CallKind


@dataclass(slots=True, eq=False)
class Turn:
    """An account's turn: one call, and more while it may go on. A ticket that `is_paid` was not used yet."""

    account_id: int
    kind: CallKind
    is_first: bool
    """Whether it began while the account had no other."""
    ticket: Ticket
    begun_at: datetime
    """When its present call was paid for."""
    taken: Callable[["Turn", bool], None]
    """To be told that it has taken orders, and whether there may be more for another turn."""
    goes_on: Callable[["Turn"], bool]
    """Pays for one more call, or says that the turn is over."""
    gives_back: Callable[["Turn"], None]
    """Takes back what was paid for and is not used."""
    is_paid: bool = True
    since: float = field(default_factory=monotonic)
    """The same moment as `begun_at` by the machine's monotonic clock, which does not jump."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The orders of one call; `more`: there may be others. None, but `again`: it is to be looked for once more."""

    orders: Sequence[Cancellation] = ()
    to_send: bool = False
    more: bool = False
    again: bool = False
    waiting: Mapping[int, int] = field(default_factory=dict[int, int])
    """How many orders of which request were still to be started."""


NOTHING = Taken()
Look = Callable[[Writer], Coroutine[Any, Any, Taken]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one call came to: outcomes, and what it says about the account.

    `lists`: when to check what was sent, by its request, where that request is still being sent.
    """

    outcomes: Sequence[Outcome]
    trouble: Reason | None = None
    paused: AccountState | None = None
    lists: Mapping[int, datetime] = field(default_factory=dict[int, datetime])


async def claimed(tx: Writer, account: Account, most: int) -> Taken:
    """Start orders and take those that are ready; where all that were started had been asked for before: again."""
    started = await tx.start_orders(account.id, most)
    orders = await tx.claim_for_sending(account.id, most)
    waiting = dict(await tx.requests_to_send(account.id))
    more = bool(waiting) or len(orders) == most
    return Taken(orders, to_send=True, more=more, again=bool(started), waiting=waiting)


async def recorded_and_taken(
    tx: Writer, account: Account, answer: Answer, look: Look | None
) -> tuple[Sequence[Outcome], list[Refund], Taken]:
    """Write down what a call came to, and take the orders of the next one, if it is to be made."""
    outcomes, refunds = await recorded(tx, account, answer)
    return outcomes, refunds, await look(tx) if look else NOTHING


async def recorded(tx: Writer, account: Account, answer: Answer) -> tuple[Sequence[Outcome], list[Refund]]:
    """Write down what a call came to; return that, and what proves each refund. Raise LeaseLost."""
    await tx.check_lease(account.id)
    outcomes = answer.outcomes
    if answer.lists:  # whether its last orders are started is known here alone: other turns start some as well
        still = {request_id for request_id, _ in await tx.requests_to_send(account.id)} & answer.lists.keys()
        outcomes = [
            replace(one, due_at=answer.lists[one.cancellation.request_id])
            if one.cancellation.request_id in still
            else one
            for one in outcomes
        ]
    refunds = await tx.record(account.id, outcomes)
    await _stop_what_came_back(tx, outcomes)
    is_new = await tx.set_trouble(account.id, answer.trouble)
    if answer.paused and await tx.pause(account, answer.paused):
        is_new = True
        await tx.notify(account, NoticeKind(answer.paused.value))
    if is_new:
        await tx.touch_account(account.id)
    return outcomes, refunds


async def _stop_what_came_back(tx: Writer, outcomes: Iterable[Outcome]) -> None:
    """Withdraw what certainly did not go out of a list that was stopped meanwhile: the press did not reach it."""
    unsent = (
        one.cancellation
        for one in outcomes
        if one.transition.state is State.REQUESTED and not one.transition.ambiguous_attempts
    )
    for request_id in {order.request_id for order in unsent}:
        request = await tx.request(request_id)
        if request and not request.waiting and State.WITHDRAWN in await tx.groups_of_request(request_id):
            await tx.stop_request(request)
