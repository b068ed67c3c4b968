"""Commands, buttons and cogs: each described, usable everywhere, and answered once."""

import ast
import inspect
import re
from collections.abc import Iterator
from typing import Any

import discord
import pytest

from bot.cards import actions
from bot.cards.actions import Action
from bot.cards.words import OUTCOMES
from bot.client import Client
from bot.domain.states import State
from bot.ledger import ListKind
from bot.services.records import MOST_DAYS
from cogs.dispatch import HANDLERS, handles
from tests.examples import PRESSABLE, RELEASED
from tests.rules.sources import ROOT, sources, tree_of


def registered(client: Client) -> list[dict[str, Any]]:
    """Return what Discord is told about the commands."""
    commands = [command.to_dict(client.tree) for command in client.tree.get_commands()]
    assert commands
    return commands


def named_parts(entry: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a command, its groups, subcommands and options, with their full names."""
    path = f"{path} {entry['name']}".strip()
    yield path, entry
    for option in entry.get("options", ()):
        yield from named_parts(option, path)


def slash_commands(client: Client) -> list[str]:
    """Return every command as a user types it, groups left out."""
    subcommand, group = 1, 2
    found: list[str] = []
    for command in registered(client):
        if command["type"] != 1:
            continue
        parts = dict(named_parts(command))
        below = [name for name, part in parts.items() if name != command["name"] and part["type"] == subcommand]
        is_group = below or any(part["type"] == group for name, part in parts.items() if name != command["name"])
        found += below if is_group else [command["name"]]
    return found


def menus(client: Client) -> list[str]:
    """Return every entry of the menus under messages and users."""
    return [command["name"] for command in registered(client) if command["type"] != 1]


async def test_every_command_and_option_says_what_it_is_for(client: Client) -> None:
    for command in registered(client):
        for name, part in named_parts(command):
            if command["type"] == 1:  # menus have no description
                assert 1 <= len(part["description"]) <= 100, name
                assert part["description"] != "…", name
            assert len(part["name"]) <= 32, name


async def test_every_command_works_in_all_places_and_for_both_installs(client: Client) -> None:
    for command in registered(client):
        assert sorted(command["contexts"]) == [0, 1, 2], command["name"]
        assert sorted(command["integration_types"]) == [0, 1], command["name"]


def test_every_command_is_registered() -> None:
    """What `cogs/registry.py` does not name is never added to the client."""
    persistent = {
        node.name
        for path in sources("cogs")
        for node in tree_of(path).body
        if isinstance(node, ast.ClassDef)
        and any(re.match(r"commands\.(Group)?Cog", ast.unparse(base)) for base in node.bases)
    }
    registry = tree_of(ROOT / "cogs/registry.py")
    imported = {alias.name for node in registry.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert persistent
    assert persistent <= imported


def test_every_action_has_examples() -> None:
    assert set(PRESSABLE) == {action for action in actions.ALL if not action.is_form}
    assert set(RELEASED) == set(actions.ALL)


@pytest.mark.parametrize("outcome", [None, *OUTCOMES])
def test_the_button_for_a_history_carries_every_filter(outcome: State | None) -> None:
    button = actions.LIST.button(ListKind.HISTORY, MOST_DAYS, outcome)
    found = actions.LIST.read(button.custom_id or "")
    assert found
    assert (found["list_id"], found.get("outcome")) == (MOST_DAYS, outcome)


@pytest.mark.parametrize("action", [actions.LIST, actions.BROWSE], ids=repr)
def test_a_button_of_0_1_0_leads_to_what_was_refunded(action: Action) -> None:
    found = action.read(action.custom_id(ListKind.HISTORY, 30, "refunded"))
    assert found
    assert found["outcome"] is State.CANCELLED


@pytest.mark.parametrize("action", PRESSABLE, ids=repr)
def test_a_button_is_known_by_its_own_pattern_alone(action: Action) -> None:
    button = PRESSABLE[action]()
    assert button.custom_id is not None
    chosen = [button.options[0].value] if isinstance(button, discord.ui.Select) else []
    assert known_as(button.custom_id, *chosen) == [action]
    assert len(button.custom_id) <= 100
    if isinstance(button, discord.ui.Select):
        assert 1 <= len(button.options) <= 25
        assert all(1 <= len(option.label) <= 100 for option in button.options)
    else:
        assert button.label is not None
        assert 1 <= len(button.label) <= 80


@pytest.mark.parametrize("custom_id", [one for released in RELEASED.values() for one in released])
def test_a_custom_id_that_was_ever_released_is_known(custom_id: str) -> None:
    (action,) = known_as(custom_id)
    assert custom_id in RELEASED[action]


def known_as(custom_id: str, *chosen: str) -> list[Action]:
    """Return the actions that a custom_id, with what is chosen from a menu, is one of."""
    return [action for action in actions.ALL if action.read(custom_id, *chosen) is not None]


@pytest.mark.parametrize("custom_id", [f"np:stop:{10**19 - 1}", "np:news:99999999999999999999"])
def test_a_number_that_no_row_can_have_is_read_as_the_largest(custom_id: str) -> None:
    (action,) = known_as(custom_id)
    assert list((action.read(custom_id) or {}).values()) == [2**63 - 1]


def test_every_action_is_answered_by_one_function_that_takes_all_its_parts() -> None:
    """That there is one is seen as the second registers."""
    assert set(HANDLERS) == set(actions.ALL)
    for action, handler in HANDLERS.items():
        _, *taken = inspect.signature(handler).parameters
        extra = {"form"} if action.is_form else set[str]()
        assert set(taken) - {"key"} == {*action.parts, *extra}, action
    with pytest.raises(AssertionError):
        handles(actions.STOP)(HANDLERS[actions.STOP])
