"""Checks this installation: the encryption keys, who can read its files, and its public address."""

import glob
import os
import stat
from pathlib import Path

import aiohttp

from bot.ops.doctor.finding import ATTENTION, FAILED, OK, Finding
from bot.settings import BadSettings, Settings, list_unknown_settings
from bot.settings_faults import ENV_FILE
from bot.vault import KEY_FILE, VaultError, inspect_vault

_PATIENCE = 20
"""Seconds for the public address to answer."""
_HAS_MODES = os.name == "posix"
_OTHERS = 0o077
_METHOD_NOT_ALLOWED = 405


def check_settings() -> Finding:
    """Tell which names in .env and in the environment are no settings, so that they change nothing."""
    if unknown := list_unknown_settings():
        return Finding(ATTENTION, "settings", "; ".join(unknown), "Correct the name, or delete it.")
    return Finding(OK, "settings", "every name in .env is a setting" if ENV_FILE.exists() else "there is no .env")


def check_keys(settings: Settings, sealed: tuple[bytes, ...] | None) -> Finding:
    """Tell whether the encryption keys open the stored API keys, and remind of the copy without which they could not.

    `sealed`: the API keys as the ledger has them; None where they could not be read.
    """
    path = None if settings.encryption_keys else settings.data_dir / KEY_FILE
    where = path or "ENCRYPTION_KEYS"
    try:
        vault = inspect_vault(settings)
    except (VaultError, BadSettings) as error:
        return Finding(FAILED, "keys", str(error).rstrip("."))
    if sealed is None:
        there = f"{where} can be read" if vault else f"none at {where}"
        says = f"{there}; whether they open the stored API keys is not known, as the ledger was not read"
        return Finding(ATTENTION, "keys", says, "See ledger.")
    if not vault and sealed:
        says = f"{path} is gone, and {len(sealed)} API keys are sealed with it"
        return Finding(FAILED, "keys", says, "Put its backup in its place.")
    if not vault:
        says = f"none yet at {path}; the first start makes it"
        return Finding(OK, "keys", says, "Back it up then, apart from the ledger.")
    if unopened := sum(not vault.knows(blob) for blob in sealed):
        says = f"{unopened} of {len(sealed)} API keys are sealed with an encryption key that is not here"
        return Finding(FAILED, "keys", says, "Put that key back: into ENCRYPTION_KEYS or the key file.")
    return Finding(
        OK,
        "keys",
        f"{where} opens all {len(sealed)} stored API keys",
        "Keep a copy of it apart from the ledger's backups: without it they can't be opened.",
    )


def check_files(settings: Settings) -> Finding:
    """Tell who else can read DATA_DIR, the key file, .env and, where the ledger is a file, that with its journals."""
    if not _HAS_MODES:
        says = "this system has no file modes to check"
        return Finding(ATTENTION, "files", says, "Make sure that no other user can read DATA_DIR.")
    count, open_to_others, hidden = 0, list[str](), list[str]()
    copies = _with_copies(settings.database) if isinstance(settings.database, Path) else []
    for path in (settings.data_dir, settings.data_dir / KEY_FILE, Path(".env"), *copies):
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            continue
        except OSError:
            hidden.append(str(path))
            continue
        if stat.S_ISREG(mode) or path == settings.data_dir:
            count += 1
            if mode & _OTHERS:
                open_to_others.append(str(path))
    if open_to_others:
        names = " ".join(open_to_others)
        return Finding(
            ATTENTION,
            "files",
            f"other users of this machine can read or write {names}",
            f"chmod go= {names} — and if one of them is a stranger, reset the token and the keys.",
        )
    if hidden:
        says = f"can't be checked: {' '.join(hidden)}"
        return Finding(ATTENTION, "files", says, "Run the doctor as the user that runs the bot.")
    return Finding(OK, "files", f"{count} checked, readable by their owner only")


def _with_copies(ledger: Path) -> list[Path]:
    try:
        return sorted(ledger.parent.glob(f"{glob.escape(ledger.name)}*")) or [ledger]
    except OSError:  # then it stands for them all
        return [ledger]


async def check_address(url: str | None) -> Finding:
    """Tell whether PUBLIC_URL leads to this bot, as far as that can be seen from this machine.

    Ask for a page where only calls are taken: the bot answers "method not allowed".
    """
    if not url:
        return Finding(OK, "address", "PUBLIC_URL is not set, so there are no webhooks; the bot works without")
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(_PATIENCE)) as http,
            http.get(f"{url.rstrip('/')}/hooks/doctor", allow_redirects=False) as response,
        ):
            if response.status == _METHOD_NOT_ALLOWED:
                return Finding(OK, "address", f"{url} leads to the bot")
            answer = f"HTTP {response.status}"
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        answer = type(error).__name__
    return Finding(
        ATTENTION,
        "address",
        f"{url} does not lead to the bot, seen from this machine ({answer})",
        "Is the bot running? Then let the reverse proxy hand /hooks/ to HTTP_PORT, and check name and certificate.",
    )
