"""Ledgers that earlier releases have left, opened by this one: all goes on where it was, and is told once."""

import re
from collections import defaultdict
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any

import pytest

from bot.demo.panel import Upstream
from bot.domain.order_status import OrderStatus
from bot.ledger import migrate
from tests.invariants import breaches
from tests.ledgers import Below, InFile, InPostgres
from tests.postgres import Postgres
from tests.releases import kept, story
from tests.world import KEY, World, messages, shown, text_of, world

Tables = dict[str, list[tuple[Any, ...]]]

NAMES = re.compile(r"ord_\w+")
QUEUED = ("ord_queued", "ord_shop", story.IN_DOUBT)
"""What the provider refunds soon after the upgrade."""


@pytest.fixture(params=kept.releases(), ids=lambda path: path.stem)
def release(request: pytest.FixtureRequest) -> Path:
    """A ledger that a release has left."""
    return request.param


@pytest.fixture(params=["sqlite", "postgresql"])
def below(tmp_path: Path, release: Path, request: pytest.FixtureRequest) -> Generator[Below]:
    """Where that ledger is."""
    if request.param == "sqlite":
        made = InFile(tmp_path / "ledger.sqlite3")
        kept.put_back(release, made)
        yield made
        return
    server: Postgres = request.getfixturevalue("postgres")
    made = InPostgres(server, migrated=False)
    kept.put_back(release, made)
    yield made
    made.drop()


@pytest.fixture
def before(below: Below) -> Tables:
    """All that is in the ledger before it is opened."""
    return {table: below.sql(f"SELECT * FROM {table}") for table in below.tables()}


@pytest.fixture
async def here(tmp_path: Path, below: Below, before: object) -> AsyncGenerator[World]:
    """A world that goes on after the upgrade; the panel has gone on as well, and this Discord knows no commands yet."""
    below.sql("DELETE FROM facts WHERE name = 'command tree'")
    async with world(tmp_path, below, begin=story.UPGRADED_AT, **story.SETTINGS) as made:
        for key in (*story.KEYS.values(), story.SHOP):
            made.panel.add_key(key)
        for order, key, status in orders_of_the_story(below):
            made.panel.add_order(key, order, status=status, upstream=Upstream())
            if status == OrderStatus.IN_PROGRESS:
                made.panel.orders[order].queued_at = made.clock.now
        yield made


def orders_of_the_story(below: Below) -> list[tuple[str, str, str]]:
    """Return all orders of the story, with key and status; those of the last call have not reached the panel."""
    keys = {"ord_shop": story.SHOP, story.IN_DOUBT: story.SHOP, "ord_B1": story.KEYS["bea"]}
    rows = below.sql("SELECT order_id, state FROM cancellations")
    statuses = {order: OrderStatus.CANCELLED if state == "accepted" else OrderStatus.PENDING for order, state in rows}
    statuses |= dict.fromkeys((*story.QUESTION, *story.LIST[200:]), OrderStatus.PENDING)
    statuses |= dict.fromkeys((*QUEUED, "ord_B1"), OrderStatus.IN_PROGRESS)
    return [(order, keys.get(order, KEY), status) for order, status in statuses.items()]


def test_it_came_from_a_release_with_something_of_everything(before: Tables) -> None:
    assert [table for table, rows in before.items() if not rows and table != "processes"] == []


async def test_all_goes_on_where_it_was_and_is_told_once(here: World, before: Tables) -> None:
    ann, bea = story.person(here, "ann"), story.person(here, "bea")
    ((untold,),) = here.sql(
        "SELECT COUNT(*) FROM cancellations WHERE notified_at IS NULL AND order_id NOT IN ('ord_B1', 'ord_C1')"
    )
    await here.wait(300)
    assert here.sql("SELECT order_id FROM cancellations WHERE ended_at IS NULL") == [("ord_B1",)]
    news = "\n".join(messages(ann))
    alone = len(re.findall(r"### [^\n·]*: `ord_", news))
    counted = sum(map(int, re.findall(r"### .*\n-# (\d+) ", news)))
    assert counted + alone == untold + len(story.LIST[200:])  # not begun before
    assert "iptal edildi" in news  # the language that she had chosen
    assert {"ord_partial", *QUEUED} <= set(NAMES.findall(news))
    assert not {"ord_refunded", "ord_refused", *story.QUESTION} & set(NAMES.findall(news))
    assert messages(bea) == []

    connected = await here.connect(bea, story.KEYS["bea"])
    assert "1 open order will be tried" in connected
    await here.wait(120)
    assert "ord_B1" in messages(bea)[0]
    assert breaches(here.sql) == {}
    steps = {tuple("cancelled" if value == "refunded" else value for value in step) for step in before["transitions"]}
    assert steps <= set(here.sql("SELECT * FROM transitions"))


async def test_nothing_is_sent_that_had_arrived_or_was_not_confirmed(here: World) -> None:
    await here.wait(300)
    acts: defaultdict[str, list[str]] = defaultdict(list)
    for call in here.panel.calls:
        for order in call.orders:
            acts[order].append(call.action)
    assert [acts[order] for order in story.QUESTION] == [[]] * len(story.QUESTION)
    assert {order: acts[order][0] for order in story.LIST[:200]} == dict.fromkeys(story.LIST[:200], "status")
    assert [order for order in story.LIST[:100] if "cancel" in acts[order]] == []
    assert [acts[order].count("cancel") for order in story.LIST[100:]] == [1] * 110
    assert "cancel" not in acts["ord_queued"] + acts["ord_shop"]
    assert acts[story.IN_DOUBT][0] == "status"


async def test_what_users_had_left_is_theirs(here: World) -> None:
    ann, carl, dora = (story.person(here, name) for name in ("ann", "carl", "dora"))
    keys = shown(await ann.slash("key show"))
    assert "`main` · **" in keys
    assert "`Shop`\n" in keys
    assert {"ord_refunded", "ord_refused", "ord_partial"} <= set(NAMES.findall(shown(await ann.slash("history"))))
    assert f"<t:{int(here.sql('SELECT created_at FROM webhooks')[0][0] / 1000)}" in shown(await ann.slash("webhook"))
    (kept_for_him,) = (await carl.slash("queued")).followups
    assert "ord_C1" in text_of(kept_for_him.components)
    assert "`ord_D1`" in shown(await dora.slash("history"))  # the key was removed


def test_webhooks_go_on_and_their_secrets_are_overwritten(tmp_path: Path) -> None:
    below, secret = InFile(tmp_path / "ledger.sqlite3"), b"a sealed secret"
    kept.put_back(kept.FOLDER / "ledger-0.1.0.gz", below)
    below.sql("UPDATE webhooks SET secret_sealed = ?", secret)
    below.sql(  # as many as take several pages
        "INSERT INTO webhooks WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)"
        " SELECT i, randomblob(32), ? || randomblob(50), i, NULL, NULL FROM n",
        secret,
    )
    webhooks = below.sql("SELECT user_id, address_hash, created_at, arrived_at FROM webhooks")
    migrate(below.database)
    assert below.sql("SELECT * FROM webhooks") == webhooks
    assert secret not in below.database.read_bytes()


OLD_ENDS = {
    "ord_word": ("refunded", "Refunded", "0.50", "0.50", "word"),
    "ord_fell": ("refunded", "canceled", "0.50", "0.18", "charge"),
    "ord_fell_far": ("refunded", "canceled", "10.00", "9.50", "charge"),
    "ord_half": ("partial", "partial", "0.5", "0.18", "charge"),
    "ord_same": ("refunded", "canceled", "0.50", "0.50", None),
    "ord_once": ("refunded", "canceled", "0.00", "0.00", None),
    "ord_rose": ("refunded", "canceled", "9.50", "10.00", None),
    "ord_comma": ("refunded", "canceled", "0,50", "0.18", None),
    "ord_words": ("refunded", "canceled", "free", "0", None),
    "ord_mute": ("refunded", "canceled", None, None, None),
    "ord_refused": ("refused", None, "0.50", "0.18", None),
}
"""Orders as 0.1.0 has left them: state, status word, first and last charge; and what that proves."""


def test_what_was_called_refunded_is_called_so_only_where_its_row_proves_it(below: Below) -> None:
    for order, (state, word, first, last, _) in OLD_ENDS.items():
        below.sql(
            "INSERT INTO cancellations (request_id, account_id, order_id, state, status_word, charge_first, "
            "charge_last, created_at, changed_at, ended_at, told_at) "
            f"SELECT request_id, account_id, ?, '{state}', ?, ?, ?, created_at, changed_at, 9, 9 FROM cancellations "
            "WHERE id = 1",
            *(order, word, first, last),
        )
    steps = below.sql("SELECT id, from_state, to_state FROM transitions ORDER BY id")
    assert "refunded" in {state for _, *states in steps for state in states}
    migrate(below.database)
    ends = below.sql("SELECT order_id, state, refund FROM cancellations WHERE ended_at = 9")
    assert {order: (state, refund) for order, state, refund in ends} == {
        order: (state.replace("refunded", "cancelled"), refund) for order, (state, *_, refund) in OLD_ENDS.items()
    }
    renamed = [(id, begin, end.replace("refunded", "cancelled")) for id, begin, end in steps]
    assert below.sql("SELECT id, from_state, to_state FROM transitions ORDER BY id") == renamed
    below.sql("UPDATE cancellations SET state = 'expired' WHERE order_id = 'ord_same'")  # steps are recorded again
    assert len(below.sql("SELECT id FROM transitions")) == len(steps) + 1


ONLY_WATCHED = {
    "ord_worn": (("unknown", 5, 5, 0), (1, 5, 1)),
    "ord_already": (("unknown", 1, 5, 1), (1, 1, 0)),
    "ord_theirs": (("unknown", 0, 5, 0), (1, 5, 1)),
    "ord_asked_again": (("unknown", 2, 4, 0), (0, 4, 1)),
    "ord_unclear": (("unknown", 2, 2, 1), (0, 2, 0)),
}
"""Orders as they were: state, calls, of these unclear, and whether the key was replaced since. Then whether they
are given up, how many calls were unclear, and which key they were sent with."""


def test_what_was_five_times_unclear_is_given_up(below: Below) -> None:
    for order, (was, _) in ONLY_WATCHED.items():
        below.sql(
            "INSERT INTO cancellations (request_id, account_id, order_id, state, attempts, doubts, other_key, "
            "created_at, changed_at, due_at) "
            f"SELECT request_id, account_id, ?, '{was[0]}', ?, ?, ?, created_at, changed_at, 9 FROM cancellations "
            "WHERE id = 1",
            *(order, *was[1:]),
        )
    migrate(below.database)
    rows = below.sql("SELECT order_id, given_up, ambiguous_attempts, key_version FROM cancellations WHERE due_at = 9")
    assert {order: tuple(now) for order, *now in rows} == {order: now for order, (_, now) in ONLY_WATCHED.items()}


def test_no_released_migration_has_changed() -> None:
    sealed = set(kept.SEALS.read_text("utf-8").splitlines())
    assert sealed
    assert sealed <= set(kept.sums().splitlines())
