"""A small Discord on loopback that unmodified discord.py logs in to, over HTTP and a gateway of its own.

It knows: first answers due within three seconds (10062) and once only (40060), nothing to edit before them (10015),
tokens that live fifteen minutes (50027), ephemeral answers that one person sees, nonces that make a repeat the first
message again, messages that are too large (400, 500), DMs refused by code, faults before or after a call's effect,
hours of being down, and gateways that drop and are resumed or not.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Any

from aiohttp import web

from tests.texts import as_typed
from tests.wire import objects
from tests.wire.objects import ANN, APPLICATION, Json, dm_of

_EPHEMERAL = 64


@dataclass
class Sent:
    """A message of the bot, as its readers have it before their eyes now."""

    id: str
    channel: int
    body: Json
    at: float
    reader: int | None = None
    """Who alone sees it, if it is ephemeral."""
    edited_at: float | None = None

    @property
    def text(self) -> str:
        """All that the message shows."""
        return as_typed("\n".join(objects.texts(self.body)))


@dataclass
class Interaction:
    """Something a person did, and what the bot answered."""

    id: str
    token: str
    by: int
    where: int
    at: float
    pressed_on: Sent | None = None
    """The message whose button it was."""
    modal: Json | None = None
    choices: list[Json] | None = None
    """What was suggested while something was typed."""
    message: Sent | None = None
    answered_at: float | None = None

    @property
    def text(self) -> str:
        """What the person reads; empty while there is no answer."""
        return self.message.text if self.message else ""


@dataclass
class Fault:
    """What is to go wrong with the next calls to some route: an error, a connection reset, or no answer at all."""

    method: str
    path: str
    status: int = 500
    code: int = 0
    times: int = 1
    reset: bool = False
    hang: bool = False
    """Never to be answered."""
    after_effect: bool = False
    retry_after: float = 0.1
    """Seconds, where the status is 429."""


class Refusal(Exception):
    """An error of Discord's API."""

    def __init__(self, status: int, code: int) -> None:
        super().__init__(status, code)
        self.status, self.code = status, code


@dataclass
class Shard:
    """One of the gateway's sessions: where it is connected, and what was sent to it."""

    socket: web.WebSocketResponse
    events: list[Json] = field(default_factory=list[Json])

    @property
    def is_up(self) -> bool:
        """Whether somebody is connected."""
        return not self.socket.closed


@dataclass
class StandIn:
    """The stand-in and all that it has seen."""

    clock: Callable[[], float] = time.monotonic
    nonce_window: float = 180
    answer_within: float = 3
    token_lives: float = 900
    heartbeat: float = 41.25
    dm_refusal: int | None = None
    down: bool = False
    forgets_sessions: bool = False
    messages: dict[str, Sent] = field(default_factory=dict[str, Sent])
    interactions: dict[str, Interaction] = field(default_factory=dict[str, Interaction])
    faults: list[Fault] = field(default_factory=list[Fault])
    methods: Counter[str] = field(default_factory=Counter[str])
    """How many calls there were by each method of HTTP."""
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    """What people have attached."""
    application: Json = field(default_factory=objects.application)
    """What is told of the bot's application."""
    servers: Sequence[int] = ()
    """Servers that the bot is in."""
    shard_of: Callable[[int], int] = lambda _: 0
    """Which shard is told of what a person does."""
    shards: dict[int, Shard] = field(default_factory=dict[int, Shard])
    sessions: int = 0
    sessions_left: int = 1000
    """How many more it allows; whoever begins more loses their token."""
    sessions_reset_after: int = 50_000_000
    """Milliseconds until there are all of them again."""
    gateway_asked: int = 0
    """How often it was asked for that."""
    resumes: int = 0
    address: str = ""

    def __post_init__(self) -> None:
        self._last_id = int((time.time() - 1_420_070_400) * 1000) << 22
        self._nonces: dict[str, tuple[float, Sent]] = {}
        self.changed = asyncio.Condition()

    # What people do ---------------------------------------------------------------------------------------------

    async def slash(
        self, name: str, *, by: int = ANN, where: int | None = None, file: bytes | None = None, **options: str | int
    ) -> Interaction:
        """Give a command, perhaps with a file attached, and wait for its first answer."""
        given: list[Json] = [
            {"type": 4 if isinstance(value, int) else 3, "name": option, "value": value}
            for option, value in options.items()
        ]
        attached: Json = {}
        if file is not None:
            file_id = self._id()
            self.files[file_id] = file
            attached[file_id] = objects.attachment(file_id, len(file), f"http://{self.address}/files/{file_id}")
            given.append({"type": 11, "name": "file", "value": file_id})
        return await self._interact(2, _command(name, given, {"attachments": attached}), by, where)

    async def at_once(self, commands: Iterable[tuple[str, int]]) -> list[Interaction]:
        """Give commands without options, each by the user beside it, and wait for no answer."""
        return [await self._begin(2, _command(name), by, None) for name, by in commands]

    async def submit(self, form: Interaction, value: str) -> Interaction:
        """Fill the only text field of a modal and send it, whatever else it has left empty."""
        assert form.modal
        fields = [one["component"] for one in form.modal["components"] if "component" in one]
        (_,) = [field for field in fields if field["type"] == 4]
        leaves = [
            {"type": field["type"], "id": number, "custom_id": field["custom_id"]}
            | ({"value": value} if field["type"] == 4 else {"values": []})
            for number, field in enumerate(fields, 2)
        ]
        components = [{"type": 18, "id": 1, "component": leaf} for leaf in leaves]
        return await self._interact(
            5, {"custom_id": form.modal["custom_id"], "components": components}, form.by, form.where
        )

    async def suggest(self, name: str, option: str, text: str, *, by: int = ANN) -> Interaction:
        """Type a text into an option of a command, and wait for what is suggested."""
        typed = {"type": 3, "name": option, "value": text, "focused": True}
        return await self._interact(4, _command(name, [typed]), by, None)

    async def menu(self, name: str, content: str, *, by: int = ANN, embeds: Sequence[Json] = ()) -> Interaction:
        """Choose a command from the menu of a message with this content."""
        message_id = self._id()
        about = objects.message(message_id, dm_of(by), {"content": content}) | {"embeds": list(embeds)}
        data = {
            "id": "1",
            "name": name,
            "type": 3,
            "target_id": message_id,
            "resolved": {"messages": {message_id: about}},
        }
        return await self._interact(2, data, by, None)

    async def write(self, content: str, *, by: int = ANN) -> None:
        """Write a message to the bot."""
        about = objects.message(self._id(), dm_of(by), {"content": content})
        await self._dispatch("MESSAGE_CREATE", {**about, "author": objects.user(by)}, self.shard_of(by))

    async def press(self, on: Interaction, custom_id: str, *values: str) -> Interaction:
        """Press the button whose custom_id fits a pattern, on the answer to an earlier interaction.

        With values: choose them from the menu of that custom_id. What stands in a menu instead is chosen there.
        """
        assert on.message
        found = next((own for own in objects.custom_ids(on.message.body) if fnmatch(own, custom_id)), None)
        if found is None and (offered := objects.menu_of(on.message.body, custom_id)):
            found, values = offered[0], (offered[1],)
        assert found, f"nothing to press fits {custom_id}"
        data = {"component_type": 3 if values else 2, "custom_id": found, "values": values}
        return await self._interact(3, data, on.by, on.where, on.message)

    async def until(self, happened: Callable[[], Any], seconds: float = 30) -> None:
        """Wait for something to have happened; raise TimeoutError."""
        async with asyncio.timeout(seconds), self.changed:
            await self.changed.wait_for(happened)

    def seen_by(self, person: int, where: int | None = None) -> list[Sent]:
        """Return the messages that a person can see in a channel: by default in their DM."""
        channel = where or dm_of(person)
        return [sent for sent in self.messages.values() if sent.channel == channel and sent.reader in (None, person)]

    async def _interact(
        self, kind: int, data: Json, by: int, where: int | None, pressed_on: Sent | None = None
    ) -> Interaction:
        made = await self._begin(kind, data, by, where, pressed_on)
        await self.until(lambda: made.answered_at)
        return made

    async def _begin(
        self, kind: int, data: Json, by: int, where: int | None, pressed_on: Sent | None = None
    ) -> Interaction:
        made = Interaction(self._id(), "token" + self._id(), by, where or dm_of(by), self.clock(), pressed_on)
        self.interactions[made.token] = made
        about = objects.interaction(kind, data, made.id, made.token, made.by, made.where)
        if pressed_on:
            about["message"] = _message(pressed_on)
        await self._dispatch("INTERACTION_CREATE", about, self.shard_of(by))
        return made

    # The gateway ------------------------------------------------------------------------------------------------

    async def gateway(self, request: web.Request) -> web.StreamResponse:
        """Speak the gateway's protocol with one connection."""
        if self.down:
            return web.Response(status=503)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"op": 10, "d": {"heartbeat_interval": int(self.heartbeat * 1000)}})
        async for frame in socket:
            message = json.loads(frame.data)
            match message["op"]:
                case 1:
                    await asyncio.sleep(0.02)  # no network is quicker than the thread in which discord.py waits
                    await socket.send_json({"op": 11})
                case 2:
                    await self._identified(socket, message["d"].get("shard") or [0, 1])
                case 6 if self.forgets_sessions:
                    await socket.send_json({"op": 9, "d": False})
                case 6:
                    await self._resumed(socket, int(message["d"]["session_id"]), message["d"]["seq"])
        return socket

    async def drop(self, code: int = 4000) -> None:
        """Break the gateway's connection, as happens every few hours; or for good, with one of Discord's codes."""
        await self.shards[0].socket.close(code=code)

    async def _identified(self, socket: web.WebSocketResponse, shard: list[int]) -> None:
        self.shards[shard[0]] = Shard(socket)
        self.sessions += 1
        self.sessions_left -= 1
        await self._dispatch(
            "READY",
            {
                "v": 10,
                "user": objects.user(APPLICATION),
                "guilds": [{"id": str(server), "unavailable": True} for server in self.servers],
                "session_id": str(shard[0]),
                "shard": shard,
                "application": {"id": str(APPLICATION), "flags": 0},
                "resume_gateway_url": f"ws://{self.address}/gateway",
            },
            shard[0],
        )
        await self._note()

    async def _resumed(self, socket: web.WebSocketResponse, shard: int, seen: int) -> None:
        self.shards[shard].socket = socket
        for event in self.shards[shard].events[seen:]:
            await socket.send_json(event)
        self.resumes += 1
        await self._dispatch("RESUMED", {}, shard)
        await self._note()

    async def _dispatch(self, name: str, data: Json, number: int) -> None:
        """Send an event; what finds no connection is sent when the session is resumed."""
        if (shard := self.shards.get(number)) is None:
            return
        event: Json = {"op": 0, "t": name, "s": len(shard.events) + 1, "d": data}
        shard.events.append(event)
        if shard.is_up:
            with suppress(ConnectionError):
                await shard.socket.send_json(event)

    async def file(self, request: web.Request) -> web.Response:
        """Give out a file that somebody has attached."""
        return web.Response(body=self.files[request.match_info["id"]])

    # The API ----------------------------------------------------------------------------------------------------

    async def rest(self, request: web.Request) -> web.StreamResponse:
        """Answer one call, with whatever fault is due."""
        path = "/" + request.match_info["path"]
        self.methods[request.method] += 1
        fault = self._fault_for(request.method, path)
        body = await _body(request)
        if fault and not fault.after_effect:
            return await _fail(request, fault)
        try:
            answer = self._call(request.method, path.strip("/").split("/"), body)
        except Refusal as refusal:
            return _json({"code": refusal.code, "message": "refused"}, refusal.status)
        await self._note()
        return await _fail(request, fault) if fault else _json(answer)

    def _fault_for(self, method: str, path: str) -> Fault | None:
        if self.down:
            return Fault(method, path, reset=True)
        fault = next((f for f in self.faults if f.method == method and fnmatch(path, f.path)), None)
        if fault:
            fault.times -= 1
            if not fault.times:
                self.faults.remove(fault)
        return fault

    def _call(self, method: str, path: list[str], body: Any) -> Any:
        match method, path:
            case "GET", ["users", "@me"]:
                return objects.user(APPLICATION)
            case "GET", ["oauth2", *_]:
                return self.application
            case "GET", ["gateway", *_]:
                self.gateway_asked += 1
                starts = {"total": 1000, "remaining": self.sessions_left, "reset_after": self.sessions_reset_after}
                limit = {**starts, "max_concurrency": 1}
                return {"url": f"ws://{self.address}/gateway", "shards": 1, "session_start_limit": limit}
            case "PUT", ["applications", _, "commands"]:
                about = {"application_id": "1", "version": "1", "description": ""}  # a menu's is empty
                return [{**about, **command, "id": self._id()} for command in body]
            case "POST", ["interactions", _, token, "callback"]:
                return self._callback(self.interactions[token], body)
            case "PATCH", ["webhooks", _, token, "messages", _]:
                return self._edit(self._live(token).message, body)
            case "POST", ["webhooks", _, token]:
                return self._follow_up(self._live(token), body)
            case "POST", ["users", "@me", "channels"]:
                person = int(body["recipient_id"])
                dm: Json = {"id": str(dm_of(person)), "type": 1, "recipients": [objects.user(person)]}
                return {**dm, "last_message_id": None}
            case "POST", ["channels", channel, "messages"]:
                return self._send(int(channel), body)
            case "PATCH", ["channels", _, "messages", message]:
                return self._edit(self.messages.get(message), body)
            case "GET", ["channels", channel, "messages"]:
                public = [sent for sent in self.messages.values() if str(sent.channel) == channel and not sent.reader]
                return [_message(sent) for sent in public[-100:]]
            case _:
                raise Refusal(404, 0)

    def _callback(self, interaction: Interaction, body: Json) -> Json:
        if interaction.answered_at:
            raise Refusal(400, 40060)
        now = self.clock()
        if now - interaction.at > self.answer_within:
            raise Refusal(404, 10062)
        interaction.answered_at = now
        if body["type"] == 9:
            interaction.modal = body["data"]
        elif body["type"] == 8:
            interaction.choices = body["data"]["choices"]
        elif body["type"] == 6:  # what comes changes the message whose button was pressed
            interaction.message = interaction.pressed_on
        else:
            interaction.message = self._answer(interaction, body.get("data") or {})
        message_id = interaction.message.id if interaction.message else None
        return {"interaction": {"id": interaction.id, "type": 2, "response_message_id": message_id}}

    def _answer(self, interaction: Interaction, body: Json) -> Sent:
        reader = interaction.by if body.get("flags", 0) & _EPHEMERAL else None
        return self._keep(interaction.where, body, reader)

    def _live(self, token: str) -> Interaction:
        interaction = self.interactions[token]
        if not interaction.answered_at:
            raise Refusal(404, 10015)
        if self.clock() - interaction.at > self.token_lives:
            raise Refusal(401, 50027)
        return interaction

    def _edit(self, sent: Sent | None, body: Json) -> Json:
        if sent is None:
            raise Refusal(404, 10008)
        _check(body)
        sent.body = {**body, "nonce": sent.body["nonce"]} if "nonce" in sent.body else body
        sent.edited_at = self.clock()
        return _message(sent)

    def _follow_up(self, interaction: Interaction, body: Json) -> Json:
        if interaction.message and not interaction.text:  # the first one completes the deferred answer
            return self._edit(interaction.message, body)
        return _message(self._answer(interaction, body))

    def _send(self, channel: int, body: Json) -> Json:
        if self.dm_refusal:
            raise Refusal(403, self.dm_refusal)
        nonce = str(body.get("nonce"))
        at, first = self._nonces.get(nonce, (0.0, None))
        if first and body.get("enforce_nonce") and self.clock() - at < self.nonce_window:
            return _message(first)
        sent = self._keep(channel, body)
        self._nonces[nonce] = (self.clock(), sent)
        return _message(sent)

    def _keep(self, channel: int, body: Json, reader: int | None = None) -> Sent:
        _check(body)
        sent = Sent(self._id(), channel, body, self.clock(), reader)
        self.messages[sent.id] = sent
        return sent

    def _id(self) -> str:
        self._last_id += 1
        return str(self._last_id)

    async def _note(self) -> None:
        async with self.changed:
            self.changed.notify_all()


@asynccontextmanager
async def stand_in() -> AsyncGenerator[StandIn]:
    """Serve a stand-in on a free port of this machine."""
    made = StandIn()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_get("/gateway", made.gateway)
    app.router.add_get("/files/{id}", made.file)
    app.router.add_route("*", "/api/v10/{path:.*}", made.rest)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        made.address = f"127.0.0.1:{runner.addresses[0][1]}"
        yield made
    finally:
        await runner.cleanup()


def _command(name: str, options: list[Json] | None = None, resolved: Json | None = None) -> Json:
    root, *leaf = name.split()
    given = [{"type": 1, "name": leaf[0], "options": options or []}] if leaf else options or []
    return {"id": "1", "name": root, "type": 1, "options": given, "resolved": resolved or {"attachments": {}}}


async def _body(request: web.Request) -> Any:
    if request.content_type == "multipart/form-data":
        return json.loads(str((await request.post())["payload_json"]))
    return await request.json() if request.can_read_body else {}


async def _fail(request: web.Request, fault: Fault) -> web.Response:
    if fault.hang:
        await asyncio.Event().wait()
    if fault.reset and request.transport:
        request.transport.abort()
    about = {"code": fault.code, "message": "fault", "retry_after": fault.retry_after, "global": False}
    return _json(about, fault.status)


def _check(body: Json) -> None:
    """Refuse a message that is larger than Discord takes."""
    if refused := objects.refusal(body.get("components") or []):
        raise Refusal(*refused)


def _json(value: Any, status: int = 200) -> web.Response:
    # discord.py wants exactly this type; a 429 without Via it takes for a ban by the network in between.
    return web.Response(
        body=json.dumps(value).encode(), status=status, headers={"Content-Type": "application/json", "Via": "test"}
    )


def _message(sent: Sent) -> Json:
    return objects.message(sent.id, sent.channel, sent.body)
