"""Phrases that people had to read twice do not come back, neither on cards nor in descriptions of commands."""

import re

from tests.rules.test_languages import forms, texts_in_sources

BANNED = (
    # words for which the glossary has others
    *(r"\bnews\b", r"\bhints?\b", r"\bjoined\b", r"\b(?:gone|go|goes) through\b", r"\bso many\b", r"\bin flight\b"),
    *(
        r"\bwhoever runs\b",
        r"\blooks? (?:at|until)\b",
        r"\blast look\b",
        r"\blapsed\b",
        r"\btaken up\b",
        r"\bin my ledger\b",
    ),
    r"\bqueued at the provider\b",
    # what stood in the sentences that were rewritten
    *("hear from me", "own status says", "tells in a moment", "at the earliest", r"not final:", "in any form"),
    *("had been asked for before", "not order IDs", "confirm: ask to", "in place of a status", "what counts is"),
    *("beforehand", "this card stays as it is", "that it has been delivered this", "you asked to cancel did"),
    *("taken back at", "will not be told", "what names no key", "where news", "faster than I", "lets none of"),
    *("that one has not", "may not write to you", "ten seconds", r"\bshall I\b", "I believe nothing"),
    *("somewhat more often", "the words {words}"),
)


def test_no_text_says_again_what_had_to_be_read_twice() -> None:
    banned = re.compile("|".join(BANNED), re.IGNORECASE)
    texts = {form for text in texts_in_sources() for form in forms(text)}
    assert {text for text in texts if banned.search(text)} == set()


def test_each_phrase_is_found_whatever_its_capitals() -> None:
    for said in ("You hear from me when it ends.", "2 orders had been asked for before: joined.", "No News"):
        assert re.search("|".join(BANNED), said, re.IGNORECASE)
