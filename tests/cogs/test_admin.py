"""The word "admin" in a DM: the figures for whoever runs the bot; to everybody else a word like any other."""

import re
from typing import Any

import discord
import pytest

from bot.domain.order_status import OrderStatus
from bot.ops.metrics import MOST_INVALID
from tests.world import World, messages

pytestmark = pytest.mark.usefixtures("env")


async def told(user: Any) -> str:
    """Write the word and return the answer."""
    return await answer_to(user, "Admin")


async def answer_to(user: Any, text: str) -> str:
    """Write something in a DM and return the answer."""
    await user.send_dm(text)
    return messages(user)[-1]


def run_by(here: World, *, owner: int, team: dict[int, str] | None = None) -> None:
    """Have Discord say who runs the bot: its owner, or the members of a team with how far they have joined."""
    states = {"invited": 1, "accepted": 2}
    members = [
        {"user": person(member), "membership_state": states[state], "permissions": ["*"], "role": "admin"}
        for member, state in (team or {}).items()
    ]
    told: dict[str, Any] = {
        "id": "1",
        "name": "bot",
        "icon": None,
        "description": "",
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": "0",
        "flags": 0,
        "owner": person(owner),
        "team": {"id": "2", "name": "team", "icon": None, "owner_user_id": str(owner), "members": members}
        if team
        else None,
    }

    async def application_info() -> discord.AppInfo:
        return discord.AppInfo(here.app.client._connection, told)

    here.app.client.application_info = application_info


def person(user_id: int) -> dict[str, Any]:
    """Return somebody as Discord describes them."""
    return {"id": str(user_id), "username": "somebody", "discriminator": "0", "avatar": None}


async def test_the_owner_sees_how_the_bot_is_doing(here: World, ann: Any) -> None:
    run_by(here, owner=ann.id)
    here.order("ord_A")
    here.order("ord_B", OrderStatus.IN_PROGRESS)
    await ann.slash("cancel", orders="ord_A ord_B")
    await here.settle()
    text = await told(ann)
    assert "gateway open" in text
    assert re.search(r"worker \d+ s, cards \d+ s, (\w+ \d+ s, )*notices \d+ s, (\w+ \d+ s, )*webhooks \d+ s", text)
    assert "in lists 0, requested 0, sending 0, accepted 0, queued 1, unclear 0" in text
    assert "balance ok 1, cancel ok 1, status ok 1" in text
    assert "cancelled 1" in text
    assert "calls left this minute: ip 297, key 97" in text
    assert "95 % within" in text
    assert f"invalid in ten minutes: 0 of {MOST_INVALID:,}" in text


async def test_nobody_else_does(here: World, ann: Any) -> None:
    run_by(here, owner=1)
    for _ in range(2):
        text = await told(ann)
        assert text == await answer_to(ann, "nimda")
        assert "gateway" not in text


async def test_of_a_team_those_see_it_who_have_joined(here: World, ann: Any) -> None:
    bob, eve = here.env.create_user("bob"), here.env.create_user("eve")
    run_by(here, owner=eve.id, team={ann.id: "accepted", bob.id: "invited"})
    assert "How the bot is doing" in await told(ann)
    assert "How the bot is doing" not in await told(bob)
    assert "How the bot is doing" not in await told(eve)  # a team's application belongs to the team


async def test_it_says_what_is_wrong(here: World, ann: Any) -> None:
    run_by(here, owner=ann.id)
    here.app.client.dispatch("shard_disconnect", 0)
    here.wire.down = True
    await here.env.settle()
    await ann.slash("balance")
    text = await told(ann)
    assert "gateway **closed**" in text
    assert "balance unavailable 1" in text
