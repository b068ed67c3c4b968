"""The card of a request: counts first, groups, the whole list behind a button."""

from collections.abc import Sequence

from bot.cards import actions
from bot.cards.groups import (
    Sections,
    copy_ids,
    counts,
    has_open,
    joined,
    rest_of,
    sections_of,
    texts_of,
    tone_of,
)
from bot.cards.keys import connect_again, other_keys, under_key
from bot.cards.language import _, plural
from bot.cards.layout import CardView, Tone, card
from bot.cards.previews import preview_text
from bot.cards.reasons import account_text
from bot.cards.text import ago, at, bar, code, first_few, listed, titled
from bot.cards.undecided import what_to_do
from bot.cards.words import PREVIEW_TOO_LONG, ignored
from bot.domain.accounts import AccountState
from bot.domain.states import State
from bot.ledger import Groups, ListKind, PreviewState, RequestState
from bot.panel import MAX_BATCH
from bot.services.cancels import RequestView
from bot.services.reasons import may_be_refilled


def request_card(view: RequestView) -> CardView:
    """Show how far a request has come."""
    match view.request.state:
        case RequestState.AWAITING_CONFIRMATION:
            return _question(view)
        case RequestState.DECLINED:
            return card(Tone.PLAIN, [titled(_("Nothing was sent"))])
        case RequestState.EXPIRED:
            again = _("Nothing was sent. Use `/cancel` again; a question stands for 15 minutes.")
            return card(Tone.PLAIN, [titled(_("Too late to confirm"), again)])
        case RequestState.ACTIVE:
            return _progress(view)


def _question(view: RequestView) -> CardView:
    """Ask before anything is sent; or, where no command was given, what to do with the orders."""
    request = view.request
    if request.preview is not None and request.preview.state is PreviewState.UNDECIDED:
        return what_to_do(view)
    named = first_few(view.waiting, request.orders)
    shown, left = listed([code(order) for order in named], 900)
    missing = left + request.orders - len(named)
    rest = " " + _("… and {missing} more", missing=missing) if missing else ""
    warning = _(
        "Nothing has been sent yet. A request to cancel cannot be taken back, "
        "and a partly delivered order may get no refill."
    )
    key = under_key(view.keys, view.account)
    orders = "\n".join(filter(None, [shown + rest, ignored(request.ignored, request.repeats)]))
    return card(
        Tone.WAITING,
        [
            titled(plural("Cancel {count} order?", "Cancel {count} orders?", request.orders), key, warning),
            orders,
            preview_text(request.preview) if request.preview else _(PREVIEW_TOO_LONG),
        ],
        buttons=[actions.CONFIRM.button(request.id, count=request.orders), actions.KEEP.button(request.id)],
    )


def _progress(view: RequestView) -> CardView:
    request = view.request
    sections = sections_of(view.groups, [code(order) for order in view.waiting], request.waiting)
    notes = [
        account_text(view.account.state) if _is_stuck(view) else "",
        account_text(view.account.trouble) if view.account.trouble and has_open(sections) else "",
        f"-# {_linked_before(view.linked)}" if view.linked else "",
        ignored(request.ignored, request.repeats),
    ]
    title = plural("Cancel request · {count} order", "Cancel request · {count} orders", request.orders)
    head = titled(title, counts(sections), under_key(view.keys, view.account), *_sent(view, sections))
    texts, folded = texts_of(sections, beside=[head, *notes])
    return card(
        tone_of(sections),
        [head, *texts, *joined(notes)],
        buttons=[
            *(connect_again([view.account], several=False) if _is_stuck(view) else []),
            *([actions.STOP.button(request.id)] if _may_stop(view) else []),
            *([actions.RETRY.button(request.id)] if any(one.given_up for one in sections.values()) else []),
            *(
                [actions.REFILL.button(ListKind.REQUEST, request.id, view.account.id)]
                if _may_refill(view.groups)
                else []
            ),
            *other_keys(ListKind.REQUEST, request.id, view.keys, view.groups),
            *(rest_of(ListKind.REQUEST, request.id) if folded else []),
        ],
        menus=copy_ids(ListKind.REQUEST, request.id, sections),
    )


def _linked_before(count: int) -> str:
    return plural(
        "{count} order of these had been asked for before: joined.",
        "{count} orders of these had been asked for before: joined.",
        count,
    )


def _sent(view: RequestView, sections: Sections) -> Sequence[str]:
    """Show how much of a long list has been sent, and what the panel's limits allow at best."""
    request = view.request
    if request.waiting == 0 or request.orders <= MAX_BATCH:
        return ()
    unsent = [sections[state].count for state in (State.REQUESTED, State.SENDING) if state in sections]
    sent = request.orders - sum(unsent)
    done = _("{sent} of {orders} sent", sent=sent, orders=request.orders)
    if view.sent_by and not _is_stuck(view):
        done += " · " + _("the panel's limits let the last go {when} at the earliest", when=ago(view.sent_by))
    follows = _(
        "This card updates until {time}. You get a message once every order has been checked.",
        time=at(request.card_until),
    )
    return (f"{bar(sent, request.orders)} {done}", f"-# {follows}")


def _may_stop(view: RequestView) -> bool:
    return view.request.waiting > MAX_BATCH or bool(view.request.waiting and (view.account.trouble or _is_stuck(view)))


def _may_refill(groups: Groups) -> bool:
    """Look at the orders that a card can show: among thousands of refusals it does not search at every edit."""
    return any(may_be_refilled(order) for group in groups.values() for order in group.first)


def _is_stuck(view: RequestView) -> bool:
    paused = view.account.state in (AccountState.REJECTED, AccountState.SUSPENDED)
    return paused and (view.request.waiting > 0 or has_open(view.groups))
