"""The card of a request and the notice of how orders ended: counts first, groups, the whole list behind a button."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bot.accounts import OpenView
from bot.cancels import RequestView
from bot.language import number, plural, t
from bot.panel import MAX_BATCH
from bot.records import MOST_DAYS, HistoryView, LooksView, Stopped
from bot.states import MAX_DOUBTS, State
from bot.store import AccountState, Cancellation, Group, Groups, ListKind, Notice, Report, RequestState
from bot.ui import buttons
from bot.ui.keys import Names, connect_again, names_of, other_keys, pauses, under, under_key
from bot.ui.layout import TEXT_LIMIT, CardView, Tone, card
from bot.ui.previews import preview_text
from bot.ui.text import ago, amount, at, bar, by_remark, code, first_few, listed, on, titled
from bot.ui.words import (
    ONLY_WATCHED,
    OUTCOMES,
    PAUSES,
    PREVIEW_TOO_LONG,
    TROUBLES,
    WORDINGS,
    ignored,
    next_step,
    panel_status,
)

_ROOM = TEXT_LIMIT - 100
"""Characters to fill: Discord may count an emoji as several."""
_REST = 45
"""Room for "… and 100,000 more, in the list" under a group, and for the line breaks."""
_MOST_REFILLS = 3
"""Keys for whose orders one message offers refills."""
_BAD = {State.REFUSED, State.FAILED, State.EXPIRED, State.WITHDRAWN}


@dataclass(frozen=True, slots=True)
class _Section:
    """A group as a card shows it: how many orders, and the first of them, each with what there is to say of it."""

    count: int
    lines: Sequence[tuple[str, str]]
    given_up: bool = False


_Sections = Mapping[State, _Section]
_Dates = Callable[[Cancellation], str]


def _undated(_order: Cancellation) -> str:
    return ""


def _asked(order: Cancellation) -> str:
    return " " + t("asked {when}", when=ago(order.created_at))


def _looked(order: Cancellation) -> str:
    looked = t("last look {when}", when=ago(order.looked_at)) if order.looked_at else ""
    return " · ".join(filter(None, [_asked(order), looked]))


def _end(order: Cancellation) -> str:
    return f" {on(order.ended_at)}" if order.ended_at else ""


def _with_key(names: Names, dates: _Dates) -> _Dates:
    """Say of each order when it was, and under which key where its user has several."""
    return lambda order: under(names, order.account_id) + dates(order)


def request_card(view: RequestView) -> CardView:
    """Show how far a request has come."""
    match view.request.state:
        case RequestState.ASKING:
            return _question(view)
        case RequestState.KEPT:
            return card(Tone.PLAIN, [titled(t("Kept"), t("Nothing was sent."))])
        case RequestState.LAPSED:
            again = t("Nothing was sent. Use `/cancel` again; a question stands for 15 minutes.")
            return card(Tone.PLAIN, [titled(t("Too late to confirm"), again)])
        case RequestState.GOING:
            return _progress(view)


def _question(view: RequestView) -> CardView:
    request = view.request
    named = first_few(view.waiting, request.orders)
    shown, left = listed([code(order) for order in named], 900)
    missing = left + request.orders - len(named)
    rest = " " + t("… and {missing} more", missing=missing) if missing else ""
    warning = t(
        "Nothing has been sent yet. A request to cancel cannot be taken back, "
        "and a partly delivered order may get no refill."
    )
    key = under_key(view.keys, view.account)
    return card(
        Tone.WAITING,
        [
            titled(plural("Cancel {count} order?", "Cancel {count} orders?", request.orders), key, warning),
            "\n".join(filter(None, [shown + rest, ignored(request.ignored, request.repeats)])),
            preview_text(request.preview) if request.preview else t(PREVIEW_TOO_LONG),
        ],
        buttons=[buttons.confirm(request.id, request.orders), buttons.keep(request.id)],
    )


def _progress(view: RequestView) -> CardView:
    request = view.request
    sections = _sections_of(view.groups, [code(order) for order in view.waiting], request.waiting)
    notes = [
        t(PAUSES[view.account.state]) if _is_stuck(view) else "",
        t(TROUBLES[view.account.trouble]) if view.account.trouble and _has_open(sections) else "",
        f"-# {_joined_before(view.joined)}" if view.joined else "",
        ignored(request.ignored, request.repeats),
    ]
    title = plural("Cancel request · {count} order", "Cancel request · {count} orders", request.orders)
    head = titled(title, _counts(sections), under_key(view.keys, view.account), *_sent(view))
    texts, folded = _texts(sections, beside=[head, *notes])
    return card(
        _tone(sections),
        [head, *texts, *_joined(notes)],
        buttons=[
            *(connect_again([view.account], several=False) if _is_stuck(view) else []),
            *([buttons.stop(request.id)] if _may_stop(view) else []),
            *([buttons.retry(request.id)] if any(one.given_up for one in sections.values()) else []),
            *([buttons.refill(ListKind.REQUEST, request.id, view.account.id)] if _may_refill(view.groups) else []),
            *other_keys(ListKind.REQUEST, request.id, view.keys, view.groups),
            *(_rest_of(ListKind.REQUEST, request.id) if folded else []),
        ],
        menu=_copy_ids(ListKind.REQUEST, request.id, sections),
    )


def _joined_before(count: int) -> str:
    return plural(
        "{count} order of these had been asked for before: joined, not sent twice.",
        "{count} orders of these had been asked for before: joined, not sent twice.",
        count,
    )


def _sent(view: RequestView) -> Sequence[str]:
    """Show how much of a long list has been sent, and what the panel's limits allow at best."""
    request = view.request
    if request.waiting == 0 or request.orders <= MAX_BATCH:
        return ()
    sent = request.orders - request.waiting
    done = t("{sent} of {orders} sent", sent=sent, orders=request.orders)
    if view.sent_by and not _is_stuck(view):
        done += " · " + t("the panel's limits let the last go {when} at the earliest", when=ago(view.sent_by))
    follows = t(
        "This card follows until {time}. Once all have been gone through you get a message.",
        time=at(request.card_until),
    )
    return (f"{bar(sent, request.orders)} {done}", f"-# {follows}")


def _may_stop(view: RequestView) -> bool:
    return view.request.waiting > MAX_BATCH or bool(view.request.waiting and (view.account.trouble or _is_stuck(view)))


def notice_card(report: Report, notice: Notice) -> CardView:
    """Tell a user how orders ended that they have been waiting for, and what else they should know.

    By the reference the courier finds out whether a message has arrived of which it never heard.
    """
    parts = pauses(report.pauses, report.accounts)
    names = names_of(report.accounts)
    folded = False
    for title, late in _overdue(report.overdue, names).items():
        shown, missing = listed([name for name, _ in late.lines], 500)
        missing += late.count - len(late.lines)
        folded = folded or bool(missing)
        rest = f" {_in_the_list(missing)}" if missing else ""
        watching = t("I go on watching, less often, for 30 days. You may want to ask NotPanel's support.")
        parts.append(titled(title, shown + rest, f"-# {watching}"))
    ended = _sections_of(report.ended, dates=_with_key(names, _asked))
    if ended:
        count = sum(section.count for section in ended.values())
        head = titled(plural("News about {count} order", "News about {count} orders", count), _counts(ended))
        texts, more = _texts(ended, beside=[head, *parts, notice.reference])
        parts += [head, *texts]
        folded = folded or more
    return card(
        Tone.BAD if report.pauses else _tone(ended) if ended else Tone.WAITING,
        [*(parts or [titled(t("Nothing new"))]), f"-# {notice.reference}"],
        buttons=[
            *connect_again(report.pauses, several=bool(names)),
            *_refills(notice.id, report.ended, names),
            *other_keys(ListKind.NOTICE, notice.id, report.accounts, report.ended),
            *(_rest_of(ListKind.NOTICE, notice.id) if folded else []),
        ],
        menu=_copy_ids(ListKind.NOTICE, notice.id, _sections_of({**report.overdue, **report.ended})),
    )


def open_card(view: OpenView, note: str = "") -> CardView:
    """Show what is still open for a user, and when each was last looked at."""
    names = names_of(view.keys)
    waiting = [code(order) + under(names, account_id) for account_id, order in view.waiting]
    sections = _sections_of(view.groups, waiting, view.count_waiting, dates=_with_key(names, _looked))
    if not sections:
        return card(Tone.GOOD, [titled(t("Nothing open"), t("I am watching no order for you at the moment."))])
    count = sum(section.count for section in sections.values())
    title = plural("Still open · {count} order", "Still open · {count} orders", count)
    head = titled(title, _counts(sections))
    texts, folded = _texts(sections, beside=[head, note])
    return card(
        Tone.WAITING,
        [head, *texts, *_joined([note])],
        buttons=[
            buttons.look(),
            buttons.ask_unwatch(),
            *(_rest_of(ListKind.OPEN, 0) if folded else []),
        ],
    )


def looks_card(view: LooksView) -> CardView:
    """Show what is open to a user who has asked for a look at it."""
    when = ago(view.again_at)
    asking = t("I am asking the panel. This card stays as it is: press again {when}.", when=when)
    asked = t("Asked a moment ago: again {when}.", when=when)
    return open_card(view.open, f"-# {asking if view.begun else asked}")


def unwatching_question(view: OpenView) -> CardView:
    """Ask before what is open is no longer watched."""
    requested = view.groups.get(State.REQUESTED, Group(0, ())).count + view.count_waiting
    count = sum(group.count for group in view.groups.values()) + view.count_waiting
    if not count:
        return open_card(view)
    title = plural("Stop watching {count} open order?", "Stop watching {count} open orders?", count)
    sentences = [
        t("Nothing is taken back at the panel: what was sent goes on there, and **how it ends will not be told.**"),
        plural("{count} order that waits is not sent.", "{count} orders that wait are not sent.", requested)
        if requested
        else "",
        t("What is being sent at this moment stays."),
    ]
    return card(
        Tone.WAITING,
        [titled(title, " ".join(filter(None, sentences)))],
        buttons=[buttons.unwatch(), buttons.keep_watching()],
    )


def unwatched(stopped: Stopped) -> CardView:
    """Confirm what is no longer watched."""
    if stopped == Stopped(0, 0, 0):
        return card(Tone.PLAIN, [titled(t("Nothing was open"), t("So there was nothing to stop."))])
    ended = t(
        "**{unwatched}** no longer watched: how they end will not be told; check in your "
        "NotPanel orders. **{unsent}** not sent. `/cancel` takes any of them up again.",
        unwatched=stopped.not_watched,
        unsent=stopped.not_sent,
    )
    stays = plural(
        "{count} order is being sent, and stays open: `/queued`",
        "{count} orders are being sent, and stay open: `/queued`",
        stopped.under_way,
    )
    return card(Tone.PLAIN, [titled(t("No longer watched"), ended, stays if stopped.under_way else "")])


def history_card(view: HistoryView) -> CardView:
    """Show how a user's orders ended."""
    sections = _sections_of(view.groups, dates=_with_key(names_of(view.keys), _end))
    still = plural(
        "{count} order is still open: `/queued`", "{count} orders are still open: `/queued`", view.count_open
    )
    still = f"-# {still}" if view.count_open else ""
    span = _span(view)
    if not sections:
        none = t("No order that you asked to cancel did.")
        further = t("`/history` looks further back with `days`.") if view.days < MOST_DAYS else ""
        return card(Tone.PLAIN, [titled(" · ".join([t("Nothing ended"), span]), f"{none} {further}".strip(), still)])
    count = sum(section.count for section in sections.values())
    title = plural("{count} order ended", "{count} orders ended", count)
    head = titled(f"{title} · {span}", _counts(sections), still)
    texts, folded = _texts(sections, beside=[head])
    return card(
        _tone(sections),
        [head, *texts],
        buttons=_rest_of(ListKind.HISTORY, view.days, view.outcome) if folded else [],
    )


def _span(view: HistoryView) -> str:
    """Say which orders a history is of."""
    days = plural("in the last day", "in the last {count} days", view.days)
    return f"*{t(OUTCOMES[view.outcome])}* · {days}" if view.outcome else days


def _overdue(groups: Groups, names: Names) -> dict[str, _Section]:
    """Tell what is known to be with the provider from what is not."""
    queued = {state: group for state, group in groups.items() if state is State.QUEUED}
    others = {state: group for state, group in groups.items() if state is not State.QUEUED}
    named = {
        t("Still open at the provider after 72 hours"): queued,
        t("Still waiting for a clear answer from the panel after 72 hours"): others,
    }
    return {title: _merged(late, names) for title, late in named.items() if late}


def _merged(groups: Groups, names: Names) -> _Section:
    sections = _sections_of(groups, dates=_with_key(names, _undated)).values()
    return _Section(sum(one.count for one in sections), [line for one in sections for line in one.lines])


def _sections_of(
    groups: Groups, waiting: Sequence[str] = (), count_waiting: int = 0, *, dates: _Dates = _undated
) -> _Sections:
    """Set groups in the order of the card; orders that are not taken up yet, as they are named, stand before others."""
    found = {state: _section(state, group, dates) for state, group in groups.items()}
    if count_waiting:
        taken = found.get(State.REQUESTED, _Section(0, ()))
        lines = [*((name, "") for name in waiting), *taken.lines]
        found[State.REQUESTED] = _Section(count_waiting + taken.count, lines)
    return {state: found[state] for state in WORDINGS if state in found}


def _section(state: State, group: Group, dates: _Dates) -> _Section:
    lines = [(code(order.order_id) + dates(order), _remark(state, order)) for order in group.first]
    given_up = state is State.UNKNOWN and any(order.doubts >= MAX_DOUBTS for order in group.first)
    return _Section(group.count, lines, given_up)


def _counts(sections: _Sections) -> str:
    return " · ".join(f"**{number(section.count)}** {t(WORDINGS[state].short)}" for state, section in sections.items())


def _may_refill(groups: Groups) -> bool:
    """Look at the orders that a card can show: among thousands of refusals it does not search at every edit."""
    return any(order.may_be_refilled for group in groups.values() for order in group.first)


def _refills(notice_id: int, groups: Groups, names: Names) -> list[buttons.Button]:
    """Offer refills under each key of a notice's orders apart: an order is known under its own key alone."""
    orders = [order for group in groups.values() for order in group.first if order.may_be_refilled]
    accounts = sorted({order.account_id for order in orders})[:_MOST_REFILLS]
    return [buttons.refill(ListKind.NOTICE, notice_id, one, names.get(one, "")) for one in accounts]


def _rest_of(kind: ListKind, list_id: int, outcome: State | None = None) -> list[buttons.Button]:
    """Offer what a card had no room for, on pages and as a file."""
    return [buttons.browse(kind, list_id, outcome), buttons.whole_list(kind, list_id, outcome)]


def _copy_ids(kind: ListKind, list_id: int, sections: _Sections) -> buttons.Menu | None:
    groups = {state: f"{number(section.count)} {t(WORDINGS[state].short)}" for state, section in sections.items()}
    return buttons.copy_ids(kind, list_id, groups) if groups else None


def _texts(sections: _Sections, *, beside: Sequence[str]) -> tuple[list[str], bool]:
    """Return a text for each group, and whether orders had to be left to the list; `beside` stands there too."""
    frames = {state: _frame(state, section) for state, section in sections.items()}
    taken = sum(map(len, beside)) + len(beside) + sum(len(title) + len(meaning) for title, meaning in frames.values())
    room = (_ROOM - taken) // max(len(sections), 1) - _REST
    texts: list[str] = []
    folded = False
    for state, section in sections.items():
        title, meaning = frames[state]
        lines, missing = _lines(section, room)
        rest = [_in_the_list(missing)] if missing else []
        texts.append("\n".join([title, *lines, *rest, meaning]))
        folded = folded or bool(missing)
    return texts, folded


def _in_the_list(missing: int) -> str:
    return t("… and {missing} more, in the list", missing=missing)


def _frame(state: State, section: _Section) -> tuple[str, str]:
    """Return what stands above and below the orders of a group."""
    wording = WORDINGS[state]
    meaning = f"{t(wording.meaning)} {t(ONLY_WATCHED)}" if section.given_up else t(wording.meaning)
    return f"**{wording.emoji} {t(wording.title)}** ({number(section.count)})", f"-# {meaning}"


def _lines(section: _Section, room: int) -> tuple[list[str], int]:
    """Return one line for all orders that share the same remark, as far as they fit, and how many do not."""
    lines, missing = by_remark(section.lines, room, section.count)
    return lines, missing + section.count - len(section.lines)


def _remark(state: State, order: Cancellation) -> str:
    """Return what there is to say of one order beyond its group: the panel's words, the money, the rest."""
    match state:
        case State.REFUSED if order.words:
            step = next_step(order.words)
            return f" — {code(order.words)}" + (f"\n-# {step}" if step else "")
        case State.REFUNDED | State.FAILED | State.COMPLETED if order.status_word:
            return f" · {panel_status(order.status_word)}{_charge(order)}"
        case State.PARTIAL:
            remains = " · " + t("{amount} not delivered", amount=amount(order.remains)) if order.remains else ""
            return f"{remains}{_charge(order)}"
        case State.QUEUED | State.ACCEPTED if order.status_word:
            return f" · {panel_status(order.status_word)}"
        case State.UNKNOWN | State.EXPIRED if order.words:
            return f" — {code(order.words)}"
        case _:
            return ""


def _charge(order: Cancellation) -> str:
    """Show the charge only where two readings differ: whether one alone is net of a refund is not known."""
    if order.charge_first is None or order.charge_last is None or order.charge_first == order.charge_last:
        return ""
    currency = f" {amount(order.currency)}" if order.currency else ""
    change = t("charge {first} → {last}", first=amount(order.charge_first), last=amount(order.charge_last))
    return f" · {change}{currency}"


def _has_open(sections: _Sections) -> bool:
    return any(state.is_open for state in sections)


def _is_stuck(view: RequestView) -> bool:
    paused = view.account.state in (AccountState.REJECTED, AccountState.SUSPENDED)
    return paused and (view.request.waiting > 0 or any(state.is_open for state in view.groups))


def _tone(sections: _Sections) -> Tone:
    if _has_open(sections):
        return Tone.WAITING
    if set(sections) <= {State.REFUNDED}:
        return Tone.GOOD
    return Tone.BAD if set(sections) <= _BAD else Tone.PLAIN


def _joined(notes: Sequence[str]) -> list[str]:
    text = "\n".join(filter(None, notes))
    return [text] if text else []
