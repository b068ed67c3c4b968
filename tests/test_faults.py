"""The panel at its worst: nothing is told that is not proven, nothing is cancelled twice without asking."""

from typing import Any

import httpx
import pytest

from bot.panel import Answer, OrderStatus
from tests.world import World, messages, shown

RUNNING = OrderStatus.IN_PROGRESS

pytestmark = pytest.mark.usefixtures("env")


def unclaimed(text: str) -> bool:
    """Tell whether a text claims no end that only a status could have proven."""
    return "refunded" not in text.casefold() and "queued at" not in text.casefold()


AMBIGUOUS = [
    httpx.ReadTimeout("no answer"),
    httpx.ReadError("reset"),
    httpx.RemoteProtocolError("closed"),
    Answer(500, '{"error": "Internal error"}'),
    Answer(502, "<html>Bad gateway</html>"),
    Answer(200, "<html>Welcome</html>"),
    Answer(200, '[{"order": "ord_A", "can'),
    Answer(200, "[]"),
    Answer(200, '[{"order": "ord_Z", "cancel": "ord_Z"}, {"cancel": "ord_B"}]'),
    Answer(200, '[{"order":"ord_A","cancel":1},{"order":"ord_A","error":"no"},{"order":"ord_B","cancel":0}]'),
    Answer(302, ""),
]


@pytest.mark.parametrize("fault", AMBIGUOUS, ids=str)
@pytest.mark.parametrize("arrived", [False, True])
async def test_an_ambiguous_call_is_settled_by_status(
    here: World, ann: Any, fault: Exception | Answer, arrived: bool
) -> None:
    here.order("ord_A")
    here.order("ord_B", RUNNING)
    if arrived:  # the panel acts, and its answer is lost

        def lost(_: Answer) -> Answer:
            if isinstance(fault, Exception):
                raise fault
            return fault

        here.wire.faults = [lost]
    else:
        here.wire.faults = [fault]
    card = await ann.slash("cancel", orders="ord_A ord_B")
    await here.app.worker.start_due()
    await here.app.worker.finish()
    await here.app.courier.step()
    assert "Unclear, being checked" in shown(card)
    assert unclaimed(shown(card))

    await here.wait(20)
    assert "`ord_A` · status `canceled`" in shown(card)
    assert "Queued at the provider" in shown(card)
    actions = [call.action for call in here.panel.calls if call.action != "balance"]
    assert "cancel, cancel" not in ", ".join(actions)  # a status in between, always
    assert here.panel.cancel_requests["ord_A"] == 1


@pytest.mark.parametrize("fault", [httpx.ConnectError("refused"), httpx.ConnectTimeout("slow")])
async def test_a_call_that_never_left_is_simply_tried_again(here: World, ann: Any, fault: Exception) -> None:
    here.order("ord_A")
    here.wire.faults = [fault] * 3
    card = await ann.slash("cancel", orders="ord_A")
    await here.settle()
    assert "cannot be reached" in shown(card)
    assert "Waiting to be sent" in shown(card)
    await here.wait(60)
    assert "**1** refunded" in shown(card)
    assert "cannot be reached" not in shown(card)
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
    assert "**1** refunded" in shown(card)


async def test_many_doubtful_calls_end_in_watching_not_in_sending(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING)
    await ann.slash("cancel", orders="ord_A")
    account = await here.app.ledger.read.account_of(ann.id)
    assert account
    for _ in range(40):
        (row,) = await here.app.ledger.read.open_cancellations(account.id)
        here.wire.faults = [Answer(200, "<html>")] if row.state == "requested" else []
        await here.app.worker.start_due()
        await here.app.worker.finish()
        here.skip(5)
    assert here.panel.cancel_requests == {}
    (row,) = await here.app.ledger.read.open_cancellations(account.id)
    assert (row.state, row.attempts) == ("unknown", 3)
    here.panel.orders["ord_A"].status = "completed"
    await here.wait(120)
    assert "Delivered before the request took effect" in messages(ann)[-1]


async def test_already_cancelled_after_a_lost_answer_is_no_failure(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING)

    def lost(_: Answer) -> Answer:
        raise httpx.ReadTimeout("no answer")

    here.wire.faults = [
        lost,
        Answer(200, '{"status": "In progress"}'),
        Answer(400, '{"error": "Order cannot be cancelled (already completed)"}'),
    ]
    card = await ann.slash("cancel", orders="ord_A")
    await here.wait(20)
    assert "Unclear, being checked" in shown(card)
    await here.wait(70)
    assert "**1** refunded" in shown(card)


async def test_an_unknown_status_word_is_shown_and_ends_nothing(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING)
    card = await ann.slash("cancel", orders="ord_A")
    here.wire.faults = [lambda answer: answer, Answer(200, '{"status": "Awaiting [moon](https://x.example)"}')]
    await here.settle()
    assert "`Awaiting [moon](https://x.example)`" in shown(card)
    assert "Queued at the provider" in shown(card)
    await here.wait(90)
    assert "**1** refunded" in shown(card)


async def test_a_status_that_cannot_be_read_leaves_the_order_accepted(here: World, ann: Any) -> None:
    here.order("ord_A")
    here.wire.faults = [lambda answer: answer, Answer(200, "{}")]
    card = await ann.slash("cancel", orders="ord_A")
    await here.app.worker.step()
    await here.app.courier.step()
    assert "being checked" in shown(card)
    assert unclaimed(shown(card))
    await here.wait(30)
    assert "**1** refunded" in shown(card)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (Answer(502, "<html>"), "cannot be reached"),
        (Answer(200, "<html>"), "something I cannot read"),
        (Answer(429, "{}"), "rate limit is used up"),
        (Answer(403, '{"error": "Account suspended"}'), "account is suspended"),
        (Answer(403, '{"error": "Invalid API key"}'), "does not accept this key"),
    ],
)
async def test_status_says_why_it_cannot_answer(here: World, ann: Any, answer: Answer, sentence: str) -> None:
    here.wire.faults = [answer]
    assert sentence in shown(await ann.slash("status", orders="ord_A ord_B"))


async def test_status_shows_each_order_as_the_panel_has_it(here: World, ann: Any) -> None:
    here.order("ord_A", RUNNING, remains=650)
    text = shown(await ann.slash("status", orders="ord_A ord_B nonsense"))
    assert "`ord_A` · **`in_progress`** · charge 0.50 USD · 650 remaining" in text
    assert "`ord_B` · the panel says `Order not found`" in text
    assert "`nonsense`" in text
