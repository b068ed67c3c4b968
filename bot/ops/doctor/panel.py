"""Checks the panel: a call without a key must be refused in its own words."""

from dataclasses import dataclass

from pydantic import SecretStr

from bot.domain.clock import Clock
from bot.ops.doctor.clock import ClockReading
from bot.ops.doctor.finding import ATTENTION, FAILED, OK, Finding
from bot.panel import InvalidKey, PanelError, RateLimited, Unavailable, UnexpectedResponse, probe


@dataclass(frozen=True, slots=True)
class PanelAnswer:
    """How the panel answered a call without a key."""

    url: str
    error: PanelError | None
    panel_message: str = ""
    clock: ClockReading | None = None


async def probe_panel(url: str, proxy: SecretStr | None, clock: Clock) -> PanelAnswer:
    """Make one call without a key."""
    try:
        probed = await probe(url, proxy=proxy, clock=clock)
    except Unavailable as error:
        return PanelAnswer(url, error)
    reading = probed.date and ClockReading("the panel", probed.sent, probed.received, probed.date)
    return PanelAnswer(url, probed.error, probed.panel_message, reading)


def check_panel(answer: PanelAnswer) -> Finding:
    """Tell whether NotPanel answers."""
    quoted = f': "{answer.panel_message}"' if answer.panel_message else ""
    match answer.error:
        case InvalidKey():
            return Finding(OK, "panel", f"{answer.url} answers, and refuses a call without a key as it should")
        case RateLimited():
            return Finding(
                ATTENTION,
                "panel",
                "answers that this address has called too often",
                "Look for other programs behind the same address; lower PANEL_IP_LIMIT by what they use.",
            )
        case Unavailable(may_have_acted=False):
            return Finding(
                FAILED, "panel", f"{answer.url} cannot be reached", "Check PANEL_URL, the network and the firewall."
            )
        case Unavailable():
            return Finding(
                FAILED,
                "panel",
                f"{answer.url} broke off or reports an error of its own{quoted}",
                "Try again in some minutes, then ask NotPanel.",
            )
        case UnexpectedResponse():
            return Finding(
                FAILED,
                "panel",
                f"{answer.url} is answered by something that isn't NotPanel's API",
                "Check PANEL_URL; a login page or a firewall in between looks like this too.",
            )
        case None:
            return Finding(
                ATTENTION,
                "panel",
                f"answers a call without a key in unexpected words{quoted}",
                "Check PANEL_URL. If it is right, connect a key with /key set and see whether it is accepted.",
            )
        case _:
            return Finding(
                FAILED, "panel", f"refuses this machine{quoted}", "Ask NotPanel whether this address is blocked."
            )
