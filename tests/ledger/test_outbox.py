"""Every end is told: by a card that is shown, or by a notice."""

from datetime import timedelta

import pytest

from bot.domain.polling import OVERDUE_AFTER
from bot.domain.states import State
from bot.ledger import NoticeKind, NoticeState, NotifyWhen, Preferences
from tests.ledger.ledger_case import ANN, CARD_ENDS, CARD_GONE, FOUND, LATER, WINDOW, LedgerCase
from tests.world import START


async def test_what_was_queued_is_told_by_a_notice_even_while_its_card_lives(ledger_case: LedgerCase) -> None:
    await ledger_case.ask("ord_A")
    await ledger_case.lead("ord_A", State.ACCEPTED, State.QUEUED)
    assert ledger_case.outbox() == []
    await ledger_case.record(await ledger_case.newest("ord_A"), State.CANCELLED, FOUND)
    assert ledger_case.outbox() == [[(NoticeKind.ENDED, "ord_A")]]


async def test_what_ends_at_once_is_told_by_its_card_alone(ledger_case: LedgerCase) -> None:
    request_id = await ledger_case.ask("ord_A")
    await ledger_case.lead("ord_A", State.ACCEPTED, State.CANCELLED)
    assert ledger_case.outbox() == []
    await ledger_case.seen(request_id)
    await ledger_case.gone(request_id)
    assert ledger_case.outbox() == []


async def test_what_the_card_could_not_tell_becomes_a_notice_when_the_card_is_gone(ledger_case: LedgerCase) -> None:
    request_id = await ledger_case.ask("ord_A")
    await ledger_case.lead("ord_A", State.ACCEPTED, State.CANCELLED)
    await ledger_case.gone(request_id)
    assert ledger_case.outbox() == [[(NoticeKind.ENDED, "ord_A")]]
    await ledger_case.gone(request_id)
    assert ledger_case.outbox() == [[(NoticeKind.ENDED, "ord_A")]]


async def test_what_the_card_could_not_tell_becomes_a_notice_when_its_time_is_up(ledger_case: LedgerCase) -> None:
    request_id = await ledger_case.ask("ord_A")
    await ledger_case.lead("ord_A", State.REFUSED)
    async with ledger_case.at(CARD_ENDS - timedelta(seconds=1)) as tx:
        await tx.expire_cards()
    assert ledger_case.outbox() == []
    async with ledger_case.at(CARD_GONE) as tx:
        await tx.expire_cards()
    assert ledger_case.outbox() == [[(NoticeKind.ENDED, "ord_A")]]
    request = await ledger_case.ledger.read.request(request_id)
    assert request
    assert request.token_sealed is None


async def test_what_ends_after_its_card_becomes_a_notice(ledger_case: LedgerCase) -> None:
    request_id = await ledger_case.ask("ord_A")
    await ledger_case.lead("ord_A", State.ACCEPTED)
    await ledger_case.gone(request_id)
    assert ledger_case.outbox() == []
    await ledger_case.record(await ledger_case.newest("ord_A"), State.FAILED)
    assert ledger_case.outbox() == [[(NoticeKind.ENDED, "ord_A")]]


async def test_a_joined_order_is_told_by_whichever_card_still_lives(ledger_case: LedgerCase) -> None:
    one = await ledger_case.ask("ord_A")
    two = await ledger_case.ask("ord_A")
    await ledger_case.gone(one)
    await ledger_case.lead("ord_A", State.REFUSED)
    assert ledger_case.outbox() == []
    await ledger_case.gone(two)
    assert ledger_case.outbox() == [[(NoticeKind.ENDED, "ord_A")]]


async def test_a_card_is_due_when_its_orders_change_and_not_once_shown(ledger_case: LedgerCase) -> None:
    request_id = await ledger_case.ask("ord_A")
    await ledger_case.lead("ord_A", State.ACCEPTED)
    assert [request.id for request in await ledger_case.ledger.read.cards_due(LATER)] == [request_id]
    await ledger_case.seen(request_id)
    assert await ledger_case.ledger.read.cards_due(LATER) == []


async def test_a_change_while_the_card_was_on_its_way_keeps_it_due(ledger_case: LedgerCase) -> None:
    request_id = await ledger_case.ask("ord_A")
    shown = await ledger_case.ledger.read.request(request_id)
    assert shown
    await ledger_case.lead("ord_A", State.ACCEPTED)
    async with ledger_case.at(LATER) as tx:
        await tx.card_shown(shown, timedelta())
    assert [request.id for request in await ledger_case.ledger.read.cards_due(LATER)] == [request_id]


async def end_queued(ledger_case: LedgerCase, order: str) -> None:
    """Have an order queued and end, which is worth a line."""
    await ledger_case.ask(order)
    await ledger_case.lead(order, State.ACCEPTED, State.QUEUED, State.COMPLETED)


async def each(ledger_case: LedgerCase) -> None:
    """Have the user choose to hear of each outcome, whatever request it belongs to."""
    async with ledger_case.at(START) as tx:
        await tx.save_preferences(ANN, Preferences(notify_when=NotifyWhen.EACH))


async def test_news_gather_in_one_notice_until_it_is_being_sent(ledger_case: LedgerCase) -> None:
    await each(ledger_case)
    await end_queued(ledger_case, "ord_A")
    await end_queued(ledger_case, "ord_B")
    (notice,) = await ledger_case.ledger.read.notices_due(LATER + WINDOW)
    assert await ledger_case.ledger.read.notices_due(LATER + WINDOW - timedelta(seconds=1)) == []
    assert 1 <= len(notice.nonce) <= 25

    async with ledger_case.at(LATER + WINDOW) as tx:
        sending = await tx.begin_sending(notice.id, WINDOW)
    assert sending
    assert (sending.state, sending.nonce) == (NoticeState.SENDING, notice.nonce)
    await end_queued(ledger_case, "ord_C")
    assert ledger_case.outbox() == [
        [(NoticeKind.ENDED, "ord_A"), (NoticeKind.ENDED, "ord_B")],
        [(NoticeKind.ENDED, "ord_C")],
    ]


async def test_a_notice_keeps_its_nonce_and_its_lines_through_every_try(ledger_case: LedgerCase) -> None:
    await end_queued(ledger_case, "ord_A")
    (notice,) = await ledger_case.ledger.read.notices_due(LATER + WINDOW)
    for n in range(3):
        async with ledger_case.at(LATER + WINDOW) as tx:
            again = await tx.begin_sending(notice.id, WINDOW)
            await tx.postpone_notice(notice.id, timedelta(), "PASSING")
        assert again
        assert (again.nonce, again.attempts) == (notice.nonce, n + 1)
    await end_queued(ledger_case, "ord_B")
    (due,) = await ledger_case.ledger.read.notices_due(LATER + WINDOW)  # the later one waits for it
    assert due.nonce == notice.nonce
    assert ledger_case.sql("SELECT COUNT(DISTINCT nonce) FROM notices") == [(2,)]
    assert ledger_case.outbox() == [[(NoticeKind.ENDED, "ord_A")], [(NoticeKind.ENDED, "ord_B")]]


async def test_a_notice_kept_for_the_next_command_is_not_written_twice(ledger_case: LedgerCase) -> None:
    await end_queued(ledger_case, "ord_A")
    (notice,) = await ledger_case.ledger.read.notices_due(LATER + WINDOW)
    async with ledger_case.at(LATER + WINDOW) as tx:
        await tx.begin_sending(notice.id, timedelta())
        await tx.set_undelivered(notice.id, "CLOSED", pinged=False)
        await tx.enqueue_notifications(ledger_case.account.id)
    assert ledger_case.outbox() == []
    assert [kept.id for kept in await ledger_case.ledger.read.undelivered_notices(ANN)] == [notice.id]
    async with ledger_case.ledger.write() as tx:
        await tx.notice_delivered(notice.id, 100)
    assert await ledger_case.ledger.read.undelivered_notices(ANN) == []


async def test_overdue_is_told_once(ledger_case: LedgerCase) -> None:
    await ledger_case.ask("ord_A")
    await ledger_case.lead("ord_A", State.ACCEPTED, State.QUEUED)
    for _ in range(2):
        async with ledger_case.at(LATER + OVERDUE_AFTER) as tx:
            await tx.notify_overdue()
    assert ledger_case.outbox() == [[(NoticeKind.OVERDUE, "ord_A")]]


@pytest.mark.parametrize("refused_first", [True, False])
async def test_the_last_dm_is_the_last_that_was_tried(ledger_case: LedgerCase, refused_first: bool) -> None:
    waiting = "INSERT INTO notices (user_id, nonce, state, created_at) VALUES (?, ?, 'delivered', 0) RETURNING id"
    older, newer = (ledger_case.sql(waiting, ANN, nonce)[0][0] for nonce in ("older", "newer"))
    for now, notice_id in ((START, newer), (LATER, older)):  # a living message waits before it goes on
        arrives = (notice_id == older) is refused_first
        async with ledger_case.at(now) as tx:
            await tx.end_hello(notice_id, message_id=7 if arrives else None, refusal=None if arrives else "CLOSED")
    assert await ledger_case.ledger.read.dms_refused(ANN) is not refused_first
