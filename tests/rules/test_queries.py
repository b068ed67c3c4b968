"""The types of the named queries are those that their heads say."""

from tests.query_stub import STUB, stub


def test_the_stub_is_up_to_date() -> None:
    assert STUB.read_text("utf-8") == stub(), "make queries"
