"""Whether a call is signed with a secret (pure): HMAC-SHA256, as NotPanel has it.

Neither the header's name nor the text that is signed is published, so any header may hold the signature, in hex or
base64, of the body alone or of a time, a full stop and the body. Only who knows the secret can make any of these.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from itertools import islice

from pydantic import SecretStr

_MAC = re.compile(r"(?<![0-9A-Za-z+/_-])(?:[0-9a-fA-F]{64}|[0-9A-Za-z+/_-]{43}=?)(?![0-9A-Za-z+/_-])")
_TIME = re.compile(r"(?<![0-9])[0-9]{10,13}(?![0-9])")
_MOST_MACS, _MOST_TIMES = 16, 4
_STANDARD = str.maketrans("-_", "+/")


def is_signed(secret: SecretStr, headers: Iterable[str], body: bytes) -> bool:
    """Tell whether any of the headers' values signs the body with the secret; in the same time wherever they differ."""
    values = list(headers)
    times = list(islice((found[0] for value in values for found in _TIME.finditer(value)), _MOST_TIMES))
    macs = list(islice((found[0] for value in values for found in _MAC.finditer(value)), _MOST_MACS))
    expected = [_sign(secret, text) for text in (body, *(f"{time}.".encode() + body for time in times))]
    # No early way out: every pair is compared.
    return sum(hmac.compare_digest(_decoded(mac), right) for mac in macs for right in expected) > 0


def _sign(secret: SecretStr, text: bytes) -> bytes:
    return hmac.new(secret.get_secret_value().encode(), text, hashlib.sha256).digest()


def _decoded(mac: str) -> bytes:
    if len(mac) == 64:
        return bytes.fromhex(mac)
    return base64.b64decode(mac.translate(_STANDARD).rstrip("=") + "=")
