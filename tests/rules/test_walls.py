"""The walls between the rooms, and what no source may do."""

import ast
import re
import sys
from pathlib import Path

import pytest

from tests.rules.sources import ROOT, imports_of, name_of, sources, tree_of

WITHOUT_DISCORD = ("domain", "panel", "ledger", "services", "workers")
DATABASES = {"sqlite3", "aiosqlite", "aiosql", "asyncpg"}
SQL = re.compile(
    r"\s*(SELECT\s.+\sFROM|INSERT\s+(OR\s+\w+\s+)?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|"
    r"(CREATE|ALTER|DROP)\s+(TABLE|INDEX|TRIGGER)|PRAGMA|BEGIN\s+IMMEDIATE)\b",
    re.IGNORECASE | re.DOTALL,
)


def importers(paths: list[Path], *packages: str) -> list[str]:
    """Return which of these files import one of these packages or something inside it."""
    return [
        name_of(path)
        for path in paths
        if any(name == package or name.startswith(f"{package}.") for name in imports_of(path) for package in packages)
    ]


def closure(path: Path) -> set[str]:
    """Return the names of all that a file imports, by itself or through modules of the bot's own."""
    found, ahead = set[str](), [path]
    while ahead:
        for name in imports_of(ahead.pop()) - found:
            found.add(name)
            inside = ROOT / name.replace(".", "/")
            ahead += [file for file in (inside.with_suffix(".py"), inside / "__init__.py") if file.is_file()]
    return found


def test_the_domain_is_pure() -> None:
    """It imports the standard library, pydantic and itself, also through others."""
    allowed = {*sys.stdlib_module_names, "pydantic"} - {"sqlite3", "asyncio", "socket", "urllib", "http", "subprocess"}
    impure = {
        f"{name_of(path)}: {name}"
        for path in sources("bot/domain")
        for name in closure(path)
        if name.split(".")[0] not in allowed and name != "bot.domain" and not name.startswith("bot.domain.")
    }
    assert impure == set()


def test_the_rooms_behind_the_cards_know_nothing_of_discord() -> None:
    rooms = sources(*(f"bot/{room}" for room in WITHOUT_DISCORD))
    assert importers(rooms, "discord", "bot.cards", "bot.client", "bot.delivery", "cogs") == []


def test_discord_is_known_in_few_rooms() -> None:
    rooms = [ROOT / "bot" / name for name in ("cards", "delivery", "demo", "ops")]
    outside = [path for path in sources("bot") if not {*rooms} & {*path.parents}]
    assert set(importers(outside, "discord")) <= {
        "bot/app.py",
        "bot/cli.py",
        "bot/client.py",
        "bot/logs.py",
    }  # logs.py: the names of its loggers


def test_only_the_composition_root_imports_the_cogs() -> None:
    assert importers(sources("bot"), "cogs") == ["bot/app.py"]


def test_every_import_names_its_whole_path() -> None:
    relative = [
        f"{name_of(path)}: {name}"
        for path in sources("bot", "cogs", "tests")
        for name in imports_of(path)
        if name.startswith(".")
    ]
    assert relative == []  # a relative import would slip past the other rules here


def test_only_the_panel_speaks_http() -> None:
    outside = [path for path in sources("bot", "cogs") if ROOT / "bot/panel" not in path.parents]
    assert importers(outside, "httpx", "httpx2", "requests", "urllib.request", "http.client") == []
    assert importers(sources("bot/panel"), "httpx", "httpx2") != []


def test_only_the_http_room_serves_http() -> None:
    outside = [
        path for path in sources("bot", "cogs") if not {ROOT / "bot/ops/http", ROOT / "bot/demo"} & {*path.parents}
    ]
    assert importers(outside, "aiohttp.web") == []
    assert importers(sources("bot/ops/http"), "aiohttp.web") != []


def test_metrics_are_declared_in_one_file() -> None:
    users = {"bot/ops/metrics.py", "bot/ops/http/metrics.py"}
    assert set(importers(sources("bot", "cogs"), "prometheus_client")) == users


def test_only_the_store_speaks_sql() -> None:
    outside = [path for path in sources("bot", "cogs") if ROOT / "bot/ledger" not in path.parents]
    assert importers(outside, *DATABASES) == []
    assert sql_in(outside) == []
    assert sql_in(sources("bot/ledger")) != []


def sql_in(paths: list[Path]) -> list[str]:
    """Return every string in these files that begins like a statement of SQL."""
    return [
        f"{name_of(path)}: {node.value[:40]}"
        for path in paths
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value)
    ]


def test_the_ui_does_no_io() -> None:
    ui = sources("bot/cards")
    forbidden = (
        "aiohttp",
        "httpx",
        "asyncio",
        "socket",
        *DATABASES,
        "bot.ledger.sqlite",
        "bot.ledger.ledger",
        "bot.ledger.reader",
        "bot.ledger.writer",
    )
    assert importers(ui, *forbidden) == []
    names = {name for path in ui for name in imports_of(path)}
    assert names.isdisjoint({"bot.ledger.Ledger", "bot.ledger.Reader", "bot.ledger.Writer", "bot.panel.Panel"})
    waiting = {name_of(path) for path in ui for node in ast.walk(tree_of(path)) if isinstance(node, ast.Await)}
    assert waiting <= {"bot/cards/modals.py"}  # hands what was typed to the function it was given


def test_nothing_asks_for_a_time_without_a_zone() -> None:
    naive = [
        f"{name_of(path)}:{getattr(node, 'lineno', 0)}"
        for path in sources("bot", "cogs")
        for node in ast.walk(tree_of(path))
        if is_naive(node)
    ]
    assert naive == []


def is_naive(call: ast.AST) -> bool:
    """Tell whether this is a call that makes a datetime which does not know its zone."""
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
        return False
    owner, name = ast.unparse(call.func.value).split(".")[-1], call.func.attr
    given = len(call.args) + len(call.keywords)
    missing = (name == "now" and given < 1) or (name == "fromtimestamp" and given < 2)
    return owner in ("datetime", "date") and (missing or name in ("utcnow", "utcfromtimestamp", "today"))


@pytest.mark.parametrize(
    ("text", "naive"),
    [
        ("datetime.now()", True),
        ("datetime.datetime.utcnow()", True),
        ("datetime.fromtimestamp(0)", True),
        ("datetime.now(UTC)", False),
        ("datetime.fromtimestamp(0, tz=UTC)", False),
    ],
)
def test_naive_times_are_told_from_aware_ones(text: str, naive: bool) -> None:
    assert is_naive(ast.parse(text, mode="eval").body) is naive


def test_every_connection_to_a_file_is_closed() -> None:
    """`with sqlite3.connect(…)` ends a transaction and leaves the file open, of which Python 3.13 warns."""
    left_open = [
        f"{name_of(path)}:{item.context_expr.lineno}"
        for path in sources("bot", "cogs", "tests")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.With)
        for item in node.items
        if isinstance(item.context_expr, ast.Call) and ast.unparse(item.context_expr.func) == "sqlite3.connect"
    ]
    assert left_open == []


def test_no_test_uses_a_mock() -> None:
    assert importers(sources("tests"), "unittest.mock", "mock", "pytest_mock") == []
    asking = [
        f"{name_of(path)}: {node.name}"
        for path in sources("tests")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and any(argument.arg == "mocker" for argument in node.args.args)
    ]
    assert asking == []


def test_the_bot_begins_on_windows_which_lacks_some_modules() -> None:
    lacking = {"resource", "fcntl", "pwd", "grp", "termios"}
    at_the_top = {
        (name_of(path), name.partition(".")[0])
        for path in sources("bot", "cogs")
        for node in tree_of(path).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([one.name for one in node.names] if isinstance(node, ast.Import) else [node.module or ""])
    }
    assert [one for one in at_the_top if one[1] in lacking] == []
