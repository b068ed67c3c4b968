"""How API keys lie in the ledger: each sealed for its account and the time it was stored, beside a fingerprint.

The fingerprint is the same for the same key, whoever stores it. Where the encryption key is changed all are made anew.
"""

import logging
from collections.abc import Iterable
from datetime import datetime

from pydantic import SecretStr

from bot.ledger import Account, Ledger, SealedKey, to_ms
from bot.vault import Purpose, Vault, VaultError

log = logging.getLogger(__name__)


def seal_key(vault: Vault, user_id: int, account_id: int, key: SecretStr, at: datetime) -> SealedKey:
    """Return a key as it is stored for an account at that time."""
    sealed = vault.seal(Purpose.PANEL_KEY, user_id, key, account_id, to_ms(at))
    return SealedKey(account_id, sealed, at, vault.fingerprint(key))


def open_key(vault: Vault, account: Account) -> SecretStr:
    """Return the key of an account that has one; raise VaultError.

    Without a fingerprint it was stored by a release that bound it to no time.
    """
    assert account.key_sealed is not None
    stored_at = to_ms(account.key_stored_at) if account.key_fingerprint and account.key_stored_at else None
    return vault.open(Purpose.PANEL_KEY, account.user_id, account.key_sealed, account.id, stored_at)


def sealed_anew(vault: Vault, accounts: Iterable[Account]) -> list[SealedKey]:
    """Return what is not sealed and fingerprinted with the newest encryption key, so sealed; raise VaultError."""
    return [
        seal_key(
            vault, account.user_id, account.id, open_key(vault, account), account.key_stored_at or account.changed_at
        )
        for account in accounts
        if not _is_newest(vault, account)
    ]


async def keep_comparable(ledger: Ledger, vault: Vault) -> None:
    """Seal and fingerprint anew what earlier releases have stored, and what an earlier encryption key has.

    What cannot be opened is left as it is: its user is told when it is used.
    """
    anew = list[SealedKey]()
    async with ledger.write() as tx:  # beside another process, which may store a key meanwhile
        for account in await tx.accounts_with_keys():
            try:
                anew += sealed_anew(vault, [account])
            except VaultError as error:
                log.warning("the key of account %d cannot be opened: %s", account.id, error)
        await tx.reseal_keys(anew)
    if anew:
        log.info("sealed %d API keys anew", len(anew))


def _is_newest(vault: Vault, account: Account) -> bool:
    assert account.key_sealed is not None
    return vault.is_newest(account.key_sealed) and vault.is_newest_fingerprint(account.key_fingerprint)
