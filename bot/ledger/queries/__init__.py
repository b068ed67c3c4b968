"""The named queries. Their types stand in the stub beside this file, which `make queries` writes."""

from collections.abc import Callable
from functools import partial
from typing import Any

from bot.ledger.named import Connection


class _Named:
    """`QUERIES.name(connection, …)` runs the query of that name as the connection's engine has it."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return partial(_run, name)


def _run(name: str, connection: Connection, /, *many: Any, **parameters: Any) -> Any:
    return getattr(connection.queries, name)(connection, *many, **parameters)


QUERIES: Any = _Named()
