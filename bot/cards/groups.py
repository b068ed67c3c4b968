"""Orders grouped by how they stand, as every card about orders shows them: counts, names with remarks, meanings."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.cards import actions
from bot.cards.keys import Names, under
from bot.cards.language import _, number
from bot.cards.layout import Tone, room_beside
from bot.cards.reasons import next_step
from bot.cards.text import ago, amount, by_remark, code, on, size
from bot.cards.words import (
    ONLY_WATCHED,
    REFUND_NOT_KNOWN,
    REFUND_NOT_SHOWN,
    WORDINGS,
    Wording,
    panel_status,
)
from bot.domain.states import State
from bot.ledger import Cancellation, Group, Groups, ListKind
from bot.services.reasons import refusal_reason

_PLENTY = 100_000
"""More room than any card has: what a group would take if it could."""
_BAD = {State.REFUSED, State.FAILED, State.EXPIRED, State.WITHDRAWN}


@dataclass(frozen=True, slots=True)
class Section:
    """A group as a card shows it: how many orders, and the first of them, each with what there is to say of it.

    `note`: what is to be said of the group, behind what its state means.
    """

    count: int
    lines: Sequence[tuple[str, str]]
    given_up: bool = False
    note: str = ""


Sections = Mapping[State, Section]
Frame = tuple[str, str]
_Dates = Callable[[Cancellation], str]


def undated(_order: Cancellation) -> str:
    """Say nothing of when it was."""
    return ""


def asked(order: Cancellation) -> str:
    """Say when its cancellation was asked for."""
    return " " + _("asked {when}", when=ago(order.created_at))


def last_checked(order: Cancellation) -> str:
    """Say when it was asked for, and when it was last checked."""
    last = _("last look {when}", when=ago(order.checked_at)) if order.checked_at else ""
    return " · ".join(filter(None, [asked(order), last]))


def ended_on(order: Cancellation) -> str:
    """Say when it ended."""
    return f" {on(order.ended_at)}" if order.ended_at else ""


def with_key(names: Names, dates: _Dates) -> _Dates:
    """Say of each order when it was, and under which key where its user has several."""
    return lambda order: under(names, order.account_id) + dates(order)


def sections_of(
    groups: Groups, waiting: Sequence[str] = (), count_waiting: int = 0, *, dates: _Dates = undated
) -> Sections:
    """Set groups in the order of the card; orders that are not started yet, as they are named, stand before others."""
    found = {state: _section(state, group, dates) for state, group in groups.items()}
    if count_waiting:
        started = found.get(State.REQUESTED, Section(0, ()))
        lines = [*((name, "") for name in waiting), *started.lines]
        found[State.REQUESTED] = Section(count_waiting + started.count, lines)
    return {state: found[state] for state in WORDINGS if state in found}


def _section(state: State, group: Group, dates: _Dates) -> Section:
    lines = [(code(order.order_id) + dates(order), _remark(state, order)) for order in group.first]
    given_up = any(order.is_only_watched for order in group.first)
    return Section(group.count, lines, given_up, _(ONLY_WATCHED) if given_up else _of_refunds(state, group))


def _of_refunds(state: State, group: Group) -> str:
    """Say that nobody knows whether money came back, unless it is proven for every order of the group."""
    proven = sum(order.refund is not None for order in group.first)
    if state is not State.CANCELLED or proven == group.count:
        return ""
    return _(REFUND_NOT_SHOWN) if proven or len(group.first) < group.count else _(REFUND_NOT_KNOWN)


def total(sections: Sections) -> int:
    """Return how many orders there are in all."""
    return sum(section.count for section in sections.values())


def counts(sections: Sections) -> str:
    """Return how many orders stand where, in one line."""
    return counted((WORDINGS[state], section) for state, section in sections.items())


def counted(groups: Iterable[tuple[Wording, Section]]) -> str:
    """Return how many orders are in each group, in one line."""
    return " · ".join(f"**{number(section.count)}** {_(wording.short)}" for wording, section in groups)


def rest_of(kind: ListKind, list_id: int, outcome: State | None = None) -> list[actions.Button]:
    """Offer what a card had no room for, on pages and as a file."""
    return [actions.BROWSE.button(kind, list_id, outcome), actions.LIST.button(kind, list_id, outcome)]


def copy_ids(kind: ListKind, list_id: int, sections: Sections) -> list[actions.Menu]:
    """Offer the IDs of each group, to copy."""
    groups = {state: f"{number(section.count)} {_(WORDINGS[state].short)}" for state, section in sections.items()}
    options = {state: _("Copy IDs: {group}", group=group) for state, group in groups.items()}
    return [actions.COPY_IDS.menu(kind, list_id, options=options)] if options else []


def texts_of(sections: Sections, *, beside: Sequence[str]) -> tuple[list[str], bool]:
    """Return a text for each group, and whether orders had to be left to the list; `beside` stands there too."""
    framed = [(frame(WORDINGS[state], section.count, section.note), section) for state, section in sections.items()]
    return fitted(framed, beside, in_the_list)


def frame(wording: Wording, count: int, more: str = "") -> Frame:
    """Return what stands above and below the orders of a group; `more`: behind what it means."""
    meaning = " ".join(filter(None, [_(wording.meaning), more]))
    return f"**{wording.emoji} {_(wording.title)}** ({number(count)})", f"-# {meaning}"


def fitted(
    groups: Sequence[tuple[Frame, Section]], beside: Sequence[str], rest: Callable[[int], str]
) -> tuple[list[str], bool]:
    """Return a text for each group that fit on a card beside these, and whether orders had to be left out.

    One line stands for all orders that share the same remark; `rest` says how many are missing.
    """
    frames = ["\n".join([above, rest(section.count), below, ""]) for (above, below), section in groups]
    room = room_beside([*beside, *frames])
    wanted = [by_remark(section.lines, _PLENTY, section.count)[0] for _state, section in groups]
    texts = [""] * len(groups)
    folded = False
    # What a short group leaves is for the longer ones: else a long refusal beside eleven other groups names no order.
    for done, index in enumerate(sorted(range(len(groups)), key=lambda index: sum(map(size, wanted[index])))):
        (above, below), section = groups[index]
        lines, missing = by_remark(section.lines, room // (len(groups) - done), section.count)
        room -= sum(size(line) + 1 for line in lines)
        missing += section.count - len(section.lines)
        texts[index] = "\n".join([above, *lines, *([rest(missing)] if missing else []), below])
        folded = folded or bool(missing)
    return texts, folded


def in_the_list(missing: int) -> str:
    """Say that there are more than a card has room for."""
    return _("… and {missing} more, in the list", missing=missing)


def _remark(state: State, order: Cancellation) -> str:
    """Return what there is to say of one order beyond its group: the panel's message, the money, the rest."""
    match state:
        case State.REFUSED if order.panel_message:
            return f" — {code(order.panel_message)}{next_step(refusal_reason(order))}"
        case State.CANCELLED | State.FAILED | State.COMPLETED if order.status_word:
            return f" · {panel_status(order.status_word)}{_money(order)}"
        case State.PARTIAL:
            remains = " · " + _("{amount} not delivered", amount=amount(order.remains)) if order.remains else ""
            return f"{remains}{_money(order)}"
        case State.QUEUED | State.ACCEPTED if order.status_word:
            return f" · {panel_status(order.status_word)}"
        case State.UNKNOWN | State.EXPIRED if order.panel_message:
            return f" — {code(order.panel_message)}"
        case _:
            return ""


def _money(order: Cancellation) -> str:
    """Show what came back, where that is proven, or else a charge of which two readings differ.

    Whether one reading alone is net of a refund is not known.
    """
    if order.refund:
        return f" · {refunded(order)}"
    if order.charge_first is None or order.charge_last is None or order.charge_first == order.charge_last:
        return ""
    currency = f" {amount(order.currency)}" if order.currency else ""
    change = _("charge {first} → {last}", first=amount(order.charge_first), last=amount(order.charge_last))
    return f" · {change}{currency}"


def refunded(order: Cancellation) -> str:
    """Say that money came back for an order for which that is proven, and how much where that is known."""
    if order.came_back is None or order.charge_first is None:
        return _("refunded")
    currency = f" {amount(order.currency)}" if order.currency else ""
    return _("refunded {back} of {whole}", back=str(order.came_back), whole=f"{amount(order.charge_first)}{currency}")


def has_open(states: Iterable[State]) -> bool:
    """Tell whether orders in any of these states can still change."""
    return any(state.is_open for state in states)


def tone_of(sections: Sections) -> Tone:
    """Return the colour that goes with how orders stand."""
    if has_open(sections):
        return Tone.WAITING
    if set(sections) <= {State.CANCELLED}:
        return Tone.GOOD
    return Tone.BAD if set(sections) <= _BAD else Tone.PLAIN


def joined(notes: Sequence[str]) -> list[str]:
    """Make one part of a card of some notes, or none where all are empty."""
    text = "\n".join(filter(None, notes))
    return [text] if text else []
