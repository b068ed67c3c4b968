"""Answers to direct messages that name no order and are no command."""

from collections.abc import Sequence

from bot.cards import actions
from bot.cards.language import _
from bot.cards.layout import CardView, Tone, card
from bot.cards.mentions import with_mentions
from bot.cards.text import code
from bot.domain.dm_words import CANCEL


def which_orders(verb: str) -> CardView:
    """Ask for the orders of a verb that came alone; what comes in the next message is not tied to it."""
    paste = actions.PASTE.button() if verb == CANCEL else actions.PASTE_FOR.button(verb)
    how = _("**Which orders?** Send {verb} with their IDs or a file, or press the button.", verb=code(verb))
    alone = _("-# If you send IDs alone, I ask what to do with them.")
    return card(Tone.PLAIN, [f"{how}\n{alone}"], buttons=[paste])


def unreadable_file() -> CardView:
    """Say what can be sent in the place of a picture."""
    return card(Tone.PLAIN, [_("I can't read that file. Send order IDs, or a text or CSV file.")])


def welcome() -> CardView:
    """Answer thanks."""
    return card(Tone.GOOD, [_("You're welcome! Send me order IDs whenever you need me.")])


def use_buttons() -> CardView:
    """Answer a yes or no: which question it is about nobody can tell."""
    return card(Tone.PLAIN, [_("Please press a button on the card. A yes or no in a message does nothing.")])


def how_to_stop() -> CardView:
    """Answer a "stop", which may be meant of orders, of watching them or of messages."""
    stopped = _("**Nothing was stopped.** To cancel orders, send me their IDs.")
    elsewhere = _("`/queued` stops watching orders, `/settings` stops my messages.")
    return card(Tone.PLAIN, [f"{stopped}\n-# {elsewhere}"], buttons=[actions.PASTE.button()])


def as_command(command: str) -> CardView:
    """Name the command that does what a message cannot."""
    return card(Tone.PLAIN, [_("Use {command} for that.", command=with_mentions(code(command)))])


def key_in_message() -> CardView:
    """Warn somebody who may have sent their key as a message."""
    return card(
        Tone.BAD,
        [
            _(
                "**If that was your API key, delete your message now.** A key goes only into this form.\n"
                "If it wasn't: `help` lists what I understand."
            )
        ],
        buttons=[actions.CONNECT.button()],
    )


def not_understood(examples: Sequence[str]) -> CardView:
    """Answer a message that is no command with the two nearest things to type that are."""
    one, other = map(code, examples)
    return card(
        Tone.PLAIN, [_("I didn't get that. Try {one} or {other}, or just send order IDs.", one=one, other=other)]
    )
