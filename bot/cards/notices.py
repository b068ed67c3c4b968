"""The notice of how orders ended, and what else its user should know."""

from bot.cards.groups import (
    MOST_OF_GROUP,
    Section,
    facts,
    headline,
    sections_of,
    show_all,
    texts_of,
    tone_of,
    total,
    undated,
    with_key,
)
from bot.cards.keys import Names, connect_again, names_of, pauses
from bot.cards.language import _, number
from bot.cards.layout import CardView, Tone, card
from bot.cards.more import copy_ids, more_menu, other_keys, refill, whole_list
from bot.cards.promises import dms_refused
from bot.cards.reasons import account_text
from bot.cards.text import titled
from bot.domain.states import State
from bot.ledger import Groups, ListKind, Notice, Report


def notice_card(report: Report, notice: Notice) -> CardView:
    """Tell a user how orders ended that they have been waiting for, and what else they should know.

    By its reference a message is found that arrived while Discord's answer was lost.
    """
    parts = [*([dms_refused()] if notice.is_for_want_of_dms else []), *pauses(report.pauses, report.accounts)]
    names = names_of(report.accounts)
    folded = False
    for title, late in _overdue(report.overdue, names).items():
        named = [name for name, _remark in late.lines[:MOST_OF_GROUP]]
        shown, missing = "\n".join(named), late.count - len(named)
        folded = folded or bool(missing)
        rest = "\n-# " + _("+ {count} more", count=missing) if missing else ""
        watching = _(
            "I go on watching, less often, until 30 days after you asked. You may want to ask NotPanel's support."
        )
        parts.append(titled(title, shown + rest, f"-# {watching}"))
    ended = sections_of(report.ended, dates=with_key(names, undated))
    told = sections_of({**report.overdue, **report.ended})
    if ended:
        head = titled(headline(ended), facts(total(ended)))
        texts, more = texts_of(ended, beside=[head, *parts, notice.reference])
        parts += [head, *texts]
        folded = folded or more
    return card(
        Tone.BAD if report.pauses else tone_of(ended) if ended else Tone.WAITING,
        [*(parts or [titled(_("Nothing new"))]), f"-# {notice.reference}"],
        buttons=[
            *connect_again(report.pauses, several=bool(names)),
            *(show_all(ListKind.NOTICE, notice.id, total(told)) if folded else []),
        ],
        menus=more_menu(
            ListKind.NOTICE,
            notice.id,
            copy_ids(ListKind.NOTICE, notice.id, told),
            whole_list(ListKind.NOTICE, notice.id) if told else {},
            refill(ListKind.NOTICE, notice.id, report.ended, names, notice.first_attempt_at or notice.created_at),
            other_keys(ListKind.NOTICE, notice.id, report.accounts, report.ended),
        ),
    )


def brief_notice_card(report: Report, notice: Notice) -> CardView:
    """Tell the same in counts alone, with nothing in it from outside: for what Discord takes in no other form."""
    ended = sections_of(report.ended)
    reasons = dict.fromkeys(account_text(account.state) for account in report.pauses)
    parts = [dms_refused()] if notice.is_for_want_of_dms else []
    parts += [titled(_("⚠️ I need your key again"), *reasons)] if reasons else []
    parts += [f"**{title}** ({number(late.count)})" for title, late in _overdue(report.overdue, {}).items()]
    if ended:
        parts.append(titled(headline(ended), facts(total(ended))))
    told = sections_of({**report.overdue, **report.ended})
    rest = _("Discord did not take the longer message. The buttons show each order.")
    return card(
        Tone.BAD if reasons else tone_of(ended) if ended else Tone.WAITING,
        [*parts, *([f"-# {rest}"] if told else [])],
        buttons=show_all(ListKind.NOTICE, notice.id, total(told)) if told else [],
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
