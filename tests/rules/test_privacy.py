"""The privacy notice names every column of the ledger and no other, and what it says of erasing is so."""

import re
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from bot.ledger import migrate
from tests.rules.sources import ROOT

NOTICE = (ROOT / "docs/privacy-notice.md").read_text("utf-8")
Columns = Counter[tuple[str, str]]


def named(part: str) -> Columns:
    """Return the tables' columns that a part of the notice names."""
    (text,) = re.findall(rf"^### {part}$(.*?)(?=^#|\Z)", NOTICE, re.MULTILINE | re.DOTALL)
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| [^|]+ \|$", text, re.MULTILINE)
    return Counter((table, column) for table, columns in rows for column in re.findall(r"`(\w+)`", columns))


@pytest.fixture
def stored(tmp_path: Path) -> Columns:
    """Every column of a new ledger."""
    migrate(tmp_path / "ledger.sqlite3")
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite3")) as connection:
        rows = connection.execute(
            "SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c"
            " WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'"
        )
        return Counter((table, column) for table, column in rows)


def test_the_notice_names_what_is_stored_once_each_and_nothing_else(stored: Columns) -> None:
    told = named("About you") + named("About nobody")
    assert sorted((stored - told).elements()) == []
    assert sorted((told - stored).elements()) == []


def test_what_is_about_users_is_what_forget_me_erases() -> None:
    erased = re.findall(
        r"^DELETE FROM (\w+)", (ROOT / "bot/ledger/queries/erasing.sql").read_text("utf-8"), re.MULTILINE
    )
    assert {table for table, _ in named("About you")} == set(erased)


def test_whatever_names_a_user_is_about_users(stored: Columns) -> None:
    telling = {"user_id", "order_id", "channel_id", "key_sealed", "token_sealed"}
    nobody = {table for table, _ in named("About nobody")}
    assert [column for column in stored if column[0] in nobody and column[1] in telling] == []
