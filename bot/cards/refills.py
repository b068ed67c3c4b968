"""The card of a request for refills: what each order got from the panel, what is not known, what was not sent."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from bot.cards import actions
from bot.cards.csv import csv_file
from bot.cards.errors import stopped
from bot.cards.groups import Section, counted, fitted
from bot.cards.keys import under_key
from bot.cards.language import _, plural
from bot.cards.layout import CardView, Tone, card
from bot.cards.reasons import next_step
from bot.cards.text import code, listed, quoted, titled
from bot.cards.words import REFILLS, RefillFate, ignored
from bot.domain.errors import KeyPaused, NoKey
from bot.domain.order_ids import Junk
from bot.domain.panel_answers import Refill, RefillRow
from bot.domain.states import State
from bot.ledger import Account, Keyring, ListKind
from bot.panel import InvalidKey
from bot.services.panel_calls import MAX_REFILL, Refills

_HEAD = ("order", "outcome", "refill", "panel_words")

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
        nothing = titled(_("Nothing to refill"), _("The panel calls no order of that card completed or partial."))
        return card(Tone.PLAIN, [nothing])
    asked = orders[:MAX_REFILL]
    title = plural("Ask for {count} refill?", "Ask for {count} refills?", len(asked))
    most = _(
        "These are the first {most} of {orders}, the most I take at once; `/refill` takes the others.",
        most=MAX_REFILL,
        orders=len(orders),
    )
    which = _(
        "The orders of that card which the panel calls completed or partial. It may refuse some: "
        "what it says of each you then see here."
    )
    return card(
        Tone.WAITING,
        [
            titled(
                title,
                under_key(keys, account),
                _("Nothing has been sent yet. A refill that was asked for cannot be taken back."),
            ),
            "\n".join([_named(asked), *([most] if len(orders) > MAX_REFILL else []), f"-# {which}"]),
        ],
        buttons=[
            actions.CONFIRM_REFILL.button(kind, list_id, account.id, len(orders), outcome),
            actions.NO_REFILL.button(),
        ],
    )


def no_refills() -> CardView:
    """Confirm that nothing was asked for."""
    return card(Tone.PLAIN, [titled(_("No refill"), _("Nothing was sent."))])


def refills_under_way(orders: Sequence[str], key: str = "") -> CardView:
    """Say what is being asked for; this stays where the bot dies before it can tell more."""
    title = plural("Asking for {count} refill …", "Asking for {count} refills …", len(orders))
    should_it_stay = _(
        "Should this card stay as it is, nobody knows whether the panel took the request: "
        "look in your NotPanel orders before you ask again."
    )
    return card(Tone.WAITING, [titled(title, key, _named(orders), f"-# {should_it_stay}")])


def _named(orders: Sequence[str]) -> str:
    shown, missing = listed([code(order) for order in orders], 1_500)
    return " ".join([shown, _("… and {missing} more", missing=missing)]) if missing else shown


def refills_card(
    orders: Sequence[str], result: Refills, junk: tuple[str, ...], repeats: int, key: str = "", name: str = ""
) -> CardView:
    """Show what came of asking for refills; `key` says under which of several keys, `name` is that key's."""
    fates = {order: _fate(order, result) for order in orders}
    groups = _grouped(fates, result.rows)
    counts = counted((REFILLS[fate], group) for fate, group in groups.items())
    head = titled(plural("Refill · {count} order", "Refill · {count} orders", len(orders)), counts, key)
    why = stopped(result.stopped) if result.stopped and result.unsent else ""
    note = ignored(Junk.of(junk), repeats)
    texts, folded = fitted([(REFILLS[fate], group) for fate, group in groups.items()], [head, why, note])
    rows = (_csv_row(order, fate, result.rows.get(order)) for order, fate in fates.items())
    return card(
        _tone(groups),
        [head, *texts, *filter(None, ["\n".join(filter(None, [why, note]))])],
        buttons=[actions.CONNECT.button(name)] if isinstance(result.stopped, InvalidKey | KeyPaused | NoKey) else [],
        file=csv_file("refill.csv", _HEAD, rows) if folded else None,
    )


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
            return f"{code(order)} → {code(row.id)}", ""
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
