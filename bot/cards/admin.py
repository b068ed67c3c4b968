"""The operator's card: the figures of /metrics, in English as the log is."""

from collections.abc import Mapping
from datetime import timedelta

from bot.cards.layout import CardView, Tone, card
from bot.cards.text import ago, listed
from bot.domain.states import State
from bot.ledger import Standing
from bot.ops.figures import MOST_INVALID, Figures, Histogram, Overview

_ROOM = 700
"""Characters for one list of counts; there are two, of a few dozen entries at most."""


def admin_card(view: Overview) -> CardView:
    """Show how the bot is doing."""
    well = view.connected and view.standing is not None
    parts = [
        "### How the bot is doing\n" + _process(view),
        _ledger(view.standing, view) if view.standing else "**Ledger:** cannot be read at the moment",
        _panel(view),
        _discord(view.figures),
    ]
    return card(Tone.PLAIN if well else Tone.BAD, parts)


def _process(view: Overview) -> str:
    gateway = "open" if view.connected else "**closed**"
    loops = _pairs({name: f"{silent:.0f} s" for name, silent in view.loops.items()})
    return f"Counting since {ago(view.figures.started_at)} · gateway {gateway}\n-# Last turn of each loop, ago: {loops}"


def _ledger(standing: Standing, view: Overview) -> str:
    unknown, queued, due = standing.oldest_unknown_at, standing.oldest_queued_at, standing.oldest_due_at
    late = max(view.now - due, timedelta()) if due else timedelta()
    counts = {
        "in lists": standing.waiting,
        "requested": standing.requested,
        "sending": standing.sending,
        "accepted": standing.accepted,
        "queued": standing.queued,
        "unclear": standing.unknown,
    }
    oldest = " · ".join(f"oldest {name} {ago(at)}" for name, at in (("unclear", unknown), ("queued", queued)) if at)
    outbox = f", oldest {ago(standing.oldest_notice_at)}" if standing.oldest_notice_at else ""
    lines = [
        f"**Open:** {_pairs(counts)}",
        oldest,
        f"**Looks late by:** {late.total_seconds():,.0f} s · **cards behind:** {standing.cards:,}",
        f"**Outbox:** {standing.outbox:,}{outbox} · kept for the next command: {standing.kept:,}",
    ]
    return "\n".join(filter(None, lines))


def _panel(view: Overview) -> str:
    figures = view.figures
    calls = {f"{action} {outcome}": count for (action, outcome), count in sorted(figures.panel_calls.items())}
    answered = ago(figures.panel_answered_at) if figures.panel_answered_at else "not yet"
    lines = [
        f"**Panel calls:** {_pairs(calls)} · {_speed(figures.panel_seconds)}",
        f"Last answer {answered} · calls left this minute: {_pairs(view.remaining)}",
        f"**Ended by what the panel said:** {_pairs(figures.ended)}",
    ]
    if figures.webhook_calls:
        lines.append(f"**Webhook calls:** {_pairs(figures.webhook_calls)} · orders made due: {figures.nudged:,}")
    return "\n".join(lines)


def _discord(figures: Figures) -> str:
    return (
        f"**Acknowledged:** {figures.acknowledged.count:,} · {_speed(figures.acknowledged)} · "
        f"failed: {figures.not_acknowledged:,}\n"
        f"**Requests to Discord:** {_pairs(figures.discord_requests)} · "
        f"invalid in ten minutes: {figures.invalid_of_late:,} of {MOST_INVALID:,}"
    )


def _pairs(values: Mapping[str, int] | Mapping[str, str] | Mapping[State, int]) -> str:
    texts = [f"{name} {value:,}" if isinstance(value, int) else f"{name} {value}" for name, value in values.items()]
    shown, missing = listed(texts, _ROOM)
    return (shown or "none") + (f" and {missing} more" if missing else "")


def _speed(durations: Histogram) -> str:
    bound = durations.within(0.95)
    if bound is None:
        return f"95 % longer than {durations.bounds[-1]:g} s" if durations.count else "no times yet"
    return f"95 % within {bound:g} s"
