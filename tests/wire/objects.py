"""Discord's objects as JSON, with no more in them than discord.py asks for."""

from fnmatch import fnmatch
from typing import Any

Json = dict[str, Any]

APPLICATION = 111111111111111111
ANN = 222222222222222222
BOB = 444444444444444444
SERVER = 666666666666666666
SERVER_CHANNEL = 777777777777777777


def dm_of(user: int) -> int:
    """Return the channel of a person's DM with the bot."""
    return user + 1


def user(user_id: int) -> Json:
    """Return a person, or the bot itself."""
    names = {APPLICATION: "bot", ANN: "ann", BOB: "bob"}
    return {
        "id": str(user_id),
        "username": names.get(user_id, f"user{user_id % 1000}"),
        "discriminator": "0",
        "avatar": None,
        "bot": user_id == APPLICATION,
        "global_name": None,
    }


def application() -> Json:
    """Return the bot's application."""
    empty = {"icon": None, "description": "", "verify_key": "", "summary": "", "rpc_origins": None, "flags": 0}
    flags = {"bot_public": True, "bot_require_code_grant": False}
    return {"id": str(APPLICATION), "name": "bot", "owner": user(ANN), **empty, **flags}


def interaction(kind: int, data: Json, interaction_id: str, token: str, by: int, where: int) -> Json:
    """Return what a person did, in a server or in their DM with the bot."""
    if where == dm_of(by):
        place: Json = {"channel": {"id": str(where), "type": 1}, "user": user(by), "context": 1}
    else:
        member = {"user": user(by), "roles": [], "joined_at": None, "deaf": False, "mute": False, "flags": 0}
        channel = {"id": str(where), "type": 0, "name": "orders", "position": 0, "permissions": "0"}
        guild = {"id": str(SERVER), "locale": "en-US", "features": []}
        place = {"channel": channel, "guild_id": str(SERVER), "guild": guild, "context": 0}
        place["member"] = {**member, "permissions": "0"}
    return {
        "id": interaction_id,
        "application_id": str(APPLICATION),
        "type": kind,
        "token": token,
        "version": 1,
        "data": data,
        "channel_id": str(where),
        "locale": "en-US",
        "entitlements": [],
        "authorizing_integration_owners": {},
        "app_permissions": "0",
        "attachment_size_limit": 0,
        **place,
    }


def message(message_id: str, channel: int, body: Json) -> Json:
    """Return a message of the bot."""
    lists: Json = {name: [] for name in ("mentions", "mention_roles", "attachments", "embeds")}
    return {
        "id": message_id,
        "channel_id": str(channel),
        "author": user(APPLICATION),
        "content": body.get("content") or "",
        "components": body.get("components") or [],
        "flags": body.get("flags", 0),
        "timestamp": "2026-01-01T00:00:00+00:00",
        "edited_timestamp": None,
        "tts": False,
        "mention_everyone": False,
        "pinned": False,
        "type": 0,
        **lists,
    }


def attachment(file_id: str, size: int, url: str) -> Json:
    """Return a file that a person has attached."""
    kind = "text/plain"
    return {"id": file_id, "filename": "orders.txt", "size": size, "url": url, "proxy_url": url, "content_type": kind}


def custom_ids(value: Any) -> list[str]:
    """Return the custom_id of every button in a message's body."""
    if isinstance(value, list):
        return [found for part in value for found in custom_ids(part)]
    if not isinstance(value, dict):
        return []
    own = [value["custom_id"]] if "custom_id" in value else []
    return own + [found for part in value.values() for found in custom_ids(part)]


def menu_of(value: Any, option: str) -> tuple[str, str] | None:
    """Return the custom_id of the menu that offers an option whose value fits a pattern, and that value."""
    parts = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []
    if isinstance(value, dict) and "custom_id" in value:
        for offered in value.get("options", ()):
            if fnmatch(offered["value"], option):
                return value["custom_id"], offered["value"]
    return next((found for part in parts if (found := menu_of(part, option))), None)


def texts(value: Any) -> list[str]:
    """Return all text that a message's body shows, in reading order."""
    if isinstance(value, list):
        return [text for part in value for text in texts(part)]
    if not isinstance(value, dict):
        return []
    own = [value["content"]] if isinstance(value.get("content"), str) else []
    return own + [text for part in value.values() for text in texts(part)]


_MOST_PARTS, _MOST_TEXT, _MOST_BYTES = 40, 4_000, 10_170
_SHOWN_OR_KEPT = ("content", "label", "placeholder", "custom_id", "description", "value")


def refusal(components: Any) -> tuple[int, int] | None:
    """Return the HTTP status and the code with which Discord refuses a message of these components, or None.

    More than 40 of them or 4,000 characters of text are a 400 (Discord's documentation); too many bytes are a 500
    (discord-api-docs #8554: 10,170, of which each text takes 12 more than it has). Whether labels and custom_ids count
    is not known, but #7310 was refused for those of its menus: here they do.
    """
    parts = _parts(components)
    if len([part for part in parts if "type" in part]) > _MOST_PARTS:
        return 400, 50035
    if sum(len(text) for text in texts(components)) > _MOST_TEXT:
        return 400, 50035
    strings = [part[name] for part in parts for name in _SHOWN_OR_KEPT if isinstance(part.get(name), str)]
    if sum(len(text.encode()) for text in strings) + 12 * len(parts) > _MOST_BYTES:
        return 500, 0
    return None


def _parts(value: Any) -> list[Json]:
    """Return every component and every option of a menu, nested ones too."""
    if isinstance(value, list):
        return [part for one in value for part in _parts(one)]
    if not isinstance(value, dict):
        return []
    return [value] + [part for one in value.values() for part in _parts(one)]
