"""The card of a request and the notice of how orders ended: counts first, groups, details folded into a CSV."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from bot.cancels import RequestView
from bot.states import MAX_DOUBTS, State
from bot.store import AccountState, Cancellation, NoticeItem, NoticeKind, RequestState
from bot.ui import buttons
from bot.ui.csv import orders_csv
from bot.ui.layout import TEXT_LIMIT, CardView, Tone, card
from bot.ui.text import ago, amount, code, counted, listed
from bot.ui.words import ONLY_WATCHED, PAUSES, TROUBLES, WORDINGS, ignored, next_step

_ROOM = TEXT_LIMIT - 100
"""Characters to fill: Discord may count an emoji as several."""
_REST = 45
"""Room for "and 10,000 more, in the file" under a group, and for the line breaks."""
_BAD = {State.REFUSED, State.FAILED, State.EXPIRED, State.WITHDRAWN}

Groups = dict[State, list[Cancellation]]


def request_card(view: RequestView) -> CardView:
    """Show how far a request has come."""
    match view.request.state:
        case RequestState.ASKING:
            return _question(view)
        case RequestState.KEPT:
            return card(Tone.PLAIN, ["### Kept\nNothing was sent; all orders run on as they were."])
        case RequestState.LAPSED:
            return card(
                Tone.PLAIN,
                ["### Too late to confirm\nNothing was sent. Use `/cancel` again; a question stands for 15 minutes."],
            )
        case RequestState.GOING:
            return _progress(view)


def _question(view: RequestView) -> CardView:
    request = view.request
    shown, missing = listed([code(order) for order in request.asked], 900)
    rest = f" … and {missing:,} more" if missing else ""
    return card(
        Tone.WAITING,
        [
            f"### Cancel {counted(len(request.asked), 'order')}?\n"
            "Nothing has been sent yet. A request to cancel cannot be taken back, "
            "and a partly delivered order may get no refill.",
            "\n".join(filter(None, [shown + rest, ignored(request.ignored, request.repeats)])),
        ],
        buttons=[buttons.confirm(request.id, len(request.asked)), buttons.keep(request.id)],
    )


def _progress(view: RequestView) -> CardView:
    request, orders = view.request, view.orders
    groups = _by_state(orders)
    joined = sum(order.request_id != request.id for order in orders)
    notes = [
        PAUSES[view.account.state] if _is_stuck(view) else "",
        TROUBLES[view.account.trouble] if view.account.trouble and _has_open(groups) else "",
        f"-# {counted(joined, 'order')} of these had been asked for before: joined, not sent twice." if joined else "",
        ignored(request.ignored, request.repeats),
    ]
    head = f"### Cancel request · {counted(len(orders), 'order')}\n{_counts(groups)}"
    sections, folded = _sections(groups, beside=[head, *notes])
    return card(
        _tone(groups),
        [head, *sections, *_joined(notes)],
        buttons=[buttons.connect("Connect again")] if _is_stuck(view) else [],
        file=orders_csv(f"cancel-request-{request.id}.csv", orders) if folded else None,
    )


def notice_card(items: Sequence[NoticeItem], reference: str) -> CardView:
    """Tell a user how orders ended that they have been waiting for, and what else they should know.

    By the reference the courier finds out whether a message has arrived of which it never heard.
    """
    ended = [item.cancellation for item in items if item.kind is NoticeKind.ENDED and item.cancellation]
    # What has ended since is reported by its own line.
    overdue = [
        item.cancellation
        for item in items
        if item.kind is NoticeKind.OVERDUE and item.cancellation and item.cancellation.ended_at is None
    ]
    pauses = {AccountState(item.kind.value) for item in items if item.cancellation is None}
    parts = [f"### ⚠️ I need your key again\n{PAUSES[state]}" for state in sorted(pauses)]
    groups = _by_state(ended)
    folded = False
    for title, late in _overdue(overdue).items():
        shown, missing = listed([code(order.order_id) for order in late], 600)
        folded = folded or bool(missing)
        rest = f" … and {missing:,} more, in the file" if missing else ""
        parts.append(
            f"### {title} after 72 hours\n{shown}{rest}\n"
            "-# I go on watching, less often, for 30 days. You may want to ask NotPanel's support."
        )
    if ended:
        head = f"### News about {counted(len(ended), 'order')}\n{_counts(groups)}"
        sections, more = _sections(groups, beside=[head, *parts, reference], with_age=True)
        parts += [head, *sections]
        folded = folded or more
    return card(
        Tone.BAD if pauses else _tone(groups) if ended else Tone.WAITING,
        [*(parts or ["### Nothing new"]), f"-# {reference}"],
        buttons=[buttons.connect("Connect again")] if pauses else [],
        file=orders_csv("orders.csv", [*ended, *overdue]) if folded else None,
    )


def open_card(orders: Sequence[Cancellation]) -> CardView:
    """Show what is still open for a user."""
    if not orders:
        return card(Tone.GOOD, ["### Nothing open\nEvery cancel request you made has ended."])
    groups = _by_state(orders)
    head = f"### Still open · {counted(len(orders), 'order')}\n{_counts(groups)}"
    sections, folded = _sections(groups, beside=[head], with_age=True)
    return card(
        Tone.WAITING,
        [head, *sections],
        file=orders_csv("open-orders.csv", orders) if folded else None,
    )


def _overdue(orders: Sequence[Cancellation]) -> dict[str, list[Cancellation]]:
    """Tell what is known to be with the provider from what is not."""
    queued = [order for order in orders if order.state is State.QUEUED]
    others = [order for order in orders if order.state is not State.QUEUED]
    named = {"Still open at the provider": queued, "Still waiting for a clear answer from the panel": others}
    return {title: late for title, late in named.items() if late}


def _by_state(orders: Iterable[Cancellation]) -> Groups:
    found: defaultdict[State, list[Cancellation]] = defaultdict(list)
    for order in orders:
        found[order.told_as].append(order)
    return {state: found[state] for state in WORDINGS if state in found}


def _counts(groups: Groups) -> str:
    return " · ".join(f"**{len(orders):,}** {WORDINGS[state].short}" for state, orders in groups.items())


def _sections(groups: Groups, *, beside: Sequence[str], with_age: bool = False) -> tuple[list[str], bool]:
    """Return a text for each group, and whether orders had to be left to the file; `beside` stands there too."""
    frames = {state: _frame(state, orders) for state, orders in groups.items()}
    taken = sum(map(len, beside)) + len(beside) + sum(len(title) + len(meaning) for title, meaning in frames.values())
    room = (_ROOM - taken) // max(len(groups), 1) - _REST
    sections: list[str] = []
    folded = False
    for state, orders in groups.items():
        title, meaning = frames[state]
        lines, missing = _lines(state, orders, room, with_age)
        rest = [f"… and {missing:,} more, in the file"] if missing else []
        sections.append("\n".join([title, *lines, *rest, meaning]))
        folded = folded or bool(missing)
    return sections, folded


def _frame(state: State, orders: Sequence[Cancellation]) -> tuple[str, str]:
    """Return what stands above and below the orders of a group."""
    wording = WORDINGS[state]
    given_up = state is State.UNKNOWN and any(order.doubts >= MAX_DOUBTS for order in orders)
    meaning = f"{wording.meaning} {ONLY_WATCHED}" if given_up else wording.meaning
    return f"**{wording.emoji} {wording.title}** ({len(orders):,})", f"-# {meaning}"


def _lines(state: State, orders: Sequence[Cancellation], room: int, with_age: bool) -> tuple[list[str], int]:
    """Return one line for all orders that share the same remark, as far as they fit."""
    remarks: defaultdict[str, list[str]] = defaultdict(list)
    for order in orders:
        remarks[_remark(state, order)].append(
            code(order.order_id) + (f" asked {ago(order.created_at)}" if with_age else "")
        )
    lines: list[str] = []
    missing = 0
    for remark, names in remarks.items():
        shown, left = listed(names, room - len(remark))
        if shown:
            lines.append(shown + remark)
            room -= len(lines[-1]) + 1
        missing += left
    return lines, missing


def _remark(state: State, order: Cancellation) -> str:
    """Return what there is to say of one order beyond its group: the panel's words, the money, the rest."""
    match state:
        case State.REFUSED if order.words:
            step = next_step(order.words)
            return f" — {code(order.words)}" + (f"\n-# {step}" if step else "")
        case State.REFUNDED | State.FAILED | State.COMPLETED if order.status_word:
            return f" · status {code(order.status_word, 40)}{_charge(order)}"
        case State.PARTIAL:
            remains = f" · {amount(order.remains)} not delivered" if order.remains else ""
            return f"{remains}{_charge(order)}"
        case State.QUEUED | State.ACCEPTED if order.status_word:
            return f" · status {code(order.status_word, 40)}"
        case State.UNKNOWN | State.EXPIRED if order.words:
            return f" — {code(order.words)}"
        case _:
            return ""


def _charge(order: Cancellation) -> str:
    """Show the charge only where two readings differ: whether one alone is net of a refund is not known."""
    if order.charge_first is None or order.charge_last is None or order.charge_first == order.charge_last:
        return ""
    currency = f" {amount(order.currency)}" if order.currency else ""
    return f" · charge {amount(order.charge_first)} → {amount(order.charge_last)}{currency}"


def _has_open(groups: Groups) -> bool:
    return any(state.is_open for state in groups)


def _is_stuck(view: RequestView) -> bool:
    paused = view.account.state in (AccountState.REJECTED, AccountState.SUSPENDED)
    return paused and any(order.state.is_open for order in view.orders)


def _tone(groups: Groups) -> Tone:
    if _has_open(groups):
        return Tone.WAITING
    if set(groups) <= {State.REFUNDED}:
        return Tone.GOOD
    return Tone.BAD if set(groups) <= _BAD else Tone.PLAIN


def _joined(notes: Sequence[str]) -> list[str]:
    text = "\n".join(filter(None, notes))
    return [text] if text else []
