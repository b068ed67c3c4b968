"""What the doctor sees before it judges."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from bot.ledger import Checkup, LedgerError, ServerCheckup
from bot.panel import PanelError


@dataclass(frozen=True, slots=True)
class Reading:
    """Another clock's time, to the second, and when it was asked and heard by this machine's."""

    whose: str
    asked: datetime
    heard: datetime
    said: datetime


class Refusal(StrEnum):
    """Why Discord told nothing of the application."""

    NO_TOKEN = "no token"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Application:
    """What Discord tells of the bot's application."""

    name: str
    id: int
    privileged: tuple[str, ...] = ()
    """Privileged intents that are switched on, as the developer portal calls them."""
    interactions_go_elsewhere: bool = False
    needs_code_grant: bool = False
    is_public: bool = True
    installs: tuple[str, ...] | None = None
    """*Guild Install* and *User Install*, as far as they are ticked; None where Discord does not say."""
    servers: int = 0


@dataclass(frozen=True, slots=True)
class DiscordAnswer:
    """How Discord answered: the application, or why there is none, and what it did instead."""

    application: Application | Refusal
    did: str = ""
    reading: Reading | None = None


@dataclass(frozen=True, slots=True)
class PanelAnswer:
    """How the panel answered a call without a key."""

    url: str
    error: PanelError | None
    words: str = ""
    reading: Reading | None = None


@dataclass(frozen=True, slots=True)
class LedgerFile:
    """The ledger's file and where it lies."""

    path: Path
    found: Checkup | LedgerError | None
    """None: there is none yet."""
    size: int
    free: int
    """Bytes on its disk for this user."""
    writable: bool
    """Whether this user may write in its folder and to the file itself."""

    @property
    def sealed(self) -> tuple[bytes, ...] | None:
        """The API keys as they are stored; None where they could not be read."""
        if isinstance(self.found, LedgerError):
            return None
        return self.found.sealed if self.found else ()


@dataclass(frozen=True, slots=True)
class LedgerServer:
    """A ledger in PostgreSQL."""

    name: str
    """Without user and password."""
    found: ServerCheckup | LedgerError

    @property
    def sealed(self) -> tuple[bytes, ...] | None:
        """The API keys as they are stored; None where they could not be read."""
        return None if isinstance(self.found, LedgerError) else self.found.sealed


@dataclass(frozen=True, slots=True)
class Keys:
    """The encryption keys, and what they are there for."""

    path: Path | None
    """The key file; None where ENCRYPTION_KEYS is set."""
    present: bool
    trouble: str = ""
    sealed: int | None = 0
    """API keys in the ledger; None where they could not be read."""
    unopened: int = 0
    """Of these, sealed with a key that is not here."""


@dataclass(frozen=True, slots=True)
class Modes:
    """Files that only this user should read, of these those that others can, and what this user cannot look at."""

    looked_at: tuple[Path, ...]
    open_to_others: tuple[Path, ...] = ()
    hidden: tuple[Path, ...] = ()
    known: bool = True
    """False on a system without POSIX modes."""


@dataclass(frozen=True, slots=True)
class Address:
    """The address that the panel calls, and what answered there: a status, or words where nothing did."""

    url: str
    status: int | None = None
    words: str = ""
