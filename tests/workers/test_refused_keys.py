"""A key is paused on the panel's word alone, given twice; a panel that refuses many keys is broken itself."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo.panel import OrderStatus
from bot.domain.clock import utc_now
from bot.workers.refused_keys import ASK_AGAIN_AFTER, MANY, Blame, RefusedKeys
from tests.world import KEY, Clock, World, messages, shown

USERS = ("ann", "bob", "cem")


async def _users_with_an_order(here: World) -> list[tuple[Any, Any]]:
    """Return three users, each with a key and the card of an order that is being watched."""
    found: list[tuple[Any, Any]] = []
    for name in USERS:
        user = here.env.create_user(name)
        here.panel.add_key(f"{KEY}-{name}")
        await here.connect(user, f"{KEY}-{name}")
        here.order(f"ord_{name}", OrderStatus.IN_PROGRESS, key=f"{KEY}-{name}")
        found.append((user, await user.slash("cancel", orders=f"ord_{name}")))
    await here.settle()
    return found


@pytest.mark.usefixtures("env")
async def test_a_panel_that_refuses_many_keys_pauses_none_and_all_go_on(here: World) -> None:
    users = await _users_with_an_order(here)
    for name in USERS:
        here.panel.revoke_key(f"{KEY}-{name}")
    await here.wait(300)
    assert {state for (state,) in here.sql("SELECT state FROM accounts")} == {"active"}
    for user, card in users:
        assert messages(user) == []
        assert "NotPanel refuses many keys right now" in shown(card)
    await here.wait(200)
    assert "nothing has been sent or checked" in "".join(await here.app.services.health.faults())
    for name in USERS:
        here.panel.add_key(f"{KEY}-{name}")
    await here.wait(900)
    assert await here.app.services.health.faults() == []
    for _, card in users:
        assert "refuses many keys" not in shown(card)
        assert "1 cancelled" in shown(card)


@pytest.mark.usefixtures("env")
async def test_a_key_that_is_refused_once_costs_nothing_and_nobody_is_asked(here: World) -> None:
    ((user, card), *_) = await _users_with_an_order(here)
    here.panel.revoke_key(f"{KEY}-ann")
    await here.wait(45)
    assert "doesn't accept this key" in shown(await user.slash("balance"))
    here.panel.add_key(f"{KEY}-ann")
    await here.wait(900)
    assert messages(user) == [] or "need your key" not in "".join(messages(user))
    assert "1 cancelled" in shown(card)


steps = st.lists(st.tuples(st.integers(0, 200), st.integers(1, 6), st.booleans()), max_size=60)


@given(steps)
def test_no_key_is_paused_before_it_was_refused_twice_a_minute_apart_and_never_accepted_between(
    steps: list[tuple[int, int, bool]],
) -> None:
    clock = Clock()
    refused_keys, refused = RefusedKeys(clock), dict[int, list[Any]]()
    for seconds, account, accepted in steps:
        clock.now += timedelta(seconds=seconds)
        if accepted:
            refused_keys.accepted(account)
            refused.pop(account, None)
            assert refused_keys.wait(account) is None
            continue
        seen = refused.setdefault(account, [])
        seen.append(clock.now)
        meaning = refused_keys.refused(account, account)
        if meaning is Blame.KEY:
            assert clock.now - seen[0] >= ASK_AGAIN_AFTER
            assert len(seen) > 1
            refused.pop(account)
        else:
            assert refused_keys.wait(account) == ASK_AGAIN_AFTER


def test_keys_of_one_user_are_not_those_of_many() -> None:
    clock = Clock()
    refused_keys = RefusedKeys(clock)
    assert {refused_keys.refused(account, 1) for account in range(9)} == {Blame.ASK_AGAIN}
    clock.now += ASK_AGAIN_AFTER
    assert {refused_keys.refused(account, 1) for account in range(9)} == {Blame.KEY}


def test_keys_that_stay_refused_while_others_are_accepted_are_at_fault() -> None:
    clock = Clock()
    refused_keys = RefusedKeys(clock)
    assert [refused_keys.refused(account, account) for account in (1, 2, 3)][-1] is Blame.PANEL
    clock.now += ASK_AGAIN_AFTER / 2
    refused_keys.accepted(4)
    clock.now += ASK_AGAIN_AFTER / 2
    assert [refused_keys.refused(account, account) for account in (1, 2, 3)] == [Blame.KEY] * 3


def test_no_key_is_at_fault_while_many_are_refused_and_none_accepted_since() -> None:
    clock = Clock()
    refused_keys = RefusedKeys(clock)
    refused_keys.accepted(4)
    for _ in range(20):
        clock.now += ASK_AGAIN_AFTER
        assert [refused_keys.refused(account, account) for account in (1, 2, 3, 4)][2:] == [Blame.PANEL] * 2


def test_each_refusal_is_counted_by_what_it_means() -> None:
    now, counted = [utc_now()], list[str]()
    refused_keys = RefusedKeys(lambda: now[0], counted.append)
    refused_keys.refused(1, 1)
    now[0] += ASK_AGAIN_AFTER
    refused_keys.refused(1, 1)
    for user in range(1, MANY + 1):
        refused_keys.refused(10 + user, user)
    refused_keys.refused_new()
    assert counted == ["ask_again", "key", *["ask_again"] * (MANY - 1), "panel", "new"]
