"""The small cards: key, status, help, hints and problems."""

from collections.abc import Mapping, Sequence

import discord

from bot.accounts import BalanceView, Connected, KeyView
from bot.language import mark, number, plural, t
from bot.panel import Balance, InvalidKey, OrderReading, PanelError, StatusRow
from bot.problems import KeyPaused, NoKey, UserError
from bot.records import StoredView
from bot.states import State
from bot.store import AccountState, ListKind
from bot.ui import buttons
from bot.ui.csv import csv_file
from bot.ui.layout import TEXT_LIMIT, CardView, Tone, card
from bot.ui.text import ago, amount, code, listed, titled
from bot.ui.words import INTERNAL, PAUSES, WORDINGS, ignored, panel_error, user_error


def problem(sentence: str, *, connect: bool = False) -> CardView:
    """Say that something could not be done."""
    return card(Tone.BAD, [sentence], buttons=[buttons.connect()] if connect else [])


def user_problem(error: UserError) -> CardView:
    """Say what is wrong with a request, with the button that puts it right where there is one."""
    return problem(user_error(error), connect=isinstance(error, NoKey | KeyPaused))


def panel_problem(error: PanelError) -> CardView:
    """Say that the panel did not answer a question."""
    unchanged = t("Nothing was changed.")
    return problem(f"{panel_error(error)} {unchanged}", connect=isinstance(error, InvalidKey))


def key_problem(error: PanelError) -> CardView:
    """Say that the panel did not accept a key."""
    kept = t("Nothing was stored; a key connected before stays as it was.")
    return card(
        Tone.BAD,
        [titled(t("Not connected"), f"{panel_error(error)} {kept}")],
        buttons=[buttons.connect(t("Try again"))],
    )


def internal_problem() -> CardView:
    """Say that the fault is ours."""
    return problem(t(INTERNAL))


def working() -> CardView:
    """Acknowledge a message in a DM, before anything is looked at."""
    return card(Tone.PLAIN, [t("Reading your message …")])


def connected(result: Connected) -> CardView:
    """Confirm that a key is stored and works."""
    works = t(
        "The key ending in {end} works and is stored encrypted. Balance: **{balance}**.",
        end=code_end(result.last4),
        balance=balance(result.balance),
    )
    going_on = plural(
        "{count} open order of yours will be tried with it.",
        "{count} open orders of yours will be tried with it.",
        result.waiting,
    )
    return card(
        Tone.GOOD,
        [
            titled(t("Connected"), works, going_on if result.waiting else ""),
            t("Now `/cancel` takes one order ID or many. `/key remove` forgets the key at any time."),
        ],
    )


def key_card(view: KeyView) -> CardView:
    """Show what may be shown of a stored key."""
    usable = view.account.state is AccountState.ACTIVE
    key = t("Ends in {end}, stored encrypted.", end=code_end(view.last4))
    state = t("It is in use.") if usable else t(PAUSES[view.account.state])
    watched = plural("{count} order being watched.", "{count} orders being watched.", view.waiting)
    return card(
        Tone.GOOD if usable else Tone.BAD,
        [titled(t("Your NotPanel key"), f"{key} {state}", watched)],
        buttons=[buttons.connect(t("Replace the key"))],
    )


def removal_question(waiting: int) -> CardView:
    """Ask before a key is removed that open orders need."""
    title = plural(
        "Remove the key although {count} order is open?", "Remove the key although {count} orders are open?", waiting
    )
    without = t(
        "Without the key I can neither send what is waiting nor see how the rest ends. "
        "Nothing is taken back at the panel."
    )
    return card(Tone.WAITING, [titled(title, without)], buttons=[buttons.remove_key(), buttons.keep_key()])


def removed(waiting: int) -> CardView:
    """Confirm that nothing of a key is left."""
    lost = plural(
        "{count} order is no longer watched, or will not be sent: check in your NotPanel orders.",
        "{count} orders are no longer watched, or will not be sent: check in your NotPanel orders.",
        waiting,
    )
    revoke = t("To be sure that nobody can use it, revoke it in your NotPanel account too.")
    gone = " ".join([t("Nothing of it is left here."), *([lost] if waiting else [])])
    return card(Tone.PLAIN, [titled(t("Key removed"), gone, f"-# {revoke}")])


def key_kept() -> CardView:
    """Confirm that nothing was done."""
    return card(Tone.PLAIN, [titled(t("Key kept"), t("Nothing was changed."))])


def erasure_question(view: StoredView) -> CardView:
    """Ask before all that is stored about a user is erased."""
    stored = view.stored
    kinds = [
        *([t("your API key")] if view.has_key else []),
        plural("{count} cancel request", "{count} cancel requests", stored.requests),
        plural("{count} order and how it ended", "{count} orders and how they ended", stored.orders),
        plural("{count} message", "{count} messages", stored.messages),
    ]
    lost = plural(
        "**{count} order is still open:** what waits is not sent, the rest is no longer watched, and no message will "
        "come. Nothing is taken back at the panel.",
        "**{count} orders are still open:** what waits is not sent, the rest is no longer watched, and no message will "
        "come. Nothing is taken back at the panel.",
        view.count_open,
    )
    end = "\n".join([t("This cannot be undone."), f"-# {t(_BEYOND_REACH)}"])
    return card(
        Tone.WAITING,
        [
            titled(t("Erase everything about you?"), " · ".join(kinds)),
            f"{lost}\n{end}" if view.count_open else end,
        ],
        buttons=[buttons.erase(), buttons.keep_all()],
    )


_BEYOND_REACH = mark(
    "Backups that whoever runs this bot has made before hold it until they are deleted, and what I wrote to you in "
    "Discord stays there."
)


def erased(*, wholly: bool) -> CardView:
    """Confirm that nothing is left of a user."""
    sentences = [t("Nothing about you is left in my ledger.")]
    if not wholly:
        sentences.append(t("Traces may stay in unused parts of its file until there is space to rewrite that."))
    return card(Tone.PLAIN, [titled(t("Everything erased"), " ".join(sentences), f"-# {t(_BEYOND_REACH)}")])


def nothing_stored() -> CardView:
    """Say that there is nothing of a user."""
    return card(Tone.PLAIN, [titled(t("Nothing to erase"), t("Nothing is stored about you here."))])


def all_kept() -> CardView:
    """Confirm that nothing was erased."""
    return card(Tone.PLAIN, [titled(t("Kept"), t("Nothing was erased."))])


def status_card(
    orders: tuple[str, ...], found: Mapping[str, StatusRow], junk: tuple[str, ...], repeats: int
) -> CardView:
    """Show what the panel says of each order, in the order asked."""
    lines = [f"{code(order)} · {_status(found.get(order))}" for order in orders]
    head = titled(plural("Status of {count} order", "Status of {count} orders", len(orders)))
    note = ignored(junk, repeats)
    room = TEXT_LIMIT - len(head) - len(note) - 100
    shown: list[str] = []
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        shown.append(line)
    missing = len(lines) - len(shown)
    rest = [t("… and {missing} more, in the file", missing=missing)] if missing else []
    file = csv_file("status.csv", _STATUS_HEAD, (_status_row(id, found.get(id)) for id in orders)) if missing else None
    return card(Tone.PLAIN, [head, "\n".join([*shown, *rest]), *([note] if note else [])], file=file)


_STATUS_HEAD = ("order", "status", "charge", "currency", "start_count", "remains", "panel_words")


def _status(row: StatusRow | None) -> str:
    if row is None:
        return t("the panel's answer leaves it out")
    if not isinstance(row, OrderReading):
        return t("the panel says {words}", words=code(row.words))
    currency = f" {amount(row.currency)}" if row.currency else ""
    charge = t("charge {amount}", amount=amount(row.charge)) + currency if row.charge else ""
    remains = t("{amount} remaining", amount=amount(row.remains)) if row.remains else ""
    return " · ".join(filter(None, [f"**{code(row.word, 40)}**", charge, remains]))


def _status_row(order: str, row: StatusRow | None) -> tuple[str | None, ...]:
    if isinstance(row, OrderReading):
        return (order, row.word, row.charge, row.currency, row.start_count, row.remains, None)
    return (order, None, None, None, None, None, row.words if row else "left out of the panel's answer")


def balance_card(view: BalanceView) -> CardView:
    """Show a balance, and how old it is: the panel caches it for 30 s (NotPanel docs)."""
    age = t(
        "Asked for {when}. The panel renews this figure every 30 seconds, so the very latest charges and refunds may "
        "be missing.",
        when=ago(view.asked_at),
    )
    return card(Tone.PLAIN, [titled(t("Balance"), f"**{balance(view.balance)}**", f"-# {age}")])


def list_card(file: discord.File) -> CardView:
    """Hand over a list as a file."""
    return card(Tone.PLAIN, [t("Every order of the list, as of now.")], file=file)


def ids_card(orders: Sequence[str], state: State, kind: ListKind, list_id: int) -> CardView:
    """Hand over the IDs of one group to copy: one a line, in a block, as many as one message has room for."""
    short = t(WORDINGS[state].short)
    if not orders:
        none = t("No order of that card stands there any more.")
        return card(Tone.PLAIN, [titled(" · ".join([t("None left"), short]), none)])
    shown, missing = listed(orders, TEXT_LIMIT - 400, between="\n")
    rest = plural(
        "{count} more has no room here: it is in the whole list.",
        "{count} more have no room here: they are in the whole list.",
        missing,
    )
    as_of_now = " ".join([t("As of now."), *([rest] if missing else [])])
    title = plural("{count} order", "{count} orders", len(orders))
    return card(
        Tone.PLAIN,
        [titled(f"{title} · {short}", as_of_now), f"```\n{shown}\n```"],
        buttons=[buttons.browse(kind, list_id), buttons.whole_list(kind, list_id)] if missing else [],
    )


def hint(user_id: int) -> CardView:
    """Tell a user in public that there is news, and nothing of what it is."""
    news = t("I have news for you, but may not write to you directly. Only you will see it:")
    return card(
        Tone.PLAIN,
        [f"<@{user_id}> {news}"],
        buttons=[buttons.news(user_id)],
    )


def no_news() -> CardView:
    """Say that everything has been shown."""
    return card(Tone.PLAIN, [t("You have seen all there is. `/queued` shows what is still open.")])


def help_card() -> CardView:
    """Explain the bot to somebody who sees it for the first time."""
    what = t(
        "The panel says *success* both when it gives the money back at once and when it only asks the provider. "
        "I look until the order's own status tells, and write to you when it does."
    )
    steps = (
        t("`/key set` — connect your API key (a form only you see; stored encrypted)"),
        t(
            "`/cancel` — one order ID or many, in any form; or a text or CSV file; or nothing, to paste. "
            "Or in the menu of any message: *Apps*, then *{menu}*",
            menu=t("Cancel orders in this message"),
        ),
        t("Read the card. What is *queued at the provider* is not final: I message you when it ends."),
    )
    commands = (
        ("`/status`", t("what the panel says of orders")),
        ("`/queued`", t("what is still open")),
        ("`/history`", t("how orders ended")),
        ("`/refill`", t("ask for a refill")),
        ("`/balance`", t("what is left")),
        ("`/key show` `/key remove`", t("see or forget the key")),
        ("`/forget-me`", t("erase all that is stored")),
    )
    direct = t("In a DM with me plain text does the same: {examples}.", examples=_DIRECT_EXAMPLES)
    return card(
        Tone.PLAIN,
        [
            titled(t("Cancel NotPanel orders, and hear how it really ended"), what),
            "\n".join(f"**{number(place)}.** {step}" for place, step in enumerate(steps, 1)),
            "\n".join([" · ".join(f"{command} {does}" for command, does in commands), f"-# {direct}"]),
        ],
        buttons=[buttons.connect(), buttons.paste()],
    )


_DIRECT_EXAMPLES = "`cancel ord_… ord_…`, `refill ord_…`, `queued`, `history`"


def key_in_message() -> CardView:
    """Warn somebody who may have sent their key as a message."""
    return card(
        Tone.BAD,
        [
            t(
                "I don't know that command; `help` lists what I understand.\n"
                "**If that was your API key:** delete your message now. A key goes only into this form:"
            )
        ],
        buttons=[buttons.connect()],
    )


def not_understood() -> CardView:
    """Answer a message that is no command."""
    return card(Tone.PLAIN, [t("I don't know that command. Try `cancel ord_…`, `status ord_…`, `queued` or `help`.")])


def balance(value: Balance) -> str:
    """Show a balance as the panel wrote it."""
    return " ".join(amount(text) for text in (value.balance, value.currency) if text)


def code_end(last4: str) -> str:
    """Show the end of a key."""
    return code(f"…{last4}")
