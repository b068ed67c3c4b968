"""The card of /help."""

from bot.cards import actions
from bot.cards.language import _, number
from bot.cards.layout import CardView, Tone, card
from bot.cards.text import titled


def help_card() -> CardView:
    """Explain the bot to somebody who sees it for the first time."""
    what = _(
        "The panel says *success* both when it gives the money back at once and when it only asks the provider. "
        "I look until the order's own status tells, and write to you when it does."
    )
    steps = (
        _("`/key set` — connect your API key (a form only you see; stored encrypted)"),
        _(
            "`/cancel` — one order ID or many, in any form; or a text or CSV file; or nothing, to paste. "
            "Or in the menu of any message: *Apps*, then *{menu}*",
            menu=_("Cancel orders in this message"),
        ),
        _("Read the card. What is *queued at the provider* is not final: I message you when it ends."),
    )
    commands = (
        ("`/status`", _("what the panel says of orders")),
        ("`/queued`", _("what is still open")),
        ("`/history`", _("how orders ended")),
        ("`/refill`", _("ask for a refill")),
        ("`/balance`", _("what is left")),
        ("`/key show` `/key remove`", _("see or forget the key")),
        ("`/settings`", _("where and how I write to you")),
        ("`/forget-me`", _("erase all that is stored")),
    )
    direct = _("In a DM with me plain text does the same: {examples}.", examples=_DIRECT_EXAMPLES)
    return card(
        Tone.PLAIN,
        [
            titled(_("Cancel NotPanel orders, and hear how it really ended"), what),
            "\n".join(f"**{number(place)}.** {step}" for place, step in enumerate(steps, 1)),
            "\n".join([" · ".join(f"{command} {does}" for command, does in commands), f"-# {direct}"]),
        ],
        buttons=[actions.CONNECT.button(), actions.PASTE.button()],
    )


_DIRECT_EXAMPLES = "`cancel ord_… ord_…`, `refill ord_…`, `queued`, `history`"
