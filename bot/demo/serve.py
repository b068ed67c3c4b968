"""The simulated panel on a real port of this machine, so that a bot can be pointed at it with PANEL_URL."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from aiohttp import web

from bot.demo.panel import SimulatedPanel


@asynccontextmanager
async def serve(panel: SimulatedPanel, port: int = 0) -> AsyncGenerator[str]:
    """Serve on loopback (port 0: any free one) and give the address."""

    async def handle(request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        answer = await panel.answer(form)
        return web.Response(
            status=answer.status, headers=answer.headers, text=answer.body, content_type="application/json"
        )

    app = web.Application()
    app.router.add_post("/api/v2", handle)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        bound = runner.addresses[0][1]
        yield f"http://127.0.0.1:{bound}/api/v2"
    finally:
        await runner.cleanup()
