"""How late endings are found: this schedule, others, and the least there is, in virtual time.

5,000 accounts hold 50,000 open cancels, asked for in lists of ten on average and ended by providers after log-normal
delays from minutes to 72 hours; as many as end are asked for anew. Some accounts are much busier than others
(--skew: sigma of a log-normal; 0: all alike). The panel allows 300 calls a minute; watching has the 70 % that
commands leave to it.

The bound. With known hazards let L be the rate at which an account's open orders end. Looked at every T it is found
out T / 2 late on average; sum(1 / T) <= B calls a second. By Cauchy and Schwarz sum(L T) sum(1 / T) >=
sum(sqrt(L))², so that no choice of pauses gives less than sum(sqrt(L))² / 2B of delay a second, over sum(L) endings
a second; equality stands at T = sum(sqrt(L)) / (B sqrt(L)). The simulator averages this over the states it goes
through.
"""

import argparse
import heapq
import math
from bisect import bisect_right
from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import accumulate, cycle
from random import Random
from statistics import fmean, quantiles
from typing import Protocol

from bot.domain.polling import WatchIntervals
from bot.workers.poll_planner import PollPlanner, groups_of

CALLS_PER_SECOND = 300 * 0.7 / 60
INTERVALS = WatchIntervals(timedelta(seconds=10), timedelta(seconds=900))
HOUR = 3600.0
MU, SIGMA = math.log(52 * 60), 1.43
"""Log-normal: 5 % end within five minutes, half within 52, all but one in a thousand within 72 hours."""


@dataclass(slots=True, eq=False)
class Order:
    """One cancel at a provider."""

    asked: float
    ends: float


@dataclass
class Population:
    """Accounts with orders; when enough have ended, somebody comes with a new list."""

    random: Random
    accounts: list[list[Order]]
    busy: list[float]
    coming: list[float]
    measured_from: float
    room: int = 0
    delays: list[float] = field(default_factory=list[float])
    lives: deque[float] = field(default_factory=lambda: deque[float](maxlen=5_000))

    def check(self, account: int, now: float, only: Order | None = None) -> None:
        """Find out by one call which of up to a hundred orders of an account have ended; or whether one has."""
        mine = self.accounts[account]
        if only is not None:
            mine.remove(only)
            mine.insert(0, only)
        most = 100 if only is None else 1
        asked, rest = mine[:most], mine[most:]
        for order in asked:
            if order.ends <= now:
                self.lives.append(now - order.asked)
                if now >= self.measured_from:
                    self.delays.append(now - order.ends)
        self.accounts[account] = rest + [order for order in asked if order.ends > now]

    def arrivals(self, now: float) -> list[tuple[int, list[Order]]]:
        """Let lists come in place of what has ended since; return them with their accounts."""
        while self.coming[0] <= now:
            heapq.heappop(self.coming)
            self.room += 1
        found: list[tuple[int, list[Order]]] = []
        while self.room >= (size := list_size(self.random)):
            self.room -= size
            found.append((self.somebody(), self._ask(now, size)))
            self.accounts[found[-1][0]].extend(found[-1][1])
        return found

    def somebody(self) -> int:
        """Return an account, busy ones more often."""
        return bisect_right(self.busy, self.random.random() * self.busy[-1])

    def _ask(self, now: float, size: int) -> list[Order]:
        orders = [Order(now, now + self.random.lognormvariate(MU, SIGMA)) for _ in range(size)]
        for order in orders:
            heapq.heappush(self.coming, order.ends)
        return orders


def list_size(random: Random) -> int:
    """Return how many orders somebody cancels at once: ten on average, mostly few."""
    return min(1 + int(random.expovariate(1 / 9.5)), 100)


def population(accounts: int, orders: int, skew: float, measured_from: float, seed: int) -> Population:
    """Begin in the middle of life: who is met there is met in proportion to how long it lives."""
    random = Random(seed)
    busy = list(accumulate(random.lognormvariate(0, skew) for _ in range(accounts)))
    made = Population(random, [[] for _ in range(accounts)], busy, [], measured_from)
    while len(made.coming) < orders:
        life = random.lognormvariate(MU + SIGMA**2, SIGMA)
        asked, account = -random.random() * life, made.somebody()
        for _ in range(list_size(random)):  # of a list asked for then, who is still there
            order = Order(asked, asked + random.lognormvariate(MU, SIGMA))
            if order.ends > 0:
                made.accounts[account].append(order)
                made.coming.append(order.ends)
    heapq.heapify(made.coming)
    return made


class Policy(Protocol):
    """Decides what to ask next."""

    def arrived(self, account: int, orders: list[Order], now: float) -> None:
        """Hear of new orders."""

    def call(self, now: float) -> None:
        """Use one call, or leave it."""


class RoundRobin:
    """Every account in turn, however many orders it has and however old they are."""

    def __init__(self, population: Population) -> None:
        self._population = population
        self._turn = cycle(range(len(population.accounts)))
        self._account, self._calls = 0, 0

    def arrived(self, account: int, orders: list[Order], now: float) -> None:
        """Take no notice."""

    def call(self, now: float) -> None:
        """Ask about the next account that has anything open."""
        while self._calls <= 0:
            self._account = next(self._turn)
            self._calls = groups_of(len(self._population.accounts[self._account]), 100)
        self._calls -= 1
        self._population.check(self._account, now)


class EachOrder:
    """Every order by itself, all at the same interval: what public bots do."""

    def __init__(self, population: Population) -> None:
        self._population = population
        self._turn = deque((account, order) for account, orders in enumerate(population.accounts) for order in orders)

    def arrived(self, account: int, orders: list[Order], now: float) -> None:
        """Put the new orders at the end of the line."""
        self._turn.extend((account, order) for order in orders)

    def call(self, now: float) -> None:
        """Ask about the order that was asked about longest ago."""
        account, order = self._turn.popleft()
        self._population.check(account, now, only=order)
        if order.ends > now:
            self._turn.append((account, order))


class SquareRoot:
    """The bot's own schedule, with the hazard that it has learned so far."""

    def __init__(self, population: Population) -> None:
        self._population, random = population, Random(1)
        self._plan = PollPlanner(INTERVALS, CALLS_PER_SECOND, random)
        self._learn_at = 0.0
        self._due = [random.random() * 900 for _ in population.accounts]
        self._heap = sorted((due, account) for account, due in enumerate(self._due))

    def arrived(self, account: int, orders: list[Order], now: float) -> None:
        """Plan the account anew: it has become more urgent."""
        due = self._due[account]
        self._next(account, now, latest=due if due > now else math.inf)

    def call(self, now: float) -> None:
        """Ask about the account that is due first, if one is."""
        if now >= self._learn_at:
            self._learn_at = now + 60
            self._plan.learn(self._population.lives)
            self._plan.plan()
        while self._heap and self._heap[0][0] <= now:
            due, account = heapq.heappop(self._heap)
            if due == self._due[account] and self._population.accounts[account]:
                self._population.check(account, now)
                self._next(account, now)
                return

    def _next(self, account: int, now: float, latest: float = math.inf) -> None:
        """Plan the next look at an account; its groups of a hundred take turns."""
        orders = self._population.accounts[account]
        if not orders:
            self._plan.forget(account)
            return
        groups = groups_of(len(orders), 100)
        ages = [timedelta(seconds=now - order.asked) for order in orders[-100:]]
        pause = self._plan.pause(account, ages, groups).total_seconds() / groups
        self._due[account] = min(latest, now + pause)
        heapq.heappush(self._heap, (self._due[account], account))


def true_hazard(age: float) -> float:
    """Return the chance per second to end of an order that is `age` seconds old."""
    z = (math.log(max(age, 1.0)) - MU) / SIGMA
    density = math.exp(-z * z / 2) / (max(age, 1.0) * SIGMA * math.sqrt(2 * math.pi))
    return density / max(0.5 * math.erfc(z / math.sqrt(2)), 1e-12)


def least(population: Population, now: float) -> tuple[float, float]:
    """Return the least delay a second and the endings a second in the present state."""
    roots, ending = 0.0, 0.0
    for orders in population.accounts:
        running = [order for order in orders if order.ends > now]
        rate = sum(true_hazard(now - order.asked) for order in running)
        roots += math.sqrt(rate * groups_of(len(running), 100))
        ending += rate
    return roots**2 / (2 * CALLS_PER_SECOND), ending


def simulate(
    policy: type, accounts: int, orders: int, skew: float, hours: float, seed: int
) -> tuple[list[float], float]:
    """Run a policy; return how late each ending was found, and how late the least would have been on average."""
    made = population(accounts, orders, skew, hours * HOUR / 3, seed)
    chosen: Policy = policy(made)
    bounds: list[tuple[float, float]] = []
    now, sample_at = 0.0, made.measured_from
    while now < hours * HOUR:
        for account, fresh in made.arrivals(now):
            chosen.arrived(account, fresh, now)
        chosen.call(now)
        if now >= sample_at:
            sample_at += HOUR / 4
            bounds.append(least(made, now))
        now += 1 / CALLS_PER_SECOND
    return made.delays, sum(bound[0] for bound in bounds) / sum(bound[1] for bound in bounds)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--accounts", type=int, default=5_000)
    parser.add_argument("--orders", type=int, default=50_000)
    parser.add_argument("--skew", type=float, default=1.5)
    parser.add_argument("--hours", type=float, default=18, help="of virtual time; the first third is not measured")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(f"{'schedule':28}{'endings':>10}{'mean':>10}{'p95':>10}{'/ least':>10}{'/ round':>10}")
    round_robin = 0.0
    for policy in (RoundRobin, EachOrder, SquareRoot):
        delays, bound = simulate(policy, given.accounts, given.orders, given.skew, given.hours, given.seed)
        mean = fmean(delays)
        round_robin = round_robin or mean
        late = quantiles(delays, n=20)[-1]
        print(
            f"{policy.__name__:28}{len(delays):10,}{mean / 60:8.1f} m{late / 60:8.1f} m"
            f"{mean / bound:10.2f}{mean / round_robin:10.2f}",
            flush=True,
        )
    print(f"least there is, with known hazards: {bound / 60:.1f} m on average")


if __name__ == "__main__":
    main()
