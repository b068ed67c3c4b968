"""Seals every stored secret with the newest encryption key."""

from bot.ledger import Ledger
from bot.services.key_seals import sealed_anew
from bot.settings import Settings
from bot.vault import Purpose, add_key, open_vault


async def rotate_keys(settings: Settings) -> int:
    """Re-seal all secrets, in one transaction, and return how many; a key file gets a new key first.

    Raise BadSettings, or VaultError where a secret cannot be opened; then nothing is changed in the ledger.
    """
    async with Ledger.open(settings.database, alone=True) as ledger:
        accounts, tokens = await ledger.read.accounts_with_keys(), await ledger.read.sealed_tokens()
        open_vault(settings, first_start=not accounts)
        add_key(settings)
        vault = open_vault(settings)
        keys = sealed_anew(vault, accounts)
        tokens = [(id, user, vault.reseal(Purpose.INTERACTION_TOKEN, user, sealed)) for id, user, sealed in tokens]
        async with ledger.write() as tx:
            await tx.reseal_keys(keys)
            await tx.reseal_tokens(tokens)
        await ledger.forget_deleted()
    return len(accounts) + len(tokens)
