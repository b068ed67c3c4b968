"""Answers the client's calls from a function in this process: for tests and the demo."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import httpx


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, for those who know nothing of httpx."""

    status: int
    body: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


def in_process(answer: Callable[[Mapping[str, str]], Awaitable[Answer]]) -> httpx.AsyncBaseTransport:
    """Return a transport that hands each call's form fields to a function."""

    async def handle(request: httpx.Request) -> httpx.Response:
        form = dict(parse_qsl(request.content.decode(), keep_blank_values=True))
        given = await answer(form)
        return httpx.Response(given.status, headers=dict(given.headers), content=given.body.encode())

    return httpx.MockTransport(handle)
