"""The catalogues: whole, up to date, and saying the same as the English texts; Discord's limits in every language."""

import ast
import io
import re
import string
from collections.abc import Iterator
from typing import Any

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from discord import app_commands
from hypothesis import example, given
from hypothesis import strategies as st

from bot.cards.groups import Section, counted
from bot.cards.language import CATALOGUES, DOMAIN, OWN_NAMES, _, enumerated, number, plural, use_language
from bot.cards.modals import key_form, orders_form
from bot.cards.preferences import preferences_form
from bot.cards.words import WORDINGS
from bot.client import Client
from bot.domain.languages import Language, resolve_locale
from bot.domain.states import State
from bot.ledger import Preferences
from bot.services.keyring import LONGEST_NAME
from tests.rules.sources import ROOT, sources, tree_of

TRANSLATED = [language for language in Language if language is not Language.ENGLISH]
KEYWORDS: dict[str, Any] = {"_": None, "plural": (1, 2), "N_": None, "locale_str": None}
in_every_language = pytest.mark.parametrize("language", TRANSLATED)


def catalogue(language: Language) -> Catalog:
    """Return what the translators have written."""
    with (CATALOGUES / language / "LC_MESSAGES" / f"{DOMAIN}.po").open("rb") as file:
        return read_po(file, locale=language)


def messages(language: Language) -> list[Message]:
    """Return all messages of a language but the head."""
    return [message for message in catalogue(language) if message.id]


def texts_in_sources() -> set[str | tuple[str, ...]]:
    """Return all texts that are to be translated."""
    return {
        text for folder in ("bot", "cogs") for _, _, text, _, _ in extract_from_dir(ROOT / folder, keywords=KEYWORDS)
    }


def forms(text: str | tuple[str, ...]) -> tuple[str, ...]:
    """Return the singular and plural forms of a text."""
    return (text,) if isinstance(text, str) else text


def pairs(language: Language) -> Iterator[tuple[str, str]]:
    """Yield every translation beside its English form: the first beside the singular, if it is for 1 alone."""
    for message in messages(language):
        for index, translation in enumerate(forms(message.string)):
            singular = index == 0 and len(message.string) == 2
            if translation:  # what is missing has a test of its own
                yield forms(message.id)[0 if singular else -1], translation


def values_in(text: str) -> set[str]:
    """Return the names of the values that are put into a text."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@in_every_language
def test_every_text_is_translated(language: Language) -> None:
    missing = [message.id for message in messages(language) if not all(forms(message.string)) or message.fuzzy]
    assert missing == []


@in_every_language
def test_the_catalogues_hold_what_the_sources_say(language: Language) -> None:
    """`make messages` brings them up to date."""
    assert {message.id for message in messages(language)} == texts_in_sources()


@in_every_language
def test_a_translation_has_the_values_of_its_text(language: Language) -> None:
    wrong = [(text, other) for text, other in pairs(language) if values_in(text) != values_in(other)]
    assert wrong == []


@in_every_language
def test_a_translation_keeps_commands_and_markup(language: Language) -> None:
    """What stands in inline code is typed or pressed by people; bold, italic and small text are the same amount."""
    for text, other in pairs(language):
        assert re.findall(r"`[^`]*`", text) == re.findall(r"`[^`]*`", other) or sorted(
            re.findall(r"`[^`]*`", text)
        ) == sorted(re.findall(r"`[^`]*`", other)), other
        for mark in ("**", "-# ", "\n"):
            assert text.count(mark) == other.count(mark), other


OTHER_WORDS = {
    Language.ARABIC: "[\u0660-\u0669\u200e\u200f\u202a-\u202e\u2066-\u2069]",
    Language.HINDI: r"कुंज",
    Language.INDONESIAN: r"\b(?:Anda|[Ss]aya|[Kk]unci\w*)\b",
    Language.RUSSIAN: r"\b[Вв](?:ы|ас|ам|ами|аш\w*)\b|[йи]те(?:сь)?\b",  # noqa: RUF001
    Language.TURKISH: r"[ıiuü]n[ıiuü]z|\b[Ss]iz(?:in|e|i|den|de|inle)?\b|\b(?:de[nğ]\w*|seç|bas|gönder)[iıuü]n\b",  # noqa: RUF001
    Language.VIETNAMESE: r"[Kk]hóa",
}
"""A formal "you" where all other texts are informal, and another word for what is called key in that language.

In Arabic: other digits, and marks of direction, which the bot sets (bot/cards/direction.py).
"""


@pytest.mark.parametrize("language", OTHER_WORDS)
def test_a_translation_speaks_to_its_reader_as_all_others_do(language: Language) -> None:
    found = [(text, other) for text, other in pairs(language) if re.search(OTHER_WORDS[language], other)]
    assert found == []


def glossary(language: Language) -> dict[str, tuple[str, ...]]:
    """Return the words of docs/languages for English ones."""
    text = (ROOT / "docs" / "languages" / f"{language.replace('_', '-')}.md").read_text("utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:2] == "| "]
    return {english: tuple(words.split(" / ")) for english, words, _, _ in rows[1:]}


def plain(text: str) -> str:
    """Return a text as words are looked for in it: "cancelado(s)" has "cancelado", capitals and vowel signs aside."""
    return re.sub("[\u064b-\u0652\u0307]", "", text.replace("(s)", "").casefold())


@in_every_language
def test_the_catalogue_has_the_words_of_its_glossary(language: Language) -> None:
    """Each stands in a translation of some text with the English word, unless no such text is translated yet."""
    translations = [(plain(text), plain(other)) for text, other in pairs(language)]
    for english, words in glossary(language).items():
        whole = re.compile(rf"(?<!\w){re.escape(plain(english))}s?(?!\w)")
        found = [other for text, other in translations if whole.search(text)]
        assert not found or any(plain(word) in other for word in words for other in found), (english, words)


def test_every_glossary_has_the_same_english_words() -> None:
    assert len({tuple(glossary(language)) for language in TRANSLATED}) == 1


@in_every_language
def test_a_translation_has_as_many_forms_as_its_language(language: Language) -> None:
    for message in messages(language):
        if message.pluralizable:
            assert len(message.string) == catalogue(language).num_plurals, message.id


@in_every_language
def test_what_is_read_is_what_was_translated(language: Language) -> None:
    """`make messages` compiles them."""
    compiled = io.BytesIO()
    write_mo(compiled, catalogue(language))
    assert (CATALOGUES / language / "LC_MESSAGES" / f"{DOMAIN}.mo").read_bytes() == compiled.getvalue()


def test_every_language_has_a_catalogue_and_a_name() -> None:
    assert {path.name for path in CATALOGUES.iterdir()} == set(TRANSLATED)
    assert set(OWN_NAMES) == set(Language)


def test_no_text_to_be_translated_stands_inside_another() -> None:
    """Babel does not look into an f-string; a text that is translated by its constant's name is marked elsewhere."""
    for path in sources("bot", "cogs"):
        for outer in ast.walk(tree_of(path)):
            inside = ast.walk(outer) if isinstance(outer, ast.JoinedStr) else ()
            for node in inside:
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KEYWORDS:
                    assert not isinstance(node.args[0], ast.Constant), (path, node.lineno)


def test_only_plain_texts_are_given_to_be_translated() -> None:
    """A text put together at run time is in no catalogue."""
    for path in sources("bot", "cogs"):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KEYWORDS:
                texts = node.args[: 2 if node.func.id == "plural" else 1]
                assert not any(isinstance(text, ast.JoinedStr | ast.BinOp) for text in texts), (path, node.lineno)


DATA = ("bot/cards/csv.py", "bot/cards/admin.py")
"""Lists are data, and what the operator reads is in English as the log is."""


def test_no_text_on_a_card_bypasses_the_catalogues() -> None:
    """What is shown is built of translated texts; other words in bot/cards are names of things and patterns."""
    found = [
        (path.name, text)
        for path in sources("bot/cards")
        if path.relative_to(ROOT).as_posix() not in DATA
        for text in bare_texts(tree_of(path))
    ]
    assert found == []


def test_no_enumeration_on_a_card_has_a_comma_of_latin_script() -> None:
    """Not every language has that: `enumerated` and `listed` know which stands in the spoken one."""
    found = [
        (path.name, node.lineno)
        for path in sources("bot/cards")
        if path.relative_to(ROOT).as_posix() not in DATA
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute) and node.attr == "join"
        if isinstance(node.value, ast.Constant) and "," in str(node.value.value)
    ]
    assert found == []


def bare_texts(tree: ast.Module) -> Iterator[str]:
    """Yield what reads like words in the text parts and arguments of a module, where no catalogue sees it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [part.value for part in node.values if isinstance(part, ast.Constant)]
            yield from (part for part in parts if re.search(r"[A-Za-z]{3}", part) and "np:" not in part)
        elif isinstance(node, ast.keyword) and node.arg in ("label", "text", "title", "description", "placeholder"):
            yield from (part.value for part in [node.value] if isinstance(part, ast.Constant) and part.value)
        elif isinstance(node, ast.List | ast.Return):
            values = node.elts if isinstance(node, ast.List) else [node.value] if isinstance(node, ast.Return) else []
            yield from (
                part.value
                for part in values
                if isinstance(part, ast.Constant)
                and isinstance(part.value, str)
                and re.search("[A-Za-z]{3}", part.value)
            )


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ("pt-BR", "pt_BR"),
        ("es-419", "es"),
        ("es-ES", "es"),
        ("tr", "tr"),
        ("ar", "ar"),
        ("en-GB", "en"),
        ("de", "en"),
        ("", "en"),
    ],
)
def test_a_locale_of_discord_finds_its_language(locale: str, language: str) -> None:
    assert resolve_locale(locale) == language


@pytest.mark.parametrize(
    ("count", "form"), [(1, "заказ"), (3, "заказа"), (12, "заказов"), (21, "заказ"), (25, "заказов")]
)
def test_plural_forms_follow_the_language(count: int, form: str) -> None:
    with use_language(Language.RUSSIAN):
        assert plural("{count} order", "{count} orders", count) == f"{count} {form}"


def test_arabic_has_a_dual_and_a_comma_of_its_own() -> None:
    with use_language(Language.ARABIC):
        assert plural("Cancel {count} order?", "Cancel {count} orders?", 2) == "إلغاء \u20682\u2069 طلبين؟"
        assert enumerated(["`main`", "`Shop`"]) == "`main`،\u200f `Shop`"
    assert enumerated(["`main`", "`Shop`"]) == "`main`, `Shop`"


@pytest.mark.parametrize(("count", "words"), [(0, "0 cancelados"), (1, "1 cancelado"), (2, "2 cancelados")])
def test_words_of_tables_have_the_ending_that_goes_with_their_count(count: int, words: str) -> None:
    with use_language(Language.SPANISH):
        assert counted([(WORDINGS[State.CANCELLED], Section(count, ()))]) == words


@pytest.mark.parametrize("language", Language)
@given(value=st.integers(-(10**20), 10**20))
@example(value=1_234)
@example(value=1_234_567)
def test_numbers_are_written_as_the_language_writes_them(language: Language, value: int) -> None:
    """Ten thousand with a comma is ten to a Turkish reader."""
    with use_language(language):
        assert number(value) == format_decimal(value, locale=language)


def test_one_task_speaks_one_language_at_a_time() -> None:
    with use_language(Language.SPANISH):
        with use_language(Language.TURKISH):
            turkish = _("Balances")
        spanish = _("Balances")
    assert _("Balances") == "Balances"
    assert len({turkish, spanish, "Balances"}) == 3


async def test_commands_are_described_in_every_language_within_limits(client: Client) -> None:
    translator = client.tree.translator
    assert isinstance(translator, app_commands.Translator)
    for command in client.tree.get_commands():
        payload = await command.get_translated_payload(client.tree, translator)
        for part in described(payload):
            for texts, most in (("description", 100), ("name", 100 if "value" in part else 32)):
                translations = part.get(f"{texts}_localizations") or {}
                assert all(1 <= len(text) <= most for text in translations.values()), part
            if "description" in part and part.get("type") in (1, 2, 3):
                assert {"tr", "es-ES", "es-419", "pt-BR", "hi", "id", "ru", "vi"} <= set(
                    part["description_localizations"]
                ), part["name"]


def described(part: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a command, its options and their choices."""
    yield part
    for below in (*part.get("options", ()), *part.get("choices", ())):
        yield from described(below)


@pytest.mark.parametrize("language", Language)
async def test_forms_keep_discords_limits(language: Language) -> None:
    name = "W" * LONGEST_NAME
    with use_language(language):
        forms_shown = [
            preferences_form(Preferences(silent=True)),
            key_form(),
            key_form(name),
            orders_form(),
            orders_form([name, "main"], name),
        ]
    for form in (form.to_dict() for form in forms_shown):
        assert len(form["title"]) <= 45
        assert len(form["custom_id"]) <= 100
        for part in (part for part in form["components"] if "component" in part):  # no note above the fields
            assert len(part["label"]) <= 45
            assert len(part.get("description", "")) <= 100
            assert len(part["component"].get("placeholder", "")) <= 100
            for option in part["component"].get("options", ()):
                assert len(option["label"]) <= 100
                assert len(option.get("description") or "") <= 100
