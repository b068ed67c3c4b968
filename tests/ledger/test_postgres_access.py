"""Who may get at a ledger in PostgreSQL: what goes over the network, and what other roles may do."""

import asyncio
from collections.abc import Generator
from contextlib import suppress

import asyncpg
import pytest
from pydantic import SecretStr

from bot.ledger import Ledger, LedgerForeign, LedgerUnreachable
from bot.ledger.postgresql import connections
from bot.ledger.postgresql.address import demanded_tls
from tests.ledger.test_postgres import note, open_and_close
from tests.ledgers import InPostgres

# What goes over the network -----------------------------------------------------------------------------------------

FAR = "postgresql://bot:hunter2@"


class WithoutTls:
    """A server that says that it has no TLS, and notes what it is told afterwards."""

    def __init__(self) -> None:
        self.told = b""
        self.left = asyncio.Event()

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.read(8) == b"\0\0\0\x08\x04\xd2\x16\x2f":
            writer.write(b"N")
        with suppress(OSError):
            self.told += await reader.read(1000)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        self.left.set()


async def test_a_server_elsewhere_that_has_no_tls_is_told_nothing() -> None:
    server = WithoutTls()
    async with await asyncio.start_server(server.meet, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        # 0.0.0.0 is this machine by a name that is none of its own: the bot takes it for another.
        with pytest.raises(LedgerUnreachable) as caught:
            await connections.connect_freely(SecretStr(f"{FAR}0.0.0.0:{port}/ledger"))
        await asyncio.wait_for(server.left.wait(), 10)
    assert server.told == b""
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("rest", "mode"),
    [
        ("db/ledger", "require"),
        ("localhost,db:4/ledger", "require"),
        ("/ledger?host=db", "require"),
        ("/ledger?service=far", "require"),
        ("%2Frun%2Fpg/ledger", "require"),  # more than is needed does no harm
        ("db/ledger?sslmode=verify-full", None),
        ("localhost/ledger", None),
        ("127.0.0.1:5432/ledger", None),
        ("[::1]:5432/ledger", None),
        ("/ledger?host=%2Frun", None),
        ("/ledger", None),
    ],
)
def test_tls_is_demanded_of_other_machines(rest: str, mode: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGHOST", "PGSERVICE", "PGSSLMODE"):
        monkeypatch.delenv(name, raising=False)
    assert demanded_tls(FAR + rest) == mode
    monkeypatch.setenv("PGSSLMODE", "prefer")
    assert demanded_tls(FAR + rest) == mode
    monkeypatch.setenv("PGSSLMODE", "verify-ca")
    assert demanded_tls(FAR + rest) == (mode and "verify-ca")
    monkeypatch.setenv("PGHOST", "db")
    assert demanded_tls(FAR + "/ledger") == "verify-ca"


# Whose it is --------------------------------------------------------------------------------------------------------


@pytest.fixture
def own(base: InPostgres) -> Generator[SecretStr]:
    """The same database, as a role of its own sees it: it owns all that is there, and another role is about."""
    name = base.url.partition("?")[0].rpartition("/")[2]
    base.script(
        f"""
        CREATE ROLE owner LOGIN; CREATE ROLE stranger LOGIN;
        REVOKE CONNECT ON DATABASE {name} FROM PUBLIC; REVOKE CREATE ON SCHEMA public FROM PUBLIC;
        GRANT CONNECT ON DATABASE {name} TO owner, stranger; GRANT ALL ON SCHEMA public TO owner;
        DO $$ DECLARE one record; BEGIN
            FOR one IN SELECT c.relname, c.relkind FROM pg_class c
                WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v') LOOP
                EXECUTE format('ALTER TABLE public.%I OWNER TO owner', one.relname);
            END LOOP;
            FOR one IN SELECT oid::regprocedure AS name FROM pg_proc WHERE pronamespace = 'public'::regnamespace LOOP
                EXECUTE format('ALTER FUNCTION %s OWNER TO owner', one.name);
            END LOOP;
        END $$;
        """
    )
    yield SecretStr(base.url.replace("//bot@", "//owner@"))
    base.script("DROP OWNED BY owner, stranger; DROP ROLE owner, stranger")


def stranger(own: SecretStr) -> str:
    return own.get_secret_value().replace("//owner@", "//stranger@")


async def test_a_role_that_owns_the_ledger_needs_no_more(own: SecretStr, caplog: pytest.LogCaptureFixture) -> None:
    async with Ledger.open(own) as ledger:
        await note(ledger, "kept")
    assert [record.message for record in caplog.records if "REVOKE" in record.message] == []


async def test_rights_that_are_wider_than_needed_are_logged(
    base: InPostgres, own: SecretStr, caplog: pytest.LogCaptureFixture
) -> None:
    name = base.url.partition("?")[0].rpartition("/")[2]
    base.script(f"GRANT CONNECT ON DATABASE {name} TO PUBLIC; GRANT CREATE ON SCHEMA public TO PUBLIC")
    await open_and_close(own)
    said = "\n".join(caplog.messages)
    assert f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC" in said
    assert "REVOKE CREATE ON SCHEMA public FROM PUBLIC" in said
    assert "superuser" not in said


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE facts OWNER TO stranger",
        "CREATE VIEW orders AS SELECT order_id FROM cancellations; ALTER VIEW orders OWNER TO stranger",
        "CREATE FUNCTION lower(facts) RETURNS TEXT LANGUAGE sql AS 'SELECT 1'; "
        "ALTER FUNCTION lower(facts) OWNER TO stranger",
    ],
)
async def test_what_another_role_owns_is_not_worked_with(base: InPostgres, own: SecretStr, change: str) -> None:
    base.script(f"GRANT CREATE ON SCHEMA public TO stranger; {change}")
    with pytest.raises(LedgerForeign, match="of stranger"):
        await open_and_close(own)


async def test_another_role_cannot_keep_the_bot_from_writing(own: SecretStr) -> None:
    async with Ledger.open(own) as ledger:
        other = await asyncpg.connect(stranger(own))
        try:
            await other.execute("SELECT pg_advisory_lock(0, 1)")
            await other.execute("BEGIN")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await other.execute(connections.WRITING)
            await asyncio.wait_for(note(ledger, "kept"), 5)
        finally:
            await other.close()
        assert await ledger.read.fact("noted") == "kept"
