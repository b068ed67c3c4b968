"""The bot as somebody meets it whose Discord is not in English."""

from typing import Any

import pytest

from bot.demo.locale import set_locale
from tests.world import World, buttons_of, shown

pytestmark = pytest.mark.usefixtures("env")


async def test_a_question_its_card_and_its_buttons_speak_turkish_over_a_restart(here: World, ann: Any) -> None:
    set_locale(here.env, ann.id, "tr")
    orders = " ".join(here.order(f"ord_{number:03}", "In progress") for number in range(30))
    question = await ann.slash("cancel", orders=orders)
    assert "30 sipariş" in shown(question)
    await here.settle()
    assert "30 sipariş" in shown(question)  # edited later, with no client to ask
    await here.restart()
    (confirm, _) = buttons_of(question)
    card = await ann.click(question.response, label=confirm)
    await here.settle()
    assert "30 bekliyor" in shown(card)


async def test_a_form_and_its_errors_speak_the_language_of_the_client(here: World, ann: Any) -> None:
    set_locale(here.env, ann.id, "pt-BR")
    form = await ann.slash("cancel")
    answer = await ann.submit_modal(form, {"orders": "nada"})
    assert "Não achei nenhum ID de pedido" in shown(answer)
