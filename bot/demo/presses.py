"""Sees to it that no press on SimCord's page is lost, and that the page shows what arrives by itself.

By itself SimCord refuses an action that meets a refresh, or that was decided on before one: the page then says "Action
was not completed." Here actions wait for their turn, and one from before a refresh goes to the control that was seen.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

import simcord
from simcord.preview._action_plans import (  # pyright: ignore[reportPrivateImportUsage]
    _component_key,  # pyright: ignore[reportPrivateUsage]
    _component_paths,  # pyright: ignore[reportPrivateUsage]
)

log = logging.getLogger(__name__)

DemoButtons = Mapping[str, Callable[[], Awaitable[Any]]]
"""What the demo's own buttons do, by custom_id; the bot never hears of them."""

_TICK = 0.3
_REFRESH_EVERY = 4.0
_QUIET = 1.5
"""Seconds without an action after which somebody is taken to read rather than to press."""
_REMEMBERED = 20
"""Refreshes back to which a press may go."""

_STEADY = "@media (min-width: 700px) { #action-status { flex-basis: 0 } }"
"""Keeps the toolbar from growing while an action goes on: the page would then do one more, to report its new size."""

_Controls = dict[str, str]
"""The custom_id behind each control of a page."""


class Presses:
    """Takes one action of all pages at a time, and refreshes the pages between them."""

    def __init__(self, env: simcord.Env, move_clock: Callable[[], None], buttons: DemoButtons) -> None:
        """`move_clock` brings SimCord's clock to the present."""
        self._env: Any = env
        self._move_clock = move_clock
        self._buttons = buttons
        self._turn = asyncio.Lock()
        self._previews: list[Any] = []
        self._drawn: dict[tuple[str, int], _Controls] = {}
        self._shown = 0
        self._last_action = self._last_refresh = float("-inf")

    def guard(self, preview: Any) -> None:
        """Let the actions on the pages of a preview, which is not served yet, come through here.

        Its pages are drawn at the present time. They open with the latest message, also when they are loaded anew, and
        go to the answer to an action, as Discord's clients do.
        """
        acting: list[tuple[str | None, int | None]] = []
        """The page that somebody acts on, and the newest message before they did."""
        act, publish, serve = preview._action, preview._publish, preview._server._static

        async def act_in_turn(context_id: str | None, body: Any) -> dict[str, Any]:
            async with self._turn:
                acting.append((context_id, _newest(preview)))
                try:
                    return await act(context_id, await self._ready(preview, context_id, body))
                finally:
                    acting.clear()
                    self._last_action = _now()
                    self._shown = len(self._env.http_requests)

        def publish_now(page: Any, **more: Any) -> None:
            self._move_clock()
            preview.capture_time = self._env.now()
            newest = _newest(preview)
            answered = any(page.id == one and newest != before for one, before in acting)
            if answered or page is preview._python:  # new pages open with what is in view there
                page.target_id, page.window_end_id = newest, None
            publish(page, **more)
            self._drawn[page.id, page.revision] = _controls(page)
            self._drawn.pop((page.id, page.revision - _REMEMBERED), None)

        async def serve_steady(request: Any) -> Any:
            response = await serve(request)
            if request.path.endswith(".css"):
                response.text += _STEADY
            return response

        preview._action, preview._publish, preview._server._static = act_in_turn, publish_now, serve_steady
        self._previews.append(preview)

    async def show_what_arrives(self) -> None:
        """Refresh the pages once the bot has sent something by itself and nobody is pressing anything."""
        while True:
            await asyncio.sleep(_TICK)
            self._move_clock()
            now, sent = _now(), len(self._env.http_requests)
            if self._turn.locked() or now < max(self._last_refresh + _REFRESH_EVERY, self._last_action + _QUIET):
                continue
            if sent != self._shown:
                self.refresh()

    def refresh(self) -> None:
        """Draw all pages anew; no action may be under way."""
        for preview in self._previews:
            preview._publish_message_pages(reason="refresh")
        self._shown, self._last_refresh = len(self._env.http_requests), _now()

    async def _ready(self, preview: Any, context_id: str | None, body: Any) -> Any:
        page = preview._pages.get(context_id)
        if page is None or not isinstance(body, dict):
            return body
        action = self._as_seen(page, cast(dict[str, Any], body))
        does = self._buttons.get(_controls(page).get(str(action.get("control_key")), ""))
        if does is None:
            return action
        try:
            await does()
        except Exception:  # the page would wait for ever for an answer
            log.exception("a button of the demo has failed")
        return {**action, "kind": "refresh"}

    def _as_seen(self, page: Any, action: dict[str, Any]) -> dict[str, Any]:
        """Return an action as one on the page as it is now, if what it was meant for is still there."""
        revision, key = action.get("published_revision"), str(action.get("control_key"))
        if revision == page.revision or page.status != "current" or not isinstance(revision, int):
            return action
        if action["kind"] in ("click", "select"):
            meant = self._drawn.get((page.id, revision), {}).get(key)
            found = [one for one, custom_id in _controls(page).items() if custom_id == meant]
            if not found:
                return action
            action = {**action, "control_key": key if key in found else found[0]}
        return {**action, "published_revision": page.revision}


def _now() -> float:
    return asyncio.get_running_loop().time()


def _newest(preview: Any) -> int | None:
    page = preview._python
    return cast("int | None", preview._initial_target(page.viewer, page.channel_id))


def _controls(page: Any) -> _Controls:
    found: _Controls = {}
    for message_id, message in page.snapshot.get("messages", {}).items():
        for index, root in enumerate(message.get("components") or ()):
            for path, part in _component_paths(root, str(index)):
                key = _component_key(part, path, int(message_id))
                if key and part.get("custom_id"):
                    found[key] = part["custom_id"]
    return found
