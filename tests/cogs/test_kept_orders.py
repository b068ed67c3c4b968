"""Nothing typed is lost: orders named without a usable key, or to a question that lapsed, are asked about again."""

from datetime import timedelta
from typing import Any

import pytest

from bot.cards import actions
from bot.demo.panel import Upstream
from bot.domain.order_status import OrderStatus
from bot.ledger import KEPT_FOR
from bot.ledger.kept import MOST_KEPT
from tests.world import KEY, World, buttons_of, messages, shown, text_of

pytestmark = pytest.mark.usefixtures("env")

CANCEL = "Cancel orders in this message"
DAY = KEPT_FOR.total_seconds()


@pytest.fixture
def bob(here: World) -> Any:
    """A user without a key."""
    for name in ("ord_A", "ord_B"):
        here.order(name)
    return here.env.create_user("bob")


async def connect(user: Any, key: str = KEY, name: str | None = None) -> tuple[str, Any]:
    """Connect a key; return what its card says, and the answer below it, if there is one."""
    named = {"name": name} if name else {}
    result = await user.submit_modal(await user.slash("key set", **named), {"key": key})
    return shown(result), result.followups[-1] if result.followups else None


def text(answer: Any) -> str:
    """Return all that an answer shows by now."""
    return text_of(answer.components)


async def by_option(_here: World, user: Any) -> Any:
    return await user.slash("cancel", orders="ord_A, ord_B")


async def by_file(_here: World, user: Any) -> Any:
    return await user.slash("cancel", file=("orders.txt", b"ord_A\nord_B"))


async def by_form(_here: World, user: Any) -> Any:
    return await user.submit_modal(await user.slash("cancel"), {"orders": "ord_A\nord_B"})


@pytest.mark.parametrize("ask", [by_option, by_file, by_form])
async def test_orders_named_without_a_key_are_asked_about_once_there_is_one(here: World, bob: Any, ask: Any) -> None:
    first = await ask(here, bob)
    assert "Connect your NotPanel key first. Your 2 orders are kept." in shown(first)
    assert buttons_of(first) == ["Paste my key", "Open NotPanel"]
    told, question = await connect(bob)
    assert "Connected" in told
    assert "Cancel 2 orders?" in text(question)
    await here.settle()
    await here.wait(60)
    assert here.cancel_calls() == []  # nothing without a press
    await bob.click(question, custom_id="np:confirm:1")
    await here.settle()
    assert here.cancel_calls() == [("ord_A", "ord_B")]
    assert (await connect(bob))[1] is None  # they are asked about once


async def test_orders_named_in_a_dm_or_a_message_are_kept_too(here: World, bob: Any) -> None:
    await bob.send_dm("cancel ord_A")
    assert "Your 1 order is kept" in messages(bob)[-1]
    channel = here.env.create_guild().create_text_channel("orders")
    member = here.env.guild.add_member(bob)
    said = await member.send(channel, "please cancel ord_B")
    assert "Your 2 orders are kept" in shown(await member.context_menu(channel, CANCEL, said))
    question = (await connect(bob))[1]
    assert "ord_A" in text(question)
    assert "ord_B" in text(question)


async def test_a_status_goes_straight_on_and_a_refill_asks(here: World, bob: Any) -> None:
    await bob.slash("status", orders="ord_A")
    told, answer = await connect(bob)
    assert "`ord_A`" in text(answer)
    assert here.calls("status") == [("ord_A",)]
    await bob.slash("key remove")
    await bob.slash("refill", orders="ord_B")
    told, question = await connect(bob)
    assert "Connected" in told
    assert "ord_B" in text(question)
    assert here.calls("refill") == []
    labels = text(question).splitlines()
    assert any("Refill" in line for line in labels)


async def test_a_bad_key_loses_nothing(here: World, bob: Any) -> None:
    await bob.slash("cancel", orders="ord_A")
    bad = await bob.submit_modal(await bob.slash("key set"), {"key": "short"})
    assert "Your 1 order is still kept" in shown(bad)
    assert buttons_of(bad) == ["Try again", "Open NotPanel"]
    await here.restart()
    form = await bob.click(bad.response, label="Try again")
    result = await bob.submit_modal(form, {"key": KEY})
    assert "Cancel 1 order?" in text(result.followups[-1])


async def test_after_a_day_they_are_forgotten(here: World, bob: Any) -> None:
    await bob.slash("cancel", orders="ord_A")
    here.skip(DAY + 1)
    assert (await connect(bob))[1] is None
    await here.wait(120, step=60)
    assert here.sql("SELECT * FROM kept_orders") == []


async def test_what_is_kept_is_shown_by_forget_me_and_erased(here: World, bob: Any) -> None:
    await bob.slash("cancel", orders="ord_A")
    question = await bob.slash("forget-me")
    assert "the orders kept for your key" in shown(question)
    await bob.click(question.response, label="Erase everything")
    assert here.sql("SELECT * FROM kept_orders") == []
    assert "Nothing is stored" in shown(await bob.slash("forget-me"))


async def test_nobody_fills_the_ledger_without_a_key(here: World, bob: Any) -> None:
    many = "\n".join(f"ord_{number}" for number in range(MOST_KEPT + 1)).encode()
    first = await bob.slash("cancel", file=("orders.txt", many))
    assert "Connect your NotPanel key first" in shown(first)
    assert "kept" not in shown(first)
    assert here.sql("SELECT * FROM kept_orders") == []


async def connect_all(user: Any) -> list[str]:
    """Connect a key; return all that is asked and shown below the card that says so."""
    result = await user.submit_modal(await user.slash("key set"), {"key": KEY})
    return [text(answer) for answer in result.followups]


async def test_what_was_named_for_another_command_stays_kept(here: World, bob: Any) -> None:
    await bob.slash("cancel", orders="ord_A ord_C")
    assert "Your 1 order is kept" in shown(await bob.slash("refill", orders="ord_B"))
    assert "Your 1 order is kept" in shown(await bob.slash("status", orders="ord_A"))
    assert "Your 3 orders are still kept" in shown(await bob.submit_modal(await bob.slash("key set"), {"key": "short"}))
    await here.restart()
    cancel, refill, status = await connect_all(bob)
    assert "Cancel 2 orders?" in cancel
    assert "Refill 1 order" in refill
    assert "`ord_A`" in status
    assert here.cancel_calls() == here.calls("refill") == []
    assert await connect_all(bob) == []


async def test_what_was_named_for_another_key_stays_kept(here: World, ann: Any) -> None:
    here.panel.add_key("np-second-key-0000")
    await here.connect(ann, "np-second-key-0000", "second")
    for key, order in {KEY: "ord_A", "np-second-key-0000": "ord_B"}.items():
        here.order(order, key=key)
        here.panel.revoke_key(key)
    for name in ("main", "second", "main", "second"):
        await ann.slash("balance", key=name)
        here.skip(60)
    for name, order in {"main": "ord_A", "second": "ord_B"}.items():
        assert "Your 1 order is kept" in shown(await ann.slash("cancel", orders=order, key=name))
    for key, name, order in ((KEY, "main", "ord_A"), ("np-second-key-0000", "second", "ord_B")):
        here.panel.add_key(key)
        assert f"`{order}`" in text((await connect(ann, key, name))[1])


async def test_all_that_one_user_has_kept_is_bounded(here: World, bob: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.ledger.kept.MOST_KEPT", 3)
    await bob.slash("cancel", orders="ord_A ord_B")
    assert "kept" not in shown(await bob.slash("refill", orders="ord_C ord_D"))
    assert "Your 1 order is kept" in shown(await bob.slash("refill", orders="ord_C"))
    assert here.sql("SELECT action, orders FROM kept_orders ORDER BY action") == [
        ("cancel", '["ord_A", "ord_B"]'),
        ("refill", '["ord_C"]'),
    ]


async def test_orders_for_a_rejected_key_wait_for_that_key(here: World, ann: Any) -> None:
    here.order("ord_A")
    here.panel.revoke_key(KEY)
    for _ in range(2):
        await ann.slash("balance")
        here.skip(60)
    paused = await ann.slash("cancel", orders="ord_A")
    assert "Your 1 order is kept" in shown(paused)
    here.panel.add_key("np-second-key-0000")
    assert (await connect(ann, "np-second-key-0000", "second"))[1] is None
    here.panel.add_key(KEY)
    question = (await connect(ann, KEY, "main"))[1]
    assert "Cancel 1 order?" in text(question)
    assert "`main`" in text(question)


async def test_a_question_that_lapsed_can_be_asked_again(here: World, ann: Any) -> None:
    for number in range(30):
        here.order(f"ord_{number}", OrderStatus.IN_PROGRESS, upstream=Upstream())
    question = await ann.slash("cancel", orders=" ".join(f"ord_{number}" for number in range(30)))
    await here.wait(16 * 60, step=30)
    await ann.click(question.response, custom_id="np:confirm:1")
    assert "Too late to confirm" in shown(question)
    assert "30 orders are kept" in shown(question)
    assert here.cancel_calls() == []
    await here.restart()
    await ann.click(question.response, label="Ask again")
    assert "Cancel 30 orders?" in shown(question)
    assert here.sql("SELECT COUNT(*) FROM request_orders WHERE request_id = 1") == [(0,)]
    await ann.click(question.response, custom_id="np:confirm:2")
    await here.settle()
    assert len(here.cancel_calls()[0]) == 30
    again = await ann.click(await here.post(ann.dm_channel, actions.ASK_AGAIN.button(1)), custom_id="np:ask-again:1")
    assert "question is closed" in text_of(again.followups[-1].components)


async def test_what_to_do_is_asked_again_as_it_was(here: World, ann: Any) -> None:
    await ann.send_dm(" ".join(here.order(f"ord_{number}") for number in range(3)))
    await here.wait(16 * 60, step=30)
    await ann.click(ann.dm_channel.last_message, label="Cancel 3 orders")
    assert here.cancel_calls() == []
    await ann.click(ann.dm_channel.last_message, label="Ask again")
    assert "3 orders. What should I do?" in messages(ann)[-1]


async def test_a_question_that_lapsed_a_day_ago_holds_no_orders(here: World, ann: Any) -> None:
    question = await ann.slash("cancel", orders=" ".join(f"ord_{number}" for number in range(30)))
    await here.wait(16 * 60, step=30)
    assert here.sql("SELECT COUNT(*) FROM request_orders") == [(30,)]
    here.skip(DAY)
    await here.wait(120, step=60)
    assert here.sql("SELECT COUNT(*) FROM request_orders") == [(0,)]
    await ann.click(question.response, custom_id="np:confirm:1")
    assert "Too late to confirm" in shown(question)
    assert buttons_of(question) == []


async def test_unanswered_questions_of_one_user_hold_a_bounded_number_of_orders(
    here: World, ann: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.ledger.kept._MOST_LAPSED", 70)
    for first in range(0, 90, 30):
        await ann.slash("cancel", orders=" ".join(f"ord_{number}" for number in range(first, first + 30)))
    await here.wait(timedelta(minutes=17).total_seconds(), step=30)
    assert here.sql("SELECT DISTINCT request_id FROM request_orders ORDER BY request_id") == [(2,), (3,)]


async def test_what_is_declined_is_not_kept(here: World, ann: Any) -> None:
    question = await ann.slash("cancel", orders=" ".join(f"ord_{number}" for number in range(30)))
    await ann.click(question.response, custom_id="np:keep:1")
    assert here.sql("SELECT COUNT(*) FROM request_orders") == [(0,)]
