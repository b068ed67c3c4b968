# ruff: noqa: RUF001  # letters of other alphabets are meant
"""Direct messages in nine languages: the words are data, so no catalogue is needed to test them."""

from collections.abc import Callable
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.dm_text import VERBS, example, folded, nearest_examples, phrases_of, read_message
from bot.domain.dm_words import ASKED, HELLO, NEGATIONS, POLITE, THANKS, WORDS
from bot.domain.languages import Language

LANGUAGES = sorted({*Language, "ar"})
IDS = st.from_regex(r"ord_[0-9A-Za-z]{1,26}", fullmatch=True)
PHRASES = [
    (name, phrase.strip())
    for words in WORDS.values()
    for name, listed in words.items()
    for phrase in listed.split(",")
    if name not in (POLITE, ASKED)
]
DOING = [(name, phrase) for name, phrase in PHRASES if name in VERBS]
POLITE_PHRASES = [
    phrase.strip()
    for words in WORDS.values()
    for name in (POLITE, HELLO, THANKS)
    for phrase in words.get(name, "").split(",")
    if phrase
]
NEGATING = [phrase.strip() for listed in NEGATIONS.values() for phrase in listed.split(",")]
DOUBTING = [
    *("mi", "mı", "mu", "mü", "veya", "yoksa", "eğer", "neden", "kya", "kyon", "agar", "ya", "या", "क्या", "अगर", "क्यों"),
    *(
        "o",
        "u",
        "ou",
        "si",
        "se",
        "cuando",
        "quando",
        "if",
        "when",
        "why",
        "or",
        "all",
        "atau",
        "jika",
        "kalau",
        "apakah",
    ),
    *("semua", "или", "либо", "если", "ли", "когда", "почему", "все", "hoặc", "hay", "nếu", "sao", "tất", "cả"),
    *("أو", "هل", "إذا", "لماذا", "كل", "la", "laa", "mish"),
]
"""Words that ask, choose, set conditions or mean all, in some language or as it is written in Latin letters."""
BETWEEN = st.sampled_from([" ", "\n", ", ", ": ", " — ", " \u200b ", "! ", " \u061c"])
CASES = st.sampled_from([str, str.upper, str.lower, str.capitalize])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_words_for_all_that_can_be_done(language: str) -> None:
    missing = {*WORDS["en"]} - {*WORDS[language]}
    assert missing <= {"no"}  # the same word in Spanish
    assert NEGATIONS[language]


def test_a_phrase_means_one_thing_and_nothing_polite_negates() -> None:
    meanings: dict[tuple[str, ...], set[str]] = {}
    for words in WORDS.values():
        for name, listed in words.items():
            for phrase in phrases_of(listed):
                meanings.setdefault(phrase, set()).add(name)
    assert {phrase: names for phrase, names in meanings.items() if len(names) > 1} == {}
    polite = {word for phrase in POLITE_PHRASES for words in phrases_of(phrase) for word in words}
    negating = {words for listed in NEGATIONS.values() for words in phrases_of(listed)}
    assert not {(word,) for word in polite} & negating
    assert not {(folded(word),) for word in DOUBTING} & {
        words for phrase in POLITE_PHRASES for words in phrases_of(phrase)
    }
    assert not {words for _, phrase in DOING for words in phrases_of(phrase)} & negating


@given(
    st.sampled_from(DOING),
    st.lists(IDS, min_size=1, unique=True),
    st.lists(st.sampled_from(POLITE_PHRASES)),
    BETWEEN,
    CASES,
    st.data(),
)
def test_a_verb_with_ids_and_polite_words_is_that_verb(
    verb: tuple[str, str],
    ids: list[str],
    polite: list[str],
    between: str,
    case: Callable[[str], str],
    data: st.DataObject,
) -> None:
    name, phrase = verb
    before = data.draw(st.integers(0, len(polite)))
    said = read_message(between.join([*polite[:before], case(phrase), *ids, *polite[before:]]))
    assert (said.command, said.plain, said.verbs) == (name, True, {name})


@given(st.sampled_from(DOING), st.lists(IDS, min_size=1), st.sampled_from(NEGATING), BETWEEN, CASES, st.data())
def test_no_verb_acts_when_it_is_negated(
    verb: tuple[str, str], ids: list[str], negation: str, between: str, case: Callable[[str], str], data: st.DataObject
) -> None:
    words = [case(verb[1]), *ids]
    words.insert(data.draw(st.integers(0, len(words))), case(negation))
    said = read_message(between.join(words))
    assert not said.plain
    assert said.verbs == frozenset()


@given(st.sampled_from(PHRASES), st.sampled_from(["", "!", "?", "...", "؟", "。", " !!", "?!"]), CASES)
def test_a_phrase_alone_means_the_same_however_it_is_written(
    said: tuple[str, str], sign: str, case: Callable[[str], str]
) -> None:
    name, phrase = said
    assert read_message(f"{case(phrase)}{sign}").command == name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *(("İPTAL", "iptal"), ("IPTAL", "iptal"), ("ıptal", "iptal"), ("I\u0307PTAL", "iptal")),
        *(("إلغاء", "الغا"), ("أُلغ", "الغ"), ("إلغــاء", "إلغاء"), ("حالة", "حاله"), ("شكرًا", "شكرا")),
        *(("HỦY", "hủy"), ("Отменить", "отменить"), ("ордёр", "ОРДЁР")),
    ],
)
def test_words_are_compared_as_people_write_them(one: str, other: str) -> None:
    assert folded(one) == folded(other)


@pytest.mark.parametrize("text", ["trạng thái", "trang thai", "TRANG THAI", "lịch sử", "lich su", "cài đặt", "cai dat"])
def test_vietnamese_is_read_without_its_tones(text: str) -> None:
    assert read_message(text).command == read_message(text.casefold()).command != ""


@pytest.mark.parametrize(
    "text",
    [
        *(
            "huy ord_A",
            "batal ord_A",
            "ألغي ord_A",
            "रद्द ord_A",
            "reposicion ord_A",
            "iptal mi ord_A",
            "la cancel ord_A",
        ),
        *("iptal siparişler: ord_A", "đơn hàng hủy ord_A", "طلب إلغاء ord_A", "cancela o ord_A"),
    ],
)
def test_a_word_that_may_mean_something_else_is_asked_about(text: str) -> None:
    said = read_message(text)
    assert not said.plain
    assert said.verbs


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_suggested_is_understood_and_in_the_users_language(language: str) -> None:
    for name in ("cancel", "status", "refill", "queued", "history", "balance", "settings", "key", "forget", "help"):
        shown = example(name, language)
        assert read_message(shown.replace("ord_…", "ord_A")).command == name
        assert shown in nearest_examples(shown, language)


def test_a_near_miss_names_the_two_nearest() -> None:
    assert nearest_examples("iptl", "tr") == ("iptal ord_…", "yardım")
    assert nearest_examples("bakye", "tr") == ("bakiye", "iptal ord_…")
    assert nearest_examples("cancle", "tr")[0] == "iptal ord_…"
    assert nearest_examples("balanse", "en") == ("balance", "cancel ord_…")


def test_a_long_list_is_no_sentence_and_a_long_sentence_no_command() -> None:
    numbers = " ".join(map(str, range(10_000, 10_600)))
    for ids in (numbers, " ".join(f"ord_{number}" for number in range(600)), " and ".join(["ord_A", "ord_B"] * 50)):
        said = read_message(f"please cancel {ids}, thanks")
        assert (said.command, said.plain) == ("cancel", True)
    for text in (f"cancel ord_A {numbers}", "cancel ord_A" + " please" * 500):
        assert not read_message(text).plain


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    said = read_message(text)
    assert said.command in {"", *chain.from_iterable(WORDS.values())}
    assert not said.plain or said.command in VERBS
