"""Whether one more call may go to the panel: in this minute, and beside those that are under way.

Calls a minute are counted for the IP address and for each key. The panel also counts the calls of an account, under
all of its keys, against the limit of its tier, which we learn of from the headers alone. How many calls may be under
way with one key at once is set, and less where the panel turns out to take less (bot/domain/concurrency.py).

No library does this: the limits are learned from the panel's headers, and commands go before watching.
A call is paid for in the same step that decides on it, and is under way from then on until its ticket is ended or
refunded.
Calls that somebody waits for (`wait`) go first, then what the scheduler sends, then watching. The scheduler leaves a
tenth of the address's calls to those who wait, and the next free calls to those who wait already.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from bot.domain.clock import Clock, Sleep
from bot.domain.concurrency import Concurrency, EndedCall
from bot.domain.panel_answers import Limits
from bot.domain.polling import later
from bot.panel import RateLimited, Unavailable
from bot.workers.call_counts import WINDOW, CallCount, CallKind, Quota, full

AT_ONCE = 8
"""Calls that may be under way with one key, where nothing else is set."""
_MOST_BELIEVED = 10_000
"""Calls a minute; a higher limit of one key is a mistake, a time for example."""
_DENIED_WITHOUT_RESET = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that is being connected and has no account yet."""

    user_id: int


Key = int | NewKey
"""Whose calls are counted: an account's by its id, or those of a key that is being connected."""


WATCH_SHARE_OF_IP = 0.7
"""The rest is for commands, whenever they come."""
WATCH_SHARE_OF_KEY = 0.5
"""The rest is for the user's own integrations, which use the same key."""
LEFT_BY_SENDING = 10
"""One in ten of the address's calls is left to people who wait for an answer."""
_WAITING_SHARE_OF_IP = 0.3
"""At most this share is kept for people who wait, so that lists always go on."""
_AMPLE_SHARE_OF_IP = 0.5
_NEW_KEYS_SHARE_OF_IP = 15
"""One in fifteen calls may check a new key: 20 a minute for all new keys together."""
PATIENCE = timedelta(seconds=10)
"""For how long a call waits for its turn; what would take longer is refused at once."""
_ASK_AGAIN_EVERY = timedelta(seconds=1)


@dataclass(slots=True)
class _KeyCount(CallCount):
    """The calls with one key: those of the last minute, and how many more the panel takes beside those under way."""

    quota: Quota = field(default_factory=Quota)
    concurrency: Concurrency = field(default_factory=partial(Concurrency.begin, AT_ONCE))
    begun: int = 0
    """The number of the call that was begun last."""
    ended: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Ticket:
    """A call that is paid for, and under way until it has ended or is refunded; `number`: of all with its key."""

    key: Key
    kind: CallKind
    paid_at: datetime
    number: int
    count: _KeyCount = field(repr=False)
    tier: Quota = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """A call that waits for its turn."""

    key: Key
    kind: CallKind


class Budget:
    """Counts calls a minute, and learns from the panel's headers and its 429s (NotPanel docs, rate limits)."""

    def __init__(
        self, clock: Clock, ip_limit: int, key_limit: int, *, at_once: int = AT_ONCE, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._waiting: list[_Waiting] = []
        self._new_keys = CallCount(max(ip_limit // _NEW_KEYS_SHARE_OF_IP, 1), 1)
        self._ip = CallCount(ip_limit, WATCH_SHARE_OF_IP)
        self._keys: defaultdict[Key | bytes, _KeyCount] = defaultdict(
            lambda: _KeyCount(key_limit, WATCH_SHARE_OF_KEY, concurrency=Concurrency.begin(at_once))
        )
        """By the key's fingerprint, or by the account where that is not known."""
        self._fingerprints: dict[Key, bytes] = {}
        self._panel_accounts: dict[Key, int] = {}
        self._tiers: defaultdict[Key, Quota] = defaultdict(Quota)
        """What is left to a panel account, under whichever key."""
        self._freed = asyncio.Event()
        self._when_free: list[Callable[[], None]] = []

    def when_free(self, wake: Callable[[], None]) -> None:
        """Have somebody woken whenever there may be room for one more call beside those under way."""
        self._when_free.append(wake)

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
        if before is None:
            return
        count = self._count_of(account_id)
        count.begun = max(count.begun, before.begun)  # of an account's calls the later one has the higher number
        if is_held:
            count.spend(self._clock(), CallKind.COMMAND)
        else:
            count.absorb(before)
            count.quota.refuse(before.quota.refused_until)

    def _count_of(self, key: Key) -> _KeyCount:
        return self._keys[self._fingerprints.get(key, key)]

    def _tier(self, key: Key) -> Quota:
        return self._tiers[self._panel_accounts.get(key, key)]

    def blocked_until(self, key: Key, kind: CallKind = CallKind.COMMAND) -> datetime | None:
        """Return until when a key may make no such call, or None when it may now."""
        now = self._clock()
        if kind < CallKind.SEND:
            return self._blocked_until(key, kind, now)
        return later(self._key_blocked_until(key, kind, now), self.address_blocked_until(kind))

    def address_blocked_until(self, kind: CallKind) -> datetime | None:
        """Return until when the scheduler may make no such call with any key, or None."""
        now = self._clock()
        kept = min(len(self._waiting), int(self._ip.limit * _WAITING_SHARE_OF_IP))
        sent = full(self._ip.sent, self._ip.limit - self._ip.limit // LEFT_BY_SENDING, now)
        until = later(self._ip.blocked_until(now, kind, kept), sent)
        return until if until and until > now else None

    def _blocked_until(
        self, key: Key, kind: CallKind, now: datetime, before: int = 0, before_by_key: int = 0
    ) -> datetime | None:
        by_key = self._key_blocked_until(key, kind, now, before_by_key)
        until = later(by_key, self._ip.blocked_until(now, kind, before))
        return later(until, self._new_keys.blocked_until(now, kind)) if isinstance(key, NewKey) else until

    def _key_blocked_until(self, key: Key, kind: CallKind, now: datetime, before: int = 0) -> datetime | None:
        count = self._count_of(key)
        told = later(count.quota.blocked_until(now), self._tier(key).blocked_until(now))
        return later(count.blocked_until(now, kind, before), told)

    def refused_until(self, key: Key) -> datetime | None:
        """Return until when the panel has said that it takes no call with a key, or None."""
        now, count, tier = self._clock(), self._count_of(key), self._tier(key)
        told = [one.refused_until for one in (self._ip, count, count.quota, tier)]
        return max((until for until in told if until and until > now), default=None)

    def has_room(self, key: Key, kind: CallKind = CallKind.COMMAND) -> bool:
        """Tell whether one more call may be under way with a key; for whoever waits at a screen room is kept."""
        kept = sum(self._count_of(one.key) is self._count_of(key) for one in self._waiting) if self._waiting else 0
        return self._room(key) > (kept if kind >= CallKind.SEND else 0)

    def _room(self, key: Key) -> float:
        count, now = self._count_of(key), self._clock()
        beside = count.concurrency.at_once - count.quota.under_way
        return min(beside, count.quota.room(now), self._tier(key).room(now))

    async def wait(self, key: Key, kind: CallKind = CallKind.COMMAND, *, is_beside: bool = True) -> Ticket:
        """Wait for a call's turn and count it: by kind, then whoever has called least of late, then who came first.

        `is_beside`: not where the call is made with another key than those under way. Raise RateLimited, at once, where
        it would take longer than PATIENCE, and Unavailable where for so long no call with this key was answered, of as
        many as may be under way.
        """
        self._forget_new_keys()
        give_up, me = self._clock() + PATIENCE, _Waiting(key, kind)
        self._waiting.append(me)
        try:
            async with asyncio.timeout(None) as patience:
                heard = -1
                while True:
                    until, has_room = self._turn_of(me)
                    if until and until > give_up:
                        raise RateLimited(reset=until)
                    if until:
                        await self._sleep(min(until - self._clock(), _ASK_AGAIN_EVERY).total_seconds())
                    elif has_room or not is_beside:
                        return self._begin(key, kind)
                    else:
                        if heard != (heard := self._count_of(key).ended):
                            patience.reschedule(asyncio.get_running_loop().time() + PATIENCE.total_seconds())
                        with suppress(TimeoutError):  # the panel's minute ends without a word
                            await asyncio.wait_for(self._freed.wait(), _ASK_AGAIN_EVERY.total_seconds())
        except TimeoutError:
            raise Unavailable(may_have_acted=False) from None
        finally:
            self._waiting.remove(me)
            self._free()

    def _free(self) -> None:
        """Wake whoever waits for a call to end."""
        self._freed.set()
        self._freed = asyncio.Event()
        for wake in self._when_free:
            wake()

    def _turn_of(self, me: _Waiting) -> tuple[datetime | None, bool]:
        """Return when a waiting call may expect its turn, None for now, and whether there is room beside others."""
        now = self._clock()
        order = sorted(self._waiting, key=lambda one: (one.kind, self.used(one.key)))
        ahead = order[: order.index(me)]
        by_key = sum(self._count_of(one.key) is self._count_of(me.key) for one in ahead)
        able = sum(not self._key_blocked_until(one.key, one.kind, now) for one in ahead)  # the rest block nobody
        return self._blocked_until(me.key, me.kind, now, able, by_key), self._room(me.key) > by_key

    def _forget_new_keys(self) -> None:
        """Drop the budgets of keys without an account that count no more: refused ones mostly, and replaced ones."""
        now, held = self._clock(), set(self._fingerprints.values())
        for one in [one for one in self._keys if one not in held and not isinstance(one, int)]:
            if self._keys[one].remaining(now) == self._keys[one].limit:
                del self._keys[one]
        for one in [one for one in self._tiers if isinstance(one, NewKey) and not self._tiers[one].under_way]:
            del self._tiers[one]

    @property
    def watching_per_second(self) -> float:
        """How many calls a second watching may make for all keys together."""
        return self._ip.most_watched / WINDOW.total_seconds()

    def earliest(self, account_id: int, calls: int) -> datetime:
        """Return when the last of `calls` more calls with this key can be made, at the earliest."""
        now = self._clock()
        by_count = max(layer.earliest(now, calls) for layer in (self._ip, self._count_of(account_id)))
        return max(by_count, self._tier(account_id).blocked_until(now) or now)

    def remaining(self) -> dict[str, int]:
        """Return how many calls are left of this minute by this count: of the address, and of the key with fewest."""
        now = self._clock()
        keys = [layer.remaining(now) for layer in self._keys.values()]
        keys += [0 for tier in self._tiers.values() if tier.blocked_until(now)]
        return {"ip": self._ip.remaining(now), **({"key": min(keys)} if keys else {})}

    @property
    def is_ample(self) -> bool:
        """Whether so many calls of the address are left that nobody has to be weighed against others."""
        return self._ip.remaining(self._clock()) > self._ip.limit * _AMPLE_SHARE_OF_IP

    def used(self, key: Key) -> int:
        """Return how many calls a key has made of late: who made fewer goes first."""
        return len(self._count_of(key).spent)

    def spend(self, key: Key, kind: CallKind = CallKind.COMMAND) -> Ticket:
        """Count one call, or raise RateLimited where the panel would refuse it."""
        until = self.blocked_until(key, kind)
        if until:
            raise RateLimited(reset=until)
        return self._begin(key, kind)

    def _begin(self, key: Key, kind: CallKind) -> Ticket:
        now, count, tier = self._clock(), self._count_of(key), self._tier(key)
        for counted in (self._ip, count, *([self._new_keys] if isinstance(key, NewKey) else [])):
            counted.spend(now, kind)
        count.begun += 1
        for quota in (count.quota, tier):
            quota.under_way += 1
        return Ticket(key, kind, now, count.begun, count, tier)

    def refund(self, ticket: Ticket) -> None:
        """Take back a call which was not made after all."""
        for counted in (self._ip, ticket.count):
            counted.refund(ticket.kind, ticket.paid_at)
        self._leave(ticket)

    def ended(
        self, ticket: Ticket, limits: Limits, seconds: float, *, like: Hashable | None = None, dropped: bool = False
    ) -> None:
        """Note that a call is not under way any more, and what the panel's headers have said of its limits.

        `like`: calls that may be compared by how long they take; None: its time says nothing. `dropped`: the panel was
        not able to answer it, or not willing at this rate.
        """
        count = ticket.count
        if limits.limit and limits.limit <= _MOST_BELIEVED:
            count.limit = limits.limit
        count.quota.hear(limits.remaining, limits.reset, self._clock())
        ticket.tier.hear(limits.tier_remaining, limits.reset, self._clock())
        call = EndedCall(ticket.number, count.begun, seconds, like, dropped)
        count.concurrency, count.ended = count.concurrency.after(call), count.ended + 1
        self._leave(ticket)

    def _leave(self, ticket: Ticket) -> None:
        for quota in (ticket.count.quota, ticket.tier):
            quota.under_way -= 1
        self._free()

    def adopt(self, key: NewKey, account_id: int) -> None:
        """Count what was spent on a key before it had an account as that account's."""
        if layer := self._keys.pop(key, None):
            self._keys[account_id] = layer
        if tier := self._tiers.pop(key, None):
            self._tier(account_id).refuse(tier.refused_until)

    def follow_clock(self) -> None:
        """Go on after the machine's clock was set back."""
        now = self._clock()
        for layer in (self._ip, self._new_keys, *self._keys.values()):
            layer.follow_clock(now)
        for quota in (*self._tiers.values(), *(count.quota for count in self._keys.values())):
            quota.follow_clock(now)

    def denied(self, call: Ticket, error: RateLimited) -> None:
        """Block what refused: all calls for `ip`, those of a panel account for `tier`, else only this key's."""
        now = self._clock()
        # A time that is over is another clock's: gone by, it would invite the next refusal at once.
        until = error.reset if error.reset and error.reset > now else now + _DENIED_WITHOUT_RESET
        match error.layer:
            case "ip":
                self._ip.refuse(until)
            case "tier":
                call.tier.refuse(until)
            case _:
                call.count.refuse(until)
