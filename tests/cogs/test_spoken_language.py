"""In which language a user is answered: the one chosen in /settings, or that of their Discord client."""

from datetime import timedelta
from typing import Any

import pytest

from bot.cards.language import OWN_NAMES, _, plural, use_language
from bot.demo.locale import set_locale
from bot.domain.languages import Language
from tests.cogs.test_preferences import RUNNING, prefer, queue
from tests.world import World, messages, shown

pytestmark = pytest.mark.usefixtures("env")


async def test_the_chosen_language_comes_before_that_of_the_client(here: World, ann: Any) -> None:
    set_locale(here.env, ann.id, "tr")
    russian = await prefer(ann, language="ru")
    card = await queue(here, ann, {"ord_A": timedelta(minutes=1)})
    with use_language(Language.RUSSIAN):
        assert OWN_NAMES[Language.RUSSIAN] in shown(russian)
        assert plural("{count} order", "{count} orders", 1) in shown(card)
    await here.restart()
    await here.wait(100)
    with use_language(Language.RUSSIAN):
        assert _("Cancelled: {order}", order="`ord_A`") in messages(ann)[-1]
    assert _may_lag(Language.RUSSIAN) in shown(await ann.slash("balance"))
    assert "Русский" not in shown(await prefer(ann, language="auto"))
    await queue(here, ann, {"ord_B": timedelta(minutes=1)})
    await here.wait(100)
    with use_language(Language.TURKISH):
        assert _("Cancelled: {order}", order="`ord_B`") in messages(ann)[-1]


def _may_lag(language: Language) -> str:
    """Return what the card of /balance ends with."""
    with use_language(language):
        return _("asked {when} · may lag 30 s", when="").rpartition("·")[2]


async def test_a_message_in_a_dm_is_answered_in_the_language_last_spoken(here: World, ann: Any) -> None:
    await ann.send_dm("balance")
    assert _may_lag(Language.ENGLISH) in messages(ann)[-1]
    set_locale(here.env, ann.id, "tr")
    await queue(here, ann, {"ord_A": timedelta(minutes=1)})
    await ann.send_dm("balance")
    assert _may_lag(Language.TURKISH).strip() in messages(ann)[-1]
    here.order("ord_B", RUNNING)
    await ann.send_dm("cancel ord_B")
    await here.wait(100)
    with use_language(Language.TURKISH):
        assert _("Cancelled") in messages(ann)[-1]
    assert "`ord_B`" in messages(ann)[-1]
    await prefer(ann, language="es")
    await ann.send_dm("balance")
    assert _may_lag(Language.SPANISH) in messages(ann)[-1]


async def test_a_language_that_cannot_be_read_keeps_no_command_from_being_done(here: World, ann: Any) -> None:
    here.order("ord_A")
    here.below.damage("preferences")
    card = await ann.slash("cancel", orders="ord_A")
    await ann.send_dm("help")
    here.below.mend("preferences")
    await here.wait(60)
    assert "1 cancelled" in shown(card)
    assert "/key set" in messages(ann)[-1]
