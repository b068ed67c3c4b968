"""How soon the gateway is tried again: within a minute, unless sessions are being used up."""

from bot.client import _FEW_SESSIONS, _RECONNECT_WITHIN, Client, _Pauses
from cogs.registry import add_cogs


async def test_pauses_stay_short_until_many_sessions_were_begun() -> None:
    async with Client(add_cogs=add_cogs) as client:
        client.session_starts.note({"remaining": 1000, "reset_after": 24 * 60 * 60 * 1000})
        pauses = _Pauses(client._sessions, client.session_starts)
        for _ in range(_FEW_SESSIONS - 1):
            await client.before_identify_hook(0, initial=True)
            assert 0 <= pauses.delay() <= _RECONNECT_WITHIN
        await client.before_identify_hook(0, initial=True)
        longest = max(pauses.delay() for _ in range(200))
        assert _RECONNECT_WITHIN < longest <= 1024  # Discord resets the token of who begins 1,000 a day
        client._sessions[0] -= 24 * 60 * 60  # a day later
        assert max(pauses.delay() for _ in range(200)) <= _RECONNECT_WITHIN
