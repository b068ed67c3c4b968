"""What the facts mean and what to do about them (pure)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from bot.ledger import Checkup, LedgerError, ServerCheckup
from bot.ops.doctor.facts import (
    Address,
    Application,
    DiscordAnswer,
    Keys,
    LedgerFile,
    LedgerServer,
    Modes,
    PanelAnswer,
    Reading,
    Refusal,
)
from bot.panel import InvalidKey, RateLimited, Unavailable, UnexpectedResponse

CLOCK_MAY_DIFFER = timedelta(seconds=2)
SHARDS_FROM = 2_500
"""Servers from which Discord wants an application to be sharded."""
_MEGABYTE = 1_000_000
_LEAST_FREE = 20 * _MEGABYTE
_SPARE = 100 * _MEGABYTE
_OLDEST_SERVER = 140_000
_METHOD_NOT_ALLOWED = 405
_MOST_NAMED = 10


class Verdict(StrEnum):
    """How a check ended."""

    OK = "ok"
    ATTENTION = "attention"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found, and what to do, if anything."""

    verdict: Verdict
    subject: str
    says: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.verdict:<9}  {self.subject:<11} {self.says}.{self.remedy and ' ' + self.remedy}"


@dataclass(frozen=True, slots=True)
class _About:
    """Makes findings about one subject."""

    subject: str

    def ok(self, says: str, remedy: str = "") -> Finding:
        return Finding(Verdict.OK, self.subject, says, remedy)

    def attention(self, says: str, remedy: str) -> Finding:
        return Finding(Verdict.ATTENTION, self.subject, says, remedy)

    def failed(self, says: str, remedy: str = "") -> Finding:
        return Finding(Verdict.FAILED, self.subject, says, remedy)


def check_token(answer: DiscordAnswer) -> Finding:
    """Tell whether Discord accepts the token."""
    about = _About("token")
    match answer.application:
        case Application() as application:
            return about.ok(f"Discord knows it as {application.name} ({application.id})")
        case Refusal.NO_TOKEN:
            return about.failed("DISCORD_TOKEN is not set", "README.md says where to get it.")
        case Refusal.REFUSED:
            return about.failed(
                "Discord does not accept it", "Copy it again from the developer portal: Bot, Reset Token."
            )
        case Refusal.UNREACHABLE:
            return about.failed(
                f"not known: Discord {answer.did}",
                "Try again in some minutes; check network, name resolution and proxies, and that port 443 is let out.",
            )


def check_application(answer: DiscordAnswer) -> list[Finding]:
    """Tell what in the developer portal keeps commands away, or is switched on for nothing."""
    application = answer.application
    if isinstance(application, Refusal):
        return [_About(subject).attention("not looked at", "See token.") for subject in ("intents", "application")]
    return [_check_intents(application), _check_portal(application)]


def _check_intents(application: Application) -> Finding:
    about = _About("intents")
    if application.privileged:
        return about.attention(
            f"switched on and not needed: {', '.join(application.privileged)}",
            "Turn Privileged Gateway Intents off in the developer portal, under Bot.",
        )
    return about.ok("none is privileged; the bot asks for direct messages alone, which need no permission")


def _check_portal(application: Application) -> Finding:
    about = _About("application")
    if application.interactions_go_elsewhere:
        return about.failed(
            "an Interactions Endpoint URL is set, so that no command reaches this bot",
            "Remove it in the developer portal, under General Information.",
        )
    if application.needs_code_grant:
        return about.failed(
            "Requires OAuth2 Code Grant is on, so that the invitation does not work",
            "Turn it off in the developer portal, under Bot.",
        )
    if application.servers >= SHARDS_FROM:
        return about.attention(
            f"in about {application.servers:,} servers; Discord wants shards from {SHARDS_FROM:,}",
            "docs/scaling.md says how.",
        )
    missing = {"Guild Install", "User Install"} - set(application.installs or ())
    if application.installs is not None and missing:
        return about.attention(
            f"not ticked: {', '.join(sorted(missing))}",
            "Tick it in the developer portal, under Installation, if people are to add the bot that way.",
        )
    who = "anybody can add it" if application.is_public else "only its owner can add it (Public Bot is off)"
    return about.ok(f"commands reach this bot; {who}; in about {application.servers:,} servers")


def check_panel(answer: PanelAnswer) -> Finding:
    """Tell whether NotPanel answers: a call without a key must be refused in its own words."""
    about = _About("panel")
    match answer.error:
        case InvalidKey():
            return about.ok(f"{answer.url} answers, and refuses a call without a key as it should")
        case RateLimited():
            return about.attention(
                "answers that this address has called too often",
                "Look for other programs behind the same address; lower PANEL_IP_LIMIT by what they use.",
            )
        case Unavailable(may_have_acted=False):
            return about.failed(f"{answer.url} cannot be reached", "Check PANEL_URL, the network and the firewall.")
        case Unavailable():
            return about.failed(
                f"{answer.url} broke off or reports a fault of its own{_quoted(answer.words)}",
                "Try again in some minutes, then ask NotPanel.",
            )
        case UnexpectedResponse():
            return about.failed(
                f"something else than NotPanel's API answers at {answer.url}",
                "Check PANEL_URL; a login page or a firewall's page in between looks like this too.",
            )
        case None:
            return about.attention(
                f"answers a call without a key in unexpected words{_quoted(answer.words)}",
                "Check PANEL_URL. If it is right, connect a key with /key set and see whether it is accepted.",
            )
        case _:
            return about.failed(
                f"refuses this machine{_quoted(answer.words)}", "Ask NotPanel whether this address is blocked."
            )


def check_ledger(ledger: LedgerFile | LedgerServer) -> Finding:
    """Tell whether the ledger opens, fits this release and, in a file, is whole."""
    if isinstance(ledger.found, LedgerError):
        return _About("ledger").failed(str(ledger.found).rstrip("."))
    if isinstance(ledger, LedgerFile):
        return _check_file(ledger, ledger.found)
    return _check_server(ledger.name, ledger.found)


def _check_file(ledger: LedgerFile, found: Checkup | None) -> Finding:
    about = _About("ledger")
    if not ledger.writable:
        return about.failed(f"{ledger.path} cannot be written by this user", "Give its folder and files to that user.")
    if found is None:
        return about.ok(f"none yet at {ledger.path}; the first start makes it")
    if found.version > found.newest:
        return _written_by_a_newer_release(found)
    if found.damage:
        return about.failed(
            f"damaged: {found.damage}",
            "Stop the bot, keep the file, and restore the newest backup (docs/operating.md).",
        )
    if not found.version:
        return about.ok(f"{ledger.path} is empty; the first start makes its tables")
    if found.version < found.newest:
        return about.attention(
            f"schema {found.version}, whole; this release brings {found.newest}",
            "The next start changes it, after a copy beside it; make a backup of your own first.",
        )
    if found.strangers:
        names = ", ".join(found.strangers[:_MOST_NAMED])
        return about.attention(
            f"{ledger.path} is whole, and holds what no release has put there: {names}",
            "It can change what the bot does. Find out who put it there; restore a backup from before.",
        )
    return about.ok(f"{ledger.path}: schema {found.version}, {_megabytes(ledger.size)}, read through and whole")


def _check_server(name: str, found: ServerCheckup) -> Finding:
    about, server = _About("ledger"), f"{name}: PostgreSQL {found.release}"
    if found.number < _OLDEST_SERVER:
        return about.failed(f"{server} is too old", "Take 14 or newer (docs/postgresql.md).")
    if found.version > found.newest:
        return _written_by_a_newer_release(found)
    if found.encoding != "UTF8":
        return about.failed(f"{server}, in {found.encoding}", "Make the database anew, with ENCODING 'UTF8'.")
    if not found.writable:
        return about.failed(f"{server} takes nothing but reads", "Connect to the server that is written to.")
    if found.version < found.newest and not found.may_create:
        return about.failed(
            f"{server}, where this user may make no tables", "Let the database belong to it (docs/postgresql.md)."
        )
    if not found.version:
        return about.ok(f"{server}, empty; the first start makes the tables")
    if found.version < found.newest:
        return about.attention(
            f"{server}, schema {found.version}; this release brings {found.newest}",
            "The next start changes it and makes no copy: make a backup with pg_dump first.",
        )
    if found.advice:
        says = f"{server}, schema {found.version}, where rights are wider than needed"
        return about.attention(says, " ".join(found.advice))
    return about.ok(f"{server}, schema {found.version}")


def _written_by_a_newer_release(found: Checkup | ServerCheckup) -> Finding:
    return _About("ledger").failed(
        f"written by a newer release (schema {found.version}, this one knows {found.newest})",
        "Install that release, or restore a backup from before it.",
    )


def check_space(ledger: LedgerFile | LedgerServer) -> Finding:
    """Tell whether the ledger can grow, be copied and be rewritten."""
    about = _About("disk")
    if isinstance(ledger, LedgerServer):
        return about.ok("the ledger's is on PostgreSQL's machine: watch it there")
    says = f"{_megabytes(ledger.free)} free for {ledger.path.parent}"
    if ledger.free < _LEAST_FREE:
        return about.failed(says, "Make room: without it no cancel is taken on.")
    if ledger.free < 2 * ledger.size + _SPARE:
        return about.attention(says, "Make room: a migration and /forget-me each need as much as the ledger holds.")
    return about.ok(says)


def check_keys(keys: Keys) -> Finding:
    """Tell whether what is stored can be opened, and remind of the copy without which it could not."""
    about = _About("keys")
    where = keys.path or "ENCRYPTION_KEYS"
    if keys.trouble:
        return about.failed(keys.trouble.rstrip("."))
    if keys.sealed is None:
        there = f"{where} can be read" if keys.present else f"none at {where}"
        return about.attention(
            f"{there}; what is sealed with them is not known, since the ledger was not read", "See ledger."
        )
    if not keys.present and keys.sealed:
        return about.failed(
            f"{keys.path} is gone, and {keys.sealed} API keys are sealed with it", "Put its backup in its place."
        )
    if keys.unopened:
        return about.failed(
            f"{keys.unopened} of {keys.sealed} API keys are sealed with an encryption key that is not here",
            "Put that key back: into ENCRYPTION_KEYS or the key file.",
        )
    if not keys.present:
        return about.ok(f"none yet at {keys.path}; the first start makes it", "Back it up then, apart from the ledger.")
    return about.ok(
        f"{where} opens all {keys.sealed} stored API keys",
        "Is there a copy of it apart from the ledger's? Without it no backup of the ledger gives the keys back.",
    )


def check_modes(modes: Modes) -> Finding:
    """Tell whether other users of this machine can read what is secret."""
    about = _About("files")
    if not modes.known:
        return about.attention("this system has no file modes to look at", "See that no other user can read DATA_DIR.")
    if modes.open_to_others:
        names = " ".join(map(str, modes.open_to_others))
        return about.attention(
            f"other users of this machine can read or write {names}",
            f"chmod go= {names} — and if one of them is a stranger, reset the token and the keys.",
        )
    if modes.hidden:
        names = " ".join(map(str, modes.hidden))
        return about.attention(f"could not be looked at: {names}", "Ask the doctor as the user that runs the bot.")
    return about.ok(f"{len(modes.looked_at)} looked at, readable by their owner alone")


def check_clock(readings: Iterable[Reading]) -> Finding:
    """Tell how far this machine's clock is off."""
    about = _About("clock")
    differences = [(reading, *_difference(reading)) for reading in readings]
    if not differences:
        return about.attention("not compared: nobody told the time", "See token and panel.")
    reading, difference, precision = min(differences, key=lambda one: one[2])
    way = "ahead of" if difference > timedelta() else "behind"
    says = f"{abs(difference).total_seconds():.1f} s {way} {reading.whose}'s, give or take {precision:.1f} s"
    if abs(difference) > max(CLOCK_MAY_DIFFER, timedelta(seconds=precision)):
        return about.attention(
            says,
            "Switch on time synchronisation: beyond 2 s the bot reads the panel's limits wrongly, calls too early or "
            "too late, and the times that it shows are not true.",
        )
    return about.ok(f"{says}; up to 2 s do not matter")


def _difference(reading: Reading) -> tuple[timedelta, float]:
    """Return how far this clock is ahead, and how exactly that is known, in seconds.

    The other clock was read somewhere between asking and hearing, and says no fractions: half a second is added.
    """
    under_way = reading.heard - reading.asked
    middle = reading.asked + under_way / 2
    return middle - (reading.said + timedelta(seconds=0.5)), 0.5 + under_way.total_seconds() / 2


def check_address(address: Address | None) -> Finding:
    """Tell whether PUBLIC_URL leads to this bot, as far as that can be seen from here."""
    about = _About("address")
    if address is None:
        return about.ok("no PUBLIC_URL is set, so no webhooks; the bot works without")
    if address.status == _METHOD_NOT_ALLOWED:
        return about.ok(f"{address.url} leads to the bot")
    what = f"HTTP {address.status}" if address.status else address.words
    return about.attention(
        f"{address.url} does not lead to the bot, seen from this machine ({what})",
        "Is the bot running? Then let the reverse proxy hand /hooks/ to HTTP_PORT, and check name and certificate.",
    )


def _quoted(words: str) -> str:
    return f': "{words}"' if words else ""


def _megabytes(size: int) -> str:
    return f"{size / _MEGABYTE:,.1f} MB"
