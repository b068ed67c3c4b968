"""Eight calls at once with a key, at a panel that answers late, in any order, wrongly or not at all: all comes true."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from bot.demo.panel import Upstream
from bot.domain.order_status import OrderStatus
from bot.domain.states import State
from bot.panel import Answer
from tests.invariants import breaches, hasty
from tests.workers.test_calls_at_once import until
from tests.workers.test_fault_matrix import PANEL_FAULTS
from tests.world import FINE, KEY, Fault, Held, World, buttons_of

pytestmark = pytest.mark.usefixtures("env")

HANGS_FOR = timedelta(seconds=12)
"""How long a call hangs before the panel acts, and its answer after that: both take less than a call's deadline."""
RESENT_AFTER = timedelta(seconds=95)
"""Two minutes after it was claimed, a call that then hung before it arrived may be made again."""
KEYS = {"ann": KEY, "bob": KEY, "cem": "np-cem-key-0123456789abcdef", "dan": "np-dan-key-0123456789abcdef"}
NEW_KEYS = {"ann": "np-ann-new-key-0123456789abcd", "cem": "np-cem-new-key-0123456789abcd"}
LISTS = {"ann": (1, 90, 1, 310), "bob": (90, 1, 310), "cem": (110, 1), "dan": (110, 20)}
"""How many orders each user names in a command; those of the longest come first."""
SHARED = [f"ord_both{number}" for number in range(20)]
"""Orders that both holders of one key cancel; none ends before both have asked."""
EVENTS = ["stop", "check", "check", "check", "balance", "balance", "balance", "status", "status", "new key", "new key"]
STATUSES = (OrderStatus.PENDING, OrderStatus.IN_PROGRESS, OrderStatus.IN_PROGRESS, OrderStatus.COMPLETED)
TRUTH = {State.CANCELLED: "canceled", State.COMPLETED: "completed", State.PARTIAL: "partial"}


@dataclass
class Storm:
    """What goes on at once: calls that hang, what people do meanwhile, and what should not be."""

    here: World
    random: Random
    users: dict[str, Any]
    hanging: list[tuple[datetime, asyncio.Event]] = field(default_factory=list[tuple[datetime, asyncio.Event]])
    under_way: list[Mapping[str, str]] = field(default_factory=list[Mapping[str, str]])
    most: Counter[str] = field(default_factory=Counter[str])
    """Calls that were under way at once, by key."""
    out_of_use: set[str] = field(default_factory=set[str])
    replaced: set[str] = field(default_factory=set[str])
    """Users who have another key than in the beginning."""
    wrong: list[str] = field(default_factory=list[str])
    tasks: list[asyncio.Task[Any]] = field(default_factory=list[asyncio.Task[Any]])
    cards: list[tuple[Any, Any]] = field(default_factory=list[tuple[Any, Any]])
    replacing: Sequence[str] = ()
    """Whose keys may be replaced."""
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    def begin(self) -> None:
        """Run the scheduler as it runs in life."""
        self.stop = asyncio.Event()
        self.worker = asyncio.create_task(self.here.app.scheduler.run(self.stop))

    async def end(self, *, kill: bool = False) -> None:
        """End the scheduler, at once or once it has written down what is under way; then everything is answered."""
        if kill:
            self.worker.cancel()
            await self.here.app.scheduler.abandon()
        self.stop.set()
        while not all(task.done() for task in (self.worker, *self.tasks)) or self.under_way:
            await self.answer_some(1)
            await asyncio.sleep(0)

    async def hang(self) -> None:
        """Hang until `answer_some`."""
        self.hanging.append((self.here.clock(), event := asyncio.Event()))
        await event.wait()

    def fault(self) -> Fault:
        """Return what becomes of one call: it hangs before the panel acts, perhaps after that, and some go wrong."""
        if self.random.random() < 0.15:
            return Held(self.hang, self.random.choice([*PANEL_FAULTS.values()]))

        async def late(answer: Answer) -> Answer:
            await self.hang()
            return answer

        return Held(self.hang, self.random.choice([FINE, late]))

    @contextmanager
    def call(self, form: Mapping[str, str]) -> Generator[None]:
        """Note that a call is under way, and what is wrong with that."""
        for other in self.under_way:
            both = orders_of(form) & orders_of(other)
            sends = form["action"] == other["action"] == "cancel" and form["key"] == other["key"]
            if both - {*SHARED, "ord_look"} or (both and sends):
                self.wrong.append(f"{len(both)} orders in two calls: {form['action']} beside {other['action']}")
        if form["key"] in self.out_of_use:
            self.wrong.append(f"{form['action']} with a key that is out of use")
        self.under_way.append(form)
        at_once = sum(one["key"] == form["key"] for one in self.under_way)
        self.most[form["key"]] = max(self.most[form["key"]], at_once)
        try:
            yield
        finally:
            self.under_way[:] = [one for one in self.under_way if one is not form]

    async def answer_some(self, share: float) -> None:
        """Let some go on of what hangs, in any order, and all that has hung for too long."""
        now = self.here.clock()
        self.random.shuffle(self.hanging)
        for one in [*self.hanging]:
            if now - one[0] >= HANGS_FOR or self.random.random() < share:
                self.hanging.remove(one)
                one[1].set()
                await spin(2)

    async def pass_time(self) -> None:
        """Let some seconds pass."""
        self.here.skip(self.random.choice([1, 2, 5, 10]))
        await self.answer_some(0.3)
        self.here.app.scheduler.bell.ring()
        await spin(100)

    def later(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do what may have to wait for the panel."""
        self.tasks.append(asyncio.create_task(work))

    async def ask(self, name: str, orders: list[str]) -> None:
        """Have a user cancel a list."""
        user = self.users[name]
        self.cards.append((user, await user.slash("cancel", file=("orders.txt", "\n".join(orders).encode()))))

    async def replace_key(self, name: str) -> None:
        """Have a user store another key of the same panel account."""
        await self.here.app.services.accounts.connect(self.users[name].id, NEW_KEYS[name])
        self.replaced.add(name)
        await self.put_out_of_use(KEYS[name])

    async def put_out_of_use(self, key: str) -> None:
        """Note that nobody holds a key any more."""
        await spin(50)  # what was decided on before goes out
        if key != KEY:
            self.out_of_use.add(key)

    async def restart(self) -> None:
        """End the process and start another, where that is known at once to be dead in the midst of its calls."""
        await self.end(kill=not self.here.app.ledger.is_shared)
        await self.here.restart()
        self.begin()

    async def do(self, what: str) -> None:
        """Do something that comes in between."""
        user, services = self.users[self.random.choice([*KEYS])], self.here.app.services
        match what:
            case "stop":
                for by, card in self.cards:
                    if "Stop sending" in buttons_of(card):
                        await by.click(card.response, label="Stop sending")
                        break
            case "check":
                self.later(services.records.check_now(user.id))
            case "balance":
                self.later(services.calls.balances(user.id))
            case "status":
                self.later(services.calls.look_up(self.users["bob"].id, ["ord_look"]))
            case "new key":
                self.later(self.replace_key(self.random.choice(self.replacing)))
            case "restart":
                await self.restart()
            case "remove":
                await services.accounts.remove(self.users["dan"].id)
                await self.put_out_of_use(KEYS["dan"])
            case _:  # nothing, for once
                pass


def orders_of(form: Mapping[str, str]) -> set[str]:
    """Return the orders that a call names."""
    return set((form.get("orders") or form.get("order", "")).split(",")) - {""}


async def spin(times: int) -> None:
    """Let the event loop turn."""
    for _ in range(times):
        await asyncio.sleep(0)


def fill(here: World, random: Random) -> list[tuple[str, list[str]]]:
    """Put everybody's orders into the panel's books, but for a few; return what each asks for."""
    asked, first = [("ann", SHARED), ("bob", SHARED)], list[tuple[str, list[str]]]()
    for order in SHARED:
        here.order(order, OrderStatus.IN_PROGRESS, upstream=Upstream(timedelta(minutes=random.randint(20, 60))))
    for name, key in KEYS.items():
        for part, size in enumerate(LISTS[name]):
            orders = [f"ord_{name}{part}x{number}" for number in range(size)]
            (first if size > 300 else asked).append((name, orders))
            for order in orders:
                ends = random.choice(["canceled", "canceled", "completed", "partial"])
                upstream = Upstream(timedelta(seconds=random.uniform(5, 900)), ends)
                more = {"upstream": upstream, "cancellable": random.random() > 0.05}
                if random.random() > 0.02:
                    here.order(order, random.choice(STATUSES), key=key, **more)
    here.order("ord_look")
    random.shuffle(asked)
    return asked + first


@pytest.mark.settings(confirm_above=1_000_000)
@pytest.mark.parametrize("seed", range(2))
async def test_whatever_happens_all_comes_true_and_to_rest(here: World, seed: int) -> None:
    random = Random(seed)
    storm = Storm(here, random, {name: here.env.create_user(name) for name in KEYS})
    for name, key in KEYS.items():
        if key != KEY:
            here.panel.add_key(key)
        await here.connect(storm.users[name], key)
    storm.replacing = [["cem"], ["cem", "ann"]][seed % 2]
    for name, key in NEW_KEYS.items():
        here.panel.add_key(key, beside=KEYS[name])
    here.wire.around = storm.call
    here.wire.faults = [storm.fault() for _ in range(3_000)]

    asked = fill(here, random)
    events = [*EVENTS, *[""] * 15, "restart", "remove"]
    random.shuffle(events)
    storm.begin()
    for _ in range(2):
        await storm.ask(*asked.pop())
    await until(lambda: storm.most[KEY] == 8)
    while asked or events:
        if asked and random.random() < 0.5:
            await storm.ask(*asked.pop())
        elif events:
            await storm.do(events.pop())
        await storm.pass_time()
        if random.random() < 0.3:
            await here.deliver()
    await storm.end()
    here.wire.faults.clear()
    await here.settle()
    await here.wait(1800, step=60)
    await here.wait(12 * 3600, step=3600)
    check_the_end(here, storm)


def check_the_end(here: World, storm: Storm) -> None:
    """See that the ledger says what the panel's books say, and that the panel was asked as it may be."""
    assert storm.wrong == []
    assert max(storm.most.values()) == 8
    assert breaches(here.sql) == {}
    untrue = list[str]()
    dan, replaced = storm.users["dan"].id, {storm.users[name].id for name in storm.replaced}
    for user_id, order, state, attempts in here.sql(
        "SELECT user_id, order_id, state, ambiguous_attempts FROM cancellations"
    ):
        known = here.panel.orders.get(order)
        match State(state):
            case State.CANCELLED | State.COMPLETED | State.PARTIAL:
                is_true = known is not None and known.status == TRUTH[State(state)]
            case State.REFUSED:
                is_true = known is None or not known.cancellable
            case State.WITHDRAWN:
                is_true = order in SHARED or not here.panel.cancel_requests[order]
            case State.EXPIRED:
                is_true = user_id == dan or (known is None and user_id in replaced)
            case _:
                is_true = attempts > 0  # it is shown as unclear
        if not is_true:
            untrue.append(f"{order} is {state}, not {known and known.status}")
    assert untrue == []
    own = [
        replace(call, orders=tuple(order for order in call.orders if order not in SHARED)) for call in here.panel.calls
    ]
    assert hasty(own, RESENT_AFTER) == []
    if "ann" not in storm.replaced:  # else Bob's key is another than hers, and nobody knows that it is of one account
        assert hasty(here.panel.calls, RESENT_AFTER) == []
    assert here.sql("SELECT COUNT(*) FROM notices WHERE due_at IS NOT NULL OR edit_at IS NOT NULL") == [(0,)]
    assert {count.quota.under_way for count in here.app.scheduler._budget._keys.values()} == {0}
