"""What goes wrong with a PostgreSQL server, in our words: which error of the ledger's it is, and what to look at."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from pydantic import SecretStr

from bot.ledger.errors import (
    LedgerDamaged,
    LedgerError,
    LedgerForbidden,
    LedgerFull,
    LedgerHeld,
    LedgerPooled,
    LedgerReadOnly,
    LedgerUnreachable,
    LedgerUnwritable,
)
from bot.ledger.postgresql.address import describe
from bot.ledger.postgresql.client import pg

_ALTERED = (
    "In PostgreSQL somebody has removed or renamed a table, column, index or function of it: undo that, or bring back "
    "a dump with pg_restore."
)
_FAULTS: tuple[tuple[str, type[LedgerError], str], ...] = (
    ("25006", LedgerReadOnly, ""),
    ("25P03", LedgerUnreachable, "The server has ended a transaction in which the bot was silent for 8 seconds."),
    ("25P04", LedgerUnreachable, "The server has ended a transaction by its transaction_timeout."),
    ("26000", LedgerPooled, ""),  # a statement was prepared in one session and used in another
    ("42P05", LedgerPooled, ""),
    ("3D000", LedgerForbidden, ""),
    ("3F000", LedgerDamaged, _ALTERED),
    ("42501", LedgerForbidden, ""),
    ("42P01", LedgerDamaged, _ALTERED),
    ("42P10", LedgerDamaged, _ALTERED),  # no unique index is left for ON CONFLICT
    ("42703", LedgerDamaged, _ALTERED),
    ("42883", LedgerDamaged, _ALTERED),
    ("53300", LedgerUnreachable, "All its connections are taken: pg_stat_activity tells by whom, max_connections how "
     "many there are; each process of the bot needs seven."),
    ("53400", LedgerUnreachable, "A limit in the server's settings is reached."),
    ("54", LedgerUnwritable, "A limit of PostgreSQL's own is reached."),
    ("55000", LedgerUnreachable, ""),  # a database that takes no connections; a server that was promoted, or was not
    ("55P03", LedgerHeld, ""),
    ("57014", LedgerHeld, "A statement was broken off, by an administrator or a time limit."),
    ("57P01", LedgerUnreachable, "An administrator stops the server, or has ended the session."),
    ("57P03", LedgerUnreachable, "It is starting, recovering or going down."),
    ("08", LedgerUnreachable, ""),
    ("28", LedgerForbidden, ""),
    ("40", LedgerHeld, ""),  # a deadlock with a session that locks in another order
    ("53", LedgerFull, ""),
    ("57P", LedgerUnreachable, ""),
    ("58", LedgerUnwritable, "The server cannot use its own files: its log says more."),
    ("XX", LedgerUnwritable, "A fault of the server's own, or damage: its log says more."),
)  # fmt: skip
"""How SQLSTATEs begin, the error, and what to add to the server's words. The first that fits counts.

https://www.postgresql.org/docs/current/errcodes-appendix.html
"""
_POOLERS_WORDS = ("startup parameter", "pooling mode")
"""What pgbouncer says, as a violation of the protocol (08P01), where its pools cannot do what the bot needs."""

LOST = (OSError, pg.PostgresError, pg.InterfaceError, pg.InternalClientError)
"""What is raised where a connection is lost, beside much else."""

REFUSED: type[Exception] = pg.PostgresError
"""What a server answers in place of a result."""


@contextmanager
def explained(link: Any | None, database: SecretStr | None = None) -> Generator[None]:
    """Raise LedgerError for what is the database's fault or the network's, and leave alone what is ours."""
    where = f"{describe(database)}: " if database else ""
    try:
        yield
    except pg.PostgresError as error:
        for begins, kind, advice in _FAULTS:
            if (error.sqlstate or "").startswith(begins):
                if any(words in str(error) for words in _POOLERS_WORDS):
                    kind = LedgerPooled
                raise kind(f"{advice} ({where}{brief(error)})".lstrip()) from error
        raise
    except pg.TargetServerAttributeNotMatched as error:
        raise LedgerReadOnly(f"({where}no server that can be written)") from error
    except pg.InterfaceError as error:
        if link and not link.is_closed():
            raise
        raise LedgerUnreachable(f"({where}{brief(error)})") from error
    except (pg.InternalClientError, OSError) as error:
        if link and isinstance(error, TimeoutError):
            link.terminate()  # what it was asked may be answered yet, when nobody waits for that any more
        raise LedgerUnreachable(f"({where}{brief(error)})") from error


def brief(error: BaseException) -> str:
    """Return an error's own words, of which asyncpg has many lines for one that is simple."""
    if isinstance(error, TimeoutError) and not str(error):
        return "no answer in time"
    return (str(error) or type(error).__name__).splitlines()[0]
