"""The notice of how orders ended, and what else its user should know."""

from dataclasses import replace
from datetime import datetime

from bot.cards.groups import (
    MOST_OF_GROUP,
    SETTLED,
    Section,
    Sections,
    facts,
    headline,
    joined,
    more_orders,
    not_delivered,
    panel_remark,
    sections_of,
    show_all,
    texts_of,
    tone_of,
    total,
)
from bot.cards.keys import Names, connect_again, key_fact, names_of
from bot.cards.language import N_, _, number, plural
from bot.cards.layout import CardView, Tone, card
from bot.cards.money import change
from bot.cards.more import copy_ids, more_menu, other_keys, refill, whole_list
from bot.cards.paused import paused_lines
from bot.cards.promises import dms_refused, no_longer_updating
from bot.cards.text import code, small, titled
from bot.cards.words import WORDINGS
from bot.domain.notification_rules import BAD_NEWS
from bot.domain.states import State
from bot.ledger import Cancellation, Group, Groups, Keyring, ListKind, Notice, Progress, Report
from bot.services.keys import PausedKey

_ALONE = {
    State.CANCELLED: N_("Cancelled: {order}"),
    State.COMPLETED: N_("Not cancelled: {order} was delivered"),
    State.PARTIAL: N_("Partly delivered: {order}"),
    State.FAILED: N_("Failed: {order}"),
    State.REFUSED: N_("Not cancelled: {order}"),
    State.EXPIRED: N_("No longer watched: {order}"),
    State.WITHDRAWN: N_("Not sent: {order}"),
}
"""The first line about one order: what a phone's push notification shows."""


def notice_card(report: Report, notice: Notice, now: datetime | None = None) -> CardView:
    """Tell a user how orders ended that they have been waiting for, and what else they should know.

    A living message counts all orders of its request and names those that it is to tell of; `now`: how old that is.
    """
    report = replace(report, pauses=_paused(report))
    parts = [*([dms_refused()] if notice.is_for_want_of_dms else []), *joined(_pauses(report, report.accounts))]
    names = names_of(report.accounts)
    folded = False
    for title, late in _overdue(report.overdue, names).items():
        named = [name for name, _remark in late.lines[:MOST_OF_GROUP]]
        shown, missing = "\n".join(named), late.count - len(named)
        folded = folded or bool(missing)
        watching = _(
            "I go on watching, less often, until 30 days after you asked. You may want to ask NotPanel's support."
        )
        parts.append(titled(title, shown, more_orders(missing), "" if report.pauses else f"-# {watching}"))
    ended = sections_of(report.ended, names=names)
    told = sections_of({**report.overdue, **report.ended})
    count = total(told)
    progress = report.progress
    alone = _only_order(report)
    if alone:
        parts.append(_about_one(alone, names))
    elif progress and (ended or progress.follows):
        count = progress.request.orders
        head = _head(progress, report, now)
        texts, more = texts_of(ended, beside=[head, *parts])
        parts += [head, *texts]
        folded = folded or more or count > total(ended)
    elif ended:
        head = titled(headline(ended), facts(total(ended)))
        texts, more = texts_of(ended, beside=[head, *parts])
        parts += [head, *texts]
        folded = folded or more
    kind, list_id = (ListKind.REQUEST, progress.request.id) if progress else (ListKind.NOTICE, notice.id)
    return card(
        Tone.BAD if report.pauses else _tone(report),
        parts or [titled(_("Nothing new"))],
        buttons=[
            *connect_again(report.pauses, several=bool(names)),
            *(show_all(kind, list_id, count) if folded else []),
        ],
        menus=more_menu(
            kind,
            list_id,
            copy_ids(kind, list_id, sections_of(progress.groups) if progress else told),
            whole_list(kind, list_id) if told or progress else {},
            refill(kind, list_id, report.ended, names, now or notice.first_attempt_at or notice.created_at),
            other_keys(kind, list_id, report.accounts, report.ended),
        ),
        mark=notice.mark,
    )


def reply_card(report: Report, notice: Notice) -> CardView:
    """Tell in counts alone that a request is settled, or what has gone wrong so far.

    The message that this answers says how all of its orders stand, and names them.
    """
    assert report.progress is not None  # a reply is about a request
    return card(_tone(report), [_new_in(report.progress, report)], mark=notice.mark)


def _new_in(progress: Progress, report: Report) -> str:
    sections, key = _standing(progress), _key_of(progress, report)
    if progress.is_over:
        return titled(_settled(progress), headline(sections), small(key))
    bad = {state: section for state, section in sections.items() if state in BAD_NEWS}
    if not bad:
        return _head(progress, report)
    others = {state: section for state, section in sections.items() if state not in bad}
    return titled(headline(bad), small(headline(others), key))


def brief_notice_card(report: Report, notice: Notice) -> CardView:
    """Tell the same in counts alone, with nothing in it from outside: for what Discord takes in no other form."""
    ended = sections_of(report.ended)
    parts = [*([dms_refused()] if notice.is_for_want_of_dms else []), *joined(_pauses(report, ()))]
    parts += [f"**{title}** ({number(late.count)})" for title, late in _overdue(report.overdue, {}).items()]
    if ended:
        parts.append(titled(headline(ended), facts(total(ended))))
    told = sections_of({**report.overdue, **report.ended})
    rest = _("Discord did not take the longer message. The buttons show each order.")
    return card(
        Tone.BAD if report.pauses else tone_of(ended) if ended else Tone.WAITING,
        [*parts, *([f"-# {rest}"] if told else [])],
        buttons=show_all(ListKind.NOTICE, notice.id, total(told)) if told else [],
    )


def _paused(report: Report) -> Keyring:
    """Return the keys to tell of as paused: also those without which what is open for too long is not watched."""
    late = {order.account_id for group in report.overdue.values() for order in group.first}
    told = {account.id for account in report.pauses}
    return (*report.pauses, *(one for one in report.accounts if one.id in late - told and one.is_paused))


def _pauses(report: Report, keys: Keyring) -> list[str]:
    """Say which keys are paused; `keys`: all of a user's where those may be named."""
    return paused_lines([PausedKey(one) for one in report.pauses], keys)


def _standing(progress: Progress) -> Sections:
    """Return how many orders of a request stand where, told of in this message or not."""
    return sections_of(progress.groups, (), progress.waiting)


def _tone(report: Report) -> Tone:
    sections = _standing(report.progress) if report.progress else sections_of(report.ended)
    return tone_of(sections) if sections else Tone.WAITING


def _head(progress: Progress, report: Report, now: datetime | None = None) -> str:
    """Say how many orders of a request stand where, and whether this is the end of it."""
    key = _key_of(progress, report)
    if progress.is_over:
        return titled(headline(_standing(progress)), small(_settled(progress), key))
    newer = no_longer_updating() if progress.is_left else ""
    if progress.is_followed:
        newer = small(_("A newer message goes on with this."))
    return titled(headline(_standing(progress)), facts(progress.request.orders, key, now), newer)


def _settled(progress: Progress) -> str:
    if State.EXPIRED in progress.groups:  # how these ended is not known
        return _("No more updates")
    return plural("The order is settled", "All {count} orders are settled", progress.request.orders)


def _key_of(progress: Progress, report: Report) -> str:
    """Name the key of a request where there are several."""
    return next(
        (key_fact(report.accounts, one) for one in report.accounts if one.id == progress.request.account_id), ""
    )


def _only_order(report: Report) -> Cancellation | None:
    """Return the order that is all that a notice is about."""
    first = [order for group in report.ended.values() for order in group.first]
    only = len(first) == 1 and sum(group.count for group in report.ended.values()) == 1
    more = report.progress is not None and report.progress.request.orders > 1
    return first[0] if only and not more and first[0].shown_as in _ALONE else None


def _about_one(order: Cancellation, names: Names) -> str:
    """Tell how one order ended, in one line; the panel's message and what it means stand below."""
    state = order.shown_as
    wording = WORDINGS[state]
    (section,) = sections_of({state: Group(1, (order,))}).values()
    money = change(order) if state in SETTLED else ""
    answer = f"{wording.emoji} {_(_ALONE[state], order=code(order.order_id))}"
    meaning = " ".join(filter(None, [wording.meaning and _(wording.meaning), section.note]))
    key = _("key {name}", name=code(names[order.account_id])) if order.account_id in names else ""
    title = " · ".join(filter(None, [answer, not_delivered(order), money]))
    return titled(title, small(key), small(meaning), panel_remark(state, order))


def _overdue(groups: Groups, names: Names) -> dict[str, Section]:
    """Tell what is known to be with the provider from what is not."""
    queued = {state: group for state, group in groups.items() if state is State.QUEUED}
    others = {state: group for state, group in groups.items() if state is not State.QUEUED}
    named = {
        _("Still open at the provider after 72 hours"): queued,
        _("Still waiting for a clear answer from the panel after 72 hours"): others,
    }
    return {title: _merged(late, names) for title, late in named.items() if late}


def _merged(groups: Groups, names: Names) -> Section:
    sections = sections_of(groups, names=names)
    return Section(total(sections), [line for section in sections.values() for line in section.lines])
