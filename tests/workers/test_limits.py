"""Many users at one panel with its real limits: no call too many, and nobody waits for somebody else's thousands."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from bot.demo.panel import Upstream
from bot.domain.order_status import OrderStatus
from bot.domain.panel_answers import Accepted
from bot.domain.states import after_cancel
from bot.ledger import MessageRef, Outcome
from bot.services.key_seals import seal_key
from bot.workers.call_counts import CallKind
from tests.world import World, shown

RUNNING = OrderStatus.IN_PROGRESS
LONG = Upstream(timedelta(days=2))

pytestmark = [pytest.mark.usefixtures("env"), pytest.mark.settings(confirm_above=100_000)]


async def watch_many(here: World, users: int, orders: int) -> None:
    """Fill the ledger with users whose orders are queued at the provider."""
    now = here.clock()
    for user in range(1, users + 1):
        key = f"np-watched-{user:06}"
        here.panel.add_key(key)
        names = [here.order(f"ord_{user:06}{number:04}", RUNNING, key=key, upstream=LONG) for number in range(orders)]
        async with here.app.ledger.write() as tx:
            account_id = await tx.place_account(user, "main")
            await tx.save_key(seal_key(here.app.services.accounts._vault, user, account_id, SecretStr(key), now))
            account = await tx.account(account_id)
            assert account
            card = MessageRef(1, None, None, None, now)
            await tx.add_request(account, names, card, ask_first=False, ignored=(), repeats=0)
            await tx.start_orders(account.id, orders)
            rows = await tx.claim_for_sending(account.id, orders)
            taken = [Outcome(row, after_cancel(0, Accepted()), now) for row in rows]
            await tx.record(account.id, taken)


async def test_commands_and_watching_together_never_meet_a_limit(here: World, ann: Any) -> None:
    await watch_many(here, 200, 2)
    for order in range(400):
        here.order(f"ord_a{order}", RUNNING, upstream=LONG)
    for minute in range(4):
        await ann.slash("cancel", orders=" ".join(f"ord_a{order}" for order in range(minute * 100, minute * 100 + 100)))
        await here.wait(60)
    assert 429 not in here.wire.statuses
    calls = Counter(int((call.at - here.panel.calls[0].at).total_seconds() // 60) for call in here.panel.calls)
    assert max(calls.values()) <= 300
    assert calls[3] > 200  # watching uses its share


async def test_a_command_goes_out_at_once_while_watching_uses_up_its_share(here: World, ann: Any) -> None:
    await watch_many(here, 250, 1)
    await here.wait(100)
    assert here.app.scheduler._budget.blocked_until(1, CallKind.WATCH) is not None
    here.order("ord_A")
    card = await ann.slash("cancel", orders="ord_A")
    await here.wait(1)
    assert here.cancel_calls()[-1] == ("ord_A",)
    assert "1 cancelled" in shown(card)


async def test_thousands_of_one_user_keep_nobody_else_waiting(here: World, ann: Any) -> None:
    for order in range(9_000):
        here.order(f"ord_a{order}", OrderStatus.COMPLETED)
    bob = here.env.create_user("bob")
    here.panel.add_key("np-key-of-bob-000")
    await here.connect(bob, "np-key-of-bob-000")
    file = "\n".join(f"ord_a{order}" for order in range(9_000)).encode()
    await ann.slash("cancel", file=("orders.txt", file))
    for _ in range(5):
        await here.one_call()
    here.order("ord_B", key="np-key-of-bob-000")
    card = await bob.slash("cancel", orders="ord_B")
    await here.one_call()
    assert ("ord_B",) in here.cancel_calls()[-2:]
    await here.wait(3)
    assert "1 cancelled" in shown(card)
