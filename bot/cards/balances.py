"""/balance: what is left under each key."""

from collections.abc import Sequence

from bot.cards.errors import panel_error
from bot.cards.keys import balance, names_of
from bot.cards.language import _
from bot.cards.layout import CardView, Tone, card
from bot.cards.reasons import account_text
from bot.cards.text import ago, code, small, titled
from bot.domain.errors import KeyPaused
from bot.domain.panel_answers import Balance
from bot.ledger import Keyring
from bot.panel import PanelError
from bot.services.panel_calls import BalanceView


def balances_card(views: Sequence[BalanceView], keys: Keyring) -> CardView:
    """Show balances, and how old they are: the panel caches them for 30 s (NotPanel docs)."""
    age = small(_("asked {when} · may lag 30 s", when=ago(views[-1].asked_at)))
    names = names_of(keys)
    if len(views) == 1:
        name = code(names[views[0].account.id]) if names else ""
        return card(Tone.PLAIN, [titled(" · ".join(filter(None, [_balance(views[0]), name])), age)])
    lines = [f"{code(names[view.account.id])} · {_balance(view)}" for view in views]
    return card(Tone.PLAIN, [titled(_("Balances"), *lines, age)])


def _balance(view: BalanceView) -> str:
    match view.balance:
        case Balance():
            return f"**{balance(view.balance)}**"
        case KeyPaused(state=state):
            return account_text(state)
        case PanelError():
            return panel_error(view.balance)
