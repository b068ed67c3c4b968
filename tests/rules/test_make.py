"""The Makefile, `.ci/run` and the workflow do what is said of them."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from tests.rules.sources import ROOT


def parsed(name: str) -> Any:
    """Return what a YAML file says."""
    return yaml.safe_load((ROOT / name).read_text("utf-8"))


def collected(*options: str) -> set[str]:
    """Return the names of the tests that pytest would run."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--collect-only", "-q", *options]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout[-2000:] + made.stderr
    return {line for line in made.stdout.splitlines() if "::" in line}


def test_each_test_that_has_a_ledger_runs_on_one_engine_or_the_other() -> None:
    with ThreadPoolExecutor() as pool:
        sqlite, postgresql = pool.map(lambda engine: collected("--ledger", engine), ("sqlite", "postgresql"))
    assert not sqlite & postgresql
    on_both = {name for name in sqlite if re.search(r"\[sqlite[]-]", name)}
    assert on_both
    assert {name.replace("[sqlite", "[postgresql") for name in on_both} <= postgresql


def test_clean_removes_all_that_was_made_and_nothing_else(tmp_path: Path) -> None:
    """Whatever git ignores is either made here, and then removed, or one's own, and then kept."""
    kept = {".env", "backups/", "data/", "mine.sqlite3-wal", "my-encryption.keys.old", "secrets/"}
    made = {".hypothesis/", ".pytest_cache/", ".ruff_cache/", ".venv", "bot/cards/__pycache__/", "sbom.json"}
    for name in ("Makefile", ".gitignore"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("bot/cards/module.py", "cogs/module.py", "tests/module.py"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    for name in kept | made:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir()
            path /= "something"
        path.touch()
    environment = {**os.environ, "GIT_DIR": str(tmp_path / ".git"), "GIT_WORK_TREE": str(tmp_path)}

    def ignored() -> set[str]:
        command = ["git", "ls-files", "--others", "--ignored", "--exclude-standard", "--directory"]
        return set(subprocess.check_output(command, cwd=tmp_path, env=environment, text=True).splitlines())

    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, env=environment, check=True)
    patterns = [line for line in (ROOT / ".gitignore").read_text("utf-8").splitlines() if line and line[0] != "#"]
    assert ignored() == kept | made
    assert len(patterns) == len(kept | made)  # else it names something that is missing here
    subprocess.run(["make", "--silent", "clean"], cwd=tmp_path, check=True)
    assert ignored() == kept


def test_a_lock_takes_no_release_that_is_younger_than_what_renovate_waits_for() -> None:
    locked = subprocess.check_output(["make", "--dry-run", "lock", "python=true"], cwd=ROOT, text=True)
    compiled = re.findall(r"^\.venv/bin/uv pip compile .*$", locked.replace("\\\n", " "), re.MULTILINE)
    assert len(compiled) == 4
    waits = json.loads((ROOT / "renovate.json").read_text("utf-8"))["minimumReleaseAge"]
    assert all(f"--exclude-newer '{waits}'" in command for command in compiled)


def test_the_workflow_runs_what_ci_runs_with_actions_pinned_to_a_commit() -> None:
    workflow = parsed(".github/workflows/ci.yml")
    assert workflow["permissions"] == {"contents": "read"}
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    assert "bash .ci/run" in [step.get("run") for step in steps]
    used = [step["uses"] for step in steps if "uses" in step]
    assert used
    assert "make test-quick" in [step.get("run") for step in workflow["jobs"]["python"]["steps"]]
    assert [one for one in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", one)] == []


def test_each_python_that_the_metadata_claims_is_tried_by_the_workflow() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    claimed = [name.removeprefix("Programming Language :: Python :: ") for name in project["classifiers"]]
    jobs = parsed(".github/workflows/ci.yml")["jobs"]
    (oldest,) = re.findall(r"^python:(\S+)-bookworm$", jobs["check"]["container"])
    assert claimed == [oldest, *jobs["python"]["strategy"]["matrix"]["version"]]
    assert project["requires-python"] == f">={oldest}"
    assert f"Python {oldest} or newer" in (ROOT / "README.md").read_text("utf-8")
