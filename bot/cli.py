"""The command line: run (default), demo, doctor, backup, restore, forget, compact, migrate, move, rotate-keys."""

import argparse
import asyncio
import ctypes
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial
from getpass import getpass
from pathlib import Path

import aiohttp
import discord
from pydantic import SecretStr

from bot import __version__
from bot.app import build
from bot.files import megabytes
from bot.ledger import (
    SET_ASIDE_DAYS,
    Checkup,
    LedgerError,
    LedgerNeedsAsyncpg,
    backup,
    backup_into,
    compact,
    describe,
    has_password,
    migrate,
    move,
    only_process,
    restore,
)
from bot.logs import set_up_logging
from bot.ops import shutdown
from bot.ops.forget import forget
from bot.ops.rotate import rotate_keys
from bot.ops.watchdog import Hanging
from bot.services.erasing import Erasure, StoredView
from bot.settings import (
    POSTGRES,
    AddressNotHere,
    BadSettings,
    Settings,
    list_unknown_settings,
    load_settings,
    secrets_folder,
)
from bot.settings_faults import ENV_FILE, token_fault
from bot.vault import VaultError, inspect_vault, require_keys
from bot.workers.tasks import Stopped, unless_stopped

log = logging.getLogger("bot")

_PR_SET_DUMPABLE = 4
"""linux/prctl.h"""
EXIT_PASSING = 1
"""Exit code that means: try again later."""
EXIT_SETTINGS, EXIT_LEDGER, EXIT_VAULT, EXIT_DISCORD = 2, 3, 4, 5
"""Exit codes that mean: starting again changes nothing until somebody has put this right."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the process's exit code."""
    options = _parser().parse_args(arguments)
    if options.command != "run":
        shutdown.stop_listening()
    if options.command == "demo":
        from bot.demo.preview import run_demo  # its packages are installed by `make demo` alone

        return run_demo(
            options.locale,
            port=options.port,
            browser=options.browser,
            panel_only=options.panel_only,
            stage=options.stage,
        )
    _forbid_memory_dumps()
    try:
        settings = load_settings()
        set_up_logging(settings.log_level, settings.log_format)
        return _COMMANDS[options.command](settings, options)
    except AddressNotHere as error:
        return _fail(EXIT_PASSING, error)
    except BadSettings as error:
        return _fail(EXIT_SETTINGS, error)
    except LedgerNeedsAsyncpg as error:
        return _fail(EXIT_SETTINGS, error)
    except LedgerError as error:
        return _fail(EXIT_PASSING if error.passes else EXIT_LEDGER, error)
    except VaultError as error:
        return _fail(EXIT_VAULT, error)


def _run(settings: Settings, _: argparse.Namespace) -> int:
    for unknown in list_unknown_settings():
        log.warning(unknown)
    if settings.discord_token is None:
        folder = secrets_folder()
        copy = (
            "" if ENV_FILE.exists() else f"There is no .env in {Path.cwd()}: cp .env.example .env && chmod 600 .env. "
        )
        where = f"Put it into {folder / 'discord_token'}" if folder.is_dir() else f"{copy}Put it into .env"
        return _fail(EXIT_SETTINGS, f"DISCORD_TOKEN is not set. {where}; README.md says where to get it.")
    if fault := token_fault(settings.discord_token.get_secret_value()):
        return _fail(EXIT_SETTINGS, f"{fault}.")
    try:
        asyncio.run(_run_until_stopped(settings))
    except discord.LoginFailure:
        return _fail(EXIT_DISCORD, "Discord does not accept DISCORD_TOKEN. Copy it again from the developer portal.")
    except discord.ConnectionClosed as error:
        return _fail(EXIT_DISCORD, f"Discord closed the connection for good (code {error.code}).")
    except discord.PrivilegedIntentsRequired:
        return _fail(EXIT_DISCORD, "Discord closed the connection for good (code 4014): an intent is not allowed.")
    except discord.HTTPException as error:
        return _fail(EXIT_PASSING, f"Discord answers with an error (HTTP {error.status}). Start again in some minutes.")
    except discord.GatewayNotFound as error:
        status = getattr(error.__cause__, "status", "unknown")
        return _fail(EXIT_PASSING, f"Discord names no gateway (HTTP {status}). Start again in some minutes.")
    except (aiohttp.ClientError, TimeoutError) as error:
        why = str(error) or "no answer in time"
        return _fail(EXIT_PASSING, f"Discord cannot be reached ({why}). Start again when the network is back.")
    except Hanging as error:
        return _fail(EXIT_PASSING, f"Something hung for a quarter of an hour ({error}). Start again: nothing was lost.")
    except Stopped:
        log.info("stopped before the start was done")
    return 0


async def _run_until_stopped(settings: Settings) -> None:
    assert settings.discord_token is not None
    stop = asyncio.Event()
    shutdown.on_signal(partial(asyncio.get_running_loop().call_soon_threadsafe, stop.set))
    async with AsyncExitStack() as stack:
        app = await unless_stopped(stack.enter_async_context(build(settings)), stop)
        await app.run(settings.discord_token, stop)
        log.info(f"Stopped. {await app.remaining_work()}".strip())


def _doctor(settings: Settings, _: argparse.Namespace) -> int:
    # Not at the top: 0.8 MB and 14 ms of no use to a bot that runs (python -m tests.benchmarks.start).
    from bot.ops.doctor import examine
    from bot.ops.doctor.finding import ATTENTION, FAILED

    logging.getLogger("discord").setLevel(logging.ERROR)  # what it would say is in the findings
    findings = asyncio.run(examine(settings))
    for finding in findings:
        print(finding)
    verdicts = [finding.verdict for finding in findings]
    failed, attention = verdicts.count(FAILED), verdicts.count(ATTENTION)
    print(
        f"{len(findings)} checks: "
        + (f"{failed} failed, {attention} need attention." if failed or attention else "all well.")
    )
    return EXIT_PASSING if failed else 0


def _migrate(settings: Settings, _: argparse.Namespace) -> int:
    with only_process(settings.database):
        print(f"{describe(settings.database)}: schema {migrate(settings.database)}")
    return 0


def _rotate(settings: Settings, _: argparse.Namespace) -> int:
    with only_process(settings.database):
        count = asyncio.run(rotate_keys(settings))
    print(f"{count} secrets sealed with the newest key. Keep the old keys as long as you keep older backups.")
    return 0


def _backup(settings: Settings, options: argparse.Namespace) -> int:
    if not isinstance(settings.database, Path):
        return _fail(
            EXIT_SETTINGS,
            "the ledger is in PostgreSQL: pg_dump copies it, or deploy/postgres-backup.sh every day; "
            "docs/operating.md says how",
        )
    if options.into is None:
        backup(settings.database, options.file)
        copy, removed = options.file, []
    else:
        copy, removed = backup_into(settings.database, options.into, options.keep)
    print(f"{copy}: complete. It opens only with the encryption keys, which are not in it.")
    for old in removed:
        print(f"{old}: removed; the newest {options.keep} stay.")
    return 0


def _restore(settings: Settings, options: argparse.Namespace) -> int:
    if not isinstance(settings.database, Path):
        return _fail(
            EXIT_SETTINGS,
            "the ledger is in PostgreSQL: pg_restore brings a copy back, into an empty database, while no bot runs; "
            "docs/operating.md says how",
        )

    def accept(found: Checkup) -> None:
        if found.sealed is None:
            print("Whether the encryption keys open its API keys is not known.", file=sys.stderr)
        elif found.sealed:
            require_keys(inspect_vault(settings), found.sealed)

    with only_process(settings.database):
        done = restore(settings.database, options.file, accept)
    print(f"{options.file} is in place of {settings.database}: schema {done.found.version}, whole.")
    if done.replaced:
        print(f"What was there is {done.replaced}: the bot removes it after {SET_ASIDE_DAYS} days.")
    print("Next: ask the doctor, and start the bot.")
    print(
        "Cancels given after this copy was made are unknown to it: nobody is told of them, and they can be given again."
    )
    return 0


def _forget(settings: Settings, options: argparse.Namespace) -> int:
    why = "nothing is stored about this user"

    def agreed(view: StoredView) -> bool:
        nonlocal why
        stored, why = view.stored, "nobody has typed yes; without a terminal that is --yes"
        print(
            f"User {options.user_id}: {view.keys} keys, {stored.requests} requests, {stored.orders} orders, "
            f"{view.count_open} of them open."
        )
        with suppress(EOFError):
            return options.yes or (sys.stdin.isatty() and input("Erase all of it? Type yes: ") == "yes")
        return False

    def goes_on() -> None:
        print(f"User {options.user_id} was being erased, which was broken off: the rest goes now.")

    with only_process(settings.database):
        done = asyncio.run(forget(settings, options.user_id, agreed, goes_on))
    if done is None:
        return _fail(EXIT_PASSING, f"nothing was erased: {why}")
    print("Erased." if done is Erasure.WHOLLY else "Erased; traces may stay in unused parts of the ledger's files.")
    print("Backups and copies from before an upgrade hold it still: delete those, or let them run out.")
    return 0


def _compact(settings: Settings, _: argparse.Namespace) -> int:
    if not isinstance(settings.database, Path):
        return _fail(
            EXIT_SETTINGS,
            "the ledger is in PostgreSQL, where autovacuum makes free room usable again. To give it to the disk stop "
            "all bots on it, and let psql run: VACUUM (FULL, ANALYZE)",
        )
    with only_process(settings.database):
        before, after = compact(settings.database)
    print(
        f"{settings.database}: {megabytes(before)} before, {megabytes(after)} now. Free room is given back by itself."
    )
    return 0


def _move(settings: Settings, options: argparse.Namespace) -> int:
    source = settings.database
    address = options.to or os.environ.get("MOVE_TO") or _asked_for()
    if not isinstance(source, Path) or not address.startswith(POSTGRES):
        return _fail(EXIT_SETTINGS, _FROM_SQLITE_TO_POSTGRES)
    target = SecretStr(address)
    try:
        if options.to and has_password(options.to):
            raise ValueError("every user of this machine can read the password in --to: put the address into MOVE_TO")
        settings.check_tls(target)
    except ValueError as error:
        return _fail(EXIT_SETTINGS, error)
    with only_process(source):
        moved = move(source, target)
    for one in moved:
        print(f"{one.table:16} {one.rows:>9} rows, the same on both sides: {one.checksum}")
    print(f"{describe(target)}: complete. Set DATABASE_URL to it and keep the encryption keys.")
    print(f"{source} is as it was. Never run a bot on it again: both would send.")
    return 0


def _asked_for() -> str:
    """Ask for the address where somebody sits at the terminal; what they type is not shown."""
    return (
        getpass("Address of the new ledger, postgresql://user:password@host/database: ") if sys.stdin.isatty() else ""
    )


_FROM_SQLITE_TO_POSTGRES = (
    "a ledger moves from SQLite to PostgreSQL. Leave DATABASE_URL as it is for the SQLite file, and put the new "
    "address, postgresql://user:password@host/database, into MOVE_TO; or run this in a terminal: it asks for it"
)

_COMMANDS = {
    "run": _run,
    "doctor": _doctor,
    "backup": _backup,
    "restore": _restore,
    "forget": _forget,
    "compact": _compact,
    "migrate": _migrate,
    "move": _move,
    "rotate-keys": _rotate,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bot", description="A Discord bot for NotPanel resellers.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", metavar="command")
    parser.set_defaults(command="run")
    commands.add_parser("run", help="run the bot (the default)")
    demo = commands.add_parser("demo", help="try the bot in a browser, with a simulated Discord and panel")
    demo.add_argument("--port", type=int, default=0, help="loopback port (default: any free one)")
    demo.add_argument("--locale", default="en-US", help="the language of your Discord client, such as tr or pt-BR")
    demo.add_argument(
        "--stage", choices=("plain", "wide"), default="plain", help="wide: 60 orders, and requests of the last two days"
    )
    demo.add_argument("--no-browser", dest="browser", action="store_false", help="only print the address")
    demo.add_argument("--panel-only", action="store_true", help="only serve the simulated panel, for PANEL_URL")
    commands.add_parser("doctor", help="check token, panel, ledger, keys, files and clock, and say what to do")
    copy = commands.add_parser("backup", help="copy the ledger to a new file, also while the bot runs")
    where = copy.add_mutually_exclusive_group(required=True)
    where.add_argument("file", type=Path, nargs="?", help="a file that does not exist yet")
    where.add_argument("--into", type=Path, metavar="FOLDER", help="name the copy by the time, and remove old ones")
    copy.add_argument("--keep", type=_count, default=14, metavar="N", help="copies that stay in FOLDER (default: 14)")
    back = commands.add_parser("restore", help="put a copy in the ledger's place, which is put aside; no bot may run")
    back.add_argument("file", type=Path, help="what `backup` has written, or a copy before an upgrade")
    erase = commands.add_parser("forget", help="erase what is stored about a user, as /forget-me does; no bot may run")
    erase.add_argument("user_id", type=int, help="the user's ID in Discord, a number")
    erase.add_argument("--yes", action="store_true", help="ask nothing")
    commands.add_parser("compact", help="write a SQLite ledger anew, without the unused room in its file")
    commands.add_parser("migrate", help="bring the ledger to this release's schema (run does so by itself)")
    move = commands.add_parser("move", help="copy a SQLite ledger into an empty PostgreSQL database")
    move.add_argument(
        "--to",
        metavar="URL",
        help="postgresql://user@host/database; with a password it goes into MOVE_TO, or is asked for",
    )
    commands.add_parser("rotate-keys", help="seal every stored secret with the newest encryption key")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("it must be a whole number, 1 or more")
    return int(text)


def _forbid_memory_dumps() -> None:
    """Keep memory, in which keys are, out of core files and from this user's other processes; root reads it still."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _fail(code: int, reason: object) -> int:
    print(f"error: {reason}", file=sys.stderr)
    return code
