"""The bot's own HTTP server, off unless HTTP_PORT is set: health, metrics and webhooks. The only import of aiohttp.web

and of prometheus_client; loaded when it is needed, since the two take longer to import than most of the start.
"""

from bot.ops.http.server import serving

__all__ = ["serving"]
