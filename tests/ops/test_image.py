"""The image, built and run as docs/operating.md says, wherever there is an engine that has or gets its base."""

import json
import re
import shutil
import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import TypeAlias

import pytest

from bot.ledger.schema import migrations
from tests.rules.sources import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
HARDENED = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true")
CODE = """
import importlib.util, json, os, sys
import bot.cli, bot.ops.doctor, asyncio, sqlite3, ssl, urllib.request
not_cached = [name for name, module in sys.modules.items()
              if (cached := getattr(module, "__cached__", None)) and not os.path.exists(cached)]
found = [name for name in ("pip", "setuptools", "wheel", "ensurepip") if importlib.util.find_spec(name)]
writable = [path for path in ("/", "/opt/app", "/opt/venv", "/usr/local", "/data", "/tmp") if os.access(path, os.W_OK)]
print(json.dumps([os.getuid(), os.getgid(), not_cached, found, writable]))
"""
HEALTH = """
import http.server, json, subprocess, sys, threading
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/healthz" else 404)
        self.end_headers()
server = http.server.HTTPServer(("127.0.0.1", 8080), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.exit(subprocess.run(json.loads(sys.argv[1])).returncode)
"""

Ended: TypeAlias = "subprocess.CompletedProcess[str]"


def call(*command: str, timeout: int = 120) -> Ended:
    """Run a command of an engine's."""
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=timeout)


def engine_here() -> str | None:
    """Return the command of an engine that answers; None where there is none."""
    return next(
        (name for name in ("docker", "podman") if shutil.which(name) and not call(name, "info").returncode), None
    )


class Image:
    """The image, as an engine has built it."""

    def __init__(self, engine: str) -> None:
        self.engine = engine
        self.name = "notpanel-bot:tried"

    def run(self, *arguments: str, options: tuple[str, ...] = ()) -> Ended:
        """Run it as an operator does, with nothing to write to but its volume, and with no network."""
        return call(self.engine, "run", "--rm", "--network", "none", *HARDENED, *options, self.name, *arguments)

    def python(self, *arguments: str, which: str = "python") -> Ended:
        """Run Python in it."""
        return self.run(*arguments, options=("--entrypoint", which))


@pytest.fixture(scope="module")
def image() -> Generator[Image]:
    """Build the image; skip the test where that is not possible."""
    engine = engine_here()
    if engine is None:
        pytest.skip("no container engine answers here (Docker's daemon, or podman)")
    version = re.search(r"^ARG PYTHON=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert version
    base = f"python:{version[1]}"
    if call(engine, "image", "inspect", base).returncode and call(engine, "pull", base).returncode:
        pytest.skip(f"{engine} cannot fetch {base} here")
    if call(engine, "run", "--rm", "--network", "none", base, "true").returncode:
        pytest.skip(f"{engine} can run no container here")
    made = Image(engine)
    built = call(engine, "build", "--tag", made.name, ".", timeout=900)
    assert built.returncode == 0, built.stdout[-3000:] + built.stderr[-3000:]
    yield made
    call(engine, "image", "rm", made.name)


def test_the_image_makes_its_ledger_on_a_read_only_root(image: Image) -> None:
    ended = image.run("migrate")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == f"/data/ledger.sqlite3: schema {max(number for number, *_ in migrations('sqlite'))}\n"


def test_the_images_doctor_says_what_is_missing(image: Image) -> None:
    ended = image.run("doctor")
    assert ended.returncode == 1, ended.stderr
    assert re.search(r"^failed +token .*DISCORD_TOKEN", ended.stdout, re.MULTILINE), ended.stdout


def test_the_image_holds_no_installer_has_all_bytecode_and_writes_nowhere_but_to_its_data(image: Image) -> None:
    ended = image.python("-c", CODE)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == [10001, 10001, [], [], ["/data", "/tmp"]]
    for python in ("python", "/usr/local/bin/python"):
        assert "No module named pip" in image.python("-m", "pip", which=python).stderr


def test_the_images_health_check_finds_its_server(image: Image) -> None:
    command = re.search(r"^HEALTHCHECK .*\n\s+CMD (\[.+\])$", DOCKERFILE, re.MULTILINE)
    assert command
    ended = image.python("-c", HEALTH, command[1])
    assert ended.returncode == 0, ended.stderr


def test_a_token_that_the_images_user_may_not_read_is_named(image: Image, tmp_path: Path) -> None:
    secret = tmp_path / "discord_token"
    secret.write_text("hunter2")
    secret.chmod(0o600)
    ended = image.run(options=("-v", f"{secret}:/run/secrets/discord_token:ro"))
    assert ended.returncode == 2, ended.stderr
    assert "/run/secrets/discord_token can't be read: it belongs to user" in ended.stderr
    assert "the bot runs as user 10001" in ended.stderr
