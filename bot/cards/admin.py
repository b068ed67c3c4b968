"""The operator's card: what /metrics says, in English as the log is."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import inf

from bot.cards.layout import CardView, Tone, card
from bot.cards.text import ago, listed
from bot.ledger import Standing
from bot.ops.health import Health
from bot.ops.metrics import MOST_INVALID, Metrics, buckets, label_counts, value

_ROOM = 700
"""Characters for one list of counts; there are two, of a few dozen entries at most."""


def admin_card(health: Health, standing: Standing | None) -> CardView:
    """Show how the bot is doing; `standing` is None while the ledger cannot be read."""
    well = health.connected() and standing is not None
    parts = [
        "### How the bot is doing\n" + _process(health),
        _ledger(standing, health.clock()) if standing else "**Ledger:** cannot be read at the moment",
        _panel(health),
        _discord(health.metrics),
    ]
    return card(Tone.PLAIN if well else Tone.BAD, parts)


def _process(health: Health) -> str:
    gateway = "open" if health.connected() else "**closed**"
    started = ago(datetime.fromtimestamp(value(health.metrics.started), UTC))
    loops = _pairs({name: f"{silent:.0f} s" for name, silent in health.silent_loops().items()})
    return f"Counting since {started} · gateway {gateway}\n-# Last turn of each loop, ago: {loops}"


def _ledger(standing: Standing, now: datetime) -> str:
    unknown, queued, due = standing.oldest_unknown_at, standing.oldest_queued_at, standing.oldest_due_at
    late = max(now - due, timedelta()) if due else timedelta()
    open_counts = {
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
        f"**Open:** {_pairs(open_counts)}",
        oldest,
        f"**Status checks late by:** {late.total_seconds():,.0f} s · **cards behind:** {standing.cards:,}",
        f"**Outbox:** {standing.outbox:,}{outbox} · undelivered: {standing.undelivered:,}",
    ]
    return "\n".join(filter(None, lines))


def _panel(health: Health) -> str:
    metrics = health.metrics
    answered_at = value(metrics.panel_answered)
    answered = ago(datetime.fromtimestamp(answered_at, UTC)) if answered_at else "not yet"
    lines = [
        f"**Panel calls:** {_pairs(dict(sorted(label_counts(metrics.panel_calls).items())))} · "
        f"{_speed(buckets(metrics.panel_seconds))}",
        f"Last answer {answered} · calls left this minute: {_pairs(health.budget.remaining())}",
        f"**Ended by what the panel said:** {_pairs(label_counts(metrics.ended))}",
    ]
    if calls := label_counts(metrics.webhook_calls):
        lines.append(f"**Webhook calls:** {_pairs(calls)} · orders made due: {value(metrics.webhook_orders):,.0f}")
    return "\n".join(lines)


def _discord(metrics: Metrics) -> str:
    acknowledged = buckets(metrics.acknowledged)
    return (
        f"**Acknowledged:** {acknowledged[inf]:,} · {_speed(acknowledged)} · "
        f"failed: {value(metrics.not_acknowledged):,.0f}\n"
        f"**Requests to Discord:** {_pairs(label_counts(metrics.discord_requests))} · "
        f"invalid in ten minutes: {metrics.invalid_requests:,} of {MOST_INVALID:,}"
    )


def _pairs(values: Mapping[str, int] | Mapping[str, str]) -> str:
    texts = [f"{name} {value:,}" if isinstance(value, int) else f"{name} {value}" for name, value in values.items()]
    shown, missing = listed(texts, _ROOM, between=", ")
    return (shown or "none") + (f" and {missing} more" if missing else "")


def _speed(within: Mapping[float, int]) -> str:
    """Return within how many seconds 95 % were done; `within`: how many took at most each number of seconds."""
    if not within[inf]:
        return "no times yet"
    bound = next(bound for bound, count in within.items() if count >= 0.95 * within[inf])
    return f"95 % within {bound:g} s" if bound < inf else f"95 % longer than {sorted(within)[-2]:g} s"
