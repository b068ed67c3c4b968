"""`make demo`: the real bot and its real ledger, with a simulated Discord in the browser and a simulated panel."""

import asyncio
import signal
import tempfile
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import simcord
from simcord.backend.errors import SetupError

from bot.app import build
from bot.cards.layout import CardView, Tone, card
from bot.demo.locale import set_locale
from bot.demo.sample import SamplePanel, sample_panel
from bot.demo.serve import serve
from bot.domain.clock import utc_now
from bot.logs import set_up_logging
from bot.panel import in_process
from bot.settings import Settings

_TICK = 0.3


def run_demo(locale: str, *, port: int, browser: bool, panel_only: bool) -> int:
    """Run until Ctrl-C and return the process's exit code; `locale` is the language of the simulated client."""
    set_up_logging("WARNING", "console")
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve_panel(port) if panel_only else _preview(locale, port, browser))
    print("\nDemo ended; nothing was kept.")
    return 0


async def _serve_panel(port: int) -> None:
    panel, sample = sample_panel(utc_now)
    async with serve(panel, port) as url:
        print(f"Simulated panel, for PANEL_URL:\n  {url}\n\n{_listing(sample)}", flush=True)
        await _stopped()


async def _preview(locale: str, port: int, browser: bool) -> None:
    panel, sample = sample_panel(utc_now)
    with tempfile.TemporaryDirectory(prefix="notpanel-demo-") as folder:
        async with (
            build(_settings(Path(folder)), transport=in_process(panel.answer)) as app,
            simcord.run(app.client, check_errors=False, shard_count=1) as env,
        ):
            _set_clock(env)
            assert app.client.user is not None
            await app.client.user.edit(username="NotPanel bot")
            person = env.create_user("you", global_name="You")
            set_locale(env, person.id, locale)
            await app.client.get_partial_messageable(person.dm_channel.id).send(view=_welcome(sample).view)
            await env.settle()
            stop = asyncio.Event()
            async with env.preview(
                person.dm_channel, viewers=[person], layout="channel", port=port, locale=locale
            ) as preview:
                print(f"Open this address in a browser:\n  {preview.url}\n\n{_listing(sample)}\n", flush=True)
                print("Ctrl-C ends it.", flush=True)
                if browser:
                    webbrowser.open(preview.url)
                # Beside the client, not inside it: SimCord runs a client's own tasks in virtual time.
                work = asyncio.create_task(app.work(stop))
                show = asyncio.create_task(_show_what_arrives(env, preview))
                await _stopped(preview.wait_closed)
                show.cancel()
                stop.set()
                await work


def _settings(folder: Path) -> Settings:
    values: dict[str, Any] = {
        "data_dir": folder,
        "watch_min_interval": 1,
        "watch_max_interval": 5,
        "notify_window": 1,
    }
    return Settings(_env_file=None, **values)  # pyright: ignore[reportCallIssue]


def _set_clock(env: simcord.Env) -> None:
    """Bring the simulated Discord's clock, which stands still by itself, to the present."""
    env.backend.advance_clock((utc_now() - env.now()).total_seconds())


async def _show_what_arrives(env: simcord.Env, preview: Any) -> None:
    """Refresh the page when the bot has sent something by itself, and only then.

    A refresh makes a person's action that is under way fail, and what an action leads to is shown without one.
    """
    seen = _sent_by_itself(env)
    while True:
        await asyncio.sleep(_TICK)
        _set_clock(env)
        sent = _sent_by_itself(env)
        if sent == seen:
            continue
        with suppress(SetupError, TimeoutError):
            await preview.refresh()
            seen = sent


def _sent_by_itself(env: simcord.Env) -> int:
    return sum(map(_is_by_itself, env.http_requests))


def _is_by_itself(request: Any) -> bool:
    """Tell a call of bot/delivery: a card edited by its message's id, or a message sent with a nonce."""
    if request.method == "PATCH":
        return "/messages/" in request.path and not request.path.endswith("@original")
    return request.method == "POST" and "enforce_nonce" in (request.json or ())


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


def _welcome(sample: SamplePanel) -> CardView:
    orders = "\n".join(f"`{order}` — {what}" for order, what in sample.orders.items())
    return card(
        Tone.PLAIN,
        [
            "### Try it: this is the real bot, with a simulated panel behind it\n"
            "**1.** Type `/key set`, and paste this demo key into the form:\n"
            f"```\n{sample.key}\n```\n"
            "**2.** Type `/cancel`, and paste these orders (just copy the whole block):\n"
            f"```\n{' '.join(sample.orders)}\n```\n"
            "**3.** Read the card; then wait some seconds for the messages that arrive by themselves.\n"
            "**4.** Try `/balance`, and `/refill` with the same orders.",
            f"What the panel holds:\n{orders}",
        ],
    )


def _listing(sample: SamplePanel) -> str:
    orders = "\n".join(f"  {order}  {what}" for order, what in sample.orders.items())
    return f"Demo key:\n  {sample.key}\n\nSample orders:\n{orders}"
