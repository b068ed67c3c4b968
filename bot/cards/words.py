"""Every sentence about a state, in one place; reasons.py has those about the panel's refusals, errors.py the errors.

The word "cancelled" stands only where the panel's status has said so, "refunded" only where a refund is proven. What is
marked here is translated with `_` by whoever shows it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from bot.cards.language import N_, _, enumerated, plural
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
    State.CANCELLED: Wording("✅", N_("Cancelled"), N_("cancelled"), ""),
    State.QUEUED: Wording(
        "⏳",
        N_("Waiting at the provider"),
        N_("waiting"),
        N_("Not refunded yet. The provider has up to 72 h and may still deliver."),
    ),
    State.ACCEPTED: Wording("🔎", N_("Checking the result…"), N_("checking"), N_("NotPanel took the cancel.")),
    State.SENDING: Wording("📨", N_("Sending…"), N_("sending"), N_("No answer from NotPanel yet.")),
    State.REQUESTED: Wording("🕓", N_("Not sent yet"), N_("not sent yet"), N_("Nothing has happened to these.")),
    State.UNKNOWN: Wording(
        "❔",
        N_("Unclear"),
        N_("unclear"),
        N_("No clear answer: NotPanel may or may not have acted. Tell your customer nothing yet."),
    ),
    State.REFUSED: Wording("⛔", N_("Not possible"), N_("not possible"), N_("Nothing was changed.")),
    State.PARTIAL: Wording(
        "🌓",
        N_("Partly delivered"),
        N_("partly delivered"),
        N_("NotPanel's status is *partial*. Such orders often get no refill."),
    ),
    State.COMPLETED: Wording(
        "📦",
        N_("Delivered, not cancelled"),
        N_("delivered"),
        N_("Delivered before the cancel took effect."),
    ),
    State.FAILED: Wording(
        "❌",
        N_("Failed"),
        N_("failed"),
        N_("NotPanel's status is *failed*. Check the charge in your NotPanel orders."),
    ),
    State.EXPIRED: Wording(
        "⌛",
        N_("No longer watched"),
        N_("no longer watched"),
        N_("How these ended isn't known. Check your NotPanel orders."),
    ),
    State.WITHDRAWN: Wording(
        "↩️",
        N_("Not sent"),
        N_("not sent"),
        N_("Stopped, or the key was removed, or 30 days passed first."),
    ),
}
"""In the order of a card's first line: what was wanted comes first, what is open next, then how others ended."""

GROUP_ORDER = (
    State.FAILED,
    State.COMPLETED,
    State.PARTIAL,
    State.REFUSED,
    State.EXPIRED,
    State.UNKNOWN,
    State.WITHDRAWN,
    State.REQUESTED,
    State.SENDING,
    State.ACCEPTED,
    State.QUEUED,
    State.CANCELLED,
)
"""The order of the groups below it: what went wrong first, since that is what somebody has to act on."""

OUTCOMES: Mapping[State, str] = {
    state: WORDINGS[state].short
    for state in (
        *(State.CANCELLED, State.PARTIAL, State.COMPLETED, State.FAILED),
        *(State.REFUSED, State.EXPIRED, State.WITHDRAWN),
    )
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
    PreviewKind.PENDING: N_("🟢 {count} pending: refunded at once if still pending when sent"),
    PreviewKind.IN_FLIGHT: N_("⏳ {count} in progress: queued with the provider, up to 72 h, may not work"),
    PreviewKind.ENDED: N_("⛔ {count} already ended, nothing left to cancel"),
    PreviewKind.REFUSED: N_("⛔ {count} without a status"),
    PreviewKind.STRANGE: N_("❔ {count} with a status I don't know"),
    PreviewKind.SILENT: N_("❔ {count} without a clear answer"),
}
PREVIEW_PROVES = N_("-# This can change until you confirm. Some services can't be cancelled.")
PREVIEW_TOO_LONG = N_("-# No preview for more than 1,000 orders.")


class RefillFate(StrEnum):
    """What is known of one order for which a refill was asked."""

    TAKEN = "taken"
    REFUSED = "refused"
    UNCLEAR = "unclear"
    UNSENT = "unsent"


REFILLS: Mapping[RefillFate, Wording] = {
    RefillFate.TAKEN: Wording(
        "🔁",
        N_("Refill accepted"),
        N_("accepted"),
        N_("Check NotPanel to see when it's delivered."),
    ),
    RefillFate.REFUSED: WORDINGS[State.REFUSED],
    RefillFate.UNCLEAR: Wording(
        "❔",
        N_("No clear answer"),
        N_("unclear"),
        N_(
            "It isn't known whether NotPanel took these, and I don't send them again. "
            "Check your NotPanel orders before you ask again."
        ),
    ),
    RefillFate.UNSENT: Wording("↩️", N_("Not sent"), N_("not sent"), N_("Nothing was done for these.")),
}
"""In the order of the card's first line."""

QUOTED = frozenset({State.REFUSED, State.UNKNOWN, State.EXPIRED})
"""How an order stands while the panel's message about it holds; beside a known end they would be of the past."""


def panel_status(word: str, most: int = 40) -> str:
    """Return an order's status in the panel's own word, said to be one."""
    return _("status {word}", word=code(word, most))


REFUND_NOT_KNOWN = N_("Refund unknown: check your balance.")
REFUND_NOT_SHOWN = N_("No refund shown? Check your balance.")

ONLY_WATCHED = N_("Some aren't sent again by themselves: `/cancel` them to try once more.")

TRACES = N_("Traces may stay in unused parts of the ledger's files until they are written over.")


def ignored(junk: Junk, repeats: int = 0) -> str:
    """Name what was meant as an order ID and is no whole one; empty when there was nothing."""
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
    if junk.incomplete.count:
        skipped = plural(
            "Skipped {words}: not a complete order ID.",
            "Skipped {words}: not complete order IDs.",
            junk.incomplete.count,
            words=_strange(junk.incomplete),
        )
        notes.append(skipped)
    return "-# " + " ".join(notes) if notes else ""


def _strange(sample: Sample) -> str:
    shown = enumerated(code(token, 30) for token in sample.tokens)
    more = sample.count - len(sample.tokens)
    if more <= 0:
        return shown
    if sample.over:
        return _("{words} and over {more} more", words=shown, more=more)
    return _("{words} and {more} more", words=shown, more=more)
