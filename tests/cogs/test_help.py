"""/help: what this is and what to do next, with the ways out that the operator has named."""

from typing import Any

import pytest
from simcord.components import walk_components

from bot.cards.errors import INTERNAL
from tests.world import World, buttons_of, messages, shown

pytestmark = pytest.mark.usefixtures("env")


def links(result: Any) -> dict[str, str]:
    """Return the labels and addresses of the links under an answer."""
    return {part["label"]: part["url"] for part in walk_components(result.response.components) if part.get("url")}


async def test_what_comes_next_is_the_one_button(here: World, ann: Any) -> None:
    eve = here.env.create_user("eve")
    assert buttons_of(await eve.slash("help")) == ["Connect your key", "Add me"]
    pressed = await eve.click((await eve.slash("help")).response, label="Connect your key")
    assert "Connect your NotPanel key first" in shown(pressed)
    assert buttons_of(pressed) == ["Paste my key", "Open NotPanel"]
    result = await ann.slash("help")
    assert buttons_of(result) == ["Paste order IDs", "Add me"]
    assert links(result) == {
        "Add me": f"https://discord.com/oauth2/authorize?client_id={here.app.client.application_id}"
    }


@pytest.mark.settings(
    support_url="https://discord.gg/example",
    privacy_url="https://bot.example/privacy",
    terms_url="https://bot.example/terms",
    source_url="https://bot.example/source",
)
async def test_it_leads_to_what_the_operator_has_named(here: World, ann: Any) -> None:
    assert list(links(await ann.slash("help"))) == ["Add me", "Support", "Privacy", "Terms", "Source"]
    assert links(await ann.slash("help"))["Support"] == "https://discord.gg/example"


async def test_it_is_given_while_the_ledger_cannot_be_read(here: World, ann: Any) -> None:
    here.below.damage("accounts")
    result = await ann.slash("help")
    here.below.mend("accounts")
    assert "`/cancel`" in shown(result)
    assert INTERNAL not in shown(result)


async def test_a_greeting_in_a_dm_is_answered_by_it(here: World) -> None:
    eve = here.env.create_user("eve")
    for text in ("hi", "help", ""):
        await eve.send_dm(text or "👋")
    assert all("`/key set`" in message for message in messages(eve)[:2])
    assert "Connect your key" in messages(eve)[0]


@pytest.mark.parametrize("command", ["cancel", "status", "refill", "queued", "balance", "history", "key show"])
async def test_whatever_a_new_user_asks_first_they_are_led_to_connect_a_key(here: World, command: str) -> None:
    """That is all the greeting there is: what is stored about strangers does not say whom it has met."""
    eve = here.env.create_user("eve")
    orders = {"orders": "ord_A"} if command in ("cancel", "status", "refill") else {}
    answer = await eve.slash(command, **orders)
    assert "Connect your NotPanel key first" in shown(answer)
    assert buttons_of(answer)
    assert here.sql("SELECT COUNT(*) FROM accounts") == here.sql("SELECT COUNT(*) FROM preferences") == [(0,)]
