"""The alert rules: played by Prometheus's own promtool, each explained to whoever is woken by it."""

import asyncio
import os
import re
import shutil
import subprocess

import pytest

from bot.ops.http.metrics import exposition
from tests.rules.sources import ROOT
from tests.world import World

RULES = (ROOT / "deploy/alerts.yml").read_text("utf-8")
ALERTS = re.findall(r"- alert: (\w+)", RULES)
PROMTOOL = shutil.which("promtool")


with_promtool = pytest.mark.skipif(
    PROMTOOL is None and not os.environ.get("CI"),
    reason="no promtool on this machine (Debian: apt install --no-install-recommends prometheus)",
)


@with_promtool
@pytest.mark.parametrize("command", [("check", "rules", "deploy/alerts.yml"), ("test", "rules", "tests/alerts.yml")])
def test_the_alerts_come_when_they_should_and_once(command: tuple[str, ...]) -> None:
    played = subprocess.run([PROMTOOL or "promtool", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert played.returncode == 0, played.stdout + played.stderr


@with_promtool
@pytest.mark.usefixtures("env")
async def test_prometheus_has_nothing_to_say_of_the_figures(here: World) -> None:
    page = await exposition(here.app.services.health)
    command = PROMTOOL or "promtool", "check", "metrics"
    checked = await asyncio.to_thread(subprocess.run, command, input=page, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_each_alert_says_how_bad_it_is_and_what_to_do() -> None:
    assert len(ALERTS) == len(set(ALERTS)) == RULES.count("severity: ")
    papers = (ROOT / "docs/operating.md").read_text("utf-8").partition("## Alerts")[2].partition("\n## ")[0]
    played = (ROOT / "tests/alerts.yml").read_text("utf-8")
    for alert, rule in zip(ALERTS, RULES.split("- alert: ")[1:], strict=True):
        assert re.search(r"severity: (critical|warning)\b", rule), alert
        for word in ("summary: ", "description: ", f"runbook: docs/operating.md, Alerts, {alert}\n"):
            assert word in rule, (alert, word)
        assert f"| `{alert}` |" in papers, alert
        assert f'alertname="{alert}"' in played, alert
