"""Nothing of a removed key is left in the files, and a file that does not fit is left alone."""

import re
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest

from bot.ledger import Ledger, LedgerTooNew, LedgerUnreadable, SealedKey, Writer, migrate
from bot.ledger.errors import LedgerDamaged
from bot.ledger.named import with_views
from bot.ledger.schema import migrations
from bot.ledger.sqlite.engine import SQLITE_QUERIES
from bot.ledger.sqlite.migrate import migrate_file
from tests.ledger.ledger_case import KEY, LATER, LedgerCase


def files_with(folder: Path, secret: bytes) -> list[str]:
    """Return the files of a folder in which a secret or a part of it can be found."""
    return [
        file.name for file in folder.iterdir() if secret[:24] in file.read_bytes() or secret[-24:] in file.read_bytes()
    ]


def folder_of(ledger_case: LedgerCase) -> Path:
    """Return the folder of a ledger's files."""
    assert isinstance(ledger_case.below.database, Path)
    return ledger_case.below.database.parent


@pytest.mark.sqlite
async def test_removing_a_key_leaves_no_trace_of_it_in_any_file(ledger_case: LedgerCase) -> None:
    await ledger_case.ask(*(f"ord_{n}" for n in range(50)))
    assert files_with(folder_of(ledger_case), KEY) != []
    other = KEY[::-1]
    async with ledger_case.at(LATER) as tx:  # a key replaced is a key removed
        await tx.save_key(SealedKey(ledger_case.account.id, other, LATER, b"another"))
    await ledger_case.ledger.forget_deleted()
    assert files_with(folder_of(ledger_case), KEY) == []
    assert files_with(folder_of(ledger_case), other) != []
    async with ledger_case.ledger.write() as tx:
        await tx.remove_key(ledger_case.account)
    await ledger_case.ledger.forget_deleted()
    assert files_with(folder_of(ledger_case), other) == []


def contents(folder: Path) -> dict[str, bytes]:
    """Return the names and bytes of all files of a folder."""
    return {file.name: file.read_bytes() for file in folder.iterdir()}


async def open_and_close(path: Path) -> None:
    """Open a ledger the way the bot does."""
    async with Ledger.open(path):
        pass


async def test_a_ledger_of_a_newer_release_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    newest = migrate(path)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("INSERT INTO schema_version VALUES (?, 'some day')", (newest + 1,))
    before = contents(tmp_path)
    with pytest.raises(LedgerTooNew, match="newer release"):
        await open_and_close(path)
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    "content",
    [b"Dear diary, this is no database." * 99, b"SQLite format 3\0" + bytes(range(256)) * 40],
    ids=["no database", "garbled"],
)
async def test_a_file_that_is_no_ledger_is_refused_untouched(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ledger.sqlite3"
    path.write_bytes(content)
    with pytest.raises(LedgerUnreadable, match="nothing was changed"):
        await open_and_close(path)
    assert contents(tmp_path) == {path.name: content}


async def test_a_torn_ledger_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    migrate(path)
    torn = path.read_bytes()[:3_000]
    path.write_bytes(torn)
    with pytest.raises(LedgerUnreadable):
        await open_and_close(path)
    assert contents(tmp_path) == {path.name: torn}


async def test_a_database_of_another_program_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE recipes (name TEXT)")
    before = contents(tmp_path)
    with pytest.raises(LedgerUnreadable):
        await open_and_close(path)
    assert contents(tmp_path) == before


async def test_a_folder_in_the_ledgers_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnreadable):
        await open_and_close(tmp_path)


async def test_opening_twice_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "somewhere" / "ledger.sqlite3"
    await open_and_close(path)
    before = path.read_bytes()
    assert migrate(path) == migrations("sqlite")[-1][0]
    await open_and_close(path)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_migrations_are_numbered_without_a_gap(engine: str) -> None:
    found = migrations(engine)
    assert [number for number, _, _ in found] == list(range(1, len(found) + 1))
    assert all(name.startswith(f"{number:04}_") for number, name, _ in found)


def test_both_engines_have_the_same_migrations() -> None:
    assert [name for _, name, _ in migrations("sqlite")] == [name for _, name, _ in migrations("postgresql")]


SPELLED_OTHERWISE = {
    "BIGINT GENERATED ALWAYS AS IDENTITY": "INTEGER",
    "BIGINT": "INTEGER",
    "BYTEA": "BLOB",
    ' COLLATE "C"': "",
    " AUTOINCREMENT": "",
    " WITHOUT ROWID": "",
    " held_by INTEGER,": "",
}
OF_ONE_ENGINE = {"TABLE": {"processes"}, "INDEX": {"accounts_held"}}


def made(engine: str) -> dict[str, str]:
    """Return what an engine's migrations make, by name, in the words of SQLite."""
    text = re.sub(r"--.*", "", "".join(sql for _, _, sql in migrations(engine)))
    text = " ".join(text.split())
    for theirs, ours in SPELLED_OTHERWISE.items():
        text = text.replace(theirs, ours)
    found = re.finditer(r"CREATE (?:UNIQUE )?(TABLE|INDEX) (\w+)[^;]*;", text)
    renamed = set(re.findall(r"ALTER TABLE (\w+) RENAME TO", text))  # made anew, since SQLite changes no CHECK
    return {one[2]: one[0] for one in found if one[2] not in OF_ONE_ENGINE[one[1]] | renamed}


def test_both_engines_have_the_same_tables_and_indexes() -> None:
    ours, theirs = made("sqlite"), made("postgresql")
    assert len(ours) > 40
    assert ours == theirs


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_rules_are_no_part_of_the_schema(engine: str) -> None:
    text = "".join(sql for _, _, sql in migrations(engine))
    created, dropped = (sorted(re.findall(rf"^{verb} VIEW (\w+)", text, re.MULTILINE)) for verb in ("CREATE", "DROP"))
    assert len(created) >= 7
    assert created == dropped


def test_a_view_is_put_in_the_place_of_its_name_and_may_name_another() -> None:
    text = """
-- view: old
-- What was made FROM orders long ago; a view in a view.
SELECT o.id FROM unended o WHERE o.age > 3;

-- view: unended
SELECT id, age FROM orders WHERE ended_at IS NULL;

-- name: oldest()$
SELECT MIN(x.id) FROM accounts a JOIN old x ON x.id = a.id;
"""
    unended = "(SELECT id, age FROM orders WHERE ended_at IS NULL)"
    old = f"(SELECT o.id FROM {unended} o WHERE o.age > 3)"
    query = f"SELECT MIN(x.id) FROM accounts a JOIN {old} x ON x.id = a.id;"
    assert with_views(text).split() == f"-- name: oldest()$ {query}".split()


def test_whatever_is_referred_to_can_be_deleted_without_a_look_at_every_row(tmp_path: Path) -> None:
    """Where a column that refers to others has no index, SQLite reads its whole table before it lets one of them go."""
    migrate_file(tmp_path / "ledger.sqlite3")
    bare: list[str] = []
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite3")) as ledger:
        for (table,) in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for _, _, _, column, *_ in ledger.execute(f"PRAGMA foreign_key_list({table})").fetchall():
                plan = ledger.execute(f"EXPLAIN QUERY PLAN SELECT 1 FROM {table} WHERE {column} = ?", (1,)).fetchall()
                bare += [f"{table}.{column}" for *_, step in plan if step.startswith("SCAN")]
    assert bare == []


@pytest.mark.parametrize(
    "query",
    [
        *("cancellations_to_erase", "erase_cards", "erase_accounts", "page_of_open", "unsent_by_request"),
        *("open_by_request", "is_being_checked", "checked_since", "expire_request", "count_open_of_request"),
        *("follow_same_key", "wait_for_same_key", "close_cards", "cards_expired", "notices_due", "edits_due"),
        *("requests_at_their_end", "is_going_on", "lapsed_before", "lapsed_of_user"),
    ],
)
def test_nobody_elses_orders_are_gone_through(tmp_path: Path, query: str) -> None:
    migrate_file(tmp_path / "ledger.sqlite3")
    names = (
        "user_id",
        "account_id",
        "most",
        "after",
        "state",
        "is_ambiguous",
        "now",
        "ambiguous_attempts",
        "most_ambiguous",
        "until",
        "since",
        "overdue_before",
        "request_id",
        "notified_at",
        *("soon", "tries", "begun_by", "before"),
    )
    values = dict.fromkeys(names, 1)
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite3")) as ledger:
        plan = ledger.execute(f"EXPLAIN QUERY PLAN {getattr(SQLITE_QUERIES, query).sql}", values).fetchall()
    few = ("SCAN claimable", "SCAN theirs", "SCAN o", "SCAN CONSTANT ROW")  # of one call, or a row for each request
    assert [step for *_, step in plan if ("SCAN" in step and step not in few) or "rowid>" in step] == []
    assert query not in ("follow_same_key", "wait_for_same_key") or "cancellations_history" not in str(plan)


def test_no_statement_is_prepared_anew_for_other_parameters(tmp_path: Path) -> None:
    """SQLite does so, which can take longer than the statement, where a parameter decides which index is of use.

    That is one compared with what a partial index is about, or a pattern, unless it stands in a CAST. To a newer SQLite
    (3.53) a LIMIT is such a parameter, too: 0.35 ms instead of 0.01 for most of these.
    """
    migrate_file(tmp_path / "ledger.sqlite3")
    looked_up: list[int] = []
    anew: list[str] = []
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite3", isolation_level=None)) as ledger:
        ledger.set_authorizer(lambda *what: looked_up.append(1) or sqlite3.SQLITE_OK)  # called while preparing
        for name in SQLITE_QUERIES.available_queries:
            sql = getattr(SQLITE_QUERIES, name).sql
            names = re.findall(r"(?<!:):(\w+)", sql)
            assert not re.search(r"\b(LIMIT|OFFSET) :", sql), name
            for value in (1, 2):
                ledger.execute("BEGIN")
                looked_up.clear()
                with suppress(sqlite3.IntegrityError):
                    ledger.execute(sql, dict.fromkeys(names, value)).fetchall()
                if value == 2 and looked_up:
                    anew.append(name)
                ledger.execute("ROLLBACK")
    assert anew == []


def test_the_sweep_goes_through_open_orders_alone(tmp_path: Path) -> None:
    migrate_file(tmp_path / "ledger.sqlite3")
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite3")) as ledger:
        sql = f"EXPLAIN QUERY PLAN {SQLITE_QUERIES.accounts_with_old.sql}"
        plan = ledger.execute(sql, {"before": 1}).fetchall()
    assert any("cancellations_open_by_age (created_at<?)" in step for *_, step in plan)


async def test_a_statement_that_is_wrong_is_no_fault_of_the_files(tmp_path: Path) -> None:
    """The log has where it stands then, and nobody looks at the disk."""
    async with Ledger.open(tmp_path / "ledger.sqlite3") as ledger:

        async def wrong(tx: Writer) -> None:
            await tx._db.change("UPDATE facts SET SET", {})

        with pytest.raises(sqlite3.OperationalError, match="syntax error"):
            await ledger.write_at_once(wrong)
        with pytest.raises(sqlite3.OperationalError, match="syntax error"):
            async with ledger.write() as tx:
                await wrong(tx)
        with pytest.raises(sqlite3.OperationalError, match="syntax error"):
            await ledger.read._db.rows("SELECT FROM FROM", {})
        assert ledger.availability.error is None
        await ledger.prove_writable()
        with pytest.raises(LedgerDamaged, match="no such table"):  # somebody has taken it away
            await ledger.read._db.rows("SELECT id FROM nowhere", {})
