"""What the bot's process takes of the machine, read from outside."""

from pathlib import Path

from tests.wire.process import BotProcess


def memory_of(bot: BotProcess) -> float:
    """Return how many MB of memory a process holds."""
    assert bot.process
    status = Path(f"/proc/{bot.process.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


def lag_of(bot: BotProcess, since: float) -> float:
    """Return by how many seconds the event loop was late at most since a time of the monotonic clock (WIRE_LAG).

    What the machine's other processes add does not count.
    """
    lines = (bot.folder / "lag").read_text().splitlines()[:-1]  # the last one may be half written
    return max((float(own) for at, _, own in map(str.split, lines) if float(at) >= since), default=0)
