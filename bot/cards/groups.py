"""Orders grouped by how they stand, as every card about orders shows them: counts, then one ID a line.

`headline` is a card's first line, `facts` the small one below it, `texts_of` makes a text of each group.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from bot.cards import actions
from bot.cards.keys import Names, under
from bot.cards.language import _, number, plural
from bot.cards.layout import Tone, room_beside
from bot.cards.money import change, each, sums
from bot.cards.reasons import next_step
from bot.cards.text import ago, amount, code, quoted, size, small
from bot.cards.words import GROUP_ORDER, ONLY_WATCHED, REFUND_NOT_KNOWN, REFUND_NOT_SHOWN, WORDINGS, Wording
from bot.domain.refunds import add_up
from bot.domain.states import State
from bot.ledger import Cancellation, Group, Groups, ListKind
from bot.services.reasons import refusal_reason

MOST_OF_GROUP, MOST_ON_CARD = 5, 10
"""IDs that a card names, so that it is read on a phone; the others are behind *Show all*."""
_FEW, _MOST_WITH_FILE = 10, 8
"""The same for a card without a list, where an order may take two lines: a few are all named, more are in its file."""
_LONG_NAME = 22
"""Characters of the longest name with room for more beside it in a line of a phone."""


SETTLED = {State.CANCELLED, State.PARTIAL, State.COMPLETED, State.FAILED}
"""Ends that the panel's status has told, with a charge to show."""


@dataclass(frozen=True, slots=True)
class Section:
    """A group as a card shows it: how many orders, and the first of them.

    `lines`: each order as it is named, which is one line of the card, and a remark, which stands once below all orders
    that share it. `note`: what is to be said of the group, behind what its state means. `money`: what came back in all.
    """

    count: int
    lines: Sequence[tuple[str, str]]
    note: str = ""
    money: str = ""


Sections = Mapping[State, Section]


def sections_of(
    groups: Groups, waiting: Sequence[str] = (), count_waiting: int = 0, *, names: Names = MappingProxyType({})
) -> Sections:
    """Set groups in the order of the card; orders that are not started yet, as they are named, stand before others.

    `names`: the keys', where each order is to say under which it is.
    """
    found = {state: _section(state, group, names) for state, group in groups.items()}
    if count_waiting:
        started = found.get(State.REQUESTED, Section(0, ()))
        lines = [*((name, "") for name in waiting), *started.lines]
        found[State.REQUESTED] = Section(count_waiting + started.count, lines)
    return {state: found[state] for state in WORDINGS if state in found}


def _section(state: State, group: Group, names: Names) -> Section:
    changes = _changes(state, group)
    often = Counter(changes.values())
    lines = [
        _line(state, order, changes[order.id], under(names, order.account_id), is_shared=often[changes[order.id]] > 1)
        for order in group.first
    ]
    given_up = any(order.is_only_watched for order in group.first)
    note = _(ONLY_WATCHED) if given_up else _of_refunds(state, group)
    return Section(group.count, lines, note, _money(group))


def _changes(state: State, group: Group) -> Mapping[int, str]:
    """Return by how much each order's charge has changed; what came back for one alone stands below its heading."""
    if state not in SETTLED or (group.count == 1 and group.first[0].came_back):
        return defaultdict(str)
    return {order.id: change(order) for order in group.first}


def _line(state: State, order: Cancellation, changed: str, key: str, *, is_shared: bool) -> tuple[str, str]:
    """Return an order as it is named, and the remark below all that share it: the panel's message, the money.

    What is short stands behind a short ID, since others fill a line of a phone.
    """
    missing = not_delivered(order)
    name = code(order.order_id)
    if len(name) <= _LONG_NAME:
        return " · ".join(filter(None, [name, missing, changed])) + key, panel_remark(state, order)
    changed = each(changed) if is_shared else changed
    return f"{name}{key}", "\n".join(filter(None, [panel_remark(state, order), small(missing, changed)]))


def not_delivered(order: Cancellation) -> str:
    """Say how much of a partly delivered order is missing."""
    if order.state is not State.PARTIAL or not order.remains:
        return ""
    return _("{amount} not delivered", amount=amount(order.remains))


def panel_remark(state: State, order: Cancellation) -> str:
    """Return the panel's message about an order, and what to do about it; or a status that settles nothing."""
    if state is State.ACCEPTED and order.status_word:
        return f"-# {quoted(order.status_word)}"
    if not order.panel_message or state not in (State.REFUSED, State.UNKNOWN, State.EXPIRED):
        return ""
    step = next_step(refusal_reason(order)) if state is State.REFUSED else ""
    return f"-# {quoted(order.panel_message)} {step}".rstrip()


def _money(group: Group) -> str:
    """Say what came back for a group, as far as that is proven."""
    is_whole = group.count == len(group.first)
    back = add_up((order.currency, order.came_back) for order in group.first) if is_whole else group.came_back
    return _("{amount} refunded.", amount=sums(back)) if back else ""


def _of_refunds(state: State, group: Group) -> str:
    """Say that nobody knows whether money came back, unless it is proven for every order of the group."""
    proven = sum(order.refund is not None for order in group.first)
    if state is not State.CANCELLED or proven == group.count:
        return ""
    return _(REFUND_NOT_SHOWN) if proven or len(group.first) < group.count else _(REFUND_NOT_KNOWN)


def total(sections: Sections) -> int:
    """Return how many orders there are in all."""
    return sum(section.count for section in sections.values())


def headline(sections: Sections) -> str:
    """Return the first line of a card, which is the answer: how many orders stand where."""
    return counted((WORDINGS[state], section) for state, section in sections.items())


def counted(groups: Iterable[tuple[Wording, Section]]) -> str:
    """Return how many orders are in each group, in one line."""
    return " · ".join(f"{number(section.count)} {_(wording.short, count=section.count)}" for wording, section in groups)


def facts(orders: int, key: str = "", updated_at: datetime | None = None) -> str:
    """Return the small line below the first: how many orders, under which of several keys, how old all this is."""
    age = _("updated {when}", when=ago(updated_at)) if updated_at else ""
    return small(plural("{count} order", "{count} orders", orders), key, age)


def show_all(kind: ListKind, list_id: int, count: int, outcome: State | None = None) -> list[actions.Button]:
    """Offer the pages of a list that a card shows the first orders of."""
    return [actions.BROWSE.button(kind, list_id, outcome, count=count)]


def texts_of(sections: Sections, *, beside: Sequence[str]) -> tuple[list[str], bool]:
    """Return a text for each group, what went wrong first, and whether orders or remarks had to be left out.

    `beside`: what stands on the card too.
    """
    groups = [(WORDINGS[state], sections[state]) for state in GROUP_ORDER if state in sections]
    return fitted(groups, beside)


def fitted(
    groups: Sequence[tuple[Wording, Section]], beside: Sequence[str], most_of_group: int = MOST_OF_GROUP
) -> tuple[list[str], bool]:
    """Return a text for each group that fit on a card beside these, and whether orders or remarks were left out.

    At most `most_of_group` orders of a group are named and MOST_ON_CARD in all. Where the panel's messages are long
    they are left out first, then what the states mean, then orders of the last groups.
    """
    shares = _shares(groups, most_of_group)
    picked = [_picked(section.lines, most) for (_wording, section), most in zip(groups, shares, strict=True)]
    heads = [_head(wording, section, with_meaning=True) for wording, section in groups]
    if _room(heads, picked, beside) < 0:
        heads = [_head(wording, section, with_meaning=False) for wording, section in groups]
    for names in reversed(picked):
        while names and _room(heads, picked, beside) < 0:
            names.pop()
    room = _room(heads, picked, beside)
    texts: list[str] = []
    left_out = False
    for head, names, (_wording, section) in zip(heads, picked, groups, strict=True):
        lines = [head]
        remarks: defaultdict[str, list[str]] = defaultdict(list)
        for name, remark in names:
            remarks[remark].append(name)
        for remark, sharing in remarks.items():
            lines += sharing
            if remark and (cost := size(remark) + 1) <= room:
                room -= cost
                lines.append(remark)
            elif remark:
                left_out = True
        if missing := section.count - len(names):
            left_out = True
            lines.append(more_orders(missing))
        texts.append("\n".join(lines))
    return texts, left_out


def most_without_list(orders: int, groups: int) -> int:
    """Return how many orders of each group a card names behind which no list stands: all of a few."""
    return _FEW if orders <= _FEW else max(_MOST_WITH_FILE // max(groups, 1), 1)


def with_detail(name: str, *details: str, between: str = " · ") -> str:
    """Return an order as it is named with what is its own: below it where the ID alone fills a line of a phone."""
    told = " · ".join(filter(None, details))
    if not told:
        return name
    return f"{name}\n-# {told}" if len(name) > _LONG_NAME else f"{name}{between}{told}"


def _shares(groups: Sequence[tuple[Wording, Section]], most_of_group: int) -> list[int]:
    """Return how many orders of each group are named: one of each as far as that goes, then more of the first."""
    wanted = [min(len(section.lines), most_of_group) for _wording, section in groups]
    shares = [min(one, 1) for one in wanted]
    for index, most in enumerate(wanted):
        shares[index] += min(most - shares[index], MOST_ON_CARD - sum(shares))
    return shares


def _picked(lines: Sequence[tuple[str, str]], most: int) -> list[tuple[str, str]]:
    """Return at most `most` orders of a group: one of each remark first, so that each remark is seen."""
    first = dict[str, tuple[str, str]]()
    for line in lines:
        first.setdefault(line[1], line)
    others = (line for line in lines if first[line[1]] is not line)
    return [*first.values(), *others][:most]


def _head(wording: Wording, section: Section, *, with_meaning: bool) -> str:
    heading = f"{wording.emoji} **{_(wording.title)}** ({number(section.count)})"
    meaning = " ".join(filter(None, [section.money, wording.meaning and _(wording.meaning), section.note]))
    return f"{heading}\n-# {meaning}" if meaning and with_meaning else heading


def _room(heads: Sequence[str], picked: Sequence[Sequence[tuple[str, str]]], beside: Sequence[str]) -> int:
    """Return how much room is left for remarks."""
    named = sum(size(name) + 1 for names in picked for name, _remark in names)
    return room_beside([*beside, *heads]) - named - len(heads) * (size(more_orders(1_000_000)) + 1)


def more_orders(count: int) -> str:
    """Say, in a small line, that there are more orders than are named; nothing of none."""
    return small(_("+ {count} more", count=count)) if count else ""


def has_open(states: Iterable[State]) -> bool:
    """Tell whether orders in any of these states can still change."""
    return any(state.is_open for state in states)


def tone_of(sections: Sections) -> Tone:
    """Return the colour that goes with how orders stand: somebody who cancels wants nothing to be delivered."""
    if has_open(sections):
        return Tone.WAITING
    if set(sections) <= {State.CANCELLED}:
        return Tone.GOOD
    return Tone.MIXED if State.CANCELLED in sections else Tone.BAD


def joined(notes: Sequence[str]) -> list[str]:
    """Make one part of a card of some notes, or none where all are empty."""
    text = "\n".join(filter(None, notes))
    return [text] if text else []
