"""Every fault of the panel and of Discord at every step: nothing untrue meanwhile, everything told in the end."""

import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from bot.domain.order_status import OrderStatus
from bot.panel import Answer
from tests.panel.fakes import SOMEONE_ELSES_ANSWERS
from tests.world import FINE, Fault, Late, Twice, World, lost, messages, open_orders, orders_of, shown

pytestmark = pytest.mark.usefixtures("env")

ORDERS = {"ord_A": OrderStatus.PENDING, "ord_B": OrderStatus.IN_PROGRESS, "ord_C": OrderStatus.COMPLETED}


def changed(change: Callable[[Any], Any]) -> Fault:
    """The panel acts, and its answer is not quite what it should be."""
    return lambda answer: Answer(answer.status, json.dumps(change(json.loads(answer.body))), answer.headers)


def without_the_first(reply: Any) -> Any:
    return reply[1:] if isinstance(reply, list) else {name: reply[name] for name in list(reply)[1:]}


def with_one_more(reply: Any) -> Any:
    if isinstance(reply, list):
        return [*reply, {"order": "ord_Z", "cancel": "ord_Z"}]
    return {**reply, "ord_Z": {"status": "canceled"}}


def with_a_strange_word(reply: Any) -> Any:
    if isinstance(reply, list):
        return [{"order": row["order"], "cancel": "perhaps"} for row in reply]
    return {name: {"status": "Sleeping"} for name in reply}


def twice(answer: Answer) -> Answer:
    """Answer with every row twice, the second time differently."""
    reply = json.loads(answer.body)
    if isinstance(reply, list):
        rows = [*reply, *({"order": row["order"], "error": "no"} for row in reply)]
        return Answer(answer.status, json.dumps(rows))
    body = ", ".join(f'"{name}": {json.dumps(row)}, "{name}": {{"status": "failed"}}' for name, row in reply.items())
    return Answer(answer.status, f"{{{body}}}")


def with_no_effect(answer: Answer) -> Fault:
    """The call never reaches the panel."""
    return answer


def limited(layer: str | None) -> Answer:
    headers = {"X-RateLimit-DeniedBy": layer} if layer else {}
    return Answer(429, '{"error": "Rate limit exceeded"}', headers)


PANEL_FAULTS: dict[str, Fault] = {
    "connection refused": httpx.ConnectError("refused"),
    "no connection in time": httpx.ConnectTimeout("slow"),
    "reset before": httpx.ReadError("reset"),
    "reset after": lost(httpx.ReadError("reset")),
    "closed after": lost(httpx.RemoteProtocolError("closed")),
    "no answer before": httpx.ReadTimeout("slow"),
    "no answer after": lost(httpx.ReadTimeout("slow")),
    "half sent": httpx.WriteTimeout("slow"),
    **{f"429 by {layer}": limited(layer) for layer in ("ip", "key", "tier", None)},
    "403": Answer(403, '{"error": "Forbidden"}'),
    "500": Answer(500, '{"error": "Internal error"}'),
    "500 after": lambda _: Answer(500, '{"error": "Internal error"}'),
    "502 with HTML": Answer(502, "<html>Bad gateway</html>"),
    "200 with HTML": Answer(200, "<html>Welcome</html>"),
    "302": Answer(302, ""),
    "empty": Answer(200, ""),
    "truncated": lambda answer: Answer(200, answer.body[: len(answer.body) // 2]),
    "missing row": changed(without_the_first),
    "extra row": changed(with_one_more),
    "duplicate rows": twice,
    "strange word": changed(with_a_strange_word),
    "nothing in it": Answer(200, "{}"),
    **{f"reset, and acts {after} s later": Late(after, httpx.ReadError("reset")) for after in (1, 5, 20, 50)},
    "no answer, and acts 50 s later": Late(50, httpx.ReadTimeout("slow")),
    "502 with HTML, and acts 20 s later": Late(20, Answer(502, "<html>Bad gateway</html>")),
    "200 with HTML, and acts 20 s later": Late(20, Answer(200, "<html>Welcome</html>")),
    "reset, and acts after the next call": Late(None, httpx.ReadError("reset")),
    **{
        f"someone else's {status} {body[:40]}, {'after' if acts else 'before'}": (lost if acts else with_no_effect)(
            Answer(status, body, headers)
        )
        for index, (status, headers, body) in enumerate(SOMEONE_ELSES_ANSWERS[::3])
        for acts in [index % 2 == 0]
    },
    "given twice": Twice(),
    "given twice, and reset": Twice(httpx.ReadError("reset")),
}


BEFORE = {"the cancel": 0, "the first look": 1}


def called_cancelled(text: str) -> set[str]:
    """Return the orders that a first line calls cancelled, or that stand under the heading *Cancelled*."""
    groups = re.findall(r"✅ \*\*Cancelled\*\* \(\d+\)\n(.+?)(?=\n\S+ \*\*|\n### |\Z)", text, re.DOTALL)
    groups += re.findall(r"^### ✅ Cancelled: (.+)", text, re.MULTILINE)
    return {order for group in groups for order in re.findall(r"`(ord_\w)`", group)}


def untrue(here: World, text: str) -> list[str]:
    """Return the orders that a text calls cancelled although the panel's books do not."""
    return [order for order in called_cancelled(text) if here.panel.orders[order].status != "canceled"]


async def live(here: World, ann: Any, card: Any, seconds: int) -> None:
    """Let time pass, and see at every step that nothing untrue is shown."""
    for _ in range(seconds // 5):
        await here.wait(5, step=5)
        assert untrue(here, "\n".join([shown(card), *messages(ann)])) == []


async def check_the_end(here: World, ann: Any, card: Any) -> None:
    """See that every order ended as it really did and that its user knows."""
    account = await here.app.ledger.read.account_of(ann.id)
    assert account
    assert await open_orders(here.app.ledger.read, account.id) == []
    states = {row.order_id: row.state for row in await orders_of(here.app.ledger.read, 1)}
    assert (states["ord_A"], states["ord_B"]) == ("cancelled", "cancelled")
    assert states["ord_C"] in ("refused", "completed")
    assert here.hasty() == []
    told = "\n".join([shown(card), *messages(ann)])
    assert called_cancelled(told) == {"ord_A", "ord_B"}
    assert "`ord_C`" in told
    assert await here.app.ledger.read.undelivered_notices(ann.id) == []
    assert await here.app.ledger.read.next_notice_due() is None


@pytest.mark.parametrize("step", BEFORE)
@pytest.mark.parametrize("fault", PANEL_FAULTS)
async def test_a_fault_of_the_panel_at_a_step(here: World, ann: Any, fault: str, step: str) -> None:
    for order, status in ORDERS.items():
        here.order(order, status)
    here.wire.faults = [FINE] * BEFORE[step] + [PANEL_FAULTS[fault]]
    card = await ann.slash("cancel", orders=" ".join(ORDERS))
    await live(here, ann, card, 300)
    await check_the_end(here, ann, card)
    assert set(here.panel.cancel_requests.values()) == {1}


@pytest.mark.parametrize("fault", PANEL_FAULTS)
async def test_a_fault_of_the_panel_while_watching(here: World, ann: Any, fault: str) -> None:
    for order, status in ORDERS.items():
        here.order(order, status)
    card = await ann.slash("cancel", orders=" ".join(ORDERS))
    await here.settle()
    assert "1 waiting" in shown(card)
    here.wire.faults = [PANEL_FAULTS[fault]] * 2
    await live(here, ann, card, 300)
    await check_the_end(here, ann, card)


@pytest.mark.parametrize("fault", PANEL_FAULTS)
async def test_a_fault_of_the_panel_while_a_person_waits(here: World, ann: Any, fault: str) -> None:
    here.order("ord_A")
    here.order("ord_B", OrderStatus.IN_PROGRESS)
    here.wire.faults = [PANEL_FAULTS[fault]]
    text = shown(await ann.slash("status", orders="ord_A ord_B"))
    assert "Something went wrong on my side" not in text
    assert "ord_Z" not in text
    here.wire.faults = [PANEL_FAULTS[fault]]
    bob = here.env.create_user("bob")
    text = await here.connect(bob)
    assert "Something went wrong on my side" not in text
    assert ("### Connected" in text) != ("### Not connected" in text)


DISCORD_FAULTS = {
    "500": (500, 0),
    "502": (502, 0),
    "503": (503, 0),
    "closed DMs": (403, 50007),
    "no common server": (403, 50278),
    "no access": (403, 50001),
    "too fast": (403, 40003),
    "flagged": (403, 20026),
    "channel deleted": (404, 10003),
    "message deleted": (404, 10008),
    "user left": (404, 10013),
    "webhook unknown": (404, 10015),
    "interaction unknown": (404, 10062),
    "token run out": (401, 50027),
    "something new": (400, 99999),
    "unauthorized": (401, 0),
    "blocked in between": (403, 40333),
    "not available": (503, 110001),
    "overloaded": (503, 130000),
    "not found": (404, 0),
}
ROUTES = {
    "the card": ("PATCH", "/webhooks/*"),
    "opening the DM": ("POST", "/users/@me/channels"),
    "the message": ("POST", "/channels/*/messages"),
}


@pytest.mark.parametrize("step", ROUTES)
@pytest.mark.parametrize("fault", DISCORD_FAULTS)
async def test_a_fault_of_discord_at_a_step(here: World, ann: Any, fault: str, step: str) -> None:
    for order, status in ORDERS.items():
        here.order(order, status)
    status, code = DISCORD_FAULTS[fault]
    card = await ann.slash("cancel", orders=" ".join(ORDERS))
    # A card is given up at the first refusal; a second one would hit the command at the end.
    here.env.inject_error(*ROUTES[step], status=status, code=code, times=1 if step == "the card" else 2)
    await live(here, ann, card, 120)
    await here.wait(1500, step=30)  # Discord may want to be left in peace for ten minutes, twice
    kept = await ann.slash("queued")  # whatever could not be delivered is shown at the next command
    assert "Nothing waiting" in shown(kept)
    await check_the_end_for(here, ann, card, kept)


async def check_the_end_for(here: World, ann: Any, card: Any, last: Any) -> None:
    """See that everything was told once, be it by the card, by a message or at the last command."""
    news = [text for text in messages(ann) if "ord_" in text]
    news += [repr(followup.components) for followup in last.followups]
    about_b = [text for text in news if "ord_B" in text]
    assert len(about_b) == 1
    assert "Cancelled" in about_b[0]
    assert "ord_A" in shown(card) + "".join(news)
    assert await here.app.ledger.read.next_notice_due() is None
    assert await here.app.ledger.read.undelivered_notices(ann.id) == []


@pytest.mark.parametrize("fault", DISCORD_FAULTS)
async def test_a_fault_of_discord_at_the_acknowledgement(here: World, ann: Any, fault: str) -> None:
    here.order("ord_A")
    status, code = DISCORD_FAULTS[fault]
    here.env.inject_error("POST", "/interactions/*", status=status, code=code, times=None)
    await ann.slash("cancel", orders="ord_A")
    await here.wait(30)
    assert here.cancel_calls() == []
    assert await here.app.ledger.read.request(1) is None
