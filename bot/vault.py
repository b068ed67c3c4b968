"""Seals and opens secrets: AES-256-GCM, bound to purpose, user and account, so that no row can be moved to another.

A sealed secret is: one byte of format, four of the key's id, twelve of nonce, then the ciphertext. Format 2
is bound to a version as well: an earlier secret does not open in the place of a later one.
"""

import base64
import contextlib
import hashlib
import hmac
import logging
import os
import secrets
from collections.abc import Callable, Generator, Sequence
from enum import StrEnum
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from bot.files import put_new, put_over, remove_leftovers, written_aside
from bot.settings import BadSettings, Settings

log = logging.getLogger(__name__)

KEY_BYTES = 32
KEY_FILE = "encryption.keys"
_FORMAT = 1
_WITH_VERSION = 2
_HEAD = 5
_NONCE = 12
_FINGERPRINT = 16
_WRITTEN_WITHIN = 60
"""Seconds after which whoever wrote a key file is done or dead."""
_VISIBLE = range(0x20, 0x7F)
"""Bytes of ASCII text: a phrase, or base64 that was encoded once more."""
_STANDARD = str.maketrans("-_", "+/")


class Purpose(StrEnum):
    """What a secret is for; part of the associated data."""

    PANEL_KEY = "panel-key"
    INTERACTION_TOKEN = "interaction-token"


class VaultError(Exception):
    """A secret cannot be sealed or opened. `text` is what an operator reads, followed by the arguments."""

    text = ""

    def __str__(self) -> str:
        return " ".join([self.text, *map(str, self.args)])


class UnknownKey(VaultError):
    text = "A secret was sealed with an encryption key that is not here: put it into ENCRYPTION_KEYS or the key file."


class Tampered(VaultError):
    text = "A sealed secret is damaged, or belongs to another user, account or purpose. Let its user connect again."


class BadKeyFile(VaultError):
    text = "The key file is unusable and left as it is: restore its backup, or move it away, losing all secrets."


class KeyFileUnreachable(BadKeyFile):
    text = (
        "The key file cannot be written or read; nothing was changed. Check the folder, its permissions and free space."
    )


class MissingKeyFile(VaultError):
    text = "The key file is gone, and the ledger holds secrets sealed with it; nothing was changed. Put it back."


class Vault:
    """Seals with the newest key, opens with any."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """Take the keys, newest first; raise ValueError unless there is one and each has 32 bytes."""
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise ValueError("each key must be 32 bytes in base64, and there must be one")
        self._ciphers = {_key_id(key): AESGCM(key) for key in reversed(keys)}
        self._newest = _key_id(keys[0])
        self._fingerprints = hashlib.sha256(b"notpanel-bot fingerprints" + keys[0]).digest()

    def seal(
        self,
        purpose: Purpose,
        user_id: int,
        secret: SecretStr,
        account_id: int | None = None,
        version: int | None = None,
    ) -> bytes:
        """Return a secret sealed for one purpose and one user, and for one of their accounts if it is that one's.

        `version`: a number that no other secret of this account has; it opens with that alone.
        """
        nonce = secrets.token_bytes(_NONCE)
        head = bytes([_FORMAT if version is None else _WITH_VERSION]) + self._newest
        bound_to = _bound_to(purpose, user_id, account_id, version, self._newest)
        return head + nonce + self._ciphers[self._newest].encrypt(nonce, secret.get_secret_value().encode(), bound_to)

    def open(
        self,
        purpose: Purpose,
        user_id: int,
        sealed: bytes,
        account_id: int | None = None,
        version: int | None = None,
    ) -> SecretStr:
        """Return what was sealed for this purpose, user, account and version; raise UnknownKey or Tampered."""
        key_id, nonce = sealed[1:_HEAD], sealed[_HEAD : _HEAD + _NONCE]
        if sealed[:1] != bytes([_FORMAT if version is None else _WITH_VERSION]) or len(nonce) != _NONCE:
            raise Tampered
        if key_id not in self._ciphers:
            raise UnknownKey
        try:
            bound_to = _bound_to(purpose, user_id, account_id, version, key_id)
            plain = self._ciphers[key_id].decrypt(nonce, sealed[_HEAD + _NONCE :], bound_to)
        except InvalidTag:
            raise Tampered from None
        return SecretStr(plain.decode())

    def fingerprint(self, secret: SecretStr) -> bytes:
        """Return what is the same for the same secret, whosever it is; nobody without the newest key can make it."""
        mac = hmac.digest(self._fingerprints, secret.get_secret_value().encode(), "sha256")
        return self._newest + mac[:_FINGERPRINT]

    def is_newest(self, sealed: bytes) -> bool:
        """Tell whether a secret is sealed with the newest key."""
        return sealed[1:_HEAD] == self._newest

    def is_newest_fingerprint(self, fingerprint: bytes | None) -> bool:
        """Tell whether a fingerprint was made with the newest key, so that it can be compared with others."""
        return fingerprint is not None and fingerprint.startswith(self._newest)

    def knows(self, sealed: bytes) -> bool:
        """Tell whether the key that a secret was sealed with is here."""
        return sealed[1:_HEAD] in self._ciphers

    def reseal(self, purpose: Purpose, user_id: int, sealed: bytes) -> bytes:
        """Return a secret without an account sealed with the newest key; raise UnknownKey or Tampered."""
        return sealed if self.is_newest(sealed) else self.seal(purpose, user_id, self.open(purpose, user_id, sealed))


def open_vault(settings: Settings, *, first_start: bool = True) -> Vault:
    """Return the vault of ENCRYPTION_KEYS, or else of the key file, which is made at the first start only.

    Raise BadSettings for the former, BadKeyFile or MissingKeyFile for the latter.
    """
    if settings.encryption_keys:
        try:
            return Vault(_decode(settings.encryption_keys.get_secret_value().replace(",", " ").split()))
        except ValueError as error:
            raise BadSettings(f"ENCRYPTION_KEYS: {error}") from None
    path = settings.data_dir / KEY_FILE
    with _named_errors(path):
        remove_leftovers(path, _WRITTEN_WITHIN)  # nothing was sealed with such a key yet
        if not path.exists():
            if not first_start:
                raise MissingKeyFile(f"({path})")
            _make_file(path)
        return _read(path)


def inspect_vault(settings: Settings) -> Vault | None:
    """Return the vault as `open_vault` would, but make and change nothing; None: there is no key file yet."""
    if settings.encryption_keys:
        return open_vault(settings)
    path = settings.data_dir / KEY_FILE
    with _named_errors(path):
        return Vault(_keys_in(path)) if path.exists() else None


def require_keys(vault: Vault | None, sealed: Sequence[bytes]) -> None:
    """Raise UnknownKey unless a vault has the keys with which secrets were sealed. None: there is no key file."""
    if missing := sum(vault is None or not vault.knows(blob) for blob in sealed):
        raise UnknownKey(f"({missing} of {len(sealed)} API keys)")


def add_key(settings: Settings) -> None:
    """Put a new key on top of the key file; older ones stay, since older backups need them. Raise BadKeyFile.

    With ENCRYPTION_KEYS set, the operator puts the new key there, and nothing is done here.
    """
    if settings.encryption_keys:
        return
    path = settings.data_dir / KEY_FILE
    with _named_errors(path):
        _read(path)
        _write(path, _new_line() + path.read_text("ascii"), put_over)


@contextlib.contextmanager
def _named_errors(path: Path) -> Generator[None]:
    try:
        yield
    except UnicodeDecodeError:
        raise BadKeyFile(f"({path}: not text)") from None
    except ValueError as error:
        raise BadKeyFile(f"({path}: {error})") from None
    except OSError as error:
        raise KeyFileUnreachable(f"({path}: {error.strerror})") from None


def _make_file(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):  # another process was quicker
        _write(path, _new_line(), put_new)
        log.info("made an encryption key in %s: back it up apart from the ledger", path)


def _read(path: Path) -> Vault:
    vault = Vault(_keys_in(path))
    if os.name == "posix" and path.stat().st_mode & 0o077:
        path.chmod(0o600)
        log.warning("%s could be read by others; it now has mode 0600", path)
    return vault


def _keys_in(path: Path) -> list[bytes]:
    lines = (line.strip() for line in path.read_text("ascii").splitlines())
    return _decode([line for line in lines if line and not line.startswith("#")])


def _decode(texts: Sequence[str]) -> list[bytes]:
    """Read keys in base64 of either alphabet, padded or not; raise ValueError, which never shows a key."""
    try:
        plain = (text.translate(_STANDARD).rstrip("=") for text in texts)
        keys = [base64.b64decode(text + "=" * (-len(text) % 4), validate=True) for text in plain]
    except ValueError:
        raise ValueError("not base64") from None
    if keys and _can_be_guessed(keys[0]):  # older ones only open what they have sealed
        raise ValueError(
            "the first key can be guessed: put a random one before it (openssl rand -base64 32), "
            "keep the old one behind it, and run rotate-keys"
        )
    return keys


def _can_be_guessed(key: bytes) -> bool:
    """Tell whether a key was not drawn at random. Of 10^13 random ones less than one looks like that."""
    half = KEY_BYTES // 2
    return len(set(key)) < half or key[:half] == key[half:] or all(byte in _VISIBLE for byte in key)


def _write(path: Path, text: str, put: Callable[[Path, Path], None]) -> None:
    """Write the whole file beside its place first, so that a crash leaves the old one or the new one."""
    with written_aside(path) as aside:
        aside.write_text(text, "ascii")
        put(aside, path)


def _new_line() -> str:
    return f"{base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode()}\n"


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"notpanel-bot key id" + key).digest()[: _HEAD - 1]


def _bound_to(purpose: Purpose, user_id: int, account_id: int | None, version: int | None, key_id: bytes) -> bytes:
    owner = "|".join(str(part) for part in (user_id, account_id, version) if part is not None)
    return f"{purpose}|{owner}|{key_id.hex()}".encode()
