"""The named queries of queries/*.sql, and beside them those that an engine must have in its own words."""

import re
from collections.abc import AsyncGenerator, Iterable, Sequence
from importlib import resources
from typing import Any, Protocol

import aiosql

_VIEW = re.compile(r"^-- view: (\w+)\n(?:--.*\n)*([^;]+);\n", re.MULTILINE)


class Connection(Protocol):
    """What an engine gives to run statements on."""

    @property
    def queries(self) -> Any:
        """The named queries as this engine takes them."""
        ...

    @property
    def process(self) -> int:
        """The number of this process among those that share the ledger; 0 where none can."""
        ...

    async def rows(self, sql: str, parameters: Any) -> Sequence[Any]:
        """Run a statement and return its rows."""
        ...

    async def change(self, sql: str, parameters: Any) -> int:
        """Run a statement and return how many rows it has changed."""
        ...

    async def change_many(self, sql: str, parameters: Iterable[Any]) -> None:
        """Run a statement once for each set of parameters."""
        ...


def load(engine: str, adapter: Any) -> Any:
    """Return the queries of an engine: the shared ones, and those in the folder of its name."""
    shared = resources.files("bot.ledger") / "queries"
    files = [file for folder in (shared, shared / engine) for file in folder.iterdir() if file.name.endswith(".sql")]
    text = "\n".join(file.read_text("utf-8") for file in files)
    return aiosql.from_str(with_views(text), adapter)  # pyright: ignore[reportUnknownMemberType]


def with_views(text: str) -> str:
    """Take the blocks `-- view: name` out of a text, and put each view wherever FROM or JOIN names it."""
    views = dict(_VIEW.findall(text))
    named = re.compile(rf"\b(FROM|JOIN) ({'|'.join(views)})\b")
    text = _VIEW.sub("", text)
    while named.search(text):  # a view may name another
        text = named.sub(lambda found: f"{found[1]} ({views[found[2]]})", text)
    return text


class OneVisit:
    """aiosql's adapter for such a connection: a statement is one visit, by the end of which all its rows are read."""

    is_aio_driver = True

    def process_sql(self, name: str, op_type: Any, sql: str) -> str:
        """Return a query as the engine takes it."""
        return sql

    def bind(self, name: str, parameters: Any) -> Any:
        """Return a query's parameters as the engine takes them."""
        return parameters

    async def select(
        self, conn: Connection, name: str, sql: str, parameters: Any, record_class: None = None
    ) -> AsyncGenerator[Any]:
        """Yield the rows of a query."""
        for row in await conn.rows(sql, self.bind(name, parameters)):
            yield row

    async def select_one(
        self, conn: Connection, name: str, sql: str, parameters: Any, record_class: None = None
    ) -> Any | None:
        """Return the first row, if there is one."""
        rows = await conn.rows(sql, self.bind(name, parameters))
        return rows[0] if rows else None

    async def select_value(self, conn: Connection, name: str, sql: str, parameters: Any) -> Any:
        """Return the first row's first value, if there is one."""
        rows = await conn.rows(sql, self.bind(name, parameters))
        return rows[0][0] if rows else None

    async def insert_update_delete(self, conn: Connection, name: str, sql: str, parameters: Any) -> int:
        """Return how many rows were changed."""
        return await conn.change(sql, self.bind(name, parameters))

    async def insert_update_delete_many(self, conn: Connection, name: str, sql: str, parameters: Iterable[Any]) -> None:
        """Change rows once for each set of parameters."""
        await conn.change_many(sql, [self.bind(name, each) for each in parameters])
