"""/queued and /history by request: they fit in every language, claim what is proven, and stay short."""

import pytest

from bot.cards.language import use_language
from bot.domain.languages import Language
from bot.domain.states import State
from tests.examples import CLAIMS, keeps_discords_limits, order, ours, overview_cards, text_of


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("count", [1, 100, 10_000])
@pytest.mark.parametrize("requests", [1, 10, 1_000])
@pytest.mark.parametrize("in_trouble", [False, True])
def test_they_fit_in_every_language(language: Language, count: int, requests: int, in_trouble: bool) -> None:
    states = list(State)
    orders = [order(n, states[n % len(states)]) for n in range(count)]
    with use_language(language):
        for shown in overview_cards(orders, requests, in_trouble=in_trouble):
            keeps_discords_limits(shown)
            text = text_of(shown).strip()
            assert text.startswith("### ")
            assert not any(part.endswith("…") and "`" in part for part in text.splitlines())


@pytest.mark.parametrize("state", [state for state in State if state is not State.CANCELLED])
def test_none_claims_an_end_that_no_status_has_proven(state: State) -> None:
    for shown in overview_cards([order(1, state), order(2, state)]):
        assert not any(claim in ours(shown).replace("cancel requests", "") for claim in CLAIMS)
