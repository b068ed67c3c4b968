"""The card of a request for refills: what each order got from the panel, what is not known, what was not sent."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import discord

from bot.cards import actions
from bot.cards.csv import csv_file, dated_name
from bot.cards.errors import stopped
from bot.cards.groups import (
    MOST_ON_CARD,
    Section,
    counted,
    facts,
    fitted,
    more_orders,
    most_without_list,
    show_all,
    with_detail,
)
from bot.cards.keys import key_fact
from bot.cards.language import _, plural
from bot.cards.layout import CardView, Tone, card, room_beside
from bot.cards.reasons import next_step
from bot.cards.text import code, listed, quoted, small, titled
from bot.cards.words import REFILLS, RefillFate, ignored
from bot.domain.errors import KeyPaused, NoKey
from bot.domain.order_ids import Junk
from bot.domain.panel_answers import Refill, RefillRow
from bot.domain.states import State
from bot.ledger import Account, Keyring, ListKind
from bot.panel import InvalidKey
from bot.services.cancels import RequestView
from bot.services.panel_calls import MAX_REFILL, Refills

_HEAD = ("order", "outcome", "refill", "panel_words")
_GROUP_ORDER = (RefillFate.UNCLEAR, RefillFate.REFUSED, RefillFate.UNSENT, RefillFate.TAKEN)
"""What somebody has to act on first, as on every card."""
_ROOM_FOR_MORE = 60
"""The size of the line that says how many more there are."""

_Groups = Mapping[RefillFate, Section]


def refill_question(
    orders: Sequence[str],
    kind: ListKind,
    list_id: int,
    account: Account,
    keys: Keyring,
    outcome: State | None = None,
) -> CardView:
    """Ask before refills are asked for; `outcome`: of those that have ended so."""
    if not orders:
        nothing = _("NotPanel calls none of these orders completed or partial.")
        return card(Tone.PLAIN, [titled(_("Nothing to refill"), nothing)])
    asked = orders[:MAX_REFILL]
    most = _("The first {most} of {orders}: use `/refill` for the others.", most=MAX_REFILL, orders=len(orders))
    confirm = actions.CONFIRM_REFILL.button(kind, list_id, account.id, len(orders), outcome, label=_go(len(asked)))
    return _question(
        asked,
        key_fact(keys, account),
        [most if len(orders) > MAX_REFILL else "", _("NotPanel calls these completed or partial.")],
        [confirm, actions.NO_REFILL.button()],
        len(asked),
    )


def refill_named_question(view: RequestView) -> CardView:
    """Ask whether to refill the orders of a request, which its user has pointed at and not typed."""
    request = view.request
    return _question(
        view.waiting,
        key_fact(view.keys, view.account),
        [ignored(request.ignored, request.repeats).removeprefix("-# ")],
        [
            actions.REFILL_NAMED.button(request.id, label=_go(request.orders), style=actions.MAIN),
            actions.KEEP.button(request.id, label=_("Don't refill")),
            *(show_all(ListKind.REQUEST, request.id, request.orders) if request.orders > MOST_ON_CARD else []),
        ],
        request.orders,
    )


def _question(
    orders: Sequence[str], key: str, notes: Sequence[str], buttons: Sequence[actions.Button], count: int
) -> CardView:
    title = plural("Refill {count} order?", "Refill {count} orders?", count)
    no_way_back = _("NotPanel may refuse some. A refill can't be taken back.")
    return card(
        Tone.WAITING,
        [
            titled(title, small(_("Nothing sent yet"), key)),
            _named(orders[:MOST_ON_CARD], count),
            "\n".join(f"-# {note}" for note in (*notes, no_way_back) if note),
        ],
        buttons=buttons,
    )


def _go(count: int) -> str:
    return plural("Refill {count} order", "Refill {count} orders", count)


def no_refills() -> CardView:
    """Confirm that nothing was asked for."""
    return card(Tone.PLAIN, [titled(_("No refill"), _("Nothing was sent."))])


def refills_under_way(orders: Sequence[str], key: str = "") -> CardView:
    """Say what is being asked for; this stays where the bot dies before it can tell more.

    So it names as many orders as it can: nothing else remembers which they were.
    """
    title = plural("Asking for {count} refill…", "Asking for {count} refills…", len(orders))
    should_it_stay = _(
        "If this card stays like this, it isn't known whether NotPanel took them: "
        "check your NotPanel orders before you ask again."
    )
    head, end = titled(title, small(key)), f"-# {should_it_stay}"
    _fitting, missing = listed([*map(code, orders)], room_beside([head, end]) - _ROOM_FOR_MORE, between="\n")
    return card(Tone.WAITING, [head, _named(orders[: len(orders) - missing], len(orders)), end])


def _named(orders: Sequence[str], count: int) -> str:
    """Return these orders, one a line, and how many more there are."""
    return "\n".join([*map(code, orders), *filter(None, [more_orders(count - len(orders))])])


def _to_connect(stopped_by: Exception | None, name: str) -> list[actions.Button]:
    """Offer to connect the key without which the rest was not sent."""
    if isinstance(stopped_by, NoKey):
        return [actions.KEY_STEPS.button()]
    again = isinstance(stopped_by, InvalidKey | KeyPaused)
    return [actions.CONNECT.button(name, label=_("Connect again"))] if again else []


def refills_card(
    orders: Sequence[str], result: Refills, junk: tuple[str, ...], repeats: int, key: str = "", name: str = ""
) -> CardView:
    """Show what came of asking for refills; `key` says under which of several keys, `name` is that key's."""
    fates = {order: _fate(order, result) for order in orders}
    groups = _grouped(fates, result.rows)
    counts = counted((REFILLS[fate], group) for fate, group in groups.items())
    head = titled(counts, facts(len(orders), key, result.asked_at))
    why = stopped(result.stopped) if result.stopped and result.unsent else ""
    note = "\n".join(filter(None, [why, ignored(Junk.of(junk), repeats)]))
    in_the_file = small(_("The file has every order."))
    shown = [(REFILLS[fate], groups[fate]) for fate in _GROUP_ORDER if fate in groups]
    texts, left_out = fitted(shown, [head, note, in_the_file], most_without_list(len(orders), len(shown)))
    end = "\n".join(filter(None, [in_the_file if left_out else "", note]))
    return card(
        _tone(groups),
        [head, *texts, *([end] if end else [])],
        buttons=_to_connect(result.stopped, name),
        file=_file(fates, result) if left_out else None,
    )


def _file(fates: Mapping[str, RefillFate], result: Refills) -> discord.File:
    rows = (_csv_row(order, fate, result.rows.get(order)) for order, fate in fates.items())
    return csv_file(dated_name("refill", day=result.asked_at.date(), orders=len(fates)), _HEAD, rows)


def _fate(order: str, result: Refills) -> RefillFate:
    match result.rows.get(order):
        case None:
            return RefillFate.UNSENT if order in result.unsent else RefillFate.UNCLEAR
        case Refill():
            return RefillFate.TAKEN
        case _:
            return RefillFate.REFUSED


def _grouped(fates: Mapping[str, RefillFate], rows: Mapping[str, RefillRow]) -> _Groups:
    groups: defaultdict[RefillFate, list[tuple[str, str]]] = defaultdict(list)
    for order, fate in fates.items():
        groups[fate].append(_line(order, rows.get(order)))
    return {fate: Section(len(groups[fate]), groups[fate]) for fate in REFILLS if fate in groups}


def _line(order: str, row: RefillRow | None) -> tuple[str, str]:
    """Return an order as it is named, and the remark that it may share with others."""
    match row:
        case None:
            return code(order), ""
        case Refill():
            return with_detail(code(order), f"→ {code(row.id)}", between=" "), ""
        case _:
            return code(order), f"-# {quoted(row.panel_message)} {next_step(row.reason)}".rstrip()


def _csv_row(order: str, fate: RefillFate, row: RefillRow | None) -> tuple[str | None, ...]:
    refill, panel_message = (row.id, None) if isinstance(row, Refill) else (None, row and row.panel_message)
    return (order, REFILLS[fate].title, refill, panel_message)


def _tone(groups: _Groups) -> Tone:
    if RefillFate.UNCLEAR in groups:
        return Tone.WAITING
    if RefillFate.TAKEN in groups:
        return Tone.GOOD if len(groups) == 1 else Tone.PLAIN
    return Tone.BAD
