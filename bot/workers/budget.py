"""How many calls may still go to the panel: one budget for the IP address, one for each key.

The panel also counts the calls of an account, under all of its keys, against the limit of its tier. We learn of that
limit only when it is used up.

No library does this: the limits are learned from the panel's headers, and commands go before watching.
A call is paid for in the same step that decides on it, so tasks may be cancelled anywhere without a leak.
Calls that somebody waits for (`wait`) go first, then what the scheduler sends, then watching. The scheduler leaves a
tenth of the address's calls to those who wait, and the next free calls to those who wait already.
"""

import asyncio
from collections import defaultdict, deque
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum

from bot.domain.clock import Clock, Sleep
from bot.domain.panel_answers import Limits
from bot.domain.polling import later
from bot.panel import RateLimited

_MINUTE = timedelta(minutes=1)
_WINDOW = _MINUTE + timedelta(seconds=2)
"""A call that was slow on its way may reach the panel in the same minute as one sent so much later."""
_MOST_BELIEVED = 10_000
"""Calls a minute; a higher limit of one key is a mistake, a time for example."""
_DENIED_WITHOUT_RESET = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that is being connected and has no account yet."""

    user_id: int


Key = int | NewKey
"""Whose calls are counted: an account's by its id, or those of a key that is being connected."""


class CallKind(IntEnum):
    """What a call is for; the smaller goes first.

    For COMMAND somebody waits at the screen, PREVIEW is asked beside a question, SEND is what the ledger says is to be
    sent, and WATCH everything else.
    """

    COMMAND = 0
    PREVIEW = 1
    SEND = 2
    WATCH = 3


WATCH_SHARE_OF_IP = 0.7
"""The rest is for commands, whenever they come."""
WATCH_SHARE_OF_KEY = 0.5
"""The rest is for the user's own integrations, which use the same key."""
LEFT_BY_SENDING = 10
"""One in ten of the address's calls is left to people who wait for an answer."""
_WAITING_SHARE_OF_IP = 0.3
"""At most this share is kept for people who wait, so that lists always go on."""
_NEW_KEYS_SHARE_OF_IP = 15
"""One in fifteen calls may check a new key: 20 a minute for all new keys together."""
PATIENCE = timedelta(seconds=10)
"""For how long a call waits for its turn; what would take longer is refused at once."""
_ASK_AGAIN_EVERY = timedelta(seconds=1)


@dataclass(slots=True)
class _Layer:
    """Calls of the last minute against one limit, and a time before which the panel wants none."""

    limit: int
    share: float
    spent: deque[datetime] = field(default_factory=deque[datetime])
    sent: deque[datetime] = field(default_factory=deque[datetime])
    """What the scheduler has sent, for watching or not."""
    watched: deque[datetime] = field(default_factory=deque[datetime])
    refused_until: datetime | None = None

    def follow_clock(self, now: datetime) -> None:
        """Count what a clock that was set back has put into the future as of now."""
        self.spent = deque(min(time, now) for time in self.spent)
        self.sent = deque(min(time, now) for time in self.sent)
        self.watched = deque(min(time, now) for time in self.watched)
        if self.refused_until:
            self.refused_until = min(self.refused_until, now + _MINUTE)

    def absorb(self, other: "_Layer") -> None:
        """Count what was counted elsewhere as well."""
        self.spent = deque(sorted([*self.spent, *other.spent]))
        self.sent = deque(sorted([*self.sent, *other.sent]))
        self.watched = deque(sorted([*self.watched, *other.watched]))
        self.refused_until = later(self.refused_until, other.refused_until)

    @property
    def most_watched(self) -> int:
        """How many calls a minute may be for watching."""
        return max(int(self.limit * self.share), 1)

    def blocked_until(self, now: datetime, kind: CallKind, before: int = 0) -> datetime | None:
        """Return when this layer takes the next call of a kind, behind `before` others; None when it takes one now."""
        free = now + _WINDOW if before >= self.limit else _full(self.spent, self.limit - before, now)
        until = later(free, self.refused_until)
        if kind is CallKind.WATCH:
            until = later(until, _full(self.watched, self.most_watched, now))
        return until if until and until > now else None

    def earliest(self, now: datetime, calls: int) -> datetime:
        """Return when the last of `calls` more calls can be made, if nobody else makes any."""
        rounds, more = divmod(calls - 1, self.limit)
        _full(self.spent, self.limit, now)
        before = len(self.spent) + more - self.limit
        free = self.spent[before] + _WINDOW if before >= 0 else now
        return max(free, self.refused_until or now) + rounds * _WINDOW

    def remaining(self, now: datetime) -> int:
        """Return how many calls this layer takes now."""
        if self.refused_until and self.refused_until > now:
            return 0
        _full(self.spent, self.limit, now)
        return max(self.limit - len(self.spent), 0)

    def spend(self, now: datetime, kind: CallKind) -> None:
        """Count a call."""
        self.spent.append(now)
        if kind >= CallKind.SEND:
            self.sent.append(now)
        if kind is CallKind.WATCH:
            self.watched.append(now)

    def refund(self, kind: CallKind, spent_at: datetime) -> None:
        """Count a call less, unless it was spent so long ago that it counts no more."""
        for times in (self.spent, self.sent, self.watched)[: 1 + (kind >= CallKind.SEND) + (kind is CallKind.WATCH)]:
            with suppress(ValueError):
                times.remove(spent_at)

    def block(self, until: datetime) -> None:
        """Take no call until then, or until a later time that was set before."""
        self.refused_until = later(self.refused_until, until)


def _full(times: deque[datetime], limit: int, now: datetime) -> datetime | None:
    """Forget what is over; return when the next call may come, where as many were made as are allowed."""
    while times and times[0] <= now - _WINDOW:
        times.popleft()
    return times[-limit] + _WINDOW if len(times) >= limit else None


@dataclass(frozen=True, slots=True)
class Ticket:
    """A call that is paid for."""

    key: Key
    kind: CallKind
    paid_at: datetime


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """A call that waits for its turn."""

    key: Key
    kind: CallKind


class Budget:
    """Counts calls a minute, and learns from the panel's headers and its 429s (NotPanel docs, rate limits)."""

    def __init__(self, clock: Clock, ip_limit: int, key_limit: int, *, sleep: Sleep = asyncio.sleep) -> None:
        self._clock = clock
        self._sleep = sleep
        self._waiting: list[_Waiting] = []
        self._new_keys = _Layer(max(ip_limit // _NEW_KEYS_SHARE_OF_IP, 1), 1)
        self._ip = _Layer(ip_limit, WATCH_SHARE_OF_IP)
        self._keys: defaultdict[Key | bytes, _Layer] = defaultdict(lambda: _Layer(key_limit, WATCH_SHARE_OF_KEY))
        """By the key's fingerprint, or by the account where that is not known."""
        self._fingerprints: dict[Key, bytes] = {}
        self._panel_accounts: dict[Key, int] = {}
        self._tiers: dict[Key, datetime] = {}
        """Until when the panel takes no calls of a panel account, under whichever key."""

    def link(self, account_id: int, panel_account: int, fingerprint: bytes | None = None) -> None:
        """Note of which panel account a key is, and which key: the calls of all who hold it count together.

        Without this each account is a key of its own. The calls of an earlier key of the account go on counting, but
        not for others who hold the new one: their count is known, except for the call that checked this key.
        """
        self._panel_accounts[account_id] = panel_account
        if fingerprint is None or self._fingerprints.get(account_id) == fingerprint:
            return
        before = self._keys.get(self._fingerprints.get(account_id, account_id))
        is_held = account_id in self._fingerprints and fingerprint in self._fingerprints.values()
        self._keys.pop(account_id, None)
        self._fingerprints[account_id] = fingerprint
        if before and is_held:
            self._layer(account_id).spend(self._clock(), CallKind.COMMAND)
        elif before:
            self._layer(account_id).absorb(before)

    def _layer(self, key: Key) -> _Layer:
        return self._keys[self._fingerprints.get(key, key)]

    def _tier_blocked_until(self, key: Key, now: datetime) -> datetime | None:
        until = self._tiers.get(self._panel_accounts.get(key, key))
        return until if until and until > now else None

    def _block_tier(self, key: Key, until: datetime) -> None:
        panel_account = self._panel_accounts.get(key, key)
        self._tiers[panel_account] = later(self._tiers.get(panel_account), until) or until

    def blocked_until(self, key: Key, kind: CallKind = CallKind.COMMAND) -> datetime | None:
        """Return until when a key may make no such call, or None when it may now."""
        now = self._clock()
        if kind < CallKind.SEND:
            return self._blocked_until(key, kind, now)
        kept = min(len(self._waiting), int(self._ip.limit * _WAITING_SHARE_OF_IP))
        full = _full(self._ip.sent, self._ip.limit - self._ip.limit // LEFT_BY_SENDING, now)
        until = later(self._blocked_until(key, kind, now, kept), full)
        return until if until and until > now else None

    def _blocked_until(
        self, key: Key, kind: CallKind, now: datetime, before: int = 0, before_by_key: int = 0
    ) -> datetime | None:
        by_key = self._key_blocked_until(key, kind, now, before_by_key)
        until = later(by_key, self._ip.blocked_until(now, kind, before))
        return later(until, self._new_keys.blocked_until(now, kind)) if isinstance(key, NewKey) else until

    def _key_blocked_until(self, key: Key, kind: CallKind, now: datetime, before: int = 0) -> datetime | None:
        return later(self._layer(key).blocked_until(now, kind, before), self._tier_blocked_until(key, now))

    async def wait(self, key: Key, kind: CallKind = CallKind.COMMAND) -> None:
        """Wait for a call's turn and count it: by kind, then whoever has called least of late, then who came first.

        Raise RateLimited, at once, where it would take longer than PATIENCE.
        """
        self._forget_new_keys()
        give_up, me = self._clock() + PATIENCE, _Waiting(key, kind)
        self._waiting.append(me)
        try:
            while until := self._turn_of(me):
                if until > give_up:
                    raise RateLimited(reset=until)
                await self._sleep(min(until - self._clock(), _ASK_AGAIN_EVERY).total_seconds())
            self._count(key, kind, self._clock())
        finally:
            self._waiting.remove(me)

    def _turn_of(self, me: _Waiting) -> datetime | None:
        """Return when a waiting call may expect its turn, or None when it is now."""
        now = self._clock()
        order = sorted(self._waiting, key=lambda one: (one.kind, self.used(one.key)))
        ahead = order[: order.index(me)]
        by_key = sum(self._layer(one.key) is self._layer(me.key) for one in ahead)
        able = sum(not self._key_blocked_until(one.key, one.kind, now) for one in ahead)  # the rest block nobody
        return self._blocked_until(me.key, me.kind, now, able, by_key)

    def _forget_new_keys(self) -> None:
        """Drop the budgets of keys without an account that count no more: refused ones mostly, and replaced ones."""
        now, held = self._clock(), set(self._fingerprints.values())
        for one in [one for one in self._keys if one not in held and not isinstance(one, int)]:
            if self._keys[one].remaining(now) == self._keys[one].limit:
                del self._keys[one]

    @property
    def watching_per_second(self) -> float:
        """How many calls a second watching may make for all keys together."""
        return self._ip.most_watched / _WINDOW.total_seconds()

    def earliest(self, account_id: int, calls: int) -> datetime:
        """Return when the last of `calls` more calls with this key can be made, at the earliest."""
        now = self._clock()
        by_count = max(layer.earliest(now, calls) for layer in (self._ip, self._layer(account_id)))
        return max(by_count, self._tier_blocked_until(account_id, now) or now)

    def remaining(self) -> dict[str, int]:
        """Return how many calls are left of this minute by this count: of the address, and of the key with fewest."""
        now = self._clock()
        keys = [layer.remaining(now) for layer in self._keys.values()]
        keys += [0 for account_id in self._panel_accounts if self._tier_blocked_until(account_id, now)]
        return {"ip": self._ip.remaining(now), **({"key": min(keys)} if keys else {})}

    def used(self, key: Key) -> int:
        """Return how many calls a key has made of late: who made fewer goes first."""
        return len(self._layer(key).spent)

    def spend(self, key: Key, kind: CallKind = CallKind.COMMAND) -> Ticket:
        """Count one call, or raise RateLimited where the panel would refuse it."""
        until = self.blocked_until(key, kind)
        if until:
            raise RateLimited(reset=until)
        now = self._clock()
        self._count(key, kind, now)
        return Ticket(key, kind, now)

    def _count(self, key: Key, kind: CallKind, now: datetime) -> None:
        for layer in (self._ip, self._layer(key), *([self._new_keys] if isinstance(key, NewKey) else [])):
            layer.spend(now, kind)

    def refund(self, ticket: Ticket) -> None:
        """Take back a call which was not made after all."""
        for layer in (self._ip, self._layer(ticket.key)):
            layer.refund(ticket.kind, ticket.paid_at)

    def adopt(self, key: NewKey, account_id: int) -> None:
        """Count what was spent on a key before it had an account as that account's."""
        if layer := self._keys.pop(key, None):
            self._keys[account_id] = layer
        if until := self._tiers.pop(key, None):
            self._block_tier(account_id, until)

    def follow_clock(self) -> None:
        """Go on after the machine's clock was set back."""
        now = self._clock()
        for layer in (self._ip, self._new_keys, *self._keys.values()):
            layer.follow_clock(now)
        self._tiers = {account: min(until, now + _MINUTE) for account, until in self._tiers.items()}

    def update_from_headers(self, key: Key, limits: Limits) -> None:
        """Take over a key's limit; block it, or its panel account, when nothing remains until a reset."""
        layer = self._layer(key)
        if limits.limit and limits.limit <= _MOST_BELIEVED:
            layer.limit = limits.limit
        if limits.remaining == 0 and limits.reset:
            layer.block(limits.reset)
        if limits.tier_remaining == 0 and limits.reset:
            self._block_tier(key, limits.reset)

    def denied(self, key: Key, error: RateLimited) -> None:
        """Block what refused: all calls for `ip`, those of a panel account for `tier`, else only this key's."""
        now = self._clock()
        # A time that is over is another clock's: gone by, it would invite the next refusal at once.
        until = error.reset if error.reset and error.reset > now else now + _DENIED_WITHOUT_RESET
        if error.layer == "tier":
            self._block_tier(key, until)
        else:
            (self._ip if error.layer == "ip" else self._layer(key)).block(until)
