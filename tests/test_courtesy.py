"""One person's haste costs nobody else anything; and nothing that the bot answers is public."""

import re
from datetime import timedelta
from typing import Any

import pytest
from simcord.components import walk_components

from bot.courtesy import AT_ONCE, LIGHT, MOST_OPEN, MOST_QUESTIONS, PAUSE, Courtesy
from bot.panel import OrderStatus
from bot.problems import TooFast
from bot.store import Card
from bot.ui import buttons
from bot.ui.text import ago
from tests.rules.test_commands import menus, slash_commands
from tests.world import START, Clock, World, messages, shown

RUNNING = OrderStatus.IN_PROGRESS

pytestmark = pytest.mark.usefixtures("env")


@pytest.fixture
async def hasty(here: World, ann: Any) -> Any:
    """A user who has just asked for all that one may ask for at once."""
    here.skip(600)  # what connecting has cost is forgotten
    for _ in range(AT_ONCE):
        here.app.client.use_cases.courtesy.admit(ann.id)
    return ann


def calls(here: World) -> int:
    """Return how many calls have reached the panel."""
    return len(here.panel.calls)


async def test_a_command_too_many_is_told_when_to_come_back_and_does_nothing(here: World, hasty: Any) -> None:
    before, again = calls(here), ago(here.clock() + PAUSE)
    here.order("ord_A")
    for command, options in (("balance", {}), ("status", {"orders": "ord_A"}), ("cancel", {"orders": "ord_A"})):
        refused = await hasty.slash(command, **options)
        assert refused.ephemeral
        assert f"Nothing was done. Again {again}" in shown(refused)
    await here.settle()
    assert calls(here) == before
    assert await here.app.ledger.read.request(1) is None
    here.skip(PAUSE.total_seconds())
    assert "Balance" in shown(await hasty.slash("balance"))
    assert "Nothing was done" in shown(await hasty.slash("balance"))


async def test_nobody_else_is_kept_waiting(here: World, hasty: Any) -> None:
    here.panel.add_key("np-key-of-bob-000")
    bob = here.env.create_user("bob")
    assert "Connected" in await here.connect(bob, "np-key-of-bob-000")
    assert "Balance" in shown(await bob.slash("balance"))


async def test_buttons_forms_and_menus_count_as_commands_do(here: World, ann: Any) -> None:
    orders = " ".join(here.order(f"ord_{number}") for number in range(30))
    question = await ann.slash("cancel", orders=orders)
    form = await ann.slash("cancel")
    here.skip(600)
    for _ in range(AT_ONCE):
        here.app.client.use_cases.courtesy.admit(ann.id)
    pressed = await ann.click(question.response, label="Confirm: ask to cancel 30")
    assert "Nothing was done" in "".join(map(str, (one.components for one in pressed.followups)))
    assert "Nothing was done" in shown(await ann.submit_modal(form, {"orders": "ord_1"}))
    await here.settle()
    assert here.cancel_calls() == []
    here.skip(PAUSE.total_seconds())
    await ann.click(question.response, label="Confirm: ask to cancel 30")
    await here.settle()
    assert len(here.cancel_calls()) == 1


async def test_whoever_floods_a_dm_is_answered_once_until_then(here: World, hasty: Any) -> None:
    before = len(messages(hasty))
    for _ in range(30):
        await hasty.send_dm("balance")
    (slow_down,) = messages(hasty)[before:]
    assert f"Again {ago(here.clock() + PAUSE)}" in slow_down
    here.skip(PAUSE.total_seconds())
    await hasty.send_dm("balance")
    assert "Balance" in messages(hasty)[-1]
    for _ in range(3):
        await hasty.send_dm("balance")
    assert len(messages(hasty)) == before + 3


def test_as_much_comes_back_as_time_passes_and_a_page_costs_a_third() -> None:
    clock = Clock()
    courtesy = Courtesy(clock)
    for _ in range(AT_ONCE):
        courtesy.admit(1)
    with pytest.raises(TooFast) as refused:
        courtesy.admit(1, LIGHT)
    assert refused.value.again_at == START + LIGHT
    clock.now += LIGHT
    courtesy.admit(1, LIGHT)
    clock.now += timedelta(seconds=2.5)
    with pytest.raises(TooFast) as refused:
        courtesy.admit(1)
    assert refused.value.again_at == START + timedelta(seconds=4)
    clock.now += timedelta(hours=1)
    for _ in range(AT_ONCE):
        courtesy.admit(1)


def test_a_clock_that_is_set_back_locks_nobody_out_for_longer() -> None:
    clock = Clock()
    courtesy = Courtesy(clock)
    for _ in range(AT_ONCE):
        courtesy.admit(1)
    clock.now -= timedelta(days=1)
    with pytest.raises(TooFast) as refused:
        courtesy.admit(1)
    assert refused.value.again_at == clock.now + PAUSE
    clock.now += PAUSE
    courtesy.admit(1)


def test_only_those_are_remembered_who_have_to_be() -> None:
    clock = Clock()
    courtesy = Courtesy(clock)
    for user in range(3_000):
        courtesy.admit(user)
        clock.now += timedelta(seconds=1)
    assert len(courtesy._free_at) <= 1_001


async def test_as_many_orders_as_one_may_have_open(here: World, ann: Any) -> None:
    account = await here.app.ledger.read.account_of(ann.id)
    assert account
    names = [f"ord_{number}" for number in range(MOST_OPEN - 1)]
    async with here.app.ledger.write() as tx:
        card = Card(1, None, None, None, here.clock())
        await tx.add_request(account, names, card, here.clock(), ask_first=False, ignored=(), repeats=0)
    refused = shown(await ann.slash("cancel", orders="ord_A ord_B"))
    assert "199,999 orders of yours are still open" in refused
    assert "Nothing was sent" in refused
    assert await here.app.ledger.read.request(2) is None
    question = await ann.slash("cancel", orders="1234")  # asks first, and there is room for one
    async with here.app.ledger.write() as tx:
        await tx.add_request(account, ["ord_A"], card, here.clock(), ask_first=False, ignored=(), repeats=0)
    pressed = await ann.click(question.response, label="Confirm: ask to cancel 1")
    assert "200,000 orders of yours are still open" in str([one.components for one in pressed.followups])
    request = await here.app.ledger.read.request(2)
    assert request
    assert request.state == "asking"


async def test_as_many_questions_as_one_may_leave_unanswered(here: World, ann: Any) -> None:
    asked = here.clock()
    questions = [await ann.slash("cancel", orders=str(1_000 + number)) for number in range(MOST_QUESTIONS)]
    refused = shown(await ann.slash("cancel", orders="2000"))
    assert "10 requests of yours wait" in refused
    assert ago(asked + timedelta(minutes=15)) in refused
    here.order("ord_A")
    assert "Cancel request" in shown(await ann.slash("cancel", orders="ord_A"))  # what asks nothing goes on
    await ann.click(questions[0].response, label="Keep the orders")
    assert "Nothing has been sent yet" in shown(await ann.slash("cancel", orders="2000"))
    here.skip(15 * 60 + 1)
    assert "Nothing has been sent yet" in shown(await ann.slash("cancel", orders="2001"))


OPTIONS: dict[str, dict[str, Any]] = {
    "status": {"orders": "ord_A"},
    "refill": {"orders": "ord_C"},
    "cancel": {"orders": "ord_A ord_B ord_C ord_absent"},
}
FORMS = {"key set": {"key": "np-test-key-0123456789abcdef"}}
PRESSES_FORMS = {"np:connect", "np:paste"}


async def pressed_all(user: Any, answer: Any, seen: set[str]) -> list[Any]:
    """Press everything on an answer, and on what comes of it; return all the answers."""
    answers: list[Any] = []
    for message in [answer.response, *answer.followups] if answer.response else answer.followups:
        for part in list(walk_components(message.components)):
            custom_id = part.get("custom_id")
            if not custom_id or custom_id in seen or custom_id in PRESSES_FORMS or custom_id == "np:erase":
                continue
            seen.add(custom_id)
            if part.get("options"):
                result = await user.select(message, [part["options"][-1]["value"]], custom_id=custom_id)
            else:
                result = await user.click(message, custom_id=custom_id)
            answers += [result, *await pressed_all(user, result, seen)]
    return answers


async def test_no_answer_in_a_server_is_public(here: World) -> None:
    client = here.app.client
    channel = here.env.create_guild().create_text_channel("orders")
    mia = here.env.guild.add_member(here.env.create_user("mia"))
    await here.connect_in(channel, mia)
    for order, status in (("ord_A", RUNNING), ("ord_B", OrderStatus.PENDING), ("ord_C", OrderStatus.COMPLETED)):
        here.order(order, status)
    answers: list[Any] = []
    seen: set[str] = set()
    names = [*(name for name in slash_commands(client) if name not in ("key remove", "forget-me")), "key remove"]
    for name in [*names, "forget-me", "balance"]:  # the last without a key
        here.skip(600)
        result = await mia.slash(channel, name, **OPTIONS.get(name, {}))
        if name in FORMS:
            result = await mia.submit_modal(result, FORMS[name])
        await here.settle()
        answers += [result, *await pressed_all(mia, result, seen)]
    assert menus(client) == ["Cancel orders in this message"]
    said = await mia.send(channel, "please cancel ord_A and ord_X")
    answers.append(await mia.context_menu(channel, "Cancel orders in this message", said))
    shown_to = [one for answer in answers for one in (answer.response, *answer.followups) if one]
    assert len(shown_to) > 30
    assert [one for one in shown_to if not one.ephemeral] == []
    assert [message.content for message in channel.history()] == [said.content]
    pressed = {template for template in buttons.ALL if any(re.fullmatch(template, id) for id in seen)}
    assert pressed >= {buttons.IDS, buttons.REFILL, buttons.LOOK, buttons.ASK_UNWATCH, buttons.WAY, buttons.REMOVE_KEY}
