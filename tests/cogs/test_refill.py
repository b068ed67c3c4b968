"""/refill: each order is asked for once; what the panel said stands as it is, and what it did not say is not known."""

import asyncio
import re
from typing import Any

import httpx
import pytest

from bot.cards.keys import key_fact
from bot.cards.reasons import next_step
from bot.cards.refills import refills_card
from bot.domain.order_status import OrderStatus
from bot.domain.panel_answers import Refill, RowError
from bot.ledger import LedgerUnreadable
from bot.panel import Answer, InvalidKey, Unavailable
from bot.panel.phrases import read_reason
from bot.services.panel_calls import Refills
from tests.examples import HOSTILE, KEYS, NOW, keeps_discords_limits, ours, text_of
from tests.world import FINE, KEY, START, World, buttons_of, lost, messages, shown

DONE = OrderStatus.COMPLETED
RUNNING = OrderStatus.IN_PROGRESS
UNKNOWN = "It isn't known whether NotPanel took these"
ONCE, MOST, WHEN = "one open refill", "3 times by default", "Only completed or partly delivered"

pytestmark = pytest.mark.usefixtures("env")


def done(here: World, count: int) -> list[str]:
    """Put completed orders into the books."""
    return [here.order(f"ord_{number:04}", DONE, remains=0) for number in range(count)]


async def test_an_accepted_refill_is_shown_with_its_id_and_claims_no_more(here: World, ann: Any) -> None:
    here.order("ord_A", DONE)
    text = shown(await ann.slash("refill", orders="ord_A"))
    assert "1 accepted" in text
    assert "`ord_A` → `ref_000000000001`" in text
    assert "Check NotPanel to see when it's delivered." in text
    assert here.panel.refill_requests == {"ord_A": 1}


async def test_each_refusal_has_the_panels_words_and_a_next_step(here: World, ann: Any) -> None:
    here.order("ord_Running", RUNNING)
    here.order("ord_Open", DONE)
    here.order("ord_Thrice", DONE)
    here.panel.orders["ord_Thrice"].refills = 3
    await ann.slash("refill", orders="ord_Open")
    text = shown(await ann.slash("refill", orders="ord_Running ord_Open ord_Thrice ord_absent ord_Half_one nonsense"))
    assert "4 not possible" in text
    assert f"`ord_Running`\n-# “Order is not completed or partial” {WHEN}" in text
    assert "`ord_Open`\n-# “A refill of this order is already open” NotPanel allows one open refill" in text
    assert "`ord_Thrice`\n-# “Refill limit reached for this order” NotPanel refills an order 3 times" in text
    assert "`ord_absent`\n-# “Order not found” Not found under your key" in text
    assert "Skipped `ord_Half_one`: not a complete order ID." in text
    assert "nonsense" not in text


@pytest.mark.parametrize(
    ("words", "step"),
    [
        ("Order not found", "Not found under your key"),
        ("Incorrect order ID", "Not found under your key"),
        ("Order must be completed", WHEN),
        ("Order is still in progress", WHEN),
        ("Refill is only possible for Partial orders", WHEN),
        ("Order already cancelled", WHEN),
        ("Refill already in progress", ONCE),
        ("There is already an open refill", ONCE),
        ("Refill already requested", ONCE),
        ("Only one refill at a time", ONCE),
        ("Refill is pending", ONCE),
        ("Maximum refills reached", MOST),
        ("Refill limit exceeded", MOST),
        ("Order was already refilled 3 times", MOST),
        ("Service does not support refill", "has no refill"),
        ("Refill is disabled for this service", "has no refill"),
        ("Rate limit. Slow down", ""),
        ("Not eligible", ""),
        ("", ""),
    ],
)
def test_words_are_matched_loosely(words: str, step: str) -> None:
    said = next_step(read_reason("refill", words))
    assert step in said
    assert bool(step) == bool(said)


async def test_words_nobody_knows_are_shown_as_they_are(here: World, ann: Any) -> None:
    here.wire.faults = [Answer(200, '{"order": 1, "refill": {"error": "The [moon](https://x.example) is full"}}')]
    assert r"“The \[moon\]\(https\://x\.example\) is full”" in shown(await ann.slash("refill", orders="1"))


async def test_150_orders_cost_two_calls_and_stand_in_a_file(here: World, ann: Any) -> None:
    orders = done(here, 150)
    for order in orders[::3]:
        here.panel.orders[order].status = "In progress"
    result = await ann.slash("refill", orders="\n".join(orders))
    text = shown(result)
    assert [len(call) for call in here.calls("refill")] == [100, 50]
    assert "100 accepted · 50 not possible" in text
    assert "The file has every order." in text
    assert len(text) <= 4_000
    (file,) = result.response.attachments
    lines = (await file.read()).decode("utf-8-sig").splitlines()
    assert lines[1] == "ord_0000,Not possible,,Order is not completed or partial"
    assert lines[2] == "ord_0001,Refill accepted,ref_000000000001,"
    assert [line.split(",")[0] for line in lines[1:]] == orders


async def test_what_is_asked_for_stands_on_the_card_before_it_is_sent(here: World, ann: Any) -> None:
    here.order("ord_A", DONE)
    before: list[str] = []

    def look(answer: Answer) -> Answer:
        before.append(repr([request.json for request in here.env.http_requests if request.method == "PATCH"]))
        return answer

    here.wire.faults = [look]
    result = await ann.slash("refill", orders="ord_A")
    assert "`ord_A`" in before[0]
    assert "it isn't known whether NotPanel took them" in before[0]
    assert "it isn't known" not in shown(result)


AMBIGUOUS = [
    httpx.ReadTimeout("no answer"),
    httpx.RemoteProtocolError("closed"),
    Answer(500, '{"error": "Internal error"}'),
    Answer(502, "<html>Bad gateway</html>"),
    Answer(200, "<html>Welcome</html>"),
    Answer(200, '{"refill": "ref_1"}'),
    Answer(200, "[]"),
    Answer(200, '[{"order": "ord_A", "refill": "ref_1"}, {"order": "ord_B", "refill": "ref_1"}]'),
    Answer(200, '[{"order": "ord_A", "refill": "ref_1", "error": "no"}, {"order": "ord_B", "refill": true}]'),
    Answer(200, '[{"order": "ord_A", "refill": "ref_1"}, {"order": "ord_A", "refill": "ref_2"}]'),
    RuntimeError("a fault of ours"),
]


@pytest.mark.parametrize("fault", AMBIGUOUS, ids=str)
@pytest.mark.parametrize("arrived", [False, True])
async def test_an_ambiguous_call_is_told_as_such_and_never_sent_again(
    here: World, ann: Any, fault: Exception | Answer, arrived: bool
) -> None:
    here.order("ord_A", DONE)
    here.order("ord_B", DONE)

    def instead(_: Answer) -> Answer:
        if isinstance(fault, Exception):
            raise fault
        return fault

    here.wire.faults = [instead if arrived else fault]
    text = shown(await ann.slash("refill", orders="ord_A ord_B"))
    assert "2 unclear" in text
    assert "`ord_A`\n`ord_B`" in text
    assert UNKNOWN in text
    assert "before you ask again" in text
    assert not re.search("Try again|Nothing was|accepted", text)
    await here.wait(300)
    assert len(here.calls("refill")) == arrived


async def never(_seconds: float) -> None:
    """Wait for ever."""
    await asyncio.Event().wait()


@pytest.mark.parametrize("arrived", [False, True])
async def test_what_was_answered_before_a_time_out_stands_and_the_rest_is_not_sent(
    here: World, ann: Any, arrived: bool
) -> None:
    orders = done(here, 210)
    unheard = httpx.ReadTimeout("no answer")
    here.wire.faults = [FINE, lost(unheard) if arrived else unheard]
    here.skip(55)  # the last ten orders wait for a turn, which never comes
    here.app.services.cancels._budget._ip.limit = 3
    here.app.services.cancels._budget._sleep = never
    result = await ann.slash("refill", orders=" ".join(orders))
    text = shown(result)
    assert "100 accepted · 100 unclear · 10 not sent" in text
    assert "`ord_0000` → `ref_000000000001`" in text
    assert UNKNOWN in text
    assert "I stopped where NotPanel gave no clear answer" in text
    assert [len(call) for call in here.calls("refill")] == [100, *([100] if arrived else [])]
    (file,) = result.response.attachments
    lines = (await file.read()).decode("utf-8-sig").splitlines()[1:]
    assert [line.split(",")[1] for line in lines[99:201:101]] == ["Refill accepted", "Not sent"]
    assert "No clear answer" in lines[100]


@pytest.mark.sqlite  # where all calls begin in one step; what has not begun when one fails is not sent
async def test_what_each_of_several_calls_came_to_is_told(here: World, ann: Any) -> None:
    orders = done(here, 420)
    here.wire.faults = [FINE, httpx.ConnectError("refused"), FINE, lost(httpx.ReadTimeout("no answer")), FINE]
    result = await ann.slash("refill", orders=" ".join(orders))
    assert "NotPanel can't be reached right now" in shown(result)
    (file,) = result.response.attachments
    told = [line.split(",")[1] for line in (await file.read()).decode("utf-8-sig").splitlines()[1:]]
    # How many calls are under way when one is refused depends on the machine; what has not begun by then is not sent.
    assert told[:100] == ["Refill accepted"] * 100
    assert told.count("Not sent") >= 100
    for order, outcome in zip(orders, told, strict=True):
        asked = {"Refill accepted": [1], "Not sent": [0], "No clear answer": [0, 1]}[outcome]
        assert here.panel.refill_requests.get(order, 0) in asked


async def test_a_call_that_has_its_turn_in_time_is_made_although_another_would_not(here: World, ann: Any) -> None:
    here.skip(55)
    here.app.services.cancels._budget._ip.limit = 3
    text = shown(await ann.slash("refill", orders=" ".join(done(here, 310))))
    assert "300 accepted · 10 not sent" in text
    assert "rate limit is used up" in text


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (httpx.ConnectError("refused"), "can't be reached"),
        (Answer(429, "{}"), "rate limit is used up"),
        (Answer(403, '{"error": "Forbidden"}'), "is blocking this bot"),
        (Answer(403, '{"error": "Account suspended"}'), "account is suspended"),
    ],
)
async def test_a_call_that_did_nothing_is_told_as_that(
    here: World, ann: Any, fault: Exception | Answer, sentence: str
) -> None:
    here.wire.faults = [fault]
    text = shown(await ann.slash("refill", orders="ord_A"))
    assert sentence in text
    assert "Nothing was changed" in text
    assert "it isn't known" not in text

    orders = done(here, 101)
    await here.connect(ann)  # a suspended account is used again
    here.skip(60)
    here.wire.faults = [FINE, fault]
    text = shown(await ann.slash("refill", orders=" ".join(orders)))
    assert "100 accepted · 1 not sent" in text
    assert "`ord_0100`" in text
    assert sentence in text
    assert UNKNOWN not in text


async def test_a_limit_that_is_used_up_in_the_middle_leaves_the_rest_unsent(here: World, ann: Any) -> None:
    orders = done(here, 150)
    here.panel._by_key[KEY].limit = 2  # one call was made to connect
    text = shown(await ann.slash("refill", orders=" ".join(orders)))
    assert [len(call) for call in here.calls("refill")] == [100]
    assert "100 accepted · 50 not sent" in text
    assert "Nothing was done for these" in text
    assert f"rate limit is used up. Try again <t:{int(START.timestamp()) + 62}:R>" in text
    assert 429 not in here.wire.statuses

    again = shown(await ann.slash("refill", orders=" ".join(orders[100:])))
    assert "rate limit is used up" in again
    assert "Nothing was changed" in again
    assert len(here.calls("refill")) == 1


async def test_a_batch_refused_as_a_whole_stands_with_the_panels_words(here: World, ann: Any) -> None:
    here.wire.allergic_to = "ord_0004"
    text = shown(await ann.slash("refill", orders=" ".join(done(here, 105))))
    assert "5 accepted · 100 not possible" in text
    assert "“Bad order in list”" in text


async def test_a_key_rejected_in_the_middle_pauses_the_account(here: World, ann: Any) -> None:
    orders = done(here, 120)

    def revoked(answer: Answer) -> Answer:
        here.panel.revoke_key(KEY)
        return answer

    here.wire.faults = [revoked]
    result = await ann.slash("refill", orders=" ".join(orders))
    assert "100 accepted · 20 not sent" in shown(result)
    assert "doesn't accept this key" in shown(result)
    assert buttons_of(result) == ["Connect again"]
    here.skip(60)
    assert "doesn't accept this key" in shown(await ann.slash("refill", orders="ord_0000"))
    again = await ann.slash("refill", orders="ord_0000")
    assert "Your 1 order is kept. NotPanel rejects your key" in shown(again)
    assert buttons_of(again) == ["Connect again"]


async def test_a_key_removed_in_the_middle_is_used_no_more(here: World, ann: Any) -> None:
    orders = done(here, 120)

    async def removed(answer: Answer) -> Answer:
        await here.app.services.accounts.remove(ann.id)
        return answer

    here.wire.faults = [removed]
    text = shown(await ann.slash("refill", orders=" ".join(orders)))
    assert "100 accepted · 20 not sent" in text
    assert "The key was removed" in text
    assert len(here.calls("refill")) == 1


async def test_that_the_ledger_could_not_be_read_is_logged_as_the_card_says(
    here: World, ann: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    orders = done(here, 120)

    async def unreadable(*_: Any) -> Any:
        raise LedgerUnreadable("(disk I/O error)")

    def then_unreadable(answer: Answer) -> Answer:
        monkeypatch.setattr(here.app.ledger.read, "account", unreadable)
        return answer

    here.wire.faults = [then_unreadable]
    middle = shown(await ann.slash("refill", orders=" ".join(orders)))
    assert "100 accepted · 20 not sent" in middle
    assert "has been logged" in middle
    assert "disk I/O error" in caplog.text
    caplog.clear()
    assert "I can't read or save anything right now" in shown(await ann.slash("refill", orders="ord_0119"))
    assert "disk I/O error" in caplog.text
    assert len(here.calls("refill")) == 1


async def test_an_order_named_twice_is_asked_for_once(here: World, ann: Any) -> None:
    orders = done(here, 100)
    account = await here.app.services.accounts.usable(ann.id)
    result = await here.app.services.calls.refill(account, [*orders, *orders])
    assert set(here.panel.refill_requests.values()) == {1}
    assert here.calls("refill") == [tuple(orders)]
    assert len(result.rows) == 100


async def test_without_a_key_nothing_is_sent(here: World) -> None:
    result = await here.env.create_user("bob").slash("refill", orders="ord_A")
    assert "Connect your NotPanel key first" in shown(result)
    assert buttons_of(result) == ["Paste my key", "Open NotPanel"]
    assert here.panel.calls == []


async def test_anothers_order_is_not_found(here: World, ann: Any) -> None:
    here.panel.add_key("np-key-of-bob-000")
    here.order("ord_B", DONE, key="np-key-of-bob-000")
    text = shown(await ann.slash("refill", orders="ord_B"))
    assert "“Order not found”" in text
    assert here.panel.refill_requests == {}


async def test_text_without_an_order_and_too_many_orders(here: World, ann: Any) -> None:
    assert "No order ID found" in shown(await ann.slash("refill", orders="please"))
    await ann.send_dm("refill")
    assert "Which orders?" in messages(ann)[-1]
    text = shown(await ann.slash("refill", orders=",".join(map(str, range(1_000, 2_001)))))
    assert "more than 1,000 orders" in text
    assert "it isn't known" not in text
    assert here.calls("refill") == []


async def test_plain_text_in_a_dm_does_the_same(here: World, ann: Any) -> None:
    here.order("ord_A", OrderStatus.PARTIAL)
    await ann.send_dm("refill ord_A, ord_absent")
    assert "1 accepted · 1 not possible" in messages(ann)[-1]
    assert len(messages(ann)) == 1
    await ann.send_dm("refill ord_A")
    assert "“A refill of this order is already open”" in messages(ann)[-1]


async def test_in_a_server_only_the_user_sees_it(here: World) -> None:
    channel = here.env.create_guild().create_text_channel("orders")
    ann = here.env.guild.add_member(here.env.create_user("ann"))
    await here.connect_in(channel, ann)
    here.order("ord_A", DONE)
    result = await ann.slash(channel, "refill", orders="ord_A")
    assert result.ephemeral
    assert "1 accepted" in shown(result)
    assert channel.history() == []


async def test_where_the_card_cannot_be_shown_nothing_is_sent(here: World, ann: Any) -> None:
    here.order("ord_A", DONE)
    here.env.inject_error("PATCH", "/channels/*/messages/*", status=403, code=50001, times=None)
    await ann.send_dm("refill ord_A")
    assert here.calls("refill") == []


@pytest.mark.parametrize("times", [1, None])
async def test_a_result_that_cannot_be_shown_leaves_the_card_that_says_what_to_do(
    here: World, ann: Any, times: int | None
) -> None:
    here.order("ord_A", DONE)

    def cut_off(answer: Answer) -> Answer:
        fault = {"method": "PATCH", "path": "/channels/*/messages/*", "status": 403, "code": 50001, "times": times}
        here.env.backend.faults.append({**fault, "message": ""})  # inject_error refuses while the bot is at work
        return answer

    here.wire.faults = [cut_off]
    await ann.send_dm("refill ord_A")
    card = messages(ann)[0]
    assert "`ord_A`" in card
    assert "it isn't known whether NotPanel took them" in card
    assert here.panel.refill_requests == {"ord_A": 1}


@pytest.mark.parametrize("count", [1, 4, 50, 1_000])
@pytest.mark.parametrize("words", ["", "=no", HOSTILE])
@pytest.mark.parametrize("error", [None, Unavailable(may_have_acted=True), InvalidKey(HOSTILE)], ids=repr)
async def test_every_card_keeps_discords_limits(count: int, words: str, error: Exception | None) -> None:
    orders = tuple(f"ord_{number:064}" for number in range(count))
    rows = {order: Refill(f"ref_{n:064}") for n, order in enumerate(orders) if n % 4 == 0}
    rows |= {order: RowError(f"{words} {n % 9}") for n, order in enumerate(orders) if n % 4 == 1}
    result = Refills(NOW, rows, frozenset(orders[3::4]) if error else frozenset(), error)
    junk = tuple(f"{number:07}…" for number in range(50))
    card = refills_card(orders, result, junk, 9, key_fact(KEYS, KEYS[0]), KEYS[0].name)
    keeps_discords_limits(card)
    file = card.files[0].fp.read().decode("utf-8-sig") if card.files else ""
    assert all(order in (file or text_of(card)) for order in orders)
    assert not re.search(r'(?m)(^|,)"?[=+@-]', file)
    assert not re.search(r"@everyone|\]\(http", ours(card))
    assert "\u202e" not in text_of(card)
