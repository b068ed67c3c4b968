"""Where users are led from /help: what the operator has named, and the invitation."""

from collections.abc import Mapping
from enum import StrEnum


class Way(StrEnum):
    """What an address leads to, in the order in which they are shown."""

    INVITE = "invite"
    SUPPORT = "support"
    PRIVACY = "privacy"
    TERMS = "terms"
    SOURCE = "source"


Links = Mapping[Way, str]
"""The addresses that are known; what is not known is left out."""

INVITATION = "https://discord.com/oauth2/authorize?client_id={application_id}"
"""Discord asks whether for a server or for oneself, as far as the application's default install settings say."""


SERVER_INSTALL = f"{INVITATION}&integration_type=0&scope=bot+applications.commands&permissions=2048"
"""Into a server, where the bot may send messages."""
USER_INSTALL = f"{INVITATION}&integration_type=1&scope=applications.commands"
"""To one person, for DMs and every server."""


def with_invitation(links: Links, application_id: int | None) -> Links:
    """Return the links with the invitation in front, once the application is known."""
    invitation = {Way.INVITE: INVITATION.format(application_id=application_id)} if application_id else {}
    return {**invitation, **links}
