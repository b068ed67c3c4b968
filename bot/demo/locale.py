"""Gives a person of the simulated Discord a client in another language: SimCord itself knows English ones only."""

from collections.abc import Mapping
from typing import Any

import simcord


def set_locale(env: simcord.Env, user_id: int, locale: str) -> None:
    """Have all that a user does from now on come from a client in such a language, "pt-BR" for example."""
    emit = env.backend.emit

    def emit_localised(event: str, payload: Mapping[str, Any], *more: Any, **named: Any) -> Any:
        if event == "INTERACTION_CREATE" and user_id == _who(payload):
            payload = {**payload, "locale": locale}
        return emit(event, payload, *more, **named)

    env.backend.emit = emit_localised


def _who(payload: Mapping[str, Any]) -> int:
    user = payload["user"] if "user" in payload else payload["member"]["user"]
    return int(user["id"])
