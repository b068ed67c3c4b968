"""A call without a key: what it sends, and what each answer says of what is there."""

from collections.abc import Mapping
from datetime import UTC, datetime

import httpx
import pytest

from bot.panel import Answer, InvalidKey, PanelError, RateLimited, Unavailable, UnexpectedResponse, in_process, probe
from tests.panel.fakes import NOW, error

URL = "https://panel.invalid/api/v2"


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (error("Invalid API key", 401), InvalidKey, "Invalid API key"),
        (error("Invalid API key", 200), InvalidKey, "Invalid API key"),
        (error("Rate limit exceeded", 429), RateLimited, "Rate limit exceeded"),
        (Answer(200, "<html>Welcome</html>"), UnexpectedResponse, ""),
        (Answer(200, "[" * 9), UnexpectedResponse, ""),
        (Answer(302, ""), UnexpectedResponse, ""),
        (Answer(502, "bad gateway"), Unavailable, ""),
        (error("Missing required parameter: key"), type(None), "Missing required parameter: key"),
        (Answer(200, '{"balance":"1"}'), type(None), ""),
    ],
)
async def test_what_answers(answer: Answer, kind: type[PanelError | None], words: str) -> None:
    forms: list[Mapping[str, str]] = []

    async def panel(form: Mapping[str, str]) -> Answer:
        forms.append(form)
        return answer

    probed = await probe(URL, transport=in_process(panel), clock=lambda: NOW)
    assert (type(probed.error), probed.panel_message) == (kind, words)
    assert forms == [{"action": "balance"}]


@pytest.mark.parametrize(
    ("date", "read"),
    [
        ("Thu, 01 Jan 2026 12:30:45 GMT", datetime(2026, 1, 1, 12, 30, 45, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
    ],
)
async def test_the_panels_time_is_read_where_it_is_told(date: str, read: datetime | None) -> None:
    async def panel(_: Mapping[str, str]) -> Answer:
        return Answer(200, '{"error":"Invalid API key"}', {"Date": date})

    assert (await probe(URL, transport=in_process(panel))).date == read


@pytest.mark.parametrize(
    ("failure", "may_have_acted"), [(httpx.ConnectError("refused"), False), (httpx.ReadTimeout("slow"), True)]
)
async def test_nobody_answering_is_told_apart_from_breaking_off(failure: Exception, may_have_acted: bool) -> None:
    async def panel(_: Mapping[str, str]) -> Answer:
        raise failure

    with pytest.raises(Unavailable) as raised:
        await probe(URL, transport=in_process(panel))
    assert raised.value.may_have_acted is may_have_acted
