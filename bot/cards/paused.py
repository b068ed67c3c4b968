"""What stands first on a card while the panel does not take a user's key: nothing is sent or watched with it."""

from collections.abc import Sequence

from bot.cards.language import _
from bot.cards.text import code, listed, titled
from bot.domain.accounts import AccountState
from bot.ledger import Keyring
from bot.services.keys import PausedKey

_ROOM_FOR_NAMES = 100
"""Room for the names of keys in a first line: at least for one of 32 emoji."""


def paused_lines(paused: Sequence[PausedKey], keys: Keyring) -> list[str]:
    """Say, as a card's first lines, which keys are paused and what to do about it; nothing where none is."""
    lines: list[str] = []
    for state in dict.fromkeys(one.account.state for one in paused):
        which = _which([one for one in paused if one.account.state is state], keys)
        if state is AccountState.SUSPENDED:
            lines.append("### " + _("⏸ Paused: your NotPanel account is suspended {key}", key=which).rstrip())
            lines.append("-# " + _("Settle that with NotPanel, then connect your key again. Your orders are kept."))
        else:
            lines.append("### " + _("⏸ Paused: NotPanel rejects your key {key}", key=which).rstrip())
            lines.append("-# " + _("Nothing is sent or checked with it until you connect a valid key."))
    return lines


def headed(paused: Sequence[str], answer: str, *lines: str) -> str:
    """Return a card's first lines: the answer, and below it the others; below keys that are paused where there are."""
    return "\n".join([*paused, *filter(None, [f"**{answer}**", *lines])]) if paused else titled(answer, *lines)


def _which(paused: Sequence[PausedKey], keys: Keyring) -> str:
    """Name keys: the only one by its end, of several each by its name."""
    several = len(keys) > 1
    names = [one.account.name if several else one.last4 and f"…{one.last4}" for one in paused]
    shown, missing = listed([code(name) for name in names if name], _ROOM_FOR_NAMES)
    return shown + (" " + _("… and {missing} more", missing=missing) if missing else "")
