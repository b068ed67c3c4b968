"""The notice of how orders ended, and what else its user should know."""

from bot.cards import actions
from bot.cards.groups import (
    Section,
    asked,
    copy_ids,
    counts,
    in_the_list,
    rest_of,
    sections_of,
    texts_of,
    tone_of,
    total,
    undated,
    with_key,
)
from bot.cards.keys import Names, connect_again, names_of, other_keys, pauses
from bot.cards.language import _, number, plural
from bot.cards.layout import CardView, Tone, card
from bot.cards.promises import dms_refused
from bot.cards.reasons import account_text
from bot.cards.text import listed, titled
from bot.domain.states import State
from bot.ledger import Groups, ListKind, Notice, Report
from bot.services.reasons import may_be_refilled

_MOST_REFILLS = 3
"""Keys for whose orders one message offers refills."""


def notice_card(report: Report, notice: Notice) -> CardView:
    """Tell a user how orders ended that they have been waiting for, and what else they should know.

    By its reference a message is found that arrived while Discord's answer was lost.
    """
    parts = [*([dms_refused()] if notice.is_for_want_of_dms else []), *pauses(report.pauses, report.accounts)]
    names = names_of(report.accounts)
    folded = False
    for title, late in _overdue(report.overdue, names).items():
        shown, missing = listed([name for name, _since in late.lines], 500)
        missing += late.count - len(late.lines)
        folded = folded or bool(missing)
        rest = f" {in_the_list(missing)}" if missing else ""
        watching = _(
            "I go on watching, less often, until 30 days after you asked. You may want to ask NotPanel's support."
        )
        parts.append(titled(title, shown + rest, f"-# {watching}"))
    ended = sections_of(report.ended, dates=with_key(names, asked))
    if ended:
        count = total(ended)
        head = titled(plural("News about {count} order", "News about {count} orders", count), counts(ended))
        texts, more = texts_of(ended, beside=[head, *parts, notice.reference])
        parts += [head, *texts]
        folded = folded or more
    return card(
        Tone.BAD if report.pauses else tone_of(ended) if ended else Tone.WAITING,
        [*(parts or [titled(_("Nothing new"))]), f"-# {notice.reference}"],
        buttons=[
            *connect_again(report.pauses, several=bool(names)),
            *_refills(notice.id, report.ended, names),
            *other_keys(ListKind.NOTICE, notice.id, report.accounts, report.ended),
            *(rest_of(ListKind.NOTICE, notice.id) if folded else []),
        ],
        menus=copy_ids(ListKind.NOTICE, notice.id, sections_of({**report.overdue, **report.ended})),
    )


def brief_notice_card(report: Report, notice: Notice) -> CardView:
    """Tell the same in counts alone, with nothing in it from outside: for what Discord takes in no other form."""
    ended = sections_of(report.ended)
    reasons = dict.fromkeys(account_text(account.state) for account in report.pauses)
    parts = [dms_refused()] if notice.is_for_want_of_dms else []
    parts += [titled(_("⚠️ I need your key again"), *reasons)] if reasons else []
    parts += [f"**{title}** ({number(late.count)})" for title, late in _overdue(report.overdue, {}).items()]
    if ended:
        count = total(ended)
        parts.append(titled(plural("News about {count} order", "News about {count} orders", count), counts(ended)))
    has_orders = bool(ended or report.overdue)
    rest = _("Discord did not take the longer message. The buttons show each order.")
    return card(
        Tone.BAD if reasons else tone_of(ended) if ended else Tone.WAITING,
        [*parts, *([f"-# {rest}"] if has_orders else [])],
        buttons=rest_of(ListKind.NOTICE, notice.id) if has_orders else [],
    )


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
    sections = sections_of(groups, dates=with_key(names, undated))
    return Section(total(sections), [line for section in sections.values() for line in section.lines])


def _refills(notice_id: int, groups: Groups, names: Names) -> list[actions.Button]:
    """Offer refills under each key of a notice's orders apart: an order is known under its own key alone."""
    orders = [order for group in groups.values() for order in group.first if may_be_refilled(order)]
    accounts = sorted({order.account_id for order in orders})[:_MOST_REFILLS]
    labels = {one: _("Refill these: {name}", name=names[one]) if names.get(one) else "" for one in accounts}
    return [actions.REFILL.button(ListKind.NOTICE, notice_id, one, label=label) for one, label in labels.items()]
