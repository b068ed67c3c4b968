"""The demo's own messages, and what their buttons do: what a person could type themselves."""

from collections import Counter
from functools import partial

import discord

from bot.cards.language import _, plural
from bot.cards.layout import CardView, Tone, card
from bot.cards.text import titled
from bot.demo.presses import DemoButtons
from bot.demo.sample import Stage
from bot.demo.stage import Scene

_CONNECT, _CANCEL, _SECOND, _MENU = "demo:connect", "demo:cancel", "demo:second", "demo:menu"
SECOND_NAME = "shop2"

Button = discord.ui.Button[discord.ui.LayoutView]


def welcome(stage: Stage, server: str) -> CardView:
    """Say in the direct messages what to try; `server` is the address of the page with the server channel."""
    steps = [] if stage.past else [_("Connect the demo key. By hand: `/key set`, then paste it into the form.")]
    steps += [
        _("Cancel the orders below. By hand: `/cancel`, then paste them."),
        _("Watch the card change. When the provider answers, the bot writes to you here."),
        _("Then try `/queued`, `/history`, `/balance`, `/refill`, `/settings` and `/help`."),
    ]
    buttons = [] if stage.past else [_button(_CONNECT, _("Connect the demo key"), main=True)]
    label = plural("Cancel {count} order", "Cancel {count} orders", len(stage.orders))
    buttons += [
        _button(_CANCEL, label, main=bool(stage.past)),
        discord.ui.Button(label=_("Open the server channel"), url=server),
    ]
    return card(
        Tone.PLAIN,
        [
            titled(_("Try it: the real bot, a simulated panel"), _numbered(steps)),
            _contents(stage),
            "-# " + _("The demo key, to paste: {key}", key=f"`{stage.key}`"),
        ],
        buttons=buttons,
    )


def server_welcome(stage: Stage, menus: list[str]) -> CardView:
    """Say in the server channel what to try there; `menus` are the bot's entries in the menu of a message."""
    text = [
        _("Above is a message with order IDs. In Discord its menu, *Apps*, has these entries; here they are buttons."),
        _("You own this bot: write `admin` to it in a DM. `/webhook` works too, but nothing calls its address."),
        _(
            "A second account has the key {key}: `/key set name: {name}`.",
            key=f"`{stage.second_key}`",
            name=SECOND_NAME,
        ),
    ]
    buttons = [_button(f"{_MENU}{place}", _(name)) for place, name in enumerate(menus)]
    buttons.append(_button(_SECOND, _("Connect the second key")))
    return card(Tone.PLAIN, [titled(_("In a server only you see the answers"), "\n".join(text))], buttons=buttons)


def presses(stage: Stage, scene: Scene) -> DemoButtons:
    """Return what the buttons do, by custom_id."""
    direct, member = scene.direct, scene.in_server
    return {
        _CONNECT: partial(direct.connect, stage.key),
        _CANCEL: partial(direct.cancel, tuple(stage.orders)),
        _SECOND: partial(member.connect, stage.second_key, SECOND_NAME),
        **{f"{_MENU}{place}": partial(member.menu, name, scene.reported) for place, name in enumerate(scene.menus)},
    }


def _button(custom_id: str, label: str, *, main: bool = False) -> Button:
    style = discord.ButtonStyle.primary if main else discord.ButtonStyle.secondary
    return discord.ui.Button(custom_id=custom_id, label=label, style=style)


def _numbered(steps: list[str]) -> str:
    return "\n".join(f"{place}. {step}" for place, step in enumerate(steps, 1))


def _contents(stage: Stage) -> str:
    """Say what the panel holds: each order where they are few, how many of each kind otherwise."""
    if not stage.past:
        return "\n".join(f"`{order}`\n-# {_(what)}" for order, what in stage.orders.items())
    return "\n".join(f"**{count}** {_(what)}" for what, count in Counter(stage.orders.values()).items())
