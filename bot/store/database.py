"""Where a ledger is."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from pydantic import SecretStr

Database = Path | SecretStr
"""A file of SQLite's, or the address of a PostgreSQL database, in which there may be a password."""


def describe(database: Database) -> str:
    """Name a database to its operator, without user and password."""
    if isinstance(database, Path):
        return str(database)
    try:
        parts = urlsplit(database.get_secret_value())
        if "@" in parts.path + parts.query + parts.fragment:  # what was taken for the host may be half of a password
            return "PostgreSQL"
        hosts = parts.netloc.rpartition("@")[2] or ", ".join(parse_qs(parts.query).get("host", ["this machine"]))
    except ValueError:
        return "PostgreSQL"
    return f"PostgreSQL database {parts.path.removeprefix('/')} on {hosts}"
