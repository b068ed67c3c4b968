"""Two processes on a ledger, and a call of one that hangs on the wire: the other sends nothing while it may arrive."""

import asyncio
import base64
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from bot.app import App, build
from bot.demo.panel import SimulatedPanel
from bot.domain.order_ids import find_orders
from bot.domain.order_status import OrderStatus
from bot.ledger import DEAD_AFTER, SURE_FOR, WIRE_CLEAR_AFTER
from bot.panel import CALL_DEADLINE
from bot.settings import Settings
from tests.ledger.ledger_case import ANN
from tests.ledger.test_sharing import SEEN_AGO
from tests.ledgers import InPostgres
from tests.panel.lines import Line, Time, clock_of_loop, listening, url_of
from tests.world import KEY, Clock

STEP = 5  # seconds


class Held:
    """A panel on the wire: it answers each call but the first cancel, which it leaves where it is."""

    def __init__(self, panel: SimulatedPanel) -> None:
        self._panel = panel
        self.held: Line | None = None
        self.called = asyncio.Event()
        self.calls: list[str] = []
        """What else was called since."""

    async def run(self, lines: "asyncio.Queue[Line]") -> None:
        """Answer whoever connects."""
        async with asyncio.TaskGroup() as talks:
            while True:
                talks.create_task(self._talk(await lines.get()))

    async def _talk(self, line: Line) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                form = await line.request()
                if form["action"] == "cancel" and not self.held:
                    self.held = line
                    self.called.set()
                    return
                if self.held:
                    self.calls.append(form["action"])
                answer = await self._panel.answer(form)
                head = f"HTTP/1.1 {answer.status} OK\r\nContent-Length: {len(answer.body.encode())}\r\n\r\n"
                line.say((head + answer.body).encode())

    @property
    def may_arrive(self) -> bool:
        """Whether the call that was left on the wire can still come to the panel."""
        return self.held is not None and not self.held.gone

    def keep_it_alive(self) -> None:
        """Say what a panel may say at any time, so that no time-out of a single step ends the call."""
        if self.held:
            self.held.say(b"HTTP/1.1 102 Processing\r\n\r\n")


@asynccontextmanager
async def process(base: InPostgres, folder: Path, url: str, clock: Clock, shard: int) -> AsyncGenerator[App]:
    """Run one of two bots on a ledger, as far as Discord."""
    values = {
        "data_dir": folder,
        "panel_url": url,
        "encryption_keys": base64.b64encode(bytes(range(32))).decode(),
        "shard_count": 2,
    }
    settings = Settings(_env_file=None, **base.settings, **values, shard_ids=(shard,))  # pyright: ignore
    async with build(settings, clock=clock) as app:
        yield app


@pytest.fixture
async def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    """The clock of the test's own loop."""
    return clock_of_loop(monkeypatch)


@pytest.mark.parametrize("seen_ago", [0, SURE_FOR])
async def test_nothing_is_sent_again_while_a_call_hangs_on_the_wire(
    base: InPostgres, tmp_path: Path, time: Time, seen_ago: int
) -> None:
    """`seen_ago`: how long before its call the process that dies had shown that it lives."""
    clock = Clock()
    panel = SimulatedPanel(clock)
    panel.add_key(KEY)
    panel.add_order(KEY, "ord_A", status=OrderStatus.IN_PROGRESS)
    held = Held(panel)
    async with listening() as (port, lines):
        talking = asyncio.create_task(held.run(lines))
        async with (
            process(base, tmp_path, url_of(port), clock, 0) as one,
            process(base, tmp_path, url_of(port), clock, 1) as other,
        ):
            await one.services.accounts.connect(ANN, KEY)
            cancels = one.services.cancels
            await cancels.ask(ANN, find_orders("ord_A"), cancels.message_ref(ANN, 1, None, None))
            await one.scheduler.start_due()
            await held.called.wait()
            taken_over = None
            for at in range(0, WIRE_CLEAR_AFTER + 2 * STEP, STEP):
                base.sql(SEEN_AGO, seen_ago + at, one.ledger.process)
                if DEAD_AFTER < seen_ago + at <= DEAD_AFTER + STEP:
                    other.scheduler._look_anew()  # as when it sees that a process has died
                await other.scheduler.step()
                if held.calls and taken_over is None:
                    taken_over = seen_ago + at
                assert not (held.may_arrive and held.calls)
                held.keep_it_alive()
                clock.now = clock.now.fromtimestamp(clock.now.timestamp() + STEP, clock.now.tzinfo)
                await time.skip(STEP)
            assert taken_over is not None
            assert DEAD_AFTER < CALL_DEADLINE < taken_over <= WIRE_CLEAR_AFTER + STEP
            assert held.calls[0] == "status"
            await one.scheduler.finish()
        talking.cancel()
