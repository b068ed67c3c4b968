"""Examples of what cards are made of, and of every card that shows orders; every button; and what holds of any card."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from simcord.components import walk_components

from bot.cards import actions
from bot.cards.cards import request_card
from bot.cards.history import history_card
from bot.cards.language import OWN_NAMES
from bot.cards.layout import CardView
from bot.cards.notices import notice_card
from bot.cards.queued import checked_card, checking_card, open_card, unwatching_question
from bot.domain.accounts import AccountState
from bot.domain.languages import Language
from bot.domain.order_ids import Junk
from bot.domain.reasons import Reason
from bot.domain.states import MAX_AMBIGUOUS, State
from bot.ledger import (
    Account,
    Cancellation,
    Checked,
    Group,
    Groups,
    Listed,
    ListKind,
    Money,
    Notice,
    NoticeState,
    NotifyVia,
    NotifyWhen,
    Progress,
    Report,
    Request,
    RequestState,
    RequestTally,
)
from bot.ledger.lists import MOST_SHOWN
from bot.services.cancels import RequestView
from bot.services.keys import PausedKey
from bot.services.lists import LAST_PAGE, ListPage, ListRef
from bot.services.records import FEW, CheckedView, CheckNowView, HistoryView, OpenView
from tests.texts import as_typed
from tests.wire.objects import refusal

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CLAIMS = ("refund", "cancelled", "canceled")
"""What only a status proves."""
HOSTILE = "**Refunded** [click](https://x.example) `code` @everyone \u202e>\n# cancelled ord_1 =1+1 " * 4


def key(number: int, state: AccountState = AccountState.ACTIVE, trouble: Reason | None = None) -> Account:
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
    account = key(1, state, Reason.RATE_LIMITED if in_trouble else None)
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
        len(orders) // 2 if in_trouble else 0,
        NOW,
        NOW,
    )


def living_card(orders: Sequence[Cancellation], report: Report, notice: Notice) -> CardView:
    """Return the living message of a request with these orders, all of which it tells of."""
    shown = view(orders)
    progress = Progress(shown.request, shown.groups, 0, is_over=False, is_followed=True, is_left=True, follows=True)
    return notice_card(replace(report, progress=progress), notice, NOW)


def all_cards(orders: Sequence[Cancellation], *, in_trouble: bool = False) -> list[CardView]:
    """Return every card that shows orders."""
    groups = grouped(orders)
    keys = KEYS if in_trouble else KEYS[:1]
    report = Report(PAUSED if in_trouble else (), groups if in_trouble else {}, groups, keys)
    notice = Notice(3, 7, "0123456789", NoticeState.SENDING, 1, NOW, NOW)
    return [
        request_card(view(orders, in_trouble=in_trouble)),
        notice_card(report, notice),
        living_card(orders, report, notice),
    ]


def overview_cards(orders: Sequence[Cancellation], requests: int = 1, *, in_trouble: bool = False) -> list[CardView]:
    """Return every card that shows orders by request, of as many requests."""
    keys = KEYS if in_trouble else KEYS[:1]
    paused = tuple(PausedKey(one, "4321") for one in keys if one.state is not AccountState.ACTIVE)
    still, ended = [row for row in orders if row.state.is_open], [row for row in orders if not row.state.is_open]
    named = {n: [(row.shown_as, row.order_id) for row in still[n::requests]] for n in range(requests)}
    view = OpenView(_tallies(still, requests, keys), named if len(still) <= FEW else {}, keys, paused, NOW)
    past = {n: ended[n::requests] for n in range(requests)} if len(ended) <= FEW else {}
    money = (Money(Decimal("123456789012.12345678"), "USD", 9), Money(Decimal(1), "[USD](https://x.example)", 1))
    return [
        open_card(view),
        checking_card(CheckNowView(view, NOW, [1], NOW)),
        checking_card(CheckNowView(view, NOW, [], NOW)),
        checked_card(CheckedView(view, Checked(9_999, 9_999, 9_999, 99_999), NOW)),
        unwatching_question(view),
        unwatching_question(view, 0),
        history_card(
            HistoryView(
                365,
                State.WITHDRAWN if in_trouble else None,
                Counter(row.state for row in ended),
                None if in_trouble and len(ended) > 5_000 else _tallies(ended, requests, keys),
                past,
                len(still),
                keys,
                NOW,
                paused,
                money if in_trouble else (),
                9 if in_trouble else 0,
                NOW if in_trouble else None,
            )
        ),
    ]


def _tallies(orders: Sequence[Cancellation], requests: int, keys: Sequence[Account]) -> list[RequestTally]:
    """Spread orders over requests, each of another key."""
    parts = [(n, orders[n::requests]) for n in range(requests)]
    return [
        RequestTally(
            n, keys[n % len(keys)].id, NOW, 100_000, Counter(row.shown_as for row in rows), NOW, len(rows), NOW
        )
        for n, rows in parts
        if rows
    ]


def last_page(lines: Sequence[Listed]) -> ListPage:
    """Return the last page that one can turn to of a list that goes on, with all that can stand on it."""
    return ListPage(ListRef(ListKind.HISTORY, 365, State.WITHDRAWN), LAST_PAGE, tuple(lines), 10_000_000, NOW)


def parts_of(card: CardView) -> list[dict[str, Any]]:
    """Return all components of a card, nested ones too."""
    return list(walk_components(card.view.to_components()))


def text_of(card: CardView) -> str:
    """Return all that a card says."""
    texts = (part.get("content") or part.get("label") or "" for part in (*parts_of(card), *options_of(card)))
    return as_typed("\n".join(texts))


def options_of(card: CardView) -> list[dict[str, Any]]:
    """Return what can be chosen from a card's menus."""
    return [option for part in parts_of(card) for option in part.get("options", ())]


def ours(card: CardView) -> str:
    """Return what a card claims in our own words: the panel's stand in inline code or quotation marks."""
    said = re.sub(r"`[^`]*`|“[^”]*”", "", text_of(card)).casefold()
    return said.replace("not refunded yet", "").replace("not cancelled", "").replace("can't be cancelled", "")


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
    actions.KEY_STEPS: actions.KEY_STEPS.button,
    actions.CONNECT: lambda: actions.CONNECT.button("W" * 32),
    actions.CONFIRM: lambda: actions.CONFIRM.button(SOMEBODY, label="Cancel 100,000 orders"),
    actions.STATUS: lambda: actions.STATUS.button(SOMEBODY),
    actions.REFILL_NAMED: lambda: actions.REFILL_NAMED.button(SOMEBODY),
    actions.KEEP: lambda: actions.KEEP.button(SOMEBODY),
    actions.ASK_REMOVE: lambda: actions.ASK_REMOVE.button(SOMEBODY, name="W" * 32),
    actions.REMOVE_KEY: lambda: actions.REMOVE_KEY.button(SOMEBODY),
    actions.KEEP_KEY: actions.KEEP_KEY.button,
    actions.HELLO: actions.HELLO.button,
    actions.ASK_AGAIN: lambda: actions.ASK_AGAIN.button(SOMEBODY),
    actions.UPDATES: lambda: actions.UPDATES.button(SOMEBODY),
    actions.PASTE: actions.PASTE.button,
    actions.PASTE_FOR: lambda: actions.PASTE_FOR.button("refill"),
    actions.STOP: lambda: actions.STOP.button(SOMEBODY),
    actions.LIST: lambda: actions.LIST.button(ListKind.REQUEST, SOMEBODY),
    actions.BROWSE: lambda: actions.BROWSE.button(ListKind.HISTORY, SOMEBODY, State.WITHDRAWN, count=100_000),
    actions.PAGE: lambda: actions.PAGE.button(ListKind.HISTORY, SOMEBODY, 49, State.WITHDRAWN, "previous", label="1"),
    actions.ERASE: actions.ERASE.button,
    actions.KEEP_ALL: actions.KEEP_ALL.button,
    actions.CHECK_NOW: actions.CHECK_NOW.button,
    actions.ASK_UNWATCH: lambda: actions.ASK_UNWATCH.button(label="Stop watching …"),
    actions.UNWATCH: lambda: actions.UNWATCH.button(SOMEBODY),
    actions.UNWATCH_ONE: lambda: actions.UNWATCH_ONE.menu(options={str(SOMEBODY): "1. 100,000 orders of 100,000"}),
    actions.KEEP_WATCHING: actions.KEEP_WATCHING.button,
    actions.RETRY: lambda: actions.RETRY.button(SOMEBODY, label="Retry the 100,000 unclear"),
    actions.REFILL: lambda: actions.REFILL.button(
        ListKind.REQUEST, SOMEBODY, SOMEBODY, State.COMPLETED, label="Refill the 100,000 delivered"
    ),
    actions.CONFIRM_REFILL: lambda: actions.CONFIRM_REFILL.button(
        ListKind.REQUEST, SOMEBODY, SOMEBODY, 100_000, label="Refill 100 orders"
    ),
    actions.NO_REFILL: actions.NO_REFILL.button,
    actions.TRY_UNDER: lambda: actions.TRY_UNDER.button(ListKind.REQUEST, SOMEBODY, SOMEBODY, name="W" * 32),
    actions.TRY_OTHERS: lambda: actions.TRY_OTHERS.button(
        ListKind.REQUEST, SOMEBODY, label="Try another key for the not found"
    ),
    actions.WEBHOOK: lambda: actions.WEBHOOK.button("register", label="Register"),
    actions.CHANGE: actions.CHANGE.button,
    actions.WAY: lambda: actions.WAY.menu(options=dict.fromkeys(NotifyVia, "some way"), chosen=NotifyVia.OFF),
    actions.TIMING: lambda: actions.TIMING.menu(options=dict.fromkeys(NotifyWhen, "some time"), chosen=NotifyWhen.EACH),
    actions.LANGUAGE: lambda: actions.LANGUAGE.menu(options=OWN_NAMES, chosen=Language.HINDI),
    actions.SILENT: lambda: actions.SILENT.button("on", label="Make messages silent"),
    actions.COPY_IDS: lambda: actions.COPY_IDS.menu(
        ListKind.REQUEST, SOMEBODY, options=dict.fromkeys(State, "Copy IDs: 100,000 orders")
    ),
    actions.MORE: lambda: actions.MORE.menu(
        ListKind.REQUEST,
        SOMEBODY,
        options=actions.CONFIRM_REFILL.option(
            ListKind.REQUEST, SOMEBODY, SOMEBODY, 100_000, State.CANCELLED, label="Refill the 100,000 partly delivered"
        ),
    ),
}
"""A button or menu for each action but the forms, with the largest numbers and the longest names."""

RELEASED = {
    actions.KEY_STEPS: ("np:key-steps",),
    actions.CONNECT: ("np:connect", "np:connect:second key"),
    actions.KEY_FORM: ("np:key", "np:key:second key"),
    actions.ASK_REMOVE: ("np:ask-remove:1",),
    actions.REMOVE_KEY: ("np:remove-key:1",),
    actions.KEEP_KEY: ("np:keep-key",),
    actions.PASTE: ("np:paste",),
    actions.ORDERS_FORM: ("np:orders",),
    actions.PASTE_FOR: ("np:paste-for:status", "np:paste-for:refill"),
    actions.ORDERS_FOR_FORM: ("np:orders-for:status", "np:orders-for:refill"),
    actions.CONFIRM: ("np:confirm:1",),
    actions.KEEP: ("np:keep:1",),
    actions.STATUS: ("np:status:1",),
    actions.REFILL_NAMED: ("np:refill-named:1",),
    actions.STOP: ("np:stop:1",),
    actions.RETRY: ("np:retry:1",),
    actions.TRY_UNDER: ("np:try:request:1:2", "np:try:notice:1:2"),
    actions.TRY_OTHERS: ("np:try-others:request:1", "np:try-others:notice:1"),
    actions.REFILL: ("np:refill:request:1:2", "np:refill:notice:1:2", "np:refill:notice:1:2:partial"),
    actions.CONFIRM_REFILL: ("np:refill-go:request:1:2:30", "np:refill-go:notice:1:2:30"),
    actions.NO_REFILL: ("np:refill-no",),
    actions.LIST: ("np:list:request:1", "np:list:notice:1", "np:list:open:0", "np:list:history:30:refunded"),
    actions.BROWSE: ("np:browse:request:1", "np:browse:open:0", "np:browse:history:30:cancelled"),
    actions.PAGE: (
        "np:page:request:1:0",
        "np:page:history:30:49:refunded",
        "np:page:open:0:0:first",
        "np:page:history:30:49:failed:last",
    ),
    actions.COPY_IDS: ("np:ids:request:1:cancelled", "np:ids:notice:1:refunded", "np:ids:open:0:queued"),
    actions.MORE: (
        "np:more:request:1:np:ids:request:1:cancelled",
        "np:more:notice:1:np:try-others:notice:1",
        "np:more:open:0:np:list:open:0",
        "np:more:history:30:np:list:history:30:cancelled",
    ),
    actions.CHECK_NOW: ("np:look",),
    actions.ASK_UNWATCH: ("np:ask-unwatch",),
    actions.UNWATCH: ("np:unwatch", "np:unwatch:1"),
    actions.UNWATCH_ONE: ("np:unwatch-one:1",),
    actions.KEEP_WATCHING: ("np:keep-watching",),
    actions.HELLO: ("np:hello",),
    actions.ASK_AGAIN: ("np:ask-again:1",),
    actions.UPDATES: ("np:news:123456789012345678",),
    actions.CHANGE: ("np:settings",),
    actions.SETTINGS_FORM: ("np:settings-form",),
    actions.WAY: ("np:way:direct", "np:way:channel", "np:way:off"),
    actions.TIMING: ("np:timing:each", "np:timing:finished"),
    actions.LANGUAGE: ("np:language:auto", "np:language:pt_BR"),
    actions.SILENT: ("np:silent:on", "np:silent:off"),
    actions.WEBHOOK: tuple(
        f"np:webhook:{step}" for step in ("show", "make", "ask", "register", "secret", "forget", "off")
    ),
    actions.ERASE: ("np:erase",),
    actions.KEEP_ALL: ("np:keep-all",),
}
"""Custom_ids in messages that are alive, a menu's with a choice behind it: each is answered by its action for ever."""
