"""Commands that are named in texts can be pressed: they stand there with the IDs that Discord has told."""

import re
from typing import Any

import pytest
from simcord.components import walk_components

from bot.cards.language import _
from bot.cards.mentions import CommandIds, use_commands
from bot.cards.text import code
from tests.world import World

IDS = {"queued": 10**18, "key set": 2 * 10**18}


@pytest.fixture
def known() -> CommandIds:
    """The commands as Discord has told their IDs, in the test's own task."""
    ids = CommandIds()
    use_commands(ids)
    return ids


async def test_a_command_can_be_pressed_once_its_id_is_known(known: CommandIds) -> None:
    text = "`/queued` shows them, `/key set` connects, `/queued now` and `/unheard-of` are none."
    assert _(text) == text
    known.update(IDS)
    assert _(text) == (
        f"</queued:{10**18}> shows them, </key set:{2 * 10**18}> connects, `/queued now` and `/unheard-of` are none."
    )


async def test_words_of_others_stay_as_they_are(known: CommandIds) -> None:
    known.update(IDS)
    assert _("The panel says {words}.", words=code("/queued")) == "The panel says `/queued`."


@pytest.mark.usefixtures("env")
async def test_what_a_user_sees_names_commands_by_their_ids_also_after_a_restart(here: World, ann: Any) -> None:
    for _again in range(2):
        mentions = mentioned(await ann.slash("help"))
        assert {"cancel", "queued", "key set"} <= {name for name, _id in mentions}
        by_id = {str(command.id): command.name for command in await here.app.client.tree.fetch_commands()}
        assert all(by_id[known] == name.split()[0] for name, known in mentions)
        await here.restart()


@pytest.mark.usefixtures("env")
async def test_what_is_sent_unasked_names_them_as_well(here: World, ann: Any) -> None:
    here.order("ord_A", "In progress")
    card = await ann.slash("cancel", orders="ord_A")
    await here.settle()
    assert card.response
    assert not re.search("`/[a-z]", raw(card.response.components))


def mentioned(result: Any) -> list[tuple[str, str]]:
    """Return the commands that an answer names so that they can be pressed, with their IDs."""
    return re.findall(r"</([a-z -]+):(\d+)>", raw(result.response.components))


def raw(components: Any) -> str:
    """Return the texts of a message as they were sent."""
    return "\n".join(part.get("content") or "" for part in walk_components(components))
