"""The cards around a user's webhook address."""

from bot.cards import actions
from bot.cards.language import N_, _
from bot.cards.layout import CardView, Tone, card
from bot.cards.text import ago, titled
from bot.ledger import Webhook
from bot.services.webhooks import EVENTS, Registered, Registration


def webhook_card(webhook: Webhook | None) -> CardView:
    """Show whether there is an address, and what has come to it."""
    return _address_card(webhook) if webhook else _no_address_card()


def _no_address_card() -> CardView:
    return card(
        Tone.PLAIN,
        [
            titled(
                _("No webhook"),
                _(
                    "NotPanel can call an address of mine when one of your orders changes. Then I look at that order "
                    "at once, instead of when its turn comes."
                ),
                _("I believe nothing that such a call says: I ask the panel itself, as always."),
            )
        ],
        buttons=[
            actions.WEBHOOK.button("ask", label=_("Register one for me"), style=actions.MAIN),
            actions.WEBHOOK.button("make", label=_("Just give me an address")),
        ],
    )


def _address_card(webhook: Webhook) -> CardView:
    arrived = _("Last call {ago}.", ago=ago(webhook.arrived_at)) if webhook.arrived_at else _("No call so far.")
    ignored = webhook.arrived_at and (webhook.believed_at is None or webhook.believed_at < webhook.arrived_at)
    notes = [_secrecy(webhook), _(_UNSIGNED) if ignored else ""]
    has_secret = webhook.secret_sealed is not None
    return card(
        Tone.WAITING if ignored else Tone.GOOD,
        [
            titled(_("Your webhook"), _("Made {ago}.", ago=ago(webhook.created_at)), arrived),
            "\n".join(filter(None, notes)),
        ],
        buttons=[
            actions.WEBHOOK.button("secret", label=_("Enter the signing secret")),
            *([actions.WEBHOOK.button("forget", label=_("Forget the secret"))] if has_secret else []),
            actions.WEBHOOK.button("ask", label=_("Register a new address")),
            actions.WEBHOOK.button("make", label=_("New address")),
            actions.WEBHOOK.button("off", label=_("Turn off"), style=actions.DANGER),
        ],
    )


def _secrecy(webhook: Webhook) -> str:
    if webhook.secret_sealed is not None:
        return _("Its signing secret is stored encrypted: a call that is not signed with it is ignored.")
    return _(
        "I do not know its signing secret, so whoever knows the address can have me look at your orders somewhat more "
        "often, and nothing else."
    )


_UNSIGNED = N_(
    "The last call carried no signature that I can check, so I ignored it. NotPanel does not publish how it signs: if "
    "such calls are real, choose *Forget the secret*."
)


def address_made(address: str) -> CardView:
    """Show a new address, this once."""
    return card(Tone.GOOD, [titled(_("Your webhook address"), _shown(address)), _by_hand()], buttons=_after())


def registration_question() -> CardView:
    """Ask before the panel is asked to call an address."""
    return card(
        Tone.WAITING,
        [
            titled(
                _("Register an address at NotPanel?"),
                _(
                    "I ask the panel, with your default key, to call a new address. An address that you have here "
                    "stops working."
                ),
                _(
                    "NotPanel allows a key five of them. It does not publish how one is removed by its API, or what "
                    "its calls look like: whether any arrive, `/webhook` will show."
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
    match result.outcome:
        case Registration.WITH_SECRET:
            said = _("The panel took the address and gave me its signing secret, which is stored encrypted.")
            return card(Tone.GOOD, [titled(_("Address registered"), said)], buttons=_after(secret=False))
        case Registration.WITHOUT_SECRET:
            said = _(
                "The panel answered without an error, but with no signing secret that I recognise. Look into your "
                "NotPanel settings whether the address is there."
            )
            return card(
                Tone.WAITING, [titled(_("Probably registered"), said), _shown(result.address)], buttons=_after()
            )
        case Registration.UNCLEAR:
            said = _(
                "The panel gave no clear answer, so the address may or may not be registered. I do not ask again by "
                "myself. Look into your NotPanel settings; where it is missing, register it there:"
            )
            return card(
                Tone.WAITING, [titled(_("Unclear"), said, _shown(result.address)), _by_hand()], buttons=_after()
            )


def turned_off() -> CardView:
    """Confirm that an address is no longer anybody's."""
    return card(
        Tone.PLAIN,
        [
            titled(
                _("Webhook off"),
                _("The address works no longer and is erased here. Remove it in your NotPanel settings too."),
            )
        ],
    )


def _shown(address: str) -> str:
    return f"```\n{address}\n```"


def _by_hand() -> str:
    return _(
        "Register it at NotPanel for the events {events}. I show it this once: treat it like a password.",
        events=", ".join(f"`{event}`" for event in EVENTS),
    )


def _after(*, secret: bool = True) -> list[actions.Button]:
    entering = [actions.WEBHOOK.button("secret", label=_("Enter the signing secret"))] if secret else []
    return [*entering, actions.WEBHOOK.button("off", label=_("Turn off"), style=actions.DANGER)]
