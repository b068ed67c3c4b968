"""Dockerfile, compose.yaml and the systemd unit: hardened, and saying what the code says."""

import asyncio
import json
import os
import re
import sys
from collections import defaultdict
from typing import Any

import pytest
import yaml
from aiohttp import web

from bot import cli as command_line
from bot.settings import Settings
from tests.panel.fakes import loopback
from tests.rules.sources import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
UNIT = (ROOT / "deploy/notpanel-bot.service").read_text("utf-8")


def parsed(name: str) -> Any:
    """Return what a YAML file says."""
    return yaml.safe_load((ROOT / name).read_text("utf-8"))


def directives() -> dict[str, list[str]]:
    """Return what the unit sets, every value of each."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name, value in re.findall(r"^(\w+)=(.*)$", UNIT, re.MULTILINE):
        found[name].append(value)
    return found


def test_the_image_runs_as_nobody_in_particular_with_wheels_of_known_hashes() -> None:
    last_stage = DOCKERFILE.split("FROM ")[-1]
    assert re.findall(r"^USER (.+)$", last_stage, re.MULTILINE) == ["10001:10001"]
    installs = re.findall(r"pip .*?\binstall(?:.*\\\n)*.*", DOCKERFILE)
    assert len(installs) == 1
    assert "--require-hashes" in installs[0]
    assert "--only-binary :all:" in installs[0]
    assert "pip uninstall" in last_stage
    assert re.search(r"\binstall\b", last_stage) is None


def test_the_image_is_made_of_what_reaches_its_builder_and_of_nothing_else() -> None:
    let_in = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text("utf-8"), re.MULTILINE)
    copied = re.findall(r"^COPY (?!--from)(\S+)", DOCKERFILE, re.MULTILINE)
    assert sorted(let_in) == sorted(source.replace("${LOCK}", "requirements*.txt") for source in copied)


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
async def test_the_image_is_healthy_when_the_bot_says_so(status: int, healthy: bool) -> None:
    asked: list[str] = []

    async def healthz(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=status)

    command = re.search(r"^HEALTHCHECK .*\n\s+CMD (\[.+\])$", DOCKERFILE, re.MULTILINE)
    assert command
    python, *rest = json.loads(command[1])
    assert python == "python"
    async with loopback(healthz) as url:
        env = {**os.environ, "HTTP_PORT": url.split(":")[2].split("/")[0]}
        process = await asyncio.create_subprocess_exec(
            sys.executable, *rest, env=env, stderr=asyncio.subprocess.DEVNULL
        )
        assert (await process.wait() == 0) is healthy
    assert asked == ["/healthz"]


@pytest.mark.parametrize(
    "service", parsed("compose.yaml")["services"].values(), ids=list(parsed("compose.yaml")["services"])
)
def test_a_container_may_do_no_more_than_it_needs(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert "ports" not in service


def test_secrets_reach_the_bot_as_files_named_like_its_settings() -> None:
    compose = parsed("compose.yaml")
    bot = compose["services"]["bot"]
    assert bot["environment"] == {"DATABASE_WITHOUT_TLS": "yes"}
    assert set(bot["secrets"]) <= set(Settings.model_fields)
    assert {name for service in compose["services"].values() for name in service["secrets"]} == set(compose["secrets"])
    assert all(secret["file"].startswith("./secrets/") for secret in compose["secrets"].values())
    given = [value.split(":")[0] for value in directives()["LoadCredential"]]
    assert given
    assert set(given) <= set(Settings.model_fields)


def test_a_supervisor_brings_back_what_ends_and_leaves_what_cannot_start() -> None:
    unit = directives()
    assert unit["Restart"] == ["always"]
    assert {service["restart"] for service in parsed("compose.yaml")["services"].values()} == {"unless-stopped"}
    hopeless = {value for name, value in vars(command_line).items() if name.startswith("EXIT_")}
    hopeless -= {command_line.EXIT_PASSING}
    assert set(map(int, unit["RestartPreventExitStatus"][0].split())) == hopeless
    assert int(unit["TimeoutStopSec"][0]) > 10
    assert parsed("compose.yaml")["services"]["bot"]["stop_grace_period"] == "15s"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LimitCORE", "0"),
        ("LimitNOFILE", "4096"),
        ("IPAddressDeny", "link-local multicast fd00:ec2::254"),
        ("StartLimitIntervalSec", "0"),
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("CapabilityBoundingSet", ""),
        ("ProtectProc", "invisible"),
        ("ProcSubset", "all"),
        ("StateDirectoryMode", "0700"),
        ("UMask", "0077"),
    ],
)
def test_the_unit_is_hardened(name: str, value: str) -> None:
    assert directives()[name] == [value]


def test_renovates_configuration_is_json() -> None:
    assert json.loads((ROOT / "renovate.json").read_text("utf-8"))["packageRules"]
