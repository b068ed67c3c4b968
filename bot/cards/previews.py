"""What a question's card tells of the orders before they are sent: what the panel said, and what that would mean."""

from collections.abc import Sequence

from bot.cards.language import _, number
from bot.cards.reasons import REASONS
from bot.cards.text import listed, quoted
from bot.cards.words import PREVIEW_PROVES, PREVIEWS, PreviewKind
from bot.domain.order_status import OrderStatus
from bot.domain.reasons import Reason
from bot.ledger import Preview, PreviewState
from bot.services.previews import MOST_WORDS
from bot.services.reasons import all_not_found

_MOST_SHOWN = 4
"""Different panel messages that one line quotes."""

_KINDS = {
    OrderStatus.PENDING: PreviewKind.PENDING,
    OrderStatus.PROCESSING: PreviewKind.IN_FLIGHT,
    OrderStatus.IN_PROGRESS: PreviewKind.IN_FLIGHT,
    OrderStatus.UNKNOWN: PreviewKind.STRANGE,
}
"""All other statuses are final."""


def preview_text(preview: Preview) -> str:
    """Show what is known of a request's orders before it is confirmed, and what is still being asked or never was."""
    lines = [_line(kind, count, preview) for kind, count in _counts(preview).items() if count]
    if lines:
        lines = [*lines, _(PREVIEW_PROVES)]
    return "\n".join([*lines, *_rest(preview)])


def cancellable(preview: Preview) -> int | None:
    """Return how many of the orders can still be cancelled by what the panel says; None where that is not all known."""
    if preview.state is not PreviewState.DONE or preview.asked < preview.wanted:
        return None
    counts = _counts(preview)
    return preview.wanted - counts[PreviewKind.ENDED] - counts[PreviewKind.REFUSED]


def _counts(preview: Preview) -> dict[PreviewKind, int]:
    """Count orders by what would come of them, in the order of the card."""
    counts = dict.fromkeys(PreviewKind, 0)
    for status, count in preview.statuses.items():
        counts[_KINDS.get(status, PreviewKind.ENDED)] += count
    counts[PreviewKind.REFUSED] = preview.refused
    counts[PreviewKind.SILENT] = preview.asked - sum(counts.values())
    return counts


def _line(kind: PreviewKind, count: int, preview: Preview) -> str:
    match kind:
        case PreviewKind.ENDED:
            ended = {status: count for status, count in preview.statuses.items() if status.is_final}
            why = f": {' · '.join(f'{number(ended[status])} {status}' for status in OrderStatus if status in ended)}"
        case PreviewKind.STRANGE:
            why = f": {_quoted(preview.strange_words)}"
        case PreviewKind.REFUSED if _all_not_found(preview):
            return _("⛔ {count} not found under this key", count=count)
        case PreviewKind.REFUSED:
            why = f": {_quoted(preview.refusals)}"
        case _:
            why = ""
    return _(PREVIEWS[kind], count=count) + why


def _all_not_found(preview: Preview) -> bool:
    """Tell whether that is all that the panel has said in place of a status; of too many messages it is not known."""
    return len(preview.refusals) < MOST_WORDS and all_not_found(preview.refusals)


def _quoted(words: Sequence[str]) -> str:
    shown, _missing = listed([quoted(word, 60) for word in words[:_MOST_SHOWN]], 500)
    return shown + (" …" if len(words) > _MOST_SHOWN else "")


def _rest(preview: Preview) -> list[str]:
    """Say what is still being asked, or what was not asked and why."""
    left = preview.wanted - preview.asked
    if isinstance(preview.state, Reason):
        return [f"-# {_stopped(preview, left, _(REASONS[preview.state].stop))}"]
    if left and preview.asked:
        return [_("-# 🔎 Checking… {asked} of {wanted} so far.", asked=preview.asked, wanted=preview.wanted)]
    return [_("-# 🔎 Checking how they stand…")] if left else []


def _stopped(preview: Preview, left: int, why: str) -> str:
    if not preview.asked:
        return _("Not checked: {why}.", why=why)
    if not left:
        return _("Stopped checking: {why}.", why=why)
    return _("{left} not checked: {why}.", left=left, why=why)
