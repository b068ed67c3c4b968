"""What all tests share."""

import os
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any

import pytest
import simcord
from hypothesis import settings
from pydantic import SecretStr

from bot.ledger import migrate
from tests.folders import in_memory
from tests.ledgers import Below, ledger_in, no_server
from tests.postgres import Postgres, programs, running
from tests.world import World, world

# The machines that run these tests are noisy; speed is measured in benchmarks.
settings.register_profile("here", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=20)
settings.load_profile("here")

if folder := in_memory():
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(folder))  # where pytest makes its folders


ENGINES = ("sqlite", "postgresql")


NOT_QUICK = (
    "tests/abuse",
    "tests/demo",
    "tests/panel/test_client.py",
    "tests/panel/test_deadline.py",
    "tests/panel/test_own_answer.py",
    "tests/panel/test_pool.py",
    "tests/rules/test_make.py",
    "tests/rules/test_packages.py",
    "tests/ledger/test_move.py",
    "tests/ledger/test_one_process.py",
    "tests/ledger/test_postgres",
    "tests/ops/test_alerts.py",
    "tests/ops/test_backup_jobs.py",
    "tests/test_command_line.py",
    "tests/test_owners.py",
    "tests/test_progress_bar.py",
    "tests/demo/test_demo.py",
    "tests/ledger/test_disk.py",
    "tests/ops/test_doctor_probes.py",
    "tests/ops/test_operating.py",
    "tests/ops/test_image.py",
    "tests/ledger/test_ledger_machine.py",
    "tests/services/test_reading_room.py",
    "tests/workers/test_schedule.py",
    "tests/cards/test_sizes.py",
    "tests/ledger/test_upgrade.py",
    "tests/wire",
)
"""Where tests begin that `--quick` leaves out: they open sockets or take long."""
QUICK_WITH_A_BOT = "tests/cogs/test_every_command.py"
"""Of the tests of a whole bot, those that it keeps."""
OUTSIDE = {"socket.bind", "socket.connect"}
"""What no quick test does, in the names of Python's audit events."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the tests that have a ledger run on one engine, or only the quick ones run."""
    parser.addoption(
        "--ledger",
        choices=ENGINES,
        help="sqlite: all but what needs PostgreSQL; postgresql: what is on PostgreSQL, alone",
    )
    parser.addoption("--quick", action="store_true", help="run what needs no socket, process or PostgreSQL, on SQLite")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers."""
    config.addinivalue_line("markers", "settings(**values): settings of the bot in this test's world")
    config.addinivalue_line("markers", "sqlite: about files of SQLite's, or about its very words")
    config.addinivalue_line("markers", "postgresql: about what only PostgreSQL can do")
    if config.option.quick:
        config.option.ledger = "sqlite"
        settings.load_profile("quick")


def _stay_inside(event: str, _: tuple[Any, ...]) -> None:
    """Fail a quick test that opens a socket: it belongs into `NOT_QUICK`."""
    if event in OUTSIDE:
        raise RuntimeError(f"{event} in a quick test: name it in NOT_QUICK of tests/conftest.py")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is on the other engine, and of a quick run what is not quick."""
    if config.option.quick:
        sys.addaudithook(_stay_inside)  # not before: pytest-xdist starts its workers as processes
    elif not config.option.ledger:
        return
    on_postgresql = config.option.ledger == "postgresql"
    kept: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        runs = _is_on_postgresql(item) == on_postgresql and (not config.option.quick or _is_quick(item))
        (kept if runs else left_out).append(item)
    config.hook.pytest_deselected(items=left_out)
    items[:] = kept


def _is_on_postgresql(item: pytest.Item) -> bool:
    values = item.callspec.params.values() if isinstance(item, pytest.Function) and hasattr(item, "callspec") else ()
    return "postgres" in getattr(item, "fixturenames", ()) or "postgresql" in values


def _is_quick(item: pytest.Item) -> bool:
    if item.nodeid.startswith(NOT_QUICK):
        return False
    return "here" not in getattr(item, "fixturenames", ()) or item.nodeid.startswith(QUICK_WITH_A_BOT)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write one line for each reason to skip."""
    skipped = terminalreporter.stats.get("skipped", ())
    for reason, count in Counter(report.longrepr[2] for report in skipped).most_common():
        terminalreporter.write_line(f"{count} skipped: {reason.removeprefix('Skipped: ')}")


def pytest_report_header(config: pytest.Config) -> str:
    """Say what runs on which engine."""
    found = f"of {folder}" if (folder := programs()) else "which is not installed here"
    return f"ledger: {config.option.ledger or ' and '.join(ENGINES)} (PostgreSQL {found})"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that has a ledger on both engines."""
    if "below" not in metafunc.fixturenames or metafunc.definition.get_closest_marker("sqlite"):
        return
    if hasattr(metafunc.module, "below"):  # one of its own, with engines of its own
        return
    if metafunc.definition.get_closest_marker("postgresql"):
        metafunc.parametrize("below", ["postgresql"], indirect=True)
    else:
        metafunc.parametrize("below", ENGINES, indirect=True)


@pytest.fixture(scope="session")
def postgres() -> Generator[Postgres]:
    """A running server, with a database to copy that holds an empty ledger."""
    if (binaries := programs()) is None:
        no_server()
        return
    with running(binaries) as server:
        url = server.create(migrated=False)
        migrate(SecretStr(url))
        server.keep_as_template(url)
        yield server


@pytest.fixture
def below(tmp_path: Path, request: pytest.FixtureRequest) -> Generator[Below]:
    """Room for a ledger."""
    engine = getattr(request, "param", "sqlite")
    with ledger_in(tmp_path, request.getfixturevalue("postgres") if engine == "postgresql" else None) as made:
        yield made


@pytest.fixture
async def here(tmp_path: Path, below: Below, request: pytest.FixtureRequest) -> AsyncGenerator[World]:
    """A world of its own for a test, with the settings of its marker."""
    marker = request.node.get_closest_marker("settings")
    async with world(tmp_path, below, **(marker.kwargs if marker else {})) as made:
        yield made


@pytest.fixture
def env(here: World) -> simcord.Env:
    """The simulated Discord; SimCord's plugin puts a test under the clock of the Env among its fixtures."""
    return here.env


@pytest.fixture
async def ann(here: World, env: simcord.Env) -> Any:
    """A user with a key, in a DM with the bot."""
    with env.time_context():
        user = env.create_user("ann")
        await here.connect(user)
    return user
