"""What is counted for the operator, and that the dashboard shows it."""

import json
import re
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from bot.client import Client
from bot.demo.panel import Upstream
from bot.domain.order_status import OrderStatus
from bot.ledger import NoticeKind
from bot.ops.metrics import label_counts
from bot.panel import Answer
from cogs.registry import add_cogs
from tests.ops.page import metrics
from tests.rules.sources import ROOT
from tests.world import KEY, World

pytestmark = pytest.mark.usefixtures("env")


async def test_metrics_tell_what_is_open_and_how_it_ended(here: World, ann: Any, web: TestClient[Any, Any]) -> None:
    here.order("ord_A")
    here.order("ord_B", OrderStatus.IN_PROGRESS, upstream=Upstream())
    here.order("ord_C", OrderStatus.COMPLETED)
    await ann.slash("cancel", orders="ord_A ord_B ord_C")
    before = await metrics(web)
    assert before["notpanel_cancellations_open state=waiting"] == 3
    await here.settle()
    here.skip(6)
    exported = await metrics(web)
    still_open = {name.partition("=")[2]: value for name, value in exported.items() if "_open state" in name}
    assert still_open == {"waiting": 0, "requested": 0, "sending": 0, "accepted": 0, "queued": 1, "unknown": 0}
    assert exported["notpanel_oldest_queued_seconds"] == 6
    assert exported["notpanel_cancellations_ended_total state=cancelled"] == 1
    assert exported["notpanel_cancellations_ended_total state=completed"] == 1
    assert exported["notpanel_panel_calls_total action=cancel outcome=ok"] == 1
    assert exported["notpanel_panel_limit_remaining layer=ip"] == 300 - len(here.panel.calls)
    assert exported["notpanel_acknowledgement_seconds_count"] == 3  # /key set, its form, /cancel
    assert not [name for name, value in exported.items() if "refunds_proven_total" in name and value]
    await here.wait(90)
    assert (await metrics(web))["notpanel_refunds_proven_total by=charge"] == 1


async def test_every_series_is_there_from_the_start(here: World, web: TestClient[Any, Any]) -> None:
    """What begins at 1 has not increased, as far as an alert can tell."""
    at_first = await metrics(web)
    counted = {name for name, value in at_first.items() if "_total" in name and not name.startswith("process")}
    assert [name for name in counted if at_first[name]] == []
    user = here.env.create_user("ann")
    await here.connect(user)
    here.order("ord_A")
    here.order("ord_B", OrderStatus.IN_PROGRESS)
    here.wire.faults = [Answer(500, "down")]
    await user.slash("cancel", orders="ord_A ord_B")
    await user.slash("balance")
    await user.slash("status", orders="ord_A")
    await user.slash("refill", orders="ord_A")
    await here.wait(300)
    later = {name for name in await metrics(web) if "_total" in name and not name.startswith("process")}
    assert later == counted


async def test_metrics_tell_of_doubt_and_of_what_is_not_delivered(
    here: World, ann: Any, web: TestClient[Any, Any]
) -> None:
    here.order("ord_A", OrderStatus.IN_PROGRESS)
    await ann.slash("cancel", orders="ord_A")
    here.wire.faults = [Answer(500, "down")]
    here.wire.broken = "status"
    await here.settle()
    here.skip(100)
    exported = await metrics(web)
    assert exported["notpanel_cancellations_open state=unknown"] == 1
    assert exported["notpanel_oldest_unknown_seconds"] == 100
    assert exported["notpanel_look_overdue_seconds"] > 0
    assert exported["notpanel_panel_calls_total action=cancel outcome=unavailable"] == 1

    here.wire.broken = None
    await here.wait(130)
    async with here.app.ledger.write() as tx:
        account = await tx.account_of(ann.id)
        assert account
        await tx.notify(account, NoticeKind.REJECTED)
    here.skip(30)
    exported = await metrics(web)
    assert exported["notpanel_outbox_messages"] == 1
    assert exported["notpanel_outbox_oldest_seconds"] == 30


async def test_no_figure_names_anybody(here: World, ann: Any, web: TestClient[Any, Any]) -> None:
    here.order("ord_SECRET")
    await ann.slash("cancel", orders="ord_SECRET")
    await here.settle()
    page = await (await web.get("/metrics")).text()
    for secret in (str(ann.id), "ord_SECRET", KEY, KEY[-4:]):
        assert secret not in page
    labels = set(re.findall(r"[{,](\w+)=\"", page))
    known = "state", "action", "outcome", "layer", "loop", "le", "meaning", "by", "version", "python", "ledger"
    assert labels <= {*known}


async def test_the_dashboard_shows_what_is_exported(here: World, ann: Any, web: TestClient[Any, Any]) -> None:
    dashboard = json.loads((ROOT / "deploy/grafana.json").read_text("utf-8"))
    queries: list[str] = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    assert queries
    families = {family.name for family in text_string_to_metric_families(await (await web.get("/metrics")).text())}
    families |= {"notpanel_accounts_held", "notpanel_ledger_free_bytes"}  # each of one engine's
    named = {name for query in queries for name in re.findall(r"\b(?:notpanel|process)_\w+", query)}
    assert {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in named} <= families
    woken_by = set(re.findall(r"\bnotpanel_\w+", (ROOT / "deploy/alerts.yml").read_text("utf-8")))
    assert {re.sub(r"_total$", "", name) for name in woken_by} <= families
    shown = {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in named}
    assert {name for name in families if name.startswith("notpanel")} <= shown
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))


async def test_discords_refusals_are_counted(tmp_path: Path) -> None:
    """By the statuses that Discord counts: a 429 of a limit that many share is nobody's fault."""
    heard: list[tuple[int, bool]] = []
    answers = [(200, {}), (403, {}), (429, {"X-RateLimit-Scope": "shared"}), (429, {"X-RateLimit-Scope": "user"})]

    async def answer(_: aiohttp.web.Request) -> aiohttp.web.Response:
        status, headers = answers[len(heard)]
        return aiohttp.web.Response(status=status, headers=headers)

    app = aiohttp.web.Application()
    app.router.add_get("/", answer)
    async with TestServer(app) as server:
        client = Client(add_cogs=add_cogs, answered=lambda status, shared: heard.append((status, shared)))
        async with aiohttp.ClientSession(trace_configs=[client.http.http_trace]) as http:
            for _ in answers:
                await http.get(server.make_url("/"))
    assert heard == [(200, False), (403, False), (429, True), (429, False)]


def test_invalid_requests_are_those_of_the_last_ten_minutes(here: World) -> None:
    metrics = here.app.services.metrics
    for status, shared in ((401, False), (403, False), (429, False), (429, True), (404, False), (200, False)):
        metrics.discord_answered(status, shared)
    assert metrics.invalid_requests == 3
    assert label_counts(metrics.discord_requests) == {"invalid": 3, "failed": 2, "ok": 1}
    here.skip(600)
    assert metrics.invalid_requests == 0
