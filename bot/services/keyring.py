"""What a user's keys allow (pure): what may be a key and its name, which of them is meant, which may be used now."""

from collections.abc import Iterable, Set

from pydantic import SecretStr

from bot.domain.accounts import AccountState
from bot.domain.errors import AlikeName, BadKey, BadName, KeyFault, KeyPaused, NoKey
from bot.domain.order_ids import SHORTEST_KEY, visible
from bot.ledger import Account, Keyring, folded

MOST_KEYS = 10
"""Keys that one user may store."""
MOST_NAMES = 25
"""Names that one user may have given to keys, removed ones too: what was done under them stays on record."""
LONGEST_NAME = 32
"""Characters of a key's name."""
_BLANK = "\u2800"
"""A Braille pattern without dots: a symbol to Unicode, a space to the eye."""
_EMOJI_STYLE = "\ufe0f"
_ALIKE = str.maketrans(
    "\u0430\u0432\u0435\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u0455\u0456\u0458\u04bb\u04cf\u0501\u051b\u051d"
    "\u03b1\u03b2\u03b5\u03b6\u03b7\u03b9\u03ba\u03bc\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7\u0131\u0570\u0578\u057d\u0581\u0585",
    "abekmhopctyxsijhldqwabezhikmvoptyxihnugo",
)
"""Letters of Cyrillic, Greek and Armenian, and the Latin ones that they look like, small or as capitals.

By hand: no small package follows Unicode's table of six thousand (UTS 39). confusable-homoglyphs (MIT) had its last
release in 2024-01, confusables in 2021-03.
"""
FIRST_NAME = "main"
"""What a first key is called where its user gives no name."""


def usable(account: Account | None, *, several: bool = False) -> Account:
    """Return an account whose key may be used now; raise NoKey or KeyPaused. `several`: its user has other keys."""
    if account is None or account.state is AccountState.REMOVED:
        raise NoKey
    if account.state is not AccountState.ACTIVE:
        raise KeyPaused(account.state, account.name, several=several)
    return account


def with_keys(keys: Iterable[Account]) -> Keyring:
    """Return the accounts whose key is stored."""
    return tuple(account for account in keys if account.state is not AccountState.REMOVED)


def keys_beside(keys: Keyring, lost_under: Set[int]) -> Keyring:
    """Return the usable keys under which there is something to try that was not found under those of some accounts."""
    return tuple(one for one in keys if one.state is AccountState.ACTIVE and lost_under - {one.id})


def named(keys: Iterable[Account], name: str) -> Account | None:
    """Return the account whose key has that name, in whatever capitals and spaces."""
    wanted = folded(" ".join(name.split()))
    return next((account for account in keys if account.folded == wanted), None)


def read_key(text: str) -> SecretStr:
    """Return the API key in a text that a person pasted; raise BadKey."""
    key = text.strip()
    if not key:
        raise BadKey(KeyFault.EMPTY)
    if any(character.isspace() for character in key):
        raise BadKey(KeyFault.SPACES)
    if not (key.isascii() and key.isprintable()):
        raise BadKey(KeyFault.CHARACTERS)
    if not SHORTEST_KEY <= len(key) <= 256:
        raise BadKey(KeyFault.LENGTH)
    return SecretStr(key)


def read_name(text: str) -> str:
    """Return the name for a key in a text that a person typed; raise BadName."""
    name = " ".join(text.split())
    seen = name.replace(_EMOJI_STYLE, "")  # 0.1.0 took it, and names are found as they were stored
    hidden = visible(seen) != seen or _BLANK in name
    if hidden or not (name.isprintable() and 1 <= len(name) <= LONGEST_NAME):
        raise BadName(LONGEST_NAME)
    return name


def see_whether_it_differs(name: str, keys: Iterable[Account]) -> None:
    """Raise AlikeName for a new name that nobody can tell from another one's by looking."""
    names = {account.folded: account.name for account in keys}
    if folded(name) in names:
        return
    alike = {_seen(other): shown for other, shown in names.items()}
    if (other := alike.get(_seen(folded(name)))) is not None:
        raise AlikeName(other)


def _seen(name: str) -> str:
    return name.translate(_ALIKE)
