"""/history: how orders ended, a line for each request, and what came back."""

from collections import Counter
from collections.abc import Sequence

from bot.cards.groups import Section, headline, joined, show_all, tone_of, with_detail
from bot.cards.keys import connect_again, names_of, under
from bot.cards.language import _, plural
from bot.cards.layout import CardView, Tone, card
from bot.cards.money import change, sums
from bot.cards.more import more_menu, whole_list
from bot.cards.paused import headed, paused_lines
from bot.cards.queued import MOST_LINES, more_requests
from bot.cards.text import SAME_DAY, at, code, date, on, small
from bot.cards.words import GROUP_ORDER, OUTCOMES, REFUND_NOT_KNOWN, WORDINGS
from bot.domain.states import State
from bot.ledger import Cancellation, ListKind, RequestTally
from bot.services.records import MOST_DAYS, MOST_IN_TABLE, HistoryView


def history_card(view: HistoryView) -> CardView:
    """Show how a user's orders ended by request, the newest first."""
    above = paused_lines(view.paused, view.keys)
    again = connect_again([one.account for one in view.paused], several=bool(names_of(view.keys)))[:1]
    count = view.states.total()
    if not count:
        further = _("`/history` looks further back with `days`.") if view.days < MOST_DAYS else ""
        nothing = headed(above, _nothing(view), further)
        return card(Tone.BAD if again else Tone.PLAIN, [nothing, *joined(_notes(view))], buttons=again)
    sections = {state: Section(view.states[state], ()) for state in WORDINGS if view.states[state]}
    return card(
        Tone.BAD if again else tone_of(sections),
        [
            headed(above, headline(sections), _money(view), _facts(view, count)),
            *joined(_lines(view)),
            *joined(_notes(view)),
        ],
        buttons=[*again, *([] if view.named else show_all(ListKind.HISTORY, view.days, count, view.outcome))],
        menus=more_menu(ListKind.HISTORY, view.days, whole_list(ListKind.HISTORY, view.days, view.outcome)),
    )


def _money(view: HistoryView) -> str:
    """Say how much came back, of as many orders as that is proven for."""
    if not view.money:
        return ""
    amount = sums({one.currency or "": one.amount for one in view.money})
    orders = sum(one.orders for one in view.money)
    return plural(
        "**{amount}** refunded on {count} order", "**{amount}** refunded on {count} orders", orders, amount=amount
    )


def _facts(view: HistoryView, count: int) -> str:
    """Say which orders a history is of."""
    return small(plural("{count} order", "{count} orders", count), _days(view), _only(view))


def _days(view: HistoryView) -> str:
    return plural("last day", "last {count} days", view.days)


def _only(view: HistoryView) -> str:
    return _("only {outcome}", outcome=_(OUTCOMES[view.outcome], count=view.states.total())) if view.outcome else ""


def _nothing(view: HistoryView) -> str:
    if view.outcome:
        return " · ".join([_("None"), _only(view), _days(view)])
    return plural(
        "None of your cancel requests ended in the last day.",
        "None of your cancel requests ended in the last {count} days.",
        view.days,
    )


def _lines(view: HistoryView) -> list[str]:
    """Return a line for each of the newest requests, and of few orders each below its request."""
    if view.requests is None:
        return [small(_("More than {most} orders: take fewer `days` to see them by request.", most=MOST_IN_TABLE))]
    lines: list[str] = []
    newest = view.requests[::-1]
    for request in newest[:MOST_LINES]:
        lines.append(_line(request, view))
        lines += _named(view.named.get(request.id, ()))
    if (missing := len(newest) - MOST_LINES) > 0:
        lines.append(more_requests(missing))
    return lines


def _line(request: RequestTally, view: HistoryView) -> str:
    """Say when a request was made, and below that how its orders ended."""
    when = at(request.began_at)
    if view.read_at - request.began_at > SAME_DAY:
        when = f"{date(request.began_at)} {when}"
    states = Counter(request.states)
    ended = headline({state: Section(states[state], ()) for state in WORDINGS if states[state]})
    orders = plural("{count} order", "{count} orders", request.orders)
    return f"**{when}** · {orders}\n{small(ended)}{under(names_of(view.keys), request.account_id)}"


def _named(orders: Sequence[Cancellation]) -> list[str]:
    """Return the orders themselves, one a line below how they ended, what went wrong first."""
    lines: list[str] = []
    for state in GROUP_ORDER:
        alike = [order for order in orders if order.shown_as is state]
        if alike:
            lines.append(f"{WORDINGS[state].emoji} {_(WORDINGS[state].title)}")
            lines += [with_detail(code(order.order_id), change(order)) for order in alike]
    return lines


def _refunds_not_known(view: HistoryView) -> str:
    """Say of how many cancelled orders nobody knows whether money came back."""
    unproven = sum(request.unproven for request in view.requests or ())
    if not unproven:
        return ""
    if unproven == view.states[State.CANCELLED]:
        return _(REFUND_NOT_KNOWN)
    return plural(
        "{count} cancelled: whether money came back isn't known. Check your balance.",
        "{count} cancelled: whether money came back isn't known. Check your balance.",
        unproven,
    )


def _notes(view: HistoryView) -> list[str]:
    """Say what is not in the numbers, or in them twice."""
    return [
        small(note)
        for note in (
            _refunds_not_known(view),
            plural(
                "{count} order was asked for again and counts each time.",
                "{count} orders were asked for again and count each time.",
                view.again,
            )
            if view.again
            else "",
            plural("{count} order hasn't ended: `/queued`", "{count} orders haven't ended: `/queued`", view.count_open)
            if view.count_open
            else "",
            _("Older records were deleted: orders that ended before {when} may be missing.", when=on(view.since))
            if view.since
            else "",
        )
    ]
