"""Where a ledger is."""

import re
from pathlib import Path
from urllib.parse import parse_qs

from pydantic import SecretStr

Database = Path | SecretStr
"""A file of SQLite's, or the address of a PostgreSQL database, in which there may be a password."""

_HOST = r"(?:\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::\d+)?"
_ADDRESS = re.compile(
    rf"\w+://(?:[^/?#]*@)?(?P<hosts>{_HOST}(?:,{_HOST})*)?(?:/(?P<name>[^/?#@]*))?(?:\?(?P<options>[^#@]*))?"
)
"""One whose password has a character that ends it too early does not fit: what looks like the host is part of it."""


def describe(database: Database) -> str:
    """Name a database to its operator, without user and password."""
    if isinstance(database, Path):
        return str(database)
    found = _ADDRESS.fullmatch(database.get_secret_value())
    if not found:
        return "PostgreSQL"
    hosts = found["hosts"] or ", ".join(parse_qs(found["options"] or "").get("host", ["this machine"]))
    return f"PostgreSQL database {found['name'] or ''} on {hosts}"
