"""The first DM: right after connecting it shows whether messages arrive; it comes once, and only to who wants DMs."""

from typing import Any

import pytest

from bot.cards.connecting import Hello, dms_tried
from bot.ledger import NotifyVia, Preferences, Reach
from tests.world import HELLO, KEY, World, buttons_of, messages, shown

pytestmark = pytest.mark.usefixtures("env")

DM = "/channels/*/messages"


@pytest.fixture
def mia(here: World) -> Any:
    """A member of a server, without a key: `room` is a channel there, `person` the same user in a DM."""
    room = here.env.create_guild().create_text_channel("orders")
    person = here.env.create_user("mia")
    member = here.env.guild.add_member(person)
    member.room, member.person = room, person
    return member


async def connect(member: Any, key: str = KEY, **named: str) -> Any:
    """Connect a key in the server; return the answer."""
    return await member.submit_modal(await member.slash(member.room, "key set", **named), {"key": key})


def refuse(here: World, times: int | None = 1) -> None:
    """Have Discord refuse DMs."""
    here.env.inject_error("POST", DM, status=403, code=50007, times=times)


async def test_it_comes_once_with_the_first_key(here: World, mia: Any) -> None:
    result = await connect(mia)
    assert "can't DM" not in shown(result)
    assert messages(mia.person) == [HELLO]
    await here.restart()
    here.panel.add_key("np-second-key-0000")
    await connect(mia, "np-second-key-0000", name="second")
    await connect(mia)
    assert messages(mia.person) == [HELLO]
    await here.wait(300, step=10)
    assert messages(mia.person) == [HELLO]


async def test_a_refused_one_is_said_with_what_helps_and_tried_again(here: World, mia: Any) -> None:
    refuse(here)
    result = await connect(mia)
    assert "Connected" in shown(result)
    assert "I can't DM you. In this server's menu, open *Privacy Settings*" in shown(result)
    assert buttons_of(result) == ["Try the DM again"]
    assert await here.app.ledger.read.reach(mia.id) is Reach.COMMAND
    refuse(here)
    await mia.click(result.response, label="Try the DM again")
    assert "I can't DM you" in shown(result)
    await mia.click(result.response, label="Try the DM again")
    assert "DMs work" in shown(result)
    assert messages(mia.person) == [HELLO]
    assert await here.app.ledger.read.reach(mia.id) is Reach.DM
    assert here.sql("SELECT COUNT(*), SUM(attempts) FROM notices") == [(1, 3)]
    assert mia.room.history() == []  # nobody is pinged for it


async def test_one_that_was_refused_is_tried_with_the_next_key(here: World, mia: Any) -> None:
    refuse(here)
    await connect(mia)
    await connect(mia)
    assert messages(mia.person) == [HELLO]


async def test_whether_it_arrived_may_not_be_known(here: World, mia: Any) -> None:
    here.env.inject_error("POST", DM, status=500, times=10)
    result = await connect(mia)
    assert "Connected" in shown(result)
    assert "can't DM" not in shown(result)
    assert await here.app.ledger.read.dms_refused(mia.id) is None


@pytest.mark.parametrize("via", [NotifyVia.CHANNEL, NotifyVia.OFF])
async def test_who_wants_no_dms_gets_none(here: World, mia: Any, via: NotifyVia) -> None:
    await here.app.services.records.prefer(mia.id, lambda _: Preferences(via))
    await connect(mia)
    assert messages(mia.person) == []


async def test_in_a_dm_there_is_none(here: World, mia: Any) -> None:
    await here.connect(mia.person)
    assert messages(mia.person) == []


async def test_nothing_of_it_is_left_to_be_shown_at_a_command(here: World, mia: Any) -> None:
    refuse(here)
    await connect(mia)
    await here.wait(120, step=10)
    result = await mia.slash(mia.room, "balance")
    assert result.followups == []


def test_each_end_has_its_card() -> None:
    assert len({str(dms_tried(one).view.to_components()) for one in Hello}) == len(Hello)
