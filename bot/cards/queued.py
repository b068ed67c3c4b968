"""/queued: what is open, a line for each request; what came of a check; and the question before watching stops."""

from collections.abc import Sequence

from bot.cards import actions
from bot.cards.groups import Section, Sections, headline, joined, show_all
from bot.cards.keys import connect_again, names_of, under
from bot.cards.language import _, enumerated, plural
from bot.cards.layout import CardView, Tone, card
from bot.cards.more import copy_ids, more_menu, whole_list
from bot.cards.paused import headed, paused_lines
from bot.cards.promises import when_settled
from bot.cards.reasons import account_text
from bot.cards.text import SAME_DAY, ago, at, code, date, small, titled
from bot.cards.words import ONLY_WATCHED, WORDINGS
from bot.domain.polling import OVERDUE_AFTER
from bot.domain.states import State
from bot.ledger import ListKind, RequestTally
from bot.services.records import CheckedView, CheckNowView, OpenView, StoppedWatching

MOST_LINES = 7
"""Requests on a card, so that it is read on a phone."""
_MOST_CHOICES = 20
"""Requests of which one can be chosen to be watched no longer."""
_UNSENT = {State.REQUESTED, State.SENDING}


def open_card(view: OpenView, *notes: str, says_when: bool = False) -> CardView:
    """Show what is still open for a user, by request; `notes`: what came of a check, and perhaps when that was."""
    paused = [one.account for one in view.paused]
    again = connect_again(paused, several=bool(names_of(view.keys)))[:1]
    above = paused_lines(view.paused, view.keys)
    count = view.states.total()
    if not count:
        nothing = headed(above, _("Nothing waiting"), *notes, _("No cancel of yours is open."))
        return card(Tone.BAD if paused else Tone.GOOD, [nothing], buttons=again)
    sections = _sections(view)
    oldest = min(request.began_at for request in view.requests)
    answer = " · ".join([headline(sections), _("oldest {when}", when=ago(oldest))])
    few = bool(view.named)
    return card(
        Tone.BAD if paused else Tone.WAITING,
        [
            headed(above, answer, _facts(view, says_when=says_when), *notes),
            "\n".join(_lines(view)),
            *joined(_below(view)),
        ],
        buttons=[
            *(again or [actions.CHECK_NOW.button()]),
            *([] if few else show_all(ListKind.OPEN, 0, count)),
        ],
        menus=more_menu(
            ListKind.OPEN,
            0,
            actions.CHECK_NOW.option(label=_("Check now")) if again else {},
            copy_ids(ListKind.OPEN, 0, sections),
            whole_list(ListKind.OPEN, 0),
            actions.ASK_UNWATCH.option(label=_("Stop watching …")),
        ),
    )


def _sections(view: OpenView) -> Sections:
    states = view.states
    return {state: Section(states[state], ()) for state in WORDINGS if states[state]}


def _facts(view: OpenView, *, says_when: bool) -> str:
    """Say when something was last checked, unless a note does, and whether anything is late."""
    checked = [request.checked_at for request in view.requests if request.checked_at and not says_when]
    overdue = sum(request.overdue for request in view.requests)
    return small(
        plural("{count} request", "{count} requests", len(view.requests)),
        _("last check {when}", when=ago(max(checked))) if checked else "",
        plural("⚠️ {count} for over 72 h", "⚠️ {count} for over 72 h", overdue) if overdue else "",
    )


def _lines(view: OpenView) -> list[str]:
    """Return a line for each of the oldest requests, and of few orders each below its request."""
    lines: list[str] = []
    for request in view.requests[:MOST_LINES]:
        lines += [f"{_emoji(request)} {_line(request, view)}", _more_of(request, view)]
        lines += [code(order) for _state, order in view.named.get(request.id, ())]
    missing = len(view.requests) - MOST_LINES
    if missing > 0:
        lines.append(more_requests(missing))
    return lines


def more_requests(count: int) -> str:
    """Say that there are more requests than a card names."""
    return small(plural("+ {count} more request", "+ {count} more requests", count))


def _emoji(request: RequestTally) -> str:
    """Return the sign of what most needs to be known of a request."""
    if State.UNKNOWN in request.states:
        return WORDINGS[State.UNKNOWN].emoji
    return WORDINGS[State.REQUESTED if set(request.states) <= _UNSENT else State.QUEUED].emoji


def _line(request: RequestTally, view: OpenView) -> str:
    """Say of a request when it was made and how many of its orders are left; short enough for one line of a phone."""
    when = date(request.began_at) if _is_old(request, view) else at(request.began_at)
    return _("{when} · {left} of {orders} left", when=f"**{when}**", left=request.count, orders=request.orders)


def _is_old(request: RequestTally, view: OpenView) -> bool:
    return view.read_at - request.began_at > SAME_DAY


def _more_of(request: RequestTally, view: OpenView) -> str:
    """Say until when the provider has time, what is unclear, and under which of several keys it is."""
    unclear = request.states.get(State.UNKNOWN, 0)
    return small(
        at(request.began_at) if _is_old(request, view) else "",
        _deadline(request, view),
        _("{count} unclear", count=unclear) if unclear and unclear < request.count else "",
        under(names_of(view.keys), request.account_id).removeprefix(" · "),
    )


def _deadline(request: RequestTally, view: OpenView) -> str:
    """Say until when what is with the provider should end; nothing of what is not sent."""
    if set(request.states) <= _UNSENT:
        return _("not sent yet")
    until = request.oldest_at + OVERDUE_AFTER
    return _("deadline {when}", when=ago(until)) if until > view.read_at else _("⚠️ over 72 h")


def _below(view: OpenView) -> list[str]:
    """Say why orders make no progress, or how their user hears of them."""
    troubles = dict.fromkeys(one.trouble for one in view.keys if one.trouble)
    reasons = [account_text(trouble) for trouble in troubles]
    given_up = [small(_(ONLY_WATCHED))] if any(request.given_up for request in view.requests) else []
    return given_up + (reasons or ([] if view.paused else [f"-# {when_settled(view.reach)}"]))


def checking_card(view: CheckNowView) -> CardView:
    """Show what is open to a user who has asked for a check, which is under way or cannot be had again yet."""
    if view.begun:
        return open_card(view.open, _("Checking… this card updates in a few seconds."))
    if view.again_at is None:  # every key is paused, which the card says first
        return open_card(view.open)
    return open_card(view.open, _("I asked a moment ago. You can check again {when}.", when=ago(view.again_at)))


def checked_card(view: CheckedView) -> CardView:
    """Show what came of a check, and claim nothing of what it did not reach."""
    checked = view.checked
    found = enumerated(
        [
            _("{count} ended", count=checked.ended),
            *([_("{count} still waiting", count=checked.waiting)] if checked.waiting else []),
            *([_("{count} unclear", count=checked.unclear)] if checked.unclear else []),
        ]
    )
    if not checked.count:
        note = _("No answer from NotPanel yet. I keep trying.") if checked.unchecked else ""
        return open_card(view.open, note)
    if not checked.unchecked:
        return open_card(view.open, _("Checked {when}: {found}.", when=ago(view.at), found=found), says_when=True)
    so_far = _(
        "Checked {count} of {all} so far: {found}. The rest follows within NotPanel's limits.",
        count=checked.count,
        all=checked.count + checked.unchecked,
        found=found,
    )
    return open_card(view.open, so_far)


def unwatching_question(view: OpenView, request_id: int | None = None) -> CardView:
    """Ask before what is open is no longer watched: of one request, or of all, from which one can be chosen."""
    asked = [request for request in view.requests if request_id in (None, request.id)]
    count = sum(request.count for request in asked)
    if not count:
        return open_card(view)
    title = plural("Stop watching {count} order?", "Stop watching {count} orders?", count)
    unsent = sum(request.states.get(State.REQUESTED, 0) for request in asked)
    sentences = [
        _("Requests already sent stay with NotPanel. I just won't tell you how they end."),
        plural("{count} order isn't sent yet and won't be.", "{count} orders aren't sent yet and won't be.", unsent)
        if unsent
        else "",
    ]
    several = len(asked) > 1
    return card(
        Tone.WAITING,
        [titled(title, " ".join(filter(None, sentences))), *joined(_numbered(asked, view))],
        buttons=[
            actions.UNWATCH.button(
                request_id, label=plural("Stop watching {count}", "Stop watching all {count}", count) if several else ""
            ),
            actions.KEEP_WATCHING.button(),
        ],
        menus=[actions.UNWATCH_ONE.menu(options=_choices(asked))] if several else [],
    )


def _numbered(requests: Sequence[RequestTally], view: OpenView) -> list[str]:
    """Return the requests' lines with numbers: options of menus have no times of the reader's own zone."""
    if len(requests) == 1:
        return [_line(requests[0], view)]
    lines = [f"{place}\\. {_line(request, view)}" for place, request in enumerate(requests[:_MOST_CHOICES], 1)]
    missing = len(requests) - _MOST_CHOICES
    return [*lines, *([more_requests(missing)] if missing > 0 else [])]


def _choices(requests: Sequence[RequestTally]) -> dict[str, str]:
    return {
        str(request.id): plural(
            "{place}. {count} order of {orders}",
            "{place}. {count} orders of {orders}",
            request.count,
            place=place,
            orders=request.orders,
        )
        for place, request in enumerate(requests[:_MOST_CHOICES], 1)
    }


def unwatched(stopped: StoppedWatching) -> CardView:
    """Confirm what is no longer watched."""
    if stopped == StoppedWatching(0, 0, 0):
        return card(Tone.PLAIN, [titled(_("Nothing was open"))])
    states = {State.EXPIRED: stopped.not_watched, State.WITHDRAWN: stopped.not_sent}
    sections = {state: Section(count, ()) for state, count in states.items() if count}
    sentences = [
        _("Requests already sent stay with NotPanel. I won't tell you how they end.") if stopped.not_watched else "",
        _("`/cancel` takes any of these up again.") if sections else "",
    ]
    stays = plural(
        "{count} order stays: it is being sent, or another request named it too. `/queued`",
        "{count} orders stay: they are being sent, or another request named them too. `/queued`",
        stopped.under_way,
    )
    title = headline(sections) or _("Nothing changed")
    return card(Tone.PLAIN, [titled(title, " ".join(filter(None, sentences)), stays if stopped.under_way else "")])
