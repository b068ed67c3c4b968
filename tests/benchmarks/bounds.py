"""The least time that the panel's limits allow: what the bot is measured against.

Of calls with one key `at_once` are under way at a time, and in every minute `a_minute` begin at most. So each begins as
soon as the one `at_once` places before it has been answered, and a minute after the one `a_minute` places before it:
whoever makes them, and in whatever order, the last cannot begin sooner.

A list of n orders takes c = ceil(n / 100) cancels, and c status checks that prove what came of them. A check waits for
the answer to its cancel, but not for the other cancels. With c of at least `at_once` that costs nothing: the checks
take the places that the last cancels leave free. With fewer, all cancels go at once, and all checks after them.

Assumed: the panel's minute slides, that is, it takes a call where of the last 60 seconds' fewer than `a_minute` are
counted. Whether NotPanel's does so or begins at fixed times its docs do not say; with fixed times twice as many may go
around one of them, but whoever does not know these times risks a 429. The bot counts 62 seconds, for a call that is
slow on its way: of these two it gets nothing back here. All calls take equally long; nobody else uses the key or the
address, and the address's limit is not reached.
"""

from math import ceil

from bot.panel import MAX_BATCH

MINUTE = 60.0


def least(calls: int, seconds: float, at_once: int, a_minute: int | None) -> float:
    """Return how many seconds pass at least until the last of some calls is answered; each takes `seconds`."""
    begun: list[float] = []
    for number in range(calls):
        begins = begun[number - at_once] + seconds if number >= at_once else 0.0
        if a_minute and number >= a_minute:
            begins = max(begins, begun[number - a_minute] + MINUTE)
        begun.append(begins)
    return begun[-1] + seconds


def all_sent(orders: int, seconds: float, at_once: int, a_minute: int | None) -> float:
    """Return how many seconds pass at least until every cancel of a list is answered."""
    return least(ceil(orders / MAX_BATCH), seconds, at_once, a_minute)


def all_known(orders: int, seconds: float, at_once: int, a_minute: int | None) -> float:
    """Return how many seconds pass at least until every check of a list is answered."""
    cancels = ceil(orders / MAX_BATCH)
    return least(2 * cancels, seconds, min(at_once, cancels), a_minute)
