"""The cards around a user's webhook address."""

from bot.cards import actions
from bot.cards.language import _, enumerated
from bot.cards.layout import CardView, Tone, card
from bot.cards.text import ago, titled
from bot.ledger import Webhook
from bot.services.webhooks import EVENTS, Registered


def webhook_card(webhook: Webhook | None) -> CardView:
    """Show whether there is an address, and what has come to it."""
    return _address_card(webhook) if webhook else _no_address_card()


def _no_address_card() -> CardView:
    return card(
        Tone.PLAIN,
        [
            titled(
                _("No webhook"),
                _("NotPanel can call me when one of your orders changes; then I check that order at once."),
                _("A call is never believed by itself: I always ask NotPanel."),
            )
        ],
        buttons=[
            actions.WEBHOOK.button("ask", label=_("Register one for me"), style=actions.MAIN),
            actions.WEBHOOK.button("make", label=_("Just give me an address")),
        ],
    )


def _address_card(webhook: Webhook) -> CardView:
    arrived = _("Last call {ago}.", ago=ago(webhook.arrived_at)) if webhook.arrived_at else _("No call so far.")
    return card(
        Tone.GOOD,
        [
            titled(_("Your webhook"), _("Made {ago}.", ago=ago(webhook.created_at)), arrived),
            _("Whoever knows the address can make me check your orders more often, nothing else."),
        ],
        buttons=[
            actions.WEBHOOK.button("ask", label=_("Register a new address")),
            actions.WEBHOOK.button("make", label=_("New address")),
            _off(),
        ],
    )


def address_made(address: str) -> CardView:
    """Show a new address, this once."""
    return card(Tone.GOOD, [titled(_("Your webhook address"), _shown(address)), _by_hand()], buttons=[_off()])


def registration_question() -> CardView:
    """Ask before the panel is asked to call an address."""
    return card(
        Tone.WAITING,
        [
            titled(
                _("Register an address at NotPanel?"),
                _(
                    "I ask NotPanel, with your default key, to call a new address. Any address you have now stops "
                    "working."
                ),
                _(
                    "NotPanel allows five for a key, and its API documents no way to remove one. `/webhook` shows "
                    "whether calls arrive."
                ),
            )
        ],
        buttons=[
            actions.WEBHOOK.button("register", label=_("Register"), style=actions.MAIN),
            actions.WEBHOOK.button("show", label=_("No")),
        ],
    )


def registered_card(result: Registered) -> CardView:
    """Say what the panel made of a new address, and no more."""
    if result.clear:
        said = _("NotPanel answered without an error. Check in your NotPanel settings that the address is there.")
        texts = [titled(_("Probably registered"), said), _shown(result.address)]
    else:
        said = _(
            "NotPanel gave no clear answer, so the address may or may not be registered. Check your NotPanel settings; "
            "if it's missing, register it there:"
        )
        texts = [titled(_("Unclear"), said, _shown(result.address)), _by_hand()]
    return card(Tone.WAITING, texts, buttons=[_off()])


def turned_off() -> CardView:
    """Confirm that an address is no longer anybody's."""
    return card(
        Tone.PLAIN,
        [
            titled(
                _("Webhook off"),
                _("The address no longer works and is erased here. Remove it in your NotPanel settings too."),
            )
        ],
    )


def _shown(address: str) -> str:
    return f"```\n{address}\n```"


def _by_hand() -> str:
    return _(
        "Register it at NotPanel for the events {events}. It's shown only once: treat it like a password.",
        events=enumerated(f"`{event}`" for event in EVENTS),
    )


def _off() -> actions.Button:
    return actions.WEBHOOK.button("off", label=_("Turn off"), style=actions.DANGER)
