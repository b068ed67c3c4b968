"""What is wrong with settings, in words: values that don't fit, names that are no settings, a token that can't be one.

No value of a secret is ever in them, nor a name that may be one: a secret broken over two lines looks like a name.
"""

import base64
import binascii
import difflib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin

import annotated_types
from dotenv.parser import parse_stream
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

ENV_FILE = Path(".env")

_NAME = re.compile(r"[A-Z]+(_[A-Z]+)*|[a-z]+(_[a-z]+)*")
_MOST_OF_NAME = 32
_MOST_SHOWN = 12
"""Characters of a value that is shown: no token and no key is as short."""
_LIKELY, _SURE = 0.6, 0.85
"""How alike two names are. Whatever stands in .env is meant as a setting; the environment is full of other names."""


@dataclass(frozen=True, slots=True)
class EnvFile:
    """What .env names, read without its values."""

    names: Mapping[str, int]
    """As they are written, each with its line."""
    bad_lines: tuple[int, ...]
    """Lines that set nothing."""


def read_env_file() -> EnvFile:
    """Read .env in the working folder; raise OSError or UnicodeDecodeError."""
    names, bad = dict[str, int](), list[int]()
    if ENV_FILE.is_file():
        with ENV_FILE.open(encoding="utf-8-sig") as file:
            for one in parse_stream(file):
                if one.error or (one.key and one.value is None):
                    bad.append(_line_of(one.original.string, one.original.line))
                elif one.key:
                    names[one.key] = _line_of(one.original.string, one.original.line)
    return EnvFile(names, tuple(bad))


def _line_of(text: str, first: int) -> int:
    """Return the line on which something stands that begins with blank lines."""
    return first + text[: len(text) - len(text.lstrip())].count("\n")


def unknown_settings(file: EnvFile, known: Iterable[str]) -> list[str]:
    """Return a sentence for whatever in .env is no setting, and for each variable that is nearly the name of one."""
    known = [name.upper() for name in known]
    found, bad = list[str](), list(file.bad_lines)
    for name, line in file.names.items():
        if name.upper() in known:
            continue
        if _NAME.fullmatch(name) and len(name) <= _MOST_OF_NAME:
            meant = _meant(name.upper(), known, _LIKELY)
            found.append(f"{ENV_FILE} line {line} is ignored: {name} is no setting{meant}")
        else:
            bad.append(line)
    if bad:
        lines = ", ".join(map(str, sorted(bad)))
        found.append(f"{ENV_FILE}, line {lines}: ignored, not a setting as in NAME=value")
    for name in sorted({name.upper() for name in os.environ} - {*known, *map(str.upper, file.names)}):
        if meant := _meant(name, known, _SURE):
            found.append(f"{name} in the environment is ignored: it is no setting{meant}")
    return found


def _meant(name: str, known: list[str], alike: float) -> str:
    close = difflib.get_close_matches(name, known, 1, alike)
    close = close or [one for one in known if alike == _LIKELY and len(name) > 3 and one.endswith(f"_{name}")]
    return f" (did you mean {close[0]}?)" if close else ""


def secret_file_faults(folder: Path, known: Iterable[str]) -> list[str]:
    """Return a sentence for each file with a setting's name that cannot be read: why, and what to do about it."""
    known, found = set(known), list[str]()
    try:
        files = sorted(path for path in folder.iterdir() if path.name.lower() in known)
    except OSError as error:
        return [f"{folder} can't be read: {error.strerror}"]
    for path in files:
        try:
            path.read_text("utf-8")
        except PermissionError:
            found.append(f"{path} can't be read: {_permissions(path)}")
        except IsADirectoryError:
            found.append(
                f"{path} is a folder, not a file. Docker makes one where the file to be mounted is missing: stop, "
                "remove that folder on the host, put the file there"
            )
        except OSError as error:
            found.append(f"{path} can't be read: {error.strerror}")
        except UnicodeDecodeError:
            found.append(f"{path} can't be read as UTF-8 text: save it in that encoding")
    return found


def _permissions(path: Path) -> str:
    """Return who may read a file, who this process is, and how to bring them together (not on Windows)."""
    try:
        owned = path.stat()
    except OSError as error:  # a link into a folder that is closed
        return f"{error.strerror}"
    return (
        f"it belongs to user {owned.st_uid} with mode {owned.st_mode & 0o7777:04o}, and the bot runs as user "
        f"{os.geteuid()}. Give it to that user (chown {os.geteuid()} FILE, as root), or let all read it "
        "(chmod 0444 FILE) in a folder that only you can enter"
    )


def fault(details: ErrorDetails, fields: Mapping[str, FieldInfo]) -> str:
    """Return what is wrong with a setting: its name, what is wanted and, where that can be no secret, what it is."""
    name = str(details["loc"][0]) if details["loc"] else ""
    field = fields.get(name)
    wanted = field and _wanted(field)
    if not wanted:
        return f"{name.upper()} {details['msg'].removeprefix('Value error, ')}".strip()
    given = str(details["input"])
    shown = f"; it is {given!r}" if len(given) <= _MOST_SHOWN and given.isprintable() else ""
    return f"{name.upper()} must be {wanted}{shown}"


def _wanted(field: FieldInfo) -> str:
    """Return what a number, a choice or a switch may be; empty for what has an explanation of its own."""
    kinds = get_args(field.annotation) if get_origin(field.annotation) is UnionType else (field.annotation,)
    if get_origin(field.annotation) is Literal:
        *choices, last = get_args(field.annotation)
        return f"{', '.join(choices)} or {last}"
    if bool in kinds:
        return "yes or no"
    if int not in kinds and float not in kinds:
        return ""
    return ("a whole number" if int in kinds else "a number") + _limits(field.metadata)


def _limits(metadata: Iterable[Any]) -> str:
    least, most = "", ""
    for limit in metadata:
        match limit:
            case annotated_types.Ge(ge=bound):
                least = f"{bound}"
            case annotated_types.Gt(gt=bound):
                least = f"above {bound}"
            case annotated_types.Le(le=bound):
                most = f"{bound}"
            case _:
                pass
    if most:
        return f" {least} and at most {most}" if least.startswith("above") else f" from {least} to {most}"
    return f" {least}" if least.startswith("above") else f" of at least {least}"


def token_fault(token: str) -> str:
    """Return why something can be no bot token, as far as its shape tells; empty where it can be one."""
    first, *rest = token.strip().split(".")
    if len(rest) == 2 and all(rest) and _decodes_to_number(first):
        return ""
    return f"DISCORD_TOKEN is no bot token: {_looks_like(token.strip())}. Copy it from the portal: Bot, Reset Token"


def _looks_like(token: str) -> str:
    if re.fullmatch(r"\d{15,21}", token):
        return "that looks like the Application ID"
    if re.fullmatch(r"[0-9a-f]{64}", token):
        return "that looks like the Public Key"
    if re.fullmatch(r"[\w-]{32}", token):
        return "that looks like the Client Secret"
    return "a token has three parts with dots between, and the first is the bot's ID in base64"


def _decodes_to_number(part: str) -> bool:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True).isdigit()
    except (binascii.Error, ValueError):
        return False
