"""The small cards: errors, IDs to copy, being forgotten, and the ping in a channel."""

from collections.abc import Sequence

from bot.cards import actions
from bot.cards.errors import INTERNAL, panel_error, user_error
from bot.cards.language import N_, _, plural
from bot.cards.layout import CardView, Tone, card, room_beside
from bot.cards.text import listed, titled
from bot.cards.words import TRACES, WORDINGS
from bot.domain.errors import KeyPaused, UserError
from bot.domain.states import State
from bot.ledger import ListKind
from bot.panel import InvalidKey, PanelError
from bot.services.erasing import Erasure, StoredView


def problem(sentence: str, *buttons: actions.Button) -> CardView:
    """Say that something could not be done; `buttons`: what helps."""
    return card(Tone.BAD, [sentence], buttons=buttons)


def user_problem(error: UserError) -> CardView:
    """Say what is wrong with a request, with the button that puts it right where there is one."""
    again = [actions.CONNECT.button(error.name, label=_("Connect again"))] if isinstance(error, KeyPaused) else []
    return problem(user_error(error), *again)


def panel_problem(error: PanelError) -> CardView:
    """Say that the panel did not answer a question."""
    unchanged = _("Nothing was changed.")
    again = [actions.CONNECT.button(label=_("Connect again"))] if isinstance(error, InvalidKey) else []
    return problem(f"{panel_error(error)} {unchanged}", *again)


def internal_problem() -> CardView:
    """Say that the fault is ours."""
    return problem(_(INTERNAL))


def nothing_done() -> CardView:
    """Say that a command or a press has come to nothing, for want of an answer that was heard to arrive."""
    return problem(_("Nothing was done this time: Discord didn't confirm my answer. Please try again."))


def working() -> CardView:
    """Acknowledge a message in a DM, before anything is read: not even which language its author speaks."""
    return card(Tone.PLAIN, ["⏳ …"])


def erasure_question(view: StoredView) -> CardView:
    """Ask before all that is stored about a user is erased."""
    stored = view.stored
    kinds = [
        *([plural("your API key", "your {count} API keys", view.keys)] if view.keys else []),
        plural("{count} cancel request", "{count} cancel requests", stored.requests),
        plural("{count} order and how it ended", "{count} orders and how they ended", stored.orders),
        *([plural("{count} message", "{count} messages", stored.messages)] if stored.messages else []),
        *([_("your settings")] if stored.preferences else []),
        *([_("the orders kept for your key")] if stored.kept_orders else []),
    ]
    lost = plural(
        "**{count} order is still open.** If it isn't sent yet, it never will be. If it is, it stays with NotPanel; "
        "you "
        "just won't hear how it ends.",
        "**{count} orders are still open.** Those not sent yet never will be. The others stay with NotPanel; you just "
        "won't hear how they end.",
        view.count_open,
    )
    end = "\n".join([_("This can't be undone."), f"-# {_(_BEYOND_REACH)}"])
    return card(
        Tone.WAITING,
        [
            titled(_("Erase everything about you?"), " · ".join(kinds)),
            f"{lost}\n{end}" if view.count_open else end,
        ],
        buttons=[actions.ERASE.button(), actions.KEEP_ALL.button()],
    )


_BEYOND_REACH = N_("Older backups and our chat messages remain until they're deleted.")


def erased(far: Erasure) -> CardView:
    """Confirm that nothing is left of a user, no more than traces in unused parts of files, or how it goes on."""
    if far is Erasure.UNDER_WAY:
        return still_erasing()
    traces = _(TRACES) if far is Erasure.TRACES else ""
    return card(Tone.PLAIN, [titled(_("Everything about you is deleted"), traces, f"-# {_(_BEYOND_REACH)}")])


def still_erasing() -> CardView:
    """Say that keys are gone and the rest is on its way out."""
    going = _(
        "Your keys are deleted; the rest is hidden and takes some more minutes. You need not do anything. When it's "
        "done "
        "you can connect a key again."
    )
    return card(Tone.PLAIN, [titled(_("Being erased"), f"{going} {_(TRACES)}", f"-# {_(_BEYOND_REACH)}")])


def nothing_stored() -> CardView:
    """Say that there is nothing of a user."""
    return card(Tone.PLAIN, [titled(_("Nothing is stored about you"))])


def all_kept() -> CardView:
    """Confirm that nothing was erased."""
    return card(Tone.PLAIN, [titled(_("Nothing was erased"))])


def ids_card(orders: Sequence[str], state: State, kind: ListKind, list_id: int) -> CardView:
    """Hand over the IDs of one group to copy: one a line, in a block, as many as one message has room for."""
    short = _(WORDINGS[state].short, count=len(orders))
    if not orders:
        none = _("No order of that card stands there any more.")
        return card(Tone.PLAIN, [titled(" · ".join([_("None left"), short]), none)])
    shown, missing = listed(orders, room_beside([]) - 300, between="\n")
    rest = plural(
        "{count} more has no room here: it is in the whole list.",
        "{count} more have no room here: they are in the whole list.",
        missing,
    )
    as_of_now = " ".join([_("As of now."), *([rest] if missing else [])])
    title = plural("{count} order", "{count} orders", len(orders))
    return card(
        Tone.PLAIN,
        [titled(f"{title} · {short}", as_of_now), f"```\n{shown}\n```"],
        buttons=[actions.LIST.button(kind, list_id)] if missing else [],
    )


def channel_ping(user_id: int, *, chosen: bool) -> CardView:
    """Tell a user in public that there is an update, and nothing of what it is; `chosen`: they want it so."""
    if chosen:
        update = _("You have an update. Only you can see it:")
    else:
        update = _("You have an update, but I can't DM you. Only you can see it:")
    return card(
        Tone.PLAIN,
        [f"<@{user_id}> {update}"],
        buttons=[actions.UPDATES.button(user_id)],
    )


def no_updates() -> CardView:
    """Say that everything has been shown."""
    return card(Tone.PLAIN, [_("You've seen everything. `/queued` shows what's still open.")])
