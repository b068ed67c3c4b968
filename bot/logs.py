"""Sets up logging once, so that no level lets a secret through."""

import json
import logging
from datetime import UTC, datetime

from bot.arrivals import answered_id

# At DEBUG (httpx at INFO) these print modal values, interaction tokens, SQL parameters and URLs.
_AT_LEAST = {
    "discord": logging.INFO,
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    "aiosqlite": logging.INFO,
}


class TextFormatter(logging.Formatter):
    """One line for people, ended by what was being answered."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return a record as one line."""
        request = answered_id()
        return super().formatMessage(record) + (f" [{request}]" if request is not None else "")


class JsonFormatter(logging.Formatter):
    """One JSON object a line, for machines; `request` is the id of the interaction or message being answered."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line."""
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        request = answered_id()
        if request is not None:
            fields["request"] = str(request)  # as a number it would lose its last digits in many a reader
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields)


def set_up_logging(level: str, style: str) -> None:
    """Log to standard error at a level, as text (`console`) or JSON lines (`json`)."""
    handler = logging.StreamHandler()
    text = TextFormatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    handler.setFormatter(JsonFormatter() if style == "json" else text)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in ("discord.client", "discord.state"):
        logging.getLogger(name).addFilter(_is_relevant)
    for name, least in _AT_LEAST.items():
        logging.getLogger(name).setLevel(max(least, logging.getLevelNamesMapping()[level]))


def _is_relevant(record: logging.LogRecord) -> bool:
    # The client does without voice and without the guild cache on purpose (bot/client.py).
    return not any(text in str(record.msg) for text in ("Guilds intent", "voice will NOT be supported"))
