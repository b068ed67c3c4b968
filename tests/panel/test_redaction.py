"""A key that the panel sends back, in whatever form, is not in what is shown, logged, stored or written to files."""

import base64
import json
import string
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.panel.client import MAX_BODY
from bot.panel.replies import error_message, read_json

KEYS = st.text(string.ascii_letters + string.digits, min_size=8, max_size=64) | st.from_regex(
    r"np-[0-9a-f]{16,40}", fullmatch=True
)
FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "upper case": str.upper,
    "lower case": str.lower,
    "swapped case": str.swapcase,
    "backwards": lambda key: key[::-1],
    "hex": lambda key: key.encode().hex(),
    "HEX": lambda key: key.encode().hex().upper(),
    "hex with colons": lambda key: key.encode().hex(":"),
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64 for addresses": lambda key: base64.urlsafe_b64encode(key.encode()).decode().rstrip("="),
    "base64 backwards": lambda key: base64.b64encode(key[::-1].encode()).decode(),
    "base64 behind a word": lambda key: base64.b64encode(f"Bearer {key}!".encode()).decode(),
    "base64 behind another": lambda key: base64.b64encode(f"a:{key}".encode()).decode(),
    "for addresses": lambda key: quote(key, safe=""),
    "for forms": quote_plus,
    "twice for addresses": lambda key: quote(quote(key, safe=""), safe=""),
    "percent signs": lambda key: "".join(f"%{byte:02x}" for byte in key.encode()),
    "spaces": " ".join,
    "dashes": "-".join,
    "zero width": "\u200b".join,
    "in fours": lambda key: " | ".join(key[at : at + 4] for at in range(0, len(key), 4)),
}


def left_of(key: str, said: str) -> str:
    """Return what is left of an answer that says something."""
    words = error_message(read_json(json.dumps({"error": said}).encode(), key))
    assert words is not None
    return words


@pytest.mark.parametrize("form", FORMS)
@given(
    key=KEYS,
    before=st.sampled_from(["", "Invalid API key: ", "<b>", "你好 "]),
    behind=st.sampled_from(["", ".", " (sent)"]),
)
def test_no_form_of_a_key_is_left(form: str, key: str, before: str, behind: str) -> None:
    written = FORMS[form](key)
    words = left_of(key, f"{before}{written}{behind}")
    assert "[key]" in words
    letters = [sign for sign in words.replace("[key]", "").lower() if sign.isascii() and sign.isalnum()]
    wanted = [sign for sign in f"{before}{behind}".lower() if sign.isascii() and sign.isalnum()]
    extra = 14 if "base64 behind" in form else 4  # the word before it, and bits shared with what stands around it
    assert len(letters) <= len(wanted) + extra


@given(key=st.integers(10**9, 10**30))
def test_a_key_that_is_sent_back_as_a_number_is_not_left(key: int) -> None:
    assert str(key) not in str(read_json(json.dumps({"balance": key, "charge": f"{key}"}).encode(), str(key)))


def test_a_sentence_without_the_key_stays_as_it_is() -> None:
    said = "Order ord_01HG9X7KJP4N is not in progress; 12,345 remain (https://notpanel.com/api?x=1)"
    assert left_of("np-secret-key-0123456789abcdef", said) == said


def test_a_reply_of_nothing_but_the_key_is_read_in_time() -> None:
    """Each of eight thousand must not cost as much as the whole."""
    key = "np-key-0123456789"
    words = left_of(key, key.upper() * (MAX_BODY // len(key)))
    assert set(words.replace("[key]", "")) <= set("[key")
