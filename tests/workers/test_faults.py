"""The panel at its worst: nothing is told that is not proven, nothing is cancelled twice without asking."""

import sqlite3
from datetime import timedelta
from typing import Any

import httpx
import pytest

from bot.demo.panel import Upstream
from bot.domain.order_status import OrderStatus
from bot.ledger import LedgerUnreachable
from bot.panel import Answer
from tests.panel.fakes import AMBIGUOUS
from tests.world import FINE, KEY, World, lost, messages, shown

RUNNING = OrderStatus.IN_PROGRESS

pytestmark = pytest.mark.usefixtures("env")


def unclaimed(text: str) -> bool:
    """Tell whether a text claims no end that only a status could have proven."""
    return "✅" not in text and "Queued at" not in text


@pytest.mark.parametrize("fault", AMBIGUOUS, ids=str)
@pytest.mark.parametrize("arrived", [False, True])
async def test_an_ambiguous_call_is_settled_by_status(
    here: World, ann: Any, fault: Exception | Answer, arrived: bool
) -> None:
    here.order("ord_A")
    here.order("ord_B", RUNNING)

    here.wire.faults = [lost(fault) if arrived else fault]
    card = await ann.slash("cancel", orders="ord_A ord_B")
    await here.one_call()
    await here.deliver()
    assert "❔ **Unclear**" in shown(card)
    assert unclaimed(shown(card))

    await here.wait(100)
    assert here.hasty() == []
    assert ("✅ **Cancelled**" in shown(card)) == arrived
    await here.wait(100)
    assert here.hasty() == []
    assert "2 cancelled" in shown(card) + messages(ann)[-1]
    assert here.panel.cancel_requests == {"ord_A": 1, "ord_B": 1}


@pytest.mark.parametrize("fault", [httpx.ConnectError("refused"), httpx.ConnectTimeout("slow")])
async def test_a_call_that_never_left_is_simply_tried_again(here: World, ann: Any, fault: Exception) -> None:
    here.order("ord_A")
    here.wire.faults = [fault] * 3
    card = await ann.slash("cancel", orders="ord_A")
    await here.settle()
    assert "can't be reached" in shown(card)
    assert "Not sent yet" in shown(card)
    await here.wait(60)
    assert "1 cancelled" in shown(card)
    assert "can't be reached" not in shown(card)
    assert here.panel.cancel_requests["ord_A"] == 1


@pytest.mark.parametrize("layer", ["ip", "key", "tier", None])
async def test_a_rate_limit_is_waited_for(here: World, ann: Any, layer: str | None) -> None:
    here.order("ord_A")
    reset = str(int(here.clock().timestamp()) + 40)
    headers = {"X-RateLimit-DeniedBy": layer, "X-RateLimit-Reset": reset} if layer else {}
    here.wire.faults = [Answer(429, '{"error": "Rate limit exceeded"}', headers)]
    card = await ann.slash("cancel", orders="ord_A")
    await here.settle()
    assert "rate limit is used up" in shown(card)
    await here.wait(28)
    assert here.panel.cancel_requests == {}
    await here.wait(15)
    assert "1 cancelled" in shown(card)


async def test_already_cancelled_after_a_lost_answer_is_no_failure(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING)
    here.wire.faults = [
        lost(httpx.ReadTimeout("no answer")),
        Answer(200, '{"status": "In progress", "remains": "650"}'),
        Answer(400, '{"error": "Order cannot be cancelled (already completed)"}'),
    ]
    card = await ann.slash("cancel", orders="ord_A")
    await here.wait(20)
    assert "❔ **Unclear**" in shown(card)
    await here.wait(70)
    assert "1 cancelled" in shown(card)


async def test_one_order_that_spoils_its_batch_spoils_no_other(here: World, ann: Any) -> None:
    orders = [here.order(f"ord_{n}") for n in range(9)]
    here.wire.allergic_to = "ord_4"
    card = await ann.slash("cancel", orders=" ".join(orders))
    await here.wait(30)
    assert "8 cancelled · 1 not possible" in shown(card)
    assert "`ord_4`\n-# “Bad order in list”" in shown(card)


async def test_a_panel_that_turns_calls_away_refuses_no_order(here: World, ann: Any) -> None:
    here.order("ord_A")
    here.wire.faults = [Answer(403, '{"error": "Forbidden"}')]
    card = await ann.slash("cancel", orders="ord_A")
    await here.settle()
    assert "is blocking this bot" in shown(card)
    assert "Not sent yet" in shown(card)
    await here.wait(30)
    assert "1 cancelled" in shown(card)


async def test_cancelled_by_somebody_else_before_is_watched_like_any_other(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING)
    here.wire.faults = [Answer(400, '{"error": "Cancellation already requested"}')]
    card = await ann.slash("cancel", orders="ord_A")
    await here.settle()
    assert "❔ **Unclear**" in shown(card)
    here.panel.orders["ord_A"].status = "canceled"
    await here.wait(30)
    assert "1 cancelled" in shown(card)


async def test_an_order_nobody_knows_is_refused_even_if_the_answer_to_its_cancel_was_lost(
    here: World, ann: Any
) -> None:
    here.wire.faults = [httpx.ReadTimeout("no answer")]
    card = await ann.slash("cancel", orders="ord_absent")
    await here.wait(10)
    assert "1 not possible" in shown(card)
    assert "“Order not found”" in shown(card)


async def test_a_doubtful_call_is_never_told_as_not_made(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING)
    suspended = Answer(403, '{"error": "Account suspended"}')
    here.wire.faults = [httpx.ReadTimeout("no answer"), FINE, suspended, suspended]
    card = await ann.slash("cancel", orders="ord_A")
    await here.wait(80)
    assert "account is suspended" in shown(card)
    assert "❔ **Unclear**" in shown(card)
    removal = await ann.slash("key remove")
    await ann.click(removal.response, label="Remove anyway")
    await here.settle()
    assert "No longer watched" in shown(card)
    assert "never asked" not in shown(card)


async def test_what_was_never_sent_is_not_told_to_be_with_the_provider(here: World, ann: Any) -> None:
    here.order("ord_A")
    here.wire.broken = "cancel"
    here.panel.keys[KEY].suspended = True
    await ann.slash("cancel", orders="ord_A")
    await here.wait(70)
    await here.wait(80 * 3600, step=3600)
    assert "72 hours" not in "".join(messages(ann))
    here.panel.keys[KEY].suspended = False
    await here.connect(ann)
    await here.wait(120)
    assert "Still waiting for a clear answer from the panel after 72 hours" in messages(ann)[-1]


async def test_a_key_of_another_account_ends_what_it_cannot_see(here: World, ann: Any) -> None:
    here.panel.add_key("np-another-account-000111")
    here.order("ord_A", RUNNING, upstream=Upstream(timedelta(hours=9)))
    card = await ann.slash("cancel", orders="ord_A")
    await here.settle()
    await here.connect(ann, "np-another-account-000111")
    await here.wait(30)
    assert "No longer watched" in shown(card)
    assert "How these ended isn't known" in messages(ann)[-1]
    assert "“Order not found”" in messages(ann)[-1]


async def test_nothing_is_sent_with_a_key_that_has_just_been_replaced(here: World, ann: Any) -> None:
    another = "np-another-account-000111"
    here.panel.add_key(another)
    here.order("ord_A", RUNNING)
    card = await ann.slash("cancel", orders="ord_A")
    claim = here.app.ledger.write_at_once

    async def replaced_before(work: Any) -> Any:
        here.app.ledger.write_at_once = claim  # type: ignore[method-assign]
        await here.app.services.accounts.connect(ann.id, another)
        return await claim(work)

    here.app.ledger.write_at_once = replaced_before  # type: ignore[method-assign]
    await here.wait(30)
    assert [call.key for call in here.panel.calls if call.action == "cancel"] == [another]
    assert "“Order not found”" in shown(card)


async def test_an_answer_is_written_down_though_the_ledger_could_not_be_read(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING)
    card = await ann.slash("cancel", orders="ord_A")
    read = here.app.ledger.read

    async def unreadable(*_: Any) -> Any:
        del read.requests_to_send
        raise sqlite3.OperationalError("disk I/O error")

    def meanwhile(answer: Answer) -> Answer:
        read.requests_to_send = unreadable  # type: ignore[method-assign]
        return answer

    here.wire.faults = [meanwhile]
    await here.wait(10)
    assert "Waiting at the provider" in shown(card)
    assert here.panel.cancel_requests == {"ord_A": 1}


async def test_news_that_cannot_be_read_take_back_nothing_that_was_accepted(here: World, ann: Any) -> None:
    async def unreachable(*_: Any) -> Any:
        raise LedgerUnreachable

    here.order("ord_A")
    here.app.ledger.read.undelivered_notices = unreachable  # type: ignore[method-assign]
    card = await ann.slash("cancel", orders="ord_A")
    assert card.followups == []
    await here.wait(10)
    assert "1 cancelled" in shown(card)


async def test_what_any_answer_says_of_the_limit_is_heeded(here: World, ann: Any) -> None:
    here.order("ord_A")
    reset = str(int(here.clock().timestamp()) + 40)
    used_up = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
    here.wire.faults = [Answer(200, '{"balance": "1.00"}', used_up)]
    assert "1.00" in shown(await ann.slash("balance"))
    await ann.slash("cancel", orders="ord_A")
    await here.wait(35)
    assert here.cancel_calls() == []
    await here.wait(10)
    assert here.panel.cancel_requests == {"ord_A": 1}


async def test_an_unknown_status_word_is_shown_and_ends_nothing(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING)
    card = await ann.slash("cancel", orders="ord_A")
    here.wire.faults = [lambda answer: answer, Answer(200, '{"status": "Awaiting [moon](https://x.example)"}')]
    await here.settle()
    assert "[moon](https://x.example)" not in shown(card)
    assert "moon" in shown(card)
    assert "Checking the result…" in shown(card)  # a word nobody knows proves nothing, not even that
    await here.wait(90)
    assert "1 cancelled" in shown(card)


async def test_a_status_that_cannot_be_read_leaves_the_order_accepted(here: World, ann: Any) -> None:
    here.order("ord_A")
    here.wire.faults = [lambda answer: answer, Answer(200, "{}")]
    card = await ann.slash("cancel", orders="ord_A")
    await here.app.scheduler.step()
    await here.deliver()
    assert "1 checking" in shown(card)
    assert unclaimed(shown(card))
    await here.wait(30)
    assert "1 cancelled" in shown(card)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (Answer(502, "<html>"), "can't be reached"),
        (Answer(200, "<html>"), "I can't read NotPanel's answer"),
        (Answer(429, "{}"), "rate limit is used up"),
        (Answer(403, '{"error": "Account suspended"}'), "account is suspended"),
        (Answer(403, '{"error": "Invalid API key"}'), "doesn't accept this key"),
    ],
)
async def test_status_says_why_it_cannot_answer(here: World, ann: Any, answer: Answer, sentence: str) -> None:
    here.wire.faults = [answer]
    assert sentence in shown(await ann.slash("status", orders="ord_A ord_B"))


async def test_status_shows_each_order_as_the_panel_has_it(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING, remains=650)
    text = shown(await ann.slash("status", orders="ord_A ord_B nonsense"))
    assert "*in progress*" in text
    assert "`ord_A` · 0.50 USD · 650 not delivered" in text
    assert "`ord_B`\n-# “Order not found”" in text
    assert "nonsense" not in text
