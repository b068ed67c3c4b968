"""Commands, buttons and cogs: each described, usable everywhere, and answered once."""

import ast
import re
from collections.abc import Iterator
from typing import Any

import discord
import pytest

from bot.cards import buttons
from bot.cards.words import OUTCOMES
from bot.client import Client
from bot.domain.states import State
from bot.ledger import ListKind
from bot.services.records import MOST_DAYS
from tests.examples import PRESSABLE
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


def test_every_command_button_and_menu_is_registered() -> None:
    """What `cogs/registry.py` does not name is never added to the client."""
    persistent = {
        node.name
        for path in sources("cogs")
        for node in tree_of(path).body
        if isinstance(node, ast.ClassDef)
        and any(
            re.match(r"commands\.(Group)?Cog|PersistentItem|discord\.ui\.DynamicItem", ast.unparse(base))
            for base in node.bases
        )
        and not node.name.startswith("_")
    } - {"PersistentItem"}
    registry = tree_of(ROOT / "cogs/registry.py")
    imported = {alias.name for node in registry.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert persistent
    assert persistent <= imported


def test_every_button_has_an_example() -> None:
    assert set(PRESSABLE) == set(buttons.ALL)
    made = [node.name for node in tree_of(ROOT / "bot/cards/buttons.py").body if isinstance(node, ast.FunctionDef)]
    assert len([name for name in made if not name.startswith("_")]) == len(buttons.ALL)


@pytest.mark.parametrize("outcome", [None, *OUTCOMES])
def test_the_button_for_a_history_carries_every_filter(outcome: State | None) -> None:
    button = buttons.whole_list(ListKind.HISTORY, MOST_DAYS, outcome)
    found = re.fullmatch(buttons.LIST, button.custom_id or "")
    assert found
    assert (found["list"], found["outcome"]) == (str(MOST_DAYS), outcome)


@pytest.mark.parametrize("template", [buttons.LIST, buttons.BROWSE])
def test_a_button_of_0_1_0_leads_to_what_was_refunded(template: str) -> None:
    kind = template.split(":")[1]
    found = re.fullmatch(template, f"np:{kind}:history:30:refunded")
    assert found
    assert State(found["outcome"]) is State.CANCELLED


@pytest.mark.parametrize("template", buttons.ALL)
def test_a_button_is_known_by_its_own_template_alone(template: str) -> None:
    button = PRESSABLE[template]()
    assert button.custom_id is not None
    assert [other for other in buttons.ALL if re.fullmatch(other, button.custom_id)] == [template]
    assert len(button.custom_id) <= 100
    if isinstance(button, discord.ui.Select):
        assert 1 <= len(button.options) <= 25
        assert all(1 <= len(option.label) <= 100 for option in button.options)
    else:
        assert button.label is not None
        assert 1 <= len(button.label) <= 80


def test_every_template_is_answered_by_one_class_of_the_cogs() -> None:
    answered = [
        ast.unparse(keyword.value)
        for path in sources("cogs")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "PersistentItem" for base in node.bases)
        for keyword in node.keywords
    ]
    named = [name for name, value in vars(buttons).items() if name.isupper() and value in buttons.ALL]
    assert sorted(answered) == sorted(f"buttons.{name}" for name in named)
