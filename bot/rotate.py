"""Seals every stored secret with the newest encryption key."""

from bot.settings import Settings
from bot.store import Ledger, Sealed
from bot.vault import Purpose, Vault, add_key, open_vault


async def rotate_keys(settings: Settings) -> int:
    """Re-seal all secrets, in one transaction, and return how many; a key file gets a new key first.

    Raise BadSettings, or VaultError where a secret cannot be opened; then nothing is changed in the ledger.
    """
    async with Ledger.open(settings.database_path) as ledger:
        keys, tokens = await ledger.read.sealed_keys(), await ledger.read.sealed_tokens()
        open_vault(settings, first_start=not keys)
        add_key(settings)
        vault = open_vault(settings)
        keys = _resealed(vault, Purpose.PANEL_KEY, keys)
        tokens = _resealed(vault, Purpose.INTERACTION_TOKEN, tokens)
        async with ledger.write() as tx:
            await tx.reseal_keys(keys)
            await tx.reseal_tokens(tokens)
        await ledger.forget_deleted()
    return len(keys) + len(tokens)


def _resealed(vault: Vault, purpose: Purpose, rows: list[Sealed]) -> list[Sealed]:
    return [(id, user_id, vault.reseal(purpose, user_id, sealed)) for id, user_id, sealed in rows]
