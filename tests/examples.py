"""Examples of what cards are made of, and of every card that shows orders; every button; and what holds of any card."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from simcord.components import walk_components

from bot.cards import buttons
from bot.cards.cards import notice_card, request_card
from bot.cards.language import OWN_NAMES
from bot.cards.layout import CardView
from bot.cards.overviews import check_now_card, history_card, open_card
from bot.domain.accounts import AccountState
from bot.domain.languages import Language
from bot.domain.order_ids import Junk
from bot.domain.states import MAX_AMBIGUOUS, State
from bot.ledger import (
    Account,
    Cancellation,
    Group,
    Groups,
    ListKind,
    Notice,
    NoticeState,
    NotifyVia,
    NotifyWhen,
    Report,
    Request,
    RequestState,
    Trouble,
)
from bot.ledger.lists import MOST_SHOWN
from bot.services.cancels import RequestView
from bot.services.keys import OpenView
from bot.services.records import CheckNowView, HistoryView
from tests.wire.objects import refusal

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CLAIMS = ("refund", "cancelled", "canceled")
"""What only a status proves."""
HOSTILE = "**Refunded** [click](https://x.example) `code` @everyone \u202e>\n# cancelled ord_1 =1+1 " * 4


def key(number: int, state: AccountState = AccountState.ACTIVE, trouble: Trouble | None = None) -> Account:
    """Return an account with the longest name there is."""
    name = f"{number:02}{'W' * 30}"
    return Account(number, 7, name, name.casefold(), number == 1, b"sealed", state, trouble, NOW, None)


PAUSED = tuple(key(number, state) for number, state in enumerate([AccountState.REJECTED, AccountState.SUSPENDED] * 4))
KEYS = (*PAUSED, key(8), key(9))


def order(
    number: int,
    state: State,
    *,
    words: str | None = None,
    status: str | None = "In progress",
    ambiguous_attempts: int = 0,
) -> Cancellation:
    """Return an order with the longest ID there is."""
    ended = None if state.is_open else NOW
    return Cancellation(
        id=number,
        request_id=1 + number % 2,
        account_id=1,
        order_id=f"ord_{number:064}",
        state=state,
        ambiguous_attempts=ambiguous_attempts,
        given_up=ambiguous_attempts >= MAX_AMBIGUOUS,
        panel_message=words,
        status_word=status,
        remains="650",
        charge_first="0.50",
        charge_last="0.20",
        currency="USD",
        created_at=NOW,
        changed_at=NOW,
        sent_at=NOW,
        checked_at=NOW,
        queued_at=NOW,
        ended_at=ended,
        key_version=1,
    )


def grouped(orders: Sequence[Cancellation]) -> Groups:
    """Group orders the way the ledger does."""
    states = {row.shown_as for row in orders}
    groups = {state: [row for row in orders if row.shown_as is state] for state in states}
    return {state: Group(len(rows), tuple(rows[:MOST_SHOWN])) for state, rows in groups.items()}


def view(orders: Sequence[Cancellation], *, in_trouble: bool = False) -> RequestView:
    """Return what a card shows, with everything that can stand beside the orders if in trouble."""
    state = AccountState.REJECTED if in_trouble else AccountState.ACTIVE
    account = key(1, state, Trouble.RATE_LIMITED if in_trouble else None)
    junk = tuple(f"{number:07}…" for number in range(50)) if in_trouble else ()
    waiting = 90_000 if in_trouble else 0
    named = len(orders) + waiting
    request = Request(
        1, 1, 7, RequestState.ACTIVE, named, waiting, Junk.of(junk), len(junk), 9, None, 5, b"", NOW, 0, 0, NOW, NOW
    )
    ids = tuple(f"ord_{number:064}" for number in range(min(waiting, MOST_SHOWN)))
    return RequestView(
        request,
        account,
        KEYS if in_trouble else (account,),
        grouped(orders),
        ids,
        len(orders) if in_trouble else 0,
        NOW,
    )


def all_cards(orders: Sequence[Cancellation], *, in_trouble: bool = False) -> list[CardView]:
    """Return every card that shows orders."""
    groups = grouped(orders)
    keys = KEYS if in_trouble else KEYS[:1]
    report = Report(PAUSED if in_trouble else (), groups if in_trouble else {}, groups, keys)
    notice = Notice(3, 7, "0123456789", NoticeState.SENDING, 1, NOW, NOW)
    waiting = tuple((1, f"ord_{number}") for number in range(MOST_SHOWN)) if in_trouble else ()
    return [
        request_card(view(orders, in_trouble=in_trouble)),
        notice_card(report, notice),
        open_card(OpenView(groups, waiting, 1_000 if in_trouble else 0, keys)),
        check_now_card(CheckNowView(OpenView(groups, waiting, len(waiting), keys), True, NOW)),
        history_card(HistoryView(30, None, groups, len(waiting), keys)),
    ]


def parts_of(card: CardView) -> list[dict[str, Any]]:
    """Return all components of a card, nested ones too."""
    return list(walk_components(card.view.to_components()))


def text_of(card: CardView) -> str:
    """Return all that a card says."""
    return "\n".join(part.get("content") or part.get("label") or "" for part in (*parts_of(card), *options_of(card)))


def options_of(card: CardView) -> list[dict[str, Any]]:
    """Return what can be chosen from a card's menus."""
    return [option for part in parts_of(card) for option in part.get("options", ())]


def ours(card: CardView) -> str:
    """Return what a card says in our own words: the panel's stand in inline code."""
    return re.sub(r"`[^`]*`", "", text_of(card)).casefold()


def keeps_discords_limits(card: CardView) -> None:
    """Check what Discord would refuse (its documentation of components)."""
    assert refusal(card.view.to_components()) is None
    assert len(options_of(card)) <= 25
    assert all(len(part["components"]) <= 5 for part in parts_of(card) if part["type"] == 1)
    labels = [part["label"] for part in parts_of(card) if part["type"] == 2]
    assert all(1 <= len(label) <= 80 for label in labels), labels
    assert all(1 <= len(option["label"]) <= 100 for option in options_of(card))


SOMEBODY = 2**63 - 1
"""The largest number that the ledger has room for."""

PRESSABLE = {
    buttons.CONNECT: lambda: buttons.connect(name="W" * 32),
    buttons.CONFIRM: lambda: buttons.confirm(SOMEBODY, 10_000),
    buttons.STATUS: lambda: buttons.status(SOMEBODY),
    buttons.KEEP: lambda: buttons.keep(SOMEBODY),
    buttons.ASK_REMOVE: lambda: buttons.ask_remove(SOMEBODY, "W" * 32),
    buttons.REMOVE_KEY: lambda: buttons.remove_key(SOMEBODY),
    buttons.KEEP_KEY: lambda: buttons.keep_key(),
    buttons.UPDATES: lambda: buttons.updates(SOMEBODY),
    buttons.PASTE: lambda: buttons.paste(),
    buttons.STOP: lambda: buttons.stop(SOMEBODY),
    buttons.LIST: lambda: buttons.whole_list(ListKind.REQUEST, SOMEBODY),
    buttons.BROWSE: lambda: buttons.browse(ListKind.HISTORY, SOMEBODY, State.WITHDRAWN),
    buttons.PAGE: lambda: buttons.page(ListKind.HISTORY, SOMEBODY, 49, State.WITHDRAWN, forward=True),
    buttons.ERASE: lambda: buttons.erase(),
    buttons.KEEP_ALL: lambda: buttons.keep_all(),
    buttons.CHECK_NOW: lambda: buttons.check_now(),
    buttons.ASK_UNWATCH: lambda: buttons.ask_unwatch(),
    buttons.UNWATCH: lambda: buttons.unwatch(),
    buttons.KEEP_WATCHING: lambda: buttons.keep_watching(),
    buttons.RETRY: lambda: buttons.retry(SOMEBODY),
    buttons.REFILL: lambda: buttons.refill(ListKind.REQUEST, SOMEBODY, SOMEBODY, "W" * 32),
    buttons.CONFIRM_REFILL: lambda: buttons.confirm_refill(ListKind.REQUEST, SOMEBODY, SOMEBODY, 100_000),
    buttons.NO_REFILL: lambda: buttons.no_refill(),
    buttons.TRY_UNDER: lambda: buttons.try_under(ListKind.REQUEST, SOMEBODY, SOMEBODY, "W" * 32),
    buttons.TRY_OTHERS: lambda: buttons.try_others(ListKind.REQUEST, SOMEBODY),
    buttons.WEBHOOK: lambda: buttons.webhook("register", "Register"),
    buttons.WAY: lambda: buttons.choose_way({way: "some way" for way in NotifyVia}, NotifyVia.OFF),
    buttons.TIMING: lambda: buttons.choose_timing({timing: "some time" for timing in NotifyWhen}, NotifyWhen.EACH),
    buttons.LANGUAGE: lambda: buttons.choose_language(OWN_NAMES, Language.HINDI),
    buttons.SILENT: lambda: buttons.silence(wanted=True),
    buttons.IDS: lambda: buttons.copy_ids(ListKind.REQUEST, SOMEBODY, {state: "100,000 orders" for state in State}),
}
"""A button or menu for each pattern, with the largest numbers and the longest names."""
