"""Which process works on which account, where several share a ledger. On SQLite there is one, and all are its."""

import json
import math
from collections.abc import Container, Iterable
from dataclasses import dataclass

from bot.ledger.errors import LeaseLost
from bot.ledger.queries import QUERIES
from bot.ledger.reader import Reader
from bot.panel import CALL_DEADLINE

DEAD_AFTER = 15
"""Seconds without a sign of life, by the database's clock, after which a process is dead (`living` in views.sql)."""
SURE_FOR = 9
"""Seconds after its last sign of life, by its own clock, for which a process may begin a cancel call."""
_MARGIN = DEAD_AFTER - SURE_FOR
"""Seconds by which two clocks may be apart, and a call late."""
WIRE_CLEAR_AFTER = SURE_FOR + CALL_DEADLINE + _MARGIN
"""Seconds after its last sign of life from which on no cancel call of a process can be on its way to the panel."""


@dataclass(frozen=True, slots=True)
class Held:
    """The accounts that a process works on, those of them with nothing to do, and how many are its fair share.

    Where it is alone there is no such limit. `living`: the processes.
    """

    accounts: frozenset[int]
    idle: frozenset[int]
    fair_share: int | None
    living: frozenset[int]


class Holder(Reader):
    """Leases on accounts; part of what can be done within one transaction.

    Transactions that write exclude each other, so what is found here stays true until the transaction ends.
    """

    async def heartbeat(self) -> Held:
        """Show that this process lives, and return what it works on."""
        await QUERIES.heartbeat(self._db, process=self._db.process)
        await QUERIES.prune_dead_processes(self._db)
        held = [row async for row in QUERIES.held(self._db, process=self._db.process)]
        living = frozenset([row["id"] async for row in QUERIES.living(self._db)])
        return Held(
            accounts=frozenset(row["id"] for row in held),
            idle=frozenset(row["id"] for row in held if not row["busy"]),
            fair_share=None if len(living) == 1 else math.ceil(await QUERIES.count_busy(self._db) / len(living)),
            living=living,
        )

    async def living(self) -> Container[int]:
        """Return the processes that live."""
        return [row["id"] async for row in QUERIES.living(self._db)] if self._db.process else ()

    async def take_lease(self, account_id: int) -> bool:
        """Make an account this process's to work on.

        Not where another living one has it, or one that has died may have a cancel of it on its way to the panel.
        """
        taken = QUERIES.take_account(
            self._db, process=self._db.process, id=account_id, wire_clear=1000 * WIRE_CLEAR_AFTER
        )
        return bool(await taken)

    async def check_lease(self, account_id: int) -> None:
        """Raise LeaseLost where an account is not this process's to work on; one that was erased is nobody's."""
        if self._db.process:
            account = await QUERIES.holder(self._db, id=account_id)
            if account and account["held_by"] != self._db.process:
                raise LeaseLost(f"(account {account_id})")

    async def release(self, account_ids: Iterable[int]) -> None:
        """Leave accounts to whichever process has room for them."""
        await QUERIES.release(self._db, process=self._db.process, ids=json.dumps(list(account_ids)))
