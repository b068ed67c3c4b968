"""The small cards: key, status, help, hints and problems."""

from collections.abc import Mapping, Sequence

import discord

from bot.accounts import BalanceView, Connected, KeyView
from bot.panel import Balance, InvalidKey, OrderReading, PanelError, StatusRow
from bot.problems import KeyPaused, NoKey, UserError
from bot.records import StoredView
from bot.states import State
from bot.store import AccountState, ListKind
from bot.ui import buttons
from bot.ui.csv import csv_file
from bot.ui.layout import TEXT_LIMIT, CardView, Tone, card
from bot.ui.text import ago, amount, code, counted, listed
from bot.ui.words import INTERNAL, PAUSES, WORDINGS, ignored, panel_error, user_error


def problem(sentence: str, *, connect: bool = False) -> CardView:
    """Say that something could not be done."""
    return card(Tone.BAD, [sentence], buttons=[buttons.connect()] if connect else [])


def user_problem(error: UserError) -> CardView:
    """Say what is wrong with a request, with the button that puts it right where there is one."""
    return problem(user_error(error), connect=isinstance(error, NoKey | KeyPaused))


def panel_problem(error: PanelError) -> CardView:
    """Say that the panel did not answer a question."""
    return problem(f"{panel_error(error)} Nothing was changed.", connect=isinstance(error, InvalidKey))


def key_problem(error: PanelError) -> CardView:
    """Say that the panel did not accept a key."""
    return card(
        Tone.BAD,
        [f"### Not connected\n{panel_error(error)} Nothing was stored; a key connected before stays as it was."],
        buttons=[buttons.connect("Try again")],
    )


def internal_problem() -> CardView:
    """Say that the fault is ours."""
    return problem(INTERNAL)


def working() -> CardView:
    """Acknowledge a message in a DM, before anything is looked at."""
    return card(Tone.PLAIN, ["Reading your message …"])


def connected(result: Connected) -> CardView:
    """Confirm that a key is stored and works."""
    going_on = f"\n{counted(result.waiting, 'open order')} of yours will be tried with it." if result.waiting else ""
    return card(
        Tone.GOOD,
        [
            f"### Connected\nThe key ending in `{code_end(result.last4)}` works and is stored encrypted. "
            f"Balance: **{balance(result.balance)}**.{going_on}",
            "Now `/cancel` takes one order ID or many. `/key remove` forgets the key at any time.",
        ],
    )


def key_card(view: KeyView) -> CardView:
    """Show what may be shown of a stored key."""
    usable = view.account.state is AccountState.ACTIVE
    state = "It is in use." if usable else PAUSES[view.account.state]
    return card(
        Tone.GOOD if usable else Tone.BAD,
        [
            f"### Your NotPanel key\nEnds in `{code_end(view.last4)}`, stored encrypted. {state}\n"
            f"{counted(view.waiting, 'order')} being watched."
        ],
        buttons=[buttons.connect("Replace the key")],
    )


def removal_question(waiting: int) -> CardView:
    """Ask before a key is removed that open orders need."""
    return card(
        Tone.WAITING,
        [
            f"### Remove the key although {counted(waiting, 'order is', 'orders are')} open?\n"
            "Without the key I can neither send what is waiting nor see how the rest ends. "
            "Nothing is taken back at the panel."
        ],
        buttons=[buttons.remove_key(), buttons.keep_key()],
    )


def removed(waiting: int) -> CardView:
    """Confirm that nothing of a key is left."""
    lost = (
        f" {counted(waiting, 'order is', 'orders are')} no longer watched, or will not be sent: "
        "check in your NotPanel orders."
        if waiting
        else ""
    )
    return card(
        Tone.PLAIN,
        [
            f"### Key removed\nNothing of it is left here.{lost}\n"
            "-# To be sure that nobody can use it, revoke it in your NotPanel account too."
        ],
    )


def key_kept() -> CardView:
    """Confirm that nothing was done."""
    return card(Tone.PLAIN, ["### Key kept\nNothing was changed."])


def erasure_question(view: StoredView) -> CardView:
    """Ask before all that is stored about a user is erased."""
    stored, count_open = view.stored, view.count_open
    lost = (
        f"**{counted(count_open, 'order is', 'orders are')} still open:** what waits is not sent, the rest is no "
        "longer watched, and no message will come. Nothing is taken back at the panel.\n"
        if count_open
        else ""
    )
    return card(
        Tone.WAITING,
        [
            "### Erase everything about you?\n"
            f"{'Your API key, ' if view.has_key else ''}{counted(stored.requests, 'cancel request')} with "
            f"{counted(stored.orders, 'order')} and how they ended, and {counted(stored.messages, 'message')}.",
            f"{lost}This cannot be undone.\n-# {_BEYOND_REACH}",
        ],
        buttons=[buttons.erase(), buttons.keep_all()],
    )


_BEYOND_REACH = (
    "Backups that whoever runs this bot has made before hold it until they are deleted, and what I wrote to you in "
    "Discord stays there."
)


def erased(*, wholly: bool) -> CardView:
    """Confirm that nothing is left of a user."""
    traces = "" if wholly else " Traces may stay in unused parts of its file until there is space to rewrite that."
    return card(
        Tone.PLAIN,
        [f"### Everything erased\nNothing about you is left in my ledger.{traces}\n-# {_BEYOND_REACH}"],
    )


def nothing_stored() -> CardView:
    """Say that there is nothing of a user."""
    return card(Tone.PLAIN, ["### Nothing to erase\nNothing is stored about you here."])


def all_kept() -> CardView:
    """Confirm that nothing was erased."""
    return card(Tone.PLAIN, ["### Kept\nNothing was erased."])


def status_card(
    orders: tuple[str, ...], found: Mapping[str, StatusRow], junk: tuple[str, ...], repeats: int
) -> CardView:
    """Show what the panel says of each order, in the order asked."""
    lines = [f"{code(order)} · {_status(found.get(order))}" for order in orders]
    head = f"### Status of {counted(len(orders), 'order')}"
    note = ignored(junk, repeats)
    room = TEXT_LIMIT - len(head) - len(note) - 100
    shown: list[str] = []
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        shown.append(line)
    missing = len(lines) - len(shown)
    rest = [f"… and {missing:,} more, in the file"] if missing else []
    file = csv_file("status.csv", _STATUS_HEAD, (_status_row(id, found.get(id)) for id in orders)) if missing else None
    return card(Tone.PLAIN, [head, "\n".join([*shown, *rest]), *([note] if note else [])], file=file)


_STATUS_HEAD = ("order", "status", "charge", "currency", "start_count", "remains", "panel_words")


def _status(row: StatusRow | None) -> str:
    if row is None:
        return "the panel's answer leaves it out"
    if not isinstance(row, OrderReading):
        return f"the panel says {code(row.words)}"
    currency = f" {amount(row.currency)}" if row.currency else ""
    charge = f" · charge {amount(row.charge)}{currency}" if row.charge else ""
    remains = f" · {amount(row.remains)} remaining" if row.remains else ""
    return f"**{code(row.word, 40)}**{charge}{remains}"


def _status_row(order: str, row: StatusRow | None) -> tuple[str | None, ...]:
    if isinstance(row, OrderReading):
        return (order, row.word, row.charge, row.currency, row.start_count, row.remains, None)
    return (order, None, None, None, None, None, row.words if row else "left out of the panel's answer")


def balance_card(view: BalanceView) -> CardView:
    """Show a balance, and how old it is: the panel caches it for 30 s (NotPanel docs)."""
    return card(
        Tone.PLAIN,
        [
            f"### Balance\n**{balance(view.balance)}**\n"
            f"-# Asked for {ago(view.asked_at)}. The panel renews this figure every 30 seconds, so the very latest "
            "charges and refunds may be missing."
        ],
    )


def list_card(file: discord.File) -> CardView:
    """Hand over a list as a file."""
    return card(Tone.PLAIN, ["Every order of the list, as of now."], file=file)


def ids_card(orders: Sequence[str], state: State, kind: ListKind, list_id: int) -> CardView:
    """Hand over the IDs of one group to copy: one a line, in a block, as many as one message has room for."""
    short = WORDINGS[state].short
    if not orders:
        return card(Tone.PLAIN, [f"### None left · {short}\nNo order of that card stands there any more."])
    shown, missing = listed(orders, TEXT_LIMIT - 200, between="\n")
    rest = f" {missing:,} more have no room here: they are in the whole list." if missing else ""
    return card(
        Tone.PLAIN,
        [f"### {counted(len(orders), 'order')} · {short}\nAs of now.{rest}", f"```\n{shown}\n```"],
        buttons=[buttons.whole_list(kind, list_id)] if missing else [],
    )


def hint(user_id: int) -> CardView:
    """Tell a user in public that there is news, and nothing of what it is."""
    return card(
        Tone.PLAIN,
        [f"<@{user_id}> I have news for you, but may not write to you directly. Only you will see it:"],
        buttons=[buttons.news(user_id)],
    )


def no_news() -> CardView:
    """Say that everything has been shown."""
    return card(Tone.PLAIN, ["You have seen all there is. `/queued` shows what is still open."])


def help_card() -> CardView:
    """Explain the bot to somebody who sees it for the first time."""
    return card(
        Tone.PLAIN,
        [
            "### Cancel NotPanel orders, and hear how it really ended\n"
            "The panel says *success* both when it gives the money back at once and when it only asks the provider. "
            "I look until the order's own status tells, and write to you when it does.",
            "**1.** `/key set` — connect your API key (a form only you see; stored encrypted)\n"
            "**2.** `/cancel` — one order ID or many, in any form; or a text or CSV file; or nothing, to paste. "
            "Or in the menu of any message: *Apps*, then *Cancel orders in this message*\n"
            "**3.** Read the card. What is *queued at the provider* is not final: I message you when it ends.",
            "`/status` what the panel says of orders · `/queued` what is still open · `/history` how orders ended\n"
            "`/refill` ask for a refill · `/balance` what is left\n"
            "`/key show` · `/key remove` forget the key · `/forget-me` erase all that is stored\n"
            "-# In a DM with me plain text does the same: `cancel ord_… ord_…`, `refill ord_…`, `queued`, `history`.",
        ],
        buttons=[buttons.connect(), buttons.paste()],
    )


def key_in_message() -> CardView:
    """Warn somebody who may have sent their key as a message."""
    return card(
        Tone.BAD,
        [
            "I don't know that command; `help` lists what I understand.\n"
            "**If that was your API key:** delete your message now. A key goes only into this form:"
        ],
        buttons=[buttons.connect()],
    )


def not_understood() -> CardView:
    """Answer a message that is no command."""
    return card(Tone.PLAIN, ["I don't know that command. Try `cancel ord_…`, `status ord_…`, `queued` or `help`."])


def balance(value: Balance) -> str:
    """Show a balance as the panel wrote it."""
    return " ".join(amount(text) for text in (value.balance, value.currency) if text)


def code_end(last4: str) -> str:
    """Show the end of a key."""
    return f"…{last4}".replace("`", "'")
