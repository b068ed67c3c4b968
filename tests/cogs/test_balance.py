"""/balance: what the panel writes, how old it is, and why there is none to show."""

from typing import Any

import httpx
import pytest

from bot.panel import Answer
from tests.world import KEY, START, World, buttons_of, messages, shown

pytestmark = pytest.mark.usefixtures("env")


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ('{"balance": "47.32", "currency": "USD"}', "**47.32 USD**"),
        ('{"balance": 0, "currency": "EUR"}', "**0 EUR**"),
        ('{"balance": "1,047.30"}', "**`1,047.30`**"),
        ('{"balance": "-3.10", "currency": "[USD](https://x.example)"}', "**`-3.10` `[USD](https://x.exa…`**"),
    ],
)
async def test_the_balance_stands_as_the_panel_writes_it(here: World, ann: Any, answer: str, text: str) -> None:
    here.wire.faults = [Answer(200, answer)]
    assert text in shown(await ann.slash("balance"))


async def test_it_says_when_it_was_asked_for_and_that_the_panel_caches(here: World, ann: Any) -> None:
    here.skip(90)
    text = shown(await ann.slash("balance"))
    assert f"<t:{int(START.timestamp()) + 90}:R>" in text
    assert "may lag 30 s" in text
    assert text.startswith("### **47.32 USD**\n")


async def test_in_a_server_only_the_user_sees_it(here: World) -> None:
    channel = here.env.create_guild().create_text_channel("orders")
    ann = here.env.guild.add_member(here.env.create_user("ann"))
    await here.connect_in(channel, ann)
    result = await ann.slash(channel, "balance")
    assert result.ephemeral
    assert "**47.32 USD**" in shown(result)
    assert channel.history() == []


async def test_plain_text_in_a_dm_does_the_same(here: World, ann: Any) -> None:
    await ann.send_dm("Balance")
    assert "**47.32 USD**" in messages(ann)[-1]


async def test_each_user_sees_their_own(here: World, ann: Any) -> None:
    here.panel.add_key("np-key-of-bob-000", balance="0.07")
    bob = here.env.create_user("bob")
    await here.connect(bob, "np-key-of-bob-000")
    assert "**0.07 USD**" in shown(await bob.slash("balance"))
    assert "**47.32 USD**" in shown(await ann.slash("balance"))


async def test_without_a_key_there_is_a_button(here: World) -> None:
    result = await here.env.create_user("bob").slash("balance")
    assert "Connect your NotPanel key first" in shown(result)
    assert buttons_of(result) == ["Paste my key", "Open NotPanel"]
    assert here.panel.calls == []


async def test_a_rejected_key_is_paused_and_asked_of_the_panel_no_more(here: World, ann: Any) -> None:
    here.panel.revoke_key(KEY)
    result = await ann.slash("balance")
    assert "doesn't accept this key" in shown(result)
    assert buttons_of(result) == ["Connect again"]
    here.skip(60)
    assert "doesn't accept this key" in shown(await ann.slash("balance"))
    calls = len(here.panel.calls)
    again = await ann.slash("balance")
    assert "rejects your key" in shown(again)
    assert buttons_of(again) == ["Connect again"]
    assert len(here.panel.calls) == calls


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (httpx.ReadTimeout(""), "can't be reached"),
        (httpx.ConnectError("refused"), "can't be reached"),
        (Answer(502, "<html>"), "can't be reached"),
        (Answer(200, "<html>"), "I can't read NotPanel's answer"),
        (Answer(200, '{"balance": null}'), "I can't read NotPanel's answer"),
        (Answer(429, "{}"), "rate limit is used up. Try again"),
        (Answer(400, '{"error": "No [balance](https://x.example)"}'), "`No [balance](https://x.example)`"),
        (Answer(403, '{"error": "Account suspended"}'), "account is suspended"),
    ],
)
async def test_why_there_is_none(here: World, ann: Any, fault: Exception | Answer, sentence: str) -> None:
    here.wire.faults = [fault]
    text = shown(await ann.slash("balance"))
    assert sentence in text
    assert "Nothing was changed" in text


async def test_a_used_up_limit_says_when_to_come_back_and_costs_no_call(here: World, ann: Any) -> None:
    here.panel.key_limit = here.panel._by_key[KEY].limit = 1
    await ann.slash("status", orders="ord_A")  # learns that nothing remains
    calls = len(here.panel.calls)
    text = shown(await ann.slash("balance"))
    assert f"Try again <t:{int(START.timestamp()) + 60}:R>" in text
    assert len(here.panel.calls) == calls
