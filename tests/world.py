"""A whole bot in a simulated world: real ledger, real worker stepped by hand, simulated Discord and panel."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import discord
import httpx
import simcord
from discord import app_commands
from simcord.components import walk_components

from bot.app import App, build
from bot.cards.layout import Tone, card
from bot.cards.mentions import CommandIds, use_commands
from bot.client import NotAcknowledged
from bot.demo.panel import SimulatedPanel
from bot.domain.errors import UserError
from bot.domain.order_status import OrderStatus
from bot.ledger import Cancellation, LedgerError, ListKind, Reader
from bot.ops.registration import register
from bot.panel import Answer, PanelError, in_process
from bot.settings import Settings
from bot.workers.tasks import WakeEvent
from tests.invariants import hasty
from tests.ledgers import Below
from tests.texts import as_typed

KEY = "np-test-key-0123456789abcdef"
START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Late:
    """The caller hears this instead of an answer, and the panel acts so much later; None: after the next call."""

    after: float | None
    heard: Exception | Answer


@dataclass(frozen=True)
class Twice:
    """The panel is given the same call twice, by something on the way; the second answer is heard, or this."""

    heard: Exception | Answer | None = None


@dataclass(frozen=True)
class Held:
    """The call is on its way until something has happened, and then this comes of it."""

    until: Callable[[], Awaitable[object]]
    then: "Fault"


Fault = Exception | Answer | Late | Twice | Held | Callable[[Answer], Answer | Awaitable[Answer]]


class Clock:
    """The one clock of a test; the simulated Discord follows it."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def lost(heard: Exception | Answer) -> Callable[[Answer], Answer]:
    """The panel acts, and this is heard instead of its answer."""

    def instead(_: Answer) -> Answer:
        if isinstance(heard, Exception):
            raise heard
        return heard

    return instead


FINE: Fault = lambda answer: answer  # noqa: E731  # a fault that is none


@dataclass
class Wire:
    """The network to the panel: hands calls on unless a test has put faults in their way.

    An exception comes instead of the panel, an Answer in its place, a function after the panel has acted; Late, Twice
    and Held are what queues and proxies in front of it do.
    """

    panel: SimulatedPanel
    faults: list[Fault] = field(default_factory=list[Fault])
    obstacles: list[Callable[[], Awaitable[None]]] = field(default_factory=list[Callable[[], Awaitable[None]]])
    """How to remove what keeps the ledger from being written."""
    down: bool = False
    statuses: Counter[int] = field(default_factory=Counter[int])
    """How often the panel itself answered with which HTTP status."""
    refused: int = 0
    """Calls that found the panel down."""
    broken: str | None = None
    """An action that the panel fails at for as long as it is named here."""
    tried: Callable[[str], None] = lambda _: None
    """Told the action of every call, whatever becomes of it."""
    spoilt: dict[tuple[str, str], Exception | Answer] = field(default_factory=dict[tuple[str, str], Exception | Answer])
    """What comes instead of the panel for every call of an action that names an order."""
    hanging: dict[str, asyncio.Event] = field(default_factory=dict[str, asyncio.Event])
    """Keys whose calls are answered only once something has happened."""
    allergic_to: str | None = None
    """An order for whose sake the panel refuses every call as a whole."""

    async def sleep(self, _seconds: float) -> None:
        """Pass the time until an answer can be written down: what stood in the way goes away meanwhile."""
        if not self.obstacles:
            await asyncio.sleep(0)
            self.panel.clock.now += timedelta(seconds=_seconds)
        while self.obstacles:
            await self.obstacles.pop()()

    under_way: list[tuple[str, tuple[str, ...]]] = field(default_factory=list[tuple[str, tuple[str, ...]]])
    """The action and the orders of each call that is not answered yet."""
    around: Callable[[Mapping[str, str]], AbstractContextManager[None]] = lambda _: nullcontext()
    """What is entered when a call is begun, and left when it is answered."""

    async def answer(self, form: Mapping[str, str]) -> Answer:
        """Answer one call."""
        call = form.get("action", ""), tuple((form.get("orders") or form.get("order", "")).split(","))
        self.under_way.append(call)
        try:
            with self.around(form):
                return await self._answer(form)
        finally:
            self.under_way.remove(call)

    async def _answer(self, form: Mapping[str, str]) -> Answer:
        self.tried(form.get("action", ""))
        if self.down:
            self.refused += 1
            raise httpx.ConnectError("refused")
        if hung := self.hanging.get(form.get("key", "")):
            await hung.wait()
        if form.get("action") == self.broken:
            return Answer(500, '{"error": "Internal error"}')
        for order in (form.get("orders") or form.get("order", "")).split(","):
            if spoilt := self.spoilt.get((form.get("action", ""), order)):
                return lost(spoilt)(Answer(200, ""))
        if self.allergic_to in (form.get("orders") or form.get("order", "")).split(","):
            return Answer(400, '{"error": "Bad order in list"}')
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, Held):
            await fault.until()
            fault = fault.then
        if isinstance(fault, Late):
            self.panel.receive_later(form, None if fault.after is None else timedelta(seconds=fault.after))
            fault = fault.heard
        if isinstance(fault, Twice):
            await self.panel.answer(form)
            on_record = self.panel.cancel_requests.copy()  # the bot has made one call
            answer = await self.panel.answer(form)
            self.panel.calls.pop()
            self.panel.cancel_requests = on_record
            return lost(fault.heard)(answer) if fault.heard else answer
        if isinstance(fault, Exception):
            raise fault
        if isinstance(fault, Answer):
            return fault
        answer = await self.panel.answer(form)
        self.statuses[answer.status] += 1
        changed = fault(answer) if fault else answer
        return await changed if isinstance(changed, Awaitable) else changed


@dataclass
class World:
    """What a test acts on and looks at."""

    folder: Path
    below: Below
    settings: dict[str, Any]
    clock: Clock
    panel: SimulatedPanel
    wire: Wire
    stack: AsyncExitStack
    app: App
    env: simcord.Env
    turns: dict[WakeEvent, tuple[datetime, datetime]] = field(
        default_factory=dict[WakeEvent, tuple[datetime, datetime]]
    )
    """When each loop had its last turn, and when its next one is due."""

    async def settle(self) -> None:
        """Let all loops do what is due now, as far as they would wake for it."""
        for _ in range(50):
            if not await self.turn():
                return
        raise AssertionError("the bot does not come to rest")

    async def deliver(self) -> datetime:
        """Bring cards up to date and send what is due; return when the next is."""
        services = self.app.services
        sent = await services.notification_sender.deliver_due()
        return min(await services.card_updater.deliver_due(), sent, await services.living_messages.deliver_due())

    async def turn(self) -> bool:
        """Give each loop a turn that would take one: it was woken, or it is time; tell whether any did."""
        app = self.app
        loops = (
            (app.scheduler.bell, self._work),
            (app.services.card_updater.bell, app.services.card_updater.deliver_due),
            (app.services.notification_sender.bell, app.services.notification_sender.deliver_due),
            (app.services.check_results.bell, app.services.check_results.show_due),
            (app.services.living_messages.bell, app.services.living_messages.deliver_due),
        )
        return any([await self._turn(bell, loop) for bell, loop in loops])

    async def _turn(self, bell: WakeEvent, loop: Callable[[], Awaitable[datetime | None]]) -> bool:
        last, due = self.turns.get(bell, (self.clock.now, self.clock.now))
        if not bell.is_rung and last <= self.clock.now < due:
            return False
        bell.reset()
        due = await loop()
        self.turns[bell] = (self.clock.now, due or datetime.max.replace(tzinfo=UTC))
        return True

    async def _work(self) -> datetime | None:
        return await self.app.scheduler.step()

    async def one_call(self) -> None:
        """Let every account that is due make one call."""
        self.app.scheduler._stopping = True
        await self.app.scheduler.start_due()
        await self.app.scheduler.finish()
        self.app.scheduler._stopping = False

    async def wait(self, seconds: float, step: float = 1) -> None:
        """Let time pass for everybody, with the bot at work at every step."""
        until = self.clock.now + timedelta(seconds=seconds)
        while self.clock.now < until:
            self.skip(min(step, (until - self.clock.now).total_seconds()))
            await self.turn()

    def skip(self, seconds: float) -> None:
        """Let time pass with the bot not looking."""
        self.clock.now += timedelta(seconds=seconds)
        self.env.backend.advance_clock(seconds)

    async def restart(self) -> None:
        """End the bot's process without a word and start another on the same files."""
        await self.stack.aclose()
        self.app = await _open(self.folder, self.settings, self.wire, self.clock, self.stack)
        await self.env.restart_bot(self.app.client)
        files_from(self.env, self.app.client)
        await register(self.app.client, self.app.ledger)

    async def connect(self, user: Any, key: str = KEY, name: str | None = None) -> str:
        """Store a key the way a user does, perhaps under a name; return what they are told."""
        named = {"name": name} if name else {}
        return shown(await user.submit_modal(await user.slash("key set", **named), {"key": key}))

    async def connect_in(self, channel: Any, member: Any, key: str = KEY, name: str | None = None) -> None:
        """Store a key by a command given in a server."""
        named = {"name": name} if name else {}
        await member.submit_modal(await member.slash(channel, "key set", **named), {"key": key})

    async def post(self, channel: Any, *pressable: Any) -> Any:
        """Put up a card with these buttons and menus: one that is forged, or an old one that is behind."""
        menus = [item for item in pressable if isinstance(item, discord.ui.Select)]
        copy = card(Tone.PLAIN, ["a copy"], buttons=[item for item in pressable if item not in menus], menus=menus)
        return await self.app.client.get_partial_messageable(channel.id).send(view=copy.view)

    def order(self, order_id: str, status: OrderStatus | str = OrderStatus.PENDING, **more: Any) -> str:
        """Put an order into the panel's books."""
        self.panel.add_order(more.pop("key", KEY), order_id, status=status, **more)
        return order_id

    def calls(self, action: str) -> list[tuple[str, ...]]:
        """Return the orders of every call of a kind that reached the panel."""
        return [call.orders for call in self.panel.calls if call.action == action]

    def cancel_calls(self) -> list[tuple[str, ...]]:
        """Return the orders of every cancel call that reached the panel."""
        return self.calls("cancel")

    def times_sent(self) -> dict[str, int]:
        """Return how many cancel calls were begun for each order, whether they reached the panel or not."""
        return dict(
            self.sql(
                "SELECT c.order_id, COUNT(*) FROM transitions t JOIN cancellations c ON c.id = t.cancellation_id "
                "WHERE t.to_state = 'sending' GROUP BY c.order_id ORDER BY c.order_id"
            )
        )

    def hasty(self) -> list[str]:
        """Return the orders sent again within two minutes, or before two status checks have been asked for."""
        return hasty(self.panel.calls, timedelta(minutes=2))

    def sql(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the database itself, past all of the bot's code."""
        return self.below.sql(query, *values)

    def payloads(self) -> str:
        """Return all that the bot has ever sent to Discord."""
        return repr(self.env.http_requests)


class Env(simcord.Env):
    """The simulated Discord, which sees within 2 ms that the bot has come to rest.

    SimCord looks every 50 ms, and most actions leave a callback that it waits for: half of a test's time.
    """

    async def _settle_internal(self, *, idle: float = 0.002, **more: Any) -> None:
        await super()._settle_internal(idle=idle, **more)


async def _open(folder: Path, settings: dict[str, Any], wire: Wire, clock: Clock, stack: AsyncExitStack) -> App:
    use_commands(CommandIds())
    values: dict[str, Any] = {"data_dir": folder, **settings}
    return await stack.enter_async_context(
        build(Settings(_env_file=None, **values), transport=in_process(wire.answer), clock=clock, sleep=wire.sleep)
    )


def files_from(env: simcord.Env, client: Any) -> None:
    """Have the simulated Discord give out attached files piece by piece, which simcord's does as a whole."""

    class Response:
        """The answer to a download."""

        def __init__(self, content: bytes | None) -> None:
            self.status = 404 if content is None else 200
            self.headers: dict[str, str] = {}
            self.content = self
            self._content = content or b""

        async def iter_chunked(self, size: int) -> AsyncGenerator[bytes]:
            for at in range(0, len(self._content), size):
                yield self._content[at : at + size]

    class Session:
        """Where discord.py keeps what it downloads by."""

        closed = False

        @asynccontextmanager
        async def get(self, url: str, **_: Any) -> AsyncGenerator[Response]:
            yield Response(env.backend.cdn.get(url))

    client.http._HTTPClient__session = Session()


@asynccontextmanager
async def world(folder: Path, below: Below, *, begin: datetime = START, **settings: Any) -> AsyncGenerator[World]:
    """Build a world with one key and no orders; at its end the bot must have raised nothing it cannot explain."""
    settings = {**below.settings, **settings}
    clock = Clock(begin)
    panel = SimulatedPanel(clock)
    panel.add_key(KEY)
    wire = Wire(panel)
    async with AsyncExitStack() as stack:
        app = await _open(folder, settings, wire, clock, stack)
        env = Env(app.client, check_errors=False, shard_count=1)
        await env.start()
        files_from(env, app.client)
        await register(app.client, app.ledger)
        env.backend.advance_clock((begin - env.now()).total_seconds())
        try:
            yield World(folder, below, settings, clock, panel, wire, stack, app, env)
        finally:
            await env.shutdown()
    for error in env.errors:
        cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
        if not isinstance(cause, UserError | PanelError | LedgerError | NotAcknowledged):
            raise cause


async def orders_of(ledger: Reader, request_id: int) -> list[Cancellation]:
    """Return the orders of a request that have been taken up, in the order in which they were named."""
    page = await ledger.page(ListKind.REQUEST, request_id, -1, 100_000)
    return [line.cancellation for line in page if line.cancellation]


async def open_orders(ledger: Reader, account_id: int) -> list[Cancellation]:
    """Return what is taken up and still open in an account."""
    return [
        line.cancellation for line in await ledger.page(ListKind.OPEN, account_id, -1, 100_000) if line.cancellation
    ]


def text_of(components: Any) -> str:
    """Return all text that a message shows, in reading order."""
    parts: list[str] = []
    for part in walk_components(components):
        parts += [part[name] for name in ("content", "label") if isinstance(part.get(name), str)]
    return as_typed("\n".join(parts))


HELLO = "Connected. I'll DM you here when cancels are settled."
"""The first DM, to whoever connects a key in a server."""


def shown(result: Any) -> str:
    """Return the text a user reads in answer to an interaction."""
    assert result.response is not None, "nothing was answered"
    return text_of(result.response.components)


def filled_in(modal: Any) -> dict[str, Any]:
    """Return what a form is filled in with as it opens: of radio groups, menus and boxes."""
    found: dict[str, Any] = {}
    for part in (label["component"] for label in modal["components"]):
        chosen = [option["value"] for option in part.get("options", ()) if option.get("default")]
        found[part["custom_id"]] = chosen[0] if chosen else part.get("default")
    return found


async def fill_in(user: Any, form: Any, **choices: Any) -> Any:
    """Send a form off as it is filled in, but for these choices; return the answer."""
    values = {**filled_in(form.modal), **choices}
    menus = {part["component"]["custom_id"] for part in form.modal["components"] if part["component"]["type"] == 3}
    return await user.submit_modal(form, {name: [value] if name in menus else value for name, value in values.items()})


def offers_of(message: Any) -> list[str]:
    """Return what can be chosen from a message's menus."""
    return [option["label"] for option in _options(message)]


async def choose(user: Any, message: Any, label: str) -> Any:
    """Choose something from a message's menus by a part of what it is called."""
    (value,) = [option["value"] for option in _options(message) if label in option["label"]]
    return await user.select(message, [value])


def _options(message: Any) -> list[dict[str, Any]]:
    parts = walk_components([part if isinstance(part, dict) else part.to_dict() for part in message.components])
    return [option for part in parts for option in part.get("options", ())]


async def whole_list(user: Any, card: Any) -> str:
    """Choose all orders of a card from its menu and return the file that comes."""
    pressed = await choose(user, card.response, "Whole list (CSV)")
    (file,) = pressed.response.attachments
    return (await file.read()).decode("utf-8-sig")


def messages(user: Any) -> list[str]:
    """Return the texts of the bot's lasting messages in a user's DM, oldest first."""
    history = [message for message in user.dm_channel.history() if message.author.bot]
    return [text_of([part.to_dict() for part in message.components]) for message in history]


def buttons_of(result: Any) -> list[str]:
    """Return the labels of the buttons under an answer."""
    return [part["label"] for part in walk_components(result.response.components) if part.get("type") == 2]
