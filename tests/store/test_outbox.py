"""Every end is told: by a card that is shown, or by a notice."""

from datetime import timedelta

from bot.domain.states import State
from bot.ledger import NoticeKind, NoticeState
from tests.store.books import ANN, CARD_ENDS, CARD_GONE, FOUND, LATER, WINDOW, Books
from tests.world import START


async def test_what_was_queued_is_told_by_a_notice_even_while_its_card_lives(books: Books) -> None:
    await books.ask("ord_A")
    await books.lead("ord_A", State.ACCEPTED, State.QUEUED)
    assert books.outbox() == []
    await books.record(await books.newest("ord_A"), State.CANCELLED, FOUND)
    assert books.outbox() == [[(NoticeKind.ENDED, "ord_A")]]


async def test_what_ends_at_once_is_told_by_its_card_alone(books: Books) -> None:
    request_id = await books.ask("ord_A")
    await books.lead("ord_A", State.ACCEPTED, State.CANCELLED)
    assert books.outbox() == []
    await books.seen(request_id)
    await books.gone(request_id)
    assert books.outbox() == []


async def test_what_the_card_could_not_tell_becomes_a_notice_when_the_card_is_gone(books: Books) -> None:
    request_id = await books.ask("ord_A")
    await books.lead("ord_A", State.ACCEPTED, State.CANCELLED)
    await books.gone(request_id)
    assert books.outbox() == [[(NoticeKind.ENDED, "ord_A")]]
    await books.gone(request_id)
    assert books.outbox() == [[(NoticeKind.ENDED, "ord_A")]]


async def test_what_the_card_could_not_tell_becomes_a_notice_when_its_time_is_up(books: Books) -> None:
    request_id = await books.ask("ord_A")
    await books.lead("ord_A", State.REFUSED)
    async with books.ledger.write() as tx:
        await tx.expire_cards(CARD_ENDS - timedelta(seconds=1), WINDOW)
    assert books.outbox() == []
    async with books.ledger.write() as tx:
        await tx.expire_cards(CARD_GONE, WINDOW)
    assert books.outbox() == [[(NoticeKind.ENDED, "ord_A")]]
    request = await books.ledger.read.request(request_id)
    assert request
    assert request.token_sealed is None


async def test_what_ends_after_its_card_becomes_a_notice(books: Books) -> None:
    request_id = await books.ask("ord_A")
    await books.lead("ord_A", State.ACCEPTED)
    await books.gone(request_id)
    assert books.outbox() == []
    await books.record(await books.newest("ord_A"), State.FAILED)
    assert books.outbox() == [[(NoticeKind.ENDED, "ord_A")]]


async def test_a_joined_order_is_told_by_whichever_card_still_lives(books: Books) -> None:
    one = await books.ask("ord_A")
    two = await books.ask("ord_A")
    await books.gone(one)
    await books.lead("ord_A", State.REFUSED)
    assert books.outbox() == []
    await books.gone(two)
    assert books.outbox() == [[(NoticeKind.ENDED, "ord_A")]]


async def test_a_card_is_due_when_its_orders_change_and_not_once_shown(books: Books) -> None:
    request_id = await books.ask("ord_A")
    await books.lead("ord_A", State.ACCEPTED)
    assert [request.id for request in await books.ledger.read.cards_due(LATER)] == [request_id]
    await books.seen(request_id)
    assert await books.ledger.read.cards_due(LATER) == []


async def test_a_change_while_the_card_was_on_its_way_keeps_it_due(books: Books) -> None:
    request_id = await books.ask("ord_A")
    shown = await books.ledger.read.request(request_id)
    assert shown
    await books.lead("ord_A", State.ACCEPTED)
    async with books.ledger.write() as tx:
        await tx.card_shown(shown, LATER, LATER)
    assert [request.id for request in await books.ledger.read.cards_due(LATER)] == [request_id]


async def end_queued(books: Books, order: str) -> None:
    """Have an order queued and end, which is worth a line."""
    await books.ask(order)
    await books.lead(order, State.ACCEPTED, State.QUEUED, State.COMPLETED)


async def test_news_gather_in_one_notice_until_it_is_being_sent(books: Books) -> None:
    await end_queued(books, "ord_A")
    await end_queued(books, "ord_B")
    (notice,) = await books.ledger.read.notices_due(LATER + WINDOW)
    assert await books.ledger.read.notices_due(LATER + WINDOW - timedelta(seconds=1)) == []
    assert 1 <= len(notice.nonce) <= 25

    async with books.ledger.write() as tx:
        sending = await tx.begin_sending(notice.id, LATER + WINDOW, LATER + 2 * WINDOW)
    assert (sending.state, sending.nonce) == (NoticeState.SENDING, notice.nonce)
    await end_queued(books, "ord_C")
    assert books.outbox() == [
        [(NoticeKind.ENDED, "ord_A"), (NoticeKind.ENDED, "ord_B")],
        [(NoticeKind.ENDED, "ord_C")],
    ]


async def test_a_notice_keeps_its_nonce_and_its_lines_through_every_try(books: Books) -> None:
    await end_queued(books, "ord_A")
    (notice,) = await books.ledger.read.notices_due(LATER + WINDOW)
    for n in range(3):
        async with books.ledger.write() as tx:
            again = await tx.begin_sending(notice.id, LATER + WINDOW, LATER + 2 * WINDOW)
            await tx.postpone_notice(notice.id, LATER, "PASSING")
        assert (again.nonce, again.attempts) == (notice.nonce, n + 1)
    await end_queued(books, "ord_B")
    (due,) = await books.ledger.read.notices_due(LATER + WINDOW)  # the later one waits for it
    assert due.nonce == notice.nonce
    assert books.sql("SELECT COUNT(DISTINCT nonce) FROM notices") == [(2,)]
    assert books.outbox() == [[(NoticeKind.ENDED, "ord_A")], [(NoticeKind.ENDED, "ord_B")]]


async def test_a_notice_kept_for_the_next_command_is_not_written_twice(books: Books) -> None:
    await end_queued(books, "ord_A")
    (notice,) = await books.ledger.read.notices_due(LATER + WINDOW)
    async with books.ledger.write() as tx:
        await tx.begin_sending(notice.id, LATER + WINDOW, LATER + WINDOW)
        await tx.keep_notice(notice.id, "CLOSED", None)
        await tx.tell_untold(books.account.id, LATER, WINDOW)
    assert books.outbox() == []
    assert [kept.id for kept in await books.ledger.read.kept_notices(ANN)] == [notice.id]
    async with books.ledger.write() as tx:
        await tx.notice_delivered(notice.id, LATER, 9)
    assert await books.ledger.read.kept_notices(ANN) == []


async def test_overdue_is_told_once(books: Books) -> None:
    await books.ask("ord_A")
    await books.lead("ord_A", State.ACCEPTED, State.QUEUED)
    for _ in range(2):
        async with books.ledger.write() as tx:
            await tx.notify_overdue(LATER, START - WINDOW, LATER, WINDOW)
    assert books.outbox() == [[(NoticeKind.OVERDUE, "ord_A")]]
