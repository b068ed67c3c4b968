"""What each engine offers to the ledger, and what is found where one is checked."""

from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

from pydantic import SecretStr

from bot.ledger.named import Connection

T = TypeVar("T")

Database = Path | SecretStr
"""A file of SQLite's, or the address of a PostgreSQL database, in which there may be a password."""

SEALED = "SELECT key_sealed FROM accounts WHERE key_sealed IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Checkup:
    """What was found in a ledger's file."""

    version: int
    newest: int
    """The schema that this release brings."""
    damage: str
    """SQLite's words for what is broken; empty where the file is whole."""
    strangers: tuple[str, ...] = ()
    """Triggers, views and the like that no release has made, or has made otherwise."""
    sealed: tuple[bytes, ...] | None = ()
    """The API keys as they are stored; None where the schema is another release's."""


@dataclass(frozen=True, slots=True)
class ServerCheckup:
    """What was found in a ledger in PostgreSQL, and of its server."""

    version: int
    newest: int
    """The schema that this release brings."""
    release: str
    """The server's, as its makers write it."""
    number: int
    """The same to compare: 150004 for 15.4."""
    encoding: str
    writable: bool
    may_create: bool
    """Whether the user may make tables."""
    advice: tuple[str, ...] = ()
    """What to change of the rights of the bot's role and of others', a sentence each."""
    holders: tuple[str, ...] = ()
    """Who has held a lock for long that the bot needs, and which."""
    sealed: tuple[bytes, ...] | None = ()
    """The API keys as they are stored; None where the schema is another release's."""


@dataclass(frozen=True, slots=True)
class Space:
    """What a ledger takes of its disk, in bytes."""

    used: int
    free: int | None
    """What is left there for this user; None where that is another machine's business."""


class Engine(Protocol):
    """What the ledger stands on; each method raises LedgerError. `database`: of the kind that the engine takes."""

    heard: Callable[[], None]
    """Called when another process says that there is something to do."""

    @classmethod
    def only_process(cls, database: Any) -> AbstractContextManager[None]:
        """Hold a ledger for this process, where opening it does not."""
        ...

    @classmethod
    def migrate(cls, database: Any, /) -> int:
        """Bring a ledger to the schema of this release and return its version."""
        ...

    @classmethod
    async def open(cls, database: Any, *, alone: bool, shards: Sequence[int] | None) -> Self:
        """Migrate and open a ledger."""
        ...

    @property
    def reader(self) -> Connection:
        """What to read from, at any time."""
        ...

    def transaction(self) -> AbstractAsyncContextManager[Connection]:
        """Let one task write at a time; commit at the end, roll back on any exception."""
        ...

    async def transact(self, work: Callable[[Any], Coroutine[Any, Any, T]]) -> T:
        """Do a transaction that waits for nothing but its connection."""
        ...

    async def snapshot(self, work: Callable[[Any], Coroutine[Any, Any, T]]) -> T:
        """Read several things as of one moment; `work` waits for nothing but its connection."""
        ...

    def wake_others(self) -> None:
        """Tell the other processes that there is something to do."""
        ...

    async def forget_deleted(self) -> bool:
        """Leave nothing of deleted secrets in the files; False where traces may stay, sealed still."""
        ...

    async def rewrite(self) -> bool:
        """Leave nothing of anything deleted in the files; False where traces may stay."""
        ...

    async def give_back(self) -> None:
        """Return some unused room to the file system, where the engine does not do so by itself.

        Ledgers that were set aside, before a migration for example, go once they are old.
        """
        ...

    async def space(self) -> Space:
        """Return what the ledger takes of its disk."""
        ...

    async def close(self) -> None:
        """End all connections."""
        ...
