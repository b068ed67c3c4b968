"""Accounts: one API key of one user each."""

from enum import StrEnum


class AccountState(StrEnum):
    """Whether an account's key may be used."""

    ACTIVE = "active"
    REJECTED = "rejected"
    SUSPENDED = "suspended"
    REMOVED = "removed"
