"""The rules of the house, read out of the sources: walls between rooms, settings, commands, papers."""

import ast
import re
import subprocess
from collections.abc import AsyncGenerator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bot.__main__ import main
from bot.client import COGS, Client
from bot.settings import Settings
from bot.store import Ledger
from bot.ui import buttons

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
EXAMPLE = ROOT / ".env.example"

CORE = (
    "panel",
    "store",
    "vault",
    "orders",
    "cancels",
    "worker",
    "schedule",
    "states",
    "accounts",
    "budget",
    "hazard",
    "watching",
)
DATABASES = {"sqlite3", "aiosqlite", "aiosql", "asyncpg"}
SQL = re.compile(
    r"\s*(SELECT\s.+\sFROM|INSERT\s+(OR\s+\w+\s+)?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|"
    r"(CREATE|ALTER|DROP)\s+(TABLE|INDEX|TRIGGER)|PRAGMA|BEGIN\s+IMMEDIATE)\b",
    re.IGNORECASE | re.DOTALL,
)


def sources(*folders: str) -> list[Path]:
    """Return the Python files below some of the project's folders."""
    found = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    assert found
    return found


def name_of(path: Path) -> str:
    """Return a file's path as a person writes it."""
    return path.relative_to(ROOT).as_posix()


def tree_of(path: Path) -> ast.Module:
    """Return a file's syntax tree."""
    return ast.parse(path.read_text("utf-8"))


def imports_of(path: Path) -> set[str]:
    """Return the full names of all that a file imports, wherever in the file."""
    found: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            found |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return found


def importers(paths: list[Path], *packages: str) -> list[str]:
    """Return which of these files import one of these packages or something inside it."""
    return [
        name_of(path)
        for path in paths
        if any(name == package or name.startswith(f"{package}.") for name in imports_of(path) for package in packages)
    ]


def core() -> list[Path]:
    """Return the files that must know nothing of Discord."""
    folders = [part for part in CORE if (ROOT / "bot" / part).is_dir()]
    files = [ROOT / "bot" / f"{part}.py" for part in CORE if part not in folders]
    assert all(path.is_file() for path in files)
    return [*sources(*(f"bot/{folder}" for folder in folders)), *files]


def test_the_core_knows_nothing_of_discord() -> None:
    assert importers(core(), "discord", "bot.ui", "bot.client", "bot.notices") == []


def test_nothing_in_bot_imports_the_cogs() -> None:
    assert importers(sources("bot"), "cogs") == []


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


def test_only_the_store_speaks_sql() -> None:
    outside = [path for path in sources("bot", "cogs") if ROOT / "bot/store" not in path.parents]
    assert importers(outside, *DATABASES) == []
    assert sql_in(outside) == []
    assert sql_in(sources("bot/store")) != []


def sql_in(paths: list[Path]) -> list[str]:
    """Return every string in these files that begins like a statement of SQL."""
    return [
        f"{name_of(path)}: {node.value[:40]}"
        for path in paths
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value)
    ]


def test_the_ui_does_no_io() -> None:
    ui = sources("bot/ui")
    forbidden = ("aiohttp", "httpx", "asyncio", "socket", *DATABASES, "bot.store.sqlite", "bot.store.ledger")
    assert importers(ui, *forbidden) == []
    names = {name for path in ui for name in imports_of(path)}
    assert names.isdisjoint({"bot.store.Ledger", "bot.store.Reader", "bot.store.Writer", "bot.panel.Panel"})
    waiting = {name_of(path) for path in ui for node in ast.walk(tree_of(path)) if isinstance(node, ast.Await)}
    assert waiting <= {"bot/ui/modals.py"}  # hands what was typed to the function it was given


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


def test_the_example_names_exactly_the_settings() -> None:
    names = re.findall(r"^#?([A-Z_]+)=", EXAMPLE.read_text("utf-8"), re.MULTILINE)
    assert sorted(names) == sorted(name.upper() for name in Settings.model_fields)


@pytest.mark.parametrize("mark", ["(?!)", "^#(?=[A-Z_]+=)"], ids=["as shipped", "every line in use"])
def test_the_example_loads_to_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mark: str) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    env = tmp_path / "settings"
    env.write_text(re.sub(mark, "", EXAMPLE.read_text("utf-8"), flags=re.MULTILINE), "utf-8")
    read = Settings(_env_file=env)  # pyright: ignore[reportCallIssue]
    assert read.model_dump() == Settings(_env_file=None).model_dump()  # pyright: ignore[reportCallIssue]


@pytest.fixture
async def client(tmp_path: Path) -> AsyncGenerator[Client]:
    """The bot's client with all its commands, not logged in."""
    async with Ledger.open(tmp_path / "ledger.sqlite3") as ledger:
        made = Client(ledger)
        for cog in COGS:
            await made.load_extension(cog)
        yield made
        await made.close()


def registered(client: Client) -> list[dict[str, Any]]:
    """Return what Discord is told about the commands."""
    commands = [command.to_dict(client.tree) for command in client.tree.get_commands()]
    assert commands
    return commands


def named_parts(entry: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a command, its groups, subcommands and options, with their full names."""
    path = f"{path} {entry['name']}".strip()
    yield path, entry
    for option in entry.get("options", ()):
        yield from named_parts(option, path)


def slash_commands(client: Client) -> list[str]:
    """Return every command as a user types it, groups left out."""
    subcommand, group = 1, 2
    found: list[str] = []
    for command in registered(client):
        parts = dict(named_parts(command))
        below = [name for name, part in parts.items() if name != command["name"] and part["type"] == subcommand]
        is_group = below or any(part["type"] == group for name, part in parts.items() if name != command["name"])
        found += below if is_group else [command["name"]]
    return found


async def test_every_command_and_option_says_what_it_is_for(client: Client) -> None:
    for command in registered(client):
        for name, part in named_parts(command):
            if command["type"] == 1:  # menus have no description
                assert 1 <= len(part["description"]) <= 100, name
                assert part["description"] != "…", name
            assert len(part["name"]) <= 32, name


async def test_every_command_works_in_all_places_and_for_both_installs(client: Client) -> None:
    for command in registered(client):
        assert sorted(command["contexts"]) == [0, 1, 2], command["name"]
        assert sorted(command["integration_types"]) == [0, 1], command["name"]


def test_every_cog_is_loaded() -> None:
    with_setup = {
        f"cogs.{path.stem}"
        for path in sources("cogs")
        for node in tree_of(path).body
        if isinstance(node, ast.AsyncFunctionDef) and node.name == "setup"
    }
    assert with_setup == set(COGS)


SOMEBODY = 2**63 - 1

EXAMPLES = {
    buttons.CONNECT: lambda: buttons.connect(),
    buttons.CONFIRM: lambda: buttons.confirm(SOMEBODY, 10_000),
    buttons.KEEP: lambda: buttons.keep(SOMEBODY),
    buttons.REMOVE_KEY: lambda: buttons.remove_key(),
    buttons.KEEP_KEY: lambda: buttons.keep_key(),
    buttons.NEWS: lambda: buttons.news(SOMEBODY),
    buttons.PASTE: lambda: buttons.paste(),
}


def test_every_button_has_an_example_here() -> None:
    assert set(EXAMPLES) == set(buttons.ALL)
    makers = [node.name for node in tree_of(ROOT / "bot/ui/buttons.py").body if isinstance(node, ast.FunctionDef)]
    assert len(makers) == len(buttons.ALL)


@pytest.mark.parametrize("template", buttons.ALL)
def test_a_button_is_known_by_its_own_template_alone(template: str) -> None:
    button = EXAMPLES[template]()
    assert button.custom_id is not None
    assert [other for other in buttons.ALL if re.fullmatch(other, button.custom_id)] == [template]
    assert len(button.custom_id) <= 100
    assert button.label is not None
    assert 1 <= len(button.label) <= 80


def test_every_template_is_answered_by_one_class_of_the_cogs() -> None:
    answered = [
        ast.unparse(keyword.value)
        for path in sources("cogs")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "Pressed" for base in node.bases)
        for keyword in node.keywords
    ]
    named = [name for name, value in vars(buttons).items() if name.isupper() and value in buttons.ALL]
    assert sorted(answered) == sorted(f"buttons.{name}" for name in named)


def repository() -> list[Path]:
    """Return every file that is or would be committed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git work tree: which files belong to the repository is not known")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    """Return every line of the repository's text files in which a pattern is found."""
    found: list[str] = []
    for path in repository():
        with suppress(UnicodeDecodeError):  # a picture
            lines = path.read_text("utf-8").splitlines()
            found += [f"{name_of(path)}:{n}: {line[:80]}" for n, line in enumerate(lines, 1) if pattern.search(line)]
    return found


REGISTRIES = (
    ("pypi", "org"),
    ("pythonhosted", "org"),
    ("registry", "npmjs"),
    ("deb", "debian", "org"),
    ("security", "debian", "org"),
    ("archive", "ubuntu", "com"),
    ("registry-1", "docker"),
    ("proxy", "golang", "org"),
)


def test_no_file_names_a_package_registry() -> None:
    hosts = "|".join(re.escape(".".join(parts)) for parts in REGISTRIES)
    option = "--" + r"(extra-)?index-" + "url|--" + "find-" + "links"
    assert lines_with(re.compile(hosts, re.IGNORECASE)) == []
    assert [line for line in lines_with(re.compile(option)) if line.startswith("requirements")] == []


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    roots = "|".join(("work", "root", "home", "Users", "mnt"))
    assert lines_with(re.compile(rf"(?<![\w.~-])/({roots})/\w|\b[A-Z]:\\" + "Users")) == []


def readme() -> str:
    """Return README.md."""
    if not README.is_file():
        pytest.skip("README.md is not written yet")
    return README.read_text("utf-8")


def code_lines(text: str) -> list[str]:
    """Return what a text sets as code: the lines of its blocks, and what stands between backticks."""
    blocks = re.findall(r"^```[^\n]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    prose = re.sub(r"^```[^\n]*\n.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()] + re.findall(r"`([^`\n]+)`", prose)


def commands_in(lines: list[str]) -> Iterator[list[str]]:
    """Yield the words of every shell command, without prompts, comments, settings and options."""
    for line in lines:
        for command in re.split(r"&&|;|\|", re.sub(r"(^|\s)#.*", "", line)):
            words = command.strip().removeprefix("$ ").split()
            yield [word for word in words if "=" not in word and (word == "-m" or not word.startswith("-"))]


def make_targets() -> set[str]:
    """Return the targets that `make help` lists."""
    return set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def test_the_makefile_lists_all_its_targets() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert phony
    assert set(phony[1].split()) == make_targets()


def test_the_readme_names_every_setting() -> None:
    text = readme()
    assert [name.upper() for name in Settings.model_fields if f"`{name.upper()}`" not in text] == []


async def test_the_readme_names_every_command(client: Client) -> None:
    text = readme()
    missing = [name for name in slash_commands(client) if not re.search(rf"/{name}(?![\w-])", text)]
    assert missing == []


def test_the_readme_names_every_make_target() -> None:
    named = {word for words in commands_in(code_lines(readme())) if words[:1] == ["make"] for word in words[1:]}
    assert sorted(make_targets() - named) == []


def test_every_make_target_in_the_readme_exists() -> None:
    for words in commands_in(code_lines(readme())):
        if words[:1] == ["make"]:
            assert set(words[1:]) <= make_targets(), words


def test_every_command_line_in_the_readme_exists(capsys: pytest.CaptureFixture[str]) -> None:
    for words in commands_in(code_lines(readme())):
        if "-m" in words and words[words.index("-m") + 1 :][:1] == ["bot"]:
            arguments = words[words.index("-m") + 2 :]
            with pytest.raises(SystemExit) as ended:
                main([*arguments, "--help"])
            assert ended.value.code == 0, (words, capsys.readouterr().err)
