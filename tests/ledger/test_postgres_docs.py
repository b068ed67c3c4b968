"""What docs/postgresql.md says to type: run as written."""

import re
import subprocess
from collections.abc import Generator

import pytest
from pydantic import SecretStr

from bot.ledger import Ledger, migrate
from bot.ledger.postgresql.connections import _SESSION
from tests.ledger.test_postgres import note
from tests.ledgers import InPostgres, no_server
from tests.pooler import pooled
from tests.postgres import Postgres, programs, running
from tests.rules.sources import ROOT

TEXT = (ROOT / "docs/postgresql.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    """Return the blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


SET_UP, *LATER = blocks("sql")


@pytest.fixture(scope="module")
def set_up() -> Generator[Postgres]:
    """A server on which a superuser has typed what is to be typed first."""
    if (binaries := programs()) is None:
        no_server()
        return
    with running(binaries) as server:
        typed(server, "bot", "postgres", SET_UP)
        yield server


def typed(server: Postgres, role: str, database: str, text: str) -> str:
    """Let psql run a text as a role."""
    binaries = programs()
    assert binaries is not None
    done = subprocess.run(
        [binaries / "psql", "-X", "-h", server.folder, "-U", role, "-d", database, "-v", "ON_ERROR_STOP=1"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def address(server: Postgres) -> SecretStr:
    return SecretStr(server.url("notpanel").replace("//bot@", "//notpanel@"))


async def test_the_role_and_the_database_are_what_the_bot_wants(
    set_up: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    async with Ledger.open(address(set_up)) as ledger:
        await note(ledger, "kept")
        assert ledger._engine._primary.server is not None  # which needs no more rights
    assert caplog.messages == [message for message in caplog.messages if "REVOKE" not in message]
    assert "superuser" not in caplog.text


def test_what_is_to_be_typed_later_can_be(set_up: Postgres) -> None:
    migrate(address(set_up))
    for text in LATER:
        typed(set_up, "notpanel", "notpanel", text)
    tuned = "SELECT relname::text FROM pg_class WHERE array_to_string(reloptions, ' ') LIKE '%autovacuum%' ORDER BY 1"
    assert set_up.sql(set_up.url("notpanel"), tuned) == [("cancellations",), ("request_orders",), ("transitions",)]


async def test_the_pooler_s_settings_work(base: InPostgres) -> None:
    (settings,) = blocks("ini")
    pairs = dict(line.split(" = ", 1) for line in settings.splitlines())
    mode = pairs.pop("pool_mode")
    with pooled(base, mode, **pairs) as database:
        async with Ledger.open(database) as ledger:
            await note(ledger, "kept")


@pytest.mark.parametrize(
    ("setting", "says"), [("lock_timeout", "20 s"), ("idle_in_transaction_session_timeout", "8 s")]
)
def test_the_time_outs_are_those_of_the_code(setting: str, says: str) -> None:
    assert f"| `{setting}` | {says} |" in TEXT
    assert _SESSION[setting] == says.replace(" ", "")
