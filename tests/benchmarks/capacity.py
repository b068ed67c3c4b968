"""How many users one address can serve: the tables of docs/scaling.md, from the limits alone.

Commands and watching share an address's calls a minute. A list of n orders costs ceil(n / 100) calls to send and as
many to look at once. An account with open orders costs a call for each hundred of them at each look. The schedule never
asks for more than the limits allow, so that with more users not the calls grow but the time until an ending is found
out: half the pause between two looks, on average. Here all accounts are alike, for which no schedule is better than one
after the other; the more they differ, the more the schedule gains (tests/benchmarks/schedule.py measures that).
"""

import argparse

from bot.domain.clock import utc_now
from bot.panel import MAX_BATCH
from bot.settings import Settings
from bot.workers.budget import WATCH_SHARE_OF_IP, Budget
from bot.workers.poll_planner import groups_of

ACCOUNTS = (100, 500, 1_000, 2_500, 5_000, 10_000, 25_000)
OPEN = (MAX_BATCH, 500)
MINUTE = 60.0


def found_after(accounts: int, orders: int, calls_a_minute: int, shortest: float) -> float:
    """Return after how many seconds an ending is found out on average, if so many accounts have so many orders open."""
    pause = accounts * groups_of(orders, MAX_BATCH) / _watching(calls_a_minute)
    return max(pause, shortest) / 2


def most_accounts(orders: int, calls_a_minute: int, within: float) -> int:
    """Return how many accounts can be watched so that an ending is found out `within` seconds on average."""
    return int(2 * within * _watching(calls_a_minute) / groups_of(orders, MAX_BATCH))


def lists_a_minute(orders: int, calls_a_minute: int) -> int:
    """Return how many lists can be sent and looked at once in a minute, if watching takes all that it may."""
    return int(calls_a_minute * (1 - WATCH_SHARE_OF_IP) / (2 * groups_of(orders, MAX_BATCH)))


def _watching(calls_a_minute: int) -> float:
    return Budget(utc_now, calls_a_minute, calls_a_minute).watching_per_second


def tables(calls_a_minute: int, shortest: float) -> list[str]:
    """Return the lines of all tables, in Markdown."""
    heads = " | ".join(f"up to {orders} open each" for orders in OPEN)
    lines = [f"| accounts with open orders | {heads} |", "|---:" * (1 + len(OPEN)) + "|"]
    for accounts in ACCOUNTS:
        late = (_time(found_after(accounts, orders, calls_a_minute, shortest)) for orders in OPEN)
        lines.append(f"| {accounts:,} | {' | '.join(late)} |")
    lines += ["", f"| found out after, on average | accounts, {heads} |", "|---:" * (1 + len(OPEN)) + "|"]
    for minutes in (1, 5, 15, 60):
        counts = (f"{most_accounts(orders, calls_a_minute, minutes * MINUTE):,}" for orders in OPEN)
        lines.append(f"| {minutes} min | {' | '.join(counts)} |")
    lines += ["", "| orders in a list | lists a minute, of all users together |", "|---:|---:|"]
    lines += [f"| {orders:,} | {lists_a_minute(orders, calls_a_minute)} |" for orders in (1, 100, 500, 1_000)]
    return lines


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < MINUTE else f"{seconds / MINUTE:.0f} min"


def main() -> None:
    """Print the tables."""
    fields = Settings.model_fields
    parser = argparse.ArgumentParser(description="How many users one address can serve.")
    parser.add_argument("--ip-limit", type=int, default=fields["panel_ip_limit"].default, help="calls a minute")
    shortest = float(fields["watch_min_interval"].default)
    print("\n".join(tables(parser.parse_args().ip_limit, shortest)))


if __name__ == "__main__":
    main()
