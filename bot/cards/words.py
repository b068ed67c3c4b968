"""Every sentence about a state, in one place; reasons.py has those about the panel's refusals, errors.py the errors.

The word "cancelled" stands only where the panel's status has said so, "refunded" only where a refund is proven. What is
marked here is translated with `_` by whoever shows it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from bot.cards.language import N_, _, plural
from bot.cards.text import code
from bot.domain.order_ids import Junk, Sample
from bot.domain.states import State


@dataclass(frozen=True, slots=True)
class Wording:
    """How a group of orders in the same state is headed, counted and explained."""

    emoji: str
    title: str
    short: str
    meaning: str


WORDINGS: Mapping[State, Wording] = {
    State.CANCELLED: Wording("✅", N_("Cancelled"), N_("cancelled"), N_("The panel's own status says so.")),
    State.QUEUED: Wording(
        "⏳",
        N_("Queued at the provider"),
        N_("queued"),
        N_(
            "The panel took the request and passed it on. **Not final:** it can take up to 72 hours, and the provider "
            "may still deliver instead. You hear from me when it ends."
        ),
    ),
    State.ACCEPTED: Wording(
        "🔎",
        N_("Taken by the panel, being checked"),
        N_("being checked"),
        N_("Its status tells in a moment what that meant."),
    ),
    State.SENDING: Wording("📨", N_("Being sent"), N_("being sent"), N_("Waiting for the panel's answer.")),
    State.REQUESTED: Wording(
        "🕓",
        N_("Waiting to be sent"),
        N_("waiting"),
        N_("Not with the panel yet; nothing has happened to them."),
    ),
    State.UNKNOWN: Wording(
        "❔",
        N_("Unclear, being checked"),
        N_("unclear"),
        N_(
            "The panel gave no clear answer, so it may or may not have acted. I ask for each order's status, and send "
            "again only what is plainly still running. Tell your customer nothing yet."
        ),
    ),
    State.REFUSED: Wording("⛔", N_("Refused by the panel"), N_("refused"), N_("Nothing was changed at the panel.")),
    State.PARTIAL: Wording(
        "🌓",
        N_("Ended partly delivered"),
        N_("partial"),
        N_("The panel's status says *partial*; such orders often get no refill."),
    ),
    State.COMPLETED: Wording(
        "📦",
        N_("Delivered before the request took effect"),
        N_("delivered"),
        N_("The panel's status says *completed*."),
    ),
    State.FAILED: Wording(
        "❌",
        N_("Failed"),
        N_("failed"),
        N_("The panel's status says *failed*. Check the charge in your NotPanel orders."),
    ),
    State.EXPIRED: Wording(
        "⌛",
        N_("No longer watched"),
        N_("no longer watched"),
        N_("How these ended is not known. Check them in your NotPanel orders."),
    ),
    State.WITHDRAWN: Wording(
        "↩️",
        N_("Not sent"),
        N_("not sent"),
        N_("Never with the panel: it was stopped or its key removed first, or 30 days went by."),
    ),
}
"""In the order in which cards show them."""

OUTCOMES: Mapping[State, str] = {
    State.CANCELLED: N_("cancelled"),
    State.PARTIAL: N_("partly delivered"),
    State.COMPLETED: N_("delivered"),
    State.FAILED: N_("failed"),
    State.REFUSED: N_("refused"),
    State.EXPIRED: N_("no longer watched"),
    State.WITHDRAWN: N_("not sent"),
}
"""How a cancellation can end, as a person asks for it."""


class PreviewKind(StrEnum):
    """What would come of an order, by what the panel says of it before anything is sent; in the order of the card."""

    PENDING = "pending"
    IN_FLIGHT = "in flight"
    ENDED = "ended"
    REFUSED = "refused"
    STRANGE = "strange"
    SILENT = "silent"


PREVIEWS: Mapping[PreviewKind, str] = {
    PreviewKind.PENDING: N_("🟢 **{count}** pending: would be refunded at once, if still pending when sent"),
    PreviewKind.IN_FLIGHT: N_(
        "⏳ **{count}** in flight: would be passed on to the provider, which takes up to 72 hours and may fail"
    ),
    PreviewKind.ENDED: N_("⛔ **{count}** ended already, so there is nothing left to stop"),
    PreviewKind.REFUSED: N_("⛔ **{count}** with an error in place of a status, in the panel's own words"),
    PreviewKind.STRANGE: N_("❔ **{count}** with a status that I do not know, so I cannot tell"),
    PreviewKind.SILENT: N_("❔ **{count}** of which I got no answer that I can read"),
}
PREVIEW_PROVES = N_("-# What counts is how they stand when they are sent; and a service may not allow stopping at all.")
PREVIEW_TOO_LONG = N_("-# I do not check a list this long first: that takes as many calls as sending it.")


class RefillFate(StrEnum):
    """What is known of one order for which a refill was asked."""

    TAKEN = "taken"
    REFUSED = "refused"
    UNCLEAR = "unclear"
    UNSENT = "unsent"


REFILLS: Mapping[RefillFate, Wording] = {
    RefillFate.TAKEN: Wording(
        "🔁",
        N_("Accepted by the panel"),
        N_("accepted"),
        N_(
            "Each with the panel's refill ID. That it has been delivered this does not say: look in your NotPanel "
            "orders."
        ),
    ),
    RefillFate.REFUSED: WORDINGS[State.REFUSED],
    RefillFate.UNCLEAR: Wording(
        "❔",
        N_("Asked for, no clear answer"),
        N_("unclear"),
        N_(
            "It is **not known whether the panel took these**, and no call can find out. I do not send them again: "
            "look in your NotPanel orders before you ask again."
        ),
    ),
    RefillFate.UNSENT: Wording("↩️", N_("Not sent"), N_("not sent"), N_("Nothing was done for these.")),
}
"""In the order in which a card shows them."""

QUOTED = frozenset({State.REFUSED, State.UNKNOWN, State.EXPIRED})
"""How an order stands while the panel's message about it holds; beside a known end they would be of the past."""


def panel_status(word: str, most: int = 40) -> str:
    """Return an order's status in the panel's own word, said to be one."""
    return _("status {word}", word=code(word, most))


REFUND_NOT_KNOWN = N_("Check your balance: that status does not tell whether money came back.")
REFUND_NOT_SHOWN = N_("Where no refund is shown, it does not say whether money came back: check your balance.")

ONLY_WATCHED = N_(
    "Some I only watch now, since they were sent too often without a clear answer or had been asked for before: "
    "`/cancel` them to try again, or press *Retry unclear* on their card."
)

TRACES = N_("Traces may stay in unused parts of the ledger's files until they are written over.")


def ignored(junk: Junk, repeats: int = 0) -> str:
    """Name what was no order ID, or no whole one; empty when there was nothing."""
    notes = [plural("{count} repeat left out.", "{count} repeats left out.", repeats)] if repeats else []
    if junk.cut_short.count:
        cut_short = replace(junk.cut_short, tokens=tuple(f"{one.rstrip('.')}…" for one in junk.cut_short.tokens))
        notes.append(_("Looks cut short, so not sent: {words}. Copy the whole ID.", words=_strange(cut_short)))
    if junk.damaged.count:
        changed = _(
            "Changed by a spreadsheet, so not sent: {words}. Format the column as text and save it again.",
            words=_strange(junk.damaged),
        )
        notes.append(changed)
    if junk.others.count:
        notes.append(_("Not order IDs, so not sent: {words}.", words=_strange(junk.others)))
    return "-# " + " ".join(notes) if notes else ""


def _strange(sample: Sample) -> str:
    shown = ", ".join(code(token, 30) for token in sample.tokens)
    more = sample.count - len(sample.tokens)
    if more <= 0:
        return shown
    if sample.over:
        return _("{words} and over {more} more", words=shown, more=more)
    return _("{words} and {more} more", words=shown, more=more)
