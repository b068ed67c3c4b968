"""What the address of a PostgreSQL database says: how to name it without its secrets, and whether it asks for TLS."""

import os
import re
from urllib.parse import parse_qs, quote, unquote

from pydantic import SecretStr

_HOST = r"(?:\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::\d+)?"
_ADDRESS = re.compile(
    rf"\w+://(?:[^/?#]*@)?(?P<hosts>{_HOST}(?:,{_HOST})*)?(?:/(?P<name>[^/?#@]*))?(?:\?(?P<options>[^#@]*))?"
)
"""One whose password has a character that ends it too early does not fit: what looks like the host is part of it."""

_IN_CLEAR = ("disable", "allow", "prefer")
_SAFE = ("require", "verify-ca", "verify-full")


def describe(database: SecretStr) -> str:
    """Name a database to its operator, without user and password."""
    found = _ADDRESS.fullmatch(database.get_secret_value())
    if not found:
        return "PostgreSQL"
    hosts = found["hosts"] or ", ".join(parse_qs(found["options"] or "").get("host", ["this machine"]))
    return f"PostgreSQL database {found['name'] or ''} on {hosts}"


def servers(address: str) -> list[str]:
    """Return the address of each server that an address names."""
    found = _ADDRESS.fullmatch(address)
    if found and found["hosts"]:
        start, end = found.span("hosts")
        return [address[:start] + host + address[end:] for host in found["hosts"].split(",")]
    hosts, ports = ((_option(address, name) or "").split(",") for name in ("host", "port"))
    if len(hosts) < 2 or len(ports) not in (1, len(hosts)):
        return [address]
    return [
        _with_option(_with_option(address, "host", host), "port", port)
        for host, port in zip(hosts, ports * (len(hosts) // len(ports)), strict=True)
    ]


def _with_option(address: str, name: str, value: str) -> str:
    return re.sub(rf"([?&]{name}=)[^&#]*", lambda found: found[1] + quote(value, safe=""), address)


def wanted_server(address: str) -> str | None:
    """Return which of several servers to take where an address does not say so: the one that can be written."""
    several = len(servers(address)) > 1 or "," in os.environ.get("PGHOST", "")
    said = _option(address, "target_session_attrs") or os.environ.get("PGTARGETSESSIONATTRS")
    return "read-write" if several and not said else None


def has_password(address: str) -> bool:
    """Tell whether there is a password in an address."""
    return bool(re.match(r"\w+://[^/?#@]*:[^@]*@", address)) or "password=" in address


def in_clear(address: str) -> str | None:
    """Return the sslmode of an address by which a password, and all else, may go over a network in clear."""
    mode = _option(address, "sslmode") or ""
    return mode if mode in _IN_CLEAR and not _stays_here(address) else None


def demanded_tls(address: str) -> str | None:
    """Return what to demand beyond what an address says: it says nothing, and leads over a network.

    The client's own default is to go on in clear with a server that says that it has no TLS.
    """
    if _option(address, "sslmode") or _stays_here(address):
        return None
    asked_for = os.environ.get("PGSSLMODE", "")
    return asked_for if asked_for in _SAFE else "require"


def _option(address: str, name: str) -> str | None:
    found = _ADDRESS.fullmatch(address)
    values = parse_qs(found["options"] or "").get(name) if found else None
    return values[-1] if values else None


def _stays_here(address: str) -> bool:
    """Tell whether all of an address's servers are on this machine; one that names none may lead anywhere."""
    found = _ADDRESS.fullmatch(address)
    if not found or _option(address, "service") or os.environ.get("PGSERVICE"):
        return False
    hosts = found["hosts"] or _option(address, "host") or os.environ.get("PGHOST") or "/"
    return all(_is_here(unquote(host)) for host in hosts.split(","))


def _is_here(host: str) -> bool:
    name = re.sub(r"^\[(.*)\](?::\d+)?$|:\d+$", r"\1", host)
    return name.startswith("/") or name in ("localhost", "::1") or bool(re.fullmatch(r"127(\.\d{1,3}){3}", name))
