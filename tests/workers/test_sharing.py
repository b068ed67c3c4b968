"""A whole bot on a ledger that others share: what it does for an account that it has lost, or may have."""

import math
from typing import Any

import pytest

from bot.domain.order_status import OrderStatus
from bot.ledger import Ledger
from bot.panel import Answer
from tests.workers.test_calls_at_once import a_list, ask
from tests.world import World, shown

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("env")]


async def test_a_process_that_hung_after_its_claim_sends_nothing_until_it_has_asked(here: World, ann: Any) -> None:
    here.order("ord_A")
    card = await ann.slash("cancel", orders="ord_A")
    take = here.app.scheduler._runner._take

    async def hang_after(*arguments: Any) -> Any:
        taken = await take(*arguments)
        here.app.scheduler._leases._seen_at = -math.inf  # for longer than it is sure to be taken for alive
        return taken

    here.app.scheduler._runner._take = hang_after  # type: ignore[method-assign]
    await here.app.scheduler.step()
    here.app.scheduler._runner._take = take  # type: ignore[method-assign]
    assert here.cancel_calls() == []
    assert here.sql("SELECT state FROM cancellations") == [("sending",)]
    await here.wait(150)
    actions = [call.action for call in here.panel.calls if call.action != "balance"]
    assert actions[:2] == ["status", "status"]
    assert actions[-2:] == ["cancel", "status"]
    assert here.panel.cancel_requests == {"ord_A": 1}
    assert "1 cancelled" in shown(card)


async def test_an_answer_for_an_account_that_was_taken_over_is_left_to_the_other_process(here: World, ann: Any) -> None:
    here.order("ord_A", OrderStatus.IN_PROGRESS)
    await ann.slash("cancel", orders="ord_A")

    async def taken_over_meanwhile(answer: Answer) -> Answer:
        here.sql("UPDATE processes SET seen_at = 0")
        other = await ledgers.__aenter__()
        async with other.write() as tx:
            assert await tx.take_account(1)
            await tx.heartbeat()
        return answer

    await here.app.ledger._engine._writer.execute("SELECT pg_advisory_unlock(0, 3)")  # let there be another process
    ledgers = Ledger.open(here.below.database, clock=here.clock, shards=[1])
    here.wire.faults = [taken_over_meanwhile]
    await here.app.scheduler.step()
    assert here.sql("SELECT state, ambiguous_attempts FROM cancellations") == [("unknown", 1)]
    assert here.sql("SELECT to_state FROM transitions ORDER BY id")[-1] == ("unknown",)
    calls = len(here.panel.calls)
    await here.wait(5)
    assert len(here.panel.calls) == calls  # all else is the other process's
    await ledgers.__aexit__(None, None, None)
    await here.wait(90)
    assert here.sql("SELECT state FROM cancellations") == [("cancelled",)]
    assert [call.action for call in here.panel.calls][:3] == ["balance", "cancel", "status"]  # never sent blindly


async def test_a_turn_takes_nothing_more_where_another_has_forgotten_the_lease(here: World, ann: Any) -> None:
    orders = a_list(here, 1_200)
    await ask(here, ann, orders)

    async def forgotten_meanwhile(answer: Answer) -> Answer:
        here.app.scheduler._leases.forget(1)  # as after any fault of a turn
        return answer

    here.wire.faults = [forgotten_meanwhile]
    await here.settle()
    await here.wait(3)
    assert here.sql("SELECT COUNT(*) FROM cancellations WHERE ambiguous_attempts > 0") == [(0,)]
    assert here.panel.cancel_requests == dict.fromkeys(orders, 1)


async def test_two_processes_send_a_message_once(here: World, ann: Any) -> None:
    here.order("ord_A", OrderStatus.IN_PROGRESS)
    await ann.slash("cancel", orders="ord_A")
    await here.wait(55)
    send, sent = here.app.services.notification_sender._send, list[int]()

    async def counted(notice: Any) -> Any:
        sent.append(notice.id)
        await here.app.services.notification_sender.deliver_due()  # as if by another process, at the same moment
        return await send(notice)

    here.app.services.notification_sender._send = counted  # type: ignore[method-assign]
    await here.wait(90)
    assert len(sent) == 1
