"""Whether the ledger can be written: noted at each transaction that fails, settled by one that is made for it.

A small transaction may get through while others do not, as on a disk with a last free page, or beside a table that
somebody has locked. So only `Ledger.prove_writable` ends an outage.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from time import monotonic
from typing import Any

from bot.ledger.errors import LedgerError
from bot.ledger.named import Connection

log = logging.getLogger(__name__)


class Availability:
    """Counts the transactions that failed through the ledger's fault, and knows since when."""

    def __init__(self) -> None:
        self.began: Callable[[], None] = lambda: None
        """Called when an outage begins."""
        self.failed_transactions = 0
        self.error: LedgerError | None = None
        """What went wrong last; None while the ledger can be written."""
        self._failing_since = 0.0
        self._well_since = monotonic()

    @property
    def well_for(self) -> float:
        """For how many seconds the ledger could be written without a fault; 0 while it cannot."""
        return 0.0 if self.error else monotonic() - self._well_since

    def failed(self, error: LedgerError) -> None:
        """Note a transaction that failed."""
        self.failed_transactions += 1
        if self.error is None:
            self._failing_since = monotonic()
            self.began()
        self.error = error

    def proven(self) -> bool:
        """Note that the ledger can be written; tell whether it could not before."""
        if self.error is None:
            return False
        self.error, self._well_since = None, monotonic()
        log.info("the ledger can be written again, after %.0f s", self._well_since - self._failing_since)
        return True


class Noted:
    """A connection for reading whose faults are noted: what nobody writes to may be locked or damaged, too."""

    def __init__(self, connection: Connection, availability: Availability) -> None:
        self._connection = connection
        self._availability = availability

    @property
    def queries(self) -> Any:
        """The named queries as its engine takes them."""
        return self._connection.queries

    @property
    def process(self) -> int:
        """The number of this process among those that share the ledger."""
        return self._connection.process

    async def rows(self, sql: str, parameters: Any) -> Sequence[Any]:
        """Run a statement and return its rows; raise LedgerError."""
        try:
            return await self._connection.rows(sql, parameters)
        except LedgerError as error:
            self._availability.failed(error)
            raise

    async def change(self, sql: str, parameters: Any) -> int:
        """Run a statement as the connection does that is for reading: it changes nothing."""
        return await self._connection.change(sql, parameters)

    async def change_many(self, sql: str, parameters: Iterable[Any]) -> None:
        """The same for each set of parameters."""
        await self._connection.change_many(sql, parameters)
