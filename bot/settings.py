"""Every setting: from the environment, from .env, or from a file of its name among the service's secrets."""

import logging
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, cast
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.domain.links import Links, Way
from bot.ledger.postgresql.address import in_clear
from bot.panel import host_called
from bot.settings_faults import ENV_FILE, EnvFile, fault, read_env_file, secret_file_faults, unknown_settings

_SQLITE = "sqlite:///"
POSTGRES = ("postgresql://", "postgres://")
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_DAY = 86_400
_MOST_OF_URL = 2_000  # characters
_MOST_OF_LINK = 512  # characters of a link button's address (Discord)

Seconds = Annotated[float, Field(gt=0, le=_DAY)]
Calls = Annotated[int, Field(gt=0)]


_RETIRED = {
    "PANEL_IP_SHARE": "PANEL_IP_SHARE is no setting any more: let PANEL_IP_LIMIT say how many calls a minute are this "
    "process's, such as 75 of 300 for each of four",
}
"""Left out in silence they would break a limit."""


class BadSettings(Exception):
    """A setting has a value that cannot be used; the text names each."""


class AddressNotHere(BadSettings):
    """Somebody else listens at HTTP_PORT, or HTTP_HOST is no address of this machine: not yet, perhaps."""


class Settings(BaseSettings):
    """What an operator can set; the names in capitals are the environment's."""

    model_config = SettingsConfigDict(
        env_file=ENV_FILE,
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        hide_input_in_errors=True,
    )

    discord_token: SecretStr | None = Field(None, description="The bot's token, from Discord's developer portal.")
    panel_url: str = Field("https://notpanel.com/api/v2", description="The panel's API; https, or http on loopback.")
    panel_keys_url: str | None = Field(
        None, description="https address where users make API keys; empty: the front page of PANEL_URL's site."
    )
    panel_proxy: SecretStr | None = Field(
        None, description="http://user:password@host:port of a proxy for calls to the panel; empty: none."
    )
    database_url: SecretStr = Field(
        SecretStr(""),
        description="sqlite:///path or postgresql://user:password@host/database; empty: ledger.sqlite3 in DATA_DIR.",
    )
    database_without_tls: bool = Field(
        False, description="yes: DATABASE_URL may say sslmode=disable for another machine; all goes there in clear."
    )
    data_dir: Path = Field(Path("./data"), description="Folder of the ledger and the key file.")
    encryption_keys: SecretStr | None = Field(
        None,
        description="32-byte keys in base64, newest first, commas between; empty: a key file in DATA_DIR.",
    )
    shard_ids: Annotated[tuple[int, ...] | None, NoDecode] = Field(
        None, description="Discord's shards of this process, such as 0,1 or 0-3; empty: all. Needs SHARD_COUNT."
    )
    shard_count: int | None = Field(None, ge=1, description="Shards of all processes together; empty: ask Discord.")
    panel_ip_limit: Calls = Field(
        300, description="Calls a minute that this process may make: 300 for an address, divided by its processes."
    )
    panel_key_limit: Calls = Field(100, description="Calls a minute that the panel allows one API key.")
    panel_concurrency: int = Field(
        8, ge=1, le=32, description="Calls at once with one API key; fewer where the panel turns out to take fewer."
    )
    watch_min_interval: Seconds = Field(10, description="Shortest pause in seconds between two checks of an order.")
    watch_max_interval: Seconds = Field(900, description="Longest pause in seconds between two checks of an order.")
    notify_window: Seconds = Field(10, description="Seconds for collecting a user's updates into one message.")
    confirm_above: int = Field(25, ge=0, description="Ask before cancelling more orders than this at once.")
    keep_days: int = Field(
        400, ge=31, le=36_500, description="Days after which orders that have ended are deleted, a little at a time."
    )
    http_host: str = Field("127.0.0.1", description="Address of this machine that HTTP is served on.")
    http_port: int | None = Field(
        None, ge=1, le=65535, description="Port for health, metrics and webhooks; empty: no server."
    )
    public_url: str | None = Field(
        None, description="https address under which HTTP_PORT is reached from outside, for webhooks; empty: none."
    )
    support_url: str | None = Field(None, description="https address where users get help, for /help; empty: none.")
    privacy_url: str | None = Field(None, description="https address of your privacy notice, for /help; empty: none.")
    terms_url: str | None = Field(None, description="https address of your terms, for /help; empty: none.")
    source_url: str | None = Field(None, description="https address of the source, for /help; empty: none.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="How much is logged.")
    log_format: Literal["console", "json"] = Field("console", description="Log for people or for machines.")

    @model_validator(mode="before")
    @classmethod
    def _blank_is_default(cls, values: Any) -> Any:
        given = cast(dict[str, Any], values)
        return {name: value for name, value in given.items() if not (isinstance(value, str) and not value.strip())}

    @field_validator("log_level", mode="before")
    @classmethod
    def _any_case(cls, level: Any) -> Any:
        return level.upper() if isinstance(level, str) else level

    @field_validator("discord_token")
    @classmethod
    def _one_word(cls, token: SecretStr | None) -> SecretStr | None:
        if token and not re.fullmatch(r"[!-~]+", token.get_secret_value().strip()):
            raise ValueError("must be one word, as the developer portal shows it")
        return token

    @field_validator("data_dir", "database_url", "http_host")
    @classmethod
    def _can_be_opened(cls, value: Path | SecretStr | str) -> Path | SecretStr | str:
        text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        if not text.isprintable() or len(text) > _MOST_OF_URL:
            raise ValueError("is too long, or has control characters in it")
        return value

    @field_validator("panel_url")
    @classmethod
    def _safe_url(cls, url: str) -> str:
        parts = _split(url)
        if not parts.hostname or not (
            parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        ):
            raise ValueError("must be an https address (http only on this machine): keys travel there")
        if not _is_plain(parts):
            raise ValueError("must be a plain address without user, query or fragment")
        return url

    @field_validator("panel_proxy")
    @classmethod
    def _known_proxy(cls, secret: SecretStr | None) -> SecretStr | None:
        parts = _split(secret.get_secret_value()) if secret else None
        if parts and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment):
            raise ValueError("must be http://host:port, with user:password@ before the host if it wants them")
        return secret

    @field_validator("public_url")
    @classmethod
    def _public(cls, url: str | None) -> str | None:
        if url is not None:
            parts = _split(url)
            if parts.scheme != "https" or not parts.hostname or not _is_plain(parts):
                raise ValueError("must be a plain https address: NotPanel calls no other")
        return url

    @field_validator("panel_keys_url", "support_url", "privacy_url", "terms_url", "source_url")
    @classmethod
    def _linkable(cls, url: str | None) -> str | None:
        if url is not None:
            parts = _split(url)
            if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc or len(url) > _MOST_OF_LINK:
                raise ValueError(f"must be an https address of at most {_MOST_OF_LINK} characters")
        return url

    @field_validator("database_url")
    @classmethod
    def _known_engine(cls, secret: SecretStr) -> SecretStr:
        url = secret.get_secret_value()
        if url and not (url.startswith((_SQLITE, *POSTGRES)) and len(url) > len(_SQLITE)):
            raise ValueError("must be sqlite:///path or postgresql://user:password@host/database")
        if url.startswith(POSTGRES) and re.match(r"\w+://[^?]*[/#][^?]*@", url):
            raise ValueError("in user and password / must be written as %2F, # as %23")
        return secret

    @field_validator("shard_ids", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        found = set[int]()
        for part in value.split(","):
            ends = re.fullmatch(r"\s*(\d{1,5})(?:\s*-\s*(\d{1,5}))?\s*", part)
            shards = ends and range(int(ends[1]), int(ends[2] or ends[1]) + 1)
            if not shards:
                raise ValueError("must be numbers and ranges, such as 0,1 or 0-3")
            found.update(shards)
        return tuple(sorted(found))

    @model_validator(mode="after")
    def _not_in_clear(self) -> "Settings":
        if isinstance(self.database, SecretStr):
            self.check_tls(self.database)
        return self

    def check_tls(self, database: SecretStr) -> None:
        """Raise ValueError where an address lets what is sent to another machine go in clear, unless that is wanted."""
        mode = in_clear(database.get_secret_value())
        if mode and not (mode == "disable" and self.database_without_tls):
            raise ValueError(
                f"DATABASE_URL says sslmode={mode} for another machine: the password could go there in clear. Write "
                "sslmode=verify-full or require; or sslmode=disable, and DATABASE_WITHOUT_TLS=yes beside it"
            )

    @model_validator(mode="after")
    def _shards_fit(self) -> "Settings":
        if self.shard_ids is not None and not (self.shard_ids and self.shard_ids[-1] < (self.shard_count or 0)):
            raise ValueError("SHARD_IDS needs SHARD_COUNT, and numbers below it")
        if self.shard_ids is not None and isinstance(self.database, Path):
            raise ValueError("SHARD_IDS needs a ledger that processes can share: DATABASE_URL=postgresql://…")
        return self

    @model_validator(mode="after")
    def _in_order(self) -> "Settings":
        if self.watch_min_interval > self.watch_max_interval:
            raise ValueError("WATCH_MIN_INTERVAL must not be larger than WATCH_MAX_INTERVAL")
        if self.panel_proxy and not self.panel_url.startswith("https:"):
            raise ValueError("PANEL_PROXY needs an https PANEL_URL: keys would pass the proxy in clear")
        if self.public_url and self.http_port is None:
            raise ValueError("PUBLIC_URL needs HTTP_PORT: nothing would answer there")
        return self

    @property
    def keys_page(self) -> str:
        """Where users make API keys, or the front page from where they find that."""
        site = urlsplit(self.panel_url)
        return self.panel_keys_url or f"{site.scheme}://{site.netloc}/"

    @property
    def links(self) -> Links:
        """Where users are led from /help."""
        named = {
            Way.SUPPORT: self.support_url,
            Way.PRIVACY: self.privacy_url,
            Way.TERMS: self.terms_url,
            Way.SOURCE: self.source_url,
        }
        return {way: url for way, url in named.items() if url}

    @property
    def database(self) -> Path | SecretStr:
        """The ledger's file, relative to the working folder where it is relative; or PostgreSQL's address."""
        url = self.database_url.get_secret_value()
        if url.startswith(POSTGRES):
            return self.database_url
        return Path(url.removeprefix(_SQLITE)) if url else self.data_dir / "ledger.sqlite3"


def _split(url: str) -> SplitResult:
    if len(url) > _MOST_OF_URL or not re.fullmatch(r"[!-~]*", url):  # urlsplit drops tabs, at which httpx raises
        raise ValueError("is not an address")
    try:
        parts = urlsplit(url)
        if parts.port == 0 or (parts.hostname or "") != host_called(url):  # what is checked here is what is called
            raise ValueError
    except ValueError:  # its text holds the address, and so what may be a password in it
        raise ValueError("is not an address") from None
    return parts


def _is_plain(parts: SplitResult) -> bool:
    return "@" not in parts.netloc and not parts.query and not parts.fragment


def secrets_folder() -> Path:
    """Return where systemd or Docker puts secret files, which need not be there."""
    return Path(os.environ.get("CREDENTIALS_DIRECTORY") or "/run/secrets")


def load_settings() -> Settings:
    """Return the settings; raise BadSettings, which has a line for each bad one and shows no secret."""
    folder = secrets_folder()
    options: dict[str, Any] = {"_secrets_dir": folder} if folder.is_dir() else {}
    given = {name.upper() for name in (*os.environ, *_env_file().names)}
    if retired := [text for name, text in _RETIRED.items() if name in given]:
        raise BadSettings("\n".join(retired))
    if options and (unreadable := secret_file_faults(folder, Settings.model_fields)):
        raise BadSettings("\n".join(unreadable))
    try:
        return Settings(**options)
    except ValidationError as error:
        raise BadSettings("\n".join(fault(one, Settings.model_fields) for one in error.errors())) from None


def list_unknown_settings() -> list[str]:
    """Return a sentence for each name that is no setting, with the one that may be meant; raise BadSettings."""
    return unknown_settings(_env_file(), Settings.model_fields)


def _env_file() -> EnvFile:
    logging.getLogger("dotenv.main").setLevel(logging.ERROR)  # it would name a line, and no file
    try:
        return read_env_file()
    except OSError as error:
        raise BadSettings(f"{ENV_FILE} can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadSettings(f"{ENV_FILE} can't be read as UTF-8 text: save it in that encoding") from None
