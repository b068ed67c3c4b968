"""What stands on record of a user's orders: what is open, how others ended; and the question before watching stops."""

from bot.cards import actions
from bot.cards.groups import (
    ended_on,
    facts,
    headline,
    joined,
    last_checked,
    sections_of,
    show_all,
    texts_of,
    tone_of,
    total,
    with_key,
)
from bot.cards.keys import names_of, under
from bot.cards.language import _, plural
from bot.cards.layout import CardView, Tone, card
from bot.cards.more import copy_ids, more_menu, whole_list
from bot.cards.text import ago, code, on, small, titled
from bot.cards.words import OUTCOMES
from bot.domain.states import State
from bot.ledger import Group, ListKind
from bot.services.keys import OpenView
from bot.services.records import MOST_DAYS, CheckNowView, HistoryView, StoppedWatching


def open_card(view: OpenView, note: str = "") -> CardView:
    """Show what is still open for a user, and when each was last checked."""
    names = names_of(view.keys)
    waiting = [code(order) + under(names, account_id) for account_id, order in view.waiting]
    sections = sections_of(view.groups, waiting, view.count_waiting, dates=with_key(names, last_checked))
    if not sections:
        return card(Tone.GOOD, [titled(_("Nothing open"), _("I am watching no order for you at the moment."))])
    count = total(sections)
    head = titled(headline(sections), facts(count))
    texts, folded = texts_of(sections, beside=[head, note])
    return card(
        Tone.WAITING,
        [head, *texts, *joined([note])],
        buttons=[
            actions.CHECK_NOW.button(),
            actions.ASK_UNWATCH.button(),
            *(show_all(ListKind.OPEN, 0, count) if folded else []),
        ],
        menus=more_menu(ListKind.OPEN, 0, copy_ids(ListKind.OPEN, 0, sections), whole_list(ListKind.OPEN, 0)),
    )


def check_now_card(view: CheckNowView) -> CardView:
    """Show what is open to a user who has asked for a status check."""
    when = ago(view.again_at)
    asking = _("I am asking the panel. This card stays as it is: press again {when}.", when=when)
    asked = _("Asked a moment ago: again {when}.", when=when)
    return open_card(view.open, f"-# {asking if view.begun else asked}")


def unwatching_question(view: OpenView) -> CardView:
    """Ask before what is open is no longer watched."""
    requested = view.groups.get(State.REQUESTED, Group(0, ())).count + view.count_waiting
    count = sum(group.count for group in view.groups.values()) + view.count_waiting
    if not count:
        return open_card(view)
    title = plural("Stop watching {count} open order?", "Stop watching {count} open orders?", count)
    sentences = [
        _("Nothing is taken back at the panel: what was sent goes on there, and **how it ends will not be told.**"),
        plural("{count} order that waits is not sent.", "{count} orders that wait are not sent.", requested)
        if requested
        else "",
        _("What is being sent at this moment stays."),
    ]
    return card(
        Tone.WAITING,
        [titled(title, " ".join(filter(None, sentences)))],
        buttons=[actions.UNWATCH.button(), actions.KEEP_WATCHING.button()],
    )


def unwatched(stopped: StoppedWatching) -> CardView:
    """Confirm what is no longer watched."""
    if stopped == StoppedWatching(0, 0, 0):
        return card(Tone.PLAIN, [titled(_("Nothing was open"), _("So there was nothing to stop."))])
    ended = _(
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
    return card(Tone.PLAIN, [titled(_("No longer watched"), ended, stays if stopped.under_way else "")])


def history_card(view: HistoryView) -> CardView:
    """Show how a user's orders ended."""
    sections = sections_of(view.groups, dates=with_key(names_of(view.keys), ended_on))
    still = plural(
        "{count} order is still open: `/queued`", "{count} orders are still open: `/queued`", view.count_open
    )
    gone = (
        _("Older records were deleted: orders that ended before {when} may be missing here.", when=on(view.since))
        if view.since
        else ""
    )
    still = "\n".join(f"-# {note}" for note in (still if view.count_open else "", gone) if note)
    span = _span(view)
    if not sections:
        none = _("No order that you asked to cancel did.")
        further = _("`/history` looks further back with `days`.") if view.days < MOST_DAYS else ""
        return card(Tone.PLAIN, [titled(" · ".join([_("Nothing ended"), span]), f"{none} {further}".strip(), still)])
    count = total(sections)
    head = titled(headline(sections), small(span), still)
    texts, folded = texts_of(sections, beside=[head])
    return card(
        tone_of(sections),
        [head, *texts],
        buttons=show_all(ListKind.HISTORY, view.days, count, view.outcome) if folded else [],
        menus=more_menu(ListKind.HISTORY, view.days, whole_list(ListKind.HISTORY, view.days, view.outcome)),
    )


def _span(view: HistoryView) -> str:
    """Say which orders a history is of."""
    days = plural("in the last day", "in the last {count} days", view.days)
    return f"*{_(OUTCOMES[view.outcome])}* · {days}" if view.outcome else days
