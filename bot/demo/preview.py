"""`make demo`: the real bot and its real ledger, with a simulated Discord in the browser and a simulated panel."""

import asyncio
import signal
import socket
import sys
import tempfile
import webbrowser
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import discord
import simcord

from bot.app import build
from bot.cards.language import OWN_NAMES, use_language
from bot.cards.layout import CardView
from bot.demo.parsed import remember_parsed_texts
from bot.demo.past import StoryClock, play
from bot.demo.presses import Presses
from bot.demo.sample import Stage, sample_panel
from bot.demo.serve import serve
from bot.demo.stage import set_up
from bot.demo.welcome import presses, server_welcome, welcome
from bot.domain.clock import utc_now
from bot.domain.languages import Language, resolve_locale
from bot.logs import set_up_logging
from bot.ops.registration import register
from bot.panel import in_process
from bot.settings import Settings

EXIT_ARGUMENTS = 2
_LAST_PORT = 65_535


def run_demo(locale: str, *, port: int, browser: bool, panel_only: bool, stage: str) -> int:
    """Run until Ctrl-C and return the process's exit code; `locale` is the language of the simulated client."""
    set_up_logging("WARNING", "console")
    problem = _problem(locale, port)
    if problem:
        print(f"error: {problem}", file=sys.stderr)
        return EXIT_ARGUMENTS
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve_panel(port, stage) if panel_only else _preview(locale, port, browser, stage))
    print("\nDemo ended; nothing was kept.")
    return 0


def _problem(locale: str, port: int) -> str:
    """Return what cannot be served as asked for, in a sentence; empty where all can."""
    locales = sorted(one.value for one in discord.Locale)
    if locale not in locales:
        return f"--locale {locale} is no language of Discord's. {_instead_of(locale, locales)}"
    if not 0 <= port <= _LAST_PORT:
        return f"--port {port} is no port. Choose one from 1 to {_LAST_PORT}, or leave it out for any free one."
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return f"port {port} can't be used ({error.strerror}). Choose another --port, or leave it out."
    return ""


def _instead_of(locale: str, locales: Sequence[str]) -> str:
    """Say what to choose in the place of a locale that no client of Discord's has."""
    language = resolve_locale(locale)
    if language in (Language.ENGLISH, *map(resolve_locale, locales)):
        return f"It knows {', '.join(locales)}."
    return f"The bot speaks it: leave --locale out, send /settings in the demo and choose {OWN_NAMES[language]}."


async def _serve_panel(port: int, stage_name: str) -> None:
    panel, stage = sample_panel(utc_now, stage_name)
    async with serve(panel, port) as url:
        print(f"Simulated panel, for PANEL_URL:\n  {url}\n\n{_listing(stage)}", flush=True)
        await _stopped()


async def _preview(locale: str, port: int, browser: bool, stage_name: str) -> None:
    remember_parsed_texts()
    clock = StoryClock()
    panel, stage = sample_panel(clock, stage_name)
    if stage.past:
        clock.behind = stage.past[0].ago
    with tempfile.TemporaryDirectory(prefix="notpanel-demo-") as folder, use_language(resolve_locale(locale)):
        async with (
            build(_settings(Path(folder)), transport=in_process(panel.answer), clock=clock) as app,
            simcord.run(app.client, check_errors=False, shard_count=1) as env,
        ):
            _follow(env, clock)
            await register(app.client, app.ledger)
            scene = await set_up(env, app.client, stage, locale)
            await play(stage, app, scene.direct, clock, lambda: _follow(env, clock))
            buttons = presses(stage, scene)
            shown = Presses(env, lambda: _follow(env, clock), buttons)
            async with (
                _page(env, shown, scene.channel, scene.member, locale, 0) as server,
                _page(env, shown, scene.user.dm_channel, scene.user, locale, port) as direct,
            ):
                await _send(app.client, scene.channel, server_welcome(stage, scene.menus))
                await _send(app.client, scene.user.dm_channel, welcome(stage, server.url))
                await env.settle()
                shown.refresh()
                print(f"Open this address in a browser:\n  {direct.url}\n", flush=True)
                print(
                    f"A server channel, to try the menu of a message:\n  {server.url}\n\n{_listing(stage)}\n",
                    flush=True,
                )
                print("Ctrl-C ends it.", flush=True)
                if browser:
                    webbrowser.open(direct.url)
                # Beside the client, not inside it: SimCord runs a client's own tasks in virtual time.
                stop = asyncio.Event()
                work = asyncio.create_task(app.work(stop))
                show = asyncio.create_task(shown.show_what_arrives())
                await _stopped(direct.wait_closed)
                show.cancel()
                stop.set()
                await work


@asynccontextmanager
async def _page(env: Any, shown: Presses, channel: Any, viewer: Any, locale: str, port: int) -> AsyncGenerator[Any]:
    """Serve a page that shows a channel, beside the one that is served already: SimCord itself knows of one only."""
    env._preview = None
    preview = env.preview(channel, viewers=[viewer], layout="channel", port=port, locale=locale)
    shown.guard(preview)
    async with preview:
        yield preview


async def _send(client: discord.Client, channel: Any, shown: CardView) -> None:
    await client.get_partial_messageable(channel.id).send(view=shown.view)


def _settings(folder: Path) -> Settings:
    values: dict[str, Any] = {
        "data_dir": folder,
        "watch_min_interval": 1,
        "watch_max_interval": 5,
        "notify_window": 1,
        "public_url": "https://demo.invalid",  # so that /webhook is on; the simulated panel calls nobody,
        "http_port": 1,  # and nothing listens
    }
    return Settings(_env_file=None, **values)  # pyright: ignore[reportCallIssue]


def _follow(env: simcord.Env, clock: StoryClock) -> None:
    """Bring the simulated Discord's clock, which stands still by itself, to the present of the story."""
    env.backend.advance_clock(max(0.0, (clock() - env.now()).total_seconds()))


async def _stopped(also: Callable[[], Any] | None = None) -> None:
    """Wait for Ctrl-C or SIGTERM, or for something else to end."""
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
    waits = [asyncio.create_task(stop.wait())]
    if also:
        waits.append(asyncio.ensure_future(also()))
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()


def _listing(stage: Stage) -> str:
    orders = "\n".join(f"  {order}  {what}" for order, what in stage.orders.items())
    return f"Demo key:\n  {stage.key}\n\nSample orders:\n{orders}"
