"""Discord's markup as its readers see it: whatever wraps an ID leaves it whole, and what is not seen is no order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.markup import as_read
from bot.domain.order_ids import Found, find_orders

IDS = st.from_regex(r"ord_[0-9A-Za-z]{1,26}", fullmatch=True)
WRAPPINGS = (
    *("{}", "*{}*", "**{}**", "***{}***", "_{}_", "__{}__", "___{}___", "~~{}~~", "||{}||", "`{}`", "``{}``"),
    *("```{}```", "```\n{}\n```", "```py\n{}\n```", "**__{}__**", "_**{}**_", "*_{}_*", "__~~||{}||~~__", "`__`{}`__`"),
    *("**Order {}**", "__Order {}__", "_Order {}_", "_{} is late_", "~~{} was\nlate~~", "**{}\n\nlate**"),
    *(
        "[{}](https://x.example/ord_B2)",
        "[**{}**](<https://x.example/ord_B2>)",
        "**[see {}](https://x.example/a_(b)_c)**",
    ),
    *('[{}](https://x.example "ord_B2")', "[[{}]](https://x.example/ord_B2)", "\\*{}\\*", "\\|\\|{}\\|\\|"),
    *(
        "> {}",
        ">>> {}",
        "# {}",
        "-# {}",
        "- {}",
        "* {}",
        "1. {}",
        '"{}"',
        "“{}”",
        "({})",
        "<{}>",
        "「{}」",
        "订单{}已取消",
    ),
    *("<@123>{}", "{}<:ord_no:1234567890>", "<a:ord_no:1234567890>{}", "{}<t:1700000000:R>", "https://x.example/{}"),
    *("<https://x.example/{}>", "__https://x.example/{}__", "\\<@123> {}", "订单__{}__已取消", "ยกเลิก**{}**ครับ"),
)
UNSEEN = (
    *("<@123456789012345678>", "<@!123>", "<@&123>", "<#123>", "</cancel:123>", "</key show:123>", "<t:1700000000>"),
    *("<t:1700000000:R>", "<t:-5:F>", "<id:customize>", "<:ord_x:123>", "<a:ord_x:123>", "\\<@123>", "\\<:ord_x:123>"),
    *("[see](https://x.example/ord_B2)", "[](https://x.example/ord_B2) see", "[a](https://x.example/ord_B2 'ord_C3')"),
)


def orders_in(text: str) -> tuple[str, ...]:
    """Return the orders that the readers of a message see."""
    return find_orders(as_read(text)).orders


@given(st.lists(st.tuples(st.sampled_from(WRAPPINGS), IDS), min_size=1), st.sampled_from([" ", "\n", ", ", " and "]))
def test_any_wrapping_shows_exactly_its_id(parts: list[tuple[str, str]], between: str) -> None:
    text = between.join(wrapping.format(order) for wrapping, order in parts)
    assert orders_in(text) == tuple(dict.fromkeys(order for _, order in parts))


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_each_wrapping_alone_and_in_a_sentence(wrapping: str) -> None:
    shown = wrapping.format("ord_A1")
    assert orders_in(shown) == ("ord_A1",)
    assert orders_in(f"please look: {shown}") == ("ord_A1",)
    assert orders_in(f"_ {shown} * ~~ {shown} || _") == ("ord_A1",)


@given(st.sampled_from(UNSEEN), st.lists(st.sampled_from(UNSEEN)), st.one_of(st.just(""), IDS))
def test_what_stands_for_something_else_is_no_order(one: str, others: list[str], order: str) -> None:
    text = " ".join([one, *others, order])
    assert orders_in(text) == ((order,) if order else ())


@pytest.mark.parametrize("unseen", UNSEEN)
def test_beside_it_no_number_is_an_order(unseen: str) -> None:
    picture = ":ord_x:" in unseen
    assert orders_in(f"{unseen} 4711") == (("4711",) if picture else ())  # a picture is no word


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("ord\\_A1", "ord_A1"),
        ("ord\\_A\\_1", "ord_A_1"),
        ("\\_\\_ord_A1\\_\\_", "__ord_A1__"),
        ("`__ord_A1__`", "__ord_A1__"),
        ("`ord\\_A1`", "ord\\_A1"),
        ("ord_A1_", "ord_A1_"),
        ("_ord_A1", "_ord_A1"),
        ("__ord_A1_", "__ord_A1_"),
        ("ord_A_B_C", "ord_A_B_C"),
        ("__ord_A_B__", "ord_A_B"),
        ("ord_A__B__", "ord_A__B__"),
        ("ord_A**1**", "ord_A1"),
        ("ord_**A1**", "ord_A1"),
        ("**ord_**A1", "ord_A1"),
        ("ord_~~A~~1", "ord_A1"),
        ("ord_A*1*", "ord_A1"),
    ],
)
def test_underscores_and_marks_inside_a_word_are_read_as_they_are_shown(text: str, seen: str) -> None:
    assert as_read(text).strip() == seen
    assert set(orders_in(text)) <= {seen}  # whole or not at all


@pytest.mark.parametrize(
    ("text", "orders"),
    [
        ("ord_A*2 and ord_B*3", ("ord_A", "ord_B")),
        ("ord_A**500\nord_B**700", ("ord_A", "ord_B")),
        ("ord_A||500\nord_B||700", ("ord_A", "ord_B")),
        ("ord_A||ord_B||ord_C", ("ord_A", "ord_B", "ord_C")),
        ("ord_A*ord_B*ord_C", ("ord_A", "ord_B", "ord_C")),
        ("ord_A**ord_B**ord_C", ("ord_A", "ord_B", "ord_C")),
        ("17*18*19", ("17", "18", "19")),
        ("17**18**19", ("17", "18", "19")),
    ],
)
def test_marks_between_the_parts_of_a_list_are_separators(text: str, orders: tuple[str, ...]) -> None:
    assert orders_in(text) == orders


@pytest.mark.parametrize("text", ["[ord_A1](ord_B2)", "[ord_A1] (https://x.example/ord_B2)", "[ord_A1](x ord_B2)"])
def test_what_discord_shows_as_it_stands_is_no_link(text: str) -> None:
    assert orders_in(text) == ("ord_A1", "ord_B2")


@pytest.mark.parametrize("block", ["```ord_A1\nord_B2```", "```\nord_A1\nord_B2```", "```diff\nord_A1\nord_B2\n```"])
def test_an_id_on_the_first_line_of_a_block_is_one_too(block: str) -> None:
    assert orders_in(block) == ("ord_A1", "ord_B2")


@pytest.mark.parametrize(
    "text",
    ["**ord_01HG**…", "ord_01HG…", "__ord_01HG__...", "_ord_01HG…_", "[ord_01HG…](https://x.example/ord_01HGB2)"],
)
def test_an_id_that_is_shown_cut_short_is_none(text: str) -> None:
    assert find_orders(as_read(text)) == Found((), 0, ("ord_01HG...",))


@given(st.text(st.one_of(st.characters(), st.sampled_from("*_~|`\\[]()<>@#:/tord_A1 \n\ue000\ue001"))))
def test_any_text_can_be_read(text: str) -> None:
    assert "\ue000" not in as_read(text)


@given(st.lists(IDS, unique=True), st.sampled_from([" ", ", ", "\n", ";", "\t"]))
def test_a_plain_list_is_read_as_it_stands(ids: list[str], between: str) -> None:
    assert as_read(between.join(ids)) == between.join(ids)


@pytest.mark.parametrize(
    "piece",
    [
        *("[", "[a", "[[a]", "`", "``a ", "```a ", "*a", "_a ", "**a ", '[x](https://a "', "[x](https://(", "\\", "<"),
        *("</a", "https://", "ord_A**", "ord_*1*", "[a](https://x)", "`a``b", "[a](https://x 'b", "<t:1", "~~", "~~a"),
    ],
)
def test_the_longest_text_of_anything_is_read_at_once(piece: str) -> None:
    as_read(piece * (50_000 // len(piece)))
