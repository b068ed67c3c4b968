"""Writes files whole or not at all, and leaves them to the user who runs the bot, where root runs a command as well."""

import errno
import glob
import os
import stat
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

JOURNALS = ("-wal", "-shm", "-journal")
"""What SQLite puts beside a file that it works on."""
_HALF = ".half"
"""How the name ends of what is not yet in its place."""
_DEAD_AFTER = 3600
"""Seconds after which whoever has not gone on with a file is taken for dead: an integrity check writes nothing."""


@contextmanager
def written_aside(target: Path) -> Generator[Path]:
    """Make an empty file beside `target` for what is to stand there: mode 0600, of its owner, or of the folder's.

    Whoever has written it whole puts it in its place by `put_new` or `put_over`; else it is removed. Raise OSError.
    """
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=_HALF)
    os.close(handle)
    aside = Path(name)
    try:
        keep_owner(aside, target)
        yield aside
    finally:
        for suffix in ("", *JOURNALS):
            with suppress(OSError):
                os.unlink(f"{aside}{suffix}")


def put_new(aside: Path, target: Path) -> None:
    """Put what was written in a place that is free; raise FileExistsError where it is not, or OSError."""
    sync(aside)
    try:
        os.link(aside, target)
        aside.unlink()
    except FileExistsError:
        raise
    except OSError:  # a file system without links, as on a share or a stick
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
        os.rename(aside, target)
    sync(target.parent)


def put_over(aside: Path, target: Path) -> None:
    """Put what was written in the place of what is there; raise OSError."""
    sync(aside)
    os.replace(aside, target)
    sync(target.parent)


def sync(path: Path) -> None:
    """Write a file, or a folder's names, to the disk."""
    if os.name == "posix" or path.is_file():
        handle = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def keep_owner(path: Path, replaced: Path | None = None) -> None:
    """Let a file that root has made be its user's: the owner's of what it replaces, or of the folder that it is in.

    Nothing happens for anybody but root, whose files the bot could not read. Raise OSError.
    """
    if os.name != "posix" or os.geteuid() != 0:
        return
    owner = replaced.stat() if replaced and replaced.exists() else path.parent.stat()
    made = path.lstat()
    # Where the folder is somebody's, they may have put a link to a file of root's here.
    if stat.S_ISREG(made.st_mode) and made.st_nlink == 1 and (made.st_uid, made.st_gid) != (owner.st_uid, owner.st_gid):
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def remove_leftovers(target: Path, older: float = _DEAD_AFTER) -> None:
    """Remove what was `written_aside` of this target by a process that was killed."""
    remove_leftovers_in(target.parent, glob.escape(target.name), older)


def remove_leftovers_in(folder: Path, names: str, older: float = _DEAD_AFTER) -> None:
    """Remove what was `written_aside` by a process that was killed, of targets whose names match a pattern."""
    for left in folder.glob(f".{names}.*{_HALF}*"):  # with its journals
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > older:
                left.unlink()


def megabytes(count: float) -> str:
    """Write a number of bytes for an operator."""
    return f"{count / 1e6:,.1f} MB"
