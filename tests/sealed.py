"""A ledger with one stored key, and no bot on it: what the command line and the doctor are tried on."""

from pathlib import Path

from pydantic import SecretStr

from bot.ledger import migrate
from bot.settings import Settings
from bot.vault import Purpose, open_vault
from tests.ledgers import Below, InFile

SECRET = "the key of user 7"
PRETENDED = "MTExMTExMTExMTExMTExMTEx.not.token"
"""Has the shape of a bot's token, and is none."""


def settings(folder: Path, **more: object) -> Settings:
    """Return settings with their data in a folder."""
    return Settings(_env_file=None, data_dir=folder, **more)  # pyright: ignore[reportCallIssue]


def seal_a_key(folder: Path, below: Below | None = None) -> bytes:
    """Put user 7's sealed key into a new ledger, in a file of the folder's unless it is elsewhere; return it."""
    below = below or InFile(folder / "ledger.sqlite3")
    migrate(below.database)
    sealed = open_vault(settings(folder)).seal(Purpose.PANEL_KEY, 7, SecretStr(SECRET), 1)
    below.sql(
        "INSERT INTO accounts (user_id, name, folded, is_default, key_sealed, state, changed_at)"
        " VALUES (7, 'main', 'main', 1, ?, 'active', 0)",
        sealed,
    )
    return sealed
