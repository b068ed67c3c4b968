"""What can be wrong with the ledger as a whole; each docstring is the message a person reads."""

from typing import ClassVar


class LedgerError(Exception):
    """The ledger cannot be used."""

    passes: ClassVar[bool] = False
    """Whether it may be over by itself in a while, so that starting again helps."""

    def __str__(self) -> str:
        return " ".join([type(self).__doc__ or "", *map(str, self.args)]).strip()


class LedgerTooNew(LedgerError):
    """The ledger was written by a newer release; nothing was changed. Install that release, or restore a backup."""


class LedgerUnreadable(LedgerError):
    """The ledger cannot be read; nothing was changed. Check the path, its permissions and the free space."""


class LedgerDamaged(LedgerUnreadable):
    """The ledger is damaged, or no ledger; nothing was changed. Stop the bot, keep it, `restore` the newest backup."""


class LedgerFolderUnwritable(LedgerError):
    """The ledger's folder can't be written; nothing was changed. Give it to this user, or name another in DATA_DIR."""


class LedgerCopyUnwritable(LedgerError):
    """The copy cannot be written; nothing was changed. Name a new file, in a folder that you may write to."""


class LedgerCopyStays(LedgerError):
    """A new copy is complete, but an old one cannot be removed. Check the permissions of the folder."""


class LedgerInUse(LedgerError):
    """Another process is using this ledger; nothing was changed. Stop that process first."""

    passes = True  # a command of the operator's ends, and so does a process that is dying


class LedgerUnwritable(LedgerError):
    """The ledger cannot be written; nothing of this was kept. Check the free space, and who else has it open."""


class LedgerReadOnly(LedgerUnwritable):
    """The ledger's server can only be read; nothing of this was kept. Connect to the primary, or make it writable."""

    passes = True  # a standby may be promoted


class LedgerHeld(LedgerUnwritable):
    """Somebody else locks the ledger; nothing of this was kept. In PostgreSQL `doctor` tells who, of a file `fuser`."""

    passes = True


class LedgerFull(LedgerUnwritable):
    """There is no room for the ledger; nothing of this was kept. Make some on its disk, or in PostgreSQL's memory."""

    passes = True


class LedgerForbidden(LedgerUnwritable):
    """PostgreSQL does not allow this; nothing was kept. Check user, password, database and the role's rights."""


class LedgerShortOfSpace(LedgerError):
    """There is too little free space on the disk; nothing was changed. Make room there first."""

    passes = True


class LedgerMigrationFailed(LedgerError):
    """A migration failed. Start the release that ran before, and report this."""


class LedgerUnreachable(LedgerError):
    """The ledger's database cannot be used; nothing of this was kept. Check that it runs, and DATABASE_URL."""

    passes = True


class LedgerPooled(LedgerError):
    """A pooler gives the bot's session to others; nothing was done. Connect to PostgreSQL, or set pool_mode=session."""


class LedgerNeedsAsyncpg(LedgerError):
    """PostgreSQL needs asyncpg: make postgres; for the image docker build --build-arg LOCK=requirements-postgres.txt"""


class LedgerUnsure(LedgerError):
    """The database went away while this was being kept: it may have been, or not. Look before doing it again."""

    passes = True  # a start reads what became of it


class LedgerForeign(LedgerError):
    """Another role owns part of the ledger and could change what the bot does; nothing was done. Make it the bot's."""


class LedgerNotEmpty(LedgerError):
    """The database is in use already; nothing was changed. Name an empty one."""


class LedgerDiffers(LedgerError):
    """The copy is not what the ledger is; nothing of it was kept. Check the file with `backup`, and try again."""


class LeaseLost(LedgerError):
    """Another process works on this account now, or may do so at any moment; nothing of this was kept."""
