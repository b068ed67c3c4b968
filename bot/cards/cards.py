"""The card of a request: how many orders stand where first, then the first orders of each group."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from bot.cards import actions
from bot.cards.groups import (
    MOST_OF_GROUP,
    Sections,
    facts,
    headline,
    joined,
    more_orders,
    sections_of,
    show_all,
    texts_of,
    tone_of,
)
from bot.cards.keys import connect_again, key_fact, names_of
from bot.cards.language import _, plural
from bot.cards.layout import CardView, Tone, card
from bot.cards.more import Options, copy_ids, more_menu, other_keys, refill, retry, whole_list
from bot.cards.paused import headed, paused_lines
from bot.cards.previews import cancellable, preview_text
from bot.cards.promises import no_longer_updating, when_all_sent, when_settled
from bot.cards.reasons import account_text
from bot.cards.refills import refill_named_question
from bot.cards.text import at, bar, code, small, titled
from bot.cards.undecided import what_to_do
from bot.cards.words import PREVIEW_TOO_LONG, ignored
from bot.domain.states import State
from bot.ledger import Keyring, ListKind, RequestState
from bot.panel import MAX_BATCH
from bot.services.cancels import RequestView
from bot.services.keys import PausedKey

_WORTH_SAYING = timedelta(seconds=10)
"""Shorter waits get no estimate."""


def request_card(view: RequestView) -> CardView:
    """Show how far a request has come."""
    match view.request.state:
        case RequestState.AWAITING_CONFIRMATION:
            return _question(view)
        case RequestState.DECLINED:
            return card(Tone.PLAIN, [titled(_("Nothing was sent"))])
        case RequestState.EXPIRED:
            return _lapsed(view)
        case RequestState.ACTIVE:
            return _progress(view)


def _lapsed(view: RequestView) -> CardView:
    """Say that a question stood for too long, and offer to ask it again as long as its orders are kept."""
    count = view.request.waiting
    kept = plural(
        "Nothing was sent. Your {count} order is kept for a day.",
        "Nothing was sent. Your {count} orders are kept for a day.",
        count,
    )
    gone = _("Nothing was sent. Send the IDs again with `/cancel`.")
    return card(
        Tone.PLAIN,
        [titled(_("Too late to confirm"), kept if count else gone)],
        buttons=[actions.ASK_AGAIN.button(view.request.id)] if count else [],
    )


def _question(view: RequestView) -> CardView:
    """Ask before anything is sent; or, where no command was given, what to do with the orders."""
    request = view.request
    if request.asks_what_to_do:
        return what_to_do(view)
    if request.asks_to_refill:
        return refill_named_question(view)
    named = view.waiting[:MOST_OF_GROUP]
    missing = request.orders - len(named)
    orders = "\n".join(
        [
            *map(code, named),
            *filter(None, [more_orders(missing), ignored(request.ignored, request.repeats)]),
        ]
    )
    key = small(_("Nothing sent yet"), key_fact(view.keys, view.account))
    menus = more_menu(ListKind.REQUEST, request.id, _rest(view)) if missing else []
    cancel = plural("Cancel {count} order", "Cancel {count} orders", request.orders)
    title = plural("Cancel {count} order?", "Cancel {count} orders?", request.orders)
    known = request.preview and cancellable(request.preview)
    if known == 0:
        cancel = _("Try anyway")
    elif known:
        cancel = plural("Cancel {count} order", "Cancel {count} orders", known)
    return card(
        Tone.WAITING,
        [
            "\n".join([titled(title, key), preview_text(request.preview) if request.preview else _(PREVIEW_TOO_LONG)]),
            orders,
            _no_way_back(),
        ],
        buttons=[actions.CONFIRM.button(request.id, label=cancel), actions.KEEP.button(request.id)],
        menus=menus,
    )


def _no_way_back() -> str:
    return _("-# A cancel can't be taken back, and a partly delivered order may get no refill.")


def _rest(view: RequestView) -> Options:
    """Offer the orders that a question has no room for."""
    request = view.request
    pages = actions.BROWSE.option(ListKind.REQUEST, request.id, label=_("Show all {count}", count=request.orders))
    return {**pages, **whole_list(ListKind.REQUEST, request.id)}


def _progress(view: RequestView) -> CardView:
    request = view.request
    sections = sections_of(view.groups, [code(order) for order in view.waiting], request.waiting)
    paused = _paused(view)
    if State.QUEUED in sections and not paused:  # nothing is watched without a key, so nothing is promised
        sections = {**sections, State.QUEUED: replace(sections[State.QUEUED], note=when_settled(view.reach))}
    small_line = facts(request.orders, key_fact(view.keys, view.account), view.read_at if view.is_open else None)
    above = paused_lines([PausedKey(one) for one in paused], view.keys)
    why = account_text(view.account.trouble) if view.account.trouble and view.is_open else ""
    last = no_longer_updating() if view.is_last else ""
    head = headed(above, headline(sections), small_line, last, *_sent(view, sections), why)
    notes = [*map(small, _linked_before(view)), ignored(request.ignored, request.repeats)]
    texts, left_out = texts_of(sections, beside=[head, *notes])
    may_stop = _may_stop(view)
    first = (
        connect_again(paused, several=len(paused) > 1)
        if paused
        else [actions.STOP.button(request.id)]
        if may_stop
        else []
    )
    return card(
        tone_of(sections),
        [head, "\n".join(texts), *joined(notes)],
        buttons=[*first, *(show_all(ListKind.REQUEST, request.id, request.orders) if left_out else [])],
        menus=more_menu(
            ListKind.REQUEST,
            request.id,
            copy_ids(ListKind.REQUEST, request.id, sections),
            whole_list(ListKind.REQUEST, request.id),
            refill(ListKind.REQUEST, request.id, view.groups, names_of(view.keys), view.read_at),
            retry(request.id, view.groups),
            other_keys(ListKind.REQUEST, request.id, view.keys, view.groups),
            actions.STOP.option(request.id, label=_("Stop sending")) if may_stop and paused else {},
        ),
    )


def _linked_before(view: RequestView) -> list[str]:
    """Say how many orders were cancelled before, and how many follow a cancel that was under way."""
    done, under_way = view.cancelled_before, view.linked - view.cancelled_before
    return [
        plural(
            "{count} was already cancelled; not sent again.", "{count} were already cancelled; not sent again.", done
        )
        if done
        else "",
        plural(
            "{count} was already being cancelled; not sent twice.",
            "{count} were already being cancelled; not sent twice.",
            under_way,
        )
        if under_way
        else "",
    ]


def _sent(view: RequestView, sections: Sections) -> Sequence[str]:
    """Show how much of a long list has been sent, and about how long the rest takes."""
    request = view.request
    if request.waiting == 0 or request.orders <= MAX_BATCH:
        return ()
    unsent = [sections[state].count for state in (State.REQUESTED, State.SENDING) if state in sections]
    sent = request.orders - sum(unsent)
    done = _("{sent} of {orders} sent", sent=sent, orders=request.orders)
    left = "" if _paused(view) else _time_left(view, sent)
    return (
        bar(sent, request.orders),
        " · ".join(filter(None, [done, left])),
        "" if view.is_last else f"-# {_until(view)}",
    )


def _until(view: RequestView) -> str:
    until = _("Updates here until {time}.", time=at(view.request.card_until))
    return until if _paused(view) else f"{until} {when_all_sent(view.reach)}"


def _time_left(view: RequestView, sent: int) -> str:
    """Estimate how long the rest takes: as long as the panel's limits make it, or as it has taken so far."""
    request, now = view.request, view.read_at
    by_limits = view.sent_by - now if view.sent_by else timedelta(0)
    by_pace = (now - request.began_at) / sent * (request.orders - sent) if request.began_at and sent else timedelta(0)
    left = max(by_limits, by_pace)
    if left < _WORTH_SAYING:
        return ""
    if left < timedelta(seconds=90):
        return _("about {seconds} s left", seconds=math.ceil(left / timedelta(seconds=5)) * 5)
    return _("about {minutes} min left", minutes=math.ceil(left / timedelta(minutes=1)))


def _may_stop(view: RequestView) -> bool:
    return view.request.waiting > MAX_BATCH or bool(view.request.waiting and (view.account.trouble or _paused(view)))


def _paused(view: RequestView) -> Keyring:
    """Return the paused keys for want of which orders make no progress; others may go on under another key."""
    if not view.is_open:
        return ()
    groups = [group for state, group in view.groups.items() if state.is_open]
    holders = {order.account_id for group in groups for order in group.first}
    if view.request.waiting or any(group.count > len(group.first) for group in groups):
        holders.add(view.account.id)
    keys = {one.id: one for one in (*view.keys, view.account)}
    return tuple(one for one in keys.values() if one.id in holders and one.is_paused)
