"""What people and the panel write, where somebody else's program reads it."""

from bot.cards.csv import csv_file
from bot.domain.order_ids import find_orders
from tests.abuse import Outcome, attack
from tests.cards.test_csv import DANGEROUS, cells


@attack("the panel's words `x;=cmd|…` in a CSV", before="a live formula", bound="no cell is a formula")
async def formula() -> Outcome:
    """At whatever separator a spreadsheet parts the line."""
    words = ("x;=cmd|' /C calc'!A0", "\t=1+1", "a,@SUM(1)", "\u200b=HYPERLINK(1)", '"=1"')
    text = csv_file("orders.csv", ["words"], [[word] for word in words]).fp.read().decode("utf-8-sig")
    live = [cell for cell in cells(text) if DANGEROUS.match(cell)]
    return Outcome(f"{len(live)} of {len(words)} live", held=not live)


@attack("an API key of 16 characters typed into /cancel", before="kept in clear", bound="3 characters are kept")
async def key_as_junk() -> Outcome:
    """It is no order ID, and shown as such."""
    (kept,) = find_orders("np_4f9a8b7c6d5e4").ignored
    return Outcome(kept, held=len(kept) <= 4)
