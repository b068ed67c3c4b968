"""Files made to cost much: how long the event loop stands still, what memory they take, who waits."""

import time

from tests.abuse import Outcome, attack
from tests.abuse.cost import watched

_SIZE = 10_000_000
_OTHER = 10**17
_OTHERS_KEY = "np-wire-key-of-another-0123456789"
_HARD = {
    "no separator": b"a." * (_SIZE // 2),
    "Latin-1": b"\xe9a." * (_SIZE // 3),
    "zero-width spaces": "\u200b".encode() * (_SIZE // 3),
    "not UTF-8": b"\xff" * _SIZE,
    "an endless cell": b'order,link\n"' + b"x" * (_SIZE - 20),
    "quotation marks": b'"' * _SIZE,
    "empty lines": b"\n" * _SIZE,
    "zeros": b"\0" * _SIZE,
    "UTF-16": ("a." * (_SIZE // 4 - 1)).encode("utf-16"),
    "rows of another length": b"order,a\n" + b"1\n" * (_SIZE // 2 - 4),
    "100,000 longest orders": b"\n".join(b"ord_%064d" % number for number in range(100_000)) + b"\n" * 3_000_000,
    "orders between words": b"".join(b"ord_%026d \xc7\xe0\xea\xe0\xe7 " % number for number in range(_SIZE // 40)),
    "a table in a code page": b"order;link\n"
    + b"".join(
        b"%d;\xc7\xe0\xea\xe0\xe7 \xab\xeb\xe0\xe9\xea\xe8\xbb \x97 \xb8\n" % number for number in range(_SIZE // 29)
    ),
    "numbers": b"".join(b"%d\n" % number for number in range(10**9, 10**9 + 900_000)),
    "long rows": b"order,a\n" + (b"1," * 49_000 + b"\n") * 100,
}
_SLOW = _HARD["empty lines"]
_BOUND = "loop 50 ms, +40 MB, answered within 7 s"


@attack(
    "hard files of 10 MB, one after another",
    before="loop still for 4.9 s, memory +618 MB",
    bound=_BOUND,
    slow=True,
)
async def files() -> Outcome:
    """Every kind of file that once cost much."""
    async with watched() as watch:
        discord = watch.here.discord
        for what, content in _HARD.items():
            with watch.asking(what):
                asked = await discord.slash("cancel", file=content)
                await discord.until(lambda asked=asked: bool(asked.text))
        return await watch.outcome()


@attack(
    "files of 10 MB by somebody without a key",
    before="each is fetched and read, however long that takes",
    bound="each answered in 7 s, loop still for 50 ms",
)
async def without_a_key() -> Outcome:
    """What whoever has no key names is kept for when they have one: a file is read for it as for anybody else's."""
    async with watched(connected=False) as watch:
        discord = watch.here.discord
        for number in range(5):
            with watch.asking(f"number {number}"):
                asked = await discord.slash("cancel", file=_SLOW)
                await discord.until(lambda asked=asked: bool(asked.text))
            if "within 5 seconds" not in asked.text and "Connect your NotPanel key" not in asked.text:
                return Outcome(asked.text, held=False)
        return await watch.outcome()


@attack("6 slow files of one user", before="another's waits 307 s behind 18", bound="another's answer within 5 s")
async def in_turn() -> Outcome:
    """One user's files are read one at a time, so that there is a place left for another's."""
    async with watched() as watch:
        here = watch.here
        here.panel.add_key(_OTHERS_KEY)
        connected = await here.discord.submit(await here.discord.slash("key set", by=_OTHER), _OTHERS_KEY)
        await here.discord.until(lambda: "Connected" in connected.text)
        for _ in range(6):
            await here.discord.slash("cancel", file=_SLOW)
        since = time.monotonic()
        asked = await here.discord.slash("cancel", file=b"ord_A", by=_OTHER)
        await here.discord.until(lambda: bool(asked.text))
        waited = time.monotonic() - since
        return Outcome(f"another's answer after {waited:.1f} s", held=waited <= 5)
