"""The Makefile, `.ci/run` and the workflow do what is said of them."""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import yaml

from tests.rules.sources import ROOT


def parsed(name: str) -> Any:
    """Return what a YAML file says."""
    return yaml.safe_load((ROOT / name).read_text("utf-8"))


def collected(*options: str) -> set[str]:
    """Return the names of the tests that pytest would run."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--collect-only", "-qq", *options]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout[-2000:] + made.stderr
    return {line for line in made.stdout.splitlines() if "::" in line}


def test_each_test_runs_once_with_one_engine_or_the_other() -> None:
    with ThreadPoolExecutor() as pool:
        everything, sqlite, postgresql = pool.map(
            lambda options: collected(*options), ([], ["--ledger", "sqlite"], ["--ledger", "postgresql"])
        )
    assert sqlite | postgresql == everything
    assert not sqlite & postgresql
    assert {name.replace("[sqlite", "[postgresql") for name in sqlite if "[sqlite" in name} <= postgresql


def test_the_workflow_runs_what_ci_runs_with_actions_pinned_to_a_commit() -> None:
    workflow = parsed(".github/workflows/ci.yml")
    assert workflow["permissions"] == {"contents": "read"}
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    assert "bash .ci/run" in [step.get("run") for step in steps]
    used = [step["uses"] for step in steps if "uses" in step]
    assert used
    assert [one for one in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", one)] == []
