"""One person's haste costs nobody else anything; and nothing that the bot answers is public."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from simcord.components import walk_components

from bot.cards import actions
from bot.cards.actions import Action
from bot.cards.text import ago
from bot.demo.panel import Upstream
from bot.domain.errors import Throttled
from bot.domain.order_status import OrderStatus
from bot.ledger import MessageRef
from bot.services.throttle import AT_ONCE, LIGHT, MOST_OPEN, MOST_QUESTIONS, PAUSE, UserThrottle
from tests.examples import PRESSABLE
from tests.rules.test_commands import menus, slash_commands
from tests.world import KEY, START, Clock, World, messages, shown

RUNNING = OrderStatus.IN_PROGRESS

pytestmark = pytest.mark.usefixtures("env")


@pytest.fixture
async def hasty(here: World, ann: Any) -> Any:
    """A user who has just asked for all that one may ask for at once."""
    here.skip(600)  # what connecting has cost is forgotten
    for _ in range(AT_ONCE):
        here.app.services.throttle.admit(ann.id)
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
        assert f"Too many commands. Try again {again}" in shown(refused)
    await here.settle()
    assert calls(here) == before
    assert await here.app.ledger.read.request(1) is None
    here.skip(PAUSE.total_seconds())
    assert "47.32 USD" in shown(await hasty.slash("balance"))
    assert "Nothing was done" in shown(await hasty.slash("balance"))


@pytest.mark.parametrize("command", ["status", "refill"])
async def test_a_command_counts_for_as_many_as_it_costs_calls(here: World, ann: Any, command: str) -> None:
    here.skip(600)  # what connecting has cost is forgotten
    orders = " ".join(map(str, range(1_000, 1_000 + 100 * AT_ONCE // 2)))
    before = calls(here)
    for _ in range(2):
        assert "`1000`" in shown(await ann.slash(command, orders=orders))
    assert "Nothing was done" in shown(await ann.slash(command, orders=orders))
    here.skip(2 * PAUSE.total_seconds())
    refused = shown(await ann.slash(command, orders=orders))  # that one more is free is not enough for ten
    assert "Nothing was done" in refused
    assert calls(here) == before + AT_ONCE
    here.skip(AT_ONCE // 2 * PAUSE.total_seconds())
    assert "`1000`" in shown(await ann.slash(command, orders=orders))


async def test_nobody_else_is_kept_waiting(here: World, hasty: Any) -> None:
    here.panel.add_key("np-key-of-bob-000")
    bob = here.env.create_user("bob")
    assert "Connected" in await here.connect(bob, "np-key-of-bob-000")
    assert "47.32 USD" in shown(await bob.slash("balance"))


async def test_buttons_forms_and_menus_count_as_commands_do(here: World, ann: Any) -> None:
    orders = " ".join(here.order(f"ord_{number}") for number in range(30))
    question = await ann.slash("cancel", orders=orders)
    form = await ann.slash("cancel")
    here.skip(600)
    for _ in range(AT_ONCE):
        here.app.services.throttle.admit(ann.id)
    pressed = await ann.click(question.response, label="Cancel 30 orders")
    assert "Nothing was done" in "".join(map(str, (one.components for one in pressed.followups)))
    assert "Nothing was done" in shown(await ann.submit_modal(form, {"orders": "ord_1"}))
    await here.settle()
    assert here.cancel_calls() == []
    here.skip(PAUSE.total_seconds())
    await ann.click(question.response, label="Cancel 30 orders")
    await here.settle()
    assert len(here.cancel_calls()) == 1


async def test_whoever_floods_a_dm_is_answered_once_until_then(here: World, hasty: Any) -> None:
    before = len(messages(hasty))
    for _ in range(30):
        await hasty.send_dm("balance")
    (slow_down,) = messages(hasty)[before:]
    assert f"again {ago(here.clock() + PAUSE)}" in slow_down
    here.skip(PAUSE.total_seconds())
    await hasty.send_dm("balance")
    assert "47.32 USD" in messages(hasty)[-1]
    for _ in range(3):
        await hasty.send_dm("balance")
    assert len(messages(hasty)) == before + 3


def test_as_much_comes_back_as_time_passes_and_a_page_costs_a_third() -> None:
    clock = Clock()
    throttle = UserThrottle(clock)
    for _ in range(AT_ONCE):
        throttle.admit(1)
    with pytest.raises(Throttled) as refused:
        throttle.admit(1, LIGHT)
    assert refused.value.again_at == START + LIGHT
    clock.now += LIGHT
    throttle.admit(1, LIGHT)
    clock.now += timedelta(seconds=2.5)
    with pytest.raises(Throttled) as refused:
        throttle.admit(1)
    assert refused.value.again_at == START + timedelta(seconds=4)
    clock.now += timedelta(hours=1)
    for _ in range(AT_ONCE):
        throttle.admit(1)


def test_a_clock_that_is_set_back_locks_nobody_out() -> None:
    clock = Clock()
    throttle = UserThrottle(clock)
    for _ in range(AT_ONCE):
        throttle.admit(1)
    clock.now -= timedelta(days=1)
    for _ in range(AT_ONCE):
        throttle.admit(1)
    with pytest.raises(Throttled) as refused:
        throttle.admit(1)
    assert refused.value.again_at == clock.now + PAUSE


def test_only_those_are_remembered_who_have_to_be() -> None:
    clock = Clock()
    throttle = UserThrottle(clock)
    for user in range(3_000):
        throttle.admit(user)
        clock.now += timedelta(seconds=1)
    assert len(throttle._free_at) <= 1_001


async def test_as_many_orders_as_one_may_have_open(here: World, ann: Any) -> None:
    account = await here.app.ledger.read.account_of(ann.id)
    assert account
    names = [f"ord_{number}" for number in range(MOST_OPEN - 1)]
    async with here.app.ledger.write() as tx:
        card = MessageRef(1, None, None, None, here.clock())
        await tx.add_request(account, names, card, ask_first=False, ignored=(), repeats=0)
    refused = shown(await ann.slash("cancel", orders="ord_A ord_B"))
    assert "199,999 open orders" in refused
    assert "Nothing was sent" in refused
    assert await here.app.ledger.read.request(2) is None
    question = await ann.slash("cancel", orders="1234")  # asks first, and there is room for one
    async with here.app.ledger.write() as tx:
        await tx.add_request(account, ["ord_A"], card, ask_first=False, ignored=(), repeats=0)
    pressed = await ann.click(question.response, label="Cancel 1 order")
    assert "200,000 open orders" in str([one.components for one in pressed.followups])
    request = await here.app.ledger.read.request(2)
    assert request
    assert request.state == "asking"


async def test_as_many_questions_as_one_may_leave_unanswered(here: World, ann: Any) -> None:
    asked = here.clock()
    questions = [await ann.slash("cancel", orders=str(1_000 + number)) for number in range(MOST_QUESTIONS)]
    refused = shown(await ann.slash("cancel", orders="2000"))
    assert "10 of your requests still wait" in refused
    assert ago(asked + timedelta(minutes=15)) in refused
    here.order("ord_A")
    assert "1 not sent yet" in shown(await ann.slash("cancel", orders="ord_A"))  # what asks nothing goes on
    here.app.client.http._HTTPClient__session = None  # type: ignore[attr-defined]
    assert "10 of your requests still wait" in shown(await ann.slash("cancel", file=("orders.txt", b"ord_A")))
    await ann.click(questions[0].response, label="Don't cancel")
    assert "Nothing sent yet" in shown(await ann.slash("cancel", orders="2000"))
    here.skip(15 * 60 + 1)
    assert "Nothing sent yet" in shown(await ann.slash("cancel", orders="2001"))


def unpressed(answer: Any, pressed: set[Action]) -> Iterator[tuple[Any, dict[str, Any], Action, str]]:
    """Yield what can be pressed on an answer, of kinds that have not been or lead to such; the last comes first.

    With each the option to choose, which stands for a button of that kind; none of a button.
    """
    for message in [*([answer.response] if answer.response else []), *answer.followups]:
        for part in reversed(list(walk_components(message.components))):
            options = [option["value"] for option in reversed(part.get("options", []))]
            names = [*((value, value) for value in options), (part.get("custom_id", ""), next(iter(options), ""))]
            for custom_id, value in names if not part.get("disabled") else []:
                chosen = [value] if value not in ("", custom_id) else []
                kinds = [kind for kind in PRESSABLE if kind.read(custom_id, *chosen) is not None]
                if kinds and not {kinds[0], *LEADS_TO.get(kinds[0], ())} <= pressed:
                    yield message, part, kinds[0], value


LEADS_TO = {
    actions.ASK_UNWATCH: (actions.UNWATCH, actions.KEEP_WATCHING),
    actions.ASK_REMOVE: (actions.REMOVE_KEY, actions.KEEP_KEY),
    actions.REFILL: (actions.CONFIRM_REFILL, actions.NO_REFILL),
}
"""Questions behind a button."""


async def press_on(user: Any, answer: Any, pressed: set[Action]) -> list[Any]:
    """Press one thing on an answer, one on what comes of it, and so on; return all those answers."""
    answers: list[Any] = []
    while found := next(unpressed(answer, pressed), None):
        message, part, kind, value = found
        pressed.add(kind)
        if value:
            answer = await user.select(message, [value], custom_id=part["custom_id"])
        else:
            answer = await user.click(message, custom_id=part["custom_id"])
        answers.append(answer)
    return answers


@pytest.mark.settings(http_port=1, public_url="https://bot.example")
async def test_no_answer_in_a_server_is_public(here: World) -> None:
    channel = here.env.create_guild().create_text_channel("orders")
    mia = here.env.guild.add_member(here.env.create_user("mia"))
    await here.connect_in(channel, mia)
    for order, status in ORDERS.items():
        here.order(order, status, upstream=Upstream(timedelta(days=1)))
    for name in ("second", "third"):
        here.panel.add_key(f"np-key-of-mia-{name}")
        form = await mia.slash(channel, "key set", name=name)
        await mia.submit_modal(form, {"key": f"np-key-of-mia-{name}"})
    answers: list[Any] = []
    pressed: set[Action] = set()
    names = slash_commands(here.app.client)
    for name in ["cancel", "queued", *(name for name in names if name not in LAST), *LAST]:
        for options in OPTIONS.get(name, [{}]):
            count = -1
            while count < len(pressed):  # until nothing new is left to press
                count = len(pressed)
                here.skip(600)
                result = await mia.slash(channel, name, **options)
                await here.settle()
                answers += [result, *await press_on(mia, result, pressed)]
    said = await mia.send(channel, "please cancel ord_A and ord_X")
    for menu in menus(here.app.client):
        answers.append(await mia.context_menu(channel, menu, said))
    answers.append(await mia.submit_modal(await mia.slash(channel, "key set"), {"key": KEY}))
    seen = [one for answer in answers for one in (answer.response, *answer.followups) if one]
    assert [one for one in seen if not one.ephemeral] == []
    assert [message.content for message in channel.history()] == [said.content]
    left = {kind.name for kind in PRESSABLE.keys() - pressed - RARE}
    assert left == set()


ORDERS = {"ord_A": RUNNING, "ord_B": OrderStatus.PENDING, "ord_C": OrderStatus.COMPLETED}
LIST = " ".join(f"ord_long{number:04}" for number in range(300))
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "key default": [{"name": "main"}],
    "status": [{"orders": "ord_A"}],
    "refill": [{"orders": "ord_C"}],
    "cancel": [{"orders": " ".join([*ORDERS, "ord_absent"])}, {"orders": LIST}],
}
LAST = ["cancel", "queued", *["key remove"] * 3, "forget-me", "balance"]
"""What takes something away; the very last of all commands finds no key."""
RARE = {
    *(actions.UPDATES, actions.RETRY, actions.STATUS, actions.REFILL_NAMED, actions.PASTE_FOR, actions.STOP),
    *(
        actions.TRY_OTHERS,
        actions.WAY,
        actions.TIMING,
        actions.LANGUAGE,
        actions.SILENT,
        actions.KEY_STEPS,
        actions.HELLO,
    ),
    *(
        actions.ASK_AGAIN,
        actions.REFILL,
        actions.CONFIRM_REFILL,
        actions.NO_REFILL,
        actions.UNWATCH_ONE,
        actions.CHANGE,
    ),
}
"""In DMs alone, with many keys, on old cards, or where something has failed or lapsed: see the tests of these."""
