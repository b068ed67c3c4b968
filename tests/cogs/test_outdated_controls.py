"""Whatever comes from a button, menu or form, which may be forged: it ends in a sentence, never in a fault."""

from collections.abc import Iterator
from typing import Any

import pytest
from discord import InteractionType
from simcord.actors import _dispatch_actor_interaction  # pyright: ignore[reportPrivateUsage]  # the rest is checked
from simcord.backend.serializers import message_payload

from bot.cards import actions
from bot.cards.actions import Action
from bot.cards.errors import INTERNAL, user_error
from bot.domain.errors import OutdatedControl
from bot.domain.order_status import OrderStatus
from bot.ledger import Preferences
from tests.examples import PRESSABLE, RELEASED
from tests.world import World, shown

VALUES = ("", "0", "1", "-1", "٣", "9" * 19, "history", "a\nb", "\x00", ":", "np:more:request:1", "W" * 100)
"""What may stand for any part, of which some is what some part may be."""
SETTINGS = {"way": "off", "timing": "each", "language": "tr", "sound": True}
FORMS: dict[Action, dict[str, Any]] = {
    actions.KEY_FORM: {"key": "np-some-other-key-1"},
    actions.ORDERS_FORM: {"orders": "ord_B", "key": "main"},
    actions.ORDERS_FOR_FORM: {"orders": "ord_B"},
    actions.SETTINGS_FORM: SETTINGS,
}
"""How each form may be filled in."""

pytestmark = pytest.mark.usefixtures("env")


@pytest.fixture
async def user(here: World, ann: Any) -> Any:
    """Ann, with an order that is open and its card in her DM."""
    here.order("ord_A", OrderStatus.IN_PROGRESS)
    await ann.send_dm("cancel ord_A")
    await here.settle()
    return ann


async def press(here: World, user: Any, custom_id: str, *chosen: str) -> str:
    """Have a user press or choose what her card does not have; return the answer, be it a form."""
    card = user.dm_channel.last_message
    stored = here.env.backend.get_message(user.dm_channel.id, card.id)
    source = {"source_message_id": card.id, "extra": {"message": dict(message_payload(here.env.backend, stored))}}
    values = {"values": list(chosen)} if chosen else {}
    data = {"custom_id": custom_id, "component_type": 3 if chosen else 2, **values}
    return await send(here, user, InteractionType.component, data, **source)


async def submit(here: World, user: Any, custom_id: str, fields: dict[str, dict[str, Any]]) -> str:
    """Have a user send off a form that she was never shown; return the answer."""
    labels = [{"type": 18, "component": {"custom_id": name, **field}} for name, field in fields.items()]
    return await send(here, user, InteractionType.modal_submit, {"custom_id": custom_id, "components": labels})


async def send(here: World, user: Any, kind: InteractionType, data: dict[str, Any], **more: Any) -> str:
    """Have Discord send an interaction that no card has led to; return the answer."""
    here.skip(60)  # or there would be too many
    result = await _dispatch_actor_interaction(user, kind.value, user.dm_channel, data, **more)
    answer = shown(result) if result.modal is None else str(result.modal)
    assert answer, data
    assert INTERNAL not in answer, data
    return answer


def forged(action: Action) -> Iterator[tuple[str, ...]]:
    """Yield custom_ids of an action and what is chosen, with parts that are replaced, left out, or too many."""
    _, name, *parts = RELEASED[action][-1].split(":", len(action.parts) + 1)
    known = ":".join(["np", name])
    for value in VALUES:
        for position in range(len(parts)):
            changed = [value if at == position else part for at, part in enumerate(parts)]
            yield (":".join([known, *changed]),)
            yield ":".join([known, *changed[:-1]]), changed[-1]
        yield ":".join([known, *parts]), value
    yield (":".join([known, *parts[:-1]]),)
    yield ":".join([known, *parts[:-1]]), *parts[-1:], *VALUES


@pytest.mark.parametrize("action", PRESSABLE, ids=repr)
async def test_no_button_or_menu_ends_in_a_fault(
    here: World, user: Any, action: Action, caplog: pytest.LogCaptureFixture
) -> None:
    for pressed in dict.fromkeys(forged(action)):
        await press(here, user, *pressed)
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("action", FORMS, ids=repr)
async def test_no_form_ends_in_a_fault(
    here: World, user: Any, action: Action, caplog: pytest.LogCaptureFixture
) -> None:
    filled_in = {name: {"value": value, "values": [value]} for name, value in FORMS[action].items()}
    for custom_id, *_ in forged(action):
        await submit(here, user, custom_id, filled_in)
    for name in filled_in:
        without = {other: field for other, field in filled_in.items() if other != name}
        await submit(here, user, RELEASED[action][0], without)
        for value in (*VALUES, None, True, False, 1, [], ["0"]):
            await submit(here, user, RELEASED[action][0], {**filled_in, name: {"value": value}})
            values = value if isinstance(value, list) else [value]
            await submit(here, user, RELEASED[action][0], {**filled_in, name: {"values": values}})
    assert not [record for record in caplog.records if record.exc_info]


def test_every_form_is_among_them() -> None:
    assert set(FORMS) == set(actions.ALL) - set(PRESSABLE)


async def test_what_was_forged_changes_nothing_and_the_answer_says_so(here: World, user: Any) -> None:
    outdated = user_error(OutdatedControl())
    assert "nothing was done" in outdated
    for pressed in (("np:way", "nowhere"), ("np:language", "xx"), ("np:unwatch-one", "all"), ("np:silent:on", "on")):
        assert outdated in await press(here, user, *pressed)
    assert outdated in await press(here, user, "np:something-else")
    assert outdated in await press(here, user, "np:more:request:1", "np:something-else")
    for field, value in (("way", "nowhere"), ("timing", ""), ("language", "xx"), ("sound", "on")):
        settings = {name: {"value": value} for name, value in {**SETTINGS, field: value}.items()}
        assert outdated in await submit(here, user, "np:settings-form", settings)
    assert await here.app.services.records.preferences(user.id) == Preferences()
    assert here.sql("SELECT order_id, state FROM cancellations") == [("ord_A", "queued")]
