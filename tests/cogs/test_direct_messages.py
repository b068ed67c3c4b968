# ruff: noqa: RUF001  # letters of other alphabets are meant
"""Plain text in a DM: what has the shape of a command is done, what only speaks of orders is asked about."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cards import actions
from bot.domain.dm_text import nearest_examples, read_message
from bot.domain.order_status import OrderStatus
from tests.domain.test_markup import WRAPPINGS
from tests.world import World, messages, shown, text_of

IDS = st.from_regex(r"ord_[0-9A-Za-z]{1,26}", fullmatch=True)
POLITE = st.sampled_from(["please", "Thanks!", "kindly", "my orders:", "hi,", "and", "PLS", "thank you."])
MEANING = st.sampled_from(
    ["don't", "not", "never", "no", "or", "all", "except", "dont", "yesterday", "iptal", "не", "别"]
)

COMMANDS = (
    *(
        "cancel ord_A ord_B",
        "Cancel: ord_A, ord_B",
        "CANCEL ord_A\nord_B",
        "`cancel ord_A ord_B`",
        "**cancel** ord_A ord_B",
    ),
    *("\u200bcancel ord_A ord_B", "\ufeff cancel ord_A ord_B", "please cancel ord_A and ord_B", "/cancel ord_A ord_B"),
    *("!cancel ord_A;ord_B", "cancel:ord_A ord_B", "Hi, please cancel my orders ord_A and ord_B. Thank you!"),
    *("iptal ord_A ord_B", "İPTAL ET: ord_A, ord_B lütfen", "cancela los pedidos ord_A y ord_B, por favor"),
    *("cancele ord_A e ord_B", "रद्द करें ord_A और ord_B", "batalkan pesanan ord_A dan ord_B", "hủy ord_A và ord_B"),
    *("отменить заказы ord_A и ord_B", "إلغاء الطلبات ord_A و ord_B من فضلك", "الغاء ord_A\nord_B"),
    *("```cancel ord_A ord_B```", "cancel __ord_A__ `ord_B`", "cancel - ord_A\n- ord_B", "cancel (ord_A), [ord_B]."),
)
SENTENCES = (
    *("cancel ord_A?", "cancel ord_A 500", "my customer wants to cancel ord_A", "ord_A iptal", "huy ord_A"),
    *("can you cancel ord_A?", "yes cancel ord_A", "batal ord_A", "iptal eder misin ord_A", "🚫 cancel ord_A"),
    *(
        "~~cancel ord_A~~",
        "> cancel ord_A",
        "can you cancel ord_A",
        "ord_A cancel",
        "ord_A: cancel it",
    ),
    *("do you cancel ord_A when I say so", "取消? cancel ord_A 不要"),
)
OPEN = (
    *("don't cancel ord_A", "do not cancel ord_A", "cancel not ord_A", "I would never cancel ord_A"),
    *("please don't cancel ord_A", "cancel all but ord_A", "cancel ord_A değil", "cancel? no! ord_A"),
    *("iptal etme ord_A", "no canceles ord_A", "não cancele ord_A", "रद्द न करें ord_A", "jangan batalkan ord_A"),
    *("не отменять ord_A", "đừng hủy ord_A", "لا تلغي ord_A", "stop ord_A", "please do something with ord_A"),
    *("please refill ord_A for my customer", "cancel or refill ord_A", "cancle ord_A", "canceled⃠ ord_A"),
    "ord_A",
    "`ord_A`",
    "ord_A is stuck",
    "ord_A!",
    "hello ord_A",
    "ord_A cancelled yet",
    "[x ord_A](https://x.example)",
)

pytestmark = pytest.mark.usefixtures("env")


@pytest.mark.parametrize("text", COMMANDS)
async def test_what_has_the_shape_of_a_command_is_done_at_once(here: World, ann: Any, text: str) -> None:
    here.order("ord_A")
    here.order("ord_B")
    await ann.send_dm(text)
    await here.settle()
    assert "2 cancelled" in messages(ann)[-1]
    assert "Skipped" not in messages(ann)[-1]
    assert here.panel.cancel_requests == {"ord_A": 1, "ord_B": 1}


@pytest.mark.parametrize("text", SENTENCES)
async def test_a_sentence_with_the_word_in_it_is_asked_about_first(here: World, ann: Any, text: str) -> None:
    here.order("ord_A")
    await ann.send_dm(text)
    await here.settle()
    assert "Cancel 1 order?" in messages(ann)[-1]
    assert here.cancel_calls() == []
    await ann.click(ann.dm_channel.last_message, label="Cancel 1 order")
    await here.settle()
    assert here.cancel_calls() == [("ord_A",)]


@pytest.mark.parametrize("text", OPEN)
async def test_orders_without_a_command_are_asked_about(here: World, ann: Any, text: str) -> None:
    here.order("ord_A")
    await ann.send_dm(text)
    await here.settle()
    assert "1 order. What should I do?" in messages(ann)[-1]
    assert here.panel.calls[1:] == []  # but for the key's check nobody was asked anything
    await ann.click(ann.dm_channel.last_message, label="Cancel 1 order")
    await here.settle()
    assert here.cancel_calls() == [("ord_A",)]
    assert "1 cancelled" in messages(ann)[-1]


@given(st.lists(IDS, min_size=1, unique=True), st.lists(POLITE), st.lists(POLITE))
def test_politeness_changes_nothing(ids: list[str], before: list[str], behind: list[str]) -> None:
    said = read_message(" ".join([*before, "Cancel", *ids, *behind]))
    assert said.plain
    assert said.command == "cancel"


@given(st.lists(IDS, min_size=1), st.lists(POLITE), MEANING, st.data())
def test_any_other_word_makes_it_a_sentence(ids: list[str], polite: list[str], word: str, data: st.DataObject) -> None:
    words = ["cancel", *ids, *polite]
    words.insert(data.draw(st.integers(0, len(words))), word)
    assert not read_message(" ".join(words)).plain


@given(st.sampled_from(WRAPPINGS), IDS)
def test_no_wrapping_of_a_command_hides_it(wrapping: str, order: str) -> None:
    assert "cancel" in read_message(wrapping.format(f"cancel {order}")).verbs


async def test_the_question_shows_the_status_and_stands_over_a_restart(here: World, ann: Any) -> None:
    here.order("ord_A", OrderStatus.IN_PROGRESS)
    here.order("ord_B")
    await ann.send_dm("ord_A ord_B ord_A")
    question = ann.dm_channel.last_message
    assert "2 orders. What should I do?" in messages(ann)[-1]
    assert "`ord_A`\n`ord_B`" in messages(ann)[-1]
    assert "1 repeat left out" in messages(ann)[-1]
    await here.restart()
    status = await ann.click(question, label="Check status")
    assert "1 pending · 1 in progress\n-# 2 orders" in shown(status)
    assert here.cancel_calls() == []
    await ann.click(question, label="Cancel 2 orders")
    await here.settle()
    assert here.panel.cancel_requests == {"ord_A": 1, "ord_B": 1}
    again = await ann.click(await here.post(ann.dm_channel, actions.STATUS.button(1)), label="Check status")
    assert "-# 2 orders · updated" in shown(again)


async def test_a_refill_chosen_is_asked_for_once_and_closes_the_question(here: World, ann: Any) -> None:
    here.order("ord_A", OrderStatus.COMPLETED)
    await ann.send_dm("ord_A ord_B")
    question = ann.dm_channel.last_message
    sent = len(messages(ann))
    await here.restart()
    await ann.click(question, label="Refill")
    await here.settle()
    assert "1 accepted · 1 not possible" in messages(ann)[-1]
    assert len(messages(ann)) == sent  # the answer stands where the question stood
    assert [call.action for call in here.panel.calls].count("refill") == 1
    old = await here.post(ann.dm_channel, actions.REFILL_NAMED.button(1), actions.CONFIRM.button(1, count=2))
    again = await ann.click(old, label="Refill")
    assert "That question is closed" in text_of(again.followups[0].components)
    await here.wait(16 * 60, step=60)
    await ann.click(old, custom_id="np:confirm:1")
    await here.settle()
    assert [call.action for call in here.panel.calls].count("refill") == 1
    assert here.cancel_calls() == []


async def test_nothing_is_an_answer_too(here: World, ann: Any) -> None:
    await ann.send_dm("ord_A")
    await ann.click(ann.dm_channel.last_message, label="Nothing")
    assert messages(ann)[-1] == "### Nothing was sent"
    assert here.panel.calls[1:] == []


async def test_numbers_alone_are_asked_about(here: World, ann: Any) -> None:
    for text in ("4711 4712", "cancel 4711, 4712", "please cancel 4711 and 4712"):
        await ann.send_dm(text)
        await here.settle()
        assert "`4711`" in messages(ann)[-1]
        assert "`4712`" in messages(ann)[-1]
    assert here.cancel_calls() == []


async def test_a_question_that_has_lapsed_says_so(here: World, ann: Any) -> None:
    await ann.send_dm("ord_A ord_B")
    question = ann.dm_channel.last_message
    await here.wait(16 * 60, step=60)
    status = await ann.click(question, label="Check status")
    assert "That question is closed" in text_of(status.followups[0].components) if status.followups else shown(status)
    await ann.click(question, label="Cancel 2 orders")
    await here.settle()
    assert "Too late to confirm" in messages(ann)[-1]
    assert here.cancel_calls() == []


async def test_nobody_else_may_answer_the_question(here: World, ann: Any) -> None:
    here.order("ord_A")
    await ann.send_dm("ord_A")
    bob = here.env.create_user("bob")
    await here.connect(bob)
    await bob.send_dm("help")
    forged = await here.post(
        bob.dm_channel, actions.CONFIRM.button(1, label="Cancel 1 order"), actions.STATUS.button(1)
    )
    calls = len(here.panel.calls)
    for label in ("Cancel 1 order", "Check status"):
        pressed = await bob.click(forged, label=label)
        answers = [*([pressed.response] if pressed.response else []), *pressed.followups]
        told = "\n".join(text_of(answer.components) for answer in answers)
        assert "somebody else" in told
        assert "ord_A" not in told
    await here.settle()
    assert len(here.panel.calls) == calls


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("status: ord_A", "-# 1 order · updated"),
        ("what is the status of ord_A", "-# 1 order · updated"),
        ("please status ord_A", "-# 1 order · updated"),
        ("Balance?", "USD"),
        ("Hi!", "/key set"),
        ("/help", "/key set"),
        ("cancel ord_01HG9X7KJP4N…", "Looks cut short, so not sent: `ord_01HG9X7KJP4N…`"),
        ("ord_01HG9X7KJP4N...", "Looks cut short, so not sent: `ord_01HG9X7KJP4N…`"),
        ("cancel 1.23457E+11", "Changed by a spreadsheet, so not sent: `1.23457E+11`"),
        ("cancel everything", "Which orders?"),
        ("cancel", "Paste order IDs"),
        ("status?", "Paste order IDs"),
        ("telafi", "Send `refill` with their IDs or a file"),
        ("ord_A_B", "Skipped `ord_A_B`: not a complete order ID."),
        ("cancle", "Try `cancel ord_…` or `balance`"),
        ("qeued", "Try `queued` or `cancel ord_…`"),
        ("what is this", "Try `cancel ord_…` or `help`"),
        ("👍", "Try `cancel ord_…` or `help`"),
        ("key remove", "Use `/key remove`"),
        ("Remove my key!", "Use `/key remove`"),
        ("anahtarımı sil", "Use `/key remove`"),
        ("what is my balance?", "USD"),
        ("Bakiye", "USD"),
        ("الرصيد؟", "USD"),
        ("so du", "USD"),
        ("?", "/key set"),
        ("MERHABA!", "/key set"),
        ("Thanks a lot!", "You're welcome"),
        ("teşekkürler", "You're welcome"),
        ("stop", "Nothing was stopped"),
        ("yes", "press a button"),
        ("не надо", "press a button"),
        ("`np-somebodys-key-0123456789`", "If that was your API key"),
    ],
)
async def test_every_message_gets_the_answer_that_is_meant(here: World, ann: Any, text: str, words: str) -> None:
    here.order("ord_A")
    await ann.send_dm(text)
    await here.settle()
    assert words in messages(ann)[-1]
    assert {call.action for call in here.panel.calls} <= {"balance", "status"}


@pytest.mark.parametrize("name", ["message.txt", "orders.csv"])
async def test_a_list_without_a_command_is_asked_about(here: World, ann: Any, name: str) -> None:
    """Discord makes a file of every text of more than 2,000 characters, with no message beside it."""

    def files(named: list[tuple[str, bytes]]) -> Any:
        return here.env.backend.store_attachments(ann.dm_channel.id, named)

    here.order("ord_A")
    await ann.send_dm("", attachments=files([(name, b"order\nord_A\nord_B\n")]))
    await here.settle()
    assert "2 orders. What should I do?" in messages(ann)[-1]
    await ann.send_dm("", attachments=files([("photo.png", b"\x89PNG\0")]))
    assert "I can't read that file. Send order IDs" in messages(ann)[-1]
    for text in ("don't cancel these", "refill", "my customer is angry"):
        await ann.send_dm(text, attachments=files([(name, b"ord_A")]))
        assert "1 order. What should I do?" in messages(ann)[-1]
    await ann.send_dm("can you cancel these", attachments=files([(name, b"ord_A")]))
    assert "Cancel 1 order?" in messages(ann)[-1]
    await ann.send_dm("status", attachments=files([(name, b"ord_A")]))
    assert "1 order · updated" in messages(ann)[-1]
    assert here.cancel_calls() == []


@pytest.mark.parametrize("verb", ["cancel", "status", "refill"])
async def test_ids_that_follow_a_verb_alone_are_asked_about_as_was_said(here: World, ann: Any, verb: str) -> None:
    here.order("ord_A")
    await ann.send_dm(verb)
    assert "If you send IDs alone, I ask what to do with them." in messages(ann)[-1]
    await ann.send_dm("ord_A")
    assert "1 order. What should I do?" in messages(ann)[-1]
    assert {"Cancel 1 order", "Check status", "Refill"} <= set(messages(ann)[-1].splitlines())
    assert here.cancel_calls() == []


@pytest.mark.parametrize(("verb", "title"), [("status", "1 order · updated"), ("refill", "1 accepted")])
async def test_a_verb_alone_opens_a_form_that_does_just_that(here: World, ann: Any, verb: str, title: str) -> None:
    here.order("ord_A", OrderStatus.COMPLETED)
    await ann.send_dm(verb)
    form = await ann.click(ann.dm_channel.last_message, label="Paste order IDs")
    answered = await ann.submit_modal(form, {"orders": "ord_A"})
    assert title in shown(answered)
    assert here.cancel_calls() == []


@given(st.text())
def test_any_text_has_two_examples_near_it(text: str) -> None:
    assert len(set(nearest_examples(text))) == 2
