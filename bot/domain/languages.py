"""The languages the bot speaks, and which of them is meant by a locale of Discord's."""

from enum import StrEnum
from functools import cache


class Language(StrEnum):
    """A language with a catalogue; the value is its name in the catalogues' folder and in the ledger."""

    ENGLISH = "en"
    TURKISH = "tr"
    SPANISH = "es"
    PORTUGUESE = "pt_BR"
    HINDI = "hi"
    INDONESIAN = "id"
    RUSSIAN = "ru"
    VIETNAMESE = "vi"
    ARABIC = "ar"


RIGHT_TO_LEFT = frozenset({Language.ARABIC})
"""Those that are written from right to left."""


@cache
def resolve_locale(locale: str) -> Language:
    """Return the language for a Discord locale such as "es-419" or "pt-BR"; English for one without a catalogue."""
    name = locale.replace("-", "_")
    return next((language for language in Language if language in (name, name.partition("_")[0])), Language.ENGLISH)
