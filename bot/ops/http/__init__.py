"""The bot's own HTTP server, off unless HTTP_PORT is set: health, metrics and webhooks."""

from bot.ops.http.server import serving

__all__ = ["serving"]
