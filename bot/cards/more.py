"""The menu *More …* under a card of orders: what is asked for too seldom for a button. Labels say how many of what."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.cards import actions
from bot.cards.groups import Sections
from bot.cards.keys import Names
from bot.cards.language import _, number, plural
from bot.cards.words import WORDINGS
from bot.domain.states import State
from bot.ledger import Cancellation, Group, Groups, Keyring, ListKind
from bot.services.keyring import keys_beside
from bot.services.reasons import order_not_found

Options = Mapping[str, str]
"""What each option is called, by the custom_id of the button that it stands for."""

_MOST_OPTIONS = 25
"""Options of one menu (Discord)."""
_MOST_TRIES = 3
"""Other keys with an option each; more of them share one option."""
_MOST_REFILLS = 3
"""Keys whose orders one card offers to refill."""
_DELIVERED_FOR = timedelta(days=1)
"""How long after its cancel request a delivered order has no option to refill it: its user did not want it."""


def more_menu(kind: ListKind, list_id: int, *offers: Options) -> list[actions.Menu]:
    """Return the menu with all that is offered; nothing where nothing is."""
    options = {value: label for offer in offers for value, label in offer.items()}
    shown = dict(list(options.items())[:_MOST_OPTIONS])
    return [actions.MORE.menu(kind, list_id, options=shown)] if shown else []


def copy_ids(kind: ListKind, list_id: int, sections: Sections) -> Options:
    """Offer the IDs of each group, to copy."""
    options: dict[str, str] = {}
    for state, section in sections.items():
        group = f"{number(section.count)} {_(WORDINGS[state].short, count=section.count)}"
        options |= actions.COPY_IDS.option(kind, list_id, state, label=_("Copy IDs: {group}", group=group))
    return options


def whole_list(kind: ListKind, list_id: int, outcome: State | None = None) -> Options:
    """Offer the list as a file."""
    return actions.LIST.option(kind, list_id, outcome, label=_("Whole list (CSV)"))


def refill(kind: ListKind, list_id: int, groups: Groups, names: Names, now: datetime) -> Options:
    """Offer refills of what was partly delivered, and a day later of what was delivered whole.

    Under each key apart: an order is known under its own key alone. Looks at the orders that a card can show.
    """
    options: dict[str, str] = {}
    for state in (State.PARTIAL, State.COMPLETED):
        group = groups.get(state, Group(0, ()))
        wanted = [order for order in group.first if state is State.PARTIAL or order.created_at < now - _DELIVERED_FOR]
        for account_id in sorted({order.account_id for order in wanted})[:_MOST_REFILLS]:
            count = _count(group, [order for order in group.first if order.account_id == account_id])
            label = " · ".join(filter(None, [_refill_label(state, count), names.get(account_id, "")]))
            options |= actions.REFILL.option(kind, list_id, account_id, state, label=label)
    return options


def _refill_label(state: State, count: int | None) -> str:
    if state is State.PARTIAL:
        if count is None:
            return _("Refill the partly delivered")
        return plural("Refill the {count} partly delivered", "Refill the {count} partly delivered", count)
    if count is None:
        return _("Refill the delivered")
    return plural("Refill the {count} delivered", "Refill the {count} delivered", count)


def retry(request_id: int, groups: Groups) -> Options:
    """Offer one more try for what is only watched."""
    group = groups.get(State.UNKNOWN, Group(0, ()))
    given_up = [order for order in group.first if order.is_only_watched]
    if not given_up:
        return {}
    count = _count(group, given_up)
    label = (
        _("Retry the unclear")
        if count is None
        else plural("Retry the {count} unclear", "Retry the {count} unclear", count)
    )
    return actions.RETRY.option(request_id, label=label)


def other_keys(kind: ListKind, list_id: int, keys: Keyring, groups: Groups) -> Options:
    """Offer to try under a user's other keys what the panel did not find; looks at the orders that a card can show."""
    group = groups.get(State.REFUSED, Group(0, ()))
    lost = [order for order in group.first if order_not_found(order)]
    others = keys_beside(keys, {order.account_id for order in lost})
    if len(others) > _MOST_TRIES:
        return actions.TRY_OTHERS.option(kind, list_id, label=_("Try another key for the not found"))
    options: dict[str, str] = {}
    for one in others:
        count = _count(group, [order for order in lost if order.account_id != one.id])
        label = (
            _("Try {name} for the not found", name=one.name)
            if count is None
            else plural(
                "Try {name} for the {count} not found", "Try {name} for the {count} not found", count, name=one.name
            )
        )
        options |= actions.TRY_UNDER.option(kind, list_id, one.id, label=label)
    return options


def _count(group: Group, orders: list[Cancellation]) -> int | None:
    """Return how many these are, where all of their group are known."""
    return len(orders) if len(group.first) == group.count else None
