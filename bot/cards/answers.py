"""The small cards: statuses, lists handed over, channel pings, help and being forgotten."""

from collections.abc import Sequence

import discord

from bot.cards import actions
from bot.cards.csv import csv_file
from bot.cards.errors import INTERNAL, panel_error, stopped, user_error
from bot.cards.keys import status_note
from bot.cards.language import N_, _, number, plural
from bot.cards.layout import CardView, Tone, card, room_beside
from bot.cards.text import amount, code, listed, titled
from bot.cards.words import TRACES, WORDINGS, ignored
from bot.domain.errors import KeyPaused, NoKey, UserError
from bot.domain.order_ids import Junk
from bot.domain.panel_answers import OrderReading, StatusRow
from bot.domain.states import State
from bot.ledger import ListKind
from bot.panel import InvalidKey, PanelError
from bot.services.erasing import Erasure, StoredView
from bot.services.panel_calls import Statuses


def problem(sentence: str, *, connect: bool = False, name: str = "") -> CardView:
    """Say that something could not be done; `connect`: connecting a key, perhaps the one of that name, helps."""
    return card(Tone.BAD, [sentence], buttons=[actions.CONNECT.button(name)] if connect else [])


def user_problem(error: UserError) -> CardView:
    """Say what is wrong with a request, with the button that puts it right where there is one."""
    name = error.name if isinstance(error, KeyPaused) else ""
    return problem(user_error(error), connect=isinstance(error, NoKey | KeyPaused), name=name)


def panel_problem(error: PanelError) -> CardView:
    """Say that the panel did not answer a question."""
    unchanged = _("Nothing was changed.")
    return problem(f"{panel_error(error)} {unchanged}", connect=isinstance(error, InvalidKey))


def internal_problem() -> CardView:
    """Say that the fault is ours."""
    return problem(_(INTERNAL))


def nothing_done() -> CardView:
    """Say that a command or a press has come to nothing, for want of an answer that was heard to arrive."""
    return problem(_("Nothing was done this time: Discord did not confirm my first answer. Please try again."))


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
        plural("{count} message", "{count} messages", stored.messages),
        *([_("your settings")] if stored.preferences else []),
    ]
    lost = plural(
        "**{count} order is still open:** what waits is not sent, the rest is no longer watched, and no message will "
        "come. Nothing is taken back at the panel.",
        "**{count} orders are still open:** what waits is not sent, the rest is no longer watched, and no message will "
        "come. Nothing is taken back at the panel.",
        view.count_open,
    )
    end = "\n".join([_("This cannot be undone."), f"-# {_(_BEYOND_REACH)}"])
    return card(
        Tone.WAITING,
        [
            titled(_("Erase everything about you?"), " · ".join(kinds)),
            f"{lost}\n{end}" if view.count_open else end,
        ],
        buttons=[actions.ERASE.button(), actions.KEEP_ALL.button()],
    )


_BEYOND_REACH = N_(
    "Backups that whoever runs this bot has made before hold it until they are deleted, and what I wrote to you in "
    "Discord stays there."
)


def erased(far: Erasure) -> CardView:
    """Confirm that nothing is left of a user, no more than traces in unused parts of files, or how it goes on."""
    if far is Erasure.UNDER_WAY:
        return still_erasing()
    sentences = [_("Nothing about you is left in my ledger.")]
    if far is Erasure.TRACES:
        sentences.append(_(TRACES))
    return card(Tone.PLAIN, [titled(_("Everything erased"), " ".join(sentences), f"-# {_(_BEYOND_REACH)}")])


def still_erasing() -> CardView:
    """Say that keys are gone and the rest is on its way out."""
    going = _(
        "Your keys are destroyed, and I no longer show the rest to anybody. I am erasing it bit by bit; with many "
        "orders that takes some minutes. You need not do anything. Once it is done you can connect a key again."
    )
    return card(Tone.PLAIN, [titled(_("Being erased"), f"{going} {_(TRACES)}", f"-# {_(_BEYOND_REACH)}")])


def nothing_stored() -> CardView:
    """Say that there is nothing of a user."""
    return card(Tone.PLAIN, [titled(_("Nothing to erase"), _("Nothing is stored about you here."))])


def all_kept() -> CardView:
    """Confirm that nothing was erased."""
    return card(Tone.PLAIN, [titled(_("Kept"), _("Nothing was erased."))])


def status_card(orders: tuple[str, ...], statuses: Statuses, junk: tuple[str, ...], repeats: int) -> CardView:
    """Show what the panel says of each order, in the order asked."""
    found = statuses.rows
    lines = [f"{code(order)} · {_status(found.get(order), order in statuses.unasked)}" for order in orders]
    head = titled(plural("Status of {count} order", "Status of {count} orders", len(orders)))
    note = "\n".join(filter(None, [_stopped(statuses), status_note(statuses), ignored(Junk.of(junk), repeats)]))
    in_the_file = _("… and {missing} more, in the file", missing=len(lines))
    shown, missing = listed(lines, room_beside([head, note, in_the_file]), between="\n")
    rest = [_("… and {missing} more, in the file", missing=missing)] if missing else []
    file = (
        csv_file("status.csv", _STATUS_HEAD, (_status_row(id, found.get(id), id in statuses.unasked) for id in orders))
        if missing
        else None
    )
    return card(Tone.PLAIN, [head, "\n".join([shown, *rest]), *([note] if note else [])], file=file)


def _stopped(statuses: Statuses) -> str:
    if statuses.stopped is None:
        return ""
    left = plural("{count} order was not asked about.", "{count} orders were not asked about.", len(statuses.unasked))
    why = panel_error(statuses.stopped) if isinstance(statuses.stopped, PanelError) else stopped(statuses.stopped)
    return f"{left} {why}"


_STATUS_HEAD = ("order", "status", "charge", "currency", "start_count", "remains", "panel_words")


def _status(row: StatusRow | None, unasked: bool) -> str:
    if unasked:
        return _("not asked")
    if row is None:
        return _("the panel's answer leaves it out")
    if not isinstance(row, OrderReading):
        return _("the panel says {words}", words=code(row.panel_message))
    currency = f" {amount(row.currency)}" if row.currency else ""
    charge = _("charge {amount}", amount=amount(row.charge)) + currency if row.charge else ""
    remains = _("{amount} remaining", amount=amount(row.remains)) if row.remains else ""
    return " · ".join(filter(None, [f"**{code(row.word, 40)}**", charge, remains]))


def _status_row(order: str, row: StatusRow | None, unasked: bool) -> tuple[str | None, ...]:
    if isinstance(row, OrderReading):
        return (order, row.word, row.charge, row.currency, row.start_count, row.remains, None)
    silence = "not asked" if unasked else "left out of the panel's answer"
    return (order, None, None, None, None, None, row.panel_message if row else silence)


def list_card(file: discord.File) -> CardView:
    """Hand over a list as a file."""
    return card(Tone.PLAIN, [_("Every order of the list, as of now.")], file=file)


def ids_card(orders: Sequence[str], state: State, kind: ListKind, list_id: int) -> CardView:
    """Hand over the IDs of one group to copy: one a line, in a block, as many as one message has room for."""
    short = _(WORDINGS[state].short)
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
        buttons=[actions.BROWSE.button(kind, list_id), actions.LIST.button(kind, list_id)] if missing else [],
    )


def channel_ping(user_id: int, *, chosen: bool) -> CardView:
    """Tell a user in public that there is an update, and nothing of what it is; `chosen`: they want it so."""
    if chosen:
        news = _("I have news for you. Only you will see it:")
    else:
        news = _("I have news for you, but may not write to you directly. Only you will see it:")
    return card(
        Tone.PLAIN,
        [f"<@{user_id}> {news}"],
        buttons=[actions.UPDATES.button(user_id)],
    )


def no_updates() -> CardView:
    """Say that everything has been shown."""
    return card(Tone.PLAIN, [_("You have seen all there is. `/queued` shows what is still open.")])


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


def key_in_message() -> CardView:
    """Warn somebody who may have sent their key as a message."""
    return card(
        Tone.BAD,
        [
            _(
                "I don't know that command; `help` lists what I understand.\n"
                "**If that was your API key:** delete your message now. A key goes only into this form:"
            )
        ],
        buttons=[actions.CONNECT.button()],
    )


def not_understood(examples: Sequence[str]) -> CardView:
    """Answer a message that is no command with the nearest things to type that are."""
    typed = ", ".join(f"`{example}`" for example in examples)
    return card(Tone.PLAIN, [_("I don't understand that, so I did nothing. You can send: {examples}", examples=typed)])
