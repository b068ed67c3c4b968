"""A bot between its two worlds, and the audit of what has become of everything it accepted."""

import asyncio
import re
import sqlite3
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Container, Iterable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from bot.cards.words import WORDINGS
from bot.demo.panel import SimulatedPanel
from bot.demo.serve import serve
from bot.domain.clock import utc_now
from bot.domain.states import TRANSITIONS, State
from bot.panel import Answer
from tests.invariants import hasty
from tests.ledgers import InPostgres
from tests.wire.process import SETTINGS, BotProcess
from tests.wire.stand_in import Interaction, Sent, StandIn, stand_in

KEY = "np-wire-key-0123456789"
_LOOK_EVERY = 0.05  # seconds
_A_LIST = 100
"""Orders that are given as a file."""
_STATES = {wording.title: state.value for state, wording in WORDINGS.items()}
_SIGNS = {wording.emoji: state.value for state, wording in WORDINGS.items()}
_TRUTH = {"cancelled": "canceled", "completed": "completed", "partial": "partial"}


OWED = """
    SELECT (SELECT COUNT(*) FROM cancellations WHERE notified_at IS NULL)
         + (SELECT COUNT(*) FROM requests WHERE waiting > 0 AND began_at IS NOT NULL)
         + (SELECT COUNT(*) FROM notices WHERE state <> 'delivered')
"""
"""How much the bot owes to anybody."""


class CountedPanel(SimulatedPanel):
    """A panel that takes another time for each call, and counts how many are under way at once with a key."""

    slow = (0.05, 0.5)
    """Between which times a call takes, in seconds."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.random = Random()
        self.most_at_once: Counter[str] = Counter()
        self._under_way: Counter[str] = Counter()

    async def answer(self, form: Mapping[str, str]) -> Answer:
        """Answer one call."""
        key = form.get("key", "")
        self._under_way[key] += 1
        self.most_at_once[key] = max(self.most_at_once[key], self._under_way[key])
        try:
            await asyncio.sleep(self.random.uniform(*self.slow))
            return await self.act(form)
        finally:
            self._under_way[key] -= 1

    async def act(self, form: Mapping[str, str]) -> Answer:
        """Answer a call that has arrived."""
        return await super().answer(form)


@dataclass
class Stage:
    """A bot's process, the stand-in it is logged in to, and the panel behind it."""

    discord: StandIn
    panel: SimulatedPanel
    bot: BotProcess
    below: InPostgres | None = None
    """The ledger's database, where it is none of SQLite's."""
    asked: list[tuple[Interaction, tuple[str, ...]]] = field(default_factory=list[tuple[Interaction, tuple[str, ...]]])

    async def connect(self) -> None:
        """Store the key by the form; raise TimeoutError where nobody answers."""
        connected = await self.discord.submit(await self.discord.slash("key set"), KEY)
        await self.discord.until(lambda: "Connected" in connected.text)

    async def cancel(self, *orders: str) -> Interaction:
        """Ask to cancel orders in the DM, and return once the question is acknowledged."""
        if len(orders) < _A_LIST:
            asked = await self.discord.slash("cancel", orders=" ".join(orders))
        else:
            asked = await self.discord.slash("cancel", file="\n".join(orders).encode())
        self.asked.append((asked, orders))
        return asked

    def notices(self) -> dict[int, list[Sent]]:
        """Return the messages that tell how orders ended, by the notices they are; replies, which count, are none."""
        rows = self.ledger("SELECT id, nonce FROM notices WHERE reply_to IS NULL")
        return {
            int(id): [sent for sent in self.discord.messages.values() if _mark(sent) == int(nonce[:7], 16) + 1]
            for id, nonce in rows
        }

    def messages_of_notices(self) -> list[Sent]:
        """Return the messages that tell how orders ended, oldest first."""
        return sorted((sent for messages in self.notices().values() for sent in messages), key=lambda sent: sent.at)

    def ledger(self, sql: str) -> list[tuple[Any, ...]]:
        """Read from the ledger as any other program could."""
        if self.below:
            return self.below.sql(sql)
        with closing(sqlite3.connect(self.bot.folder / "ledger.sqlite3")) as connection:
            return connection.execute(sql).fetchall()

    async def all_notified(self, seconds: float = 60) -> None:
        """Wait until the bot owes nothing to anybody; raise TimeoutError."""
        await self.ledger_says(OWED, [(0,)], seconds)

    async def ledger_says(self, sql: str, wanted: list[tuple[Any, ...]], seconds: float = 30) -> None:
        """Wait until a query gives some rows: another process writes them, so all one can do is look again."""
        if not await self.comes_true(lambda: self.ledger(sql) == wanted, seconds):
            raise TimeoutError(f"{sql}: {self.ledger(sql)}, not {wanted}")

    async def logged(self, text: str) -> None:
        """Wait until the bot's process has logged something; raise TimeoutError."""
        if not await self.comes_true(lambda: text in self.bot.log):
            raise TimeoutError(f"{text}: not in {self.bot.log}")

    async def comes_true(self, happened: Callable[[], bool], seconds: float = 30) -> bool:
        """Wait for what another process brings about, by looking again and again."""
        for _ in range(int(seconds / _LOOK_EVERY)):
            if happened():
                return True
            await asyncio.sleep(_LOOK_EVERY)
        return False


@asynccontextmanager
async def stage(
    folder: Path, panel: SimulatedPanel | None = None, below: InPostgres | None = None
) -> AsyncGenerator[Stage]:
    """Set a stage with a panel that knows the key; the bot is not started. Its ledger: a file, or a database."""
    panel = panel or SimulatedPanel(utc_now, ip_limit=10**9, key_limit=10**9, latency=0.01)
    panel.add_key(KEY)
    async with stand_in() as discord, serve(panel) as url:
        settings = SETTINGS | ({"DATABASE_URL": below.url} if below else {})
        made = Stage(discord, panel, BotProcess(folder, discord, url, settings), below)
        try:
            yield made
        finally:
            await made.bot.kill()


@dataclass
class Audit:
    """What a stage's story has come to; every list should be empty."""

    orders: int
    lost: list[str]
    untrue: list[str]
    told_twice: list[str]
    cancelled_twice: list[str]
    illegal_steps: list[tuple[str, str]]

    @property
    def faults(self) -> list[object]:
        """All that should not be."""
        return [*self.lost, *self.untrue, *self.told_twice, *self.cancelled_twice, *self.illegal_steps]


def audit(stage: Stage) -> Audit:
    """Compare what was asked, the ledger, the messages and the panel's books.

    An order is lost if it is not in the ledger, has not ended, or stands nowhere under the heading of its end. It
    is accepted once a card has shown it: where Discord or the process failed before, the person saw a
    failure, and the order may be in the ledger or not; if it is not, the panel must never have been asked.
    """
    states = {str(order): str(state) for order, state in stage.ledger("SELECT order_id, state FROM cancellations")}
    accepted = {order for asked, orders in stage.asked if asked.text for order in orders}
    shown = {line for sent in stage.discord.messages.values() for line in _outcomes(sent.text)}
    notices = stage.notices()
    shown |= {
        line
        for id, messages in notices.items()
        for sent in messages
        for line in _in_its_list(stage, _TOLD.format(id), sent)
    }
    for asked, _ in stage.asked:
        if asked.message and (list_id := re.search(r"np:browse:request:(\d+)", str(asked.message.body))):
            shown |= set(_in_its_list(stage, _NAMED.format(list_id[1]), asked.message))
    messages = Counter(
        order for messages in notices.values() for sent in messages for order in set(re.findall(r"ord_\w+", sent.text))
    )
    steps = stage.ledger("SELECT from_state, to_state FROM transitions WHERE from_state IS NOT NULL")
    return Audit(
        orders=len(states),
        lost=[
            *(order for order in accepted if order not in states),
            *(order for order, state in states.items() if State(state).is_open or (order, state) not in shown),
        ],
        untrue=[order for order, state in shown if state in _TRUTH and _status(stage, order) != _TRUTH[state]],
        told_twice=[order for order, times in messages.items() if times > 1],
        cancelled_twice=_cancelled_twice(stage, states),
        illegal_steps=[(begin, end) for begin, end in steps if State(end) not in TRANSITIONS[State(begin)]],
    )


def _outcomes(text: str) -> Iterable[tuple[str, str]]:
    """Yield every order in a message, with the state under whose heading it stands, or which the first line tells."""
    state = ""
    for line in text.splitlines():
        if alone := re.match(r"### (\S+) .*`ord_\w+`", line):
            state = _SIGNS[alone[1]]
        if heading := re.match(r"\S+ \*\*(.+)\*\* \(", line):
            state = _STATES[heading[1]]
        for order in re.findall(r"ord_\w+", line):
            yield order, state


_TOLD = "SELECT cancellation_id FROM notice_items WHERE notice_id = {0}"
_NAMED = """
    SELECT id FROM cancellations WHERE request_id = {0}
    UNION SELECT cancellation_id FROM request_orders WHERE request_id = {0} AND linked = 1
"""


def _in_its_list(stage: Stage, which: str, sent: Sent) -> Iterable[tuple[str, str]]:
    """Yield the orders that a message or a card counts under a heading and names in its list alone.

    They count as told where it says how many they are, and its list, `which`, holds just as many.
    """
    for heading, count in re.findall(r"^\S+ \*\*(.+)\*\* \(([\d,]+)\)", sent.text, re.MULTILINE):
        state = _STATES[heading]
        listed = stage.ledger(f"SELECT order_id FROM cancellations WHERE id IN ({which}) AND state = '{state}'")
        if len(listed) == int(count.replace(",", "")) and "np:browse:" in str(sent.body):
            yield from ((str(order), state) for (order,) in listed)


def _mark(sent: Sent) -> int | None:
    """Return the number by which the bot recognises a notice."""
    parts = sent.body.get("components") or [{}]
    return parts[0].get("id")


def _status(stage: Stage, order: str) -> str | None:
    known = stage.panel.orders.get(order)
    return known and known.status


def _cancelled_twice(stage: Stage, states: Container[str]) -> list[str]:
    """Return what the panel has cancelled twice, what was sent again in haste, and what is not in the ledger."""
    pause = timedelta(seconds=float(SETTINGS["WIRE_RESEND"]) - 1)  # counted from the claim: the call comes later
    unwritten = (order for call in stage.panel.calls if call.action == "cancel" for order in call.orders)
    return [
        *(f"{order}: {times} on record" for order, times in stage.panel.cancel_requests.items() if times > 1),
        *hasty(stage.panel.calls, pause),
        *(f"{order}: not in the ledger" for order in unwritten if order not in states),
    ]
