"""The cards of a user's keys, and what other cards say of them where a user has several."""

from collections.abc import Mapping, Sequence

import discord

from bot.cards import actions
from bot.cards.language import _, isolated, plural
from bot.cards.layout import CardView, Tone, card
from bot.cards.paused import headed, paused_lines
from bot.cards.text import amount, code, titled
from bot.cards.words import TRACES
from bot.domain.accounts import AccountState
from bot.domain.panel_answers import Balance
from bot.ledger import Account, Keyring, ListKind
from bot.services.keys import KeyView, PausedKey, Removed

_MOST_CONNECTS = 5
"""Keys that a card has a button for to be connected again; its text names all."""

Names = Mapping[int, str]
"""What each account's key is called; empty where there is but one, which needs no name."""


def names_of(keys: Keyring) -> Names:
    """Return what a user's keys are called, for beside their orders."""
    return {account.id: account.name for account in keys} if len(keys) > 1 else {}


def under(names: Names, account_id: int) -> str:
    """Return what stands behind an order of a user with several keys."""
    return " · " + _("key {name}", name=code(names[account_id])) if account_id in names else ""


def key_fact(keys: Keyring, account: Account) -> str:
    """Name one of several keys, for the small line below a card's first."""
    return _("key {name}", name=code(account.name)) if names_of(keys) else ""


def keys_card(views: Sequence[KeyView]) -> CardView:
    """Show what may be shown of the stored keys."""
    return _only_key_card(views[0]) if len(views) == 1 else _several_keys_card(views)


def _only_key_card(view: KeyView) -> CardView:
    above = _paused([view])
    return card(
        Tone.BAD if above else Tone.GOOD,
        [headed(above, _("Your NotPanel key"), _facts(view, ""))],
        buttons=connect_again([view.account], several=False)
        if above
        else [actions.CONNECT.button(view.account.name, label=_("Replace the key"))],
    )


def _paused(views: Sequence[KeyView]) -> list[str]:
    """Say first which of a user's keys are paused."""
    paused = [PausedKey(one.account, one.last4) for one in views if one.account.state is not AccountState.ACTIVE]
    return paused_lines(paused, tuple(one.account for one in views))


def _several_keys_card(views: Sequence[KeyView]) -> CardView:
    default = _("**default**: commands without a key use it")
    lines: list[str] = []
    for one in views:
        lines.append(" · ".join([f"🔑 {code(one.account.name)}", *([default] if one.account.is_default else [])]))
        lines.append(_facts(one, _("It isn't in use right now.")))
    how = _(
        "`/key set` with a name adds a key, or replaces the one of that name; `/key default` chooses the default, "
        "`/key remove` removes one."
    )
    paused = tuple(one.account for one in views if one.account.state is not AccountState.ACTIVE)
    return card(
        Tone.BAD if paused else Tone.GOOD,
        [headed(_paused(views), _("Your NotPanel keys"), *lines), f"-# {how}"],
        buttons=connect_again(paused, several=True),
    )


def _facts(view: KeyView, paused: str) -> str:
    """Say what may be shown of a key; `paused`: what to say of one that the panel does not take."""
    end = _("Ends in {end}, stored encrypted.", end=code_end(view.last4))
    state = _("It is in use.") if view.account.state is AccountState.ACTIVE else paused
    watched = plural("{count} order being watched.", "{count} orders being watched.", view.waiting)
    return " ".join(filter(None, [end, state, watched]))


def connect_again(paused: Sequence[Account], *, several: bool) -> list[actions.Button]:
    """Offer to connect keys that the panel no longer takes; `several`: their names say which."""
    return [
        actions.CONNECT.button(
            one.name, label=_("Connect {name} again", name=one.name) if several else _("Connect again")
        )
        for one in paused[:_MOST_CONNECTS]
    ]


def which_to_remove(keys: Keyring) -> CardView:
    """Ask which of several keys to remove."""
    return card(
        Tone.WAITING,
        [titled(_("Which key do I remove?"))],
        buttons=[
            *(
                actions.ASK_REMOVE.button(account.id, name=account.name, style=discord.ButtonStyle.secondary)
                for account in keys
            ),
            actions.KEEP_KEY.button(label=_("Keep all")),
        ],
    )


def removal_question(view: KeyView) -> CardView:
    """Ask before a key is removed that open orders need."""
    title = plural(
        "Remove the key although {count} order is open?",
        "Remove the key although {count} orders are open?",
        view.waiting,
    )
    which = _("The key {name}, which ends in {end}.", name=code(view.account.name), end=code_end(view.last4))
    without = _(
        "What isn't sent yet never will be. Requests already sent stay with NotPanel; I just can't tell you how they "
        "end."
    )
    return card(
        Tone.WAITING,
        [titled(title, which, without)],
        buttons=[actions.REMOVE_KEY.button(view.account.id), actions.KEEP_KEY.button()],
    )


def removed(result: Removed) -> CardView:
    """Confirm that nothing of a key is left, or sealed traces only, and say which takes its place as the default."""
    lost = plural(
        "{count} order is no longer watched, or will not be sent: check in your NotPanel orders.",
        "{count} orders are no longer watched, or will not be sent: check in your NotPanel orders.",
        result.waiting,
    )
    revoke = _("To be sure that nobody can use it, revoke it in your NotPanel account too.")
    left = [_("Nothing of it is left here.")] if result.wholly else [_("It is no longer stored here."), _(TRACES)]
    gone = " ".join([*left, *([lost] if result.waiting else [])])
    default = next((one.name for one in result.keys if one.is_default), None)
    rest = _("Commands without a key now use {name}.", name=code(default)) if default else ""
    return card(Tone.PLAIN, [titled(_removed_title(result), gone, rest, f"-# {revoke}")])


def _removed_title(result: Removed) -> str:
    if not names_of(result.keys):
        return _("Key removed")
    return _("Key {name} removed", name=code(result.account.name))


def key_kept() -> CardView:
    """Confirm that nothing was done."""
    return card(Tone.PLAIN, [titled(_("Key kept"), _("Nothing was changed."))])


def default_chosen(account: Account) -> CardView:
    """Confirm which key commands without one use from now on."""
    from_now_on = _("Commands without a key now use {name}.", name=code(account.name))
    stays = _("Earlier requests stay with their key.")
    return card(Tone.GOOD, [titled(_("Default key chosen"), from_now_on, f"-# {stays}")])


def which_to_try(kind: ListKind, list_id: int, keys: Keyring) -> CardView:
    """Ask under which of many keys to try what was not found."""
    return card(
        Tone.WAITING,
        [titled(_("Which key do I try?"), _("I'll ask again before anything is sent."))],
        buttons=[actions.TRY_UNDER.button(kind, list_id, one.id, name=one.name) for one in keys],
    )


def balance(value: Balance) -> str:
    """Show a balance as the panel wrote it."""
    return isolated(" ".join(amount(text) for text in (value.balance, value.currency) if text))


def code_end(last4: str) -> str:
    """Show the end of a key."""
    return code(f"…{last4}")
